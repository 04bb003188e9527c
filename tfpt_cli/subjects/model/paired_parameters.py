"""Parameters that correspond, or parts of them: what one model has in one tensor, the other may have in several."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.dictionary.records import SIGNED
from tfpt_cli.subjects.model.leftover import drawn_by_name, is_state_by_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.layers.layout import Layout
    from tfpt_cli.subjects.model.inventory import Inventory, Tensor


@dataclass(frozen=True)
class TensorPart:
    """A tensor of a side by its path, or the part `index` of it.

    The parts lie one behind the other along `axis`, of which `sizes` has the length of each. They may be interleaved, as
    query, key and value are head by head in some attentions: then each is in so many `pieces`, the first of each behind
    each other, then the second. Without sizes a part is what stands at `index` of the first axis, which it does not have
    itself, as one of the two rows of the bias of Keras's `GRU`.
    """

    tensor: str
    index: int | None = None
    sizes: tuple[int, ...] = ()
    axis: int = 0
    pieces: int = 1

    @property
    def text(self) -> str:
        """The part as a person reads it: `in_proj_weight[0]` for the first one, `in_proj_weight` for the whole tensor."""
        return self.tensor if self.index is None else f"{self.tensor}[{self.index}]"

    @property
    def span(self) -> slice:
        """Where the part begins and ends along its axis; of pieces the first of them."""
        assert self.index is not None
        start = sum(self.sizes[: self.index]) // self.pieces
        return slice(start, start + self.sizes[self.index] // self.pieces)

    def apart(self, whole: Shape) -> Shape:
        """The shape of a tensor with an axis before `axis` for the pieces, where there are some."""
        if self.pieces == 1:
            return tuple(whole)
        return (*whole[: self.axis], self.pieces, sum(self.sizes) // self.pieces, *whole[self.axis + 1 :])

    def of(self, array: NDArray[Any]) -> NDArray[Any]:
        """The part of the tensor's array."""
        return np.reshape(self._view(array), self.shape(array.shape))

    def put(self, array: NDArray[Any], numbers: NDArray[Any] | float) -> None:
        """Puts numbers, as many as the part has, into the part of the tensor's array."""
        target = self._view(array)
        target[...] = np.reshape(numbers, target.shape) if np.ndim(numbers) else numbers

    def _view(self, array: NDArray[Any]) -> NDArray[Any]:
        if self.index is None:
            return array
        if not self.sizes:
            return array[self.index : self.index + 1]
        return array.reshape(self.apart(array.shape))[(slice(None),) * (self.axis + (self.pieces > 1)) + (self.span,)]

    def shape(self, whole: Shape) -> Shape:
        """The shape of the part of a tensor of a shape.

        >>> TensorPart("qkv.weight", 1, (4, 2, 2)).shape((8, 5)), TensorPart("bias", 1).shape((2, 12))
        ((2, 5), (12,))
        """
        if self.index is None:
            return tuple(whole)
        if not self.sizes:
            return tuple(whole[1:])
        return (*whole[: self.axis], self.sizes[self.index], *whole[self.axis + 1 :])

    def within(self, inventory: Inventory) -> Tensor:
        """The tensor of a model, with the shape that the part has of it."""
        tensor = inventory.tensor[self.tensor]
        return replace(tensor, shape=self.shape(tensor.shape))

    def source(self, whole: str, shape: Shape, module: str = "np") -> str:
        """Code that takes the part of what some code gives, which has a shape, by functions of NumPy or of another module.

        >>> TensorPart("in_proj_weight", 2, (4, 4, 4)).source("w", (12, 4))
        'w[8:12]'
        >>> TensorPart("qkv.kernel", 1, (4, 4, 4), 1, pieces=2).source("w", (5, 12))
        'np.reshape(np.reshape(w, (5, 2, 6))[:, :, 2:4], (5, 4))'
        """
        if self.index is None:
            return whole
        if not self.sizes:
            return f"{whole}[{self.index}]"
        place = f"[{':, ' * (self.axis + (self.pieces > 1))}{self.span.start}:{self.span.stop}]"
        if self.pieces == 1:
            return f"{whole}{place}"
        return f"{module}.reshape({module}.reshape({whole}, {self.apart(shape)}){place}, {self.shape(shape)})"


