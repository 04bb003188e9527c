"""Folders of runs among the temporary files: those that were left by a run that was killed are taken away, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.processes import until
from tfpt_cli import private
from tfpt_cli.private import TemporaryFolder

HOUR = 3600.0


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, which this process has not looked into."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    private._sweep.cache_clear()
    return tmp_path


def aged(folder: Path) -> Path:
    """The folder as if it had been left an hour ago, with something in it."""
    (folder / "array").write_bytes(b"123")
    then = time.time() - HOUR
    os.utime(folder, (then, then))
    return folder


def left(temporary: Path, name: str) -> Path:
    folder = temporary / name
    folder.mkdir()
    return aged(folder)


def test_a_folder_is_there_until_it_is_removed(temporary: Path) -> None:
    with TemporaryFolder() as path:
        assert Path(path).parent == temporary
        assert Path(path).stat().st_mode & 0o777 == 0o700
        (Path(path) / "array").write_bytes(b"123")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_run_has_left_is_taken_away_and_nothing_else(temporary: Path) -> None:
    abandoned, young = left(temporary, "tfpt-run-abandoned"), temporary / "tfpt-run-young"
    young.mkdir()
    other, file, target = left(temporary, "other"), temporary / "tfpt-run-file", left(temporary, "target")
    file.write_text("")
    link = temporary / "tfpt-run-link"
    link.symlink_to(target)
    os.utime(file, (0, 0))
    held = TemporaryFolder()
    assert not abandoned.exists()
    aged(Path(held.path))
    private._sweep.cache_clear()
    again = TemporaryFolder()
    assert {path.name for path in temporary.iterdir()} == {
        *(path.name for path in (young, other, file, target, link)),
        Path(held.path).name,
        Path(again.path).name,
    }
    assert (target / "array").exists()


def test_a_killed_process_holds_nothing(temporary: Path) -> None:
    code = (
        "import time\nfrom tfpt_cli.private import TemporaryFolder\nfolder = TemporaryFolder()\n"
        "print(folder.path, flush=True)\ntime.sleep(1000)"
    )
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = aged(Path(process.stdout.readline().strip()))
        assert folder.parent == temporary
        with TemporaryFolder():
            assert folder.exists(), "its process lives"
        process.send_signal(signal.SIGKILL)
        process.wait()
    private._sweep.cache_clear()
    with TemporaryFolder():
        until(lambda: not folder.exists(), "it was not taken away")


@pytest.mark.parametrize("broken", ["fcntl", "a lock"])
def test_without_locks_nothing_is_taken_away(broken: str, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    abandoned = left(temporary, "tfpt-run-abandoned")
    if broken == "fcntl":
        monkeypatch.setitem(sys.modules, "fcntl", None)
    else:
        import fcntl

        def refused(*_: object) -> None:
            raise OSError("no locks available")

        monkeypatch.setattr(fcntl, "flock", refused)
    with TemporaryFolder() as path:
        assert Path(path).is_dir()
    assert abandoned.exists()
    assert not Path(path).exists()
