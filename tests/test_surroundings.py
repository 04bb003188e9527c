"""The machine around tfpt as it should not be: closed streams, odd variables, hostile files, folders that go, other users.

Where no number matters a worker without a framework stands in for both (`toys/worker.py`).
"""

from __future__ import annotations

import builtins
import errno
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import pytest

from tests.conftest import ROOT, TRACEBACK, Done, run_tfpt
from tests.toys.worker import interpreter_of
from tfpt_cli import baseline
from tfpt_cli.checkpoints.contents import CannotRead
from tfpt_cli.cli import last_failed, warm_client
from tfpt_cli.cli.main import _ended_by
from tfpt_cli.documents.source import opened
from tfpt_cli.engine import fingerprint
from tfpt_cli.frameworks import SIDES
from tfpt_cli.report.json_report import report_text
from tfpt_cli.results import Problem, Report, as_json
from tfpt_cli.scenario.files import scenario_files
from tfpt_cli.workers.checkpoint import opened as weights_opened
from tfpt_cli.workers.process import Limits, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    Quick = Callable[..., Done]

SCENARIO = "name: n\ngradient: {of: x + 1, at: {x: 1.0}}\n"
FAILS = "name: n\ngradient: {of: x + 1, at: {x: 1.0}}\nexpect: differ\nbecause: it does not\n"
# Both frameworks, the spellings that mean another Keras elsewhere, and models.
REAL = """
name: a seed, and the other spelling of Keras
gradient: {torch: F.gelu(x), tensorflow: 'tf.keras.ops.gelu(x, approximate=False)', at: {x: [1.0, 2.0]}}
seed: 1
---
name: a model
model:
  torch: nn.Linear(3, 4)
  tensorflow: tf.keras.layers.Dense(4)
  at: {x: 'normal(0, 1, (2, 3))'}
"""


@pytest.fixture
def stand_ins(tmp_path: Path) -> list[str]:
    """The options with which two workers without a framework run the scenarios."""
    worker = interpreter_of(tmp_path)
    return ["--no-reference", "--torch-python", worker, "--tensorflow-python", worker]


@pytest.fixture
def quick(tmp_path: Path, stand_ins: list[str]) -> Quick:
    """`tfpt check` of a folder with one scenario, without a framework."""
    (tmp_path / "s.yaml").write_text(SCENARIO)
    return partial(run_tfpt, "check", *stand_ins, cwd=tmp_path)


# Standard input, output and error


def in_shell(folder: Path, redirected: str, *arguments: str) -> Done:
    """What tfpt says in a shell that redirects its streams."""
    command = " ".join([sys.executable, "-m", "tfpt_cli", *arguments, redirected])
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )
    assert TRACEBACK not in done.stdout + done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [
        (">&-", 5, "tfpt: cannot write to standard output: it is closed\n"),
        ("2>&-", 0, ""),
        (">&- 2>&- <&-", 5, ""),
        ("2>/dev/full", 0, ""),
    ],
)
def test_closed_streams(redirected: str, code: int, said: str, tmp_path: Path, stand_ins: list[str]) -> None:
    """The scenarios are checked, the report is written, and what was to be printed and could not has its exit code."""
    (tmp_path / "s.yaml").write_text(SCENARIO)
    done = in_shell(tmp_path, redirected, "check", "s.yaml", *stand_ins, "--report", "json=a.json")
    assert (done.code, done.err) == (code, said)
    assert ("1 passed" in done.out) == (code == 0)
    assert json.loads((tmp_path / "a.json").read_text())["summary"]["passed"] == 1


@pytest.mark.parametrize(
    ("redirected", "arguments", "code"),
    [
        (">&-", ["list", "layers"], 5),
        (">&-", ["--help"], 5),
        ("2>&-", ["nonsense"], 2),
        ("2>/dev/full", ["nonsense"], 2),
    ],
)
def test_closed_streams_of_other_commands(redirected: str, arguments: list[str], code: int, tmp_path: Path) -> None:
    assert in_shell(tmp_path, redirected, *arguments).code == code


def test_a_closed_standard_input_that_is_read(tmp_path: Path) -> None:
    done = in_shell(tmp_path, "<&-", "validate", "-")
    assert (done.code, "-: cannot be read: Bad file descriptor" in done.out) == (2, True)


