"""How a message calls a field of a scenario, as YAML has it or by the option that was typed; and a list of names."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# By field of a scenario the option that gives it; empty where a scenario is read from a file.
_NONE: Mapping[str, str] = MappingProxyType({})
_OPTIONS: ContextVar[Mapping[str, str]] = ContextVar("options", default=_NONE)
# What lets a scenario read a person's own files, and the verb with it.
_PERMISSION: ContextVar[tuple[str, str]] = ContextVar("permission", default=("add", "--allow-code"))


@contextmanager
def typed_as(options: Mapping[str, str]) -> Iterator[None]:
    """Within it, messages name the options of a command line by which the fields of a scenario are given.

    >>> with typed_as({"dtypes": "--input-dtype"}):
    ...     field("dtypes"), field("dtypes", "i", "int64")
    ('--input-dtype', '--input-dtype i=int64')
    """
    token = _OPTIONS.set(options)
    try:
        yield
    finally:
        _OPTIONS.reset(token)


@contextmanager
def permitted_by(verb: str, setting: str) -> Iterator[None]:
    """Within it, messages say how a project permits a person's own code, where no command line does.

    >>> with permitted_by("set", "tfpt_allow_code = true"):
    ...     f"if you trust it, {permission()}"
    'if you trust it, set tfpt_allow_code = true'
    """
    token = _PERMISSION.set((verb, setting))
    try:
        yield
    finally:
        _PERMISSION.reset(token)


def permission(*, verb: bool = True) -> str:
    """What to do so that a scenario may use a person's own code, `add --allow-code`; without its verb, what that takes.

    >>> permission(), permission(verb=False)
    ('add --allow-code', '--allow-code')
    """
    return " ".join(_PERMISSION.get()[not verb :])


def field(key: str, name: str = "", value: str = "") -> str:
    """A field of a scenario as the reader of a message writes it; with a name and a value, how one entry of it is written.

    >>> field("dtypes"), field("dtypes", "i", "int64"), field("cotangent", value="[1.0]")
    ("'dtypes'", 'dtypes: {i: int64}', 'cotangent: [1.0]')
    """
    option = _OPTIONS.get().get(key, "")
    if not option:
        return f"{key}: {{{name}: {value}}}" if name else f"{key}: {value}" if value else f"'{key}'"
    return f"{option} {name}={value}" if name else f"{option} {value}" if value else option


def typed() -> bool:
    """Whether what is read now was typed on a command line, and stands in no file."""
    return bool(_OPTIONS.get())


def few(names: Sequence[str], most: int = 6) -> str:
    """The first names of a list, and how many more there are.

    >>> few(["a", "b", "c"], 2)
    'a, b, ... (1 more)'
    """
    return ", ".join(names[:most]) + (f", ... ({len(names) - most} more)" if len(names) > most else "")
