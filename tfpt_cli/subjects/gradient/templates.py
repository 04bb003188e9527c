"""Gradient scenarios to start from."""

from __future__ import annotations

EXAMPLE = {
    "name": "softplus with beta",
    "gradient": {
        "torch": "F.softplus(x, beta=2)",
        "tensorflow": "tf.math.softplus(2 * x) / 2",
        "at": {"x": "linspace(-20, 20, 9)"},
    },
}
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
}
