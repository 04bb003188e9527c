"""Reports: pure functions of what is in `tfpt_cli.results`.

A format is a module with `report_text(report: Report) -> str`, named here; it is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfpt_cli.results import Report

FORMATS = {
    "table": "tfpt_cli.report.table",
    "json": "tfpt_cli.report.json_report",
    "junit": "tfpt_cli.report.junit",
    "github": "tfpt_cli.report.github",
    "gitlab": "tfpt_cli.report.gitlab",
    "markdown": "tfpt_cli.report.markdown",
    "html": "tfpt_cli.report.html",
}


def report_text(report: Report, format_: str) -> str:
    """The report in a format, with a line end."""
    text: str = import_module(FORMATS[format_]).report_text(report)
    return text
