"""LeNet for grey images of 16 x 16 pixels, as an `nn.Sequential`."""

from torch import nn


def build(classes=10):
    """Two convolutions, each with a sigmoid and average pooling, and three linear layers."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Sigmoid(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Sigmoid(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 2 * 2, 32),
        nn.Sigmoid(),
        nn.Linear(32, 20),
        nn.Sigmoid(),
        nn.Linear(20, classes),
    )
