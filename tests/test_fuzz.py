"""A quick share of the fuzzing, the same inputs each time; `python -m tests.fuzz` runs more of it."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT
from tests.fuzz.engines import Runs, mutated, with_hypothesis
from tests.fuzz.targets import MODULES, target
from tests.fuzz.watching import REGRESSIONS, watched
from tests.sides import TENSORFLOW, TORCH, drawn, quantity_named
from tfpt_cli.compare.layout import problem_in
from tfpt_cli.language import constants
from tfpt_cli.report import FORMATS
from tfpt_cli.report.words import verdict_lines
from tfpt_cli.results import Comparison, Explanation, Measure, Report, ScenarioResult, SideValue, State, Status, Verdict

if TYPE_CHECKING:
    from pathlib import Path

# What one input may take here, where a machine may be slow and busy: a hang takes longer than anything.
PATIENT = 20.0
# So many inputs are altered ones, behind all of the corpus.
SHARE = {
    **dict.fromkeys(MODULES, 300),
    "layout": 1000,
    "neutral": 1000,
    "native": 1000,
    "scenario": 700,
    "frames": 1000,
    "tensorflow": 100,
    "baseline": 150,
}


@pytest.mark.parametrize("name", MODULES)
def test_a_quick_share(name: str) -> None:
    """Of each target the corpus, what was found once, and some altered inputs."""
    each = target(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of frameworks, over files that are damaged
        found = mutated(each, SHARE[name] + len(each.corpus()), seed=0, into=Runs(name, each=PATIENT))
    assert not found.findings, [(f.what, f.where, f.said, f.data[:300]) for f in found.findings.values()]
    assert found.inputs == SHARE[name] + len(each.corpus())


def test_every_mended_finding_belongs_to_a_target() -> None:
    assert {folder.name for folder in REGRESSIONS.iterdir()} <= set(MODULES)


def test_hypothesis_makes_inputs_too() -> None:
    found = with_hypothesis(target("neutral"), 100, seed=1)
    assert found.inputs >= 100
    assert not found.findings


def test_the_same_inputs_for_the_same_seed() -> None:
    def run(seed: int) -> list[bytes]:
        from itertools import islice

        from tests.fuzz.engines import inputs

        return list(islice(inputs(target("scenario"), seed), 200))

    assert run(3) == run(3)
    assert run(3) != run(4)


# ---- sabotage: what is planted is found


def test_sabotage_an_exception_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard around arithmetic is taken away: `1 / 0` and `9.0 ** 999` in an expression are then what Python raises."""
    monkeypatch.setattr(constants, "_computed", lambda _, compute: compute())
    found = mutated(target("neutral"), 2000, seed=0, into=Runs("neutral", each=PATIENT))
    kinds = {finding.what: finding for finding in found.findings.values()}
    assert "ZeroDivisionError" in kinds
    finding = kinds["ZeroDivisionError"]
    again = watched(target("neutral"), finding.data, PATIENT)
    assert again is not None
    assert again.key == finding.key
    monkeypatch.undo()
    assert watched(target("neutral"), finding.data, PATIENT) is None


def test_sabotage_a_hang_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted behind an `except Exception`, which must not swallow what ends it."""

    def endless(_: str) -> str:
        while True:
            try:
                while True:
                    pass
            except Exception:
                pass

    monkeypatch.setattr("tests.fuzz.layouts.problem_in", endless)
    finding = watched(target("layout"), b"a b -> b a\n2 3", 0.2)
    assert finding is not None
    assert (finding.what, problem_in("a b -> b a")) == ("time", "")


def test_sabotage_memory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from tests.fuzz import layouts; from tests.fuzz.watching import watched\n"
        "kept = []\n"
        "def large(text):\n    kept.append(bytearray(b'x') * 400_000_000)\n    return ''\n"
        "layouts.problem_in = large\n"
        "print(watched(layouts.LAYOUT, b'a b -> b a', 60.0).what)"
    )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=ROOT, check=False)
    assert done.stdout.strip() == "memory", done.stderr


def test_sabotage_the_command_says_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1, the finding in words, and its input as a file; 0 where nothing is found."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    arguments = ["layout", "--runs", "50", "--findings", str(tmp_path)]
    planted = "import sys; from tests.fuzz import layouts; from tests.fuzz.__main__ import main; {}; sys.exit(main())"
    for code, change in ((1, "layouts.problem_in = lambda text: 1 / 0"), (0, "pass")):
        command = [sys.executable, "-c", planted.format(change), *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT, check=False)
        assert done.returncode == code, done.stderr
        assert ("ZeroDivisionError at " in done.stdout) == bool(code)
    assert [path.name.split("-")[0] for path in (tmp_path / "layout").iterdir()] == ["zerodivisionerror"]


def test_atheris_runs_a_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("atheris", reason="the coverage-guided fuzzer is not installed: pip install -e '.[fuzz]'")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        "layout",
        "--engine",
        "atheris",
        "--runs",
        "200",
        "--findings",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=tmp_path, check=False)
    assert "layout: 200 inputs" in done.stdout, done.stderr[-2000:]


# ---- mended findings whose input is a result, not a file


def _result(comparison: Comparison, **changes: Any) -> Report:
    result = ScenarioResult("a.yaml", 1, "n", {}, "gradient", "x", "agree", "", Status.FAILED, (comparison,), **changes)
    return Report({"torch": "2.13.0"}, (result,))


SIDES = {side: SideValue(State.PRESENT, shape=(1,), dtype="float32", values=[1.0]) for side in (TORCH, TENSORFLOW)}


def test_close_without_a_distance() -> None:
    """Where nothing is finite the distance is not known."""
    unknown = Measure(1, 0, None, None, 3, None, None)
    close = Comparison(quantity_named("y"), Verdict.CLOSE, SIDES, measure=unknown)
    assert verdict_lines(close) == ["close", "3 ULP"]
    for format_ in FORMATS:
        assert drawn(_result(close), format_)[1]


def test_a_file_name_is_no_html_of_a_comment() -> None:
    """The lines of a person's own file stand in the Markdown report: a folder may be called anything, or be no UTF-8."""
    known = Explanation(
        "trap",
        "a",
        "what",
        "why",
        {"torch": "x"},
        "s",
        "gradient/traps.yaml",
        lines={"torch": "<img src=x>/\udc80.py:3"},
    )
    differs = Comparison(quantity_named("y"), Verdict.DIFFERS, SIDES, known_differences=("trap",))
    text, complete = drawn(_result(differs, explanations=(known,)), "markdown")
    assert complete
    assert "<img" not in text
    assert "&lt;img src=x&gt;/\N{REPLACEMENT CHARACTER}.py:3" in text
    text.encode()
