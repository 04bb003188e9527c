"""Files of weights, each open in a process: that of the framework whose format it is, else one that imports none.

Every file is read in a process, whatever its format: it may come from anywhere, and what damages a process (a library that
crashes, an array that fills the memory, a read that hangs) is then a message. Statistics are taken there; numbers come
here when they are asked for, one entry at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.checkpoints.contents import CannotRead, Contents, Statistics, contents_of
from tfpt_cli.frameworks import NUMPY, SIDES, TORCH, Side
from tfpt_cli.private import TemporaryFolder
from tfpt_cli.results import Symptom
from tfpt_cli.workers.child import protocol
from tfpt_cli.workers.child.weight_files import Found, Refused, find
from tfpt_cli.workers.child.weight_files.entries import DAMAGED, numpy_dtype
from tfpt_cli.workers.process import Broken, Limits, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tfpt_cli.checkpoints.contents import Entry
    from tfpt_cli.frameworks import Sides

# The process of a file that needs no framework: NumPy, and the library of its format.
_READER = Side(key="reader", label="the reader", framework=NUMPY)
# A file of many gigabytes takes as long as its disk does; an entry of it does not.
LIMITS = Limits(timeout=600.0)
# What to do about a process that failed over a file, by the symptom.
_FIXES = {
    Symptom.CRASHED: "it may be damaged, or need more --memory",
    Symptom.TIMEOUT: "it may be damaged, or lie on a disk that does not answer: copy it to another one",
    Symptom.NONSENSE: "see that '{}' is the Python that is meant, and that nothing in it writes into tfpt's pipes",
}


class Checkpoint:
    """An open file of weights: what is in it, and the numbers of its entries. `opened` makes one."""

    def __init__(self, path: str, inside: str, sides: Sides, limits: Limits) -> None:
        self.path, self._inside, self._limits = path, inside, limits
        self.contents = Contents(path, "", "", ())
        self._runner: asyncio.Runner | None = None
        try:
            found = find(path)
        except Refused as refused:
            raise CannotRead(path, refused.problem, refused.fix) from None
        self._framework = found.framework
        side = next((side for side in sides if side.framework == found.framework), _READER)
        if side.framework is TORCH and limits.memory:
            # PyTorch maps a file so that the system counts it as memory of the process, though it takes none.
            limits = replace(limits, memory=limits.memory + _largest(found) / 2**30)
        self._worker = Worker(side, limits)
        self._count = 0
        self._entries: dict[str, Entry] = {}

    def statistics(self, name: str) -> Statistics:
        """The statistics of an entry, taken in the file's process. Raises `CannotRead`."""
        numbers = self._asked("statistics", name).get("statistics")
        if (
            not isinstance(numbers, list)
            or [type(each) for each in numbers] != [float] * 5
            or not math.isfinite(numbers[4])
        ):
            raise self._nonsense(f"the statistics of '{name}' are {_short(numbers)}")
        mean, std, least, greatest, odd = numbers
        return Statistics(mean, std, least, greatest, int(odd))

    def read(self, name: str) -> NDArray[Any]:
        """The numbers of an entry, in its shape and dtype (bfloat16 and float8 of `ml_dtypes`). Raises `CannotRead`."""
        import numpy as np

        entry = self._entries[name]
        try:
            temporary = TemporaryFolder()
        except OSError as error:
            fix = "let TMPDIR be a folder with room for it"
            raise CannotRead(self.path, f"its numbers cannot be handed over: {error.strerror}", fix) from None
        with temporary as folder:
            answer = self._asked("read", name, os.path.join(folder, "numbers"))
            if (answer.get("dtype"), answer.get("shape")) != (entry.dtype, list(entry.shape)):
                said = f"{_short(answer.get('dtype'))} {_short(answer.get('shape'))}"
                raise self._nonsense(f"the numbers of '{name}' are {said}, not {entry.dtype} {list(entry.shape)}")
            try:
                dtype = numpy_dtype(entry.dtype)
                if not entry.size:
                    return np.empty(entry.shape, dtype)
                # Of a file that is taken from here, since the process may have left anything in its place.
                held = protocol.mapped(folder, "numbers", entry.size * dtype.itemsize)
                return np.frombuffer(held, dtype).reshape(entry.shape)
            except protocol.Nonsense as error:
                raise self._nonsense(str(error)) from None
            except Refused as refused:
                raise CannotRead(self.path, refused.problem, refused.fix) from None

    def _asked(self, what: str, name: str, into: str = "") -> dict[str, Any]:
        assert self._runner is not None
        return self._runner.run(self._ask(what, name, into))

    async def _start(self) -> None:
        """Starts the process, imports the framework where the format needs one, and reads what is in the file."""
        try:
            await self._worker.start()
            if self._framework:
                await self._worker.load()
            else:
                await self._worker.greet()
        except Broken as broken:
            raise CannotRead(self.path, broken.failure.message) from None
        answer = await self._ask("open", "")
        try:
            self.contents = contents_of(self.path, answer)
            self._entries = {entry.name: entry for entry in self.contents.entries}
        except ValueError as error:
            raise self._nonsense(str(error)) from None

    async def _ask(self, what: str, name: str, into: str = "") -> dict[str, Any]:
        """The answer of `weight_files.answer` in the process. Raises `CannotRead`."""
        self._count += 1
        request: dict[str, Any] = {
            "id": self._count,
            "weights": what,
            "path": self.path,
            "inside": self._inside,
            "name": name,
            "into": into,
        }
        if what == "open" and not self._framework:
            request["memory"] = self._limits.memory  # of one that imports a framework the limit is set after that
        self._worker.write(request)
        try:
            answer, _ = await self._worker.read(self._limits.timeout, "run", arrays=False)
        except Broken as broken:
            if broken.endless:
                words = "it is damaged: reading it took more of the processor than a file of its size can need, and was ended"
                raise CannotRead(self.path, words, DAMAGED) from None
            fix = _FIXES.get(broken.failure.symptom, "").format(self._worker.interpreter)
            raise CannotRead(self.path, f"reading it failed: {broken.failure.message}", fix) from None
        if answer.get("id") != self._count:
            raise self._nonsense(f"an answer to {_short(answer.get('id'))} where {self._count} was asked")
        if "refused" in answer:
            said = answer["refused"]
            if not isinstance(said, list) or len(said) != 2 or not all(isinstance(each, str) for each in said):
                raise self._nonsense(f"it refused with {_short(said)}")
            raise CannotRead(self.path, *said)
        return answer

    def _nonsense(self, what: str) -> CannotRead:
        """The end of a file whose process answers what it does not mean."""
        words = f"reading it failed: {self._worker.side.label}'s process talks nonsense: {what}"
        return CannotRead(self.path, words, _FIXES[Symptom.NONSENSE].format(self._worker.interpreter))

    async def _end(self) -> None:
        await self._worker.end()


