"""The frames that parent and child exchange: a mark, the length of a JSON header, the header, raw bytes of arrays.

No pickle: a child in another environment is not trusted with the parent's interpreter. Large arrays do not go through the pipe
but as files in a folder of the parent's, where the child can see that: this is ten times as fast, and takes no memory.
"""

from __future__ import annotations

import itertools
import json
import mmap
import os
import stat
import struct
import weakref
from typing import Any, Iterable

VERSION = "tfpt-worker/2"
MARK = b"TFPT"
PREFIX = struct.Struct("<4sI")
MAX_HEADER = 1 << 28
MAX_ARRAY = 1 << 30
# An array of at least so many bytes is handed over as a file.
LARGE = 1 << 18
_numbers = itertools.count()


class Nonsense(Exception):
    """Bytes that are no frame; the message shows the first of them."""


def frame(header: dict[str, Any], blobs: Iterable[Any] = ()) -> list[Any]:
    """A frame as a list of pieces, ready to be written one after another; a blob is bytes or an array of bytes."""
    blobs = list(blobs)
    header = dict(header, blobs=[len(blob) for blob in blobs])
    text = json.dumps(header).encode()
    return [PREFIX.pack(MARK, len(text)), text, *blobs]


def header_length(prefix: bytes) -> int:
    """The length of the header that follows a prefix. Raises `Nonsense`."""
    mark, length = PREFIX.unpack(prefix)
    if mark != MARK or length > MAX_HEADER:
        raise Nonsense(f"it answered {prefix!r}")
    return int(length)


def header(text: bytes) -> dict[str, Any]:
    """The header from its bytes. Raises `Nonsense`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # the second where it is nested without end
        value = None
    sizes = value.get("blobs") if isinstance(value, dict) else None
    if isinstance(sizes, list) and all(type(size) is int for size in sizes):  # JSON has NaN and Infinity too
        return dict(value)
    raise Nonsense(f"it answered {text[:60]!r}")


def new_name() -> str:
    """A name that no other file in the folder of any process has."""
    return "{}-{}".format(os.getpid(), next(_numbers))


def put(folder: str, data: Any) -> str:
    """Writes an array of bytes as a file in a folder, and gives the file's name; empty where there is no room for it."""
    name = new_name()
    path = os.path.join(folder, name)
    try:
        with open(path, "xb") as stream:
            stream.write(data)
    except OSError:
        remove(path)
        return ""
    return name


class Mapped(mmap.mmap):
    """The bytes of a file as memory that can be written, and the path at which that file is as long as this is kept."""

    path = ""


def mapped(folder: str, name: str, size: int, *, keep: bool = False) -> Mapped:
    """The file of so many bytes that was put into a folder, as memory; unless it is to `keep` its name it is taken from there.

    Whoever wrote it may have meant another file by its name, a pipe that nobody writes into, or a link to somewhere else: that
    raises `Nonsense`.
    """
    path = os.path.join(folder, name)
    if not folder or name != os.path.basename(name) or name in ("", ".", ".."):
        raise Nonsense("it names the file {!r}".format(name[:60]))
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise Nonsense("its file {!r} cannot be opened: {}".format(name[:60], error.strerror)) from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != size:
            raise Nonsense("its file {!r} has {:,} bytes, not {:,}".format(name[:60], found.st_size, size))
        held = Mapped(descriptor, size)
    finally:
        os.close(descriptor)
        if not keep:
            remove(path)
    if keep:
        held.path = path
        weakref.finalize(held, remove, path)
    return held


def remove(path: str) -> None:
    """Removes a file, if it is there and can be."""
    try:
        os.remove(path)
    except OSError:
        pass
