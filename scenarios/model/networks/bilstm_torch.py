"""A tagger with a stacked bidirectional LSTM, which also says what the sentence as a whole is."""

import torch
from torch import nn


class Tagger(nn.Module):
    """An embedding, two bidirectional layers of LSTM, a linear layer for each word and one for the sentence."""

    def __init__(self, words=20, width=6, hidden=4, tags=3, classes=2, final=True):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.lstm = nn.LSTM(width, hidden, num_layers=2, batch_first=True, bidirectional=True)
        self.tags = nn.Linear(2 * hidden, tags)
        self.sentence = nn.Linear(2 * hidden, classes)
        self.final = final

    def forward(self, tokens):
        states, (hidden, _) = self.lstm(self.embedding(tokens))
        # The last states of the second layer; `states[:, -1]` has read one word alone from behind.
        last = torch.cat([hidden[-2], hidden[-1]], dim=-1) if self.final else states[:, -1]
        return self.tags(states), self.sentence(last)
