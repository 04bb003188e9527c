"""How far two arrays of one shape are apart, element by element.

Everything is computed piece by piece, so that arrays of a gigabyte need little more memory than they have already, and in
float64 (whole numbers as they are, complex ones in complex128).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.results import Diagnosis, Measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side

# Bits of the significand after the leading one, by dtype: what a unit in the last place is measured in.
PRECISION = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}
_LEAST_EXPONENT = {"float16": -14, "bfloat16": -126, "float32": -126, "float64": -1022}
# Into how many blocks a side of a matrix is cut at most where its errors are shown.
BLOCKS = 32
# So many elements are looked at at once: what they need then stays in the processor's cache.
_PIECE = 1 << 15
# The bits of a float64 that say which power of two it has.
_EXPONENT = np.int64(0x7FF0_0000_0000_0000)
_LEAST_NUMBER = 5e-324
# The kinds of values that stand against each other where two arrays part, as they are said.
_KINDS = (Diagnosis.NAN, Diagnosis.INFINITY, Diagnosis.ZERO, Diagnosis.NUMBER)
# Of a complex number that is finite the magnitude may not be.
GREATEST_NUMBER = float(np.finfo(np.float64).max)
# Of numbers beyond this the difference, the magnitude or what is allowed may be no float64. A quarter of them all is one, and
# no digit is lost by the division.
HUGE = 2.0**1022
_QUARTER = 0.25


def measure(left: NDArray[np.generic], right: NDArray[np.generic], rtol: float, atol: float, dtype: str) -> Measure:
    """How far two arrays of one shape are apart under `|a - b| <= atol + rtol * max(|a|, |b|)`.

    NaN equals NaN in place, an infinity equals the same infinity; neither is within any tolerance of anything else.
    `max_ulp` counts units in the last place of `dtype` (the smaller unit of the two values), 2^62 at most.

    >>> found = measure(np.array([1.0, 2.0]), np.array([1.0, 2.5]), rtol=0.1, atol=0.0, dtype="float64")
    >>> found.mismatched, found.max_abs, found.max_rel, found.worst_index
    (1, 0.5, 0.2, (1,))
    """
    return measured(left, right, rtol, atol, dtype)[0]


def measured(
    left: NDArray[np.generic], right: NDArray[np.generic], rtol: float, atol: float, dtype: str
) -> tuple[Measure, list[Diagnosis]]:
    """How far two arrays of one shape are apart, as `measure` has it, and the kinds of values that stand against each other.

    They are those of the places that are off: `nan` and `infinity` where either side has one, `zero` where only one side is zero,
    and `number` for two other numbers.

    >>> _, kinds = measured(np.array([1.0, 0.0, 5.0]), np.array([np.nan, 3.0, 5.0]), rtol=0.0, atol=0.0, dtype="float64")
    >>> ", ".join(kinds)
    'nan, zero'
    """
    wide = _wide(left, right)
    found = _Extremes(rtol, atol, dtype if dtype in PRECISION and wide is np.float64 else None)
    start = 0
    with np.errstate(all="ignore"):
        for a, b in _pieces(left, right, wide):
            found.add(start, a, b)
            start += a.size
    return found.measure(left.shape), [kind for kind in _KINDS if kind in found.kinds]


class _Extremes:
    """The greatest distances between the pieces of two arrays that were looked at; in units of a dtype where it has any."""

    def __init__(self, rtol: float, atol: float, dtype: str | None) -> None:
        self.rtol, self.atol, self.dtype = rtol, atol, dtype
        self.mismatched = 0
        self.kinds: set[Diagnosis] = set()
        # The places of the greatest difference, and of the first NaN or infinity on one side.
        self.worst = self.odd = -1
        # A quarter of the greatest difference, where that is no float64.
        self.quarter = 0.0
        self.absolute = self.relative = self.units = self.needed_rtol = self.needed_atol = 0.0

    def add(self, start: int, a: NDArray[Any], b: NDArray[Any]) -> None:
        """Looks at the pieces of both arrays that begin at a place."""
        same = a == b
        if same.all():
            return
        difference = _difference(a, b)
        if math.isfinite(difference.max()) and (a.dtype.kind != "c" or np.isfinite(np.abs([a, b])).all()):
            self.add_comparable(start + int(np.argmax(difference)), a, b, difference)
            return
        same |= (a != a) & (b != b)
        comparable = np.isfinite(a) & np.isfinite(b)
        odd = ~same & ~comparable
        if odd.any():
            self.mismatched += int(np.count_nonzero(odd))
            self.odd = start + int(np.argmax(odd)) if self.odd < 0 else self.odd
            nan = odd & ((a != a) | (b != b))
            self.kinds |= {Diagnosis.NAN} if nan.any() else set()
            self.kinds |= {Diagnosis.INFINITY} if (odd & ~nan).any() else set()
        places = np.flatnonzero(comparable & ~same)
        if places.size:
            self.add_numbers(start + places, a[places], b[places])

    def add_numbers(self, places: NDArray[np.int64], a: NDArray[Any], b: NDArray[Any]) -> None:
        """Looks at finite numbers, of which each stands at its place; some may be too large for their difference."""
        huge = np.maximum(_magnitude(a), _magnitude(b)) > HUGE
        for which, unit in ((~huge, 1.0), (huge, 1 / _QUARTER)):
            if which.any():
                one, other = (a[which], b[which]) if unit == 1.0 else (a[which] * _QUARTER, b[which] * _QUARTER)
                difference = _difference(one, other)
                self.add_comparable(int(places[which][np.argmax(difference)]), one, other, difference, unit)

    def add_comparable(
        self, worst: int, a: NDArray[Any], b: NDArray[Any], difference: NDArray[np.float64], unit: float = 1.0
    ) -> None:
        """Looks at finite numbers, which are `unit` times as large as they are given; those at a place are farthest apart."""
        # What is needed no more is written over: so less memory stays in the processor's cache.
        one, other = _magnitude(a), _magnitude(b)
        scale = np.maximum(one, other)
        np.maximum(scale, _LEAST_NUMBER, out=scale)  # of two zeros nothing is apart, whatever it is divided by
        least = np.minimum(one, other, out=one)
        greatest = float(difference.max())
        absolute = greatest * unit
        quarter = greatest if absolute == math.inf else 0.0
        if self.worst < 0 or (absolute, quarter) > (self.absolute, self.quarter):
            self.absolute, self.quarter, self.worst = absolute, quarter, worst
        relative = float(np.divide(difference, scale, out=other).max())
        self.relative = max(self.relative, relative)
        atol = self.atol / unit
        allowed = np.multiply(scale, self.rtol, out=other)
        if absolute > self.needed_atol:
            self.needed_atol = max(self.needed_atol, float((difference - allowed).max()) * unit)
        if greatest > atol:
            allowed += atol
            self.add_off(~(difference <= allowed), least)
            if relative > self.needed_rtol:
                beyond = np.subtract(difference, atol, out=other)
                beyond /= scale
                self.needed_rtol = max(self.needed_rtol, float(beyond.max()))
        if self.dtype is not None:
            self.units = max(self.units, ulps(least, difference, self.dtype))

    def add_off(self, off: NDArray[np.bool_], least: NDArray[np.float64]) -> None:
        """Counts the finite numbers that are off, of which the smaller magnitudes are given."""
        count = int(np.count_nonzero(off))
        self.mismatched += count
        if not count or {Diagnosis.ZERO, Diagnosis.NUMBER} <= self.kinds:
            return
        zeros = int(np.count_nonzero(off & (least == 0)))
        self.kinds |= ({Diagnosis.ZERO} if zeros else set()) | ({Diagnosis.NUMBER} if zeros < count else set())

    def measure(self, shape: tuple[int, ...]) -> Measure:
        """What was found of two arrays of a shape."""
        some, odd = self.worst >= 0, self.odd >= 0
        place = self.odd if odd else self.worst
        return Measure(
            size=math.prod(shape),
            mismatched=self.mismatched,
            max_abs=self.absolute if some or not odd else None,
            max_rel=self.relative if some or not odd else None,
            max_ulp=None if odd or (some and self.dtype is None) else int(self.units),
            worst_index=tuple(int(i) for i in np.unravel_index(place, shape)) if place >= 0 else None,
            passes_at=None if odd else {"rtol": self.needed_rtol, "atol": self.needed_atol},
        )


def ulps(of: NDArray[Any], difference: NDArray[np.float64], dtype: str) -> float:
    """The greatest of some differences, counted in units in the last place that `dtype` has at the values `of`.

    >>> ulps(np.array([1.0, 1024.0]), np.array([2.0**-23, 2.0**-12]), "float32")
    2.0
    """
    bits = np.abs(np.asarray(of, np.float64)).view(np.int64) & _EXPONENT
    powers = np.maximum(bits.view(np.float64), 2.0 ** _LEAST_EXPONENT[dtype])
    with np.errstate(all="ignore"):
        greatest = float((difference / powers).max())
    return min(greatest * 2.0 ** PRECISION[dtype], 2.0**62)


def close(a: NDArray[Any], b: NDArray[Any], rtol: float, atol: Any) -> NDArray[np.bool_]:
    """Where two arrays are close, entry by entry: an array of booleans.

    The test is symmetric. A NaN is close to a NaN, an infinity to the same infinity, and neither to anything else.

    >>> close(np.array([1.0, np.nan, np.inf]), np.array([1.01, np.nan, 9.0]), rtol=0.1, atol=0.0).tolist()
    [True, True, False]
    """
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        finite = np.isfinite(a) & np.isfinite(b)
        scale = np.maximum(np.abs(a), np.abs(b))
        near: NDArray[np.bool_] = same | (finite & (np.abs(a - b) <= atol + rtol * scale))
        huge = finite & (scale > HUGE)
        if huge.any():
            a, b, atol = a * _QUARTER, b * _QUARTER, atol * _QUARTER
            allowed = atol + rtol * np.maximum(np.abs(a), np.abs(b))
            near = np.where(huge, same | (np.abs(a - b) <= allowed), near)
    return near


def within(error: NDArray[Any], rtol: float, atol: float, of: NDArray[Any]) -> NDArray[np.bool_]:
    """Where errors are at most `atol + rtol * |of|`, entry by entry; a NaN is not, and no infinity at a finite number.

    >>> within(np.array([0.5, np.inf]), rtol=2.0, atol=0.0, of=np.array([1.0, 1.7e308])).tolist()
    [True, False]
    """
    with np.errstate(all="ignore"):
        allowed = atol + rtol * magnitude(of)
        # What is allowed of a finite number is finite, also where it is no float64.
        near: NDArray[np.bool_] = error <= np.where(np.isfinite(of), np.minimum(allowed, GREATEST_NUMBER), allowed)
    return near


def coarser(one: str, other: str) -> str:
    """The one of two dtypes that has fewer digits, and so the larger unit; one of floats is coarser than one of whole numbers.

    >>> coarser("float64", "float16"), coarser("int64", "float32")
    ('float16', 'float32')
    """
    return min(one, other, key=lambda dtype: PRECISION.get(dtype, math.inf))


def flushes(sides: Mapping[Side, NDArray[np.generic]], dtype: str) -> dict[Side, int]:
    """The number of results, by side, that are zero there and on the other side less than the least normal number of the dtype.

    >>> flushes({"torch": np.array([0.0, 1.0]), "tensorflow": np.array([1e-40, 1.0])}, "float32")
    {'torch': 1}
    """
    left, right = sides.values()
    if dtype not in PRECISION or left.dtype.kind != "f" or right.dtype.kind != "f":
        return {}
    if np.count_nonzero(left) == left.size and np.count_nonzero(right) == right.size:
        return {}
    least = 2.0 ** _LEAST_EXPONENT[dtype]
    counts = dict.fromkeys(sides, 0)
    for pair in _pieces(left, right, np.float64):
        zeros = [each == 0 for each in pair]
        alone = zeros[0] != zeros[1]
        if alone.any():
            for side, zero, other in zip(sides, zeros, reversed(pair), strict=True):
                counts[side] += int(np.count_nonzero(np.abs(other[alone & zero]) < least))
    return {side: count for side, count in counts.items() if count}


def error_map(left: NDArray[Any], right: NDArray[Any]) -> tuple[tuple[float, ...], ...]:
    """The greatest absolute difference in each block of two matrices of one shape, at most `BLOCKS` blocks a side.

    It is empty for arrays that are no matrices of at least two rows and two columns.

    >>> error_map(np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 7]]))
    ((0.0, 0.0), (0.0, 3.0))
    """
    if left.ndim != 2 or min(left.shape) < 2:
        return ()
    rows, columns = (np.unique(np.linspace(0, size, BLOCKS, endpoint=False).astype(int)) for size in left.shape)
    found = []
    for start, end in zip(rows, [*rows[1:], left.shape[0]], strict=True):
        one, other = left[start:end], right[start:end]
        with np.errstate(all="ignore"):
            apart = np.abs(one.astype(np.complex128 if left.dtype.kind == "c" else np.float64) - other)
            apart = np.where(one == other, 0.0, apart).max(axis=0)  # equal infinities
        found.append(tuple(float(number) for number in np.maximum.reduceat(apart, columns)))
    return tuple(found)


def largest(array: NDArray[Any]) -> float:
    """The greatest magnitude among the finite numbers of an array; 0 where there is none.

    >>> largest(np.array([1.0, -3.0, np.inf]))
    3.0
    """
    found = 0.0
    wide = np.dtype(np.complex128) if array.dtype.kind == "c" else array.dtype
    with np.errstate(all="ignore"):
        for piece in _read([array], wide, order="K"):
            size = _magnitude(piece).max(initial=0)
            if not np.isfinite(size):
                size = magnitude(piece[np.isfinite(piece)]).max(initial=0)
            found = max(found, float(size))
    return found


def relative_distance(one: NDArray[Any], other: NDArray[Any], scale: float = 0.0) -> float:
    """How far two arrays of one shape are apart, relative to their greatest number.

    It is infinite where only one has a NaN or an infinity. `scale` is what they are measured by at least.

    >>> relative_distance(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    0.2
    """
    greatest = 0.0
    with np.errstate(all="ignore"):
        for a, b in _pieces(one, other, _wide(one, other)):
            difference = _difference(a, b)
            if not math.isfinite(difference.max(initial=0.0)):
                difference = np.where((a == b) | ((a != a) & (b != b)), 0.0, difference)
            greatest = max(greatest, float(np.nan_to_num(difference.max(initial=0.0), nan=np.inf, posinf=np.inf)))
            if greatest == math.inf:
                break
        scale = max(largest(one), largest(other), scale)
        if scale > HUGE and one.dtype.kind in "fc" and other.dtype.kind in "fc":
            # What is apart may be no float64, which is none of these either then.
            one, other = (np.asarray(array, _inexact(one, other)) * _QUARTER for array in (one, other))
            return relative_distance(one, other, scale * _QUARTER)
    if greatest == math.inf:
        return math.inf
    return greatest / scale if scale else greatest


def _wide(left: NDArray[Any], right: NDArray[Any]) -> type:
    """What two arrays are compared as: whole numbers as they are."""
    kinds = {left.dtype.kind, right.dtype.kind}
    if kinds <= set("ub"):
        return np.uint64
    return np.int64 if kinds <= set("iub") else _inexact(left, right)


def _difference(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """How far the numbers of two arrays are apart; of whole ones too that are farther apart than int64 can say."""
    if a.dtype.kind in "iu":
        high, low = np.maximum(a, b).view(np.uint64), np.minimum(a, b).view(np.uint64)
        return np.asarray(high - low, np.float64)
    return np.asarray(np.abs(a - b), np.float64)


def magnitude(a: NDArray[Any]) -> NDArray[np.float64]:
    """The magnitudes of some numbers; of a finite complex number whose magnitude is no float64, the greatest one.

    >>> magnitude(np.array([-3.0, np.inf])).tolist()
    [3.0, inf]
    """
    sizes = _magnitude(a)
    return np.where(np.isinf(sizes) & np.isfinite(a), GREATEST_NUMBER, sizes)


def _magnitude(a: NDArray[Any]) -> NDArray[np.float64]:
    """The magnitudes of some numbers as NumPy has them; that of the least int64 is no int64."""
    return np.asarray(np.abs(a.astype(np.float64) if a.dtype.kind in "iu" else a), np.float64)


def _inexact(left: NDArray[Any], right: NDArray[Any]) -> type:
    return np.complex128 if "c" in (left.dtype.kind, right.dtype.kind) else np.float64


def _pieces(left: NDArray[Any], right: NDArray[Any], wide: type) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Both arrays of one shape in step, row by row, a piece at a time, as a type that holds the numbers of both."""
    return (tuple(pair) for pair in _read([left, right], np.dtype(wide), "C"))


def _read(arrays: list[NDArray[Any]], dtype: np.dtype[Any], order: Any) -> Iterator[Any]:
    """An array, or several of one shape in step, as flat pieces; a piece is overwritten by the next."""
    iterator = np.nditer(
        arrays,
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly"]] * len(arrays),
        op_dtypes=[dtype] * len(arrays),
        order=order,
        casting="unsafe",
        buffersize=_PIECE,
    )
    with iterator:
        yield from iterator
