"""`tfpt list`, `tfpt show` and `tfpt explain`: what the dictionary knows."""

from __future__ import annotations

import click


def run_list(what: str, word: str | None) -> int:
    """`tfpt list`: the rows of a kind, those that hold a word if one is given."""
    from rich.console import Console

    from tfpt_cli.catalogue import matching, operations_table
    from tfpt_cli.neutral import unknown
    from tfpt_cli.selfcheck import measured

    rows = matching(word)
    if not rows:
        raise click.UsageError(f"no {what} hold '{word}': {unknown('operation', str(word))}")
    console = Console(markup=False, emoji=False, highlight=False)
    console.print(operations_table(rows, measured(), console.width))
    return 0
