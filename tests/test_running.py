"""How `tfpt check` runs: shards, stopping early, what failed last, several reports, and what a person's terminal does to it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, Done, run_tfpt
from tfpt_cli.cli.options import Processes
from tfpt_cli.documents.document import documents
from tfpt_cli.engine.options import Observer, Options
from tfpt_cli.engine.run import Pipeline
from tfpt_cli.scenario.scenario import read_document
from tfpt_cli.scenario.selection import chooser

if TYPE_CHECKING:
    from collections.abc import Callable

Run = Any

MIXED = """
name: right
gradient: {of: x ** 2, at: {x: 3.0}}
---
name: wrong
gradient: {torch: x + 1, tensorflow: x + n, at: {x: 1.0}}
matrix: {n: [1, 2, 3]}
---
name: weights
init: {layer: 'linear(3, 4)', weight: 'uniform(0, 1)', bias: zeros()}
---
name: known to differ
gradient: {torch: F.gelu(x), tensorflow: keras.ops.gelu(x), at: {x: [-1.0, 1.0]}}
expect: differ
because: one approximates
"""
# Of which a run without frameworks fails every one.
MANY = f"name: n\ngradient: {{of: k * x, at: {{x: 1.0}}}}\nmatrix: {{k: {list(range(300))}}}\n"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.yaml"
    path.write_text(MIXED, encoding="utf-8")
    return path


@pytest.fixture
def many(tmp_path: Path, fakes: dict[str, str]) -> Callable[..., Done]:
    """`tfpt check` on 300 scenarios in a folder of its own, where neither framework can be imported."""
    (tmp_path / "many.yaml").write_text(MANY, encoding="utf-8")
    environment = {"PYTHONPATH": fakes["PYTHONPATH"]}
    return lambda *options: run_tfpt("check", "many.yaml", *options, cwd=tmp_path, environment=environment)


def timeless(report: dict[str, Any]) -> dict[str, Any]:
    """A report without its times."""
    report = {key: value for key, value in report.items() if key != "seconds"}
    report["scenarios"] = [{k: v for k, v in s.items() if k != "seconds"} for s in report["scenarios"]]
    return report


# Shards


def cases(count: int) -> list[Any]:
    text = f"name: n\ntags: [even]\ngradient: {{of: k * x, at: {{x: 1.0}}}}\nmatrix: {{k: {list(range(count))}}}\n"
    scenarios, problems = read_document(documents("f.yaml", text)[0][0])
    assert not problems
    return scenarios


CASES = cases(40)


@given(st.integers(1, 12), st.integers(0, 40), st.sets(st.integers(0, 39)))
def test_the_shards_together_are_everything_and_each_once(count: int, length: int, only: set[int]) -> None:
    """Also behind another choice: a shard is of what `-k` and `--last-failed` leave over."""
    ids = frozenset(CASES[index].id for index in only) if only else None
    wanted = [case.id for case in CASES[:length] if ids is None or case.id in ids]
    shards = []
    for index in range(1, count + 1):
        run = Pipeline(Options(shard=(index, count), only=ids), Observer(), chooser(None, ()), [])
        shards.append([case.id for case in CASES[:length] if run.wanted(case)])
    assert sorted(name for shard in shards for name in shard) == sorted(wanted)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    assert all(shard == [name for name in wanted if name in set(shard)] for shard in shards)  # in their order


def test_a_shard(tfpt: Run, mixed: Path) -> None:
    names = []
    for index in (1, 2):
        done = tfpt("check", mixed, "--shard", f"{index}/2", "--format", "json")
        names.append([scenario["name"] for scenario in done.json["scenarios"]])
    assert names == [["right", "wrong [n=2]", "weights"], ["wrong [n=1]", "wrong [n=3]", "known to differ"]]


def test_an_empty_shard_is_said(tfpt: Run, mixed: Path) -> None:
    done = tfpt("check", mixed, "--shard", "7/9")
    assert done.code == 0
    assert "shard 7/9 is empty: there are fewer scenarios than shards" in done.err


@pytest.mark.parametrize("shard", ["0/4", "5/4", "1", "1/", "a/b", "1/4/2", "-1/4"])
def test_a_bad_shard(shard: str, many: Callable[..., Done]) -> None:
    done = many(f"--shard={shard}")
    assert (done.code, "must be K/N with K from 1 to N, such as 1/4" in done.err) == (2, True)


# Stopping early


@pytest.mark.parametrize(("options", "count"), [(["-x"], 1), (["--maxfail", "3"], 3)])
def test_a_run_stops_after_so_many_failures(options: list[str], count: int, many: Callable[..., Done]) -> None:
    """Not one more, though many that stand behind are finished by then."""
    done = many(*options, "--report", "json=r.json", "-qq")
    assert done.code == 3  # neither framework could run
    assert done.out.startswith("stopped after as many failures as were allowed")
    assert f"{count} error" in done.out


# What failed last


def test_last_failed(tfpt: Run, mixed: Path) -> None:
    assert "no failure is remembered in this folder" in tfpt("check", mixed, "--last-failed").err
    assert tfpt("check", mixed, "-qq").code == 1
    done = tfpt("check", mixed, "--last-failed", "--format", "json")
    assert [s["name"] for s in done.json["scenarios"]] == ["wrong [n=2]", "wrong [n=3]"]
    assert done.code == 1
    assert Path(".tfpt_cache/.gitignore").read_text() == "*\n"  # nobody commits it

    # What was mended is forgotten; what was not run is not.
    assert tfpt("check", mixed, "-k", "right or n=1", "-qq").code == 0
    assert tfpt("check", mixed, "--last-failed", "-k", "n=3", "--format", "json").json["summary"]["failed"] == 1
    mixed.write_text(MIXED.replace("n: [1, 2, 3]", "n: [1, 2]").replace("x + n", "x + n - n + 1"), encoding="utf-8")
    assert tfpt("check", mixed, "-qq").code == 0
    done = tfpt("check", mixed, "--last-failed")
    assert done.code == 0
    assert "nothing failed in the last run (or it is not among these)" in done.err


@pytest.mark.usefixtures("mixed")
def test_last_failed_by_another_spelling_of_the_path(tfpt: Run) -> None:
    tfpt("check", "mixed.yaml", "-qq")
    done = tfpt("check", "./mixed.yaml", "--last-failed", "--format", "json")
    assert len(done.json["scenarios"]) == 2


@pytest.mark.parametrize("text", ["not JSON", '{"a": 1}', "3", "\x00"])
def test_a_memory_that_is_damaged(text: str, tfpt: Run, mixed: Path) -> None:
    Path(".tfpt_cache").mkdir()
    Path(".tfpt_cache/last_failed.json").write_text(text, encoding="utf-8")
    assert tfpt("check", mixed, "--last-failed").code == 2
    assert tfpt("check", mixed, "-qq", "-k", "right").code == 0


# Several processes


def test_two_workers_give_the_same_report(tfpt: Run, mixed: Path) -> None:
    one = tfpt("check", "mixed.yaml", "--format", "json")
    two = run_tfpt("check", "mixed.yaml", "-j", "2", "--format", "json", cwd=mixed.parent)
    assert timeless(two.json) == timeless(one.json)
    assert two.code == one.code == 1


# Less and more


def test_quiet_and_verbose(tfpt: Run, mixed: Path) -> None:
    usual = tfpt("check", mixed).out
    assert usual.count("passed: ") == 4
    quiet = tfpt("check", mixed, "-q").out
    assert "passed: " not in quiet
    assert quiet.count("failed: expected to agree") == 2
    last = tfpt("check", mixed, "-qq", columns=160).out
    assert re.fullmatch(r"4 passed, 2 failed in [\d.]+ s \(PyTorch .+, TensorFlow .+, Keras .+\)\n", last)
    verbose = tfpt("check", mixed, "-v", columns=160).out
    for part in ("rtol 1.3e-06, atol 1e-05", "tests: ", "s in the slower framework"):
        assert part in verbose
        assert part not in usual
    assert verbose.count("the code of PyTorch") == 2  # of what is not as expected alone
    assert "import torch" in verbose


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("columns", [40, 160])
def test_code_and_recipes_can_be_copied(columns: int, tfpt: Run) -> None:
    """They are neither wrapped nor cut, however narrow the console."""
    done = tfpt("check", "mixed.yaml", "-k", "n=2", "-v", columns=columns)
    script = tfpt("code", "mixed.yaml", "-k", "n=2", "--framework", "tensorflow").out
    code = re.search(r"^the code of TensorFlow\n((  .*\n|\n)+)", done.out, re.MULTILINE)
    assert code is not None
    assert re.sub("^  ", "", code[1], flags=re.MULTILINE).strip() == script.strip()
    done = tfpt("check", "mixed.yaml", "-k", "known", "--fix-preview", columns=columns)
    assert "    tensorflow: keras.ops.gelu(x, approximate=False)\n" in done.out


def test_the_recipes_are_tried(tfpt: Run, mixed: Path) -> None:
    done = tfpt("check", mixed, "-k", "known", "--fix-preview")
    assert done.code == 0  # it is expected to differ
    assert done.out.count("with it both sides agree") == 2
    assert "no recipe can be put in" in tfpt("check", mixed, "-k", "n=2", "--fix-preview").out


# Reports


def test_several_reports_at_once(tfpt: Run, mixed: Path) -> None:
    done = tfpt("check", mixed, "--report", "json=a.json", "--report=table=a.txt", "--save-baseline", "b.json", "-q")
    report, kept = (json.loads(Path(name).read_text(encoding="utf-8")) for name in ("a.json", "b.json"))
    assert report == kept
    assert report["summary"] == {"passed": 4, "failed": 2, "error": 0, "skipped": 0}
    text = Path("a.txt").read_text(encoding="utf-8")
    assert text.count("passed: ") == 4  # quiet is the terminal alone
    assert done.out.count("passed: ") == 0
    shown = tfpt("check", mixed, "-o", "o.json", "--format", "json")
    assert shown.out == ""
    assert timeless(json.loads(Path("o.json").read_text(encoding="utf-8"))) == timeless(report)


def test_a_report_is_written_anew(tfpt: Run, mixed: Path) -> None:
    Path("a.json").write_text("x" * 1_000_000, encoding="utf-8")
    tfpt("check", mixed, "-k", "right", "-qq", "--report", "json=a.json")
    assert json.loads(Path("a.json").read_text(encoding="utf-8"))["summary"]["passed"] == 1


def test_paths_that_cannot_be_written_are_all_said_before_anything_runs(fakes: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(MIXED, encoding="utf-8")
    (tmp_path / "kept.json").write_text("kept", encoding="utf-8")
    reports = ["json=no/a.json", "json=kept.json", "table=.", "json=new.json", "table=./new.json"]
    options = [option for report in reports for option in ("--report", report)]
    mark = Path(fakes.pop("mark"))
    done = run_tfpt("check", "s.yaml", *options, "--save-baseline", "no/b.json", cwd=tmp_path, environment=fakes)
    assert (done.code, done.out) == (2, "")
    for words in (
        "cannot write 'no/a.json': No such file or directory",
        "cannot write 'no/b.json': No such file or directory",
        "cannot write '.': Is a directory",
        "'./new.json' is named for two outputs",
    ):
        assert words in done.err
    assert not mark.exists()
    assert (tmp_path / "kept.json").read_text(encoding="utf-8") == "kept"
    assert not (tmp_path / "new.json").exists()


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ("json", "must be FORMAT=FILE with a format of table, line, json,"),
        ("json=", "must be FORMAT=FILE"),
        ("jsno=a", "did you mean 'json'?"),
        ("=a", "must be FORMAT=FILE"),
    ],
)
def test_a_report_that_is_no_format_and_file(report: str, words: str, many: Callable[..., Done]) -> None:
    done = many("--report", report)
    assert (done.code, words in " ".join(done.err.split())) == (2, True)


def test_a_file_with_problems_and_a_report(tfpt: Run, mixed: Path) -> None:
    mixed.write_text(MIXED.replace("of: x ** 2", "of: x **"), encoding="utf-8")
    done = tfpt("check", mixed, "-qq", "--report", "json=a.json")
    assert done.code == 2
    report = json.loads(Path("a.json").read_text(encoding="utf-8"))
    assert (len(report["problems"]), len(report["scenarios"])) == (1, 5)


# Pipes, signals, terminals


def test_a_closed_pipe_leaves_the_reports_complete(fakes: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "many.yaml").write_text(MANY, encoding="utf-8")
    reports = "--report json=a.json --report table=a.txt"
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m tfpt_cli check many.yaml {reports} | head -1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": fakes["PYTHONPATH"]},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.stderr, done.stdout.count("\n")) == ("", 1)
    report = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert len(report["scenarios"]) == 300
    assert "interrupted" not in report
    assert (tmp_path / "a.txt").read_text(encoding="utf-8").splitlines()[-1].startswith("300 error")


SLOW = """
name: quick
gradient: {of: x, at: {x: 1.0}}
---
name: slow
gradient: {torch: {python: 'slow.py:f'}, tensorflow: x, at: {x: 1.0}}
---
name: behind it
gradient: {of: x, at: {x: 1.0}}
"""


def test_ctrl_c_writes_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "slow.yaml").write_text(SLOW, encoding="utf-8")
    (tmp_path / "slow.py").write_text("import time\n\n\ndef f(x):\n    time.sleep(50)\n    return x\n")
    command = [sys.executable, "-m", "tfpt_cli", "check", "slow.yaml", "--allow-code", "--report", "json=a.json"]
    process = subprocess.Popen(
        [*command, "--report", "table=a.txt", "--save-baseline", "b.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("quick")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (130, "")
    assert "interrupted: " in out
    for name in ("a.json", "b.json"):
        report = json.loads((tmp_path / name).read_text(encoding="utf-8"))
        assert report["interrupted"] is True
        names = [scenario["name"] for scenario in report["scenarios"]]
        assert "slow" not in names
        assert names[0] == "quick"
    assert "interrupted: " in (tmp_path / "a.txt").read_text(encoding="utf-8")


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("options", [[], ["-v"], ["--fix-preview"]])
def test_forty_columns(options: list[str], tfpt: Run) -> None:
    """No line is wider, and nothing is cut out: with its blanks away the text is that of any width."""
    done = tfpt("check", "mixed.yaml", *options, columns=40)
    assert done.code == 1
    tables = re.sub(r"^(the code of|the recipe of) .*\n(  .*\n|\n)+", "", done.out, flags=re.MULTILINE)
    tables = re.sub(r"^FAILED .*\n", "", tables, flags=re.MULTILINE)  # a line of a log is one line
    assert max(map(len, tables.splitlines())) <= 40
    assert "…" not in done.out
    compact = "".join(done.out.split())
    for part in ("failed:expectedtoagree,butvaluediffers", "knowndifference:act-gelu-default"):
        assert part in compact
    # What a person looks for stands on a line.
    for part in ("value  differs: different function", "weight  same distribution", "GradientTape", "PyTorch 2."):
        assert part in done.out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_any_encoding(encoding: str, tfpt: Run, mixed: Path) -> None:
    mixed.write_text(MIXED.replace("name: right", "name: rechts und größer, 右"), encoding="utf-8")
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert tfpt("check", mixed, "-v", "--report", "table=a.txt", stdout=stream).code == 1
    stream.flush()
    text = stream.buffer.getvalue().decode(encoding)
    assert "same distribution" in text
    assert ("█" in text) == (encoding == "utf-8")
    assert "größer, 右" in Path("a.txt").read_text(encoding="utf-8")


def test_the_c_locale(tmp_path: Path, fakes: dict[str, str]) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": fakes["PYTHONPATH"]}
    (tmp_path / "many.yaml").write_text(MANY, encoding="utf-8")
    done = run_tfpt("check", "many.yaml", "-k", "k=7", "-q", cwd=tmp_path, environment=plain)
    assert done.code == 3
    assert done.out.isascii()
    assert "PyTorch" in done.out


def test_recipes_are_tried_together_where_none_is_enough(tfpt: Run, write: Callable[..., Path]) -> None:
    file = write(
        "name: two causes\ngradient:\n  torch: F.gelu(x) + F.leaky_relu(x)\n"
        "  tensorflow: keras.ops.gelu(x) + keras.layers.LeakyReLU()(x)\n  at: {x: [-1.0, 0.5, 2.0]}\n"
    )
    out = tfpt("check", file, "--fix-preview").out
    tried = re.findall(r"^the recipe of (.*)\n((?:    .*\n)*)with it (.*)", out, re.MULTILINE)
    # The best first, each set once, and of the scenario the lines that are other ones.
    names, changed, left = zip(*tried, strict=True)
    assert names[0] == "act-leakyrelu-slope and act-gelu-default"
    assert changed[0] == (
        "    tensorflow: keras.ops.gelu(x, approximate=False) + keras.layers.LeakyReLU(negative_slope=0.01)(x)\n"
    )
    assert left[0] == "both sides agree in value and d/dx at 3 points"
    assert "2 of 2 still differ" in left
    assert len(set(changed)) == len(changed)


def test_auto_is_as_many_processes_as_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of each framework for every two cores, as far as the memory goes, and always one."""
    for cores, free, expected in (
        (2, 100.0, 1),
        (8, 100.0, 4),
        (8, 4.0, 2),
        (8, 0.5, 1),
        (1, None, 1),
        (300, None, 64),
    ):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)), raising=False)
        monkeypatch.setattr("tfpt_cli.cli.options.free_memory", lambda free=free: free)
        assert Processes().convert("auto", None, None) == expected
    with pytest.raises(click.UsageError, match="many"):
        Processes().convert("many", None, None)
