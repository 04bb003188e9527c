"""Native expressions read back through the dictionary: the neutral expression that a native one means."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.native import native, settings_of
from tfpt_cli.dictionary.readings import readings
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.language.expression import is_constant
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.language.templates import fill
from tfpt_cli.language.trees import branches, called_name, copied, dotted

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from tfpt_cli.dictionary.records import Operation


# Parameters that do not change what a function of one array computes.
_ASIDE = frozenset({"name", "inplace", "out"})


class NoRow(Exception):
    """Raised for native code that no row of the dictionary knows; the message is the call."""


def lifted(tree: ast.expr, framework: str, names: set[str], whole: Container[str] = ()) -> ast.expr:
    """The neutral expression that a checked native one means, by the rows' spellings. Raises `NoRow`.

    `names` are the names of arrays, `whole` the names of arrays of whole numbers, of which a function may mean something else: to
    `F.cross_entropy` they are classes, not probabilities.

    >>> ast.unparse(lifted(ast.parse("tf.nn.relu(x) + tf.reduce_sum(x, axis=0)", mode="eval").body, "tensorflow", {"x"}))
    'relu(x) + sum(x, axis=0, keepdims=False)'
    """
    result: ast.expr = _Lifter(framework, names, whole).visit(copied(tree))
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
    def __init__(self, framework: str, names: set[str], whole: Container[str]) -> None:
        self.framework, self.names, self.whole = framework, names, whole
        self.table = native(framework)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = called_name(node)
        root = name.split(".")[0]
        call = node
        if isinstance(node.func, ast.Attribute) and (not name or root in self.names):
            # A method is the function of its name with the tensor before the other arguments.
            function = ast.parse(f"torch.{node.func.attr}", mode="eval").body
            call, name = ast.Call(function, [node.func.value, *node.args], node.keywords), f"torch.{node.func.attr}"
        if name.startswith(("math.", "np.")) and all(is_constant(argument) for argument in node.args):
            return node
        rows = rows_by_call(self.framework).get(self.table.canonical(name), [])
        for row, spelled in rows:
            settings = settings_of(spelled, call, self.framework, exact=True)
            if settings is None or not set(row.signature.arrays) <= set(settings):
                continue
            if any(_is_flag(value) and not _takes_flag(row, n) for n, value in settings.items()):
                continue  # `torch.var(x, False)` is not of an axis, but `unbiased`
            settings = {n: _whole(row, n, value) for n, value in settings.items()}
            fixed = _fixed(row.spelling[self.framework], spelled)
            if not _allowed(row, settings | {n: v for n, v in fixed.items() if n not in settings}):
                continue  # such as `torch.clamp(x, max=1)`, whose `min` of None another row means
            # A row of the same function that takes whole numbers there tells that they mean something of their own.
            apart = {n for other, _ in rows for n in _taking_whole(other)} - _taking_whole(row)
            if not any(holds_whole(settings[n], self.names, self.whole) for n in apart & set(row.signature.arrays)):
                return self.neutral(row, spelled, settings)
        if (read := self.reading(name, call)) is not None:
            return read
        if (alike := self.same_name(name, call)) is not None:
            return ast.Call(ast.Name(alike.name, ast.Load()), [self.visit(call.args[0])], [])
        raise NoRow(_cut(ast.unparse(node)))

    def reading(self, name: str, call: ast.Call) -> ast.AST | None:
        """The neutral expression that a call means by `readings.yaml`, with its own arguments; None where none fits."""
        for template, meaning in readings(self.framework).get(self.table.canonical(name), ()):
            given = settings_of(template, call, self.framework, exact=True)
            asked = {
                node.id for node in ast.walk(template) if isinstance(node, ast.Name) and node.id in _named(meaning)
            }
            if given is None or not asked <= set(given):
                continue
            put: dict[str, ast.expr] = {key: self.visit(_settled(value)) for key, value in given.items()}
            read = fill(meaning, put)
            if not _with_stray_flag(read):
                return read
        return None

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

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr in ("T", "mT") and dotted(node).split(".")[0] not in ("torch", "tf", "F", "nn", "keras"):
            return ast.Attribute(self.visit(node.value), node.attr, ast.Load())
        if is_constant(node):
            return node
        raise NoRow(_cut(ast.unparse(node)))


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
    """Whether a condition in a spelling says that a setting is off that is no flag: `F.silu(x)` has no beta."""
    parameter = next(p for p in row.signature.parameters if p.name == name)
    off = isinstance(value, ast.Constant) and value.value is False
    return off and parameter.annotation != "flag" and isinstance(parameter.default, ast.Constant)


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


def _named(tree: ast.expr) -> set[str]:
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
