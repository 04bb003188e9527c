"""A model scenario from the options of a command line: `tfpt layer 'conv2d(3, 8, 3)'`, and `tfpt diff` of two layers."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.formulas import UNKNOWN, value_of
from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.documents.typed_values import assigned
from tfpt_cli.documents.typed_values import value_of as value_in
from tfpt_cli.frameworks import FRAMEWORKS, TORCH
from tfpt_cli.language.expression import parse
from tfpt_cli.language.trees import called_name
from tfpt_cli.layers.known import filled
from tfpt_cli.subjects.model.fields import call_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.dictionary.records import Layer

# How many inputs there are.
_BATCH = 2
# So many indices at most are looked up.
_INDICES = 4
_OWN = re.compile(r"\s*[^\s()\"']+\.py:[A-Za-z_]\w*\s*(\(.*\))?\s*", re.DOTALL)
# The options of an expression alone: with one of them two layers are compared as expressions.
_OF_EXPRESSIONS = ("let", "wrt", "derivatives", "tangent", "ways")


def are_models(codes: Mapping[str, str], given: Mapping[str, Any]) -> bool:
    """Whether two pieces of code are layers or networks: `nn.Linear(3, 4)`, `keras.layers.Dense(4)(x)`, `net.py:Net()`.

    >>> codes = {"torch": "nn.Linear(3, 4)(x)", "tensorflow": "keras.layers.Dense(4)"}
    >>> are_models(codes, {}), are_models(codes, {"derivatives": ["hessian"]})
    (True, False)
    """
    if any(given.get(option) for option in _OF_EXPRESSIONS):
        return False
    return all(_layer(text, framework) is not None for framework, text in codes.items())


def _layer(text: str, framework: str) -> str | dict[str, str] | None:
    """The layer or the network that a piece of code is, as a scenario has it; None for anything else."""
    if own := _OWN.fullmatch(text):
        name = text.rpartition(":")[2].strip()
        return {"python": text.strip()} if own[1] or name[:1].isupper() else None
    tree, complaints = parse(text)
    if tree is None or complaints:
        return None
    match tree:
        case ast.Call(func=ast.Call() as inner, args=args) if all(isinstance(arg, ast.Name) for arg in args):
            tree = inner
    if not isinstance(tree, ast.Call):
        return None
    module, _, name = native(framework).canonical(called_name(tree)).rpartition(".")
    makes = module in ("nn", "torch.nn") if framework == TORCH else module in ("keras.layers", "keras")
    return ast.unparse(tree) if makes and name[:1].isupper() else None


def model_of(codes: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a model scenario of two native layers; raises `ValueError`, which shows how an option is written."""
    fields: dict[str, Any] = {framework: _layer(codes[framework], framework) for framework in FRAMEWORKS}
    fields["at"] = assigned(given["at"], "--at", "x=normal(0, 1, (2, 3))")
    return {"name": " and ".join(codes.values()), "model": {**fields, **_more(given)}}


def layer_of(call: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a model scenario of a neutral layer, at the inputs that are given, else at some that fit it.

    Raises `ValueError`, which shows how an option is written.

    >>> layer_of("linear(3, 4)", {"at": ()})["model"]
    {'of': 'linear(3, 4)', 'at': {'x': 'normal(0, 1, (2, 3))'}}
    """
    at = assigned(given["at"], "--at", "x=normal(0, 1, (2, 3))") or inputs_for(call)
    return {"name": call, "model": {"of": call, "at": at, **_more(given)}}


def _more(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a model scenario besides its layers and inputs; none where an option was not given."""
    layout: Any = list(given.get("layout") or ())
    if layout == ["channels"]:
        layout = "channels"
    elif layout:
        layout = assigned(layout, "--layout", "x=n c h w -> n h w c", text=True)
    pair = assigned(given.get("pair") or (), "--pair", "0.weight=dense.kernel", text=True)
    dtypes = assigned(given.get("dtypes") or (), "--input-dtype", "i=int64", text=True)
    fields = {
        "layout": layout or None,
        "pair": {name: None if other == "null" else other for name, other in pair.items()} or None,
        "dtypes": dtypes or None,
        "training": True if given.get("training") else None,
        "weights": given.get("weights"),
        "cotangent": value_in(given["cotangent"]) if given.get("cotangent") is not None else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def inputs_for(call: str) -> dict[str, Any]:
    """Inputs that fit a neutral layer; raises `ValueError` where its row does not tell their shape."""
    missing = ValueError(f"--at is missing: give the input of {call}, such as --at 'x=normal(0, 1, (2, 3))'")
    tree, complaints = parse(call)
    row = dictionary().layers.get(called_name(tree)) if isinstance(tree, ast.Call) else None
    if row is None or complaints or not isinstance(tree, ast.Call):
        return {"x": 0.0}  # what is wrong with it is said when it is read
    bound, wrong = row.signature.bind(row.name, tree)
    settings, more = row.signature.values(row.name, bound)
    if wrong or more:
        return {"x": 0.0}
    names = [arg.id for arg in call_in(row.call[TORCH]).args if isinstance(arg, ast.Name)]
    try:
        if row.indices is not None:
            most = int(value_of(row.indices, row.names(settings)))
            return {name: [list(range(min(most, _INDICES)))] for name in names}
        shapes = _shapes(row, settings, len(names))
    except UNKNOWN:
        raise missing from None
    return {name: f"normal(0, 1, {(_BATCH, *shape)})" for name, shape in zip(names, shapes, strict=True)}


def _shapes(row: Layer, settings: Mapping[str, Any], count: int) -> list[tuple[int, ...]]:
    """The shapes of so many inputs as PyTorch takes them, without the batch."""
    if row.inputs is not None:
        return [tuple(shape) for shape in value_of(row.inputs, row.names(settings))]
    sizes = filled(row, value_of(row.input_shape, row.names(settings)))
    return [(sizes[-1], *sizes[:-1]) if row.channels else sizes] * count
