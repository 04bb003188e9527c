"""Two parameters of one layer that depend on each other, and the fans and laws that are said of every layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from tests.sides import TENSORFLOW, TORCH, quantity_named
from tests.tasks import init_of
from tfpt_cli.compare.dependence import Tie, parted_by_ties, tie, with_ties
from tfpt_cli.compare.sample import law_of
from tfpt_cli.engine.options import Options
from tfpt_cli.frameworks import SIDES
from tfpt_cli.results import Comparison, Diagnosis, Verdict
from tfpt_cli.scenario.writing import scenario_from, scenario_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tfpt_cli.engine.session import Session
    from tfpt_cli.frameworks import Side
    from tfpt_cli.results import Report

RNG = np.random.default_rng(0)
ONE, OTHER = RNG.normal(size=(16, 8)).astype(np.float32), RNG.normal(size=(16, 8)).astype(np.float32)


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (ONE, OTHER, None),
        (ONE, ONE, "equal"),
        (ONE, ONE.reshape(8, 4, 4), "equal"),
        (ONE, ONE.ravel()[:5], "equal"),
        (ONE, -ONE, "negated"),
        (ONE, ONE.T, "reordered"),
        (ONE, 3 * ONE, "multiple"),
        (ONE, -3 * ONE.ravel()[:100], "multiple"),
        (ONE, ONE + OTHER, "correlated"),
        (ONE, ONE + 10 * OTHER, None),
        (np.zeros(8), np.zeros(8), None),
        (np.ones(8), ONE, None),
        (ONE.ravel()[:3], ONE.ravel()[:3], None),  # too few to say so
        (ONE.ravel()[:4], ONE.ravel()[:4], "equal"),
        (np.full(8, np.nan), ONE, None),
        (ONE, np.where(ONE > 1, np.inf, ONE), None),
        (ONE, ONE.ravel()[4::-1], None),  # in another order only if there are no more
        (ONE, np.ones(ONE.shape), None),
        (1e-200 * ONE.astype(np.float64), OTHER, None),  # whose variance is no float64
    ],
)
def test_how_one_array_depends_on_another(first: Any, second: Any, kind: str | None) -> None:
    found = tie(first, second)
    assert (found and found.kind) == kind


def test_how_it_is_said() -> None:
    """Of arrays of two sizes, of how many numbers it is true."""
    for scale, said in ((1, "equal to it"), (-1, "it with the other sign"), (3, "a multiple of it")):
        found, beginning = tie(ONE, scale * ONE), tie(ONE, scale * ONE.ravel()[:100])
        assert (found and found.words, beginning and beginning.words) == (said, f"{said} in its first 100 numbers")
    one, other = correlated(0.5, 100)
    assert tie(one, other) == Tie("correlated", "correlated with it (0.50)")
    assert tie(one, np.append(-other, 1.0)) == Tie("correlated", "correlated with it (-0.50) in its first 100 numbers")


def correlated(by: float, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two arrays that have this very correlation."""
    one, rest = np.linalg.qr(np.column_stack([np.ones(size), np.random.default_rng(size).normal(size=(size, 2))]))[0].T[
        1:
    ]
    return one, by * one + np.sqrt(1 - by**2) * rest


@pytest.mark.parametrize("size", [16, 17, 400])
@pytest.mark.parametrize("tests", [1, 2, 50])
def test_a_correlation_is_told_where_one_in_a_million_layers_would_have_it_by_chance(size: int, tests: int) -> None:
    """By Fisher's transformation, over all pairs that are looked at (Bonferroni)."""
    limit = float(np.tanh(stats.norm.isf(1e-6 / tests / 2) / np.sqrt(size - 3)))
    for by, kind in ((0.999 * limit, None), (limit + 0.001 * (1 - limit), "correlated")):
        for sign in (1, -1):
            found = tie(*correlated(sign * by, size), tests)
            assert (found and found.kind) == kind


