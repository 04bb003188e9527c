"""A tiny GPT as subclasses: blocks that normalize first and see no later word, and a head that is the embedding."""

import math

import keras
from keras import layers, ops


class Block(layers.Layer):
    """Self-attention and two dense layers with GELU by tanh, each normalized before and added to what came in."""

    def __init__(self, width, heads, causal=True, approximate=True):
        super().__init__()
        self.heads = heads
        self.ln_1 = layers.LayerNormalization(epsilon=1e-5)
        self.attn = layers.Dense(3 * width)
        self.proj = layers.Dense(width)
        self.ln_2 = layers.LayerNormalization(epsilon=1e-5)
        self.fc = layers.Dense(4 * width)
        self.out = layers.Dense(width)
        self.causal = causal
        self.approximate = approximate

    def split(self, x):
        batch, steps, width = ops.shape(x)
        return ops.transpose(ops.reshape(x, (batch, steps, self.heads, width // self.heads)), (0, 2, 1, 3))

    def attend(self, x):
        query, key, value = (self.split(part) for part in ops.split(self.attn(x), 3, axis=-1))
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) / math.sqrt(query.shape[-1])
        if self.causal:
            steps = scores.shape[-1]
            earlier = ops.tril(ops.ones((steps, steps), dtype="bool"))
            scores = ops.where(earlier, scores, -math.inf)
        attended = ops.matmul(ops.softmax(scores, axis=-1), value)
        return self.proj(ops.reshape(ops.transpose(attended, (0, 2, 1, 3)), ops.shape(x)))

    def call(self, x):
        x = x + self.attend(self.ln_1(x))
        return x + self.out(ops.gelu(self.fc(self.ln_2(x)), approximate=self.approximate))


class GPT(keras.Model):
    """Embeddings of words and places, two blocks, and a head that is the embedding of the words where it is `tied`."""

    def __init__(self, words=20, width=8, heads=2, longest=8, depth=2, *, tied=True, **options):
        super().__init__()
        self.wte = layers.Embedding(words, width)
        self.wpe = layers.Embedding(longest, width)
        self.h = [Block(width, heads, **options) for _ in range(depth)]
        self.ln_f = layers.LayerNormalization(epsilon=1e-5)
        self.lm_head = None if tied else layers.Dense(words, use_bias=False)

    def call(self, tokens):
        x = self.wte(tokens) + self.wpe(ops.arange(ops.shape(tokens)[1]))
        for block in self.h:
            x = block(x)
        x = self.ln_f(x)
        return ops.matmul(x, ops.transpose(self.wte.embeddings)) if self.lm_head is None else self.lm_head(x)
