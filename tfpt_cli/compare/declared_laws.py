"""Names for what was drawn: how two declared laws part, and which known initializer a sample fits."""

from __future__ import annotations

import ast
import math
from functools import lru_cache
from typing import TYPE_CHECKING

from tfpt_cli.compare.distribution import against_law
from tfpt_cli.compare.sample import Law, Sample, law_of
from tfpt_cli.dictionary.formulas import CUT_STD, chosen
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import FRAMEWORKS, LABELS
from tfpt_cli.layers.initializers import formula

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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
_GAINS = {2.0: "sqrt(2)", 3.0: "sqrt(3)", 1 / 3: "sqrt(1/3)", 25 / 9: "5/3", 9 / 16: "3/4", 1.0: "1"}


def guesses(sample: Sample, fans: Fans | None, precision: float) -> list[str]:
    """The known initializers that a sorted sample fits, for a tensor with these fans; at most two."""
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


def parting(
    fills: Mapping[str, InitializerCall | None],
    at: Mapping[str, Callable[[Fans], InitializerCall | None]],
    fans: Mapping[str, Fans | None],
) -> Iterator[str]:
    """How two declared laws part, in words: truncated or not, of which kind, by which fan, by which gain.

    `fills` are what the sides come to with their numbers, `at` the same as functions of the fans.
    """
    one, other = (fills[framework] for framework in FRAMEWORKS)
    if one is None or other is None:
        return
    kinds = {framework: _kind(fill) for framework, fill in fills.items() if fill is not None}
    if kinds["torch"] != kinds["tensorflow"]:
        cut = {f: _cut(fill) for f, fill in fills.items() if fill is not None}
        if set(kinds.values()) <= {"normal", "truncated"} or set(kinds.values()) == {"truncated"}:
            free = next(f for f in FRAMEWORKS if cut[f] == max(cut.values()))
            least = min(cut.values())
            yield f"{LABELS[free]}'s is not truncated at {least:.3g} sigma"
        else:
            yield f"{_whose('torch')} is {kinds['torch']}, {_whose('tensorflow')} {kinds['tensorflow']}"
    elif kinds["torch"] == "truncated" and not math.isclose(*(_cut(f) for f in fills.values() if f), rel_tol=1e-6):
        cuts = {f: _cut(fill) for f, fill in fills.items() if fill is not None}
        yield f"{_whose('torch')} is cut off at {cuts['torch']:.3g} sigma, {_whose('tensorflow')} at {cuts['tensorflow']:.3g}"
    laws = {framework: law_of(fill) for framework, fill in fills.items()}
    torch, tensorflow = laws["torch"], laws["tensorflow"]
    if torch is None or tensorflow is None or math.isclose(torch.std, tensorflow.std, rel_tol=1e-6):
        return
    ratio = min(torch.std, tensorflow.std) / max(torch.std, tensorflow.std)
    alike = set(kinds.values()) == {"truncated"} and math.isclose(*(_cut(f) for f in fills.values() if f), rel_tol=1e-6)
    if alike and math.isclose(ratio, CUT_STD, rel_tol=1e-4):
        small = "torch" if torch.std < tensorflow.std else "tensorflow"
        yield f"{LABELS[small]}'s std is meant before the truncation, the other's after it"
        return
    modes = {f: _mode(at[f], pair) if (pair := fans[f]) is not None else None for f in FRAMEWORKS}
    if all(modes.values()) and modes["torch"] != modes["tensorflow"]:
        yield f"{modes['torch']} against {modes['tensorflow']}"
    if fans["torch"] != fans["tensorflow"] and modes["torch"] and modes["torch"] == modes["tensorflow"]:
        yield f"the fans are counted differently: {fans['torch']} and {fans['tensorflow']}"
    gains = {
        f: law.std**2 * chosen(str(modes[f]), *pair)
        for f, law in (("torch", torch), ("tensorflow", tensorflow))
        if modes[f] and (pair := fans[f]) is not None
    }
    if len(gains) == len(FRAMEWORKS) and not math.isclose(*gains.values(), rel_tol=1e-6):
        yield f"gain {_gain(gains['torch'])} against {_gain(gains['tensorflow'])}"


def _whose(framework: str) -> str:
    return f"{LABELS[framework]}'s"


def _kind(fill: InitializerCall) -> str:
    return {"trunc_normal": "truncated", "truncated_normal": "truncated"}.get(fill.row.name, fill.row.name)


def _cut(fill: InitializerCall) -> float:
    """At how many standard deviations a normal is cut off."""
    law = law_of(fill)
    if law is None or _kind(fill) != "truncated":
        return math.inf
    low, high = law.law.support()
    std = float(fill.settings["std"])
    return float(max(abs(low - fill.settings["mean"]), abs(high - fill.settings["mean"]))) / std


def _mode(at: Callable[[Fans], InitializerCall | None], fans: Fans) -> str | None:
    """Which fan a law is scaled by: found by asking for its variance with each fan made larger."""
    laws = [law_of(at(pair)) for pair in (fans, (4 * fans[0], fans[1]), (fans[0], 4 * fans[1]))]
    if any(law is None for law in laws):
        return None
    here, wider, taller = (law.std for law in laws if law is not None)
    moved = not math.isclose(here, wider), not math.isclose(here, taller)
    return {(True, False): "fan_in", (False, True): "fan_out", (True, True): "fan_avg"}.get(moved)


def _gain(squared: float) -> str:
    return next(
        (name for value, name in _GAINS.items() if math.isclose(value, squared, rel_tol=1e-6)),
        f"{math.sqrt(squared):.4g}",
    )
