"""What two models gave, held against each other: outputs, gradients, state, and layer by layer."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.layout import moved
from tfpt_cli.compare.values import compare_values
from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.language.shapes import without_ones
from tfpt_cli.layers.layout import Layout, layout_of
from tfpt_cli.results import PLAIN, Comparison, LayerLine, State, Tolerance, Value, Verdict, Way
from tfpt_cli.subjects.model.fields import with_channels
from tfpt_cli.subjects.model.spec import CHANNELS, layer_quantity
from tfpt_cli.subjects.model.writer import DOUBLE, GIVEN, GRADIENT, MADE, PULLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.results import Outcome, Quantity
    from tfpt_cli.subjects.model.alignment import Aligned
    from tfpt_cli.subjects.model.inventory import Inventory

# In double precision two models are the same function up to here, relative to the greatest number of an array: sums that are
# added in another order stay far below, an epsilon of 1e-12 in place of 1e-5 shows as 5e-6.
SAME = 1e-9
# Up to here where a layer by itself shows a number or an operation that a framework keeps in single precision.
SAME_IN_SINGLE = 1e-6
# Up to here where a side can be run in single precision alone.
SAME_IN_FLOAT32 = 1e-5
# What is this much smaller than the greatest gradient of a model is the rounding of something that is zero.
_NOTHING = 1e-4
# The same in single precision, where what rounds to nothing is itself rounded: a bias that a softmax takes away again.
_NOTHING_IN_SINGLE = 0.1
# A layer that is this much nearer in the models than by itself was not run by itself as it is there.
_FAR = 1e4
# Orders of axes that a layer's result may have in Keras, besides that of PyTorch.
_ORDERS = {2: ("a b -> b a",), 3: ("n c w -> n w c", "t n c -> n t c"), 4: ("n c h w -> n h w c",), 5: (CHANNELS[5],)}


@dataclass(frozen=True)
class Both:
    """One quantity of both sides, how its axes map, and by which way a side has it where that is not the usual one."""

    quantity: Quantity
    layout: Layout
    sides: Mapping[Side, Value]
    ways: Mapping[Side, Way] = field(default_factory=dict)

    def arrays(self) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Both arrays with Keras's axes; None where a side has none, or where they do not fit."""
        left, right = self.sides.values()
        if left.state is not State.PRESENT or right.state is not State.PRESENT:
            return None
        turned, shape = self._turned(), right.array.shape
        if turned is not None and turned.shape != shape and without_ones(turned.shape) == without_ones(shape):
            turned = turned.reshape(shape)
        return None if turned is None or turned.shape != shape else (turned, right.array)

    def _turned(self) -> NDArray[Any] | None:
        """The first side's array with its axes as the layout says; None where that does not fit."""
        (first, left), (second, _) = self.sides.items()
        return moved(left.array, self.layout, first.framework, second.framework) if self.layout.pattern else left.array

    @property
    def fits(self) -> bool:
        """Whether the layout alone gives the first side's array the shape of the second's."""
        turned = self._turned()
        return turned is not None and turned.shape == tuple(self.sides.values())[1].array.shape


