"""A person's own function, read as one expression of its inputs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tfpt_cli.expressions.own_code import own_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = """\
import torch
import torch.nn.functional as F
from torch import nn
import tensorflow as tf
from tensorflow.keras import layers as L

EPS = 1e-6


def length(v):
    return torch.sqrt(torch.sum(v ** 2) + EPS)


class Net(nn.Module):
    def __init__(self, width, momentum=0.1):
        super().__init__()
        self.norm = nn.BatchNorm1d(width, momentum=momentum)
        self.act = F.gelu

    def scaled(self, x):
        return 2 * x

    def forward(self, x):
        return self.act(self.norm(self.scaled(x)))


"""
CASES = {
    "names": (
        "def f(a):\n    total = torch.sum(a ** 2)\n    return torch.sqrt(total)\n",
        "torch.sqrt(torch.sum(x ** 2))",
    ),
    "a function of the file": ("def f(a):\n    return length(a - 1)\n", "torch.sqrt(torch.sum((x - 1) ** 2) + 1e-06)"),
    "arguments by name": (
        "def f(a):\n    def g(u, k=3):\n        return k * u\n    return g(u=a) + g(a, k=2)\n",
        "3 * x + 2 * x",
    ),
    "a class": (
        "def f(a):\n    return Net(4, momentum=0.9)(a)\n",
        "torch.nn.functional.gelu(torch.nn.BatchNorm1d(4, momentum=0.9)(2 * x))",
    ),
    "an object at the top": (
        "net = Net(4)\n\ndef f(a):\n    return net(a)\n",
        "torch.nn.functional.gelu(torch.nn.BatchNorm1d(4, momentum=0.1)(2 * x))",
    ),
    "a module by another name": ("def f(a):\n    return L.Dense(2)(a)\n", "tf.keras.layers.Dense(2)(x)"),
    "taken apart": (
        "def f(a):\n    u, v = a, 2 * a\n    w, _ = torch.max(u, dim=0)\n    return w + v\n",
        "torch.max(x, dim=0)[0] + 2 * x",
    ),
    "added to": ("def f(a):\n    y = F.relu(a)\n    y += 1\n    return y\n", "torch.nn.functional.relu(x) + 1"),
    "a lambda": ("square = lambda v: v * v\n\ndef f(a):\n    return square(a)\n", "x * x"),
    "arguments handed on": (
        "class A:\n    def __call__(self, *args, **kwargs):\n        return F.elu(*args, **kwargs)\n\n"
        "def f(a):\n    return A()(a, alpha=2)\n",
        "torch.nn.functional.elu(x, alpha=2)",
    ),
    "functions handed on": (
        "def g(u, *fs):\n    return fs[0](u) - fs[-1](u)\n\ndef f(a):\n    return g(a, lambda v: 2 * v, length)\n",
        "2 * x - torch.sqrt(torch.sum(x ** 2) + 1e-06)",
    ),
    "functions in a dictionary handed on are not known": (
        "def g(u, **fs):\n    return F.elu(u, **fs)\n\ndef f(a):\n    return g(a, alpha=2, inplace=length)\n",
        "torch.nn.functional.elu(x, **fs)",
    ),
    "two functions that one makes": (
        "def g(k):\n    return (lambda v: k * v), (lambda v: v + k)\n\ndef f(a):\n    u, v = g(3)\n    return v(u(a))\n",
        "3 * x + 3",
    ),
    "a list in a list, and parts of both": (
        "def f(a):\n    u = [1, *(a, 2 * a)]\n    return dict(b=u[-1])['b'] + {'c': u[1]}['c']\n",
        "dict(b=2 * x)['b'] + x",
    ),
    "a comprehension taken apart": (
        "def f(a):\n    u, v = (2 * p for p in a.chunk(2))\n    return u - v\n",
        "2 * x.chunk(2)[0] - 2 * x.chunk(2)[1]",
    ),
    "a loop": (
        "def f(a):\n    y = 0\n    for p in a.chunk(2):\n        y = y + p\n    return y\n",
        "0 + x.chunk(2)[each]",
    ),
    "a weight of a layer of one's own": (
        "class A(L.Layer):\n    def __init__(self):\n        self.w = self.add_weight((3, 3), 'he_normal')\n\n"
        "    def call(self, x):\n        return x @ self.w\n\ndef f(a):\n    return A()(a)\n",
        "x @ keras.initializers.he_normal()((3, 3))",
    ),
    "both branches": (
        "def f(a):\n    if EPS:\n        y = F.relu(a)\n    else:\n        y = F.elu(a)\n    return y\n",
        "torch.nn.functional.relu(x) if EPS else torch.nn.functional.elu(x)",
    ),
}


@pytest.mark.parametrize(("code", "expected"), CASES.values(), ids=list(CASES))
def test_a_function_is_read_as_an_expression(code: str, expected: str, write: Callable[..., Path]) -> None:
    file = write(HEAD + code, "port.py")
    assert ast.unparse(own_code(str(file), "f", ["x"])[0]) == expected


def test_every_node_has_its_line(write: Callable[..., Path]) -> None:
    file = write("import torch\n\n\ndef f(a):\n    total = torch.sum(a)\n    return torch.sqrt(total)\n", "port.py")
    (tree,) = own_code(str(file), "f", ["x"])
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    lines = {ast.unparse(call): getattr(call, "place", "").rpartition(":")[2] for call in calls}
    assert lines == {"torch.sqrt(torch.sum(x))": "6", "torch.sum(x)": "5"}


@pytest.mark.parametrize(
    "code",
    [
        "def f(a):\n    return f(a)\n",
        "def f(a):\n    return g(a)\n\ndef g(a):\n    return f(a)\n",
        "def f(a):\n    for _ in range(9):\n        a = a @ a + a\n    return a\n",
        "def f(a):\n    while a.sum() > 0:\n        a = a - 1\n    return a\n",
        "def f(*a):\n    return a[0]\n",
        "def f(a):\n    pass\n",
        "f = 3\n",
        "f = f(1)\n",
        "def f(a:\n",
        "class f:\n    pass\n",
        "def f(a):\n" + "".join(f"    a = a + a * {i}\n" for i in range(40)) + "    return a\n",
    ],
)
def test_nothing_that_is_odd_breaks_or_takes_long(code: str, write: Callable[..., Path]) -> None:
    trees = own_code(str(write(code, "port.py")), "f", ["x"])
    assert sum(1 for tree in trees for _ in ast.walk(tree)) < 100_000


def test_a_file_that_is_not_there_is_not_read() -> None:
    assert own_code(str(ROOT / "nowhere.py"), "f", ["x"]) == ()


@pytest.mark.parametrize(
    "line",
    [
        "layer.weight.data = a",
        "layer.weight = nn.Parameter(a.detach().clone())",
        "layer.weight.copy_(torch.tensor(a.numpy()))",
        "layer.weight.data.copy_(a)",
    ],
)
def test_what_is_put_into_a_weight_is_read_in_one_way(line: str, write: Callable[..., Path]) -> None:
    code = f"import torch\nfrom torch import nn\n\ndef f(a):\n    layer = nn.Linear(3, 3)\n    {line}\n    return layer(a)\n"
    read = [ast.unparse(tree) for tree in own_code(str(write(code, "port.py")), "f", ["x"])]
    assert read == ["torch.nn.Linear(3, 3)(x)", "torch.nn.Linear(3, 3).weight.copy_(x)"]


@pytest.mark.parametrize(
    ("lines", "put"),
    [
        (
            "net = nn.Linear(3, 3)\n    net.load_state_dict({'weight': a.detach()})",
            ["torch.nn.Linear(3, 3).weight.copy_(x)"],
        ),
        ("net = nn.Linear(3, 3)\n    net.load_state_dict(dict(weight=a))", ["torch.nn.Linear(3, 3).weight.copy_(x)"]),
        (
            "net = Block()\n    net.load_state_dict({'fc.0.weight': a})",
            ["torch.nn.Sequential(torch.nn.Linear(3, 3))[0].weight.copy_(x)"],
        ),
        (
            "net = nn.Linear(3, 3)\n    net.load_state_dict(torch.load('w.pt'))",
            ["torch.nn.Linear(3, 3).load_state_dict(torch.load('w.pt'))"],
        ),
        ("net = Block()\n    net.apply(fill)", ["torch.nn.init.zeros_(net[each].weight)"]),
        (
            "net = L.Dense(3)\n    s = {'b': 2 * a, 'a': a}\n    net.set_weights([s[k] for k in sorted(s)] + [a.T] * 2)",
            ["tf.keras.layers.Dense(3).set_weights([x, 2 * x, x.T, x.T])"],
        ),
    ],
)
def test_what_is_loaded_is_read_as_what_is_put_where(lines: str, put: list[str], write: Callable[..., Path]) -> None:
    head = (
        "import torch\nfrom torch import nn\nfrom tensorflow.keras import layers as L\n\n"
        "class Block(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Sequential(nn.Linear(3, 3))\n\n"
        "def fill(m):\n    if isinstance(m, nn.Linear):\n        nn.init.zeros_(m.weight)\n\n"
    )
    code = f"{head}def f(a):\n    {lines}\n    return a\n"
    read = [ast.unparse(tree) for tree in own_code(str(write(code, "port.py")), "f", ["x"])]
    assert read == ["x", *put]
