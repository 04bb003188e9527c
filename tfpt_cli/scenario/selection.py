"""`-k EXPRESSION` and `--tag`: which scenarios to take."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD = re.compile(r"[^\s()]+")


class BadExpression(ValueError):
    """An error: a `-k` expression that cannot be read; the message says why and gives an example.

    >>> chooser("linear and", ())
    Traceback (most recent call last):
        ...
    tfpt_cli.scenario.selection.BadExpression: 'linear and' is not words joined by and, or, not: try -k 'linear and not bias'
    """


class Named(Protocol):
    """What scenarios are chosen by: one that is to be run has it, and the result of one."""

    @property
    def title(self) -> str:
        """The name, with the case where there are several."""

    @property
    def file(self) -> str:
        """The file, as it was named."""

    @property
    def line(self) -> int:
        """The line at which it begins."""

    @property
    def name(self) -> str:
        """The name of the scenario."""

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the scenario."""


def chooser(expression: str | None, tags: tuple[str, ...]) -> Callable[[Named], bool]:
    """A test for scenarios: that `-k` matches and that one of the tags is there.

    The expression is words joined by `and`, `or`, `not` and brackets, as in pytest; a word matches anywhere in the
    name, the case, the file and the tags, upper and lower case alike. Raises `BadExpression`.

    >>> from types import SimpleNamespace
    >>> scenario = SimpleNamespace(title="linear layer", file="x.yaml", tags=("layers",))
    >>> chooser("linear and not bias", ())(scenario), chooser(None, ("losses",))(scenario)
    (True, False)
    """
    matches = _compiled(expression) if expression is not None else lambda _: True

    def chosen(scenario: Named) -> bool:
        text = " ".join([scenario.title, scenario.file, *scenario.tags]).lower()
        return matches(text) and (not tags or bool(set(tags) & set(scenario.tags)))

    return chosen


def _compiled(expression: str) -> Callable[[str], bool]:
    words: list[str] = []

    def name(match: re.Match[str]) -> str:
        if match.group() in ("and", "or", "not"):
            return match.group()
        words.append(match.group().lower())
        return f"w{len(words) - 1}"

    try:
        tree: ast.expr | None = ast.parse(_WORD.sub(name, expression[:2_000]).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is None or len(words) > 50 or not _is_logic(tree):
        shown = expression if len(expression) <= 60 else f"{expression[:60]}..."
        raise BadExpression(f"'{shown}' is not words joined by and, or, not: try -k 'linear and not bias'")
    return lambda text: _matches(tree, words, text)


def _is_logic(tree: ast.expr) -> bool:
    allowed = (ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Name, ast.Load)
    nodes = list(ast.walk(tree))
    return len(nodes) <= 300 and all(isinstance(node, allowed) for node in nodes)


def _matches(tree: ast.expr, words: list[str], text: str) -> bool:
    match tree:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_matches(value, words, text) for value in values)
        case ast.BoolOp(values=values):
            return any(_matches(value, words, text) for value in values)
        case ast.UnaryOp(operand=operand):
            return not _matches(operand, words, text)
        case ast.Name(id=name):
            return words[int(name[1:])] in text
    raise AssertionError(f"the expression holds nothing but words: {ast.dump(tree)}")
