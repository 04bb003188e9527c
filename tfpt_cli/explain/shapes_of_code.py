"""The shapes of expressions in native code, as far as they follow from the shapes of the inputs.

A condition of a known difference may ask for `__x.shape`, and a person's `__x` is seldom an input alone: of an input `x` of
shape (4, 3) also `2 * x`, `torch.relu(x)`, `nn.Linear(3, 1)(x)` and `x[:, 0]` have a shape that is known here.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.language.constants import BadConstant, NotConstant, constant
from tfpt_cli.language.shapes import RULES, ShapeError, broadcast
from tfpt_cli.language.trees import called_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.language.shapes import Shape

# Layers that change the size of the last axis alone, and at which place they are given it.
_LAST_AXIS = {"nn.Linear": 1, "keras.layers.Dense": 0}


def shape_of(tree: ast.expr, shapes: Mapping[str, Shape | None]) -> Shape | None:
    """The shape of an expression by the shapes of its names, None where it is not known.

    >>> [shape_of(ast.parse(text, mode="eval").body, {"x": (4, 3)}) for text in ("2 * x", "F.relu(x)[:, None]", "torch.sum(x)")]
    [(4, 3), (4, 1, 3), None]
    """
    try:
        return _shape(tree, shapes)
    except ShapeError:
        return None


def _shape(tree: ast.expr, shapes: Mapping[str, Shape | None]) -> Shape | None:
    match tree:
        case ast.Name(id=name):
            return shapes.get(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _shape(operand, shapes)
        case ast.BinOp(op=ast.MatMult(), left=left, right=right):
            pair = [_shape(left, shapes), _shape(right, shapes)]
            product: Shape | None = None if None in pair else RULES["matmul"](pair, {})  # type: ignore[assignment]
            return product
        case ast.BinOp(left=left, right=right):
            return broadcast(_shape(left, shapes), _shape(right, shapes))
        case ast.Subscript(value=value, slice=index):
            return _indexed(_shape(value, shapes), index.elts if isinstance(index, ast.Tuple) else [index])
        case ast.Call(func=ast.Call() as layer, args=[value]) if called_name(layer) in _LAST_AXIS:
            size, shape = layer.args[_LAST_AXIS[called_name(layer)] :][:1], _shape(value, shapes)
            return (*shape[:-1], _size(size[0])) if shape and size else None
        case ast.Call(args=[value, axis]) if called_name(tree).rpartition(".")[2] in ("unsqueeze", "expand_dims"):
            return _expanded(_shape(value, shapes), axis)
        case ast.Call(args=[value]) if called_name(tree).rpartition(".")[2] in ("ones_like", "zeros_like"):
            return _shape(value, shapes)
        case ast.Call(args=[_, *_] as args) if _of_each_number(called_name(tree)):
            return broadcast(*(_shape(arg, shapes) for arg in args))
    return () if _is_number(tree) else None


def _indexed(shape: Shape | None, items: list[ast.expr]) -> Shape | None:
    """The shape that whole slices, numbers and new axes leave of a shape; None for other indices."""
    if shape is None:
        return None
    left, found = list(shape), list[int]()
    for item in items:
        match item:
            case ast.Constant(value=None):
                found.append(1)
            case ast.Slice(lower=None, upper=None, step=None) if left:
                found.append(left.pop(0))
            case ast.Constant(value=value) if value is ...:
                rest = sum(not (isinstance(each, ast.Constant) and each.value is None) for each in items) - 1
                found, left = [*found, *left[: len(left) - rest]], left[len(left) - rest :]
            case _ if left and _is_number(item):
                left.pop(0)
            case _:
                return None
    return (*found, *left)


def _expanded(shape: Shape | None, axis: ast.expr) -> Shape | None:
    """A shape with an axis of one more, at a place that is written out."""
    place = axis.operand if isinstance(axis, ast.UnaryOp) and isinstance(axis.op, ast.USub) else axis
    if shape is None or not isinstance(place, ast.Constant) or not isinstance(place.value, int):
        return None
    at = place.value if place is axis else len(shape) + 1 - place.value
    return (*shape[:at], 1, *shape[at:]) if 0 <= at <= len(shape) else None


def _of_each_number(name: str) -> bool:
    """Whether a function computes something of each number by itself."""
    row = dictionary().operations.get(name.rpartition(".")[2])
    return row is not None and row.kind in ("elementwise", "activations")


def _is_number(tree: ast.expr) -> bool:
    try:
        return isinstance(constant(tree, functions=True), (int, float))
    except (NotConstant, BadConstant):
        return False


def _size(tree: ast.expr) -> int:
    if not isinstance(tree, ast.Constant) or not isinstance(tree.value, int):
        raise ShapeError("the size is not written out")
    return tree.value
