"""Native layers that a row of the dictionary knows as one: a call of each framework, read by the row's own spelling."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.formulas import UNKNOWN, value_of
from tfpt_cli.dictionary.native import native, settings_of
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.language.signature import bind_any
from tfpt_cli.language.trees import branches, called_name, nodes
from tfpt_cli.layers.initializers import constants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.dictionary.records import Layer


# What an axis is given that may have any size.
_SIZE = 6
# Keras counts the channels of an instance normalization, written with groups=-1, when it is built.
_INSTANCE = re.compile(r"nn\.InstanceNorm[123]d")


def known_row(torch_call: ast.Call, keras_call: ast.Call) -> tuple[Layer | None, dict[str, dict[str, Any]]]:
    """The row that knows the classes of two layers, and the settings that each call means by it.

    A layer that Keras calls step by step is the layer that it is at each.
    """
    keras_call = at_each_step(keras_call)
    for row in _rows_of(native(TORCH).canonical(called_name(torch_call))):
        cells, bidirectional = unstacked(keras_call) if row.recurrent else ([keras_call], False)
        trees = {
            TORCH: settings_of(_as_written(row, TORCH), torch_call, TORCH),
            TENSORFLOW: settings_of(_as_written(row, TENSORFLOW), cells[0], TENSORFLOW) if cells else None,
        }
        if any(tree is None for tree in trees.values()):
            continue
        settings: dict[str, dict[str, Any]] = {f: constants(tree or {}) for f, tree in trees.items()}
        sizes = {p.name for p in row.signature.parameters if p.annotation == "size"}
        for values in settings.values():
            alone = {name: values[name][0] for name in sizes & set(values) if _is_one(values[name])}
            values.update(alone)  # Keras keeps some sizes as (4,)
        if any(isinstance(v, (list, tuple)) for values in settings.values() for k, v in values.items() if k in sizes):
            continue  # several axes where the row knows one
        # What the row computes for an argument of Keras, such as `key_dim`, the call itself may say otherwise.
        said = constants({n: tree for n, tree in arguments_of(cells[0]).items() if n in row.where})
        settings[TENSORFLOW] |= {name: value for name, value in said.items() if value is not None}
        if row.recurrent:
            settings[TENSORFLOW] |= {"num_layers": len(cells), "bidirectional": bidirectional}
        for framework, other in ((TORCH, TENSORFLOW), (TENSORFLOW, TORCH)):
            # A size that one call does not tell (a depth_multiplier in PyTorch) the other one does.
            for name in set(row.signature.settings) - set(trees[framework] or {}):
                if name in settings[other] and not isinstance(settings[other][name], bool):
                    settings[framework].setdefault(name, settings[other][name])
        return row, settings
    if _INSTANCE.fullmatch(native(TORCH).canonical(called_name(torch_call))) and (
        one := _by_instance(torch_call, keras_call)
    ):
        return known_row(torch_call, one)
    return None, {}


def built_for(torch_call: ast.Call, keras_call: ast.Call) -> tuple[int, ...] | None:
    """A shape of inputs, without the batch and as Keras takes them, that two layers of one row can be built for.

    An axis of any size is given some size. None where PyTorch's layer does not tell the others, or no row knows the two.

    >>> one, other = (ast.parse(text, mode="eval").body for text in ("nn.Conv2d(3, 8, 5)", "keras.layers.Conv2D(8, 5)"))
    >>> built_for(one, other)
    (6, 6, 3)
    """
    row, settings = known_row(torch_call, keras_call)
    if row is None:
        return None
    try:
        sizes = value_of(row.input_shape, row.names({**row.signature.defaults, **settings[TORCH]}))
    except UNKNOWN:
        return None
    return filled(row, sizes)


def filled(row: Layer, sizes: Sequence[Any]) -> tuple[int, ...]:
    """An `input_shape` of a row in which each axis of any size has some size, and there are as many as the layer needs."""
    open_axes = [_SIZE] * row.further if row.channels else []
    return tuple(
        each for size in sizes for each in (open_axes if size is ... else [_SIZE if size is None else int(size)])
    ) or (_SIZE,)


# What PyTorch's convolution and Keras's are called, by the number of axes that they go over.
_CONVOLUTION = re.compile(r"(?:nn\.|keras\.layers\.)Conv([123])[dD]")


def row_of_layers(torch_call: ast.Call, keras_call: ast.Call) -> tuple[Layer | None, dict[str, dict[str, Any]]]:
    """The row that knows two layers of a model as one, and the settings of each, also where a convolution is a dense layer.

    A convolution that sees all of what it is given at once, or one point at a time, is a dense layer: `nn.Linear` beside a
    `Conv2D` of one point has the row of `linear`, `nn.Conv2d` beside a `Dense` that of `conv2d`. Keras's weights have fewer axes
    then, or more of length one, than the row says.
    """
    row, settings = known_row(torch_call, keras_call)
    if row is None and (read := _read_otherwise(torch_call, keras_call)) is not None:
        return known_row(torch_call, read)
    return row, settings


def _read_otherwise(torch_call: ast.Call, keras_call: ast.Call) -> ast.Call | None:
    """Keras's call as the layer of PyTorch's kind that computes the same; None where there is none."""
    ours, theirs = (
        native(TORCH).canonical(called_name(torch_call)),
        native(TENSORFLOW).canonical(called_name(keras_call)),
    )
    if ours == "nn.Linear" and _CONVOLUTION.fullmatch(theirs):
        given = arguments_of(keras_call)
        said = constants(dict(given))
        if said.pop("kernel_size", None) is None or not _is_point(given) or said.get("groups", 1) != 1:
            return None
        return _keras_call("Dense", units=given["filters"], use_bias=given.get("use_bias"))
    if theirs == "keras.layers.Dense" and (found := _CONVOLUTION.fullmatch(ours)):
        given, dense = arguments_of(torch_call, TORCH), arguments_of(keras_call)
        if constants({"groups": given["groups"]} if "groups" in given else {}).get("groups", 1) != 1:
            return None
        # Of one point a stride leaves points out, which no dense layer does; of more it may be what cuts the patches.
        steps = None if _is_point(given) else given.get("stride")
        return _keras_call(
            f"Conv{found[1]}D",
            filters=dense["units"],
            kernel_size=given["kernel_size"],
            strides=steps,
            use_bias=dense.get("use_bias"),
        )
    return None


def _is_point(arguments: Mapping[str, ast.expr]) -> bool:
    """Whether the kernel of a convolution is one point."""
    size = constants({"size": arguments["kernel_size"]})["size"]
    return set(size if isinstance(size, (list, tuple)) else [size]) == {1}


def _keras_call(name: str, **arguments: ast.expr | None) -> ast.Call:
    function = ast.parse(f"keras.layers.{name}", mode="eval").body
    return ast.Call(function, [], [ast.keyword(key, tree) for key, tree in arguments.items() if tree is not None])


def at_each_step(call: ast.Call) -> ast.Call:
    """The layer in `keras.layers.TimeDistributed(layer)`; any other as it is.

    >>> call = ast.parse("keras.layers.TimeDistributed(keras.layers.Dense(4))", mode="eval").body
    >>> ast.unparse(at_each_step(call))
    'keras.layers.Dense(4)'
    """
    if native(TENSORFLOW).canonical(called_name(call)) != "keras.layers.TimeDistributed":
        return call
    layer = arguments_of(call).get("layer")
    return layer if isinstance(layer, ast.Call) else call


def _by_instance(torch_call: ast.Call, keras_call: ast.Call) -> ast.Call | None:
    """A group normalization with as many groups as PyTorch's instance normalization has channels, written with groups=-1."""
    channels = torch_call.args[:1] or [k.value for k in torch_call.keywords if k.arg == "num_features"]
    groups = [k for k in keras_call.keywords if k.arg == "groups"]
    if not channels or not groups or ast.unparse(groups[0].value) != ast.unparse(channels[0]):
        return None
    others = [k for k in keras_call.keywords if k is not groups[0]]
    return ast.Call(keras_call.func, [ast.Constant(-1)], others)