@pytest.mark.parametrize(
    ("by", "size", "kind"),
    [(0.999, 15, None), (0.999, 16, "correlated"), (1 - 9e-5, 16, "multiple"), (1 - 1.1e-4, 16, "correlated")],
)
def test_what_is_a_multiple_but_for_rounding(by: float, size: int, kind: str | None) -> None:
    """A ten thousandth of the correlation is rounding; fewer than sixteen numbers show none."""
    found = tie(*correlated(by, size))
    assert (found and found.kind) == kind


@pytest.mark.parametrize(
    ("factor", "number", "said"),
    [
        (2.0, -1.0, "a multiple of it plus a number"),  # one seed for uniform(0, 1) and for uniform(-1, 1)
        (-2.0, 1.0, "a multiple of it plus a number"),
        (-2.0, 0.0, "a multiple of it"),
        (3.0, 1e-3, "a multiple of it"),  # less than a hundredth of the spread is rounding
        (1.0, 5.0, "a multiple of it plus a number"),
    ],
)
@pytest.mark.parametrize("start", [0.0, 5.0])
def test_a_number_that_stands_beside_a_multiple(factor: float, number: float, said: str, start: float) -> None:
    uniform = start + np.random.default_rng(1).uniform(size=400)
    for one, other in ((uniform, factor * uniform + number), (factor * uniform + number, uniform)):
        found = tie(one, other)
        assert (found and (found.kind, found.words)) == ("multiple", said)


@pytest.mark.parametrize("spread", [0.01, 1.0, 100.0])
@pytest.mark.parametrize(("share", "said"), [(0.0140, "a multiple of it"), (0.0143, "a multiple of it plus a number")])
def test_a_number_beside_a_multiple_is_measured_by_the_spread(spread: float, share: float, said: str) -> None:
    """By as much as what a correlation of 0.9999 leaves open: the root of 2e-4 of the spread, 0.01414."""
    one, _ = correlated(0.0, 400)
    one *= spread / one.std()
    found = tie(one, 0.5 * one + 0.5 * share * spread)
    assert (found and found.words) == said


def test_independent_arrays_are_not_called_dependent() -> None:
    arrays = [RNG.uniform(size=size) for size in (5, 20, 100, 1000, 10_000)]
    assert not [1 for a in range(5) for b in range(a) if tie(arrays[a], arrays[b])]


def test_a_tie_of_both_sides_is_none_of_one() -> None:
    both, neither = {TORCH: ONE, TENSORFLOW: ONE}, {TORCH: ONE, TENSORFLOW: OTHER}
    random = dict.fromkeys("ab", frozenset(SIDES))
    assert parted_by_ties({"a": both, "b": both}, random, SIDES) == {}
    assert parted_by_ties({"a": both, "b": neither}, random, SIDES) == {
        "a": "tied to b on one side alone",
        "b": "beside a: PyTorch's is equal to it, TensorFlow's is independent of it",
    }
    assert parted_by_ties({"a": both, "b": neither}, {**random, "b": frozenset()}, SIDES) == {}
    assert parted_by_ties({"a": both, "b": neither}, {**random, "a": frozenset()}, SIDES) == {}
    # What is no pair, or is tied alike, stands in the way of no other.
    own: dict[str, dict[Side, Any]] = {
        "x": {TORCH: ONE},
        "y": dict.fromkeys(SIDES, np.zeros(8)),
        "a": both,
        "b": neither,
    }
    assert set(parted_by_ties(own, dict.fromkeys(own, frozenset(SIDES)), SIDES)) == {"a", "b"}


def test_the_chance_is_that_over_all_pairs_of_both_sides() -> None:
    """Of three parameters there are six pairs."""
    limit = float(np.tanh(stats.norm.isf(1e-6 / 6 / 2) / np.sqrt(397)))
    for by, parted in ((0.999 * limit, set()), (1.001 * limit, {"a", "b"})):
        one, other = correlated(by, 400)
        free = dict.fromkeys(SIDES, np.zeros(400))
        own = {"a": dict.fromkeys(SIDES, one), "b": {TORCH: other, TENSORFLOW: correlated(0.0, 400)[1]}, "c": free}
        assert set(parted_by_ties(own, dict.fromkeys(own, frozenset(SIDES)), SIDES)) == parted


