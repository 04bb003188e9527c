# mypy: ignore-errors
# ruff: noqa
"""People's own losses and layers, as issue trackers and forums show them, in both frameworks."""

import math

import tensorflow as tf
import torch
import torch.nn.functional as F
from tensorflow import keras


# github caustics #83: a lens profile in two branches
def nfw_torch(x):
    inner = 2 / torch.sqrt(1 - x**2) * torch.atanh(torch.sqrt((1 - x) / (1 + x)))
    outer = 2 / torch.sqrt(x**2 - 1) * torch.atan(torch.sqrt((x - 1) / (x + 1)))
    return torch.where(x < 1, inner, outer)


def nfw_tf(x):
    inner = 2 / tf.sqrt(1 - x**2) * tf.atanh(tf.sqrt((1 - x) / (1 + x)))
    outer = 2 / tf.sqrt(x**2 - 1) * tf.atan(tf.sqrt((x - 1) / (x + 1)))
    return tf.where(x < 1, inner, outer)


# tensorflow #30199: a positive that is the anchor itself
def triplet_torch(anchor, positive, negative):
    d_pos = (anchor - positive).norm(dim=1)
    d_neg = (anchor - negative).norm(dim=1)
    return F.relu(d_pos - d_neg + 0.4).mean()


def triplet_tf(anchor, positive, negative):
    d_pos = tf.sqrt(tf.reduce_sum(tf.square(anchor - positive), axis=1))
    d_neg = tf.sqrt(tf.reduce_sum(tf.square(anchor - negative), axis=1))
    return tf.reduce_mean(tf.nn.relu(d_pos - d_neg + 0.4))


# facenet #547: squared distances, so no root and no trouble
def facenet_torch(anchor, positive, negative):
    pos = (anchor - positive).pow(2).sum(1)
    neg = (anchor - negative).pow(2).sum(1)
    return torch.clamp(pos - neg + 0.2, min=0.0).mean()


def facenet_tf(anchor, positive, negative):
    pos = tf.reduce_sum(tf.square(tf.subtract(anchor, positive)), 1)
    neg = tf.reduce_sum(tf.square(tf.subtract(anchor, negative)), 1)
    return tf.reduce_mean(tf.maximum(pos - neg + 0.2, 0.0), 0)


# pytorch-metric-learning #107: the mean over the triplets that are not zero, when there are none
def nonzero_mean_torch(d_pos, d_neg):
    loss = F.relu(d_pos - d_neg + 0.1)
    return loss.sum() / (loss > 0).sum()


def nonzero_mean_tf(d_pos, d_neg):
    loss = tf.nn.relu(d_pos - d_neg + 0.1)
    count = tf.reduce_sum(tf.cast(loss > 0, tf.float32))
    return tf.reduce_sum(loss) / count


def nonzero_mean_safe_tf(d_pos, d_neg):
    loss = tf.nn.relu(d_pos - d_neg + 0.1)
    count = tf.reduce_sum(tf.cast(loss > 0, tf.float32))
    return tf.math.divide_no_nan(tf.reduce_sum(loss), count)


# LDAM-DRW #17: focal loss from the cross entropy, gamma below one
def focal_ce_torch(logits, labels):
    ce = F.cross_entropy(logits, labels.long(), reduction="none")
    p = torch.exp(-ce)
    return ((1 - p) ** 0.5 * ce).mean()


def focal_ce_tf(logits, labels):
    ce = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.cast(labels, tf.int32), logits=logits)
    p = tf.exp(-ce)
    return tf.reduce_mean((1 - p) ** 0.5 * ce)


# focal-loss-keras #5 and #17
class BinaryFocalTorch:
    def __init__(self, gamma=2.0, alpha=0.25):
        self.gamma, self.alpha = gamma, alpha

    def __call__(self, y_pred, y_true):
        bce = F.binary_cross_entropy(y_pred, y_true, reduction="none")
        p_t = y_pred * y_true + (1 - y_pred) * (1 - y_true)
        a_t = self.alpha * y_true + (1 - self.alpha) * (1 - y_true)
        return (a_t * (1 - p_t) ** self.gamma * bce).sum()


def binary_focal_torch(y_pred, y_true):
    return BinaryFocalTorch()(y_pred, y_true)


def binary_focal_tf(y_pred, y_true):
    eps = keras.backend.epsilon()
    y_pred = tf.clip_by_value(y_pred, eps, 1.0 - eps)
    pt_1 = tf.where(tf.equal(y_true, 1), y_pred, tf.ones_like(y_pred))
    pt_0 = tf.where(tf.equal(y_true, 0), y_pred, tf.zeros_like(y_pred))
    return -tf.reduce_sum(0.25 * tf.pow(1.0 - pt_1, 2.0) * tf.math.log(pt_1)) - tf.reduce_sum(
        0.75 * tf.pow(pt_0, 2.0) * tf.math.log(1.0 - pt_0)
    )


# stackoverflow 72195156 / discuss 113863: dice
def dice_flat_torch(pred, target):
    smooth = 1.0
    iflat, tflat = pred.reshape(-1), target.reshape(-1)
    inter = (iflat * tflat).sum()
    return 1 - (2.0 * inter + smooth) / (iflat.sum() + tflat.sum() + smooth)


