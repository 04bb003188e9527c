"""Models: the numbers are those of NumPy, one altered number shows, and where two models begin to part is found."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.ported import MODELS, checked, ported, told
from tests.tasks import course_of
from tfpt_cli.compare.distance import relative_distance
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.engine.options import Options
from tfpt_cli.frameworks import FRAMEWORKS, SIDES, TENSORFLOW, TORCH
from tfpt_cli.layers.known import row_of_layers
from tfpt_cli.layers.layout import Layout
from tfpt_cli.layers.settings import parted_settings
from tfpt_cli.layers.slots import slots
from tfpt_cli.report.reasons import reason_of
from tfpt_cli.results import State, Value, Verdict
from tfpt_cli.results.layers import SAME
from tfpt_cli.scenario.writing import scenario_from
from tfpt_cli.subjects.model import correspondence, dropping, weights
from tfpt_cli.subjects.model.axis_orders import orders_for, turned
from tfpt_cli.subjects.model.comparer import Both, scales
from tfpt_cli.subjects.model.inventory import Inventory, Tensor
from tfpt_cli.subjects.model.leftover import own_layout
from tfpt_cli.subjects.model.paired_parameters import PairedParameters, TensorPart
from tfpt_cli.subjects.model.pairing import Pairing
from tfpt_cli.subjects.model.spec import gradient_quantity, output_quantity
from tfpt_cli.subjects.model.watching import Question

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.conftest import Done
    from tfpt_cli.engine.session import Session
    from tfpt_cli.frameworks import Side
    from tfpt_cli.results import Outcome, ScenarioResult

TWO_LAYERS = """
name: two layers
model:
  torch: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
  tensorflow: keras.Sequential([keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(2)])
  at: {x: 'normal(0, 1, (5, 3))'}
"""


def numbers(result: ScenarioResult, quantity: str, side: int = 0) -> NDArray[Any]:
    """The numbers of a quantity as a side has them."""
    comparison = next(c for c in result.comparisons if c.quantity == quantity)
    return np.array(list(comparison.sides.values())[side].values)


# ---- the numbers, against NumPy


def test_outputs_and_gradients_are_those_of_numpy(session: Session) -> None:
    scenario, result = checked(session, TWO_LAYERS)
    assert result.agree
    held = course_of(scenario).listings[SIDES[0]].arrays
    w1, b1, w2, b2 = (held[f"weights/{name}"] for name in ("0.weight", "0.bias", "2.weight", "2.bias"))
    cotangent = held["cotangents/output"]
    x = np.random.RandomState(0).normal(0, 1, (5, 3))
    hidden = np.tanh(x @ w1.T + b1)
    back = (cotangent @ w2) * (1 - hidden**2)
    expected = {
        "output": hidden @ w2.T + b2,
        "d/dx": back @ w1,
        "d/d0.weight": back.T @ x,
        "d/d0.bias": back.sum(0),
        "d/d2.weight": cotangent.T @ hidden,
        "d/d2.bias": cotangent.sum(0),
    }
    assert {str(comparison.quantity) for comparison in result.comparisons} == set(expected)
    for quantity, array in expected.items():
        np.testing.assert_allclose(numbers(result, quantity), array, rtol=1e-12, atol=1e-14)


def test_a_training_step_moves_the_statistics_as_each_framework_documents_it(session: Session) -> None:
    text = """
name: statistics
model: {of: 'batch_norm1d(3, momentum=0.3)', at: {x: 'normal(1, 2, (6, 3))'}, training: true}
"""
    scenario, result = checked(session, text)
    held = {n: array.astype(np.float64) for n, array in course_of(scenario).listings[SIDES[0]].arrays.items()}
    x = np.random.RandomState(0).normal(1, 2, (6, 3))
    mean = 0.7 * held["weights/running_mean"] + 0.3 * x.mean(0)
    np.testing.assert_allclose(numbers(result, "running_mean"), mean, rtol=1e-12)
    for side, ddof in enumerate((1, 0)):  # PyTorch's is the unbiased variance, Keras's is not
        variance = 0.7 * held["weights/running_var"] + 0.3 * x.var(0, ddof=ddof)
        np.testing.assert_allclose(numbers(result, "running_var", side), variance, rtol=1e-12)
    assert [str(c.quantity) for c in result.comparisons if not c.verdict.agrees] == [
        "running_var",
        "output in evaluation afterwards",
    ]


def test_nothing_that_is_drawn_hides_a_gain_or_a_bias() -> None:
    rows = dictionary().layers["batch_norm2d"].parameters
    torch = _inventory(dict.fromkeys(rows, (50,)))
    pairs = [
        PairedParameters((TensorPart(n),), TensorPart(n), Layout(), "", drawn=row.drawn) for n, row in rows.items()
    ]
    found = weights.drawn(Pairing(tuple(pairs), ()), torch, torch, seed=0).torch
    assert 0.6 <= found["weight"].min() <= found["weight"].max() <= 1.6
    assert np.abs(found["bias"]).min() >= 0.1
    assert np.abs(found["running_mean"]).min() >= 0.1
    assert found["running_var"].min() >= 0.4


# ---- sabotage


ONE_NUMBER = [
    ("nn.BatchNorm1d(3)", "keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)", "1e-5", "2e-5", False),
    ("nn.BatchNorm1d(3)", "keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)", "1e-5", "1e-12", False),
    ("nn.LayerNorm(3)", "keras.layers.LayerNormalization(epsilon=1e-5)", "1e-5", "1.001e-5", False),
    ("nn.LeakyReLU(0.2)", "keras.layers.LeakyReLU(0.2)", "0.2)", "0.2001)", False),
    ("nn.ELU()", "keras.layers.ELU(1.0)", "1.0", "1.00001", False),
]


@pytest.mark.parametrize(("torch", "tensorflow", "number", "altered", "training"), ONE_NUMBER)
def test_one_altered_number_shows(
    session: Session, torch: str, tensorflow: str, number: str, altered: str, training: bool
) -> None:
    text = "name: n\nmodel: {{torch: '{}', tensorflow: '{}', at: {{x: 'normal(0, 1, (5, 3))'}}, training: {}}}"
    right = text.format(torch, tensorflow, str(training).lower())
    assert checked(session, right)[1].agree
    wrong = text.format(torch, tensorflow.replace(number, altered), str(training).lower())
    assert not checked(session, wrong)[1].agree


def test_one_altered_weight_shows(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    before = weights.drawn

    def altered(*given: Any) -> weights.Weights:
        found = before(*given)
        kernel = np.array(found.keras["dense.kernel"])
        kernel[1, 2] *= 1 + 1e-7
        return weights.Weights(found.torch, {**found.keras, "dense.kernel": kernel}, found.unfit)

    # Where it is used: a module that is first imported while another one is altered would keep what was altered.
    monkeypatch.setattr(correspondence, "drawn", altered)
    result = checked(session, TWO_LAYERS)[1]
    assert {str(c.quantity) for c in result.comparisons if not c.verdict.agrees} >= {"output", "d/dx"}


# ---- laws


def _inventory(shapes: dict[str, tuple[int, ...]]) -> Inventory:
    tensors = tuple(Tensor(name, "", name, shape, "float64", True, False) for name, shape in shapes.items())
    return Inventory("Model", (), tensors, (), (), "x")


KNOWN = ["lstm", "gru", "conv2d", "conv_transpose2d", "multi_head_attention", "linear", "separable_conv2d"]


@given(row=st.sampled_from(KNOWN), size=st.integers(1, 4), seed=st.integers(0, 99))
def test_what_is_handed_over_comes_back(row: str, size: int, seed: int) -> None:
    """Keras's numbers of PyTorch's numbers are the same numbers, whatever the layout; of a sum the sum is kept."""
    layer = dictionary().layers[row]
    given_sizes = {"multi_head_attention": (2 * size, 2), "lstm": (size, 3), "gru": (size, 3), "linear": (size, 3)}
    values = given_sizes.get(row, (size, 2 * size, 3))
    settings = layer.signature.values(row, {})[0] | dict(zip(layer.signature.settings, values, strict=False))
    pairs, ours, theirs = [], {}, {}
    for slot in slots(layer, dict.fromkeys(FRAMEWORKS, settings)):
        if slot.attribute[TORCH] and slot.attribute[TENSORFLOW] and slot.shape and slot.turned:
            ours[slot.name], theirs[slot.name] = slot.shape, slot.turned
            pairs.append(PairedParameters((TensorPart(slot.name),), TensorPart(slot.name), slot.layout, ""))
    pairing, torch, keras = Pairing(tuple(pairs), ()), _inventory(ours), _inventory(theirs)
    there = weights.drawn(pairing, torch, keras, seed)
    assert there.unfit == ()
    back = weights.handed_back(pairing, torch, there.keras)
    for name, array in there.torch.items():
        np.testing.assert_array_equal(back[name], array)


@given(
    shape=st.lists(st.integers(1, 4), min_size=3, max_size=5).map(tuple),
    channels=st.booleans(),
)
def test_an_order_of_axes_gives_the_shape_that_it_is_for(shape: tuple[int, ...], channels: bool) -> None:
    last = (shape[0], *shape[2:], shape[1])
    for layout in orders_for(shape, last, channels=channels):
        assert tuple(layout.turned(shape)) == last


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5), st.floats(-1e3, 1e3))
def test_apart_is_symmetric_and_zero_for_equal_arrays(numbers: list[float], other: float) -> None:
    one, two = np.array(numbers), np.full(len(numbers), other)
    assert relative_distance(one, one) == 0
    assert relative_distance(one, two) == relative_distance(two, one) <= 2


def test_the_order_in_which_pairs_are_said_changes_nothing(session: Session) -> None:
    pairs = ["0.weight: dense.kernel", "0.bias: dense.bias", "2.weight: dense_1.kernel", "2.bias: dense_1.bias"]
    found = []
    for said in (pairs, pairs[::-1]):
        result = checked(session, f"{TWO_LAYERS}  pair: {{{', '.join(said)}}}\n")[1]
        assert result.agree
        found.append({str(c.quantity): c.sides[SIDES[0]].values for c in result.comparisons})
    assert found[0] == found[1]


def test_the_same_seed_gives_the_same_numbers(session: Session) -> None:
    first, second, other = (checked(session, f"{TWO_LAYERS}seed: {seed}\n")[1] for seed in (3, 3, 4))
    assert numbers(first, "output").tolist() == numbers(second, "output").tolist() != numbers(other, "output").tolist()


# ---- where two models begin to part


def network_called(name: str, shipped: dict[str, Any]) -> dict[str, Any]:
    """The result of a scenario of the networks by its name."""
    named = (each for each in shipped["scenarios"] if each["name"] == name and "differences" not in each["file"])
    (found,) = named
    return dict(found)


def line_of(result: dict[str, Any]) -> dict[str, Any]:
    """The layer at which a result says that the models begin to part."""
    (found,) = (line for line in result["layers"] if line["begins"])
    return dict(found)


BEGINNINGS = {
    "probabilities where the other side gives logits": ("head", "head"),
    "ReLU where LeNet has a sigmoid": ("0", "conv2d"),
    "the maximum where LeNet takes the average": ("2", "max_pooling2d"),
    'padding "same" with a stride of two is not padding=1': ("conv1", "conv1"),
    "the epsilon of BatchNorm left at Keras's default": ("bn1", "bn1"),
    "the stride at the second convolution comes to the same shape at the end": ("conv1", "conv1"),
    "an LSTM that takes sentences for time": ("rnn", "bidirectional"),
    "the state of the last word alone": ("rnn", "bidirectional"),
    "the hard sigmoid of old Keras models": ("rnn", "bidirectional"),
    "a GRU that resets before the product": ("rnn", "bidirectional"),
    "weights behind Flatten, copied as they are": ("6", "flatten"),
    "attention that takes sentences for time": ("attention", "attention"),
    "the epsilon of LayerNorm left at Keras's default": ("norm1", "norm1"),
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_single_mistake_is_found_at_its_layer(name: str, shipped: dict[str, Any]) -> None:
    result = network_called(name, shipped)
    assert result["status"] == "passed"
    assert tuple(line_of(result)["names"].values()) == BEGINNINGS[name]


# Where each mistake in scenarios/model/networks must be found, in the words of the report.
NETWORKS: dict[str, str] = yaml.safe_load((ROOT / "tests" / "networks.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_mistake_in_a_network_is_found_where_it_was_made(name: str, shipped: dict[str, Any]) -> None:
    result = network_called(name, shipped)
    assert result["status"] == "passed"
    words = [words for c in result["comparisons"] for words in c.get("findings", ())]
    assert words[0].startswith(NETWORKS[name])
    marked = [" / ".join(dict.fromkeys(line["names"].values())) for line in result["layers"] if line["begins"]]
    assert marked == ([words[0].partition(" is the first")[0]] if "is the first that parts" in words[0] else [])


def test_every_mistake_in_a_network_is_looked_at(shipped: dict[str, Any]) -> None:
    networks = [result for result in shipped["scenarios"] if "/networks/" in result["file"]]
    assert sorted(NETWORKS) == sorted(result["name"] for result in networks if result["expect"] == "differ")


BETWEEN = {
    "the last ReLU before the addition": "every layer agrees",
    "GELU by tanh": "between",
    "scores without the root of the width": "between",
    "a softmax over the queries": "between",
    "a hidden layer without its ReLU": "between fc2 and head",
    "a loss that is summed on one side": "the outputs agree; it begins in the loss",
}


@pytest.mark.parametrize("name", BETWEEN)
def test_a_mistake_between_layers_is_found_between_them(name: str, shipped: dict[str, Any]) -> None:
    result = network_called(name, shipped)
    assert not any(line["begins"] for line in result["layers"])
    told = [words for c in result["comparisons"] for words in c.get("findings", ())]
    assert any(BETWEEN[name] in words for words in told), told


@pytest.mark.parametrize("relu", ["nn.ReLU()", "nn.ReLU(inplace=True)"])
def test_a_layer_that_overwrites_what_it_is_given_changes_no_other(session: Session, relu: str) -> None:
    text = TWO_LAYERS.replace("nn.Tanh()", relu).replace(', activation="tanh"', "")
    words = told(checked(session, text)[1])
    assert words == f"it begins between 0 / dense and 2 / dense_1, which agree: {relu} in PyTorch"


DENSE = [
    ("nn.Conv2d(3, 5, 3), nn.Conv2d(5, 4, 4), nn.Flatten()", 'Conv2D(5, 3)', 'Flatten()', 'Dense(4)'),
    ("nn.Conv2d(3, 3, 1), nn.ReLU()", "Dense(3)", "ReLU()"),
    (
        "nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3)",
        "GlobalAveragePooling2D(keepdims=True)", "Conv2D(3, 1)", "Flatten()",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("torch", "keras"), [(first, rest) for first, *rest in DENSE])
def test_a_convolution_stands_beside_a_dense_layer(session: Session, torch: str, keras: list[str]) -> None:
    text = f"""
