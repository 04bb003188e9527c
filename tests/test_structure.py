"""What is random but no plain sample: orthogonal and sparse matrices, draws that repeat themselves, and names for laws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ml_dtypes  # noqa: F401 - a dtype of NumPy's is called bfloat16 then
import numpy as np
import pytest
from scipy import stats

from tests.sides import TENSORFLOW, TORCH
from tests.test_declared_laws import declared
from tests.test_distribution import law
from tfpt_cli.compare.declared_laws import guesses, parting
from tfpt_cli.compare.distribution import LEVEL, DistributionResult, compare_distributions
from tfpt_cli.compare.sample import Sample
from tfpt_cli.compare.structure import compare_orthogonal, compare_sparse
from tfpt_cli.frameworks import SIDES

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRECISION = 2.0**-23
DECLARED = {TORCH: "orthogonal()", TENSORFLOW: "orthogonal()"}


def haar(seed: int, draws: int = 40, size: int = 12) -> NDArray[Any]:
    """SciPy's Haar distributed orthogonal matrices."""
    found: NDArray[Any] = np.asarray(stats.ortho_group.rvs(size, size=draws, random_state=seed))
    return found.astype(np.float32)


def orthogonal_words(torch: NDArray[Any], tensorflow: NDArray[Any]) -> tuple[str, ...]:
    return compare_orthogonal({TORCH: torch, TENSORFLOW: tensorflow}, DECLARED, PRECISION).words


@pytest.mark.parametrize("seed", range(10))
def test_haar_matrices_agree(seed: int) -> None:
    assert orthogonal_words(haar(seed), haar(seed + 100)) == ()
    assert orthogonal_words(haar(seed)[:, :5], haar(seed + 100)[:, :, :5]) == ()
    assert orthogonal_words(3 * haar(seed, 400, 2), 3 * haar(seed + 100, 400, 2)) == ()


def test_a_tensor_is_flattened_as_its_framework_does() -> None:
    torch, keras = haar(0)[:, :6].reshape(40, 6, 4, 3), haar(1)[:, :, :6].reshape(40, 4, 3, 6)
    assert orthogonal_words(torch, keras) == ()
    found = orthogonal_words(keras, keras)
    assert found[0] == "PyTorch makes (4, 18) matrices of it, TensorFlow (6, 12)"
    assert found[1].startswith("PyTorch's is not orthogonal")


def test_a_gaussian_of_the_same_scale_is_not_orthogonal() -> None:
    gaussian = np.random.default_rng(0).normal(0, 1 / math.sqrt(12), (40, 12, 12))
    (words,) = orthogonal_words(haar(0), gaussian.astype(np.float32))
    assert words.startswith("TensorFlow's is not orthogonal: its Gram matrix is up to")


def test_another_gain_is_named() -> None:
    (words,) = orthogonal_words(haar(0), haar(1) * np.float32(math.sqrt(2)))
    assert words == "both are orthogonal, PyTorch's times 1 and TensorFlow's times 1.414"


@pytest.mark.parametrize("gain", [1e-6, 1e-3, 0.5, 2.0, 1e3, 1e6])
def test_how_far_from_orthogonal_is_relative_to_the_gain(gain: float) -> None:
    """Whatever the numbers are multiplied by: what is orthogonal stays so, and a Gaussian does not become it."""
    one, other = gain * haar(0, 40, 12).astype(np.float64), gain * haar(1, 40, 12).astype(np.float64)
    assert orthogonal_words(one, other) == ()
    gaussian = gain * np.random.default_rng(0).normal(0, 1 / math.sqrt(12), (40, 12, 12))
    (words,) = orthogonal_words(one, gaussian)
    assert words.startswith("TensorFlow's is not orthogonal: its Gram matrix is up to")
    wide = orthogonal_words(one[:, :5], gaussian[:, :, :5])
    assert wide[0].startswith("TensorFlow's is not orthogonal: its Gram matrix is up to")


