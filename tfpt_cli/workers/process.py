"""One process of one framework, as its parent sees it: started, asked, read, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from tfpt_cli.budget import BUDGET, Budget
from tfpt_cli.private import TemporaryFolder
from tfpt_cli.results import Failure, Symptom
from tfpt_cli.workers.child import protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side

CHILD = Path(__file__).with_name("child") / "child.py"
STDERR_KEPT = 16_000
REFERENCE_TIMEOUT = 10.0
# A line that is not why a process ended: of the stack that TensorFlow prints behind the reason, or what it says at every start.
_FRAME = re.compile(
    r"\s*(@\s+0x[0-9a-f]+\s|\*\*\* Check failure stack trace|[IW]\d{4} |E\d{4} .*cuda|WARNING: All log messages before)"
)
_NO_ROOM = "No usable temporary directory found"
# What ends a process that reads a damaged file without end, see `child/weight_files/hdf5_file.py`.
_XCPU = getattr(signal, "SIGXCPU", -1)
_SENT = {getattr(signal, name) for name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)}


@dataclass(frozen=True)
class Limits:
    """Seconds a scenario may take, seconds a framework may take to start, and gigabytes a worker may use.

    tfpt's own process may take as much for each scenario, in processor time, as `own` says.
    """

    timeout: float = BUDGET.seconds
    start: float = 300.0
    memory: float = BUDGET.memory

    @property
    def own(self) -> Budget:
        """What tfpt's own process may take to read one document, and to compare one scenario."""
        return Budget(self.timeout, self.memory)

    def of_reference(self) -> Limits:
        """These limits with a shorter time for a scenario: nobody should have to wait for the reference."""
        return replace(self, timeout=min(self.timeout, REFERENCE_TIMEOUT))


class Broken(Exception):
    """A worker that can no longer be used, with the failure that says why.

    `by` is the signal that ended it, if one did, `packages` what is to be installed, where that is why.
    """

    def __init__(self, failure: Failure, *, by: int | None = None, packages: str = "") -> None:
        super().__init__(failure.message)
        self.failure, self.by, self.packages = failure, by, packages

    @property
    def by_signal(self) -> bool:
        """Whether a signal ended the process, so that another process may fare better."""
        return self.by is not None

    @property
    def endless(self) -> bool:
        """Whether the process was ended over a damaged file of weights, which it would have read without end."""
        return self.by == _XCPU

    @property
    def from_outside(self) -> bool:
        """Whether the signal is one that others send (the killer of processes that use too much memory, an operator)."""
        return self.by in _SENT


