"""One derivative on both sides, before the reference and in double precision: who is right, and the words about it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.gradients import BY_X, FAILED, NONE, OUTPUT, gradients
from tests.sides import TENSORFLOW, TORCH
from tfpt_cli.frameworks import SIDES
from tfpt_cli.results import (
    PLAIN,
    Comparison,
    Kind,
    Reference,
    Standing,
    State,
    Tolerance,
    Value,
    Verdict,
    Way,
)
from tfpt_cli.subjects.gradient.aspects import ALONG, DIRECTION, EXACT, KNOWN, LEFT, OWN, RIGHT, Aspect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.frameworks import Side

FUNCTIONS = ROOT / "tests" / "own_function.py"


def value(array: Any, dtype: str = "float32") -> Value:
    return Value(State.PRESENT, np.asarray(array, dtype), dtype)


def double(*numbers: float) -> Value:
    return value(numbers, "float64")


def by_x(torch: Value, tensorflow: Value, reference: Mapping[Any, Value] | None = None, **more: Any) -> Comparison:
    """The comparison of d/dx alone, in double precision that of what is given as `again` for either side."""
    again = more.pop("again", None)
    if again is not None:
        again = tuple({BY_X: found} for found in again)
    (found,) = gradients({BY_X: torch}, {BY_X: tensorflow}, reference=reference, again=again, **more)
    return found


def known(numbers: Any, whose: str = "", error: float = 1e-12, of: str = "") -> dict[Any, Value]:
    """What the reference leaves of d/dx by differences, with the same error everywhere."""
    array = np.asarray(numbers, np.float64)
    return {
        (BY_X, Aspect(whose=whose, of=of)): value(array, "float64"),
        (BY_X, Aspect(whose=whose, of=of, error=True)): value(np.full(array.shape, error), "float64"),
    }


def digits(numbers: Any, whose: str = "") -> dict[Any, Value]:
    """What the reference leaves of d/dx in 50 digits beside float64."""
    return {**known(numbers, whose, 1e-9), (BY_X, Aspect(what=EXACT, whose=whose)): value(numbers, "float64")}


def reference_of(found: Comparison) -> Reference:
    assert found.reference is not None
    return found.reference


def standings(found: Comparison) -> dict[Side, Standing]:
    return {side: against.standing for side, against in reference_of(found).sides.items()}


# How the reference had its numbers


@pytest.mark.parametrize(
    ("reference", "method"),
    [
        (known([1.0]), "differences, float64"),
        (digits([1.0]), "50 digits, mpmath"),
        (known([1.0], TORCH) | known([1.0], TENSORFLOW), "differences, float64"),
        (
            known([1.0], TORCH, of=OWN) | known([1.0], TENSORFLOW, of=OWN),
            "differences of each side's function, float64",
        ),
        (known([1.0], TENSORFLOW, of=OWN), "differences of its own function, float64"),
        (
            digits([1.0], TORCH) | known([1.0], TENSORFLOW, of=OWN),
            "PyTorch: 50 digits, mpmath; TensorFlow: differences of its own function, float64",
        ),
        (
            known([1.0], TORCH) | digits([1.0], TENSORFLOW),
            "PyTorch: differences, float64; TensorFlow: 50 digits, mpmath",
        ),
    ],
)
def test_how_the_reference_had_the_numbers_of_each_side(reference: dict[Any, Value], method: str) -> None:
    """No side's numbers are said to be had as those of the other side were."""
    found = by_x(value([1.0]), value([1.0]), reference)
    assert reference_of(found).method == method


