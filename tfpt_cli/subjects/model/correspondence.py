"""Which parameters of two models correspond, and the numbers that both are given to start with."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.language.mentions import few, field
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.listing import listing
from tfpt_cli.results import INVENTORY, PLAIN, Quantity
from tfpt_cli.subjects.model.checks import is_output
from tfpt_cli.subjects.model.comparer import array_of
from tfpt_cli.subjects.model.looking import Stopped
from tfpt_cli.subjects.model.pairing import Pairing, pairing_of, same_names
from tfpt_cli.subjects.model.spec import OUTPUT, WeightFile
from tfpt_cli.subjects.model.stored import stored
from tfpt_cli.subjects.model.weights import drawn, handed_back, handed_over
from tfpt_cli.subjects.model.writer import OWN_NAMES, OWN_NUMBERS, SEEDS
from tfpt_cli.subjects.subject import Round

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side
    from tfpt_cli.subjects.model.looking import Looked
    from tfpt_cli.subjects.model.spec import Model
    from tfpt_cli.subjects.model.weights import Weights
    from tfpt_cli.subjects.model.writer import ModelWriter


@dataclass(frozen=True)
class Started:
    """The numbers of both sides and the pairs that they are of, the side whose file they are of, if of one, and what to say."""

    weights: Weights
    pairing: Pairing
    source: Side | None = None
    notes: tuple[str, ...] = ()


def paired(spec: Model, sides: tuple[Side, Side], looked: Looked) -> Pairing:
    """The pairs of parameters, as far as the models tell them. Raises `Stopped` where the scenario's own do not fit."""
    ours, theirs = (looked.inventories[side] for side in sides)
    if sides[0].framework is sides[1].framework:
        pairing = same_names(ours, theirs)
    else:
        of_others = {n for n in spec.layouts if is_output(n) and n not in ours.tensor}.union(spec.inputs)
        own = {name: each for name, each in spec.layouts.items() if name not in of_others}
        pairing = pairing_of(ours, theirs, spec.pair, own)
    problems = [*pairing.problems, *_unknown_outputs(spec, sides, looked)]
    if problems:
        raise Stopped(looked.outcomes, *problems)
    return pairing


def start(
    spec: Model, sides: tuple[Side, Side], looked: Looked, pairing: Pairing, writers: Mapping[Side, ModelWriter]
) -> Any:
    """The rounds that find the numbers of both sides, `Started`: drawn, one side's own, or those of a file.

    Raises `Stopped` where they cannot be had.
    """
    (first, second), (ours, theirs) = sides, (looked.inventories[side] for side in sides)
    if spec.start == "drawn":
        own = yield from _random_buffers(pairing, writers[first], first)
        pairing = pairing.with_buffers(own)
        told = f"{few(list(own))}: PyTorch draws {'it' if len(own) == 1 else 'them'} itself, Keras is given the same numbers"
        return Started(drawn(pairing, ours, theirs, spec.seed, own), pairing, notes=(told,) if own else ())
    pairing = pairing.with_buffers([pair.name for pair in pairing.buffers])
    source, notes = None, ()
    if isinstance(spec.start, WeightFile):
        file = yield from stored(spec.start, looked, writers)
        source, notes = file.side, tuple(file.notes)
        side, numbers = file.side, file.numbers
    else:
        side = first if spec.start == TORCH else second
        numbers = _own(looked, side)
    if side is first:
        return Started(handed_over(pairing, theirs, numbers, {}), pairing, source, notes)
    weights = handed_over(pairing, theirs, handed_back(pairing, ours, numbers), numbers)
    return Started(weights, pairing, source, notes)


