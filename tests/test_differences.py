"""The known differences: every row is shown by a shipped scenario, explains it and nothing else, and its recipe works.

`-k NAME` takes the rows whose id holds NAME. The one run of all shipped scenarios serves these tests too. What comes near to a
row and is not its case stands in `near_misses.yaml` and, as a person's own code, in `near_misses_of_code.yaml`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT
from tests.test_scenarios import ALL
from tfpt_cli.dictionary.differences import Difference, differences, numbered
from tfpt_cli.documents.document import documents
from tfpt_cli.engine.options import Options
from tfpt_cli.engine.status import failed_result
from tfpt_cli.frameworks import SIDES
from tfpt_cli.scenario.recipes import recipes
from tfpt_cli.scenario.writing import scenario_from, scenario_text

if TYPE_CHECKING:
    from tfpt_cli.engine.session import Session
    from tfpt_cli.results import Problem, Report
    from tfpt_cli.scenario.scenario import Scenario

ROWS = [row for row in differences().values() if not row.equal]
EQUAL = [row for row in differences().values() if row.equal]
UNUSUAL = ("differ", "error")
# What comes near, as expressions, and in functions of a person's own.
NEAR_MISSES = [ROOT / "tests" / "near_misses.yaml", ROOT / "tests" / "near_misses_of_code.yaml"]


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
        found = list(recipes(scenario, replace(failed_result(scenario, SIDES, ()), explanations=(row,))))
        assert not [recipe.problems for recipe in found if recipe.problems], [recipe.text for recipe in found]
        report = run(session, [recipe.scenario for recipe in found if recipe.scenario is not None])
        for recipe, result in zip(found, report.scenarios, strict=True):
            agreeing[row.fixes.index(recipe.parts[0][1])] += result.agree
        if not row.conditions.hold(report.environment):
            pytest.skip(f"it is {row.conditions}")
    assert all(agreeing), f"in how many scenarios each fix made both sides agree: {agreeing}"


NEAR = {
    file: [found.data for found in documents(str(file), file.read_text(encoding="utf-8"))[0]] for file in NEAR_MISSES
}


@pytest.fixture(scope="module")
def near(session: Session) -> dict[str, Any]:
    """The results of the near misses by name, of one run."""
    scenarios = []
    for file, found in NEAR.items():
        for data in found:
            fields = {key: value for key, value in data.items() if key not in ("no", "yes", "write", "fails")}
            code = file.stem.endswith("code")
            scenario, problems = scenario_from(scenario_text(fields), str(file), allow_code=code)
            assert scenario is not None, problems
            scenarios.append(scenario)
    return {result.name: result for result in run(session, scenarios).scenarios}


@pytest.mark.parametrize("data", [data for found in NEAR.values() for data in found], ids=lambda data: data["name"])
def test_what_comes_near_is_not_explained_by_it(data: dict[str, Any], near: dict[str, Any]) -> None:
    """Each differs, and neither by a row that its cause is not, nor without the one that it is."""
    result = near[data["name"]]
    assert not result.agree
    assert [failure.side for failure in result.failures] == data.get("fails", [])
    found = {name for comparison in result.comparisons for name in comparison.known_differences}
    assert not found & set(data.get("no", ()))
    assert set(data.get("yes", ())) <= found
    for row in result.explanations:
        # What is to be written has a person's own numbers in it.
        assert data.get("write", {}).get(row.name, row.write) == row.write


@pytest.mark.parametrize("row", [row for row in differences().values() if row.fixes], ids=lambda row: row.name)
def test_no_formula_is_left_in_what_is_to_be_written(row: Difference) -> None:
    said = [*row.write.values(), *(by for fix in row.fixes for each in fix.rules.values() for by in each.values())]
    assert not [text for text in said if "{__" in numbered(text, {})]
