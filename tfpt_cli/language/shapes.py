"""Shapes of results, so that operands that do not fit are refused before a framework starts.

A shape is a tuple of sizes, or None where it is not known (behind a native call). A rule takes the shapes of the
array arguments and the values of the settings, and gives the shape of the result or raises `ShapeError`.

>>> RULES["matmul"]([(2, 3), (3, 4)], {})
(2, 4)
>>> RULES["reduce"]([(2, 3)], {"axis": 1, "keepdims": True})
(2, 1)
>>> RULES["concat"]([[(2, 3), (5, 3)]], {"axis": 0})
(7, 3)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Shape = tuple[int, ...]
Settings = dict[str, Any]


class ShapeError(Exception):
    """Raised for operands whose shapes do not fit each other or the settings; the message names the shapes."""


def without_ones(shape: Shape) -> Shape:
    """A shape without its axes of length one.

    >>> without_ones((1, 48, 1))
    (48,)
    """
    return tuple(size for size in shape if size != 1)


def broadcast(*shapes: Shape | None) -> Shape | None:
    """The common shape under NumPy's broadcasting rules (the array API standard's), None if one of the shapes is unknown.

    Raises `ShapeError` where the shapes do not broadcast.

    >>> broadcast((2, 1), (3,))
    (2, 3)
    """
    if any(shape is None for shape in shapes):
        return None
    known = [shape for shape in shapes if shape is not None]
    rank = max((len(shape) for shape in known), default=0)
    result = []
    for axis in range(-rank, 0):
        sizes = {shape[axis] for shape in known if len(shape) >= -axis} - {1}
        if len(sizes) > 1:
            raise ShapeError(f"the shapes {' and '.join(map(show, known))} do not broadcast")
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def show(shape: Sequence[int]) -> str:
    """A shape as Python writes a tuple."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def axes_of(axis: Any, rank: int) -> tuple[int, ...]:
    """The axes named by an `axis` setting (None: all), counted from the front, of an array with `rank` axes.

    Raises `ShapeError` for an axis that does not exist or is named twice.

    >>> axes_of(-1, 3), axes_of(None, 2)
    ((2,), (0, 1))
    """
    if axis is None:
        return tuple(range(rank))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    for item in axes:
        if not -rank <= item < rank:
            raise ShapeError(f"axis {item} does not exist: the array has {rank} {'axis' if rank == 1 else 'axes'}")
    counted = tuple(item % rank for item in axes)
    if len(set(counted)) < len(counted):
        raise ShapeError(f"axis {axis} names an axis twice")
    return counted


def _broadcast(arrays: list[Any], _: Settings) -> Shape | None:
    return broadcast(*arrays)


def _complex_of_two(arrays: list[Any], _: Settings) -> Shape | None:
    """The rule of an elementwise operation of two arrays with a complex result, whose shape is unknown where it is a number.

    A derivative of a complex number needs a cotangent, as that of an array does.
    """
    return broadcast(*arrays) or None


def _along_axis(arrays: list[Any], settings: Settings) -> Shape | None:
    shape: Shape | None
    (shape,) = arrays
    if shape is not None:
        axes_of(settings["axis"], len(shape))
    return shape


def _reduce(arrays: list[Any], settings: Settings) -> Shape | None:
    (shape,) = arrays
    if shape is None:
        return None
    axes = axes_of(settings.get("axis"), len(shape))
    if settings.get("keepdims"):
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def _matmul(arrays: list[Any], _: Settings) -> Shape | None:
    left, right = arrays
    if left is None or right is None:
        return None
    if not left or not right:
        raise ShapeError(f"matmul needs arrays of at least one axis, got {show(left)} and {show(right)}")
    rows, columns = left[-2:-1], right[-1:] if len(right) > 1 else ()
    inner = right[-2] if len(right) > 1 else right[0]
    if left[-1] != inner:
        raise ShapeError(
            f"the shapes {show(left)} and {show(right)} do not fit a matrix product: {left[-1]} against {inner}"
        )
    batch = broadcast(left[:-2], right[:-2]) or ()
    return (*batch, *rows, *columns)


def _concat(arrays: list[Any], settings: Settings) -> Shape | None:
    (shapes,) = arrays
    if shapes is None or any(shape is None for shape in shapes):
        return None
    (axis,) = axes_of(settings["axis"], len(shapes[0]))
    if len({len(shape) for shape in shapes}) > 1:
        raise ShapeError(f"the shapes {' and '.join(map(show, shapes))} have different numbers of axes")
    rest = {tuple(size for a, size in enumerate(shape) if a != axis) for shape in shapes}
    if len(rest) > 1:
        raise ShapeError(f"the shapes {' and '.join(map(show, shapes))} do not fit along axis {axis}")
    return tuple(sum(shape[axis] for shape in shapes) if a == axis else size for a, size in enumerate(shapes[0]))


def _stack(arrays: list[Any], settings: Settings) -> Shape | None:
    (shapes,) = arrays
    if shapes is None or any(shape is None for shape in shapes):
        return None
    if len(set(shapes)) > 1:
        raise ShapeError(f"only arrays of one shape can be stacked, got {' and '.join(map(show, shapes))}")
    (axis,) = axes_of(settings["axis"], len(shapes[0]) + 1)
    return (*shapes[0][:axis], len(shapes), *shapes[0][axis:])


