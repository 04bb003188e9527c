"""The networks of `unnamed.py`, whose layers and weights are made in another order and have other names."""

from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import layers, ops


class Attention(keras.Model):  # type: ignore[misc]
    """The projections in an order of one's own: `kvqo` makes that of the key first."""

    def __init__(self, order: str = "qkvo", scale: float = 8**0.5) -> None:
        super().__init__()
        self.made = [layers.Dense(8) for _ in order]
        self.q, self.k, self.v, self.o = (self.made[order.index(role)] for role in "qkvo")
        self.scale = scale

    def call(self, x: tf.Tensor) -> tf.Tensor:
        scores = ops.matmul(self.q(x), ops.transpose(self.k(x), (0, 2, 1))) / self.scale
        return self.o(ops.matmul(ops.softmax(scores, -1), self.v(x)))


class Towers(keras.Model):  # type: ignore[misc]
    def __init__(self, activation: str = "relu", *, norm: bool = True) -> None:
        super().__init__()
        norms = [[layers.BatchNormalization(momentum=0.9, epsilon=1e-5)] * norm for _ in range(2)]
        self.p, self.q = (
            keras.Sequential([layers.Dense(6), *each, layers.Activation(activation), layers.Dense(4)]) for each in norms
        )

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return ops.sigmoid(self.p(x)) * self.q(x)


class Recurrent(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.p, self.q = (layers.LSTM(5, return_sequences=True) for _ in range(2))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        mean = ops.mean(self.p(x), 1)
        return self.q(x)[:, -1] - mean


class Factors(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.p, self.q, self.r, self.s = (layers.Embedding(10, size) for size in (4, 4, 1, 1))

    def call(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return ops.sum(self.p(y) * self.q(x), -1) + self.r(y)[..., 0] + ops.tanh(self.s(x)[..., 0])


class Norms(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.p, self.q = (layers.LayerNormalization(epsilon=1e-5) for _ in range(2))

    def call(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return ops.exp(self.p(y)) + 2 * self.q(x)


def gru(x: tf.Tensor, given: Sequence[object], kept: Sequence[object], activation: str = "tanh") -> tf.Tensor:
    """The last state of a cell, with the layers of its reset gate first."""
    act = keras.activations.get(activation)
    h = ops.zeros_like(x[:, 0])
    for place in range(x.shape[1]):
        step = x[:, place]
        r, z = (ops.sigmoid(given[i](step) + kept[i](h)) for i in range(2))  # type: ignore[operator]
        h = (1 - z) * act(given[2](step) + kept[2](r * h)) + z * h  # type: ignore[operator]
    return h


class Gru(keras.Model):  # type: ignore[misc]
    """Layers, of which those for what is kept have no bias."""

    def __init__(self) -> None:
        super().__init__()
        self.x = [layers.Dense(4) for _ in range(3)]
        self.h = [layers.Dense(4, use_bias=False) for _ in range(3)]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return gru(x, self.x, self.h)


class GruWeights(keras.Model):  # type: ignore[misc]
    """All weights in one layer."""

    def __init__(self, activation: str = "tanh") -> None:
        super().__init__()
        self.activation = activation
        self.w = [self.add_weight(shape=(4, 4), name=f"w{gate}") for gate in "rzn"]
        self.u = [self.add_weight(shape=(4, 4), name=f"u{gate}") for gate in "rzn"]
        self.b = [self.add_weight(shape=(4,), name=f"b{gate}") for gate in "rzn"]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        given = [lambda y, w=w, b=b: ops.matmul(y, w) + b for w, b in zip(self.w, self.b, strict=True)]
        return gru(x, given, [lambda y, u=u: ops.matmul(y, u) for u in self.u], self.activation)


class Lstm(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.k, self.r = self.add_weight(shape=(4, 16), name="k"), self.add_weight(shape=(4, 16), name="r")
        self.b = self.add_weight(shape=(16,), name="b")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        h = c = ops.zeros_like(x[:, 0])
        for place in range(x.shape[1]):
            i, f, g, o = ops.split(ops.matmul(x[:, place], self.k) + ops.matmul(h, self.r) + self.b, 4, 1)
            c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
            h = ops.sigmoid(o) * ops.tanh(c)
        return h


def dense(activation: str = "tanh") -> keras.Model:
    return keras.Sequential(
        [layers.Dense(4, activation="tanh"), layers.Dense(4, activation=activation), layers.Dense(4)]
    )


class Products(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.v, self.w = (self.add_weight(shape=(4, 4), name=name) for name in "vw")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return ops.matmul(x, self.v) * ops.matmul(x, self.w)


class One(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.p, self.q = layers.Dense(4, use_bias=False), layers.Dense(4, use_bias=False)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return ops.tanh(self.p(x)) + self.p(x) + 0 * self.q(x)


class Difference(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.p, self.q = layers.Dense(4), layers.Dense(4)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return ops.relu(ops.negative(self.p(x)) + self.q(x))


class Attentions(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.p, self.q = layers.MultiHeadAttention(2, 2), layers.MultiHeadAttention(2, 2)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        less = self.p(x, x)
        return 2 * ops.tanh(self.q(x, x)) - less


class Gated(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.experts = [layers.Dense(4) for _ in range(2)]
        self.p, self.q = layers.Dense(2, use_bias=False), layers.Dense(2, use_bias=False)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        made = ops.stack([expert(x) for expert in self.experts], 1)
        two, one = (ops.einsum("ne,ned->nd", ops.softmax(gate(x), -1), made) for gate in (self.p, self.q))
        return ops.tanh(one) - two


class Inverse(keras.layers.Layer):  # type: ignore[misc]
    """The matrix is held turned."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], shape[-1]), name="kernel")
        self.bias = self.add_weight(shape=(shape[-1],), name="bias")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        inverse = ops.inv(self.kernel + 9 * ops.eye(4, dtype=x.dtype))
        return ops.tanh(ops.matmul(x, ops.transpose(inverse)) + self.bias)


class Kept(keras.layers.Layer):  # type: ignore[misc]
    """The weights have each other's names; `mistake` makes it another function."""

    def __init__(self, *, mistake: bool = False) -> None:
        super().__init__()
        self.mistake = mistake

    def build(self, shape: tuple[int, ...]) -> None:
        self.U, self.W = (self.add_weight(shape=(shape[-1], shape[-1]), name=name) for name in "UW")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        h = ops.zeros_like(x[:, 0])
        for step in range(x.shape[1]):
            h = ops.tanh(ops.matmul(x[:, step], self.U) + ops.sigmoid(ops.matmul(h, self.W)))
            h = h / 2 if self.mistake else h
        return h
