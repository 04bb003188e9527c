"""Whether what stands around two calls is the same computation, so that the calls themselves are the cause of a mismatch.

A known difference is about a call on either side. Of `F.elu(x, 2)` against `1.5 * tf.nn.elu(x)` nobody can say that the alpha
is the cause: there is a factor on one side alone. So what computes around the two calls (and in their arguments) is counted
on either side: operators with their constants, and functions by the rows of the dictionary. What only moves numbers about
(transpositions, shapes, pieces) is left out, since layouts differ, and so are conditions and what no row knows. The mean or
sum that a loss takes by itself counts as one, so that `F.mse_loss(x, y)` is as much as `tf.reduce_mean` of a loss for each.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.canonical import names_of
from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.expressions.rows_of_calls import rows_by_call
from tfpt_cli.frameworks import FRAMEWORKS, TORCH
from tfpt_cli.language.constants import BadConstant, NotConstant, constant
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.language.trees import called_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tfpt_cli.dictionary.patterns import Place

# The kinds of rows that compute something else where they stand on one side alone.
_COMPUTING = frozenset({"activations", "elementwise", "special", "reductions"})
# They compute nothing, though the dictionary has rows that end in one: a type has a diagnosis of its own.
_MOVING = frozenset({"tf.cast", "keras.ops.cast", "torch.cat", "tf.concat", "keras.ops.concatenate"})
_OPERATORS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "pow"}


def same_around(
    code: Mapping[str, Iterable[ast.expr]],
    places: Mapping[str, Place],
    alike: Mapping[str, Iterable[Place]] | None = None,
    *,
    whole: bool = False,
) -> bool:
    """Whether as much is computed around (and in the free parts of) a place on one side as on the other.

    `alike` are, by side, all places at which the difference stands: in `F.normalize(x) @ F.normalize(y).T` two, of which either
    is what the other side has for it. Where one is a loss that takes the mean itself, a mean with which the other ends counts
    as well, unless the patterns are the `whole` of the code.
    """
    standing = {f: list(found) for f, found in (alike or {}).items()}
    if not any(_computes(place.node) for found in standing.values() for place in found):
        standing = {}  # layers and initializers are not counted
    ends = [[] if whole else list(_loss_reductions(place.node)) for place in places.values()]
    if any(ends):
        ends = [found or list(_ending(place.node)) for found, place in zip(ends, places.values(), strict=True)]
    first, second = (
        [*end, *_computing(code[f], place, standing.get(f, ()))]
        for end, (f, place) in zip(ends, places.items(), strict=True)
    )
    for names in first:
        partner = next((other for other in second if other & names), None)
        if partner is None:
            return False
        second.remove(partner)
    return not second


def _computes(tree: ast.expr) -> bool:
    """Whether a place computes something by itself; a constant, such as the name of an initializer, does not."""
    return not isinstance(tree, (ast.Call, ast.Constant)) or (
        isinstance(tree, ast.Call) and bool(operations_called(tree))
    )


def _computing(trees: Iterable[ast.expr], place: Place, alike: Iterable[Place]) -> Iterator[frozenset[str]]:
    """The operators and functions outside a place and in its free parts, each as the rows that it may be."""
    others = {id(other.node): other for other in reversed(list(alike))}
    for tree in (*trees, *place.free):
        yield from _walked(tree, place.node, others)


def _walked(tree: ast.AST, but: ast.AST, alike: Mapping[int, Place]) -> Iterator[frozenset[str]]:
    if tree is but:
        return
    if (other := alike.get(id(tree))) is not None:
        yield frozenset({"the difference itself"})
        for part in other.free:
            yield from _walked(part, but, {k: v for k, v in alike.items() if k != id(tree)})
        return
    if isinstance(tree, ast.expr) and _number(tree) is not None:
        return
    match tree:
        case ast.BinOp(op=ast.Pow(), right=right) if _number(right) == 2:
            yield frozenset({"square"})
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
            yield frozenset({_OPERATORS[type(op)]})
            yield from (
                frozenset({f"{number:.12g}"}) for side in (left, right) if (number := _number(side)) is not None
            )
        case ast.UnaryOp(op=ast.USub()):
            yield frozenset({"negative"})
        case ast.Call() if names := operations_called(tree):
            yield names
        case ast.Call():
            yield from _reductions(tree)
    sizes = isinstance(tree, (ast.Tuple, ast.List))
    for child in ast.iter_child_nodes(tree):
        if not (sizes and _is_size(child)):
            yield from _walked(child, but, alike)


def _is_size(tree: ast.AST) -> bool:
    """Whether an entry of a shape is computed of shapes alone, as `2 * x.shape[1]` and `int(h * 2.5)` of a height are."""
    shapes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "shape"]
    inside = {id(node) for shape in shapes for node in ast.walk(shape)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id != "int"]
    return bool(shapes) and all(id(name) in inside for name in names)


# What a loss makes of the losses of its examples, by the `reduction` that it has or is given.
_REDUCTIONS = {
    "mean": "mean",
    "batchmean": "mean",
    "sum_over_batch_size": "mean",
    "mean_with_sample_weight": "mean",
    "sum": "sum",
}


def _loss_reductions(tree: ast.expr) -> Iterator[frozenset[str]]:
    """The reduction that a loss at a place takes by itself."""
    if isinstance(tree, ast.Call):
        yield from _reductions(tree)
        yield from _loss_reductions(tree.func)


def _ending(tree: ast.expr) -> Iterator[frozenset[str]]:
    """The mean or sum with which a place ends, whatever its sign."""
    if isinstance(tree, ast.UnaryOp):
        yield from _ending(tree.operand)
    elif isinstance(tree, ast.Call):
        yield from (frozenset({name}) for name in ("mean", "sum") if name in operations_called(tree))


def _reductions(call: ast.Call) -> Iterator[frozenset[str]]:
    """The reduction that a loss takes by itself, where a call is one of a loss."""
    name = called_name(call)
    signatures = next((found for f in FRAMEWORKS if (found := native(f).calls.get(name))), [])
    parameters = parse_signature(signatures[0]).parameters if len(signatures) == 1 else ()
    for place, parameter in enumerate(parameters):
        if parameter.name == "reduction":
            given = [k.value for k in call.keywords if k.arg == "reduction"] or call.args[place : place + 1]
            tree = given[0] if given else parameter.default
            kind = _REDUCTIONS.get(str(tree.value)) if isinstance(tree, ast.Constant) else None
            if kind is not None:
                yield frozenset({kind})


def operations_called(call: ast.Call, *, differentiable: bool = True) -> frozenset[str]:
    """The operations that a call may be, by its name: those that compute, and unless said otherwise have a derivative."""
    name = called_name(call)
    if name in _MOVING:
        return frozenset()
    own = name.rpartition(".")[2] or (call.func.attr if isinstance(call.func, ast.Attribute) else "")
    operations = dictionary().operations
    own = _operations_by_class().get(own, own)
    spelled = [found for f in FRAMEWORKS for each in names_of(name, f) for found in rows_by_call(f).get(each, ())]
    if not spelled and isinstance(call.func, ast.Attribute):
        spelled = list(rows_by_call(TORCH).get(f"torch.{call.func.attr}", ()))
    # A row that ends in a transposition makes nothing of every transposition: the rows that are this call alone come first.
    direct = [row for row, spelling in spelled if not any(isinstance(arg, ast.Call) for arg in spelling.args)]
    rows = direct or [row for row, _ in spelled] or ([operations[own]] if own in operations else [])
    return frozenset(row.name for row in rows if row.kind in _COMPUTING and (row.differentiable or not differentiable))


@cache
def _operations_by_class() -> dict[str, str]:
    """The operations that layers without weights are, by the name of a class: `leaky_relu` for `LeakyReLU` and `LeakyRelu`."""
    names = {name.replace("_", "").lower(): name for name in dictionary().operations}
    classes = {
        own.rpartition(".")[2] for f in FRAMEWORKS for own in native(f).calls if own.rpartition(".")[2][:1].isupper()
    }
    return {own: names[own.lower()] for own in classes if own.lower() in names}


def _number(tree: ast.expr) -> float | None:
    """The number that a constant expression is; None for other code."""
    try:
        value = constant(tree, functions=True)
    except (NotConstant, BadConstant):
        return None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
