"""What would turn one side's array into the other's, where the two do not agree: axes in another order, a factor, and the like.

Each is tried on the numbers, and is one only where every number agrees afterwards. It is no excuse, the verdict stays: it says
where to look, and how a framework writes it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.distance import close

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Framework

# Larger arrays are not turned about: each try takes as long as the comparison.
LARGEST = 1 << 22
_MOST_AXES = 5
_FEW = 64
# Of fewer different numbers a coincidence of their places says nothing.
_VARIED = 3


@dataclass(frozen=True)
class Resemblance:
    """What turns an array into another: a sentence's predicate, and how a framework writes it with `{value}` for the array.

    That is a `move` of the framework's with its settings, or `arithmetic`, which is the same in all. `factor` is what all numbers
    are multiplied by, where that is all.
    """

    words: str
    move: str = ""
    settings: tuple[Any, ...] = ()
    arithmetic: str = ""
    factor: complex = 0

    def code(self, framework: Framework, value: str) -> str:
        """The source that turns an array of this framework, called `value`, into the other side's."""
        if self.arithmetic:
            return self.arithmetic.format(value=value)
        return framework.moves[self.move].format(*self.settings, value=value)


def resemblance(
    left: NDArray[Any], right: NDArray[Any], rtol: float, atol: float, *, shifts: bool = True
) -> Resemblance | None:
    """What turns the left array into the right one, the simplest first; None where nothing that is tried does.

    The arrays must not agree already. A single number resembles nothing, and neither does an array of one or two different
    numbers, except by a factor or by what makes another shape.

    >>> y = np.arange(6.0).reshape(2, 3)
    >>> found = resemblance(y, y.T, 1e-6, 0.0)
    >>> found.words
    'with its axes in the order (1, 0)'
    >>> resemblance(y, 2 * y, 1e-6, 0.0).words
    'times 2, everywhere'
    >>> resemblance(y, y + 1, 1e-6, 0.0).words, resemblance(y, y, 1e-6, 0.0, shifts=False)
    ('plus 1, everywhere', None)
    """
    if max(left.size, right.size) > LARGEST or min(left.size, right.size) == 0 or max(left.size, right.size) < 2:
        return None
    kind: Any = np.complex128 if "c" in (left.dtype.kind, right.dtype.kind) else np.float64
    first, second = left.astype(kind), right.astype(kind)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None

    def same(one: NDArray[Any], other: NDArray[Any]) -> bool:
        if one.shape != other.shape or not close(one.flat[:_FEW], other.flat[:_FEW], rtol, atol).all():
            return False  # most tries end here, whatever the size of the arrays
        return bool(close(one, other, rtol, atol).all())

    with np.errstate(all="ignore"):
        if same(first, second):
            return None
        for tried, turned in _turned(first, second, shifts=shifts):
            if same(turned, second):
                return tried
    return None


def _turned(left: NDArray[Any], right: NDArray[Any], *, shifts: bool) -> Iterator[tuple[Resemblance, NDArray[Any]]]:
    varied = np.unique(left).size >= _VARIED
    yield from _reordered(left, right, varied=varied)
    if left.shape == right.shape:
        yield from _scaled(left, right)
        if varied:
            yield from _offset(left, right, shifts=shifts)
            yield from _along_an_axis(left)
    else:
        yield from _reduced(left, right)


def _reordered(left: NDArray[Any], right: NDArray[Any], *, varied: bool) -> Iterator[tuple[Resemblance, NDArray[Any]]]:
    if left.ndim == right.ndim <= _MOST_AXES and (varied or left.shape != right.shape):
        for axes in itertools.permutations(range(left.ndim)):
            if axes != tuple(range(left.ndim)) and tuple(left.shape[axis] for axis in axes) == right.shape:
                yield Resemblance(f"with its axes in the order {axes}", "permute", (axes,)), left.transpose(axes)
    if left.shape != right.shape and left.size == right.size:
        yield Resemblance(f"in the shape {right.shape}", "reshape", (right.shape,)), left.reshape(right.shape)


