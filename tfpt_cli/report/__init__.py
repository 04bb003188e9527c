"""Reports: pure functions of what is in `tfpt_cli.results`.

A format is a module with `report_text(report: Report) -> str`, named here; it is imported when it is asked for. One whose
reports can be large has `report_pieces(report: Report) -> Iterator[str]`, which together are that text.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from tfpt_cli.results import Failure, Status

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

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


def draw(report: Report, format_: str, stream: TextIO) -> bool:
    """Writes the report in a format into an empty text stream, which can be wound back; gives whether it is complete.

    A scenario that cannot be drawn, by a mistake of tfpt's own, stands in it as failed by tfpt, with the reason. Raises
    `OSError` where the stream cannot be written.
    """
    try:
        stream.writelines(_pieces(report, format_))
    except OSError:
        raise
    except Exception:
        scenarios = []
        for result in report.scenarios:
            try:
                for _ in _pieces(replace(report, scenarios=(result,)), format_):
                    pass
            except Exception as error:
                scenarios.append(undrawn(result, error))
            else:
                scenarios.append(result)
        stream.seek(0)
        stream.truncate()
        stream.writelines(_pieces(replace(report, scenarios=tuple(scenarios)), format_))
        return False
    return True


def _pieces(report: Report, format_: str) -> Iterable[str]:
    module = import_module(FORMATS[format_])
    return module.report_pieces(report) if hasattr(module, "report_pieces") else [module.report_text(report)]


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
