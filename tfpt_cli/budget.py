"""What tfpt's own process may take of the processor and of memory: to read one document, to compare one scenario.

The processes of the frameworks have limits of their own; this one reads what anybody wrote, and compares arrays of any size.
Where its budget ends the document or the scenario fails by that, and the others go on.
"""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

try:
    import resource
except ImportError:  # no such limits on this system
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from types import FrameType, TracebackType

# The time that is left is looked at again after so many seconds, where what was interrupted has swallowed that it was.
_AGAIN = 0.1
# So many gigabytes a step has at least. Within one NumPy and SciPy may be imported, each with an OpenBLAS, which takes 32 MB and
# the stack of a thread for each processor, and where it has too little tries again for ever, or ends the process.
_LEAST = 0.5 + (os.cpu_count() or 1) / 50
# What runs while a module is imported: half of one cannot be imported a second time.
_IMPORTING = "<frozen importlib."


class TookTooLong(Exception):
    """The processor time of a budget is used up; its text says how much that was."""


class _Ends(BaseException):
    """Raised by the clock in the middle of anything: no `except Exception` of what is interrupted may take it for its own."""


@dataclass(frozen=True)
class Budget:
    """Seconds of processor time for one document or scenario, and gigabytes of memory more than there were before (0: no limit).

    Processor time, that of all threads: a machine that is busy with something else makes nothing fail. Less than half a gigabyte
    is as much as that, for what tfpt itself imports.
    """

    seconds: float = 60.0
    memory: float = 8.0

    def allowance(self) -> Allowance:
        """All of the budget, not spent yet, for one document or one scenario."""
        return Allowance(self)


# What nobody has said otherwise.
BUDGET = Budget()


class Allowance:
    """A budget that is spent in several steps, each within `with`.

    Such a step raises `TookTooLong` where the time is used up, and `MemoryError` where memory is. Within another one's step it
    limits nothing. The time has a limit in the main thread of a system with `SIGPROF`, where no profiler uses it, and memory on
    Linux. A single call into a library is not interrupted.

    >>> with Budget(seconds=0.01).allowance():
    ...     while True:
    ...         pass
    Traceback (most recent call last):
    tfpt_cli.budget.TookTooLong: more than 0.01 s of processor time
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._left = budget.seconds
        self._timed = False
        self._over = False
        self._data: tuple[int, int] | None = None

    @property
    def spent(self) -> bool:
        """Whether a step has raised `TookTooLong`, as each further one would."""
        return not self._left

    def __enter__(self) -> None:
        if _spends or threading.current_thread() is not threading.main_thread():
            return
        if self.spent:
            raise self._ended()
        _spends.append(self)
        self._limit_memory()
        self._timed = _clock_is_free()
        if self._timed:
            signal.setitimer(signal.ITIMER_PROF, self._left, _AGAIN)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self not in _spends:
            return
        _spends.clear()  # first: from here on a tick does nothing
        if self._timed:
            self._left = signal.setitimer(signal.ITIMER_PROF, 0.0)[0]
        if self._data is not None:
            resource.setrlimit(resource.RLIMIT_DATA, self._data)
            self._data = None
        if self._over:
            self._left = 0.0
            # Of what has ended meanwhile, too: a call that is not interrupted, what has swallowed that it was, or what made
            # another error of it. That a generator has come to its end is none.
            if error is None or (isinstance(error, (_Ends, Exception)) and not isinstance(error, StopIteration)):
                raise self._ended() from None

    def _ended(self) -> TookTooLong:
        return TookTooLong(f"more than {self.budget.seconds:g} s of processor time")

    def _limit_memory(self) -> None:
        """Lets the memory of this process grow by so much; beyond that `MemoryError` is raised, and the machine is not filled."""
        if not self.budget.memory:
            return
        try:
            there = int(_size_of_this_process().split()[5]) * resource.getpagesize()
            soft, hard = self._data = resource.getrlimit(resource.RLIMIT_DATA)
            most = there + int(max(self.budget.memory, _LEAST) * 2**30)
            resource.setrlimit(resource.RLIMIT_DATA, (most if soft < 0 else min(most, soft), hard))
        except (AttributeError, OSError, ValueError, IndexError, OverflowError):
            self._data = None  # no such limit here


# Whose step is under way in this process: at most one's.
_spends: list[Allowance] = []


def _tick(_: int, frame: FrameType | None) -> None:
    """Ends the step that is under way; in the middle of an import, or of what begins and ends a step, at the next tick."""
    for allowance in _spends:
        allowance._over = True
    if frame is not None and frame.f_code.co_filename == __file__:
        return
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            return
        frame = frame.f_back
    if _spends:
        raise _Ends


def _clock_is_free() -> bool:
    """Whether the clock of processor time is ours to set: no profiler uses it."""
    if not hasattr(signal, "SIGPROF") or signal.getitimer(signal.ITIMER_PROF)[0]:
        return False
    handler = signal.getsignal(signal.SIGPROF)
    if handler is signal.SIG_DFL:
        # It stays ours: by default a tick that comes late would end the process.
        signal.signal(signal.SIGPROF, _tick)
    return handler in (signal.SIG_DFL, _tick)


def _size_of_this_process() -> bytes:
    """What Linux says of the memory of this process, in pages; not by a file object, which takes twice as long."""
    file = os.open("/proc/self/statm", os.O_RDONLY)
    try:
        return os.read(file, 200)
    finally:
        os.close(file)
