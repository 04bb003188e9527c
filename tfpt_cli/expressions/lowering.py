"""Neutral expressions written out as source text: for a framework, for the NumPy reference, and for 50 digits.

The tree has been checked by `tfpt_cli.expressions.checking`. A side enters only through the rows' spellings and through
the way it writes a constant array.
"""

from __future__ import annotations

import ast
import itertools
import math
import struct
from functools import cache
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.formulas import is_formula, names_in, value_of
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.expressions.checking import ATTRIBUTES
from tfpt_cli.frameworks import FRAMEWORKS, NUMPY
from tfpt_cli.language.constants import CONSTANTS, constant, is_constant, literal
from tfpt_cli.language.expression import COMPARISONS, OPERATORS, Complaint
from tfpt_cli.language.kinds import ARRAY_KINDS
from tfpt_cli.language.templates import fill
from tfpt_cli.language.trees import branches, nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tfpt_cli.dictionary.records import Operation
    from tfpt_cli.language.signature import Signature

# How the reference writes a constant array, in float64 and in digits.
_REFERENCE_ARRAY = {"numpy": NUMPY.array, "mpmath": "np.array({value}, dtype=object)"}
# The formulas that a row's spelling may use of its settings; what they come to is written in their place.
_FORMULAS = frozenset({"each", "both"})
# A spelling may name an argument several times: of calls within calls what is written grows by as much at each level.
MAX_PARTS = 100_000
# How many bits of a number's significand a dtype keeps, for the constants of the reference.
_SIGNIFICAND = {"float16": 11, "bfloat16": 8, "float32": 24, "complex64": 24}


def in_double(dtype: str) -> str:
    """The dtype of double precision for numbers of a dtype: `complex128` for a complex one, `float64` for any other."""
    return "complex128" if dtype.startswith("complex") else "float64"


def written(tree: ast.expr, framework: str, dtype: str) -> str:
    """A checked neutral expression as source text of a framework, in which constant arrays are of the given dtype.

    >>> tree = ast.parse("relu(x) ** 2", mode="eval").body
    >>> written(tree, "torch", "float32"), written(tree, "tensorflow", "float32")
    ('F.relu(x) ** 2', 'tf.nn.relu(x) ** 2')
    """
    return ast.unparse(_Writer(framework, dtype).array(tree))


def parts_written(tree: ast.expr, side: str) -> int:
    """How many parts a checked neutral expression has at most when it is written out for a framework, for `numpy` or `mpmath`.

    Counted without writing it, with the longest branch of each spelling, and for `numpy` with what is undecided.

    >>> square = ast.parse("square(square(square(x)))", mode="eval").body
    >>> parts_written(square, "torch"), parts_written(square, "mpmath") > 8
    (22, True)
    """
    match tree:
        case ast.UnaryOp(operand=part) | ast.Subscript(value=part):
            return 2 + parts_written(part, side)
        case ast.BinOp(left=left, op=op, right=right):
            row, parts = dictionary().operators[OPERATORS[type(op)]], [left, right]
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            row, parts = dictionary().operators[COMPARISONS[type(comparison)]], [left, right]
        case ast.Attribute(value=value, attr=attribute) if attribute in ATTRIBUTES and not is_constant(tree):
            row, parts = dictionary().operations[ATTRIBUTES[attribute]], [value]
        case ast.Call(func=ast.Name(id=name)) if name in dictionary().operations:
            row = dictionary().operations[name]
            bound, _ = row.signature.bind(name, tree)
            parts = [bound[array] for array in row.signature.arrays if array in bound]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return 1 + sum(parts_written(item, side) for item in items)
        case _:
            return 1
    own, times = _times_named(row.name, side)
    return own + sum(
        times.get(array, 1) * parts_written(part, side)
        for array, part in zip(row.signature.arrays, parts, strict=False)
    )


def too_long(tree: ast.expr) -> list[Complaint]:
    """A complaint about a checked neutral expression that would have more than `MAX_PARTS` parts in a framework's code."""
    for framework in FRAMEWORKS.values():
        if (parts := parts_written(tree, framework.key)) > MAX_PARTS:
            size = f"{parts:,} parts" if parts < 10**12 else "more parts than any machine holds"
            words = f"written out for {framework.label} it has {size}, at most {MAX_PARTS:,} are allowed: calls that write their"
            return [
                Complaint(0, f"{words} argument several times stand within each other; name some of them under 'let'")
            ]
    return []