name: a dense layer as a convolution
model:
  torch: nn.Sequential({torch})
  tensorflow: keras.Sequential([{", ".join(f"keras.layers.{each}" for each in keras)}])
  at: {{x: 'normal(0, 1, (2, 3, 6, 6))'}}
  layout: channels
"""
    _, result = checked(session, text)
    assert not result.failures, result.failures
    assert result.agree, result.comparisons
    held = [line for line in result.layers if "Conv2d" in line.codes[SIDES[0]] or "Linear" in line.codes[SIDES[0]]]
    assert held
    assert all(line.by_itself is not None and line.by_itself < 1e-12 for line in held), held


def call_in(text: str) -> ast.Call:
    """A call as a tree."""
    tree = ast.parse(text, mode="eval").body
    assert isinstance(tree, ast.Call)
    return tree


@pytest.mark.parametrize(
    ("torch", "keras"),
    [
        ("nn.Linear(8, 4)", "keras.layers.Conv2D(4, 3)"),
        ("nn.Linear(8, 4)", "keras.layers.Conv2D(4, 1, groups=2)"),
        ("nn.Conv2d(8, 8, 1, groups=8)", "keras.layers.Dense(8)"),
    ],
)
def test_what_is_no_dense_layer_stands_beside_none(torch: str, keras: str) -> None:
    assert row_of_layers(call_in(torch), call_in(keras))[0] is None


def test_a_stride_that_no_dense_layer_has_is_said() -> None:
    row, settings = row_of_layers(call_in("nn.Conv2d(3, 4, 1, stride=2)"), call_in("keras.layers.Dense(4)"))
    assert parted_settings(row, settings) == {"stride": (2, (1, 1))}


def test_a_bias_and_a_gain_of_one_side_alone_are_rows(session: Session) -> None:
    """Both sides have something that the other has not, each in a layer that stands beside one: nothing is unclear."""
    text = """
name: one side alone
model:
  torch: nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1))
  tensorflow: |
    keras.Sequential([keras.layers.Conv2D(4, 1), keras.layers.BatchNormalization(scale=False, epsilon=1e-5),
                      keras.layers.Conv2D(4, 1, use_bias=False)])
  at: {x: 'normal(0, 1, (2, 3, 6, 6))'}
  layout: channels
"""
    _, result = checked(session, text)
    assert not result.failures, result.failures
    alone = {str(c.quantity) for c in result.comparisons if State.ABSENT in {s.state for s in c.sides.values()}}
    assert alone == {"1.weight", "2.bias", "conv2d.bias"}, result.comparisons
    assert "bias is False in PyTorch, True in TensorFlow" in told(result)


def test_a_parameter_may_be_the_bias_of_a_layer(session: Session, tmp_path: Path) -> None:
    """A parameter of a person's own class may be what a layer of Keras holds: of two of them a trial tells which."""
    (tmp_path / "net.py").write_text(
        """
import torch
from torch import nn


class Shifted(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(3, 4, bias=False), nn.Linear(4, 4, bias=False)
        self.a, self.b = nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(4))

    def forward(self, x):
        return self.other(self.one(x) + self.b) + self.a
""",
        encoding="utf-8",
    )
    text = """
name: two shifts
model:
  torch: {python: 'net.py:Shifted()'}
  tensorflow: keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(4)])
  at: {x: 'normal(0, 1, (5, 3))'}
"""
    _, result = checked(session, text, tmp_path)
    assert result.agree, result.failures
    pairs = {pair.names[SIDES[0]]: pair.names[SIDES[1]] for pair in result.pairs}
    assert (pairs["b"], pairs["a"]) == ("dense.bias", "dense_1.bias")


OWN_NORM = """
import torch
from torch import nn


class NormAct(nn.BatchNorm2d):
    def __init__(self, channels, act):
        super().__init__(channels, eps=1e-3)
        self.drop, self.act = nn.Identity(), act

    def forward(self, x):
        return self.act(self.drop(super().forward(x)))


def net(act):
    return nn.Sequential(nn.Conv2d(3, 4, 3), NormAct(4, getattr(nn, act)()), nn.Conv2d(4, 2, 3, padding=1))
"""


@pytest.mark.parametrize(
    ("act", "words"), [("ReLU", ""), ("SiLU", "by itself: activation is silu in PyTorch, relu in TensorFlow")]
)
def test_a_normalization_with_an_activation_of_its_own(session: Session, tmp_path: Path, act: str, words: str) -> None:
    """As timm has it: both together stand beside two layers of Keras, and the normalization is not blamed for the activation."""
    (tmp_path / "net.py").write_text(OWN_NORM, encoding="utf-8")
    text = f"""
name: a normalization with an activation
model:
  torch: {{python: "net.py:net('{act}')"}}
  tensorflow: |
    keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.Activation("relu"),
                      keras.layers.Conv2D(2, 3, padding="same")])
  at: {{x: 'normal(0, 1, (2, 3, 6, 6))'}}
  layout: channels
"""
    _, result = checked(session, text, tmp_path)
    assert not result.failures, result.failures
    assert result.agree == (not words), result.comparisons
    norm = next(line for line in result.layers if line.names[SIDES[0]] == "1")
    assert norm.by_itself is not None
    assert (norm.by_itself < 1e-12) == (not words), norm
    assert not words or words in told(result)


POOLED = """
from torch import nn
from torch.nn import functional as F


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.drop, self.fc = nn.Conv2d(1, 4, 3), nn.Dropout(0.5), nn.Linear(36, 2)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.drop(self.conv(x)), 2))
        return self.fc(x.flatten(1))
"""


@pytest.mark.parametrize(
    ("ordered", "last", "words"),
    [
        ("keras.layers.Permute((3, 1, 2)), ", "", ""),
        ("", "", "it begins between conv / conv2d and fc / dense, which agree"),
        (
            "keras.layers.Permute((3, 1, 2)), ",
            ", activation='softmax'",
            "fc / dense is the first that parts, by itself: activation is none in PyTorch, softmax in TensorFlow",
        ),
    ],
)
def test_an_activation_behind_a_pooling_is_no_mistake_of_the_layer_before_it(
    session: Session, tmp_path: Path, ordered: str, last: str, words: str
) -> None:
    """Of the two convolutions one has it, and neither is wrong: the greatest of some numbers is rectified before or after."""
    (tmp_path / "net.py").write_text(POOLED, encoding="utf-8")
    text = f"""
name: an activation behind a pooling
model:
  torch: {{python: 'net.py:Pooled()'}}
  tensorflow: >-
    keras.Sequential([keras.layers.Conv2D(4, 3, activation='relu'), keras.layers.MaxPooling2D(2), {ordered}
    keras.layers.Flatten(), keras.layers.Dense(2{last})])
  at: {{x: 'normal(0, 1, (2, 1, 8, 8))'}}
  layout: channels
  pair: {{fc.weight: dense.kernel}}
"""
    _, result = checked(session, text, tmp_path)
    assert not result.failures, result.failures
    assert result.agree == (not words), result.comparisons
    assert not words or words in told(result)


def test_a_model_beside_one_that_cannot_be_run_has_not_failed(session: Session) -> None:
    """Its result is not compared, whichever of the two sides it is."""
    text = """
name: a side that refuses
model:
  torch: nn.Sequential(nn.Linear(3, 4), nn.Linear({torch}, 2))
  tensorflow: keras.Sequential([keras.layers.Dense(4), keras.layers.Reshape(({keras},))])
  at: {{x: 'normal(0, 1, (5, 3))'}}
"""
    for torch, keras, states in ((4, 5, ["not compared", "failed"]), (5, 4, ["failed", "not compared"])):
        result = checked(session, text.format(torch=torch, keras=keras))[1]
        (comparison,) = result.comparisons
        assert [side.state for side in comparison.sides.values()] == states
        assert comparison.verdict == "error"


@pytest.mark.parametrize("layer", ["nn.ReLU()", "nn.LeakyReLU(0.3)", "nn.Identity()"])
def test_a_lambda_stands_beside_a_layer(session: Session, tmp_path: Path, layer: str) -> None:
    """Of what it calls nothing is known but what it gave: a scenario may write none, a person's own model has them."""
    (tmp_path / "net.py").write_text(
        "import keras\n\n\ndef net():\n    middle = keras.layers.Lambda(lambda x: keras.ops.relu(x), name='middle')\n"
        "    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), middle, keras.layers.Dense(2)])\n",
        encoding="utf-8",
    )
    text = f"""
name: a lambda
model:
  torch: nn.Sequential(nn.Linear(3, 4), {layer}, nn.Linear(4, 2))
  tensorflow: {{python: 'net.py:net()'}}
  at: {{x: 'normal(0, 1, (5, 3))'}}
"""
    _, result = checked(session, text, tmp_path)
    assert not result.failures, result.failures
    assert result.agree == (layer == "nn.ReLU()"), result.comparisons


