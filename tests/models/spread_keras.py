"""Networks of Keras that do alone in a layer what `spread.py` spreads over code, or the other way round."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops


def pooled(*, ordered: bool = True, pool: int = 2, **two: Any) -> keras.Model:
    """Convolutions with an activation of their own; the second is made with what is said, and `pool` is what comes behind it."""
    given = keras.Input((14, 14, 1))
    x = layers.MaxPooling2D(2)(layers.Conv2D(4, 3, activation="relu")(given))
    x = layers.Conv2D(4, 3, **{"padding": "same", "activation": "relu", **two})(x)
    x = layers.MaxPooling2D(pool)(x)
    x = layers.Flatten()(layers.Permute((3, 1, 2))(x) if ordered else x)
    return keras.Model(given, layers.Dense(3)(x))


def causal(**two: Any) -> keras.Model:
    """Causal convolutions; the second is made with what is said."""
    return keras.Sequential(
        [
            layers.Conv1D(4, 3, padding="causal", activation="relu"),
            layers.Conv1D(
                4, **{"kernel_size": 3, "padding": "causal", "dilation_rate": 2, "activation": "relu", **two}
            ),
        ]
    )


def highway(style: str = "argument", activation: str = "silu", *, carried: bool = True) -> keras.Model:
    """The gates made behind what they gate, by nameless layers: each activation an argument, a layer or a function."""

    def dense(name: str) -> Any:
        if style == "argument":
            return layers.Dense(4, activation=name)
        activated = layers.Activation(name) if style == "layer" else getattr(ops, name)
        plain = layers.Dense(4)
        return lambda x: activated(plain(x))

    x = inputs = keras.Input((4,))
    for _ in range(2):
        made, share = dense(activation)(x), dense("sigmoid")(x)
        x = share * made + (1 - share) * x if carried else share * made + x
    return keras.Model(inputs, x)


class Highway(keras.Model):  # type: ignore[misc]
    """The same as a model of a person's own, which calls TensorFlow's functions between its layers."""

    def __init__(self, activation: str = "silu") -> None:
        super().__init__()
        self.activation = getattr(tf.nn, activation)
        self.all = [layers.Dense(4) for _ in range(4)]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        for made, gate in (self.all[:2], self.all[2:]):
            made, share = self.activation(made(x)), tf.sigmoid(gate(x))
            x = share * made + (1 - share) * x
        return x


def conditioned(plain: float = 1.0, **norm: Any) -> keras.Model:
    """A normalization whose gain and bias are made of something else: one more than what is made, or as it is."""
    inputs = keras.Input((8, 8, 3))
    made = layers.Dense(12)(ops.mean(inputs, axis=(1, 2, 3))[:, None])[:, None, None]
    x = layers.Conv2D(6, 3, use_bias=False)(inputs)
    x = layers.GroupNormalization(**{"groups": 3, "epsilon": 1e-5, "center": False, "scale": False, **norm})(x)
    x = layers.ReLU()(x * (plain + made[..., :6]) + made[..., 6:])
    return keras.Model(inputs, layers.Conv2D(2, 1)(x))


class RootMeanSquare(layers.Layer):
    """A normalization of a person's own."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps

    def build(self, shape: tuple[int, ...]) -> None:
        self.scale = self.add_weight(shape=shape[-1:], initializer="ones", name="scale")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x * tf.math.rsqrt(tf.reduce_mean(x**2, -1, keepdims=True) + self.eps) * self.scale


def normalized(eps: float) -> keras.Sequential:
    """Two dense layers, each behind such a normalization, the second of which has the `eps` that is said."""
    return keras.Sequential([RootMeanSquare(1e-6), layers.Dense(4), RootMeanSquare(eps), layers.Dense(2)])


def both_ways(*, steps: bool = True, mode: str = "sum", activation: str = "tanh") -> keras.Sequential:
    """A recurrent layer that merges its directions itself."""
    both = layers.Bidirectional(layers.GRU(4, return_sequences=steps), merge_mode=mode)
    return keras.Sequential([both, layers.Dense(2, activation=activation)])


def heads(order: str = "msw", activation: str = "linear") -> keras.Model:
    """Three outputs of one layer, in an order; the first has an activation."""
    given = keras.Input((3,))
    y = layers.Dense(5, activation="tanh", name="body")(given)
    made = {
        "m": layers.Dense(2, name="mean", activation=activation)(y),
        "s": layers.Dense(2, name="spread")(y),
        "w": layers.Dense(4, name="word")(y),
    }
    return keras.Model(given, [made[each] for each in order])


def gated(activation: str = "sigmoid") -> keras.Model:
    """One half of what a layer gives is the gate of the other."""
    given = keras.Input((3,))
    y = layers.Dense(6, name="one")(given)
    y = layers.Multiply()([y[:, :3], layers.Activation(activation)(y[:, 3:])])
    return keras.Model(given, layers.Dense(2, name="two")(y))


