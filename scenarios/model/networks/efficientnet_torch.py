"""A block of EfficientNet: an inverted residual with swish, whose channels are weighed by squeeze and excitation."""

import torch
from torch import nn


class SqueezeExcitation(nn.Module):
    """The average of each channel, through two convolutions of 1 x 1, says how much of each channel goes on."""

    def __init__(self, channels, squeezed):
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)
        self.swish = nn.SiLU()

    def forward(self, x):
        scale = x.mean((2, 3), keepdim=True)
        scale = self.expand(self.swish(self.reduce(scale)))
        return x * torch.sigmoid(scale)


class MBConv(nn.Module):
    """Widened, filtered within each channel, weighed, narrowed and added to the input."""

    def __init__(self, channels=6, expand=3, size=5):
        super().__init__()
        wide = channels * expand
        norm = {"eps": 1e-3, "momentum": 0.01}
        self.expand_conv = nn.Conv2d(channels, wide, 1, bias=False)
        self.bn0 = nn.BatchNorm2d(wide, **norm)
        self.depthwise_conv = nn.Conv2d(wide, wide, size, padding=size // 2, groups=wide, bias=False)
        self.bn1 = nn.BatchNorm2d(wide, **norm)
        self.se = SqueezeExcitation(wide, channels // 2)
        self.project_conv = nn.Conv2d(wide, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels, **norm)
        self.swish = nn.SiLU()

    def forward(self, x):
        y = self.swish(self.bn0(self.expand_conv(x)))
        y = self.swish(self.bn1(self.depthwise_conv(y)))
        return x + self.bn2(self.project_conv(self.se(y)))
