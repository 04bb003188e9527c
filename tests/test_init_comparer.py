"""One parameter on both sides: what is compared by value and what by its draws, and the words about it."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from tests.sides import TENSORFLOW, TORCH
from tfpt_cli.frameworks import FRAMEWORKS, SIDES
from tfpt_cli.layers.initializers import formula
from tfpt_cli.layers.layout import Layout
from tfpt_cli.layers.parameters import FilledParameter, Initialization
from tfpt_cli.results import Comparison, Failure, State, Symptom, Value, Verdict
from tfpt_cli.subjects.init.comparer import PARTS, FilledPair, compare_parameter, declared_shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side


def initialization(text: str, fans: tuple[int, int] | None = (30, 40)) -> Initialization:
    tree = ast.parse(text, mode="eval").body
    return Initialization(at=lambda pair: formula(tree, {}, pair), meant=fans, fans=fans)


UNKNOWN = dict.fromkeys(FRAMEWORKS, Initialization())
NORMAL = dict.fromkeys(FRAMEWORKS, initialization("normal(0.0, 1.0)"))


def normal(seed: int, *shape: int, dtype: str = "float32") -> NDArray[Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def compared(
    torch: NDArray[Any],
    tensorflow: NDArray[Any],
    initializations: Mapping[str, Initialization] = NORMAL,
    layout: Layout | None = None,
    dtypes: tuple[str, str] | None = None,
) -> Comparison:
    """Of draws along axis 0, of which the first is the layer's own."""
    arrays = dict(zip(SIDES, (torch.copy(), tensorflow.copy()), strict=True))
    names = dict(zip(SIDES, dtypes or (str(torch.dtype), str(tensorflow.dtype)), strict=True))
    draws: dict[Side, Value | None] = {f: Value(State.PRESENT, a, names[f]) for f, a in arrays.items()}
    own: dict[Side, Value | None] = {f: Value(State.PRESENT, a[0].copy(), names[f]) for f, a in arrays.items()}
    pair = FilledPair(parameter=FilledParameter("w", {}, layout or Layout(), None, initializations), sides=SIDES)
    return compare_parameter(pair, own, draws, None)


def test_an_honest_pair() -> None:
    found = compared(normal(0, 50, 20), normal(1, 50, 20))
    assert (found.verdict, found.diagnosis) == (Verdict.SAME_DISTRIBUTION, ())
    assert found.distribution is not None
    detectable, of_mean = found.distribution.detectable, found.distribution.detectable_mean
    words = f"normal(0, 1), 2 x 1,000 values, would have seen {detectable:.1%} of scale, {of_mean:.2g} sigma of mean"
    assert found.reason == words
    side = found.sides[TORCH]
    assert (side.fans, side.law, side.shape) == ((30, 40), "normal(0, 1)", (20,))
    assert side.values == normal(0, 50, 20)[0].tolist()  # in the order in which they were drawn
    assert side.samples is not None
    assert sum(side.samples.counts) == 1000
    assert side.samples.edges == found.sides[TENSORFLOW].samples.edges  # type: ignore[union-attr]
    assert compared(normal(0, 50, 20), normal(1, 60, 20), UNKNOWN).reason.startswith("1,000 and 1,200 values, would")


def test_the_axes_are_turned() -> None:
    torch, keras = normal(0, 50, 4, 5), normal(1, 50, 5, 4)
    assert compared(torch, keras).reason == "shapes (4, 5) and (5, 4)"
    found = compared(torch, keras, layout=Layout("out in -> in out"))
    assert (found.verdict, found.layout) == (Verdict.SAME_DISTRIBUTION, "out in -> in out")


@pytest.mark.parametrize("random", SIDES)
def test_random_on_one_side(random: Side) -> None:
    drawn, fixed = normal(0, 50, 20), np.ones((50, 20), np.float32)
    names = {TORCH: "PyTorch", TENSORFLOW: "TensorFlow"}
    other = next(side for side in SIDES if side != random)
    found = compared(drawn, fixed) if random is TORCH else compared(fixed, drawn)
    assert (found.verdict, found.diagnosis) == (Verdict.DIFFERS, ("distribution",))
    assert found.reason == f"{names[random]}'s is random, {names[other]}'s is the same in every draw"


