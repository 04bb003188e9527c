"""What the tests share: tfpt as a person runs it, and one run of every shipped scenario."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tfpt_cli.check import Options, Session
from tfpt_cli.cli import main
from tfpt_cli.results import name_sides

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
SCENARIOS = ROOT / "scenarios"

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
    *arguments: str | Path, cwd: Path = ROOT, timeout: float = 300, environment: dict[str, str] | None = None
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
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def shipped() -> dict[str, Any]:
    """The JSON report of one `tfpt check scenarios`."""
    return run_tfpt("check", "scenarios", "--format", "json", timeout=900).json


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
def session() -> Iterator[Session]:
    """Both frameworks, started once for all tests of this process that ask for them."""
    with Session(Options()) as started:
        yield started


@pytest.fixture
def tfpt(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Done]:
    """`tfpt` in this process with frameworks that are warm, in an empty folder: for what needs no process of its own."""

    class Warm:
        def __init__(self, options: Options) -> None:
            assert (options.workers, options.interpreters, options.alike) == (1, {}, None), (
                "the session has one of each"
            )

        def __enter__(self) -> Session:
            name_sides(None)
            return session

        def __exit__(self, *_: object) -> None:
            pass

    for command in ("check", "quick"):
        monkeypatch.setattr(f"tfpt_cli.commands.{command}.Session", Warm)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, columns: int = 80) -> Done:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "argv", ["tfpt", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return run
