"""What every reader of a weight file gives: its entries, what is no weight, and one entry's numbers at a time."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Iterator

# A length of an axis, and a number of bytes, that no weight has: a file that says more is damaged or was made to harm.
MOST_BYTES = 1 << 40
DAMAGED = "copy or download it again"


class Refused(Exception):
    """A file that is not read: what is wrong with it, and the likely fix (empty where there is none to tell)."""

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__("{}; {}".format(problem, fix) if fix else problem)
        self.problem, self.fix = problem, fix


@dataclass(frozen=True)
class Entry:
    """One array of numbers in a file: its name there, its shape, its dtype by NumPy's name (or `bfloat16`, `float8_e4m3fn`).

    `called` is what the file itself calls the variable besides, such as `stem` for `layers/conv2d/vars/0`; else empty.

    >>> Entry("conv.weight", (8, 3, 3, 3), "float16").size
    216
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    called: str = ""

    @property
    def size(self) -> int:
        """How many numbers the entry has."""
        size = 1
        for length in self.shape:
            size *= length
        return size


@dataclass(frozen=True)
class LeftOut:
    """Something in a file that is no weight: its name there, and what it is."""

    name: str
    what: str


class Reader:
    """An open weight file.

    `format` is what it is, in words, and `written` the way in which Keras has written it, where the file says so: `weights.h5` or
    `layers.h5`. `inside` is the path of the nested dict or group in which the entries stand, where they stand in one. `entries`
    are in the order of the file, each name once; `left_out` is what is no weight.
    """

    format = written = ""

    def __init__(self) -> None:
        self.inside = ""
        self.entries: list[Entry] = []
        self.left_out: list[LeftOut] = []
        self._by_name: dict[str, Entry] = {}

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, name: str) -> Any:
        """The numbers of an entry as a NumPy array of its shape and dtype. Raises `Refused`, and `KeyError` for no entry."""
        raise NotImplementedError

    def close(self) -> None:
        """Lets go of the file."""

    def entry(self, name: str) -> Entry:
        """The entry of a name. Raises `KeyError`."""
        if len(self._by_name) != len(self.entries):
            self._by_name = {entry.name: entry for entry in self.entries}
        return self._by_name[name]


def numpy_dtype(name: str) -> Any:
    """The dtype of a name that NumPy, or `ml_dtypes` for bfloat16 and float8, knows. Raises `Refused` for another."""
    import numpy as np

    try:
        return np.dtype(name)
    except TypeError:
        pass
    try:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))
    except ImportError:
        raise Refused(
            "its numbers are {}, which needs the package ml_dtypes".format(name), "pip install ml_dtypes"
        ) from None
    except (AttributeError, TypeError):
        raise Refused("its numbers are {}, which this version does not read".format(name)) from None


def check_size(name: str, shape: tuple[int, ...], itemsize: int) -> None:
    """Raises `Refused` for a shape that no array can have."""
    size = itemsize
    for length in shape:
        size *= length
    if len(shape) > 32 or any(type(n) is not int or not 0 <= n < MOST_BYTES for n in shape) or size > MOST_BYTES:
        raise Refused("its entry '{}' claims the shape {}, which no weight has".format(name, list(shape)), DAMAGED)


@contextlib.contextmanager
def refusing(doing: str) -> Iterator[None]:
    """Turns what a library raises over a damaged file into `Refused`: libraries promise nothing of what that is."""
    try:
        yield
    except (Refused, KeyboardInterrupt):
        raise
    except MemoryError:
        raise Refused("it needs more memory than there is while {}".format(doing), "allow more with --memory") from None
    except Exception as error:
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise Refused("it is damaged or cut off ({}: {})".format(doing, said), DAMAGED) from None
