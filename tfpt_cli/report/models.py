"""What any report shows of two models: their layers and their parameters, a line each; runs that agree are folded."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from tfpt_cli.results import VALUE, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfpt_cli.results import Comparison, LayerLine, ScenarioResult

# So many lines that agree stand one below the other; of more the first and the last do.
_FOLDED = 4
# The title of the column that a narrow terminal leaves out.
IN_SINGLE = "float32 (own)"


@dataclass(frozen=True)
class ModelRow:
    """A line of a table of two models: its cells as text, its verdict, and whether the models begin to part there.

    `folded` says for how many lines it stands; its first cell says so too, and the others are empty where they differ.
    """

    cells: tuple[str, ...]
    verdict: Verdict
    begins: bool = False
    folded: int = 1


def is_of_models(result: ScenarioResult) -> bool:
    """Whether a result is of two models, whose parameters have a line each."""
    return bool(result.layers or result.pairs)


def in_a_line(comparison: Comparison, result: ScenarioResult) -> bool:
    """Whether a comparison has a line of its own, and no row with its numbers: all of two models but what they give."""
    return is_of_models(result) and comparison.quantity.kind != VALUE


def model_tables(result: ScenarioResult, *, folded: bool = True) -> list[tuple[tuple[str, ...], list[ModelRow]]]:
    """The tables of two models, each with its titles: their layers, and their gradients, statistics and parameters.

    Of a long run of lines that agree, a line says how many there are.
    """
    found = []
    if result.layers:
        layers = [_layer_row(line) for line in result.layers]
        titles = (*(side.label for side in result.layers[0].names), "gives", "by itself", "so far", "gradient")
        if any(line.rounding for line in result.layers):
            titles = (*titles, IN_SINGLE)
            layers = [_with_rounding(row, line) for row, line in zip(layers, result.layers, strict=True)]
        found.append((titles, list(_folded(layers, "layers that agree", folded=folded))))
    rows = [_parameter_row(comparison) for comparison in result.comparisons if in_a_line(comparison, result)]
    if rows:
        titles = ("quantity", *(side.label for side in result.comparisons[0].sides), "apart")
        found.append((titles, list(_folded(rows, "more that agree", folded=folded))))
    return found


def _layer_row(line: LayerLine) -> ModelRow:
    sides = zip(line.names.values(), line.codes.values(), strict=True)
    names = [name or code.partition("(")[0].rpartition(".")[2] for name, code in sides]
    ours, theirs = line.shapes.values()
    shape = _shape(ours) if sorted(ours) == sorted(theirs) else f"{_shape(ours)} {_shape(theirs)}"
    numbers = [_apart(size) for size in (line.by_itself, line.so_far, line.gradient_so_far)]
    return ModelRow((*names, shape, *numbers), line.verdict, line.begins)


def _with_rounding(row: ModelRow, line: LayerLine) -> ModelRow:
    """The row with how far both are apart in single precision, and in brackets each side's own rounding."""
    own = ", ".join(map(_apart, line.rounding.values()))
    return replace(row, cells=(*row.cells, f"{_apart(line.in_float32)} ({own})" if own else "-"))


def _parameter_row(comparison: Comparison) -> ModelRow:
    sides = comparison.sides.values()
    shapes = [
        _shape(side.shape) if side.state is State.PRESENT else _STATES.get(side.state, side.state) for side in sides
    ]
    measure = comparison.measure
    size = None if measure is None else measure.max_abs
    apart = "shapes" if "shape" in comparison.diagnosis else "" if size is None else _apart(size)
    return ModelRow((comparison.quantity, *shapes, apart), comparison.verdict)


_STATES = {State.ABSENT: "none", State.DISCONNECTED: "None"}


def _folded(rows: Sequence[ModelRow], what: str, *, folded: bool) -> Iterator[ModelRow]:
    for agrees, run in groupby(rows, key=lambda row: row.verdict.agrees and not row.begins):
        lines = list(run)
        if not (folded and agrees and len(lines) > _FOLDED):
            yield from lines
            continue
        first, *inner, last = lines
        yield first
        empty = ("",) * (len(first.cells) - 1)
        yield ModelRow((f"... {len(inner)} {what}", *empty), Verdict.CLOSE, folded=len(inner))
        yield last


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def _apart(size: float | None) -> str:
    if size is None:
        return "-"
    if math.isinf(size):
        return "shapes"
    return "0" if size == 0 else f"{size:.1g}" if size < 1e-2 else f"{size:.2g}"
