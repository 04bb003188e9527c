"""The report as workflow commands of GitHub Actions: what is not as expected, at its place in the files of a pull request.

GitHub shows the first ten annotations of each kind of a step; the log holds all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.report.entries import entries, known_lines, problem_text, repository_path, title
from tfpt_cli.report.reasons import reason_of
from tfpt_cli.report.words import status_words, summary_text
from tfpt_cli.results import Problem, Report, ScenarioResult, Status, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

# GitHub cuts both off: the title in the middle of nowhere, the message at 64 kB.
_LONGEST_TITLE = 200
_LONGEST_MESSAGE = 4000
_SHOWN = 10


def report_text(report: Report) -> str:
    """A command for every scenario that is not as expected or was skipped, and every problem; at last the counts."""
    lines = [_of_problem(problem) for problem in report.problems]
    lines += [_of_scenario(result) for result in report.scenarios if result.status is not Status.PASSED]
    if len(lines) > _SHOWN:
        lines.append(f"GitHub shows at most {_SHOWN} annotations of a kind; all {len(lines)} are in this log")
    lines.append(_harmless(printable(summary_text(report))))
    return "\n".join(lines) + "\n"


def _of_problem(problem: Problem) -> str:
    place = {"line": problem.line, "col": problem.column} if problem.line else {}
    return _command("error", problem.file, place, "problem in the file", problem_text(problem))


def _of_scenario(result: ScenarioResult) -> str:
    # A skipped scenario leaves the exit code at 0: without a mark nobody would see that it is not checked.
    level = "warning" if result.status is Status.SKIPPED else "error"
    place = {"line": result.line} if result.line else {}
    message = "\n".join(dict.fromkeys(_lines(result)))
    return _command(level, result.file, place, title(result), _cut(message, _LONGEST_MESSAGE))


def _lines(result: ScenarioResult) -> Iterator[str]:
    if result.status is Status.SKIPPED:
        yield from (printable(entry.message) for entry in entries(result))
        return
    reason = reason_of(result)
    yield printable(f"{result.status.value}: {status_words(result) if reason is None else reason.sentence}")
    for entry in entries(result):
        if entry.status is not Status.PASSED:
            what = f"{entry.quantity}: {entry.word}" if entry.quantity else entry.word
            yield printable(f"{what}: {entry.message}" if entry.message else what)
            yield from (printable(f"{entry.quantity}: {finding}") for finding in entry.findings)
    yield from known_lines(result)


def _command(level: str, file: str, place: dict[str, int], title_: str, message: str) -> str:
    numbers = [f"{key}={number}" for key, number in place.items()]
    properties = [
        f"file={_property(repository_path(file))}",
        *numbers,
        f"title={_property(_cut(title_, _LONGEST_TITLE))}",
    ]
    return f"::{level} {','.join(properties)}::{_data(message)}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 4] + " ..."


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _harmless(text: str) -> str:
    """A line that is no command: the runner takes `::name::` at the start of one, and `##[name]` anywhere in it."""
    return text.replace("::", ": :").replace("##[", "## [")
