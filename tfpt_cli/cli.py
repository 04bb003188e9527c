"""The commands and their options. No logic: each hands on to the module that does the work."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

from tfpt_cli import __version__
from tfpt_cli.report import FORMATS
from tfpt_cli.results import INTERNAL_ERROR
from tfpt_cli.suggest import did_you_mean

Command = Callable[..., Any]

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
# For the shells, which complete its name; what is wrong with a path is said where it is opened.
_PATH = click.Path(readable=False)
_PATHS = click.argument("paths", nargs=-1, required=True, type=_PATH, metavar="PATH...")
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
        "--torch-python",
        type=_PATH,
        metavar="PYTHON",
        help="Run PyTorch in this interpreter, which needs only torch and NumPy.",
    ),
    click.option(
        "--tensorflow-python",
        type=_PATH,
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


class Python(click.ParamType):  # type: ignore[type-arg]
    """`torch=/old/bin/python` as ("torch", "/old/bin/python")."""

    name = "python"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        framework, _, python = str(value).partition("=")
        if framework not in ("torch", "tensorflow") or not python:
            self.fail(f"'{value}' must be torch=PYTHON or tensorflow=PYTHON", param, ctx)
        return framework, python


class Interval(click.ParamType):  # type: ignore[type-arg]
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


_TWO_VERSIONS = [
    click.option(
        "--left", type=Python(), metavar="FRAMEWORK=PYTHON", help="Compare two versions of one framework: this one"
    ),
    click.option(
        "--right", type=Python(), metavar="FRAMEWORK=PYTHON", help="with this one, such as torch=/old/bin/python."
    ),
]


def _options(options: Sequence[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    def decorate(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _complete_name(*kinds: str) -> Any:
    """Completes the name of a row."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> Any:
        from tfpt_cli.commands.completion import names

        return names(kinds, incomplete)

    return complete


