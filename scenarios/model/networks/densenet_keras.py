"""A DenseNet as a functional Keras model: each layer of a block reads what all layers before it gave."""

import keras
from keras import layers


def norm_relu(x, relu_first=False):
    norm, relu = layers.BatchNormalization(epsilon=1e-5, momentum=0.9), layers.Activation("relu")
    return norm(relu(x)) if relu_first else relu(norm(x))


def dense_layer(x, growth, new_first=False, relu_first=False):
    """BatchNorm, ReLU and a convolution of 1 x 1, then the same with 3 x 3; its channels are put behind those it read."""
    out = norm_relu(x, relu_first)
    out = layers.Conv2D(2 * growth, 1, use_bias=False)(out)
    out = layers.Conv2D(growth, 3, padding="same", use_bias=False)(norm_relu(out))
    return layers.Concatenate()([out, x] if new_first else [x, out])


def build(classes=5, growth=4, depth=3, *, pool=layers.AveragePooling2D, **options):
    """Two blocks of dense layers with a transition between them, which halves the channels and the image."""
    images = keras.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(images)
    for _ in range(depth):
        x = dense_layer(x, growth, **options)
    x = layers.Conv2D(x.shape[-1] // 2, 1, use_bias=False)(norm_relu(x))
    x = pool(2)(x)
    for _ in range(depth):
        x = dense_layer(x, growth, **options)
    x = layers.GlobalAveragePooling2D()(norm_relu(x))
    return keras.Model(images, layers.Dense(classes)(x))


def build_with_maximum():
    """The transition takes the maximum of each 2 x 2 pixels."""
    return build(pool=layers.MaxPooling2D)
