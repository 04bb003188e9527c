"""The rounds in which the layers of both models are watched: in the models, and each by itself on what PyTorch's is given."""

from __future__ import annotations

from dataclasses import dataclass
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
from tfpt_cli.subjects.model.writer import BETWEEN, MADE
from tfpt_cli.subjects.subject import Round

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side
    from tfpt_cli.results import Comparison, Outcome, Quantity
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

    `outputs` are those of PyTorch, with Keras's axes.
    """

    looked: Looked
    pairing: Pairing
    plans: Mapping[Side, Plan]
    arrays: Mapping[Side, Mapping[str, NDArray[Any]]]
    comparisons: tuple[Comparison, ...]
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
    watched = {
        side: list(writer.watched(asked.plans[side], looked.dtype, spans[side])) for side, writer in writers.items()
    }
    narrow = {
        side: listing(side.framework, writer.in_single(asked.plans[side], spans[side]), asked.arrays[side])
        for side, writer in writers.items()
        if spec.dtype == "float32" and looked.dtype == "float64"
    }
    # Keras's layers are watched and run by themselves at once, unless how is only seen when they have been watched.
    before = [first] if layers.clear else list(sides)
    seen = yield Round(
        {side: listing(side.framework, watched[side], asked.arrays[side]) for side in before},
        asked.comparisons,
        ahead=narrow if asked.nearly else None,
    )
    if failed := _unwatched(seen):
        return Watched(notes=failed, refused=True)
    given, possible = layers.given(seen[first], seen.get(second))
    chosen = [each.keras if can else None for each, can in zip(beside, possible, strict=True)]
    sections = [*watched[second], *writers[second].alone(looked.dtype, chosen)]
    arrays = {**asked.arrays[second], **given}
    # So little may be a number in single precision: then it must be seen where, and that it is nothing else.
    at_once = asked.parted and asked.nearly and layers.clear and asked.plans[second].complete
    if at_once:
        made = layers.made(seen[first], None)
        sections += writers[second].between(asked.plans[second], looked.dtype, spans[second], made, again=True)
        arrays |= _named(made)
    alone = yield Round({second: listing(second.framework, sections, arrays)}, asked.comparisons)
    seen = {**alone, **seen}
    if failed := _unwatched(seen):
        return Watched(notes=failed, refused=True)
    lines = layers.measured(seen[first], seen[second], alone[second], possible, sides)
    if looked.dtype != "float64" or not _nearly(lines):
        return Watched(lines)
    behind = None
    if asked.parted:
        between = alone[second]
        if not at_once:
            made = layers.made(seen[first], seen[second])
            replaced = writers[second].between(asked.plans[second], looked.dtype, spans[second], made)
            code = listing(second.framework, replaced, {**asked.arrays[second], **_named(made)})
            between = (yield Round({second: code}, asked.comparisons))[second]
        lines, behind = layers.with_between(lines, given, between), _behind(asked.outputs, between)
    if narrow:
        in_single = yield Round(narrow, asked.comparisons)
        if not any(outcome.failures for outcome in in_single.values()):
            lines = rounded(layers, lines, seen, in_single)
            return Watched(lines, [*ill_conditioned(lines, ours.events, sides)], behind)
    return Watched(lines, behind=behind)


def _named(made: Mapping[int, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """What layers gave, by the names that arrays of `ModelWriter.between` have."""
    return {f"layers/{place} made": array for place, array in made.items()}


def _behind(outputs: Mapping[Quantity, NDArray[Any]], between: Outcome) -> float | None:
    """How far apart the outputs are where all of Keras's layers give what PyTorch's gave; None where none can be compared."""
    ends = [
        relative_distance(array, other)
        for quantity, array in outputs.items()
        if (other := array_of(between, quantity, BETWEEN)) is not None
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