def _short(value: object) -> str:
    """A value that a process sent, in so few characters that it can be shown."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _largest(found: Found) -> int:
    """The size of the largest file that is opened at once, in bytes."""
    folder = os.path.dirname(found.path) or "."
    paths = os.scandir(folder) if found.format == "sharded" else ()
    return max([os.path.getsize(found.path), *(path.stat().st_size for path in paths)])


@contextlib.contextmanager
def opened(
    *paths: str, inside: str = "", sides: Sides = SIDES, limits: Limits = LIMITS
) -> Iterator[tuple[Checkpoint, ...]]:
    """The files open, each in a process of its own, started together. Raises `CannotRead` for the first that cannot be.

    `inside` chooses a nested dict of a PyTorch file (`ema`), where it holds several.

        with opened("net.pt", "net.weights.h5") as (torch, keras):
            for entry in torch.contents.entries:
                array = torch.read(entry.name)
    """
    checkpoints = tuple(Checkpoint(path, inside, sides, limits) for path in paths)
    with asyncio.Runner() as runner:
        try:
            runner.run(_all(checkpoints))
            for checkpoint in checkpoints:
                checkpoint._runner = runner
            yield checkpoints
        finally:
            runner.run(_ended(checkpoints))


async def _all(checkpoints: tuple[Checkpoint, ...]) -> None:
    done = await asyncio.gather(*(each._start() for each in checkpoints), return_exceptions=True)
    for error in done:
        if error is not None:
            raise error


async def _ended(checkpoints: tuple[Checkpoint, ...]) -> None:
    await asyncio.gather(*(each._end() for each in checkpoints))
