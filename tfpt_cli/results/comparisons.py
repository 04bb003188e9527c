"""How a quantity compares on both sides: the verdict, how far apart, and what the reference says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tfpt_cli.results.quantities import PLAIN, Way

if TYPE_CHECKING:
    from tfpt_cli.frameworks import Side
    from tfpt_cli.results.outcomes import State
    from tfpt_cli.results.quantities import Quantity

# From here on a distance in units in the last place says nothing: one side is next to zero.
MANY_ULP = 1 << 31


class Verdict(StrEnum):
    """The verdict of one comparison: what one quantity came to when both sides were held against each other."""

    IDENTICAL = "identical"
    CLOSE = "close"
    SAME_DISTRIBUTION = "same distribution"
    DIFFERS = "differs"
    ERROR = "error"

    @property
    def agrees(self) -> bool:
        """Whether the verdict says that both sides mean the same: it is neither `differs` nor `error`."""
        return self not in (Verdict.DIFFERS, Verdict.ERROR)


class Diagnosis(StrEnum):
    """What is wrong with a comparison, as a word of a fixed vocabulary; known differences are told apart by it."""

    SHAPE = "shape"
    DTYPE = "dtype"
    ABSENT = "absent"  # one side's layer has no such parameter
    DISCONNECTED = "disconnected"  # one side's derivative is None
    NAN = "nan"
    INFINITY = "infinity"
    ZERO = "zero"
    NUMBER = "number"
    NON_FINITE = "non-finite"
    SUBNORMAL = "subnormal"  # one side makes zero of a number below the least normal one
    DISTRIBUTION = "distribution"
    DEPENDENT = "dependent"  # a parameter repeats another one, or itself
    WAYS = "ways"  # the ways of one side part
    KINK = "kink"
    ROUNDING = "rounding"
    OVERFLOW = "overflow"
    UNSTABLE = "unstable"  # it depends on the place in a vector
    ILL_CONDITIONED = "ill-conditioned"
    DIFFERENT_FUNCTION = "different function"
    BOTH_WRONG = "both wrong"


@dataclass(frozen=True)
class Tolerance:
    """The tolerance of a scenario: two numbers a and b are close where `|a - b| <= atol + rtol * max(|a|, |b|)`."""

    rtol: float
    atol: float


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation, range and histogram of the finite values of an array (float64)."""

    mean: float
    std: float
    low: float
    high: float
    counts: tuple[int, ...]
    edges: tuple[float, float]
    not_finite: int = 0


@dataclass(frozen=True)
class SideValue:
    """One side's value as the report shows it: its first values, and a summary of all.

    `left_out` counts the values that are not kept, `samples` is the summary of all draws of a random parameter. For a parameter
    `fans` are (fan_in, fan_out) as the framework counts them, and `law` is what fills it, in formula and numbers. `kinds`
    counts the zeros, NaNs and infinities where there are any. `declared` is how much of the declared law lies in each of many
    equal parts of the range of `samples`.
    """

    state: State
    how: Way = PLAIN
    shape: tuple[int, ...] = ()
    dtype: str = ""
    values: Any = None
    left_out: int = 0
    summary: Summary | None = None
    samples: Summary | None = None
    note: str = ""
    fans: tuple[int, int] | None = None
    law: str = ""
    kinds: dict[str, int] = field(default_factory=dict)
    declared: tuple[float, ...] = ()


@dataclass(frozen=True)
class Test:
    """One statistical test: its name, what it was made on, and its p-value."""

    name: str
    on: str
    p: float


@dataclass(frozen=True)
class Distribution:
    """The judgement of a random parameter: the declared laws, the tests, and what they could have seen.

    `level` is the level of the whole verdict: a test fails below `level` divided by the number of tests. `detectable` is the
    smallest relative difference of scale that these samples show in 99 of 100 runs; `detectable_mean` is the smallest
    difference of the means, in standard deviations.
    """

    declared: dict[Side, str]
    samples: dict[Side, int]
    level: float
    tests: tuple[Test, ...]
    detectable: float | None
    detectable_mean: float | None = None


@dataclass(frozen=True)
class Measure:
    """How far two arrays of one shape are apart; a figure is None where it cannot be measured (all NaN, say).

    `size` counts the values and `mismatched` those beyond the tolerance. `max_abs` and `max_rel` are the greatest absolute and
    relative difference, `max_ulp` the greatest in units in the last place. `worst_index` is the place of the greatest absolute
    difference, or of the first where a NaN or an infinity stands on one side alone. `passes_at` holds the smallest `rtol` that
    would pass with `atol` as it is, and the smallest `atol` with `rtol` as it is; None where no tolerance would.
    """

    size: int
    mismatched: int
    max_abs: float | None
    max_rel: float | None
    max_ulp: int | None
    worst_index: tuple[int, ...] | None
    passes_at: dict[str, float] | None


