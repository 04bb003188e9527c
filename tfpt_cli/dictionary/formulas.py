"""What the formulas in the rows may use, and what they come to.

A row's formula is our own text, never a scenario's: it is evaluated as Python with these names and the row's settings.
"""

from __future__ import annotations

import ast
import math
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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


# A constant array of more numbers is not written out.
_MOST = 1024


def filled(shape: int | tuple[int, ...], value: float) -> Any:
    """Nested lists of one number, of a shape; the number alone where the shape has no axes.

    >>> filled((2, 3), 1), filled(2, 0)
    ([[1, 1, 1], [1, 1, 1]], [0, 0])
    """
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if math.prod(sizes) > _MOST:
        raise ValueError("too many numbers")
    return [filled(sizes[1:], value) for _ in range(sizes[0])] if sizes else value


def steps(start: float, end: float, step: float = 1) -> list[float]:
    """The numbers from `start` to before `end`: `steps(0, 1, 0.5)` is `[0, 0.5]`."""
    count = math.ceil((end - start) / step)
    if count > _MOST:
        raise ValueError("too many numbers")
    return [start + index * step for index in range(count)]


def spaced(start: float, end: float, count: int) -> list[float]:
    """So many numbers from `start` to `end`, both of them among these, at equal distances."""
    if count > _MOST:
        raise ValueError("too many numbers")
    return [start + (end - start) * index / max(count - 1, 1) for index in range(count)]


def identity(rows: int, columns: int | None = None) -> list[list[float]]:
    """The identity matrix as nested lists, or as much of it as there are columns."""
    filled((rows, columns or rows), 0)
    return [[float(row == column) for column in range(columns or rows)] for row in range(rows)]


def pairs_of(widths: tuple[int, ...], rank: int) -> tuple[tuple[int, int], ...]:
    """PyTorch's widths of a padding, from the last axis on, as a pair for each axis.

    >>> pairs_of((1, 2), 3)
    ((0, 0), (0, 0), (1, 2))
    """
    pairs = [(widths[at], widths[at + 1]) for at in range(0, len(widths), 2)]
    return ((0, 0),) * (rank - len(pairs)) + tuple(pairs[::-1])


