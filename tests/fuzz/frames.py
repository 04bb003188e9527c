"""The target that reads what a process of a framework has sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tests.fuzz.mutation import json_text, of_bytes, of_data, of_text
from tests.fuzz.watching import Target, own_folder
from tfpt_cli.checkpoints.contents import contents_of
from tfpt_cli.frameworks import SIDES
from tfpt_cli.listing import Leaf, Listing, Section
from tfpt_cli.results import (
    VALUE,
    Quantity,
    Way,
)
from tfpt_cli.workers.child import protocol
from tfpt_cli.workers.process import Limits, Worker
from tfpt_cli.workers.queue import ListingQueue

if TYPE_CHECKING:
    from random import Random

TORCH, TENSORFLOW = SIDES
ENVIRONMENT = {"tfpt": "0.1.0", "python": "3.11.7", "torch": "2.13.0", "tensorflow": "2.21.0", "keras": "3.15.1"}


class _Stream:
    """What a process has written, as its parent reads it: all of it at once, and then the end."""

    def __init__(self, data: bytes) -> None:
        self.reader = asyncio.StreamReader(limit=1 << 22)
        self.reader.feed_data(data)
        self.reader.feed_eof()


class _Worker(Worker):
    """A worker whose process has already written all that it will."""

    def __init__(self, data: bytes) -> None:
        super().__init__(TORCH, Limits(timeout=5.0))
        self.versions = {"torch": "2.13.0"}
        self.folder = str(own_folder())
        ended = asyncio.get_running_loop().create_future()
        ended.set_result(-9 if data[-1:] == b"\xff" else 3)
        self.process = SimpleNamespace(  # type: ignore[assignment]
            stdout=_Stream(data).reader,
            stdin=SimpleNamespace(is_closing=lambda: False, writelines=lambda _: None),
            wait=lambda: ended,
            returncode=3,
            pid=0,
            _transport=SimpleNamespace(close=lambda: None),
        )

    async def end(self) -> None:
        pass


_LISTING: list[Listing] = []


def _listing() -> Listing:
    """A listing of two sections that leave three values."""
    if not _LISTING:
        leaves = (
            Leaf(Quantity(kind=VALUE), Way(), "y"),
            Leaf(Quantity(kind="gradient", by=("x",)), Way("backward"), "g"),
        )
        _LISTING.append(Listing(TORCH.framework, (Section("y = 1", leaves),)))
    return _LISTING[0]


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


def read_frames(data: bytes) -> None:
    """Reads what a process answers to a listing, and the same as what it says of a file of weights."""
    _runner().run(_answered(data))
    with contextlib.suppress(protocol.Nonsense, struct.error):
        length = protocol.header_length(data[: protocol.PREFIX.size])
        said = protocol.header(data[protocol.PREFIX.size : protocol.PREFIX.size + length])
        with contextlib.suppress(ValueError):
            contents = contents_of("net.pt", said)
            _ = contents.names, [(entry.size, entry.bytes) for entry in contents.entries]


async def _answered(data: bytes) -> None:
    queue = ListingQueue(TORCH, Limits(timeout=5.0))
    queue._worker, queue._loaded = _Worker(data), True
    outcomes: list[Any] = []
    queue.add(_listing(), outcomes.append)
    for _ in range(3):  # a process that others ended is tried a second time
        if not outcomes:
            if queue._worker is None:
                queue._worker = _Worker(data)
            await queue._next()
    (outcome,) = outcomes
    assert set(outcome.values) == set(_listing().keys)


def _frames_seeds() -> list[bytes]:
    (section,) = _listing().sections
    values = [
        {
            "quantity": str(leaf.quantity),
            "how": str(leaf.way),
            "state": "present",
            "stored": "<f4",
            "shape": [2],
            "dtype": "float32",
        }
        for leaf in section.leaves
    ]
    failed = {
        "message": "no",
        "line": 1,
        "where": None,
        "keys": [[value["quantity"], value["how"]] for value in values],
    }
    ones = struct.pack("<2f", 1.0, 1.0)
    entries = {"format": "f", "inside": "", "entries": [["w", [2], "float32", ""]], "left_out": [["a", "b"]], "id": 0}
    headers: list[tuple[Any, list[bytes]]] = [
        ({"id": 0, "values": values, "failures": [], "done": True}, [ones, ones]),
        ({"id": 0, "values": [], "failures": [failed], "done": True}, []),
        (
            {
                "id": 0,
                "values": [{**values[0], "state": "skipped", "reason": "r"}, {**values[1], "file": "f"}],
                "failures": [],
                "done": True,
            },
            [],
        ),
        ({"hello": protocol.VERSION, "python": "3.11"}, []),
        (entries, []),
    ]
    return [b"".join(map(bytes, protocol.frame(header, blobs))) for header, blobs in headers]


def another_frame(data: bytes, random: Random) -> bytes:
    """Another answer of one: another header before the same arrays, several behind each other, or other bytes."""
    kind = random.random()
    if kind < 0.2:
        return of_bytes(data, random)
    if kind < 0.3:
        return data + random.choice(_frames_seeds())
    of = data if kind < 0.6 else random.choice(_frames_seeds())
    prefix, length = of[: protocol.PREFIX.size], 0
    with contextlib.suppress(Exception):
        length = protocol.header_length(prefix)
    text, blobs = of[8 : 8 + length], of[8 + length :]
    header: Any = {}
    with contextlib.suppress(ValueError, RecursionError):
        header = json.loads(text)
    words = (
        "present",
        "skipped",
        "disconnected",
        "failed",
        "<f4",
        "<f8",
        ">i2",
        "O",
        "<U1",
        "V4",
        "bool",
        "value",
        "d/dx",
        "done",
        "f",
        "backward",
    )
    if random.random() < 0.8:
        text = json_text(
            of_data(header, random, [], lambda word: random.choice((*words, of_text(word, random, (), words))))
        ).encode()
    else:
        text = of_text(json_text(header), random, (), words).encode("utf-8", "surrogatepass")
    return protocol.PREFIX.pack(protocol.MARK, len(text)) + text + blobs


TARGETS = (Target("frames", read_frames, another_frame, _frames_seeds),)
