"""Which calls of two listings are not the same: what to look at first where two pieces of code part.

Only the code of the scenario itself is looked at: functions that both listings define with the same parameters, and the lines
that make or fill a layer. What carries the same inputs, seeds and derivatives into every listing is not.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import FRAMEWORKS, REFERENCE, Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# One thing under two names: what is written with either is not marked.
_SAME_WORDS = {"dim": "axis", "keepdim": "keepdims", "input": "x", "tensor": "constant", "to": "cast"}
# Said by every listing for itself: the dtype that the scenario has on both sides.
_LEFT_OUT = {"dtype"}
_MODULES = {framework.module for framework in FRAMEWORKS.values()}
Span = tuple[int, int]


@dataclass(frozen=True)
class _Call:
    """A call: its function's own name, and its arguments as text, each with its place; calls among them are left open."""

    node: ast.Call
    name: str
    arguments: dict[str, ast.expr]


def differing_calls(listings: Mapping[Side, str], *, parted: bool = False) -> dict[Side, list[Span]]:
    """By side the places (start, end) in its listing that the other has under another name or with other arguments.

    Of a function that the other listing does not call by that name the call is marked, or its name alone where there are
    calls in its arguments, which stand for themselves; else each argument that no call of the same name has there.
    `torch.exp` and `tf.exp` are one name. Where the two sides `parted` and no call differs, it is the functions themselves
    that mean something else: then all their names are marked. Empty for code that cannot be read.

    >>> from tfpt_cli.frameworks import SIDES
    >>> codes = ("def f(x): return F.softmax(x, dim=0)", "def f(x): return tf.nn.softmax(x, axis=-1)")
    >>> places = differing_calls(dict(zip(SIDES, codes)))
    >>> [code[start:end] for code, side in zip(codes, SIDES) for start, end in places[side]]
    ['0', '-1']
    """
    sides = _sides(listings)
    if len(sides) < 2:
        return {}
    other = dict(zip(sides, reversed(sides), strict=True))
    try:
        trees = {side: _tree(listings[side]) for side in sides}
        calls = {side: [_call(node) for node in _calls(_own_code(trees[side], trees[other[side]]))] for side in sides}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found = {side: [part for call in calls[side] for part in _apart(call, calls[other[side]])] for side in sides}
    if parted and not any(found.values()):
        found = {side: [_name_of(call.node) for call in calls[side]] for side in sides}
    return {side: _spans(listings[side], parts) for side, parts in found.items()}


def _sides(listings: Mapping[Side, str]) -> list[Side]:
    """The two sides whose code is there; the reference writes its own."""
    return [side for side in listings if side is not REFERENCE]


# A listing is asked for several things in a row; all trees of a long report would be too much to keep.
_tree = lru_cache(maxsize=16)(ast.parse)


@lru_cache(maxsize=10_000)
def functions(text: str) -> dict[str, Span]:
    """The functions that a listing defines at its top level and where each stands; none where it cannot be read."""
    try:
        tree = _tree(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return {
        node.name: span for node in tree.body if isinstance(node, ast.FunctionDef) for span in _spans(text, [(node, 0)])
    }


def own_functions(listings: Mapping[Side, str]) -> set[str]:
    """The names of the functions that both listings define with the same parameters: the scenario's own code."""
    try:
        found = [_signatures(_tree(listings[side])) for side in _sides(listings)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {name for name, parameters in found[0].items() if found[-1].get(name) == parameters} if found else set()


def _signatures(tree: ast.Module) -> dict[str, str]:
    return {node.name: ast.unparse(node.args) for node in tree.body if isinstance(node, ast.FunctionDef)}


def _own_code(tree: ast.Module, other: ast.Module) -> Iterator[ast.AST]:
    theirs = _signatures(other)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            if theirs.get(node.name) == ast.unparse(node.args):
                yield node
        elif isinstance(node, (ast.Assign, ast.Expr, ast.With)) and _about_layer(node):
            yield node


def _about_layer(node: ast.Assign | ast.Expr | ast.With) -> bool:
    """Whether a line makes a layer, or fills a part of it by a framework's function."""
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == "layer" for target in node.targets)
    calls = [part for part in ast.walk(node) if isinstance(part, ast.Call)]
    return any(
        isinstance(part, ast.Name) and part.id == "layer" for call in calls for a in call.args for part in ast.walk(a)
    ) and not any(isinstance(call.func, ast.Name) for call in calls)


def _calls(scopes: Iterator[ast.AST]) -> Iterator[ast.Call]:
    for scope in scopes:
        yield from (node for node in ast.walk(scope) if isinstance(node, ast.Call))


def _call(node: ast.Call) -> _Call:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    arguments = {f"{index}: {_text(value)}": value for index, value in enumerate(node.args)}
    for keyword in node.keywords:
        word = keyword.arg or "**"
        if word not in _LEFT_OUT:
            arguments[f"{_SAME_WORDS.get(word, word)}={_text(keyword.value)}"] = keyword.value
    return _Call(node, _SAME_WORDS.get(name, name), arguments)


def _text(node: ast.expr) -> str:
    """An argument as text: every call in it left open, since it is compared by itself; 0 is 0.0, torch.int32 tf.int32."""
    return ast.unparse(_Plain().visit(copy.deepcopy(node)))


class _Plain(ast.NodeTransformer):
    def visit_Call(self, _: ast.Call) -> ast.AST:
        return ast.Name("·")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in _MODULES:
            return ast.Name(node.attr)
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        whole = isinstance(node.value, int) and not isinstance(node.value, bool) and abs(node.value) < 1 << 53
        return ast.Constant(float(node.value)) if whole else node  # type: ignore[arg-type]


def _apart(call: _Call, others: list[_Call]) -> Iterator[tuple[ast.AST, int]]:
    """The parts of a call to be marked: nodes, and how many characters at the end of each (0: all of it)."""
    same = [other for other in others if other.name == call.name]
    if same:
        nearest = max(same, key=lambda other: len(call.arguments.keys() & other.arguments.keys()))
        yield from ((value, 0) for text, value in call.arguments.items() if text not in nearest.arguments)
        if not call.arguments.keys() < nearest.arguments.keys():
            return  # otherwise the other says something that is not said here: the name stands for what is missing
    elif not any(isinstance(part, ast.Call) for a in ast.iter_child_nodes(call.node) for part in ast.walk(a)):
        yield call.node, 0
        return
    yield _name_of(call.node)


def _name_of(call: ast.Call) -> tuple[ast.AST, int]:
    """The name of what is called; of a method of what another call gives its own name alone."""
    function = call.func
    method = isinstance(function, ast.Attribute) and any(isinstance(part, ast.Call) for part in ast.walk(function))
    return function, len(f".{function.attr}") if isinstance(function, ast.Attribute) and method else 0


def _spans(text: str, parts: list[tuple[ast.AST, int]]) -> list[Span]:
    """The places (start, end) in a text of nodes, or of so many characters at their end; those within another are left out."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def place(line: int, column: int) -> int:
        # Python's columns count bytes
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    spans = set()
    for node, last in parts:
        at: Any = node
        end = place(at.end_lineno, at.end_col_offset)
        spans.add((end - last if last else place(at.lineno, at.col_offset), end))
    kept: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept
