"""`tfpt pair`: which parameters of two models were paired, as the `pair:` of a scenario to keep and to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tfpt_cli.cli.options import choice
from tfpt_cli.cli.validate import scenarios_of
from tfpt_cli.engine.options import Options
from tfpt_cli.engine.session import Session
from tfpt_cli.results import printable
from tfpt_cli.scenario.writing import scenario_text
from tfpt_cli.subjects.model.subject import ModelTask
from tfpt_cli.subjects.registry import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfpt_cli.results import ScenarioResult


def run_pair(paths: tuple[str, ...], expression: str | None, tags: tuple[str, ...], *, allow_code: bool = False) -> int:
    """Runs the chosen scenarios of models and prints their pairs; the exit code is 1 where a model's could not be told."""
    chosen = choice(expression, tags)
    found, problems, _ = scenarios_of(paths, allow_code)
    scenarios = [scenario for scenario in found if chosen(scenario) and scenario.subject == MODEL.name]
    for problem in problems:
        click.echo(str(problem), err=True)
    if not scenarios:
        click.echo("no scenario of two models is chosen", err=True)
        return 2
    options = Options(generated=[scenarios], allow_code=allow_code)
    with Session(options) as session:
        report = session.check(options)
    for scenario, result in zip(scenarios, report.scenarios, strict=True):
        for failure in result.failures:
            click.echo(f"{result.file}:{result.line}: {printable(failure.message)}", err=True)
        if result.pairs:
            assert isinstance(scenario.task, ModelTask)
            alone = [name for name, other in scenario.task.spec.pair.items() if other is None]
            click.echo("\n".join(_lines(result, alone)))
    told = all(result.pairs for result in report.scenarios)
    return 2 if problems else 0 if told else 1


def _lines(result: ScenarioResult, alone: Sequence[str]) -> Iterator[str]:
    """The pairs of a result as YAML; what `pair:` cannot say, parts that are interleaved, stands there as a comment."""
    yield f"# {printable(f'{result.name} ({result.file}:{result.line})')}"
    said: dict[str, str | None] = {}
    layouts: dict[str, str] = {}
    parts: list[str] = []
    for pair in result.pairs:
        ours, theirs = pair.names.values()
        if pair.interleaved:
            parts.append(f"#   {ours}: {theirs}  ({pair.why})")
            continue
        said[ours] = theirs
        # What blocks an axis has only the row tells, which it does without a layout.
        if (
            pair.layout
            and not pair.reordered
            and len(pair.layout.split("->")[0].split()) > 1
            and "..." not in pair.layout
        ):
            layouts[ours] = pair.layout
    said |= dict.fromkeys(alone)
    data = {key: value for key, value in (("pair", said), ("layout", layouts)) if value}
    yield scenario_text(data).rstrip() if data else "# nothing that `pair:` can say"
    if parts:
        yield "# parts that are interleaved, which are found by trying it:"
        yield from parts
