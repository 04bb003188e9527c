"""Native expressions read back through the dictionary: the neutral expression that a native one means."""

from __future__ import annotations

import ast
import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.dictionary.formulas import HELPERS, UNKNOWN, is_formula, value_of
from tfpt_cli.dictionary.native import by_text, native, rules, settings_of
from tfpt_cli.dictionary.readings import as_method, in_mode, reading_name, readings, same, takes_by_index, without_row
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.expressions.checking import shape_of
from tfpt_cli.expressions.logic import logical_call
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.expression import (
    UNBOUNDED,
    BadConstant,
    NotConstant,
    constant,
    is_constant,
    literal,
    mark_inputs,
)
from tfpt_cli.language.signature import bind_any, parse_signature
from tfpt_cli.language.templates import fill
from tfpt_cli.language.trees import branches, called_name, copied, dotted, more_than

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from tfpt_cli.dictionary.records import Operation
    from tfpt_cli.language.shapes import Shape


# Parameters that do not change what a function of one array computes.
_ASIDE = frozenset({"name", "inplace", "out"})
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


@cache
def rows_by_call(framework: str) -> Mapping[str, list[tuple[Operation, ast.Call]]]:
    """The rows of operations that a framework's call spells, each with that spelling, by the canonical name of the call.

    >>> [(row.name, ast.unparse(spelled)) for row, spelled in rows_by_call("torch")["F.elu"]]
    [('elu', 'F.elu(x, alpha=alpha)')]
    """
    table = native(framework)
    found: dict[str, list[tuple[Operation, ast.Call]]] = {}
    for row in dictionary().operations.values():
        for spelled in branches(row.spelling[framework]):
            if isinstance(spelled, ast.Call) and (name := called_name(spelled)):
                found.setdefault(table.canonical(name), []).append((row, spelled))
    return found


