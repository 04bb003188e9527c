"""Plots as SVG for the HTML report: text of a few kilobytes that a screen reader can say in a title and a sentence.

Colours come from the page's style sheet by class, so that they follow its theme; `t` is the first side, `f` the second. They are
also told apart by the kind of their line, and marks by their shape.
"""

from __future__ import annotations

import math
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from tfpt_cli.report.numbers import number
from tfpt_cli.results import SideValue, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfpt_cli.results import Comparison, Curve

WIDTH, HEIGHT = 360, 208
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 8, 22
# Of the first side and of the second.
_CLASSES = ("t", "f")
# How high the part below a curve is in which what lies between both lines is drawn.
_STRIP = 62
# Of a curve that shoots up somewhere, what is beyond this many times the rest is cut off, or the rest would be a flat line.
_CUT = 4
# From which share of the greatest error on a block of a heat map is drawn this dark, the darkest first.
HEAT_LEVELS = (0.5, 0.1, 1e-2, 1e-4, 0.0)


def histograms(comparison: Comparison, key: str) -> Markup:
    """Both samples as histograms over the law that each side declares, one below the other; empty where there are none.

    `key` makes the ids of the plot its own on the page.
    """
    drawn = {side: value for side, value in comparison.sides.items() if value.samples and any(value.samples.counts)}
    shown = {side: v for side, v in drawn.items() if v.samples and v.samples.edges[0] < v.samples.edges[1]}
    classes = dict(zip(comparison.sides, _CLASSES, strict=True))
    if not shown:
        return Markup()
    edges = next(value.samples.edges for value in shown.values() if value.samples)
    tops = {side: max(*_shares(value), *_declared(value), 0.0) for side, value in shown.items()}
    if max(tops.values()) <= 4 * min(tops.values()):
        tops = dict.fromkeys(tops, max(tops.values()))  # the same scale, unless one would be flat in it
    gap = 16
    height = (HEIGHT - _TOP - _BOTTOM - gap * len(shown)) / len(shown)
    parts, words, y = [], [], float(_TOP)
    for side, value in shown.items():
        y += gap
        parts.append(f"<text class=l x={_LEFT} y={_n(y - 4)}>{side.label}</text>")
        parts += _histogram(value, classes[side], y, height, tops[side])
        assert value.samples is not None
        law = f", declared {value.law}" if value.law and value.declared else ""
        numbers = f"mean {number(value.samples.mean, 3)}, standard deviation {number(value.samples.std, 3)}"
        words.append(
            f"{side.label}: {numbers}, from {number(value.samples.low, 3)} to {number(value.samples.high, 3)}{law}."
        )
        y += height
    parts += _x_axis(edges, y)
    return _svg(key, f"Histograms of {comparison.quantity}", " ".join(words), parts)


def _shares(side: SideValue) -> list[float]:
    counts = side.samples.counts if side.samples else ()
    return [count / (sum(counts) or 1) for count in counts]


def _declared(side: SideValue) -> list[float]:
    """The declared law in each of its parts, as high as the bars of a sample that follows it would be."""
    bars = len(side.samples.counts) if side.samples else 1
    return [share * len(side.declared) / bars for share in side.declared]


def _histogram(side: SideValue, css: str, y: float, height: float, top: float) -> Iterator[str]:
    def at(share: float) -> str:
        return _n(y + height * (1 - share / top))

    width = WIDTH - _LEFT - _RIGHT
    shares, base = _shares(side), _n(y + height)
    places = [_LEFT + width * index / len(shares) for index in range(len(shares) + 1)]
    outline = "".join(f"V{at(share)}H{_n(right)}" for share, right in zip(shares, places[1:], strict=True))
    yield f'<path class="h {css}" d="M{_LEFT} {base}{outline}V{base}"/>'
    yield f'<path class=a d="M{_LEFT} {base}H{WIDTH - _RIGHT}"/>'
    line = _declared(side)
    if line:
        points = [
            (_LEFT + width * (index + 0.5) / len(line), y + height * (1 - share / top))
            for index, share in enumerate(line)
        ]
        yield f'<path class=d d="{_path(points)}"/>'


