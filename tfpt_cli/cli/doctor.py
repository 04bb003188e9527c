"""`tfpt doctor`: which frameworks are there, in which interpreters and versions, and what installs one that is not."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass

from rich.text import Text

from tfpt_cli.frameworks import FRAMEWORKS, LABELS
from tfpt_cli.results import Failure, printable
from tfpt_cli.workers.process import Broken, Limits, Worker

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


def run_doctor(interpreters: dict[str, str]) -> int:
    """`tfpt doctor`: a table of what is there and what is missing; 3 where a framework cannot run."""
    from rich.table import Table

    from tfpt_cli import __version__
    from tfpt_cli.report.console import plain_console

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for header in ("", "version", "Python", "NumPy", "import", "interpreter"):
        table.add_column(header, overflow="fold")
    console = plain_console(None)
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
