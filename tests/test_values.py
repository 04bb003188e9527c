"""The comparison of values: laws that must hold for all arrays, and numbers from NumPy and SciPy."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.sides import TENSORFLOW, TORCH
from tfpt_cli.compare.distance import (
    close,
    error_map,
    flushes,
    largest,
    measure,
    measured,
    relative_distance,
    within,
)
from tfpt_cli.compare.values import close_numbers, compare_values, limits
from tfpt_cli.frameworks import SIDES
from tfpt_cli.layers.layout import Layout
from tfpt_cli.results import (
    MANY_ULP,
    PARAMETER,
    PLAIN,
    Comparison,
    Failure,
    Quantity,
    State,
    Symptom,
    Tolerance,
    Value,
    Verdict,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side

Q, WEIGHT = (Quantity(kind=PARAMETER, output=name) for name in ("q", "weight"))
FLOATS = st.floats(width=32, allow_subnormal=True)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two arrays of one shape, whose numbers are often the same, a NaN too, or near: independent ones hardly ever are."""
    shape = draw(hnp.array_shapes(max_dims=3, max_side=4))
    left, other = (draw(hnp.arrays(np.float32, shape, elements=FLOATS)) for _ in range(2))
    which = draw(hnp.arrays(np.int8, shape, elements=st.integers(0, 2)))
    with np.errstate(all="ignore"):
        near = left * np.float32(1 + draw(st.sampled_from([1e-7, 1e-3, 0.5])))
    return left, np.choose(which, [other, left, near]).astype(np.float32)


PAIRS = pairs()
TOLERANCES = st.tuples(st.floats(0, 10), st.floats(0, 10))


def compare(left: object, right: object, dtype: str = "float32", tolerance: Tolerance | None = None) -> Comparison:
    arrays = (np.asarray(value, dtype=dtype) for value in (left, right))
    values = {side: (PLAIN, Value(State.PRESENT, array, dtype)) for side, array in zip(SIDES, arrays, strict=True)}
    return compare_values(Q, values, tolerance)


@given(PAIRS, TOLERANCES)
def test_symmetric(pair: tuple[NDArray[np.float32], NDArray[np.float32]], tolerance: tuple[float, float]) -> None:
    a, b = pair
    forth, back = measure(a, b, *tolerance, "float32"), measure(b, a, *tolerance, "float32")
    assert forth == back


@given(PAIRS)
def test_an_array_is_identical_to_itself(pair: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
    assert compare(pair[0], pair[0]).verdict is Verdict.IDENTICAL


@given(PAIRS, TOLERANCES)
def test_the_tolerance_that_is_said_to_pass_passes(
    pair: tuple[NDArray[np.float32], NDArray[np.float32]], tolerance: tuple[float, float]
) -> None:
    rtol, atol = tolerance
    first = measure(*pair, rtol, atol, "float32")
    a, b = pair
    lone = (a != b) & ~(np.isnan(a) & np.isnan(b)) & ~(np.isfinite(a) & np.isfinite(b))
    assert (first.passes_at is None) == lone.any()
    assume(first.passes_at is not None)
    assert first.passes_at is not None
    slightly = 1 + 1e-9
    assert measure(*pair, first.passes_at["rtol"] * slightly, atol, "float32").mismatched == 0
    assert measure(*pair, rtol, first.passes_at["atol"] * slightly, "float32").mismatched == 0
    assert (first.mismatched == 0) == (first.passes_at["rtol"] <= rtol and first.passes_at["atol"] <= atol)


@given(PAIRS, TOLERANCES)
def test_mismatches_are_those_of_numpy(
    pair: tuple[NDArray[np.float32], NDArray[np.float32]], tolerance: tuple[float, float]
) -> None:
    """`numpy.isclose` either way round: |a - b| <= atol + rtol max(|a|, |b|) holds if it holds for |a| or for |b|."""
    (a, b), (rtol, atol) = (array.astype(np.float64) for array in pair), tolerance
    close = np.isclose(a, b, rtol, atol, equal_nan=True) | np.isclose(b, a, rtol, atol, equal_nan=True)
    assert measure(*pair, rtol, atol, "float32").mismatched == np.count_nonzero(~close)


@given(
    st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**127), max_value=2.0**127), st.booleans()
)
def test_neighbours_are_one_ulp_apart(value: float, up: bool) -> None:
    a = np.float32(value)
    b = np.nextafter(a, np.float32(math.inf if up else -math.inf))
    assert measure(np.array([a]), np.array([b]), 0, 0, "float32").max_ulp == 1


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_ulps_are_numpys_spacing(dtype: str) -> None:
    a = np.array([1.0, 3.0, 1000.0], dtype=dtype)
    a[0] += np.finfo(dtype).eps
    b = (a + 5 * np.spacing(a)).astype(dtype)
    assert measure(a, b, 0, 0, dtype).max_ulp == 5