@pytest.mark.parametrize("places", [(0, 1), (1, 0)])
def test_the_error_that_is_reported_is_that_of_the_numbers_that_are_shown(places: tuple[int, int]) -> None:
    """The greatest of both sides, of differences alone: what is from 50 digits has none."""
    sides = SIDES[places[0]], SIDES[places[1]]
    exact, rough = digits([1.0], sides[0]), known([1.0], sides[1], 3e-8)
    assert reference_of(by_x(value([1.0]), value([1.0]), exact | rough)).error == 3e-8
    assert reference_of(by_x(value([1.0]), value([1.0]), exact | digits([1.0], sides[1]))).error is None
    unsure = known([1.0], sides[0], math.nan) | known([1.0], sides[1], 2e-9)
    assert reference_of(by_x(value([1.0]), value([1.0]), unsure)).error == 2e-9
    assert reference_of(by_x(value([1.0]), value([1.0]), known([1.0], sides[0], math.nan))).error is None
    # One of two numbers is known to 50 digits, whatever the differences there were.
    mixed = known([1.0, 2.0], error=1e-9)
    mixed[BY_X, Aspect(error=True)] = double(5e-3, 1e-9)
    mixed |= {(BY_X, Aspect(what=EXACT)): double(1.0, 2.0), (BY_X, Aspect(what=KNOWN)): double(1.0, 0.0)}
    assert reference_of(by_x(value([1.0, 2.0]), value([1.0, 2.0]), mixed)).error == 1e-9


# Who is right


def test_a_side_without_a_number_beside_one_that_is_judged() -> None:
    for torch, tensorflow, side in ((value([1.0]), NONE, TORCH), (NONE, value([1.0]), TENSORFLOW)):
        found = by_x(torch, tensorflow, known([1.0]), again=(torch, tensorflow))
        assert (found.verdict, found.diagnosis, standings(found)) == (
            Verdict.DIFFERS,
            ("disconnected",),
            {side: Standing.RIGHT},
        )


def test_a_side_of_which_nothing_is_known_has_no_standing() -> None:
    found = by_x(value([1.0]), value([5.0]), known([1.0], TORCH))
    assert standings(found) == {TORCH: Standing.RIGHT}
    assert [finding.side for finding in found.findings] == [TORCH]


def test_complex_numbers_part_by_their_imaginary_parts_too() -> None:
    """A place where only those part is one where the reference knows who is right."""
    right, wrong = value([1 + 2j, 3.0], "complex64"), value([1 + 5j, 3.0], "complex64")
    reference = {(OUTPUT, Aspect()): value([1 + 2j, 3.0], "complex128")}
    again = {OUTPUT: value(right.array, "complex128")}, {OUTPUT: value(wrong.array, "complex128")}
    (found,) = gradients({OUTPUT: right}, {OUTPUT: wrong}, reference=reference, again=again)
    assert standings(found) == {TORCH: Standing.RIGHT, TENSORFLOW: Standing.WRONG}
    assert [(finding.kind, finding.side) for finding in found.findings] == [(Kind.RIGHT, TORCH), (Kind.OFF, TENSORFLOW)]
    assert found.findings[0].words == "PyTorch agrees with the reference"


def test_two_sides_that_agree_on_a_convention_are_told_of_the_kink() -> None:
    """Each gives 0.5 where the slopes are 0 and 1."""
    reference = known([0.5, 7.0])
    for side, slope in ((LEFT, 0.0), (RIGHT, 1.0)):
        reference[BY_X, Aspect(side=side)] = double(slope, 7.0)
        reference[BY_X, Aspect(side=side, error=True)] = double(1e-12, 1e-12)
    found = by_x(value([0.5, 7.0]), value([0.5, 7.0]), reference)
    assert found.verdict is Verdict.IDENTICAL
    assert standings(found) == dict.fromkeys(SIDES, Standing.CONVENTION)
    assert [finding.words for finding in found.findings] == [
        "a kink at [0]: 0 from the left, 1 from the right; both conventions are legitimate"
    ]


# In double precision


def test_digits_that_are_lost_in_double_precision_too_are_no_rounding() -> None:
    """A side within a wide tolerance, of which half of the digits are gone, and in double precision still fifty times what
    float32 allows: it does not become right there.
    """
    far, near, right = value([1.01]), double(1.0005), double(1.0)
    loose = Tolerance(0.5, 0.0)
    found = by_x(far, value([1.0]), known([1.0]), again=(near, right), tolerance=loose)
    assert reference_of(found).sides[TORCH].lost
    assert standings(found) == {TORCH: Standing.RIGHT, TENSORFLOW: Standing.RIGHT}
    found = by_x(far, value([1.0]), known([1.0]), again=(right, right), tolerance=loose)
    assert standings(found)[TORCH] is Standing.ROUNDING


