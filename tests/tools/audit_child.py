"""The process of `tests.tools.audit`: calls every name that it is given with hostile arguments, and tells what was touched.

    python -m tests.tools.audit_child torch|tensorflow JOB.json

The framework is imported once; the calls are made in forks of this process, each with limits of memory and time, so that a
name that crashes or hangs ends its fork, and the next one goes on behind it.

Two witnesses look on: an audit hook (`audit_hook.py`), which sees what Python does, and where the process runs under strace
its log, which sees what C++ does too; `access` of a path that starts with `/audit:` tells it which name is being called.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import io
import itertools
import json
import math
import mmap
import os
import resource
import select
import signal
import struct
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

from tests.tools.audit_hook import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GIGABYTE = 2**30
# Which call is under way, for who sees a fork end in it: the name's place, the call's, that of the arguments that are tried
# before the first (0 behind them), and a word for it.
CALL = struct.Struct("<qqq104s")
# The exit code of a fork that has gone through so many names that another one goes on.
ENOUGH = 77


class Calls:
    """The calls that are made of one name: one that works, as far as one is found, with each argument replaced in turn."""

    def __init__(
        self,
        job: dict[str, Any],
        namespace: dict[str, Any],
        row: dict[str, Any],
        dead: set[int],
        trying: Callable[[int, str], object],
    ) -> None:
        self.job, self.namespace, self.row = job, namespace, row
        # Which of the arguments that are tried have ended a fork, how many were tried, and who is told of the next.
        self.dead, self.tried, self.trying = dead, 0, trying
        self.plain = namespace["_plain"]
        self.hostile = namespace["_hostile"]
        self.works = False

    def function(self) -> Callable[..., Any]:
        """What the name stands for: a method is called on a tensor."""
        name = self.row["name"]
        if name.startswith("."):
            return lambda tensor, *args, **kwargs: getattr(tensor, name[1:])(*args, **kwargs)
        function: Callable[..., Any] = eval(name, self.namespace)  # a name of the lists
        return function

    def all(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Each call with a word for it."""
        function = self.function()
        for signature in self.row["signatures"][: self.job["overloads"]]:
            yield from self.of_signature(function, signature)

    def of_signature(self, function: Callable[..., Any], signature: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        names, required = signature["names"], signature["required"]
        method = self.row["name"].startswith(".")
        base = self.base(function, required + method)
        for label, value in self.hostile:
            yield f"all {label}", lambda value=value: self.used(function, [value] * max(required, 1), {}, method)
        if isinstance(function, type):
            for label, value in self.hostile:
                yield f"called with {label}", lambda value=value: function(*base)(value)
        for place, name in enumerate(names[: self.job["places"]]):
            for label, value in self.hostile:
                args, kwargs = list(base), {}
                if place < required:
                    args[place + method] = value
                else:
                    kwargs[name] = value
                yield f"{name}={label}", lambda args=args, kwargs=kwargs: self.called(function, args, kwargs)

    def base(self, function: Callable[..., Any], count: int) -> list[Any]:
        """Arguments that the name takes; tensors where none of those that are tried are taken."""
        tried = itertools.islice(itertools.product(self.plain, repeat=count), self.job["bases"]) if count <= 3 else []
        for args in itertools.chain(tried, ([value] * count for value in self.plain)):
            self.tried += 1
            if len(self.dead) >= self.job["crashes"]:
                break
            if self.tried in self.dead:
                continue
            self.trying(self.tried, f"tried arguments {self.tried}")
            try:
                with within(1.0):
                    self.called(function, list(args), {})
            except BaseException:
                continue
            self.works = True
            return list(args)
        return [self.plain[0]] * count

    def used(self, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any], method: bool) -> Any:
        return self.called(function, [self.plain[0], *args] if method else args, kwargs)

    def called(self, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
        """A call; the layer, loss or initializer that a class makes is called too."""
        made = function(*args, **kwargs)
        if isinstance(function, type) and callable(made):
            for given in ((self.plain[0],), (self.plain[0], self.plain[0]), ((2, 3),)):
                try:
                    made(*given)
                    break
                except Exception:
                    continue
        return made


class TooLong(BaseException):
    """Raised in a call that takes longer than it may."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def marked(name: str) -> None:
    """Tells strace's log whose calls follow."""
    os.access(f"/audit:{name}", os.F_OK)


def torch_namespace() -> dict[str, Any]:
    import numpy as np
    import torch
    from torch import nn

    return {"torch": torch, "nn": nn, "F": nn.functional, "np": np, "math": math}


def tensorflow_namespace() -> dict[str, Any]:
    import keras
    import numpy as np
    import tensorflow as tf

    return {"tf": tf, "keras": keras, "np": np, "math": math}


def with_values(framework: str, namespace: dict[str, Any], job: dict[str, Any]) -> None:
    """Puts into a namespace the arguments that calls are made with; what makes tensors first runs in the fork."""
    if framework == "torch":
        torch = namespace["torch"]
        torch.set_num_threads(1)
        floats = torch.tensor([[0.5, 1.0, 1.5], [2.0, 0.25, 3.0]])
        ints, image = torch.tensor([[0, 1, 0], [1, 0, 1]]), torch.ones(2, 3, 4, 4)
    else:
        tf = namespace["tf"]
        floats = tf.constant([[0.5, 1.0, 1.5], [2.0, 0.25, 3.0]])
        ints, image = tf.constant([[0, 1, 0], [1, 0, 1]]), tf.ones((2, 4, 4, 3))
    namespace["_plain"] = [floats, 1, 2, ints, image, (2, 3), [floats, floats], [1, 1], 0.5]
    texts = [(label, text) for label, text in job["texts"].items()]
    values: list[tuple[str, Any]] = [*texts]
    values += [("a list of paths", list(job["texts"].values())[:2]), ("None", None), ("-1", -1), ("2**62", 2**62)]
    if framework == "tensorflow":
        values.append(("a tensor of a path", namespace["tf"].constant(job["texts"]["a path"])))
    if job["full"]:
        path = job["texts"]["a path"]
        values += [
            ("2**31", 2**31),
            ("2**63", 2**63),
            ("0", 0),
            ("nan", math.nan),
            ("True", True),
            ("an empty list", []),
        ]
        values += [("an int tensor", ints), ("an image", image), ("a function", math.sqrt)]
        # What no scenario can write: a dict and bytes are outside its language.
        values += [("a path as bytes", path.encode()), ("bytes in a list", [path.encode()])]
        values += [("a dict", {"class_name": path, "config": {"filepath": path}})]
    namespace["_hostile"] = values


def fork(
    framework: str,
    job: dict[str, Any],
    namespace: dict[str, Any],
    place: mmap.mmap,
    start: tuple[int, int],
    dead: dict[int, set[int]],
) -> tuple[int, int]:
    """Starts a process that goes through the names from a place on; its id, and the end of the pipe that it writes to."""
    marked("")
    receiving, sending = os.pipe()
    process = os.fork()
    if process:
        os.close(sending)
        return process, receiving
    try:
        os.close(receiving)
        quiet()
        witness = Witness()
        with_values(framework, namespace, job)
        used = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmData:"))  # noqa: SIM115
        resource.setrlimit(resource.RLIMIT_DATA, (used + GIGABYTE, used + GIGABYTE))
        out = os.fdopen(sending, "w", buffering=1)
        for index in range(start[0], len(job["names"])):
            first = start[1] if index == start[0] else 0
            gone_through(job, namespace, witness, place, index, first, out, dead.get(index, set()))
            if index + 1 - start[0] >= job["chunk"] and index + 1 < len(job["names"]):
                place.seek(0)
                place.write(CALL.pack(index + 1, -1, 0, b""))
                os._exit(ENOUGH)
        os._exit(0)
    except BaseException as error:
        os.write(sending, (json.dumps({"broken": f"{type(error).__name__}: {error}"}) + "\n").encode())
        os._exit(1)


def gone_through(
    job: dict[str, Any],
    namespace: dict[str, Any],
    witness: Witness,
    place: mmap.mmap,
    index: int,
    first: int,
    out: Any,
    dead: set[int],
) -> None:
    """Makes the calls of one name from the `first` on, without those arguments that are `dead`, and writes what they touched."""

    def trying(tried: int, what: str) -> None:
        place.seek(0)
        place.write(CALL.pack(index, first, tried, what.encode()))

    row = job["names"][index]
    calls = Calls(job, namespace, row, dead, trying)
    try:
        calls.function()
    except AttributeError:  # this version of the framework does not have it
        out.write(json.dumps({"absent": row["name"]}) + "\n")
        return
    made, began, slow, late = 0, time.monotonic(), 0, False
    marked(row["name"])
    witness.seen.clear()
    witness.looks = True
    what = "finding it"
    try:
        for made, (what, call) in enumerate(calls.all(), 1):
            if made < first:
                continue
            place.seek(0)
            place.write(CALL.pack(index, made, 0, what.encode()[: CALL.size - 24]))
            before = len(witness.seen)
            try:
                with within(job["seconds"]):
                    call()
            except TooLong:
                slow += 1
            except BaseException:
                pass
            witness.seen[before:] = [f"{seen} [{what}]" for seen in witness.seen[before:]]
            if time.monotonic() - began > job["seconds_of_name"]:
                late = True
                break
    finally:
        witness.looks = False
        marked("")
    out.write(
        json.dumps(
            {
                "name": row["name"],
                "calls": made,
                "works": calls.works,
                "slow": slow,
                "late": late,
                "seen": witness.seen[:20],
            }
        )
        + "\n"
    )


def quiet() -> None:
    """What frameworks print goes nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for target in (0, 1, 2):
        os.dup2(null, target)
    sys.stdout = sys.stderr = io.StringIO()
    warnings.simplefilter("ignore")
    faulthandler.disable()
    # A fork of a parent that is gone ends too.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def answers(process: int, receiving: int, place: mmap.mmap, seconds: float) -> Iterator[dict[str, Any]]:
    """What a fork writes, and how it ended where that was not as it should: `ended` is a word for it."""
    buffer, seen, since = b"", b"", time.monotonic()
    while True:
        ready, _, _ = select.select([receiving], [], [], 0.5)
        if ready:
            piece = os.read(receiving, 1 << 16)
            if not piece:
                break
            *lines, buffer = (buffer + piece).split(b"\n")
            yield from map(json.loads, lines)
        place.seek(0)
        now = place.read(CALL.size)
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > seconds:
            marked("")
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            os.close(receiving)
            yield {"ended": "a hang"}
            return
    os.close(receiving)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if status == ENOUGH:
        yield {"ended": ""}
    elif status:
        yield {"ended": f"exit code {status}" if status > 0 else signal.Signals(-status).name}


def main(framework: str, job_file: str) -> None:
    with open(job_file, encoding="utf-8") as stream:
        job = json.load(stream)
    os.chdir(job["folder"])
    namespace = {"torch": torch_namespace, "tensorflow": tensorflow_namespace}[framework]()
    place = mmap.mmap(-1, CALL.size)
    start, crashes = (0, 0), 0
    dead: dict[int, set[int]] = {}
    while start[0] < len(job["names"]):
        place.seek(0)
        place.write(CALL.pack(*start, 0, b""))
        process, receiving = fork(framework, job, namespace, place, start, dead)
        again = False
        for answer in answers(process, receiving, place, job["seconds"] + 4):
            if "ended" not in answer:
                print(json.dumps(answer), flush=True)
                continue
            place.seek(0)
            index, call, tried, what = CALL.unpack(place.read(CALL.size))
            again = True
            if call < 0:  # it ends after so many names, for what they leave in memory
                start, crashes = (index, 0), 0
                continue
            if tried:
                dead.setdefault(index, set()).add(tried)
                crashes = crashes if index == start[0] else 0
            else:
                crashes = crashes + 1 if index == start[0] else 1
            last = crashes >= job["crashes"]
            crash = {
                "crashed": job["names"][index]["name"],
                "call": what.rstrip(b"\0").decode("utf-8", "replace"),
                "how": answer["ended"],
                "last": last,
            }
            print(json.dumps(crash), flush=True)
            start = (index + 1, 0) if last else (index, call + (not tried))
        if not again:
            break


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
