"""What two layers that stand beside each other are set to otherwise, by the arguments of both."""

from __future__ import annotations

import ast
import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.native import native
from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.language.constants import BadConstant, NotConstant, constant
from tfpt_cli.language.signature import bind_any
from tfpt_cli.language.trees import called_name
from tfpt_cli.layers.known import arguments_of, unstacked
from tfpt_cli.layers.settings import mean_the_same
from tfpt_cli.subjects.model.spec import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.dictionary.records import Layer as Row
    from tfpt_cli.subjects.model.inventory import Event, SeenLayer


class Besides(Enum):
    """What two layers may have otherwise that is no argument of theirs, or that each framework says by another one."""

    CLASS = auto()
    NORMALIZED_AXIS = auto()
    AXIS_OF_CHANNELS = auto()
    FIRST_AXIS = auto()
    FIRST_STATE = auto()
    MASK = auto()
    RESULT = auto()


# What two layers have otherwise, PyTorch's first: by the name of an argument, or by what it is that is none.
Parted = dict[str | Besides, tuple[object, object]]

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
# Layers of Keras that have an activation of their own among their arguments, which is no function put behind them. It is those
# of a recurrent row, their cells, and `ConvLSTM2D` and `Activation`, which have no row of that kind.
_OWN_ACTIVATION = re.compile(r"LSTM|GRU|SimpleRNN|ConvLSTM|\.Activation\b")
# What PyTorch's recurrent layers do, by the setting of Keras's that may say otherwise.
_USUAL = {"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True, "go_backwards": False}


def argument_settings(
    row: Row | None,
    settings: Mapping[str, Mapping[str, object]],
    ours: SeenLayer,
    other: SeenLayer,
    *,
    training: bool,
    turned: bool,
    rank: int,
) -> Parted:
    """What a layer has otherwise on each side besides the settings of its row."""
    found: Parted = {}
    if row is None and ours.tree is not None and other.tree is not None:
        names = ast.unparse(ours.tree.func), ast.unparse(other.tree.func)
        if plain_class(names[0]) != plain_class(names[1]):
            word = constant_or_none(arguments_of(other.tree).get("activation"))
            activation = isinstance(word, str) and names[1].endswith(".Activation")
            found[Besides.CLASS] = names[0], f"{names[1]}({word!r})" if activation else names[1]
    compared = set() if row is None else set(settings[TORCH]) & set(settings[TENSORFLOW])
    arguments = _arguments(ours, TORCH), _arguments(other, TENSORFLOW)
    for name, theirs_name in _COMMON:
        if name not in found and name in arguments[0] and theirs_name in arguments[1]:
            values = arguments[0][name], _in_one_row(arguments[1][theirs_name])
            if not mean_the_same(*values) and name not in compared:
                found[name] = (_one_number(values[0]), _one_number(values[1]))
    mode = arguments[0].get("padding_mode", "zeros")
    if mode != "zeros" and arguments[1].get("padding") in (
        "same",
        "causal",
    ):  # Keras puts zeros around, and no other mode does
        found["padding_mode"] = (mode, "zeros")
    axes = _axes(ours, arguments, rank)
    if axes is not None and turned:
        # Keras has the channels last here; PyTorch's layer takes them where they stand second.
        ours_first, _, theirs_last = CHANNELS.get(rank, "").partition(" -> ")
        theirs = axes[1] if theirs_last and isinstance(axes[1], int) else -1
        axes = None if theirs == -1 else (f"1 of {ours_first}", f"{rank + theirs} of {theirs_last}")
    if axes is not None and axes[0] != axes[1]:
        found[Besides.AXIS_OF_CHANNELS if "BatchNorm" in other.class_name else Besides.NORMALIZED_AXIS] = axes
    for name, held in (("scale", "weight"), ("center", "bias")):
        # Of a normalization: a row knows what it computes, and not that either is left out alone.
        pair = _holds(arguments[0], held), arguments[1].get(name)
        if row is not None and pair in ((True, False), (False, True)):
            found[name] = pair
    if training and "BatchNormalization" in other.class_name and arguments[1].get("trainable") is False:
        found["trainable"] = (True, False)
    return found


def pooling_settings(ours: SeenLayer, other: SeenLayer, *, padded: bool) -> Parted:
    """What a pooling of PyTorch's does otherwise at the edge: Keras's has no names for it but that of its padding."""
    given, theirs = _arguments(ours, TORCH), _arguments(other, TENSORFLOW).get("padding")
    found: Parted = {}
    if given.get("ceil_mode") and theirs == "valid":
        found["ceil_mode"] = (True, None)
    if theirs == "same" and not padded:
        if not pads_the_same(ours, other) and not given.get("ceil_mode"):
            found["padding"] = (_one_number(given.get("padding")), theirs)
        if given.get("count_include_pad") and any(_numbers(given.get("padding")) or ()):
            found["count_include_pad"] = (True, False)
    return found


def padding_settings(padding: Event, other: SeenLayer) -> Parted:
    """That `F.pad` puts other widths around a row than a convolution of Keras over one axis with "same" or "causal"."""
    if not padding.text or len(padding.inputs[0]) != 3:
        return {}
    ours = tuple(ast.literal_eval(padding.text))
    return {} if ours == _widths(other) or _widths(other) is None else {"padding": (ours, _padding(other))}


def cut_settings(ours: SeenLayer, other: SeenLayer, cut: Event) -> Parted:
    """That a convolution over one axis, behind which PyTorch's code cuts, has other widths around a row then than that of Keras.

    With a padding of 4 on both ends `conv(x)[:, :, :-4]` is causal at a kernel of 5, and `conv(x)[:, :, 4:]` looks ahead.
    """
    padding, strides = (_numbers(_arguments(ours, TORCH).get(name)) for name in ("padding", "stride"))
    text = cut.text or next((each[1:] for each in cut.within if each.startswith("x[")), "")
    found = re.fullmatch(r"\[(?:\.\.\.|:, :), (\d*):(-\d+)?\]", text)
    if found is None or len(cut.inputs[0]) != 3 or not padding or strides != [1] or _widths(other) is None:
        return {}
    widths = padding[0] - int(found[1] or 0), padding[0] + int(found[2] or 0)
    if widths == _widths(other):
        return {}
    return {"padding": (f"{padding[0]}, of which {widths} is left", _padding(other))}


def _padding(layer: SeenLayer) -> object:
    return _arguments(layer, TENSORFLOW).get("padding")


def _widths(layer: SeenLayer) -> tuple[int, int] | None:
    """How wide a convolution of Keras over one axis pads a row before and behind, at a stride of one; None where not known."""
    given = _arguments(layer, TENSORFLOW)
    sizes, dilations = _numbers(given.get("kernel_size")), _numbers(given.get("dilation_rate", 1))
    if not sizes or not dilations:
        return None
    more = (sizes[0] - 1) * dilations[0]
    widths = {"causal": (more, 0), "same": (more // 2, more - more // 2), "valid": (0, 0)}
    return widths.get(str(given.get("padding")))


def _in_one_row(value: object) -> object:
    """Widths of a padding as PyTorch lists them, ((1, 0), (0, 2)) as (0, 2, 1, 0); anything else as it is."""
    if isinstance(value, (tuple, list)) and value and all(isinstance(each, (tuple, list)) for each in value):
        return tuple(number for pair in reversed(value) for number in pair)
    return value


def _one_number(value: object) -> object:
    """A size that is one for every axis as one number, 3 for (3, 3)."""
    numbers = _numbers(value)
    return numbers[0] if numbers and len(set(numbers)) == 1 else value


def plain_class(name: str) -> str:
    """The name of a class without what each framework writes in its own way: `avgpool2d` for `keras.layers.AveragePooling2D`."""
    name = name.rpartition(".")[2].lower().replace("average", "avg").replace("pooling", "pool")
    return name.replace("padding", "pad").replace("normalization", "norm")


def _holds(arguments: Mapping[str, object], held: str) -> bool | None:
    """Whether a normalization of PyTorch, by its arguments, has a `weight` or a `bias`; None for another layer."""
    affine = arguments.get("affine", arguments.get("elementwise_affine"))
    return None if affine is None else bool(affine) and (held == "weight" or bool(arguments.get("bias", True)))


def _axes(
    layer: SeenLayer, arguments: tuple[Mapping[str, object], Mapping[str, object]], rank: int
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


def _arguments(layer: SeenLayer, framework: str) -> dict[str, object]:
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


def pads_the_same(torch: SeenLayer, keras: SeenLayer) -> bool:
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


def recurrent_settings(
    event: Event, theirs: Event, ours: SeenLayer, layers: Sequence[SeenLayer], *, last: bool
) -> Parted:
    """How a recurrent layer runs otherwise on each side: over which axis, from which state, with which gates and results."""
    found: Parted = {}
    if len(event.inputs[0]) == 3 and "batch_first=True" not in ours.call:
        found[Besides.FIRST_AXIS] = ("time", "the batch")
    if not last and len(event.outputs[0]) > len(theirs.outputs[0]):
        found[Besides.RESULT] = ("the output of every step", "that of the last step")
    states = "hx" in event.names, "initial_state" in theirs.names
    if len(layers) == 1 and states[0] != states[1]:
        found[Besides.FIRST_STATE] = ("given", "zeros") if states[0] else ("zeros", "given")
    if (theirs.masked or "mask" in theirs.names) and not event.packed:
        found[Besides.MASK] = (None, "given")
    for cell in (cell for layer in layers if layer.tree is not None for cell in unstacked(layer.tree)[0]):
        for name, tree in arguments_of(cell).items():
            usual = "relu" if name == "activation" and "relu" in ours.call else _USUAL.get(name, constant_or_none(tree))
            if constant_or_none(tree) != usual:
                found[name] = (usual, constant_or_none(tree))
    return found


def mask_settings(event: Event, theirs: Event) -> Parted:
    """That an attention is given a mask, or makes one itself, on one side alone."""
    ours = any("mask" in name for name in event.names)
    other = theirs.causal or theirs.masked or any("mask" in name for name in theirs.names)
    return {Besides.MASK: ("given", None) if ours else (None, "given")} if ours != other else {}


def activation_of(layer: SeenLayer) -> str:
    """The activation among the arguments of a Keras layer, `relu`; empty for none, and for one that is the layer itself."""
    if layer.tree is None or _OWN_ACTIVATION.search(layer.call):
        return ""
    tree = arguments_of(layer.tree).get("activation")
    value = constant_or_none(tree)
    return value if isinstance(value, str) and value != "linear" else ""


def constant_or_none(tree: ast.expr | None) -> object:
    try:
        return None if tree is None else constant(tree)
    except (NotConstant, BadConstant):
        return None
