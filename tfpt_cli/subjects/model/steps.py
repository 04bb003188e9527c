"""The steps that two models make between their layers, and which of them mean the same in both."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.expressions.lifting import NoRow, lifted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.frameworks import Side

# What tensors are called in the text of a call.
TENSOR = re.compile(r"\b([xyzuvw]|x\d)\b")
# What gives something else where what it is given is in another order.
_JOINING = re.compile(r"(concat|stack)\(")
# Rows that compute one thing of what a step is given; what they are given has one shape here.
_ONE = {"bmm": "matmul"}
# Layers of Keras that are an operator between what they are given.
_OPERATORS = {
    "keras.layers.Add()(x)": "x + y",
    "keras.layers.Multiply()(x)": "x * y",
    "keras.layers.Subtract()(x)": "x - y",
}


@dataclass(frozen=True)
class Step:
    """What one side computes on the way to a layer, outside of all beside others: a layer alone, or a call of a function.

    `words` are how a person would write it, `F.gelu(x)`, and `code` is that as the known differences read it: empty where it is
    of a person's own and more than one call, or is not known.
    """

    words: str
    code: str = ""


def not_alike(steps: Mapping[Side, Sequence[Step]]) -> dict[Side, list[Step]]:
    """The steps of each side without those that the other one makes as often, by what the rows of the dictionary read in them.

    Which tensors a step is given is not looked at, so what puts them one behind another is not left out; what no row reads is
    never alike. Of `F.silu(x)` and `x * y` beside `keras.ops.gelu(x)` and `keras.ops.multiply(x1, x2)` the first of each is left.
    """
    meanings: dict[Side, list[object]] = {
        side: [meaning(step.code, side.framework) or (side, step) for step in found] for side, found in steps.items()
    }
    counts = [Counter(found) for found in meanings.values()]
    return {
        side: [
            step
            for step, meant in zip(steps[side], found, strict=True)
            if len({count[meant] for count in counts}) > 1 or _JOINING.match(str(meant))
        ]
        for side, found in meanings.items()
    }


def meaning(code: str, framework: str) -> str:
    """What a call means by the rows, whatever its tensors are called: one text for each meaning; empty where no row knows it.

    >>> meaning("x.sum(-1, keepdim=True)", "torch"), meaning("keras.ops.sum(x, axis=-1, keepdims=True)", "tensorflow")
    ('sum(a, axis=-1, keepdims=True)', 'sum(a, axis=-1, keepdims=True)')
    >>> meaning("F.gelu(x)", "torch"), meaning("keras.ops.gelu(x)", "tensorflow")
    ('gelu(a, approximate=False)', 'gelu(a, approximate=True)')
    >>> meaning("x ** 2", "torch"), meaning("keras.ops.square(x)", "tensorflow"), meaning("of_mine(x)", "torch")
    ('square(a)', 'square(a)', '')
    """
    try:
        tree = ast.parse(_OPERATORS.get(code, code), mode="eval").body
        tensors = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and TENSOR.fullmatch(node.id)}
        found = _Plain(tensors).visit(lifted(tree, framework, tensors))
    except (SyntaxError, NoRow):
        return ""
    return "" if isinstance(found, ast.Name) else ast.unparse(found)  # a dropout, which does nothing in evaluation


class _Plain(ast.NodeTransformer):
    """One spelling of what has several: tensors by the order in which they are named, powers, products, and whole numbers."""

    def __init__(self, tensors: set[str]) -> None:
        self.letters: dict[str, str] = {}
        self.tensors = tensors

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self.tensors:
            return node
        return ast.Name(self.letters.setdefault(node.id, chr(ord("a") + len(self.letters))))

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        left, right = self.visit(node.left), self.visit(node.right)
        match node.op, right:
            case ast.MatMult(), _:
                return ast.Call(ast.Name("matmul"), [left, right], [])
            case ast.Pow(), ast.Constant(2):
                return ast.Call(ast.Name("square"), [left], [])
        if isinstance(node.op, (ast.Add, ast.Mult)) and isinstance(left, (ast.Constant, ast.UnaryOp)):
            left, right = right, left
        return ast.BinOp(_as_float(left), node.op, _as_float(right))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        if isinstance(function, ast.Name):
            function = ast.Name(_ONE.get(function.id, function.id))
        keywords = [ast.keyword(each.arg, self.visit(_one_axis(each))) for each in node.keywords]
        return ast.Call(function, [self.visit(each) for each in node.args], keywords)


def _one_axis(keyword: ast.keyword) -> ast.expr:
    """What a keyword says, where a list of one axis is that axis."""
    match keyword:
        case ast.keyword("axis", ast.List([axis]) | ast.Tuple([axis])):
            return axis
    return keyword.value


def _as_float(node: ast.expr) -> ast.expr:
    """A whole number beside an operator as the other kind, `1 - x` and `1.0 - x` are one."""
    whole = isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 1 << 53
    return ast.Constant(float(node.value)) if whole else node  # type: ignore[attr-defined]
