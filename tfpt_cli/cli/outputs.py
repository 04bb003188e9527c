"""The files that a command writes: each is made beside its place and put there when it is whole."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from tfpt_cli.engine.signals import SIGNALS
from tfpt_cli.results import SIGNALLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

# A write that failed is neither bad usage nor "a scenario differs".
CANNOT_WRITE = 5
# Characters of a text that are written at once.
_AT_ONCE = 1 << 20
# As of any program that writes into a pipe whose reader has gone: 128 and the number of SIGPIPE.
READER_GONE = SIGNALLED + 13
# What only a write fails with: the disk or the quota is full, the file grew too large, the device is broken or gone, the output
# is closed.
WRITE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


class CannotWrite(click.ClickException):
    """A write that failed, in one line."""

    exit_code = CANNOT_WRITE

    def __init__(self, path: str, error: OSError) -> None:
        why = "it is closed" if error.errno == errno.EBADF else error.strerror or error
        super().__init__(f"cannot write {path}: {why}")


def forget_standard_output() -> None:
    """Lets go of a standard output that cannot be written to: what is still to be flushed at the end goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def exit_codes() -> Iterator[None]:
    """Ends the process where inside the reader of its output has gone (`tfpt list ... | head`), or a signal came: in silence.

    click would say "Aborted!", and its code for both is that of a scenario that is not as expected.
    """
    try:
        yield
    except BrokenPipeError:
        forget_standard_output()
        sys.exit(READER_GONE)
    except KeyboardInterrupt:
        sys.exit(SIGNALS.exit_code)


def check_outputs(paths: Iterable[str]) -> None:
    """A usage error that names every path that cannot be written, before anything runs. It changes no file."""
    problems, places = [], set()
    for path in paths:
        place = os.path.realpath(path)
        if place in places:
            problems.append(f"'{path}' is named for two outputs")
            continue
        places.add(place)
        try:
            _try(path)
        except (OSError, ValueError) as error:
            problems.append(f"cannot write '{path}': {getattr(error, 'strerror', None) or error}")
    if problems:
        raise click.UsageError("; ".join(problems))


def _try(path: str) -> None:
    """Raises what writing the path would, as far as that is known before."""
    try:
        kind = os.stat(path).st_mode
    except FileNotFoundError:
        handle, beside = tempfile.mkstemp(prefix=".tfpt-", dir=os.path.dirname(os.path.realpath(path)))
        os.close(handle)
        os.unlink(beside)
    else:
        if stat.S_ISREG(kind) or stat.S_ISDIR(kind):  # not a pipe, which would wait for a reader
            os.close(os.open(path, os.O_WRONLY))


def write_file(path: str, content: str | TextIO) -> None:
    """Writes a text file as UTF-8, whole or not at all: beside its place first. Raises `CannotWrite`.

    `content` is the text, or what it is read from. A link keeps its target, a file its permissions; a device or a pipe is
    written to as it is.
    """
    whole = [content] if isinstance(content, str) else pieces(content)
    data = (piece.encode("utf-8", "replace") for piece in whole)
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as stream:
                stream.writelines(data)
        else:
            _replace(os.path.realpath(path), data)
    except OSError as error:
        raise CannotWrite(f"'{path}'", error) from None


def pieces(content: TextIO) -> Iterator[str]:
    """What is still to be read of a text file, in pieces that need little memory."""
    return iter(lambda: content.read(_AT_ONCE), "")


def _replace(place: str, data: Iterable[bytes]) -> None:
    folder, name = os.path.split(place)
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{name[:50]}-", dir=folder)
    except PermissionError:
        # A folder in which nothing may be made, and a file in it that may be written.
        with open(place, "wb") as stream:
            stream.writelines(data)
        return
    try:
        with open(handle, "wb") as stream:
            stream.writelines(data)
        if os.path.exists(place):
            shutil.copymode(place, beside)
        else:
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(beside, 0o666 & ~umask)
        os.replace(beside, place)
    except BaseException:
        os.unlink(beside)
        raise
