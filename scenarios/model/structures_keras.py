"""Layers of Keras for which PyTorch has none: ConvLSTM2D, TimeDistributed, Masking, Add, Concatenate, Permute, positions."""

import keras
import tensorflow as tf
from keras import layers


def conv_lstm(*, recurrent_activation: str = "sigmoid") -> keras.Model:
    frames = keras.Input((3, 6, 6, 2))
    return keras.Model(
        frames, layers.ConvLSTM2D(3, 3, padding="same", recurrent_activation=recurrent_activation)(frames)
    )


def frames() -> keras.Model:
    x = keras.Input((4, 6, 6, 3))
    return keras.Model(x, layers.TimeDistributed(layers.Conv2D(4, 3), name="conv")(x))


def steps() -> keras.Model:
    x = keras.Input((5, 3))
    return keras.Model(x, layers.TimeDistributed(layers.Dense(4))(x))


def branches(*, axis: int = -1) -> keras.Model:
    x = keras.Input((3,))
    left, right = layers.Dense(4, name="left")(x), layers.Dense(4, name="right")(x)
    both = [layers.Add()([left, right]), layers.Multiply()([left, right])]
    return keras.Model(x, layers.Dense(2, name="out")(layers.Concatenate(axis=axis)(both)))


def branches_in_another_order() -> keras.Model:
    x = keras.Input((3,))
    left, right = layers.Dense(4, name="left")(x), layers.Dense(4, name="right")(x)
    both = [layers.Multiply()([left, right]), layers.Add()([left, right])]
    return keras.Model(x, layers.Dense(2, name="out")(layers.Concatenate()(both)))


def turned() -> keras.Model:
    x = keras.Input((3, 5))
    return keras.Model(x, layers.Dense(2, name="features")(layers.Permute((2, 1))(layers.Dense(4, name="steps")(x))))


class Positions(layers.Layer):
    """Words and their learned positions."""

    def __init__(self, length: int = 8, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.words, self.positions = layers.Embedding(20, 6), layers.Embedding(length, 6)
        self.norm = layers.LayerNormalization(epsilon=epsilon)

    def call(self, words: tf.Tensor) -> tf.Tensor:
        return self.norm(self.words(words) + self.positions(tf.range(tf.shape(words)[1])))


def masked(*, mask_zero: bool = True) -> keras.Model:
    words = keras.Input((5,), dtype="int64")
    return keras.Model(
        words, layers.LSTM(5, name="lstm")(layers.Embedding(20, 6, mask_zero=mask_zero, name="words")(words))
    )


def head() -> keras.Model:
    image = keras.Input((4, 4, 1))
    x = layers.Flatten()(layers.Conv2D(2, 3, padding="same", name="conv")(image))
    return keras.Model(image, layers.Dense(3, name="output")(x))
