"""Symbolic links in a scenario's folder: a stranger's may lead to any file of whoever runs the scenario."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def link_out_of(folder: str, path: str) -> str:
    """The link by which reading a file of weights would leave a folder; empty where there is none.

    Looked at are the path itself, what is in it where it is a folder, and what lies beside it where it is an index or the
    prefix of a checkpoint, whose numbers are in other files.
    """
    root = os.path.realpath(folder)
    for place in (path, *_read_with(path)):
        if os.path.commonpath([root, os.path.realpath(place)]) != root:
            return place
    return ""


def _read_with(path: str) -> Iterator[str]:
    """The files and folders that may be read when a path is."""
    if os.path.isdir(path):
        for folder, folders, files in os.walk(path):
            yield from (os.path.join(folder, name) for name in (*folders, *files))
    elif not os.path.isfile(path) or path.endswith((".json", ".index")):
        beside = os.path.dirname(path)
        try:
            yield from (os.path.join(beside, name) for name in os.listdir(beside))
        except OSError:
            return
