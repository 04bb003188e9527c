"""The commands and their options. No logic: each hands on to the module that does the work."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

from tfpt_cli import __version__
from tfpt_cli.report import FORMATS
from tfpt_cli.suggest import did_you_mean

Command = Callable[..., Any]

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATH...")
_CHOOSE = [
    click.option(
        "-k",
        "expression",
        metavar="EXPRESSION",
        help="Take only scenarios whose name, case, file or tags match, such as 'linear and not bias'.",
    ),
    click.option(
        "--tag",
        "tags",
        multiple=True,
        metavar="TAG",
        help="Take only scenarios with this tag; may be given several times.",
    ),
]
_ALLOW_CODE = click.option(
    "--allow-code",
    is_flag=True,
    help="Run the functions of Python files that scenarios name; only for scenarios and files that you trust.",
)
_PYTHONS = [
    click.option(
        "--torch-python", metavar="PYTHON", help="Run PyTorch in this interpreter, which needs only torch and NumPy."
    ),
    click.option(
        "--tensorflow-python",
        metavar="PYTHON",
        help="Run TensorFlow in this interpreter, which needs only tensorflow and NumPy.",
    ),
]


_LIMITS = [
    click.option(
        "--timeout",
        type=click.FloatRange(min=0.1),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="How long one scenario may run in a framework.",
    ),
    click.option(
        "--start-timeout",
        type=click.FloatRange(min=0.1),
        default=300.0,
        show_default=True,
        metavar="SECONDS",
        help="How long a framework may take to start.",
    ),
    click.option(
        "--memory",
        type=click.FloatRange(min=0),
        default=8.0,
        show_default=True,
        metavar="GIGABYTES",
        help="How much memory the scenarios may use in a framework (Linux; 0: no limit).",
    ),
]


class Shard(click.ParamType):  # type: ignore[type-arg] # generic in the newest click alone
    """`1/4` as (1, 4)."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        part, _, whole = str(value).partition("/")
        if not (part.isdecimal() and whole.isdecimal() and 1 <= int(part) <= int(whole)):
            self.fail(f"'{value}' must be K/N with K from 1 to N, such as 1/4", param, ctx)
        return int(part), int(whole)


class ReportFile(click.ParamType):  # type: ignore[type-arg]
    """`junit=out.xml` as ("junit", "out.xml")."""

    name = "report"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        format_, _, path = str(value).partition("=")
        if format_ not in FORMATS or not path:
            hint = did_you_mean(format_, FORMATS)
            self.fail(f"'{value}' must be FORMAT=FILE with a format of {', '.join(FORMATS)}{hint}", param, ctx)
        return format_, path


