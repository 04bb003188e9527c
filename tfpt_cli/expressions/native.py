"""Native code in a scenario: whether it makes only the calls that the lists of native calls allow."""

from __future__ import annotations

import ast
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.native import by_text, native, rules
from tfpt_cli.dictionary.typed import constant_name, instead, native_name, of_other_framework, refusal
from tfpt_cli.expressions.doubling import doubled
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.constants import UNBOUNDED, is_constant
from tfpt_cli.language.dtypes import DTYPES, WHOLE_DTYPES
from tfpt_cli.language.expression import Complaining, Complaint, offset
from tfpt_cli.language.mentions import field, permission, typed
from tfpt_cli.language.signature import bind_any, parse_signature
from tfpt_cli.language.suggest import MOST_HINTS, did_you_mean
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
    made: bool = False,
    hints: int = MOST_HINTS,
) -> list[Complaint]:
    """A complaint for everything in a native expression that a scenario may not use: names, attributes, arguments.

    `variables` are the names of the inputs and lines; `layers` are the trees of the lines that are layers, which may be called;
    `given` counts leading arguments of the outermost call that tfpt passes itself; `made` says that the expression makes a layer,
    which is not called here, so that one that draws random numbers draws none. Of so many complaints the nearest name is looked
    for, which takes longer than all else.

    >>> [complaint.message for complaint in check_native(ast.parse("F.sofmax(x)", mode="eval").body, "torch", {"x"})]
    ["'F.sofmax' is not among the PyTorch calls that a scenario may make, did you mean 'F.softmax'?"]
    >>> check_native(ast.parse("F.softmax(x, dim=0)", mode="eval").body, "torch", {"x"})
    []
    """
    checker = _Checker(framework, variables, layers, hints)
    checker.training &= not made
    checker.visit(tree, given)
    return checker.complaints


def with_full_names(tree: ast.expr, framework: str, variables: set[str]) -> ast.expr:
    """The tree with bare names of classes and numbers (`Dense`, `pi`) written out, so that it runs with the usual imports alone.

    >>> ast.unparse(with_full_names(ast.parse("Dense(4)(x)", mode="eval").body, "tensorflow", {"x"}))
    'keras.layers.Dense(4)(x)'
    """
    table = native(framework)
    used = {node.id for node in nodes(tree) if isinstance(node, ast.Name)} - variables
    numbers = {name: full for name in used if (full := f"math.{name}") in table.values}
    return renamed(tree, {name: full for name in used if (full := table.canonical(name)) in table.calls} | numbers)


def native_in_double(source: str) -> str:
    """The source of native code with float64 for its float32: its dtypes, and the constants that are float32 by themselves.

    What has its dtype from elsewhere, as `torch.zeros` has it from the default dtype, stays as it is.

    >>> native_in_double("torch.sum(x.float())"), native_in_double("tf.cast(i, tf.float32) + tf.zeros(3)")
    ('torch.sum(x.double())', 'tf.cast(i, tf.float64) + tf.zeros(3, dtype=tf.float64)')
    """
    tree = ast.parse(source, mode="eval").body
    wide = ast.unparse(doubled(copied(tree)))
    return source if wide == ast.unparse(tree) else wide


def _of_your_own(framework: str) -> str:
    """How a scenario calls a function of a person's own file."""
    if typed():
        return f"for a function of your own write --{framework} port.py:loss --allow-code"
    function = field(framework, "python", "port.py:loss")
    return f"for a function of your own write {function}, and check with {permission(verb=False)}"


