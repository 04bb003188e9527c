"""`tfpt check`: where its reports go, what a person sees meanwhile, and what is kept for the next run."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from tfpt_cli.check import Crashed, Session, Stop
from tfpt_cli.commands import choice
from tfpt_cli.commands.actions import inert
from tfpt_cli.commands.progress import Progress
from tfpt_cli.report import report_text

if TYPE_CHECKING:
    from rich.console import Console

    from tfpt_cli.baseline import Baseline
    from tfpt_cli.check import Options
    from tfpt_cli.results import Problem, Report, ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario


@dataclass(frozen=True)
class Settings:
    """What is done with a report.

    `format` goes to standard output or to the file `output`, each of `reports` (format and path) to its file. `quiet` is 1 for
    what is not as expected alone, 2 for the last line alone.
    """

    format: str = "table"
    output: str | None = None
    reports: tuple[tuple[str, str], ...] = ()
    quiet: int = 0
    verbose: bool = False
    last_failed: bool = False
    fix_preview: bool = False
    save_baseline: str | None = None
    baseline: str | None = None

    @property
    def formats(self) -> set[str]:
        """All formats that are written."""
        return {self.format, *(format_ for format_, _ in self.reports)}

    @property
    def paths(self) -> list[str]:
        """Every file that is written."""
        return [*filter(None, [self.output, self.save_baseline]), *(path for _, path in self.reports)]


def run_check(options: Options, settings: Settings) -> int:
    """`tfpt check`: prints and writes the reports, gives the exit code."""
    from tfpt_cli.commands import memory

    choice(options.expression, options.tags)  # before an output file is emptied
    before = None
    if settings.baseline:
        from tfpt_cli import baseline

        before = baseline.read(settings.baseline)
    if settings.last_failed:
        options = replace(options, only=memory.last_failed())
    options = replace(options, listings=settings.verbose or "html" in settings.formats)
    with ExitStack() as stack:
        files = _opened(settings, stack)
        show = Show(settings, files.get(settings.output or ""))
        if show.streams and show.target is None:
            stack.enter_context(inert())
        with Session(options) as session:
            with show:
                try:
                    report = session.check(options, show)
                except Crashed as crash:
                    _write(crash.report, settings, files)
                    show.end(crash.report)
                    raise
                if "html" in settings.formats:
                    from tfpt_cli.curves import with_curves

                    report = with_curves(report, show.checked, session, options)
            _write(report, settings, files)
            show.end(report)
            if settings.fix_preview and not report.interrupted:
                preview(session, show, options)
    memory.remember(report)
    changed = show.changes(before, report) if before is not None else 0
    if not report.selected and not report.problems and not report.interrupted:
        click.echo(_nothing(options, settings, report), err=True)
        # A CI step that shares the work, or takes up what failed, has not failed for having nothing to do.
        return 0 if settings.last_failed or (options.shard is not None and not _choosy(options)) else 2
    return max(report.exit_code, int(changed > 0))


def _nothing(options: Options, settings: Settings, report: Report) -> str:
    """Why no scenario was checked."""
    if settings.last_failed:
        return "nothing failed in the last run (or it is not among these)"
    if options.shard is not None and not _choosy(options):
        return f"shard {options.shard[0]}/{options.shard[1]} is empty: there are fewer scenarios than shards"
    return f"no scenario is chosen by -k or --tag ({report.deselected} there)"


def _choosy(options: Options) -> bool:
    return bool(options.expression or options.tags)


def _opened(settings: Settings, stack: ExitStack) -> dict[str, TextIO]:
    """The output files by path, opened before anything runs, so that a path that cannot be written is said at once.

    Where one cannot be written, the others are as they were.
    """
    files: dict[str, TextIO] = {}
    problems, places, new = [], set(), []
    for path in settings.paths:
        place = os.path.realpath(path)
        if place in places:
            problems.append(f"'{path}' is named for two outputs")
            continue
        places.add(place)
        there = os.path.lexists(path)
        try:
            file = Path(path).open("a", encoding="utf-8", newline="\n", errors="replace")  # noqa: SIM115 - closed by the stack
        except OSError as error:
            problems.append(f"cannot write '{path}': {error.strerror}")
            continue
        files[path] = stack.enter_context(file)
        new += [] if there else [path]
    if problems:
        stack.close()
        for path in new:
            Path(path).unlink()
        raise click.UsageError("; ".join(problems))
    for path, opened in files.items():
        if os.path.isfile(path):  # a pipe has no length
            opened.truncate(0)
    return files


def _write(report: Report, settings: Settings, files: dict[str, TextIO]) -> None:
    """Writes every report that goes to a file of its own, and GitHub's job summary where it asks for one."""
    for format_, path in settings.reports:
        files[path].write(report_text(report, format_))
        files[path].flush()
    if settings.save_baseline:
        files[settings.save_baseline].write(report_text(report, "json"))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and "github" in settings.formats:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(report_text(report, "markdown"))
        except OSError as error:
            click.echo(f"cannot write the job summary '{summary}': {error.strerror}", err=True)


