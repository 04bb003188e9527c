"""Neutral expressions: what they mean. Names, arguments and shapes are checked before a framework starts.

`tfpt_cli.expressions.lowering` writes them out; both walk the same tree with the dictionary's rows beside it.
"""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.dictionary.typed import constant_name, neutral_name, refusal
from tfpt_cli.language.constants import CONSTANTS, BadConstant, NotConstant, bad_constants, constant, is_constant
from tfpt_cli.language.expression import COMPARISONS, OPERATORS, Complaining, Complaint
from tfpt_cli.language.kinds import ARRAY_KINDS
from tfpt_cli.language.mentions import field, typed
from tfpt_cli.language.shapes import RULES, Shape, ShapeError, show
from tfpt_cli.language.suggest import MOST_HINTS, did_you_mean
from tfpt_cli.language.trees import called_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.dictionary.records import Operation
    from tfpt_cli.language.signature import Parameter

# The shape of what a call gives: of several arrays a list, None where it is not known.
Result = Shape | list[Shape | None] | None

# The attributes of the array API standard, and the operation that each means.
ATTRIBUTES = {"T": "matrix_transpose", "mT": "matrix_transpose"}


def shape_of(
    tree: ast.expr,
    inputs: Mapping[str, Shape | None],
    kinds: Mapping[str, str] | None = None,
    *,
    hints: int = MOST_HINTS,
) -> tuple[Shape | None, list[Complaint]]:
    """The shape of a neutral expression (None where it is not known), and a complaint for everything that is wrong in it.

    `inputs` are the names it may use, with their shapes; `kinds` says which of them are `integers` or `booleans`, or
    may be `any`. Of so many complaints as `hints` the nearest name is looked for, which takes longer than all else.

    >>> shape_of(ast.parse("sum(x @ w, axis=0)", mode="eval").body, {"x": (2, 3), "w": (3, 4)})
    ((4,), [])
    >>> shape_of(ast.parse("relu(x, 2)", mode="eval").body, {"x": (2, 3)})[1][0].message
    'relu takes 1 argument, got 2 (relu(x, /))'
    """
    checker = _Checker(inputs, kinds or {}, hints)
    shape = checker.array(tree)
    return shape, checker.complaints + list(bad_constants(tree))


def nested_shape(items: Any) -> Shape:
    """The shape of nested lists of numbers. Raises `ShapeError` for ragged ones and for what is not a number."""
    if not isinstance(items, (list, tuple)):
        if not isinstance(items, (int, float, complex)):
            raise ShapeError(f"{items!r} is not a number")
        return ()
    shapes = [nested_shape(item) for item in items]
    if len(set(shapes)) > 1:
        different = next(shape for shape in shapes if shape != shapes[0])
        raise ShapeError(f"ragged: rows of shapes {show(shapes[0])} and {show(different)}")
    return (len(items), *(shapes[0] if shapes else ()))