def with_ones_of(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """An array in a shape that has other axes of length one, as a pooling that flattens besides gives it; any other as it is.

    >>> with_ones_of(np.zeros((2, 4, 1, 1)), (2, 4)).shape
    (2, 4)
    """
    fits = array.ndim != len(shape) and without_ones(array.shape) == without_ones(shape)
    return array.reshape(shape) if fits else array


def largest(array: NDArray[Any]) -> float:
    """The greatest magnitude among the finite numbers of an array; 0 where there is none."""
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    return float(np.abs(finite).max()) if finite.size else 0.0


def apart(one: NDArray[Any], other: NDArray[Any], scale: float = 0.0) -> float:
    """How far two arrays of one shape are apart, relative to their greatest number; infinite where only one has a NaN.

    >>> apart(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    0.2
    """
    with np.errstate(all="ignore"):
        same = (one == other) | (np.isnan(one) & np.isnan(other)) if one.dtype.kind == "f" else one == other
        difference = np.where(same, 0.0, np.abs(one.astype(np.float64) - other.astype(np.float64)))
    if not np.isfinite(difference).all():
        return float("inf")
    scale = max(largest(one), largest(other), scale)
    return float(difference.max() / scale) if difference.size and scale else float(difference.max(initial=0.0))


class Comparer:
    """Compares what both sides gave, which may be `within` so much apart in double precision, relative to the greatest number."""

    def __init__(self, sides: Sides, tolerance: Tolerance | None, within: float = SAME) -> None:
        self.sides, self.tolerance, self.within = sides, tolerance, within

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
        if arrays is not None and wanted.quantity.kind == "gradient" and {a.dtype.char for a in arrays} == {"f", "d"}:
            # A variable that its code keeps in single precision has a gradient in it, in a model in double precision.
            within = max(within, SAME_IN_SINGLE)
            sides = {side: replace(value, dtype="float64") for side, value in sides.items()}
        if tolerance is None and arrays is not None:
            atol = within * max(scale, *map(largest, arrays))
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
    if left.state is not State.PRESENT or right.state is not State.PRESENT or not 1 < left.array.ndim <= 5:
        return ""
    one, other = left.array, right.array
    if one.ndim != other.ndim or sorted(one.shape) != sorted(other.shape):
        return ""
    for order in itertools.permutations(range(one.ndim)):
        moved_array = one.transpose(order)
        if moved_array.shape == other.shape and apart(moved_array, other) <= SAME:
            names = (
                ["n", "c", "d", "h", "w"]
                if one.ndim == 5
                else ["n", "c", "h", "w"]
                if one.ndim == 4
                else "abc"[: one.ndim]
            )
            return f"{' '.join(names)} -> {' '.join(names[place] for place in order)}"
    return ""


@dataclass(frozen=True)
class Measured:
    """A line of layers with what was measured of it, how far apart is the same, and the layout of what it was given."""

    aligned: Aligned
    line: LayerLine
    limit: float = SAME
    given: Layout | None = None

    @property
    def agrees_so_far(self) -> bool:
        """Whether both sides of the layer give the same in the models."""
        return self.line.so_far is not None and self.line.so_far <= self.limit

    @property
    def parts_by_itself(self) -> bool:
        """Whether both sides of the layer give something else for the same input.

        Where they give the same in the models, or nearly so, they are no cause of anything: a mask, or an order of axes, that the
        layer was not given by itself may make them part there.
        """
        return self.line.by_itself is not None and self.line.by_itself > self.limit and not self.run_otherwise

    @property
    def run_otherwise(self) -> bool:
        """Whether the layer was not run by itself as it is in the models: there both sides give the same, or far nearer."""
        so_far, by_itself = self.line.so_far, self.line.by_itself
        return self.agrees_so_far or (so_far is not None and by_itself is not None and so_far < by_itself / _FAR)

    @property
    def pulls_apart(self) -> bool:
        """Whether both sides of the layer pull another gradient back to the same input."""
        return (self.line.gradient_by_itself or 0.0) > self.limit


def orders_for(ours: tuple[int, ...], theirs: tuple[int, ...], *, channels: bool) -> list[Layout]:
    """The orders of axes under which a shape of PyTorch becomes one of Keras, the likeliest first.

    >>> [layout.pattern for layout in orders_for((2, 3, 8, 8), (2, 8, 8, 3), channels=True)]
    ['n c h w -> n h w c']
    """
    patterns = ["", *_ORDERS.get(len(ours), ())]
    if channels and len(ours) > 2:
        patterns = [*patterns[1:], ""]
    layouts = [layout_of(pattern) if pattern else Layout() for pattern in patterns]
    return [layout for layout in layouts if _fits(layout, ours, theirs)]


def _fits(layout: Layout, ours: tuple[int, ...], theirs: tuple[int, ...]) -> bool:
    try:
        return tuple(layout.turned(ours)) == tuple(theirs)
    except ValueError:
        return False


def turned(array: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """PyTorch's array with the axes that a layout says."""
    found = moved(array, layout, TORCH, TENSORFLOW) if layout.pattern else array
    return array if found is None else found


def flattened(layout: Layout) -> Layout | None:
    """How the input of a layer is ordered whose weights have axes together in another order; None where they have none.

    >>> flattened(layout_of("out (c h w) -> (h w c) out, c=4, h=3")).pattern
    'n (c h w) -> n (h w c)'
    """
    left, _, right = layout.pattern.partition("->")
    for group in re.findall(r"\([^)]*\)", left):
        for other in re.findall(r"\([^)]*\)", right):
            if group != other and sorted(group[1:-1].split()) == sorted(other[1:-1].split()):
                return replace(layout, pattern=f"n {group} -> n {other}")
    return None


def nearest(ours: NDArray[Any], theirs: NDArray[Any], layouts: Sequence[Layout]) -> tuple[Layout | None, float | None]:
    """The order of axes under which two arrays are nearest, and how far apart they are then; None where none fits."""
    found = [(apart(turned(ours, layout), theirs), place, layout) for place, layout in enumerate(layouts)]
    if not found:
        return None, None
    best = min(found, key=lambda each: (each[0] > SAME, each[1]) if each[0] <= SAME else (True, each[0]))
    return best[2], best[0]


class Layers:
    """The layers of both models side by side: what they gave in the models, then what they give by themselves.

    `flattened` has by PyTorch's layer how its input is ordered in Keras, where its weights say that what it reads was flattened
    in another order; `limit` is how far apart is the same.
    """

    def __init__(
        self,
        lines: Sequence[Aligned],
        inventories: Mapping[str, Inventory],
        *,
        channels: bool,
        flattened: Mapping[str, Layout],
        limit: float,
    ) -> None:
        self.lines, self.inventories, self.channels = lines, inventories, channels
        self.flattened, self.limit = flattened, limit
        self.weighted: set[int] = set()
        self.turned: dict[int, Layout] = {}

    def orders(self, line: Aligned, ours: tuple[int, ...], theirs: tuple[int, ...]) -> list[Layout]:
        """The orders of axes under which a result of PyTorch's layer becomes one of Keras's."""
        flat = [layout for layout in self.flattened.values() if _fits(layout, ours, theirs)]
        return [*orders_for(ours, theirs, channels=self.channels_of(line)), *flat]

    def orders_given(self, line: Aligned, ours: tuple[int, ...], theirs: tuple[int, ...]) -> list[Layout]:
        """The orders of axes under which what PyTorch's layer is given becomes what Keras's is given."""
        flat = self.flattened.get(line.names[TORCH])
        if flat is not None and _fits(flat, ours, theirs):
            return [flat]
        return orders_for(ours, theirs, channels=self.channels_of(line))

    def channels_of(self, line: Aligned) -> bool:
        """Whether a layer takes the channels last in Keras: as all do, or as one for images does that is not told otherwise.

        Where an image has as many channels as pixels a side, its shape does not tell.
        """
        images = with_channels(line.calls[TORCH]) and line.calls[TENSORFLOW].startswith("keras.layers.")
        return self.channels or (images and "channels_first" not in line.calls[TENSORFLOW])

    def given(self, outcome: Outcome) -> tuple[dict[str, NDArray[Any]], list[bool]]:
        """What each layer is given and weighted by to be run by itself in Keras, as arrays by name, and which can be."""
        arrays: dict[str, NDArray[Any]] = {}
        possible = []
        for place, line in enumerate(self.lines):
            found = self._given(place, line, outcome)
            possible.append(found is not None)
            arrays |= found or {}
        return arrays, possible

    def _given(self, place: int, line: Aligned, outcome: Outcome) -> dict[str, NDArray[Any]] | None:
        if line.inputs is None:
            return None
        event = self.inventories[TENSORFLOW].events[line.keras.first]
        last = self.inventories[TENSORFLOW].events[line.keras.last]
        found = {}
        for each, ours in enumerate(line.inputs):
            array = array_of(outcome, layer_quantity(f"{place} {ours}"), GIVEN)
            layouts = [] if array is None else self.orders_given(line, array.shape, event.inputs[each])
            if array is None or not layouts:
                return None
            found[f"layers/{place} {each}"] = turned(array, layouts[0])
            self.turned.setdefault(place, layouts[0])
        weights = array_of(outcome, layer_quantity(str(place)), GRADIENT)
        shape = last.outputs[0]
        if weights is not None:
            weights = with_ones_of(line.taken(weights), shape)
        layouts = [] if weights is None else self.orders(line, weights.shape, shape)
        if layouts:
            self.weighted.add(place)
        found[f"layers/{place}"] = turned(weights, layouts[0]) if weights is not None and layouts else np.zeros(shape)
        return found

    def measured(
        self, torch: Outcome, keras: Outcome, alone: Outcome | None, possible: Sequence[bool], sides: Sides
    ) -> list[Measured]:
        """Every line with how far both sides are apart, so far and by itself, forward and backward."""
        ours, theirs = (self._largest(outcome, range(len(self.lines))) for outcome in (torch, keras))
        scale = max(ours, theirs) * _NOTHING
        return [
            Measured(
                line,
                self._line(place, line, torch, keras, alone if possible[place] else None, sides, scale),
                self.limit,
                self.turned.get(place),
            )
            for place, line in enumerate(self.lines)
        ]

    def _largest(self, outcome: Outcome, places: range) -> float:
        arrays = (array_of(outcome, layer_quantity(str(place)), GRADIENT) for place in places)
        return max((largest(array) for array in arrays if array is not None), default=0.0)

    def _line(
        self,
        place: int,
        line: Aligned,
        torch: Outcome,
        keras: Outcome,
        alone: Outcome | None,
        sides: Sides,
        scale: float,
    ) -> LayerLine:
        quantity = layer_quantity(str(place))
        ours, theirs = array_of(torch, quantity, MADE), array_of(keras, quantity, MADE)
        made = None if ours is None else line.taken(ours), theirs
        if made[0] is not None and theirs is not None:
            made = with_ones_of(made[0], theirs.shape), theirs
        layout: Layout | None = None
        so_far = by_itself = backward = backward_alone = None
        shapes = [
            self.inventories[f].events[span.last].outputs[0]
            for f, span in ((TORCH, line.torch), (TENSORFLOW, line.keras))
        ]
        note = ""
        if made[0] is not None and made[1] is not None:
            layouts = self.orders(line, made[0].shape, made[1].shape)
            layout, so_far = nearest(made[0], made[1], layouts)
            if layout is None:
                so_far, note = float("inf"), "their shapes do not fit"
        gradients = array_of(torch, quantity, GRADIENT), array_of(keras, quantity, GRADIENT)
        if layout is not None and gradients[0] is not None and gradients[1] is not None:
            ours_there = with_ones_of(line.taken(gradients[0]), gradients[1].shape)
            backward = apart(turned(ours_there, layout), gradients[1], scale)
        if alone is not None:
            again = array_of(alone, quantity, MADE)
            if again is not None and made[0] is not None:
                by_itself = nearest(made[0], again, self.orders(line, made[0].shape, again.shape))[1]
                by_itself = float("inf") if by_itself is None else by_itself
                if place in self.weighted:
                    backward_alone = self._pulled(place, line, torch, alone, scale)
            elif again is None:
                note = note or "it refuses PyTorch's input"
        worst = max((size for size in (so_far, by_itself) if size is not None), default=0.0)
        first, second = sides
        return LayerLine(
            names={first: line.names[TORCH], second: line.names[TENSORFLOW]},
            codes={first: line.calls[TORCH], second: line.calls[TENSORFLOW]},
            shapes=dict(zip(sides, shapes, strict=True)),
            verdict=Verdict.DIFFERS if worst > self.limit else Verdict.IDENTICAL if worst == 0 else Verdict.CLOSE,
            by_itself=by_itself,
            so_far=so_far,
            gradient_by_itself=backward_alone,
            gradient_so_far=backward,
            layout=layout.pattern if layout is not None else "",
            note=note,
        )

    def _pulled(self, place: int, line: Aligned, torch: Outcome, alone: Outcome, scale: float) -> float | None:
        """How far the gradients by what the layer is given are apart, where it is run by itself on the same."""
        found = []
        for each, ours in enumerate(line.inputs or ()):
            one = array_of(torch, layer_quantity(f"{place} {ours}"), PULLED)
            other = array_of(alone, layer_quantity(f"{place} {each}"), PULLED)
            if one is not None and other is not None:
                layouts = self.orders_given(line, one.shape, other.shape)
                if layouts:
                    found.append(apart(turned(one, layouts[0]), other, scale))
        return max(found, default=None)


def array_of(outcome: Outcome, quantity: Quantity, way: Way) -> NDArray[Any] | None:
    """The array of a quantity that a listing left in a way; None where there is none."""
    value = outcome.values.get((quantity, way))
    return value.array if value is not None and value.state is State.PRESENT else None


def scales(pairs: Sequence[Both], *, single: bool) -> Iterator[float]:
    """What the numbers of each quantity are measured by at least: of a gradient a share of the greatest of all gradients.

    `single` says that they were computed in single precision, or with numbers in it.
    """
    share = _NOTHING_IN_SINGLE if single else _NOTHING
    greatest = 0.0
    for pair in pairs:
        arrays = pair.arrays() if pair.quantity.kind == "gradient" else None
        if arrays is not None:
            greatest = max(greatest, *map(largest, arrays))
    for pair in pairs:
        yield greatest * share if pair.quantity.kind == "gradient" else 0.0
