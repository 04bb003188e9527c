"""A tagger with two bidirectional LSTMs, as a functional Keras model."""

import keras
from keras import layers, ops


def build(words=20, width=6, hidden=4, tags=3, classes=2, *, swapped=False, **second):
    """An embedding, two bidirectional LSTMs, a dense layer for each word and one for the sentence.

    `second` goes to the second LSTM; `swapped` puts the state of the direction that reads backwards first.
    """
    tokens = keras.Input((None,), dtype="int64", name="tokens")
    x = layers.Embedding(words, width)(tokens)
    x = layers.Bidirectional(layers.LSTM(hidden, return_sequences=True))(x)
    lstm = layers.LSTM(hidden, return_sequences=True, return_state=True, **second)
    states, forward, _, backward, _ = layers.Bidirectional(lstm)(x)
    last = ops.concatenate([backward, forward] if swapped else [forward, backward], axis=-1)
    return keras.Model(tokens, [layers.Dense(tags, name="tags")(states), layers.Dense(classes, name="sentence")(last)])
