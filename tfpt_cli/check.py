"""The pipeline, top to bottom: files -> scenarios -> listings -> workers -> outcomes -> comparisons -> report.

It prints nothing: an `Observer` is told what happens as it happens.
"""

from __future__ import annotations

import asyncio
import importlib
import platform
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfpt_cli import __version__
from tfpt_cli.results import FRAMEWORKS, Comparison, Failure, Outcome, Problem, Report, ScenarioResult, Status, Verdict
from tfpt_cli.scenario.choose import chooser
from tfpt_cli.workers.pool import Lane, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfpt_cli.scenario.scenario import Scenario


class Stop(Exception):
    """Raised by an observer: nobody reads on, the run may end."""


class Observer:
    """Told of a run's progress; this one does nothing."""

    def started(self, environment: dict[str, str]) -> None:
        """A result is about to come; the versions known so far."""

    def selected(self, count: int) -> None:
        """How many scenarios are known to be run by now."""

    def finished(self, result: ScenarioResult) -> None:
        """A scenario was checked; called in the order of the files."""

    def problem(self, problem: Problem) -> None:
        """A file, a document or a path cannot be used."""


@dataclass(frozen=True)
class Options:
    """What to check and how."""

    paths: tuple[str, ...]
    expression: str | None = None
    tags: tuple[str, ...] = ()
    interpreters: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


def check(options: Options, observer: Observer | None = None) -> Report:
    """Checks every scenario below the paths and gives the report.

    What a framework or a file does wrong is in the report. On Ctrl-C (or SIGTERM) the workers are ended and the
    report holds what was finished until then. Raises `BadExpression` for a `-k` that cannot be read.
    """
    chosen = chooser(options.expression, options.tags)
    return asyncio.run(_Run(options, observer or Observer(), chosen).run())


class _Run:
    def __init__(self, options: Options, observer: Observer, chosen: Callable[[Scenario], bool]) -> None:
        self.options, self.observer, self.chosen = options, observer, chosen
        self.task: asyncio.Task[object] | None = None
        self.began = time.perf_counter()
        self.lanes = {f: Lane(f, options.interpreters.get(f, sys.executable), options.limits) for f in FRAMEWORKS}
        self.problems: list[Problem] = []
        self.results: list[ScenarioResult] = []
        self.waiting: dict[int, dict[str, Outcome]] = {}
        self.done: dict[int, ScenarioResult] = {}
        self.count = 0
        self.deselected = 0
        self.warm: dict[str, asyncio.Future[None]] = {}

    async def run(self) -> Report:
        loop = asyncio.get_running_loop()
        self.task = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self.cancel)
            except (NotImplementedError, RuntimeError, ValueError):
                pass  # Windows, or not the main thread: KeyboardInterrupt ends the run as usual
        interrupted = False
        try:
            # The processes come first: they start while the files are read. The rest of tfpt is imported meanwhile.
            await asyncio.gather(*(lane.start() for lane in self.lanes.values()))
            async with asyncio.TaskGroup() as group:
                for lane in self.lanes.values():
                    group.create_task(lane.serve())
                group.create_task(self.read())
        except (asyncio.CancelledError, KeyboardInterrupt):
            interrupted = True
            self.task = None  # another Ctrl-C must not stop the clearing up
        finally:
            await asyncio.gather(*(lane.end() for lane in self.lanes.values()))
        return self.report(interrupted)

    async def read(self) -> None:
        """Reads the files and queues the listings of every scenario chosen, document by document."""
        from tfpt_cli.scenario.files import scenario_files
        from tfpt_cli.scenario.scenario import load

        for file in scenario_files(self.options.paths):
            if isinstance(file, Problem):
                self.complain(file)
                continue
            for found in load(file):
                if isinstance(found, Problem):
                    self.complain(found)
                    continue
                for scenario in found:
                    if self.chosen(scenario):
                        self.queue(scenario)
                    else:
                        self.deselected += 1
                await asyncio.sleep(0)
        for lane in self.lanes.values():
            lane.close()

    def complain(self, problem: Problem) -> None:
        self.problems.append(problem)
        self.observer.problem(problem)

    def queue(self, scenario: Scenario) -> None:
        index, self.count = self.count, self.count + 1
        self.waiting[index] = {}
        self.observer.selected(self.count)
        subject = scenario.subject
        if subject not in self.warm:
            self.warm[subject] = asyncio.get_running_loop().run_in_executor(None, _import_comparers, subject)
        for framework, listing in scenario.listings().items():
            self.lanes[framework].add(listing, lambda outcome: self.take(index, scenario, outcome))

    def take(self, index: int, scenario: Scenario, outcome: Outcome) -> None:
        """Keeps an outcome; compares when both are there; passes results on in order."""
        outcomes = self.waiting[index]
        outcomes[outcome.framework] = outcome
        if len(outcomes) < len(FRAMEWORKS):
            return
        del self.waiting[index]
        self.done[index] = compared(scenario, outcomes)
        while len(self.results) in self.done:
            self.pass_on(self.done.pop(len(self.results)))

    def pass_on(self, result: ScenarioResult) -> None:
        if not self.results:
            self.observer.started(self.environment())
        self.results.append(result)
        try:
            self.observer.finished(result)
        except Stop:
            self.cancel()

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def environment(self) -> dict[str, str]:
        """Versions of everything that took part, as far as they are known."""
        versions = {"tfpt": __version__, "python": platform.python_version()}
        for framework in FRAMEWORKS:
            versions |= {key: text for key, text in self.lanes[framework].versions.items() if key != "python"}
        return versions

    def report(self, interrupted: bool) -> Report:
        # Results that wait for an earlier scenario are complete: they are in the report of an interrupted run too.
        for index in sorted(self.done):
            self.pass_on(self.done[index])
        return Report(
            environment=self.environment(),
            scenarios=tuple(self.results),
            problems=tuple(self.problems),
            interrupted=interrupted,
            selected=self.count,
            deselected=self.deselected,
            seconds=time.perf_counter() - self.began,
        )


