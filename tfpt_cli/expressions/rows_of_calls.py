"""Which row of the dictionary a framework's call is of, and whether the row takes the settings that the call gives."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.native import native, settings_of
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.language.trees import branches, called_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.dictionary.records import Operation

# Parameters that do not change what a function of one array computes.
ASIDE = frozenset({"name", "inplace", "out"})


@cache
def rows_by_call(framework: str) -> Mapping[str, list[tuple[Operation, ast.Call]]]:
    """The rows of operations that a framework's call spells, each with that spelling, by the canonical name of the call.

    >>> [(row.name, ast.unparse(spelled)) for row, spelled in rows_by_call("torch")["F.elu"]]
    [('elu', 'F.elu(x, alpha=alpha)')]
    """
    table = native(framework)
    found: dict[str, list[tuple[Operation, ast.Call]]] = {}
    for row in dictionary().operations.values():
        for spelled in branches(row.spelling[framework]):
            if isinstance(spelled, ast.Call) and (name := called_name(spelled)):
                found.setdefault(table.canonical(name), []).append((row, spelled))
    return found


@cache
def row_of_same_name(name: str, framework: str) -> Operation | None:
    """The row of a function of one array that another module of the framework has under the row's own name.

    `name` is canonical. `keras.ops.exp` and `tf.math.exp` are both `exp`; with an argument that changes what it does it may be
    another.
    """
    row = dictionary().operations.get(name.rpartition(".")[2])
    if row is None or len(row.signature.parameters) != 1:
        return None
    parameters = [parse_signature(text).parameters for text in native(framework).calls.get(name, [])]
    alone = [all(p.name in ASIDE for p in given[1:]) for given in parameters if given]
    return row if alone and all(alone) else None


def settings_taken(row: Operation, spelled: ast.Call, call: ast.Call, framework: str) -> dict[str, ast.expr] | None:
    """What a call gives for the parameters of a row that spells it so; None where it is another, or the row does not take that.

    >>> [(row, spelled)] = rows_by_call("torch")["F.elu"]
    >>> given = settings_taken(row, spelled, ast.parse("F.elu(y, 0.5)", mode="eval").body, "torch")
    >>> {name: ast.unparse(tree) for name, tree in given.items()}
    {'x': 'y', 'alpha': '0.5'}
    """
    settings = settings_of(spelled, call, framework, exact=True)
    if settings is None or not set(row.signature.arrays) <= set(settings):
        return None
    if any(_is_none(settings[name]) for name in row.signature.arrays):
        return None  # `tf.math.bincount(x)`, which has no weights
    settings = {n: ast.Constant(None) if _is_off(spelled, row, n, v) else v for n, v in settings.items()}
    if any(_is_flag(value) and not _takes_flag(row, n) for n, value in settings.items()):
        return None  # `torch.var(x, False)` is not of an axis, but `unbiased`
    settings = {n: _as_whole(row, n, value) for n, value in settings.items()}
    fixed = fixed_settings(row.spelling[framework], spelled)
    if not _allowed(row, settings | {n: v for n, v in fixed.items() if n not in settings}):
        return None  # such as `torch.clamp(x, max=1)`, whose `min` of None another row means
    return settings


def _as_whole(row: Operation, name: str, tree: ast.expr) -> ast.expr:
    """A setting that counts as a whole number, also where a call has it as `1.0`: `tf.math.polygamma(1.0, x)`."""
    kinds = {p.name: p.annotation for p in row.signature.parameters}
    if isinstance(tree, ast.Constant) and isinstance(tree.value, float) and kinds.get(name) in ("count", "size"):
        return ast.Constant(int(tree.value)) if tree.value.is_integer() else tree
    return tree


def left_out(row: Operation, name: str, value: ast.expr) -> bool:
    """Whether a setting says no more than its row does: a beta that `F.silu(x)` has not, the mean of a loss."""
    parameter = next(p for p in row.signature.parameters if p.name == name)
    if parameter.annotation == "reduction":
        return isinstance(value, ast.Constant) and value.value == "mean"
    off = isinstance(value, ast.Constant) and value.value is False
    return off and parameter.annotation != "flag" and isinstance(parameter.default, ast.Constant)


def _is_none(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and tree.value is None


def _is_off(spelled: ast.Call, row: Operation, name: str, value: ast.expr) -> bool:
    """Whether a condition within a spelling was read as off that asks for a setting: `[n] if n else None`."""
    asked = {
        node.test.id for node in ast.walk(spelled) if isinstance(node, ast.IfExp) and isinstance(node.test, ast.Name)
    }
    default = {p.name: p.default for p in row.signature.parameters}.get(name)
    off = isinstance(value, ast.Constant) and value.value is False
    return off and name in asked and default is not None and _is_none(default)


def _is_flag(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, bool)


def with_stray_flag(tree: ast.AST) -> bool:
    """Whether a neutral call has a truth value where its row takes none: `var(x, axis=False)`."""
    row = dictionary().operations.get(called_name(tree))
    keywords = tree.keywords if isinstance(tree, ast.Call) and row is not None else []
    return any(_is_flag(k.value) and not _takes_flag(row, str(k.arg)) for k in keywords if row is not None)


def _takes_flag(row: Operation, name: str) -> bool:
    return any(p.name == name and (p.kind != "setting" or p.annotation == "flag") for p in row.signature.parameters)


def _allowed(row: Operation, settings: Mapping[str, ast.expr]) -> bool:
    """Whether a row takes the settings that a call means, with the framework's own value for what was left out."""
    named = {n: v for n, v in settings.items() if n in row.signature.settings and not left_out(row, n, v)}
    return not row.signature.values(row.name, named)[1]


def taking_whole(row: Operation) -> set[str]:
    """The parameters of a row that take whole numbers alone."""
    return {parameter.name for parameter in row.signature.parameters if parameter.annotation == "integers"}


def fixed_settings(template: ast.expr, spelled: ast.Call) -> dict[str, ast.expr]:
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
