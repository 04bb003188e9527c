"""The weights of both sides from a file: whose names it has, which entry is which parameter, and their numbers.

The file is opened in the process of the framework whose format it is, and its numbers come from there as arrays.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfpt_cli.checkpoints.contents import entries_of
from tfpt_cli.checkpoints.matching import Matched, by_order, matched, problems
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW
from tfpt_cli.language.mentions import few
from tfpt_cli.listing import Leaf, Section, listing
from tfpt_cli.results import INVENTORY, PLAIN, Quantity, State
from tfpt_cli.subjects.model.looking import Stopped
from tfpt_cli.subjects.subject import Round

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.checkpoints.contents import Entry
    from tfpt_cli.frameworks import Side
    from tfpt_cli.results import Outcome
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.looking import Looked
    from tfpt_cli.subjects.model.spec import WeightFile
    from tfpt_cli.subjects.model.writer import ModelWriter

_ENTRIES, _NAMES = Quantity(kind=INVENTORY, output="entries"), Quantity(kind=INVENTORY, output="names in files")


@dataclass(frozen=True)
class Stored:
    """The weights of a file: the side whose names it has, that side's numbers by path, and what is to be known of it."""

    side: Side
    numbers: Mapping[str, NDArray[Any]]
    notes: tuple[str, ...] = ()


def stored(file: WeightFile, looked: Looked, writers: Mapping[Side, ModelWriter]) -> Any:
    """Has a file read, and gives what is in it as `Stored`; raises `Stopped` where it does not fit the side that it is of."""
    found = yield from _asked(file, looked, next(iter(writers)), "found")
    framework = found.get("framework")
    if framework not in ("", *FRAMEWORKS):
        raise Stopped(
            looked.outcomes, f"{file.shown} cannot be read: its process says no format of it, but {str(found)[:60]}"
        )
    opener = next((side for side in writers if side.framework == framework), next(iter(writers)))
    if framework and opener.framework != framework:
        raise Stopped(looked.outcomes, f"{file.shown} is a file of {FRAMEWORKS[framework].label}, and no side is")
    there = yield from _asked(file, looked, opener, "described")
    try:
        entries = list(entries_of(there))
    except ValueError as error:
        raise Stopped(
            looked.outcomes, f"{file.shown} cannot be read: {opener.label}'s process talks nonsense: {error}"
        ) from None
    written = str(there.get("written") or found.get("format"))
    names = yield from _names(written, looked, writers)
    owner, held = _owner(entries, names, looked, file, [s for s in writers if framework in ("", s.framework)])
    shapes = {tensor.name: tensor.shape for tensor in looked.inventories[owner].tensors}
    if wrong := problems(held, shapes, owner.label):
        raise Stopped(looked.outcomes, *(f"{file.shown}: {words}" for words in wrong))
    reading = [Section("import weight_files\n" + f"reader = weight_files.open_file({file.path!r})", required=True)]
    # Each in a section of its own, so that it is sent before the next one is read.
    for name, entry in held.entries.items():
        leaf = Leaf(Quantity(kind=INVENTORY, output=name), PLAIN, f"weight_files.plain(reader, {entry.name!r})")
        reading.append(Section("", (leaf,)))
    outcomes = yield Round({opener: listing(opener.framework, reading)})
    read = outcomes[opener]
    numbers = {}
    for name in held.entries:
        value = read.values.get((Quantity(kind=INVENTORY, output=name), PLAIN))
        if value is None or value.state is not State.PRESENT:
            raise Stopped(looked.outcomes, f"{file.shown} cannot be read: {_said(read)}")
        numbers[name] = value.array
    return Stored(owner, numbers, tuple(_notes(file, owner, held)))


