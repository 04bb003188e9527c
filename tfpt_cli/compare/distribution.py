"""Two random parameters, compared as distributions.

The verdict of a parameter is made at one level, `LEVEL`: each of its tests at that level divided by their number
(Bonferroni). The tests are: the two samples against each other (distribution functions, means, scales, tails, ranges);
each against the law that its row declares (distribution function, mean, scale, support) and, where the two declare
different ones, against the other's; both again for each block (gate); and whether the elements of one draw are
independent and alike (`compare.independence`).
The two-sample scale and tail tests take their standard errors from the samples by the delta method, so they hold for
any distribution with eight moments; both are tests of like estimators, whose skewness cancels.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from tfpt_cli.compare.independence import independence
from tfpt_cli.compare.sample import ExplainedTest, Law, Sample, distance_between, distance_to_law, two_sided
from tfpt_cli.results import Distribution, Test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side

LEVEL = 1e-6
_POWER = 0.99
# A dtype with fewer bits than float32 draws equal values all the time.
_FINE = 2.0**-20
_LARGE = 1 << 20


@dataclass(frozen=True)
class DistributionResult:
    """The result of the tests: the record of all, in words what parted (empty: the same distribution), the samples."""

    distribution: Distribution
    words: tuple[str, ...]
    samples: Mapping[Side, Sample]


def compare_distributions(
    samples: Mapping[Side, NDArray[Any]],
    declared: Mapping[Side, Law | None],
    precision: float,
    *,
    blocks: Mapping[str, Mapping[Side, NDArray[Any]]] | None = None,
    level: float = LEVEL,
) -> DistributionResult:
    """Judges two samples, by side: arrays of (draws, *shape) with finite values that are not all equal.

    `precision` is the relative distance of neighbouring numbers of their dtype: a bound may be rounded outwards by that
    much. `blocks` are parts of the same arrays that are judged by themselves too, by name and side.
    An array that can be written is sorted where it is.
    """
    whole = _pair(samples)
    sizes = {side: sample.size for side, sample in whole.items()}
    laws = {side: law.text for side, law in declared.items() if law is not None}
    if not _measurable(whole):
        spreads = " and ".join(f"{sample.std:.3g}" for sample in whole.values())
        said = f"standard deviations of {spreads} cannot be compared in float64"
        return DistributionResult(
            Distribution(declared=laws, samples=sizes, level=level, tests=(), detectable=None), (said,), whole
        )
    alone: list[ExplainedTest] = []
    first, second = samples
    for side, other in ((first, second), (second, first)):
        fine = whole[other] if precision < _FINE else None
        alone += independence(samples[side], whole[side], fine, precision)
    parts: dict[str, list[ExplainedTest]] = {}
    for name, arrays in (blocks or {}).items():
        part = _pair(arrays)
        if _measurable(part):
            parts[name] = list(_findings(_ordered(part), declared, precision))
        else:
            same = math.isclose(part[first].mean, part[second].mean, rel_tol=1e-6)
            said = ", ".join(f"{side.label}'s is {s.mean:.3g} +- {s.std:.3g}" for side, s in part.items())
            parts[name] = [ExplainedTest(Test("constant", "both", float(same)), said)]
    whole = _ordered(whole)
    together = list(_findings(whole, declared, precision))
    count = len(alone) + len(together) + sum(map(len, parts.values()))
    limit = level / count
    words = [*_telling(together, limit)]
    apart = {name: [*_telling(found, limit)] for name, found in parts.items()}
    parted = {name: said for name, said in apart.items() if said}
    if parted and (not words or len(parted) < len(apart)):
        words += [f"the {name} gate: {'; '.join(said)}" for name, said in parted.items()]
    words += [finding.words for finding in alone if finding.test.p < limit]
    tests = [finding.test for finding in (*together, *alone)]
    tests += [replace(f.test, name=f"{f.test.name}, {name} gate") for name, found in parts.items() for f in found]
    return DistributionResult(
        Distribution(laws, sizes, level, tuple(tests), *_detectable(whole, declared, limit)), tuple(words), whole
    )


def _pair(arrays: Mapping[Side, NDArray[Any]]) -> dict[Side, Sample]:
    return _each(lambda side: Sample.of(side, arrays[side]), list(arrays), max(a.size for a in arrays.values()))


def _ordered(pair: Mapping[Side, Sample]) -> dict[Side, Sample]:
    return _each(lambda side: pair[side].ordered(), list(pair), max(sample.size for sample in pair.values()))


def _each(make: Callable[[Side], Sample], sides: list[Side], size: int) -> dict[Side, Sample]:
    """Both sides; side by side where they are large, since NumPy lets go of the interpreter."""
    if size < _LARGE:
        return {side: make(side) for side in sides}
    with ThreadPoolExecutor(len(sides)) as pool:
        return dict(zip(sides, pool.map(make, sides), strict=True))


def _measurable(pair: Mapping[Side, Sample]) -> bool:
    return all(sample.measurable for sample in pair.values())


def _telling(findings: list[ExplainedTest], limit: float) -> Iterator[str]:
    """The words of the first two-sample test that failed, and of the first against each side's own law.

    A side that does not fit the other's law is only worth a word where nothing else says so.
    """
    said: dict[str, ExplainedTest] = {}
    for finding in findings:
        if finding.test.p < limit:
            said.setdefault(finding.test.on, finding)
    telling = [first for first in said.values() if not first.foreign] or said.values()
    return (first.words for first in telling)


def _detectable(pair: Mapping[Side, Sample], declared: Mapping[Side, Law | None], limit: float) -> tuple[float, float]:
    """The smallest relative difference of scale, and of means in standard deviations, that 99 of 100 runs find.

    Against a declared law each sample stands alone; without one, the errors of both count.
    """
    reach = float(-ndtri(limit / 2) + ndtri(_POWER))
    laws = {side: law for side, law in declared.items() if law is not None}
    if len(laws) == len(pair):
        scale = min(law.scale_error / math.sqrt(pair[side].size) for side, law in laws.items())
        mean = 1 / math.sqrt(max(sample.size for sample in pair.values()))
    else:
        scale = math.hypot(*(sample.scale_error for sample in pair.values()))
        mean = math.hypot(*(1 / math.sqrt(sample.size) for sample in pair.values()))
    return math.expm1(reach * scale), reach * mean


def _findings(
    pair: Mapping[Side, Sample], declared: Mapping[Side, Law | None], precision: float
) -> Iterator[ExplainedTest]:
    left, right = pair.values()
    yield from _two_sample(left, right)
    for sample in (left, right):
        own = declared[sample.side]
        for owner in sorted(pair, key=lambda side: side != sample.side):
            law = declared[owner]
            if law is None or (owner != sample.side and own is not None and own.text == law.text):
                continue
            foreign = owner != sample.side
            whose = f"{owner.label}'s" if foreign else "their declared"
            start = f"{sample.side.label}'s values do not fit {whose} {law.text}: "
            # The other side's law is a second question: what fails there is no failure of the sample's own.
            on = f"{sample.side} by {owner}" if foreign else sample.side
            for finding in against_law(sample, law, precision):
                yield ExplainedTest(replace(finding.test, on=on), start + finding.words, foreign)


def _two_sample(left: Sample, right: Sample) -> Iterator[ExplainedTest]:
    large, small = (left, right) if left.std > right.std else (right, left)
    yield _normal(
        "scale",
        "both",
        math.log(right.std / left.std),
        math.hypot(left.scale_error, right.scale_error),
        f"{large.side.label}'s standard deviation is {_times(large.std / small.std)} larger "
        f"({large.std:.4g} against {small.std:.4g})",
    )
    errors = left.std / math.sqrt(left.size), right.std / math.sqrt(right.size)
    apart = abs(left.mean - right.mean) / max(left.std, right.std)
    words = f"the means are {apart:.2g} standard deviations apart ({left.mean:.4g} against {right.mean:.4g})"
    yield _normal("mean", "both", right.mean - left.mean, math.hypot(*errors), words)
    heavy, light = (left, right) if left.kurtosis > right.kurtosis else (right, left)
    words = (
        f"{heavy.side.label}'s values reach {heavy.reach():.2f} standard deviations, "
        f"{light.side.label}'s {light.reach():.2f} (kurtosis {heavy.kurtosis:.2f} against {light.kurtosis:.2f})"
    )
    error = math.hypot(left.tail_error, right.tail_error)
    yield _normal("tails", "both", right.kurtosis - left.kurtosis, error, words)
    p, count, where, sample, other = min(_beyond(left, right), _beyond(right, left), key=lambda found: found[0])
    words = f"{count:,} of {sample.side.label}'s {sample.size:,} values lie {where} of {other.side.label}'s"
    yield ExplainedTest(Test("range", "both", min(1.0, 4 * p)), words)
    distance, p = distance_between(left, right)
    words = f"the distribution functions are {distance:.2g} apart"
    yield ExplainedTest(Test("distribution function", "both", p), words)


def _times(ratio: float) -> str:
    return f"{ratio:.3g} times" if ratio >= 1.1 else f"{ratio - 1:.2%}"


def _beyond(sample: Sample, other: Sample) -> tuple[float, int, str, Sample, Sample]:
    """How many values of a sample lie beyond all of the other's, at the end where there are more: (p, count, where, ...).

    That the outermost k of two pooled samples of one distribution all come from the same one has at most the
    probability (n / (n + m))^k, whatever the distribution: a precedence test. Ties do not count.
    """
    below = int(np.searchsorted(sample.values, other.values[0], side="left"))
    above = sample.size - int(np.searchsorted(sample.values, other.values[-1], side="right"))
    count, where = max(
        (below, f"below {other.values[0]:.4g}, the least"), (above, f"above {other.values[-1]:.4g}, the greatest")
    )
    return (sample.size / (sample.size + other.size)) ** count, count, where, sample, other


def against_law(sample: Sample, law: Law, precision: float) -> Iterator[ExplainedTest]:
    """The tests of one sorted sample against a law; the support first, since no chance leaves it."""
    on = sample.side
    low, high = law.law.support()
    slack = precision * max(abs(low), abs(high)) if math.isfinite(high - low) else 0.0
    inside = low - slack <= sample.values[0] and sample.values[-1] <= high + slack
    words = f"they range from {sample.values[0]:.4g} to {sample.values[-1]:.4g}, outside [{low:.4g}, {high:.4g}]"
    yield ExplainedTest(Test(f"support of {law.text}", on, 1.0 if inside else 0.0), words)
    error = law.scale_error / math.sqrt(sample.size)
    words = f"standard deviation {sample.std:.4g} instead of {law.std:.4g}"
    yield _normal(f"scale of {law.text}", on, math.log(sample.std / law.std), error, words)
    words = f"mean {sample.mean:.4g} instead of {law.mean:.4g}"
    yield _normal(f"mean of {law.text}", on, sample.mean - law.mean, law.std / math.sqrt(sample.size), words)
    distance, p = distance_to_law(sample, law, precision)
    words = f"their distribution function is {distance:.2g} away"
    yield ExplainedTest(Test(f"distribution function of {law.text}", on, p), words)


def _normal(name: str, on: str, difference: float, error: float, words: str) -> ExplainedTest:
    """A test of a difference that is normal with this standard error, two-sided."""
    if error == 0:
        return ExplainedTest(Test(name, on, 1.0 if difference == 0 else 0.0), words)
    return ExplainedTest(Test(name, on, two_sided(difference / error)), words)
