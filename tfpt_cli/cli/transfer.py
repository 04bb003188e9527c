"""`tfpt transfer`: the weights of one model's file, written as a file of the other model."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfpt_cli.cli.validate import scenarios_of
from tfpt_cli.engine.session import Session
from tfpt_cli.frameworks import TORCH
from tfpt_cli.report.console import plain_console
from tfpt_cli.report.line import print_line
from tfpt_cli.results import Status, printable
from tfpt_cli.subjects.model.conversion import to_keras, to_torch
from tfpt_cli.subjects.model.spec import WeightFile
from tfpt_cli.subjects.model.subject import ModelTask
from tfpt_cli.subjects.model.transfer import Writing, check_ending, converted, format_of, with_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.engine.options import Options
    from tfpt_cli.results import ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario
    from tfpt_cli.subjects.model.transfer import Converted


def run_transfer(path: str, source: str, output: str | None, *, force: bool, code: bool, options: Options) -> int:
    """Checks the scenario with the file's weights, then writes the other model's file and reads it again.

    With `force` nothing is checked: only the pairs are found. The exit code is 1 where the check did not pass or the numbers do
    not fit (nothing is written then) or the file could not be written, and 2 for what was typed wrongly.
    """
    if not output and not code:
        raise click.UsageError("say where the weights go: -o net.weights.h5; or --code for the conversion as code")
    if not os.path.exists(source) and not os.path.exists(f"{source}.index"):
        raise click.UsageError(f"--from: there is no file '{source}'")
    if output:
        _check_place(source, output)
    scenario = _scenario(path, allow_code=options.allow_code)
    if scenario is None:
        return 2
    task = scenario.task
    assert isinstance(task, ModelTask)
    task = with_weights(task, WeightFile(os.path.abspath(source), source), checked=not force)
    with Session(options) as session:
        result = _checked(session, options, replace(scenario, task=task))
        found = converted(task)
        if found is None or not force:
            print_line(result, plain_console(sys.stderr))
        if found is None or (result.status is not Status.PASSED and not force):
            click.echo("nothing was written" + ("" if found is None else "; --force writes all the same"), err=True)
            return 1
        if force:
            click.echo("not checked (--force): whether both models agree with these weights is not known", err=True)
        if found.kept:
            words = f"{', '.join(found.kept)} of {found.target.label} is not in {source}, and stays as the model starts"
            click.echo(words, err=True)
        if code:
            course = found.course
            inventories = [course.inventories[side] for side in course.terms.sides]
            convert = to_keras if found.source.framework is TORCH else to_torch
            click.echo(convert(course.pairing, *inventories), nl=False)
        return _written(session, options, scenario, found, output) if output else 0


def _check_place(source: str, output: str) -> None:
    """Raises `UsageError` where no file can be written under a name: the models may compute for minutes before it is."""
    try:
        check_ending(source, output)
        with tempfile.TemporaryDirectory(prefix=".tfpt-", dir=os.path.dirname(os.path.abspath(output))):
            pass
    except ValueError as error:
        raise click.UsageError(f"-o: {error}") from None
    except OSError as error:
        raise _unwritable(output, error) from None


def _unwritable(output: str, error: OSError) -> click.UsageError:
    return click.UsageError(f"-o: cannot write to '{output}': {error.strerror}")


def _scenario(path: str, *, allow_code: bool) -> Scenario | None:
    """The one scenario of two models at a path; None after saying what is wrong."""
    found, problems, _ = scenarios_of((path,), allow_code)
    if problems:
        click.echo("\n".join(map(str, problems)), err=True)
        return None
    models = [each for each in found if isinstance(each.task, ModelTask)]
    if len(models) == 1:
        return models[0]
    names = ", ".join(f"{each.file}:{each.line}" for each in models[:6])
    click.echo(f"there is no scenario of two models in {path}" if not models else
               f"there are {len(models)} scenarios of two models in {path}; name one: {names}", err=True)  # fmt: skip
    return None


def _checked(session: Session, options: Options, scenario: Scenario) -> ScenarioResult:
    (result,) = session.check(replace(options, generated=[[scenario]])).scenarios
    return result


def _written(session: Session, options: Options, scenario: Scenario, found: Converted, output: str) -> int:
    """Writes the file beside its place, reads it again, and puts it there; the exit code."""
    try:
        format_of(found.target.framework, output)
    except ValueError as error:
        raise click.UsageError(f"-o: {error}") from None
    folder = os.path.dirname(os.path.abspath(output))
    try:
        with tempfile.TemporaryDirectory(prefix=".tfpt-", dir=folder) as beside:
            path = os.path.join(beside, os.path.basename(output))
            task = Writing(converted=found, path=path)
            result = _checked(session, options, replace(scenario, task=task))
            said = [*task.said, *(failure.message for failure in result.failures if not task.said)]
            for words in said:
                click.echo(f"{output} was not written: {printable(words.replace(path, output))}", err=True)
            if said:
                return 1
            for each in Path(beside).iterdir():
                os.replace(each, os.path.join(folder, each.name))
    except OSError as error:
        raise _unwritable(output, error) from None
    click.echo("\n".join(_summary(found, output)))
    return 0


def _summary(found: Converted, output: str) -> Iterator[str]:
    arrays = found.numbers.values()
    count = sum(array.size for array in arrays)
    yield f"{output}: {len(found.numbers)} parameters of {found.target.label}, {count:,} numbers, read again and the same"
