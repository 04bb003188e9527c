"""TensorFlow with Keras, as tfpt knows it."""

from __future__ import annotations

import math
import os

from tfpt_cli.frameworks.framework import VECTORS, Framework


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out) as `keras.initializers` counts them for a (..., in, out) tensor.

    >>> fans((5, 5, 3, 8))
    (75, 200)
    """
    if len(shape) < 2:
        only = shape[0] if shape else 1
        return only, only
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


TENSORFLOW = Framework(
    key="tensorflow",
    label="TensorFlow",
    column="tensorflow",
    module="tf",
    array="tf.constant({value}, dtype=tf.{dtype})",
    moves={
        "permute": "tf.transpose({value}, {0})",
        "reshape": "tf.reshape({value}, {0})",
        "reverse": "tf.reverse({value}, [{0}])",
        "roll": "tf.roll({value}, {0}, {1})",
        "sum": "tf.reduce_sum({value}, {0})",
        "mean": "tf.reduce_mean({value}, {0})",
    },
    roots=("tf", "keras", "math", "np"),
    imports={"keras": "import keras", "tf": "import tensorflow as tf"},
    modes=("eager", "graph", "jit"),
    fans=fans,
    output_axis=-1,
    packages=("tensorflow", "keras"),
    environment={"KERAS_BACKEND": "tensorflow"},
    # `tf.keras` is Keras 3 to the rows, to every scenario and to the listings; where this is 1 in a shell it is tf_keras. And a
    # person's `~/.keras/keras.json` changes defaults that no scenario says: the epsilon, where the channels stand.
    of_scenarios={"TF_USE_LEGACY_KERAS": "0", "KERAS_HOME": os.devnull},
    versions={"tensorflow": "TensorFlow", "keras": "Keras"},
    machine={
        "tensorflow_cpu": ("the processor's set of vector instructions", (*VECTORS, "AVX")),
        "tensorflow_onednn": ("TensorFlow's oneDNN", ("on", "off")),
    },
)
