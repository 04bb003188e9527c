"""The code of a scenario in the HTML page: coloured, what differs marked, the rest folded; long functions that it shares once."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup, escape
from pygments.lexers.python import PythonLexer
from pygments.token import Token

from tfpt_cli.frameworks import REFERENCE, Side
from tfpt_cli.report.differing_calls import differing_calls, functions, own_functions
from tfpt_cli.results import printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from tfpt_cli.report.differing_calls import Span

# A function of this many characters that stands in several listings is written once, below all of them.
_LONG = 100
_HEAD = re.compile(r"\A(?:#.*\n)*")
_COLOURS = (
    (Token.Keyword, "ck"),
    (Token.Literal.String, "cs"),
    (Token.Literal.Number, "cm"),
    (Token.Comment, "cc"),
    (Token.Operator.Word, "ck"),
)
# So many lines around one that differs are shown with it, and so few between two are not worth folding.
_AROUND = 1
_FEW = 2


@dataclass(frozen=True)
class ShownListing:
    """The code of one side: its differing calls are marked.

    `parts` are its lines in stretches, each with how many of them are folded away; 0 where they are shown.
    """

    label: str
    parts: tuple[tuple[int, Markup], ...]
    marks: int
    side: Side


def clean(code: str) -> str:
    """A listing without the lines of its head, which name the scenario that it stands below anyway."""
    return printable_lines(_HEAD.sub("", code.expandtabs())) + "\n"


def shared_functions(listings: Sequence[Mapping[Side, str]]) -> dict[str, str]:
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


def shown_listings(
    listings: Mapping[Side, str], shared: Mapping[str, str], *, parted: bool, folded: bool
) -> Iterator[ShownListing]:
    """The listings as the page shows them, the reference's last; with `folded` only what differs is unfolded, in colour."""
    marks = differing_calls(listings, parted=parted)
    for side in sorted(listings, key=lambda side: side is REFERENCE):
        code = listings[side].rstrip("\n")
        links = {span: shared[code[slice(*span)]] for span in functions(code).values() if code[slice(*span)] in shared}
        found = [span for span in marks.get(side, []) if not any(a <= span[0] < b for a, b in links)]
        lines = _lines(code, links, found, coloured=folded)
        label = "Reference" if side is REFERENCE else side.label
        yield ShownListing(label, tuple(_stretches(lines, folded=folded and bool(found))), len(found), side)


def _lines(
    code: str, links: Mapping[Span, str], marked: Sequence[Span], *, coloured: bool
) -> list[tuple[Markup, bool]]:
    """Every line, and whether something in it is marked; a function that is written elsewhere is one line, a link to it."""
    lines: list[tuple[Markup, bool]] = [(Markup(), False)]
    whole = {**dict.fromkeys(marked, "mark"), **links}
    for (start, end), style in sorted([*whole.items(), *_pieces(code, whole, coloured=coloured)]):
        text = code[start:end]
        if (start, end) in links:
            first = printable(text.splitlines()[0])
            _append(lines, Markup('<a class=sh href="#{}">{} …</a>').format(style, first), marked=False)
            continue
        for index, part in enumerate(text.split("\n")):
            if index:
                lines.append((Markup(), False))
            if part:
                _append(lines, _styled(part, style), marked=style == "mark")
    return lines


def _append(lines: list[tuple[Markup, bool]], more: Markup, *, marked: bool) -> None:
    text, before = lines[-1]
    lines[-1] = (text + more, before or marked)


def _styled(text: str, style: str) -> Markup:
    if style == "mark":
        return Markup("<mark>{}</mark>").format(text)
    return Markup("<i class={}>{}</i>").format(style, text) if style else escape(text)


def _pieces(code: str, whole: Collection[Span], *, coloured: bool) -> Iterator[tuple[Span, str]]:
    """The code outside of the spans that stand as a whole in pieces, each with the class of its colour."""
    edges = sorted({edge for span in whole for edge in span})
    for start, end, style in _tokens(code) if coloured else [(0, len(code), "")]:
        for a, b in pairwise([start, *(edge for edge in edges if start < edge < end), end]):
            if not any(low <= a < high for low, high in whole):
                yield (a, b), style


def _tokens(code: str) -> Iterator[tuple[int, int, str]]:
    """The code as the lexer reads it: where each token stands, and the class of its colour."""
    for start, kind, text in PythonLexer().get_tokens_unprocessed(code):
        yield start, start + len(text), next((name for token, name in _COLOURS if kind in token), "")  # type: ignore[comparison-overlap]


def _stretches(lines: Sequence[tuple[Markup, bool]], *, folded: bool) -> Iterator[tuple[int, Markup]]:
    """The lines in stretches that are shown or folded: shown is what differs, with its neighbours."""
    near = {index + step for index, (_, marked) in enumerate(lines) if marked for step in range(-_AROUND, _AROUND + 1)}
    shown = [not folded or index in near for index in range(len(lines))]
    stretches = [(key, [index for index, _ in group]) for key, group in groupby(enumerate(shown), lambda pair: pair[1])]
    merged: list[tuple[bool, list[int]]] = []
    for key, indices in stretches:
        seen = key or len(indices) <= _FEW
        if merged and merged[-1][0] == seen:
            merged[-1][1].extend(indices)
        else:
            merged.append((seen, indices))
    for seen, indices in merged:
        yield 0 if seen else len(indices), Markup("\n").join(lines[index][0] for index in indices)
