"""Loads the rows and checks each: its signature, that both spellings parse, that they use every parameter.

A row is the only place where a spelling stands. `dictionary()` gives all rows, read once.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
import yamlcore

from tfpt_cli.dictionary.formulas import HELPERS, UNKNOWN, value_of
from tfpt_cli.dictionary.points import DTYPES, Case, Part, PointsError, cases_of, domain_of, parts_of
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.kinds import ARRAY_KINDS, KINDS
from tfpt_cli.language.shapes import RULES
from tfpt_cli.language.signature import Signature, parse_signature
from tfpt_cli.language.trees import branches, called_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_BUILTINS = ("abs", "bool", "float", "int", "len", "max", "min", "range", "sum")
ROOTS = {
    "torch": {"torch", "nn", "F", "math"},
    "tensorflow": {"tf", "keras", "np", "math"},
    "numpy": {"np", "scipy", "rng", "math", *_BUILTINS},
    "mpmath": {"mp", "np", "math", *_BUILTINS},
}


# The files of operations, in the order in which they are listed.
OPERATIONS = (
    "elementwise",
    "activations",
    "special",
    "reductions",
    "sorting",
    "linalg",
    "manipulation",
    "fft",
)

# The keys of an operation's row that few rows have.
_OPTIONAL = ("axes", "edges")


class RowError(Exception):
    """A row of the dictionary that cannot be right; the message says which and why."""


@dataclass(frozen=True)
class Undecided:
    """Arguments at which independent sources give an operation different values, so that nobody is right or wrong there.

    `at` is a NumPy condition on the operation's parameters: `np.isneginf(x)`; `because` says which sources part.
    """

    at: ast.expr
    because: str


@dataclass(frozen=True)
class Operation:
    """A function of arrays; the keys are explained at the head of `operations/elementwise.yaml`.

    `kind` is its file. `spelling` has both frameworks, `numpy` for the reference and, where there is one, `mpmath` for
    50 digits. `axes` says how many axes an array must have, at least and at most; `edges` are the declared differences at
    the edges of `tfpt_cli.selfcheck.edge_inputs`.
    """

    name: str
    kind: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    shape: str
    operator: str | None
    about: str
    domain: str
    cases: tuple[Case, ...]
    dtypes: tuple[str, ...]
    parts: tuple[Part, ...]
    undecided: tuple[Undecided, ...] = ()
    edges: tuple[Part, ...] = ()
    axes: Mapping[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def differentiable(self) -> bool:
        """Whether its result has a derivative at all (an index or a truth value has none)."""
        return self.domain != "none"

    @property
    def elementwise(self) -> bool:
        """Whether each entry of the result comes from one entry of each array."""
        return self.shape in ("elementwise", "complex of two")

    @property
    def unstable(self) -> tuple[Part, ...]:
        """The declared differences in which a framework's answer at NaN depends on the place in a vector."""
        return tuple(part for part in self.parts if part.unstable)


@cache
def drawn_layers(framework: str) -> frozenset[str]:
    """The last names of the layer classes of a framework that start with random weights: `Linear`, `Conv2d`, `LSTM`."""
    found = set()
    for row in dictionary().layers.values():
        laws = [called_name(p.default[framework]) for p in row.parameters.values() if framework in p.default]
        if any(law and law not in ("zeros", "ones", "constant") for law in laws):
            calls = [node for node in ast.walk(row.spelling[framework]) if isinstance(node, ast.Call)]
            found |= {called_name(call).rpartition(".")[2] for call in calls}
    return frozenset(found - {"Sequential", "Bidirectional"})  # those draw nothing of their own


@cache
def unstable_operations() -> tuple[Operation, ...]:
    """The operations of which a framework's answer at NaN depends on the place in a vector: asked for by every scenario."""
    return tuple(row for row in dictionary().operations.values() if row.unstable)


@dataclass(frozen=True)
class Initializer:
    """A way to fill a parameter; the same on both sides. The keys are explained in `initializers.yaml`.

    A framework that is missing from `spelling` is written as what the row `means`; with neither, `alone` says why.
    """

    name: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    means: ast.expr | None
    distribution: ast.Call | None
    structure: str
    axes: tuple[int, int] | None
    requires: Mapping[str, ast.expr]
    alone: str
    scenario: str

    @property
    def random(self) -> bool:
        """Whether it draws anything."""
        return bool(self.means or self.distribution or self.structure)


