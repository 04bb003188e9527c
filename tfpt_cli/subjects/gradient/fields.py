"""The fields of a gradient scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfpt_cli.documents.inputs import SCHEMA as VALUES
from tfpt_cli.documents.inputs import Values, read_inputs, read_values
from tfpt_cli.documents.modes import modes_schema, read_modes
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.dtypes import DTYPES, WHOLE_DTYPES
from tfpt_cli.language.mentions import field
from tfpt_cli.language.shapes import Shape, show
from tfpt_cli.results import DERIVATIVES
from tfpt_cli.subjects.gradient.expressions import Expressions, needed_whole
from tfpt_cli.subjects.gradient.spec import NAME, Gradient, Output

if TYPE_CHECKING:
    from tfpt_cli.documents.document import Path
    from tfpt_cli.documents.reader import Reader

MAX_NAMES = 64
_DTYPES = [*DTYPES, *WHOLE_DTYPES]

_EXPRESSION = {
    "description": "an expression, or {python: file.py:function} for a function of your own",
    "anyOf": [
        {"type": ["string", "number"]},
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["python"],
            "properties": {"python": {"type": "string", "description": "file.py:function"}},
        },
    ],
}
_NEUTRAL = {"type": ["string", "number"], "description": "an expression"}


def _or_by_name(one: dict[str, Any], title: str, *examples: Any) -> dict[str, Any]:
    return {
        "title": title,
        "description": f"an expression, or 1 to {MAX_NAMES} by name",
        "anyOf": [
            one,
            {"type": "object", "minProperties": 1, "maxProperties": MAX_NAMES, "additionalProperties": one},
        ],
        "examples": list(examples),
    }


_LINES = {
    "type": "object",
    "description": f"1 to {MAX_NAMES} expressions by name, such as {{h: tanh(w @ x)}}",
    "minProperties": 1,
    "maxProperties": MAX_NAMES,
    "additionalProperties": _NEUTRAL,
}
_NAMES = {
    "title": "The inputs to differentiate by; all that have a derivative unless said, none to compare values alone",
    "description": "the name of an input, or a list of names",
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "maxItems": MAX_NAMES, "uniqueItems": True},
    ],
    "examples": ["x", ["x", "w"], []],
}

SCHEMA: dict[str, Any] = {
    "title": "Compare expressions and their derivatives",
    "type": "object",
    "description": "a mapping with 'of' (or 'torch' and 'tensorflow') and 'at'",
    "additionalProperties": False,
    "properties": {
        "of": _or_by_name(
            _NEUTRAL, "One expression for both sides", "sum(tanh(w @ x))", {"loss": "mean((w @ x - y) ** 2)"}
        ),
        "torch": _or_by_name(_EXPRESSION, "PyTorch's expression", "F.softplus(x, beta=2)", {"python": "port.py:loss"}),
        "tensorflow": _or_by_name(_EXPRESSION, "TensorFlow's expression", "tf.math.softplus(2 * x) / 2"),
        "let": {
            "title": "Named lines before the expressions",
            "examples": [{"h": "tanh(w @ x)"}],
            "description": "named lines before the expressions, such as {h: tanh(w @ x)}; by framework for native ones",
            "anyOf": [
                _LINES,
                {
                    "type": "object",
                    "additionalProperties": False,
                    "minProperties": 1,
                    "properties": dict.fromkeys(FRAMEWORKS, _LINES),
                },
            ],
        },
        "at": {
            "title": "The inputs",
            "examples": [{"x": [-1.0, 0.0, 1.0]}, {"x": "linspace(-3, 3, 7)", "w": "normal(0, 1, (2, 7))"}],
            "type": "object",
            "description": f"the values of 1 to {MAX_NAMES} inputs by name, such as {{x: 0.0}}",
            "minProperties": 1,
            "maxProperties": MAX_NAMES,
            "additionalProperties": VALUES,
        },
        "dtypes": {
            "title": "Inputs of another dtype than the scenario's",
            "examples": [{"i": "int64"}],
            "type": "object",
            "description": "the dtypes of inputs that have another one than the scenario, such as {i: int64}",
            "additionalProperties": {"enum": _DTYPES, "description": f"one of {', '.join(_DTYPES)}"},
        },
        "wrt": _NAMES,
        "derivatives": {
            "title": "Which derivatives",
            "default": ["gradient"],
            "description": f"one or a list of {', '.join(DERIVATIVES)}, or none for the values alone",
            "anyOf": [
                {
                    "type": "array",
                    "uniqueItems": True,
                    "items": {"enum": list(DERIVATIVES), "description": f"one of {', '.join(DERIVATIVES)}"},
                },
                {"enum": [*DERIVATIVES, "none"]},
            ],
            "examples": [["gradient", "hessian"], "none"],
        },
        "tangent": {
            "title": "The direction of jvp and hvp",
            "examples": [{"x": 1.0}],
            "type": "object",
            "description": "the direction of jvp and hvp, by input",
            "additionalProperties": VALUES,
        },
        "cotangent": {
            "title": "The weights of vjp",
            "examples": [[1.0, 0.0]],
            "description": "the weights of vjp: values like the output's, or several by output",
            "anyOf": [*VALUES["anyOf"], {"type": "object", "additionalProperties": VALUES}],
        },
        "ways": {
            "title": "Which of a framework's ways to take a derivative",
            "default": "usual",
            "enum": ["usual", "all"],
            "description": "usual (those that people write) or all (every way that a framework has)",
        },
        "modes": {
            "examples": [{framework.key: list(framework.modes) for framework in FRAMEWORKS.values()}],
            **modes_schema("{tensorflow: [eager, jit]}"),
        },
    },
    "required": ["at"],
}


def _with(derivatives: tuple[str, ...], needed: str) -> dict[str, Any]:
    """That a key stands where one of these derivatives is asked for, and nowhere else."""
    among = {"enum": list(derivatives)}
    return {
        "if": {
            "required": ["derivatives"],
            "properties": {"derivatives": {"anyOf": [{"type": "array", "contains": among}, among]}},
        },
        "then": {"required": [needed]},
        "else": {"properties": {needed: False}},
    }


NEEDED: dict[str, Any] = {
    "oneOf": [
        {
            "title": "One spelling for both sides",
            "required": ["of"],
            "properties": {**dict.fromkeys(FRAMEWORKS, False), "let": _LINES},
        },
        {
            "title": "One spelling a side",
            "required": list(FRAMEWORKS),
            "properties": {"of": False, "let": {"additionalProperties": _LINES}},
        },
    ],
    "allOf": [_with(("jvp", "hvp"), "tangent"), _with(("vjp",), "cotangent")],
}


def read(reader: Reader, dtype: str, seed: int) -> Gradient | None:
    """The gradient scenario of a case, or None after complaining about every problem in its fields."""
    before = len(reader.problems)
    inputs = read_inputs(reader, (NAME, "at"))
    dtypes = _read_dtypes(reader, inputs, dtype)
    expressions = Expressions(reader, inputs, dtypes, dtype)
    outputs = expressions.outputs()
    wrt = _read_wrt(reader, inputs, dtypes)
    said = reader.get(NAME, "derivatives", default=["gradient"])
    derivatives = tuple([] if said == "none" else [said] if isinstance(said, str) else said)
    known = {name: values for name, values in inputs.items() if values is not None}
    tangent = _read_tangent(reader, wrt, known, derivatives)
    cotangent = _read_cotangent(reader, outputs, derivatives)
    if len(reader.problems) > before:
        return None
    modes = read_modes(reader, (NAME, "modes"))
    known = {n: v.complex_draws() if dtypes[n].startswith("complex") else v for n, v in known.items()}
    return Gradient(
        inputs=known,
        dtypes=dtypes,
        outputs=tuple(outputs),
        wrt=wrt,
        derivatives=derivatives,
        tangent=tangent,
        cotangent=cotangent,
        modes=modes,
        all_ways=reader.get(NAME, "ways", default="usual") == "all",
        written=_written(reader),
        at=", ".join(f"{name} = {values.shown}{_said(name, dtypes[name], reader)}" for name, values in known.items()),
        dtype=dtype,
        seed=seed,
        native=reader.get(NAME, "of") is None,
    )


def _read_dtypes(reader: Reader, inputs: dict[str, Values | None], dtype: str) -> dict[str, str]:
    """The dtype of every input: the one said, `bool` for truth values, else the scenario's."""
    said = reader.get(NAME, "dtypes", default={})
    for name in said:
        reader.is_one_of((NAME, "dtypes", name), list(inputs), "input", name)
    dtypes = {}
    whole = _whole_inputs(reader, inputs)
    for name, values in inputs.items():
        natural = "bool" if values is not None and values.kind == "boolean" else "int64" if name in whole else dtype
        dtypes[name] = said.get(name, natural)
        if values is not None and values.kind == "complex" and not dtypes[name].startswith("complex"):
            reader.complain(
                (NAME, "at", name),
                f"'{name}' is complex: say {field('dtype', value='complex64')}, or {field('dtypes', name, 'complex64')}",
            )
        elif values is not None:
            held = values.held_as(dtypes[name])
            if isinstance(held, str):
                words = f"'{name}' is {dtypes[name]}, which holds whole numbers and not {held}"
                reader.complain((NAME, "at", name), words)
            else:
                inputs[name] = held
    return dtypes


