"""The scenarios that the self-checks run, as records: what each asks of which operation, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfpt_cli.documents.document import Document
from tfpt_cli.results import Diagnosis, Verdict
from tfpt_cli.scenario.scenario import scenarios_of
from tfpt_cli.subjects.gradient.one_liner import operation_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tfpt_cli.dictionary.points import Case
    from tfpt_cli.dictionary.records import Operation
    from tfpt_cli.results import Comparison, Problem, ScenarioResult, Unread
    from tfpt_cli.scenario.scenario import Scenario

# Half precision rounds in every step of a composed operation, and what is near zero keeps the error of its terms: closer
# than this the frameworks are not. What was measured, in ULP, is in the list of operations.
HALF = {"float16": {"rtol": 1e-2, "atol": 5e-3}, "bfloat16": {"rtol": 8e-2, "atol": 4e-2}}


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A call of an operation in a dtype, at inputs that `words` name: an ordinary case, special points, an edge.

    `fields` are further ones of its gradient scenario. Where the inputs alone have the `dtype`, and what is computed is
    float32, that is their dtype and `computed` is float32.
    """

    operation: Operation
    dtype: str
    words: str
    call: str
    inputs: Mapping[str, Any]
    fields: Mapping[str, Any] = field(default_factory=dict)
    tag: str = "odd"
    computed: str = ""

    @property
    def name(self) -> str:
        """The name of its scenario, which no other probe has."""
        inputs = f", {self.dtype} inputs" if self.computed else f", {self.words}"
        return f"{self.operation.name}, {self.computed or self.dtype}{inputs}"

    @property
    def document(self) -> Document:
        """The data of the scenario that probes the operation: a gradient of it."""
        row, dtype = self.operation, self.computed or self.dtype
        data = operation_data(self.name, row, self.call, self.inputs, **self.fields)
        data |= {"dtype": dtype, "tags": [row.name, self.tag]}
        if dtype in HALF:
            data |= {"tolerance": HALF[dtype], "because": "half precision rounds in every step"}
        return Document(f"operations/{row.kind}.yaml", "", data=data)


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One quantity of a probe that does not simply agree.

    `verdict` is `differ`, `error` or `wrong` (both sides agree, and not with the reference); `points` names the places.
    """

    probe: Probe
    quantity: str
    verdict: str
    points: tuple[str, ...] = ()
    words: str

    def __str__(self) -> str:
        """One line: what, where, and what was measured."""
        probe = self.probe
        places = f" at {', '.join(self.points)}" if self.points else ""
        place = f"{probe.operation.name} ({probe.dtype}, {probe.words})"
        return f"{place}: {self.quantity} {self.verdict}{places}: {self.words}"


def scenarios(probes: Iterable[Probe]) -> Iterator[list[Scenario] | Problem | Unread]:
    """The scenarios of probes; what no scenario can say is a problem."""
    for probe in probes:
        yield from scenarios_of(probe.document)


def fits(case: Case, dtype: str) -> bool:
    """Whether a case is for a dtype: special points are real unless they say that they are complex."""
    complex_dtype = dtype.startswith("complex")
    if case.complex is None:
        return not complex_dtype or case.kind == "points"
    return case.complex is complex_dtype


def deviation(
    probe: Probe, result: ScenarioResult, comparison: Comparison, verdict: str, points: tuple[str, ...] = ()
) -> Deviation:
    """A deviation with what the comparison, or the frameworks that failed, say of it."""
    words = "; ".join(filter(None, (comparison.reason, *(finding.words for finding in comparison.findings))))
    if verdict == "error":
        words = "; ".join(f"{failure.side.label}: {failure.message[:200]}" for failure in result.failures)
    return Deviation(probe=probe, quantity=comparison.quantity, verdict=verdict, points=points, words=words)


def verdict_of(comparison: Comparison) -> str | None:
    """`error`, `differ` or `wrong`, as a row's declared differences have it; None where the sides simply agree."""
    if comparison.verdict is Verdict.ERROR:
        return "error"
    if comparison.verdict is Verdict.DIFFERS:
        return "differ"
    return "wrong" if Diagnosis.BOTH_WRONG in comparison.diagnosis else None
