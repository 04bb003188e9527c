"""The networks of `packed.py` in Keras; `scale` makes an attention another one."""

import keras
import tensorflow as tf
from keras import layers, ops

WIDTH, HEADS = 8, 2


def attended(q, k, v, scale=None):
    weights = ops.softmax(ops.matmul(q, ops.swapaxes(k, -1, -2)) * (scale or q.shape[-1] ** -0.5))
    found = ops.swapaxes(ops.matmul(weights, v), 1, 2)
    return ops.reshape(found, (*found.shape[:2], -1))


def heads(x):
    return ops.swapaxes(ops.reshape(x, (*x.shape[:2], HEADS, -1)), 1, 2)


class Attention(keras.Model):
    def __init__(self, kind="apart", scale=None):
        super().__init__()
        self.kind, self.scale = kind, scale
        if kind == "packed":
            self.qkv = layers.Dense(3 * WIDTH)
        else:
            self.query, self.key, self.value = (layers.Dense(WIDTH, use_bias=kind != "without") for _ in range(3))
        self.proj = layers.Dense(WIDTH)

    def call(self, x):
        if self.kind == "packed":
            given = ops.split(self.qkv(x), 3, axis=-1)
        else:
            given = [layer(x) for layer in (self.query, self.key, self.value)]
        return self.proj(attended(*map(heads, given), self.scale))


class Blocks(keras.Model):
    def __init__(self, kind="apart", scale=None):
        super().__init__()
        self.norms = [layers.LayerNormalization(epsilon=1e-5) for _ in range(2)]
        if kind == "multihead":
            self.attentions = [layers.MultiHeadAttention(HEADS, WIDTH // HEADS) for _ in range(2)]
        else:
            self.attentions = [Attention(kind, scale if place else None) for place in range(2)]
        self.kind = kind

    def call(self, x):
        for norm, attention in zip(self.norms, self.attentions, strict=True):
            y = norm(x)
            x = x + (attention(y, y) if self.kind == "multihead" else attention(y))
        return x


class OneKey(keras.Model):
    def __init__(self, packed=False):
        super().__init__()
        self.packed, self.each = packed, WIDTH // HEADS
        if packed:
            self.qkv = layers.Dense(WIDTH + 2 * self.each)
        else:
            self.q, self.k, self.v = layers.Dense(WIDTH), layers.Dense(self.each), layers.Dense(self.each)

    def call(self, x):
        if self.packed:
            q, k, v = ops.split(self.qkv(x), [WIDTH, WIDTH + self.each], axis=-1)
        else:
            q, k, v = self.q(x), self.k(x), self.v(x)
        return attended(heads(q), k[:, None], v[:, None])


class Gated(keras.Model):
    """`order` is that in which the gates input, forget, new and output are made, and stand in what is packed."""

    def __init__(self, kind="apart", order=(0, 1, 2, 3)):
        super().__init__()
        self.kind, self.order = kind, order
        if kind == "packed":
            self.of_x, self.of_h = layers.Dense(12), layers.Dense(12, use_bias=False)
        elif kind == "weights":
            self.of_x = [self.add_weight(shape=(4, 3)) for _ in range(4)]
            self.of_h = [self.add_weight(shape=(3, 3)) for _ in range(4)]
            self.biases = [self.add_weight(shape=(3,)) for _ in range(4)]
        else:
            self.of_x = [layers.Dense(3) for _ in range(4)]
            self.of_h = [layers.Dense(3, use_bias=False) for _ in range(4)]

    def gates(self, given, h):
        if self.kind == "packed":
            return ops.split(self.of_x(given) + self.of_h(h), 4, axis=-1)
        if self.kind == "weights":
            both = zip(self.of_x, self.of_h, self.biases, strict=True)
            return [given @ a + h @ b + bias for a, b, bias in both]
        return [a(given) + b(h) for a, b in zip(self.of_x, self.of_h, strict=True)]

    def call(self, x):
        h = c = tf.zeros((x.shape[0], 3), x.dtype)
        for step in range(x.shape[1]):
            made = self.gates(x[:, step], h)
            i, f, g, o = (made[self.order.index(gate)] for gate in range(4))
            c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
            h = ops.sigmoid(o) * ops.tanh(c)
        return h


class Experts(keras.Model):
    def __init__(self, packed=True):
        super().__init__()
        self.packed, self.gate = packed, layers.Dense(3, activation="softmax")
        if packed:
            self.up = self.add_weight(shape=(3, 4, 5), name="up")
        else:
            self.up = [layers.Dense(5, activation="relu", use_bias=False) for _ in range(3)]

    def call(self, x):
        return ops.sum(self.gate(x)[:, :, None] * self.made(x), axis=1)

    def made(self, x):
        if self.packed:
            return ops.relu(ops.einsum("bi,eio->beo", x, self.up))
        return ops.stack([layer(x) for layer in self.up], 1)


class Images(keras.Model):
    def __init__(self, packed=False):
        super().__init__()
        self.packed = packed
        if packed:
            self.all = layers.Conv2D(12, 1)
        else:
            self.a, self.b, self.c = (layers.Conv2D(4, 1) for _ in range(3))

    def call(self, x):
        a, b, c = ops.split(self.all(x), 3, axis=-1) if self.packed else (self.a(x), self.b(x), self.c(x))
        return ops.tanh(a) * b + ops.sigmoid(c)
