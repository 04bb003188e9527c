# mypy: ignore-errors
# ruff: noqa
"""Ports as people write them: name_t in PyTorch, name_k in TensorFlow or Keras."""

import keras
import numpy as np
import tensorflow as tf
import torch
import torch.nn.functional as F
from torch import nn


# ---- operators, dtypes, numerics
def rows_t(x):
    mean = x.mean(dim=-1, keepdim=True)
    return (x - mean) / (x.std(dim=-1, keepdim=True) + 1e-5)


def rows_k(x):
    mean = keras.ops.mean(x, axis=-1, keepdims=True)
    return (x - mean) / (keras.ops.std(x, axis=-1, keepdims=True) + 1e-5)


def med_t(x):
    return x - x.median(dim=1, keepdim=True).values


def med_k(x):
    return x - keras.ops.median(x, axis=1, keepdims=True)


def acc_t(p, y):
    correct = (p == y).sum()
    return correct / len(y)


def acc_k(p, y):
    correct = tf.reduce_sum(tf.cast(p == y, tf.int32))
    return correct / len(y)


def accmean_t(p, y):
    hit = (p == y).to(torch.int32)
    return hit.mean()


def accmean_k(p, y):
    hit = tf.cast(p == y, tf.int32)
    return tf.reduce_mean(hit)


def bright_t(i):
    total = i.sum()
    return total


def bright_k(i):
    total = tf.reduce_sum(i)
    return total


def posw_t(x):
    position = torch.arange(x.shape[0]) + 1
    return x * position


def posw_k(x):
    position = tf.range(tf.shape(x)[0]) + 1
    return x * position


def ramp_t(x):
    ramp = np.linspace(0.0, 1.0, 3)
    return x + torch.from_numpy(ramp)


def ramp_k(x):
    ramp = np.linspace(0.0, 1.0, 3)
    return x + ramp


MEAN = np.array([0.3, 0.7])
STD = np.array([1.1, 0.9])


def scaler_t(x):
    return (x - torch.as_tensor(MEAN)) / torch.as_tensor(STD)


def scaler_k(x):
    return (x - MEAN) / STD


def cw_t(x):
    weight = torch.tensor(np.array([0.2, 0.5, 1.3]))
    return (weight * x).sum()


def cw_k(x):
    weight = np.array([0.2, 0.5, 1.3])
    return tf.reduce_sum(tf.multiply(x, weight))


def pos_t(x):
    return torch.arange(x.shape[1]).unsqueeze(0)


def pos_k(x):
    return tf.range(tf.shape(x)[1])[None]


def pred_t(x):
    return torch.softmax(x, dim=-1).argmax()


def pred_k(x):
    return tf.argmax(tf.nn.softmax(x))


def logarg_t(p):
    return torch.log(p).argmax(dim=1)


def logarg_k(p):
    return tf.argmax(tf.math.log(p), axis=1)


def top_t(x):
    return x.topk(2).values.mean()


def top_k(x):
    return tf.reduce_mean(tf.math.top_k(x, k=2).values)


def signsgd_t(w, g):
    return w - 0.1 * torch.sign(g)


def signsgd_k(w, g):
    return w - 0.1 * tf.sign(g)


def clipband_t(x):
    low, high = x.mean() + 1, x.mean() - 1
    return torch.clamp(x, low, high)


def clipband_k(x):
    low, high = tf.reduce_mean(x) + 1, tf.reduce_mean(x) - 1
    return tf.clip_by_value(x, low, high)


def qval_t(q, a):
    return q.gather(1, a.unsqueeze(1)).squeeze(1)


def qval_k(q, a):
    return tf.gather(q, a, axis=1)


def rowsel_t(x, i):
    return torch.index_select(x, 0, i) + 1


def rowsel_k(x, i):
    return tf.gather(x, i) + 1


