"""How a parameter is filled: neutral and native initializers, and defaults, as rows with their settings."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.native import native, settings_of
from tfpt_cli.dictionary.rows import Initializer, Layer, LayerParameter, called_name, dictionary
from tfpt_cli.lowering import filled
from tfpt_cli.scenario.expression import BadConstant, Complaint, NotConstant, bad_constants, constant, literal, offset
from tfpt_cli.subjects.init.spec import Filling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.dictionary.shapes import Shape
    from tfpt_cli.scenario.reader import Reader


def checked_settings(
    reader: Reader, path: tuple[Any, ...], row: Layer | Initializer, call: ast.Call
) -> dict[str, Any] | None:
    """The constant settings of a neutral call, or None after complaining."""
    bound, complaints = row.signature.bind(row.name, call)
    settings, wrong = row.signature.values(row.name, bound)
    complaints += wrong
    requires = getattr(row, "requires", None)
    if not complaints and requires is not None and not _holds(requires, settings):
        complaints.append(
            Complaint(offset(call), f"{row.name} needs {ast.unparse(requires)}, got '{ast.unparse(call)}'")
        )
    reader.complain_all(path, complaints + [c for c in bad_constants(call) if c not in complaints])
    return None if complaints else settings


def _holds(requires: ast.expr, settings: Mapping[str, Any]) -> bool:
    match requires:
        case ast.Compare(left=ast.Name(id=left), ops=[ast.Lt()], comparators=[ast.Name(id=right)]):
            return bool(settings[left] < settings[right])
    raise AssertionError(f"no such requirement: {ast.unparse(requires)}")


def filling(row: Initializer, settings: Mapping[str, Any], framework: str, *, default: bool = False) -> Filling:
    """A row with its settings; a default has no source of its own, the layer itself fills the parameter."""
    given = set(settings)
    tensor: dict[str, ast.expr] = {"tensor": ast.Name("tensor", ast.Load())} if framework == "torch" else {}
    source = "" if default else ast.unparse(filled(row.spelling[framework], row.signature, given, settings, tensor))
    return Filling(source, row, dict(settings), default)


def default_filling(entry: LayerParameter, framework: str, settings: Mapping[str, Any]) -> Filling:
    """What a layer draws a parameter from if nothing is said; unknown where the settings are."""
    call = entry.default[framework]
    row = dictionary().initializers[called_name(call)]
    try:
        values = [constant(_with(argument, settings), functions=True) for argument in call.args]
    except (NotConstant, BadConstant):
        return Filling(default=True)
    return filling(row, dict(zip(row.signature.settings, values, strict=False)), framework, default=True)


def native_filling(tree: ast.expr, framework: str) -> Filling:
    """A native initializer as the row that it corresponds to, where there is one."""
    source = ast.unparse(tree)
    if framework == "torch" and isinstance(tree, ast.Call):
        source = ast.unparse(ast.Call(tree.func, [ast.Name("tensor", ast.Load()), *tree.args], tree.keywords))
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        tree = _named_class(tree.value) or tree
    if isinstance(tree, ast.Call):
        for row in dictionary().initializers.values():
            trees = settings_of(row.spelling[framework], tree, framework, given=int(framework == "torch"))
            if trees is None:
                continue
            settings = constants(trees)
            if set(settings) >= set(row.signature.settings):
                ordered = {name: settings[name] for name in row.signature.settings}
                return Filling(source, row, ordered)
    return Filling(source)


def _named_class(identifier: str) -> ast.expr | None:
    """The call that a Keras identifier stands for: `"he_normal"` and `"HeNormal"` are `keras.initializers.HeNormal()`."""
    camel = identifier if identifier[:1].isupper() else "".join(word.capitalize() for word in identifier.split("_"))
    full = f"keras.initializers.{camel}"
    return ast.parse(f"{full}()", mode="eval").body if full in native("tensorflow").calls else None


def constants(trees: Mapping[str, ast.expr]) -> dict[str, Any]:
    """The values of those settings that are constants."""
    values = {}
    for name, tree in trees.items():
        try:
            values[name] = constant(tree, functions=True)
        except (NotConstant, BadConstant):
            continue
    return values


def _with(tree: ast.expr, settings: Mapping[str, Any]) -> ast.expr:
    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return literal(settings[node.id]) if node.id in settings else node

    put: ast.expr = Put().visit(ast.parse(ast.unparse(tree), mode="eval").body)
    return put


def shape_from(tree: ast.expr, settings: Mapping[str, Any]) -> Shape:
    """The shape that a row writes in terms of the layer's settings. Raises `NotConstant` where one is missing."""
    values = constant(_with(tree, settings))
    return tuple(int(value) for value in values)


def shape_if_known(tree: ast.expr, settings: Mapping[str, Any]) -> Shape | None:
    """The same, None where a setting is missing or no number."""
    try:
        return shape_from(tree, settings)
    except (NotConstant, BadConstant, TypeError, ValueError, OverflowError):
        return None
