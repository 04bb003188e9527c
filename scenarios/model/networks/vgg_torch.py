"""Blocks of VGG: convolutions of 3 x 3 and a pooling that halves the image, several times over."""

from torch import nn


def block(convolutions, channels, filters):
    """So many convolutions with ReLU, then the maximum of each 2 x 2 pixels."""
    parts = []
    for _ in range(convolutions):
        parts += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(inplace=True)]
        channels = filters
    return nn.Sequential(*parts, nn.MaxPool2d(2))


class VGG(nn.Module):
    """Two blocks and a linear layer that reads the whole image."""

    def __init__(self, classes=5):
        super().__init__()
        self.block1 = block(1, 3, 4)
        self.block2 = block(2, 4, 8)
        self.head = nn.Linear(8 * 4 * 4, classes)

    def forward(self, x):
        x = self.block2(self.block1(x))
        return self.head(x.flatten(1))
