"""A block of EfficientNet as a functional Keras model: an inverted residual with squeeze and excitation."""

import keras
from keras import layers


def squeeze_excitation(x, squeezed, inner="swish", gate="sigmoid"):
    """The average of each channel, through two convolutions of 1 x 1, says how much of each channel goes on."""
    scale = layers.GlobalAveragePooling2D(keepdims=True)(x)
    scale = layers.Conv2D(squeezed, 1, activation=inner, name="se_reduce")(scale)
    scale = layers.Conv2D(x.shape[-1], 1, activation=gate, name="se_expand")(scale)
    return layers.Multiply()([x, scale])


def build(channels=6, expand=3, size=5, *, momentum=0.99, **options):
    """Widened, filtered within each channel, weighed (with `options`), narrowed and added to the input."""
    x = keras.Input((12, 12, channels))
    norm = {"momentum": momentum}  # the epsilon of EfficientNet is Keras's own
    y = layers.Conv2D(channels * expand, 1, use_bias=False, name="expand_conv")(x)
    y = layers.Activation("swish")(layers.BatchNormalization(**norm, name="bn0")(y))
    y = layers.DepthwiseConv2D(size, padding="same", use_bias=False, name="depthwise_conv")(y)
    y = layers.Activation("swish")(layers.BatchNormalization(**norm, name="bn1")(y))
    y = squeeze_excitation(y, channels // 2, **options)
    y = layers.Conv2D(channels, 1, use_bias=False, name="project_conv")(y)
    y = layers.BatchNormalization(**norm, name="bn2")(y)
    return keras.Model(x, layers.Add()([x, y]))