def _reshape(arrays: list[Any], settings: Settings) -> Shape | None:
    (shape,) = arrays
    target = settings["shape"]
    target = tuple(target) if isinstance(target, (tuple, list)) else (target,)
    if shape is None:
        return None if -1 in target else target
    size, known = math.prod(shape), math.prod(item for item in target if item != -1)
    if target.count(-1) > 1 or (size != known if -1 not in target else known == 0 or size % known):
        raise ShapeError(f"an array of shape {show(shape)} ({size} values) cannot get the shape {show(target)}")
    return tuple(size // known if item == -1 else item for item in target)


def _permute(arrays: list[Any], settings: Settings) -> Shape | None:
    (shape,) = arrays
    if shape is None:
        return None
    axes = axes_of(settings["axes"], len(shape))
    if sorted(axes) != list(range(len(shape))):
        raise ShapeError(f"axes {settings['axes']} is not an order of the {len(shape)} axes of {show(shape)}")
    return tuple(shape[axis] for axis in axes)


def _expand(arrays: list[Any], settings: Settings) -> Shape | None:
    (shape,) = arrays
    if shape is None:
        return None
    (axis,) = axes_of(settings["axis"], len(shape) + 1)
    return (*shape[:axis], 1, *shape[axis:])


def _squeeze(arrays: list[Any], settings: Settings) -> Shape | None:
    (shape,) = arrays
    if shape is None:
        return None
    axes = axes_of(settings["axis"], len(shape))
    for axis in axes:
        if shape[axis] != 1:
            raise ShapeError(
                f"axis {axis} of {show(shape)} has {shape[axis]} entries, only an axis of one can be squeezed"
            )
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def _reduce_broadcast(arrays: list[Any], settings: Settings) -> Shape | None:
    """The rule of an operation that broadcasts its arrays and then reduces the result, such as a loss."""
    if settings.get("reduction") == "none":
        return broadcast(*arrays)
    return _reduce([broadcast(*arrays)], settings)


def _square(arrays: list[Any], _: Settings) -> Shape | None:
    shape: Shape | None = arrays[0]
    if shape is not None and (len(shape) < 2 or shape[-1] != shape[-2]):
        raise ShapeError(f"a square matrix is needed, not an array of shape {show(shape)}")
    return shape


def _matrix_to_number(arrays: list[Any], _: Settings) -> Shape | None:
    shape: Shape | None = arrays[0]
    if shape is not None and len(shape) < 2:
        raise ShapeError(f"a matrix is needed, not an array of shape {show(shape)}")
    return None if shape is None else shape[:-2]


def _square_to_number(arrays: list[Any], settings: Settings) -> Shape | None:
    return _matrix_to_number([_square(arrays, settings)], settings)


def _several(count: int) -> Callable[[list[Any], Settings], list[Shape | None]]:
    """The rule of a call that gives `count` arrays whose shapes are not known, such as the two of `slogdet(x)`."""
    return lambda _, __: [None] * count


def _scaled_axis(numerator: int, denominator: int) -> Callable[[list[Any], Settings], Shape | None]:
    def rule(arrays: list[Any], settings: Settings) -> Shape | None:
        shape: Shape | None = arrays[0]
        if shape is None:
            return None
        (axis,) = axes_of(settings["axis"], len(shape))
        size = shape[axis]
        if size % denominator:
            raise ShapeError(
                f"axis {settings['axis']} of {show(shape)} has {size} entries, not a multiple of {denominator}"
            )
        return (*shape[:axis], size * numerator // denominator, *shape[axis + 1 :])

    return rule


def _transformed(arrays: list[Any], settings: Settings) -> Shape | None:
    """The rule of a transform along one axis (the last for None), which it may cut or fill to `n` entries."""
    shape: Shape | None = arrays[0]
    if shape is None:
        return None
    (axis,) = axes_of(-1 if settings.get("axis") is None else settings["axis"], len(shape))
    return (*shape[:axis], settings.get("n") or shape[axis], *shape[axis + 1 :])


def _unknown(_: list[Any], __: Settings) -> Shape | None:
    return None


# A rule of a call that gives several arrays gives a list of their shapes.
RULES: dict[str, Callable[[list[Any], Settings], Shape | list[Shape | None] | None]] = {
    "unknown": _unknown,
    "reduce broadcast": _reduce_broadcast,
    "square": _square,
    "matrix to number": _matrix_to_number,
    "square to number": _square_to_number,
    "two arrays": _several(2),
    "three arrays": _several(3),
    "halved axis": _scaled_axis(1, 2),
    "doubled axis": _scaled_axis(2, 1),
    "elementwise": _broadcast,  # and every number of the result comes of one number of each array
    "broadcast": _broadcast,
    "complex of two": _complex_of_two,
    "along axis": _along_axis,
    "transformed": _transformed,
    "reduce": _reduce,
    "matmul": _matmul,
    "concat": _concat,
    "stack": _stack,
    "reshape": _reshape,
    "permute": _permute,
    "expand": _expand,
    "squeeze": _squeeze,
}
