"""Models of timm by name, randomly initialised and with ten classes: nothing is loaded."""

from __future__ import annotations

import sys
from typing import Any

import torch

if "torchvision" not in sys.modules:
    # Its registry build knows only a torch for graphics cards: its operators are declared here, and never called.
    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

    torchvision.declared = operators  # they last as long as this is held

import timm


def torch_model(name: str, *, eps: float = 0.0, scale: bool = True, **settings: Any) -> Any:
    """A model of timm: `torch_model('resnet50')`.

    `eps` is given to all normalizations, and without `scale` batch normalizations have no gain; other settings are those of
    `timm.create_model`, such as `pad_type='same'`.
    """
    model = timm.create_model(name, pretrained=False, num_classes=10, **settings).eval()
    for layer in model.modules():
        if eps and isinstance(getattr(layer, "eps", None), float):
            layer.eps = eps
        if not scale and isinstance(layer, torch.nn.BatchNorm2d):
            layer.register_parameter("weight", None)
    return model
