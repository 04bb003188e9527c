"""Folders and files that are the user's alone: what another user owns or can write is neither read nor written.

What tfpt keeps between two runs is in them: rows ready-made, results of scenarios, the way to its warm processes. Where there is
no such folder (no home, a full disk, a system without file owners) nothing is kept, and everything is computed anew.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
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
