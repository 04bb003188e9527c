"""A transformer: a layer around `nn.MultiheadAttention` reads, another one writes and attends to what was read."""

import math

import torch
from torch import nn


class FeedForward(nn.Sequential):
    """Two linear layers with ReLU between them."""

    def __init__(self, width, hidden):
        super().__init__(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))


class EncoderLayer(nn.Module):
    """Self-attention and two linear layers, each added to what came in and normalized then."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm1 = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, hidden)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, x):
        x = self.norm1(x + self.self_attn(x, x, x, need_weights=False)[0])
        return self.norm2(x + self.feed_forward(x))


class DecoderLayer(nn.Module):
    """Self-attention that sees no later word, attention to what was read, and two linear layers."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, hidden)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, x, memory):
        steps = x.shape[1]
        later = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        x = self.norm1(x + self.self_attn(x, x, x, attn_mask=later, need_weights=False)[0])
        x = self.norm2(x + self.cross_attn(x, memory, memory, need_weights=False)[0])
        return self.norm3(x + self.feed_forward(x))


class Transformer(nn.Module):
    """Embeddings, scaled by the root of their width and with learned positions, and a layer for each side."""

    def __init__(self, words=12, width=16, heads=4, hidden=24, longest=6):
        super().__init__()
        self.source_embedding = nn.Embedding(words, width)
        self.target_embedding = nn.Embedding(words, width)
        self.position = nn.Embedding(longest, width)
        self.encoder = EncoderLayer(width, heads, hidden)
        self.decoder = DecoderLayer(width, heads, hidden)
        self.head = nn.Linear(width, words)
        self.scale = math.sqrt(width)

    def embed(self, embedding, tokens):
        return embedding(tokens) * self.scale + self.position(torch.arange(tokens.shape[1]))

    def forward(self, source, target):
        memory = self.encoder(self.embed(self.source_embedding, source))
        return self.head(self.decoder(self.embed(self.target_embedding, target), memory))
