# mypy: ignore-errors
# ruff: noqa
"""The ported pieces of code that a1.yaml compares: a PyTorch and a TensorFlow half each, as people write them."""

import math

import keras
import numpy as np
import tensorflow as tf
import torch
import torch.nn.functional as F
from torch import nn

# ---------------------------------------------------------------- initialisation


def _describe(w):
    return torch.stack([w.std(), w.abs().max()])


def _describe_tf(w):
    w = tf.convert_to_tensor(w)
    return tf.stack([tf.math.reduce_std(w), tf.reduce_max(tf.abs(w))])


def torch_linear_spread(x):
    fc = nn.Linear(500, 150)
    return x * _describe(fc.weight.detach())


def keras_dense_spread(x):
    fc = keras.layers.Dense(150)
    fc.build((None, 500))
    return x * _describe_tf(fc.kernel)


class TorchHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(25, 400)

    def forward(self, x):
        return x * self.hidden.bias.detach().abs().max()


def torch_bias_bound(x):
    return TorchHead()(x)


class KerasHead(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(400)
        self.hidden.build((None, 25))

    def call(self, x):
        return x * tf.reduce_max(tf.abs(self.hidden.bias))


def keras_bias_bound(x):
    return KerasHead().call(x)


def torch_conv_spread(x):
    conv = nn.Conv2d(8, 100, 3)
    return x * _describe(conv.weight.detach())


def keras_conv_spread(x):
    conv = keras.layers.Conv2D(100, 3)
    conv.build((None, 10, 10, 8))
    return x * _describe_tf(conv.kernel)


def torch_deconv_spread(x):
    up = nn.ConvTranspose2d(10, 60, 4, stride=2)
    return x * _describe(up.weight.detach())


def keras_deconv_spread(x):
    up = keras.layers.Conv2DTranspose(60, 4, strides=2)
    up.build((None, 5, 5, 10))
    return x * _describe_tf(up.kernel)


def torch_depthwise_spread(x):
    dw = nn.Conv2d(64, 64, 5, groups=64)
    return x * _describe(dw.weight.detach())


def keras_depthwise_spread(x):
    dw = keras.layers.DepthwiseConv2D(5)
    dw.build((None, 8, 8, 64))
    return x * _describe_tf(dw.kernel)


def torch_embedding_spread(x):
    table = nn.Embedding(1000, 12)
    return x * table.weight.detach().std()


def keras_embedding_spread(x):
    table = keras.layers.Embedding(1000, 12)
    table.build((None, 5))
    return x * tf.math.reduce_std(tf.convert_to_tensor(table.embeddings))


def torch_lstm_forget_bias(x):
    lstm = nn.LSTM(5, 64)
    bias = lstm.bias_ih_l0.detach() + lstm.bias_hh_l0.detach()
    return x * bias[64:128].mean()


def keras_lstm_forget_bias(x):
    lstm = keras.layers.LSTM(64)
    lstm.build((None, 7, 5))
    return x * tf.reduce_mean(lstm.cell.bias[64:128])


def torch_gru_bias_bound(x):
    gru = nn.GRU(6, 100)
    return x * torch.cat([gru.bias_ih_l0, gru.bias_hh_l0]).detach().abs().max()


def keras_gru_bias_bound(x):
    gru = keras.layers.GRU(100)
    gru.build((None, 3, 6))
    return x * tf.reduce_max(tf.abs(gru.cell.bias))


def torch_mha_spread(x):
    attention = nn.MultiheadAttention(96, 8)
    q, _, _ = attention.in_proj_weight.detach().chunk(3)
    return x * _describe(q)


def keras_mha_spread(x):
    attention = keras.layers.MultiHeadAttention(8, 12)
    attention.build((None, 4, 96), (None, 4, 96))
    return x * _describe_tf(attention.query_dense.kernel)


class TorchSlopeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = nn.PReLU()

    def forward(self, x):
        return self.act(x).sum(dim=1)


def TorchSlopeNet_forward(x):
    return TorchSlopeNet()(x)


def keras_slope_net(x):
    act = keras.layers.PReLU()
    return tf.reduce_sum(act(x), axis=1)


def torch_trunc_max(x):
    w = torch.empty(300, 100)
    nn.init.trunc_normal_(w, std=0.02)
    return x * w.abs().max()


def keras_trunc_max(x):
    init = keras.initializers.TruncatedNormal(stddev=0.02)
    return x * tf.reduce_max(tf.abs(init((300, 100))))


def torch_normal_std(x):
    w = nn.init.normal_(torch.empty(200, 200), std=0.7)
    return x * w.std()


def tf_truncated_std(x):
    w = tf.random.truncated_normal((200, 200), stddev=0.7)
    return x * tf.math.reduce_std(w)


def torch_kaiming_max(x):
    w = torch.empty(150, 200)
    nn.init.kaiming_normal_(w, mode="fan_in", nonlinearity="relu")
    return x * w.abs().max()


def keras_he_max(x):
    w = keras.initializers.HeNormal()(shape=(200, 150))
    return x * tf.reduce_max(tf.abs(w))


def torch_xavier_max(x):
    layer = nn.Linear(200, 150)
    nn.init.xavier_normal_(layer.weight)
    return x * layer.weight.detach().abs().max()


def keras_glorot_max(x):
    layer = keras.layers.Dense(150, kernel_initializer=keras.initializers.GlorotNormal())
    layer.build((None, 200))
    return x * tf.reduce_max(tf.abs(layer.kernel))


class TorchOwnLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))


