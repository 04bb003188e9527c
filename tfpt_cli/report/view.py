"""What any report shows of a scenario, as rows and words. A report only lays it out, and makes text fit to be printed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.report.models import in_a_line, model_tables
from tfpt_cli.report.numbers import array_lines, digits_apart, summary_lines
from tfpt_cli.report.reasons import reason_of
from tfpt_cli.report.words import (
    STATE_WORDS,
    disputed,
    failure_text,
    parted,
    reference_line,
    status_words,
    unexplained,
    verdict_lines,
    ways_text,
)
from tfpt_cli.results import Kind, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.frameworks import Side
    from tfpt_cli.report.models import ModelRow
    from tfpt_cli.report.reasons import Reason
    from tfpt_cli.results import (
        Comparison,
        Distribution,
        Explanation,
        Measure,
        Reference,
        ScenarioResult,
        SideValue,
        Summary,
    )

# With so many significant digits at least are numbers shown where those fit.
FEWEST_DIGITS = 2


class Part(StrEnum):
    """The kind of a line in a cell's numbers."""

    VALUES = "values"
    SUMMARY = "summary"
    SAMPLES = "samples"  # the summary of all draws of a random parameter
    MAGNITUDES = "magnitudes"  # says that the summary is of them
    NOTHING = "nothing"  # says why there is no number


@dataclass(frozen=True)
class Cell:
    """One side's value of a quantity by one way, in the parts that a report lays out.

    `state` says in words why there is no value; it is empty where there is one. `shape` holds the shape with the dtype and is
    empty for a single number; `gates` names the blocks along an axis in this framework's order. `values` are None where there
    are too many to show; `digits` is with how many they are to be shown so that one sees where both sides part. `same` says
    that the side's first way gave the same.
    """

    state: str = ""
    how: str = ""
    shape: str = ""
    gates: str = ""
    values: Any = None
    digits: int = FEWEST_DIGITS
    summary: Summary | None = None
    samples: Summary | None = None
    magnitudes: bool = False
    empty: bool = False
    same: bool = False

    def numbers(
        self, width: int, digits: int | None = None, *, ascii_only: bool = False, bars: bool = True
    ) -> Iterator[tuple[Part, str]]:
        """The numbers as lines of a width: all of them while they are few, else their summary. Nothing where there is no value.

        Of a random parameter the summary always. `bars` asks for the histogram too.
        """
        if self.state:
            return
        lines = None if self.values is None else array_lines(self.values, width, digits or self.digits)
        yield from ((Part.VALUES, line) for line in lines or ())
        summary = self.samples or (self.summary if lines is None else None)
        if summary is None:
            if lines is None:
                yield Part.NOTHING, "empty" if self.empty else "no finite value"
            return
        if self.magnitudes:
            yield Part.MAGNITUDES, "of the magnitudes"
        part = Part.SAMPLES if self.samples else Part.SUMMARY
        yield from ((part, line) for line in summary_lines(summary, width, ascii_only=ascii_only, bars=bars))


@dataclass(frozen=True)
class ReferenceCell:
    """The reference's numbers: for both sides, for one `side` where they are different functions, or one side of a kink.

    `words` names that, as in "from the left". `values` are None where the reference has none.
    """

    values: Any
    digits: int = FEWEST_DIGITS
    side: Side | None = None
    words: str = ""

    def lines(self, width: int, digits: int | None = None) -> list[str]:
        """The numbers as lines of a width; none where there are none."""
        if self.values is None:
            return []
        return array_lines(self.values, width, digits or self.digits) or ["not shown"]


@dataclass(frozen=True)
class Row:
    """The comparisons of one quantity that came to the same by several ways.

    `layout` is empty where both sides have the same axes. `cells` has every way of a side, the first as it is. `reference` are
    the arbiter's own numbers, where they are in dispute, and `method` is how it has them.
    """

    quantity: str
    layout: str
    verdict: Verdict
    words: list[str]
    reason: str
    cells: dict[Side, list[Cell]]
    reference: list[ReferenceCell]
    method: str

    @property
    def digits_part(self) -> bool:
        """Whether the two sides' numbers part digit by digit: those of a random parameter, or under a layout, do not."""
        random = any(cell.samples is not None for cells in self.cells.values() for cell in cells)
        return self.verdict is Verdict.DIFFERS and not self.layout and not random


class About(StrEnum):
    """The topic of a line below the rows."""

    MISMATCH = "mismatch"
    REASON = "reason"  # of a refusal, or of distributions that are the same
    BOTH_WRONG = "both wrong"
    FINDING = "finding"
    REFERENCE = "reference"
    FAILURE = "failure"
    NOTE = "note"


@dataclass(frozen=True)
class KnownDifference:
    """A known difference that explains what does not agree; `write` has pairs such as `("write in PyTorch", "F.gelu(x)")`."""

    name: str
    what: str
    why: str
    write: list[tuple[str, str]]
    source: str
    proof: str


@dataclass(frozen=True)
class Measured:
    """The figures that the verdict of one comparison was made of; `name` is the quantity with its ways.

    `passes` says which tolerance would pass; it is empty where nothing is off, and None where no tolerance would.
    """

    name: str
    quantity: str
    tolerance: dict[str, float] | None
    measure: Measure | None
    distribution: Distribution | None
    passes: str | None


@dataclass(frozen=True)
class ScenarioView:
    """A scenario as any report shows it.

    `words` say why it has its status, `reason` why it is not as expected; `parted` are the quantities that do not agree,
    `unexplained` those that no known difference explains. Of two models `tables` have the titles and the lines of their layers
    and of their parameters, and `rows` what they give. `why` are the lines that explain the verdicts, each once, with what it
    is about.
    """

    result: ScenarioResult
    words: str
    reason: Reason | None
    rows: list[Row]
    tables: list[tuple[tuple[str, ...], list[ModelRow]]]
    why: list[tuple[About, str]]
    known: list[KnownDifference]
    parted: list[str]
    unexplained: list[str]
    measured: list[Measured]


