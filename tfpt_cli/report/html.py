"""The report for people with a browser: one page that needs nothing else, with filters, plots and the code that ran.

The page is `page.html.j2` with `page.css` and `page.js` in it. Nothing of it asks the network: its Content-Security-Policy
allows this one style sheet and this one script, by their hashes, so that no text of a scenario can ever run.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from tfpt_cli.frameworks import FRAMEWORKS, OURSELVES, REFERENCE, Side, Sides
from tfpt_cli.report import plots
from tfpt_cli.report.differing_calls import differing_calls, functions, own_functions
from tfpt_cli.report.numbers import array_lines, number
from tfpt_cli.report.table import (
    STATE_WORDS,
    disputed,
    failure_text,
    grouped,
    reference_line,
    status_words,
    unexplained,
    verdict_text,
)
from tfpt_cli.results import Kind, Report, SideValue, State, Summary, Verdict, printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tfpt_cli.results import Comparison, Distribution, ScenarioResult

_FOLDER = Path(__file__).parent
# In characters: what a column holds on a phone.
_WIDTH = 36
_NAMES = {"keras": "Keras", "numpy": "NumPy", "scipy": "SciPy", "python": "Python", OURSELVES.key: OURSELVES.label}
# A function of this many characters that stands in several listings is written once, below all of them.
_LONG = 100
_HEAD = re.compile(r"\A(?:#.*\n)*")
_WEB = re.compile(r"https?://[^\s]+\Z")


@dataclass(frozen=True)
class Cell:
    """What one side has: its state or shape, and its numbers, as many lines as there are."""

    about: str
    lines: str = ""
    state: bool = False


@dataclass(frozen=True)
class Row:
    """One quantity of the table, and the reference's numbers where they are in dispute."""

    quantity: str
    layout: str
    verdict: str
    agrees: bool
    reason: str
    sides: tuple[tuple[Cell, ...], ...]
    reference: tuple[str, tuple[Cell, ...]] | None


@dataclass(frozen=True)
class Listing:
    """The code of one side, its differing calls marked."""

    label: str
    code: Markup
    marks: int
    side: str


@dataclass(frozen=True)
class Item:
    """One scenario, as the page shows it."""

    result: ScenarioResult
    anchor: str
    words: str
    mismatch: bool
    rows: tuple[Row, ...]
    why: tuple[tuple[str, str], ...]
    listings: tuple[Listing, ...]
    figures: tuple[tuple[str, Markup, tuple[str, ...]], ...]


def report_text(report: Report) -> str:
    """The report as one HTML page."""
    css, js = _part("page.css"), _part("page.js")
    cleaned = [{side: _clean(code) for side, code in result.listings.items()} for result in report.scenarios]
    shared = _shared(cleaned)
    anchors = _anchors(report)
    items = [
        _item(result, anchor, listings, shared, index)
        for index, (result, anchor, listings) in enumerate(zip(report.scenarios, anchors, cleaned, strict=True))
    ]
    names = _NAMES | {side.key: side.label for side in report.sides}
    text: str = _template().render(
        report=report,
        title=_title(report),
        unexpected=[item for item in items if not item.result.expected],
        files=[(file, list(group)) for file, group in groupby(items, lambda item: item.result.file)],
        all_files=list(dict.fromkeys(result.file for result in report.scenarios)),
        subjects=list(dict.fromkeys(result.subject for result in report.scenarios if result.subject)),
        versions=[(names.get(key, key), text) for key, text in report.environment.items()],
        sides=[f"{side.label} {report.environment.get(side, '').split('+')[0]}".strip() for side in report.sides],
        of_sides=report.sides,
        shared=shared,
        css=Markup(css),  # noqa: S704 - files of this package
        js=Markup(js),  # noqa: S704
        policy=f"default-src 'none'; style-src '{_hash(css)}'; script-src '{_hash(js)}'; base-uri 'none'; form-action 'none'",
    )
    return text


@cache
def _part(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


@cache
def _template() -> Any:
    environment = Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_shown,
        # Indented for who reads the template; hundreds of scenarios need not carry that.
        loader=FunctionLoader(lambda name: re.sub(r"\n[ ]+", "\n", _part(name))),
    )
    environment.globals.update(
        frameworks=FRAMEWORKS, number=number, measures=_measures, tests=_tests, unexplained=unexplained
    )
    environment.tests["web"] = lambda text: bool(_WEB.match(text))
    return environment.get_template("page.html.j2")


def _shown(value: Any) -> Any:
    """Text without what would steer how the rest is read: control characters and changes of direction."""
    return printable_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _title(report: Report) -> str:
    count = len(report.scenarios)
    unexpected = sum(not result.expected for result in report.scenarios)
    if not count:
        return "No scenario was checked"
    scenarios = f"scenario{'s' * (count != 1)}"
    if unexpected:
        return f"{unexpected} of {count} {scenarios} {'is' if unexpected == 1 else 'are'} not as expected"
    return f"All {count} scenarios are as expected" if count > 1 else "The scenario is as expected"


