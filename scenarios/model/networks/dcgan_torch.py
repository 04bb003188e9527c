"""The generator of a DCGAN: transposed convolutions that double an image of noise until it is one."""

from torch import nn


class Generator(nn.Module):
    """A linear layer makes 4 x 4 pixels of the noise, and transposed convolutions of 4 x 4 double them twice."""

    def __init__(self, noise=6, width=4):
        super().__init__()
        self.project = nn.Linear(noise, 2 * width * 16, bias=False)
        self.unflatten = nn.Unflatten(1, (2 * width, 4, 4))
        self.bn1 = nn.BatchNorm2d(2 * width)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.up2 = nn.ConvTranspose2d(width, 3, 4, stride=2, padding=1)
        self.relu = nn.ReLU(True)
        self.tanh = nn.Tanh()

    def forward(self, z):
        x = self.relu(self.bn1(self.unflatten(self.project(z))))
        x = self.relu(self.bn2(self.up1(x)))
        return self.tanh(self.up2(x))