@cache
def row_of_same_name(name: str, framework: str) -> Operation | None:
    """The row of a function of one array that another module of the framework has under the row's own name.

    `name` is canonical. `keras.ops.exp` and `tf.math.exp` are both `exp`; with an argument that changes what it does it may be
    another.
    """
    row = dictionary().operations.get(name.rpartition(".")[2])
    if row is None or len(row.signature.parameters) != 1:
        return None
    parameters = [parse_signature(text).parameters for text in native(framework).calls.get(name, [])]
    alone = [all(p.name in _ASIDE for p in given[1:]) for given in parameters if given]
    return row if alone and all(alone) else None


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
        if _moves_to_device(node):
            assert isinstance(node.func, ast.Attribute)
            return self.visit(node.func.value)  # type: ignore[no-any-return]
        node = ast.Call(
            node.func,
            [self.dtype(argument) for argument in node.args],
            [ast.keyword(keyword.arg, self.dtype(keyword.value)) for keyword in node.keywords],
        )
        forms = self.forms(node)
        for call in forms:
            no_row = self.table.canonical(called_name(call)) in without_row(self.framework)
            if (read := (None if no_row else self.row(call)) or self.reading(call)) is not None:
                return read
            if (other := self.other(call)) is not None:
                return self.visit_Call(other)
        if (alike := self.same_name(called_name(forms[0]), forms[0])) is not None:
            return ast.Call(ast.Name(alike.name, ast.Load()), [self.visit(forms[0].args[0])], [])
        if mode and layer is not None and not _has_modes(layer):  # which computes the same in every mode
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

    def forms(self, node: ast.Call) -> list[ast.Call]:
        """A call as rows and readings have it; of a method the function of its name, with the tensor before the others, too."""
        name = called_name(node)
        if not isinstance(node.func, ast.Attribute) or (name and name.split(".")[0] not in self.names):
            return [self.gathered(node, self.table.calls.get(self.table.canonical(name), []))]
        method = as_method(self.gathered(node, self.table.methods.get(node.func.attr, [])))
        function = ast.parse(f"torch.{node.func.attr}", mode="eval").body
        return [ast.Call(function, method.args, method.keywords), method]

    def other(self, call: ast.Call) -> ast.Call | None:
        """The call that means the same as another with the same arguments, by the section `same` of `readings.yaml`."""
        name = reading_name(call, self.framework)
        if (other := same(self.framework).get(name)) is None:
            return None
        function = ast.parse(other, mode="eval").body
        inner = isinstance(call.func, ast.Call)
        own = call.func if isinstance(call.func, ast.Call) else call
        signature, bound, complaints = bind_any(name, self.table.signatures(name.removesuffix("()")), own)
        # Its own defaults count: a `keras.layers.LeakyReLU` is steeper than `keras.ops.leaky_relu`.
        defaults = {p.name: p.default for p in signature.parameters if p.default is not None}
        theirs = {
            p.name: p.default
            for text in self.table.signatures(self.table.canonical(other))
            for p in parse_signature(text).parameters
        }
        changed = {n for n, tree in bound.items() if n not in defaults or ast.unparse(defaults[n]) != ast.unparse(tree)}
        if complaints or (inner and not changed - {"name"} <= set(theirs)):
            return None
        if not inner:
            defaults = {n: tree for n, tree in defaults.items() if n in theirs and not _equal(tree, theirs[n])}
            more = [ast.keyword(n, tree) for n, tree in defaults.items() if n not in set(bound) | _ASIDE]
            return ast.Call(function, call.args, [*call.keywords, *more])
        keywords = [ast.keyword(n, tree) for n, tree in (defaults | bound).items() if n in set(theirs) - {"name"}]
        return ast.Call(function, call.args, [*call.keywords, *keywords])

    def number(self, node: ast.Call, name: str) -> ast.expr:
        """The numbers that a function of Python's or NumPy's gives for numbers."""
        module, _, function = name.rpartition(".")
        try:
            if module == "math":
                return literal(getattr(math, function)(*(constant(self.visit(argument)) for argument in node.args)))
            return literal(_of_numbers(node))
        except (NotConstant, BadConstant, AttributeError, TypeError, ValueError, ArithmeticError, MemoryError):
            raise NoRow(_cut(ast.unparse(node))) from None

    def gathered(self, call: ast.Call, signatures: list[str]) -> ast.Call:
        """A call with its sizes in a tuple where they may stand for themselves: `x.view(2, -1)` is `x.view((2, -1))`."""
        firsts = {text.split(",")[0].split("=")[0] for text in signatures}
        if len(call.args) < 2 or not any(first.startswith("*") and first[1:] in firsts for first in firsts):
            return call
        return ast.Call(call.func, [ast.Tuple(call.args, ast.Load())], call.keywords)

    def row(self, call: ast.Call) -> ast.AST | None:
        """The neutral call that a call means by a row's own spelling; None where none fits."""
        rows = rows_by_call(self.framework).get(self.table.canonical(called_name(call)), [])
        for row, spelled in rows:
            settings = settings_of(spelled, call, self.framework, exact=True)
            if settings is None or not set(row.signature.arrays) <= set(settings):
                continue
            if any(_is_none(settings[name]) for name in row.signature.arrays):
                continue  # `tf.math.bincount(x)`, which has no weights
            settings = {n: ast.Constant(None) if _is_off(spelled, row, n, v) else v for n, v in settings.items()}
            if any(_is_flag(value) and not _takes_flag(row, n) for n, value in settings.items()):
                continue  # `torch.var(x, False)` is not of an axis, but `unbiased`
            settings = {n: _whole(row, n, value) for n, value in settings.items()}
            fixed = _fixed(row.spelling[self.framework], spelled)
            if not _allowed(row, settings | {n: v for n, v in fixed.items() if n not in settings}):
                continue  # such as `torch.clamp(x, max=1)`, whose `min` of None another row means
            if any(self.is_no_whole(settings[n]) for n in _taking_whole(row) & set(settings)):
                continue
            if any(not self.has_axes(settings[n], least, most) for n, (least, most) in row.axes.items()):
                continue  # of other arrays the function may be another: the classes of `F.cross_entropy` are its axis 1
            # A row of the same function that takes whole numbers there tells that they mean something of their own.
            apart = {n for other, _ in rows for n in _taking_whole(other)} - _taking_whole(row)
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
            return _all_whole(constant(tree))
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
            given = self.arguments(template, call)
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
            if not _with_stray_flag(read):
                return read  # type: ignore[no-any-return]
        return None

    def arguments(self, template: ast.Call, call: ast.Call) -> dict[str, ast.expr] | None:
        """What stands for the names of a template in a call; None where the call is another."""
        if not isinstance(template.func, ast.Call):
            return settings_of(template, call, self.framework, exact=True)
        of_template, of_call = in_mode(template)[0], in_mode(call)[0]
        assert of_template is not None
        assert of_call is not None
        given = settings_of(of_template, of_call, self.framework, exact=True)
        places = [*template.args, *(keyword.value for keyword in template.keywords)]
        wanted = [place.id if isinstance(place, ast.Name) else "" for place in places]
        if given is None or len(call.args) > len(wanted):
            return None
        later = {str(k.arg): k.value for k in template.keywords}
        found = dict(zip(wanted, call.args, strict=False)) | {str(k.arg): k.value for k in call.keywords}
        found |= {later[n].id: found.pop(n) for n in list(found) if isinstance(later.get(n), ast.Name)}  # type: ignore[attr-defined]
        for name, default in later.items():
            if isinstance(default, ast.Constant):  # such as `training=True`
                if name not in found or ast.unparse(found.pop(name)) != ast.unparse(default):
                    return None
            else:
                found.setdefault(wanted[list(later).index(name) + len(template.args)], ast.Constant(None))
        return given | found if set(found) <= set(wanted) else None

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
            return name if name.split(".")[0] in FRAMEWORKS[self.framework].roots else tree

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
        fixed = _fixed(row.spelling[self.framework], spelled)
        keywords = [
            ast.keyword(name, _settled(value))
            for name in row.signature.settings
            if (value := settings.get(name, fixed.get(name))) is not None and not _left_out(row, name, value)
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
            for call in self.forms(node.value):
                if (read := self.reading(call, f"[{ast.unparse(node.slice)}]")) is not None:
                    return read
        value: ast.expr = self.visit(node.value)
        keys = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        keys = [ast.Constant(None) if dotted(key) in _NEW_AXIS else key for key in keys]
        if is_constant(value) and len(keys) == 1 and is_constant(keys[0]):
            try:
                return literal(constant(value)[constant(keys[0])])  # of a shape
            except (TypeError, LookupError):  # of a number, `math.e[0]`, or one axis too many
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
        if (limit := _limit(node)) is not None:
            return literal(limit)
        if node.attr in ("shape", "ndim") and dotted(node).split(".")[0] not in FRAMEWORKS[self.framework].roots:
            try:
                shape = self.shape(node.value)
            except ValueError:
                raise NoRow(_cut(ast.unparse(node))) from None
            return literal(shape if node.attr == "shape" else len(shape))
        if node.attr in ("real", "imag") and dotted(node).split(".")[0] not in FRAMEWORKS[self.framework].roots:
            return ast.Call(ast.Name(node.attr, ast.Load()), [self.visit(node.value)], [])
        if node.attr in ("T", "mT") and dotted(node).split(".")[0] not in ("torch", "tf", "F", "nn", "keras"):
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
_NEW_AXIS = frozenset({"tf.newaxis", "np.newaxis", "torch.newaxis"})
# So many numbers are written out in a neutral expression.
_MOST = 256


def _tree(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


_SEQUENTIALS = frozenset({"nn.Sequential", "keras.Sequential"})


def _moves_to_device(call: ast.Call) -> bool:
    """Whether a call only says where its tensor is: `y.to(x.device)`."""
    match call:
        case ast.Call(func=ast.Attribute(attr="to"), args=[ast.Attribute(attr="device")], keywords=[]):
            return True
    return False


def _has_modes(layer: ast.Call) -> bool:
    """Whether a layer, or one within it, may compute something else in training than in evaluation."""
    names = {called_name(part).rpartition(".")[2] for part in ast.walk(layer)}
    return any(name.endswith("ReLU") and name[0] == "R" and name[1] == "R" for name in names) or any(
        word in name for name in names for word in ("Norm", "Dropout", "RNN", "LSTM", "GRU", "Attention", "Transformer")
    )


def _of_numbers(tree: ast.expr) -> Any:
    """The Python value of a call of NumPy, `float` or `int` of numbers. Raises `NotConstant` where it is no such."""
    match tree:
        case ast.Call(func=ast.Name(id="float" | "int" as name), args=[value], keywords=[]):
            return (float if name == "float" else int)(_of_numbers(value))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name)) if name in _NUMPY:
            args = [_argument(argument) for argument in tree.args]
            keywords = {str(keyword.arg): _argument(keyword.value) for keyword in tree.keywords}
            found = getattr(np, name)(*args, **keywords)
            if np.size(found) > _MOST:
                raise NotConstant(tree)
            return found.tolist()
        case ast.Constant(value=str() as text) if text.strip().lower() in UNBOUNDED:
            return float(text)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_of_numbers(item) for item in items]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_of_numbers(operand)
    return constant(tree, functions=True)


