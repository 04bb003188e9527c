"""What the dictionary holds, as tables: `tfpt list`, `tfpt show` and `tfpt explain`."""

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
from tfpt_cli.dictionary.related import differences_of
from tfpt_cli.dictionary.rows import CELL, COPY, dictionary
from tfpt_cli.frameworks import FRAMEWORKS, OURSELVES
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.language.trees import branches, called_name, choices

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
    for column, most in zip(columns, longest, strict=True):
        if column.words:
            table.add_column(column.header, overflow="fold", min_width=column.words)
        else:  # of a known width, so that its cells are not measured one by one
            table.add_column(column.header, overflow="fold", no_wrap=True, width=most)
    for row, group in _grouped(rows):
        if group:
            table.add_row(Text(group, "bold"))
        name = _broken(row.cells[0]) if columns[0].words and width < _WIDE else row.cells[0]
        table.add_row(name, *row.cells[1:-1], Text(row.cells[-1], row.style))
    return table


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
            found += _whole(row, known.get("operations", {}).get(name, {}))
            found.append(_measured_with(known.get("environment", {})))
        elif isinstance(row, Layer):
            (found if row.parameters else behind).append(_whole_layer(row))
        elif isinstance(row, Initializer):
            found.append(_whole_initializer(row))
        elif isinstance(row, Difference):
            found.append(whole_difference(row))
    return found + behind


def _facts() -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _headed(head: str, kind: str, table: Table) -> RenderableType:
    return Group(Text.assemble((head, "bold"), (f"  {kind}", "dim")), Padding(table, (0, 0, 1, 1)))


def _whole_layer(row: Layer) -> RenderableType:
    table = _facts()
    for framework in FRAMEWORKS.values():
        for index, (condition, code) in enumerate(choices(row.spelling[framework.key])):
            words = f"{condition}: " if condition else ""
            table.add_row("" if index else framework.label, f"{words}{ast.unparse(code)}")
    for name, formula in row.where.items():
        table.add_row("where", f"{name} is {ast.unparse(formula)}")
    for words in row.requires:
        table.add_row("requires", words)
    for unlike in row.unlike:
        table.add_row("two functions", unlike.text)
    for parameter in row.parameters.values():
        held = [f"{FRAMEWORKS[f].label} {attribute_words(parameter.attribute[f])}" for f in FRAMEWORKS]
        defaults = [
            f"{FRAMEWORKS[f].label} {ast.unparse(parameter.default[f])}" for f in FRAMEWORKS if f in parameter.default
        ]
        table.add_row(parameter.name, f"{', '.join(held)}; layout {parameter.layout}")
        if parameter.blocks:
            orders = [f"{FRAMEWORKS[f].label} {' '.join(order)}" for f, order in parameter.blocks.items()]
            table.add_row("", f"gates: {', '.join(orders)}")
        table.add_row("", f"default: {', '.join(defaults)}")
    if row.notes:
        table.add_row("note", row.notes)
    _add_differences(table, row)
    table.add_row("shown by", f"tfpt check scenarios/{row.scenario}")
    return _headed(row.signature.show(row.name), "layer", table)


def attribute_words(tree: ast.expr) -> str:
    """Where a framework keeps a parameter, as a person reads it."""
    text = ast.unparse(tree)
    return "has none" if text in ("none", "None") else text.replace(COPY, "{copy}").replace(CELL, "{cell}")


def _whole_initializer(row: Initializer) -> RenderableType:
    table = _facts()
    for framework in FRAMEWORKS:
        spelled = row.spelling.get(framework)
        table.add_row(
            FRAMEWORKS[framework].label, ast.unparse(spelled) if spelled is not None else "no call of its own"
        )
    for label, tree in (("means", row.means), ("draws", row.distribution)):
        if tree is not None:
            table.add_row(label, ast.unparse(tree))
    if row.structure:
        table.add_row("structure", row.structure)
    for words in row.requires:
        table.add_row("requires", words)
    if row.alone:
        table.add_row("alone", " ".join(row.alone.split()))
    _add_differences(table, row)
    table.add_row("shown by", f"tfpt check scenarios/{row.scenario}")
    return _headed(row.signature.show(row.name), "initializer", table)


def _add_differences(table: Table, row: Operation | Layer | Initializer) -> None:
    for known in differences_of(row):
        table.add_row("difference", f"{known.name}: {known.what}")


