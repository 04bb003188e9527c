"""One spelling for what has several, so that a pattern of a known difference need not list them all.

A function by one of its names (`synonyms.yaml`), a method of a PyTorch tensor as the function, a named part of a result by its
place, a Sequential that is called as calls of its layers one after another, a module of PyTorch without parameters that is
called as the function that it calls, and arithmetic by functions as that by operators. Code and patterns are both read so.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.dictionary.native import native
from tfpt_cli.frameworks import FRAMEWORKS, TORCH
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.language.templates import fill
from tfpt_cli.language.trees import called_name, dotted

if TYPE_CHECKING:
    from collections.abc import Mapping

# What may be noted at a node: its place in a scenario's text or in a person's own file, that it is an input.
_NOTES = ("offset", "place", "input")
_SEQUENTIALS = frozenset({"nn.Sequential", "keras.Sequential", "keras.models.Sequential"})
_INPUTS = frozenset({"keras.Input", "keras.layers.Input", "keras.layers.InputLayer"})


def canonical(tree: ast.expr, framework: str) -> ast.expr:
    """The tree of native code in its one spelling.

    >>> def shown(text: str, framework: str) -> str:
    ...     return ast.unparse(canonical(ast.parse(text, mode="eval").body, framework))
    >>> shown("torch.nn.functional.gelu(x).std(dim=0)", "torch")
    'torch.std(F.gelu(x), dim=0)'
    >>> shown("x.sort().values", "torch")
    'torch.sort(x)[0]'
    >>> shown("nn.CrossEntropyLoss(w, reduction='sum')(x, y)", "torch")
    "F.cross_entropy(x, y, weight=w, reduction='sum')"
    >>> shown("tf.keras.Sequential([keras.layers.Dense(2), tf.math.tanh])(x)", "tensorflow")
    'tf.tanh(keras.layers.Dense(2)(x))'
    """
    found: ast.expr = _Canonical(framework).of(tree)
    return found


def canonical_pattern(tree: ast.expr) -> ast.expr:
    """The tree of a pattern in its one spelling, whichever framework's names are in it."""
    for framework in FRAMEWORKS:
        tree = canonical(tree, framework)
    return tree


def synonyms(framework: str) -> Mapping[str, str]:
    """The one name by which a function is read, by each of its other names.

    >>> synonyms("torch")["torch.absolute"]
    'torch.abs'
    """
    return _synonyms()[framework]


def names_of(name: str, framework: str) -> list[str]:
    """The names of a function: the one by which it is read, and its others."""
    return [name, *rows_of("synonyms").get(framework, {}).get(name, ())]


@cache
def _synonyms() -> dict[str, dict[str, str]]:
    rows = rows_of("synonyms")
    return {f: {other: name for name, others in rows.get(f, {}).items() for other in others} for f in FRAMEWORKS}


class _Canonical:
    def __init__(self, framework: str) -> None:
        self.framework, self.table, self.names = framework, native(framework), synonyms(framework)

    def of(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.of(item) for item in node]
        if not isinstance(node, ast.AST) or isinstance(node, (ast.Constant, ast.expr_context, ast.operator)):
            return node
        if isinstance(node, ast.Attribute) and (full := dotted(node)):
            known = self.table.canonical(full)
            known = self.names.get(known, known)
            return node if known == full else _noted(ast.parse(known, mode="eval").body, node)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call) and node.attr in _PARTS:
            part = ast.Subscript(self.of(node.value), ast.Constant(_PARTS[node.attr]), ast.Load())
            return _noted(part, node)
        new = _noted(type(node)(**{name: self.of(value) for name, value in ast.iter_fields(node)}), node)
        return self.called(new) if isinstance(new, ast.Call) else _layer_of(new) or new

    def called(self, call: ast.Call) -> ast.expr:
        """The call of a function for that of a method or a module, and calls of the layers for that of a Sequential."""
        match call.func:
            case ast.Attribute(value=value, attr=name) if self.framework == TORCH and not _is_module(value):
                function = "torch.reshape" if name == "view" else _functions().get(name)
                if function is not None:
                    tree, args = ast.parse(function, mode="eval").body, call.args
                    if name in _SPREAD and args and not isinstance(args[0], (ast.Tuple, ast.List, ast.Starred)):
                        args = [ast.Tuple(args, ast.Load())]
                    new: ast.Call = _noted(ast.Call(_noted(tree, call), [value, *args], call.keywords), call)
                    return _operation(new)
            case ast.Call(args=layers) if called_name(call.func) in _SEQUENTIALS and len(call.args) == 1:
                layers = _layers(layers)
                if not any(isinstance(layer, ast.Starred) for layer in layers):
                    return self.one_after_another(layers, call)
            case ast.Call() as module if function := rows_of("synonyms")["modules"].get(called_name(module)):
                return _function_of(module, function, call)
        return _operation(call)

    def one_after_another(self, layers: list[ast.expr], call: ast.Call) -> ast.expr:
        result = call.args[0]
        for layer in layers:
            if called_name(layer) not in _INPUTS:
                takes_mode = any(name in called_name(layer) for name in _MODED)
                keywords = call.keywords if takes_mode else []
                result = self.called(_noted(ast.Call(layer, [result], keywords), layer))
        return result