def emb_t(f):
    table = nn.Embedding.from_pretrained(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    return table(f)


def emb_k(f):
    table = keras.layers.Embedding(2, 2)
    table.build()
    table.set_weights([np.array([[1.0, 2.0], [3.0, 4.0]])])
    return table(f)


def enc_t(y):
    return F.one_hot(y, num_classes=5)


def enc_k(y):
    return tf.one_hot(y, 5)


def vocab_t(t):
    _, index = torch.unique(t, return_inverse=True)
    return index


def vocab_k(t):
    _, index = tf.unique(t, out_idx=tf.int64)
    return index


def walk_t(x):
    return x.cumsum(dim=1)


def walk_k(x):
    return keras.ops.cumsum(x)


def hits_t(p, y):
    return (p == y).float().sum()


def hits_k(p, y):
    return tf.reduce_sum(tf.cast(p == y, tf.float32))


def heads_t(x):
    first = torch.split(x, 2, dim=-1)[0]
    return first**2


def heads_k(x):
    first = tf.split(x, 2, axis=-1)[0]
    return first**2


def beam_t(x):
    return x.repeat(3, 1)


def beam_k(x):
    return tf.repeat(x, 3, axis=0)


def bt_t(x):
    return x.transpose(0, 1)


def bt_k(x):
    return tf.transpose(x)


def coord_t(x):
    rows, columns = torch.meshgrid(x, x)
    return torch.stack([rows, columns], dim=-1)


def coord_k(x):
    rows, columns = tf.meshgrid(x, x)
    return tf.stack([rows, columns], axis=-1)


def specn_t(w):
    sigma = torch.linalg.matrix_norm(w, ord=2)
    return w / sigma


def specn_k(w):
    sigma = tf.norm(w, ord=2)
    return w / sigma


def rank1_t(x):
    u, s, v = torch.linalg.svd(x)
    return u[:, :1] * s[:1] @ v[:1]


def rank1_k(x):
    s, u, v = tf.linalg.svd(x)
    return u[:, :1] * s[:1] @ v[:1]


def pca_t(x):
    centred = x - x.mean(dim=0)
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    return centred @ vectors


def pca_k(x):
    centred = x - tf.reduce_mean(x, axis=0)
    _, vectors = tf.linalg.eigh(tf.transpose(centred) @ centred)
    return centred @ vectors


def mvn_t(c, z):
    return torch.linalg.cholesky(c) @ z


def mvn_k(c, z):
    return tf.linalg.cholesky(c) @ z


def reg_t(x, y):
    design = torch.stack([torch.ones_like(x), x, 2 * x], dim=1)
    return torch.linalg.lstsq(design, y[:, None]).solution


def reg_k(x, y):
    design = tf.stack([tf.ones_like(x), x, 2 * x], axis=1)
    return tf.linalg.lstsq(design, y[:, None])


def gp_t(k, y):
    factor = torch.linalg.cholesky(k)
    return torch.cholesky_solve(y, factor)


def gp_k(k, y):
    factor = tf.linalg.cholesky(k)
    return tf.linalg.cholesky_solve(y, factor)


def hist_t(x):
    return torch.histc(x.flatten(), bins=5, min=0.0, max=5.0).to(torch.int32)


def hist_k(x):
    return tf.histogram_fixed_width(tf.reshape(x, [-1]), [0.0, 5.0], nbins=5)


def age_t(x):
    return torch.bucketize(x, torch.tensor([18.0, 40.0, 65.0]))


def age_k(x):
    group = keras.layers.Discretization(bin_boundaries=[18.0, 40.0, 65.0])(x)
    return tf.cast(group, tf.int64)


def simi_t(x):
    unit = F.normalize(x)
    return unit @ unit.T


def simi_k(x):
    unit = tf.math.l2_normalize(x)
    return unit @ tf.transpose(unit)


def spec_t(x):
    return torch.stft(x, n_fft=8, hop_length=4, return_complex=True).abs()


def spec_k(x):
    return tf.abs(tf.signal.stft(x, frame_length=8, frame_step=4))


def mse_t(x, y):
    return ((x - y) ** 2).mean()


def mse_k(x, y):
    return tf.reduce_mean((x - y) ** 2)


def cliph_t(g):
    norm = g.norm()
    return g * torch.clamp(1.0 / norm, max=1.0)


def cliph_k(g):
    norm = tf.norm(g)
    return g * tf.minimum(1.0 / norm, 1.0)


def lik_t(p):
    return p[0] * p[1] * p[2]


def lik_k(p):
    return p[0] * p[1] * p[2]


def img_t(x):
    return (x * 255 + 0.5).to(torch.uint8)


def img_k(x):
    return tf.cast(x * 255 + 0.5, tf.uint8)


def avg_t(s, n):
    return s // n


def avg_k(s, n):
    return s // n


def noise_t(x):
    torch.manual_seed(7)
    return x + torch.rand(x.shape)


def noise_k(x):
    tf.random.set_seed(7)
    return x + tf.random.uniform(tf.shape(x))


def draw_t(x):
    generator = torch.Generator().manual_seed(42)
    return x * torch.randn(2, generator=generator)


def draw_k(x):
    return x * keras.random.normal((2,), seed=42)


def shuf_t(x):
    torch.manual_seed(1)
    return x[torch.randperm(x.shape[0])]


def shuf_k(x):
    tf.random.set_seed(1)
    return tf.random.shuffle(x)


def multi_t(p):
    torch.manual_seed(0)
    return torch.multinomial(p, 4000, replacement=True).float().mean()


def multi_k(p):
    tf.random.set_seed(0)
    return tf.reduce_mean(tf.cast(tf.random.categorical(p[None], 4000), tf.float32))


def multi2_t(p):
    torch.manual_seed(0)
    return torch.multinomial(p, num_samples=4000, replacement=True).float().mean()


def multi2_k(p):
    drawn = keras.random.categorical(p[None], num_samples=4000, seed=0)
    return tf.reduce_mean(tf.cast(drawn, tf.float32))


def multi3_t(p):
    torch.manual_seed(3)
    drawn = torch.multinomial(p, 2000, replacement=True)
    return torch.bincount(drawn, minlength=4).float()


def multi3_k(p):
    tf.random.set_seed(3)
    drawn = tf.random.categorical(tf.expand_dims(p, 0), 2000)[0]
    return tf.cast(tf.math.bincount(tf.cast(drawn, tf.int32), minlength=4), tf.float32)


def neuron_t(w, x):
    return torch.sigmoid(w @ x)


def neuron_k(w, x):
    return tf.sigmoid(w @ x)


def pick_t(x):
    order = [2, 0]
    return x[order]


def pick_k(x):
    order = [2, 0]
    return x[order]


def best_t(x):
    kept = x[x > 0.5]
    return kept.max()


def best_k(x):
    kept = x[x > 0.5]
    return tf.reduce_max(kept)


def ave_t(x):
    return x.sum() / x.size()[0]


def ave_k(x):
    return tf.reduce_sum(x) / tf.cast(tf.size(x), x.dtype)


# ---- believed different, and equal
def e_gate_t(x, w):
    return nn.Hardswish()(x) * nn.Hardsigmoid()(w)


def e_gate_k(x, w):
    return keras.activations.hard_swish(x) * keras.activations.hard_sigmoid(w)


def e_ffn_t(x, w):
    return nn.GELU()(x @ w).sum()


def e_ffn_k(x, w):
    return tf.reduce_sum(keras.layers.Activation("gelu")(x @ w))


def e_up_t(x):
    return nn.Upsample(scale_factor=2, mode="bilinear")(x)


def e_up_k(x):
    y = tf.transpose(x, (0, 2, 3, 1))
    y = keras.layers.UpSampling2D(2, interpolation="bilinear")(y)
    return tf.transpose(y, (0, 3, 1, 2))


def e_kinks_t(x):
    return F.relu(x) + 0.2 * F.relu6(x) + F.leaky_relu(x, 0.1) - x.abs()


def e_kinks_k(x):
    return tf.nn.relu(x) + 0.2 * tf.nn.relu6(x) + tf.nn.leaky_relu(x, 0.1) - tf.abs(x)


def e_entropy_t(p):
    return -(p * torch.log(p)).sum()


def e_entropy_k(p):
    return -tf.reduce_sum(p * tf.math.log(p))


def e_geo_t(x):
    return torch.prod(x, dim=-1) + torch.topk(x, 2).values.sum(-1)


def e_geo_k(x):
    return tf.reduce_prod(x, axis=-1) + tf.reduce_sum(tf.math.top_k(x, 2).values, axis=-1)


def e_wrap_t(i):
    return torch.remainder(i - 30, 12) + 100 * ((i - 30) // 12)


def e_wrap_k(i):
    return tf.math.floormod(i - 30, 12) + 100 * ((i - 30) // 12)


def e_quant_t(x):
    return torch.round(x / 0.5) * 0.5


def e_quant_k(x):
    return tf.round(x / 0.5) * 0.5


def _torch_steps(make, w, gradients):
    p = nn.Parameter(w.detach().clone())
    opt = make([p])
    for g in gradients:
        p.grad = g.detach().clone()
        opt.step()
    return p.detach()


def _keras_steps(opt, w, gradients):
    v = keras.Variable(w)
    for g in gradients:
        opt.apply([g], [v])
    return tf.convert_to_tensor(v)


def e_sgd_t(w, g):
    return _torch_steps(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True), w, [g, -0.5 * g, g])


def e_sgd_k(w, g):
    return _keras_steps(keras.optimizers.SGD(0.1, momentum=0.8, nesterov=True), w, [g, -0.5 * g, g])


def e_adadelta_t(w, g):
    return _torch_steps(lambda p: torch.optim.Adadelta(p, lr=0.5, rho=0.9, eps=1e-6), w, [g, 2 * g])


def e_adadelta_k(w, g):
    return _keras_steps(keras.optimizers.Adadelta(0.5, rho=0.9, epsilon=1e-6), w, [g, 2 * g])


def e_adagrad_t(w, g):
    return _torch_steps(lambda p: torch.optim.Adagrad(p, lr=0.3, initial_accumulator_value=0.1), w, [g, 2 * g])


def e_adagrad_k(w, g):
    return _keras_steps(keras.optimizers.Adagrad(0.3), w, [g, 2 * g])


def e_same_t(x, w):
    return F.conv2d(x, w, padding="same")


def e_same_k(x, w):
    x = tf.transpose(x, (0, 2, 3, 1))
    y = tf.nn.conv2d(x, tf.transpose(w, (2, 3, 1, 0)), strides=1, padding="SAME")
    return tf.transpose(y, (0, 3, 1, 2))


def e_bce_t(x, y):
    return nn.BCEWithLogitsLoss()(x, y) + nn.HuberLoss(delta=2.0)(x, y)


def e_bce_k(x, y):
    bce = keras.losses.BinaryCrossentropy(from_logits=True)(y, x)
    return bce + keras.losses.Huber(delta=2.0)(y, x)


def e_act_t(x):
    return nn.Mish()(x) + nn.SELU()(x) * nn.Softsign()(x) - nn.LogSigmoid()(x)


def e_act_k(x):
    a = keras.activations
    return a.mish(x) + a.selu(x) * a.softsign(x) - a.log_sigmoid(x)


def e_cplx_t(z):
    spectrum = torch.fft.fft(z)
    return (spectrum.abs() ** 2).mean() + z.real.sum()


def e_cplx_k(z):
    spectrum = tf.signal.fft(z)
    return tf.reduce_mean(tf.abs(spectrum) ** 2) + tf.reduce_sum(tf.math.real(z))


def e_chan_t(x, w):
    return F.conv2d(x, w, stride=2, groups=2).relu()


def e_chan_k(x, w):
    kernel = tf.transpose(w, (2, 3, 1, 0))
    return keras.ops.relu(keras.ops.conv(x, kernel, strides=2, data_format="channels_first"))


def e_drop_t(x):
    torch.manual_seed(0)
    return (F.dropout(x, p=0.4, training=True) == 0).float().mean()


def e_drop_k(x):
    tf.random.set_seed(0)
    return tf.reduce_mean(tf.cast(tf.nn.dropout(x, rate=0.4) == 0, tf.float32))


def e_dropmax_t(x):
    return nn.Dropout(0.2)(x).max()


def e_dropmax_k(x):
    return tf.reduce_max(keras.layers.Dropout(0.2)(x, training=True))


def e_dropall_t(x):
    return F.dropout(x, 0.0) + nn.Dropout(p=0.7).eval()(x)


def e_dropall_k(x):
    return tf.nn.dropout(x, 0.0) + keras.layers.Dropout(rate=0.7)(x, training=False)


def e_causal_t(q, k):
    return F.scaled_dot_product_attention(q, k, k, attn_mask=None, dropout_p=0.0, is_causal=True)


def e_causal_k(q, k):
    q, k = (tf.transpose(a, (0, 2, 1, 3)) for a in (q, k))
    return tf.transpose(keras.ops.dot_product_attention(q, k, k, is_causal=True), (0, 2, 1, 3))


def e_fan_t(x):
    w = torch.empty(16, 32, 3, 3)
    torch.manual_seed(0)
    nn.init.xavier_uniform_(w)
    return x * w.abs().max()


def e_fan_k(x):
    w = keras.initializers.GlorotUniform(seed=0)((3, 3, 32, 16))
    return x * tf.reduce_max(tf.abs(w))


def e_fanhe_t(x):
    layer = nn.ConvTranspose2d(24, 40, 3)
    torch.manual_seed(0)
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    return x * layer.weight.detach().abs().max()


def e_fanhe_k(x):
    layer = keras.layers.Conv2DTranspose(40, 3, kernel_initializer=keras.initializers.HeUniform(seed=0))
    layer.build((None, 8, 8, 24))
    return x * tf.reduce_max(tf.abs(layer.kernel))


def e_fanx_t(x):
    layer = nn.ConvTranspose1d(30, 20, 5)
    torch.manual_seed(0)
    nn.init.xavier_uniform_(layer.weight)
    return x + layer.weight.detach().abs().max()


def e_fanx_k(x):
    layer = keras.layers.Conv1DTranspose(20, 5, kernel_initializer="glorot_uniform")
    layer.build((None, 9, 30))
    return x + tf.reduce_max(tf.abs(layer.kernel))


# ---- optimisers, clipping, schedules
def _opt(torch_class, keras_class, torch_options, keras_options, scale=(1.0, -0.5, 2.0)):
    def torch_side(w, g):
        return _torch_steps(lambda p: torch_class(p, **torch_options), w, [s * g for s in scale])

    def keras_side(w, g):
        return _keras_steps(keras_class(**keras_options), w, [s * g for s in scale])

    return torch_side, keras_side


TO, KO = torch.optim, keras.optimizers
adam_t, adam_k = _opt(TO.Adam, KO.Adam, {"lr": 0.1, "eps": 1e-3}, {"learning_rate": 0.1, "epsilon": 1e-3})
adameps_t, adameps_k = _opt(TO.Adam, KO.Adam, {"lr": 0.1}, {"learning_rate": 0.1})
adamw_t, adamw_k = _opt(TO.AdamW, KO.AdamW, {"lr": 0.1}, {"learning_rate": 0.1})
adamwd_t, adamwd_k = _opt(
    TO.Adam, KO.Adam, {"lr": 0.1, "weight_decay": 0.2}, {"learning_rate": 0.1, "weight_decay": 0.2}
)
sgdwd_t, sgdwd_k = _opt(
    TO.SGD,
    KO.SGD,
    {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.3},
    {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.3},
)
sgdlr_t, sgdlr_k = _opt(TO.SGD, KO.SGD, {}, {})
damp_t, damp_k = _opt(
    TO.SGD, KO.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}, {"learning_rate": 0.1, "momentum": 0.9}
)
rms_t, rms_k = _opt(TO.RMSprop, KO.RMSprop, {"lr": 0.01}, {"learning_rate": 0.01})
rmseps_t, rmseps_k = _opt(
    TO.RMSprop,
    KO.RMSprop,
    {"lr": 0.01, "alpha": 0.9, "eps": 1e-3},
    {"learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-3},
)
ada_t, ada_k = _opt(TO.Adagrad, KO.Adagrad, {"lr": 0.3}, {"learning_rate": 0.3})
adaeps_t, adaeps_k = _opt(
    TO.Adagrad,
    KO.Adagrad,
    {"lr": 0.3, "eps": 1e-2},
    {"learning_rate": 0.3, "initial_accumulator_value": 0.0, "epsilon": 1e-2},
)
delta_t, delta_k = _opt(TO.Adadelta, KO.Adadelta, {}, {})
admax_t, admax_k = _opt(TO.Adamax, KO.Adamax, {}, {})
nadam_t, nadam_k = _opt(TO.NAdam, KO.Nadam, {"lr": 0.1, "eps": 1e-7}, {"learning_rate": 0.1})


def momlr_t(w, g):
    p = nn.Parameter(w.detach().clone())
    opt = torch.optim.SGD([p], lr=0.5, momentum=0.9)
    for lr in (0.5, 0.5, 0.05, 0.05):
        opt.param_groups[0]["lr"] = lr
        p.grad = g.clone()
        opt.step()
    return p.detach()


def momlr_k(w, g):
    v = keras.Variable(w)
    opt = keras.optimizers.SGD(0.5, momentum=0.9)
    for lr in (0.5, 0.5, 0.05, 0.05):
        opt.learning_rate = lr
        opt.apply([g], [v])
    return tf.convert_to_tensor(v)


def clip2_t(a, b):
    p, q = nn.Parameter(torch.zeros_like(a)), nn.Parameter(torch.zeros_like(b))
    p.grad, q.grad = a.detach().clone(), b.detach().clone()
    torch.nn.utils.clip_grad_norm_([p, q], 1.0)
    return torch.cat([p.grad, q.grad])


def clipvar_k(a, b):
    p, q = keras.Variable(tf.zeros_like(a)), keras.Variable(tf.zeros_like(b))
    keras.optimizers.SGD(1.0, clipnorm=1.0).apply([a, b], [p, q])
    return -tf.concat([p.value, q.value], 0)


def clipby_k(a, b):
    return tf.concat([tf.clip_by_norm(a, 1.0), tf.clip_by_norm(b, 1.0)], 0)


def clipglobal_k(a, b):
    clipped, _ = tf.clip_by_global_norm([a, b], 1.0)
    return tf.concat(clipped, 0)


def cliptiny_t(g):
    p = nn.Parameter(torch.zeros_like(g))
    p.grad = g.detach().clone()
    nn.utils.clip_grad_norm_([p], max_norm=1e-7)
    return p.grad


def cliptiny_k(g):
    return tf.clip_by_global_norm([g], 1e-7)[0][0]


def embclip_t(w):
    table = nn.Parameter(w.detach().clone())
    F.embedding(torch.tensor([0, 0, 1]), table).sum().backward()
    return nn.utils.clip_grad_norm_([table], 1.0)


def embclip_k(w):
    table = tf.Variable(w)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.nn.embedding_lookup(table, [0, 0, 1]))
    return tf.linalg.global_norm([tape.gradient(loss, table)])


def embclip2_t(w):
    table = nn.Parameter(w.detach().clone())
    (F.embedding(torch.tensor([1, 1, 1]), table) * 2).sum().backward()
    return table.grad.norm()


def embclip2_k(w):
    table = tf.Variable(w)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.gather(table, [1, 1, 1]) * 2)
    return tf.clip_by_global_norm([tape.gradient(loss, table)], 1.0)[1]


