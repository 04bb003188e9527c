"""A network with a buffer of random numbers and one of constants; `buffers_keras.py` has it in Keras."""

import torch
from torch import nn


class Positions(nn.Module):
    """Places on a grid, told by waves of frequencies that are drawn once and never trained."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.randn(3, 4))
        self.register_buffer("steps", torch.arange(1.0, 5.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(x @ self.frequencies / self.steps)


class Net(nn.Module):
    """Positions and a layer that reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.positions, self.out = Positions(), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.positions(x))
