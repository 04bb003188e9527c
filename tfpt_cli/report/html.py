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

from tfpt_cli.frameworks import OURSELVES, REFERENCE, Side, Sides
from tfpt_cli.report import plots
from tfpt_cli.report.differing_calls import differing_calls, functions, own_functions
from tfpt_cli.report.numbers import number
from tfpt_cli.report.view import FEWEST_DIGITS, About, Cell, ReferenceCell, ScenarioView, view
from tfpt_cli.results import Report, Verdict, printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.results import Distribution, ScenarioResult

_FOLDER = Path(__file__).parent
# In characters: what a column holds on a phone.
_WIDTH = 36
_NAMES = {"keras": "Keras", "numpy": "NumPy", "scipy": "SciPy", "python": "Python", OURSELVES.key: OURSELVES.label}
# A function of this many characters that stands in several listings is written once, below all of them.
_LONG = 100
_HEAD = re.compile(r"\A(?:#.*\n)*")
# What is said below the rows, in this order; why two sides differ stands beside the verdict.
_WHY = ({About.BOTH_WRONG, About.FINDING}, {About.FAILURE}, {About.REFERENCE}, {About.NOTE})
_BAD = {About.BOTH_WRONG, About.FAILURE}
_WEB = re.compile(r"https?://[^\s]+\Z")


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
    view: ScenarioView
    anchor: str
    mismatch: bool
    why: tuple[tuple[About, str], ...]
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
    environment.globals.update(number=number, measures=_measures, tests=_tests, cells=_cells)
    environment.filters["reference_cell"] = _reference_cell
    environment.tests["web"] = lambda text: bool(_WEB.match(text))
    environment.tests["bad"] = lambda about: about in _BAD
    environment.tests["close"] = lambda verdict: verdict is Verdict.CLOSE
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
    shown = view(result)
    return Item(
        result=result,
        view=shown,
        anchor=anchor,
        mismatch=not result.expected or bool(result.failures) or bool(shown.parted),
        why=tuple(line for about in _WHY for line in shown.why if line[0] in about),
        listings=tuple(_listings(listings, shared, parted=not result.agree)),
        figures=tuple(_figures(result, f"p{index}")),
    )


def _cells(cells: Sequence[Cell]) -> Iterator[tuple[str, str, bool]]:
    """One side by every way: what is said of its numbers, the numbers, and whether there are none for a state's sake.

    What is the same by another way is only named.
    """
    shown = ["\n".join(line for _, line in cell.numbers(_WIDTH, FEWEST_DIGITS, bars=False)) for cell in cells]
    for cell, lines in zip(cells, shown, strict=True):
        if cell.same and lines == shown[0]:
            yield f"same by {cell.how}", "", False
        else:
            about = (cell.state, cell.shape, cell.how, cell.gates)
            yield ", ".join(filter(None, about)), lines, bool(cell.state)


def _reference_cell(cell: ReferenceCell) -> tuple[str, str]:
    """The title of the reference's numbers, and the numbers."""
    words = f"for {cell.side.label}" if cell.side is not None else cell.words
    return words, "\n".join(cell.lines(_WIDTH, FEWEST_DIGITS) or ["none"])


def _measures(shown: ScenarioView) -> list[list[str]]:
    """The tolerance and the distances of every comparison that has them, as cells."""
    rows = []
    for made in shown.measured:
        measure, tolerance = made.measure, made.tolerance
        if measure is None and not tolerance:
            continue
        cells = [made.name, *(f"{tolerance[name]:g}" if tolerance else "" for name in ("rtol", "atol"))]
        if measure is not None:
            cells.append(f"{measure.mismatched:,} of {measure.size:,}")
            cells += [_distance(measure.max_abs), _distance(measure.max_rel)]
            cells.append("" if measure.max_ulp is None else f"{measure.max_ulp:,}")
            cells.append(f"[{', '.join(map(str, measure.worst_index))}]" if measure.worst_index else "")
            cells.append("none" if made.passes is None else made.passes)
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
