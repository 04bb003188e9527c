"""The targets that read what a person writes: scenarios, native and neutral code, layouts, the command line."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import shlex
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn
from unittest import mock

import click
import numpy as np
import yaml

from tests.fuzz.mutation import bytes_of, json_text, of_bytes, of_data, of_text, text_of, yaml_text
from tests.fuzz.watching import ROOT, Target
from tfpt_cli.cli import commands, one_liners
from tfpt_cli.compare.layout import moved, problem_in
from tfpt_cli.dictionary.canonical import canonical, canonical_pattern
from tfpt_cli.dictionary.differences import differences
from tfpt_cli.documents.document import _decoded, documents
from tfpt_cli.explain.causes import Provenance, explained, stand_of
from tfpt_cli.expressions.checking import shape_of
from tfpt_cli.expressions.lifting import NoRow, lifted
from tfpt_cli.expressions.logic import with_logical_calls
from tfpt_cli.expressions.lowering import too_long, written, written_for_reference
from tfpt_cli.expressions.native import check_native, native_in_double, with_full_names
from tfpt_cli.frameworks import FRAMEWORKS, SIDES, TENSORFLOW, TORCH
from tfpt_cli.language.expression import bad_constants, mark_inputs, parse
from tfpt_cli.layers.layout import layout_of
from tfpt_cli.results import VALUE, Comparison, Problem, Quantity, SideValue, State, Verdict
from tfpt_cli.scenario.scenario import Scenario, read_document
from tfpt_cli.subjects.model.writer import turned_source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

# As if it lay among the shipped scenarios, whose own Python files may be read.
FILE = str(ROOT / "scenarios" / "fuzzed.yaml")


# ---- seeds


@cache
def _documents() -> tuple[str, ...]:
    """Every shipped scenario and every one of those that tfpt refuses, as text."""
    files = [*sorted((ROOT / "scenarios").rglob("*.yaml")), *sorted((ROOT / "tests" / "bad").glob("*.yaml"))]
    texts = [text_of(file.read_bytes()) for file in files]
    return tuple(part for text in texts for part in text.split("\n---\n") if part.strip() and len(part) < 20_000)


@cache
def _data() -> tuple[Any, ...]:
    """The data of those that YAML can read."""
    found = []
    for text in _documents():
        with contextlib.suppress(yaml.YAMLError, ValueError):
            data = yaml.load(text, Loader=yaml.CSafeLoader)
            if isinstance(data, dict):
                found.append(data)
    return tuple(found)


@cache
def _codes() -> dict[str, tuple[str, ...]]:
    """The code of the shipped scenarios and of those of `tests/causes`: `torch`, `tensorflow`, and `of` for neutral code."""
    found: dict[str, dict[str, None]] = {"torch": {}, "tensorflow": {}, "of": {}}
    more = [
        ROOT / "tests" / "causes" / f"{name}.yaml" for name in ("operators", "losses_and_points", "layers", "reports")
    ]
    data: list[Any] = [
        *_data(),
        *(each for file in more for each in yaml.load_all(file.read_bytes(), Loader=yaml.CSafeLoader)),
    ]
    for document in data:
        for subject in ("gradient", "init", "model"):
            fields: Any = document.get(subject) if isinstance(document, dict) else None
            if isinstance(fields, dict):
                for key, texts in found.items():
                    texts.update(dict.fromkeys(_strings(fields.get(key))))
                found["of"].update(dict.fromkeys(_strings(fields.get("at"))))
    return {key: tuple(texts) for key, texts in found.items()}


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in _strings(item)]


# ---- scenarios


def read_scenario(data: bytes) -> None:
    """Reads a scenario file as `tfpt check` does until a framework would start, and what it shows of what it has read."""
    text = _decoded(FILE, data, len(data))
    if isinstance(text, Problem):
        _placed(text, "")
        return
    kind = zlib.crc32(data)
    found, problems = documents(FILE, text)
    for document in found:
        scenarios, more = read_document(document, allow_code=kind % 2 == 0)
        problems += more
        for scenario in scenarios[:1] + scenarios[-1:]:
            _shown(scenario, kind)
        _ = document.name, document.meaning
    again = documents(FILE, text)[0] if problems else []  # what is wrong was taken out of the others
    for problem in problems[:20]:
        _placed(problem, text)
        for document in again[:1]:
            document.at(document.path_at(problem.line, problem.column)[0])


def _placed(problem: Problem, text: str) -> None:
    """A problem has a place in the file, and words that can be printed."""
    assert problem.file == FILE
    assert problem.message.strip(), problem
    assert str(problem).isprintable(), problem
    if text:
        assert 1 <= problem.line <= len(text.splitlines()) + 1, problem
        assert problem.column >= 1, problem


def _shown(scenario: Scenario, kind: int) -> None:
    """What tfpt makes of a scenario that it has read: its code, and which known differences stand in it."""
    _ = scenario.title, scenario.id, scenario.task.headline(SIDES)
    scenario.listings(SIDES)
    if kind % 8 == 0 and not scenario.task.open_ended:
        sides = {side: SideValue(State.PRESENT) for side in SIDES}
        found = [Comparison(quantity, Verdict.DIFFERS, sides) for quantity in list(scenario.task.quantities())[:2]]
        scenario.explanations(scenario.explained(found, {}))


def another_scenario(data: bytes, random: Random) -> bytes:
    """Another scenario file of one: other data, another text, other bytes; or of two, one behind the other."""
    text = text_of(data)
    kind = random.random()
    if kind < 0.6:
        of = random.choice(_data()) if kind < 0.5 else _loaded(text)
        if of is not None:
            text = yaml_text(of_data(of, random, _data(), lambda word: of_text(word, random, _some_code(random))))
    if kind > 0.95:
        text = f"{text}\n---\n{random.choice(_documents())}"
    if kind > 0.45:
        text = of_text(text, random, _documents())
    found = bytes_of(text)
    return of_bytes(found, random) if kind > 0.9 else found


def _loaded(text: str) -> Any:
    with contextlib.suppress(yaml.YAMLError, ValueError, RecursionError):
        data = yaml.load(text, Loader=yaml.CSafeLoader)
        return data if isinstance(data, (dict, list)) and len(text) < 20_000 else None
    return None


def _some_code(random: Random) -> Sequence[str]:
    return _codes()[random.choice(("torch", "tensorflow", "of"))]


# ---- code

SHAPES = {"x": (3,), "y": (3,), "w": (2, 3), "h": None, "i": (4,), "t": (2, 3, 8, 8), "n": ()}
KINDS = {"i": "integers"}


def read_native(data: bytes) -> None:
    """Reads native code: the framework on the first line, the expression behind it."""
    framework, _, text = text_of(data).partition("\n")
    if framework not in FRAMEWORKS:
        framework = TORCH if zlib.crc32(data) % 2 else TENSORFLOW
    tree, complaints = parse(text)
    if tree is None or complaints:
        return
    names = set(SHAPES)
    mark_inputs(tree, names)
    complaints = check_native(tree, framework, names, given=zlib.crc32(data) % 8 == 0) + list(bad_constants(tree))
    if complaints:
        assert all(each.message.strip() and 0 <= each.offset <= len(text) for each in complaints), complaints
        return
    full = with_full_names(tree, framework, names)
    source = ast.unparse(full)
    native_in_double(source)
    with contextlib.suppress(NoRow):
        neutral = lifted(full, framework, names, whole={"i"}, shapes=SHAPES)
        neutral = with_logical_calls(mark_inputs(neutral, names), {"i"})
        if not shape_of(neutral, SHAPES, KINDS)[1] and not too_long(neutral):
            for each in FRAMEWORKS:
                written(neutral, each, "float32")
    spelled = canonical(full, framework)
    canonical_pattern(full)
    code = dict.fromkeys(FRAMEWORKS, (spelled,))
    provenance = Provenance(code, VALUE, shapes=SHAPES, numbers={"x": (1.0, 2.0, 3.0)}, by=frozenset("x"))
    sides = {side: SideValue(State.PRESENT, shape=(3,), dtype="float32", values=[1.0, 2.0, 3.0]) for side in SIDES}
    parted = explained(Comparison(Quantity(kind=VALUE), Verdict.DIFFERS, sides), provenance, {})
    for name in parted.known_differences:
        row = differences()[name]
        stand = stand_of(row, [provenance])
        row.standing_at(stand.numbers, stand.lines)


def _nested(text: str, random: Random) -> str:
    """An expression put in place of its own input, again and again: what doubles at each level has then no end."""
    within = text
    for _ in range(random.choice((2, 5, 40))):
        found = re.sub(r"(?<![\w.])x(?!\w)", lambda _, put=f"({within})": put, text, count=random.choice((1, 1, 2)))
        if len(found) > 3_900 or found == within:
            break
        within = found
    return within


def another_native(data: bytes, random: Random) -> bytes:
    """Another native expression of one, with words of others of its framework."""
    framework, _, text = text_of(data).partition("\n")
    if framework not in FRAMEWORKS or random.random() < 0.5:
        framework = random.choice(list(FRAMEWORKS))
        text = random.choice(_codes()[framework])
    if random.random() < 0.03:
        return bytes_of(
            f"{framework}\n{_nested(random.choice((text, random.choice(_native_names(framework)))), random)}"
        )
    text = of_text(text, random, _codes()[framework], _native_names(framework))
    return bytes_of(f"{framework}\n{text}")


@cache
def _native_names(framework: str) -> tuple[str, ...]:
    from tests.fuzz.mutation import WORDS
    from tfpt_cli.dictionary.native import native

    calls = list(native(framework).calls)
    return (
        *WORDS,
        *SHAPES,
        *calls,
        *(f"{name}(x)" for name in calls),
        *(f"x.{name}()" for name in native(framework).methods),
    )


def read_neutral(data: bytes) -> None:
    """Reads a neutral expression, and writes it out for each framework and the reference."""
    text = text_of(data)
    tree, complaints = parse(text)
    assert all(each.message.strip() and 0 <= each.offset <= len(text) for each in complaints), complaints
    if tree is None or complaints:
        return
    tree = with_logical_calls(mark_inputs(tree, set(SHAPES)), {"i"})
    _, complaints = shape_of(tree, SHAPES, KINDS)
    if complaints:
        assert all(each.message.strip() and 0 <= each.offset <= len(text) for each in complaints), complaints
        return
    if too_long(tree):
        return
    for framework in FRAMEWORKS:
        ast.parse(written(tree, framework, "bfloat16" if zlib.crc32(data) % 4 == 0 else "float32"), mode="eval")
    for digits in (False, True):
        source = written_for_reference(tree, "float32", iter(range(10**6)), digits=digits)
        if source is not None:
            ast.parse(source, mode="eval")


def another_neutral(data: bytes, random: Random) -> bytes:
    """Another neutral expression of one."""
    text = text_of(data) if random.random() < 0.5 else random.choice(_codes()["of"])
    if random.random() < 0.03:
        return bytes_of(_nested(random.choice((text, random.choice(_neutral_names()))), random))
    return bytes_of(of_text(text, random, _codes()["of"], _neutral_names()))


@cache
def _neutral_names() -> tuple[str, ...]:
    from tests.fuzz.mutation import WORDS
    from tfpt_cli.dictionary.rows import dictionary

    names = [*dictionary().operations, *dictionary().arrays]
    return (*WORDS, *SHAPES, *names, *(f"{name}(x)" for name in names), *(f"{name}(x, y)" for name in names))


# ---- layouts


def read_layout(data: bytes) -> None:
    """Reads a layout, the lengths of an array's axes behind it on the second line, and turns such an array."""
    pattern, _, lengths = text_of(data).partition("\n")
    shape = tuple(
        min(int(length), 6)
        for length in lengths.split()[:8]
        if length.isascii() and length.isdigit() and len(length) < 9
    )
    problem = problem_in(pattern)
    if problem:
        return
    layout = layout_of(pattern)
    layout.back().back()
    if " -> " in pattern and len(pattern.split("->")[1].split()) > 1:
        layout.joined()
    first, second = (side.framework for side in SIDES)
    moved(np.zeros(shape), layout, first, second)
    moved(np.zeros((2, *shape)), layout, first, second, draws=True)
    with contextlib.suppress(ValueError):  # it does not fit the shape
        turned = layout.turned(shape)
        assert len(turned) == len(shape) or "(" in pattern or "1" in pattern or "..." in pattern, turned
        ast.parse(turned_source("x", shape, layout), mode="eval")
        layout.first()


