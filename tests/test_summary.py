"""What the report shows of an array, against NumPy."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sides import TORCH
from tfpt_cli.compare.summary import BINS, SHOWN, pieces, side_of, summary, summary_of_sorted
from tfpt_cli.results import Failure, SideValue, State, Summary, Symptom, Value, Way

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAN, INF = math.nan, math.inf


def shown(array: NDArray[Any], *, summarised: bool = True) -> SideValue:
    return side_of(Value(State.PRESENT, array, str(array.dtype)), Way("by"), summarised=summarised)


@pytest.mark.parametrize("size", [2, SHOWN, SHOWN + 1, 1000])
def test_the_first_values_and_how_many_are_left_out(size: int) -> None:
    array = np.arange(size, dtype=np.float32).reshape(-1, 2) if size % 2 == 0 else np.arange(size, dtype=np.float32)
    side = shown(array)
    assert (side.how, side.shape, side.dtype, side.left_out) == (
        Way("by"),
        array.shape,
        "float32",
        max(size - SHOWN, 0),
    )
    assert side.values == (array.tolist() if size <= SHOWN else array.ravel()[:SHOWN].tolist())
    assert side.summary is not None
    assert (side.summary.high, sum(side.summary.counts)) == (size - 1, size)
    assert side.kinds == {"zero": 1}


def test_what_has_no_summary() -> None:
    assert shown(np.array([1.0])).summary is None  # one number is shown itself
    magnitudes = shown(np.array([3 + 4j, 1])).summary
    assert magnitudes is not None
    assert (magnitudes.low, magnitudes.high) == (1.0, 5.0)  # of complex numbers those of their magnitudes
    assert shown(np.array([1.0, 2.0]), summarised=False).summary is None
    assert side_of(Value(State.PRESENT, np.array([1.0, 2.0]), "float64")).summary is not None
    assert shown(np.array([0.0, NAN]), summarised=False).kinds == {}
    assert shown(np.array([True, False])).summary is not None


def test_zeros_nans_and_infinities_are_counted() -> None:
    assert shown(np.array([0.0, -0.0, NAN, INF, -INF, INF, 2.0])).kinds == {"zero": 2, "nan": 1, "infinity": 3}
    assert shown(np.array([1.0, INF])).kinds == {"infinity": 1}
    assert shown(np.array([complex(0, NAN), 1j, 0])).kinds == {"zero": 1, "nan": 1}
    assert shown(np.array([0, 3])).kinds == {"zero": 1}
    assert shown(np.array([1.0, 3.0])).kinds == {}


def test_what_is_not_there_says_why() -> None:
    failed = side_of(Value(State.FAILED, failure=Failure(TORCH, Symptom.EXCEPTION, "no")), Way("by"))
    assert failed == SideValue(State.FAILED, Way("by"), note="no")
    assert side_of(Value(State.DISCONNECTED)) == SideValue(State.DISCONNECTED)


@given(st.lists(st.floats(-1e6, 1e6) | st.sampled_from([NAN, INF, -INF]), max_size=60))
def test_the_summary_of_the_finite_values_is_numpys(values: list[float]) -> None:
    array = np.array(values)
    finite = array[np.isfinite(array)]
    found = summary(array)
    assert (found is None) == (finite.size == 0)
    if found is not None:
        assert (found.low, found.high, found.not_finite) == (finite.min(), finite.max(), array.size - finite.size)
        assert found.edges == (found.low, found.high)
        assert found.mean == pytest.approx(finite.mean(), rel=1e-9, abs=1e-6)
        assert found.std == pytest.approx(finite.std(), rel=1e-9, abs=1e-6)
        assert (len(found.counts), sum(found.counts)) == (BINS, finite.size)


@given(
    st.lists(st.integers(0, 16 * 8), min_size=2, max_size=80),
    st.integers(1, 50),
    st.sampled_from([0, -5, 3]),
    st.sampled_from([1.0, 2.0**-6]),
)
def test_the_histogram_is_numpys(places: list[int], piece: int, least: int, scale: float) -> None:
    """Of numbers and edges that are exact in binary, where no rounding decides; the pieces it is made of do not matter."""
    values = scale * (np.array(places) / 8 + least)
    edges = scale * least, scale * (least + 16)
    wanted = np.histogram(values, bins=BINS, range=edges)[0]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tfpt_cli.compare.summary._PIECE", piece)
        found = summary(values, edges)
        assert found is not None
        assert list(found.counts) == list(wanted)
        assert (found.mean, found.std) == pytest.approx((values.mean(), values.std()))
        assert np.concatenate(list(pieces(values))).tolist() == values.tolist()
    ordered = np.sort(values)
    again = summary_of_sorted(ordered, found.mean, found.std, edges)
    assert again == found


def test_the_summary_of_a_constant_is_one_bar() -> None:
    assert summary(np.full(5, 3.0)) == Summary(3.0, 0.0, 3.0, 3.0, (5, *[0] * 15), (3.0, 3.0))


def test_numbers_so_large_that_their_width_overflows() -> None:
    found = summary(np.array([-1.7e308, 1.7e308]))
    assert found is not None
    assert (found.counts[0], found.counts[-1], found.std) == (1, 1, INF)


def test_a_histogram_of_a_given_range_holds_what_lies_in_it() -> None:
    found = summary(np.array([0.1, 0.9, 3.9]), (0.0, 4.0))
    assert found is not None
    assert (found.counts[0], found.counts[3], found.counts[15], found.edges) == (1, 1, 1, (0.0, 4.0))


def test_of_real_numbers_the_signs_count() -> None:
    found = shown(np.array([-3.0, 1.0])).summary
    assert found is not None
    assert (found.mean, found.low, found.high) == (-1.0, -3.0, 1.0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "bool"])
def test_a_record_holds_no_numbers_of_numpys(dtype: str) -> None:
    """A report is written as JSON, which has none of them."""
    array = np.array([0, 1, 1]).astype(dtype)
    broken = np.array([0, NAN, INF]).astype(dtype) if array.dtype.kind in "fc" else array
    for values in (array, broken):
        json.dumps(asdict(shown(values)))
    json.dumps(asdict(summary_of_sorted(np.abs(array), 0.5, 0.5, (0.0, 1.0))))
