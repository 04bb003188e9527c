"""The subject `gradient`: the value of an expression and its derivatives, by every way that each framework has."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.canonical import canonical
from tfpt_cli.explain.causes import Provenance
from tfpt_cli.frameworks import FRAMEWORKS, REFERENCE
from tfpt_cli.language.dtypes import DTYPES
from tfpt_cli.listing import listing
from tfpt_cli.results import VALUE, Relation, State, Way, expected_of
from tfpt_cli.subjects.gradient import curves, recipes
from tfpt_cli.subjects.gradient.fields import NEEDED, SCHEMA, read
from tfpt_cli.subjects.gradient.own_function import OwnFunctionWriter, by_own_function, remarks
from tfpt_cli.subjects.gradient.reference import ReferenceWriter
from tfpt_cli.subjects.gradient.spec import EACH, NAME
from tfpt_cli.subjects.gradient.templates import EXAMPLE, TEMPLATES
from tfpt_cli.subjects.gradient.tensorflow import TensorFlowWriter
from tfpt_cli.subjects.gradient.torch import TorchWriter
from tfpt_cli.subjects.gradient.writer import quantities_of
from tfpt_cli.subjects.subject import Compared, Round, Subject, Task, headline_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.dictionary.differences import Fix
    from tfpt_cli.documents.reader import Reader
    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.results import Comparison, Outcome, Quantity
    from tfpt_cli.subjects.gradient.spec import Gradient, Output
    from tfpt_cli.subjects.gradient.writer import FrameworkWriter, Writer
    from tfpt_cli.subjects.subject import CurvePlan, Interval, Run, Terms

# How a listing is written in each framework.
WRITERS: dict[str, type[FrameworkWriter]] = {writer.framework: writer for writer in (TorchWriter, TensorFlowWriter)}


class GradientSubject(Subject):
    """The subject `gradient`: it reads the fields of a gradient scenario."""

    name = NAME
    schema = SCHEMA
    needed = NEEDED
    essential = frozenset({"of", "let", "at", *FRAMEWORKS})
    example = EXAMPLE
    templates = TEMPLATES
    comparer = "tfpt_cli.subjects.gradient.comparer"

    def read(self, reader: Reader, dtype: str, seed: int) -> GradientTask | None:
        spec = read(reader, dtype, seed)
        return None if spec is None else GradientTask(spec)


@dataclass(frozen=True)
class GradientTask(Task):
    """One gradient scenario: three rounds at most.

    Where no row reads the code, what a side computes is looked at quickly if nothing is off, and thoroughly if something is.
    """

    spec: Gradient

    def headline(self, sides: Sides) -> str:
        written = headline_of(self.spec.written, sides)
        return f"{written}{'   ' if '' in self.spec.written else chr(10)}at {self.spec.at}"

    def quantities(self) -> list[Quantity]:
        return list(
            dict.fromkeys(
                quantity
                for writer in WRITERS.values()
                for section in writer(self.spec).sections()
                for quantity in (leaf.quantity for leaf in section.leaves)
            )
        )

    def run(self, terms: Terms) -> Run:
        first, second = terms.sides
        spec = self.spec.of(first.framework) if first.framework is second.framework else self.spec
        writers: dict[Side, list[Writer]] = {side: [WRITERS[side.framework](spec)] for side in terms.sides}
        if terms.reference and any(output.reference for output in spec.outputs):
            writers[REFERENCE] = [ReferenceWriter(spec)]
        outcomes = settled(spec, (yield Round(_listings(writers))), terms.expect)

        from tfpt_cli.subjects.gradient.comparer import Comparer, doubtful  # not above: validating needs no NumPy

        def compared(found: Mapping[Side, Outcome]) -> tuple[Comparison, ...]:
            return tuple(Comparer(spec, terms.sides, outcomes, terms.tolerance, found).comparisons())

        comparisons = compared({})
        yield Round({}, comparisons)
        if not any(map(doubtful, comparisons)) and (quick := _own_functions(spec, terms, each=0)):
            comparisons = compared((yield Round(_listings(quick), comparisons)))
        if any(map(doubtful, comparisons)):
            again = _second_look(spec, terms, has_reference=REFERENCE in writers)
            if again:
                comparisons = compared((yield Round(_listings(again), comparisons)))
        return Compared(comparisons, outcomes)

    def covered(self, comparisons: Sequence[Comparison]) -> str:
        """The quantities, up to four by name, and at how many points, where every number is known to go its own way."""
        names = list(dict.fromkeys(c.quantity for c in comparisons))
        sizes = {values.size for values in self.spec.inputs.values()} - {1}
        if not sizes:
            where = "at one point"
        elif len(sizes) == 1 and self.spec.keeps_places:
            where = f"at {sizes.pop():,} points"
        else:
            where = "at the given inputs"
        return f"{_named(names)} {where}"

    def provenance(self, quantity: Quantity) -> Provenance:
        """The expressions that a quantity was made by; its kind is `value`, `derivative` or `second`."""
        spec = self.spec
        outputs = [output for output in spec.outputs if output.name == quantity.output]
        return Provenance(
            code={f: tuple(canonical(t, f) for o in outputs for t in spec.code(o, f)) for f in FRAMEWORKS},
            kind="second" if quantity.second else "derivative" if quantity.derivative else VALUE,
            shapes={name: values.shape for name, values in spec.inputs.items()},
            values=frozenset(output.value for output in outputs),
            numbers={name: found for name, values in spec.inputs.items() if (found := values.numbers)},
            by=_taken_by(outputs, quantity),
        )

    def notes(self, outcomes: Mapping[Side, Outcome]) -> tuple[str, ...]:
        """How to read the derivatives, what was skipped, and why there is no reference where it should be."""
        spec = self.spec
        discrete = _discrete(spec, outcomes) if spec.derivatives and spec.wrt else []
        words = [f"{output.value} is {' and '.join(dtypes)}, and has no derivative" for output, dtypes in discrete]
        skipped = dict.fromkeys(
            f"{how.mode if isinstance(how, Way) else how}: skipped, {value.reason}"
            for side, outcome in outcomes.items()
            if side is not REFERENCE
            for (_, how), value in outcome.values.items()
            if value.state is State.SKIPPED
        )
        failures = outcomes[REFERENCE].failures if REFERENCE in outcomes else ()
        lacking = [f"no reference: {failure.message}"[:300] for failure in failures[:1]]
        return (*spec.notes([output for output, _ in discrete]), *remarks(spec), *words, *skipped, *lacking)

    def with_fix(self, fields: dict[str, Any], fix: Fix) -> dict[str, Any] | None:
        return recipes.with_fix(self.spec, fields, fix)

    def weighed(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        """Random weights for an output that is normalized: the gradient of its sum is zero, whatever it is."""
        spec = self.spec
        shape = spec.shape(spec.outputs[0]) if len(spec.outputs) == 1 and "derivatives" not in fields else None
        if not shape or not spec.normalizes(spec.outputs[0]):
            return None
        return {**fields, "derivatives": ["vjp"], "cotangent": f"normal(0, 1, {shape})"}

    def curve(self, fields: Mapping[str, Any], interval: Interval | None = None) -> CurvePlan | None:
        return curves.at_once(self.spec, fields, interval)

    def curve_by_points(self, fields: Mapping[str, Any], interval: Interval | None = None) -> CurvePlan:
        return curves.by_points(self.spec, fields, interval)


def _listings(writers: Mapping[Side, list[Writer]]) -> dict[Side, Any]:
    return {
        side: listing(side.framework, [section for writer in each for section in writer.sections()])
        for side, each in writers.items()
    }


def _own_functions(spec: Gradient, terms: Terms, each: int) -> dict[Side, list[Writer]]:
    """The writers of the differences that a side's derivatives are held against where no row reads its code."""
    return {
        side: [OwnFunctionWriter(WRITERS[side.framework](spec), side, each)]
        for side in (terms.sides if terms.reference else ())
        if by_own_function(spec, side.framework, thorough=each > 0)
    }


