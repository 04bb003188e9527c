"""Constants in an expression: the value of one, the code that spells a value, and values put in for names."""

from __future__ import annotations

import ast
import copy
import math
import operator
from typing import TYPE_CHECKING, Any

from tfpt_cli.language.expression import MAX_BITS, Complaint, offset
from tfpt_cli.language.trees import children, nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}
# What `float` makes of a text that is not the digits of a number.
UNBOUNDED = frozenset(f"{sign}{word}" for sign in ("", "+", "-") for word in ("inf", "infinity", "nan"))
CONSTANT_FUNCTIONS: dict[str, Callable[..., float]] = {
    name: getattr(math, name)
    for name in ("sqrt", "exp", "log", "log2", "log10", "log1p", "expm1", "sin", "cos", "tan", "tanh", "atan", "hypot")
}


class NotConstant(Exception):
    """Raised by `constant` for an expression that depends on an input or calls an unknown function; `node` is that part of it."""

    def __init__(self, node: ast.AST) -> None:
        self.node = node


class BadConstant(Exception):
    """Raised by `constant` for arithmetic that has no reasonable result (too large, a division by zero); `node` is that part."""

    def __init__(self, node: ast.AST, message: str) -> None:
        super().__init__(message)
        self.node = node


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
