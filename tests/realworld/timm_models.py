"""Models of timm by name, randomly initialised and with ten classes: nothing is loaded."""

from __future__ import annotations

from typing import Any

# torchvision's registry build knows only a torch for graphics cards: its operators are declared here, and never called.
import torch

_OPERATORS = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _OPERATORS.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def torch_model(name: str) -> Any:
    """A model of timm: `torch_model('resnet50')`."""
    import timm

    return timm.create_model(name, pretrained=False, num_classes=10).eval()