def test_units_between_odd_neighbours() -> None:
    """Of a number whose last bit is set as of any other: 5 units are 5, and not a little less."""
    one = 1 + 2.0**-52
    assert measure(np.array([one]), np.array([one + 5 * 2.0**-52]), 0, 0, "float64").max_ulp == 5


def test_no_more_units_are_counted_than_a_reader_of_json_has_numbers_for() -> None:
    """Those of float64 go to 2^2098; of what is farther apart than 2^62 it is said that it is so far."""
    for number, units in ((2.0**9, 2**61), (2.0**10, 2**62), (2.0**10 + 1, 2**62), (1e300, 2**62)):
        found = measure(np.array([1.0]), np.array([1.0 + number]), 0, 0, "float64")
        assert found.max_ulp == units


def test_worst_index_and_differences() -> None:
    measured = measure(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.5], [3.0, 4.1]]), 0.1, 0.1, "float64")
    assert measured.mismatched == 1
    assert measured.worst_index == (0, 1)
    assert measured.max_abs == pytest.approx(0.5)
    assert measured.max_rel == pytest.approx(0.2)
    assert measured.passes_at == pytest.approx({"rtol": 0.4 / 2.5, "atol": 0.25})


def test_not_finite_values() -> None:
    nan, inf = math.nan, math.inf
    assert compare([nan, inf, -inf], [nan, inf, -inf]).verdict is Verdict.IDENTICAL
    pairs = (([nan], [0.0], "nan"), ([inf], [-inf], "infinity"), ([inf], [3e38], "infinity"), ([nan], [inf], "nan"))
    for left, right, kind in pairs:
        comparison = compare(left, right, tolerance=Tolerance(1e9, 1e9))
        assert (comparison.verdict, comparison.diagnosis) == (Verdict.DIFFERS, ("non-finite", kind))
        assert comparison.measure is not None
        assert comparison.measure.passes_at is None


def test_a_missing_gradient_a_zero_a_nan_an_infinity_and_a_wrong_number_are_five_things() -> None:
    def against(value: Value) -> tuple[Verdict, tuple[str, ...], str]:
        here = Value(State.PRESENT, np.array([2.0], np.float32), "float32")
        result = compare_values(
            Quantity(kind="gradient", by=("x",)), {TORCH: (PLAIN, here), TENSORFLOW: (PLAIN, value)}, None
        )
        return result.verdict, result.diagnosis, result.reason

    def number(value: float) -> Value:
        return Value(State.PRESENT, np.array([value], np.float32), "float32")

    missing, zero = against(Value(State.DISCONNECTED)), against(number(0.0))
    broken, endless, wrong = against(number(math.nan)), against(number(math.inf)), against(number(3.0))
    assert missing[1:] == (("disconnected",), "TensorFlow answers None (not connected), PyTorch a value")
    assert (zero[1], broken[1]) == (("zero",), ("non-finite", "nan"))
    assert (endless[1], wrong[1]) == (("non-finite", "infinity"), ("number",))
    assert len({missing[2], zero[2], broken[2], endless[2], wrong[2]}) == 5
    assert all(verdict is Verdict.DIFFERS for verdict, _, _ in (missing, zero, broken, endless, wrong))


def test_shapes_and_dtypes_come_before_values() -> None:
    shape = compare([1.0, 2.0], [[1.0, 2.0]])
    assert (shape.verdict, shape.diagnosis, shape.measure) == (Verdict.DIFFERS, ("shape",), None)
    half = Value(State.PRESENT, np.array([1.0], np.float16), "float16")
    single = Value(State.PRESENT, np.array([1.0], np.float32), "float32")
    dtype = compare_values(Q, {TORCH: (PLAIN, half), TENSORFLOW: (PLAIN, single)}, None)
    assert (dtype.verdict, dtype.diagnosis) == (Verdict.DIFFERS, ("dtype",))
    assert dtype.measure is not None
    assert dtype.measure.mismatched == 0


def test_a_layout_turns_pytorchs_axes() -> None:
    torch = Value(State.PRESENT, np.arange(12, dtype=np.float32).reshape(4, 3), "float32")
    keras = Value(State.PRESENT, torch.array.T, "float32")
    sides = {TORCH: (PLAIN, torch), TENSORFLOW: (PLAIN, keras)}
    assert compare_values(WEIGHT, sides, None, layout=Layout("out in -> in out")).verdict is Verdict.IDENTICAL
    assert compare_values(WEIGHT, sides, None).diagnosis == ("shape",)


