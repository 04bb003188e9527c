"""The layers of a model that hold parameters, and which of them follow each other by the data that goes from one to the next."""

from __future__ import annotations

import ast
import itertools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.language.shapes import without_ones
from tfpt_cli.layers.known import is_recurrent, known_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfpt_cli.subjects.model.inventory import Inventory, Tensor


@dataclass(frozen=True)
class Unit:
    """A layer that holds parameters, or several that one of the other side stands for: its paths, its call, its tensors.

    `members` are those that stand beside each other, and that the other side has packed in one.
    """

    paths: tuple[str, ...]
    call: ast.Call | None
    tensors: tuple[Tensor, ...]
    order: int
    members: tuple[Unit, ...] = ()

    @property
    def name(self) -> str:
        """The paths as a person reads them."""
        return ", ".join(path or "the model itself" for path in self.paths)

    @property
    def size(self) -> int:
        """How many numbers its matrices hold; of what has none, its vectors. A bias of `(1, 48)` is no matrix."""
        if self.members:
            return sum(member.size for member in self.members)
        wide = [math.prod(t.shape) for t in self.tensors if len(without_ones(t.shape)) > 1 and t.real]
        return sum(wide) if wide else max((math.prod(t.shape) for t in self.tensors if t.real), default=0)


def units_of(inventory: Inventory, used: set[str]) -> Iterator[Unit]:
    """The layers that hold parameters, in the order in which they are first called, those that are not called after them."""
    held: dict[str, list[Tensor]] = {}
    for tensor in inventory.tensors:
        if tensor.name not in used:
            held.setdefault(inventory.leaf_of(tensor.layer), []).append(tensor)
    first: dict[str, int] = {}
    for event in inventory.events:
        if event.layer is not None:
            first.setdefault(event.layer, event.index)
    last = len(inventory.events)
    for place, (path, tensors) in enumerate(held.items()):
        layer = inventory.by_name.get(path)
        own = layer is None or layer.tree is None
        # Of one's own class a buffer is a mask or a constant; a known layer's statistics are paired by its row.
        kept = [t for t in tensors if t.real and not (own and t.buffer)]
        if kept:
            yield Unit((path,), layer.tree if layer else None, tuple(kept), first.get(path, last + place))


def stacked(torch: Sequence[Unit], keras: Sequence[Unit]) -> list[Unit]:
    """Keras's units, where as many recurrent layers as one of PyTorch stacks (`num_layers`) are one unit."""
    rest = sorted(keras, key=lambda unit: unit.order)
    found: list[Unit] = []
    for unit in sorted(torch, key=lambda unit: unit.order):
        depth = _depth(unit)
        if depth < 2:
            continue
        recurrent = (u for u in rest if u.call is not None and is_recurrent(u.call))
        layers = list(itertools.islice(recurrent, depth))
        if len(layers) < depth:
            continue
        rest = [other for other in rest if other not in layers]
        calls = [layer.call for layer in layers if layer.call is not None]
        whole = ast.Call(ast.parse("keras.Sequential", mode="eval").body, [ast.List(list(calls), ast.Load())], [])
        paths = tuple(path for layer in layers for path in layer.paths)
        found.append(Unit(paths, whole, tuple(t for layer in layers for t in layer.tensors), layers[0].order))
    return sorted([*rest, *found], key=lambda unit: unit.order)


def separable(torch: Sequence[Unit], keras: Sequence[Unit]) -> list[Unit]:
    """PyTorch's units, where two convolutions that one separable convolution of Keras stands for are one unit."""
    wanted = [unit.call for unit in keras if unit.call is not None and "SeparableConv" in ast.unparse(unit.call)]
    rest = sorted(torch, key=lambda unit: unit.order)
    for first, second in itertools.pairwise(rest):
        if wanted and first.call is not None and second.call is not None and _is_depthwise(first.call, second.call):
            without = [k for k in first.call.keywords if k.arg != "bias"]
            bare = ast.Call(first.call.func, first.call.args, [*without, ast.keyword("bias", ast.Constant(False))])
            whole = ast.Call(ast.parse("nn.Sequential", mode="eval").body, [bare, second.call], [])
            if known_row(whole, wanted[0])[0] is None:
                continue
            wanted.pop(0)
            rest[rest.index(first)] = Unit(
                first.paths + second.paths, whole, first.tensors + second.tensors, first.order
            )
            rest.remove(second)
    return rest


def _is_depthwise(first: ast.Call, second: ast.Call) -> bool:
    """Whether a convolution within each channel is followed by one across them, point by point."""
    one, other = ({k.arg: ast.unparse(k.value) for k in call.keywords} for call in (first, second))
    within = one.get("groups", "1") == one.get("in_channels") != "1"
    return (
        within
        and other.get("in_channels") == one.get("out_channels")
        and set(other.get("kernel_size", "2")) <= set("(1, )")
    )


def _depth(unit: Unit) -> int:
    """How many layers a recurrent unit of PyTorch stacks; 1 for any other."""
    if unit.call is None:
        return 1
    depth = next((k.value for k in unit.call.keywords if k.arg == "num_layers"), None)
    return depth.value if isinstance(depth, ast.Constant) and isinstance(depth.value, int) else 1


# What a layer was given that is no input of the model: `t3` in PyTorch, `k3` in Keras, and what is no tensor.
UNNAMED = re.compile(r"[tk]\d+|\W.*|")


class Flow:
    """Which units of a model follow each other, by the data that goes from one to the other, whatever is computed between."""

    def __init__(self, inventory: Inventory, units: Sequence[Unit]) -> None:
        self.units = units
        place = {path: index for index, unit in enumerate(units) for path in unit.paths}
        self.given: list[set[str]] = [set() for _ in units]
        self.before: list[set[int]] = [set() for _ in units]
        self.after: list[set[int]] = [set() for _ in units]
        reached: dict[int, frozenset[int]] = {}  # by event, the units whose results it gives on
        for event in inventory.events:
            sources = frozenset().union(*(reached.get(origin, frozenset()) for origin in event.origin))
            unit = place.get(event.layer) if event.layer is not None else None
            if unit is None:
                reached[event.index] = sources
                continue
            reached[event.index] = frozenset({unit})
            self.given[unit] |= {name for name in event.said if not UNNAMED.fullmatch(name)}
            for source in sources - {unit}:
                self.before[unit].add(source)
                self.after[source].add(unit)
        self.ends = {
            unit for output in inventory.outputs for origin in output.origin for unit in reached.get(origin, ())
        }
        self._marks: dict[tuple[int, int], object] = {}

    def inputs(self, unit: int) -> frozenset[str]:
        """The inputs of the model that a unit computes with, as they are or by way of other units."""
        seen, rest = {unit}, [unit]
        while rest:
            new = self.before[rest.pop()] - seen
            seen |= new
            rest += new
        return frozenset().union(*(self.given[each] for each in seen))

    def mark(self, unit: int, depth: int) -> object:
        """What tells a unit by its size and what is around it, up to so many steps away; equal for units that look alike."""
        if depth == 0:
            return self.units[unit].size
        key = unit, depth
        if key not in self._marks:
            around = [
                tuple(sorted(hash(self.mark(other, depth - 1)) for other in others))
                for others in (self.before[unit], self.after[unit])
            ]
            self._marks[key] = hash((self.mark(unit, depth - 1), *around, unit in self.ends, not self.before[unit]))
        return self._marks[key]


def plain(name: str) -> str:
    """A path or a name in small letters alone: `layer1.0.conv` and `layer1_0_conv` are one, `LeakyReLU` and `leaky_relu`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
