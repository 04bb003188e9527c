"""The layers of two models side by side: how far both sides of each are apart, in the models and by themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.distance import largest, relative_distance
from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.results import LayerLine, Verdict
from tfpt_cli.results.layers import SAME
from tfpt_cli.subjects.model.axis_orders import fits, likeliest, nearest, orders_for, turned
from tfpt_cli.subjects.model.comparer import NOTHING, array_of, with_ones, with_ones_of
from tfpt_cli.subjects.model.fields import with_channels
from tfpt_cli.subjects.model.spec import layer_quantity
from tfpt_cli.subjects.model.writer import AGAIN, BETWEEN, GIVEN, GRADIENT, MADE, PULLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Sides
    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.layers.layout import Layout
    from tfpt_cli.results import Outcome
    from tfpt_cli.subjects.model.alignment import Aligned
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.writer import Span

# A layer that is this much nearer in the models than by itself was not run by itself as it is there.
_FAR = 1e4


# Layers of PyTorch that take what they are given along its last axis.
_FEATURES_LAST = re.compile(r"nn\.(Linear|LayerNorm|RMSNorm|MultiheadAttention|Embedding)\b")


@dataclass(frozen=True)
class Measured:
    """A line of layers with what was measured of it, how far apart is the same, and the layout of what it was given.

    `between` is how far apart it is given something by the code before it, where all layers give the same on both sides, and
    `reached` how far apart what it is given is in the models; None where that was not measured.
    """

    aligned: Aligned
    line: LayerLine
    limit: float = SAME
    given: Layout | None = None
    between: float | None = None
    reached: float | None = None

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
    def given_apart(self) -> bool:
        """Whether the code before the layer makes something else of the same, and that is seen in what the layer gives."""
        between, so_far = self.between, self.line.so_far
        if between is None or between <= self.limit or self.agrees_so_far:
            return False
        return so_far is None or so_far >= between / _FAR

    @property
    def apart(self) -> float:
        """How far both sides of the layer are apart by themselves, forward or backward."""
        return max(self.line.by_itself or 0.0, self.line.gradient_by_itself or 0.0)

    @property
    def pulls_apart(self) -> bool:
        """Whether both sides of the layer pull another gradient back to the same input."""
        return (self.line.gradient_by_itself or 0.0) > self.limit


@dataclass(frozen=True)
class Watched:
    """The lines of the layers, empty where they cannot be watched, and what to say of them.

    `behind` is how far apart the code behind the layers gives something, where all layers give the same on both sides, and
    `outputs` how far apart the models give it; None where that was not measured. `refused` says that there are layers which
    could not be watched.
    """

    lines: Sequence[Measured] = ()
    notes: Sequence[str] = ()
    behind: float | None = None
    outputs: float | None = None
    refused: bool = False

    @classmethod
    def unmeasured(cls, lines: Sequence[Aligned], sides: Sides) -> Watched:
        """The lines of layers that were looked at alone: nothing was measured, and their shapes are all that is known."""
        first, second = sides
        return cls([
            Measured(line, LayerLine(
                names={first: line.names[TORCH], second: line.names[TENSORFLOW]},
                codes={first: line.calls[TORCH], second: line.calls[TENSORFLOW]},
                shapes={},
                verdict=Verdict.CLOSE,
            ))
            for line in lines
        ])  # fmt: skip


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
        self.turned: dict[tuple[int, int], Layout] = {}

    def spans(self, *, parted: bool) -> tuple[list[Span], list[Span]]:
        """What of both models is watched: of Keras's layers also what they are given, where its shape tells no order of axes.

        Where something has `parted` it is asked for of all of them.
        """
        ours = [replace(line.torch, given=tuple(range(line.torch.inputs))) for line in self.lines]
        given = (tuple(range(line.keras.inputs) if parted else self._unclear(line)) for line in self.lines)
        return ours, [replace(line.keras, given=each) for line, each in zip(self.lines, given, strict=True)]

    @property
    def clear(self) -> bool:
        """Whether the shapes alone tell how the axes of all that Keras's layers are given, and give, are ordered."""
        return not any(
            any(self._unclear(line)) or len(self.orders(line, *self._shapes_made(line))) > 1 for line in self.lines
        )

    def _shapes_made(self, line: Aligned) -> tuple[Shape, Shape]:
        ours, theirs = (
            self.inventories[framework].events[span.last].outputs[0]
            for framework, span in ((TORCH, line.torch), (TENSORFLOW, line.keras))
        )
        return with_ones(ours, theirs), theirs

    def _unclear(self, line: Aligned) -> Iterator[int]:
        for each, (ours, theirs) in enumerate(self._shapes_given(line)):
            if len(self.orders_given(line, ours, theirs)) > 1:
                yield each

    def _shapes_given(self, line: Aligned) -> Iterator[tuple[Shape, Shape]]:
        """The shapes of what both layers are given, by Keras's places."""
        ours, theirs = (
            self.inventories[framework].events[span.first].inputs
            for framework, span in ((TORCH, line.torch), (TENSORFLOW, line.keras))
        )
        for each, place in enumerate(line.inputs or ()):
            yield with_ones(ours[place], theirs[each]), theirs[each]

    def orders(self, line: Aligned, ours: tuple[int, ...], theirs: tuple[int, ...]) -> list[Layout]:
        """The orders of axes under which a result of PyTorch's layer becomes one of Keras's."""
        flat = [layout for layout in self.flattened.values() if fits(layout, ours, theirs)]
        return [*self._likely(line, ours, theirs), *flat]

    def orders_given(self, line: Aligned, ours: tuple[int, ...], theirs: tuple[int, ...]) -> list[Layout]:
        """The orders of axes under which what PyTorch's layer is given becomes what Keras's is given."""
        flat = self.flattened.get(line.names[TORCH])
        if flat is not None and fits(flat, ours, theirs):
            return [flat]
        return self._likely(line, ours, theirs)

    def _likely(self, line: Aligned, ours: tuple[int, ...], theirs: tuple[int, ...]) -> list[Layout]:
        """The orders of axes that a layer may have; of one that takes its features last, those that leave them there."""
        found = orders_for(ours, theirs, channels=self.channels_of(line))
        if not _FEATURES_LAST.match(line.calls[TORCH]) or len(ours) < 3:
            return found
        return [each for each in found if len({part.split()[-1] for part in each.pattern.split("->") if part}) < 2]

    def channels_of(self, line: Aligned) -> bool:
        """Whether a layer takes the channels last in Keras: as all do, or as one for images does that is not told otherwise.

        Where an image has as many channels as pixels a side, its shape does not tell.
        """
        images = with_channels(line.calls[TORCH]) and line.calls[TENSORFLOW].startswith("keras.layers.")
        return self.channels or (images and "channels_first" not in line.calls[TENSORFLOW])

    def given(self, torch: Outcome, keras: Outcome | None) -> tuple[dict[str, NDArray[Any]], list[bool]]:
        """What each layer is given and weighted by to be run by itself in Keras, as arrays by name, and which can be.

        What Keras's layers gave in the model is needed where the shapes do not tell how axes are ordered; see `clear`.
        """
        arrays: dict[str, NDArray[Any]] = {}
        possible = []
        for place, line in enumerate(self.lines):
            found = self._given(place, line, torch, keras)
            possible.append(found is not None)
            arrays |= found or {}
        return arrays, possible

    def _given(
        self, place: int, line: Aligned, torch: Outcome, keras: Outcome | None
    ) -> dict[str, NDArray[Any]] | None:
        if line.inputs is None:
            return None
        event = self.inventories[TENSORFLOW].events[line.keras.first]
        last = self.inventories[TENSORFLOW].events[line.keras.last]
        found = {}
        for each, ours in enumerate(line.inputs):
            array = array_of(torch, layer_quantity(f"{place} {ours}"), GIVEN)
            array = None if array is None else with_ones_of(line.read(array), event.inputs[each])
            layouts = [] if array is None else self.orders_given(line, array.shape, event.inputs[each])
            if array is None or not layouts:
                return None
            theirs = None if keras is None else array_of(keras, layer_quantity(f"{place} {each}"), GIVEN)
            layout = likeliest(array, theirs, layouts)
            found[f"layers/{place} {each}"] = turned(array, layout)
            self.turned[place, each] = layout
        weights = None if line.remade else array_of(torch, layer_quantity(str(place)), GRADIENT)
        shape = last.outputs[0]
        if weights is not None:
            weights = with_ones_of(line.taken(weights), shape)
        found[f"layers/{place}"] = np.zeros(shape)
        if weights is not None and (layouts := self.orders(line, weights.shape, shape)):
            made = None if keras is None else self._made(place, line, torch, keras)
            layout = layouts[0] if made is None else likeliest(*made, layouts)
            found[f"layers/{place}"] = turned(weights, layout)
            self.weighted.add(place)
        return found

    def measured(
        self, torch: Outcome, keras: Outcome, alone: Outcome | None, possible: Sequence[bool], sides: Sides
    ) -> list[Measured]:
        """Every line with how far both sides are apart, so far and by itself, forward and backward."""
        ours, theirs = (self._largest(outcome, range(len(self.lines))) for outcome in (torch, keras))
        scale = max(ours, theirs) * NOTHING
        return [
            Measured(
                line,
                self._line(
                    place,
                    line,
                    torch=torch,
                    keras=keras,
                    alone=alone if possible[place] else None,
                    sides=sides,
                    scale=scale,
                ),
                self.limit,
                self.turned.get((place, 0)),
                reached=self._reached(place, line, torch, keras),
            )
            for place, line in enumerate(self.lines)
        ]

    def made(self, torch: Outcome, keras: Outcome | None) -> dict[int, NDArray[Any]]:
        """What each of PyTorch's layers gave, with its axes as Keras's layer gives it, by place; without those that do not fit.

        What Keras's layers gave in the model is needed where the shapes do not tell how axes are ordered; see `clear`.
        """
        found = {}
        for place, line in enumerate(self.lines):
            ours = array_of(torch, layer_quantity(str(place)), MADE)
            theirs = None if keras is None else array_of(keras, layer_quantity(str(place)), MADE)
            shape = self._shapes_made(line)[1] if theirs is None else theirs.shape
            if ours is None or (keras is not None and theirs is None):
                continue
            ours = with_ones_of(line.taken(ours), shape)
            layouts = self.orders(line, ours.shape, shape)
            layout = next(iter(layouts), None) if theirs is None else nearest(ours, theirs, layouts)[0]
            if layout is not None and (ours if theirs is None else theirs).dtype.kind == "f":
                found[place] = turned(ours, layout)
        return found

    def with_between(
        self, lines: Sequence[Measured], given: Mapping[str, NDArray[Any]], seen: Outcome
    ) -> list[Measured]:
        """The lines with how far apart the code before each gives it something.

        `given` is what each was given by PyTorch's, `seen` what it is given in Keras where all layers give what PyTorch's gave.
        """
        found = []
        for place, each in enumerate(lines):
            names = (f"{place} {other}" for other in range(each.aligned.keras.inputs))
            sizes = [
                relative_distance(given[f"layers/{name}"], array)
                for name in names
                if (array := array_of(seen, layer_quantity(name), BETWEEN)) is not None
                and f"layers/{name}" in given
                and array.dtype == np.float64  # what comes in single precision was rounded to it
            ]
            found.append(replace(each, between=max(sizes, default=None)))
        return found

    def _reached(self, place: int, line: Aligned, torch: Outcome, keras: Outcome) -> float | None:
        """How far apart what both models give a layer is; None where a part of it was not seen, or does not fit."""
        found = []
        for each, ours in enumerate(line.inputs or ()):
            one = array_of(torch, layer_quantity(f"{place} {ours}"), GIVEN)
            other = array_of(keras, layer_quantity(f"{place} {each}"), GIVEN)
            layout = self.turned.get((place, each))
            if one is None or other is None or layout is None:
                return None
            there = turned(with_ones_of(line.read(one), other.shape), layout)
            if there.shape != other.shape:
                return None
            found.append(relative_distance(there, other))
        return max(found, default=None)

    def _largest(self, outcome: Outcome, places: range) -> float:
        arrays = (array_of(outcome, layer_quantity(str(place)), GRADIENT) for place in places)
        return max((largest(array) for array in arrays if array is not None), default=0.0)

    def _line(
        self,
        place: int,
        line: Aligned,
        *,
        torch: Outcome,
        keras: Outcome,
        alone: Outcome | None,
        sides: Sides,
        scale: float,
    ) -> LayerLine:
        quantity = layer_quantity(str(place))
        made = self._made(place, line, torch, keras)
        layout: Layout | None = None
        so_far = by_itself = backward = backward_alone = None
        shapes = [
            self.inventories[f].events[span.last].outputs[0]
            for f, span in ((TORCH, line.torch), (TENSORFLOW, line.keras))
        ]
        note = ""
        if made is not None:
            layouts = self.orders(line, made[0].shape, made[1].shape)
            layout, so_far = nearest(*made, layouts)
            if layout is None:
                so_far, note = float("inf"), "their shapes do not fit"
        gradients = array_of(torch, quantity, GRADIENT), array_of(keras, quantity, GRADIENT)
        if layout is not None and gradients[0] is not None and gradients[1] is not None and not line.remade:
            ours_there = with_ones_of(line.taken(gradients[0]), gradients[1].shape)
            backward = relative_distance(turned(ours_there, layout), gradients[1], scale)
        if alone is not None:
            again = array_of(alone, quantity, AGAIN)
            if again is not None and made is not None:
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

    def _made(
        self, place: int, line: Aligned, torch: Outcome, keras: Outcome
    ) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """What both sides of a layer gave in the models; None where one of them left nothing."""
        ours, theirs = (array_of(outcome, layer_quantity(str(place)), MADE) for outcome in (torch, keras))
        return None if ours is None or theirs is None else (with_ones_of(line.taken(ours), theirs.shape), theirs)

    def _pulled(self, place: int, line: Aligned, torch: Outcome, alone: Outcome, scale: float) -> float | None:
        """How far the gradients by what the layer is given are apart, where it is run by itself on the same.

        What PyTorch's is given twice, as key and value, has one gradient there, and in Keras one for each input: their sum.
        """
        said = self.inventories[TORCH].events[line.torch.first].said
        same: dict[object, list[int]] = {}
        for each, ours in enumerate(line.inputs or ()):
            same.setdefault(said[ours] if ours < len(said) else ours, []).append(each)
        found = []
        for places in same.values():
            one = array_of(torch, layer_quantity(f"{place} {(line.inputs or ())[places[0]]}"), PULLED)
            arrays = [array_of(alone, layer_quantity(f"{place} {each}"), PULLED) for each in places]
            others = [array for array in arrays if array is not None]
            if one is not None and others and len({array.shape for array in others}) == 1:
                there = turned(with_ones_of(one, others[0].shape), self.turned[place, places[0]])
                found.append(relative_distance(there, np.sum(others, axis=0), scale))
        return max(found, default=None)