def test_what_is_off_elsewhere_in_double_precision_says_nothing_of_a_number() -> None:
    single, off = value([1.0, 2.0]), value([1000.0, 2.0])
    for again, standing in (
        (double(1.0, 2.01), Standing.ROUNDING),
        (double(1.01, 2.0), Standing.WRONG),
    ):
        found = by_x(off, single, known([1.0, 2.0]), again=(again, double(1.0, 2.0)))
        assert standings(found) == {TORCH: standing, TENSORFLOW: Standing.RIGHT}


def test_a_side_that_fails_in_double_precision_stays_wrong() -> None:
    for missing in (FAILED, NONE):
        found = by_x(value([3.0]), value([1.0]), known([1.0]), again=(missing, double(1.0)))
        assert standings(found) == {TORCH: Standing.WRONG, TENSORFLOW: Standing.RIGHT}


def test_a_lone_derivative_that_is_lost_with_a_value_too_small_for_the_dtype() -> None:
    """No number is left by which the distance could be measured.

    A value of which nothing is known, or known in another shape alone, excuses nothing.
    """
    least = 2.0**-127
    sound, lost = value([0.0]), value([math.nan])
    again = {OUTPUT: double(least), BY_X: double(1.0)}
    for of_value, diagnosis, standing in (
        ({(OUTPUT, Aspect()): double(least)}, "rounding", Standing.ROUNDING),
        ({}, "overflow", Standing.OVERFLOW),
        ({(OUTPUT, Aspect()): double(least, least)}, "overflow", Standing.OVERFLOW),
    ):
        sides = {OUTPUT: sound, BY_X: lost}, {OUTPUT: sound, BY_X: value([1.0])}
        _, found = gradients(*sides, reference={**known([1.0]), **of_value}, again=(again, again))
        assert (found.diagnosis[-1], standings(found)[TORCH]) == (diagnosis, standing)


def test_a_value_that_is_an_infinity_beside_one_that_is_lost_in_zero_is_overflow() -> None:
    """That the other side has a number too small for the dtype as zero excuses a derivative, and no value."""
    least = 2.0**-127
    again = {OUTPUT: double(least)}
    reference = {(OUTPUT, Aspect()): double(least)}
    for pair, side in ((([0.0], [math.inf]), TENSORFLOW), (([math.inf], [0.0]), TORCH)):
        torch, tensorflow = ({OUTPUT: value(numbers)} for numbers in pair)
        (found,) = gradients(torch, tensorflow, reference=reference, again=(again, again))
        assert (found.diagnosis[-1], standings(found)[side]) == ("overflow", Standing.OVERFLOW)


@pytest.mark.parametrize(
    ("function", "again", "of", "standing"),
    [
        ("keras_sine", double(1.0), "", Standing.ROUNDING),
        ("keras_sine", FAILED, "", Standing.UNKNOWN),
        ("keras_narrow_sine", double(1.0), "", Standing.UNKNOWN),  # it computes in float32 whatever it is given
        ("keras_narrow_sine", double(1.0), OWN, Standing.ROUNDING),  # whose float32 was raised
        ("keras_sine", FAILED, OWN, Standing.WRONG),
    ],
)
def test_a_function_that_was_not_run_in_double_precision_may_have_lost_its_digits(
    function: str, again: Value, of: str, standing: Standing
) -> None:
    """What its rows say of it proves no mistake then; differences of what it computes itself do."""
    sides = f"torch: {{python: '{FUNCTIONS}:torch_sine'}}, tensorflow: {{python: '{FUNCTIONS}:{function}'}}"
    reference = known([1.0], TORCH, of=of) | known([1.0], TENSORFLOW, of=of)
    fields = f"{{{sides}, at: {{x: [0.5]}}}}"
    found = by_x(value([1.0]), value([3.0]), reference, again=(double(1.0), again), fields=fields)
    assert standings(found) == {TORCH: Standing.RIGHT, TENSORFLOW: standing}


