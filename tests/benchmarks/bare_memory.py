"""MiB that one framework needs at most, beyond its import, for a network of `bare_model.py` in float64, forward and backward.

`python bare_memory.py torch` or `python bare_memory.py tensorflow` prints one number (Linux).
"""

import os
import re
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np


def peak() -> float:
    """MiB at most resident until now."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def torch_needs() -> float:
    import torch

    from tests.benchmarks.resnet_torch import ResNet50

    before = peak()
    torch.set_default_dtype(torch.float64)
    ResNet50().eval()(torch.randn(2, 3, 224, 224, requires_grad=True)).sum().backward()
    return peak() - before


def tensorflow_needs() -> float:
    import keras
    import tensorflow as tf

    from tests.benchmarks.resnet_keras import build

    before = peak()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    model, x = build(), tf.constant(np.random.RandomState(0).normal(0, 1, (2, 224, 224, 3)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(model(x, training=False))
    tape.gradient(loss, [x, *model.trainable_weights])
    return peak() - before


print({"torch": torch_needs, "tensorflow": tensorflow_needs}[sys.argv[1]]())
