"""Native code in a scenario: whether it makes only the calls that the lists of native calls allow."""

from __future__ import annotations

import ast
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.native import by_text, instead, native, rules
from tfpt_cli.expressions.doubling import doubled
from tfpt_cli.frameworks import FRAMEWORKS, TORCH
from tfpt_cli.language.dtypes import DTYPES, WHOLE_DTYPES
from tfpt_cli.language.expression import UNBOUNDED, Complaint, is_constant, offset
from tfpt_cli.language.signature import bind_any
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.language.templates import renamed
from tfpt_cli.language.trees import called_name, children, copied, dotted, nodes

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_native(
    tree: ast.expr,
    framework: str,
    variables: set[str],
    *,
    given: int = 0,
    layers: Mapping[str, ast.expr] = MappingProxyType({}),
) -> list[Complaint]:
    """A complaint for everything in a native expression that a scenario may not use: names, attributes, arguments.

    `variables` are the names of the inputs and lines; `layers` are the trees of the lines that are layers, which may be called;
    `given` counts leading arguments of the outermost call that tfpt passes itself.

    >>> [complaint.message for complaint in check_native(ast.parse("F.sofmax(x)", mode="eval").body, "torch", {"x"})]
    ["'F.sofmax' is not among the PyTorch calls that a scenario may make, did you mean 'F.softmax'?"]
    >>> check_native(ast.parse("F.softmax(x, dim=0)", mode="eval").body, "torch", {"x"})
    []
    """
    checker = _Checker(framework, variables, layers)
    checker.visit(tree, given)
    return checker.complaints


def with_full_names(tree: ast.expr, framework: str, variables: set[str]) -> ast.expr:
    """The tree with bare class names (`Dense`) written out, so that it runs with the usual imports alone.

    >>> ast.unparse(with_full_names(ast.parse("Dense(4)(x)", mode="eval").body, "tensorflow", {"x"}))
    'keras.layers.Dense(4)(x)'
    """
    table = native(framework)
    used = {node.id for node in nodes(tree) if isinstance(node, ast.Name)} - variables
    return renamed(tree, {name: full for name in used if (full := table.canonical(name)) in table.calls})


def native_in_double(source: str) -> str:
    """The source of native code with float64 for its float32: its dtypes, and the constants that are float32 by themselves.

    What has its dtype from elsewhere, as `torch.zeros` has it from the default dtype, stays as it is.

    >>> native_in_double("torch.sum(x.float())"), native_in_double("tf.cast(i, tf.float32) + tf.zeros(3)")
    ('torch.sum(x.double())', 'tf.cast(i, tf.float64) + tf.zeros(3, dtype=tf.float64)')
    """
    tree = ast.parse(source, mode="eval").body
    wide = ast.unparse(doubled(copied(tree)))
    return source if wide == ast.unparse(tree) else wide


