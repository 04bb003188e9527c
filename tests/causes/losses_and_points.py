# mypy: ignore-errors
# ruff: noqa
"""Functions of the scenarios in a2.yaml, as people port them."""

import numpy as np
import keras
import tensorflow as tf
import torch
import torch.nn as nn
import torch.nn.functional as F

K33 = np.array([[0.2, -0.5, 0.1], [0.7, 1.0, -0.3], [0.4, 0.0, -0.8]], np.float32)
K44 = np.linspace(-1, 1.25, 16).reshape(4, 4).astype(np.float32)
K55 = np.linspace(-0.6, 0.9, 25).reshape(5, 5).astype(np.float32)


def set_(conv, w):
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(w).to(conv.weight.dtype).reshape(conv.weight.shape))
    return conv


def const(w):
    return keras.initializers.Constant(w[:, :, None, None])


# ---- convolution
class DownBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = set_(nn.Conv2d(1, 1, 3, stride=2, padding=1, bias=False), K33)

    def forward(self, x):
        return F.relu(self.conv(x))


def t_down_block(x):
    return DownBlock().to(x.dtype)(x[None, None])[0, 0]


def k_down_block(x):
    conv = keras.layers.Conv2D(
        1,
        3,
        strides=2,
        padding="same",
        activation="relu",
        use_bias=False,
        kernel_initializer=const(K33),
        dtype=x.dtype.name,
    )
    return conv(x[None, :, :, None])[0, :, :, 0]


def t_same_strided(x):
    conv = set_(nn.Conv2d(1, 1, 3, stride=2, padding="same", bias=False), K33)
    return conv(x[None, None])[0, 0]


def k_same_strided(x):
    conv = keras.layers.Conv2D(1, 3, strides=2, padding="same", use_bias=False, kernel_initializer=const(K33))
    return conv(x[None, :, :, None])[0, :, :, 0]


def t_conv_pad2(x):
    conv = set_(nn.Conv2d(1, 1, 3, padding=2, bias=False), K33)
    return conv(x[None, None])[0, 0]


def k_conv_pad2(x):
    conv = keras.layers.Conv2D(1, 3, padding=2, use_bias=False, kernel_initializer=const(K33))
    return conv(x[None, :, :, None])[0, :, :, 0]


def t_wavenet_step(x):
    w = torch.tensor([[[0.5, -1.0, 2.0]]], dtype=x.dtype)
    return torch.tanh(F.conv1d(x[None, None], w, padding=2))[0, 0]


def k_wavenet_step(x):
    conv = keras.layers.Conv1D(
        1,
        3,
        padding="causal",
        use_bias=False,
        dtype=x.dtype.name,
        activation="tanh",
        kernel_initializer=keras.initializers.Constant(np.array([0.5, -1.0, 2.0])[:, None, None]),
    )
    return conv(x[None, :, None])[0, :, 0]


def t_up_block(x):
    up = set_(nn.ConvTranspose2d(1, 1, kernel_size=3, stride=2, padding=1, output_padding=1, bias=False), K33).to(
        x.dtype
    )
    return F.leaky_relu(up(x[None, None]), 0.2)[0, 0]


def k_up_block(x):
    up = keras.layers.Conv2DTranspose(
        1, 3, 2, "same", use_bias=False, kernel_initializer=const(K33), dtype=x.dtype.name
    )
    return tf.nn.leaky_relu(up(x[None, :, :, None]), 0.2)[0, :, :, 0]


def t_up_outpad(x):
    up = set_(nn.ConvTranspose2d(1, 1, 3, 2, 1, 1, bias=False), K33).to(x.dtype)
    return up(x[None, None])[0, 0]


def k_up_outpad(x):
    up = keras.layers.Conv2DTranspose(
        1,
        3,
        strides=2,
        padding="same",
        output_padding=1,
        use_bias=False,
        kernel_initializer=const(K33),
        dtype=x.dtype.name,
    )
    return up(x[None, :, :, None])[0, :, :, 0]


class GanBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = set_(nn.ConvTranspose2d(1, 1, 4, 2, bias=False), K44)

    def forward(self, x):
        return torch.tanh(self.up(x))


def t_gan_block(x):
    return GanBlock().to(x.dtype)(x[None, None])[0, 0]