def test_a_layer_in_single_precision_is_compared_in_a_model_in_double(session: Session) -> None:
    """A head with `dtype="float32"`, as models for mixed precision have it, is no refusal and no other output."""
    text = TWO_LAYERS.replace("keras.layers.Dense(2)", 'keras.layers.Dense(2, dtype="float32")')
    _, result = checked(session, text)
    assert not result.failures, result.failures
    assert result.agree, result.comparisons


@pytest.mark.parametrize(("off", "agree"), [(0.0, True), (3e-6, False)])
def test_a_gradient_in_single_precision_is_compared_in_a_model_in_double(
    session: Session, tmp_path: Path, off: float, agree: bool
) -> None:
    """A variable that Keras's code keeps in float32 has a gradient in it, which is rounded; more than that differs."""
    (tmp_path / "net.py").write_text(
        """
import torch
from torch import nn


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense, self.scale = nn.Linear(4, 6), nn.Parameter(torch.ones(6))

    def forward(self, x):
        return self.dense(x) * self.scale
""",
        encoding="utf-8",
    )
    (tmp_path / "net_keras.py").write_text(
        f"""
import keras
import tensorflow as tf


class Scaled(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(6)
        self.scale = self.add_weight(shape=(6,), dtype="float32", name="scale", initializer="ones")

    def call(self, x):
        return self.dense(x) * tf.cast(self.scale, x.dtype) * (1 + {off!r})
""",
        encoding="utf-8",
    )
    text = """
name: a scale of its own
model:
  torch: {python: 'net.py:Scaled()'}
  tensorflow: {python: 'net_keras.py:Scaled()'}
  at: {x: 'normal(0, 1, (5, 4))'}
"""
    _, result = checked(session, text, tmp_path)
    assert not result.failures, result.failures
    verdicts = {str(each.quantity): each.verdict.agrees for each in result.comparisons}
    assert verdicts == dict.fromkeys(("output", "d/dx", "d/ddense.weight", "d/ddense.bias", "d/dscale"), agree)


EDGES = [
    ("nn.AvgPool2d(3, 1, 1)", 'AveragePooling2D(3, 1, "same")', "count_include_pad is True in PyTorch, False in TensorFlow"),
    ("nn.MaxPool2d(3, 2, ceil_mode=True)", "MaxPooling2D(3, 2)", "ceil_mode is True in PyTorch, none in TensorFlow"),
    ("nn.MaxPool2d(3, 2)", 'MaxPooling2D(3, 2, "same")', "padding is 0 in PyTorch, same in TensorFlow"),
    ("nn.MaxPool2d(2), nn.Flatten(2)", "AveragePooling2D(2)", "its class is nn.MaxPool2d in PyTorch"),
]  # fmt: skip


@pytest.mark.parametrize(("torch", "tensorflow", "words"), EDGES)
def test_a_pooling_says_what_it_does_otherwise(session: Session, torch: str, tensorflow: str, words: str) -> None:
    text = f"""
name: a pooling
model:
  torch: nn.Sequential(nn.Conv2d(3, 4, 3), {torch})
  tensorflow: keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.{tensorflow}])
  at: {{x: 'normal(0, 1, (2, 3, 8, 8))'}}
  layout: {{x: n c h w -> n h w c}}
"""
    assert words in told(checked(session, text)[1])


@pytest.mark.parametrize(("width", "epsilon"), [(3, "1e-06"), (0.1, "1e-06"), (0.05, "1e-08")])
def test_a_small_epsilon_is_not_taken_for_single_precision(session: Session, width: float, epsilon: str) -> None:
    """Nor does a later layer that agrees within single precision say that the first one does, where none computes in it."""
    text = f"""
name: two normalizations
model:
  torch: nn.Sequential(nn.LayerNorm(5, eps=1e-12), nn.Linear(5, 5), nn.LayerNorm(5, eps=1e-12))
  tensorflow: >-
    keras.Sequential([keras.layers.LayerNormalization(epsilon={epsilon}), keras.layers.Dense(5),
    keras.layers.LayerNormalization(epsilon={epsilon})])
  at: {{x: 'normal(0, {width}, (4, 5))'}}
"""
    words = told(checked(session, text)[1])
    assert words.startswith("0 / layer_normalization is the first that parts, by itself: eps is 1e-12 in PyTorch")


def test_a_padding_that_is_the_same_is_no_reason(session: Session) -> None:
    """Of a kernel of 4 and a stride of 2 "same" is padding=1, and only the activation is another one."""
    text = """
name: up
model:
  torch: nn.Sequential(nn.ConvTranspose2d(3, 4, 4, stride=2, padding=1), nn.Tanh())
  tensorflow: keras.layers.Conv2DTranspose(4, 4, strides=2, padding="same", activation="sigmoid")
  at: {x: 'normal(0, 1, (2, 3, 5, 5))'}
  layout: channels
"""
    assert told(checked(session, text)[1]).endswith("by itself: activation is tanh in PyTorch, sigmoid in TensorFlow")


OTHERWISE = [
    (
        'keras.layers.LSTM(4, return_sequences=True, activation="relu")',
        "activation is tanh in PyTorch, relu in TensorFlow",
    ),
    ("keras.layers.LSTM(4, return_sequences=True, go_backwards=True)", "go_backwards is False in PyTorch, True"),
    (
        'keras.layers.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid")',
        "recurrent_activation is sigmoid",
    ),
]


@pytest.mark.parametrize(("keras", "words"), OTHERWISE)
def test_a_recurrent_layer_says_what_it_does_otherwise(session: Session, keras: str, words: str) -> None:
    text = f"""
name: an LSTM
model:
  torch: nn.LSTM(5, 4, batch_first=True)
  tensorflow: {keras}
  at: {{x: 'normal(0, 1, (2, 3, 5))'}}
  outputs: {{torch: '0'}}
"""
    assert words in told(checked(session, text)[1])


@pytest.mark.parametrize(("torch", "tensorflow", "words"), [
    ("model(x, x, x, attn_mask=later)", "model(x, x)", "its mask is given in PyTorch, none in TensorFlow"),
    ("model(x, x, x)", "model(x, x, use_causal_mask=True)", "its mask is none in PyTorch, given in TensorFlow"),
])  # fmt: skip
def test_a_mask_on_one_side_alone_is_said(session: Session, torch: str, tensorflow: str, words: str) -> None:
    text = f"""
name: attention
model:
  torch: nn.MultiheadAttention(8, 2, batch_first=True)
  tensorflow: keras.layers.MultiHeadAttention(2, 4)
  at: {{x: 'normal(0, 1, (2, 3, 8))', later: [[false, true, true], [false, false, true], [false, false, false]]}}
  call: {{torch: '{torch}', tensorflow: '{tensorflow}'}}
  outputs: {{torch: '0'}}
"""
    assert told(checked(session, text)[1]).endswith(words)


def test_layers_that_read_a_list_are_compared(session: Session) -> None:
    """A call of such a layer is written with its list: `Multiply()([a, b])`."""
    text = """
name: a product
model:
  torch: nn.Bilinear(3, 3, 1)
  tensorflow: keras.layers.Multiply()
  at: {x: 'normal(0, 1, (2, 3))', y: 'normal(0, 1, (2, 3))'}
  call: {torch: 'model(x, y)', tensorflow: 'model([x, y])'}
"""
    result = checked(session, text)[1]
    assert not result.agree
    assert "tfpt itself failed" not in str(result)


def test_a_layer_of_one_side_may_compute_in_single_precision(session: Session, tmp_path: Path) -> None:
    """The slope of a LeakyReLU is a number of float32 in TensorFlow, whatever it is in PyTorch: a layer, or a function."""
    net = "class Net(nn.Module):\n    def forward(self, x):\n        return F.leaky_relu(x, 0.1).mean(1)\n"
    (tmp_path / "net.py").write_text(f"from torch import nn\nfrom torch.nn import functional as F\n{net}")
    text = f"""
name: a slope
model:
  torch: {{python: '{tmp_path / "net.py"}:Net()'}}
  tensorflow: keras.Sequential([keras.layers.LeakyReLU(0.1), keras.layers.GlobalAveragePooling1D()])
  at: {{x: 'normal(0, 1, (2, 3, 4))'}}
"""
    scenario, problems = scenario_from(text, "model.yaml", allow_code=True)
    assert scenario is not None, problems
    (result,) = session.check(Options(generated=[[scenario]])).scenarios
    assert result.agree, result


# ---- commands


def test_pairs_can_be_put_back(tfpt: Callable[..., Done], write: Callable[..., Path], session: Session) -> None:
    """What `tfpt pair` writes says the same pairs: with them in the scenario nothing changes."""
    del session
    path = write(TWO_LAYERS)
    done = tfpt("pair", path)
    assert done.code == 0
    assert done.out.splitlines()[1:] == [
        "pair:",
        "  0.weight: dense.kernel",
        "  0.bias: dense.bias",
        "  2.weight: dense_1.kernel",
        "  2.bias: dense_1.bias",
        "layout:",
        "  0.weight: out in -> in out",
        "  2.weight: out in -> in out",
    ]
    added = "".join(f"  {line}\n" for line in done.out.splitlines()[1:])
    path.write_text(path.read_text() + added)
    assert tfpt("check", path, "--format", "line").code == 0


def test_pairs_with_axes_that_are_several_can_be_put_back(
    tfpt: Callable[..., Done], write: Callable[..., Path], session: Session
) -> None:
    """The lengths of the axes that Keras has apart stand with them, in the scenario and in the report."""
    del session
    fields = {
        "torch": {"python": f"{MODELS / 'own_weights.py'}:Heads()"},
        "tensorflow": {"python": f"{MODELS / 'own_weights_keras.py'}:Heads()"},
        "at": {"x": "normal(0, 1, (2, 3, 8))"},
    }
    path = write(yaml.safe_dump({"name": "heads", "model": fields}))
    pairs = yaml.safe_load(tfpt("pair", "--allow-code", path).out)
    assert pairs["layout"]["q.weight"] == "(out0 out1) in -> in out0 out1, out1=4"
    path.write_text(yaml.safe_dump({"name": "heads", "model": {**fields, **pairs}}))
    done = tfpt("check", path, "--allow-code", "--format", "json")
    assert done.code == 0, done.out
    (scenario,) = json.loads(done.out)["scenarios"]
    assert {pair.get("layout") for pair in scenario["pairs"]} >= set(pairs["layout"].values())


def test_the_scripts_run_alone_with_the_weights_beside_them(tmp_path: Path, tfpt: Callable[..., Done]) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(TWO_LAYERS)
    done = tfpt("code", path, "-o", tmp_path / "code")
    assert done.code == 0
    report = tfpt("check", path, "--format", "json").json
    (expected,) = (c for c in report["scenarios"][0]["comparisons"] if c["quantity"] == "d/d2.bias")
    scripts = sorted((tmp_path / "code").glob("*.py"))
    assert len(scripts) == 2
    for script in scripts:
        ran = subprocess.run(
            [sys.executable, script.name], cwd=script.parent, capture_output=True, text=True, check=True
        )
        (line,) = (line for line in ran.stdout.splitlines() if line.startswith("d/d2.bias by float64:"))
        printed = [float(number) for number in re.findall(r"-?\d+\.\d+", line.partition("[")[2].partition("]")[0])]
        np.testing.assert_allclose(printed, expected["torch"]["values"], rtol=1e-3)


