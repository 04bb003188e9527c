"""Which calls of layers stand beside each other in the traces of two models, with what is fused to them on one side."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.layers.known import arguments_of, row_of_layers
from tfpt_cli.layers.settings import parted_settings
from tfpt_cli.subjects.model.settings import (
    activation_of,
    argument_settings,
    constant_or_none,
    mask_settings,
    padding_settings,
    pads_the_same,
    pooling_settings,
    recurrent_settings,
)
from tfpt_cli.subjects.model.units import plain
from tfpt_cli.subjects.model.writer import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from tfpt_cli.dictionary.records import Layer as Row
    from tfpt_cli.subjects.model.inventory import Event, Inventory, Output, SeenLayer
    from tfpt_cli.subjects.model.matching import Match
    from tfpt_cli.subjects.model.settings import Parted

# Other names of an activation, by what Keras calls it. No row has them: a row knows calls, and this is a word among the arguments
# of a layer, beside the name of a class or of a function that PyTorch calls behind its own.
_OTHER_NAMES = {
    "silu": {"swish"},
    "swish": {"silu"},
    "hard_silu": {"hardswish"},
    "hard_sigmoid": {"hardsigmoid"},
}
# The words that are an activation; the operations of that kind in the dictionary are more, and some have parameters.
_ACTIVATIONS = re.compile(
    "relu|relu6|leakyrelu|elu|selu|celu|gelu|silu|swish|mish|(log)?sigmoid|tanh|(log)?softmax|softplus|softsign|"
    "hardswish|hardsigmoid|hardtanh|prelu"
)
# Layers that do nothing in evaluation, also those of a person's own or of timm, which no row knows (`DropPath`).
_NOTHING = re.compile("Identity|Dropout|DropPath")
# What may stand before an activation as well as behind it: it moves numbers about, or takes the greatest of some.
_EITHER_WAY = re.compile(
    r"(adaptive_?)?max_?pool|(un)?flatten|view|reshape|permute|transpose|(swap|move)(axes|dim)|(un)?squeeze|contiguous"
    r"|pixel_?(un)?shuffle|identity|(feature_?)?(alpha_?)?dropout",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Aligned:
    """A call of a layer in both models, each with the events that it is made of.

    `row` is the row that knows both as one layer, and `parted` what it has otherwise on each side. `inputs` says which
    of PyTorch's inputs goes to each of Keras's; it is None where that is not known. `last` says that of PyTorch's recurrent layer
    the last output is used alone, which is all that Keras's gives.
    """

    torch: Span
    keras: Span
    names: Mapping[str, str]
    calls: Mapping[str, str]
    row: Row | None
    parted: Parted
    inputs: tuple[int, ...] | None
    last: bool = False

    def taken(self, array: NDArray[Any]) -> NDArray[Any]:
        """Of what PyTorch's layer gave, or the gradient by it, what stands beside Keras's result.

        It is all of it but for a recurrent layer whose last output is used alone: that is the last step, and of the direction
        that reads backwards the first.
        """
        if not self.last:
            return array
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


class _Aligner:
    def __init__(
        self, torch: Inventory, keras: Inventory, matches: Sequence[Match], *, training: bool, turned: bool
    ) -> None:
        self.torch, self.keras, self.training, self.turned = torch, keras, training, turned
        self.match = {path: match for match in matches for path in match.torch.paths}
        self.partner = self._partners(matches)
        self.used: set[int] = {index for indices in self.partner.values() for index in indices}
        # Events that correspond and give something else, since an activation stands within one, and behind the other.
        self.apart: dict[str, set[int]] = {TORCH: set(), TENSORFLOW: set()}

    def _partners(self, matches: Sequence[Match]) -> dict[int, list[int]]:
        """The events of Keras beside each of PyTorch's, of the layers that hold parameters: call by call."""
        found: dict[int, list[int]] = {}
        for match in matches:
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
        """The layers between two lines, one beside the other, where both models have as many there."""
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
        if len(rest[0]) != len(rest[1]):  # one side flattens besides, say
            inventories = self.torch, self.keras
            rest = [[e for e in events if "Pool" in i.by_name[e.layer or ""].class_name]
                    for i, events in zip(inventories, rest, strict=True)]  # fmt: skip
        if len(rest[0]) == len(rest[1]):
            for ours, theirs in zip(*rest, strict=True):
                if math.prod(ours.inputs[0]) == math.prod(theirs.inputs[0]):
                    yield self._line(ours, [theirs.index])

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
            later = self._activation_later(event, self.keras.by_name[self.keras.events[partners[-1]].layer or ""])
            if later or self._function_behind(event, partners[-1]):
                self.apart[TORCH].update([event.index, *later])
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

    def _line(self, event: Event, partners: list[int]) -> Aligned:
        ours, theirs = self.torch.by_name[event.layer or ""], self.keras.events[partners[-1]]
        other = self.keras.by_name[theirs.layer or ""]
        match = self.match.get(event.layer or "")
        one, another = (match.torch.call, match.keras.call) if match is not None else (ours.tree, other.tree)
        row, settings = row_of_layers(one, another) if one is not None and another is not None else (None, {})
        before = self._padding(event, partners)
        after, activation = self._activation(event, other)
        first = self.torch.events[before[0]] if before[0] is not None else event
        start = self.keras.events[before[1]] if before[1] is not None else self.keras.events[partners[0]]
        keras_events = tuple(dict.fromkeys([start.index, *partners]))
        torch_events = tuple(dict.fromkeys([first.index, event.index, *([after] if after is not None else [])]))
        own = self._activation_within(event)
        behind = self._activation_behind(partners[-1]) if own and not activation_of(other) else None
        if behind is not None:
            keras_events = (*keras_events, behind)
            self.used.add(behind)
        padded = any(b is not None for b in before)
        shapes = event.inputs[0] if event.inputs else (), self.keras.events[partners[0]].inputs[:1]
        parted = parted_settings(row, settings) | argument_settings(
            row, settings, ours, other, training=self.training,
            turned="LayerNorm" not in ours.class_name and (self.turned or list(shapes[1]) != [shapes[0]]), rank=len(shapes[0]),
        )  # fmt: skip
        if padded or pads_the_same(ours, other):
            parted.pop("padding", None)
        if before[0] is not None and first.layer is None:
            parted |= padding_settings(first, other)
        if "Pool" in ours.class_name:
            parted |= pooling_settings(ours, other, padded=padded)
        wanted = activation_of(other)
        if own and not wanted:
            said = _name_of_activation(self.keras, behind)
            if behind is None or (said and not _one_activation(own, said)):
                parted["activation"] = (own, said or None)
        if wanted and not _one_activation(activation or own, wanted):
            parted["activation"] = (activation or own or None, wanted)
        calls: dict[str, str] = {TORCH: ours.call or ours.class_name, TENSORFLOW: other.call or other.class_name}
        if wanted and after is not None and _one_activation(activation, wanted):
            calls[TENSORFLOW] = _without_activation(other)
        last = row is not None and row.recurrent and self._last_alone(event, theirs)
        if row is not None and row.recurrent:
            layers = [self.keras.by_name[self.keras.events[index].layer or ""] for index in partners]
            parted |= recurrent_settings(event, theirs, ours, layers, last=last)
        if "MultiheadAttention" in ours.class_name:
            parted |= mask_settings(event, theirs)
        return Aligned(
            torch=Span(torch_events, len(first.inputs)),
            keras=Span(keras_events, len(start.inputs)),
            names={TORCH: event.layer or "", TENSORFLOW: theirs.layer or ""},
            calls=calls,
            row=row,
            parted=parted,
            inputs=_inputs(first, start),
            last=last,
        )

    def _last_alone(self, event: Event, theirs: Event) -> bool:
        """Whether what reads PyTorch's recurrent layer has no axis for the steps, as what Keras's gives."""
        rank = len(theirs.outputs[0])
        if len(event.outputs[0]) != rank + 1:
            return False
        for reader in self.torch.events[event.index + 1 :]:
            if event.index in reader.origin and reader.layer is not None and reader.inputs:
                return len(reader.inputs[0]) == rank
        outputs = [output for output in self.torch.outputs if event.index in output.origin]
        return bool(outputs) and len(outputs[0].shape) == rank

    def _padding(self, event: Event, partners: list[int]) -> tuple[int | None, int | None]:
        """A padding right before a layer on one side alone, which the other side's layer does itself."""
        ours = self._pad_before(self.torch, event, set(self.partner))
        theirs = self._pad_before(self.keras, self.keras.events[partners[0]], self.used)
        return (ours, theirs) if (ours is None) != (theirs is None) else (None, None)

    def _pad_before(self, inventory: Inventory, event: Event, used: set[int]) -> int | None:
        previous = [e for e in inventory.events[: event.index] if e.index in event.origin or _reaches(e, event)]
        for candidate in previous[-1:]:
            layer = inventory.by_name.get(candidate.layer or "-")
            name = layer.class_name if layer is not None else candidate.function
            if candidate.index not in used and re.search("pad", name, re.IGNORECASE) and candidate.inputs:
                return candidate.index
        return None

    def _activation(self, event: Event, other: SeenLayer) -> tuple[int | None, str]:
        """The event of PyTorch right behind a layer that is an activation, where Keras's has one among its arguments."""
        if not activation_of(other):
            return None, ""
        for candidate in self.torch.events[event.index + 1 :]:
            if event.index in candidate.origin:
                word = plain(self._name_of(candidate))
                return (candidate.index, word) if _ACTIVATIONS.fullmatch(word) else (None, "")
        return None, ""

    def _activation_later(self, event: Event, other: SeenLayer) -> list[int]:
        """The events of PyTorch from a layer to the activation that Keras's has among its arguments, where some come between.

        `F.relu(F.max_pool2d(conv(x), 2))` is what `Conv2D` with ReLU and `MaxPooling2D` give. The two layers themselves give
        something else, and no model is wrong for it, so that they cannot be compared.
        """
        wanted = activation_of(other)
        found: list[int] = []
        origin, shapes = event.index, event.outputs[:1]
        for candidate in self.torch.events[event.index + 1 :] if wanted else ():
            if origin not in candidate.origin or candidate.inputs != shapes:
                continue
            name = self._name_of(candidate)
            if _ACTIVATIONS.fullmatch(plain(name)):
                return [*found, candidate.index] if found and _one_activation(plain(name), wanted) else []
            if candidate.index in self.partner or not candidate.outputs or not _EITHER_WAY.match(name):
                return []
            found.append(candidate.index)
            # A function is no origin of what is made of its result, a layer is.
            origin, shapes = (origin if candidate.layer is None else candidate.index), candidate.outputs[:1]
        return []

    def _name_of(self, event: Event) -> str:
        """What an event of PyTorch is called: the class of a layer, or a function."""
        layer = self.torch.by_name.get(event.layer or "-")
        return layer.class_name if layer is not None and event.layer is not None else event.function

    def _activation_within(self, event: Event) -> str:
        """The activation that a layer of PyTorch calls itself, one of a person's own over `nn.BatchNorm2d`; empty for none."""
        inside = (
            [layer for layer in self.torch.layers if layer.name.startswith(f"{event.layer}.")] if event.layer else []
        )
        names = [plain(layer.class_name) for layer in inside if not _NOTHING.search(layer.class_name)]
        return names[0] if len(names) == 1 and _ACTIVATIONS.fullmatch(names[0]) else ""

    def _activation_behind(self, index: int) -> int | None:
        """The event of Keras that alone reads what a layer gave, where it is an activation."""
        readers = [candidate for candidate in self.keras.events[index + 1 :] if index in candidate.origin]
        if len(readers) != 1 or readers[0].layer is None or readers[0].index in self.used:
            return None
        name = plain(self.keras.by_name[readers[0].layer].class_name)
        return readers[0].index if name == "activation" or _ACTIVATIONS.fullmatch(name) else None

    def _function_behind(self, event: Event, index: int) -> bool:
        """Whether a layer of PyTorch calls an activation itself that Keras calls as a function behind its layer, `tf.nn.relu6`.

        What that function gives is the result of no layer, so the two layers cannot be compared.
        """
        other = self.keras.by_name[self.keras.events[index].layer or ""]
        rest: list[Event | Output] = [*self.keras.events[index + 1 :], *self.keras.outputs]
        readers = [each for each in rest if index in each.origin]
        if not readers or not self._activation_within(event) or activation_of(other):
            return False
        calls = set.intersection(*(set(each.calls) for each in readers))
        names = (plain(text.partition("(")[0].rpartition(".")[2]) for _, text in calls)
        return any(map(_ACTIVATIONS.fullmatch, names))


