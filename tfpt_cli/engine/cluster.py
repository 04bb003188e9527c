"""The scenarios of a run on the workers of a Dask cluster, each of which keeps both frameworks warm from one batch to the next.

The files are read here, and what is written of them too; a batch of documents goes to a worker, and their results come back. A
worker that dies loses nothing: Dask gives its batches to another.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli import __version__
from tfpt_cli.engine import fingerprint
from tfpt_cli.engine.options import Observer, Options
from tfpt_cli.engine.run import Pipeline
from tfpt_cli.engine.session import Session
from tfpt_cli.engine.status import failed_result
from tfpt_cli.engine.stored import dumped, loaded
from tfpt_cli.frameworks import FRAMEWORKS, OURSELVES, Side
from tfpt_cli.results import Failure, Symptom

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor

    from tfpt_cli.documents.document import Document
    from tfpt_cli.engine.run import Chosen, Part
    from tfpt_cli.scenario.scenario import Scenario
    from tfpt_cli.workers.process import Limits

# So many scenarios go to a worker at once: few enough that all have something to do, many enough that sending costs little.
BATCH = 8
# Seconds within which the scheduler must answer.
PATIENCE = 15
# What this process runs: its files may be others by the time that something is asked of it.
_CODE = fingerprint.of_tfpt()


class NoCluster(Exception):
    """There is no scheduler at the address, or Dask is not installed; the message says which, and what to do."""


@dataclass(frozen=True)
class ClusterTerms:
    """How the scenarios of a run are to be run, of which a worker needs to know: plain data, which goes to it."""

    code: str
    sides: tuple[tuple[str, str, str, str], ...]
    limits: Limits
    reference: bool
    allow_code: bool
    listings: bool
    run: str = ""

    @classmethod
    def of(cls, options: Options) -> ClusterTerms:
        """The terms of these options.

        A person's own Python is imported anew in each `run`, which no two have in common: it may have been edited.
        """
        sides = tuple((side.key, side.label, side.framework.key, side.interpreter) for side in options.sides)
        run = uuid.uuid4().hex if options.allow_code else ""
        return cls(_CODE, sides, options.limits, options.reference, options.allow_code, options.listings, run)

    @property
    def options(self) -> Options:
        """The options of these terms; what there is to run is not in them."""
        first, second = (Side(key, label, FRAMEWORKS[framework], path) for key, label, framework, path in self.sides)
        return Options(
            sides=(first, second),
            limits=self.limits,
            reference=self.reference,
            allow_code=self.allow_code,
            listings=self.listings,
        )


@dataclass(frozen=True)
class Job:
    """A case of a document, as it goes to a worker: the document's file, the document alone, and the number of the case."""

    file: str
    text: str
    number: int


# ---- on a worker