@pytest.mark.parametrize(
    "layer", ["conv2d(3, 4, 3, stride=2, padding=1)", "lstm(3, 4)", "multi_head_attention(8, 2)", "bilinear(2, 3, 4)"]
)
def test_a_layer_without_a_file(layer: str, tfpt: Callable[..., Done]) -> None:
    done = tfpt("layer", layer)
    assert done.code == 0, done.out
    assert "both sides agree in 1 output" in done.out


def test_two_layers_without_a_file(tfpt: Callable[..., Done]) -> None:
    given = ["--torch", "nn.Linear(3, 4)(x)", "--tensorflow", "keras.layers.Dense(4)", "--at", "x=normal(0, 1, (2, 3))"]
    done = tfpt("diff", *given)
    assert done.code == 0, done.out
    assert "d/dweight" in done.out


def test_verdicts_of_lines_are_of_what_they_say(shipped: dict[str, Any]) -> None:
    """A line differs where either of its distances is beyond what the same function explains, and nowhere else."""
    lines = [line for result in shipped["scenarios"] for line in result.get("layers", ())]
    assert len(lines) > 100
    for line in lines:
        sizes = [float(line[key]) for key in ("by_itself", "so_far") if key in line]
        if line["verdict"] == Verdict.DIFFERS:
            assert max(sizes) > 1e-9
        else:
            assert max(sizes, default=0.0) <= 1e-6


# ---- single precision


def test_each_layer_has_its_own_rounding(session: Session) -> None:
    scenario, result = checked(session, TWO_LAYERS)
    held = course_of(scenario).listings[SIDES[0]].arrays
    x = np.random.RandomState(0).normal(0, 1, (5, 3))
    wide = x @ held["weights/0.weight"].T + held["weights/0.bias"]
    # What the numbers lose that go into the first layer, and what it may lose of its own in three products and sums.
    most = 8 * 2.0**-24 * (np.abs(x) @ np.abs(held["weights/0.weight"].T) + np.abs(held["weights/0.bias"])).max()
    (line, *_) = result.layers
    assert set(line.rounding) == set(SIDES)
    assert all(0 < size <= most / np.abs(wide).max() for size in line.rounding.values())
    assert line.in_float32 is not None
    assert line.in_float32 <= sum(line.rounding.values())
    assert not any("ill-conditioned" in note for note in result.notes)


def test_a_layer_that_magnifies_rounding_is_named(session: Session) -> None:
    _, result = checked(
        session,
        """
name: channels that are nearly constant
model:
  torch: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
  tensorflow: >-
    keras.Sequential([keras.layers.Dense(4), keras.layers.BatchNormalization(epsilon=1e-5), keras.layers.Dense(2)])
  at: {x: 'normal(100, 0.001, (6, 3))'}
  training: true
  compare: [forward]
""",
    )
    assert result.agree
    (words,) = [note for note in result.notes if "ill-conditioned" in note]
    assert words.startswith("1 / batch_normalization is ill-conditioned here")


@pytest.mark.parametrize(("spread", "said"), [(0.01, True), (100, False)])
def test_a_layer_by_itself_that_magnifies_rounding_is_named(session: Session, spread: float, said: bool) -> None:
    _, result = checked(
        session,
        f"""
name: rows around a thousand
model:
  torch: nn.LayerNorm(6)
  tensorflow: keras.layers.LayerNormalization(epsilon=1e-5)
  at: {{x: 'normal(1000, {spread}, (6, 6))'}}
""",
    )
    assert result.agree
    assert [note.startswith("LayerNorm is ill-conditioned here") for note in result.notes[1:]] == [True] * said


IN_ANOTHER_ORDER = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.r, self.b, self.n = nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.LayerNorm(4)

    def forward(self, x):
        return self.n(self.b(self.r(self.a(x).flip(-1)).flip(-1)))
"""


def test_numbers_that_are_only_in_another_order_are_no_beginning(session: Session, tmp_path: Path) -> None:
    """PyTorch turns what the activation reads round, and turns it back: what reads that agrees, and what parts is behind it."""
    (tmp_path / "net.py").write_text(IN_ANOTHER_ORDER, encoding="utf-8")
    text = """
name: turned round and back
model:
  torch: {python: 'net.py:Net()'}
  tensorflow: >-
    keras.Sequential([keras.layers.Dense(4), keras.layers.ReLU(), keras.layers.Dense(4),
    keras.layers.LayerNormalization(epsilon=1e-2)])
  at: {x: 'normal(0, 1, (5, 3))'}
"""
    _, result = checked(session, text, tmp_path)
    turned = next(line for line in result.layers if line.names[SIDES[0]] == "r")
    assert turned.so_far is not None
    assert turned.so_far > 0.01
    assert told(result).startswith("n / layer_normalization is the first that parts, by itself: eps is 1e-05")


SCALED = {
    "net.py": """
import torch
from torch import nn


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        return self.scale * x
""",
    "net_keras.py": """
import keras


class Scaled(keras.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(), name="scale")

    def call(self, x):
        return self.scale * x
""",
}


def test_a_parameter_that_is_one_number(session: Session, tmp_path: Path) -> None:
    for name, code in SCALED.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    text = """
name: one number
model:
  torch: {python: 'net.py:Scaled()'}
  tensorflow: {python: 'net_keras.py:Scaled()'}
  at: {x: 'normal(0, 1, (5, 3))'}
"""
    _, result = checked(session, text, tmp_path)
    assert not result.failures, result.failures
    assert result.agree, result.comparisons
    gradient = next(c for c in result.comparisons if c.quantity == "d/dscale")
    assert [side.shape for side in gradient.sides.values()] == [(), ()]


@pytest.mark.parametrize(("single", "share"), [(False, 1e-4), (True, 0.1)])
def test_a_gradient_that_is_nothing_is_measured_by_the_greatest(single: bool, share: float) -> None:
    """A bias in front of a normalization has no gradient but for rounding: it is held against the others, not itself."""
    sizes = {"weight": 8.0, "bias": 1e-9}
    pairs = []
    for name, size in sizes.items():
        values = {side: Value(State.PRESENT, np.array([size, -size / 2]), "float64") for side in SIDES}
        pairs.append(Both(gradient_quantity(name), Layout(), values))
    assert list(scales(pairs, single=single)) == [8.0 * share, 8.0 * share]
    outputs = [replace(pair, quantity=output_quantity("")) for pair in pairs]
    assert list(scales(outputs, single=single)) == [0.0, 0.0]


def test_a_model_that_stops_shows_code_without_what_looks(session: Session) -> None:
    scenario, result = checked(session, TWO_LAYERS.replace("(5, 3)", "(5, 2)"))
    assert result.failures
    for listing in scenario.listings().values():
        assert "trace" not in listing.script()
        assert "output = model(x)" in listing.script()


# ---- what is differentiated


def test_a_loss_in_one_spelling_has_the_gradients_of_numpy(session: Session) -> None:
    text = TWO_LAYERS.replace(
        "at: {x: 'normal(0, 1, (5, 3))'}", "at: {x: 'normal(0, 1, (5, 3))', y: 'normal(0, 1, (5, 2))'}"
    )
    scenario, result = checked(session, text + "  loss: mean(sum((output - y) ** 2, axis=1))\n")
    assert result.agree
    held = course_of(scenario).listings[SIDES[0]].arrays
    rng = np.random.RandomState(0)
    x, y = rng.normal(0, 1, (5, 3)), rng.normal(0, 1, (5, 2))
    hidden = np.tanh(x @ held["weights/0.weight"].T + held["weights/0.bias"])
    off = hidden @ held["weights/2.weight"].T + held["weights/2.bias"] - y
    np.testing.assert_allclose(numbers(result, "loss"), np.mean((off**2).sum(axis=1)), rtol=1e-12)
    expected = (2 / 5) * off.T @ hidden
    for side in range(2):
        found = numbers(result, "d/d2.weight", side)
        np.testing.assert_allclose(found.reshape(expected.shape if side == 0 else expected.T.shape),
                                   expected if side == 0 else expected.T, rtol=1e-10)  # fmt: skip


def test_a_cotangent_weights_the_output(session: Session) -> None:
    _, result = checked(session, TWO_LAYERS + "  cotangent: ones((5, 2))\n")
    np.testing.assert_allclose(numbers(result, "d/d2.bias"), [5.0, 5.0])


@pytest.mark.parametrize("part", ["forward", "backward"])
def test_only_the_parts_that_are_said_are_compared(session: Session, part: str) -> None:
    _, result = checked(session, TWO_LAYERS + f"  compare: [{part}]\n")
    kinds = {"forward": {"value"}, "backward": {"gradient"}}
    assert {comparison.quantity.kind for comparison in result.comparisons} == kinds[part]


# ---- what is drawn at random


def test_dropout_drops_as_often_and_scales_as_its_rate_says(session: Session) -> None:
    text = TWO_LAYERS.replace("nn.Tanh()", "nn.Dropout(0.25)").replace(
        'activation="tanh"), ', "), keras.layers.Dropout(0.25), "
    )
    _, result = checked(session, text.replace("Dense(4, )", "Dense(4)") + "  training: true\n")
    assert result.agree, result.failures
    for side in range(2):
        share, low, high = numbers(result, "dropped by 1", side)
        assert abs(share - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 8192)
        assert low == 0
        np.testing.assert_allclose(high, 1 / 0.75, rtol=1e-6)


@pytest.mark.parametrize(
    ("made", "share", "together", "draws"),
    [
        (np.ones((64, 8)), 0.0, (1,), 64),
        (np.arange(512).reshape(64, 8) % 2 * 2.0, 0.5, (), 512),
        (np.repeat(np.arange(64).reshape(8, 8, 1) % 2, 5, axis=2) * 2.0, 0.5, (2,), 64),
    ],
)
def test_how_a_layer_draws(made: NDArray[Any], share: float, together: tuple[int, ...], draws: int) -> None:
    law = dropping.DroppingLaw.of(made)
    assert (law.share, law.draws) == (share, draws)
    assert law.together == together


# ---- tf_keras, which is Keras 2


def test_a_network_of_tf_keras(session: Session) -> None:
    _, result = checked(
        session,
        """
name: tagger
model:
  torch: {python: 'legacy.py:Tagger()'}
  tensorflow: {python: 'legacy_keras.py:tagger()'}
  at: {words: [[1, 2, 3, 4], [5, 6, 7, 8]]}
  dtypes: {words: int64}
  training: true
""",
        MODELS,
    )
    assert result.agree, result.failures
    assert {line.names[SIDES[1]] for line in result.layers} >= {
        "embedding",
        "bidirectional",
        "layer_normalization",
        "dense",
    }
    assert numbers(result, "output").dtype == np.float64


@pytest.mark.parametrize(("epsilon", "agrees"), [("1e-5", True), ("1e-3", False)])
def test_a_subclass_of_tf_keras_and_a_mistake_in_it(session: Session, epsilon: str, agrees: bool) -> None:
    _, result = checked(
        session,
        f"""
name: images
model:
  torch: {{python: 'legacy.py:images()'}}
  tensorflow: {{python: 'legacy_keras.py:Images(epsilon={epsilon})'}}
  at: {{x: 'normal(0, 1, (2, 3, 8, 8))'}}
  layout: {{x: n c h w -> n h w c, 4.weight: 'out (c h w) -> (h w c) out, c=4, h=8'}}
""",
        MODELS,
    )
    assert result.agree == agrees, result.failures
    assert [line.names[SIDES[1]] for line in result.layers if line.begins] == ([] if agrees else ["norm"])


CUT_OTHERWISE = """
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(9, 4), nn.Embedding(6, 4)
        self.key, self.query, self.value = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
        self.shift = nn.Parameter(torch.zeros(4))

    def forward(self, ids):
        x = self.words(ids) + self.places(torch.arange(ids.shape[1])) + self.shift
        key, query, value = self.key(x), self.query(x), self.value(x)
        return torch.softmax(query @ key.transpose(1, 2), -1) @ value