def curve(curve: Curve, key: str) -> Markup:
    """Both frameworks over an interval, and where they part; what one of them has no number for is a gap in its line.

    Where they part by so little that both lines look the same, what lies between them is drawn below, in a scale of its own.
    """
    finite = sorted(n for column in curve.sides.values() for n in column if n is not None)
    if len(curve.at) < 2 or not finite:
        return Markup()
    low, high, cut = _range(finite)
    width, height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM - 12.0
    x = [_LEFT + width * (place - curve.at[0]) / (curve.at[-1] - curve.at[0]) for place in curve.at]
    between = _between(curve, (high - low) / 20)
    bottom = _TOP + height + 12 + (_STRIP if between else 0)

    def y(value: float) -> float:
        inside = min(max(value, low - (high - low)), high + (high - low))  # a line that leaves still has its direction
        return _TOP + height * (high - inside) / (high - low)

    columns = [[None if n is None else y(n) for n in column] for column in curve.sides.values()]
    parts = [*_y_axis(low, high, height), *_x_axis((curve.at[0], curve.at[-1]), bottom)]
    parts.append(
        f'<svg y={_TOP - 2} width={WIDTH} height={_n(height + 4)} viewBox="0 {_TOP - 2} {WIDTH} {_n(height + 4)}">'
    )
    parts += _lines(x, columns, key)
    if not between:
        parts += _crosses(x, columns, curve.parts, height)
    parts.append("</svg>")
    if between:
        parts += _strip(x, between, _TOP + height + 14, _difference(curve))
    stretches = list(_stretches(curve))
    rug, half = _n(bottom - 5), width / (len(curve.at) - 1) / 2
    parts += [f'<path class=x d="M{_n(x[first] - half)} {rug}H{_n(x[last] + half)}"/>' for first, last in stretches]
    words = " ".join(_curve_words(curve, stretches, cut, between))
    return _svg(key, f"{curve.quantity} over {curve.by}", words, parts, height=bottom + _BOTTOM)


def _between(curve: Curve, least: float) -> list[float | None]:
    """The second side's numbers less the first's, where both part and are nearer than `least` everywhere; else nothing."""
    found = [None if a is None or b is None else b - a for a, b in zip(*curve.sides.values(), strict=True)]
    greatest = max(
        (abs(n) for n, apart in zip(found, curve.parts, strict=True) if n is not None and apart), default=0.0
    )
    return found if 0 < greatest < least else []


def _difference(curve: Curve) -> str:
    """The title of the strip below a curve, as in `TensorFlow less PyTorch`."""
    first, second = curve.sides
    return f"{second.label} less {first.label}"


def _strip(x: Sequence[float], between: list[float | None], top: float, words: str) -> Iterator[str]:
    greatest = max(abs(n) for n in between if n is not None)
    middle, half = top + 10 + (_STRIP - 20) / 2, (_STRIP - 24) / 2
    yield f'<path class=z d="M{_LEFT} {_n(middle)}H{WIDTH - _RIGHT}"/>'
    yield f"<text x={_LEFT} y={_n(top + 7)}>{words}, at most {_tick(greatest)}</text>"
    column = [None if n is None else middle - half * n / greatest for n in between]
    yield f'<path class=b d="{_gaps(x, column)}"/>'


def _range(finite: Sequence[float]) -> tuple[float, float, bool]:
    """What a curve is drawn in: its least and greatest number, unless a few of them are far beyond the rest."""
    low, high = finite[0], finite[-1]
    few = len(finite) // 20
    inner_low, inner_high = finite[few], finite[-1 - few]
    cut = inner_high > inner_low and high - low > _CUT * (inner_high - inner_low)
    if cut:
        spread = inner_high - inner_low
        low, high = max(low, inner_low - spread / 2), min(high, inner_high + spread / 2)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        size = max(abs(low), abs(high), 1.0) / 2
        low, high = low - size, high + size
    return low, high, cut


def _lines(x: Sequence[float], columns: Sequence[list[float | None]], key: str) -> Iterator[str]:
    """Both lines, of equal ones the path only once."""
    paths = [_gaps(x, column) for column in columns]
    if len(set(paths)) == 1:
        yield f'<defs><path id={key}p d="{paths[0]}"/></defs>'
        yield from (f'<use href="#{key}p" class={css} />' for css in _CLASSES)
    else:
        yield from (f'<path class={css} d="{path}"/>' for css, path in zip(_CLASSES, paths, strict=True) if path)