class Standing(StrEnum):
    """The standing of one side against the reference."""

    RIGHT = "right"
    CONVENTION = "convention"  # a kink: between what the derivative is from the left and from the right
    ROUNDING = "rounding"  # off, but right when it is run in double precision
    OVERFLOW = (
        "overflow"  # no number, where one is right that double precision has and this dtype has not, or lost on the way
    )
    WRONG = "wrong"
    UNKNOWN = "unknown"  # the reference has no value anywhere, or none that is sure enough


@dataclass(frozen=True)
class Against:
    """The comparison of one side with the reference.

    `ulps` is the greatest distance in units in the last place of the side's dtype, None where it cannot be measured; `off`
    counts the values beyond the tolerance and the reference's own error; `worst_index` is the place of one. `lost` says that
    somewhere more than half of the dtype's digits are gone, whatever the tolerance allows near zero. `unknown` counts the
    values of which the reference knows nothing that is sure enough.
    """

    standing: Standing
    off: int = 0
    ulps: float | None = None
    max_abs: float | None = None
    worst_index: tuple[int, ...] | None = None
    lost: bool = False
    unknown: int = 0


@dataclass(frozen=True)
class Kink:
    """A place where the derivatives from the left and from the right are not the same."""

    index: tuple[int, ...]
    left: float
    right: float


@dataclass(frozen=True)
class Reference:
    """The reference's own numbers for a quantity, from float64 or 50 digits; derivatives are difference quotients there.

    `values` are by whose function it is: one for both (under an empty key), or each side's own where they are written natively
    and mean different things. `one_sided` are the derivatives from the left and from the right, where there is a kink. `errors`
    are the greatest of the reference's own error estimates, under the keys of `values`, where it has any; `condition` is how
    many times larger a small relative change of the inputs comes out. With `along` only the derivative along one random
    direction was checked.
    """

    method: str
    values: dict[str, Any]
    left_out: int
    errors: dict[str, float]
    sides: dict[Side, Against]
    kinks: tuple[Kink, ...] = ()
    one_sided: tuple[Any, Any] | None = None
    condition: float | None = None
    along: bool = False

    @property
    def error(self) -> float | None:
        """The greatest of all error estimates."""
        return max(self.errors.values(), default=None)

    def error_for(self, side: Side) -> float:
        """The error estimate of what a side is held against; 0 where there is none."""
        return self.errors.get("", self.errors.get(side, 0.0))


class Kind(StrEnum):
    """The kind of a finding: what it is about."""

    RIGHT = "right"  # a side agrees with the reference, or is off by rounding alone
    OFF = "off"  # a side is off the reference
    BOTH_WRONG = "both wrong"
    OVERFLOW = "overflow"
    ROUNDING = "rounding"
    KINK = "kink"
    CONDITION = "ill-conditioned"
    FUNCTIONS = "different functions"  # each side computes its own function right
    UNKNOWN = "unknown"  # the reference has nothing sure enough
    RESEMBLANCE = "resemblance"  # what would turn one side's numbers into the other's
    NOTHING = "nothing"  # what was compared tests nothing
    BEGINS = "begins"  # where two models begin to part
    TOO = "too"  # what else parts in them, whatever begins before it


@dataclass(frozen=True)
class Finding:
    """Something that was found out besides the verdict: its kind, of which side (None: of both, or of neither), in words."""

    kind: Kind
    words: str
    side: Side | None = None


@dataclass(frozen=True)
class Comparison:
    """One quantity, both sides.

    `layout` is an einops pattern from PyTorch's axes to TensorFlow's; `blocks` names what stands along its axis `gate`,
    in each framework's order. `findings` is what was found out besides, from the reference mostly. `known_differences` holds the
    ids of the rows that explain a mismatch, `errors` the greatest absolute difference in each block of two matrices that differ
    (at most 32 by 32 blocks; not a number where a side has none); `flushed` are the sides that give 0 for a subnormal number of
    the other.
    """

    quantity: Quantity
    verdict: Verdict
    sides: dict[Side, SideValue]
    reason: str = ""
    layout: str = ""
    measure: Measure | None = None
    tolerance: dict[str, float] | None = None
    distribution: Distribution | None = None
    diagnosis: tuple[Diagnosis, ...] = ()
    reference: Reference | None = None
    findings: tuple[Finding, ...] = ()
    blocks: dict[Side, tuple[str, ...]] = field(default_factory=dict)
    known_differences: tuple[str, ...] = ()
    errors: tuple[tuple[float, ...], ...] = ()
    flushed: frozenset[Side] = frozenset()
