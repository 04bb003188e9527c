"""An Inception block: convolutions of several sizes and a pooling beside each other, joined by their channels."""

import torch
from torch import nn
from torch.nn import functional as F


class ConvNorm(nn.Module):
    """A convolution without bias, BatchNorm and ReLU. The epsilon is that of Keras's own Inception."""

    def __init__(self, channels, filters, size, **options):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, size, bias=False, **options)
        self.bn = nn.BatchNorm2d(filters, eps=1e-3)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    """Four branches: 1 x 1; 1 x 1, then 3 x 3; 1 x 1, then 5 x 5; the average of each 3 x 3 pixels, then 1 x 1."""

    def __init__(self, channels=6, count_include_pad=False):
        super().__init__()
        self.one = ConvNorm(channels, 4, 1)
        self.three = nn.Sequential(ConvNorm(channels, 3, 1), ConvNorm(3, 4, 3, padding=1))
        self.five = nn.Sequential(ConvNorm(channels, 2, 1), ConvNorm(2, 4, 5, padding=2))
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=count_include_pad)
        self.project = ConvNorm(channels, 4, 1)

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.project(self.pool(x))], dim=1)


class Net(nn.Module):
    """A convolution, an Inception block, the average of each channel and a linear layer."""

    def __init__(self, classes=5, **options):
        super().__init__()
        self.stem = ConvNorm(3, 6, 3, padding=1)
        self.block = Inception(6, **options)
        self.head = nn.Linear(16, classes)

    def forward(self, x):
        return self.head(self.block(self.stem(x)).mean(dim=(2, 3)))
