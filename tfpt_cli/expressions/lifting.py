"""Native expressions read back through the dictionary: the neutral expression that a native one means."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.formulas import HELPERS, UNKNOWN, is_formula, value_of
from tfpt_cli.dictionary.native import by_text, native
from tfpt_cli.dictionary.readings import in_mode, reading_name, readings, takes_by_index, without_row
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.expressions.call_forms import arguments, forms, has_modes, moves_to_device, other_call
from tfpt_cli.expressions.checking import shape_of
from tfpt_cli.expressions.logic import logical_call
from tfpt_cli.expressions.numbers import all_whole, limit_of_dtype, of_numbers
from tfpt_cli.expressions.rows_of_calls import (
    fixed_settings,
    left_out,
    row_of_same_name,
    rows_by_call,
    settings_taken,
    taking_whole,
    with_stray_flag,
)
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.constants import BadConstant, NotConstant, constant, is_constant, literal, mark_inputs
from tfpt_cli.language.templates import fill
from tfpt_cli.language.trees import called_name, copied, dotted, more_than

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from tfpt_cli.dictionary.records import Operation
    from tfpt_cli.language.shapes import Shape


# A meaning may name an argument several times: of calls within calls it grows by as much at each level. So many parts it may
# have, and so many steps reading may take.
MAX_PARTS, MAX_VISITS = 10_000, 50_000


class NoRow(Exception):
    """Raised for native code that no row of the dictionary knows; the message is the call."""


def lifted(
    tree: ast.expr,
    framework: str,
    names: set[str],
    whole: Container[str] = (),
    shapes: Mapping[str, Shape | None] | None = None,
) -> ast.expr:
    """The neutral expression that a checked native one means, by the rows' spellings. Raises `NoRow`.

    `names` are the names of arrays, `whole` the names of arrays of whole numbers, of which a function may mean something else: to
    `F.cross_entropy` they are classes, not probabilities. `shapes` has the shapes of arrays as far as they are known.

    >>> ast.unparse(lifted(ast.parse("tf.nn.relu(x) + tf.reduce_sum(x, axis=0)", mode="eval").body, "tensorflow", {"x"}))
    'relu(x) + sum(x, axis=0, keepdims=False)'
    """
    lifter = _Lifter(framework, names, whole, shapes or {})
    try:
        result: ast.expr = _array(lifter.visit(lifter.copied(tree)))
    except RecursionError:  # a call may ask for the shape of its argument, whose calls ask for theirs, and so on
        raise NoRow(f"{_cut(ast.unparse(tree))}, nested too deeply to be read") from None
    return result


def holds_whole(tree: ast.expr, names: set[str], whole: Container[str]) -> bool:
    """Whether an expression uses arrays of whole numbers alone, and at least one."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names}
    return bool(used) and all(name in whole for name in used)


