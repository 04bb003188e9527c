"""A tiny BERT: three embeddings, encoder layers with queries, keys and values of their own, and a pooler."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class SelfAttention(nn.Module):
    """Queries, keys and values from linear layers of their own; words that `keep` does not keep are not attended to."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, keep):
        query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        scores = scores.masked_fill(~keep[:, None, None, :], -torch.inf)
        return (F.softmax(scores, dim=-1) @ value).transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """Self-attention and the linear layer behind it."""

    def __init__(self, width=8, heads=2):
        super().__init__()
        self.attention = SelfAttention(width, heads)
        self.dense = nn.Linear(width, width)

    def forward(self, x, keep):
        return self.dense(self.attention(x, keep))


class Layer(nn.Module):
    """Self-attention and two linear layers with GELU, each added to what came in and normalized then."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.attention = SelfAttention(width, heads)
        self.attention_output = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=1e-12)
        self.intermediate = nn.Linear(width, hidden)
        self.output = nn.Linear(hidden, width)
        self.output_norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x, keep):
        x = self.attention_norm(x + self.attention_output(self.attention(x, keep)))
        return self.output_norm(x + self.output(F.gelu(self.intermediate(x))))


class Bert(nn.Module):
    """Embeddings of words, places and segments, two layers, and the first word of each sentence pooled."""

    def __init__(self, words=20, width=8, heads=2, hidden=16, longest=8, depth=2):
        super().__init__()
        self.word = nn.Embedding(words, width)
        self.position = nn.Embedding(longest, width)
        self.segment = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(0.1)
        self.layers = nn.ModuleList(Layer(width, heads, hidden) for _ in range(depth))
        self.pooler = nn.Linear(width, width)

    def forward(self, tokens, segments, keep):
        places = torch.arange(tokens.shape[1])
        x = self.word(tokens) + self.position(places) + self.segment(segments)
        x = self.dropout(self.norm(x))
        for layer in self.layers:
            x = layer(x, keep)
        return x, torch.tanh(self.pooler(x[:, 0]))
