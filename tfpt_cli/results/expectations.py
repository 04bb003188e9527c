"""Whether comparisons are as a scenario expects them. It is decided here alone."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tfpt_cli.results.comparisons import Verdict
from tfpt_cli.results.outcomes import Symptom
from tfpt_cli.results.report import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfpt_cli.results.comparisons import Comparison
    from tfpt_cli.results.outcomes import Failure


class Relation(StrEnum):
    """What both sides come to in a quantity, and what a scenario can expect of it."""

    AGREE = "agree"
    DIFFER = "differ"
    ERROR = "error"  # at least one side was refused


def relation(comparisons: Iterable[Comparison]) -> Relation:
    """The relation that all comparisons of one quantity come to together.

    It is `error` where a side was refused in any of them, else `differ` where any of them differs, else `agree`.
    """
    verdicts = {comparison.verdict for comparison in comparisons}
    if Verdict.ERROR in verdicts:
        return Relation.ERROR
    return Relation.AGREE if all(verdict.agrees for verdict in verdicts) else Relation.DIFFER


def expected_of(expect: Any, quantity: str) -> Relation:
    """What an `expect` asks of a quantity: its own word, where the scenario says it by quantity and the rest is to agree.

    >>> expected_of({"d/dx": "differ"}, "value")
    <Relation.AGREE: 'agree'>
    """
    return Relation(expect.get(quantity, Relation.AGREE) if isinstance(expect, dict) else expect)


def as_expected(comparison: Comparison, expect: Any, comparisons: Iterable[Comparison]) -> bool:
    """Whether one of the `comparisons` of a scenario is as its `expect` says.

    One that is to differ or to be refused may agree, where another one of its quantity does what is expected; or any other, where
    the scenario says it of no quantity.

    >>> from tfpt_cli.results import Comparison, Quantity
    >>> differing = Comparison(quantity=Quantity(kind="value"), verdict=Verdict.DIFFERS, sides={})
    >>> as_expected(differing, "agree", [differing]), as_expected(differing, {"value": "differ"}, [differing])
    (False, True)
    """
    wanted, found = expected_of(expect, comparison.quantity), relation([comparison])
    if found is wanted or wanted is Relation.AGREE or found is Relation.ERROR:
        return found is wanted
    return any(
        relation([other]) is wanted
        for other in comparisons
        if other.quantity == comparison.quantity or not isinstance(expect, dict)
    )


def status_of(
    expect: Any, comparisons: tuple[Comparison, ...], failures: tuple[Failure, ...], *, skipped: bool = False
) -> Status:
    """A scenario held against its `expect`: passed where every quantity is as expected.

    `expect: differ` for the whole scenario asks that at least one quantity differs, `expect: error` that at least one is
    refused. A failure that is not expected is an error, and so is every process that broke. `skipped` says that a side
    lacked what it needs, where nothing was compared.

    >>> from tfpt_cli.results import Comparison, Quantity
    >>> differing = Comparison(quantity=Quantity(kind="value"), verdict=Verdict.DIFFERS, sides={})
    >>> [str(status_of(expect, (differing,), ())) for expect in ("agree", "differ")]
    ['failed', 'passed']
    """
    by_quantity: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        by_quantity.setdefault(comparison.quantity, []).append(comparison)
    found = {quantity: relation(ways) for quantity, ways in by_quantity.items()}
    expected = {quantity: expected_of(expect, quantity) for quantity in found}
    refused = [quantity for quantity in found if found[quantity] is Relation.ERROR]
    unexpected = any(expected[quantity] is not Relation.ERROR for quantity in refused)
    if any(failure.symptom != Symptom.EXCEPTION for failure in failures) or unexpected or (failures and not refused):
        return Status.ERROR
    if not comparisons:
        return Status.SKIPPED if skipped else Status.ERROR
    somewhere = expect in (Relation.DIFFER, Relation.ERROR)
    met = expect in found.values() if somewhere else found == expected
    return Status.PASSED if met else Status.FAILED
