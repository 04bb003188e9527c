"""Curves on a terminal: one line where both frameworks agree, two marks where they part."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import plotext
from rich.text import Text

from tfpt_cli.report.numbers import ASCII_BLOCKS, BLOCKS, number
from tfpt_cli.results import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.results import Curve

HEIGHT = 15
_WIDEST = 100
_FEW = 8
# Of the first side and of the second.
_MARKS, _COLOURS = "+x", ("orange", "blue")
# The frame as plotext draws it, and as an old terminal can show it.
_ASCII = str.maketrans({**dict.fromkeys("┌┐└┘┤├┬┴┼", "+"), "─": "-", "│": "|"})


def curve_plot(curve: Curve, width: int, *, ascii_only: bool = False) -> Text:
    """A quantity over its interval, at most as wide as `width`, and in words where both sides part."""
    plotext.clear_figure()
    plotext.plotsize(min(width, _WIDEST), HEIGHT)
    for ground in (plotext.canvas_color, plotext.axes_color, plotext.ticks_color):
        ground("default")  # the terminal's own
    plotext.title(printable(f"{curve.quantity} over {curve.by}"))
    sides = list(curve.sides)
    first = zip(curve.at, curve.sides[sides[0]], curve.parts, strict=True)
    together = [(x, y) for x, y, parts in first if not parts and y is not None]
    if together:
        # Points and not a line: a line would cross the gaps in which both sides part.
        dot = "." if ascii_only else "braille"
        plotext.scatter(*_columns(_dense(together, curve)), marker=dot, label="both" if any(curve.parts) else None)
    for start, side in enumerate(sides):
        column = zip(curve.at, curve.sides[side], curve.parts, strict=True)
        points = [(x, y) for x, y, parts in column if parts and y is not None]
        if len(points) > _FEW:
            points = points[start::2]  # the marks of one side would hide those of the other
        if points:
            plotext.scatter(*_columns(points), marker=_MARKS[start], color=_COLOURS[start], label=side.label)
    text = plotext.uncolorize(plotext.build()) if ascii_only else plotext.build()
    plotext.clear_figure()
    drawn = Text.from_ansi("\n".join(line.rstrip() for line in text.splitlines()))
    if ascii_only:
        drawn = Text(drawn.plain.translate(_ASCII))
    return Text("\n").join([drawn, *_strip(curve, drawn.plain, ascii_only=ascii_only), *_words(curve)])


def _strip(curve: Curve, drawn: str, *, ascii_only: bool) -> Iterator[Text]:
    """How far apart both sides are along the interval, as bars below the plot's columns, and in words; where they part."""
    if not any(curve.parts):
        return
    left, right = curve.sides.values()
    apart = [None if a is None or b is None else abs(b - a) for a, b in zip(left, right, strict=True)]
    most = max((distance for distance in apart if distance is not None), default=0.0)
    if not 0 < most < math.inf:
        return
    # The plot's frame says where its columns begin and how many there are.
    frame = next(line for line in drawn.splitlines() if "┌" in line or "+-" in line)
    begin, end = frame.index("┌" if "┌" in frame else "+") + 1, len(frame.rstrip()) - 1
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    places = [round(i / max(end - begin - 1, 1) * (len(apart) - 1)) for i in range(end - begin)]
    bars = "".join(_bar(apart[place], most, blocks) for place in places)
    where = curve.at[apart.index(most)]
    yield Text(" " * begin).append(bars, "red")
    yield Text(printable(f"apart by at most {number(most, 3)}, at {curve.by} = {number(where, 4)}"), "dim")


def _bar(distance: float | None, most: float, blocks: str) -> str:
    """A bar of a height in proportion; blank where there is no distance, and none."""
    if not distance:
        return " "
    return blocks[min(int(distance / most * len(blocks)), len(blocks) - 1)]


def _columns(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _dense(points: list[tuple[float, float]], curve: Curve) -> list[tuple[float, float]]:
    """The points with eight more on the straight way between any two that are neighbours."""
    step = curve.at[1] - curve.at[0] if len(curve.at) > 1 else 0.0
    found = list(points)
    for (x, y), (later, higher) in itertools.pairwise(points):
        if later - x < 1.5 * step:
            found += [(x + (later - x) * k / 9, y + (higher - y) * k / 9) for k in range(1, 9)]
    return found


def _words(curve: Curve) -> Iterator[Text]:
    ranges = list(_ranges(curve))
    if not ranges:
        none = sum(y is None for y in next(iter(curve.sides.values())))
        rest = f", at {none} of which neither has a finite number" if none else ""
        yield Text(f"both frameworks agree at all {len(curve.at)} points{rest}", "green")
        return
    shown = ", ".join(
        f"{curve.by} = {low}" if low == high else f"{curve.by} from {low} to {high}" for low, high in ranges[:6]
    )
    more = f" and {len(ranges) - 6} more places" if len(ranges) > 6 else ""
    count = f"{sum(curve.parts)} of {len(curve.at)} points"
    yield Text(printable(f"{curve.quantity} parts at {count}: {shown}{more}"), "red")
    for side, column in curve.sides.items():
        missing = sum(y is None for y in column)
        if 0 < missing < len(curve.at):
            yield Text(f"{side.label} has no finite number at {missing} of {len(curve.at)} points", "yellow")
        elif missing:
            yield Text(f"{side.label} has no number at any point", "yellow")


def _ranges(curve: Curve) -> Iterator[tuple[str, str]]:
    """The stretches of points at which both sides part, as texts."""
    start: float | None = None
    last = math.nan
    for x, parts in zip(curve.at, curve.parts, strict=True):
        if parts and start is None:
            start = x
        if not parts and start is not None:
            yield number(start), number(last)
            start = None
        last = x
    if start is not None:
        yield number(start), number(last)