def dice_flat_tf(pred, target):
    smooth = 1.0
    pred, target = tf.reshape(pred, [-1]), tf.reshape(target, [-1])
    inter = tf.reduce_sum(pred * target)
    return 1 - (2.0 * inter + smooth) / (tf.reduce_sum(pred) + tf.reduce_sum(target) + smooth)


def dice_rows_tf(pred, target):
    smooth = 1.0
    inter = tf.reduce_sum(tf.abs(target * pred), axis=-1)
    coef = (2.0 * inter + smooth) / (tf.reduce_sum(pred, -1) + tf.reduce_sum(target, -1) + smooth)
    return tf.reduce_mean(1 - coef)


def dice_square_tf(pred, target):
    smooth = 1.0
    inter = tf.reduce_sum(target * pred)
    return 1 - (2.0 * inter + smooth) / (tf.reduce_sum(tf.square(target)) + tf.reduce_sum(tf.square(pred)) + smooth)


def generalised_dice_torch(pred, target):
    w = 1 / target.sum(dim=0) ** 2
    w = torch.where(torch.isinf(w), torch.zeros_like(w), w)
    inter = (w * (pred * target).sum(dim=0)).sum()
    total = (w * (pred + target).sum(dim=0)).sum()
    return 1 - 2 * inter / (total + 1e-6)


def generalised_dice_tf(pred, target):
    w = 1 / tf.reduce_sum(target, axis=0) ** 2
    w = tf.where(tf.math.is_inf(w), tf.zeros_like(w), w)
    inter = tf.reduce_sum(w * tf.reduce_sum(pred * target, axis=0))
    total = tf.reduce_sum(w * tf.reduce_sum(pred + target, axis=0))
    return 1 - 2 * inter / (total + 1e-6)


# pytorch #10604, tensorflow #26278
def up_corners_torch(x):
    return F.interpolate(x, size=(4, 4), mode="bilinear", align_corners=True).permute(0, 2, 3, 1)


def up_plain_torch(x):
    return F.interpolate(x, size=(4, 4), mode="bilinear", align_corners=False).permute(0, 2, 3, 1)


def up_tf(x):
    return tf.image.resize(tf.transpose(x, [0, 2, 3, 1]), (4, 4), method=tf.image.ResizeMethod.BILINEAR)


def down_torch(x):
    return F.interpolate(x, size=(2, 2), mode="bilinear", align_corners=False).permute(0, 2, 3, 1)


def down_antialias_tf(x):
    return tf.image.resize(tf.transpose(x, [0, 2, 3, 1]), (2, 2), method="bilinear", antialias=True)


# pytorch #52241, #127608
def ctc_normalised_torch(log_probs):
    log_probs = log_probs.log_softmax(-1)
    return F.ctc_loss(log_probs, torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2]), reduction="sum")


def ctc_raw_torch(logits):
    return F.ctc_loss(logits, torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2]), reduction="sum")


def ctc_mean_torch(logits):
    return F.ctc_loss(logits.log_softmax(-1), torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2]))


def ctc_tf(logits):
    return tf.reduce_sum(
        tf.nn.ctc_loss(tf.constant([[1, 2]]), logits, tf.constant([2]), tf.constant([4]), blank_index=0)
    )


# pytorch #22617: what GroupNorm should be, by hand
def group_norm_by_hand_torch(x):
    return (x - torch.mean(x)) / torch.sqrt(torch.var(x) + 1e-5)


def group_norm_by_hand_tf(x):
    mean, var = tf.nn.moments(x, axes=[0, 1, 2])
    return (x - mean) / tf.sqrt(var + 1e-5)


def group_norm_layer_torch(x):
    return F.group_norm(x, 2, eps=1e-3).permute(0, 2, 3, 1)


def group_norm_layer_tf(x):
    return keras.layers.GroupNormalization(groups=2)(tf.transpose(x, [0, 2, 3, 1]))


# keras-io #910, caogang wgan-gp #27
def penalty_norm_torch(grads):
    n = grads.reshape(grads.size(0), -1).norm(2, dim=1)
    return ((n - 1) ** 2).mean()


def penalty_sqrt_torch(grads):
    n = (grads.reshape(grads.size(0), -1) ** 2).sum(dim=1).sqrt()
    return ((n - 1.0) ** 2).mean()


def penalty_dim1_torch(grads):
    return ((grads.norm(2, dim=1) - 1) ** 2).mean() * 10


def penalty_tf(grads):
    norm = tf.sqrt(tf.reduce_sum(tf.square(grads), axis=[1, 2, 3]))
    return tf.reduce_mean((norm - 1.0) ** 2)


def penalty10_tf(grads):
    return 10 * penalty_tf(grads)


def wgan_gp_torch(x, w):
    x = x.detach().requires_grad_(True)
    score = torch.tanh(x @ w).sum()
    (g,) = torch.autograd.grad(score, x, create_graph=True)
    return ((g.norm(2, dim=1) - 1) ** 2).mean()


