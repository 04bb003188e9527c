"""The network of `resnet_torch.py` in Keras, its layers called as PyTorch's are."""

from typing import Any

import keras
from keras import layers

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # width, blocks, stride of the first


def conv(x: Any, filters: int, size: int, stride: int, name: str, bn: str) -> Any:
    """A convolution that pads as PyTorch does, and its normalization."""
    if size > 1:
        x = layers.ZeroPadding2D(size // 2)(x)
    x = layers.Conv2D(filters, size, strides=stride, use_bias=False, name=name)(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=bn)(x)


def block(x: Any, width: int, stride: int, name: str) -> Any:
    """Three convolutions beside a shortcut."""
    y = layers.ReLU()(conv(x, width, 1, 1, f"{name}_c1", f"{name}_b1"))
    y = layers.ReLU()(conv(y, width, 3, stride, f"{name}_c2", f"{name}_b2"))
    y = conv(y, 4 * width, 1, 1, f"{name}_c3", f"{name}_b3")
    if stride > 1 or x.shape[-1] != 4 * width:
        x = conv(x, 4 * width, 1, stride, f"{name}_c4", f"{name}_b4")
    return layers.ReLU()(layers.Add()([y, x]))


def build() -> keras.Model:
    """Sixteen blocks between a convolution and a dense layer."""
    image = keras.Input((224, 224, 3))
    x = layers.ReLU()(conv(image, 64, 7, 2, "conv", "bn"))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    index = 0
    for width, count, stride in STAGES:
        for place in range(count):
            x = block(x, width, stride if place == 0 else 1, f"blocks_{index}")
            index += 1
    return keras.Model(image, layers.Dense(1000, name="fc")(layers.GlobalAveragePooling2D()(x)))
