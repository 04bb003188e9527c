"""Numbers and arrays as text that fits a column."""

from __future__ import annotations

import math
import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.results import Summary

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS = "_.-=+*%#"
MAX_LINES = 12
FEW = 24
_NUMBER = re.compile(r"[^\s\[\]]+")


def number(value: Any, digits: int = 7) -> str:
    """A number with at most this many significant digits, a float always with a point (`3.0`, `1e-07`, `nan`, `1.0+2.0j`).

    >>> number(3.0), number(1e-7), number(1 / 3, digits=3), number(1 - 2j)
    ('3.0', '1e-07', '0.333', '1.0-2.0j')
    """
    if isinstance(value, complex):
        imaginary = number(value.imag, digits)
        return f"{number(value.real, digits)}{'' if imaginary[0] in '-' else '+'}{imaginary}j"
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    text = f"{value:.{digits}g}"
    return text if any(mark in text for mark in ".e") else f"{text}.0"


def array_lines(values: Any, width: int, least: int = 2) -> list[str] | None:
    """A nested list of few numbers as lines of this width, with as many digits as fit; None where it does not fit.

    Each row of a matrix begins a line, and goes over several where it must; there are as many digits as do not cost a line, but
    not fewer than `least` where those fit.

    >>> array_lines([[1.0, 0.5], [0.25, 10.0]], width=20)
    ['[ 1.00  0.50]', '[ 0.25 10.00]']
    >>> array_lines([1.0, 2.0, 3.0], width=5)
    ['[1.0', ' 2.0', ' 3.0]']
    """
    if not isinstance(values, list):
        return [number(values)] if len(number(values)) <= width else None
    flat = list(_flat(values))
    if not flat or len(flat) > FEW:
        return None
    for several in ([digits for digits in (4, 3, 2) if digits >= least] or [least], (4, 3, 2)):
        choices = [list(_rows(values, iter(_aligned(flat, digits)), width)) for digits in several]
        fitting = [lines for lines in choices if len(lines) <= MAX_LINES and max(map(len, lines)) <= width]
        if fitting:
            return min(fitting, key=len)
    return None


def digits_apart(left: Any, right: Any) -> int:
    """The number of digits from which on the place at which two nested lists of numbers part most does not look the same.

    It is at least 2, and 2 as well where no number of digits up to 7 tells them apart.

    >>> digits_apart([1.0, 2.0], [1.0, 2.0004])
    4
    """
    a, b = list(_flat(left)), list(_flat(right))
    if not 0 < len(a) == len(b) <= FEW:
        return 2
    worst = max(range(len(a)), key=lambda index: _distance(a[index], b[index]))
    return next((digits for digits in range(2, 8) if _aligned(a, digits)[worst] != _aligned(b, digits)[worst]), 2)


def _distance(a: Any, b: Any) -> float:
    """How far apart two numbers are; infinitely where only one is a finite number."""
    if a == b or (a != a and b != b):
        return 0.0
    try:
        distance = abs(a - b)
    except OverflowError:
        return math.inf
    return distance if math.isfinite(distance) else math.inf


def _flat(values: Any) -> Iterator[Any]:
    if isinstance(values, list):
        for item in values:
            yield from _flat(item)
    else:
        yield values


def _aligned(flat: list[Any], digits: int) -> list[str]:
    """Numbers of equal width: with the same decimals where their sizes allow it, so that the points stand in a column."""
    finite = [abs(value) for value in flat if isinstance(value, float) and math.isfinite(value) and value]
    if finite and min(finite) >= 1e-3 and max(finite) < 1e4:
        # With fewer decimals the least of them would have none of its digits, or one.
        decimals = max(digits, 1 - math.floor(math.log10(min(finite))))
        texts = [f"{value:.{decimals}f}" if isinstance(value, float) else str(value) for value in flat]
        while all(text.endswith("0") and not text.endswith(".0") for text in texts if "." in text):
            texts = [text[:-1] if "." in text else text for text in texts]
    else:
        texts = [number(value, digits) for value in flat]
    longest = max(map(len, texts))
    return [text.rjust(longest) for text in texts]


def differing_digits(
    left: list[str], right: list[str]
) -> tuple[list[list[tuple[int, int]]], list[list[tuple[int, int]]]]:
    """Where the numbers of two arrays that are written as lines part: for each line of either, spans of differing characters.

    A span goes from the first digit that is not the same to the end of the number. There are none where the lines do not hold
    as many numbers.

    >>> differing_digits(["[1.25 3.0]"], ["[1.26", " 3.0]"])
    ([[(4, 5)]], [[(4, 5)], []])
    """
    places = [
        [(i, match) for i, line in enumerate(lines) for match in _NUMBER.finditer(line)] for lines in (left, right)
    ]
    spans: tuple[list[list[tuple[int, int]]], ...] = tuple([[] for _ in lines] for lines in (left, right))
    if len(places[0]) == len(places[1]):
        for (i, a), (j, b) in zip(*places, strict=True):
            if a[0] != b[0]:
                same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a[0], b[0], strict=False)))
                for line, match, found in ((i, a, spans[0]), (j, b, spans[1])):
                    found[line].append((match.start() + min(same, len(match[0]) - 1), match.end()))
    return spans[0], spans[1]


def _rows(values: list[Any], texts: Iterator[str], width: int) -> Iterator[str]:
    if values and isinstance(values[0], list):
        for row in values:
            yield from _rows(row, texts, width)
        return
    line = "["
    for index in range(len(values)):
        text = next(texts)
        if index and len(line) + 1 + len(text) > width - 1:
            yield line
            line = " " + text
        else:
            line += (" " if index else "") + text
    yield line + "]"


def summary_lines(summary: Summary, width: int, *, ascii_only: bool = False, bars: bool = True) -> list[str]:
    """Histogram, mean, standard deviation and range of an array as lines of this width; without `bars` on two lines at least.

    >>> from tfpt_cli.results import Summary
    >>> found = Summary(mean=0.5, std=0.25, low=0.0, high=1.0, counts=(1, 4, 2, 0, 8), edges=(0.0, 1.0))
    >>> summary_lines(found, width=60, ascii_only=True)
    ['.+- #', 'mean 0.5  std 0.25  min 0.0  max 1.0']
    """
    if summary.low == summary.high and not summary.not_finite:
        return [f"all {number(summary.low, 4)}"]
    pairs = [("mean", summary.mean), ("std", summary.std), ("min", summary.low), ("max", summary.high)]
    for digits, gap in ((4, "  "), (3, "  "), (2, "  "), (2, " ")):
        texts = [f"{name} {number(value, digits)}" for name, value in pairs]
        whole, halves = gap.join(texts), [gap.join(texts[:2]), gap.join(texts[2:])]
        lines = [whole] if bars and len(whole) <= width else halves
        if all(len(line) <= width for line in lines):
            break
    else:
        lines = texts
    drawn = histogram(summary, ascii_only=ascii_only) if bars else ""
    lines = [drawn, *lines] if drawn else lines
    return [*lines, f"{summary.not_finite:,} not finite"] if summary.not_finite else lines


def histogram(summary: Summary, *, ascii_only: bool = False) -> str:
    """The counts of a summary as one line of bars; empty where there is nothing to see."""
    highest = max(summary.counts, default=0)
    if highest == 0 or summary.low == summary.high:
        return ""
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    return "".join(
        " " if count == 0 else blocks[round(count / highest * (len(blocks) - 1))] for count in summary.counts
    )
