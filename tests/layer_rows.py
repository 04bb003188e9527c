"""Runs every layer of the dictionary in both frameworks with the same weights and inputs: how far are the outputs apart?

`python tests/layer_rows.py` prints JSON: for each call of `CALLS` the largest difference relative to the largest output, and
the same after one weight of one side was altered. Both frameworks compute in float64.
"""

from __future__ import annotations

import ast
import json
import math
import os
import re
import sys
from typing import Any

import numpy as np

from tfpt_cli.compare.layout import moved
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.layers.slots import layer_call, slots

# Neutral calls by the inputs that they are called with: the shape in PyTorch by the name of the input.
CALLS: dict[str, dict[str, tuple[int, ...]]] = {}
# TensorFlow has no kernel of these for float64 on a processor.
FLOAT32 = {"max_pool3d", "avg_pool3d", "adaptive_max_pool3d", "adaptive_avg_pool3d"}


def calls(*texts: str, **inputs: tuple[int, ...]) -> None:
    """Adds calls that are made with the same inputs."""
    CALLS.update(dict.fromkeys(texts, inputs))


calls("linear(5, 4)", "linear(5, 4, bias=False)", x=(3, 5))
calls("linear(5, 2)", x=(3, 4, 5))
calls("bilinear(3, 4, 5)", "bilinear(3, 4, 5, bias=False)", x1=(2, 3), x2=(2, 4))
IMAGES = {1: (2, 4, 9), 2: (2, 4, 9, 8), 3: (2, 4, 6, 7, 8)}
for d, shape in IMAGES.items():
    sizes = shape[2:]
    several = tuple(range(2, 2 + d))
    calls(
        f"conv{d}d(4, 6, 3)",
        f"conv{d}d(4, 6, 3, bias=False, stride=2)",
        f"conv{d}d(4, 6, 3, padding='same')",
        f"conv{d}d(4, 6, 2, padding='same')",
        f"conv{d}d(4, 6, 3, padding=1, stride=2)",
        f"conv{d}d(4, 6, {several}, padding={several}, bias=False)",
        f"conv{d}d(4, 6, 3, padding=0)",
        f"conv{d}d(4, 6, 3, stride=2, padding='same', input_size={sizes})",
        f"conv{d}d(4, 6, 2, stride=3, padding='same', input_size={sizes}, bias=False)",
        f"conv{d}d(4, 6, 2, dilation=2, padding=1)",
        f"conv{d}d(4, 6, 3, groups=2, padding=1)",
        f"conv_transpose{d}d(4, 3, 3)",
        f"conv_transpose{d}d(4, 3, {several}, bias=False)",
        f"conv_transpose{d}d(4, 3, 3, stride=2)",
        f"conv_transpose{d}d(4, 3, 2, stride=3)",
        f"conv_transpose{d}d(4, 3, 2, stride=3, padding=1)",
        f"conv_transpose{d}d(4, 3, 3, stride=2, padding=1)",
        f"conv_transpose{d}d(4, 3, 3, stride=2, padding=1, output_padding=1)",
        f"conv_transpose{d}d(4, 3, 4, stride=2, padding={(1,) * d}, output_padding={(1,) * d}, bias=False)",
        f"conv_transpose{d}d(4, 3, 3, stride=2, output_padding=1)",
        f"conv_transpose{d}d(4, 3, 3, dilation=2, padding=1)",
        f"conv_transpose{d}d(4, 3, 3, stride=2, padding='same')",
        f"conv_transpose{d}d(4, 3, 4, stride=2, padding='same', bias=False)",
        f"conv_transpose{d}d(4, 3, 2, stride=3, padding='same')",
        f"conv_transpose{d}d(4, 3, 3, padding='valid')",
        f"conv_transpose{d}d(4, 3, 2, stride=3, padding='valid')",
        f"batch_norm{d}d(4)",
        f"batch_norm{d}d(4, eps=0.1, momentum=0.3)",
        f"batch_norm{d}d(4, affine=False)",
        f"batch_norm{d}d(4, track_running_stats=False)",
        f"instance_norm{d}d(4, track_running_stats=True)",
        f"instance_norm{d}d(4)",
        f"instance_norm{d}d(4, affine=True, eps=0.1)",
        f"prelu{d}d()",
        f"prelu{d}d(4)",
        f"max_pool{d}d(2)",
        f"max_pool{d}d(3, stride=1)",
        f"max_pool{d}d(3, stride=2, padding=1)",
        f"max_pool{d}d({several}, stride=2, padding={(1,) * d})",
        f"max_pool{d}d(2, stride=1, padding='same')",
        f"max_pool{d}d(3, stride=2, padding='same', input_size={sizes})",
        f"max_pool{d}d(2, padding='same', input_size={sizes})",
        f"avg_pool{d}d(2)",
        f"avg_pool{d}d(3, stride=2, padding=1)",
        f"avg_pool{d}d({several}, padding={(1,) * d})",
        f"avg_pool{d}d(3, stride=1, padding='same', count_include_pad=False)",
        f"global_avg_pool{d}d()",
        f"global_avg_pool{d}d(keepdims=True)",
        f"global_max_pool{d}d()",
        f"global_max_pool{d}d(keepdims=True)",
        f"adaptive_avg_pool{d}d(3)",
        f"adaptive_avg_pool{d}d({several})",
        f"adaptive_max_pool{d}d({several})",
        f"dropout{d}d(0.3)",
        f"flatten{d}d()",
        f"zero_pad{d}d(2)",
        f"zero_pad{d}d({tuple(range(d))})",
        f"zero_pad{d}d({tuple((axis, 3) for axis in range(d))})",
        f"crop{d}d(1)",
        f"crop{d}d({tuple((axis, 1) for axis in range(d))})",
        f"upsample{d}d(2)",
        f"upsample{d}d({several})",
        x=shape,
    )
