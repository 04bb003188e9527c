"""The rounds in which the layers of both models are watched: in the models, and each by itself on what PyTorch's is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.distance import largest, relative_distance
from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.listing import listing
from tfpt_cli.results import VALUE
from tfpt_cli.results.layers import SAME
from tfpt_cli.subjects.model.alignment import aligned
from tfpt_cli.subjects.model.axis_orders import flattened
from tfpt_cli.subjects.model.comparer import SAME_IN_FLOAT32, SAME_IN_SINGLE, array_of
from tfpt_cli.subjects.model.rounding import ill_conditioned, rounded
from tfpt_cli.subjects.model.side_by_side import Layers, Watched
from tfpt_cli.subjects.model.spec import layer_quantity
from tfpt_cli.subjects.model.writer import BETWEEN, MADE, way_of
from tfpt_cli.subjects.subject import Round

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side
    from tfpt_cli.listing import Listing, Section
    from tfpt_cli.results import Comparison, Outcome, Quantity, Way
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.looking import Looked
    from tfpt_cli.subjects.model.pairing import Pairing
    from tfpt_cli.subjects.model.side_by_side import Measured
    from tfpt_cli.subjects.model.spec import Model
    from tfpt_cli.subjects.model.writer import ModelWriter, Plan

# More bytes than this are not carried to the parent layer by layer unless something parts.
_SMALL = 40_000_000


@dataclass(frozen=True)
class Asked:
    """What was asked of both models before: what was seen of them, their pairs, what was run on which arrays, how it compares.

    `ran` is what they gave, in the listings of a `task`; `outputs` are those of PyTorch, with Keras's axes.
    """

    looked: Looked
    pairing: Pairing
    plans: Mapping[Side, Plan]
    arrays: Mapping[Side, Mapping[str, NDArray[Any]]]
    comparisons: tuple[Comparison, ...]
    task: str
    ran: Mapping[Side, Outcome]
    outputs: Mapping[Quantity, NDArray[Any]]

    @property
    def parted(self) -> bool:
        """Whether anything that was compared parts."""
        return any(not comparison.verdict.agrees for comparison in self.comparisons)

    @property
    def nearly(self) -> bool:
        """Whether no output is farther apart than something in single precision may take it."""
        parted = [c for c in self.comparisons if c.quantity.kind == VALUE and not c.verdict.agrees]
        sizes = [(c.measure.max_abs if c.measure is not None else None, self.outputs.get(c.quantity)) for c in parted]
        return all(
            apart is not None and output is not None and apart <= SAME_IN_SINGLE * largest(output)
            for apart, output in sizes
        )


@dataclass(frozen=True)
class Question:
    """What is asked of sides about models that they have run in a dtype, on arrays besides their weights.

    `written` gives the sections of a side, for a model of Keras's that was run already (`again`) or for one that they make.
    """

    asked: Asked
    sides: Sequence[Side]
    dtype: str
    written: Callable[[Side, bool], Iterable[Section]]
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @cached_property
    def listings(self) -> Mapping[Side, Listing]:
        """What is tried first: to make a model of Keras's takes longer than to run it."""
        return {side: self.listing(side, again=self.again(side)) for side in self.sides}

    def again(self, side: Side) -> bool:
        """Whether a side can go on with the model that was run: with all its numbers, and outputs by which to see that it can."""
        plan = self.asked.plans[side]
        return side.framework == TENSORFLOW and plan.complete and bool(plan.outputs)

    def listing(self, side: Side, *, again: bool) -> Listing:
        return listing(
            side.framework,
            self.written(side, again),
            {**self.asked.arrays[side], **self.arrays},
            task=self.asked.task,
            resumes=self.dtype if again else "",
        )

    def answered(self, ahead: Question | None = None) -> Any:
        """The rounds that answer it; gives the outcomes. `ahead` is what will be asked later, or most likely.

        A model that the first run has changed, its weights apart, or that is not there any more, is made anew. It is one if the
        outputs are not to the bit what they were.
        """
        asked = self.asked
        seen = yield Round(self.listings, asked.comparisons, ahead.listings if ahead is not None else None)
        changed = [side for side in self.sides if self.again(side) and not self.as_before(side, seen[side])]
        if changed:
            anew = {side: self.listing(side, again=False) for side in changed}
            seen = {**seen, **(yield Round(anew, asked.comparisons))}
        return seen

    def as_before(self, side: Side, seen: Outcome) -> bool:
        """Whether a model that was run again has given the same outputs."""
        way, ran = way_of(self.dtype), self.asked.ran[side]
        return all(
            _same_bits(array_of(ran, quantity, way), array_of(seen, quantity, way))
            for quantity in self.asked.plans[side].outputs
        )


