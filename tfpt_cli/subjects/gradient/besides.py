"""What is found out beside a comparison of a gradient scenario: what resembles, what compares nothing, what could not be held."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from tfpt_cli.compare.distance import close
from tfpt_cli.compare.resemblance import Resemblance, resemblance, scaled_by
from tfpt_cli.compare.values import limits
from tfpt_cli.results import Comparison, Finding, Kind, Quantity, State, Value, Verdict, Way
from tfpt_cli.subjects.gradient.aspects import ALONG, DIRECTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.frameworks import Side
    from tfpt_cli.subjects.gradient.evidence import Witness

Computed = tuple[Way, Value]
_NAMES = re.compile(r"\W+")


def besides(witness: Witness, sides: dict[Side, Computed], comparison: Comparison) -> tuple[Finding, ...]:
    """Findings on one comparison that neither its verdict nor the reference needs."""
    quantity = comparison.quantity
    return (
        *_not_held(witness, quantity),
        *_resembling(witness, sides, comparison),
        *_nothing(witness, quantity, sides),
    )


def _nothing(witness: Witness, quantity: Quantity, sides: dict[Side, Computed]) -> Iterator[Finding]:
    """A word on a gradient that compares nothing: the sum of what a normalization gives does not depend on its input."""
    output = witness.outputs.get(quantity)
    if output is None or quantity.kind != "gradient":
        return
    slopes = [np.asarray(value.array) for _, value in sides.values() if value.state is State.PRESENT]
    shapes = {np.shape(ways[0][1].array) for side in witness.sides if (ways := witness.ways(output.quantity, side))}
    _, atol = limits(witness.tolerance, witness.spec.dtype)
    zero = len(slopes) == len(witness.sides) and all((np.abs(slope) <= atol).all() for slope in slopes)
    if zero and shapes != {()} and witness.spec.normalizes(output):  # which takes its time: last
        (by,) = quantity.by
        words = (
            f"both are 0 but for rounding: the sum of a normalized {output.value} does not depend on {by}, so nothing is "
            f"compared here. Weigh it: derivatives: [vjp], cotangent: 'normal(0, 1, {next(iter(shapes))})'"
        )
        yield Finding(Kind.NOTHING, words)


def _resembling(witness: Witness, sides: dict[Side, Computed], comparison: Comparison) -> Iterator[Finding]:
    """What would turn one side's numbers into the other's, where they do not agree."""
    if comparison.verdict is not Verdict.DIFFERS or witness.spec.drawn:
        return
    for first, second in (witness.sides, witness.sides[::-1]):
        found = _resemblance_of(witness, comparison.quantity, sides[first][1], sides[second][1])
        found = found or _scaled_as_its_gradient(witness, comparison.quantity, sides, first, second)
        if found is not None:
            code = found.code(first.framework, _NAMES.sub("_", comparison.quantity))
            words = f"{second.label}'s is {first.label}'s {found.words}: {code}"
            yield Finding(Kind.RESEMBLANCE, words)
            return


def _resemblance_of(witness: Witness, quantity: Quantity, first: Value, second: Value) -> Resemblance | None:
    values = (first, second)
    if any(value.state is not State.PRESENT or value.array.dtype.kind not in "fc" for value in values):
        return None
    rtol, atol = limits(witness.tolerance, first.dtype, second.dtype)
    left, right = (np.asarray(value.array) for value in values)
    return resemblance(left, right, rtol, atol, shifts=not quantity.derivative)


def _scaled_as_its_gradient(
    witness: Witness, quantity: Quantity, sides: dict[Side, Computed], first: Side, second: Side
) -> Resemblance | None:
    """A factor between two single numbers, which shows nothing by itself, where all their derivatives have it too."""
    one, other = sides[first][1], sides[second][1]
    if quantity.derivative or any(v.state is not State.PRESENT or v.array.size != 1 for v in (one, other)):
        return None
    of_it = [q for q in witness.outputs if q.derivative and q.output == quantity.output]
    pairs = [(witness.ways(q, first), witness.ways(q, second)) for q in of_it]
    found = [_resemblance_of(witness, q, a[0][1], b[0][1]) for q, (a, b) in zip(of_it, pairs, strict=True) if a and b]
    factors = {each.factor if each is not None else 0 for each in found}
    if len(factors) != 1 or 0 in factors:
        return None
    (factor,) = factors
    rtol, atol = limits(witness.tolerance, one.dtype, other.dtype)
    same = close(np.ravel(one.array) * factor, np.ravel(other.array), rtol, atol).all()
    return scaled_by(factor) if same else None


def _not_held(witness: Witness, quantity: Quantity) -> Iterator[Finding]:
    """Why a derivative could not be held against differences of what a side computes itself, where that was tried."""
    for side, owned in witness.own.items():
        values = [
            value
            for (of, how), value in owned.items()
            if of == quantity and getattr(how, "what", "") not in (ALONG, DIRECTION)
        ]
        if any(value.state is State.PRESENT for value in values):
            continue
        failures = [value.failure for value in values if value.failure is not None]
        for failure in failures[:1]:
            words = f"{side.label}'s own function cannot be differentiated by differences in float64: {failure.message}"
            yield Finding(Kind.UNKNOWN, words, side)
