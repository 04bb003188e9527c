"""Mistakes put into one side of a native pair that agrees: a wrong sign, factor, axis, index, dtype, one ULP, one NaN.

What the pair gives without the mistake is the truth: NumPy's, where both frameworks confirm it. So tfpt must say
that the two part wherever the mistake changes a number beyond the tolerance, and call nobody wrong but the altered side.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it

from tests.oracles.truth import Case, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

_VECTOR = [0.3, -0.8, 1.7, 0.45]
_POSITIVE = [0.3, 0.8, 1.7, 0.45]
_MATRIX = [[0.3, -0.8, 1.7], [0.9, 0.2, -1.1], [-0.6, 1.3, 0.7]]
_OTHER = [[1.2, 0.4, -0.5], [0.1, -0.9, 0.8], [0.6, -0.3, 1.5]]
_LIMITS = {"float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


@dataclass(frozen=True)
class Pair:
    """Native code that means the same; `axis` is what a wrong axis is written for, on either side."""

    torch: str
    tensorflow: str
    at: dict[str, Any]
    axis: tuple[str, str] | None = None


def _unary(name: str, points: list[float] = _VECTOR) -> Pair:
    other = {"asin": "tf.asin", "erf": "tf.math.erf", "lgamma": "tf.math.lgamma", "log1p": "tf.math.log1p"}.get(
        name, f"tf.{name}"
    )
    return Pair(f"torch.{name}(x)", f"{other}(x)", {"x": points})


PAIRS = (
    *map(_unary, ("exp", "sin", "cos", "tanh", "sigmoid", "square", "abs", "erf", "sinh", "atan")),
    *(_unary(name, _POSITIVE) for name in ("log1p", "lgamma", "sqrt")),
    Pair("torch.log(x)", "tf.math.log(x)", {"x": _POSITIVE}),
    Pair("F.softplus(x)", "tf.math.softplus(x)", {"x": _VECTOR}),
    Pair("F.elu(x)", "tf.nn.elu(x)", {"x": _VECTOR}),
    Pair("F.relu(x)", "tf.nn.relu(x)", {"x": _VECTOR}),
    Pair("F.silu(x)", "tf.nn.silu(x)", {"x": _VECTOR}),
    Pair("F.gelu(x)", "tf.nn.gelu(x, approximate=False)", {"x": _VECTOR}),
    Pair("torch.sum(x, dim=0)", "tf.reduce_sum(x, axis=0)", {"x": _MATRIX}, ("dim=0", "dim=1")),
    Pair("torch.mean(x, dim=1)", "tf.reduce_mean(x, axis=1)", {"x": _MATRIX}, ("dim=1", "dim=0")),
    Pair("torch.prod(x, dim=0)", "tf.reduce_prod(x, axis=0)", {"x": _MATRIX}, ("dim=0", "dim=1")),
    Pair("torch.amax(x, dim=0)", "tf.reduce_max(x, axis=0)", {"x": _MATRIX}, ("dim=0", "dim=1")),
    Pair("torch.logsumexp(x, dim=1)", "tf.reduce_logsumexp(x, axis=1)", {"x": _MATRIX}, ("dim=1", "dim=0")),
    Pair("torch.softmax(x, dim=1)", "tf.nn.softmax(x, axis=1)", {"x": _MATRIX}, ("dim=1", "dim=0")),
    Pair("torch.log_softmax(x, dim=1)", "tf.nn.log_softmax(x, axis=1)", {"x": _MATRIX}, ("dim=1", "dim=0")),
    Pair("torch.cumsum(x, dim=0)", "tf.cumsum(x, axis=0)", {"x": _MATRIX}, ("dim=0", "dim=1")),
    Pair("torch.sum(torch.square(x) * y)", "tf.reduce_sum(tf.square(x) * y)", {"x": _MATRIX, "y": _OTHER}),
    Pair("x * torch.exp(y)", "x * tf.exp(y)", {"x": _VECTOR, "y": _POSITIVE}),
    Pair("torch.sin(x) / y", "tf.sin(x) / y", {"x": _VECTOR, "y": _POSITIVE}),
    Pair("torch.matmul(x, y)", "tf.matmul(x, y)", {"x": _MATRIX, "y": _OTHER}),
    Pair("torch.tanh(x @ y)", "tf.tanh(x @ y)", {"x": _MATRIX, "y": _OTHER}),
    Pair("torch.atan2(x, y)", "tf.atan2(x, y)", {"x": _VECTOR, "y": _POSITIVE}),
    Pair("torch.maximum(x, y)", "tf.maximum(x, y)", {"x": _VECTOR, "y": _POSITIVE[::-1]}),
    Pair("torch.mean(torch.square(x - y))", "tf.reduce_mean(tf.square(x - y))", {"x": _VECTOR, "y": _POSITIVE}),
    Pair("torch.sum(x * torch.log(x))", "tf.reduce_sum(x * tf.math.log(x))", {"x": _POSITIVE}),
    Pair("torch.linalg.vector_norm(x)", "tf.norm(x)", {"x": _VECTOR}),
    Pair("torch.trace(x)", "tf.linalg.trace(x)", {"x": _MATRIX}),
)
PLANTS = ("sign", "sign inside", "factor", "factor inside", "axis", "index", "index of a row", "dtype", "ulp", "nan")


def _planted(pair: Pair, plant: str, side: str, dtype: str, rng: random.Random) -> dict[str, str] | None:
    """Both sides, one of them altered; None where the mistake cannot be made there."""
    code = {"torch": pair.torch, "tensorflow": pair.tensorflow}
    text = code[side]
    first = np.asarray(pair.at["x"])
    match plant:
        case "sign":
            altered = f"-({text})"
        case "sign inside":
            altered = _with_x(text, "(-x)")
        case "factor":
            altered = f"({text}) * {rng.choice((2, 0.5, 1.001, 3))}"
        case "factor inside":
            altered = _with_x(text, f"({rng.choice((2, 0.5, 1.001))} * x)")
        case "axis" if pair.axis is not None:
            right, wrong = pair.axis if side == "torch" else (a.replace("dim", "axis") for a in pair.axis)
            altered = text.replace(right, wrong)
        case "index" if first.ndim == 1 and not any(word in pair.torch for word in ("torch.sum", "mean", "norm")):
            code = {name: f"({spelled})[1]" for name, spelled in code.items()}
            altered = f"({text})[{rng.choice((0, 2, -1))}]"
        case "index of a row" if first.ndim == 2 and len(pair.at) == 1:
            code = {name: _with_x(spelled, "x[0:2]") for name, spelled in code.items()}
            altered = _with_x(text, "x[1:3]")
            if "trace" in text:
                return None
        case "dtype":
            wide = "float64" if dtype == "float32" else "float32"
            altered = f"({text}).to(torch.{wide})" if side == "torch" else f"tf.cast({text}, tf.{wide})"
        case "ulp":
            altered = f"({text}) * {1 + 2.0**-23 if dtype == 'float32' else 1 + 2.0**-52!r}"
        case "nan":
            at = float(np.float32(first.ravel()[1])) if dtype == "float32" else float(first.ravel()[1])
            name = "torch" if side == "torch" else "tf"
            altered = _with_x(text, f"{name}.where(x == {at!r}, math.nan, x)")
        case _:
            return None
    return {**code, side: altered} if altered != text else None


def _with_x(text: str, other: str) -> str:
    return re.sub(r"\bx\b", lambda _: other, text)


def _truths(text: str, at: dict[str, Any], dtype: str) -> dict[str, Truth]:
    """What the right code gives in double precision, at the numbers that the dtype holds."""
    arrays = {
        name: torch.tensor(values, dtype=getattr(torch, dtype)).double().requires_grad_() for name, values in at.items()
    }
    output = eval(text, {"torch": torch, "F": F, **arrays})
    output.sum().backward()
    return {
        "value": Truth.of(output.detach().numpy()),
        **{f"d/d{name}": Truth.of(array.grad.numpy()) for name, array in arrays.items()},
    }


def cases(seed: int = 0, sample: int | None = None) -> Iterator[Case]:
    """Every pair with every mistake on every side in both dtypes, or so many of them at random."""
    rng = random.Random(seed)
    every = [(pair, plant, side, dtype) for pair in PAIRS for plant in PLANTS for side in ("torch", "tensorflow")
             for dtype in ("float32", "float64")]  # fmt: skip
    if sample is not None:
        rng.shuffle(every)
    left = len(every) if sample is None else sample
    for pair, plant, side, dtype in every:
        code = _planted(pair, plant, side, dtype, rng)
        if code is None or left == 0:
            continue
        left -= 1
        at = {name: _held(values, dtype) for name, values in pair.at.items()}
        right = {"index": f"({pair.torch})[1]", "index of a row": _with_x(pair.torch, "x[0:2]")}.get(plant, pair.torch)
        document = {"dtype": dtype, "gradient": {**code, "at": at}}
        yield Case("planted", f"{plant} in {side}: {pair.torch}", document, _truths(right, at, dtype), side, plant)


def _held(values: Any, dtype: str) -> Any:
    return np.asarray(values, dtype).astype(np.float64).tolist()
