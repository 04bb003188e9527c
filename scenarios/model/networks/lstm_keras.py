"""A language model as a functional Keras model: two LSTMs read a sentence and say at each word which one comes next."""

import keras
from keras import layers


def build(words=20, width=6, hidden=8, *, go_backwards=False, activation="tanh", last=None):
    """An embedding, two LSTMs with dropout behind each, and a dense layer over all words.

    `go_backwards` and `activation` are those of the second LSTM, `last` the activation of the dense layer.
    """
    tokens = keras.Input((None,), dtype="int64", name="tokens")
    x = layers.Embedding(words, width)(tokens)
    x = layers.LSTM(hidden, return_sequences=True)(x)
    x = layers.Dropout(0.5)(x)
    x = layers.LSTM(hidden, activation=activation, go_backwards=go_backwards, return_sequences=True)(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(tokens, layers.Dense(words, activation=last)(x))
