"""Whether the rows can be right: their keys, their signatures, that every spelling parses and uses every parameter.

The tests and `tfpt selfcheck` ask for this, and no other command: it takes its time, and the rows of a released tfpt stay as
they are.
"""

from __future__ import annotations

import ast
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.conditions import wrong_conditions
from tfpt_cli.dictionary.differences import difference, numbered
from tfpt_cli.dictionary.files import names_below, rows_of
from tfpt_cli.dictionary.formulas import HELPERS
from tfpt_cli.dictionary.patterns import parsed
from tfpt_cli.dictionary.points import VERDICTS, point_sets
from tfpt_cli.dictionary.readings import readings
from tfpt_cli.dictionary.records import DRAWN, RowError, Unlike
from tfpt_cli.dictionary.rows import OPERATIONS, ROOTS, array_call, initializer, layer, operation, written_out
from tfpt_cli.frameworks import FRAMEWORKS, TORCH
from tfpt_cli.language.dtypes import DTYPES
from tfpt_cli.language.kinds import ARRAY_KINDS, KINDS
from tfpt_cli.language.shapes import RULES
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.results import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Set

    from tfpt_cli.language.signature import Signature

    Row = Mapping[str, Any]

# What a side may show, as a known difference calls it.
SHOWS = {
    *("none", "nan", "infinite", "zero", "finite", "failed", "absent", "present"),
    *("right", "convention", "wrong"),  # to the reference
}
# What a comparison may be diagnosed with; `error` where a side refused.
DIAGNOSES = {*Diagnosis, "error"}

_COLUMNS = tuple(framework.column for framework in FRAMEWORKS.values())
# The keys of a row by what it is: those that it needs, and those that it may have besides.
_KEYS: dict[str, tuple[set[str], set[str]]] = {
    "operation": (
        {"signature", *_COLUMNS, "numpy", "shape", "points", "dtypes"},
        {"mpmath", "operator", "about", "domain", "special", "call", "parts", "undecided", "axes", "edges", "holds"},
    ),
    "initializer": (
        {"signature", "scenario"},
        {*_COLUMNS, "means", "distribution", "structure", "axes", "requires", "unlike", "alone", "fills"},
    ),
    "layer": (
        {"signature", *_COLUMNS, "input_shape", "parameters", "scenario"},
        {
            *("where", "requires", "unlike", "build", "further", "inputs", "indices"),
            *("call", "channels", "single", "written", "recurrent", "notes"),
        },
    ),
    "parameter": (
        {*_COLUMNS, "layout", "shape", "default"},
        {
            *("added", "key", "sizes", "blocks", "present", "initializer"),
            *("also", "fans", "fans_of", "copied", "reset", "state", "drawn"),
        },
    ),
    "array call": ({"signature", "numpy", "shape"}, set()),
    "difference": (
        {"what", "scenario"},
        {"why", "write", "source", "versions", "machine", "equal", "fits", "fix"},
    ),
    "fit": (
        set(),
        {
            *(*_COLUMNS, "also", "without", "where", "whole", "value"),
            *("quantity", "diagnosis", "dtype", "shows", "says", "how", "default", "around"),
        },
    ),
    "fix": (set(), {*_COLUMNS, "neutral", "fill"}),
    "part": ({"because"}, {"in", "at", "dtypes", "verdict", "machine", "versions", "unstable"}),
    "undecided": ({"because"}, {"at", "instead", "in"}),
}


def check_rows() -> None:
    """Raises `RowError` with a line for every row that cannot be right."""
    wrong = list(_wrong())
    if wrong:
        raise RowError("\n".join(wrong))


def _wrong() -> Iterator[str]:
    for kind in OPERATIONS:
        yield from _complaints(rows_of(f"operations/{kind}"), partial(check_operation, kind=kind))
    yield from _complaints(rows_of("initializers"), check_initializer)
    yield from _complaints(dict(written_out(rows_of("layers"))), check_layer)
    yield from _complaints(rows_of("arrays"), check_array_call)
    files = names_below("differences")
    for file in files:
        yield from _complaints(rows_of(file), partial(check_difference, file=file))
    for found in (files, [f"operations/{kind}" for kind in OPERATIONS]):
        names = [name for file in found for name in rows_of(file)]
        yield from (f"{name} stands twice" for name in sorted(set(names)) if names.count(name) > 1)
    for framework in FRAMEWORKS:
        readings(framework)


def _complaints(rows: Mapping[str, Row], check: Callable[[str, Row], None]) -> Iterator[str]:
    for name, row in rows.items():
        try:
            check(name, row)
        except RowError as error:
            yield str(error)


