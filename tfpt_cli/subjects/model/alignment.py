"""Which calls of layers stand beside each other in the traces of two models, with what is fused to them on one side."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tfpt_cli.dictionary.native import native
from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.language.expression import BadConstant, NotConstant, constant
from tfpt_cli.language.signature import bind_any
from tfpt_cli.language.trees import called_name
from tfpt_cli.layers.known import arguments_of, row_of_layers, unstacked
from tfpt_cli.subjects.model.writer import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

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
_ACTIVATIONS = re.compile(
    "relu|relu6|leakyrelu|elu|selu|celu|gelu|silu|swish|mish|(log)?sigmoid|tanh|(log)?softmax|softplus|softsign|"
    "hardswish|hardsigmoid|hardtanh|prelu"
)
# Layers that do nothing in evaluation.
_NOTHING = re.compile("Identity|Dropout|DropPath")
# Settings that both frameworks have, by PyTorch's name and Keras's.
_COMMON = (
    ("kernel_size", "kernel_size"),
    ("kernel_size", "pool_size"),
    ("stride", "strides"),
    ("padding", "padding"),
    ("dilation", "dilation_rate"),
    ("groups", "groups"),
    ("output_padding", "output_padding"),
    ("eps", "epsilon"),
    ("mode", "interpolation"),
    ("negative_slope", "negative_slope"),
)
# Layers of Keras that have an activation of their own among their arguments, which is no function put behind them.
_OWN_ACTIVATION = re.compile(r"LSTM|GRU|SimpleRNN|ConvLSTM|\.Activation\b")


@dataclass(frozen=True)
class Aligned:
    """A call of a layer in both models, each with the events that it is made of.

    `row` is the row that knows both as one layer, and `parted` the settings that it has otherwise on each side, by name. `inputs`
    says which of PyTorch's inputs goes to each of Keras's; it is None where that is not known. `last` says that of PyTorch's
    recurrent layer the last output is used alone, which is all that Keras's gives.
    """

    torch: Span
    keras: Span
    names: Mapping[str, str]
    calls: Mapping[str, str]
    row: Row | None
    parted: Mapping[str, tuple[object, object]]
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
            taken = {index for line in lines for index in self._span(line, framework).events}
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
        parted = parted_settings(row, settings) | _parted(
            row, settings, ours, other, training=self.training,
            turned="LayerNorm" not in ours.class_name and (self.turned or list(shapes[1]) != [shapes[0]]), rank=len(shapes[0]),
        )  # fmt: skip
        if padded or _pads_the_same(ours, other):
            parted.pop("padding", None)
        if before[0] is not None and first.layer is None:
            parted |= _padded_before(first, other)
        if "Pool" in ours.class_name:
            parted |= _pooled(ours, other, padded=padded)
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
            parted |= _recurrent(event, theirs, ours, layers, last=last)
        if "MultiheadAttention" in ours.class_name:
            parted |= _masked(event, theirs)
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

    def _activation(self, event: Event, other: Layer) -> tuple[int | None, str]:
        """The event of PyTorch right behind a layer that is an activation, where Keras's has one among its arguments."""
        if not activation_of(other):
            return None, ""
        for candidate in self.torch.events[event.index + 1 :]:
            if event.index not in candidate.origin:
                continue
            layer = self.torch.by_name.get(candidate.layer or "-")
            name = layer.class_name if layer is not None and candidate.layer is not None else candidate.function
            plain = _plain_name(name)
            if _ACTIVATIONS.fullmatch(plain):
                return candidate.index, plain
            return None, ""
        return None, ""

    def _activation_within(self, event: Event) -> str:
        """The activation that a layer of PyTorch calls itself, one of a person's own over `nn.BatchNorm2d`; empty for none."""
        inside = (
            [layer for layer in self.torch.layers if layer.name.startswith(f"{event.layer}.")] if event.layer else []
        )
        names = [_plain_name(layer.class_name) for layer in inside if not _NOTHING.search(layer.class_name)]
        return names[0] if len(names) == 1 and _ACTIVATIONS.fullmatch(names[0]) else ""

    def _activation_behind(self, index: int) -> int | None:
        """The event of Keras that alone reads what a layer gave, where it is an activation."""
        readers = [candidate for candidate in self.keras.events[index + 1 :] if index in candidate.origin]
        if len(readers) != 1 or readers[0].layer is None or readers[0].index in self.used:
            return None
        name = _plain_name(self.keras.by_name[readers[0].layer].class_name)
        return readers[0].index if name == "activation" or _ACTIVATIONS.fullmatch(name) else None


