"""How the axes of a parameter map from PyTorch to Keras, as far as shapes go; `compare.layout` moves the arrays."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TORCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.frameworks import Framework
    from tfpt_cli.language.shapes import Shape


@dataclass(frozen=True)
class Layout:
    """An einops pattern from PyTorch's axes to Keras's (`out in -> in out`).

    `sizes` are lengths of axes that the pattern does not tell. Where its axis `gate` holds `blocks`, they stand in the
    order that is given for each framework.

    >>> layout = Layout("out in -> in out")
    >>> layout.turned((4, 3)), layout.first()
    ((3, 4), 1)
    """

    pattern: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The layout as a scenario writes it, which `layout_of` reads; blocks have no text.

        >>> Layout("(h d) in -> in h d", {"h": 4}).text
        '(h d) in -> in h d, h=4'
        """
        named = {name for side in self.pattern.split("->") for group in groups(side) for name in group}
        return ", ".join([self.pattern, *(f"{name}={size}" for name, size in self.sizes.items() if name in named)])

    def turned(self, shape: Shape) -> Shape:
        """The shape in Keras of a parameter that has this shape in PyTorch. Raises `ValueError` where it does not fit."""
        if "..." in self.pattern or not self.pattern:
            return shape
        left, right = (groups(side) for side in self.pattern.split("->"))
        left = [group for group in left if group != ["1"]] if len(left) != len(shape) else left
        if len(left) != len(shape):
            raise ValueError(f"'{self.pattern}' does not fit a shape of {len(shape)} axes")
        lengths = dict(self.sizes)
        for group, size in zip(left, shape, strict=True):
            unknown = [name for name in group if name not in lengths and name != "1"]
            known = math.prod(lengths[name] for name in group if name in lengths)
            if len(unknown) > 1 or size % max(known, 1) or (unknown and not known):
                raise ValueError(f"'{self.pattern}' does not say how {size} is made up of {' '.join(group)}")
            for name in unknown:
                lengths[name] = size // known
        return tuple(math.prod(1 if name == "1" else lengths[name] for name in group) for group in right)

    def back(self) -> Layout:
        """The layout from Keras's axes to PyTorch's; its blocks stay those of each framework.

        >>> Layout("n c h w -> n h w c").back().pattern
        'n h w c -> n c h w'
        """
        left, arrow, right = self.pattern.partition("->")
        return replace(self, pattern=f"{right.strip()} -> {left.strip()}") if arrow else self

    def joined(self) -> Layout:
        """The layout where Keras has all axes but the last as one: of a convolution that is a dense layer on flattened numbers.

        >>> Layout("out in h w -> h w in out").joined().pattern
        'out in h w -> (h w in) out'
        """
        left, _, right = self.pattern.partition("->")
        *first, last = right.split()
        return replace(self, pattern=f"{left.strip()} -> ({' '.join(first)}) {last}")

    def axes(self, framework: Framework) -> str:
        """The axes as a framework orders them: the left side of the pattern for PyTorch, the right one for Keras."""
        left, _, right = self.pattern.partition("->")
        return (left if framework is TORCH else right).strip()

    def first(self) -> int:
        """The index of the axis in Keras that holds PyTorch's first axis; 0 for one without a name, `() a -> a`."""
        left, right = (groups(side) for side in self.pattern.split("->"))
        name = left[0][0] if left and left[0] else ""
        return next((index for index, group in enumerate(right) if name in group), 0)


def layout_of(text: str) -> Layout:
    """A layout as a scenario writes it: a pattern, and after commas the lengths of axes that the pattern does not tell.

    >>> layout_of("(h d) in -> in h d, h=4").turned((8, 3))
    (3, 4, 2)
    """
    pattern, *lengths = (part.strip() for part in text.split(","))
    return Layout(pattern, {axis.strip(): int(size) for axis, _, size in (length.partition("=") for length in lengths)})


def groups(side: str) -> list[list[str]]:
    """The axes of one side of a pattern, each as the names that make it up.

    >>> groups("(gate out) in")
    [['gate', 'out'], ['in']]
    """
    return [[*re.findall(r"[^\s()]+", part)] for part in re.findall(r"\([^()]*\)|[^\s()]+", side)]
