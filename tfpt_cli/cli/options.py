"""The options that several commands share, and what their values may be."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tfpt_cli.cli.machine import free_memory
from tfpt_cli.cli.typed import DtypeName, Named, Typed
from tfpt_cli.frameworks import FRAMEWORKS, Sides, two_versions, usual_sides
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.report import FORMATS
from tfpt_cli.results import DERIVATIVES

if TYPE_CHECKING:
    from tfpt_cli.scenario.scenario import Scenario


T = TypeVar("T")
# Gigabytes that a process of each framework takes with a small scenario, and a little more.
PAIR_MEMORY = 1.5
Command = Callable[..., Any]
# For the shells, which complete its name; what is wrong with a path is said where it is opened.
PATH = click.Path(readable=False)
# What a person who has nothing yet can type.
BEGIN = """\
  tfpt grad 'softmax(x)' --at 'x=[1, 2, 3]'    one line, no file
  tfpt new first.yaml                          writes a scenario; then: tfpt check first.yaml
  tfpt check scenarios/seed                    examples that come with tfpt"""


def paths_or_usual(context: click.Context, _: click.Parameter, paths: tuple[str, ...]) -> tuple[str, ...]:
    """The paths of a command line; without any the folder `scenarios` here, or a usage error that says what to type."""
    if context.resilient_parsing:
        return paths
    if paths:
        if not all(map(os.path.isabs, paths)):
            working_folder(os.getcwd)
        return paths
    names = working_folder(os.listdir)
    if os.path.isdir("scenarios"):
        return ("scenarios",)
    here = sorted(name for name in names if name.endswith((".yaml", ".yml")) and not name.startswith("."))
    if here:
        words = (
            f"no PATH is given, and there is no folder 'scenarios' here; of {here[0]}: {context.command_path} {here[0]}"
        )
        raise click.UsageError(words if len(here) == 1 else f"{words}, of all here: {context.command_path} .")
    raise click.UsageError(f"no PATH is given, and there is no folder 'scenarios' here. To begin:\n{BEGIN}")


def working_folder(ask: Callable[[], T]) -> T:
    """What is asked of the working folder; a usage error where it was removed, or is somebody else's."""
    try:
        return ask()
    except OSError as error:
        reason = "has been removed" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise click.UsageError(f"the working folder {reason}: go to another, or name whole paths") from None


def one_or_two(_: click.Context, __: click.Parameter, files: tuple[str, ...]) -> tuple[str, ...]:
    """The files of `tfpt inspect`, one or two; a usage error for another number."""
    if len(files) not in (1, 2):
        raise click.UsageError(f"{len(files)} files are given: one is listed, two are laid side by side")
    return files


