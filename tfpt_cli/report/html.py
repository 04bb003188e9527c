"""The report for people with a browser: one page that needs nothing else, with filters, plots and the code that ran.

The page is `page.html.j2` with `page.css` and `page.js` in it. Nothing of it asks the network: its Content-Security-Policy
allows this one style sheet and this one script, by their hashes, so that no text of a scenario can ever run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import groupby, starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from tfpt_cli.frameworks import FRAMEWORKS, LEFT, OURSELVES, RIGHT, Side, Sides
from tfpt_cli.report import plots
from tfpt_cli.report.html_code import ShownListing, clean, shared_functions, shown_listings
from tfpt_cli.report.html_environment import html_environment, part, policy_hash
from tfpt_cli.report.html_layers import Depth, depth_of
from tfpt_cli.report.models import is_of_models
from tfpt_cli.report.numbers import differing_digits, number
from tfpt_cli.report.view import FEWEST_DIGITS, About, ReferenceCell, Row, ScenarioView, view
from tfpt_cli.results import Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.results import Distribution, ScenarioResult

_FOLDER = Path(__file__).parent
# In characters: what a column holds on a phone.
_WIDTH = 36
_NAMES = {"keras": "Keras", "numpy": "NumPy", "scipy": "SciPy", "python": "Python", OURSELVES.key: OURSELVES.label}
# What is said below the rows, in this order; why two sides differ stands beside the verdict.
_WHY = ({About.BOTH_WRONG, About.FINDING}, {About.FAILURE}, {About.REFERENCE}, {About.NOTE})
_BAD = {About.BOTH_WRONG, About.FAILURE}
# What a person asks first about a run; the rest of its environment stands at the end of the page.
_FIRST = (*FRAMEWORKS, "keras", LEFT, RIGHT)


@dataclass(frozen=True)
class Item:
    """One scenario, as the page shows it."""

    result: ScenarioResult
    view: ScenarioView
    anchor: str
    mismatch: bool
    why: tuple[tuple[About, str], ...]
    listings: tuple[ShownListing, ...]
    figures: tuple[tuple[str, Markup, tuple[str, ...]], ...]
    depth: Depth | None


def report_text(report: Report) -> str:
    """The report as one HTML page."""
    css, js = part(_FOLDER / "page.css"), part(_FOLDER / "page.js")
    cleaned = [{side: clean(code) for side, code in result.listings.items()} for result in report.scenarios]
    shared = shared_functions(cleaned)
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
        first=[(names.get(key, key), text) for key, text in report.environment.items() if key in _FIRST],
        versions=[(names.get(key, key), text) for key, text in report.environment.items() if key not in _FIRST],
        sides=[f"{side.label} {report.environment.get(side, '').split('+')[0]}".strip() for side in report.sides],
        of_sides=report.sides,
        shared=shared,
        css=Markup(css),  # noqa: S704 - files of this package
        js=Markup(js),  # noqa: S704
        policy=f"default-src 'none'; style-src '{policy_hash(css)}'; script-src '{policy_hash(js)}'; "
        "base-uri 'none'; form-action 'none'",
    )
    return text


@cache
def _template() -> Any:
    environment = html_environment(_FOLDER)
    environment.globals.update(number=number, measures=_measures, tests=_tests, cells=_cells)
    environment.filters["reference_cell"] = _reference_cell
    environment.tests["bad"] = lambda about: about in _BAD
    environment.tests["close"] = lambda verdict: verdict is Verdict.CLOSE
    return environment.get_template("page.html.j2")


def _title(report: Report) -> str:
    count = len(report.scenarios)
    unexpected = sum(not outline.expected for outline in report.outlines)
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
        listings=tuple(shown_listings(listings, shared, parted=not result.agree, folded=not result.expected)),
        figures=tuple(_figures(result, f"p{index}")),
        depth=depth_of(result) if is_of_models(result) else None,
    )


def _cells(row: Row) -> Iterator[list[tuple[str, Markup, bool]]]:
    """Each side's column of a row: by every way what is said of its numbers, the numbers, and whether it has none.

    What is the same by another way is only named. The digits at which the two sides part are marked.
    """
    texts = [
        ["\n".join(line for _, line in cell.numbers(_WIDTH, FEWEST_DIGITS, bars=False)) for cell in cells]
        for cells in row.cells.values()
    ]
    marked = [escape(shown[0]) for shown in texts]
    if row.digits_part:
        lines = [shown[0].split("\n") for shown in texts]
        spans = differing_digits(*lines)
        marked = [
            Markup("\n").join(starmap(_marked, zip(*both, strict=True))) for both in zip(lines, spans, strict=True)
        ]
    for cells, shown, first in zip(row.cells.values(), texts, marked, strict=True):
        yield [
            (f"same by {cell.how}", Markup(), False)
            if cell.same and text == shown[0]
            else (
                ", ".join(filter(None, (cell.state, cell.shape, cell.how, cell.gates))),
                escape(text) if index else first,
                bool(cell.state),
            )
            for index, (cell, text) in enumerate(zip(cells, shown, strict=True))
        ]


def _marked(line: str, spans: Sequence[tuple[int, int]]) -> Markup:
    """A line of numbers whose differing digits are marked."""
    text, at = Markup(), 0
    for start, end in spans:
        text += escape(line[at:start]) + Markup("<mark>{}</mark>").format(line[start:end])
        at = end
    return text + escape(line[at:])


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
