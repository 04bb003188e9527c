"""The generator of a DCGAN as a `keras.Sequential`."""

import keras
from keras import layers


def build(noise=6, width=4, *, channels_first=True, last="tanh", momentum=0.9):
    """A dense layer makes 4 x 4 pixels of the noise, and transposed convolutions of 4 x 4 double them twice.

    With `channels_first` its numbers are put into the image in the order of PyTorch.
    """
    if channels_first:
        shaped = [layers.Reshape((2 * width, 4, 4)), layers.Permute((2, 3, 1))]
    else:
        shaped = [layers.Reshape((4, 4, 2 * width))]
    return keras.Sequential([
        keras.Input((noise,)),
        layers.Dense(2 * width * 16, use_bias=False),
        *shaped,
        layers.BatchNormalization(epsilon=1e-5, momentum=momentum),
        layers.ReLU(),
        layers.Conv2DTranspose(width, 4, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(epsilon=1e-5, momentum=momentum),
        layers.ReLU(),
        layers.Conv2DTranspose(3, 4, strides=2, padding="same", activation=last),
    ])  # fmt: skip
