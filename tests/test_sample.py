"""Samples, their moments and their distances, held against SciPy's numbers and formulas from the literature."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.sides import TENSORFLOW, TORCH
from tests.test_distribution import kurtosis_variance, law
from tfpt_cli.compare import sample as module
from tfpt_cli.compare.independence import independence
from tfpt_cli.compare.sample import Sample, distance_between, distance_to_law, law_of, two_sided
from tfpt_cli.layers.initializers import formula

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side

UNIFORM, NORMAL = law("uniform(0.0, 1.0)"), law("normal(0.0, 1.0)")


def sample(values: NDArray[Any], side: Side = TORCH) -> Sample:
    return Sample.of(side, values.copy()).ordered()


def drawn(seed: int, size: int, shift: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(shift, 1, size)


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=50).filter(lambda values: np.std(values) > 1e-3))
def test_the_moments_are_scipys(values: list[float]) -> None:
    array = np.array(values)
    found = Sample.of(TORCH, array)
    assert found.mean == pytest.approx(array.mean(), abs=1e-12)
    assert found.std == pytest.approx(array.std(), rel=1e-9)
    assert found.kurtosis == pytest.approx(float(stats.kurtosis(array, fisher=False)), rel=1e-6)


@pytest.mark.parametrize("draw", ["exponential", "normal", "uniform", "standard_gamma"])
def test_the_error_of_the_kurtosis_is_that_of_kendall_and_stuart(draw: str) -> None:
    """Exact for any array, seen as a distribution of its own; a skewed one shows the term of the third moment."""
    shape = (2.0,) if draw == "standard_gamma" else ()
    values = getattr(np.random.default_rng(0), draw)(*shape, size=500)
    found = Sample.of(TORCH, values)
    assert found.tail_error == pytest.approx(math.sqrt(kurtosis_variance(values) / 500), rel=1e-9)


def test_moments_do_not_depend_on_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).gamma(2.0, size=1000)
    whole = Sample.of(TORCH, values)
    monkeypatch.setattr("tfpt_cli.compare.summary._PIECE", 77)
    parts = Sample.of(TORCH, values)
    for name in ("mean", "std", "kurtosis", "tail_error"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=1e-12)


def test_the_error_of_the_scale_of_a_normal_is_that_of_the_textbook() -> None:
    """The standard error of log(s) is 1 / sqrt(2 n) for a normal, sqrt((k - 1) / 4 n) for any other."""
    assert NORMAL.scale_error / math.sqrt(800) == pytest.approx(1 / math.sqrt(1600))
    assert UNIFORM.scale_error == pytest.approx(math.sqrt((1.8 - 1) / 4))
    two = np.array([0.0, 0.0, 0.0, 1.0])  # kurtosis 7/3
    assert Sample.of(TORCH, two).scale_error == pytest.approx(math.sqrt((7 / 3 - 1) / 4 / 4))


@pytest.mark.parametrize("size", [10, 20, 500])
@pytest.mark.parametrize("value", [0.1, 0.3, 1 / 3])
def test_a_kurtosis_that_rounding_takes_below_one_has_no_error(size: int, value: float) -> None:
    """Of two values that are equally frequent it is one, and comes out as 0.9999999999999998."""
    found = Sample.of(TORCH, np.resize([value, -value], size))
    assert found.scale_error == pytest.approx(0.0, abs=1e-7)


def test_an_array_that_cannot_be_written_is_not_sorted_where_it_is() -> None:
    values = np.array([3.0, 1.0, 2.0])
    values.flags.writeable = False
    assert sample_of(values).tolist() == [1.0, 2.0, 3.0]
    assert values.tolist() == [3.0, 1.0, 2.0]
    values = np.array([3.0, 1.0, 2.0])
    assert sample_of(values).tolist() == values.tolist() == [1.0, 2.0, 3.0]  # no copy of what may be large


def sample_of(values: NDArray[Any]) -> NDArray[Any]:
    ordered: NDArray[Any] = Sample.of(TORCH, values).ordered().values
    return ordered


@pytest.mark.parametrize("values", [[2.0, 12.0, 13.0], [2.0, 3.0, 13.0]])
def test_the_reach_is_that_of_the_farther_end(values: list[float]) -> None:
    array = np.array(values)
    assert sample(array).reach() == pytest.approx(np.abs(stats.zscore(array)).max())


@pytest.mark.parametrize(
    ("scale", "measurable"), [(1.0, True), (1e-74, True), (1e-76, False), (1e74, True), (1e76, False)]
)
def test_what_can_be_measured_in_float64(scale: float, measurable: bool) -> None:
    found = Sample.of(TORCH, drawn(0, 100) * scale)
    assert found.measurable is measurable
    assert (found.kurtosis > 1) is measurable


@pytest.mark.parametrize(("z", "among"), [(1.0, 1), (-2.5, 1), (3.0, 10), (0.1, 7)])
def test_a_two_sided_p_value_is_scipys(z: float, among: int) -> None:
    assert two_sided(z, among) == pytest.approx(min(1, among * 2 * stats.norm.sf(abs(z))))


# Against a law


@pytest.mark.parametrize("size", [50, 1000, 1001, 5000])
@pytest.mark.parametrize("shift", [0.0, 0.05, -0.05])
def test_the_distance_to_a_law_is_scipys(size: int, shift: float) -> None:
    """Up to a thousand values by the exact distribution of Kolmogorov's statistic, above by its limit."""
    values = drawn(1, size, shift)
    found = stats.kstest(values, stats.norm.cdf, method="exact" if size <= 1000 else "asymp")
    assert distance_to_law(sample(values), NORMAL) == pytest.approx((found.statistic, found.pvalue))


