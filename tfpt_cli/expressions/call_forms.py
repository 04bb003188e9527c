"""A native call in the forms in which rows and readings have it, and what it gives for the names of a template."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.native import native, settings_of
from tfpt_cli.dictionary.readings import as_method, in_mode, reading_name, same
from tfpt_cli.expressions.rows_of_calls import ASIDE
from tfpt_cli.language.signature import bind_any, parse_signature
from tfpt_cli.language.trees import called_name

if TYPE_CHECKING:
    from collections.abc import Container


def forms(node: ast.Call, framework: str, names: Container[str]) -> list[ast.Call]:
    """A call as rows and readings have it; of a method the function of its name, with the tensor before the others, too."""
    name = called_name(node)
    if not isinstance(node.func, ast.Attribute) or (name and name.split(".")[0] not in names):
        return [_gathered(node, native(framework).calls.get(native(framework).canonical(name), []))]
    method = as_method(_gathered(node, native(framework).methods.get(node.func.attr, [])))
    function = ast.parse(f"torch.{node.func.attr}", mode="eval").body
    return [ast.Call(function, method.args, method.keywords), method]


def other_call(call: ast.Call, framework: str) -> ast.Call | None:
    """The call that means the same as another with the same arguments, by the section `same` of `readings.yaml`."""
    name = reading_name(call, framework)
    if (other := same(framework).get(name)) is None:
        return None
    function = ast.parse(other, mode="eval").body
    inner = isinstance(call.func, ast.Call)
    own = call.func if isinstance(call.func, ast.Call) else call
    signature, bound, complaints = bind_any(name, native(framework).signatures(name.removesuffix("()")), own)
    # Its own defaults count: a `keras.layers.LeakyReLU` is steeper than `keras.ops.leaky_relu`.
    defaults = {p.name: p.default for p in signature.parameters if p.default is not None}
    theirs = {
        p.name: p.default
        for text in native(framework).signatures(native(framework).canonical(other))
        for p in parse_signature(text).parameters
    }
    changed = {n for n, tree in bound.items() if n not in defaults or ast.unparse(defaults[n]) != ast.unparse(tree)}
    if complaints or (inner and not changed - {"name"} <= set(theirs)):
        return None
    if not inner:
        defaults = {n: tree for n, tree in defaults.items() if n in theirs and not _equal(tree, theirs[n])}
        more = [ast.keyword(n, tree) for n, tree in defaults.items() if n not in set(bound) | ASIDE]
        return ast.Call(function, call.args, [*call.keywords, *more])
    keywords = [ast.keyword(n, tree) for n, tree in (defaults | bound).items() if n in set(theirs) - {"name"}]
    return ast.Call(function, call.args, [*call.keywords, *keywords])


def arguments(template: ast.Call, call: ast.Call, framework: str) -> dict[str, ast.expr] | None:
    """What stands for the names of a template in a call; None where the call is another."""
    if not isinstance(template.func, ast.Call):
        return settings_of(template, call, framework, exact=True)
    of_template, of_call = in_mode(template)[0], in_mode(call)[0]
    assert of_template is not None
    assert of_call is not None
    given = settings_of(of_template, of_call, framework, exact=True)
    places = [*template.args, *(keyword.value for keyword in template.keywords)]
    wanted = [place.id if isinstance(place, ast.Name) else "" for place in places]
    if given is None or len(call.args) > len(wanted):
        return None
    later = {str(k.arg): k.value for k in template.keywords}
    found = dict(zip(wanted, call.args, strict=False)) | {str(k.arg): k.value for k in call.keywords}
    found |= {later[n].id: found.pop(n) for n in list(found) if isinstance(later.get(n), ast.Name)}  # type: ignore[attr-defined]
    for name, default in later.items():
        if isinstance(default, ast.Constant):  # such as `training=True`
            if name not in found or ast.unparse(found.pop(name)) != ast.unparse(default):
                return None
        else:
            found.setdefault(wanted[list(later).index(name) + len(template.args)], ast.Constant(None))
    return given | found if set(found) <= set(wanted) else None


def _gathered(call: ast.Call, signatures: list[str]) -> ast.Call:
    """A call with its sizes in a tuple where they may stand for themselves: `x.view(2, -1)` is `x.view((2, -1))`."""
    firsts = {text.split(",")[0].split("=")[0] for text in signatures}
    if len(call.args) < 2 or not any(first.startswith("*") and first[1:] in firsts for first in firsts):
        return call
    return ast.Call(call.func, [ast.Tuple(call.args, ast.Load())], call.keywords)


def moves_to_device(call: ast.Call) -> bool:
    """Whether a call only says where its tensor is: `y.to(x.device)`."""
    match call:
        case ast.Call(func=ast.Attribute(attr="to"), args=[ast.Attribute(attr="device")], keywords=[]):
            return True
    return False


def has_modes(layer: ast.Call) -> bool:
    """Whether a layer, or one within it, may compute something else in training than in evaluation."""
    names = {called_name(part).rpartition(".")[2] for part in ast.walk(layer)}
    return any(name.endswith("ReLU") and name[0] == "R" and name[1] == "R" for name in names) or any(
        word in name for name in names for word in ("Norm", "Dropout", "RNN", "LSTM", "GRU", "Attention", "Transformer")
    )


def _equal(left: ast.expr, right: ast.expr | None) -> bool:
    return right is not None and ast.unparse(left) == ast.unparse(right)
