"""The layers of two models in the HTML page: bars of their errors, runs of alike ones folded, plots along the depth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from tfpt_cli.report.depth import FEW_LAYERS, Direction, directions, share
from tfpt_cli.report.layer_details import (
    BY_ITSELF,
    Setting,
    ShownParameter,
    parameters,
    parted_yet_same,
    rounding,
    settings,
)
from tfpt_cli.report.models import apart, in_single, layer_names, layer_shape, parameter_table
from tfpt_cli.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfpt_cli.report.models import ModelRow
    from tfpt_cli.results import LayerLine, ScenarioResult

# So many layers that agree stand one below the other, and so many that only pass on what parts before them; of more the first
# and the last do.
_FOLDED = {"agree": 4, "differ so far and agree by themselves": 8}
# A table of parameters with more lines than this is folded as a whole.
_MANY_PARAMETERS = 24
# The units of a plot: it is drawn as wide as there is room.
_WIDTH, _HEIGHT = 1000, 160
# Of more layers than this the dots of a plot are small, or they would be one thick line.
_DENSE = 60


@dataclass(frozen=True)
class Bar:
    """An error as a bar: `kind` is `so far` or `by itself`, `width` its share of the logarithmic scale in percent.

    `text` is the error as a number; the width is None where it was not measured.
    """

    kind: str
    width: float | None
    text: str


@dataclass(frozen=True)
class Layer:
    """A layer as the page shows it: its line, and what unfolds below it.

    `names` are its paths on both sides, `bars` those of each direction by its name, `single` how far apart it is in float32 with
    each side's own rounding there, and `rounding` that in words. `excused` says that it gives the same by itself although
    settings differ.
    """

    line: LayerLine
    names: list[str]
    shape: str
    bars: list[tuple[str, list[Bar]]]
    single: tuple[str, str]
    settings: list[Setting]
    excused: bool
    parameters: list[ShownParameter]
    rounding: str


@dataclass(frozen=True)
class Run:
    """Layers that follow each other; `title` says what they have in common where they are folded, and is empty otherwise."""

    title: str
    layers: list[Layer]


@dataclass(frozen=True)
class Plot:
    """The errors in one direction over the depth: `line` is the path so far, `dots` that of each layer by itself.

    They are `dense` where there are many. `begins` is where the models begin to part, in the units of the plot; `words` say what
    is to be seen.
    """

    name: str
    line: str
    dots: str
    dense: bool
    begins: float | None
    words: str


@dataclass(frozen=True)
class Depth:
    """Two models in the page: the runs of their layers with the directions that were measured, plots, and parameters.

    `culprit` is the layer at which the models begin to part, `many` says that the table of parameters is long.
    """

    runs: list[Run]
    sides: list[str]
    directions: list[str]
    single: bool
    plots: list[Plot]
    ends: tuple[str, str]
    culprit: Layer | None
    titles: tuple[str, ...]
    rows: list[ModelRow]
    parted: int
    many: bool


def depth_of(result: ScenarioResult) -> Depth | None:
    """What the page shows of two models besides their outputs; None where a result is of none."""
    titles, rows = parameter_table(result)
    if not result.layers and not rows:
        return None
    found = directions(result.layers)
    owned = parameters(result)
    side = next(iter(result.layers[0].names)) if result.layers else None
    layers = [
        _layer(line, place, found, owned.get(line.names[side], []) if side else [])
        for place, line in enumerate(result.layers)
    ]
    begins = next((place for place, line in enumerate(result.layers) if line.begins), None)
    drawn = found if len(layers) > FEW_LAYERS else []
    return Depth(
        runs=list(_runs(layers)),
        sides=[side.label for side in result.layers[0].names] if result.layers else [],
        directions=[each.name for each in found],
        single=any(line.rounding for line in result.layers),
        plots=[_plot(each, begins, layers) for each in drawn],
        ends=(layers[0].names[0], layers[-1].names[0]) if layers else ("", ""),
        culprit=None if begins is None else layers[begins],
        titles=titles,
        rows=rows,
        parted=sum(not row.verdict.agrees for row in rows),
        many=len(rows) > _MANY_PARAMETERS,
    )


def _layer(line: LayerLine, place: int, found: Sequence[Direction], owned: list[ShownParameter]) -> Layer:
    known = settings(line)
    return Layer(
        line=line,
        names=layer_names(line),
        shape=layer_shape(line),
        bars=[
            (each.name, [_bar("so far", each.so_far[place]), _bar("by itself", each.by_itself[place])])
            for each in found
        ],
        single=in_single(line),
        settings=known,
        excused=parted_yet_same(line, known),
        parameters=owned,
        rounding=rounding(line),
    )


def _bar(kind: str, error: float | None) -> Bar:
    """An error that is not zero is seen, however small."""
    width = None if error is None else 0.0 if error == 0 else max(round(100 * share(error), 1), 1.0)
    return Bar(kind, width, apart(error))


def _name(layer: Layer) -> str:
    return " / ".join(dict.fromkeys(layer.names))


def _runs(layers: Sequence[Layer]) -> Iterator[Run]:
    """The layers in runs: of a long one of layers that are alike the inner ones are folded, never one where something begins."""
    for kind, run in groupby(layers, key=lambda layer: _kind(layer.line)):
        alike = list(run)
        if kind not in _FOLDED or len(alike) <= _FOLDED[kind]:
            yield Run("", alike)
            continue
        first, *inner, last = alike
        yield Run("", [first])
        yield Run(f"{len(inner):,} layers that {kind}", inner)
        yield Run("", [last])


def _kind(line: LayerLine) -> str:
    if line.begins or line.verdict is Verdict.ERROR:
        return ""
    if line.verdict.agrees:
        return "agree"
    carries = line.by_itself is not None and line.by_itself <= BY_ITSELF
    return "differ so far and agree by themselves" if carries else ""


def _plot(direction: Direction, begins: int | None, layers: Sequence[Layer]) -> Plot:
    step = _WIDTH / len(layers)
    return Plot(
        name=direction.name,
        line=_line(direction.so_far, step),
        dots="".join(f"M{_x(place, step)} {_y(size)}h0" for place, size in _known(direction.by_itself)),
        dense=len(layers) > _DENSE,
        begins=None if begins is None else round((begins + 0.5) * step, 1),
        words=_words(direction, layers),
    )


def _line(errors: Sequence[float | None], step: float) -> str:
    """A path through the errors; where one was not measured there is a gap."""
    path, pen = [], "M"
    for place, error in enumerate(errors):
        if error is None:
            pen = "M"
            continue
        path.append(f"{pen}{_x(place, step)} {_y(error)}{'h0' if pen == 'M' else ''}")
        pen = "L"
    return "".join(path)


def _known(errors: Sequence[float | None]) -> list[tuple[int, float]]:
    return [(place, error) for place, error in enumerate(errors) if error is not None]


def _x(place: int, step: float) -> str:
    return f"{(place + 0.5) * step:.1f}"


def _y(error: float) -> str:
    return f"{_HEIGHT * (1 - share(error)):.1f}"


def _words(direction: Direction, layers: Sequence[Layer]) -> str:
    """Where the error is greatest so far, and where a layer by itself is, for who does not see the plot."""
    said = []
    for words, errors in (("so far", direction.so_far), ("by itself", direction.by_itself)):
        if known := _known(errors):
            place, error = max(known, key=lambda pair: pair[1])
            said.append(f"greatest {words} at {_name(layers[place])}: {apart(error)}")
    return f"Error {direction.name} over {len(layers)} layers: {', '.join(said)}."
