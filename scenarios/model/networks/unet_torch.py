"""A U-Net: down by pooling, up by transposed convolutions, and what was seen on the way down is put beside."""

import torch
from torch import nn


class DoubleConv(nn.Sequential):
    """Two convolutions of 3 x 3, each with ReLU."""

    def __init__(self, channels, filters):
        super().__init__(
            nn.Conv2d(channels, filters, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(filters, filters, 3, padding=1),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Two levels: the lower one goes up by a transposed convolution, the upper one by interpolation."""

    def __init__(self, classes=2, align_corners=False):
        super().__init__()
        self.down1 = DoubleConv(3, 4)
        self.down2 = DoubleConv(4, 8)
        self.pool = nn.MaxPool2d(2)
        self.middle = DoubleConv(8, 8)
        self.up2 = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.conv2 = DoubleConv(16, 4)
        self.up1 = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=align_corners)
        self.conv1 = DoubleConv(8, 4)
        self.head = nn.Conv2d(4, classes, 1)

    def forward(self, x):
        first = self.down1(x)
        second = self.down2(self.pool(first))
        x = self.middle(self.pool(second))
        x = self.conv2(torch.cat([second, self.up2(x)], dim=1))
        x = self.conv1(torch.cat([first, self.up1(x)], dim=1))
        return self.head(x)
