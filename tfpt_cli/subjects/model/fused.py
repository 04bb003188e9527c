"""What one model's layer does itself, and the other model calls before or behind its own: borders, cuts and activations."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tfpt_cli.layers.known import arguments_of
from tfpt_cli.subjects.model.inventory import Event
from tfpt_cli.subjects.model.settings import activation_of, constant_or_none
from tfpt_cli.subjects.model.units import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from tfpt_cli.subjects.model.inventory import Inventory, Output, SeenLayer

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
# Those that grow with their argument and have no parameters: of the greatest of some numbers they are the greatest, so that a
# layer of Keras that calls one itself can be held against PyTorch's, whose model calls it behind a pooling.
ACTIVATED: Mapping[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "tanh": np.tanh,
    "sigmoid": lambda x: (1 + np.tanh(x / 2)) / 2,
}
# Layers that do nothing in evaluation, also those of a person's own or of timm, which no row knows (`DropPath`).
_NOTHING = re.compile("Identity|Dropout|DropPath")
# What may stand before an activation as well as behind it: it moves numbers about, or takes the greatest of some.
_EITHER_WAY = re.compile(
    r"(adaptive_?)?max_?pool|(un)?flatten|view|reshape|permute|transpose|(swap|move)(axes|dim)|(un)?squeeze|contiguous"
    r"|__getitem__|narrow|pixel_?(un)?shuffle|identity|(feature_?)?(alpha_?)?dropout",
    re.IGNORECASE,
)
# Calls of Keras and TensorFlow between layers that cut something off, and that put something around.
_CUTTING = re.compile(r"x\[|[\w.]*(slice|get_?item|crop)", re.IGNORECASE)
_PUTTING_AROUND = re.compile(r"[\w.]*pad", re.IGNORECASE)
# Functions of PyTorch and classes of layers that may cut something off; what a `Lambda` does is not known.
_CUTTING_EVENTS = re.compile(r"__getitem__|narrow|pad|Cropping\dD|ZeroPad\dd|ConstantPad\dd|Lambda")


@dataclass(frozen=True)
class Around:
    """What stands around the layers of two models; `used` are the events of Keras that belong to some line, as they become more.

    `partner` has by each event of PyTorch the events of Keras beside it, of the layers that hold parameters.
    """

    torch: Inventory
    keras: Inventory
    partner: Mapping[int, list[int]]
    used: Collection[int]

    def padding(self, event: Event, partners: list[int]) -> tuple[int | None, int | None]:
        """A padding right before a layer on one side alone, which the other side's layer does itself."""
        start = self.keras.events[partners[0]]
        ours, theirs = _pad_before(self.torch, event, self.partner), _pad_before(self.keras, start, self.used)
        if (ours is None) == (theirs is None):
            return None, None
        # What code pads before the other side's layer is no event, and that layer is given it padded.
        first = event if ours is None else self.torch.events[ours]
        other = start if theirs is None else self.keras.events[theirs]
        alike = first.inputs and other.inputs and math.prod(first.inputs[0]) == math.prod(other.inputs[0])
        return (ours, theirs) if alike else (None, None)

    def cropping(self, event: Event, theirs: Event) -> tuple[list[int], list[int]]:
        """What cuts off right behind a layer, on one side alone, what the other side's layer does not give; by side.

        A causal convolution is one with padding on both ends whose last steps are cut off, `conv(x)[:, :, :-padding]`.
        """
        sizes = math.prod(event.outputs[0]), math.prod(theirs.outputs[0])
        found: tuple[list[int], list[int]] = ([], [])
        if sizes[0] == sizes[1] or len(event.outputs[0]) != len(theirs.outputs[0]):  # with fewer axes one step is taken
            return found
        larger = 0 if sizes[0] > sizes[1] else 1
        inventory, start = (self.torch, event) if larger == 0 else (self.keras, theirs)
        behind = next((each for each in inventory.events[start.index + 1 :] if start.index in each.origin), None)
        if behind is None or behind.inputs != start.outputs[:1] or not behind.outputs or not _cuts(inventory, behind):
            return found
        if (larger == 0 or behind.index not in self.used) and math.prod(behind.outputs[0]) == min(sizes):
            found[larger].append(behind.index)
        return found

    def resized(self, event: Event, partners: list[int]) -> bool:
        """Whether what a layer of Keras is given, or gives, has another size than PyTorch's since code pads or cuts it.

        Of functions between Keras's layers no results are noted, so the two layers cannot be compared.
        """
        start, theirs = self.keras.events[partners[0]], self.keras.events[partners[-1]]
        if not event.inputs or not start.inputs or event.index not in self.partner:
            return False
        padded = any(each is not None for each in self.padding(event, partners))
        given_otherwise = math.prod(event.inputs[0]) != math.prod(start.inputs[0]) and not padded
        if given_otherwise and any(map(_resizes, start.calls)):
            return True
        ours = event.outputs[0]
        if len(ours) != len(theirs.outputs[0]) or math.prod(ours) == math.prod(theirs.outputs[0]):
            return False
        if any(self.cropping(event, theirs)):
            return False
        return any(_resizes(call) for each in self._readers(theirs.index) for call in each.calls)

    def to_activation(self, event: Event, cropped: Sequence[int]) -> tuple[list[int], Event | None]:
        """The events of PyTorch between a layer and the activation behind it, and that one; None where there is no such.

        Between the two may come what stands before an activation as well as behind it: a cut, another order, the greatest of
        some, and the layer of a person's own that has `cropped` what this one gives. Each reads the one before it, and no other
        function's result.
        """
        between: list[int] = []
        origin, called = event.index, set[int]()
        for candidate in self.torch.events[event.index + 1 :]:
            if origin not in candidate.origin or {place for place, _ in candidate.calls} != called:
                continue
            if _ACTIVATIONS.fullmatch(plain(self._name_of(candidate))):
                return between, candidate
            moves = candidate.index in cropped or _EITHER_WAY.match(self._name_of(candidate))
            if candidate.index in self.partner or not candidate.outputs or not moves:
                break
            between.append(candidate.index)
            if candidate.layer is None:  # a function is a call on the way; what a layer gives has come from it alone
                called.add(candidate.index)
            else:
                origin, called = candidate.index, set()
        return between, None

    def word_of(self, event: Event | None) -> str:
        """The name of an event of PyTorch as one plain word, `leakyrelu`; empty for none."""
        return plain(self._name_of(event)) if event is not None else ""

    def activation_within(self, event: Event) -> str:
        """The activation that a layer of PyTorch calls itself, one of a person's own over `nn.BatchNorm2d`; empty for none."""
        inside = (
            [layer for layer in self.torch.layers if layer.name.startswith(f"{event.layer}.")] if event.layer else []
        )
        names = [plain(layer.class_name) for layer in inside if not _NOTHING.search(layer.class_name)]
        return names[0] if len(names) == 1 and _ACTIVATIONS.fullmatch(names[0]) else ""

    def activation_behind(self, index: int) -> int | None:
        """The event of Keras that alone reads what a layer gave, where it is an activation."""
        readers = [candidate for candidate in self.keras.events[index + 1 :] if index in candidate.origin]
        if len(readers) != 1 or readers[0].layer is None or readers[0].index in self.used:
            return None
        name = plain(self.keras.by_name[readers[0].layer].class_name)
        return readers[0].index if name == "activation" or _ACTIVATIONS.fullmatch(name) else None

    def function_behind(self, event: Event, index: int) -> bool:
        """Whether a layer of PyTorch calls an activation itself that Keras calls as a function behind its layer, `tf.nn.relu6`.

        What that function gives is the result of no layer, so the two layers cannot be compared.
        """
        other = self.keras.by_name[self.keras.events[index].layer or ""]
        readers = self._readers(index)
        if not readers or not self.activation_within(event) or activation_of(other):
            return False
        calls = set.intersection(*(set(each.calls) for each in readers))
        names = (plain(text.partition("(")[0].rpartition(".")[2]) for _, text in calls)
        return any(map(_ACTIVATIONS.fullmatch, names))

    def _readers(self, index: int) -> list[Event | Output]:
        """The events and outputs of Keras that read what a layer gave."""
        rest: list[Event | Output] = [*self.keras.events[index + 1 :], *self.keras.outputs]
        return [each for each in rest if index in each.origin]

    def _name_of(self, event: Event) -> str:
        """What an event of PyTorch is called: the class of a layer, or a function."""
        return event.function if event.layer is None else self.torch.by_name[event.layer].class_name


