"""Recipes put into scenarios: what `tfpt check --fix-preview` tries.

The recipe of a known difference rewrites the code of a side (a neutral expression is first written natively), or gives an
initialization its initializers. What comes out is a scenario like any other, and is checked as one.
"""

from __future__ import annotations

import copy
import itertools
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.differences import Difference, Fix, differences, numbered
from tfpt_cli.results import Problem
from tfpt_cli.scenario.writing import scenario_from, scenario_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.results import ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario


@dataclass(frozen=True)
class Recipe:
    """A scenario with the recipes of known differences in it, one of each: its text, and the scenario (None: not a valid one).

    `changed` are the lines of the text that the scenario did not have before.
    """

    parts: tuple[tuple[Difference, Fix], ...]
    text: str
    changed: tuple[str, ...]
    scenario: Scenario | None
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        """The known differences whose recipes it has: `bn-eps and bn-momentum`."""
        return " and ".join(difference.name for difference, _ in self.parts)


def recipes(scenario: Scenario, result: ScenarioResult) -> Iterator[Recipe]:
    """Every recipe that can be put into a scenario for the known differences that explain its mismatches."""
    for explanation in result.explanations:
        difference = differences()[explanation.name]
        for fix in difference.fixes:
            if (recipe := _put(scenario, ((difference, fix),))) is not None:
                yield recipe


def together(scenario: Scenario, singly: Sequence[tuple[Recipe, ScenarioResult]]) -> Iterator[Recipe]:
    """The recipes of two and of three different known differences in one scenario, as far as each still applies.

    They are those that were tried singly, and those of what is named once one of them is in.
    """
    parts = [recipe.parts[0] for recipe, _ in singly]
    sets = [each for count in (2, 3) for each in itertools.combinations(parts, count)]
    for recipe, result in singly:
        further = (differences()[each.name] for each in result.explanations)
        sets += [(*recipe.parts, (difference, fix)) for difference in further for fix in difference.fixes]
    apart = (each for each in sets if len({difference.name for difference, _ in each}) == len(each))
    seen: set[tuple[str, ...]] = set()  # in another order they come to the same
    for each in itertools.islice(apart, _MOST_TOGETHER):
        found = _put(scenario, each)
        if found is not None and found.changed not in seen:
            seen.add(found.changed)
            yield found


# So many sets of recipes are tried for one scenario.
_MOST_TOGETHER = 24


def _put(scenario: Scenario, parts: tuple[tuple[Difference, Fix], ...]) -> Recipe | None:
    """Recipes put into a scenario one after another; None where one of them does not apply."""
    now: Scenario | None = scenario
    text, problems = "", tuple[Problem, ...]()
    for difference, fix in parts:
        data = None if now is None else _with(now, _with_numbers(fix, scenario.stand(difference).numbers))
        if data is None:
            return None
        names = " and ".join(each.name for each, _ in parts)
        text = scenario_text({"name": f"{scenario.name}, with the recipe of {names}"[:200], **data})
        now, problems = scenario_from(text, "the recipe", allow_code=True)
    before = set(scenario_text(scenario.data).splitlines())
    changed = tuple(line for line in text.splitlines()[1:] if line not in before)
    return Recipe(parts=parts, text=text, changed=changed, scenario=now, problems=problems)


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
