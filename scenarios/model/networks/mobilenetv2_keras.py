"""MobileNetV2 as a functional Keras model: inverted residuals around depthwise convolutions."""

import keras
from keras import layers


def norm(x):
    return layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x)


def inverted_residual(x, filters, stride, expand, cap=6.0, same=False, linear=True):
    """A convolution of 1 x 1, a depthwise one of 3 x 3 and one of 1 x 1, which is `linear`; added where the shapes allow it."""
    channels = x.shape[-1]
    y = layers.ReLU(cap)(norm(layers.Conv2D(channels * expand, 1, use_bias=False)(x)))
    if same or stride == 1:
        y = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(y)
    else:
        y = layers.DepthwiseConv2D(3, strides=stride, use_bias=False)(layers.ZeroPadding2D(1)(y))
    y = layers.ReLU(cap)(norm(y))
    y = norm(layers.Conv2D(filters, 1, use_bias=False)(y))
    if not linear:
        y = layers.ReLU(cap)(y)
    return layers.Add()([x, y]) if stride == 1 and channels == filters else y


def build(classes=5, **options):
    """A stem, three inverted residuals, a last convolution, the average of each channel and a dense layer."""
    images = keras.Input((32, 32, 3))
    x = layers.Conv2D(4, 3, strides=2, use_bias=False)(layers.ZeroPadding2D(1)(images))
    x = layers.ReLU(6.0)(norm(x))
    x = inverted_residual(x, 6, 2, 3, **options)
    x = inverted_residual(x, 6, 1, 2, **options)
    x = inverted_residual(x, 8, 1, 2, **options)
    x = layers.ReLU(6.0)(norm(layers.Conv2D(16, 1, use_bias=False)(x)))
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(images, layers.Dense(classes)(x))
