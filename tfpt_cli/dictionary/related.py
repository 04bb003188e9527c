"""Which rows of the dictionary have to do with each other: the known differences of an operation, a layer, an initializer."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.differences import Difference, differences
from tfpt_cli.dictionary.files import Data, derived
from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.records import Initializer, Layer, Operation
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.trees import branches, called_name

if TYPE_CHECKING:
    from collections.abc import Iterator


def differences_of(row: Operation | Layer | Initializer) -> list[Difference]:
    """The known differences with a pattern that is a plain call of what the row is spelled with, or that names the row itself.

    The row of a square root is not about what is written as the root of a variance.
    """
    named = derived("related", _named_by_differences)
    called = {f: set(_called(row.spelling[f], f)) for f in FRAMEWORKS if f in row.spelling}
    return [
        known
        for name, known in differences().items()
        if any(
            called.get(f, set()).union(_own_names(row, known)).intersection(names) for f, names in named[name].items()
        )
    ]


def _own_names(row: Operation | Layer | Initializer, known: Difference) -> set[str]:
    """The row's own name, where a pattern of this difference can mean it: a neutral name stands in no gradient listing."""
    named = isinstance(row, Layer) or (isinstance(row, Initializer) and known.area == "initialization")
    return {row.name} if named else set()


def _named_by_differences() -> Data:
    """By known difference, what its patterns call that are plain calls, by framework."""
    found: Data = {}
    for name, known in differences().items():
        named: dict[str, set[str]] = {}
        for fit in known.fits:
            for framework, patterns in fit.code.items():
                named.setdefault(framework, set()).update(called for p in patterns for called in _plain_calls(p.tree))
        found[name] = {framework: sorted(names) for framework, names in named.items()}
    return found


def _plain_calls(tree: ast.expr) -> Iterator[str]:
    """What a pattern calls, where it computes nothing around or inside that call: `F.gelu` of `F.gelu(_, approximate="none")`.

    Of several among which it lets one choose, each.
    """
    # A part of what it gives, a layer that is applied to its input, a parameter of it that is filled.
    while isinstance(tree, (ast.Subscript, ast.Attribute)) or (isinstance(tree, ast.Call) and not called_name(tree)):
        tree = tree.func if isinstance(tree, ast.Call) else tree.value
    name = called_name(tree)
    if not isinstance(tree, ast.Call) or not name:
        return
    if name == "_has":
        for argument in tree.args:
            yield from _plain_calls(argument)
        return
    given = [*tree.args, *(keyword.value for keyword in tree.keywords)]
    if not any(
        isinstance(node, (ast.Call, ast.BinOp, ast.Compare)) for argument in given for node in ast.walk(argument)
    ):
        yield name


def _called(tree: ast.expr, framework: str) -> Iterator[str]:
    """The functions that a spelling calls, in whole: a sum of a quotient is spelled by no one of its calls."""
    for branch in branches(tree):
        calls = [node for node in ast.walk(branch) if isinstance(node, ast.Call) and called_name(node)]
        name = native(framework).canonical(called_name(branch)) if len(calls) == 1 else ""
        if name and name != "keras.Sequential":
            yield name
