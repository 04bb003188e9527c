"""A gradient scenario from the options of a command line, `tfpt grad 'tanh(x)' --at x=0`, and of one call of an operation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tfpt_cli.documents.typed_values import assigned, value_of
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.dtypes import dtype_called
from tfpt_cli.language.kinds import ARRAY_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.dictionary.records import Operation

# How a person calls each option, by the name under which its value is given here.
OPTIONS = {
    "at": "--at",
    "let": "--let",
    "wrt": "--wrt",
    "derivatives": "--derivative",
    "tangent": "--tangent",
    "cotangent": "--cotangent",
    "ways": "--ways",
    "modes": "--mode",
    "dtypes": "--input-dtype",
}


def operation_data(name: str, row: Operation, call: str, inputs: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """The data of a gradient scenario of one call of an operation: integer inputs in their dtypes, steps without derivatives."""
    kinds = {
        parameter.name: ARRAY_KINDS[parameter.annotation]
        for parameter in row.signature.parameters
        if parameter.kind == "array" and parameter.annotation and parameter.name in inputs
    }
    gradient: dict[str, Any] = {"of": call, "at": dict(inputs), **fields}
    if kinds:
        gradient["dtypes"] = kinds
    if not row.differentiable:
        gradient["derivatives"] = []
    return {"name": name, "gradient": gradient}


def gradient_of(expressions: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a gradient scenario: `expressions` holds `of`, or the code of both frameworks; `given` the options.

    Raises `ValueError`, which names the option and shows how it is written.
    """
    if not given["at"]:
        layers = (
            "" if "of" in expressions else ", or of two layers the shape that Keras builds for, --input-shape 28,28,1"
        )
        raise ValueError(f"--at is missing: give the inputs, such as --at x=0 or --at 'x=[1, 2]'{layers}")
    fields: dict[str, Any] = {name: _code(text) if name in FRAMEWORKS else text for name, text in expressions.items()}
    if given["let"]:
        fields["let"] = _lines(given["let"], expressions)
    fields["at"] = assigned(given["at"], "--at", "x=0")
    fields |= {key: value for key, value in _derivatives(given).items() if value is not None}
    return {"name": " and ".join(expressions.values()), "gradient": fields}


def _code(text: str) -> Any:
    """Native code as a scenario has it: an expression, or `port.py:loss`, a function of a person's own file."""
    return {"python": text.strip()} if re.fullmatch(r"\s*[^\s()\"']+\.py:[A-Za-z_]\w*\s*", text) else text


def _lines(let: Sequence[str], expressions: Mapping[str, str]) -> dict[str, Any]:
    """The named lines of `--let`; of native code by framework, as `torch:h=torch.tanh(x)` says."""
    if "of" in expressions:
        return assigned(let, "--let", "h=tanh(x)", text=True)
    lines: dict[str, dict[str, Any]] = {}
    for item in let:
        framework, colon, line = item.partition(":")
        framework = framework.strip()
        if not colon or framework not in expressions:
            raise ValueError(
                "--let says whose line it is, such as --let 'torch:h=torch.tanh(x)' --let 'tensorflow:h=tf.tanh(x)'; "
                f"got '{item}'"
            )
        for name, text in assigned([line], "--let", "torch:h=torch.tanh(x)", text=True).items():
            if name in lines.setdefault(framework, {}):
                raise ValueError(f"--let gives '{framework}:{name}' twice")
            lines[framework][name] = text
    return lines


def _derivatives(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a gradient scenario besides its expressions and inputs; None where an option was not given."""
    kinds = [kind for kind in given["derivatives"] if kind != "none"]
    modes = {
        framework.key: ["eager", *(mode for mode in given["modes"] if mode in framework.modes)]
        for framework in FRAMEWORKS.values()
    }
    return {
        "dtypes": {
            name: dtype_called(dtype) or dtype
            for name, dtype in assigned(given["dtypes"], "--input-dtype", "i=int64", text=True).items()
        }
        or None,
        "wrt": list(given["wrt"]) or None,
        "derivatives": kinds if given["derivatives"] else None,
        "tangent": assigned(given["tangent"], "--tangent", "x=1") or None,
        "cotangent": value_of(given["cotangent"]) if given["cotangent"] is not None else None,
        "ways": given["ways"],
        "modes": {framework: listed for framework, listed in modes.items() if len(listed) > 1} or None,
    }
