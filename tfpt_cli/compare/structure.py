"""Random parameters that are no sample of one distribution: orthogonal and sparse matrices, judged by their structure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from tfpt_cli.compare.distribution import LEVEL, DistributionResult, compare_distributions
from tfpt_cli.compare.sample import ExplainedTest, Law, Sample, distance_to_law, two_sided
from tfpt_cli.language.shapes import show
from tfpt_cli.results import Distribution, Test

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side

# A QR decomposition in float32 is off by some units in the last place for every root of a size; a Gaussian by far more.
_UNITS = 300
_DRAWS = 20
_ENTRIES = 1 << 17


def matrices(array: NDArray[Any], output_axis: int) -> NDArray[Any]:
    """Draws of a tensor, (draws, *shape), as the matrices that a framework makes orthogonal, rows not more than columns.

    A framework flattens all axes but the one that holds the outputs: the first in PyTorch, the last in Keras.

    >>> matrices(np.zeros((10, 8, 3, 5, 5)), output_axis=0).shape
    (10, 8, 75)
    >>> matrices(np.zeros((10, 5, 5, 3, 8)), output_axis=-1).shape
    (10, 8, 75)
    """
    draws = array.shape[0]
    flat = array.reshape(draws, array.shape[1], -1) if output_axis == 0 else array.reshape(draws, -1, array.shape[-1])
    return flat if flat.shape[1] <= flat.shape[2] else flat.swapaxes(1, 2)


def compare_orthogonal(
    samples: Mapping[Side, NDArray[Any]],
    declared: Mapping[Side, str],
    precision: float,
    level: float = LEVEL,
) -> DistributionResult:
    """Judges two sides of which at least one says that it is orthogonal: (draws, *shape) by side.

    Each must be a multiple of a matrix with orthonormal rows (or columns), the same multiple on both sides, and Haar
    distributed: entries whose square is Beta(1/2, (n - 1)/2), entries and traces without a preferred sign.
    """
    words: list[str] = []
    findings: list[ExplainedTest] = []
    gains, sizes = {}, {}
    made = {side: matrices(array, side.framework.output_axis) for side, array in samples.items()}
    (first, left), (second, right) = ((side, found.shape[1:]) for side, found in made.items())
    if left != right:
        words.append(f"{first.label} makes {show(left)} matrices of it, {second.label} {show(right)}")
    for side, found in made.items():
        found = found.astype(np.float64)
        sizes[side] = int(found.size)
        gram = found @ found.swapaxes(1, 2)
        gain = math.sqrt(max(float(np.einsum("dii->", gram)) / (gram.shape[0] * gram.shape[1]), 0.0))
        if not gain:
            words.append(f"{side.label}'s is not orthogonal: all its numbers are zero")
            continue
        off = float(np.max(np.abs(gram - gain**2 * np.eye(gram.shape[1])))) / max(gain**2, 1e-300)
        root = math.sqrt(found.shape[2])
        # The Gram matrix of a Gaussian is farther away than 1 / root, which in a coarse dtype is less than so many units.
        if off > min(_UNITS * precision * root, 1 / root):
            words.append(
                f"{side.label}'s is not orthogonal: its Gram matrix is up to {off:.2g} (relative) away from a "
                "multiple of the identity"
            )
            continue
        gains[side] = gain
        findings += _haar(found, gain, side, precision)
    count = max(len(findings), 1)
    if len(gains) == len(samples) and not math.isclose(*gains.values(), rel_tol=1e-3 + 10 * precision):
        times = (f"{side.label}'s times {gain:.4g}" for side, gain in gains.items())
        words.append(f"both are orthogonal, {' and '.join(times)}")
    words += [finding.words for finding in findings if finding.test.p < level / count]
    tests = tuple(finding.test for finding in findings)
    return DistributionResult(
        Distribution(declared=dict(declared), samples=sizes, level=level, tests=tests, detectable=None),
        tuple(words),
        {},
    )


def _haar(found: NDArray[np.float64], gain: float, side: Side, precision: float) -> Iterator[ExplainedTest]:
    """Tests of (draws, k, n) matrices with orthonormal rows, times `gain`, for the Haar measure."""
    draws, rows, columns = found.shape
    unit = found / gain
    name = side.label
    if columns > 1:
        # (x + 1) / 2 of one entry is Beta((n - 1)/2, (n - 1)/2). Entries of one draw are weakly dependent, in the
        # direction that makes the test careful: their squares add up to a given sum.
        half = (columns - 1) / 2
        law = stats.beta(half, half, loc=-1, scale=2)
        entries = np.clip(unit.ravel()[:: max(1, unit.size // _ENTRIES)], -1, 1)
        expected = Law(text=f"Haar({columns})", law=law, mean=0.0, std=1 / math.sqrt(columns), excess=0.0)
        distance, p = distance_to_law(Sample.of(side, entries.copy()).ordered(), expected, precision)
        words = f"{name}'s entries are not those of a Haar distributed matrix: {distance:.2g} away"
        yield ExplainedTest(Test("entries", side, p), words)
    if draws < _DRAWS:
        return
    means = unit.mean(axis=0)
    z = np.abs(means) * math.sqrt(draws * columns)
    place = np.unravel_index(int(np.argmax(z)), z.shape)
    words = f"{name}'s entry [{place[0]}, {place[1]}] has mean {means[place]:.3g} over {draws:,} draws, not 0: not Haar"
    yield ExplainedTest(Test("means of entries", side, two_sided(z[place], z.size)), words)
    # A trace of k entries, each uncorrelated with the others and of variance 1/n.
    traces = np.einsum("dii->d", unit[:, :, :rows])
    mean = float(traces.mean())
    words = f"{name}'s traces have mean {mean:.3g}, not 0: the matrices are not Haar distributed"
    p = two_sided(mean * math.sqrt(draws * columns / rows))
    yield ExplainedTest(Test("traces", side, p), words)


def compare_sparse(
    samples: Mapping[Side, NDArray[Any]],
    laws: Mapping[Side, Law | None],
    first: int,
    precision: float,
    level: float = LEVEL,
) -> DistributionResult:
    """Judges two sides of which at least one says that it is sparse: (draws, *shape) in one order of axes.

    `first` is the axis of the shape along which the zeros are counted: as many in every column, anywhere in it; the
    rest is a sample of one distribution.
    """
    words: list[str] = []
    findings: list[ExplainedTest] = []
    rest, shares = {}, {}
    for side, sample in samples.items():
        zero = sample == 0
        counts = zero.sum(axis=1 + first)
        shares[side] = int(counts.min())
        # A normal draw is exactly zero once in some ten million, and where it is made of pairs, then twice.
        extra = int((counts - counts.min()).sum())
        p = float(stats.poisson.sf(math.ceil(extra / 2) - 1, 2 * precision * (zero.size - int(zero.sum()) + extra)))
        said = f"{side.label} has {counts.min()} to {counts.max()} zeros in a column, not as many in each"
        findings.append(ExplainedTest(Test("zeros in a column", side, p), said))
        along = zero.sum(axis=tuple(axis for axis in range(zero.ndim) if axis != 1 + first))
        share, columns = float(zero.mean()), zero.size // along.size
        if 0 < share < 1:
            z = np.abs(along - columns * share) / math.sqrt(columns * share * (1 - share))
            row = int(np.argmax(z))
            p = two_sided(z[row], z.size)
            said = f"{side.label} puts {along[row]:,} zeros into row {row}, {columns * share:.0f} would be its share"
            findings.append(ExplainedTest(Test("places of the zeros", side, p), said))
        rest[side] = sample[~zero][None]
    if len(set(shares.values())) > 1:
        words.insert(0, f"zeros in every column: {', '.join(f'{s.label} {share}' for s, share in shares.items())}")
    words += [finding.words for finding in findings if finding.test.p < level / 2 / len(findings)]
    of_zeros = tuple(finding.test for finding in findings)
    if any(values.size < 2 for values in rest.values()):
        sizes = {f: int(values.size) for f, values in rest.items()}
        return DistributionResult(
            Distribution(declared={}, samples=sizes, level=level, tests=of_zeros, detectable=None), tuple(words), {}
        )
    judged = compare_distributions(rest, laws, precision, level=level / 2)
    words += [f"what is not zero: {word}" for word in judged.words]
    tests = (*judged.distribution.tests, *of_zeros)
    record = judged.distribution
    return DistributionResult(
        Distribution(
            declared=record.declared,
            samples=record.samples,
            level=level,
            tests=tests,
            detectable=record.detectable,
            detectable_mean=record.detectable_mean,
        ),
        tuple(words),
        judged.samples,
    )
