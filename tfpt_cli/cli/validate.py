"""`tfpt validate`: every problem of scenario files, without a framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tfpt_cli.cli.github_actions import inert
from tfpt_cli.report.github import problems_text
from tfpt_cli.results import INTERNAL_ERROR, Problem, Unread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.documents.source import Source
    from tfpt_cli.engine.valid import ValidFiles
    from tfpt_cli.scenario.files import Within
    from tfpt_cli.scenario.scenario import Scenario


def run_validate(
    paths: tuple[str, ...], *, allow_code: bool = False, format_: str = "text", cache: bool = False
) -> int:
    """`tfpt validate`: every problem of every file, and the count of what is valid; or as annotations of GitHub Actions.

    With `cache` a file that was found valid before, of which nothing has changed since, is counted and not read.
    """
    problems, scenarios, files, code = [], 0, 0, 0
    valid = None
    if cache:
        from tfpt_cli.engine.valid import ValidFiles  # not above: most commands keep nothing

        valid = ValidFiles(allow_code=allow_code)
    for found in loaded(paths, allow_code, valid):
        if isinstance(found, str):
            files += 1
        elif isinstance(found, Unread):
            problems.append(found.problem)
            code = INTERNAL_ERROR
        elif isinstance(found, Problem):
            problems.append(found)
        else:
            scenarios += found if isinstance(found, int) else len(found)
    if valid is not None:
        valid.save()
    if format_ == "github":
        click.echo(problems_text(problems), nl=False)
    else:
        with inert():
            for problem in problems:
                click.echo(str(problem))
    words = f"{_count(scenarios, 'scenario')} in {_count(files, 'file')} valid"
    click.echo(f"{words}, {_count(len(problems), 'problem')}" if problems else words)
    return max(code, 2 if problems else 0)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def scenarios_of(paths: tuple[str, ...], allow_code: bool) -> tuple[list[Scenario], list[Problem], bool]:
    """The scenarios of all files, the problems in them, and whether tfpt itself failed over one."""
    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    failed = False
    for found in loaded(paths, allow_code):
        if isinstance(found, Unread):
            problems.append(found.problem)
            failed = True
        elif isinstance(found, Problem):
            problems.append(found)
        elif isinstance(found, list):
            scenarios += found
    return scenarios, problems, failed


def loaded(
    paths: tuple[str, ...], allow_code: bool, valid: ValidFiles | None = None
) -> Iterator[str | Problem | Unread | list[Scenario] | int]:
    """Every file's name, problems and scenarios; of a file that `valid` knows the number of scenarios alone."""
    from tfpt_cli.documents.source import opened
    from tfpt_cli.scenario.files import Within, scenario_files

    within = Within(paths)
    for file in scenario_files(paths):
        yield file
        source = opened(file) if isinstance(file, str) else None
        if isinstance(source, Problem):
            yield source
        elif source is not None:
            yield from _of_file(source, within, allow_code, valid if within.whole(source.file) else None)
    yield from within.unmet()


def _of_file(
    source: Source, within: Within, allow_code: bool, valid: ValidFiles | None
) -> Iterator[Problem | Unread | list[Scenario] | int]:
    known = valid.count(source) if valid is not None else None
    if known is not None:
        source.stream.close()
        yield known
        return
    from tfpt_cli.scenario.scenario import load  # not above: what is known to be valid needs none of it

    count, sound = 0, True
    named: set[str] = set()
    for found in load(source.file, source, allow_code=allow_code):
        if isinstance(found, list):
            count += len(found)
            named.update(name for scenario in found for name in scenario.named)
            yield [scenario for scenario in found if within.takes(scenario)]
        else:
            sound = False
            yield found
    if valid is not None and sound:
        valid.keep(source, count, named)
