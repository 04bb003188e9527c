"""`tfpt new`: a commented scenario to start from."""

from __future__ import annotations

from pathlib import Path

import click

from tfpt_cli.cli.outputs import check_outputs, write_file


def templates() -> dict[str, str]:
    """The scenarios to start from, by what they are called: those of every subject."""
    from tfpt_cli.subjects.registry import SUBJECTS

    return {name: text for subject in SUBJECTS.values() for name, text in subject.templates.items()}


def run_new(kind: str, path: str | None, *, force: bool) -> int:
    """Writes the template of a kind into a new file, or prints it; a usage error for a file that is there already."""
    text = templates()[kind].format(file=path or "scenario.yaml")
    if path is None:
        click.echo(text, nl=False)
        return 0
    if Path(path).is_dir():
        raise click.UsageError(f"'{path}' is a folder: name a file in it")
    if Path(path).exists() and not force:
        raise click.UsageError(f"'{path}' is there already; --force writes over it")
    check_outputs([path])
    write_file(path, text)
    click.echo(f"wrote {path}; run: tfpt check {path}")
    return 0