def wgan_gp_tf(x, w):
    x = tf.identity(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = tf.reduce_sum(tf.tanh(x @ w))
    g = tape.gradient(score, x)
    return tf.reduce_mean((tf.norm(g, axis=1) - 1) ** 2)


# pytorch-msssim #7, #2: one scale of an MS-SSIM
def ssim_power_torch(x, y):
    mx, my = x.mean(), y.mean()
    vx, vy = ((x - mx) ** 2).mean(), ((y - my) ** 2).mean()
    cov = ((x - mx) * (y - my)).mean()
    c1, c2 = 0.01**2, 0.03**2
    ssim = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return ssim**0.2856


def ssim_power_tf(x, y):
    mx, my = tf.reduce_mean(x), tf.reduce_mean(y)
    vx, vy = tf.reduce_mean((x - mx) ** 2), tf.reduce_mean((y - my) ** 2)
    cov = tf.reduce_mean((x - mx) * (y - my))
    c1, c2 = 0.01**2, 0.03**2
    ssim = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return ssim**0.2856


def ssim_power_relu_tf(x, y):
    mx, my = tf.reduce_mean(x), tf.reduce_mean(y)
    vx, vy = tf.reduce_mean((x - mx) ** 2), tf.reduce_mean((y - my) ** 2)
    cov = tf.reduce_mean((x - mx) * (y - my))
    c1, c2 = 0.01**2, 0.03**2
    ssim = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return tf.nn.relu(ssim) ** 0.2856


# pytorch-msssim style window statistics with torch.var (unbiased) on the one side
def ssim_var_torch(x, y):
    c1, c2 = 1e-4, 9e-4
    cov = ((x - x.mean()) * (y - y.mean())).mean()
    return (
        (2 * x.mean() * y.mean() + c1)
        * (2 * cov + c2)
        / ((x.mean() ** 2 + y.mean() ** 2 + c1) * (x.var() + y.var() + c2))
    )


def ssim_var_tf(x, y):
    c1, c2 = 1e-4, 9e-4
    mx, my = tf.reduce_mean(x), tf.reduce_mean(y)
    cov = tf.reduce_mean((x - mx) * (y - my))
    return (
        (2 * mx * my + c1)
        * (2 * cov + c2)
        / ((mx**2 + my**2 + c1) * (tf.math.reduce_variance(x) + tf.math.reduce_variance(y) + c2))
    )


# stackoverflow 60079783: running statistics after one batch
def bn_running_torch(x):
    bn = torch.nn.BatchNorm1d(2)
    bn(x)
    return bn.running_mean


def bn_running_tf(x):
    bn = keras.layers.BatchNormalization()
    bn(x, training=True)
    return tf.convert_to_tensor(bn.moving_mean)


# discuss 51877: batch norm by hand
def bn_by_hand_torch(x):
    ex = x.mean(dim=0, keepdim=True)
    std = torch.sqrt(x.var(dim=0, keepdim=True))
    return (x - ex) / std + 1e-5


def bn_by_hand_tf(x):
    mean, var = tf.nn.moments(x, axes=[0])
    return tf.nn.batch_normalization(x, mean, var, None, None, 1e-5)


def bn_layer_torch(x):
    return F.batch_norm(x, None, None, training=True)


# discuss 6630, devhide 64031287, stackoverflow 75163496: GRU cells with given weights
def gru_cell_torch(x, h, w_ih, w_hh):
    zero = torch.zeros(w_ih.shape[0])
    return torch.gru_cell(x, h, w_ih, w_hh, zero, zero)


def gru_reset_before_tf(x, h, w_ih, w_hh):
    xr, xz, xn = tf.split(x @ tf.transpose(w_ih), 3, axis=1)
    wr, wz, wn = tf.split(w_hh, 3, axis=0)
    r = tf.sigmoid(xr + h @ tf.transpose(wr))
    z = tf.sigmoid(xz + h @ tf.transpose(wz))
    n = tf.tanh(xn + (r * h) @ tf.transpose(wn))
    return (1 - z) * n + z * h


def gru_reset_after_tf(x, h, w_ih, w_hh):
    xr, xz, xn = tf.split(x @ tf.transpose(w_ih), 3, axis=1)
    hr, hz, hn = tf.split(h @ tf.transpose(w_hh), 3, axis=1)
    r, z = tf.sigmoid(xr + hr), tf.sigmoid(xz + hz)
    n = tf.tanh(xn + r * hn)
    return (1 - z) * n + z * h


def gru_wiki_tf(x, h, w_ih, w_hh):
    xr, xz, xn = tf.split(x @ tf.transpose(w_ih), 3, axis=1)
    hr, hz, hn = tf.split(h @ tf.transpose(w_hh), 3, axis=1)
    r, z = tf.sigmoid(xr + hr), tf.sigmoid(xz + hz)
    n = tf.tanh(xn + r * hn)
    return (1 - z) * h + z * n


def gru_keras_tf(x, h, w_ih, w_hh):
    cell = keras.layers.GRUCell(w_hh.shape[1], use_bias=False)
    cell.build(x.shape)
    cell.set_weights([tf.transpose(w_ih).numpy(), tf.transpose(w_hh).numpy()])
    return cell(x, [h])[0]


# discuss 146907: TF1's fused LSTM adds one to the forget gate
def lstm_cell_torch(x, h, c, w_ih, w_hh):
    zero = torch.zeros(w_ih.shape[0])
    return torch.lstm_cell(x, (h, c), w_ih, w_hh, zero, zero)[0]


def lstm_forget_one_tf(x, h, c, w_ih, w_hh):
    i, f, g, o = tf.split(x @ tf.transpose(w_ih) + h @ tf.transpose(w_hh), 4, axis=1)
    c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c)


