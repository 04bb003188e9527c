"""Which parameters of two models correspond: by the rows of known layers, by how data flows, by order, by name and shape.

Layers that hold parameters are *units*. Those of both sides are matched first (`matching.py`), then the parameters within them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.layers.known import at_each_step
from tfpt_cli.layers.layout import Layout
from tfpt_cli.subjects.model.given_pairs import SAID, given_pairs, some
from tfpt_cli.subjects.model.leftover import (
    buffers_by_name,
    by_name_or_shape,
    in_order,
    named_alike,
    own_alike,
    own_layout,
    same_name,
)
from tfpt_cli.subjects.model.matching import match_of, matched, may_be_one, row_of
from tfpt_cli.subjects.model.neighbours import by_neighbours
from tfpt_cli.subjects.model.packing import gives, in_parts, packed, together
from tfpt_cli.subjects.model.paired_parameters import PairedParameters, TensorPart
from tfpt_cli.subjects.model.units import separable, stacked, units_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from tfpt_cli.frameworks import Framework
    from tfpt_cli.subjects.model.inventory import Inventory, Tensor
    from tfpt_cli.subjects.model.matching import Match
    from tfpt_cli.subjects.model.units import Unit


@dataclass(frozen=True)
class Pairing:
    """The parameters of two models that correspond, the units that do, and what is left over on each side.

    `buffers` are those of PyTorch that are variables in Keras, which no side trains: they have numbers of their own. `guessed`
    are pairs of what is left over, in the order of both models, where there is as much of a size on both sides.
    """

    pairs: tuple[PairedParameters, ...]
    matches: tuple[Match, ...]
    left: Mapping[Framework, tuple[Tensor, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    buffers: tuple[PairedParameters, ...] = ()
    guessed: tuple[PairedParameters, ...] = ()

    def with_buffers(self, names: Container[str]) -> Pairing:
        """The pairing with those buffers among its pairs that have one of some names in PyTorch."""
        return replace(self, pairs=(*self.pairs, *(pair for pair in self.buffers if pair.name in names)))

    def with_guessed(self) -> Pairing:
        """The pairing with what is guessed among its pairs, and no longer left over."""
        ours, theirs = ({pair.torch[0].tensor for pair in self.guessed}, {pair.keras.tensor for pair in self.guessed})
        taken = {TORCH: ours, TENSORFLOW: theirs}
        left = {f: tuple(tensor for tensor in each if tensor.name not in taken[f]) for f, each in self.left.items()}
        return replace(self, pairs=(*self.pairs, *self.guessed), left=left, guessed=())

    @property
    def unclear(self) -> bool:
        """Whether something is left over on both sides that may correspond.

        What a row says that one of two layers holds alone, as a bias, corresponds to nothing; beside anything else it may.
        """
        alone = alone_in(self.matches)
        names = {framework: {tensor.name for tensor in tensors} for framework, tensors in self.left.items()}
        return len(names) > 1 and all(names.values()) and any(names[f] - alone[f] for f in names)


def pairing_of(
    torch: Inventory, keras: Inventory, given: Mapping[str, str | None], layouts: Mapping[str, Layout]
) -> Pairing:
    """The parameters that correspond; `given` are the pairs that a scenario names, `layouts` its layouts, by PyTorch's name."""
    by_row = partial(_by_row, held=(_holders(torch), _holders(keras)))
    said = given_pairs(torch, keras, given, by_row)
    pairs, problems, used = [*said.pairs], [*said.problems], said.used
    units = {TORCH: list(units_of(torch, used[TORCH])), TENSORFLOW: list(units_of(keras, used[TENSORFLOW]))}
    units[TENSORFLOW] = stacked(units[TORCH], units[TENSORFLOW])
    units[TORCH] = separable(units[TORCH], units[TENSORFLOW])
    found = _matched(units, torch, keras)
    matches = told_by_neighbours(found, units, (torch, keras))
    for match in matches:
        pairs += _pairs_within(match)
    matches += _said(said.pairs, torch, keras, by_row)
    alone = alone_in(matches)

    def left_over() -> Iterator[PairedParameters]:
        ours, theirs = _left(torch, keras, pairs, used).values()
        for one, other, why in by_name_or_shape(ours, theirs):
            if one.name not in alone[TORCH] or other.name not in alone[TENSORFLOW]:
                layout, sure = own_layout(one, other) or Layout(), named_alike(one, other)
                yield PairedParameters.of_tensors([one], other, layout, why, sure=sure)

    pairs += list(left_over())
    ours, theirs = _left(torch, keras, pairs, used).values()
    for mine, others in by_neighbours(torch, keras, _known(matches), (ours, theirs)) if ours and theirs else ():
        pairs += _by_name_and_shape(mine, others, _AROUND)
    pairs += list(left_over())  # of what was told now, one may be the only one of its shape
    ours, theirs = _left(torch, keras, pairs, used).values()
    if packs := list(in_parts(ours, theirs, _ORDER)):
        pairs += packs
        pairs += list(left_over())
    pairs = [_laid_out(pair, layouts) for pair in pairs]
    left = _left(torch, keras, pairs, used)
    guessed = [
        _laid_out(
            PairedParameters.of_tensors([one], other, own_layout(one, other) or Layout(), _ORDER, sure=False), layouts
        )
        for one, other in in_order(*left.values())
    ]
    every = [*pairs, *guessed]
    names = {part.tensor for pair in every for part in pair.torch} | {pair.name for pair in every}
    problems += [
        f"layout names '{name}', which is no input, no output and no parameter of PyTorch's that is paired"
        f"{did_you_mean(name, [*names, 'output']) or f' (these are: {some(names)})' * bool(names)}"
        for name in layouts
        if name not in names
    ]
    buffers = tuple(_buffers(torch, keras, pairs, used))
    return Pairing(tuple(pairs), tuple(matches), left, tuple(problems), buffers, tuple(guessed))


