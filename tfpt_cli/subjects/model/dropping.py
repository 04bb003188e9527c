"""Layers that draw at random in training: what each makes of ones, as a distribution.

Both sides draw by another generator, so what they drop is never the same. What is the same of two layers that are is: how often a
number is dropped, what becomes of the others, and which numbers share one fate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from tfpt_cli.compare.distance import largest
from tfpt_cli.layers.layout import Layout
from tfpt_cli.results import DROPPED, Finding, Kind, Quantity, State, Value, Verdict
from tfpt_cli.subjects.model.axis_orders import orders_for, turned
from tfpt_cli.subjects.model.comparer import Both, Comparer, array_of
from tfpt_cli.subjects.model.spec import layer_quantity
from tfpt_cli.subjects.model.writer import MADE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.results import Comparison, Outcome
    from tfpt_cli.subjects.model.inventory import Inventory

# How seldom two layers that are the same may be told apart by chance.
_LEVEL = 1e-6
# A layer is given as many rows as make so many numbers along its first two axes, and no more numbers than this in all.
_ROWS, _MOST = 8_192, 2_000_000


@dataclass(frozen=True)
class Drawn:
    """A layer of each side that draws by itself, and the shape of the ones that it is given."""

    names: Mapping[Side, str]
    shapes: Mapping[Side, Shape]


def drawing(inventories: Mapping[Side, Inventory], sides: Sides) -> list[Drawn]:
    """The layers that draw at random, one beside the other in the order in which they are called, at rates that are the same.

    Those that draw inside of what else they do, as a recurrent layer does, are none; and where one side has more, there are none.
    """
    calls = {side: list(_calls(inventories[side])) for side in sides}
    first, second = (calls[side] for side in sides)
    if len(first) != len(second):
        return []
    return [
        Drawn({sides[0]: ours, sides[1]: theirs}, {sides[0]: _many(shape), sides[1]: _many(other)})
        for (ours, rate, shape), (theirs, same, other) in zip(first, second, strict=True)
        if rate == same
    ]


def _calls(inventory: Inventory) -> Iterator[tuple[str, float, Shape]]:
    seen = set()
    for event in inventory.events:
        layer = inventory.by_name.get(event.layer) if event.layer is not None else None
        if layer is not None and layer.rates.get("rate") and layer.name not in seen and event.inputs:
            seen.add(layer.name)
            yield layer.name, layer.rates["rate"], event.inputs[0]


def _many(shape: Shape) -> Shape:
    """The shape with so many rows that its layer draws often enough."""
    each = math.prod(shape[1:])
    # Channels stand second in PyTorch and last in Keras: either may be all that is drawn for.
    drawn = min(shape[1], shape[-1]) if len(shape) > 1 else 1
    rows = min(math.ceil(_ROWS / max(drawn, 1)), max(_MOST // max(each, 1), 1))
    return (max(rows, shape[0]), *shape[1:])


def drawn(
    layers: Sequence[Drawn], outcomes: Mapping[Side, Outcome], sides: Sides, *, turned_axes: bool
) -> Iterator[Comparison]:
    """The comparison of each two layers by what they made of ones; `turned_axes` says that Keras's may be in another order."""
    for place, layer in enumerate(layers):
        arrays = {side: array_of(outcomes[side], layer_quantity(str(place)), MADE) for side in sides}
        known = {side: array for side, array in arrays.items() if array is not None}
        if len(known) == len(sides):
            yield _compared(layer, known, len(layers), sides, turned_axes)


@dataclass(frozen=True)
class DroppingLaw:
    """How a layer draws: the share it drops, what a dropped and a kept one become, and along which axes it draws once."""

    share: float
    values: tuple[float, float]
    together: tuple[int, ...]
    draws: int

    @classmethod
    def of(cls, made: NDArray[Any]) -> DroppingLaw:
        """How a layer draws that made this of ones; the first axis is that of rows, for which it always draws anew."""
        together = tuple(
            axis for axis in range(1, made.ndim) if made.shape[axis] > 1 and not np.ptp(made, axis=axis).any()
        )
        units = made[tuple(slice(0, 1) if axis in together else slice(None) for axis in range(made.ndim))]
        low, high = float(made.min()), float(made.max())
        dropped = np.isclose(units, low) if high > low else np.zeros(units.shape, bool)
        return cls(float(dropped.mean()), (low, high), together, units.size)

    @property
    def summary(self) -> NDArray[Any]:
        """The share and both values, in one row."""
        return np.array([self.share, *self.values])


def _compared(
    layer: Drawn, made: Mapping[Side, NDArray[Any]], among: int, sides: Sides, turned_axes: bool
) -> Comparison:
    """The comparison of two layers: the shares within what chance explains, the values within single precision."""
    first, second = sides
    quantity = Quantity(kind=DROPPED, layer=layer.names[first] or layer.names[second])
    laws = {side: DroppingLaw.of(array) for side, array in made.items()}
    ours, theirs = laws[first], laws[second]
    pooled = (ours.share * ours.draws + theirs.share * theirs.draws) / (ours.draws + theirs.draws)
    chance = math.sqrt(pooled * (1 - pooled) * (1 / ours.draws + 1 / theirs.draws))
    width = -float(ndtri(_LEVEL / among / 2)) * chance
    far = largest(np.array([a - b for a, b in zip(ours.values, theirs.values, strict=True)]))
    same = abs(ours.share - theirs.share) <= width and far <= 1e-5 * max(map(abs, (*ours.values, *theirs.values)))
    values = {side: Value(State.PRESENT, law.summary, "float64") for side, law in laws.items()}
    found = Comparer(sides, None).compare(Both(quantity, Layout(), values), 0.0)
    words = "; ".join(
        f"{side.label} drops {law.share:.3g} of {law.draws:,} to {law.values[0]:.3g} and makes the others {law.values[1]:.4g}"
        for side, law in laws.items()
    )
    findings = () if same else (Finding(Kind.RESEMBLANCE, words),)
    if not _alike(ours, theirs, made, sides, turned_axes):
        same = False
        each = (f"{side.label} draws once for {_axes(law)}" for side, law in laws.items())
        findings = (*findings, Finding(Kind.RESEMBLANCE, " and ".join(each)))
    verdict = Verdict.CLOSE if same else Verdict.DIFFERS
    return replace(
        found, verdict=verdict, reason="" if same else "they draw otherwise", findings=findings, diagnosis=()
    )


def _alike(
    ours: DroppingLaw, theirs: DroppingLaw, made: Mapping[Side, NDArray[Any]], sides: Sides, turned_axes: bool
) -> bool:
    """Whether both draw for the same axes, in one of the orders that Keras's may have."""
    one, other = (np.ones(made[side].shape, bool) for side in sides)
    for mask, law in ((one, ours), (other, theirs)):
        for axis in law.together:
            mask[tuple(slice(1, None) if each == axis else slice(None) for each in range(mask.ndim))] = False
    shapes = [array.shape[1:] for array in (one, other)]
    orders = orders_for((1, *shapes[0]), (1, *shapes[1]), channels=turned_axes)
    return any(np.array_equal(turned(one[:1], order), other[:1]) for order in orders)


def _axes(law: DroppingLaw) -> str:
    if not law.together:
        return "every number"
    return f"all along its {'axis' if len(law.together) == 1 else 'axes'} {', '.join(map(str, law.together))}"
