"""Native code in a scenario: whether it makes only the calls that the lists of native calls allow."""

from __future__ import annotations

import ast

from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.typed import constant_name, native_name, of_other_framework, refusal
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.expression import Complaint, offset
from tfpt_cli.language.mentions import field, typed
from tfpt_cli.language.signature import bind_any, parse_signature
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.language.templates import renamed
from tfpt_cli.language.trees import called_name, children, copied, dotted, nodes


def check_native(tree: ast.expr, framework: str, variables: set[str], *, given: int = 0) -> list[Complaint]:
    """A complaint for everything in a native expression that a scenario may not use: names, attributes, arguments.

    `variables` are the names of the inputs; `given` counts leading arguments of the outermost call that tfpt passes itself.

    >>> [complaint.message for complaint in check_native(ast.parse("F.sofmax(x)", mode="eval").body, "torch", {"x"})]
    ["'F.sofmax' is not among the PyTorch calls that a scenario may make, did you mean 'F.softmax'?"]
    >>> check_native(ast.parse("F.softmax(x, dim=0)", mode="eval").body, "torch", {"x"})
    []
    """
    checker = _Checker(framework, variables)
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
    doubled = ast.unparse(_InDouble().visit(copied(tree)))
    return source if doubled == ast.unparse(tree) else doubled


class _InDouble(ast.NodeTransformer):
    # What makes numbers of float32 where no dtype is given: whatever it is given, or where that holds such a number.
    always = ("tf.zeros", "tf.ones", "tf.eye")
    of_numbers = ("tf.constant", "tf.convert_to_tensor")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        module, _, name = dotted(node).partition(".")
        if module in ("torch", "tf") and name in ("float32", "float"):
            return ast.Attribute(node.value, "float64", node.ctx)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = called_name(node)
        numbers = any(isinstance(part, ast.Constant) and type(part.value) is float for part in nodes(node))
        untyped = not any(keyword.arg == "dtype" for keyword in node.keywords) and len(node.args) < 2
        if untyped and (name in self.always or (name in self.of_numbers and numbers)):
            node.keywords.append(ast.keyword("dtype", ast.parse("tf.float64", mode="eval").body))
        if isinstance(node.func, ast.Attribute) and node.func.attr == "float" and not node.args:
            node.func.attr = "double"
        return self.generic_visit(node)


def _of_your_own(framework: str) -> str:
    """How a scenario calls a function of a person's own file."""
    if typed():
        return f"for a function of your own write --{framework} port.py:loss --allow-code"
    return f"for a function of your own write {field(framework, 'python', 'port.py:loss')}, and check with --allow-code"


class _Checker:
    def __init__(self, framework: str, variables: set[str]) -> None:
        self.table = native(framework)
        self.variables = variables
        self.complaints: list[Complaint] = []

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
        if not full or (root in self.variables and "." in full):
            assert isinstance(node, ast.Attribute)
            self.property(node)
        elif root not in self.variables:
            self.known(node, full)

    def property(self, node: ast.Attribute) -> None:
        self.visit(node.value)
        if node.attr not in self.table.properties:
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
        if owner and root not in own.roots:
            self.complain(
                node, f"'{full}' belongs to {FRAMEWORKS[owner].label}, but this is the {own.label} side{hint}"
            )
        elif refused:
            self.complain(node, refused)
        elif "." not in full and root in own.roots:
            self.complain(node, f"'{full}' is a module; name a function in it")
        elif "." not in full:
            hint = hint or table.nearest(full, self.variables)
            given = f" (given here: {', '.join(sorted(self.variables))})" if self.variables and not hint else ""
            self.complain(node, f"unknown name '{full}'{hint}{given}")
        else:
            hint = hint or table.nearest(canonical)
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
        if full and root not in self.variables:
            if "." not in full and not self.table.knows(self.table.canonical(full)):
                self.unknown_function(node.func, full)
            elif self.known(node.func, full):
                canonical = self.table.canonical(full)
                if canonical in self.table.values or canonical not in self.table.calls:
                    self.complain(node, f"'{full}' is not a function")
                elif canonical.startswith("nn.init.") and canonical.endswith("_") and not given:
                    self.complain(node, f"'{full}' writes into its tensor; it can only fill a parameter of init")
                elif not called and (instead := self.called_at_once(node, canonical)):
                    self.complain(node, f"{full} makes a layer or a loss, which is then called: write {instead}")
                else:
                    _, _, complaints = bind_any(full, self.table.calls[canonical], node, given=given)
                    self.complaints += complaints
        elif full and "." not in full:
            layers = {TORCH.key: "nn.Linear(3, 4)(x)", TENSORFLOW.key: "keras.layers.Dense(4)(x)"}
            made = layers[self.table.framework]
            words = f"a layer is called where it is made, such as {made}, and a product is written with *"
            self.complain(node, f"'{full}' cannot be called: {words}")
        elif isinstance(node.func, ast.Attribute):
            self.method(node, node.func)
        elif isinstance(node.func, ast.Call) and self.is_class(node.func):
            self.call(node.func, 0, called=True)
        elif isinstance(node.func, ast.Call) and called_name(node.func) and not node.func.args:
            instead = ast.unparse(ast.Call(node.func.func, node.args, [*node.func.keywords, *node.keywords]))
            self.complain(node, f"{called_name(node.func)} is a function, not a layer: write {instead}")
        else:
            self.complain(node, "only functions, tensor methods and layers can be called in a scenario")
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.visit(argument)

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

    def method(self, node: ast.Call, called: ast.Attribute) -> None:
        self.visit(called.value)
        name = called.attr
        if name not in self.table.methods:
            label = FRAMEWORKS[self.table.framework].label
            words = f"'.{name}()' is not among the methods of {label} tensors that a scenario may call"
            if why := refusal(f".{name}"):
                self.complain(node, why)
            elif function := native_name(name, self.table.framework):
                tree = ast.Call(ast.parse(function, mode="eval").body, [called.value, *node.args], node.keywords)
                self.complain(node, f"{words}; write {ast.unparse(tree)}")
            else:
                self.complain(node, f"{words}{did_you_mean(name, list(self.table.methods))}")
            return
        _, _, complaints = bind_any(f".{name}", self.table.methods[name], node)
        self.complaints += complaints
