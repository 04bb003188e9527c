"""A gradient scenario from the options of a command line: `tfpt grad 'tanh(x)' --at x=0`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tfpt_cli.documents.document import documents
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.dtypes import dtype_called

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


def assigned(texts: Iterable[str], option: str, example: str, *, text: bool = False) -> dict[str, Any]:
    """`x=0` and `y=[1, 2]` as {"x": 0, "y": [1, 2]}; with `text` the values stay texts. `ValueError` for anything else.

    >>> assigned(["x=0", "y=[1, 2]"], "--at", "x=0")
    {'x': 0, 'y': [1, 2]}
    """
    values: dict[str, Any] = {}
    for item in texts:
        name, equals, value = item.partition("=")
        name = name.strip()
        if not equals or not name or not value.strip():
            raise ValueError(f"{option} takes NAME=VALUE, such as {option} '{example}'; got '{item}'")
        if name in values:
            raise ValueError(f"{option} gives '{name}' twice")
        if more := re.search(r"[\s,;]+([A-Za-z_]\w*)\s*=(?!=)", _without_brackets(value)):
            raise ValueError(f"{option} takes one input at a time: {option} {name}=... {option} {more.group(1)}=...")
        values[name] = value.strip() if text else value_of(value.strip())
    return values


def _without_brackets(text: str) -> str:
    """A text without what stands in brackets, where an equals sign is an argument's.

    >>> _without_brackets("full((2,), fill_value=1) + [x[0]] (")
    'full +  ('
    """
    kept: list[str] = []
    opened: list[int] = []
    for character in text:
        kept.append(character)
        if character in "([":
            opened.append(len(kept) - 1)
        elif character in ")]":
            while opened and kept[opened[-1]] != "(["[character == "]"]:
                opened.pop()
            if opened:
                del kept[opened.pop() :]
    return "".join(kept)


def value_of(text: str) -> Any:
    """What a value on the command line means: a number or nested lists as YAML 1.2 reads them, else the text of an array call.

    >>> value_of("[1, 2.5]"), value_of("[1. 2.5]"), value_of("linspace(-3, 3, 7)")
    ([1, 2.5], [1.0, 2.5], 'linspace(-3, 3, 7)')
    """
    if re.fullmatch(r"\[[\[\]\s\d.eE+-]*\]", text):
        text = re.sub(r"(?<=[\d.\]])\s+(?=[-+\d.\[])", ", ", text)  # as NumPy prints an array
    found, problems = documents("", text)  # which refuses what refers to itself, and what is nested without end
    value = found[0].data if len(found) == 1 and not problems else text
    return value if isinstance(value, (bool, int, float, list)) else text
