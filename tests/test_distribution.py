"""The comparison of distributions, on samples drawn by NumPy: what must be found, what must not."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.sides import TENSORFLOW, TORCH
from tfpt_cli.compare.distribution import LEVEL, DistributionResult, against_law, compare_distributions
from tfpt_cli.compare.sample import ExplainedTest, Law, Sample, law_of
from tfpt_cli.frameworks import SIDES
from tfpt_cli.layers.initializers import formula

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side

N = 20_000
FLOAT32 = 2.0**-23


def law(text: str, fans: tuple[int, int] | None = None) -> Law:
    """The law of an initializer as a row's formula writes it."""
    found = law_of(formula(ast.parse(text, mode="eval").body, {}, fans))
    assert found is not None
    return found


UNIFORM = law("uniform(0.0, 1.0)")
NORMAL = law("normal(0.0, 1.0)")
NONE: dict[Side, Law | None] = {TORCH: None, TENSORFLOW: None}


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def words(left: NDArray[np.float64], right: NDArray[np.float64], declared: Law | None = None) -> list[str]:
    pair = {TORCH: left.copy(), TENSORFLOW: right.copy()}
    return list(compare_distributions(pair, {TORCH: declared, TENSORFLOW: declared}, FLOAT32).words)


def kurtosis_variance(values: NDArray[np.float64]) -> float:
    """The variance of a sample's kurtosis times its size, by moments up to the eighth (Kendall and Stuart, vol. 1, 10.15)."""
    _, _, _, m3, m4, m5, m6, _, m8 = (float(stats.moment(values, k)) / float(values.std()) ** k for k in range(9))
    return m8 - 4 * m4 * m6 + 4 * m4**3 - m4**2 + 16 * m4 * m3**2 - 8 * m3 * m5 + 16 * m3**2


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
        for t in compare_distributions({TORCH: left.copy(), TENSORFLOW: right.copy()}, NONE, FLOAT32).distribution.tests
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
        for test in compare_distributions(dict(zip(SIDES, pair, strict=True)), NONE, FLOAT32).distribution.tests:
            low[test.name] = low.get(test.name, 0) + (test.p < 0.1)
    assert low.pop("range") <= 60
    assert low.pop("repeated values") == 0  # a bound, and these are float64
    assert 40 <= low.pop("serial correlation") <= 120  # made of each side
    assert all(15 <= count <= 70 for count in low.values()), low


def test_the_detectable_scale_is_detected() -> None:
    r = rng(5)
    honest = compare_distributions(
        {TORCH: r.normal(0, 1, N), TENSORFLOW: r.normal(0, 1, N)}, NONE, FLOAT32
    ).distribution
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
    laws: dict[Side, Law | None] = {TORCH: NORMAL, TENSORFLOW: NORMAL}
    found = []
    for torch, tensorflow in ((one, other), (other, one)):
        pair = {TORCH: torch.copy(), TENSORFLOW: tensorflow.copy()}
        found.append(sorted(test.p for test in compare_distributions(pair, laws, FLOAT32).distribution.tests))
    assert found[0] == pytest.approx(found[1], rel=1e-9, abs=1e-300)


# The tests one by one


def judged(
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    declared: dict[Side, Law | None] = NONE,
    precision: float = FLOAT32,
    **more: Any,
) -> tuple[dict[tuple[str, str], float], DistributionResult]:
    """The p-values by test and by what it was made on, and the whole."""
    found = compare_distributions({TORCH: left.copy(), TENSORFLOW: right.copy()}, declared, precision, **more)
    return {(test.name, test.on): test.p for test in found.distribution.tests}, found


def test_the_scale_and_the_tails_have_the_errors_of_the_delta_method() -> None:
    """With SciPy's kurtosis, and of the tails the variance of Kendall and Stuart: also for what is skewed."""
    r = rng(8)
    left, right = r.exponential(1, 3000), r.exponential(1.05, 2000)
    tests, _ = judged(left, right)
    kurtosis = [float(stats.kurtosis(values, fisher=False)) for values in (left, right)]
    error = math.hypot(*(math.sqrt((k - 1) / 4 / n) for k, n in zip(kurtosis, (3000, 2000), strict=True)))
    assert tests["scale", "both"] == pytest.approx(2 * stats.norm.sf(abs(math.log(right.std() / left.std())) / error))
    error = math.hypot(*(math.sqrt(kurtosis_variance(values) / values.size) for values in (left, right)))
    assert tests["tails", "both"] == pytest.approx(2 * stats.norm.sf(abs(kurtosis[1] - kurtosis[0]) / error))
    error = math.hypot(left.std() / math.sqrt(3000), right.std() / math.sqrt(2000))
    assert tests["mean", "both"] == pytest.approx(2 * stats.norm.sf(abs(right.mean() - left.mean()) / error))


