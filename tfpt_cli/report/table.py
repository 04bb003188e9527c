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

from tfpt_cli.report.console import STATUS_STYLES, VERDICT_STYLES, plain_console
from tfpt_cli.report.line import MANY, print_end, print_line, problem_line
from tfpt_cli.report.models_table import depth_lines, table_of_lines
from tfpt_cli.report.numbers import differing_digits
from tfpt_cli.report.reasons import first_sentence
from tfpt_cli.report.view import About, Cell, Part, ReferenceCell, Row, ScenarioView, view
from tfpt_cli.report.words import agreement, parted, verdict_lines
from tfpt_cli.results import Problem, Report, ScenarioResult, Status, printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tfpt_cli.frameworks import Side
    from tfpt_cli.report.reasons import Reason


_WHY_STYLES = {About.MISMATCH: "red", About.BOTH_WRONG: "yellow", About.FAILURE: "magenta"}
_PART_STYLES = {Part.SAMPLES: "cyan", Part.MAGNITUDES: "dim"}
# Of the digits at which two numbers part; the line shows without colour too.
_APART = "bold underline red"
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
    known: bool = True,
) -> RenderableType:
    """The block of one scenario for a terminal of `width` columns: name, the reason where it failed, table, details, status.

    With `verbose` also what the verdicts were made of; with `known` the known differences in full.
    """
    shown = view(result)
    parts: list[RenderableType] = [*_title(result, width)]
    if shown.reason is not None:
        parts.append(_reason(result.status, shown.reason))
    parts += [Text(printable(line)) for line in result.headline.splitlines() if not result.name.startswith(line)]
    if shown.rows:
        table = _table if width >= _NARROWEST else _stacked
        parts.append(table(shown, environment, width, ascii_only))
    parts += depth_lines(result.layers, width, ascii_only=ascii_only)
    parts += [table_of_lines(rows, head, width, ascii_only=ascii_only) for head, rows in shown.tables]
    parts += [_indented(words, _WHY_STYLES.get(about, "dim")) for about, words in shown.why]
    if verbose:
        parts += _measured(shown)
        parts += [_indented_lines(failure.traceback) for failure in result.failures if failure.traceback]
    parts += _explanations(shown) if known else ()
    parts.append(Text(f"{result.status.value}: {printable(shown.words)}", STATUS_STYLES[result.status]))
    return Group(*parts, "")


def _reason(status: Status, reason: Reason) -> Text:
    """What parts, why, and what to write, in one sentence."""
    styles = {"told": STATUS_STYLES[status], "ids": "bold", "code": "cyan"}
    pieces = ((printable(text), styles.get(kind, "")) for text, kind in reason.pieces())
    return Text.assemble(f"{status.value}: ", *pieces)


def _explanations(shown: ScenarioView) -> Iterator[RenderableType]:
    """The known differences that explain what does not agree; where the scenario says so itself, their names alone.

    Of the one that the reason tells, only what the reason leaves out.
    """
    if shown.result.expected or not shown.parted:
        if shown.known:
            yield _indented(f"known difference: {', '.join(known.name for known in shown.known)}", "dim")
        return
    told = shown.reason.known[:1] if shown.reason is not None else ()
    for known in shown.known:
        what = known.what[len(first_sentence(known.what)) :].lstrip(". ") if known.name in told else known.what
        yield _indented(f"known difference {known.name}: {' '.join(filter(None, (what, known.why)))}", "bold")
        for head, code in known.write if known.name not in told else ():
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


def _title(result: ScenarioResult, width: int) -> Iterator[RenderableType]:
    """The name with its place in a file. Of what is in none, nothing where the name is the code that the headline shows."""
    name = printable(result.name)
    if not result.line:
        if not all(part in result.headline for part in result.name.split(" and ")):
            yield Text(name, "bold")
        return
    place = f"{printable(result.file)}:{result.line}"
    gap = width - cell_len(name) - cell_len(place)  # a Chinese character is two columns wide
    if gap >= _GAP:
        yield Text.assemble((name, "bold"), " " * gap, (place, "dim"))
    else:
        yield Text(name, "bold")
        yield Text(place, "dim")


