"""A checked init scenario: what its listings and its comparison need."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from tfpt_cli.results import FRAMEWORKS, LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tfpt_cli.dictionary.shapes import Shape
    from tfpt_cli.subjects.init.axes import Layout
    from tfpt_cli.subjects.init.initializers import Fans, InitializerCall

NAME = "init"
SAMPLES = 20_000
# How the repeated draws of a parameter are told from its own value.
DRAWS = "draws"
# Keys of the subject that are not the name of a parameter.
RESERVED = frozenset({"layer", "torch", "tensorflow", "samples", "pair", "layout"})
# How often a structured parameter is drawn at least, by the size up to which its draws cost little.
_STRUCTURED = ((50_000, 40), (300_000, 10), (2_000_000, 2))


@dataclass(frozen=True)
class Filling:
    """How one side fills a parameter.

    `fill` is the row that it corresponds to as it is written, `at` what it comes to for given fans, None where no row
    knows it; `meant` are the fans to put in, `fans` what this framework counts for the tensor. `formula` is how a
    default is written. `write` gives the call as it is written, nothing for the layer's own default: listings alone
    need it, so that validating writes none.
    """

    fill: InitializerCall | None = None
    at: Callable[[Fans | None], InitializerCall | None] | None = None
    meant: Fans | None = None
    fans: Fans | None = None
    formula: str = ""
    default: bool = False
    write: Callable[[], str] | None = None

    @cached_property
    def source(self) -> str:
        """The call as it is written, in PyTorch with `tensor` as its first argument; empty for the layer's default."""
        return self.write() if self.write is not None else ""

    @cached_property
    def base(self) -> InitializerCall | None:
        """The plainest row that it comes to, with its numbers."""
        return self.at(self.meant) if self.at is not None else None

    @property
    def random(self) -> bool | None:
        """Whether it draws; None where no row says."""
        return None if self.base is None else self.base.row.random

    @property
    def scaled(self) -> bool:
        """Whether the fans decide what it draws."""
        return self.at is not None and self.fans is not None and self.at((4, 4)) != self.at((9, 9))

    @property
    def structure(self) -> str:
        """`orthogonal` or `sparse`, empty for anything else."""
        return "" if self.base is None else self.base.row.structure

    @property
    def text(self) -> str:
        """What it is as a person reads it, formula and numbers: `glorot_uniform() = uniform(-0.29, 0.29)`."""
        if self.base is None:
            return ""
        formula, numbers = self.formula or (self.fill or self.base).text, self.base.text
        return numbers if formula == numbers else f"{formula} = {numbers}"


@dataclass(frozen=True)
class Parameter:
    """One parameter of the layer: the expression that holds it in each framework, its layout, how each side fills it.

    A side of `attribute` is None where the layer has no such parameter. `shape` is PyTorch's, None where no row knows
    it. `fills` gives PyTorch's statements that fill it, `initializer` the Keras expression that holds its initializer,
    `reset` what draws PyTorch's default again. A framework in `rebuilt` can only draw it by building the layer again.
    `made_by` is the framework of each side, where both are one.
    """

    name: str
    attribute: Mapping[str, str | None]
    layout: Layout
    shape: Shape | None
    filling: Mapping[str, Filling]
    fills: Callable[[], tuple[str, ...]] = tuple
    initializer: str = ""
    reset: str = ""
    rebuilt: frozenset[str] = frozenset()
    made_by: Mapping[str, str] = field(default_factory=dict)

    def built_again(self, framework: str) -> bool:
        """Whether it is drawn by building the whole layer again."""
        there = self.attribute[framework] is not None
        return there and framework in self.rebuilt and self.filling[framework].random is not False

    def draws(self, framework: str, samples: int) -> int:
        """How often it is drawn by itself for a distribution test.

        0 where nothing is random, where the tensor itself is enough, and where only the whole layer can be built again.

        Where no row says whether it is random, at least twice, to see; a structured one often enough to see that its
        draws do not repeat.
        """
        filling = self.filling[framework]
        if self.attribute[framework] is None or filling.random is False or self.shape is None:
            return 0
        if self.built_again(framework):
            return 0
        size = max(math.prod(self.shape), 1)
        needed = math.ceil(samples / size)
        if filling.structure:
            needed = max(needed, *(count for most, count in _STRUCTURED if size <= most), 1)
        return max(needed, 2) if filling.random is None else (needed if needed > 1 else 0)


@dataclass(frozen=True)
class Init:
    """A checked init scenario: everything that its listings need.

    `write_layer` gives the source of the layer in a framework, `build` the shapes that Keras builds it for.
    """

    write_layer: Callable[[str], str]
    build: str
    parameters: tuple[Parameter, ...]
    samples: int
    headline: str
    dtype: str
    seed: int
    about: tuple[str, ...] = field(default=())

    def notes(self) -> tuple[str, ...]:
        """What each side draws a parameter from, in formula and numbers, its fans, and what the row says of the layer."""
        said: dict[str, list[str]] = {}
        for parameter in self.parameters:
            texts = {f: fill.text for f, fill in parameter.filling.items() if parameter.attribute[f] and fill.text}
            fans = {f: fill.fans for f, fill in parameter.filling.items() if fill.fans and parameter.attribute[f]}
            defaults = any(fill.default for fill in parameter.filling.values())
            if not texts or not (defaults or len(set(texts.values())) > 1 or "=" in next(iter(texts.values()))):
                continue
            plain = not any(parameter.filling[f].random for f in texts)
            if plain and len(texts) > 1 and len(set(texts.values())) == 1 and len(parameter.fills()) > 0:
                continue  # zeros that one side says and the other one has anyway
            words = _both({f: _left_to_the_layer(parameter, f) + text for f, text in texts.items()})
            if "torch" in fans and any(parameter.filling[f].scaled for f in texts):
                words += "; " + _both({f: f"fan_in {pair[0]}, fan_out {pair[1]}" for f, pair in fans.items()})
            said.setdefault(words, []).append(parameter.name)
        return tuple(f"{', '.join(names)}: {words}" for words, names in said.items()) + self.about


def _left_to_the_layer(parameter: Parameter, framework: str) -> str:
    return "default " if parameter.filling[framework].default else ""


def _both(texts: Mapping[str, str]) -> str:
    """One text for both sides where they are equal, else each with its framework."""
    if len(texts) == len(FRAMEWORKS) and len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{LABELS[framework]} {text}" for framework, text in texts.items())
