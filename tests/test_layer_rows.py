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
    # These are said of the parameters alone, or part the two functions: the notes say so.
    apart = {"track_running_stats", "reset_after", "init"}
    assert {name: names - apart for name, names in lacking.items() if names - apart} == {}


def test_both_sides_are_the_same_function(measured: dict[str, dict[str, Any]]) -> None:
    wrong = {}
    for text, found in measured.items():
        if text in REFUSED:
            assert REFUSED[text] in found["error"]
            continue
        most = IN_FLOAT32.get(text.partition("(")[0], CLOSE)
        if "error" in found or not max(found["apart"], found["trained"] or 0) <= most:
            wrong[text] = found
    assert wrong == {}


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


def test_the_scripts_are_what_a_person_would_write(measured: dict[str, dict[str, Any]]) -> None:
    assert measured["conv2d(4, 6, 3, padding=1, stride=2)"][TENSORFLOW] == (
        "keras.Sequential([keras.layers.ZeroPadding2D(1), keras.layers.Conv2D(6, 3, strides=2)])"
    )
    assert measured["batch_norm2d(4)"][TENSORFLOW] == "keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-05)"
    assert measured["batch_norm2d(4, affine=False)"][TENSORFLOW].endswith("center=False, scale=False)")
