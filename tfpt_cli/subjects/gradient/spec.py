"""A checked gradient scenario, its listings, and how the ways of both sides are paired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.shapes import Shape, show
from tfpt_cli.listing import Listing, listing
from tfpt_cli.results import FRAMEWORKS, Comparison, Outcome, Tolerance, Value
from tfpt_cli.subjects.gradient.tensorflow import TensorFlowWriter
from tfpt_cli.subjects.gradient.torch import TorchWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.scenario.values import Values

NAME = "gradient"


@dataclass(frozen=True)
class Output:
    """One expression: its name (empty for the only one), its source by framework, its shape where that is known."""

    name: str
    source: dict[str, str]
    shape: Shape | None

    @property
    def value(self) -> str:
        """The quantity that holds its value."""
        return self.name or "value"


@dataclass(frozen=True)
class Gradient:
    """A checked gradient scenario: everything that its listings need."""

    inputs: dict[str, Values]
    outputs: tuple[Output, ...]
    wrt: tuple[str, ...]
    derivatives: tuple[str, ...]
    tangent: dict[str, Values]
    cotangent: dict[str, Values]
    modes: dict[str, tuple[str, ...]]
    headline: str
    dtype: str
    seed: int
    native: bool

    subject = NAME

    def quantities(self) -> list[str]:
        """The names of the quantities that the listings leave."""
        return list(
            dict.fromkeys(quantity for framework in FRAMEWORKS for quantity, _ in self.listing(framework, "").keys)
        )

    def listing(self, framework: str, title: str) -> Listing:
        """The code for a framework."""
        writer = {"torch": TorchWriter, "tensorflow": TensorFlowWriter}[framework](self)
        return listing(framework, title, list(writer.sections()))

    def compare(self, outcomes: dict[str, Outcome], tolerance: Tolerance | None) -> list[Comparison]:
        """One comparison for every way on either side, each against the other side's first way."""
        from tfpt_cli.compare.values import compare_values  # not above: validating needs no NumPy

        return [
            compare_values(quantity, sides, tolerance)
            for quantity in self.quantities()
            for sides in pairs(quantity, outcomes)
        ]

    def notes(self) -> tuple[str, ...]:
        """What a reader must know to read the derivatives."""
        summed = [o for o in self.outputs if o.shape and {"gradient", "hessian", "hvp"} & set(self.derivatives)]
        return tuple(
            f"{output.value} has shape {show(output.shape or ())}: its gradient is that of its sum (a cotangent of ones)"
            for output in summed
        )


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
