"""1,000 values and gradients in both frameworks, in one plain process: PyTorch's two ways and TensorFlow's one.

`tests.benchmarks.__main__` writes the same as scenarios. Another number may be given.
"""

import sys

import tensorflow as tf
import torch

COUNT = int(sys.argv[1]) if sys.argv[1:] else 1_000

for i in range(COUNT):
    x = torch.tensor([0.1 * i, 1.0, -0.5], dtype=torch.float32, requires_grad=True)
    value = torch.sum(torch.tanh((i + 1) * x) + x**2)
    value.backward()
    again = torch.sum(torch.tanh((i + 1) * x) + x**2)
    (gradient,) = torch.autograd.grad(again, x)
    print(value.item(), x.grad.tolist(), gradient.tolist())

for i in range(COUNT):
    v = tf.Variable([0.1 * i, 1.0, -0.5], dtype=tf.float32)
    with tf.GradientTape() as tape:
        result = tf.reduce_sum(tf.tanh((i + 1) * v) + v**2)
    print(result.numpy(), tape.gradient(result, v).numpy())