def embclip3_t(w):
    layer = nn.Embedding.from_pretrained(w.detach().clone(), freeze=False)
    (layer(torch.tensor([[0, 2], [2, 2]])) ** 2).sum().backward()
    return nn.utils.clip_grad_norm_(layer.parameters(), 5.0)


def embclip3_k(w):
    table = tf.Variable(w)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.nn.embedding_lookup(table, [[0, 2], [2, 2]]) ** 2)
    return tf.linalg.global_norm(tape.gradient(loss, [table]))


def l2_t(w):
    return _torch_steps(lambda p: torch.optim.SGD(p, lr=1.0, weight_decay=0.1), w, [torch.zeros_like(w)])


def l2_k(w):
    v = tf.Variable(w)
    with tf.GradientTape() as tape:
        loss = keras.regularizers.L2(0.1)(v)
    return w - tape.gradient(loss, v)


def accum_t(w, g):
    p = nn.Parameter(w.detach().clone())
    opt = torch.optim.SGD([p], lr=1.0)
    (p * g).sum().backward()
    (p * 3 * g).sum().backward()
    opt.step()
    return p.detach()


def accum_k(w, g):
    return _keras_steps(keras.optimizers.SGD(1.0, gradient_accumulation_steps=2), w, [g, 3 * g])


