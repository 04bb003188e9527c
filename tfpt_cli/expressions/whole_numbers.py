"""Which inputs a call takes as whole numbers alone: the classes of a cross entropy, the indices of `take`."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.readings import same
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.language.signature import bind_any
from tfpt_cli.language.trees import branches, called_name, nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tfpt_cli.language.shapes import Shape


def whole_names(tree: ast.expr, framework: str, shapes: Mapping[str, Shape | None]) -> set[str]:
    """The names that stand in an expression where its calls take whole numbers; `framework` is empty for a neutral one.

    Where a call takes other numbers too, as PyTorch's cross entropy takes probabilities, an array that is shaped like another
    argument is those.

    >>> def names(text, framework, **shapes): return whole_names(ast.parse(text, mode="eval").body, framework, shapes)
    >>> names("sum(take(x, i))", "", x=(4,), i=(2,)), names("F.cross_entropy(x, y)", "torch", x=(2, 3), y=(2,))
    ({'i'}, {'y'})
    >>> names("F.cross_entropy(x, y)", "torch", x=(2, 3), y=(2, 3))
    set()
    """
    found: set[str] = set()
    for node in nodes(tree):
        if isinstance(node, ast.Call):
            found |= set(_of_native(node, framework, shapes) if framework else _of_neutral(node))
    return found


def _of_neutral(call: ast.Call) -> Iterator[str]:
    name = called_name(call)
    if name in dictionary().operations:
        signature = dictionary().operations[name].signature
        bound, _ = signature.bind(name, call)
        for parameter in signature.parameters:
            argument = bound.get(parameter.name)
            if parameter.annotation == "integers" and isinstance(argument, ast.Name):
                yield argument.id


def _of_native(call: ast.Call, framework: str, shapes: Mapping[str, Shape | None]) -> Iterator[str]:
    table, name = native(framework), called_name(call)
    if isinstance(call.func, ast.Call):  # `nn.NLLLoss()(x, y)` is called as `F.nll_loss(x, y)` is
        name = same(framework).get(f"{table.canonical(called_name(call.func))}()", "")
    canonical = table.canonical(name)
    taken = _taken(framework).get(canonical, {})
    if not taken or canonical not in table.calls:
        return
    signature, bound, _ = bind_any(name, table.calls[canonical], call)
    for parameter, alone in taken.items():
        argument = bound.get(parameter)
        if not alone and parameter == signature.parameters[0].name:
            continue
        if isinstance(argument, ast.Name):
            others = [
                shapes.get(other.id)
                for other in bound.values()
                if isinstance(other, ast.Name) and other is not argument
            ]
            if alone or shapes.get(argument.id) not in others:
                yield argument.id


@cache
def _taken(framework: str) -> Mapping[str, Mapping[str, bool]]:
    """By native call, the arguments that a row takes as whole numbers, and whether no row takes others for the same argument."""
    found: dict[str, dict[str, set[bool]]] = {}
    for row in dictionary().operations.values():
        if row.kind == "elementwise":  # which frameworks compute of other numbers too, `torch.ldexp(x, 0.5)`
            continue
        whole = {p.name for p in row.signature.parameters if p.annotation == "integers"}
        for tree in branches(row.spelling[framework]) if framework in row.spelling else ():
            for canonical, parameter, name in _handed_on(tree, framework):
                if name in row.signature.arrays:
                    found.setdefault(canonical, {}).setdefault(parameter, set()).add(name in whole)
    return {
        call: {parameter: kinds == {True} for parameter, kinds in parameters.items() if True in kinds}
        for call, parameters in found.items()
    }


def _handed_on(tree: ast.expr, framework: str) -> Iterator[tuple[str, str, str]]:
    """The calls in a spelling, with each argument that is one of the row's own, and its name there."""
    table = native(framework)
    for call in nodes(tree):
        canonical = table.canonical(called_name(call)) if isinstance(call, ast.Call) else ""
        if isinstance(call, ast.Call) and canonical in table.calls:
            _, bound, _ = bind_any(canonical, table.calls[canonical], call)
            for parameter, argument in bound.items():
                if isinstance(argument, ast.Name):
                    yield canonical, parameter, argument.id