def _random_buffers(pairing: Pairing, writer: ModelWriter, side: Side) -> Any:
    """The numbers of those buffers that PyTorch draws at random and Keras has as variables, by name.

    A model that is made twice has the same masks and constants, and other random numbers. What is no random number is each
    side's own to compute.
    """
    if not pairing.buffers or side.framework != TORCH:
        return {}
    names = [pair.name for pair in pairing.buffers]
    outcomes = yield Round({side: listing(side.framework, writer.buffers(names))})
    found = {}
    for name in names:
        one, other = (array_of(outcomes[side], Quantity(kind=INVENTORY, output=name), seed) for seed in SEEDS)
        if one is not None and other is not None and not np.array_equal(one, other, equal_nan=True):
            found[name] = one
    return found


def what_to_write(pairing: Pairing, nearest: Pairing) -> str:
    """What to say where parameters are left over on both sides: which, and how a scenario names those that correspond.

    `nearest` is a pairing that may be right.
    """
    left, near = pairing.left, {pair.torch[0].tensor: pair.keras.tensor for pair in nearest.pairs}
    ours, theirs = ([f"{t.name} {t.shape}" for t in left[f]] for f in (TORCH, TENSORFLOW))
    rest, lines, alone = list(left[TENSORFLOW]), [], []
    names = [t.name for t in left[TORCH]]
    for one in left[TORCH]:
        others = [each for each in rest if math.prod(each.shape) == math.prod(one.shape)]
        if not others:
            alone.append(one)
            continue
        # A recurrent layer of PyTorch's has two biases, which it adds.
        second = one.name.replace("bias_ih", "bias_hh")
        summed = len(others) == 1 and second != one.name and second in names
        other = next((each for each in others if each.name == near.get(one.name)), others[0])
        rest.remove(other)
        lines.append(f"{one.name} + {second}: {other.name}" if summed else f"{one.name}: {other.name}")
    numbers = [sum(math.prod(tensor.shape) for tensor in tensors) for tensors in (alone, rest)]
    if alone and rest and numbers[0] == numbers[1]:
        held = [few([f"{tensor.name} {tensor.shape}" for tensor in tensors], 4) for tensors in (alone, rest)]
        packed = len(alone) <= len(rest)  # PyTorch's, which has fewer
        said = f"{alone[0].name}{'[0]' * packed}: {rest[0].name}{'[0]' * (not packed)}"
        return (
            f"what one side has in one parameter and the other in several cannot be told apart: {held[0]} in PyTorch, "
            f"{held[1]} in Keras; say which parts correspond, such as pair: {{{said}, ...}}"
        )
    lines = lines or [f"{one.name}: null" for one in left[TORCH]]
    return (
        f"these parameters cannot be told from each other: {few(ours)} in PyTorch, {few(theirs)} in Keras; say which "
        f"correspond, such as pair: {{{few(lines, 3)}}}"
    )


def _unknown_outputs(spec: Model, sides: Sequence[Side], looked: Looked) -> Iterator[str]:
    """What to say of outputs in `layout` that neither model gives."""
    inventories = looked.inventories.values()
    names = [f"{OUTPUT}.{output.name}" for inventory in inventories for output in inventory.outputs if output.name]
    known = list(dict.fromkeys([OUTPUT, *names]))
    parameters = looked.inventories[sides[0]].tensor
    for name in spec.layouts:
        if is_output(name) and name not in known and name not in parameters:
            hint = did_you_mean(name, known) or f" (there are {few(known, 12)})"
            yield f"layout names '{name}', which neither model gives{hint}"


def _own(looked: Looked, side: Side) -> dict[str, NDArray[Any]]:
    """The numbers that a side's own model starts with, by path."""
    outcome = looked.outcomes[side]
    names, numbers = (outcome.values[quantity, PLAIN].array for quantity in (OWN_NAMES, OWN_NUMBERS))
    found, begin = {}, 0
    for name, shape in json.loads(bytes(names))["arrays"]:
        size = int(np.prod(shape))
        found[name] = numbers[begin : begin + size].reshape(shape)
        begin += size
    if broken := [name for name, array in found.items() if not np.isfinite(array).all()]:
        words = f"the weights that {side.label} starts with are not all finite ({few(broken)})"
        raise Stopped(looked.outcomes, f"{words}; {field('weights', value='drawn')} gives both sides others")
    return found
