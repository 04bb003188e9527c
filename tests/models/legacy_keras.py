"""The networks of `legacy.py` in tf_keras, which is Keras 2 beside Keras 3: functional and subclassed."""

import tf_keras
from tf_keras import layers


def tagger():
    words = layers.Input((None,), dtype="int32")
    x = layers.Embedding(20, 6)(words)
    x = layers.Bidirectional(layers.GRU(5, return_sequences=True))(x)
    x = layers.LayerNormalization(epsilon=1e-5)(x)
    x = layers.Dropout(0.2)(x)
    return tf_keras.Model(words, layers.Dense(3)(x))


class Images(tf_keras.Model):
    def __init__(self, epsilon=1e-5):
        super().__init__()
        self.conv = layers.Conv2D(4, 3, padding="same", use_bias=False)
        self.norm = layers.BatchNormalization(epsilon=epsilon, momentum=0.9)
        self.flatten = layers.Flatten()
        self.fc = layers.Dense(2)

    def call(self, x, training=False):
        x = layers.ReLU()(self.norm(self.conv(x), training=training))
        return self.fc(self.flatten(x))
