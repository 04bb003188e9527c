"""Every layer of the dictionary is the same function in both frameworks, whatever it is told; measured in another process."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from typing import Any

import pytest

from tests import layer_rows
from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.language.trees import branches, called_name
from tfpt_cli.layers.initializers import not_the_same
from tfpt_cli.layers.known import known_row
from tfpt_cli.layers.slots import slots

# How far two sides in float64 may be apart. What a framework keeps in float32 is seen up to 1e-6.
CLOSE = 1e-12
IN_FLOAT32 = {"gelu": 1e-8, "leaky_relu": 1e-8, "upsample2d": 1e-6} | dict.fromkeys(layer_rows.FLOAT32, 1e-6)
# What one of the frameworks cannot compute on a processor, in its own words.
REFUSED = {
    f"conv_transpose{d}d(4, 3, 3, dilation=2, padding=1)": "not yet support dilation rates larger than 1"
    for d in (1, 2, 3)
}


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, Any]]:
    """What came out, by the neutral call."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", layer_rows.__file__], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {found["call"]: found for found in json.loads(done.stdout)}


def test_every_layer_is_called() -> None:
    called = {called_name(ast.parse(text, mode="eval").body) for text in layer_rows.CALLS}
    assert [name for name in dictionary().layers if name not in called] == []


def test_every_setting_is_given() -> None:
    """A setting that no call gives could be put into either spelling wrongly."""
    given: dict[str, set[str]] = {}
    for text in layer_rows.CALLS:
        call = ast.parse(text, mode="eval").body
        assert isinstance(call, ast.Call)
        bound, _ = dictionary().layers[called_name(call)].signature.bind(called_name(call), call)
        given.setdefault(called_name(call), set()).update(bound)
    lacking = {name: {*row.signature.settings} - given[name] for name, row in dictionary().layers.items()}
    lacking = {name: names - {"init"} for name, names in lacking.items()}  # of a PReLU: what its slopes start with
    assert {name: names for name, names in lacking.items() if names} == {}


def test_both_sides_are_the_same_function(measured: dict[str, dict[str, Any]]) -> None:
    wrong = {}
    for text, found in measured.items():
        if text in REFUSED:
            assert REFUSED[text] in found["error"]
            continue
        if unlike(text):
            assert found["apart"] > 1e-3, text
            continue
        most = IN_FLOAT32.get(text.partition("(")[0], CLOSE)
        if "error" in found or not max(found["apart"], found["trained"] or 0) <= most:
            wrong[text] = found
    assert wrong == {}


def unlike(text: str) -> str:
    """Why the row says that the two sides of a call are two functions; empty where they are one."""
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    row = dictionary().layers[called_name(call)]
    settings, _ = row.signature.values(row.name, row.signature.bind(row.name, call)[0])
    return not_the_same(row, settings)


def test_one_altered_weight_is_seen(measured: dict[str, dict[str, Any]]) -> None:
    altered = {text: found["altered"] for text, found in measured.items() if "altered" in found}
    with_parameters = [text for text in measured if dictionary().layers[text.partition("(")[0]].parameters]
    lacking = {text for text in with_parameters if text not in altered and text not in REFUSED}
    assert {text for text in lacking if "affine=False" not in text and "instance_norm" not in text} == set()
    assert {text: apart for text, apart in altered.items() if apart < 1e-4} == {}


def test_what_is_not_written_out_is_the_default_of_the_framework() -> None:
    """A keyword that a listing leaves out has in its framework the default that the row says."""
    wrong = []
    for row in dictionary().layers.values():
        usual = {p.name: ast.unparse(p.default) for p in row.signature.parameters if p.default is not None}
        left = row.left_out([p.name for p in row.signature.parameters if p.required])
        for framework in FRAMEWORKS:
            call = branches(row.spelling[framework])[0]
            signatures = native(framework).calls.get(native(framework).canonical(called_name(call)), [])
            defaults = {p.name: p.default for text in signatures[:1] for p in parse_signature(text).parameters}
            assert isinstance(call, ast.Call)
            for keyword in call.keywords:
                name = keyword.value.id if isinstance(keyword.value, ast.Name) else ""
                default = defaults.get(str(keyword.arg))
                if name in left and name in usual and default is not None and not alike(default, usual[name]):
                    wrong.append((row.name, framework, name, ast.unparse(default), usual[name]))
    assert wrong == []