def test_values_beyond_all_of_the_others() -> None:
    """That the outermost k of two pooled samples all come from one of n among n + m has at most (n / (n + m))^k."""
    left, right = np.linspace(0, 1, 1000), np.linspace(-0.1, 1, 1100)
    count = int((right < 0).sum())
    tests, _ = judged(left, right)
    assert tests["range", "both"] == pytest.approx(4 * (1100 / 2100) ** count, abs=0)
    above = np.linspace(0, 1.02, 2000)  # 39 above, ends and ties do not count
    count = int((above > 1).sum())
    tests, found = judged(left, above)
    assert tests["range", "both"] == pytest.approx(4 * (2000 / 3000) ** count, abs=0)
    assert judged(left, left)[0]["range", "both"] == 1.0
    _, found = judged(left, np.concatenate([left, np.full(60, 1.0001)]))
    assert "60 of TensorFlow's 1,060 values lie above 1, the greatest of PyTorch's" in found.words
    _, found = judged(np.concatenate([np.full(40, 0.249), 0.25 + left]), 0.25 + left)
    assert "40 of PyTorch's 1,040 values lie below 0.25, the least of TensorFlow's" in found.words


def of_the_law(values: NDArray[np.float64], declared: Law, precision: float = 2.0**-23) -> dict[str, ExplainedTest]:
    found = against_law(Sample.of(TORCH, values.copy()).ordered(), declared, precision)
    return {finding.test.name.partition(" of ")[0]: finding for finding in found}


def test_against_a_law() -> None:
    r = rng(9)
    values = r.uniform(0, 1.02, 3000)
    found = of_the_law(values, UNIFORM)
    low, high = values.min(), values.max()
    assert found["support"].test.p == 0.0
    assert found["support"].words == f"they range from {low:.4g} to {high:.4g}, outside [0, 1]"
    z = math.log(values.std() * math.sqrt(12)) / math.sqrt(0.8 / 4 / 3000)
    assert found["scale"].test.p == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert found["scale"].words == f"standard deviation {values.std():.4g} instead of 0.2887"
    z = (values.mean() - 0.5) / (math.sqrt(1 / 12 / 3000))
    assert found["mean"].test.p == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert found["mean"].words == f"mean {values.mean():.4g} instead of 0.5"
    exact = stats.kstest(values, "uniform", method="asymp")
    assert found["distribution function"].test.p == pytest.approx(exact.pvalue)
    assert found["distribution function"].words == f"their distribution function is {exact.statistic:.2g} away"
    assert {finding.test.on for finding in found.values()} == {"torch"}


@pytest.mark.parametrize(
    ("outermost", "inside"),
    [
        (4.0, True),
        (4 + 4 * 2.0**-10, True),
        (4 + 5 * 2.0**-10, False),
        (-8.0, True),
        (-8.01, False),
        (-8 - 2.0**-8, True),
    ],
)
def test_a_bound_may_be_rounded_outwards(outermost: float, inside: bool) -> None:
    """By one step of the dtype at the greater of the two ends, which is 8 here."""
    values = np.append(np.linspace(-7, 3, 99), outermost)
    for turned, bounds in ((values, "uniform(-8.0, 4.0)"), (-values, "uniform(-4.0, 8.0)")):
        found = of_the_law(turned, law(bounds), 2.0**-11)
        assert found["support"].test.p == float(inside)


def test_a_law_without_bounds_has_none() -> None:
    assert of_the_law(np.append(np.linspace(-7, 3, 99), 1e30), NORMAL)["support"].test.p == 1.0


def test_errors_that_are_none() -> None:
    """Of values that are one of two the standard deviation has no error of first order, nor the kurtosis."""
    signs = np.resize([1.0, -1.0], 500)
    tests, _ = judged(signs, signs)
    assert (tests["scale", "both"], tests["tails", "both"]) == (1.0, 1.0)
    tests, _ = judged(signs, 2 * signs)
    assert (tests["scale", "both"], tests["tails", "both"]) == (0.0, 1.0)


