"""What `tfpt new` asks at a terminal. An answer that cannot be read is asked again, with the reason.

Each is read as it would be in a scenario: alone as far as it can be, and all together before anything is written.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.documents.typed_values import value_of
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.constants import CONSTANTS
from tfpt_cli.language.trees import called_name, dotted
from tfpt_cli.results import printable
from tfpt_cli.scenario.writing import scenario_from, scenario_text
from tfpt_cli.subjects.init.one_liner import initialization_of_both, sizes_in
from tfpt_cli.subjects.registry import GRADIENT, INIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# What stands for inputs that are not known yet: an expression is refused at once only for what is wrong with all of these.
_PLACEHOLDERS = (0.5, [0.1, 0.2, 0.3], "ones((3, 3))", "ones((2, 3, 4))", "ones((2, 3, 8, 8))")
_USUAL = "[1.0, 2.0, 3.0]"
_EXAMPLES: dict[str, str] = {TORCH.key: "F.softplus(x, beta=2)", TENSORFLOW.key: "tf.math.softplus(2 * x) / 2"}
_ROOTS = {root for framework in FRAMEWORKS.values() for root in framework.roots}


@dataclass(frozen=True)
class Answered:
    """What the answers come to: a scenario that is valid, the file for it, and the options with which it is checked."""

    path: str
    text: str
    options: str = ""


@dataclass
class _Questions:
    """The answers so far, by question: where all together cannot be read, they are the defaults when all is asked again."""

    file: str = "scenario.yaml"
    allow_code: bool = False
    given: dict[str, str] = field(default_factory=dict)

    def ask(self, words: str, default: str | None, wrong: Callable[[str], str], *, optional: bool = False) -> str:
        """An answer that can be read; `wrong` says why one cannot, or nothing."""
        while True:
            before = self.given.get(words, default)
            shown = before if before is not None else "" if optional else None
            prompt = f"{words} (Enter: {before})" if before else words
            answer: str = click.prompt(prompt, default=shown, show_default=False).strip()
            if reason := wrong(answer):
                click.echo(f"  {printable(reason)}")
                continue
            self.given[words] = answer
            return answer

    def problem(self, data: Mapping[str, Any]) -> str:
        """Why the data is no scenario, the first reason; empty where it is one."""
        return next(iter(self.problems(data)), "")

    def problems(self, data: Mapping[str, Any]) -> list[str]:
        """Every reason why the data is no scenario."""
        found = scenario_from(scenario_text({"name": "n", **data}), self.file, allow_code=self.allow_code)[1]
        return [problem.message for problem in found]


def ask(path: str | None, check_file: Callable[[str], None]) -> Answered:
    """Asks what is compared, and gives the scenario that the answers make.

    `check_file` raises a usage error for a file that cannot be written.
    """
    questions = _Questions()
    click.echo("What is compared?")
    for number, (words, _) in enumerate(_KINDS, 1):
        click.echo(f"  {number}  {words}")
    make = _KINDS[click.prompt("Which", type=click.IntRange(1, len(_KINDS)), default=1) - 1][1]
    if path is None:
        path = questions.ask("The file to write", "scenario.yaml", lambda answer: _unwritable(answer, check_file))
    questions.file = path
    while True:
        data = make(questions)
        reasons = questions.problems(data)
        if not reasons:
            break
        click.echo("  Together this cannot be read:")
        for reason in reasons:
            click.echo(f"  {printable(reason)}")
        click.echo("  Once more; Enter keeps an answer.")
    options = " --allow-code" if questions.allow_code else ""
    name = questions.ask("Its name", data.pop("name"), lambda answer: questions.problem({**data, "name": answer}))
    text = f"# Run it: tfpt check {path}{options}\n{scenario_text({'name': name, **data})}"
    click.echo(f"\n{text}")
    return Answered(path, text, options)


def _unwritable(path: str, check_file: Callable[[str], None]) -> str:
    try:
        check_file(path)
    except click.UsageError as error:
        return error.message
    return ""


def _expression(questions: _Questions) -> dict[str, Any]:
    code = questions.ask(
        "The expression, such as sum(w * softmax(x))",
        None,
        lambda answer: _unreadable(questions, answer, lambda text: {"of": text}),
    )
    return {"name": code, GRADIENT.name: {"of": code, "at": _inputs(questions, _names(code))}}


def _native(questions: _Questions) -> dict[str, Any]:
    codes: dict[str, str] = {}
    for key, framework in FRAMEWORKS.items():
        codes[key] = questions.ask(
            f"{framework.label}'s code, such as {_EXAMPLES[key]}",
            None,
            lambda answer, key=key: _unreadable(questions, answer, lambda text: _one_side(key, text)),  # type: ignore[misc]
        )
    names = list(dict.fromkeys(name for code in codes.values() for name in _names(code)))
    return {"name": " and ".join(codes.values()), GRADIENT.name: {**codes, "at": _inputs(questions, names)}}


def _one_side(key: str, code: str) -> dict[str, Any]:
    """The fields of a scenario in which one side has the code, the other one nothing that can be wrong."""
    other = next(iter(_names(code)), "x")
    return {f: code if f == key else other for f in FRAMEWORKS}


def _unreadable(questions: _Questions, code: str, fields: Callable[[str], dict[str, Any]]) -> str:
    """Why code cannot be read whatever its inputs are; empty where it can, for some inputs."""
    names = _names(code)
    if not names and _parses(code):
        return "it has no input to differentiate by: name one, such as x"
    found: list[list[str]] = []
    for value in _PLACEHOLDERS:
        data = {GRADIENT.name: {**fields(code), "at": dict.fromkeys(names or ["x"], value)}}
        found.append(questions.problems(data))
        if not found[-1]:
            break
    always = [reason for reason in found[0] if all(reason in reasons for reasons in found)]
    return always[0] if always else ""


def _own_functions(questions: _Questions) -> dict[str, Any]:
    questions.allow_code = True
    places = {
        key: questions.ask(
            f"{framework.label}'s function, such as {'port.py:loss' if key == TORCH else 'port.py:loss_tf'}",
            None,
            lambda answer: _no_function(questions, answer),
        )
        for key, framework in FRAMEWORKS.items()
    }
    fields: dict[str, Any] = {key: {"python": place} for key, place in places.items()}
    names = _parameters(questions, places[TORCH])
    return {"name": " and ".join(places.values()), GRADIENT.name: {**fields, "at": _inputs(questions, names)}}


def _no_function(questions: _Questions, place: str) -> str:
    file, colon, name = place.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        return "write the file and the function, such as port.py:loss"
    if not (Path(questions.file).parent / file).is_file():
        return f"there is no file '{file}' beside {questions.file}"
    if not _parameters(questions, place):
        return f"there is no function '{name}' with arguments at the top of {file}"
    return ""


def _parameters(questions: _Questions, place: str) -> list[str]:
    """The arguments of a function that must be given, by name; none where the file cannot be read or has no such function."""
    file, _, name = place.rpartition(":")
    try:
        tree = ast.parse((Path(questions.file).parent / file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            arguments = [*node.args.posonlyargs, *node.args.args]
            return [argument.arg for argument in arguments[: len(arguments) - len(node.args.defaults)]]
    return []


def _inputs(questions: _Questions, names: Sequence[str]) -> dict[str, Any]:
    """A value for every input."""
    click.echo(
        "  Inputs are numbers, lists of them, or linspace(-3, 3, 7), normal(0, 1, (2, 3)), zeros(3) and their like."
    )
    return {
        name: value_of(
            questions.ask(
                f"The input {name}",
                _USUAL,
                lambda answer: questions.problem({GRADIENT.name: {"of": "x", "at": {"x": value_of(answer)}}}),
            )
        )
        for name in names
    }


def _names(code: str) -> list[str]:
    """The inputs of an expression, in the order in which they stand in it; none where it does not parse.

    >>> _names("sum(w * softmax(x)) + F.relu(y) ** pi")
    ['w', 'x', 'y']
    """
    try:
        tree = ast.parse(code, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return []
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return list(dict.fromkeys(node.id for node in found if node.id not in _ROOTS and node.id not in CONSTANTS))


def _parses(code: str) -> bool:
    try:
        ast.parse(code, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def _layer(questions: _Questions) -> dict[str, Any]:
    layer = questions.ask(
        "The layer, such as linear(256, 128) for both, or PyTorch's nn.Linear(256, 128)",
        None,
        lambda answer: _no_layer(questions, answer),
    )
    if _is_native(layer):
        return _native_layer(questions, layer)
    fields: dict[str, Any] = {"layer": layer}
    row = dictionary().layers[called_name(ast.parse(layer, mode="eval").body)]
    for key in row.keys:
        answer = questions.ask(
            f"Its {key}, such as {'zeros()' if 'bias' in key else 'he_normal()'} (Enter: each framework's default)",
            None,
            lambda answer, key=key: questions.problem({INIT.name: {**fields, key: answer}}) if answer else "",  # type: ignore[misc]
            optional=True,
        )
        if answer:
            fields[key] = answer
    words = [layer, *(f"{key} {value}" for key, value in list(fields.items())[1:])]
    return {"name": ", ".join(words), INIT.name: fields}


def _native_layer(questions: _Questions, layer: str) -> dict[str, Any]:
    other = questions.ask(
        "Keras's layer, such as keras.layers.Dense(128)", None, lambda answer: "" if _is_native(answer) else _NO_CALL
    )
    shape = questions.ask(
        "The shape that Keras builds it for, without the batch, such as 28,28,1",
        None,
        _no_shape,
    )
    return initialization_of_both({TORCH.key: layer, TENSORFLOW.key: other}, sizes_in(shape, "it"))


_NO_CALL = "that is no layer of a framework: write its call, such as keras.layers.Dense(128)"


def _no_shape(shape: str) -> str:
    try:
        sizes_in(shape, "it")
    except ValueError as error:
        return str(error)
    return ""


def _no_layer(questions: _Questions, layer: str) -> str:
    return "" if _is_native(layer) else questions.problem({INIT.name: {"layer": layer}})


def _is_native(code: str) -> bool:
    """Whether code calls something of a framework, `nn.Linear(3, 4)`."""
    try:
        tree = ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return False
    return isinstance(tree, ast.Call) and dotted(tree.func).partition(".")[0] in _ROOTS


_KINDS: tuple[tuple[str, Callable[[_Questions], dict[str, Any]]], ...] = (
    ("an expression and its derivatives, in one spelling for both frameworks", _expression),
    ("a layer: what its parameters are filled with", _layer),
    ("two pieces of code, one for each framework", _native),
    ("two functions of your own, in Python files", _own_functions),
)
