"""Two random parameters, compared as distributions.

Every test is made at one level, `LEVEL`: the two samples against each other (their distribution functions, means,
scales, tails and ranges), each against the distribution that its row declares (distribution function, mean, scale,
support), and, where the two declare different ones, each against the other's.
The scale and tail tests take their standard errors from the samples by the delta method, so they hold for any
distribution with eight moments; both are two-sample tests of like estimators, whose skewness cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import stats

from tfpt_cli.results import FRAMEWORKS, LABELS, Distribution, Test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LEVEL = 1e-6
_POWER = 0.99
_EXACT_UP_TO = 1_000
# Between these, the fourth powers that the tests need neither vanish nor overflow.
_MEASURABLE = 1e-75, 1e75


@dataclass(frozen=True)
class Declared:
    """What a row says is drawn: `text` as a person writes it (`uniform(0, 1)`), `law` a frozen scipy.stats distribution."""

    text: str
    law: Any


def scipy_law(name: str, settings: dict[str, float]) -> Any:
    """The frozen scipy.stats distribution of a row (`uniform`, `{"loc": 0, "scale": 1}`)."""
    return getattr(stats, name)(**settings)


@dataclass(frozen=True)
class _Sample:
    """One side's values, sorted, with the moments that the tests need."""

    framework: str
    values: NDArray[np.float64]
    mean: float
    std: float
    skewness: float
    kurtosis: float
    tail_error: float

    @classmethod
    def of(cls, framework: str, values: NDArray[np.generic]) -> _Sample:
        ordered = np.sort(np.asarray(values, dtype=np.float64), axis=None)
        with np.errstate(over="ignore"):
            mean, std = float(ordered.mean()), float(ordered.std())
        if not _MEASURABLE[0] < std < _MEASURABLE[1]:
            return cls(framework, ordered, mean, std, 0.0, 0.0, 0.0)
        z = (ordered - mean) / std
        squares = z * z
        skewness, kurtosis = float((squares * z).mean()), float((squares * squares).mean())
        # Influence function of the kurtosis: z^4 - k - 2k(z^2 - 1) - 4 s z.
        influence = squares * squares - kurtosis - 2 * kurtosis * (squares - 1) - 4 * skewness * z
        error = float(np.sqrt((influence * influence).mean() / ordered.size))
        return cls(framework, ordered, mean, std, skewness, kurtosis, error)

    @property
    def size(self) -> int:
        return int(self.values.size)

    @property
    def scale_error(self) -> float:
        """Standard error of the logarithm of the standard deviation."""
        return math.sqrt(max(self.kurtosis - 1, 0.0) / 4 / self.size)


def compare_distributions(
    samples: dict[str, NDArray[np.generic]], declared: dict[str, Declared | None], precision: float = 2.0**-23
) -> tuple[Distribution, list[str]]:
    """The tests of two samples, by framework, and in words what parted (empty: the same distribution).

    Every sample is an array of any shape with finite values that are not all equal. `precision` is the relative
    distance of neighbouring numbers of their dtype: a bound may be rounded outwards by that much.
    """
    left, right = (_Sample.of(framework, samples[framework]) for framework in FRAMEWORKS)
    sizes = {sample.framework: sample.size for sample in (left, right)}
    laws = {f: law.text for f, law in declared.items() if law is not None}
    if not all(_MEASURABLE[0] < sample.std < _MEASURABLE[1] for sample in (left, right)):
        spreads = f"{left.std:.3g} and {right.std:.3g}"
        return Distribution(laws, sizes, LEVEL, (), None), [
            f"standard deviations of {spreads} cannot be compared in float64"
        ]
    tests = list(_two_sample(left, right))
    parted = [test for test in tests if test.p < LEVEL]
    words = [_two_sample_words(parted[0], left, right)] if parted else []
    for sample in (left, right):
        for owner in sorted(FRAMEWORKS, key=lambda framework: framework != sample.framework):
            law, own = declared[owner], declared[sample.framework]
            if law is None or (owner != sample.framework and own is not None and own.text == law.text):
                continue
            made = [Test(f"{test.name} of {law.text}", test.on, test.p) for test in _one_sample(sample, law, precision)]
            tests += made
            worst = min(made, key=lambda test: test.p)
            if worst.p < LEVEL:
                whose = "their declared" if owner == sample.framework else f"{LABELS[owner]}'s"
                why = _one_sample_words(worst, sample, law)
                words.append(f"{LABELS[sample.framework]}'s values do not fit {whose} {law.text}: {why}")
                break
    # Against a declared law each sample stands alone; without one, the error of both counts.
    errors = left.scale_error, right.scale_error
    error = max(errors) if all(declared.values()) else math.hypot(*errors)
    detectable = math.expm1((stats.norm.isf(LEVEL / 2) + stats.norm.ppf(_POWER)) * error)
    result = Distribution(
        declared=laws,
        samples=sizes,
        level=LEVEL,
        tests=tuple(tests),
        detectable=detectable,
    )
    return result, words


