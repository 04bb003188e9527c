"""The commands with their options and their help: each hands on to the module that does its work."""

from __future__ import annotations

import sys
from typing import Any

import click

from tfpt_cli import __version__
from tfpt_cli.cli import warm_client
from tfpt_cli.cli.options import (
    ALLOW_CODE,
    CACHE,
    CHOOSE,
    LIMITS,
    MODEL,
    ONE_LINER,
    PATH,
    PATHS,
    POINT,
    PYTHONS,
    TWO_VERSIONS,
    VERBOSE,
    WARM,
    Amount,
    Cluster,
    OfExpression,
    Processes,
    ReportFile,
    Shard,
    TemplateName,
    complete_call,
    complete_name,
    kind_or_missing,
    one_or_two,
    options,
    processes_of,
    sides_of,
)
from tfpt_cli.cli.outputs import exit_codes
from tfpt_cli.cli.typed import DtypeName, Named, Typed, no_such_command
from tfpt_cli.frameworks import FRAMEWORKS, REFERENCE, TENSORFLOW, TORCH
from tfpt_cli.report import FORMATS

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class InOrder(click.Group):
    """Lists the commands in the order in which a person meets them."""

    def list_commands(self, _: click.Context) -> list[str]:
        known = [name for name in _ORDER if name in self.commands]
        return [*known, *(name for name in self.commands if name not in known)]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(no_such_command(args[0], list(self.commands)), ctx)
        return super().resolve_command(ctx, args)

    def make_context(self, *arguments: Any, **given: Any) -> click.Context:
        with exit_codes():  # `--help` is printed here
            return super().make_context(*arguments, **given)

    def invoke(self, ctx: click.Context) -> Any:
        with exit_codes():
            return super().invoke(ctx)


_ORDER = (
    *("check", "grad", "weights", "diff", "layer", "watch", "new", "validate", "code", "pair", "transfer", "inspect"),
    *("explain", "list", "show", "site", "schema", "selfcheck", "doctor", "warm", "cache", "completion"),
)


@click.group(cls=InOrder, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="tfpt")
def cli() -> None:
    """Do this PyTorch code and this TensorFlow/Keras code mean the same thing?

    Write a scenario in YAML, run `tfpt check scenario.yaml`, and read both frameworks side by side.
    """


@cli.command()
@PATHS
@options(CHOOSE)
@click.option("-x", "--exitfirst", is_flag=True, help="Stop after the first scenario that is not as expected.")
@click.option(
    "--maxfail", type=click.IntRange(min=1), metavar="N", help="Stop after N scenarios that are not as expected."
)
@click.option(
    "--last-failed", "--lf", is_flag=True, help="Take only what was not as expected when it was last checked here."
)
@click.option(
    "--shard",
    type=Shard(),
    metavar="K/N",
    help="Take every N-th of the chosen scenarios, from the K-th on, such as 1/4: together all shards are everything.",
)
@click.option(
    "-j",
    "--workers",
    type=Processes(),
    default=1,
    show_default=True,
    metavar="N|auto",
    help="How many processes each framework has; auto: as many as the processor and the memory have room for.",
)
@click.option(
    "--executor",
    type=Cluster(),
    metavar="dask://HOST:PORT",
    help="Run the scenarios on the workers of this Dask cluster, which must have the same tfpt (pip install 'tfpt[dask]').",
)
@click.option(
    "--format",
    "format_",
    type=Named(list(FORMATS)),
    default="table",
    show_default=True,
    help="What to write.",
)
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Write it to this file instead of the terminal.")
@click.option(
    "--report",
    "reports",
    type=ReportFile(),
    multiple=True,
    metavar="FORMAT=FILE",
    help="Write a report in another format too, such as junit=out.xml; may be given several times.",
)
@click.option(
    "-q", "--quiet", count=True, help="A line for what passed (none with --format line); twice: only the last line."
)
@VERBOSE
@click.option(
    "--fix-preview", is_flag=True, help="Put the recipes of known differences into what does not agree, and try them."
)
@click.option(
    "--save-baseline", type=PATH, metavar="FILE", help="Keep all values and verdicts, for a later --baseline."
)
@click.option(
    "--baseline",
    type=PATH,
    metavar="FILE",
    help="Say what has changed since; a verdict that turns, or a value beyond the tolerance, is a failure.",
)
@click.option(
    "--only-new", is_flag=True, help="With --baseline: what failed then and has not changed since is no failure now."
)
@options(LIMITS)
@click.option(
    "--reference/--no-reference",
    default=True,
    help="Whether to ask the NumPy reference who is right, or to compare the frameworks alone.",
)
@CACHE
@WARM
@ALLOW_CODE
@options(PYTHONS)
@options(TWO_VERSIONS)
def check(paths: tuple[str, ...], **given: Any) -> None:
    """Run scenarios in both frameworks and compare what they give.

    PATH is a scenario file or a folder of them; without one, the folder `scenarios` here. file.yaml::name or file.yaml:12 takes
    the scenario with that name or at that line, and - reads one from standard input. Exit codes: 0 every scenario as
    expected, 1 at least one not, 2 bad usage or an invalid file, 3 a framework could not run; the highest that applies.
    """
    from tfpt_cli.cli.check import run_check
    from tfpt_cli.cli.show import Settings
    from tfpt_cli.engine.options import Options

    options = Options(
        paths=paths,
        expression=given["expression"],
        tags=given["tags"],
        shard=given["shard"],
        maxfail=1 if given["exitfirst"] else given["maxfail"] or 0,
        workers=given["workers"],
        cluster=given["executor"] or "",
        allow_code=given["allow_code"],
        reference=given["reference"],
        **processes_of(given),
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
        only_new=given["only_new"],
        cache=given["cache"],
    )
    sys.exit(run_check(options, settings))


