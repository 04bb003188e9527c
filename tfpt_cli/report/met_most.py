"""What people meet most, for `tfpt explain` without an id: chosen by counts, which are shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tfpt_cli.dictionary.differences import differences
from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.scenario.shipped import shipped_counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

# So many of each list: together they fit on a screen.
_SHOWN = 8


def met_most() -> tuple[dict[str, int], dict[str, int]]:
    """The known differences that most public reports hold, and of the others those that most shipped scenarios show.

    Each by its id, with the count; where reports are as many, the one that more shipped scenarios show comes first.
    """
    shipped, reported = shipped_counts(), rows_of("reported")
    known = [name for name, row in differences().items() if not row.equal]
    first = _most({name: reported[name] for name in known if name in reported}, shipped)
    return first, _most({name: shipped[name] for name in known if name not in first}, shipped)


def _most(counts: Mapping[str, int], shipped: Mapping[str, int]) -> dict[str, int]:
    order = sorted(counts, key=lambda name: (-counts[name], -shipped[name], name))
    return {name: counts[name] for name in order[:_SHOWN]}


def most_met(width: int) -> RenderableType:
    """The known differences that people meet most, as two lists for a console of this width."""
    reports, scenarios = met_most()
    parts: list[RenderableType] = []
    for head, found in (
        ("Met in public reports (how many hold it)", reports),
        ("Shown by the scenarios that come with tfpt (how many)", scenarios),
    ):
        parts += [Text(head, "bold"), Padding(_list(found, width), (0, 0, 1, 0))]
    equal = sum(row.equal for row in differences().values())
    words = (
        "Chosen by count: public reports are threads of the frameworks' trackers and of forums, collected as tests of tfpt. "
        "tfpt explain ID has one whole, tfpt explain WORD all that hold a word; "
        f"tfpt list differences: all {len(differences()) - equal}"
    )
    return Group(*parts, Text(words, "dim"))


def _list(found: Mapping[str, int], width: int) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right", style="dim", no_wrap=True)
    longest = max(map(len, found))
    if width < 2 * longest:
        table.add_column(overflow="fold")
        for name, count in found.items():
            table.add_row(str(count), Text.assemble((name, "bold"), f"\n{_first_sentence(differences()[name].what)}"))
        return table
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, count in found.items():
        table.add_row(str(count), name, _first_sentence(differences()[name].what))
    return table


def _first_sentence(text: str) -> str:
    """The first sentence of what a row says: tfpt explain ID has all of it."""
    return re.split(r"(?<=[^ ]{3}\.) (?=[A-Z])", text, maxsplit=1)[0]
