"""What a person sees: the table at several widths, with and without colour, and what must never reach a terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tests.conftest import SCENARIOS, run_tfpt, warm_tfpt
from tests.sides import TENSORFLOW, TORCH, quantity_named
from tfpt_cli.compare.summary import summary
from tfpt_cli.frameworks import SIDES
from tfpt_cli.report.json_report import report_text
from tfpt_cli.report.numbers import array_lines, digits_apart, histogram, number, summary_lines
from tfpt_cli.report.table import print_scenario
from tfpt_cli.report.words import reference_line, status_words
from tfpt_cli.results import (
    PLAIN,
    Against,
    Comparison,
    Diagnosis,
    Failure,
    Reference,
    Report,
    ScenarioResult,
    SideValue,
    Standing,
    State,
    Status,
    Symptom,
    Verdict,
    Way,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COLOUR = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
ENVIRONMENT = {"torch": "2.13.0+cpu", "tensorflow": "2.21.0"}
ARRAY = [[0.1, -2.0, 3.25], [4.5, 5.0, 6.0]]


def result(**changes: object) -> ScenarioResult:
    side = SideValue(State.PRESENT, Way("backward"), (2, 3), "float32", ARRAY)
    sides = {TORCH: side, TENSORFLOW: SideValue(State.DISCONNECTED, Way("GradientTape"))}
    comparison = Comparison(
        quantity_named("d/dx"), Verdict.DIFFERS, sides, "TensorFlow answers None", diagnosis=(Diagnosis.DISCONNECTED,)
    )
    values = {
        "file": "some/folder/file.yaml", "line": 7, "name": "a name", "case": {}, "subject": "gradient",
        "headline": "x + 1   at x = 1.0",
        "expect": "agree", "because": "", "status": Status.FAILED, "comparisons": (comparison,),
    }  # fmt: skip
    return ScenarioResult(**(values | changes))  # type: ignore[arg-type]


def printed(value: ScenarioResult, width: int, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print_scenario(value, ENVIRONMENT, Console(file=stream, width=width, markup=False, highlight=False, emoji=False))
    stream.seek(0)
    return stream.read()


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = printed(result(name="a long name " * 12, headline="exp(x) + " * 30), width)
    assert max(map(len, text.splitlines())) <= width
    assert "failed: expected to agree, but d/dx differs" in " ".join(text.split())


@pytest.mark.parametrize("name", ["右" * 20, "e\u0301" * 20, "right"])
def test_the_place_ends_at_the_last_column_whatever_the_name_is_made_of(name: str) -> None:
    first = printed(result(name=name), 80).splitlines()[0]
    assert first.endswith("some/folder/file.yaml:7")
    assert cell_len(first) == 80


@pytest.mark.parametrize("width", [80, 160])
def test_the_real_tables_keep_to_the_width(width: int) -> None:
    done = warm_tfpt("check", SCENARIOS / "seed", columns=width)
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= width
    assert "\x1b" not in done.out  # piped: no colour
    assert re.search(r"^ weight +\(4, 3\) float32 +\(3, 4\) float32 +same distribution", done.out, re.MULTILINE)


def test_colour_only_where_it_is_wanted(write: Callable[..., Path]) -> None:
    path = write("name: n\ngradient: {of: x, at: {x: 1.0}}\n")
    forced = run_tfpt("check", path, environment=COLOUR)
    plain = run_tfpt("check", path, environment={**COLOUR, "NO_COLOR": "1"})
    assert re.search(r"\x1b\[[0-9;]*32m", forced.out)  # green
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", plain.out)


def test_what_steers_a_terminal_is_not_printed(write: Callable[..., Path]) -> None:
    path = write('name: "evil \\e]0;title\\a \\e[2J [bold]name[/bold] :smile:"\ngradient: {of: x, at: {x: 1.0}}\n')
    done = warm_tfpt("check", path)
    assert "\x1b" not in done.out
    assert "[bold]name[/bold] :smile:" in done.out


def test_a_terminal_that_is_not_utf_8() -> None:
    done = run_tfpt("check", SCENARIOS / "seed", "-k", "uniform", environment={"PYTHONIOENCODING": "ascii"})
    assert done.code == 0
    assert done.out.isascii()


def judged_by(reference: Reference, verdict: Verdict) -> ScenarioResult:
    """One number on both sides before a reference."""
    side = SideValue(State.PRESENT, PLAIN, (), "float32", 1.0)
    return result(
        comparisons=(Comparison(quantity_named("d/dx"), verdict, dict.fromkeys(SIDES, side), reference=reference),)
    )


@pytest.mark.parametrize("width", [100, 40])
def test_how_the_reference_had_the_numbers_of_each_side_is_printed(width: int) -> None:
    method = "PyTorch: 50 digits, mpmath; TensorFlow: differences of its own function, float64"
    against = {TORCH: Against(Standing.RIGHT), TENSORFLOW: Against(Standing.WRONG, 1)}
    reference = Reference(method, {"torch": 1.0, "tensorflow": 2.0}, 0, {}, against)
    text = printed(judged_by(reference, Verdict.DIFFERS), width)
    for words in ("PyTorch: 50 digits", "TensorFlow: differences", "float64"):
        assert words in text


def test_each_side_is_held_against_the_error_of_its_own_reference() -> None:
    """What is from 50 digits has no error that could excuse a distance."""
    against = {
        TORCH: Against(Standing.RIGHT, ulps=0.5, max_abs=3e-8),
        TENSORFLOW: Against(Standing.RIGHT, ulps=0.0, max_abs=3e-8),
    }
    reference = Reference("differences, float64", {"torch": 1.0, "tensorflow": 1.0}, 0, {"tensorflow": 4e-8}, against)
    assert reference_line(judged_by(reference, Verdict.IDENTICAL)) == (
        "off the reference by: d/dx 0.5 ULP and no more than its own error of 4e-08"
    )
    both = replace(reference, values={"": 1.0}, errors={"": 4e-8})
    words = "off the reference by: d/dx no more than its own error of 4e-08"
    assert reference_line(judged_by(both, Verdict.IDENTICAL)) == words
    assert (reference.error, both.error, replace(both, errors={}).error) == (4e-8, 4e-8, None)


def test_every_failure_and_reason_is_said() -> None:
    failure = Failure(TORCH, Symptom.EXCEPTION, "RuntimeError: no", 12)
    failed = result(status=Status.ERROR, failures=(failure,), notes=("a note",))
    text = " ".join(printed(failed, 80).split())
    for words in (
        "PyTorch (exception, line 12 of its listing): RuntimeError: no",
        "a note",
        "error: PyTorch failed",
        "None",
    ):
        assert words in text
    assert (
        status_words(result(status=Status.PASSED, expect="differ", because="why")) == "d/dx differs, as expected (why)"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3.0"),
        (2, "2"),
        (0.1, "0.1"),
        (1e-7, "1e-07"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (1e22, "1e+22"),
        (True, "True"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_arrays() -> None:
    assert array_lines(ARRAY, 30) == ["[ 0.10 -2.00  3.25]", "[ 4.50  5.00  6.00]"]
    assert array_lines(ARRAY, 10) == ["[ 0.10", " -2.00", "  3.25]", "[ 4.50", "  5.00", "  6.00]"]
    assert array_lines(ARRAY, 6) is None
    assert array_lines([float(i) for i in range(6)], 14) == ["[0.0 1.0 2.0", " 3.0 4.0 5.0]"]
    assert array_lines([1e-20, 1.0], 30) == ["[1e-20   1.0]"]
    assert array_lines([], 30) is None


@given(st.lists(st.floats(width=32), min_size=1, max_size=40), st.integers(8, 80))
def test_arrays_fit_or_are_summarised(values: list[float], width: int) -> None:
    lines = array_lines(values, width)
    assert lines is None or max(map(len, lines)) <= width
    found = summary(values)  # type: ignore[arg-type]
    if found is not None:
        assert sum(found.counts) == len(values) - found.not_finite
        assert len(histogram(found)) in (0, 16)
        assert summary_lines(found, 40)


@given(st.text(max_size=30), st.floats())
def test_json_of_anything_is_read_by_a_strict_reader(name: str, value: float) -> None:
    import json

    sides = dict.fromkeys(SIDES, SideValue(State.PRESENT, PLAIN, (), "float64", value))
    comparison = Comparison(quantity_named("value"), Verdict.IDENTICAL, sides)
    report = Report(ENVIRONMENT, (result(name=name, comparisons=(comparison,)),))
    text = report_text(report)
    read = json.loads(text, parse_constant=lambda constant: pytest.fail(constant))
    assert read["scenarios"][0]["name"] == name
    assert float(read["scenarios"][0]["comparisons"][0]["torch"]["values"]) == pytest.approx(value, nan_ok=True)


def test_numbers_that_part_do_not_look_the_same() -> None:
    left, right = [0.25, -0.158655], [0.25, -0.158808]
    assert digits_apart(left, right) == 4
    assert array_lines(left, 40, 4) != array_lines(right, 40, 4)
    assert digits_apart([1.0, 2.0], [1.0, 2.0]) == 2
    assert digits_apart([1.0], [1.0, 2.0]) == 2