@dataclass(frozen=True)
class PairedParameters:
    """Parameters that correspond: the sum of some in PyTorch (one, usually) against one in Keras, and how their axes map.

    `drawn` is how numbers for it are drawn (one of `DRAWN`), and `state` says that it is a statistic which its layer keeps; `why`
    is why they were paired, and `sure` that more than an order or a size told so, of what their layers hold. Where the scenario
    says the layout, `own` is the one that it would have otherwise.
    """

    torch: tuple[TensorPart, ...]
    keras: TensorPart
    layout: Layout
    why: str
    drawn: str = SIGNED
    state: bool = False
    own: Layout | None = None
    sure: bool = True

    @classmethod
    def of_tensors(
        cls, torch: Sequence[Tensor], keras: Tensor, layout: Layout, why: str, *, sure: bool = True
    ) -> PairedParameters:
        """The pair of tensors of which no row says what they are: PyTorch's name has to tell."""
        own, parts = torch[0].own, tuple(TensorPart(tensor.name) for tensor in torch)
        drawn, state = drawn_by_name(own), is_state_by_name(own)
        return cls(parts, TensorPart(keras.name), layout, why, drawn=drawn, state=state, sure=sure)

    @property
    def name(self) -> str:
        """The name in PyTorch, that of a sum as `bias_ih_l0 + bias_hh_l0`."""
        return " + ".join(part.text for part in self.torch)

    @property
    def in_part(self) -> bool:
        """Whether a part of a tensor is one of them."""
        return any(part.index is not None for part in (*self.torch, self.keras))

    @property
    def interleaved(self) -> bool:
        """Whether a part of a tensor is one of them that does not lie in one piece."""
        return any(part.pieces > 1 for part in (*self.torch, self.keras))

    @property
    def said_otherwise(self) -> bool:
        """Whether the scenario says another layout than that of the known layer."""
        return self.own is not None and letters(self.own) != letters(self.layout)

    @property
    def layer(self) -> str:
        """The path of PyTorch's layer that holds it."""
        return self.torch[0].tensor.rpartition(".")[0]


def letters(layout: Layout) -> str:
    """The pattern of a layout with letters for the names of its axes, so that `out in -> in out` is `a b -> b a`."""
    known: dict[str, str] = {}
    return re.sub(r"\w+", lambda word: known.setdefault(word[0], chr(ord("a") + len(known))), layout.pattern)


def cuts(whole: Shape, parts: Sequence[Shape | None], *, last: bool = False) -> list[tuple[tuple[int, ...], int]]:
    """How a tensor may be made of parts of some shapes, whatever the order of their axes: the sizes of the parts, and their axis.

    Without sizes they stand in a first axis of their own. Of parts whose shape is not known all are as large. The first axis
    comes first, or the `last`.

    >>> cuts((48, 16), [(16, 4, 4)] * 3), cuts((5, 18), [(5, 6), None, (6, 5)])
    ([((16, 16, 16), 0)], [((6, 6, 6), 1)])
    >>> cuts((3, 8, 4), [(4, 8)] * 3)
    [((), 0), ((1, 1, 1), 0)]
    """
    total, known = math.prod(whole), [math.prod(shape) for shape in parts if shape is not None]
    left, unknown = total - sum(known), len(parts) - len(known)
    if len(parts) < 2 or total == 0 or left < 0 or (left % unknown if unknown else left):
        return []
    numbers = [left // unknown if shape is None else math.prod(shape) for shape in parts]
    found: list[tuple[tuple[int, ...], int]] = []
    if whole[0] == len(parts) and len({*numbers}) == 1 and all(s is None or len(s) < len(whole) for s in parts):
        found.append(((), 0))
    axes = range(len(whole))
    for axis in reversed(axes) if last else axes:
        each = total // whole[axis]
        if all(number % each == 0 for number in numbers):
            found.append((tuple(number // each for number in numbers), axis))
    return found
