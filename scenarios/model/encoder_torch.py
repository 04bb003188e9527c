"""A block of a transformer's encoder with the normalization first, around `nn.MultiheadAttention`."""

from torch import nn
from torch.nn import functional as F


class EncoderBlock(nn.Module):
    """Self-attention and two linear layers with GELU, each normalized before and added to what came in."""

    def __init__(self, width=16, heads=4, hidden=32, batch_first=True):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=batch_first)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x, keep=None):
        """`keep` is true at the words of each sentence and false at its padding."""
        ignore = None if keep is None else ~keep
        y = self.norm1(x)
        y, _ = self.attention(y, y, y, key_padding_mask=ignore, need_weights=False)
        x = x + y
        y = self.fc2(F.gelu(self.fc1(self.norm2(x))))
        return x + y