# tensorflow #61117, #44556, #62555, #119430, #12514
def transmittance_torch(alpha):
    t = torch.cumprod(1 - alpha, dim=-1)
    t = torch.cat([torch.ones(1), t[:-1]])
    return (alpha * t).sum() + t[-1]


def transmittance_tf(alpha):
    t = tf.math.cumprod(1 - alpha, axis=-1, exclusive=True)
    return tf.reduce_sum(alpha * t) + t[-1]


def complex_prod_torch(x):
    z = torch.complex(torch.stack([x, x]), torch.stack([2 * x, 3 * x]))
    return torch.prod(z).real


def complex_prod_tf(x):
    z = tf.complex(tf.stack([x, x]), tf.stack([2 * x, 3 * x]))
    return tf.math.real(tf.reduce_prod(z))


# tensorflow #6095: an arc tangent of two arguments, by hand
def atan2_by_hand_tf(y, x):
    eps = 1.0e-12
    x = tf.where(tf.equal(x, 0.0), x + eps, x)
    y = tf.where(tf.equal(y, 0.0), y + eps, y)
    angle = tf.where(tf.greater(x, 0.0), tf.atan(y / x), tf.zeros_like(x))
    angle = tf.where(tf.logical_and(tf.less(x, 0.0), tf.greater_equal(y, 0.0)), tf.atan(y / x) + math.pi, angle)
    return tf.where(tf.logical_and(tf.less(x, 0.0), tf.less(y, 0.0)), tf.atan(y / x) - math.pi, angle)


# tensorflow #2295: clamp, then gamma
def gamma_torch(y):
    y = torch.minimum(torch.maximum(y, torch.tensor(0.0)), torch.tensor(1.0))
    return y ** (1.0 / 2.4)


def gamma_tf(y):
    y = tf.minimum(tf.maximum(y, 0.0), 1.0)
    return tf.pow(y, 1.0 / 2.4)


# pytorch #49886: SVD and back
def svd_back_torch(y):
    u, s, v = torch.svd(y)
    return u @ torch.diag_embed(s) @ v


def svd_back_tf(y):
    s, u, v = tf.linalg.svd(y)
    return u @ tf.linalg.diag(s) @ v


# pytorch #4320: the minibatch deviation of a GAN
def minibatch_std_torch(x):
    return x.std(dim=0, unbiased=False).mean()


def minibatch_std_tf(x):
    return tf.reduce_mean(tf.math.reduce_std(x, axis=0))


def minibatch_std_eps_torch(x):
    y = x - x.mean(dim=0, keepdim=True)
    return torch.sqrt(y.square().mean(dim=0) + 1e-8).mean()


def minibatch_std_eps_tf(x):
    y = x - tf.reduce_mean(x, axis=0, keepdims=True)
    return tf.reduce_mean(tf.sqrt(tf.reduce_mean(tf.square(y), axis=0) + 1e-8))


# tensorflow #56796
def cosine_logits_torch(x, w):
    return F.normalize(x, dim=1) @ F.normalize(w, dim=1).t()


def cosine_logits_tf(x, w):
    return tf.matmul(tf.nn.l2_normalize(x, 1), tf.nn.l2_normalize(w, 1), transpose_b=True)


# tensorflow #32373, TensorFlowASR #39, pytorch #100177
def magnitude_torch(x):
    return torch.stft(x, 8, hop_length=4, window=torch.hann_window(8), return_complex=True).abs().T


def magnitude_matched_torch(x):
    return torch.stft(x, 8, hop_length=4, window=torch.hann_window(8), center=False, return_complex=True).abs().T


def magnitude_tf(x):
    return tf.abs(tf.signal.stft(x, frame_length=8, frame_step=4))


def short_window_torch(x):
    s = torch.stft(x, 8, 4, 4, torch.hann_window(4), center=False, return_complex=True)
    return s.abs().T


def short_window_tf(x):
    return tf.abs(tf.signal.stft(x, 4, 4, fft_length=8))[:3]


# discuss 61598: the old Keras hard sigmoid, written by hand
def hard_sigmoid_torch(x):
    x = (0.2 * x) + 0.5
    x = F.threshold(-x, -1, -1)
    x = F.threshold(-x, 0, 0)
    return x


# keras #16363, david-macleod DCGAN
def conv_s2_torch(x, w):
    return F.conv2d(x, w, stride=2, padding=1).permute(0, 2, 3, 1)


def conv_s2_tf(x, w):
    x = tf.transpose(x, [0, 2, 3, 1])
    w = tf.transpose(w, [2, 3, 1, 0])
    return tf.nn.conv2d(x, w, strides=[1, 2, 2, 1], padding="SAME")


def conv_s2_padded_tf(x, w):
    x = tf.pad(tf.transpose(x, [0, 2, 3, 1]), [[0, 0], [1, 1], [1, 1], [0, 0]])
    return tf.nn.conv2d(x, tf.transpose(w, [2, 3, 1, 0]), [1, 2, 2, 1], padding="VALID")


