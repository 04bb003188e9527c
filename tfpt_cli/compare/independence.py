"""Whether the elements of one draw are independent and alike: no repeated block, no constant row, no odd row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from tfpt_cli.compare.sample import ExplainedTest, Sample, two_sided
from tfpt_cli.results import Test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# A lag is looked for in so many values, at most; fewer than the least say nothing.
_SERIES = 1 << 20
_LEAST = 1_000
# Groups must be large enough for their means and variances to be near normal and chi-squared.
_GROUP = 100
# With a mean so far from zero, squares about it cannot be had from squares about zero.
_CANCELS = 100
_GROUPS = 1 << 16
# PyTorch draws a float32 from 2^24 numbers, TensorFlow from 2^23: of so many values two are equal by chance, and as
# many more as both sides share, where rounding leaves fewer. Doubled, since the generators are the frameworks' own.
_GRIDS = 2
_SHARED = 4
_SPARE_TIES = 20


def independence(
    array: NDArray[Any], sample: Sample, other: Sample | None, precision: float
) -> Iterator[ExplainedTest]:
    """The tests of one side's draws, (draws, *shape), in the order in which they were drawn; `sample` holds their moments.

    `other`, the other side's sample, and `precision`, the relative distance of neighbouring numbers, tell how often two
    independent values are equal; `other` is None where the dtype is so coarse that equal values say nothing.
    """
    if array.size >= _LEAST:
        yield _serial(array, sample)
        if other is not None:
            yield _ties(array, sample, other, precision)
    for axis in range(1, array.ndim):
        yield from _alike(array, axis, sample)
    if array.ndim > 2:
        yield from _alike(array.reshape(array.shape[0], -1), 1, sample, "element")


def _serial(array: NDArray[Any], sample: Sample) -> ExplainedTest:
    """The greatest autocorrelation at any lag, by the Fourier transform; each is normal with variance 1/n."""
    flat = np.ravel(array)[:_SERIES].astype(np.float64)
    size = flat.size
    spectrum = np.abs(np.fft.rfft((flat - sample.mean) / sample.std)) ** 2
    correlation = np.fft.irfft(spectrum, size)[1 : size // 2 + 1] / size
    lag = int(np.argmax(np.abs(correlation)))
    greatest = float(correlation[lag])
    # At half the size every pair is counted twice, so the variance is twice as large.
    error = math.sqrt((2 if 2 * (lag + 1) == size else 1) / size)
    p = two_sided(greatest / error, correlation.size)
    words = f"values {lag + 1:,} places apart are correlated ({greatest:.2f}): the draw is not independent"
    return _finding(sample, "serial correlation", p, words)


def _ties(array: NDArray[Any], sample: Sample, other: Sample, precision: float) -> ExplainedTest:
    """How many pairs of values are equal, against as many as two independent samples share."""
    ours, counts = np.unique(np.ravel(array)[:_SERIES], return_counts=True)
    size = int(counts.sum())
    theirs, theirs_counts = np.unique(_thinned(other.values), return_counts=True)
    places = np.minimum(np.searchsorted(theirs, ours), theirs.size - 1)
    shared = int((counts * theirs_counts[places])[theirs[places] == ours].sum())
    equal = int((counts * (counts - 1) // 2).sum())
    chance = (_SHARED * shared + _SPARE_TIES) / (size * int(theirs_counts.sum())) + _GRIDS * precision
    p = float(stats.poisson.sf(equal - 1, size * (size - 1) / 2 * chance))
    repeated = int((counts - 1).sum())
    words = f"{repeated:,} of {size:,} values repeat another: the draw is not independent"
    return _finding(sample, "repeated values", p, words)


def _thinned(values: NDArray[Any]) -> NDArray[Any]:
    return values[:: max(1, values.size // _SERIES)]


def _alike(array: NDArray[Any], axis: int, sample: Sample, what: str = "") -> Iterator[ExplainedTest]:
    """Whether every index along an axis has the same mean and the same scale."""
    count = array.shape[axis]
    size = array.size // count
    if not 1 < count <= _GROUPS or size < _GROUP:
        return
    axes = tuple(other for other in range(array.ndim) if other != axis)
    with np.errstate(all="ignore"):
        means = array.mean(axis=axes, dtype=np.float64)
        every = list(range(array.ndim))
        if abs(sample.mean) > _CANCELS * sample.std:
            squares = np.square(array.astype(np.float64) - sample.mean).sum(axis=axes)
        else:
            squares = np.einsum(array, every, array, every, [axis], dtype=np.float64)
            squares = squares - size * sample.mean * (2 * means - sample.mean)
    place = f"{what or f'axis {axis - 1}'}"
    z = np.abs(means - sample.mean) / (sample.std * math.sqrt(1 / size - 1 / array.size))
    odd = int(np.argmax(z))
    words = f"index {odd} of {place} has mean {means[odd]:.3g}, all together {sample.mean:.3g}"
    yield _finding(sample, f"means along {place}", two_sided(z[odd], count), words)
    # Satterthwaite: a variance of values with this kurtosis is near chi-squared with 2n / (k - 1) degrees of freedom.
    freedom = 2 * size / max(sample.kurtosis - 1, 1e-3)
    ratio = squares / size / sample.std**2
    tails = np.minimum(stats.chi2.cdf(ratio * freedom, freedom), stats.chi2.sf(ratio * freedom, freedom))
    odd = int(np.argmin(tails))
    words = (
        f"index {odd} of {place} has standard deviation {math.sqrt(ratio[odd]) * sample.std:.3g}, "
        f"all together {sample.std:.3g}"
    )
    yield _finding(sample, f"scales along {place}", min(1.0, 2 * count * float(tails[odd])), words)


def _finding(sample: Sample, name: str, p: float, words: str) -> ExplainedTest:
    return ExplainedTest(Test(name, sample.side, p), f"{sample.side.label}'s {words}")