def whole_difference(row: Difference) -> RenderableType:
    """A known difference with its reason, what to write, its source, the recipes that can be tried, and what shows it."""
    table = _facts()
    table.add_row("what", row.what)
    if row.why:
        table.add_row("why", row.why)
    for framework in FRAMEWORKS:
        if framework in row.write:
            table.add_row(f"write in {FRAMEWORKS[framework].label}", row.write[framework])
    if words := str(row.conditions):
        table.add_row("so", words)
    table.add_row("source", row.source or "measured by tfpt")
    table.add_row("shown by", row.proof)
    if row.fixes:
        table.add_row("try it", f"{row.proof} --fix-preview")
    table.add_row("start from it", f"tfpt new --from {row.name} FILE")
    kind = "believed to differ, and equal" if row.equal else "known difference"
    return _headed(row.name, f"{kind} ({row.area})", table)


def operations_table(rows: list[Operation], found: dict[str, Any], width: int) -> RenderableType:
    """A line for each operation: where it is differentiable, how far both sides are from the reference, where they part.

    `found` is what `tfpt_cli.dictionary.measured.measured` gives. A few operations are shown whole.
    """
    numbers = found.get("operations", {})
    versions = found.get("environment", {})
    if len(rows) <= FEW:
        return Group(
            *(part for row in rows for part in _whole(row, numbers.get(row.name, {}))), _measured_with(versions)
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
        cells = [row.name, row.domain, _pair(known.get("value")), _pair(known.get("gradient"))]
        dtypes = [" ".join(SHORT[dtype] for dtype in row.dtypes)] if wide else []
        listed.append(_Listed((*cells, *dtypes, _places(row)), row.kind))
    table = _list(columns, listed, width)
    counts = f"{len(rows)} operations, {sum(bool(row.parts) for row in rows)} of them with declared differences; "
    legend = "distances in float32 are PyTorch's and TensorFlow's, the greatest at ordinary points"
    return Group(table, "", Text(counts + legend, "dim"), _measured_with(versions))


def _pair(found: dict[str, float] | None) -> str:
    """`0.5 1.2`: PyTorch's and TensorFlow's distance."""
    return " ".join(_short(found[f]) if f in found else "-" for f in FRAMEWORKS) if found else ""


def _short(number: float) -> str:
    return f"{number:.1f}" if number < 100 else f"{number:.1e}".replace("e+0", "e")


def _places(row: Operation) -> str:
    places = list(dict.fromkeys(place for part in row.parts for place in part.cases))
    return ", ".join(places[:4]) + (f", {len(places) - 4} more" if len(places) > 4 else "")


# What is named of all that was there when the dictionary was measured.
_MEASURED = (
    *((framework.key, framework.label) for framework in FRAMEWORKS.values()),
    (OURSELVES.key, OURSELVES.label),
    ("keras", "Keras"),
)


def _measured_with(versions: dict[str, str]) -> Text:
    if not versions:
        return Text("nothing is measured yet: run tfpt selfcheck", "dim")
    words = ", ".join(f"{label} {versions[key]}" for key, label in _MEASURED if key in versions)
    return Text(f"measured with {words}", "dim")


def _whole(row: Operation, numbers: dict[str, Any]) -> Iterator[RenderableType]:
    yield Text.assemble((row.signature.show(row.name), "bold"), (f"  {row.kind}", "dim"))
    table = _facts()
    for side, label in (
        *((f, FRAMEWORKS[f].label) for f in FRAMEWORKS),
        ("numpy", "reference"),
        ("mpmath", "50 digits"),
    ):
        if side in row.spelling:
            table.add_row(label, ast.unparse(row.spelling[side]))
    table.add_row("differentiable", row.domain if row.differentiable else "nowhere: the result has no derivative")
    if row.about:
        table.add_row("note", row.about)
    for dtype in row.dtypes:
        found = numbers.get(dtype, {})
        pairs = [
            f"{what} {_pair(found[kind])}"
            for kind, what in (("value", "value"), ("gradient", "gradient"))
            if found.get(kind)
        ]
        table.add_row(dtype, f"{', '.join(pairs)} ULP off (PyTorch, TensorFlow)" if pairs else "")
    for part in (*row.parts, *row.edges):
        where = f"{', '.join(part.quantities)} at {', '.join(part.cases)}" if part.cases else ", ".join(part.quantities)
        dtypes = f" in {', '.join(part.dtypes)}" if part.dtypes else ""
        words = {"differ": "parts", "error": "a side refuses", "wrong": "both wrong"}[part.verdict]
        table.add_row(words, f"{where}{dtypes}: {part.because}")
    _add_differences(table, row)
    table.add_row("shown by", f"tfpt selfcheck {row.name}")
    yield Padding(table, (0, 0, 1, 1))
