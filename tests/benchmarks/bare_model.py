"""What `tfpt check` of the two networks asks of the frameworks, written down plainly: the same weights, forward and backward.

`python bare_model.py float64` computes in double precision, in which tfpt judges; without an argument it does so in single.
"""

import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parents[2]))

import keras
import numpy as np
import tensorflow as tf
import torch
from torch import nn

from tests.benchmarks.resnet_keras import build
from tests.benchmarks.resnet_torch import ResNet50

DTYPE = sys.argv[1] if len(sys.argv) > 1 else "float32"
torch.set_default_dtype(getattr(torch, DTYPE))
keras.config.set_floatx(DTYPE)
keras.config.set_dtype_policy(DTYPE)
ours, theirs = ResNet50().eval(), build()
for name, module in ours.named_modules():
    layer = name.replace(".", "_")
    if isinstance(module, nn.Conv2d):
        theirs.get_layer(layer).set_weights([module.weight.detach().numpy().transpose(2, 3, 1, 0)])
    elif isinstance(module, nn.BatchNorm2d):
        held = (module.weight, module.bias, module.running_mean, module.running_var)
        theirs.get_layer(layer).set_weights([tensor.detach().numpy() for tensor in held])
    elif isinstance(module, nn.Linear):
        theirs.get_layer(layer).set_weights([module.weight.detach().numpy().T, module.bias.detach().numpy()])
image = np.random.RandomState(0).normal(0, 1, (2, 3, 224, 224)).astype(DTYPE)
x = torch.tensor(image, requires_grad=True)
output = ours(x)
output.sum().backward()
given = tf.constant(image.transpose(0, 2, 3, 1))
with tf.GradientTape() as tape:
    tape.watch(given)
    result = theirs(given, training=False)
    loss = tf.reduce_sum(result)
gradients = tape.gradient(loss, [given, *theirs.trainable_weights])
print(keras.__version__, np.abs(output.detach().numpy() - result.numpy()).max(), len(gradients))
