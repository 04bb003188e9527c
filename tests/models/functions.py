"""Networks of PyTorch that call a function between two layers, or behind them; `functions_keras.py` has the others."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

Function = Callable[[torch.Tensor], torch.Tensor]


class Net(nn.Module):
    """Two layers with a function between them, one of this file by its name, and one behind them."""

    def __init__(self, between: Function | str | None = None, behind: Function | None = None) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 3)
        own = globals()[between] if isinstance(between, str) else between
        self.between = own() if isinstance(own, type) else own
        self.behind = behind

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.one(x)
        x = self.two(x if self.between is None else self.between(x))
        return x if self.behind is None else self.behind(x)


class Gelu(nn.Module):
    """A layer of one's own that is a function of PyTorch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.gelu(x)


class NormAct(nn.BatchNorm1d):
    """A normalization with an activation in it."""

    def __init__(self, features: int) -> None:
        super().__init__(features, eps=1e-3)
        self.act = nn.ReLU6()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(super().forward(x))


def normalized() -> nn.Module:
    """Two layers around a normalization with an activation in it."""
    return nn.Sequential(nn.Linear(4, 6), NormAct(6), nn.Linear(6, 3))


def steep(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, 0.2)


def half_gelu(x: torch.Tensor) -> torch.Tensor:
    return F.gelu(x) * 0.5


def over_samples(x: torch.Tensor) -> torch.Tensor:
    return F.softmax(x, dim=0)


def relu_and_silu(x: torch.Tensor) -> torch.Tensor:
    return F.silu(F.relu(x))


def scores(x: torch.Tensor) -> torch.Tensor:
    return (x @ x.transpose(0, 1) / 2.0).softmax(-1) @ x


def leaky(x: torch.Tensor) -> torch.Tensor:
    """A leaky ReLU with another slope than the usual one."""
    return F.leaky_relu(x, 0.2)


def erf_gelu(x: torch.Tensor) -> torch.Tensor:
    """The exact GELU, written out."""
    return 0.5 * x * (1 + torch.erf(x / 2**0.5))
