"""The signals that ask a process to end: Ctrl-C, a polite kill, a terminal that is closed.

The first is heard. Those that follow at once change nothing: what it has begun, such as writing the reports, is finished.
One that comes later is from somebody who no longer waits, over a disk that does not answer say.
"""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tfpt_cli.results import SIGNALLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

# A shell ignores Ctrl-C for its jobs in the background; whoever sends it to one nevertheless is heard.
_ALWAYS = (signal.SIGINT, signal.SIGTERM)
# A closed terminal is not heard where it is ignored, which is what `nohup` asks for.
_UNLESS_IGNORED = (signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()


# For so many seconds after the first signal no other one is heard.
PATIENCE = 5.0


class Ended(KeyboardInterrupt):
    """Raised by the first signal where nobody asked to be told of it: it ends what is under way, as Ctrl-C does in Python.

    So does one that comes when the first has had its time.
    """


class EndingSignals:
    """Who is told of the first signal that asks this process to end; `first` is its number, 0 before it came."""

    def __init__(self) -> None:
        self.first = 0
        self._tell: Callable[[], object] | None = None
        self._listening = False
        self._for_good = False
        self._heard_at = 0.0

    @property
    def exit_code(self) -> int:
        """The exit code of a process that the first signal has ended, or a Ctrl-C that was not ours to hear."""
        return SIGNALLED + (self.first or signal.SIGINT)

    @contextmanager
    def heard(self, tell: Callable[[], object] | None = None) -> Iterator[None]:
        """Inside, the first signal calls `tell`, from the main thread; without one it raises `Ended`.

        The outermost of several that are nested listens: outside it the signals are what they were before.
        """
        outer, self._tell = self._tell, tell
        before = self._listen() if not self._listening else {}
        try:
            yield
        finally:
            self._tell = outer
            for number, handler in before.items():
                signal.signal(number, signal.SIG_IGN if self._for_good else handler)
            if before:
                self.first, self._listening, self._for_good = 0, False, False

    def noted(self) -> AbstractContextManager[None]:
        """Inside, the first signal is kept in `first` and nothing else: for what is to be finished whatever comes."""
        return self.heard(lambda: None)

    def last(self) -> None:
        """Says that the process is about to end by the first signal: no other may cut its last steps short."""
        self._for_good = True

    def _listen(self) -> dict[signal.Signals, Any]:
        """Takes the signals over, and gives what they were before; nothing in a thread, where Python cannot."""
        wanted = [*_ALWAYS, *(number for number in _UNLESS_IGNORED if signal.getsignal(number) is not signal.SIG_IGN)]
        try:
            before = {number: signal.signal(number, self._hear) for number in wanted}
        except ValueError:
            return {}
        self._listening = True
        return before

    def _hear(self, number: int, _: object) -> None:
        if self.first:
            if time.monotonic() - self._heard_at < PATIENCE:
                return
            raise Ended
        self.first, self._heard_at = number, time.monotonic()
        if self._tell is None:
            raise Ended
        self._tell()


# Signals are the process's: there is one of these.
SIGNALS = EndingSignals()
