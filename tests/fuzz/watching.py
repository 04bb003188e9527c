"""What a fuzz target is, and what is found by running one on an input: an exception, a hang, or memory that grew."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("corpus")
REGRESSIONS = Path(__file__).with_name("regressions")
# What one input may take: seconds of processor time, and bytes by which the process may have grown.
SECONDS, BYTES = 1.0, 300 * 2**20

Run = Callable[[bytes], None]
Mutate = Callable[[bytes, Random], bytes]


@dataclass(frozen=True)
class Target:
    """Something that reads input of others.

    `run` gives an input to it and returns where the outcome is a documented one: a value, or the error class that the callers
    catch. `seeds` are the inputs to begin with besides those of the corpus, `mutate` makes another input of one.
    """

    name: str
    run: Run
    mutate: Mutate
    seeds: Callable[[], Sequence[bytes]] = tuple

    def corpus(self) -> dict[str, bytes]:
        """The chosen inputs in `corpus/`, and those of mended findings in `regressions/`, by the path of the file."""
        files = [path for folder in (CORPUS, REGRESSIONS) for path in sorted((folder / self.name).glob("*"))]
        return {str(path.relative_to(Path(__file__).parent)): path.read_bytes() for path in files}

    def begin(self) -> list[bytes]:
        """All inputs to begin with."""
        return [*self.corpus().values(), *self.seeds()]


@dataclass(frozen=True)
class Finding:
    """An input over which a target does what it may not: `what` went wrong, and `where` in tfpt."""

    target: str
    what: str
    where: str
    said: str
    data: bytes

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one kind of finding from another; thousands of inputs may show the same."""
        return self.target, self.what, self.where

    @property
    def name(self) -> str:
        """The name of a file for the input."""
        words = re.sub(r"\W+", "-", f"{self.what}-{self.where}").strip("-").lower()
        return f"{words[:80]}-{hashlib.sha256(self.data).hexdigest()[:8]}"


@cache
def own_folder() -> Path:
    """A folder of this process's own, which goes with it."""
    _HELD.append(tempfile.TemporaryDirectory(prefix="tfpt-fuzz-"))
    return Path(_HELD[-1].name)


_HELD: list[tempfile.TemporaryDirectory[str]] = []


class Hang(BaseException):
    """Raised in whatever runs when its time is over; no `except Exception` of the target may swallow it."""


def _over(_: int, __: FrameType | None) -> None:
    raise Hang


def watched(target: Target, data: bytes, seconds: float = SECONDS) -> Finding | None:
    """What is found by running a target on an input that may take so many seconds of processor time; None where nothing is.

    What took too long, or too much memory, is run a second time: the first input of a kind fills caches.
    """
    found = _once(target, data, seconds)
    if found is not None and found.what in ("time", "memory"):
        gc.collect()
        found = _once(target, data, seconds)
    return found


def _once(target: Target, data: bytes, seconds: float) -> Finding | None:
    before, highest = _resident(), peak()
    began = time.process_time()
    try:
        found = _run(target, data, seconds)
    except Hang as hang:  # the signal comes once, and wherever it pleases: also when the run has just ended
        return Finding(target.name, "time", _place(hang), f"more than {seconds:g} s", data)
    if found is not None:
        return found
    if (took := time.process_time() - began) > seconds:  # in C, which no signal interrupts
        return Finding(target.name, "time", "", f"{took:.1f} s", data)
    # The peak is that of the whole life of the process: only where this input has raised it, it is this input's.
    if (now := peak()) > highest and now - before > BYTES:
        return Finding(target.name, "memory", "", f"{(now - before) / 2**20:,.0f} MB", data)
    return None


def _run(target: Target, data: bytes, seconds: float) -> Finding | None:
    """What the target raises over an input; `Hang` where its time is over."""
    signal.signal(signal.SIGPROF, _over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        target.run(data)
    except (Hang, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever it is: that is the finding
        said = " ".join(str(error).split())[:200]
        return Finding(target.name, type(error).__name__, _place(error), said, data)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return None


def _place(error: BaseException) -> str:
    """The innermost line of tfpt's own, or of this package, at which it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/tfpt_cli/" in frame.filename.replace("\\", "/")]
    if not own:
        own = [frame for frame in frames if Path(frame.filename).parent == Path(__file__).parent]
    if not own:
        return ""
    last = own[-1]
    return f"{Path(last.filename).name}:{last.name}"


def peak() -> int:
    """The most memory that the process has had so far, in bytes."""
    with contextlib.suppress(OSError, ValueError, IndexError), open("/proc/self/status", "rb") as stream:
        # Not what `getrusage` gives here, which begins with the peak of the process that has started this one.
        return int(stream.read().split(b"VmHWM:")[1].split()[0]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _resident() -> int:
    """The memory that the process has now, in bytes; its peak where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as stream:
            return int(stream.read().split()[1]) * resource.getpagesize()
    except OSError:
        return peak()
