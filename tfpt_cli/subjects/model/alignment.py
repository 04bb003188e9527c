"""Which calls of layers stand beside each other in the traces of two models, with what is fused to them on one side."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.layers.known import arguments_of, row_of_layers
from tfpt_cli.layers.settings import parted_settings
from tfpt_cli.subjects.model.fused import (
    ACTIVATED,
    Around,
    is_activation,
    name_of_activation,
    one_activation,
    without_activation,
)
from tfpt_cli.subjects.model.settings import (
    activation_of,
    argument_settings,
    constant_or_none,
    cut_settings,
    mask_settings,
    padding_settings,
    pads_the_same,
    plain_class,
    pooling_settings,
    recurrent_settings,
)
from tfpt_cli.subjects.model.writer import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from tfpt_cli.dictionary.records import Layer as Row
    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.subjects.model.inventory import Event, Inventory, SeenLayer
    from tfpt_cli.subjects.model.matching import Match
    from tfpt_cli.subjects.model.settings import Parted


# What `keras.layers.Bidirectional` makes of the outputs of both directions, by its `merge_mode`; PyTorch's joins them.
MERGED: Mapping[str, Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]] = {
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
}


@dataclass(frozen=True)
class Aligned:
    """A call of a layer in both models, each with the events that it is made of.

    `row` is the row that knows both as one layer, and `parted` what it has otherwise on each side. `inputs` says which
    of PyTorch's inputs goes to each of Keras's; it is None where that is not known. `last` says that of PyTorch's recurrent layer
    the last output is used alone, which is all that Keras's gives, and `merged` how Keras's makes one of the outputs of both
    directions, `sum`, where PyTorch's model does so by code; empty for neither. `cropped` says that a side cuts off behind its
    layer what the other's does not give, so that their calls alone are not the same function. `activated` is the activation that
    Keras's layer calls and PyTorch's model calls later, behind what may as well stand before it: one of `ACTIVATED`, empty for
    none. The event that calls it is `activated_by`. `on_the_way` says that the layer stands between the two: Keras's is given
    what it makes.
    """

    torch: Span
    keras: Span
    names: Mapping[str, str]
    calls: Mapping[str, str]
    row: Row | None
    parted: Parted
    inputs: tuple[int, ...] | None
    last: bool = False
    merged: str = ""
    cropped: bool = False
    activated: str = ""
    activated_by: int | None = None
    on_the_way: bool = False

    @property
    def remade(self) -> bool:
        """Whether what stands beside Keras's result is made of PyTorch's, so that the gradients by both are not the same."""
        return bool(self.activated or self.merged)

    def read(self, array: NDArray[Any]) -> NDArray[Any]:
        """Of what PyTorch's layer is given what Keras's is given."""
        return ACTIVATED[self.activated](array) if self.on_the_way else array

    def taken(self, array: NDArray[Any]) -> NDArray[Any]:
        """Of what PyTorch's layer gave, or the gradient by it, what stands beside Keras's result.

        It is all of it but for a recurrent layer whose last output is used alone: that is the last step, and of the direction
        that reads backwards the first. Where Keras's layer calls an activation itself, or merges both directions, it is what that
        makes of it; then no gradient is to be asked for (`remade`).
        """
        if self.activated:
            return ACTIVATED[self.activated](array)
        if self.last:
            array = self._last_output(array)
        if self.merged:
            return MERGED[self.merged](*np.split(array, 2, axis=-1))
        return array

    def _last_output(self, array: NDArray[Any]) -> NDArray[Any]:
        call = self.calls[TORCH]
        time = 1 if "batch_first=True" in call else 0
        last, first = np.take(array, -1, axis=time), np.take(array, 0, axis=time)
        if "bidirectional=True" not in call:
            return np.asarray(last)
        half = last.shape[-1] // 2
        return np.concatenate([last[..., :half], first[..., half:]], axis=-1)


def aligned(
    torch: Inventory, keras: Inventory, matches: Sequence[Match], *, training: bool = False, turned: bool = False
) -> list[Aligned]:
    """The layers that both models call, in PyTorch's order; `turned` says that Keras's axes may be in another order."""
    return _Aligner(torch, keras, matches, training=training, turned=turned).aligned()


@dataclass(frozen=True)
class _Activation:
    """The events that call the activation of a line right behind its layer, and what parts of it.

    `apart` says that Keras's layer calls it itself, and PyTorch's does not.
    """

    torch: Sequence[int] = ()
    keras: Sequence[int] = ()
    parted: Parted = field(default_factory=dict)
    apart: bool = False


class _Aligner:
    def __init__(
        self, torch: Inventory, keras: Inventory, matches: Sequence[Match], *, training: bool, turned: bool
    ) -> None:
        self.torch, self.keras, self.training, self.turned = torch, keras, training, turned
        self.match = {path: match for match in matches for path in match.torch.paths}
        self.partner = self._partners(matches)
        self.used: set[int] = {index for indices in self.partner.values() for index in indices}
        # Events that correspond and give something else, since what one does itself the other's model does before or behind it.
        self.apart: dict[str, set[int]] = {TORCH: set(), TENSORFLOW: set()}
        for match in matches:
            if match.packs:
                self.apart[TORCH] |= {e.index for e in torch.events if e.layer in match.torch.paths}
                self.apart[TENSORFLOW] |= {e.index for e in keras.events if e.layer in match.keras.paths}
        # By PyTorch's event the activation that Keras has among the arguments of a layer, where PyTorch's comes later, and where.
        self.later: dict[int, tuple[str, int]] = {}
        self.around = Around(torch, keras, self.partner, self.used)

    def _partners(self, matches: Sequence[Match]) -> dict[int, list[int]]:
        """The events of Keras beside each of PyTorch's, of the layers that hold parameters: call by call."""
        found: dict[int, list[int]] = {}
        for match in matches:
            if match.packs:
                continue
            ours = [e.index for e in self.torch.events if e.layer in match.torch.paths]
            theirs = [[e.index for e in self.keras.events if e.layer == path] for path in match.keras.paths]
            if len(match.torch.paths) > 1 and ours:
                ours = ours[len(match.torch.paths) - 1 :: len(match.torch.paths)]
            for place, index in enumerate(ours):
                each = [calls[place] for calls in theirs if place < len(calls)]
                if len(each) == len(theirs):
                    found[index] = sorted(each)
        return found

    def aligned(self) -> list[Aligned]:
        """The lines, with those of layers that no row knows as one where as many stand between two lines on both sides."""
        lines = list(self.lines())
        found: list[Aligned] = []
        for place in range(len(lines) + 1):
            before, after = lines[place - 1] if place else None, lines[place] if place < len(lines) else None
            found += self._between(lines, before, after)
            found += [after] if after is not None else []
        return found

    def _between(self, lines: list[Aligned], before: Aligned | None, after: Aligned | None) -> Iterator[Aligned]:
        """The layers between two lines, one beside the other, where both models have as many there, or as many of a class."""
        rest = []
        for inventory, framework in ((self.torch, TORCH), (self.keras, TENSORFLOW)):
            start = self._span(before, framework).last + 1 if before is not None else 0
            end = self._span(after, framework).first if after is not None else len(inventory.events)
            taken = {index for line in lines for index in self._span(line, framework).events} | self.apart[framework]
            rest.append([
                event for event in inventory.events[start:end]
                if event.index not in taken and event.layer is not None and event.inputs and event.outputs
                and not re.search("Dropout|Identity|InputLayer", inventory.by_name[event.layer].class_name)
            ])  # fmt: skip
        pairs = zip(*rest, strict=True) if len(rest[0]) == len(rest[1]) else self._of_one_kind(*rest)
        for ours, theirs in pairs:
            if math.prod(ours.inputs[0]) == math.prod(theirs.inputs[0]):
                yield self._line(ours, [theirs.index])

    def _of_one_kind(self, ours: list[Event], theirs: list[Event]) -> Iterator[tuple[Event, Event]]:
        """The layers of those kinds of which as many stand here in both models, in one order: one side may flatten besides.

        Those that have parameters on both sides correspond where these do, and not here.
        """
        kinds = [
            [_kind(inventory.by_name[event.layer or ""].class_name) for event in events]
            for inventory, events in ((self.torch, ours), (self.keras, theirs))
        ]
        both = {kind for kind in kinds[0] if kinds[0].count(kind) == kinds[1].count(kind)}
        one, other = (
            [(event, kind) for event, kind in zip(events, found, strict=True) if kind in both]
            for events, found in zip((ours, theirs), kinds, strict=True)
        )
        held = [{inventory.leaf_of(t.layer) for t in inventory.tensors} for inventory in (self.torch, self.keras)]
        if [kind for _, kind in one] == [kind for _, kind in other]:
            for (mine, _), (yours, _) in zip(one, other, strict=True):
                if mine.layer not in held[0] or yours.layer not in held[1]:
                    yield mine, yours

    def _span(self, line: Aligned, framework: str) -> Span:
        return line.torch if framework == TORCH else line.keras

    def lines(self) -> Iterator[Aligned]:
        """The lines in PyTorch's order; a layer without parameters beside the next one of Keras that a row knows it as."""
        reached = -1
        for event in self.torch.events:
            if event.layer is None or not event.outputs or event.index in self.apart[TORCH]:
                continue
            partners = self.partner.get(event.index)
            if partners is None:
                partners = self._without_parameters(event, reached)
                if partners is None:
                    continue
                self.used.update(partners)
            reached = max(reached, *partners)
            theirs = self.keras.events[partners[-1]]
            self._note_activation_later(event, theirs)
            if (
                self.around.function_behind(event, partners[-1])
                or self.around.resized(event, partners)
                or self._activated_by_own(event, theirs)
            ):
                self.apart[TORCH].add(event.index)
            if event.index in self.apart[TORCH]:
                self.apart[TENSORFLOW].update(partners)
                continue
            yield self._line(event, partners)

    def _without_parameters(self, event: Event, reached: int) -> list[int] | None:
        layer = self.torch.by_name[event.layer or ""]
        if layer.tree is None or any(t.layer == layer.name for t in self.torch.tensors):
            return None
        for other in self.keras.events:
            if other.index <= reached or other.layer is None or not other.outputs:
                continue
            if other.index in self.used:  # a layer with parameters: what stands behind it belongs to a later place
                if any(other.index in partners and ours > event.index for ours, partners in self.partner.items()):
                    return None
                continue
            tree = self.keras.by_name[other.layer].tree
            if tree is not None and row_of_layers(layer.tree, tree)[0] is not None:
                return [other.index]
        return None

    def _activated_by_own(self, event: Event, theirs: Event) -> bool:
        """Whether a layer of Keras's calls a function of a person's own that nothing stands beside in PyTorch.

        There it may be written out behind the layer, so that the two layers alone are not the same function.
        """
        wanted = activation_of(self.keras.by_name[theirs.layer or ""])
        if not wanted or is_activation(wanted):
            return False
        cropped, _ = self.around.cropping(event, theirs)
        between, found = self.around.to_activation(event, cropped)
        return not self.around.activation_within(event) and (found is None or between != cropped)

    def _note_activation_later(self, event: Event, theirs: Event) -> None:
        """Notes an activation that Keras's layer has among its arguments, where PyTorch calls it behind something else.

        `F.relu(F.max_pool2d(conv(x), 2))` is what `Conv2D` with ReLU and `MaxPooling2D` give. What the layers on the way give is
        held against Keras's with the activation; where that cannot be computed here they are no lines.
        """
        wanted = activation_of(self.keras.by_name[theirs.layer or ""])
        if not wanted:
            return
        cropped, _ = self.around.cropping(event, theirs)
        between, activation = self.around.to_activation(event, cropped)
        word = self.around.word_of(activation)
        if activation is None or not one_activation(word, wanted) or between == cropped:
            return
        self.apart[TORCH].add(activation.index)
        way = [event.index, *between]
        if word in ACTIVATED:
            self.later.update(dict.fromkeys(way, (word, activation.index)))
        else:
            self.apart[TORCH].update(way)

    def _line(self, event: Event, partners: list[int]) -> Aligned:
        ours, theirs = self.torch.by_name[event.layer or ""], self.keras.events[partners[-1]]
        other = self.keras.by_name[theirs.layer or ""]
        match = self.match.get(event.layer or "")
        one, another = (match.torch.call, match.keras.call) if match is not None else (ours.tree, other.tree)
        row, settings = row_of_layers(one, another) if one is not None and another is not None else (None, {})
        before = self.around.padding(event, partners)
        merging, merged = self._merging(event, other)
        cropped = self.around.cropping(event, theirs) if not merging else ([], [])
        first = self.torch.events[before[0]] if before[0] is not None else event
        start = self.keras.events[before[1]] if before[1] is not None else self.keras.events[partners[0]]
        parted = self._parted(event, partners, row, settings)
        if any(b is not None for b in before) or any(cropped) or pads_the_same(ours, other):
            parted.pop("padding", None)
        if before[0] is not None and first.layer is None:
            parted |= padding_settings(first, other)
        elif cropped[0]:
            parted |= cut_settings(ours, other, self.torch.events[cropped[0][0]])
        if "Pool" in ours.class_name:
            parted |= pooling_settings(ours, other, padded=any(b is not None for b in before))
        last = row is not None and row.recurrent and self._last_alone(event, theirs)
        if row is not None and row.recurrent:
            layers = [self.keras.by_name[self.keras.events[index].layer or ""] for index in partners]
            parted |= recurrent_settings(event, theirs, ours, layers, last=last)
        if merging and not merged:
            parted["merge_mode"] = ("concat", merging)
        if "MultiheadAttention" in ours.class_name:
            parted |= mask_settings(event, theirs)
        calls: dict[str, str] = {TORCH: ours.call or ours.class_name, TENSORFLOW: other.call or other.class_name}
        activation = self._activation(event, partners, cropped[0])
        parted |= activation.parted
        if activation.apart:
            calls[TENSORFLOW] = without_activation(other)
        later, activated_by = self.later.get(event.index, ("", None))
        self.apart[TORCH].update(cropped[0])  # which are of this line, and none of their own
        self.used.update([*cropped[1], *activation.keras])
        torch_events = [first.index, event.index, *cropped[0], *activation.torch]
        keras_events = [start.index, *partners, *cropped[1], *activation.keras]
        return Aligned(
            torch=Span(tuple(dict.fromkeys(torch_events)), len(first.inputs)),
            keras=Span(tuple(dict.fromkeys(keras_events)), len(start.inputs)),
            names={TORCH: event.layer or "", TENSORFLOW: theirs.layer or ""},
            calls=calls,
            row=row,
            parted=parted,
            inputs=_inputs(first, start),
            last=last,
            merged=merging if merged else "",
            cropped=any(cropped),
            activated=later,
            activated_by=activated_by,
            on_the_way=bool(later) and event.index not in self.partner,
        )

    def _activation(self, event: Event, partners: list[int], cropped: list[int]) -> _Activation:
        """The activation of a line: in PyTorch within the layer, right behind or later; in Keras within it, or right behind."""
        other = self.keras.by_name[self.keras.events[partners[-1]].layer or ""]
        wanted, own = activation_of(other), self.around.activation_within(event)
        if not wanted:
            behind = self.around.activation_behind(partners[-1]) if own else None
            said = name_of_activation(self.keras, behind)
            same = not own or (behind is not None and (not said or one_activation(own, said)))
            return _Activation(
                keras=[behind] if behind is not None else [], parted={} if same else {"activation": (own, said or None)}
            )
        between, found = self.around.to_activation(event, cropped)
        after = found if between == cropped else None
        right_behind, (later, _) = self.around.word_of(after), self.later.get(event.index, ("", None))
        # Of a function of a person's own nothing says that it is another one.
        same = one_activation(right_behind or own or later, wanted) or not is_activation(wanted)
        return _Activation(
            torch=[after.index] if after is not None else [],
            parted={} if same else {"activation": (right_behind or own or None, wanted)},
            apart=one_activation(right_behind or later, wanted),
        )

    def _parted(
        self, event: Event, partners: list[int], row: Row | None, settings: Mapping[str, Mapping[str, object]]
    ) -> Parted:
        """What two layers say otherwise: the settings that their row knows, and further arguments."""
        ours, start = self.torch.by_name[event.layer or ""], self.keras.events[partners[0]]
        other = self.keras.by_name[self.keras.events[partners[-1]].layer or ""]
        shape = event.inputs[0] if event.inputs else ()
        turned = self.turned or list(start.inputs[:1]) != [shape]
        found = parted_settings(row, settings) | argument_settings(
            row, settings, ours, other, training=self.training,
            turned=turned and "LayerNorm" not in ours.class_name, rank=len(shape),
        )  # fmt: skip
        if found.get("num_groups", (0, 0))[1] == -1:  # which stands for one group a channel
            found["num_groups"] = found["num_groups"][0], shape[1]
        return found

    def _last_alone(self, event: Event, theirs: Event) -> bool:
        """Whether what reads PyTorch's recurrent layer has no axis for the steps, as what Keras's gives."""
        rank = len(theirs.outputs[0])
        read = self._read_of(event)
        return len(event.outputs[0]) == rank + 1 and read is not None and len(read) == rank

    def _merging(self, event: Event, other: SeenLayer) -> tuple[str, bool]:
        """How Keras's layer makes one of the outputs of both directions, empty for not, and whether PyTorch's code does too."""
        mode = constant_or_none(arguments_of(other.tree).get("merge_mode")) if other.tree is not None else None
        if (
            not isinstance(mode, str)
            or mode not in MERGED
            or "bidirectional=True" not in self.torch.by_name[event.layer or ""].call
        ):
            return "", False
        read = self._read_of(event)
        return mode, read is not None and read[-1:] == (event.outputs[0][-1] // 2,)

    def _read_of(self, event: Event) -> Shape | None:
        """The shape in which the next layer of PyTorch, or the output, reads what a layer gave."""
        for reader in self.torch.events[event.index + 1 :]:
            if event.index in reader.origin and reader.layer is not None and reader.inputs:
                return reader.inputs[0]
        return next((output.shape for output in self.torch.outputs if event.index in output.origin), None)


def _kind(name: str) -> str:
    """The class of a layer in one word for both frameworks: all poolings are one, since another one may have been meant."""
    return "pool" if "Pool" in name else plain_class(name)


def _inputs(ours: Event, theirs: Event) -> tuple[int, ...] | None:
    """Which of PyTorch's inputs goes to each of Keras's: by the names of the parameters where they are the same, else in order.

    A Keras attention that is given no keys takes the values for them, and `nn.MultiheadAttention` has a name for each.
    """
    if len(set(ours.names)) == len(ours.names) and set(theirs.names) <= set(ours.names):
        return tuple(ours.names.index(name) for name in theirs.names)
    return tuple(range(len(theirs.inputs))) if len(theirs.inputs) <= len(ours.inputs) else None
