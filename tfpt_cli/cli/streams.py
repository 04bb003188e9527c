"""Standard input, output and error as a command may find them: closed, full, gone, or of an encoding that has few characters."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


class _Deaf(io.FileIO):
    """A file in which a write that fails is none: of what cannot be said on standard error nobody can be told."""

    def write(self, data: Buffer) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(memoryview(data).cast("B"))


def usable_streams() -> None:
    """Makes the three standard streams usable, so that no command has to ask whether there is one, or whether it takes all now.

    Reading and writing one that is closed (`tfpt ... >&-`) raises `OSError`. What is said on standard error raises nothing. A
    character that an encoding does not have is replaced.
    """
    _keep_their_numbers()
    if hasattr(os, "set_blocking"):
        # Who shares the terminal or the pipe may have set it so that what is too much at a time is lost.
        for number in (1, 2):
            with suppress(OSError):
                os.set_blocking(number, True)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as long as the process
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    own = sys.stderr is not None and sys.stderr is not sys.__stderr__  # that of a test
    if not own and os.name == "posix":
        encoding = sys.stderr.encoding if sys.stderr is not None else "utf-8"
        deaf = io.BufferedWriter(_Deaf(2, "w", closefd=False))
        sys.stderr = io.TextIOWrapper(deaf, encoding=encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _keep_their_numbers() -> None:
    """Opens what is closed of 0, 1 and 2, which the pipe to a framework or a report would have for its number otherwise."""
    for number, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            # The first two the wrong way round: to use them fails, as it does where they are closed.
            os.open(os.devnull, flags)
