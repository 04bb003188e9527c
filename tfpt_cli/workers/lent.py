"""Processes that another one has started and lends: their frameworks are imported already, so that a run need not wait.

Whoever lends puts them on the `SHELF` of a process that is forked for one run. That run takes them as it would start its own, and
leaves each as it was; one that breaks is replaced by a fresh one, as if it had never been lent, so that a run comes to the
same with them and without.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from tfpt_cli.results import Symptom
from tfpt_cli.workers.process import Broken, Limits, Worker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfpt_cli.frameworks import Side


@dataclass
class Lent:
    """A process that was asked to import its framework: its number, the ends of its pipes, and what it may run.

    `versions` are those that it has said to an earlier borrower. `clean` is whether it was given back as it was taken, with
    nothing asked that it has not answered; one in which a person's own code ran is not.
    """

    pid: int
    stdin: int
    stdout: int
    stderr: int
    memory: float
    own_code: bool
    versions: dict[str, str] = field(default_factory=dict)
    clean: bool = True


# What this process may take, by the key of a side.
SHELF: dict[str, Lent] = {}


def borrowed(side: Side, limits: Limits, *, own_code: bool) -> Worker | None:
    """A lent process in place of one that would be started; None where there is none that is just so."""
    lent = SHELF.get(side.key)
    if lent is None or side.interpreter or (lent.memory, lent.own_code) != (limits.memory, own_code):
        return None
    return LentWorker(side, limits, SHELF.pop(side.key), own_code=own_code)


class LentWorker(Worker):
    """A process that is lent, asked and read as one of our own."""

    lent = True

    def __init__(self, side: Side, limits: Limits, it: Lent, *, own_code: bool) -> None:
        super().__init__(side, limits, own_code=own_code)
        self._it = it
        self._asked = 0
        it.clean = False

    async def start(self) -> None:
        """Takes its pipes. Raises `Broken` where they are gone."""
        try:
            self.process = cast("asyncio.subprocess.Process", await _Pipes.of(self._it))
        except OSError as error:
            raise Broken(self._failure(Symptom.CRASHED, f"a process that was lent has gone: {error}")) from None
        self._reader = asyncio.create_task(self._keep_stderr())

    async def load(self) -> None:
        """Waits until its framework is imported, where nobody has yet. Raises `Broken`."""
        if not self._it.versions:
            await super().load()
            self._it.versions = self.versions
        self.versions = dict(self._it.versions)

    def ask_to_load(self) -> None:
        """Nothing: whoever lends it has asked."""

    def write(self, header: dict[str, Any], blobs: Iterable[Any] = ()) -> None:
        """Hands a request to the process, whose answer is then awaited."""
        self._asked += 1
        super().write(header, blobs)

    async def read(
        self, seconds: float, doing: str, limit: float | None = None, *, arrays: bool = True
    ) -> tuple[dict[str, Any], list[bytearray]]:
        """The next frame, as `Worker.read`; the last one of an answer says `done`."""
        header, blobs = await super().read(seconds, doing, limit, arrays=arrays)
        self._asked -= bool(header.get("done"))
        return header, blobs

    async def _ended(self, partial: bytes) -> Broken:
        del partial  # why is for its parent to know; another process is asked instead
        return Broken(self._failure(Symptom.CRASHED, f"{self.side.label}'s process, which was lent, has gone"))

    def kill(self) -> None:
        """Ends the process at once, unless it can be given back."""
        if self._reader is not None:
            self._reader.cancel()
        if self._asked or self.own_code or not self._it.versions:
            try:
                os.killpg(self._it.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        else:
            self._it.clean = True

    async def end(self) -> None:
        """Gives the process back, or ends it, and lets go of its pipes."""
        self.kill()
        if self.process is not None:
            self.process._transport.close()  # type: ignore[attr-defined]


class _Pipes:
    """The pipes of a process, in place of the `asyncio.subprocess.Process` that its parent has."""

    returncode = None

    def __init__(self, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader) -> None:
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self._open: list[asyncio.BaseTransport] = [stdin.transport]

    @property
    def _transport(self) -> _Pipes:
        return self

    def close(self) -> None:
        """Lets go of the pipes."""
        for each in self._open:
            each.close()

    @classmethod
    async def of(cls, lent: Lent) -> _Pipes:
        """The pipes of a lent process. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        source, flow = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(lent.stdin, "wb", 0))
        pipes = cls(
            asyncio.StreamWriter(source, flow, None, loop),
            asyncio.StreamReader(limit=1 << 22, loop=loop),
            asyncio.StreamReader(loop=loop),
        )
        for reader, number in ((pipes.stdout, lent.stdout), (pipes.stderr, lent.stderr)):
            protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
            transport, _ = await loop.connect_read_pipe(partial(_same, protocol), os.fdopen(number, "rb", 0))
            pipes._open.append(transport)
        return pipes


def _same(protocol: asyncio.StreamReaderProtocol) -> asyncio.StreamReaderProtocol:
    return protocol
