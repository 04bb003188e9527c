"""Layers and parameters of one model that the other has packed in one: query, key and value beside one `qkv`, gates, experts."""

from __future__ import annotations

import ast
import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from tfpt_cli.layers.known import row_of_layers
from tfpt_cli.layers.settings import parted_settings
from tfpt_cli.subjects.model.leftover import drawn_by_name, own_layout
from tfpt_cli.subjects.model.paired_parameters import PairedParameters, TensorPart, cuts
from tfpt_cli.subjects.model.units import UNNAMED, Unit, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.layers.layout import Layout
    from tfpt_cli.subjects.model.inventory import Event, Inventory, Tensor
    from tfpt_cli.subjects.model.matching import Match

# What says how much a layer gives, and what may be another in each of those that are packed: the gates of one cell have several
# activations.
_GIVES = ("out_features", "out_channels", "units", "filters")
_OWN = {*_GIVES, "bias", "use_bias", "activation", "name", "dtype"}
# Of more layers beside each other than this only all together are looked at.
_MANY = 12


def packed(
    own: Sequence[Unit],
    others: Sequence[Unit],
    inventory: Inventory,
    one_layer: Callable[[Unit, Unit], bool],
    never: Collection[tuple[str, ...]] = (),
) -> list[Unit]:
    """The units of a model, where layers beside each other that the other model has in one are one unit with `members`.

    Those are given the same, and are alike but for how much they give. `one_layer` says whether a unit may be one of the other
    model's, of which there must be more of that size than here. What has the paths in `never` is not made one.
    """
    wanted = Counter(unit.size for unit in others) - Counter(unit.size for unit in own)
    rest = list(own)
    for group in _beside_each_other(own, inventory) if wanted else ():
        for members in _runs(group):
            whole = together(members)
            options = [
                unit for unit in others if wanted[unit.size] and unit.size == whole.size and one_layer(whole, unit)
            ]
            if whole.paths not in never and any(_is_made_of(unit, members, group) for unit in options):
                wanted[whole.size] -= 1
                rest = [whole, *(unit for unit in rest if unit not in members)]
                break
    return sorted(rest, key=lambda unit: unit.order)


def gives(unit: Unit) -> int:
    """How many features or channels a layer gives; 0 where its call does not say."""
    arguments = _arguments(unit.call) if unit.call is not None else {}
    said = [arguments[name] for name in _GIVES if name in arguments]
    value = said[0].value if said and isinstance(said[0], ast.Constant) else 0
    return value if isinstance(value, int) else 0


def _beside_each_other(units: Sequence[Unit], inventory: Inventory) -> list[list[Unit]]:
    """Units that are given the same and are alike but for how much they give, in groups of two or more."""
    given = _given(inventory)
    found: dict[object, list[Unit]] = {}
    for unit in units:
        (path, *more) = unit.paths
        if not more and path in given and (kind := _kind(unit, inventory)) is not None:
            found.setdefault((given[path], kind), []).append(unit)
    return [group for group in found.values() if len(group) > 1]


def _kind(unit: Unit, inventory: Inventory) -> object:
    """What is the same of layers that may be packed in one; None for one that cannot be."""
    if unit.call is None:  # of a person's own class: as many numbers in each
        layer = inventory.by_name.get(unit.paths[0])
        return layer and (layer.class_name, tuple((tensor.own, tensor.shape) for tensor in unit.tensors))
    arguments = {name: ast.unparse(value) for name, value in _arguments(unit.call).items() if not _is_own(name)}
    if not gives(unit) or arguments.get("groups", "1") != "1":
        return None
    return ast.unparse(unit.call.func), tuple(sorted(arguments.items()))


def _arguments(call: ast.Call) -> dict[str, ast.expr]:
    """The arguments of a layer's call, all of which are said by name, but for what no call says."""
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}


def _is_own(name: str) -> bool:
    return name in _OWN or name.endswith(("_initializer", "_regularizer", "_constraint"))


def _given(inventory: Inventory) -> dict[str, object]:
    """What the calls of each layer are given, by its path: the same for the same numbers, be they computed twice."""
    made: dict[int, object] = {}
    found: dict[str, list[object]] = {}
    for event in inventory.events:
        computed = _computed(event, made)
        if event.layer is None:
            made[event.index] = hash((event.function, event.text, event.outputs, computed))
        else:
            made[event.index] = event.index
            found.setdefault(event.layer, []).append(computed)
    return {path: tuple(each) for path, each in found.items()}


def _computed(event: Event, made: dict[int, object]) -> object:
    """What the inputs of an event are computed of, where `made` has what each event before it gave."""
    inputs = tuple(name for name in event.said if not UNNAMED.fullmatch(name))
    origin = tuple(made[index] for index in event.origin if index in made)
    return origin, inputs, event.inputs, event.uses, tuple(text for _, text in event.calls)