def each(value: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    """One number for each of `count` axes, also where TensorFlow has it with a 1 for the batch and the channels around.

    >>> each(2, 2), each((1, 2, 3, 1), 2)
    ((2, 2), (2, 3))
    """
    around = isinstance(value, (tuple, list)) and len(value) == count + 2
    return times(value[1:-1] if around else value, count)  # type: ignore[index]


def reached(size: int, window: int, stride: int) -> int:
    """How many zeros must follow an axis, so that every entry is in a window: with `ceil_mode=True`, and with `"SAME"`."""
    return max((math.ceil(size / stride) - 1) * stride + window - size, 0)


def same_widths(sizes: tuple[int, ...], kernel: Any, stride: Any, dilation: Any = 1) -> tuple[tuple[int, int], ...]:
    """The widths that the padding `"SAME"` of TensorFlow puts before and after each of the axes of some sizes.

    >>> same_widths((5, 5), 2, 2)
    ((0, 1), (0, 1))
    """
    count, found = len(sizes), []
    for size, k, s, d in zip(sizes, each(kernel, count), each(stride, count), each(dilation, count), strict=True):
        total = reached(size, (k - 1) * d + 1, s)
        found.append((total // 2, total - total // 2))
    return tuple(found)


def tf_widths(
    padding: Any, sizes: tuple[int, ...], kernel: Any, stride: Any, dilation: Any = 1
) -> tuple[tuple[int, int], ...]:
    """The widths of TensorFlow's `padding`: of "VALID" none, of "SAME" those that keep the sizes, of pairs theirs.

    Raises `ValueError` for any other.
    """
    if isinstance(padding, (tuple, list)) and len(padding) == len(sizes) + 2:
        return tuple((before, after) for before, after in (padding[1:-1]))
    if str(padding).lower() not in ("valid", "same"):
        raise ValueError(padding)
    if str(padding).lower() == "valid":
        return ((0, 0),) * len(sizes)
    return same_widths(sizes, kernel, 1 if stride is None else stride, 1 if dilation is None else dilation)


def ceil_widths(sizes: tuple[int, ...], kernel: Any, stride: Any, padding: Any) -> tuple[tuple[int, int], ...]:
    """The widths before and after each axis that PyTorch's pooling with `ceil_mode=True` adds beyond its padding.

    A window that would start in the padding behind is left out.

    >>> ceil_widths((5,), 2, 2, 0), ceil_widths((4,), 2, 2, 0)
    (((0, 1),), ((0, 0),))
    """
    count, found = len(sizes), []
    for size, k, s, p in zip(
        sizes, each(kernel, count), each(stride or kernel, count), each(padding, count), strict=True
    ):
        windows = math.ceil((size + 2 * p - k) / s) + 1
        windows -= (windows - 1) * s >= size + p
        found.append((0, max((windows - 1) * s + k - size - 2 * p, 0)))
    return tuple(found)


def from_last(pairs: tuple[tuple[int, int], ...], sign: int = 1) -> tuple[int, ...]:
    """The widths before and after each axis as PyTorch's padding takes them: in one tuple, from the last axis on.

    With `sign` -1 they are negative, by which PyTorch crops.

    >>> from_last(((0, 1), (2, 3))), from_last(((0, 1),), -1)
    ((2, 3, 0, 1), (0, -1))
    """
    return tuple(sign * width for pair in reversed(pairs) for width in pair)


def widths_of(value: Any, count: int) -> tuple[tuple[int, int], ...]:
    """The widths before and after each of `count` axes: one number for all, one for each axis, or a pair for each axis.

    Raises `ValueError` where there are not `count` of them.

    >>> widths_of(1, 2), widths_of((1, 2), 2), widths_of(((0, 1), (2, 3)), 2)
    (((1, 1), (1, 1)), ((1, 1), (2, 2)), ((0, 1), (2, 3)))
    """
    return tuple(tuple(one) if isinstance(one, (tuple, list)) else (one, one) for one in times(value, count))


def cut_by_same(kernel: Any, stride: Any, dilation: Any, count: int) -> tuple[tuple[int, int], ...]:
    """What TensorFlow cuts off before and after each axis of a transposed convolution with padding="same".

    It keeps `stride` entries for every one of the input, whatever the input's size, and cuts the larger half off the end.

    >>> cut_by_same(4, 1, 1, 1), cut_by_same(2, 3, 1, 1)
    (((1, 2),), ((0, 0),))
    """
    sizes = zip(times(kernel, count), times(stride, count), times(dilation, count), strict=True)
    spare = [max((k - 1) * d + 1 - s, 0) for k, s, d in sizes]
    return tuple((total // 2, total - total // 2) for total in spare)


def short_of_stride(kernel: Any, stride: Any, dilation: Any, count: int) -> tuple[int, ...]:
    """By how many entries the windows of a convolution fall short of its stride, for each axis; 0 where they overlap.

    >>> short_of_stride((2, 5), 3, 1, 2)
    (1, 0)
    """
    sizes = zip(times(kernel, count), times(stride, count), times(dilation, count), strict=True)
    return tuple(max(s - (k - 1) * d - 1, 0) for k, s, d in sizes)


def below(left: Any, right: Any, count: int) -> bool:
    """Whether each of `count` numbers is less than the one beside it, where one number stands for all axes.

    >>> below(1, (2, 3), 2), below((1, 3), (2, 3), 2)
    (True, False)
    """
    return all(a < b for a, b in zip(times(left, count), times(right, count), strict=True))


def at_most_half(widths: Any, window: Any, count: int) -> bool:
    """Whether a padding is at most half as wide as the window that moves over it, on each of `count` axes.

    >>> at_most_half(1, (2, 3), 2), at_most_half(2, 3, 2)
    (True, False)
    """
    return all(2 * width <= size for width, size in zip(times(widths, count), times(window, count), strict=True))


def rest_of_one(share: float) -> float:
    """What is left of 1, without the noise of a binary subtraction: 0.1 of 0.9, not 0.09999999999999998."""
    return float(1 - Decimal(repr(share)))


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
    "tuple_of": tuple,
    "count_of": math.prod,
    "ones_of": lambda shape: tuple(axis for axis, size in enumerate(shape) if size == 1),
    "is_whole": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "inf": math.inf,
    "pairs_of": pairs_of,
    "alike_but": lambda left, right, axis: left[:axis] + left[axis:][1:] == right[:axis] + right[axis:][1:],
    "each": each,
    "tf_widths": tf_widths,
    "batched": lambda widths: ((0, 0), (0, 0), *widths),
    "same_widths": same_widths,
    "ceil_widths": ceil_widths,
    "from_last": from_last,
    "widths_of": widths_of,
    "cut_by_same": cut_by_same,
    "short_of_stride": short_of_stride,
    "below": below,
    "at_most_half": at_most_half,
    "rest_of_one": rest_of_one,
    "both": lambda padding, count: tuple((width, width) for width in each(padding, count)),
    "filled": filled,
    "steps": steps,
    "spaced": spaced,
    "identity": identity,
    "__builtins__": {},
}
HELPERS = frozenset(_NAMES) - {"__builtins__"}


# What a formula raises where a setting is missing or makes no sense.
UNKNOWN = (NameError, ValueError, TypeError, ArithmeticError, LookupError)


# The trees of the rows live as long as the program, and are told apart by identity.
@lru_cache(maxsize=8192)
def text_of(tree: ast.AST) -> str:
    """The source text of a row's tree. It is asked for again and again, and therefore remembered."""
    return ast.unparse(tree)


@lru_cache(maxsize=8192)
def _compiled(tree: ast.AST) -> Any:
    return compile(text_of(tree), "<row>", "eval")


@lru_cache(maxsize=32768)
def names_in(tree: ast.AST) -> frozenset[str]:
    """The names that stand in a row's tree. They are asked for again and again, and therefore remembered."""
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def is_formula(tree: ast.AST, names: Collection[str], formulas: Collection[str]) -> bool:
    """Whether an expression calls one of some formulas and uses, besides formulas, only the names that have a value.

    >>> tree = ast.parse("each(padding, 2)[0]", mode="eval").body
    >>> is_formula(tree, {"padding"}, {"each"}), is_formula(tree, set(), {"each"})
    (True, False)
    """
    if isinstance(tree, (ast.Name, ast.Starred, ast.Slice)):
        return False
    if isinstance(tree, ast.Tuple) and any(isinstance(item, (ast.Slice, ast.Starred)) for item in tree.elts):
        return False
    used = names_in(tree)
    return not used.isdisjoint(formulas) and all(name in names or name in formulas for name in used)


def value_of(tree: ast.AST, names: Mapping[str, Any]) -> Any:
    """The value of a row's formula, given its settings (and whatever else the row may name).

    Raises one of `UNKNOWN` where a name is missing or the arithmetic is impossible.

    >>> value_of(ast.parse("1 / sqrt(fan_in)", mode="eval").body, {"fan_in": 16})
    0.25
    """
    return eval(_compiled(tree), {**_NAMES, **names})  # noqa: S307 - a row of ours, see above
