"""Names for what was drawn: how two declared laws part, and which known initializer a sample fits."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tfpt_cli.compare.distribution import against_law
from tfpt_cli.compare.sample import Law, Sample, law_of
from tfpt_cli.dictionary.formulas import CUT_STD, chosen
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.language.trees import called_name
from tfpt_cli.layers.initializers import formula

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tfpt_cli.frameworks import Side
    from tfpt_cli.layers.initializers import Fans, InitializerCall

# What people draw weights from with numbers of their own: the frameworks' defaults and those of well-known models.
_USUAL = (
    "uniform(-1 / sqrt(fan_in), 1 / sqrt(fan_in))",
    "uniform(0.0, 1.0)", "uniform(-1.0, 1.0)", "uniform(-0.05, 0.05)", "uniform(-0.1, 0.1)",
    "normal(0.0, 1.0)", "normal(0.0, 0.05)", "normal(0.0, 0.02)", "normal(0.0, 0.01)",
    "truncated_normal(0.0, 1.0)", "truncated_normal(0.0, 0.05)", "truncated_normal(0.0, 0.02)",
)  # fmt: skip
_FITS = 1e-3
# A gain that is some root or ratio that people use, by its square.
_GAINS = {2.0: "sqrt(2)", 3.0: "sqrt(3)", 1 / 3: "sqrt(1/3)", 25 / 9: "5/3", 9 / 16: "3/4"}


def guesses(sample: Sample, fans: Fans | None, precision: float) -> list[str]:
    """The known initializers that a sorted sample fits, for a tensor with these fans; at most two.

    >>> import numpy as np
    >>> from tfpt_cli.frameworks import SIDES
    >>> sample = Sample.of(SIDES[0], np.linspace(-1.0, 1.0, 10_001)).ordered()
    >>> guesses(sample, fans=None, precision=2.0**-23)
    ['uniform(-1, 1)']
    """
    found: list[str] = []
    if not sample.measurable:
        return found
    for name, law in _candidates(fans):
        # The scale settles most of them at once, and costs nothing.
        if abs(math.log(sample.std / law.std)) > 6 * law.scale_error / math.sqrt(sample.size):
            continue
        if all(finding.test.p > _FITS for finding in against_law(sample, law, precision)):
            found.append(name)
    return found[:2]


@lru_cache(maxsize=256)
def _candidates(fans: Fans | None) -> list[tuple[str, Law]]:
    named: dict[str, Law] = {}
    for name, row in dictionary().initializers.items():
        if row.means is not None and all(p.default is not None for p in row.signature.parameters):
            law = law_of(formula(_parsed(f"{name}()"), {}, fans))
            if law is not None and law.text not in {known.text for known in named.values()}:
                named[name] = law
    for text in _USUAL:
        law = law_of(formula(_parsed(text), {}, fans))
        if law is not None:
            named.setdefault(text if "fan" in text else law.text, law)
    return list(named.items())


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@dataclass(frozen=True)
class Declared:
    """The law by which a side declares that it fills a parameter.

    `initializer` is its initializer with all numbers put in, `at` gives the initializer for given fans (None: for all), `fans`
    is (fan_in, fan_out) as the framework counts them.
    """

    initializer: InitializerCall | None
    at: Callable[[Fans | None], InitializerCall | None] | None
    fans: Fans | None

    @property
    def mode(self) -> str | None:
        """The fan that its law is scaled by (`fan_in`, `fan_out`, `fan_avg`), or None where it is scaled by none.

        It is found by asking for the law's standard deviation with each fan made larger.
        """
        if self.fans is None or self.at is None:
            return None
        fan_in, fan_out = self.fans
        laws = [law_of(self.at(pair)) for pair in (self.fans, (4 * fan_in, fan_out), (fan_in, 4 * fan_out))]
        if any(law is None for law in laws):
            return None
        here, wider, taller = (law.std for law in laws if law is not None)
        moved = not math.isclose(here, wider), not math.isclose(here, taller)
        return {(True, False): "fan_in", (False, True): "fan_out", (True, True): "fan_avg"}.get(moved)


def parting(declared: Mapping[Side, Declared]) -> Iterator[str]:
    """Phrases that say how two declared laws part: truncated or not, of which kind, by which fan, by which gain."""
    one, other = declared
    initializers = {side: found.initializer for side, found in declared.items() if found.initializer is not None}
    if len(initializers) < len(declared):
        return
    kinds = {side: _kind(initializer) for side, initializer in initializers.items()}
    cuts = {side: _cut(initializer) for side, initializer in initializers.items()}
    both_cut = set(kinds.values()) == {_TRUNCATED}
    if kinds[one] != kinds[other]:
        if set(kinds.values()) <= {"normal", _TRUNCATED}:
            free = max(cuts, key=lambda side: cuts[side])
            yield f"{free.label}'s is not truncated at {min(cuts.values()):.3g} sigma"
        else:
            yield f"{one.label}'s is {kinds[one]}, {other.label}'s {kinds[other]}"
    elif both_cut and not math.isclose(*cuts.values(), rel_tol=1e-6):
        yield f"{one.label}'s is cut off at {cuts[one]:.3g} sigma, {other.label}'s at {cuts[other]:.3g}"
    laws = {side: law for side, initializer in initializers.items() if (law := law_of(initializer)) is not None}
    if len(laws) < len(initializers):
        return
    stds = {side: law.std for side, law in laws.items()}
    if math.isclose(*stds.values(), rel_tol=1e-6):
        return
    cut_alike = both_cut and math.isclose(*cuts.values(), rel_tol=1e-6)
    if cut_alike and math.isclose(min(stds.values()) / max(stds.values()), CUT_STD, rel_tol=1e-4):
        small = min(stds, key=lambda side: stds[side])
        yield f"{small.label}'s std is meant before the truncation, the other's after it"
        return
    modes = {side: found.mode for side, found in declared.items()}
    if all(modes.values()) and modes[one] != modes[other]:
        yield f"{modes[one]} against {modes[other]}"
    fans = {side: found.fans for side, found in declared.items() if found.fans is not None}
    if fans.get(one) != fans.get(other) and modes[one] and modes[one] == modes[other]:
        yield f"the fans are counted differently: {fans[one]} and {fans[other]}"
    gains = {side: stds[side] ** 2 * chosen(mode, *fans[side]) for side, mode in modes.items() if mode is not None}
    if len(gains) == len(declared) and not math.isclose(*gains.values(), rel_tol=1e-6):
        yield f"gain {_gain(gains[one])} against {_gain(gains[other])}"


_TRUNCATED = "truncated"


def _kind(initializer: InitializerCall) -> str:
    """The name of the row, or that it is a truncated normal, of which there are several rows."""
    law = initializer.row.distribution
    return _TRUNCATED if law is not None and called_name(law) == "truncnorm" else initializer.row.name


def _cut(initializer: InitializerCall) -> float:
    """At how many standard deviations a normal is cut off."""
    law = law_of(initializer)
    if law is None or _kind(initializer) != _TRUNCATED:
        return math.inf
    low, high = law.law.support()
    std = float(initializer.settings["std"])
    return float(max(abs(low - initializer.settings["mean"]), abs(high - initializer.settings["mean"]))) / std


def _gain(squared: float) -> str:
    return next(
        (name for value, name in _GAINS.items() if math.isclose(value, squared, rel_tol=1e-6)),
        f"{math.sqrt(squared):.4g}",
    )
