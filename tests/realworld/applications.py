"""Models of `keras.applications` by name, randomly initialised and with ten classes: nothing is loaded."""

from __future__ import annotations

from typing import Any

import keras


def keras_model(name: str, size: int) -> Any:
    """A model of `keras.applications` for images of a size, which gives logits: `keras_model('ResNet50', 64)`."""
    make = getattr(keras.applications, name)
    return make(weights=None, classes=10, input_shape=(size, size, 3), classifier_activation=None)