@cli.command()
@PATHS
@click.option(
    "--format",
    "format_",
    type=Named(["text", "github"]),
    default="text",
    show_default=True,
    help="Lines for people and editors, or annotations of a pull request.",
)
@ALLOW_CODE
@CACHE
def validate(paths: tuple[str, ...], format_: str, allow_code: bool, cache: bool) -> None:
    """Check that scenario files are valid, without starting a framework.

    Prints every problem of every file as file:line:column: message. Exit codes: 0 all valid, 2 not.
    """
    from tfpt_cli.cli.validate import run_validate

    sys.exit(run_validate(paths, allow_code=allow_code, format_=format_, cache=cache))


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="SCENARIO...")
@options(CHOOSE)
@click.option(
    "--framework",
    type=click.Choice([*FRAMEWORKS, REFERENCE.key]),
    help="Only this framework's script, or the reference's.",
)
@click.option(
    "-o", "--output", type=PATH, metavar="FOLDER", help="Write each script to a file of its own in this folder."
)
@ALLOW_CODE
def code(
    paths: tuple[str, ...],
    expression: str | None,
    tags: tuple[str, ...],
    framework: str | None,
    output: str | None,
    allow_code: bool,
) -> None:
    """Show the code that `check` runs: scripts that run alone and print the numbers of the table."""
    from tfpt_cli.cli.code import run_code

    sys.exit(run_code(paths, expression, tags, framework, output, allow_code=allow_code))


@cli.command()
@PATHS
@options(CHOOSE)
@ALLOW_CODE
def pair(paths: tuple[str, ...], expression: str | None, tags: tuple[str, ...], allow_code: bool) -> None:
    """Write which parameters of two models correspond, as the `pair:` of a scenario, to be kept and edited.

    Both models are built and called. Exit codes: 0 all were paired, 1 some could not be, 2 a file is invalid.
    """
    from tfpt_cli.cli.pair import run_pair

    sys.exit(run_pair(paths, expression, tags, allow_code=allow_code))


@cli.command()
@click.argument("scenario", type=PATH)
@click.option(
    "--from", "source", required=True, type=PATH, metavar="FILE", help="The weights of one of the two models."
)
@click.option(
    "-o", "--output", type=PATH, metavar="FILE", help="The file of the other model; its ending says the format."
)
@click.option("--code", is_flag=True, help="Print the conversion as plain code that runs without tfpt.")
@click.option("--force", is_flag=True, help="Write without a check of both models with these weights.")
@ALLOW_CODE
@options([*PYTHONS, *LIMITS])
def transfer(scenario: str, source: str, output: str | None, code: bool, force: bool, **given: Any) -> None:
    """Write the weights of one model's FILE as a file of the other model, once both agree with them.

    Endings: .pt, .pth, .safetensors, .npz of PyTorch; .weights.h5, .keras, .safetensors, .npz, .ckpt of Keras. What was written
    is read again. Exit codes: 0 written, 1 the models do not agree or it could not be written, 2 bad usage or an invalid file.
    """
    from tfpt_cli.cli.transfer import run_transfer
    from tfpt_cli.engine.options import Options

    options = Options(allow_code=given.pop("allow_code"), **processes_of(given))
    sys.exit(run_transfer(scenario, source, output, force=force, code=code, options=options))


