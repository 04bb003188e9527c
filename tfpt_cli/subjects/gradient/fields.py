"""The fields of a gradient scenario."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.shapes import Shape, show
from tfpt_cli.lowering import shape_of, written
from tfpt_cli.results import FRAMEWORKS, LABELS
from tfpt_cli.scenario.expression import Complaint, mark_inputs
from tfpt_cli.scenario.reader import bad_name
from tfpt_cli.scenario.values import SCHEMA as VALUES
from tfpt_cli.scenario.values import Values, read_values
from tfpt_cli.subjects.gradient.spec import NAME, Gradient, Output

if TYPE_CHECKING:
    from tfpt_cli.scenario.document import Path
    from tfpt_cli.scenario.reader import Reader

MAX_NAMES = 64
DERIVATIVES = ("gradient", "jacobian", "hessian", "jvp", "vjp", "hvp")
MODES = {"torch": ("eager", "compile"), "tensorflow": ("eager", "graph", "jit")}

_EXPRESSION = {"type": ["string", "number"], "description": "an expression"}
_EXPRESSIONS = {
    "description": f"an expression, or 1 to {MAX_NAMES} by name",
    "anyOf": [
        _EXPRESSION,
        {"type": "object", "minProperties": 1, "maxProperties": MAX_NAMES, "additionalProperties": _EXPRESSION},
    ],
}
_NAMES = {
    "description": "the name of an input, or a list of names",
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_NAMES, "uniqueItems": True},
    ],
}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "a mapping with 'of' (or 'torch' and 'tensorflow') and 'at'",
    "additionalProperties": False,
    "properties": {
        "of": _EXPRESSIONS,
        "torch": _EXPRESSIONS,
        "tensorflow": _EXPRESSIONS,
        "at": {
            "type": "object",
            "description": f"the values of 1 to {MAX_NAMES} inputs by name, such as {{x: 0.0}}",
            "minProperties": 1,
            "maxProperties": MAX_NAMES,
            "additionalProperties": VALUES,
        },
        "wrt": _NAMES,
        "derivatives": {
            "type": "array",
            "description": f"a list of {', '.join(DERIVATIVES)}",
            "uniqueItems": True,
            "items": {"enum": list(DERIVATIVES), "description": f"one of {', '.join(DERIVATIVES)}"},
        },
        "tangent": {
            "type": "object",
            "description": "the direction of jvp and hvp, by input",
            "additionalProperties": VALUES,
        },
        "cotangent": {
            "description": "the weights of vjp: values like the output's, or several by output",
            "anyOf": [*VALUES["anyOf"], {"type": "object", "additionalProperties": VALUES}],
        },
        "modes": {
            "type": "object",
            "description": "how each side is run, such as {tensorflow: [eager, jit]}",
            "additionalProperties": False,
            "properties": {
                framework: {
                    "type": "array",
                    "description": f"a list of {', '.join(modes)}",
                    "minItems": 1,
                    "uniqueItems": True,
                    "items": {"enum": list(modes), "description": f"one of {', '.join(modes)}"},
                }
                for framework, modes in MODES.items()
            },
        },
    },
    "required": ["at"],
}


def read(reader: Reader, dtype: str, seed: int) -> Gradient | None:
    """The gradient scenario of a case, or None after complaining about every problem in its fields."""
    before = len(reader.problems)
    inputs = _read_inputs(reader)
    outputs = _read_outputs(reader, inputs)
    wrt = _read_wrt(reader, inputs)
    derivatives = tuple(reader.get(NAME, "derivatives", default=["gradient"]))
    known = {name: values for name, values in inputs.items() if values is not None}
    tangent = _read_tangent(reader, wrt, known, derivatives)
    cotangent = _read_cotangent(reader, outputs, derivatives)
    if len(reader.problems) > before:
        return None
    modes = {framework: tuple(reader.get(NAME, "modes", framework, default=["eager"])) for framework in FRAMEWORKS}
    return Gradient(
        inputs=known,
        outputs=tuple(outputs),
        wrt=wrt,
        derivatives=derivatives,
        tangent=tangent,
        cotangent=cotangent,
        modes=modes,
        headline=_headline(reader, known),
        dtype=dtype,
        seed=seed,
        native=reader.get(NAME, "of") is None,
    )


def _read_inputs(reader: Reader) -> dict[str, Values | None]:
    inputs: dict[str, Values | None] = {}
    for name in reader.get(NAME, "at", default={}):
        path = (NAME, "at", name)
        if why := bad_name(name):
            reader.complain(path, f"'{name}' cannot name an input: {why}", key=True)
        elif name in reader.case:
            reader.complain(path, f"'{name}' is both an input and a name of the matrix; rename one", key=True)
        inputs[name] = read_values(reader, path)
    return inputs


def _read_outputs(reader: Reader, inputs: dict[str, Values | None]) -> list[Output]:
    neutral = reader.get(NAME, "of") is not None
    given = [framework for framework in FRAMEWORKS if reader.get(NAME, framework) is not None]
    if neutral and given:
        reader.complain(
            (NAME, given[0]), f"'of' and '{given[0]}' exclude each other: one spelling for both, or one each", key=True
        )
        return []
    if not neutral and len(given) < 2:
        missing = [framework for framework in FRAMEWORKS if framework not in given]
        words = f"missing '{missing[0]}' beside '{given[0]}'" if given else "missing 'of' (or 'torch' and 'tensorflow')"
        reader.complain((NAME,), words, key=True)
        if not given:
            return []
    fields = ["of"] if neutral else given
    names = _output_names(reader, fields, inputs)
    return [output for name in names if (output := _read_output(reader, fields, name, inputs)) is not None]


def _output_names(reader: Reader, fields: list[str], inputs: dict[str, Values | None]) -> list[str]:
    """The names of the outputs; one empty name where the expression stands alone."""
    by_field = {f: list(v) if isinstance(v := reader.get(NAME, f), dict) else [""] for f in fields}
    names = by_field[fields[0]]
    for field_, others in by_field.items():
        if set(others) != set(names):
            ours, theirs = (", ".join(filter(None, n)) or "one expression" for n in (others, names))
            reader.complain(
                (NAME, field_), f"'{field_}' has {ours}, '{fields[0]}' has {theirs}; name the same outputs", key=True
            )
    for name in names if isinstance(reader.get(NAME, fields[0]), dict) else ():
        why = "it is an input" if name in inputs else bad_name(name)
        if why:
            reader.complain((NAME, fields[0], name), f"'{name}' cannot name an output: {why}", key=True)
    return names


def _read_output(reader: Reader, fields: list[str], name: str, inputs: dict[str, Values | None]) -> Output | None:
    source: dict[str, str] = {}
    shape: Shape | None = None
    shapes = {key: values.shape if values else None for key, values in inputs.items()}
    dtype = str(reader.get("dtype", default="float32"))
    native_shapes = []
    for field_ in fields:
        path: Path = (NAME, field_, name) if name else (NAME, field_)
        if reader.get(*path) is None:
            continue
        if field_ == "of":
            tree = reader.tree(path)
            if tree is None:
                continue
            mark_inputs(tree, set(inputs))
            shape, complaints = shape_of(tree, shapes)
            if not complaints and not any(isinstance(n, ast.Name) and n.id in inputs for n in ast.walk(tree)):
                complaints = [
                    Complaint(0, f"the expression depends on no input (given under 'at': {', '.join(inputs)})")
                ]
            reader.complain_all(path, complaints)
            if not complaints:
                source = {framework: written(tree, framework, dtype) for framework in FRAMEWORKS}
        else:
            native = reader.native(path, field_, set(inputs))
            if native is not None:
                source[field_] = ast.unparse(native)
                # Arithmetic means the same natively; behind a native call the shape is not known.
                known, complaints = shape_of(native, shapes)
                native_shapes.append(None if complaints else known)
    if native_shapes and len(set(native_shapes)) == 1:
        shape = native_shapes[0]
    return Output(name, source, shape) if source else None


def _read_wrt(reader: Reader, inputs: dict[str, Values | None]) -> tuple[str, ...]:
    wrt = reader.get(NAME, "wrt")
    if wrt is None:
        return tuple(inputs)
    names = [wrt] if isinstance(wrt, str) else wrt
    for index, name in enumerate(names):
        path: Path = (NAME, "wrt") if isinstance(wrt, str) else (NAME, "wrt", index)
        reader.choose(path, list(inputs), "input", name)
    return tuple(names)


def _read_tangent(
    reader: Reader, wrt: tuple[str, ...], inputs: dict[str, Values], derivatives: tuple[str, ...]
) -> dict[str, Values]:
    needing = [kind for kind in ("jvp", "hvp") if kind in derivatives]
    given = reader.get(NAME, "tangent")
    if given is None:
        if needing:
            reader.complain(
                (NAME, "derivatives"), f"'{needing[0]}' needs a 'tangent', such as tangent: {{{wrt[0]}: 1.0}}", key=True
            )
        return {}
    if not needing:
        reader.complain((NAME, "tangent"), "'tangent' is for jvp and hvp; add one of them to 'derivatives'", key=True)
    tangent: dict[str, Values] = {}
    for name in given:
        path = (NAME, "tangent", name)
        if not reader.choose(path, list(wrt), "input", name):
            continue
        values = read_values(reader, path)
        if values is not None and name in inputs:
            tangent[name] = values
            _same_shape(reader, path, "tangent", values, f"input '{name}'", inputs[name].shape)
    missing = [name for name in wrt if name not in given]
    if missing:
        reader.complain((NAME, "tangent"), f"'tangent' needs a value for '{missing[0]}' too", key=True)
    return tangent


def _read_cotangent(reader: Reader, outputs: list[Output], derivatives: tuple[str, ...]) -> dict[str, Values]:
    given = reader.get(NAME, "cotangent")
    if given is None:
        if "vjp" in derivatives:
            reader.complain((NAME, "derivatives"), "'vjp' needs a 'cotangent' shaped like the output", key=True)
        return {}
    if "vjp" not in derivatives:
        reader.complain((NAME, "cotangent"), "'cotangent' is for vjp; add it to 'derivatives'", key=True)
    by_name = isinstance(given, dict)
    cotangent: dict[str, Values] = {}
    for output in outputs:
        path: Path = (NAME, "cotangent", output.name) if by_name else (NAME, "cotangent")
        if by_name and output.name not in given:
            reader.complain(
                (NAME, "cotangent"), f"'cotangent' needs a value for '{output.name or 'the output'}' too", key=True
            )
            continue
        values = read_values(reader, path)
        if values is not None:
            cotangent[output.name] = values
            if output.shape is not None:
                _same_shape(reader, path, "cotangent", values, f"'{output.value}'", output.shape)
    for name in given if by_name else ():
        reader.choose((NAME, "cotangent", name), [o.name for o in outputs], "output", name)
    return cotangent


def _same_shape(reader: Reader, path: Path, what: str, values: Values, of: str, shape: Shape) -> None:
    if values.shape != shape:
        reader.complain(path, f"the {what} has shape {show(values.shape)}, {of} has {show(shape)}")


def _headline(reader: Reader, inputs: dict[str, Values]) -> str:
    def shown(field_: str) -> str:
        value = reader.get(NAME, field_)
        if isinstance(value, dict):
            return ", ".join(f"{name} = {' '.join(str(text).split())}" for name, text in value.items())
        return " ".join(str(value).split())

    at = ", ".join(f"{name} = {values.shown}" for name, values in inputs.items())
    if reader.get(NAME, "of") is not None:
        return f"{shown('of')}   at {at}"
    return "\n".join([*(f"{LABELS[f]:<10}  {shown(f)}" for f in FRAMEWORKS), f"at {at}"])
