"""Neutral expressions: what they mean (names, arguments, shapes), and how they are written in a framework.

Both walk the same tree with the dictionary's rows beside it; a framework enters only through a row's spelling and
through `_CONSTANT_ARRAY`, the way it writes a constant array.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.rows import Operation, dictionary
from tfpt_cli.dictionary.shapes import RULES, Shape, ShapeError, show
from tfpt_cli.scenario.expression import (
    COMPARISONS,
    CONSTANTS,
    OPERATORS,
    BadConstant,
    Complaint,
    NotConstant,
    bad_constants,
    constant,
    is_constant,
    literal,
    offset,
)
from tfpt_cli.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.dictionary.signature import Signature

_CONSTANT_ARRAY = {
    "torch": "torch.tensor({value}, dtype=torch.{dtype})",
    "tensorflow": "tf.constant({value}, dtype=tf.{dtype})",
}


def shape_of(tree: ast.expr, inputs: Mapping[str, Shape | None]) -> tuple[Shape | None, list[Complaint]]:
    """The shape of a neutral expression (None where it is not known), and everything that is wrong in it.

    `inputs` are the names it may use, with their shapes.
    """
    checker = _Checker(inputs)
    shape = checker.array(tree)
    return shape, checker.complaints + list(bad_constants(tree))


def nested_shape(items: Any) -> Shape:
    """The shape of nested lists of numbers. Raises `ShapeError` for ragged ones and for what is not a number."""
    if not isinstance(items, (list, tuple)):
        if isinstance(items, bool) or not isinstance(items, (int, float)):
            raise ShapeError(f"{items!r} is not a number")
        return ()
    shapes = [nested_shape(item) for item in items]
    if len(set(shapes)) > 1:
        different = next(shape for shape in shapes if shape != shapes[0])
        raise ShapeError(f"ragged: rows of shapes {show(shapes[0])} and {show(different)}")
    return (len(items), *(shapes[0] if shapes else ()))


class _Checker:
    def __init__(self, inputs: Mapping[str, Shape | None]) -> None:
        self.inputs = inputs
        self.complaints: list[Complaint] = []

    def complain(self, node: ast.AST, message: str) -> None:
        self.complaints.append(Complaint(offset(node), message))

    def array(self, node: ast.expr) -> Shape | None:
        match node:
            case ast.Constant(value=value):
                if isinstance(value, str) or value is None or value is ...:
                    self.complain(node, f"{value!r} is not a number")
                return ()
            case ast.Name(id=name):
                return self.name(node, name)
            case ast.UnaryOp(operand=operand):
                return self.array(operand)
            case ast.BinOp(left=left, op=op, right=right):
                return self.operator(node, OPERATORS[type(op)], left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.operator(node, COMPARISONS[type(op)], left, right)
            case ast.Subscript(value=value, slice=index):
                return self.index(node, self.array(value), index)
            case ast.Call():
                return self.call(node)
            case ast.List() | ast.Tuple():
                try:
                    return nested_shape(constant(node))
                except (NotConstant, BadConstant):
                    self.complain(
                        node, "a list may hold numbers only; put arrays together with stack([...]) or concat([...])"
                    )
                except ShapeError as error:
                    self.complain(node, str(error))
            case ast.Attribute() if is_constant(node):
                return ()  # a .nan or .inf of the matrix
            case ast.Attribute(value=value, attr=attribute):
                self.attribute(node, value, attribute)
        return None

    def name(self, node: ast.AST, name: str) -> Shape | None:
        if name in self.inputs:
            return self.inputs[name]
        if name in CONSTANTS:
            return ()
        if name in dictionary().operations:
            self.complain(node, f"'{name}' is an operation: call it, '{name}(...)'")
            return None
        hint = did_you_mean(name, self.inputs)
        given = f" (given under 'at': {', '.join(self.inputs)})" if self.inputs and not hint else ""
        self.complain(node, f"unknown name '{name}'{hint}{given}")
        return None

    def attribute(self, node: ast.AST, value: ast.expr, attribute: str) -> None:
        if isinstance(value, ast.Name) and value.id not in self.inputs:
            hint = f"; '{attribute}' alone is the neutral name" if attribute in dictionary().operations else ""
            self.complain(
                node, f"'{value.id}.{attribute}' is native code, which goes under 'torch' or 'tensorflow'{hint}"
            )
        else:
            self.array(value)
            self.complain(
                node, f"a neutral expression has no attributes: '.{attribute}' goes under 'torch' or 'tensorflow'"
            )

    def operator(self, node: ast.expr, symbol: str, left: ast.expr, right: ast.expr) -> Shape | None:
        return self.result(node, dictionary().operators[symbol], [self.array(left), self.array(right)], {})

    def result(self, node: ast.expr, row: Operation, arrays: list[Any], settings: dict[str, Any]) -> Shape | None:
        try:
            return RULES[row.shape](arrays, settings)
        except ShapeError as error:
            self.complain(node, f"{error} in '{ast.unparse(node)}'")
            return None

    def call(self, node: ast.Call) -> Shape | None:
        if not isinstance(node.func, ast.Name):
            if isinstance(node.func, ast.Attribute):
                self.attribute(node.func, node.func.value, node.func.attr)
            else:
                self.complain(node, "only operations can be called")
            return None
        name = node.func.id
        row = dictionary().operations.get(name)
        if row is None:
            self.complain(node, unknown("operation", name))
            return None
        bound, complaints = row.signature.bind(name, node)
        self.complaints += complaints
        arrays = [self.argument(key, bound[key]) for key in row.signature.arrays if key in bound]
        settings, wrong = row.signature.values(name, bound)
        self.complaints += wrong
        if complaints or wrong:
            return None
        return self.result(node, row, arrays, settings)

    def argument(self, name: str, node: ast.expr) -> Any:
        if name != "arrays":
            return self.array(node)
        if isinstance(node, (ast.List, ast.Tuple)) and node.elts:
            return [self.array(item) for item in node.elts]
        self.complain(node, "a list of arrays is needed here, such as [x, y]")
        return None

    def index(self, node: ast.expr, shape: Shape | None, index: ast.expr) -> Shape | None:
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        keys: list[Any] = []
        for part in parts:
            try:
                keys.append(_key(part))
            except (NotConstant, BadConstant):
                self.complain(part, "an index must be whole numbers and slices")
                return None
        if shape is None:
            return None
        try:
            return _indexed(shape, keys)
        except ShapeError as error:
            self.complain(node, f"{error} in '{ast.unparse(node)}'")
            return None


def _key(part: ast.expr) -> Any:
    if isinstance(part, ast.Slice):
        return slice(*(None if limit is None else _whole(limit) for limit in (part.lower, part.upper, part.step)))
    if isinstance(part, ast.Constant) and part.value in (..., None):
        return part.value
    return _whole(part)


def _whole(node: ast.expr) -> int:
    value = constant(node)
    if isinstance(value, bool) or not isinstance(value, int):
        raise NotConstant(node)
    return value


def _indexed(shape: Shape, keys: list[Any]) -> Shape:
    taken = sum(key is not None and key is not ... for key in keys)
    if taken > len(shape) or keys.count(...) > 1:
        raise ShapeError(f"too many indices for an array of shape {show(shape)}")
    if ... not in keys:
        keys = [*keys, ...]
    result: list[int] = []
    sizes = list(shape)
    for key in keys:
        if key is ...:
            fill = len(shape) - taken
            result += sizes[:fill]
            del sizes[:fill]
        elif key is None:
            result.append(1)
        elif isinstance(key, slice):
            if key.step == 0:
                raise ShapeError("a slice cannot have the step 0")
            result.append(len(range(*key.indices(sizes.pop(0)))))
        else:
            size = sizes.pop(0)
            if not -size <= key < size:
                raise ShapeError(f"index {key} is out of range for an axis of {size}")
    return tuple(result)


def unknown(kind: str, name: str) -> str:
    """`unknown layer 'Denze', did you mean 'linear'?`: the complaint about a name that has no row."""
    names = dictionary().other_names(f"{kind}s")
    if name in names and names[name] != name:
        return f"unknown {kind} '{name}': it is '{names[name]}' here"
    hint = did_you_mean(name, names)
    there = getattr(dictionary(), f"{kind}s")
    rows = sorted(row for row in set(names.values()) if not getattr(there[row], "alone", ""))
    known = f" (known: {', '.join(rows)})" if not hint and len(rows) <= 40 else ""
    return f"unknown {kind} '{name}'{hint}{known}"


def written(tree: ast.expr, framework: str, dtype: str) -> str:
    """A checked neutral expression as source text of a framework."""
    return ast.unparse(_Writer(framework, dtype).array(tree))


def filled(
    template: ast.expr,
    signature: Signature,
    given: set[str],
    settings: Mapping[str, Any],
    arrays: Mapping[str, ast.expr],
) -> ast.expr:
    """A row's spelling with its parameters put in.

    Trailing settings that were not `given` and are off (None or False) are not written.
    """
    left_out = set()
    for parameter in reversed(signature.parameters):
        if parameter.kind != "setting" or parameter.name in given:
            break
        if settings.get(parameter.name) not in (None, False):
            break
        left_out.add(parameter.name)
    values = {name: literal(value) for name, value in settings.items()} | dict(arrays)
    written_out: ast.expr = _Filler(values, left_out).visit(ast.parse(ast.unparse(template), mode="eval").body)
    return written_out


class _Filler(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, ast.expr], left_out: set[str]) -> None:
        self.values = values
        self.left_out = left_out

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.values.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.keywords = [
            k for k in node.keywords if not (isinstance(k.value, ast.Name) and k.value.id in self.left_out)
        ]
        return self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return node.body if constant(node.test) else node.orelse


class _Writer:
    def __init__(self, framework: str, dtype: str) -> None:
        self.framework = framework
        self.dtype = dtype

    def array(self, node: ast.expr) -> ast.expr:
        """The tree of an array, or of a constant that stands beside one."""
        match node:
            case ast.Name(id=name) if name in CONSTANTS and not hasattr(node, "input"):
                return ast.Attribute(ast.Name("math", ast.Load()), name, ast.Load())
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op, self.array(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return self.operator(OPERATORS[type(op)], left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.operator(COMPARISONS[type(op)], left, right)
            case ast.Subscript(value=value, slice=index):
                return ast.Subscript(self.array(value), index, ast.Load())
            case ast.Call(func=ast.Name(id=name)):
                return self.call(node, dictionary().operations[name])
        return node

    def operator(self, symbol: str, left: ast.expr, right: ast.expr) -> ast.expr:
        row = dictionary().operators[symbol]
        x1, x2 = (self.array(side) for side in (left, right))
        if isinstance(row.spelling[self.framework], ast.Call):
            x1, x2 = self.as_array(left, x1), self.as_array(right, x2)
        return filled(row.spelling[self.framework], row.signature, set(), {}, {"x1": x1, "x2": x2})

    def call(self, node: ast.Call, row: Operation) -> ast.expr:
        bound, _ = row.signature.bind(row.name, node)
        settings, _ = row.signature.values(row.name, bound)
        arrays: dict[str, ast.expr] = {}
        for name in row.signature.arrays:
            argument = bound[name]
            if name == "arrays" and isinstance(argument, (ast.List, ast.Tuple)):
                arrays[name] = ast.List([self.as_array(item, self.array(item)) for item in argument.elts], ast.Load())
            else:
                arrays[name] = self.as_array(argument, self.array(argument))
        return filled(row.spelling[self.framework], row.signature, set(bound), settings, arrays)

    def as_array(self, original: ast.expr, lowered: ast.expr) -> ast.expr:
        """A constant made an array of the scenario's dtype, because functions of arrays do not all take numbers."""
        if not is_constant(original):
            return lowered
        value = ast.unparse(literal(constant(original)))
        return ast.parse(_CONSTANT_ARRAY[self.framework].format(value=value, dtype=self.dtype), mode="eval").body
