"""What every stage hands on: outcomes of listings, comparisons, results of scenarios, the report.

Standard library only, frozen, and small: an array stays in its `Outcome` until it is compared; a `Comparison`
keeps a summary of it and its first values.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# From here on a distance in units in the last place says nothing: one side is next to zero.
MANY_ULP = 1 << 31
FRAMEWORKS = ("torch", "tensorflow")
REFERENCE = "reference"
OURSELVES = "tfpt"
LABELS = {"torch": "PyTorch", "tensorflow": "TensorFlow", REFERENCE: "the reference", OURSELVES: OURSELVES}
NAMES = dict(LABELS)


def name_sides(alike: str | None) -> None:
    """Calls the sides of this process by their frameworks; where both are the same one, left and right."""
    if alike is None:
        LABELS.update(NAMES)
    else:
        LABELS.update(
            {side: f"{place} {NAMES[alike]}" for side, place in zip(FRAMEWORKS, ("left", "right"), strict=True)}
        )


def printable(text: str) -> str:
    """Text from a file or a framework without what would steer a terminal or start a line."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines, which stay."""
    return "\n".join(printable(line) for line in text.splitlines())


def expected_of(expect: Any, quantity: str) -> str:
    """`agree`, `differ` or `error`: what a scenario expects of a quantity, the rest agreeing where it says so by quantity."""
    return str(expect.get(quantity, "agree") if isinstance(expect, dict) else expect)


class Verdict(StrEnum):
    """What a comparison of one quantity came to."""

    IDENTICAL = "identical"
    CLOSE = "close"
    SAME_DISTRIBUTION = "same distribution"
    DIFFERS = "differs"
    ERROR = "error"

    @property
    def agrees(self) -> bool:
        """Whether both sides mean the same."""
        return self not in (Verdict.DIFFERS, Verdict.ERROR)


class State(StrEnum):
    """Whether a side has a value for a quantity, and if not, why."""

    PRESENT = "present"
    DISCONNECTED = "disconnected"  # the framework answered None for a derivative
    ABSENT = "absent"  # the layer has no such parameter
    FAILED = "failed"
    SKIPPED = "skipped"  # the machine lacks what it needs


class Status(StrEnum):
    """A scenario held against its `expect`."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, order=True)
class Problem:
    """Something wrong in a file, a path or an option, with the likely fix in the message. Line 0: no line applies."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        """One line, whatever a key or a path holds."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return printable(f"{place}: {self.message}")


@dataclass(frozen=True)
class Unread:
    """A document over which tfpt itself failed while reading it: what is known of it, and the failure."""

    file: str
    line: int
    name: str
    subject: str
    failure: Failure

    @property
    def problem(self) -> Problem:
        """The failure as a problem of the file, for who only reads it."""
        return Problem(self.file, self.line, 1, self.failure.message)


# The symptom of a mistake of tfpt's own, and the exit code, which no other outcome has.
INTERNAL, INTERNAL_ERROR = "internal", 4


@dataclass(frozen=True)
class Failure:
    """A framework that raised, crashed, hung, talked nonsense or could not be started, as a value.

    `symptom` is one of `exception`, `crashed`, `timeout`, `nonsense`, `not installed`, `not started`. It is `internal`, with
    the framework `tfpt` and a `traceback`, where tfpt itself failed.
    """

    framework: str
    symptom: str
    message: str
    listing_line: int | None = None
    traceback: str = ""

    @classmethod
    def internal(cls, error: Exception, doing: str) -> Failure:
        """A mistake of tfpt's own: what it was `doing` (`comparing`), and the exception."""
        text = " ".join(str(error).split())[:300]
        message = (
            f"tfpt itself failed while {doing}: {type(error).__name__}{': ' if text else ''}{text}; this says nothing of "
            "your code. Please report it, with the scenario and the traceback (-v, or the JSON report)"
        )
        lines = traceback.format_exception(error, limit=-_TRACEBACK)
        return cls(OURSELVES, INTERNAL, message, traceback="".join(lines)[-_TRACEBACK_TEXT:])

    @property
    def could_not_run(self) -> bool:
        """True where the framework's process broke, false where the framework itself, or tfpt, refused the code."""
        return self.symptom not in ("exception", INTERNAL)


