"""The targets that read what tfpt itself has written, or a process has sent: frames, baselines, failures, kept results."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pickletools
import re
import sqlite3
import struct
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from tests.fuzz.mutation import json_text, of_bytes, of_data, of_text
from tests.fuzz.watching import Target
from tfpt_cli import baseline
from tfpt_cli.checkpoints.contents import contents_of
from tfpt_cli.cli import last_failed
from tfpt_cli.engine import kept
from tfpt_cli.frameworks import SIDES
from tfpt_cli.listing import Leaf, Listing, Section
from tfpt_cli.report.json_report import report_object
from tfpt_cli.results import (
    VALUE,
    Comparison,
    Measure,
    Quantity,
    Report,
    ScenarioResult,
    SideValue,
    State,
    Status,
    Summary,
    Verdict,
    Way,
)
from tfpt_cli.workers.child import protocol
from tfpt_cli.workers.process import Limits, Worker
from tfpt_cli.workers.queue import ListingQueue

if TYPE_CHECKING:
    from random import Random

TORCH, TENSORFLOW = SIDES
ENVIRONMENT = {"tfpt": "0.1.0", "python": "3.11.7", "torch": "2.13.0", "tensorflow": "2.21.0", "keras": "3.15.1"}


@cache
def a_report() -> Report:
    """A report with each kind of value that one has."""
    summary = Summary(1.0, 0.5, 0.0, 2.0, (1, 2), (0.0, 2.0), 1)
    values: tuple[Any, ...] = ([1.0, 2.0, float("nan")], 3, [[1 + 2j, float("inf")]], None)
    compared = tuple(
        Comparison(
            Quantity(kind=VALUE, output=f"y{number}"),
            verdict,
            {
                TORCH: SideValue(
                    State.PRESENT, Way("backward"), (3,), "float32", value, left_out=number, summary=summary
                ),
                TENSORFLOW: SideValue(
                    State.DISCONNECTED if number == 3 else State.PRESENT, Way("tape"), (3,), "float32", value
                ),
            },
            measure=Measure(3, 1, 0.5, 0.5, 100, (2,), {"rtol": 0.1, "atol": 0.2}),
            tolerance={"rtol": 1e-5, "atol": 1e-8},
        )
        for number, (value, verdict) in enumerate(zip(values, Verdict, strict=False))
    )
    scenarios = tuple(
        ScenarioResult(
            "a.yaml",
            number,
            f"name {number}",
            {},
            "gradient",
            "x + 1",
            "agree",
            "",
            status,
            compared,
            id=f"a.yaml::name {number}",
        )
        for number, status in enumerate(Status, 1)
    )
    return Report(ENVIRONMENT, scenarios, seconds=1.0)


@cache
def _folder() -> Path:
    """A folder of this process's own, which goes with it."""
    held = tempfile.TemporaryDirectory(prefix="tfpt-fuzz-")
    _HELD.append(held)
    return Path(held.name)


_HELD: list[tempfile.TemporaryDirectory[str]] = []


# ---- baselines, and what failed last


def read_baseline(data: bytes) -> None:
    """Reads a baseline, and says what has changed since."""
    path = _folder() / "baseline.json"
    path.write_bytes(data)
    try:
        before = baseline.read(str(path))
    except baseline.NoBaseline as error:
        said = str(error)
    else:
        said = ""
    if said:
        assert str(path) in said
        return
    report = a_report()
    for each in (report, replace(report, scenarios=report.scenarios[:1], deselected=1)):
        changes = baseline.changes(before, each)
        baseline.unchanged_failures(before, each)
        for line in baseline.lines(changes, before, each):
            assert line.plain == "" or line.plain.isprintable(), line.plain


@cache
def _baseline() -> Any:
    return json.loads(json.dumps(report_object(a_report())))


def another_baseline(data: bytes, random: Random) -> bytes:
    """Another baseline of one: other JSON, or another text of it."""
    found = _baseline()
    if random.random() < 0.3:
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(data)
    kind = random.random()
    if kind < 0.8 and isinstance(found, (dict, list)):
        # Among thousands of places one that says something is rarely met: a scenario alone.
        if (
            isinstance(found, dict)
            and isinstance(found.get("scenarios"), list)
            and found["scenarios"]
            and random.random() < 0.8
        ):
            one = of_data(
                random.choice(found["scenarios"]),
                random,
                [_baseline()["scenarios"][0]],
                lambda word: of_text(word, random),
            )
            return json_text({**found, "scenarios": [one]}).encode()
        return json_text(of_data(found, random, [_baseline()], lambda word: of_text(word, random))).encode()
    if kind < 0.95:
        return of_text(json_text(found), random, ("NaN", "Infinity", '{"re": 1, "im": 2}')).encode(
            "utf-8", "surrogatepass"
        )
    return of_bytes(data, random)


