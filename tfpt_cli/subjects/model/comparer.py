"""What two models gave, held against each other: outputs, gradients, state, and layer by layer."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tfpt_cli.compare.distance import largest, relative_distance
from tfpt_cli.compare.layout import moved
from tfpt_cli.compare.values import compare_values
from tfpt_cli.language.shapes import without_ones
from tfpt_cli.layers.layout import Layout
from tfpt_cli.results import PLAIN, VALUE, Comparison, State, Tolerance, Value, Way
from tfpt_cli.results.layers import SAME
from tfpt_cli.subjects.model.writer import DOUBLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.results import Outcome, Quantity

# Up to here where a layer by itself shows a number or an operation that a framework keeps in single precision.
SAME_IN_SINGLE = 1e-6
# Up to here where a side can be run in single precision alone.
SAME_IN_FLOAT32 = 1e-5
# What is this much smaller than the greatest gradient of a model is the rounding of something that is zero.
NOTHING = 1e-4
# The same in single precision, where what rounds to nothing is itself rounded: a bias that a softmax takes away again.
_NOTHING_IN_SINGLE = 0.1


@dataclass(frozen=True)
class Both:
    """One quantity of both sides, how its axes map, and by which way a side has it where that is not the usual one."""

    quantity: Quantity
    layout: Layout
    sides: Mapping[Side, Value]
    ways: Mapping[Side, Way] = field(default_factory=dict)

    @property
    def there(self) -> bool:
        """Whether both sides have it."""
        return all(value.state is State.PRESENT for value in self.sides.values())

    def arrays(self) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Both arrays with Keras's axes; None where a side has none, or where they do not fit."""
        if not self.there:
            return None
        _, right = self.sides.values()
        turned, shape = self.turned(), right.array.shape
        if turned is not None and turned.shape != shape and without_ones(turned.shape) == without_ones(shape):
            turned = turned.reshape(shape)
        return None if turned is None or turned.shape != shape else (turned, right.array)

    @cached_property
    def greatest(self) -> float:
        """The greatest magnitude among the finite numbers of both; 0 where they are no two arrays of one shape."""
        return max(map(largest, self.arrays() or ()), default=0.0)

    def turned(self) -> NDArray[Any] | None:
        """The first side's array with its axes as the layout says; None where that does not fit."""
        (first, left), (second, _) = self.sides.items()
        return moved(left.array, self.layout, first.framework, second.framework) if self.layout.pattern else left.array

    @property
    def fits(self) -> bool:
        """Whether the layout alone gives the first side's array the shape of the second's."""
        turned = self.turned()
        return turned is not None and turned.shape == tuple(self.sides.values())[1].array.shape