class Worker:
    """One process of one framework, in the interpreter of its side; `own_code` says whether a person's own code may run in it."""

    # Whether somebody else has started the process, and will have it back.
    lent = False

    def __init__(self, side: Side, limits: Limits, *, own_code: bool = False) -> None:
        self.side, self.limits, self.own_code = side, limits, own_code
        self.interpreter = side.interpreter or sys.executable
        self.process: asyncio.subprocess.Process | None = None
        self.versions: dict[str, str] = {}
        # What the process has kept of the last request: arrays by name, the same objects as were sent.
        self.kept: dict[str, NDArray[Any]] = {}
        # Where large arrays are handed over as files, once the process has said that it sees it; else empty.
        self.folder = ""
        # Whether the process was asked to import its framework.
        self.importing = False
        self._own: TemporaryFolder | None = None
        self._stderr: deque[bytes] = deque()
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts the process; the framework is not imported yet. Raises `Broken`."""
        self.kept, self.folder, self.importing = {}, "", False
        try:
            self.process = await asyncio.create_subprocess_exec(
                self.interpreter,
                str(CHILD),
                self.side.framework.key,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=_working_folder(),
                env=environment_of(self.side, os.environ, own_code=self.own_code),
                start_new_session=True,
                limit=1 << 22,
            )
        except (OSError, ValueError, RuntimeError) as error:
            # There is no such file, its name is none, or no thread can be had that waits for it.
            reason = getattr(error, "strerror", None) or str(error)
            raise Broken(self._failure(Symptom.NOT_STARTED, f"cannot start '{self.interpreter}': {reason}")) from None
        self._reader = asyncio.create_task(self._keep_stderr())

    async def greet(self) -> None:
        """Waits until the process says that it is there. Raises `Broken`, also where it is something else."""
        hello, _ = await self.read(self.limits.start, "start")
        if hello.get("hello") != protocol.VERSION:
            raise Broken(
                self._failure(Symptom.NONSENSE, f"'{self.interpreter}' is no worker: it answered {str(hello)[:80]}")
            )
        self.versions = {"python": str(hello.get("python"))}

    async def load(self) -> None:
        """Imports the framework. Raises `Broken`, also where the interpreter does not have it."""
        await self.greet()
        if not self.importing:
            self.ask_to_load()
        answer, _ = await self.read(self.limits.start, "import")
        if "failed" in answer:
            raise self._not_imported(str(answer["failed"]), str(answer.get("missing") or ""))
        if not isinstance(answer.get("loaded"), dict):
            raise Broken(self._failure(Symptom.NONSENSE, f"it answered {str(answer)[:80]}"))
        self.versions |= {key: str(value) for key, value in answer["loaded"].items()}
        self.folder = self._own.path if self._own is not None and answer.get("files") is True else ""

    def ask_to_load(self) -> None:
        """Asks the process to import its framework, and says where large arrays may be handed over as files.

        It may be asked before it has said that it is there: then it imports while nobody waits for it.
        """
        self.importing = True
        with contextlib.suppress(OSError):  # no room, say: then all goes through the pipe
            self._own = TemporaryFolder()
        self.write(load_request(self.limits.memory, "" if self._own is None else self._own.path))

    async def functions(self) -> dict[str, Any]:
        """The public functions of the loaded framework, as `functions_of` in `child/child.py` gives them. Raises `Broken`."""
        self.write({"functions": True})
        answer, _ = await self.read(self.limits.start, "run")
        if not isinstance(answer.get("functions"), dict):
            raise Broken(self._failure(Symptom.NONSENSE, f"it answered {str(answer)[:80]}"))
        return dict(answer["functions"])

    def _not_imported(self, said: str, missing: str) -> Broken:
        """Why an import failed: for a package that is missing, or for one that is there and broken."""
        framework = self.side.framework
        if _NO_ROOM in said:
            message = (
                f"{self.side.label} cannot be imported: there is no room for temporary files; make some, or set TMPDIR"
            )
            return Broken(self._failure(Symptom.NOT_STARTED, message))
        # What is there already a plain command would leave as it is.
        packages = missing or f"--force-reinstall {' '.join(framework.packages)}"
        if missing:
            what = "it is" if missing == framework else f"it needs {missing}, which is"
            words = f"{what} not installed; install it"
        else:
            words = "it is installed, and raises while it is imported; if it is damaged, install it anew"
        message = (
            f"{self.side.label} cannot be imported: {said} ({words}: {self.interpreter} -m pip install {packages})"
        )
        return Broken(
            self._failure(Symptom.NOT_INSTALLED if missing else Symptom.NOT_STARTED, message), packages=packages
        )

    def write(self, header: dict[str, Any], blobs: Iterable[Any] = ()) -> None:
        """Hands a request to the process without waiting for it to be read."""
        assert self.process is not None
        assert self.process.stdin is not None
        if not self.process.stdin.is_closing():
            self.process.stdin.writelines(protocol.frame(header, blobs))

    async def read(
        self, seconds: float, doing: str, limit: float | None = None, *, arrays: bool = True
    ) -> tuple[dict[str, Any], list[bytearray]]:
        """The next frame. Raises `Broken` where there is none in so many `seconds`, or no frame at all.

        `limit` is what a person allowed, where `seconds` are what is left of that. Without `arrays` it may bring none.
        """
        assert self.process is not None
        assert self.process.stdout is not None
        stream = self.process.stdout
        try:
            async with awake(seconds):
                prefix = await stream.readexactly(protocol.PREFIX.size)
                header = protocol.header(await stream.readexactly(protocol.header_length(prefix)))
                if header["blobs"] and not arrays:
                    raise protocol.Nonsense(
                        f"it answered with {len(header['blobs']):,} arrays, where none was asked for"
                    )
                blobs = [await _exactly(stream, size) for size in header["blobs"]]
            return header, blobs
        except TimeoutError:
            words = {"start": "did not start", "import": "was not imported", "run": "did not finish"}[doing]
            message = f"{self.side.label} {words} within {limit or seconds:g} s"
            raise Broken(self._failure(Symptom.TIMEOUT, message)) from None
        except asyncio.IncompleteReadError as error:
            raise await self._ended(error.partial) from None
        except (protocol.Nonsense, ValueError, TypeError) as error:
            message = f"{self.side.label}'s process talks nonsense: {error}"
            raise Broken(self._failure(Symptom.NONSENSE, message)) from None

    def handed(self, name: str, size: int) -> Any:
        """The bytes of an array that the process has left as a file, as memory that can be written.

        It is the file itself. Raises `protocol.Nonsense`.
        """
        if not 0 < size <= protocol.MAX_ARRAY:
            raise protocol.Nonsense(f"an array of {size:,} bytes")
        return protocol.mapped(self.folder, name, size, keep=True)

    def place_of(self, array: NDArray[Any]) -> dict[str, Any]:
        """Where an array lies in a file that another process has left, which this one then sees too; nothing elsewhere."""
        import numpy as np

        held: Any = array
        while isinstance(held, np.ndarray) and held.base is not None:
            held = held.base
        held = held.obj if isinstance(held, memoryview) else held
        if not self.folder or not isinstance(held, protocol.Mapped) or not array.size:
            return {}
        file = protocol.new_name()
        try:
            os.link(held.path, os.path.join(self.folder, file))
        except OSError:  # its process has ended, or the file system has no links
            return {}
        begin = np.frombuffer(held, np.uint8).__array_interface__["data"][0]
        offset = array.__array_interface__["data"][0] - begin
        return {"file": file, "size": len(held), "offset": offset, "strides": list(array.strides)}

    async def _ended(self, partial: bytes) -> Broken:
        """Why the process closed its end: a signal, an exit code, and the last it said."""
        assert self.process is not None
        try:
            code = await asyncio.wait_for(self.process.wait(), 5)
        except TimeoutError:
            message = f"{self.side.label}'s process closed its output and went on"
            return Broken(self._failure(Symptom.NONSENSE, message))
        if self._reader is not None:
            await asyncio.wait([self._reader], timeout=1)
        if -code == _XCPU:
            words = (
                "was ended: a file of weights took it more of the processor than its size can need, so it is damaged"
            )
        elif code < 0:
            name = signal.Signals(-code).name if -code in {s.value for s in signal.Signals} else f"signal {-code}"
            words = f"was killed by {name}"
        else:
            words = f"ended with exit code {code}"
        said = f" after it answered {partial[:40]!r}" if partial else ""
        symptom = Symptom.CRASHED if self.versions else Symptom.NOT_STARTED
        message = f"{self.side.label}'s process {words}{said}{self._last_words()}"
        return Broken(self._failure(symptom, message), by=-code if code < 0 else None)

    def _last_words(self) -> str:
        text = b"".join(self._stderr).decode("utf-8", "replace").strip()
        every = [line.strip() for line in text.splitlines() if line.strip()]
        lines = ([line for line in every if not _FRAME.match(line)] or every)[-3:]
        return f"; its last words: {' / '.join(lines)[-600:]}" if lines else ""

    async def _keep_stderr(self) -> None:
        assert self.process is not None
        assert self.process.stderr is not None
        kept = 0
        while chunk := await self.process.stderr.read(8192):
            self._stderr.append(chunk)
            kept += len(chunk)
            while kept > STDERR_KEPT and len(self._stderr) > 1:
                kept -= len(self._stderr.popleft())

    def _failure(self, symptom: Symptom, message: str) -> Failure:
        return Failure(side=self.side, symptom=symptom, message=message)

    def kill(self) -> None:
        """Ends the process and whatever it started, at once."""
        if self._reader is not None:
            self._reader.cancel()
        if self.process is None or self.process.returncode is not None:
            return
        try:
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        except (ProcessLookupError, PermissionError):
            pass

    async def end(self) -> None:
        """Ends the process and waits until it has gone, so that nothing of it is left when the event loop closes."""
        self.kill()
        if self.process is not None:
            await asyncio.wait([asyncio.ensure_future(self.process.wait())], timeout=5)
            # asyncio has no public way to close the pipes of a process whose output nobody will read.
            self.process._transport.close()  # type: ignore[attr-defined]
        if self._own is not None:
            self._own.remove()
            self._own, self.folder = None, ""


_TICK = 0.5
# By event loop the limits of time that somebody waits within.
_WAITING: WeakKeyDictionary[asyncio.AbstractEventLoop, set[asyncio.Timeout]] = WeakKeyDictionary()


@contextlib.asynccontextmanager
async def awake(seconds: float) -> AsyncIterator[None]:
    """Within the block may be waited for so many seconds in which this process runs. Raises `TimeoutError`.

    Ctrl-Z stops it, and not the processes that it waits for, which have sessions of their own.
    """
    loop = asyncio.get_running_loop()
    if loop not in _WAITING:
        _WAITING[loop] = set()
        loop.call_later(_TICK, _tick, loop, loop.time())
    async with asyncio.timeout(seconds) as limit:
        _WAITING[loop].add(limit)
        try:
            yield
        finally:
            _WAITING[loop].discard(limit)


def _tick(loop: asyncio.AbstractEventLoop, before: float) -> None:
    """Moves all limits by the time in which nobody could look at them, and comes again.

    Of timers that are late all run in their order, so that this one is before those limits that were not reached.
    """
    late = loop.time() - before - _TICK
    for limit in _WAITING[loop] if late > _TICK else ():
        when = limit.when()
        if when is not None and not limit.expired():
            limit.reschedule(when + late)
    loop.call_later(_TICK, _tick, loop, loop.time())


def environment_of(side: Side, given: Mapping[str, str], *, own_code: bool) -> dict[str, str]:
    """The environment of a side's process: what is given, and what the framework needs."""
    return {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        # Threads that wait for one another let the other framework's have the processor instead of turning on it.
        "OMP_WAIT_POLICY": "PASSIVE",
        **given,
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        **side.framework.environment,
        **({} if own_code else side.framework.of_scenarios),
    }


def load_request(memory: float, folder: str = "") -> dict[str, Any]:
    """What a process is asked to import its framework with, after which it may take so many gigabytes more.

    Large arrays are handed over as files in the folder, if one is named.
    """
    return {"load": True, "memory": memory, "folder": folder}


def _working_folder() -> Path | None:
    """Where a process works: where its parent does, but where that folder was removed, in which PyTorch cannot be imported."""
    try:
        os.getcwd()
    except OSError:
        return CHILD.parent
    return None


async def _exactly(stream: asyncio.StreamReader, size: int) -> bytearray:
    """So many bytes, in memory that can be written: a large array is sorted where it is, not in a copy.

    Raises `asyncio.IncompleteReadError` at the end of the stream, and `ValueError` for more than any array may have.
    """
    if not 0 <= size <= protocol.MAX_ARRAY:
        raise ValueError(f"an array of {size:,} bytes")
    data = bytearray(size)
    place = memoryview(data)
    read = 0
    while read < size:
        piece = await stream.read(size - read)
        if not piece:
            raise asyncio.IncompleteReadError(bytes(data[: min(read, 100)]), size)
        place[read : read + len(piece)] = piece
        read += len(piece)
    return data
