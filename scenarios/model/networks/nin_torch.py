"""Network in network: convolutions of 1 x 1 mix the channels behind each convolution, and no linear layer ends it."""

from torch import nn


class Mixed(nn.Sequential):
    """A convolution and two of 1 x 1 behind it, each with ReLU."""

    def __init__(self, channels, filters, size, padding):
        super().__init__(
            nn.Conv2d(channels, filters, size, padding=padding),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 1),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 1),
            nn.ReLU(),
        )


class NiN(nn.Module):
    """Three mixed convolutions with pooling between them; the average of each channel is the logit of a class."""

    def __init__(self, classes=5, ceil_mode=False):
        super().__init__()
        self.mixed1 = Mixed(3, 6, 5, padding=2)
        self.pool1 = nn.MaxPool2d(3, stride=2, ceil_mode=ceil_mode)
        self.mixed2 = Mixed(6, 8, 3, padding=1)
        self.pool2 = nn.MaxPool2d(3, stride=2, ceil_mode=ceil_mode)
        self.dropout = nn.Dropout(0.5)
        self.mixed3 = Mixed(8, classes, 3, padding=1)
        self.pool3 = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()

    def forward(self, x):
        x = self.pool1(self.mixed1(x))
        x = self.dropout(self.pool2(self.mixed2(x)))
        return self.flatten(self.pool3(self.mixed3(x)))