# Of a recursion without end the last calls are enough.
_TRACEBACK, _TRACEBACK_TEXT = 30, 10_000


@dataclass(frozen=True)
class Value:
    """One quantity as a worker returned it: `array` is a NumPy array where the state is `present`.

    `dtype` is the framework's own name for it (a bfloat16 travels as float32); `reason` says why it was skipped.
    """

    state: State
    array: Any = None
    dtype: str = ""
    failure: Failure | None = None
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """What running a listing gave: values by (quantity, how it was computed), and what failed."""

    framework: str
    values: dict[tuple[str, str], Value]
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0

    def on(self, side: str) -> Outcome:
        """The same as that of a side: both sides may be one framework, in two versions."""
        if side == self.framework:
            return self
        values = {
            key: replace(value, failure=value.failure and replace(value.failure, framework=side))
            for key, value in self.values.items()
        }
        failures = tuple(replace(failure, framework=side) for failure in self.failures)
        return replace(self, framework=side, values=values, failures=failures)


@dataclass(frozen=True)
class Tolerance:
    """What a scenario allows: `|a - b| <= atol + rtol * max(|a|, |b|)`."""

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
class Side:
    """What the report shows of one framework's value.

    Of a parameter also its (fan_in, fan_out) as the framework counts them, and what fills it, in formula and numbers.
    `kinds` counts the zeros, NaNs and infinities where there are any. `declared` is how much of the declared law lies in each
    of many equal parts of the range of `samples`.
    """

    state: State
    how: str = ""
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
    """How a random parameter was judged: the declared distributions, the tests, and what they could have seen.

    `level` is that of the whole verdict: a test fails below `level` divided by the number of tests. `detectable` is the
    smallest relative difference of scale that these samples show in 99 of 100 runs, `detectable_mean` that of the means
    in standard deviations.
    """

    declared: dict[str, str]
    samples: dict[str, int]
    level: float
    tests: tuple[Test, ...]
    detectable: float | None
    detectable_mean: float | None = None


@dataclass(frozen=True)
class Measure:
    """How far two arrays of the same shape are apart. What cannot be measured (all NaN, say) is None.

    `passes_at` holds the smallest `rtol` that would pass with `atol` as it is, and the smallest `atol` with `rtol`
    as it is; None where no tolerance would.
    """

    size: int
    mismatched: int
    max_abs: float | None
    max_rel: float | None
    max_ulp: int | None
    worst_index: tuple[int, ...] | None
    passes_at: dict[str, float] | None


