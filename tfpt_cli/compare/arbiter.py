"""Who is right: the sides' numbers against those of the reference, which shares no code with either framework."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.values import PRECISION, close, limits, ulps
from tfpt_cli.results import Against, Kink, Standing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tfpt_cli.results import Tolerance, Value

MAX_KINKS = 20
# Below this, and relative to the greatest of an array, a reference value is nothing but its own rounding.
ZERO = 1e-12
# Bits that a dtype must have before it is worth a word that half of its digits are lost.
MANY = 20


@dataclass(frozen=True)
class Evidence:
    """What the reference found of one quantity: arrays of one shape, None for what was not looked for.

    `value` with its `error` estimate is from float64, `exact` from 50 digits. `left` and `right` are one-sided
    derivatives, NaN where there is none.
    """

    value: NDArray[Any]
    error: NDArray[Any] | None = None
    exact: NDArray[Any] | None = None
    left: NDArray[Any] | None = None
    right: NDArray[Any] | None = None
    derivative: bool = False

    @property
    def best(self) -> NDArray[Any]:
        """The most exact value that there is."""
        return self.value if self.exact is None else self.exact

    @cached_property
    def uncertainty(self) -> NDArray[Any]:
        """The error estimate of the best value, NaN where even that is not known."""
        exact = self.error is None or self.exact is not None
        return np.zeros(self.best.shape) if exact else np.abs(np.asarray(self.error))

    @cached_property
    def slack(self) -> NDArray[Any]:
        """The error estimate as far as it is a number."""
        return np.where(np.isfinite(self.uncertainty), self.uncertainty, 0.0)


def kinks(evidence: Evidence, dtype: str) -> NDArray[np.bool_]:
    """Where the derivatives from both sides are known and apart by more than the dtype could show as equal."""
    if evidence.left is None or evidence.right is None:
        return np.zeros(evidence.value.shape, bool)
    rtol, atol = limits(None, dtype)
    known: NDArray[np.bool_] = ~np.isnan(evidence.left) & ~np.isnan(evidence.right)
    return known & ~close(evidence.left, evidence.right, rtol, atol)


def found_kinks(evidence: Evidence, dtype: str) -> tuple[Kink, ...]:
    """The first of the kinks, with the derivative from the left and from the right."""
    places = np.argwhere(kinks(evidence, dtype))[:MAX_KINKS]
    assert len(places) == 0 or (evidence.left is not None and evidence.right is not None)
    return tuple(
        Kink(tuple(map(int, at)), float(evidence.left[tuple(at)]), float(evidence.right[tuple(at)]))  # type: ignore[index]
        for at in places
    )


def judge(side: Value, evidence: Evidence, tolerance: Tolerance | None) -> Against:
    """Where a side stands against the reference.

    A value must be close to the reference's, NaN and infinities included. A derivative must be close to the central
    one, or at a kink lie between the one-sided ones (Clarke's generalised gradient of a function of one number), or at an
    edge of the domain be the one that exists. What the reference does not know is not held against anybody.
    """
    array = np.asarray(side.array)
    best = evidence.best
    if array.shape != best.shape:
        return Against(Standing.UNKNOWN)
    wide: Any = np.complex128 if "c" in (array.dtype.kind, best.dtype.kind) else np.float64
    have, want = array.astype(wide), best.astype(wide)
    rtol, atol = limits(tolerance, side.dtype)
    error = evidence.uncertainty
    right = close(have, want, rtol, atol + evidence.slack)
    known = np.ones(want.shape, bool)
    convention = np.zeros(want.shape, bool)
    if evidence.derivative:
        sure = np.isnan(error) | (error > 0.1 * (atol + rtol * np.abs(want)))
        known = ~np.isnan(want) & ~sure
        if evidence.left is not None and evidence.right is not None and wide is np.float64:
            known, right, convention = _one_sided(evidence, have, right, known, side.dtype, (rtol, atol))
    off = known & ~right
    measured = known & ~convention & np.isfinite(want) & np.isfinite(have)
    with np.errstate(all="ignore"):
        distance = np.where(measured, np.abs(have - want), 0.0)
    greatest = float(distance.max()) if measured.any() else None
    units, lost = None, False
    if measured.any() and side.dtype in PRECISION and wide is np.float64:
        size = np.abs(want)
        # A difference quotient is no better than this, whatever it says of itself.
        noise = 100 * evidence.slack + 1e-10 * size[measured].max()
        beyond = np.maximum(distance - noise, 0.0) if evidence.derivative and evidence.exact is None else distance
        of = np.where(measured, np.maximum(size, np.abs(have)), 1.0)
        units = ulps(of, beyond, side.dtype)
        # What should be zero is no number that could lose its digits.
        number = measured & (size > ZERO * size[measured].max())
        half = 2.0 ** (-PRECISION[side.dtype] / 2)
        lost = PRECISION[side.dtype] > MANY and bool(
            np.any(number & (beyond > half * size)) and size[measured].max() > ZERO
        )
    standing = Standing.RIGHT
    if off.any():
        standing = Standing.WRONG
    elif convention.any():
        standing = Standing.CONVENTION
    elif not known.all():
        standing = Standing.UNKNOWN
    worst = _worst(off, distance) if off.any() else None
    return Against(standing, int(np.count_nonzero(off)), units, greatest, worst, lost)


def _one_sided(
    evidence: Evidence,
    have: NDArray[Any],
    right: NDArray[np.bool_],
    known: NDArray[np.bool_],
    dtype: str,
    closeness: tuple[float, float],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """What the derivatives from the left and from the right say: where they are known, right, and a convention."""
    assert evidence.left is not None
    assert evidence.right is not None
    left, after = evidence.left, evidence.right
    kink = kinks(evidence, dtype)
    edge = np.isnan(left) ^ np.isnan(after)
    only = np.where(np.isnan(left), after, left)
    low, high = np.minimum(left, after), np.maximum(left, after)
    rtol, atol = closeness
    with np.errstate(all="ignore"):
        between = ((have >= low) & (have <= high)) | close(have, low, rtol, atol) | close(have, high, rtol, atol)
    right = np.where(kink, between, np.where(edge, close(have, only, rtol, atol), right))
    known = known | kink | edge
    return known, right, kink & between


def _worst(off: NDArray[np.bool_], distance: NDArray[np.float64]) -> tuple[int, ...]:
    ranked = np.where(off, np.where(distance > 0, distance, np.inf), -1.0)
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(ranked)), off.shape))