def none_t(w):
    p = nn.Parameter(w.detach().clone())
    torch.optim.SGD([p], lr=0.1).step()
    return p.detach()


def none_k(w):
    v = keras.Variable(w)
    keras.optimizers.SGD(0.1).apply_gradients([(None, v)])
    return tf.convert_to_tensor(v)


def _schedule_t(make, steps, lr=0.2):
    opt = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    schedule, rates = make(opt), []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        opt.step()
        schedule.step()
    return torch.tensor(rates)


def multistep_t(x):
    return x * _schedule_t(lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [1, 3], gamma=0.1), 5)


def multistep_k(x):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1, 3], [0.2, 0.02, 0.002])
    return x * tf.stack([schedule(step) for step in range(5)])


def steplr_t(x):
    return x * _schedule_t(lambda o: torch.optim.lr_scheduler.StepLR(o, 3, gamma=0.5), 5)


def steplr_k(x):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.2, decay_steps=3, decay_rate=0.5)
    return x * tf.stack([schedule(step) for step in range(5)])


def cosine_t(x):
    return x * _schedule_t(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=3), 6)


def cosine_k(x):
    schedule = keras.optimizers.schedules.CosineDecay(0.2, decay_steps=3)
    return x * tf.stack([schedule(step) for step in range(6)])