for d, sizes in {1: (8,), 2: (6, 8), 3: (6, 4, 8)}.items():
    calls(f"avg_pool{d}d(2, padding='same', count_include_pad=False, input_size={sizes})", x=(2, 4, *sizes))
for size in (8, 9, 10, 11):
    calls(
        f"conv2d(4, 6, (3, 5), stride=(2, 3), padding='same', input_size={(size, 8)})",
        f"max_pool2d((3, 5), stride=(2, 3), padding='same', input_size={(size, 8)})",
        x=(2, 4, size, 8),
    )
for d in (1, 2):
    shape, sizes = IMAGES[d], IMAGES[d][2:]
    calls(
        f"depthwise_conv{d}d(4, 3)",
        f"depthwise_conv{d}d(4, 3, depth_multiplier=2, padding='same', bias=False)",
        f"depthwise_conv{d}d(4, 3, stride=2, padding=1)",
        f"depthwise_conv{d}d(4, 3, stride=2, padding='same', input_size={sizes})",
        f"depthwise_conv{d}d(4, 3, dilation=2, padding=0)",
        f"separable_conv{d}d(4, 6, 3)",
        f"separable_conv{d}d(4, 6, 3, depth_multiplier=2, padding='same', bias=False)",
        f"separable_conv{d}d(4, 6, 3, stride=2, padding=1)",
        f"separable_conv{d}d(4, 6, 3, stride=2, padding='same', input_size={sizes})",
        f"separable_conv{d}d(4, 6, 3, dilation=2, padding=0)",
        x=shape,
    )
calls("upsample2d(2, mode='bilinear')", "upsample2d((2, 3), mode='bilinear')", "softmax2d()", x=IMAGES[2])
calls("batch_norm1d(5)", "prelu(5)", "prelu()", "group_norm(1, 5)", x=(6, 5))
calls("group_norm(2, 4)", "group_norm(4, 4, eps=0.1, affine=False)", x=IMAGES[2])
calls("group_norm(2, 4, eps=1e-3)", x=IMAGES[1])
calls("layer_norm(5)", "layer_norm(5, bias=False)", "layer_norm(5, eps=0.1)", "layer_norm((4, 5))", x=(3, 4, 5))
calls("layer_norm((4, 5), elementwise_affine=False)", "rms_norm(5)", "rms_norm(5, eps=0.1)", x=(3, 4, 5))
calls("rms_norm(5, elementwise_affine=False)", x=(3, 4, 5))
for cell in ("rnn", "lstm", "gru"):
    calls(
        f"{cell}(3, 4)",
        f"{cell}(3, 4, bias=False)",
        f"{cell}(3, 4, bidirectional=True)",
        f"{cell}(3, 4, num_layers=2)",
        f"{cell}(3, 4, num_layers=2, bidirectional=True)",
        x=(2, 5, 3),
    )
    state = {"h": (2, 4), "c": (2, 4)} if cell == "lstm" else {"h": (2, 4)}
    calls(f"{cell}_cell(3, 4)", f"{cell}_cell(3, 4, bias=False)", x=(2, 3), **state)
