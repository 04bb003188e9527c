"""Which entries of two files correspond, as far as the files alone tell: by name, by their numbers, by shape and order."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.checkpoints.names import common_prefix, words

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from tfpt_cli.checkpoints.contents import Contents, Entry, Statistics

BY_NAME, BY_NUMBERS, BY_SHAPE, BY_ORDER = "name", "numbers", "shape", "order"
# In this order Keras numbers the variables of a layer; a file may have them by the alphabet.
_ROLES = ("weight", "bias", "running_mean", "running_var")


@dataclass(frozen=True)
class PairedEntries:
    """Two entries that correspond, and by what they were paired: `name`, `numbers`, `shape` or `order`."""

    first: Entry
    second: Entry
    by: str

    @property
    def fits(self) -> bool:
        """Whether both have the same axes, in whatever order."""
        return _size(self.first) == _size(self.second)


@dataclass(frozen=True)
class Paired:
    """The pairs of two files in the order of the first, and the entries that only one of them has."""

    pairs: tuple[PairedEntries, ...]
    only_first: tuple[Entry, ...]
    only_second: tuple[Entry, ...]


def paired(
    first: Contents,
    second: Contents,
    statistics: tuple[Mapping[str, Statistics], Mapping[str, Statistics]] | None = None,
) -> Paired:
    """The entries of two files that correspond; with the statistics of both, by name, also those that hold the same numbers.

    Prefixes that all names of a file have do not count, nor do the frameworks' own spellings (`kernel` is `weight`). Names
    come first, where the shapes fit; then the numbers, whatever the order of the axes; then shapes that stand once on each
    side, and the order among as many of one shape. Last come equal names whose shapes do not fit.
    """
    left, right = _Rest(first), _Rest(second)
    pairs: list[PairedEntries] = []

    def take(by: str, mark: Callable[[_Rest, Entry], Hashable | None], *, ordered: bool = False) -> None:
        theirs = right.marked(mark)
        for key, ours in left.marked(mark).items():
            others = theirs.get(key, [])
            if ours and len(ours) == len(others) and (len(ours) == 1 or ordered):
                for one, other in zip(ours, others, strict=True):
                    pairs.append(PairedEntries(one, other, by))
                    del left.entries[one.name]
                    del right.entries[other.name]

    take(BY_NAME, lambda rest, entry: (rest.spelled(entry), _size(entry)))
    if left.numbered or right.numbered:
        take(BY_NAME, lambda rest, entry: (rest.place(entry), _size(entry)))
    if statistics is not None:
        numbers = {id(left): statistics[0], id(right): statistics[1]}
        for axes in (True, False):  # equal numbers in the same axes first: a vector and its copy as a row are two
            take(BY_NUMBERS, lambda rest, entry: _fingerprint(entry, numbers[id(rest)].get(entry.name), axes=axes))  # noqa: B023
    take(BY_NAME, lambda rest, entry: rest.spelled(entry))
    take(BY_SHAPE, lambda _, entry: _size(entry))
    take(BY_ORDER, lambda _, entry: _size(entry), ordered=True)
    order = {name: place for place, name in enumerate(first.names)}
    pairs.sort(key=lambda pair: order[pair.first.name])
    return Paired(tuple(pairs), tuple(left.entries.values()), tuple(right.entries.values()))


class _Rest:
    """What is not paired yet of a file, layer by layer, and how its names are spelled."""

    def __init__(self, contents: Contents) -> None:
        prefix = len(common_prefix(contents.names))
        self.numbered = any("/vars/" in entry.name for entry in contents.entries)
        self._words = {entry.name: words(entry.called or entry.name[prefix:]) for entry in contents.entries}
        layers: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
        for entry in contents.entries:
            layers[self._words[entry.name][:-1]].append(entry)
        self._places: dict[str, tuple[str, ...]] = {}
        self.entries: dict[str, Entry] = {}
        for layer, entries in layers.items():
            for place, entry in enumerate(sorted(entries, key=self._role)):
                self._places[entry.name] = (*layer, str(place))
                self.entries[entry.name] = entry

    def spelled(self, entry: Entry) -> tuple[str, ...]:
        """The parts of an entry's name, as PyTorch would spell them."""
        return self._words[entry.name]

    def place(self, entry: Entry) -> tuple[str, ...]:
        """The name of an entry's layer, and its place there: Keras's `.weights.h5` numbers a layer's variables."""
        return self._places[entry.name]

    def _role(self, entry: Entry) -> int:
        word = self._words[entry.name][-1:]
        return next((place for place, role in enumerate(_ROLES) if word == (role,)), len(_ROLES))

    def marked(self, mark: Callable[[_Rest, Entry], Hashable | None]) -> dict[Hashable, list[Entry]]:
        """The entries by a mark, but those whose mark is None."""
        found: dict[Hashable, list[Entry]] = defaultdict(list)
        for entry in self.entries.values():
            key = mark(self, entry)
            if key is not None:
                found[key].append(entry)
        return found


def _size(entry: Entry) -> tuple[int, ...]:
    """The lengths of an entry's axes, whatever their order."""
    return tuple(sorted(entry.shape))


def _fingerprint(entry: Entry, statistics: Statistics | None, *, axes: bool) -> Hashable | None:
    """What does not change where axes are moved; None for numbers that many entries have, such as all zeros."""
    if statistics is None or not math.isfinite(statistics.mean) or statistics.least == statistics.greatest:
        return None
    shape: Iterable[int] = entry.shape if axes else _size(entry)
    return (tuple(shape), statistics.least, statistics.greatest, f"{statistics.std:.6g}")