# pytorch #2421 as a Laplace kernel; tensorflow #118674
def safe_distance_torch(a, b):
    d_sq = ((a - b) ** 2).sum(-1)
    return torch.where(d_sq > 0, torch.sqrt(d_sq), torch.zeros_like(d_sq)).sum()


def safe_distance_tf(a, b):
    d_sq = tf.reduce_sum((a - b) ** 2, axis=-1)
    return tf.reduce_sum(tf.where(d_sq > 0, tf.sqrt(d_sq), 0.0))


# sentence-transformers #549: the mean square of a cosine
def cosine_mse_torch(u, v, label):
    return F.mse_loss(F.cosine_similarity(u, v), label)


def cosine_mse_tf(u, v, label):
    cos = keras.losses.cosine_similarity(u, v)
    return tf.reduce_mean(tf.square(cos - label))


# discuss 166206: from scores to a divergence
def kl_scores_torch(student, teacher):
    return F.kl_div(F.log_softmax(student, dim=-1), F.softmax(teacher, dim=-1), reduction="batchmean")


def kl_scores_mean_torch(student, teacher):
    return torch.nn.KLDivLoss()(F.log_softmax(student, dim=-1), F.softmax(teacher, dim=-1))


def kl_log_target_torch(student, teacher):
    return F.kl_div(F.log_softmax(student, dim=1), F.softmax(teacher, dim=1), reduction="batchmean", log_target=True)


def kl_scores_tf(student, teacher):
    return keras.losses.KLDivergence()(tf.nn.softmax(teacher), tf.nn.softmax(student))


# tensorflow #53291, subpixel #15
def unshuffle_torch(x):
    return F.pixel_unshuffle(x, 2).permute(0, 2, 3, 1)


def unshuffle_tf(x):
    return tf.nn.space_to_depth(tf.transpose(x, [0, 2, 3, 1]), 2)


def subpixel_torch(x):
    return torch.nn.PixelShuffle(2)(x).permute(0, 2, 3, 1)


def subpixel_tf(x):
    return tf.nn.depth_to_space(tf.transpose(x, [0, 2, 3, 1]), 2)


# tensorflow #45579, tf-encrypted #75, onnxruntime #16203
def blur_torch(x):
    return F.avg_pool2d(x, 3, stride=1, padding=1).permute(0, 2, 3, 1)


def blur_tf(x):
    return tf.nn.avg_pool2d(tf.transpose(x, [0, 2, 3, 1]), (3, 3), (1, 1), "SAME")


def ceil_pool_torch(x):
    return torch.nn.AvgPool1d(2, stride=2, ceil_mode=True)(x).transpose(1, 2)


def ceil_pool_tf(x):
    return keras.layers.AveragePooling1D(2, strides=2, padding="same")(tf.transpose(x, [0, 2, 1]))


# a Gaussian likelihood with a full covariance (ferminet #5 and others)
def gauss_nll_torch(x, cov):
    return 0.5 * (x @ torch.linalg.inv(cov) @ x + torch.logdet(cov))


def gauss_nll_tf(x, cov):
    quad = tf.tensordot(x, tf.linalg.matvec(tf.linalg.inv(cov), x), 1)
    return 0.5 * (quad + tf.linalg.slogdet(cov)[1])


# tensorflow #51681: the maximum over time
def over_time_torch(x):
    return x.max(dim=1)[0].sum()


def over_time_tf(x):
    return tf.reduce_sum(tf.reduce_max(x, axis=1))


# hinge
def hinge_torch(score, y):
    return torch.clamp(1 - y * score, min=0).mean()


def hinge_tf(score, y):
    return keras.losses.Hinge()(y, score)


# BERT-pytorch #30
class AnnotatedLayerNorm(torch.nn.Module):
    def __init__(self, features, eps=1e-6):
        super().__init__()
        self.a_2 = torch.ones(features)
        self.b_2 = torch.zeros(features)
        self.eps = eps

    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        std = x.std(-1, keepdim=True)
        return self.a_2 * (x - mean) / (std + self.eps) + self.b_2


def annotated_norm_torch(x):
    return AnnotatedLayerNorm(4)(x)


def annotated_norm_tf(x):
    return keras.layers.LayerNormalization(epsilon=1e-6)(x)


# keras #16507: a layer norm of pictures
def norm_chw_torch(x):
    return F.layer_norm(x, x.shape[1:], eps=1e-6).permute(0, 2, 3, 1)


def norm_chw_tf(x):
    return keras.layers.LayerNormalization(epsilon=1e-6)(tf.transpose(x, [0, 2, 3, 1]))


def norm_channels_torch(x):
    return F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), eps=1e-6)


# discuss 106684, tensorflow #10989
def cubic_torch(x):
    return F.interpolate(x, size=(5, 5), mode="bicubic", align_corners=False).permute(0, 2, 3, 1)


def cubic_tf(x):
    return tf.image.resize(tf.transpose(x, [0, 2, 3, 1]), [5, 5], method="bicubic")


def shrink_torch(x):
    return F.interpolate(x, size=[2, 2], mode="bilinear", align_corners=False).permute(0, 2, 3, 1)


