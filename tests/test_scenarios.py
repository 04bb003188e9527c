"""The shipped scenarios are tests: each is as it expects; and the report of them keeps its contract."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.conftest import SCENARIOS
from tfpt_cli.report.contract import contract
from tfpt_cli.scenario.document import documents
from tfpt_cli.scenario.files import scenario_files
from tfpt_cli.scenario.scenario import Scenario, load
from tfpt_cli.scenario.schema import schema

ALL: list[Scenario] = [
    scenario
    for file in scenario_files([str(SCENARIOS)])
    for found in load(str(file))
    for scenario in (found if isinstance(found, list) else pytest.fail(str(found)))
]


@pytest.mark.parametrize(
    "index", range(len(ALL)), ids=[f"{scenario.file.split('/scenarios/')[1]}:{scenario.title}" for scenario in ALL]
)
def test_shipped_scenario(index: int, shipped: dict[str, Any]) -> None:
    result = shipped["scenarios"][index]
    assert (result["name"], result["status"]) == (ALL[index].title, "passed")
    expect = ALL[index].expect
    refusal = "error" in (expect.values() if isinstance(expect, dict) else [expect])
    assert bool(result["failures"]) is refusal, result["failures"]


def test_the_report_keeps_its_contract(shipped: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(contract()).validate(shipped)
    assert {"torch", "tensorflow", "keras", "numpy"} <= set(shipped["environment"])
    assert all(scenario["comparisons"] for scenario in shipped["scenarios"])
    assert shipped["summary"]["passed"] == len(ALL)


@pytest.mark.parametrize("file", [str(file) for file in scenario_files([str(SCENARIOS)])])
def test_an_independent_validator_accepts_the_shipped_scenarios(file: str) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    with open(file, encoding="utf-8") as stream:
        found, problems = documents(file, stream.read())
    assert not problems
    for document in found:
        assert [error.message for error in validator.iter_errors(document.data)] == []
