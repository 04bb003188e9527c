"""`tfpt grad`, `tfpt weights` and `tfpt diff`: a comparison from the command line, without a file.

Each makes the scenario that a person would write and checks it as `tfpt check` does; `--save` keeps it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml
import yamlcore

from tfpt_cli.cli.check import Outputs, Settings, Show, curved, preview
from tfpt_cli.cli.options import OPTION_OF_POINT, processes_of
from tfpt_cli.cli.outputs import check_outputs, write_file
from tfpt_cli.engine.curves import curve_plan, point_plan, run
from tfpt_cli.engine.options import Options
from tfpt_cli.engine.session import Session
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.report.console import plain_console
from tfpt_cli.results import printable
from tfpt_cli.scenario.writing import scenario_from, scenario_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from tfpt_cli.engine.curves import Plan
    from tfpt_cli.results import Problem, Report
    from tfpt_cli.scenario.scenario import Scenario
    from tfpt_cli.subjects.subject import Interval

HERE = "the command line"


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
    return _checked(gradient({"of": expression}, given["at"], given["let"], _derivatives(given), _common(given)), given)


def run_weights(layer: str, fillings: Sequence[str], samples: int | None, given: dict[str, Any]) -> int:
    """`tfpt weights`: what the parameters of a neutral layer are filled with."""
    return _checked(weights(layer, fillings, {"samples": samples}, _common(given)), given)


def run_diff(torch: str, tensorflow: str, input_shape: str | None, given: dict[str, Any]) -> int:
    """`tfpt diff`: two pieces of native code; two layers where the shape is given that Keras builds its layer for."""
    if input_shape is not None:
        if stray := [option for option, value in given.items() if option in OPTION_OF_POINT and value]:
            raise click.UsageError(f"{OPTION_OF_POINT[stray[0]]} is for expressions, --input-shape for layers")
        return _checked(layers(torch, tensorflow, input_shape, _common(given)), given)
    sides = {TORCH.key: torch, TENSORFLOW.key: tensorflow}
    return _checked(gradient(sides, given["at"], given["let"], _derivatives(given), _common(given)), given)


def gradient(
    sides: Mapping[str, str],
    at: Sequence[str],
    let: Sequence[str],
    fields: Mapping[str, Any],
    common: Mapping[str, Any],
) -> dict[str, Any]:
    """The data of a gradient scenario: `sides` holds `of`, or both frameworks. A usage error where `--at` has no value."""
    if not at:
        layers = "" if "of" in sides else ", or of two layers the shape that Keras builds for, --input-shape 28,28,1"
        raise click.UsageError(f"--at is missing: give the inputs, such as --at x=0 or --at 'x=[1, 2]'{layers}")
    subject: dict[str, Any] = dict(sides)
    if let:
        subject["let"] = _lines(let, sides)
    subject["at"] = assigned(at, "--at", "x=0")
    subject |= {key: value for key, value in fields.items() if value is not None}
    return {"name": _name(" and ".join(sides.values())), "gradient": subject, **common}


def _lines(let: Sequence[str], sides: Mapping[str, str]) -> dict[str, Any]:
    """The named lines of `--let`; of native code by framework, as `torch:h=torch.tanh(x)` says."""
    if "of" in sides:
        return assigned(let, "--let", "h=tanh(x)", text=True)
    found: dict[str, dict[str, Any]] = {}
    for item in let:
        framework, colon, line = item.partition(":")
        if not colon or framework.strip() not in sides:
            raise click.UsageError(
                "--let says whose line it is, such as --let 'torch:h=torch.tanh(x)' --let 'tensorflow:h=tf.tanh(x)'; "
                f"got '{item}'"
            )
        lines = found.setdefault(framework.strip(), {})
        for name, text in assigned([line], "--let", "torch:h=torch.tanh(x)", text=True).items():
            if name in lines:
                raise click.UsageError(f"--let gives '{framework.strip()}:{name}' twice")
            lines[name] = text
    return found


def weights(
    layer: str, fillings: Sequence[str], fields: Mapping[str, Any], common: Mapping[str, Any]
) -> dict[str, Any]:
    """The data of an initialization: `fillings` are the options that name parameters, `--weight 'uniform(0, 1)'`."""
    subject: dict[str, Any] = {"layer": layer}
    rest = list(fillings)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name:
            raise click.UsageError(f"'{word}' is no parameter: write --weight 'uniform(0, 1)'")
        if not equals:
            if not rest:
                raise click.UsageError(f"--{name} needs an initializer, such as --{name} 'uniform(0, 1)'")
            value = rest.pop(0)
        key = name.replace("-", "_")
        if key in subject:
            words = "the layer stands before the options" if key == "layer" else f"--{name} stands here twice"
            raise click.UsageError(words)
        subject[key] = value
    subject |= {key: value for key, value in fields.items() if value is not None}
    return {
        "name": _name(", ".join([layer, *(f"{k} {v}" for k, v in list(subject.items())[1:])])),
        "init": subject,
        **common,
    }


def layers(torch: str, tensorflow: str, input_shape: str, common: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a native initialization: two layers, and the shape that Keras builds its layer for."""
    sizes = [size for size in re.split(r"[,\s]+", input_shape.strip("()[] ")) if size]
    if not sizes or not all(size.isdecimal() for size in sizes):
        raise click.UsageError(
            f"--input-shape is a list of sizes without the batch, such as 28,28,1; got '{input_shape}'"
        )
    sides = {
        TORCH.key: {"layer": torch},
        TENSORFLOW.key: {"layer": tensorflow, "input_shape": [int(size) for size in sizes]},
    }
    return {"name": _name(f"{torch} and {tensorflow}"), "init": sides, **common}