def _operation(call: ast.Call) -> ast.expr:
    """The operator that a function is, of two arguments or one: `a * b` for `torch.mul(a, b)`; another call as it is.

    Lists are no tensors to an operator, and numbers alone are none either: such a call stays.
    """
    text = rows_of("synonyms")["operators"].get(dotted(call.func))
    if text is None:
        return call
    template = ast.parse(text, mode="eval").body
    names = [node.id for node in ast.walk(template) if isinstance(node, ast.Name)]
    given = dict(zip(names, call.args, strict=False)) | {k.arg or "": k.value for k in call.keywords}
    args = [given.get(name) for name in names]
    if len(call.args) + len(call.keywords) != len(names) or any(arg is None for arg in args):
        return call
    if any(isinstance(arg, (ast.Tuple, ast.List, ast.Starred)) or _is_ellipsis(arg) for arg in given.values()):
        return call
    if all(isinstance(arg, ast.Constant) for arg in given.values()):
        return call
    return _operator(fill(template, given), call)


def _operator(tree: ast.expr, call: ast.Call) -> ast.expr:
    new: ast.expr = _noted(tree, call)
    return new


def _layers(args: list[ast.expr]) -> list[ast.expr]:
    """The layers of a Sequential by its arguments, which may be one list."""
    return args[0].elts if len(args) == 1 and isinstance(args[0], ast.List) else args


def _layer_of(tree: ast.expr) -> ast.expr | None:
    """The layer that is taken out of a Sequential, as by `net[0]` and `model.layers[0]`; None for another expression."""
    match tree:
        case ast.Subscript(
            value=ast.Call(args=args) | ast.Attribute(value=ast.Call(args=args), attr="layers"),
            slice=ast.Constant(value=int(index)),
        ):
            call = tree.value.value if isinstance(tree.value, ast.Attribute) else tree.value
            layers = [layer for layer in _layers(args) if called_name(layer) not in _INPUTS]
            if called_name(call) in _SEQUENTIALS and index < len(layers):
                return layers[index]
    return None


def _function_of(module: ast.Call, function: str, call: ast.Call) -> ast.expr:
    """The call of a function for that of a module, with the module's arguments by name; as it is where those are not known."""
    parameters = parse_signature(native(TORCH).calls[called_name(module)][0]).parameters
    places = [arg for arg in module.args if not _is_ellipsis(arg)]
    if len(places) > len(parameters) or any(isinstance(arg, ast.Starred) for arg in places):
        return call
    rest = [arg for arg in (*call.args, *module.args) if _is_ellipsis(arg)]
    keywords = [ast.keyword(p.name, arg) for p, arg in zip(parameters, places, strict=False)]
    args = [*(arg for arg in call.args if not _is_ellipsis(arg)), *rest[:1]]
    tree = ast.parse(function, mode="eval").body
    new: ast.expr = _noted(ast.Call(_noted(tree, module), args, [*call.keywords, *keywords, *module.keywords]), call)
    return new


def _is_ellipsis(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and tree.value is ...


# Layers of Keras that compute something else in training, which is handed to them by the model that holds them.
_MODED = ("Normalization", "Dropout", "Noise")


def _is_module(tree: ast.expr) -> bool:
    """Whether a tree is a module and no tensor: `torch.linalg`."""
    name = dotted(tree)
    return bool(name) and name.split(".")[0] in {root for f in FRAMEWORKS.values() for root in f.roots}


# What a result of several parts calls them, by their places: `torch.sort(x).values`, `tf.unique(x).idx`.
_PARTS = {
    "values": 0,
    "indices": 1,
    "eigenvalues": 0,
    "eigenvectors": 1,
    "U": 0,
    "S": 1,
    "Vh": 2,
    "Q": 0,
    "R": 1,
    "solution": 0,
    "residuals": 1,
    "logabsdet": 1,
    "y": 0,
    "idx": 1,
    "count": 2,
}

# Methods that take one by one what the function takes as a tuple.
_SPREAD = frozenset({"permute", "reshape", "view", "tile", "flip"})


@cache
def _functions() -> dict[str, str]:
    """The function that a method of a PyTorch tensor is, by the method's name, where the tensor is its first argument."""
    table, names, found = native(TORCH), synonyms(TORCH), dict[str, str]()
    for name, signatures in table.calls.items():
        module, _, method = name.rpartition(".")
        parameters = [parse_signature(signature).parameters for signature in signatures]
        of_tensors = all(each and each[0].name in _TENSORS for each in parameters)
        if of_tensors and (module == "torch" or (module == "F" and method in table.methods)):
            found.setdefault(method, names.get(name, name))
    return found


_TENSORS = frozenset({"input", "self", "x", "tensor", "args"})


def _noted(new: Any, old: ast.AST) -> Any:
    for note in _NOTES:
        if hasattr(old, note):
            setattr(new, note, getattr(old, note))
    return new
