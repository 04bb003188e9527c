"""A layer of PyTorch and what can go wrong with one: each class or function is a model that fails in its own way."""

import sys
import time

import numpy as np
import torch
from torch import nn


class Linear(nn.Linear):
    """A layer that works."""

    def __init__(self, size=3, units=4):
        super().__init__(size, units)


def build(size=3):
    """A network that works."""
    return nn.Sequential(nn.Linear(size, 4), nn.ReLU(), nn.Linear(4, 2))


def raises():
    raise RuntimeError("the weights of 2019 are gone")


def gives_nothing():
    nn.Linear(3, 4)


def gives_a_list():
    return [nn.Linear(3, 4), nn.ReLU()]


def gives_the_class():
    return Linear


def leaves():
    sys.exit("no licence")


class Needing(nn.Module):
    """It cannot be made without its size."""

    def __init__(self, size, *, units):
        super().__init__()
        self.fc = nn.Linear(size, units)


class Unready(nn.Module):
    """It was made without `super().__init__()`."""

    def __init__(self):
        self.fc = nn.Linear(3, 4)


class Formless(nn.Module):
    """It has no `forward`."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)


class Block(nn.Module):
    """Two layers that do not fit each other."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3, 4)
        self.fc2 = nn.Linear(5, 2)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


class Nested(nn.Module):
    """A block within a model that cannot be called."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 3), Block())

    def forward(self, x):
        return self.body(x)


class Broken(nn.Linear):
    """A layer whose own code raises."""

    def __init__(self):
        super().__init__(3, 4)

    def forward(self, x):
        return super().forward(x) + self.scale


class Giving(nn.Module):
    """It gives something else than a tensor, besides what it computes."""

    def __init__(self, what):
        super().__init__()
        self.fc = nn.Linear(3, 4)
        self.what = what

    def forward(self, x):
        y = self.fc(x)
        return {"nothing": None, "text": "no tensor", "nested": {"hidden": y, "more": [{"logits": y + 1}]}}[self.what]


class Talking(nn.Linear):
    """It prints as it computes, a great deal of it."""

    def __init__(self):
        super().__init__(3, 4)

    def forward(self, x):
        print("x" * 100_000)
        print("an error?", file=sys.stderr)
        return super().forward(x)


class Leaving(nn.Linear):
    """It ends the process."""

    def __init__(self):
        super().__init__(3, 4)

    def forward(self, x):
        sys.exit(3)


class Hanging(nn.Linear):
    """It never ends."""

    def __init__(self):
        super().__init__(3, 4)

    def forward(self, x):
        while True:
            time.sleep(1)


class Recursive(nn.Module):
    """It calls itself."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return self(self.fc(x))


def held_by_itself():
    """A module that holds itself."""
    model = nn.Sequential(nn.Linear(3, 4))
    model.itself = [model]
    return model


class NotFinite(nn.Linear):
    """Its own weights are not all numbers."""

    def __init__(self):
        super().__init__(3, 4)
        with torch.no_grad():
            self.weight[0, 0] = float("nan")


class Large(nn.Module):
    """It does not fit into the memory that it may have."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(40_000, 40_000)

    def forward(self, x):
        return self.fc(x)


class Branching(nn.Module):
    """It takes another way where the sum of its inputs is negative."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)

    def forward(self, x):
        y = self.fc(x)
        return torch.relu(y) if x.sum() > 0 else torch.sigmoid(y)


class Single(nn.Module):
    """It computes with a constant in single precision, which does not go together with double."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.table = torch.from_numpy(np.eye(3, dtype=np.float32))

    def forward(self, x):
        return self.fc(x) @ self.table


class Unweighted(nn.Module):
    """It has no parameters."""

    def forward(self, x):
        return torch.tanh(x)


class Detached(nn.Linear):
    """It leaves PyTorch on its way."""

    def __init__(self):
        super().__init__(3, 4)

    def forward(self, x):
        return torch.from_numpy(np.tanh(super().forward(x).numpy()))


class Untouched(nn.Linear):
    """What it gives does not depend on anything."""

    def __init__(self):
        super().__init__(3, 4)

    def forward(self, x):
        return torch.ones(2, 4)


class Tied(nn.Module):
    """Two layers that share one weight."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x))
