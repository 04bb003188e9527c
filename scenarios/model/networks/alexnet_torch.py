"""AlexNet for small images: convolutions with local response normalization, then linear layers with dropout."""

from torch import nn


class AlexNet(nn.Module):
    """Five convolutions, the first two normalized over neighbouring channels, and pooling whose windows overlap."""

    def __init__(self, classes=5, width=4):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.LocalResponseNorm(3, alpha=0.3, beta=0.75, k=2.0),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(width, 2 * width, 5, padding=2),
            nn.ReLU(),
            nn.LocalResponseNorm(3, alpha=0.3, beta=0.75, k=2.0),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(2 * width, 3 * width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(3 * width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1),
            nn.ReLU(),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(2 * width * 3 * 3, 16),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(16, 16),
            nn.ReLU(),
            nn.Linear(16, classes),
        )

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))
