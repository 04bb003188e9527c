"""Functions between two layers: in PyTorch by `torch.nn.functional`, in TensorFlow by `keras.ops` and `tf`."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Gelu(nn.Module):
    """Two layers with a gelu between them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(3, 8)
        self.fc2 = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.fc1(x))
        return self.fc2(x)


class Scaled(nn.Module):
    """Two layers, between which a method scales each row by its standard deviation."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(3, 8)
        self.fc2 = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x)
        x = self.scaled(x)
        return self.fc2(x)

    def scaled(self, x: Tensor) -> Tensor:
        return x / x.std(dim=1, keepdim=True)


class Classifier(nn.Module):
    """A function behind the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 8)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(F.gelu(self.fc(x)))
