"""What is in a file of weights: its entries, what else it holds, and why it could not be read.

The readers have records of their own, since they run without tfpt; these are what becomes of them here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfpt_cli.results import printable

if TYPE_CHECKING:
    from collections.abc import Mapping


class CannotRead(Exception):
    """A file of weights that could not be read: the file, what is wrong, and the likely fix (empty where none can be told)."""

    def __init__(self, file: str, problem: str, fix: str = "") -> None:
        super().__init__(printable(f"{file}: {problem}{'; ' if fix else ''}{fix}"))
        self.file, self.problem, self.fix = file, problem, fix


@dataclass(frozen=True)
class Entry:
    """One array of numbers in a file: its name there, its shape, and its dtype (`float32`, `bfloat16`, `float8_e4m3fn`).

    `called` is what the file calls the variable besides, such as `stem/0` for Keras's `layers/conv2d/vars/0`; else empty.

    >>> Entry("conv.weight", (8, 3, 3, 3), "float16").bytes
    432
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    called: str = ""

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """How many bytes its numbers take."""
        bits = re.search(r"\d+", self.dtype)
        return self.size * max(int(bits[0]) // 8, 1) if bits else self.size


@dataclass(frozen=True)
class LeftOut:
    """Something in a file that is no weight: its name there, and what it is (`state of the optimizer`, `int 12`)."""

    name: str
    what: str


@dataclass(frozen=True)
class Contents:
    """What is in a file: its format in words, its entries in their order, and what is no weight.

    `inside` is the path of the nested dict or group in which the entries stand (`model_state_dict`), empty for none.
    """

    file: str
    format: str
    inside: str
    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the entries, in order."""
        return [entry.name for entry in self.entries]


@dataclass(frozen=True)
class Statistics:
    """The numbers of an entry, summed up: of its finite ones the mean, the standard deviation, the least and the greatest.

    They are NaN where there is none. None of them depends on the order of the axes.
    """

    mean: float
    std: float
    least: float
    greatest: float
    not_finite: int = 0


def contents_of(file: str, said: Mapping[str, Any]) -> Contents:
    """The contents of a file as a process says them. Raises `ValueError` for what no reader says.

    >>> said = {"format": "NumPy .npz", "inside": "", "entries": [["w", [2], "float32", ""]], "left_out": []}
    >>> contents_of("net.npz", said).names
    ['w']
    """
    left_out = said.get("left_out")
    if not isinstance(said.get("format"), str) or not isinstance(said.get("inside"), str):
        raise ValueError("its answer does not say the format")
    if not isinstance(left_out, list) or not all(_texts(each, 2) for each in left_out):
        raise ValueError("its answer does not say what is no weight")
    entries = entries_of(said)
    return Contents(file, said["format"], said["inside"], entries, tuple(LeftOut(*each) for each in left_out))


def entries_of(said: Mapping[str, Any]) -> tuple[Entry, ...]:
    """The entries of a file as a process says them. Raises `ValueError` for what no reader says.

    >>> entries_of({"entries": [["w", [-1], "float32", ""]]})
    Traceback (most recent call last):
        ...
    ValueError: its answer has the entry ['w', [-1], 'float32', '']
    """
    listed = said.get("entries")
    if not isinstance(listed, list):
        raise ValueError("its answer does not list the entries")
    found = {}
    for each in listed:
        if (
            not isinstance(each, list)
            or len(each) != 4
            or not _texts([each[0], *each[2:]], 3)
            or not _is_shape(each[1])
        ):
            raise ValueError(f"its answer has the entry {str(each)[:80]}")
        name, shape, dtype, called = each
        if not _NUMBERS.fullmatch(dtype):
            raise ValueError(f"its answer has the entry '{name[:60]}' of the dtype '{dtype[:60]}'")
        if name in found:
            raise ValueError(f"its answer has the entry '{name[:60]}' twice")
        found[name] = Entry(name, tuple(shape), dtype, called)
    return tuple(found.values())


def _texts(each: object, count: int) -> bool:
    return isinstance(each, list) and len(each) == count and all(isinstance(text, str) for text in each)


def _is_shape(shape: object) -> bool:
    """Whether it is a shape that an array can have."""
    if not isinstance(shape, list) or len(shape) > 32 or not all(type(n) is int and 0 <= n < _MOST for n in shape):
        return False
    return math.prod(shape) < _MOST


_NUMBERS = re.compile(r"bool|u?int\d+|b?float\w+|complex\d+")
# More numbers than any weight has.
_MOST = 1 << 40
