"""Keras's `.keras` archives: `model.weights.h5` in a zip file, with the names of the layers beside it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from typing import Any

from .archives import checked_members
from .entries import DAMAGED, Refused, refusing
from .hdf5_file import Hdf5File

WEIGHTS = "model.weights.h5"
# The text that describes a model is read whole.
MOST_CONFIG = 1 << 26
# Weights that are packed are unpacked to the folder for temporary files: at most so many bytes, and half of what is free there.
MOST_UNPACKED = 1 << 31


class KerasFile(Hdf5File):
    """A `.keras` archive."""

    def __init__(self, path: str) -> None:
        with refusing("reading its table of contents"):
            archive = zipfile.ZipFile(path)
        with archive:
            members = {member.filename: member for member in checked_members(archive)}
            if WEIGHTS not in members:
                raise Refused("it has no {} in it".format(WEIGHTS), DAMAGED)
            order = _layers(archive, members)
            self._stream = _opened(path, archive, members[WEIGHTS])
        try:
            super().__init__(self._stream, order)
        except BaseException:
            self._stream.close()
            raise
        self.format, self.written = "Keras's .keras", ""  # its own format says how

    def close(self) -> None:
        super().close()
        self._stream.close()


def _layers(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> tuple[str, ...]:
    """The names of a model's layers in their order; none where its description does not list them."""
    member = members.get("config.json")
    if member is None or member.file_size > MOST_CONFIG:
        return ()
    with refusing("reading config.json"):
        config = json.loads(archive.read(member))
    inner = config.get("config") if isinstance(config, dict) else None
    layers = inner.get("layers") if isinstance(inner, dict) else None
    found = [layer.get("config") for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    return tuple(str(each["name"]) for each in found if isinstance(each, dict) and "name" in each)


def _opened(path: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Any:
    """A member as a file: where it lies in the archive if it is not packed, else unpacked beside."""
    if member.compress_type == zipfile.ZIP_STORED:
        with open(path, "rb") as stream:
            stream.seek(member.header_offset + 26)  # the lengths of its name and of its extra field
            lengths = stream.read(4)
        begin = member.header_offset + 30 + sum(int.from_bytes(lengths[at : at + 2], "little") for at in (0, 2))
        return io.BufferedReader(Window(path, begin, member.file_size), 1 << 20)
    folder = tempfile.gettempdir()
    most = min(MOST_UNPACKED, shutil.disk_usage(folder).free // 2)
    if member.file_size > most:
        raise _too_large(member, most, folder)
    unpacked = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the reader
    try:
        with refusing("unpacking {}".format(WEIGHTS)), archive.open(member) as source:
            while piece := source.read(1 << 20):
                try:
                    unpacked.write(piece)
                except OSError as error:  # another process has filled it meanwhile
                    raise _too_large(member, unpacked.tell(), folder) from error
                if unpacked.tell() > most:
                    raise _too_large(member, most, folder)
    except BaseException:
        with contextlib.suppress(OSError):  # what could not be written cannot be flushed either
            unpacked.close()
        raise
    return unpacked


def _too_large(member: zipfile.ZipInfo, most: int, folder: str) -> Refused:
    """Why a member is not unpacked: there is room for so many bytes alone."""
    words = "its {} has {:,} bytes, packed to {:,}; there is room to unpack {:,} in {}"
    problem = words.format(WEIGHTS, member.file_size, member.compress_size, most, folder)
    return Refused(problem, "write the archive without packing (zip -0), which is read where it lies")


class Window(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, path: str, begin: int, size: int) -> None:
        super().__init__()
        self._file = open(path, "rb")  # noqa: SIM115 - closed with this
        self._begin, self._size, self._at = begin, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        self._file.seek(self._begin + self._at)
        read = self._file.readinto(view[: max(0, min(len(view), self._size - self._at))])
        self._at += read
        return read

    def close(self) -> None:
        self._file.close()
        super().close()