class _Checker(Complaining):
    def __init__(self, framework: str, variables: set[str], layers: Mapping[str, ast.expr], hints: int) -> None:
        super().__init__(hints)
        self.table = native(framework)
        self.variables = variables
        self.layers = layers
        # Whether the layers that are visited compute as in training: PyTorch's do unless they are told otherwise.
        self.training = framework == TORCH

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
            if why := refusal(f".{node.attr}"):
                self.complain(node, why)
            elif node.attr in self.table.methods:
                self.complain(node, f"'{node.attr}' is a method: call it, '.{node.attr}(...)'")
            elif function := native_name(node.attr, self.table.framework):
                call = ast.Call(ast.parse(function, mode="eval").body, [node.value], [])
                self.complain(node, f"a tensor has no '{node.attr}' that a scenario may use; write {ast.unparse(call)}")
            else:
                self.complain(node, f"the attribute '{node.attr}' is not among {where}, which a scenario may use")

    def known(self, node: ast.AST, full: str) -> bool:
        """Whether a name may stand here; complains if not."""
        table = self.table
        canonical = table.canonical(full)
        if table.knows(canonical) or f"math.{full}" in table.values:
            return True
        root = full.split(".")[0]
        own = FRAMEWORKS[table.framework]
        owner = of_other_framework(full)
        meant = native_name(canonical, table.framework) or constant_name(full)
        hint = f", did you mean '{meant}'?" if meant else ""
        told = not meant and not canonical.startswith("nn.init.") and (owner or "." not in full)
        refused = refusal(full) if told else ""
        if why := instead(canonical, table.framework):
            self.complain(node, f"'{full}' cannot stand here: {why}")
        elif owner and root not in own.roots:
            self.complain(
                node, f"'{full}' belongs to {FRAMEWORKS[owner].label}, but this is the {own.label} side{hint}"
            )
        elif refused:
            self.complain(node, refused)
        elif "." not in full and root in own.roots:
            self.complain(node, f"'{full}' is a module; name a function in it")
        elif "." not in full:
            hint = hint or (table.nearest(full, self.variables) if self.may_hint else "")
            given = f" (given here: {', '.join(sorted(self.variables))})" if self.variables and not hint else ""
            self.complain(node, f"unknown name '{full}'{hint}{given}")
        else:
            hint = hint or (table.nearest(canonical) if self.may_hint else "")
            own_function = (
                f"; {_of_your_own(table.framework)}" if not hint and not owner and root not in own.roots else ""
            )
            words = f"'{full}' is not among the {own.label} calls that a scenario may make"
            self.complain(node, f"{words}{hint}{own_function}")
        return False

    def call(self, node: ast.Call, given: int, *, called: bool = False) -> None:
        """Whether a call may stand here, which is itself `called` where it makes a layer."""
        full = dotted(node.func)
        root = full.split(".")[0]
        trained = self.training
        if full and root not in self.variables:
            if self.is_bare(full):
                self.unknown_function(node.func, full)
            else:
                self.named(node, full, given, called=called)
        elif isinstance(node.func, ast.Attribute):
            self.method(node, node.func)
        elif isinstance(node.func, (ast.Call, ast.Name)) and self.is_layer(node.func):
            self.training = self.in_training(node)
            if isinstance(node.func, ast.Name):
                # What a layer of a line draws depends on how it is called here.
                before = len(self.complaints)
                self.visit(self.layers[node.func.id])
                self.complaints[before:] = [Complaint(offset(node), c.message) for c in self.complaints[before:]]
            else:
                self.call(node.func, 0, called=True)
        elif full and "." not in full:
            layers = {TORCH.key: "nn.Linear(3, 4)(x)", TENSORFLOW.key: "keras.layers.Dense(4)(x)"}
            made = layers[self.table.framework]
            words = f"a layer is called where it is made, such as {made}, and a product is written with *"
            self.complain(node, f"'{full}' cannot be called: {words}")
        elif isinstance(node.func, ast.Call) and self.table.knows(called_name(node.func)) and not node.func.args:
            meant = ast.unparse(ast.Call(node.func.func, node.args, [*node.func.keywords, *node.keywords]))
            self.complain(node, f"{called_name(node.func)} is a function, not a layer: write {meant}")
        else:
            self.complain(node, "only functions, tensor methods and layers can be called in a scenario")
        self.training = trained
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.visit(argument)

    def is_bare(self, full: str) -> bool:
        """Whether a name without a module is none that the framework has."""
        canonical = self.table.canonical(full)
        return "." not in full and not self.table.knows(canonical) and canonical not in rules("by_text")

    def named(self, node: ast.Call, full: str, given: int, *, called: bool) -> None:
        """Complains about a call of a function or class by its name."""
        canonical = self.table.canonical(full)
        if canonical in rules("by_text"):
            if not by_text(node, self.table.framework):
                words = f"'{full}' gives the function of a name: write one that is there, such as {full}('{_EXAMPLE[canonical]}')"
                self.complain(node, words)
        elif self.known(node.func, full):
            if canonical in self.table.values or canonical not in self.table.calls:
                self.complain(node, f"'{full}' is not a function")
            elif canonical.startswith("nn.init.") and canonical.endswith("_") and not given:
                self.complain(node, f"'{full}' writes into its tensor; it can only fill a parameter of init")
            elif not called and (meant := self.called_at_once(node, canonical)):
                self.complain(node, f"{full} makes a layer or a loss, which is then called: write {meant}")
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

    def unknown_function(self, node: ast.AST, full: str) -> None:
        """Complains about a bare name that is called and that the framework does not know."""
        before = len(self.complaints)
        self.known(node, full)
        if len(self.complaints) == before or "did you mean" in self.complaints[-1].message:
            return
        if not refusal(full):
            label = FRAMEWORKS[self.table.framework].label
            words = f"{label} has no function '{full}' that a scenario may call; {_of_your_own(self.table.framework)}"
            self.complaints[-1] = Complaint(offset(node), words)

    def called_at_once(self, node: ast.Call, canonical: str) -> str:
        """The code that was meant where a layer's or a loss's class is called with the inputs; empty where it is not."""
        module, _, name = canonical.rpartition(".")
        if module not in ("nn", "keras.layers", "keras.losses") or not name[:1].isupper():
            return ""
        first = parse_signature(self.table.calls[canonical][0]).parameters[:1]
        if first and (
            first[0].kind == "args" or first[0].name in ("layer", "layers", "cell", "encoder_layer", "decoder_layer")
        ):
            return ""
        arrays = [argument for argument in node.args if self.uses_variables(argument)]
        if not arrays:
            return ""
        settings = [argument for argument in node.args if argument not in arrays]
        made = ast.Call(node.func, settings, node.keywords)
        return ast.unparse(ast.Call(made, arrays, []))

    def uses_variables(self, tree: ast.expr) -> bool:
        """Whether an input or a line stands in a tree."""
        return any(isinstance(part, ast.Name) and part.id in self.variables for part in nodes(tree))

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
            words = f"'.{name}()' is not among the methods of {label} tensors that a scenario may call"
            if why := instead(f".{name}", self.table.framework):
                self.complain(node, f"'.{name}()' cannot stand here: {why}")
            elif why := refusal(f".{name}"):
                self.complain(node, why)
            elif meant := native_name(name, self.table.framework):
                tree = ast.Call(ast.parse(meant, mode="eval").body, [function.value, *node.args], node.keywords)
                self.complain(node, f"{words}; write {ast.unparse(tree)}")
            else:
                self.complain(node, f"{words}{did_you_mean(name, list(self.table.methods)) if self.may_hint else ''}")
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
