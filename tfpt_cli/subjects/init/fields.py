"""The fields of an init scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.subjects.init.native import NativeReader
from tfpt_cli.subjects.init.neutral import NeutralReader
from tfpt_cli.subjects.init.spec import NAME, SAMPLES, Init

if TYPE_CHECKING:
    from tfpt_cli.documents.reader import Reader

_SHAPE = {
    "title": "The shape of one input, from which Keras builds its weights",
    "type": "array",
    "description": "the shape of one input without the batch, such as [3]",
    "items": {"type": "integer", "minimum": 1, "maximum": 100_000_000, "description": "a whole number of at least 1"},
    "minItems": 1,
    "maxItems": 16,
    "examples": [[3], [28, 28, 1]],
}
_NEUTRAL_INITIALIZER = {
    "type": "string",
    "description": "an initializer, such as uniform(0, 1)",
    "examples": ["zeros()", "uniform(0, 1)", "glorot_uniform()", "kaiming_normal(nonlinearity='relu')", "orthogonal()"],
}

SCHEMA: dict[str, Any] = {
    "title": "Compare how a layer's parameters are initialized",
    "type": "object",
    "description": "a mapping with 'layer' and a line for each parameter, or with 'torch' and 'tensorflow'",
    "properties": {
        "layer": {
            "title": "The layer, in one spelling for both sides",
            "type": "string",
            "description": "a layer, such as linear(3, 4)",
            "examples": ["linear(3, 4)", "conv2d(3, 8, 3)", "embedding(100, 16)", "lstm(8, 16)", "batch_norm2d(8)"],
        },
        TORCH.key: {
            "title": "PyTorch's layer, and the calls that fill its parameters by their names in the state_dict",
            "type": "object",
            "description": "a mapping with 'layer' and an initializer for each parameter",
            "properties": {
                "layer": {
                    "title": "The layer",
                    "type": "string",
                    "description": "a layer, such as nn.Linear(3, 4)",
                    "examples": ["nn.Linear(3, 4)"],
                }
            },
            "required": ["layer"],
            "additionalProperties": {
                "type": "string",
                "description": "an initializer, such as nn.init.zeros_()",
                "examples": ["nn.init.zeros_()", 'nn.init.kaiming_normal_(nonlinearity="relu")'],
            },
        },
        TENSORFLOW.key: {
            "title": "Keras's layer, with its initializers among its arguments",
            "type": "object",
            "description": "a mapping with 'layer' and 'input_shape'",
            "properties": {
                "layer": {
                    "title": "The layer",
                    "type": "string",
                    "description": "a layer, such as keras.layers.Dense(4)",
                    "examples": ["keras.layers.Dense(4)", 'keras.layers.Dense(4, kernel_initializer="he_normal")'],
                },
                "input_shape": _SHAPE,
            },
            "required": ["layer", "input_shape"],
            "additionalProperties": False,
        },
        "samples": {
            "title": "How many values a distribution test draws at least, a side",
            "type": "integer",
            "description": "how many values a distribution test draws per side, 1000 to 100000000",
            "minimum": 1_000,
            "maximum": 100_000_000,
            "default": SAMPLES,
        },
        "pair": {
            "title": "Which parameters correspond, where no row of the dictionary knows both layers as one",
            "type": "object",
            "description": "PyTorch's name of each parameter and TensorFlow's, such as {weight: kernel}",
            "minProperties": 1,
            "additionalProperties": {"type": "string", "description": "the name of a parameter"},
            "examples": [{"weight": "kernel", "bias": "bias"}],
        },
        "layout": {
            "title": "How the axes of a parameter map from PyTorch to TensorFlow",
            "type": "object",
            "description": "how the axes map, by parameter, such as {weight: out in -> in out}",
            "additionalProperties": {"type": "string", "description": "an einops pattern such as out in -> in out"},
            "examples": [{"weight": "out in -> in out"}],
        },
    },
    "additionalProperties": _NEUTRAL_INITIALIZER,
}
_NATIVE = {*FRAMEWORKS, "samples", "pair", "layout"}
NEEDED: dict[str, Any] = {
    "oneOf": [
        {
            "title": "One spelling for both sides",
            "required": ["layer"],
            "properties": {
                **dict.fromkeys((*FRAMEWORKS, "pair", "layout"), False),
                "weight": {"title": "What fills the weight", **_NEUTRAL_INITIALIZER},
                "bias": {"title": "What fills the bias", **_NEUTRAL_INITIALIZER},
            },
        },
        {
            "title": "One spelling a side",
            "required": list(FRAMEWORKS),
            "propertyNames": {"enum": sorted(_NATIVE)},
        },
    ]
}


def read(reader: Reader, dtype: str, seed: int) -> Init | None:
    """The init scenario of a case, or None after complaining about every problem in its fields."""
    before = len(reader.problems)
    if dtype.startswith("complex"):
        reader.complain(("dtype",), f"'init' has no {dtype}: the initializers of Keras draw real numbers")
        return None
    native_sides = [framework for framework in FRAMEWORKS if reader.get(NAME, framework) is not None]
    neutral = reader.get(NAME, "layer") is not None
    if neutral and native_sides:
        message = f"'layer' and '{native_sides[0]}' exclude each other: one spelling for both, or one each"
        reader.complain((NAME, native_sides[0]), message, key=True)
        return None
    if not neutral and len(native_sides) < 2:
        if native_sides:
            (given,) = native_sides
            missing = next(f for f in FRAMEWORKS if f != given)
            reader.complain((NAME,), f"missing '{missing}' beside '{given}'", key=True)
        else:
            reader.complain((NAME,), "missing 'layer' (or 'torch' and 'tensorflow')", key=True)
        return None
    samples = int(reader.get(NAME, "samples", default=SAMPLES))
    result = (NeutralReader if neutral else NativeReader)(reader, dtype, seed, samples).read()
    return result if len(reader.problems) == before else None
