"""A weight file opened by the reader of its format."""

from __future__ import annotations

from .entries import Reader, Refused
from .formats import find
from .hdf5_file import Hdf5File
from .keras_file import KerasFile
from .numpy_file import NumpyFile
from .safetensors_file import SafetensorsFile
from .sharded_file import ShardedFile


def open_file(path: str, inside: str = "") -> Reader:
    """The open file, to be closed by `with`. Raises `Refused` for whatever keeps it from being read.

    `inside` chooses a nested dict of a PyTorch file, such as `ema`. The framework of the format must be importable.
    """
    reader = _opened(path, inside)
    if not reader.entries:
        reader.close()
        left = reader.left_out
        some = " (in it: {})".format(", ".join("'{}', {}".format(each.name, each.what) for each in left[:3]))
        raise Refused("there are no weights in it{}".format(some if left else ""))
    return reader


def _opened(path: str, inside: str) -> Reader:
    found = find(path)
    if found.format == "torch":
        from .torch_file import TorchFile  # imports its framework

        return TorchFile(found.path, inside)
    if inside:
        raise Refused("only a file of PyTorch has dicts inside, of which '{}' could be chosen".format(inside))
    if found.format in ("tensorflow", "savedmodel"):
        from .tensorflow_file import TensorflowFile  # imports its framework

        reader: Reader = TensorflowFile(found.path)
        if found.format == "savedmodel":
            reader.format = "SavedModel"
        return reader
    if found.format == "sharded":
        return ShardedFile(found.path, lambda shard: _opened(shard, ""))
    plain = {"safetensors": SafetensorsFile, "npz": NumpyFile, "hdf5": Hdf5File, "keras": KerasFile}
    made: Reader = plain[found.format](found.path)
    return made
