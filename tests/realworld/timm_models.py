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


def torch_model(name: str) -> Any:
    """A model of timm: `torch_model('resnet50')`."""
    return timm.create_model(name, pretrained=False, num_classes=10).eval()
