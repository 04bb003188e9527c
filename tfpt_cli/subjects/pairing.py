"""Which value of one framework is held against which of the other."""

from __future__ import annotations

from collections.abc import Iterator

from tfpt_cli.results import FRAMEWORKS, Outcome, Value


def pairs(quantity: str, outcomes: dict[str, Outcome]) -> Iterator[dict[str, tuple[str, Value]]]:
    """The comparisons of a quantity that each side may have computed in several ways: by framework, (way, value).

    Each way is held against the other side's first one, so that every way is in a row and closeness, which is not
    transitive, is never inferred.
    """
    left, right = ([(how, v) for (q, how), v in outcomes[f].values.items() if q == quantity] for f in FRAMEWORKS)
    if not left or not right:
        return
    rows = [(way, right[0]) for way in left] + [(left[0], way) for way in right[1:]]
    for row in rows:
        yield dict(zip(FRAMEWORKS, row, strict=True))
