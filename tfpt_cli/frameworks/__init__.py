"""The frameworks that are compared, the reference that arbitrates, and the sides of a run.

A framework is a file of this folder and its line in `FRAMEWORKS`.
"""

from __future__ import annotations

from tfpt_cli.frameworks.framework import Framework, Side
from tfpt_cli.frameworks.tensorflow import TENSORFLOW
from tfpt_cli.frameworks.torch import TORCH

Sides = tuple[Side, Side]

# In the order in which a scenario, a row and a table have them.
FRAMEWORKS: dict[str, Framework] = {framework.key: framework for framework in (TORCH, TENSORFLOW)}

# NumPy and SciPy in float64, mpmath where 50 digits are needed: it shares no code with either framework.
NUMPY = Framework(
    key="reference",
    label="the reference",
    column="numpy",
    module="np",
    array="np.array({value}, dtype='{dtype}')",
    imports={"mpmath": "import mpmath", "np": "import numpy as np", "scipy": "import scipy"},
    packages=("numpy", "scipy"),
    versions={"numpy": "NumPy"},
)
REFERENCE = Side(key="reference", label="the reference", framework=NUMPY)
# The owner of a failure that is a mistake of tfpt's own, and of one that only another scenario can mend.
OURSELVES = Side(key="tfpt", label="tfpt", framework=NUMPY)
WRITTEN = Side(key="scenario", label="the scenario", framework=NUMPY)
# The keys of two versions of one framework.
LEFT, RIGHT = "left", "right"


def usual_sides(**interpreters: str | None) -> Sides:
    """The usual two sides, PyTorch and TensorFlow, each in an interpreter of its own where one is named.

    >>> [side.label for side in usual_sides()]
    ['PyTorch', 'TensorFlow']
    >>> usual_sides(torch="/old/bin/python")[0].interpreter
    '/old/bin/python'
    """
    first, second = (
        Side(key=f.key, label=f.label, framework=f, interpreter=interpreters.get(f) or "") for f in (TORCH, TENSORFLOW)
    )
    return first, second


def two_versions(framework: Framework, left: str, right: str) -> Sides:
    """The two sides of a run that compares one framework in two interpreters, `left` and `right`.

    >>> [side.label for side in two_versions(TORCH, "/old/bin/python", "/new/bin/python")]
    ['left PyTorch', 'right PyTorch']
    """
    first, second = (
        Side(key=key, label=f"{key} {framework.label}", framework=framework, interpreter=interpreter)
        for key, interpreter in ((LEFT, left), (RIGHT, right))
    )
    return first, second


SIDES = usual_sides()

__all__ = [
    "FRAMEWORKS",
    "LEFT",
    "NUMPY",
    "OURSELVES",
    "REFERENCE",
    "RIGHT",
    "SIDES",
    "TENSORFLOW",
    "TORCH",
    "WRITTEN",
    "Framework",
    "Side",
    "Sides",
    "two_versions",
    "usual_sides",
]