@cache
def _times_named(name: str, side: str) -> tuple[int, dict[str, int]]:
    """How many parts a row's spelling for a side has, and how often each array stands in it; with what is undecided in it."""
    rows = dictionary()
    row = rows.operations[name] if name in rows.operations else rows.operators[name]
    undecided = [
        tree for case in row.undecided if side == "numpy" for tree in (case.at, case.instead) if tree is not None
    ]
    most, times = 1, dict.fromkeys(row.signature.arrays, 1)
    for spelled in branches(row.spelling[side]) if side in row.spelling else ():
        parts = [node for tree in (spelled, *undecided) for node in nodes(tree)]
        named = [node.id for node in parts if isinstance(node, ast.Name)]
        again = max(named.count("value"), 1)  # what is undecided of a value may name the value itself several times
        most = max(most, len(parts))
        times = {array: max(times[array], named.count(array) * again) for array in times}
    return most, times


def written_for_reference(tree: ast.expr, dtype: str, held: Iterator[int], *, digits: bool = False) -> str | None:
    """A checked neutral expression as source text for the reference: NumPy in float64, or with `digits` mpmath.

    None where a row has no such spelling, or what is written would have more than `MAX_PARTS` parts.

    A constant that the checked dtype cannot hold is rounded to it, as the frameworks round it, so that the reference is
    asked about the same numbers. What is held by `stop_gradient` keeps the value of the first call, under a number of `held`.

    >>> written_for_reference(ast.parse("exp(x) + 0.5", mode="eval").body, "float32", itertools.count())
    'np.exp(x) + 0.5'
    """
    side = "mpmath" if digits else "numpy"
    if parts_written(tree, side) > MAX_PARTS:
        return None
    try:
        return ast.unparse(_Writer(side, dtype, held).array(tree))
    except KeyError:
        return None


def written_with_unknowns(
    tree: ast.expr, dtype: str, held: Iterator[int], unknown: str, *, derivative: bool = False
) -> str | None:
    """A checked neutral expression for the reference, in which what no source decides has the value named `unknown`.

    Wherever an operation is asked at arguments that its row calls undecided, the variable `unknown` stands instead of
    its value, or a value that is drawn by it. What the result is at several values of that variable tells which of its entries
    nobody decides: those that part. `derivative` counts what is undecided in derivatives alone too. None where no operation has
    such arguments.

    >>> written_with_unknowns(ast.parse("softsign(x)", mode="eval").body, "float32", itertools.count(), "_unknown")
    'np.where(np.isinf(x), _unknown, x / (1 + np.abs(x)))'
    """
    writer = _Writer("numpy", dtype, held, unknown, derivative=derivative)
    source = ast.unparse(writer.array(tree))
    return source if writer.marked else None


def filled(
    template: ast.expr,
    signature: Signature,
    given: set[str],
    settings: Mapping[str, Any],
    arrays: Mapping[str, ast.expr],
) -> ast.expr:
    """A row's spelling, as a tree, with its parameters put in.

    Trailing settings that are None, or were not `given` and are off (None or False), are not written.
    """
    left_out = set()
    for parameter in reversed(signature.parameters):
        value = settings.get(parameter.name)
        if parameter.kind != "setting" or (parameter.name in given and value is not None):
            break
        if value is not None and value is not False:  # 0 == False, and is no reason to leave an axis out
            break
        left_out.add(parameter.name)
    values = {name: literal(value) for name, value in settings.items()} | dict(arrays)
    names = {**settings, "math": math}

    def compute(node: ast.expr) -> ast.expr | None:
        return literal(value_of(node, names)) if is_formula(node, settings, _FORMULAS) else None

    computes = None if names_in(template).isdisjoint(_FORMULAS) else compute
    return fill(template, values, decide=lambda test: bool(value_of(test, names)), compute=computes, left_out=left_out)


