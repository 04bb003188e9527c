"""Shell completion: the script for a shell, and what stands for layers, operations, initializers and differences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

if TYPE_CHECKING:
    from collections.abc import Iterable

# The word of an expression that is being written: `relu(sof` completes to `relu(softmax`.
_LAST_WORD = re.compile(r"[A-Za-z_]\w*$")

HOW = {
    "bash": 'eval "$(tfpt completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(tfpt completion zsh)" in ~/.zshrc',
    "fish": "tfpt completion fish > ~/.config/fish/completions/tfpt.fish",
}


def run_completion(shell: str, command: click.Command) -> int:
    """Prints the completion script of a shell."""
    made = get_completion_class(shell)
    assert made is not None  # click knows the three that can be chosen
    click.echo(f"# {HOW[shell]}")
    click.echo(made(command, {}, "tfpt", "_TFPT_COMPLETE").source())
    return 0


def names(kinds: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """The rows of these kinds (`layers`, `operations`, `initializers`, `differences`) that begin with what is there."""
    # Not by way of the catalogue, whose tables take their time to import: a person waits for it.
    from tfpt_cli.dictionary.differences import differences
    from tfpt_cli.dictionary.rows import dictionary

    found: list[str] = []
    for kind in kinds:
        found += differences() if kind == "differences" else getattr(dictionary(), kind)
    return [CompletionItem(name) for name in sorted(set(found)) if name.startswith(incomplete)]


def call(kind: str, incomplete: str) -> list[CompletionItem]:
    """Completions of the last word of a call or an expression, each with the text before it: `tanh(so` as `tanh(softmax`."""
    word = _LAST_WORD.search(incomplete)
    before = incomplete[: word.start()] if word else incomplete
    return [CompletionItem(before + item.value) for item in names([kind], word.group() if word else "")]