def read_last_failed(data: bytes) -> None:
    """Reads what failed in the last run, and keeps what failed in this one."""
    before = Path.cwd()
    os.chdir(_folder())
    try:
        last_failed.FOLDER.mkdir(exist_ok=True)
        last_failed.FILE.write_bytes(data)
        with contextlib.suppress(click.UsageError):
            assert all(isinstance(each, str) for each in last_failed.ids())
        last_failed.remember(a_report())
        assert {"a.yaml::name 2", "a.yaml::name 3"} & last_failed.ids()
    finally:
        os.chdir(before)


def another_last_failed(data: bytes, random: Random) -> bytes:
    """Another list of what failed: other JSON, or another text of it."""
    found: Any = ["a.yaml::name 1", "b.yaml::x (line 3)"]
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(data)
    if random.random() < 0.6:
        return json_text(of_data(found, random, [["x"]], lambda word: of_text(word, random))).encode()
    text = of_text(json_text(found), random).encode("utf-8", "surrogatepass")
    return text if random.random() < 0.7 else of_bytes(text, random)


# ---- kept results


def read_kept(data: bytes) -> None:
    """Reads kept results: of the first byte, a result, a whole database, or the versions that made what is kept."""
    kind, content = data[:1], data[1:]
    if kind == b"d":
        path = _folder() / "kept.sqlite"
        path.write_bytes(content)
        database = kept.opened(path)
        if database is not None:
            with contextlib.closing(database):
                count, size, oldest = kept.sizes(database)
                assert all(isinstance(each, (int, float)) for each in (count, size, oldest))
                with contextlib.suppress(sqlite3.Error):
                    for row in database.execute(
                        "SELECT number, count, name, needs, result, digest FROM results"
                    ).fetchall():
                        kept.KeptResults(SIDES, reference=True, allow_code=False)._sound(row)
    elif kind == b"v":
        versions = kept._versions(content.decode("utf-8", "replace"))
        assert isinstance(versions, dict)
    elif kind == b"n":
        needs = content.decode("utf-8", "replace")
        row = (0, 1, "name", needs, b"", b"")
        assert kept.KeptResults(SIDES, reference=True, allow_code=False)._sound(row) is False
    elif not _fills_memory(content):
        found = kept.loaded(content, SIDES)
        assert found is None or isinstance(found, ScenarioResult)


def _fills_memory(content: bytes) -> bool:
    """Whether bytes would make `pickle` itself take memory without end, by an index or a length that it believes.

    tfpt loads only what its seal says it has written itself, in a file of the user's own.
    """
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "BYTEARRAY8" or (
                "PUT" in opcode.name and isinstance(argument, int) and argument > 10_000
            ):
                return True
    except Exception:  # noqa: BLE001, RUF100 - it raises anything over what is no pickle; what stood before it is loaded
        return b"\x96" in content or re.search(rb"r[^\0][^\0]|p\d{5}", content) is not None
    return False


def _kept_seeds() -> list[bytes]:
    content = b"r" + kept.dumped(a_report().scenarios[1])
    path = _folder() / "seed.sqlite"
    path.unlink(missing_ok=True)
    database = kept.opened(path)
    assert database is not None
    with contextlib.closing(database), database:
        database.execute(
            "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (b"k", 0, 1, "n", '{"torch": "1"}', content[1:200], b"", 1.0),
        )
    return [content, b"d" + path.read_bytes(), b'v{"torch": "2.13.0"}', b'n{"torch": "1"}']


def another_kept(data: bytes, random: Random) -> bytes:
    """Another of one, by its bytes or its JSON."""
    if data[:1] in (b"v", b"n") and random.random() < 0.8:
        text = of_text(data[1:].decode("utf-8", "replace"), random, ('{"a": [1]}', "[]", "null", "3"))
        return data[:1] + text.encode("utf-8", "surrogatepass")
    return data[:1] + of_bytes(data[1:], random)


# ---- the worker protocol


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
        self.folder = str(_folder())
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


TARGETS = (
    Target("frames", read_frames, another_frame, _frames_seeds),
    Target("baseline", read_baseline, another_baseline, lambda: [json.dumps(_baseline()).encode()]),
    Target(
        "last_failed",
        read_last_failed,
        another_last_failed,
        lambda: [b'["a.yaml::name 1", "b.yaml::x (line 3)"]', b"[]"],
    ),
    Target("kept", read_kept, another_kept, _kept_seeds),
)
