"""The subject `init`: what a layer's parameters hold before training.

A parameter that nothing random fills is compared value by value. A random one is drawn again and again, by the
framework's own initializer, until `samples` values are there on each side, and compared as a distribution.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.native import native, settings_of
from tfpt_cli.dictionary.rows import Initializer, Layer, LayerParameter, called_name, dictionary
from tfpt_cli.dictionary.shapes import Shape, show
from tfpt_cli.listing import Listing
from tfpt_cli.lowering import filled, unknown
from tfpt_cli.results import FRAMEWORKS, LABELS, Comparison, Outcome, Tolerance
from tfpt_cli.scenario.expression import BadConstant, Complaint, NotConstant, bad_constants, constant, literal, offset
from tfpt_cli.scenario.reader import Reader
from tfpt_cli.subjects import init_tensorflow, init_torch

if TYPE_CHECKING:
    from tfpt_cli.compare.distribution import Declared

NAME = "init"
SAMPLES = 20_000
MAX_WEIGHTS = 400_000_000
DRAWS = "draws"

_CALL = {"type": "string", "description": "a call"}
_SHAPE = {
    "type": "array",
    "description": "the shape of one input without the batch, such as [3]",
    "items": {"type": "integer", "minimum": 1, "description": "a whole number of at least 1"},
    "minItems": 1,
}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "a mapping with 'layer' and a line for each parameter, or with 'torch' and 'tensorflow'",
    "properties": {
        "layer": {"type": "string", "description": "a layer, such as linear(3, 4)"},
        "torch": {
            "type": "object",
            "description": "a mapping with 'layer' and an initializer for each parameter",
            "properties": {"layer": {"type": "string", "description": "a layer, such as nn.Linear(3, 4)"}},
            "required": ["layer"],
            "additionalProperties": {"type": "string", "description": "an initializer, such as nn.init.zeros_()"},
        },
        "tensorflow": {
            "type": "object",
            "description": "a mapping with 'layer' and 'input_shape'",
            "properties": {
                "layer": {"type": "string", "description": "a layer, such as keras.layers.Dense(4)"},
                "input_shape": _SHAPE,
            },
            "required": ["layer", "input_shape"],
            "additionalProperties": False,
        },
        "samples": {
            "type": "integer",
            "description": "how many values a distribution test draws per side, 1000 to 100000000",
            "minimum": 1_000,
            "maximum": 100_000_000,
        },
        "pair": {
            "type": "object",
            "description": "PyTorch's name of each parameter and TensorFlow's, such as {weight: kernel}",
            "minProperties": 1,
            "additionalProperties": {"type": "string", "description": "the name of a parameter"},
        },
        "layout": {
            "type": "object",
            "description": "how the axes map, by parameter, such as {weight: out in -> in out}",
            "additionalProperties": {"type": "string", "description": "an einops pattern such as out in -> in out"},
        },
    },
    "additionalProperties": {"type": "string", "description": "an initializer, such as uniform(0, 1)"},
}


@dataclass(frozen=True)
class Filling:
    """How one side fills a parameter.

    `source` is the call as it is written (empty: the layer's own default), `initializer` and `settings` the row that
    it corresponds to, None where no row does.
    """

    source: str = ""
    initializer: Initializer | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    default: bool = False

    @property
    def random(self) -> bool | None:
        """Whether it draws; None where no row says."""
        return None if self.initializer is None else self.initializer.distribution is not None

    @property
    def text(self) -> str:
        """The neutral call with its values, `uniform(0, 1)`; empty where no row knows it."""
        if self.initializer is None:
            return ""
        values = ", ".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in self.settings.values())
        return f"{self.initializer.name}({values})"

    def declared(self) -> Declared | None:
        """The distribution that its row declares, None where there is none."""
        from tfpt_cli.compare.distribution import Declared, scipy_law

        row = self.initializer
        if row is None or row.distribution is None:
            return None
        law = filled(row.distribution, row.signature, set(self.settings), self.settings, {})
        assert isinstance(law, ast.Call)
        keywords = {str(k.arg): constant(k.value) for k in law.keywords}
        if keywords.get("scale") == 0:
            return None
        return Declared(self.text, scipy_law(called_name(law), keywords))


@dataclass(frozen=True)
class Parameter:
    """One parameter of the layer: its name in each framework, its layout, how each side fills it.

    `shape` is PyTorch's, None where no row knows it; a side of `attribute` is None where it has no such parameter.
    """

    name: str
    attribute: Mapping[str, str | None]
    layout: str
    shape: Shape | None
    filling: Mapping[str, Filling]
    keras_argument: str = ""

    def draws(self, framework: str, samples: int) -> int:
        """How often it is drawn for a distribution test: 0 where nothing is random or the tensor itself is enough.

        Where no row says whether it is random, at least twice, to see.
        """
        random = self.filling[framework].random
        if random is False or self.shape is None:
            return 0
        needed = math.ceil(samples / max(math.prod(self.shape), 1))
        return max(needed, 2) if random is None else (needed if needed > 1 else 0)


@dataclass(frozen=True)
class Init:
    """A checked init scenario: everything that its listings need."""

    layer: Mapping[str, str]
    input_shape: tuple[int, ...]
    parameters: tuple[Parameter, ...]
    samples: int
    headline: str
    dtype: str
    seed: int
    known: bool

    subject = NAME

    def quantities(self) -> list[str]:
        """The names of the parameters."""
        return [parameter.name for parameter in self.parameters]

    def listing(self, framework: str, title: str) -> Listing:
        """The code for a framework."""
        write = {"torch": init_torch.write, "tensorflow": init_tensorflow.write}[framework]
        return write(self, title)

    def compare(self, outcomes: dict[str, Outcome], tolerance: Tolerance | None) -> list[Comparison]:
        """One comparison for every parameter: by value, or as a distribution where a side is random."""
        from tfpt_cli.compare.parameter import compare_parameter

        comparisons = []
        for parameter in self.parameters:
            sides = {f: outcomes[f].values.get((parameter.name, "")) for f in FRAMEWORKS}
            draws = {f: outcomes[f].values.get((parameter.name, DRAWS)) for f in FRAMEWORKS}
            comparisons.append(compare_parameter(parameter, sides, draws, tolerance))
        return comparisons

    def notes(self) -> tuple[str, ...]:
        """What each framework draws a parameter from where the scenario leaves it to the layer."""
        notes = []
        for parameter in self.parameters:
            defaults = [f"{LABELS[f]} {fill.text}" for f, fill in parameter.filling.items() if fill.default and fill.text]
            if defaults:
                notes.append(f"{parameter.name} is left to the layer: {', '.join(defaults)}")
        return tuple(notes)


def read(reader: Reader, dtype: str, seed: int) -> Init | None:
    """The init scenario of a case, or None after complaining about every problem in its fields."""
    before = len(reader.problems)
    native_sides = [framework for framework in FRAMEWORKS if reader.get(NAME, framework) is not None]
    neutral = reader.get(NAME, "layer") is not None
    if neutral and native_sides:
        message = f"'layer' and '{native_sides[0]}' exclude each other: one spelling for both, or one each"
        reader.complain((NAME, native_sides[0]), message, key=True)
        return None
    if not neutral and len(native_sides) < 2:
        if native_sides:
            (given,) = native_sides
            missing = next(f for f in FRAMEWORKS if f != given)
            reader.complain((NAME,), f"missing '{missing}' beside '{given}'", key=True)
        else:
            reader.complain((NAME,), "missing 'layer' (or 'torch' and 'tensorflow')", key=True)
        return None
    result = _Neutral(reader, dtype, seed).read() if neutral else _Native(reader, dtype, seed).read()
    return result if len(reader.problems) == before else None


_RESERVED = {"layer", "torch", "tensorflow", "samples", "pair", "layout"}


class _Neutral:
    """Reads a scenario with one spelling for both sides."""

    def __init__(self, reader: Reader, dtype: str, seed: int) -> None:
        self.reader, self.dtype, self.seed = reader, dtype, seed

    def read(self) -> Init | None:
        reader = self.reader
        for name in ("pair", "layout"):
            if reader.get(NAME, name) is not None:
                reader.complain((NAME, name), f"'{name}' is for native layers; the row of a neutral layer knows it", key=True)
        call = reader.call((NAME, "layer"), "a layer")
        found = self.layer(call) if call is not None else None
        if call is None or found is None:
            self.fillings(None)
            return None
        row, settings = found
        fillings = self.fillings(row)
        extra = {"torch": f"dtype=torch.{self.dtype}", "tensorflow": f'dtype="{self.dtype}"'}
        parameters = []
        keras_arguments = []
        for name, entry in row.parameters.items():
            if entry.present is not None and not settings[entry.present]:
                if name in fillings:
                    reader.complain((NAME, name), f"{ast.unparse(call)} has no {name}", key=True)
                continue
            both = fillings.get(name) or _defaults(entry, settings)
            parameters.append(_parameter(entry, settings, both))
            if name in fillings and fillings[name]:
                keras_arguments.append(f"{entry.keras_argument}={both['tensorflow'].source}")
        sources = {f: filled(row.spelling[f], row.signature, set(), settings, {}) for f in FRAMEWORKS}
        layer = {}
        for framework in FRAMEWORKS:
            arguments = keras_arguments if framework == "tensorflow" else []
            dtype = [extra[framework]] if self.dtype != "float32" else []
            layer[framework] = with_arguments(ast.unparse(sources[framework]), [*arguments, *dtype])
        input_shape = _settings_tuple(row.input_shape, settings)
        headline = f"{row.name}({', '.join(map(str, _given(row, call, settings)))})"
        return Init(
            layer, input_shape, tuple(parameters), _samples(reader), headline, self.dtype, self.seed, known=True
        )

    def layer(self, call: ast.Call) -> tuple[Layer, dict[str, Any]] | None:
        reader, path = self.reader, (NAME, "layer")
        name = called_name(call)
        row = dictionary().layers.get(name)
        if row is None:
            reader.complain_all(path, [Complaint(offset(call), unknown("layer", name or ast.unparse(call.func)))])
            return None
        settings = _checked_settings(reader, path, row, call)
        if settings is None:
            return None
        for entry in row.parameters.values():
            weights = math.prod(_settings_tuple(entry.shape, settings))
            if weights > MAX_WEIGHTS:
                message = f"{entry.name} would have {weights:.3g} values; at most {MAX_WEIGHTS:,} are allowed"
                reader.complain(path, message)
                return None
        return row, settings

    def fillings(self, row: Layer | None) -> dict[str, dict[str, Filling] | None]:
        """The initializers that the scenario names, by parameter; a value of None is one that was wrong."""
        reader = self.reader
        found: dict[str, dict[str, Filling] | None] = {}
        for name in reader.get(NAME, default={}):
            if name in _RESERVED:
                continue
            path = (NAME, name)
            if row is not None and name not in row.parameters:
                known = ", ".join(row.parameters)
                from tfpt_cli.suggest import did_you_mean

                hint = did_you_mean(name, [*row.parameters, *_RESERVED])
                reader.complain(path, f"{row.name} has no parameter '{name}'{hint} (it has {known})", key=True)
                continue
            found[name] = None
            call = reader.call(path, "an initializer")
            if call is None:
                continue
            initializer = dictionary().initializers.get(called_name(call))
            if initializer is None:
                wrong = called_name(call) or ast.unparse(call.func)
                reader.complain_all(path, [Complaint(offset(call), unknown("initializer", wrong))])
                continue
            settings = _checked_settings(reader, path, initializer, call)
            if settings is not None:
                found[name] = {f: _filling(initializer, settings, f) for f in FRAMEWORKS}
        return found


class _Native:
    """Reads a scenario with one spelling a side."""

    def __init__(self, reader: Reader, dtype: str, seed: int) -> None:
        self.reader, self.dtype, self.seed = reader, dtype, seed

    def read(self) -> Init | None:
        reader = self.reader
        calls = {f: reader.native((NAME, f, "layer"), f, set(), what="a native layer") for f in FRAMEWORKS}
        fillings = self.torch_fillings()
        for name in reader.get(NAME, default={}):
            if name not in _RESERVED:
                message = f"'{name}' goes under 'torch' (in Keras, into the layer: kernel_initializer=...)"
                reader.complain((NAME, name), message, key=True)
        torch_call, keras_call = calls["torch"], calls["tensorflow"]
        if not isinstance(torch_call, ast.Call) or not isinstance(keras_call, ast.Call):
            return None
        pair = reader.get(NAME, "pair")
        row, settings = self.row(torch_call, keras_call)
        if row is None and pair is None:
            names = f"{called_name(torch_call)} and {called_name(keras_call)}"
            reader.complain((NAME,), f"no row knows {names} as one layer; name the parameters, such as pair: {{weight: kernel}}", key=True)
            return None
        parameters = self.paired(pair, row, fillings) if pair is not None or row is None else self.known(row, settings, calls, fillings)
        names = [parameter.name for parameter in parameters]
        for name in fillings:
            if name not in names:
                words = f"the layer has no parameter '{name}' here (it has {', '.join(names)})"
                reader.complain((NAME, "torch", name), words, key=True)
        layer = {f: ast.unparse(call) for f, call in calls.items() if call is not None}
        return Init(
            layer,
            tuple(reader.get(NAME, "tensorflow", "input_shape")),
            tuple(parameters),
            _samples(reader),
            f"{layer['torch']}  |  {layer['tensorflow']}",
            self.dtype,
            self.seed,
            known=row is not None and pair is None,
        )

    def torch_fillings(self) -> dict[str, ast.Call]:
        """The checked calls that fill PyTorch's parameters; the tensor is passed in by the listing."""
        found: dict[str, ast.Call] = {}
        for name in self.reader.get(NAME, "torch", default={}):
            if name == "layer":
                continue
            path = (NAME, "torch", name)
            if not all(part.isidentifier() for part in name.split(".")) or "__" in name:
                self.reader.complain(path, f"'{name}' is not the name of a parameter", key=True)
                continue
            call = self.reader.native(path, "torch", set(), what="a native initializer", given=1)
            if isinstance(call, ast.Call):
                if not native("torch").canonical(called_name(call)).startswith("nn.init."):
                    self.reader.complain(path, f"'{ast.unparse(call.func)}' is not an initializer of nn.init")
                found[name] = call
        return found

    def row(self, torch_call: ast.Call, keras_call: ast.Call) -> tuple[Layer | None, dict[str, dict[str, Any]]]:
        """The row that knows both classes, and the settings that each call means by it."""
        for row in dictionary().layers.values():
            trees = {
                "torch": settings_of(row.spelling["torch"], torch_call, "torch"),
                "tensorflow": settings_of(row.spelling["tensorflow"], keras_call, "tensorflow"),
            }
            if all(tree is not None for tree in trees.values()):
                return row, {f: _constants(tree or {}) for f, tree in trees.items()}
        return None, {}

    def known(
        self, row: Layer, settings: dict[str, dict[str, Any]], calls: Mapping[str, ast.expr | None], fillings: dict[str, ast.Call]
    ) -> list[Parameter]:
        """The parameters of a pair of layers that a row knows."""
        reader = self.reader
        given = tuple(reader.get(NAME, "tensorflow", "input_shape"))
        sides = dict(settings)
        for name, size in zip(_names_of(row.input_shape), given[-len(_names_of(row.input_shape)) :], strict=False):
            sides["tensorflow"] = {name: size, **sides["tensorflow"]}
        layouts = reader.get(NAME, "layout", default={})
        parameters = []
        for name, entry in row.parameters.items():
            attribute: dict[str, str | None] = dict(entry.attribute)
            filling = {f: Filling() for f in FRAMEWORKS}
            for framework in FRAMEWORKS:
                if entry.present is not None and sides[framework].get(entry.present) is False:
                    attribute[framework] = None
                    continue
                default = _default(entry, framework, sides[framework])
                filling[framework] = default
            if name in fillings:
                filling["torch"] = _native_filling(fillings[name], "torch")
            keras_call = calls["tensorflow"]
            assert isinstance(keras_call, ast.Call)
            argument = next((k.value for k in keras_call.keywords if k.arg == entry.keras_argument), None)
            if argument is not None and attribute["tensorflow"] is not None:
                filling["tensorflow"] = _native_filling(argument, "tensorflow")
            shape = _settings_tuple_or_none(entry.shape, sides["torch"])
            parameters.append(
                Parameter(name, attribute, self.layout(layouts, name, entry.layout), shape, filling, entry.keras_argument)
            )
        return parameters

    def paired(self, pair: Mapping[str, str] | None, row: Layer | None, fillings: dict[str, ast.Call]) -> list[Parameter]:
        """The parameters that the scenario itself pairs."""
        layouts = self.reader.get(NAME, "layout", default={})
        parameters = []
        for ours, theirs in (pair or {}).items():
            for name, path in ((ours, (NAME, "pair", ours)), (theirs, (NAME, "pair", ours))):
                if not all(part.isidentifier() for part in name.split(".")) or "__" in name or name.startswith("_"):
                    self.reader.complain(path, f"'{name}' is not the name of a parameter")
            filling = {"torch": _native_filling(fillings[ours], "torch") if ours in fillings else Filling(), "tensorflow": Filling()}
            layout = self.layout(layouts, ours, "")
            parameters.append(Parameter(ours, {"torch": ours, "tensorflow": theirs}, layout, None, filling))
        for name in layouts:
            self.reader.choose((NAME, "layout", name), list(pair or {}), "parameter", name)
        return parameters

    def layout(self, layouts: Mapping[str, str], name: str, default: str) -> str:
        if name not in layouts:
            return default
        from tfpt_cli.compare.layout import problem_in

        problem = problem_in(layouts[name])
        if problem:
            self.reader.complain((NAME, "layout", name), problem)
        return layouts[name]


def with_arguments(call: str, arguments: list[str]) -> str:
    """The text of a call with further arguments at its end."""
    separator = "" if call.endswith("()") else ", "
    return f"{call[:-1]}{separator}{', '.join(arguments)})" if arguments else call


def _checked_settings(reader: Reader, path: tuple[Any, ...], row: Layer | Initializer, call: ast.Call) -> dict[str, Any] | None:
    """The constant settings of a neutral call, or None after complaining."""
    bound, complaints = row.signature.bind(row.name, call)
    settings, wrong = row.signature.values(row.name, bound)
    complaints += wrong
    requires = getattr(row, "requires", None)
    if not complaints and requires is not None and not _holds(requires, settings):
        complaints.append(Complaint(offset(call), f"{row.name} needs {ast.unparse(requires)}, got '{ast.unparse(call)}'"))
    reader.complain_all(path, complaints + [c for c in bad_constants(call) if c not in complaints])
    return None if complaints else settings


def _holds(requires: ast.expr, settings: Mapping[str, Any]) -> bool:
    match requires:
        case ast.Compare(left=ast.Name(id=left), ops=[ast.Lt()], comparators=[ast.Name(id=right)]):
            return bool(settings[left] < settings[right])
    raise AssertionError(f"no such requirement: {ast.unparse(requires)}")


def _filling(row: Initializer, settings: Mapping[str, Any], framework: str, *, default: bool = False) -> Filling:
    given = set(settings)
    tensor: dict[str, ast.expr] = {"tensor": ast.Name("tensor", ast.Load())} if framework == "torch" else {}
    source = "" if default else ast.unparse(filled(row.spelling[framework], row.signature, given, settings, tensor))
    return Filling(source, row, dict(settings), default)


def _defaults(entry: LayerParameter, settings: Mapping[str, Any]) -> dict[str, Filling]:
    return {framework: _default(entry, framework, settings) for framework in FRAMEWORKS}


def _default(entry: LayerParameter, framework: str, settings: Mapping[str, Any]) -> Filling:
    """What a layer draws a parameter from if nothing is said; unknown where the settings are."""
    call = entry.default[framework]
    row = dictionary().initializers[called_name(call)]
    try:
        values = [constant(_with(argument, settings), functions=True) for argument in call.args]
    except (NotConstant, BadConstant):
        return Filling(default=True)
    return _filling(row, dict(zip(row.signature.settings, values, strict=False)), framework, default=True)


def _with(tree: ast.expr, settings: Mapping[str, Any]) -> ast.expr:
    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return literal(settings[node.id]) if node.id in settings else node

    return Put().visit(ast.parse(ast.unparse(tree), mode="eval").body)


def _native_filling(tree: ast.expr, framework: str) -> Filling:
    """A native initializer as the row that it corresponds to, where there is one."""
    source = ast.unparse(tree)
    if framework == "torch" and isinstance(tree, ast.Call):
        source = ast.unparse(ast.Call(tree.func, [ast.Name("tensor", ast.Load()), *tree.args], tree.keywords))
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        simple = {"zeros": "zeros", "Zeros": "zeros", "ones": "ones", "Ones": "ones"}.get(tree.value)
        return _filling(dictionary().initializers[simple], {}, framework) if simple else Filling(source)
    if isinstance(tree, ast.Call):
        for row in dictionary().initializers.values():
            trees = settings_of(row.spelling[framework], tree, framework, given=int(framework == "torch"))
            if trees is None:
                continue
            settings = _constants(trees)
            if set(settings) >= set(row.signature.settings):
                ordered = {name: settings[name] for name in row.signature.settings}
                return Filling(source, row, ordered)
    return Filling(source)


def _constants(trees: Mapping[str, ast.expr]) -> dict[str, Any]:
    values = {}
    for name, tree in trees.items():
        try:
            values[name] = constant(tree, functions=True)
        except (NotConstant, BadConstant):
            continue
    return values


def _parameter(entry: LayerParameter, settings: Mapping[str, Any], filling: Mapping[str, Filling]) -> Parameter:
    shape = _settings_tuple(entry.shape, settings)
    return Parameter(entry.name, dict(entry.attribute), entry.layout, shape, filling, entry.keras_argument)


def _names_of(tree: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]


def _settings_tuple(tree: ast.expr, settings: Mapping[str, Any]) -> Shape:
    values = constant(_with(tree, settings))
    return tuple(int(value) for value in values)


def _settings_tuple_or_none(tree: ast.expr, settings: Mapping[str, Any]) -> Shape | None:
    try:
        return _settings_tuple(tree, settings)
    except (NotConstant, BadConstant, TypeError, ValueError):
        return None


def _given(row: Layer, call: ast.Call, settings: Mapping[str, Any]) -> list[str]:
    bound, _ = row.signature.bind(row.name, call)
    required = {p.name for p in row.signature.parameters if p.required}
    return [
        f"{settings[name]}" if name in required else f"{name}={settings[name]}" for name in row.signature.settings if name in bound
    ]


def _samples(reader: Reader) -> int:
    return int(reader.get(NAME, "samples", default=SAMPLES))


__all__ = ["DRAWS", "Init", "NAME", "Parameter", "SCHEMA", "read", "show"]
