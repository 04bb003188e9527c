"""Further native spellings of what the rows know, and the neutral expression that each means: `readings.yaml`."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.dictionary.native import native
from tfpt_cli.language.trees import called_name

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def readings(framework: str) -> Mapping[str, list[tuple[ast.Call, ast.expr]]]:
    """The other spellings of what the rows know, by the canonical name of the call, each with its neutral meaning."""
    found: dict[str, list[tuple[ast.Call, ast.expr]]] = {}
    for written, meaning in rows_of("readings")[framework].items():
        template = ast.parse(written, mode="eval").body
        assert isinstance(template, ast.Call)
        name = native(framework).canonical(called_name(template))
        found.setdefault(name, []).append((template, ast.parse(meaning, mode="eval").body))
    return found