def _said(name: str, dtype: str, reader: Reader) -> str:
    """The dtype of an input behind its values, where the scenario does not say it itself."""
    return f" ({dtype})" if dtype == "int64" and name not in reader.get(NAME, "dtypes", default={}) else ""


def _whole_inputs(reader: Reader, inputs: dict[str, Values | None]) -> set[str]:
    """The inputs that are whole numbers as they are written, and that a call takes as nothing else: indices, classes."""
    wrt = reader.get(NAME, "wrt", default=[])
    written = {n for n, v in inputs.items() if v is not None and v.whole} - set([wrt] if isinstance(wrt, str) else wrt)
    if not written:
        return set()
    return written & needed_whole(reader, {name: v.shape if v is not None else None for name, v in inputs.items()})


def _read_wrt(reader: Reader, inputs: dict[str, Values | None], dtypes: dict[str, str]) -> tuple[str, ...]:
    wrt = reader.get(NAME, "wrt")
    if wrt is None:
        return tuple(name for name in inputs if dtypes[name] in DTYPES)
    names = [wrt] if isinstance(wrt, str) else wrt
    for index, name in enumerate(names):
        path: Path = (NAME, "wrt") if isinstance(wrt, str) else (NAME, "wrt", index)
        reader.is_one_of(path, list(inputs), "input", name)
    return tuple(names)


