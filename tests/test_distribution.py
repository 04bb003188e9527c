"""The comparison of distributions, on samples drawn by NumPy: what must be found, what must not."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tfpt_cli.compare.distribution import LEVEL, compare_distributions
from tfpt_cli.compare.sample import Law, law_of
from tfpt_cli.subjects.init.initializers import formula

if TYPE_CHECKING:
    from numpy.typing import NDArray

N = 20_000


def law(text: str, fans: tuple[int, int] | None = None) -> Law:
    """The law of an initializer as a row's formula writes it."""
    found = law_of(formula(ast.parse(text, mode="eval").body, {}, fans))
    assert found is not None
    return found


UNIFORM = law("uniform(0.0, 1.0)")
NORMAL = law("normal(0.0, 1.0)")
NONE: dict[str, Law | None] = {"torch": None, "tensorflow": None}


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def words(left: NDArray[np.float64], right: NDArray[np.float64], declared: Law | None = None) -> list[str]:
    pair = {"torch": left.copy(), "tensorflow": right.copy()}
    return list(compare_distributions(pair, {"torch": declared, "tensorflow": declared}).words)


@pytest.mark.parametrize("seed", range(40))
def test_equal_distributions_agree(seed: int) -> None:
    r = rng(seed)
    assert words(r.uniform(0, 1, N), r.uniform(0, 1, N), UNIFORM) == []
    assert words(r.normal(0, 1, N), r.normal(0, 1, N), NORMAL) == []
    assert words(r.standard_t(20, N), r.standard_t(20, N + 777)) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("scale", "% larger"),
        ("mean", "means are"),
        ("truncated", "standard deviations"),
        ("uniform for normal", "standard deviations"),
        ("bound", "lie below"),
    ],
)
def test_what_people_confuse_is_found_and_named(name: str, said: str, seed: int) -> None:
    r = rng(seed)
    normal = r.normal(0, 1, N)
    left, right = {
        "scale": (normal, r.normal(0, 1.06, N)),
        "mean": (normal, r.normal(0.08, 1, N)),
        "truncated": (normal, stats.truncnorm.rvs(-2, 2, size=N, random_state=r) / 0.87962566),
        "uniform for normal": (normal, r.uniform(-math.sqrt(3), math.sqrt(3), N)),
        "bound": (r.uniform(0, 1, N), r.uniform(0.01, 1, N)),
    }[name]
    found = words(left, right)
    assert len(found) == 1
    assert said in found[0]
    swapped = words(right, left)
    assert len(swapped) == 1  # the verdict is the same the other way round


def test_both_sides_equal_and_both_wrong_is_found_by_the_declared_law() -> None:
    r = rng(0)
    found = words(r.uniform(0, 1.05, N), r.uniform(0, 1.05, N), UNIFORM)
    assert len(found) == 2
    assert all("do not fit their declared uniform(0, 1)" in word for word in found)


def test_a_value_outside_the_declared_support_is_enough() -> None:
    r = rng(0)
    sample = r.uniform(0, 1, N)
    sample[77] = 1.5
    (found,) = words(sample, r.uniform(0, 1, N), UNIFORM)
    assert "range from" in found
    assert "outside [0, 1]" in found


def test_the_p_values_are_scipys() -> None:
    r = rng(3)
    left, right = r.normal(0, 1, N), r.normal(0, 1, N)
    tests = {
        t.name: t.p
        for t in compare_distributions({"torch": left.copy(), "tensorflow": right.copy()}, NONE).distribution.tests
    }
    assert tests["mean"] == pytest.approx(stats.ttest_ind(left, right, equal_var=False).pvalue, rel=1e-3)
    assert tests["distribution function"] == pytest.approx(stats.ks_2samp(left, right, method="asymp").pvalue)
    # For normal samples, the F test of variances is the exact one that the delta method comes close to.
    f = left.var() / right.var()
    exact = 2 * min(stats.f.cdf(f, N - 1, N - 1), stats.f.sf(f, N - 1, N - 1))
    assert tests["scale"] == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("draw", ["uniform", "normal"])
def test_p_values_are_uniform_under_the_null(draw: str) -> None:
    """The whole point of a p-value: of 400 honest pairs about a tenth lies below 0.1, for every test but the coarse range."""
    r = rng(11)
    low: dict[str, int] = {}
    for _ in range(400):
        pair = (getattr(r, draw)(0, 1, 4000) for _ in range(2))
        for test in compare_distributions(
            dict(zip(("torch", "tensorflow"), pair, strict=True)), NONE
        ).distribution.tests:
            low[test.name] = low.get(test.name, 0) + (test.p < 0.1)
    assert low.pop("range") <= 60
    assert low.pop("repeated values") == 0  # a bound, and these are float64
    assert 40 <= low.pop("serial correlation") <= 120  # made of each side
    assert all(15 <= count <= 70 for count in low.values()), low


def test_the_detectable_scale_is_detected() -> None:
    r = rng(5)
    honest = compare_distributions({"torch": r.normal(0, 1, N), "tensorflow": r.normal(0, 1, N)}, NONE).distribution
    assert honest.level == LEVEL
    assert honest.detectable is not None
    found = [bool(words(r.normal(0, 1, N), r.normal(0, 1 + honest.detectable, N))) for _ in range(100)]
    assert sum(found) >= 95


@given(st.integers(0, 2**31), st.sampled_from([1.0, 1.02, 1.1]), st.sampled_from([0.0, 0.05, 0.2]))
@settings(max_examples=25)
def test_neither_side_is_the_truth(seed: int, scale: float, shift: float) -> None:
    """Swapped sides have the same p-values, whatever they come to."""
    r = rng(seed)
    one, other = r.normal(0, 1, (500, 3, 4)), r.normal(shift, scale, (500, 3, 4))
    laws: dict[str, Law | None] = {"torch": NORMAL, "tensorflow": NORMAL}
    found = []
    for torch, tensorflow in ((one, other), (other, one)):
        pair = {"torch": torch.copy(), "tensorflow": tensorflow.copy()}
        found.append(sorted(test.p for test in compare_distributions(pair, laws).distribution.tests))
    assert found[0] == pytest.approx(found[1], rel=1e-9, abs=1e-300)
