"""The rows of the YAML files as records: `dictionary()` gives them all. A row is the only place where a spelling stands.

A row and its expressions are made when they are first asked for. That they are right is not examined here, at every start, but
by `tfpt_cli.dictionary.checks`, in the tests and in `tfpt selfcheck`.
"""

from __future__ import annotations

import ast
import math
import re
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.files import derived, rows_of
from tfpt_cli.dictionary.points import cases_of, domain_of, parts_of
from tfpt_cli.dictionary.records import (
    SIGNED,
    ArrayCall,
    Initializer,
    Layer,
    LayerParameter,
    OnDemand,
    Operation,
    RowError,
    Undecided,
    Unlike,
)
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.language.trees import branches, called_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
# What a person may look for by another name.
_KINDS = ("operations", "layers", "initializers", "arrays")
# Layers that only hold another layer or function, which is what they do.
_HOLDERS = ("Sequential", "Activation")
# The names that a spelling may use besides the parameters of its row.
_BUILTINS = ("abs", "bool", "float", "int", "len", "max", "min", "range", "sum")
ROOTS = {
    **{framework.key: {*framework.roots} for framework in FRAMEWORKS.values()},
    "numpy": {"np", "scipy", "rng", "math", *_BUILTINS},
    "mpmath": {"mp", "np", "math", *_BUILTINS},
}


class Dictionary:
    """All rows, by neutral name. Asking for one raises `RowError` where an expression of it does not parse.

    >>> ast.unparse(Dictionary().operations["relu"].spelling["torch"])
    'F.relu(x)'
    >>> Dictionary().operators["+"].name
    'add'
    """

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """The operations by neutral name, in the order of their files."""
        kinds = {name: kind for kind in OPERATIONS for name in rows_of(f"operations/{kind}")}
        return OnDemand(kinds, lambda name, kind: operation(name, rows_of(f"operations/{kind}")[name], kind))

    @cached_property
    def operators(self) -> Mapping[str, Operation]:
        """The operations that have an operator, by that operator, such as `+` or `<=`."""
        written = {
            row["operator"]: name
            for kind in OPERATIONS
            for name, row in rows_of(f"operations/{kind}").items()
            if "operator" in row
        }
        return OnDemand(written, lambda _, name: self.operations[name])

    @cached_property
    def initializers(self) -> Mapping[str, Initializer]:
        """The initializers by neutral name."""
        return OnDemand(rows_of("initializers"), initializer)

    @cached_property
    def layers(self) -> Mapping[str, Layer]:
        """The layers by neutral name; a row that stands for several is written out."""
        return OnDemand(dict(written_out(rows_of("layers"))), layer)

    @cached_property
    def arrays(self) -> Mapping[str, ArrayCall]:
        """The calls that give an input its values, by name, such as `linspace`."""
        return OnDemand(rows_of("arrays"), array_call)

    def other_names(self, kind: str) -> dict[str, str]:
        """Every name by which a person may look for a row of a kind (`operations`, ...), with the neutral name of that row.

        >>> dictionary().other_names("operations")["reduce_sum"]
        'sum'
        """
        return self._all_other_names[kind]

    @cached_property
    def _all_other_names(self) -> Mapping[str, dict[str, str]]:
        return derived("names", lambda: {kind: self._other_names(kind) for kind in _KINDS})

    def _other_names(self, kind: str) -> dict[str, str]:
        rows: Mapping[str, Any] = getattr(self, kind)
        claims: dict[str, list[str]] = {}
        for name, row in rows.items():
            for tree in (branch for spelled in row.spelling.values() for branch in branches(spelled)):
                called = called_name(tree).rsplit(".", 1)[-1]
                # `torch.cat([relu(x), relu(-x)])` is the spelling of crelu, and `cat` no other name of it.
                if called and called not in _HOLDERS and (kind != "operations" or _hands_on(tree)):
                    for other in {called, called.rstrip("_")}:
                        claims.setdefault(other, []).append(name)
        # Of several rows that are spelled with one call, it means that of its own name, `prelu` rather than `prelu2d`.
        names = {called: min(of, key=lambda name: name != called.lower()) for called, of in claims.items()}
        return names | {name: name for name in rows}


def _hands_on(tree: ast.expr) -> bool:
    """Whether a call is given the arguments of its row as they are, and not what is computed of them."""
    assert isinstance(tree, ast.Call)
    given = [*tree.args, *(keyword.value for keyword in tree.keywords)]
    return all(isinstance(part, (ast.Name, ast.Constant)) for part in given) and not any(map(_is_choice, given))


