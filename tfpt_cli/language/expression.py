"""The language of the expressions and calls in a scenario: Python's syntax, cut down to an allowlist.

Text is parsed by Python's own `ast` and never evaluated here. What the names mean is decided elsewhere: by the
dictionary for a neutral expression (`tfpt_cli.expressions.lowering`), by the lists of native calls for a native one
(`tfpt_cli.dictionary.native`).
"""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.language.repairs import meant_power, repaired, uncalled_product
from tfpt_cli.language.trees import children

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LENGTH = 4_000
MAX_NODES = 2_000
# Every pass over a tree is recursive, and a chain of operators (x + x + ...) is as deep as it is long.
MAX_DEPTH = 100
MAX_BITS = 64

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
# Of truth values and whole numbers: what an array has for Python's `and`, `or` and `not`.
LOGICAL: dict[type[ast.operator], str] = {ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^"}
_REFUSED: dict[type[ast.AST], str] = {
    ast.Lambda: "a lambda is not allowed in a scenario",
    ast.ListComp: "a comprehension is not allowed in a scenario",
    ast.SetComp: "a comprehension is not allowed in a scenario",
    ast.DictComp: "a comprehension is not allowed in a scenario",
    ast.GeneratorExp: "a comprehension is not allowed in a scenario",
    ast.JoinedStr: "an f-string is not allowed in a scenario",
    ast.IfExp: "'a if condition else b' is not allowed here; write where(condition, a, b)",
    ast.BoolOp: "'and' and 'or' ask for one truth value, which an array has not; write (a > 0) & (b > 0), or | for 'or'",
    ast.Dict: "a dict is not allowed in a scenario",
    ast.Set: "a set is not allowed in a scenario",
    ast.Starred: "unpacking (*) is not allowed in a scenario",
    ast.NamedExpr: "an assignment is not allowed in an expression",
    ast.Await: "await is not allowed in a scenario",
    ast.Yield: "yield is not allowed in a scenario",
}


@dataclass(frozen=True)
class Complaint:
    """What is wrong in an expression, and at which character of its text."""

    offset: int
    message: str


class Complaining:
    """What goes through an expression and collects `complaints`; of the first `hints` of them the nearest name is looked for."""

    def __init__(self, hints: int) -> None:
        self.hints = hints
        self.complaints: list[Complaint] = []

    @property
    def may_hint(self) -> bool:
        """Whether the nearest name is still looked for: of thousands of wrong ones the first hundred are shown."""
        return len(self.complaints) < self.hints

    def complain(self, node: ast.AST, message: str) -> None:
        """Adds a complaint at a node."""
        self.complaints.append(Complaint(offset(node), message))


def parse(text: str) -> tuple[ast.expr | None, list[Complaint]]:
    """The tree of an expression and a complaint for everything in it that is outside the language.

    The tree is None where the text cannot be parsed at all, or is too long or too deep. Every node of a tree carries `offset`,
    the character of `text` at which it starts.

    >>> tree, complaints = parse("relu(x) ** 2")
    >>> ast.unparse(tree), complaints
    ('relu(x) ** 2', [])
    >>> parse("x + (lambda: 0)")[1]
    [Complaint(offset=5, message='a lambda is not allowed in a scenario')]
    """
    if len(text) > MAX_LENGTH:
        return None, [Complaint(0, f"the expression has {len(text)} characters; at most {MAX_LENGTH} are allowed")]
    line = text.replace("\n", " ").replace("\r", " ")
    lead = len(line) - len(line.lstrip())
    line = line.strip()
    if not line:
        return None, [Complaint(0, "the expression is empty")]
    if "#" in line and _has_comment(line):
        return None, [
            Complaint(
                text.index("#"), "a comment is not allowed inside an expression; put it on a line of its own above"
            )
        ]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(line, mode="eval").body
        if (power := meant_power(line)) is not None:
            return None, [Complaint(lead + line.index("^"), f"'^' is no power in Python; write {power}")]
        nodes, depth = _placed_nodes(tree, line, lead)
        if nodes > MAX_NODES:
            return None, [Complaint(0, f"the expression has {nodes} parts; at most {MAX_NODES} are allowed")]
        if depth > MAX_DEPTH:
            return None, [
                Complaint(0, f"the expression is nested more than {MAX_DEPTH} deep; split it or use sum([...])")
            ]
        if isinstance(tree, ast.Lambda):
            words = f"{_REFUSED[ast.Lambda]}; write its body alone, {ast.unparse(tree.body)}"
            return tree, [Complaint(lead, words)]
        return tree, list(outside(tree))
    except SyntaxError as error:
        if (meant := repaired(line)) is not None:
            fixed, at, why = meant
            return None, [Complaint(lead + min(at, len(line) - 1), f"not an expression: {why}; write {fixed}")]
        at = max((error.offset or 1) - 1, 0)
        return None, [Complaint(lead + min(at, len(line) - 1), f"not an expression: {error.msg}")]
    except (RecursionError, MemoryError):
        return None, [Complaint(0, "the expression is nested too deeply")]
    except ValueError as error:
        if "integer string conversion" in str(error):  # Python's own words tell how to lift its limit
            return None, [Complaint(0, f"a whole number may have {MAX_BITS} bits; write it as a float")]
        return None, [Complaint(0, f"not an expression: {error}")]


def _has_comment(line: str) -> bool:
    try:
        return any(token.type == tokenize.COMMENT for token in tokenize.generate_tokens(io.StringIO(line).readline))
    except (tokenize.TokenError, SyntaxError):
        return False


def offset(node: ast.AST) -> int:
    """The character of the expression's text at which a node starts."""
    return int(getattr(node, "offset", 0))


def _placed_nodes(tree: ast.expr, line: str, lead: int) -> tuple[int, int]:
    """Gives every node its `offset`; returns how many nodes there are, and how many levels deep they are nested."""
    encoded = b"" if line.isascii() else line.encode()
    level: list[ast.AST] = [tree]
    count = depth = 0
    while level:
        count, depth = count + len(level), depth + 1
        for node in level:
            column = getattr(node, "col_offset", None)
            if column is not None:
                node.offset = lead + (len(encoded[:column].decode()) if encoded else column)  # type: ignore[attr-defined]
        level = [child for node in level for child in children(node)]
    return count, depth


def outside(node: ast.AST) -> Iterator[Complaint]:  # noqa: C901 - one branch a kind of node
    """A complaint for every part of a tree that a scenario may not contain, such as a lambda or an unknown operator."""
    if type(node) in _REFUSED:
        yield Complaint(offset(node), _REFUSED[type(node)])
        return
    match node:
        case ast.Constant(value=value):
            if isinstance(value, bytes):
                yield Complaint(offset(node), f"{value!r} is not allowed in a scenario: only numbers and texts are")
        case ast.Name(id=name):
            if name.startswith("_") or "__" in name:
                yield Complaint(
                    offset(node), f"the name '{name}' is not allowed: it starts with or holds underscores in pairs"
                )
        case ast.Attribute(value=value, attr=name):
            if name.startswith("_") or "__" in name:
                yield Complaint(offset(node), f"the attribute '{name}' is not allowed in a scenario")
            yield from outside(value)
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) not in OPERATORS and type(op) not in LOGICAL:
                yield Complaint(offset(node), "only the operators + - * / // % ** @ & | ^ are allowed")
            for side in (left, right):
                if isinstance(side, (ast.List, ast.Tuple)):
                    yield Complaint(
                        offset(side),
                        "arithmetic on a list is not allowed; make the list an input, and write its name here",
                    )
                elif isinstance(side, ast.Constant) and not isinstance(side.value, (int, float, complex)):
                    yield Complaint(offset(side), f"arithmetic on {side.value!r} is not allowed")
                else:
                    yield from outside(side)
        case ast.UnaryOp(op=op, operand=operand):
            if isinstance(op, ast.Not):
                yield Complaint(offset(node), "'not' asks for one truth value, which an array has not; write ~(x > 0)")
            yield from outside(operand)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            if len(ops) > 1:
                yield Complaint(offset(node), _chained(node))
            elif type(ops[0]) not in COMPARISONS:
                yield Complaint(offset(node), "only the comparisons < <= > >= == != are allowed")
            for part in (left, *comparators):
                yield from outside(part)
        case ast.Subscript(value=value, slice=index):
            if isinstance(value, ast.Constant):
                yield Complaint(offset(value), f"{value.value!r} cannot be indexed")
            yield from outside(value)
            yield from outside(index)
        case ast.Slice(lower=lower, upper=upper, step=step):
            for limit in (lower, upper, step):
                if limit is not None:
                    yield from outside(limit)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            for item in items:
                yield from outside(item)
        case ast.Call(func=function, args=arguments, keywords=keywords):
            if product := uncalled_product(node):
                yield Complaint(offset(node), f"a product is written with *: {product}")
            elif isinstance(function, ast.Attribute) and isinstance(function.value, (ast.Constant, ast.JoinedStr)):
                yield Complaint(offset(node), "calling a method of a text or number is not allowed in a scenario")
            else:
                yield from outside(function)
            for argument in arguments:
                yield from outside(argument)
            for keyword in keywords:
                if keyword.arg is None:
                    yield Complaint(offset(keyword.value), "unpacking (**) is not allowed in a scenario")
                yield from outside(keyword.value)
        case _:
            yield Complaint(offset(node), f"{type(node).__name__} is not allowed in a scenario")


def _chained(node: ast.Compare) -> str:
    """What to write for `a < b < c`, which asks for one truth value, or for `a > b & c > d`, which means such a one."""
    parts = [node.left, *node.comparators]
    held = any(isinstance(part, ast.BinOp) and type(part.op) in LOGICAL for part in parts)
    if held or not all(type(op) in COMPARISONS for op in node.ops):
        return "'&' and '|' bind tighter than a comparison; put brackets around each: (a > 0) & (b > 0)"
    pairs = zip(parts, node.ops, parts[1:], strict=False)
    both = " & ".join(f"({ast.unparse(ast.Compare(a, [op], [b]))})" for a, op, b in pairs)
    instead = f"; write {both}" if len(both) <= _SHOWN else "; compare each pair, and join them by &"
    return f"a chained comparison asks for one truth value, which an array has not{instead}"


_SHOWN = 80