def _asked(file: WeightFile, looked: Looked, side: Side, what: str) -> Any:
    """What a function of `weight_files` says of a file in a side's process; raises `Stopped` where it cannot be read."""
    expression = f"traces.sent(weight_files.{what}({file.path!r}))"
    section = Section("import traces, weight_files", (Leaf(_ENTRIES, PLAIN, expression),))
    outcomes = yield Round({side: listing(side.framework, [section])})
    sent = outcomes[side].values.get((_ENTRIES, PLAIN))
    if sent is None or sent.state is not State.PRESENT:
        raise Stopped(looked.outcomes, f"{file.shown} cannot be read: {_said(outcomes[side])}")
    try:
        said = json.loads(bytes(sent.array))
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        words = f"{side.label}'s process talks nonsense: {bytes(sent.array)[:40]!r}"
        raise Stopped(looked.outcomes, f"{file.shown} cannot be read: {words}")
    return said


def _said(outcome: Outcome) -> str:
    """Why a file could not be read, in its reader's words."""
    words = outcome.failures[0].message if outcome.failures else "its process left nothing"
    return words.removeprefix("Refused: ")


def _names(file_format: str, looked: Looked, writers: Mapping[Side, ModelWriter]) -> Any:
    """By side, all that each parameter of its model may be called in a file of this format."""
    names = {side: _own_names(looked.inventories[side]) for side in writers}
    side = next((side for side in writers if side.framework == TENSORFLOW), None)
    if side is None or file_format in ("torch", "safetensors", "npz", "sharded"):
        return names
    inventory = looked.inventories[side]
    sections = writers[side].names_in_files(inventory, file_format, Leaf(_NAMES, PLAIN, "names"))
    outcomes = yield Round({side: listing(side.framework, sections)})
    sent = outcomes[side].values.get((_NAMES, PLAIN))
    if sent is not None and sent.state is State.PRESENT:
        tensors = {tensor.index: tensor.name for tensor in inventory.tensors}
        for family in json.loads(bytes(sent.array))["names"]:
            for name, (_, index) in zip(by_order([name for name, _ in family]), family, strict=True):
                if tensors.get(index) in names[side]:
                    names[side][tensors[index]].append(name)
    return names


def _own_names(inventory: Inventory) -> dict[str, list[str]]:
    """What the parameters of a model may be called by the model itself, by their paths."""
    tensors = [tensor for tensor in inventory.tensors if tensor.real]
    called = by_order([tensor.called for tensor in tensors])
    return {t.name: [*t.also, *([name] if name else [])] for t, name in zip(tensors, called, strict=True)}


def _owner(
    entries: list[Entry],
    names: Mapping[Side, Mapping[str, list[str]]],
    looked: Looked,
    file: WeightFile,
    possible: Sequence[Side],
) -> tuple[Side, Matched]:
    """The side whose names a file has, and its entries beside that side's parameters."""
    found = {side: matched(entries, known) for side, known in names.items()}
    counts = {side: len(found[side].entries) for side in possible}
    best = max(possible, key=lambda side: counts[side])
    if not counts[best]:
        some = ", ".join(entry.name for entry in entries[:4])
        theirs = "; ".join(f"{side.label} {', '.join(list(names[side])[:3])}" for side in names)
        words = f"{file.shown} has the names of neither model: {some}{', ...' * (len(entries) > 4)} ({theirs})"
        raise Stopped(looked.outcomes, words)
    return best, found[best]


def _notes(file: WeightFile, side: Side, found: Matched) -> list[str]:
    """What is to be known of a file that was read: what stands in front of its names, what it has besides, its dtypes."""
    notes = [f"both sides have the weights of {file.shown}, which has {side.label}'s names"]
    if found.prefix:
        notes.append(f"in {os.path.basename(file.path)} '{found.prefix}.' stands in front of all names")
    if found.further:
        names = few([entry.name for entry in found.further])
        notes.append(f"in {os.path.basename(file.path)}, and of no parameter: {names}")
    narrow = sorted({entry.dtype for entry in found.entries.values()} - {"float32", "float64"})
    if narrow:
        notes.append(
            f"the numbers of {os.path.basename(file.path)} are {', '.join(narrow)}: both sides have them as they are"
        )
    return notes