def torch_reset_parameters(x):
    layer = TorchOwnLinear(180, 120)
    return x * layer.weight.detach().abs().max()


class KerasOwnLinear(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer="he_uniform")


def keras_he_uniform_layer(x):
    layer = KerasOwnLinear(120)
    layer.build((None, 180))
    return x * tf.reduce_max(tf.abs(layer.kernel))


def torch_gain_spread(x):
    w = torch.empty(160, 240)
    nn.init.xavier_uniform_(w, gain=nn.init.calculate_gain("relu"))
    return x * _describe(w)


def keras_scale_spread(x):
    gain = math.sqrt(2.0)
    w = keras.initializers.VarianceScaling(scale=gain, mode="fan_avg", distribution="uniform")((240, 160))
    return x * _describe_tf(w)


def torch_uniform_mean(x):
    w = torch.empty(5000)
    nn.init.uniform_(w)
    return x * w.mean()


def keras_uniform_mean(x):
    w = keras.initializers.RandomUniform()(shape=(5000,))
    return x * tf.reduce_mean(w)


def torch_orthogonal_per_gate(x):
    lstm = nn.LSTM(3, 6)
    with torch.no_grad():
        for gate in lstm.weight_hh_l0.chunk(4):
            nn.init.orthogonal_(gate)
    first = lstm.weight_hh_l0.detach()[:6]
    return x * torch.diagonal(first @ first.T)


def keras_orthogonal_whole(x):
    lstm = keras.layers.LSTM(6)
    lstm.build((None, 5, 3))
    first = tf.convert_to_tensor(lstm.cell.recurrent_kernel)[:, :6]
    return x * tf.linalg.diag_part(tf.transpose(first) @ first)


class TorchPassThrough(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 3, padding=1, bias=False)
        nn.init.dirac_(self.conv.weight)

    def forward(self, x):
        return self.conv(x)


def torch_dirac_conv(x):
    return TorchPassThrough(2)(x)


def keras_identity_conv(x):
    conv = keras.layers.Conv1D(2, 3, padding="same", use_bias=False, kernel_initializer=keras.initializers.Identity())
    return tf.transpose(conv(tf.transpose(x, (0, 2, 1))), (0, 2, 1))


def torch_two_draws(x):
    first = nn.init.xavier_uniform_(torch.empty(3, 4))
    second = nn.init.xavier_uniform_(torch.empty(3, 4))
    return x @ first - x @ second


