"""The libraries that tfpt needs: what to say where one is not there, or where something else stands in its place."""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import os
import re
import traceback
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Distributions whose modules are called otherwise.
_MODULES = {"pyyaml": "yaml", "jsonschema-rs": "jsonschema_rs", "ml-dtypes": "ml_dtypes"}


def broken_library(error: BaseException) -> str:
    """Which library an error comes of that is not as it was installed, and what to do; empty where it comes of none.

    A folder of `PYTHONPATH`, or the one that tfpt is started in, may hold a `numpy.py` of a person's own.
    """
    errors = list(_chain(error))
    names = [frame.filename for each in errors for frame in traceback.extract_tb(each.__traceback__)]
    names += [each.filename or "" for each in errors if isinstance(each, SyntaxError)]
    # Python's own are called `<frozen importlib>`, and stand in no folder.
    files = {Path(name).resolve() for name in names if os.path.isabs(name)}
    missed = {name.partition(".")[0] for name in map(_missed, errors)}
    for distribution, module in _needed():
        spec = importlib.machinery.PathFinder.find_spec(module)
        if spec is None:
            if module in missed:
                return f"tfpt needs {module}, which is not installed: python -m pip install {distribution}"
            continue
        if spec.origin is None:  # a folder without an __init__.py
            where = Path(next(iter(spec.submodule_search_locations or ()), ""))
        else:
            where = Path(spec.origin).resolve()
            where = where.parent if where.stem == "__init__" else where
        if _is_installed_at(distribution, where):
            continue
        if module in missed or any(file == where or where in file.parents for file in files):
            return (
                f"{where} stands before the {module} that tfpt needs; rename it, or take its folder out of PYTHONPATH"
            )
    return ""


def _missed(error: BaseException) -> str:
    """The module that cannot be imported, or that lacks something; empty where an error is about none."""
    if isinstance(error, ImportError):
        return error.name or ""
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return error.obj.__name__
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it was raised from or while they were handled."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _needed() -> Iterator[tuple[str, str]]:
    """The distributions that tfpt needs, each with the module that it brings."""
    try:
        requirements = importlib.metadata.requires("tfpt") or ()
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that was not installed
        return
    for requirement in requirements:  # read without `packaging`, which may be what is broken
        if "extra ==" not in requirement:
            name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()
            yield name, _MODULES.get(name, name.replace("-", "_"))


def _is_installed_at(distribution: str, where: Path) -> bool:
    """Whether what stands at a place is what was installed; one that is not installed cannot be told from another."""
    try:
        folder = Path(str(importlib.metadata.distribution(distribution).locate_file(""))).resolve()
    except importlib.metadata.PackageNotFoundError:
        return False
    return where.is_relative_to(folder)
