"""`tfpt grad`, `tfpt weights` and `tfpt diff`: a comparison from the command line, without a file.

Each makes the scenario that a person would write and checks it as `tfpt check` does; `--save` keeps it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfpt_cli.cli.check import curved
from tfpt_cli.cli.options import processes_of
from tfpt_cli.cli.outputs import check_outputs, write_file
from tfpt_cli.cli.show import Outputs, Settings, Show
from tfpt_cli.cli.typed import as_typed
from tfpt_cli.documents.document import documents
from tfpt_cli.documents.typed_values import assigned
from tfpt_cli.engine.curves import curve_plan, point_plan, run
from tfpt_cli.engine.options import Options
from tfpt_cli.engine.session import Session
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.mentions import typed_as
from tfpt_cli.report.console import plain_console
from tfpt_cli.results import printable
from tfpt_cli.scenario.writing import scenario_from, scenario_text
from tfpt_cli.subjects.gradient.one_liner import OPTIONS, gradient_of
from tfpt_cli.subjects.init.one_liner import initialization_of, initialization_of_both, input_shape_of, sizes_in
from tfpt_cli.subjects.model.one_liner import are_models, layer_of, model_of
from tfpt_cli.subjects.registry import INIT, SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from tfpt_cli.engine.curves import CurveRun
    from tfpt_cli.results import Problem, Report
    from tfpt_cli.scenario.scenario import Scenario
    from tfpt_cli.subjects.subject import Interval

HERE = "the command line"
# The options that give the fields of a scenario, by which the messages call them.
_FIELDS = {
    **OPTIONS,
    **{framework: f"--{framework}" for framework in FRAMEWORKS},
    "dtype": "--dtype",
    "seed": "--seed",
    "samples": "--samples",
    "pair": "--pair",
    "layout": "--layout",
}


# What pairs the parameters of two layers, with an example, and what else is of models alone.
_PAIRED = {"pair": "0.weight=layers.0.kernel", "layout": "0.weight=out in -> in out"}
_OF_MODELS = (*_PAIRED, "training", "weights")


@dataclass(frozen=True)
class Wanted:
    """What is to be done with a comparison besides printing its table."""

    save: str | None = None
    code: bool = False
    plot: bool = False
    interval: Interval | None = None
    settings: Settings = field(default_factory=Settings)


def run_grad(expression: str, given: dict[str, Any]) -> int:
    """`tfpt grad`: a neutral expression at the inputs that are `given` by option, and its derivatives."""
    with _usage_errors():
        data = gradient_of({"of": expression}, given)
    return _checked(data, given)


def run_weights(layer: str, parameters: Sequence[str], samples: int | None, given: dict[str, Any]) -> int:
    """`tfpt weights`: what the parameters of a neutral layer are filled with."""
    with _usage_errors():
        data = initialization_of(layer, parameters, samples)
    return _checked(data, given)


def run_layer(layer: str, given: dict[str, Any]) -> int:
    """`tfpt layer`: what a neutral layer computes in both frameworks with the same weights."""
    with _usage_errors():
        data = layer_of(layer, given)
    return _checked(data, given)


def run_diff(codes: dict[str, str], input_shape: str | None, given: dict[str, Any]) -> int:
    """`tfpt diff`: native code by framework; without inputs two layers by what they are filled with."""
    with _usage_errors():
        built_for: Sequence[int] | None = None if input_shape is None else sizes_in(input_shape, "--input-shape")
        if built_for is None and not any(given[key] for key in (*OPTIONS, "training", "weights")):
            built_for = input_shape_of(codes)
        if built_for is None and given["at"] and are_models(codes, given):
            data = model_of(codes, given)
        elif built_for is None:
            if stray := [f"--{key}" for key in _OF_MODELS if given.get(key)]:
                raise ValueError(f"{stray[0]} is for layers, with --at or --input-shape")
            data = gradient_of(codes, given)
        else:
            if stray := [option for key, option in OPTIONS.items() if given[key]]:
                raise ValueError(f"{stray[0]} is for expressions, --input-shape for layers")
            pair, layout = (assigned(given[key], f"--{key}", example, text=True) for key, example in _PAIRED.items())
            data = initialization_of_both(codes, built_for, pair, layout)
    return _checked(data, given)


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Options that make no scenario, or of which nothing can be drawn, are a usage error, with what a subject says of them."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _checked(data: dict[str, Any], given: dict[str, Any]) -> int:
    name = printable(" ".join(data["name"].split()))[:200] or "a comparison"
    data |= {"name": name, **{key: given[key] for key in ("dtype", "seed") if given[key] is not None}}
    settings = Settings(format=given["format_"], verbose=given["verbose"], fix_preview=given["fix_preview"])
    options = Options(
        reference=given["reference"],
        allow_code=given.get("allow_code", False),
        listings=given["verbose"] or given["format_"] == "html",
        **processes_of(given),
    )
    plot = given["plot"] or given["interval"] is not None
    wanted = Wanted(save=given["save"], code=given["code"], plot=plot, interval=given["interval"], settings=settings)
    return _run(data, options, wanted)


def _run(data: dict[str, Any], options: Options, wanted: Wanted) -> int:
    """Checks the scenario that the data makes, prints its code, table and plot as wanted, and gives the exit code of `check`."""
    text = scenario_text(data)
    with typed_as(_FIELDS):
        scenario, problems = scenario_from(scenario_text(data, width=1_000_000), HERE, allow_code=options.allow_code)
    if scenario is None:
        for problem in problems:
            _complain(problem, data)
        return 2
    weighed = scenario.task.weighed(data[scenario.subject])
    if weighed is not None:
        data = {**data, scenario.subject: weighed}
        text = scenario_text(data)
        scenario = scenario_from(text, HERE, allow_code=options.allow_code)[0] or scenario
    scenario = replace(scenario, line=0)
    plan = _plan(scenario, wanted.interval) if wanted.plot else None
    if wanted.save:
        _save(wanted.save, scenario_text(_beside(wanted.save, data)))
    # Another format has standard output for itself.
    console = plain_console(None, stderr=wanted.settings.format != "table")
    if wanted.code and not scenario.task.open_ended:
        _show_code(scenario, options, console)
    show = Show(wanted.settings, Outputs(wanted.settings))
    with Session(options) as session:
        with show:
            report = session.check(replace(options, generated=[[scenario]]), show)
            if "html" in wanted.settings.formats:
                report = curved(report, show, session, options)
        if wanted.code and scenario.task.open_ended:  # only the run has told what the code is
            _show_code(scenario, options, console)
        if not show.streams or report.interrupted:
            show.end(report)
        if plan is not None and not report.interrupted:
            _plot(plan, run(session, options, plan.scenarios), console)
        if wanted.settings.fix_preview and not report.interrupted:
            show.preview(session, options)
    return report.exit_code if report.interrupted else max(report.exit_code, show.outputs.exit_code)


def _show_code(scenario: Scenario, options: Options, console: Console) -> None:
    """Prints the scripts of both sides; `tfpt code -o` writes the weights of models beside them."""
    for side, listing in scenario.listings(options.sides).items():
        console.print(f"# ---- {side.label} ----")
        console.print(listing.reading(side.key).script(), soft_wrap=True)


def _complain(problem: Problem, data: dict[str, Any]) -> None:
    """A problem with the words of the command line that it is about: nobody has seen the scenario that they made."""
    click.echo(f"tfpt: {printable(problem.message)}", err=True)
    found, _ = documents(HERE, scenario_text(data, width=1_000_000))  # none where a key is one that is refused
    path, offset = found[0].path_at(problem.line, problem.column) if found else ((), None)
    if len(path) < 2:
        return
    document = found[0]
    # The parameters of a layer are options by their own names.
    own = {key: f"--{key.replace('_', '-')}" for key in data.get(INIT.name, {}) if key not in ("layer", *FRAMEWORKS)}
    words, place = as_typed(path, document.at(path), offset, {**_FIELDS, **own})
    click.echo(f"    {printable(words)}", err=True)
    if place is not None:
        click.echo(f"    {' ' * place}^", err=True)


def _beside(path: str, data: dict[str, Any]) -> dict[str, Any]:
    """The data of a scenario with the paths of a person's own files as they are seen from a file at `path`."""
    subject = next(name for name in SUBJECTS if name in data)
    fields = dict(data[subject])
    own = {f: fields[f]["python"] for f in FRAMEWORKS if isinstance(fields.get(f), dict) and "python" in fields[f]}
    for framework, text in own.items():
        file, colon, function = text.partition(".py:")
        file, colon = f"{file}.py", ":"
        fields[framework] = {"python": os.path.relpath(file, Path(path).parent) + colon + function}
    return {**data, subject: fields} if own else data


def _save(path: str, text: str) -> None:
    """Writes the scenario into a new file; behind the others where there are some already."""
    check_outputs([path])
    file = Path(path)
    try:
        before = file.read_text(encoding="utf-8").rstrip("\n") if file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot write '{path}': {getattr(error, 'strerror', None) or error}") from None
    write_file(path, f"{before}\n---\n{text}" if before else text)
    click.echo(f"{'added to' if before else 'saved as'} {path}", err=True)


def _plan(scenario: Scenario, interval: Interval | None) -> CurveRun:
    """How the curves are computed; a usage error where nothing can be drawn."""
    plan = curve_plan(scenario, interval)
    if plan is not None:
        return plan
    with _usage_errors():
        return point_plan(scenario, interval)


def _plot(plan: CurveRun, report: Report, console: Console) -> None:
    from rich.padding import Padding

    from tfpt_cli.report.curve_plot import curve_plot

    ascii_only = not console.encoding.lower().startswith("utf")
    curves = plan.curves(report.scenarios)
    for curve in curves:
        console.print(Padding(curve_plot(curve, console.width - 1, ascii_only=ascii_only), (0, 0, 1, 0)))
    if not curves:
        console.print("nothing to draw: no quantity is a number at any point")
