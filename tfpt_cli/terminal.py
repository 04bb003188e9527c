"""The commands on a terminal: where output goes, the progress bar, exit codes."""

from __future__ import annotations

import os
import re
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from tfpt_cli.check import Observer
from tfpt_cli.results import LABELS, Problem, Report, ScenarioResult, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import Progress

    from tfpt_cli.check import Options
    from tfpt_cli.scenario.scenario import Scenario

# How long a run may take before a progress bar appears, in seconds.
A_MOMENT = 0.7
FILE_WIDTH = 100


def run_check(options: Options, format_: str, output: str | None) -> int:
    """`tfpt check`: prints or writes the report, gives the exit code."""
    from tfpt_cli.check import check
    from tfpt_cli.scenario.choose import BadExpression, chooser

    try:
        chooser(options.expression, options.tags)  # before the output file is emptied
    except BadExpression as error:
        raise click.UsageError(str(error)) from None
    target = _open(output) if output else None
    show = _Show(format_, target)
    try:
        with show:
            report = check(options, show)
        show.end(report)
    finally:
        if target is not None:
            target.close()
    if not report.selected and not report.problems and not report.interrupted:
        click.echo(f"no scenario is chosen by -k or --tag ({report.deselected} there)", err=True)
        return 2
    return report.exit_code


def _open(path: str) -> TextIO:
    """The output file, opened before anything runs, so that a path that cannot be written is said at once."""
    try:
        return Path(path).open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.UsageError(f"cannot write '{path}': {error.strerror}") from None


