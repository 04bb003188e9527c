"""What fills a parameter: a row with its settings, what it comes to, and how it is written in a framework."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.formulas import HELPERS, UNKNOWN, calculate_gain, value_of
from tfpt_cli.dictionary.native import native, settings_of
from tfpt_cli.dictionary.rows import ROOTS, dictionary
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.constants import BadConstant, NotConstant, bad_constants, constant, literal
from tfpt_cli.language.expression import Complaint, offset
from tfpt_cli.language.shapes import show
from tfpt_cli.language.templates import fill
from tfpt_cli.language.trees import branches, called_name, nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Set

    from tfpt_cli.dictionary.records import Initializer, Layer
    from tfpt_cli.documents.reader import Reader
    from tfpt_cli.language.shapes import Shape

Fans = tuple[int, int]


@dataclass(frozen=True)
class InitializerCall:
    """A row of an initializer with the values of its settings: what `he_normal()` or `uniform(-1, 1)` says.

    >>> call = native_fill(ast.parse("nn.init.normal_(std=0.05)", mode="eval").body, "torch")
    >>> call.text, call.settings
    ('normal(0, 0.05)', {'mean': 0.0, 'std': 0.05})
    """

    row: Initializer
    settings: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The neutral call as text.

        A distribution has all of its numbers, `normal(0, 0.05)`; any other call what is not the default, by name.
        """
        words = []
        for parameter in self.row.signature.parameters:
            value = self.settings[parameter.name]
            shown = _number(value) if isinstance(value, float) else repr(value)
            if parameter.default is None or self.row.distribution is not None:
                words.append(shown)
            elif value != constant(parameter.default):
                words.append(f"{parameter.name}={shown}")
        return f"{self.row.name}({', '.join(words)})"

    def base(self, fans: Fans | None) -> InitializerCall | None:
        """The call of a row without a formula that this comes to for a tensor with these fans.

        None where the formula needs the fans and there are none.

        >>> call = native_fill(ast.parse("keras.initializers.GlorotUniform()", mode="eval").body, "tensorflow")
        >>> call.text, call.base((8, 16)).text
        ('glorot_uniform()', 'uniform(-0.5, 0.5)')
        """
        if self.row.means is None:
            return self
        return formula(self.row.means, self.settings, fans)


def _number(value: float) -> str:
    """A number with up to eight characters as it is, so that 1000 and 1001 are told apart; a longer one in four digits."""
    whole = repr(value).removesuffix(".0")
    return whole if len(whole) <= 8 else f"{value:.4g}"


def formula(tree: ast.expr, names: Mapping[str, Any], fans: Fans | None) -> InitializerCall | None:
    """The initializer that a row's formula gives, without formulas in it; None without the fans that it needs.

    `names` are the settings that the formula may use.

    >>> formula(ast.parse("uniform(-k / sqrt(fan_in), k / sqrt(fan_in))", mode="eval").body, {"k": 2}, (16, 8)).text
    'uniform(-0.5, 0.5)'
    """
    given = {} if fans is None else {"fan_in": fans[0], "fan_out": fans[1]}
    try:
        found = value_of(tree, {**_makers(), **names, **given})
    except UNKNOWN:
        return None
    assert isinstance(found, InitializerCall)
    return found.base(fans)


@cache
def _makers() -> dict[str, Callable[..., InitializerCall]]:
    return {name: _maker(row) for name, row in dictionary().initializers.items()}


def _maker(row: Initializer) -> Callable[..., InitializerCall]:
    def make(*values: Any) -> InitializerCall:
        return InitializerCall(row, row.signature.defaults | dict(zip(row.signature.settings, values, strict=False)))

    return make