def shrink_tf(x):
    return tf.image.resize(tf.transpose(x, [0, 2, 3, 1]), [2, 2])


def nearest_torch(x):
    return F.interpolate(x, size=(5, 3), mode="nearest").permute(0, 2, 3, 1)


def nearest_tf(x):
    return tf.image.resize(tf.transpose(x, [0, 2, 3, 1]), [5, 3], method="nearest")


# pytorch #23796, tensorflow #58412: one step by hand
def rms_step_torch(p, g, v):
    v = 0.9 * v + 0.1 * g**2
    return p - 0.01 * g / (v.sqrt() + 1e-2)


def rms_step_tf(p, g, v):
    v = 0.9 * v + 0.1 * tf.square(g)
    return p - 0.01 * g / tf.sqrt(v + 1e-2)


# the first step of Adam on a small gradient
def adam_step_torch(p, g):
    m, v = 0.1 * g, 0.001 * g * g
    m_hat, v_hat = m / (1 - 0.9), v / (1 - 0.999)
    return p - 0.001 * m_hat / (v_hat.sqrt() + 1e-7)


def adam_step_tf(p, g):
    m, v = 0.1 * g, 0.001 * tf.square(g)
    alpha = 0.001 * math.sqrt(1 - 0.999) / (1 - 0.9)
    return p - alpha * m / (tf.sqrt(v) + 1e-7)


# cvnn #12
def angle_loss_torch(pred, true):
    d = torch.angle(torch.complex(true, 0 * true)) - torch.angle(torch.complex(pred, 0 * pred))
    return (d**2).mean()


def angle_loss_tf(pred, true):
    d = tf.math.angle(tf.complex(true, 0 * true)) - tf.math.angle(tf.complex(pred, 0 * pred))
    return tf.reduce_mean(tf.square(d))


# baselines #1086, trl #7252, numpyro #1696
def categorical_entropy_torch(logits):
    logp = F.log_softmax(logits, dim=-1)
    return -(torch.exp(logp) * logp).sum(-1)


def categorical_entropy_tf(logits):
    a0 = logits - tf.reduce_max(logits, axis=-1, keepdims=True)
    ea0 = tf.exp(a0)
    z0 = tf.reduce_sum(ea0, axis=-1, keepdims=True)
    p0 = ea0 / z0
    return tf.reduce_sum(p0 * (tf.math.log(z0) - a0), axis=-1)


def entropy_nan_to_num_torch(logits):
    logp = F.log_softmax(logits, dim=-1)
    return -(torch.exp(logp) * logp).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0).sum(-1)


def entropy_where_tf(logits):
    logp = tf.nn.log_softmax(logits, axis=-1)
    h = tf.exp(logp) * logp
    return -tf.reduce_sum(tf.where(tf.math.is_finite(h), h, tf.zeros_like(h)), -1)


def bernoulli_entropy_torch(p):
    return -torch.xlogy(p, p) - torch.special.xlog1py(1 - p, -p)


def bernoulli_entropy_tf(p):
    return -tf.math.xlogy(p, p) - tf.math.xlog1py(1 - p, -p)


# quantisers: keras #5521, tf-tutorials #56
def quantise_torch(x):
    return torch.round(x * 4) / 4


def quantise_tf(x):
    return tf.round(x * 4) / 4


def straight_through_torch(x):
    return x + (torch.floor(x) - x).detach()


def straight_through_tf(x):
    return x + tf.stop_gradient(x // 1 - x)


# masks: pytorch #24816, Kyubyong #80, transformers #12109, vit-pytorch #26
def masked_attention_torch(scores, keep):
    attn = scores.masked_fill(keep == 0, float("-inf"))
    return F.softmax(attn, dim=-1)


def masked_attention_tf(scores, keep):
    padding = tf.ones_like(scores) * (-(2**32) + 1)
    return tf.nn.softmax(tf.where(tf.equal(keep, 0), padding, scores))


def masked_add_tf(scores, keep):
    return tf.nn.softmax(scores + (1.0 - keep) * -10000.0)


def masked_multiply_tf(scores, keep):
    return tf.nn.softmax(scores * keep)


def sdpa_torch(q, k, v):
    mask = torch.tensor([[True, True], [False, False]])
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def sdpa_tf(q, k, v):
    s = tf.matmul(q, k, transpose_b=True) / tf.sqrt(tf.cast(tf.shape(k)[-1], tf.float32))
    s += -1e9 * tf.constant([[0.0, 0.0], [1.0, 1.0]])
    return tf.matmul(tf.nn.softmax(s, axis=-1), v)


# smooth l1: keras-cv #920, pytorch #48595, diffusers #7488
def smooth_l1_keras_cv_tf(y_pred, y_true, cut=0.5):
    diff = y_true - y_pred
    abs_d = tf.abs(diff)
    loss = tf.where(abs_d < cut, 0.5 * diff**2, abs_d - 0.5)
    return tf.reduce_mean(loss)


def pseudo_huber_torch(x, y):
    return (2 * 0.3 * (torch.sqrt((x - y) ** 2 + 0.3**2) - 0.3)).mean()


def pseudo_huber_tf(x, y):
    return tf.reduce_mean(2 * 0.3 * (tf.sqrt((x - y) ** 2 + 0.3**2) - 0.3))


# discuss 73623, 78256
def weighted_ce_torch(logits, labels):
    return torch.nn.CrossEntropyLoss(weight=torch.tensor([0.4, 0.36, 2.0]))(logits, labels)


def weighted_ce_tf(logits, labels):
    w = tf.gather(tf.constant([0.4, 0.36, 2.0]), labels)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits, sample_weight=w)