@pytest.mark.parametrize(("dtype", "precision"), [("float16", 2.0**-10), ("bfloat16", 2.0**-7)])
@pytest.mark.parametrize(("size", "draws"), [(2, 400), (16, 40), (256, 4)])
def test_in_a_coarse_dtype_a_gaussian_is_not_orthogonal_either(
    dtype: str, precision: float, size: int, draws: int
) -> None:
    """What is orthogonal but for the rounding of its numbers is, of any size; a Gaussian of the same scale is not."""
    one, other = (haar(seed, draws, size).astype(dtype).astype(np.float32) for seed in (0, 1))
    gaussian = np.random.default_rng(0).normal(0, 1 / math.sqrt(size), (draws, size, size))
    rounded = gaussian.astype(dtype).astype(np.float32)
    assert compare_orthogonal({TORCH: one, TENSORFLOW: other}, DECLARED, precision).words == ()
    for pair in ({TORCH: one, TENSORFLOW: rounded}, {TORCH: rounded, TENSORFLOW: one}):
        (words,) = (word for word in compare_orthogonal(pair, DECLARED, precision).words if "not orthogonal" in word)
        assert words.startswith("TensorFlow" if pair[TENSORFLOW] is rounded else "PyTorch")


@pytest.mark.parametrize("precision", [2.0**-23, 2.0**-16])
@pytest.mark.parametrize("rows", [3, 12])
def test_rounding_is_allowed_and_no_more(precision: float, rows: int) -> None:
    """300 units in the last place for every root of a size, relative to the mean of the diagonal."""
    sound = np.asarray(stats.ortho_group.rvs(12, size=40, random_state=3))[:, :rows]
    other = np.asarray(stats.ortho_group.rvs(12, size=40, random_state=4))[:, :rows].swapaxes(1, 2)
    limit = 300 * precision * math.sqrt(12)
    for share, flagged in ((0.99, False), (1.01, True)):
        for sign in (1, -1):
            changed = sound.copy()
            # The square of one row is off by this, and the mean of all moves with it.
            apart = sign * share * limit / (1 - 1 / (40 * rows) * (1 + sign * share * limit))
            changed[5, 1] *= math.sqrt(1 + apart)
            words = compare_orthogonal({TORCH: changed, TENSORFLOW: other}, DECLARED, precision).words
            assert any("not orthogonal" in word for word in words) == flagged


@pytest.mark.parametrize(("precision", "near", "far"), [(2.0**-23, 1.0009, 1.0012), (2.0**-8, 1.039, 1.044)])
def test_how_near_two_gains_must_be(precision: float, near: float, far: float) -> None:
    """A thousandth, and ten units in the last place of a coarse dtype."""
    for one, other in ((1.0, near), (near, 1.0), (1.0, far), (far, 1.0)):
        pair = {TORCH: one * haar(0).astype(np.float64), TENSORFLOW: other * haar(1).astype(np.float64)}
        words = compare_orthogonal(pair, DECLARED, precision).words
        assert bool(words) == (far in (one, other))
        assert not words or words[0].startswith("both are orthogonal, ")


def test_a_decomposition_without_its_signs_put_right_is_not_haar() -> None:
    """LAPACK's Q alone: orthogonal, but with a first entry that is never positive (Mezzadri, 2007)."""
    raw = np.linalg.qr(np.random.default_rng(0).normal(size=(400, 8, 8)))[0].astype(np.float32)
    found = orthogonal_words(raw, haar(1, 400, 8))
    assert any("not Haar" in words for words in found)
    assert all(words.startswith("PyTorch") for words in found)


def sparse(seed: int, zeros: int = 6, rows: int = 20) -> NDArray[Any]:
    r = np.random.default_rng(seed)
    values = r.normal(0, 0.01, (40, rows, 15))
    values[r.permuted(np.tile(np.arange(rows)[None, :, None], (40, 1, 15)), axis=1) < zeros] = 0
    return values


def sparse_words(torch: NDArray[Any], tensorflow: NDArray[Any]) -> tuple[str, ...]:
    laws = dict.fromkeys(SIDES, law("normal(0.0, 0.01)"))
    return compare_sparse({TORCH: torch, TENSORFLOW: tensorflow}, laws, 0, PRECISION).words


