"""The subject `gradient`, as the pipeline uses it: its fields, its listings, and how its quantities compare."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tfpt_cli.explain.causes import Involved, involved_code
from tfpt_cli.frameworks import FRAMEWORKS, REFERENCE
from tfpt_cli.listing import Listing
from tfpt_cli.listing import listing as listing_of
from tfpt_cli.results import Comparison, Outcome, State, Tolerance
from tfpt_cli.subjects.gradient.fields import NEEDED, SCHEMA, read
from tfpt_cli.subjects.gradient.reference import ReferenceWriter
from tfpt_cli.subjects.gradient.spec import FLOATING
from tfpt_cli.subjects.gradient.tensorflow import TensorFlowWriter
from tfpt_cli.subjects.gradient.torch import TorchWriter
from tfpt_cli.subjects.gradient.writer import quantities_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tfpt_cli.subjects.gradient.spec import Gradient, Output
    from tfpt_cli.subjects.gradient.writer import Writer

__all__ = [
    "NEEDED",
    "SCHEMA",
    "alike",
    "compare",
    "compared",
    "involved",
    "listing",
    "notes",
    "quantities",
    "read",
    "second_look",
    "settled",
    "sides",
]

_WRITERS = {"torch": TorchWriter, "tensorflow": TensorFlowWriter, REFERENCE: ReferenceWriter}
# A derivative of the second order or above, by its name.
_SECOND = re.compile(r"d[2-6]|hvp")


def sides(spec: Gradient) -> tuple[str, ...]:
    """Both frameworks and, where the dictionary can spell the expression for it, the reference."""
    return (*FRAMEWORKS, REFERENCE) if any(output.reference for output in spec.outputs) else FRAMEWORKS


def quantities(spec: Gradient) -> list[str]:
    """The names of the quantities that the listings leave."""
    keys = [key for framework in FRAMEWORKS for key in listing(spec, framework, "").keys]
    return list(dict.fromkeys(quantity for quantity, _ in keys))


def listing(spec: Gradient, side: str, title: str) -> Listing:
    """The code for a framework, or for the reference."""
    return _listing(side, title, _WRITERS[side](spec))


def _listing(side: str, title: str, writer: Writer) -> Listing:
    return listing_of(side, title, list(writer.sections()))


def second_look(spec: Gradient, comparisons: list[Comparison]) -> dict[str, Listing]:
    """What is run again where something is off: both sides in double precision, the reference from both sides of a kink."""
    from tfpt_cli.subjects.gradient.comparer import doubtful

    if not any(doubtful(comparison) for comparison in comparisons):
        return {}
    double = spec.in_double()
    again: dict[str, Writer] = {}
    if double != spec:
        again = {"torch": TorchWriter(double), "tensorflow": TensorFlowWriter(double)}
    if REFERENCE in sides(spec):
        again[REFERENCE] = ReferenceWriter(spec, second=True)
    return {side: _listing(side, "", writer) for side, writer in again.items()}


def settled(spec: Gradient, outcomes: dict[str, Outcome], wanted: Callable[[str], bool]) -> dict[str, Outcome]:
    """The outcomes without the derivatives, of those that are not `wanted`, of results that have none on either side.

    Nothing differentiates truth values and whole numbers: PyTorch raises, and the tape answers None.
    """
    gone = {
        quantity
        for output, _ in _discrete(spec, outcomes)
        for quantity in quantities_of(output, spec)
        if quantity != output.value and not wanted(quantity)
    }
    return {side: _without(outcome, gone) for side, outcome in outcomes.items()} if gone else outcomes


def _discrete(spec: Gradient, outcomes: dict[str, Outcome]) -> list[tuple[Output, list[str]]]:
    """The outputs whose value is truth values or whole numbers on both sides, each with its dtypes."""
    found = []
    for output in spec.outputs:
        values = [v for f in FRAMEWORKS for (name, _), v in outcomes[f].values.items() if name == output.value]
        dtypes = list(dict.fromkeys(value.dtype for value in values))
        if dtypes and all(dtype and dtype not in FLOATING for dtype in dtypes):
            found.append((output, dtypes))
    return found


def _without(outcome: Outcome, gone: set[str]) -> Outcome:
    kept = {key: value for key, value in outcome.values.items() if key[0] not in gone}
    left_out = {value.failure for key, value in outcome.values.items() if key[0] in gone} - {None}
    left_out -= {value.failure for value in kept.values()}
    failures = tuple(failure for failure in outcome.failures if failure not in left_out or failure.could_not_run)
    return replace(outcome, values=kept, failures=failures)


def compare(
    spec: Gradient, outcomes: dict[str, Outcome], tolerance: Tolerance | None, again: dict[str, Outcome] | None = None
) -> list[Comparison]:
    """One comparison for every way on either side, each against the other side's first way, and against the reference."""
    from tfpt_cli.subjects.gradient.comparer import Court  # not above: validating needs no NumPy

    return Court(spec, outcomes, tolerance, again or {}).comparisons()