@pytest.mark.parametrize(
    ("verdict", "reason", "diagnosis", "said", "now"),
    [
        (Verdict.SAME_DISTRIBUTION, "", (), "tied", (Diagnosis.DISTRIBUTION, Diagnosis.DEPENDENT)),
        (Verdict.DIFFERS, "", (Diagnosis.DISTRIBUTION,), "tied", (Diagnosis.DISTRIBUTION, Diagnosis.DEPENDENT)),
        (Verdict.DIFFERS, "wide", (Diagnosis.DEPENDENT,), "wide; tied", (Diagnosis.DEPENDENT,)),
    ],
)
def test_what_parted_by_a_tie_differs(
    verdict: Verdict, reason: str, diagnosis: tuple[Diagnosis, ...], said: str, now: tuple[Diagnosis, ...]
) -> None:
    """What was said of it already stays; other parameters are left as they are."""
    before = [Comparison(quantity_named(name), verdict, {}, reason=reason, diagnosis=diagnosis) for name in "ab"]
    found, other = with_ties(before, {before[0].quantity: "tied"})
    assert (found.verdict, found.reason, found.diagnosis) == (Verdict.DIFFERS, said, now)
    assert other is before[1]


def run(session: Session, *fields: dict[str, Any]) -> Report:
    found = []
    for data in fields:
        scenario, problems = scenario_from(scenario_text({"name": "made", "init": data}), "made", allow_code=False)
        assert scenario is not None, problems
        found.append([scenario])
    return session.check(Options(generated=list(found)))


