"""Native expressions read back through the dictionary: the neutral expression that a native one means."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.native import native, settings_of
from tfpt_cli.dictionary.rows import Operation, branches, called_name, dictionary, dotted
from tfpt_cli.dictionary.signature import parse_signature
from tfpt_cli.scenario.expression import is_constant

if TYPE_CHECKING:
    from collections.abc import Mapping


# Parameters that do not change what a function of one array computes.
_ASIDE = frozenset({"name", "inplace", "out"})


class NoRow(Exception):
    """Raised for native code that no row of the dictionary knows; the message is the call."""


def lifted(tree: ast.expr, framework: str, names: set[str]) -> ast.expr:
    """The neutral expression that a checked native one means, by the rows' spellings. Raises `NoRow`."""
    result: ast.expr = _Lifter(framework, names).visit(ast.parse(ast.unparse(tree), mode="eval").body)
    return result


@cache
def _by_call(framework: str) -> Mapping[str, list[tuple[Operation, ast.Call]]]:
    """The rows by the canonical name of the call that spells them."""
    table = native(framework)
    found: dict[str, list[tuple[Operation, ast.Call]]] = {}
    for row in dictionary().operations.values():
        for spelled in branches(row.spelling[framework]):
            if isinstance(spelled, ast.Call) and (name := called_name(spelled)):
                found.setdefault(table.canonical(name), []).append((row, spelled))
    return found


class _Lifter(ast.NodeTransformer):
    def __init__(self, framework: str, names: set[str]) -> None:
        self.framework, self.names = framework, names
        self.table = native(framework)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = called_name(node)
        root = name.split(".")[0]
        call = node
        if isinstance(node.func, ast.Attribute) and (not name or root in self.names):
            # A method is the function of its name with the tensor before the other arguments.
            function = ast.parse(f"torch.{node.func.attr}", mode="eval").body
            call, name = ast.Call(function, [node.func.value, *node.args], node.keywords), f"torch.{node.func.attr}"
        if name.startswith(("math.", "np.")) and all(is_constant(argument) for argument in node.args):
            return node
        for row, spelled in _by_call(self.framework).get(self.table.canonical(name), []):
            settings = settings_of(spelled, call, self.framework, exact=True)
            if settings is not None and set(row.signature.arrays) <= set(settings):
                return self.neutral(row, spelled, settings)
        if (alike := self.same_name(name, call)) is not None:
            return ast.Call(ast.Name(alike.name, ast.Load()), [self.visit(call.args[0])], [])
        raise NoRow(f"{ast.unparse(node.func)}(...)"[:80])

    def same_name(self, name: str, call: ast.Call) -> Operation | None:
        """The row of a function of one array that another module of the framework has under the row's own name.

        `keras.ops.exp` and `tf.math.exp` are both `exp`; with an argument that changes what it does it may be another.
        """
        row = dictionary().operations.get(name.rpartition(".")[2])
        signatures = self.table.calls.get(self.table.canonical(name), [])
        if row is None or len(row.signature.parameters) != 1 or len(call.args) != 1 or call.keywords:
            return None
        parameters = [parse_signature(text).parameters for text in signatures]
        alone = [all(p.name in _ASIDE for p in given[1:]) for given in parameters if given]
        return row if alone and all(alone) else None

    def neutral(self, row: Operation, spelled: ast.Call, settings: dict[str, ast.expr]) -> ast.AST:
        arrays = [self.visit(settings[name]) for name in row.signature.arrays]
        fixed = _fixed(row.spelling[self.framework], spelled)
        keywords = [
            ast.keyword(name, value)
            for name in row.signature.settings
            if (value := settings.get(name, fixed.get(name))) is not None
        ]
        return ast.Call(ast.Name(row.name, ast.Load()), arrays, keywords)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr in ("T", "mT") and dotted(node).split(".")[0] not in ("torch", "tf", "F", "nn", "keras"):
            return ast.Attribute(self.visit(node.value), node.attr, ast.Load())
        if is_constant(node):
            return node
        raise NoRow(ast.unparse(node)[:80])


def _fixed(template: ast.expr, spelled: ast.Call) -> dict[str, ast.expr]:
    """The flags that choose one spelling of a row among several: `{"approximate": True}` for its first branch."""
    found: dict[str, ast.expr] = {}
    while isinstance(template, ast.IfExp):
        first = any(branch is spelled for branch in branches(template.body))
        if isinstance(template.test, ast.Name):
            found[template.test.id] = ast.Constant(first)
        template = template.body if first else template.orelse
    return found