def keras_two_draws(x):
    init = keras.initializers.GlorotUniform()
    first, second = init((3, 4)), init((3, 4))
    return tf.linalg.matvec(tf.transpose(first), x) - tf.linalg.matvec(tf.transpose(second), x)


class TorchQueryKey(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.query = nn.Parameter(torch.empty(dim, dim))
        self.key = nn.Parameter(torch.empty(dim, dim))
        for p in self.parameters():
            nn.init.xavier_uniform_(p)

    def forward(self, x):
        return (x @ self.query - x @ self.key).abs().sum()


def torch_query_key(x):
    return TorchQueryKey(3)(x)


class KerasQueryKey(keras.layers.Layer):
    def __init__(self, dim):
        super().__init__()
        init = keras.initializers.GlorotUniform()
        self.query = self.add_weight(shape=(dim, dim), initializer=init, name="query")
        self.key = self.add_weight(shape=(dim, dim), initializer=init, name="key")

    def call(self, x):
        return tf.reduce_sum(tf.abs(x @ self.query - x @ self.key))


def keras_query_key(x):
    return KerasQueryKey(3)(x)


# ---------------------------------------------------------------- layouts


def torch_square_mlp(x, w):
    fc1, fc2 = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    with torch.no_grad():
        fc1.weight.copy_(w)
        fc2.weight.copy_(w)
    return fc2(torch.tanh(fc1(x)))


def keras_square_mlp(x, w):
    fc1 = keras.layers.Dense(3, activation="tanh", use_bias=False)
    fc2 = keras.layers.Dense(3, use_bias=False)
    fc1.build(x.shape)
    fc2.build(x.shape)
    fc1.set_weights([w.numpy()])
    fc2.set_weights([w.numpy()])
    return fc2(fc1(x))


def torch_conv1d_loaded(x, w):
    conv = nn.Conv1d(2, 2, 2, bias=False)
    conv.weight = nn.Parameter(w.detach().clone())
    return conv(x)


def keras_conv1d_loaded(x, w):
    x = tf.transpose(x, (0, 2, 1))
    conv = keras.layers.Conv1D(2, 2, use_bias=False)
    conv.build(x.shape)
    conv.kernel.assign(w)
    return tf.transpose(conv(x), (0, 2, 1))


def torch_grouped(x, w):
    conv = nn.Conv1d(4, 2, 2, groups=2, bias=False)
    conv.load_state_dict({"weight": w.detach()})
    return conv(x)


def keras_grouped(x, w):
    x = tf.transpose(x, (0, 2, 1))
    conv = keras.layers.Conv1D(2, 2, groups=2, use_bias=False)
    conv.build(x.shape)
    conv.set_weights([w.numpy()])
    return tf.transpose(conv(x), (0, 2, 1))


def torch_upsample(x, w):
    return F.conv_transpose2d(x, w, stride=2)


def tf_upsample_flipped(x, w):
    kernel = tf.transpose(w, (2, 3, 1, 0))[::-1, ::-1]
    y = tf.nn.conv2d_transpose(
        tf.transpose(x, (0, 2, 3, 1)), kernel, output_shape=(1, 6, 6, 2), strides=2, padding="VALID"
    )
    return tf.transpose(y, (0, 3, 1, 2))


def torch_depthwise(x, w):
    conv = nn.Conv2d(2, 4, 3, groups=2, bias=False)
    conv.load_state_dict({"weight": w.detach()})
    return conv(x)


def keras_depthwise(x, w):
    x = tf.transpose(x, (0, 2, 3, 1))
    conv = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)
    conv.build(x.shape)
    kernel = w.numpy().transpose(2, 3, 1, 0).reshape(3, 3, 2, 2).transpose(0, 1, 3, 2)
    conv.set_weights([kernel])
    return tf.transpose(conv(x), (0, 3, 1, 2))


class TorchSeparable(nn.Module):
    def __init__(self, c_in, c_out, k):
        super().__init__()
        self.depthwise = nn.Conv1d(c_in, c_in, k, groups=c_in)
        self.pointwise = nn.Conv1d(c_in, c_out, 1)
        for p in self.parameters():
            nn.init.constant_(p, 0.5)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


