"""Weight files of every format, read entry by entry: the names, shapes and dtypes first, without reading a number.

    with open_file("net.safetensors") as reader:
        for entry in reader.entries:
            array = reader.read(entry.name)

The package stands beside `child.py`, needs no tfpt, and its modules import each other relatively: so it is `weight_files` in a
framework's process and in a listing that runs there, and `tfpt_cli.workers.child.weight_files` elsewhere. Only `torch_file` and
`tensorflow_file` import a framework, when a file of theirs is opened. tfpt itself opens every file in a process of its own
(`tfpt_cli.workers.checkpoint`): a file comes from anywhere, the HDF5 library has crashed over damaged ones, and a process has a
limit of memory and of time. What a file can do wrong is `Refused`.
"""

from __future__ import annotations

from .entries import Entry, LeftOut, Reader, Refused
from .formats import Found, find
from .opening import open_file
from .serving import answer, described, found, plain

__all__ = [
    "Entry",
    "Found",
    "LeftOut",
    "Reader",
    "Refused",
    "answer",
    "described",
    "find",
    "found",
    "open_file",
    "plain",
]
