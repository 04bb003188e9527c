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
    from collections.abc import Container, Mapping


# Parameters that do not change what a function of one array computes.
_ASIDE = frozenset({"name", "inplace", "out"})


class NoRow(Exception):
    """Raised for native code that no row of the dictionary knows; the message is the call."""


def lifted(tree: ast.expr, framework: str, names: set[str], whole: Container[str] = ()) -> ast.expr:
    """The neutral expression that a checked native one means, by the rows' spellings. Raises `NoRow`.

    `names` are those of arrays, `whole` those that hold whole numbers: of them a function may mean something else, as
    `F.cross_entropy` does, to which they are classes and no probabilities.
    """
    result: ast.expr = _Lifter(framework, names, whole).visit(ast.parse(ast.unparse(tree), mode="eval").body)
    return result


def holds_whole(tree: ast.expr, names: set[str], whole: Container[str]) -> bool:
    """Whether all that stands in an expression is whole numbers."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names}
    return bool(used) and all(name in whole for name in used)


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
    def __init__(self, framework: str, names: set[str], whole: Container[str]) -> None:
        self.framework, self.names, self.whole = framework, names, whole
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
        rows = _by_call(self.framework).get(self.table.canonical(name), [])
        for row, spelled in rows:
            settings = settings_of(spelled, call, self.framework, exact=True)
            if settings is None or not set(row.signature.arrays) <= set(settings):
                continue
            # A row of the same function that takes whole numbers there tells that they mean something of their own.
            apart = {n for other, _ in rows for n in _taking_whole(other)} - _taking_whole(row)
            if not any(holds_whole(settings[n], self.names, self.whole) for n in apart & set(row.signature.arrays)):
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


def _taking_whole(row: Operation) -> set[str]:
    return {parameter.name for parameter in row.signature.parameters if parameter.annotation == "integers"}


def _fixed(template: ast.expr, spelled: ast.Call) -> dict[str, ast.expr]:
    """The settings that choose one spelling of a row among several: `{"approximate": True}` for its first branch.

    Of an equality the setting is known where it holds: `{"ord": 0}` for what stands before `if ord == 0`.
    """
    found: dict[str, ast.expr] = {}
    while isinstance(template, ast.IfExp):
        first = any(branch is spelled for branch in branches(template.body))
        if isinstance(template.test, ast.Name):
            found[template.test.id] = ast.Constant(first)
        match template.test:
            case ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[value]) if first and name != "dtype":
                found[name] = value
        template = template.body if first else template.orelse
    return found