def activation_next_to(inventory: Inventory, path: str) -> str:
    """The activation that a layer calls itself, or through which alone its first result goes on, as one plain word.

    Empty for none. Of several names of an activation, as `silu` and `swish`, it is always the same one.
    """
    layer = inventory.by_name.get(path)
    first = next((event.index for event in inventory.events if event.layer == path), None)
    word = plain((layer and activation_of(layer)) or (first is not None and _passed(inventory, first)) or "")
    if not _ACTIVATIONS.fullmatch(word):
        return ""
    return min(
        {word, *(plain(each) for name, others in _OTHER_NAMES.items() if plain(name) == word for each in others)}
    )


def _passed(inventory: Inventory, index: int) -> str:
    """The name of the layer or function through which alone the result of an event goes on; empty where there is none."""
    everything: list[Event | Output] = [*inventory.events, *inventory.outputs]
    readers = [each for each in everything if index in each.origin]
    if not readers:
        return ""
    first, *others = readers
    if isinstance(first, Event) and not first.calls:
        place, layer = first.index, inventory.by_name.get(first.layer or "-")
        name = layer.class_name if layer is not None else first.function
        name = name_of_activation(inventory, place) if name == "Activation" else name
    else:  # a function between Keras's layers is no event
        given = [call for call in first.calls if inventory.straight[call[0] : call[0] + 1] == (index,)]
        if len(given) != 1:
            return ""
        place, text = given[0]
        name = text.partition("(")[0].rpartition(".")[2]
    return name if all(place in dict(each.calls) for each in others) else ""