class _Lifter(ast.NodeTransformer):
    def __init__(
        self, framework: str, names: set[str], whole: Container[str], shapes: Mapping[str, Shape | None]
    ) -> None:
        self.framework, self.names, self.whole, self.shapes = framework, names, whole, shapes
        self.table = native(framework)
        self.visits = 0
        # The shapes of arguments by their code, None where one is not known: calls within calls ask for theirs at each level.
        self.known: dict[str, Shape | None] = {}
        # What those arguments mean, or why no row knows it: an argument is read for its shape, and then for itself.
        self.read: dict[str, ast.expr | NoRow] = {}

    def visit(self, node: ast.AST) -> Any:
        """The neutral tree of a native one. Raises `NoRow`, also where reading it takes too many steps."""
        self.visits += 1
        if self.visits > MAX_VISITS:
            raise NoRow(f"{_cut(ast.unparse(node))}, nested so that it is not read to its end")
        return super().visit(node)

    def copied(self, tree: ast.expr) -> ast.expr:
        """A copy of a native tree, in which the inputs are marked as such."""
        tree = copied(tree)
        mark_inputs(tree, self.names)
        return tree

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if self.read and (known := self.read.get(ast.unparse(node))) is not None:
            if isinstance(known, NoRow):
                raise known
            return self.copied(known)
        name = called_name(node)
        if name.startswith(("math.", "np.")) or name in ("float", "int"):
            return self.number(node, name)
        if name == "abs":
            return self.visit_Call(
                ast.Call(_tree(f"{FRAMEWORKS[self.framework].module}.abs"), node.args, node.keywords)
            )
        if given := by_text(node.func, self.framework):
            function: ast.expr = _tree(given)
            if given.rpartition(".")[2][0].isupper():
                function = ast.Call(function, [], [])
            return self.visit_Call(ast.Call(function, node.args, node.keywords))
        layer, mode = in_mode(node)
        if layer is not None and self.table.canonical(called_name(layer)) in _SEQUENTIALS and len(node.args) == 1:
            return self.one_after_another(layer, mode, node)
        if moves_to_device(node):
            assert isinstance(node.func, ast.Attribute)
            return self.visit(node.func.value)  # type: ignore[no-any-return]
        node = ast.Call(
            node.func,
            [self.dtype(argument) for argument in node.args],
            [ast.keyword(keyword.arg, self.dtype(keyword.value)) for keyword in node.keywords],
        )
        written = forms(node, self.framework, self.names)
        for call in written:
            no_row = self.table.canonical(called_name(call)) in without_row(self.framework)
            if (read := (None if no_row else self.row(call)) or self.reading(call)) is not None:
                return read
            if (other := other_call(call, self.framework)) is not None:
                return self.visit_Call(other)
        if (alike := self.same_name(called_name(written[0]), written[0])) is not None:
            return ast.Call(ast.Name(alike.name, ast.Load()), [self.visit(written[0].args[0])], [])
        if mode and layer is not None and not has_modes(layer):  # which computes the same in every mode
            return self.visit_Call(ast.Call(layer, node.args, node.keywords))
        raise NoRow(_cut(ast.unparse(node)))

    def dtype(self, tree: ast.expr) -> ast.expr:
        """The dtype of an input that is not of whole numbers, `x.dtype`, as that of real numbers; anything else as it is."""
        match tree:
            case ast.Attribute(value=ast.Name(id=name), attr="dtype") if name in self.names and name not in self.whole:
                return _tree(f"{FRAMEWORKS[self.framework].module}.float32")
        return tree

    def one_after_another(self, sequential: ast.Call, mode: str, call: ast.Call) -> ast.AST:
        """The neutral expression of a Sequential that is called: its layers, and functions, one after another."""
        listed = sequential.args[0] if len(sequential.args) == 1 else None
        layers = listed.elts if isinstance(listed, (ast.List, ast.Tuple)) else sequential.args
        result = call.args[0]
        for layer in layers:
            if mode and isinstance(layer, ast.Call):
                layer = ast.Call(ast.Attribute(layer, "eval", ast.Load()), [], [])
            keywords = call.keywords if "Dropout" in ast.unparse(layer) or "BatchNorm" in ast.unparse(layer) else []
            result = ast.Call(layer, [result], keywords)
        return self.visit(result)  # type: ignore[no-any-return]

    def number(self, node: ast.Call, name: str) -> ast.expr:
        """The numbers that a function of Python's or NumPy's gives for numbers."""
        module, _, function = name.rpartition(".")
        try:
            if module == "math":
                return literal(getattr(math, function)(*(constant(self.visit(argument)) for argument in node.args)))
            return literal(of_numbers(node))
        except (NotConstant, BadConstant, AttributeError, TypeError, ValueError, ArithmeticError, MemoryError):
            raise NoRow(_cut(ast.unparse(node))) from None

    def row(self, call: ast.Call) -> ast.AST | None:
        """The neutral call that a call means by a row's own spelling; None where none fits."""
        rows = rows_by_call(self.framework).get(self.table.canonical(called_name(call)), [])
        for row, spelled in rows:
            settings = settings_taken(row, spelled, call, self.framework)
            if settings is None:
                continue
            if any(self.is_no_whole(settings[n]) for n in taking_whole(row) & set(settings)):
                continue
            if any(not self.has_axes(settings[n], least, most) for n, (least, most) in row.axes.items()):
                continue  # of other arrays the function may be another: the classes of `F.cross_entropy` are its axis 1
            # A row of the same function that takes whole numbers there tells that they mean something of their own.
            apart = {n for other, _ in rows for n in taking_whole(other)} - taking_whole(row)
            if not any(self.is_whole(settings[n]) for n in apart & set(row.signature.arrays)):
                return self.neutral(row, spelled, settings)
        return None

    def has_axes(self, tree: ast.expr, least: float, most: float) -> bool:
        """Whether an argument, or each array of a list, may have so many axes; one of an unknown shape may."""
        if isinstance(tree, (ast.List, ast.Tuple)) and not is_constant(tree):
            return all(self.has_axes(each, least, most) for each in tree.elts)
        try:
            return least <= len(self.shape(tree)) <= most
        except ValueError:
            return True

    def is_no_whole(self, tree: ast.expr) -> bool:
        """Whether an argument is an input that is known, and is not of whole numbers."""
        return isinstance(tree, ast.Name) and self.shapes.get(tree.id) is not None and tree.id not in self.whole

    def is_whole(self, tree: ast.expr) -> bool:
        """Whether an expression is known to be of whole numbers."""
        if is_constant(tree):
            return all_whole(constant(tree))
        if isinstance(tree, ast.Call):
            name = tree.func.attr if isinstance(tree.func, ast.Attribute) else ""
            if name in _HOLDING and tree.args:
                return self.is_whole(tree.args[0])
            into = dotted(tree.args[-1]) if name in ("cast", "to") and tree.args else ""
            if name in _GIVE_WHOLE or into.endswith(("int64", "int32", "long")):
                return True
        return holds_whole(tree, self.names, self.whole)

    def reading(self, call: ast.Call, part: str = "") -> ast.AST | None:
        """The neutral expression that a call, or a `part` of what it gives, means by `readings.yaml`; None where none fits."""
        for template, meaning in readings(self.framework).get(reading_name(call, self.framework) + part, ()):
            given = arguments(template, call, self.framework)
            if given is None:
                continue
            decided = self.decided(meaning, given)
            holes = {node.id for node in ast.walk(template) if isinstance(node, ast.Name)}
            if decided is None or not (used := _named(decided) & holes) <= set(given) or "unread" in _named(decided):
                continue
            put: dict[str, ast.expr] = {key: self.visit(_settled(self.copied(given[key]))) for key in used}
            found = fill(decided, put)
            if more_than(MAX_PARTS, found):
                raise NoRow(f"{_cut(ast.unparse(call))}, nested so that what it means has no end")
            read = _Wrapped().visit(found)
            if not with_stray_flag(read):
                return read  # type: ignore[no-any-return]
        return None

    def decided(self, meaning: ast.expr, given: Mapping[str, ast.expr]) -> ast.expr | None:
        """A meaning with its conditions decided and its formulas computed by the arguments; None where they cannot be."""
        names: dict[str, Any] = {name: self.value(tree) for name, tree in given.items()}
        names |= {"whole": lambda tree: isinstance(tree, ast.expr) and self.is_whole(tree), "shape_of": self.shape}
        names |= {"ndim": lambda tree: len(self.shape(tree)), "may_have": lambda tree, n: self.has_axes(tree, n, n)}
        names |= {"size": lambda tree, axis: self.shape(tree)[axis]}
        formulas = (HELPERS | {"shape_of", "ndim", "size", "may_have"}) - set(dictionary().operations)

        def compute(node: ast.expr) -> ast.expr | None:
            if not is_formula(node, names, formulas):
                return None
            try:
                return literal(value_of(node, names))
            except TypeError:  # of an array; a part of it may be a formula
                return None

        try:
            return fill(meaning, {}, decide=lambda test: bool(value_of(test, names)), compute=compute)
        except UNKNOWN:
            return None

    def value(self, tree: ast.expr) -> Any:
        """What a condition in a meaning knows of an argument: its value, a dtype's name, or else its tree."""
        try:
            return constant(tree, functions=True)
        except (NotConstant, BadConstant):
            name = dotted(tree)
            return name if name.split(".")[0] in FRAMEWORKS[self.framework].roots else self.of_shapes(tree)

    def of_shapes(self, tree: ast.expr) -> Any:
        """What an argument that is made of shapes comes to, such as `x.shape[1:]`; the tree itself where that is not known."""
        if not any(isinstance(node, ast.Attribute) and node.attr in _OF_SHAPES for node in ast.walk(tree)):
            return tree
        try:
            return constant(_settled(self.visit(self.copied(tree))), functions=True)
        except (NoRow, NotConstant, BadConstant):
            return tree

    def shape(self, tree: Any) -> Shape:
        """The shape of an argument. Raises `ValueError` where it is not known."""
        argument = tree if isinstance(tree, ast.expr) else literal(tree)
        text = ast.unparse(argument)
        if text not in self.known:
            self.known[text] = self.shape_read(argument, text)
        if (shape := self.known[text]) is None:
            raise ValueError(text)
        return shape

    def shape_read(self, tree: ast.expr, text: str) -> Shape | None:
        """The shape of an argument, of which `text` is the code, by what it means; None where that is not known."""
        try:
            read: ast.expr = self.visit(self.copied(tree))
        except NoRow as error:
            self.read[text] = error
            return None
        self.read[text] = self.copied(read)
        shape, complaints = shape_of(_array(read), self.shapes)
        return None if complaints else shape

    def same_name(self, name: str, call: ast.Call) -> Operation | None:
        """The row of `row_of_same_name` for a call of one array and nothing else, such as the two parts of a complex one."""
        alone = len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], (ast.Tuple, ast.List))
        return row_of_same_name(self.table.canonical(name), self.framework) if alone else None

    def neutral(self, row: Operation, spelled: ast.Call, settings: dict[str, ast.expr]) -> ast.AST:
        arrays = [self.visit(settings[name]) for name in row.signature.arrays]
        fixed = fixed_settings(row.spelling[self.framework], spelled)
        keywords = [
            ast.keyword(name, _settled(value))
            for name in row.signature.settings
            if (value := settings.get(name, fixed.get(name))) is not None and not left_out(row, name, value)
        ]
        return ast.Call(ast.Name(row.name, ast.Load()), arrays, keywords)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        sides = [_array(self.visit(node.left)), _array(self.visit(node.right))]
        whole = self.is_whole(node.left) or self.is_whole(node.right)
        return logical_call(node.op, whole, sides) or ast.BinOp(sides[0], node.op, sides[1])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        operand = self.visit(node.operand)
        return logical_call(node.op, self.is_whole(node.operand), [operand]) or ast.UnaryOp(node.op, operand)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        return ast.Compare(
            _array(self.visit(node.left)), node.ops, [_array(self.visit(other)) for other in node.comparators]
        )

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """An index in its neutral spelling: a list takes entries, and a slice backwards turns round."""
        if isinstance(node.value, ast.Call) and isinstance(node.slice, ast.Constant):
            for call in forms(node.value, self.framework, self.names):
                if (read := self.reading(call, f"[{ast.unparse(node.slice)}]")) is not None:
                    return read
        value: ast.expr = self.visit(node.value)
        keys = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        keys = [ast.Constant(None) if dotted(key) in _NEW_AXIS else key for key in keys]
        if is_constant(value) and len(keys) == 1 and (is_constant(keys[0]) or isinstance(keys[0], ast.Slice)):
            try:
                return literal(constant(value)[_place(keys[0])])  # of a shape
            except (TypeError, LookupError, NotConstant):  # of a number, `math.e[0]`, or one axis too many
                raise NoRow(_cut(ast.unparse(node))) from None
        value = _array(value)
        for axis, key in enumerate(keys):
            if (backwards := isinstance(key, ast.Slice) and _is_backwards(key)) or self.takes(key):
                if any(not _is_full(other) for other in keys[:axis] + keys[axis + 1 :]):
                    raise NoRow(_cut(ast.unparse(node)))
                name, more = ("flip", []) if backwards else ("take", [_settled(self.visit(key))])
                return ast.Call(ast.Name(name, ast.Load()), [value, *more], [ast.keyword("axis", literal(axis))])
        return ast.Subscript(value, ast.Tuple(keys, ast.Load()) if len(keys) > 1 else keys[0], ast.Load())

    def takes(self, key: ast.expr) -> bool:
        """Whether an index is a list or an array of whole numbers, along which entries are taken."""
        if self.framework not in takes_by_index():
            return False
        listed = isinstance(key, ast.List) or not (isinstance(key, ast.Slice) or is_constant(key))
        return listed and self.is_whole(key)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr in _PARTS and isinstance(node.value, ast.Call):
            return self.visit_Subscript(ast.Subscript(node.value, ast.Constant(_PARTS[node.attr]), ast.Load()))
        if dotted(node) in ("torch.pi", "torch.e", "torch.inf", "torch.nan"):
            return _tree(f"math.{node.attr}")
        if (limit := limit_of_dtype(node)) is not None:
            return literal(limit)
        if node.attr in ("shape", "ndim") and dotted(node).split(".")[0] not in FRAMEWORKS[self.framework].roots:
            try:
                shape = self.shape(node.value)
            except ValueError:
                raise NoRow(_cut(ast.unparse(node))) from None
            return literal(shape if node.attr == "shape" else len(shape))
        if node.attr in ("real", "imag") and dotted(node).split(".")[0] not in FRAMEWORKS[self.framework].roots:
            return ast.Call(ast.Name(node.attr, ast.Load()), [self.visit(node.value)], [])
        if node.attr in ("T", "mT") and dotted(node).split(".")[0] not in FRAMEWORKS[self.framework].roots:
            return ast.Attribute(self.visit(node.value), node.attr, ast.Load())
        if is_constant(node):
            return node
        raise NoRow(_cut(ast.unparse(node)))


