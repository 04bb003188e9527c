"""`tfpt doctor` and `tfpt selfcheck`: what is installed, and whether the dictionary is right about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from tfpt_cli.results import LABELS, printable

if TYPE_CHECKING:
    from tfpt_cli.commands.progress import Progress


def run_doctor(interpreters: dict[str, str]) -> int:
    """`tfpt doctor`: a table of what is there and what is missing; 3 where a framework cannot run."""
    from rich.table import Table

    from tfpt_cli import __version__
    from tfpt_cli.doctor import examine
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


def run_selfcheck(
    names: tuple[str, ...],
    dtypes: tuple[str, ...],
    interpreters: dict[str, str],
    *,
    save: bool = False,
    odd: bool = False,
) -> int:
    """`tfpt selfcheck`: runs the dictionary's own scenarios and says what is not as the rows declare.

    With `odd` its operations at odd inputs, over which tfpt itself must not fail.
    """
    from tfpt_cli import selfcheck
    from tfpt_cli.catalogue import examination_lines
    from tfpt_cli.commands.progress import Progress
    from tfpt_cli.dictionary.rows import dictionary
    from tfpt_cli.neutral import unknown
    from tfpt_cli.report.console import plain_console

    missing = [name for name in names if name not in dictionary().operations]
    if missing:
        raise click.UsageError("; ".join(unknown("operation", name) for name in missing))
    if save and (names or dtypes or odd):
        raise click.UsageError(
            "--save keeps what was measured of the whole dictionary: name no operation and no --dtype"
        )
    show = Progress()
    if odd:
        return _run_odd(set(names), set(dtypes), interpreters, show)
    with show:
        examination = selfcheck.selfcheck(set(names), set(dtypes), show, interpreters=interpreters)
    console = plain_console(None)
    for line in examination_lines(examination):
        console.print(line, soft_wrap=True)
    report = examination.report
    if report is not None and report.exit_code in (3, 130):
        return report.exit_code
    if save and examination.good:
        selfcheck.save(examination)
        console.print(f"kept in {selfcheck.MEASURED}")
    return 0 if examination.good else 1


def _run_odd(names: set[str], dtypes: set[str], interpreters: dict[str, str], show: Progress) -> int:
    from tfpt_cli.check import Options, check
    from tfpt_cli.edge_inputs import edge_scenarios, examined
    from tfpt_cli.odd_inputs import odd_scenarios
    from tfpt_cli.report.console import plain_console

    with show:
        report = check(Options(generated=odd_scenarios(names, dtypes), interpreters=interpreters), show)
        edges = check(Options(generated=edge_scenarios(names, dtypes), interpreters=interpreters), show)
    console = plain_console(None)
    found, stale = examined(edges, whole=not names and not dtypes and not edges.interrupted)
    for line in (*found, *stale):
        console.print(Text(printable(str(line)), "bold red"), soft_wrap=True)
    console.print(
        Text(
            f"{len(edges.scenarios):,} scenarios at the edges of what an operation can be given in {edges.seconds:.0f} s, "
            f"{len(edges.problems):,} that tfpt refuses: {len(found)} undeclared differences, "
            f"{len(stale)} declared that were not found",
            "bold red" if found or stale else "bold green",
        ),
        soft_wrap=True,
    )
    broken = [
        (s, f) for each in (report, edges) for s in each.scenarios for f in s.failures if f.symptom != "exception"
    ]
    for scenario, failure in broken:
        console.print(Text.assemble((f"{scenario.name}: ", "bold red"), printable(failure.message)), soft_wrap=True)
        console.print(Text(failure.traceback, "dim"), soft_wrap=True)
    console.print(
        Text(
            f"{len(report.scenarios):,} scenarios at odd inputs in {report.seconds:.0f} s, {len(report.problems):,} that no "
            f"scenario can say: {sum(s.internal for each in (report, edges) for s in each.scenarios)} mistakes of tfpt's own, "
            f"{sum(f.could_not_run for _, f in broken)} processes that broke",
            "bold red" if broken else "bold green",
        ),
        soft_wrap=True,
    )
    if broken or report.interrupted or edges.interrupted:
        return max(report.exit_code, edges.exit_code)
    return 1 if found or stale else 0
