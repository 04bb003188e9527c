"""Folders and files that are the user's alone: what another user owns or can write is neither read nor written.

What tfpt keeps between two runs is in them: rows ready-made, results of scenarios, the way to its warm processes. Where there is
no such folder (no home, a full disk, a system without file owners) nothing is kept, and everything is computed anew. What it
hands to its processes lies in a `TemporaryFolder`, which another run takes away where this one was killed.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path


def cache_folder() -> Path | None:
    """The folder of what tfpt keeps, `tfpt` in the user's caches, made where it is missing; None where there cannot be one."""
    home, given = os.environ.get("HOME", ""), os.environ.get("XDG_CACHE_HOME", "")
    caches = given if os.path.isabs(given) else os.path.join(home, ".cache")
    if not hasattr(os, "geteuid") or not os.path.isabs(caches):
        return None
    try:
        Path(caches).mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return private_folder(Path(caches, "tfpt"))


def private_folder(folder: Path) -> Path | None:
    """A folder, made for its user alone where it is missing; None where it is not that user's, or others can write it."""
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    return folder if stat.S_ISDIR(status.st_mode) and _own(status) else None


def own_file(path: Path) -> bool:
    """Whether a path is a file, and no link, of the user who runs this, which no other can write."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and _own(status)


def _own(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def read(path: Path) -> bytes:
    """What is in a file of the user's own; nothing where there is none, or it is somebody else's."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            return file.read() if stat.S_ISREG(status.st_mode) and _own(status) else b""
    except OSError:
        return b""


def write(path: Path, content: bytes) -> None:
    """Writes a file, beside it first, so that another process finds all of it or nothing; where it cannot, it does not."""
    import tempfile

    try:
        handle, beside = tempfile.mkstemp(prefix=path.stem, suffix=".tmp", dir=path.parent)
    except OSError:
        return
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            os.unlink(beside)


# A folder that is younger than so many seconds may not have been locked yet by the run that has made it.
_YOUNG = 60.0
_TEMPORARY = "tfpt-run-"


class TemporaryFolder:
    """A folder among the temporary files, locked as long as this process lives and does not `remove` it. Raises `OSError`."""

    def __init__(self) -> None:
        import tempfile

        _sweep(Path(tempfile.gettempdir()))
        self.path = tempfile.mkdtemp(prefix=_TEMPORARY)
        self._handle = _locked(Path(self.path))

    def __enter__(self) -> str:
        """Gives the path of the folder, which is taken away at the end of the block."""
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Takes it away, with all that is in it."""
        import shutil

        shutil.rmtree(self.path, ignore_errors=True)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@cache
def _sweep(temporary: Path) -> None:
    """Takes away the folders of this user's runs that were killed: nobody holds their locks. Once in a process is enough."""
    import shutil
    import time

    try:
        found = [entry for entry in os.scandir(temporary) if entry.name.startswith(_TEMPORARY)]
    except OSError:
        return
    for entry in found:
        with suppress(OSError):
            status = entry.stat(follow_symlinks=False)
            young = time.time() - status.st_mtime < _YOUNG
            if young or not stat.S_ISDIR(status.st_mode) or not _own(status):
                continue
            handle = _locked(Path(entry.path))
            if handle is not None:
                shutil.rmtree(entry.path, ignore_errors=True)
                os.close(handle)


def _locked(folder: Path) -> int | None:
    """An open handle of a folder, which locks it; None where another process has locked it, or the system has no locks."""
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
