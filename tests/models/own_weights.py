"""Layers whose weights are as long as they are wide."""

import torch
from torch import Tensor, nn


class Dense(nn.Module):  # type: ignore[misc]
    def __init__(self, count: int = 3) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(count))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.relu(layer(x))
        return x


class Attention(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.o(torch.softmax(self.q(x) @ self.k(x).transpose(1, 2) / 8**0.5, -1) @ self.v(x))


class Heads(Attention):
    """The same with two heads."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (layer(x).reshape(*x.shape[:2], 2, 4).transpose(1, 2) for layer in (self.q, self.k, self.v))
        made = torch.softmax(q @ k.transpose(2, 3) / 2, -1) @ v
        return self.o(made.transpose(1, 2).reshape(x.shape))


class Pixels(nn.Module):  # type: ignore[misc]
    """Convolutions of all kinds over an image with as many channels as the kernels are long."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.up = nn.Conv2d(3, 3, 3), nn.ConvTranspose2d(3, 3, 3)
        self.each = nn.Conv2d(3, 3, 3, groups=3)

    def forward(self, x: Tensor) -> Tensor:
        return self.each(torch.relu(self.up(torch.relu(self.conv(x)))))


class Steps(nn.Module):  # type: ignore[misc]
    """Convolutions over one axis."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.up = nn.Conv1d(3, 3, 3), nn.ConvTranspose1d(3, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(torch.relu(self.conv(x)))


class Products(nn.Module):  # type: ignore[misc]
    """Matrices that are multiplied in every way."""

    def __init__(self) -> None:
        super().__init__()
        for number in range(1, 6):
            setattr(self, f"w{number}", nn.Parameter(torch.randn(4, 4)))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(nn.functional.linear(torch.tanh(x @ self.w1), self.w2))
        x = torch.tanh(torch.einsum("bi,oi->bo", x, self.w3))
        return torch.tanh((self.w4 @ x.T).T) @ self.w5.t()


class Scaled(nn.Module):  # type: ignore[misc]
    """A linear layer and a convolution with equalized weights, and a linear layer with a mask over them."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel, self.matrix = nn.Parameter(torch.randn(4, 4, 3, 3)), nn.Parameter(torch.randn(4, 4))
        self.last = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.conv2d(x, self.kernel / 6).mean((2, 3))
        x = torch.tanh(nn.functional.linear(x, self.matrix * 0.5))
        return nn.functional.linear(x, self.last.weight * torch.ones(4, 4).tril(), self.last.bias)


def normalized(size: int = 4) -> nn.Module:
    """Layers whose weights are made of a length and a direction."""
    first, second = nn.Linear(size, 4), nn.Linear(4, 4)
    return nn.Sequential(nn.utils.weight_norm(first), nn.ReLU(), nn.utils.parametrizations.weight_norm(second))


class Scores(nn.Module):  # type: ignore[misc]
    """Heads that one row scores, as an attention over a graph does."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.score = nn.Linear(6, 6, bias=False), nn.Parameter(torch.randn(1, 2, 3))

    def forward(self, x: Tensor) -> Tensor:
        heads = self.dense(x).view(-1, 2, 3)
        return heads * torch.tanh((heads * self.score).sum(-1, keepdim=True))


class Tied(nn.Module):  # type: ignore[misc]
    """A table of as many rows as columns, which is read and multiplied by."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.dense = nn.Embedding(6, 6), nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.table(x)) @ self.table.weight.t()
