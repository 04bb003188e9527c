"""`tfpt new`: a scenario to start from: a commented one, the one that shows a row, or what a person answers."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tfpt_cli.cli.outputs import check_outputs, write_file
from tfpt_cli.engine.signals import SIGNALS


def templates() -> dict[str, str]:
    """The scenarios to start from, by what they are called: those of every subject."""
    from tfpt_cli.subjects.registry import SUBJECTS

    return {name: text for subject in SUBJECTS.values() for name, text in subject.templates.items()}


def run_new(kind: str | None, path: str | None, *, origin: str | None = None, force: bool) -> int:
    """Writes a scenario into a new file, or prints it; a usage error for a file that is there already.

    It is the template of a `kind`, or what shows the row `origin`; with neither, a person at a terminal is asked.
    """
    if kind is not None and origin is not None:
        raise click.UsageError("--kind and --from are two starts: give one of them")
    if path is not None:
        _check_file(path, force=force)
    if origin is not None:
        return _write(path, text_from(origin))
    if kind is None and sys.stdin.isatty() and sys.stdout.isatty():
        from tfpt_cli.cli.new_questions import ask

        try:
            answered = ask(path, _check_new)
        except click.Abort:  # Ctrl-C, or the end of the answers
            click.echo("\nnothing is written")
            return SIGNALS.exit_code
        return _write(answered.path, answered.text, options=answered.options)
    from tfpt_cli.subjects.registry import GRADIENT

    return _write(path, templates()[kind or GRADIENT.name].format(file=path or "scenario.yaml"))


def text_from(origin: str) -> str:
    """The scenarios that show a row of the dictionary, as a file; a usage error where no row is called so."""
    from tfpt_cli.report.catalogue import KINDS, hint
    from tfpt_cli.scenario.examples import examples_of, row_named

    row = row_named(origin)
    if row is None:
        raise click.UsageError(f"nothing is called '{origin}'{hint(origin, KINDS)}")
    found = examples_of(row)
    if not found:
        raise click.UsageError(f"no scenario shows '{row.name}'; it is measured by: tfpt selfcheck {row.name}")
    return "---\n".join(scenario.text for scenario in found)


def _check_file(path: str, *, force: bool) -> None:
    if Path(path).is_dir():
        raise click.UsageError(f"'{path}' is a folder: name a file in it")
    if Path(path).exists() and not force:
        raise click.UsageError(f"'{path}' is there already; --force writes over it")
    check_outputs([path])


def _check_new(path: str) -> None:
    _check_file(path, force=False)


def _write(path: str | None, text: str, options: str = "") -> int:
    if path is None:
        click.echo(text, nl=False)
        return 0
    write_file(path, text)
    click.echo(f"wrote {path}; run: tfpt check {path}{options}")
    return 0
