"""The YAML files of this folder as plain data, and the JSON of them that is kept, because reading YAML takes its time.

Reading all files takes 150 ms of processor time, their JSON 6 ms. The JSON is in a folder of the user's own, under a name that
is the hash of the files' content, of this module, and of the versions of tfpt and Python: an edited file, or another version,
has another name, so what is read is never out of date. Only plain data is kept, and nothing of it is executed when it is read;
but rows are code in the end, so what others can write is not read (see `private`). Without a folder the YAML is read every time.

What takes long to compute of all rows is kept likewise (`derived`).
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfpt_cli import __version__, private

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent
# So many files are kept, for versions of tfpt that are used side by side; a rows' author makes one with every edit.
_KEPT = 8

# By the name of a file below this folder, without its ending (`operations/fft`), its rows; or what is computed of all of them.
Data = dict[str, dict[str, Any]]


def rows_of(name: str) -> dict[str, Any]:
    """The rows of a YAML file by name. They are shared by all callers, who leave them as they are.

    >>> rows_of("operations/activations")["relu"]["torch"]
    'F.relu(x)'
    """
    return _all_rows()[name]


def names_below(folder: str) -> list[str]:
    """The names of the files in a folder, for `rows_of`.

    >>> names_below("operations")[:2]
    ['operations/activations', 'operations/elementwise']
    """
    return [name for name in _all_rows() if name.startswith(f"{folder}/")]


@cache
def derived(kind: str, compute: Callable[[], Data]) -> Data:
    """What `compute` makes of the rows and of the lists of native calls, and of nothing else; it is kept, as the rows are.

    Another name than before has what is computed by other code: that of this room, of the language and of the frameworks.
    """
    rooms = (FOLDER, FOLDER.parent / "language", FOLDER.parent / "frameworks")
    code = [*FOLDER.rglob("*.json"), *(path for room in rooms for path in room.glob("*.py"))]
    return _kept_or(
        kind,
        _contents() | {path.relative_to(FOLDER.parent).as_posix(): path.read_bytes() for path in sorted(code)},
        compute,
    )


@cache
def _all_rows() -> Data:
    contents = _contents()
    return _kept_or("rows", contents, lambda: _parsed(contents))


@cache
def _contents() -> dict[str, bytes]:
    paths = {path.relative_to(FOLDER).with_suffix("").as_posix(): path for path in sorted(FOLDER.rglob("*.yaml"))}
    return {name: path.read_bytes() for name, path in paths.items()}


def _kept_or(kind: str, contents: dict[str, bytes], compute: Callable[[], Data]) -> Data:
    """What is kept of a kind for these contents of files; what is computed, where nothing is."""
    kept = _kept_at(_name_of(kind, contents))
    found = None if kept is None else _read(kept)
    if found is None:
        found = compute()
        if kept is not None:
            _write(kept, found)
    return found


def _parsed(contents: dict[str, bytes]) -> Data:
    import yaml  # here, since a command that finds the JSON does without
    import yamlcore

    return {
        name: yaml.load(content.decode(), Loader=yamlcore.CCoreLoader) or {}  # noqa: S506 - builds plain data only
        for name, content in contents.items()
    }


def _name_of(kind: str, contents: dict[str, bytes]) -> str:
    hashed = sha256(f"{__version__} {sys.version} ".encode() + Path(__file__).read_bytes())
    for name, content in contents.items():
        hashed.update(f"{name} {len(content)} ".encode() + content)
    return f"{kind}-{hashed.hexdigest()[:32]}.json"


def _kept_at(name: str) -> Path | None:
    """Where the JSON is kept; None where there is no folder that is the user's alone."""
    folder = private.cache_folder()
    return None if folder is None else folder / name


def _read(path: Path) -> Data | None:
    """What is kept in a file; None where there is none, or it is not as it was written."""
    head, _, text = private.read(path).partition(b"\n")
    if head.decode("ascii", "replace") != sha256(text).hexdigest():
        return None
    try:
        found: Data = json.loads(text)
    except ValueError:
        return None
    return found


def _write(path: Path, data: Data) -> None:
    """Keeps the data, for this process's next run and for others."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    private.write(path, sha256(text).hexdigest().encode() + b"\n" + text)
    _forget_old(path.parent, path.name.partition("-")[0])


def _forget_old(folder: Path, kind: str) -> None:
    with suppress(OSError):
        by_age = sorted(folder.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in by_age[_KEPT:]:
            path.unlink(missing_ok=True)