def _scaled(left: NDArray[Any], right: NDArray[Any]) -> Iterator[tuple[Resemblance, NDArray[Any]]]:
    there = (left != 0) & (right != 0)
    if np.count_nonzero(there) < 2:
        return
    largest = np.unravel_index(int(np.argmax(np.where(there, np.abs(left), -1.0))), left.shape)
    factor = right[largest] / left[largest]
    yield scaled_by(factor), _nearest(factor) * left


def scaled_by(factor: Any) -> Resemblance:
    """The resemblance of an array to itself times a factor.

    >>> scaled_by(0.25).words, scaled_by(-1).words
    ('divided by 4, everywhere', 'with the other sign, everywhere')
    """
    exact = _nearest(factor)
    if exact == -1:
        return Resemblance("with the other sign, everywhere", arithmetic="-{value}", factor=exact)
    if abs(exact) < 1 and np.round(1 / exact) == 1 / exact:
        text = _written(np.round(1 / exact))
        return Resemblance(f"divided by {text}, everywhere", arithmetic=f"{{value}} / {text}", factor=exact)
    text = _written(exact)
    return Resemblance(f"times {text}, everywhere", arithmetic=f"{text} * {{value}}", factor=exact)


def _written(number: Any) -> str:
    """A number as source: a complex one that is not real in brackets, since a sum stands there."""
    if np.imag(number) == 0:
        return f"{np.real(number):.6g}"
    return f"({number + 0:.6g})"  # no -0


def _nearest(factor: Any) -> Any:
    """A factor, or the whole number or the inverse of one that it is but for rounding."""
    with np.errstate(all="ignore"):
        for exact in (np.round(factor), 1 / np.round(1 / factor)):
            if _but_for_rounding(exact, factor):
                return exact
    return factor


def _but_for_rounding(exact: Any, number: Any) -> bool:
    return bool(np.isfinite(exact) and exact != 0 and abs(exact - number) <= 1e-5 * abs(number))


def _offset(left: NDArray[Any], right: NDArray[Any], *, shifts: bool) -> Iterator[tuple[Resemblance, NDArray[Any]]]:
    if not shifts:
        return
    for sign in (1, -1):
        apart = (right - sign * left).flat[0]
        near = np.round(apart) if _but_for_rounding(np.round(apart), apart) else apart
        text = _written(near)
        words = f"plus {text}, everywhere" if sign > 0 else f"taken from {text}, everywhere"
        arithmetic = f"{{value}} + {text}" if sign > 0 else f"{text} - {{value}}"
        yield Resemblance(words, arithmetic=arithmetic), sign * left + near


def _along_an_axis(left: NDArray[Any]) -> Iterator[tuple[Resemblance, NDArray[Any]]]:
    for axis in range(min(left.ndim, _MOST_AXES)):
        yield Resemblance(f"reversed along axis {axis}", "reverse", (axis,)), np.flip(left, axis)
    for axis in range(min(left.ndim, _MOST_AXES)):
        for by in range(1, min(left.shape[axis], 9)):
            for step in (by, -by):
                words = f"moved by {step} along axis {axis}, the end at the front"
                yield Resemblance(words, "roll", (step, axis)), np.roll(left, step, axis)


def _reduced(left: NDArray[Any], right: NDArray[Any]) -> Iterator[tuple[Resemblance, NDArray[Any]]]:
    """The left array reduced along some axes: what is a sum on one side is none on the other."""
    for count in range(1, min(left.ndim, _MOST_AXES) + 1):
        for axes in itertools.combinations(range(left.ndim), count):
            kept = tuple(length for axis, length in enumerate(left.shape) if axis not in axes)
            if kept == right.shape:
                over = "all its axes" if count == left.ndim else f"axis {', '.join(map(str, axes))}"
                yield Resemblance(f"summed over {over}", "sum", (axes,)), left.sum(axes)
                yield Resemblance(f"averaged over {over}", "mean", (axes,)), left.mean(axes)
