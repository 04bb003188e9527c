"""Structures for which PyTorch has no layer, written as people write them; the layers of Keras stand in structures_keras.py."""

import torch
from torch import Tensor, nn


class ConvLSTM(nn.Module):
    """A convolutional LSTM over (n, t, c, h, w): the gates of one convolution, in the order input, forget, cell, output."""

    def __init__(self, channels: int = 2, filters: int = 3, size: int = 3) -> None:
        super().__init__()
        self.filters = filters
        self.input = nn.Conv2d(channels, 4 * filters, size, padding="same")
        self.state = nn.Conv2d(filters, 4 * filters, size, padding="same", bias=False)

    def forward(self, x: Tensor) -> Tensor:
        n, steps, _, height, width = x.shape
        h = c = x.new_zeros(n, self.filters, height, width)
        for t in range(steps):
            i, f, g, o = (self.input(x[:, t]) + self.state(h)).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h


class Frames(nn.Module):
    """The same convolution for every frame of (n, t, c, h, w), as the axes of the batch and of time are put together."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Steps(nn.Module):
    """The same layer for every step, which nn.Linear does by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class Branches(nn.Module):
    """Two branches, added and put behind each other."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(3, 4), nn.Linear(3, 4)
        self.out = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.left(x), self.right(x)
        return self.out(torch.cat([left + right, left * right], dim=-1))


class Turned(nn.Module):
    """Axes in another order between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.steps, self.features = nn.Linear(5, 4), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.features(self.steps(x).permute(0, 2, 1))


class Positions(nn.Module):
    """Words and their learned positions."""

    def __init__(self, length: int = 8) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(20, 6), nn.Embedding(length, 6)
        self.norm = nn.LayerNorm(6)

    def forward(self, words: Tensor) -> Tensor:
        places = torch.arange(words.shape[1], device=words.device)
        return self.norm(self.words(words) + self.positions(places))


class Masked(nn.Module):
    """An LSTM over padded words (0), as a packed sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 6, padding_idx=0)
        self.lstm = nn.LSTM(6, 5, batch_first=True)

    def forward(self, words: Tensor) -> Tensor:
        lengths = (words != 0).sum(dim=1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.words(words), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        _, (h, _) = self.lstm(packed)
        return h[-1]


class Unmasked(Masked):
    """The same without a word on where a row ends."""

    def forward(self, words: Tensor) -> Tensor:
        _, (h, _) = self.lstm(self.words(words))
        return h[-1]


class Head(nn.Module):
    """A convolution and a layer that is called `output`, on what is flattened with the channels first."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.output = nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.conv(x).flatten(1))
