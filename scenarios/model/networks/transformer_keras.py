"""A transformer as subclasses of `keras.layers.Layer` and `keras.Model`, around `keras.layers.MultiHeadAttention`."""

import math

import keras
from keras import layers, ops


def feed_forward(width, hidden):
    """Two dense layers with ReLU between them."""
    return keras.Sequential([layers.Dense(hidden, activation="relu"), layers.Dense(width)])


class EncoderLayer(layers.Layer):
    """Self-attention and two dense layers, each added to what came in and normalized then, or before with `norm_first`."""

    def __init__(self, width, heads, hidden, norm_first=False):
        super().__init__()
        self.self_attn = layers.MultiHeadAttention(heads, width // heads)
        self.norm1 = layers.LayerNormalization(epsilon=1e-5)
        self.feed_forward = feed_forward(width, hidden)
        self.norm2 = layers.LayerNormalization(epsilon=1e-5)
        self.norm_first = norm_first

    def call(self, x):
        if self.norm_first:
            y = self.norm1(x)
            x = x + self.self_attn(y, y)
            return x + self.feed_forward(self.norm2(x))
        x = self.norm1(x + self.self_attn(x, x))
        return self.norm2(x + self.feed_forward(x))


class DecoderLayer(layers.Layer):
    """Self-attention that sees no later word unless it is not `causal`, attention to what was read, and two dense layers."""

    def __init__(self, width, heads, hidden, causal=True):
        super().__init__()
        self.self_attn = layers.MultiHeadAttention(heads, width // heads)
        self.norm1 = layers.LayerNormalization(epsilon=1e-5)
        self.cross_attn = layers.MultiHeadAttention(heads, width // heads)
        self.norm2 = layers.LayerNormalization(epsilon=1e-5)
        self.feed_forward = feed_forward(width, hidden)
        self.norm3 = layers.LayerNormalization(epsilon=1e-5)
        self.causal = causal

    def call(self, x, memory):
        x = self.norm1(x + self.self_attn(x, x, use_causal_mask=self.causal))
        x = self.norm2(x + self.cross_attn(x, memory))
        return self.norm3(x + self.feed_forward(x))


class Transformer(keras.Model):
    """Embeddings, scaled by the root of their width and with learned positions, and a layer for each side."""

    def __init__(
        self, words=12, width=16, heads=4, hidden=24, longest=6, *, scaled=True, norm_first=False, causal=True
    ):
        super().__init__()
        self.source_embedding = layers.Embedding(words, width)
        self.target_embedding = layers.Embedding(words, width)
        self.position = layers.Embedding(longest, width)
        self.encoder = EncoderLayer(width, heads, hidden, norm_first)
        self.decoder = DecoderLayer(width, heads, hidden, causal)
        self.head = layers.Dense(words)
        self.scale = math.sqrt(width) if scaled else 1.0

    def embed(self, embedding, tokens):
        return embedding(tokens) * self.scale + self.position(ops.arange(ops.shape(tokens)[1]))

    def call(self, source, target):
        memory = self.encoder(self.embed(self.source_embedding, source))
        return self.head(self.decoder(self.embed(self.target_embedding, target), memory))
