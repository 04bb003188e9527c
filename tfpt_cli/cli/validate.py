"""`tfpt validate`: every problem of scenario files, without a framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tfpt_cli.cli.github_actions import inert
from tfpt_cli.report.github import problems_text
from tfpt_cli.results import INTERNAL_ERROR, Problem, Unread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.scenario.scenario import Scenario


def run_validate(paths: tuple[str, ...], *, allow_code: bool = False, format_: str = "text") -> int:
    """`tfpt validate`: every problem of every file, and the count of what is valid; or as annotations of GitHub Actions."""
    problems, scenarios, files, code = [], 0, 0, 0
    for found in loaded(paths, allow_code):
        if isinstance(found, str):
            files += 1
        elif isinstance(found, Unread):
            problems.append(found.problem)
            code = INTERNAL_ERROR
        elif isinstance(found, Problem):
            problems.append(found)
        else:
            scenarios += len(found)
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


def loaded(paths: tuple[str, ...], allow_code: bool) -> Iterator[str | Problem | Unread | list[Scenario]]:
    """Every file's name, problems and scenarios."""
    from tfpt_cli.scenario.files import Within, scenario_files
    from tfpt_cli.scenario.scenario import load

    within = Within(paths)
    for file in scenario_files(paths):
        yield file
        for found in load(file, allow_code=allow_code) if isinstance(file, str) else ():
            yield [scenario for scenario in found if within.takes(scenario)] if isinstance(found, list) else found
    yield from within.unmet()
