"""NumPy's `.npz`: a zip archive of `.npy` members, never with pickled objects."""

from __future__ import annotations

import zipfile
from typing import Any

from .archives import checked_members
from .entries import Entry, LeftOut, Reader, Refused, check_size, refusing

PLAIN = "fiubc"  # the kinds of dtypes that are numbers


class NumpyFile(Reader):
    """A `.npz` file."""

    format = "NumPy .npz"

    def __init__(self, path: str) -> None:
        super().__init__()
        with refusing("reading its table of contents"):
            self._zip = zipfile.ZipFile(path)
        self._members: dict[str, zipfile.ZipInfo] = {}
        try:
            for member in checked_members(self._zip):
                self._add(member)
        except BaseException:
            self._zip.close()
            raise

    def _add(self, member: zipfile.ZipInfo) -> None:
        name = member.filename[:-4] if member.filename.endswith(".npy") else member.filename
        if not member.filename.endswith(".npy"):
            self.left_out.append(LeftOut(name, "no array"))
            return
        with refusing("reading the header of '{}'".format(name)), self._zip.open(member) as stream:
            shape, dtype, length = _header(stream)
        if dtype.kind not in PLAIN:
            self.left_out.append(LeftOut(name, _what(dtype)))
            return
        check_size(name, shape, dtype.itemsize)
        entry = Entry(name, shape, dtype.name)
        expected = length + entry.size * dtype.itemsize
        if expected != member.file_size:
            words = "its entry '{}' of {} {} needs {:,} bytes and has {:,}: its header is wrong, or it is cut off"
            raise Refused(words.format(name, dtype, list(shape), expected, member.file_size), "write it again")
        self._members[name] = member
        self.entries.append(entry)

    def read(self, name: str) -> Any:
        import numpy as np

        with refusing("reading '{}'".format(name)), self._zip.open(self._members[name]) as stream:
            array = np.lib.format.read_array(stream, allow_pickle=False)
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def close(self) -> None:
        self._zip.close()


def _what(dtype: Any) -> str:
    """What an array is that has no numbers."""
    if dtype.hasobject:
        return "Python objects, which are never unpickled"
    if dtype.kind == "V" and dtype.names is None:
        return "raw items of {} bytes: .npz loses the name of a dtype such as bfloat16".format(dtype.itemsize)
    return "text or records ({})".format(dtype)[:80]


def _header(stream: Any) -> tuple[tuple[int, ...], Any, int]:
    """The shape and the dtype of a `.npy`, and the length of its header. Raises what NumPy raises."""
    import numpy as np

    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read:
        raise ValueError("version {} of .npy".format(version))
    shape, _, dtype = read[version](stream)
    return shape, dtype, stream.tell()
