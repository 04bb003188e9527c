"""Results that are kept from one run to the next: a scenario of which nothing has changed is answered from there.

They lie in a database of the user's own (`private`), under a digest of everything that decides on them (`fingerprint`): the text
of the scenario, tfpt's own code and rows, the packages, the processor, the environment. What a result also depends on stands
beside it and is looked at when it is found: the files that the scenario names, and the frameworks' own. So nothing that is found
is out of date. What cannot be read, was damaged, or is of another making is as if it were not there.

A result is kept where a run would give it again: not where a process broke or took too long, nor where a person's own Python ran,
which may read anything.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from tfpt_cli import private
from tfpt_cli.documents.shipped import comes_with_tfpt
from tfpt_cli.engine import fingerprint
from tfpt_cli.engine.status import KnownScenario
from tfpt_cli.engine.stored import dumped, loaded
from tfpt_cli.frameworks import REFERENCE
from tfpt_cli.results import Symptom, scenario_id

if TYPE_CHECKING:
    import collections.abc
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tfpt_cli.documents.document import Document
    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.results import Outcome, ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario

FILE = "results.sqlite"
# What more than so many bytes are kept, what was not asked for longest is forgotten.
MOST = 200_000_000
# A result of more bytes than this is not kept: a few of them would put out all others.
_LARGEST = 2_000_000
# So many results are written at once.
_AT_ONCE = 200
# What was asked for within so many seconds is not noted as asked for again.
_JUST_NOW = 600.0
# How many seconds another run may write while this one waits for the database.
_PATIENCE = 2.0
_TABLES = """
    CREATE TABLE IF NOT EXISTS results (
        document BLOB, number INTEGER, count INTEGER, name TEXT, needs TEXT, result BLOB, digest BLOB, used REAL,
        PRIMARY KEY (document, number)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS environments (surroundings TEXT PRIMARY KEY, versions TEXT);
    CREATE TABLE IF NOT EXISTS valid (file BLOB PRIMARY KEY, count INTEGER, needs TEXT, used REAL) WITHOUT ROWID;
"""


class KeptResults:
    """The results of earlier runs between two sides, and those of this run for later ones. Nothing here raises."""

    def __init__(self, sides: Sides, *, reference: bool, allow_code: bool) -> None:
        self._sides = sides
        self._terms = (reference, allow_code, *((side.key, side.framework.key, side.interpreter) for side in sides))
        self._database: sqlite3.Connection | None = None
        self._opened = False
        self._surroundings = ""
        self._stamps: dict[str, str | None] = {}
        self._used: list[tuple[float, bytes]] = []
        self._new: list[tuple[Any, ...]] = []
        self._written = 0
        # The versions that made what is kept of these surroundings; None where nothing is.
        self._versions: dict[str, str] | None = None

    def environment(self) -> dict[str, str]:
        """The versions under which the results were made that are found; nothing where none was kept."""
        return (self._versions or {}) if self._there() else {}

    def recall(self, document: Document) -> list[KnownScenario] | None:
        """All cases of a document, where the result of each is known and nothing that it depends on has changed; else None."""
        if not self._there() or self._versions is None:
            return None
        key = self._key(document.file, document.meaning)
        rows = self._rows(
            "SELECT number, count, name, needs, result, digest, used FROM results WHERE document = ? ORDER BY number",
            key,
        )
        if not rows or len(rows) != rows[0][1] or not all(map(self._sound, rows)):
            return None
        found = []
        for _, _, name, _, content, _, _ in rows:
            result = loaded(content, self._sides)
            if result is None:
                return None
            own_id = scenario_id(document.file, result.name)
            found.append(
                KnownScenario(name, replace(result, file=document.file, line=document.line, id=own_id, cached=True))
            )
        now = time.time()
        if any(not 0 <= now - row[-1] < _JUST_NOW for row in rows):
            self._used.append((now, key))
        return found

    def keep(
        self, scenario: Scenario, result: ScenarioResult, outcomes: collections.abc.Mapping[Side, Outcome]
    ) -> None:
        """Keeps a result, where another run would come to the same; many are written at a time, the last by `save`."""
        broken = [f for outcome in outcomes.values() for f in outcome.failures if f.could_not_run]
        if (
            broken
            or any(f.symptom not in (Symptom.EXCEPTION, Symptom.OF_SCENARIO) for f in result.failures)
            or not self._there()
        ):
            return
        if any(file.endswith(".py") and not comes_with_tfpt(file) for file in scenario.named):
            return
        # The lines of a file are said as they are seen from the folder where tfpt runs.
        needs = {
            each: self._stamp(each) for each in (*self._sides, *scenario.named, *(["."] if scenario.named else []))
        }
        if None in needs.values():
            return
        content = dumped(replace(result, listings={}, curves=()))
        if len(content) > _LARGEST:
            return
        key = self._key(scenario.file, scenario.meaning)
        row = (
            key,
            scenario.case_number,
            scenario.case_count,
            scenario.name,
            json.dumps(needs),
            content,
            _seal(content, needs),
            time.time(),
        )
        self._new.append(row)
        if len(self._new) >= _AT_ONCE:
            self._write()

    def look(self, names: Iterable[str]) -> None:
        """Looks at the files that results will need, by their paths or the keys of sides, before these are computed.

        One that changes meanwhile is so another one when the result is found.
        """
        if self._there():
            for name in names:
                self._stamp(name)

    def save(self, versions: collections.abc.Mapping[str, str]) -> None:
        """Writes what is new, made under these versions, and forgets what was not asked for longest where that is too much."""
        self._write()
        used, self._used = self._used, []
        if self._database is None:
            return
        with self._unharmed(), self._database:
            self._database.executemany("UPDATE results SET used = ? WHERE document = ?", used)
            if self._written:
                row = (self._surroundings, json.dumps(dict(versions)))
                self._database.execute("INSERT OR REPLACE INTO environments VALUES (?, ?)", row)
                _forget(self._database)
        self._written = 0

    def _write(self) -> None:
        new, self._new = self._new, []
        if self._database is not None and new:
            with self._unharmed(), self._database:
                self._database.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)", new)
                self._database.execute("INSERT OR IGNORE INTO environments VALUES (?, '{}')", (self._surroundings,))
            self._written += len(new)

    def close(self) -> None:
        """Lets go of the database; a later run opens it anew, and looks again at what may have changed."""
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
        self._database, self._opened, self._surroundings, self._versions = None, False, "", None
        self._stamps.clear()

    def _there(self) -> bool:
        """Whether there is a database, which is opened when it is first asked for."""
        if not self._opened:
            self._opened = True
            packages = [fingerprint.of_packages(side) for side in (*self._sides, REFERENCE)]
            path = database_path()
            if path is not None and None not in packages:
                own = (fingerprint.of_tfpt(), fingerprint.of_machine(), fingerprint.of_environment())
                self._surroundings = sha256(repr((*own, packages, self._terms)).encode()).hexdigest()
                self._database = opened(path)
            if self._database is not None:
                query = "SELECT versions FROM environments WHERE surroundings = ?"
                self._versions = next((_versions(row[0]) for row in self._rows(query, self._surroundings)), None)
        return self._database is not None

    def _key(self, file: str, meaning: str) -> bytes:
        return sha256(
            repr((self._surroundings, os.path.abspath(file), meaning)).encode("utf-8", "surrogatepass")
        ).digest()

    def _sound(self, row: tuple[Any, ...]) -> bool:
        """Whether a row is as it was written, and what its result needs is as it was."""
        _, _, _, needs, content, digest, _ = row
        try:
            needed = json.loads(needs)
            if _seal(content, needed) != digest:
                return False
            return all(self._stamp(file) == stamp for file, stamp in needed.items())
        except (ValueError, TypeError, AttributeError, RecursionError):
            return False

    def _stamp(self, name: str) -> str | None:
        """The state of a file that a scenario names, of the folder `.`, or, by the key of a side, of that side's framework."""
        side = next((side for side in self._sides if side == name), None)
        what = name if side is None else f"packages of {side.interpreter}"  # usually of both sides
        if what not in self._stamps:
            if side is not None:
                self._stamps[what] = fingerprint.of_files(side)
            else:
                self._stamps[what] = fingerprint.of_folder() if name == "." else fingerprint.of_named(name)
        return self._stamps[what]

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        assert self._database is not None
        with self._unharmed():
            return self._database.execute(query, values).fetchall()
        return []

    @contextlib.contextmanager
    def _unharmed(self) -> Iterator[None]:
        """Swallows what is wrong with the database, which is then no longer asked in this run."""
        try:
            yield
        except sqlite3.Error:
            self._database = None


def database_path() -> Path | None:
    """Where the database is, or would be; None where nothing can be kept, or what is there is not the user's."""
    folder = private.cache_folder()
    path = None if folder is None else folder / FILE
    return None if path is None or (path.exists() and not private.own_file(path)) else path


def opened(path: Path) -> sqlite3.Connection | None:
    """The database, made where it is missing, and anew where it is none; None where that cannot be."""
    for _ in range(2):
        try:
            database = sqlite3.connect(path, timeout=_PATIENCE)
            path.chmod(0o600)
            database.executescript(_TABLES)
            database.execute("SELECT document, number, count, name, needs, result, digest, used FROM results LIMIT 1")
            return database
        except sqlite3.OperationalError:  # locked, a full disk, a folder that is read only
            return None
        except (sqlite3.Error, OSError, ValueError):  # the last where what is wrong is not even said in UTF-8
            with contextlib.suppress(OSError):
                path.unlink()
    return None


def sizes(database: sqlite3.Connection) -> tuple[int, int, float]:
    """How many results are kept, of how many bytes together, and when the oldest was last used; nothing of a damaged one."""
    try:
        count, size, oldest = database.execute(
            "SELECT count(*), sum(length(result)), min(used) FROM results"
        ).fetchone()
    except sqlite3.Error:
        return 0, 0, 0.0
    return count, size or 0, oldest or 0.0


def _versions(text: object) -> dict[str, str]:
    """Versions as they were kept; nothing where they are damaged."""
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _seal(content: bytes, needs: collections.abc.Mapping[str, str | None]) -> bytes:
    """What tells that a row is as it was written."""
    return sha256(json.dumps(needs, sort_keys=True).encode() + content).digest()


def _forget(database: sqlite3.Connection) -> None:
    """Takes out what was not asked for longest, until the rest is no more than `MOST`."""
    rows = database.execute("SELECT used, length(result) FROM results ORDER BY used DESC").fetchall()
    kept = 0
    for used, size in rows:
        kept += size
        if kept > MOST:
            database.execute("DELETE FROM results WHERE used <= ?", (used,))
            return