# What is said


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (1.5, "TensorFlow's standard deviation is 1.5 times larger (1.5 against 1)"),
        (0.5, "PyTorch's standard deviation is 2 times larger (1 against 0.5)"),
        (1.0625, "TensorFlow's standard deviation is 6.25% larger (1.062 against 1)"),
    ],
)
def test_the_words_of_a_scale(scale: float, words: str) -> None:
    values = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    values /= values.std()
    assert judged(rng(0).permutation(values), rng(1).permutation(values * scale))[1].words[0] == words


def test_the_words_of_a_mean_and_of_tails() -> None:
    places = (np.arange(20_000) + 0.5) / 20_000
    normal, uniform = stats.norm.ppf(places), (places - 0.5) * math.sqrt(12)
    normal /= normal.std()
    one, other = rng(0).permutation(normal), rng(1).permutation(normal)
    apart = "the means are 0.25 standard deviations apart (6 against 6.75)"
    assert judged(3 * (one + 2), 3 * (other + 2.25))[1].words == (apart,)
    flat = rng(2).permutation(uniform)
    reach = f"values reach {np.abs(normal).max():.2f} standard deviations"
    kurtosis = f"kurtosis {stats.kurtosis(normal, fisher=False):.2f} against 1.80"
    assert judged(one, flat)[1].words == (f"PyTorch's {reach}, TensorFlow's 1.73 ({kurtosis})",)
    assert judged(flat, one)[1].words == (f"TensorFlow's {reach}, PyTorch's 1.73 ({kurtosis})",)


def test_each_side_is_held_against_its_own_law_and_the_others() -> None:
    laws: dict[Side, Law | None] = {TORCH: UNIFORM, TENSORFLOW: NORMAL}
    r = rng(0)
    tests, found = judged(r.uniform(0, 1, N), r.normal(0, 1, N), laws)
    assert found.distribution.declared == {TORCH: "uniform(0, 1)", TENSORFLOW: "normal(0, 1)"}
    for on, own, other in (("torch", UNIFORM, NORMAL), ("tensorflow", NORMAL, UNIFORM)):
        assert tests[f"scale of {own.text}", on] > 1e-4
        where = f"{on} by {'tensorflow' if on == 'torch' else 'torch'}"
        assert tests[f"scale of {other.text}", where] < 1e-9
    assert len(found.words) == 1  # where the samples part, the other's law is not worth a word
    # Laws that are the same, or not there, are no second question.
    assert not any(
        " by " in on for _, on in judged(r.uniform(0, 1, N), r.uniform(0, 1, N), dict.fromkeys(NONE, UNIFORM))[0]
    )
    tests, found = judged(r.uniform(0, 1, N), r.uniform(0, 1, N), {TORCH: None, TENSORFLOW: UNIFORM})
    assert {on for _, on in tests if "by" in on} == {"torch by tensorflow"}
    assert found.words == ()


def test_what_fits_its_own_law_and_not_the_others_is_said_where_nothing_else_is() -> None:
    """Laws so near that the samples hardly part: the second question is the only one that fails."""
    near = law("uniform(0.0, 1.0001)")
    values = rng(0).uniform(0, 1, N)
    values[0] = 1.00005
    _, found = judged(rng(1).uniform(0, 1, N), values, {TORCH: UNIFORM, TENSORFLOW: near})
    (words,) = found.words
    assert words.startswith("TensorFlow's values do not fit PyTorch's uniform(0, 1): they range from ")


def test_what_would_have_been_seen() -> None:
    """The quantile of the level, shared by all tests, and that of 99 in 100 runs, times the standard error."""
    left, right = rng(0).normal(0, 1, 4000), rng(1).normal(0, 1, 2500)
    tests, found = judged(left, right, dict.fromkeys(NONE, NORMAL), level=1e-4)
    reach = stats.norm.isf(1e-4 / len(tests) / 2) + stats.norm.ppf(0.99)
    assert found.distribution.level == 1e-4
    assert found.distribution.samples == {TORCH: 4000, TENSORFLOW: 2500}
    assert found.distribution.detectable == pytest.approx(math.expm1(reach / math.sqrt(2 * 4000)))
    assert found.distribution.detectable_mean == pytest.approx(reach / math.sqrt(4000))
    tests, found = judged(left, right, {TORCH: NORMAL, TENSORFLOW: None}, level=1e-4)
    reach = stats.norm.isf(1e-4 / len(tests) / 2) + stats.norm.ppf(0.99)
    errors = (math.sqrt((stats.kurtosis(v, fisher=False) - 1) / 4 / v.size) for v in (left, right))
    assert found.distribution.detectable == pytest.approx(math.expm1(reach * math.hypot(*errors)))
    assert found.distribution.detectable_mean == pytest.approx(reach * math.hypot(1 / math.sqrt(4000), 1 / 50))


