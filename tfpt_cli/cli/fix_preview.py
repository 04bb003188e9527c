"""`--fix-preview`: the recipes of known differences put into what does not agree, singly and together, the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.report.table import print_preview
from tfpt_cli.report.words import parted
from tfpt_cli.scenario.recipes import Recipe, recipes, together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from tfpt_cli.engine.options import Options
    from tfpt_cli.engine.session import Session
    from tfpt_cli.results import ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario

# A recipe in a scenario, and what that came to; None where it could not be checked.
Tried = tuple[Recipe, "ScenarioResult | None"]


def preview(
    session: Session, checked: Sequence[tuple[Scenario, ScenarioResult]], options: Options, console: Console
) -> None:
    """Tries the recipes for every checked scenario that does not agree, and prints what each changes and leaves."""
    found = False
    for tried in _tried(session, checked, options):
        for recipe, result in tried:
            found = True
            print_preview(recipe.name, recipe.changed, recipe.problems, result, console)
    if not found:
        explained = any(result.explanations for _, result in checked if not result.expected)
        why = (
            "those of the known differences above are for code that is not changed here, such as functions of your own"
            if explained
            else "no known difference with one explains what does not agree"
        )
        console.print(f"no recipe can be put in: {why}")


def _tried(
    session: Session, checked: Sequence[tuple[Scenario, ScenarioResult]], options: Options
) -> Iterator[list[Tried]]:
    """The recipes of each scenario with what they came to, the best first; together only where none of them is enough."""

    def check(groups: list[list[Recipe]]) -> list[list[Tried]]:
        wanted = [recipe.scenario for group in groups for recipe in group if recipe.scenario is not None]
        results = iter(session.check(options.of(wanted)).scenarios if wanted else ())
        return [[(r, next(results, None) if r.scenario is not None else None) for r in group] for group in groups]

    apart = [(scenario, result) for scenario, result in checked if not result.agree]
    singly = check([list(recipes(scenario, result)) for scenario, result in apart])
    sets = [
        list(together(scenario, [(recipe, result) for recipe, result in tried if result is not None]))
        if not any(result is not None and result.agree for _, result in tried)
        else []
        for (scenario, _), tried in zip(apart, singly, strict=True)
    ]
    for alone, jointly in zip(singly, check(sets), strict=True):
        best = min(map(_left, alone), default=None)
        better = [tried for tried in jointly if best is None or _left(tried) < best]
        yield sorted([*alone, *better], key=_left)


def _left(tried: Tried) -> tuple[float, int]:
    """How much is left to do: quantities that do not agree, then numbers in them; what cannot be checked is the last."""
    recipe, result = tried
    if result is None:
        return float("inf"), 0
    off = sum(c.measure.mismatched for c in result.comparisons if c.measure is not None)
    return len(parted(result)) + len(result.failures), off + len(recipe.parts)
