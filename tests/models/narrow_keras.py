"""The networks of `narrow.py` in Keras: GELU divides by a square root of 2 that TensorFlow has in single precision."""

import keras
import tensorflow as tf
from keras import ops


class Mlp(keras.Model):
    """Blocks with GELU, each as its layer's activation (`fused`) or as a function between the layers."""

    def __init__(self, blocks: int = 2, *, fused: bool = True) -> None:
        super().__init__()
        self.fused = fused
        self.blocks = [keras.layers.Dense(6, activation="gelu" if fused else None) for _ in range(blocks)]
        self.head = keras.layers.Dense(2)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        for block in self.blocks:
            made = block(x)
            x = x + (made if self.fused else tf.nn.gelu(made))
        return self.head(x[:-1])


class Unit(keras.Model):
    """A layer whose result is divided by its length and masked: the mask is exact in every precision."""

    def __init__(self, epsilon: float = 1e-8) -> None:
        super().__init__()
        self.one, self.two, self.three = keras.layers.Dense(6), keras.layers.Dense(6), keras.layers.Dense(2)
        self.epsilon = epsilon

    def call(self, x: tf.Tensor) -> tf.Tensor:
        x = self.two(tf.nn.gelu(self.one(x)))
        x = x / (tf.norm(x, axis=-1, keepdims=True) + self.epsilon)
        return self.three(x * tf.cast(tf.constant([1.0, 1, 0, 1, 1, 0]), x.dtype))


class Scored(keras.layers.Layer):
    """TensorFlow keeps the slope of a leaky ReLU in single precision."""

    def __init__(self, *, exchanged: bool = False) -> None:
        super().__init__()
        self.exchanged = exchanged

    def build(self, shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], 4), name="kernel")
        self.a_src, self.a_dst = self.add_weight(shape=(4,), name="src"), self.add_weight(shape=(4,), name="dst")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        z = ops.matmul(x, self.kernel)
        src, dst = (self.a_dst, self.a_src) if self.exchanged else (self.a_src, self.a_dst)
        score = ops.leaky_relu(ops.sum(z * src, -1, keepdims=True) + 2 * ops.sum(z * dst, -1, keepdims=True), 0.2)
        return z * ops.softmax(score, 0)
