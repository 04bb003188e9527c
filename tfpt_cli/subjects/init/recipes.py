"""The recipe of a known difference put into an initialization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfpt_cli.explain.causes import rewritten_source
from tfpt_cli.frameworks import FRAMEWORKS, TORCH

if TYPE_CHECKING:
    from tfpt_cli.dictionary.differences import Fix


def with_fix(data: dict[str, Any], fix: Fix) -> dict[str, Any] | None:
    """The fields with the initializers of a recipe in them, or its rewritten code; None where it does not apply."""
    if "layer" in data:
        return {**data, **fix.neutral} if fix.neutral else None
    if not fix.rules and not fix.fill:
        return None
    count = len(fix.fill)
    for framework in FRAMEWORKS:
        for key, text in data[framework].items():
            if isinstance(text, str):
                data[framework][key], changes = rewritten_source(text, framework, fix.rules.get(framework, {}))
                count += changes
    data[TORCH] |= fix.fill
    return data if count else None
