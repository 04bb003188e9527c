"""The error along the depth of two models, for the terminal and for the page: on a logarithmic scale, layer by layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.report.models import apart
from tfpt_cli.report.numbers import ASCII_BLOCKS, BLOCKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfpt_cli.results import LayerLine

# The scale goes from 1e-16, the rounding of float64, to 1, where both sides have nothing in common.
DECADES = 16
# Of so many layers a table says as much.
FEW_LAYERS = 3


@dataclass(frozen=True)
class Direction:
    """The errors of all layers in one direction, `forward` or `backward`, in the order in which PyTorch calls the layers.

    None stands where an error was not measured.
    """

    name: str
    so_far: tuple[float | None, ...]
    by_itself: tuple[float | None, ...]


def directions(layers: Sequence[LayerLine]) -> list[Direction]:
    """The directions in which the error of any layer was measured: forward, and backward where there are gradients."""
    both = (
        Direction("forward", tuple(x.so_far for x in layers), tuple(x.by_itself for x in layers)),
        Direction("backward", tuple(x.gradient_so_far for x in layers), tuple(x.gradient_by_itself for x in layers)),
    )
    return [each for each in both if any(size is not None for size in (*each.so_far, *each.by_itself))]


def share(error: float) -> float:
    """How far up the logarithmic scale an error stands, from 0 for 1e-16 and less to 1 for 1 and more.

    >>> share(1.0), share(1e-8), share(0.0), share(float("inf"))
    (1.0, 0.5, 0.0, 1.0)
    """
    if math.isnan(error):
        return 1.0
    if error <= 0:
        return 0.0
    return min(max(1 + math.log10(error) / DECADES, 0.0), 1.0) if math.isfinite(error) else 1.0


def sparkline(errors: Sequence[float | None], width: int, *, ascii_only: bool = False) -> str:
    """Errors as a line of blocks of at most this width, two decades a step; empty where none was measured.

    Of more errors than there is room for, a block shows the greatest of its neighbours. A blank was not measured.

    >>> sparkline([0.0, 1e-16, 1e-8, None, 1.0], width=9)
    '▁▁▅ █'
    >>> sparkline([0.0, 1e-16, 1e-8, None, 1.0], width=2, ascii_only=True)
    '_#'
    """
    if width < 1 or all(error is None for error in errors):
        return ""
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    greatest = (
        max((share(error) for error in errors[start:end] if error is not None), default=None)
        for start, end in _stretches(len(errors), width)
    )
    return "".join(" " if size is None else blocks[min(int(size * len(blocks)), len(blocks) - 1)] for size in greatest)


def column(place: int, count: int, width: int) -> int:
    """The block of a sparkline of `count` errors in which the error at a place is shown.

    >>> column(150, count=200, width=40)
    30
    """
    return next(index for index, (start, end) in enumerate(_stretches(count, width)) if start <= place < end)


def _stretches(count: int, width: int) -> Iterator[tuple[int, int]]:
    """The errors that share a block, from the first until before the last: each is in one, and each block has one."""
    blocks = min(count, width)
    return ((index * count // blocks, (index + 1) * count // blocks) for index in range(blocks))


def spark_lines(layers: Sequence[LayerLine], width: int, *, ascii_only: bool = False) -> list[tuple[str, str, str]]:
    """The error so far along the depth as lines of a terminal: a title, blocks, and what is said behind them.

    They are a line for each direction, and one that marks below them the layer at which the models begin to part. Of few layers
    there are none. Put together with a blank between them they are at most `width` wide.
    """
    if len(layers) <= FEW_LAYERS:
        return []
    found = [each for each in directions(layers) if any(size is not None for size in each.so_far)]
    begins = next((place for place, line in enumerate(layers) if line.begins), None)
    mark = "" if begins is None else f"layer {begins + 1} of {len(layers)}"
    said = [_greatest(each.so_far) for each in found]
    title = max((len(each.name) for each in found), default=0)
    room = width - title - 2 - max(map(len, (*said, mark)))
    lines = [
        (each.name.ljust(title), sparkline(each.so_far, room, ascii_only=ascii_only), words)
        for each, words in zip(found, said, strict=True)
    ]
    if room < 1:
        return []
    if lines and begins is not None:
        blanks = " " * column(begins, len(layers), room)
        lines.append((" " * title, blanks + ("^" if ascii_only else "▲"), mark))
    return lines


def _greatest(errors: Sequence[float | None]) -> str:
    """The greatest of some errors in words, as in `at most 4e-16 apart`."""
    greatest = max((error for error in errors if error is not None), default=0.0)
    return "other shapes" if math.isinf(greatest) else f"at most {apart(greatest)} apart" if greatest else "identical"
