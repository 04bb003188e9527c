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
# In fewer columns words are cut to letters, and over lines without end it takes ages.
NARROWEST, WIDEST = 20, 100_000
# A number of so many digits is none that anybody means.
_DIGITS = 20


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Whoever prints decides what it means that nobody reads; rich would end the program with code 1."""
        raise BrokenPipeError


def plain_console(target: TextIO | None, *, stderr: bool = False, width: int | None = None) -> Console:
    """A console on standard output or error; into a file as wide as is asked for or COLUMNS says, and without colour."""
    if target is None:
        # What COLUMNS says is read here: rich would print nothing in 0 columns, and fail over what is no number.
        elsewhere = {key: text for key, text in os.environ.items() if key != "COLUMNS"}
        return _Console(
            markup=False, emoji=False, highlight=False, stderr=stderr, width=said_width(), _environ=elsewhere
        )
    return _Console(
        file=target, width=width or file_width(), color_system=None, markup=False, emoji=False, highlight=False
    )


def file_width() -> int:
    """The width of a report in a file, in characters: what the variable COLUMNS says, else `FILE_WIDTH`."""
    return said_width() or FILE_WIDTH


def said_width() -> int | None:
    """The width that the variable COLUMNS asks for, as near as can be read; None where it is no number, or 0."""
    columns = os.environ.get("COLUMNS", "")
    wanted = int(columns) if columns.isdecimal() and len(columns) < _DIGITS else 0
    return min(max(wanted, NARROWEST), WIDEST) if wanted else None