@dataclass(frozen=True)
class LayerParameter:
    """One parameter of a layer: where each framework keeps it and how the axes correspond.

    The keys are explained in `layers.yaml`; a side of `attribute` is None where the layer has no such parameter.
    """

    name: str
    attribute: Mapping[str, ast.expr]
    added: ast.expr | None
    key: str
    layout: str
    sizes: Mapping[str, ast.expr]
    blocks: Mapping[str, tuple[str, ...]]
    shape: ast.expr
    present: str | None
    keras_argument: str
    also: Mapping[str, Any]
    fans: Mapping[str, ast.expr]
    fans_of: str
    copied: int | None
    reset: str
    default: Mapping[str, ast.expr]


@dataclass(frozen=True)
class Layer:
    """A layer: its spelling by framework, the shapes that Keras builds it for, its parameters."""

    name: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    where: Mapping[str, ast.expr]
    requires: Mapping[str, ast.expr]
    input_shape: ast.expr
    build: ast.expr | None
    recurrent: bool
    parameters: Mapping[str, LayerParameter]
    notes: str
    scenario: str

    def names(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings, and the row's own names for formulas of them where those can be computed and are not given."""
        names = dict(settings)
        for name, formula in self.where.items():
            if name in settings:
                continue
            try:
                names[name] = value_of(formula, names)
            except UNKNOWN:
                continue
        return names

    @property
    def keys(self) -> dict[str, list[LayerParameter]]:
        """What a scenario may fill, and the parameters that it fills."""
        keys: dict[str, list[LayerParameter]] = {}
        for entry in self.parameters.values():
            keys.setdefault(entry.key, []).append(entry)
        return keys


@dataclass(frozen=True)
class ArrayCall:
    """A call that gives an input its values: its NumPy spelling and the shape of the result."""

    name: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    shape: ast.expr


class Dictionary:
    """All rows, by neutral name: a kind is read from its YAML file beside this one, and checked, when it is asked for.

    Asking raises `RowError` for a row that cannot be right.
    """

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        return {name: _operation(name, row, kind) for kind in OPERATIONS for name, row in _read(f"operations/{kind}")}

    @cached_property
    def operators(self) -> Mapping[str, Operation]:
        return {row.operator: row for row in self.operations.values() if row.operator}

    @cached_property
    def initializers(self) -> Mapping[str, Initializer]:
        return {name: _initializer(name, row) for name, row in _read("initializers")}

    @cached_property
    def layers(self) -> Mapping[str, Layer]:
        return {name: _layer(name, row) for name, row in _each(dict(_read("layers")))}

    @cached_property
    def arrays(self) -> Mapping[str, ArrayCall]:
        return {name: _array(name, row) for name, row in _read("arrays")}

    def other_names(self, kind: str) -> dict[str, str]:
        """Every name by which a person may look for a row of a kind, and the neutral name: `{"reduce_sum": "sum", ...}`."""
        rows: Mapping[str, Any] = getattr(self, kind)
        names: dict[str, str] = {}
        for name, row in rows.items():
            for tree in (branch for spelled in row.spelling.values() for branch in branches(spelled)):
                called = called_name(tree).rsplit(".", 1)[-1]
                if called and called != "Sequential":
                    names.setdefault(called, name)
                    names.setdefault(called.rstrip("_"), name)
        return names | {name: name for name in rows}


@cache
def dictionary() -> Dictionary:
    """The one dictionary of this process."""
    return Dictionary()


def _read(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    text = (Path(__file__).parent / f"{kind}.yaml").read_text(encoding="utf-8")
    rows = yaml.load(text, Loader=yamlcore.CCoreLoader)  # noqa: S506 - builds plain data only
    for name, row in rows.items():
        yield f"{name}", row


def _operation(name: str, row: dict[str, Any], kind: str) -> Operation:
    needed = {"signature", "torch", "tensorflow", "numpy", "shape", "points", "dtypes"}
    _keys(
        name,
        row,
        needed,
        {"mpmath", "operator", "about", "domain", "special", "call", "parts", "undecided", *_OPTIONAL},
    )
    signature = _signature(name, row)
    if row["shape"] not in RULES:
        raise RowError(f"{name}: no shape rule '{row['shape']}'")
    unknown = set(row["dtypes"]) - set(DTYPES)
    if unknown:
        raise RowError(f"{name}: no dtypes {sorted(unknown)}")
    spelling = {side: _spelling(name, row, side, signature, known={"dtype"})
                for side in (*FRAMEWORKS, "numpy", "mpmath") if side in row}  # fmt: skip
    try:
        cases, parts, edges = cases_of(name, row, signature), parts_of(row), parts_of({"parts": row.get("edges", ())})
    except PointsError as error:
        raise RowError(f"{name}: {error}") from None
    about = " ".join(str(row.get("about", "")).split())
    operator, domain, dtypes = row.get("operator"), domain_of(row), tuple(row["dtypes"])
    undecided = tuple(_undecided(name, entry, signature) for entry in row.get("undecided", ()))
    given = row.get("axes", {})
    axes = {array: tuple(limits) if isinstance(limits, list) else (limits, math.inf) for array, limits in given.items()}
    if set(axes) - set(signature.arrays):
        raise RowError(f"{name}: 'axes' names {sorted(set(axes) - set(signature.arrays))}, which are no arrays of it")
    return Operation(
        name, kind, signature, spelling, row["shape"], operator, about, domain, cases, dtypes, parts,
        undecided=undecided, edges=edges, axes=axes,
    )  # fmt: skip


def _undecided(name: str, entry: dict[str, Any], signature: Signature) -> Undecided:
    if set(entry) != {"at", "because"}:
        raise RowError(f"{name}: what is undecided has 'at' and 'because', not {sorted(entry)}")
    condition = _expression(name, entry["at"])
    unknown = _names(condition) - {p.name for p in signature.parameters} - ROOTS["numpy"]
    if unknown:
        raise RowError(f"{name} (undecided): does not know {sorted(unknown)}")
    return Undecided(condition, " ".join(entry["because"].split()))


def _initializer(name: str, row: dict[str, Any]) -> Initializer:
    keys = {"torch", "tensorflow", "means", "distribution", "structure", "axes", "requires", "alone"}
    _keys(name, row, {"signature", "scenario"}, keys)
    signature = _signature(name, row)
    extra = {"torch": {"tensor"}, "tensorflow": set()}
    names = HELPERS | {"shape", "first", "dtype", "size"}
    spelling = {f: _spelling(name, row, f, signature, extra[f], known=names) for f in FRAMEWORKS if f in row}
    missing = [framework for framework in FRAMEWORKS if framework not in row]
    if missing and not ("means" in row or "alone" in row):
        raise RowError(f"{name}: no spelling for {' and '.join(missing)}, and no reason")
    distribution = _expression(name, row["distribution"]) if "distribution" in row else None
    if distribution is not None and not isinstance(distribution, ast.Call):
        raise RowError(f"{name}: the distribution is not a call")
    if row.get("structure", "") not in ("", "orthogonal", "sparse"):
        raise RowError(f"{name}: no structure '{row['structure']}'")
    return Initializer(
        name,
        signature,
        spelling,
        _expression(name, row["means"]) if "means" in row else None,
        distribution,
        row.get("structure", ""),
        tuple(row["axes"]) if "axes" in row else None,
        _requires(name, row),
        row.get("alone", "").strip(),
        row["scenario"],
    )


def _layer(name: str, row: dict[str, Any]) -> Layer:
    optional = {"where", "requires", "build", "recurrent", "notes"}
    _keys(name, row, {"signature", "torch", "tensorflow", "input_shape", "parameters", "scenario"}, optional)
    signature = _signature(name, row)
    where = {key: _expression(name, text) for key, text in row.get("where", {}).items()}
    elsewhere = frozenset(_words(str([row["input_shape"], row.get("where"), row["parameters"]])))
    if row.get("recurrent"):
        elsewhere |= {"num_layers", "bidirectional"}
    spelling = {
        framework: _spelling(name, row, framework, signature, elsewhere=elsewhere, known=set(where) | HELPERS)
        for framework in FRAMEWORKS
    }
    known = set(signature.settings) | set(where)
    parameters = {key: _parameter(f"{name}.{key}", key, entry, known) for key, entry in row["parameters"].items()}
    return Layer(
        name,
        signature,
        spelling,
        where,
        _requires(name, row),
        _expression(name, row["input_shape"]),
        _expression(name, row["build"]) if "build" in row else None,
        bool(row.get("recurrent")),
        parameters,
        row.get("notes", ""),
        row["scenario"],
    )


def _parameter(where: str, name: str, row: dict[str, Any], known: set[str]) -> LayerParameter:
    optional = {
        "added",
        "key",
        "sizes",
        "blocks",
        "present",
        "initializer",
        "also",
        "fans",
        "fans_of",
        "copied",
        "reset",
    }
    _keys(where, row, {"torch", "tensorflow", "layout", "shape", "default"}, optional)
    present = row.get("present")
    if present is not None and present not in known:
        raise RowError(f"{where}: '{present}' is not a setting of the layer")
    blocks = {framework: tuple(order) for framework, order in row.get("blocks", {}).items()}
    if blocks and (len({frozenset(order) for order in blocks.values()}) > 1 or "(gate " not in row["layout"]):
        raise RowError(f"{where}: the blocks are not the same on both sides, or no axis 'gate' holds them")
    attribute = {f: _expression(where, _placeholders(row[f])) for f in FRAMEWORKS}
    return LayerParameter(
        name,
        attribute,
        _expression(where, _placeholders(row["added"])) if "added" in row else None,
        row.get("key", name),
        row["layout"],
        {axis: _expression(where, text) for axis, text in row.get("sizes", {}).items()},
        blocks,
        _expression(where, row["shape"]),
        present,
        row.get("initializer", ""),
        row.get("also", {}),
        {key: _expression(where, text) for key, text in row.get("fans", {}).items()},
        row.get("fans_of", ""),
        row.get("copied"),
        row.get("reset", ""),
        {framework: _expression(where, text) for framework, text in row["default"].items()},
    )


# In a recurrent row `{copy}` and `{cell}` stand for what every layer and direction is called; as names they parse.
COPY, CELL = "_COPY", "CELL"


def _placeholders(text: Any) -> str:
    return str(text).replace("{copy}", COPY).replace("{cell}", CELL)


def _each(rows: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows, with those that stand for several written out, and the cell of a recurrent row after it."""
    for name, row in rows.items():
        values = row.pop("each", {"": [""]})
        for index in range(len(next(iter(values.values())))):
            put = {f"{{{key}}}": str(options[index]) for key, options in values.items()}
            one = _replaced(row, put)
            cell = one.pop("cell", None)
            yield _replaced(name, put), one
            if cell is not None:
                shared = {key: one[key] for key in ("notes", "scenario") if key in one}
                yield (
                    f"{name}_cell",
                    {**cell, **shared, "parameters": _replaced(one["parameters"], {"{copy}": "", "{cell}": "layer"})},
                )


def _replaced(value: Any, put: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {_replaced(key, put): _replaced(item, put) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, put) for item in value]
    if isinstance(value, str):
        for old, new in put.items():
            value = value.replace(old, new)
    return value


def _array(name: str, row: dict[str, Any]) -> ArrayCall:
    _keys(name, row, {"signature", "numpy", "shape"}, set())
    signature = _signature(name, row)
    return ArrayCall(
        name, signature, {"numpy": _spelling(name, row, "numpy", signature)}, _expression(name, row["shape"])
    )


def _keys(name: str, row: dict[str, Any], needed: set[str], allowed: set[str]) -> None:
    missing, unknown = needed - set(row), set(row) - needed - allowed
    if missing or unknown:
        raise RowError(f"{name}: missing {sorted(missing)}, unknown {sorted(unknown)}")


def _signature(name: str, row: dict[str, Any]) -> Signature:
    try:
        signature = parse_signature(row["signature"])
    except SyntaxError as error:
        raise RowError(f"{name}: the signature does not parse: {error}") from None
    for parameter in signature.parameters:
        kinds = ARRAY_KINDS if parameter.kind == "array" else KINDS
        if parameter.annotation is not None and parameter.annotation not in kinds:
            raise RowError(f"{name}: '{parameter.annotation}' is not a kind of setting")
        if parameter.kind == "setting" and parameter.annotation is None:
            raise RowError(f"{name}: '{parameter.name}' does not say what it may be")
    return signature


def _requires(name: str, row: dict[str, Any]) -> dict[str, ast.expr]:
    """What must hold, by how a person would say it; a condition alone says it itself."""
    found = row.get("requires", {})
    return {
        words: _expression(name, text) for words, text in (found if isinstance(found, dict) else {found: found}).items()
    }


def _spelling(
    name: str,
    row: dict[str, Any],
    framework: str,
    signature: Signature,
    extra: frozenset[str] | set[str] = frozenset(),
    elsewhere: frozenset[str] | set[str] = frozenset(),
    known: frozenset[str] | set[str] = frozenset(),
) -> ast.expr:
    tree = _expression(f"{name} ({framework})", row[framework])
    used = _names(tree)
    parameters = {p.name for p in signature.parameters}
    unused = (parameters | extra) - used - elsewhere
    unknown = used - parameters - extra - ROOTS[framework] - known
    if unused or unknown:
        raise RowError(f"{name} ({framework}): does not use {sorted(unused)}, does not know {sorted(unknown)}")
    return tree


def _expression(where: str, text: Any) -> ast.expr:
    try:
        return ast.parse(" ".join(str(text).split()), mode="eval").body
    except SyntaxError as error:
        raise RowError(f"{where}: '{text}' does not parse: {error.msg}") from None


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def _names(tree: ast.AST) -> set[str]:
    """The names that a tree uses and does not bind itself."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {node.id for node in names} - {node.id for node in names if isinstance(node.ctx, ast.Store)}