def _is_one(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 1


@cache
def _rows_of(torch_class: str) -> list[Layer]:
    """The rows that are spelled with a class of PyTorch, by its canonical name."""
    return [row for row in dictionary().layers.values() if called_name(_as_written(row, TORCH)) == torch_class]


def _as_written(row: Layer, framework: str) -> ast.expr:
    """The call by which a framework has a layer, without what a row writes around it for the settings that it does not have."""
    return branches(row.spelling[framework])[0]


@cache
def _recurrent_classes() -> frozenset[str]:
    """The classes of Keras that rows of recurrent layers are spelled with, by their canonical names."""
    rows = (row for row in dictionary().layers.values() if row.recurrent)
    return frozenset(called_name(_as_written(row, TENSORFLOW)) for row in rows)


def is_recurrent(call: ast.Call) -> bool:
    """Whether a native Keras layer is a recurrent one, or holds one, as `keras.layers.Bidirectional` does.

    >>> call = ast.parse("keras.layers.Bidirectional(keras.layers.LSTM(4))", mode="eval").body
    >>> is_recurrent(call)
    True
    """
    names = (native(TENSORFLOW).canonical(called_name(node)) for node in nodes(call))
    return any(name in _recurrent_classes() for name in names)


def unstacked(call: ast.Call) -> tuple[list[ast.Call], bool]:
    """The recurrent layers of a native Keras call, first to last, and whether they run in both directions."""
    name = native(TENSORFLOW).canonical(called_name(call))
    if name == "keras.Sequential":
        items = call.args[0].elts if call.args and isinstance(call.args[0], (ast.List, ast.Tuple)) else []
        found = [unstacked(item) for item in items if isinstance(item, ast.Call)]
        ways = {both for _, both in found}
        return [cell for cells, _ in found for cell in cells], ways == {True}
    if name == "keras.layers.Bidirectional":
        arguments = arguments_of(call)
        layer = arguments.get("layer")
        if not isinstance(layer, ast.Call):
            return [call], False
        if "backward_layer" in arguments or len(call.args) > 3:
            return [], True  # the other direction is another layer
        return [layer], True
    return [call], False


def arguments_of(call: ast.Call, framework: str = TENSORFLOW) -> dict[str, ast.expr]:
    """The arguments of a native call by name, as they are written; of Keras unless another framework is said.

    Of a call that is in no list, such as a `keras.layers.Lambda` of a person's own model, they are what it names itself.

    >>> call = ast.parse("keras.layers.Dense(4, use_bias=False)", mode="eval").body
    >>> {name: ast.unparse(tree) for name, tree in arguments_of(call).items()}
    {'units': '4', 'use_bias': 'False'}
    """
    name = native(framework).canonical(called_name(call))
    if not (signatures := native(framework).signatures(name)):
        return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    return bind_any(name, signatures, call)[1]
