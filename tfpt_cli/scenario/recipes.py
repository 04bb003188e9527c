"""Recipes put into scenarios: what `tfpt check --fix-preview` tries.

The recipe of a known difference rewrites the code of a side (a neutral expression is first written natively), or gives an
initialization its initializers. What comes out is a scenario like any other, and is checked as one.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.differences import Difference, Fix, differences, numbered
from tfpt_cli.scenario.writing import scenario_from, scenario_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tfpt_cli.results import Problem, ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario


@dataclass(frozen=True)
class Recipe:
    """A scenario with the recipe of a known difference in it: its text, and the scenario itself (None: not a valid one)."""

    difference: Difference
    fix: Fix
    text: str
    scenario: Scenario | None
    problems: tuple[Problem, ...] = ()


def recipes(scenario: Scenario, result: ScenarioResult) -> Iterator[Recipe]:
    """Every recipe that can be put into a scenario for the known differences that explain its mismatches."""
    for explanation in result.explanations:
        difference = differences()[explanation.name]
        numbers = scenario.numbers(difference)
        for fix in difference.fixes:
            data = _with(scenario, _with_numbers(fix, numbers))
            if data is None:
                continue
            data = {"name": f"{scenario.name}, with the recipe of {difference.name}"[:200], **data}
            text = scenario_text(data)
            yield Recipe(difference, fix, text, *scenario_from(text, "the recipe", allow_code=True))


def _with_numbers(fix: Fix, numbers: Mapping[str, Any]) -> Fix:
    """A fix with a person's own numbers in what it puts in."""
    rules = {f: {pattern: numbered(by, numbers) for pattern, by in each.items()} for f, each in fix.rules.items()}
    return replace(fix, rules=rules)


def _with(scenario: Scenario, fix: Fix) -> dict[str, Any] | None:
    """The scenario's data with a recipe in it, expecting agreement; None where the recipe does not apply to it."""
    data = copy.deepcopy(scenario.data)
    fields = data[scenario.subject]
    subject = scenario.task.with_fix(fields, fix)
    if subject is None:
        return None
    kept: dict[str, Any] = {key: data[key] for key in ("dtype", "seed", "tolerance") if key in data}
    if "tolerance" in kept and "because" in data:
        kept["because"] = data["because"]
    used = set(re.findall(r"\w+", str(subject)))
    matrix = {name: [value] for name, value in scenario.case.items() if name in used}
    return {scenario.subject: subject, **kept, **({"matrix": matrix} if matrix else {})}