def _complete_call(kind: str) -> Any:
    """Completes the last word of a call or an expression."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> Any:
        from tfpt_cli.commands.completion import call

        return call(kind, incomplete)

    return complete


_POINT = [
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
        type=click.Choice(["gradient", "jacobian", "hessian", "jvp", "vjp", "hvp", "d3", "d4", "d5", "d6", "none"]),
        help="Which derivative; the gradient unless said. May be given several times.",
    ),
    click.option("--tangent", multiple=True, metavar="NAME=VALUE", help="The direction of jvp and hvp."),
    click.option("--cotangent", metavar="VALUE", help="The weights of vjp, like the output."),
    click.option(
        "--ways", type=click.Choice(["usual", "all"]), help="Every way that a framework has to differentiate."
    ),
    click.option(
        "--mode", "modes", multiple=True, type=click.Choice(["compile", "graph", "jit"]), help="Compiled too."
    ),
    click.option(
        "--input-dtype", "dtypes", multiple=True, metavar="NAME=DTYPE", help="An input of another dtype: i=int64."
    ),
]
# How the options above are called by a person, by the name of their values.
_OF_POINT = {
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
_QUICK = [
    click.option(
        "--dtype",
        type=click.Choice(["float16", "bfloat16", "float32", "float64", "complex64", "complex128"]),
        help="float32 unless said.",
    ),
    click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of every random draw; 0 unless said."),
    click.option(
        "--save",
        type=_PATH,
        metavar="FILE",
        help="Keep the comparison as a scenario in this file, behind what it holds.",
    ),
    click.option("--code", is_flag=True, help="Show the code that runs in each framework."),
    click.option("--plot", is_flag=True, help="Draw value and derivative of both frameworks over an interval."),
    click.option(
        "--interval",
        type=Interval(),
        metavar="LOW,HIGH",
        help="Where to --plot; around the input's numbers unless said.",
    ),
    click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="table", help="What to write."),
    click.option(
        "-v", "--verbose", is_flag=True, help="Show tests, tolerances and times, and the code of what failed."
    ),
    click.option("--fix-preview", is_flag=True, help="Put in the recipes of known differences, and try them."),
    click.option("--reference/--no-reference", default=True, help="Whether to ask the NumPy reference who is right."),
    *_LIMITS,
    *_PYTHONS,
]


class OfExpression(click.Command):
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


class InOrder(click.Group):
    """Lists the commands in the order in which a person meets them."""

    def list_commands(self, _: click.Context) -> list[str]:
        known = [name for name in _ORDER if name in self.commands]
        return [*known, *(name for name in self.commands if name not in known)]


_ORDER = (
    *("check", "grad", "weights", "diff", "watch", "new", "validate", "code", "explain", "list", "show", "schema"),
    *("selfcheck", "doctor", "completion"),
)


@click.group(cls=InOrder, context_settings=CONTEXT)
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
@click.option("-o", "--output", type=_PATH, metavar="FILE", help="Write it to this file instead of the terminal.")
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
@click.option(
    "--save-baseline", type=_PATH, metavar="FILE", help="Keep all values and verdicts, for a later --baseline."
)
@click.option(
    "--baseline",
    type=_PATH,
    metavar="FILE",
    help="Say what has changed since; a verdict that turns, or a value beyond the tolerance, is a failure.",
)
@_options(_LIMITS)
@click.option(
    "--reference/--no-reference",
    default=True,
    help="Whether to ask the NumPy reference who is right, or to compare the frameworks alone.",
)
@_ALLOW_CODE
@_options(_PYTHONS)
@_options(_TWO_VERSIONS)
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
@click.argument("paths", nargs=-1, required=True, type=_PATH, metavar="SCENARIO...")
@_options(_CHOOSE)
@click.option(
    "--framework",
    type=click.Choice(["torch", "tensorflow", "reference"]),
    help="Only this framework's script, or the reference's.",
)
@click.option(
    "-o", "--output", type=_PATH, metavar="FOLDER", help="Write each script to a file of its own in this folder."
)
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
@click.argument("what", type=click.Choice(["layers", "initializers", "operations", "differences"]))
@click.argument("word", required=False)
def list_(what: str, word: str | None) -> None:
    """List the rows of the dictionary, with what was measured for each.

    WORD chooses those that hold it in their name, file, spelling or notes; a few operations are shown whole.
    """
    from tfpt_cli.commands.lookup import run_list

    sys.exit(run_list(what, word))


@cli.command()
@click.argument("name", shell_complete=_complete_name("layers", "initializers", "operations", "differences"))
def show(name: str) -> None:
    """Show all that is known of a layer, an initializer, an operation or a known difference.

    Both spellings, signature, layouts, defaults, what was measured, the known differences, and what shows it.
    NAME may be a framework's own, such as Dense or reduce_sum.
    """
    from tfpt_cli.commands.lookup import run_show

    sys.exit(run_show(name))


@cli.command()
@click.argument("names", nargs=-1, required=True, metavar="ID...", shell_complete=_complete_name("differences"))
def explain(names: tuple[str, ...]) -> None:
    """Explain known differences: what differs, why, what to write on either side, the source, and what shows it.

    ID is one of those that stand under a mismatch, or a word to look for.
    """
    from tfpt_cli.commands.lookup import run_explain

    sys.exit(run_explain(names))


@cli.command(cls=OfExpression)
@click.argument("expression", shell_complete=_complete_call("operations"))
@_options(_POINT)
@_options(_QUICK)
def grad(expression: str, **given: Any) -> None:
    """Compare the value and the derivatives of a neutral expression, without a file.

    tfpt grad 'softmax(x)' --at 'x=[1, 2, 3]' --derivative jacobian
    """
    from tfpt_cli.commands.quick import gradient

    sys.exit(
        _quick(gradient({"of": expression}, given["at"], given["let"], _derivatives(given), _common(given)), given)
    )


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("layer", shell_complete=_complete_call("layers"))
@click.argument(
    "fillings",
    nargs=-1,
    type=click.UNPROCESSED,
    metavar="[--PARAMETER INITIALIZER]...",
    shell_complete=_complete_call("initializers"),
)
@click.option("--samples", type=int, metavar="N", help="How many values a distribution test draws at least, a side.")
@_options(_QUICK)
def weights(layer: str, fillings: tuple[str, ...], samples: int | None, **given: Any) -> None:
    """Compare what the parameters of a layer are filled with, without a file.

    tfpt weights 'linear(3, 4)' --weight 'uniform(0, 1)' --bias 'constant(-1)'

    Any parameter of the layer can be named; one that is left out keeps each framework's own default.
    """
    from tfpt_cli.commands.quick import weights as data_of

    sys.exit(_quick(data_of(layer, fillings, {"samples": samples}, _common(given)), given))


@cli.command()
@click.option("--torch", required=True, metavar="CODE", help="The expression or the layer in PyTorch.")
@click.option("--tensorflow", required=True, metavar="CODE", help="The expression or the layer in TensorFlow or Keras.")
@_options(_POINT)
@click.option("--input-shape", metavar="SIZES", help="Of two layers: the shape that Keras builds for, such as 28,28,1.")
@_options(_QUICK)
def diff(torch: str, tensorflow: str, input_shape: str | None, **given: Any) -> None:
    """Compare two pieces of code, one for each framework, without a file.

    tfpt diff --torch 'F.gelu(x)' --tensorflow 'keras.ops.gelu(x)' --at 'x=linspace(-3, 3, 7)'

    Two layers are compared by what they are filled with:

    tfpt diff --torch 'nn.Linear(3, 4)' --tensorflow 'keras.layers.Dense(4)' --input-shape 3
    """
    from tfpt_cli.commands.quick import gradient, layers

    if input_shape is not None:
        if stray := [option for option, value in given.items() if option in _OF_POINT and value]:
            raise click.UsageError(f"{_OF_POINT[stray[0]]} is for expressions, --input-shape for layers")
        sys.exit(_quick(layers(torch, tensorflow, input_shape, _common(given)), given))
    sides = {"torch": torch, "tensorflow": tensorflow}
    sys.exit(_quick(gradient(sides, given["at"], given["let"], _derivatives(given), _common(given)), given))


@cli.command()
@_PATHS
@_options(_CHOOSE)
@click.option("-q", "--quiet", count=True, help="Show only what is not as expected; twice: only the last line.")
@click.option("-v", "--verbose", is_flag=True, help="Show tests, tolerances and times, and the code of what failed.")
@_options(_LIMITS)
@_ALLOW_CODE
@_options(_PYTHONS)
def watch(paths: tuple[str, ...], **given: Any) -> None:
    """Keep both frameworks warm and check scenarios again when their file is saved, until Ctrl-C."""
    from tfpt_cli.check import Options
    from tfpt_cli.commands.check import Settings
    from tfpt_cli.commands.watch import run_watch

    options = Options(
        paths=paths,
        expression=given["expression"],
        tags=given["tags"],
        allow_code=given["allow_code"],
        listings=given["verbose"],
        **_processes(given),
    )
    sys.exit(run_watch(options, Settings(quiet=given["quiet"], verbose=given["verbose"])))


@cli.command()
@click.argument("file", required=False, type=_PATH)
@click.option(
    "--kind",
    type=click.Choice(["gradient", "native", "init", "native-init"]),
    default="gradient",
    show_default=True,
    help="What it is about: an expression or a layer, in one spelling or natively in two.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def new(file: str | None, kind: str, force: bool) -> None:
    """Write a commented scenario to start from, into FILE or to the terminal."""
    from tfpt_cli.commands.new import run_new

    sys.exit(run_new(kind, file, force=force))


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell; its first line says where it goes."""
    from tfpt_cli.commands.completion import run_completion

    sys.exit(run_completion(shell, cli))


