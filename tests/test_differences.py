"""The known differences: every row is shown by a shipped scenario, explains it and nothing else, and its recipe works.

`-k NAME` takes the rows whose id holds NAME; one run of the scenarios that are tagged with an id serves all tests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import SCENARIOS
from tfpt_cli.check import Options, Session
from tfpt_cli.dictionary.differences import Difference, differences
from tfpt_cli.recipes import recipes
from tfpt_cli.scenario.files import scenario_files
from tfpt_cli.scenario.scenario import Scenario, load

if TYPE_CHECKING:
    from tfpt_cli.results import Problem, Report, ScenarioResult

ROWS = [row for row in differences().values() if not row.equal]
EQUAL = [row for row in differences().values() if row.equal]
ALL: list[Scenario] = [
    scenario
    for file in scenario_files([str(SCENARIOS)])
    for found in load(str(file))
    for scenario in (found if isinstance(found, list) else [])
]
UNUSUAL = ("differ", "error")


def differing(scenario: Scenario) -> bool:
    words = scenario.expect.values() if isinstance(scenario.expect, dict) else [scenario.expect]
    return any(word in UNUSUAL for word in words)


def tagged(name: str) -> list[Scenario]:
    return [scenario for scenario in ALL if name in scenario.tags]


@pytest.fixture(scope="module")
def session() -> Any:
    with Session(Options()) as session:
        yield session


@pytest.fixture(scope="module")
def checked(session: Session, request: pytest.FixtureRequest) -> dict[str, ScenarioResult]:
    """The results of every differing scenario that the chosen tests need."""
    wanted: set[str] = set()
    for item in request.session.items:
        row = getattr(item, "callspec", None) and item.callspec.params.get("row")  # type: ignore[attr-defined]
        wanted |= {scenario.id for scenario in tagged(row.name)} if isinstance(row, Difference) else set()
    if any("explained" in item.name for item in request.session.items):
        wanted |= {scenario.id for scenario in ALL if differing(scenario)}
    report = run(session, [scenario for scenario in ALL if scenario.id in wanted and differing(scenario)])
    return {result.id: result for result in report.scenarios}


def run(session: Session, scenarios: list[Scenario]) -> Report:
    found: list[list[Scenario] | Problem] = [[scenario] for scenario in scenarios]
    return session.check(Options(generated=found))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_explains_its_scenarios(row: Difference, checked: dict[str, ScenarioResult]) -> None:
    shown = [scenario for scenario in tagged(row.name) if differing(scenario)]
    assert shown, f"no shipped scenario that differs is tagged {row.name}"
    assert any(s.file.endswith(row.scenario) for s in tagged(row.name)), f"none of them stands in {row.scenario}"
    for scenario in shown:
        found = checked[scenario.id].explanations
        assert row.name in {e.name for e in found}, f"{scenario.id} is not explained by {row.name}"


@pytest.mark.parametrize("row", EQUAL, ids=lambda row: row.name)
def test_what_is_believed_to_differ_has_a_scenario_in_which_it_agrees(row: Difference) -> None:
    # That it still agrees is tested where every shipped scenario is.
    shown = [scenario for scenario in tagged(row.name) if not differing(scenario)]
    assert any(scenario.file.endswith(row.scenario) for scenario in shown)


def test_nothing_is_explained_by_what_it_is_not_tagged_with(checked: dict[str, ScenarioResult]) -> None:
    by_id = {scenario.id: scenario for scenario in ALL}
    guessed = [
        f"{name}: {by_id[result.id].tags} by {sorted(names)}"
        for result in checked.values()
        if (names := {e.name for e in result.explanations} - set(by_id[name := result.id].tags))
    ]
    assert not guessed, "\n" + "\n".join(guessed)


@pytest.mark.parametrize("row", [row for row in ROWS if row.fixes], ids=lambda row: row.name)
def test_a_recipe_makes_a_scenario_agree(row: Difference, checked: dict[str, ScenarioResult], session: Session) -> None:
    agreeing = [0] * len(row.fixes)
    for scenario in (scenario for scenario in tagged(row.name) if differing(scenario)):
        found = list(recipes(scenario, replace(checked[scenario.id], explanations=(row,))))
        assert not [recipe.problems for recipe in found if recipe.problems], [recipe.text for recipe in found]
        report = run(session, [recipe.scenario for recipe in found if recipe.scenario is not None])
        for recipe, result in zip(found, report.scenarios, strict=True):
            agreeing[row.fixes.index(recipe.fix)] += result.agree
    assert all(agreeing), f"in how many scenarios each fix made both sides agree: {agreeing}"
