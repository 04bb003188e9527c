"""Networks of which one framework keeps a number in single precision; `narrow_keras.py` has the others."""

import torch
from torch import nn


class Mlp(nn.Module):
    """Blocks with GELU, of which the last sample is left out behind them."""

    def __init__(self, blocks: int = 2) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(6, 6) for _ in range(blocks)])
        self.head = nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = x + nn.functional.gelu(block(x))
        return self.head(x[:-1])


class Unit(nn.Module):
    """A layer whose result is divided by its length and masked, before GELU or after it."""

    def __init__(self, epsilon: float = 1e-8) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 2)
        self.epsilon = epsilon
        self.register_buffer("mask", torch.tensor([1.0, 1, 0, 1, 1, 0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.gelu(self.one(x))
        x = self.two(x)
        x = x / (x.norm(dim=-1, keepdim=True) + self.epsilon) * self.mask
        return self.three(x)


class Scored(nn.Module):
    """A linear layer, and code behind it that has parameters of its own; in Keras it is one layer with all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(6, 4, bias=False)
        self.att_src, self.att_dst = nn.Parameter(torch.randn(1, 4)), nn.Parameter(torch.randn(1, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.lin(x)
        score = nn.functional.leaky_relu(
            (z * self.att_src).sum(-1, keepdim=True) + 2 * (z * self.att_dst).sum(-1, keepdim=True), 0.2
        )
        return z * torch.softmax(score, 0)
