"""A language model: a stacked LSTM reads a sentence and says at each word which one comes next."""

from torch import nn


class LanguageModel(nn.Module):
    """An embedding, two layers of LSTM with dropout between them, and a linear layer over all words."""

    def __init__(self, words=20, width=6, hidden=8):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.lstm = nn.LSTM(width, hidden, num_layers=2, dropout=0.5, batch_first=True)
        self.drop = nn.Dropout(0.5)
        self.decoder = nn.Linear(hidden, words)

    def forward(self, tokens, state=None):
        states, state = self.lstm(self.embedding(tokens), state)
        return self.decoder(self.drop(states))
