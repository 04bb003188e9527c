"""A person's own function that is a straight row of statements, as the expression that it means; others are not read."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import warm_tfpt
from tfpt_cli.expressions.straight import straight

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = """\
import torch
import torch.nn.functional as F
from tensorflow import keras

EPS = 1e-6
HALF = 0.5
TABLE = torch.ones(3)


def length(v, eps=EPS):
    return torch.sqrt(torch.sum(v**2) + eps)


"""
READ = {
    "names": ("def f(a):\n    t = a * 2\n    t = t + 1\n    return t * t", "(x * 2 + 1) * (x * 2 + 1)"),
    "a function of the file": ("def f(a):\n    return length(a) / HALF", "torch.sqrt(torch.sum(x ** 2) + 1e-06) / 0.5"),
    "by name": ("def f(a):\n    return length(eps=3, v=a)", "torch.sqrt(torch.sum(x ** 2) + 3)"),
    "two at once": ("def f(a):\n    b, c = a, a - 1\n    return b * c", "x * (x - 1)"),
    "parts": ("def f(a):\n    v, i = torch.max(a, 0)\n    return v", "torch.max(x, 0)[0]"),
    "full names": ("def f(a):\n    'words'\n    return F.relu(a[..., :1])", "torch.nn.functional.relu(x[..., :1])"),
    "a local name that hides a module": ("def f(F):\n    keras = F\n    return keras + F", "x + x"),
    "an import of its own": ("def f(a):\n    return a\nimport math\n\ndef g(a):\n    import math\n    return a", "x"),
    "no statistics": (
        "def f(a):\n    return F.batch_norm(a, None, None, training=True)",
        "torch.nn.functional.batch_norm(x, None, None, training=True)",
    ),
    "what runs as a program": ("def f(a):\n    return a\nif __name__ == '__main__':\n    print(f(1))", "x"),
}
NOT_READ = {
    "a branch": "def f(a):\n    if a.sum() > 0:\n        return a\n    return -a",
    "a loop": "def f(a):\n    for _ in range(3):\n        a = a * 2\n    return a",
    "written into": "def f(a):\n    b = a * 1\n    b += 1\n    return b",
    "a method that writes": "def f(a):\n    b = a.mul_(2)\n    return a",
    "an entry": "def f(a):\n    a[0] = 1\n    return a",
    "inplace": "def f(a):\n    b = F.relu(a, inplace=True)\n    return a",
    "inplace by place": "def f(a):\n    b = F.relu(a, True)\n    return a",
    "an object with inplace": "def f(a):\n    b = torch.nn.ReLU(True)(a)\n    return a",
    "statistics that are written into": "def f(a):\n    b = F.batch_norm(a, a[0], a[1])\n    return a",
    "weights that are written into": "def f(a):\n    b = F.embedding(i, a, None, 1.0)\n    return a",
    "a layer that keeps its statistics": "def f(a):\n    n = torch.nn.BatchNorm1d(2)\n    b = n(a)\n    return n.eval()(a)",
    "out": "def f(a):\n    b = torch.exp(a, out=a)\n    return a",
    "a tensor at the top": "def f(a):\n    return a * TABLE",
    "a name bound twice": "def f(a):\n    return a * EPS\nEPS = 2",
    "a function that is bound again": "def f(a):\n    return length(a)\n\n\ndef length(v):\n    return v",
    "an import that is bound again": "def f(a):\n    return F.relu(a)\nimport mine as F",
    "a module that is written into": "def f(a):\n    return torch.relu(a)\ntorch.relu = abs",
    "a call at the top": "torch.set_default_dtype(torch.float64)\n\ndef f(a):\n    return a",
    "a decorator": "@torch.no_grad()\ndef f(a):\n    return a",
    "a statement that calls": "def f(a):\n    torch.relu_(a)\n    return a",
    "an unknown name": "def f(a):\n    return a * x",
    "a star": "def f(*a):\n    return a[0]",
    "a comprehension": "def f(a):\n    return sum([each for each in a])",
    "a global": "def f(a):\n    global EPS\n    EPS = 3\n    return a * EPS",
    "calls without end": "def f(a):\n    return f(a)",
    "a name that grows without end": "def f(a):\n" + "    a = a + a\n" * 30 + "    return a",
    "nothing returned": "def f(a):\n    b = a",
    "too few arguments": "def f(a, b):\n    return a + b",
}


def read(text: str, tmp_path: Path) -> str | None:
    file = tmp_path / "own.py"
    file.write_text(HEAD + text + "\n", encoding="utf-8")
    tree = straight(str(file), "f", ["x"])
    return None if tree is None else ast.unparse(tree)


@pytest.mark.parametrize("name", READ)
def test_read(name: str, tmp_path: Path) -> None:
    text, expected = READ[name]
    assert read(text, tmp_path) == expected


@pytest.mark.parametrize("name", NOT_READ)
def test_not_read(name: str, tmp_path: Path) -> None:
    assert read(NOT_READ[name], tmp_path) is None


@pytest.fixture
def compared(write: Callable[..., Path], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Gives the comparisons by quantity of two functions `ours` and `theirs` of x."""

    def check(ours: str, theirs: str, at: str) -> dict[str, Any]:
        text = f"import torch\nimport tensorflow as tf\n\n\ndef ours(x):\n{ours}\n\n\ndef theirs(x):\n{theirs}\n"
        (tmp_path / "both.py").write_text(text, encoding="utf-8")
        side = f"{{python: '{tmp_path}/both.py:%s'}}"
        file = write(f"name: n\ngradient: {{torch: {side % 'ours'}, tensorflow: {side % 'theirs'}, at: {{x: {at}}}}}\n")
        (scenario,) = warm_tfpt("check", file, "--allow-code", "--format", "json").json["scenarios"]
        return {comparison["quantity"]: comparison for comparison in scenario["comparisons"]}

    return check