SEEDED = "keras.initializers.RandomNormal(stddev=0.05, seed={})"
PAIRED = {"0.weight": "layers.0.kernel", "1.weight": "layers.1.kernel"}
TIED: list[tuple[dict[str, str], dict[str, Any], dict[str, Any]]] = [
    (
        {"layer": "nn.Conv2d(3, 64, 3)", "weight": "nn.init.normal_(std=0.05)", "bias": "nn.init.normal_(std=0.05)"},
        {"layer": "keras.layers.Conv2D(64, 3, kernel_initializer={one}, bias_initializer={other})", "input_shape": [8, 8, 3]},
        {},
    ),
    (
        {
            "layer": "nn.GRU(16, 16)",
            "weight_ih_l0": "nn.init.normal_(std=0.05)",
            "weight_hh_l0": "nn.init.normal_(std=0.05)",
            "bias_ih_l0": "nn.init.zeros_()",
            "bias_hh_l0": "nn.init.zeros_()",
        },
        {"layer": "keras.layers.GRU(16, kernel_initializer={one}, recurrent_initializer={other})", "input_shape": [5, 16]},
        {},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("torch", "tensorflow", "more"), TIED)
def test_one_seed_for_two_parameters(
    torch: dict[str, str], tensorflow: dict[str, Any], more: dict[str, Any], session: Session
) -> None:
    made = [
        {
            "torch": torch,
            "tensorflow": {
                **tensorflow,
                "layer": tensorflow["layer"].format(one=SEEDED.format(3), other=SEEDED.format(seed)),
            },
            **more,
        }
        for seed in (3, 4)
    ]
    tied, apart = run(session, *made).scenarios
    assert not tied.agree
    assert {"init-keras-instance-reuse"} == {n for c in tied.comparisons for n in c.known_differences}
    assert apart.agree


# A layer each, with sizes that are all different, and different on the two sides where they may be.
LAYERS = [
    ("nn.Linear(64, 48)", "keras.layers.Dense(32{k})", [64]),
    ("nn.Conv1d(6, 64, 5)", "keras.layers.Conv1D(48, 7{k})", [20, 6]),
    ("nn.Conv2d(6, 64, 5, groups=2)", "keras.layers.Conv2D(48, (3, 7), groups=3{k})", [20, 20, 6]),
    ("nn.Conv3d(4, 32, 3)", "keras.layers.Conv3D(24, (3, 2, 5){k})", [9, 9, 9, 4]),
    ("nn.ConvTranspose1d(6, 64, 5)", "keras.layers.Conv1DTranspose(48, 7{k})", [20, 6]),
    ("nn.ConvTranspose2d(6, 64, 5)", "keras.layers.Conv2DTranspose(48, (3, 7){k})", [20, 20, 6]),
    ("nn.ConvTranspose3d(4, 32, 3)", "keras.layers.Conv3DTranspose(24, (3, 2, 5){k})", [9, 9, 9, 4]),
    ("nn.Conv2d(8, 16, 5, groups=8)", "keras.layers.DepthwiseConv2D((3, 7), depth_multiplier=3{d})", [20, 20, 8]),
    ("nn.Embedding(100, 16)", "keras.layers.Embedding(90, 24{e})", [10]),
    ("nn.RNN(24, 32)", "keras.layers.SimpleRNN(48{k})", [10, 24]),
    ("nn.LSTM(24, 32)", "keras.layers.LSTM(48{k})", [10, 24]),
    ("nn.GRU(24, 32)", "keras.layers.GRU(48{k})", [10, 24]),
    ("nn.MultiheadAttention(32, 4)", "keras.layers.MultiHeadAttention(2, 24{k})", [5, 32]),
    ("nn.MultiheadAttention(32, 4)", "keras.layers.MultiHeadAttention(2, 24, value_dim=40{k})", [5, 32]),
    ("nn.Bilinear(16, 24, 32)", 'keras.layers.EinsumDense("bij,ijo->bo", output_shape=40, bias_axes="o"{k})', [16, 24]),
]


@pytest.mark.parametrize("mode", ["", "fan_in", "fan_out"])
def test_no_law_contradicts_the_sample(mode: str, session: Session) -> None:
    """What is said of a parameter, its bounds and its spread, is what the layer itself holds."""
    made, scale = [], f'keras.initializers.VarianceScaling(1.0, "{mode}", "uniform")'
    for torch, keras, shape in LAYERS:
        words = {
            letter: f", {name}_initializer={scale}" if mode else ""
            for letter, name in (("k", "kernel"), ("d", "depthwise"), ("e", "embeddings"))
        }
        made.append(
            {
                "torch": {"layer": torch},
                "tensorflow": {"layer": keras.format(**words), "input_shape": shape},
                "samples": 1000,
            }
        )
    scenarios = []
    for data in made:
        scenario, problems = scenario_from(scenario_text({"name": "made", "init": data}), "made", allow_code=False)
        assert scenario is not None, problems
        scenarios.append(scenario)
    report = session.check(Options(generated=[[scenario] for scenario in scenarios]))
    wrong, seen = [], 0
    for scenario, result in zip(scenarios, report.scenarios, strict=True):
        for parameter in init_of(scenario).parameters:
            (comparison,) = (c for c in result.comparisons if c.quantity == parameter.name)
            for side in SIDES:
                law, shown = law_of(parameter.initialization[side.framework].base), comparison.sides[side]
                found = shown.samples or shown.summary
                if law is None or found is None:
                    continue
                seen += 1
                low, high = law.law.support()
                inside = low * 1.00001 <= found.low and found.high <= high * 1.00001
                size = max(int(np.prod(shown.shape)), 1)
                if not inside or abs(np.log(found.std / law.std)) > 6 * law.scale_error / np.sqrt(size):
                    wrong.append(f"{scenario.task.headline(SIDES)} {parameter.name} {side}: {law.text}, {found}")
    assert not wrong, "\n".join(wrong)
    assert seen > 2 * len(LAYERS)
