"""What of the frameworks is there."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass

from tfpt_cli.results import FRAMEWORKS, Failure
from tfpt_cli.workers.pool import Broken, Limits, Worker

# What pip is to install, within the ranges that tfpt is tested with.
REQUIREMENTS = {"torch": "torch>=2.6,<2.14", "tensorflow": "tensorflow>=2.18"}


@dataclass(frozen=True)
class Finding:
    """One framework in one interpreter: its versions and import time in seconds, or why it does not run and what to do."""

    framework: str
    interpreter: str
    versions: dict[str, str]
    seconds: float
    failure: Failure | None = None
    remedy: str = ""


def examine(interpreters: dict[str, str]) -> list[Finding]:
    """Starts each framework's worker, one after the other, and gives what was found."""
    return asyncio.run(_examine(interpreters))


async def _examine(interpreters: dict[str, str]) -> list[Finding]:
    return [await _finding(framework, interpreters.get(framework, sys.executable)) for framework in FRAMEWORKS]


async def _finding(framework: str, interpreter: str) -> Finding:
    worker = Worker(framework, interpreter, Limits())
    began = time.perf_counter()
    try:
        await worker.start()
        await worker.load()
    except Broken as broken:
        failure = broken.failure
        packages = f"'{REQUIREMENTS[framework]}'" if broken.packages == framework else broken.packages
        remedy = f"{interpreter} -m pip install {packages}" if packages else ""
        return Finding(framework, interpreter, worker.versions, time.perf_counter() - began, failure, remedy)
    finally:
        await worker.end()
    return Finding(framework, interpreter, worker.versions, time.perf_counter() - began)