def test_sparse_matrices() -> None:
    assert sparse_words(sparse(0), sparse(1)) == ()
    assert sparse_words(sparse(0), sparse(1, zeros=7)) == ("zeros in every column: PyTorch 6, TensorFlow 7",)
    assert "what is not zero: TensorFlow's standard deviation" in sparse_words(sparse(0), 1.3 * sparse(1))[0]
    dropped = np.where(np.random.default_rng(2).random((40, 20, 15)) < 0.3, 0, sparse(1, zeros=0))
    assert "zeros in a column, not as many in each" in " ".join(sparse_words(sparse(0), dropped))
    fixed = sparse(1, zeros=0)
    fixed[:, :6] = 0
    assert "zeros into row" in " ".join(sparse_words(sparse(0), fixed))


def p_values(found: DistributionResult) -> dict[tuple[str, str], float]:
    return {(test.name, test.on): test.p for test in found.distribution.tests}


def test_the_p_values_of_orthogonal_matrices_are_scipys() -> None:
    """Of k rows of n entries: entries are Beta on [-1, 1], their means and those of traces normal, of variance 1/n and k/n."""
    torch, keras = haar(3, 100, 9)[:, :4].astype(np.float64), haar(4, 100, 9).astype(np.float64)[:, :, :4]
    found = p_values(compare_orthogonal({TORCH: 2 * torch, TENSORFLOW: 2 * keras}, DECLARED, PRECISION))
    for side, rows in (("torch", torch), ("tensorflow", keras.swapaxes(1, 2))):
        entries = stats.kstest(rows.ravel(), stats.beta(4, 4, loc=-1, scale=2).cdf, method="asymp")
        assert found["entries", side] == pytest.approx(entries.pvalue, rel=1e-3)
        z = np.abs(rows.mean(axis=0)).max() * math.sqrt(100 * 9)
        assert found["means of entries", side] == pytest.approx(min(1, 2 * 36 * stats.norm.sf(z)), rel=1e-3)
        z = abs(np.trace(rows, axis1=1, axis2=2).mean()) * math.sqrt(100 * 9 / 4)
        assert found["traces", side] == pytest.approx(2 * stats.norm.sf(z), rel=1e-3)


def test_the_level_of_orthogonal_matrices_is_shared() -> None:
    """Each of their six tests has a sixth of it."""
    pair = {TORCH: haar(0), TENSORFLOW: haar(1)}
    tests = compare_orthogonal(pair, DECLARED, PRECISION).distribution.tests
    least = min(test.p for test in tests)
    assert (len(tests), 0 < least < 1) == (6, True)
    assert compare_orthogonal(pair, DECLARED, PRECISION, level=6 * least * 0.99).words == ()
    assert len(compare_orthogonal(pair, DECLARED, PRECISION, level=6 * least * 1.01).words) == 1


def test_too_few_draws_have_no_means() -> None:
    pair = {TORCH: haar(0, 19), TENSORFLOW: haar(1, 20)}
    names = {key for key in p_values(compare_orthogonal(pair, DECLARED, PRECISION)) if key[0] != "entries"}
    assert names == {("means of entries", "tensorflow"), ("traces", "tensorflow")}


def test_the_p_values_of_sparse_matrices_are_scipys() -> None:
    """A normal draw in a dtype of so few bits is zero now and then; else a row has its share of zeros, binomially."""
    torch, keras = sparse(0), sparse(1)
    for values, columns in ((torch, 2), (keras, 2)):  # the first row has more than its share
        for draw, column in np.argwhere(values[:, 0, :columns]):
            zero = np.flatnonzero(values[draw, :, column] == 0)[0]
            values[draw, [0, zero], column] = values[draw, [zero, 0], column]
    keras[0, np.flatnonzero(keras[0, :, 3])[:2], 3] = 0
    keras[7, np.flatnonzero(keras[7, :, 5])[:1], 5] = 0
    laws = dict.fromkeys(SIDES, law("normal(0.0, 0.01)"))
    judged = compare_sparse({TORCH: torch.copy(), TENSORFLOW: keras.copy()}, laws, 0, 2.0**-12)
    found = p_values(judged)
    assert found["zeros in a column", "torch"] == 1.0
    # Three more than six in each, in pairs two, of what is not zero by design.
    drawn = 40 * 15 * 14
    assert found["zeros in a column", "tensorflow"] == pytest.approx(stats.poisson.sf(2 - 1, 2 * 2.0**-12 * drawn))
    for side, values in (("torch", torch), ("tensorflow", keras)):
        along, share = (values == 0).sum(axis=(0, 2)), float((values == 0).mean())
        z = np.abs(along - 600 * share).max() / math.sqrt(600 * share * (1 - share))
        assert found["places of the zeros", side] == pytest.approx(2 * 20 * stats.norm.sf(z), rel=1e-6, abs=0)
        assert found["places of the zeros", side] < 1
    assert judged.words == ()


