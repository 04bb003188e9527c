"""A tiny BERT as a functional Keras model, around self-attention written out as a layer."""

import math

import keras
from keras import layers, ops


class SelfAttention(layers.Layer):
    """Queries, keys and values from dense layers of their own; words that `keep` does not keep are not attended to."""

    def __init__(self, width, heads, **options):
        super().__init__(**options)
        self.heads = heads
        self.query = layers.Dense(width)
        self.key = layers.Dense(width)
        self.value = layers.Dense(width)

    def split(self, x):
        batch, steps, width = ops.shape(x)
        return ops.transpose(ops.reshape(x, (batch, steps, self.heads, width // self.heads)), (0, 2, 1, 3))

    def call(self, x, keep):
        query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) / math.sqrt(query.shape[-1])
        scores = ops.where(keep[:, None, None, :], scores, -math.inf)
        attended = ops.transpose(ops.matmul(ops.softmax(scores, axis=-1), value), (0, 2, 1, 3))
        return ops.reshape(attended, ops.shape(x))


class Positions(layers.Layer):
    """An embedding of places, counted from `first`, for as many words as there are."""

    def __init__(self, longest, width, first=0, **options):
        super().__init__(**options)
        self.embedding = layers.Embedding(longest, width)
        self.first = first

    def call(self, tokens):
        return self.embedding(ops.arange(ops.shape(tokens)[1]) + self.first)


def build(words=20, width=8, heads=2, hidden=16, longest=8, depth=2, *, epsilon=1e-12, approximate=False, first=0):
    """Embeddings of words, places and segments, two layers, and the first word of each sentence pooled.

    `epsilon` is that of the normalization behind the dense layers.
    """
    tokens = keras.Input((None,), dtype="int64", name="tokens")
    segments = keras.Input((None,), dtype="int64", name="segments")
    keep = keras.Input((None,), dtype="bool", name="keep")
    x = layers.Embedding(words, width, name="word")(tokens)
    x = x + Positions(longest, width, first, name="position")(tokens)
    x = x + layers.Embedding(2, width, name="segment")(segments)
    x = layers.Dropout(0.1)(layers.LayerNormalization(epsilon=1e-12, name="norm")(x))
    for i in range(depth):
        y = SelfAttention(width, heads, name=f"attention_{i}")(x, keep)
        y = layers.Dense(width, name=f"attention_output_{i}")(y)
        x = layers.LayerNormalization(epsilon=1e-12, name=f"attention_norm_{i}")(x + y)
        y = layers.Dense(hidden, name=f"intermediate_{i}")(x)
        y = layers.Dense(width, name=f"output_{i}")(ops.gelu(y, approximate=approximate))
        x = layers.LayerNormalization(epsilon=epsilon, name=f"output_norm_{i}")(x + y)
    pooled = layers.Dense(width, activation="tanh", name="pooler")(x[:, 0])
    return keras.Model([tokens, segments, keep], [x, pooled])


def build_attention(width=8, heads=2):
    """Self-attention and the dense layer behind it, as the one layer that Keras has for both."""
    x = keras.Input((None, width), name="x")
    keep = keras.Input((None,), dtype="bool", name="keep")
    attention = layers.MultiHeadAttention(heads, width // heads, name="attention")
    return keras.Model([x, keep], attention(x, x, attention_mask=layers.Reshape((1, -1))(keep)))
