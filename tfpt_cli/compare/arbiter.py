"""Who is right: the sides' numbers against those of the reference, which shares no code with either framework."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.distance import PRECISION, close, ulps, within
from tfpt_cli.compare.values import limits
from tfpt_cli.results import Against, Kink, Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tfpt_cli.results import Tolerance, Value

MAX_KINKS = 20
# Numbers that are judged at once.
PIECE = 1 << 20
# Below this, and relative to the greatest of an array, a reference value is nothing but its own rounding.
ZERO = 1e-12
# Bits that a dtype must have before it is worth a word that half of its digits are lost.
MANY = 20
# An estimate of the error of a value may be so many times too small.
SAFE = 10.0
# A derivative whose error estimate is a greater part of it is none.
_ROUGH = 0.1
# The greatest number of a dtype: what is beyond is an infinity in it.
GREATEST = {
    "float16": 65504.0,
    "bfloat16": (2 - 2.0**-7) * 2.0**127,
    "float32": (2 - 2.0**-23) * 2.0**127,
    "float64": sys.float_info.max,
}


@dataclass(frozen=True)
class Evidence:
    """The evidence of the reference on one quantity: arrays of one shape, None for what was not looked for.

    `value` with its `error` estimate is from float64, `exact` from 50 digits where `known` says so (everywhere, unless given).
    `left` and `right` are one-sided derivatives, NaN where there is none. Nobody is judged by the entries that are `undecided`.
    With `own` it comes of what the side itself computes, by differences; with `only_exact` the value too is from 50 digits.
    """

    value: NDArray[Any]
    error: NDArray[Any] | None = None
    exact: NDArray[Any] | None = None
    left: NDArray[Any] | None = None
    right: NDArray[Any] | None = None
    derivative: bool = False
    known: NDArray[np.bool_] | None = None
    undecided: NDArray[np.bool_] | None = None
    own: bool = False
    only_exact: bool = False

    @cached_property
    def sure(self) -> NDArray[np.bool_]:
        """The entries (an array of booleans) whose best value is the one from 50 digits."""
        if self.exact is None:
            return np.zeros(self.value.shape, bool)
        there = np.ones(self.exact.shape, bool) if self.known is None else self.known.astype(bool)
        # A derivative that is none in 50 digits may be had by larger steps.
        return there & ~np.isnan(self.exact) if self.derivative and not self.only_exact else there

    @property
    def method(self) -> str:
        """How it was had, in words: `50 digits, mpmath`."""
        if self.own:
            return "differences of its own function, float64"
        if self.sure.any():
            return "50 digits, mpmath"
        return "differences, float64" if self.derivative else "NumPy float64"

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that was looked for, by name."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}

    @cached_property
    def uniform(self) -> bool:
        """Whether all arrays have one shape; else one of them holds for several entries of another."""
        return all(array.shape == self.value.shape for array in self.arrays.values())

    @cached_property
    def best(self) -> NDArray[Any]:
        """The most exact values that there are; NaN for a derivative of which nothing is known."""
        value = self.value
        if self.derivative and self.error is not None:
            with np.errstate(all="ignore"):
                rough = ~(np.abs(self.error) <= _ROUGH * np.maximum(np.abs(value), 1))
            value = np.where(rough, np.nan, value)
        return value if self.exact is None else np.where(self.sure, self.exact, value)

    @cached_property
    def uncertainty(self) -> NDArray[Any]:
        """The error estimate of the best values, NaN where even that is not known."""
        if self.error is None:
            return np.zeros(self.best.shape)
        return np.where(self.sure, 0.0, np.abs(self.error))

    @cached_property
    def slack(self) -> NDArray[Any]:
        """The error estimate of the best values, with 0 where it is not a finite number."""
        return np.where(np.isfinite(self.uncertainty), self.uncertainty, 0.0)


@dataclass(frozen=True)
class Judgement:
    """The judgement of a side by the reference, as a whole (`against`) and entry by entry.

    `off` is beyond the tolerance and the reference's error, `beyond` the part of it that is an infinity because the dtype has
    no such number; `known` is where the reference has a value that is sure enough, `convention` a kink where the side is
    between the derivatives from the left and from the right.
    """

    against: Against
    off: NDArray[np.bool_]
    beyond: NDArray[np.bool_]
    known: NDArray[np.bool_]
    convention: NDArray[np.bool_]

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """The entries (an array of booleans) where the side is off, and not merely because its dtype has no such number."""
        return self.off & ~self.beyond


def kinks(evidence: Evidence, dtype: str) -> NDArray[np.bool_]:
    """The entries (an array of booleans) where both one-sided derivatives are known and not close at the dtype's tolerance.

    >>> abs_at_zero = Evidence(value=np.array(0.0), left=np.array(-1.0), right=np.array(1.0), derivative=True)
    >>> bool(kinks(abs_at_zero, "float32"))
    True
    """
    if evidence.left is None or evidence.right is None:
        return np.zeros(evidence.value.shape, bool)
    rtol, atol = limits(None, dtype)
    known: NDArray[np.bool_] = ~np.isnan(evidence.left) & ~np.isnan(evidence.right)
    return known & ~close(evidence.left, evidence.right, rtol, atol)


def found_kinks(evidence: Evidence, dtype: str) -> tuple[Kink, ...]:
    """The places of the kinks, at most `MAX_KINKS`, with the derivatives from the left and from the right."""
    places = np.argwhere(kinks(evidence, dtype))[:MAX_KINKS]
    assert len(places) == 0 or (evidence.left is not None and evidence.right is not None)
    return tuple(
        Kink(tuple(map(int, at)), float(evidence.left[tuple(at)]), float(evidence.right[tuple(at)]))  # type: ignore[index]
        for at in places
    )


def judge(side: Value, evidence: Evidence, tolerance: Tolerance | None) -> Judgement:
    """Where a side stands against the reference.

    A value must be close to the reference's, NaN and infinities included. A derivative must be close to the central
    one, or at a kink lie between the one-sided ones (Clarke's generalised gradient of a function of one number), or at an
    edge of the domain be the one that exists. What the reference does not know is not held against anybody, entry by entry: a
    derivative whose error is not small beside what is allowed, a value whose error is larger than that and may be all there is.

    >>> from tfpt_cli.results import State, Value
    >>> side = Value(State.PRESENT, np.float32([1.0, 2.0]), "float32")
    >>> str(judge(side, Evidence(value=np.array([1.0, 2.5])), None).against.standing)
    'wrong'
    """
    array = np.asarray(side.array)
    if array.shape != (evidence.value if evidence.uniform else evidence.best).shape:
        nowhere = np.zeros(array.shape, bool)
        return Judgement(
            against=Against(Standing.UNKNOWN), off=nowhere, beyond=nowhere, known=nowhere, convention=nowhere
        )
    found = _Judged(side, evidence, tolerance)
    off, beyond, known, convention = found.entries
    standing = Standing.RIGHT
    if (off & ~beyond).any():
        standing = Standing.WRONG
    elif beyond.any():
        standing = Standing.OVERFLOW
    elif convention.any():
        standing = Standing.CONVENTION
    elif known.size and not known.any():
        standing = Standing.UNKNOWN
    units, lost = found.units()
    against = Against(
        standing=standing,
        off=int(np.count_nonzero(off)),
        ulps=units,
        max_abs=found.greatest,
        worst_index=tuple(int(i) for i in np.unravel_index(found.worst, off.shape)) if off.any() else None,
        lost=lost,
        unknown=int(known.size - np.count_nonzero(known)),
    )
    return Judgement(against=against, off=off, beyond=beyond, known=known, convention=convention)


class _Judged:
    """A side held against the evidence piece by piece: of large arrays little is held besides.

    `entries` are where the side is off, where beyond its dtype, where the reference knows, where a convention is; `greatest` is
    the greatest distance, None where none was measured, `worst` the flat index of the entry that is off the farthest.
    """

    def __init__(self, side: Value, evidence: Evidence, tolerance: Tolerance | None) -> None:
        self.dtype, self.evidence, self.tolerance = side.dtype, evidence, tolerance
        self.array = np.asarray(side.array)
        kinds = (self.array.dtype.kind, evidence.value.dtype.kind)
        self.wide: Any = np.complex128 if "c" in kinds else np.float64
        self.in_pieces = self.array.size > PIECE and evidence.uniform
        self.greatest: float | None = None
        self.largest = farthest = 0.0
        self.worst = 0
        if self.in_pieces:
            self.entries = [np.zeros(self.array.shape, bool) for _ in range(4)]
        else:
            self.entries = [self.only.off, self.only.beyond, self.only.known, self.only.convention]
        for start, piece in self.pieces():
            if self.in_pieces:
                parts = (piece.off, piece.beyond, piece.known, piece.convention)
                for whole, part in zip(self.entries, parts, strict=True):
                    whole.reshape(-1)[start : start + part.size] = part
            if piece.measured.any():
                self.greatest = max(self.greatest or 0.0, float(piece.distance.max()))
                self.largest = max(self.largest, float(np.abs(piece.want[piece.measured]).max()))
            if piece.off.any():
                ranked = np.where(piece.off, np.where(piece.distance > 0, piece.distance, np.inf), -1.0)
                place = int(np.argmax(ranked))
                if ranked.flat[place] > farthest:
                    farthest, self.worst = float(ranked.flat[place]), start + place

    def pieces(self) -> Iterator[tuple[int, _Piece]]:
        """The pieces, each with its first place; the only one of what is small is made once, and keeps its axes."""
        if not self.in_pieces:
            yield 0, self.only
            return
        flat = {name: array.reshape(-1) for name, array in self.evidence.arrays.items()}
        for start in range(0, self.array.size, PIECE):
            part = slice(start, start + PIECE)
            cut: dict[str, Any] = {name: array[part] for name, array in flat.items()}
            yield start, self.piece(self.array.reshape(-1)[part], replace(self.evidence, **cut))

    @cached_property
    def only(self) -> _Piece:
        return self.piece(self.array, self.evidence)

    def piece(self, array: NDArray[Any], evidence: Evidence) -> _Piece:
        return _Piece.of(array.astype(self.wide), evidence, self.dtype, self.tolerance)

    def units(self) -> tuple[float | None, bool]:
        """The greatest distance in units in the last place, None where that says nothing, and whether digits are lost."""
        if self.greatest is None or self.dtype not in PRECISION or self.wide is not np.float64:
            return None, False
        units, lost = 0.0, False
        half = 2.0 ** (-PRECISION[self.dtype] / 2)
        for _, piece in self.pieces():
            if not piece.measured.any():
                continue
            size = np.abs(piece.want)
            # A difference quotient is no better than this, whatever it says of itself.
            noise = np.where(piece.evidence.sure, 0.0, 100 * piece.evidence.slack + 1e-10 * self.largest)
            beyond_noise = np.maximum(piece.distance - noise, 0.0) if self.evidence.derivative else piece.distance
            of = np.where(piece.measured, np.maximum(size, np.abs(piece.have)), 1.0)
            units = max(units, ulps(of, beyond_noise, self.dtype))
            # What should be zero is no number that could lose its digits.
            real = piece.measured & (size > ZERO * self.largest)
            lost = lost or bool(np.any(real & (beyond_noise > half * size)))
        return units, lost and PRECISION[self.dtype] > MANY and self.largest > ZERO


@dataclass(frozen=True)
class _Piece:
    """A piece of a side against the same piece of the evidence, both in double precision; `measured` says where `distance` is."""

    have: NDArray[Any]
    want: NDArray[Any]
    evidence: Evidence
    off: NDArray[np.bool_]
    beyond: NDArray[np.bool_]
    known: NDArray[np.bool_]
    convention: NDArray[np.bool_]
    measured: NDArray[np.bool_]
    distance: NDArray[np.float64]

    @classmethod
    def of(cls, have: NDArray[Any], evidence: Evidence, dtype: str, tolerance: Tolerance | None) -> _Piece:
        want, real = _real(evidence.best) if have.dtype.kind != "c" else (evidence.best, True)
        want = want.astype(have.dtype)
        rtol, atol = limits(tolerance, dtype)
        error = evidence.uncertainty
        right = close(have, want, rtol, atol + evidence.slack)
        known = np.ones(want.shape, bool)
        convention = np.zeros(want.shape, bool)
        if evidence.derivative:
            unsure = np.isnan(error) | ~within(error, 0.1 * rtol, 0.1 * atol, want)
            known = ~np.isnan(want) & ~unsure
            if evidence.left is not None and evidence.right is not None and have.dtype.kind == "f":
                known, right, convention = _one_sided(evidence, have, right, known, dtype, (rtol, atol))
        else:
            least = limits(None, dtype)  # a stricter tolerance does not make the reference less sure
            with np.errstate(invalid="ignore"):
                much = ~within(evidence.slack, max(rtol, least[0]), max(atol, least[1]), want)
                known = ~(much & (np.abs(have - want) <= SAFE * evidence.slack))
        if evidence.undecided is not None:
            known &= ~evidence.undecided
        known &= real
        convention &= known
        off = known & ~right
        measured = known & ~convention & np.isfinite(want) & np.isfinite(have)
        with np.errstate(all="ignore"):
            distance = np.where(measured, np.abs(have - want), 0.0)
        beyond = off & _beyond(have, want, dtype)
        return cls(have, want, evidence, off, beyond, known, convention, measured, distance)


def _beyond(have: NDArray[Any], want: NDArray[Any], dtype: str) -> NDArray[np.bool_]:
    """Where an infinity stands for a number of its sign that the dtype does not have."""
    if dtype not in GREATEST or have.dtype.kind == "c":
        return np.zeros(have.shape, bool)
    found: NDArray[np.bool_] = np.isinf(have) & (np.abs(want) > GREATEST[dtype]) & (np.sign(have) == np.sign(want))
    return found


def _real(best: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_] | bool]:
    """The real numbers that the reference's are, which may have been computed with complex ones, and where they are real."""
    if best.dtype.kind != "c":
        return best, True
    return best.real, np.abs(best.imag) <= ZERO * np.abs(best)


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