def _two_sample(left: _Sample, right: _Sample) -> Iterator[Test]:
    both = "both"
    yield Test("scale", both, _p(math.log(right.std / left.std), math.hypot(left.scale_error, right.scale_error)))
    errors = left.std / math.sqrt(left.size), right.std / math.sqrt(right.size)
    yield Test("mean", both, _p(right.mean - left.mean, math.hypot(*errors)))
    yield Test("tails", both, _p(right.kurtosis - left.kurtosis, math.hypot(left.tail_error, right.tail_error)))
    method = _ks_method(max(left.size, right.size))
    yield Test("range", both, min(1.0, 4 * min(_beyond(*pair)[0] for pair in ((left, right), (right, left)))))
    yield Test("distribution function", both, float(stats.ks_2samp(left.values, right.values, method=method).pvalue))


def _beyond(sample: _Sample, other: _Sample) -> tuple[float, int, str]:
    """How many values of a sample lie beyond all of the other's, at the end where there are more: (p, count, where).

    That the outermost k of two pooled samples of one distribution all come from the same one has at most the
    probability (n / (n + m))^k, whatever the distribution: a precedence test. Ties do not count.
    """
    below = int(np.searchsorted(sample.values, other.values[0], side="left"))
    above = sample.size - int(np.searchsorted(sample.values, other.values[-1], side="right"))
    count, where = max(
        (below, f"below {other.values[0]:.4g}, the least"), (above, f"above {other.values[-1]:.4g}, the greatest")
    )
    return (sample.size / (sample.size + other.size)) ** count, count, where


def _one_sample(sample: _Sample, declared: Declared, precision: float) -> Iterator[Test]:
    law = declared.law
    mean, variance, _, excess = (float(moment) for moment in law.stats(moments="mvsk"))
    std = math.sqrt(variance)
    scale_error = math.sqrt((excess + 2) / 4 / sample.size)
    yield Test("scale", sample.framework, _p(math.log(sample.std / std), scale_error))
    yield Test("mean", sample.framework, _p(sample.mean - mean, std / math.sqrt(sample.size)))
    method = _ks_method(sample.size)
    yield Test(
        "distribution function", sample.framework, float(stats.kstest(sample.values, law.cdf, method=method).pvalue)
    )
    low, high = law.support()
    slack = precision * max(abs(low), abs(high)) if math.isfinite(high - low) else 0.0
    inside = low - slack <= sample.values[0] and sample.values[-1] <= high + slack
    yield Test("support", sample.framework, 1.0 if inside else 0.0)


def _ks_method(size: int) -> Literal["exact", "asymp"]:
    """The exact p-value costs the square of the size; the asymptotic one is good from a few hundred on."""
    return "exact" if size <= _EXACT_UP_TO else "asymp"


def _p(difference: float, error: float) -> float:
    """Two-sided p-value of a difference that is normal with this standard error."""
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * stats.norm.sf(abs(difference) / error))


def _two_sample_words(test: Test, left: _Sample, right: _Sample) -> str:
    names = LABELS[left.framework], LABELS[right.framework]
    if test.name == "scale":
        large, small, name = (left, right, names[0]) if left.std > right.std else (right, left, names[1])
        times = f"{large.std / small.std:.3g} times the other's ({large.std:.4g} against {small.std:.4g})"
        return f"{name}'s standard deviation is {times}"
    if test.name == "mean":
        apart = abs(left.mean - right.mean) / max(left.std, right.std)
        return f"the means are {apart:.2g} standard deviations apart ({left.mean:.4g} against {right.mean:.4g})"
    if test.name == "tails":
        heavy, light = (left, right) if left.kurtosis > right.kurtosis else (right, left)
        reach = [max(abs(s.values[0] - s.mean), abs(s.values[-1] - s.mean)) / s.std for s in (heavy, light)]
        return (
            f"{LABELS[heavy.framework]}'s values reach {reach[0]:.2f} standard deviations, "
            f"{LABELS[light.framework]}'s {reach[1]:.2f} (kurtosis {heavy.kurtosis:.2f} against {light.kurtosis:.2f})"
        )
    if test.name == "range":
        sample, other = min(((left, right), (right, left)), key=lambda pair: _beyond(*pair)[0])
        _, count, where = _beyond(sample, other)
        return f"{count:,} of {LABELS[sample.framework]}'s {sample.size:,} values lie {where} of {LABELS[other.framework]}'s"
    apart = float(stats.ks_2samp(left.values, right.values, method="asymp").statistic)
    return f"the distribution functions are {apart:.2g} apart"


def _one_sample_words(test: Test, sample: _Sample, declared: Declared) -> str:
    law = declared.law
    kind = test.name.split(" of ")[0]
    if kind == "scale":
        return f"standard deviation {sample.std:.4g} instead of {law.std():.4g}"
    if kind == "mean":
        return f"mean {sample.mean:.4g} instead of {law.mean():.4g}"
    if kind == "support":
        low, high = law.support()
        return f"they range from {sample.values[0]:.4g} to {sample.values[-1]:.4g}, outside [{low:.4g}, {high:.4g}]"
    return f"another distribution function (p = {test.p:.1g})"