def _name_of_activation(inventory: Inventory, index: int | None) -> str:
    """What the activation at an event of Keras is called in its call, `swish`; empty where it is none that is known."""
    layer = inventory.by_name.get(inventory.events[index].layer or "-") if index is not None else None
    value = (
        constant_or_none(arguments_of(layer.tree).get("activation"))
        if layer is not None and layer.tree is not None
        else None
    )
    name = value.rpartition(">")[2] if isinstance(value, str) else ""
    return name if _ACTIVATIONS.fullmatch(name.replace("_", "")) else ""


def _one_activation(ours: str, theirs: str) -> bool:
    """Whether PyTorch's activation, as `logsoftmax`, is the one that Keras calls `log_softmax`."""
    return ours in {each.replace("_", "") for each in {theirs, *_OTHER_NAMES.get(theirs, ())}}


def _without_activation(layer: SeenLayer) -> str:
    """The call of a Keras layer without the activation among its arguments, which PyTorch has in a layer of its own."""
    assert layer.tree is not None
    kept = [keyword for keyword in layer.tree.keywords if keyword.arg != "activation"]
    return ast.unparse(ast.Call(layer.tree.func, layer.tree.args, kept))


def _reaches(candidate: Event, event: Event) -> bool:
    """Whether a function's result is what the next layer is given, as far as shapes and order tell."""
    return (
        candidate.layer is None
        and candidate.index == event.index - 1
        and bool(event.inputs)
        and candidate.outputs[:1] == event.inputs[:1]
    )


def _inputs(ours: Event, theirs: Event) -> tuple[int, ...] | None:
    """Which of PyTorch's inputs goes to each of Keras's: by the names of the parameters where they are the same, else in order.

    A Keras attention that is given no keys takes the values for them, and `nn.MultiheadAttention` has a name for each.
    """
    if len(set(ours.names)) == len(ours.names) and set(theirs.names) <= set(ours.names):
        return tuple(ours.names.index(name) for name in theirs.names)
    return tuple(range(len(theirs.inputs))) if len(theirs.inputs) <= len(ours.inputs) else None
