"""What the axes of a parameter are, by the operation that computes with it: `out in` of `F.linear`, `in out` of `x @ w`.

Where two of its axes are as long as each other, its shape does not tell.
"""

from __future__ import annotations

import re
from typing import Any, Iterator

# By function of PyTorch, the place of the weight among its arguments, its keyword, and its axes.
_OF_TORCH = {
    "linear": (1, "weight", "out in"),
    "conv1d": (1, "weight", "out in w"),
    "conv2d": (1, "weight", "out in h w"),
    "conv3d": (1, "weight", "out in d h w"),
    "conv_transpose1d": (1, "weight", "in out w"),
    "conv_transpose2d": (1, "weight", "in out h w"),
    "conv_transpose3d": (1, "weight", "in out d h w"),
    "addmm": (2, "mat2", "in out"),
    "embedding": (1, "weight", "row column"),
}
# By operation of TensorFlow, the place of the weight among its inputs, and its axes.
_OF_TENSORFLOW = {
    "Conv2D": (1, "h w in out"),
    "Conv2DBackpropInput": (1, "h w out in"),
    "Conv3D": (1, "d h w in out"),
    "Conv3DBackpropInputV2": (1, "d h w out in"),
    "DepthwiseConv2dNative": (1, "h w out 1"),
    "GatherV2": (0, "row column"),
}
# Functions and operations that compute each number by itself, or with another one, and move none.
ELEMENTWISE = re.compile(
    r"(__r?)?(mul|div|true_?div|truediv|add|sub|neg|pow|exp|abs|sign|tanh|sigmoid|where|masked_fill|clone|to|float|double|type|"
    r"contiguous|detach|square|sqrt|rsqrt|log|log1p|softplus|relu|clamp)_?(__)?|_weight_norm|"
    r"Mul|RealDiv|Div|DivNoNan|AddV2|Sub|Neg|Pow|Exp|Abs|Sign|Tanh|Sigmoid|SelectV2|Cast|Identity|Square|Sqrt|Rsqrt|Log|Log1p|"
    r"Softplus|Relu|Maximum|Minimum"
)
_PRODUCTS = {"matmul", "mm", "__matmul__", "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"}


class Axes:
    """What each parameter's axes are called by the operations that have computed with it."""

    def __init__(self) -> None:
        self._found: dict[str, set[str]] = {}

    def note(self, name: str, axes: list[str]) -> None:
        """Notes what one operation makes of the axes of a parameter."""
        self._found.setdefault(name, set()).add(" ".join(axes))

    def of(self, name: str) -> str:
        """The axes of a parameter in their order, `h w in out`; empty where no operation tells, or several say otherwise."""
        found = self._found.get(name, set())
        return next(iter(found)) if len(found) == 1 else ""


def of_function(name: str, args: Any, kwargs: Any) -> Iterator[tuple[Any, list[str]]]:
    """The tensors that may be weights of a function of PyTorch, each with what its axes are."""
    if name in _OF_TORCH:
        place, keyword, axes = _OF_TORCH[name]
        weight = kwargs.get(keyword, args[place] if len(args) > place else None)
        if weight is not None:
            yield weight, axes.split()
    elif name in _PRODUCTS and len(args) == 2:
        yield from _of_product(args)
    elif name == "einsum" and len(args) == 3 and isinstance(args[0], str):
        yield from _of_equation(args[0], args[1:])


def of_operation(name: str, inputs: Any, attributes: dict[str, Any]) -> Iterator[tuple[Any, list[str]]]:
    """The tensors that may be weights of an operation of TensorFlow, each with what its axes are."""
    if name in _OF_TENSORFLOW and len(inputs) > 1:
        place, axes = _OF_TENSORFLOW[name]
        if not axes.endswith("1") or inputs[place].shape[-1] == 1:
            yield inputs[place], axes.split()
    elif name in _PRODUCTS:
        turned = [
            bool(attributes.get("transpose_" + side) or attributes.get("adj_" + other)) for side, other in ("ax", "by")
        ]
        yield from _of_product(inputs, turned)
    elif name == "Einsum" and len(inputs) == 2:
        equation = attributes.get("equation", b"")
        yield from _of_equation(equation.decode() if isinstance(equation, bytes) else str(equation), inputs)


def _of_product(factors: Any, turned: Any = (False, False)) -> Iterator[tuple[Any, list[str]]]:
    """Both factors of a product of matrices, where they have two axes: a sum is over the last of the first, the other's first.

    The first may be what is computed with, and no weight: its other axis has a name of its own.
    """
    for place, factor in enumerate(factors):
        if len(factor.shape) == 2:
            axes = ["row", "in"] if place == 0 else ["in", "out"]
            yield factor, axes[::-1] if turned[place] else axes


def _of_equation(equation: str, operands: Any) -> Iterator[tuple[Any, list[str]]]:
    """Both operands of a product by the names of its axes, where they have two, of which one is summed over."""
    inputs, arrow, result = equation.replace(" ", "").partition("->")
    for names, operand in zip(inputs.split(","), operands):  # noqa: B905 - Python 3.9
        summed = [name for name in names if name not in result]
        if arrow and len(names) == 2 and names.isalpha() and len(summed) == 1:
            yield operand, ["in" if name in summed else "out" for name in names]