def torch_separable(x):
    return TorchSeparable(2, 3, 2)(x)


def keras_separable(x):
    half = keras.initializers.Constant(0.5)
    block = keras.layers.SeparableConv1D(
        3, 2, depthwise_initializer=half, pointwise_initializer=half, bias_initializer=half
    )
    return tf.transpose(block(tf.transpose(x, (0, 2, 1))), (0, 2, 1))


def torch_lstm_loaded(x, w, u, b):
    lstm = nn.LSTM(2, 2, batch_first=True)
    lstm.load_state_dict({"weight_ih_l0": w, "weight_hh_l0": u, "bias_ih_l0": b, "bias_hh_l0": b})
    out, (h, c) = lstm(x)
    return h[-1]


def keras_lstm_loaded(x, w, u, b):
    lstm = keras.layers.LSTM(2)
    lstm.build(x.shape)
    lstm.set_weights([w.numpy().T, u.numpy().T, b.numpy()])
    return lstm(x)


def torch_gru_loaded(x, w, u):
    gru = nn.GRU(2, 3, bias=False, batch_first=True)
    gru.load_state_dict({"weight_ih_l0": w, "weight_hh_l0": u})
    return gru(x)[0]


def keras_gru_loaded(x, w, u):
    gru = keras.layers.GRU(3, use_bias=False, return_sequences=True)
    gru.build(x.shape)
    gru.set_weights([w.numpy().T, u.numpy().T])
    return gru(x)


def torch_gru_step(x, h, w, u):
    r, z, n = F.linear(x, w).chunk(3, -1)
    hr, hz, hn = F.linear(h, u).chunk(3, -1)
    r, z = torch.sigmoid(r + hr), torch.sigmoid(z + hz)
    n = torch.tanh(n + r * hn)
    return (1 - z) * n + z * h


def tf_gru_step_of_the_paper(x, h, w, u):
    w_r, w_z, w_n = tf.split(tf.transpose(w), 3, axis=1)
    u_r, u_z, u_n = tf.split(tf.transpose(u), 3, axis=1)
    r = tf.sigmoid(x @ w_r + h @ u_r)
    z = tf.sigmoid(x @ w_z + h @ u_z)
    n = tf.tanh(x @ w_n + (r * h) @ u_n)
    return (1 - z) * n + z * h


def torch_rnn_loaded(x, w, b):
    rnn = nn.RNN(2, 2, batch_first=True)
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(w)
        rnn.weight_hh_l0.copy_(w)
        rnn.bias_ih_l0.copy_(b)
        rnn.bias_hh_l0.copy_(b)
    return rnn(x)[0][:, -1]


def keras_rnn_loaded(x, w, b):
    rnn = keras.layers.SimpleRNN(2)
    rnn.build(x.shape)
    rnn.set_weights([w.numpy().T, w.numpy().T, b.numpy()])
    return rnn(x)


def torch_mha_loaded(x, w, o):
    mha = nn.MultiheadAttention(4, 2, bias=False, batch_first=True)
    mha.load_state_dict({"in_proj_weight": w, "out_proj.weight": o})
    return mha(x, x, x, need_weights=False)[0]


def keras_mha_loaded(x, w, o):
    mha = keras.layers.MultiHeadAttention(2, 2, use_bias=False)
    mha.build(x.shape, x.shape)
    q, k, v = np.split(w.numpy(), 3)
    mha.set_weights([q.reshape(4, 2, 2), k.reshape(4, 2, 2), v.reshape(4, 2, 2), o.numpy().T.reshape(2, 2, 4)])
    return mha(x, x)


def keras_mha_wrong_order(x, w, o):
    mha = keras.layers.MultiHeadAttention(2, 2, use_bias=False)
    mha.build(x.shape, x.shape)
    q, v, k = (p.T.reshape(4, 2, 2) for p in np.split(w.numpy(), 3))
    mha.set_weights([q, k, v, o.numpy().T.reshape(2, 2, 4)])
    return mha(x, x)


