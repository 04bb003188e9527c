"""Functions between two layers: in PyTorch by `torch.nn.functional`, in TensorFlow by `keras.ops` and `tf`."""

import keras
import tensorflow as tf
from keras import layers, ops


class Gelu(keras.Model):
    """Two layers with a gelu between them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = layers.Dense(8)
        self.fc2 = layers.Dense(4)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        x = ops.gelu(self.fc1(x), approximate=False)
        return self.fc2(x)


class GeluByDefault(Gelu):
    """The same with what `keras.ops.gelu` does unless told."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        x = ops.gelu(self.fc1(x))
        return self.fc2(x)


class Scaled(keras.Model):
    """Two layers, between which a method scales each row by its standard deviation."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = layers.Dense(8)
        self.fc2 = layers.Dense(4)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        x = self.fc1(x)
        x = self.scaled(x)
        return self.fc2(x)

    def scaled(self, x: tf.Tensor) -> tf.Tensor:
        return x / (tf.math.reduce_std(x, axis=1, keepdims=True) * tf.sqrt(tf.cast(8 / 7, x.dtype)))


class ScaledByBiased(Scaled):
    """The same by a standard deviation that divides by n."""

    def scaled(self, x: tf.Tensor) -> tf.Tensor:
        return x / tf.math.reduce_std(x, axis=1, keepdims=True)


class Classifier(keras.Model):
    """A function behind the last layer."""

    def __init__(self, *, approximate: bool = False) -> None:
        super().__init__()
        self.fc = layers.Dense(8)
        self.approximate = approximate

    def call(self, x: tf.Tensor) -> tf.Tensor:
        if self.approximate:
            return tf.tanh(keras.activations.gelu(self.fc(x), approximate=True))
        return tf.tanh(keras.activations.gelu(self.fc(x)))
