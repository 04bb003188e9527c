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
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from tfpt_cli import __version__
from tfpt_cli.engine.options import Crashed, Observer, Options, Stop
from tfpt_cli.engine.signals import SIGNALS, Ended
from tfpt_cli.engine.status import KnownScenario, compared_result, failed_result, unread_result
from tfpt_cli.engine.stored import IN_MEMORY, Spool
from tfpt_cli.frameworks import REFERENCE, Side
from tfpt_cli.results import (
    Failure,
    Outcome,
    Problem,
    Report,
    ScenarioResult,
    Status,
    Unread,
    placed,
)
from tfpt_cli.subjects.subject import Compared
from tfpt_cli.workers.queue import ListingQueue, end_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tfpt_cli.budget import Allowance
    from tfpt_cli.documents.document import Document
    from tfpt_cli.listing import Listing
    from tfpt_cli.results import Comparison
    from tfpt_cli.scenario.files import Within
    from tfpt_cli.scenario.scenario import Scenario
    from tfpt_cli.subjects.subject import Run

    # What is read at once: the cases of a document, or what is wrong with it.
    Part = list[Scenario] | list[KnownScenario] | Problem | Unread
    # Whether a scenario is one of those that a person has chosen.
    Chosen = Callable[[Scenario | KnownScenario], bool]

Queues = dict[Side, ListingQueue]
# So many scenarios may be under way; files are read on when fewer are.
READ_AHEAD = 1000