"""
CUT_OTHERWISE_IN_KERAS = """
import keras
import tensorflow as tf


class Embeddings(keras.layers.Layer):
    def build(self, shape):
        self.weight = self.add_weight(shape=(9, 4), name="weight")
        self.places = self.add_weight(shape=(6, 4), name="places")
        self.shift = self.add_weight(shape=(1, 4), name="shift")

    def call(self, ids):
        return tf.gather(self.weight, ids) + tf.gather(self.places, tf.range(tf.shape(ids)[1])) + self.shift


class Attention(keras.Model):
    def __init__(self):
        super().__init__()
        self.embeddings = Embeddings()
        self.query, self.key, self.value = (keras.layers.Dense(4, name=name) for name in ("query", "key", "value"))

    def call(self, ids):
        x = self.embeddings(ids)
        query, key, value = self.query(x), self.key(x), self.value(x)
        return tf.matmul(tf.nn.softmax(tf.matmul(query, key, transpose_b=True)), value)
"""


def test_parameters_that_layers_hold_in_another_cut_are_paired(session: Session, tmp_path: Path) -> None:
    """As transformers has it: Keras's embeddings are variables of one layer, and the query comes before the key."""
    (tmp_path / "net_torch.py").write_text(CUT_OTHERWISE, encoding="utf-8")
    (tmp_path / "net_keras.py").write_text(CUT_OTHERWISE_IN_KERAS, encoding="utf-8")
    text = """
name: another cut
model:
  torch: {python: 'net_torch.py:Attention()'}
  tensorflow: {python: 'net_keras.py:Attention()'}
  at: {ids: [[3, 1, 8, 2], [7, 7, 4, 5]]}
  dtypes: {ids: int64}
"""
    _, result = checked(session, text, tmp_path)
    assert all(comparison.verdict.agrees for comparison in result.comparisons), result.comparisons
    first, second = SIDES
    pairs = {pair.names[first]: pair.names[second] for pair in result.pairs}
    assert pairs["words.weight"] == "embeddings.weight", pairs
    assert pairs["key.weight"] == "key.kernel", pairs
    assert pairs["shift"] == "embeddings.shift", pairs


def test_a_layer_of_pytorch_that_computes_in_single_precision_is_seen(session: Session, tmp_path: Path) -> None:
    """As the normalization of T5 does, whatever it is given."""
    (tmp_path / "net.py").write_text(
        """
import torch
from torch import nn


class Norm(nn.Module):
    def forward(self, x):
        return (x * torch.rsqrt(x.to(torch.float32).pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


def net():
    return nn.Sequential(nn.Linear(3, 4), Norm(), nn.Linear(4, 2))
""",
        encoding="utf-8",
    )
    (tmp_path / "net_keras.py").write_text(
        """
import keras
import tensorflow as tf


class Norm(keras.layers.Layer):
    def call(self, x):
        return x * tf.math.rsqrt(tf.reduce_mean(x ** 2, -1, keepdims=True) + 1e-6)


def net():
    return keras.Sequential([keras.layers.Dense(4), Norm(), keras.layers.Dense(2)])
""",
        encoding="utf-8",
    )
    text = """
name: single precision inside
model:
  torch: {python: 'net.py:net()'}
  tensorflow: {python: 'net_keras.py:net()'}
  at: {x: 'normal(0, 1, (5, 3))'}
"""
    _, result = checked(session, text, tmp_path)
    assert all(comparison.verdict.agrees for comparison in result.comparisons), result.comparisons
    assert any("single precision" in note for note in result.notes), result.notes


def test_what_a_layer_does_in_single_precision_may_be_all_that_parts(session: Session) -> None:
    """A layer that does more than the one beside it gives something else by itself: the outputs tell."""
    rows = "[[1, 2, -1, 1, 0.5, -2], [-1, 1, 1, 2, -0.5, 1], [1, -1, 2, 1, 1, 1]]"
    result = ported(session, "narrow.py:Scored()", "narrow_keras.py:Scored()", rows)
    assert result.agree, told(result)
    apart = max(c.measure.max_rel or 0.0 for c in result.comparisons if c.measure is not None)
    assert apart > SAME
    assert any("single precision" in note for note in result.notes), result.notes


def test_names_that_say_which_is_which_are_held_to(session: Session) -> None:
    """With both exchanged the models agree: that is no port of one whose names are the same."""
    result = ported(session, "narrow.py:Scored()", "narrow_keras.py:Scored(exchanged=True)", ROWS)
    assert not result.agree
    assert ("att_src", "a_src") in [tuple(pair.names.values()) for pair in result.pairs]


# So large a last sample that what parts by itself is far less than what counts, as it is measured by the greatest number.
ROWS = "[[1, 2, -1, 1, 0.5, -2], [-1, 1, 1, 2, -0.5, 1], [1, -1, 2, 1, 1, 1], [3000, -2000, 3000, 2000, 2500, 3000]]"


@pytest.mark.parametrize(("said", "words"), [("", "blocks.0"), ("fused=False", "before blocks.1 (Cast)")])
def test_what_is_kept_in_single_precision_may_be_little_in_every_layer(session: Session, said: str, words: str) -> None:
    """A layer with GELU is the same by itself, and so is GELU between two; what they add up to is no other function."""
    result = ported(session, "narrow.py:Mlp()", f"narrow_keras.py:Mlp({said})", ROWS, compare=["forward"])
    assert all(line.by_itself is not None and line.by_itself < 1e-9 for line in result.layers), result.layers
    measure = result.comparisons[0].measure
    assert measure is not None
    assert measure.max_abs is not None
    assert measure.max_abs > 1e-9
    assert result.agree, result.comparisons
    assert any("single precision" in note and words in note for note in result.notes), result.notes


@pytest.mark.parametrize(("epsilon", "agrees"), [("1e-8", True), ("1e-7", False)])
def test_a_number_in_single_precision_excuses_no_other_code(session: Session, epsilon: str, agrees: bool) -> None:
    """A cast mask is exact, and GELU two layers before is no reason for an epsilon that is another."""
    result = ported(session, "narrow.py:Unit()", f"narrow_keras.py:Unit(epsilon={epsilon})", "normal(0, 1, (4, 6))")
    assert result.agree == agrees, result.comparisons
    assert agrees or told(result).startswith("it begins between two and three, which agree"), told(result)


@pytest.mark.parametrize(
    ("start", "scale", "agrees"), [("drawn", 1, True), ("drawn", 2, False), ("torch", 2, True), ("tensorflow", 2, True)]
)
def test_random_buffers_have_the_same_numbers(session: Session, start: str, scale: int, agrees: bool) -> None:
    """A buffer that PyTorch draws is a variable that Keras draws; a constant is each side's own, and may be another one."""
    result = ported(
        session, "buffers.py:Net()", f"buffers_keras.py:Net(scale={scale})", "normal(0, 1, (4, 3))", weights=start
    )
    assert not result.failures, result.failures
    assert result.agree == agrees, result.comparisons
    assert agrees or told(result).startswith("positions is the first that parts, by itself"), told(result)
    pairs = {pair.names[SIDES[0]]: pair.names[SIDES[1]] for pair in result.pairs}
    assert pairs["positions.frequencies"] == "positions.frequencies"
    assert ("positions.steps" in pairs) == (start != "drawn")
    assert (start == "drawn") == any("positions.frequencies: PyTorch draws it itself" in note for note in result.notes)


@pytest.mark.parametrize("start", ["drawn", "torch"])
def test_gains_of_equal_shape_are_told_by_the_layers_around_them(session: Session, start: str) -> None:
    """In PyTorch code between layers reads them, in Keras each is a layer; neither their names nor their order tells."""
    result = ported(session, "gains.py:Net()", "gains_keras.py:net()", "normal(0, 1, (3, 4))", weights=start)
    assert not result.failures, result.failures
    assert result.agree, result.comparisons
    first, second = SIDES
    pairs = {pair.names[first]: pair for pair in result.pairs}
    assert {name: pairs[name].names[second] for name in pairs if "gain" in name or "affine" in name} == {
        "blocks.0.affine.alpha": "a1.ww",
        "blocks.0.affine.beta": "a1.bb",
        "blocks.0.gain": "s2.ww",
        "blocks.0.gain_of_mlp": "s1.ww",
        "blocks.1.affine.alpha": "a2.ww",
        "blocks.1.affine.beta": "a2.bb",
        "blocks.1.gain": "s4.ww",
        "blocks.1.gain_of_mlp": "s3.ww",
    }
    assert pairs["blocks.0.gain"].why == "by the layers around it, by shape"
    assert pairs["blocks.0.affine.alpha"].why.endswith("by order among equal shapes")


def test_gains_between_the_same_layers_are_told_by_a_trial(session: Session) -> None:
    result = ported(session, "gains.py:Twice()", "gains_keras.py:twice()", "normal(0, 1, (3, 4))")
    assert result.agree, result.failures
    pairs = {pair.names[SIDES[0]]: pair.names[SIDES[1]] for pair in result.pairs}
    assert (pairs["first"], pairs["second"]) == ("a.ww", "b.ww")


# What each side calls between `one` and `two`, or behind `two`, and the known difference of the two calls.
CALLED = [
    ("Net(F.gelu)", "Net(keras.ops.gelu)", "F.gelu(x) in PyTorch and keras.ops.gelu(x) in TensorFlow", "act-gelu-default"),
    ("Net(F.gelu)", "Net('by_tanh')", "keras.activations.gelu(x, approximate=True) in TensorFlow", "act-gelu-default"),
    ("Net(F.gelu)", "functional()", "keras.ops.gelu(x, approximate=True) in TensorFlow", "act-gelu-default"),
    ("Net('Gelu')", "Net(keras.ops.gelu)", ": Gelu (F.gelu(x)) in PyTorch and keras.ops.gelu(x)", "act-gelu-default"),
    ("Net(nn.GELU())", "Net(keras.ops.gelu)", ": nn.GELU() in PyTorch and keras.ops.gelu(x)", "act-gelu-default"),
    ("Net('half_gelu')", "Net(keras.ops.gelu)", ": F.gelu(x), x * 0.5 in PyTorch and keras.ops.gelu(x)", ""),
    ("Net(F.leaky_relu)", "Net(tf.nn.leaky_relu)", ": F.leaky_relu(x) in PyTorch", "act-leakyrelu-slope"),
    ("Net('steep')", "Net('steeper')", "negative_slope=0.2) in PyTorch and tf.nn.leaky_relu(x, alpha=0.3) in", ""),
    ("Net(F.relu6)", "Net(tf.nn.relu)", ": F.relu6(x) in PyTorch and tf.nn.relu(x) in TensorFlow", ""),
    ("Net(F.relu6)", "Net()", "two, which agree (functions.py:26, functions_keras.py:27): F.relu6(x) in PyTorch", ""),
    ("Net()", "Net('Silu')", "Silu (tf.nn.silu(x)) in TensorFlow", ""),
    ("Net()", "Net('compiled')", ": compiled(x) in TensorFlow", ""),
    ("Net('relu_and_silu')", "Net(tf.nn.elu, activation='relu')", ": F.silu(x) in PyTorch and tf.nn.elu(x) in TensorFlow", ""),
    ("Net('over_samples')", "Net(tf.nn.softmax)", ": F.softmax(x, dim=0) in PyTorch and tf.nn.softmax(x) in", ""),
    ("Net('scores')", "Net('scores')", "x @ y (2 times), x / 2.0 in PyTorch and tf.matmul(x, x, transpose_b=True), x @ y", ""),
    ("Net(F.relu, torch.tanh)", "Net(tf.nn.relu)", "it begins behind two (functions.py:27): torch.tanh(x) in PyTorch", ""),
]  # fmt: skip