def poly_t(x):
    return x * _schedule_t(lambda o: torch.optim.lr_scheduler.PolynomialLR(o, total_iters=4), 6, lr=0.01)


def poly_k(x):
    schedule = keras.optimizers.schedules.PolynomialDecay(0.01, decay_steps=4)
    return x * tf.stack([schedule(step) for step in range(6)])


def lr64_t(w, g):
    return _torch_steps(lambda p: torch.optim.SGD(p, lr=0.1), w, [g])


def lr64_k(w, g):
    return _keras_steps(keras.optimizers.SGD(0.1), w, [g])


def sparse_t(w):
    p = nn.Parameter(w.detach().clone())
    opt = torch.optim.SparseAdam([p], lr=0.1)
    for index in ([0, 1], [1]):
        opt.zero_grad()
        F.embedding(torch.tensor(index), p, sparse=True).sum().backward()
        opt.step()
    return p.detach()


def sparse_k(w):
    v = keras.Variable(w)
    opt = keras.optimizers.Adam(0.1)
    for index in ([0, 1], [1]):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(v.value, index))
        opt.apply([tape.gradient(loss, v.value)], [v])
    return tf.convert_to_tensor(v)


def plateau_t(x):
    opt = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=2)
    rates = []
    for loss in x.tolist():
        schedule.step(loss)
        rates.append(opt.param_groups[0]["lr"])
    return torch.tensor(rates)


