"""Parameters of a person's own that are told by the layers around them: whose results they meet, and which layers come after.

A parameter is held by a layer that is called, or it is read by code between layers, `x * self.gamma`. The layers around it
are those that a row knows on both sides, which are paired before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.language.shapes import Shape
from tfpt_cli.subjects.model.inventory import reaching

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from tfpt_cli.subjects.model.inventory import Event, Inventory, Output, Tensor

# The layers, by numbers that are the same on both sides, whose results reach a parameter, and those that it reaches; the
# outputs are number -1. Behind them the sizes of what is held there.
_Place = tuple[frozenset[int], frozenset[int], tuple[Shape, ...]]


@dataclass(frozen=True)
class _Graph:
    """The calls of one model, where `known` has the number of a layer by its path."""

    inventory: Inventory
    known: Mapping[str, int]

    def number(self, event: Event) -> int | None:
        """The number of the layer that an event calls; None for one that is not known, and for a function."""
        return None if event.layer is None else self.known.get(event.layer)

    def before(self, origin: Iterable[int]) -> frozenset[int]:
        """The known layers whose results reach what comes from some events."""
        events = self.inventory.events
        numbers = {event.index: number for event in events if (number := self.number(event)) is not None}
        return frozenset(numbers[index] for index in reaching(events, origin, numbers))

    def after(self, calls: Collection[int], uses: Collection[int]) -> frozenset[int]:
        """The known layers that some calls, or uses of parameters, reach; -1 for the outputs."""
        reached, found = set(calls), set[int]()
        for event in self.inventory.events:
            if not self.reads(event, reached, uses):
                continue
            number = self.number(event)
            if number is None:
                reached.add(event.index)
            else:
                found.add(number)
        if any(self.reads(output, reached, uses) for output in self.inventory.outputs):
            found.add(-1)
        return frozenset(found)

    @staticmethod
    def reads(each: Event | Output, calls: Collection[int], uses: Collection[int]) -> bool:
        """Whether one of some calls or uses of parameters is among what something is computed of."""
        return any(index in calls for index in each.origin) or any(place in uses for place in each.uses)

    def places(self, tensors: Sequence[Tensor]) -> Iterator[tuple[_Place, list[Tensor]]]:
        """Where the layers stand that hold some tensors, and the code that reads one, each with what is held."""
        events, every_use = self.inventory.events, self.inventory.uses
        held: dict[str, list[Tensor]] = {}
        for tensor in tensors:
            held.setdefault(self.inventory.leaf_of(tensor.layer), []).append(tensor)
        for path, group in held.items():
            calls = {event.index for event in events if event.layer == path}
            if calls:
                yield self.place(group, [other for index in calls for other in events[index].origin], calls, ()), group
                continue
            for tensor in group:
                uses = {place for place, use in enumerate(every_use) if tensor.name in use.reads}
                if uses:
                    origin = [other for place in uses for other in every_use[place].origin]
                    yield self.place([tensor], origin, (), uses), [tensor]

    def place(
        self, held: Sequence[Tensor], origin: Iterable[int], calls: Collection[int], uses: Collection[int]
    ) -> _Place:
        """The place of tensors that some calls, or uses of parameters, compute with, which come from the events of an origin."""
        return self.before(origin), self.after(calls, uses), tuple(sorted(tensor.sizes for tensor in held))


def by_neighbours(
    torch: Inventory,
    keras: Inventory,
    known: Sequence[tuple[Sequence[str], Sequence[str]]],
    left: tuple[Sequence[Tensor], Sequence[Tensor]],
) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
    """What is held at the only place on either side that is between the same layers, of all that is left over.

    `known` are the paths of each layer in PyTorch and in Keras.
    """
    found: list[dict[_Place, list[list[Tensor]]]] = [{}, {}]
    for side, (inventory, tensors) in enumerate(zip((torch, keras), left, strict=True)):
        graph = _Graph(inventory, {path: number for number, paths in enumerate(known) for path in paths[side]})
        for place, group in graph.places(tensors):
            found[side].setdefault(place, []).append(group)
    for place, groups in found[0].items():
        others = found[1].get(place, [])
        if len(groups) == len(others) == 1 and any(place[:2]):
            yield groups[0], others[0]