def test_default_tolerances() -> None:
    assert limits(None, "float32", "float32") == (1.3e-6, 1e-5)
    assert limits(None, "float64", "float16") == (1e-3, 1e-5)
    # As torch.testing.assert_close documents them, but for the atol of double precision.
    documented = {
        "float16": 1e-3,
        "bfloat16": 1.6e-2,
        "float32": 1.3e-6,
        "float64": 1e-7,
        "complex64": 1.3e-6,
        "complex128": 1e-7,
    }
    for dtype, rtol in documented.items():
        assert limits(None, dtype) == limits(None, dtype, "int64") == (rtol, 1e-7 if rtol == 1e-7 else 1e-5)
        assert limits(None, dtype, "complex128") == (rtol, 1e-7 if rtol == 1e-7 else 1e-5)
    assert limits(None, "int64", "int64") == (0.0, 0.0)
    assert limits(Tolerance(0.5, 0.25), "float64", "float64") == (0.5, 0.25)


def test_large_whole_numbers_are_compared_exactly() -> None:
    assert compare([2**62], [2**62 + 1], "int64").verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("left", "right", "dtype", "apart"),
    [
        (2**62, -(2**62), "int64", 2.0**63),
        (2**63 - 1, -(2**63), "int64", 2.0**64),
        (2**63 + 5, 5, "uint64", 2.0**63),
        (2**64 - 1, 0, "uint64", 2.0**64),
        (-(2**63), -(2**63) + 9, "int64", 9.0),
    ],
)
def test_whole_numbers_farther_apart_than_int64_can_say_are_not_close(
    left: int, right: int, dtype: str, apart: float
) -> None:
    """Their difference wrapped round to a negative one, or to 1, which any tolerance allowed."""
    for one, other in ((left, right), (right, left)):
        found = compare([one], [other], dtype, Tolerance(0.0, 2.0))
        assert found.verdict is Verdict.DIFFERS
        assert found.measure is not None
        assert found.measure.max_abs == apart
        assert relative_distance(np.array([one], dtype), np.array([other], dtype)) == apart / max(abs(one), abs(other))
        assert largest(np.array([one], dtype)) == float(abs(one))


def magnitude_of(number: complex) -> Fraction:
    """The magnitude in exact arithmetic; of a complex number to 200 bits behind its own."""
    parts = [Fraction(part) for part in (number.real, number.imag)]
    if not parts[1]:
        return abs(parts[0])
    square = parts[0] ** 2 + parts[1] ** 2
    return Fraction(math.isqrt(square.numerator * square.denominator << 400), square.denominator << 200)


def apart_of(one: complex, other: complex) -> Fraction:
    """How far two numbers are apart, as `magnitude_of` measures it."""
    real, imaginary = (Fraction(a) - Fraction(b) for a, b in ((one.real, other.real), (one.imag, other.imag)))
    shift = 2 ** max(0, 1100 - 53)  # makes whole numbers of them all that fit into no float64
    square = (real * shift) ** 2 + (imaginary * shift) ** 2
    if not imaginary:
        return abs(real)
    return Fraction(math.isqrt(square.numerator * square.denominator << 400), square.denominator * shift << 200)


def truly_within(one: complex, other: complex, rtol: float, atol: float) -> bool:
    """Whether two finite numbers are close in exact arithmetic; what lies within rounding of the limit is not asked."""
    apart, largest_of = apart_of(one, other), max(magnitude_of(one), magnitude_of(other))
    allowed = Fraction(atol) + Fraction(rtol) * largest_of
    # A difference of large numbers is rounded to their units.
    assume(apart == 0 or abs(apart - allowed) > max(allowed, largest_of) / 10**12)
    return apart <= allowed


GREATEST = float(np.finfo(np.float64).max)
BESIDE_THE_GREATEST = st.one_of(
    st.floats(2.0**1020, GREATEST), st.floats(-GREATEST, -(2.0**1020)), st.floats(allow_nan=False, allow_infinity=False)
)
# Up to where a share of the greatest number is beyond it, and beyond all numbers.
ANY_TOLERANCE = st.one_of(st.floats(0, 3), st.floats(0, GREATEST), st.just(0.0))


