"""A quick share of `tests/oracles`: truths from outside, and that the judge who holds tfpt against them can condemn."""

from __future__ import annotations

import copy
import importlib
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest

from tests.oracles import tables, trees
from tests.oracles.judge import Tally, _Hearing, checked, judged, standing
from tests.oracles.truth import Case, Truth, flow

if TYPE_CHECKING:
    from tfpt_cli.engine.session import Session

# How many cases of each source every run of the tests looks at; `python -m tests.oracles` takes them all.
SHARE = {"trees": 80, "tables": 40, "planted": 40, "opinfo": 40}
# Words of blame that may be wrong, and that may be missing, as shares of all; the whole table stands in tests/README.md.
WRONG = {"trees": 0.0, "tables": 0.0, "planted": 0.0, "opinfo": 0.0}
REFUSED = {"trees": 0, "tables": 0, "planted": 0, "opinfo": 0}
SILENT = {"trees": 0.02, "tables": 0.02, "planted": 0.02, "opinfo": 0.1}


@pytest.fixture(scope="module")
def tallies(session: Session) -> dict[str, Tally]:
    """What a share of each source comes to."""
    found = {}
    for name, count in SHARE.items():
        source = importlib.import_module(f"tests.oracles.{name}")
        found[name] = judged(source.cases(1, count), session)
    return found


def _listed(tally: Tally, *kinds: str) -> str:
    return "\n".join(
        f"{b.kind} {b.case.document} {b.quantity} {b.side}: {b.words}" for b in tally.bad if b.kind in kinds
    )


@pytest.mark.parametrize("source", SHARE)
def test_no_verdict_is_false(tallies: dict[str, Tally], source: str) -> None:
    tally = tallies[source]
    assert tally.quantities > SHARE[source]
    assert tally.right > SHARE[source]
    assert not tally.false_agreements + tally.false_differences, _listed(tally, "false agreement", "false difference")


@pytest.mark.parametrize("source", SHARE)
def test_no_side_is_refused_for_our_fault(tallies: dict[str, Tally], source: str) -> None:
    assert tallies[source].refused <= REFUSED[source], _listed(tallies[source], "refused")


@pytest.mark.parametrize("source", SHARE)
def test_nobody_is_blamed_wrongly(tallies: dict[str, Tally], source: str) -> None:
    tally = tallies[source]
    assert tally.wrong <= WRONG[source] * tally.words, _listed(tally, "blame wrong")


@pytest.mark.parametrize("source", SHARE)
def test_few_words_of_blame_are_left_out(tallies: dict[str, Tally], source: str) -> None:
    tally = tallies[source]
    assert tally.silent.total() <= SILENT[source] * tally.words, tally.silent.most_common()


# ---- the judge and the truths themselves ----


def _case(**truths: Truth) -> Case:
    document = {"dtype": "float32", "gradient": {"of": "square(x)", "at": {"x": [0.5, 3.0]}}}
    names = {"value": "value", "slope": "d/dx"}
    return Case(
        "here", "square", document, {names[name]: truth for name, truth in truths.items()}, operations=("square",)
    )


@pytest.fixture(scope="module")
def square(session: Session) -> tuple[Case, dict[str, Any]]:
    """A case that is right in every respect, and its report."""
    case = _case(value=Truth.of([0.25, 9.0]), slope=Truth.of([1.0, 6.0]))
    ((_, scenario, problem),) = checked([case], session)
    assert scenario is not None, problem
    return case, scenario


def _heard(case: Case, scenario: dict[str, Any]) -> Tally:
    tally = Tally()
    _Hearing(case, tally, []).hear(scenario, "")
    return tally


def test_the_judge_acquits_what_is_right(square: tuple[Case, dict[str, Any]]) -> None:
    tally = _heard(*square)
    assert (tally.quantities, tally.right, tally.bad) == (2, 4, [])


def test_the_judge_sees_a_verdict_that_the_numbers_contradict(square: tuple[Case, dict[str, Any]]) -> None:
    case, scenario = square
    altered = copy.deepcopy(scenario)
    altered["comparisons"][0]["torch"]["values"] = [0.25, 9.1]
    assert _heard(case, altered).false_agreements == 1
    altered = copy.deepcopy(scenario)
    altered["comparisons"][1]["verdict"] = "differs"
    assert _heard(case, altered).false_differences == 1


