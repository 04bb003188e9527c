"""What the dictionary holds, as lists for `tfpt list`, and everything of one name for `tfpt show`."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tfpt_cli.dictionary.differences import Difference, differences
from tfpt_cli.dictionary.measured import measured
from tfpt_cli.dictionary.records import Initializer, Layer, Operation
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.language.trees import branches, called_name
from tfpt_cli.report.row_details import (
    difference_details,
    distances,
    initializer_details,
    layer_row_details,
    measured_with,
    operation_details,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


SHORT = {
    "float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16", "complex64": "c64", "complex128": "c128",
}  # fmt: skip
# So few rows are shown with all that is known of them.
FEW = 4
_GAP = 2
_NARROW = 16
_WIDE = 120

KINDS = ("layers", "initializers", "operations", "differences")


def rows_of(kind: str) -> Mapping[str, Any]:
    """The rows of a kind by name."""
    return differences() if kind == "differences" else getattr(dictionary(), kind)


def matching(kind: str, word: str | None) -> list[Any]:
    """The rows of a kind that hold a word, or all of several; every row without a word, and of a name the row with it alone."""
    rows = rows_of(kind)
    if not word:
        return list(rows.values())
    if word in rows:
        return [rows[word]]
    words = word.lower().split()
    return [row for row in rows.values() if all(part in text for text in [_text(row).lower()] for part in words)]


def hint(word: str, kinds: tuple[str, ...]) -> str:
    """What may have been meant by a word that is no name of these kinds, as the end of a message; empty where nothing is near."""
    names = {
        other: name for kind in kinds if kind != "differences" for other, name in dictionary().other_names(kind).items()
    }
    names |= {name: name for kind in kinds for name in rows_of(kind)}
    return did_you_mean(word, names, meant=names)


def _text(row: Any) -> str:
    """Everything of a row that a person may look for."""
    if isinstance(row, Difference):
        return " ".join([row.name, row.area, row.what, row.why, *row.write.values()])
    spelled = [ast.unparse(tree) for tree in row.spelling.values()]
    more = {
        Operation: lambda: [row.kind, row.operator or "", row.domain, row.about],
        Layer: lambda: [row.notes, *row.parameters],
        Initializer: lambda: [row.alone, ast.unparse(row.means) if row.means else ""],
    }[type(row)]()
    return " ".join([row.name, *spelled, *more])


def table_of(kind: str, rows: list[Any], width: int) -> RenderableType:
    """The rows of a kind as a table for a console of this width."""
    if kind == "operations":
        return operations_table(rows, measured(), width)
    if kind == "layers":
        return _layers_table(rows, width)
    return _initializers_table(rows, width) if kind == "initializers" else _differences_table(rows, width)


@dataclass(frozen=True)
class _Column:
    """A column of a list: one of names stays on a line, one of words may wrap, but is no narrower than `words`."""

    header: str
    words: int = 0


@dataclass(frozen=True)
class _Listed:
    """One row of a list, below the heading of its group where there is one."""

    cells: tuple[str, ...]
    group: str = ""
    style: str = ""


def _list(columns: Sequence[_Column], rows: Sequence[_Listed], width: int) -> RenderableType:
    """The rows as a table; below each other where the console is too narrow for their names side by side."""
    longest = [
        max(map(len, [*column.header.split("\n"), *(row.cells[index] for row in rows)]))
        for index, column in enumerate(columns)
    ]
    if (
        sum(min(most, column.words or most) + _GAP for column, most in zip(columns, longest, strict=True)) - _GAP
        > width
    ):
        return Group(*(part for row, group in _grouped(rows) for part in _stacked(columns, row, group)))
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    # Of known widths, so that rich does not measure thousands of cells one by one.
    for column, room in zip(columns, _widths(columns, longest, width), strict=True):
        table.add_column(column.header, overflow="fold", no_wrap=not column.words, width=room)
    for row, group in _grouped(rows):
        if group:
            table.add_row(Text(group, "bold"))
        name = _broken(row.cells[0]) if columns[0].words and width < _WIDE else row.cells[0]
        table.add_row(name, *row.cells[1:-1], Text(row.cells[-1], row.style))
    return table


def _widths(columns: Sequence[_Column], longest: Sequence[int], width: int) -> list[int]:
    """The widths of columns whose cells are so long at most: where there is no room, the widest of words wrap first."""
    widths = list(longest)
    while sum(widths) + _GAP * (len(widths) - 1) > width:
        wrapped = [place for place, column in enumerate(columns) if 0 < column.words < widths[place]]
        if not wrapped:
            break
        widths[max(wrapped, key=lambda place: widths[place])] -= 1
    return widths


def _broken(name: str) -> str:
    """A long name on several lines, broken behind its words and not within them."""
    return "\n".join(re.findall(rf".{{1,{_NARROW - 1}}}(?:_|$)|.{{1,{_NARROW}}}", name))


def _grouped(rows: Sequence[_Listed]) -> Iterator[tuple[_Listed, str]]:
    """Each row, with the heading of its group where that begins."""
    before = ""
    for row in rows:
        yield row, row.group if row.group != before else ""
        before = row.group


def _stacked(columns: Sequence[_Column], row: _Listed, group: str) -> Iterator[RenderableType]:
    if group:
        yield Text(group, "bold underline")
    yield Text(row.cells[0], "bold")
    for index, (column, cell) in enumerate(zip(columns, row.cells, strict=True)):
        if index and cell:
            last = index == len(columns) - 1
            label = f"{' '.join(column.header.split())}: " if len(columns) > 2 else ""
            yield Padding(Text.assemble((label, "dim"), (cell, row.style if last else "")), (0, 0, 0, 2))


def _layers_table(rows: list[Layer], width: int) -> RenderableType:
    columns = [_Column("layer"), _Column("nn"), _Column("keras.layers"), _Column("parameters", words=_NARROW)]
    listed = []
    for row in rows:
        called = [called_name(branches(row.spelling[f])[0]) or "several layers" for f in FRAMEWORKS]
        names = [name.removeprefix("nn.").removeprefix("keras.layers.") for name in called]
        listed.append(_Listed((row.name, *names, ", ".join(row.parameters))))
    legend = f"{_count(len(rows), 'layer')}; tfpt show NAME has layouts and defaults"
    return Group(_list(columns, listed, width), "", Text(legend, "dim"))


def _initializers_table(rows: list[Initializer], width: int) -> RenderableType:
    wide = width >= _WIDE
    columns = [
        _Column("initializer", words=_NARROW if wide else 0),
        _Column("nn.init"),
        _Column("keras.initializers"),
        _Column("draws", words=_NARROW),
    ]
    listed = []
    for row in rows:
        called = [called_name(branches(row.spelling[f])[0]) if f in row.spelling else "-" for f in FRAMEWORKS]
        names = [name.removeprefix("nn.init.").removeprefix("keras.initializers.") for name in called]
        law = row.means or row.distribution
        drawn = ast.unparse(law) if law is not None else row.structure
        listed.append(_Listed((row.signature.show(row.name) if wide else row.name, *names, drawn)))
    legend = f"{_count(len(rows), 'initializer')}; where a framework has none (-), tfpt writes out what it means"
    legend += "" if wide else "; tfpt show NAME has arguments"
    return Group(_list(columns, listed, width), "", Text(legend, "dim"))


def _differences_table(rows: list[Difference], width: int) -> RenderableType:
    listed = [
        _Listed((row.name, f"equal: {row.what}" if row.equal else row.what), row.area, "green" if row.equal else "")
        for row in rows
    ]
    table = _list([_Column("difference"), _Column("what", words=2 * _NARROW)], listed, width)
    equal = sum(row.equal for row in rows)
    counts = f"{_count(len(rows) - equal, 'known difference')}, {equal} believed to differ that are equal"
    return Group(table, "", Text(f"{counts}; tfpt explain ID has the rest", "dim"))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def whole(name: str) -> list[RenderableType]:
    """Everything that is known of the rows with this name, whatever their kind; nothing where there is none.

    A layer that only computes an operation stands behind it.
    """
    found: list[RenderableType] = []
    behind: list[RenderableType] = []
    for kind in KINDS:
        row = rows_of(kind).get(name)
        if isinstance(row, Operation):
            known = measured()
            found += operation_details(row, known.get("operations", {}).get(name, {}))
            found.append(measured_with(known.get("environment", {})))
        elif isinstance(row, Layer):
            (found if row.parameters else behind).append(layer_row_details(row))
        elif isinstance(row, Initializer):
            found.append(initializer_details(row))
        elif isinstance(row, Difference):
            found.append(difference_details(row))
    return found + behind


def operations_table(rows: list[Operation], found: dict[str, Any], width: int) -> RenderableType:
    """A line for each operation: where it is differentiable, how far both sides are from the reference, where they part.

    `found` is what `tfpt_cli.dictionary.measured.measured` gives. A few operations are shown whole.
    """
    numbers = found.get("operations", {})
    versions = found.get("environment", {})
    if len(rows) <= FEW:
        return Group(
            *(part for row in rows for part in operation_details(row, numbers.get(row.name, {}))),
            measured_with(versions),
        )
    wide = width >= _WIDE
    columns = [
        _Column("operation", words=_NARROW),
        _Column("differentiable", words=_NARROW),
        _Column("value off\nby ULP"),
        _Column("gradient\noff by ULP"),
        *([_Column("dtypes", words=_NARROW)] if wide else []),
        _Column("parts at", words=_NARROW),
    ]
    listed = []
    for row in rows:
        known = numbers.get(row.name, {}).get("float32", {})
        cells = [row.name, row.domain, distances(known.get("value")), distances(known.get("gradient"))]
        dtypes = [" ".join(SHORT[dtype] for dtype in row.dtypes)] if wide else []
        listed.append(_Listed((*cells, *dtypes, _places(row)), row.kind))
    table = _list(columns, listed, width)
    counts = f"{len(rows)} operations, {sum(bool(row.parts) for row in rows)} of them with declared differences; "
    legend = "distances in float32 are PyTorch's and TensorFlow's, the greatest at ordinary points"
    return Group(table, "", Text(counts + legend, "dim"), measured_with(versions))


def _places(row: Operation) -> str:
    places = list(dict.fromkeys(place for part in row.parts for place in part.cases))
    return ", ".join(places[:4]) + (f", {len(places) - 4} more" if len(places) > 4 else "")
