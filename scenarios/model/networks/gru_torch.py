"""A language model: a GRU reads a sentence on from a state and says at each word which one comes next."""

from torch import nn


class LanguageModel(nn.Module):
    """An embedding, a GRU and a linear layer over all words; it gives its last state, to read on from."""

    def __init__(self, words=20, width=6, hidden=8):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.gru = nn.GRU(width, hidden, batch_first=True)
        self.decoder = nn.Linear(hidden, words)

    def forward(self, tokens, before):
        states, last = self.gru(self.embedding(tokens), before.unsqueeze(0))
        return self.decoder(states), last.squeeze(0)