class Show(Progress):
    """Prints tables as they come, or keeps quiet for the other formats; shows a progress bar where a person watches."""

    def __init__(self, settings: Settings, target: TextIO | None) -> None:
        self.settings, self.target = settings, target
        self.environment: dict[str, str] = {}
        self.checked: list[tuple[Scenario, ScenarioResult]] = []
        self.streams = settings.format == "table"
        self.unread = False
        super().__init__(self.console if self.streams and target is None and sys.stdout.isatty() else None)

    @cached_property
    def console(self) -> Console:
        """Where tables go: the output file or standard output."""
        return _console(self.target)

    def started(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def compared(self, scenario: Scenario, result: ScenarioResult) -> None:
        if self.settings.fix_preview or "html" in self.settings.formats:  # nobody else asks for the scenarios again
            self.checked.append((scenario, result))

    def finished(self, result: ScenarioResult) -> None:
        super().finished(result)
        quiet = self.settings.quiet > 1 or (self.settings.quiet and result.expected)
        if not self.streams or self.unread or quiet:
            return
        from tfpt_cli.report.table import print_scenario

        try:
            print_scenario(result, self.environment, self.console, verbose=self.settings.verbose)
        except (BrokenPipeError, SystemExit):  # rich ends the program when the reader of a pipe has gone
            self.unread = True
            if not self.settings.paths:  # the files that were asked for are still to be complete
                raise Stop from None

    def problem(self, problem: Problem) -> None:
        """Kept for the end: a problem between two tables is easily overlooked."""

    def end(self, report: Report) -> None:
        """Writes what comes last: problems and the summary, or the whole report in another format."""
        if self.streams:
            from tfpt_cli.report.table import print_end

            print_end(report, self.console)
            return
        text = report_text(report, self.settings.format)
        if self.target is not None:
            self.target.write(text)
        else:
            click.echo(text, nl=False)
        for problem in report.problems:
            click.echo(str(problem), err=True)

    def changes(self, before: Baseline, report: Report) -> int:
        """Says what has changed since a baseline, and gives how much that is worth a failure."""
        from tfpt_cli import baseline

        found = baseline.changes(before, report)
        console = self.console if self.streams else _console(None, stderr=True)
        for line in baseline.lines(found, before, report):
            console.print(line, soft_wrap=True)
        return sum(change.matters for change in found)


def _console(target: TextIO | None, *, stderr: bool = False) -> Console:
    from tfpt_cli.report.console import (
        plain_console,  # not above: the frameworks start before anything slow is imported
    )

    return plain_console(target, stderr=stderr)


def preview(session: Session, show: Show, options: Options) -> None:
    """Puts the recipes of the known differences into the scenarios that do not agree, and checks those."""
    from tfpt_cli.recipes import recipes
    from tfpt_cli.report.table import print_preview

    found = [recipe for scenario, result in show.checked if not result.agree for recipe in recipes(scenario, result)]
    again = session.check(options.of(recipe.scenario for recipe in found if recipe.scenario is not None))
    results = iter(again.scenarios)
    console = show.console if show.streams else _console(None, stderr=True)
    for recipe in found:
        result = next(results, None) if recipe.scenario is not None else None
        print_preview(recipe.difference, recipe.text, recipe.problems, result, again.environment, console)
    if not found:
        console.print("no recipe can be put in: no known difference with one explains what does not agree")
