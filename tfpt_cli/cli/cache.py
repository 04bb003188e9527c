"""`tfpt cache`: what is kept of earlier runs, and deleting it."""

from __future__ import annotations

import contextlib
import time

import click

from tfpt_cli.engine.kept import MOST, database_path, opened, sizes
from tfpt_cli.results import printable


def run_cache(do: str) -> int:
    """`tfpt cache info` and `tfpt cache clear`; gives the exit code."""
    path = database_path()
    if path is None:
        click.echo("nothing is kept: there is no folder of caches that is yours alone (HOME or XDG_CACHE_HOME)")
        return 0
    if do == "clear":
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise click.ClickException(f"{printable(str(path))} cannot be deleted: {error.strerror}") from None
        click.echo(f"{printable(str(path))} is empty")
        return 0
    database = opened(path) if path.exists() else None
    if database is None:
        click.echo(f"{printable(str(path))} is empty")
        return 0
    with contextlib.closing(database):
        count, size, oldest = sizes(database)
    days = (time.time() - oldest) / 86_400 if count else 0.0
    click.echo(f"{printable(str(path))}")
    click.echo(f"{count:,} result{'s' * (count != 1)}, {size / 1e6:.1f} MB of at most {MOST / 1e6:.0f}")
    if count:
        click.echo(f"the oldest was last used {days:.0f} day{'s' * (round(days) != 1)} ago")
    return 0
