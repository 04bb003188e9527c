"""Small networks of PyTorch whose forward is more than one layer behind the other."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Recurrent(nn.Module):
    """An embedding, a recurrent layer and a head that reads all of its outputs, or the last."""

    def __init__(self, cell, batch_first=True, last=False, bidirectional=False, states=False, lengths=None):
        super().__init__()
        self.embedding = nn.Embedding(10, 3)
        self.rnn = getattr(nn, cell)(3, 4, batch_first=batch_first, bidirectional=bidirectional)
        self.head = nn.Linear(8 if bidirectional else 4, 2)
        self.last, self.states, self.lengths = last, states, lengths

    def forward(self, x):
        x = self.embedding(x)
        if self.lengths is not None:
            packed = pack_padded_sequence(x, list(self.lengths), batch_first=True)
            out, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        elif self.states:
            hidden = self.rnn(x)[1][0]
            out = torch.cat([hidden[-2], hidden[-1]], dim=-1)
        else:
            out = self.rnn(x)[0]
        return self.head(out[:, -1] if self.last else out)


class Attention(nn.Module):
    """Attention of a sequence to itself under a mask, between a linear layer and a normalization."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(8, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)

    def forward(self, x, mask):
        x = self.inner(x)
        return self.norm(x + self.attention(x, x, x, attn_mask=mask)[0])


class Memory(nn.Module):
    """Attention to keys and values that are given, and a linear layer."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x, keys, values):
        return self.head(self.attention(x, keys, values, need_weights=False)[0])
