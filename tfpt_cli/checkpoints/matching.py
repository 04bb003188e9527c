"""Which entries of a file are which parameters of a model, by their names."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfpt_cli.checkpoints.names import is_counter, shown, words
from tfpt_cli.language.shapes import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tfpt_cli.checkpoints.contents import Entry
    from tfpt_cli.language.shapes import Shape

# What a model's names may have in front that those of a file have not, or the other way round, in parts.
_DEEPEST = 4
_Key = tuple[str, ...]
_PART = re.compile(r"[^./]+")


@dataclass(frozen=True)
class Matched:
    """The entries of a file beside a model's parameters: `entries` by parameter, and what is left over on both sides.

    `missing` are parameters without an entry, `further` entries without a parameter. `prefix` is what all names of the file have
    in front, and the model's have not.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    further: tuple[Entry, ...] = ()
    prefix: str = ""


def matched(entries: Sequence[Entry], names: Mapping[str, Iterable[str]]) -> Matched:
    """The entries that are a model's parameters; `names` are all that each may be called in a file, by what the model calls it.

    A name is the same where only what is put in front of all of them is another, as `module.` is, or the spelling of a path.

    >>> from tfpt_cli.checkpoints.contents import Entry
    >>> found = matched([Entry("module.fc.weight", (4, 3), "float32")], {"fc.weight": ["fc.weight"], "fc.bias": ["fc.bias"]})
    >>> found.entries["fc.weight"].name, found.missing, found.prefix
    ('module.fc.weight', ('fc.bias',), 'module')
    """
    known: dict[_Key, str] = {}
    for name, others in names.items():
        for other in (name, *others):
            known.setdefault(_key(other), name)
    written, called = [entry.name for entry in entries], [entry.called for entry in entries]
    plain = _matched(entries, written, called, known, names)
    if not plain.missing and not plain.further:
        return plain
    counted = _matched(entries, by_order(written), by_order(called), known, names)
    return counted if len(counted.entries) > len(plain.entries) else plain


def by_order(names: Sequence[str]) -> list[str]:
    """Names with the numbers of counted parts as their order among them: `conv2d_7` is `conv2d` where no lower one is there.

    Keras counts the names that it gives from the start of a process: of those in a file only the order says something.

    >>> by_order(["net_2/conv2d_3/kernel", "net_2/conv2d_9/kernel"])
    ['net/conv2d/kernel', 'net/conv2d_1/kernel']
    """
    numbers: dict[str, set[int]] = {}
    for part in {part for name in names for part in _PART.findall(name)}:
        stem, number = _counted(part)
        numbers.setdefault(stem, set()).add(number)
    ranks = {stem: {n: rank for rank, n in enumerate(sorted(each))} for stem, each in numbers.items()}

    def read(part: re.Match[str]) -> str:
        stem, number = _counted(part[0])
        rank = ranks[stem][number]
        return f"{stem}_{rank}" if rank else stem

    return [_PART.sub(read, name) for name in names]


def _counted(part: str) -> tuple[str, int]:
    """A counted name as its stem and its number, 0 where it has none.

    >>> _counted("conv2d_7"), _counted("fc")
    (('conv2d', 7), ('fc', 0))
    """
    counted = re.fullmatch(r"(.*[^\W\d].*)_(\d+)", part)
    return (counted[1], int(counted[2])) if counted else (part, 0)


def _matched(
    entries: Sequence[Entry],
    written: Sequence[str],
    called: Sequence[str],
    known: Mapping[_Key, str],
    names: Iterable[str],
) -> Matched:
    """The entries that are a model's parameters, each found by one of two names, and what is left over on both sides.

    In the order of `entries`, `written` has the name of each and `called` what the file calls it besides, empty for nothing.
    `known` gives the parameter that may be called so, and `names` are all parameters. What most names have in front on one side
    alone counts for nothing.
    """
    keys = [(_key(name), _key(other)) for name, other in zip(written, called, strict=True)]
    front, behind = _prefixes([key for key, _ in keys], list(known))
    found: dict[str, Entry] = {}
    further: list[Entry] = []
    for entry, (key, other) in zip(entries, keys, strict=True):
        tried = ((*behind, *_without(key, front)), other)
        own = next((known[each] for each in tried if each in known and known[each] not in found), None)
        if own is not None:
            found[own] = entry
        elif not is_counter(entry.name):
            further.append(entry)
    missing = tuple(name for name in names if name not in found)
    return Matched(found, missing, tuple(further), ".".join(front))


def _key(name: str) -> _Key:
    """The parts of a name; the last is as it is spelled, which tells the frameworks apart."""
    parts = words(name)
    return (*parts[:-1], shown(name).replace(".", "/").rpartition("/")[2]) if parts else ()


def _without(key: _Key, front: _Key) -> _Key:
    return key[len(front) :] if key[: len(front)] == front else key


def _prefixes(keys: Sequence[_Key], known: Sequence[_Key]) -> tuple[_Key, _Key]:
    """What names of a file have in front, and what a model's have, so that most are the same without it."""
    there = set(known)
    best: tuple[_Key, _Key] = ((), ())
    most = sum(key in there for key in keys)
    fronts = Counter(key[:depth] for key in keys for depth in range(1, min(_DEEPEST, len(key) - 1) + 1))
    for front, _ in fronts.most_common(24):
        count = sum(_without(key, front) in there for key in keys)
        if count > most:
            best, most = (front, ()), count
    behinds = Counter(key[:depth] for key in known for depth in range(1, min(_DEEPEST, len(key) - 1) + 1))
    for behind, _ in behinds.most_common(24):
        count = sum((*behind, *key) in there for key in keys)
        if count > most:
            best, most = ((), behind), count
    return best


def problems(found: Matched, shapes: Mapping[str, Shape], label: str) -> list[str]:
    """What is wrong with a file whose entries are a model's: everything by name, with the nearest names; `label` is its side.

    `shapes` are those that the model's parameters have.
    """
    further = [entry.name for entry in found.further]
    said = []
    if found.missing:
        each = []
        for name in found.missing:
            close = difflib.get_close_matches(name, further, n=2)
            each.append(f"{name} {show(shapes[name])}" + (f" (in the file: {' or '.join(close)}?)" if close else ""))
        said.append(f"it has no entry for {label}'s {', '.join(each)}")
    apart = [
        f"{entry.name} is {show(entry.shape)}, and {show(shapes[name])} in {label}"
        for name, entry in found.entries.items()
        if entry.shape != shapes[name]
    ]
    if apart:
        said.append(f"entries have other shapes: {'; '.join(apart)}")
    if said and further:
        said.append(f"further entries that no parameter has: {', '.join(further)}")
    return said
