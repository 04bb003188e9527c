"""The entry point of `tfpt`."""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False  # `typing` itself takes a while, in which a Ctrl-C is a traceback
if TYPE_CHECKING:
    from typing import NoReturn

# As where a framework is missing: what tfpt needs is not as it should be.
_CANNOT_RUN = 3
_NO_FILES = (errno.EMFILE, errno.ENFILE)


def main() -> NoReturn:
    """The entry point of `tfpt`: on the warm processes where there are some, else here, and then they are made ready."""
    arguments = sys.argv[1:]
    try:
        # Not above: a Ctrl-C before the signals are heard would be a traceback.
        from tfpt_cli.cli import warm_client

        code = warm_client.answered(arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    if code is None:
        try:
            run()
        except SystemExit as ended:
            code = ended.code  # type: ignore[assignment]
        if code in (0, 1):
            warm_client.prepare(arguments)
    sys.exit(code)


def run() -> NoReturn:
    """Runs the command that `sys.argv` says: a person's error is a line, one of ours a traceback and exit code 4."""
    try:
        from tfpt_cli.cli.streams import usable_streams
        from tfpt_cli.engine.signals import SIGNALS

        usable_streams()
    except (KeyboardInterrupt, RuntimeError) as error:
        if _is_interrupt(error):
            sys.exit(130)
        raise
    with SIGNALS.heard():
        try:
            from tfpt_cli.cli.commands import cli

            cli(prog_name="tfpt")
        except Exception as error:
            code: object = SIGNALS.exit_code if _is_interrupt(error) else _ended_by(error)
        except KeyboardInterrupt:  # while the commands were imported
            code = SIGNALS.exit_code
        except SystemExit as ended:
            code = ended.code
        if SIGNALS.first:
            SIGNALS.last()
    sys.exit(code)  # type: ignore[arg-type]


def _is_interrupt(error: BaseException) -> bool:
    """Whether an error is a Ctrl-C, also one while a class was made: Python 3.11 raises a `RuntimeError` from that."""
    return isinstance(error, KeyboardInterrupt) or isinstance(error.__cause__, KeyboardInterrupt)


def _ended_by(error: Exception) -> int:
    """Says what ended a command, and gives its exit code."""
    from tfpt_cli.cli.libraries import broken_library

    if words := broken_library(error):  # said without click: it may be that which is broken
        print(f"tfpt: {words}", file=sys.stderr)  # noqa: T201
        return _CANNOT_RUN
    import traceback

    import click

    from tfpt_cli.cli.options import working_folder
    from tfpt_cli.cli.outputs import WRITE_ERRORS, CannotWrite, forget_standard_output
    from tfpt_cli.results import INTERNAL_ERROR

    if isinstance(error, OSError) and error.errno in WRITE_ERRORS:
        forget_standard_output()
        CannotWrite("to standard output", error).show()
        return CannotWrite.exit_code
    if words := _too_little(error):
        print(f"tfpt: {words}", file=sys.stderr)  # noqa: T201
        return _CANNOT_RUN
    if isinstance(error, FileNotFoundError):
        try:
            working_folder(os.getcwd)
        except click.UsageError as usage:  # it was removed
            usage.show()
            return usage.exit_code
    traceback.print_exception(error)
    click.echo("tfpt: a mistake of tfpt itself, not of your code; please report it with the lines above", err=True)
    return INTERNAL_ERROR


def _too_little(error: Exception) -> str:
    """What the system has too little of for tfpt to run, where that ended a command; empty where it was something else."""
    if isinstance(error, OSError) and error.errno in _NO_FILES:
        return "no more files can be opened here; allow more (ulimit -n)"
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "no more threads can be started here; allow more (ulimit -u, or the container's limit of processes)"
    return ""
