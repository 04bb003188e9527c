"""Text from files and frameworks, made fit to be printed."""

from __future__ import annotations


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