def test_the_level_of_sparse_matrices_is_shared() -> None:
    """Half of it by the zeros, whose four tests have a quarter each."""
    laws = dict.fromkeys(SIDES, law("normal(0.0, 0.01)"))
    pair = {TORCH: sparse(0), TENSORFLOW: sparse(1)}
    pair[TENSORFLOW][0, np.flatnonzero(pair[TENSORFLOW][0, :, 3])[:4], 3] = 0

    def words(level: float) -> tuple[str, ...]:
        copies = {f: array.copy() for f, array in pair.items()}
        return compare_sparse(copies, laws, 0, 2.0**-16, level).words

    p = float(stats.poisson.sf(1, 2 * 2.0**-16 * 40 * 15 * 14))
    assert p < 0.1
    assert "zeros in a column, not as many in each" in " ".join(words(8 * p * 1.01))
    assert words(8 * p * 0.99) == ()


def normal(seed: int, *shape: int) -> NDArray[Any]:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def words_for(changed: NDArray[Any]) -> str:
    pair = {TORCH: normal(99, *changed.shape), TENSORFLOW: changed}
    return "; ".join(compare_distributions(pair, dict.fromkeys(pair), 2.0**-23).words)


@pytest.mark.parametrize("shape", [(1, 200, 300), (500, 6, 8), (20, 3, 3, 8, 16)])
def test_a_half_that_repeats_the_other(shape: tuple[int, ...]) -> None:
    values = normal(1, *shape)
    half = shape[1] // 2
    assert words_for(values.copy()) == ""
    values[:, -half:] = values[:, :half]
    assert "the draw is not independent" in words_for(values)


def test_one_constant_row_in_many() -> None:
    values = normal(1, 1, 200, 300)
    values[0, 17] = values[0, 17, 0]
    assert "not independent" in words_for(values)


def test_a_row_of_its_own_scale_and_one_of_its_own_mean() -> None:
    wide, high = normal(1, 1, 200, 300), normal(2, 1, 200, 300)
    wide[0, :, 42] *= 2
    high[0, 17] += 0.5
    assert "index 42 of axis 1 has standard deviation" in words_for(wide)
    assert "index 17 of axis 0 has mean" in words_for(high)


def test_one_gate_of_four() -> None:
    arrays = {TORCH: normal(1, 20, 30, 40), TENSORFLOW: normal(2, 20, 30, 40)}
    arrays[TENSORFLOW][..., 10:20] *= 1.3
    gates = ("input", "forget", "cell", "output")
    blocks = {name: {f: a[..., 10 * i : 10 * i + 10] for f, a in arrays.items()} for i, name in enumerate(gates)}
    found = compare_distributions(arrays, dict.fromkeys(arrays), 2.0**-23, blocks=blocks)
    said = [word for word in found.words if word.startswith("the ")]
    assert len(said) == 1
    assert said[0].startswith("the forget gate: TensorFlow's standard deviation is 1.3")


def test_the_level_is_shared_by_all_tests() -> None:
    def judged(level: float) -> DistributionResult:
        pair = {TORCH: normal(1, 1, 200, 300), TENSORFLOW: normal(2, 1, 200, 300)}
        return compare_distributions(pair, dict.fromkeys(pair), 2.0**-23, level=level)

    tests = judged(1e-6).distribution.tests
    least = min(test.p for test in tests) * len(tests)
    assert judged(least * 0.99).words == ()
    assert judged(least * 1.01).words != ()


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        ("glorot_uniform()", "glorot_uniform"),
        ("he_normal()", "he_normal"),
        ("xavier_normal()", "xavier_normal"),
        ("uniform(-1 / sqrt(fan_in), 1 / sqrt(fan_in))", "uniform(-1 / sqrt(fan_in), 1 / sqrt(fan_in))"),
        ("normal(0.0, 0.05)", "normal(0, 0.05)"),
        ("uniform(0.2, 0.3)", None),
    ],
)
def test_a_sample_is_named_after_what_it_fits(draw: str, name: str | None) -> None:
    fans = (256, 300)
    values = law(draw, fans).law.rvs(20_000, random_state=1)
    found = guesses(Sample.of(TORCH, values).ordered(), fans, PRECISION)
    assert found == ([name] if name else [])


