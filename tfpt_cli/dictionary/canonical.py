"""One spelling for what has several, so that a pattern of a known difference need not list them all.

A function by one of its names (`synonyms.yaml`), a method of a PyTorch tensor or of a NumPy array as the function, a named part
of a result by its place, a Sequential that is called as calls of its layers one after another, a module of PyTorch without
parameters and an `Activation` of Keras as the function that they call, arithmetic by functions as that by operators,
`calculate_gain` as its number. Code and patterns are both read so.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.dictionary.formulas import calculate_gain
from tfpt_cli.dictionary.native import by_text, native
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.language.templates import fill
from tfpt_cli.language.trees import called_name, dotted

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

_Tree = TypeVar("_Tree", bound=ast.AST)
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
    >>> shown("keras.activations.get('gelu')(x)", "tensorflow")
    'keras.activations.gelu(x)'
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
        if framework == TENSORFLOW:  # weights are handed over as NumPy's arrays
            self.names = {**self.names, **rows_of("synonyms")["numpy"]}

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
        new: Any = _noted(type(node)(**{name: self.of(value) for name, value in ast.iter_fields(node)}), node)
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
                    return self.called(new)
            case ast.Call(args=layers) if called_name(call.func) in _SEQUENTIALS and len(call.args) == 1:
                layers = _layers(layers)
                if not any(isinstance(layer, ast.Starred) for layer in layers):
                    return self.one_after_another(layers, call)
            case ast.Call() as named if given := by_text(named, self.framework):
                tree = ast.parse(given, mode="eval").body
                made = ast.Call(tree, [], []) if given.rpartition(".")[2][0].isupper() else tree
                return _noted(ast.Call(_noted(made, named), call.args, call.keywords), call)
            case ast.Call() as module if function := rows_of("synonyms")["modules"].get(called_name(module)):
                return _function_of(module, function, call)
        if operator := rows_of("synonyms")["operators"].get(dotted(call.func)):
            return _operated(call, operator)
        if self.framework == TENSORFLOW:
            return self.called_in_keras(call)
        name = called_name(call)
        if function := rows_of("synonyms")["reordered"].get(name):
            return _reordered(call, name, function)
        return _gain(call) if name == "nn.init.calculate_gain" else call

    def called_in_keras(self, call: ast.Call) -> ast.expr:
        """The call of a function for that of an `Activation` or of an array's method; what says nothing is left out."""
        match call:
            case ast.Call(func=ast.Call(args=[function]) as layer, args=[value]) if (
                called_name(layer) == "keras.layers.Activation" and not layer.keywords
            ):
                tree = _activation(function, self.table.calls)
                return call if tree is None else _noted(ast.Call(_noted(tree, layer), [value], []), call)
            case ast.Call(func=ast.Call() as layer, args=[_]) if called_name(layer) in _ACTIVATED:
                said = [k for k in layer.keywords if k.arg == "activation"]
                tree = _activation(said[0].value, self.table.calls) if said else None
                if tree is not None:
                    bare = _noted(
                        ast.Call(layer.func, layer.args, [k for k in layer.keywords if k is not said[0]]), layer
                    )
                    inner = _noted(ast.Call(bare, call.args, call.keywords), call)
                    return _noted(ast.Call(_noted(tree, layer), [inner], []), call)
            case ast.Call(
                func=ast.Attribute(value=value, attr="transpose" | "reshape" as name), args=[_, *_], keywords=[]
            ):
                if not _is_module(value) and not any(
                    isinstance(arg, ast.Starred) or _is_ellipsis(arg) for arg in call.args
                ):
                    axes = (
                        call.args[0]
                        if len(call.args) == 1 and not _is_number(call.args[0])
                        else ast.Tuple(call.args, ast.Load())
                    )
                    tree = ast.parse(f"tf.{name}", mode="eval").body
                    return _noted(ast.Call(_noted(tree, call), [value, axes], []), call)
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _OF_ARRAYS and not _is_module(value):
                if dotted(value) not in ("np", "_"):  # of a pattern's `_.max()` nobody knows whose method it is
                    tree = ast.parse(f"np.{name}", mode="eval").body
                    return _noted(ast.Call(_noted(tree, call), [value, *call.args], call.keywords), call)
            case ast.Call(func=ast.Call()):
                said = [k for k in call.keywords if not (k.arg == "training" and _is_none(k.value))]
                return call if len(said) == len(call.keywords) else _noted(ast.Call(call.func, call.args, said), call)
        return call

    def one_after_another(self, layers: list[ast.expr], call: ast.Call) -> ast.expr:
        result = call.args[0]
        for layer in layers:
            if called_name(layer) not in _INPUTS:
                takes_mode = any(name in called_name(layer) for name in _MODED)
                keywords = call.keywords if takes_mode else []
                result = self.called(_noted(ast.Call(layer, [result], keywords), layer))
        return result


