"""What is in a file of weights: its entries, what else it holds, and why it could not be read.

The readers have records of their own, since they run without tfpt; these are what becomes of them here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tfpt_cli.results import printable


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
