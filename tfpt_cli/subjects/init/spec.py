"""A checked init scenario: what its listings and its comparison need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.results import Way

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tfpt_cli.frameworks import Framework
    from tfpt_cli.layers.parameters import FilledParameter


NAME = "init"
SAMPLES = 20_000
# How the repeated draws of a parameter are told from its own value.
DRAWS = Way(method="draws")
# Keys of the subject that are not the name of a parameter.
RESERVED = frozenset({"layer", TORCH, TENSORFLOW, "samples", "pair", "layout"})


@dataclass(frozen=True)
class Init:
    """A checked init scenario: everything that its listings need.

    `layer` is the source of the layer by framework, `build` the shapes that Keras builds it for.
    `written` is the layer as a person wrote it, by framework (under an empty key what both run).
    """

    layer: Mapping[str, str]
    build: str
    parameters: tuple[FilledParameter, ...]
    samples: int
    written: Mapping[str, str]
    dtype: str
    seed: int
    about: tuple[str, ...] = field(default=())

    def parameters_of(self, frameworks: Collection[str]) -> tuple[FilledParameter, ...]:
        """The parameters that one of these frameworks has."""
        return tuple(p for p in self.parameters if any(p.attribute[framework] is not None for framework in frameworks))

    def notes(self, frameworks: Sequence[Framework]) -> tuple[str, ...]:
        """What each framework draws a parameter from, in formula and numbers, its fans, and what the row says of the layer."""
        said: dict[str, list[str]] = {}
        for parameter in self.parameters_of(frameworks):
            initialization = {f: parameter.initialization[f] for f in frameworks if parameter.attribute[f]}
            texts = {f: each.text for f, each in initialization.items() if each.text}
            fans = {f: each.fans for f, each in initialization.items() if each.fans}
            defaults = any(parameter.initialization[f].default for f in frameworks)
            if not texts or not (defaults or len(set(texts.values())) > 1 or "=" in next(iter(texts.values()))):
                continue
            plain = not any(initialization[f].random for f in texts)
            if plain and len(texts) == len(frameworks) and len(set(texts.values())) == 1 and parameter.statements:
                continue  # zeros that one side says and the other one has anyway
            words = _each(
                {f: "default " * initialization[f].default + text for f, text in texts.items()}, len(frameworks)
            )
            if frameworks[0] in fans and any(initialization[f].scaled for f in texts):
                counted = {f: f"fan_in {pair[0]}, fan_out {pair[1]}" for f, pair in fans.items()}
                words += "; " + _each(counted, len(frameworks))
            said.setdefault(words, []).append(parameter.name)
        return tuple(f"{', '.join(names)}: {words}" for words, names in said.items()) + self.about


def _each(texts: Mapping[Framework, str], count: int) -> str:
    """One text for all frameworks where they are equal, else each with its framework."""
    if len(texts) == count and len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{framework.label} {text}" for framework, text in texts.items())
