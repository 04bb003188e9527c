"""The language of the expressions and calls in a scenario: Python's syntax, cut down to an allowlist.

Text is parsed by Python's own `ast` and never evaluated here. What the names mean is decided elsewhere: by the
dictionary for a neutral expression (`tfpt_cli.expressions.lowering`), by the lists of native calls for a native one
(`tfpt_cli.dictionary.native`).
"""

from __future__ import annotations

import ast
import copy
import io
import math
import operator
import tokenize
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfpt_cli.language.repairs import meant_power, repaired, uncalled_product
from tfpt_cli.language.trees import children, nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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
CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}
# What `float` makes of a text that is not the digits of a number.
UNBOUNDED = frozenset(f"{sign}{word}" for sign in ("", "+", "-") for word in ("inf", "infinity", "nan"))
CONSTANT_FUNCTIONS: dict[str, Callable[..., float]] = {
    name: getattr(math, name)
    for name in ("sqrt", "exp", "log", "log2", "log10", "log1p", "expm1", "sin", "cos", "tan", "tanh", "atan", "hypot")
}

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


class NotConstant(Exception):
    """Raised by `constant` for an expression that depends on an input or calls an unknown function; `node` is that part of it."""

    def __init__(self, node: ast.AST) -> None:
        self.node = node


class BadConstant(Exception):
    """Raised by `constant` for arithmetic that has no reasonable result (too large, a division by zero); `node` is that part."""

    def __init__(self, node: ast.AST, message: str) -> None:
        super().__init__(message)
        self.node = node


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


def substitute(tree: ast.expr, values: Mapping[str, Any]) -> ast.expr:
    """The tree with the `matrix` names replaced by their values; a text that is called becomes the name of the call.

    >>> ast.unparse(substitute(ast.parse("op(x) ** n", mode="eval").body, {"op": "relu", "n": 2}))
    'relu(x) ** 2'
    """
    return _Substitution(values).visit(copy.deepcopy(tree)) if values else tree


class _Substitution(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return literal(self.values[node.id], node) if node.id in self.values else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = node.func
        self.generic_visit(node)
        if isinstance(called, ast.Name) and isinstance(self.values.get(called.id), str):
            node.func = _placed(ast.Name(self.values[called.id], ast.Load()), called)
        return node


def literal(value: Any, at: ast.AST | None = None) -> ast.expr:
    """The tree that spells a Python value: numbers (with `math.nan` and `math.inf`), texts, lists, tuples."""
    node: ast.expr
    if isinstance(value, (list, tuple)):
        items = [literal(item, at) for item in value]
        node = ast.List(items, ast.Load()) if isinstance(value, list) else ast.Tuple(items, ast.Load())
    elif isinstance(value, float) and not math.isfinite(value):
        node = ast.Attribute(ast.Name("math", ast.Load()), "nan" if math.isnan(value) else "inf", ast.Load())
        node = ast.UnaryOp(ast.USub(), node) if value < 0 else node
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        node = ast.UnaryOp(ast.USub(), ast.Constant(-value))
    else:
        node = ast.Constant(value)
    return _placed(node, at)


def number_text(value: Any) -> str:
    """Numbers and nested lists of them as Python source text, in which `math` is the module of that name.

    >>> number_text([[1.0, math.nan], [2, 3]])
    '[[1.0, math.nan], [2, 3]]'
    """
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(number_text(item) for item in value)}]"
    if isinstance(value, float) and not math.isfinite(value):
        return ast.unparse(literal(value))
    return repr(value)


def _placed(node: ast.expr, at: ast.AST | None) -> ast.expr:
    node.offset = offset(at) if at is not None else 0  # type: ignore[attr-defined]
    return node


