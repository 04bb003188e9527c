"""A progress bar on a terminal, for as long as a run takes."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from tfpt_cli.engine.options import Observer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from tfpt_cli.results import ScenarioResult

# How long a run may take before a bar appears, in seconds.
A_MOMENT = 0.7
# In a line that is full, the ^C that a terminal shows begins another, and the bar is not taken away.
_BAR = 24


class Progress(Observer):
    """Counts what is checked. The bar is on the console given, or on standard error, where that is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self._bar: Bar | None = None
        self._timer: threading.Timer | None = None
        self._total = self._done = 0
        self._known = False  # whether the total is that of all files

    def __enter__(self) -> Progress:
        if self._console.is_terminal if self._console is not None else sys.stderr.isatty():
            self._timer = threading.Timer(A_MOMENT, self._start)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._bar is not None:
            with suppress(OSError):  # the terminal was closed
                self._bar.stop()

    def _start(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        from tfpt_cli.report.console import plain_console

        columns = TextColumn("{task.description}"), BarColumn(_BAR), MofNCompleteColumn(), TimeElapsedColumn()
        bar = Bar(*columns, console=self._console or plain_console(None, stderr=True), transient=True)
        bar.add_task(self._words, total=self._known_total, completed=self._done)
        bar.start()
        self._bar = bar

    @property
    def _words(self) -> str:
        return "checking" if self._done else "starting PyTorch and TensorFlow"

    @property
    def _known_total(self) -> int | None:
        """None while files are still to be read: of very many scenarios only so many are read as are soon checked."""
        return self._total if self._known else None

    def _update(self) -> None:
        if self._bar is not None:
            task = self._bar.tasks[0].id
            self._bar.update(task, total=self._known_total, completed=self._done, description=self._words)

    def selected(self, count: int) -> None:
        self._total = count
        self._update()

    def all_read(self) -> None:
        self._known = True
        self._update()

    def finished(self, _: ScenarioResult) -> None:
        self._done += 1
        self._update()
