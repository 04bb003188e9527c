"""What any report shows of two models: their layers and their parameters, a line each; runs that agree are folded."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from tfpt_cli.results import VALUE, Diagnosis, State, Verdict

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


def model_tables(result: ScenarioResult) -> list[tuple[tuple[str, ...], list[ModelRow]]]:
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
        found.append((titles, list(_folded(layers, "layers that agree"))))
    titles, rows = parameter_table(result)
    if rows:
        found.append((titles, list(_folded(rows, "more that agree"))))
    return found


def parameter_table(result: ScenarioResult) -> tuple[tuple[str, ...], list[ModelRow]]:
    """The titles and all lines of the table of two models' gradients, statistics and parameters; no line where there are none."""
    rows = [_parameter_row(comparison) for comparison in result.comparisons if in_a_line(comparison, result)]
    sides = result.comparisons[0].sides if rows else ()
    return ("quantity", *(side.label for side in sides), "apart"), rows


def layer_names(line: LayerLine) -> list[str]:
    """The paths of a layer on both sides; the name of its class where a side has no path for it, as the model itself."""
    sides = zip(line.names.values(), line.codes.values(), strict=True)
    return [name or code.partition("(")[0].rpartition(".")[2] for name, code in sides]


def layer_shape(line: LayerLine) -> str:
    """The shape of what a layer gives, once where both sides have the same axes in whatever order."""
    ours, theirs = line.shapes.values()
    return _shape(ours) if sorted(ours) == sorted(theirs) else f"{_shape(ours)} {_shape(theirs)}"


def _layer_row(line: LayerLine) -> ModelRow:
    numbers = [apart(size) for size in (line.by_itself, line.so_far, line.gradient_so_far)]
    return ModelRow((*layer_names(line), layer_shape(line), *numbers), line.verdict, line.begins)


def _with_rounding(row: ModelRow, line: LayerLine) -> ModelRow:
    """The row with how far both are apart in single precision, and in brackets each side's own rounding."""
    both, own = in_single(line)
    return replace(row, cells=(*row.cells, f"{both} ({own})" if own else "-"))


def in_single(line: LayerLine) -> tuple[str, str]:
    """How far a layer's sides are apart in single precision, and each side's own rounding there; empty where not measured."""
    return apart(line.in_float32), ", ".join(map(apart, line.rounding.values()))


def _parameter_row(comparison: Comparison) -> ModelRow:
    sides = comparison.sides.values()
    shapes = [
        _shape(side.shape) if side.state is State.PRESENT else _STATES.get(side.state, side.state) for side in sides
    ]
    return ModelRow((comparison.quantity, *shapes, size_of(comparison)), comparison.verdict)


def size_of(comparison: Comparison) -> str:
    """How far apart both sides of a comparison are at most; `shapes` where those differ, empty where it is not known."""
    size = None if comparison.measure is None else comparison.measure.max_abs
    return "shapes" if Diagnosis.SHAPE in comparison.diagnosis else "" if size is None else apart(size)


_STATES = {State.ABSENT: "none", State.DISCONNECTED: "None"}


def _folded(rows: Sequence[ModelRow], what: str) -> Iterator[ModelRow]:
    for agrees, run in groupby(rows, key=lambda row: row.verdict.agrees and not row.begins):
        lines = list(run)
        if not (agrees and len(lines) > _FOLDED):
            yield from lines
            continue
        first, *inner, last = lines
        yield first
        empty = ("",) * (len(first.cells) - 1)
        yield ModelRow((f"... {len(inner)} {what}", *empty), Verdict.CLOSE, folded=len(inner))
        yield last


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def apart(size: float | None) -> str:
    """An error in one or two digits, `-` where it was not measured and `shapes` where the sides have not the same.

    >>> apart(1.234e-7), apart(0.123), apart(0.0), apart(None)
    ('1e-07', '0.12', '0', '-')
    """
    if size is None:
        return "-"
    if math.isinf(size):
        return "shapes"
    return "0" if size == 0 else f"{size:.1g}" if size < 1e-2 else f"{size:.2g}"
