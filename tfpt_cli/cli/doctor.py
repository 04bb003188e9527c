"""`tfpt doctor`: which frameworks are there, in which interpreters and versions, and what installs one that is not."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.version import Version
from rich.text import Text

from tfpt_cli.results import Failure, printable
from tfpt_cli.workers.process import Broken, Limits, Worker

if TYPE_CHECKING:
    from tfpt_cli.frameworks import Side, Sides


@dataclass(frozen=True)
class Examined:
    """One framework in one interpreter: its versions and import time in seconds, or why it does not run and what to do."""

    side: Side
    interpreter: str
    versions: dict[str, str]
    seconds: float
    failure: Failure | None = None
    remedy: str = ""


def examine(sides: Sides) -> list[Examined]:
    """Starts each framework's process, one after the other, and gives what was found."""
    return asyncio.run(_examine(sides))


async def _examine(sides: Sides) -> list[Examined]:
    return [await _examined(side) for side in sides]


async def _examined(side: Side) -> Examined:
    worker = Worker(side, Limits())
    began, failure, remedy = time.perf_counter(), None, ""
    try:
        await worker.start()
        await worker.load()
    except Broken as broken:
        failure = broken.failure
        packages = _required(side.framework) if broken.packages == side.framework else broken.packages
        remedy = f"{worker.interpreter} -m pip install {packages}" if packages else ""
    finally:
        await worker.end()
    seconds = time.perf_counter() - began
    return Examined(
        side=side,
        interpreter=worker.interpreter,
        versions=worker.versions,
        seconds=seconds,
        failure=failure,
        remedy=remedy,
    )


def _required(package: str) -> str:
    """What pip is to install, within the versions that tfpt asks for: `'torch>=2.6,<2.14'`."""
    try:
        required = [Requirement(text) for text in metadata.requires("tfpt") or []]
    except metadata.PackageNotFoundError:  # run from its source
        required = []
    for requirement in required:
        if requirement.name == package:
            bounds = sorted(requirement.specifier, key=lambda bound: Version(bound.version))
            return f"'{package}{','.join(map(str, bounds))}'"
    return package


def run_doctor(sides: Sides) -> int:
    """`tfpt doctor`: a table of what is there and what is missing; 3 where a framework cannot run."""
    from rich.table import Table

    from tfpt_cli import __version__
    from tfpt_cli.report.console import plain_console

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for header in ("", "version", "Python", "NumPy", "import", "interpreter"):
        table.add_column(header, overflow="fold")
    console = plain_console(None)
    found = examine(sides)
    for finding in found:
        versions = finding.versions
        state = Text(
            versions.get(finding.side.framework, "missing"), "green" if finding.failure is None else "bold red"
        )
        seconds = f"{finding.seconds:.1f} s" if finding.failure is None else ""
        row = [versions.get("python", ""), versions.get("numpy", ""), seconds, finding.interpreter]
        table.add_row(finding.side.label, state, *row)
        if "keras" in versions:
            table.add_row("Keras", Text(versions["keras"], "green"), "", "", "", "")
    console.print(f"tfpt {__version__}")
    console.print(table)
    missing = [finding for finding in found if finding.failure is not None]
    for finding in missing:
        assert finding.failure is not None
        console.print(Text(f"\n{printable(finding.failure.message)}", "red"), soft_wrap=True)
        if finding.remedy:
            console.print(Text(f"  {finding.remedy}", "bold"), soft_wrap=True)
    console.print(Text("both frameworks run", "green") if not missing else "")
    return 3 if missing else 0
