"""Scenarios of a model to start from."""

from __future__ import annotations

EXAMPLE = {
    "name": "one convolution",
    "model": {"of": "conv2d(3, 8, 3)", "at": {"x": "normal(0, 1, (2, 3, 16, 16))"}},
}
TEMPLATES = {
    "model": """\
# A layer or a network in both frameworks, with the same weights: outputs, gradients and state. Run it: tfpt check {file}
name: two layers
model:
  torch: nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))      # or {{python: 'net.py:Net()'}}, with --allow-code
  tensorflow: keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
  at: {{x: 'normal(0, 1, (4, 3))'}}     # as PyTorch takes it
  # layout: channels                 # images: channels first in PyTorch, last in Keras
  # training: true                   # false unless said
""",
}
