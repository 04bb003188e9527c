"""The frames that parent and child exchange: a mark, the length of a JSON header, the header, raw bytes of arrays.

No pickle: a child in another environment is not trusted with the parent's interpreter.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Iterable

VERSION = "tfpt-worker/2"
MARK = b"TFPT"
PREFIX = struct.Struct("<4sI")
MAX_HEADER = 1 << 28
MAX_ARRAY = 1 << 30


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
