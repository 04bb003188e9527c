"""The network of `stored.py` in Keras; run by itself it writes its weights, in each way that Keras and TensorFlow keep them."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def tagger(epsilon=1e-5):
    words = keras.Input((None,), dtype="int32")
    x = layers.Embedding(20, 6)(words)
    x = layers.Bidirectional(layers.GRU(5, return_sequences=True))(x)
    x = layers.LayerNormalization(epsilon=epsilon)(x)
    return keras.Model(words, layers.Dense(3)(x))


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    layers.Dense(3), layers.GRU(2)  # so that Keras counts on from here
    model = tagger()
    model.weights[-1].assign(np.full(3, 64.0))
    model.save_weights("net.weights.h5")
    model.save("net.keras")
    model.save("net.h5")
    tf.train.Checkpoint(model=model).write("checkpoint")
    tf.saved_model.save(model, "saved")
    np.savez("paths.npz", **{variable.path: np.array(variable) for variable in model.weights})