@pytest.mark.parametrize(
    ("said", "values", "right", "wrong", "silent"),
    [
        ("right", [0.25, 9.0], 1, 0, 0),
        ("right", [0.25, 9.1], 0, 1, 0),
        ("right", [0.25, "nan"], 0, 1, 0),
        ("wrong", [0.25, 9.1], 1, 0, 0),
        ("wrong", [0.25, 9.0], 0, 1, 0),
        ("convention", [0.25, 9.0], 0, 1, 0),
        ("rounding", [0.25, 9.0], 0, 1, 0),
        ("rounding", [0.25, "inf"], 0, 1, 0),
        ("unknown", [0.25, 9.0], 0, 0, 1),
    ],
)
def test_the_judge_of_a_word_of_blame(
    square: tuple[Case, dict[str, Any]], said: str, values: list[Any], right: int, wrong: int, silent: int
) -> None:
    case, scenario = square
    altered = copy.deepcopy(scenario)
    comparison = altered["comparisons"] = [altered["comparisons"][0]]
    comparison[0]["torch"]["values"] = values
    comparison[0]["reference"]["torch"]["standing"] = said
    tally = _heard(case, altered)
    assert (tally.right - 1, tally.wrong, tally.silent.total()) == (right, wrong, silent)  # TensorFlow's word is right


def test_a_planted_mistake_that_is_not_seen_and_one_that_is_held_against_the_other_side(session: Session) -> None:
    planted = importlib.import_module("tests.oracles.planted")
    case = next(c for c in planted.cases() if c.plant == "factor" and c.altered == "torch")
    ((_, scenario, _),) = checked([case], session)
    assert scenario is not None
    assert not [bad for bad in _heard(case, scenario).bad if bad.kind != "silent"]
    scenario["comparisons"][0]["verdict"] = "close"
    scenario["comparisons"][0]["reference"]["tensorflow"]["standing"] = "wrong"
    kinds = [bad.kind for bad in _heard(case, scenario).bad]
    assert kinds.count("blame wrong") == 1
    assert "false agreement" in kinds


def test_a_kink_is_known_from_both_sides() -> None:
    spelled, function = "abs({})", trees.UNARY["abs({})"]
    truth = trees.truths_of(
        trees.Tree("abs(x)", lambda at: [function(n) for n in at["x"]], (spelled,)), {"x": [0.0, -2.0]}
    )
    slope = truth["d/dx"]
    assert slope.low is not None
    assert slope.high is not None
    assert (slope.low.tolist(), slope.high.tolist()) == ([-1.0, -1.0], [1.0, -1.0])
    side = {"values": [0.5, -1.0], "shape": [2], "dtype": "float32"}
    found = standing(side, slope)
    assert found is not None
    assert found.kink
    assert found.right


def test_a_function_that_left_the_reals_does_not_come_back() -> None:
    absolute, log = trees.UNARY["abs({})"], trees.UNARY["log({})"]
    tree = trees.Tree("abs(log(x))", lambda at: [absolute(log(n)) for n in at["x"]])
    truth = trees.truths_of(tree, {"x": [-0.5, 0.5]})
    assert np.isnan(truth["value"].value[0])
    assert truth["value"].known.tolist() == [True, True]
    assert truth["d/dx"].known.tolist() == [False, True]


@pytest.mark.parametrize("spelled", [name for name in trees.UNARY if name not in ("abs({})", "relu({})")])
def test_the_slopes_are_those_of_the_values(spelled: str) -> None:
    function, point = trees.UNARY[spelled], trees.mp.mpf("1.3" if spelled == "acosh({})" else "0.37")
    slope = function(trees.Dual(point, trees.mp.mpf(1), moves=True)).t
    step = trees.mp.mpf(10) ** -30
    above, below = (function(trees.Dual(point + sign * step)).v for sign in (1, -1))
    assert mpmath.almosteq(slope, (above - below) / (2 * step), 1e-25)


def test_the_tables_are_there_or_the_reason_is_said() -> None:
    if missing := tables.missing():
        pytest.skip("; ".join(missing))
    kinds = {case.kind.split()[0] for case in tables.cases(0, 50)}
    assert kinds == {"numpy", "scipy"}


def test_numbers_are_written_to_their_last_digit() -> None:
    assert (
        flow({"x": [1e-310, float("nan"), -float("inf"), 1 + 2j, True]})
        == '{"x": [1e-310, .nan, -.inf, "1.0+2.0j", true]}'
    )
