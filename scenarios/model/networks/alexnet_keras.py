"""AlexNet for small images, as a `keras.Sequential`."""

import keras
import tensorflow as tf
from keras import layers


class ResponseNormalization(layers.Layer):
    """Local response normalization: TensorFlow's `alpha` is by channel, PyTorch's by window."""

    def __init__(self, radius=1, alpha=0.1, beta=0.75, bias=2.0):
        super().__init__()
        self.settings = {"depth_radius": radius, "alpha": alpha, "beta": beta, "bias": bias}

    def call(self, x):
        return tf.nn.local_response_normalization(x, **self.settings)


def build(classes=5, width=4, *, alpha=0.1, pool_padding="valid"):
    """Five convolutions, the first two normalized over neighbouring channels, and pooling whose windows overlap."""
    return keras.Sequential([
        keras.Input((32, 32, 3)),
        layers.ZeroPadding2D(2),
        layers.Conv2D(width, 5, strides=2, activation="relu"),
        ResponseNormalization(alpha=alpha),
        layers.MaxPooling2D(3, strides=2, padding=pool_padding),
        layers.Conv2D(2 * width, 5, padding="same", activation="relu"),
        ResponseNormalization(alpha=alpha),
        layers.MaxPooling2D(3, strides=2),
        layers.Conv2D(3 * width, 3, padding="same", activation="relu"),
        layers.Conv2D(2 * width, 3, padding="same", activation="relu"),
        layers.Conv2D(2 * width, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(16, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(16, activation="relu"),
        layers.Dense(classes),
    ])  # fmt: skip
