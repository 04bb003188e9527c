"""What the reference has of the quantities of a gradient scenario, and what a side's own function has where it has nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.arbiter import Evidence, judge
from tfpt_cli.compare.distance import within
from tfpt_cli.compare.values import limits
from tfpt_cli.frameworks import REFERENCE
from tfpt_cli.results import Outcome, Quantity, State, Value, Way
from tfpt_cli.subjects.gradient.aspects import (
    AT_NAN,
    CONDITION,
    EXACT,
    ITSELF,
    KNOWN,
    LEFT,
    OWN,
    RIGHT,
    UNDECIDED,
    UNDECIDED_SLOPES,
    Aspect,
)
from tfpt_cli.subjects.gradient.own_function import excused
from tfpt_cli.subjects.gradient.writer import quantities_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.results import Tolerance
    from tfpt_cli.subjects.gradient.spec import Gradient, Output

Computed = tuple[Way, Value]
_NOT_FINITE = re.compile(r"\b(inf|nan)\b")


class Witness:
    """What the sides and the reference left in all rounds of one scenario: ways and values, and evidence on its quantities.

    `own` is, by side, what it left of the differences of what it computes itself; `outputs` are the outputs by their quantities,
    `finite` says whether all inputs are finite, `at_nan` whether an operation was asked for its answer at NaN.
    """

    def __init__(
        self,
        spec: Gradient,
        sides: Sides,
        outcomes: Mapping[Side, Outcome],
        again: Mapping[Side, Outcome],
        tolerance: Tolerance | None,
    ) -> None:
        self.spec, self.sides, self.outcomes, self.tolerance = spec, sides, outcomes, tolerance
        self.outputs = {quantity: output for output in spec.outputs for quantity in quantities_of(output, spec)}
        self.finite = not any(_NOT_FINITE.search(values.source) for values in spec.inputs.values())
        self._found: dict[tuple[Quantity, str, bool, bool], Evidence | None] = {}
        arbiter = outcomes.get(REFERENCE)
        self._arrays: dict[tuple[Quantity, Way], Value] = dict(arbiter.values) if arbiter else {}
        if REFERENCE in again:
            later = {key: value for key, value in again[REFERENCE].values.items() if value.state is State.PRESENT}
            self._arrays |= later
        self.own = {side: _own(again[side]) for side in sides if side in again}
        for owned in self.own.values():
            self._arrays |= owned
        aspects = [(quantity, way) for quantity, way in self._arrays if isinstance(way, Aspect)]
        # Of what can be asked for most is not there: of which quantities there is anything, whether anything was asked at NaN.
        self._there = {(quantity, way.whose, way.double, way.of == OWN) for quantity, way in aspects}
        self.at_nan = any(way.what == AT_NAN for _, way in aspects)

    def ways(self, quantity: Quantity, side: Side) -> list[Computed]:
        """Every way in which a side computed a quantity, each with its value, without those that were skipped."""
        values = self.outcomes[side].values
        return [(how, v) for (q, how), v in values.items() if q == quantity and v.state is not State.SKIPPED]

    def evidences(self, quantity: Quantity) -> dict[str, Evidence]:
        """The evidence on a quantity by whose function it is, under an empty key for the one that both mean.

        Where the reference has none, or leaves every number open, it is that of what a side itself computes.
        """
        found = {whose: known for whose in ("", *self.sides) if (known := self.evidence(quantity, whose)) is not None}
        own = {side: known for side in self.sides if (known := self.evidence(quantity, side, own=True)) is not None}
        if "" in found:
            is_open = _open(found[""]) and len(own) == len(self.sides)
            return {str(side): known for side, known in own.items()} if is_open else {"": found[""]}
        wanting = {side for side in own if side not in found or _open(found[side])}
        return {
            side: own[side] if side in wanting else found[side] for side in self.sides if side in {*found, *wanting}
        }

    def evidence(self, quantity: Quantity, whose: str, *, double: bool = False, own: bool = False) -> Evidence | None:
        """The evidence of the reference on a quantity, of one side's function or of the one that both mean.

        `double` asks for it at the scenario's own numbers, not at those that the checked dtype holds; `own` for that of what the
        side itself computes.
        """
        key = quantity, whose, double, own
        if key not in self._found:  # the same for every way of a quantity
            self._found[key] = self._evidence(*key) if key in self._there else None
        return self._found[key]

    def _evidence(self, quantity: Quantity, whose: str, double: bool, own: bool) -> Evidence | None:
        def found(what: str = ITSELF, side: str = "", *, error: bool = False) -> NDArray[Any] | None:
            of = OWN if own else ""
            return self.present(quantity, Aspect(what=what, side=side, error=error, whose=whose, double=double, of=of))

        exact, value = found(EXACT), found()
        if value is None and exact is None:
            return None
        sided: dict[str, NDArray[Any] | None] = {}
        for side in (LEFT, RIGHT):
            coarse = self.sided(found(side=side), found(side=side, error=True))
            fine = found(EXACT, side)
            if fine is not None and coarse is not None:
                fine = np.asarray(np.where(np.isnan(fine), coarse, fine))
            sided[side] = coarse if fine is None else fine
        if own and (left := sided[LEFT]) is not None and (right := sided[RIGHT]) is not None:
            # On a jump one side may have a slope too: without its rows nobody knows a jump from an edge of the domain.
            lone = np.isnan(left) | np.isnan(right)
            sided = {LEFT: np.where(lone, np.nan, left), RIGHT: np.where(lone, np.nan, right)}
        derivative = quantity.derivative
        error = found(error=True)
        condition = found(CONDITION)
        if not derivative and condition is not None and value is not None:
            # What rounding can do to a value of NumPy's, by how much larger a change of the inputs comes out.
            with np.errstate(all="ignore"):
                error = np.nan_to_num(1e-15 * condition * np.abs(value), nan=0.0, posinf=0.0)
        return Evidence(
            value=value if value is not None else np.asarray(exact),
            error=error,
            exact=exact,
            left=sided[LEFT],
            right=sided[RIGHT],
            derivative=derivative,
            known=found(KNOWN),
            undecided=None
            if own
            else self.undecided(quantity, whose, np.shape(np.asarray(exact if value is None else value))),
            own=own,
            only_exact=value is None,
        )

    def undecided(self, quantity: Quantity, whose: str, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """The entries (an array of booleans) by which nobody is called right or wrong; None where there are none.

        Independent sources disagree about an operation that they depend on.
        """
        output = self.outputs.get(quantity)
        mask = self.present(quantity, Aspect(what=UNDECIDED, whose=whose))
        if mask is None and output is not None and quantity.derivative:
            # Any of its numbers may be of an entry that nobody decides.
            of_value = self.present(output.quantity, Aspect(what=UNDECIDED_SLOPES, whose=whose))
            mask = None if of_value is None else np.full(shape, of_value.any())
        if mask is None or not mask.any():
            return None
        return mask != 0 if mask.shape == shape else np.full(shape, True)

    def without_guesses(self, evidence: Evidence, value: Value) -> Evidence:
        """The evidence without the places where NumPy has no number of finite inputs and the side has one.

        There a step on the way may have left the range of float64; without 50 digits nobody knows.
        """
        array = np.asarray(value.array)
        if evidence.derivative or not self.finite or array.shape != evidence.best.shape:
            return evidence
        guessed = ~np.isfinite(evidence.best) & np.isfinite(array) & ~evidence.sure
        if evidence.undecided is not None:
            guessed |= evidence.undecided
        return replace(evidence, undecided=guessed) if guessed.any() else evidence

    def without_blame(self, evidence: Evidence, value: Value, side: Side, output: Output | None) -> Evidence:
        """The evidence without the places where a side is off what it computes itself, where that is no mistake of its own."""
        if not evidence.own or output is None or not excused(output, self.spec, side.framework):
            return evidence
        off = judge(value, evidence, self.tolerance).off
        return replace(evidence, undecided=off) if off.any() else evidence

    def sided(self, value: NDArray[Any] | None, error: NDArray[Any] | None) -> NDArray[Any] | None:
        """A one-sided derivative in float64, NaN where it is not sure enough for the dtype to show a kink by it."""
        if value is None or error is None:
            return None
        rtol, atol = limits(None, self.spec.dtype)
        with np.errstate(all="ignore"):
            known = np.where(np.abs(value) <= error, 0.0, value)  # what is less than its error is nothing
            return np.where(within(error, 0.1 * rtol, 0.1 * atol, value), known, np.nan)

    def present(self, quantity: Quantity, aspect: Aspect) -> NDArray[Any] | None:
        """An array that the reference has of a quantity, None where it has none."""
        value = self._arrays.get((quantity, aspect))
        return value.array if value is not None and value.state is State.PRESENT else None


def _own(outcome: Outcome) -> dict[tuple[Quantity, Way], Value]:
    """What a side left of the differences of its own function."""
    return {key: value for key, value in outcome.values.items() if isinstance(key[1], Aspect)}


def _open(evidence: Evidence) -> bool:
    """Whether independent sources disagree about every number of a quantity."""
    return evidence.undecided is not None and bool(evidence.undecided.all())
