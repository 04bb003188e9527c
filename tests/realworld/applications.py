"""Models of `keras.applications` by name, randomly initialised and with ten classes: nothing is loaded."""

from __future__ import annotations

from typing import Any

import keras


def keras_model(name: str, size: int, *, eps: float = 0.0, **settings: Any) -> Any:
    """A model of `keras.applications` for images of a size, which gives logits: `keras_model('ResNet50', 64)`.

    `eps` is given to all batch normalizations.
    """
    make = getattr(keras.applications, name)
    model = make(weights=None, classes=10, input_shape=(size, size, 3), classifier_activation=None, **settings)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.epsilon = eps or layer.epsilon
    return model