def k_gan_block(x):
    model = keras.Sequential(
        [
            keras.layers.Conv2DTranspose(
                1,
                4,
                strides=2,
                padding="same",
                use_bias=False,
                activation="tanh",
                kernel_initializer=const(K44),
                dtype=x.dtype.name,
            )
        ]
    )
    return model(x[None, :, :, None])[0, :, :, 0]


def t_spread(x):
    up = set_(nn.ConvTranspose2d(1, 1, 2, stride=3, bias=False), K33[:2, :2].copy()).to(x.dtype)
    return up(x[None, None])[0, 0]


def k_spread(x):
    up = keras.layers.Conv2DTranspose(
        1, 2, strides=3, use_bias=False, kernel_initializer=const(K33[:2, :2]), dtype=x.dtype.name
    )
    return up(x[None, :, :, None])[0, :, :, 0]


# ---- pooling, padding, resampling
def t_nchw_block(x):
    h = F.relu(x)
    return F.max_pool2d(h, 2).mean(dim=(2, 3))


def k_nchw_block(x):
    h = tf.nn.relu(x)
    return tf.reduce_mean(tf.nn.max_pool2d(h, 2, 2, "VALID", data_format="NCHW"), axis=(2, 3))


def k_symmetric_pad(x):
    return tf.pad(x, [[2, 2]], "SYMMETRIC")


def t_pyramid(x):
    return F.interpolate(x[None, None], scale_factor=2.3, mode="bilinear", align_corners=False)[0, 0]


def k_pyramid(x):
    h, w = x.shape
    return tf.image.resize(x[None, :, :, None], (int(h * 2.3), int(w * 2.3)))[0, :, :, 0]


def t_thumb(x):
    return F.interpolate(x[None, None], size=(3, 2), mode="area").squeeze()


def k_thumb(x):
    return tf.squeeze(tf.image.resize(x[None, :, :, None], (3, 2), method="area"))


def k_subpixel(x):
    y = tf.nn.depth_to_space(tf.transpose(x, (0, 2, 3, 1)), 2)
    return tf.transpose(y, (0, 3, 1, 2))


def t_patches(x):
    cols = F.unfold(x, kernel_size=2, stride=2)  # N, C*kh*kw, L
    w = torch.arange(8, dtype=x.dtype) / 8
    return torch.einsum("d,ndl->nl", w, cols)


def k_patches(x):
    p = tf.image.extract_patches(tf.transpose(x, (0, 2, 3, 1)), [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID")
    w = tf.range(8, dtype=x.dtype) / 8
    return tf.reshape(tf.tensordot(p, w, 1), (x.shape[0], -1))


def k_lrn_default(x):
    return tf.nn.local_response_normalization(tf.transpose(x, (0, 2, 3, 1)))[0, 0, 0, :]


def k_overlapping_patches(x):
    p = tf.image.extract_patches(
        images=tf.transpose(x, (0, 2, 3, 1)),
        sizes=[1, 2, 2, 1],
        strides=[1, 1, 1, 1],
        rates=[1, 1, 1, 1],
        padding="VALID",
    )
    return tf.reshape(p, (-1, p.shape[-1]))


# ---- losses
class DoubleSoftmax(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Softmax(dim=1)
        self.criterion = nn.CrossEntropyLoss()

    def forward(self, x, y):
        return self.criterion(self.out(x), y)


def t_double_softmax(x, y):
    return DoubleSoftmax()(x, y)


def k_softmax_model(x, y):
    probs = keras.layers.Softmax(dtype=x.dtype.name)(x)
    return keras.losses.SparseCategoricalCrossentropy()(y, probs)


def t_ce_of_probs(p, y):
    return -(y * torch.log(p))[y > 0].sum() / p.shape[0]


def k_ce_of_probs(p, y):
    return keras.losses.CategoricalCrossentropy()(y, p)


def t_tagger_loss(x, y):
    return nn.CrossEntropyLoss()(x, y)


def k_tagger_loss(x, y):
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, x)


def t_weighted_ce(x, y):
    criterion = nn.CrossEntropyLoss(weight=torch.tensor([0.5, 1.0, 2.5], dtype=x.dtype))
    return criterion(x, y)


def k_weighted_ce(x, y):
    class_weight = tf.constant([0.5, 1.0, 2.5], x.dtype)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return loss(y, x, sample_weight=tf.gather(class_weight, y))


def t_lm_loss(logits, y):
    return F.cross_entropy(logits, y, ignore_index=0)


def k_lm_loss(logits, y):
    return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True))


