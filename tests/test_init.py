"""Init scenarios: what each side is known to fill its parameters with, before any framework runs."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.conftest import warm_tfpt
from tests.tasks import init_of
from tfpt_cli.compare.layout import blocks, moved
from tfpt_cli.dictionary.formulas import value_of
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import FRAMEWORKS, SIDES, TENSORFLOW, TORCH
from tfpt_cli.layers.layout import Layout
from tfpt_cli.layers.parameters import FilledParameter, Initialization
from tfpt_cli.layers.slots import slots
from tfpt_cli.results import State, Value, Verdict
from tfpt_cli.scenario.scenario import load
from tfpt_cli.subjects.init.comparer import FilledPair, compare_parameter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Done
    from tfpt_cli.subjects.init.spec import Init

NATIVE = """
name: n
init:
  torch: {{layer: 'nn.Linear(30, 40{torch})'{weight}}}
  tensorflow: {{layer: 'keras.layers.Dense(40{keras})', input_shape: [30]}}
"""

NETWORK = """
name: n
init:
  torch: {{layer: 'nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))'{filled}}}
  tensorflow: {{layer: 'keras.Sequential([keras.layers.Dense(8), keras.layers.ReLU(), keras.layers.Dense(2)])', input_shape: [8]}}
  pair: {{2.weight: layers.2.kernel, 2.bias: layers.2.bias}}
  layout: {{2.weight: out in -> in out}}
  samples: 4000
