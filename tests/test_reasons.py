"""The reason of a scenario that is not as expected: one sentence, first in every report and last on the terminal."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from rich.console import Console
from rich.text import Text

from tests.conftest import SCENARIOS, warm_tfpt
from tests.sides import TENSORFLOW, TORCH, drawn, quantity_named
from tests.test_ci_reports import BROKEN, FAILED, reports
from tests.test_report import result
from tfpt_cli.report import FORMATS
from tfpt_cli.report.numbers import array_lines, differing_digits
from tfpt_cli.report.reasons import first_sentence, reason_of
from tfpt_cli.report.table import scenario_table
from tfpt_cli.results import (
    PLAIN,
    Comparison,
    Explanation,
    Failure,
    Finding,
    Kind,
    Report,
    SideValue,
    State,
    Status,
    Symptom,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def compared(
    quantity: str, verdict: Verdict, reason: str = "3 of 3 values off", *found: Finding, known: tuple[str, ...] = ()
) -> Comparison:
    sides = dict.fromkeys((TORCH, TENSORFLOW), SideValue(State.PRESENT, PLAIN, (), "float32", 1.0))
    return Comparison(quantity_named(quantity), verdict, sides, reason, findings=found, known_differences=known)


def row(name: str, what: str, **write: str) -> Explanation:
    return Explanation(name, "area", what, "why", write, "", "gradient/x.yaml")


BEGINS = Finding(Kind.BEGINS, "it begins here")
TWICE = Finding(Kind.RESEMBLANCE, "TensorFlow's is PyTorch's times 2, everywhere")
RIGHT = Finding(Kind.FUNCTIONS, "each side computes its own function right")
EPSILON = row(
    "an-eps", "Adds 1e-5 in F.norm, 1e-3 in Keras. It shows. (Rarely.)", torch="eps=1e-3", tensorflow="epsilon=1e-5"
)
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "explained": (
        {"comparisons": (compared("value", Verdict.DIFFERS, known=("an-eps",)),), "explanations": (EPSILON,)},
        "value differs: Adds 1e-5 in F.norm, 1e-3 in Keras [an-eps]; write eps=1e-3 in PyTorch, or epsilon=1e-5 in TensorFlow",
    ),
    "explained in part": (
        {
            "comparisons": (compared("value", Verdict.DIFFERS), compared("d/dx", Verdict.DIFFERS, known=("an-eps",))),
            "explanations": (row("an-eps", "Adds an epsilon."),),
        },
        "value, d/dx differ: Adds an epsilon [an-eps]; no known difference explains value",
    ),
    "a cause of where it begins": (
        {
            "comparisons": (
                compared("state.a", Verdict.DIFFERS, known=("a-state",)),
                compared("value", Verdict.DIFFERS, "far", BEGINS, known=("an-eps",)),
            ),
            "explanations": (row("a-state", "Keeps another state."), row("an-eps", "Adds an epsilon.")),
        },
        "state.a, value differ: it begins here: Adds an epsilon [an-eps, a-state]",
    ),
    "a cause of something else": (
        {
            "comparisons": (
                compared("value", Verdict.DIFFERS, "far", BEGINS),
                compared("state.a", Verdict.DIFFERS, known=("a-state",)),
            ),
            "explanations": (row("a-state", "Keeps another state."),),
        },
        "value, state.a differ: it begins here; state.a: Keeps another state [a-state]; no known difference explains value",
    ),
    "a cause of what agrees": (
        {
            "comparisons": (
                compared("value", Verdict.DIFFERS, "far", BEGINS),
                compared("state.a", Verdict.CLOSE, known=("a-state",)),
            ),
            "explanations": (row("a-state", "Keeps another state."),),
            "expect": {"state.a": "differ"},
        },
        "value differs, state.a agrees, which was not expected: it begins here; Keeps another state [a-state]; "
        "no known difference explains value",
    ),
    "in a person's own file": (
        {
            "comparisons": (compared("value", Verdict.DIFFERS, known=("an-eps",)),),
            "explanations": (replace(EPSILON, write={"torch": "eps=1e-3"}, lines={"torch": "port.py:12"}),),
        },
        "value differs: Adds 1e-5 in F.norm, 1e-3 in Keras [an-eps]; write eps=1e-3 in PyTorch at port.py:12",
    ),
    "a structure": (
        {
            "comparisons": (
                compared("value", Verdict.DIFFERS, "far", RIGHT),
                compared("d/dx", Verdict.DIFFERS, "far", TWICE),
            )
        },
        "value, d/dx differ: in d/dx TensorFlow's is PyTorch's times 2, everywhere",
    ),
    "numbers alone": ({"comparisons": (compared("value", Verdict.DIFFERS, "far", RIGHT),)}, "value differs: far"),
    "what is to differ does, the rest too": (
        {
            "comparisons": (compared("value", Verdict.DIFFERS, "expected"), compared("d/dx", Verdict.DIFFERS, "far")),
            "expect": {"value": "differ"},
        },
        "d/dx differs: far",
    ),
    "what is to differ agrees": (
        {"comparisons": (compared("value", Verdict.CLOSE, ""),), "expect": {"value": "differ"}},
        "expected value: differ and the rest to agree; nothing differs",
    ),
    "all agrees that is to differ": (
        {"comparisons": (compared("value", Verdict.CLOSE, ""),), "expect": "differ"},
        "expected to differ, but both sides agree",
    ),
    "one framework refuses": (
        {
            "comparisons": (),
            "status": Status.ERROR,
            "failures": (Failure(TENSORFLOW, Symptom.EXCEPTION, "ValueError: no."),),
        },
        "TensorFlow failed: ValueError: no",
    ),
    "both refuse": (
        {
            "comparisons": (),
            "status": Status.ERROR,
            "failures": (
                Failure(TORCH, Symptom.EXCEPTION, "RuntimeError: a"),
                Failure(TORCH, Symptom.EXCEPTION, "RuntimeError: later"),
                Failure(TENSORFLOW, Symptom.EXCEPTION, "ValueError: b"),
            ),
        },
        "PyTorch and TensorFlow failed: PyTorch: RuntimeError: a; TensorFlow: ValueError: b",
    ),
    "many quantities": (
        {"comparisons": tuple(compared(f"q{i}", Verdict.DIFFERS, "far") for i in range(9))},
        "q0, q1, q2, 6 more differ: in q0 far",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_reason(name: str) -> None:
    changes, sentence = CASES[name]
    reason = reason_of(result(**changes))
    assert reason is not None
    assert reason.sentence == sentence
    assert sentence.startswith(reason.line)


def test_what_is_as_expected_has_none() -> None:
    assert reason_of(result(status=Status.PASSED)) is None
    assert reason_of(result(status=Status.SKIPPED)) is None


@given(reports)
def test_every_failure_has_one_and_it_begins_with_what_parts(report: Report) -> None:
    for scenario in report.scenarios:
        reason = reason_of(scenario)
        assert (reason is None) == scenario.expected
        assert reason is None or (reason.parts and reason.sentence.startswith(reason.parts))


@pytest.mark.parametrize("format_", [name for name in FORMATS if name != "html"])
def test_every_format_says_it(format_: str) -> None:
    text = drawn(Report({}, (FAILED, BROKEN)), format_)[0]
    for scenario in (FAILED, BROKEN):
        reason = reason_of(scenario)
        assert reason is not None
        words = json.dumps(reason.parts)[1:-1] if format_ in ("json", "gitlab") else reason.parts
        assert words in " ".join(text.split())


def test_a_text_s_first_sentence() -> None:
    assert first_sentence("It is 1.5 in tf.nn.gelu, i.e. more. Then less.") == "It is 1.5 in tf.nn.gelu, i.e. more"


# The digits that part


def test_the_digits_that_part_are_marked() -> None:
    left, right = [1.25, -3.0, float("nan")], [1.26, 3.0, float("nan")]
    a, b = array_lines(left, 60, 3), array_lines(right, 60, 3)
    assert a is not None
    assert b is not None
    spans = differing_digits(a, b)
    assert [a[0][slice(*span)] for span in spans[0][0]] == ["5", "-3.00"]
    assert [b[0][slice(*span)] for span in spans[1][0]] == ["6", "3.00"]


@pytest.mark.parametrize("width", [80, 160])
def test_they_stand_out_in_the_table(width: int) -> None:
    values = {TORCH: [1.0, 2.5959], TENSORFLOW: [1.0, 2.5964]}
    sides = {side: SideValue(State.PRESENT, PLAIN, (2,), "float32", found) for side, found in values.items()}
    parting = Comparison(quantity_named("value"), Verdict.DIFFERS, sides, "far")
    console = Console(width=width, force_terminal=True, color_system="truecolor", record=True, file=io.StringIO())
    console.print(scenario_table(result(comparisons=(parting,)), {}, width))
    drawn_text = Text.from_ansi(console.export_text(styles=True))
    underlined = {
        drawn_text.plain[span.start : span.end] for span in drawn_text.spans if "underline" in str(span.style)
    }
    assert underlined == {"59", "64"}


def test_numbers_up_to_24_are_shown_at_80_columns() -> None:
    for shape in ((24,), (6, 4), (2, 12), (2, 3, 4), (1, 24)):
        numbers = [0.001 + 3.7 * i for i in range(24)]
        values: Any = numbers
        for size in reversed(shape[1:]):
            values = [values[i : i + size] for i in range(0, len(values), size)]
        assert array_lines(values, 22), shape


def test_the_least_number_keeps_its_digits() -> None:
    assert array_lines([-0.004, 2.9959], 30, 2) == ["[-0.0040  2.9959]"]
    assert "-0.00 " not in str(array_lines([-0.004, 1234.5], 18, 2))


# The lines of a run


def scenarios(count: int, write: Callable[..., Path]) -> Path:
    good = "\n---\n".join(f"name: good {i}\ngradient: {{of: x * {i}, at: {{x: 1.0}}}}" for i in range(count))
    bad = "name: bad\ngradient: {torch: F.gelu(x), tensorflow: keras.ops.gelu(x), at: {x: [0.5, 2.0]}}"
    return write(f"{good}\n---\n{bad}\n")


BAD = "keras.ops.gelu approximates by tanh [act-gelu-default]"


def test_a_run_ends_with_a_line_for_each_failure(write: Callable[..., Path]) -> None:
    lines = warm_tfpt("check", scenarios(2, write), columns=300).out.splitlines()
    assert lines[-2].startswith("FAILED ")
    assert ":7 bad: value, d/dx differ: " in lines[-2]
    assert lines[-2].endswith(BAD)
    assert lines[-1].startswith("2 passed, 1 failed")


def test_more_than_ten_that_passed_have_a_line_each(write: Callable[..., Path]) -> None:
    assert "x * 3   at" in warm_tfpt("check", scenarios(9, write)).out
    many = scenarios(11, write)
    out = warm_tfpt("check", many, columns=300).out
    assert out.count("\nPASSED ") + out.startswith("PASSED ") == 11
    assert "x * 3   at" not in out
    assert "x * 3   at" in warm_tfpt("check", many, "-v", columns=300).out


def test_quiet_and_lines(write: Callable[..., Path]) -> None:
    path = scenarios(2, write)
    quiet = warm_tfpt("check", path, "-q", columns=300).out
    assert quiet.startswith("PASSED ")
    assert "failed: expected to agree" in quiet
    lines = warm_tfpt("check", path, "--format", "line", columns=300).out.splitlines()
    assert [line.split()[0] for line in lines] == ["PASSED", "PASSED", "FAILED", "2"]
    assert lines[2].endswith(BAD)
    lines = warm_tfpt("check", path, "--format", "line", "-q", columns=300).out.splitlines()
    assert [line.split()[0] for line in lines] == ["FAILED", "2"]
    assert len(warm_tfpt("check", path, "-qq", columns=300).out.splitlines()) == 1


def test_the_shipped_scenarios_of_the_seed_pass_in_lines() -> None:
    done = warm_tfpt("check", SCENARIOS / "seed", "--format", "line", columns=200)
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["PASSED"] * 4 + ["4"]
