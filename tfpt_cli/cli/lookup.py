"""`tfpt list`, `tfpt show` and `tfpt explain`: what the dictionary knows."""

from __future__ import annotations

import click

from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.report.catalogue import KINDS, matching, rows_of, table_of, whole, whole_difference
from tfpt_cli.report.console import plain_console


def run_list(kind: str, word: str | None) -> int:
    """`tfpt list`: the rows of a kind, those that hold a word if one is given."""
    rows = matching(kind, word)
    if not rows:
        raise click.UsageError(f"no {kind} hold '{word}'{_hint(str(word), (kind,))}")
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
        raise click.UsageError(f"nothing is called '{name}'{_hint(name, KINDS)}")
    console = plain_console(None)
    for page in pages:
        console.print(page)
    return 0


def run_explain(names: tuple[str, ...]) -> int:
    """`tfpt explain`: known differences by id, or those that hold a word."""
    console = plain_console(None)
    for name in names:
        rows = matching("differences", name)
        if not rows:
            hint = did_you_mean(name, rows_of("differences")) or " (tfpt list differences has them all)"
            raise click.UsageError(f"no known difference is called '{name}', nor holds that word{hint}")
        for row in rows:
            console.print(whole_difference(row))
    return 0


def _hint(word: str, kinds: tuple[str, ...]) -> str:
    names = {
        other: name for kind in kinds if kind != "differences" for other, name in dictionary().other_names(kind).items()
    }
    names |= {name: name for kind in kinds for name in rows_of(kind)}
    return did_you_mean(word, names, meant=names)
