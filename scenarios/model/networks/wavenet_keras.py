"""WaveNet as a functional Keras model: causal convolutions whose steps grow, each with a gate."""

import keras
from keras import layers


def gated(x, channels, dilation, padding="causal", activations=("tanh", "sigmoid")):
    """A causal convolution for the filter and one for the gate; gives what goes on, and what is skipped to the end."""
    first, second = activations
    options = {"dilation_rate": dilation, "padding": padding}
    filtered = layers.Conv1D(channels, 2, activation=first, **options)(x)
    gate = layers.Conv1D(channels, 2, activation=second, **options)(x)
    y = layers.Multiply()([filtered, gate])
    residual = layers.Conv1D(channels, 1)(y)
    return layers.Add()([x, residual]), layers.Conv1D(channels, 1)(y)


def build(channels=4, classes=6, *, dilations=(1, 2, 4), **options):
    """Three gated blocks, and two convolutions of one step for what they skip."""
    waves = keras.Input((None, 1))
    x = layers.Conv1D(channels, 1)(waves)
    skips = []
    for dilation in dilations:
        x, skip = gated(x, channels, dilation, **options)
        skips.append(skip)
    x = layers.Activation("relu")(layers.Add()(skips))
    x = layers.Conv1D(channels, 1, activation="relu")(x)
    return keras.Model(waves, layers.Conv1D(classes, 1)(x))
