"""Blocks with gains that code between layers reads; `gains_keras.py` has each gain as a layer."""

import torch
from torch import nn


class Affine(nn.Module):
    """A gain and a shift of one shape."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha, self.beta = nn.Parameter(torch.ones(1, 4)), nn.Parameter(torch.zeros(1, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addcmul(self.beta, self.alpha, x)


class Block(nn.Module):
    """Two branches that are added, each times a gain of its own; the gain that is made first is read last."""

    def __init__(self) -> None:
        super().__init__()
        self.affine, self.mix = Affine(), nn.Linear(4, 4)
        self.gain, self.gain_of_mlp = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(4))
        self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.gain_of_mlp.reshape(1, 4) * self.mix(self.affine(x))
        return x + self.gain * self.two(torch.relu(self.one(x)))


class Net(nn.Module):
    """Two blocks between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.blocks, self.head = nn.Linear(4, 4), nn.ModuleList([Block(), Block()]), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


class Twice(nn.Module):
    """Two gains between the same two layers: neither names nor the flow of data tell which is which."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(4, 4), nn.Linear(4, 2)
        self.first, self.second = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        return self.head(torch.relu(x * self.first) - x * self.second)
