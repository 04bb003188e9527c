"""Axes of one framework as the other orders them."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import einops

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Framework
    from tfpt_cli.layers.layout import Layout


def moved(
    array: NDArray[Any], layout: Layout, first: Framework, second: Framework, *, draws: bool = False
) -> NDArray[Any] | None:
    """An array of one framework with its axes, and the blocks in them, in the order of another; None where it does not fit.

    With `draws`, axis 0 counts draws and stays where it is.

    >>> import numpy as np
    >>> from tfpt_cli.frameworks import TENSORFLOW, TORCH
    >>> from tfpt_cli.layers.layout import layout_of
    >>> moved(np.array([[1, 2, 3], [4, 5, 6]]), layout_of("out in -> in out"), TORCH, TENSORFLOW).tolist()
    [[1, 4], [2, 5], [3, 6]]
    """
    if layout.blocks:
        apart = blocks(array, layout, first, draws=draws)
        if apart is None:
            return None
        ordered = apart[[layout.blocks[first].index(name) for name in layout.blocks[second]]]
        return _rearranged(ordered, _apart(layout, first), layout.axes(second), layout, draws, gate_first=True)
    return _rearranged(array, layout.axes(first), layout.axes(second), layout, draws)


def blocks(array: NDArray[Any], layout: Layout, framework: Framework, *, draws: bool = False) -> NDArray[Any] | None:
    """A framework's array with its blocks along a new first axis, in that framework's order; None where it does not fit.

    >>> import numpy as np
    >>> from tfpt_cli.frameworks import TORCH
    >>> from tfpt_cli.layers.layout import Layout
    >>> gates = Layout("(gate out) -> (gate out)", {"gate": 2}, {TORCH: ("i", "f")})
    >>> blocks(np.array([1, 2, 3, 4]), gates, TORCH).tolist()
    [[1, 2], [3, 4]]
    """
    found = _rearranged(array, layout.axes(framework), _apart(layout, framework), layout, draws, gate_first=False)
    return None if found is None else (found.swapaxes(0, 1) if draws else found)


def _apart(layout: Layout, framework: Framework) -> str:
    """The axes of a framework with `gate` taken out of its group and put first."""
    words = layout.axes(framework).replace("gate", " ")
    return f"gate {' '.join(words.split()).replace('( ', '(')}"


def _rearranged(
    array: NDArray[Any], left: str, right: str, layout: Layout, draws: bool, *, gate_first: bool | None = None
) -> NDArray[Any] | None:
    if draws:
        # Blocks that were taken apart stand before the draws.
        left = left.replace("gate", "gate drawn", 1) if gate_first else f"drawn {left}"
        right = f"drawn {right}"
    used = {axis: size for axis, size in layout.sizes.items() if axis in f"{left} {right}".replace("(", " ").split()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # einops would rather not have an axis called 'in'
            return einops.rearrange(array, f"{left} -> {right}", **used)
    except einops.EinopsError:
        return None


def problem_in(layout: str) -> str:
    """What is wrong with a layout pattern, as a sentence without its full stop; an empty string where nothing is.

    >>> problem_in("out in -> in out")
    ''
    >>> problem_in("out in")
    "'out in' has no '->': a layout is an einops pattern such as out in -> in out"
    """
    from tfpt_cli.layers.layout import groups

    layout, *lengths = (part.strip() for part in layout.split(","))
    for length in lengths:
        if not re.fullmatch(r"[A-Za-z]\w*\s*=\s*[1-9]\d{0,8}", length):
            return f"'{length}' is not the length of an axis, such as c=8"
    left, arrow, _ = layout.partition("->")
    if layout.count("->") > 1 or len(layout) > 200:
        return f"'{layout[:60]}' is not an einops pattern: one '->' and at most 200 characters"
    if not arrow:
        return f"'{layout}' has no '->': a layout is an einops pattern such as out in -> in out"
    if strange := re.search(r"[^A-Za-z0-9_\s().>-]", layout):
        return f"'{layout}' is not an einops pattern: '{strange[0]}' stands in no name of an axis, such as out"
    if number := re.search(r"\b(?!1\b)\d\w*", layout):
        return f"'{layout}' is not an einops pattern: '{number[0]}' is no name of an axis; an axis of length one is 1"
    if alone := _on_one_side(layout):
        words = f"'{layout}' is not an einops pattern: {' and '.join(alone)} {'stands' if len(alone) == 1 else 'stand'}"
        apart = " -> ".join(" ".join(side.strip()) for side in layout.split("->"))
        fits = not _on_one_side(apart) and not re.search(r"[^A-Za-z\s>-]", layout)
        return f"{words} on one side alone{f'; write {apart}' if fits else ''}"
    import numpy as np

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            sizes = {length.partition("=")[0].strip(): 1 for length in lengths}
            einops.rearrange(np.zeros((1,) * len(groups(left))), layout, **sizes)
    except (einops.EinopsError, ValueError) as error:
        if "infer sizes" in str(error):
            known = {"1", *sizes}
            unknown = next(names for group in groups(left) if len(names := [n for n in group if n not in known]) > 1)
            longer = ", ".join([layout, *lengths, f"{unknown[0]}=2"])
            return f"'{layout}' does not say how long {' or '.join(unknown)} is; write it behind a comma: {longer}"
        return f"'{layout}' is not an einops pattern: {str(error).splitlines()[-1].strip()}"
    return ""


def _on_one_side(layout: str) -> list[str]:
    """The axes that stand on one side of a pattern alone, in its order; lengths such as 1 are none."""
    sides = [re.findall(r"[A-Za-z_]\w*", side) for side in layout.split("->")]
    both = set(sides[0]) & set(sides[1])
    return [name for side in sides for name in dict.fromkeys(side) if name not in both]
