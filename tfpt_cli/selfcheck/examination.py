"""The dictionary checked against the frameworks: every operation in every dtype, at ordinary points and at special ones.

Each row gives scenarios (`generated`), which are run like any others; `examine` holds what they came to against what
the row declares. An undeclared difference is a finding, and so is a declared one that is no longer there.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.checks import check_rows
from tfpt_cli.dictionary.measured import MEASURED
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.documents.document import Document
from tfpt_cli.engine.options import Observer, Options
from tfpt_cli.engine.session import check
from tfpt_cli.frameworks import FRAMEWORKS, LABELS
from tfpt_cli.language.kinds import ARRAY_KINDS
from tfpt_cli.results import Comparison, Problem, Report, ScenarioResult, Unread, Verdict
from tfpt_cli.scenario.scenario import Scenario, scenarios_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.dictionary.points import Case
    from tfpt_cli.dictionary.records import Operation

# Half precision rounds in every step of a composed operation, and what is near zero keeps the error of its terms: closer
# than this the frameworks are not. What was measured, in ULP, is in the list of operations.
HALF = {"float16": {"rtol": 1e-2, "atol": 5e-3}, "bfloat16": {"rtol": 8e-2, "atol": 4e-2}}


@dataclass(frozen=True)
class Difference:
    """One quantity of one case in one dtype that does not simply agree.

    `verdict` is `differ`, `error` or `wrong` (both sides agree, and not with the reference); `points` names the places.
    """

    operation: str
    dtype: str
    case: str
    quantity: str
    verdict: str
    points: tuple[str, ...]
    words: str

    def __str__(self) -> str:
        """One line: what, where, and what was measured."""
        places = f" at {', '.join(self.points)}" if self.points else ""
        return f"{self.operation} ({self.dtype}, {self.case}): {self.quantity} {self.verdict}{places}: {self.words}"


@dataclass
class Examination:
    """What the self-check of some operations came to.

    `measured` holds, by operation and dtype, the greatest distances from the reference in ULP at the ordinary points:
    `{"value": {"torch": 0.5, "tensorflow": 0.5}, "gradient": {...}}`.
    """

    undeclared: list[Difference] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    declared: list[Difference] = field(default_factory=list)
    measured: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    report: Report | None = None

    @property
    def good(self) -> bool:
        """Whether everything is as the rows declare."""
        return not self.undeclared and not self.stale


def generated(
    names: set[str] | None = None, dtypes: set[str] | None = None
) -> Iterator[list[Scenario] | Problem | Unread]:
    """A scenario for every case of every operation in every dtype that its row declares (of those named, if any are)."""
    for row in dictionary().operations.values():
        if names and row.name not in names:
            continue
        for dtype in row.dtypes:
            if dtypes and dtype not in dtypes:
                continue
            for case in row.cases:
                if fits(case, dtype):
                    yield from scenarios_of(document_of(row, dtype, case.name, case.call, case.inputs, tag=case.kind))


def fits(case: Case, dtype: str) -> bool:
    """Whether a case is for a dtype: special points are real unless they say that they are complex."""
    complex_dtype = dtype.startswith("complex")
    if case.complex is None:
        return not complex_dtype or case.kind == "points"
    return case.complex is complex_dtype


def document_of(
    row: Operation,
    dtype: str,
    words: str,
    call: str,
    inputs: dict[str, Any],
    fields: dict[str, Any] | None = None,
    *,
    tag: str = "odd",
) -> Document:
    """A gradient scenario of an operation in a dtype: its call at these inputs, with further fields of the subject."""
    kinds = {p.name: ARRAY_KINDS[p.annotation] for p in row.signature.parameters
             if p.kind == "array" and p.annotation and p.name in inputs}  # fmt: skip
    gradient: dict[str, Any] = {"of": call, "at": inputs, **(fields or {})}
    if kinds:
        gradient["dtypes"] = kinds
    if not row.differentiable:
        gradient["derivatives"] = []
    data: dict[str, Any] = {
        "name": f"{row.name}, {dtype}, {words}",  # which `examine` reads again
        "dtype": dtype,
        "gradient": gradient,
        "tags": [row.name, tag],
    }
    if dtype in HALF:
        data |= {"tolerance": HALF[dtype], "because": "half precision rounds in every step"}
    return Document(f"operations/{row.kind}.yaml", "", data=data)


def selfcheck(
    names: set[str] | None = None, dtypes: set[str] | None = None, observer: Observer | None = None, **options: Any
) -> Examination:
    """Runs the scenarios of the operations (all unless named) and gives what they came to.

    `options` are those of `tfpt_cli.engine.run.Options` that say how to run them. Rows that cannot be right raise `RowError`.
    """
    check_rows()
    return examine(
        check(Options(generated=generated(names, dtypes), **options), observer), whole=not names and not dtypes
    )


def examine(report: Report, *, whole: bool) -> Examination:
    """A report of generated scenarios held against the rows; with `whole`, what was declared and not found is stale."""
    examination = Examination(environment=report.environment, report=report)
    examination.stale += [f"cannot be read: {problem}" for problem in report.problems]
    used: set[tuple[str, int]] = set()
    for result in report.scenarios:
        name, dtype, case = result.name.split(", ", 2)
        row = dictionary().operations[name]
        for difference in _differences(row, result, dtype, case):
            index = _declaring(row, difference, report.environment)
            used |= {(name, place) for place in index}
            (examination.declared if index else examination.undeclared).append(difference)
        if "points" in result.tags:
            _measure(examination.measured, name, dtype, result)
    if whole:
        examination.stale += [
            f"{row.name}: the declared difference in {', '.join(part.quantities)} was not found ({part.because})"
            for row in dictionary().operations.values()
            for place, part in enumerate(row.parts)
            if (row.name, place) not in used and part.conditions.hold(report.environment)
        ]
    return examination


def _declaring(row: Operation, difference: Difference, environment: dict[str, str]) -> list[int]:
    """The declared parts that cover a difference here, at all of its points; empty where one is not covered."""
    found = []
    for point in difference.points or ("",):
        places = [
            index
            for index, part in enumerate(row.parts)
            if part.verdict == difference.verdict
            and part.conditions.hold(environment)
            and any(part.covers(difference.quantity, place, difference.dtype) for place in (point, difference.case))
        ]
        if not places:
            return []
        found += places
    return found


def _differences(row: Operation, result: ScenarioResult, dtype: str, case: str) -> Iterator[Difference]:
    seen = set()
    for comparison in result.comparisons:
        verdict = verdict_of(comparison)
        if verdict is None or (comparison.quantity, verdict) in seen:
            continue
        seen.add((comparison.quantity, verdict))
        points = tuple(_points(row, case, dtype, comparison, verdict))
        words = "; ".join(filter(None, (comparison.reason, *comparison.findings)))
        if verdict == "error":
            words = "; ".join(f"{LABELS[failure.framework]}: {failure.message[:160]}" for failure in result.failures)
        yield Difference(row.name, dtype, case, comparison.quantity, verdict, points, words)


def verdict_of(comparison: Comparison) -> str | None:
    """`error`, `differ` or `wrong`, as a row's declared differences have it; None where the sides simply agree."""
    if comparison.verdict is Verdict.ERROR:
        return "error"
    if comparison.verdict is Verdict.DIFFERS:
        return "differ"
    return "wrong" if "both wrong" in comparison.diagnosis else None


