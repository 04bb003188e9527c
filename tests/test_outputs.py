"""What is written: whole or not at all; a write that fails is one line and exit code 5, and the others are written."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from tests.conftest import ROOT
from tfpt_cli.cli.outputs import CANNOT_WRITE, CannotWrite, check_outputs, write_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Done

    Run = Callable[..., Done]

SCENARIO = "name: n\ngradient: {of: x, at: {x: 1.0}}\n"
full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")


@full
@pytest.mark.parametrize("option", ["--report", "-o", "--save-baseline"])
def test_a_full_disk_is_one_line_and_the_other_reports_are_written(option: str, tfpt: Run) -> None:
    Path("s.yaml").write_text(SCENARIO)
    value = "json=/dev/full" if option == "--report" else "/dev/full"
    done = tfpt("check", "s.yaml", option, value, "--report", "json=good.json", "--report", "junit=good.xml")
    assert (done.code, done.err) == (CANNOT_WRITE, "tfpt: cannot write '/dev/full': No space left on device\n")
    assert json.loads(Path("good.json").read_text())["summary"]["passed"] == 1
    assert Path("good.xml").read_text().endswith("</testsuites>\n")


def tfpt_into(target: str, *arguments: str, cwd: Path, limit: str = "") -> tuple[int, str]:
    """Exit code and standard error of tfpt, its standard output going to a file."""
    command = " ".join([sys.executable, "-m", "tfpt_cli", *arguments, ">", target])
    done = subprocess.run(
        ["bash", "-c", f"{limit}{command}"],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        timeout=2000,
        check=False,
    )
    return done.returncode, done.stderr


@full
@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "operations"],
        ["explain", "op-std-ddof"],
        ["schema"],
        ["validate", "s.yaml"],
        ["code", "s.yaml"],
        ["--help"],
        ["check", "s.yaml", "--report", "json=good.json"],
        ["check", "s.yaml", "--format", "json", "--report", "json=good.json"],
    ],
)
def test_standard_output_that_is_full(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    code, err = tfpt_into("/dev/full", *arguments, cwd=tmp_path)
    assert code == CANNOT_WRITE
    assert err.removeprefix("Error: ").removeprefix("tfpt: ") == (
        "cannot write to standard output: No space left on device\n"
    )
    if arguments[0] == "check":
        assert json.loads((tmp_path / "good.json").read_text())["summary"]["passed"] == 1


def test_a_file_that_grows_too_large_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    (tmp_path / "page.html").write_text("a good page")
    reports = "--report html=page.html --report junit=small.xml"
    code, err = tfpt_into("/dev/null", "check", "s.yaml", *reports.split(), cwd=tmp_path, limit="ulimit -f 8; ")
    assert (code, err) == (CANNOT_WRITE, "tfpt: cannot write 'page.html': File too large\n")
    assert (tmp_path / "page.html").read_text() == "a good page"
    assert (tmp_path / "small.xml").exists()
    assert (
        sorted(p.name for p in tmp_path.iterdir())
        == [".tfpt_cache", "page.html", "s.yaml", "small.xml"][not (tmp_path / ".tfpt_cache").exists() :]
    )


def test_a_save_that_fails_leaves_the_scenarios_that_were_there(tmp_path: Path) -> None:
    saved = SCENARIO + "# " + "x" * 9_000 + "\n"
    (tmp_path / "s.yaml").write_text(saved)
    limit = "ulimit -f 8; "
    code, err = tfpt_into("/dev/null", "grad", "x", "--at", "x=1", "--save", "s.yaml", cwd=tmp_path, limit=limit)
    assert (code, err) == (CANNOT_WRITE, "Error: cannot write 's.yaml': File too large\n")
    assert (tmp_path / "s.yaml").read_text() == saved


SLOW = (
    "name: quick\ngradient: {of: x, at: {x: 1.0}}\n---\nname: slow\n"
    "gradient: {torch: {python: 'slow.py:f'}, tensorflow: x, at: {x: 1.0}}\n"
)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_leaves_no_half_of_a_report(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "slow.yaml").write_text(SLOW)
    (tmp_path / "slow.py").write_text("import time\n\n\ndef f(x):\n    time.sleep(100)\n    return x\n")
    (tmp_path / "a.json").write_text("{}")
    # The suite itself may run where signals are ignored: under nohup, or in the background of a shell.
    process = subprocess.Popen(
        [sys.executable, "-m", "tfpt_cli", "check", "slow.yaml", "--allow-code", "--report", "json=a.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL) if number is not signal.SIGKILL else None,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("quick")
    assert (tmp_path / "a.json").read_text() == "{}"
    process.send_signal(number)
    process.communicate(timeout=1000)
    found = json.loads((tmp_path / "a.json").read_text())
    if number is signal.SIGKILL:
        assert found == {}
    else:
        assert process.returncode == 128 + number
        assert (found["interrupted"], [s["name"] for s in found["scenarios"]]) == (True, ["quick"])
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith("~") or "a.json-" in p.name] == []


def test_two_runs_into_one_report(tmp_path: Path) -> None:
    """Each writes the whole of its own: the file is that of one of them, at any time."""
    paths = [tmp_path / "one.json"] * 20
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"from tfpt_cli.cli.outputs import write_file; write_file({str(path)!r}, str({n % 10}) * 500_000)",
            ],
            cwd=ROOT,
        )
        for n, path in enumerate(paths[:6])
    ]
    seen = set()
    while any(process.poll() is None for process in processes):
        if paths[0].exists():
            text = paths[0].read_text()
            assert len(text) == 500_000
            seen.add(text[0])
            assert text == text[0] * 500_000
        time.sleep(0.001)
    assert [process.returncode for process in processes] == [0] * 6
    assert paths[0].read_text()[0] in "012345"


def test_permissions_links_and_new_files(tmp_path: Path) -> None:
    real, link, new = tmp_path / "real", tmp_path / "link", tmp_path / "new"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_file(str(link), "new")
    assert link.is_symlink()
    assert (real.read_text(), stat.S_IMODE(real.stat().st_mode)) == ("new", 0o640)
    write_file(str(new), "ü\ud800")  # a lone surrogate, as a file name that is no UTF-8 has it
    umask = os.umask(0)
    os.umask(umask)
    assert (new.read_bytes(), stat.S_IMODE(new.stat().st_mode)) == ("ü?".encode(), 0o666 & ~umask)


def test_what_cannot_be_written_is_known_before(tmp_path: Path) -> None:
    for path, words in {
        str(tmp_path): "Is a directory",
        str(tmp_path / "no" / "file"): "No such file or directory",
        str(tmp_path / ("x" * 300)): "File name too long",
    }.items():
        with pytest.raises(click.UsageError, match=words):
            check_outputs([path])
    check_outputs([str(tmp_path / "fine")])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_has_gone(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="No such file or directory"):
        write_file(str(tmp_path / "gone" / "file"), "text")
