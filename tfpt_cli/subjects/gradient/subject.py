"""The subject `gradient`, as the pipeline uses it: its fields, its listings, and how its quantities compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.listing import Listing
from tfpt_cli.listing import listing as listing_of
from tfpt_cli.results import FRAMEWORKS, Comparison, Outcome, Tolerance, Value
from tfpt_cli.subjects.gradient.fields import SCHEMA, read
from tfpt_cli.subjects.gradient.tensorflow import TensorFlowWriter
from tfpt_cli.subjects.gradient.torch import TorchWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.subjects.gradient.spec import Gradient

__all__ = ["SCHEMA", "compare", "listing", "quantities", "read"]


def quantities(spec: Gradient) -> list[str]:
    """The names of the quantities that the listings leave."""
    keys = [key for framework in FRAMEWORKS for key in listing(spec, framework, "").keys]
    return list(dict.fromkeys(quantity for quantity, _ in keys))


def listing(spec: Gradient, framework: str, title: str) -> Listing:
    """The code for a framework."""
    writer = {"torch": TorchWriter, "tensorflow": TensorFlowWriter}[framework](spec)
    return listing_of(framework, title, list(writer.sections()))


def compare(_: Gradient, outcomes: dict[str, Outcome], tolerance: Tolerance | None) -> list[Comparison]:
    """One comparison for every way on either side, each against the other side's first way."""
    from tfpt_cli.compare.values import compare_values  # not above: validating needs no NumPy

    # An outcome holds every quantity of its listing, in order: the listings need not be written again.
    names = dict.fromkeys(quantity for framework in FRAMEWORKS for quantity, _ in outcomes[framework].values)
    return [compare_values(name, sides, tolerance) for name in names for sides in pairs(name, outcomes)]


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
