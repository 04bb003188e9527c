"""Which layers of two models correspond: by how data flows, by name, by order among equal ones, by class, by what they hold.

A layer that holds parameters is a *unit*.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tfpt_cli.layers.known import row_of_layers
from tfpt_cli.layers.slots import slots
from tfpt_cli.subjects.model.fused import activation_next_to
from tfpt_cli.subjects.model.units import Flow, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfpt_cli.dictionary.records import Layer as Row
    from tfpt_cli.layers.slots import Slot
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.units import Unit

# How many steps away in the flow of data a layer is told by.
_DEPTH = 8


@dataclass(frozen=True)
class Match:
    """Two units that correspond, with the row that knows both as one layer and what each call means by it, and why.

    `sure` says that their names or the flow of data tell so, and not their size or their order alone.
    """

    torch: Unit
    keras: Unit
    why: str
    row: Row | None = None
    slots: tuple[Slot, ...] = ()
    sure: bool = True

    @property
    def packs(self) -> bool:
        """Whether a side has in one layer what the other has in several, or parts of it in another order."""
        return bool(self.torch.members or self.keras.members)


def matched(torch: list[Unit], keras: list[Unit], one: Inventory, other: Inventory) -> list[Match]:
    """The units that correspond: by how data flows where that tells them apart, else by their order among equal ones."""
    flows = Flow(one, torch), Flow(other, keras)
    left, right = list(range(len(torch))), list(range(len(keras)))
    found: list[tuple[int, int, str, bool]] = []

    def take(i: int, j: int, why: str, *, sure: bool) -> None:
        left.remove(i)
        right.remove(j)
        found.append((i, j, why, sure))

    for depth in range(_DEPTH, -1, -1):
        marks = [{}, {}]  # type: list[dict[object, list[int]]]
        for mark, flow, rest in zip(marks, flows, (left, right), strict=True):
            for unit in rest:
                mark.setdefault(flow.mark(unit, depth), []).append(unit)
        for key, ours in marks[0].items():
            theirs = marks[1].get(key, [])
            if len(ours) == len(theirs) and len(ours) == 1 and may_be_one(torch[ours[0]], keras[theirs[0]]):
                take(ours[0], theirs[0], "by how the data flows" if depth else "by its size", sure=depth > 0)
        for key, ours in marks[0].items():
            ours = [i for i in ours if i in left]
            theirs = [j for j in marks[1].get(key, []) if j in right]
            if len(ours) != len(theirs) or len(ours) < 2:
                continue
            for i, j, why, sure in _equal_ones(ours, theirs, (torch, keras), (one, other), flows):
                take(i, j, why, sure=sure)
    for ours_left, theirs_left, why in _by_class_or_shape([torch[i] for i in left], [keras[j] for j in right]):
        take(torch.index(ours_left), keras.index(theirs_left), why, sure=False)
    found.sort(key=lambda item: torch[item[0]].order)
    return [replace(match_of(torch[i], keras[j], why), sure=sure) for i, j, why, sure in found]


def _equal_ones(
    ours: Sequence[int],
    theirs: Sequence[int],
    units: tuple[Sequence[Unit], Sequence[Unit]],
    inventories: tuple[Inventory, Inventory],
    flows: tuple[Flow, Flow],
) -> Iterator[tuple[int, int, str, bool]]:
    """Pairs of as many units that look alike in both models, each with why, and whether that is sure.

    Their paths tell, or the ends of those, `0.attention.query`, where each is as often in both models, or the inputs that they
    compute with, or the activation behind them, as that of a gate; then their order alone.
    """
    torch, keras = units
    by_name = {plain(torch[i].name): i for i in ours}, {plain(keras[j].name): j for j in theirs}
    if set(by_name[0]) == set(by_name[1]) and len(by_name[0]) == len(ours):
        yield from ((i, by_name[1][name], "by name", True) for name, i in by_name[0].items())
        return
    rest = sorted(ours, key=lambda i: torch[i].order), sorted(theirs, key=lambda j: keras[j].order)
    ends = [[plain(own[u].paths[-1].rpartition(".")[2]) for u in group] for own, group in zip(units, rest, strict=True)]
    if sorted(ends[0]) == sorted(ends[1]) and not all(end.isdigit() for end in ends[0]):
        yield from ((i, j, "by name and order", True) for i, j in _of_one_label(rest, ends))
        return
    given = [[flow.inputs(u) for u in group] for flow, group in zip(flows, rest, strict=True)]
    if len({*given[0]}) > 1 and Counter(given[0]) == Counter(given[1]):
        alone = len({*given[0]}) == len(ours)
        yield from ((i, j, "by the inputs that reach it", alone) for i, j in _of_one_label(rest, given))
        return
    behind = [
        [activation_next_to(inventory, own[u].paths[-1]) or None for u in group]
        for inventory, own, group in zip(inventories, units, rest, strict=True)
    ]
    told = dict(_of_one_label(rest, behind))
    yield from ((i, j, "by activation and order", False) for i, j in told.items())
    left = [i for i in rest[0] if i not in told], [j for j in rest[1] if j not in told.values()]
    # As many of a person's own classes on both sides stand beside each other, whatever of one size is between them.
    own = sum(torch[i].call is None for i in left[0]) == sum(keras[j].call is None for j in left[1])
    ordered = [
        sorted(group, key=lambda u, held=held: (own and held[u].call is None, held[u].order))  # type: ignore[misc]
        for group, held in zip(left, units, strict=True)
    ]
    yield from ((i, j, "by order among equal layers", False) for i, j in zip(*ordered, strict=True))


def _of_one_label(units: Sequence[Sequence[int]], labels: Sequence[Sequence[object]]) -> Iterator[tuple[int, int]]:
    """Units of both models in their order, those of one label beside each other, where as many have it on both sides."""
    for label in dict.fromkeys(label for label in labels[0] if label is not None):
        ours, theirs = (
            [u for u, own in zip(*each, strict=True) if own == label] for each in zip(units, labels, strict=True)
        )
        if len(ours) == len(theirs):
            yield from zip(ours, theirs, strict=True)


def _by_class_or_shape(torch: Sequence[Unit], keras: Sequence[Unit]) -> Iterator[tuple[Unit, Unit, str]]:
    """What is left of the units: those that a row knows as one layer, by name, in their order, then those of the same shapes."""
    rest = sorted(keras, key=lambda unit: unit.order)
    named = {plain(unit.name): unit for unit in rest}
    last, unnamed = [], []
    for unit in sorted(torch, key=lambda unit: unit.order):
        namesake = named.get(plain(unit.name))
        if namesake in rest and namesake.size == unit.size and row_of(unit, namesake) is not None:
            rest.remove(namesake)
            yield unit, namesake, "by name"
        else:
            unnamed.append(unit)
    for unit in unnamed:
        options = [other for other in rest if row_of(unit, other) is not None]
        same = [other for other in options if unit.size == other.size]
        if same or len(options) == 1 or (options and len(torch) == len(keras)):
            rest.remove((same or options)[0])
            yield unit, (same or options)[0], "by its class and order"
        else:
            last.append(unit)
    for unit in last:
        others = [other for other in rest if _shapes(other) == _shapes(unit)]
        if others:
            rest.remove(others[0])
            yield unit, others[0], "by the shapes of what it holds, though no row knows both classes as one"


def _shapes(unit: Unit) -> list[list[int]]:
    """The shapes of what a unit holds, whatever the order of their axes."""
    return sorted(sorted(tensor.shape) for tensor in unit.tensors)


def may_be_one(torch: Unit, keras: Unit) -> bool:
    """Whether two units can be one layer: a row knows both as one, or none knows either."""
    return row_of(torch, keras) is not None or torch.call is None or keras.call is None


def row_of(torch: Unit, keras: Unit) -> Row | None:
    """The row that knows two units as one layer; None where none does, or either is a class of a person's own."""
    if torch.call is None or keras.call is None:
        return None
    return row_of_layers(torch.call, keras.call)[0]


def match_of(torch: Unit, keras: Unit, why: str) -> Match:
    """Two units as ones that correspond, with what the row that knows both says of them."""
    if torch.call is None or keras.call is None:
        return Match(torch, keras, why)
    row, settings = row_of_layers(torch.call, keras.call)
    if row is None:
        return Match(torch, keras, why)
    return Match(torch, keras, why, row, tuple(slots(row, settings)))
