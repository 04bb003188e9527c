"""What a file of scenarios says, or a pipe, or standard input: opened when it is known that all of it can be read."""

from __future__ import annotations

import codecs
import errno
import io
import os
import pathlib
import select
import stat
import sys
import tempfile
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import IO, TYPE_CHECKING, TextIO, cast

from tfpt_cli.results import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_BYTES = 100_000_000
# The name of a file that is standard input.
STANDARD_INPUT = "-"
# How many seconds a pipe may be silent that is named as a scenario file.
PATIENCE = 5.0
_PIECE = 1 << 16
# So many bytes are read at once; what comes out of a pipe lies in memory, or behind so many in a file without a name.
_IN_MEMORY = 1_000_000


@dataclass(frozen=True)
class Source:
    """A text from its beginning, the name of its file, and a digest of it, which another text does not have.

    What is small was read when it was opened. A large file is read as it is asked for, and may be written to meanwhile.
    """

    file: str
    stream: TextIO
    digest: str
    written: int | None = None

    @property
    def changed(self) -> bool:
        """Whether a large file was written to since it was opened."""
        return self.written is not None and os.fstat(self.stream.fileno()).st_mtime_ns != self.written


def opened(file: str) -> Source | Problem:
    """The text of a scenario file, or the problem that keeps it from being read (missing, too large, not UTF-8)."""
    try:
        raw, size = _raw(file)
    except TimeoutError:
        words = f"nothing came out of it for {PATIENCE:g} s: it is no file, and nobody writes to it"
        return Problem(file=file, line=0, column=0, message=words)
    except FileNotFoundError:
        return Problem(file=file, line=0, column=0, message="no such file or folder")
    except OSError as error:
        return Problem(file=file, line=0, column=0, message=f"cannot be read: {error.strerror}")
    found = source_of(file, raw, size)
    if isinstance(found, Source) and size > _IN_MEMORY:
        return replace(found, written=os.fstat(raw.fileno()).st_mtime_ns)
    return found


def source_of(file: str, raw: IO[bytes], size: int = 0) -> Source | Problem:
    r"""The text that bytes are, which can be read twice; the problem of what is too large or not UTF-8. `size` is 0 if not known.

    >>> str(source_of("a.yaml", io.BytesIO(b"name: \xff")))
    'a.yaml:1:7: not UTF-8 (byte 0xff); save the file as UTF-8'
    """
    try:
        if size > MAX_BYTES:
            found: str | Problem = _too_large(file, size)
        else:
            found = _digest(file, raw)
            raw.seek(0)
    except OSError as error:
        found = Problem(file=file, line=0, column=0, message=f"cannot be read: {error.strerror}")
    if isinstance(found, Problem):
        raw.close()
        return found
    return Source(file, io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""), found)


def _raw(file: str) -> tuple[IO[bytes], int]:
    """The bytes of a file, to be read twice, and its size as far as that is known. Raises `OSError`."""
    if file == STANDARD_INPUT:
        return _copied(iter(lambda: sys.stdin.buffer.read(_PIECE), b"")), 0
    path = pathlib.Path(file)
    kind = path.stat()
    if stat.S_ISREG(kind.st_mode) or stat.S_ISDIR(kind.st_mode):
        raw = path.open("rb")
        if kind.st_size > _IN_MEMORY:
            return raw, kind.st_size
        with raw:
            return io.BytesIO(raw.read(_IN_MEMORY)), kind.st_size
    return _copied(_from_a_pipe(file)), 0


def _copied(pieces: Iterable[bytes]) -> IO[bytes]:
    """What can be read once alone, in a file of its own; of more than a file may have no more than tells that."""
    copy = cast("IO[bytes]", tempfile.SpooledTemporaryFile(_IN_MEMORY, prefix="tfpt-"))  # noqa: SIM115 - its reader closes it
    for piece in pieces:
        try:
            copy.write(piece)
        except OSError:  # that there is no temporary folder is said as if there were no such file
            copy.close()
            raise OSError(errno.ENOSPC, "there is no room for temporary files; make some, or set TMPDIR") from None
        if copy.tell() > MAX_BYTES:
            break
    copy.seek(0)
    return copy


def _from_a_pipe(file: str) -> Iterator[bytes]:
    """What a pipe, such as a shell's `<(command)`, or a device gives. Raises `TimeoutError` where nothing comes."""
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        while True:
            if not select.select([handle], [], [], PATIENCE)[0]:
                raise TimeoutError
            piece = os.read(handle, _PIECE)
            if not piece:
                return
            yield piece
    finally:
        os.close(handle)


def _digest(file: str, raw: IO[bytes]) -> str | Problem:
    """A digest of all bytes; the problem of what is too large or not UTF-8."""
    digest, decoder, size = sha256(), codecs.getincrementaldecoder("utf-8-sig")(), 0
    while piece := raw.read(_PIECE):
        digest.update(piece)
        waiting = len(decoder.getstate()[0])  # the beginning of a character whose rest is in this piece
        try:
            decoder.decode(piece)
        except UnicodeDecodeError as error:
            return _not_utf8(file, raw, size - waiting + error.start)
        size += len(piece)
        if size > MAX_BYTES:
            return _too_large(file, 0)
    waiting = len(decoder.getstate()[0])
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return _not_utf8(file, raw, size - waiting + error.start)
    return digest.hexdigest()


def _not_utf8(file: str, raw: IO[bytes], place: int) -> Problem:
    """The problem of a byte at a place of a file."""
    raw.seek(0)
    line, column, left = 1, 1, place
    while left:
        piece = raw.read(min(left, _PIECE))
        left -= len(piece)
        line += piece.count(b"\n")
        column = len(piece) - piece.rfind(b"\n") if b"\n" in piece else column + len(piece)
    words = f"not UTF-8 (byte 0x{raw.read(1)[0]:02x}); save the file as UTF-8"
    return Problem(file=file, line=line, column=column, message=words)


def _too_large(file: str, size: int) -> Problem:
    most = MAX_BYTES / 1e6
    words = f"{size / 1e6:.1f} MB" if size else f"more than {most:.0f} MB"
    message = f"the file is {words}; a scenario file may have {most:.0f} MB, split it"
    return Problem(file=file, line=0, column=0, message=message)