@settings(max_examples=400)
@given(
    st.lists(st.tuples(*[BESIDE_THE_GREATEST] * 4), min_size=1, max_size=4),
    st.sampled_from(["float64", "complex128"]),
    ANY_TOLERANCE,
    ANY_TOLERANCE,
)
def test_no_tolerance_is_so_large_that_it_passes_what_it_does_not_allow(
    numbers: list[tuple[float, float, float, float]], dtype: str, rtol: float, atol: float
) -> None:
    """What is allowed of 1.7e308, and how far it is from -1.7e308, is no float64; that an infinity allows anything was wrong."""
    kind = complex if dtype == "complex128" else (lambda real, _: real)
    ones, others = [kind(a, b) for a, b, _, _ in numbers], [kind(c, d) for _, _, c, d in numbers]
    wanted = [truly_within(one, other, rtol, atol) for one, other in zip(ones, others, strict=True)]
    left, right = np.array(ones, dtype), np.array(others, dtype)
    for a, b in ((left, right), (right, left)):
        assert close(a, b, rtol, atol).tolist() == wanted
        assert [
            close_numbers(x, y, {"rtol": rtol, "atol": atol}) for x, y in zip(a.tolist(), b.tolist(), strict=True)
        ] == wanted
        found = measure(a, b, rtol, atol, dtype)
        assert found.mismatched == wanted.count(False)
        assert compare(a, b, dtype, Tolerance(rtol, atol)).verdict.agrees is all(wanted)
        assert found.passes_at is not None
        assert found.max_rel is not None
        # Relative to the greater of two numbers nothing is farther apart than its opposite.
        assert found.max_rel <= 2 * (1 + 1e-15)
        assert found.passes_at["rtol"] <= 2 * (1 + 1e-15)
        assert measure(a, b, found.passes_at["rtol"] * (1 + 1e-9), atol, dtype).mismatched == 0
        if (enough := found.passes_at["atol"] * (1 + 1e-9)) < math.inf:
            assert measure(a, b, rtol, enough, dtype).mismatched == 0
        distance = max(map(apart_of, ones, others))
        of = max(map(magnitude_of, (*ones, *others)))
        assert relative_distance(a, b) == pytest.approx(float(distance / of) if of else 0.0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "complex64"])
def test_the_greatest_numbers_of_narrow_dtypes_have_a_difference(dtype: str) -> None:
    """They are compared in float64, which has it; a bfloat16 travels as float32."""
    finfo = np.finfo({"bfloat16": "float32", "complex64": "float32"}.get(dtype, dtype))
    greatest = (2 - 2.0**-7) * 2.0**127 if dtype == "bfloat16" else float(finfo.max)
    held = {"bfloat16": "float32"}.get(dtype, dtype)
    left = np.array([greatest], held) * (1 + 1j if dtype == "complex64" else 1)
    assert largest(left.astype(held)) == pytest.approx(greatest * (math.sqrt(2) if dtype == "complex64" else 1))
    values = [Value(State.PRESENT, array.astype(held), dtype) for array in (left, -left)]
    for rtol, agrees in ((1.5, False), (1.999, False), (2.0, True), (1e300, True)):
        sides = dict(zip(SIDES, [(PLAIN, value) for value in values], strict=True))
        assert compare_values(Q, sides, Tolerance(rtol, 0.0)).verdict.agrees is agrees
    assert relative_distance(values[0].array, values[1].array) == 2.0


def test_the_worst_of_differences_that_are_no_numbers() -> None:
    """2e308 and 3.4e308 are no float64, and the second is the farther, also in another piece of a large array."""
    left = np.zeros(70_000)
    left[[5, 69_999]] = 1e308, 1.7e308
    for one, other in ((left, -left), (-left, left), (left[::-1], -left[::-1])):
        found = measure(one, other, 0.0, 0.0, "float64")
        assert (found.max_abs, found.max_rel) == (math.inf, 2.0)
        assert found.worst_index is not None
        assert abs(one[found.worst_index]) == 1.7e308
    # Two numbers that are each half of what is none.
    found = measure(np.array([2.0**1023]), np.array([-(2.0**1023)]), 0.0, 0.0, "float64")
    assert (found.max_abs, found.max_rel, found.passes_at) == (math.inf, 2.0, {"rtol": 2.0, "atol": math.inf})


def test_an_infinity_is_no_tolerance_that_would_pass() -> None:
    """2.7e308 apart, which no float64 is: no `atol` passes that."""
    far = compare([1.75e308], [-0.95e308], "float64", Tolerance(0.1, 0.0))
    assert far.reason == "worst 1.75e+308 against -9.5e+307 at [0]: more than 1.8e+308 apart; would pass at rtol 1.6"
    near = compare([1.75e308, 1.5e308], [1.0, -1.5e308], "float64", Tolerance(0.0, 0.0))
    assert near.measure is not None
    assert near.measure.worst_index == (1,)
    # Two digits, rounded up, are beyond all numbers.
    assert compare([1.796e308], [0.0], "float64", Tolerance(0.0, 0.0)).reason.endswith("or atol 1.796e+308")
    greatest = compare([GREATEST], [0.0], "float64", Tolerance(0.0, 0.0))
    assert greatest.reason.endswith(f"would pass at rtol 1 or atol {GREATEST}")


def test_an_error_is_within_a_finite_share_of_a_finite_number() -> None:
    greatest = complex(1.7e308, 1.7e308)
    for of in (1.7e308, greatest):
        assert within(np.array([1e308, math.inf, math.nan]), 9.0, 0.0, np.array([of] * 3)).tolist() == [
            True,
            False,
            False,
        ]
    assert within(np.array([0.1, 0.2, 0.25]), 0.1, 0.1, np.array([0.0, 1.0, -1.0])).tolist() == [True, True, False]
    assert within(np.array([1.0]), 0.1, 0.0, np.array([math.inf])).tolist() == [True]