class _Checker:
    def __init__(self, framework: str, variables: set[str], layers: Mapping[str, ast.expr]) -> None:
        self.table = native(framework)
        self.variables = variables
        self.layers = layers
        self.complaints: list[Complaint] = []
        # Whether the layers that are visited compute as in training: PyTorch's do unless they are told otherwise.
        self.training = framework == TORCH

    def complain(self, node: ast.AST, message: str) -> None:
        self.complaints.append(Complaint(offset(node), message))

    def visit(self, node: ast.AST, given: int = 0) -> None:
        match node:
            case ast.Name() | ast.Attribute():
                self.name(node)
            case ast.Call():
                self.call(node, given)
            case _:
                for child in children(node):
                    self.visit(child)

    def name(self, node: ast.Name | ast.Attribute) -> None:
        full = dotted(node)
        root = full.split(".")[0]
        if self.is_limit(node):
            assert isinstance(node, ast.Attribute)
            self.visit(node.value)
        elif not full or (root in self.variables and "." in full):
            assert isinstance(node, ast.Attribute)
            self.property(node)
        elif root not in self.variables:
            self.known(node, full)

    def is_limit(self, node: ast.AST) -> bool:
        """Whether a node is the largest, the least or the smallest number of a dtype: `tf.float32.max`."""
        match node:
            case ast.Attribute(value=value, attr=attr) if attr in rules("limits"):
                if isinstance(value, ast.Call):
                    return called_name(value) in rules("limits_of")
                if isinstance(value, ast.Attribute) and value.attr == "dtype":
                    return True
                return self.table.canonical(dotted(value)) in self.table.values
        return False

    def property(self, node: ast.Attribute) -> None:
        self.visit(node.value)
        if node.attr in _PARTS and not isinstance(node.value, ast.Call):
            self.complain(node, f"'.{node.attr}' is a part of what a function gives: torch.max(x, dim=1).{node.attr}")
        elif node.attr not in self.table.properties:
            where = f"the properties {', '.join(sorted(self.table.properties))}"
            if node.attr in self.table.methods:
                self.complain(node, f"'{node.attr}' is a method: call it, '.{node.attr}(...)'")
            else:
                self.complain(node, f"the attribute '{node.attr}' is not among {where}, which a scenario may use")

    def known(self, node: ast.AST, full: str) -> bool:
        """Whether a name may stand here; complains if not."""
        table = self.table
        canonical = table.canonical(full)
        if table.knows(canonical):
            return True
        root = full.split(".")[0]
        own = FRAMEWORKS[table.framework]
        owner = next((f for f in FRAMEWORKS.values() if root in f.roots), own)
        if why := instead(canonical, table.framework):
            self.complain(node, f"'{full}' cannot stand here: {why}")
        elif owner is not own and root not in own.roots:
            self.complain(node, f"'{full}' belongs to {owner.label}, but this is the {own.label} side")
        elif "." not in full and root in own.roots:
            self.complain(node, f"'{full}' is a module; name a function in it")
        elif "." not in full:
            hint = table.nearest(full, self.variables)
            given = f" (given here: {', '.join(sorted(self.variables))})" if self.variables and not hint else ""
            self.complain(node, f"unknown name '{full}'{hint}{given}")
        else:
            hint = table.nearest(canonical)
            self.complain(node, f"'{full}' is not among the {own.label} calls that a scenario may make{hint}")
        return False

    def call(self, node: ast.Call, given: int) -> None:
        full = dotted(node.func)
        root = full.split(".")[0]
        trained = self.training
        if full and root not in self.variables:
            self.named(node, full, given)
        elif isinstance(node.func, ast.Attribute):
            self.method(node, node.func)
        elif isinstance(node.func, (ast.Call, ast.Name)) and self.is_layer(node.func):
            self.training = self.in_training(node)
            # What a layer of a line draws depends on how it is called here.
            layer = self.layers[node.func.id] if isinstance(node.func, ast.Name) else node.func
            before = len(self.complaints)
            self.visit(layer)
            if layer is not node.func:
                self.complaints[before:] = [Complaint(offset(node), c.message) for c in self.complaints[before:]]
        else:
            self.complain(node, "only functions, tensor methods and layers can be called in a scenario")
        self.training = trained
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.visit(argument)

    def named(self, node: ast.Call, full: str, given: int) -> None:
        """Complains about a call of a function or class by its name."""
        canonical = self.table.canonical(full)
        if canonical in rules("by_text"):
            if not by_text(node, self.table.framework):
                words = f"'{full}' gives the function of a name: write one that is there, such as {full}('{_EXAMPLE[canonical]}')"
                self.complain(node, words)
        elif self.known(node.func, full):
            if canonical in self.table.values:
                self.complain(node, f"'{full}' is not a function")
            elif canonical.startswith("nn.init.") and canonical.endswith("_") and not given:
                self.complain(node, f"'{full}' writes into its tensor; it can only fill a parameter of init")
            else:
                signature, bound, complaints = bind_any(full, self.table.calls[canonical], node, given=given)
                self.complaints += complaints
                if not complaints:
                    self.arguments(node, full, canonical)
                    self.drawn(node, full, canonical, {p.name: p.default for p in signature.parameters} | bound)

    def arguments(self, node: ast.Call, full: str, canonical: str) -> None:
        """Complains about arguments of a call that `native_rules.yaml` keeps to numbers or to a list."""
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if canonical in rules("of_numbers") and not all(map(self.is_number, given)):
            self.complain(node, f"'{full}' takes numbers here: what is computed is a tensor already, without it")
        if canonical in rules("of_lists") and not (given and isinstance(given[0], (ast.List, ast.Tuple))):
            self.complain(
                node, f"'{full}' of anything but a list is memory that nobody has filled; write torch.zeros(...)"
            )

    def is_number(self, tree: ast.expr) -> bool:
        """Whether a tree is a number, a dtype, or lists or calls of such."""
        match tree:
            case ast.Constant(value=str() as text):
                return text in (*DTYPES, *WHOLE_DTYPES) or text.strip().lower() in UNBOUNDED
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return all(map(self.is_number, items))
            case ast.Name() | ast.Attribute() if (full := dotted(tree)) and full.split(".")[0] not in self.variables:
                return self.table.canonical(full) in self.table.values or full in self.table.calls
            case ast.Call(func=ast.Name() | ast.Attribute()) if called_name(tree).split(".")[0] not in self.variables:
                name = called_name(tree)
                numbers = name in rules("of_numbers") or name.startswith(("math.", "np."))
                return numbers and all(map(self.is_number, [*tree.args, *(k.value for k in tree.keywords)]))
            case ast.UnaryOp(operand=operand):
                return self.is_number(operand)
            case ast.BinOp(left=left, right=right):
                return self.is_number(left) and self.is_number(right)
        return is_constant(tree)

    def drawn(self, node: ast.Call, full: str, canonical: str, bound: Mapping[str, ast.expr | None]) -> None:
        """Complains about a call that draws random numbers, with what switches it off."""
        switches = rules("off").get(canonical)
        if switches is None or any(_is(bound.get(name), value) for name, value in switches.items()):
            return
        layer = self.is_class(node)
        if layer and not self.training:
            return
        ways = [f"{name}={value}" for name, value in switches.items()]
        if layer:
            ways.append(f"{full}(...).eval()" if self.table.framework == TORCH else "no training=True")
        words = "draws random numbers here, and each framework draws its own, so that nothing can be compared"
        self.complain(node, f"'{full}' {words}; switch it off: {' or '.join(ways)}")

    def in_training(self, call: ast.Call) -> bool:
        """Whether a layer computes as in training where it is called: a Keras layer where it is told so."""
        if self.table.framework == TORCH:
            return self.training
        told = [keyword.value for keyword in call.keywords if keyword.arg == "training"] or call.args[1:]
        return any(not (isinstance(tree, ast.Constant) and not tree.value) for tree in told)

    def is_class(self, call: ast.Call) -> bool:
        return called_name(call).rsplit(".", 1)[-1][:1].isupper()

    def is_layer(self, tree: ast.AST) -> bool:
        """Whether what a tree gives may be called: a layer, a named line that is one, a function by its name in a text."""
        match tree:
            case ast.Name(id=name):
                return name in self.layers
            case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in rules("modes"):
                return isinstance(value, ast.Call) and self.is_layer(value)
            case ast.Call():
                return self.is_class(tree) or self.table.canonical(called_name(tree)) in rules("by_text")
        return False

    def method(self, node: ast.Call, function: ast.Attribute) -> None:
        name = function.attr
        if name in rules("modes") and self.table.framework == TORCH:
            self.mode(node, function)
            return
        self.visit(function.value)
        if _starts_with_numpy(function.value):
            self.complain(node, f"'.{name}()' would be a method of a NumPy array; make it a tensor first")
        elif name not in self.table.methods:
            label = FRAMEWORKS[self.table.framework].label
            known = did_you_mean(name, list(self.table.methods))
            words = f"'.{name}()' is not among the methods of {label} tensors that a scenario may call{known}"
            why = instead(f".{name}", self.table.framework)
            self.complain(node, f"'.{name}()' cannot stand here: {why}" if why else words)
        else:
            _, _, complaints = bind_any(f".{name}", self.table.methods[name], node)
            self.complaints += complaints

    def mode(self, node: ast.Call, function: ast.Attribute) -> None:
        """Complains about `.eval()` or `.train(...)` of anything but a layer where it is made."""
        flags = [
            a.value if isinstance(a, ast.Constant) else None for a in (*node.args, *(k.value for k in node.keywords))
        ]
        named = all(keyword.arg == "mode" for keyword in node.keywords)
        if not self.is_layer(function.value) or isinstance(function.value, ast.Name):
            words = "is of a layer, where it is made: nn.BatchNorm1d(3)"
            self.complain(node, f"'.{function.attr}()' {words}.{function.attr}()")
        elif not named or not all(isinstance(flag, bool) for flag in flags) or len(flags) > (function.attr == "train"):
            self.complain(node, "write .eval(), .train() or .train(False)")
        else:
            before = self.training
            self.training = function.attr == "train" and flags != [False]
            self.visit(function.value)
            self.training = before