@cli.command("inspect")
@click.argument("files", nargs=-1, type=PATH, metavar="FILE [FILE]", callback=one_or_two)
@click.option("--inside", default="", metavar="NAME", help="Of a PyTorch file with several dicts of weights, this one.")
@click.option(
    "--format", "format_", type=Named(["table", "json"]), default="table", show_default=True, help="What to write."
)
@click.option(
    "--memory",
    type=Amount(min=0),
    default=8.0,
    show_default=True,
    metavar="GIGABYTES",
    help="How much memory reading a file may take (Linux; 0: no limit).",
)
@options(PYTHONS)
def inspect_(files: tuple[str, ...], inside: str, format_: str, memory: float, **given: Any) -> None:
    """List the weights in a file with their shapes, means and deviations, or lay two files side by side.

    FILE is a .safetensors, .pt, .npz, .h5 or .keras, the prefix of a TensorFlow checkpoint, a SavedModel, or the index of several
    files. Nothing in it is run. Of two, entries are paired by name, numbers, shape and order, and compared up to the order of
    their axes. Exit codes: 0 read, and of two the same weights, 1 two differ, 2 a file cannot be read.
    """
    from tfpt_cli.cli.inspect import run_inspect

    sys.exit(run_inspect(files, sides_of(given), inside=inside, memory=memory, format_=format_))


@cli.command()
@options(PYTHONS)
def doctor(**given: Any) -> None:
    """Show the interpreters, the versions, what is missing, and the command that installs it.

    Exit codes: 0 both frameworks run, 3 not.
    """
    from tfpt_cli.cli.doctor import run_doctor

    sys.exit(run_doctor(sides_of(given)))


@cli.command("list")
@click.argument(
    "what",
    type=click.Choice(["layers", "initializers", "operations", "differences"]),
    callback=kind_or_missing,
    required=False,
)
@click.argument("word", required=False)
@click.option(
    "--missing",
    is_flag=True,
    is_eager=True,
    help="Instead, ask the installed frameworks for their functions, and say how many of each namespace have a row, which have "
    "none and why, and which have neither.",
)
@options(PYTHONS)
def list_(what: str | None, word: str | None, missing: bool, **given: Any) -> None:
    """List the rows of the dictionary, with what was measured for each.

    WORD chooses those that hold it in their name, file, spelling or notes; a few operations are shown whole.

    Exit codes of --missing: 0 every function has a row or a reason, 1 not, 3 a framework could not run.
    """
    if missing:
        from tfpt_cli.cli.missing import run_missing

        sys.exit(run_missing(sides_of(given)))
    from tfpt_cli.cli.lookup import run_list

    sys.exit(run_list(str(what), word))


@cli.command()
@click.argument("name", shell_complete=complete_name("layers", "initializers", "operations", "differences"))
def show(name: str) -> None:
    """Show all that is known of a layer, an initializer, an operation or a known difference.

    Both spellings, signature, layouts, defaults, what was measured, the known differences, and what shows it.
    NAME may be a framework's own, such as Dense, reduce_sum or nn.CrossEntropyLoss.
    """
    from tfpt_cli.cli.lookup import run_show

    sys.exit(run_show(name))


@cli.command()
@click.argument("names", nargs=-1, metavar="[ID]...", shell_complete=complete_name("differences"))
@click.option("--run", is_flag=True, help="Then check the scenarios that show them; they come with tfpt.")
@click.option("--fix-preview", is_flag=True, help="Check them, put in the recipes, and try those too.")
def explain(names: tuple[str, ...], run: bool, fix_preview: bool) -> None:
    """Explain known differences: what differs, why, what to write on either side, the source, and what shows it.

    ID is one of those that stand under a mismatch, or a word to look for; of several words, those that hold them all. Without
    one: the differences that are met most.
    """
    from tfpt_cli.cli.lookup import run_explain

    sys.exit(run_explain(names, run=run, fix_preview=fix_preview))