def test_complex_numbers_whose_magnitude_is_no_number_are_not_all_close() -> None:
    """Both parts of either are numbers, and the magnitude is an infinity, of which any share would allow anything."""
    one, other = complex(1.5e308, 1.5e308), complex(0.7e308, 1.5e308)
    assert compare([one], [other], "complex128").verdict is Verdict.DIFFERS
    assert compare([one], [one], "complex128").verdict is Verdict.IDENTICAL
    assert close(np.array([one]), np.array([other]), 1e-7, 0.0).tolist() == [False]


@given(PAIRS, TOLERANCES)
def test_close_is_numpys_either_way_round(
    pair: tuple[NDArray[np.float32], NDArray[np.float32]], tolerance: tuple[float, float]
) -> None:
    """Of arrays, of single numbers and of what is counted: one closeness. NaN is close to NaN, and to nothing else."""
    (a, b), (rtol, atol) = (array.astype(np.float64) for array in pair), tolerance
    wanted = np.isclose(a, b, rtol, atol, equal_nan=True) | np.isclose(b, a, rtol, atol, equal_nan=True)
    assert (close(a, b, rtol, atol) == wanted).all()
    numbers = [close_numbers(x, y, {"rtol": rtol, "atol": atol}) for x, y in zip(a.flat, b.flat, strict=True)]
    assert numbers == wanted.ravel().tolist()
    assert bool(measured(*pair, rtol, atol, "float32")[1]) == (not wanted.all())


@pytest.mark.parametrize(
    ("a", "b", "near"),
    [
        (math.nan, math.nan, True),
        (math.nan, 0.0, False),
        (math.inf, math.inf, True),
        (math.inf, -math.inf, False),
        (math.inf, 1e308, False),
        (1.0, 1.125, True),
        (1.0, 1.1250001, False),
        (2.0, 1.0, False),
    ],
)
def test_close(a: float, b: float, near: bool) -> None:
    """With a tolerance of 0.125 at numbers of one: `|a - b| <= 0.0125 + 0.1 max(|a|, |b|)`."""
    for one, other in ((a, b), (b, a)):
        assert bool(close(np.array(one), np.array(other), 0.1, 0.0125)) is near
        assert close_numbers(one, other, {"rtol": 0.1, "atol": 0.0125}) is near
    complexes = np.array(complex(0, a)), np.array(complex(0, b))
    assert bool(close(*complexes, 0.1, 0.0125)) is near


def test_whole_numbers_are_compared_as_they_are() -> None:
    assert not close_numbers(2**70, 2**70 + 1, {"rtol": 0.0, "atol": 0.0})
    assert close_numbers(2**70, 2**70 + 1, {"rtol": 0.0, "atol": 1.0})


@pytest.mark.parametrize(
    ("left", "right", "kinds"),
    [
        ([math.nan, 1.0], [1.0, 1.0], ["nan"]),
        ([math.inf], [math.nan], ["nan"]),
        ([-math.inf], [math.inf], ["infinity"]),
        ([math.inf], [0.0], ["infinity"]),
        ([0.0], [1.0], ["zero"]),
        ([1.0], [0.0], ["zero"]),
        ([2.0], [1.0], ["number"]),
        ([2.0, 0.0, math.inf, math.nan], [1.0, 1.0, 1.0, 1.0], ["nan", "infinity", "zero", "number"]),
        ([math.nan, math.inf, 0.0, 1.0], [math.nan, math.inf, 0.0, 1.05], []),
        ([1j], [1 + 1j], ["number"]),
    ],
)
def test_what_is_against_what(left: list[complex], right: list[complex], kinds: list[str]) -> None:
    assert measured(np.array(left), np.array(right), 0.1, 0.0, "float64")[1] == kinds


@pytest.mark.parametrize(
    ("left", "right", "apart"),
    [
        ([math.nan], [math.nan], False),
        ([math.inf], [math.inf], False),
        ([math.inf], [-math.inf], True),
        ([math.nan], [1.0], True),
        ([1.0], [math.inf], True),
        ([1.0], [2.0], False),
        ([1], [2], False),
        ([1], [math.nan], True),
    ],
)
def test_where_something_is_not_finite_on_one_side(left: list[float], right: list[float], apart: bool) -> None:
    for one, other in ((left, right), (right, left)):
        assert (measure(np.array(one), np.array(other), 0.0, 0.0, "float64").passes_at is None) is apart


def flushed(left: NDArray[Any], right: NDArray[Any], dtype: str) -> dict[Side, int]:
    return flushes({TORCH: left, TENSORFLOW: right}, dtype)