def test_what_parts_by_its_shape_or_dtype_alone_is_not_called_rounding() -> None:
    again = double(1.0), double(1.0)
    assert by_x(value([1.0]), value([1.0], "float64"), again=again).diagnosis == ("dtype",)
    assert by_x(value([1.0]), value([[1.0]]), again=again).diagnosis == ("shape",)


# Along a direction


def along(total: float, error: float = 1e-9, whose: str = "", of: str = "") -> dict[Any, Value]:
    """What the reference leaves of the sum of two numbers of d/dx."""
    aspects: dict[str, Any] = {"whose": whose, "of": of}
    return {
        (BY_X, Aspect(what=ALONG, **aspects)): value(total, "float64"),
        (BY_X, Aspect(what=ALONG, error=True, **aspects)): value(error, "float64"),
        (BY_X, Aspect(what=DIRECTION, **aspects)): double(1.0, 1.0),
    }


def test_what_is_not_wholly_known_along_a_direction_judges_nobody() -> None:
    """Each of the sum, its error and the direction may have failed."""
    sound = value([1.0, 2.0])
    reference = along(3.0)
    assert standings(by_x(sound, sound, reference)) == dict.fromkeys(SIDES, Standing.RIGHT)
    for missing in reference:
        assert by_x(sound, sound, {k: v for k, v in reference.items() if k != missing}).reference is None


def test_a_gradient_that_is_cut_on_purpose_is_not_called_wrong_along_a_direction() -> None:
    fields = "{torch: 'x * x.detach()', tensorflow: 'x * x', at: {x: [1.0, 1.0]}}"
    reference = along(4.0, whose=TORCH, of=OWN) | along(4.0, whose=TENSORFLOW, of=OWN)
    off = value([1.0, 1.0])
    found = by_x(off, off, reference, fields=fields)
    assert standings(found) == {TORCH: Standing.UNKNOWN, TENSORFLOW: Standing.WRONG}
    assert [reference_of(found).sides[side].off for side in SIDES] == [0, 1]


def test_two_sides_that_are_off_along_a_direction_are_each_said_by_how_far() -> None:
    """By the same distance in one line; what is wrong on both sides that part is no one mistake of both."""
    for torch, tensorflow, words in (
        ([1.0, 3.0], [1.0, 4.0], ["PyTorch {}, by 1", "TensorFlow {}, by 2"]),
        ([1.0, 4.0], [4.0, 1.0], ["PyTorch and TensorFlow {}, by 2"]),
        ([1.0, 3.0], [1.0, math.inf], ["PyTorch {}, by 1", "TensorFlow {}, and not a finite number"]),
    ):
        one, other = value(torch), value(tensorflow)
        found = by_x(one, other, along(3.0), again=(one, other))
        off = "off the reference along a random direction"
        assert [finding.words for finding in found.findings if finding.kind is Kind.OFF] == [
            w.format(off) for w in words
        ]
        assert "both wrong" not in found.diagnosis
    # Numbers that are equal, of functions of which one alone has them.
    reference = along(3.0, whose=TORCH) | along(5.0, whose=TENSORFLOW)
    found = by_x(value([1.0, 2.0]), value([1.0, 2.0]), reference, again=(value([1.0, 2.0]), value([1.0, 2.0])))
    assert standings(found) == {TORCH: Standing.RIGHT, TENSORFLOW: Standing.WRONG}
    assert (found.verdict, found.diagnosis) == (Verdict.IDENTICAL, ())


# Several ways


def test_ways_of_one_side_that_part_within_the_tolerance_of_the_scenario_are_not_told_of() -> None:
    first, further = Way(method="backward"), Way(method="backward", mode="compile")
    ways = {(BY_X, first): value([1.0]), (BY_X, further): value([1.001])}
    for loose, verdicts in ((Tolerance(0.01, 0.0), ["identical", "close"]), (None, ["identical", "differs"])):
        usual = {(BY_X, PLAIN): value([1.0])}
        for one, other in ((ways, usual), (usual, ways)):
            found = gradients(one, other, tolerance=loose)
            assert [str(c.verdict) for c in found] == verdicts
            assert ["ways" in c.diagnosis for c in found] == [False, loose is None]