def _anchors(report: Report) -> list[str]:
    """An id for each scenario that is the same in the next report, so that a link to it stays good."""
    seen: Counter[str] = Counter()
    anchors = []
    for result in report.scenarios:
        key = (result.id or f"{result.file}::{result.name}").encode(errors="surrogatepass")
        anchor = f"s-{sha256(key).hexdigest()[:8]}"
        seen[anchor] += 1
        anchors.append(anchor if seen[anchor] == 1 else f"{anchor}-{seen[anchor]}")
    return anchors


def _item(
    result: ScenarioResult, anchor: str, listings: Mapping[Side, str], shared: Mapping[str, str], index: int
) -> Item:
    return Item(
        result=result,
        anchor=anchor,
        words=status_words(result),
        mismatch=not result.expected
        or bool(result.failures)
        or any(c.verdict in (Verdict.DIFFERS, Verdict.ERROR) for c in result.comparisons),
        rows=tuple(_row(group) for group in grouped(result.comparisons)),
        why=tuple(_why(result)),
        listings=tuple(_listings(listings, shared, parted=not result.agree)),
        figures=tuple(_figures(result, f"p{index}")),
    )


def _row(group: list[Comparison]) -> Row:
    first = group[0]
    off = next((comparison for comparison in group if disputed(comparison)), None)
    layout = first.layout
    if layout and len({side.strip() for side in layout.split("->")}) == 1:
        layout = ""
    return Row(
        quantity=first.quantity,
        layout=layout,
        verdict=verdict_text(first).replace("\n", ", "),
        agrees=first.verdict.agrees,
        reason=first.reason if first.verdict is not Verdict.CLOSE else "",
        sides=tuple(tuple(_cells(group, side)) for side in first.sides),
        reference=None if off is None else (off.reference.method if off.reference else "", tuple(_reference(off))),
    )


def _cells(group: list[Comparison], side: Side) -> Iterator[Cell]:
    """One side by every way in which it was computed; what is the same by another way is only named."""
    first, *others = {c.sides[side].how: c.sides[side] for c in group}.values()
    gates = group[0].blocks.get(side, ())
    shown = _cell(first, gates)
    yield shown
    for value in others:
        cell = _cell(value, gates)
        same = cell.lines == shown.lines and value.state is first.state and repr(value.values) == repr(first.values)
        yield Cell(f"same by {value.how}") if same else cell


def _cell(side: SideValue, gates: tuple[str, ...]) -> Cell:
    if side.state is not State.PRESENT:
        return Cell(", ".join(filter(None, [STATE_WORDS[side.state], side.how])), state=True)
    lines = None if side.left_out else array_lines(side.values, _WIDTH)
    about = [f"({', '.join(map(str, side.shape))}{',' * (len(side.shape) == 1)}) {side.dtype}"] if side.shape else []
    about += [side.how] if side.how else []
    about += [f"gates {' '.join(gates)}"] if gates else []
    summary = side.samples or (side.summary if lines is None else None)
    shown = list(lines or [])
    if summary is not None and side.dtype.startswith("complex"):
        shown.append("of the magnitudes")
    if summary is not None:
        shown += _summary_lines(summary)
    elif lines is None:
        shown.append("empty" if 0 in side.shape else "no finite value")
    return Cell(", ".join(about), "\n".join(shown))


def _summary_lines(summary: Summary) -> Iterator[str]:
    if summary.low == summary.high and not summary.not_finite:
        yield f"all {number(summary.low, 4)}"
        return
    yield f"mean {number(summary.mean, 4)}  std {number(summary.std, 4)}"
    yield f"min {number(summary.low, 4)}  max {number(summary.high, 4)}"
    if summary.not_finite:
        yield f"{summary.not_finite:,} not finite"


def _reference(comparison: Comparison) -> Iterator[Cell]:
    """The reference's numbers: one cell where they are the same for both sides, else two."""
    reference = comparison.reference
    if reference is None:
        return
    if reference.one_sided is not None:
        named = [
            (f"from the {word}", values) for word, values in zip(("left", "right"), reference.one_sided, strict=True)
        ]
    elif "" in reference.values:
        named = [("", reference.values[""])]
    else:
        named = [(f"for {side.label}", reference.values.get(side)) for side in comparison.sides]
    for words, values in named:
        lines = None if values is None else array_lines(values, _WIDTH)
        yield Cell(words, "\n".join(lines or ["not shown" if values is not None else "none"]))