class _Show(Observer):
    """Prints tables as they come, or keeps quiet for JSON; shows a progress bar where a person watches."""

    def __init__(self, format_: str, target: TextIO | None) -> None:
        self.format, self.target = format_, target
        self.environment: dict[str, str] = {}
        self.printed = 0
        self._console: Console | None = None
        self._progress: Progress | None = None
        self._timer: threading.Timer | None = None
        self._total = 0

    @property
    def console(self) -> Console:
        """Where tables go: the output file or standard output."""
        if self._console is None:
            from rich.console import Console

            plain = {"markup": False, "emoji": False, "highlight": False}
            if self.target is None:
                self._console = Console(**plain)  # type: ignore[arg-type]
            else:
                width = int(os.environ.get("COLUMNS") or FILE_WIDTH)
                self._console = Console(file=self.target, width=width, color_system=None, **plain)  # type: ignore[arg-type]
        return self._console

    def __enter__(self) -> _Show:
        if sys.stderr.isatty() or (self.target is None and self.format == "table" and sys.stdout.isatty()):
            self._timer = threading.Timer(A_MOMENT, self._start_progress)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._progress is not None:
            self._progress.stop()

    def _start_progress(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        on_stdout = self.target is None and self.format == "table" and sys.stdout.isatty()
        console = self.console if on_stdout else Console(stderr=True)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        progress = Progress(*columns, console=console, transient=True)
        progress.add_task(self._words, total=self._total or None, completed=self.printed)
        progress.start()
        self._progress = progress

    @property
    def _words(self) -> str:
        return "checking" if self.printed else "starting PyTorch and TensorFlow"

    def _update(self) -> None:
        if self._progress is not None:
            task = self._progress.tasks[0].id
            self._progress.update(task, total=self._total, completed=self.printed, description=self._words)

    def started(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def selected(self, count: int) -> None:
        self._total = count
        self._update()

    def finished(self, result: ScenarioResult) -> None:
        self.printed += 1
        if self.format == "table":
            from tfpt_cli.check import Stop
            from tfpt_cli.report.table import print_scenario

            try:
                print_scenario(result, self.environment, self.console)
            except (BrokenPipeError, SystemExit):  # rich ends the program when the reader of a pipe has gone
                raise Stop from None
        self._update()

    def problem(self, problem: Problem) -> None:
        """Kept for the end: a problem between two tables is easily overlooked."""

    def end(self, report: Report) -> None:
        """Writes what comes last: problems and the summary, or the whole JSON."""
        if self.format == "table":
            from tfpt_cli.report.table import print_end

            print_end(report, self.console)
            return
        from tfpt_cli.report.json_report import report_text

        text = report_text(report)
        if self.target is not None:
            self.target.write(text)
        else:
            click.echo(text, nl=False)
        for problem in report.problems:
            click.echo(str(problem), err=True)


def run_validate(paths: tuple[str, ...], *, allow_code: bool = False) -> int:
    """`tfpt validate`: every problem of every file, and the count of what is valid."""
    problems, scenarios, files = [], 0, 0
    for found in _loaded(paths, allow_code):
        if isinstance(found, str):
            files += 1
        elif isinstance(found, Problem):
            problems.append(found)
        else:
            scenarios += len(found)
    for problem in problems:
        click.echo(str(problem))
    words = f"{_count(scenarios, 'scenario')} in {_count(files, 'file')} valid"
    click.echo(f"{words}, {_count(len(problems), 'problem')}" if problems else words)
    return 2 if problems else 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _loaded(paths: tuple[str, ...], allow_code: bool) -> Iterator[str | Problem | list[Scenario]]:
    """Every file's name, problems and scenarios."""
    from tfpt_cli.scenario.files import scenario_files
    from tfpt_cli.scenario.scenario import load

    for file in scenario_files(paths):
        yield file
        if isinstance(file, str):
            yield from load(file, allow_code=allow_code)


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
    from tfpt_cli.scenario.choose import BadExpression, chooser

    try:
        chosen = chooser(expression, tags)
    except BadExpression as error:
        raise click.UsageError(str(error)) from None
    problems, scripts = [], []
    taken: set[str] = set()
    for found in _loaded(paths, allow_code):
        if isinstance(found, Problem):
            problems.append(found)
        elif isinstance(found, list):
            for scenario in filter(chosen, found):
                listings = scenario.listings()
                slug = _slug(scenario, taken)
                scripts += [(f"{slug}.{f}.py", code.script()) for f, code in listings.items() if framework in (None, f)]
    for problem in problems:
        click.echo(str(problem), err=True)
    if output:
        _write_scripts(scripts, output)
    else:
        click.echo("\n".join(text for _, text in scripts), nl=False)
    if not scripts and not problems:
        click.echo("no scenario is chosen by -k or --tag", err=True)
    return 2 if problems or not scripts else 0


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
        for name, text in scripts:
            (Path(folder) / name).write_text(text, encoding="utf-8")
            click.echo(str(Path(folder) / name))
    except OSError as error:
        raise click.UsageError(f"cannot write to '{folder}': {error.strerror}") from None


def run_doctor(interpreters: dict[str, str]) -> int:
    """`tfpt doctor`: a table of what is there and what is missing; 3 where a framework cannot run."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tfpt_cli import __version__
    from tfpt_cli.doctor import examine

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for header in ("", "version", "Python", "NumPy", "import", "interpreter"):
        table.add_column(header, overflow="fold")
    console = Console(markup=False, highlight=False, emoji=False)
    findings = examine(interpreters)
    for finding in findings:
        versions = finding.versions
        state = Text(versions.get(finding.framework, "missing"), "green" if finding.failure is None else "bold red")
        seconds = f"{finding.seconds:.1f} s" if finding.failure is None else ""
        row = [versions.get("python", ""), versions.get("numpy", ""), seconds, finding.interpreter]
        table.add_row(LABELS[finding.framework], state, *row)
        if "keras" in versions:
            table.add_row("Keras", Text(versions["keras"], "green"), "", "", "", "")
    console.print(f"tfpt {__version__}")
    console.print(table)
    missing = [finding for finding in findings if finding.failure is not None]
    for finding in missing:
        assert finding.failure is not None
        console.print(Text(f"\n{printable(finding.failure.message)}", "red"), soft_wrap=True)
        if finding.remedy:
            console.print(Text(f"  {finding.remedy}", "bold"), soft_wrap=True)
    console.print(Text("both frameworks run", "green") if not missing else "")
    return 3 if missing else 0


def run_list(what: str, word: str | None) -> int:
    """`tfpt list`: the rows of a kind, those that hold a word if one is given."""
    from rich.console import Console

    from tfpt_cli.catalogue import matching, operations_table
    from tfpt_cli.neutral import unknown
    from tfpt_cli.selfcheck import measured

    rows = matching(word)
    if not rows:
        raise click.UsageError(f"no {what} hold '{word}': {unknown('operation', str(word))}")
    console = Console(markup=False, emoji=False, highlight=False)
    console.print(operations_table(rows, measured(), console.width))
    return 0


def run_selfcheck(names: tuple[str, ...], dtypes: tuple[str, ...], interpreters: dict[str, str], *, save: bool) -> int:
    """`tfpt selfcheck`: runs the dictionary's own scenarios and says what is not as the rows declare."""
    from rich.console import Console

    from tfpt_cli import selfcheck
    from tfpt_cli.catalogue import examination_lines
    from tfpt_cli.dictionary.rows import dictionary
    from tfpt_cli.neutral import unknown

    missing = [name for name in names if name not in dictionary().operations]
    if missing:
        raise click.UsageError("; ".join(unknown("operation", name) for name in missing))
    if save and (names or dtypes):
        raise click.UsageError(
            "--save keeps what was measured of the whole dictionary: name no operation and no --dtype"
        )
    show = _Show("none", None)
    with show:
        examination = selfcheck.selfcheck(set(names), set(dtypes), show, interpreters=interpreters)
    console = Console(markup=False, emoji=False, highlight=False)
    for line in examination_lines(examination):
        console.print(line, soft_wrap=True)
    report = examination.report
    if report is not None and report.exit_code in (3, 130):
        return report.exit_code
    if save and examination.good:
        selfcheck.save(examination)
        console.print(f"kept in {selfcheck.MEASURED}")
    return 0 if examination.good else 1
