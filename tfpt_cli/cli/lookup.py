"""`tfpt list`, `tfpt show` and `tfpt explain`: what the dictionary knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tfpt_cli.dictionary.typed import refusal
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.report.catalogue import KINDS, hint, matching, rows_of, table_of, whole
from tfpt_cli.report.console import plain_console
from tfpt_cli.report.native_names import native_page, rows_meant
from tfpt_cli.report.row_details import difference_details

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
        pages = [*(page for row in rows_meant(name) for page in whole(row)), *native_page(name)]
    if not pages:
        raise click.UsageError(_nothing_called(name))
    console = plain_console(None)
    for page in pages:
        console.print(page)
    return 0


def _nothing_called(name: str) -> str:
    """Why there is nothing to show of a name, and where else it stands."""
    if why := refusal(name):
        return f"no row has '{name}': {why}"
    words = f"nothing is called '{name}'{(near := hint(name, KINDS))}"
    last = name.rsplit(".", 1)[-1]
    there = 0 if near or len(last) < 3 else len(matching("differences", last))
    return f"{words}; {there} known differences hold it: tfpt explain {last}" if there else words


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
    rows = differences_for(names)
    console = plain_console(None)
    for row in rows:
        console.print(difference_details(row))
    return _run(rows, fix_preview=fix_preview) if run or fix_preview else 0


def differences_for(names: tuple[str, ...]) -> list[Difference]:
    """The known differences that are called by these ids, and those that hold all of the other words."""
    rows = rows_of("differences")
    words = [word for name in names if name not in rows for word in name.split()]
    found = [rows[name] for name in dict.fromkeys(names) if name in rows]
    for word in words:
        if not matching("differences", word):
            near = did_you_mean(word, rows) or " (tfpt list differences has them all)"
            raise click.UsageError(f"no known difference is called '{word}', nor holds that word{near}")
    holding = matching("differences", " ".join(words)) if words else []
    if words and not holding:
        counts = ", ".join(f"'{word}' in {len(matching('differences', word))}" for word in words)
        raise click.UsageError(f"no known difference holds all of these words ({counts})")
    return [*found, *(row for row in holding if row not in found)]


def _run(rows: Collection[Difference], *, fix_preview: bool) -> int:
    """Checks the shipped scenarios that show known differences, and gives the exit code of `check`."""
    from tfpt_cli.cli.check import run_check
    from tfpt_cli.cli.show import Settings
    from tfpt_cli.engine.options import Options
    from tfpt_cli.scenario.files import shipped_file

    files = dict.fromkeys(shipped_file(row.scenario) for row in rows)
    options = Options(paths=tuple(files), tags=tuple(row.name for row in rows))
    return run_check(options, Settings(fix_preview=fix_preview))