class _Wrapped(ast.NodeTransformer):
    """Makes arrays of the lists of numbers on which an operator works in a meaning."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        return ast.BinOp(_array(self.visit(node.left)), node.op, _array(self.visit(node.right)))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        return ast.Compare(_array(self.visit(node.left)), node.ops, [_array(self.visit(c)) for c in node.comparators])

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return ast.Subscript(_array(self.visit(node.value)), node.slice, ast.Load())


def _array(tree: ast.expr) -> ast.expr:
    """A list of numbers as an array, which an operator needs: `clone([1.0, 2.0])`."""
    listed = isinstance(tree, (ast.List, ast.Tuple))
    return ast.Call(ast.Name("clone", ast.Load()), [tree], []) if listed else tree


# Functions and methods that make a tensor of the numbers that they are given.
_HOLDING = frozenset(
    {"tensor", "constant", "as_tensor", "asarray", "array", "from_numpy", "new_tensor", "convert_to_tensor"}
)
# Functions and methods that give whole numbers.
_GIVE_WHOLE = frozenset(
    {
        "argmax",
        "argmin",
        "argsort",
        "searchsorted",
        "bucketize",
        "bincount",
        "long",
        "int",
        "arange",
        "range",
        "LongTensor",
        "IntTensor",
    }
)


# The parts of what a function gives that have names, by their places.
_PARTS = {"values": 0, "indices": 1}
# What a tensor says of its shape.
_OF_SHAPES = frozenset({"shape", "ndim", "size", "dim"})
_NEW_AXIS = frozenset({"tf.newaxis", "np.newaxis", "torch.newaxis"})


def _tree(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


_SEQUENTIALS = frozenset({"nn.Sequential", "keras.Sequential"})


def _is_backwards(key: ast.Slice) -> bool:
    return key.lower is None and key.upper is None and key.step is not None and ast.unparse(key.step) == "-1"


def _place(key: ast.expr) -> Any:
    """What a constant index, or a slice of constants, is in Python. Raises `NotConstant`."""
    if isinstance(key, ast.Slice):
        return slice(*(None if part is None else constant(part) for part in (key.lower, key.upper, key.step)))
    return constant(key)


def _is_full(key: ast.expr) -> bool:
    return isinstance(key, ast.Slice) and key.lower is None and key.upper is None and key.step is None


def _settled(tree: ast.expr) -> ast.expr:
    """A list of constants as a tuple, which is what a list of axes or sizes means and NumPy takes."""
    if isinstance(tree, ast.List) and is_constant(tree):
        return ast.Tuple(tree.elts, ast.Load())
    return tree


def _named(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _cut(source: str) -> str:
    return source if len(source) <= _LONGEST else f"{source[: _LONGEST - 4]} ..."


_LONGEST = 80