def plateau_k(x):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1.0))
    callback = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=2)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, loss in enumerate(np.asarray(x)):
        callback.on_epoch_end(epoch, {"loss": float(loss)})
        rates.append(float(model.optimizer.learning_rate))
    return tf.constant(rates)


nest_t, nest_k = _opt(
    TO.SGD,
    KO.SGD,
    {"lr": 0.2, "momentum": 0.5, "weight_decay": 0.1, "nesterov": True},
    {"learning_rate": 0.2, "momentum": 0.5, "weight_decay": 0.1, "nesterov": True},
)
delta1_t, delta1_k = _opt(TO.Adadelta, KO.Adadelta, {"lr": 1.0}, {"learning_rate": 1.0})
admax1_t, admax1_k = _opt(TO.Adamax, KO.Adamax, {"lr": 0.05}, {"learning_rate": 0.05})


def sparse3_t(w):
    p = nn.Parameter(w.detach().clone())
    opt = torch.optim.SparseAdam([p], lr=0.2, eps=1e-7)
    for index in ([0, 1, 2], [2], [2]):
        opt.zero_grad()
        (3 * F.embedding(torch.tensor(index), p, sparse=True)).sum().backward()
        opt.step()
    return p.detach()


def sparse3_k(w):
    v = tf.Variable(w)
    opt = keras.optimizers.Adam(0.2)
    for index in ([0, 1, 2], [2], [2]):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(3 * tf.nn.embedding_lookup(v, index))
        opt.apply_gradients([(tape.gradient(loss, v), v)])
    return tf.convert_to_tensor(v)


