"""All that is known of one row of the dictionary, for `tfpt show` and `tfpt explain`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tfpt_cli.dictionary.related import differences_of
from tfpt_cli.dictionary.rows import CELL, COPY
from tfpt_cli.frameworks import FRAMEWORKS, OURSELVES
from tfpt_cli.language.trees import choices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tfpt_cli.dictionary.differences import Difference
    from tfpt_cli.dictionary.records import Initializer, Layer, Operation


def _facts() -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _headed(head: str, kind: str, table: Table) -> RenderableType:
    return Group(Text.assemble((head, "bold"), (f"  {kind}", "dim")), Padding(table, (0, 0, 1, 1)))


def layer_row_details(row: Layer) -> RenderableType:
    """A layer: its spellings, what it requires, and each parameter with its layout and defaults on both sides."""
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


def initializer_details(row: Initializer) -> RenderableType:
    """An initializer: its spellings, what it comes to and draws, and what it requires."""
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


def difference_details(row: Difference) -> RenderableType:
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


def distances(found: Mapping[str, float] | None) -> str:
    """`0.5 1.2`: PyTorch's and TensorFlow's distance."""
    return " ".join(_short(found[f]) if f in found else "-" for f in FRAMEWORKS) if found else ""


def _short(number: float) -> str:
    return f"{number:.1f}" if number < 100 else f"{number:.1e}".replace("e+0", "e")


# What is named of all that was there when the dictionary was measured.
_MEASURED = (
    *((framework.key, framework.label) for framework in FRAMEWORKS.values()),
    (OURSELVES.key, OURSELVES.label),
    ("keras", "Keras"),
)


def measured_with(versions: Mapping[str, str]) -> Text:
    """The versions with which the dictionary was measured, in a line."""
    if not versions:
        return Text("nothing is measured yet: run tfpt selfcheck", "dim")
    words = ", ".join(f"{label} {versions[key]}" for key, label in _MEASURED if key in versions)
    return Text(f"measured with {words}", "dim")


def operation_details(row: Operation, numbers: Mapping[str, Any]) -> Iterator[RenderableType]:
    """An operation: its spellings, how far both sides are off by dtype (`numbers`, as measured), and where they part."""
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
            f"{what} {distances(found[kind])}"
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
