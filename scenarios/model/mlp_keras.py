"""A multilayer perceptron that sorts rows of 13 numbers into 3 classes, as a functional Keras model."""

import keras
from keras import layers


def build(features=13, hidden=32, classes=3, *, rate=0.2, activation="relu", head=None):
    """Two hidden layers with dropout between them; `activation` is the second one's, `head` that of the outputs."""
    inputs = keras.Input((features,))
    x = layers.Dense(hidden, activation="relu", name="fc1")(inputs)
    x = layers.Dropout(rate)(x)
    x = layers.Dense(hidden, activation=activation, name="fc2")(x)
    outputs = layers.Dense(classes, activation=head, name="head")(x)
    return keras.Model(inputs, outputs)
