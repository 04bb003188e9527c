"""An initialization from the options of a command line: `tfpt weights 'linear(4, 3)' --weight 'uniform(0, 1)'`."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.language.expression import parse
from tfpt_cli.language.trees import called_name
from tfpt_cli.layers.known import built_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def initialization_of(layer: str, options: Sequence[str], samples: int | None) -> dict[str, Any]:
    """The data of an initialization of a neutral layer: `options` name its parameters, `--weight 'uniform(0, 1)'`.

    Raises `ValueError`, which shows how the option is written.

    >>> initialization_of("linear(4, 3)", ["--weight", "uniform(0, 1)"], samples=None)
    {'name': 'linear(4, 3), weight uniform(0, 1)', 'init': {'layer': 'linear(4, 3)', 'weight': 'uniform(0, 1)'}}
    """
    fields: dict[str, Any] = {"layer": layer}
    rest = list(options)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name:
            raise ValueError(f"'{word}' is no parameter: write --weight 'uniform(0, 1)'")
        if not equals:
            if not rest:
                raise ValueError(f"--{name} needs an initializer, such as --{name} 'uniform(0, 1)'")
            value = rest.pop(0)
        key = name.replace("-", "_")
        if key == "layer":
            raise ValueError("the layer stands before the options")
        if key in fields:
            raise ValueError(f"--{name} stands here twice")
        fields[key] = value
    if samples is not None:
        fields["samples"] = samples
    words = [layer, *(f"{key} {value}" for key, value in list(fields.items())[1:])]
    return {"name": ", ".join(words), "init": fields}


def sizes_in(text: str, called: str) -> list[int]:
    """The sizes that a text lists, such as `28,28,1`. Raises `ValueError`, which names it as it is `called`.

    >>> sizes_in("(28, 28, 1)", "--input-shape")
    [28, 28, 1]
    """
    sizes = [size for size in re.split(r"[,\s]+", text.strip("()[] ")) if size]
    if not sizes or not all(size.isdecimal() for size in sizes):
        raise ValueError(f"{called} is a list of sizes without the batch, such as 28,28,1; got '{text}'")
    return [int(size) for size in sizes]


def input_shape_of(layers: Mapping[str, str]) -> tuple[int, ...] | None:
    """A shape that Keras can build its layer for where PyTorch's tells it; None where it does not, or these are no two layers.

    >>> input_shape_of({"torch": "nn.Linear(4, 3)", "tensorflow": "keras.layers.Dense(3)"})
    (4,)
    """
    calls = [parse(layers[framework])[0] for framework in (TORCH, TENSORFLOW)]
    torch_call, keras_call = calls
    if not isinstance(torch_call, ast.Call) or not isinstance(keras_call, ast.Call):
        return None
    return built_for(torch_call, keras_call) if all(map(called_name, (torch_call, keras_call))) else None


def initialization_of_both(
    layers: Mapping[str, str],
    input_shape: Sequence[int],
    pair: Mapping[str, str] | None = None,
    layout: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The data of a native initialization: a layer of each framework, and the shape that Keras builds its layer for.

    `pair` says which parameters correspond, `layout` how their axes do.

    >>> layers = {"torch": "nn.Linear(4, 3)", "tensorflow": "keras.layers.Dense(3)"}
    >>> initialization_of_both(layers, [4])["init"]["tensorflow"]
    {'layer': 'keras.layers.Dense(3)', 'input_shape': [4]}
    """
    fields: dict[str, dict[str, Any]] = {framework: {"layer": layer} for framework, layer in layers.items()}
    fields[TENSORFLOW]["input_shape"] = list(input_shape)
    more: dict[str, Any] = {key: dict(given) for key, given in (("pair", pair), ("layout", layout)) if given}
    return {"name": " and ".join(layers.values()), "init": {**fields, **more}}
