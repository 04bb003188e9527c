"""What to run and how, and who is told of its progress."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import SIDES
from tfpt_cli.workers.process import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfpt_cli.engine.kept import KeptResults
    from tfpt_cli.frameworks import Sides
    from tfpt_cli.results import Problem, Report, ScenarioResult, Unread
    from tfpt_cli.scenario.scenario import Scenario


class Stop(Exception):
    """Raised by an observer: nobody reads on, the run may end."""


class Crashed(Exception):
    """An error of tfpt's own that is not one scenario's, its cause; the report holds what was finished until then."""

    def __init__(self, report: Report) -> None:
        super().__init__("tfpt itself failed")
        self.report = report


class Observer:
    """Told of a run's progress; this one does nothing."""

    def started(self, environment: dict[str, str]) -> None:
        """A result is about to come; the versions known so far."""

    def selected(self, count: int) -> None:
        """The number of scenarios that are known by now to be run."""

    def all_read(self) -> None:
        """Every file is read: the number that was given last is that of all scenarios."""

    def compared(self, scenario: Scenario, result: ScenarioResult) -> None:
        """A scenario was checked; called just before `finished`, for who needs the scenario itself.

        Not for a document that tfpt failed to read: that is no scenario.
        """

    def finished(self, result: ScenarioResult) -> None:
        """A scenario was checked; called in the order of the files."""

    def problem(self, problem: Problem) -> None:
        """A file, a document or a path cannot be used."""


@dataclass(frozen=True)
class Options:
    """What to check and how: the scenarios of files, or those that `generated` gives.

    `only` holds the ids of the scenarios to take (or those with the line, as `placed` makes them), `shard` is (k, n) for every
    n-th of those chosen, from the k-th on. The run stops after `maxfail` scenarios that are not as expected (0: never).
    `workers` is how many processes each side has. With `listings` every result keeps the code that ran. `sides` are the two
    that are compared. What `kept` knows of earlier runs is not run again, and what is run is kept there.
    `cluster` is the address of the Dask scheduler whose workers run it, empty where it is run here.
    """

    paths: tuple[str, ...] = ()
    expression: str | None = None
    tags: tuple[str, ...] = ()
    only: frozenset[str] | None = None
    shard: tuple[int, int] | None = None
    maxfail: int = 0
    workers: int = 1
    sides: Sides = SIDES
    limits: Limits = field(default_factory=Limits)
    allow_code: bool = False
    reference: bool = True
    listings: bool = False
    kept: KeptResults | None = None
    cluster: str = ""
    generated: Iterable[list[Scenario] | Problem | Unread] | None = None

    def of(self, scenarios: Iterable[Scenario]) -> Options:
        """The options for scenarios that were made from chosen ones: none is left out, and no failure ends the run."""
        generated = [[scenario] for scenario in scenarios]
        chosen = replace(self, expression=None, tags=(), only=None, shard=None, maxfail=0)
        return replace(chosen, listings=False, kept=None, generated=generated)
