"""A checked init scenario: what its listings and its comparison need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import FRAMEWORKS, LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tfpt_cli.layers.parameters import Parameter


NAME = "init"
SAMPLES = 20_000
# How the repeated draws of a parameter are told from its own value.
DRAWS = "draws"
# Keys of the subject that are not the name of a parameter.
RESERVED = frozenset({"layer", "torch", "tensorflow", "samples", "pair", "layout"})


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
