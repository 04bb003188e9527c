"""Network in network as a `keras.Sequential`: convolutions of 1 x 1 mix the channels behind each convolution."""

import keras
from keras import layers


def mixed(filters, size, inner="relu"):
    """A convolution and two of 1 x 1 behind it, each with ReLU; `inner` is the activation of the one in the middle."""
    return [
        layers.Conv2D(filters, size, padding="same", activation="relu"),
        layers.Conv2D(filters, 1, activation=inner),
        layers.Conv2D(filters, 1, activation="relu"),
    ]


def build(classes=5, *, inner="relu", maximum=False):
    """Three mixed convolutions with pooling between them; the average of each channel is the logit of a class."""
    return keras.Sequential([
        keras.Input((16, 16, 3)),
        *mixed(6, 5),
        layers.MaxPooling2D(3, strides=2),
        *mixed(8, 3, inner),
        layers.MaxPooling2D(3, strides=2),
        layers.Dropout(0.5),
        *mixed(classes, 3),
        layers.GlobalMaxPooling2D() if maximum else layers.GlobalAveragePooling2D(),
    ])  # fmt: skip
