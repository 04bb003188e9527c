"""What the report shows of an array: its first values, and a summary with a histogram."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.results import PLAIN, SideValue, State, Summary, Value, Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SHOWN = 100
BINS = 16
# So many elements are looked at at once: what they need then stays in the processor's cache.
_PIECE = 1 << 15


def side_of(value: Value, how: Way = PLAIN, *, summarised: bool = True) -> SideValue:
    """The record that reports show of one side's value: its first values, and a summary of it unless `summarised` is false."""
    if value.state is not State.PRESENT:
        note = value.failure.message if value.failure else ""
        return SideValue(value.state, how, note=note)
    array = value.array
    left_out = max(array.size - SHOWN, 0)
    numbers = np.abs(array) if array.dtype.kind == "c" else array
    values = array.ravel()[:SHOWN] if left_out else array
    found = summary(numbers) if summarised and numbers.size > 1 and numbers.dtype.kind in "fiub" else None
    return SideValue(
        state=State.PRESENT,
        how=how,
        shape=tuple(int(size) for size in array.shape),
        dtype=value.dtype,
        values=values.tolist(),
        left_out=left_out,
        summary=found,
        kinds=_kinds(array, finite=found is not None and not found.not_finite) if summarised else {},
    )


def _kinds(array: NDArray[Any], *, finite: bool) -> dict[str, int]:
    """How many zeros, NaNs and infinities there are, of those of which there are any; with `finite` it is known to be so."""
    counts = {"zero": array.size - int(np.count_nonzero(array))}
    if not finite and array.dtype.kind in "fc" and not np.isfinite(array).all():
        counts |= {"nan": int(np.isnan(array).sum()), "infinity": int(np.isinf(array).sum())}
    return {kind: count for kind, count in counts.items() if count}


def summary(array: NDArray[Any], edges: tuple[float, float] | None = None) -> Summary | None:
    """Mean, standard deviation (population), range and histogram of the finite values, None if there are none.

    >>> found = summary(np.array([1.0, 2.0, 3.0, np.nan]))
    >>> found.mean, found.low, found.high, found.not_finite
    (2.0, 1.0, 3.0, 1)
    """
    flat = np.ravel(array)
    count, low, high, total = 0, math.inf, -math.inf, 0.0
    with np.errstate(all="ignore"):
        for piece in _finite(flat):
            count += piece.size
            low, high = min(low, float(piece.min())), max(high, float(piece.max()))
            total += float(piece.sum())
        if not count:
            return None
        mean = total / count
        edges = edges or (low, high)
        counts, squares = np.zeros(BINS, np.int64), 0.0
        for piece in pieces(flat) if count == flat.size else _finite(flat):
            counts += _counts(piece, edges)
            piece -= mean
            squares += float(np.square(piece, out=piece).sum())
        std = math.sqrt(squares / count) if squares < math.inf else math.inf
    return Summary(
        mean=mean,
        std=std,
        low=low,
        high=high,
        counts=tuple(int(number) for number in counts),
        edges=edges,
        not_finite=int(flat.size - count),
    )


def summary_of_sorted(values: NDArray[Any], mean: float, std: float, edges: tuple[float, float]) -> Summary:
    """The summary of values that are sorted and finite, and whose moments are known: its histogram costs a few searches."""
    inner = np.linspace(*edges, BINS + 1)[1:-1].astype(values.dtype)
    places = np.searchsorted(values, inner, side="left")
    counts = np.diff(np.concatenate([[0], places, [values.size]]))
    return Summary(
        mean=mean,
        std=std,
        low=float(values[0]),
        high=float(values[-1]),
        counts=tuple(int(count) for count in counts),
        edges=edges,
    )


def pieces(flat: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    """An array piece by piece in float64: a whole copy would be twice as large as a float32 one is."""
    for start in range(0, flat.size, _PIECE):
        yield flat[start : start + _PIECE].astype(np.float64)


def _finite(flat: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    """The finite values of each piece that has any: a copy, which may be written over."""
    for piece in pieces(flat):
        # A NaN or an infinity among them is seen in their sum; finite numbers may overflow there too.
        kept = piece if math.isfinite(piece.sum()) else piece[np.isfinite(piece)]
        if kept.size:
            yield kept


def _counts(values: NDArray[np.float64], edges: tuple[float, float]) -> NDArray[np.int64]:
    """How many values lie in each of `BINS` equal parts of a range. numpy.histogram refuses ranges of a few ULPs."""
    half = edges[1] / 2 - edges[0] / 2  # the whole width of two large numbers may overflow
    if half <= 0:
        return np.bincount([0], weights=[values.size], minlength=BINS).astype(np.int64)
    shares = values / 2
    shares -= edges[0] / 2
    shares /= half
    shares *= BINS
    places = shares.astype(np.intp)
    return np.bincount(np.clip(places, 0, BINS - 1, out=places), minlength=BINS)
