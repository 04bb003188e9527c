"""Native code in a scenario: the calls that it may make, and which row a native call corresponds to.

The lists `native/*.json` are the security boundary: pure functions of tensors, layers, initializers and losses, with
their signatures, written by `tests/tools/refresh_native.py`. What is not in them cannot be called, whatever its name.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.rows import called_name, dotted
from tfpt_cli.dictionary.signature import Signature, bind_any, parse_signature
from tfpt_cli.results import LABELS
from tfpt_cli.scenario.expression import Complaint, offset
from tfpt_cli.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOTS = {"torch": ("torch", "nn", "F", "math", "np"), "tensorflow": ("tf", "keras", "math", "np")}
OTHER = {"torch": "tensorflow", "tensorflow": "torch"}


@dataclass(frozen=True)
class Native:
    """What native code of one framework may use; names are canonical (`F.relu`, `keras.layers.Dense`)."""

    framework: str
    calls: Mapping[str, list[str]]
    methods: Mapping[str, list[str]]
    values: frozenset[str]
    properties: frozenset[str]
    prefixes: Mapping[str, str]
    bare: tuple[str, ...]

    def canonical(self, name: str) -> str:
        """`nn.functional.relu` and `Dense` as `F.relu` and `keras.layers.Dense`; an unknown name as it is."""
        for _ in range(2):
            for long, short in self.prefixes.items():
                if name.startswith(long):
                    name = short + name[len(long) :]
                    break
        if "." not in name:
            for module in self.bare:
                if module + name in self.calls:
                    return module + name
        return name

    def knows(self, name: str) -> bool:
        """Whether a canonical name may stand in a scenario."""
        return name in self.calls or name in self.values

    def nearest(self, name: str, variables: Iterable[str] = ()) -> str:
        """`, did you mean '...'?` for a name that may not stand here."""
        by_last: dict[str, str] = {}
        for full in self.calls:
            by_last.setdefault(full.rsplit(".", 1)[-1], full)
        last = name.rsplit(".", 1)[-1]
        return did_you_mean(name, [*self.calls, *variables], cutoff=0.85) or did_you_mean(
            last, [*by_last, *variables], cutoff=0.8, meant=by_last | {name: name for name in variables}
        )


@cache
def native(framework: str) -> Native:
    """The list of what native code of a framework may use."""
    data = json.loads((Path(__file__).parent / "native" / f"{framework}.json").read_text(encoding="utf-8"))
    return Native(
        framework=framework,
        calls=data["calls"],
        methods=data["methods"],
        values=frozenset(data["values"]),
        properties=frozenset(data["properties"]),
        prefixes=data["prefixes"],
        bare=tuple(data["bare"]),
    )


def check_native(tree: ast.expr, framework: str, variables: set[str], *, given: int = 0) -> list[Complaint]:
    """Everything in a native expression that a scenario may not use: names, attributes, arguments.

    `given` counts leading arguments of the outermost call that tfpt passes itself.
    """
    checker = _Checker(framework, variables)
    checker.visit(tree, given)
    return checker.complaints


def with_full_names(tree: ast.expr, framework: str, variables: set[str]) -> ast.expr:
    """The tree with bare class names (`Dense`) written out, so that it runs with the usual imports alone."""
    table = native(framework)

    class Rename(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            full = table.canonical(node.id)
            if node.id in variables or full == node.id or full not in table.calls:
                return node
            return ast.parse(full, mode="eval").body

    renamed: ast.expr = Rename().visit(tree)
    return renamed


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
                for child in ast.iter_child_nodes(node):
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
        label = LABELS[table.framework]
        if root in ROOTS[OTHER[table.framework]] and root not in ROOTS[table.framework]:
            self.complain(node, f"'{full}' belongs to {LABELS[OTHER[table.framework]]}, but this is the {label} side")
        elif "." not in full and root in ROOTS[table.framework]:
            self.complain(node, f"'{full}' is a module; name a function in it")
        elif "." not in full:
            hint = table.nearest(full, self.variables)
            given = f" (given here: {', '.join(sorted(self.variables))})" if self.variables and not hint else ""
            self.complain(node, f"unknown name '{full}'{hint}{given}")
        else:
            hint = table.nearest(canonical)
            self.complain(node, f"'{full}' is not among the {label} calls that a scenario may make{hint}")
        return False

    def call(self, node: ast.Call, given: int) -> None:
        full = dotted(node.func)
        root = full.split(".")[0]
        if full and root not in self.variables:
            if self.known(node.func, full):
                canonical = self.table.canonical(full)
                if canonical in self.table.values:
                    self.complain(node, f"'{full}' is not a function")
                elif canonical.startswith("nn.init.") and canonical.endswith("_") and not given:
                    self.complain(node, f"'{full}' writes into its tensor; it can only fill a parameter of init")
                else:
                    _, _, complaints = bind_any(full, self.table.calls[canonical], node, given=given)
                    self.complaints += complaints
        elif isinstance(node.func, ast.Attribute):
            self.method(node, node.func)
        elif isinstance(node.func, ast.Call) and self.is_class(node.func):
            self.visit(node.func)
        else:
            self.complain(node, "only functions, tensor methods and layers can be called in a scenario")
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.visit(argument)

    def is_class(self, call: ast.Call) -> bool:
        return called_name(call).rsplit(".", 1)[-1][:1].isupper()

    def method(self, node: ast.Call, function: ast.Attribute) -> None:
        self.visit(function.value)
        name = function.attr
        if name not in self.table.methods:
            label = LABELS[self.table.framework]
            known = did_you_mean(name, list(self.table.methods))
            self.complain(
                node, f"'.{name}()' is not among the methods of {label} tensors that a scenario may call{known}"
            )
            return
        _, _, complaints = bind_any(f".{name}", self.table.methods[name], node)
        self.complaints += complaints


# Arguments that change neither what is drawn nor what a layer holds.
_ASIDE = frozenset({"seed", "generator", "name", "dtype", "device"})
# Arguments by which a layer holds weights that no row knows.
_MORE = frozenset({"add_bias_kv", "proj_size", "lora_rank", "use_gate", "quantization_config", "tie_weights"})


def settings_of(
    template: ast.expr, call: ast.Call, framework: str, *, given: int = 0, exact: bool = False
) -> dict[str, ast.expr] | None:
    """The settings of a row that a native call means, by the row's template; None where the call is another function.

    `settings_of(<nn.Linear(in_features, out_features, bias=bias)>, <nn.Linear(3, 4)>, "torch")` gives the trees of
    `{"in_features": 3, "out_features": 4, "bias": True}`, the last one from the signature of `nn.Linear`. A constant in
    the template must stand in the call too. With `exact`, the call may say nothing that the template does not.
    """
    table = native(framework)
    name = table.canonical(called_name(call))
    if not isinstance(template, ast.Call) or name != table.canonical(called_name(template)) or name not in table.calls:
        return None
    # Of a function's overloads only those count that the template fits: `torch.max(x)` is not `torch.max(x, dim=axis)`.
    fitting = [text for text in table.calls[name] if not parse_signature(text).bind(name, template)[1]]
    signature, bound, complaints = bind_any(name, fitting or table.calls[name], call, given=given)
    variadic = any(p.kind == "args" for p in signature.parameters)
    pattern, _ = signature.bind(name, template)
    if complaints:
        return None
    # A dtype changes what is computed: of complex numbers, say, the real parts.
    aside = _ASIDE - {"dtype"} if exact else _ASIDE
    if exact and any(not _is_default(signature, key, bound[key]) for key in set(bound) - set(pattern) - aside):
        return None
    if any(not _off(bound[name]) for name in _MORE & set(bound)):
        return None
    defaults = {p.name: p.default for p in parse_signature(signature.text).parameters}
    settings: dict[str, ast.expr] = {}
    pairs = [(expression, bound.get(parameter, defaults.get(parameter))) for parameter, expression in pattern.items()]
    if variadic:
        if len(call.args) != len(template.args):
            return None
        pairs += list(zip(template.args, call.args, strict=True))
    return settings if all(_matches(*pair, framework, exact, settings) for pair in pairs) else None


def _is_default(signature: Signature, name: str, tree: ast.expr) -> bool:
    """Whether an argument says what the function would do without it."""
    defaults = [p.default for p in signature.parameters if p.name == name and p.default is not None]
    return bool(defaults) and ast.unparse(defaults[0]) == ast.unparse(tree)


def _off(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and not tree.value


def _matches(
    expression: ast.expr, value: ast.expr | None, framework: str, exact: bool, settings: dict[str, ast.expr]
) -> bool:
    """Whether a part of a call is what a part of a template says; notes the settings that it gives."""
    match expression, value:
        case _, None:
            return True
        case ast.Name(id=name), _ if name in settings:
            return ast.unparse(settings[name]) == ast.unparse(value)
        case ast.Name(id=name), _:
            settings[name] = value
            return True
        case ((ast.Constant() | ast.UnaryOp()), _):
            return ast.unparse(expression) == ast.unparse(value)
        case ast.Call(), ast.Call():
            inner = settings_of(expression, value, framework, exact=exact)
            return inner is not None and all(
                _matches(ast.Name(k), v, framework, exact, settings) for k, v in inner.items()
            )
        case ast.Call(), _:
            return False
        case ast.IfExp(test=ast.Name(id=flag), body=body, orelse=orelse), _ if flag not in settings:
            for choice, branch in ((True, body), (False, orelse)):
                if _matches(branch, value, framework, exact, settings):
                    # A branch may name the setting itself: `correction if correction else 0`.
                    settings.setdefault(flag, ast.Constant(choice))
                    return True
            return False
        case ((ast.List(elts=items) | ast.Tuple(elts=items)), (ast.List(elts=values) | ast.Tuple(elts=values))):
            return len(items) == len(values) and all(
                _matches(*pair, framework, exact, settings) for pair in zip(items, values, strict=True)
            )
        case ast.Subscript(value=whole, slice=wanted), ast.Subscript(value=given, slice=taken):
            alike = ast.unparse(wanted) == ast.unparse(taken)
            return alike and _matches(whole, given, framework, exact, settings)
    # What is computed from settings cannot be read back; a layer's shapes will show whether it fits.
    return not exact
