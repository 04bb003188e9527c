"""The functions of the frameworks that have no row, by the reason, and those that are a row's under another name."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.files import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def reasons() -> Mapping[str, str]:
    """Why a function has no row, by its canonical name.

    >>> reasons()["F.relu_"]
    'in place: the function without the underscore is compared'
    """
    return {name: reason for reason, names in rows_of("uncovered")["reasons"].items() for name in names.split()}


def other_names() -> Mapping[str, str]:
    """The row of an operation that a function is under another name, by its canonical name.

    >>> other_names()["torch.__radd__"]
    'add'
    """
    names: Mapping[str, str] = rows_of("uncovered")["other_names"]
    return names
