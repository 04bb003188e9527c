"""Text from files and frameworks, made fit to be printed."""

from __future__ import annotations

import json
import re
from typing import Any

# What steers a terminal, or is a line end to some, and what UTF-8 does not have: half of a character, which stands for a byte of
# a file name that is no UTF-8.
_RAW = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def as_json(value: Any) -> str:
    r"""Plain data as JSON text with a line end, in UTF-8's characters; those that are not to be printed stand there escaped.

    >>> as_json({"größe": chr(0x9B)}).split()
    ['{', '"größe":', '"\\u009b"', '}']
    """
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    return _RAW.sub(lambda raw: f"\\u{ord(raw[0]):04x}", text) + "\n"


def printable(text: str) -> str:
    """Text from a file or a framework with every character replaced that would steer a terminal or start a new line.

    >>> printable("two" + chr(10) + "lines")
    'two�lines'
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def printable_lines(text: str) -> str:
    """Text of several lines made `printable` line by line, so that the line ends stay."""
    return "\n".join(printable(line) for line in text.splitlines())
