"""The layers of `counting.py` in Keras, in a model that gives something else after so many calls."""

import keras
import tensorflow as tf


class Counting(keras.Model):  # type: ignore[misc]
    def __init__(self, calls: int) -> None:
        super().__init__()
        self.inner, self.outer = keras.layers.Dense(4), keras.layers.Dense(2)
        self.left = calls

    def call(self, x: tf.Tensor) -> tf.Tensor:
        self.left -= tf.executing_eagerly()  # it is called on symbols too, when it is built
        return self.outer(tf.tanh(self.inner(x if self.left >= 0 else 2 * x)))
