"""An expression over an interval of its input: what is put in place of the input's numbers.

Where the expression is elementwise all points go in at once, since there every number goes its own way; else one by one.
"""

from __future__ import annotations

import ast
import copy
import math
from typing import TYPE_CHECKING, Any

from tfpt_cli.language.constants import BadConstant, NotConstant, constant
from tfpt_cli.language.expression import parse
from tfpt_cli.language.shapes import show
from tfpt_cli.subjects.subject import CurvePlan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tfpt_cli.subjects.gradient.spec import Gradient
    from tfpt_cli.subjects.subject import Interval

POINTS = 81


def at_once(spec: Gradient, fields: Mapping[str, Any], interval: Interval | None) -> CurvePlan | None:
    """The plan for all points in one scenario; None where the expression is not known to be elementwise.

    Without an interval it is the one of the input's own numbers, at least two to each side of their middle.
    """
    if not elementwise(spec):
        return None
    (name,) = spec.smooth
    low, high = interval or around(fields["at"][name])
    return CurvePlan((_with(fields, name, f"linspace({low!r}, {high!r}, {POINTS})"),), name, _places(low, high))


def by_points(spec: Gradient, fields: Mapping[str, Any], interval: Interval | None) -> CurvePlan:
    """A scenario for each point, for any expression of an input of one number. Raises `ValueError` where there is none."""
    names = [name for name in spec.smooth if spec.inputs[name].shape == ()]
    if len(spec.smooth) != 1 and len(names) != 1:
        raise ValueError(f"--plot draws over one input: choose it by --wrt, of {', '.join(spec.smooth)}")
    if not names:
        shape = show(spec.inputs[spec.smooth[0]].shape)
        words = f"--plot cannot draw this: '{spec.smooth[0]}' has shape {shape}, and the expression is not known"
        raise ValueError(f"{words} to be elementwise; give it one number")
    (name,) = names[:1]
    at = _places(*(interval or around(fields["at"][name])))
    return CurvePlan(tuple(_with(fields, name, place) for place in at), name, at)


def elementwise(spec: Gradient) -> bool:
    """Whether each number of the result depends on one number alone of the only input that is differentiated by.

    The dictionary's rows tell it; of an expression with a call that no row knows it is not known, and the answer is False.
    """
    if len(spec.smooth) != 1 or spec.complex or any(output.code or not output.reference for output in spec.outputs):
        return False
    if any(values.shape != () for name, values in spec.inputs.items() if name not in spec.smooth):
        return False
    return spec.keeps_places


def around(value: Any) -> Interval:
    """The interval of what a scenario gives to its input, at least two numbers to each side of its middle.

    >>> around(0.5), around("linspace(-3, 3, 7)")
    ((-1.5, 2.5), (-3.0, 3.0))
    """
    numbers = [number for number in _numbers(value) if math.isfinite(number)] or [0.0]
    low, high = min(numbers), max(numbers)
    half = max((high - low) / 2, 2.0)
    return (low + high) / 2 - half, (low + high) / 2 + half


def _numbers(value: Any) -> Iterator[float]:
    """The numbers in a value of `at`; of an array call the first two arguments, as of `linspace(-3, 3, 7)`."""
    if isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, str):
        tree, _ = parse(value)
        for part in tree.args[:2] if isinstance(tree, ast.Call) else [tree]:
            try:
                yield float(constant(part, functions=True))  # type: ignore[arg-type]
            except (BadConstant, NotConstant, TypeError, ValueError):
                continue
    else:
        yield float(value)


def _places(low: float, high: float) -> tuple[float, ...]:
    return tuple(low + (high - low) * index / (POINTS - 1) for index in range(POINTS))


def _with(fields: Mapping[str, Any], name: str, value: str | float) -> dict[str, Any]:
    """The fields with another value of an input, its gradient alone, in the usual mode and way."""
    kept = {k: v for k, v in copy.deepcopy(dict(fields)).items() if k not in ("tangent", "cotangent", "modes", "ways")}
    kept["at"][name] = value
    kept["derivatives"] = [] if kept.get("derivatives") in ("none", []) else ["gradient"]
    return kept
