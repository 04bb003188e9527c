"""Files of scenarios that `tfpt validate` has found without a problem, so that it need not read them again."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import time
from hashlib import sha256
from typing import TYPE_CHECKING

from tfpt_cli.engine import fingerprint
from tfpt_cli.engine.kept import database_path, opened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfpt_cli.documents.source import Source

# Of so many files it is known that they are valid; what was not asked for longest is forgotten first.
_MOST = 20_000
# A file that was written so many seconds ago, or since, may have changed between its reading and its being looked at.
_RECENT = 1.0


class ValidFiles:
    """Which files are valid as they stand: by their text, and by all that else decides on it. Nothing here raises.

    A file that has a problem is read each time, and so is one whose scenarios name a file of which it cannot be told whether
    it has changed.
    """

    def __init__(self, *, allow_code: bool) -> None:
        self._terms = (fingerprint.of_tfpt(), sys.version, allow_code)
        self._began = time.time()
        path = database_path()
        self._database = None if path is None else opened(path)
        self._used: list[tuple[float, bytes]] = []
        self._new: list[tuple[bytes, int, str, float]] = []

    def count(self, source: Source) -> int | None:
        """How many scenarios a file has that was found valid as it stands; None where that is not known."""
        if self._database is None:
            return None
        key = self._key(source)
        try:
            row = self._database.execute("SELECT count, needs FROM valid WHERE file = ?", (key,)).fetchone()
            if row is None or any(fingerprint.of_named(name) != stamp for name, stamp in json.loads(row[1]).items()):
                return None
            count = int(row[0])
        except (sqlite3.Error, ValueError, TypeError, AttributeError):  # locked, or damaged
            return None
        self._used.append((time.time(), key))
        return count

    def keep(self, source: Source, count: int, named: Iterable[str]) -> None:
        """Keeps that a file is valid as it stands, which has so many scenarios, and that these name such files."""
        needs = {name: fingerprint.of_named(name) for name in named}
        if None not in needs.values() and not any(map(self._recent, needs)):
            self._new.append((self._key(source), count, json.dumps(needs), time.time()))

    def save(self) -> None:
        """Writes what is new, and lets go of the database."""
        database, self._database = self._database, None
        if database is None:
            return
        with contextlib.closing(database), contextlib.suppress(sqlite3.Error), database:
            database.executemany("UPDATE valid SET used = ? WHERE file = ?", self._used)
            database.executemany("INSERT OR REPLACE INTO valid VALUES (?, ?, ?, ?)", self._new)
            if self._new:
                forgotten = "SELECT file FROM valid ORDER BY used DESC LIMIT -1 OFFSET ?"
                database.execute(f"DELETE FROM valid WHERE file IN ({forgotten})", (_MOST,))  # noqa: S608 - our own text

    def _recent(self, name: str) -> bool:
        try:
            return os.stat(name).st_mtime > self._began - _RECENT
        except OSError:
            return True

    def _key(self, source: Source) -> bytes:
        parts = repr((*self._terms, os.path.abspath(source.file), source.digest))
        return sha256(parts.encode("utf-8", "surrogatepass")).digest()
