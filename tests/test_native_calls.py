"""Native calls as people write them: what the reference computes for each is what the framework does, in float64."""

from __future__ import annotations

import ast
import itertools
import json
import math
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.special
import yaml

from tfpt_cli.dictionary.readings import reading_name, readings, same
from tfpt_cli.expressions.checking import shape_of
from tfpt_cli.expressions.lifting import NoRow, lifted
from tfpt_cli.expressions.lowering import written_for_reference
from tfpt_cli.expressions.native import check_native
from tfpt_cli.language.constants import mark_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

CALLS: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "native_calls.yaml").read_text(encoding="utf-8"))


def arrays() -> dict[str, NDArray[Any]]:
    """The arrays that the calls are measured at: real ones, probabilities `p` and `q`, classes `c`, images `im` and `hw`, ..."""
    rng = np.random.RandomState(0)
    symmetric = rng.normal(size=(3, 3))
    normal = {
        "x": (3, 4), "y": (3, 4), "v": (5,), "v2": (5,), "b": (4,), "bc": (4,), "B": (3, 2), "tall": (5, 3),
        "batch": (2, 3, 4), "batch2": (2, 5, 4), "x3": (2, 4, 5), "im": (2, 4, 6, 5), "wk": (4, 4, 3, 2),
        "gk": (4, 2, 3, 2), "dk": (4, 1, 3, 2), "s": (2, 4, 9), "sk": (3, 4, 3), "vol": (1, 2, 4, 5, 4),
        "volk": (3, 2, 2, 2, 3), "hw": (2, 6, 5, 4), "hk": (3, 2, 4, 3), "hs": (2, 9, 4), "hsk": (3, 4, 3),
    }  # fmt: skip
    return {name: rng.normal(size=shape) for name, shape in normal.items()} | {
        "u": rng.uniform(0.1, 2, (3, 4)), "w": rng.uniform(0.5, 2, 4), "r": rng.uniform(0.5, 2, 3),
        "bv": rng.uniform(0.5, 2, 4), "p": rng.dirichlet([1] * 4, 3), "q": rng.dirichlet([1] * 4, 3),
        "t": (rng.uniform(size=(3, 4)) > 0.5) * 1.0, "g": np.sign(rng.normal(size=(3, 4))),
        "h": np.array([1.0, -1.0, 1.0]), "m": rng.uniform(size=(3, 4)) > 0.5, "srt": np.array([1.0, 2.0, 4.0, 7.0]),
        "c": np.array([2, 0, 3]), "i": np.array([0, 2, 1]), "ig": np.array([2, -1, 3]), "n2": np.array([[0, 1], [2, 2]]),
        "k": np.array([[0, 2, 1, 3], [1, 0, 2, 2], [3, 3, 0, 1]]), "cl": np.array([[1, 0, 2, 2, 1], [3, 0, 0, 1, 2]]),
        "A": rng.normal(size=(3, 3)) + 3 * np.eye(3), "sym": symmetric @ symmetric.T + np.eye(3),
        "z": rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4)),
    }  # fmt: skip


ARRAYS = arrays()
SHAPES = {name: value.shape for name, value in ARRAYS.items()}
WHOLE = {name for name, value in ARRAYS.items() if value.dtype.kind == "i"}
KINDS = {name: {"i": "integers", "b": "booleans"}.get(value.dtype.kind, "") for name, value in ARRAYS.items()}
RUN = """
import os, sys, math, pickle
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
framework, arrays, calls = pickle.load(sys.stdin.buffer)
if framework == "torch":
    import torch, torch.nn as nn, torch.nn.functional as F
    torch.set_default_dtype(torch.float64)
    names = {"torch": torch, "nn": nn, "F": F} | {name: torch.tensor(value) for name, value in arrays.items()}
else:
    import tensorflow as tf, keras
    keras.backend.set_floatx("float64")
    names = {"tf": tf, "keras": keras} | {name: tf.constant(value) for name, value in arrays.items()}
found = []
for call in calls:
    result = eval(call, {"math": math, "np": np, **names})
    found.append(np.asarray(result.detach() if hasattr(result, "detach") else result))
sys.stdout.buffer.write(b"---" + pickle.dumps(found))
"""