def sparsel_t(w):
    layer = nn.Embedding.from_pretrained(w.detach().clone(), freeze=False, sparse=True)
    opt = torch.optim.SparseAdam(list(layer.parameters()), lr=0.1)
    for index in (torch.tensor([0, 1]), torch.tensor([0])):
        opt.zero_grad()
        (layer(index) ** 2).sum().backward()
        opt.step()
    return layer.weight.detach()


def sparsel_k(w):
    layer = keras.layers.Embedding(2, 2)
    layer.build()
    layer.embeddings.assign(w)
    opt = keras.optimizers.Adam(0.1)
    for index in (tf.constant([0, 1]), tf.constant([0])):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(index) ** 2)
        gradients = tape.gradient(loss, layer.trainable_variables)
        opt.apply_gradients(zip(gradients, layer.trainable_variables, strict=True))
    return tf.convert_to_tensor(layer.embeddings)


def none2_t(w):
    used, unused = nn.Parameter(torch.ones(1)), nn.Parameter(w.detach().clone())
    opt = torch.optim.Adam([unused], lr=0.1)
    used.sum().backward()
    opt.step()
    return unused.detach()


def none2_k(w):
    used, unused = tf.Variable([1.0]), tf.Variable(w)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(used)
    gradients = tape.gradient(loss, [unused])
    keras.optimizers.Adam(0.1).apply_gradients(zip(gradients, [unused], strict=True))
    return tf.convert_to_tensor(unused)


