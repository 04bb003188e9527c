"""`tfpt new`: a commented scenario to start from."""

from __future__ import annotations

from pathlib import Path

import click

from tfpt_cli.cli.outputs import check_outputs, write_file

TEMPLATES = {
    "gradient": """\
# An expression, its value and its derivatives in both frameworks. Run it: tfpt check {file}
name: a weighted softmax
gradient:
  of: sum(w * softmax(x))            # tfpt list operations: what can be called; + - * / ** @ and x[0] as in Python
  at:                                # the inputs: numbers, lists, or linspace, normal, zeros, ...
    x: [1.0, 2.0, 3.0]
    w: [0.2, 0.5, 0.3]
  wrt: x                             # differentiate by this one; all inputs unless said
  derivatives: [gradient, hessian]   # also jacobian, jvp, vjp, hvp, d3 to d6; gradient unless said
# dtype: float64                     # float32 unless said
# tolerance: {{rtol: 1e-4, atol: 1e-6}}
# because: a tolerance of its own needs a reason
""",
    "native": """\
# Two pieces of code, one for each framework: do they mean the same? Run it: tfpt check {file}
name: softplus with beta
gradient:
  torch: F.softplus(x, beta=2)                # F, nn, torch
  tensorflow: tf.math.softplus(2 * x) / 2     # tf, keras
  at: {{x: 'linspace(-3, 3, 7)'}}
# modes: {{tensorflow: [eager, jit]}}           # of `gradient`: how a side is run
# expect: {{value: differ}}                     # where they are known to part, and why:
# because: the reason
""",
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


def run_new(kind: str, path: str | None, *, force: bool) -> int:
    """Writes the template of a kind into a new file, or prints it; a usage error for a file that is there already."""
    text = TEMPLATES[kind].format(file=path or "scenario.yaml")
    if path is None:
        click.echo(text, nl=False)
        return 0
    if Path(path).is_dir():
        raise click.UsageError(f"'{path}' is a folder: name a file in it")
    if Path(path).exists() and not force:
        raise click.UsageError(f"'{path}' is there already; --force writes over it")
    check_outputs([path])
    write_file(path, text)
    click.echo(f"wrote {path}; run: tfpt check {path}")
    return 0
