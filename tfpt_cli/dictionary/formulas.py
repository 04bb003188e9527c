"""What the formulas in the rows may use, and what they come to.

A row's formula is our own text, never a scenario's: it is evaluated as Python with these names and the row's settings.
"""

from __future__ import annotations

import ast
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# The standard deviation of a standard normal cut off at two: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)). Keras and TensorFlow
# divide by the same number (keras.initializers.VarianceScaling), so that what is left has the variance that was asked for.
CUT_STD = 0.87962566103423978


def calculate_gain(nonlinearity: str, a: float | None = None) -> float:
    """The gain that PyTorch recommends for a nonlinearity: the table in the documentation of `nn.init.calculate_gain`.

    `a` is the negative slope of a leaky ReLU (0.01 if None).
    """
    slope = 0.01 if a is None else a
    gains = {"tanh": 5 / 3, "relu": math.sqrt(2), "leaky_relu": math.sqrt(2 / (1 + slope**2)), "selu": 3 / 4}
    return gains.get(nonlinearity, 1.0)


def times(size: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    """One size for every axis, or the given size of each axis. Raises `ValueError` where there are not `count` of them.

    >>> times(3, 2), times((3, 5), 2)
    ((3, 3), (3, 5))
    """
    sizes = tuple(size) if isinstance(size, (tuple, list)) else (size,) * count
    if len(sizes) != count:
        raise ValueError(f"{len(sizes)} sizes where {count} are needed")
    return sizes


def chosen(mode: str, fan_in: float, fan_out: float) -> float:
    """The fan that a mode names: `fan_in`, `fan_out` or their mean, `fan_avg`; at least 1, as Keras has it."""
    return max(1.0, {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode])


_NAMES: dict[str, Any] = {
    "sqrt": math.sqrt,
    "ceil": math.ceil,
    "prod": math.prod,
    "len": len,
    "list": list,
    "range": range,
    "sorted": sorted,
    "is_tuple": lambda value: isinstance(value, (tuple, list)),
    "calculate_gain": calculate_gain,
    "times": times,
    "chosen": chosen,
    "CUT_STD": CUT_STD,
    "__builtins__": {},
}
HELPERS = frozenset(_NAMES) - {"__builtins__"}


# What a formula raises where a setting is missing or makes no sense.
UNKNOWN = (NameError, ValueError, TypeError, ArithmeticError)


# The trees of the rows live as long as the program, and are told apart by identity.
@lru_cache(maxsize=8192)
def text_of(tree: ast.AST) -> str:
    """The source text of a row's tree. It is asked for again and again, and therefore remembered."""
    return ast.unparse(tree)


@lru_cache(maxsize=8192)
def _compiled(tree: ast.AST) -> Any:
    return compile(text_of(tree), "<row>", "eval")


def value_of(tree: ast.AST, names: Mapping[str, Any]) -> Any:
    """The value of a row's formula, given its settings (and whatever else the row may name).

    Raises one of `UNKNOWN` where a name is missing or the arithmetic is impossible.

    >>> value_of(ast.parse("1 / sqrt(fan_in)", mode="eval").body, {"fan_in": 16})
    0.25
    """
    return eval(_compiled(tree), {**_NAMES, **names})  # noqa: S307 - a row of ours, see above
