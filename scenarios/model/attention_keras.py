"""Self-attention written out, as a subclass of `keras.layers.Layer`, and two classes that get it wrong."""

import math

from keras import layers, ops


class SelfAttention(layers.Layer):
    """Queries, keys and values of several heads from dense layers of their own, and a fourth one behind them."""

    def __init__(self, width=16, heads=4, axis=-1):
        super().__init__()
        self.heads = heads
        self.axis = axis
        self.scale = 1 / math.sqrt(width // heads)
        self.query = layers.Dense(width)
        self.key = layers.Dense(width)
        self.value = layers.Dense(width)
        self.out = layers.Dense(width)

    def build(self, input_shape):
        for layer in (self.query, self.key, self.value, self.out):
            layer.build(input_shape)

    def split(self, x):
        """(batch, steps, width) as (batch, heads, steps, width of a head)."""
        batch, steps, width = ops.shape(x)
        return ops.transpose(ops.reshape(x, (batch, steps, self.heads, width // self.heads)), (0, 2, 1, 3))

    def call(self, x):
        query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = ops.matmul(query, ops.swapaxes(key, -2, -1)) * self.scale
        attended = ops.matmul(ops.softmax(scores, axis=self.axis), value)
        return self.out(ops.reshape(ops.transpose(attended, (0, 2, 1, 3)), ops.shape(x)))


class Unscaled(SelfAttention):
    """The scores are not divided by the root of a head's width."""

    def __init__(self):
        super().__init__()
        self.scale = 1.0


class MixedHeads(SelfAttention):
    """The heads are cut out of the steps: a reshape to the right shape, where an axis had to be moved."""

    def split(self, x):
        batch, steps, width = ops.shape(x)
        return ops.reshape(x, (batch, self.heads, steps, width // self.heads))
