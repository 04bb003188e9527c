"""How the axes of two entries map, and how far their numbers are apart then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# By the number of axes, what PyTorch's axes become in Keras: of dense layers, of convolutions, of depthwise ones.
_LAYOUTS = {
    2: ("out in -> in out",),
    3: ("out in k -> k in out", "c m k -> k c m"),
    4: ("out in h w -> h w in out", "c m h w -> h w c m"),
    5: ("out in d h w -> d h w in out",),
}
# As many numbers are compared at a time: two arrays of 4 GB must not become four of 8, and few stay near the processor.
_BLOCK = 1 << 14


@dataclass(frozen=True)
class Apart:
    """How two arrays of numbers are under a layout: the largest difference, and whether they are the same numbers.

    `rounded` says that they are so once both are in the coarser of their two dtypes.
    """

    layout: str
    largest: float
    same: bool
    rounded: bool = False


def layouts(first: tuple[int, ...], second: tuple[int, ...]) -> list[str]:
    """The layouts that take the first shape to the second, each as an einops pattern; empty for the axes as they are.

    >>> layouts((4, 3), (3, 4))
    ['out in -> in out']
    >>> layouts((3, 3), (3, 3))
    ['', 'out in -> in out']
    >>> layouts((4, 3), (4, 5))
    []
    """
    found = [""] if first == second else []
    return found + [pattern for pattern, order in _orders(len(first)) if tuple(first[at] for at in order) == second]


def turned(array: NDArray[Any], layout: str) -> NDArray[Any]:
    """An array with its axes moved as a layout of `layouts` says, without a copy."""
    order = dict(_orders(array.ndim)).get(layout)
    return array if order is None else array.transpose(order)


def _orders(axes: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The layouts for so many axes, and those back from Keras, each with the order of the axes that it means."""
    for pattern in _LAYOUTS.get(axes, ()):
        left, right = (side.split() for side in pattern.split(" -> "))
        yield pattern, tuple(left.index(name) for name in right)
        if left != right[::-1] or axes > 2:
            yield f"{' '.join(right)} -> {' '.join(left)}", tuple(right.index(name) for name in left)


def apart(first: NDArray[Any], second: NDArray[Any], usual: str | None = None) -> Apart | None:
    """How far two arrays are apart, under that layout in which they are least so; None where their shapes fit under none.

    Where several are as good, `usual` is taken if it is one of them, else the axes as they are.

    >>> apart(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 3.0], [2.0, 4.0]]))
    Apart(layout='out in -> in out', largest=0.0, same=True, rounded=False)
    """
    fitting = layouts(first.shape, second.shape)
    if usual in fitting:
        fitting = [usual, *(layout for layout in fitting if layout != usual)]
    found = []
    for layout in fitting:
        found.append(_apart(turned(first, layout), second, layout))
        if found[-1].same:
            break
    return min(found, key=lambda each: (not each.same, each.largest), default=None)


def _apart(first: NDArray[Any], second: NDArray[Any], layout: str) -> Apart:
    largest, same, rounded = 0.0, True, True
    coarser = min(first.dtype, second.dtype, key=_digits)
    for left, right in _blocks(first, second):
        wide: Any = np.complex128 if "c" in (left.dtype.kind, right.dtype.kind) else np.float64
        with np.errstate(all="ignore"):
            a, b = left.astype(wide), right.astype(wide)
            equal = (left == right) if first.dtype == second.dtype else (a == b)  # whole numbers have more than 53 bits
            equal |= np.isnan(a) & np.isnan(b)
            if equal.all():
                continue
            same = False
            difference = np.abs(a - b)[~equal]
            largest = max(largest, float(np.where(np.isnan(difference), np.inf, difference).max()))
            if rounded:
                a, b = left.astype(coarser).astype(wide), right.astype(coarser).astype(wide)
                rounded = bool(((a == b) | (np.isnan(a) & np.isnan(b))).all())
    rounded = rounded and first.dtype != second.dtype
    return Apart(layout, largest, same=same or rounded, rounded=rounded and not same)


def _digits(dtype: Any) -> float:
    """How many digits a dtype of floats has; more for whole numbers than for any."""
    if dtype.kind in "iub":
        return 100.0
    try:
        return float(-np.log2(np.finfo(dtype).eps))
    except ValueError:  # one of `ml_dtypes`
        import ml_dtypes

        return float(-np.log2(float(ml_dtypes.finfo(dtype).eps)))


def _blocks(first: NDArray[Any], second: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Two arrays of one shape in blocks along their first axis."""
    if not first.ndim:
        yield first, second
        return
    rows = max(1, _BLOCK // max(1, first[:1].size))
    for begin in range(0, len(first), rows):
        yield first[begin : begin + rows], second[begin : begin + rows]
