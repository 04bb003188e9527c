"""What running a listing gave: its quantities as values, or a failure, which is a value too."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tfpt_cli.budget import TookTooLong
from tfpt_cli.frameworks import OURSELVES, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.frameworks import Side
    from tfpt_cli.results import Way
    from tfpt_cli.results.quantities import Quantity


class State(StrEnum):
    """The state of a quantity on a side: whether it has a value, and if not, why."""

    PRESENT = "present"
    DISCONNECTED = "disconnected"  # the framework answered None for a derivative
    ABSENT = "absent"  # the layer has no such parameter
    FAILED = "failed"
    SKIPPED = "skipped"  # the machine lacks what it needs
    NOT_COMPARED = "not compared"  # nothing is said of it, since the other side failed


class Symptom(StrEnum):
    """How a failure shows: what the framework, its process, tfpt itself or the scenario did."""

    EXCEPTION = "exception"  # the framework itself refused the code
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    NONSENSE = "nonsense"
    NOT_INSTALLED = "not installed"
    NOT_STARTED = "not started"
    INTERNAL = "internal"  # a mistake of tfpt's own
    OF_SCENARIO = "scenario"  # only another scenario can mend it


# The exit code of a mistake of tfpt's own, which no other outcome has.
INTERNAL_ERROR = 4
# The exit code of what a signal has ended is this and the signal's number, as shells have it.
SIGNALLED = 128


@dataclass(frozen=True)
class Failure:
    """A side that raised, crashed, hung, talked nonsense or could not be started, as a value.

    Its side is `tfpt`, with a `traceback`, where tfpt itself failed, and `scenario` where what is written does not fit what was
    found when it ran. `where` is the line of a person's own file, and the layer, at which it was raised.
    """

    side: Side
    symptom: Symptom
    message: str
    listing_line: int | None = None
    traceback: str = ""
    where: str | None = None

    @classmethod
    def internal(cls, error: Exception, doing: str) -> Failure:
        """A mistake of tfpt's own: what it was `doing` (`comparing`), and the exception.

        That memory or the time of a budget was short is none.
        """
        reading = doing.startswith("reading")
        less = (
            "split it, or make it smaller"
            if reading
            else "make the arrays smaller, leave the reference out (--no-reference)"
        )
        if isinstance(error, TookTooLong):
            return cls.of_scenario(f"{doing} took tfpt itself {error}; {less}, or allow more: --timeout")
        if isinstance(error, MemoryError):
            why = f"{doing} takes more memory than tfpt itself has here{f' ({error})' if str(error) else ''}"
            return cls.of_scenario(f"{why}; {less}, or allow more: --memory")
        text = " ".join(str(error).split())[:300]
        message = (
            f"tfpt itself failed while {doing}: {type(error).__name__}{': ' if text else ''}{text}; this says nothing of "
            "your code. Please report it, with the scenario and the traceback (-v, or the JSON report)"
        )
        lines = traceback.format_exception(error, limit=-_TRACEBACK)
        return cls(OURSELVES, Symptom.INTERNAL, message, traceback="".join(lines)[-_TRACEBACK_TEXT:])

    @classmethod
    def of_scenario(cls, message: str) -> Failure:
        """What a person can mend in the scenario alone: it names something that there is not, or does not say enough."""
        return cls(WRITTEN, Symptom.OF_SCENARIO, message)

    @property
    def could_not_run(self) -> bool:
        """True where the framework's process broke, false where the framework itself, or tfpt, refused the code."""
        return self.symptom not in (Symptom.EXCEPTION, Symptom.INTERNAL, Symptom.OF_SCENARIO)


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
    """The outcome of running a listing on one side.

    It holds the values by (quantity, way), the failures, and how many seconds the run took.
    """

    side: Side
    values: Mapping[tuple[Quantity, Way], Value]
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0
