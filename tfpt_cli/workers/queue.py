"""The queue of one side's listings: sent ahead, answered in order, served by one process after another.

Nothing here raises for what a framework does: a failure is part of the `Outcome`.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.results import Failure, Outcome, Quantity, State, Symptom, Value, Way
from tfpt_cli.workers.child import protocol
from tfpt_cli.workers.child.tiles import in_order
from tfpt_cli.workers.lent import borrowed
from tfpt_cli.workers.process import Broken, Limits, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tfpt_cli.frameworks import Side
    from tfpt_cli.listing import Listing

# Listings that a worker is given ahead of its answers, so that it never waits for the parent.
AHEAD = 32
# Seconds between the attempts to start a process that was killed while it imported its framework.
_PAUSES = (0.5, 2.0)


@dataclass
class _Job:
    id: int
    listing: Listing
    done: Callable[[Outcome], None]
    soon: bool = False
    sent: bool = False
    again: bool = False  # a signal from outside ended the process over it once


@dataclass
class ListingQueue:
    """One side's queue: outcomes come in the order in which listings were added.

    A queue may serve several runs, one after another: its worker stays until `end`. With `own_code` a person's may run there.
    """

    side: Side
    limits: Limits = field(default_factory=Limits)
    own_code: bool = False

    def __post_init__(self) -> None:
        self.versions: dict[str, str] = {}
        self._jobs: deque[_Job] = deque()
        self._added = asyncio.Event()
        self._closed = False
        self._dead: Failure | None = None
        self._worker: Worker | None = None
        self._loaded = False
        self._count = 0

    def renew(self) -> None:
        """Makes ready for another run: an empty, open queue."""
        self._jobs.clear()
        self._closed = False

    async def open(self) -> None:
        """Makes ready for another run, and starts a process where there is none."""
        self.renew()
        if self._worker is None and self._dead is None:
            await self.start()

    async def begin(self) -> None:
        """Starts the first worker's process and has it import its framework, without waiting for either."""
        await self.open()
        if self._worker is not None and not self._worker.importing:
            self._worker.ask_to_load()

    async def start(self) -> None:
        """Starts the first worker's process; the framework is imported when the first listing is there."""
        lent = borrowed(self.side, self.limits, own_code=self.own_code)
        self._worker = lent or Worker(self.side, self.limits, own_code=self.own_code)
        try:
            await self._worker.start()
        except Broken as broken:
            if lent is not None:
                return await self.start()
            self._dead = broken.failure

    def add(self, listing: Listing, done: Callable[[Outcome], None], *, soon: bool = False) -> None:
        """Queues a listing; `done` is called with its outcome.

        With `soon`, before all that the worker does not have yet, but behind others that are to be run so.
        """
        job = _Job(id=self._count, listing=listing, done=done, soon=soon)
        if soon:
            ahead = itertools.takewhile(lambda queued: queued.sent or queued.soon, self._jobs)
            self._jobs.insert(sum(1 for _ in ahead), job)
        else:
            self._jobs.append(job)
        self._count += 1
        self._added.set()

    def close(self) -> None:
        """Says that no more listings come; `serve` returns when the queue is empty."""
        self._closed = True
        self._added.set()

    async def end(self) -> None:
        """Ends the worker, whatever it does."""
        if self._worker is not None:
            await self._worker.end()
            self._worker = None
        self._loaded = False

    async def serve(self) -> None:
        """Runs the queue until it is closed and empty."""
        while True:
            if not self._jobs:
                if self._closed:
                    return
                self._added.clear()
                await self._added.wait()
                continue
            if not self._loaded and self._dead is None:
                self._loaded = await self._load()
            if self._dead is not None:
                job = self._jobs.popleft()
                job.done(self._failed(job, self._dead))
                await asyncio.sleep(0)
                continue
            self._loaded = await self._next()

    async def _load(self) -> bool:
        """Imports the framework. A process that is killed meanwhile is started again, twice, before it is given up."""
        for pause in (*_PAUSES, None):
            if self._worker is None:
                await self.start()
            if self._worker is None or self._dead is not None:
                return False
            try:
                await self._worker.load()
            except Broken as broken:
                lent = self._worker.lent
                await self._replace()
                if lent:
                    continue
                if pause is None or not broken.by_signal:
                    self._dead = broken.failure
                    return False
                await asyncio.sleep(pause)
            else:
                self.versions = self._worker.versions
                return True
        return False

    def _failed(self, job: _Job, failure: Failure) -> Outcome:
        """The outcome of a listing of which nothing came back."""
        return Outcome(
            side=self.side,
            values={key: Value(State.FAILED, failure=failure) for key in job.listing.keys},
            failures=(failure,),
        )

    async def _replace(self) -> None:
        await self.end()
        for job in self._jobs:
            job.sent = False

    async def _next(self) -> bool:
        """Takes one outcome; False where the worker broke over it and the next listing needs a fresh one."""
        worker = self._worker
        assert worker is not None
        for job in itertools.islice(self._jobs, AHEAD):
            if not job.sent:
                name = f"<{self.side.framework} listing>"  # always the same, so that a section may be compiled once
                worker.write(*_request(job, name, worker))
                job.sent = True
        began = time.perf_counter()
        job = self._jobs[0]
        answer = _Answer(job, worker)
        limit = self.limits.timeout
        try:
            while not answer.done:
                left = limit - (time.perf_counter() - began)
                answer.take(*await worker.read(max(left, 0.001), "run", limit))
            outcome = answer.outcome()
        except Broken as broken:
            if worker.lent and broken.failure.symptom != Symptom.TIMEOUT:
                await self._replace()  # by one of our own, which is asked the same
                return False
            if broken.from_outside and not job.again:
                job.again = True
                await self._replace()
                return False
            failure = broken.failure
            if job.again:
                failure = replace(failure, message=f"{failure.message} (a second time: it was tried again)")
            outcome = answer.outcome(failure)
        except (protocol.Nonsense, KeyError, ValueError, TypeError, IndexError, OverflowError) as error:
            if worker.lent:
                await self._replace()
                return False
            said = str(error) if isinstance(error, protocol.Nonsense) else f"{type(error).__name__}: {error}"
            message = f"{self.side.label}'s process talks nonsense: {said}"
            outcome = self._failed(job, Failure(side=self.side, symptom=Symptom.NONSENSE, message=message))
        self._jobs.popleft()
        job.done(replace(outcome, seconds=time.perf_counter() - began))
        usable = not any(failure.could_not_run for failure in outcome.failures)
        if not usable:
            await self._replace()
        return usable


