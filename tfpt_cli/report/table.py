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

from tfpt_cli.frameworks import FRAMEWORKS, Side
from tfpt_cli.report.console import plain_console
from tfpt_cli.report.numbers import array_lines, digits_apart, summary_lines
from tfpt_cli.results import (
    INTERNAL,
    MANY_ULP,
    Against,
    Comparison,
    Explanation,
    Failure,
    Kind,
    Problem,
    Reference,
    Report,
    ScenarioResult,
    SideValue,
    Standing,
    State,
    Status,
    Verdict,
    printable,
    printable_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


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
# What a person reads for a word of the diagnosis; the empty ones are said otherwise.
_WORDS = {"distribution": "", "non-finite": "", "number": "", "disconnected": "None", "nan": "NaN"}
STATE_WORDS = {
    State.DISCONNECTED: "None",
    State.ABSENT: "no such parameter",
    State.FAILED: "failed",
    State.SKIPPED: "skipped",
}
_GAP = 2
# On narrower consoles both sides stand below each other.
_NARROWEST = 60
# Wider columns would only move the verdict away from what it judges.
_WIDEST = 52
# What TensorFlow puts around its messages: the node of a graph that a person never wrote.
_NOISE = re.compile(r"\{\{[^}]*\}\}|\[Op:\w+\](?: name:)?")


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
    parts: list[RenderableType] = [*_head(result, width)]
    if result.comparisons:
        table = _table if width >= _NARROWEST else _stacked
        parts.append(table(result, environment, width, ascii_only))
    parts += _reasons(result)
    if verbose:
        parts += _measured(result)
        parts += [_indented_lines(failure.traceback) for failure in result.failures if failure.traceback]
    parts.append(_status(result))
    parts += _explanations(result)
    return Group(*parts, "")


def _explanations(result: ScenarioResult) -> Iterator[RenderableType]:
    """The known differences that explain what does not agree; where the scenario says so itself, their names alone."""
    parted = {c.quantity for c in result.comparisons if not c.verdict.agrees}
    if result.expected or not parted:
        if result.explanations:
            yield _indented(f"known difference: {', '.join(known.name for known in result.explanations)}", "dim")
        return
    for known in result.explanations:
        yield _indented(f"known difference {known.name}: {known.what} {known.why}".strip(), "bold")
        for framework, text in known.write.items():
            yield Padding(Text(printable(f"write in {FRAMEWORKS[framework].label}: {text}"), "cyan"), (0, 0, 0, 4))
        if known.source:
            yield Padding(Text(f"source: {printable(known.source)}", "dim"), (0, 0, 0, 4))
        yield Padding(Text(f"shown by: {known.proof}", "dim"), (0, 0, 0, 4))
    if lacking := unexplained(result):
        yield _indented(f"no known difference explains {', '.join(lacking)}", "yellow")


def unexplained(result: ScenarioResult) -> list[str]:
    """The quantities that do not agree and that no known difference explains."""
    parted = {c.quantity for c in result.comparisons if not c.verdict.agrees}
    explained = {c.quantity for c in result.comparisons if c.known_differences}
    return [name for name in dict.fromkeys(c.quantity for c in result.comparisons) if name in parted - explained]


def _measured(result: ScenarioResult) -> Iterator[RenderableType]:
    """What each verdict was made of: the tolerance, the distances, the statistical tests; and the time it took."""
    for comparison in result.comparisons:
        words = []
        measured, judged = comparison.measure, comparison.distribution
        if comparison.tolerance:
            words.append(f"rtol {comparison.tolerance['rtol']:g}, atol {comparison.tolerance['atol']:g}")
        if measured is not None and measured.max_abs is not None:
            words.append(f"{measured.mismatched} of {measured.size} off, at most {measured.max_abs:.3g}")
            if measured.mismatched and measured.passes_at:
                words.append(
                    " or ".join(f"{name} {number:.2g}" for name, number in measured.passes_at.items()) + " would pass"
                )
        if judged is not None:
            tests = ", ".join(f"{test.name} {test.on} p={test.p:.2g}" for test in judged.tests)
            words.append(f"level {judged.level:g} over {len(judged.tests)} tests: {tests}")
        ways = " and ".join(dict.fromkeys(side.how for side in comparison.sides.values() if side.how))
        if words:
            yield _indented(f"{comparison.quantity}{f' ({ways})' if ways else ''}: {'; '.join(words)}", "dim")
    yield _indented(f"{result.seconds:.3f} s in the slower framework", "dim")


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


def _stacked(result: ScenarioResult, environment: dict[str, str], width: int, ascii_only: bool) -> RenderableType:
    """What `_table` shows, below each other: side by side no name and no number would fit on its line."""
    parts: list[RenderableType] = []
    for group in grouped(result.comparisons):
        first = group[0]
        verdict = ", ".join(verdict_text(first).splitlines())
        name, *layout = _quantity_lines(first, width - 2)
        parts.append(Text.assemble((f" {name}  ", "bold"), (verdict, VERDICT_STYLES[first.verdict])))
        parts += [Padding(Text(line), (0, 0, 0, 1)) for line in layout]
        for side in first.sides:
            cell = _ways(group, side, width - 2, ascii_only)
            parts.append(Padding(Text(f"{side.label} {_version(environment, side)}", "dim"), (0, 0, 0, 1)))
            parts.append(Padding(cell, (0, 0, 0, 2)))
        parted = next((comparison for comparison in group if disputed(comparison)), None)
        if parted is not None and parted.reference is not None:
            *cells, method = _reference_cells(parted, width - 2)
            parts.append(Padding(Text(f"reference: {', '.join(method.plain.splitlines())}", "dim"), (0, 0, 0, 1)))
            own = all(cell.plain for cell in cells) and parted.reference.one_sided is None
            for side, cell in zip(first.sides, cells, strict=True):
                if cell.plain:
                    words = Text(f"of {side.label}'s code\n" if own else "", "dim")
                    parts.append(Padding(words.append_text(cell), (0, 0, 0, 2)))
    return Group(*parts)


def _version(environment: dict[str, str], side: Side) -> str:
    return environment.get(side, "").split("+")[0]


def _table(result: ScenarioResult, environment: dict[str, str], width: int, ascii_only: bool) -> RenderableType:
    verdict = max(len(line) for c in result.comparisons for line in verdict_text(c).splitlines())
    methods = (c.reference.method for c in result.comparisons if c.reference is not None and disputed(c))
    verdict = max([verdict, *(len(word) for method in methods for word in method.split(", "))])
    verdict = min(verdict, max(width // 4, 22))
    longest = max(len(line) for c in result.comparisons for line in _quantity_lines(c, 99))
    name = min(longest, max(width // 6, 8))
    if any(disputed(comparison) for comparison in result.comparisons):
        name = max(name, len("reference"))
    cell = min(max((width - name - verdict - 3 * _GAP - 1) // 2, 8), _WIDEST)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_edge=False, header_style="dim")
    table.add_column("", width=name + 1, overflow="fold")
    sides = list(result.comparisons[0].sides)
    for side in sides:
        table.add_column(f"{side.label} {_version(environment, side)}".strip(), width=cell, overflow="fold")
    table.add_column("", width=verdict, overflow="fold")
    for group in grouped(result.comparisons):
        first = group[0]
        cells = [_ways(group, side, cell, ascii_only) for side in sides]
        shown = [f" {line}" for line in _quantity_lines(first, name)]
        table.add_row(Text("\n".join(shown)), *cells, Text(verdict_text(first), VERDICT_STYLES[first.verdict]))
        off = next((comparison for comparison in group if disputed(comparison)), None)
        if off is not None:
            table.add_row(Text(" reference", "dim"), *_reference_cells(off, cell))
    return table


def grouped(comparisons: Iterable[Comparison]) -> list[list[Comparison]]:
    """The comparisons of one quantity by several ways together, as long as their verdicts are the same."""
    groups: list[list[Comparison]] = []
    for comparison in comparisons:
        last = groups[-1][0] if groups else None
        key = comparison.quantity, comparison.verdict, comparison.diagnosis
        if last is not None and (last.quantity, last.verdict, last.diagnosis) == key:
            groups[-1].append(comparison)
        else:
            groups.append([comparison])
    return groups


def _ways(group: list[Comparison], side: Side, width: int, ascii_only: bool) -> Text:
    """One side of a group: what it has and every way in which it has it, values again only where they are not the same."""
    first, *others = {value.how: value for value in (comparison.sides[side] for comparison in group)}.values()
    text = _side_text(first, width, ascii_only, group[0].blocks.get(side, ()), _least(group[0]))
    for value in others:
        same = repr(value.values) == repr(first.values) and value.state is first.state and bool(value.shape)
        text.append("\n")
        text.append_text(Text(f"same by {value.how}", "dim italic") if same else _side_text(value, width, ascii_only))
    return text


def disputed(comparison: Comparison) -> bool:
    """Whether the reference's own numbers are worth a row: where the sides part, or agree and are off."""
    reference = comparison.reference
    return reference is not None and not (
        comparison.verdict.agrees and all(a.off == 0 for a in reference.sides.values())
    )


def _reference_cells(comparison: Comparison, width: int) -> Iterator[Text]:
    """What the reference has: once where both sides mean the same function, else of each side's own."""
    reference = comparison.reference
    assert reference is not None
    if reference.one_sided is not None:
        for word, values in zip(("left", "right"), reference.one_sided, strict=True):
            yield Text("\n".join([f"from the {word}", *(array_lines(values, width) or ["not shown"])]), "cyan")
        yield Text("\n".join(reference.method.split(", ")), "dim")
        return
    for place, side in enumerate(comparison.sides):
        values = reference.values.get(side, reference.values.get("") if place == 0 else None)
        if values is None:
            yield Text("")
            continue
        lines = array_lines(values, width, _least(comparison)) or ["not shown"]
        yield Text("\n".join(lines), "cyan")
    yield Text("\n".join(reference.method.split(", ")), "dim")


def _quantity_lines(comparison: Comparison, width: int) -> list[str]:
    lines = [printable(comparison.quantity)]
    if comparison.layout:
        layout = printable(comparison.layout)
        left, right = (part.strip() for part in layout.split("->"))
        if left != right:
            lines += [layout] if len(layout) <= width else [*_wrapped(f"{left} ->", width), *_wrapped(right, width)]
    return lines


def _wrapped(axes: str, width: int) -> list[str]:
    """One side of a layout on lines of a width, broken between axes and never within a group of them."""
    lines = [""]
    for group in re.findall(r"\([^()]*\)|\S+", axes):
        fits = len(f"{lines[-1]} {group}") <= width or not lines[-1]
        lines = [*lines[:-1], f"{lines[-1]} {group}".strip()] if fits else [*lines, group]
    return lines


def verdict_text(comparison: Comparison) -> str:
    """A verdict with its diagnosis, in words; how far apart both sides are where they are close."""
    words = [_WORDS.get(word, word) for word in comparison.diagnosis]
    words = [word for word in words if word]
    measured = comparison.measure
    if comparison.verdict is Verdict.CLOSE and measured is not None:
        ulps = f", {measured.max_ulp:,} ULP" if measured.max_ulp is not None and measured.max_ulp < MANY_ULP else ""
        return "\n".join(["close", f"{measured.max_abs:.1e}{ulps}", *words])
    return f"{comparison.verdict.value}: {', '.join(words)}" if words else comparison.verdict.value


def _least(comparison: Comparison) -> int:
    """With how many digits the numbers of both sides are to be shown, so that one sees that they part."""
    left, right = comparison.sides.values()
    shown = comparison.verdict is Verdict.DIFFERS and left.state is right.state is State.PRESENT
    return digits_apart(left.values, right.values) if shown and not (left.left_out or right.left_out) else 2


def _side_text(side: SideValue, width: int, ascii_only: bool, gates: tuple[str, ...] = (), least: int = 2) -> Text:
    """What one side has: shape and dtype, numbers while they are few, else their summary; how it was computed."""
    if side.state is not State.PRESENT:
        return _with_how(Text(STATE_WORDS[side.state], "bold"), side.how, width)
    lines = None if side.left_out else array_lines(side.values, width, least)
    if not side.shape:
        return _with_how(Text((lines or ["?"])[0]), side.how, width)
    shape = f"({', '.join(map(str, side.shape))}{',' if len(side.shape) == 1 else ''}) {side.dtype}"
    text = _with_how(Text.assemble((shape, "dim")), side.how, width)  # the numbers stay bright
    if gates:
        text.append(f"\ngates {' '.join(gates)}", "dim")
    if lines is not None:
        text.append("\n" + "\n".join(lines))
    summary = side.samples or (side.summary if lines is None else None)
    if summary is not None and side.dtype.startswith("complex"):
        text.append("\nof the magnitudes", "dim")
    if summary is not None:
        text.append(
            "\n" + "\n".join(summary_lines(summary, width, ascii_only=ascii_only)), "cyan" if side.samples else ""
        )
    elif lines is None:
        text.append("\nempty" if 0 in side.shape else "\nno finite value")
    return text


def _with_how(text: Text, how: str, width: int) -> Text:
    if how:
        separator = "  " if len(text.plain) + 2 + len(how) <= width else "\n"
        text.append(separator + how, "dim italic")
    return text


def _reasons(result: ScenarioResult) -> Iterator[Padding]:
    """A line for every comparison that has something to say, one for every failure, and the notes."""
    said = set()
    for comparison in result.comparisons:
        words = f"{comparison.quantity}: {comparison.reason}"
        if (
            comparison.reason
            and comparison.verdict in (Verdict.DIFFERS, Verdict.SAME_DISTRIBUTION, Verdict.ERROR)
            and words not in said
        ):
            said.add(words)
            yield _indented(words, "red" if comparison.verdict is Verdict.DIFFERS else "dim")
        for finding in comparison.findings:
            if finding.words not in said:
                said.add(finding.words)
                style = "yellow" if finding.kind is Kind.BOTH_WRONG else "dim"
                yield _indented(f"{comparison.quantity}: {finding.words}", style)
    if words := reference_line(result):
        yield _indented(words, "dim")
    for failure in result.failures:
        yield _indented(failure_text(failure), "magenta")
    for note in result.notes:
        yield _indented(note, "dim")


def failure_text(failure: Failure) -> str:
    """Who failed, how, where in its listing, and the framework's words, cut off where they are long.

    Of a mistake of tfpt's own what to do about it, whole.
    """
    if failure.symptom == INTERNAL:
        return " ".join(failure.message.split())
    place = f", line {failure.listing_line} of its listing" if failure.listing_line else ""
    return f"{failure.side.label} ({failure.symptom}{place}): {message_text(failure.message)}"


def message_text(message: str) -> str:
    """What a framework said, on one line and of a length that a person reads."""
    text = " ".join(_NOISE.sub("", message).split())
    return text if len(text) <= 400 else text[:400] + " ..."


def reference_line(result: ScenarioResult) -> str:
    """How far both sides are from the reference where nothing is wrong, a phrase for each quantity."""
    phrases: dict[str, str] = {}
    for comparison in result.comparisons:
        reference = comparison.reference
        if reference is None or disputed(comparison) or comparison.quantity in phrases:
            continue
        found = {_off_text(against, reference): None for against in reference.sides.values()}
        phrases[comparison.quantity] = f"{comparison.quantity} {' and '.join(found)}"
    return f"off the reference by: {', '.join(phrases.values())}" if phrases else ""


def _off_text(against: Against, reference: Reference) -> str:
    if against.standing is Standing.UNKNOWN:
        return "unknown"
    if reference.along:
        return f"{against.max_abs or 0:.1g} along a random direction"
    if against.ulps is None:
        text = "0" if not against.max_abs else f"{against.max_abs:.1g}"
    elif reference.error and against.max_abs is not None and 0 < against.max_abs <= reference.error:
        text = f"no more than its own error of {reference.error:.1g}"
    else:
        text = "0 ULP" if against.ulps == 0 else f"{against.ulps:.2g} ULP"
    return f"{text} ({against.unknown:,} unknown)" if against.unknown else text


def _indented(words: str, style: str) -> Padding:
    return Padding(Text(printable(words), style), (0, 0, 0, 2))


def _indented_lines(text: str) -> Padding:
    return Padding(Text(printable_lines(text.rstrip()), "dim"), (0, 0, 0, 4))


def _status(result: ScenarioResult) -> Text:
    return Text(f"{result.status.value}: {printable(status_words(result))}", STATUS_STYLES[result.status])


def agreement(result: ScenarioResult) -> str:
    """That both sides agree, and in what: a pass says what it covers."""
    return f"both sides agree in {result.compared}" if result.compared else "both sides agree"


def status_words(result: ScenarioResult) -> str:
    """Why a scenario has its status, in words."""
    differing = list(dict.fromkeys(c.quantity for c in result.comparisons if c.verdict is Verdict.DIFFERS))
    because = f" ({result.because})" if result.because and result.expect != "agree" else ""
    if result.status is Status.SKIPPED:
        return "this machine lacks what the scenario needs"
    if result.internal:
        return "tfpt itself failed"
    if result.status is Status.ERROR:
        failed = list(dict.fromkeys(failure.side.label for failure in result.failures))
        return f"{' and '.join(failed)} failed" if failed else "nothing was compared"
    refused = list(dict.fromkeys(c.quantity for c in result.comparisons if c.verdict is Verdict.ERROR))
    if result.status is Status.PASSED and refused:
        both = f", {_differ(differing)}" if differing else ""
        return f"{', '.join(refused)} refused{both}, as expected{because}"
    if result.status is Status.PASSED:
        return f"{_differ(differing)}, as expected{because}" if differing else agreement(result)
    if result.expect == "differ":
        return f"expected to differ, but {agreement(result)}{because}"
    if isinstance(result.expect, dict):
        wanted = ", ".join(f"{quantity}: {word}" for quantity, word in result.expect.items())
        return f"expected {wanted} and the rest to agree; {_differ(differing)}{because}"
    return f"expected to agree, but {_differ(differing)}"


def _differ(quantities: Sequence[str]) -> str:
    return f"{', '.join(quantities) or 'nothing'} {'differ' if len(quantities) > 1 else 'differs'}"


def summary_line(report: Report) -> Text:
    """The last line: how many scenarios have each status, the time, the versions."""
    counts = [(f"{count} {status}", STATUS_STYLES[Status(status)]) for status, count in report.summary.items() if count]
    line = Text()
    for index, (words, style) in enumerate(counts or [("no scenario checked", "yellow")]):
        line.append(", " if index else "").append(words, style)
    if report.deselected:
        line.append(f", {report.deselected} not chosen", "dim")
    if report.problems:
        line.append(f", {len(report.problems)} problem{'s' * (len(report.problems) != 1)} in the files", "bold red")
    versions = [
        f"{label} {report.environment[key]}"
        for key, label in (*((side.key, side.label) for side in report.sides), ("keras", "Keras"))
        if key in report.environment
    ]
    line.append(f" in {report.seconds:.1f} s", "dim")
    if versions:
        line.append(f" ({', '.join(versions)})", "dim")
    if report.stopped:
        line = Text("stopped after as many failures as were allowed; ", "bold yellow").append(line)
    if report.interrupted:
        line = Text(
            f"interrupted: {len(report.scenarios)} of {report.selected} scenarios were checked; ", "bold yellow"
        ).append(line)
    return line


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
    known: Explanation,
    text: str,
    problems: Sequence[Problem],
    result: ScenarioResult | None,
    environment: dict[str, str],
    console: Console,
) -> None:
    """A scenario with a recipe in it, its table, and whether it agrees now."""
    console.print(Text(f"the recipe of {known.name}", "bold"))
    console.print(_code(text.rstrip()), soft_wrap=True)
    for problem in problems:
        console.print(problem_line(problem), soft_wrap=True)
    if result is None:
        console.print(Text("cannot be put in" if problems else "was not checked", "bold yellow"))
        return
    print_scenario(result, environment, console)
    agrees = (
        (f"with it {agreement(result)}", "bold green") if result.agree else ("with it they still differ", "bold red")
    )
    console.print(Text(*agrees))
    console.print()


def print_end(report: Report, console: Console) -> None:
    """The problems of the files, and the last line."""
    for problem in report.problems:
        console.print(problem_line(problem), soft_wrap=True)
    if report.problems:
        console.print()
    console.print(summary_line(report))
