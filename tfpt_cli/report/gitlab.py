"""The report as GitLab's Code Quality artifact: a JSON list of what is not as expected."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from tfpt_cli.report.entries import problem_text, repository_path, title, word_of
from tfpt_cli.report.reasons import reason_of
from tfpt_cli.results import Report, Status, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEVERITIES = {Status.FAILED: "major", Status.ERROR: "critical"}


def report_text(report: Report) -> str:
    """The issues as JSON in ASCII characters alone, with a line end; an empty list where all is as expected."""
    seen: Counter[tuple[str, ...]] = Counter()
    issues = []
    for issue, identity in _found(report):
        seen[identity] += 1
        # The line and what was measured stay out of it: the same issue is known again after another edit or on another machine.
        told_apart = "\0".join((*identity, str(seen[identity])))
        issues.append({**issue, "fingerprint": hashlib.sha256(told_apart.encode("utf-8", "replace")).hexdigest()})
    return json.dumps(issues, indent=1) + "\n"


def _found(report: Report) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Every issue, and what makes it the same one in another run."""
    for problem in report.problems:
        path = repository_path(problem.file)
        text = problem_text(problem)
        yield _issue(text, "problem", "blocker", path, problem.line), (path, "problem", text)
    for result in report.scenarios:
        reason = reason_of(result)
        if reason is None:
            continue
        path, word = repository_path(result.file), printable(word_of(result))
        text = f"{title(result)}: {printable(reason.sentence)}"
        yield _issue(text, word, _SEVERITIES[result.status], path, result.line), (path, title(result), word)


def _issue(text: str, word: str, severity: str, path: str, line: int) -> dict[str, Any]:
    return {
        "description": text,
        "check_name": f"tfpt/{word.replace(' ', '-')}",
        "severity": severity,
        "location": {"path": path, "lines": {"begin": max(line, 1)}},
    }