def _runs(group: Sequence[Unit]) -> Iterator[list[Unit]]:
    """All of a group, then fewer of those that follow each other."""
    count = len(group)
    for length in range(count, 1, -1) if count <= _MANY else (count,):
        yield from (list(group[start : start + length]) for start in range(count - length + 1))


def together(members: Sequence[Unit]) -> Unit:
    """The layer that some are together."""
    call = max(members, key=lambda unit: len(unit.tensors)).call
    if call is not None:
        total = ast.Constant(sum(map(gives, members)))
        said = [ast.keyword(k.arg, total) if k.arg in _GIVES else k for k in call.keywords if k.arg != "activation"]
        call = ast.Call(call.func, call.args, said)
    paths = tuple(path for unit in members for path in unit.paths)
    tensors = tuple(tensor for unit in members for tensor in unit.tensors)
    return Unit(paths, call, tensors, members[0].order, tuple(members))


def _is_made_of(whole: Unit, members: Sequence[Unit], group: Sequence[Unit]) -> bool:
    """Whether a layer may be made of some of a group that are given the same: all of it, or those that its name says.

    A `kv` stands for `k` and `v`, of three that give as much each.
    """
    if gives(whole) and gives(members[0]) and gives(whole) != sum(map(gives, members)):
        return False
    as_much = [run for run in _runs(group) if len(run) == len(members) and sum(unit.size for unit in run) == whole.size]
    letters = "".join(plain(unit.paths[0].rpartition(".")[2].rpartition("_")[2])[:1] for unit in members)
    return len(as_much) == 1 or plain(whole.paths[0]).endswith(letters)


def packs_alike(match: Match) -> bool:
    """Whether one side has in one layer what the other has in several, and nothing else: no activation, and the same biases."""
    members = match.torch.members or match.keras.members
    if not members or match.row is None or match.torch.call is None or match.keras.call is None:
        return False
    held = {tuple(tensor.own for tensor in member.tensors) for member in members}
    activated = any("activation" in _arguments(unit.call) for unit in members if unit.call is not None)
    return len(held) == 1 and not activated and not parted_settings(*row_of_layers(match.torch.call, match.keras.call))


def in_parts(ours: Sequence[Tensor], theirs: Sequence[Tensor], why: str) -> Iterator[PairedParameters]:
    """Parameters of which one side has in one what the other has in several, in the order of their models: no more than a guess.

    What has the shape of a part stands among them, such as the weights of what an attention gives beside those of what it is
    given, where the other side has one shape for all.
    """
    taken: set[str] = set()
    for wholes, others, packs in ((ours, theirs, True), (theirs, ours, False)):
        for shape in dict.fromkeys(tensor.shape for tensor in wholes):
            for small in dict.fromkeys(tensor.shape for tensor in others):
                held = [tensor for tensor in wholes if tensor.name not in taken]
                parts = [tensor for tensor in others if tensor.name not in taken and tensor.shape == small]
                for pair in _of_shapes(held, shape, parts, why, packs=packs):
                    taken.update([pair.keras.tensor, *(part.tensor for part in pair.torch)])
                    yield pair


def _of_shapes(
    wholes: Sequence[Tensor], shape: Shape, others: Sequence[Tensor], why: str, *, packs: bool
) -> list[PairedParameters]:
    """The pairs of the parts of tensors of a shape with others of one shape; `packs` says that the wholes are PyTorch's."""
    if not others or all(tensor.shape != shape for tensor in wholes):
        return []
    numbers, count = math.prod(others[0].shape), len(others)

    def layout_of(tensor: Tensor, other: Tensor) -> Layout | None:
        return own_layout(tensor, other) if packs else own_layout(other, tensor)

    for sizes, axis in cuts(shape, [others[0].shape] * (math.prod(shape) // max(numbers, 1)), last=not packs):
        parts = [TensorPart("", index, sizes, axis) for index in range(len(sizes) or shape[0])]
        slots = [
            (tensor, replace(part, tensor=tensor.name))
            for tensor in wholes
            for part in (parts if tensor.shape == shape else (TensorPart(tensor.name),))
            if tensor.shape == shape or layout_of(tensor, others[0]) is not None
        ]
        alone = [slot for slot in slots if slot[1].index is not None]
        if len(alone) == 2 * count and packs and len(shape) == 1:
            added = [alone[:count], alone[count:]]  # the two biases of a recurrent layer of PyTorch's
        elif count in (len(alone), len(slots)):
            added = [alone if len(alone) == count else slots]
        else:
            continue
        found = []
        for other, (tensor, part), *more in zip(others, *added, strict=True):
            layout = layout_of(replace(tensor, shape=part.shape(tensor.shape)), other)
            if layout is None:
                break
            whole = TensorPart(other.name)
            torch, keras = ((part, *(each for _, each in more)), whole) if packs else ((whole,), part)
            drawn = drawn_by_name((tensor if packs else other).own)
            found.append(PairedParameters(torch, keras, layout, why, drawn=drawn, sure=False))
        if len(found) == count:
            return found
    return []