"""
FILLED = ", 2.weight: nn.init.xavier_uniform_(), 2.bias: nn.init.zeros_()"


def spec(path: Path) -> Init:
    ((scenario,),) = (item for item in load(str(path)) if isinstance(item, list))
    return init_of(scenario)


def texts(found: Init, parameter: str) -> tuple[str, str]:
    (chosen,) = (p for p in found.parameters if p.name == parameter)
    return chosen.initialization["torch"].text, chosen.initialization["tensorflow"].text


@pytest.mark.parametrize(
    ("keras", "text"),
    [
        (', kernel_initializer="random_normal"', "normal(0, 0.05)"),
        (', kernel_initializer="normal"', "normal(0, 0.05)"),
        (', None, True, "RandomUniform"', "uniform(-0.05, 0.05)"),
        (", kernel_initializer=RandomUniform(-1 / math.sqrt(4), maxval=0.5)", "uniform(-0.5, 0.5)"),
        (", kernel_initializer=keras.initializers.Constant(2)", "constant(2)"),
        (', kernel_initializer="zeros"', "zeros()"),
        (', kernel_initializer="he_normal"', "he_normal() = truncated_normal(0, 0.2935)"),
        (", kernel_initializer=HeNormal(seed=3)", "he_normal() = truncated_normal(0, 0.2935)"),
        (", kernel_initializer=keras.initializers.OrthogonalInitializer(2)", "orthogonal(gain=2)"),
        (
            ', kernel_initializer=VarianceScaling(1 / 3, "fan_in", "uniform")',
            "variance_scaling(scale=0.3333, distribution='uniform') = uniform(-0.1826, 0.1826)",
        ),
        (", kernel_initializer=keras.initializers.TruncatedNormal(0, 0.5)", "truncated_normal(0, 0.5)"),
        ("", "glorot_uniform() = uniform(-0.2928, 0.2928)"),
    ],
)
def test_a_keras_initializer_is_the_row_that_it_means(keras: str, text: str, write: Callable[..., Path]) -> None:
    found = spec(write(NATIVE.format(torch="", weight="", keras=keras)))
    default = "uniform(-1 / sqrt(fan_in), 1 / sqrt(fan_in)) = uniform(-0.1826, 0.1826)"
    assert texts(found, "weight") == (default, text)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("nn.init.uniform_(a=-1)", "uniform(-1, 1)"),
        ("torch.nn.init.normal_(0.5, 2)", "normal(0.5, 2)"),
        ("nn.init.ones_", "ones()"),
        ('nn.init.xavier_uniform_(gain=nn.init.calculate_gain("relu"))', "glorot_uniform(gain=1.414) = uniform(-0.414, 0.414)"),
        ('nn.init.kaiming_normal_(mode="fan_out", nonlinearity="relu")',
         "kaiming_normal(mode='fan_out', nonlinearity='relu') = normal(0, 0.2236)"),
        ('nn.init.kaiming_uniform_(nonlinearity="relu")', "he_uniform() = uniform(-0.4472, 0.4472)"),
        ('nn.init.kaiming_uniform_(mode="fan_out", nonlinearity="relu")',
         "kaiming_uniform(mode='fan_out', nonlinearity='relu') = uniform(-0.3873, 0.3873)"),
        ("nn.init.trunc_normal_(std=0.02, a=-0.04, b=0.04)", "trunc_normal(0, 0.02, -0.04, 0.04)"),
        ("nn.init.sparse_(0.1)", "sparse(0.1)"),
    ],
)  # fmt: skip
def test_a_torch_initializer_is_the_row_that_it_means(call: str, text: str, write: Callable[..., Path]) -> None:
    found = spec(write(NATIVE.format(torch="", weight=f", weight: '{call}'", keras="")))
    assert texts(found, "weight")[0] == text


def test_a_bias_left_out_on_one_side_is_kept_as_absent(write: Callable[..., Path]) -> None:
    found = spec(write(NATIVE.format(torch=", False", weight="", keras="")))
    assert found.parameters[1].attribute == {"torch": None, "tensorflow": "layer.bias"}


def test_small_layers_are_drawn_until_the_samples_are_there(write: Callable[..., Path]) -> None:
    small = spec(write("name: n\ninit: {layer: 'linear(3, 4)', weight: 'uniform(0, 1)', samples: 1000}\n"))
    large = spec(write("name: n\ninit: {layer: 'linear(300, 400)', weight: 'uniform(0, 1)', bias: zeros()}\n"))
    assert [p.draws("torch", small.samples) for p in small.parameters] == [84, 250]
    assert [p.draws("torch", large.samples) for p in large.parameters] == [0, 0]


def test_a_matrix_may_give_a_whole_call(write: Callable[..., Path]) -> None:
    path = write(
        "name: n\ninit: {layer: 'linear(3, 4)', weight: w}\nmatrix: {w: ['uniform(0, 1)', orthogonal, ones()]}\n"
    )
    (found,) = (item for item in load(str(path)) if isinstance(item, list))
    assert [init_of(scenario).parameters[0].initialization["torch"].text for scenario in found] == [
        "uniform(0, 1)",
        "orthogonal()",
        "ones()",
    ]


def pair() -> FilledPair:
    return FilledPair(
        parameter=FilledParameter("weight", {}, Layout(), None, dict.fromkeys(FRAMEWORKS, Initialization())),
        sides=SIDES,
    )


def value(array: object, dtype: str = "float64") -> Value:
    return Value(State.PRESENT, np.asarray(array, dtype=dtype), dtype)


def test_what_is_random_on_one_side_only() -> None:
    draws = dict(
        zip(SIDES, (value(np.random.default_rng(0).normal(size=(50, 4))), value(np.zeros((50, 4)))), strict=True)
    )
    own = {side: value(drawn.array[0]) for side, drawn in draws.items()}
    comparison = compare_parameter(pair(), dict(own), dict(draws), None)
    assert comparison.verdict is Verdict.DIFFERS
    assert comparison.reason == "PyTorch's is random, TensorFlow's is the same in every draw"


def test_spreads_that_no_test_can_measure_are_said_not_raised() -> None:
    draws = {side: value(np.random.default_rng(0).normal(size=(50, 400)) * 1e-300) for side in SIDES}
    own = {side: value(drawn.array[0]) for side, drawn in draws.items()}
    comparison = compare_parameter(pair(), dict(own), dict(draws), None)
    assert comparison.verdict is Verdict.DIFFERS
    assert "cannot be compared in float64" in comparison.reason


def test_draws_that_are_all_equal_are_compared_by_value() -> None:
    draws = {side: value(np.full((3, 2), 0.5)) for side in SIDES}
    own = {side: value(drawn.array[0]) for side, drawn in draws.items()}
    assert compare_parameter(pair(), dict(own), dict(draws), None).verdict is Verdict.IDENTICAL


SETTINGS = {
    "size": st.integers(1, 6),
    "depth": st.integers(1, 6),
    "sizes": st.integers(1, 3),
    "size_or_none": st.none() | st.integers(1, 6),
    "flag": st.booleans(),
    "finite": st.just(0.25),
    "padding_or_widths": st.sampled_from(["valid", 0, 1]),
    "sizes_or_none": st.none() | st.integers(5, 6),
    "counts": st.integers(0, 1),
    "positive": st.just(1e-5),
    "share": st.just(0.1),
    "recurrent_activation": st.just("tanh"),
}


@given(st.data(), st.sampled_from(sorted(name for name, row in dictionary().layers.items() if row.parameters)))
def test_a_layout_turns_an_array_into_the_shape_that_it_says(data: st.DataObject, name: str) -> None:
    row = dictionary().layers[name]
    settings = {p.name: data.draw(SETTINGS[str(p.annotation)], label=p.name) for p in row.signature.parameters}
    assume(all(value_of(condition, row.names(settings)) for condition in row.requires.values()))
    for slot in slots(row, dict.fromkeys(FRAMEWORKS, settings)):
        assert slot.shape is not None
        array = np.arange(math.prod(slot.shape)).reshape(slot.shape)
        turned = moved(array, slot.layout, TORCH, TENSORFLOW)
        drawn = moved(array[None], slot.layout, TORCH, TENSORFLOW, draws=True)
        assert turned is not None
        assert drawn is not None
        assert turned.shape == slot.turned
        assert (drawn[0] == turned).all()
        assert sorted(turned.ravel()) == sorted(array.ravel())


def test_gates_are_put_into_kerass_order() -> None:
    layout = Layout(
        "(gate hidden) in -> in (gate hidden)", {"gate": 3}, {"torch": ("r", "z", "n"), "tensorflow": ("z", "r", "n")}
    )
    torch = np.array([[0, 1], [0, 1], [10, 11], [10, 11], [20, 21], [20, 21]])
    turned = moved(torch, layout, TORCH, TENSORFLOW)
    assert turned is not None
    assert turned.tolist() == [[10, 10, 0, 0, 20, 20], [11, 11, 1, 1, 21, 21]]
    apart = blocks(turned[None], layout, TENSORFLOW, draws=True)
    assert apart is not None
    assert apart[:, 0].tolist() == [[[10, 10], [11, 11]], [[0, 0], [1, 1]], [[20, 20], [21, 21]]]


def test_a_parameter_that_is_not_there_fails_alone(write: Callable[..., Path]) -> None:
    """With the framework's own words once, and no more about what would have drawn it."""
    path = write(
        "name: n\ninit:\n  torch: {layer: 'nn.Linear(3, 4)'}\n"
        "  tensorflow: {layer: 'keras.layers.Dense(4)', input_shape: [3]}\n"
        "  pair: {0.weight: kernel, bias: bias}\n"
    )
    (scenario,) = warm_tfpt("check", path, "--format", "json").json["scenarios"]
    assert scenario["status"] == "error"
    assert [failure["message"] for failure in scenario["failures"]] == ["KeyError: '0.weight'"]
    assert {c["quantity"]: c["verdict"] for c in scenario["comparisons"]}["0.weight"] == "error"