def written(
    initializer: InitializerCall, framework: str, fans: Fans | None, both: Fans | None, shape: Shape, first: int
) -> str:
    """The call that fills a parameter in a framework; in PyTorch its first argument is `tensor`.

    `fans` is what the framework counts, `both` what is meant: where they part, a formula of the fans is written out
    with its numbers. `shape` and `first` are the parameter's shape in Keras and the axis of it that is PyTorch's first.

    >>> call = native_fill(ast.parse("nn.init.normal_(std=0.05)", mode="eval").body, "torch")
    >>> written(call, "torch", (3, 4), (3, 4), (3, 4), 1), written(call, "tensorflow", (3, 4), (3, 4), (3, 4), 1)
    ('nn.init.normal_(tensor, mean=0.0, std=0.05)', 'keras.initializers.RandomNormal(mean=0.0, stddev=0.05)')
    """
    if initializer.row.means is not None and (framework not in initializer.row.spelling or fans != both):
        base = initializer.base(both)
        assert base is not None
        initializer = base
    names = {**initializer.settings, "shape": tuple(shape), "first": first}
    return ast.unparse(_with_settings(initializer.row.spelling[framework], names, framework))


def _with_settings(
    spelling: ast.expr, names: Mapping[str, Any], framework: str, left_out: Set[str] = frozenset()
) -> ast.expr:
    """A spelling with the settings put in: what names no module is computed, the rest stays as it is written."""
    bound = {a.arg for node in nodes(spelling) if isinstance(node, ast.Lambda) for a in node.args.args}
    kept = ROOTS[framework] | {"tensor", "dtype"}

    def compute(node: ast.expr) -> ast.expr | None:
        if isinstance(node, (ast.Constant, ast.Starred, ast.Lambda)) or (
            isinstance(node, ast.Name) and node.id in bound
        ):
            return None
        used = {part.id for part in nodes(node) if isinstance(part, ast.Name)}
        return literal(value_of(node, names)) if used & (set(names) | HELPERS) and not used & kept else None

    return fill(spelling, {}, decide=lambda test: bool(value_of(test, names)), compute=compute, left_out=left_out)


def layer_source(tree: ast.expr, names: Mapping[str, Any], left_out: Set[str], framework: str) -> ast.Call:
    """A layer's spelling with its settings put in, without the keywords that a name of `left_out` would have."""
    source = _with_settings(tree, names, framework, left_out)
    assert isinstance(source, ast.Call)
    return source


def checked_settings(
    reader: Reader, path: tuple[Any, ...], row: Layer | Initializer, call: ast.Call
) -> dict[str, Any] | None:
    """The values of the settings of a neutral call by name, or None after complaining to the reader about the call."""
    bound, complaints = row.signature.bind(row.name, call)
    settings, wrong = row.signature.values(row.name, bound)
    complaints += wrong
    if not complaints:
        complaints += _requirements(row, settings, call)
    reader.complain_all(path, complaints + [c for c in bad_constants(call) if c not in complaints])
    return None if complaints else settings


def _requirements(row: Layer | Initializer, settings: Mapping[str, Any], call: ast.Call) -> list[Complaint]:
    try:
        names = dict(settings)
        for name, formula_in_row in getattr(row, "where", {}).items():
            names[name] = value_of(formula_in_row, names)
        unmet = [words for words, condition in row.requires.items() if not value_of(condition, names)]
    except ValueError as error:
        return [Complaint(offset(call), f"{row.name}: {error} in '{ast.unparse(call)}'")]
    return [Complaint(offset(call), f"{row.name} needs {words}, got '{ast.unparse(call)}'") for words in unmet]


def cannot_take(row: Initializer, shape: Shape) -> str:
    """Why a parameter of this shape cannot be filled so, in words; empty where it can."""
    least, most = row.axes or ((2, 16) if row.means is not None else (0, 16))
    if least <= len(shape) <= most:
        return ""
    needed = f"{least}" if least == most else f"{least} or more" if most >= 5 and least == 2 else f"{least} to {most}"
    why = " (it counts fan_in and fan_out)" if row.means is not None else ""
    return f"{row.name} fills tensors with {needed} axes{why}, this parameter has {len(shape)}: {show(shape)}"


def not_the_same(row: Initializer | Layer, names: Mapping[str, Any]) -> str:
    """Why a neutral row does not mean one thing on both sides, in words; empty where it does.

    `names` are its settings and, of an initializer, what the head of `initializers.yaml` says that `unlike` may use.

    >>> from tfpt_cli.dictionary.rows import dictionary
    >>> not_the_same(dictionary().layers["gru"], {"reset_after": False})
    'nn.GRU applies the reset gate after the product, as reset_after=True does'
    """
    return next(filter(None, (unlike.words(names) for unlike in row.unlike)), "")


