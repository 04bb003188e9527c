"""`tfpt code`: the scripts that a check runs, printed or written into a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfpt_cli.cli.options import choice
from tfpt_cli.cli.outputs import write_file
from tfpt_cli.cli.validate import loaded
from tfpt_cli.results import INTERNAL_ERROR, Problem, Unread

if TYPE_CHECKING:
    from tfpt_cli.scenario.scenario import Scenario


def run_code(
    paths: tuple[str, ...],
    expression: str | None,
    tags: tuple[str, ...],
    framework: str | None,
    output: str | None,
    *,
    allow_code: bool = False,
) -> int:
    """`tfpt code`: prints the scripts, or writes them into a folder."""
    chosen = choice(expression, tags)
    problems, scripts, code = [], [], 0
    taken: set[str] = set()
    for found in loaded(paths, allow_code):
        if isinstance(found, Problem):
            problems.append(found)
        elif isinstance(found, Unread):
            problems.append(found.problem)
            code = INTERNAL_ERROR
        elif isinstance(found, list):
            for scenario in filter(chosen, found):
                listings = scenario.listings()
                slug = _slug(scenario, taken)
                scripts += [
                    (f"{slug}.{f}.py", listing.script()) for f, listing in listings.items() if framework in (None, f)
                ]
    for problem in problems:
        click.echo(str(problem), err=True)
    if output:
        _write_scripts(scripts, output)
    else:
        click.echo("\n".join(text for _, text in scripts), nl=False)
    if not scripts and not problems:
        click.echo("no scenario is chosen by -k or --tag", err=True)
    return max(code, 2 if problems or not scripts else 0)


def _slug(scenario: Scenario, taken: set[str]) -> str:
    """A file name for a scenario's scripts, with a number behind it where another scenario has taken it."""
    words = re.sub(r"[^\w]+", "_", scenario.title.lower()).strip("_")[:60] or "scenario"
    slug = stem = f"{Path(scenario.file).stem}_{scenario.line}_{words}"
    number = 2
    while slug in taken:
        slug, number = f"{stem}_{number}", number + 1
    taken.add(slug)
    return slug


def _write_scripts(scripts: list[tuple[str, str]], folder: str) -> None:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"cannot write to '{folder}': {error.strerror}") from None
    for name, text in scripts:
        path = str(Path(folder) / name)
        write_file(path, text)
        click.echo(path)