def _why(result: ScenarioResult) -> Iterator[tuple[str, str]]:
    """What explains the verdicts, each once: what the reference finds, what failed, the notes; with its CSS class."""
    said = set()
    for comparison in result.comparisons:
        for finding in comparison.findings:
            if finding.words not in said:
                said.add(finding.words)
                bad = "bad" if finding.kind is Kind.BOTH_WRONG else ""
                yield bad, f"{comparison.quantity}: {finding.words}"
    for failure in result.failures:
        yield "bad", failure_text(failure)
    if words := reference_line(result):
        yield "", words
    yield from (("", note) for note in result.notes)


def _measures(result: ScenarioResult) -> list[list[str]]:
    """The tolerance and the distances of every comparison that has them, as cells."""
    rows = []
    for comparison in result.comparisons:
        measured, tolerance = comparison.measure, comparison.tolerance
        if measured is None and not tolerance:
            continue
        ways = " and ".join(dict.fromkeys(side.how for side in comparison.sides.values() if side.how))
        cells = [comparison.quantity + (f" ({ways})" if ways else "")]
        cells += [f"{tolerance[name]:g}" if tolerance else "" for name in ("rtol", "atol")]
        if measured is not None:
            cells.append(f"{measured.mismatched:,} of {measured.size:,}")
            cells += [_distance(measured.max_abs), _distance(measured.max_rel)]
            cells.append("" if measured.max_ulp is None else f"{measured.max_ulp:,}")
            cells.append(f"[{', '.join(map(str, measured.worst_index))}]" if measured.worst_index else "")
            passes = measured.passes_at if measured.mismatched else {}
            cells.append(
                "none" if passes is None else " or ".join(f"{name} {value:.2g}" for name, value in passes.items())
            )
        rows.append(cells + [""] * (9 - len(cells)))
    return rows


def _distance(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.3g}"


def _tests(judged: Distribution, sides: Sides) -> list[tuple[str, list[tuple[str, bool]]]]:
    """The p-value of every test of a random parameter, on both samples and on each; with whether the test failed."""
    limit = judged.level / max(len(judged.tests), 1)
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for test in judged.tests:
        found.setdefault(test.name, {})[test.on] = (f"{test.p:.2g}", test.p < limit)
    return [(name, [on.get(key, ("", False)) for key in ("both", *sides)]) for name, on in found.items()]


def _figures(result: ScenarioResult, key: str) -> Iterator[tuple[str, Markup, tuple[str, ...]]]:
    """Every plot of a scenario, with its kind and the words of its legend."""
    for index, curve in enumerate(result.curves):
        if drawn := plots.curve(curve, f"{key}c{index}"):
            apart = "where they part" if any(curve.parts) else ""
            yield "curve", drawn, (f"{curve.quantity} over {curve.by}", apart, *plots.gaps(curve))
    mapped = set()
    for index, comparison in enumerate(result.comparisons):
        if drawn := plots.histograms(comparison, f"{key}h{index}"):
            sides = comparison.sides.values()
            law = "declared law" if any(side.declared for side in sides) else ""
            yield "histogram", drawn, (comparison.quantity, law)
        drawn = Markup() if comparison.quantity in mapped else plots.heat_map(comparison, f"{key}e{index}")
        if drawn:
            mapped.add(comparison.quantity)
            yield "heat", drawn, (f"{comparison.quantity}: greatest absolute error", *plots.heat_steps(comparison))


def _clean(code: str) -> str:
    """A listing without the lines of its head, which name the scenario that it stands below anyway."""
    return printable_lines(_HEAD.sub("", code.expandtabs())) + "\n"


def _shared(listings: list[dict[Side, str]]) -> dict[str, str]:
    """Long functions that stand in several listings and are not a scenario's own, by their text, with an id."""
    count: Counter[str] = Counter()
    for sides in listings:
        own = own_functions(sides)
        for code in sides.values():
            count.update(
                code[start:end]
                for name, (start, end) in functions(code).items()
                if name not in own and end - start >= _LONG
            )
    return {text: f"c{index}" for index, text in enumerate(text for text, times in count.items() if times > 1)}


def _listings(listings: Mapping[Side, str], shared: Mapping[str, str], *, parted: bool) -> Iterator[Listing]:
    marks = differing_calls(listings, parted=parted)
    for side in sorted(listings, key=lambda side: side is REFERENCE):
        code = listings[side]
        pieces = {span: shared[code[slice(*span)]] for span in functions(code).values() if code[slice(*span)] in shared}
        found = [span for span in marks.get(side, []) if not any(a <= span[0] < b for a, b in pieces)]
        text, at = Markup(), 0
        for span in sorted([*pieces, *found]):
            text += escape(code[at : span[0]])
            piece = code[slice(*span)]
            if span in pieces:
                first = printable(piece.splitlines()[0])
                text += Markup('<a class=sh href="#{}">{} …</a>').format(pieces[span], first)
            else:
                text += Markup("<mark>{}</mark>").format(piece)
            at = span[1]
        label = "Reference" if side is REFERENCE else side.label
        yield Listing(label, text + escape(code[at:].rstrip()), len(found), side)
