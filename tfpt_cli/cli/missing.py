"""`tfpt list --missing`: which functions of the frameworks have a row, which a reason to have none, and which neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tfpt_cli.results import printable
from tfpt_cli.selfcheck.coverage import Namespace, coverage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from tfpt_cli.frameworks import Sides


def run_missing(sides: Sides) -> int:
    """`tfpt list --missing`: the counts, what has neither a row nor a reason, and the reasons; 1 where anything has neither."""
    from tfpt_cli.report.console import plain_console

    found = coverage(sides)
    console = plain_console(None)
    for part in missing_pages(found.namespaces, found.versions):
        console.print(part)
    if any(namespace.failure for namespace in found.namespaces):
        return 3
    return 1 if any(namespace.missing or namespace.both for namespace in found.namespaces) else 0


def missing_pages(namespaces: Sequence[Namespace], versions: Mapping[str, str]) -> list[RenderableType]:
    """What is printed: the counts of the namespaces, the functions without a row or a reason, then the others by their reason."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for header in ("functions", "with a row", "with a reason", "neither"):
        table.add_column(header, justify="right")
    for namespace in namespaces:
        if namespace.failure is None:
            counts = (namespace.count, len(namespace.rows), len(namespace.lines), len(namespace.missing))
            table.add_row(namespace.name, *map(str, counts))
    pages: list[RenderableType] = [table]
    for namespace in namespaces:
        if namespace.failure is not None:
            words = f"{namespace.name}: {namespace.failure.message}"
            pages.append(Text(f"\n{printable(words)}", "bold red"))
    for words, named in (
        ("neither a row nor a reason", {namespace.name: namespace.missing for namespace in namespaces}),
        ("a row, and a reason to have none", {namespace.name: namespace.both for namespace in namespaces}),
    ):
        if any(named.values()):
            pages += [Text(f"\n{words}", "bold red"), *_named(named)]
    for reason in dict.fromkeys(reason for namespace in namespaces for reason in namespace.lines.values()):
        of_reason = {
            namespace.name: tuple(name for name, why in namespace.lines.items() if why == reason)
            for namespace in namespaces
        }
        pages += [Text(f"\n{reason}", "bold"), *_named(of_reason)]
    of = ", ".join(
        f"{label} {versions[key]}"
        for side in dict.fromkeys(namespace.side for namespace in namespaces)
        for key, label in side.framework.versions.items()
        if key in versions
    )
    return [*pages, Text(f"\nthe functions of {of}" if of else "", "dim")]


def _named(names: Mapping[str, Sequence[str]]) -> list[RenderableType]:
    return [
        Padding(Text.assemble((f"{namespace}: ", "dim"), ", ".join(of)), (0, 0, 0, 2))
        for namespace, of in names.items()
        if of
    ]
