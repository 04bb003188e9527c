"""Finding the files of scenarios that the paths of a command line name."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tfpt_cli.results import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ENDINGS = (".yaml", ".yml")
_PACKAGE = Path(__file__).parents[1]


@cache
def shipped_scenarios() -> Path:
    """The folder of the scenarios that come with tfpt: in the installed package, or in a checkout beside it.

    `pyproject.toml` puts the one into a wheel as the other. Raises `FileNotFoundError` where neither is there.
    """
    for folder in (_PACKAGE / "scenarios", _PACKAGE.parent / "scenarios"):
        if (folder / "seed").is_dir():  # beside an installed package another one may be called so
            return folder
    raise FileNotFoundError(
        f"the scenarios that come with tfpt are missing: {_PACKAGE / 'scenarios'}; install it again"
    )


def shipped_file(name: str) -> str:
    """The path of a file or folder below the shipped `scenarios/`, such as `init/linear.yaml`, from here where it is near."""
    path = str(shipped_scenarios() / name)
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def scenario_files(paths: Iterable[str]) -> Iterator[str | Problem]:
    """The files named, and the YAML files below the folders named, in order and each once.

    A path that does not exist and a folder without scenarios are problems. Hidden files and folders are passed over. A path
    that begins with `scenarios/` and is not there means the scenarios that come with tfpt.
    """
    seen: set[str] = set()
    for path in map(_found, paths):
        if not os.path.isdir(path):
            found = [path]
        else:
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
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                yield file


def _found(path: str) -> str:
    parts = Path(path).parts
    if os.path.exists(path) or ".." in parts or parts[:1] != ("scenarios",):
        return path
    try:
        shipped = shipped_scenarios().joinpath(*parts[1:])
    except FileNotFoundError:
        return path
    return str(shipped) if shipped.exists() else path


def _below(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent) / name
            if name.endswith(ENDINGS) and not name.startswith(".") and path.is_file():
                yield str(path)