def torch_bn_loaded(x, g, b, m, v):
    bn = nn.BatchNorm1d(2, eps=1e-3)
    bn.load_state_dict({"weight": g, "bias": b, "running_mean": m, "running_var": v}, strict=False)
    bn.eval()
    return bn(x)


def keras_bn_loaded(x, g, b, m, v):
    state = {"weight": g, "bias": b, "running_mean": m, "running_var": v}
    bn = keras.layers.BatchNormalization()
    bn.build(x.shape)
    bn.set_weights([state[name].numpy() for name in sorted(state)][:1] + [g.numpy(), m.numpy(), v.numpy()])
    return bn(x)


class TorchCNN(nn.Module):
    def __init__(self, k, w):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 2, bias=False)
        self.head = nn.Linear(8, 3, bias=False)
        self.load_state_dict({"conv.weight": k, "head.weight": w})

    def forward(self, x):
        x = torch.relu(self.conv(x))
        return self.head(x.flatten(1))


def torch_cnn(x, k, w):
    return TorchCNN(k.detach(), w.detach())(x)


def keras_cnn(x, k, w):
    model = keras.Sequential(
        [
            keras.layers.Input((3, 3, 1)),
            keras.layers.Conv2D(2, 2, activation="relu", use_bias=False),
            keras.layers.Flatten(),
            keras.layers.Dense(3, use_bias=False),
        ]
    )
    model.set_weights([k.numpy().transpose(2, 3, 1, 0), w.numpy().T])
    return model(tf.transpose(x, (0, 2, 3, 1)))


def torch_channel_block(x):
    return nn.GroupNorm(2, 4, eps=1e-3)(x)


def keras_channel_block(x):
    return keras.layers.GroupNormalization(groups=2)(x)


class TorchBiLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 1, batch_first=True, bidirectional=True, bias=False)
        for p in self.lstm.parameters():
            nn.init.constant_(p, 0.5)

    def forward(self, x):
        out, _ = self.lstm(x)
        return out[:, -1, :]


def torch_bilstm(x):
    return TorchBiLSTM()(x)


def keras_bilstm(x):
    half = keras.initializers.Constant(0.5)
    lstm = keras.layers.LSTM(1, use_bias=False, kernel_initializer=half, recurrent_initializer=half)
    return keras.layers.Bidirectional(lstm)(x)


# ---------------------------------------------------------------- normalisation


def torch_running_mean(x):
    bn = nn.BatchNorm1d(2)
    for _ in range(3):
        bn(x)
    return bn.running_mean.clone()


def keras_moving_mean(x):
    bn = keras.layers.BatchNormalization()
    for _ in range(3):
        bn(x, training=True)
    return tf.identity(bn.moving_mean)


