"""A run as a whole: scenarios held against what they expect, problems of files, the report."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from tfpt_cli.frameworks import SIDES
from tfpt_cli.results.outcomes import INTERNAL_ERROR, SIGNALLED, Failure, Symptom
from tfpt_cli.results.printing import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.results.comparisons import Comparison
    from tfpt_cli.results.layers import LayerLine, PairLine


class Status(StrEnum):
    """A scenario held against its `expect`."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


# Of what came out as its `expect` says; one that was skipped, for what the machine lacks, counts too.
EXPECTED = (Status.PASSED, Status.SKIPPED)


@dataclass(frozen=True, order=True)
class Problem:
    """Something wrong in a file, a path or an option, with the likely fix in the message. Line 0: no line applies.

    >>> str(Problem(file="x.yaml", line=3, column=5, message="no key 'of'"))
    "x.yaml:3:5: no key 'of'"
    """

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


@dataclass(frozen=True)
class Explanation:
    """A known difference between two spellings that are nearly the same: what differs, why, and what to write instead.

    `scenario` is the file below `scenarios/` that shows it, in scenarios tagged with its name. `lines` are where it stands in a
    person's own files, by framework.
    """

    name: str
    area: str
    what: str
    why: str
    write: Mapping[str, str]
    source: str
    scenario: str
    lines: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def proof(self) -> str:
        """The command that runs the scenarios which show the difference, wherever it is typed."""
        return f"tfpt explain {self.name} --run"


@dataclass(frozen=True)
class Curve:
    """A quantity over an interval of the input `by`, in both frameworks; None where a side has no number there.

    `parts` says of every point whether both sides part there.
    """

    quantity: str
    by: str
    at: tuple[float, ...]
    sides: dict[Side, tuple[float | None, ...]]
    parts: tuple[bool, ...]


def scenario_id(file: str, title: str) -> str:
    """The id that tells a case from all others of a run: file and title, where `x.yaml` and `./x.yaml` are one file.

    >>> scenario_id("./x.yaml", "tanh")
    'x.yaml::tanh'
    """
    return f"{os.path.normpath(file)}::{title}"


def placed(name: str, line: int) -> str:
    """The id of a scenario with its line, for one that shares its file and title with another.

    >>> placed("x.yaml::tanh", 12)
    'x.yaml::tanh (line 12)'
    """
    return f"{name} (line {line})"


@dataclass(frozen=True)
class ScenarioResult:
    """One case of a scenario, checked: its comparisons and failures, and the status against `expect`.

    `explanations` are the known differences that its comparisons name; `listings` is the code that ran, by side, and `curves`
    its quantities over an interval, where those were asked for. `compared` says in words what its comparisons cover, as in
    "both sides agree in ...". `layers` and `pairs` are those of two models. `cached` says that an earlier run has computed it,
    and nothing of it was run now.
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
    listings: dict[Side, str] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    compared: str = ""
    layers: tuple[LayerLine, ...] = ()
    pairs: tuple[PairLine, ...] = ()
    cached: bool = False

    @property
    def place(self) -> str:
        """The id with the line, which tells it from another one of the same file and title until the file is edited."""
        return self.outline.place

    @property
    def expected(self) -> bool:
        """Whether it came out as its `expect` says; one that was skipped, for what the machine lacks, counts too."""
        return self.outline.expected

    @property
    def agree(self) -> bool:
        """Whether both sides agree in every quantity, whatever was expected of them."""
        return bool(self.comparisons) and all(c.verdict.agrees for c in self.comparisons)

    @property
    def internal(self) -> bool:
        """Whether tfpt itself failed while it checked this scenario."""
        return any(failure.symptom == Symptom.INTERNAL for failure in self.failures)

    @property
    def outline(self) -> Outline:
        """What is counted of it, and what it is found again by."""
        broken = any(failure.could_not_run for failure in self.failures)
        return Outline(self.id, self.line, self.status, self.cached, self.internal, broken)


class Outline(NamedTuple):
    """What is counted of the result of a scenario, and what it is found again by; of the names see `ScenarioResult`."""

    id: str
    line: int
    status: Status
    cached: bool
    internal: bool
    could_not_run: bool

    @property
    def place(self) -> str:
        """The id with the line."""
        return placed(self.id, self.line)

    @property
    def expected(self) -> bool:
        """Whether the status is one of those that are `EXPECTED`."""
        return self.status in EXPECTED

    @property
    def clean(self) -> bool:
        """Whether an exit code of 0 is all that it asks for."""
        return self.expected and not (self.internal or self.could_not_run)


class Outlined(Sequence[ScenarioResult]):
    """Results whose `outlines` are at hand, while they themselves may have to be read from somewhere."""

    def __init__(self) -> None:
        self.outlines: list[Outline] = []


@dataclass(frozen=True)
class Report:
    """Everything a reporter may show.

    `sides` are the two that were compared. `began` is the time in UTC, as ISO
    8601 without a zone; empty where it is not known. `ended_by` is the number of the signal that interrupted the run.
    """

    environment: dict[str, str]
    scenarios: Sequence[ScenarioResult]
    problems: tuple[Problem, ...] = ()
    interrupted: bool = False
    ended_by: int = signal.SIGINT
    stopped: bool = False
    selected: int = 0
    deselected: int = 0
    seconds: float = 0.0
    sides: Sides = SIDES
    began: str = ""

    @property
    def two_versions(self) -> bool:
        """Whether the run compared two versions of one framework."""
        return self.sides[0].framework is self.sides[1].framework

    @cached_property
    def outlines(self) -> Sequence[Outline]:
        """What is counted of every scenario, in their order."""
        known = self.scenarios
        return known.outlines if isinstance(known, Outlined) else [result.outline for result in known]

    @property
    def unexpected(self) -> Iterator[ScenarioResult]:
        """The scenarios that are not as expected, one after another."""
        return (self.scenarios[index] for index, outline in enumerate(self.outlines) if not outline.expected)

    @property
    def summary(self) -> dict[str, int]:
        """The number of scenarios by status."""
        counts = Counter(outline.status for outline in self.outlines)
        return {status.value: counts[status] for status in Status}

    @property
    def cached(self) -> int:
        """The number of scenarios that an earlier run has computed."""
        return sum(outline.cached for outline in self.outlines)

    @property
    def exit_code(self) -> int:
        """The exit code of a run: the highest of these that applies, or that of the signal where it was interrupted.

        0: all as expected; 1: at least one scenario is not; 2: an invalid file; 3: a framework could not run; 4: tfpt itself
        failed.

        >>> broken = Problem(file="x.yaml", line=0, column=0, message="is not there")
        >>> Report(environment={}, scenarios=(), problems=(broken,)).exit_code
        2
        """
        codes = [0]
        if not all(outline.expected for outline in self.outlines):
            codes.append(1)
        if self.problems:
            codes.append(2)
        if any(outline.could_not_run for outline in self.outlines):
            codes.append(3)
        if any(outline.internal for outline in self.outlines):
            codes.append(INTERNAL_ERROR)
        return SIGNALLED + self.ended_by if self.interrupted else max(codes)
