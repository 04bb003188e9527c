"""Models of kecam (keras_cv_attention_models) by name, randomly initialised and with ten classes: nothing is loaded."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from keras_cv_attention_models import models
from keras_cv_attention_models.backend import layers

_MADE = layers.Dense.__init__


def _made(self: Any, *arguments: Any, **settings: Any) -> None:
    settings.pop("dtype", None)
    _MADE(self, *arguments, **settings)


def keras_model(name: str, size: int, **settings: Any) -> Any:
    """A model of kecam for images of a size, which gives logits: `keras_model('LeViT128S', 64)`.

    kecam makes its heads in single precision whatever the rest is in; here they are in the precision of the rest.
    """
    settings = {"classifier_activation": None, **settings}
    with patch.object(layers.Dense, "__init__", _made):
        return getattr(models, name)(pretrained=None, num_classes=10, input_shape=(size, size, 3), **settings)
