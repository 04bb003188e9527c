"""The networks of `gains.py` in Keras, functional, with a layer for each gain."""

import keras
import tensorflow as tf


class Scale(keras.layers.Layer):
    """A gain, and a shift where it is asked for."""

    def __init__(self, *, shift: bool = False, **settings: str) -> None:
        super().__init__(**settings)
        self.shift = shift

    def build(self, shape: tuple[int, ...]) -> None:
        self.ww = self.add_weight(shape=(shape[-1],), initializer="ones", name="weight")
        if self.shift:
            self.bb = self.add_weight(shape=(shape[-1],), initializer="zeros", name="bias")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x * self.ww + self.bb if self.shift else x * self.ww


def net() -> keras.Model:
    """Two blocks between two layers."""
    inputs = keras.Input((4,))
    x = keras.layers.Dense(4, name="stem")(inputs)
    for block in range(2):
        mixed = keras.layers.Dense(4)(Scale(shift=True, name=f"a{block + 1}")(x))
        x = keras.layers.Add()([x, Scale(name=f"s{2 * block + 1}")(mixed)])
        made = keras.layers.Dense(4)(keras.layers.Dense(6, activation="relu")(x))
        x = keras.layers.Add()([x, Scale(name=f"s{2 * block + 2}")(made)])
    return keras.Model(inputs, keras.layers.Dense(2, name="head")(x))


def twice() -> keras.Model:
    """Two gains between the same two layers."""
    inputs = keras.Input((4,))
    x = keras.layers.Dense(4, name="stem")(inputs)
    parts = [keras.layers.ReLU()(Scale(name="a")(x)), Scale(name="b")(x)]
    return keras.Model(inputs, keras.layers.Dense(2, name="head")(keras.layers.Subtract()(parts)))
