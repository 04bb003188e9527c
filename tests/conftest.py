"""What the tests share: tfpt as a person runs it, and one run of every shipped scenario."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from hypothesis import settings

from tfpt_cli.cli.main import main
from tfpt_cli.engine.options import Options
from tfpt_cli.engine.session import Session
from tfpt_cli.workers.process import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
SCENARIOS = ROOT / "scenarios"

# A test that passed once is to be run again, in processes of its own; what is kept between two runs has its own tests.
os.environ["TFPT_CACHE"] = os.environ["TFPT_WARM"] = "0"

# No deadline: these machines are noisy. In CI the same examples at every run; by hand new ones each time.
settings.register_profile("tfpt", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("tfpt")


@dataclass(frozen=True)
class Done:
    """A finished `tfpt`."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.out)
        return report


def run_tfpt(
    *arguments: str | Path, cwd: Path = ROOT, timeout: float = 3000, environment: dict[str, str] | None = None
) -> Done:
    """Runs `python -m tfpt_cli` in a process of its own; no run may print a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "tfpt_cli", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    # Not an `assert ... not in`: of a report of 30 MB pytest would show where it differs, for hours.
    for text in (done.stderr, done.stdout):
        if (place := text.find("Traceback")) >= 0:
            pytest.fail(f"a traceback: {text[max(place - 500, 0) : place + 3000]}\n{done.stderr[-2000:]}")
    return Done(done.returncode, done.stdout, done.stderr)


# What no command may print, but where a test makes tfpt itself fail.
TRACEBACK = "Traceback"


class _Warm:
    """In place of a `Session`: the one that stays, its processes already started."""

    started: Session | None = None

    def __init__(self, options: Options) -> None:
        usual = Options()
        own = (options.workers, options.sides, options.limits)
        assert own == (usual.workers, usual.sides, usual.limits), "what has processes of its own is for run_tfpt"

    def __enter__(self) -> Session:
        if _Warm.started is None:
            # A slow machine is no failure: torch.compile alone takes a minute on one that is busy.
            _Warm.started = Session(Options(limits=Limits(timeout=1200, start=3000)))
            _Warm.started.__enter__()
        return _Warm.started

    def __exit__(self, *_: object) -> None:
        pass


def warm_tfpt(
    *arguments: str | Path, cwd: Path = ROOT, columns: int = 80, stdout: io.TextIOWrapper | None = None
) -> Done:
    """Runs `tfpt` in this process, with frameworks that stay warm: for what needs no process of its own.

    What it prints goes to a stream of one's own where one is given.
    """
    out, err = io.StringIO(), io.StringIO()
    before, commands = Path.cwd(), ("check", "one_liners", "transfer")
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(stdout or out),
        contextlib.redirect_stderr(err),
    ):
        for name in commands:
            patch.setattr(f"tfpt_cli.cli.{name}.Session", _Warm)
        patch.setenv("COLUMNS", str(columns))
        patch.setattr(sys, "argv", ["tfpt", *map(str, arguments)])
        os.chdir(cwd)
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            os.chdir(before)
    assert TRACEBACK not in err.getvalue(), err.getvalue()
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def pytest_sessionfinish() -> None:
    """Ends the warm frameworks."""
    if _Warm.started is not None:
        _Warm.started.__exit__()


# The longest first, so that no processor has one of them left when the others are done; and of those that ask for the run of all
# shipped scenarios only one at the beginning, so that no processor waits for another.
_FIRST = (
    "test_scenarios.py",
    "test_selfcheck.py",
    "test_odd_inputs.py",
    "test_warm.py",
    "test_audit.py",
    "test_transfer.py",
    "test_commands.py",
    "test_workers.py",
    "test_causes.py",
    "test_pytest_plugin.py",
    "test_model_failures.py",
    "test_checkpoint_errors.py",
    "test_wheel.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the files, which xdist hands out in this order."""
    order = {name: place for place, name in enumerate(_FIRST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[], str]], dict[str, Any]]:
    """Makes a JSON text once for all workers of xdist, by its name, and gives what it says."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def _once(name: str, make: Callable[[], str]) -> dict[str, Any]:
        path = folder / f"{name}.json"
        with FileLock(folder / f"{name}.lock"):
            if not path.exists():
                path.write_text(make(), encoding="utf-8")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    return _once


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one network's weights in every format, written once for all workers of xdist."""
    from tests.weight_files import write_all  # only what reads weights needs what it imports

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "weights"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            write_all(folder)
    return folder


@pytest.fixture(scope="session")
def truth(weights: Path) -> dict[str, Any]:
    """The numbers of those weights by PyTorch's names, as the library of safetensors reads them."""
    from safetensors.numpy import load_file

    return dict(load_file(weights / "net.safetensors"))


@pytest.fixture(scope="session")
def shipped(once: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The JSON report of one `tfpt check scenarios`."""
    return once("shipped", lambda: run_tfpt("check", "scenarios", "--format", "json").out)


@pytest.fixture(scope="session")
def shipped_elsewhere(shipped: dict[str, Any], once: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The JSON report of the files in which a scenario depends on TensorFlow's oneDNN, with oneDNN as it is not here."""
    files = {s["file"] for s in shipped["scenarios"] if s["status"] == "skipped"}
    other = {"TF_ENABLE_ONEDNN_OPTS": "0" if shipped["environment"]["tensorflow_onednn"] == "on" else "1"}
    return once("elsewhere", lambda: run_tfpt("check", *sorted(files), "--format", "json", environment=other).out)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a scenario file and gives its path."""

    def _write(text: str, name: str = "scenario.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return _write


@pytest.fixture
def fakes(tmp_path: Path) -> dict[str, str]:
    """An environment in which importing either framework leaves a file behind and fails.

    `PYTHONPATH` puts the fakes before the real ones; `mark` is the file.
    """
    folder = tmp_path / "fakes"
    folder.mkdir()
    mark = tmp_path / "a framework was started"
    for name in ("torch", "tensorflow", "keras"):
        (folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\nraise ImportError('a fake')\n")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "mark": str(mark)}


@pytest.fixture(scope="session")
def session() -> Session:
    """Both frameworks, started once for all tests of this process that ask for them."""
    return _Warm(Options()).__enter__()


@pytest.fixture
def tfpt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Done]:
    """`warm_tfpt` in an empty folder, which is the test's too."""
    monkeypatch.chdir(tmp_path)
    return functools.partial(warm_tfpt, cwd=tmp_path)
