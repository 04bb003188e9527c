"""Who is right: sides against what a reference found, on numbers that are known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfpt_cli.compare import arbiter
from tfpt_cli.compare.arbiter import MAX_KINKS, Evidence, found_kinks, judge
from tfpt_cli.results import Against, Kink, Standing, State, Tolerance, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAN, INF = math.nan, math.inf
EXACT = Tolerance(0.0, 0.0)


def against_of(value: Value, evidence: Evidence, tolerance: Tolerance | None) -> Against:
    return judge(value, evidence, tolerance).against


def side(*numbers: complex, dtype: str = "float32") -> Value:
    return Value(State.PRESENT, np.array(numbers, dtype="float32" if dtype == "bfloat16" else dtype), dtype)


def array(*numbers: float) -> NDArray[Any]:
    return np.array(numbers, dtype=np.float64)


def found(*value: float, error: float = 0.0, **more: Any) -> Evidence:
    """A derivative by differences, with the same error everywhere."""
    return Evidence(array(*value), np.full(len(value), error), derivative=True, **more)


def at_kinks(left: NDArray[Any], right: NDArray[Any]) -> Evidence:
    return Evidence((left + right) / 2, np.zeros(left.shape), None, left, right, derivative=True)


# Values


@pytest.mark.parametrize(
    ("have", "want", "standing"),
    [
        (NAN, NAN, Standing.RIGHT),  # log(-1) is no number, and both say so
        (INF, INF, Standing.RIGHT),
        (-INF, INF, Standing.WRONG),
        (NAN, 1.0, Standing.WRONG),
        (1.0, NAN, Standing.WRONG),
        (INF, 1e30, Standing.WRONG),
        (1.0, 1.0, Standing.RIGHT),
        (1.1, 1.0, Standing.WRONG),
    ],
)
def test_a_value_is_right_where_it_is_close_or_the_same_kind_of_nothing(
    have: float, want: float, standing: Standing
) -> None:
    against = against_of(side(have), Evidence(array(want)), None)
    assert against.standing is standing
    assert against.off == (standing is Standing.WRONG)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_an_infinity_is_overflow_beyond_the_greatest_number_of_the_dtype_alone(dtype: str) -> None:
    """A side that has an infinity of the other sign, or for a number that its dtype has, is wrong."""
    greatest = float(ml_dtypes.finfo(dtype).max)
    beyond = greatest * (1 + 2.0**-30)
    for have, want, standing in (
        (INF, beyond, Standing.OVERFLOW),
        (-INF, -beyond, Standing.OVERFLOW),
        (INF, greatest, Standing.WRONG),
        (INF, -beyond, Standing.WRONG),
        (greatest, 2 * greatest, Standing.WRONG),
        (NAN, beyond, Standing.WRONG),
    ):
        against = against_of(side(have, dtype=dtype), Evidence(array(want)), None)
        assert (against.standing, against.off) == (standing, 1), (have, want)
    both = judge(side(INF, 2.0, dtype=dtype), Evidence(array(beyond, 1.0)), None)
    assert (both.against.standing, both.beyond.tolist(), both.wrong.tolist()) == (
        Standing.WRONG,
        [True, False],
        [False, True],
    )


def test_the_digits_count_where_there_are_any() -> None:
    """Fifty digits come before float64, and their error is none, whatever the estimate of the other says."""
    evidence = Evidence(array(3.0), array(100.0), array(1.0))
    assert against_of(side(1.0), evidence, None).standing is Standing.RIGHT
    assert against_of(side(3.0), evidence, None).standing is Standing.WRONG


def test_how_the_reference_had_it() -> None:
    plain = Evidence(array(1.0))
    assert plain.method == "NumPy float64"
    assert replace(plain, derivative=True).method == "differences, float64"
    assert replace(plain, exact=array(1.0)).method == replace(plain, exact=array(NAN)).method == "50 digits, mpmath"
    assert replace(plain, exact=array(NAN), derivative=True).method == "differences, float64"
    assert replace(plain, exact=array(NAN), derivative=True, only_exact=True).method == "50 digits, mpmath"
    assert replace(plain, exact=array(1.0), own=True).method == "differences of its own function, float64"


def test_the_error_of_the_reference_is_no_error_of_a_side() -> None:
    for error, standing in (
        (1e-8, Standing.WRONG),
        (0.2, Standing.UNKNOWN),
        (-0.2, Standing.UNKNOWN),
        (0.0101, Standing.UNKNOWN),  # a tenth of what it is off, since it may be ten times too small
        (0.0099, Standing.WRONG),
        (NAN, Standing.WRONG),
    ):
        assert against_of(side(1.1), Evidence(array(1.0), array(error)), EXACT).standing is standing, error
    assert against_of(side(1.1), Evidence(array(1.0), array(NAN)), Tolerance(0.0, 0.2)).standing is Standing.RIGHT
    # It counts where it is more than float32 is usually allowed: of 1e4 that is 0.013, of zero 1e-5.
    for have, want, error, standing in (
        (1e4 + 0.3, 1e4, 0.05, Standing.UNKNOWN),
        (1e4 + 0.08, 1e4, 0.012, Standing.WRONG),
        (3e-5, 0.0, 5e-6, Standing.WRONG),
        (3e-5, 0.0, 1.1e-5, Standing.UNKNOWN),
    ):
        for tolerance in (None, EXACT):
            assert against_of(side(have), Evidence(array(want), array(error)), tolerance).standing is standing


def test_a_side_may_be_off_by_the_tolerance_and_the_error_together() -> None:
    """1e-5 is allowed at zero in float32; an error of 8e-6 is less than that, and comes on top of it."""
    for have, standing in ((1.7e-5, Standing.RIGHT), (1.9e-5, Standing.WRONG)):
        assert against_of(side(have), Evidence(array(0.0), array(8e-6)), None).standing is standing


def test_another_shape_is_not_judged() -> None:
    assert against_of(side(1.0, 2.0), Evidence(array(1.0)), None) == Against(Standing.UNKNOWN)


def test_complex_numbers_have_no_units_in_the_last_place() -> None:
    against = against_of(side(1 + 2j, dtype="complex64"), Evidence(np.array([1 + 2.5j])), None)
    assert against == Against(Standing.WRONG, 1, None, 0.5, (0,), lost=False)
    assert against_of(side(1.0), Evidence(np.array([1 + 1j])), None).standing is Standing.WRONG
    assert against_of(side(1.5), Evidence(np.array([1 + 0j])), None) == Against(Standing.WRONG, 1, None, 0.5, (0,))


def test_digits_that_are_complex_judge_real_numbers_where_they_are_real(recwarn: pytest.WarningsRecorder) -> None:
    """mpmath answers with complex numbers wherever an input is one; by what is none of the reals nobody is judged."""
    real, digits = array(1.0, 2.5, math.nan), np.array([1.0 + 0j, 2.5 + 0j, 0.0 + 1j])
    against = judge(side(1.0, 2.0, 0.0), Evidence(real, exact=digits), None).against
    assert (against.standing, against.off, against.unknown) == (Standing.WRONG, 1, 1)
    assert judge(side(0.0), Evidence(array(math.nan), exact=digits[2:]), None).against.standing is Standing.UNKNOWN
    # What is left of an imaginary part by rounding is none, beside a number of its size.
    for number, standing in (
        (1e6 + 1e-7j, Standing.RIGHT),
        (1e-6 + 1e-10j, Standing.UNKNOWN),
        (0j, Standing.RIGHT),
    ):
        evidence = Evidence(array(number.real), exact=np.array([number]))
        assert against_of(side(number.real), evidence, None).standing is standing
    assert not recwarn.list


def test_how_many_are_off_and_the_worst_of_them() -> None:
    want = np.array([[1.0, 2.0], [3.0, 4.0]])
    have = Value(State.PRESENT, np.array([[1.5, 2.0], [3.0, 4.25]], np.float32), "float32")
    against = against_of(have, Evidence(want), None)
    assert (against.standing, against.off, against.max_abs, against.worst_index) == (Standing.WRONG, 2, 0.5, (0, 0))
    # One that is no number is worse than any that is.
    against = against_of(side(1.5, NAN, 3.0), Evidence(array(1.0, 2.0, 3.0)), None)
    assert (against.off, against.max_abs, against.worst_index) == (2, 0.5, (1,))
    # What is within the tolerance is not the worst of those beyond it.
    against = against_of(side(1e6 + 1, 2.5), Evidence(array(1e6, 2.0)), None)
    assert (against.off, against.max_abs, against.worst_index) == (1, 1.0, (1,))
    assert against_of(side(1.0), Evidence(array(1.0)), None).worst_index is None


def test_nothing_that_can_be_measured_has_no_distance() -> None:
    against = against_of(side(NAN, INF), Evidence(array(NAN, INF)), None)
    assert (against.standing, against.ulps, against.max_abs) == (Standing.RIGHT, None, None)
    assert against_of(side(), Evidence(array()), None) == Against(Standing.RIGHT)


@pytest.mark.parametrize(("dtype", "bits"), [("float16", 10), ("bfloat16", 7), ("float32", 23), ("float64", 52)])
def test_units_are_those_of_the_dtype(dtype: str, bits: int) -> None:
    """Three units above eight, and measured at the greater of the two: a power of two has smaller ones below it."""
    assert against_of(side(8 + 3 * 8 * 2.0**-bits, dtype=dtype), Evidence(array(8.0)), None).ulps == 3
    assert against_of(side(8 - 2 * 4 * 2.0**-bits, dtype=dtype), Evidence(array(8.0)), None).ulps == 1
    assert against_of(side(8.0, dtype=dtype), Evidence(array(8 - 4 * 2.0**-bits)), None).ulps == 0.5


def test_the_greatest_distance_in_units_is_not_that_of_the_greatest_number() -> None:
    one = 2.0**-23
    against = against_of(side(1024.0, 1 + 5 * one, NAN), Evidence(array(1024 + one, 1.0, NAN)), None)
    assert against.ulps == 5


@pytest.mark.parametrize(
    ("have", "want", "dtype", "lost"),
    [
        (1 + 2.0**-11, 1.0, "float32", True),  # twelve of 23 bits are gone
        (1 + 2.0**-12, 1.0, "float32", False),
        (1 + 2.0**-25, 1.0, "float64", True),
        (1 + 2.0**-27, 1.0, "float64", False),
        (1.5, 1.0, "float16", False),  # has none to lose
        (1.5, 1.0, "bfloat16", False),
        (2e-13, 1e-13, "float32", False),  # nothing but rounding
        (2e-11, 1e-11, "float32", True),
    ],
)
def test_half_of_the_digits_are_lost(have: float, want: float, dtype: str, lost: bool) -> None:
    """Whatever the tolerance allows near zero."""
    assert against_of(side(have, dtype=dtype), Evidence(array(want)), Tolerance(1.0, 1.0)).lost is lost


def test_what_should_be_zero_beside_large_numbers_has_no_digits_to_lose() -> None:
    """sin(pi) is 1.2e-16 beside a sine of one."""
    assert not against_of(side(1.0, -8.7e-8), Evidence(array(1.0, 1.2e-16)), None).lost
    assert against_of(side(1.0, 2e-4), Evidence(array(1.0, 1e-4)), Tolerance(0.0, 1.0)).lost
    assert not against_of(side(NAN, 1.0), Evidence(array(NAN, 1.0)), None).lost
    # Beside small ones a smaller one still has.
    assert against_of(side(1e-10, 2e-15), Evidence(array(1e-10, 1e-15)), Tolerance(1.0, 1.0)).lost


# Derivatives


def test_a_derivative_is_known_where_its_error_is_a_tenth_of_the_tolerance() -> None:
    tolerance = Tolerance(0.1, 1.0)  # allows 2 at 10
    for error, standing in ((0.19, Standing.WRONG), (0.21, Standing.UNKNOWN), (NAN, Standing.UNKNOWN)):
        assert against_of(side(15.0), found(10.0, error=error), tolerance).standing is standing, error
        assert against_of(side(10.0), found(10.0, error=error), tolerance).standing is (
            Standing.RIGHT if error < 0.2 else Standing.UNKNOWN
        )
    assert against_of(side(3.0), found(NAN), None).standing is Standing.UNKNOWN


def test_a_derivative_with_an_error_of_more_than_a_tenth_is_none() -> None:
    """Of its own size, or of one where it is smaller; 50 digits have no error."""
    evidence = Evidence(array(1.0, 1.0, 10.0, 10.0, -0.5), array(0.09, 0.11, -0.9, -1.1, 0.09), derivative=True)
    assert evidence.best.tolist() == pytest.approx([1.0, NAN, 10.0, NAN, -0.5], nan_ok=True)
    exact = replace(evidence, exact=array(3.0, 3.0, NAN, NAN, 3.0), known=np.array([1, 1, 1, 1, 0]))
    assert exact.best.tolist() == pytest.approx([3.0, 3.0, 10.0, NAN, -0.5], nan_ok=True)
    assert exact.uncertainty.tolist() == [0.0, 0.0, 0.9, 1.1, 0.09]
    assert replace(evidence, derivative=False).best.tolist() == evidence.value.tolist()


def test_a_wrong_number_counts_though_another_is_not_known() -> None:
    against = against_of(side(1.5, 9.0, 2.0), found(1.0, NAN, 2.0), None)
    assert against.ulps == pytest.approx(0.5 * 2**23, rel=1e-6)
    assert against == Against(Standing.WRONG, 1, against.ulps, 0.5, (0,), lost=True, unknown=1)
    against = against_of(side(1.0, 9.0), found(1.0, NAN), None)
    assert (against.standing, against.unknown) == (Standing.RIGHT, 1)


def test_differences_are_no_better_than_their_noise() -> None:
    """By differences 1e-10 of the greatest is noise, and a hundred times their own error; of 50 digits nothing is."""
    large = 2.0**30
    assert against_of(side(1 + 2.0**-23, large), found(1.0, large), None).ulps == 0
    exact = Evidence(array(1.0, large), np.zeros(2), array(1.0, large), derivative=True)
    assert against_of(side(1 + 2.0**-23, large), exact, None).ulps == 1
    assert against_of(side(1 + 2.0**-20), found(1.0, error=2.0**-27), None).ulps == pytest.approx(
        8 - 100 / 16, rel=1e-2
    )
    assert against_of(side(1 + 2.0**-20), Evidence(array(1.0), array(2.0**-27)), None).ulps == 8


# Kinks

RELU = array(0.0), array(1.0)


@pytest.mark.parametrize(
    ("have", "left", "right", "standing"),
    [
        (0.5, 1.0, 0.0, Standing.CONVENTION),  # whichever side is the greater
        (-0.1, 0.0, 1.0, Standing.WRONG),
        (1.1, 0.0, 1.0, Standing.WRONG),
        (-5e-6, 0.0, 1.0, Standing.CONVENTION),  # within the tolerance of an end
        (1 + 5e-6, 0.0, 1.0, Standing.CONVENTION),
        (1e6 + 1, 0.0, 1e6, Standing.CONVENTION),  # also relative to it
        (-1e6 - 1, -1e6, 0.0, Standing.CONVENTION),
        (INF, 0.0, INF, Standing.CONVENTION),
        (-INF, 0.0, INF, Standing.WRONG),
        (INF, 0.0, 1.0, Standing.WRONG),  # which no tolerance reaches, though `rtol * inf` would
        (-INF, 0.0, 1.0, Standing.WRONG),
        (7.0, 0.0, INF, Standing.CONVENTION),
        (1.0, 1.0, NAN, Standing.RIGHT),  # at an edge of the domain there is one
        (1.0, NAN, 1.0, Standing.RIGHT),
        (0.0, NAN, 1.0, Standing.WRONG),
        (2.0, NAN, NAN, Standing.UNKNOWN),
        (1.0, 1.0, 1.0 + 1e-6, Standing.RIGHT),  # no kink that float32 could show
    ],
)
def test_between_the_derivatives_from_both_sides(have: float, left: float, right: float, standing: Standing) -> None:
    assert against_of(side(have), at_kinks(array(left), array(right)), None).standing is standing


def test_a_convention_has_no_distance_and_the_rest_is_judged() -> None:
    against = against_of(side(0.5, 2.0), at_kinks(array(0.0, 2.0), array(1.0, 2.0)), None)
    assert (against.standing, against.off, against.max_abs) == (Standing.CONVENTION, 0, 0.0)
    against = against_of(side(0.5, 3.0), at_kinks(array(0.0, 2.0), array(1.0, 2.0)), None)
    assert (against.standing, against.off, against.max_abs, against.worst_index) == (Standing.WRONG, 1, 1.0, (1,))


@pytest.mark.parametrize("only", ["left", "right"])
def test_one_side_alone_shows_no_kink(only: str) -> None:
    there = array(7.0)
    evidence = replace(found(0.5), left=there) if only == "left" else replace(found(0.5), right=there)
    assert found_kinks(evidence, "float32") == ()
    assert against_of(side(0.5), evidence, None).standing is Standing.RIGHT


def test_a_value_has_no_kink() -> None:
    evidence = Evidence(array(0.5), None, None, *RELU)
    assert against_of(side(0.9), evidence, None).standing is Standing.WRONG


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_kink_is_where_the_dtype_shows_two_numbers(left: float, right: float) -> None:
    apart = not np.isclose(left, right, 1.3e-6, 1e-5) and not np.isclose(right, left, 1.3e-6, 1e-5)
    for one, other in ((left, right), (right, left)):
        kinks = found_kinks(at_kinks(array(one), array(other)), "float32")
        assert kinks == ((Kink((0,), one, other),) if apart else ())


def test_the_first_kinks_are_listed() -> None:
    """By their places in the array, row by row."""
    left = np.zeros((5, 6))
    right = left + (np.arange(30).reshape(5, 6) % 30 > 2)
    kinks = found_kinks(at_kinks(left, right), "float32")
    assert [kink.index for kink in kinks] == [divmod(place, 6) for place in range(3, 3 + MAX_KINKS)]
    assert {(kink.left, kink.right) for kink in kinks} == {(0.0, 1.0)}


@given(data=st.data())
def test_a_judgement_in_pieces_is_that_of_the_whole(data: st.DataObject) -> None:
    """Whatever stands at the ends of the pieces."""
    size = data.draw(st.integers(1, 24))
    numbers = st.sampled_from([0.0, 1e-30, 0.3, 1.0, 1.0 + 1e-5, -2.0, 1e30, 1e300, np.inf, -np.inf, np.nan])

    def array() -> Any:
        return np.array(data.draw(st.lists(numbers, min_size=size, max_size=size)))

    derivative = data.draw(st.booleans())
    value = array()
    evidence = Evidence(
        value=value,
        error=data.draw(st.sampled_from([None, np.full(size, 1e-9)])),
        exact=data.draw(st.sampled_from([None, value])),
        left=array() if derivative else None,
        right=array() if derivative else None,
        derivative=derivative,
        known=data.draw(st.sampled_from([None, np.arange(size) % 2 == 0])),
        undecided=data.draw(st.sampled_from([None, np.arange(size) % 3 == 0])),
    )
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    with np.errstate(over="ignore"):
        side = Value(State.PRESENT, array().astype(dtype), dtype)
    whole = judge(side, evidence, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arbiter, "PIECE", data.draw(st.integers(1, 7)))
        pieces = judge(side, evidence, None)
    assert pieces.against == whole.against
    for name in ("off", "beyond", "known", "convention"):
        assert getattr(pieces, name).tolist() == getattr(whole, name).tolist()


def test_what_holds_for_several_entries_may_be_of_a_smaller_shape() -> None:
    """As one number that two slopes belong to: the frameworks' shapes are those of the value."""
    evidence = Evidence(value=np.array(1.0), left=np.zeros(4), right=np.ones(4), derivative=True)
    found = judge(Value(State.PRESENT, np.float32(0.5), "float32"), evidence, None)
    assert found.against.standing is Standing.CONVENTION
    assert found.convention.tolist() == [True] * 4
    small = Evidence(value=np.array(1.0), exact=np.array([1.0, 2.0]))
    assert judge(side(1.0, 2.0), small, None).against.standing is Standing.RIGHT
