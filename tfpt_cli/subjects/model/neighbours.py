"""Parameters of a person's own that are told by the layers around them: whose results they meet, and which layers come after.

A parameter is held by a layer that is called, or it is read by code between layers, `x * self.gamma`. The layers around it
are those that a row knows on both sides, which are paired before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.language.shapes import Shape, without_ones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tfpt_cli.subjects.model.inventory import Event, Inventory, Output, Tensor

# The layers, by numbers that are the same on both sides, whose results reach a parameter, and those that it reaches; the
# outputs are number -1. Behind them the sizes of what is held there.
_Place = tuple[frozenset[int], frozenset[int], tuple[Shape, ...]]


@dataclass(frozen=True)
class _Graph:
    """The calls of one model, where `known` has the number of a layer by its path."""

    inventory: Inventory
    known: Mapping[str, int]

    def before(self, origin: Iterable[int]) -> frozenset[int]:
        """The known layers whose results reach what comes from some events."""
        rest, seen, found = list(origin), set[int](), set[int]()
        while rest:
            index = rest.pop()
            if index in seen:
                continue
            seen.add(index)
            event = self.inventory.events[index]
            if event.layer is not None and event.layer in self.known:
                found.add(self.known[event.layer])
            else:
                rest += event.origin
        return frozenset(found)

    def after(self, reads: Callable[[Event | Output], bool]) -> frozenset[int]:
        """The known layers that read something, by what reads it itself; -1 for the outputs."""
        reached, found = set[int](), set[int]()
        for event in self.inventory.events:
            if reads(event) or reached & set(event.origin):
                if event.layer is not None and event.layer in self.known:
                    found.add(self.known[event.layer])
                else:
                    reached.add(event.index)
        if any(reads(output) or reached & set(output.origin) for output in self.inventory.outputs):
            found.add(-1)
        return frozenset(found)

    def places(self, tensors: Sequence[Tensor]) -> Iterator[tuple[_Place, list[Tensor]]]:
        """Where the layers stand that hold some tensors, and the code that reads one, each with what is held."""
        held: dict[str, list[Tensor]] = {}
        for tensor in tensors:
            held.setdefault(self.inventory.leaf_of(tensor.layer), []).append(tensor)
        for path, group in held.items():
            calls = {event.index for event in self.inventory.events if event.layer == path}
            if calls:
                origin = [other for index in calls for other in self.inventory.events[index].origin]
                after = self.after(lambda each, calls=calls: bool(calls & set(each.origin)))  # type: ignore[misc]
                yield (self.before(origin), after, _sizes(group)), group
                continue
            for tensor in group:
                uses = {place for place, use in enumerate(self.inventory.uses) if tensor.name in use.reads}
                if uses:
                    origin = [other for place in uses for other in self.inventory.uses[place].origin]
                    after = self.after(lambda each, uses=uses: bool(uses & set(each.uses)))  # type: ignore[misc]
                    yield (self.before(origin), after, _sizes([tensor])), [tensor]


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


def _sizes(tensors: Sequence[Tensor]) -> tuple[Shape, ...]:
    """The shapes of tensors, whatever the order of their axes, without those of length one."""
    return tuple(sorted(tuple(sorted(without_ones(tensor.shape))) for tensor in tensors))