class _Writer:
    def __init__(
        self, side: str, dtype: str, held: Iterator[int] | None = None, unknown: str = "", *, derivative: bool = False
    ) -> None:
        self.side, self.unknown, self.marked, self.derivative = side, unknown, False, derivative
        self.checked = dtype
        self.rounded = _SIGNIFICAND.get(dtype) if side in ("numpy", "mpmath") else None
        self.dtype = in_double(dtype) if side == "numpy" else dtype
        self.held = held or itertools.count()
        self.constant = _REFERENCE_ARRAY[side] if side in _REFERENCE_ARRAY else FRAMEWORKS[side].array

    def array(self, node: ast.expr) -> ast.expr:
        """The tree of an array, or of a constant that stands beside one."""
        match node:
            case ast.Name(id=name) if name in CONSTANTS and not hasattr(node, "input"):
                return ast.Attribute(ast.Name("math", ast.Load()), name, ast.Load())
            case ast.Constant(value=float() as value) if self.rounded:
                return ast.Constant(_rounded(value, self.rounded))
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op, self.array(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return self.operator(OPERATORS[type(op)], left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.operator(COMPARISONS[type(op)], left, right)
            case ast.Subscript(value=value, slice=index):
                return ast.Subscript(self.array(value), index, ast.Load())
            case ast.Attribute(value=value, attr=attribute) if attribute in ATTRIBUTES and not is_constant(node):
                row = dictionary().operations[ATTRIBUTES[attribute]]
                return self.filled(row, set(), {}, {row.signature.arrays[0]: self.array(value)})
            case ast.Call(func=ast.Name(id=name)):
                return self.call(node, dictionary().operations[name])
        return node

    def operator(self, symbol: str, left: ast.expr, right: ast.expr) -> ast.expr:
        row = dictionary().operators[symbol]
        x1, x2 = (self.array(side) for side in (left, right))
        if isinstance(row.spelling[self.side], (ast.Call, ast.IfExp)):
            x1, x2 = self.as_array(left, x1), self.as_array(right, x2)
        return self.filled(row, set(), {}, {"x1": x1, "x2": x2})

    def arguments(self, node: ast.Call, row: Operation) -> tuple[set[str], dict[str, Any], dict[str, ast.expr]]:
        """What a call gives its row: the names that it gives at all, its settings, and its arrays written out."""
        bound, _ = row.signature.bind(row.name, node)
        settings, _ = row.signature.values(row.name, bound)
        arrays: dict[str, ast.expr] = {}
        for parameter in row.signature.parameters:
            if parameter.kind != "array":
                continue
            argument, name = bound[parameter.name], parameter.name
            if name == "arrays" and isinstance(argument, (ast.List, ast.Tuple)):
                arrays[name] = ast.List([self.as_array(item, self.array(item)) for item in argument.elts], ast.Load())
            else:
                arrays[name] = self.as_array(argument, self.array(argument), parameter.annotation)
        return set(bound), settings, arrays

    def call(self, node: ast.Call, row: Operation) -> ast.expr:
        given, settings, arrays = self.arguments(node, row)
        if row.holds and self.side in ("numpy", "mpmath"):
            # A difference quotient moves the inputs; what is held must not move with them.
            held = ast.Attribute(ast.Name("_held", ast.Load()), "setdefault", ast.Load())
            return ast.Call(held, [ast.Constant(next(self.held)), *arrays.values()], [])
        if self.side in ("numpy", "mpmath"):
            # NumPy takes no list of axes, which both frameworks do.
            settings = {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()}
        return self.filled(row, given, settings, arrays)

    def filled(
        self, row: Operation, given: set[str], settings: dict[str, Any], arrays: dict[str, ast.expr]
    ) -> ast.expr:
        known = settings if "dtype" in settings else {**settings, "dtype": self.dtype}
        tree = filled(row.spelling[self.side], row.signature, given, known, arrays)
        for case in row.undecided if self.unknown else ():
            if case.derivative and not self.derivative:
                continue
            unknown = ast.Name(self.unknown, ast.Load())
            if case.at is not None:
                # The condition is evaluated with the same arguments as the spelling, which have no effects.
                condition = filled(case.at, row.signature, given, {"dtype": self.checked} | settings, arrays)
                where = ast.Attribute(ast.Name("np", ast.Load()), "where", ast.Load())
                tree = ast.Call(where, [condition, unknown, tree], [])
            elif case.instead is not None:
                tree = filled(case.instead, row.signature, given, known, arrays | {"value": tree, "unknown": unknown})
            self.marked = True
        return tree

    def as_array(self, original: ast.expr, lowered: ast.expr, annotation: str | None = None) -> ast.expr:
        """A constant made an array of the scenario's dtype, because functions of arrays do not all take numbers."""
        if not is_constant(original):
            return lowered
        value = constant(original)
        dtype = ARRAY_KINDS[annotation] if annotation else self.dtype
        value = value if annotation or not self.rounded else _rounded_all(value, self.rounded)
        text = ast.unparse(literal(value))
        return ast.parse(self.constant.format(value=text, dtype=dtype), mode="eval").body


def _rounded(value: float, bits: int) -> float:
    """A number rounded to so many bits, ties to even, as a coarser dtype holds it (within its range)."""
    if value == 0 or not math.isfinite(value):
        return value
    if bits == _SIGNIFICAND["float32"]:
        try:
            return float(struct.unpack("f", struct.pack("f", value))[0])
        except OverflowError:
            return math.copysign(math.inf, value)
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(math.ldexp(mantissa, bits)), exponent - bits)


def _rounded_all(value: Any, bits: int) -> Any:
    if isinstance(value, (list, tuple)):
        return [_rounded_all(item, bits) for item in value]
    return _rounded(value, bits) if isinstance(value, float) else value