async def end_all(queues: Iterable[Mapping[Side, ListingQueue]]) -> None:
    """Ends every process of several sets of queues."""
    await asyncio.gather(*(queue.end() for each in queues for queue in each.values()))


def _request(job: _Job, name: str, worker: Worker) -> tuple[dict[str, Any], list[Any]]:
    """The message that a process is sent for a listing: its sections, and behind them its arrays as raw bytes.

    What is in a dict (`weights/conv.bias`) and was in that of the listing before is not sent again: the process has kept it.
    What is large is put into a file, one array after another, or lies in one that another process has left.
    """
    import numpy as np  # not above: the processes are started before anything slow is imported

    arrays = job.listing.arrays
    taken: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    for key, array in arrays.items():
        if worker.kept.get(key) is array:
            taken.append({"name": key, "kept": True})
            continue
        given: dict[str, Any] = {"name": key, "stored": array.dtype.str, "shape": list(array.shape)}
        taken.append(given)
        if "/" in key and (place := worker.place_of(array)):
            given.update(place)
            continue
        large = bool(worker.folder) and array.nbytes >= protocol.LARGE
        # Not `ascontiguousarray`, which makes a number an array of one.
        sent = np.asarray(array, order="C") if array.flags.c_contiguous or not large else in_order(array)
        file = protocol.put(worker.folder, sent.reshape(-1).view(np.uint8)) if large else ""
        given.update({"file": file, "size": sent.nbytes} if file else {})
        blobs += [] if file else [sent.tobytes()]
    worker.kept = {key: array for key, array in arrays.items() if "/" in key}
    header = {"id": job.id, "name": name, "sections": job.listing.request(), "arrays": taken}
    return {**header, "task": job.listing.task, "resumes": job.listing.resumes}, blobs


class _Answer:
    """The part of an answer to one listing that a worker has sent so far."""

    def __init__(self, job: _Job, worker: Worker) -> None:
        self.job, self.worker, self.side, self.done = job, worker, worker.side, False
        self.values: dict[tuple[Quantity, Way], Value] = {}
        self.failures: list[Failure] = []

    def take(self, header: dict[str, Any], blobs: list[bytearray]) -> None:
        """Takes one more part. Raises `ValueError` or `Nonsense` for one that does not fit."""
        if header.get("id") != self.job.id:
            raise ValueError(f"an answer to {header.get('id')} where {self.job.id} was asked")
        import numpy as np  # not above: the processes are started before anything slow is imported

        waiting = iter(blobs)
        for item in header["values"]:
            key = item["quantity"], item["how"]
            if item["state"] != "present":
                self.values[key] = Value(State(item["state"]), reason=str(item.get("reason", "")))
                continue
            try:
                dtype, shape = np.dtype(item["stored"]), item["shape"]
            except SyntaxError:  # NumPy reads some texts as Python
                raise ValueError(f"an array of {str(item['stored'])[:60]}") from None
            if dtype.kind not in "fiubc" or not all(type(length) is int and length >= 0 for length in shape):
                raise ValueError(f"an array of {dtype} of the shape {str(shape)[:60]}")
            if "file" in item:
                data = self.worker.handed(str(item["file"]), dtype.itemsize * math.prod(shape))
            else:
                data = next(waiting, bytearray())
            array = np.frombuffer(data, dtype=dtype).reshape(shape)
            self.values[key] = Value(state=State.PRESENT, array=array, dtype=str(item["dtype"]))
        for item in header["failures"]:
            if len(self.failures) == len(self.job.listing.sections):
                raise ValueError("more failures than there are sections")
            if not isinstance(item["line"], int | None) or not isinstance(item.get("where"), str | None):
                raise ValueError(f"a failure at {str(item['line'])[:60]}")
            failure = Failure(
                side=self.side,
                symptom=Symptom.EXCEPTION,
                message=str(item["message"]),
                listing_line=item["line"],
                where=item.get("where"),
            )
            self.failures.append(failure)
            self.values |= {(quantity, how): Value(State.FAILED, failure=failure) for quantity, how in item["keys"]}
        self.done = bool(header["done"])

    def outcome(self, broken: Failure | None = None) -> Outcome:
        """The outcome in the order of the listing; what is not there yet has failed where the process broke.

        Raises `ValueError` for what is not there though the process did not break.
        """
        keys = self.job.listing.keys
        missing = [key for key in keys if key not in self.values]
        if broken is None and missing:
            raise ValueError(f"no answer for {missing[0][0]}")
        values = {key: self.values.get(key) or Value(State.FAILED, failure=broken) for key in keys}
        failures = dict.fromkeys(
            [*self.failures, *filter(None, [broken])]
        )  # one may keep several sections from running
        return Outcome(side=self.side, values=values, failures=tuple(failures))
