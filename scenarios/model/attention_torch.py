"""Self-attention written out, as a subclass of `nn.Module`."""

import math

from torch import nn


class SelfAttention(nn.Module):
    """Queries, keys and values of several heads from linear layers of their own, and a fourth one behind them."""

    def __init__(self, width=16, heads=4):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def split(self, x):
        """(batch, steps, width) as (batch, heads, steps, width of a head)."""
        batch, steps, width = x.shape
        return x.view(batch, steps, self.heads, width // self.heads).transpose(1, 2)

    def forward(self, x):
        query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        attended = scores.softmax(dim=-1) @ value
        return self.out(attended.transpose(1, 2).flatten(2))
