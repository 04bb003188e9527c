"""Text from files and frameworks, made fit to be printed."""

from __future__ import annotations


def printable(text: str) -> str:
    """Text from a file or a framework without what would steer a terminal or start a line."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines, which stay."""
    return "\n".join(printable(line) for line in text.splitlines())
