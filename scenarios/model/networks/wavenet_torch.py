"""WaveNet: causal convolutions whose steps grow, each with a gate, and the sum of what all of them skip to the end."""

import torch
from torch import nn
from torch.nn import functional as F


class GatedBlock(nn.Module):
    """A causal convolution for the filter and one for the gate; what they give is added to the input and skipped on."""

    def __init__(self, channels, dilation):
        super().__init__()
        self.pad = (dilation, 0)
        self.filter = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.gate = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.residual = nn.Conv1d(channels, channels, 1)
        self.skip = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        padded = F.pad(x, self.pad)
        y = torch.tanh(self.filter(padded)) * torch.sigmoid(self.gate(padded))
        return x + self.residual(y), self.skip(y)


class WaveNet(nn.Module):
    """Three gated blocks with steps of 1, 2 and 4, and two convolutions of one step for what they skip."""

    def __init__(self, channels=4, classes=6):
        super().__init__()
        self.stem = nn.Conv1d(1, channels, 1)
        self.blocks = nn.ModuleList(GatedBlock(channels, 2**i) for i in range(3))
        self.post1 = nn.Conv1d(channels, channels, 1)
        self.post2 = nn.Conv1d(channels, classes, 1)

    def forward(self, x):
        x = self.stem(x)
        total = 0
        for block in self.blocks:
            x, skip = block(x)
            total = total + skip
        return self.post2(F.relu(self.post1(F.relu(total))))
