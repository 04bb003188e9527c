"""PyTorch, as tfpt knows it."""

from __future__ import annotations

import math

from tfpt_cli.frameworks.framework import VECTORS, Framework


def fans(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """(fan_in, fan_out) as `torch.nn.init` counts them for an (out, in, ...) tensor; None for fewer than two axes.

    >>> fans((8, 3, 5, 5))
    (75, 200)
    """
    if len(shape) < 2:
        return None
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


TORCH = Framework(
    key="torch",
    label="PyTorch",
    column="torch",
    module="torch",
    array="torch.tensor({value}, dtype=torch.{dtype})",
    moves={
        "permute": "torch.permute({value}, {0})",
        "reshape": "torch.reshape({value}, {0})",
        "reverse": "torch.flip({value}, ({0},))",
        "roll": "torch.roll({value}, {0}, {1})",
        "sum": "torch.sum({value}, {0})",
        "mean": "torch.mean({value}, {0})",
    },
    roots=("torch", "nn", "F", "math", "np"),
    imports={"torch": "import torch", "F": "import torch.nn.functional as F", "nn": "from torch import nn"},
    modes=("eager", "compile"),
    fans=fans,
    packages=("torch",),
    # With one of these `torch.compile` compiles nothing, or runs what it could not compile as it is, without a word.
    environment={"TORCH_COMPILE_DISABLE": "", "TORCHDYNAMO_DISABLE": "", "TORCHDYNAMO_SUPPRESS_ERRORS": ""},
    versions={"torch": "PyTorch"},
    machine={
        "torch_cpu": ("PyTorch's set of vector instructions", VECTORS),
        "torch_onednn": ("PyTorch's oneDNN", ("on", "off")),
    },
)
