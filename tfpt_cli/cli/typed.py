"""What a person typed who did not know the words of the command line: it is read, or answered with what to type."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import click

from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.dtypes import DTYPES, WHOLE_DTYPES, dtype_called, dtype_hint
from tfpt_cli.language.suggest import beginning, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

# Options by the names that people try first, with what there is instead.
_OTHER_OPTIONS = {
    "--pytorch": "--torch", "--pt": "--torch", "--tf": "--tensorflow", "--keras": "--tensorflow", "--input": "--at",
    "--inputs": "--at", "--point": "--at", "--values": "--at", "--shape": "--input-shape", "--deriv": "--derivative",
    "--order": "--derivative", "--precision": "--dtype", "--output": "--format", "--out": "--save", "--json": "--format json",
    "--html": "--format html",
}  # fmt: skip
_TOLERANCES = ("--rtol", "--atol", "--tolerance", "--tol")
_OTHER_COMMANDS = {
    "run": "check", "test": "check", "compare": "diff", "gradient": "grad", "init": "weights", "layer": "weights",
    "lint": "validate", "why": "explain", "search": "explain", "help": "--help", "version": "--version", "ls": "list",
    "info": "show", "init-file": "new", "create": "new", "env": "doctor",
}  # fmt: skip
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=(?!=).*", re.DOTALL)


class DtypeName(click.ParamType):  # type: ignore[type-arg] # generic in the newest click alone
    """A dtype by any of its names: `torch.float64` and `double` are float64."""

    name = "dtype"

    def get_metavar(self, *_: Any, **__: Any) -> str:
        return f"[{'|'.join(DTYPES)}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        known = dtype_called(str(value))
        if known not in DTYPES:
            whole = "; whole numbers are the dtype of an input: --input-dtype i=int64" if known in WHOLE_DTYPES else ""
            hint = dtype_hint(str(value)) or did_you_mean(str(value), DTYPES)
            self.fail(f"'{value}' is not one of {', '.join(DTYPES)}{whole or hint}", param, ctx)
        return known

    def shell_complete(self, _: click.Context, __: click.Parameter, incomplete: str) -> Any:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in DTYPES if name.startswith(incomplete)]


class Named(click.Choice):  # type: ignore[type-arg]
    """One of several names; for another, the nearest is suggested."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        names = list(map(str, self.choices))
        if str(value) not in names:
            hint = beginning(str(value), names) or did_you_mean(str(value), names)
            self.fail(f"'{value}' is not one of {', '.join(names)}{hint}", param, ctx)
        return value