def _same_bits(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    if one is None or other is None:
        return False
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def small(inventory: Inventory) -> bool:
    """Whether a model and what all its layers give are little enough to be looked at though nothing parts."""
    if len(inventory.events) < 2:
        return False
    given = sum(int(np.prod(shape)) for event in inventory.events for shape in event.outputs)
    return max(given, sum(int(np.prod(tensor.shape)) for tensor in inventory.tensors)) * 8 <= _SMALL


def layer_by_layer(spec: Model, sides: tuple[Side, Side], writers: Mapping[Side, ModelWriter], asked: Asked) -> Any:
    """The rounds that watch the layers; gives what is `Watched`."""
    (first, second), looked = sides, asked.looked
    ours, theirs = (looked.inventories[side] for side in sides)
    beside = aligned(ours, theirs, asked.pairing.matches, training=spec.training, turned=spec.turned)
    if not beside:
        return Watched()
    layers = Layers(
        beside,
        {TORCH: ours, TENSORFLOW: theirs},
        channels=spec.turned,
        flattened={pair.layer: order for pair in asked.pairing.pairs if (order := flattened(pair.layout)) is not None},
        limit=SAME if looked.dtype == "float64" else SAME_IN_FLOAT32,
    )
    spans = dict(zip(sides, layers.spans(parted=asked.parted), strict=True))

    def watched(side: Side, again: bool) -> Iterator[Section]:
        return writers[side].watched(asked.plans[side], looked.dtype, spans[side], again=again)

    def in_single(side: Side, again: bool) -> Iterator[Section]:
        return writers[side].in_single(asked.plans[side], spans[side], again=again)

    # Keras's layers are watched and run by themselves at once, unless how is only seen when they have been watched.
    before = Question(asked, sides[:1] if layers.clear else sides, looked.dtype, watched)
    narrow = None
    if spec.dtype == "float32" and looked.dtype == "float64":
        narrow = Question(asked, sides, "float32", in_single)
    seen = yield from before.answered(ahead=narrow if asked.nearly else None)
    if failed := _unwatched(seen):
        return Watched(notes=failed, refused=True)
    given, possible = layers.given(seen[first], seen.get(second))
    chosen = [each.keras if can else None for each, can in zip(beside, possible, strict=True)]
    # So little may be a number in single precision: then it must be seen where, and that it is nothing else.
    at_once = asked.parted and asked.nearly and layers.clear and asked.plans[second].complete
    made = layers.made(seen[first], None) if at_once else {}

    def watched_and_alone(side: Side, again: bool) -> Iterator[Section]:
        yield from watched(side, again)
        yield from writers[side].alone(looked.dtype, chosen)
        if at_once:
            yield from writers[side].between(asked.plans[side], looked.dtype, spans[side], made, again=True)

    alone = yield from Question(asked, [second], looked.dtype, watched_and_alone, {**given, **_named(made)}).answered()
    seen = {**alone, **seen}
    if failed := _unwatched(seen):
        return Watched(notes=failed, refused=True)
    lines = layers.measured(seen[first], seen[second], alone[second], possible, sides)
    ends = _apart(asked.outputs, asked.ran[second], way_of(looked.dtype))
    if looked.dtype != "float64" or not _nearly(lines):
        return Watched(lines, outputs=ends)
    behind = None
    if asked.parted:
        between = alone[second]
        if not at_once:
            instead = layers.made(seen[first], seen[second])
            replaced = writers[second].between(asked.plans[second], looked.dtype, spans[second], instead)
            code = listing(second.framework, replaced, {**asked.arrays[second], **_named(instead)})
            between = (yield Round({second: code}, asked.comparisons))[second]
        lines, behind = layers.with_between(lines, given, between), _apart(asked.outputs, between, BETWEEN)
    if narrow is not None:
        single = yield from narrow.answered()
        if not any(outcome.failures for outcome in single.values()):
            lines = rounded(layers, lines, seen, single)
            return Watched(lines, [*ill_conditioned(lines, ours.events, sides)], behind, ends)
    return Watched(lines, behind=behind, outputs=ends)


def _named(made: Mapping[int, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """What layers gave, by the names that arrays of `ModelWriter.between` have."""
    return {f"layers/{place} made": array for place, array in made.items()}


def _apart(outputs: Mapping[Quantity, NDArray[Any]], theirs: Outcome, way: Way) -> float | None:
    """How far PyTorch's outputs are from those that Keras has in a way; None where none can be compared."""
    ends = [
        relative_distance(array, other)
        for quantity, array in outputs.items()
        if (other := array_of(theirs, quantity, way)) is not None
        and array.shape == other.shape
        and array.dtype == other.dtype == np.float64
    ]
    return max(ends, default=None)


def _unwatched(seen: Mapping[Side, Outcome]) -> list[str]:
    """What to say where a side's layers could not be watched; that one refuses to be run by itself is no matter."""
    failed = [
        f"{side.label}: {outcome.failures[0].message}"
        for side, outcome in seen.items()
        if outcome.failures and array_of(outcome, layer_quantity("0"), MADE) is None
    ]
    return [f"the layers could not be watched: {'; '.join(failed)}"] if failed else []


def _nearly(lines: Sequence[Measured]) -> bool:
    """Whether no layer is farther apart than rounding may take it, so that each side's own rounding says something."""
    return all((each.line.so_far or 0.0) <= SAME_IN_SINGLE for each in lines)