def alike(spec: Gradient, framework: str) -> Gradient:
    """The spec with one framework's expressions and modes on both sides."""
    outputs = tuple(
        replace(
            output,
            body=dict.fromkeys(FRAMEWORKS, output.body[framework]) if framework in output.body else {},
            reference={"": meaning} if (meaning := output.reference.get("", output.reference.get(framework))) else {},
            code=dict.fromkeys(FRAMEWORKS, output.code[framework]) if framework in output.code else {},
        )
        for output in spec.outputs
    )
    return replace(spec, outputs=outputs, modes=dict.fromkeys(FRAMEWORKS, spec.modes[framework]))


def compared(spec: Gradient, comparisons: Sequence[Comparison]) -> str:
    """The quantities, up to four by name, and at how many points, where every number is known to go its own way."""
    names = list(dict.fromkeys(c.quantity for c in comparisons))
    sizes = {values.size for values in spec.inputs.values()} - {1}
    if not sizes:
        where = "at one point"
    elif len(sizes) == 1 and spec.keeps_places:
        where = f"at {sizes.pop():,} points"
    else:
        where = "at the given inputs"
    return f"{_named(names)} {where}"


def _named(names: list[str]) -> str:
    if len(names) > 4:
        return f"{len(names)} quantities"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def involved(spec: Gradient, name: str) -> Involved:
    """The expressions that a quantity was made by; its kind is `value`, `derivative` or `second`."""
    outputs = [output for output in spec.outputs if name in quantities_of(output, spec)] or list(spec.outputs)
    sources = {
        f: [source for output in outputs if f in output.body for source in output.body[f].sources] for f in FRAMEWORKS
    }
    kind = "value" if name in {output.value for output in outputs} else "derivative"
    kind = "second" if kind == "derivative" and _SECOND.match(name) else kind
    shapes = {name: values.shape for name, values in spec.inputs.items()}
    return Involved(
        involved_code(sources),
        kind,
        shapes=shapes,
        values=frozenset(output.value for output in outputs),
        numbers={name: found for name, values in spec.inputs.items() if (found := values.numbers)},
        by=_taken_by(outputs, spec, name),
    )


def _taken_by(outputs: list[Output], spec: Gradient, name: str) -> frozenset[str]:
    """The input by which a derivative is taken, and the lines that depend on it; empty where the name tells no input."""
    names = {words for words in re.findall(r"d(\w+)", name.partition("/")[2]) if words in spec.inputs}
    if len(names) != 1:
        return frozenset()
    lines = [line for output in outputs for f in output.body for line in output.body[f].lines]
    for line, source in lines:  # in their order: a line may use those before it
        if names & set(re.findall(r"\w+", source)):
            names.add(line)
    return frozenset(names)


def notes(spec: Gradient, outcomes: dict[str, Outcome]) -> tuple[str, ...]:
    """How to read the derivatives, what was skipped, and why there is no reference where it should be."""
    discrete = _discrete(spec, outcomes) if spec.derivatives and spec.wrt else []
    words = [f"{output.value} is {' and '.join(dtypes)}, and has no derivative" for output, dtypes in discrete]
    skipped = dict.fromkeys(
        f"{how.rpartition(', ')[2] or how}: skipped, {value.reason}"
        for framework in FRAMEWORKS
        for (_, how), value in outcomes[framework].values.items()
        if value.state is State.SKIPPED
    )
    failures = outcomes[REFERENCE].failures if REFERENCE in outcomes else ()
    lacking = [f"no reference: {failure.message}"[:300] for failure in failures[:1]]
    return (*spec.notes([output for output, _ in discrete]), *words, *skipped, *lacking)