def with_ones_of(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """An array in a shape that has other axes of length one, as a pooling that flattens besides gives it; any other as it is.

    >>> import numpy as np
    >>> with_ones_of(np.zeros((2, 4, 1, 1)), (2, 4)).shape
    (2, 4)
    """
    return array.reshape(with_ones(array.shape, shape))


def with_ones(shape: Shape, other: Shape) -> Shape:
    """A shape with other axes of length one, as many as another has; any other shape as it is.

    >>> with_ones((2, 4, 1, 1), (2, 4)), with_ones((2, 4), (4, 2))
    ((2, 4), (2, 4))
    """
    return tuple(other) if len(shape) != len(other) and without_ones(shape) == without_ones(other) else shape


class Comparer:
    """Compares what both sides gave, which may be `within` so much apart in double precision, relative to the greatest number.

    `in_single` says that the scenario's own dtype is single precision: an output that one side has in it, whatever the rest of
    the model is run in, is no other output.
    """

    def __init__(
        self, sides: Sides, tolerance: Tolerance | None, within: float = SAME, *, in_single: bool = False
    ) -> None:
        self.sides, self.tolerance, self.within, self.in_single = sides, tolerance, within, in_single

    def values(
        self, outcomes: Mapping[Side, Outcome], quantity: Quantity, layout: Layout, way: Way = DOUBLE
    ) -> Both | None:
        """A quantity as both sides have it in a way; None where a side was not asked for it."""
        found = {side: outcomes[side].values.get((quantity, way)) for side in self.sides}
        if any(value is None for value in found.values()):
            return None
        return Both(quantity, layout, {side: value for side, value in found.items() if value is not None})

    def in_mode(
        self, outcomes: Mapping[Side, Outcome], quantity: Quantity, layout: Layout, side: Side, way: Way
    ) -> Both | None:
        """A quantity as one side has it in another mode, beside what the other side has as usual; None where there is none."""
        found = {each: outcomes[each].values.get((quantity, way if each is side else DOUBLE)) for each in self.sides}
        if any(value is None for value in found.values()):
            return None
        values = {each: value for each, value in found.items() if value is not None}
        return Both(quantity, layout, values, {side: way})

    def compare(self, wanted: Both, scale: float) -> Comparison:
        """The comparison of one quantity, where `scale` is what its numbers are measured by at least."""
        tolerance, within = self.tolerance, self.within
        arrays = wanted.arrays()
        sides = dict(wanted.sides)
        kinds = ("gradient", VALUE) if self.in_single else ("gradient",)
        if arrays is not None and wanted.quantity.kind in kinds and {a.dtype.char for a in arrays} == {"f", "d"}:
            # A variable that its code keeps in single precision has a gradient in it, in a model in double precision.
            within = max(within, SAME_IN_SINGLE)
            sides = {side: replace(value, dtype="float64") for side, value in sides.items()}
        if tolerance is None and arrays is not None:
            atol = within * max(scale, wanted.greatest)
            tolerance = Tolerance(rtol=within, atol=atol) if arrays[0].dtype.kind == "f" else None
        layout = wanted.layout
        if arrays is not None and not wanted.fits:  # axes of length one were put in, which no layout says
            first = next(iter(sides))
            sides[first] = replace(sides[first], array=arrays[0])
            layout = Layout()
        comparison = compare_values(
            wanted.quantity,
            {side: (wanted.ways.get(side, PLAIN), value) for side, value in sides.items()},
            tolerance,
            layout=layout,
        )
        return replace(comparison, layout=wanted.layout.pattern) if not layout.pattern else comparison


def other_order(wanted: Both) -> str:
    """The order of axes under which two arrays agree that do not as they are, as an einops pattern; empty where none does.

    Of arrays of up to five axes every order is tried.
    """
    left, right = wanted.sides.values()
    if not wanted.there or not 1 < left.array.ndim <= 5:
        return ""
    one, other = left.array, right.array
    if one.ndim != other.ndim or sorted(one.shape) != sorted(other.shape):
        return ""
    for order in itertools.permutations(range(one.ndim)):
        moved_array = one.transpose(order)
        if moved_array.shape == other.shape and relative_distance(moved_array, other) <= SAME:
            names = (
                ["n", "c", "d", "h", "w"]
                if one.ndim == 5
                else ["n", "c", "h", "w"]
                if one.ndim == 4
                else "abc"[: one.ndim]
            )
            return f"{' '.join(names)} -> {' '.join(names[place] for place in order)}"
    return ""


def exchanged(outputs: Sequence[Both], within: float) -> dict[Quantity, Quantity]:
    """Which output of the second side each of the first's is, where every one is another, and a single one.

    Empty where one of them is none of the second's: then their order is not what parts, or not alone.
    """
    found: dict[Quantity, Quantity] = {}
    for one in outputs:
        ours = one.turned() if one.there else None
        same = [
            other.quantity
            for other in outputs
            for theirs in [list(other.sides.values())[1].array]
            if ours is not None
            and other.there
            and ours.shape == theirs.shape
            and relative_distance(ours, theirs) <= within
        ]
        if len(same) != 1:
            return {}
        found[one.quantity] = same[0]
    if len(set(found.values())) < len(outputs):
        return {}
    return {one: other for one, other in found.items() if one != other}


def array_of(outcome: Outcome, quantity: Quantity, way: Way) -> NDArray[Any] | None:
    """The array of a quantity that a listing left in a way; None where there is none."""
    value = outcome.values.get((quantity, way))
    return value.array if value is not None and value.state is State.PRESENT else None


def scales(pairs: Sequence[Both], *, single: bool) -> Iterator[float]:
    """What the numbers of each quantity are measured by at least: of a gradient a share of the greatest of all gradients.

    `single` says that they were computed in single precision, or with numbers in it.
    """
    share = _NOTHING_IN_SINGLE if single else NOTHING
    greatest = 0.0
    for pair in pairs:
        if pair.quantity.kind == "gradient":
            greatest = max(greatest, pair.greatest)
    for pair in pairs:
        yield greatest * share if pair.quantity.kind == "gradient" else 0.0