def _name_of_activation(inventory: Inventory, index: int | None) -> str:
    """What the activation at an event of Keras is called in its call, `swish`; empty where it is none that is known."""
    layer = inventory.by_name.get(inventory.events[index].layer or "-") if index is not None else None
    value = (
        _constant(arguments_of(layer.tree).get("activation")) if layer is not None and layer.tree is not None else None
    )
    name = value.rpartition(">")[2] if isinstance(value, str) else ""
    return name if _ACTIVATIONS.fullmatch(name.replace("_", "")) else ""


def _plain_name(name: str) -> str:
    """The name of a class or a function in small letters alone: `leakyrelu` for `leaky_relu`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _one_activation(ours: str, theirs: str) -> bool:
    """Whether PyTorch's activation, as `logsoftmax`, is the one that Keras calls `log_softmax`."""
    return ours in {each.replace("_", "") for each in {theirs, *_OTHER_NAMES.get(theirs, ())}}


def _without_activation(layer: Layer) -> str:
    """The call of a Keras layer without the activation among its arguments, which PyTorch has in a layer of its own."""
    assert layer.tree is not None
    kept = [keyword for keyword in layer.tree.keywords if keyword.arg != "activation"]
    return ast.unparse(ast.Call(layer.tree.func, layer.tree.args, kept))