@cli.command()
@click.argument("names", nargs=-1, metavar="[OPERATION]...", shell_complete=_complete_name("operations"))
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
@click.option(
    "--odd",
    is_flag=True,
    help="Run every operation at odd inputs instead (sizes 0 to 1,000, NaN, infinities, subnormal numbers, every derivative and "
    "mode) and look for mistakes of tfpt's own; then at the edges of what it can be given (no axis, no values, every axis, every "
    "dtype) and look for differences that the dictionary does not declare.",
)
@_options(_PYTHONS)
def selfcheck(
    names: tuple[str, ...],
    dtypes: tuple[str, ...],
    save: bool,
    odd: bool,
    torch_python: str | None,
    tensorflow_python: str | None,
) -> None:
    """Check the dictionary against the installed frameworks: every operation, in every dtype, at its special points.

    Exit codes: 0 everything is as the rows declare, 1 not, 2 an unknown operation, 3 a framework could not run, 4 tfpt itself
    failed.
    """
    from tfpt_cli.commands.frameworks import run_selfcheck

    sys.exit(run_selfcheck(names, dtypes, _interpreters(torch_python, tensorflow_python), save=save, odd=odd))


@cli.command()
@click.option("--report", is_flag=True, help="The schema of the JSON report instead.")
def schema(report: bool) -> None:
    """Print the JSON Schema of the scenario format, for editors, or of the JSON report, for programs.

    The first line `# yaml-language-server: $schema=FILE` gives a scenario file to an editor with the schema in FILE.
    """
    from tfpt_cli.commands.schema import run_schema

    sys.exit(run_schema(report))


