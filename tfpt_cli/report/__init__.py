"""Reports: pure functions of what is in `tfpt_cli.results`.

A format is a module with `report_text(report: Report) -> str`, named here; it is imported when it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from tfpt_cli.results import Failure, Status

if TYPE_CHECKING:
    from tfpt_cli.results import Report, ScenarioResult

FORMATS = {
    "table": "tfpt_cli.report.table",
    "line": "tfpt_cli.report.line",
    "json": "tfpt_cli.report.json_report",
    "junit": "tfpt_cli.report.junit",
    "github": "tfpt_cli.report.github",
    "gitlab": "tfpt_cli.report.gitlab",
    "markdown": "tfpt_cli.report.markdown",
    "html": "tfpt_cli.report.html",
}


@dataclass(frozen=True)
class Drawn:
    """A report in a format, with a line end; `complete` is false where tfpt failed to draw a scenario as it is."""

    text: str
    complete: bool = True


def drawn(report: Report, format_: str) -> Drawn:
    """The report in a format.

    A scenario that cannot be drawn, by a mistake of tfpt's own, stands in it as failed by tfpt, with the reason.
    """
    draw = import_module(FORMATS[format_]).report_text
    try:
        return Drawn(draw(report))
    except Exception:
        scenarios = []
        for result in report.scenarios:
            try:
                draw(replace(report, scenarios=(result,)))
            except Exception as error:
                scenarios.append(undrawn(result, error))
            else:
                scenarios.append(result)
        return Drawn(draw(replace(report, scenarios=tuple(scenarios))), complete=False)


def undrawn(result: ScenarioResult, error: Exception) -> ScenarioResult:
    """What is said in place of a scenario that tfpt failed to draw."""
    failure = Failure.internal(error, "drawing the report of this scenario")
    return replace(
        result,
        status=Status.ERROR,
        comparisons=(),
        failures=(*result.failures, failure),
        notes=(),
        explanations=(),
        listings={},
        curves=(),
    )