def is_layer(tree: ast.expr) -> bool:
    """Whether checked native code is a layer, to be called by the name of its line: `nn.BatchNorm1d(3)`, `Dense(4)`.

    >>> [is_layer(ast.parse(text, mode="eval").body) for text in ("nn.BatchNorm1d(3).eval()", "nn.ReLU()(x)", "F.relu(x)")]
    [True, False, False]
    """
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Attribute) and tree.func.attr in rules("modes"):
        return is_layer(tree.func.value)
    return (
        bool(called_name(tree))
        and called_name(tree).startswith(_LAYERS)
        and called_name(tree).rpartition(".")[2][:1].isupper()
    )


_LAYERS = ("nn.", "torch.nn.", "keras.", "tf.keras.")
_PARTS = ("values", "indices")
_EXAMPLE = {"keras.activations.get": "relu", "keras.losses.get": "mse"}


def _is(tree: ast.expr | None, value: Any) -> bool:
    """Whether a tree is a constant of a value: 0.0 is 0, and False is not."""
    if not isinstance(tree, ast.Constant) or isinstance(tree.value, bool) != isinstance(value, bool):
        return False
    return bool(tree.value == value)


def _starts_with_numpy(tree: ast.AST) -> bool:
    """Whether a method would be called on what a call of NumPy gives, or on a part of it."""
    while isinstance(tree, (ast.Subscript, ast.Attribute)):
        tree = tree.value
    return called_name(tree).startswith("np.")
