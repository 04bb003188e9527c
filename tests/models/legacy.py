"""Networks of PyTorch whose ports are written in tf_keras."""

from torch import nn


class Tagger(nn.Module):
    """Recurrent, in both directions."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.gru = nn.GRU(6, 5, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(10)
        self.dropout = nn.Dropout(0.2)
        self.out = nn.Linear(10, 3)

    def forward(self, words):
        return self.out(self.dropout(self.norm(self.gru(self.embedding(words))[0])))


def images():
    """A convolution and its statistics."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 2)
    )
