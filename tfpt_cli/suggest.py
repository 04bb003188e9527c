"""The nearest right name for a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

_LONGEST = 60


def did_you_mean(wrong: str, names: Iterable[str] | Mapping[str, str], cutoff: float = 0.6) -> str:
    """`, did you mean 'linear'?` for the nearest of `names`, or an empty string.

    A mapping also offers other spellings: its keys are compared, and the value of the nearest key is suggested
    (`{"Dense": "linear"}`).
    """
    if len(wrong) > _LONGEST:
        return ""
    table = names if isinstance(names, Mapping) else {name: name for name in names}
    lowered = {name.lower(): target for name, target in table.items()}
    close = difflib.get_close_matches(wrong.lower(), lowered, n=1, cutoff=cutoff)
    return f", did you mean '{lowered[close[0]]}'?" if close else ""