class _Warm:
    """The session of a worker's process, one at a time; another one where other terms are asked for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.terms: ClusterTerms | None = None
        self.session: Session | None = None

    def for_terms(self, terms: ClusterTerms) -> Session:
        if self.session is None or terms != self.terms:
            if self.session is not None:
                self.session.__exit__()
            self.terms, self.session = terms, Session(terms.options).__enter__()
        return self.session


_WARM = _Warm()


def run_batch(terms: ClusterTerms, jobs: Sequence[Job]) -> tuple[dict[str, str], list[bytes | str]]:
    """Runs cases on a worker: the versions there, and of each case its result as bytes, or why it cannot be run there.

    A person's own Python and files of weights that a scenario names must be where the worker sees them under the same path.
    """
    if terms.code != _CODE:
        words = f"the worker has another tfpt ({__version__} there, or its files were edited); install the same on both"
        return {}, [words] * len(jobs)
    with _WARM.lock:
        session = _WARM.for_terms(terms)
        read = [_read(job, terms) for job in jobs]
        scenarios = [[found] for found in read if not isinstance(found, str)]
        report = session.check(replace(terms.options, generated=scenarios))
    results = iter(report.scenarios)
    return report.environment, [found if isinstance(found, str) else dumped(next(results)) for found in read]


def _read(job: Job, terms: ClusterTerms) -> Scenario | str:
    """The case, as it was read where it came from; why it cannot be read here."""
    from tfpt_cli.scenario.writing import scenario_from

    scenario, problems = scenario_from(job.text, job.file, allow_code=terms.allow_code, case=job.number)
    return scenario or f"not as it was read where tfpt was called: {problems[0]}"


# ---- where tfpt was called


class ClusterSession(Session):
    """A session whose scenarios run on a cluster, and which has no processes of its own. Raises `NoCluster`."""

    def __init__(self, options: Options) -> None:
        self._executor, self._close = _executor(options.cluster)
        super().__init__(replace(options, workers=0))

    def __exit__(self, *_: object) -> None:
        self._close()
        super().__exit__()

    def pipeline(self, options: Options, observer: Observer, chosen: Chosen) -> Pipeline:
        """A new pipeline, which runs the scenarios of these options once."""
        return ClusterPipeline(options, observer, chosen, self._executor)


def _executor(address: str) -> tuple[Executor, Callable[[], object]]:
    """The cluster as an executor, and what lets go of it. Raises `NoCluster`."""
    try:
        import logging

        from distributed import Client
    except ImportError:
        raise NoCluster("--executor dask://... needs Dask: pip install 'tfpt[dask]'") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters of it is said in the report
    try:
        client: Any = Client(  # type: ignore[no-untyped-call]
            address.replace("dask://", "tcp://"), timeout=PATIENCE, set_as_default=False
        )
    except (OSError, ValueError, TimeoutError):
        raise NoCluster(f"no Dask scheduler answers at {address} (within {PATIENCE} s): is it started?") from None
    return client.get_executor(pure=False), client.close


class ClusterPipeline(Pipeline):
    """A run whose scenarios are batched for an executor instead of being queued for processes of our own."""

    def __init__(self, options: Options, observer: Observer, chosen: Chosen, executor: Executor) -> None:
        super().__init__(options, observer, chosen, [])
        self.executor, self.terms = executor, ClusterTerms.of(options)
        self.document: Document | None = None
        self.batch: list[tuple[int, Scenario, Job]] = []
        self.versions: dict[str, str] = {}

    async def start(self) -> None:
        """The workers start their frameworks when they are given something."""

    def cases_of(self, document: Document) -> Iterator[Part]:
        """The cases of a document, which is remembered: its text goes to the worker."""
        self.document = document
        yield from super().cases_of(document)

    def queue(self, scenario: Scenario) -> None:
        """Adds a scenario to the batch, which is sent when it is full."""
        assert self.document is not None
        index = self.counted()
        job = Job(self.document.file, self.document.alone, scenario.case_number)
        self.batch.append((index, scenario, job))
        if len(self.batch) == BATCH:
            self.send()

    async def read(self) -> None:
        """Reads all, and sends what is left."""
        await super().read()
        self.send()

    def send(self) -> None:
        """Gives the batch to the executor."""
        batch, self.batch = self.batch, []
        if batch and self.group is not None:
            self.group.create_task(self.run_batch(batch))

    async def run_batch(self, batch: list[tuple[int, Scenario, Job]]) -> None:
        """Awaits the results of a batch. Where its workers died over it each of its scenarios is tried alone."""
        jobs = [job for _, _, job in batch]
        try:
            environment, answers = await asyncio.wrap_future(self.executor.submit(run_batch, self.terms, jobs))
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # the run was ended; else the cluster has given it up
            if len(batch) > 1:
                for one in batch:
                    await self.run_batch([one])
                return
            environment, answers = {}, [_lost(error)]
        self.learn(environment)
        for (index, scenario, _), answer in zip(batch, answers, strict=True):
            result = loaded(answer, self.options.sides) if isinstance(answer, bytes) else None
            if result is None:
                words = answer if isinstance(answer, str) else "the worker's answer is no result"
                failure = Failure(OURSELVES, Symptom.NOT_STARTED, f"the cluster could not run it: {words}")
                result = failed_result(scenario, self.options.sides, (failure,))
            self.settle(index, None, result)

    def learn(self, environment: dict[str, str]) -> None:
        """Takes the versions of a worker to those of the others; where they differ, both are said."""
        for key, version in environment.items():
            known = self.versions.get(key, version)
            self.versions[key] = known if version in known.split(" and ") else f"{known} and {version}"

    def environment(self) -> dict[str, str]:
        """The versions of all workers that have answered."""
        return super().environment() | self.versions


def _lost(error: BaseException) -> str:
    """Why nothing came back of a scenario that was given to a worker alone."""
    text = " ".join(str(error).split())[:300]
    if isinstance(error, ModuleNotFoundError):
        return f"tfpt is not installed on a worker ({text})"
    return f"{type(error).__name__}{': ' if text else ''}{text}"