@pytest.mark.parametrize(("values", "apart"), [([0.9, 0.95, 0.99], 0.9), ([0.01, 0.05, 0.1], 0.9)])
def test_the_distance_to_a_law_may_be_at_the_least_and_at_the_greatest_value(values: list[float], apart: float) -> None:
    """Below 0.9 there is nothing of the sample and 0.9 of the law; above 0.1 the reverse."""
    assert distance_to_law(sample(np.array(values)), UNIFORM)[0] == pytest.approx(apart)


def test_of_many_values_as_many_quantiles_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    values = drawn(2, 20_000, 0.02)
    exact = stats.kstest(values, stats.norm.cdf).statistic
    monkeypatch.setattr(module, "_QUANTILES", 2_000)
    assert distance_to_law(sample(values), NORMAL)[0] == pytest.approx(exact, abs=20 / 20_000)


def rounded(values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """Values with so many bits behind the leading one, to the nearest: of bfloat16 there are seven."""
    mantissa, exponent = np.frexp(values)
    found: NDArray[np.float64] = np.ldexp(np.rint(np.ldexp(mantissa, bits + 1)), exponent - bits - 1)
    return found


@pytest.mark.parametrize("unit", [1.0, 2.0**-10])
def test_what_rounding_adds_to_the_distance_is_no_difference(unit: float) -> None:
    """Of honest numbers of few bits the distribution function has steps far higher than the error of 100,000 values."""
    values = sample(unit * rounded(np.random.default_rng(3).uniform(0, 1, 100_000), 5))
    uniform = law(f"uniform(0.0, {unit})")
    distance, p = distance_to_law(values, uniform, 2.0**-5)
    unrounded = distance_to_law(values, uniform)
    assert unrounded[0] == distance
    assert unrounded[1] < 1e-6
    assert p > 1e-3


@pytest.mark.parametrize("high", [1.0, 2.0])
def test_no_more_than_the_rounding_is_taken_off(high: float) -> None:
    """Half a step to either side of the greatest value, as far as the law has anything there: of five bits, 1/64 at one."""
    values = np.append(np.linspace(0.001, 0.899, 499), 1.0) * high / 2
    uniform, step = law("uniform(0.0, 1.0)"), high / 2 * 2.0**-5
    if high == 2.0:
        step = 0.899 * 2.0**-5  # above one there is nothing, so that of the next value is greater
    distance, p = distance_to_law(sample(values), uniform, 2.0**-5)
    assert distance == pytest.approx(stats.kstest(values, "uniform").statistic)
    assert p == pytest.approx(stats.kstwo.sf(distance - step, 500), rel=1e-6, abs=0)
    assert p > 1e-290


@pytest.mark.parametrize(
    "text", ["normal(0.0, 0.0)", "uniform(1.0, 1.0)", "normal(0.0, -1.0)", "normal(0.0, 1e400)", "zeros()"]
)
def test_what_draws_nothing_has_no_law(text: str) -> None:
    assert law_of(formula(ast.parse(text, mode="eval").body, {}, None)) is None


def test_a_step_that_is_less_than_the_error_of_any_sample_is_not_looked_at() -> None:
    values = sample(drawn(0, 500))
    assert distance_to_law(values, NORMAL, 2.0**-23) == distance_to_law(values, NORMAL)


# Against each other


@pytest.mark.parametrize("sizes", [(300, 400), (1000, 1000), (1000, 1001), (3000, 2000)])
def test_the_distance_of_two_samples_is_scipys(sizes: tuple[int, int]) -> None:
    left, right = drawn(1, sizes[0]), drawn(2, sizes[1], 0.05)
    found = stats.ks_2samp(left, right, method="exact" if max(sizes) <= 1000 else "asymp")
    between = distance_between(sample(left), sample(right, TENSORFLOW))
    assert between == pytest.approx((found.statistic, found.pvalue))


@pytest.mark.parametrize("sizes", [(20_000, 30_000), (500, 30_000), (30_000, 500)])
def test_the_distance_of_two_large_samples_is_nearly_scipys(
    sizes: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By quantiles, of which the distance is off by no more than lies between two of them."""
    left, right = drawn(1, sizes[0]), drawn(2, sizes[1], 0.05)
    exact = stats.ks_2samp(left, right, method="asymp")
    monkeypatch.setattr(module, "_QUANTILES", 10_000)
    distance, p = distance_between(sample(left), sample(right, TENSORFLOW))
    assert distance == pytest.approx(exact.statistic, abs=3 / 10_000)
    effective = math.sqrt(sizes[0] * sizes[1] / sum(sizes))
    assert p == pytest.approx(stats.kstwobign.sf(distance * effective))


def test_two_large_samples_that_share_nothing_are_one_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the greatest value of one and before the least of the other."""
    monkeypatch.setattr(module, "_QUANTILES", 10)
    low, high = sample(np.linspace(0, 1, 40)), sample(np.linspace(2, 3, 50), TENSORFLOW)
    for left, right in ((low, high), (high, low)):
        assert distance_between(left, right)[0] == 1.0


# The order of the draws


def serial(values: NDArray[np.float64]) -> tuple[float, str]:
    tests = independence(values, Sample.of(TORCH, values), None, 2.0**-52)
    (found,) = (finding for finding in tests if finding.test.name == "serial correlation")
    return found.test.p, found.words


@pytest.mark.parametrize(
    ("size", "lag", "twice"), [(2000, 1000, True), (2000, 999, False), (2000, 1, False), (2001, 1000, False)]
)
def test_a_correlation_is_as_unlikely_as_the_normal_distribution_says(size: int, lag: int, twice: bool) -> None:
    """A circular autocorrelation has variance 1/n; at half of n it is made of n/2 products, each twice, and has 2/n."""
    noise = drawn(1, size)
    values = noise.copy()
    values[lag:] += 0.3 * noise[: size - lag]
    z = stats.zscore(values)
    correlation = float(np.mean(z * np.roll(z, lag)))
    p, words = serial(values)
    assert f"values {lag:,} places apart are correlated ({correlation:.2f})" in words
    error = math.sqrt((2 if twice else 1) / size)
    assert p == pytest.approx(2 * (size // 2) * stats.norm.sf(abs(correlation) / error), rel=1e-6, abs=0)


def test_the_variance_at_half_the_size_is_twice_that_at_any_other_lag() -> None:
    """The claim that the test above takes from the formula, seen in 4,000 honest series of 100 values."""
    z = stats.zscore(np.random.default_rng(0).normal(size=(4000, 100)), axis=1)
    found = [float(np.var((z * np.roll(z, lag, axis=1)).mean(axis=1)) * 100) for lag in (10, 50)]
    assert found == pytest.approx([1, 2], rel=0.1)


def test_too_few_values_say_nothing_of_their_order() -> None:
    values = np.tile([1.0, -1.0], 499)
    assert not list(independence(values, Sample.of(TORCH, values), None, 2.0**-52))
    p, words = serial(np.tile([1.0, -1.0], 500))
    assert (p < 1e-200, "places apart are correlated" in words) == (True, True)
