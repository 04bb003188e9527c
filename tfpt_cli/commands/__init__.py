"""The commands, a module for those that belong together: where output goes, progress, exit codes.

A module is imported when one of its commands runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tfpt_cli.scenario.choose import BadExpression, chooser

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfpt_cli.scenario.scenario import Scenario


def choice(expression: str | None, tags: tuple[str, ...]) -> Callable[[Scenario], bool]:
    """What `-k` and `--tag` choose; a usage error for an expression that cannot be read."""
    try:
        return chooser(expression, tags)
    except BadExpression as error:
        raise click.UsageError(str(error)) from None