@dataclass
class _Asked:
    """Listings that were queued, and their outcomes so far."""

    listings: Mapping[Side, Listing]
    outcomes: dict[Side, Outcome] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether all outcomes are there."""
        return len(self.outcomes) == len(self.listings)


@dataclass
class _Waiting:
    """A scenario whose outcomes are awaited; `run` goes on with them, `first` are those of the round before any other.

    `allowance` is what tfpt's own process may take for it, `ahead` what was queued already though it has not come to that yet.
    """

    scenario: Scenario
    run: Run
    allowance: Allowance
    comparisons: tuple[Comparison, ...] = ()
    asked: _Asked = field(default_factory=lambda: _Asked({}))
    ahead: tuple[_Asked, ...] = ()
    first: dict[Side, Outcome] = field(default_factory=dict)


class Pipeline:
    """One run: scenarios are read and queued, their rounds awaited, what they come to is put into a report."""

    def __init__(
        self,
        options: Options,
        observer: Observer,
        chosen: Chosen,
        queues: list[Queues],
    ) -> None:
        self.options, self.observer, self.chosen, self.queues = options, observer, chosen, queues
        self.task: asyncio.Task[object] | None = None
        self.began = time.perf_counter()
        self.began_at = datetime.now(UTC)
        self.problems: list[Problem] = []
        # Who asked for listings, or for scenarios again, needs of every result all that there is.
        self.results: Spool = Spool(options.sides, sys.maxsize if options.listings else IN_MEMORY)
        self.waiting: dict[int, _Waiting] = {}
        self.room = asyncio.Event()
        self.all_read = False
        self.done: dict[int, tuple[Scenario | None, ScenarioResult]] = {}
        self.count = self.settled = 0
        self.deselected = 0
        self.met = 0
        self.failed = 0
        self.stopped = False
        self.unread = False
        self.reading = False
        self.started = self.known = False
        self.group: asyncio.TaskGroup | None = None
        self.within: Within | None = None
        self.warm: dict[str, asyncio.Future[object]] = {}

    async def run(self) -> Report:
        """The whole run. The first signal that asks the process to end ends it, and all that follow leave it alone."""
        loop = asyncio.get_running_loop()

        def end() -> None:
            if self.reading:  # a pipe, perhaps, into which nobody writes
                raise Ended
            loop.call_soon_threadsafe(self.cancel)

        with SIGNALS.heard(end):
            return await self._run() if not SIGNALS.first else self.report(interrupted=True)

    async def _run(self) -> Report:
        self.task = asyncio.current_task()
        interrupted = False
        try:
            async with asyncio.TaskGroup() as group:
                self.group = group
                if self.options.kept is None:  # else when it is seen that something is to be run
                    await self.start()
                group.create_task(self.read())
        except (asyncio.CancelledError, KeyboardInterrupt):
            interrupted = not (self.stopped or self.unread)
            self.task = None  # nothing must stop the clearing up
            await end_all(self.queues)
        except ExceptionGroup as group:
            await end_all(self.queues)
            raise Crashed(self.report(interrupted=True)) from group.exceptions[0]
        return self.report(interrupted)

    async def start(self) -> None:
        """Starts the processes, which come up while the files are read and the rest of tfpt is imported."""
        if self.started or self.group is None:
            return
        self.started = True
        await asyncio.gather(*(queues[side].open() for queues in self.queues for side in self.options.sides))
        for queues in self.queues:
            queues[REFERENCE].renew()
            for queue in queues.values():
                self.group.create_task(queue.serve())
        if self.options.kept is not None:  # the frameworks' files are many, and there is time while they start
            asyncio.get_running_loop().run_in_executor(None, self.options.kept.look, self.options.sides)

    async def read(self) -> None:
        """Queues the listings of every scenario chosen, document by document; what an earlier run has kept is settled at once."""
        for found in self.read_parts():
            if isinstance(found, Problem):
                self.complain(found)
            elif isinstance(found, Unread):
                self.settle(self.counted(), None, unread_result(found))
            else:
                for scenario in found:
                    if not self.wanted(scenario):
                        self.deselected += 1
                    elif isinstance(scenario, KnownScenario):
                        self.known = True
                        self.settle(self.counted(), None, scenario.result)
                    else:
                        await self.start()
                        self.queue(scenario)
                        while self.count - self.settled >= READ_AHEAD:
                            self.room.clear()
                            await self.room.wait()
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # a run that was ended meanwhile ends here
        for problem in self.within.unmet() if self.within is not None else ():
            self.complain(problem)
        self.all_read = True
        self.observer.all_read()
        self.close_if_done()

    def wanted(self, scenario: Scenario | KnownScenario) -> bool:
        """Whether a scenario is chosen, and in this shard."""
        only, shard = self.options.only, self.options.shard
        if self.within is not None and not self.within.takes(scenario):
            return False
        if not self.chosen(scenario) or (
            only is not None and {scenario.id, placed(scenario.id, scenario.line)}.isdisjoint(only)
        ):
            return False
        self.met += 1
        return shard is None or self.met % shard[1] == shard[0] % shard[1]

    def read_parts(self) -> Iterator[Part]:
        """What `found` gives, up to a signal that asks to end."""
        parts = self.found()
        while True:
            self.reading = True
            try:
                part = next(parts, None)
            except Ended:
                self.cancel()
                return
            finally:
                self.reading = False
            if part is None:
                return
            yield part

    def found(self) -> Iterator[Part]:
        """The cases of each document, and everything that is wrong with the paths and the files."""
        if self.options.generated is not None:
            yield from self.options.generated
            return
        from tfpt_cli.scenario.files import Within, documents_of, scenario_files

        self.within = Within(self.options.paths)
        for file in scenario_files(self.options.paths):
            for found in [file] if isinstance(file, Problem) else documents_of(file, budget=self.options.limits.own):
                if isinstance(found, Problem | Unread):
                    yield found
                else:
                    yield from self.cases_of(found)

    def cases_of(self, document: Document) -> Iterator[Part]:
        """The cases of a document, from an earlier run where that has kept them all, or everything that is wrong with it."""
        known = self.options.kept.recall(document) if self.options.kept is not None else None
        if known is not None:
            yield known
            return
        from tfpt_cli.scenario.scenario import scenarios_of  # not above: what is known needs none of it

        yield from scenarios_of(document, allow_code=self.options.allow_code, budget=self.options.limits.own)

    def close_if_done(self) -> None:
        """Tells the queues that nothing more comes; another round may still ask for something until all are compared."""
        if self.all_read and self.count == self.settled:
            for queues in self.queues:
                for queue in queues.values():
                    queue.close()

    def complain(self, problem: Problem) -> None:
        self.problems.append(problem)
        self.observer.problem(problem)

    def counted(self) -> int:
        """The index of one more scenario."""
        self.count += 1
        self.observer.selected(self.count)
        return self.count - 1

    def queue(self, scenario: Scenario) -> None:
        index, sides = self.counted(), self.options.sides
        from tfpt_cli.subjects.registry import (
            SUBJECTS,  # not above: the processes are started before anything is imported
        )

        comparer = SUBJECTS[scenario.subject].comparer
        if comparer and comparer not in self.warm:
            loop = asyncio.get_running_loop()
            with suppress(RuntimeError):  # where no thread can be started it is imported when it is needed
                self.warm[comparer] = loop.run_in_executor(None, partial(importlib.import_module, comparer))
        if self.options.kept is not None:
            self.options.kept.look(scenario.named)
        scenario = scenario.between(sides)
        run = scenario.run(sides, reference=self.options.reference)
        self.go_on(index, _Waiting(scenario, run, self.options.limits.own.allowance()), None)

    def ask(self, index: int, listings: Mapping[Side, Listing], *, soon: bool) -> _Asked:
        """Queues listings of a scenario, with `soon` before those of all others that no process has yet."""
        asked = _Asked(listings)
        queues = self.queues[index % len(self.queues)]
        for side, listing in listings.items():
            queues[side].add(listing, partial(self.take, index, asked, side), soon=soon)
        return asked

    def take(self, index: int, asked: _Asked, side: Side, outcome: Outcome) -> None:
        """Keeps a side's outcome; when all that its scenario waits for are there it goes on."""
        asked.outcomes[side] = outcome
        waiting = self.waiting.get(index)  # none, where a scenario has ended before it came to what was asked ahead
        if waiting is not None and waiting.asked is asked and asked.complete:
            self.answered(index, waiting)

    def answered(self, index: int, waiting: _Waiting) -> None:
        """Lets a task go on with the outcomes of its round, to another round or to its end."""
        scenario, sides = waiting.scenario, self.options.sides
        if scenario.conditions and (words := self.lacking(scenario)):
            del self.waiting[index]
            skipped = replace(failed_result(scenario, sides, ()), status=Status.SKIPPED, notes=(words,))
            if self.options.kept is not None:  # what it lacks is of the versions and the machine
                self.options.kept.keep(scenario, skipped, {})
            self.settle(index, scenario, skipped)
            return
        # In the order of the sides, whichever answered first: notes and failures are read in that order.
        outcomes = {side: waiting.asked.outcomes[side] for side in waiting.asked.listings}
        del self.waiting[index]
        self.go_on(index, waiting, outcomes)

    def go_on(self, index: int, waiting: _Waiting, outcomes: dict[Side, Outcome] | None) -> None:
        """Lets a task go on with the outcomes of its round, None at its beginning: to another round, or to its end."""
        scenario, sides = waiting.scenario, self.options.sides
        first = waiting.first or outcomes or {}
        failures: list[Failure] = []  # of our own: they are this scenario's alone, and lose nothing of it
        found = Compared(waiting.comparisons, first)
        try:
            with waiting.allowance:
                again = next(waiting.run) if outcomes is None else waiting.run.send(outcomes)
                while not again.listings:  # no question, but what is known so far
                    found = Compared(again.comparisons, first)
                    again = next(waiting.run)
        except StopIteration as end:
            found = end.value
        except Exception as error:
            doing = "writing the code of this scenario" if outcomes is None else "comparing"
            failures.append(Failure.internal(error, doing))
        else:
            soon = outcomes is not None
            asked = next((each for each in waiting.ahead if each.listings is again.listings), None)
            ahead = tuple(each for each in waiting.ahead if each is not asked)
            if asked is None:
                asked = self.ask(index, again.listings, soon=soon)
            if again.ahead:
                ahead += (self.ask(index, again.ahead, soon=soon),)
            waiting = replace(waiting, comparisons=again.comparisons, asked=asked, ahead=ahead, first=first)
            self.waiting[index] = waiting
            if asked.complete:
                self.answered(index, waiting)
            return
        if not found.outcomes:  # nothing has run
            self.settle(index, scenario, failed_result(scenario, sides, tuple(failures), found.comparisons))
            return
        try:
            # What is known is about two frameworks.
            if sides[0].framework is not sides[1].framework and not waiting.allowance.spent:
                with waiting.allowance:
                    explained = scenario.explained(found.comparisons, self.environment())
                found = replace(found, comparisons=tuple(explained))
        except Exception as error:
            failures.append(Failure.internal(error, "explaining what was found"))
        try:
            result = compared_result(scenario, sides, found, tuple(failures), listings=self.options.listings)
            if self.options.kept is not None and not failures:
                self.options.kept.keep(scenario, result, found.outcomes)
        except Exception as error:
            failures.append(Failure.internal(error, "putting the result together"))
            result = failed_result(scenario, sides, tuple(failures), found.comparisons)
        self.settle(index, scenario, result)

    def lacking(self, scenario: Scenario) -> str:
        """Why a scenario does not hold here, by what either side says of its versions and its machine."""
        every = (queues[side].versions for queues in self.queues for side in (REFERENCE, *self.options.sides))
        return next(filter(None, (scenario.conditions.lacking(versions) for versions in every)), "")

    def settle(self, index: int, scenario: Scenario | None, result: ScenarioResult) -> None:
        """Keeps a result, and passes on all whose turn it is."""
        self.done[index] = scenario, result
        self.settled += 1
        self.room.set()
        while len(self.results) in self.done and not self.stopped:
            self.pass_on(*self.done.pop(len(self.results)))
        self.close_if_done()

    def pass_on(self, scenario: Scenario | None, result: ScenarioResult) -> None:
        if not self.results:
            self.observer.started(self.environment())
        self.results.append(result)
        self.failed += not result.expected
        try:
            if scenario is not None:
                self.observer.compared(scenario, result)
            self.observer.finished(result)
        except Stop:
            self.unread = True
            self.cancel()
        if self.options.maxfail and self.failed >= self.options.maxfail and not self.stopped:
            self.stopped = True
            self.cancel()

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def environment(self) -> dict[str, str]:
        """Versions of everything that took part and what decides on their machine, as far as they are known.

        Where both sides are one framework, its versions stand under the sides.
        """
        versions = {"tfpt": __version__, "python": platform.python_version()}
        if self.known and self.options.kept is not None:
            versions |= self.options.kept.environment()
        for side in (REFERENCE, *self.options.sides):
            for queues in self.queues:
                found = {key: text for key, text in queues[side].versions.items() if key != "python"}
                if side.key != side.framework.key and side.framework in found:
                    found[side] = found.pop(side.framework)
                versions |= found
        return versions

    def report(self, interrupted: bool) -> Report:
        # Results that wait for an earlier scenario are complete: they are in the report of an interrupted run too. Not in
        # that of a run that stopped by itself, which would then hold more failures than were allowed, or not, by chance.
        for index in sorted(self.done):
            if self.stopped or self.unread:
                break
            self.pass_on(*self.done[index])
        if self.options.kept is not None:
            self.options.kept.save(self.environment())
            self.options.kept.close()
        return Report(
            environment=self.environment(),
            scenarios=self.results,
            problems=tuple(self.problems),
            interrupted=interrupted,
            ended_by=SIGNALS.first or signal.SIGINT,
            stopped=self.stopped or self.unread,
            sides=self.options.sides,
            selected=self.count,
            deselected=self.deselected,
            seconds=time.perf_counter() - self.began,
            began=f"{self.began_at:%Y-%m-%dT%H:%M:%S}",
        )
