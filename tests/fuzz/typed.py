"""The target that reads the words of a command line."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from typing import TYPE_CHECKING, Any, NoReturn
from unittest import mock

import click

from tests.fuzz.mutation import json_text, of_data, of_text, text_of
from tests.fuzz.seeds import some_code
from tests.fuzz.watching import Target
from tfpt_cli.cli import commands, one_liners

if TYPE_CHECKING:
    from random import Random


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
    if not words or words[0] not in _COMMANDS or any(word in _NOT or len(word) > LONGEST for word in words):
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


# The longest word that the system hands to a program.
LONGEST = 131_071
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
    changed = of_data(words, random, others, lambda word: of_text(word, random, some_code(random)))
    changed = [str(word) for word in changed] if isinstance(changed, list) else words
    if random.random() < 0.9 and (not changed or changed[0] not in _COMMANDS):
        changed = [words[0], *changed]
    return json_text(changed).encode("utf-8", "surrogatepass")


def _loaded_words(data: bytes) -> list[str] | None:
    with contextlib.suppress(ValueError, RecursionError):
        words = json.loads(data)
        return words if isinstance(words, list) and words and all(isinstance(word, str) for word in words) else None
    return None


TARGETS = (Target("typed", read_typed, another_command, _typed_seeds),)