def _options(options: Sequence[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    def decorate(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="tfpt")
def cli() -> None:
    """Do this PyTorch code and this TensorFlow/Keras code mean the same thing?

    Write a scenario in YAML, run `tfpt check scenario.yaml`, and read both frameworks side by side.
    """


@cli.command()
@_PATHS
@_options(_CHOOSE)
@click.option("-x", "--exitfirst", is_flag=True, help="Stop after the first scenario that is not as expected.")
@click.option(
    "--maxfail", type=click.IntRange(min=1), metavar="N", help="Stop after N scenarios that are not as expected."
)
@click.option("--last-failed", is_flag=True, help="Take only what was not as expected when it was last checked here.")
@click.option(
    "--shard",
    type=Shard(),
    metavar="K/N",
    help="Take every N-th of the chosen scenarios, from the K-th on, such as 1/4: together all shards are everything.",
)
@click.option(
    "-j",
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="How many processes each framework has.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    default="table",
    show_default=True,
    help="What to write.",
)
@click.option("-o", "--output", metavar="FILE", help="Write it to this file instead of the terminal.")
@click.option(
    "--report",
    "reports",
    type=ReportFile(),
    multiple=True,
    metavar="FORMAT=FILE",
    help="Write a report in another format too, such as junit=out.xml; may be given several times.",
)
@click.option("-q", "--quiet", count=True, help="Show only what is not as expected; twice: only the last line.")
@click.option("-v", "--verbose", is_flag=True, help="Show tests, tolerances and times, and the code of what failed.")
@click.option(
    "--fix-preview", is_flag=True, help="Put the recipes of known differences into what does not agree, and try them."
)
@click.option("--save-baseline", metavar="FILE", help="Keep all values and verdicts, for a later --baseline.")
@click.option("--baseline", metavar="FILE", help="Say what has changed since; a change of a verdict is a failure.")
@_options(_LIMITS)
@click.option(
    "--reference/--no-reference",
    default=True,
    help="Whether to ask the NumPy reference who is right, or to compare the frameworks alone.",
)
@_ALLOW_CODE
@_options(_PYTHONS)
def check(paths: tuple[str, ...], **given: Any) -> None:
    """Run scenarios in both frameworks and compare what they give.

    PATH is a scenario file or a folder of them. Exit codes: 0 every scenario as expected, 1 at least one not,
    2 bad usage or an invalid file, 3 a framework could not run; the highest that applies.
    """
    from tfpt_cli.check import Options
    from tfpt_cli.commands.check import Settings, run_check

    options = Options(
        paths=paths,
        expression=given["expression"],
        tags=given["tags"],
        shard=given["shard"],
        maxfail=1 if given["exitfirst"] else given["maxfail"] or 0,
        workers=given["workers"],
        allow_code=given["allow_code"],
        reference=given["reference"],
        **_processes(given),
    )
    settings = Settings(
        format=given["format_"],
        output=given["output"],
        reports=given["reports"],
        quiet=given["quiet"],
        verbose=given["verbose"],
        last_failed=given["last_failed"],
        fix_preview=given["fix_preview"],
        save_baseline=given["save_baseline"],
        baseline=given["baseline"],
    )
    sys.exit(run_check(options, settings))


@cli.command()
@_PATHS
@_ALLOW_CODE
def validate(paths: tuple[str, ...], allow_code: bool) -> None:
    """Check that scenario files are valid, without starting a framework.

    Prints every problem of every file as file:line:column: message. Exit codes: 0 all valid, 2 not.
    """
    from tfpt_cli.commands.files import run_validate

    sys.exit(run_validate(paths, allow_code=allow_code))


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="SCENARIO...")
@_options(_CHOOSE)
@click.option(
    "--framework",
    type=click.Choice(["torch", "tensorflow", "reference"]),
    help="Only this framework's script, or the reference's.",
)
@click.option("-o", "--output", metavar="FOLDER", help="Write each script to a file of its own in this folder.")
@_ALLOW_CODE
def code(
    paths: tuple[str, ...],
    expression: str | None,
    tags: tuple[str, ...],
    framework: str | None,
    output: str | None,
    allow_code: bool,
) -> None:
    """Show the code that `check` runs: scripts that run alone and print the numbers of the table."""
    from tfpt_cli.commands.files import run_code

    sys.exit(run_code(paths, expression, tags, framework, output, allow_code=allow_code))


@cli.command()
@_options(_PYTHONS)
def doctor(torch_python: str | None, tensorflow_python: str | None) -> None:
    """Show the interpreters, the versions, what is missing, and the command that installs it.

    Exit codes: 0 both frameworks run, 3 not.
    """
    from tfpt_cli.commands.frameworks import run_doctor

    sys.exit(run_doctor(_interpreters(torch_python, tensorflow_python)))


@cli.command("list")
@click.argument("what", type=click.Choice(["operations"]))
@click.argument("word", required=False)
def list_(what: str, word: str | None) -> None:
    """List the rows of the dictionary, with what was measured for each.

    WORD chooses those that hold it in their name, file, spelling or notes; a few are shown whole.
    """
    from tfpt_cli.commands.lookup import run_list

    sys.exit(run_list(what, word))


@cli.command()
@click.argument("names", nargs=-1, metavar="[OPERATION]...")
@click.option(
    "--dtype",
    "dtypes",
    multiple=True,
    type=click.Choice(["float32", "float64", "float16", "bfloat16", "complex64", "complex128"]),
    help="Only in this dtype; may be given several times.",
)
@click.option(
    "--save", is_flag=True, help="Keep what was measured for `tfpt list operations` (the whole dictionary only)."
)
@_options(_PYTHONS)
def selfcheck(
    names: tuple[str, ...], dtypes: tuple[str, ...], save: bool, torch_python: str | None, tensorflow_python: str | None
) -> None:
    """Check the dictionary against the installed frameworks: every operation, in every dtype, at its special points.

    Exit codes: 0 everything is as the rows declare, 1 not, 2 an unknown operation, 3 a framework could not run.
    """
    from tfpt_cli.commands.frameworks import run_selfcheck

    sys.exit(run_selfcheck(names, dtypes, _interpreters(torch_python, tensorflow_python), save=save))


def _processes(given: dict[str, Any]) -> dict[str, Any]:
    """What says how the frameworks' processes are run."""
    from tfpt_cli.workers.pool import Limits

    return {
        "interpreters": _interpreters(given["torch_python"], given["tensorflow_python"]),
        "limits": Limits(given["timeout"], given["start_timeout"], given["memory"]),
    }


def _interpreters(torch_python: str | None, tensorflow_python: str | None) -> dict[str, str]:
    given = {"torch": torch_python, "tensorflow": tensorflow_python}
    return {framework: python for framework, python in given.items() if python}


def main() -> NoReturn:
    """The entry point of `tfpt`: an error of ours is a traceback, a person's never is."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        cli(prog_name="tfpt")
    except BrokenPipeError:
        # The reader has gone (`tfpt check ... | head`): nothing to say, and nothing to flush at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(0)
