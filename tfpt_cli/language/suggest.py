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
    """A hint for a wrong name, to be put behind a message: the nearest of `names`, or an empty string where none is near.

    `meant` says what to suggest in place of a name (`{"Dense": "linear"}`); `cutoff` is how near it must be, 1 for equal.

    >>> did_you_mean("sofmax", ["relu", "softmax"])
    ", did you mean 'softmax'?"
    >>> did_you_mean("Denze", ["Dense"], meant={"Dense": "linear"})
    ", did you mean 'linear'?"
    >>> did_you_mean("xyz", ["relu", "softmax"])
    ''
    """
    if len(wrong) > _LONGEST:
        return ""
    lowered = {name.lower(): (meant or {}).get(name, name) for name in names}
    close = difflib.get_close_matches(wrong.lower(), lowered, n=1, cutoff=cutoff)
    return f", did you mean '{lowered[close[0]]}'?" if close else ""
