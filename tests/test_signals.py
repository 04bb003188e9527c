"""Signals, a closed terminal, a reader that goes away. Nothing computed is lost, no process is left."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import ROOT
from tests.processes import PATIENCE, children, gone, until
from tests.toys.worker import interpreter_of
from tfpt_cli.engine import signals

SCENARIOS = """
name: quick
gradient: {of: x + 1, at: {x: 1.0}}
---
name: endless
gradient: {of: x + 1, at: {x: 1234.5}}
---
name: behind it
gradient: {of: x + 1, at: {x: 1.0}}
"""
HANGING = "import time\n\ntime.sleep(10_000)\n"


def heard() -> None:
    """Signals as at the start of a session: the tests may run where some are ignored, under nohup or in a shell's background."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def started(folder: Path, *arguments: str, path: str = str(ROOT), **given: Any) -> subprocess.Popen[str]:
    """A `tfpt` that runs in a folder."""
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "preexec_fn": heard, **given}
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "tfpt_cli", *arguments], cwd=folder, env=environment, text=True, **given
    )


def checking(folder: Path, mode: str = "slow") -> list[str]:
    """A `check` of three scenarios, the second of which one side never answers."""
    (folder / "s.yaml").write_text(SCENARIOS)
    sides = ["--torch-python", interpreter_of(folder, mode), "--tensorflow-python", interpreter_of(folder)]
    return ["check", "s.yaml", "--no-reference", *sides]


def reported(folder: Path) -> list[str]:
    """The options of a report of each kind that a file can have."""
    kinds = [("json", "a.json"), ("junit", "a.xml"), ("table", "a.txt"), ("html", "a.html")]
    return [option for kind, name in kinds for option in ("--report", f"{kind}={folder / name}")]


def assert_interrupted(folder: Path) -> None:
    """Every report is there, whole, and holds what was finished."""
    report = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert report["interrupted"] is True
    assert [(s["name"], s["status"]) for s in report["scenarios"]] == [("quick", "passed")]
    cases = [case.get("name") for case in ET.parse(folder / "a.xml").iter("testcase")]
    assert cases == ["quick", "the run was interrupted"]
    assert "interrupted: 1 of 3" in (folder / "a.txt").read_text(encoding="utf-8")
    assert (folder / "a.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")


@linux
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_the_first_of_five_signals_ends_the_run_and_the_reports_are_whole(name: str, code: int, tmp_path: Path) -> None:
    process = started(tmp_path, *checking(tmp_path), *reported(tmp_path), "--save-baseline", "b.json")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("quick")
    workers = children(process.pid)
    assert len(workers) == 2
    for _ in range(5):
        process.send_signal(signal.Signals[name])
        time.sleep(0.05)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (code, "")
    assert "interrupted: 1 of 3 scenarios were checked; 1 passed" in out
    assert_interrupted(tmp_path)
    assert json.loads((tmp_path / "b.json").read_text())["interrupted"] is True
    until(lambda: all(map(gone, workers)), "a worker outlived the run")


def test_a_terminal_that_is_closed(tmp_path: Path) -> None:
    """The signal comes, and nothing can be said any more."""
    ours, theirs = pty.openpty()

    def own_terminal() -> None:
        heard()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    process = started(
        tmp_path,
        *(*checking(tmp_path), *reported(tmp_path)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=own_terminal,
    )
    os.close(theirs)
    seen = b""
    while b"both sides agree" not in seen:
        seen += os.read(ours, 4096)
    os.close(ours)
    assert process.wait(PATIENCE) == 128 + signal.SIGHUP
    assert_interrupted(tmp_path)


@linux
def test_a_parent_that_is_killed_leaves_no_child(tmp_path: Path) -> None:
    """Not even one that hangs, in the midst of an import say."""
    (tmp_path / "s.yaml").write_text(SCENARIOS)
    for name in ("torch", "tensorflow"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / name)!r}, 'w').close()\n{HANGING}")
    process = started(tmp_path, "check", "s.yaml", "--no-reference", path=f"{tmp_path}{os.pathsep}{ROOT}")
    until(lambda: all((tmp_path / name).exists() for name in ("torch", "tensorflow")), "no import began")
    workers = children(process.pid)
    assert len(workers) == 2
    process.kill()
    process.communicate(timeout=PATIENCE)
    until(lambda: all(map(gone, workers)), "a worker outlived its parent")


def until_it_reads(process: subprocess.Popen[str]) -> None:
    """Waits until a process reads its standard input: more is written than a pipe holds."""
    assert process.stdin is not None
    process.stdin.write("# nothing\n" * 20_000)
    process.stdin.flush()


def test_ctrl_c_while_nobody_writes_into_the_pipe_that_is_read(tmp_path: Path) -> None:
    process = started(tmp_path, *checking(tmp_path, "plain"), "-", stdin=subprocess.PIPE)
    until_it_reads(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, "")
    assert "interrupted: " in out


@pytest.mark.parametrize("part", [0.35, 0.5, 0.65, 0.8, 0.9])
def test_ctrl_c_while_tfpt_itself_is_imported(part: float, tmp_path: Path) -> None:
    """At some share of the time that the command takes: no traceback, and no mistake of tfpt's own."""
    began = time.monotonic()
    started(tmp_path, "list", "layers").communicate()
    process = started(tmp_path, "list", "layers")
    time.sleep(part * (time.monotonic() - began))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode in (130, 0, -signal.SIGINT), err  # before Python itself hears it, it ends the process
    assert "Traceback" not in err


def test_ctrl_c_of_a_command_that_runs_nothing(tmp_path: Path) -> None:
    process = started(tmp_path, "validate", "-", stdin=subprocess.PIPE)
    until_it_reads(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, "", "")


def code_without_a_reader(folder: Path, *arguments: str) -> int:
    """The exit code where the reader of standard output has gone before anything is written."""
    reader, writer = os.pipe()
    os.close(reader)
    process = started(folder, *arguments, stdout=writer)
    os.close(writer)
    _, err = process.communicate(timeout=PATIENCE)
    assert err == ""
    return process.returncode


@pytest.mark.parametrize("format_", ["table", "line", "json"])
def test_a_reader_that_has_gone_is_no_ctrl_c(format_: str, tmp_path: Path) -> None:
    """The exit code is that of what was checked, and the files that were asked for are complete."""
    arguments = [*checking(tmp_path, "plain"), "--format", format_]
    assert code_without_a_reader(tmp_path, *arguments, "--report", "json=a.json") == 0
    report = json.loads((tmp_path / "a.json").read_text())
    assert ([s["status"] for s in report["scenarios"]], "interrupted" in report) == (["passed"] * 3, False)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["check", "--help"], ["list", "layers"], ["schema"], ["validate", "s.yaml"]]
)
def test_other_commands_end_as_any_program_without_a_reader(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIOS)
    assert code_without_a_reader(tmp_path, *arguments) == 128 + signal.SIGPIPE


def test_a_signal_that_comes_when_the_first_has_had_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends what the first one left to be finished, such as a write that never comes back."""
    monkeypatch.setattr(signals, "PATIENCE", 0.0)
    heard_signals = signals.EndingSignals()
    with heard_signals.heard(), heard_signals.noted():
        signal.raise_signal(signal.SIGTERM)
        assert heard_signals.exit_code == 143
        with pytest.raises(signals.Ended):
            signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) != heard_signals._hear
