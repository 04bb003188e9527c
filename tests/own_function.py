# mypy: ignore-errors
"""A person's own functions, for `test_own_function.py`: PyTorch's begin with `torch_`, TensorFlow's with `keras_`."""

from __future__ import annotations

import contextlib
import random

with contextlib.suppress(ImportError):  # each process has one of them
    import torch
with contextlib.suppress(ImportError):
    import tensorflow as tf

random.seed(0)  # a file that does more than bind names is not read through the rows


def torch_penalty(x):
    gradient = torch.autograd.grad((x**2).sum(), x, create_graph=True)[0]
    return (gradient.norm() - 1) ** 2


def keras_penalty(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(x**2)
    return (tf.norm(tape.gradient(total, x)) - 1) ** 2


def torch_root(x):
    return torch.where(x > 0, torch.sqrt(x), torch.zeros_like(x))


def keras_root(x):
    return tf.where(x > 0, tf.sqrt(x), tf.zeros_like(x))


def torch_sine(x):
    return torch.sin(x)


def keras_sine(x):
    return tf.sin(x)


def keras_other_sine(x):
    return tf.sin(2 * x)


def keras_narrow_sine(x):
    return tf.sin(tf.cast(x, tf.float32))


def keras_random(x):
    return x * random.random()


def torch_held(x):
    return x * x.detach()


def keras_held(x):
    return x * tf.stop_gradient(x)


def keras_wrong(x):
    @tf.custom_gradient
    def sine(x):
        return tf.sin(x), lambda upstream: upstream * tf.sin(x)

    return sine(x)


def torch_halves(x):
    return x.sum(dim=1) * 0.5 + 1


def keras_single_constants(x):
    return tf.cast(tf.reduce_sum(x, axis=1), tf.float32) * tf.constant(0.5) + tf.ones(2)


def keras_through_half(x):
    return tf.cast(tf.cast(x, tf.float16), tf.float32)


def torch_log_determinant(x):
    return 2 * torch.linalg.cholesky(x).diagonal().log().sum()


def keras_log_determinant(x):
    return 2 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(tf.linalg.cholesky(x))))


def torch_steps(x):
    return x / (x.abs() + torch.finfo(x.dtype).eps)


def torch_filled(x):
    layer = torch.nn.Linear(2, 1)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.full(p.shape, 0.5))
    return layer(x)


def torch_filled_by_input(x):
    layer = torch.nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(x[None])
    return layer(x)


def torch_slope_of_weights(x, w):
    w = w.detach().requires_grad_(True)
    slope = torch.autograd.grad(torch.tanh(w @ x).sum(), w, create_graph=True)[0]
    return (slope**2).sum()


def keras_slope_of_weights(x, w):
    with tf.GradientTape() as tape:
        tape.watch(w)
        score = tf.reduce_sum(tf.tanh(tf.linalg.matvec(w, x)))
    return tf.reduce_sum(tape.gradient(score, w) ** 2)


def torch_singular(x):
    left, values, right = torch.linalg.svd(x)
    return left @ torch.diag(values) @ right.T  # not right: no other sign of the vectors gives the same


def keras_singular(x):
    values, left, right = tf.linalg.svd(x)
    return left @ tf.linalg.diag(values) @ right


def torch_singular_values(x):
    return torch.linalg.svd(x)[1] * 2


def keras_singular_values(x):
    @tf.custom_gradient
    def same(x):
        return x, lambda upstream: -upstream

    return tf.linalg.svd(same(x))[0] * 2