def test_a_pipe_that_does_not_wait(tmp_path: Path) -> None:
    """What another program has set for a pipe that both write into loses nothing, however slowly it is read."""
    whole = run_tfpt("list", "operations").out
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    command = [sys.executable, "-m", "tfpt_cli", "list", "operations"]
    process = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=writer)
    os.close(writer)
    time.sleep(1)  # so that it is full; where the machine is slow nothing is lost anyway
    with open(reader, encoding="utf-8") as read:
        assert read.read() == whole
    assert process.wait(3000) == 0


# Variables


@pytest.mark.parametrize("columns", ["0", "1", "²", "9" * 30])
def test_columns_that_are_no_width(columns: str, quick: Quick) -> None:
    done = quick("s.yaml", environment={"COLUMNS": columns})
    assert done.code == 0
    assert "GradientTape" in done.out
    assert "passed: both sides" in done.out


def test_a_clock_that_jumps(quick: Quick, tmp_path: Path) -> None:
    """Back by a year at every look, in every process."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import itertools, time\n"
        "years = itertools.count(1)\n"
        "now = time.time()\n"
        "time.time = lambda: now - 31_536_000 * next(years)\n"
    )
    done = quick("s.yaml", "--format", "json", environment={"PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{ROOT}"})
    assert done.code == 0
    assert done.json["seconds"] >= 0
    assert done.json["scenarios"][0]["seconds"] >= 0


def test_variables_of_a_person_and_files_that_are_called_as_modules_are(tmp_path: Path) -> None:
    """Both frameworks, in an environment in which each of these made every scenario an error, or once might."""
    (tmp_path / "no_keras_2" / "tf_keras").mkdir(parents=True)
    (tmp_path / "no_keras_2" / "tf_keras" / "__init__.py").write_text("raise ModuleNotFoundError('not installed')\n")
    for name in ("numpy", "protocol", "traces", "click", "rich", "yaml"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('this is not the module that is meant')\n")
    (tmp_path / "s.yaml").write_text(REAL)
    environment = {
        "PYTHONPATH": f"{tmp_path / 'no_keras_2'}{os.pathsep}{ROOT}",
        "TF_USE_LEGACY_KERAS": "1",
        "PYTHONSTARTUP": "/nonexistent.py",
        "PYTHONIOENCODING": "ascii",
        "LC_ALL": "C",
        "TERM": "dumb",
        "COLUMNS": "0",
        "HOME": "/nonexistent",
        "XDG_CACHE_HOME": "",
        "TMPDIR": "/nonexistent",
    }
    done = run_tfpt("check", "s.yaml", "--no-reference", cwd=tmp_path, environment=environment)
    assert (done.code, "2 passed" in done.out) == (0, True), done.out + done.err
    assert done.out.isascii()


@pytest.mark.parametrize("name", ["numpy/__init__.py", "rich.py", "click.py", "yaml.py"])
@pytest.mark.parametrize("text", ["raise RuntimeError('on purpose')", "import nothing_there", "x = 1", "def f(:"])
def test_another_module_in_the_place_of_a_library(name: str, text: str, tmp_path: Path) -> None:
    """It is said which file stands there; the mistake is not called one of tfpt's own."""
    file = tmp_path / "mine" / name
    file.parent.mkdir(parents=True)
    file.write_text(text)
    path = f"{tmp_path / 'mine'}{os.pathsep}{ROOT}"
    environment = {"PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path / "caches")}
    done = run_tfpt("validate", "--no-cache", "scenarios/seed", environment=environment)
    what = file.parent if file.name == "__init__.py" else file
    assert done.code == 3
    assert done.err.strip() == (
        f"tfpt: {what} stands before the {name.split('/')[0].removesuffix('.py')} that tfpt needs; "
        "rename it, or take its folder out of PYTHONPATH"
    )


def test_settings_of_keras_and_switches_of_pytorch_change_no_verdict(tmp_path: Path) -> None:
    """A person's epsilon is read by no scenario, and what is said to be compiled was."""
    (tmp_path / ".keras").mkdir()
    settings = {"epsilon": 0.5, "floatx": "float16", "image_data_format": "channels_first"}
    (tmp_path / ".keras" / "keras.json").write_text(json.dumps(settings), encoding="utf-8")
    text = "name: n\ngradient: {torch: x * 1e-7, tensorflow: x * keras.config.epsilon(), at: {x: [1.0, 2.0]}, derivatives: []}\n"
    text += (
        "---\nname: m\ngradient: {of: tanh(x), at: {x: 1.0}, modes: {torch: [eager, compile], tensorflow: [eager]}}\n"
    )
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    switches = {"TORCHDYNAMO_DISABLE": "1", "TORCH_COMPILE_DISABLE": "1", "TORCHDYNAMO_SUPPRESS_ERRORS": "1"}
    broken = {"CXX": "/bin/false", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "kept")}
    environment = {"HOME": str(tmp_path), **switches, **broken}
    done = run_tfpt("check", "s.yaml", "--no-reference", "--format", "json", cwd=tmp_path, environment=environment)
    first, second = done.json["scenarios"]
    assert first["status"] == "passed"
    assert second["status"] == "error", "it was compiled without a compiler"


