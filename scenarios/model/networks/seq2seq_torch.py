"""Sequence to sequence: a GRU reads, another one writes from its last state and attends to what was read."""

import torch
from torch import nn


class Seq2Seq(nn.Module):
    """An encoder and a decoder, whose states attend to those of the encoder by their products, as Luong did."""

    def __init__(self, words=15, width=5, hidden=6):
        super().__init__()
        self.source_embedding = nn.Embedding(words, width)
        self.encoder = nn.GRU(width, hidden, batch_first=True)
        self.target_embedding = nn.Embedding(words, width)
        self.decoder = nn.GRU(width, hidden, batch_first=True)
        self.combine = nn.Linear(2 * hidden, hidden)
        self.out = nn.Linear(hidden, words)

    def forward(self, source, target):
        read, state = self.encoder(self.source_embedding(source))
        written, _ = self.decoder(self.target_embedding(target), state)
        weights = torch.softmax(written @ read.transpose(1, 2), dim=-1)
        context = weights @ read
        attended = torch.tanh(self.combine(torch.cat([context, written], dim=-1)))
        return self.out(attended)
