"""A block of a transformer's encoder around `keras.layers.MultiHeadAttention`, as functional Keras models."""

import keras
from keras import layers, ops


def feed_forward(x, width, hidden, approximate=False):
    """Two dense layers with GELU. `ops.gelu` approximates it by tanh unless told not to."""
    x = layers.Dense(hidden, name="fc1")(x)
    x = ops.gelu(x, approximate=approximate)
    return layers.Dense(width, name="fc2")(x)


def build(width=16, heads=4, hidden=32, *, epsilon=1e-5, approximate=False, mask=None):
    """The normalization comes first. Where `mask` is given, a second input says it: words to "keep" or to "ignore"."""
    x = inputs = keras.Input((None, width), name="x")
    y = layers.LayerNormalization(epsilon=epsilon, name="norm1")(x)
    attention = layers.MultiHeadAttention(heads, width // heads, name="attention")
    if mask is None:
        y = attention(y, y)
    else:
        keep = keras.Input((None,), dtype="bool", name="keep")
        inputs = [inputs, keep]
        attended = keep if mask == "keep" else ops.logical_not(keep)
        y = attention(y, y, attention_mask=ops.expand_dims(attended, 1))
    x = x + y
    y = layers.LayerNormalization(epsilon=epsilon, name="norm2")(x)
    return keras.Model(inputs, x + feed_forward(y, width, hidden, approximate))


def build_post_norm(width=16, heads=4, hidden=32):
    """The normalization comes after each addition, as in "Attention Is All You Need"."""
    x = inputs = keras.Input((None, width), name="x")
    y = layers.MultiHeadAttention(heads, width // heads, name="attention")(x, x)
    x = layers.LayerNormalization(epsilon=1e-5, name="norm1")(x + y)
    y = feed_forward(x, width, hidden)
    return keras.Model(inputs, layers.LayerNormalization(epsilon=1e-5, name="norm2")(x + y))