def _import_comparers(subject: str) -> None:
    """Imports what comparing needs while the frameworks start; SciPy alone takes a good part of a second."""
    importlib.import_module("tfpt_cli.compare.values")
    if subject == "init":
        importlib.import_module("tfpt_cli.compare.distribution")


def compared(scenario: Scenario, outcomes: dict[str, Outcome]) -> ScenarioResult:
    """The result of a scenario from its two outcomes."""
    comparisons = tuple(scenario.compare(outcomes))
    failures = tuple(failure for outcome in outcomes.values() for failure in outcome.failures)
    return ScenarioResult(
        file=scenario.file,
        line=scenario.line,
        name=scenario.title,
        case=scenario.case,
        subject=scenario.subject,
        headline=scenario.spec.headline,
        expect=scenario.expect,
        because=scenario.because,
        status=status(scenario, comparisons, failures),
        comparisons=comparisons,
        failures=failures,
        notes=scenario.spec.notes(),
        seconds=max((outcome.seconds for outcome in outcomes.values()), default=0.0),
        tags=scenario.tags,
    )


def status(scenario: Scenario, comparisons: tuple[Comparison, ...], failures: tuple[Failure, ...]) -> Status:
    """A scenario held against its `expect`: an error where a side failed, else passed where every quantity is as expected.

    `expect: differ` for the whole scenario asks that at least one quantity differs.
    """
    if failures or not comparisons or any(c.verdict is Verdict.ERROR for c in comparisons):
        return Status.ERROR
    differing = {c.quantity for c in comparisons if not c.verdict.agrees}
    if scenario.expect == "differ":
        return Status.PASSED if differing else Status.FAILED
    as_expected = all((scenario.expected(c.quantity) == "differ") == (c.quantity in differing) for c in comparisons)
    return Status.PASSED if as_expected else Status.FAILED


__all__ = ["Observer", "Options", "check"]
