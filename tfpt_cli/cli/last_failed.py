"""What failed in the last run, kept in the folder where tfpt was run, for `--last-failed`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfpt_cli.cli.outputs import CannotWrite, write_file
from tfpt_cli.results import as_json

if TYPE_CHECKING:
    from tfpt_cli.results import Report

FOLDER = Path(".tfpt_cache")
FILE = FOLDER / "last_failed.json"
_IGNORE = FOLDER / ".gitignore"


def ids() -> frozenset[str]:
    """The ids of the scenarios that were not as expected when they were last checked; a usage error where none is known."""
    try:
        return _kept()
    except FileNotFoundError:
        raise click.UsageError(f"--last-failed: no failure is remembered in this folder ({FILE})") from None
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--last-failed: {FILE} cannot be read: {error}; delete it") from None


def _kept() -> frozenset[str]:
    """The ids that the file has. Raises `OSError` or `ValueError` where it cannot be read or holds something else."""
    if _leads_elsewhere():
        raise ValueError("it is a link, which is not followed")
    if FILE.exists() and not FILE.is_file():  # a pipe would be waited for
        raise ValueError("it is no file")
    try:
        found = json.loads(FILE.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it is nested without end") from None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ValueError("it is no list of scenarios")
    return frozenset(found)


def remember(report: Report) -> None:
    """Keeps what failed: of the scenarios that were checked now, and as it was of the others. A read-only folder keeps none."""
    if _leads_elsewhere():
        return
    try:
        known = _kept()
    except (OSError, ValueError):
        known = frozenset()
    # A scenario that shares its file and title with another is told by its line too. (Files of old versions name both as one.)
    found = report.outlines
    shared = {name for name, count in Counter(each.id for each in found).items() if count > 1}
    checked = {name for each in found for name in (each.id, each.place)}
    failed = (known - checked) | {each.place if each.id in shared else each.id for each in found if not each.expected}
    if failed == known:
        return
    try:
        FOLDER.mkdir(exist_ok=True)
        _IGNORE.write_text("*\n", encoding="utf-8")
        write_file(str(FILE), as_json(sorted(failed)))
    except (OSError, CannotWrite):
        pass


def _leads_elsewhere() -> bool:
    """Whether one of the places is a link: in a folder from a stranger it would have any file of this user written over."""
    return any(path.is_symlink() for path in (FOLDER, _IGNORE, FILE))
