"""What a person's own code computes at some of its lines, as the known differences read it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from tfpt_cli.expressions.own_file import parsed
from tfpt_cli.language.trees import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def expressions_at(lines: Iterable[str]) -> list[ast.expr]:
    """The expressions of the statements that stand at some lines of a person's files, each once.

    Lines are `/home/me/net.py:12`. Modules have their full names in what is given, and a function that an object keeps stands for
    its attribute: `torch.nn.functional.gelu(self.fc(x))` for `self.act(self.fc(x))`. A file that cannot be read gives none.
    """
    found = (tree for line in dict.fromkeys(lines) for tree in _at(line))
    return list({ast.unparse(tree): tree for tree in found}.values())


def _at(line: str) -> Iterator[ast.expr]:
    file, _, number = line.rpartition(":")
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    module = parsed(file, text)
    if module is None or not number.isdigit():
        return
    tree = ast.parse(text)
    around = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and _holds(node, int(number))]
    kept = {name: value for node in around if isinstance(node, ast.ClassDef) for name, value in _kept(node)}
    full = _FullNames(module.imports, kept)
    statement = around[-1] if around else None  # the innermost: what stands in another one comes behind it
    for name in ("value", "test", "iter"):
        value = getattr(statement, name, None)
        if isinstance(value, ast.expr):
            yield full.visit(value)


def _holds(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _kept(kind: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """The functions that objects of a class keep under an attribute: `self.act = F.gelu`."""
    for node in ast.walk(kind):
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value) if dotted(
                value
            ):
                yield name, value


class _FullNames(ast.NodeTransformer):
    def __init__(self, imports: Mapping[str, str], kept: Mapping[str, ast.expr]) -> None:
        self.imports, self.kept = imports, kept

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.parse(self.imports[node.id], mode="eval").body if node.id in self.imports else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        own = isinstance(node.value, ast.Name) and node.value.id == "self" and node.attr in self.kept
        return self.visit(self.kept[node.attr]) if own else self.generic_visit(node)
