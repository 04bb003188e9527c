"""A siamese network as a functional Keras model, whose encoder is a model itself and called twice."""

import keras
from keras import layers, ops


def encoder(width=4, embedding=6, slope=0.1):
    """A convolution, the average of each channel, and a dense layer normalized to length one."""
    image = keras.Input((9, 9, 1))
    x = layers.Conv2D(width, 3, strides=2)(image)
    x = layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x)
    x = layers.GlobalAveragePooling2D()(layers.LeakyReLU(slope)(x))
    return keras.Model(image, layers.UnitNormalization()(layers.Dense(embedding)(x)))


def build(*, shared=True, squared=False, **options):
    """One encoder for both images where it is `shared`, and a dense layer for how far apart they are."""
    left, right = keras.Input((9, 9, 1), name="left"), keras.Input((9, 9, 1), name="right")
    first = encoder(**options)
    second = first if shared else encoder(**options)
    apart = layers.Subtract()([first(left), second(right)])
    apart = ops.square(apart) if squared else ops.absolute(apart)
    x = layers.Dense(1, activation="sigmoid", name="head")(apart)
    return keras.Model([left, right], layers.Reshape(())(x))
