"""Names and branches in the trees of Python's syntax."""

from __future__ import annotations

import ast


def called_name(tree: ast.AST) -> str:
    """`nn.Linear` for a tree that calls it, an empty string for one that is no call of a dotted name."""
    return dotted(tree.func) if isinstance(tree, ast.Call) else ""


def branches(tree: ast.expr) -> list[ast.expr]:
    """The spellings among which a condition in a row chooses: `[a, b]` for `a if x else b`."""
    return [*branches(tree.body), *branches(tree.orelse)] if isinstance(tree, ast.IfExp) else [tree]


def dotted(tree: ast.AST) -> str:
    """`tf.nn.relu` for the tree of that name, an empty string for any other tree."""
    parts: list[str] = []
    while isinstance(tree, ast.Attribute):
        parts.append(tree.attr)
        tree = tree.value
    return ".".join([tree.id, *reversed(parts)]) if isinstance(tree, ast.Name) else ""
