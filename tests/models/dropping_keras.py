"""The networks of `dropping.py` in Keras."""

import keras
from keras import layers


def dropping(rate: float = 0.5) -> keras.Model:
    return keras.Sequential(
        [layers.Dense(6, "relu"), layers.Dropout(0.5), layers.Dense(6), layers.Dropout(rate), layers.Dense(3)]
    )
