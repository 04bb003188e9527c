"""A U-Net as a functional Keras model: down by pooling, up again, and what was seen on the way down is put beside."""

import keras
from keras import layers


def double_conv(x, filters):
    """Two convolutions of 3 x 3, each with ReLU."""
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x


def build(classes=2, *, interpolation="bilinear", skip_last=False):
    """Two levels: the lower one goes up by a transposed convolution, the upper one by `interpolation`."""
    images = keras.Input((16, 16, 3))
    first = double_conv(images, 4)
    second = double_conv(layers.MaxPooling2D(2)(first), 8)
    x = double_conv(layers.MaxPooling2D(2)(second), 8)
    x = layers.Conv2DTranspose(8, 2, strides=2)(x)
    x = double_conv(layers.Concatenate()([x, second] if skip_last else [second, x]), 4)
    x = layers.UpSampling2D(2, interpolation=interpolation)(x)
    x = double_conv(layers.Concatenate()([first, x]), 4)
    return keras.Model(images, layers.Conv2D(classes, 1)(x))
