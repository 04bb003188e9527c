"""A person's own Python file that a scenario names: whether it is there, may be run, and has what is named."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING

from tfpt_cli.documents.shipped import comes_with_tfpt
from tfpt_cli.language.mentions import permission, typed
from tfpt_cli.language.suggest import did_you_mean

if TYPE_CHECKING:
    from tfpt_cli.documents.document import Path
    from tfpt_cli.documents.reader import Reader


def own_file(reader: Reader, path: Path, file: str, function: str) -> str | None:
    """The full path of a file that a scenario names, None after complaining where it may not be run or has no such function.

    Relative paths start at the scenario's folder. What comes with tfpt may be run without being allowed.
    """
    folder = os.path.dirname(os.path.abspath(reader.document.file))
    full = os.path.normpath(os.path.join(folder, file))
    if not os.path.basename(file)[:-3].isidentifier():
        reader.complain(path, f"'{file}' cannot be imported: its name is no Python name")
    elif not os.path.isfile(full):
        start = "where you are" if typed() else "at the scenario's folder"
        reader.complain(path, f"no such file: {full} (paths start {start})")
    elif not reader.allow_code and not comes_with_tfpt(full):
        words = f"this would run the function '{function}' of {full}, with all that the file does when it is imported"
        reader.complain(path, f"{words}; if you trust it, {permission()}")
    elif (names := _top_names(full)) is not None and function not in names:
        known = did_you_mean(function, names) or f" (it has {', '.join(sorted(names)[:12])})" * bool(names)
        reader.complain(path, f"{full} has no function '{function}'{known}")
    else:
        reader.named.append(full)
        return full
    return None


def _top_names(file: str) -> set[str] | None:
    """What a Python file gives a name to at its top; None where only running it tells, and where it cannot be read."""
    try:
        with open(file, encoding="utf-8") as stream:
            body = ast.parse(stream.read()).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names: set[str] = set()
    for part in body:
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(part.name)
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            names |= {alias.asname or alias.name.split(".")[0] for alias in part.names}
        elif isinstance(part, (ast.Assign, ast.AnnAssign)):
            names |= {node.id for node in ast.walk(part) if isinstance(node, ast.Name)}
        elif not isinstance(part, ast.Expr):
            return None  # names that are given under a condition, in a loop, in a block
    return None if "*" in names else names
