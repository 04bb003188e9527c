"""A tagger: it reads a sentence in both directions and says a tag for each word. Functional Keras models."""

import keras
from keras import layers, ops


def build(words=50, tags=5, embedding=8, hidden=6, *, cell="LSTM", mask_zero=False, **options):
    """An embedding, a bidirectional LSTM or GRU with further `options`, and a dense layer for each word."""
    tokens = keras.Input((None,), dtype="int64", name="tokens")
    x = layers.Embedding(words, embedding, mask_zero=mask_zero)(tokens)
    rnn = getattr(layers, cell)(hidden, **{"return_sequences": True, **options})
    x = layers.Bidirectional(rnn)(x)
    outputs = layers.Dense(tags)(x)
    return keras.Model(tokens, outputs)


def build_two_directions(words=50, tags=5, embedding=8, hidden=6, *, flip=True):
    """A tagger of two LSTMs. What the second one reads backwards comes out backwards, and is turned round by `flip`."""
    tokens = keras.Input((None,), dtype="int64", name="tokens")
    x = layers.Embedding(words, embedding)(tokens)
    forward = layers.LSTM(hidden, return_sequences=True, name="forward")(x)
    backward = layers.LSTM(hidden, return_sequences=True, go_backwards=True, name="backward")(x)
    if flip:
        backward = ops.flip(backward, axis=1)
    x = layers.Concatenate()([forward, backward])
    outputs = layers.Dense(tags)(x)
    return keras.Model(tokens, outputs)
