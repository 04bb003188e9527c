"""Loads the rows and checks each: its signature, that both spellings parse, that they use every parameter.

A row is the only place where a spelling stands. `dictionary()` gives all rows, read once.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
import yamlcore

from tfpt_cli.dictionary.shapes import RULES
from tfpt_cli.dictionary.signature import KINDS, Signature, parse_signature
from tfpt_cli.results import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOTS = {"torch": {"torch", "nn", "F"}, "tensorflow": {"tf", "keras"}, "numpy": {"np", "rng"}}


class RowError(Exception):
    """A row of the dictionary that cannot be right; the message says which and why."""


@dataclass(frozen=True)
class Operation:
    """A function of arrays: its signature, its spelling by framework, the rule for its result's shape."""

    name: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    shape: str
    operator: str | None = None
    about: str = ""


@dataclass(frozen=True)
class Initializer:
    """A way to fill a parameter: `distribution` is a frozen scipy.stats one of the settings, None where nothing is random."""

    name: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    distribution: ast.expr | None
    requires: ast.expr | None


@dataclass(frozen=True)
class LayerParameter:
    """One parameter of a layer: where each framework keeps it and how the axes correspond."""

    name: str
    attribute: Mapping[str, str]
    layout: str
    shape: ast.expr
    present: str | None
    keras_argument: str
    default: Mapping[str, ast.Call]


@dataclass(frozen=True)
class Layer:
    """A layer: its spelling by framework, the input shape that Keras builds it for, its parameters."""

    name: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    input_shape: ast.expr
    parameters: Mapping[str, LayerParameter]


@dataclass(frozen=True)
class ArrayCall:
    """A call that gives an input its values: its NumPy spelling and the shape of the result."""

    name: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    shape: ast.expr


@dataclass(frozen=True)
class Dictionary:
    """All rows, by neutral name."""

    operations: Mapping[str, Operation]
    initializers: Mapping[str, Initializer]
    layers: Mapping[str, Layer]
    arrays: Mapping[str, ArrayCall]
    operators: Mapping[str, Operation] = field(default_factory=dict)

    def other_names(self, kind: str) -> dict[str, str]:
        """Every name by which a person may look for a row of a kind, and the neutral name: `{"reduce_sum": "sum", ...}`."""
        rows: Mapping[str, Any] = getattr(self, kind)
        names: dict[str, str] = {}
        for name, row in rows.items():
            for tree in row.spelling.values():
                called = called_name(tree)
                if called:
                    names.setdefault(called.rsplit(".", 1)[-1], name)
        return names | {name: name for name in rows}


def called_name(tree: ast.AST) -> str:
    """`nn.Linear` for a tree that calls it, an empty string for one that is no call of a dotted name."""
    return dotted(tree.func) if isinstance(tree, ast.Call) else ""


def dotted(tree: ast.AST) -> str:
    """`tf.nn.relu` for the tree of that name, an empty string for any other tree."""
    parts: list[str] = []
    while isinstance(tree, ast.Attribute):
        parts.append(tree.attr)
        tree = tree.value
    return ".".join([tree.id, *reversed(parts)]) if isinstance(tree, ast.Name) else ""


@cache
def dictionary() -> Dictionary:
    """Every row, read from the YAML files beside this one and checked. Raises `RowError`."""
    operations = {name: _operation(name, row) for name, row in _read("operations")}
    return Dictionary(
        operations=operations,
        initializers={name: _initializer(name, row) for name, row in _read("initializers")},
        layers={name: _layer(name, row) for name, row in _read("layers")},
        arrays={name: _array(name, row) for name, row in _read("arrays")},
        operators={row.operator: row for row in operations.values() if row.operator},
    )


