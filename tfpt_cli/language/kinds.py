"""What a setting of a call may be: the kinds that the annotations of a row's signature name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


NONLINEARITIES = (
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "sigmoid", "tanh", "relu", "leaky_relu", "selu",
)  # fmt: skip


# Every layer of a stack is written out, for Keras and with its own parameters: more than anybody stacks.
MAX_STACKED = 1_000


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _several(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and bool(value)


def _all_whole(value: Any, least: int) -> bool:
    """Whether a value is a whole number of at least `least`, or a tuple of such numbers."""
    return all(_whole(item, least) for item in value) if _several(value) else _whole(value, least)


def _pair(value: Any) -> bool:
    return _several(value) and len(value) == 2 and _all_whole(value, 0)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _one_of(*names: str) -> tuple[str, Callable[[Any], bool]]:
    return " or ".join(f"'{name}'" for name in names), lambda value: value in names


KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "size": ("a whole number of at least 1", lambda value: _whole(value, 1)),
    "count": ("a whole number of at least 0", lambda value: _whole(value, 0)),
    "depth": (
        f"a whole number of at least 1 and at most {MAX_STACKED:,}",
        lambda value: _whole(value, 1) and value <= MAX_STACKED,
    ),
    "whole": ("a whole number", lambda value: _whole(value, -(2**63))),
    "number": ("a number", _number),
    "finite": ("a finite number", lambda value: _number(value) and math.isfinite(value)),
    "deviation": ("a finite number of at least 0", lambda value: _number(value) and 0 <= value < math.inf),
    "positive": ("a finite number greater than 0", lambda value: _number(value) and 0 < value < math.inf),
    "share": ("a number from 0 to 1", lambda value: _number(value) and 0 <= value <= 1),
    "size_or_none": ("a whole number of at least 1", lambda value: value is None or _whole(value, 1)),
    "sizes": (
        "a whole number of at least 1 or a tuple of them",
        lambda value: _all_whole(value, 1),
    ),
    "counts": (
        "a whole number of at least 0 or a tuple of them",
        lambda value: _all_whole(value, 0),
    ),
    "several": (
        "a tuple of whole numbers of at least 1",
        lambda value: _several(value) and _all_whole(value, 1),
    ),
    "text": ("a text", lambda value: isinstance(value, str)),
    "reduction": _one_of("none", "sum", "mean"),
    "any_reduction": _one_of("none", "sum", "mean", "batchmean"),
    "interpolation": _one_of("linear", "lower", "higher", "midpoint", "nearest"),
    "fft_norm": _one_of("backward", "ortho", "forward"),
    "padding": _one_of("valid", "same"),
    "padding_or_widths": (
        "'valid' or 'same', or a whole number of at least 0 or a tuple of them",
        lambda value: value in ("valid", "same") or _all_whole(value, 0),
    ),
    "widths": (
        "a whole number of at least 0, a tuple of them, or a tuple of pairs of them",
        lambda value: _all_whole(value, 0) or (_several(value) and all(_pair(item) for item in value)),
    ),
    "sizes_or_none": (
        "a whole number of at least 1 or a tuple of them",
        lambda value: value is None or _all_whole(value, 1),
    ),
    "upsampling": _one_of("nearest", "bilinear"),
    "recurrent_activation": _one_of("tanh", "relu"),
    "fan": _one_of("fan_in", "fan_out"),
    "fan_or_average": _one_of("fan_in", "fan_out", "fan_avg"),
    "scaled": _one_of("uniform", "truncated_normal", "untruncated_normal", "normal"),  # normal is truncated too
    "nonlinearity": _one_of(*NONLINEARITIES),
    "part": _one_of("real", "imag"),
    "window": ("the name of a window", lambda value: value is None or isinstance(value, str)),
    "scaling": ("'density', 'spectrum' or None", lambda value: value in ("density", "spectrum", None)),
    "flag": ("true or false (True or False in a call)", lambda value: isinstance(value, bool)),
    "axis": ("a whole number", lambda value: _whole(value, -64)),
    "axes": (
        "a whole number or a tuple of them",
        lambda value: _all_whole(value, -64),
    ),
    "pairs": (
        "a tuple of pairs of whole numbers of at least 0",
        lambda value: (
            isinstance(value, (tuple, list))
            and all(
                isinstance(pair, (tuple, list)) and len(pair) == 2 and all(_whole(n, 0) for n in pair) for pair in value
            )
        ),
    ),
    "shape": (
        "a whole number or a tuple of them",
        lambda value: all(_whole(item, -1) for item in (value if isinstance(value, (tuple, list)) else (value,))),
    ),
}


# What an array parameter may be annotated with, and the dtype that it then takes, whatever the scenario's is.
ARRAY_KINDS = {"integers": "int64", "booleans": "bool"}