def _gaps(x: Sequence[float], column: Sequence[float | None]) -> str:
    """A line through the points that there are."""
    path = ""
    for there, group in groupby(range(len(x)), lambda index: column[index] is not None):
        if there:
            path += _path([(x[index], column[index] or 0.0) for index in group])
    return path


def _crosses(
    x: Sequence[float], columns: Sequence[list[float | None]], parts: Sequence[bool], height: float
) -> Iterator[str]:
    """A cross on each side's number wherever the two part, as far as the numbers are not so many that they run together."""
    where = [index for index, apart in enumerate(parts) if apart]
    step = max(1, -(-len(where) // 12))
    marks = ""
    for index in where[::step]:
        for column in columns:
            y = column[index]
            if y is not None and _TOP - 2 <= y <= _TOP + height + 2:
                marks += f"M{_n(x[index] - 3)} {_n(y - 3)}l6 6m0-6l-6 6"
    if marks:
        yield f'<path class=c d="{marks}"/>'


def _stretches(curve: Curve) -> Iterator[tuple[int, int]]:
    """First and last index of each row of points at which both sides part."""
    for apart, group in groupby(range(len(curve.at)), lambda index: curve.parts[index]):
        if apart:
            indices = list(group)
            yield indices[0], indices[-1]


def gaps(curve: Curve) -> list[str]:
    """Sentences that say which sides have no number at some of a curve's points."""
    missing = {side: sum(n is None for n in column) for side, column in curve.sides.items()}
    return [
        f"{side.label} has no number at {count} of {len(curve.at)} points" for side, count in missing.items() if count
    ]


def _curve_words(
    curve: Curve, stretches: list[tuple[int, int]], cut: bool, between: list[float | None]
) -> Iterator[str]:
    yield f"From {number(curve.at[0], 4)} to {number(curve.at[-1], 4)}."
    yield from (f"{words}." for words in gaps(curve))
    places = [
        number(curve.at[a], 3) if a == b else f"{number(curve.at[a], 3)} to {number(curve.at[b], 3)}"
        for a, b in stretches[:4]
    ]
    more = f" and {len(stretches) - 4} more" if len(stretches) > 4 else ""
    yield f"They part at {', '.join(places)}{more}." if places else "They part nowhere."
    if between:
        yield f"Below, {_difference(curve)}: at most {number(max(abs(n) for n in between if n is not None), 3)}."
    if cut:
        yield "The greatest numbers are cut off."


def heat_map(comparison: Comparison, key: str) -> Markup:
    """The greatest absolute error in each block of a matrix that differs, in five steps; empty where there is none."""
    rows = comparison.errors
    if comparison.verdict.agrees or not rows or not rows[0]:
        return Markup()
    finite = [error for row in rows for error in row if math.isfinite(error)]
    greatest = max(finite, default=0.0)
    side = min((WIDTH - _LEFT - _RIGHT) / len(rows[0]), (HEIGHT - _TOP - _BOTTOM) / len(rows), 32.0)
    paths = [""] * len(HEAT_LEVELS)
    crosses = ""
    for index, row in enumerate(rows):
        column = 0
        for level, group in groupby(_level(error, greatest) for error in row):
            run = len(list(group))
            if level is None:
                crosses += "".join(f"M{column + k + 0.2:.1f} {index + 0.2:.1f}l.6 .6m0-.6l-.6 .6" for k in range(run))
            elif level < len(HEAT_LEVELS):
                paths[level] += f"M{column} {index}h{run}v1h-{run}"
            column += run
    shape = list(comparison.sides.values())[-1].shape or (len(rows), len(rows[0]))
    parts = [f'<g transform="translate({_LEFT} {_TOP}) scale({side:.4g})">']
    parts.append(f'<path class=e d="M0 0h{len(rows[0])}v{len(rows)}h-{len(rows[0])}z"/>')
    parts += [f'<path class=e{level} d="{path}"/>' for level, path in enumerate(paths) if path]
    parts += [f'<path class=n d="{crosses}"/>'] if crosses else []
    parts.append("</g>")
    bottom, right = _TOP + side * len(rows), _LEFT + side * len(rows[0])
    parts.append(f"<text x={_LEFT - 4} y={_TOP + 9} text-anchor=end>0</text>")
    parts.append(f"<text x={_LEFT - 4} y={_n(bottom)} text-anchor=end>{shape[0] - 1}</text>")
    parts.append(f"<text x={_LEFT} y={_n(bottom + 13)}>0</text>")
    parts.append(f"<text x={_n(right)} y={_n(bottom + 13)} text-anchor=end>{shape[-1] - 1}</text>")
    missing = sum(not math.isfinite(error) for row in rows for error in row)
    words = f"{len(rows)} by {len(rows[0])} blocks of a matrix of {shape[0]} by {shape[-1]}."
    words += f" The greatest absolute error is {number(greatest, 3)}" if finite else " No error is a number"
    words += (
        f", in row {_place(rows, greatest)[0]}, column {_place(rows, greatest)[1]} of the blocks." if finite else "."
    )
    words += f" Blocks with one that is not finite: {missing}." if missing else ""
    return _svg(key, f"Errors of {comparison.quantity}", words, parts, height=bottom + _BOTTOM)


def heat_steps(comparison: Comparison) -> list[str]:
    """The legend of a heat map: the errors that each shade stands for, the darkest first."""
    finite = [error for row in comparison.errors for error in row if math.isfinite(error)]
    greatest = max(finite, default=0.0)
    return [f"above {number(greatest * level, 2)}" if level else "above 0" for level in HEAT_LEVELS]


def _level(error: float, greatest: float) -> int | None:
    if not math.isfinite(error):
        return None
    return next((level for level, share in enumerate(HEAT_LEVELS) if error > share * greatest), len(HEAT_LEVELS))


def _place(rows: Sequence[Sequence[float]], error: float) -> tuple[int, int]:
    return next((i, j) for i, row in enumerate(rows) for j, found in enumerate(row) if found == error)


def _x_axis(edges: tuple[float, float], y: float) -> Iterator[str]:
    width = WIDTH - _LEFT - _RIGHT
    yield f'<path class=a d="M{_LEFT} {_n(y)}H{WIDTH - _RIGHT}"/>'
    ends = {_LEFT: (edges[0], "start"), WIDTH - _RIGHT: (edges[1], "end")}
    if edges[0] < 0 < edges[1]:
        middle = _LEFT + width * -edges[0] / (edges[1] - edges[0])
        if _LEFT + 50 < middle < WIDTH - _RIGHT - 50:
            ends[round(middle)] = (0.0, "middle")
    for x, (value, anchor) in ends.items():
        yield f"<text x={x} y={_n(y + 14)} text-anchor={anchor}>{_tick(value)}</text>"


def _y_axis(low: float, high: float, height: float) -> Iterator[str]:
    ticks = {_TOP + 4: high, round(_TOP + height + 3): low}
    zero = _TOP + height * high / (high - low)
    if low < 0 < high:
        yield f'<path class=z d="M{_LEFT} {_n(zero)}H{WIDTH - _RIGHT}"/>'
        if _TOP + 16 < zero < _TOP + height - 12:
            ticks[round(zero + 4)] = 0.0
    for y, value in ticks.items():
        yield f"<text x={_LEFT - 5} y={y} text-anchor=end>{_tick(value)}</text>"


def _tick(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _path(points: Sequence[tuple[float, float]]) -> str:
    """A line through points, without those that lie on the straight line between their neighbours anyway."""
    kept = list(points[:1])
    for (x, y), (next_x, next_y) in pairwise(points[1:]):
        last_x, last_y = kept[-1]
        straight = last_y + (next_y - last_y) * (x - last_x) / (next_x - last_x)
        if abs(straight - y) > 0.1:
            kept.append((x, y))
    if len(points) > 1:
        kept.append(points[-1])
    else:
        kept.append((points[0][0] + 0.5, points[0][1]))  # a point alone is a dot
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in kept)


def _n(value: float) -> str:
    """A coordinate with one decimal, and none where it is zero."""
    return f"{value:.1f}".removesuffix(".0")


def _svg(key: str, title: str, words: str, parts: Sequence[str], height: float = HEIGHT) -> Markup:
    head = f'<svg class=p viewBox="0 0 {WIDTH} {_n(height)}" role=img aria-labelledby="{key}t {key}d">'
    said = f"<title id={key}t>{escape(printable(title))}</title><desc id={key}d>{escape(printable(words))}</desc>"
    return Markup(head + said + "".join(parts) + "</svg>")  # noqa: S704 - numbers, and texts that were escaped