def test_draws_that_never_vary_are_compared_by_value() -> None:
    ones = np.ones((50, 20), np.float32)
    assert compared(ones, ones).verdict is Verdict.IDENTICAL
    assert compared(ones, 2 * ones).reason.startswith("20 of 20 values off")
    # A row that says so is believed: not random is compared by the layer's own values.
    zeros = dict.fromkeys(FRAMEWORKS, initialization("zeros()"))
    assert compared(normal(0, 50, 20), normal(1, 50, 20), zeros).measure is not None


def test_what_is_not_a_number_in_every_draw_is_not_random() -> None:
    """A NaN is no other number than the NaN of the draw before; one that comes and goes is."""
    ones = np.ones((50, 20), np.float32)
    ones[:, 3] = np.nan
    assert compared(ones, ones).verdict is Verdict.IDENTICAL
    assert compared(ones, np.ones((50, 20), np.float32)).diagnosis == ("non-finite", "nan")
    moving = ones.copy()
    moving[7, 3] = 1.0
    assert compared(moving, moving).diagnosis == ("non-finite",)
    moving[:, 3] = 1.0
    moving[7, 3] = np.nan
    assert compared(moving, moving).diagnosis == ("non-finite",)


def test_one_draw_alone_is_a_sample() -> None:
    own: dict[Side, Value | None] = {f: Value(State.PRESENT, normal(i, 40, 50), "float32") for i, f in enumerate(SIDES)}
    pair = FilledPair(parameter=FilledParameter("w", {}, Layout(), None, NORMAL), sides=SIDES)
    found = compare_parameter(pair, own, dict.fromkeys(SIDES), None)
    assert found.verdict is Verdict.SAME_DISTRIBUTION
    assert found.distribution is not None
    assert found.distribution.samples == {TORCH: 2000, TENSORFLOW: 2000}


def test_dtypes_and_numbers_that_are_not_finite() -> None:
    found = compared(normal(0, 50, 20), normal(1, 50, 20, dtype="float64"))
    assert (found.reason, found.diagnosis) == ("dtypes float32 and float64", ("dtype",))
    broken = normal(1, 50, 20)
    broken[3, 4] = np.inf
    found = compared(normal(0, 50, 20), broken)
    assert (found.reason, found.diagnosis) == ("TensorFlow drew values that are not finite", ("non-finite",))
    samples = found.sides[TENSORFLOW].samples
    assert samples is not None
    assert samples.not_finite == 1
    assert compared(broken, broken).reason == "PyTorch and TensorFlow drew values that are not finite"
    nothing = np.full((50, 20), np.nan, np.float32)
    assert compared(nothing, normal(1, 50, 20)).sides[TENSORFLOW].samples is not None


def test_draws_that_failed_and_parameters_that_are_not_there() -> None:
    failed = Value(State.FAILED, failure=Failure(TORCH, Symptom.EXCEPTION, "no"))
    own: dict[Side, Value | None] = {f: Value(State.PRESENT, normal(0, 20), "float32") for f in SIDES}
    draws: dict[Side, Value | None] = {TORCH: failed, TENSORFLOW: Value(State.PRESENT, normal(0, 50, 20), "float32")}
    pair = FilledPair(parameter=FilledParameter("w", {}, Layout(), None, NORMAL), sides=SIDES)
    assert compare_parameter(pair, own, draws, None).reason == "PyTorch failed"
    gone: dict[Side, Value | None] = {**own, TENSORFLOW: None}
    assert compare_parameter(pair, gone, dict.fromkeys(SIDES), None).reason == "only PyTorch has it"
    gone[TENSORFLOW] = Value(State.DISCONNECTED)
    found = compare_parameter(pair, gone, draws, None)
    assert found.reason == "only PyTorch has it"  # what failed of it does not matter then
    assert (found.sides[TORCH].law, found.sides[TENSORFLOW].law) == ("normal(0, 1)", "")


def test_a_part_that_is_never_drawn() -> None:
    """A padding row of an embedding, say: the same in every draw on both sides, and the rest is a sample."""
    torch, keras = normal(0, 50, 10, 4), normal(1, 50, 10, 4)
    torch[:, 0] = keras[:, 0] = 0
    found = compared(torch, keras)
    assert found.verdict is Verdict.SAME_DISTRIBUTION
    assert found.distribution is not None
    assert found.distribution.samples == {TORCH: 1800, TENSORFLOW: 1800}
    keras[:, 0] = 1
    assert compared(torch, keras).reason == "the values that are the same in every draw differ"
    keras[:, 0] = normal(2, 50, 4)
    assert compared(torch, keras).reason == "the same in every draw, of 40 values: PyTorch 4, TensorFlow 0"
    few = compared(torch[:7], normal(1, 7, 10, 4))
    assert "the same in every draw" not in few.reason