def check_operation(name: str, row: Row, kind: str) -> None:
    """Raises `RowError` for an operation's row that cannot be right."""
    _check_keys(name, row, "operation")
    signature = _signature(name, row)
    if row["shape"] not in RULES:
        raise RowError(f"{name}: no shape rule '{row['shape']}'")
    if unknown := set(row["dtypes"]) - set(DTYPES):
        raise RowError(f"{name}: no dtypes {sorted(unknown)}")
    if isinstance(row["points"], str) and row["points"] not in point_sets():
        raise RowError(f"{name}: no set of points '{row['points']}'")
    for part in (*row.get("parts", ()), *row.get("edges", ())):
        _check_part(name, part)
    for entry in row.get("undecided", ()):
        _check_keys(f"{name} (undecided)", entry, "undecided")
        if ("at" in entry) == ("instead" in entry) or entry.get("in", "derivatives") != "derivatives":
            raise RowError(f"{name} (undecided): has 'at' or 'instead', and 'in' is nothing but 'derivatives'")
    if unknown := set(row.get("axes", {})) - set(signature.arrays):
        raise RowError(f"{name}: 'axes' names {sorted(unknown)}, which are no arrays of it")
    made = operation(name, row, kind)
    _check_spelling(name, made.spelling, signature, known={"dtype"} | HELPERS)
    parameters = {p.name for p in signature.parameters}
    for case in made.undecided:
        known = parameters | ROOTS["numpy"] | ({"dtype"} if case.at is not None else {"value", "unknown"})
        # What starts with an underscore is a function of freedom.py.
        if unknown := {name for name in _names(case.condition) - known if not name.startswith("_")}:
            raise RowError(f"{name} (undecided): does not know {sorted(unknown)}")
    named = [(case.kind, case.name, case.complex) for case in made.cases]
    if len(set(named)) < len(named):
        raise RowError(f"{name}: two cases have one name")


def _check_part(name: str, part: Row) -> None:
    """Raises `RowError` for a declared difference of an operation that cannot be right."""
    _check_keys(f"{name} (a declared difference)", part, "part")
    if part.get("verdict", "differ") not in VERDICTS:
        raise RowError(f"{name}: a declared difference has no verdict '{part['verdict']}'")
    if part.get("unstable", TORCH) not in FRAMEWORKS or ("unstable" in part and part.get("at") != ["nan"]):
        raise RowError(f"{name}: 'unstable' names a framework, and stands beside `at: [nan]` alone")
    if words := wrong_conditions(part):
        raise RowError(f"{name}: {words}")


def check_initializer(name: str, row: Row) -> None:
    """Raises `RowError` for an initializer's row that cannot be right."""
    _check_keys(name, row, "initializer")
    signature = _signature(name, row)
    made = initializer(name, row)
    names = HELPERS | {"shape", "first", "dtype", "size"}
    _check_spelling(name, made.spelling, signature, known=names, needed={TORCH: {"tensor"}})
    missing = [framework for framework in FRAMEWORKS if framework not in made.spelling]
    if missing and not ("means" in row or "alone" in row):
        raise RowError(f"{name}: no spelling for {' and '.join(missing)}, and no reason")
    if made.structure not in ("", "orthogonal", "sparse"):
        raise RowError(f"{name}: no structure '{made.structure}'")
    _ask_all(made.requires)
    _check_unlike(name, made.unlike, {p.name for p in signature.parameters} | HELPERS | Unlike.NAMES)


def _check_unlike(name: str, unlike: Iterable[Unlike], known: Set[str]) -> None:
    for one in unlike:
        for formula in (one.where, *(part for part in one.because if not isinstance(part, str))):
            if unknown := _names(formula) - known:
                raise RowError(f"{name}: '{ast.unparse(formula)}' does not know {sorted(unknown)}")


def check_layer(name: str, row: Row) -> None:
    """Raises `RowError` for a layer's row, once it is written out, that cannot be right."""
    _check_keys(name, row, "layer")
    signature = _signature(name, row)
    for key, parameter in row["parameters"].items():
        _check_keys(f"{name}.{key}", parameter, "parameter")
    made = layer(name, row)
    elsewhere = set(
        re.findall(r"\w+", str([row["input_shape"], row.get("where"), row.get("requires"), row["parameters"]]))
    )
    if made.recurrent:
        elsewhere |= {"num_layers", "bidirectional"}
    _check_spelling(name, made.spelling, signature, known=set(made.where) | HELPERS, elsewhere=elsewhere)
    _ask_all(made.where, made.requires, made.call)
    _check_unlike(name, made.unlike, {p.name for p in signature.parameters} | HELPERS)
    if unknown := made.written - set(signature.settings):
        raise RowError(f"{name}: 'written' names {sorted(unknown)}, which are no settings of it")
    if str(row.get("further", 1)) not in ("1", "2", "3"):
        raise RowError(f"{name}: 'further' is no number of axes")
    for formula in filter(None, (made.inputs, made.indices)):
        if strange := _names(formula) - {*signature.settings, *made.where} - HELPERS:
            raise RowError(f"{name}: '{ast.unparse(formula)}' does not know {sorted(strange)}")
    inputs = {framework: _names(call) - {"layer"} for framework, call in made.call.items()}
    if len(set(map(frozenset, inputs.values()))) > 1:
        raise RowError(f"{name}: is not called with the same inputs on both sides: {inputs}")
    for parameter in made.parameters.values():
        where = f"{name}.{parameter.name}"
        _ask_all(parameter.attribute, parameter.sizes, parameter.fans, parameter.default)
        if parameter.present is not None and parameter.present not in {*signature.settings, *made.where}:
            raise RowError(f"{where}: '{parameter.present}' is not a setting of the layer")
        if parameter.drawn not in DRAWN:
            raise RowError(f"{where}: is 'drawn' as none of {', '.join(filter(None, DRAWN))}")
        gates = {frozenset(order) for order in parameter.blocks.values()}
        if len(gates) > 1 or (gates and "(gate " not in parameter.layout):
            raise RowError(f"{where}: the blocks are not the same on both sides, or no axis 'gate' holds them")