def _is_choice(tree: ast.expr) -> bool:
    """Whether an argument is a word or a truth value by which a row takes one meaning of a call: `rounding_mode='floor'`."""
    return isinstance(tree, ast.Constant) and isinstance(tree.value, (str, bool))


@cache
def dictionary() -> Dictionary:
    """The dictionary of this process, whose rows are made once and shared by all callers."""
    return Dictionary()


@cache
def drawn_layers(framework: str) -> frozenset[str]:
    """The last names of the layer classes of a framework that start with random weights.

    >>> "Linear" in drawn_layers("torch"), "LayerNorm" in drawn_layers("torch")
    (True, False)
    """
    found = set()
    for row in dictionary().layers.values():
        laws = [called_name(p.default[framework]) for p in row.parameters.values() if framework in p.default]
        if any(law and dictionary().initializers[law].random for law in laws):
            calls = [node for node in ast.walk(row.spelling[framework]) if isinstance(node, ast.Call)]
            found |= {called_name(call).rpartition(".")[2] for call in calls}
    return frozenset(found - {"Sequential", "Bidirectional"})  # those draw nothing of their own


@cache
def unstable_operations() -> tuple[Operation, ...]:
    """The operations for which a framework's answer at NaN depends on the place in a vector.

    Every scenario asks for them, so they are found without making any other row.
    """
    rows = {name: row for kind in OPERATIONS for name, row in rows_of(f"operations/{kind}").items()}
    unstable = [name for name, row in rows.items() if any("unstable" in part for part in row.get("parts", ()))]
    return tuple(dictionary().operations[name] for name in unstable)


def operation(name: str, row: Mapping[str, Any], kind: str) -> Operation:
    """A row of `operations/` as a record; `kind` is the name of its file."""
    signature = parse_signature(row["signature"])
    limits = {
        array: given if isinstance(given, list) else (given, math.inf) for array, given in row.get("axes", {}).items()
    }
    return Operation(
        name=name,
        kind=kind,
        signature=signature,
        spelling=_spelling(name, row, "numpy", "mpmath"),
        shape=row["shape"],
        operator=row.get("operator"),
        about=" ".join(str(row.get("about", "")).split()),
        domain=domain_of(row),
        cases=cases_of(name, row, signature),
        dtypes=tuple(row["dtypes"]),
        parts=parts_of(row.get("parts", ())),
        undecided=tuple(
            Undecided(
                at=expression(name, entry["at"]) if "at" in entry else None,
                instead=expression(name, entry["instead"]) if "instead" in entry else None,
                derivative=entry.get("in") == "derivatives",
                because=" ".join(entry["because"].split()),
            )
            for entry in row.get("undecided", ())
        ),
        edges=parts_of(row.get("edges", ())),
        axes={array: (least, most) for array, (least, most) in limits.items()},
        holds=row.get("holds", False),
    )


def initializer(name: str, row: Mapping[str, Any]) -> Initializer:
    """A row of `initializers.yaml` as a record. Raises `RowError` for a distribution that is no call."""
    distribution = expression(name, row["distribution"]) if "distribution" in row else None
    if distribution is not None and not isinstance(distribution, ast.Call):
        raise RowError(f"{name}: the distribution is not a call")
    return Initializer(
        name=name,
        signature=parse_signature(row["signature"]),
        spelling=_spelling(name, row),
        means=expression(name, row["means"]) if "means" in row else None,
        distribution=distribution,
        structure=row.get("structure", ""),
        axes=tuple(row["axes"]) if "axes" in row else None,
        requires=_requires(name, row),
        unlike=_unlike(name, row),
        alone=row.get("alone", "").strip(),
        scenario=row["scenario"],
        fills=row.get("fills"),
    )


def layer(name: str, row: Mapping[str, Any]) -> Layer:
    """A row of `layers.yaml`, once it is written out, as a record."""
    return Layer(
        name=name,
        signature=parse_signature(row["signature"]),
        spelling=_spelling(name, row),
        where=_expressions(name, row.get("where", {})),
        requires=_requires(name, row),
        unlike=_unlike(name, row),
        input_shape=expression(name, row["input_shape"]),
        build=expression(name, row["build"]) if "build" in row else None,
        further=int(row.get("further", 1)),
        inputs=expression(name, row["inputs"]) if "inputs" in row else None,
        indices=expression(name, row["indices"]) if "indices" in row else None,
        call=_expressions(
            name, {f.key: row["call"][f.column] if "call" in row else "layer(x)" for f in FRAMEWORKS.values()}
        ),
        channels=bool(row.get("channels")),
        single=bool(row.get("single")),
        written=frozenset(row.get("written", ())),
        recurrent=bool(row.get("recurrent")),
        parameters={key: _parameter(f"{name}.{key}", key, entry) for key, entry in row["parameters"].items()},
        notes=" ".join(str(row.get("notes", "")).split()),
        scenario=row["scenario"],
    )


