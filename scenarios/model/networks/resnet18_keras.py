"""ResNet-18 as a functional Keras model, four channels wide and for small images."""

import keras
from keras import layers


def norm(x, epsilon=1e-5, momentum=0.9):
    """BatchNorm as `nn.BatchNorm2d` has it; its momentum is that of the old statistics."""
    return layers.BatchNormalization(epsilon=epsilon, momentum=momentum)(x)


def convolution(x, filters, size, stride=1):
    """A convolution that pads alike on all sides, as "same" does not where the stride is two."""
    x = layers.ZeroPadding2D(size // 2)(x)
    return layers.Conv2D(filters, size, strides=stride, use_bias=False)(x)


def block(x, filters, stride, **options):
    """Two convolutions of 3 x 3 and a shortcut, which is projected where the shape changes."""
    identity = x
    out = layers.ReLU()(norm(convolution(x, filters, 3, stride), **options))
    out = norm(convolution(out, filters, 3), **options)
    if stride != 1 or x.shape[-1] != filters:
        identity = norm(layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x), **options)
    return layers.ReLU()(layers.Add()([out, identity]))


def build(classes=5, width=4, *, zero_padded_pool=True, last_epsilon=1e-5, momentum=0.9):
    """A stem that quarters the image, four stages of two blocks each, and a dense layer.

    The maximum of what is padded with zeros is that of PyTorch, because a ReLU comes before. `last_epsilon` is that of the
    last stage.
    """
    images = keras.Input((32, 32, 3))
    x = layers.ReLU()(norm(convolution(images, width, 7, 2), momentum=momentum))
    if zero_padded_pool:
        x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))
    else:
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage in range(4):
        for stride in (2 if stage else 1, 1):
            epsilon = last_epsilon if stage == 3 else 1e-5
            x = block(x, width * 2**stage, stride, epsilon=epsilon, momentum=momentum)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(classes)(x))
