"""Layers of two models side by side: how far each is apart by itself, and how far everything until there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfpt_cli.frameworks import Side
    from tfpt_cli.results.comparisons import Verdict

# In double precision two models, and two layers, are the same function up to here, relative to the greatest number of an array:
# sums that are added in another order stay far below, an epsilon of 1e-12 in place of 1e-5 shows as 5e-6.
SAME = 1e-9


@dataclass(frozen=True)
class LayerLine:
    """A layer that both models have, in the order in which PyTorch calls it.

    `names` are their paths, `codes` what it is in each framework and `shapes` those of what it gives, by side. `by_itself` is how
    far both are apart where they are given the same input, relative to the greatest of what they give; `so_far` how far they are
    in the models. None says that it was not measured, and `note` may say why. `gradient_by_itself` and `gradient_so_far` are that
    of the gradient by what it is given, and by what it gives. `in_float32` is how far both are apart in single precision, and
    `rounding` how far each is there from what it gives itself in double. `begins` marks the layer at which the models begin to
    part.
    """

    names: dict[Side, str]
    codes: dict[Side, str]
    shapes: dict[Side, tuple[int, ...]]
    verdict: Verdict
    by_itself: float | None = None
    so_far: float | None = None
    gradient_by_itself: float | None = None
    gradient_so_far: float | None = None
    in_float32: float | None = None
    rounding: dict[Side, float] = field(default_factory=dict)
    layout: str = ""
    begins: bool = False
    note: str = ""


@dataclass(frozen=True)
class PairLine:
    """Parameters that correspond: their paths by side, how their axes map, and why they were paired.

    The path of a part of a tensor, a third of a packed weight say, has its number behind it. `interleaved` says that the parts do
    not lie one behind the other, and `reordered` that blocks of an axis, as the gates of a cell, stand in another order on each
    side, which the layout does not say.
    """

    names: dict[Side, str]
    why: str
    layout: str = ""
    interleaved: bool = False
    reordered: bool = False