@pytest.mark.parametrize(("torch", "tensorflow", "words", "cause"), CALLED)
def test_what_is_called_between_layers_is_named(
    session: Session, torch: str, tensorflow: str, words: str, cause: str
) -> None:
    """Each side's functions are named as they were called, and a cause where there is one call on either side that it is of."""
    result = ported(session, f"functions.py:{torch}", f"functions_keras.py:{tensorflow}", "normal(0, 5, (5, 4))")
    assert words in told(result), told(result)
    found = {name for comparison in result.comparisons for name in comparison.known_differences}
    assert found == ({cause} if cause else set()), found


def test_nothing_is_named_where_a_step_was_not_seen(session: Session) -> None:
    """What NumPy makes comes from no layer: the function behind it is not all that stands there. That is the cause."""
    result = ported(
        session, "functions.py:Net(F.gelu)", "functions_keras.py:Net('half_unseen')", "normal(0, 5, (5, 4))"
    )
    assert told(result).startswith("it begins between one and two, which agree (functions.py:26, functions_keras.py:")
    assert told(result).endswith("functions_keras.py:27)")
    assert {name for c in result.comparisons for name in c.known_differences} == {"ad-numpy-break"}


@pytest.mark.parametrize(
    ("keras", "words"),
    [
        ("tf.nn.relu6", ""),
        ("tf.nn.relu", "it begins between 0 / one and 2 / two, which agree"),
        ("tf.nn.relu6, bias=False", "2 / two is the first that parts, by itself: bias is True"),
    ],
)
def test_an_activation_within_a_layer_of_pytorch_may_be_a_function_of_keras(
    session: Session, keras: str, words: str
) -> None:
    """What the two normalizations give is not compared: one is before the activation, the other behind it."""
    result = ported(
        session, "functions.py:normalized()", f"functions_keras.py:Normalized({keras})", "normal(0, 9, (5, 4))"
    )
    assert result.agree == (not words), result.comparisons
    assert [line.names[SIDES[0]] for line in result.layers] == ["0", "2"]
    assert not words or words in told(result), told(result)
    if "between" in words:
        ours, theirs = told(result).split(" in PyTorch and ")
        assert ours.endswith("NormAct (nn.BatchNorm1d(num_features=6, eps=0.001), nn.ReLU6())")
        assert theirs.startswith("keras.layers.BatchNormalization()")
        assert "tf.nn.relu(x)" in theirs


IMAGE, SIGNAL, STEPS = "normal(0, 1, (2, 1, 14, 14))", "normal(0, 1, (2, 3, 10))", "normal(0, 1, (2, 5, 3))"
FOURS, COLOURS = "normal(0, 1, (3, 4))", "normal(0, 1, (2, 3, 8, 8))"
SECOND, NORM = (
    f"{name} is the first that parts, by itself:" for name in ("two / conv1d_1", "norm / group_normalization")
)
# Networks whose layers do not do the same one by one, with where a mistake in them is found; empty where there is none.
SPREAD = [
    ("Pooled()", "pooled()", IMAGE, ""),
    ("Pooled(layers=True)", "pooled()", IMAGE, ""),
    ("Pooled()", "pooled(dilation_rate=2)", IMAGE, "two / conv2d_1 is the first that parts, by itself: dilation is 1"),
    ("Pooled(layers=True)", "pooled(dilation_rate=2)", IMAGE, "two / conv2d_1 is the first that parts, by itself: dilation"),
    ("Pooled()", "pooled(activation='elu')", IMAGE, "two / conv2d_1 is the first that parts, by itself: activation is none"),
    ("Pooled()", "pooled(ordered=False)", IMAGE, "it begins between two / conv2d_1 and head / dense, which agree (spread.py:"),
    ("Causal()", "causal()", SIGNAL, ""),
    ("Causal(layer=True)", "causal()", SIGNAL, ""),
    ("Causal(tanh=True)", "causal(activation='tanh')", SIGNAL, ""),
    ("Causal(layer=True, tanh=True)", "causal(activation='tanh')", SIGNAL, ""),
    ("Causal()", "causal(dilation_rate=1)", SIGNAL, "two / conv1d_1 is the first that parts, by itself: dilation is 2"),
    ("Causal(layer=True)", "causal(dilation_rate=1)", SIGNAL, "two / conv1d_1 is the first that parts, by itself: dilation is"),
    ("Causal()", "causal(padding='same')", SIGNAL, f"{SECOND} padding is 4, of which (4, 0) is left in PyTorch"),
    ("Causal(layer=True)", "causal(padding='same')", SIGNAL, f"{SECOND} padding is 4, of which (4, 0) is left in"),
    ("Causal()", "causal(activation=None)", SIGNAL, "every layer agrees; it begins behind two / conv1d_1 (spread.py:"),
    ("BothWays()", "both_ways()", STEPS, ""),
    ("BothWays()", "both_ways(activation='relu')", STEPS, "head / dense is the first that parts, by itself: activation is tanh"),
    ("BothWays()", "both_ways(mode='ave')", STEPS, "it begins between rnn / bidirectional and head / dense, which agree ("),
    ("BothWays(last=True)", "both_ways(steps=False)", STEPS, ""),
    ("BothWays(last=True)", "both_ways(steps=False, activation='relu')", STEPS, "head / dense is the first that parts, by"),
    ("Generator()", "generator(layer=True)", "normal(0, 1, (2, 3, 4, 4))", ""),
    ("Generator()", "generator(layer=False)", "normal(0, 1, (2, 3, 4, 4))", ""),
    ("Generator()", "generator(layer=True, epsilon=0.1)", "normal(0, 1, (2, 3, 4, 4))", "norm / batch_normalization is the"),
    ("Generator()", "generator(layer=False, epsilon=0.1)", "normal(0, 1, (2, 3, 4, 4))", "norm / batch_normalization is the"),
    ("Mirrored()", "mirrored()", "normal(0, 1, (2, 1, 8, 8))", ""),
    ("Mirrored()", "mirrored('symmetric')", "normal(0, 1, (2, 1, 8, 8))", "it begins between one / conv2d and three / conv2d_1"),
    ("Bordered()", "Bordered()", "normal(0, 1, (2, 1, 8, 8))", ""),
    ("Bordered()", "Bordered('SYMMETRIC')", "normal(0, 1, (2, 1, 8, 8))", "it begins between the inputs and one, which agree"),
    ("Repeated()", "Repeated()", FOURS, ""),
    ("Standardized()", "standardized()", "uniform(0, 1, (2, 3, 9, 9))", ""),
    ("Standardized()", "standardized(squared=False)", "uniform(0, 1, (2, 3, 9, 9))", "it begins between the inputs and one"),
    ("clipped()", "clipped()", "normal(0, 3, (2, 4))", ""),
    ("gained()", "Blocks()", "normal(0, 1, (3, 4))", ""),
    ("gained()", "Blocks(activation='tanh')", "normal(0, 1, (3, 4))", "3 / last is the first that parts, by itself"),
    ("Tokens()", "tokens()", "normal(0, 1, (2, 3, 4, 4))", "it begins between patch / conv2d and norm"),
    ("Highway()", "highway()", FOURS, ""),
    ("Highway()", "highway('layer')", FOURS, ""),
    ("Highway()", "highway('function')", FOURS, ""),
    ("Highway()", "Highway()", FOURS, ""),
    ("Highway()", "highway(activation='tanh')", FOURS, "made.0 / dense is the first that parts, by itself: activation is silu"),
    ("Highway()", "highway('function', 'tanh')", FOURS, "it begins between gates.0 / dense_1, made.0 / dense and gates.1"),
    ("Highway()", "Highway('tanh')", FOURS, "it begins between gates.0 / all.1, made.0 / all.0 and gates.1 / all.3, which agree"),
    ("Highway()", "highway(carried=False)", FOURS, "it begins between gates.0 / dense_1, made.0 / dense and gates.1 / dense_3"),
    ("Conditioned()", "conditioned()", COLOURS, ""),
    ("Conditioned()", "conditioned(groups=2)", COLOURS, f"{NORM} num_groups is 3 in PyTorch, 2 in"),
    ("Conditioned()", "conditioned(epsilon=0.1)", COLOURS, f"{NORM} eps is 1e-05 in PyTorch, 0.1 in"),
    ("Conditioned()", "conditioned(scale=True)", COLOURS, f"{NORM} scale is False in PyTorch, True in"),
    ("Conditioned()", "conditioned(0.0)", COLOURS, "it begins between made / dense, norm / group_normalization and head"),
    ("Recurrent()", "recurrent()", STEPS, ""),
    ("Recurrent()", "recurrent(third=1.0)", STEPS, "it begins between the inputs and rnn / lstm"),
]  # fmt: skip


@pytest.mark.parametrize(("torch", "tensorflow", "at", "words"), SPREAD)
def test_no_layer_is_blamed_for_what_the_other_side_does_elsewhere(
    session: Session, torch: str, tensorflow: str, at: str, words: str
) -> None:
    """An activation behind the pooling, and a crop or a border in code, make two layers part that are one function each.

    Of these no layer is named, nor said to part in a network that agrees; a mistake is found where it was made.
    """
    layout = {} if at in (STEPS, FOURS) or torch == "clipped()" else {"layout": "channels"}
    result = ported(session, f"spread.py:{torch}", f"spread_keras.py:{tensorflow}", at, **layout)
    assert result.agree == (not words), result.comparisons
    assert not words or told(result).startswith(words), told(result)
    assert words or all(line.verdict.agrees for line in result.layers), result.layers


def test_a_layer_that_is_called_twice_is_named_once(session: Session) -> None:
    result = ported(session, "spread.py:Repeated()", "spread_keras.py:Repeated('tanh')", FOURS)
    (words,) = {finding.words for c in result.comparisons for finding in c.findings}
    assert words == "both is the first that parts, by itself: activation is silu in PyTorch, tanh in TensorFlow"


def test_a_layer_that_one_side_does_not_call_takes_no_place_of_another(session: Session) -> None:
    """Keras makes no weights for it; what is left has a name."""
    result = ported(session, "spread.py:Repeated()", "spread_keras.py:Repeated(normed=False)", FOURS)
    alone = {str(c.quantity) for c in result.comparisons if c.reason == "only PyTorch has it"}
    assert alone == {"first.weight", "first.bias"}
    assert "between the inputs and both, which agree" in told(result)


def test_the_only_input_of_a_layer_is_said_where_it_is_another(session: Session) -> None:
    for mistaken in (False, True):
        fields = {
            "torch": {"python": "spread.py:Rated()"},
            "tensorflow": {"python": f"spread_keras.py:Rated(mistaken={mistaken})"},
            "at": {"x": [1, 2, 3], "item": [4, 5, 11]},
            "dtypes": {"x": "int64", "item": "int64"},
        }
        text = yaml.safe_dump({"name": "a port", "model": fields})
        _, result = checked(session, text, MODELS)
        assert result.agree == (not mistaken), result.failures
    assert told(result).startswith("it begins between the inputs and of_item, which agree (spread.py:")
    assert told(result).endswith("): its input is item in PyTorch, x in TensorFlow"), told(result)


