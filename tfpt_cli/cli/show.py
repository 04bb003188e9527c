"""What a run writes: its tables as they come, its reports at the end, and what of them could not be written."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO, cast

import click

from tfpt_cli.cli.outputs import CannotWrite, forget_standard_output, pieces, write_file
from tfpt_cli.cli.progress import Progress
from tfpt_cli.engine.options import Stop
from tfpt_cli.report import draw, undrawn
from tfpt_cli.results import INTERNAL_ERROR, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from tfpt_cli.baseline import Baseline
    from tfpt_cli.engine.options import Options
    from tfpt_cli.engine.session import Session
    from tfpt_cli.report.table import Printer
    from tfpt_cli.results import Problem, Report, ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario

# The formats that are printed scenario by scenario, as they come.
STREAMED = ("table", "line")
# Bytes of a report that are kept in memory before it is written.
_SMALL = 8_000_000


@dataclass(frozen=True)
class Settings:
    """What is done with a report.

    `format` goes to standard output or to the file `output`, each of `reports` (format and path) to its file. `quiet` is 1 for
    a line for what passed (none among lines), 2 for the last line alone.
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
    only_new: bool = False
    cache: bool = False

    @property
    def formats(self) -> set[str]:
        """All formats that are written."""
        return {self.format, *(format_ for format_, _ in self.reports)}

    @property
    def paths(self) -> list[str]:
        """Every file that is written."""
        return [*filter(None, [self.output, self.save_baseline]), *(path for _, path in self.reports)]


class Outputs:
    """Everything that a run writes, and what of it could not be written.

    `streamed` is what goes to the file `-o`, None where it goes to standard output.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.streamed: TextIO | None = io.StringIO() if settings.output else None
        self.exit_code = 0

    def write(self, report: Report) -> None:
        """Writes every report that goes to a file of its own, and GitHub's job summary where it asks for one."""
        for format_, path in self.settings.reports:
            self._write(path, self.drawn(report, format_))
        if self.settings.save_baseline:
            self._write(self.settings.save_baseline, self.drawn(report, "json"))
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary and "github" in self.settings.formats:
            page = self.drawn(report, "markdown")
            try:
                with Path(summary).open("a", encoding="utf-8") as file, page or io.StringIO() as text:
                    file.write(text.read())
            except OSError as error:
                click.echo(f"cannot write the job summary '{summary}': {error.strerror}", err=True)

    def end(self) -> None:
        """Writes what was to go to the file `-o`."""
        if self.settings.output and self.streamed is not None:
            self.streamed.seek(0)
            self._write(self.settings.output, self.streamed)

    def drawn(self, report: Report, format_: str) -> TextIO | None:
        """The report in a format, to be read; None, and a line that says so, where tfpt itself fails to draw it.

        A large one lies in a temporary file, as long as there is room for that.
        """
        try:
            stream = _temporary()
            try:
                complete = draw(report, format_, stream)
                stream.seek(0)  # which writes the rest of it
            except OSError:
                stream = io.StringIO()
                complete = draw(report, format_, stream)
                stream.seek(0)
        except Exception as error:
            self.failed(error, f"drawing the {format_} report")
            return None
        if not complete:
            self.exit_code = max(self.exit_code, INTERNAL_ERROR)
        return stream

    def failed(self, error: Exception, doing: str) -> None:
        """Says of a mistake of tfpt's own that is not one scenario's what it was, and goes on."""
        self.exit_code = max(self.exit_code, INTERNAL_ERROR)
        failure = Failure.internal(error, doing)
        click.echo(f"tfpt: {failure.message}\n{failure.traceback}", err=True)

    def _write(self, path: str, content: TextIO | None) -> None:
        if content is not None:
            with self.saying(), content:
                write_file(path, content)

    @contextmanager
    def saying(self) -> Iterator[None]:
        """Says of a write inside that it failed, and goes on: the other reports are still to be written."""
        try:
            yield
        except CannotWrite as error:
            self.exit_code = max(self.exit_code, error.exit_code)
            click.echo(f"tfpt: {error.message}", err=True)