class _Checker(Complaining):
    def __init__(self, inputs: Mapping[str, Shape | None], kinds: Mapping[str, str], hints: int) -> None:
        super().__init__(hints)
        self.inputs = inputs
        self.kinds = kinds

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
                results = self.call(value) if isinstance(value, ast.Call) else self.array(value)
                return (
                    self.part(node, results, index) if isinstance(results, list) else self.index(node, results, index)
                )
            case ast.Call():
                return self.only(node, self.call(node))
            case ast.List() | ast.Tuple():
                return self.listed(node)
            case ast.Attribute(value=value, attr=attribute):
                return self.attribute(node, value, attribute)
        return None

    def only(self, node: ast.Call, results: Result) -> Shape | None:
        """The shape of what a call gives, after complaining where that is not one array."""
        if not isinstance(results, list):
            return results
        name = ast.unparse(node.func)
        self.complain(node, f"{name} gives {len(results)} arrays: take one of them, {name}(...)[0]")
        return None

    def listed(self, node: ast.expr) -> Shape | None:
        """The shape of a list of numbers."""
        try:
            return nested_shape(constant(node))
        except (NotConstant, BadConstant):
            self.complain(node, "a list may hold numbers only; put arrays together with stack([...]) or concat([...])")
        except ShapeError as error:
            self.complain(node, str(error))
        return None

    def transposed(self, node: ast.expr, shape: Shape | None, attribute: str) -> Shape | None:
        if shape is None:
            return None
        if len(shape) < 2 or (attribute == "T" and len(shape) > 2):
            other = "; .mT swaps the last two axes" if len(shape) > 2 else ""
            self.complain(
                node, f".{attribute} needs a matrix, '{ast.unparse(node)[:60]}' is of shape {show(shape)}{other}"
            )
            return None
        return (*shape[:-2], shape[-1], shape[-2])

    def part(self, node: ast.expr, results: list[Shape | None], index: ast.expr) -> Shape | None:
        """The shape of one result of a call that gives several."""
        try:
            return results[_whole(index)]
        except (NotConstant, BadConstant, IndexError):
            self.complain(node, f"there are {len(results)} results: index them with 0 to {len(results) - 1}")
            return None

    def name(self, node: ast.AST, name: str) -> Shape | None:
        if name in self.inputs:
            return self.inputs[name]
        if name in CONSTANTS:
            return ()
        if name in dictionary().operations:
            self.complain(node, f"'{name}' is an operation: call it, '{name}(...)'")
            return None
        written = constant_name(name)
        near = did_you_mean(name, self.inputs) if self.may_hint else ""
        hint = f", did you mean '{written}'?" if written else near
        place = f"{'by' if typed() else 'under'} {field('at')}"
        given = f" (given {place}: {', '.join(self.inputs)})" if self.inputs and not hint else ""
        self.complain(node, f"unknown name '{name}'{hint}{given}")
        return None

    def attribute(self, node: ast.expr, value: ast.expr, attribute: str) -> Shape | None:
        """The shape of `x.T` or `x.mT`; complains about every other name with a dot."""
        if is_constant(node):
            return ()  # a .nan or .inf of the matrix
        named = isinstance(value, ast.Name) and value.id not in self.inputs
        if attribute in ATTRIBUTES and not named:
            return self.transposed(node, self.array(value), attribute)
        elsewhere = "goes into tfpt diff --torch or --tensorflow" if typed() else "goes under 'torch' or 'tensorflow'"
        if named:
            neutral = neutral_name(attribute)
            hint = f"; '{neutral}' alone is the neutral name" if neutral else ""
            text = ast.unparse(node)
            self.complain(node, f"'{text}' is native code, which {elsewhere}{hint}")
            return None
        self.array(value)
        only = "a neutral expression has no attributes but .T and .mT"
        self.complain(node, f"{only}: '.{attribute}' {elsewhere}")
        return None

    def method(self, node: ast.Call, function: ast.Attribute) -> None:
        """Complains about a call with a dot: of a framework's function, or of a method."""
        neutral = neutral_name(function.attr)
        named = isinstance(function.value, ast.Name) and function.value.id not in self.inputs
        if named or not neutral:
            self.attribute(function, function.value, function.attr)
            return
        self.array(function.value)
        instead = ast.Call(ast.Name(neutral, ast.Load()), [function.value, *node.args], node.keywords)
        self.complain(node, f"a neutral expression has no methods; write {ast.unparse(instead)}")

    def operator(self, node: ast.expr, symbol: str, left: ast.expr, right: ast.expr) -> Shape | None:
        result = self.result(node, dictionary().operators[symbol], [self.array(left), self.array(right)], {})
        assert not isinstance(result, list)
        return result

    def result(self, node: ast.expr, row: Operation, arrays: list[Any], settings: dict[str, Any]) -> Result:
        try:
            _enough_axes(row, arrays)
            return RULES[row.shape](arrays, settings)
        except ShapeError as error:
            self.complain(node, f"{error} in '{ast.unparse(node)}'")
            return None

    def call(self, node: ast.Call) -> Result:
        if not isinstance(node.func, ast.Name):
            if isinstance(node.func, ast.Attribute):
                self.method(node, node.func)
            else:
                made = called_name(node.func)
                neutral = neutral_name(made) or neutral_name(made.rsplit(".", 1)[-1].lower())
                instead = (
                    ast.unparse(ast.Call(ast.Name(neutral, ast.Load()), node.args, node.keywords)) if neutral else ""
                )
                self.complain(node, "only operations can be called" + (f"; write {instead}" if instead else ""))
            return None
        name = node.func.id
        row = dictionary().operations.get(name)
        if row is None and name in self.inputs:
            product = ast.unparse(ast.BinOp(node.func, ast.Mult(), node.args[0])) if len(node.args) == 1 else ""
            hint = f"; a product is {product[:60]}" if product else ""
            self.complain(node, f"'{name}' is an input, and cannot be called{hint}")
            return None
        if row is None:
            self.complain(node, unknown("operation", name) if self.may_hint else f"unknown operation '{name}'")
            return None
        bound, complaints = row.signature.bind(name, node)
        self.complaints += complaints
        arrays = [
            self.argument(name, p, bound[p.name])
            for p in row.signature.parameters
            if p.kind == "array" and p.name in bound
        ]
        settings, wrong = row.signature.values(name, bound)
        self.complaints += wrong
        if complaints or wrong:
            return None
        return self.result(node, row, arrays, settings)

    def argument(self, name: str, parameter: Parameter, node: ast.expr) -> Any:
        if parameter.name != "arrays":
            self.kind(name, parameter, node)
            return self.array(node)
        if isinstance(node, (ast.List, ast.Tuple)) and node.elts:
            return [self.array(item) for item in node.elts]
        self.complain(node, "a list of arrays is needed here, such as [x, y]")
        return None

    def kind(self, name: str, parameter: Parameter, node: ast.expr) -> None:
        """Complains about an input or a constant that cannot be the whole numbers or truth values that are needed."""
        wanted = parameter.annotation
        if wanted is None or (isinstance(node, ast.Name) and node.id not in self.inputs):
            return
        if isinstance(node, ast.Name) and self.kinds.get(node.id) not in (wanted, "any"):
            words = {"integers": "whole numbers", "booleans": "truth values"}[wanted]
            hint = f"say so with {field('dtypes', node.id, ARRAY_KINDS[wanted])}"
            self.complain(node, f"'{parameter.name}' of {name} must be {words}; {hint}")
        elif wanted == "integers" and is_constant(node) and not _all_whole(constant(node)):
            self.complain(node, f"'{parameter.name}' of {name} must be whole numbers, got {ast.unparse(node)[:60]}")

    def index(self, node: ast.expr, shape: Shape | None, index: ast.expr) -> Shape | None:
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        keys: list[Any] = []
        for part in parts:
            try:
                keys.append(_key(part))
            except (NotConstant, BadConstant):
                self.complain(part, "an index must be whole numbers and slices")
                return None
        for part, key in zip(parts, keys, strict=True):
            if isinstance(key, slice) and key.step is not None and key.step < 0:
                self.complain(part, "PyTorch has no slices with a negative step: write flip(x, axis=0)")
                return None
        if shape is None:
            return None
        try:
            return _indexed(shape, keys)
        except ShapeError as error:
            self.complain(node, f"{error} in '{ast.unparse(node)}'")
            return None


