"""The result of a scenario: what its outcomes and comparisons come to, held against what it expects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tfpt_cli.results import (
    Comparison,
    Failure,
    Outcome,
    ScenarioResult,
    State,
    Status,
    Unread,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.scenario.scenario import Scenario
    from tfpt_cli.subjects.subject import Compared


def compared_result(
    scenario: Scenario,
    sides: Sides,
    compared: Compared,
    internal: tuple[Failure, ...] = (),
    *,
    listings: bool = False,
) -> ScenarioResult:
    """The result of a scenario from what its task came to. That the reference fails is a note, never a verdict.

    `internal` are mistakes of tfpt's own.
    """
    outcomes, comparisons = compared.outcomes, compared.comparisons
    failures = (*internal, *(failure for side in sides for failure in outcomes[side].failures))
    return replace(
        failed_result(scenario, sides, failures, comparisons),
        status=status(scenario, comparisons, failures, outcomes),
        notes=scenario.task.notes(outcomes),
        seconds=max((outcome.seconds for outcome in outcomes.values()), default=0.0),
        compared=scenario.task.covered(comparisons) if comparisons else "",
        explanations=tuple(scenario.explanations(comparisons)),
        listings={side: code.script() for side, code in scenario.listings(sides).items()} if listings else {},
    )


def failed_result(
    scenario: Scenario, sides: Sides, failures: tuple[Failure, ...], comparisons: tuple[Comparison, ...] = ()
) -> ScenarioResult:
    """The result of a scenario that could not be checked to its end, with what there is."""
    return ScenarioResult(
        file=scenario.file,
        line=scenario.line,
        name=scenario.title,
        case=scenario.case,
        subject=scenario.subject,
        headline=scenario.task.headline(sides),
        expect=scenario.expect,
        because=scenario.because,
        status=Status.ERROR,
        comparisons=comparisons,
        failures=failures,
        tags=scenario.tags,
        id=scenario.id,
    )


def unread_result(document: Unread) -> ScenarioResult:
    """The result of a document over which tfpt itself failed while reading it."""
    return ScenarioResult(
        file=document.file,
        line=document.line,
        name=document.name,
        case={},
        subject=document.subject,
        headline="",
        expect="agree",
        because="",
        status=Status.ERROR,
        comparisons=(),
        failures=(document.failure,),
        id=f"{document.file}:{document.line}",
    )


def status(
    scenario: Scenario,
    comparisons: tuple[Comparison, ...],
    failures: tuple[Failure, ...],
    outcomes: Mapping[Side, Outcome],
) -> Status:
    """A scenario held against its `expect`: passed where every quantity is as expected.

    `expect: differ` for the whole scenario asks that at least one quantity differs, `expect: error` that at least one is
    refused. A failure that is not expected is an error, and so is every process that broke.
    """
    refused = {c.quantity for c in comparisons if c.verdict is Verdict.ERROR}
    differing = {c.quantity for c in comparisons if not c.verdict.agrees} - refused
    expected = {c.quantity: scenario.expected(c.quantity) for c in comparisons}
    unexpected = {quantity for quantity in refused if expected[quantity] != "error"}
    if any(failure.symptom != "exception" for failure in failures) or unexpected or (failures and not refused):
        return Status.ERROR
    if not comparisons:
        skipped = any(value.state is State.SKIPPED for o in outcomes.values() for value in o.values.values())
        return Status.SKIPPED if skipped else Status.ERROR
    if scenario.expect == "error":
        return Status.PASSED if refused else Status.FAILED
    if scenario.expect == "differ":
        return Status.PASSED if differing else Status.FAILED
    found = {q: "error" if q in refused else "differ" if q in differing else "agree" for q in expected}
    return Status.PASSED if found == expected else Status.FAILED