LAYOUTS = (
    *(
        "out in -> in out",
        "n c h w -> n h w c",
        "(h d) in -> in h d, h=4",
        "out in h w -> (h w in) out",
        "... c -> c ...",
    ),
    *(
        "(gate out) in -> in (gate out), gate=4",
        "a 1 b -> b a",
        "n (c t) -> n t c, c=3",
        "a -> a",
        "1 a -> a",
        "() a -> a",
    ),
)


def another_layout(data: bytes, random: Random) -> bytes:
    """Another layout of one."""
    words = (
        "a",
        "b",
        "out",
        "in",
        "gate",
        "h",
        "w",
        "n",
        "1",
        "(a b)",
        "...",
        " -> ",
        ", a=2",
        "()",
        "draws",
        "drawn",
        "_x",
        "0",
    )
    text = text_of(data) if random.random() < 0.5 else f"{random.choice(LAYOUTS)}\n2 3 4"
    return bytes_of(of_text(text, random, LAYOUTS, words))


# ---- the command line


class _Reached(Exception):
    """Raised where a command would start the frameworks."""


def _reached(*_: Any) -> NoReturn:
    raise _Reached


def read_typed(data: bytes) -> None:
    """Reads the words of a command, a JSON list of texts, as `tfpt grad` and the others do until a framework would start."""
    try:
        words = json.loads(data)
    except (ValueError, RecursionError):
        words = text_of(data).split("\x1e")
    words = [word.replace("\0", "") for word in words if isinstance(word, str)] if isinstance(words, list) else []
    if not words or words[0] not in _COMMANDS or any(word in _NOT for word in words):
        return
    nothing = mock.patch.multiple(
        one_liners, Session=_reached, check_outputs=lambda *_: None, write_file=lambda *_: None
    )
    streams = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with (
        nothing,
        streams[0],
        streams[1],
        contextlib.suppress(_Reached, click.ClickException, click.exceptions.Exit, click.Abort),
    ):
        try:
            commands.cli.main(words, prog_name="tfpt", standalone_mode=False)
        except SystemExit as ended:
            assert ended.code in (0, 1, 2), ended.code  # noqa: PT017 - any other is a finding