class TorchTail(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(2)
        nn.init.constant_(self.bn.running_var, 1e-3)

    def forward(self, x):
        return torch.tanh(self.bn(x))


def torch_bn_inference(x):
    net = TorchTail()
    net.eval()
    return net(x)


class KerasTail(keras.Model):
    def __init__(self):
        super().__init__()
        self.bn = keras.layers.BatchNormalization(moving_variance_initializer=keras.initializers.Constant(1e-3))

    def call(self, x, training=False):
        return tf.tanh(self.bn(x, training=training))


def keras_bn_inference(x):
    return KerasTail()(x)


def torch_running_var(x):
    bn = nn.BatchNorm1d(2, momentum=0.2)
    bn(x)
    return bn.running_var.clone()


def keras_moving_var(x):
    bn = keras.layers.BatchNormalization(momentum=0.8)
    bn(x, training=True)
    return tf.identity(bn.moving_variance)


def torch_bn2d_eval(x):
    bn = nn.BatchNorm2d(2, momentum=1.0)
    bn.train()
    bn(x)
    bn.eval()
    return bn(x)


def keras_bn2d_eval(x):
    bn = keras.layers.BatchNormalization(axis=1, momentum=0.0, epsilon=1e-5)
    bn(x, training=True)
    return bn(x, training=False)


class TorchNormNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        return torch.sigmoid(self.norm(x))


def torch_last_batch(x):
    net = TorchNormNet()
    net.train()
    return net(x)


def keras_last_batch(x):
    net = keras.Sequential([keras.layers.BatchNormalization(epsilon=1e-5), keras.layers.Activation("sigmoid")])
    return net(x, training=True)


def torch_frozen_bn(x):
    bn = nn.BatchNorm1d(2, eps=1e-3)
    for p in bn.parameters():
        p.requires_grad_(False)
    bn.train()
    return bn(x)


def keras_frozen_bn(x):
    bn = keras.layers.BatchNormalization()
    bn.trainable = False
    return bn(x, training=True)


class TorchDropoutNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(x)


def torch_dropout_net(x):
    torch.manual_seed(0)
    return TorchDropoutNet()(x)


def keras_dropout_net(x):
    net = keras.Sequential([keras.layers.Dropout(0.5, seed=0)])
    return net(x[None])[0]


class TorchPreNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        return x + F.gelu(self.norm(x))


def torch_prenorm(x):
    return TorchPreNorm(4)(x)


class KerasPreNorm(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.norm = keras.layers.LayerNormalization()

    def call(self, x):
        return x + tf.nn.gelu(self.norm(x))


def keras_prenorm(x):
    return KerasPreNorm()(x)


def torch_ln_hidden(x):
    hidden = x.shape[-1]
    return nn.LayerNorm(hidden)(x)


def keras_ln_hidden(x):
    hidden = x.shape[-1]
    return keras.layers.LayerNormalization(hidden)(x)


class TorchGroupBlock(nn.Module):
    def __init__(self, groups, channels):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)

    def forward(self, x):
        return F.silu(self.norm(x))


def torch_group_block(x):
    return TorchGroupBlock(2, 6)(x)


def keras_group_block(x):
    return tf.nn.silu(keras.layers.GroupNormalization(groups=2)(x))


def torch_instance_norm(x):
    return nn.InstanceNorm2d(2, affine=True)(x)


def tf_instance_norm(x, epsilon=1e-3):
    mean, var = tf.nn.moments(x, axes=[2, 3], keepdims=True)
    return (x - mean) * tf.math.rsqrt(var + epsilon)


class TorchRMS(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.RMSNorm(dim)

    def forward(self, x):
        return self.norm(x).sum(-1)


def torch_rms(x):
    return TorchRMS(3)(x)


def keras_rms(x):
    return tf.reduce_sum(keras.layers.RMSNormalization()(x), -1)


# ---------------------------------------------------------------- activations


class TorchLeaky(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = nn.LeakyReLU()

    def forward(self, x):
        return torch.tanh(self.act(x)).sum(1)


def torch_leaky_net(x):
    return TorchLeaky()(x)


def keras_leaky_net(x):
    act = keras.layers.LeakyReLU()
    return tf.reduce_sum(tf.tanh(act(x)), 1)


def torch_gelu_new(x):
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


def tf_gelu(x):
    return tf.nn.gelu(x)


def torch_slope_count(x):
    act = nn.PReLU(x.shape[1])
    act(x)
    return torch.tensor(float(act.weight.numel()))


def keras_slope_count(x):
    act = keras.layers.PReLU()
    act(tf.transpose(x, (0, 2, 3, 1)))
    return tf.constant(float(act.count_params()))


def torch_softplus_gap(x):
    return nn.Softplus()(x) - x


def tf_softplus_gap(x):
    return tf.math.log1p(tf.exp(-x))


def torch_scores(x):
    return nn.Softmax()(x)


def keras_scores(x):
    return keras.layers.Softmax()(x)


def torch_elu_by_hand(x, alpha=2.0):
    return torch.where(x > 0, x, alpha * torch.expm1(x))


def keras_celu_layer(x):
    return keras.activations.celu(x, alpha=2.0)


# ---------------------------------------------------------------- attention and recurrent layers


def torch_padded_attention(x, pad):
    mha = nn.MultiheadAttention(2, 1, bias=False, batch_first=True)
    with torch.no_grad():
        mha.in_proj_weight.copy_(torch.eye(2).repeat(3, 1))
        mha.out_proj.weight.copy_(torch.eye(2))
    out, _ = mha(x, x, x, key_padding_mask=pad)
    return out


class _Projected:
    """One head over two features with identity projections, as the torch half has them."""

    def __init__(self):
        self.mha = keras.layers.MultiHeadAttention(1, 2, use_bias=False)
        self.mha.build((None, 3, 2), (None, 3, 2))
        eye = np.eye(2, dtype="float32")
        self.mha.set_weights([eye.reshape(2, 1, 2)] * 3 + [eye.reshape(1, 2, 2)])

    def __call__(self, *args, **kwargs):
        return self.mha(*args, **kwargs)


def keras_padded_attention(x, pad):
    return _Projected()(x, x, attention_mask=pad[:, None, :])


def keras_padded_attention_inverted(x, pad):
    return _Projected()(x, x, attention_mask=tf.logical_not(pad)[:, None, :])


def torch_cross_attention(q, k, v):
    mha = nn.MultiheadAttention(2, 1, bias=False, batch_first=True)
    mha.load_state_dict({"in_proj_weight": torch.eye(2).repeat(3, 1), "out_proj.weight": torch.eye(2)})
    return mha(q, k, v)[0]


def keras_cross_attention(q, k, v):
    return _Projected()(q, k, v)


def torch_attention_map(x):
    mha = nn.MultiheadAttention(4, 2, batch_first=True)
    for p in mha.parameters():
        nn.init.constant_(p, 0.1)
    _, weights = mha(x, x, x)
    return weights


def keras_attention_map(x):
    mha = keras.layers.MultiHeadAttention(
        2, 2, kernel_initializer=keras.initializers.Constant(0.1), bias_initializer=keras.initializers.Constant(0.1)
    )
    _, weights = mha(x, x, return_attention_scores=True)
    return weights


def torch_attention_by_hand(q, k, v):
    scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(q.size(-1))
    return torch.matmul(F.softmax(scores, dim=-1), v)


def keras_attention_layer(q, k, v):
    return keras.layers.Attention()([q, v, k])


def torch_split_heads(x, heads=2):
    b, t, e = x.shape
    h = x.view(b, t, heads, e // heads).transpose(1, 2)
    out = F.scaled_dot_product_attention(h, h, h)
    return out.transpose(1, 2).reshape(b, t, e)


def keras_split_heads(x, heads=2):
    b, t, e = x.shape
    h = keras.ops.transpose(keras.ops.reshape(x, (b, t, heads, e // heads)), (0, 2, 1, 3))
    out = keras.ops.dot_product_attention(h, h, h)
    return keras.ops.reshape(keras.ops.transpose(out, (0, 2, 1, 3)), (b, t, e))


class TorchEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(2, 1, bias=False)
        for p in self.parameters():
            nn.init.constant_(p, 0.7)

    def forward(self, x):
        return self.gru(x)[0]


def torch_encoder(x):
    return TorchEncoder()(x)


def keras_encoder(x):
    c = keras.initializers.Constant(0.7)
    return keras.layers.GRU(1, use_bias=False, kernel_initializer=c, recurrent_initializer=c, return_sequences=True)(x)


def torch_rnn_output(x):
    rnn = nn.RNN(2, 2, bias=False, batch_first=True)
    for p in rnn.parameters():
        nn.init.constant_(p, 0.3)
    output, hidden = rnn(x)
    return torch.sigmoid(output)


def keras_rnn_output(x):
    c = keras.initializers.Constant(0.3)
    output = keras.layers.SimpleRNN(2, use_bias=False, kernel_initializer=c, recurrent_initializer=c)(x)
    return tf.sigmoid(output)


def torch_rnn_dropout(x):
    lstm = nn.LSTM(3, 2, dropout=0.5, batch_first=True, bias=False)
    for p in lstm.parameters():
        nn.init.constant_(p, 0.4)
    lstm.train()
    return lstm(x)[0]


def keras_rnn_dropout(x):
    c = keras.initializers.Constant(0.4)
    lstm = keras.layers.LSTM(
        2, dropout=0.5, seed=1, use_bias=False, kernel_initializer=c, recurrent_initializer=c, return_sequences=True
    )
    return lstm(x, training=True)


def torch_packed(x):
    lengths = (x.abs().sum(-1) > 0).sum(1)
    rnn = nn.RNN(2, 1, bias=False, batch_first=True)
    for p in rnn.parameters():
        nn.init.ones_(p)
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    out, _ = rnn(packed)
    return nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])[0]


def keras_masking(x):
    mask = keras.layers.Masking(mask_value=0.0).compute_mask(x)
    rnn = keras.layers.SimpleRNN(
        1, use_bias=False, kernel_initializer="ones", recurrent_initializer="ones", return_sequences=True
    )
    return rnn(x, mask=mask)


def torch_pad_row(x):
    table = nn.Embedding(20, 6, padding_idx=0)
    return x * table(torch.tensor([0])).detach().abs().sum()


def keras_pad_row(x):
    table = keras.layers.Embedding(20, 6, mask_zero=True)
    return x * tf.reduce_sum(tf.abs(table(tf.constant([0]))))


# ---------------------------------------------------------------- call conventions


def torch_positional_head(x):
    return nn.Linear(3, 5)(x) * 0


def keras_positional_head(x):
    return keras.layers.Dense(3, 5)(x) * 0


def torch_bn_by_place(x):
    bn = nn.BatchNorm1d(2, 1e-4, 0.3)
    return bn(x)


def keras_bn_by_place(x):
    bn = keras.layers.BatchNormalization(-1, 1e-4, 0.3)
    return bn(x, training=True)


def torch_steps_of_an_epoch(x):
    data = torch.utils.data.TensorDataset(x.detach())
    loader = torch.utils.data.DataLoader(data)
    steps = 0
    for (batch,) in loader:
        steps += 1
    return torch.tensor(float(steps))


def torch_steps_dropping_last(x):
    data = torch.utils.data.TensorDataset(x.detach())
    loader = torch.utils.data.DataLoader(data, batch_size=32, drop_last=True)
    return torch.tensor(float(len([batch for batch in loader])))


def keras_steps_of_an_epoch(x):
    x = np.asarray(x)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(x, x[:, :1], epochs=1, verbose=0)
    return tf.constant(float(model.optimizer.iterations.numpy()))


def torch_order_of_an_epoch(x):
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x.detach()), batch_size=4)
    first = next(iter(loader))[0]
    return first


class _Recorder(keras.Model):
    def __init__(self):
        super().__init__()
        self.seen = []

    def train_step(self, data):
        x = data[0] if isinstance(data, (tuple, list)) else data
        self.seen.append(x)
        return {"loss": tf.reduce_sum(x)}


def keras_order_of_an_epoch(x):
    keras.utils.set_random_seed(1)
    model = _Recorder()
    model.compile(run_eagerly=True)
    model.fit(np.asarray(x), batch_size=4, epochs=1, verbose=0)
    return tf.convert_to_tensor(model.seen[0])


def torchvision_normalize(x):
    mean = torch.tensor([0.485, 0.456, 0.406])
    std = torch.tensor([0.229, 0.224, 0.225])
    return (x / 255.0 - mean) / std


def keras_resnet_preprocess(x):
    return keras.applications.resnet50.preprocess_input(x)


# ---------------------------------------------------------------- ports that are right


def keras_cross_attention_named(q, k, v):
    return _Projected()(query=q, key=k, value=v)


def torch_steps_of_fit(x):
    data = torch.utils.data.TensorDataset(x.detach())
    loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True)
    return torch.tensor(float(len(loader)))