@pytest.mark.parametrize("filled", ["", FILLED])
def test_a_layer_of_a_network_is_drawn_by_itself(write: Callable[..., Path], filled: str) -> None:
    """To build a network again for each draw of the two numbers of its last bias takes minutes."""
    path = write(NETWORK.format(filled=filled))
    found = spec(path)
    assert [p.rebuilt for p in found.parameters] == [frozenset()] * 2
    (scenario,) = (s for item in load(str(path)) if isinstance(item, list) for s in item)
    ours, theirs = (scenario.listings()[side].script() for side in SIDES)
    assert "def build" not in ours + theirs
    assert ("nn.init.xavier_uniform_(value)" if filled else "layer[2].reset_parameters()") in ours
    assert "layer.layers[2].kernel_initializer" in theirs


def test_the_draws_of_a_layer_in_a_network_are_those_of_the_layer(
    tfpt: Callable[..., Done], write: Callable[..., Path]
) -> None:
    done = tfpt("check", write(NETWORK.format(filled=FILLED)), "--format", "json")
    (scenario,) = json.loads(done.out)["scenarios"]
    weight, bias = scenario["comparisons"]
    assert (weight["verdict"], bias["verdict"]) == ("same distribution", "identical")
    assert {side["samples"]["histogram"] is not None for side in (weight["torch"], weight["tensorflow"])} == {True}
    assert math.isclose(weight["torch"]["samples"]["std"], math.sqrt(6 / 10 / 3), rel_tol=0.05)
    done = tfpt("check", write(NETWORK.format(filled="")), "--format", "json")
    weight, bias = json.loads(done.out)["scenarios"][0]["comparisons"]
    assert (weight["verdict"], bias["verdict"]) == ("differs", "differs")
    assert math.isclose(weight["torch"]["samples"]["std"], math.sqrt(1 / 8 / 3), rel_tol=0.05)
