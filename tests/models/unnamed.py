"""Networks of equal layers and weights, whose names tell nothing of which is which in the other framework."""

import torch
from torch import Tensor, nn


class Attention(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c, self.d = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.d(torch.softmax(self.a(x) @ self.b(x).transpose(1, 2) / 8**0.5, -1) @ self.c(x))


class Towers(nn.Module):  # type: ignore[misc]
    """Two networks of one kind over the same input."""

    def __init__(self, *, norm: bool = True) -> None:
        super().__init__()
        norms = [[nn.BatchNorm1d(6)] * norm for _ in range(2)]
        self.one, self.two = (nn.Sequential(nn.Linear(8, 6), *each, nn.ReLU(), nn.Linear(6, 4)) for each in norms)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x) * torch.sigmoid(self.two(x))


class Recurrent(nn.Module):  # type: ignore[misc]
    """Two recurrent layers, of which one is summed over time."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.LSTM(4, 5, batch_first=True), nn.LSTM(4, 5, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x)[0][:, -1] - self.two(x)[0].mean(1)


class Factors(nn.Module):  # type: ignore[misc]
    """Tables of users and items, with a bias of each."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three, self.four = (nn.Embedding(10, size) for size in (4, 4, 1, 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return (self.one(x) * self.two(y)).sum(-1) + torch.tanh(self.three(x)[..., 0]) + self.four(y)[..., 0]


class Norms(nn.Module):  # type: ignore[misc]
    """Layers of one kind, each over an input of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.LayerNorm(6), nn.LayerNorm(6)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.one(x) * 2 + torch.exp(self.two(y))


class Gru(nn.Module):  # type: ignore[misc]
    """A cell of linear layers, which all have a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.given, self.kept = (nn.ModuleList(nn.Linear(4, 4) for _ in range(3)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros_like(x[:, 0])
        for step in x.unbind(1):
            z, r = (torch.sigmoid(self.given[i](step) + self.kept[i](h)) for i in range(2))
            h = (1 - z) * torch.tanh(self.given[2](step) + self.kept[2](r * h)) + z * h
        return h


class GruWeights(nn.Module):  # type: ignore[misc]
    """The same with weights for what is kept, and layers for what is given."""

    def __init__(self) -> None:
        super().__init__()
        self.given = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        self.kept = nn.ParameterList(nn.Parameter(torch.randn(4, 4)) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros_like(x[:, 0])
        for step in x.unbind(1):
            z, r = (torch.sigmoid(self.given[i](step) + h @ self.kept[i]) for i in range(2))
            h = (1 - z) * torch.tanh(self.given[2](step) + (r * h) @ self.kept[2]) + z * h
        return h


class Lstm(nn.Module):  # type: ignore[misc]
    """A layer that has two biases, which are added."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(x)[0][:, -1]


class Weights(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.p, self.q, self.r = (nn.Parameter(torch.randn(4, 4)) for _ in range(3))
        self.s, self.t, self.u = (nn.Parameter(torch.randn(4)) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(torch.tanh(x @ self.r + self.u) @ self.q + self.t) @ self.p + self.s


class Squares(nn.Module):  # type: ignore[misc]
    """What is a product in Keras, where both weights are the same, and nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.p, self.q = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return (self.p(x) ** 2 + self.q(x) ** 2) / 2


class Two(nn.Module):  # type: ignore[misc]
    """Two layers, of which the one in Keras does what both do here, where both weights are the same."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.one(x)) + self.two(x)


class Difference(nn.Module):  # type: ignore[misc]
    """What has no gradient where both are the same."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.one(x) - self.two(x))


class Attentions(nn.Module):  # type: ignore[misc]
    """Layers of which one parameter holds what Keras has in three."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = (nn.MultiheadAttention(4, 2, batch_first=True) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.one(x, x, x)[0]) * 2 - self.two(x, x, x)[0]


class Gated(nn.Module):  # type: ignore[misc]
    """Experts that are mixed twice: where they are the same, no gate makes a difference."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.ModuleList(nn.Linear(8, 4) for _ in range(2))
        self.one, self.two = nn.Linear(8, 2, bias=False), nn.Linear(8, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        made = torch.stack([expert(x) for expert in self.experts], 1)
        one, two = (torch.einsum("ne,ned->nd", torch.softmax(gate(x), -1), made) for gate in (self.one, self.two))
        return torch.tanh(one) - two


class Inverse(nn.Module):  # type: ignore[misc]
    """A square matrix of which no product tells how its axes are ordered."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(4, 4)), nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x @ torch.linalg.inv(self.weight + 9 * torch.eye(4, dtype=x.dtype)) + self.bias)


class Kept(nn.Module):  # type: ignore[misc]
    """A recurrent cell of weights whose names say which is for the input and which for the state."""

    def __init__(self) -> None:
        super().__init__()
        self.W, self.U = (nn.Parameter(torch.randn(4, 4) * 0.4) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros_like(x[:, 0])
        for step in range(x.shape[1]):
            h = torch.tanh(x[:, step] @ self.W + torch.sigmoid(h @ self.U))
        return h