_COMMANDS = ("grad", "layer", "weights", "diff", "show", "explain", "list")
# What would start something, or write.
_NOT = ("--run", "--fix-preview", "--missing", "--save", "--plot")
TYPED = (
    "grad 'tanh(x)' --at x=0", "grad 'x * y' --at x=1 --at 'y=[1, 2]' --wrt x --derivative hessian --dtype float64",
    "grad 'h + x' --let 'h=tanh(x)' --at 'x=linspace(-3, 3, 7)' --derivative jvp --tangent x=1",
    "grad 'sum(x)' --at 'x=[1. 2.5]' --derivative vjp --cotangent 1 --mode jit --input-dtype x=double",
    "layer 'conv2d(3, 8, 3)'", "layer 'linear(3, 4)' --at 'x=normal(0, 1, (2, 3))' --layout 'x=n c h w -> n h w c'",
    "weights 'linear(4, 3)' --weight 'uniform(0, 1)' --bias=zeros() --samples 1000",
    "diff --torch 'F.relu(x)' --tensorflow 'tf.nn.relu(x)' --at x=1 --interval x=-3:3",
    "diff --torch 'nn.Linear(4, 3)' --tensorflow 'keras.layers.Dense(3)' --input-shape 4 --pair weight=kernel",
    "diff --torch 'nn.Linear(4, 3)' --tensorflow 'keras.layers.Dense(3)' --at 'x=zeros((2, 4))' --training --seed 3",
    "diff --torch h --tensorflow h --let 'torch:h=torch.tanh(x)' --let 'tensorflow:h=tf.tanh(x)' --at x=1 --code",
    "grad x = 1", "grad 'x' --at x=[1, 2]", "grad x --eps 1", "show linear", "show sofmax", "explain gelu", "list layers conv",
)  # fmt: skip


