"""The network of `buffers.py` in Keras: what is a buffer there is a variable that is not trained."""

import keras
import tensorflow as tf


class Positions(keras.layers.Layer):
    """Positions, whose steps are `scale` times those of PyTorch."""

    def __init__(self, scale: float = 1) -> None:
        super().__init__()
        self.scale = scale

    def build(self, shape: tuple[int, ...]) -> None:
        self.frequencies = self.add_weight(shape=(3, 4), initializer="normal", trainable=False, name="frequencies")
        constants = keras.initializers.Constant([self.scale * step for step in (1.0, 2.0, 3.0, 4.0)])
        self.steps = self.add_weight(shape=(4,), initializer=constants, trainable=False, name="steps")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.sin(tf.matmul(x, self.frequencies) / self.steps)


class Net(keras.Model):
    """Positions and a layer that reads them."""

    def __init__(self, scale: float = 1) -> None:
        super().__init__()
        self.positions, self.out = Positions(scale), keras.layers.Dense(2)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.out(self.positions(x))
