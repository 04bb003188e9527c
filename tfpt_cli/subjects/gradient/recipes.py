"""The recipe of a known difference put into the code of a gradient scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfpt_cli.explain.causes import rewritten_source
from tfpt_cli.frameworks import FRAMEWORKS

if TYPE_CHECKING:
    from tfpt_cli.dictionary.differences import Fix
    from tfpt_cli.subjects.gradient.spec import Gradient


def with_fix(spec: Gradient, fields: dict[str, Any], fix: Fix) -> dict[str, Any] | None:
    """The fields with a recipe in the code of both sides (a neutral expression is written natively); None where none applies."""
    if not fix.rules or any(output.code for output in spec.outputs):
        return None
    count, sides, lines = 0, {}, {}
    for framework in FRAMEWORKS:
        rules = fix.rules.get(framework, {})
        sources: dict[str, str] = {}
        named: dict[str, str] = {}
        for output in spec.outputs:
            body = output.body[framework]
            for name, source in (*body.lines, (output.name, body.result)):
                text, changes = rewritten_source(source, framework, rules)
                if name not in named:
                    count += changes
                (sources if name == output.name else named)[name] = text
        sides[framework] = sources.get("", sources)
        if named:
            lines[framework] = named
    if not count:
        return None
    rest = {key: value for key, value in fields.items() if key not in ("of", "let", *FRAMEWORKS)}
    return {**sides, **({"let": lines} if lines else {}), **rest}