# snntorch #433: a surrogate slope by hand
def surrogate_torch(u):
    return 25 * torch.exp(-25 * u) / ((torch.exp(-25 * u) + 1) ** 2)


def surrogate_tf(u):
    s = tf.sigmoid(25 * u)
    return 25 * s * (1 - s)


# tensorflow #6365: angles that wrap
def wrapped_torch(a, b):
    d = torch.remainder(a - b + math.pi, 2 * math.pi) - math.pi
    return (d**2).mean()


def wrapped_fmod_torch(a, b):
    d = torch.fmod(a - b + math.pi, 2 * math.pi) - math.pi
    return (d**2).mean()


def wrapped_tf(a, b):
    d = tf.math.floormod(a - b + math.pi, 2 * math.pi) - math.pi
    return tf.reduce_mean(d**2)


# learning-notes #18
def patches_torch(x):
    return F.unfold(x, kernel_size=2, stride=2).transpose(1, 2)


def patches_tf(x):
    p = tf.image.extract_patches(
        tf.transpose(x, [0, 2, 3, 1]), sizes=[1, 2, 2, 1], strides=[1, 2, 2, 1], rates=[1, 1, 1, 1], padding="VALID"
    )
    return tf.reshape(p, [p.shape[0], -1, p.shape[-1]])


# pytorch #653, caffe-tensorflow #173
def lrn_torch(x):
    return F.local_response_norm(x, 5, alpha=0.5, beta=0.75, k=1.0).permute(0, 2, 3, 1)


def lrn_tf(x):
    return tf.nn.local_response_normalization(tf.transpose(x, [0, 2, 3, 1]), 2, 1.0, 0.5, 0.75)


def lrn_fifth_tf(x):
    return tf.nn.local_response_normalization(tf.transpose(x, [0, 2, 3, 1]), 2, 1.0, 0.1, 0.75)


# pytorch2keras #7, keras #22876, tensorflow #50168
def deconv_torch(x, w):
    return F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1).permute(0, 2, 3, 1)


def deconv_k4_torch(x, w):
    return F.conv_transpose2d(x, w, stride=2, padding=1).permute(0, 2, 3, 1)


def deconv_tf(x, w):
    x = tf.transpose(x, [0, 2, 3, 1])
    shape = [x.shape[0], 2 * x.shape[1], 2 * x.shape[2], w.shape[1]]
    return tf.nn.conv2d_transpose(x, tf.transpose(w, [2, 3, 1, 0]), shape, strides=2, padding="SAME")


# pytorch #18825, #22807
def inverse_by_cholesky_torch(a):
    li = torch.inverse(torch.linalg.cholesky(a)).T
    return torch.trace(li @ li.T)


def inverse_by_cholesky_tf(a):
    li = tf.transpose(tf.linalg.inv(tf.linalg.cholesky(a)))
    return tf.linalg.trace(li @ tf.transpose(li))


def logdet_by_eigh_torch(a):
    w, _ = torch.linalg.eigh(a)
    return w.log().sum()


def logdet_by_eigh_tf(a):
    w, _ = tf.linalg.eigh(a)
    return tf.reduce_sum(tf.math.log(w))


def logdet_by_cholesky_torch(a):
    return 2 * torch.linalg.cholesky(a).diagonal().log().sum()


def logdet_by_cholesky_tf(a):
    return 2 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(tf.linalg.cholesky(a))))


# tensorflow pull request 108479
def short_rfft_torch(x):
    return torch.abs(torch.fft.rfft(x, n=5)).sum()


def short_rfft_tf(x):
    return tf.reduce_sum(tf.abs(tf.signal.rfft(x, fft_length=[5])))


def power_spectrum_torch(x):
    return torch.fft.rfft(x).abs() ** 2 / x.shape[-1]


def power_spectrum_tf(x):
    return tf.abs(tf.signal.rfft(x)) ** 2 / x.shape[-1]


# nanoGPT #2, tinygrad #526
def new_gelu_torch(x):
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


def quick_gelu_torch(x):
    return x * torch.sigmoid(1.702 * x)


# tensorflow #56961, pytorch #146299, tensorflow #8102, #2358
def write_rows_torch(x, index, src):
    return x.scatter(0, index, src)


def write_rows_tf(x, index, src):
    return tf.tensor_scatter_nd_update(x, index[:, None], src)


def into_zeros_torch(index, src):
    return torch.zeros(5).scatter(0, index, src)


def into_zeros_tf(index, src):
    return tf.scatter_nd(index[:, None], src, tf.constant([5], dtype=index.dtype))


def pool_by_node_torch(x, node):
    return torch.zeros(3, x.shape[1]).index_add(0, node, x)