def test_subnormal_results_that_one_side_has_as_zero() -> None:
    """Below the least normal number, by IEEE 754 2^-126 in float32 and 2^-14 in float16."""
    least = float(np.finfo(np.float32).smallest_normal)
    left, right = np.array([0.0, least / 2, least / 4, 0.0, 0.0]), np.array([least / 2, 0.0, 0.0, least, 0.0])
    assert flushed(left, right, "float32") == {TORCH: 1, TENSORFLOW: 2}
    assert flushed(left, left, "float32") == {}
    assert flushed(np.array([0.0]), np.array([2.0**-15]), "float16") == {TORCH: 1}
    assert flushed(np.array([0.0]), np.array([2.0**-14]), "float16") == {}
    for pair in ((np.array([0]), np.array([least / 2])), (np.array([0.0]), np.array([1]))):
        assert flushed(*pair, "float32") == {}
    assert flushed(left, right, "int32") == {}


def test_what_is_flushed_is_said() -> None:
    tiny = 2.0**-130
    one = compare([0.0, 1.0], [tiny, 1.0])
    assert (one.verdict, one.diagnosis) == (Verdict.CLOSE, ())
    assert one.reason.endswith("; PyTorch flushes 1 subnormal result to zero, TensorFlow keeps it")
    many = compare([tiny, tiny, 1.0], [0.0, 0.0, 1.0], tolerance=Tolerance(0.0, 0.0))
    assert (many.verdict, many.diagnosis) == (Verdict.DIFFERS, ("zero", "subnormal"))
    assert "TensorFlow flushes 2 subnormal results to zero, PyTorch keeps them" in many.reason
    both = compare([0.0, tiny, 1.0], [tiny, 0.0, 1.0])
    assert both.reason == (
        "at most 7.3e-40 apart, 524,288 ULP; PyTorch flushes 1 subnormal result to zero, TensorFlow keeps it; "
        "TensorFlow flushes 1 subnormal result to zero, PyTorch keeps it"
    )


@pytest.mark.parametrize(("coarse", "fine", "bits"), [("float32", "float64", 23), ("float16", "float32", 10)])
def test_two_dtypes_are_measured_by_the_coarser(coarse: str, fine: str, bits: int) -> None:
    """Whichever side has it: the unit of the finer one would make a difference of what the coarser one cannot hold."""
    numbers = {coarse: np.ones(2, coarse), fine: np.array([1.0, 1.0 + 3 * 2.0**-bits], fine)}
    for names in ((coarse, fine), (fine, coarse)):
        values = [(PLAIN, Value(State.PRESENT, numbers[name], name)) for name in names]
        found = compare_values(Q, dict(zip(SIDES, values, strict=True)), None)
        assert found.measure is not None
        assert found.measure.max_ulp == 3


@pytest.mark.parametrize("number", [2.0**-130, 1e-50])
@pytest.mark.parametrize("zero", SIDES)
def test_what_another_dtype_has_as_zero_is_not_flushed(zero: Side, number: float) -> None:
    """A number that float64 has and float32 has not, or has as a subnormal one, is kept by nobody: the dtypes part."""
    coarse = Value(State.PRESENT, np.array([0.0, 1.0], np.float32), "float32")
    fine = Value(State.PRESENT, np.array([number, 1.0]), "float64")
    found = compare_values(Q, {side: (PLAIN, coarse if side is zero else fine) for side in SIDES}, Tolerance(0.0, 0.0))
    assert (found.diagnosis, found.flushed) == (("dtype", "zero"), frozenset())
    assert "flushes" not in found.reason


def test_the_errors_of_two_matrices() -> None:
    """The greatest difference in each block: of small ones each number, of large ones 32 by 32 blocks."""
    left, right = np.array([[1.0, math.inf], [3.0, 4.0]]), np.array([[1.5, math.inf], [3.0, 6.0]])
    assert error_map(left, right) == ((0.5, 0.0), (0.0, 2.0))
    large = np.zeros((64, 320))
    large[3, 315] = -7.0
    found = error_map(large, np.zeros((64, 320)))
    assert (len(found), {len(row) for row in found}) == (32, {32})
    assert {(i, j): n for i, row in enumerate(found) for j, n in enumerate(row) if n} == {(1, 31): 7.0}
    assert error_map(np.array([[0, 3j], [0, 0]]), np.array([[0, -4.0], [0, 0]])) == ((0.0, 5.0), (0.0, 0.0))
    for shape in ((1, 9), (9, 1), (9,), (2, 2, 2)):
        assert error_map(np.ones(shape), np.zeros(shape)) == ()
    assert compare([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 5.0]]).errors == ((0.0, 0.0), (0.0, 1.0))
    assert compare(np.eye(2), np.eye(2)).errors == ()


