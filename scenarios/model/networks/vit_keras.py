"""A tiny vision transformer as subclasses of `keras.layers.Layer` and `keras.Model`."""

import keras
from keras import layers, ops


class Block(layers.Layer):
    """Self-attention and two dense layers with GELU, each normalized before and added to what came in."""

    def __init__(self, width, heads, use_bias=True):
        super().__init__()
        self.norm1 = layers.LayerNormalization(epsilon=1e-6)
        self.attn = layers.MultiHeadAttention(heads, width // heads, use_bias=use_bias)
        self.norm2 = layers.LayerNormalization(epsilon=1e-6)
        self.fc1 = layers.Dense(2 * width)
        self.fc2 = layers.Dense(width)

    def call(self, x):
        y = self.norm1(x)
        x = x + self.attn(y, y)
        return x + self.fc2(ops.gelu(self.fc1(self.norm2(x)), approximate=False))


class ViT(keras.Model):
    """Patches of 4 x 4 pixels, the class token, learned positions, two blocks, and a dense layer for the token.

    `columns_first` numbers the patches from top to bottom, then to the right; `pool` reads the average of all tokens.
    """

    def __init__(self, classes=5, width=16, heads=4, patches=9, *, columns_first=False, pool="token", **options):
        super().__init__()
        self.patch_embed = layers.Conv2D(width, 4, strides=4)
        self.cls_token = self.add_weight(shape=(1, 1, width), initializer="zeros", name="cls_token")
        self.pos_embed = self.add_weight(shape=(1, patches + 1, width), initializer="zeros", name="pos_embed")
        self.blocks = [Block(width, heads, **options) for _ in range(2)]
        self.norm = layers.LayerNormalization(epsilon=1e-6)
        self.head = layers.Dense(classes)
        self.order = (0, 2, 1, 3) if columns_first else (0, 1, 2, 3)
        self.pool = pool

    def call(self, x):
        x = ops.transpose(self.patch_embed(x), self.order)
        x = ops.reshape(x, (x.shape[0], -1, x.shape[-1]))
        token = ops.broadcast_to(self.cls_token, (x.shape[0], 1, x.shape[-1]))
        x = ops.concatenate([token, x], axis=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return self.head(x[:, 0] if self.pool == "token" else ops.mean(x, axis=1))
