"""Networks of PyTorch that spread over code, or layers, what a layer of Keras does alone; `spread_keras.py` has the others."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


class Pooled(nn.Module):
    """Convolutions whose activation stands behind the pooling, as in the first example of PyTorch's own."""

    def __init__(self, *, layers: bool = False) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(36, 3)
        self.pool = nn.MaxPool2d(2) if layers else None
        self.relu = nn.ReLU() if layers else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in (self.one, self.two):
            x = layer(x)
            x = F.max_pool2d(x, 2) if self.pool is None else self.pool(x)
            x = F.relu(x) if self.relu is None else self.relu(x)
        return self.head(torch.flatten(x, 1))


class Chomp(nn.Module):
    """Cuts the last steps off."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, : -self.steps].contiguous()


class Causal(nn.Module):
    """Causal convolutions: padded at both ends, and the last steps cut off, by code or by a layer."""

    def __init__(self, *, layer: bool = False, tanh: bool = False) -> None:
        super().__init__()
        self.activation = torch.tanh if tanh else F.relu
        self.one = nn.Conv1d(3, 4, 3, padding=2)
        self.two = nn.Conv1d(4, 4, 3, padding=4, dilation=2)
        self.cuts = nn.ModuleList([Chomp(2), Chomp(4)]) if layer else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one = self.one(x)
        one = F.relu(one[:, :, :-2] if self.cuts is None else self.cuts[0](one))
        two = self.two(one)
        return self.activation(two[:, :, :-4] if self.cuts is None else self.cuts[1](two))


class Highway(nn.Module):
    """Two gates, each made before what it gates."""

    def __init__(self) -> None:
        super().__init__()
        self.gates, self.made = (nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)]) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for gate, made in zip(self.gates, self.made):  # noqa: B905 - Python 3.9
            share = torch.sigmoid(gate(x))
            x = share * F.silu(made(x)) + (1 - share) * x
        return x


class Conditioned(nn.Module):
    """A normalization without parameters, whose gain and bias are made of something else, and an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 6, 3, bias=False), nn.GroupNorm(3, 6, affine=False)
        self.made, self.head = nn.Linear(1, 12), nn.Conv2d(6, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gain, bias = self.made(x.mean(dim=(1, 2, 3))[:, None])[:, :, None, None].chunk(2, 1)
        return self.head(F.relu(self.norm(self.conv(x)) * (1 + gain) + bias))


class RootMeanSquare(nn.Module):
    """A normalization of a person's own."""

    def __init__(self, eps: float = 1e-6) -> None:
        super().__init__()
        self.gain, self.eps = nn.Parameter(torch.ones(4)), eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.gain


def normalized() -> nn.Sequential:
    """Two dense layers, each behind such a normalization."""
    return nn.Sequential(RootMeanSquare(), nn.Linear(4, 4), RootMeanSquare(), nn.Linear(4, 2))


class BothWays(nn.Module):
    """A recurrent layer whose directions code adds: of every step, or of the last alone; or which stay `joined`."""

    def __init__(self, *, last: bool = False, joined: bool = False) -> None:
        super().__init__()
        self.rnn = nn.GRU(3, 4, batch_first=True, bidirectional=True)
        self.last, self.joined, self.head = last, joined, nn.Linear(8 if joined else 4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, state = self.rnn(x)
        if self.joined:
            return self.head(y)
        return torch.tanh(self.head(state[0] + state[1] if self.last else y[..., :4] + y[..., 4:]))


class Heads(nn.Module):
    """Three outputs of one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.mean, self.spread, self.word = (
            nn.Linear(3, 5),
            nn.Linear(5, 2),
            nn.Linear(5, 2),
            nn.Linear(5, 4),
        )

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        y = torch.tanh(self.body(x))
        return self.mean(y), self.spread(y), self.word(y)


class Gated(nn.Module):
    """One half of what a layer gives is the gate of the other."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(3, 6), nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        content, gate = self.one(x).chunk(2, -1)
        return self.two(content * torch.sigmoid(gate))


class Generator(nn.Module):
    """A transposed convolution that crops itself, and a normalization behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.norm = nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.norm(self.up(x)))


class Mirrored(nn.Module):
    """A convolution with a mirrored border between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(1, 4, 3)
        self.two = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.three = nn.Conv2d(4, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.three(self.two(self.one(x)))


class Bordered(nn.Module):
    """The border is put around by a layer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.border, self.one, self.two = nn.ReflectionPad2d(1), nn.Conv2d(1, 4, 3), nn.Conv2d(4, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(self.border(self.one(self.border(x))))


class Rated(nn.Module):
    """Two embeddings that are multiplied, and a bias of either."""

    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(10, 5), nn.Embedding(12, 5)
        self.of_user, self.of_item = nn.Embedding(10, 1), nn.Embedding(12, 1)

    def forward(self, x: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        return (self.users(x) * self.items(item)).sum(-1) + (self.of_user(x) + self.of_item(item)).squeeze(-1)


class Repeated(nn.Module):
    """One layer twice, and two normalizations of one size."""

    def __init__(self) -> None:
        super().__init__()
        self.both, self.first, self.second = nn.Linear(4, 4), nn.LayerNorm(4), nn.LayerNorm(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(F.silu(self.both(F.silu(self.both(self.first(x))))))


class Standardized(nn.Module):
    """Pictures whose mean and deviation are buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.one = nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.one((x - self.mean) / self.deviation)


def clipped() -> nn.Module:
    """A network that ends in a layer which Keras has none for."""
    return nn.Sequential(nn.Linear(4, 3), nn.Hardtanh())


class Gained(nn.Module):
    """A block with two gains that its own code reads."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(4))
        self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.first * torch.tanh(self.one(x))
        return x + self.second * torch.tanh(self.two(x))


def gained() -> nn.Module:
    """Two such blocks between two layers."""
    return nn.Sequential(nn.Linear(4, 4), Gained(), Gained(), nn.Linear(4, 2))


class Tokens(nn.Module):
    """As many patches of a picture as each has channels; a view for a permutation puts the one for the other."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.norm, self.head = nn.Conv2d(3, 4, 2, stride=2), nn.LayerNorm(4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.patch(x).view(x.shape[0], -1, 4)))


class Recurrent(nn.Module):
    """A layer that gives every step, of which the last is taken, behind a shift."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shift", torch.tensor([0.5, -1.0, 2.0]))
        self.rnn, self.head = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(x - self.shift)[0][:, -1])


class Behind(nn.Module):
    """An encoder layer that normalizes behind what it adds."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(9, 4)
        self.attention, self.norm = nn.MultiheadAttention(4, 2, batch_first=True), nn.LayerNorm(4)
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.words(x) * 2.0
        return self.head(self.norm(x + self.attention(x, x, x)[0]))
