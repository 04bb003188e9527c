"""The comparison of values: laws that must hold for all arrays, and numbers from NumPy and SciPy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfpt_cli.compare.values import compare_values, limits, measure
from tfpt_cli.results import Comparison, State, Tolerance, Value, Verdict
from tfpt_cli.subjects.init.axes import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOATS = st.floats(width=32, allow_subnormal=True)
PAIRS = hnp.array_shapes(max_dims=3, max_side=4).flatmap(
    lambda shape: st.tuples(*(hnp.arrays(np.float32, shape, elements=FLOATS) for _ in range(2)))
)
TOLERANCES = st.tuples(st.floats(0, 10), st.floats(0, 10))


def compare(left: object, right: object, dtype: str = "float32", tolerance: Tolerance | None = None) -> Comparison:
    arrays = (np.asarray(value, dtype=dtype) for value in (left, right))
    values = {
        f: ("", Value(State.PRESENT, array, dtype)) for f, array in zip(("torch", "tensorflow"), arrays, strict=True)
    }
    return compare_values("q", values, tolerance)


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
    if first.passes_at is None:
        assert first.mismatched
        return
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
    b = (a + 5 * np.spacing(a)).astype(dtype)
    assert measure(a, b, 0, 0, dtype).max_ulp == 5


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
        result = compare_values("d/dx", {"torch": ("", here), "tensorflow": ("", value)}, None)
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
    dtype = compare_values("q", {"torch": ("", half), "tensorflow": ("", single)}, None)
    assert (dtype.verdict, dtype.diagnosis) == (Verdict.DIFFERS, ("dtype",))
    assert dtype.measure is not None
    assert dtype.measure.mismatched == 0


def test_a_layout_turns_pytorchs_axes() -> None:
    torch = Value(State.PRESENT, np.arange(12, dtype=np.float32).reshape(4, 3), "float32")
    keras = Value(State.PRESENT, torch.array.T, "float32")
    sides = {"torch": ("", torch), "tensorflow": ("", keras)}
    assert compare_values("weight", sides, None, layout=Layout("out in -> in out")).verdict is Verdict.IDENTICAL
    assert compare_values("weight", sides, None).diagnosis == ("shape",)


def test_default_tolerances() -> None:
    assert limits(None, "float32", "float32") == (1.3e-6, 1e-5)
    assert limits(None, "float64", "float16") == (1e-3, 1e-5)
    assert limits(None, "int64", "int64") == (0.0, 0.0)
    assert limits(Tolerance(0.5, 0.25), "float64", "float64") == (0.5, 0.25)


def test_large_whole_numbers_are_compared_exactly() -> None:
    assert compare([2**62], [2**62 + 1], "int64").verdict is Verdict.DIFFERS
