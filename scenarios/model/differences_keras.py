"""Small networks of Keras whose call is more than one layer behind the other."""

import keras
from keras import layers, ops


class Attention(keras.Model):
    """Attention of a sequence to itself under a mask, between a dense layer and a normalization."""

    def __init__(self, turned=False):
        super().__init__()
        self.inner = layers.Dense(8)
        self.attention = layers.MultiHeadAttention(2, 4)
        self.norm = layers.LayerNormalization(epsilon=1e-5)
        self.turned = turned

    def call(self, x, mask):
        x = self.inner(x)
        mask = ops.logical_not(mask) if self.turned else mask
        return self.norm(x + self.attention(x, x, attention_mask=mask))


class Memory(keras.Model):
    """Attention to keys and values that are given, and a dense layer."""

    def __init__(self, by_name=False):
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 4)
        self.head = layers.Dense(2)
        self.by_name = by_name

    def call(self, x, keys, values):
        if self.by_name:
            return self.head(self.attention(query=x, key=keys, value=values))
        return self.head(self.attention(x, keys, values))