class Typed(click.Command):
    """A one-liner: what stands where no option takes it, and an option that there is not, are answered with what to type."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        typed = list(args)
        meant = self._meant(typed)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            own = {name for parameter in self.params for name in parameter.opts}
            raise click.UsageError(_no_such_option(error, typed, own), ctx) from None
        except click.UsageError as error:
            if isinstance(error, click.MissingParameter) and not typed:
                raise click.UsageError(f"{error.format_message()} Such as: {_example(self)}", ctx) from None
            refused = isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter)
            if meant == typed or refused:
                raise
            words = f"{error.format_message().rstrip('.')}. Write: {ctx.command_path} {shlex.join(meant)}"
            raise click.UsageError(words, ctx) from None

    def _meant(self, args: list[str]) -> list[str]:
        """The words as they were meant: a value that the shell took apart in one, inputs behind --at, code behind its option."""
        named = {name: option for option in self.params if isinstance(option, click.Option) for name in option.opts}
        words, meant, codes = (
            _joined(args),
            list[str](),
            [name for name in ("--torch", "--tensorflow") if name in named],
        )
        codes = [name for name in codes if not any(word.split("=")[0] == name for word in words)]
        arguments = sum(isinstance(parameter, click.Argument) for parameter in self.params)
        taken = False
        for word in words:
            if taken or word.startswith("--") or word in named or word == "--":
                option = named.get(word)
                taken = not taken and option is not None and not option.is_flag and not option.count
                meant.append(word)
            elif _ASSIGNED.fullmatch(word) and "--at" in named:
                meant += ["--at", word]
            elif arguments:
                arguments -= 1
                meant.append(word)
            elif codes:
                meant += [codes.pop(0), word]
            else:
                meant.append(word)
        return meant


def _example(command: click.Command) -> str:
    """The first command in the help of a command."""
    lines = (command.help or "").splitlines()
    return next((line.strip() for line in lines if line.strip().startswith("tfpt ")), "tfpt --help")


def _joined(args: Sequence[str]) -> list[str]:
    """The words with those put together that a shell has taken apart: `x=[1,` and `2]`, or `x`, `=` and `0`."""
    words: list[str] = []
    for word in args:
        if words and not word.startswith("--") and _open(words[-1]):
            words[-1] += f" {word}"
        elif len(words) > 1 and (word == "=" or (words[-1].endswith("=") and "=" not in word)) and words[-1][:1] != "-":
            words[-1] += word
        else:
            words.append(word)
    return words


def _open(word: str) -> bool:
    return any(word.count(left) > word.count(right) for left, right in ("[]", "()"))


def _no_such_option(error: click.NoSuchOption, args: Sequence[str], own: Collection[str]) -> str:
    """Says what there is instead of an option, among the command's `own`."""
    name = str(error.option_name)
    words = f"No such option '{name}'."
    if name in _TOLERANCES:
        line = "tolerance: {rtol: 1e-4, atol: 1e-6}"
        return f"{words} A tolerance stands in a scenario: --save FILE keeps this one, then add {line}"
    instead = _OTHER_OPTIONS.get(name, "")
    if instead.partition(" ")[0] in own:
        return f"{words} Did you mean {instead}?"
    if re.fullmatch(r"--[A-Za-z]\w?", name):
        value = next((word.partition("=")[2] or following for word, following in zip(args, [*args[1:], ""], strict=True)
                      if word.partition("=")[0] == name), "")  # fmt: skip
        return f"{words} An input is given by --at {name[2:]}={value or 0}"
    return error.format_message()


def as_typed(
    path: tuple[Any, ...], value: Any, offset: int | None, options: Mapping[str, str]
) -> tuple[str, int | None]:
    """The words of the command line that gave a value of a scenario, and the place of one of its characters in them.

    `options` are the option by field; a field without one is the command's argument.

    >>> as_typed(("gradient", "at", "x"), "zeros(2)", 0, {"at": "--at"})
    ("--at 'x=zeros(2)'", 8)
    >>> as_typed(("gradient", "of"), "2x", 1, {})
    ('2x', 1)
    """
    names = [str(step) for step in path[1:]]
    option = options.get(names[0], "") if names else ""
    inner = f"{':'.join(names[1:])}=" if option and len(names) > 1 and names[0] not in FRAMEWORKS else ""
    text = str(value) if isinstance(value, (str, int, float)) else ""
    if isinstance(value, list):
        text = ", ".join(value) if all(isinstance(item, str) for item in value) else str(value).replace("'", "")
    word = inner + " ".join(text.split()) if "\n" in text else inner + text
    quoted = shlex.quote(word) == f"'{word}'"
    before = f"{option} " if option else ""
    shown = f"{before}{shlex.quote(word)}" if option else word
    place = None if offset is None else len(before) + len(inner) + offset + (quoted and bool(option))
    return shown.rstrip(), place


def no_such_command(name: str, commands: Sequence[str]) -> str:
    """What to type for a command that there is not."""
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return f"No such command '{name}'. To check a file: tfpt check {shlex.quote(name)}"
    if instead := _OTHER_COMMANDS.get(name):
        return f"No such command '{name}'. Did you mean tfpt {instead}?"
    if re.search(r"[(*+]", name):
        return f"No such command. To compare an expression: tfpt grad {shlex.quote(name)} --at x=0"
    hint = did_you_mean(name, commands)
    return f"No such command '{name}'{hint or '; tfpt --help lists them'}"
