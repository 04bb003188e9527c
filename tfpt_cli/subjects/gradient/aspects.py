"""What a leaf of the reference holds of a quantity: itself, in how many digits, from which side, with which error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from tfpt_cli.results import Way

# What a leaf of the reference holds of a quantity: itself in float64, itself in 50 digits, how much larger a small relative
# change of the inputs comes out, the derivative along one direction, that direction.
ITSELF, EXACT, CONDITION, ALONG, DIRECTION = "", "exact", "condition", "along", "direction"
LEFT, RIGHT = "left", "right"
OWN = "own"  # of what a side itself computes
AT_NAN = "at NaN"  # whether an operation is asked at NaN whose answer there depends on the place in a vector
UNDECIDED = "undecided"  # where independent sources disagree about an operation: not zero there
UNDECIDED_SLOPES = "undecided slopes"  # the entries of a value by whose derivatives nobody is judged
KNOWN = "known"  # what of the value in 50 digits is known


@dataclass(frozen=True, eq=False, repr=False)
class Aspect(Way):
    """What a leaf of the reference holds of a quantity. Its text tells it from the other leaves of that quantity.

    `side` is the side that a derivative is taken from, `error` says that it is the estimate of the error. `whose` is the
    framework whose function it is, empty where both sides mean one. With `double` it is at the scenario's own numbers, not at
    those that the checked dtype holds. `of` says more: which operation, by which input.

    >>> str(Aspect(side=LEFT)), str(Aspect(error=True, whose="torch"))
    ('left', 'error:torch')
    """

    what: str = ITSELF
    side: str = ""
    error: bool = False
    whose: str = ""
    double: bool = False
    of: str = ""

    def __new__(
        cls,
        what: str = ITSELF,
        side: str = "",
        error: bool = False,
        whose: str = "",
        double: bool = False,
        of: str = "",
    ) -> Self:
        """The text of an aspect is all that is said of it."""
        words = " ".join(filter(None, ("double" * double, what, of, side, "error" * error)))
        return super().__new__(cls, f"{words}:{whose}" if whose else words)

    def __getnewargs__(self) -> tuple[Any, ...]:
        """The arguments with which `copy` and `pickle` make a copy of it."""
        return self.what, self.side, self.error, self.whose, self.double, self.of
