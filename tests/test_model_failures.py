"""Models that fail as they run, or that a scenario does not fit (`model_failures.yaml`): each says why, and the others go on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import run_tfpt
from tfpt_cli.report.words import message_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
ROWS: list[dict[str, Any]] = yaml.safe_load((HERE / "model_failures.yaml").read_text(encoding="utf-8"))
FILES = {"torch": "linear.py", "tensorflow": "linear_keras.py"}
OF_SCENARIO = ("expect", "because")
OF_ROW = ("name", "by", "says", "status", *OF_SCENARIO, *FILES)


def source(row: dict[str, Any], framework: str) -> str | dict[str, str]:
    """A side's model as a scenario has it; a layer that works where the row does not say."""
    code = row.get(framework, "Linear()")
    if code.startswith(("nn.", "keras.")):
        return str(code)
    return {"python": code if ".py:" in code else f"{FILES[framework]}:{code}"}


def scenario(row: dict[str, Any]) -> dict[str, Any]:
    """The document of a row."""
    fields = {framework: source(row, framework) for framework in FILES}
    fields |= {"at": {"x": "normal(0, 1, (2, 3))"}, **{key: row[key] for key in row if key not in OF_ROW}}
    return {"name": row["name"], "model": fields, **{key: row[key] for key in OF_SCENARIO if key in row}}


@pytest.fixture(scope="module")
def results(once: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What one run of all rows says of each, by name."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(HERE / "models", folder, dirs_exist_ok=True)
    (folder / "syntax_error.py").write_text("def build(:\n", encoding="utf-8")  # no formatter could read it
    path = folder / "scenarios.yaml"
    path.write_text(yaml.safe_dump_all(map(scenario, ROWS), sort_keys=False), encoding="utf-8")
    options = ("--allow-code", "--timeout", "25", "--memory", "2", "--format", "json")
    report = once("model failures", lambda: run_tfpt("check", path, *options).out)
    assert report["problems"] == []
    return {each["name"]: each for each in report["scenarios"]}


def said(result: dict[str, Any]) -> Iterator[str]:
    """Everything that a result says."""
    yield from (result.get("reason") or "", *(result.get("notes") or ()))
    for failure in result["failures"]:
        yield f"{message_text(failure['message'])} ({failure.get('where')})"
    for comparison in result["comparisons"]:
        yield from (comparison.get("reason") or "", *(comparison.get("findings") or ()))


def test_every_row_has_its_result(results: dict[str, dict[str, Any]]) -> None:
    assert list(results) == [row["name"] for row in ROWS]
    assert len(ROWS) == len({row["name"] for row in ROWS})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_what_is_said(row: dict[str, Any], results: dict[str, dict[str, Any]]) -> None:
    result = results[row["name"]]
    told = list(said(result))
    assert list(dict.fromkeys(failure["framework"] for failure in result["failures"])) == row.get("by", []), told
    assert result["status"] == row.get("status", "error"), told
    assert [piece for piece in row.get("says", ()) if not any(piece in text for text in told)] == [], told


def test_tfpt_itself_never_fails(results: dict[str, dict[str, Any]]) -> None:
    for result in results.values():
        assert all(failure["symptom"] != "internal" for failure in result["failures"]), result["failures"]
