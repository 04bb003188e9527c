"""The report for people: one table a scenario, both frameworks side by side."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tfpt_cli.report.console import plain_console
from tfpt_cli.report.view import About, Cell, Part, ReferenceCell, Row, ScenarioView, view
from tfpt_cli.report.words import agreement, parted, summary_parts, verdict_lines
from tfpt_cli.results import Problem, Report, ScenarioResult, Status, Verdict, printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tfpt_cli.frameworks import Side


VERDICT_STYLES = {
    Verdict.IDENTICAL: "green",
    Verdict.CLOSE: "green",
    Verdict.SAME_DISTRIBUTION: "green",
    Verdict.DIFFERS: "bold red",
    Verdict.ERROR: "bold magenta",
}
STATUS_STYLES = {
    Status.PASSED: "bold green",
    Status.FAILED: "bold red",
    Status.ERROR: "bold magenta",
    Status.SKIPPED: "yellow",
}
_WHY_STYLES = {About.MISMATCH: "red", About.BOTH_WRONG: "yellow", About.FAILURE: "magenta"}
_PART_STYLES = {Part.SAMPLES: "cyan", Part.MAGNITUDES: "dim"}
# Of the parts of the last line.
_SUMMARY_STYLES = {
    **{str(status): style for status, style in STATUS_STYLES.items()},
    "warning": "bold yellow",
    "nothing": "yellow",
    "problems": "bold red",
    "more": "dim",
}
_GAP = 2
# On narrower consoles both sides stand below each other.
_NARROWEST = 60
# Wider columns would only move the verdict away from what it judges.
_WIDEST = 52


def scenario_table(
    result: ScenarioResult,
    environment: dict[str, str],
    width: int,
    *,
    ascii_only: bool = False,
    verbose: bool = False,
) -> RenderableType:
    """The block of one scenario for a terminal of `width` columns: name, table, reasons, status.

    With `verbose` also what the verdicts were made of.
    """
    shown = view(result)
    parts: list[RenderableType] = [*_head(result, width)]
    if shown.rows:
        table = _table if width >= _NARROWEST else _stacked
        parts.append(table(shown, environment, width, ascii_only))
    parts += [_indented(words, _WHY_STYLES.get(about, "dim")) for about, words in shown.why]
    if verbose:
        parts += _measured(shown)
        parts += [_indented_lines(failure.traceback) for failure in result.failures if failure.traceback]
    parts.append(Text(f"{result.status.value}: {printable(shown.words)}", STATUS_STYLES[result.status]))
    parts += _explanations(shown)
    return Group(*parts, "")


def _explanations(shown: ScenarioView) -> Iterator[RenderableType]:
    """The known differences that explain what does not agree; where the scenario says so itself, their names alone."""
    if shown.result.expected or not shown.parted:
        if shown.known:
            yield _indented(f"known difference: {', '.join(known.name for known in shown.known)}", "dim")
        return
    for known in shown.known:
        yield _indented(f"known difference {known.name}: {known.what} {known.why}".strip(), "bold")
        for head, code in known.write:
            yield Padding(Text(printable(f"{head}: {code}"), "cyan"), (0, 0, 0, 4))
        if known.source:
            yield Padding(Text(f"source: {printable(known.source)}", "dim"), (0, 0, 0, 4))
        yield Padding(Text(f"shown by: {known.proof}", "dim"), (0, 0, 0, 4))
    if shown.unexplained:
        yield _indented(f"no known difference explains {', '.join(shown.unexplained)}", "yellow")


def _measured(shown: ScenarioView) -> Iterator[RenderableType]:
    """The lines under each verdict: the tolerance, the distances, the statistical tests; and the time it took."""
    for made in shown.measured:
        words = []
        measure, judged = made.measure, made.distribution
        if made.tolerance:
            words.append(f"rtol {made.tolerance['rtol']:g}, atol {made.tolerance['atol']:g}")
        if measure is not None and measure.max_abs is not None:
            words.append(f"{measure.mismatched} of {measure.size} off, at most {measure.max_abs:.3g}")
            if made.passes:
                words.append(f"{made.passes} would pass")
        if judged is not None:
            tests = ", ".join(f"{test.name} {test.on} p={test.p:.2g}" for test in judged.tests)
            words.append(f"level {judged.level:g} over {len(judged.tests)} tests: {tests}")
        if words:
            yield _indented(f"{made.name}: {'; '.join(words)}", "dim")
    yield _indented(f"{shown.result.seconds:.3f} s in the slower framework", "dim")


def listing_parts(result: ScenarioResult) -> Iterator[Text]:
    """The code that ran, where a scenario is not as expected; to be printed without wrapping, since it is to be copied."""
    if result.expected:
        return
    for side, script in result.listings.items():
        yield Text(f"the code of {side.label}", "bold")
        yield _code(f"{script}\n")


def _code(text: str) -> Text:
    """Lines as they are: padding would cut them at the width of the console."""
    return Text("\n".join(f"  {line}".rstrip() for line in printable_lines(text).splitlines()), "cyan")


def _head(result: ScenarioResult, width: int) -> Iterator[RenderableType]:
    place = printable(result.file) + (f":{result.line}" if result.line else "")
    name = printable(result.name)
    gap = width - cell_len(name) - cell_len(place)  # a Chinese character is two columns wide
    if gap >= _GAP:
        yield Text.assemble((name, "bold"), " " * gap, (place, "dim"))
    else:
        yield Text(name, "bold")
        yield Text(place, "dim")
    for line in result.headline.splitlines():
        yield Text(printable(line))


def _stacked(shown: ScenarioView, environment: dict[str, str], width: int, ascii_only: bool) -> RenderableType:
    """The rows of `_table` below each other, for a width at which no name and no number would fit on its line."""
    parts: list[RenderableType] = []
    for row in shown.rows:
        name, *layout = _quantity_lines(row, width - 2)
        parts.append(Text.assemble((f" {name}  ", "bold"), (", ".join(row.words), VERDICT_STYLES[row.verdict])))
        parts += [Padding(Text(line), (0, 0, 0, 1)) for line in layout]
        for side, cells in row.cells.items():
            parts.append(Padding(Text(_titled(side, environment), "dim"), (0, 0, 0, 1)))
            parts.append(Padding(_cells(cells, width - 2, ascii_only), (0, 0, 0, 2)))
        if row.reference:
            parts.append(Padding(Text(f"reference: {row.method}", "dim"), (0, 0, 0, 1)))
            everyone = all(cell.lines(width - 2) for cell in row.reference)
            for cell in row.reference:
                words = f"of {cell.side.label}'s code\n" if cell.side is not None and everyone else ""
                if text := _reference_text(cell, width - 2):
                    parts.append(Padding(Text(words, "dim").append_text(text), (0, 0, 0, 2)))
    return Group(*parts)


def _titled(side: Side, environment: Mapping[str, str]) -> str:
    """The label of a side with its version, as in `PyTorch 2.13.0`."""
    return f"{side.label} {environment.get(side, '').split('+')[0]}"


def _table(shown: ScenarioView, environment: dict[str, str], width: int, ascii_only: bool) -> RenderableType:
    # Ways that share a row may be apart by unequal distances; the column has room for each.
    verdict = max(len(line) for c in shown.result.comparisons for line in verdict_lines(c))
    verdict = max([verdict, *(len(word) for row in shown.rows for word in row.method.split(", "))])
    verdict = min(verdict, max(width // 4, 22))
    longest = max(len(line) for row in shown.rows for line in _quantity_lines(row, 99))
    name = min(longest, max(width // 6, 8))
    if any(row.reference for row in shown.rows):
        name = max(name, len("reference"))
    cell = min(max((width - name - verdict - 3 * _GAP - 1) // 2, 8), _WIDEST)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_edge=False, header_style="dim")
    table.add_column("", width=name + 1, overflow="fold")
    for side in shown.rows[0].cells:
        table.add_column(_titled(side, environment).strip(), width=cell, overflow="fold")
    table.add_column("", width=verdict, overflow="fold")
    for row in shown.rows:
        cells = [_cells(ways, cell, ascii_only) for ways in row.cells.values()]
        lines = [f" {line}" for line in _quantity_lines(row, name)]
        table.add_row(Text("\n".join(lines)), *cells, Text("\n".join(row.words), VERDICT_STYLES[row.verdict]))
        if row.reference:
            texts = [_reference_text(each, cell) for each in row.reference]
            texts += [Text("")] * (len(row.cells) - len(texts))
            table.add_row(Text(" reference", "dim"), *texts, Text("\n".join(row.method.split(", ")), "dim"))
    return table


def _quantity_lines(row: Row, width: int) -> list[str]:
    lines = [printable(row.quantity)]
    if row.layout:
        layout = printable(row.layout)
        left, right = (part.strip() for part in layout.split("->"))
        lines += [layout] if len(layout) <= width else [*_wrapped(f"{left} ->", width), *_wrapped(right, width)]
    return lines


def _wrapped(axes: str, width: int) -> list[str]:
    """One side of a layout on lines of a width, broken between axes and never within a group of them."""
    lines = [""]
    for group in re.findall(r"\([^()]*\)|\S+", axes):
        fits = len(f"{lines[-1]} {group}") <= width or not lines[-1]
        lines = [*lines[:-1], f"{lines[-1]} {group}".strip()] if fits else [*lines, group]
    return lines


def _cells(cells: Iterable[Cell], width: int, ascii_only: bool) -> Text:
    """One side by every way that it has a quantity by, the numbers again only where they are not the same."""
    first, *others = cells
    text = _cell_text(first, width, ascii_only)
    for cell in others:
        text.append("\n")
        same = cell.same and cell.shape
        text.append_text(Text(f"same by {cell.how}", "dim italic") if same else _cell_text(cell, width, ascii_only))
    return text


def _cell_text(cell: Cell, width: int, ascii_only: bool) -> Text:
    """What one side has: shape and dtype, numbers while they are few, else their summary; how it was computed."""
    numbers = list(cell.numbers(width, ascii_only=ascii_only))
    if cell.state or not cell.shape:
        alone = next((line for part, line in numbers if part is Part.VALUES), "?")
        return _with_how(Text(cell.state, "bold") if cell.state else Text(alone), cell.how, width)
    text = _with_how(Text.assemble((cell.shape, "dim")), cell.how, width)  # the numbers stay bright
    if cell.gates:
        text.append(f"\n{cell.gates}", "dim")
    for part, line in numbers:
        text.append(f"\n{line}", _PART_STYLES.get(part, ""))
    return text


def _with_how(text: Text, how: str, width: int) -> Text:
    if how:
        separator = "  " if len(text.plain) + 2 + len(how) <= width else "\n"
        text.append(separator + how, "dim italic")
    return text


def _reference_text(cell: ReferenceCell, width: int) -> Text:
    text = "\n".join(filter(None, [cell.words, *cell.lines(width)]))
    return Text(text, "cyan" if text else "")


def _indented(words: str, style: str) -> Padding:
    return Padding(Text(printable(words), style), (0, 0, 0, 2))


def _indented_lines(text: str) -> Padding:
    return Padding(Text(printable_lines(text.rstrip()), "dim"), (0, 0, 0, 4))


def problem_line(problem: Problem) -> Text:
    """`file:line:column: message`, the place in bold."""
    text = printable(str(problem))
    place = text[: len(text) - len(printable(problem.message))]
    return Text.assemble((place, "bold"), (printable(problem.message), "red"))


def report_text(report: Report) -> str:
    """The whole report as plain text, as wide as COLUMNS says."""
    text = io.StringIO()
    console = plain_console(text)
    for result in report.scenarios:
        print_scenario(result, report.environment, console)
    print_end(report, console)
    return text.getvalue()


def print_scenario(
    result: ScenarioResult, environment: dict[str, str], console: Console, *, verbose: bool = False
) -> None:
    """One scenario, as wide as the console."""
    ascii_only = not console.encoding.lower().startswith("utf")
    console.print(scenario_table(result, environment, console.width, ascii_only=ascii_only, verbose=verbose))
    if verbose:
        for part in listing_parts(result):
            console.print(part, soft_wrap=True)


def print_preview(
    name: str, changed: Sequence[str], problems: Sequence[Problem], result: ScenarioResult | None, console: Console
) -> None:
    """What recipes change in a scenario, and what is left then; `name` is that of their known differences."""
    console.print(Text(f"the recipe of {name}", "bold"))
    console.print(_code("\n".join(changed)), soft_wrap=True)
    for problem in problems:
        console.print(problem_line(problem), soft_wrap=True)
    if result is None:
        console.print(Text("cannot be put in" if problems else "was not checked", "bold yellow"))
    elif result.agree:
        console.print(Text(f"with it {agreement(result)}", "bold green"))
    else:
        off = parted(result)
        all_of = dict.fromkeys(comparison.quantity for comparison in result.comparisons)
        console.print(Text(f"with it {len(off)} of {len(all_of)} still differ{'s' * (len(off) == 1)}", "bold red"))
        for line in _left(result):
            console.print(_indented(line, ""))
    console.print()


def _left(result: ScenarioResult) -> Iterator[str]:
    """What does not agree yet, a line for each quantity, and each refusal."""
    for quantity in parted(result):
        reason = next(c.reason for c in result.comparisons if c.quantity == quantity and not c.verdict.agrees)
        yield f"{quantity}: {reason}"
    yield from (f"{failure.side.label}: {failure.message}" for failure in result.failures)


def print_end(report: Report, console: Console) -> None:
    """The problems of the files, and the last line."""
    for problem in report.problems:
        console.print(problem_line(problem), soft_wrap=True)
    if report.problems:
        console.print()
    console.print(Text.assemble(*((words, _SUMMARY_STYLES.get(kind, "")) for words, kind in summary_parts(report))))
