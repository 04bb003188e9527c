"""An Inception block as a functional Keras model: convolutions of several sizes and a pooling beside each other."""

import keras
from keras import layers


def conv_norm(x, filters, size, epsilon=1e-3):
    """A convolution without bias, BatchNorm and ReLU."""
    x = layers.Conv2D(filters, size, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(epsilon=epsilon, momentum=0.9)(x)
    return layers.Activation("relu")(x)


def inception(x, order=(0, 1, 2, 3), epsilon=1e-3):
    """Four branches, joined by their channels in an `order`; `epsilon` is that of the branch of 5 x 5."""
    one = conv_norm(x, 4, 1)
    three = conv_norm(conv_norm(x, 3, 1), 4, 3)
    five = conv_norm(conv_norm(x, 2, 1, epsilon), 4, 5, epsilon)
    pooled = conv_norm(layers.AveragePooling2D(3, strides=1, padding="same")(x), 4, 1)
    branches = [one, three, five, pooled]
    return layers.Concatenate()([branches[place] for place in order])


def build(classes=5, **options):
    """A convolution, an Inception block, the average of each channel and a dense layer."""
    images = keras.Input((12, 12, 3))
    x = inception(conv_norm(images, 6, 3), **options)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(classes)(x))
