"""`tfpt check`: where its reports go, what a person sees meanwhile, and what is kept for the next run."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tfpt_cli.cli.github_actions import inert
from tfpt_cli.cli.options import choice
from tfpt_cli.cli.outputs import check_outputs
from tfpt_cli.cli.show import Outputs, Show
from tfpt_cli.engine.options import Crashed
from tfpt_cli.engine.session import Session
from tfpt_cli.engine.signals import SIGNALS

if TYPE_CHECKING:
    from tfpt_cli.baseline import Baseline
    from tfpt_cli.cli.show import Settings
    from tfpt_cli.engine.options import Options
    from tfpt_cli.results import Report


def run_check(options: Options, settings: Settings) -> int:
    """`tfpt check`: prints and writes the reports, gives the exit code."""
    from tfpt_cli.cli import last_failed

    choice(options.expression, options.tags)  # before an output file is emptied
    before = None
    if settings.only_new and not settings.baseline:
        raise click.UsageError("--only-new is told by a baseline what is old: --baseline b.json --only-new")
    if settings.baseline:
        from tfpt_cli import baseline

        try:
            before = baseline.read(settings.baseline)
        except baseline.NoBaseline as error:
            raise click.UsageError(str(error)) from None
    if settings.last_failed:
        options = replace(options, only=last_failed.ids())
    options = replace(options, listings=settings.verbose or "html" in settings.formats)
    if options.cluster and (options.workers > 1 or settings.fix_preview):
        other = "--fix-preview" if settings.fix_preview else "-j"
        raise click.UsageError(f"{other} is for the processes of this machine: it does not go with --executor")
    if settings.cache and not (options.listings or settings.fix_preview or options.cluster):  # these ask for more
        from tfpt_cli.engine.kept import KeptResults

        kept = KeptResults(options.sides, reference=options.reference, allow_code=options.allow_code)
        options = replace(options, kept=kept)
    check_outputs(settings.paths)
    # From here on a signal ends the run, and cuts no report short: what was computed until then is in it.
    with SIGNALS.noted():
        code = _check(options, settings, before)
        return SIGNALS.exit_code if SIGNALS.first else code


def _check(options: Options, settings: Settings, before: Baseline | None) -> int:
    from tfpt_cli.cli import last_failed

    with ExitStack() as stack:
        outputs = Outputs(settings)
        show = Show(settings, outputs)
        if show.streams and outputs.streamed is None:
            stack.enter_context(inert())
        with _session(options) as session:
            with show:
                try:
                    report = session.check(options, show)
                except Crashed as crash:
                    outputs.write(crash.report)
                    show.end(crash.report)
                    outputs.end()
                    raise
                if "html" in settings.formats and not options.cluster:
                    report = curved(report, show, session, options)
            outputs.write(report)
            show.end(report)
            if settings.fix_preview and not report.interrupted:
                show.preview(session, options)
    last_failed.remember(report)
    changed = show.changes(before, report) if before is not None else 0
    outputs.end()
    code = report.exit_code if before is None or not settings.only_new else exit_code_of_new(before, report)
    if not report.selected and not report.problems and not report.interrupted:
        click.echo(_nothing(options, settings, report), err=True)
        # A CI step that shares the work, or takes up what failed, has not failed for having nothing to do.
        return 0 if settings.last_failed or (options.shard is not None and not _choosy(options)) else 2
    if report.interrupted:
        return report.exit_code
    return max(code, int(changed > 0), outputs.exit_code)


def _session(options: Options) -> Session:
    """What runs the scenarios: the processes of this machine, or a cluster's."""
    if not options.cluster:
        return Session(options)
    from tfpt_cli.engine.cluster import ClusterSession, NoCluster

    try:
        return ClusterSession(options)
    except NoCluster as error:
        raise click.UsageError(str(error)) from None


def exit_code_of_new(before: Baseline, report: Report) -> int:
    """The exit code of a run in which what failed at the baseline, and is as it was, passes."""
    from tfpt_cli import baseline

    old = baseline.unchanged_failures(before, report)
    decisive = [index for index, each in enumerate(report.outlines) if not each.clean and each.place not in old]
    return replace(report, scenarios=tuple(report.scenarios[index] for index in decisive)).exit_code


def _nothing(options: Options, settings: Settings, report: Report) -> str:
    """Why no scenario was checked."""
    if settings.last_failed:
        return "nothing failed in the last run (or it is not among these)"
    if options.shard is not None and not _choosy(options):
        return f"shard {options.shard[0]}/{options.shard[1]} is empty: there are fewer scenarios than shards"
    return f"no scenario is chosen by -k or --tag ({report.deselected} there)"


def _choosy(options: Options) -> bool:
    return bool(options.expression or options.tags)


def curved(report: Report, show: Show, session: Session, options: Options) -> Report:
    """The report with the curves of its scenarios; without any where tfpt itself fails over them."""
    from tfpt_cli.engine.curves import with_curves

    try:
        return with_curves(report, show.checked, session, options)
    except Exception as error:
        show.outputs.failed(error, "computing the curves")
        return report
