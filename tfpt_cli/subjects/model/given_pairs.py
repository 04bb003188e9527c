"""The pairs that a scenario names under `pair:`, of whole parameters and of parts of them, and what is wrong with them."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.language.shapes import show
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.layers.layout import Layout
from tfpt_cli.subjects.model.leftover import own_layout
from tfpt_cli.subjects.model.paired_parameters import PairedParameters, TensorPart, cuts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.subjects.model.inventory import Inventory, Tensor

# Why such parameters are paired.
SAID = "as the scenario says"
_PART = re.compile(r"(.+)\[([0-9]{1,9})\]")
# So many parts that are missing are named.
_FEW = 3


@dataclass(frozen=True)
class Given:
    """The `pairs` that a scenario names, the `problems` with them, and the tensors of each side that they use up."""

    pairs: Sequence[PairedParameters]
    problems: Sequence[str]
    used: Mapping[str, set[str]]


def given_pairs(
    torch: Inventory,
    keras: Inventory,
    given: Mapping[str, str | None],
    by_row: Callable[[Tensor, Tensor], Iterable[PairedParameters]],
) -> Given:
    """The pairs that a scenario names, by PyTorch's name.

    `qkv.weight[0]` is the first part of a tensor, which is as large as what it is paired with. `by_row` gives the pairs of the
    layers of two tensors, where a row knows both as one.
    """
    ours, theirs = _Named(torch, "PyTorch"), _Named(keras, "Keras", last=True)
    named: list[tuple[list[str], str]] = []
    problems: list[str] = []
    for mine, other in given.items():
        names = [name.strip() for name in mine.split("+")]
        there = [ours.known(name) for name in names] + [theirs.known(each) for each in (other,) if each is not None]
        if not all(there):
            continue
        shape = theirs.shape(other) if other is not None else None
        if odd := next((n for n in names if not _as_many(own := ours.shape(n), shape)), None):
            problems.append(f"pair: '{odd}' is {show(own or ())}, '{other}' {show(shape or ())}: not as many numbers")
            continue
        for name in names:
            ours.partner(name, shape)
        if other is not None:
            theirs.partner(other, ours.shape(names[0]))
            named.append((names, other))
    problems = [*ours.problems, *theirs.problems, *problems, *ours.in_part(), *theirs.in_part()]
    used: dict[str, set[str]] = {TORCH: set(ours.names), TENSORFLOW: set(theirs.names)}
    pairs = [] if problems else [_paired(ours, theirs, names, other, by_row) for names, other in named]
    return Given(pairs, problems, used)


def _as_many(one: Shape | None, other: Shape | None) -> bool:
    """Whether two shapes have as many numbers; that of a part is not known."""
    return one is None or other is None or math.prod(one) == math.prod(other)


def _paired(
    ours: _Named, theirs: _Named, names: Sequence[str], other: str, by_row: Callable[..., Iterable[PairedParameters]]
) -> PairedParameters:
    parts, part = tuple(map(ours.part, names)), theirs.part(other)
    mine, held = ours.tensor(names[0]), theirs.tensor(other)
    known = next((p for p in by_row(mine, held) if (p.torch[:1], p.keras) == (parts[:1], part)), None)
    if known is not None:
        return replace(known, torch=parts, why=SAID, sure=True)
    layout = own_layout(parts[0].within(ours.inventory), part.within(theirs.inventory)) or Layout()
    pair = PairedParameters.of_tensors([mine], held, layout, SAID)
    return replace(pair, torch=parts, keras=part)


@dataclass
class _Named:
    """The tensors of one side that are named, and parts of them; of several axes parts are looked for from the `last` on."""

    inventory: Inventory
    label: str
    last: bool = False
    problems: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # by tensor, the first name by which it was paired
    parts: dict[str, dict[int, Shape | None]] = field(
        default_factory=dict
    )  # by tensor and place, the shape of what is paired

    def split(self, name: str) -> tuple[str, int | None]:
        """The path in a name, and the place of the part; None for the whole tensor."""
        found = None if name in self.inventory.tensor else _PART.fullmatch(name)
        return (found[1], int(found[2])) if found else (name, None)

    def tensor(self, name: str) -> Tensor:
        return self.inventory.tensor[self.split(name)[0]]

    def shape(self, name: str) -> Shape | None:
        """The shape of a tensor; None for a part, which is as large as what it is paired with."""
        return self.tensor(name).shape if self.split(name)[1] is None else None

    def known(self, name: str) -> bool:
        """Whether the model has a tensor of that name, which was not named otherwise before."""
        path, place = self.split(name)
        if path not in self.inventory.tensor:
            known = [tensor.name for tensor in self.inventory.tensors]
            hint = did_you_mean(path, known) or f" (it has {some(known)})" * bool(known)
            self.problems.append(f"pair names '{name}', which {self.label}'s model does not have{hint}")
            return False
        first = self.names.setdefault(self.inventory.tensor[path].name, name)
        other, before = self.split(first)
        if other != path or (before is None) != (place is None):
            self.problems.append(f"pair names '{first}' and '{name}', which are one parameter of {self.label}'s model")
            return False
        return True

    def partner(self, name: str, shape: Shape | None) -> None:
        """Notes the shape of what a part is paired with; None where that is a part itself, or nothing."""
        _, place = self.split(name)
        if place is not None:
            self.parts.setdefault(self.tensor(name).name, {})[place] = shape

    def in_part(self) -> Iterator[str]:
        """What is wrong with parts: one is not named, or they are not as many numbers as the tensor."""
        for name, parts in self.parts.items():
            missing = (f"'{name}[{place}]'" for place in range(max(*parts, 1) + 1) if place not in parts)
            if few := list(itertools.islice(missing, _FEW + 1)):
                yield f"pair names a part of '{name}' and not {some(few, _FEW)} (null where it corresponds to nothing)"
            elif not self.cuts(name):
                shapes = ", ".join(show(shape) if shape is not None else "?" for _, shape in sorted(parts.items()))
                whole = show(self.inventory.tensor[name].shape)
                yield f"pair: '{name}' is {whole}, its parts are {shapes}: not as many numbers along any axis"

    def cuts(self, name: str) -> list[list[TensorPart]]:
        """The ways in which a tensor may be made of its parts."""
        tensor, shapes = self.inventory.tensor[name], [shape for _, shape in sorted(self.parts[name].items())]
        return [
            [TensorPart(name, place, sizes, axis) for place in range(len(shapes))]
            for sizes, axis in cuts(tensor.shape, shapes, last=self.last)
        ]

    def part(self, name: str) -> TensorPart:
        """The part that a name says: along that axis, of several, along which the others have the lengths of what is paired."""
        tensor, (_, place) = self.tensor(name), self.split(name)
        if place is None:
            return TensorPart(tensor.name)
        shapes = [shape for _, shape in sorted(self.parts[tensor.name].items())]

        def fits(parts: Sequence[TensorPart]) -> bool:
            both = zip(parts, shapes, strict=True)
            return all(shape is None or sorted(part.shape(tensor.shape)) == sorted(shape) for part, shape in both)

        options = self.cuts(tensor.name)
        return next(filter(fits, options), options[0])[place]


def some(names: Iterable[str], most: int = 8) -> str:
    """The first of some names, with a sign that there are more."""
    names = list(names)
    return f"{', '.join(names[:most])}{', ...' * (len(names) > most)}"
