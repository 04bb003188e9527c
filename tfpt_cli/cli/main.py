"""The entry point of `tfpt`."""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn

import click

from tfpt_cli.cli.commands import cli
from tfpt_cli.results import INTERNAL_ERROR


def main() -> NoReturn:
    """The entry point of `tfpt`: a person's error is a line, one of ours a traceback and exit code 4."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        cli(prog_name="tfpt")
    except Exception as error:
        sys.exit(_ended_by(error))
    sys.exit(0)


def _ended_by(error: Exception) -> int:
    """Says what ended a command, and gives its exit code."""
    from tfpt_cli.cli.outputs import WRITE_ERRORS, CannotWrite, forget_standard_output

    if isinstance(error, BrokenPipeError):  # the reader has gone (`tfpt list ... | head`): nothing to say
        forget_standard_output()
        return 0
    if isinstance(error, OSError) and error.errno in WRITE_ERRORS:
        forget_standard_output()
        CannotWrite("to standard output", error).show()
        return CannotWrite.exit_code
    traceback.print_exception(error)
    click.echo("tfpt: a mistake of tfpt itself, not of your code; please report it with the lines above", err=True)
    return INTERNAL_ERROR