def assigned(texts: Iterable[str], option: str, example: str, *, text: bool = False) -> dict[str, Any]:
    """`x=0` and `y=[1, 2]` as {"x": 0, "y": [1, 2]}; as texts where they are expressions. A usage error for anything else."""
    found: dict[str, Any] = {}
    for item in texts:
        name, equals, value = item.partition("=")
        name = name.strip()
        if not equals or not name or not value.strip():
            raise click.UsageError(f"{option} takes NAME=VALUE, such as {option} '{example}'; got '{item}'")
        if name in found:
            raise click.UsageError(f"{option} gives '{name}' twice")
        found[name] = value.strip() if text else value_of(value.strip())
    return found


def value_of(text: str) -> Any:
    """What a value on the command line means: a number or nested lists as YAML 1.2 reads them, else the text of an array call."""
    try:
        value = yaml.load(text, Loader=yamlcore.CCoreLoader)  # noqa: S506 - builds plain data only
    except yaml.YAMLError:
        return text
    return value if isinstance(value, (bool, int, float, list)) else text


def _name(words: str) -> str:
    return printable(" ".join(words.split()))[:200] or "a comparison"


def _derivatives(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a gradient scenario besides its expressions and inputs."""
    kinds = [kind for kind in given["derivatives"] if kind != "none"]
    modes = {
        framework.key: ["eager", *(mode for mode in given["modes"] if mode in framework.modes)]
        for framework in FRAMEWORKS.values()
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


def _checked(data: dict[str, Any], given: dict[str, Any]) -> int:
    settings = Settings(format=given["format_"], verbose=given["verbose"], fix_preview=given["fix_preview"])
    options = Options(
        reference=given["reference"], listings=given["verbose"] or given["format_"] == "html", **processes_of(given)
    )
    plot = given["plot"] or given["interval"] is not None
    wanted = Wanted(given["save"], given["code"], plot, given["interval"], settings)
    return _run(data, options, wanted)


def _run(data: dict[str, Any], options: Options, wanted: Wanted) -> int:
    """Checks the scenario that the data makes, prints its code, table and plot as wanted, and gives the exit code of `check`."""
    text = scenario_text(data)
    scenario, problems = scenario_from(text, HERE, allow_code=options.allow_code)
    if scenario is None:
        for problem in problems:
            _complain(problem, text)
        return 2
    scenario = replace(scenario, line=0)
    plan = _plan(scenario, wanted.interval) if wanted.plot else None
    if wanted.save:
        _save(wanted.save, text)
    # Another format has standard output for itself.
    console = plain_console(None, stderr=wanted.settings.format != "table")
    if wanted.code:
        for side, listing in scenario.listings(options.sides).items():
            console.print(f"# ---- {side.label} ----")
            console.print(listing.script(), soft_wrap=True)
    show = Show(wanted.settings, Outputs(wanted.settings))
    with Session(options) as session:
        with show:
            report = session.check(replace(options, generated=[[scenario]]), show)
            if "html" in wanted.settings.formats:
                report = curved(report, show, session, options)
        if not show.streams or report.interrupted:
            show.end(report)
        if plan is not None and not report.interrupted:
            _plot(plan, run(session, options, plan.scenarios), console)
        if wanted.settings.fix_preview and not report.interrupted:
            preview(session, show, options)
    return report.exit_code if report.interrupted else max(report.exit_code, show.outputs.exit_code)


def _complain(problem: Problem, text: str) -> None:
    """A problem with the line of the scenario that it is about: nobody has seen that scenario."""
    click.echo(f"tfpt: {printable(problem.message)}", err=True)
    lines = text.splitlines()
    if 0 < problem.line <= len(lines):
        click.echo(f"    {printable(lines[problem.line - 1])}", err=True)
        click.echo(f"    {' ' * (problem.column - 1)}^", err=True)


def _save(path: str, text: str) -> None:
    """Writes the scenario into a new file; behind the others where there are some already."""
    check_outputs([path])
    file = Path(path)
    try:
        before = file.read_text(encoding="utf-8").rstrip("\n") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot write '{path}': {getattr(error, 'strerror', None) or error}") from None
    write_file(path, f"{before}\n---\n{text}" if before else text)
    click.echo(f"{'added to' if before else 'saved as'} {path}", err=True)


def _plan(scenario: Scenario, interval: Interval | None) -> Plan:
    """How the curves are computed; a usage error where nothing can be drawn."""
    plan = curve_plan(scenario, interval)
    if plan is not None:
        return plan
    try:
        return point_plan(scenario, interval)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _plot(plan: Plan, report: Report, console: Console) -> None:
    from rich.padding import Padding

    from tfpt_cli.report.curve_plot import curve_plot

    ascii_only = not console.encoding.lower().startswith("utf")
    curves = plan.curves(report.scenarios)
    for curve in curves:
        console.print(Padding(curve_plot(curve, console.width - 1, ascii_only=ascii_only), (0, 0, 1, 0)))
    if not curves:
        console.print("nothing to draw: no quantity is a number at any point")
