"""Blocks of ConvNeXt as a functional Keras model, with a layer for the scale at its end."""

import keras
from keras import layers


class LayerScale(layers.Layer):
    """Each channel times a number of its own."""

    def build(self, input_shape):
        self.gamma = self.add_weight(
            shape=(input_shape[-1],), initializer=keras.initializers.Constant(1e-6), name="gamma"
        )

    def call(self, x):
        return x * self.gamma


def block(x, width, groups=None, epsilon=1e-6, scaled=True):
    """A depthwise convolution of 7 x 7, a normalization (in `groups` where they are given), two dense layers and a scale."""
    y = layers.DepthwiseConv2D(7, padding="same")(x)
    norm = layers.GroupNormalization(groups, epsilon=epsilon) if groups else layers.LayerNormalization(epsilon=epsilon)
    y = norm(y)
    y = layers.Dense(4 * width)(y)
    y = layers.Dense(width)(keras.ops.gelu(y, approximate=False))
    if scaled:
        y = LayerScale()(y)
    return layers.Add()([x, y])


def build(classes=5, width=6, **second):
    """Patches of 2 x 2 pixels, two blocks, the average of each channel and a dense layer; `second` goes to the second block."""
    images = keras.Input((16, 16, 3))
    x = layers.Conv2D(width, 2, strides=2)(images)
    x = block(block(x, width), width, **second)
    x = layers.LayerNormalization(epsilon=1e-6)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(images, layers.Dense(classes)(x))