def _derivatives(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a gradient scenario besides its expressions and inputs."""
    from tfpt_cli.commands.quick import assigned, value_of

    kinds = [kind for kind in given["derivatives"] if kind != "none"]
    modes = {
        framework: ["eager", *(mode for mode in given["modes"] if mode in known)]
        for framework, known in (("torch", ("compile",)), ("tensorflow", ("graph", "jit")))
    }
    return {
        "dtypes": assigned(given["dtypes"], "--input-dtype", "i=int64", text=True) or None,
        "wrt": list(given["wrt"]) or None,
        "derivatives": kinds if given["derivatives"] else None,
        "tangent": assigned(given["tangent"], "--tangent", "x=1") or None,
        "cotangent": value_of(given["cotangent"]) if given["cotangent"] is not None else None,
        "ways": given["ways"],
        "modes": {framework: listed for framework, listed in modes.items() if len(listed) > 1} or None,
    }


def _common(given: dict[str, Any]) -> dict[str, Any]:
    return {key: given[key] for key in ("dtype", "seed") if given[key] is not None}


def _quick(data: dict[str, Any], given: dict[str, Any]) -> int:
    from tfpt_cli.check import Options
    from tfpt_cli.commands.check import Settings
    from tfpt_cli.commands.quick import Wanted, run_quick

    settings = Settings(format=given["format_"], verbose=given["verbose"], fix_preview=given["fix_preview"])
    options = Options(
        reference=given["reference"], listings=given["verbose"] or given["format_"] == "html", **_processes(given)
    )
    plot = given["plot"] or given["interval"] is not None
    wanted = Wanted(given["save"], given["code"], plot, given["interval"], settings)
    return run_quick(data, options, wanted)


def _processes(given: dict[str, Any]) -> dict[str, Any]:
    """What says how the frameworks' processes are run."""
    from tfpt_cli.workers.pool import Limits

    left, right = given.get("left"), given.get("right")
    interpreters = _interpreters(given["torch_python"], given["tensorflow_python"])
    if left or right:
        if not left or not right or interpreters:
            raise click.UsageError(
                "--left and --right go together, and stand instead of --torch-python and --tensorflow-python"
            )
        if left[0] != right[0]:
            words = f"--left {left[0]} and --right {right[0]} are two frameworks"
            raise click.UsageError(f"{words}: use --torch-python and --tensorflow-python")
        interpreters = {"torch": left[1], "tensorflow": right[1]}
    return {
        "alike": left[0] if left else None,
        "interpreters": interpreters,
        "limits": Limits(given["timeout"], given["start_timeout"], given["memory"]),
    }


def _interpreters(torch_python: str | None, tensorflow_python: str | None) -> dict[str, str]:
    given = {"torch": torch_python, "tensorflow": tensorflow_python}
    return {framework: python for framework, python in given.items() if python}


def main() -> NoReturn:
    """The entry point of `tfpt`: a person's error is a line, one of ours a traceback and exit code 4."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        cli(prog_name="tfpt")
    except Exception as error:
        sys.exit(_ended_by(error))
    sys.exit(0)


def _ended_by(error: Exception) -> int:
    """Says what ended a command, and gives its exit code."""
    from tfpt_cli.commands.outputs import WRITE_ERRORS, CannotWrite, forget_standard_output

    if isinstance(error, BrokenPipeError):  # the reader has gone (`tfpt list ... | head`): nothing to say
        forget_standard_output()
        return 0
    if isinstance(error, OSError) and error.errno in WRITE_ERRORS:
        forget_standard_output()
        CannotWrite("to standard output", error).show()
        return CannotWrite.exit_code
    traceback.print_exception(error)
    click.echo("tfpt: a mistake of tfpt itself, not of your code; please report it with the lines above", err=True)
    return INTERNAL_ERROR
