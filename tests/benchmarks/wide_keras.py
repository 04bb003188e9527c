"""The network of `wide_torch.py` in Keras."""

import keras
from keras import layers


def network(width: int) -> keras.Model:
    return keras.Sequential([keras.Input((width,)), *(layers.Dense(width) for _ in range(4))])
