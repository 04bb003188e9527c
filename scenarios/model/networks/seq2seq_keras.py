"""Sequence to sequence as a functional Keras model, around `keras.layers.Attention`."""

import keras
from keras import layers


def build(words=15, width=5, hidden=6, *, begins_with="state", context_first=True, attends="products"):
    """An encoder and a decoder, whose states attend to those of the encoder by their products."""
    source = keras.Input((None,), dtype="int64", name="source")
    target = keras.Input((None,), dtype="int64", name="target")
    encoder = layers.GRU(hidden, return_sequences=True, return_state=True, name="encoder")
    read, state = encoder(layers.Embedding(words, width, name="source_embedding")(source))
    decoder = layers.GRU(hidden, return_sequences=True, name="decoder")
    embedded = layers.Embedding(words, width, name="target_embedding")(target)
    written = decoder(embedded, initial_state=state if begins_with == "state" else None)
    attention = layers.Attention() if attends == "products" else layers.AdditiveAttention(use_scale=False)
    context = attention([written, read])
    joined = layers.Concatenate()([context, written] if context_first else [written, context])
    attended = layers.Dense(hidden, activation="tanh", name="combine")(joined)
    return keras.Model([source, target], layers.Dense(words, name="out")(attended))