def meaning(call: str, framework: str) -> ast.expr:
    """The neutral expression that a call means, after it was checked as those of a scenario are."""
    tree = ast.parse(call, mode="eval").body
    assert [complaint.message for complaint in check_native(tree, framework, set(ARRAYS))] == []
    neutral = mark_inputs(lifted(tree, framework, set(ARRAYS), WHOLE, SHAPES), set(ARRAYS))
    kinds = {name: kind for name, kind in KINDS.items() if kind}
    assert [complaint.message for complaint in shape_of(neutral, SHAPES, kinds)[1]] == []
    return neutral


def reference(call: str, framework: str) -> NDArray[Any]:
    """What the reference computes for a call."""
    source = written_for_reference(meaning(call, framework), "float64", itertools.count())
    names = {"np": np, "scipy": scipy, "math": math, "_held": {}}
    with np.errstate(all="ignore"):
        return np.asarray(eval(str(source), {**names, **ARRAYS}))


@pytest.mark.parametrize("framework", sorted(CALLS))
def test_the_reference_computes_what_the_framework_does(framework: str) -> None:
    given = pickle.dumps((framework, ARRAYS, CALLS[framework]))
    done = subprocess.run([sys.executable, "-c", RUN], input=given, capture_output=True)
    assert b"---" in done.stdout, done.stderr[-2000:].decode()
    found = pickle.loads(done.stdout.partition(b"---")[2])
    wrong = []
    for call, value in zip(CALLS[framework], found, strict=True):
        expected = reference(call, framework)
        if value.shape != expected.shape or not np.allclose(value, expected, rtol=1e-7, atol=1e-9, equal_nan=True):
            wrong.append(json.dumps([call, str(value)[:80], str(expected)[:80]]))
    assert wrong == []


@pytest.mark.parametrize("framework", sorted(CALLS))
def test_every_reading_is_measured(framework: str) -> None:
    """Each call that `readings.yaml` reads stands among the measured ones, under its name or as a method."""
    used = set()
    for call in CALLS[framework]:
        for node in ast.walk(ast.parse(call, mode="eval")):
            if isinstance(node, ast.Call):
                used.add(reading_name(node, framework))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                used |= {f"_.{node.func.attr}", f"torch.{node.func.attr}"}
    # No kernel for these in float64 on a CPU.
    unmeasured = {
        "tf.nn.avg_pool3d",
        "tf.nn.max_pool3d",
        "keras.layers.MaxPooling3D()",
        "keras.layers.AveragePooling3D()",
    }
    names = {name.partition("[")[0] for name in readings(framework)} | set(same(framework))
    assert names - used - unmeasured == set()


@pytest.mark.parametrize(
    "call",
    [
        "torch.gather(x, 0, n2)",  # of a part of the array, which NumPy would broadcast
        "F.cross_entropy(x, y, weight=w, reduction='mean', size_average=False)",
        "F.triplet_margin_loss(x, y, u, swap=True)",
        "F.max_pool2d(im, 2, return_indices=True)",
        "F.prelu(x3, b)",  # a slope for each channel, which is no axis that broadcasting takes
        "nn.Linear(4, 2)(x)",
        "x.to(torch.float16)",
        "keras.losses.MeanSquaredError()(v, v[:, None])",  # which Keras squeezes
        "keras.losses.mean_squared_error(v, v[:, None])",
        "nn.ReLU(inplace=True)(x)",  # which changes its argument, as the next does
        "F.batch_norm(x, bc, bv, training=True)",
        "F.scaled_dot_product_attention(batch, batch2, batch2, attn_mask=m)",  # of truth values or of numbers
    ],
)
def test_what_means_another_function_is_not_read(call: str) -> None:
    framework = "tensorflow" if call.startswith(("tf.", "keras.")) else "torch"
    with pytest.raises(NoRow):
        lifted(ast.parse(call, mode="eval").body, framework, set(ARRAYS), WHOLE, SHAPES)
