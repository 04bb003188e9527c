"""The value and the gradient of an expression of two (1024, 1024) matrices in both frameworks, in one plain process."""

import numpy as np
import tensorflow as tf
import torch

rng = np.random.RandomState(0)
a, b = rng.normal(0, 1, (1024, 1024)), rng.normal(0, 1, (1024, 1024))

x, w = (torch.tensor(array, dtype=torch.float32, requires_grad=True) for array in (a, b))
value = torch.mean(torch.tanh(torch.matmul(x, w)) ** 2)
value.backward()
again = torch.autograd.grad(torch.mean(torch.tanh(torch.matmul(x, w)) ** 2), [x, w])
print(value.item(), x.grad.sum().item(), w.grad.sum().item(), [gradient.sum().item() for gradient in again])

u, v = (tf.Variable(array, dtype=tf.float32) for array in (a, b))
with tf.GradientTape() as tape:
    result = tf.reduce_mean(tf.tanh(tf.matmul(u, v)) ** 2)
print(result.numpy(), [tf.reduce_sum(gradient).numpy() for gradient in tape.gradient(result, [u, v])])
