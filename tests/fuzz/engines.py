"""What makes inputs for a target: a plain random mutator, Hypothesis, or atheris, which is guided by what an input covers."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from tests.fuzz.watching import SECONDS, Finding, Target, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# So many inputs are kept to be altered again, so that alterations add up.
_KEPT = 400


@dataclass
class Runs:
    """What a run has come to: how many inputs, in how many seconds, and the first finding of each kind."""

    target: str
    inputs: int = 0
    seconds: float = 0.0
    each: float = SECONDS  # what one input may take
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    seen: Callable[[Finding], None] = lambda _: None

    def give(self, target: Target, data: bytes) -> Finding | None:
        """Runs the target on an input, and keeps what is found."""
        self.inputs += 1
        found = watched(target, data, self.each)
        if found is not None and found.key not in self.findings:
            self.findings[found.key] = found
            self.seen(found)
        return found


def mutated(target: Target, runs: int, seed: int, *, seconds: float = 1e9, into: Runs | None = None) -> Runs:
    """So many inputs, the corpus first, then others made of it at random; the same ones for the same seed."""
    found = into or Runs(target.name)
    began = time.perf_counter()
    for data in inputs(target, seed):
        if found.inputs >= runs or time.perf_counter() - began > seconds:
            break
        found.give(target, data)
    found.seconds = time.perf_counter() - began
    return found


def inputs(target: Target, seed: int) -> Iterator[bytes]:
    """Inputs without end: the corpus, the other seeds in another order, then altered ones, some of them several times."""
    random = Random(seed)
    yield from target.corpus().values()
    seeds = list(target.seeds())
    random.shuffle(seeds)
    pool = target.begin()
    recent: deque[bytes] = deque(maxlen=_KEPT)
    for number in range(sys.maxsize):
        # Some of the seeds as they are, so that a short run does not spend itself on thousands.
        if number % 20 == 0 and seeds:
            yield seeds.pop()
            continue
        of = random.choice(recent) if recent and random.random() < 0.3 else random.choice(pool) if pool else b""
        data = target.mutate(of, random)
        recent.append(data)
        yield data


def with_hypothesis(target: Target, runs: int, seed: int) -> Runs:
    """So many inputs by Hypothesis, which also makes the first one smaller over which something is found."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis import strategies as st

    found = Runs(target.name)
    pool = target.begin() or [b""]

    @seeded(seed)
    @settings(
        max_examples=runs,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(of=st.sampled_from(pool), random=st.randoms(use_true_random=False))
    def run(of: bytes, random: Random) -> None:
        found.give(target, target.mutate(of, random))

    began = time.perf_counter()
    run()
    found.seconds = time.perf_counter() - began
    return found


def with_atheris(target: Target, options: list[str], found: Runs, done: Callable[[Runs], None]) -> None:
    """Hands over to libFuzzer, with its own options; it does not come back, so `done` is called behind each input.

    What is to guide it must have been imported under `atheris.instrument_imports`.
    """
    import atheris

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        return target.mutate(data, Random(seed))[:most]

    began = time.perf_counter()

    def run(data: bytes) -> None:
        found.give(target, data)
        found.seconds = time.perf_counter() - began
        done(found)

    arguments: list[Any] = [sys.argv[0], "-max_len=40000", *options]
    atheris.Setup(arguments, run, custom_mutator=mutate)
    atheris.Fuzz()
