"""A checked init scenario: what its listings and its comparison need."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.rows import Initializer, called_name
from tfpt_cli.lowering import filled
from tfpt_cli.results import LABELS
from tfpt_cli.scenario.expression import constant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.compare.distribution import Declared
    from tfpt_cli.dictionary.shapes import Shape

NAME = "init"
SAMPLES = 20_000
# How the repeated draws of a parameter are told from its own value.
DRAWS = "draws"
# Keys of the subject that are not the name of a parameter.
RESERVED = frozenset({"layer", "torch", "tensorflow", "samples", "pair", "layout"})


@dataclass(frozen=True)
class Filling:
    """How one side fills a parameter.

    `source` is the call as it is written (empty: the layer's own default), `initializer` and `settings` the row that
    it corresponds to, None where no row does.
    """

    source: str = ""
    initializer: Initializer | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    default: bool = False

    @property
    def random(self) -> bool | None:
        """Whether it draws; None where no row says."""
        return None if self.initializer is None else self.initializer.distribution is not None

    @property
    def text(self) -> str:
        """The neutral call with its values, `uniform(0, 1)`; empty where no row knows it."""
        if self.initializer is None:
            return ""
        values = ", ".join(
            f"{value:.4g}" if isinstance(value, float) else str(value) for value in self.settings.values()
        )
        return f"{self.initializer.name}({values})"

    def declared(self) -> Declared | None:
        """The distribution that its row declares, None where there is none."""
        from tfpt_cli.compare.distribution import Declared, scipy_law

        row = self.initializer
        if row is None or row.distribution is None:
            return None
        settings = {name: float(value) for name, value in self.settings.items()}
        law = filled(row.distribution, row.signature, set(settings), settings, {})
        assert isinstance(law, ast.Call)
        keywords = {str(k.arg): constant(k.value) for k in law.keywords}
        if not 0 < keywords.get("scale", 1.0) < math.inf:
            return None
        return Declared(self.text, scipy_law(called_name(law), keywords))


@dataclass(frozen=True)
class Parameter:
    """One parameter of the layer: its name in each framework, its layout, how each side fills it.

    `shape` is PyTorch's, None where no row knows it; a side of `attribute` is None where it has no such parameter.
    """

    name: str
    attribute: Mapping[str, str | None]
    layout: str
    shape: Shape | None
    filling: Mapping[str, Filling]
    keras_argument: str = ""

    def draws(self, framework: str, samples: int) -> int:
        """How often it is drawn for a distribution test: 0 where nothing is random or the tensor itself is enough.

        Where no row says whether it is random, at least twice, to see.
        """
        random = self.filling[framework].random
        if random is False or self.shape is None:
            return 0
        needed = math.ceil(samples / max(math.prod(self.shape), 1))
        return max(needed, 2) if random is None else (needed if needed > 1 else 0)


@dataclass(frozen=True)
class Init:
    """A checked init scenario: everything that its listings need."""

    layer: Mapping[str, str]
    input_shape: tuple[int, ...]
    parameters: tuple[Parameter, ...]
    samples: int
    headline: str
    dtype: str
    seed: int
    known: bool

    def notes(self) -> tuple[str, ...]:
        """What each framework draws a parameter from where the scenario leaves it to the layer."""
        notes = []
        for parameter in self.parameters:
            defaults = [
                f"{LABELS[f]} {fill.text}" for f, fill in parameter.filling.items() if fill.default and fill.text
            ]
            if defaults:
                notes.append(f"{parameter.name} is left to the layer: {', '.join(defaults)}")
        return tuple(notes)