def _second_look(spec: Gradient, terms: Terms, *, has_reference: bool) -> dict[Side, list[Writer]]:
    """The writers of the round that is run where something is off.

    Both sides are run in double precision, and the reference is taken from both sides of a kink.
    """
    double = spec.in_double()
    again: dict[Side, list[Writer]] = {}
    if double != spec:
        again = {side: [WRITERS[side.framework](double, doubled=True)] for side in terms.sides}
    for side, own in _own_functions(spec, terms, each=EACH).items():
        again[side] = [*again.get(side, ()), *own]
    if has_reference:
        again[REFERENCE] = [ReferenceWriter(spec, second=True)]
    return again


def settled(spec: Gradient, outcomes: Mapping[Side, Outcome], expect: Any) -> Mapping[Side, Outcome]:
    """The outcomes without the derivatives of results that have none on either side, where agreement is expected of them.

    Nothing differentiates truth values and whole numbers: PyTorch raises, and the tape answers None.
    """
    gone = {
        quantity
        for output, _ in _discrete(spec, outcomes)
        for quantity in quantities_of(output, spec)
        if quantity.derivative and expected_of(expect, quantity) is Relation.AGREE
    }
    return {side: _without(outcome, gone) for side, outcome in outcomes.items()} if gone else outcomes


def _discrete(spec: Gradient, outcomes: Mapping[Side, Outcome]) -> list[tuple[Output, list[str]]]:
    """The outputs whose value is truth values or whole numbers on both sides, each with its dtypes."""
    found = []
    of_sides = [outcome for side, outcome in outcomes.items() if side is not REFERENCE]
    for output in spec.outputs:
        values = [v for outcome in of_sides for (name, _), v in outcome.values.items() if name == output.quantity]
        dtypes = list(dict.fromkeys(value.dtype for value in values))
        if dtypes and all(dtype and dtype not in DTYPES for dtype in dtypes):
            found.append((output, dtypes))
    return found


def _without(outcome: Outcome, gone: set[Quantity]) -> Outcome:
    kept = {key: value for key, value in outcome.values.items() if key[0] not in gone}
    left_out = {value.failure for key, value in outcome.values.items() if key[0] in gone} - {None}
    left_out -= {value.failure for value in kept.values()}
    failures = tuple(failure for failure in outcome.failures if failure not in left_out or failure.could_not_run)
    return replace(outcome, values=kept, failures=failures)


def _named(names: Sequence[str]) -> str:
    if len(names) > 4:
        return f"{len(names)} quantities"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _taken_by(outputs: Sequence[Output], quantity: Quantity) -> frozenset[str]:
    """The input by which a derivative is taken, and the lines that depend on it; empty where it is not one input."""
    names = set(quantity.by) if quantity.kind != "jvp" else set()  # that is along all of them
    if len(names) != 1:
        return frozenset()
    lines = [line for output in outputs for body in output.body.values() for line in body.lines]
    for line, source in lines:  # in their order: a line may use those before it
        if names & set(re.findall(r"\w+", source)):
            names.add(line)
    return frozenset(names)


GRADIENT = GradientSubject()