def test_the_initializer_that_a_sample_fits_is_named() -> None:
    scaled = normal(1, 50, 40) * np.float32(0.05)
    found = compared(normal(0, 50, 40), scaled)
    assert found.verdict is Verdict.DIFFERS
    assert found.reason.startswith("TensorFlow's sample fits normal(0, 0.05); PyTorch's standard deviation is ")
    unknown = compared(normal(0, 50, 40), scaled, UNKNOWN)
    assert unknown.reason.startswith("PyTorch's sample fits normal(0, 1); TensorFlow's sample fits normal(0, 0.05); ")


def test_how_the_declared_laws_part_comes_first() -> None:
    initializations = {"torch": initialization("normal(0.0, 1.0)"), "tensorflow": initialization("uniform(-1.0, 1.0)")}
    uniform = np.random.default_rng(1).uniform(-1, 1, (50, 40)).astype(np.float32)
    assert compared(normal(0, 50, 40), uniform, initializations).reason.startswith(
        "PyTorch's is normal, TensorFlow's uniform; "
    )


def test_a_generator_of_few_numbers_is_named() -> None:
    """bfloat16 of 256 numbers on one side: half of what the other has, or fewer, is worth a word."""
    fine = np.random.default_rng(0).uniform(0, 1, (50, 100)).astype(np.float32).astype(np.float16).astype(np.float32)
    coarse = np.floor(np.random.default_rng(1).uniform(0, 1, (50, 100)) * 64).astype(np.float32) / 64
    uniform = dict.fromkeys(FRAMEWORKS, initialization("uniform(0.0, 1.0)"))
    words = f"TensorFlow draws this bfloat16 from 64 different numbers, the other from {np.unique(fine).size:,}"
    assert words in compared(fine, coarse * np.float32(1.5), uniform, dtypes=("bfloat16", "bfloat16")).reason
    assert "different numbers" not in compared(fine, coarse * np.float32(1.5), uniform).reason


def test_the_gates_of_a_parameter_are_judged_by_themselves() -> None:
    layout = Layout("(gate out) in -> in (gate out)", {"gate": 2}, {"torch": ("i", "f"), "tensorflow": ("f", "i")})
    torch, keras = normal(0, 50, 20, 8), normal(1, 50, 8, 20)
    found = compared(torch, keras, layout=layout)
    assert (found.verdict, found.blocks) == (Verdict.SAME_DISTRIBUTION, dict(layout.blocks))
    keras[:, :, :10] += 0.5  # the forget gate, which stands first in Keras
    assert "the f gate: " in compared(torch, keras, layout=layout).reason


def test_the_declared_shares_are_those_of_scipy() -> None:
    shares = declared_shares(initialization("normal(0.0, 2.0)"), (-3.0, 5.0))
    assert len(shares) == PARTS == 64
    assert sum(shares) == pytest.approx(stats.norm.cdf(2.5) - stats.norm.cdf(-1.5))
    assert shares[0] == pytest.approx(stats.norm.cdf(-2.875 / 2) - stats.norm.cdf(-1.5))
    assert declared_shares(initialization("normal(0.0, 2.0)"), None) == ()
    assert declared_shares(initialization("normal(0.0, 2.0)"), (1.0, 1.0)) == ()
    assert declared_shares(Initialization(), (0.0, 1.0)) == ()


def test_orthogonal_and_sparse_parameters_are_judged_by_their_structure() -> None:
    one, other = (stats.ortho_group.rvs(8, size=40, random_state=seed).astype(np.float32) for seed in (1, 2))
    initializations = dict.fromkeys(FRAMEWORKS, initialization("orthogonal()"))
    found = compared(one, other, initializations, Layout("out in -> in out"))
    assert found.verdict is Verdict.SAME_DISTRIBUTION
    assert {test.name for test in found.distribution.tests} >= {"traces"}  # type: ignore[union-attr]
    assert "not orthogonal" in compared(one, normal(0, 40, 8, 8), initializations, Layout("out in -> in out")).reason
    sparse = dict.fromkeys(FRAMEWORKS, initialization("sparse(0.25)"))
    torch = normal(0, 40, 8, 6) * np.float32(0.01)
    order = np.random.default_rng(0).permuted(np.tile(np.arange(8)[None, :, None], (40, 1, 6)), axis=1)
    torch[order < 2] = 0
    keras = torch[::-1, :, ::-1].swapaxes(1, 2)
    found = compared(torch, keras, sparse, Layout("out in -> in out"))
    assert "zeros in a column" in {test.name for test in found.distribution.tests}  # type: ignore[union-attr]
    assert found.verdict is Verdict.SAME_DISTRIBUTION, found.reason


