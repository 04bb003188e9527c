"""The network of `bert_torch.py` as a person writes it in Keras."""

import keras
import tensorflow as tf
from keras import layers

WORDS, LENGTH, SIZE, HEADS, INNER, DEPTH = 30_522, 512, 768, 12, 3_072, 12


class Bert(keras.Model):  # type: ignore[misc]
    """Embeddings, and the encoder of a transformer with its norms behind each part."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = layers.Embedding(WORDS, SIZE), layers.Embedding(LENGTH, SIZE)
        self.norm = layers.LayerNormalization(epsilon=1e-12)
        self.encoder = [Layer() for _ in range(DEPTH)]
        self.pooler = layers.Dense(SIZE, activation="tanh")

    def call(self, words: tf.Tensor) -> tf.Tensor:
        x = self.norm(self.words(words) + self.positions(tf.range(tf.shape(words)[1])))
        for layer in self.encoder:
            x = layer(x)
        return self.pooler(x[:, 0])


class Layer(layers.Layer):  # type: ignore[misc]
    """Attention and two dense layers, each added to what it is given and normalized."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = layers.MultiHeadAttention(HEADS, SIZE // HEADS)
        self.attention_norm = layers.LayerNormalization(epsilon=1e-12)
        self.inner, self.outer = layers.Dense(INNER, activation="gelu"), layers.Dense(SIZE)
        self.norm = layers.LayerNormalization(epsilon=1e-12)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        x = self.attention_norm(x + self.attention(x, x))
        return self.norm(x + self.outer(self.inner(x)))