# What PyTorch's recurrent layers do, by the setting of Keras's that may say otherwise.
_USUAL = {"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True, "go_backwards": False}


def _recurrent(
    event: Event, theirs: Event, ours: Layer, layers: Sequence[Layer], *, last: bool
) -> dict[str, tuple[object, object]]:
    """How a recurrent layer runs otherwise on each side: over which axis, from which state, with which gates and results."""
    found: dict[str, tuple[object, object]] = {}
    if len(event.inputs[0]) == 3 and "batch_first=True" not in ours.call:
        found["its first axis"] = ("time", "the batch")
    if not last and len(event.outputs[0]) > len(theirs.outputs[0]):
        found["its result"] = ("the output of every step", "that of the last step")
    states = "hx" in event.names, "initial_state" in theirs.names
    if len(layers) == 1 and states[0] != states[1]:
        found["its first state"] = ("given", "zeros") if states[0] else ("zeros", "given")
    if (theirs.masked or "mask" in theirs.names) and not event.packed:
        found["its mask"] = (None, "given")
    for cell in (cell for layer in layers if layer.tree is not None for cell in unstacked(layer.tree)[0]):
        for name, tree in arguments_of(cell).items():
            usual = "relu" if name == "activation" and "relu" in ours.call else _USUAL.get(name, _constant(tree))
            if _constant(tree) != usual:
                found[name] = (usual, _constant(tree))
    return found


def _masked(event: Event, theirs: Event) -> dict[str, tuple[object, object]]:
    """That an attention is given a mask, or makes one itself, on one side alone."""
    ours = any("mask" in name for name in event.names)
    other = theirs.causal or theirs.masked or any("mask" in name for name in theirs.names)
    return {"its mask": ("given", None) if ours else (None, "given")} if ours != other else {}


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


def _inputs(ours: Event, theirs: Event) -> tuple[int, ...] | None:
    """Which of PyTorch's inputs goes to each of Keras's: by the names of the parameters where they are the same, else in order.

    A Keras attention that is given no keys takes the values for them, and `nn.MultiheadAttention` has a name for each.
    """
    if len(set(ours.names)) == len(ours.names) and set(theirs.names) <= set(ours.names):
        return tuple(ours.names.index(name) for name in theirs.names)
    return tuple(range(len(theirs.inputs))) if len(theirs.inputs) <= len(ours.inputs) else None


def parted_settings(row: Row | None, settings: Mapping[str, Mapping[str, object]]) -> dict[str, tuple[object, object]]:
    """The settings that a layer has otherwise on each side, by name, PyTorch's first."""
    found: dict[str, tuple[object, object]] = {}
    if row is not None:
        ours, theirs = settings[TORCH], settings[TENSORFLOW]
        for name in row.signature.settings:
            if name in ours and name in theirs and not _same(ours[name], theirs[name]):
                found[name] = (ours[name], theirs[name])
    if found.get("num_groups", (0, 0))[1] == -1 and found["num_groups"][0] == settings[TORCH].get("num_channels"):
        del found["num_groups"]
    return found


def _parted(
    row: Row | None,
    settings: Mapping[str, Mapping[str, object]],
    ours: Layer,
    other: Layer,
    *,
    training: bool,
    turned: bool,
    rank: int,
) -> dict[str, tuple[object, object]]:
    """What a layer has otherwise on each side besides the settings of its row."""
    found: dict[str, tuple[object, object]] = {}
    if row is None and ours.tree is not None and other.tree is not None:
        names = ast.unparse(ours.tree.func), ast.unparse(other.tree.func)
        if _plain_class(names[0]) != _plain_class(names[1]):
            found["its class"] = names
    compared = set() if row is None else set(settings[TORCH]) & set(settings[TENSORFLOW])
    arguments = _arguments(ours, TORCH), _arguments(other, TENSORFLOW)
    for name, theirs_name in _COMMON:
        if name not in found and name in arguments[0] and theirs_name in arguments[1]:
            values = arguments[0][name], _in_one_row(arguments[1][theirs_name])
            if not _same(*values) and name not in compared:
                found[name] = (_one_number(values[0]), _one_number(values[1]))
    axes = None if turned else _axes(ours, arguments, rank)
    if axes is not None and axes[0] != axes[1]:
        found["the normalized axis" if "BatchNorm" not in other.class_name else "the axis of channels"] = axes
    if training and "BatchNormalization" in other.class_name and arguments[1].get("trainable") is False:
        found["trainable"] = (True, False)
    return found


def _pooled(ours: Layer, other: Layer, *, padded: bool) -> dict[str, tuple[object, object]]:
    """What a pooling of PyTorch's does otherwise at the edge: Keras's has no names for it but that of its padding."""
    given, theirs = _arguments(ours, TORCH), _arguments(other, TENSORFLOW).get("padding")
    found: dict[str, tuple[object, object]] = {}
    if given.get("ceil_mode") and theirs == "valid":
        found["ceil_mode"] = (True, None)
    if theirs == "same" and not padded:
        if not _pads_the_same(ours, other) and not given.get("ceil_mode"):
            found["padding"] = (_one_number(given.get("padding")), theirs)
        if given.get("count_include_pad") and any(_numbers(given.get("padding")) or ()):
            found["count_include_pad"] = (True, False)
    return found


def _padded_before(padding: Event, other: Layer) -> dict[str, tuple[object, object]]:
    """That `F.pad` puts other widths around a row than a convolution of Keras over one axis with "same" or "causal"."""
    given = _arguments(other, TENSORFLOW)
    sizes, dilations = _numbers(given.get("kernel_size")), _numbers(given.get("dilation_rate", 1))
    if not padding.text or not sizes or not dilations or len(padding.inputs[0]) != 3:
        return {}
    more = (sizes[0] - 1) * dilations[0]
    widths = {"causal": (more, 0), "same": (more // 2, more - more // 2), "valid": (0, 0)}
    theirs = given.get("padding")
    ours = tuple(ast.literal_eval(padding.text))
    return {} if ours == widths.get(str(theirs), ours) else {"padding": (ours, theirs)}


def _in_one_row(value: object) -> object:
    """Widths of a padding as PyTorch lists them, ((1, 0), (0, 2)) as (0, 2, 1, 0); anything else as it is."""
    if isinstance(value, (tuple, list)) and value and all(isinstance(each, (tuple, list)) for each in value):
        return tuple(number for pair in reversed(value) for number in pair)
    return value


def _one_number(value: object) -> object:
    """A size that is one for every axis as one number, 3 for (3, 3)."""
    numbers = _numbers(value)
    return numbers[0] if numbers and len(set(numbers)) == 1 else value


def _plain_class(name: str) -> str:
    """The name of a class without what each framework writes in its own way: `avgpool2d` for `keras.layers.AveragePooling2D`."""
    name = name.rpartition(".")[2].lower().replace("average", "avg").replace("pooling", "pool")
    return name.replace("padding", "pad").replace("normalization", "norm")


def _axes(
    layer: Layer, arguments: tuple[Mapping[str, object], Mapping[str, object]], rank: int
) -> tuple[object, object] | None:
    """Which axes, from the end, a normalizing layer takes in each framework; None for another layer."""
    theirs = arguments[1].get("axis")
    given = _numbers(theirs)
    if given is None:
        return None
    axes = sorted(axis - rank if axis >= 0 else axis for axis in given)
    sizes = arguments[0].get("normalized_shape")
    if layer.class_name == "LayerNorm":
        ours = list(range(-len(sizes), 0)) if isinstance(sizes, (list, tuple)) else [-1]
    elif re.match("BatchNorm|InstanceNorm|GroupNorm", layer.class_name):
        ours = [1 - rank]
    else:
        return None
    return (ours[0] if len(ours) == 1 else ours), (axes[0] if len(axes) == 1 else axes)


def _arguments(layer: Layer, framework: str) -> dict[str, object]:
    """What a layer was made with, with the defaults of what its call does not say; what is no constant is left out."""
    if layer.tree is None:
        return {}
    rules = native(framework)
    name = rules.canonical(called_name(layer.tree))
    if name not in rules.calls:
        return {}
    signature, bound, _ = bind_any(name, rules.calls[name], layer.tree)
    usual = {each.name: each.default for each in signature.parameters if each.default is not None}
    found = {}
    for key, tree in {**usual, **bound, **{k.arg: k.value for k in layer.tree.keywords if k.arg}}.items():
        try:
            found[key] = constant(tree)
        except (NotConstant, BadConstant):
            continue
    return found


def _pads_the_same(torch: Layer, keras: Layer) -> bool:
    """Whether PyTorch's padding by numbers is what Keras calls "valid", or "same" at a stride of one.

    A transposed convolution crops by its padding, and "same" crops what a kernel is longer than its stride.
    """
    ours, theirs = _arguments(torch, TORCH), _arguments(keras, TENSORFLOW)
    numbers = _numbers(ours.get("padding", 0))
    if numbers is None:
        return ours.get("padding") == theirs.get("padding")
    if theirs.get("padding") == "valid":
        return not any(numbers)
    strides = _numbers(theirs.get("strides", 1))
    sizes, dilations = _numbers(ours.get("kernel_size")), _numbers(ours.get("dilation", 1))
    if theirs.get("padding") != "same" or strides is None or sizes is None or dilations is None:
        return False
    longest = max(map(len, (numbers, sizes, dilations, strides)))
    rows = (each * longest if len(each) == 1 else each for each in (numbers, sizes, dilations, strides))
    for pad, size, dilation, stride in zip(*rows, strict=True):
        if "ConvTranspose" in torch.class_name:
            if dilation != 1 or 2 * pad != size - stride or any(_numbers(ours.get("output_padding")) or ()):
                return False
        elif stride != 1 or 2 * pad != (size - 1) * dilation:
            return False
    return True


def _numbers(value: object) -> list[int] | None:
    """Whole numbers as a list: of 3 it is [3]; None for anything else."""
    values = list(value) if isinstance(value, (tuple, list)) else [value]
    whole = [each for each in values if isinstance(each, int)]
    return whole if len(whole) == len(values) else None


def _same(one: object, other: object) -> bool:
    """Whether two settings are the same: 3 and (3, 3) are, and a padding of 0 and `valid`."""
    plain = (0 if value == "valid" else value for value in (one, other))
    listed = [list(value) if isinstance(value, (tuple, list)) else [value] for value in plain]
    if len(set(map(len, listed))) > 1:
        longest = max(map(len, listed))
        listed = [values * longest if len(values) == 1 else values for values in listed]
    return listed[0] == listed[1]
