"""Blocks of VGG as functional Keras models: convolutions of 3 x 3 and a pooling that halves the image."""

import keras
from keras import layers


def block(x, convolutions, filters, last="relu", use_bias=True, pool=layers.MaxPooling2D):
    """So many convolutions with ReLU, then the maximum of each 2 x 2 pixels; `last` is the last one's activation."""
    for _ in range(convolutions - 1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", use_bias=use_bias)(x)
    x = layers.Conv2D(filters, 3, padding="same", activation=last, use_bias=use_bias)(x)
    return pool(2)(x)


def build(classes=5, **second):
    """Two blocks and a dense layer that reads the whole image; `second` goes to the second block."""
    images = keras.Input((16, 16, 3))
    x = block(images, 1, 4)
    x = block(x, 2, 8, **second)
    x = layers.Permute((3, 1, 2))(x)  # flattens as PyTorch does, channels first
    outputs = layers.Dense(classes)(layers.Flatten()(x))
    return keras.Model(images, outputs)


def build_averaging():
    """The second block takes the average of each 2 x 2 pixels."""
    return build(pool=layers.AveragePooling2D)
