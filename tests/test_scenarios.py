"""The shipped scenarios are tests: each is as it expects; and the report of them keeps its contract."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.conftest import SCENARIOS
from tfpt_cli.dictionary.conditions import Conditions
from tfpt_cli.documents.document import documents
from tfpt_cli.report.contract import contract
from tfpt_cli.scenario.files import scenario_files
from tfpt_cli.scenario.scenario import Scenario, load
from tfpt_cli.scenario.schema import schema

ALL: list[Scenario] = [
    scenario
    for file in scenario_files([str(SCENARIOS)])
    for found in load(str(file))
    for scenario in (found if isinstance(found, list) else pytest.fail(str(found)))
]


def as_expected(scenario: Scenario, result: dict[str, Any]) -> bool:
    """Whether it passed, refused by a framework where that is what it expects and nowhere else."""
    words = scenario.expect.values() if isinstance(scenario.expect, dict) else [scenario.expect]
    return result["status"] == "passed" and bool(result["failures"]) is ("error" in words)


@pytest.mark.parametrize(
    "index", range(len(ALL)), ids=[f"{scenario.file.split('/scenarios/')[1]}:{scenario.title}" for scenario in ALL]
)
def test_shipped_scenario(index: int, shipped: dict[str, Any], shipped_elsewhere: dict[str, Any]) -> None:
    """Each passes; one that says for which machines it is passes on such a machine, and is skipped on the other one."""
    scenario, result = ALL[index], shipped["scenarios"][index]
    assert (result["name"], result["line"]) == (scenario.title, scenario.line)
    if scenario.conditions.machine:
        place = result["file"], result["line"], result["name"]
        (other,) = (s for s in shipped_elsewhere["scenarios"] if (s["file"], s["line"], s["name"]) == place)
        there, skipped = (other, result) if result["status"] == "skipped" else (result, other)
        assert as_expected(scenario, there), there
        assert (skipped["status"], skipped["comparisons"]) == ("skipped", [])
        assert skipped["notes"][0].startswith("it holds where TensorFlow's oneDNN is o")
    elif words := scenario.conditions.lacking(shipped["environment"]):
        assert (result["status"], result["notes"]) == ("skipped", [words])
    else:
        assert as_expected(scenario, result), result


def test_with_the_other_kernels_of_tensorflow_nothing_else_changes(shipped_elsewhere: dict[str, Any]) -> None:
    assert [s["name"] for s in shipped_elsewhere["scenarios"] if s["status"] not in ("passed", "skipped")] == []


def test_the_report_keeps_its_contract(shipped: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(contract()).validate(shipped)
    decides = {
        "torch_cpu",
        "torch_threads",
        "torch_onednn",
        "tensorflow_cpu",
        "tensorflow_threads",
        "tensorflow_onednn",
    }
    assert {"torch", "tensorflow", "keras", "numpy", "scipy"} | decides <= set(shipped["environment"])
    checked = [scenario for scenario in shipped["scenarios"] if scenario["status"] != "skipped"]
    assert all(scenario["comparisons"] for scenario in checked)
    assert len(checked) == shipped["summary"]["passed"] >= len(ALL) - sum(s.conditions != Conditions() for s in ALL)


@pytest.mark.parametrize("file", [str(file) for file in scenario_files([str(SCENARIOS)])])
def test_an_independent_validator_accepts_the_shipped_scenarios(file: str) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    with open(file, encoding="utf-8") as stream:
        found, problems = documents(file, stream.read())
    assert not problems
    for document in found:
        assert [error.message for error in validator.iter_errors(document.data)] == []
