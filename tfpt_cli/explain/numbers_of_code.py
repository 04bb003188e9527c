"""The numbers of expressions in native code, as far as they follow from inputs whose numbers are written out.

A condition of a known difference may ask whether there is a NaN among `numbers(__x)`, and a person's `__x` is seldom an input
alone: of an input `x` with the numbers 4 and -1 also `torch.sqrt(x)` and `x.mean() - 1` have numbers that are known here.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.explain.surroundings import operations_called
from tfpt_cli.language.constants import BadConstant, NotConstant, constant
from tfpt_cli.language.trees import called_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tfpt_cli.language.shapes import Shape

_OPERATORS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power"}
# What NumPy calls otherwise than the operations, and reductions of all numbers, with how many arguments they take.
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "pow": (np.power, 2),
    "clip": (np.clip, 3),
    "ones_like": (np.ones_like, 1),
    "zeros_like": (np.zeros_like, 1),
    "sum": (np.sum, 1),
    "mean": (np.mean, 1),
    "max": (np.max, 1),
    "min": (np.min, 1),
    "prod": (np.prod, 1),
}


def numbers_of(
    tree: ast.expr, numbers: Mapping[str, tuple[Any, ...]], shapes: Mapping[str, Shape | None]
) -> tuple[float, ...]:
    """The numbers of an expression by those of the inputs in it; empty where they are not known.

    >>> tree = ast.parse("torch.sqrt(x) - torch.mean(x)", mode="eval").body
    >>> numbers_of(tree, {"x": (4.0, 1.0)}, {"x": (2,)})
    (-0.5, -1.5)
    """
    try:
        with np.errstate(all="ignore"):
            found = _array(tree, numbers, shapes)
    except (ValueError, TypeError, OverflowError):  # shapes that do not fit, numbers that a function does not take
        return ()
    if found is None or np.any(_beyond(found)):
        return ()
    return tuple(float(number) for number in found.ravel())


def _beyond(array: Any) -> Any:
    """Where float32 has another number, as of an overflow or a square that underflows."""
    with np.errstate(all="ignore"):
        short = array.astype(np.float32)
    return (np.isinf(short) & np.isfinite(array)) | ((np.abs(array) < np.finfo(np.float32).tiny) & (array != 0))


def _array(tree: ast.expr, numbers: Mapping[str, tuple[Any, ...]], shapes: Mapping[str, Shape | None]) -> Any:
    match tree:
        case ast.Name(id=name):
            shape = shapes.get(name)
            return (
                np.reshape(np.asarray(numbers[name], float), shape) if name in numbers and shape is not None else None
            )
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _called(np.negative, [operand], numbers, shapes)
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
            return _called(getattr(np, _OPERATORS[type(op)]), [left, right], numbers, shapes)
        case ast.Call(args=args, keywords=[]) if args:
            operations = operations_called(tree, differentiable=False)
            for name in (*sorted(operations), called_name(tree).rpartition(".")[2]):
                ufunc = getattr(np, name, None) if name in operations else None
                known = (ufunc, ufunc.nin) if isinstance(ufunc, np.ufunc) else (None, 0)
                function, places = _FUNCTIONS.get(name, known)
                if function is not None and places == len(args):
                    return _called(function, args, numbers, shapes)
    try:
        value = constant(tree, functions=True)
    except (NotConstant, BadConstant):
        return None
    return np.asarray(value, float) if isinstance(value, (int, float)) else None


def _called(
    function: Any, args: list[ast.expr], numbers: Mapping[str, tuple[Any, ...]], shapes: Mapping[str, Shape | None]
) -> Any:
    arrays = [_array(arg, numbers, shapes) for arg in args]
    return None if any(array is None for array in arrays) else np.asarray(function(*arrays))
