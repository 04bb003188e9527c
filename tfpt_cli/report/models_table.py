"""Two models on a terminal: sparklines of the error along the depth, and tables with a line each for layers and parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tfpt_cli.report.console import VERDICT_STYLES
from tfpt_cli.report.depth import spark_lines
from tfpt_cli.report.models import IN_SINGLE
from tfpt_cli.results import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfpt_cli.report.models import ModelRow
    from tfpt_cli.results import LayerLine


def depth_lines(layers: Sequence[LayerLine], width: int, *, ascii_only: bool) -> Iterator[Text]:
    """The error along the depth of two models as sparklines, and below them a mark where the models begin to part."""
    for title, drawn, said in spark_lines(layers, width - 2, ascii_only=ascii_only):
        yield Text.assemble((f"  {title} ", "dim"), (drawn, "" if title.strip() else "bold red"), (f" {said}", "dim"))


def table_of_lines(rows: Sequence[ModelRow], head: Sequence[str], width: int, *, ascii_only: bool) -> Table:
    """A table of two models, a line each; where they begin to part is marked. Names fold where they are too long."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
    table.add_column("", width=1)
    names = 2 if len(head) > 4 else 1
    sizes = [max(len(title), *(len(row.cells[place]) for row in rows)) + 1 for place, title in enumerate(head)]
    if head[-1] == IN_SINGLE and sum(sizes) + 13 > width:
        head, sizes = head[:-1], sizes[:-1]
    room = width - 13 - sum(sizes[names:])
    for place, title in enumerate(head):
        longest = max(room // names - 1, len(title)) if place < names and sum(sizes) + 13 > width else None
        table.add_column(title, overflow="fold", no_wrap=place >= names, max_width=longest)
    table.add_column("", no_wrap=True)
    for row in rows:
        style = "dim" if row.folded > 1 else "bold" if row.begins else ""
        verdict = "" if row.folded > 1 else str(row.verdict)
        mark = (">" if ascii_only else "▶") if row.begins else ""
        texts = [Text(printable(cell), style) for cell in row.cells[: len(head)]]
        table.add_row(Text(mark, "bold red"), *texts, Text(verdict, VERDICT_STYLES[row.verdict]))
    return table
