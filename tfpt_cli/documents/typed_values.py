"""Values as they are typed on a command line: `x=[1, 2]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tfpt_cli.documents.document import documents

if TYPE_CHECKING:
    from collections.abc import Iterable


def assigned(texts: Iterable[str], option: str, example: str, *, text: bool = False) -> dict[str, Any]:
    """`x=0` and `y=[1, 2]` as {"x": 0, "y": [1, 2]}; with `text` the values stay texts. `ValueError` for anything else.

    >>> assigned(["x=0", "y=[1, 2]"], "--at", "x=0")
    {'x': 0, 'y': [1, 2]}
    """
    values: dict[str, Any] = {}
    for item in texts:
        name, equals, value = item.partition("=")
        name = name.strip()
        if not equals or not name or not value.strip():
            raise ValueError(f"{option} takes NAME=VALUE, such as {option} '{example}'; got '{item}'")
        if name in values:
            raise ValueError(f"{option} gives '{name}' twice")
        if more := re.search(r"[\s,;]+([A-Za-z_]\w*)\s*=(?!=)", _without_brackets(value)):
            raise ValueError(f"{option} takes one input at a time: {option} {name}=... {option} {more.group(1)}=...")
        values[name] = value.strip() if text else value_of(value.strip())
    return values


def _without_brackets(text: str) -> str:
    """A text without what stands in brackets, where an equals sign is an argument's.

    >>> _without_brackets("full((2,), fill_value=1) + [x[0]] (")
    'full +  ('
    """
    kept: list[str] = []
    opened: list[int] = []
    for character in text:
        kept.append(character)
        if character in "([":
            opened.append(len(kept) - 1)
        elif character in ")]":
            while opened and kept[opened[-1]] != "(["[character == "]"]:
                opened.pop()
            if opened:
                del kept[opened.pop() :]
    return "".join(kept)


def value_of(text: str) -> Any:
    """What a value on the command line means: a number or nested lists as YAML 1.2 reads them, else the text of an array call.

    >>> value_of("[1, 2.5]"), value_of("[1. 2.5]"), value_of("linspace(-3, 3, 7)")
    ([1, 2.5], [1.0, 2.5], 'linspace(-3, 3, 7)')
    """
    if re.fullmatch(r"\[[\[\]\s\d.eE+-]*\]", text):
        text = re.sub(r"(?<=[\d.\]])\s+(?=[-+\d.\[])", ", ", text)  # as NumPy prints an array
    found, problems = documents("", text)  # which refuses what refers to itself, and what is nested without end
    value = found[0].data if len(found) == 1 and not problems else text
    return value if isinstance(value, (bool, int, float, list)) else text