def view(result: ScenarioResult) -> ScenarioView:
    """The rows and words that a report shows of one scenario."""
    return ScenarioView(
        result=result,
        words=status_words(result),
        reason=reason_of(result),
        rows=[
            _row(list(group))
            for _, group in groupby(
                (c for c in result.comparisons if not in_a_line(c, result)),
                key=lambda c: (c.quantity, c.verdict, c.diagnosis),
            )
        ],
        tables=model_tables(result),
        why=list(_why(result)),
        known=known(result.explanations),
        parted=parted(result),
        unexplained=unexplained(result),
        measured=[_measured(comparison) for comparison in result.comparisons],
    )


def known(explanations: Sequence[Explanation]) -> list[KnownDifference]:
    """Known differences, with what to write in each framework."""
    return [
        KnownDifference(
            name=row.name,
            what=row.what,
            why=row.why,
            write=[(_head(framework, row.lines), code) for framework, code in row.write.items()],
            source=row.source,
            proof=row.proof,
        )
        for row in explanations
    ]


def _head(framework: str, lines: Mapping[str, str]) -> str:
    at = f" at {lines[framework]}" if framework in lines else ""
    return f"write in {FRAMEWORKS[framework].label}{at}"


def _row(group: list[Comparison]) -> Row:
    first = group[0]
    off = next((comparison for comparison in group if disputed(comparison)), None)
    digits = _digits(first)
    same_axes = len({axes.strip() for axes in first.layout.split("->")}) == 1
    return Row(
        quantity=first.quantity,
        layout="" if same_axes else first.layout,
        verdict=first.verdict,
        words=verdict_lines(first),
        reason=first.reason,
        cells={side: list(_cells(group, side, digits)) for side in first.sides},
        reference=[] if off is None else list(_reference(off)),
        method=off.reference.method if off is not None and off.reference is not None else "",
    )


def _digits(comparison: Comparison) -> int:
    left, right = comparison.sides.values()
    shown = comparison.verdict is Verdict.DIFFERS and left.state is right.state is State.PRESENT
    return digits_apart(left.values, right.values) if shown and not (left.left_out or right.left_out) else FEWEST_DIGITS


def _cells(group: list[Comparison], side: Side, digits: int) -> Iterator[Cell]:
    """One side of a group: a cell for each way in which it was computed."""
    first, *others = {value.how: value for value in (comparison.sides[side] for comparison in group)}.values()
    gates = group[0].blocks.get(side, ())
    yield _cell(first, digits=digits, gates=f"gates {' '.join(gates)}" if gates else "")
    for value in others:
        same = value.state is first.state and repr(value.values) == repr(first.values)
        yield _cell(value, same=same)


def _cell(value: SideValue, **more: Any) -> Cell:
    if value.state is not State.PRESENT:
        return Cell(state=STATE_WORDS[value.state], how=value.how, same=more.get("same", False))
    comma = "," if len(value.shape) == 1 else ""
    return Cell(
        how=value.how,
        shape=f"({', '.join(map(str, value.shape))}{comma}) {value.dtype}" if value.shape else "",
        values=None if value.left_out else value.values,
        summary=value.summary,
        samples=value.samples,
        magnitudes=value.dtype.startswith("complex"),
        empty=0 in value.shape,
        **more,
    )


def _reference(comparison: Comparison) -> Iterator[ReferenceCell]:
    reference: Reference | None = comparison.reference
    assert reference is not None
    if reference.one_sided is not None:
        for word, values in zip(("left", "right"), reference.one_sided, strict=True):
            yield ReferenceCell(values, words=f"from the {word}")
    elif "" in reference.values:
        yield ReferenceCell(reference.values[""], _digits(comparison))
    else:
        for side in comparison.sides:
            yield ReferenceCell(reference.values.get(side), _digits(comparison), side)


def _why(result: ScenarioResult) -> Iterator[tuple[About, str]]:
    """A line for every comparison that has something to say, one for every failure, and the notes."""
    said: set[tuple[str, str]] = set()
    for comparison in result.comparisons:
        verdict, reason = comparison.verdict, comparison.reason
        told = reason and verdict in (Verdict.DIFFERS, Verdict.SAME_DISTRIBUTION, Verdict.ERROR)
        told = told and not in_a_line(comparison, result)
        if told and (comparison.quantity, reason) not in said:
            said.add((comparison.quantity, reason))
            about = About.MISMATCH if verdict is Verdict.DIFFERS else About.REASON
            yield about, f"{comparison.quantity}: {reason}"
        for finding in comparison.findings:
            if ("", finding.words) not in said:
                said.add(("", finding.words))
                about = About.BOTH_WRONG if finding.kind is Kind.BOTH_WRONG else About.FINDING
                yield about, f"{comparison.quantity}: {finding.words}"
    if words := reference_line(result):
        yield About.REFERENCE, words
    yield from ((About.FAILURE, failure_text(failure)) for failure in result.failures)
    yield from ((About.NOTE, note) for note in result.notes)


def _measured(comparison: Comparison) -> Measured:
    measure, ways = comparison.measure, ways_text(comparison)
    passes = measure.passes_at if measure is not None and measure.mismatched else {}
    return Measured(
        name=f"{comparison.quantity} ({ways})" if ways else comparison.quantity,
        quantity=comparison.quantity,
        tolerance=comparison.tolerance,
        measure=measure,
        distribution=comparison.distribution,
        passes=None if passes is None else " or ".join(f"{name} {number:.2g}" for name, number in passes.items()),
    )
