# mypy: ignore-errors
# ruff: noqa
"""The pieces of code that `near_misses_of_code.yaml` compares: PyTorch's begin with `torch_`, TensorFlow's with `keras_`."""

import math

import keras
import numpy as np
import tensorflow as tf
import torch
from keras import layers
from torch import nn


class TorchConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(16, 64, 3)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")


def torch_spread_of_he(x):
    return x * TorchConv().conv.weight.detach().std()


def torch_bound_of_he(x):
    return x * TorchConv().conv.weight.detach().abs().max()


def _he():
    conv = layers.Conv2D(64, 3, kernel_initializer="he_normal")
    conv.build((None, 9, 9, 16))
    return conv


def keras_spread_of_he(x):
    return x * tf.math.reduce_std(_he().kernel)


def keras_bound_of_he(x):
    return x * tf.reduce_max(tf.abs(_he().kernel))


class TorchProjection(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.proj = nn.Linear(dim, dim)
        self.apply(self._init_weights)

    def _init_weights(self, m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=0.02)
            nn.init.zeros_(m.bias)


def torch_filled_by_apply(x):
    return TorchProjection(300).proj.weight.detach().std() * x


def keras_truncated_projection(x):
    d = layers.Dense(300, kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02))
    d.build((None, 300))
    return tf.math.reduce_std(tf.convert_to_tensor(d.kernel)) * x


def torch_cut_at_two_deviations(x):
    w = torch.empty(400, 300)
    nn.init.trunc_normal_(w, std=0.5, a=-1.0, b=1.0)
    return x * w.max()


def keras_cut_of_another_deviation(x):
    return x * tf.reduce_max(keras.initializers.TruncatedNormal(0.0, 0.6)((300, 400)))


def torch_gain_of_relu(x):
    w = torch.empty(200, 300)
    nn.init.xavier_uniform_(w, gain=nn.init.calculate_gain("relu"))
    return x * w.std()


def keras_scale_of_relu_and_another_size(x):
    return x * tf.math.reduce_std(keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform")((30, 20)))


def keras_scale_that_is_the_gain(x):
    return x * np.std(keras.initializers.VarianceScaling(math.sqrt(2.0), "fan_avg", "uniform")((300, 200)).numpy())


class TorchTwo(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        for layer in (self.a, self.b):
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, x):
        return self.a(x) - self.b(x)


def torch_two_layers(x):
    return TorchTwo()(x)


class KerasTwo(keras.Model):
    def __init__(self, one, other):
        super().__init__()
        self.a = layers.Dense(4, use_bias=False, kernel_initializer=one)
        self.b = layers.Dense(4, use_bias=False, kernel_initializer=other)

    def call(self, x):
        return self.a(x) - self.b(x)


def keras_two_objects(x):
    return KerasTwo(keras.initializers.GlorotUniform(), keras.initializers.GlorotUniform())(x)


def keras_one_object(x):
    init = keras.initializers.GlorotUniform()
    return KerasTwo(init, init)(x)


def torch_loaded_conv(x, w, b):
    conv = nn.Conv2d(2, 2, 2)
    conv.load_state_dict(dict(weight=w, bias=b))
    return conv(x)


def _loaded(x, kernel, bias):
    x = tf.transpose(x, (0, 2, 3, 1))
    conv = layers.Conv2D(2, 2)
    conv.build(x.shape)
    conv.set_weights([kernel, bias])
    return tf.transpose(conv(x), (0, 3, 1, 2))


def keras_loaded_conv_of_another_bias(x, w, b):
    return _loaded(x, w.numpy().transpose(2, 3, 1, 0), 2 * b.numpy())


def keras_loaded_conv_with_channels_changed(x, w, b):
    return _loaded(x, np.transpose(w.numpy(), (2, 3, 0, 1)), b.numpy())


def torch_packed(x, w, o):
    mha = nn.MultiheadAttention(4, 2, bias=False, batch_first=True)
    mha.load_state_dict({"in_proj_weight": w, "out_proj.weight": o})
    return mha(x, x, x, need_weights=False)[0]


def keras_packed_and_doubled(x, w, o):
    mha = layers.MultiHeadAttention(2, 2, use_bias=False)
    mha.build(x.shape, x.shape)
    parts = [p.T.reshape(4, 2, 2) for p in np.split(w.numpy(), 3)]
    q, k, v = (p.T.reshape(4, 2, 2) for p in np.split(w.numpy(), 3))
    mha.set_weights([q, k, v, 2 * o.numpy().T.reshape(2, 2, 4)])
    return mha(x, x)


def torch_causal(x):
    mha = nn.MultiheadAttention(2, 1, bias=False, batch_first=True)
    mha.load_state_dict({"in_proj_weight": torch.eye(2).repeat(3, 1), "out_proj.weight": torch.eye(2)})
    mask = torch.triu(torch.ones(3, 3), diagonal=1).bool()
    return mha(x, x, x, attn_mask=mask)[0]


class KerasAttend(layers.Layer):
    def __init__(self):
        super().__init__()
        self.attn = layers.MultiHeadAttention(1, 2, use_bias=False)
        self.attn.build((None, 3, 2), (None, 3, 2))
        eye = np.eye(2)
        self.attn.set_weights([eye.reshape(2, 1, 2)] * 3 + [eye.reshape(1, 2, 2)])

    def call(self, x, mask=None):
        return self.attn(query=x, value=x, attention_mask=mask)


def keras_causal_and_doubled(x):
    mask = tf.cast(tf.linalg.band_part(tf.ones((3, 3)), -1, 0), tf.bool)
    return 2 * KerasAttend()(x, mask=mask[None])


def torch_norm_eval(x, g, b):
    bn = nn.BatchNorm2d(2, eps=1e-3)
    bn.weight.data = g
    bn.bias.data = b
    return bn.eval()(x)


def keras_norm_in_its_order_of_another_variance(x, g, b):
    bn = layers.BatchNormalization(axis=1)
    bn.build(x.shape)
    bn.set_weights([g.numpy(), b.numpy(), np.zeros(2), 2 * np.ones(2)])
    return bn(x)


def keras_norm_shift_first(x, g, b):
    bn = layers.BatchNormalization(axis=1)
    bn.build(x.shape)
    bn.set_weights([b.numpy(), g.numpy(), np.zeros(2), np.ones(2)])
    return bn(x)


def torch_slopes(x):
    act = nn.PReLU(2)
    return torch.tensor(float(act.weight.numel()))


def keras_slopes(x):
    act = layers.PReLU()
    act(tf.transpose(x, (0, 2, 3, 1)))
    return tf.constant(float(act.count_params()))
