"""One side's values as a sorted sample with its moments, and the laws that a sample is held against.

Large arrays are read in pieces and sorted where they are, so that a tensor of 16 million values costs no copies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from scipy.special import ndtr

from tfpt_cli.compare.summary import pieces
from tfpt_cli.dictionary.formulas import value_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side
    from tfpt_cli.layers.initializers import InitializerCall
    from tfpt_cli.results import Test

# Between these, the fourth powers that the tests need neither vanish nor overflow.
MEASURABLE = 1e-75, 1e75
# Up to here SciPy's Kolmogorov-Smirnov tests look at every value; beyond, this many quantiles are enough.
_QUANTILES = 1 << 17
_EXACT_UP_TO = 1_000
# Rounding is looked at in so many of the values, and only where it is more than this share of the standard deviation.
_STEPS = 256
_FINE_STEP = 1e-5


@dataclass(frozen=True)
class ExplainedTest:
    """A test and, for when it fails, what it means in words; `foreign` where a side is held against the other's law."""

    test: Test
    words: str
    foreign: bool = False


def two_sided(z: float, among: int = 1) -> float:
    """The two-sided p-value of a standard normal `z` that is the greatest of `among` many (Bonferroni).

    >>> round(two_sided(1.96), 3), round(two_sided(1.96, among=10), 3)
    (0.05, 0.5)
    """
    return min(1.0, 2 * among * float(ndtr(-abs(z))))


@dataclass(frozen=True)
class Law:
    """A distribution that values may be drawn from: `text` as a person writes it, `law` a frozen scipy.stats one."""

    text: str
    law: Any
    mean: float
    std: float
    excess: float

    @property
    def scale_error(self) -> float:
        """Standard error of the logarithm of the standard deviation, times the root of the sample's size."""
        return math.sqrt((self.excess + 2) / 4)


def law_of(initializer: InitializerCall | None) -> Law | None:
    """The law of an initializer with its numbers; None where nothing is drawn, or not from one distribution.

    >>> import ast
    >>> from tfpt_cli.layers.initializers import formula
    >>> law = law_of(formula(ast.parse("uniform(0.0, 2.0)", mode="eval").body, {}, None))
    >>> law.mean, round(law.std, 4)
    (1.0, 0.5774)
    """
    if initializer is None or initializer.row.distribution is None:
        return None
    tree = initializer.row.distribution
    names = {name: float(value) for name, value in initializer.settings.items()}
    keywords = {str(keyword.arg): float(value_of(keyword.value, names)) for keyword in tree.keywords}
    if not all(map(math.isfinite, keywords.values())) or not keywords["scale"] > 0:
        return None
    return _law(initializer.text, tree.func.id, tuple(keywords.items()))  # type: ignore[attr-defined]


@lru_cache(maxsize=1024)
def _law(text: str, name: str, keywords: tuple[tuple[str, float], ...]) -> Law:
    law = getattr(stats, name)(**dict(keywords))
    mean, variance, _, excess = (float(moment) for moment in law.stats(moments="mvsk"))
    return Law(text=text, law=law, mean=mean, std=math.sqrt(variance), excess=excess)


