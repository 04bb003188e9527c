"""`tfpt watch`: both frameworks kept warm, and scenarios checked again when a file is saved."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from watchfiles import watch

from tfpt_cli.cli.options import choice
from tfpt_cli.cli.show import Outputs, Settings, Show
from tfpt_cli.engine.session import Session
from tfpt_cli.engine.signals import SIGNALS
from tfpt_cli.report.console import plain_console
from tfpt_cli.results import printable
from tfpt_cli.scenario.files import ENDINGS, scenario_files

if TYPE_CHECKING:
    from tfpt_cli.engine.options import Options

# Editors save in several steps: what comes within so many milliseconds is one change.
_DEBOUNCE = 200
# How long, in milliseconds, the watcher waits until it says that nothing was saved.
_PATIENCE = 100


def run_watch(options: Options, settings: Settings) -> int:
    """Checks everything once and then every scenario file that changes, until Ctrl-C; gives the exit code of the last run.

    A change of a Python file beside the scenarios checks everything again, in fresh processes.
    """
    missing = [path for path in options.paths if not Path(path).exists()]
    if missing:
        raise click.UsageError(f"no such file or folder: {', '.join(missing)}")
    choice(options.expression, options.tags)
    console = plain_console(None)
    folders = {str(Path(path) if Path(path).is_dir() else Path(path).absolute().parent) for path in options.paths}
    with Session(options) as session:
        saved = watch(
            *folders,
            debounce=_DEBOUNCE,
            watch_filter=_wanted,
            raise_interrupt=True,
            yield_on_timeout=True,
            rust_timeout=_PATIENCE,
        )
        code = 130
        try:
            next(saved)  # the folders are watched from here on: what is saved during the first run is seen behind it
            code = _once(session, options, settings)
            console.print(f"watching {', '.join(map(printable, options.paths))}; Ctrl-C ends", style="dim")
            for changes in filter(None, saved):
                changed = {os.path.realpath(path) for _, path in changes}
                code_changed = any(path.endswith(".py") for path in changed)
                if code_changed:
                    session.end()  # a module that was imported stays as it was
                paths = tuple(
                    file
                    for file in scenario_files(options.paths)
                    if isinstance(file, str) and (code_changed or os.path.realpath(file) in changed)
                )
                if paths:
                    console.rule(style="dim")
                    code = _once(session, replace(options, paths=paths), settings)
        except KeyboardInterrupt:
            console.print()
    return code if SIGNALS.first in (0, signal.SIGINT) else SIGNALS.exit_code


def _wanted(_: object, path: str) -> bool:
    return path.endswith((*ENDINGS, ".py")) and not Path(path).name.startswith(".")


def _once(session: Session, options: Options, settings: Settings) -> int:
    show = Show(settings, Outputs(settings))
    with show:
        report = session.check(options, show)
    show.end(report)
    if report.interrupted:
        raise SystemExit(report.exit_code)
    return max(report.exit_code, show.outputs.exit_code)
