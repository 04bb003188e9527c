"""What the child needs to know about the reference: NumPy and SciPy in float64."""

from __future__ import annotations

import os
from typing import Any


def load() -> dict[str, str]:
    """Imports NumPy and SciPy; gives their versions."""
    import numpy
    import scipy

    try:
        os.nice(5)  # the frameworks are what a person waits for
    except (AttributeError, OSError):
        pass
    return {"numpy": numpy.__version__, "scipy": scipy.__version__}


def reset() -> None:
    """Nothing is kept from one listing to the next."""


def lacks(_: str) -> str:
    """Why this machine cannot do what a section needs: nothing that can be lacked is asked of this side."""
    return ""


def array(value: Any) -> tuple[Any, str]:
    """An array or a number as a NumPy array, and the name of its dtype."""
    import numpy

    plain = numpy.asarray(value)
    return plain, plain.dtype.name
