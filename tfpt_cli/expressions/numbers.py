"""The numbers that native code has from Python, from NumPy and from the limits of a dtype, without a framework."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from tfpt_cli.dictionary.native import rules
from tfpt_cli.language.constants import UNBOUNDED, NotConstant, constant
from tfpt_cli.language.trees import called_name, dotted

# So many numbers are written out in a neutral expression.
_MOST = 256


def of_numbers(tree: ast.expr) -> Any:
    """The Python value of a call of NumPy, `float` or `int` of numbers. Raises `NotConstant` where it is no such."""
    match tree:
        case ast.Call(func=ast.Name(id="float" | "int" as name), args=[value], keywords=[]):
            return (float if name == "float" else int)(of_numbers(value))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name)) if name in _NUMPY:
            args = [_argument(argument) for argument in tree.args]
            keywords = {str(keyword.arg): _argument(keyword.value) for keyword in tree.keywords}
            found = getattr(np, name)(*args, **keywords)
            if np.size(found) > _MOST:
                raise NotConstant(tree)
            return found.tolist()
        case ast.Constant(value=str() as text) if text.strip().lower() in UNBOUNDED:
            return float(text)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [of_numbers(item) for item in items]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -of_numbers(operand)
    return constant(tree, functions=True)


def _argument(tree: ast.expr) -> Any:
    """An argument of a function of NumPy: numbers, or a dtype. A shape may not be large."""
    name = dotted(tree).removeprefix("np.") or (tree.value if isinstance(tree, ast.Constant) else "")
    if name in _NUMPY_DTYPES:
        return np.dtype(str(name).rstrip("_"))
    value = of_numbers(tree)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _MOST:
        raise NotConstant(tree)
    return value


_NUMPY = frozenset(
    {
        "arange",
        "array",
        "asarray",
        "eye",
        "float32",
        "float64",
        "full",
        "linspace",
        "ones",
        "zeros",
        "sqrt",
        "exp",
        "log",
    }
)
_NUMPY_DTYPES = frozenset({"float32", "float64", "float16", "int32", "int64", "bool", "bool_"})


def limit_of_dtype(node: ast.Attribute) -> float | None:
    """The limit of a dtype that is written out: `tf.float32.max`, `torch.finfo(torch.float32).eps`."""
    of = node.value
    if isinstance(of, ast.Call) and called_name(of) in rules("limits_of") and len(of.args) == 1:
        of = of.args[0]
    name = dotted(of).rpartition(".")[2]
    if node.attr not in rules("limits") or dotted(of).count(".") != 1 or name not in ("float16", "float32", "float64"):
        return None
    return float(getattr(np.finfo(name), node.attr))


def all_whole(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(map(all_whole, value))
    return isinstance(value, int) and not isinstance(value, bool)
