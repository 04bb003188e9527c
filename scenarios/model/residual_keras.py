"""The first block of a stage of ResNet: it halves the image, doubles the channels and adds a projected shortcut."""

import keras
from keras import layers, ops


class ResidualBlock(keras.Model):
    """Two convolutions of 3 x 3 with BatchNorm beside one of 1 x 1; the stride is the first one's.

    A layer of its own pads before both, because "same" with a stride of two pads an even image below and to the right
    alone. The momentum is that of the old statistics: 0.9 where `nn.BatchNorm2d` says 0.1.
    """

    def __init__(self, filters=8, strides=(2, 1), padding="valid", epsilon=1e-5, momentum=0.9):
        super().__init__()
        first, second = strides
        norm = {"epsilon": epsilon, "momentum": momentum}
        self.pad = layers.ZeroPadding2D(1 if padding == "valid" else 0)
        self.conv1 = layers.Conv2D(filters, 3, strides=first, padding=padding, use_bias=False)
        self.bn1 = layers.BatchNormalization(**norm)
        self.conv2 = layers.Conv2D(filters, 3, strides=second, padding=padding, use_bias=False)
        self.bn2 = layers.BatchNormalization(**norm)
        self.shortcut_conv = layers.Conv2D(filters, 1, strides=first * second, use_bias=False)
        self.shortcut_bn = layers.BatchNormalization(**norm)

    def build(self, input_shape):
        self.call(keras.Input(batch_shape=input_shape))

    def call(self, x, training=False):
        out = ops.relu(self.bn1(self.conv1(self.pad(x)), training=training))
        out = self.bn2(self.conv2(self.pad(out)), training=training)
        shortcut = self.shortcut_bn(self.shortcut_conv(x), training=training)
        return self.join(out, shortcut)

    def join(self, out, shortcut):
        return ops.relu(out + shortcut)


class ReluBeforeAddition(ResidualBlock):
    """The last ReLU comes before the shortcut is added."""

    def join(self, out, shortcut):
        return ops.relu(out) + shortcut
