"""`tfpt code`: the scripts that a check runs, printed or written into a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfpt_cli.cli.options import choice
from tfpt_cli.cli.outputs import check_outputs, write_file
from tfpt_cli.cli.validate import scenarios_of
from tfpt_cli.results import INTERNAL_ERROR, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    scripts = []
    arrays: dict[str, dict[str, NDArray[Any]]] = {}
    taken: set[str] = set()
    scenarios, problems, failed = scenarios_of(paths, allow_code)
    code = INTERNAL_ERROR if failed else 0
    chosen_scenarios = list(filter(chosen, scenarios))
    _run(chosen_scenarios, allow_code)
    for scenario in chosen_scenarios:
        slug = _slug(scenario, taken)
        for f, listing in scenario.listings().items():
            if framework in (None, f):
                scripts.append((f"{slug}.{f}.py", listing.reading(f"{slug}.{f}").script()))
                arrays |= listing.files(f"{slug}.{f}")
    for problem in problems:
        click.echo(str(problem), err=True)
    if output:
        _write_scripts(scripts, output)
        for name, held in arrays.items():
            _write_arrays(Path(output) / name, held)
    else:
        click.echo("\n".join(text for _, text in scripts), nl=False)
    if arrays and not output:
        click.echo(
            f"these scripts read their weights from files beside them: -o FOLDER writes both ({', '.join(arrays)})",
            err=True,
        )
    if not scripts and not problems:
        click.echo("no scenario is chosen by -k or --tag", err=True)
    return max(code, 2 if problems or not scripts else 0)


def _run(scenarios: list[Scenario], allow_code: bool) -> None:
    """Runs those whose code only a run tells: which parameters two models have is known when they are built."""
    wanted = [scenario for scenario in scenarios if scenario.task.open_ended]
    if not wanted:
        return
    from tfpt_cli.engine.options import Options
    from tfpt_cli.engine.session import Session

    options = Options(generated=[wanted], allow_code=allow_code)
    with Session(options) as session:
        report = session.check(options)
    for result in report.scenarios:
        for failure in result.failures:
            words = printable(failure.message)
            click.echo(f"{result.file}:{result.line}: {failure.side.label} failed: {words}", err=True)


def _write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    import numpy as np

    check_outputs([str(path)])
    np.savez(path, **arrays)  # type: ignore[arg-type]
    click.echo(path)


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
