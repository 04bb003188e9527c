"""The networks of `functions.py` in Keras."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

Function = Callable[[Any], Any]


class Net(keras.Model):
    """Two layers, the first with settings, and a function between them, one of this file by its name, and one behind them."""

    def __init__(self, between: Function | str | None = None, behind: Function | None = None, **settings: Any) -> None:
        super().__init__()
        self.one, self.two = keras.layers.Dense(6, **settings), keras.layers.Dense(3)
        own = globals()[between] if isinstance(between, str) else between
        self.between = own() if isinstance(own, type) else own
        self.behind = behind

    def call(self, x: Any) -> Any:
        x = self.one(x)
        x = self.two(x if self.between is None else self.between(x))
        return x if self.behind is None else self.behind(x)


class Normalized(keras.Model):
    """Two layers around a normalization, with an activation behind it that is a function."""

    def __init__(self, between: Function, *, bias: bool = True) -> None:
        super().__init__()
        self.one, self.norm = keras.layers.Dense(6), keras.layers.BatchNormalization()
        self.two, self.between = keras.layers.Dense(3, use_bias=bias), between

    def call(self, x: Any) -> Any:
        return self.two(self.between(self.norm(self.one(x))))


def functional() -> keras.Model:
    """Two layers with an operation between them, in a functional model."""
    x = keras.Input((4,))
    return keras.Model(x, keras.layers.Dense(3)(keras.ops.gelu(keras.layers.Dense(6)(x))))


class Silu(keras.layers.Layer):
    """A layer of one's own that is a function of TensorFlow."""

    def call(self, x: Any) -> Any:
        return tf.nn.silu(x)


def by_tanh(x: Any) -> Any:
    return keras.activations.gelu(x, approximate=True)


def steeper(x: Any) -> Any:
    return tf.nn.leaky_relu(x, 0.3)


def scores(x: Any) -> Any:
    return tf.matmul(keras.ops.softmax(tf.matmul(x, x, transpose_b=True)), x)


def half_unseen(x: Any) -> Any:
    return tf.nn.relu(tf.numpy_function(lambda numbers: numbers / 2, [x], x.dtype))


@tf.function
def compiled(x: Any) -> Any:
    return tf.nn.relu(x)


def exact(x: Any) -> Any:
    """A function of one's own that is one of Keras's."""
    return keras.activations.gelu(x, approximate=False)


EXACT = {
    "lambda": lambda x: keras.activations.gelu(x, approximate=False),
    "partial": functools.partial(keras.activations.gelu, approximate=False),
    "own": exact,
    "of TensorFlow": tf.nn.gelu,
}


def activated(name: str, slope: float = 0.2) -> Net:
    """The network whose first layer calls a function that a person gives it: an exact GELU, or a layer."""
    return Net(activation=EXACT.get(name) or keras.layers.LeakyReLU(negative_slope=slope))


def half() -> Net:
    """The network whose first layer calls the approximate GELU by a function that Keras cannot write down."""
    return Net(activation=functools.partial(keras.activations.gelu, approximate=True))
