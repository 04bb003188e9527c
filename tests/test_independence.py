"""Whether the elements of one draw are independent and alike: p-values by SciPy's distributions, on arrays made for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from tests.sides import TENSORFLOW, TORCH
from tfpt_cli.compare import independence as module
from tfpt_cli.compare.independence import independence
from tfpt_cli.compare.sample import ExplainedTest, Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRECISION = 2.0**-23


def normal(seed: int, *shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=shape)


def findings(
    array: NDArray[Any], other: NDArray[Any] | None = None, precision: float = PRECISION
) -> dict[str, ExplainedTest]:
    against = None if other is None else Sample.of(TENSORFLOW, other.copy()).ordered()
    found = list(independence(array, Sample.of(TORCH, array), against, precision))
    assert {finding.test.on for finding in found} <= {"torch"}
    assert all(finding.words.startswith("PyTorch's ") for finding in found)
    return {finding.test.name: finding for finding in found}


# Values that repeat themselves


def test_repeated_values_are_as_unlikely_as_poisson_says() -> None:
    """Of n values and m of the other side, s equal to one of them, two are equal with (4 s + 20) / (n m) + 2 steps."""
    array, other = normal(1, 1, 1500), normal(2, 1, 1200)
    array[0, :5] = array[0, 5:10]  # five pairs
    array[0, 10:13] = 7.0  # and one value three times, which is three pairs more
    array[0, 20] = other[0, 3]
    other[0, 4] = other[0, 3]  # shared twice
    array[0, 21] = other.max()  # and another once
    pairs, chance = 1500 * 1499 / 2, (4 * 3 + 20) / (1500 * 1200) + 2 * PRECISION
    found = findings(array, other)["repeated values"]
    assert found.test.p == pytest.approx(stats.poisson.sf(8 - 1, pairs * chance), rel=1e-9)
    assert found.words == "PyTorch's 7 of 1,500 values repeat another: the draw is not independent"
    array[0, 20:22] = 1000.0, 1001.0
    chance = 20 / (1500 * 1200) + 2 * PRECISION
    assert findings(array, other)["repeated values"].test.p == pytest.approx(
        stats.poisson.sf(7, pairs * chance), rel=1e-9
    )


def test_equal_values_say_nothing_of_a_coarse_dtype_or_of_few_values() -> None:
    assert "repeated values" not in findings(np.ones((1, 2000)) * normal(1, 1, 2000))
    assert set(findings(normal(1, 1, 999), normal(2, 1, 999))) == set()
    assert set(findings(normal(1, 1, 1000), normal(2, 1, 1000))) == {"serial correlation", "repeated values"}


def test_a_large_sample_is_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other side's values by every third, this side's from the first on."""
    monkeypatch.setattr(module, "_SERIES", 1000)
    array, other = normal(1, 1, 3000), normal(2, 1, 3000)
    array[0, 1000:] = 1.0  # behind what is looked at
    chance = 20 / (1000 * 1000) + 2 * PRECISION
    found = findings(array, other)["repeated values"]
    assert found.test.p == pytest.approx(stats.poisson.sf(-1, 1000 * 999 / 2 * chance))
    array[0, 0] = array[0, 1]
    found = findings(array, other)["repeated values"]
    assert found.test.p == pytest.approx(stats.poisson.sf(0, 1000 * 999 / 2 * chance), rel=1e-9)
    assert "1 of 1,000 values" in found.words


# Rows that are not like the others


def test_which_axes_are_looked_at() -> None:
    def along(*shape: int) -> set[str]:
        return {name.removeprefix("means along ") for name in findings(normal(0, *shape)) if name.startswith("means")}

    assert along(100, 2) == {"axis 0"}
    assert along(99, 2) == set()  # too few values in each
    assert along(100, 1) == set()
    assert along(100, 2, 3) == {"axis 0", "axis 1", "element"}
    assert along(40, 2, 3) == {"axis 0"}  # of the other axis there are 80 values an index, of an element 40
    assert along(1, 100, 100) == {"axis 0", "axis 1"}
    assert along(120, 130) == {"axis 0"}  # draws are not held against each other


def test_no_more_groups_than_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GROUPS", 5)
    assert "means along axis 0" in findings(normal(0, 100, 5))
    assert "means along axis 0" not in findings(normal(0, 100, 6))


@pytest.mark.parametrize("shift", [0.0, 3.0, 1e7])
def test_a_mean_that_is_not_that_of_all(shift: float) -> None:
    """The mean of 200 of 1,000 values, drawn without putting back: its error is s sqrt(1/200 - 1/1000)."""
    array = normal(3, 200, 5) + shift
    array[:, 3] += 0.35
    means, mean, std = array.mean(axis=0), array.mean(), array.std()
    z = (means[3] - mean) / (std * math.sqrt(1 / 200 - 1 / 1000))
    found = findings(array)["means along axis 0"]
    assert found.test.p == pytest.approx(min(1, 2 * 5 * stats.norm.sf(abs(z))), rel=1e-5, abs=0)
    assert found.test.p < 1e-3
    assert found.words == f"PyTorch's index 3 of axis 0 has mean {means[3]:.3g}, all together {mean:.3g}"


@pytest.mark.parametrize(("shift", "unit"), [(0.0, 1.0), (3.0, 1.0), (1e8, 1.0), (1e8, 2.0**-30)])
@pytest.mark.parametrize("factor", [1.4, 0.7])
@pytest.mark.parametrize("draw", ["normal", "uniform"])
def test_a_scale_that_is_not_that_of_all(shift: float, unit: float, factor: float, draw: str) -> None:
    """A variance of n values with kurtosis k is chi-squared with 2 n / (k - 1) degrees of freedom (Satterthwaite)."""
    array: NDArray[np.float64] = getattr(np.random.default_rng(4), draw)(-1, 1, (200, 5))
    array[:, 1] *= factor
    ratio = float(((array[:, 1] - array.mean()) ** 2).mean() / array.var())
    freedom = 2 * 200 / (float(stats.kurtosis(array.ravel(), fisher=False)) - 1)
    tail = stats.chi2.sf if factor > 1 else stats.chi2.cdf
    found = findings(unit * (array + shift))["scales along axis 0"]
    assert found.test.p == pytest.approx(2 * 5 * tail(ratio * freedom, freedom), rel=1e-3, abs=0)
    assert found.test.p < 1e-3
    std = unit * array.std()
    apart = f"{math.sqrt(ratio) * std:.3g}, all together {std:.3g}"
    assert found.words == f"PyTorch's index 1 of axis 0 has standard deviation {apart}"


def test_honest_p_values_are_bounds() -> None:
    """Of the greatest of several, so that no more than a share of p lie below p; for the normal, as for the two-valued."""
    for draw in (normal, lambda seed, *shape: np.sign(normal(seed, *shape))):
        found = [findings(draw(seed, 150, 8)) for seed in range(300)]
        for name in ("means along axis 0", "scales along axis 0"):
            assert sum(each[name].test.p < 0.1 for each in found) <= 50, name
            assert max(each[name].test.p for each in found) <= 1.0
