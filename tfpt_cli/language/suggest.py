"""The nearest right name for a wrong one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST = 60


def did_you_mean(
    wrong: str, names: Iterable[str], cutoff: float = 0.6, *, meant: Mapping[str, str] | None = None
) -> str:
    """`, did you mean 'linear'?` for the nearest of `names`, or an empty string.

    `meant` says what to suggest in place of a name (`{"Dense": "linear"}`).
    """
    if len(wrong) > _LONGEST:
        return ""
    lowered = {name.lower(): (meant or {}).get(name, name) for name in names}
    close = difflib.get_close_matches(wrong.lower(), lowered, n=1, cutoff=cutoff)
    return f", did you mean '{lowered[close[0]]}'?" if close else ""
