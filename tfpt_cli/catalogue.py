"""What the dictionary holds, as tables: `tfpt list` and the outcome of `tfpt selfcheck`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tfpt_cli.dictionary.rows import Operation, dictionary
from tfpt_cli.results import FRAMEWORKS, LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.selfcheck import Examination

SHORT = {
    "float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16", "complex64": "c64", "complex128": "c128",
}  # fmt: skip
# So few rows are shown with all that is known of them.
FEW = 4


def matching(word: str | None) -> list[Operation]:
    """The operations whose name, file, domain, spelling or notes hold a word, best first; all without one."""
    rows = list(dictionary().operations.values())
    if not word:
        return rows
    exact = [row for row in rows if row.name == word]
    return exact or [row for row in rows if word.lower() in _text(row).lower()]


def _text(row: Operation) -> str:
    spelled = [ast.unparse(tree) for tree in row.spelling.values()]
    return " ".join([row.name, row.kind, row.operator or "", row.domain, row.about, *spelled])


def operations_table(rows: list[Operation], measured: dict[str, Any], width: int) -> RenderableType:
    """A line for each operation: where it is differentiable, how far both sides are from the reference, where they part.

    `measured` is what `tfpt_cli.selfcheck.measured` gives. A few operations are shown whole.
    """
    numbers = measured.get("operations", {})
    versions = measured.get("environment", {})
    if len(rows) <= FEW:
        return Group(
            *(part for row in rows for part in _whole(row, numbers.get(row.name, {}))), _measured_with(versions)
        )
    wide = width >= 120
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("operation", overflow="fold", ratio=3)
    table.add_column("differentiable", overflow="fold", ratio=3)
    table.add_column("value off\nby ULP", no_wrap=True)
    table.add_column("gradient\noff by ULP", no_wrap=True)
    if wide:
        table.add_column("dtypes", overflow="fold", ratio=2)
    table.add_column("parts at", overflow="fold", ratio=3)
    kind = ""
    for row in rows:
        if row.kind != kind:
            kind = row.kind
            table.add_row(Text(kind, "bold"))
        found = numbers.get(row.name, {}).get("float32", {})
        cells = [row.name, row.domain, _pair(found.get("value")), _pair(found.get("gradient"))]
        dtypes = [" ".join(SHORT[dtype] for dtype in row.dtypes)] if wide else []
        table.add_row(*cells, *dtypes, _places(row))
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


def _measured_with(versions: dict[str, str]) -> Text:
    if not versions:
        return Text("nothing is measured yet: run tfpt selfcheck", "dim")
    words = ", ".join(
        f"{label} {versions[key]}" for key, label in (*LABELS.items(), ("keras", "Keras")) if key in versions
    )
    return Text(f"measured with {words}", "dim")


def _whole(row: Operation, numbers: dict[str, Any]) -> Iterator[RenderableType]:
    yield Text.assemble((row.signature.show(row.name), "bold"), (f"  {row.kind}", "dim"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for side, label in (*((f, LABELS[f]) for f in FRAMEWORKS), ("numpy", "reference"), ("mpmath", "50 digits")):
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
    for part in row.parts:
        where = f"{', '.join(part.quantities)} at {', '.join(part.cases)}" if part.cases else ", ".join(part.quantities)
        dtypes = f" in {', '.join(part.dtypes)}" if part.dtypes else ""
        words = {"differ": "parts", "error": "a side refuses", "wrong": "both wrong"}[part.verdict]
        table.add_row(words, f"{where}{dtypes}: {part.because}")
    yield Padding(table, (0, 0, 1, 1))


def examination_lines(examination: Examination) -> Iterator[Text]:
    """What a self-check came to: everything that is not as declared, then the counts."""
    for difference in examination.undeclared:
        yield Text.assemble(("undeclared: ", "bold red"), str(difference))
    for words in examination.stale:
        yield Text.assemble(("no longer so: ", "bold yellow"), words)
    report = examination.report
    scenarios = len(report.scenarios) if report else 0
    seconds = f" in {report.seconds:.0f} s" if report else ""
    yield Text(
        f"{scenarios:,} scenarios of {len(examination.measured)} operations{seconds}: "
        f"{len(examination.undeclared)} undeclared differences, {len(examination.declared):,} as declared, "
        f"{len(examination.stale)} declared that were not found",
        "bold green" if examination.good else "bold red",
    )
