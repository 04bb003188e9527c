"""The first block of a stage of ResNet: it halves the image, doubles the channels and adds a projected shortcut."""

from torch import nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    """Two convolutions of 3 x 3 with BatchNorm beside one of 1 x 1; the stride is the first one's."""

    def __init__(self, channels=4, filters=8, stride=2):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.shortcut = nn.Sequential(
            nn.Conv2d(channels, filters, 1, stride=stride, bias=False),
            nn.BatchNorm2d(filters),
        )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))