def t_ce_fn(x, y):
    return F.cross_entropy(x, y)


def k_ce_fn(x, y):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x))


def t_bce_int(x, y):
    return F.binary_cross_entropy(torch.sigmoid(x), y)


def k_bce_int(x, y):
    return keras.losses.BinaryCrossentropy()(y, tf.sigmoid(x))


def t_disc_loss(p):
    real = torch.ones_like(p)
    return nn.BCELoss()(p, real)


def k_disc_loss(p):
    return keras.losses.BinaryCrossentropy()(tf.ones_like(p), p)


def t_no_sigmoid(x, t):
    return nn.BCELoss()(x, t)


def k_no_sigmoid(x, t):
    return keras.losses.BinaryCrossentropy()(t, x)


def t_each_error(x, t):
    err = nn.MSELoss(reduction="none")(x, t)
    return err


def k_each_error(x, t):
    return keras.losses.MeanSquaredError(reduction=None)(t, x)


class KL(nn.Module):
    def forward(self, q, p):
        return F.kl_div(q, p, reduction="batchmean")


def t_kl_of_probs(q, p):
    return KL()(q, p)


def k_kl_of_probs(q, p):
    return keras.losses.KLDivergence()(p, q)


def t_box_loss(x, t):
    return F.smooth_l1_loss(x, t, beta=0.25).mean()


def k_box_loss(x, t):
    return keras.losses.Huber(0.25)(t, x)


class Sim(nn.Module):
    def __init__(self):
        super().__init__()
        self.cos = nn.CosineSimilarity(dim=1, eps=1e-8)

    def forward(self, a, b):
        return self.cos(a, b).mean()


def t_cos_module(a, b):
    return Sim()(a, b)


def k_cos_class(a, b):
    return keras.losses.CosineSimilarity()(b, a)


def t_count_loss(x, t):
    return nn.PoissonNLLLoss()(x, t)


def k_count_loss(x, t):
    return keras.losses.Poisson()(t, x)


class SpeechLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.ctc = nn.CTCLoss()

    def forward(self, x, y):
        t, n = x.shape[:2]
        return self.ctc(x.log_softmax(2), y, torch.full((n,), t), torch.full((n,), y.shape[1]))


def t_ctc_module(x, y):
    return SpeechLoss()(x, y)


def k_ctc_fn(x, y):
    t, n = x.shape[:2]
    losses = tf.nn.ctc_loss(
        labels=tf.cast(y, tf.int32),
        logits=x,
        label_length=tf.fill([n], y.shape[1]),
        logit_length=tf.fill([n], t),
        blank_index=0,
    )
    return tf.reduce_mean(losses)


def t_kl_good(q, p):
    return F.kl_div(q.log(), p, reduction="batchmean")


def k_kl_swapped(q, p):
    return keras.losses.KLDivergence()(q, p)


def t_mse_columns(x, t):
    return ((x - t.unsqueeze(1)) ** 2).mean()


def k_mse_columns(x, t):
    return tf.reduce_mean(tf.square(x - t))


def t_svm_loss(x, t):
    return torch.clamp(1 - t * x, min=0).mean()


def k_svm_loss(x, t):
    return keras.losses.Hinge()(t, x)


def t_disc_plain(x, t):
    return nn.BCEWithLogitsLoss()(x, t)


def k_disc_smooth(x, t):
    return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.3)(t, x)


# ---- derivatives at special points
def t_row_norms(x):
    return ((x.norm(2, dim=1) - 1) ** 2).mean()


def k_row_norms(x):
    return tf.reduce_mean((tf.norm(x, ord=2, axis=1) - 1) ** 2)


def t_minibatch_std(x):
    s = x.std(dim=0, unbiased=False)
    return torch.cat([x, s.mean().expand(x.shape[0], 1)], 1)


def k_minibatch_std(x):
    s = tf.math.reduce_std(x, axis=0)
    return tf.concat([x, tf.fill([x.shape[0], 1], tf.reduce_mean(s))], 1)