def _argument(tree: ast.expr) -> Any:
    """An argument of a function of NumPy: numbers, or a dtype. A shape may not be large."""
    name = dotted(tree).removeprefix("np.") or (tree.value if isinstance(tree, ast.Constant) else "")
    if name in _NUMPY_DTYPES:
        return np.dtype(str(name).rstrip("_"))
    value = _of_numbers(tree)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _MOST:
        raise NotConstant(tree)
    return value


_NUMPY = frozenset(
    {
        "arange",
        "array",
        "asarray",
        "eye",
        "float32",
        "float64",
        "full",
        "linspace",
        "ones",
        "zeros",
        "sqrt",
        "exp",
        "log",
    }
)
_NUMPY_DTYPES = frozenset({"float32", "float64", "float16", "int32", "int64", "bool", "bool_"})


def _limit(node: ast.Attribute) -> float | None:
    """The limit of a dtype that is written out: `tf.float32.max`, `torch.finfo(torch.float32).eps`."""
    of = node.value
    if isinstance(of, ast.Call) and called_name(of) in rules("limits_of") and len(of.args) == 1:
        of = of.args[0]
    name = dotted(of).rpartition(".")[2]
    if node.attr not in rules("limits") or dotted(of).count(".") != 1 or name not in ("float16", "float32", "float64"):
        return None
    return float(getattr(np.finfo(name), node.attr))