def none3_t(w, x):
    p = nn.Parameter(w.detach().clone())
    opt = torch.optim.SGD([p], lr=1.0)
    scale = nn.Parameter(torch.ones(()))
    (scale * (p.detach() * x).sum()).backward()
    opt.step()
    return p.detach()


def none3_k(w, x):
    v = tf.Variable(w)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.stop_gradient(v) * x)
    keras.optimizers.SGD(1.0).apply_gradients([(tape.gradient(loss, v), v)])
    return tf.convert_to_tensor(v)


def plateau1_t(x):
    opt = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.8)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, mode="min", factor=0.1, patience=1)
    rates = []
    for loss in x.tolist():
        schedule.step(loss)
        rates.append(schedule.get_last_lr()[0])
    return torch.tensor(rates)


def plateau1_k(x):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.8))
    callback = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.1, patience=1)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, loss in enumerate(np.asarray(x)):
        callback.on_epoch_end(epoch, {"val_loss": float(loss)})
        rates.append(float(model.optimizer.learning_rate))
    return tf.constant(rates)


def lr64m_t(w, g):
    return _torch_steps(lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9), w, [g, g, g])


def lr64m_k(w, g):
    return _keras_steps(keras.optimizers.SGD(0.3, momentum=0.9), w, [g, g, g])