def _stacked(shown: ScenarioView, environment: dict[str, str], width: int, ascii_only: bool) -> RenderableType:
    """The rows of `_table` below each other, for a width at which no name and no number would fit on its line."""
    parts: list[RenderableType] = []
    for row in shown.rows:
        name, *layout = _quantity_lines(row, width - 2)
        parts.append(Text.assemble((f" {name}  ", "bold"), (", ".join(row.words), VERDICT_STYLES[row.verdict])))
        parts += [Padding(Text(line), (0, 0, 0, 1)) for line in layout]
        for side, cells in _sides(row, width - 2, ascii_only).items():
            parts.append(Padding(Text(_titled(side, environment), "dim"), (0, 0, 0, 1)))
            parts.append(Padding(cells, (0, 0, 0, 2)))
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
    verdict = max([verdict, *(len(word) for row in shown.rows for word in _method_lines(row))])
    verdict = min(verdict, max(width // 4, 22))
    longest = max(len(line) for row in shown.rows for line in _quantity_lines(row, 99))
    name = min(longest, max(width // 6, 8))
    if any(row.reference for row in shown.rows):
        name = max(name, len("reference"))
    cell = min(max((width - name - verdict - 3 * _GAP - 1) // 2, 8), _WIDEST)
    titles = [_titled(side, environment).strip() for side in shown.rows[0].cells]
    parts: list[RenderableType] = []
    for row in shown.rows:
        texts = [*_sides(row, cell, ascii_only).values()]
        lines = [f" {line}" for line in _quantity_lines(row, name)]
        words = Text("\n".join(row.words), VERDICT_STYLES[row.verdict])
        widths = [name + 1, cell, cell, verdict]
        parts.append(_line(widths, [Text("\n".join(lines)), *texts, words], () if parts else ("", *titles, "")))
        if row.reference:
            parts.append(_reference_line(row, name + 1, cell, verdict))
    return Group(*parts)


def _reference_line(row: Row, name: int, cell: int, verdict: int) -> Table:
    """The reference's numbers: each side's own function in its column, what is of both below both."""
    method = Text("\n".join(_method_lines(row)), "dim")
    if any(each.side is not None for each in row.reference):
        texts = [_reference_text(each, cell) for each in row.reference]
        return _line([name, cell, cell, verdict], [Text(" reference\n of each", "dim"), *texts, method])
    room = cell * 2 + _GAP
    text = Text("\n").join(_reference_text(each, room) for each in row.reference)
    return _line([name, room, verdict], [Text(" reference", "dim"), text, method])


def _method_lines(row: Row) -> list[str]:
    """How the reference has its numbers, in lines for a narrow column."""
    return re.split("[,;] ", row.method)


def _line(widths: Sequence[int], cells: Sequence[Text], titles: Sequence[str] = ()) -> Table:
    """One line of the table, its columns of these widths, below their titles where it is the first."""
    table = Table(
        box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_edge=False, header_style="dim", show_header=bool(titles)
    )
    for width, title in zip(widths, titles or [""] * len(widths), strict=True):
        table.add_column(title, width=width, overflow="fold")
    table.add_row(*cells)
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


def _sides(row: Row, width: int, ascii_only: bool) -> dict[Side, Text]:
    """Each side's column of a row; where the sides part, the digits at which they do are marked."""
    spans: Sequence[Sequence[Sequence[tuple[int, int]]]] = [(), ()]
    if row.digits_part:
        lines = [
            [line for part, line in cells[0].numbers(width) if part is Part.VALUES] for cells in row.cells.values()
        ]
        spans = differing_digits(*lines)
    return {
        side: _cells(cells, width, ascii_only, marked)
        for (side, cells), marked in zip(row.cells.items(), spans, strict=True)
    }


def _cells(cells: Iterable[Cell], width: int, ascii_only: bool, marked: Sequence[Sequence[tuple[int, int]]]) -> Text:
    """One side by every way that it has a quantity by, the numbers again only where they are not the same."""
    first, *others = cells
    text = _cell_text(first, width, ascii_only, marked)
    for cell in others:
        text.append("\n")
        same = cell.same and cell.shape
        text.append_text(Text(f"same by {cell.how}", "dim italic") if same else _cell_text(cell, width, ascii_only))
    return text


def _cell_text(cell: Cell, width: int, ascii_only: bool, marked: Sequence[Sequence[tuple[int, int]]] = ()) -> Text:
    """What one side has: shape and dtype, numbers while they are few, else their summary; how it was computed.

    `marked` has, for each line of numbers, the spans that stand out.
    """
    lines, found = [], iter(marked)
    for part, line in cell.numbers(width, ascii_only=ascii_only):
        lines.append((part, Text(line, _PART_STYLES.get(part, ""))))
        for start, end in next(found, ()) if part is Part.VALUES else ():
            lines[-1][1].stylize(_APART, start, end)
    if cell.state or not cell.shape:
        alone = next((line for part, line in lines if part is Part.VALUES), Text("?"))
        return _with_how(Text(cell.state, "bold") if cell.state else alone, cell.how, width)
    text = _with_how(Text.assemble((cell.shape, "dim")), cell.how, width)  # the numbers stay bright
    if cell.gates:
        text.append(f"\n{cell.gates}", "dim")
    for _, shown in lines:
        text.append("\n").append_text(shown)
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


def report_text(report: Report) -> str:
    """The whole report as plain text, as wide as COLUMNS says."""
    text = io.StringIO()
    console = plain_console(text)
    printer = Printer(console, report.environment)
    for result in report.scenarios:
        printer.print(result, in_a_line=result.expected and len(report.scenarios) > MANY)
    print_end(report, console)
    return text.getvalue()


class Printer:
    """Prints scenarios one after another, as tables or as lines; a table stands apart from the lines before it."""

    def __init__(self, console: Console, environment: dict[str, str], *, verbose: bool = False) -> None:
        self.console, self.environment, self.verbose = console, environment, verbose
        self._below_lines = False

    def print(self, result: ScenarioResult, *, in_a_line: bool) -> None:
        """Prints one scenario."""
        if in_a_line:
            print_line(result, self.console)
        else:
            if self._below_lines:
                self.console.print()
            print_scenario(result, self.environment, self.console, verbose=self.verbose)
        self._below_lines = in_a_line


def print_scenario(
    result: ScenarioResult, environment: dict[str, str], console: Console, *, verbose: bool = False, known: bool = True
) -> None:
    """One scenario, as wide as the console; `verbose` and `known` are those of `scenario_table`."""
    ascii_only = not console.encoding.lower().startswith("utf")
    width = console.width
    console.print(scenario_table(result, environment, width, ascii_only=ascii_only, verbose=verbose, known=known))
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
