"""The dictionary checked against the frameworks: every operation in every dtype, at ordinary points and at special ones.

Each row gives `probes`, whose scenarios are run like any others; `examine` holds what they came to against what
the row declares. An undeclared difference is a finding, and so is a declared one that is no longer there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfpt_cli.compare.values import close_numbers, same_number
from tfpt_cli.dictionary.checks import check_rows
from tfpt_cli.dictionary.measured import MEASURED
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.engine.options import Observer, Options
from tfpt_cli.engine.session import check
from tfpt_cli.results import VALUE, Comparison, Diagnosis, Report, ScenarioResult
from tfpt_cli.selfcheck.probes import Deviation, Probe, deviation, fits, scenarios, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Examination:
    """What the self-check of some operations came to.

    `measured` holds, by operation and dtype, the greatest distances from the reference in ULP at the ordinary points:
    `{"value": {"torch": 0.5, "tensorflow": 0.5}, "gradient": {...}}`.
    """

    undeclared: list[Deviation] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    declared: list[Deviation] = field(default_factory=list)
    measured: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    report: Report | None = None

    @property
    def good(self) -> bool:
        """Whether everything is as the rows of the dictionary declare."""
        return not self.undeclared and not self.stale


def probes(names: set[str] | None = None, dtypes: set[str] | None = None) -> Iterator[Probe]:
    """A probe for every case of every operation in every dtype that its row declares (of those named, if any are)."""
    for row in dictionary().operations.values():
        if names and row.name not in names:
            continue
        for dtype in row.dtypes:
            if dtypes and dtype not in dtypes:
                continue
            for case in row.cases:
                if fits(case, dtype):
                    yield Probe(
                        operation=row, dtype=dtype, words=case.name, call=case.call, inputs=case.inputs, tag=case.kind
                    )


def selfcheck(
    names: set[str] | None = None, dtypes: set[str] | None = None, observer: Observer | None = None, **options: Any
) -> Examination:
    """Runs the scenarios of the operations (all unless named) and gives what they came to.

    `options` are those of `tfpt_cli.engine.options.Options` that say how to run them. Rows that cannot be right raise `RowError`.
    """
    check_rows()
    report = check(Options(generated=scenarios(probes(names, dtypes)), **options), observer)
    return examine(report, whole=not names and not dtypes)


def examine(report: Report, *, whole: bool) -> Examination:
    """A report of generated scenarios held against the rows; with `whole`, what was declared and not found is stale."""
    examination = Examination(environment=report.environment, report=report)
    examination.stale += [f"cannot be read: {problem}" for problem in report.problems]
    used: set[tuple[str, int]] = set()
    by_name = {probe.name: probe for probe in probes()}
    for result in report.scenarios:
        probe = by_name[result.name]
        for found in _deviations(probe, result):
            declaring = _declaring(found, report.environment)
            used |= {(probe.operation.name, place) for place in declaring}
            (examination.declared if declaring else examination.undeclared).append(found)
        if "points" in result.tags:
            _measure(examination.measured, probe, result)
    if whole:
        examination.stale += [
            f"{row.name}: the declared difference in {', '.join(part.quantities)} was not found ({part.because})"
            for row in dictionary().operations.values()
            for place, part in enumerate(row.parts)
            if (row.name, place) not in used and part.conditions.hold(report.environment)
        ]
    return examination


def _declaring(found: Deviation, environment: dict[str, str]) -> list[int]:
    """The declared parts that cover a deviation here, at all of its points; empty where one is not covered."""
    declaring = []
    for point in found.points or ("",):
        places = [
            index
            for index, part in enumerate(found.probe.operation.parts)
            if part.verdict == found.verdict
            and part.conditions.hold(environment)
            and any(part.covers(found.quantity, place, found.probe.dtype) for place in (point, found.probe.words))
        ]
        if not places:
            return []
        declaring += places
    return declaring


def _deviations(probe: Probe, result: ScenarioResult) -> Iterator[Deviation]:
    """The quantities of a probe that do not simply agree, each once for each verdict."""
    seen = set()
    for comparison in result.comparisons:
        verdict = verdict_of(comparison)
        if verdict is None or (comparison.quantity, verdict) in seen:
            continue
        seen.add((comparison.quantity, verdict))
        yield deviation(probe, result, comparison, verdict, tuple(_points(probe, comparison, verdict)))


def _points(probe: Probe, comparison: Comparison, verdict: str) -> Iterator[str]:
    """The points of an elementwise case at which two sides part, as the row writes them: `0.0`, or `0.0 and inf`."""
    row = probe.operation
    inputs = list(probe.inputs.values())
    left, right = (value.values for value in comparison.sides.values())
    lists = [*inputs, left, right]
    if not row.elementwise or not all(isinstance(value, list) for value in lists):
        return
    if len({len(value) for value in lists}) > 1 or any(isinstance(item, list) for value in lists for item in value):
        return
    reference = comparison.reference
    for index, pair in enumerate(zip(left, right, strict=True)):
        off = verdict == "wrong" and reference is not None and _off(reference.values.get("", left)[index], pair[0])
        point = " and ".join(str(value[index]) for value in inputs)
        unstable = Diagnosis.UNSTABLE in comparison.diagnosis and any(point in part.cases for part in row.unstable)
        if off or (verdict == "differ" and (unstable or not _close(*pair, comparison.tolerance))):
            yield point


def _off(want: Any, have: Any) -> bool:
    return not close_numbers(want, have, {"rtol": 1e-2, "atol": 1e-2})


def _close(a: Any, b: Any, tolerance: dict[str, float] | None) -> bool:
    return same_number(a, b) if tolerance is None else close_numbers(a, b, tolerance)


def _measure(measured: dict[str, dict[str, Any]], probe: Probe, result: ScenarioResult) -> None:
    """Keeps the greatest distance from the reference that each framework has, of values and of derivatives."""
    entry = measured.setdefault(probe.operation.name, {}).setdefault(probe.dtype, {})
    for comparison in result.comparisons:
        if comparison.reference is None:
            continue
        kind = entry.setdefault("gradient" if comparison.quantity.derivative else VALUE, {})
        for side, against in comparison.reference.sides.items():
            if against.ulps is not None:
                kind[side] = round(max(kind.get(side, 0.0), against.ulps), 2)


def save(examination: Examination) -> None:
    """Keeps what was measured for `tfpt list operations`."""
    operations = {name: dict(sorted(by_dtype.items())) for name, by_dtype in examination.measured.items()}
    lines = [f"  {json.dumps(name)}: {json.dumps(by_dtype)}" for name, by_dtype in operations.items()]
    head = json.dumps(examination.environment)
    MEASURED.write_text(
        f'{{\n "environment": {head},\n "operations": {{\n' + ",\n".join(lines) + "\n }\n}\n", encoding="utf-8"
    )
