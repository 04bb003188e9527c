"""Files of safetensors: a length, a header of JSON, and the numbers behind it.

The format is read here and not by its library, which gives NumPy no float8, says of a header that lies not which entry does, and
maps the whole file into memory: pages that were read stay in the process, and a file that is cut off meanwhile ends it.
Files are written by the library.
"""

from __future__ import annotations

import json
import os
from typing import Any

from .entries import DAMAGED, Entry, LeftOut, Reader, Refused, check_size, numpy_dtype

DTYPES = {
    "BOOL": "bool",
    **{"I{}".format(bits): "int{}".format(bits) for bits in (8, 16, 32, 64)},
    **{"U{}".format(bits): "uint{}".format(bits) for bits in (8, 16, 32, 64)},
    **{"F{}".format(bits): "float{}".format(bits) for bits in (16, 32, 64)},
    "BF16": "bfloat16",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
}
# The library's own limit of a header.
MOST_HEADER = 100_000_000


class SafetensorsFile(Reader):
    """A `.safetensors` file."""

    format = "safetensors"

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._begins: dict[str, int] = {}
        size = os.path.getsize(path)
        with open(path, "rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if length > MOST_HEADER:
                raise Refused(
                    "its header claims {:,} bytes; at most {:,} are read".format(length, MOST_HEADER), DAMAGED
                )
            if size < 8 or 8 + length > size:
                raise Refused("it ends within its header: it is cut off", DAMAGED)
            header = _header(stream.read(length))
        metadata = header.pop("__metadata__", None)
        if metadata:
            self.left_out.append(LeftOut("__metadata__", "texts about the file"))
        ends: list[tuple[int, int, str]] = []
        for name, described in header.items():
            entry, begin, end = _entry(name, described)
            if 8 + length + end > size:
                words = (
                    "its entry '{}' ends {:,} bytes behind the end of the file: it is cut off, or its header is wrong"
                )
                raise Refused(words.format(name, 8 + length + end - size), DAMAGED)
            self.entries.append(entry)
            self._begins[name] = 8 + length + begin
            ends.append((begin, end, name))
        ends.sort()
        for (_, end, name), (begin, _, other) in zip(ends, ends[1:]):  # noqa: B905, RUF007 - Python 3.9
            if begin < end:
                raise Refused("its entries '{}' and '{}' overlap: its header is wrong".format(name, other), DAMAGED)

    def read(self, name: str) -> Any:
        import numpy as np

        entry = self.entry(name)
        dtype = numpy_dtype(entry.dtype)
        with open(self._path, "rb") as stream:
            stream.seek(self._begins[name])
            data = bytearray(entry.size * dtype.itemsize)
            if stream.readinto(data) != len(data):
                raise Refused("it ends within '{}': it was cut off while it was read".format(name), DAMAGED)
        return np.frombuffer(data, dtype).reshape(entry.shape)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON as a dict. Raises `Refused` where it has a key twice, of which `json` would keep the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()  # a stranger's header has millions of names, of which the last stands twice
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise Refused("it has the entry '{}' twice".format(twice[:200]), "write it again with each name once")
    return found


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Refused("its header is not JSON", DAMAGED) from None
    if not isinstance(header, dict):
        raise Refused("its header is no JSON object", DAMAGED)
    return header


def _entry(name: str, described: Any) -> tuple[Entry, int, int]:
    """An entry by its description in the header, and where its bytes begin and end behind the header."""
    wrong = Refused("the header describes its entry '{}' wrongly: {}".format(name, str(described)[:100]), DAMAGED)
    if not isinstance(described, dict) or not isinstance(described.get("dtype"), str):
        raise wrong
    shape, offsets = described.get("shape"), described.get("data_offsets")
    if not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != 2:
        raise wrong
    if any(type(number) is not int or number < 0 for number in (*shape, *offsets)):
        raise wrong
    if described["dtype"] not in DTYPES:
        raise Refused(
            "its entry '{}' has the dtype {}, which this version does not read".format(name, described["dtype"][:40])
        )
    entry = Entry(name, tuple(shape), DTYPES[described["dtype"]])
    width = numpy_dtype(entry.dtype).itemsize
    check_size(name, entry.shape, width)
    begin, end = offsets
    if end - begin != entry.size * width:
        words = "its entry '{}' of {} {} has {:,} bytes by its offsets and {:,} by its shape: its header is wrong"
        raise Refused(words.format(name, described["dtype"], shape, end - begin, entry.size * width), DAMAGED)
    return entry, begin, end
