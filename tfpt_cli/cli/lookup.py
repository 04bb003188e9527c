"""`tfpt list`, `tfpt show` and `tfpt explain`: what the dictionary knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.report.catalogue import KINDS, hint, matching, rows_of, table_of, whole, whole_difference
from tfpt_cli.report.console import plain_console

if TYPE_CHECKING:
    from collections.abc import Collection

    from tfpt_cli.dictionary.differences import Difference


def run_list(kind: str, word: str | None) -> int:
    """`tfpt list`: the rows of a kind, those that hold a word if one is given."""
    rows = matching(kind, word)
    if not rows:
        raise click.UsageError(f"no {kind} hold '{word}'{hint(str(word), (kind,))}")
    console = plain_console(None)
    console.print(table_of(kind, rows, console.width))
    return 0


def run_show(name: str) -> int:
    """`tfpt show`: everything that is known of a row, under its own name or a framework's."""
    pages = whole(name)
    if not pages:
        meant = {dictionary().other_names(kind).get(name.rsplit(".", 1)[-1]) for kind in KINDS[:3]} - {None}
        pages = [page for other in sorted(filter(None, meant)) for page in whole(other)]
    if not pages:
        raise click.UsageError(f"nothing is called '{name}'{hint(name, KINDS)}")
    console = plain_console(None)
    for page in pages:
        console.print(page)
    return 0


def run_explain(names: tuple[str, ...], *, run: bool = False, fix_preview: bool = False) -> int:
    """`tfpt explain`: known differences by id, or those that hold a word; without any, those that are met most.

    With `run` the scenarios that show them are checked, with `fix_preview` their recipes are tried too.
    """
    if not names:
        if run or fix_preview:
            raise click.UsageError("--run needs the id of a known difference, such as: tfpt explain op-std-ddof --run")
        from tfpt_cli.report.met_most import most_met

        console = plain_console(None)
        console.print(most_met(console.width))
        return 0
    rows = {row.name: row for name in names for row in _differences_of(name)}
    console = plain_console(None)
    for row in rows.values():
        console.print(whole_difference(row))
    return _run(rows.values(), fix_preview=fix_preview) if run or fix_preview else 0


def _differences_of(name: str) -> list[Difference]:
    found = matching("differences", name)
    if not found:
        hint = did_you_mean(name, rows_of("differences")) or " (tfpt list differences has them all)"
        raise click.UsageError(f"no known difference is called '{name}', nor holds that word{hint}")
    return found


def _run(rows: Collection[Difference], *, fix_preview: bool) -> int:
    """Checks the shipped scenarios that show known differences, and gives the exit code of `check`."""
    from tfpt_cli.cli.check import Settings, run_check
    from tfpt_cli.engine.options import Options
    from tfpt_cli.scenario.files import shipped_file

    files = dict.fromkeys(shipped_file(row.scenario) for row in rows)
    options = Options(paths=tuple(files), tags=tuple(row.name for row in rows))
    return run_check(options, Settings(fix_preview=fix_preview))
