"""Orders of axes: how what PyTorch's layer gives may stand in Keras, by its shape, by its weights, and by its numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.compare.distance import relative_distance
from tfpt_cli.compare.layout import moved
from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.layers.layout import Layout, layout_of
from tfpt_cli.results.layers import SAME
from tfpt_cli.subjects.model.spec import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

# Arrays that are this near are the same but for what parted before; other orders of their axes are as far apart as chance is.
_NEAR = 0.1
# Orders of axes that a layer's result may have in Keras, besides that of PyTorch.
_ORDERS = {2: ("a b -> b a",), 3: ("n c w -> n w c", "t n c -> n t c"), 4: ("n c h w -> n h w c",), 5: (CHANNELS[5],)}


def orders_for(ours: tuple[int, ...], theirs: tuple[int, ...], *, channels: bool) -> list[Layout]:
    """The orders of axes under which a shape of PyTorch becomes one of Keras, the likeliest first.

    >>> [layout.pattern for layout in orders_for((2, 3, 8, 8), (2, 8, 8, 3), channels=True)]
    ['n c h w -> n h w c']
    >>> [layout.pattern for layout in orders_for((2, 64, 3), (2, 8, 8, 3), channels=True)]
    ['n (h w) c -> n h w c']
    """
    patterns = ["", *_ORDERS.get(len(ours), ())]
    if channels and len(ours) > 2:
        patterns = [*patterns[1:], ""]
    layouts = [layout_of(pattern) if pattern else Layout() for pattern in patterns]
    return [layout for layout in (*layouts, *_tokens(ours, theirs)) if fits(layout, ours, theirs)]


def _tokens(ours: tuple[int, ...], theirs: tuple[int, ...]) -> Iterator[Layout]:
    """The orders under which the pixels of an image are tokens in a row on one side: `n (h w) c -> n h w c`.

    Each is the only one for its numbers of axes that does not put pixels in another order.
    """
    ranks = len(ours), len(theirs)
    if ranks == (3, 4):
        yield Layout("n (h w) c -> n h w c", {"h": theirs[1]})
        yield Layout("n c (h w) -> n h w c", {"h": theirs[1]})
    if ranks == (4, 3):
        yield Layout("n c h w -> n (h w) c")
        yield Layout("n h w c -> n (h w) c")
    if ranks == (2, 3):  # a BatchNorm of PyTorch is given tokens without an axis for the batch
        yield Layout("(n t) c -> n t c", {"n": theirs[0]})
    if ranks == (2, 4):
        yield Layout("(n h w) c -> n h w c", {"n": theirs[0], "h": theirs[1]})


def fits(layout: Layout, ours: tuple[int, ...], theirs: tuple[int, ...]) -> bool:
    """Whether a shape of PyTorch becomes one of Keras under a layout."""
    try:
        return tuple(layout.turned(ours)) == tuple(theirs)
    except ValueError:
        return False


def turned(array: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """PyTorch's array with the axes that a layout says."""
    found = moved(array, layout, TORCH, TENSORFLOW) if layout.pattern else array
    return array if found is None else found


def flattened(layout: Layout) -> Layout | None:
    """How the input of a layer is ordered whose weights have axes together in another order; None where they have none.

    >>> flattened(layout_of("out (c h w) -> (h w c) out, c=4, h=3")).pattern
    'n (c h w) -> n (h w c)'
    """
    left, _, right = layout.pattern.partition("->")
    apart = left.split()[1:]
    if (joined := f"({' '.join([*apart[1:], *apart[:1]])})") in right and "(" not in left:
        return replace(layout, pattern=f"n {' '.join(apart)} -> n {joined}")  # a convolution that is a dense layer
    for group in re.findall(r"\([^)]*\)", left):
        for other in re.findall(r"\([^)]*\)", right):
            if group != other and sorted(group[1:-1].split()) == sorted(other[1:-1].split()):
                return replace(layout, pattern=f"n {group} -> n {other}")
    return None


def nearest(ours: NDArray[Any], theirs: NDArray[Any], layouts: Sequence[Layout]) -> tuple[Layout | None, float | None]:
    """The order of axes under which two arrays are nearest, and how far apart they are then; None where none fits."""
    found = [(relative_distance(turned(ours, layout), theirs), place, layout) for place, layout in enumerate(layouts)]
    if not found:
        return None, None
    best = min(found, key=lambda each: (each[0] > SAME, each[1]) if each[0] <= SAME else (True, each[0]))
    return best[2], best[0]


def likeliest(ours: NDArray[Any], theirs: NDArray[Any] | None, layouts: Sequence[Layout]) -> Layout:
    """The order of axes under which two arrays are near; the first, where none is or there is nothing to be near to."""
    layout, size = (None, None) if theirs is None else nearest(ours, theirs, layouts)
    return layouts[0] if layout is None or size is None or size > _NEAR else layout
