"""The report for a comment on a pull request or the summary of a job.

What comes from a file or a framework stands in elements `code` and `pre` of HTML blocks without a blank line. Markdown reads
nothing there, so that only HTML's own characters need care; and what GitHub and GitLab do with the text of a page afterwards
(mentions, references, emoji) leaves these elements alone.
"""

from __future__ import annotations

import html
from collections import Counter
from typing import TYPE_CHECKING

from tfpt_cli.report.entries import entries, problem_text, repository_path, scenario_text, title
from tfpt_cli.report.reasons import reason_of
from tfpt_cli.report.view import known
from tfpt_cli.report.words import problem_count, status_counts
from tfpt_cli.results import Report, ScenarioResult, Status, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Bytes. GitHub takes a comment of 65,536 characters and a summary of 1 MiB a step, in which several runs may write.
LIMIT = 64_000
_AFTER_PROBLEMS = 0.2
_AFTER_ROWS = 0.5
_AFTER_DETAILS = 0.9
# Of one cell, and of the table of one scenario.
_LONGEST = 400
_MOST_LINES = 80


def report_text(report: Report) -> str:
    """Counts and versions, what is not as expected with its details, and how many passed; cut to a size that is taken."""
    page = _Page()
    page.add(f"## tfpt: {_counts(report)}\n\n<p>{_circumstances(report)}</p>\n")
    unexpected = list(report.unexpected)
    rows = [_row(result) for result in unexpected]
    problems = [(_place(p.file, p.line, p.column), _code(problem_text(p))) for p in report.problems]
    page.table("problems in the files", ("place", "problem"), problems, _AFTER_PROBLEMS)
    page.table("not as expected", ("scenario", "status", "reason", "write"), rows, _AFTER_ROWS)
    page.blocks("details", (_details(r, report.environment) for r in unexpected), len(unexpected), _AFTER_DETAILS)
    skipped = [r for r in report.scenarios if r.status is Status.SKIPPED]
    reasons = [f"{_code(title(r))} ({_place(r.file, r.line)}): {_code(entries(r)[0].message)}" for r in skipped]
    page.collapsed(f"{len(skipped)} skipped", reasons, (1 + _AFTER_DETAILS) / 2)
    passed = Counter(repository_path(r.file) for r in report.scenarios if r.status is Status.PASSED)
    page.collapsed(f"{passed.total()} passed", [f"{_code(file)}: {count}" for file, count in passed.items()], 1)
    return page.text()


class _Page:
    """Text that grows up to the limit; each part may fill it up to a share, and says how much of it is left out."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.size = 0

    def add(self, part: str) -> None:
        self.parts.append(part)
        self.size += len(part.encode()) + 1

    def text(self) -> str:
        return "\n".join(self.parts)

    def fitting(self, blocks: Iterable[str], share: float) -> list[str]:
        """The first of the blocks, as many as the share of the page has room for; later ones are not even made."""
        found = []
        room = LIMIT * share - self.size - 400  # for what stands around them
        for block in blocks:
            room -= len(block.encode()) + 1
            if room < 0:
                break
            found.append(block)
        return found

    def table(self, name: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]], share: float) -> None:
        if not rows:
            return
        lines = (f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        shown = self.fitting(lines, share)
        titles = "".join(f"<th>{cell}</th>" for cell in head)
        self.add("\n".join([f"<p><b>{name}</b></p>\n\n<table>\n<tr>{titles}</tr>", *shown, "</table>\n"]))
        self.left_out(len(rows) - len(shown), name)

    def blocks(self, name: str, blocks: Iterable[str], count: int, share: float) -> None:
        shown = self.fitting(blocks, share)
        for block in shown:
            self.add(block)
        self.left_out(count - len(shown), name)

    def collapsed(self, name: str, items: list[str], share: float) -> None:
        if not items:
            return
        shown = self.fitting((f"<li>{item}</li>" for item in items), share)
        self.add("\n".join([f"<details>\n<summary>{name}</summary>\n<ul>", *shown, "</ul>\n</details>\n"]))
        self.left_out(len(items) - len(shown), name)

    def left_out(self, count: int, name: str) -> None:
        if count:
            self.add(f"<p>{count} more left out here ({name}): the report would be too long.</p>\n")


def _counts(report: Report) -> str:
    counts = [words for words, _ in status_counts(report)]
    if report.problems:
        counts.append(problem_count(report))
    return ", ".join(counts) or "no scenario checked"


def _circumstances(report: Report) -> str:
    """Whether the run came to its end, its time and its versions."""
    labels = {**{side.key: side.label for side in report.sides}, "keras": "Keras", "python": "Python"}
    versions = [
        f"{label} {_code(report.environment[key])}" for key, label in labels.items() if key in report.environment
    ]
    said = []
    if report.interrupted:
        said.append(f"<b>interrupted: {len(report.scenarios)} of {report.selected} scenarios were checked</b>")
    if report.stopped:
        said.append("<b>stopped after as many failures as were allowed</b>")
    if report.deselected:
        said.append(f"{report.deselected} not chosen")
    return ", ".join([*said, *versions, f"{report.seconds:.1f} s"])


def _row(result: ScenarioResult) -> tuple[str, ...]:
    """Name and place, the reason, and what to write."""
    reason = reason_of(result)
    assert reason is not None
    known = "".join(f" {_code(name)}" for name in reason.known)
    write = "<br>".join(f"{_code(code)} in {_code(where)}" for where, code in reason.write)
    name = f"{_code(title(result))}<br>{_place(result.file, result.line)}"
    return name, f"<b>{result.status.value}</b>", f"{_code(reason.told)}{known}", write


def _details(result: ScenarioResult, environment: Mapping[str, str]) -> str:
    # The known differences come below it, where they wrap.
    table = scenario_text(result, environment, known=False)
    lines = table.splitlines()
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"... and {len(lines) - _MOST_LINES} more lines"]
    parts = [
        "<details>",
        f"<summary><b>{result.status.value}</b> {_code(title(result))}</summary>",
        # A blank line would end the block, and what follows would be read as Markdown.
        "<pre>" + "\n".join(_escaped(line) or "&#32;" for line in lines) + "</pre>",
    ]
    for row in known(result.explanations):
        parts.append(f"<p>known difference {_code(row.name)}: {_prose(f'{row.what} {row.why}')}</p>")
        parts.append("<ul>")
        parts += [f"<li>{_prose(head)}: {_code(code)}</li>" for head, code in row.write]
        parts.append(f"<li>shown by: {_code(row.proof)}</li>\n</ul>")
    return "\n".join([*parts, "</details>\n"])


def _place(file: str, line: int, column: int = 0) -> str:
    return _code(":".join([repository_path(file), *(str(number) for number in (line, column) if number)]))


def _code(text: str) -> str:
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."
    return f"<code>{_escaped(text)}</code>" if text else ""


def _prose(text: str) -> str:
    """Words of tfpt's own: a space without width keeps a decorator from being taken for a person, and a number for an issue."""
    return _escaped(" ".join(text.split())).replace("@", "@&#8203;").replace("&#35;", "&#35;&#8203;")


def _escaped(text: str) -> str:
    """One line of HTML text that also holds no workflow command, should it be printed to a job's log."""
    return html.escape(printable(text), quote=False).replace("#", "&#35;").replace("::", "&#58;&#58;")
