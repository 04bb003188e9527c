"""The scenarios that come with tfpt: where they are, and what is trusted as they are."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def shipped_scenarios() -> Path:
    """The folder of the scenarios that come with tfpt: in the installed package, or in a checkout beside it.

    `pyproject.toml` puts the one into a wheel as the other. Raises `FileNotFoundError` where neither is there.
    """
    for folder in (_PACKAGE / "scenarios", _PACKAGE.parent / "scenarios"):
        if (folder / "seed").is_dir():  # beside an installed package another one may be called so
            return folder
    raise FileNotFoundError(
        f"the scenarios that come with tfpt are missing: {_PACKAGE / 'scenarios'}; install it again"
    )


def comes_with_tfpt(file: str) -> bool:
    """Whether a file lies among the scenarios that come with tfpt, and is as much to be trusted as tfpt itself.

    >>> comes_with_tfpt("/home/me/port.py")
    False
    """
    try:
        return Path(file).resolve().is_relative_to(shipped_scenarios().resolve())
    except (FileNotFoundError, OSError):
        return False