class Show(Progress):
    """Prints tables as they come, or keeps quiet for the other formats; shows a progress bar where a person watches."""

    def __init__(self, settings: Settings, outputs: Outputs) -> None:
        self.settings, self.outputs, self.target = settings, outputs, outputs.streamed
        self.environment: dict[str, str] = {}
        self.checked: list[tuple[Scenario, ScenarioResult]] = []
        self.streams = settings.format in STREAMED
        self.unread = False
        self._held: list[ScenarioResult] = []
        super().__init__(self.console if self.streams and self.target is None and sys.stdout.isatty() else None)

    @cached_property
    def console(self) -> Console:
        """Where tables go: the output file or standard output."""
        return _console(self.target)

    @cached_property
    def printer(self) -> Printer:
        """What prints the scenarios, in the versions known by then."""
        from tfpt_cli.report.table import Printer  # not above, as for the console

        return Printer(self.console, self.environment, verbose=self.settings.verbose)

    def started(self, environment: dict[str, str]) -> None:
        self.environment.update(environment)  # the printer holds it

    def compared(self, scenario: Scenario, result: ScenarioResult) -> None:
        if self.settings.fix_preview or "html" in self.settings.formats:  # nobody else asks for the scenarios again
            self.checked.append((scenario, result))

    def selected(self, count: int) -> None:
        super().selected(count)
        self._print_held()

    def all_read(self) -> None:
        super().all_read()
        self._print_held()

    def __exit__(self, *arguments: object) -> None:
        super().__exit__(*arguments)
        self.all_read()  # a run that is ended early has no more to read

    def finished(self, result: ScenarioResult) -> None:
        super().finished(result)
        self._held.append(result)
        self._print_held()
        if self.unread and not self.settings.paths:  # the files that were asked for are still to be complete
            raise Stop

    def _print_held(self) -> None:
        """Prints what has come, once it is known whether there is so much that what passed has a line."""
        from tfpt_cli.report.line import MANY

        many = self._total > MANY
        if not (many or self._known):
            return
        held, self._held = self._held, []
        lines, quiet = self.settings.format == "line", self.settings.quiet
        brief = bool(quiet) or (many and not self.settings.verbose)
        for result in held:
            if not self.streams or self.unread or quiet > 1 or (lines and quiet and result.expected):
                continue
            with self.printing():
                self.print_scenario(result, in_a_line=lines or (result.expected and brief))

    def print_scenario(self, result: ScenarioResult, *, in_a_line: bool) -> None:
        """Its table, or a line, or that tfpt itself failed to draw it."""
        try:
            self.printer.print(result, in_a_line=in_a_line)
        except OSError:
            raise
        except Exception as error:
            self.outputs.exit_code = max(self.outputs.exit_code, INTERNAL_ERROR)
            self.printer.print(undrawn(result, error), in_a_line=False)

    @contextmanager
    def printing(self) -> Iterator[None]:
        """Swallows that nobody reads what is printed inside, or that it cannot be written, which is said once."""
        try:
            yield
        except (BrokenPipeError, SystemExit):  # rich ends the program when the reader of a pipe has gone
            self.unread = True
        except OSError as error:
            self.unread = True
            forget_standard_output()
            with self.outputs.saying():
                raise CannotWrite("to standard output", error) from None

    def preview(self, session: Session, options: Options) -> None:
        """Puts the recipes of the known differences into the scenarios that do not agree, and shows what they come to."""
        from tfpt_cli.cli.fix_preview import preview

        console = self.console if self.streams else _console(None, stderr=True)
        try:
            preview(session, self.checked, options, console)
        except OSError:
            raise
        except Exception as error:
            self.outputs.failed(error, "trying the recipes")

    def problem(self, problem: Problem) -> None:
        """Kept for the end: a problem between two tables is easily overlooked."""

    def end(self, report: Report) -> None:
        """Writes what comes last: problems and the summary, or the whole report in another format."""
        with self.printing():
            if self.streams:
                from tfpt_cli.report.line import print_end

                # Below lines that have said everything the failures are not told again.
                print_end(report, self.console, failures=self.settings.format == "table" and self.settings.quiet < 2)
                return
            content = self.outputs.drawn(report, self.settings.format) or io.StringIO()
            if self.target is not None:
                self.outputs.streamed = content
            else:
                with content:
                    for piece in pieces(content):
                        click.echo(piece, nl=False)
        for problem in report.problems:
            click.echo(str(problem), err=True)

    def changes(self, before: Baseline, report: Report) -> int:
        """Says what has changed since a baseline, and gives how much that is worth a failure."""
        from tfpt_cli import baseline

        found = baseline.changes(before, report)
        console = self.console if self.streams else _console(None, stderr=True)
        with self.printing():
            for line in baseline.lines(found, before, report):
                console.print(line, soft_wrap=True)
        return sum(change.matters for change in found)


def _temporary() -> TextIO:
    """A text file of UTF-8 that lies in memory as long as it is small, and then in a file without a name."""
    file = tempfile.SpooledTemporaryFile(_SMALL, prefix="tfpt-")  # noqa: SIM115 - whoever asked for it reads it
    return io.TextIOWrapper(cast("IO[bytes]", file), encoding="utf-8", errors="replace", newline="")


def _console(target: TextIO | None, *, stderr: bool = False) -> Console:
    from tfpt_cli.report.console import (
        plain_console,  # not above: the frameworks start before anything slow is imported
    )

    return plain_console(target, stderr=stderr)