def pool_by_node_tf(x, node):
    return tf.math.unsorted_segment_sum(x, node, num_segments=3)


# voca #19: a condition beyond the table
def condition_torch(w, who):
    return F.one_hot(who, 3).float() @ w


def condition_tf(w, who):
    return tf.one_hot(who, 3) @ w


# openillumi: the last step of a recurrent layer
def _lstm(bidirectional):
    lstm = torch.nn.LSTM(2, 1, batch_first=True, bidirectional=bidirectional)
    with torch.no_grad():
        for k, p in enumerate(lstm.parameters()):
            p.copy_(torch.linspace(-0.6 + 0.1 * (k % 4), 0.8, p.numel()).reshape(p.shape))
    return lstm


def last_step_torch(x):
    out, _ = _lstm(False)(x)
    return out[:, -1, :]


def last_step_both_ways_torch(x):
    out, _ = _lstm(True)(x)
    return out[:, -1, :]


def last_states_torch(x):
    _, (h_n, _) = _lstm(True)(x)
    return torch.cat([h_n[-2], h_n[-1]], dim=-1)


def _keras_weights(params):
    w_ih, w_hh, b_ih, b_hh = (p.detach().numpy() for p in params)
    return [w_ih.T, w_hh.T, b_ih + b_hh]


def last_step_tf(x):
    layer = keras.layers.LSTM(1)
    layer.build(x.shape)
    layer.set_weights(_keras_weights(list(_lstm(False).parameters())))
    return layer(x)


def last_step_both_ways_tf(x):
    layer = keras.layers.Bidirectional(keras.layers.LSTM(1))
    layer.build(x.shape)
    params = list(_lstm(True).parameters())
    layer.set_weights(_keras_weights(params[:4]) + _keras_weights(params[4:]))
    return layer(x)


# pytorch #37154, rul-adapt #22
def contrastive_torch(x, same):
    d = torch.cdist(x, x)
    return (same * d**2 + (1 - same) * F.relu(1.0 - d) ** 2).mean()


def contrastive_tf(x, same):
    d = tf.norm(x[:, None] - x[None], axis=-1)
    return tf.reduce_mean(same * d**2 + (1 - same) * tf.nn.relu(1.0 - d) ** 2)


def pairwise_eps_torch(x):
    d = (x[:, None] - x[None]).pow(2).sum(-1)
    return torch.sqrt(d + 1e-8).mean()


def pairwise_eps_tf(x):
    d = tf.reduce_sum((x[:, None] - x[None]) ** 2, -1)
    return tf.reduce_mean(tf.sqrt(d + 1e-8))


def spread_torch(x):
    return torch.cdist(x, x).sum()


def spread_tf(x):
    return tf.reduce_sum(tf.norm(x[:, None] - x[None], axis=-1))


# pytorch #46240, plenoptic #154, pytorch-msssim #19
def reflect_torch(x):
    return torch.nn.ReflectionPad2d(1)(x)


def replicate_torch(x):
    return F.pad(x, (1, 1, 1, 1), mode="replicate")


def replicate2_torch(x):
    return F.pad(x, (2, 2, 2, 2), mode="replicate")


def reflect_tf(x):
    return tf.pad(x, [[0, 0], [0, 0], [1, 1], [1, 1]], "REFLECT")


def symmetric_tf(x):
    return tf.pad(x, [[0, 0], [0, 0], [1, 1], [1, 1]], "SYMMETRIC")


def symmetric2_tf(x):
    return tf.pad(x, [[0, 0], [0, 0], [2, 2], [2, 2]], "SYMMETRIC")


# kornia #4007
def quaternion_log_torch(q):
    w, v = q[..., :1], q[..., 1:]
    norm = torch.norm(v, p=2, dim=-1, keepdim=True).clamp(min=1e-8)
    return v * torch.acos(torch.clamp(w, min=-1.0, max=1.0)) / norm


def quaternion_log_tf(q):
    w, v = q[..., :1], q[..., 1:]
    norm = tf.maximum(tf.norm(v, axis=-1, keepdims=True), 1e-8)
    return v * tf.acos(tf.clip_by_value(w, -1.0, 1.0)) / norm


# tensorflow #22048, headCT_foundation #3, keras #13575, tensorflow #21363
def clip_one_torch(g):
    coef = 1e-6 / (g.norm(2) + 1e-6)
    return g * torch.clamp(coef, max=1.0)


def clip_one_tf(g):
    return tf.clip_by_norm(g, 1e-6)


def clip_unit_torch(g):
    return g * torch.clamp(1.0 / (g.norm(2) + 1e-6), max=1.0)


def clip_unit_tf(g):
    return tf.clip_by_norm(g, 1.0)


def clip_all_torch(a, b):
    total = torch.norm(torch.stack([a.norm(), b.norm()]))
    coef = torch.clamp(1.0 / (total + 1e-6), max=1.0)
    return torch.cat([a * coef, b * coef])


def clip_each_tf(a, b):
    return tf.concat([tf.clip_by_norm(a, 1.0), tf.clip_by_norm(b, 1.0)], 0)


def clip_all_tf(a, b):
    clipped, _ = tf.clip_by_global_norm([a, b], 1.0)
    return tf.concat(clipped, 0)
