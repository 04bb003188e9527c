"""One spelling for what has several: the synonyms are what the frameworks say, and code is read so."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

from tfpt_cli.dictionary.canonical import canonical
from tfpt_cli.dictionary.files import rows_of

# In a framework's own process: whether each name is one object with the first, an alias by its own words, or gives the same.
ASKED = """
import os, sys, json
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
framework, synonyms = json.load(sys.stdin)
if framework == "torch":
    import torch, torch.nn.functional as F
    from torch import nn
    roots = {"torch": torch, "F": F, "nn": nn}
    x = torch.tensor([[0.3, 0.8, 0.5], [0.9, 0.2, 0.6]], dtype=torch.float64)
    more = {"threshold": (0.5, 0.1), "softmax": (1,), "log_softmax": (1,), "rms_norm": ((3,),)}
    same = lambda one, other, name: torch.equal(one(x, *more.get(name, ())), other(x, *more.get(name, ())))
else:
    import tensorflow, keras
    roots = {"tf": tensorflow, "keras": keras}
    same = lambda one, other, name: False

def named(full):
    value = roots[full.split(".")[0]]
    for part in full.split(".")[1:]:
        value = getattr(value, part)
    return value

wrong = []
for first, others in synonyms.items():
    for other in others:
        one, two = named(first), named(other)
        words = (getattr(one, "__doc__", "") or "") + (getattr(two, "__doc__", "") or "")
        if one is two or "lias f" in words or "lias o" in words:
            continue
        if not same(one, two, first.split(".")[-1]):
            wrong.append([first, other])
print("\\n" + json.dumps(wrong))
"""


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_synonyms_are_one_function(framework: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        input=json.dumps([framework, rows_of("synonyms")[framework]]),
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [], done.stderr[-2000:]


@pytest.mark.parametrize(
    ("framework", "code", "read"),
    [
        ("torch", "torch.nn.functional.relu(x)", "F.relu(x)"),
        ("torch", "torch.absolute(x).sum(0)", "torch.sum(torch.abs(x), 0)"),
        ("torch", "x.view(2, -1)", "torch.reshape(x, (2, -1))"),
        ("torch", "x.permute(1, 0)", "torch.permute(x, (1, 0))"),
        ("torch", "x.where(c, y)", "x.where(c, y)"),  # its first argument is the condition in torch.where
        ("torch", "nn.Sequential(nn.Linear(2, 3), nn.GELU())(x)", "F.gelu(nn.Linear(2, 3)(x))"),
        ("torch", "nn.Sequential(*layers)(x)", "nn.Sequential(*layers)(x)"),
        (
            "torch",
            "torch.layer_norm(x, [3], g, None, 1e-3, False)",
            "F.layer_norm(x, normalized_shape=[3], weight=g, bias=None, eps=0.001)",
        ),
        (
            "torch",
            "torch.batch_norm(x, g, b, m, v, True)",
            "torch.batch_norm(x, g, b, m, v, True)",
        ),  # nobody can call that
        ("torch", "nn.init.xavier_uniform_(w, nn.init.calculate_gain('selu'))", "nn.init.xavier_uniform_(w, 0.75)"),
        ("torch", "nn.init.calculate_gain(kind)", "nn.init.calculate_gain(kind)"),
        ("torch", "nn.LeakyReLU(0.2)(x)", "F.leaky_relu(x, negative_slope=0.2)"),
        ("tensorflow", "keras.layers.Activation('tanh')(x)", "keras.activations.tanh(x)"),
        ("tensorflow", "keras.layers.Activation(tf.nn.selu)(x)", "tf.nn.selu(x)"),
        ("tensorflow", "keras.layers.Activation(f)(x)", "keras.layers.Activation(f)(x)"),
        (
            "tensorflow",
            "keras.layers.Dense(2, activation='relu', use_bias=False)(x)",
            "keras.activations.relu(keras.layers.Dense(2, use_bias=False)(x))",
        ),
        ("tensorflow", "keras.layers.Dense(2, activation=f)(x)", "keras.layers.Dense(2, activation=f)(x)"),
        ("tensorflow", "keras.layers.LSTM(2, activation='relu')(x)", "keras.layers.LSTM(2, activation='relu')(x)"),
        ("tensorflow", "keras.layers.BatchNormalization()(x, training=None)", "keras.layers.BatchNormalization()(x)"),
        (
            "tensorflow",
            "w.transpose(2, 3, 1, 0).reshape((4, -1))",
            "tf.reshape(tf.transpose(w, (2, 3, 1, 0)), (4, -1))",
        ),
        ("tensorflow", "np.split(np.transpose(w), 3)[0].std()", "np.std(tf.split(tf.transpose(w), 3)[0])"),
        ("tensorflow", "tf.math.reduce_sum(tf.math.abs(x))", "tf.reduce_sum(tf.abs(x))"),
        (
            "tensorflow",
            "keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(), keras.layers.Dense(2)])(x, training=True)",
            "keras.layers.Dense(2)(keras.layers.BatchNormalization()(x, training=True))",
        ),
    ],
)
def test_code_is_read_in_one_spelling(framework: str, code: str, read: str) -> None:
    assert ast.unparse(canonical(ast.parse(code, mode="eval").body, framework)) == read


def test_what_is_in_its_one_spelling_stays() -> None:
    once = canonical(ast.parse("x.softmax(1).sum().sqrt()", mode="eval").body, "torch")
    assert ast.unparse(canonical(once, "torch")) == ast.unparse(once)