@pytest.mark.parametrize("own_code", [False, True])
def test_the_settings_of_keras_are_looked_at_where_they_are_read(
    own_code: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warm processes in which a person's own code may run have read the settings as they were."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    found = []
    for epsilon in ("1e-7", "0.5"):
        (tmp_path / "keras.json").write_text(f'{{"epsilon": {epsilon}}}', encoding="utf-8")
        found.append((fingerprint.of_environment(), warm_client.conditions(own_code=own_code)))
    assert found[0][0] != found[1][0]
    assert (found[0][1] != found[1][1]) == own_code


def test_nowhere_is_room_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no way to warm processes then, no weight is read, and a pipe of a megabyte is not said to be missing."""

    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    np.savez(tmp_path / "a.npz", w=np.ones(3))
    with weights_opened(str(tmp_path / "a.npz")) as (file,):
        monkeypatch.setattr("tempfile.gettempdir", none)
        monkeypatch.setattr("tempfile.mkdtemp", lambda **_: none())
        monkeypatch.setattr("tempfile._get_default_tempdir", none)
        monkeypatch.setattr("tempfile.tempdir", None)
        assert warm_client.address() is None
        with pytest.raises(CannotRead, match=r"its numbers cannot be handed over: .* let TMPDIR be a folder with"):
            file.read("w")
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "pipe").open("r+b", buffering=0) as pipe:
        writer = subprocess.Popen(["head", "-c", "3000000", "/dev/zero"], stdout=pipe)
        try:
            found = opened(str(tmp_path / "pipe"))
        finally:
            writer.kill()
            writer.wait()
    assert isinstance(found, Problem)
    assert found.message == "cannot be read: there is no room for temporary files; make some, or set TMPDIR"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "no more files can be opened here; allow more (ulimit -n)"),
        (RuntimeError("can't start new thread"), "no more threads can be started here; allow more (ulimit -u"),
    ],
)
def test_what_the_system_has_too_little_of(error: Exception, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _ended_by(error) == 3
    assert f"tfpt: {words}" in capsys.readouterr().err


def test_the_last_words_of_a_process_are_why_it_ended() -> None:
    """And not what TensorFlow says whenever it starts."""
    text = "I0000 00:00:1 12 port.cc:153] oneDNN custom operations are on.\n"
    text += "F0000 00:00:1 12 flags.cc:2] Unknown flag in TF_XLA_FLAGS\n"
    text += "E0000 00:00:1 12 cuda_platform.cc:51] failed call to cuInit\n"
    worker = Worker(SIDES[0], Limits())
    worker._stderr.append(text.encode())
    assert worker._last_words() == "; its last words: F0000 00:00:1 12 flags.cc:2] Unknown flag in TF_XLA_FLAGS"
    worker._stderr.popleft()
    worker._stderr.append(text.splitlines()[0].encode())
    assert worker._last_words() == f"; its last words: {text.splitlines()[0]}"


def test_an_error_of_our_own_beside_a_library_of_ones_own_is_ours(tmp_path: Path) -> None:
    """A file that stands before a library and has nothing to do with what went wrong is not blamed."""
    (tmp_path / "plotext.py").write_text("raise RuntimeError")
    script = "from tfpt_cli.cli.libraries import broken_library; print([broken_library(ValueError('ours'))])"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "['']\n"


def test_a_path_that_is_said_to_be_safe(tmp_path: Path, fakes: dict[str, str]) -> None:
    """The child finds the modules beside it, and gets as far as the framework."""
    (tmp_path / "s.yaml").write_text(SCENARIO)
    environment = {"PYTHONPATH": fakes["PYTHONPATH"], "PYTHONSAFEPATH": "1"}
    done = run_tfpt("check", "s.yaml", "--no-reference", "--format", "json", cwd=tmp_path, environment=environment)
    messages = [failure["message"] for failure in done.json["scenarios"][0]["failures"]]
    assert ["cannot be imported: ImportError: a fake" in message for message in messages] == [True, True]


def test_a_machine_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    """How much memory a process has is not known there: it has no limit, and runs."""
    sys_path = [str(ROOT / "tfpt_cli" / "workers" / "child")]
    monkeypatch.setattr(sys, "path", sys_path + sys.path)
    from tfpt_cli.workers.child import child

    real, asked = builtins.open, []

    def without_proc(file: Any, *arguments: Any, **given: Any) -> Any:
        if str(file).startswith("/proc/"):
            asked.append(file)
            raise FileNotFoundError(2, "No such file or directory", str(file))
        return real(file, *arguments, **given)

    monkeypatch.setattr(builtins, "open", without_proc)
    child.limit_memory(1)
    assert asked == ["/proc/self/status"]


# Users


as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("unshare"),
    reason="another user can be had by root alone, with util-linux",
)


@as_root
def test_another_user_with_a_full_disk_for_what_is_temporary(tmp_path: Path) -> None:
    """Neither the home nor the working folder can be written, and there is next to no shared memory."""
    folder = tmp_path / "work"
    (folder / "full").mkdir(parents=True)
    (folder / "s.yaml").write_text(REAL)
    for parent in (folder, *folder.parents):
        with suppress(PermissionError):
            if parent != Path("/") and parent.stat().st_uid == 0 and parent.is_relative_to(tmp_path):
                parent.chmod(0o755)
    mounts = "mount -t tmpfs -o size=16k none full && mount -t tmpfs -o size=4k none /dev/shm"
    if subprocess.run(["unshare", "-m", "sh", "-c", mounts], cwd=folder, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    # Reading anything is allowed: the interpreter may be where that user cannot look.
    user = (
        "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +dac_read_search --ambient-caps +dac_read_search"
    )
    fill = "head -c 64k /dev/zero > full/zeros 2>/dev/null"
    check = f"{sys.executable} -m tfpt_cli check s.yaml --no-reference --format json"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mounts}; {fill}; exec {user} {check}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": "/nonexistent", "TMPDIR": str(folder / "full")},
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [s["status"] for s in json.loads(done.stdout)["scenarios"]] == ["passed", "passed"]
    assert sorted(path.name for path in folder.iterdir()) == ["full", "s.yaml"]


# Folders and files


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["validate"], 2, "there is no folder 'scenarios' here"),
        (["validate", "s.yaml"], 2, "the working folder has been removed: go to another, or name whole paths"),
        (["code", "s.yaml"], 2, "the working folder has been removed"),
        (["new", "s.yaml"], 2, "the working folder has been removed"),
        (["show", "Dense"], 0, "linear"),
    ],
)
def test_a_working_folder_that_has_gone(arguments: list[str], code: int, words: str, tmp_path: Path) -> None:
    done = in_a_removed_folder(tmp_path, *arguments)
    assert (done.code, words in done.out + done.err) == (code, True), done.out + done.err


def in_a_removed_folder(tmp_path: Path, *arguments: str) -> Done:
    (tmp_path / "gone").mkdir()
    return in_shell(tmp_path / "gone", "", "--version", f"&& rmdir ../gone && {sys.executable} -m tfpt_cli", *arguments)


def test_whole_paths_in_a_working_folder_that_has_gone(tmp_path: Path, stand_ins: list[str]) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    report = tmp_path / "a.json"
    done = in_a_removed_folder(tmp_path, "check", str(tmp_path / "s.yaml"), *stand_ins, "--report", f"json={report}")
    assert (done.code, "1 passed" in done.out) == (0, True)
    assert json.loads(report.read_text())["summary"]["passed"] == 1


def test_a_file_name_that_is_not_utf_8(quick: Quick, tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    with open(os.fsencode(tmp_path / "odd") + b"/a\xff\x9b.yaml", "w") as file:
        file.write(FAILS)
    reports = [f"{kind}={kind}.out" for kind in ("json", "junit", "html", "markdown", "github", "gitlab", "table")]
    done = quick("odd", *(option for report in reports for option in ("--report", report)))
    assert (done.code, "1 failed" in done.out) == (1, True)
    text = (tmp_path / "json.out").read_text(encoding="utf-8")
    assert os.fsencode(json.loads(text)["scenarios"][0]["file"]) == b"odd/a\xff\x9b.yaml"
    assert all((tmp_path / report.partition("=")[2]).stat().st_size for report in reports)
    again = quick(".", "--last-failed", "--format", "json")  # it is known again by its name
    assert [os.fsencode(s["file"]) for s in again.json["scenarios"]] == [b"odd/a\xff\x9b.yaml"]


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with a folder `deep` of three scenarios."""
    monkeypatch.chdir(tmp_path)
    Path("deep").mkdir()
    for name in "abc":
        Path("deep", f"{name}.yaml").write_text(SCENARIO)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("function", "looked_at", "gone"), [("stat", "deep/b.yaml", "deep/b.yaml"), ("scandir", "deep", "deep")]
)
def test_what_goes_while_the_folder_is_read(
    function: str, looked_at: str, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, went = getattr(os, function), Path("elsewhere")

    def going(path: Any, *arguments: Any, **given: Any) -> Any:
        if str(path).endswith(looked_at) and not went.exists():
            Path(gone).rename(went)
        return real(path, *arguments, **given)

    with monkeypatch.context() as patch:
        patch.setattr(os, function, going)
        found = list(scenario_files(["."]))
    problems = [str(each) for each in found if isinstance(each, Problem)]
    assert problems == [f"{gone}: it was there when the folder was read, and has gone since"]
    left = [each for each in found if isinstance(each, str)]
    assert left == (["deep/a.yaml", "deep/c.yaml"] if function == "stat" else [])


@pytest.mark.usefixtures("three")
def test_what_goes_before_it_is_opened(quick: Quick) -> None:
    """The run is not as it should be, though every scenario that was left has passed."""
    Path("deep/b.yaml").unlink()
    Path("deep/b.yaml").symlink_to("gone.yaml")
    done = quick("deep")
    assert (done.code, "2 passed, 1 problem in the files" in done.out) == (2, True)
    found = list(scenario_files(["deep/a.yaml"]))
    Path("deep/a.yaml").unlink()
    assert [str(opened(str(file))) for file in found] == ["deep/a.yaml: no such file or folder"]


def test_what_is_in_a_folder_and_is_no_file_to_read(tmp_path: Path) -> None:
    """A link that leads nowhere is said; a pipe, of which nobody knows who writes, is passed over, no loop is gone through."""
    for link, target in {"a.yaml": "b.yaml", "b.yaml": "a.yaml", "nowhere.yaml": "no", "self": "."}.items():
        (tmp_path / link).symlink_to(target)
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "folder.yaml" / "s.yaml").write_text(SCENARIO)
    done = run_tfpt("validate", ".", cwd=tmp_path)
    assert (done.code, done.out.splitlines()) == (
        2,
        [
            "a.yaml: cannot be read: Too many levels of symbolic links",
            "b.yaml: cannot be read: Too many levels of symbolic links",
            "nowhere.yaml: a link to what is not there",
            "1 scenario in 1 file valid, 3 problems",
        ],
    )


