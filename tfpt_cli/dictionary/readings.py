"""Further native spellings of what the rows know, and the neutral expression that each means: `readings.yaml`."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.dictionary.native import native
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.templates import fill
from tfpt_cli.language.trees import called_name

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def readings(framework: str) -> Mapping[str, list[tuple[ast.Call, ast.expr]]]:
    """The other spellings of what the rows know, by `reading_name` of the call, each with its neutral meaning."""
    parts = {name: _parts(name, body) for name, body in rows_of("readings")["meanings"].items()}
    short = {name: (parameters, body) for name, parameters, body in parts.values()}
    found: dict[str, list[tuple[ast.Call, ast.expr]]] = {}
    for written, meaning in rows_of("readings")[framework].items():
        template: ast.expr = ast.parse(written, mode="eval").body
        part = ""
        if isinstance(template, ast.Subscript):  # of several arrays that a call gives
            part = f"[{ast.unparse(template.slice)}]"
            template = template.value
        assert isinstance(template, ast.Call)
        root = written.split(".")[0]
        if isinstance(template.func, ast.Attribute) and root not in FRAMEWORKS[framework].roots:
            template = as_method(template)
        whole = _Expanded(short).visit(ast.parse(meaning, mode="eval").body)
        found.setdefault(reading_name(template, framework) + part, []).append((template, whole))
    return found


@cache
def same(framework: str) -> Mapping[str, str]:
    """Calls that mean another call with the same arguments: `{"torch.absolute": "torch.abs", "nn.ReLU()": "F.relu", ...}`.

    An object of a class, whose name ends in `()`, means a function that takes its settings by name.
    """
    found: dict[str, str] = rows_of("readings")["same"][framework]
    return found


@cache
def without_row(framework: str) -> frozenset[str]:
    """The calls that are a row's own spelling for some arguments only, so that they are read by `readings` alone."""
    return frozenset(rows_of("readings")["without_row"][framework])


def takes_by_index() -> list[str]:
    """The frameworks in which a list or an array of whole numbers as an index takes entries along an axis: `x[[0, 2]]`."""
    found: list[str] = rows_of("readings")["takes_by_index"]
    return found


def as_method(call: ast.Call) -> ast.Call:
    """The call of a method as a call with the array as the first argument of a name that only methods have: `_.view(x, 3)`.

    >>> ast.unparse(as_method(ast.parse("(x + 1).view(3)", mode="eval").body))
    '_.view(x + 1, 3)'
    """
    assert isinstance(call.func, ast.Attribute)
    name = ast.Attribute(ast.Name("_", ast.Load()), call.func.attr, ast.Load())
    return ast.Call(name, [call.func.value, *call.args], call.keywords)


def reading_name(call: ast.Call, framework: str) -> str:
    """The name under which `readings` has the spellings of a call; that of an object of a class ends in `()`.

    >>> reading_name(ast.parse("nn.Softmax(dim=1)(x)", mode="eval").body, "torch")
    'nn.Softmax()'
    """
    layer, mode = in_mode(call)
    return native(framework).canonical(called_name(layer or call)) + ("()" + mode if layer is not None else "")


def in_mode(call: ast.Call) -> tuple[ast.Call | None, str]:
    """The layer that a call calls, None where it calls none, and `.eval()` where that is how it computes.

    >>> layer, mode = in_mode(ast.parse("nn.Dropout(0.5).eval()(x)", mode="eval").body)
    >>> ast.unparse(layer), mode
    ('nn.Dropout(0.5)', '.eval()')
    """
    match call.func:
        case ast.Call(func=ast.Attribute(value=ast.Call() as layer, attr="eval" | "train" as mode), args=args):
            off = mode == "eval" or [ast.unparse(argument) for argument in args] == ["False"]
            return layer, ".eval()" if off else ""
        case ast.Call() as layer:
            return layer, ""
    return None, ""


def _parts(written: str, body: str) -> tuple[str, list[str], ast.expr]:
    """The name, the parameters and the tree of an entry of `meanings`, which other meanings may call."""
    call = ast.parse(written, mode="eval").body
    assert isinstance(call, ast.Call)
    return called_name(call), [ast.unparse(argument) for argument in call.args], ast.parse(body, mode="eval").body


class _Expanded(ast.NodeTransformer):
    """Puts what an entry of `meanings` says in the place of its name."""

    def __init__(self, short: Mapping[str, tuple[list[str], ast.expr]]) -> None:
        self.short = short

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if (name := called_name(node)) not in self.short:
            return node
        parameters, body = self.short[name]
        whole: ast.AST = self.visit(fill(body, dict(zip(parameters, node.args, strict=True))))
        return whole
