"""Scenarios of an initialization to start from."""

from __future__ import annotations

EXAMPLE = {
    "name": "uniform weights, constant bias",
    "init": {"layer": "linear(3, units)", "weight": "uniform(0, 1)", "bias": "constant(-1)"},
    "matrix": {"units": [1, 4]},
}
TEMPLATES = {
    "init": """\
# What a layer's parameters are filled with in both frameworks. Run it: tfpt check {file}
name: small normal weights, zero biases
init:
  layer: linear(256, units)          # tfpt list layers
  weight: normal(0, 0.02)            # tfpt list initializers; a parameter left out keeps each framework's default
  bias: zeros()
matrix: {{units: [10, 1000]}}          # one case for each
""",
    "native-init": """\
# Two layers as they are written in each framework: are they filled alike? Run it: tfpt check {file}
name: PyTorch's default, written in Keras
init:
  torch:
    layer: nn.Linear(256, 128)
    bias: nn.init.zeros_()           # the tensor to fill is passed in
  tensorflow:
    layer: >
      keras.layers.Dense(128, kernel_initializer=keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"))
    input_shape: [256]               # without the batch
""",
}
