"""A multilayer perceptron that sorts rows of 13 numbers into 3 classes, as a subclass of `nn.Module`."""

from torch import nn
from torch.nn import functional as F


class MLP(nn.Module):
    """Two hidden layers with ReLU, dropout after the first, and logits."""

    def __init__(self, features=13, hidden=32, classes=3):
        super().__init__()
        self.fc1 = nn.Linear(features, hidden)
        self.dropout = nn.Dropout(0.2)
        self.fc2 = nn.Linear(hidden, hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x):
        x = self.dropout(F.relu(self.fc1(x)))
        x = F.relu(self.fc2(x))
        return self.head(x)