def t_pair_loss(x):
    d = torch.cdist(x, x)
    return F.relu(1.0 - d).mean()


def k_pair_loss(x):
    d = tf.sqrt(tf.reduce_sum(tf.square(x[:, None] - x[None]), -1))
    return tf.reduce_mean(tf.nn.relu(1.0 - d))


def t_min_pool(x):
    values, _ = torch.min(x, dim=0)
    return values


def k_min_pool(x):
    return tf.reduce_min(x, axis=0)


class MyReLU(nn.Module):
    def forward(self, x):
        return torch.maximum(x, torch.tensor(0.0, dtype=x.dtype))


def t_my_relu(x):
    return MyReLU()(x)


class MyKerasReLU(keras.layers.Layer):
    def call(self, x):
        return tf.maximum(x, 0.0)


def k_my_relu(x):
    return MyKerasReLU(dtype=x.dtype.name)(x)


def t_quantize(x):
    scale = 1 / 8
    return torch.round(x / scale) * scale


def k_quantize(x):
    scale = 1 / 8
    return tf.round(x / scale) * scale


def t_power_law(x):
    gamma = 0.0
    return 2.0 * torch.pow(x, gamma)


def k_power_law(x):
    gamma = 0.0
    return 2.0 * tf.pow(x, gamma)


def t_learned_power(p):
    data = torch.tensor([-1.5, 0.5, 2.0], dtype=p.dtype)
    return (data**p).sum()


def k_learned_power(p):
    data = tf.constant([-1.5, 0.5, 2.0], p.dtype)
    return tf.reduce_sum(data**p)


def t_entropy(p):
    return torch.special.entr(p).sum()


def k_entropy(p):
    return -tf.reduce_sum(tf.math.xlogy(p, p))


def t_flow_angle(uv):
    u, v = uv.unbind(-1)
    return torch.atan2(v, u)


def k_flow_angle(uv):
    u, v = tf.unstack(uv, axis=-1)
    return tf.math.atan2(v, u)


def t_edge_strength(gx, gy):
    return torch.hypot(gx, gy)


def k_edge_strength(gx, gy):
    return keras.ops.hypot(gx, gy)


def t_lowpass(fc):
    n = torch.arange(-2, 3, dtype=fc.dtype)
    return 2 * fc * torch.sinc(2 * fc * n)


def k_lowpass(fc):
    n = tf.range(-2, 3, dtype=fc.dtype)
    return 2 * fc * keras.ops.sinc(2 * fc * n)


def t_safe_dist(d2):
    return torch.where(d2 > 0, torch.sqrt(d2), torch.zeros_like(d2))


def k_safe_dist(d2):
    return tf.where(d2 > 0, tf.sqrt(d2), tf.zeros_like(d2))


def t_safe_acos(c):
    return torch.where(c.abs() < 1, torch.acos(c), torch.zeros_like(c))


def k_safe_acos(c):
    return tf.where(tf.abs(c) < 1, tf.acos(c), tf.zeros_like(c))


def t_transmittance(alpha):
    return torch.cumprod(1 - alpha, dim=-1)


def k_transmittance(alpha):
    return tf.math.cumprod(1 - alpha, axis=-1)


def t_drawdown(x):
    peak, _ = torch.cummax(x, dim=0)
    return peak - x


def k_drawdown(x):
    peak = tf.scan(tf.maximum, x)
    return peak - x


def k_running_max(x):
    out, m = [], None
    for v in tf.unstack(x):
        m = v if m is None else tf.maximum(m, v)
        out.append(m)
    return tf.stack(out)


def t_area_change(s):
    j = torch.stack([s, torch.tensor([2.0, 4.0], dtype=s.dtype)])
    return torch.linalg.det(j)


def k_area_change(s):
    j = tf.stack([s, tf.constant([2.0, 4.0], s.dtype)])
    return tf.linalg.det(j)


def t_logdet(w):
    sign, logabs = torch.linalg.slogdet(w)
    return logabs


def k_logdet(w):
    sign, logabs = tf.linalg.slogdet(w)
    return logabs


def t_axes(c):
    values, vectors = torch.linalg.eigh(c)
    return vectors[:, 0]


