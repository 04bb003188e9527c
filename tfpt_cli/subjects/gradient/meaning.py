"""What an expression means: the neutral one that the reference computes, and the inside of a function that does it."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.expressions.lowering import written_for_reference, written_with_unknowns
from tfpt_cli.expressions.native import native_in_double
from tfpt_cli.language.templates import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True)
class Body:
    """The inside of a function: the named lines that it needs (name and source), and the source of its result."""

    result: str
    lines: tuple[tuple[str, str], ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of all expressions in the body: that of its result, then those of its lines."""
        return (self.result, *(source for _, source in self.lines))

    @property
    def tree(self) -> ast.expr:
        """The result as one tree, with the lines put in where their names stand."""
        lines: dict[str, ast.expr] = {}
        for name, source in self.lines:
            lines[name] = fill(ast.parse(source, mode="eval").body, lines)
        return fill(ast.parse(self.result, mode="eval").body, lines)

    def in_double(self) -> Body:
        """The body of native code in double precision."""
        lines = tuple((name, native_in_double(source)) for name, source in self.lines)
        return Body(native_in_double(self.result), lines)


@dataclass(frozen=True)
class Meaning:
    """A neutral expression with the lines that it needs, as trees, for the reference to compute."""

    result: ast.expr
    lines: dict[str, ast.expr]
    dtype: str

    @cached_property
    def numpy(self) -> Body:
        """The body of the expression as the reference computes it in float64."""
        body = self._body(digits=False)
        assert body is not None
        return body

    @cached_property
    def mpmath(self) -> Body | None:
        """The body of the expression in 50 digits, None where a row of the dictionary has no spelling for that."""
        return self._body(digits=True)

    def undecided(self, unknown: str, *, derivative: bool = False) -> Body | None:
        """The body in float64 with the variable `unknown` in place of what no source decides; None where all is decided.

        It is evaluated with NaN for the variable and then with numbers: the entries that change are those that nobody decides.
        With `derivative` what is undecided in derivatives alone stands there too.
        """
        held: Iterator[int] = itertools.count()
        trees = {**self.lines, "": self.result}
        marked = {
            n: written_with_unknowns(tree, self.dtype, held, unknown, derivative=derivative)
            for n, tree in trees.items()
        }
        if not any(marked.values()):
            return None
        plain = self.numpy
        lines = tuple((name, marked[name] or source) for name, source in plain.lines)
        return Body(marked[""] or plain.result, lines)

    def calls(self, names: Iterable[str]) -> dict[str, list[Meaning]]:
        """By operation, of those named, the first argument of each call of it."""
        wanted, found = set(names), dict[str, list[Meaning]]()
        for tree in (*self.lines.values(), self.result):
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in wanted:
                    found.setdefault(node.func.id, []).append(replace(self, result=node.args[0]))
        return found

    @property
    def inputs(self) -> set[str]:
        """The inputs that it depends on, by way of its lines too.

        >>> from tfpt_cli.language.constants import mark_inputs
        >>> h, result = (ast.parse(text, mode="eval").body for text in ("tanh(x) + 1", "h * w"))
        >>> for tree in (h, result):
        ...     _ = mark_inputs(tree, {"x", "w", "h"})
        >>> sorted(Meaning(result=result, lines={"h": h}, dtype="float32").inputs)
        ['w', 'x']
        """
        found, waiting = set[str](), [self.result]
        while waiting:
            marked = (node for node in ast.walk(waiting.pop()) if hasattr(node, "input"))  # no function that is called
            names = {node.id for node in marked if isinstance(node, ast.Name)} - found
            found |= names
            waiting += [self.lines[name] for name in names & set(self.lines)]
        return found - set(self.lines)

    @cached_property
    def elementwise(self) -> bool:
        """Whether the rows know that every number of the result comes from one number of each input, as NumPy broadcasts."""
        return all(_keeps_places(node) for tree in (self.result, *self.lines.values()) for node in ast.walk(tree))

    def _body(self, *, digits: bool) -> Body | None:
        held: Iterator[int] = itertools.count()
        lines = [(n, written_for_reference(tree, self.dtype, held, digits=digits)) for n, tree in self.lines.items()]
        result = written_for_reference(self.result, self.dtype, held, digits=digits)
        if result is None or any(source is None for _, source in lines):
            return None
        return Body(result, tuple((name, source) for name, source in lines if source is not None))


def _keeps_places(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        row = dictionary().operations.get(node.func.id) if isinstance(node.func, ast.Name) else None
        return row is not None and row.elementwise
    return not isinstance(node, (ast.Subscript, ast.Attribute, ast.MatMult, ast.List, ast.Tuple))


class Meanings(Mapping[str, Meaning]):
    """The meanings of an output that the reference computes, by the framework whose function it is.

    Under an empty key stands the one that both sides mean. `find` gives the meanings, and remarks on what they lack, when they
    are first asked for: reading native code back through the rows takes as long as all else that `tfpt validate` does.
    """

    def __init__(self, find: Callable[[], tuple[Mapping[str, Meaning], tuple[str, ...]]] = lambda: ({}, ())) -> None:
        self._find = find

    @cached_property
    def _found(self) -> tuple[Mapping[str, Meaning], tuple[str, ...]]:
        return self._find()

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences that tell a reader of the report what the meanings lack."""
        return self._found[1]

    def changed(self, change: Callable[[Mapping[str, Meaning]], Mapping[str, Meaning]]) -> Meanings:
        """Meanings that are made of these by `change` when they are first asked for, with the same remarks."""
        return Meanings(lambda: (change(self._found[0]), self.remarks))

    def __getitem__(self, whose: str) -> Meaning:
        return self._found[0][whose]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found[0])

    def __len__(self) -> int:
        return len(self._found[0])