def _operated(call: ast.Call, operator: str) -> ast.expr:
    """The operator that a function of two arguments or one is, `a * b` for `torch.mul(a, b)`; the call where it is not sure.

    Lists are no tensors to an operator, and numbers alone are none either: such a call stays.
    """
    template = ast.parse(operator, mode="eval").body
    names = [node.id for node in ast.walk(template) if isinstance(node, ast.Name)]
    given = dict(zip(names, call.args, strict=False)) | {k.arg or "": k.value for k in call.keywords}
    if len(call.args) + len(call.keywords) != len(names) or given.keys() != set(names):
        return call
    if any(isinstance(arg, (ast.Tuple, ast.List, ast.Starred)) or _is_ellipsis(arg) for arg in given.values()):
        return call
    if all(isinstance(arg, ast.Constant) for arg in given.values()):
        return call
    return _noted(fill(template, given), call)


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


def _reordered(call: ast.Call, name: str, function: str) -> ast.expr:
    """A call of a function that takes the same arguments in another order; as it is where they are not known."""
    signature = parse_signature(native(TORCH).calls[name][0])
    taken = {parameter.name for parameter in parse_signature(native(TORCH).calls[function][0]).parameters}
    bound, complaints = signature.bind(name, call)
    if complaints or "input" not in bound:
        return call
    keywords = [ast.keyword(key, value) for key, value in bound.items() if key in taken and key != "input"]
    tree = ast.parse(function, mode="eval").body
    new: ast.expr = _noted(ast.Call(_noted(tree, call), [bound["input"]], keywords), call)
    return new


def _gain(call: ast.Call) -> ast.expr:
    """The number that `nn.init.calculate_gain` gives, where its arguments are written out."""
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    match values:
        case [ast.Constant(value=str(kind))]:
            return _noted(ast.Constant(calculate_gain(kind)), call)
        case [ast.Constant(value=str(kind)), ast.Constant(value=float() | int() as slope)]:
            return _noted(ast.Constant(calculate_gain(kind, slope)), call)
    return call


def _activation(tree: ast.expr, known: Container[str]) -> ast.expr | None:
    """The function that an `Activation` of Keras calls; None for what is no function that is known."""
    name = f"keras.activations.{tree.value!s}" if isinstance(tree, ast.Constant) else dotted(tree)
    return ast.parse(name, mode="eval").body if name in known else None


def _is_none(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and tree.value is None


def _is_number(tree: ast.expr) -> bool:
    return isinstance(tree, (ast.Constant, ast.UnaryOp))


def _is_ellipsis(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and tree.value is ...


# Methods of NumPy's arrays, which TensorFlow's have not.
_OF_ARRAYS = frozenset({"std", "var", "max", "min", "mean", "sum"})

# Layers of Keras that end with a function of what they compute.
_ACTIVATED = frozenset(
    f"keras.layers.{name}"
    for name in (
        "Dense",
        "EinsumDense",
        "Conv1D",
        "Conv2D",
        "Conv3D",
        "Conv1DTranspose",
        "Conv2DTranspose",
        "Conv3DTranspose",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "SeparableConv1D",
        "SeparableConv2D",
    )
)

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
        if of_tensors and (module == FRAMEWORKS[TORCH].module or (module == "F" and method in table.methods)):
            found.setdefault(method, names.get(name, name))
    return found


_TENSORS = frozenset({"input", "self", "x", "tensor", "args"})


def _noted(new: _Tree, old: ast.AST) -> _Tree:
    for note in _NOTES:
        if hasattr(old, note):
            setattr(new, note, getattr(old, note))
    return new
