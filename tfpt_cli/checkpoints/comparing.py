"""One file of weights looked through, or two laid side by side: statistics, pairs, and how far each pair is apart."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from tfpt_cli.checkpoints.differences import apart, layouts
from tfpt_cli.checkpoints.names import is_counter, shown
from tfpt_cli.checkpoints.pairing import Paired, PairedEntries, paired

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tfpt_cli.checkpoints.contents import Contents, Entry, Statistics


class Readable(Protocol):
    """An open file, as `tfpt_cli.workers.checkpoint` has it."""

    contents: Contents

    def statistics(self, name: str) -> Statistics:
        """The statistics of an entry."""

    def read(self, name: str) -> NDArray[Any]:
        """The numbers of an entry."""


@dataclass(frozen=True)
class Inspected:
    """What is in a file, and the statistics of its entries by name."""

    contents: Contents
    statistics: Mapping[str, Statistics]


class Sameness(StrEnum):
    """How the numbers of two entries are, under the layout of the pair."""

    IDENTICAL = "identical"
    ROUNDED = "rounded"  # the same once both are in the coarser dtype
    DIFFERS = "differs"
    SHAPES = "shapes"  # the shapes do not fit


@dataclass(frozen=True)
class ComparedPair:
    """A pair with the layout that takes the first to the second, the largest difference under it, and how they are."""

    pair: PairedEntries
    sameness: Sameness
    layout: str = ""
    largest: float | None = None


@dataclass(frozen=True)
class Compared:
    """Two files side by side: both looked through, their pairs compared, and what only one has.

    Counters of batches that only one has are no difference; `counters` names them.
    """

    files: tuple[Inspected, Inspected]
    pairs: tuple[ComparedPair, ...]
    only: tuple[tuple[Entry, ...], tuple[Entry, ...]]
    counters: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both files hold the same numbers, up to layouts and the rounding of dtypes."""
        fine = (Sameness.IDENTICAL, Sameness.ROUNDED)
        return all(each.sameness in fine for each in self.pairs) and not any(self.only)


def inspect(file: Readable) -> Inspected:
    """A file looked through, entry by entry. Raises `CannotRead`."""
    return Inspected(file.contents, {name: file.statistics(name) for name in file.contents.names})


def compare(first: Readable, second: Readable) -> Compared:
    """Two files laid side by side, of which two entries at a time are in memory. Raises `CannotRead`."""
    files = inspect(first), inspect(second)
    found: Paired = paired(first.contents, second.contents, (files[0].statistics, files[1].statistics))
    only = found.only_first, found.only_second
    return Compared(
        files=files,
        pairs=tuple(_compared(pair, first, second) for pair in found.pairs),
        only=(_without_counters(only[0]), _without_counters(only[1])),
        counters=tuple(entry.name for entries in only for entry in entries if is_counter(entry.name)),
    )


def _without_counters(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if not is_counter(entry.name))


def _compared(pair: PairedEntries, first: Readable, second: Readable) -> ComparedPair:
    fitting = layouts(pair.first.shape, pair.second.shape)
    if not fitting:
        return ComparedPair(pair, Sameness.SHAPES)
    # A kernel against a weight is of a layer whose axes the frameworks order in their own way, also where it is square.
    kernels = [_last(entry) == "kernel" for entry in (pair.first, pair.second)]
    usual = next((layout for layout in fitting if layout), None) if kernels[0] != kernels[1] else ""
    found = apart(first.read(pair.first.name), second.read(pair.second.name), usual)
    assert found is not None
    sameness = Sameness.ROUNDED if found.rounded else Sameness.IDENTICAL if found.same else Sameness.DIFFERS
    return ComparedPair(pair, sameness, found.layout, found.largest)


def _last(entry: Entry) -> str:
    return shown(entry.called or entry.name).replace(".", "/").rpartition("/")[2]