def k_axes(c):
    values, vectors = tf.linalg.eigh(c)
    return vectors[:, 0]


def k_selu_layer(x):
    return keras.Sequential([keras.layers.Activation("selu"), keras.layers.Flatten()])(x)


def k_celu_layer(x):
    return keras.activations.celu(x, alpha=1.5)


def k_prelu_layer(x):
    layer = keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(0.4), shared_axes=[1], dtype=x.dtype.name)
    return layer(x)


def k_clip2(x):
    return 2.0 * keras.activations.hard_tanh(x / 2.0)


def t_unit(x):
    return nn.functional.normalize(x, p=2, dim=-1)


def k_unit(x):
    return tf.nn.l2_normalize(x, -1)


def k_unit_layer(x):
    return keras.layers.UnitNormalization(axis=-1, dtype=x.dtype.name)(x)


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.cos = nn.CosineSimilarity(dim=1)

    def forward(self, a, b):
        return self.cos(a, b)


def t_siamese(a, b):
    return Siamese()(a, b)


def k_siamese(a, b):
    return -keras.losses.CosineSimilarity(reduction=None, axis=1)(b, a)


def t_dirichlet(a):
    return torch.lgamma(a.sum()) - torch.lgamma(a).sum()


def k_dirichlet(a):
    return tf.math.lgamma(tf.reduce_sum(a)) - tf.reduce_sum(tf.math.lgamma(a))


def t_lu_diag(x):
    lu, pivots = torch.linalg.lu_factor(x)
    return torch.diagonal(lu).abs().log().sum()


def k_lu_diag(x):
    lu, p = tf.linalg.lu(x)
    return tf.reduce_sum(tf.math.log(tf.abs(tf.linalg.diag_part(lu))))


def t_median_rows(x):
    return torch.median(x, dim=1)[0]


def k_median_rows(x):
    return keras.ops.median(x, axis=1)


def t_phase(z):
    return (torch.angle(z) - 0.5).abs().sum()


def k_phase(z):
    return tf.reduce_sum(tf.abs(tf.math.angle(z) - 0.5))


def t_spectral(x):
    return torch.linalg.eigvalsh(x).square().sum() - torch.linalg.eigvalsh(x)[0]


def k_spectral(x):
    return tf.reduce_sum(tf.square(tf.linalg.eigvalsh(x))) - tf.linalg.eigvalsh(x)[0]