calls("gru(3, 4, reset_after=False)", x=(2, 5, 3))
calls("gru_cell(3, 4, reset_after=False)", x=(2, 3), h=(2, 4))
calls("rnn(3, 4, nonlinearity='relu')", x=(2, 5, 3))
calls("rnn_cell(3, 4, nonlinearity='relu')", x=(2, 3), h=(2, 4))
calls(
    "multi_head_attention(8, 2)",
    "multi_head_attention(8, 2, bias=False, dropout=0.3)",
    query=(2, 5, 8),
    key=(2, 6, 8),
    value=(2, 6, 8),
)
calls("multi_head_attention(8, 2, kdim=4, vdim=6)", query=(2, 5, 8), key=(2, 6, 4), value=(2, 6, 6))
calls("embedding(7, 4)", x=(3, 9))
calls(
    *("relu()", "relu6()", "leaky_relu()", "leaky_relu(0.2)", "elu()", "elu(alpha=0.5)", "celu()"),
    *(
        "celu(alpha=0.5)",
        "selu()",
        "gelu()",
        "gelu(approximate=True)",
        "silu()",
        "mish()",
        "sigmoid()",
        "log_sigmoid()",
    ),
    *("hardsigmoid()", "hardswish()", "tanh()", "hardtanh()", "hardtanh(-2, 0.5)", "tanhshrink()", "hardshrink()"),
    *("hardshrink(lambd=0.2)", "softshrink()", "softshrink(lambd=0.2)", "softplus()", "softsign()"),
    *("softmax()", "softmax(axis=1)", "log_softmax()", "log_softmax(axis=1)", "glu()", "glu(axis=1)"),
    *("threshold(0.1, -2)", "identity()", "dropout(0.3)", "dropout()", "alpha_dropout(0.3)", "flatten()"),
    *("reshape((6, -1))", "reshape((12, 2))", "reshape(24)"),
    x=(3, 4, 6),
)
calls("unflatten((2, -1))", "unflatten((3, 2))", x=(3, 6))