@pytest.mark.parametrize(
    ("torch", "tensorflow", "said"),
    [
        ("kaiming_normal()", "he_normal()", ["PyTorch's is not truncated at 2 sigma"]),
        ("xavier_normal()", "variance_scaling(1.0, 'fan_in', 'untruncated_normal')", ["fan_avg against fan_in"]),
        ("he_uniform()", "lecun_uniform()", ["gain sqrt(2) against 1"]),
        ("uniform(-1 / sqrt(fan_in), 1 / sqrt(fan_in))", "glorot_uniform()",
         ["fan_in against fan_avg", "gain sqrt(1/3) against 1"]),
        ("trunc_normal(0.0, 0.02, -0.06, 0.06)", "truncated_normal(0.0, 0.02)",
         ["PyTorch's is cut off at 3 sigma, TensorFlow's at 2"]),
        ("normal(0.0, 1.0)", "uniform(-1.0, 1.0)", ["PyTorch's is normal, TensorFlow's uniform"]),
        ("normal(0.0, 1.0)", "normal(0.0, 1.0)", []),
    ],
)  # fmt: skip
def test_how_two_laws_part_is_said(torch: str, tensorflow: str, said: list[str]) -> None:
    fans = (256, 300)
    found = parting({TORCH: declared(torch, fans), TENSORFLOW: declared(tensorflow, fans)})
    assert [words for words in found if "sigma" in words or "against" in words or "is normal" in words] == said


# ---- what mutants of the module changed and no test had seen


def test_each_side_is_judged_though_the_other_is_not_orthogonal() -> None:
    gaussians = np.random.default_rng(0).normal(0, 1 / math.sqrt(12), (2, 40, 12, 12))
    words = orthogonal_words(*gaussians)
    assert [word.partition("'s is not orthogonal")[0] for word in words] == ["PyTorch", "TensorFlow"]


def test_zeros_are_no_orthogonal_matrix() -> None:
    """They are a multiple of one, by zero: of what is left then nothing can be said."""
    zeros = np.zeros((40, 12, 12), np.float32)
    for one, other, name in ((zeros, haar(0), "PyTorch"), (haar(0), zeros, "TensorFlow")):
        assert orthogonal_words(one, other) == (f"{name}'s is not orthogonal: all its numbers are zero",)


def test_how_far_from_orthogonal_a_coarse_dtype_may_be() -> None:
    """Not farther than 1 / root of the size, where a Gaussian begins."""
    sound, other = (haar(seed).astype(np.float64) for seed in (3, 4))
    for share, flagged in ((0.98, False), (1.02, True)):
        changed = sound.copy()
        changed[5, 1] *= math.sqrt(1 + share / math.sqrt(12))
        words = compare_orthogonal({TORCH: changed, TENSORFLOW: other}, DECLARED, 2.0**-7).words
        assert any("not orthogonal" in word for word in words) == flagged


@pytest.mark.parametrize(
    ("size", "names"), [(1, {"means of entries", "traces"}), (2, {"entries", "means of entries", "traces"})]
)
def test_entries_have_a_law_from_two_columns_on(size: int, names: set[str]) -> None:
    signs = {
        side: np.where(np.random.default_rng(seed).random((40, 1, 1)) < 0.5, -1.0, 1.0)
        for seed, side in enumerate(SIDES)
    }
    pair = signs if size == 1 else dict(zip(SIDES, (haar(0, 40, 2), haar(1, 40, 2)), strict=True))
    found = compare_orthogonal(pair, DECLARED, PRECISION)
    assert {test.name for test in found.distribution.tests} == names
    assert found.words == ()


def test_the_entry_whose_mean_is_not_zero_is_named() -> None:
    found = haar(0, 400, 8).astype(np.float64)
    found *= np.where(found[:, 2:3, 5:6] < 0, -1, 1)
    words = [word for word in orthogonal_words(found, haar(1, 400, 8)) if "entry" in word]
    assert len(words) == 1
    assert words[0].startswith("PyTorch's entry [2, 5] has mean 0.2")


