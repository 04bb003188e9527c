"""The known differences: every row is shown by a shipped scenario, explains it and nothing else, and its recipe works.

`-k NAME` takes the rows whose id holds NAME. The one run of all shipped scenarios serves these tests too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.test_scenarios import ALL
from tfpt_cli.check import Options, Session, failed_result
from tfpt_cli.dictionary.differences import Difference, differences
from tfpt_cli.recipes import recipes

if TYPE_CHECKING:
    from tfpt_cli.results import Problem, Report
    from tfpt_cli.scenario.scenario import Scenario

ROWS = [row for row in differences().values() if not row.equal]
EQUAL = [row for row in differences().values() if row.equal]
UNUSUAL = ("differ", "error")


def differing(scenario: Scenario) -> bool:
    words = scenario.expect.values() if isinstance(scenario.expect, dict) else [scenario.expect]
    return any(word in UNUSUAL for word in words)


def tagged(name: str) -> list[Scenario]:
    return [scenario for scenario in ALL if name in scenario.tags]


@pytest.fixture(scope="session")
def checked(shipped: dict[str, Any], shipped_elsewhere: dict[str, Any]) -> dict[str, set[str]]:
    """By scenario that differs, the rows that explain it; of what is not for this machine as it is on the other one."""
    elsewhere = {(s["file"], s["line"], s["name"]): s for s in shipped_elsewhere["scenarios"]}
    found = {}
    for scenario, result in zip(ALL, shipped["scenarios"], strict=True):
        if differing(scenario):
            place = result["file"], result["line"], result["name"]
            result = elsewhere[place] if result["status"] == "skipped" else result
            if scenario.conditions.versions and not result["comparisons"]:
                continue  # it is for other versions
            found[scenario.id] = {name for c in result["comparisons"] for name in c["known_differences"]}
    return found


def run(session: Session, scenarios: list[Scenario]) -> Report:
    found: list[list[Scenario] | Problem] = [[scenario] for scenario in scenarios]
    return session.check(Options(generated=found))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_explains_its_scenarios(row: Difference, checked: dict[str, set[str]]) -> None:
    shown = [scenario for scenario in tagged(row.name) if differing(scenario)]
    if shown and not any(scenario.id in checked for scenario in shown):
        pytest.skip(f"it is {row.conditions}")
    assert shown, f"no shipped scenario that differs is tagged {row.name}"
    assert any(s.file.endswith(row.scenario) for s in tagged(row.name)), f"none of them stands in {row.scenario}"
    for scenario in (scenario for scenario in shown if scenario.id in checked):
        assert row.name in checked[scenario.id], f"{scenario.id} is not explained by {row.name}"


@pytest.mark.parametrize("row", EQUAL, ids=lambda row: row.name)
def test_what_is_believed_to_differ_has_a_scenario_in_which_it_agrees(row: Difference) -> None:
    # That it still agrees is tested where every shipped scenario is.
    shown = [scenario for scenario in tagged(row.name) if not differing(scenario)]
    assert any(scenario.file.endswith(row.scenario) for scenario in shown)


def test_nothing_is_explained_by_what_it_is_not_tagged_with(checked: dict[str, set[str]]) -> None:
    tags = {scenario.id: set(scenario.tags) for scenario in ALL}
    guessed = [
        f"{name}: {tags[name]} by {sorted(names - tags[name])}" for name, names in checked.items() if names - tags[name]
    ]
    assert not guessed, "\n" + "\n".join(guessed)


@pytest.mark.parametrize("row", [row for row in ROWS if row.fixes], ids=lambda row: row.name)
def test_a_recipe_makes_a_scenario_agree(row: Difference, session: Session) -> None:
    agreeing = [0] * len(row.fixes)
    for scenario in (scenario for scenario in tagged(row.name) if differing(scenario)):
        found = list(recipes(scenario, replace(failed_result(scenario, ()), explanations=(row,))))
        assert not [recipe.problems for recipe in found if recipe.problems], [recipe.text for recipe in found]
        report = run(session, [recipe.scenario for recipe in found if recipe.scenario is not None])
        for recipe, result in zip(found, report.scenarios, strict=True):
            agreeing[row.fixes.index(recipe.fix)] += result.agree
        if not row.conditions.hold(report.environment):
            pytest.skip(f"it is {row.conditions}")
    assert all(agreeing), f"in how many scenarios each fix made both sides agree: {agreeing}"