def _read_tangent(
    reader: Reader, wrt: tuple[str, ...], inputs: dict[str, Values], derivatives: tuple[str, ...]
) -> dict[str, Values]:
    needing = [kind for kind in ("jvp", "hvp") if kind in derivatives]
    given = reader.get(NAME, "tangent")
    if given is None:
        if needing:
            reader.complain(
                (NAME, "derivatives"),
                f"'{needing[0]}' needs a direction, such as {field('tangent', wrt[0] if wrt else 'x', '1.0')}",
                key=True,
            )
        return {}
    if not needing:
        reader.complain(
            (NAME, "tangent"),
            f"{field('tangent')} is for jvp and hvp; add one of them to {field('derivatives')}",
            key=True,
        )
    tangent: dict[str, Values] = {}
    for name in given:
        path = (NAME, "tangent", name)
        if not reader.is_one_of(path, list(wrt), "input", name):
            continue
        values = read_values(reader, path)
        if values is not None and name in inputs:
            tangent[name] = values
            _same_shape(reader, path, "tangent", values, f"input '{name}'", inputs[name].shape)
    missing = [name for name in wrt if name not in given]
    if missing:
        reader.complain((NAME, "tangent"), f"{field('tangent')} needs a value for '{missing[0]}' too", key=True)
    return tangent


def _read_cotangent(reader: Reader, outputs: list[Output], derivatives: tuple[str, ...]) -> dict[str, Values]:
    given = reader.get(NAME, "cotangent")
    if given is None:
        if "vjp" in derivatives:
            reader.complain(
                (NAME, "derivatives"),
                f"'vjp' needs weights shaped like the output, such as {field('cotangent', value='[1.0, 0.0]')}",
                key=True,
            )
        return {}
    if "vjp" not in derivatives:
        reader.complain(
            (NAME, "cotangent"), f"{field('cotangent')} is for vjp; add it to {field('derivatives')}", key=True
        )
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
        reader.is_one_of((NAME, "cotangent", name), [o.name for o in outputs], "output", name)
    return cotangent


def _same_shape(reader: Reader, path: Path, what: str, values: Values, of: str, shape: Shape) -> None:
    if values.shape != shape:
        reader.complain(path, f"the {what} has shape {show(values.shape)}, {of} has {show(shape)}")


def _written(reader: Reader) -> dict[str, str]:
    """The code as it was written, by framework; under an empty key what both run."""

    def shown(*path: str) -> str:
        value = reader.get(NAME, *path)
        if isinstance(value, dict) and set(value) == {"python"}:
            return str(value["python"])
        if isinstance(value, dict):
            return ", ".join(f"{name} = {shown(*path, name)}" for name in value)
        return " ".join(str(value).split())

    def lines(*path: str) -> str:
        return f"{shown(*path)}; " if reader.get(NAME, *path) is not None else ""

    if reader.get(NAME, "of") is not None:
        return {"": f"{lines('let')}{shown('of')}"}
    return {framework: f"{lines('let', framework)}{shown(framework)}" for framework in FRAMEWORKS}