def _said(
    pairs: Sequence[PairedParameters], torch: Inventory, keras: Inventory, by_row: Callable[..., list[PairedParameters]]
) -> list[Match]:
    """The units that the scenario pairs: one with one, or with those that are packed in it; of more it is not known how."""
    held = _holders(torch), _holders(keras)
    groups: list[tuple[list[Unit], list[Unit], bool]] = []
    for pair in pairs:
        mine, other = torch.tensor[pair.torch[0].tensor], keras.tensor[pair.keras.tensor]
        ours = [held[0][name] for part in pair.torch if (name := torch.tensor[part.tensor].name) in held[0]]
        theirs = [held[1][other.name]] if other.name in held[1] else []
        in_parts = pair.in_part and all(
            (each.torch, each.keras) != (pair.torch, pair.keras) for each in by_row(mine, other)
        )
        for group in [each for each in groups if any(u in each[0] for u in ours) or any(u in each[1] for u in theirs)]:
            groups.remove(group)
            ours, theirs, in_parts = [*group[0], *ours], [*group[1], *theirs], in_parts or group[2]
        groups.append((_once(ours), _once(theirs), in_parts))
    found = []
    for ours, theirs, in_parts in groups:
        if in_parts and ours and theirs and 1 in (len(ours), len(theirs)):
            one = together(ours) if len(ours) >= len(theirs) else ours[0]
            found.append(match_of(one, together(theirs) if len(theirs) > len(ours) else theirs[0], SAID))
        elif len(ours) == len(theirs) == 1:
            found.append(match_of(ours[0], theirs[0], SAID))
    return found


def _once(units: Iterable[Unit]) -> list[Unit]:
    """Each of some units once, in the order in which they are called."""
    return sorted({unit.paths: unit for unit in units}.values(), key=lambda unit: unit.order)


_AROUND = "by the layers around it"