def test_two_runs_at_once_in_one_folder(tmp_path: Path, stand_ins: list[str]) -> None:
    (tmp_path / "s.yaml").write_text(FAILS)
    command = [sys.executable, "-m", "tfpt_cli", "check", "s.yaml", *stand_ins, "--report", "json=a.json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(3)
    ]
    for run in runs:
        out, _ = run.communicate(timeout=3000)
        assert (run.returncode, b"1 failed" in out, b"Traceback" in out) == (1, True, False)
    assert json.loads((tmp_path / "a.json").read_text())["summary"]["failed"] == 1
    assert json.loads((tmp_path / ".tfpt_cache" / "last_failed.json").read_text()) == ["s.yaml::n"]


# Files that tfpt has written, and another has changed


DEEP, LONG = "[" * 100_000, "[1" + "0" * 5_000 + "]"


@pytest.mark.parametrize("text", [DEEP, '{"a":' * 100_000, LONG, "[1" + "0" * 400 + "]", '[["a"]]', "[1, null]"])
def test_a_memory_of_failures_that_is_hostile(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    last_failed.FOLDER.mkdir()
    last_failed.FILE.write_text(text)
    with pytest.raises(click.UsageError, match=r"last_failed.json cannot be read: .*; delete it"):
        last_failed.ids()
    last_failed.remember(Report(environment={}, scenarios=()))


def test_a_memory_of_failures_that_is_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for what comes out of it."""
    monkeypatch.chdir(tmp_path)
    last_failed.FOLDER.mkdir()
    os.mkfifo(last_failed.FILE)
    with pytest.raises(click.UsageError, match="it is no file; delete it"):
        last_failed.ids()
    last_failed.remember(Report(environment={}, scenarios=()))


def test_a_run_beside_a_memory_that_is_hostile(quick: Quick, tmp_path: Path) -> None:
    (tmp_path / ".tfpt_cache").mkdir()
    (tmp_path / ".tfpt_cache" / "last_failed.json").write_text(DEEP)
    (tmp_path / "s.yaml").write_text(FAILS)
    assert quick("s.yaml", "--last-failed").code == 2
    assert quick("s.yaml").code == 1
    assert quick("s.yaml", "--last-failed").code == 1


def changed(report: dict[str, Any], *path: Any, to: Any) -> str:
    """A report with another value at a place, as text."""
    report = json.loads(json.dumps(report))
    place: Any = report["scenarios"][0]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return json.dumps(report)


def test_a_baseline_that_is_hostile(quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in it is said before anything runs; what runs here is one run, for the report."""
    report = quick("s.yaml", "--format", "json").json
    torch, huge, deep = ("comparisons", 0, "torch"), 10**400, [0.0]
    for _ in range(700):
        deep = [deep]  # type: ignore[list-item]
    summary = {"mean": 0.0, "std": 0.0, "min": 0.0, "max": 0.0}
    texts = {
        DEEP: "is not JSON: it is nested without end",
        LONG: "is not JSON: ",
        changed(report, "comparisons", 0, "verdict", to=["close"]): "is damaged",
        changed(report, "comparisons", 0, "verdict", to=3): "is damaged",
        changed(report, "comparisons", 0, "quantity", to={}): "is damaged",
        changed(report, "status", to=["passed"]): "is damaged",
        changed(report, "name", to=["n"]): "is damaged",
        changed(report, "comparisons", to={}): None,
        changed(report, "comparisons", to=3): "is damaged",
        changed(report, *torch, "values", to=huge): "is damaged",
        changed(report, *torch, "values", to=[[1.0, huge]]): "is damaged",
        changed(report, *torch, "values", to=deep): None,
        changed(report, *torch, "values", to={"re": huge, "im": 0}): "is damaged",
        changed(report, *torch, "summary", to={**summary, "max": huge}): "is damaged",
        changed(report, *torch, "summary", to=summary): None,
        changed(report, *torch, "state", to=["present"]): "is damaged",
    }
    monkeypatch.chdir(tmp_path)
    for text, words in texts.items():
        Path("b.json").write_text(text)
        if words is None:
            list(baseline.changes(baseline.read("b.json"), Report(environment={}, scenarios=())))
            continue
        with pytest.raises(baseline.NoBaseline) as raised:
            baseline.read("b.json")
        assert words in str(raised.value)
    assert quick("s.yaml", "--baseline", "b.json").code == 2


@pytest.mark.parametrize("raw", ["\x7f", "\x9b", "\x85", "\u2028", "\udcff"])
def test_json_that_is_shown_on_a_terminal(raw: str) -> None:
    """What steers a terminal stands in it escaped, and what is read is what was written."""
    report = Report(environment={}, scenarios=(), problems=(Problem(f"a{raw}.yaml", 0, 0, f"größer {raw}31m"),))
    text = report_text(report)
    assert (raw in text, "größer" in text) == (False, True)
    text.encode("utf-8")
    assert json.loads(text)["problems"] == [{"file": f"a{raw}.yaml", "message": f"größer {raw}31m"}]
    assert raw not in as_json([raw])
