"""The console of every table: text as it is, with no markup of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.console import Console

from tfpt_cli.results import Status, Verdict

if TYPE_CHECKING:
    from typing import TextIO

STATUS_STYLES = {
    Status.PASSED: "bold green",
    Status.FAILED: "bold red",
    Status.ERROR: "bold magenta",
    Status.SKIPPED: "yellow",
}

VERDICT_STYLES = {
    Verdict.IDENTICAL: "green",
    Verdict.CLOSE: "green",
    Verdict.SAME_DISTRIBUTION: "green",
    Verdict.DIFFERS: "bold red",
    Verdict.ERROR: "bold magenta",
}

# As wide as a report in a file is, where COLUMNS does not say.
FILE_WIDTH = 100


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Whoever prints decides what it means that nobody reads; rich would end the program with code 1."""
        raise BrokenPipeError


def plain_console(target: TextIO | None, *, stderr: bool = False, width: int | None = None) -> Console:
    """A console on standard output or error; into a file as wide as is asked for or COLUMNS says, and without colour."""
    if target is None:
        return _Console(markup=False, emoji=False, highlight=False, stderr=stderr)
    return _Console(
        file=target, width=width or file_width(), color_system=None, markup=False, emoji=False, highlight=False
    )


def file_width() -> int:
    """The width of a report in a file, in characters: the variable COLUMNS where that is a number, else `FILE_WIDTH`."""
    columns = os.environ.get("COLUMNS", "")
    return (int(columns) if columns.isdecimal() else 0) or FILE_WIDTH
