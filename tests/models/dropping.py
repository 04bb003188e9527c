"""Networks that drop at random as people write it in PyTorch: by a function, or by one layer that is called twice."""

import torch
from torch import Tensor, nn


class Dropping(nn.Module):  # type: ignore[misc]
    def __init__(self, rate: float = 0.5, *, function: bool = True) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.drop, self.rate, self.function = nn.Dropout(rate), rate, function

    def dropped(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, self.rate, self.training) if self.function else self.drop(x)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dropped(torch.relu(self.first(x)))
        return self.last(self.dropped(self.second(x)))
