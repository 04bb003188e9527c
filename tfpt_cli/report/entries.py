"""The entries of the reports for machines: every comparison held against what was expected of it, and every problem."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.report.console import FILE_WIDTH, plain_console
from tfpt_cli.report.table import print_scenario
from tfpt_cli.report.view import known as known_differences
from tfpt_cli.report.words import message_text, said_by, status_words, ways_text
from tfpt_cli.results import (
    Comparison,
    Failure,
    Problem,
    Relation,
    ScenarioResult,
    State,
    Status,
    Symptom,
    Verdict,
    as_expected,
    expected_of,
    printable,
    printable_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_EXPECTED = {Relation.AGREE: "", Relation.DIFFER: "expected to differ", Relation.ERROR: "expected an error"}


@dataclass(frozen=True)
class Entry:
    """A comparison, or a scenario that has none, and whether it is as expected.

    `quantity` is empty for a whole scenario; `ways` says how the quantity was computed. `word` is the verdict, or what a
    framework did instead; `message` says in a line why it is not as expected, `findings` what the reference has to say.
    """

    result: ScenarioResult
    quantity: str
    ways: str
    status: Status
    word: str
    message: str = ""
    findings: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """The quantity with its ways in brackets, as in `dloss/dw (backward and GradientTape)`."""
        return f"{self.quantity} ({self.ways})" if self.ways else self.quantity


def entries(result: ScenarioResult) -> list[Entry]:
    """The entries of a scenario, at least one; all pass where it passed, and one does not where it did not."""
    if result.status is Status.SKIPPED:
        return [_of_scenario(result, "skipped", "; ".join((status_words(result), *result.notes)))]
    found = [_of_comparison(result, comparison) for comparison in result.comparisons]
    refused = any(entry.status is Status.ERROR for entry in found)
    found += [
        _of_scenario(result, failure.symptom, failure_words(failure))
        for failure in result.failures
        if failure.symptom == Symptom.INTERNAL or (result.status is Status.ERROR and not refused)
    ]
    if not found or (not result.expected and all(entry.status is Status.PASSED for entry in found)):
        found.append(_of_scenario(result, result.status.value, status_words(result)))
    return found


def failure_words(failure: Failure) -> str:
    """Who failed and what it said; of a mistake of tfpt's own also what to do about it."""
    said = said_by(failure) if failure.symptom != Symptom.INTERNAL else failure.message
    return f"{failure.side.label}: {said}"


def _of_scenario(result: ScenarioResult, word: str, message: str) -> Entry:
    return Entry(result, "", "", result.status, word, message)


def _of_comparison(result: ScenarioResult, comparison: Comparison) -> Entry:
    ways, verdict = ways_text(comparison), comparison.verdict
    if result.expected or as_expected(comparison, result.expect, result.comparisons):
        return Entry(result, comparison.quantity, ways, Status.PASSED, verdict.value)
    expected = _EXPECTED[expected_of(result.expect, comparison.quantity)]
    refusals = [
        f"{side.label}: {message_text(value.note)}"
        for side, value in comparison.sides.items()
        if value.state is State.FAILED and value.note
    ]
    # That a side failed is the reason of a refusal; what it said tells more.
    why = refusals or [comparison.reason or ", ".join(comparison.diagnosis)]
    message = "; ".join(filter(None, (expected, *why)))
    status = Status.ERROR if verdict is Verdict.ERROR else Status.FAILED
    findings = tuple(finding.words for finding in comparison.findings)
    return Entry(result, comparison.quantity, ways, status, verdict.value, message, findings)


def word_of(result: ScenarioResult) -> str:
    """What kind of failure a scenario is, in a word: the verdict of its first comparison that is not as expected.

    It is what a framework did instead where nothing was compared.
    """
    return next(entry.word for entry in entries(result) if entry.status is not Status.PASSED)


def title(result: ScenarioResult) -> str:
    """The scenario's name on one line, never empty."""
    return printable(result.name).strip() or "a scenario without a name"


def repository_path(file: str) -> str:
    """A file as seen from the root of the repository, where GitHub and GitLab say which it is, else from here.

    Slashes are forward ones.
    """
    root = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR") or os.curdir
    try:
        path = os.path.relpath(file, root)
    except ValueError:  # no path at all, or one on another drive
        path = file
    return printable(path.replace(os.sep, "/")).strip() or "no file"


def problem_text(problem: Problem) -> str:
    """The message on one line, never empty."""
    return printable(problem.message).strip() or "a problem without a message"


def scenario_text(result: ScenarioResult, environment: Mapping[str, str], *, known: bool = True) -> str:
    """The scenario's table as plain text, without blanks at the ends of its lines.

    `known` says whether the known differences stand below it in full.
    """
    text = io.StringIO()
    print_scenario(result, dict(environment), plain_console(text, width=FILE_WIDTH), known=known)
    return "\n".join(line.rstrip() for line in printable_lines(text.getvalue()).splitlines()).strip("\n")


def known_lines(result: ScenarioResult) -> Iterator[str]:
    """The known differences that explain what does not agree, and what to write instead, a line each."""
    for row in known_differences(result.explanations):
        yield printable(f"known difference {row.name}: {row.what}")
        yield from (printable(f"{head}: {code}") for head, code in row.write)
        yield printable(f"shown by: {row.proof}")