def _enough_axes(row: Operation, arrays: list[Any]) -> None:
    """Raises `ShapeError` for an array that has fewer or more axes than the row's spellings can take."""
    for name, shape in zip(row.signature.arrays, arrays, strict=False):
        least, most = row.axes.get(name, (0, math.inf))
        for one in shape if isinstance(shape, list) else [shape]:
            if one is None or least <= len(one) <= most:
                continue
            few = "at least " if len(one) < least < most else "at most " if least < most else ""
            count = least if len(one) < least else most
            words = "axis" if count == 1 else "axes"
            raise ShapeError(f"'{name}' of {row.name} needs {few}{count} {words}, got the shape {show(one)}")


def _all_whole(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_all_whole(item) for item in value)
    return isinstance(value, int) and not isinstance(value, bool)


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
    """The complaint about a name that has no row; `kind` is `operation`, `initializer`, `layer` or `array`.

    >>> unknown("layer", "Dense"), unknown("layer", "linaer")
    ("unknown layer 'Dense': it is 'linear' here", "unknown layer 'linaer', did you mean 'linear'?")
    """
    names = dictionary().other_names(f"{kind}s")
    last = name.rpartition(".")[2]
    if kind == "layer" and last != name and last in names:
        return f"unknown {kind} '{name}': it is '{names[last]}' here"
    if kind == "operation":
        names = names | {other: neutral for other in (name, name.lower()) if (neutral := neutral_name(other))}
        if why := refusal(name) if name not in names else "":
            return why
    if name in names and names[name] != name:
        return f"unknown {kind} '{name}': it is '{names[name]}' here"
    if hint := did_you_mean(name, names, meant=names):
        return f"unknown {kind} '{name}'{hint}"
    if kind == "layer" and last != name:
        return (
            f"unknown {kind} '{name}': none here is its like; write what each framework has for it, under 'torch' and"
            " 'tensorflow' (`tfpt new --kind model` writes such a scenario)"
        )
    there = getattr(dictionary(), f"{kind}s")
    rows = sorted(row for row in set(names.values()) if not getattr(there[row], "alone", ""))
    known = f"known: {', '.join(rows)}" if len(rows) <= 40 else f"`tfpt list {kind}s` shows those there are"
    return f"unknown {kind} '{name}' ({known})"
