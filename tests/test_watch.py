"""`tfpt watch` as a process of its own, and the scenarios that `tfpt new` writes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT, run_tfpt
from tfpt_cli.cli.new import templates

if TYPE_CHECKING:
    from collections.abc import Iterator

Run = Any

RIGHT = "name: {}\ngradient: {{of: x + 1, at: {{x: 1.0}}}}\n"
WRONG = "name: {}\ngradient: {{torch: x, tensorflow: x + 1, at: {{x: 1.0}}}}\n"
# Far more than it takes, for a machine that is busy; a start of the frameworks can take a minute there.
PATIENCE = 300.0


class Watching:
    """A `tfpt watch` that runs, and what it has printed."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tfpt_cli", "watch", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self.seen = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def until(self, words: str) -> str:
        """What was printed since the last time, up to a line with these words."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for index, line in enumerate(self.lines[self.seen :], self.seen):
                if words in line:
                    text = "".join(self.lines[self.seen : index + 1])
                    self.seen = index + 1
                    return text
            time.sleep(0.02)
        raise AssertionError(f"'{words}' was never printed, only:\n{''.join(self.lines)}")

    def end(self) -> int:
        """The exit code after a Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=300)
        self.close()
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join(timeout=100)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("watched")
    (found / "a.yaml").write_text(RIGHT.format("first"), encoding="utf-8")
    (found / "b.yaml").write_text(RIGHT.format("second"), encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def watching(folder: Path) -> Iterator[Watching]:
    """One for the tests of this file, which follow on each other."""
    found = Watching(folder, ".")
    yield found
    found.close()


def test_everything_is_checked_once(watching: Watching) -> None:
    text = watching.until("watching .; Ctrl-C ends")
    assert "first" in text
    assert "second" in text
    assert "2 passed in " in text


def test_what_is_saved_is_checked_again(watching: Watching, folder: Path) -> None:
    (folder / "a.yaml").write_text(WRONG.format("mended"), encoding="utf-8")
    text = watching.until("1 failed in ")
    assert "failed: expected to agree, but value differs" in text
    assert "second" not in text  # that file was not saved


def test_an_editor_that_moves_its_file_into_place(watching: Watching, folder: Path) -> None:
    (folder / ".a.swp").write_text("not for us", encoding="utf-8")
    (folder / "new.tmp").write_text(RIGHT.format("moved"), encoding="utf-8")
    (folder / "new.tmp").rename(folder / "a.yaml")
    assert "moved" in watching.until("1 passed in ")


def test_a_broken_file_is_said_and_the_watch_goes_on(watching: Watching, folder: Path) -> None:
    (folder / "b.yaml").write_text("name: broken\ngradient: {of: x +, at: {x: 1.0}}\n", encoding="utf-8")
    text = watching.until("no scenario checked")
    assert "b.yaml:2:" in text
    assert "not an expression" in text
    (folder / "b.yaml").write_text(RIGHT.format("whole"), encoding="utf-8")
    assert "whole" in watching.until("1 passed in ")


def test_a_file_that_comes_and_goes(watching: Watching, folder: Path) -> None:
    (folder / "c.yaml").write_text(RIGHT.format("third"), encoding="utf-8")
    assert "third" in watching.until("1 passed in ")
    (folder / "c.yaml").unlink()
    (folder / "a.yaml").write_text(RIGHT.format("still here"), encoding="utf-8")
    assert "still here" in watching.until("1 passed in ")


def test_python_beside_the_scenarios_checks_everything_again(watching: Watching, folder: Path) -> None:
    (folder / "port.py").write_text("def f(x):\n    return x\n", encoding="utf-8")
    text = watching.until("2 passed in ")
    assert "still here" in text
    assert "whole" in text


def test_ctrl_c_ends_it(watching: Watching) -> None:
    assert watching.end() == 0  # that of the last run
    assert "Traceback" not in "".join(watching.lines)


def children(pid: int) -> list[str]:
    """The processes that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(path.parent.name)
    return found


def test_ctrl_c_while_the_frameworks_start(folder: Path) -> None:
    watching = Watching(folder, "a.yaml")
    while not children(watching.process.pid):
        time.sleep(0.01)
    assert watching.end() == 130
    assert "Traceback" not in "".join(watching.lines)


def test_what_cannot_be_watched(tmp_path: Path) -> None:
    done = run_tfpt("watch", "no.yaml", "nor/this", cwd=tmp_path)
    assert done.code == 2
    assert "no such file or folder: no.yaml, nor/this" in done.err
    assert run_tfpt("watch", ".", "-k", "and or", cwd=tmp_path).code == 2


# tfpt new


def test_the_templates_validate_and_check(tfpt: Run) -> None:
    for kind in templates():
        done = tfpt("new", f"{kind}.yaml", "--kind", kind)
        assert (done.code, done.out) == (0, f"wrote {kind}.yaml; run: tfpt check {kind}.yaml\n")
    assert tfpt("validate", ".").out == "6 scenarios in 5 files valid\n"
    done = tfpt("check", ".")
    assert done.code == 0
    assert "6 passed in " in done.out


@pytest.mark.parametrize("kind", templates())
def test_what_a_template_comments_out_can_be_put_in(kind: str, tfpt: Run) -> None:
    text = tfpt("new", "--kind", kind).out
    assert "tfpt check scenario.yaml" in text
    keys = re.sub(r"^# (dtype|tolerance|because|modes|expect)", r"\1", text, flags=re.MULTILINE)
    keys = re.sub(r"^modes: (\{.*\}).*$", "", keys, flags=re.MULTILINE)  # that one stands in the subject
    Path("s.yaml").write_text(keys, encoding="utf-8")
    assert tfpt("validate", "s.yaml").code == 0


def test_a_file_that_is_there_stays(tfpt: Run) -> None:
    Path("s.yaml").write_text("mine", encoding="utf-8")
    done = tfpt("new", "s.yaml")
    assert done.code == 2
    assert "'s.yaml' is there already; --force writes over it" in done.err
    assert Path("s.yaml").read_text(encoding="utf-8") == "mine"
    assert tfpt("new", "s.yaml", "--force").code == 0
    assert Path("s.yaml").read_text(encoding="utf-8").startswith("# An expression")


def test_where_nothing_can_be_written(tfpt: Run) -> None:
    Path("folder").mkdir()
    assert "'folder' is a folder: name a file in it" in tfpt("new", "folder", "--force").err
    assert "cannot write 'no/s.yaml': No such file or directory" in tfpt("new", "no/s.yaml").err
    assert "is not one of" in tfpt("new", "--kind", "other").err
