"""`tfpt inspect`: the entries of a file of weights, or two files side by side."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tfpt_cli.checkpoints.comparing import compare, inspect
from tfpt_cli.checkpoints.contents import CannotRead
from tfpt_cli.report.console import plain_console
from tfpt_cli.report.weight_files import file_pages, json_text, pair_pages
from tfpt_cli.workers.checkpoint import LIMITS, opened

if TYPE_CHECKING:
    from tfpt_cli.frameworks import Sides

# Where nothing says how wide a line may be, names are not cut: a program reads them.
_UNCUT = 1000


def run_inspect(files: tuple[str, ...], sides: Sides, *, inside: str, memory: float, format_: str) -> int:
    """Lists a file, or compares two; the exit code is 1 where two hold other weights, 2 where a file cannot be read."""
    try:
        with opened(*files, inside=inside, sides=sides, limits=replace(LIMITS, memory=memory)) as checkpoints:
            compared = compare(*checkpoints) if len(checkpoints) == 2 else None
            inspected = compared.files if compared else tuple(map(inspect, checkpoints))
    except CannotRead as error:
        click.echo(f"tfpt inspect: {error}", err=True)
        return 2
    if format_ == "json":
        click.echo(json_text(inspected, compared), nl=False)
    else:
        console = plain_console(None)
        if not console.is_terminal and not os.environ.get("COLUMNS"):
            console.width = _UNCUT
        pages = pair_pages(compared, console.width) if compared else file_pages(inspected[0], console.width)
        for page in pages:
            console.print(page, soft_wrap=False)
    sys.stdout.flush()
    return 1 if compared is not None and not compared.same else 0