def _points(row: Operation, case: str, dtype: str, comparison: Comparison, verdict: str) -> Iterator[str]:
    """The points of an elementwise case at which two sides part, as the row writes them: `0.0`, or `0.0 and inf`."""
    wanted = next(c for c in row.cases if c.name == case and fits(c, dtype))
    inputs = list(wanted.inputs.values())
    left, right = (comparison.sides[framework].values for framework in FRAMEWORKS)
    lists = [*inputs, left, right]
    if not row.elementwise or not all(isinstance(value, list) for value in lists):
        return
    if len({len(value) for value in lists}) > 1 or any(isinstance(item, list) for value in lists for item in value):
        return
    reference = comparison.reference
    for index, pair in enumerate(zip(left, right, strict=True)):
        off = verdict == "wrong" and reference is not None and _off(reference.values.get("", left)[index], pair[0])
        point = " and ".join(str(value[index]) for value in inputs)
        unstable = "unstable" in comparison.diagnosis and any(point in part.cases for part in row.unstable)
        if off or (verdict == "differ" and (unstable or not _near(*pair, comparison.tolerance))):
            yield point


def _off(want: Any, have: Any) -> bool:
    return not _near(want, have, {"rtol": 1e-2, "atol": 1e-2})


def _near(a: Any, b: Any, tolerance: dict[str, float] | None) -> bool:
    if a == b or (a != a and b != b):
        return True
    if not (math.isfinite(abs(a)) and math.isfinite(abs(b))) or tolerance is None:
        return False
    return bool(abs(a - b) <= tolerance["atol"] + tolerance["rtol"] * max(abs(a), abs(b)))


def _measure(measured: dict[str, dict[str, Any]], name: str, dtype: str, result: ScenarioResult) -> None:
    """Keeps the greatest distance from the reference that each framework has, of values and of derivatives."""
    entry = measured.setdefault(name, {}).setdefault(dtype, {})
    for comparison in result.comparisons:
        if comparison.reference is None:
            continue
        kind = entry.setdefault("gradient" if "/" in comparison.quantity else "value", {})
        for framework, against in comparison.reference.sides.items():
            if against.ulps is not None:
                kind[framework] = round(max(kind.get(framework, 0.0), against.ulps), 2)


def save(examination: Examination) -> None:
    """Keeps what was measured for `tfpt list operations`."""
    operations = {name: dict(sorted(by_dtype.items())) for name, by_dtype in examination.measured.items()}
    lines = [f"  {json.dumps(name)}: {json.dumps(by_dtype)}" for name, by_dtype in operations.items()]
    head = json.dumps(examination.environment)
    MEASURED.write_text(
        f'{{\n "environment": {head},\n "operations": {{\n' + ",\n".join(lines) + "\n }\n}\n", encoding="utf-8"
    )
