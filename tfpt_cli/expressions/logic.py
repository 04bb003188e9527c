"""`&`, `|`, `^` and `~` in an expression: the operations of truth values and of whole numbers that they are."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING

from tfpt_cli.language.expression import offset
from tfpt_cli.language.trees import nodes

if TYPE_CHECKING:
    from collections.abc import Container

_NAMES: dict[type[ast.AST], str] = {ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor", ast.Invert: "not"}


def with_logical_calls(tree: ast.expr, whole: Container[str] = ()) -> ast.expr:
    """The tree with the neutral calls that stand for `&`, `|`, `^` and `~`; `whole` are names of arrays of whole numbers.

    >>> def shown(text: str) -> str:
    ...     return ast.unparse(with_logical_calls(ast.parse(text, mode="eval").body, {"i"}))
    >>> shown("(x > 0) & ~(x > 1)"), shown("i | 1")
    ('logical_and(x > 0, logical_not(x > 1))', 'bitwise_or(i, 1)')
    """
    if not any(type(getattr(node, "op", None)) in _NAMES for node in nodes(tree)):
        return tree
    found: ast.expr = _Calls(whole).visit(copy.deepcopy(tree))
    return found


def logical_call(op: ast.operator | ast.unaryop, whole: bool, arrays: list[ast.expr]) -> ast.Call | None:
    """The neutral call for an operator of truth values, or of `whole` numbers; None for another operator."""
    name = _NAMES.get(type(op))
    if name is None:
        return None
    return ast.Call(ast.Name(f"bitwise_{name}" if whole else f"logical_{name}", ast.Load()), arrays, [])


class _Calls(ast.NodeTransformer):
    def __init__(self, whole: Container[str]) -> None:
        self.whole = whole

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        return self.called(node, node.op, [node.left, node.right])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        return self.called(node, node.op, [node.operand])

    def called(self, node: ast.expr, op: ast.operator | ast.unaryop, arrays: list[ast.expr]) -> ast.AST:
        is_whole = any(isinstance(tree, ast.Name) and tree.id in self.whole for tree in arrays)
        self.generic_visit(node)
        kept = [node.left, node.right] if isinstance(node, ast.BinOp) else [node.operand]  # type: ignore[attr-defined]
        call = logical_call(op, is_whole, kept)
        if call is None:
            return node
        for new in (call, call.func):
            new.offset = offset(node)  # type: ignore[attr-defined]
        return call