def t_area_half(x):
    h, w = x.shape
    return F.interpolate(x[None, None], (h // 2, w // 2), mode="area")[0, 0]


def k_area_half(x):
    h, w = x.shape
    return tf.image.resize(x[None, ..., None], (h // 2, w // 2), method=tf.image.ResizeMethod.AREA)[0, ..., 0]


# ---- autodiff
def t_no_bias(w, b):
    return (w * 3).sum()


def k_no_bias(w, b):
    return tf.reduce_sum(w * 3)


def t_step_vector(x):
    w = x.detach().clone().requires_grad_(True)
    loss = (w - 1) ** 2
    loss.backward()
    return w.grad * x


def k_step_vector(x):
    w = tf.Variable(x)
    with tf.GradientTape() as tape:
        loss = (w - 1) ** 2
    return tape.gradient(loss, w) * x


def t_int_grad(x):
    n = x.detach().to(torch.int64)
    n.requires_grad_(True)
    return (n**2).sum() * x


def k_int_grad(x):
    n = tf.cast(x, tf.int64)
    return tf.cast(tf.reduce_sum(n**2), x.dtype) * x


def t_own_grad(x):
    v = x.detach().clone().requires_grad_(True)
    y = (v * 2) ** 2
    return torch.autograd.grad(y.sum(), v)[0]


def k_unwatched(x):
    v = tf.constant(x)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum((v * 2) ** 2)
    return tape.gradient(y, v)


def k_outside_tape(x):
    v = tf.Variable(x)
    h = v * 2
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(h**2)
    return tape.gradient(y, v)


def k_frozen_variable(x):
    v = tf.Variable(x, trainable=False)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum((v * 2) ** 2)
    return tape.gradient(y, v)


def t_through_numpy(x):
    h = np.tanh(x.numpy())
    return torch.from_numpy(h) * 2


def k_through_numpy(x):
    h = np.tanh(x.numpy())
    return tf.constant(h) * 2


def t_np_smooth(x):
    s = np.convolve(x.numpy(), [0.5, 0.5], mode="same")
    return x * torch.tensor(s, dtype=x.dtype)


def k_np_smooth(x):
    s = np.convolve(x.numpy(), [0.5, 0.5], mode="same")
    return x * tf.constant(s, x.dtype)


def t_item(x):
    temperature = x.max().item()
    return torch.softmax(x / temperature, 0)


def k_item(x):
    temperature = tf.reduce_max(x).numpy().item()
    return tf.nn.softmax(x / temperature)


def t_twice(x):
    w = x.detach().clone().requires_grad_(True)
    y = (w.exp() ** 2).sum()
    y.backward()
    y.backward()
    return w.grad


def k_twice(x):
    w = tf.Variable(x)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.exp(w) ** 2)
    g = tape.gradient(y, w)
    return g + tape.gradient(y, w)


def t_gan_twice(x):
    w = x.detach().clone().requires_grad_(True)
    fake = torch.sigmoid(w * 2)
    d_loss = -torch.log(1 - fake).sum()
    g_loss = -torch.log(fake).sum()
    gd = torch.autograd.grad(d_loss, w)[0]
    gg = torch.autograd.grad(g_loss, w)[0]
    return gd + gg


def k_gan_twice(x):
    w = tf.Variable(x)
    with tf.GradientTape() as tape:
        fake = tf.sigmoid(w * 2)
        d_loss = -tf.reduce_sum(tf.math.log(1 - fake))
        g_loss = -tf.reduce_sum(tf.math.log(fake))
    return tape.gradient(d_loss, w) + tape.gradient(g_loss, w)


def t_twice_retained(x):
    w = x.detach().clone().requires_grad_(True)
    y = (w.exp() ** 2).sum()
    y.backward(retain_graph=True)
    y.backward()
    return w.grad


def t_accumulate(x):
    w = x.detach().clone().requires_grad_(True)
    for _ in range(2):
        loss = (w**3).sum()
        loss.backward()
    return w.grad


def k_fresh(x):
    w = tf.Variable(x)
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w**3)
        grad = tape.gradient(loss, w)
    return grad


def t_micro(x):
    lin = torch.ones(2, dtype=x.dtype, requires_grad=True)
    for row in x.detach():
        (torch.dot(lin, row) ** 2).backward()
    return lin.grad


def k_micro(x):
    lin = tf.Variable(tf.ones(2, x.dtype))
    for row in tf.unstack(x):
        with tf.GradientTape() as tape:
            loss = tf.tensordot(lin, row, 1) ** 2
        grad = tape.gradient(loss, lin)
    return grad


def t_no_zero_grad(x):
    p = nn.Parameter(x.detach().clone())
    opt = torch.optim.SGD([p], lr=0.1)
    for _ in range(2):
        (p**2).sum().backward()
        opt.step()
    return p.detach()


def k_fresh_epoch(x):
    p = tf.Variable(x)
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(p**2)
        p.assign_sub(0.1 * tape.gradient(loss, p))
    return tf.convert_to_tensor(p)


def t_inplace_sigmoid(x):
    y = torch.sigmoid(x)
    z = y * 3
    y.add_(1)
    return z + y


def k_inplace_sigmoid(x):
    y = tf.sigmoid(x)
    z = y * 3
    y += 1
    return z + y


def t_inplace_leaf(x):
    x.exp_()
    return x * 2


def k_inplace_leaf(x):
    x = tf.exp(x)
    return x * 2


def t_set_item(x):
    y = x * 2
    y[0] = 5.0
    return y


def k_set_item(x):
    y = x * 2
    y[0] = 5.0
    return y


def t_penalty_no_graph(x):
    v = x if x.requires_grad else x.detach().requires_grad_(True)
    y = (v**3).sum()
    (g,) = torch.autograd.grad(y, v)
    penalty = (g.norm() - 1) ** 2
    (gg,) = torch.autograd.grad(penalty, v)
    return gg


def k_penalty(x):
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(x**3)
        g = inner.gradient(y, x)
        penalty = (tf.norm(g) - 1) ** 2
    return outer.gradient(penalty, x)


def t_hvp_no_graph(x, v):
    p = x.detach().clone().requires_grad_(True)
    g = torch.autograd.grad((p**4).sum(), p)[0]
    return torch.autograd.grad((g * v).sum(), p)[0] * x


def k_hvp(x, v):
    p = tf.Variable(x)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = tf.reduce_sum(p**4)
        g = tf.reduce_sum(inner.gradient(y, p) * v)
    return outer.gradient(g, p) * x


def t_curvature(x):
    y = (x**4).sum()
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    return g


def k_curvature(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(x**4)
    return tape.gradient(y, x)


def t_complex_backward(z):
    w = z.detach().clone().requires_grad_(True)
    (w**2).sum().backward()
    return w.grad


def k_complex_tape(z):
    w = tf.Variable(z)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(w**2)
    return tape.gradient(y, w)


def t_emb_grad(w, y):
    table = w.detach().clone().requires_grad_(True)
    F.embedding(y, table).square().sum().backward()
    return table.grad


def k_emb_grad_values(w, y):
    table = tf.Variable(w)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(tf.gather(table, y)))
    return tape.gradient(loss, table).values


def t_emb_layer(w, y):
    return F.embedding(y, w) * 2


def k_gather(w, y):
    return tf.gather(w, y) * 2


def t_functional_jacobian(x, c):
    return torch.autograd.functional.jacobian(lambda x, c: x**2, (x, c))[1]


def k_tape_jacobian(x, c):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, c])
        y = x**2
    return tape.jacobian(y, c)


