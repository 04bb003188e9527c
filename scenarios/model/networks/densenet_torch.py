"""A DenseNet: each layer of a block reads what all layers before it gave."""

import torch
from torch import nn


class DenseLayer(nn.Module):
    """BatchNorm, ReLU and a convolution of 1 x 1, then the same with 3 x 3; its channels are put behind those it read."""

    def __init__(self, channels, growth):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 2 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(2 * growth)
        self.conv2 = nn.Conv2d(2 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        out = self.conv1(torch.relu(self.norm1(x)))
        out = self.conv2(torch.relu(self.norm2(out)))
        return torch.cat([x, out], dim=1)


class Transition(nn.Sequential):
    """Half the channels and half the image."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.pool = nn.AvgPool2d(2)


class DenseNet(nn.Module):
    """Two blocks of dense layers with a transition between them."""

    def __init__(self, classes=5, growth=4, depth=3):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.block1 = nn.Sequential(*(DenseLayer(8 + i * growth, growth) for i in range(depth)))
        self.transition = Transition(8 + depth * growth)
        half = (8 + depth * growth) // 2
        self.block2 = nn.Sequential(*(DenseLayer(half + i * growth, growth) for i in range(depth)))
        self.norm = nn.BatchNorm2d(half + depth * growth)
        self.head = nn.Linear(half + depth * growth, classes)

    def forward(self, x):
        x = self.transition(self.block1(self.stem(x)))
        x = torch.relu(self.norm(self.block2(x)))
        return self.head(x.mean(dim=(2, 3)))
