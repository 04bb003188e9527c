"""What `tfpt grad 'tanh(x)' --at x=1` asks of the frameworks, written down plainly."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf
import torch

x = torch.tensor(1.0, requires_grad=True)
y = torch.tanh(x)
y.backward()
given = tf.constant(1.0)
with tf.GradientTape() as tape:
    tape.watch(given)
    result = tf.tanh(given)
print(keras.__version__, y.item(), x.grad, result, tape.gradient(result, given))