def test_the_words_of_a_mismatch() -> None:
    tolerance = Tolerance(0.01, 0.0)
    assert (
        compare(2.0, 2.5, tolerance=tolerance).reason
        == "worst 2 against 2.5: 0.5 apart; would pass at rtol 0.2 or atol 0.48"
    )
    several = compare([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.5], [3.3, 4.0]], tolerance=tolerance)
    assert (
        several.reason
        == "2 of 4 values off, worst 2 against 2.5 at [0, 1]: 0.5 apart; would pass at rtol 0.2 or atol 0.48"
    )
    assert compare([1.0, 2.0], [1.0, 2.5], tolerance=tolerance).reason.startswith("1 of 2 values off, worst 2")
    broken = compare([1.0, math.nan, 3.0], [1.0, 2.0, 5.0], tolerance=tolerance)
    assert broken.reason == "2 of 3 values off, nan against 2 at [1]"
    assert broken.measure is not None
    assert (broken.measure.max_abs, broken.measure.max_rel, broken.measure.max_ulp) == (2.0, 0.4, None)
    nothing = compare([math.nan], [1.0]).measure
    assert nothing is not None
    assert (nothing.max_abs, nothing.max_rel, nothing.mismatched, nothing.worst_index) == (None, None, 1, (0,))


def test_the_words_of_what_is_close() -> None:
    near = compare(1.0, 1 + 2.0**-22)
    assert (near.verdict, near.reason) == (Verdict.CLOSE, "at most 2.4e-07 apart, 2 ULP")
    assert near.measure is not None
    assert near.measure.max_ulp == 2
    assert compare(0.0, 1e-6).reason == "at most 1e-06 apart"  # beside a zero units say nothing
    assert compare(1, 2, "int32", Tolerance(0.0, 1.0)).reason == "at most 1 apart"
    for units, words in ((MANY_ULP - 1, ", 2,147,483,647 ULP"), (MANY_ULP, "")):
        far = compare(1.0, 1 + units * 2.0**-52, "float64", Tolerance(1e-6, 0.0))
        assert far.reason == f"at most 4.8e-07 apart{words}"


@given(st.floats(1e-12, 1e12), st.floats(1e-12, 1e12))
def test_a_printed_tolerance_is_no_smaller_than_what_is_needed(a: float, b: float) -> None:
    assume(a != b)
    found = compare([a], [b], "float64", Tolerance(0.0, 0.0))
    assert found.measure is not None
    assert found.measure.passes_at is not None
    match = re.search(r"would pass at rtol (\S+) or atol (\S+)$", found.reason)
    assert match is not None
    for text, needed in zip(
        match.groups(), (found.measure.passes_at["rtol"], found.measure.passes_at["atol"]), strict=True
    ):
        assert needed <= float(text) <= needed * 1.11 + 1e-300


def test_an_array_of_nothing_is_identical() -> None:
    found = compare([], [])
    assert found.verdict is Verdict.IDENTICAL
    assert found.measure is not None
    assert (found.measure.size, found.measure.passes_at) == (0, {"rtol": 0.0, "atol": 0.0})


@pytest.mark.parametrize("state", [State.DISCONNECTED, State.ABSENT])
@pytest.mark.parametrize("missing", SIDES)
def test_a_value_that_one_side_lacks(state: State, missing: Side) -> None:
    names = {TORCH: "PyTorch", TENSORFLOW: "TensorFlow"}
    there = next(side for side in names if side != missing)
    for number, has in ((1.0, "a value"), (0.0, "zero")):
        values = {missing: Value(state), there: Value(State.PRESENT, np.array([number]), "float64")}
        found = compare_values(Q, {side: (PLAIN, values[side]) for side in names}, None)
        words = {
            State.ABSENT: (f"only {names[there]} has it", ("absent",)),
            State.DISCONNECTED: (
                f"{names[missing]} answers None (not connected), {names[there]} {has}",
                ("disconnected",),
            ),
        }
        assert (found.verdict, found.reason, found.diagnosis) == (Verdict.DIFFERS, *words[state])


def test_what_neither_side_has_is_the_same() -> None:
    for state, words in ((State.DISCONNECTED, "None on both sides"), (State.ABSENT, "neither side has it")):
        found = compare_values(Q, {side: (PLAIN, Value(state)) for side in SIDES}, None)
        assert (found.verdict, found.reason) == (Verdict.IDENTICAL, words)


def test_a_side_that_failed_is_an_error_whatever_the_other_has() -> None:
    failed = Value(State.FAILED, failure=Failure(TORCH, Symptom.EXCEPTION, "no"))
    for other in (Value(State.PRESENT, np.array([1.0]), "float64"), Value(State.DISCONNECTED)):
        found = compare_values(Q, {TORCH: (PLAIN, failed), TENSORFLOW: (PLAIN, other)}, None)
        assert (found.verdict, found.reason) == (Verdict.ERROR, "PyTorch failed")
    both = compare_values(Q, {TORCH: (PLAIN, failed), TENSORFLOW: (PLAIN, failed)}, None)
    assert both.reason == "PyTorch and TensorFlow failed"