PATHS = click.argument("paths", nargs=-1, type=PATH, metavar="[PATH]...", callback=paths_or_usual)
CHOOSE = [
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
VERBOSE = click.option(
    "-v", "--verbose", is_flag=True, help="Show tests, tolerances and times, and the code of what failed."
)
REFERENCE = click.option(
    "--reference/--no-reference", default=True, help="Whether to ask the NumPy reference who is right."
)
ALLOW_CODE = click.option(
    "--allow-code",
    is_flag=True,
    help="Run the functions of Python files that scenarios name; only for scenarios and files that you trust.",
)
WARM = click.option(
    "--no-warm",
    is_flag=True,
    expose_value=False,
    help="Start the frameworks anew, and keep none warm for the next command of this terminal (see `tfpt warm`).",
)
CACHE = click.option(
    "--cache/--no-cache",
    default=True,
    envvar="TFPT_CACHE",
    show_envvar=True,
    help="Whether what has not changed since it was run, or found valid, is answered from what was kept.",
)


class Amount(click.FloatRange):
    """A number of seconds or gigabytes from a least one on: of NaN every comparison says that it is within bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not number <= _MOST:
            self.fail(f"{value} is not a number of at most {_MOST:g}.", param, ctx)
        return number


# Half a year, or ten petabytes: beyond them an event loop, or the system, has no such number.
_MOST = 1e7


PYTHONS = [
    click.option(
        f"--{framework.key}-python",
        type=PATH,
        metavar="PYTHON",
        help=f"Run {framework.label} in this interpreter, which needs only {framework.key} and NumPy.",
    )
    for framework in FRAMEWORKS.values()
]


LIMITS = [
    click.option(
        "--timeout",
        type=Amount(min=0.1),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="How long one scenario may run in a framework, and tfpt itself read or compare it (processor time).",
    ),
    click.option(
        "--start-timeout",
        type=Amount(min=0.1),
        default=300.0,
        show_default=True,
        metavar="SECONDS",
        help="How long a framework may take to start.",
    ),
    click.option(
        "--memory",
        type=Amount(min=0),
        default=8.0,
        show_default=True,
        metavar="GIGABYTES",
        help="How much memory the scenarios may use in a framework, and one in tfpt itself (Linux; 0: no limit).",
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


class Cluster(click.ParamType):  # type: ignore[type-arg]
    """The address of a cluster's scheduler, such as `dask://host:8786`."""

    name = "ADDRESS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"dask://[^/\s]+:\d{1,5}", str(value)):
            self.fail(f"'{value}' is no address of a cluster, such as dask://host:8786", param, ctx)
        return str(value)


class Processes(click.IntRange):
    """How many processes each framework has, from 1 to 64; `auto` is one for every two cores, as far as the memory goes."""

    def __init__(self) -> None:
        super().__init__(1, 64)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value != "auto":
            return super().convert(value, param, ctx)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        free = free_memory()
        room = 64 if free is None else int(free / PAIR_MEMORY)
        return max(1, min(64, cores // 2, room))


class Python(click.ParamType):  # type: ignore[type-arg]
    """`torch=/old/bin/python` as ("torch", "/old/bin/python")."""

    name = "python"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        framework, _, python = str(value).partition("=")
        if framework not in FRAMEWORKS or not python:
            self.fail(f"'{value}' must be {' or '.join(f'{key}=PYTHON' for key in FRAMEWORKS)}", param, ctx)
        return framework, python


class TemplateName(click.Choice):  # type: ignore[type-arg]
    """The name of a scenario to start from; the subjects that have them are read when they are asked for."""

    def __init__(self) -> None:
        super().__init__(())

    @property
    def choices(self) -> tuple[str, ...]:
        from tfpt_cli.cli.new import templates

        return tuple(templates())

    @choices.setter
    def choices(self, _: object) -> None:
        """What `click.Choice` is made with is not kept."""


class IntervalOption(click.ParamType):  # type: ignore[type-arg]
    """`-3,3` as (-3.0, 3.0)."""

    name = "interval"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            low, high = (float(part) for part in str(value).strip("[]()").split(","))
        except ValueError:
            low = high = 0.0
        if not -1e300 < low < high < 1e300:
            self.fail(f"'{value}' must be LOW,HIGH with LOW below HIGH, such as -3,3", param, ctx)
        return low, high


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


TWO_VERSIONS = [
    click.option(
        "--left", type=Python(), metavar="FRAMEWORK=PYTHON", help="Compare two versions of one framework: this one"
    ),
    click.option(
        "--right", type=Python(), metavar="FRAMEWORK=PYTHON", help="with this one, such as torch=/old/bin/python."
    ),
]


def options(listed: Sequence[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    def decorate(function: Command) -> Command:
        for option in reversed(listed):
            function = option(function)
        return function

    return decorate


def complete_name(*kinds: str) -> Any:
    """Completes the name of a row."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> Any:
        from tfpt_cli.cli.completion import names

        return names(kinds, incomplete)

    return complete


def complete_call(kind: str) -> Any:
    """Completes the last word of a call or an expression."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> Any:
        from tfpt_cli.cli.completion import call

        return call(kind, incomplete)

    return complete


POINT = [
    click.option(
        "--at", multiple=True, metavar="NAME=VALUE", help="An input: x=0, 'x=[1, 2]', 'x=linspace(-3, 3, 7)'."
    ),
    click.option(
        "--let",
        multiple=True,
        metavar="NAME=EXPRESSION",
        help="A line before the expression: 'h=tanh(x)'; of native code 'torch:h=torch.tanh(x)'.",
    ),
    click.option("--wrt", multiple=True, metavar="NAME", help="Differentiate by this input; by all unless said."),
    click.option(
        "--derivative",
        "derivatives",
        multiple=True,
        type=Named([*DERIVATIVES, "none"]),
        help="Which derivative; the gradient unless said. May be given several times.",
    ),
    click.option("--tangent", multiple=True, metavar="NAME=VALUE", help="The direction of jvp and hvp."),
    click.option("--cotangent", metavar="VALUE", help="What the output is weighted by, of vjp and of models."),
    click.option("--ways", type=Named(["usual", "all"]), help="Every way that a framework has to differentiate."),
    click.option(
        "--mode",
        "modes",
        multiple=True,
        type=Named([mode for framework in FRAMEWORKS.values() for mode in framework.modes[1:]]),
        help="Compiled too.",
    ),
    click.option(
        "--input-dtype", "dtypes", multiple=True, metavar="NAME=DTYPE", help="An input of another dtype: i=int64."
    ),
]
# What is said of two models besides their inputs.
MODEL = [
    click.option("--training", is_flag=True, help="Call the models as in training; in evaluation unless said."),
    click.option(
        "--weights",
        metavar="drawn|torch|tensorflow|FILE",
        help="Of models: the weights of both, drawn unless said; those that a framework's own starts with, or those of a file.",
    ),
]
ONE_LINER = [
    click.option(
        "--dtype",
        type=DtypeName(),
        help="float32 unless said.",
    ),
    click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of every random draw; 0 unless said."),
    click.option(
        "--save",
        type=PATH,
        metavar="FILE",
        help="Keep the comparison as a scenario in this file, behind what it holds.",
    ),
    click.option("--code", is_flag=True, help="Show the code that runs in each framework."),
    click.option("--plot", is_flag=True, help="Draw value and derivative of both frameworks over an interval."),
    click.option(
        "--interval",
        type=IntervalOption(),
        metavar="LOW,HIGH",
        help="Where to --plot; around the input's numbers unless said.",
    ),
    click.option("--format", "format_", type=Named(list(FORMATS)), default="table", help="What to write."),
    VERBOSE,
    click.option("--fix-preview", is_flag=True, help="Put in the recipes of known differences, and try them."),
    REFERENCE,
    WARM,
    *LIMITS,
    *PYTHONS,
]


def kind_or_missing(context: click.Context, parameter: click.Parameter, kind: str | None) -> str | None:
    """The kind of rows that `tfpt list` is to list, which is needed without `--missing`, and not taken with it."""
    if context.params.get("missing"):
        if kind is not None:
            raise click.UsageError("--missing goes through all functions of the frameworks: it takes no kind of rows")
    elif kind is None:
        raise click.MissingParameter(ctx=context, param=parameter)
    return kind


class OfExpression(Typed):
    """A command of one expression, which may begin with a minus: `tfpt grad '-sum(x)'`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = {name: option for option in self.params if isinstance(option, click.Option) for name in option.opts}
        for place, word in enumerate(args):
            before = options.get(args[place - 1]) if place else None
            is_value = before is not None and not before.is_flag
            if word == "--":
                break
            if word[:1] == "-" and word[:2] != "--" and word not in options and not is_value:
                args = [*args[:place], *args[place + 1 :], "--", word]
                break
        return super().parse_args(ctx, args)


def processes_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The sides and the limits of a run, as the options of the engine that they are."""
    from tfpt_cli.workers.process import Limits

    left, right = given.get("left"), given.get("right")
    sides = sides_of(given)
    if left or right:
        if not left or not right or any(side.interpreter for side in sides):
            raise click.UsageError(
                "--left and --right go together, and stand instead of --torch-python and --tensorflow-python"
            )
        if left[0] != right[0]:
            words = f"--left {left[0]} and --right {right[0]} are two frameworks"
            raise click.UsageError(f"{words}: use --torch-python and --tensorflow-python")
        sides = two_versions(FRAMEWORKS[left[0]], left[1], right[1])
    return {"sides": sides, "limits": Limits(given["timeout"], given["start_timeout"], given["memory"])}


def sides_of(given: Mapping[str, Any]) -> Sides:
    """Both frameworks, each in the interpreter that an option names."""
    return usual_sides(**{framework: given[f"{framework}_python"] for framework in FRAMEWORKS})


def choice(expression: str | None, tags: tuple[str, ...]) -> Callable[[Scenario], bool]:
    """What `-k` and `--tag` choose; a usage error for an expression that cannot be read."""
    from tfpt_cli.scenario.selection import BadExpression, chooser

    try:
        return chooser(expression, tags)
    except BadExpression as error:
        raise click.UsageError(str(error)) from None