@cli.command(cls=OfExpression)
@click.argument("expression", shell_complete=complete_call("operations"))
@options(POINT)
@options(ONE_LINER)
def grad(expression: str, **given: Any) -> None:
    """Compare the value and the derivatives of a neutral expression, without a file.

    tfpt grad 'softmax(x)' --at 'x=[1, 2, 3]' --derivative jacobian
    """
    from tfpt_cli.cli.one_liners import run_grad

    sys.exit(run_grad(expression, given))


@cli.command("layer", cls=OfExpression)
@click.argument("call", metavar="LAYER", shell_complete=complete_call("layers"))
@click.option(
    "--at", multiple=True, metavar="NAME=VALUE", help="An input, as PyTorch takes it; some that fit, unless said."
)
@options(MODEL)
@options(ONE_LINER)
def layer_(call: str, **given: Any) -> None:
    """Compare what a layer computes with the same weights, forward and backward, without a file.

    tfpt layer 'conv2d(3, 8, 3, stride=2)'
    """
    from tfpt_cli.cli.one_liners import run_layer

    sys.exit(run_layer(call, given))


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("layer", shell_complete=complete_call("layers"))
@click.argument(
    "parameters",
    nargs=-1,
    type=click.UNPROCESSED,
    metavar="[--PARAMETER INITIALIZER]...",
    shell_complete=complete_call("initializers"),
)
@click.option("--samples", type=int, metavar="N", help="How many values a distribution test draws at least, a side.")
@options(ONE_LINER)
def weights(layer: str, parameters: tuple[str, ...], samples: int | None, **given: Any) -> None:
    """Compare what the parameters of a layer are filled with, without a file.

    tfpt weights 'linear(3, 4)' --weight 'uniform(0, 1)' --bias 'constant(-1)'

    Any parameter of the layer can be named; one that is left out keeps each framework's own default.
    """
    from tfpt_cli.cli.one_liners import run_weights

    sys.exit(run_weights(layer, parameters, samples, given))


@cli.command(cls=Typed)
@click.option("--torch", required=True, metavar="CODE", help="The expression or the layer in PyTorch.")
@click.option("--tensorflow", required=True, metavar="CODE", help="The expression or the layer in TensorFlow or Keras.")
@options(POINT)
@click.option(
    "--input-shape",
    metavar="SIZES",
    help="Of two layers: the shape that Keras builds for, such as 28,28,1, where PyTorch's layer does not tell it.",
)
@click.option(
    "--pair",
    multiple=True,
    metavar="NAME=NAME",
    help="Of two layers: parameters that correspond, PyTorch's and Keras's, such as 0.weight=dense.kernel "
    "(0.weight=layers.0.kernel with --input-shape).",
)
@click.option(
    "--layout",
    multiple=True,
    metavar="NAME=PATTERN",
    help="How the axes of such a parameter, an input or the output map: 'x=n c h w -> n h w c'; channels for all of images.",
)
@options(MODEL)
@ALLOW_CODE
@options(ONE_LINER)
def diff(torch: str, tensorflow: str, input_shape: str | None, **given: Any) -> None:
    """Compare two pieces of code, one for each framework, without a file.

    tfpt diff --torch 'F.gelu(x)' --tensorflow 'keras.ops.gelu(x)' --at 'x=linspace(-3, 3, 7)'

    A function of your own file stands as port.py:loss, called with the inputs in their order, and needs --allow-code.

    Two layers, or networks of your own (net.py:Net()), are given the same weights and compared forward and backward; without --at
    two layers are compared by what they are filled with:

    tfpt diff --torch 'nn.Linear(3, 4)' --tensorflow 'keras.layers.Dense(4)' --at 'x=normal(0, 1, (2, 3))'

    tfpt diff --torch 'nn.Linear(3, 4)' --tensorflow 'keras.layers.Dense(4)'
    """
    from tfpt_cli.cli.one_liners import run_diff

    sys.exit(run_diff({TORCH.key: torch, TENSORFLOW.key: tensorflow}, input_shape, given))


@cli.command()
@PATHS
@options(CHOOSE)
@click.option(
    "-q", "--quiet", count=True, help="A line for what passed (none with --format line); twice: only the last line."
)
@VERBOSE
@options(LIMITS)
@ALLOW_CODE
@options(PYTHONS)
def watch(paths: tuple[str, ...], **given: Any) -> None:
    """Keep both frameworks warm and check scenarios again when their file is saved, until Ctrl-C."""
    from tfpt_cli.cli.show import Settings
    from tfpt_cli.cli.watch import run_watch
    from tfpt_cli.engine.options import Options

    options = Options(
        paths=paths,
        expression=given["expression"],
        tags=given["tags"],
        allow_code=given["allow_code"],
        listings=given["verbose"],
        **processes_of(given),
    )
    sys.exit(run_watch(options, Settings(quiet=given["quiet"], verbose=given["verbose"])))


