"""A checked gradient scenario: what its listings and its comparison need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.shapes import Shape, show

if TYPE_CHECKING:
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

    def notes(self) -> tuple[str, ...]:
        """What a reader must know to read the derivatives."""
        summed = [o for o in self.outputs if o.shape and {"gradient", "hessian", "hvp"} & set(self.derivatives)]
        return tuple(
            f"{output.value} has shape {show(output.shape or ())}: its gradient is that of its sum (a cotangent of ones)"
            for output in summed
        )
