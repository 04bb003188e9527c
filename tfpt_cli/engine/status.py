"""The result of a scenario: what its outcomes and comparisons come to, held against what it expects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tfpt_cli.results import Comparison, Failure, ScenarioResult, State, Status, Unread, status_of

if TYPE_CHECKING:
    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.scenario.scenario import Scenario
    from tfpt_cli.subjects.subject import Compared


@dataclass(frozen=True)
class KnownScenario:
    """A case of which an earlier run has kept the result. It has what scenarios are chosen by; `name` is without the case."""

    name: str
    result: ScenarioResult

    @property
    def file(self) -> str:
        """The file, as it was named now."""
        return self.result.file

    @property
    def line(self) -> int:
        """The line at which the scenario begins now."""
        return self.result.line

    @property
    def title(self) -> str:
        """The name, with the case where the scenario has several."""
        return self.result.name

    @property
    def id(self) -> str:
        """The id, as `Scenario.id`."""
        return self.result.id

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the scenario."""
        return self.result.tags


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
    failures = (*internal, *(failure for side in sides if side in outcomes for failure in outcomes[side].failures))
    skipped = any(value.state is State.SKIPPED for o in outcomes.values() for value in o.values.values())
    return replace(
        failed_result(scenario, sides, failures, comparisons),
        status=status_of(scenario.expect, comparisons, failures, skipped=skipped),
        notes=scenario.task.notes(outcomes),
        seconds=max((outcome.seconds for outcome in outcomes.values()), default=0.0),
        compared=scenario.task.covered(comparisons) if comparisons else "",
        explanations=tuple(scenario.explanations(comparisons)),
        listings=_scripts(scenario, sides) if listings else {},
        layers=compared.layers,
        pairs=compared.pairs,
    )


def _scripts(scenario: Scenario, sides: Sides) -> dict[Side, str]:
    """The scripts of a scenario by side; arrays are read from the files that `tfpt code -o` writes beside them."""
    return {side: code.reading(side.key).script() for side, code in scenario.listings(sides).items()}


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
