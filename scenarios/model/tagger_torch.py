"""A tagger: it reads a sentence in both directions and says a tag for each word."""

from torch import nn


class Tagger(nn.Module):
    """An embedding, a bidirectional LSTM or GRU over batches of sentences, and a linear layer for each word."""

    def __init__(self, words=50, tags=5, embedding=8, hidden=6, cell="LSTM", batch_first=True, padding_idx=None):
        super().__init__()
        self.embedding = nn.Embedding(words, embedding, padding_idx=padding_idx)
        self.rnn = getattr(nn, cell)(embedding, hidden, batch_first=batch_first, bidirectional=True)
        self.head = nn.Linear(2 * hidden, tags)

    def forward(self, tokens):
        states, _ = self.rnn(self.embedding(tokens))
        return self.head(states)
