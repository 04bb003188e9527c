"""A model that nobuco or onnx2tf has made of one of PyTorch's, from its file: what the scenarios name as their code."""

from __future__ import annotations

import json
from typing import Any

import tf_keras


def keras_model(file: str) -> Any:
    """The model of tf_keras in a file, in the dtype that layers are made in now; the file has single precision in each."""
    model = tf_keras.models.load_model(file, compile=False)
    text = json.dumps(model.get_config()).replace('"float32"', json.dumps(tf_keras.backend.floatx()))
    again = type(model).from_config(json.loads(text))
    again.set_weights(model.get_weights())
    return again
