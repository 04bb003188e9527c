"""Whether two parameters of one layer depend on each other: the same numbers, negated or scaled, or correlated.

One seeded initializer of Keras for two kernels gives both the same numbers. Each kernel by itself is drawn as it should be,
so that no test of one parameter can see it; what the layer itself holds can.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.results import Comparison, Diagnosis, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side, Sides

# The chance that two independent parameters are called dependent, over all pairs of a layer.
_LEVEL = 1e-6
# So many numbers say nothing of a correlation, and so few different ones may be equal by chance.
_LEAST, _DISTINCT = 16, 4
_MOST = 1 << 20
# How near to one a correlation is where one array is a multiple of the other, or one plus a number, but for rounding.
_MULTIPLE = 1e-4


@dataclass(frozen=True)
class Tie:
    """The dependence of one parameter on another: `equal`, `negated`, `multiple`, `reordered` or `correlated`.

    `words` says it for a person, as in "equal to it".
    """

    kind: str
    words: str


def tie(first: NDArray[Any], second: NDArray[Any], tests: int = 1) -> Tie | None:
    """How one array depends on another, read in the order in which they are stored; None where nothing shows it.

    Of arrays of two sizes the beginnings are compared, as one stream of random numbers would fill both. `tests` is how many
    pairs are looked at in all.

    >>> tie(np.arange(6.0), -np.arange(6.0))
    Tie(kind='negated', words='it with the other sign')
    """
    one, other = (np.ravel(array)[:_MOST].astype(np.float64) for array in (first, second))
    size = min(one.size, other.size)
    same_size = first.size == second.size
    one, other = one[:size], other[:size]
    if not (np.isfinite(one).all() and np.isfinite(other).all()) or np.unique(one).size < _DISTINCT:
        return None
    of = "" if same_size else f" in its first {size:,} numbers"
    if np.array_equal(one, other):
        return Tie("equal", f"equal to it{of}")
    if np.array_equal(one, -other):
        return Tie("negated", f"it with the other sign{of}")
    ends = [(array.min(), array.max()) for array in (one, other)]
    if same_size and ends[0] == ends[1] and np.array_equal(np.sort(one), np.sort(other)):
        return Tie("reordered", "the same numbers in another order")
    if size < _LEAST or one.std() == 0 or other.std() == 0:
        return None
    correlation = float(np.corrcoef(one, other)[0, 1])
    if 1 - abs(correlation) < _MULTIPLE:
        slope = math.copysign(float(other.std() / one.std()), correlation)
        # As near to none as the correlation is to one.
        shifted = abs(other.mean() - slope * one.mean()) > math.sqrt(2 * _MULTIPLE) * other.std()
        return Tie("multiple", f"a multiple of it{' plus a number' if shifted else ''}{of}")
    z = abs(math.atanh(correlation)) * math.sqrt(size - 3)
    if math.erfc(z / math.sqrt(2)) * tests < _LEVEL:
        return Tie("correlated", f"correlated with it ({correlation:.2f}){of}")
    return None


def parted_by_ties(
    own: Mapping[str, Mapping[Side, NDArray[Any]]], random: Mapping[str, frozenset[Side]], sides: Sides
) -> dict[str, str]:
    """Why parameters differ that are tied to another one on one side and not so on the other, by parameter.

    `own` are the layer's own arrays by parameter and side; `random` has the sides that draw a parameter.
    """
    parted: dict[str, str] = {}
    pairs = list(combinations(own, 2))
    for first, second in pairs:
        if not all(side in own[first] and side in own[second] for side in sides):
            continue
        ties = {
            side: tie(own[first][side], own[second][side], 2 * len(pairs))
            if side in random[first] and side in random[second]
            else None
            for side in sides
        }
        if len({found.kind if found else "" for found in ties.values()}) == 1:
            continue
        words = ", ".join(
            f"{side.label}'s is {found.words if found is not None else 'independent of it'}"
            for side, found in ties.items()
        )
        parted.setdefault(second, f"beside {first}: {words}")
        parted.setdefault(first, f"tied to {second} on one side alone")
    return parted


def with_ties(comparisons: Sequence[Comparison], parted: Mapping[str, str]) -> list[Comparison]:
    """The comparisons, in which the parameters that `parted_by_ties` names now differ."""
    return [_parted(c, parted[c.quantity]) if c.quantity in parted else c for c in comparisons]


def _parted(comparison: Comparison, words: str) -> Comparison:
    if not comparison.verdict.agrees:
        diagnosis = tuple(dict.fromkeys((*comparison.diagnosis, Diagnosis.DEPENDENT)))
        reason = f"{comparison.reason}; {words}" if comparison.reason else words
        return replace(comparison, reason=reason, diagnosis=diagnosis)
    return replace(
        comparison, verdict=Verdict.DIFFERS, reason=words, diagnosis=(Diagnosis.DISTRIBUTION, Diagnosis.DEPENDENT)
    )