def _matched(units: dict[Framework, list[Unit]], torch: Inventory, keras: Inventory) -> list[Match]:
    """The units that correspond, where those that one side has packed in one are one, of which `units` then has the whole."""
    never: set[tuple[str, ...]] = set()
    while True:
        ours = packed(units[TORCH], units[TENSORFLOW], torch, may_be_one, never)
        theirs = packed(units[TENSORFLOW], ours, keras, lambda one, other: may_be_one(other, one), never)
        matches = matched(ours, theirs, torch, keras)
        told = {unit.paths for match in matches if _packs(match) for unit in (match.torch, match.keras)}
        odd = {unit.paths for unit in (*ours, *theirs) if unit.members} - told
        if not odd:
            units[TORCH], units[TENSORFLOW] = ours, theirs
            return matches
        never |= odd


def _packs(match: Match) -> bool:
    """Whether one side has in one layer what the other has in several, all of which is paired."""
    if bool(match.torch.members) == bool(match.keras.members):
        return False
    return match.row is not None or len(_within_packed(match)) == max(
        len(match.torch.tensors), len(match.keras.tensors)
    )


def _known(matches: Iterable[Match]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The paths on both sides of the units that a row knows."""
    return [(match.torch.paths, match.keras.paths) for match in matches if match.row is not None]


def told_by_neighbours(
    matches: Sequence[Match], units: Mapping[Framework, Sequence[Unit]], inventories: tuple[Inventory, Inventory]
) -> list[Match]:
    """The matches, where units of a person's own that only their size or order told are told by the layers around them.

    So are units that are sure of each other and hold parameters which only their order tells, such as the two gains of a block.
    What those layers tell to be something else is no match; it may be a part of a unit, such as one of the gains of a block.
    """
    doubted = [
        match for match in matches if match.row is None and not _packs(match) and (not match.sure or _by_order(match))
    ]
    kept = [match for match in matches if match not in doubted]
    taken = {TORCH: {match.torch.paths for match in kept}, TENSORFLOW: {match.keras.paths for match in kept}}
    free = [[unit for unit in units[f] if unit.paths not in taken[f]] for f in (TORCH, TENSORFLOW)]
    ours_free, theirs_free = ([tensor for unit in group for tensor in unit.tensors] for group in free)
    told: tuple[set[str], set[str]] = set(), set()
    for ours, theirs in by_neighbours(*inventories, _known(kept), (ours_free, theirs_free)) if doubted else ():
        for names, tensors in zip(told, (ours, theirs), strict=True):
            names.update(tensor.name for tensor in tensors)
        one, other = (
            next((unit for unit in group if set(unit.tensors) == set(held)), None)
            for group, held in zip(free, (ours, theirs), strict=True)
        )
        if one is not None and other is not None:
            kept.append(match_of(one, other, _AROUND))
    for match in doubted:
        units_of_both = zip(told, (match.torch, match.keras), strict=True)
        if not any(tensor.name in names for names, unit in units_of_both for tensor in unit.tensors):
            kept.append(match)
    return sorted(kept, key=lambda match: match.torch.order)


_ORDER = "order among equal shapes"


def _by_order(match: Match) -> bool:
    """Whether some parameters of two units that no row knows are told by nothing but their order."""
    return not all(pair.sure for pair in _pairs_within(match))


def _buffers(
    torch: Inventory, keras: Inventory, pairs: Sequence[PairedParameters], used: Mapping[str, set[str]]
) -> Iterator[PairedParameters]:
    """The buffers of PyTorch that are variables in Keras, of those that are in no pair yet."""
    taken = {part.tensor for pair in pairs for part in pair.torch}, {pair.keras.tensor for pair in pairs}
    ours, theirs = (
        [t for t in inventory.tensors if t.real and t.buffer and t.name not in names | used[framework]]
        for framework, inventory, names in ((TORCH, torch, taken[0]), (TENSORFLOW, keras, taken[1]))
    )
    for one, other in buffers_by_name(ours, theirs):
        yield PairedParameters.of_tensors([one], other, Layout(), "a buffer and a variable of one name and shape")


def _left(
    torch: Inventory, keras: Inventory, pairs: Sequence[PairedParameters], used: Mapping[str, set[str]]
) -> dict[Framework, tuple[Tensor, ...]]:
    """The parameters of each side that are in no pair, and that the scenario does not name."""
    taken = {part.tensor for pair in pairs for part in pair.torch}, {pair.keras.tensor for pair in pairs}
    return {
        framework: tuple(
            t for t in inventory.tensors if t.name not in (names | used[framework]) and t.real and not t.buffer
        )
        for framework, inventory, names in ((TORCH, torch, taken[0]), (TENSORFLOW, keras, taken[1]))
    }


def same_names(ours: Inventory, theirs: Inventory) -> Pairing:
    """The pairs of two versions of one framework: the tensors of one name."""
    pairs = [
        PairedParameters.of_tensors([t], t, Layout(), "by name")
        for t in ours.tensors
        if t.real and t.name in theirs.tensor
    ]
    return Pairing(tuple(pairs), ())


def _laid_out(pair: PairedParameters, layouts: Mapping[str, Layout]) -> PairedParameters:
    layout = layouts.get(pair.name) or next(
        (layouts[part.tensor] for part in pair.torch if part.tensor in layouts), None
    )
    if layout is None:
        return pair
    return replace(pair, layout=layout, own=pair.layout)


def _holders(inventory: Inventory) -> dict[str, Unit]:
    """The layers that hold parameters, by the names of these."""
    return {tensor.name: unit for unit in units_of(inventory, set()) for tensor in unit.tensors}


def _by_row(mine: Tensor, other: Tensor, held: tuple[Mapping[str, Unit], Mapping[str, Unit]]) -> list[PairedParameters]:
    """The pairs of the layers that hold two tensors, where a row knows these as one; none where none does."""
    one, another = held[0].get(mine.name), held[1].get(other.name)
    if one is None or another is None or not row_of(one, another):
        return []
    return _pairs_within(match_of(one, another, ""))


# `layer.in_proj_weight.detach().chunk(3)[1]`, `layer.cell.bias[0]`, `layer.layers[1].kernel`
_CHUNK = re.compile(r"\.detach\(\)\.chunk\((\d+)\)\[(\d+)\]$")
_PLACE = re.compile(r"\[(\d+)\]")


def _part(expression: str, unit: Unit, *, torch: bool) -> TensorPart:
    """The tensor that an expression of a row stands for in a unit."""
    index, count = None, 0
    if found := _CHUNK.search(expression):
        count, index = int(found[1]), int(found[2])
        expression = expression[: found.start()]
    elif not torch and (found := re.search(r"\[(\d+)\]$", expression)):
        index, expression = int(found[1]), expression[: found.start()]
    path = expression.removeprefix("layer")
    holder, (first, *_) = 0, unit.paths
    if match := re.match(r"(?:\.layers)?\[(\d+)\]", path):
        holder, path = int(match[1]), path[match.end() :]
        first = unit.paths[holder] if holder < len(unit.paths) else first
    own = _PLACE.sub(r".\1", path).strip(".")
    if not torch and unit.call is not None and at_each_step(unit.call) is not unit.call:
        own = f"layer.{own}"
    name = f"{first}.{own}" if first else own
    length = next((tensor.shape[0] for tensor in unit.tensors if count and tensor.name == name), 0)
    return TensorPart(name, index, (length // count,) * count if count else ())


def _pairs_within(match: Match) -> list[PairedParameters]:
    """The parameters of two units that correspond."""
    if match.row is None:
        return list(_by_name_and_shape(match.torch.tensors, match.keras.tensors, match.why))
    if _packs(match):
        return _within_packed(match)
    known = {t.name for t in match.torch.tensors}, {t.name for t in match.keras.tensors}
    pairs = []
    for slot in match.slots:
        ours, theirs = slot.attribute[TORCH], slot.attribute[TENSORFLOW]
        if ours is None or theirs is None:
            continue
        parts = tuple(_part(text.strip(), match.torch, torch=True) for text in ours.split(" + "))
        other = _part(theirs, match.keras, torch=False)
        parts = tuple(part for part in parts if part.tensor in known[0])
        if parts and other.tensor in known[1]:
            tensor = next(t for t in match.keras.tensors if t.name == other.tensor)
            layout = slot.layout.joined() if _is_flat(slot.layout, tensor) else slot.layout
            entry = slot.entry
            pairs.append(PairedParameters(parts, other, layout, match.why, drawn=entry.drawn, state=entry.state))
    return pairs


def _within_packed(match: Match) -> list[PairedParameters]:
    """The parts of the parameters of a layer beside those of the layers that the other side has for it, in their order."""
    why = f"{match.why}, in order"
    if match.row is None:
        return list(in_parts(match.torch.tensors, match.keras.tensors, why))
    pairs = []
    members, whole = (match.torch.members, match.keras) if match.torch.members else (match.keras.members, match.torch)
    of_torch = whole is match.torch
    sizes = tuple(map(gives, members))
    for slot in match.slots:
        attributes = slot.attribute[TORCH], slot.attribute[TENSORFLOW]
        own, other = attributes if of_torch else attributes[::-1]
        if own is None or other is None:
            continue
        held = _part(own, whole, torch=of_torch)
        shape = next((tensor.shape for tensor in whole.tensors if tensor.name == held.tensor), None)
        for place, member in enumerate(members if shape else ()):
            each = _part(other, member, torch=not of_torch)
            if shape and any(tensor.name == each.tensor for tensor in member.tensors):
                part = TensorPart(held.tensor, place, sizes, 0 if of_torch else len(shape) - 1)
                torch, keras = (part, each) if of_torch else (each, part)
                pairs.append(PairedParameters((torch,), keras, slot.layout, why, drawn=slot.entry.drawn, sure=False))
    return pairs


def alone_in(matches: Iterable[Match]) -> dict[Framework, set[str]]:
    """What a layer of a side holds and the layer beside it does not, by the row that knows both: a bias, or a gain."""
    found: dict[Framework, set[str]] = {TORCH: set(), TENSORFLOW: set()}
    for match in matches:
        for framework, other, unit in ((TORCH, TENSORFLOW, match.torch), (TENSORFLOW, TORCH, match.keras)):
            alone = [slot.attribute[framework] for slot in match.slots if slot.attribute[other] is None]
            texts = [text.strip() for attribute in alone if attribute is not None for text in attribute.split(" + ")]
            found[framework] |= {
                _part(text, member, torch=framework is TORCH).tensor
                for text in texts
                for member in unit.members or (unit,)
            }
    return found


def _is_flat(layout: Layout, tensor: Tensor) -> bool:
    """Whether Keras has the weights of a convolution as those of a dense layer, with two axes in all."""
    axes = layout.pattern.partition("->")[2].split()
    return len(axes) > len(tensor.shape) == 2 and "(" not in layout.pattern


def _by_name_and_shape(ours: Iterable[Tensor], theirs: Iterable[Tensor], why: str) -> Iterator[PairedParameters]:
    """Tensors of layers that no row knows: of one name or of a word that no other has, else in order among equal shapes."""
    rest, left = list(theirs), list(ours)
    for by in (same_name, own_alike, _same_shape):
        alike = Counter(tensor.sizes for tensor in left)
        for tensor in list(left):
            options = [other for other in rest if by(tensor, other) and own_layout(tensor, other) is not None]
            if not options or (by is not _same_shape and len(options) > 1):
                continue
            other = options[0]
            if by is own_alike and sum(own_alike(each, other) for each in left) > 1:
                continue
            left.remove(tensor)
            rest.remove(other)
            layout = own_layout(tensor, other)
            assert layout is not None
            by_order = by is _same_shape and alike[tensor.sizes] > 1
            told = "name" if by is not _same_shape else _ORDER if by_order else "shape"
            yield PairedParameters.of_tensors([tensor], other, layout, f"{why}, by {told}", sure=not by_order)


def _same_shape(one: Tensor, other: Tensor) -> bool:
    return one.sizes == other.sizes