class Sides:
    """One neutral layer in both frameworks, with the same numbers in its parameters."""

    def __init__(self, text: str, inputs: dict[str, tuple[int, ...]], names: dict[str, Any]) -> None:
        call = ast.parse(text, mode="eval").body
        assert isinstance(call, ast.Call)
        self.row = dictionary().layers[ast.unparse(call.func)]
        bound, wrong = self.row.signature.bind(self.row.name, call)
        settings, misfits = self.row.signature.values(self.row.name, bound)
        assert not wrong + misfits, (text, wrong, misfits)
        self.names, self.random = names, np.random.default_rng(len(text))
        self.source = {f: layer_call(self.row, settings, set(bound), {}, f) for f in FRAMEWORKS}
        self.dtype = "float32" if self.row.name in FLOAT32 else "float64"
        self.inputs = {name: self.drawn(shape) for name, shape in inputs.items()}
        self.torch = self.run(self.source[TORCH]).to(getattr(names["torch"], self.dtype)).eval()
        names["keras"].config.set_dtype_policy(self.dtype)
        self.keras = self.run(self.source[TENSORFLOW])
        self.outputs()  # which builds Keras's layer
        self.slots = list(slots(self.row, dict.fromkeys(FRAMEWORKS, settings)))

    def run(self, code: str, **more: Any) -> Any:
        return eval(code, {**self.names, **more})

    def drawn(self, shape: tuple[int, ...]) -> Any:
        if self.row.name == "embedding":
            return self.random.permutation(np.arange(math.prod(shape)) % 7).reshape(shape)
        return self.random.normal(0, 4, shape).astype(self.dtype)  # beyond the bounds of relu6 too

    def fill(self) -> None:
        """Draws PyTorch's tensors at random and puts the same numbers into Keras's variables.

        These are drawn before, so that one that PyTorch does not have shows. Only the scale of a normalization stays one where
        PyTorch has none, as its row says.
        """
        for variable in self.keras.weights:
            if "float" in variable.dtype and variable.name != "scale":
                variable.assign(self.random.uniform(0.5, 1.5, variable.shape))
        torch = self.names["torch"]
        with torch.no_grad():
            for name, tensor in self.torch.state_dict().items():
                if tensor.dtype == torch.float64:
                    drawn = self.random.uniform(0.5, 1.5, tensor.shape) - ("var" not in name)
                    tensor.copy_(torch.from_numpy(drawn))
        for slot in self.slots:
            ours, theirs = slot.attribute[TORCH], slot.attribute[TENSORFLOW]
            if ours is None or theirs is None:
                continue
            array = self.run(f"({ours}).detach().numpy()", layer=self.torch)
            self.put(theirs, moved(array, slot.layout, FRAMEWORKS[TORCH], FRAMEWORKS[TENSORFLOW]))

    def put(self, place: str, array: Any) -> None:
        """Puts an array into a variable of Keras, or into one part of it: `layer.bias[0]`."""
        variable, index = re.fullmatch(r"(.*?)(?:\[(\d+)\])?", place).groups()  # type: ignore[union-attr]
        variable = self.run(variable, layer=self.keras)
        whole = np.array(variable)
        part = whole if index is None else whole[int(index)]
        assert part.shape == array.shape, (place, part.shape, array.shape)
        part[...] = array
        variable.assign(whole)

    def alter(self) -> bool:
        """Alters one weight of Keras; False where there is none."""
        place = next((slot.attribute[TENSORFLOW] for slot in self.slots if slot.attribute[TENSORFLOW]), None)
        if place is None or (not place.startswith("layer")):
            return False
        array = np.array(self.run(place, layer=self.keras))
        array.reshape(-1)[-1] += 0.5
        self.put(place, array)
        return True

    def outputs(self, **training: bool) -> tuple[Any, Any]:
        """The outputs of both, Keras's with its axes in PyTorch's order."""
        torch, keras = self.names["torch"], self.names["keras"]
        ours = {name: torch.from_numpy(array.copy()) for name, array in self.inputs.items()}
        theirs = {name: keras.ops.convert_to_tensor(self.last(array)) for name, array in self.inputs.items()}
        calls = {f: ast.unparse(tree) for f, tree in self.row.call.items()}
        first = self.run(calls[TORCH], layer=self.torch, **ours)
        second = self.run(calls[TENSORFLOW], layer=lambda *a: self.keras(*a, **training), **theirs)
        flat = [side if isinstance(side, (tuple, list)) else [side] for side in (first, second)]
        assert len(flat[0]) == len(flat[1]), (first, second)
        return [one.detach().numpy() for one in flat[0]], [self.second(np.array(one)) for one in flat[1]]

    def last(self, array: Any) -> Any:
        return np.moveaxis(array, 1, -1) if self.row.channels and array.ndim > 2 else array

    def second(self, array: Any) -> Any:
        return np.moveaxis(array, -1, 1) if self.row.channels and array.ndim > 2 else array

    def apart(self, **training: bool) -> float:
        """The largest difference of the outputs, relative to the largest of them."""
        return max(relative(one, other) for one, other in zip(*self.outputs(**training), strict=True))

    def trained(self) -> float | None:
        """How far the running means are apart after one step of training; None where there are none."""
        places = {slot.name: slot.attribute for slot in self.slots if slot.name == "running_mean"}
        if not places or None in places["running_mean"].values():
            return None
        self.torch.train()
        outputs = self.apart(training=True)
        ours, theirs = (places["running_mean"][f] for f in FRAMEWORKS)
        means = np.array(self.run(f"{ours}", layer=self.torch)), np.array(self.run(f"{theirs}", layer=self.keras))
        return max(outputs, relative(*means))


def relative(one: Any, other: Any) -> float:
    """The largest difference of two arrays relative to the largest entry; infinite for other shapes."""
    if one.shape != other.shape:
        return math.inf
    return float(np.abs(one - other).max() / np.abs(one).max())


def measured(text: str, inputs: dict[str, tuple[int, ...]], names: dict[str, Any]) -> dict[str, Any]:
    """What came out for one call, and in which source."""
    found: dict[str, Any] = {"call": text}
    try:
        sides = Sides(text, inputs, names)
        found |= sides.source
        sides.fill()
        found |= {"apart": sides.apart(), "trained": sides.trained()}
        sides.torch.eval()
        if sides.alter():
            found["altered"] = sides.apart()
    except Exception as error:  # a framework's refusal is a result
        found["error"] = f"{type(error).__name__}: {error}"[:300]
    return found


def main(patterns: list[str]) -> None:
    """Prints what came out for the calls that begin with one of some texts, or for all."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf
    import torch

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    names = {"torch": torch, "nn": torch.nn, "keras": keras, "tf": tf, "math": math, "np": np}
    wanted = [text for text in CALLS if not patterns or text.startswith(tuple(patterns))]
    print(json.dumps([measured(text, CALLS[text], names) for text in wanted]))


if __name__ == "__main__":
    main(sys.argv[1:])