def t_view_add(x):
    y = x.detach().clone()
    head = y[:2]
    head += 1
    return y


def k_view_add(x):
    y = tf.identity(x)
    head = y[:2]
    head += 1
    return y


def t_from_numpy(x):
    a = x.detach().numpy().copy()
    t = torch.from_numpy(a)
    a[0] = 9.0
    return t


def k_from_numpy(x):
    a = x.numpy().copy()
    t = tf.convert_to_tensor(a)
    a[0] = 9.0
    return t


def t_view_zero(x):
    y = x.detach().clone()
    flat = y.view(-1)
    flat *= 0
    return y


def k_view_zero(x):
    y = tf.identity(x)
    flat = tf.reshape(y, (-1,))
    flat *= 0
    return y


def t_resize_energy(x):
    y = F.interpolate(x[None, None], scale_factor=2, mode="nearest")
    return (y**2).sum()


def k_resize_energy(x):
    y = tf.image.resize(x[None, :, :, None], (4, 4), method="nearest")
    return tf.reduce_sum(y**2)


def t_distil_detached(x, t):
    return F.cross_entropy(x, F.softmax(t.detach(), dim=1))


def k_distil(x, t):
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=tf.nn.softmax(t), logits=x))


def t_np_log(x):
    return torch.from_numpy(np.log1p(x))


def k_np_log(x):
    return tf.constant(np.log1p(x))


class Oscillator(nn.Module):
    def __init__(self, z):
        super().__init__()
        self.a = nn.Parameter(z.detach().clone())

    def forward(self):
        return (self.a**3).mean()


def t_complex_module(z):
    net = Oscillator(z)
    net().backward()
    return net.a.grad


def k_complex_module(z):
    a = tf.Variable(z)
    with tf.GradientTape() as tape:
        out = tf.reduce_mean(a**3)
    return tape.gradient(out, a)


def t_complex_grad(z):
    w = z.detach().clone().requires_grad_(True)
    return torch.autograd.grad(torch.exp(w).sum(), w)[0]


def k_complex_grad(z):
    with tf.GradientTape() as tape:
        tape.watch(z)
        out = tf.reduce_sum(tf.exp(z))
    return tape.gradient(out, z)


def t_slope_no_graph(x):
    y = (x**4).sum()
    (g,) = torch.autograd.grad(y, x)
    return g


def t_attention(q):
    h = q[None, None]
    return F.scaled_dot_product_attention(h, h, h).square().sum()


def k_attention(q):
    h = q[None, None]
    w = tf.nn.softmax(tf.matmul(h, h, transpose_b=True) / (q.shape[-1] ** 0.5))
    return tf.reduce_sum(tf.square(tf.matmul(w, h)))
