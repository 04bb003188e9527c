"""What the report shows of an array: its first values, and a summary with a histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.results import Side, State, Summary, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = 100
BINS = 16


def side_of(value: Value, how: str = "") -> Side:
    """What is shown of one side's value."""
    if value.state is not State.PRESENT:
        note = value.failure.message if value.failure else ""
        return Side(value.state, how, note=note)
    array = value.array
    left_out = max(array.size - SHOWN, 0)
    values = array.ravel()[:SHOWN] if left_out else array
    return Side(
        State.PRESENT,
        how,
        tuple(int(size) for size in array.shape),
        value.dtype,
        values.tolist(),
        left_out,
        summary(array) if array.size > 1 and array.dtype.kind in "fiub" else None,
    )


def summary(array: NDArray[Any], edges: tuple[float, float] | None = None) -> Summary | None:
    """Mean, standard deviation (population), range and histogram of the finite values, None if there are none."""
    values = np.asarray(array, dtype=np.float64).ravel()
    finite = np.isfinite(values)
    missing = int(values.size - np.count_nonzero(finite))
    if missing:
        values = values[finite]
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    edges = edges or (low, high)
    counts = _counts(values, edges)
    with np.errstate(all="ignore"):
        mean, std = float(values.mean()), float(values.std())
    return Summary(mean, std, low, high, tuple(int(count) for count in counts), edges, missing)


def _counts(values: NDArray[np.float64], edges: tuple[float, float]) -> NDArray[np.int64]:
    """How many values lie in each of `BINS` equal parts of a range. numpy.histogram refuses ranges of a few ULPs."""
    half = edges[1] / 2 - edges[0] / 2  # the whole width of two large numbers may overflow
    if half <= 0:
        return np.bincount([0], weights=[values.size], minlength=BINS).astype(np.int64)
    places = ((values / 2 - edges[0] / 2) / half * BINS).astype(np.int64)
    return np.bincount(np.clip(places, 0, BINS - 1), minlength=BINS)