@dataclass(frozen=True)
class Sample:
    """One side's values with the moments that the tests need; `ordered` sorts them, once their order has been read."""

    side: Side
    values: NDArray[Any]
    mean: float
    std: float
    kurtosis: float
    tail_error: float

    @classmethod
    def of(cls, side: Side, values: NDArray[Any]) -> Sample:
        """The sample of an array of any shape, with its moments; the values stay in the order in which they were drawn."""
        flat = np.ravel(values)
        with np.errstate(all="ignore"):
            mean = sum(float(piece.sum()) for piece in pieces(flat)) / flat.size
            std = math.sqrt(sum(float(((piece - mean) ** 2).sum()) for piece in pieces(flat)) / flat.size)
        if not MEASURABLE[0] < std < MEASURABLE[1]:
            return cls(side=side, values=flat, mean=mean, std=std, kurtosis=0.0, tail_error=0.0)
        third = fourth = 0.0
        for piece in pieces(flat):
            z = (piece - mean) / std
            squares = z * z
            third += float((squares * z).sum())
            fourth += float((squares * squares).sum())
        skewness, kurtosis = third / flat.size, fourth / flat.size
        squared = 0.0
        for piece in pieces(flat):
            z = (piece - mean) / std
            squares = z * z
            # Influence function of the kurtosis: z^4 - k - 2k(z^2 - 1) - 4 s z.
            influence = squares * squares - kurtosis - 2 * kurtosis * (squares - 1) - 4 * skewness * z
            squared += float((influence * influence).sum())
        return cls(
            side=side,
            values=flat,
            mean=mean,
            std=std,
            kurtosis=kurtosis,
            tail_error=math.sqrt(squared) / flat.size,
        )

    def ordered(self) -> Sample:
        """The sample with its values in ascending order; an array that can be written is sorted in place, without a copy."""
        values = self.values if self.values.flags.writeable else self.values.copy()
        values.sort()
        return replace(self, values=values)

    @property
    def size(self) -> int:
        return int(self.values.size)

    @property
    def scale_error(self) -> float:
        """Standard error of the logarithm of the standard deviation."""
        return math.sqrt(max(self.kurtosis - 1, 0.0) / 4 / self.size)

    @property
    def measurable(self) -> bool:
        """Whether the standard deviation is neither so small nor so large that its fourth power leaves float64."""
        return MEASURABLE[0] < self.std < MEASURABLE[1]

    def reach(self) -> float:
        """The distance of the outermost of the sorted values from the mean, in standard deviations."""
        return max(abs(float(self.values[0]) - self.mean), abs(float(self.values[-1]) - self.mean)) / self.std


def distance_to_law(sample: Sample, law: Law, precision: float = 0.0) -> tuple[float, float]:
    """The Kolmogorov-Smirnov distance of a sorted sample from a law, and its p-value.

    Values that are rounded to a relative `precision` have a distribution function of steps: what such a step may add to
    the distance is no difference, and is taken off before the p-value.
    """
    places = np.linspace(0, sample.size - 1, min(sample.size, _QUANTILES)).astype(np.int64)
    values = sample.values[places].astype(np.float64)
    expected = law.law.cdf(values)
    distance = float(max(np.max((places + 1) / sample.size - expected), np.max(expected - places / sample.size)))
    step = _greatest_step(values[:: max(1, values.size // _STEPS)], law, precision)
    distance_left = distance - step  # below zero nothing is left, which any sample has
    if sample.size <= _EXACT_UP_TO:
        return distance, float(stats.kstwo.sf(distance_left, sample.size))
    return distance, float(stats.kstwobign.sf(distance_left * math.sqrt(sample.size)))


def _greatest_step(values: NDArray[np.float64], law: Law, precision: float) -> float:
    """The greatest share of a law that lies within half a rounding step of a value."""
    half = np.abs(values) * precision / 2
    if not np.any(half > _FINE_STEP * law.std):
        return 0.0
    return float(np.max(law.law.cdf(values + half) - law.law.cdf(values - half)))


def distance_between(left: Sample, right: Sample) -> tuple[float, float]:
    """The Kolmogorov-Smirnov distance of two samples, and its p-value."""
    if max(left.size, right.size) <= _QUANTILES:
        method: Any = "exact" if max(left.size, right.size) <= _EXACT_UP_TO else "asymp"
        found: Any = stats.ks_2samp(left.values, right.values, method=method)
        return float(found.statistic), float(found.pvalue)
    distance = 0.0
    for one, other in ((left, right), (right, left)):
        places = np.linspace(0, one.size - 1, min(_QUANTILES, one.size)).astype(np.int64)
        values = one.values[places]
        own = np.searchsorted(one.values, values, side="right") / one.size
        others = np.searchsorted(other.values, values, side="right") / other.size
        distance = max(distance, float(np.max(np.abs(own - others))))
    effective = left.size * right.size / (left.size + right.size)
    return distance, float(stats.kstwobign.sf(distance * math.sqrt(effective)))