# ---- what mutants of the module changed and no test had seen


def test_what_is_no_number_anywhere_in_any_draw_is_not_random() -> None:
    nothing = np.full((50, 20), np.nan, np.float32)
    found = compared(nothing, nothing)
    assert (found.verdict, found.distribution) == (Verdict.IDENTICAL, None)


def test_what_both_sides_declare_is_kept_of_an_orthogonal_parameter_too() -> None:
    one, other = (stats.ortho_group.rvs(8, size=40, random_state=seed).astype(np.float32) for seed in (1, 2))
    declared = {"torch": initialization("orthogonal()"), "tensorflow": Initialization()}
    found = compared(one, other, declared, Layout("out in -> in out"))
    assert found.distribution is not None
    assert found.distribution.declared == {TORCH: declared["torch"].base.text}  # type: ignore[union-attr]


def test_the_columns_of_a_sparse_parameter_are_those_of_the_second_side() -> None:
    """In PyTorch the first axis is counted along, whatever the layout to Keras is, where both sides are PyTorch's."""
    later = replace(TORCH, key="later")
    for sides, pattern, axis in (
        (SIDES, "out in -> in out", 1),
        (SIDES, "", 0),
        ((TORCH, later), "out in -> in out", 0),
        ((TORCH, later), "", 0),
    ):
        parameter = FilledParameter("w", {}, Layout(pattern), None, NORMAL)
        assert FilledPair(parameter=parameter, sides=sides).column_axis == axis


def test_the_histogram_shows_all_values_and_not_only_those_that_were_judged() -> None:
    torch, keras = normal(0, 50, 10, 4), normal(1, 50, 10, 4)
    torch[:, 0] = keras[:, 0] = 0
    found = compared(torch, keras)
    for side in found.sides.values():
        assert side.samples is not None
        assert sum(side.samples.counts) == 2000


def test_eight_draws_tell_what_is_never_drawn() -> None:
    torch, keras = normal(0, 8, 40, 4), normal(1, 8, 40, 4)
    torch[:, 0] = 0
    assert "the same in every draw, of 160 values: PyTorch 4, TensorFlow 0" in compared(torch, keras).reason
    assert "the same in every draw" not in compared(torch[:7], keras[:7]).reason


@pytest.mark.parametrize(("numbers", "said"), [(64, True), (128, True), (192, False), (256, False)])
def test_more_than_half_as_many_numbers_are_no_word_worth(numbers: int, said: bool) -> None:
    draws = [
        np.random.default_rng(seed).integers(0, n, (50, 200)) / np.float32(n) for seed, n in ((0, 256), (1, numbers))
    ]
    fine, coarse = (each.astype(np.float32) for each in draws)
    uniform = dict.fromkeys(FRAMEWORKS, initialization("uniform(0.0, 1.0)"))
    found = compared(fine, coarse * np.float32(1.5), uniform, dtypes=("bfloat16", "bfloat16"))
    assert ("different numbers" in found.reason) is said


def test_the_range_is_that_of_the_finite_numbers() -> None:
    broken = normal(1, 50, 20)
    broken[3, 4] = np.inf
    found = compared(normal(0, 50, 20), broken)
    finite = np.concatenate([normal(0, 50, 20).ravel(), broken[np.isfinite(broken)]])
    for side in found.sides.values():
        assert side.samples is not None
        assert side.samples.edges == (float(finite.min()), float(finite.max()))


def test_what_is_not_zero_in_a_sparse_parameter_is_held_against_its_law() -> None:
    """On both sides alike: what they declare is a standard deviation of 0.01, and they draw with another."""
    sparse = dict.fromkeys(FRAMEWORKS, initialization("sparse(0.25)"))
    for factor, agrees in ((0.01, True), (0.02, False)):
        torch = normal(0, 40, 8, 6) * np.float32(factor)
        order = np.random.default_rng(0).permuted(np.tile(np.arange(8)[None, :, None], (40, 1, 6)), axis=1)
        torch[order < 2] = 0
        found = compared(torch, torch[::-1, :, ::-1].swapaxes(1, 2), sparse, Layout("out in -> in out"))
        assert found.verdict.agrees is agrees, found.reason
