"""A language model as a subclass of `keras.Model`: a GRU reads a sentence on from a state."""

import keras
from keras import layers


class LanguageModel(keras.Model):
    """An embedding, a GRU and a dense layer over all words; it gives its last state, to read on from.

    `forgets` has it begin each sentence with a state of zeros.
    """

    def __init__(self, words=20, width=6, hidden=8, *, use_bias=True, forgets=False, **options):
        super().__init__()
        self.embedding = layers.Embedding(words, width)
        self.gru = layers.GRU(hidden, return_sequences=True, return_state=True, **options)
        self.decoder = layers.Dense(words, use_bias=use_bias)
        self.forgets = forgets

    def call(self, tokens, before):
        states, last = self.gru(self.embedding(tokens), initial_state=None if self.forgets else before)
        return self.decoder(states), last
