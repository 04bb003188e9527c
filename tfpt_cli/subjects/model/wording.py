"""How what parts is said: the steps that code makes between layers, layers as they are called, and settings."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from tfpt_cli.frameworks import TORCH
from tfpt_cli.subjects.model.settings import Besides
from tfpt_cli.subjects.model.steps import TENSOR, Step, not_alike

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.subjects.model.inventory import Event, Inventory

# So many steps between layers are named; of more those that compute something.
_FEW_STEPS = 4
# What only moves numbers about.
_MOVING = re.compile(
    r"x\[|[\w.]+\.((un)?squeeze|(un)?flatten|unstack|view|reshape|permute|(swap|move)axes|transpose|contiguous|chunk|split|unbind|expand"
    r"(_dims)?|broadcast_to|to|cast|float|double|clone|identity|shape)\(",
    re.IGNORECASE,
)


def step_of_layer(event: Event, inventory: Inventory) -> Step:
    """The step that is a call of a layer, with what it calls itself, and what is in it, where it is of a person's own class."""
    layer = inventory.by_name[event.layer or ""]
    if layer.class_name == class_of(layer.call) or layer.call.startswith("nn.utils."):
        return Step(layer.call, f"{layer.call}(x)")
    inner = [each for each in inventory.layers if each.name.startswith(f"{layer.name}.") and layer.name]
    within = [Step(text, text) for text in event.within]
    held = [Step(text) for text in (layer.call, *(each.call or each.class_name for each in inner)) if text]
    words = f"{layer.class_name} ({_few_steps([*held, *within])})" if held or within else layer.class_name
    return Step(words, within[0].code if len(within) == 1 and not held else "")


def in_each(steps: Mapping[Side, Sequence[Step]], *, rest: bool = True) -> str:
    """What each side computes, as the end of a sentence, without the calls that mean the same on both sides.

    That there are such is said. They are named too where nothing else computes: then it may be what they are given that parts.
    Where the `rest` goes without saying it is never named.
    """
    otherwise = not_alike(steps)
    shown = otherwise if not rest or any(_computes(step) for each in otherwise.values() for step in each) else steps
    found = [f"{_few_steps(each)} in {side.label}" for side, each in shown.items() if each]
    alike = ", the other calls alike" if rest and sum(map(len, shown.values())) < sum(map(len, steps.values())) else ""
    return f": {' and '.join(found)}{alike}" if found else ""


def _computes(step: Step) -> bool:
    """Whether a step computes something of a tensor: it does not only move numbers about, or make some of nothing."""
    function = step.code == step.words
    return not _MOVING.match(step.words) and (not function or TENSOR.search(step.words) is not None)


def _few_steps(steps: Sequence[Step]) -> str:
    """Some steps in words; of many those that compute something, and how many more there are."""
    words = Counter(step.words for step in steps)
    computing = [each for each in words if not _MOVING.match(each)]
    some = list(words)[:_FEW_STEPS] if len(words) <= _FEW_STEPS or not computing else computing[: 2 * _FEW_STEPS]
    rest = len(words) - len(some)
    said = [f"{each} ({words[each]} times)" if words[each] > 1 else each for each in some]
    return ", ".join([*said, *([f"... ({rest} more)"] if rest else [])])


# Layers that compute otherwise in training.
_OF_TWO_MODES = re.compile(r"BatchNorm|InstanceNorm|[Dd]ropout|RReLU|GaussianNoise|nn\.Sequential|keras\.Sequential")


def class_of(call: str) -> str:
    """The class of a layer from its call, `Conv2D` of `keras.layers.Conv2D(filters=4)`."""
    return call.partition("(")[0].rpartition(".")[2]


def called(call: str, framework: str, *, training: bool, given: str = "x") -> str:
    """A layer as it is called, in its mode where it has two.

    >>> called("nn.Dropout(p=0.5)", "torch", training=False), called("nn.ReLU()", "torch", training=False)
    ('nn.Dropout(p=0.5).eval()(x)', 'nn.ReLU()(x)')
    >>> called("keras.layers.Dropout(0.5)", "tensorflow", training=True)
    'keras.layers.Dropout(0.5)(x, training=True)'
    """
    modes = _OF_TWO_MODES.search(call) is not None
    if framework == TORCH:
        return f"{call}{'.eval()' if modes and not training else ''}({given})"
    return f"{call}({given}{f', training={training}' if modes else ''})"


Said = TypeVar("Said", bound="str | Besides")
_WORDS = {
    Besides.CLASS: "its class",
    Besides.NORMALIZED_AXIS: "the normalized axis",
    Besides.AXIS_OF_CHANNELS: "the axis of channels",
    Besides.FIRST_AXIS: "its first axis",
    Besides.FIRST_STATE: "its first state",
    Besides.MASK: "its mask",
    Besides.RESULT: "its result",
}


def said_settings(parted: Mapping[Said, tuple[object, object]], sides: Sides) -> str:
    """What a layer has otherwise on each side, in words; empty where that is nothing.

    >>> from tfpt_cli.frameworks import SIDES
    >>> said_settings({"eps": (1e-05, 0.001), Besides.MASK: (None, "given")}, SIDES)
    'eps is 1e-05 in PyTorch, 0.001 in TensorFlow, its mask is none in PyTorch, given in TensorFlow'
    """
    first, second = sides
    return ", ".join(
        f"{_WORDS[name] if isinstance(name, Besides) else name} is {_setting(ours)} in {first.label},"
        f" {_setting(theirs)} in {second.label}"
        for name, (ours, theirs) in parted.items()
    )


def _setting(value: object) -> str:
    return "none" if value is None else f"{value}"