def test_the_words_of_shapes_and_dtypes() -> None:
    assert compare([1.0], [[1.0]]).reason == "shapes (1,) and (1, 1)"
    torch, keras = (Value(State.PRESENT, np.ones(shape, np.float32), "float32") for shape in ((2, 3), (2, 4)))
    found = compare_values(
        WEIGHT, {TORCH: (PLAIN, torch), TENSORFLOW: (PLAIN, keras)}, None, layout=Layout("o i -> i o")
    )
    assert found.reason == "shapes (2, 3) and (2, 4) under 'o i -> i o'"
    half = Value(State.PRESENT, np.ones((2, 3), np.float16), "float16")
    found = compare_values(WEIGHT, {TORCH: (PLAIN, torch), TENSORFLOW: (PLAIN, half)}, None)
    assert (found.reason, found.tolerance) == ("dtypes float32 and float16", {"rtol": 1e-3, "atol": 1e-5})


@pytest.mark.parametrize("place", [0, 1, 32767, 32768, 65535, 65536, 69999])
@pytest.mark.parametrize("number", [5.0, math.nan, math.inf])
def test_the_worst_place_of_arrays_that_are_read_in_pieces(place: int, number: float) -> None:
    """What is far apart in one piece is the worst of all, whatever lies before and behind it."""
    left = np.zeros(70_000)
    right = left.copy()
    right[[3, 40_000, 69_998]] = 0.5, 0.25, 0.5
    right[place] = number
    forth, back = measure(left, right, 0.0, 0.1, "float64"), measure(right, left, 0.0, 0.1, "float64")
    assert forth == back
    assert (forth.worst_index, forth.mismatched, forth.size) == ((place,), 4, 70_000)
    assert forth.max_abs == (5.0 if number == 5.0 else 0.5)
    right[40_000] = math.nan
    assert measure(left, right, 0.0, 0.1, "float64").worst_index == (
        (40_000,) if number == 5.0 else (min(place, 40_000),)
    )
    assert relative_distance(left, right) == math.inf
    with_it = left.copy()
    with_it[40_000] = math.nan
    assert relative_distance(with_it, right) == (1.0 if number == 5.0 else math.inf)
    assert largest(right) == (5.0 if number == 5.0 else 0.5)


@given(PAIRS)
def test_the_relative_distance_is_numpys(pair: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
    """The greatest difference by the greatest finite number of both; infinite where only one has a NaN, or an infinity."""
    one, other = (array.astype(np.float64) for array in pair)
    finite = np.concatenate([each[np.isfinite(each)] for each in (one, other)])
    greatest = float(np.abs(finite).max(initial=0.0))
    assert max(largest(one), largest(other)) == greatest
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(one - other))
    expected = math.inf if np.isnan(apart).any() else float(apart.max(initial=0.0))
    assert relative_distance(one, other) == relative_distance(other, one)
    for scale in (0.0, 1e300):
        by = max(greatest, scale)
        assert relative_distance(one, other, scale) == (expected / by if by else expected)


def test_the_relative_distance_of_what_is_small_or_nothing() -> None:
    assert relative_distance(np.array([]), np.array([])) == 0.0
    assert largest(np.array([])) == 0.0
    assert largest(np.array([math.nan, -math.inf])) == 0.0
    assert largest(np.array([0.25, math.nan])) == 0.25
    assert relative_distance(np.array([0.25, math.nan]), np.array([0.125, math.nan])) == 0.5
    assert relative_distance(np.array([math.inf, 0.25]), np.array([math.inf, 0.125])) == 0.5
    assert relative_distance(np.array([math.nan]), np.array([0.0])) == math.inf
    assert relative_distance(np.array([0.25j]), np.array([0.125j])) == 0.5


@pytest.mark.parametrize(
    ("dtype", "bits", "least"), [("bfloat16", 7, -126), ("float32", 23, -126), ("float64", 52, -1022)]
)
def test_units_in_the_last_place_of_a_dtype(dtype: str, bits: int, least: int) -> None:
    """From the least normal number downwards a unit is always as large as there; a bfloat16 travels as float32."""
    for power in (0, 3, least + 1, least, least - 2):
        unit = 2.0 ** (max(power, least) - bits)
        numbers = np.array([2.0**power])
        assert measure(numbers, numbers + 3 * unit, 0, 0, dtype).max_ulp == 3
    assert measure(np.array([1j]), np.array([1.5j]), 0, 0, dtype).max_ulp is None
    assert measure(np.array([1.0]), np.array([1.0]), 0, 0, "int64").max_ulp == 0


def test_the_errors_of_matrices_that_are_no_squares() -> None:
    left, right = np.zeros((3, 2)), np.zeros((3, 2))
    right[2, 1], right[0, 0] = 4.0, 1.0
    assert error_map(left, right) == ((1.0, 0.0), (0.0, 0.0), (0.0, 4.0))
    assert error_map(left.T, right.T) == ((1.0, 0.0, 0.0), (0.0, 0.0, 4.0))