_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def constant(node: ast.AST, *, functions: bool = False) -> Any:
    """The Python value of an expression of constants: numbers, texts, lists, tuples and arithmetic.

    With `functions`, also of the functions in `CONSTANT_FUNCTIONS` (`sqrt(3)`, `math.sqrt(3)`).

    Raises `NotConstant` where it depends on something else, and `BadConstant` where the result would not be a number of
    reasonable size (`2 ** 2 ** 100`), at once and without computing it.

    >>> constant(ast.parse("[2 * sqrt(4), -1]", mode="eval").body, functions=True)
    [4.0, -1]
    """
    match node:
        case ast.Constant(value=value):
            if isinstance(value, int) and value.bit_length() > MAX_BITS:
                raise BadConstant(node, f"a whole number may have {MAX_BITS} bits; write it as a float")
            return value
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="math" | "np"), attr=name) if name in CONSTANTS:
            if hasattr(node, "input"):
                raise NotConstant(node)
            return CONSTANTS[name]
        case ast.Tuple(elts=items):
            return tuple(constant(item, functions=functions) for item in items)
        case ast.List(elts=items):
            return [constant(item, functions=functions) for item in items]
        case ast.UnaryOp(op=op, operand=operand):
            value = constant(operand, functions=functions)
            if not isinstance(value, (int, float, complex)) or not isinstance(op, (ast.USub, ast.UAdd)):
                raise NotConstant(node)
            return -value if isinstance(op, ast.USub) else +value
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(node, op, constant(left, functions=functions), constant(right, functions=functions))
        case ast.Call(func=ast.Name(id="float") as function, args=[ast.Constant(value=str() as text)], keywords=[]):
            if text.strip().lower() in UNBOUNDED and not hasattr(function, "input"):
                return float(text)
        case ast.Call(
            func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="math" | "np"), attr=name), args=args, keywords=[]
        ):
            if functions and name in CONSTANT_FUNCTIONS:
                values = [constant(argument, functions=True) for argument in args]
                return _computed(node, lambda: CONSTANT_FUNCTIONS[name](*values))
    raise NotConstant(node)


def _arithmetic(node: ast.AST, op: ast.operator, left: Any, right: Any) -> Any:
    if not (isinstance(left, (int, float, complex)) and isinstance(right, (int, float, complex))):
        raise NotConstant(node)
    if isinstance(op, ast.Pow):
        if isinstance(left, int) and isinstance(right, int) and abs(right) * max(left.bit_length(), 1) > 20 * MAX_BITS:
            raise BadConstant(node, f"'{ast.unparse(node)}' is too large for a number")
        value = _computed(node, lambda: left**right)
    elif type(op) in _ARITHMETIC:
        value = _computed(node, lambda: _ARITHMETIC[type(op)](left, right))
    else:
        raise NotConstant(node)
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise BadConstant(node, f"'{ast.unparse(node)}' is too large: a whole number may have {MAX_BITS} bits")
    if isinstance(value, complex) and not (isinstance(left, complex) or isinstance(right, complex)):
        raise BadConstant(node, f"'{ast.unparse(node)}' is not a real number")
    return value


def _computed(node: ast.AST, compute: Callable[[], Any]) -> Any:
    try:
        return compute()
    except ZeroDivisionError:
        raise BadConstant(node, f"'{ast.unparse(node)}' divides by zero") from None
    except OverflowError:
        raise BadConstant(node, f"'{ast.unparse(node)}' is too large for a number") from None
    except (ValueError, TypeError) as error:
        raise BadConstant(node, f"'{ast.unparse(node)}' has no value: {error}") from None


def is_constant(node: ast.AST) -> bool:
    """Whether `constant` gives a value for this tree."""
    try:
        constant(node)
    except (NotConstant, BadConstant):
        return False
    return True


def bad_constants(node: ast.AST) -> Iterator[Complaint]:
    """A complaint for every constant part of a tree whose value does not exist or is too large to compute.

    Such a part must not be handed to a framework's process.
    """
    if any(_is_bad(part) for part in nodes(node)):
        yield from _outermost_bad(node)


def _is_bad(node: ast.AST) -> bool:
    """Whether a node itself has no reasonable value: what only arithmetic and whole numbers can be."""
    if type(node) is ast.BinOp or (type(node) is ast.Constant and type(node.value) is int):
        try:
            constant(node)
        except BadConstant:
            return True
        except NotConstant:
            pass
    return False


def _outermost_bad(node: ast.AST) -> Iterator[Complaint]:
    try:
        constant(node)
    except BadConstant as error:
        yield Complaint(offset(error.node), str(error))
    except NotConstant:
        for child in children(node):
            yield from _outermost_bad(child)


def mark_inputs(tree: ast.expr, names: set[str]) -> ast.expr:
    """Marks every use of an input in a tree, and gives the tree, so that an input called `e` is not taken for the number.

    >>> is_constant(ast.parse("2 * e", mode="eval").body), is_constant(mark_inputs(ast.parse("2 * e", mode="eval").body, {"e"}))
    (True, False)
    """
    for node in nodes(tree):
        if isinstance(node, ast.Name) and node.id in names:
            node.input = True  # type: ignore[attr-defined]
    return tree