def alone(row: Initializer) -> str:
    """Why a row cannot be written on both sides, in words; empty where it can."""
    missing = [] if row.means is not None else [FRAMEWORKS[f].label for f in FRAMEWORKS if f not in row.spelling]
    return f"{row.name} has no counterpart in {' and '.join(missing)}: {row.alone}" if missing else ""


def native_source(tree: ast.expr, framework: str) -> str:
    """A native initializer as it is written; in PyTorch the tensor is passed in as `tensor`."""
    if framework == TORCH and isinstance(tree, ast.Call):
        tree = ast.Call(tree.func, [ast.Name("tensor", ast.Load()), *tree.args], tree.keywords)
    return ast.unparse(tree)


def native_fill(tree: ast.expr, framework: str) -> InitializerCall | None:
    """The row that a native initializer corresponds to, with its settings; None where there is none."""
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        tree = _named_class(tree.value) or tree
    if isinstance(tree, ast.Call) and called_name(tree).rsplit(".", 1)[-1] not in _templates(framework):
        # keras.initializers.he_normal and OrthogonalInitializer are other names of the same classes.
        named = _named_class(called_name(tree).rsplit(".", 1)[-1].removesuffix("Initializer"))
        tree = ast.Call(named.func, tree.args, tree.keywords) if isinstance(named, ast.Call) else tree
    if not isinstance(tree, ast.Call):
        return None
    for row, template in _templates(framework).get(called_name(tree).rsplit(".", 1)[-1], []):
        trees = settings_of(template, tree, framework, given=int(framework == TORCH), exact=True)
        if trees is None:
            continue
        defaults = {p.name: p.default for p in row.signature.parameters if p.default is not None}
        settings = constants({**defaults, **trees})
        # An array (Constant takes one) is no setting of a row.
        if set(settings) >= set(row.signature.settings) and not any(isinstance(v, list) for v in settings.values()):
            return InitializerCall(row, {name: settings[name] for name in row.signature.settings})
    return None


@cache
def _templates(framework: str) -> dict[str, list[tuple[Initializer, ast.expr]]]:
    """The spellings of a framework by the last part of the call, in the order of the rows."""
    found: dict[str, list[tuple[Initializer, ast.expr]]] = {}
    for row in dictionary().initializers.values():
        if framework in row.spelling:
            for template in branches(row.spelling[framework]):
                found.setdefault(called_name(template).rsplit(".", 1)[-1], []).append((row, template))
    return found


def _named_class(identifier: str) -> ast.expr | None:
    """The call that a Keras identifier stands for: `"he_normal"` and `"HeNormal"` are `keras.initializers.HeNormal()`."""
    camel = identifier if identifier[:1].isupper() else "".join(word.capitalize() for word in identifier.split("_"))
    short = {"Uniform": "RandomUniform", "Normal": "RandomNormal", "One": "Ones", "Zero": "Zeros"}.get(camel, camel)
    full = f"keras.initializers.{short}"
    return ast.parse(f"{full}()", mode="eval").body if full in native(TENSORFLOW).calls else None


def constants(trees: Mapping[str, ast.expr]) -> dict[str, Any]:
    """The Python values of the settings whose trees are constants; the others are left out."""
    values = {}
    for name, tree in trees.items():
        try:
            if any(isinstance(node, ast.Call) and "gain" in called_name(node) for node in ast.walk(tree)):
                tree = _Gain().visit(ast.parse(ast.unparse(tree), mode="eval").body)
            values[name] = constant(tree, functions=True)
        except (NotConstant, BadConstant, ValueError, TypeError):
            continue
    return values


class _Gain(ast.NodeTransformer):
    """Puts a number in the place of every `nn.init.calculate_gain("relu")`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if native(TORCH).canonical(called_name(node)) != "nn.init.calculate_gain":
            return self.generic_visit(node)
        arguments = [constant(item) for item in (*node.args, *(k.value for k in node.keywords))]
        return literal(calculate_gain(*arguments))