def test_columns_may_be_the_second_axis() -> None:
    """The axis along which zeros are counted is that of the outputs or the other one, as the framework has it."""
    laws = dict.fromkeys(SIDES, law("normal(0.0, 0.01)"))
    fixed = sparse(1, zeros=0)
    fixed[:, :6] = 0
    dropped = np.where(np.random.default_rng(2).random((40, 20, 15)) < 0.3, 0, sparse(1, zeros=0))
    for other in (sparse(1), sparse(1, zeros=7), fixed, dropped):
        pair = {TORCH: sparse(0), TENSORFLOW: other}
        turned = {side: np.swapaxes(array, 1, 2).copy() for side, array in pair.items()}
        one, two = compare_sparse(pair, laws, 0, PRECISION), compare_sparse(turned, laws, 1, PRECISION)
        of_zeros = ("zeros in a column", "places of the zeros")
        assert [t for t in one.distribution.tests if t.name in of_zeros] == [
            t for t in two.distribution.tests if t.name in of_zeros
        ]
        assert [w for w in one.words if "zeros in" in w] == [w for w in two.words if "zeros in" in w]


def test_how_many_zeros_a_row_should_have_is_said() -> None:
    fixed = sparse(1, zeros=0)
    fixed[:, :6] = 0
    words = " ".join(sparse_words(sparse(0), fixed))
    assert "TensorFlow puts 600 zeros into row 0, 180 would be its share" in words


def test_without_zeros_no_place_of_them_is_tested() -> None:
    laws = dict.fromkeys(SIDES, law("normal(0.0, 0.01)"))
    found = compare_sparse({TORCH: sparse(0), TENSORFLOW: sparse(1, zeros=0)}, laws, 0, PRECISION)
    assert ("places of the zeros", "torch") in p_values(found)
    assert ("places of the zeros", "tensorflow") not in p_values(found)
    assert ("zeros in a column", "tensorflow") in p_values(found)


def test_two_numbers_are_the_least_that_have_a_distribution() -> None:
    laws = dict.fromkeys(SIDES, law("normal(0.0, 0.01)"))
    for left, judged in ((0, False), (1, False), (2, True), (3, True)):
        few = np.zeros((40, 20, 15))
        few.flat[:left] = sparse(1, zeros=0).flat[:left]
        found = compare_sparse({TORCH: sparse(0), TENSORFLOW: few}, laws, 0, PRECISION)
        assert any("zeros" not in test.name for test in found.distribution.tests) is judged
        assert found.words[0].startswith("zeros in every column: PyTorch 6, TensorFlow ")


def test_the_other_half_of_the_level_is_of_what_is_not_zero() -> None:
    laws = dict.fromkeys(SIDES, law("normal(0.0, 0.01)"))

    def judged(level: float) -> DistributionResult:
        return compare_sparse({TORCH: sparse(0), TENSORFLOW: 1.05 * sparse(1)}, laws, 0, PRECISION, level)

    tests = [test for test in judged(1e-6).distribution.tests if "zeros" not in test.name]
    least = 2 * len(tests) * min(test.p for test in tests)
    assert 0 < least < 0.1
    assert any("what is not zero" in word for word in judged(least * 1.01).words)
    assert not any("what is not zero" in word for word in judged(least * 0.99).words)


def test_each_side_is_judged_though_the_other_is_zeros() -> None:
    zeros = np.zeros((40, 12, 12))
    gaussian = np.random.default_rng(0).normal(0, 1 / math.sqrt(12), (40, 12, 12))
    for one, other in ((zeros, gaussian), (gaussian, zeros)):
        words = orthogonal_words(one, other)
        assert [word.partition("'s is not orthogonal")[0] for word in words] == ["PyTorch", "TensorFlow"]


