"""Which calls of layers stand beside each other in the traces of two models, with what is fused to them on one side."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.language.expression import BadConstant, NotConstant, constant
from tfpt_cli.layers.known import arguments_of, known_row
from tfpt_cli.subjects.model.writer import Span

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.dictionary.records import Layer as Row
    from tfpt_cli.subjects.model.inventory import Event, Inventory, Layer
    from tfpt_cli.subjects.model.pairing import Match

# Other names of an activation, by what Keras calls it.
_OTHER_NAMES = {
    "silu": {"swish"},
    "swish": {"silu"},
    "relu6": {"relu6"},
    "hard_silu": {"hardswish"},
    "hard_sigmoid": {"hardsigmoid"},
}
# Layers of Keras that have an activation of their own among their arguments, which is no function put behind them.
_OWN_ACTIVATION = re.compile(r"LSTM|GRU|SimpleRNN|ConvLSTM|\.Activation\b")


@dataclass(frozen=True)
class Aligned:
    """A call of a layer in both models, each with the events that it is made of.

    `row` is the row that knows both as one layer, and `parted` the settings that it has otherwise on each side, by name. `inputs`
    says which of PyTorch's inputs goes to each of Keras's; it is None where that is not known.
    """

    torch: Span
    keras: Span
    names: Mapping[str, str]
    calls: Mapping[str, str]
    row: Row | None
    parted: Mapping[str, tuple[object, object]]
    inputs: tuple[int, ...] | None


def aligned(torch: Inventory, keras: Inventory, matches: Sequence[Match]) -> list[Aligned]:
    """The layers that both models call, in PyTorch's order."""
    return list(_Aligner(torch, keras, matches).lines())


class _Aligner:
    def __init__(self, torch: Inventory, keras: Inventory, matches: Sequence[Match]) -> None:
        self.torch, self.keras = torch, keras
        self.match = {path: match for match in matches for path in match.torch.paths}
        self.partner = self._partners(matches)
        self.used: set[int] = {index for indices in self.partner.values() for index in indices}

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

    def lines(self) -> Iterator[Aligned]:
        """The lines in PyTorch's order; a layer without parameters beside the next one of Keras that a row knows it as."""
        reached = -1
        for event in self.torch.events:
            if event.layer is None or not event.outputs:
                continue
            partners = self.partner.get(event.index)
            if partners is None:
                partners = self._without_parameters(event, reached)
                if partners is None:
                    continue
                self.used.update(partners)
            reached = max(reached, *partners)
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
            if tree is not None and known_row(layer.tree, tree)[0] is not None:
                return [other.index]
        return None

    def _line(self, event: Event, partners: list[int]) -> Aligned:
        ours, theirs = self.torch.by_name[event.layer or ""], self.keras.events[partners[-1]]
        other = self.keras.by_name[theirs.layer or ""]
        match = self.match.get(event.layer or "")
        one, another = (match.torch.call, match.keras.call) if match is not None else (ours.tree, other.tree)
        row, settings = known_row(one, another) if one is not None and another is not None else (None, {})
        before, after = self._padding(event, partners), self._activation(event, other)
        first = self.torch.events[before[0]] if before[0] is not None else event
        start = self.keras.events[before[1]] if before[1] is not None else self.keras.events[partners[0]]
        keras_events = tuple(dict.fromkeys([start.index, *partners]))
        torch_events = tuple(dict.fromkeys([first.index, event.index, *([after] if after is not None else [])]))
        parted = parted_settings(row, settings)
        if any(each is not None for each in before):
            parted.pop("padding", None)
        if (wanted := activation_of(other)) and after is None:
            parted["activation"] = (None, wanted)
        return Aligned(
            torch=Span(torch_events, len(first.inputs)),
            keras=Span(keras_events, len(start.inputs)),
            names={TORCH: event.layer or "", TENSORFLOW: theirs.layer or ""},
            calls={TORCH: ours.call or ours.class_name, TENSORFLOW: other.call or other.class_name},
            row=row,
            parted=parted,
            inputs=_inputs(row, len(first.inputs), len(start.inputs)),
        )

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

    def _activation(self, event: Event, other: Layer) -> int | None:
        """The event of PyTorch right behind a layer that is the activation among the arguments of Keras's."""
        wanted = activation_of(other)
        if not wanted:
            return None
        for candidate in self.torch.events[event.index + 1 :]:
            if event.index not in candidate.origin:
                continue
            layer = self.torch.by_name.get(candidate.layer or "-")
            name = layer.class_name if layer is not None and candidate.layer is not None else candidate.function
            plain = re.sub(r"[^a-z0-9]", "", name.lower())
            if plain in {re.sub("_", "", each) for each in {wanted, *_OTHER_NAMES.get(wanted, ())}}:
                return candidate.index
            return None
        return None


def _reaches(candidate: Event, event: Event) -> bool:
    """Whether a function's result is what the next layer is given, as far as shapes and order tell."""
    return (
        candidate.layer is None
        and candidate.index == event.index - 1
        and bool(event.inputs)
        and candidate.outputs[:1] == event.inputs[:1]
    )


def activation_of(layer: Layer) -> str:
    """The activation among the arguments of a Keras layer, `relu`; empty for none, and for one that is the layer itself."""
    if layer.tree is None or _OWN_ACTIVATION.search(layer.call):
        return ""
    tree = arguments_of(layer.tree).get("activation")
    value = _constant(tree)
    return value if isinstance(value, str) and value != "linear" else ""


def _constant(tree: ast.expr | None) -> object:
    try:
        return None if tree is None else constant(tree)
    except (NotConstant, BadConstant):
        return None


def _inputs(row: Row | None, ours: int, theirs: int) -> tuple[int, ...] | None:
    """Which of PyTorch's inputs goes to each of Keras's."""
    if row is not None and row.name == "multi_head_attention":
        return {2: (0, 2), 3: (0, 2, 1)}.get(theirs) if ours >= 3 else None
    if theirs <= ours or row is not None:
        return tuple(range(min(ours, theirs))) if theirs <= ours else None
    return None


def parted_settings(row: Row | None, settings: Mapping[str, Mapping[str, object]]) -> dict[str, tuple[object, object]]:
    """The settings that a layer has otherwise on each side, by name, PyTorch's first."""
    found: dict[str, tuple[object, object]] = {}
    if row is not None:
        ours, theirs = settings[TORCH], settings[TENSORFLOW]
        for name in row.signature.settings:
            if name in ours and name in theirs and not _same(ours[name], theirs[name]):
                found[name] = (ours[name], theirs[name])
    return found


def _same(one: object, other: object) -> bool:
    """Whether two settings are the same: 3 and (3, 3) are, and a padding of 0 and `valid`."""
    plain = (0 if value == "valid" else value for value in (one, other))
    listed = [list(value) if isinstance(value, (tuple, list)) else [value] for value in plain]
    if len(set(map(len, listed))) > 1:
        longest = max(map(len, listed))
        listed = [values * longest if len(values) == 1 else values for values in listed]
    return listed[0] == listed[1]
