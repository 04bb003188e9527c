"""MobileNetV2: inverted residuals, which widen, filter each channel by itself and narrow again without an activation."""

from torch import nn


def conv_norm(channels, filters, size=1, stride=1, groups=1):
    """A convolution without bias and BatchNorm."""
    conv = nn.Conv2d(channels, filters, size, stride=stride, padding=size // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(filters)]


class InvertedResidual(nn.Module):
    """A convolution of 1 x 1, one of 3 x 3 within each channel, one of 1 x 1; added to its input where the shapes allow it."""

    def __init__(self, channels, filters, stride, expand):
        super().__init__()
        wide = channels * expand
        self.residual = stride == 1 and channels == filters
        self.conv = nn.Sequential(
            *conv_norm(channels, wide),
            nn.ReLU6(inplace=True),
            *conv_norm(wide, wide, 3, stride, groups=wide),
            nn.ReLU6(inplace=True),
            *conv_norm(wide, filters),
        )

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """A stem, three inverted residuals, a last convolution, the average of each channel and a linear layer."""

    def __init__(self, classes=5):
        super().__init__()
        self.stem = nn.Sequential(*conv_norm(3, 4, 3, stride=2), nn.ReLU6(inplace=True))
        self.blocks = nn.Sequential(
            InvertedResidual(4, 6, stride=2, expand=3),
            InvertedResidual(6, 6, stride=1, expand=2),
            InvertedResidual(6, 8, stride=1, expand=2),
        )
        self.last = nn.Sequential(*conv_norm(8, 16), nn.ReLU6(inplace=True))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(16, classes))

    def forward(self, x):
        x = self.last(self.blocks(self.stem(x)))
        return self.classifier(x.mean([2, 3]))
