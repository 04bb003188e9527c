"""`tfpt selfcheck`: whether the dictionary is right about the frameworks that are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from tfpt_cli.results import Symptom, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.cli.progress import Progress
    from tfpt_cli.frameworks import Sides
    from tfpt_cli.selfcheck.examination import Examination


def run_selfcheck(
    names: tuple[str, ...],
    dtypes: tuple[str, ...],
    sides: Sides,
    *,
    save: bool = False,
    odd: bool = False,
) -> int:
    """`tfpt selfcheck`: runs the dictionary's own scenarios and says what is not as the rows declare.

    With `odd` its operations at odd inputs, over which tfpt itself must not fail.
    """
    from tfpt_cli.cli.progress import Progress
    from tfpt_cli.dictionary.measured import MEASURED
    from tfpt_cli.dictionary.rows import dictionary
    from tfpt_cli.expressions.checking import unknown
    from tfpt_cli.report.console import plain_console
    from tfpt_cli.selfcheck.examination import save as keep
    from tfpt_cli.selfcheck.examination import selfcheck

    missing = [name for name in names if name not in dictionary().operations]
    if missing:
        raise click.UsageError("; ".join(unknown("operation", name) for name in missing))
    if save and (names or dtypes or odd):
        raise click.UsageError(
            "--save keeps what was measured of the whole dictionary: name no operation and no --dtype"
        )
    show = Progress()
    if odd:
        return _run_odd(set(names), set(dtypes), sides, show)
    with show:
        examination = selfcheck(set(names), set(dtypes), show, sides=sides)
    console = plain_console(None)
    for line in _examination_lines(examination):
        console.print(line, soft_wrap=True)
    report = examination.report
    if report is not None and (report.interrupted or report.exit_code == 3):
        return report.exit_code
    if save and examination.good:
        keep(examination)
        console.print(f"kept in {MEASURED}")
    return 0 if examination.good else 1


def _run_odd(names: set[str], dtypes: set[str], sides: Sides, show: Progress) -> int:
    from tfpt_cli.engine.options import Options
    from tfpt_cli.engine.session import check
    from tfpt_cli.report.console import plain_console
    from tfpt_cli.selfcheck.edge_inputs import edge_probes, examined
    from tfpt_cli.selfcheck.odd_inputs import odd_probes
    from tfpt_cli.selfcheck.probes import scenarios

    with show:
        report = check(Options(generated=scenarios(odd_probes(names, dtypes)), sides=sides), show)
        edges = check(Options(generated=scenarios(edge_probes(names, dtypes)), sides=sides), show)
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
        (s, f) for each in (report, edges) for s in each.scenarios for f in s.failures if f.symptom != Symptom.EXCEPTION
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


def _examination_lines(examination: Examination) -> Iterator[Text]:
    """What a self-check came to: everything that is not as declared, then the counts."""
    for difference in examination.undeclared:
        yield Text.assemble(("undeclared: ", "bold red"), str(difference))
    for words in examination.stale:
        yield Text.assemble(("no longer so: ", "bold yellow"), words)
    report = examination.report
    scenarios = len(report.scenarios) if report else 0
    seconds = f" in {report.seconds:.0f} s" if report else ""
    yield Text(
        f"{scenarios:,} scenarios of {len(examination.measured)} operations{seconds}: "
        f"{len(examination.undeclared)} undeclared differences, {len(examination.declared):,} as declared, "
        f"{len(examination.stale)} declared that were not found",
        "bold green" if examination.good else "bold red",
    )
