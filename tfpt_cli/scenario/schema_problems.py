"""What the JSON Schema of a scenario refuses in a document, in words with their places.

The validator is jsonschema-rs.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from tfpt_cli.language.dtypes import DTYPES, WHOLE_DTYPES, dtype_called, dtype_hint
from tfpt_cli.language.mentions import field
from tfpt_cli.language.suggest import beginning, did_you_mean
from tfpt_cli.scenario.schema import structure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfpt_cli.documents.document import Document, Path
    from tfpt_cli.results import Problem

MAX_UNKNOWN = 20
# The validator's integers have 64 bits.
_LARGEST = 2.0**63


@cache
def _validator() -> Any:
    return jsonschema_rs.validator_for(structure())


def structural_problems(document: Document) -> tuple[list[Problem], set[Path], set[Path]]:
    """Every place where a document is not of the schema, the paths of the values that are wrong, and those of unknown keys.

    An unknown key is a problem but not a wrong value: what stands beside it can still be read.
    """
    problems: list[Problem] = []
    wrong: set[Path] = set()
    unknown: set[Path] = set()
    for error in _validator().iter_errors(_finite(document.data)):
        path = _path(document, error)
        kind = _kind(error)
        if kind == "AdditionalProperties":
            unknown |= {(*path, key) for key in error.kind.unexpected}
            known = _schema_at(error.schema_path[:-1]).get("properties", {})
            for key in error.kind.unexpected[:MAX_UNKNOWN]:
                nearest = _without_space(key, known) or _called(key, known) or did_you_mean(key, list(known))
                hint = nearest or f" (known: {', '.join(known)})"
                problems.append(document.problem((*path, key), f"unknown key '{key}'{hint}", key=True))
            continue
        wrong.add(path)
        error = _deepest(error)
        path, kind = _path(document, error), _kind(error)
        if kind == "Required":
            what = f"'{path[-1]}'" if path else "the scenario"
            expected = _schema_at([*error.schema_path[:-1], "properties", error.kind.property]).get("description", "")
            message = f"{what} needs '{error.kind.property}': {expected}"
        elif kind == "UniqueItems":
            message = f"'{path[-1]}' names something twice"
        else:
            names = [step for step in path if isinstance(step, str)]
            what = f"'{names[-1]}'" if names else "a scenario"
            hint = _hint(str(error.instance), error.kind.options) if kind == "Enum" else ""
            message = f"{what} must be {_expected(error.schema_path)}, got {_shown(document.at(path))}{hint}"
        problems.append(document.problem(path, message))
    return sorted(problems), wrong, unknown


def _path(document: Document, error: Any) -> Path:
    """The path of the value that an error is about; the validator takes a key of digits, `'0'` or `'007'`, for an index."""
    value, path = document.data, []
    for step in error.instance_path:
        if isinstance(value, dict) and str(step) not in value:
            step = next(key for key in value if key.isdigit() and int(key) == step)
        path.append(str(step) if isinstance(value, dict) else step)
        value = value[path[-1]]
    return tuple(path)


# Keys by the words that people try first.
_OTHER_KEYS = {
    "at": ("input", "inputs", "values", "point", "args", "x"),
    "of": ("expr", "expression", "function", "formula", "code"),
    "torch": ("pytorch", "pt"),
    "tensorflow": ("tf", "keras"),
    "derivatives": ("derivative", "grads", "gradients"),
    "dtypes": ("dtype", "input_dtypes"),
    "wrt": ("by", "variables"),
    "let": ("where", "with", "define"),
    "tolerance": ("tol", "rtol", "atol"),
    "because": ("reason", "why"),
    "tags": ("tag", "marks"),
    "layer": ("module",),
    "input_shape": ("shape", "build"),
}


def _called(key: str, known: Iterable[str]) -> str:
    """A hint for a key that has another name here."""
    found = next((name for name, others in _OTHER_KEYS.items() if key in others and name in known), "")
    return f", did you mean '{found}'?" if found else ""


def _without_space(key: str, known: Iterable[str]) -> str:
    """A hint for `of:exp(x)`, which YAML takes for a word."""
    name, colon, value = key.partition(":")
    return f"; a key ends with a space behind its colon: '{name}: {value}'" if colon and name in known else ""


def _hint(wrong: str, options: list[str]) -> str:
    """The value that was meant, as the end of a message; for a dtype that cannot stand there, where it can."""
    if "float32" in options:
        if wrong in WHOLE_DTYPES and wrong not in options:
            return f", which has no derivatives; an input of whole numbers is said by {field('dtypes', 'i', 'int64')}"
        if dtype_called(wrong) not in DTYPES or dtype_called(wrong) in options:
            return dtype_hint(wrong) or did_you_mean(wrong, options) or beginning(wrong, options)
        return ""
    return did_you_mean(wrong, options) or beginning(wrong, options)


def _deepest(error: Any) -> Any:
    """The error to show: where a value fits none of several forms, the one inside the form that it comes nearest to."""
    if _kind(error) != "AnyOf":
        return error
    for branch in error.kind.context:
        deeper = [found for found in branch if len(found.instance_path) > len(error.instance_path)]
        if deeper or any(_kind(found) == "UniqueItems" for found in branch):
            return _deepest((deeper or branch)[0])
    return error


def _kind(error: Any) -> str:
    """The keyword that failed, as `jsonschema_rs` calls it: `Type`, `Required`, `AnyOf`."""
    return type(error.kind).__name__.rpartition("_")[2]


def _finite(value: Any) -> Any:
    """The data with a number in place of what JSON, and so the validator, does not have: `.nan`, `.inf`, endless integers.

    For the first two one that is no whole number: neither are they.
    """
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return 0.5
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return _LARGEST if value > 0 else -_LARGEST  # not `copysign`, which makes a float of one that has 400 digits
    return value


def _schema_at(path: list[Any]) -> dict[str, Any]:
    node: Any = structure()
    for step in path:
        node = node[step] if isinstance(node, (dict, list)) and (isinstance(node, list) or step in node) else {}
    return node if isinstance(node, dict) else {}


def _expected(path: list[Any]) -> str:
    """The description of the innermost schema on the way to a failed keyword that has one."""
    for length in range(len(path), -1, -1):
        description = _schema_at(path[:length]).get("description")
        if isinstance(description, str):
            return description
    return "something else"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an empty mapping" if not value else f"a mapping with {', '.join(sorted(value)[:4])}"
    if isinstance(value, list):
        return "an empty list" if not value else f"a list of {len(value)}"
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}..."