def _parameter(where: str, name: str, row: Mapping[str, Any]) -> LayerParameter:
    return LayerParameter(
        name=name,
        attribute=_expressions(
            where, {f.key: _placeholders(row[f.column]) for f in FRAMEWORKS.values() if f.column in row}
        ),
        added=expression(where, _placeholders(row["added"])) if "added" in row else None,
        key=row.get("key", name),
        layout=row["layout"],
        sizes=_expressions(where, row.get("sizes", {})),
        blocks={framework: tuple(order) for framework, order in row.get("blocks", {}).items()},
        shape=expression(where, row["shape"]),
        present=row.get("present"),
        state=bool(row.get("state")),
        drawn=row.get("drawn", SIGNED),
        keras_argument=row.get("initializer", ""),
        also=row.get("also", {}),
        fans=_expressions(where, row.get("fans", {})),
        fans_of=row.get("fans_of", ""),
        copied=row.get("copied"),
        reset=row.get("reset", ""),
        default=_expressions(where, row["default"]),
    )


def array_call(name: str, row: Mapping[str, Any]) -> ArrayCall:
    """A row of `arrays.yaml` as a record: a call that gives an input its values."""
    return ArrayCall(
        name=name,
        signature=parse_signature(row["signature"]),
        spelling=_spelling(name, row, "numpy"),
        shape=expression(name, row["shape"]),
    )


# In a recurrent row `{copy}` and `{cell}` stand for what every layer and direction is called; as names they parse.
COPY, CELL = "_COPY", "CELL"


def _placeholders(text: Any) -> str:
    return str(text).replace("{copy}", COPY).replace("{cell}", CELL)


def written_out(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of `layers.yaml` by name, where a row that stands for several is written out as one row each.

    The cell of a recurrent row follows it as a row of its own.

    >>> rows = {"conv{n}d": {"each": {"n": [1, 2]}, "torch": "nn.Conv{n}d()"}}
    >>> dict(written_out(rows))
    {'conv1d': {'torch': 'nn.Conv1d()'}, 'conv2d': {'torch': 'nn.Conv2d()'}}
    """
    for name, given in rows.items():
        row = {key: value for key, value in given.items() if key != "each"}
        values = given.get("each", {"": [""]})
        for index in range(len(next(iter(values.values())))):
            put = {f"{{{key}}}": str(options[index]) for key, options in values.items()}
            one = _replaced(row, put)
            cell = one.pop("cell", None)
            yield _replaced(name, put), one
            if cell is not None:
                shared = {key: one[key] for key in ("unlike", "notes", "scenario") if key in one}
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


def _requires(name: str, row: Mapping[str, Any]) -> Mapping[str, ast.expr]:
    """The conditions that must hold, by the words in which a person would say them; a condition without words is its own."""
    given = row.get("requires", {})
    return _expressions(name, given if isinstance(given, dict) else {given: given})


def _unlike(name: str, row: Mapping[str, Any]) -> tuple[Unlike, ...]:
    return tuple(
        Unlike(where=expression(name, entry["where"]), because=tuple(_with_formulas(name, entry["because"])))
        for entry in row.get("unlike", ())
    )


def _with_formulas(where: str, text: str) -> Iterator[str | ast.expr]:
    """The parts of a text with formulas in braces."""
    for place, part in enumerate(re.split(r"\{(.*?)\}", " ".join(text.split()))):
        yield expression(where, part) if place % 2 else part


def _spelling(name: str, row: Mapping[str, Any], *others: str) -> Mapping[str, ast.expr]:
    """How each framework that has one spells a row, by framework, and the `others` by their column."""
    columns = {framework.key: framework.column for framework in FRAMEWORKS.values()} | {key: key for key in others}
    texts = {key: row[column] for key, column in columns.items() if column in row}
    return OnDemand(texts, lambda key, text: expression(f"{name} ({key})", text))


def _expressions(where: str, texts: Mapping[str, Any]) -> Mapping[str, ast.expr]:
    return OnDemand(texts, lambda _, text: expression(where, text))


def expression(where: str, text: Any) -> ast.expr:
    """The tree of a row's expression, which may stand on several lines; `where` is what `RowError` calls the place."""
    try:
        return ast.parse(" ".join(str(text).split()), mode="eval").body
    except SyntaxError as error:
        raise RowError(f"{where}: '{text}' does not parse: {error.msg}") from None