def alike(default: ast.expr, text: str) -> bool:
    """Whether two defaults mean the same: (1, 1) is 1 for every axis, and 0 in PyTorch is the padding "valid"."""
    value, other = ast.literal_eval(default), ast.literal_eval(text)
    if isinstance(value, tuple):
        return all(one == other for one in value)
    return value == other or {value, other} <= {0, "valid"}


@pytest.mark.parametrize(
    ("torch", "keras", "row", "places"),
    [
        ("nn.Conv2d(3, 8, 3, padding=1)", "Conv2D(8, 3, padding='same')", "conv2d", "layer.weight layer.kernel"),
        ("nn.Conv2d(3, 8, 3, padding=(1, 2))", "Conv2D(8, 3)", "conv2d", "layer.weight layer.kernel"),
        ("nn.Conv2d(3, 8, 3)", "Conv2D(8, 3, padding='same', strides=2)", "conv2d", "layer.weight layer.kernel"),
        ("nn.Conv1d(3, 8, 3)", "Conv1D(8, 3, padding='causal')", "conv1d", "layer.weight layer.kernel"),
        (
            "nn.ConvTranspose2d(3, 8, 4, stride=2, padding=1, output_padding=1)",
            "Conv2DTranspose(8, 4, strides=2, padding='same')",
            *("conv_transpose2d", "layer.weight layer.kernel"),
        ),
        ("nn.ConvTranspose1d(3, 8, 4)", "Conv1DTranspose(8, 4)", "conv_transpose1d", "layer.weight layer.kernel"),
        (
            "nn.BatchNorm2d(8, eps=0.1, momentum=None)",
            "BatchNormalization()",
            "batch_norm2d",
            "layer.weight layer.gamma",
        ),
        ("nn.BatchNorm2d(8)", "BatchNormalization(momentum=0.9)", "batch_norm2d", "layer.weight layer.gamma"),
        ("nn.LayerNorm(8)", "LayerNormalization(epsilon=1e-5)", "layer_norm", "layer.weight layer.gamma"),
        ("nn.RMSNorm(8)", "RMSNormalization()", "rms_norm", "layer.weight layer.scale"),
        ("nn.LSTM(3, 4)", "LSTM(4)", "lstm", "layer.weight_ih_l0 layer.cell.kernel"),
        (
            "nn.LSTM(3, 4, batch_first=True)",
            "LSTM(4, return_sequences=True)",
            *("lstm", "layer.weight_ih_l0 layer.cell.kernel"),
        ),
        ("nn.PReLU(8)", "PReLU()", "prelu", "layer.weight layer.alpha"),
        ("nn.PReLU(8)", "PReLU(shared_axes=[1, 2])", "prelu2d", "layer.weight layer.alpha"),
        ("nn.PReLU()", "PReLU(shared_axes=[1])", "prelu", "layer.weight layer.alpha"),
        ("nn.MultiheadAttention(8, 2)", "MultiHeadAttention(2, 4)", "multi_head_attention", ""),
    ],
)
def test_native_layers_are_known_whatever_their_settings(torch: str, keras: str, row: str, places: str) -> None:
    """The call of a person says less than a row writes out, or more, and the parameters are where they always were."""
    trees = [ast.parse(text, mode="eval").body for text in (torch, f"keras.layers.{keras}")]
    assert all(isinstance(tree, ast.Call) for tree in trees)
    found, settings = known_row(*trees)  # type: ignore[arg-type]
    assert found is not None
    assert found.name == row
    first = next(iter(slots(found, settings)))
    assert not places or " ".join(str(first.attribute[f]) for f in FRAMEWORKS) == places


def test_the_scripts_are_what_a_person_would_write(measured: dict[str, dict[str, Any]]) -> None:
    assert measured["conv2d(4, 6, 3, padding=1, stride=2)"][TENSORFLOW] == (
        "keras.Sequential([keras.layers.ZeroPadding2D(1), keras.layers.Conv2D(6, 3, strides=2)])"
    )
    assert measured["batch_norm2d(4)"][TENSORFLOW] == "keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-05)"
    assert measured["batch_norm2d(4, affine=False)"][TENSORFLOW].endswith("center=False, scale=False)")