@cli.command()
@click.argument("file", required=False, type=PATH)
@click.option(
    "--kind",
    type=TemplateName(),
    help="A commented one to start from, without questions: an expression (gradient, unless said) or a layer, in one spelling "
    "or natively in two.",
)
@click.option(
    "--from",
    "origin",
    metavar="NAME",
    shell_complete=complete_name("differences", "layers", "initializers", "operations"),
    help="The scenarios that show a known difference, a layer, an initializer or an operation (operations/NAME, where a layer "
    "has that name too).",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def new(file: str | None, kind: str | None, origin: str | None, force: bool) -> None:
    """Write a scenario to start from, into FILE or to the terminal.

    In a terminal it asks what is compared, and writes that.
    """
    from tfpt_cli.cli.new import run_new

    sys.exit(run_new(kind, file, origin=origin, force=force))


@cli.command()
@click.option("-o", "--output", required=True, type=PATH, metavar="DIR", help="The folder that it is written into.")
def site(output: str) -> None:
    """Write the dictionary as web pages, one for each row, with a list that searches them; they need no server.

    Starts no framework. An earlier site in DIR is written over.
    """
    from tfpt_cli.cli.site import run_site

    sys.exit(run_site(output))


@cli.command()
@click.argument("do", type=click.Choice(["start", "stop", "status"]), default="status", metavar="[start|stop|status]")
@click.option(
    "--idle",
    type=Amount(min=1),
    default=warm_client.IDLE,
    show_default=True,
    metavar="SECONDS",
    help="With start: end them when nothing was asked of them for so long.",
)
@ALLOW_CODE
def warm(do: str, idle: float, allow_code: bool) -> None:
    """Keep the frameworks warm in the background, end that, or show what is kept.

    check, grad, weights, layer and diff do so by themselves when a person types them at a terminal, never in CI: the second one
    answers at once. What they give is what it would be otherwise. --no-warm does without, TFPT_WARM=0 always.
    """
    from tfpt_cli.cli.warm import run_warm

    sys.exit(run_warm(do, idle, allow_code=allow_code))


@cli.command()
@click.argument("do", type=click.Choice(["info", "clear"]), default="info", metavar="[info|clear]")
def cache(do: str) -> None:
    """Show what is kept of earlier runs, or delete it.

    A scenario is answered from there while nothing that its result depends on has changed: its text, the files that it names,
    tfpt, the packages, the processor, the environment. check --no-cache runs everything; TFPT_CACHE=0 always does.
    """
    from tfpt_cli.cli.cache import run_cache

    sys.exit(run_cache(do))


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell; its first line says where it goes."""
    from tfpt_cli.cli.completion import run_completion

    sys.exit(run_completion(shell, cli))


@cli.command()
@click.argument("names", nargs=-1, metavar="[OPERATION]...", shell_complete=complete_name("operations"))
@click.option(
    "--dtype",
    "dtypes",
    multiple=True,
    type=DtypeName(),
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
@options(PYTHONS)
def selfcheck(
    names: tuple[str, ...],
    dtypes: tuple[str, ...],
    save: bool,
    odd: bool,
    **given: Any,
) -> None:
    """Check the dictionary against the installed frameworks: every operation, in every dtype, at its special points.

    Exit codes: 0 everything is as the rows declare, 1 not, 2 an unknown operation, 3 a framework could not run, 4 tfpt itself
    failed.
    """
    from tfpt_cli.cli.selfcheck import run_selfcheck

    sys.exit(run_selfcheck(names, dtypes, sides_of(given), save=save, odd=odd))


@cli.command()
@click.option("--report", is_flag=True, help="The schema of the JSON report instead.")
def schema(report: bool) -> None:
    """Print the JSON Schema of the scenario format, for editors, or of the JSON report, for programs.

    The first line `# yaml-language-server: $schema=FILE` gives a scenario file to an editor with the schema in FILE.
    """
    from tfpt_cli.cli.schema import run_schema

    sys.exit(run_schema(report))