def standings(comparison: dict[str, Any]) -> list[str | None]:
    return [comparison.get("reference", {}).get(side, {}).get("standing") for side in ("torch", "tensorflow")]


def test_a_value_has_a_reference(compared: Callable[..., dict[str, Any]]) -> None:
    ours = "    size = torch.sqrt(torch.sum(x**2))\n    return torch.log(x / size)"
    theirs = "    size = tf.sqrt(tf.reduce_sum(x**2))\n    return tf.math.log(x / size) + 1.0"
    found = compared(ours, theirs, "[3.0, -4.0]")["value"]
    assert standings(found) == ["right", "right"]
    assert "they are different functions" in " ".join(found["findings"])


def test_digits_are_lost_and_nobody_is_wrong(compared: Callable[..., dict[str, Any]]) -> None:
    ours = "    far = x + 1.0e5\n    return (far**2 - 1.0e10) / 1.0e5"
    found = compared(ours, "    return (x**2) / 1.0e5 + 2.0 * x", "[0.3]")["value"]
    assert standings(found) == ["rounding", "right"]


def test_float32_that_stands_in_the_code_is_called_nothing(compared: Callable[..., dict[str, Any]]) -> None:
    theirs = "    far = tf.cast(x, tf.float32) + tf.constant(1.0e5)\n    return (far**2 - 1.0e10) / 1.0e5"
    found = compared("    return (x**2) / 1.0e5 + 2.0 * x", theirs, "[0.3]")["value"]
    assert standings(found) == ["right", "unknown"]


def test_a_layer_of_a_line_that_keeps_statistics_is_not_read_where_it_is_called_twice(
    write: Callable[..., Path],
) -> None:
    file = write("""\
name: n
gradient:
  let:
    torch: {mean: 'x.mean(0)'}
    tensorflow: {bn: keras.layers.BatchNormalization(momentum=0.0), step: 'keras.Sequential([bn])(x, training=True)'}
  torch: 1 - mean
  tensorflow: keras.Sequential([bn])(0 * step + 1)[0]
  at: {x: [[-1.0], [3.0]]}
  derivatives: []
""")
    (scenario,) = warm_tfpt("check", file, "--format", "json").json["scenarios"]
    assert standings(scenario["comparisons"][0]) == ["right", None]
    words = "no reference for TensorFlow's side: bn is called more than once, and keeps something of each call"
    assert words in scenario["notes"]
