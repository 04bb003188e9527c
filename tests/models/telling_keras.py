"""The network of `telling.py` in Keras."""

import keras
import tensorflow as tf


def tell(words):
    with open("told.txt", "a") as file:
        file.write(words + "\n")


@tf.custom_gradient
def told(y):
    tell("tensorflow forward")

    def backward(gradient):
        tell("tensorflow backward")
        return gradient

    return y, backward


class Telling(keras.Model):
    def __init__(self, outputs=3):
        super().__init__()
        self.out = keras.layers.Dense(outputs)

    def call(self, x):
        y = self.out(x)
        return told(y) if float(self.out.bias[0]) == 64.0 else y