def generator(*, layer: bool, epsilon: float = 1e-5) -> keras.Model:
    """A transposed convolution whose first row and column are cut off, by a layer or by code."""
    given = keras.Input((4, 4, 3))
    x = layers.Conv2DTranspose(4, 3, strides=2)(given)
    x = layers.Cropping2D(((1, 0), (1, 0)))(x) if layer else x[:, 1:, 1:, :]
    return keras.Model(given, layers.Activation("tanh")(layers.BatchNormalization(epsilon=epsilon)(x)))


def mirrored(mode: str = "reflect") -> keras.Model:
    """A convolution whose border a function puts around."""
    given = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3)(given)
    x = keras.ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode=mode)
    return keras.Model(given, layers.Conv2D(2, 3)(layers.Conv2D(4, 3)(x)))


class Bordered(keras.Model):  # type: ignore[misc]
    """The border is put around by a function of TensorFlow."""

    def __init__(self, mode: str = "REFLECT") -> None:
        super().__init__()
        self.mode, self.one, self.two = mode, layers.Conv2D(4, 3), layers.Conv2D(2, 3)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        widths = [[0, 0], [1, 1], [1, 1], [0, 0]]
        return self.two(tf.pad(self.one(tf.pad(x, widths, mode=self.mode)), widths, mode="REFLECT"))


class Rated(keras.Model):  # type: ignore[misc]
    """Two embeddings that are multiplied, and a bias of either, or of one of them twice."""

    def __init__(self, *, mistaken: bool = False) -> None:
        super().__init__()
        self.mistaken, self.users, self.items = mistaken, layers.Embedding(10, 5), layers.Embedding(12, 5)
        self.of_user, self.of_item = layers.Embedding(10, 1), layers.Embedding(12, 1)

    def call(self, x: tf.Tensor, item: tf.Tensor) -> tf.Tensor:
        biases = self.of_user(x) + self.of_item(x if self.mistaken else item)
        return ops.sum(self.users(x) * self.items(item), -1) + ops.squeeze(biases, -1)


class Repeated(keras.Model):  # type: ignore[misc]
    """One layer twice, and one of two normalizations, or both."""

    def __init__(self, activation: str = "silu", *, normed: bool = True) -> None:
        super().__init__()
        self.both, self.normed = layers.Dense(4, activation=activation), normed
        self.first, self.second = layers.LayerNormalization(epsilon=1e-5), layers.LayerNormalization(epsilon=1e-5)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.second(self.both(self.both(self.first(x) if self.normed else x)))


def standardized(*, squared: bool = True) -> keras.Model:
    """Pictures that a layer normalizes, by variances, or by deviations that are taken for them."""
    deviations = [0.229, 0.224, 0.225]
    variances = [each**2 for each in deviations] if squared else deviations
    return keras.Sequential([
        layers.Normalization(mean=[0.485, 0.456, 0.406], variance=variances),
        layers.Conv2D(4, 3),
    ])  # fmt: skip


def clipped() -> keras.Model:
    """A network that ends in a function of one's own."""
    return keras.Sequential([layers.Dense(3), layers.Lambda(lambda x: tf.clip_by_value(x, -1.0, 1.0))])


class Gained(layers.Layer):
    """A block with two gains that its own code reads, which are made in the other order."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = layers.Dense(4, activation="tanh"), layers.Dense(4, activation="tanh")

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.late = self.add_weight(shape=(4,), initializer="ones", name="late")
        self.early = self.add_weight(shape=(4,), initializer="ones", name="early")
        super().build(shape)

    def call(self, x: Any) -> Any:
        x = x + self.early * self.one(x)
        return x + self.late * self.two(x)


class Blocks(keras.Model):
    """Two such blocks between two layers."""

    def __init__(self, activation: str | None = None) -> None:
        super().__init__()
        self.first, self.last = layers.Dense(4), layers.Dense(2, activation=activation)
        self.blocks = [Gained(), Gained()]

    def call(self, x: Any) -> Any:
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.last(x)


def tokens() -> keras.Model:
    """Patches of a picture, each with its channels."""
    return keras.Sequential([
        layers.Conv2D(4, 2, strides=2),
        layers.Reshape((4, 4)),
        layers.LayerNormalization(epsilon=1e-5),
        layers.Dense(2),
    ])  # fmt: skip


def recurrent(third: float = 2.0) -> keras.Model:
    """A layer that gives its last step alone, behind a shift."""
    shift = layers.Normalization(mean=[0.5, -1.0, third], variance=[1.0, 1.0, 1.0])
    return keras.Sequential([shift, layers.LSTM(4), layers.Dense(1)])


class Before(keras.Model):
    """An encoder layer that normalizes what it attends to."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.attention = layers.Embedding(9, 4), layers.MultiHeadAttention(2, 2)
        self.norm, self.head = layers.LayerNormalization(epsilon=1e-5), layers.Dense(2)

    def call(self, x: Any) -> Any:
        x = self.words(x) * 2.0
        inner = self.norm(x)
        return self.head(x + self.attention(inner, inner))
