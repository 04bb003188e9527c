"""What single precision adds: how far each side's own rounding takes it, in the outputs and layer by layer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tfpt_cli.compare.distance import relative_distance
from tfpt_cli.frameworks import TORCH
from tfpt_cli.results import Comparison, Diagnosis, Finding, Kind, Verdict
from tfpt_cli.subjects.model.axis_orders import nearest
from tfpt_cli.subjects.model.comparer import array_of, with_ones_of
from tfpt_cli.subjects.model.inventory import reaching
from tfpt_cli.subjects.model.spec import layer_quantity
from tfpt_cli.subjects.model.writer import DOUBLE, MADE, MADE_IN_SINGLE, SINGLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.results import Outcome, Way
    from tfpt_cli.subjects.model.comparer import Both
    from tfpt_cli.subjects.model.inventory import Event
    from tfpt_cli.subjects.model.side_by_side import Layers, Measured

# Single precision may be so many times as far apart as both sides' own rounding together.
_ROUNDING = 10.0
# What rounding to single precision alone moves a number by, relative to it.
_ONCE = 2.0**-24
# A layer is ill-conditioned that makes this many times as much of the rounding it is given, and as much as this of its result.
_MAGNIFIED, _FELT = 100.0, 1e-5


def with_rounding(double: Comparison, pairs: Mapping[Way, Both | None], sides: Sides) -> tuple[Comparison, str]:
    """The comparison with what single precision adds to it, and what that is in words.

    Both sides may be apart there by their own rounding; where they are by far more, the comparison differs.
    """
    narrow = pairs.get(SINGLE)
    both, own = narrow.arrays() if narrow is not None else None, own_rounding(pairs, sides)
    if both is None or not own or not double.verdict.agrees:
        return double, ""
    off = relative_distance(*both)
    if not off:
        return double, ""
    words = ", ".join(f"{side.label}'s own rounding is {size:.1g}" for side, size in own.items())
    told = f"in float32 {off:.1g} apart; {words}"
    if off <= max(_ROUNDING * sum(own.values()), 1e-6):
        return double, f"{told}: rounding"
    finding = Finding(Kind.ROUNDING, f"{told}; in float64 both agree")
    return replace(
        double, verdict=Verdict.DIFFERS, reason=told, diagnosis=(Diagnosis.ROUNDING,), findings=(finding,)
    ), told


def own_rounding(pairs: Mapping[Way, Both | None], sides: Sides) -> dict[Side, float]:
    """How far single precision takes each side from what it gives in double precision; empty where one was not computed."""
    narrow, wide = (pair.arrays() if pair is not None else None for pair in (pairs.get(SINGLE), pairs.get(DOUBLE)))
    if narrow is None or wide is None or narrow[0].dtype.kind != "f":
        return {}
    return {side: relative_distance(single, exact) for side, single, exact in zip(sides, narrow, wide, strict=True)}


def rounded(
    layers: Layers, lines: Sequence[Measured], wide: Mapping[Side, Outcome], narrow: Mapping[Side, Outcome]
) -> list[Measured]:
    """The lines with each side's own rounding in single precision, and how far both sides are apart there.

    `wide` and `narrow` are what the layers gave in double and in single precision.
    """
    found = []
    for place, each in enumerate(lines):
        quantity = layer_quantity(str(place))
        exact = {side: array_of(outcome, quantity, MADE) for side, outcome in wide.items()}
        single = {side: array_of(outcome, quantity, MADE_IN_SINGLE) for side, outcome in narrow.items()}
        own = {}
        for side in wide:
            one, other = exact[side], single[side]
            if one is not None and other is not None and one.shape == other.shape:
                own[side] = relative_distance(other, one)
        ours, theirs = single.values()
        off = None
        if ours is not None and theirs is not None:
            taken = with_ones_of(each.aligned.taken(ours), theirs.shape)
            off = nearest(taken, theirs, layers.orders(each.aligned, taken.shape, theirs.shape))[1]
        whole = len(own) == len(wide) and off is not None
        found.append(replace(each, line=replace(each.line, in_float32=off, rounding=own)) if whole else each)
    return found


def ill_conditioned(lines: Sequence[Measured], events: Sequence[Event], sides: Sides) -> Iterator[str]:
    """What to say of each layer that magnifies rounding on both sides: it is the function that does so, and no framework.

    `events` are those of PyTorch, which tell what reaches a layer.
    """
    own = {index: each.line.rounding for each in lines for index in each.aligned.torch.events}
    for each in lines:
        if not each.line.rounding:
            continue
        given = [own[index] for index in reaching(events, events[each.aligned.torch.first].origin, own)]
        before = {side: max([_ONCE, *(known[side] for known in given if known)]) for side in sides}
        names = " / ".join(dict.fromkeys(name for name in each.line.names.values() if name))
        yield from magnified(names or each.aligned.calls[TORCH], each.line.rounding, before)


def magnified(name: str, own: Mapping[Side, float], before: Mapping[Side, float] | None = None) -> Iterator[str]:
    """What to say of what magnifies rounding on both sides; nothing where it does not.

    `own` is each side's own rounding, `before` that of what it is given: unless said, what comes of rounding numbers once.
    """
    before = before or dict.fromkeys(own, _ONCE)
    times = [size / before[side] for side, size in own.items()]
    if own and min(times) >= _MAGNIFIED and min(own.values()) >= _FELT:
        parts = " and ".join(f"{size:.0e} of {before[side]:.0e} in {side.label}" for side, size in own.items())
        yield f"{name} is ill-conditioned here: it magnifies what rounding it is given in float32, {parts}"
