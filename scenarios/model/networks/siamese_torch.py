"""A siamese network: one encoder for both images, and a linear layer for how far apart they are."""

import torch
from torch import nn
from torch.nn import functional as F


class Siamese(nn.Module):
    """The encoder is called twice; what it gives is normalized to length one."""

    def __init__(self, width=4, embedding=6):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, stride=2)
        self.bn = nn.BatchNorm2d(width)
        self.project = nn.Linear(width, embedding)
        self.head = nn.Linear(embedding, 1)

    def encode(self, image):
        x = F.leaky_relu(self.bn(self.conv(image)), 0.1)
        return F.normalize(self.project(x.mean(dim=(2, 3))), dim=-1)

    def forward(self, left, right):
        apart = torch.abs(self.encode(left) - self.encode(right))
        return torch.sigmoid(self.head(apart)).squeeze(-1)
