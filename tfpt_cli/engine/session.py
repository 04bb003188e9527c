"""Both frameworks and the reference, kept warm for one run or several."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
from typing import TYPE_CHECKING

from tfpt_cli.engine.options import Observer, Options
from tfpt_cli.engine.run import Pipeline, Queues
from tfpt_cli.frameworks import REFERENCE
from tfpt_cli.scenario.selection import chooser
from tfpt_cli.workers.queue import ListingQueue, end_all

if TYPE_CHECKING:
    from tfpt_cli.engine.run import Chosen
    from tfpt_cli.results import (
        Report,
    )


# Parameters of `mallopt`, as glibc's malloc.h numbers them.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def check(options: Options, observer: Observer | None = None) -> Report:
    """Checks every scenario below the paths and gives the report.

    What a framework or a file does wrong is in the report, and a mistake of tfpt's own too. On Ctrl-C (or SIGTERM) the workers
    are ended and the report holds what was finished until then. Raises `BadExpression` for a `-k` that cannot be read, and
    `Crashed` for an error of ours that is not one scenario's.
    """
    with Session(options) as session:
        return session.check(options, observer)


class Session:
    """Both frameworks and the reference, kept warm for several runs; of its options only the processes' matter."""

    def __init__(self, options: Options) -> None:
        self.queues: list[Queues] = [
            {
                **{side: ListingQueue(side, options.limits, own_code=options.allow_code) for side in options.sides},
                REFERENCE: ListingQueue(REFERENCE, options.limits.of_reference()),
            }
            for _ in range(options.workers)
        ]
        self._runner = asyncio.Runner()

    def __enter__(self) -> Session:
        gc.set_threshold(
            100_000, 50, 100
        )  # thousands of small trees and texts live shortly, and hardly one in a circle
        _keep_freed_memory()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._runner.close()

    def begin(self) -> None:
        """Starts the processes, which import their frameworks while the caller does something else."""
        self._runner.run(_begin_all(self.queues))

    def check(self, options: Options, observer: Observer | None = None) -> Report:
        """The report of one run, on the frameworks that this session has started, or starts now."""
        chosen = chooser(options.expression, options.tags)
        return self._runner.run(self.pipeline(options, observer or Observer(), chosen).run())

    def pipeline(self, options: Options, observer: Observer, chosen: Chosen) -> Pipeline:
        """A new pipeline, which runs the scenarios of these options once."""
        return Pipeline(options, observer, chosen, self.queues)

    def end(self) -> None:
        """Ends every process; a later run starts them anew."""
        self._runner.run(end_all(self.queues))


async def _begin_all(queues: list[Queues]) -> None:
    await asyncio.gather(*(queue.begin() for each in queues for queue in each.values()))


def _keep_freed_memory() -> None:
    """Has glibc keep what is freed for the next array, within 64 MiB.

    Else the pieces in which arrays are compared are given back to the system one by one, and are new pages each time: two to
    four times as slow. glibc comes to these limits by itself once an array of 32 MiB was let go (`man 3 mallopt`).
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(_TRIM_THRESHOLD, 64 << 20)
