"""Finding the files of scenarios that the paths of a command line name, and the documents in them."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from tfpt_cli.budget import BUDGET
from tfpt_cli.documents.document import Document, documents_in
from tfpt_cli.documents.shipped import shipped_scenarios
from tfpt_cli.documents.source import STANDARD_INPUT, Source, opened
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.results import Failure, Problem, Unread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tfpt_cli.budget import Budget
    from tfpt_cli.scenario.selection import Named

ENDINGS = (".yaml", ".yml")


def shipped_file(name: str) -> str:
    """The path of a file or folder below the shipped `scenarios/`, such as `init/linear.yaml`, from here where it is near."""
    path = str(shipped_scenarios() / name)
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def scenario_files(paths: Iterable[str]) -> Iterator[str | Problem]:
    """The files named, and the YAML files below the folders named, in order and each once.

    A path that does not exist, a folder without scenarios and what is in a folder and cannot be looked into, or goes while it is
    read, are problems. Hidden files and folders are passed over, and so is what is no file, such as a pipe. A path
    that begins with `scenarios/` and is not there means the scenarios that come with tfpt; `-` is standard input. What chooses
    scenarios within a file, `file.yaml::name` and `file.yaml:12`, is left to `Within`.
    """
    seen: set[str] = set()
    for path in (_found(part(path)[0]) for path in paths):
        found: list[str | Problem] = [path]
        if path != STANDARD_INPUT and os.path.isdir(path):
            found = list(_below(path))
            if not found:
                yield Problem(
                    file=path,
                    line=0,
                    column=0,
                    message=f"no scenarios in this folder (files ending in {' or '.join(ENDINGS)}); "
                    f"to begin: tfpt new {os.path.join(path, 'first.yaml')}",
                )
        for file in found:
            if isinstance(file, Problem):
                yield file
                continue
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                yield file


def documents_of(
    file: str, source: Source | Problem | None = None, budget: Budget = BUDGET
) -> Iterator[Document | Problem | Unread]:
    """The documents of a file as they are read, and every problem that keeps it, or one of them, from being read.

    `source` is what `opened` gives of it, where that was asked before. Each document has the budget to itself.
    """
    source = opened(file) if source is None else source
    if isinstance(source, Problem):
        yield source
        return
    empty, line = True, 1
    with source.stream as stream:
        try:
            reading = documents_in(file, stream)
            while True:
                with budget.allowance():
                    found = next(reading, None)
                if found is None:
                    break
                empty, line = False, found.line
                yield found
        except OSError as error:
            yield Problem(file=file, line=0, column=0, message=f"cannot be read: {error.strerror}")
            return
        except UnicodeDecodeError:  # which it was when it was opened
            pass
        except Exception as error:  # a mistake of ours: the other files are read
            yield unread(Document(file, "", line), error)
            return
        if source.changed:
            words = "it was written to while it was read: what was read of it may stand nowhere; run it again"
            yield Problem(file=file, line=0, column=0, message=words)
            return
    if empty:
        words = f"no scenario in this file; one needs a name and a subject ({' or '.join(_subjects())})"
        yield Problem(file=file, line=1, column=1, message=words)


def unread(document: Document, error: Exception) -> Unread:
    """A document over which tfpt itself failed while reading it."""
    data = document.data if isinstance(document.data, dict) else {}
    return Unread(
        file=document.file,
        line=document.line,
        name=document.name or "(a scenario that was not read)",
        subject=next((name for name in _subjects() if name in data), ""),
        failure=Failure.internal(
            error, "reading this scenario" if data else f"reading this file from line {document.line} on"
        ),
    )


def _subjects() -> Iterable[str]:
    from tfpt_cli.subjects.registry import SUBJECTS  # not above: what is only found needs no subject

    return SUBJECTS


def part(path: str) -> tuple[str, str]:
    """A path of the command line as the path of a file, and what of it is asked for: a name, or the number of a line.

    >>> part("no/such.yaml"), part("x::y")
    (('no/such.yaml', ''), ('x::y', ''))
    """
    if path == STANDARD_INPUT or os.path.exists(_found(path)):
        return path, ""
    file, colons, name = path.partition("::")
    if colons and name and os.path.isfile(_found(file)):
        return file, name
    placed = re.fullmatch(r"(.+?):(\d+)(?::\d+)?", path)
    if placed is not None and os.path.isfile(_found(placed.group(1))):
        return placed.group(1), placed.group(2)
    return path, ""


class Within:
    """What paths ask for within files: `file.yaml::name` takes the scenario with that name, `file.yaml:12` the one there."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._asked: dict[str, set[str]] = {}
        whole: set[str] = set()
        for path in paths:
            file, asked = part(path)
            if asked:
                self._asked.setdefault(_found(file), set()).add(asked)
            else:
                whole.add(os.path.realpath(_found(file)))
        for file in [file for file in self._asked if os.path.realpath(file) in whole]:
            del self._asked[file]
        self._met: dict[str, set[str]] = {file: set() for file in self._asked}
        self._there: dict[str, list[str]] = {file: [] for file in self._asked}
        self._lines: dict[str, list[int]] = {}

    def whole(self, file: str) -> bool:
        """Whether all of a file is asked for."""
        return file not in self._asked

    def takes(self, scenario: Named) -> bool:
        """Whether a scenario is asked for; of a file that was named as a whole each is."""
        if self.whole(scenario.file):
            return True
        self._there[scenario.file].append(scenario.name)
        found = {
            asked
            for asked in self._asked[scenario.file]
            if asked in (scenario.name, scenario.title)
            or (asked.isdecimal() and scenario.line == self._begins(scenario.file, int(asked)))
        }
        self._met[scenario.file] |= found
        return bool(found)

    def unmet(self) -> Iterator[Problem]:
        """A problem for everything that was asked for and is not in its file."""
        for file, names in self._asked.items():
            for name in sorted(names - self._met[file]):
                there = list(dict.fromkeys(self._there[file]))
                hint = did_you_mean(name, there) or f" (it has {', '.join(there[:6])})" * bool(there)
                line = int(name) if name.isdecimal() else 0
                words = "no valid scenario stands here" if line else f"no scenario is called '{name}'{hint}"
                yield Problem(file=file, line=line, column=int(bool(line)), message=words)

    def _begins(self, file: str, line: int) -> int:
        """The line at which the document begins that stands at a line of a file; the first one's before that."""
        if file not in self._lines:
            self._lines[file] = [found.line for found in documents_of(file) if isinstance(found, Document)]
        lines = self._lines[file]
        return max((begin for begin in lines if begin <= line), default=min(lines, default=0))


def _found(path: str) -> str:
    parts = Path(path).parts
    if os.path.exists(path) or ".." in parts or parts[:1] != ("scenarios",):
        return path
    try:
        shipped = shipped_scenarios().joinpath(*parts[1:])
    except FileNotFoundError:
        return path
    return str(shipped) if shipped.exists() else path


def _below(folder: str) -> Iterator[str | Problem]:
    """The scenario files below a folder, and a problem for what is there and cannot be looked at: it is not silently left out."""
    lost: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=lost.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(ENDINGS) and not name.startswith("."):
                path = str(Path(parent) / name)
                try:
                    if stat.S_ISREG(os.stat(path).st_mode):
                        yield path
                except OSError as error:
                    yield _unseen(path, error)
    for missed in lost:
        yield _unseen(str(Path(missed.filename)), missed)


def _unseen(path: str, error: OSError) -> Problem:
    """Why something in a folder could not be looked at."""
    if not isinstance(error, FileNotFoundError):
        words = f"cannot be read: {error.strerror}"
    elif os.path.islink(path):
        words = "a link to what is not there"
    else:
        words = "it was there when the folder was read, and has gone since"
    return Problem(file=path, line=0, column=0, message=words)
