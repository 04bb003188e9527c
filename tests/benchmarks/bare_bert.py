"""What `tfpt check` of the two networks of the size of BERT asks of the frameworks, plainly: the same weights, both ways.

`python bare_bert.py float64` computes in double precision, in which tfpt judges; without an argument it does so in single.
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

from tests.benchmarks.bert_keras import Bert as KerasBert
from tests.benchmarks.bert_torch import HEADS, LENGTH, SIZE, WORDS, Bert

DTYPE = sys.argv[1] if len(sys.argv) > 1 else "float32"
torch.set_default_dtype(getattr(torch, DTYPE))
keras.config.set_floatx(DTYPE)
keras.config.set_dtype_policy(DTYPE)
words = np.random.RandomState(0).randint(0, WORDS, (1, 128))
ours, theirs = Bert().eval(), KerasBert()
theirs(tf.zeros((1, LENGTH), tf.int64))
w = {name: tensor.detach().numpy() for name, tensor in ours.state_dict().items()}
arrays = [w["words.weight"], w["positions.weight"], w["norm.weight"], w["norm.bias"]]
for place in range(len(ours.layers)):
    own = {name: w[f"layers.{place}.{name}"] for name in dict(ours.layers[place].named_parameters())}
    parts = zip(np.split(own["attention.in_proj_weight"], 3), np.split(own["attention.in_proj_bias"], 3), strict=True)
    for weight, bias in parts:
        arrays += [weight.T.reshape(SIZE, HEADS, -1), bias.reshape(HEADS, -1)]
    arrays += [own["attention.out_proj.weight"].T.reshape(HEADS, -1, SIZE), own["attention.out_proj.bias"]]
    arrays += [own["attention_norm.weight"], own["attention_norm.bias"]]
    arrays += [own["inner.weight"].T, own["inner.bias"], own["outer.weight"].T, own["outer.bias"]]
    arrays += [own["norm.weight"], own["norm.bias"]]
theirs.set_weights([*arrays, w["pooler.weight"].T, w["pooler.bias"]])
output = ours(torch.tensor(words))
output.sum().backward()
with tf.GradientTape() as tape:
    result = theirs(tf.constant(words))
    loss = tf.reduce_sum(result)
gradients = tape.gradient(loss, theirs.trainable_weights)
print(keras.__version__, np.abs(output.detach().numpy() - result.numpy()).max(), len(gradients))
