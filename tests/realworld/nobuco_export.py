"""Writes a network of `scenarios/model/networks` as nobuco exports it.

python nobuco_export.py FOLDER mobilenetv2 MobileNetV2 OUT.h5
"""

from __future__ import annotations

import importlib
import sys

import torch

# As in `timm_models.py`: torchvision's registry build does not import beside a torch for processors.
operators = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import nobuco  # noqa: E402 - its torchvision needs the operators


def main(folder: str, network: str, kind: str, file: str) -> None:
    """Exports the network for one image of 32 x 32 with its channels last."""
    sys.path.insert(0, folder)
    model = getattr(importlib.import_module(f"{network}_torch"), kind)().eval()
    last = nobuco.ChannelOrder.TENSORFLOW
    made = nobuco.pytorch_to_keras(
        model, args=[torch.randn(1, 3, 32, 32)], inputs_channel_order=last, outputs_channel_order=last
    )
    made.save(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