def name_of_activation(inventory: Inventory, index: int | None) -> str:
    """What the activation at an event of Keras is called in its call, `swish`; empty where it is none that is known."""
    layer = inventory.by_name.get(inventory.events[index].layer or "-") if index is not None else None
    value = (
        constant_or_none(arguments_of(layer.tree).get("activation"))
        if layer is not None and layer.tree is not None
        else None
    )
    name = value.rpartition(">")[2] if isinstance(value, str) else ""
    return name if _ACTIVATIONS.fullmatch(name.replace("_", "")) else ""


def is_activation(word: str) -> bool:
    """Whether the activation among the arguments of a layer of Keras is one that is known, and no function of a person's own."""
    return _ACTIVATIONS.fullmatch(plain(word)) is not None


def one_activation(ours: str, theirs: str) -> bool:
    """Whether PyTorch's activation, as `logsoftmax`, is the one that Keras calls `log_softmax`."""
    return ours in map(plain, {theirs, *_OTHER_NAMES.get(theirs, ())})


def without_activation(layer: SeenLayer) -> str:
    """The call of a Keras layer without the activation among its arguments, which PyTorch has in a layer of its own."""
    assert layer.tree is not None
    kept = [keyword for keyword in layer.tree.keywords if keyword.arg != "activation"]
    return ast.unparse(ast.Call(layer.tree.func, layer.tree.args, kept))


def _pad_before(inventory: Inventory, event: Event, used: Collection[int]) -> int | None:
    previous = [e for e in inventory.events[: event.index] if e.index in event.origin or _reaches(e, event)]
    for candidate in previous[-1:]:
        layer = inventory.by_name.get(candidate.layer or "-")
        name = layer.class_name if layer is not None else candidate.function
        if candidate.index not in used and re.search("pad", name, re.IGNORECASE) and candidate.inputs:
            return candidate.index
    return None


def _reaches(candidate: Event, event: Event) -> bool:
    """Whether a function's result is what the next layer is given, as far as shapes and order tell."""
    return (
        candidate.layer is None
        and candidate.index == event.index - 1
        and bool(event.inputs)
        and candidate.outputs[:1] == event.inputs[:1]
    )


def _cuts(inventory: Inventory, event: Event) -> bool:
    """Whether an event cuts something off what it is given: a function, a layer that is made for it, or one of a person's own."""
    if event.layer is None:
        return _CUTTING_EVENTS.fullmatch(event.function) is not None
    layer = inventory.by_name[event.layer]
    return any(map(_CUTTING.match, event.within)) or _CUTTING_EVENTS.fullmatch(layer.class_name) is not None


def _resizes(call: tuple[int, str]) -> bool:
    """Whether a call between layers cuts something off or puts something around."""
    return bool(_CUTTING.match(call[1]) or _PUTTING_AROUND.match(call[1]))
