"""The targets that read what tfpt itself has written: baselines, what failed last, kept results."""

from __future__ import annotations

import contextlib
import json
import os
import pickletools
import re
import sqlite3
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tests.fuzz.mutation import json_text, of_bytes, of_data, of_text
from tests.fuzz.watching import Target, own_folder
from tfpt_cli import baseline
from tfpt_cli.cli import last_failed
from tfpt_cli.engine import kept, stored
from tfpt_cli.frameworks import SIDES
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


# ---- baselines, and what failed last


def read_baseline(data: bytes) -> None:
    """Reads a baseline, and says what has changed since."""
    path = own_folder() / "baseline.json"
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
    os.chdir(own_folder())
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
        path = own_folder() / "kept.sqlite"
        path.write_bytes(content)
        database = kept.opened(path)
        if database is not None:
            with contextlib.closing(database):
                count, size, oldest = kept.sizes(database)
                assert all(isinstance(each, (int, float)) for each in (count, size, oldest))
                with contextlib.suppress(sqlite3.Error):
                    for row in database.execute(
                        "SELECT number, count, name, needs, result, digest, used FROM results"
                    ).fetchall():
                        kept.KeptResults(SIDES, reference=True, allow_code=False)._sound(row)
    elif kind == b"v":
        versions = kept._versions(content.decode("utf-8", "replace"))
        assert isinstance(versions, dict)
    elif kind == b"n":
        needs = content.decode("utf-8", "replace")
        row = (0, 1, "name", needs, b"", b"", 0.0)
        assert kept.KeptResults(SIDES, reference=True, allow_code=False)._sound(row) is False
    elif not _fills_memory(content):
        found = stored.loaded(content, SIDES)
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
    content = b"r" + stored.dumped(a_report().scenarios[1])
    path = own_folder() / "seed.sqlite"
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


TARGETS = (
    Target("baseline", read_baseline, another_baseline, lambda: [json.dumps(_baseline()).encode()]),
    Target(
        "last_failed",
        read_last_failed,
        another_last_failed,
        lambda: [b'["a.yaml::name 1", "b.yaml::x (line 3)"]', b"[]"],
    ),
    Target("kept", read_kept, another_kept, _kept_seeds),
)