def test_the_numbers_in_the_words_of_orthogonal_matrices() -> None:
    raw = np.linalg.qr(np.random.default_rng(0).normal(size=(400, 8, 8)))[0]
    means = raw.mean(axis=0)
    row, column = np.unravel_index(np.argmax(np.abs(means)), means.shape)
    distance = stats.kstest(raw.ravel(), stats.beta(3.5, 3.5, loc=-1, scale=2).cdf).statistic
    trace = np.trace(raw, axis1=1, axis2=2).mean()
    assert orthogonal_words(raw, haar(1, 400, 8)) == (
        f"PyTorch's entries are not those of a Haar distributed matrix: {distance:.2g} away",
        f"PyTorch's entry [{row}, {column}] has mean {means[row, column]:.3g} over 400 draws, not 0: not Haar",
        f"PyTorch's traces have mean {trace:.3g}, not 0: the matrices are not Haar distributed",
    )


def test_how_far_from_orthogonal_is_said() -> None:
    changed = haar(0).astype(np.float64)
    changed[5, 1] *= 1.5
    squared = 1 + 1.25 / (40 * 12)
    assert orthogonal_words(changed, haar(1))[0] == (
        f"PyTorch's is not orthogonal: its Gram matrix is up to {2.25 / squared - 1:.2g} (relative) away from a "
        "multiple of the identity"
    )


def test_how_many_zeros_the_columns_have_is_said() -> None:
    changed = sparse(1)
    changed[0, np.flatnonzero(changed[0, :, 3])[:8], 3] = 0
    assert sparse_words(sparse(0), changed) == ("TensorFlow has 6 to 14 zeros in a column, not as many in each",)


def test_a_sparse_matrix_beside_a_single_number() -> None:
    """Of one number nothing can be said, but of where the zeros are."""
    single = np.zeros((40, 20, 15))
    single[3, 7, 2] = 0.01
    said = "has 19 to 20 zeros in a column, not as many in each"
    assert sparse_words(sparse(0, zeros=19), single) == (f"TensorFlow {said}",)
    assert sparse_words(single, sparse(0, zeros=19)) == (f"PyTorch {said}",)


def test_how_many_numbers_were_judged_is_kept() -> None:
    zeros = np.zeros((40, 12, 5))
    for other, size in ((haar(1), 40 * 12 * 12), (zeros, 40 * 12 * 5)):
        found = compare_orthogonal({TORCH: haar(0, 30), TENSORFLOW: other}, DECLARED, PRECISION)
        assert found.distribution.samples == {TORCH: 30 * 12 * 12, TENSORFLOW: size}


def test_what_would_have_been_seen_is_that_of_what_is_not_zero() -> None:
    laws = dict.fromkeys(SIDES, law("normal(0.0, 0.01)"))
    pair = {TORCH: sparse(0), TENSORFLOW: sparse(1)}
    drawn = {side: array[array != 0][None] for side, array in pair.items()}
    alone = compare_distributions(drawn, laws, PRECISION, level=LEVEL / 2).distribution
    found = compare_sparse(pair, laws, 0, PRECISION).distribution
    assert (found.detectable, found.detectable_mean) == (alone.detectable, alone.detectable_mean)
    assert (found.declared, found.samples, found.level) == (alone.declared, alone.samples, LEVEL)


def test_one_row_of_an_orthogonal_matrix_has_entries_too() -> None:
    pair = {TORCH: haar(0, 40, 2)[:, :1], TENSORFLOW: haar(1, 40, 2)[:, :, :1]}
    names = {test.name for test in compare_orthogonal(pair, DECLARED, PRECISION).distribution.tests}
    assert names == {"entries", "means of entries", "traces"}


@pytest.mark.parametrize(("dtype", "gain", "precision"), [("float32", 1e25, 2.0**-23), ("float16", 300, 2.0**-10)])
def test_gains_whose_squares_leave_the_dtype(dtype: str, gain: float, precision: float) -> None:
    one, other = ((gain * haar(seed).astype(np.float64)).astype(dtype) for seed in (0, 1))
    assert compare_orthogonal({TORCH: one, TENSORFLOW: other}, DECLARED, precision).words == ()


def test_in_a_coarse_dtype_entries_next_to_one_are_rounded() -> None:
    """Of two columns many entries are there, and bfloat16 has few numbers between them and one."""
    one, other = (haar(seed, 10_000, 2).astype("bfloat16").astype(np.float32) for seed in (0, 1))
    assert compare_orthogonal({TORCH: one, TENSORFLOW: other}, DECLARED, 2.0**-7).words == ()
