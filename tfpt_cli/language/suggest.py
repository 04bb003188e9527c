"""The nearest right name for a wrong one."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST = 60
# For so many problems of a document the nearest name is looked for: as many as are shown of it, and no others.
MOST_HINTS = 100
# What PyTorch, TensorFlow, Keras, NumPy and the rows of the dictionary call the same argument.
_SAME_ARGUMENT = (
    *("axis dim dims axes", "keepdims keepdim keep_dims", "epsilon eps", "negative_slope alpha", "rate p drop_rate"),
    *("shape size output_shape", "std stddev scale sigma", "mean loc mu", "low minval a", "high maxval b"),
    *("fill_value value", "bias use_bias", "out_features units output_dim num_outputs", "in_features input_dim"),
    *("out_channels filters", "stride strides", "dilation dilation_rate dilations", "num steps", "stop end limit"),
    *("min clip_value_min a_min min_value", "max clip_value_max a_max max_value", "ddof correction unbiased"),
    *("weight weights kernel", "num_classes depth", "beta momentum", "exponent y", "dtype type"),
)


def same_argument(wrong: str, names: Iterable[str]) -> str:
    """The one of an argument's names in other libraries that is among `names`, as a hint; else the nearest, as `did_you_mean`.

    >>> same_argument("dim", ["x", "axis", "keepdims"]), same_argument("axes", ["axis"])
    (", did you mean 'axis'?", ", did you mean 'axis'?")
    """
    there = list(names)
    groups = [group.split() for group in _SAME_ARGUMENT if wrong in group.split()]
    known = next((name for group in groups for name in group if name in there), "")
    return f", did you mean '{known}'?" if known else did_you_mean(wrong, there)


def did_you_mean(
    wrong: str, names: Iterable[str], cutoff: float = 0.6, *, meant: Mapping[str, str] | None = None
) -> str:
    """A hint for a wrong name, to be put behind a message: the nearest of `names`, or an empty string where none is near.

    `meant` says what to suggest in place of a name (`{"Dense": "linear"}`); `cutoff` is how near it must be, 1 for equal.

    >>> did_you_mean("sofmax", ["relu", "softmax"])
    ", did you mean 'softmax'?"
    >>> did_you_mean("Denze", ["Dense"], meant={"Dense": "linear"})
    ", did you mean 'linear'?"
    >>> did_you_mean("xyz", ["relu", "softmax"])
    ''
    """
    if len(wrong) > _LONGEST:
        return ""
    lowered = {name.lower(): (meant or {}).get(name, name) for name in names}
    close = _closest(wrong.lower(), tuple(lowered), cutoff)
    return f", did you mean '{lowered[close]}'?" if close else ""


@lru_cache(maxsize=2000)
def _closest(wrong: str, names: tuple[str, ...], cutoff: float) -> str:
    """The nearest of the names; kept, since a matrix asks for the same one in each of its cases, and thousands are compared."""
    return next(iter(difflib.get_close_matches(wrong, names, n=1, cutoff=cutoff)), "")


def beginning(wrong: str, names: Iterable[str]) -> str:
    """A hint for a name that was cut off: the one of `names` that begins so, or an empty string where none or several do.

    >>> beginning("hess", ["gradient", "hessian"]), beginning("h", ["hvp", "hessian"])
    (", did you mean 'hessian'?", '')
    """
    found = [name for name in names if wrong and name.lower().startswith(wrong.lower())]
    return f", did you mean '{found[0]}'?" if len(found) == 1 else ""
