"""A layer of Keras and what can go wrong with one: each class or function is a model that fails in its own way."""

import sys

import keras
import numpy as np
import tensorflow as tf


class Linear(keras.layers.Dense):
    """A layer that works."""

    def __init__(self, units=4):
        super().__init__(units)


def build(units=2):
    """A network that works."""
    return keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(units)])


def raises():
    raise RuntimeError("the weights of 2019 are gone")


def gives_a_list():
    return [keras.layers.Dense(4)]


class Needing(keras.Model):
    """It cannot be made without its size."""

    def __init__(self, units):
        super().__init__()
        self.fc = keras.layers.Dense(units)


class Unready(keras.layers.Layer):
    """It was made without `super().__init__()`."""

    def __init__(self):
        self.fc = keras.layers.Dense(4)


class Uncalled(tf.Module):
    """It has no `__call__`."""

    def __init__(self):
        super().__init__()
        self.weight = tf.Variable(tf.ones((3, 4)))


class Formless(keras.Model):
    """It has no `call`."""

    def __init__(self):
        super().__init__()
        self.fc = keras.layers.Dense(4)


class Unbuilt(keras.layers.Layer):
    """It makes its weights nowhere, though it computes with them."""

    def call(self, x):
        return x @ self.kernel


class Built(keras.Model):
    """A subclass without `build`: its layers are made by the first call."""

    def __init__(self):
        super().__init__()
        self.fc = keras.layers.Dense(4)

    def call(self, x):
        return self.fc(x)


class Block(keras.layers.Layer):
    """Two layers that do not fit each other."""

    def __init__(self):
        super().__init__()
        self.fc1 = keras.layers.Dense(4)
        self.fc2 = keras.layers.Dense(2)
        self.fc2.build((None, 5))

    def call(self, x):
        return self.fc2(tf.nn.relu(self.fc1(x)))


class Nested(keras.Model):
    """A block within a model that cannot be called."""

    def __init__(self):
        super().__init__()
        self.body = keras.Sequential([keras.layers.Dense(3, name="first"), Block()])

    def call(self, x):
        return self.body(x)


class Broken(keras.layers.Dense):
    """A layer whose own code raises."""

    def __init__(self):
        super().__init__(4)

    def call(self, x):
        return super().call(x) + self.scale


class Masked(keras.layers.Layer):
    """It cannot be called without its mask."""

    def __init__(self):
        super().__init__()
        self.fc = keras.layers.Dense(4)

    def call(self, x, mask):
        return self.fc(x) * mask


class Giving(keras.Model):
    """It gives something else than a tensor, besides what it computes."""

    def __init__(self, what):
        super().__init__()
        self.fc = keras.layers.Dense(4)
        self.what = what

    def call(self, x):
        y = self.fc(x)
        return {"nothing": None, "text": "no tensor", "nested": {"hidden": y, "more": [{"logits": y + 1}]}}[self.what]


class Leaving(keras.layers.Dense):
    """It ends the process."""

    def __init__(self):
        super().__init__(4)

    def call(self, x):
        sys.exit(3)


class Recursive(keras.Model):
    """It calls itself."""

    def __init__(self):
        super().__init__()
        self.fc = keras.layers.Dense(3)

    def call(self, x):
        return self(self.fc(x))


class NotFinite(keras.layers.Dense):
    """Its own weights are not all numbers."""

    def __init__(self):
        super().__init__(4, kernel_initializer=keras.initializers.Constant(float("inf")))


class Large(keras.layers.Dense):
    """It does not fit into the memory that it may have."""

    def __init__(self):
        super().__init__(40_000)


class Branching(keras.Model):
    """It takes another way where the sum of its inputs is positive: the other one than PyTorch's."""

    def __init__(self):
        super().__init__()
        self.fc = keras.layers.Dense(4)

    def call(self, x):
        y = self.fc(x)
        return tf.nn.sigmoid(y) if tf.reduce_sum(x) > 0 else tf.nn.relu(y)


class Single(keras.layers.Layer):
    """It computes with a constant in single precision, which does not go together with double."""

    def __init__(self):
        super().__init__()
        self.fc = keras.layers.Dense(3)
        self.table = tf.constant(np.eye(3, dtype=np.float32))

    def call(self, x):
        return tf.matmul(self.fc(x), self.table)


class Unweighted(keras.layers.Layer):
    """It has no parameters."""

    def call(self, x):
        return tf.tanh(x)


class Detached(keras.layers.Dense):
    """It leaves TensorFlow on its way."""

    def __init__(self):
        super().__init__(4)

    def call(self, x):
        return tf.constant(np.tanh(super().call(x).numpy()))