def check_array_call(name: str, row: Row) -> None:
    """Raises `RowError` for a row of `arrays.yaml` that cannot be right."""
    _check_keys(name, row, "array call")
    _check_spelling(name, array_call(name, row).spelling, _signature(name, row))


def check_difference(name: str, row: Row, file: str) -> None:
    """Raises `RowError` for a known difference that cannot be right; `file` is the name of its file."""
    _check_keys(name, row, "difference")
    equal = bool(row.get("equal", False))
    if equal and ("fits" in row or "fix" in row):
        raise RowError(f"{name}: what is equal explains no mismatch and needs no fix")
    if not equal and not row.get("fits"):
        raise RowError(f"{name}: 'fits' must say which mismatches it explains")
    if words := wrong_conditions(row):
        raise RowError(f"{name}: {words}")
    for fit in row.get("fits", ()):
        _check_keys(f"{name} (fits)", fit, "fit")
        shows = fit.get("shows", {})
        if {word for words in shows.values() for word in words.split()} - SHOWS or set(shows) - set(FRAMEWORKS):
            raise RowError(f"{name}: 'shows' says by framework some of {', '.join(sorted(SHOWS))}")
        if unknown := set(fit.get("diagnosis", ())) - DIAGNOSES:
            raise RowError(f"{name}: no diagnosis is called {sorted(unknown)}")
    for fix in row.get("fix", ()):
        _check_keys(f"{name} (fix)", fix, "fix")
    try:
        _parse_patterns(name, row, file)
    except (RowError, re.error) as error:
        raise RowError(f"{name}: {error}") from None


def _parse_patterns(name: str, row: Row, file: str) -> None:
    """Parses every pattern and replacement of a known difference."""
    made = difference(name, file, row)
    for fit in made.fits:
        for patterns in (*fit.code.values(), *fit.also.values(), *fit.without.values()):
            for pattern in patterns:
                pattern.tree  # noqa: B018 - it parses, or the row is wrong
        for words in fit.says.values():
            re.compile(words)
    for fix in made.fixes:
        for rules in fix.rules.values():
            for text in (*rules, *rules.values()):
                parsed(numbered(text, {}))


def _check_keys(name: str, row: Row, kind: str) -> None:
    needed, allowed = _KEYS[kind]
    missing, unknown = needed - set(row), set(row) - needed - allowed
    if missing or unknown:
        raise RowError(f"{name}: missing {sorted(missing)}, unknown {sorted(unknown)}")


def _signature(name: str, row: Row) -> Signature:
    """The signature of a row. Raises `RowError` where it does not parse or does not say what a setting may be."""
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


def _check_spelling(
    name: str,
    spelling: Mapping[str, ast.expr],
    signature: Signature,
    *,
    known: Set[str] = frozenset(),
    needed: Mapping[str, Set[str]] | None = None,
    elsewhere: Set[str] = frozenset(),
) -> None:
    """Raises `RowError` where a spelling does not use a parameter, or uses a name that nobody gives it.

    `known` are further names that it may use, `needed` those that it must, by side; `elsewhere` are parameters that another
    part of the row uses.
    """
    parameters = {p.name for p in signature.parameters}
    for side, tree in spelling.items():
        used, must = _names(tree), (needed or {}).get(side, set())
        unused, unknown = (parameters | must) - used - elsewhere, used - parameters - must - ROOTS[side] - known
        if unused or unknown:
            raise RowError(f"{name} ({side}): does not use {sorted(unused)}, does not know {sorted(unknown)}")


def _ask_all(*expressions: Iterable[Any]) -> None:
    """Parses expressions that are parsed on demand; one that does not parse raises `RowError`."""
    for mapping in expressions:
        dict(mapping)


def _names(tree: ast.AST) -> set[str]:
    """The names that a tree uses and does not bind itself."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {a.arg for node in ast.walk(tree) if isinstance(node, ast.Lambda) for a in node.args.args}
    return {node.id for node in names} - bound
