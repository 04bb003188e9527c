"""What a source knows of a scenario before tfpt is asked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Truth:
    """The true numbers of one quantity, in double precision.

    `value` is NaN where the function has no real number; only entries that are `known` are held against anybody. A kink lies
    where `low` and `high`, the least and the greatest of the one-sided derivatives, are apart: what is between them is
    a convention. `error` bounds how far the truth itself may be off.
    """

    value: NDArray[Any]
    known: NDArray[np.bool_]
    low: NDArray[Any] | None = None
    high: NDArray[Any] | None = None
    error: float = 0.0

    @classmethod
    def of(cls, value: Any, error: float = 0.0) -> Truth:
        """A truth that is known everywhere."""
        array = np.asarray(value)
        return cls(array, np.ones(array.shape, bool), error=error)

    @property
    def kink(self) -> NDArray[np.bool_]:
        """Where the one-sided derivatives are not the same."""
        if self.low is None or self.high is None:
            return np.zeros(self.known.shape, bool)
        apart: NDArray[np.bool_] = self.known & (self.low != self.high)
        return apart


@dataclass(frozen=True)
class Case:
    """A scenario and what is true of it.

    `document` is the scenario as YAML would hold it. `truths` are by quantity (`value`, `d/dx`). `altered` is the side into
    which a mistake was put, and `plant` which mistake that is. `operations` are the rows that take part, `taken` says
    which frameworks were seen to take the input outside tfpt.
    """

    source: str
    kind: str
    document: dict[str, Any]
    truths: dict[str, Truth] = field(default_factory=dict)
    altered: str | None = None
    plant: str = ""
    operations: tuple[str, ...] = ()
    taken: frozenset[str] = frozenset()


def flow(value: Any) -> str:
    """A value in YAML's flow style, numbers to their last digit: `{"x": [.nan, 1e-310, "1.0+2.0j"]}`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, complex):
        return f'"{value.real!r}{value.imag:+}j"'
    if isinstance(value, float):
        return {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan" if math.isnan(value) else repr(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "null" if value is None else str(value)


def yaml(document: dict[str, Any]) -> str:
    """A scenario as a YAML document, a line for each of its keys."""
    return "".join(f"{key}: {flow(value)}\n" for key, value in document.items())
