"""The report in a line for each scenario, and what every report of the terminal ends with."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from tfpt_cli.report.console import STATUS_STYLES, plain_console
from tfpt_cli.report.reasons import reason_of
from tfpt_cli.report.words import status_words, summary_parts
from tfpt_cli.results import printable

if TYPE_CHECKING:
    from rich.console import Console

    from tfpt_cli.results import Problem, Report, ScenarioResult

# Of the parts of the last line.
_SUMMARY_STYLES = {
    **{str(status): style for status, style in STATUS_STYLES.items()},
    "warning": "bold yellow",
    "nothing": "yellow",
    "problems": "bold red",
    "more": "dim",
}
# Of more scenarios those that passed have a line in the table's stead.
MANY = 10
# In columns: with less of a name and a reason a line says nothing.
_LEAST = 16


def report_text(report: Report) -> str:
    """A line for each scenario, one for each problem of the files, and the counts."""
    text = io.StringIO()
    console = plain_console(text)
    for result in report.scenarios:
        print_line(result, console)
    print_end(report, console, failures=False)
    return text.getvalue()


def print_line(result: ScenarioResult, console: Console) -> None:
    """A scenario in one line: `FAILED file:line name: reason [known-difference]`; a terminal's width cuts the reason."""
    status = result.status.upper()
    place = f" {printable(result.file)}:{result.line} " if result.line else " "
    reason = reason_of(result)
    said, ids = (status_words(result), "") if reason is None else (reason.told, reason.ids and f" {reason.ids}")
    words = printable(f"{result.name}: {said}")
    room = console.width - cell_len(status + place + ids)
    if console.is_terminal and cell_len(words) > room >= _LEAST:
        more = "…" if console.encoding.lower().startswith("utf") else "..."
        words = f"{set_cell_size(words, room - len(more)).rstrip()}{more}"
    console.print(Text.assemble((status, STATUS_STYLES[result.status]), place, words, (ids, "bold")), soft_wrap=True)


def problem_line(problem: Problem) -> Text:
    """`file:line:column: message`, the place in bold."""
    text = printable(str(problem))
    place = text[: len(text) - len(printable(problem.message))]
    return Text.assemble((place, "bold"), (printable(problem.message), "red"))


def print_end(report: Report, console: Console, *, failures: bool = True) -> None:
    """The problems of the files, a line for each scenario that is not as expected where asked for, and the last line."""
    for problem in report.problems:
        console.print(problem_line(problem), soft_wrap=True)
    if report.problems:
        console.print()
    for result in report.unexpected if failures else ():
        print_line(result, console)
    console.print(Text.assemble(*((words, _SUMMARY_STYLES.get(kind, "")) for words, kind in summary_parts(report))))