class Standing(StrEnum):
    """Where a side stands against the reference."""

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
    """One side against the reference.

    `ulps` is the greatest distance in units in the last place of the side's dtype, None where it cannot be measured;
    `off` counts the values beyond the tolerance and the reference's own error; `worst_index` is the place of one. `lost`
    says that somewhere more than half of the dtype's digits are gone, whatever the tolerance allows near zero. `unknown` counts
    the values of which the reference knows nothing that is sure enough.
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
    """What the arbiter says of a quantity: float64 or 50 digits, and derivatives by difference quotients.

    `values` are by whose function it is: one for both, or each side's own where they are written natively and mean
    different things; `one_sided` the derivatives from the left and from the right, where there is a kink. `error` is the
    greatest of the reference's own error estimates, `condition` how many times larger a small relative change of the
    inputs comes out. With `along` only the derivative along one random direction was checked.
    """

    method: str
    values: dict[str, Any]
    left_out: int
    error: float | None
    sides: dict[str, Against]
    kinks: tuple[Kink, ...] = ()
    one_sided: tuple[Any, Any] | None = None
    condition: float | None = None
    along: bool = False


@dataclass(frozen=True)
class Comparison:
    """One quantity, both sides.

    `layout` is an einops pattern from PyTorch's axes to TensorFlow's; `blocks` names what stands along its axis `gate`,
    in each framework's order. `findings` is what the reference has to say, in words. `known_differences` holds the ids of the
    rows that explain a mismatch, `errors` the greatest absolute difference in each block of two matrices that differ
    (at most 32 by 32 blocks; not a number where a side has none).
    """

    quantity: str
    verdict: Verdict
    sides: dict[str, Side]
    reason: str = ""
    layout: str = ""
    measure: Measure | None = None
    tolerance: dict[str, float] | None = None
    distribution: Distribution | None = None
    diagnosis: tuple[str, ...] = ()
    reference: Reference | None = None
    findings: tuple[str, ...] = ()
    blocks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    known_differences: tuple[str, ...] = ()
    errors: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Explanation:
    """What is known of two spellings that are nearly the same: what differs, why, and what to write on either side.

    `scenario` is the file below `scenarios/` that shows it, in scenarios tagged with its name.
    """

    name: str
    area: str
    what: str
    why: str
    write: Mapping[str, str]
    source: str
    scenario: str

    @property
    def proof(self) -> str:
        """The command that shows it."""
        return f"tfpt check scenarios/{self.scenario} --tag {self.name}"


@dataclass(frozen=True)
class Curve:
    """A quantity over an interval of the input `by`, in both frameworks; None where a side has no number there.

    `parts` says of every point whether both sides part there.
    """

    quantity: str
    by: str
    at: tuple[float, ...]
    sides: dict[str, tuple[float | None, ...]]
    parts: tuple[bool, ...]


def placed(name: str, line: int) -> str:
    """The id of a scenario with its line, for one that shares its file and title with another."""
    return f"{name} (line {line})"


@dataclass(frozen=True)
class ScenarioResult:
    """One case of a scenario, checked: its comparisons and failures, and the status against `expect`.

    `explanations` are the known differences that its comparisons name; `listings` is the code that ran, by side, and `curves`
    its quantities over an interval, where those were asked for. `compared` says in words what its comparisons cover, as in
    "both sides agree in ...".
    """

    file: str
    line: int
    name: str
    case: dict[str, Any]
    subject: str
    headline: str
    expect: Any
    because: str
    status: Status
    comparisons: tuple[Comparison, ...]
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    tags: tuple[str, ...] = ()
    id: str = ""
    explanations: tuple[Explanation, ...] = ()
    listings: dict[str, str] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    compared: str = ""

    @property
    def place(self) -> str:
        """What tells it from another one of the same file and title, as long as the file stays as it is."""
        return placed(self.id, self.line)

    @property
    def expected(self) -> bool:
        """Whether it is as its `expect` says, or could not be checked at all for what the machine lacks."""
        return self.status in (Status.PASSED, Status.SKIPPED)

    @property
    def agree(self) -> bool:
        """Whether every quantity agrees, whatever was expected."""
        return bool(self.comparisons) and all(c.verdict.agrees for c in self.comparisons)

    @property
    def internal(self) -> bool:
        """Whether tfpt itself failed over it."""
        return any(failure.symptom == INTERNAL for failure in self.failures)


@dataclass(frozen=True)
class Report:
    """Everything a reporter may show.

    `alike` is the framework that both sides are, where two versions of one are compared. `began` is the time in UTC, as ISO
    8601 without a zone; empty where it is not known.
    """

    environment: dict[str, str]
    scenarios: tuple[ScenarioResult, ...]
    problems: tuple[Problem, ...] = ()
    interrupted: bool = False
    stopped: bool = False
    selected: int = 0
    deselected: int = 0
    seconds: float = 0.0
    alike: str | None = None
    began: str = ""

    @property
    def summary(self) -> dict[str, int]:
        """How many scenarios have each status."""
        return {status.value: sum(s.status is status for s in self.scenarios) for status in Status}

    @property
    def exit_code(self) -> int:
        """0 all as expected, 1 at least one not, 2 an invalid file, 3 a framework could not run, 4 tfpt itself failed.

        The highest that applies; 130 where the run was interrupted.
        """
        codes = [0]
        if not all(s.expected for s in self.scenarios):
            codes.append(1)
        if self.problems:
            codes.append(2)
        if any(f.could_not_run for s in self.scenarios for f in s.failures):
            codes.append(3)
        if any(s.internal for s in self.scenarios):
            codes.append(INTERNAL_ERROR)
        return 130 if self.interrupted else max(codes)