def test_equal_values_are_counted_where_the_dtype_is_fine() -> None:
    values = rng(0).normal(0, 1, 2000)
    values[:1000] = values[1000:]
    for precision, looked in ((2.0**-23, True), (2.0**-20, False), (2.0**-10, False)):
        tests, _ = judged(values, rng(1).normal(0, 1, 2000), precision=precision)
        assert (("repeated values", "torch") in tests) is looked


def test_values_that_repeat_are_found_on_either_side() -> None:
    values, other = rng(0).normal(0, 1, 2000), rng(1).normal(0, 1, 2000)
    values[:1000] = values[1000:]
    for left, right, repeats, honest in (
        (values, other, "torch", "tensorflow"),
        (other, values, "tensorflow", "torch"),
    ):
        tests, _ = judged(left, right)
        assert tests["repeated values", repeats] < 1e-9
        assert tests["repeated values", honest] == 1.0


def test_spreads_that_cannot_be_measured() -> None:
    tests, found = judged(np.linspace(0, 1e-80, 50), np.linspace(0, 1, 50))
    assert tests == {}
    assert found.words == ("standard deviations of 2.95e-81 and 0.295 cannot be compared in float64",)


def test_large_samples_are_read_side_by_side_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = rng(0).normal(0, 1, 3000), rng(1).normal(0.2, 1, 3000)
    alone, found = judged(*pair)
    monkeypatch.setattr("tfpt_cli.compare.distribution._LARGE", 100)
    together, again = judged(*pair)
    assert (together, again.words) == (alone, found.words)


def test_gates_are_judged_by_themselves() -> None:
    left, right = rng(0).normal(0, 1, (50, 4, 30)), rng(1).normal(0, 1, (50, 4, 30))
    blocks = {name: {TORCH: left[:, i], TENSORFLOW: right[:, i]} for i, name in enumerate("ifco")}

    def words() -> tuple[str, ...]:
        parts = {name: {f: array.copy() for f, array in part.items()} for name, part in blocks.items()}
        return judged(left, right, blocks=parts)[1].words

    assert words() == ()
    tests, _ = judged(left, right, blocks={"i": {f: a.copy() for f, a in blocks["i"].items()}})
    assert tests["scale, i gate", "both"] == judged(left[:, 0], right[:, 0])[0]["scale", "both"]
    tests, found = judged(left, right, dict.fromkeys(NONE, NORMAL), blocks=blocks)
    reach = stats.norm.isf(LEVEL / len(tests) / 2) + stats.norm.ppf(
        0.99
    )  # the level is shared by the tests of the gates
    assert found.distribution.detectable_mean == pytest.approx(reach / math.sqrt(left.size))
    right[:, 2] += 0.6
    (said,) = (word for word in words() if "gate" in word)
    assert said.startswith("the c gate: the means are 0.5")
    right[:, 2] += 2.0
    assert any(word.startswith("TensorFlow's standard deviation is ") for word in words())
    assert any(word.startswith("the c gate: ") for word in words())
    # Where all of them part, so do the whole: one sentence is enough.
    right += 2.0
    assert not any("gate" in word for word in words())


def test_a_gate_that_is_the_same_everywhere() -> None:
    left, right = rng(0).normal(0, 1, (500, 2)), rng(1).normal(0, 1, (500, 2))
    blocks = {"f": {TORCH: np.ones((500, 1)), TENSORFLOW: np.ones((500, 1))}}
    assert judged(left, right, blocks=blocks)[0]["constant, f gate", "both"] == 1.0
    blocks["f"][TENSORFLOW] = np.full((500, 1), 1.5)
    tests, found = judged(left, right, blocks=blocks)
    assert tests["constant, f gate", "both"] == 0.0
    assert all(isinstance(test.p, float) for test in found.distribution.tests)
    assert found.words == ("the f gate: PyTorch's is 1 +- 0, TensorFlow's is 1.5 +- 0",)
