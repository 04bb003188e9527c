"""LeNet for grey images of 16 x 16 pixels, as a `keras.Sequential`."""

import keras
from keras import layers


def build(classes=10, *, activation="sigmoid", max_pooling=False, channels_first_flatten=False):
    """Two convolutions, each with an activation and pooling, and three dense layers.

    `channels_first_flatten` flattens in the order of PyTorch, so that the weights of the first dense layer can be copied
    without reordering.
    """
    pool = layers.MaxPooling2D if max_pooling else layers.AveragePooling2D
    model = keras.Sequential([keras.Input((16, 16, 1))])
    model.add(layers.Conv2D(6, 5, padding="same", activation=activation))
    model.add(pool(2))
    model.add(layers.Conv2D(16, 5, activation=activation))
    model.add(pool(2))
    if channels_first_flatten:
        model.add(layers.Permute((3, 1, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(32, activation=activation))
    model.add(layers.Dense(20, activation=activation))
    model.add(layers.Dense(classes))
    return model
