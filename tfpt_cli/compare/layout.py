"""Axes of one framework as the other orders them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import einops

if TYPE_CHECKING:
    from numpy.typing import NDArray


def moved(array: NDArray[Any], layout: str) -> NDArray[Any] | None:
    """A PyTorch array with its axes in TensorFlow's order (`out in -> in out`); None where the pattern does not fit."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # einops would rather not have an axis called 'in'
            return einops.rearrange(array, layout)
    except einops.EinopsError:
        return None


def problem_in(layout: str) -> str:
    """What is wrong with a layout pattern, or an empty string."""
    left, arrow, _ = layout.partition("->")
    if layout.count("->") > 1 or len(layout) > 200:
        return f"'{layout[:60]}' is not an einops pattern: one '->' and at most 200 characters"
    if not arrow:
        return f"'{layout}' has no '->': a layout is an einops pattern such as out in -> in out"
    import numpy as np

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            einops.rearrange(np.zeros((1,) * len(_outer_axes(left))), layout)
    except (einops.EinopsError, ValueError) as error:
        return f"'{layout}' is not an einops pattern: {str(error).splitlines()[-1].strip()}"
    return ""


def _outer_axes(side: str) -> list[str]:
    """The axes of one side of a pattern; a group in brackets is one axis of the array."""
    axes, depth = [], 0
    for word in side.replace("(", " ( ").replace(")", " ) ").split():
        if word == "(":
            axes += ["group"] if depth == 0 else []
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word not in "()" and depth == 0:
            axes.append(word)
    return axes
