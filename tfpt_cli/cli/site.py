"""`tfpt site`: the dictionary as a folder of HTML pages."""

from __future__ import annotations

from pathlib import Path

import click

from tfpt_cli.cli.outputs import CannotWrite, write_file
from tfpt_cli.site.build import KIND_NAMES, site

# What a folder must hold to be written over: a first page that says so in its head.
_MARK = '<meta name=generator content="tfpt'


def run_site(folder: str) -> int:
    """Writes the site into a folder; one that holds anything but an earlier site is a usage error.

    Pages of rows that are gone since then are deleted.
    """
    place = Path(folder)
    _check(place)
    size, written = 0, set()
    for name, text in site():
        path = place / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(f"'{path.parent}'", error) from None
        write_file(str(path), text)
        written.add(path)
        size += len(text.encode())
    for kind in KIND_NAMES:
        for path in (place / kind).glob("*.html"):
            if path not in written:
                path.unlink()
    click.echo(f"wrote {len(written)} files, {size / 1e6:.1f} MB; open {place / 'index.html'}")
    return 0


def _check(place: Path) -> None:
    if place.exists() and not place.is_dir():
        raise click.UsageError(f"'{place}' is a file: name a folder")
    index = place / "index.html"
    ours = index.is_file() and _MARK in index.read_text(encoding="utf-8", errors="replace")[:2000]
    if place.is_dir() and any(place.iterdir()) and not ours:
        raise click.UsageError(
            f"'{place}' holds other files, and no site of tfpt's: name an empty folder, or a new one"
        )