def _typed_seeds() -> list[bytes]:
    return [json.dumps(shlex.split(line)).encode() for line in TYPED]


def another_command(data: bytes, random: Random) -> bytes:
    """Another command line of one: other words, or words with other characters."""
    found = _loaded_words(data) if random.random() < 0.5 else None
    words = found or shlex.split(random.choice(TYPED))
    others = [shlex.split(line) for line in random.sample(TYPED, 2)]
    changed = of_data(words, random, others, lambda word: of_text(word, random, _some_code(random)))
    changed = [str(word) for word in changed] if isinstance(changed, list) else words
    if random.random() < 0.9 and (not changed or changed[0] not in _COMMANDS):
        changed = [words[0], *changed]
    return json_text(changed).encode("utf-8", "surrogatepass")


def _loaded_words(data: bytes) -> list[str] | None:
    with contextlib.suppress(ValueError, RecursionError):
        words = json.loads(data)
        return words if isinstance(words, list) and words and all(isinstance(word, str) for word in words) else None
    return None


SCENARIO = Target("scenario", read_scenario, another_scenario, lambda: [bytes_of(text) for text in _documents()])
NATIVE = Target(
    "native",
    read_native,
    another_native,
    lambda: [bytes_of(f"{f}\n{text}") for f in FRAMEWORKS for text in _codes()[f]],
)
NEUTRAL = Target("neutral", read_neutral, another_neutral, lambda: [bytes_of(text) for text in _codes()["of"]])
LAYOUT = Target("layout", read_layout, another_layout, lambda: [bytes_of(f"{text}\n2 3 4") for text in LAYOUTS])
TYPED_WORDS = Target("typed", read_typed, another_command, _typed_seeds)
TARGETS = (SCENARIO, NATIVE, NEUTRAL, LAYOUT, TYPED_WORDS)