def _read(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    text = Path(__file__).with_name(f"{kind}.yaml").read_text(encoding="utf-8")
    rows = yaml.load(text, Loader=yamlcore.CCoreLoader)  # noqa: S506 - builds plain data only
    for name, row in rows.items():
        yield f"{name}", row


def _operation(name: str, row: dict[str, Any]) -> Operation:
    _keys(name, row, {"signature", "torch", "tensorflow", "shape"}, {"operator", "about"})
    signature = _signature(name, row)
    if row["shape"] not in RULES:
        raise RowError(f"{name}: no shape rule '{row['shape']}'")
    spelling = {framework: _spelling(name, row, framework, signature) for framework in FRAMEWORKS}
    return Operation(name, signature, spelling, row["shape"], row.get("operator"), row.get("about", ""))


def _initializer(name: str, row: dict[str, Any]) -> Initializer:
    _keys(name, row, {"signature", "torch", "tensorflow"}, {"distribution", "requires"})
    signature = _signature(name, row)
    spelling = {
        "torch": _spelling(name, row, "torch", signature, {"tensor"}),
        "tensorflow": _spelling(name, row, "tensorflow", signature),
    }
    distribution = row.get("distribution")
    return Initializer(
        name,
        signature,
        spelling,
        _expression(name, distribution) if distribution else None,
        _expression(name, row["requires"]) if "requires" in row else None,
    )


def _layer(name: str, row: dict[str, Any]) -> Layer:
    _keys(name, row, {"signature", "torch", "tensorflow", "input_shape", "parameters"}, set())
    signature = _signature(name, row)
    used_by_shape = _names(_expression(name, row["input_shape"]))
    spelling = {
        "torch": _spelling(name, row, "torch", signature),
        "tensorflow": _spelling(name, row, "tensorflow", signature, elsewhere=used_by_shape),
    }
    parameters = {key: _parameter(f"{name}.{key}", key, entry, signature) for key, entry in row["parameters"].items()}
    return Layer(name, signature, spelling, _expression(name, row["input_shape"]), parameters)


def _parameter(where: str, name: str, row: dict[str, Any], signature: Signature) -> LayerParameter:
    _keys(where, row, {"torch", "tensorflow", "layout", "shape", "initializer", "default"}, {"present"})
    present = row.get("present")
    if present is not None and present not in signature.settings:
        raise RowError(f"{where}: '{present}' is not a parameter of the layer")
    default = {}
    for framework in FRAMEWORKS:
        tree = _expression(where, row["default"][framework])
        if not isinstance(tree, ast.Call):
            raise RowError(f"{where}: the default for {framework} is not a call of an initializer")
        default[framework] = tree
    attribute = {framework: row[framework] for framework in FRAMEWORKS}
    return LayerParameter(
        name, attribute, row["layout"], _expression(where, row["shape"]), present, row["initializer"], default
    )


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
        if parameter.annotation is not None and parameter.annotation not in KINDS:
            raise RowError(f"{name}: '{parameter.annotation}' is not a kind of setting")
        if parameter.kind == "setting" and parameter.annotation is None:
            raise RowError(f"{name}: '{parameter.name}' does not say what it may be")
    return signature


def _spelling(
    name: str,
    row: dict[str, Any],
    framework: str,
    signature: Signature,
    extra: frozenset[str] | set[str] = frozenset(),
    elsewhere: frozenset[str] | set[str] = frozenset(),
) -> ast.expr:
    tree = _expression(f"{name} ({framework})", row[framework])
    used = _names(tree)
    parameters = {p.name for p in signature.parameters}
    unused = (parameters | extra) - used - elsewhere
    unknown = used - parameters - extra - ROOTS[framework]
    if unused or unknown:
        raise RowError(f"{name} ({framework}): does not use {sorted(unused)}, does not know {sorted(unknown)}")
    return tree


def _expression(where: str, text: Any) -> ast.expr:
    try:
        return ast.parse(str(text), mode="eval").body
    except SyntaxError as error:
        raise RowError(f"{where}: '{text}' does not parse: {error.msg}") from None


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