def _all_whole(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(map(_all_whole, value))
    return isinstance(value, int) and not isinstance(value, bool)


def _is_backwards(key: ast.Slice) -> bool:
    return key.lower is None and key.upper is None and key.step is not None and ast.unparse(key.step) == "-1"


def _is_full(key: ast.expr) -> bool:
    return isinstance(key, ast.Slice) and key.lower is None and key.upper is None and key.step is None


def _settled(tree: ast.expr) -> ast.expr:
    """A list of constants as a tuple, which is what a list of axes or sizes means and NumPy takes."""
    if isinstance(tree, ast.List) and is_constant(tree):
        return ast.Tuple(tree.elts, ast.Load())
    return tree


def _whole(row: Operation, name: str, tree: ast.expr) -> ast.expr:
    """A setting that counts as a whole number, also where a call has it as `1.0`: `tf.math.polygamma(1.0, x)`."""
    kinds = {p.name: p.annotation for p in row.signature.parameters}
    if isinstance(tree, ast.Constant) and isinstance(tree.value, float) and kinds.get(name) in ("count", "size"):
        return ast.Constant(int(tree.value)) if tree.value.is_integer() else tree
    return tree


def _left_out(row: Operation, name: str, value: ast.expr) -> bool:
    """Whether a setting says no more than its row does: a beta that `F.silu(x)` has not, the mean of a loss."""
    parameter = next(p for p in row.signature.parameters if p.name == name)
    if parameter.annotation == "reduction":
        return isinstance(value, ast.Constant) and value.value == "mean"
    off = isinstance(value, ast.Constant) and value.value is False
    return off and parameter.annotation != "flag" and isinstance(parameter.default, ast.Constant)


def _equal(left: ast.expr, right: ast.expr | None) -> bool:
    return right is not None and ast.unparse(left) == ast.unparse(right)


def _is_none(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and tree.value is None


def _is_off(spelled: ast.Call, row: Operation, name: str, value: ast.expr) -> bool:
    """Whether a condition within a spelling was read as off that asks for a setting: `[n] if n else None`."""
    asked = {
        node.test.id for node in ast.walk(spelled) if isinstance(node, ast.IfExp) and isinstance(node.test, ast.Name)
    }
    default = {p.name: p.default for p in row.signature.parameters}.get(name)
    off = isinstance(value, ast.Constant) and value.value is False
    return off and name in asked and default is not None and _is_none(default)


def _is_flag(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, bool)


def _with_stray_flag(tree: ast.AST) -> bool:
    """Whether a neutral call has a truth value where its row takes none: `var(x, axis=False)`."""
    row = dictionary().operations.get(called_name(tree))
    keywords = tree.keywords if isinstance(tree, ast.Call) and row is not None else []
    return any(_is_flag(k.value) and not _takes_flag(row, str(k.arg)) for k in keywords if row is not None)


def _takes_flag(row: Operation, name: str) -> bool:
    return any(p.name == name and (p.kind != "setting" or p.annotation == "flag") for p in row.signature.parameters)


def _allowed(row: Operation, settings: Mapping[str, ast.expr]) -> bool:
    """Whether a row takes the settings that a call means, with the framework's own value for what was left out."""
    named = {n: v for n, v in settings.items() if n in row.signature.settings and not _left_out(row, n, v)}
    return not row.signature.values(row.name, named)[1]


def _named(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _cut(source: str) -> str:
    return source if len(source) <= _LONGEST else f"{source[: _LONGEST - 4]} ..."


_LONGEST = 80


def _taking_whole(row: Operation) -> set[str]:
    return {parameter.name for parameter in row.signature.parameters if parameter.annotation == "integers"}


def _fixed(template: ast.expr, spelled: ast.Call) -> dict[str, ast.expr]:
    """The settings that choose one spelling of a row among several: `{"approximate": True}` for its first branch.

    Of an equality the setting is known where it holds: `{"ord": 0}` for what stands before `if ord == 0`.
    """
    found: dict[str, ast.expr] = {}
    while isinstance(template, ast.IfExp):
        first = any(branch is spelled for branch in branches(template.body))
        if isinstance(template.test, ast.Name):
            found[template.test.id] = ast.Constant(first)
        match template.test:
            case ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[value]) if first and name != "dtype":
                found[name] = value
        template = template.body if first else template.orelse
    return found