@pytest.mark.parametrize("changed", [False, True])
def test_a_model_that_its_calls_change_is_made_anew(
    session: Session, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    """Layers are watched in the model that was run, unless it gives something else when it is called again."""
    answers = []
    as_before = Question.as_before

    def noted(self: Question, side: Side, seen: Outcome) -> bool:
        answers.append(as_before(self, side, seen))
        return answers[-1]

    monkeypatch.setattr(Question, "as_before", noted)
    calls = 2 if changed else 100
    result = ported(session, "counting.py:Counting()", f"counting_keras.py:Counting({calls})", "normal(0, 1, (5, 3))")
    assert result.agree, told(result)
    assert len(result.layers) > 1
    assert all(max(line.by_itself or 0, line.so_far or 0) < SAME for line in result.layers)
    assert answers == [not changed] * 2  # in double and in single precision


def test_a_cause_of_something_else_says_of_what(session: Session) -> None:
    """The running variance parts for its own reason, which is none of where the outputs begin to."""
    text = """
name: two mistakes
model:
  torch: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, momentum=0.01), nn.ReLU(), nn.Linear(4, 2))
  tensorflow: >-
    keras.Sequential([keras.layers.Dense(4), keras.layers.BatchNormalization(epsilon=1e-5), keras.layers.ELU(),
    keras.layers.Dense(2)])
  at: {x: 'normal(0, 1, (5, 3))'}
  training: true
"""
    reason = reason_of(checked(session, text)[1])
    assert reason is not None
    begins, _, cause = reason.cause.partition("; ")
    assert begins.endswith("its class is nn.ReLU in PyTorch, keras.layers.ELU in TensorFlow")
    assert cause.startswith("1.running_var: PyTorch's running variance divides by n - 1")


def test_what_layers_of_a_persons_own_compute_is_said(session: Session) -> None:
    """Of two classes that no row knows nothing is set: what each calls is named, without what both do."""
    result = ported(session, "spread.py:normalized()", "spread_keras.py:normalized(0.01)", "normal(0, 1, (3, 4))")
    assert told(result) == (
        "2 / root_mean_square_1 is the first that parts, by itself: x + 1e-06 in PyTorch and x + 0.01 in TensorFlow"
    )
    right = ported(session, "spread.py:normalized()", "spread_keras.py:normalized(1e-6)", "normal(0, 1, (3, 4))")
    assert right.agree


def test_the_steps_of_keras_are_named_whatever_their_number(session: Session) -> None:
    """Functions are counted by themselves there: the second has the number of the second layer, which is a step as well."""
    result = ported(session, "spread.py:Gated()", "spread_keras.py:gated('tanh')", "normal(0, 1, (3, 3))")
    assert told(result).endswith(
        ": x.chunk(2, -1), torch.sigmoid(x) in PyTorch and x[:, 3:], keras.layers.Activation(activation='tanh'), x[:, :3] in "
        "TensorFlow, the other calls alike"
    ), told(result)
    assert ported(session, "spread.py:Gated()", "spread_keras.py:gated()", "normal(0, 1, (3, 3))").agree


def test_all_layers_that_part_by_themselves_are_named(session: Session) -> None:
    """Each is run on what PyTorch's is given, so that a mistake before it hides none; those of one kind are named together."""
    text = """
name: four mistakes
model:
  torch: >-
    nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ELU(), nn.Linear(4, 2),
    nn.BatchNorm1d(2))
  tensorflow: >-
    keras.Sequential([keras.layers.Dense(4), keras.layers.BatchNormalization(), keras.layers.Dense(4),
    keras.layers.BatchNormalization(), keras.layers.ELU(alpha=0.5), keras.layers.Dense(2),
    keras.layers.BatchNormalization(epsilon=1e-5)])
  at: {x: 'normal(0, 1, (5, 3))'}
"""
    result = checked(session, text)[1]
    first, too = next(c.findings for c in result.comparisons if c.findings)
    assert first.words.startswith("1 / batch_normalization is the first that parts, by itself: eps is 1e-05 in PyTorch")
    assert too.words == (
        "3 / batch_normalization_1 parts by itself in the same way; "
        "4 / elu parts by itself too: alpha is 1.0 in PyTorch, 0.5 in TensorFlow"
    )
    reason = reason_of(result)
    assert reason is not None
    assert reason.line.endswith(f"1e-3 in Keras; {too.words} [bn-eps]")


@pytest.mark.parametrize(
    ("heads", "words"),
    [
        ("'smw'", "the outputs stand in another order: output.0 in PyTorch is output.1 in TensorFlow, output.1 in PyTorch is"),
        ("'wsm'", "the outputs stand in another order: output.0 in PyTorch is output.2 in TensorFlow, output.2 in PyTorch is"),
        ("'smw', 'relu'", "mean is the first that parts, by itself: activation is none in PyTorch, relu in TensorFlow"),
        ("'msw', 'relu'", "mean is the first that parts, by itself: activation is none in PyTorch, relu in TensorFlow"),
    ],
)  # fmt: skip
def test_outputs_in_another_order_are_told_from_others(session: Session, heads: str, words: str) -> None:
    """Each is an output of the other model then, of whatever shape; where one is none there is another mistake."""
    result = ported(session, "spread.py:Heads()", f"spread_keras.py:heads({heads})", "normal(0, 1, (3, 3))")
    assert told(result).startswith(words)


ANOTHER = "is the first that gives another size: (2, 4,"
OTHER_SIZES = [
    ("Pooled()", "pooled(padding='valid')", IMAGE, f"two / conv2d_1 {ANOTHER} 6, 6) in PyTorch, (2, 4, 4, 4) in Tens"),
    ("Pooled()", "pooled(strides=2)", IMAGE, f"two / conv2d_1 {ANOTHER} 6, 6) in PyTorch, (2, 3, 3, 4) in Tens"),
    ("BothWays(joined=True)", "both_ways()", STEPS, "rnn / bidirectional is the first that gives another size: (2, 5, 8) in "
     "PyTorch, (2, 5, 4) in TensorFlow: merge_mode is concat in PyTorch, sum in TensorFlow"),
    ("Pooled()", "pooled(pool=3)", IMAGE, "the sizes part between two / conv2d_1 and head / dense (spread.py:"),
    ("Pooled(layers=True)", "pooled(pool=3)", IMAGE, f"pool / max_pooling2d_1 {ANOTHER} 3, 3) in PyTorch, (2, 2, 2, 4) in Tens"),
]  # fmt: skip


def without_a_run(session: Session, torch: str, tensorflow: str, at: str) -> str:
    """What is said of the weights that do not fit."""
    layout = {} if at == STEPS else {"layout": "channels"}
    result = ported(session, f"spread.py:{torch}", f"spread_keras.py:{tensorflow}", at, **layout)
    assert "nothing was run: the same numbers do not fit into both models" in result.notes
    (words,) = (finding.words for c in result.comparisons for finding in c.findings)
    return words


@pytest.mark.parametrize(("torch", "tensorflow", "at", "words"), OTHER_SIZES)
def test_weights_that_do_not_fit_say_where_the_sizes_part(
    session: Session, torch: str, tensorflow: str, at: str, words: str
) -> None:
    """A padding, a stride or a pooling far before makes a `Linear` too long: it is named, by the shapes of the calls alone."""
    assert without_a_run(session, torch, tensorflow, at).startswith(words)


def test_weights_that_do_not_fit_say_which_settings_of_their_own_part(session: Session) -> None:
    """Those from which their shape may come: the padding, which the other side crops, is none."""
    words = without_a_run(session, "Causal()", "causal(kernel_size=5)", SIGNAL)
    assert words == "of two and conv1d_1, kernel_size is 3 in PyTorch, 5 in TensorFlow"


def test_a_layer_that_keras_alone_calls_on_the_way_is_a_step(session: Session) -> None:
    """PyTorch calls the normalization behind the attention: in Keras it stands between the two layers."""
    result = ported(session, "spread.py:Behind()", "spread_keras.py:Before()", "[[1, 2, 3]]", dtypes={"x": "int64"})
    assert told(result).startswith("it begins between words and attention, which agree"), told(result)
    assert told(result).endswith(
        ": keras.layers.LayerNormalization(epsilon=1e-05) in TensorFlow, the other calls alike"
    ), told(result)


AS_SAID = [
    ("nn.BatchNorm2d(4)", "BatchNormalization(axis=1, epsilon=1e-5)", "the axis of channels is 1 of n c h w in PyTorch"),
    ("nn.GroupNorm(2, 4)", "GroupNormalization(4, epsilon=1e-5)", "num_groups is 2 in PyTorch, 4 in TensorFlow"),
    ("nn.GroupNorm(2, 4)", "GroupNormalization(2, epsilon=1e-5, center=False)", "center is True in PyTorch, False in"),
    ("nn.Conv2d(4, 4, 3, 1, 1, padding_mode='circular')", "Conv2D(4, 3, padding='same')", "padding_mode is circular in"),
    ("nn.Softsign()", "Activation('softplus')", "its class is nn.Softsign in PyTorch, keras.layers.Activation('softplus')"),
]  # fmt: skip


@pytest.mark.parametrize(("torch", "keras", "words"), AS_SAID)
def test_a_layer_says_what_a_person_said_otherwise(session: Session, torch: str, keras: str, words: str) -> None:
    """An axis with the channels last, a number of groups that Keras takes for another word, what an activation is."""
    fields = {
        "torch": f"nn.Sequential(nn.Conv2d(3, 4, 1), {torch})",
        "tensorflow": f"keras.Sequential([keras.layers.Conv2D(4, 1), keras.layers.{keras}])",
        "at": {"x": "normal(0, 1, (2, 3, 4, 4))"},
        "layout": "channels",
    }
    _, result = checked(session, yaml.safe_dump({"name": "a setting", "model": fields}))
    assert any(words in finding.words for c in result.comparisons for finding in c.findings), told(result)


# Networks whose weights are as long as they are wide, so that their shapes do not tell how their axes are ordered.
OWN_WEIGHTS = [
    ("Dense()", "Dense()", FOURS),
    ("Dense()", "DenseLists()", FOURS),
    ("Dense()", "DenseNames()", FOURS),
    ("Dense()", "traced(built=True)", FOURS),
    ("Attention()", "Attention()", "normal(0, 1, (2, 3, 8))"),
    ("Attention()", "Attention('zeros')", "normal(0, 1, (2, 3, 8))"),
    ("Attention()", "AttentionNames()", "normal(0, 1, (2, 3, 8))"),
    ("Heads()", "Heads()", "normal(0, 1, (2, 3, 8))"),
    ("Heads()", "HeadsNames()", "normal(0, 1, (2, 3, 8))"),
    ("Pixels()", "Pixels()", COLOURS),
    ("Scaled()", "Scaled()", "normal(0, 1, (2, 4, 5, 5))"),
    ("normalized()", "normalized()", FOURS),
    ("normalized(3)", "normalized()", "normal(0, 1, (3, 3))"),
    ("Scores()", "Scores()", "normal(0, 1, (3, 6))"),
    ("Steps()", "Steps()", "normal(0, 1, (2, 3, 8))"),
    ("Products()", "Products()", FOURS),
]


@pytest.mark.parametrize(("ours", "theirs", "at"), OWN_WEIGHTS)
def test_what_is_computed_with_weights_tells_the_order_of_their_axes(
    session: Session, ours: str, theirs: str, at: str
) -> None:
    layout = {"layout": "channels"} if ours in ("Pixels()", "Steps()", "Scaled()") else {}
    result = ported(session, f"own_weights.py:{ours}", f"own_weights_keras.py:{theirs}", at, **layout)
    assert result.agree, (result.failures, told(result))


def test_a_table_that_is_read_and_multiplied_by_has_one_order_of_axes(session: Session) -> None:
    words = {"dtypes": {"x": "int64"}}
    result = ported(session, "own_weights.py:Tied()", "own_weights_keras.py:Tied()", "[[1, 2, 5]]", **words)
    assert result.agree, (result.failures, told(result))


def test_a_mistake_beside_weights_of_a_persons_own_is_found_where_it_is(session: Session) -> None:
    at = "normal(0, 1, (2, 3, 8))"
    result = ported(session, "own_weights.py:Attention()", "own_weights_keras.py:Attention(scale=8.0)", at)
    assert told(result).startswith("it begins between q, k, v and o, which agree")
    assert "x / 8.0 in TensorFlow" in told(result)
    assert [line.by_itself is not None and line.by_itself < SAME for line in result.layers] == [True] * 4


@pytest.mark.parametrize(("kind", "method"), [("model", "model.call"), ("part", "model.rest")])
def test_a_function_that_was_traced_before_its_layers_were_built_is_named(
    session: Session, kind: str, method: str
) -> None:
    """Keras computes with the numbers that the weights start with, and its gradients by them are None."""
    result = ported(session, "own_weights.py:Dense()", f"own_weights_keras.py:traced({kind!r})", FOURS)
    said = told(result) if kind == "model" else next(note for note in result.notes if "tf.function" in note)
    assert said.startswith(f"{method} is a tf.function that was traced while Keras built the layers in it"), said


def test_the_gradient_of_a_layer_is_its_own(session: Session, tmp_path: Path) -> None:
    """The query is computed of what is key and value too: that way leads through another layer."""
    (tmp_path / "net.py").write_text(
        """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.query = nn.Embedding(5, 4, padding_idx=0), nn.Linear(4, 4)
        self.attention, self.act = nn.MultiheadAttention(4, 2, batch_first=True), nn.ReLU(inplace=True)

    def forward(self, i):
        x = self.table(i)
        return self.act(self.attention(self.query(x), x, x)[0])
"""
    )
    (tmp_path / "net_keras.py").write_text(
        """
import keras
from keras import layers


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.table, self.query = layers.Embedding(5, 4), layers.Dense(4)
        self.attention, self.act = layers.MultiHeadAttention(2, 2), layers.ReLU()

    def call(self, i):
        x = self.table(i)
        return self.act(self.attention(self.query(x), x, x))
"""
    )
    text = """
name: attention
model:
  torch: {python: 'net.py:Net()'}
  tensorflow: {python: 'net_keras.py:Net()'}
  at: {i: [[4, 1, 2], [3, 1, 4]]}
  dtypes: {i: int64}
"""
    _, result = checked(session, text, tmp_path)
    assert result.agree, told(result)
    assert [line.gradient_by_itself is None or line.gradient_by_itself < 1e-7 for line in result.layers] == [True] * 4
    _, result = checked(session, text.replace("4, 1, 2", "0, 1, 2"), tmp_path)
    assert told(result).startswith("only the gradient of table by its own parameter parts: padding_idx is 0"), told(
        result
    )


@pytest.mark.parametrize("function", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_what_drops_may_be_a_function_or_one_layer_for_several(
    session: Session, function: bool, training: bool
) -> None:
    ours = f"dropping.py:Dropping(function={function})"
    result = ported(session, ours, "dropping_keras.py:dropping()", FOURS, training=training)
    assert result.agree, told(result)
    assert training == any(note.startswith("dropout is switched off in both") for note in result.notes)
    result = ported(session, ours, "dropping_keras.py:dropping(0.3)", FOURS, training=training)
    parted = [str(c.quantity) for c in result.comparisons if not c.verdict.agrees]
    assert parted == ["dropout rates"] * training


def test_the_order_of_what_is_joined_is_not_called_alike(session: Session, tmp_path: Path) -> None:
    text = """
name: joined
model:
  torch: {python: 'net.py:Net()'}
  tensorflow: {python: 'net_keras.py:Net()'}
  at: {x: 'normal(0, 1, (3, 4))'}
"""
    (tmp_path / "net.py").write_text(
        """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 3), nn.Linear(4, 2)

    def forward(self, x):
        hidden = self.first(x)
        return self.second(torch.cat([hidden, torch.full_like(hidden[:, :1], 0.5)], 1))
"""
    )
    (tmp_path / "net_keras.py").write_text(
        """
import keras
from keras import layers, ops


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(3), layers.Dense(2)

    def call(self, x):
        hidden = self.first(x)
        return self.second(ops.concatenate([ops.ones_like(hidden[:, :1]) * 0.5, hidden], axis=1))
"""
    )
    _, result = checked(session, text, tmp_path)
    assert "torch.cat([x, y], 1)" in told(result)
    assert "keras.ops.concatenate([x, y], axis=1)" in told(result)


@pytest.mark.parametrize(("approximate", "agrees"), [(False, True), (True, False)])
def test_a_layer_that_does_more_than_the_one_beside_it_may_compute_in_single_precision(
    session: Session, tmp_path: Path, approximate: bool, agrees: bool
) -> None:
    """Keras's gelu has a constant in single precision, and a function that is none of Keras's stands in the layer."""
    made = "nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 6))"
    (tmp_path / "net.py").write_text(f"from torch import nn\n\n\ndef net():\n    return {made}\n")
    (tmp_path / "net_keras.py").write_text(
        f"""
import keras
from keras import layers, ops


def net():
    gelu = lambda x: ops.gelu(x, approximate={approximate})
    return keras.Sequential([layers.Dense(8, activation=gelu), layers.Dense(6)])
"""
    )
    text = """
name: gelu
model:
  torch: {python: 'net.py:net()'}
  tensorflow: {python: 'net_keras.py:net()'}
  at: {x: 'normal(0, 1, (5, 6))'}
"""
    _, result = checked(session, text, tmp_path)
    assert result.agree == agrees, told(result)
    noted = any(note.startswith("computed with numbers in single precision") for note in result.notes)
    assert noted == agrees


@pytest.mark.parametrize(("factor", "agrees"), [(2, True), (3, False)])
def test_what_one_layer_does_code_may_do_on_the_other_side(
    session: Session, tmp_path: Path, factor: int, agrees: bool
) -> None:
    """Where the mistake is in that code, the layer alone is not blamed: nothing tells that it was right."""
    (tmp_path / "net.py").write_text(
        """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag, self.dense = nn.EmbeddingBag(5, 4, mode="sum"), nn.Linear(4, 2)

    def forward(self, i):
        return self.dense(self.bag(i) * 2)
"""
    )
    (tmp_path / "net_keras.py").write_text(
        f"""
import keras
from keras import layers, ops


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.bag, self.dense = layers.Embedding(5, 4), layers.Dense(2)

    def call(self, i):
        return self.dense(ops.sum(self.bag(i), axis=1) * {factor})
"""
    )
    text = """
name: bag
model:
  torch: {python: 'net.py:Net()'}
  tensorflow: {python: 'net_keras.py:Net()'}
  at: {i: [[1, 2, 3], [0, 4, 1]]}
  dtypes: {i: int64}
"""
    _, result = checked(session, text, tmp_path)
    assert result.agree == agrees
    behind = ", unless the code behind it makes up for that: x * 2 in PyTorch and keras.ops.sum(x, axis=1), x * 3 in"
    assert agrees or behind in told(result), told(result)


@pytest.mark.parametrize("call", ["q, q, q", "key=x, value=q, query=q"])
def test_a_tensor_that_is_given_twice_is_no_mistake_of_the_layer(session: Session, tmp_path: Path, call: str) -> None:
    """By itself the layer is given what PyTorch's was given, each input its own."""
    (tmp_path / "net.py").write_text(
        """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense, self.attention = nn.Linear(8, 8), nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        return self.attention(self.dense(x), x, x)[0]
"""
    )
    (tmp_path / "net_keras.py").write_text(
        f"""
import keras
from keras import layers


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense, self.attention = layers.Dense(8), layers.MultiHeadAttention(2, 4)

    def call(self, x):
        q = self.dense(x)
        return self.attention({call})
"""
    )
    text = """
name: attention
model:
  torch: {python: 'net.py:Net()'}
  tensorflow: {python: 'net_keras.py:Net()'}
  at: {x: 'normal(0, 1, (2, 3, 8))'}
"""
    _, result = checked(session, text, tmp_path)
    assert told(result).startswith("it begins between dense and attention, which agree"), told(result)
    assert all(line.by_itself is not None and line.by_itself < SAME for line in result.layers)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_a_matrix_and_a_kernel_with_axes_for_heads_are_one_map(ins: list[int], outs: list[int]) -> None:
    matrix = np.random.RandomState(0).normal(size=(int(np.prod(outs)), int(np.prod(ins))))
    one = Tensor("a.weight", "a", "weight", matrix.shape, "float64", trained=True, buffer=False, axes="out in")
    other = replace(one, name="a.kernel", own="kernel", shape=(*ins, *outs), axes="")
    layout = own_layout(one, other)
    assert layout is not None
    kernel = np.reshape(turned(matrix, layout), other.shape)
    np.testing.assert_array_equal(kernel.reshape(matrix.T.shape), matrix.T)


def test_what_one_side_has_in_several_is_no_pair() -> None:
    """A null for each would be wrong: they correspond, part by part."""

    def tensor(name: str, *shape: int) -> Tensor:
        return Tensor(name, "", name, shape, "float32", trained=True, buffer=False, index=0)

    left = {TORCH: (tensor("w", 3, 5, 2),), TENSORFLOW: tuple(tensor(f"k{place}", 5, 2) for place in range(3))}
    words = correspondence.what_to_write(Pairing((), (), left), Pairing((), ()))
    told = "what one side has in one parameter and the other in several cannot be told apart: w (3, 5, 2) in PyTorch, k0 (5, 2), "
    assert words.startswith(told)
    assert words.endswith("such as pair: {w[0]: k0, ...}")


@pytest.mark.parametrize("written", ["F.gelu", "'erf_gelu'"])
@pytest.mark.parametrize("name", ["lambda", "partial", "own", "of TensorFlow"])
def test_an_activation_may_be_any_function(session: Session, name: str, written: str) -> None:
    """The layer stands beside PyTorch's with the activation behind it, or where that is written out, beside none."""
    result = ported(
        session, f"functions.py:Net({written})", f"functions_keras.py:activated({name!r})", "normal(0, 2, (5, 4))"
    )
    assert result.agree, told(result)
    assert len(result.layers) == (1 if written != "F.gelu" and name != "of TensorFlow" else 2)


def test_an_activation_may_be_a_layer(session: Session) -> None:
    torch, at = "functions.py:Net('leaky')", "normal(0, 2, (5, 4))"
    assert ported(session, torch, "functions_keras.py:activated('layer')", at).agree
    result = ported(session, torch, "functions_keras.py:activated('layer', 0.3)", at)
    assert told(result).startswith("one is the first that parts")


def test_of_a_function_of_ones_own_it_is_not_said_what_it_is(session: Session) -> None:
    result = ported(session, "functions.py:Net(F.gelu)", "functions_keras.py:half()", "normal(0, 2, (5, 4))")
    assert told(result) == "one is the first that parts, by itself"


@pytest.mark.parametrize(
    ("biases", "said"),
    [
        (["b"], "rnn.bias_ih_l0 + rnn.bias_hh_l0: b}"),
        (["b", "c"], "rnn.bias_ih_l0: b, rnn.bias_hh_l0: c}"),
    ],
)
def test_two_biases_are_proposed_as_a_sum_where_keras_has_one(biases: list[str], said: str) -> None:
    def tensor(name: str) -> Tensor:
        layer, _, own = name.rpartition(".")
        return Tensor(name, layer, own, (4,), "float64", trained=True, buffer=False)

    ours = tensor("rnn.bias_ih_l0"), tensor("rnn.bias_hh_l0")
    left = Pairing((), (), {TORCH: ours, TENSORFLOW: tuple(map(tensor, biases))})
    words = correspondence.what_to_write(left, left)
    assert words.endswith(f"such as pair: {{{said}"), words
