"""Which files are scenarios: what a path names, in which order, and what is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import SCENARIOS
from tfpt_cli.results import Problem
from tfpt_cli.scenario.files import scenario_files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything in it that may lie about, and in which paths are written as a person does."""
    names = ("z.yaml", "b/one.yml", "b/deep/er.yaml", "a.yaml", "notes.txt", "yaml", "a.yaml.orig", "old.yaml~",
             ".hidden.yaml", ".git/config.yaml", "b/.cache/x.yaml", "b/deep/.y.yml")  # fmt: skip
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    (tmp_path / "folder.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*paths: str) -> list[str]:
    return [os.path.normpath(str(path)) for path in scenario_files(paths)]


@pytest.mark.usefixtures("folder")
def test_the_yaml_files_below_a_folder_in_order_and_nothing_hidden() -> None:
    assert found(".") == ["a.yaml", "z.yaml", "b/one.yml", "b/deep/er.yaml"]


@pytest.mark.usefixtures("folder")
def test_what_is_named_is_read_whatever_it_is_called() -> None:
    assert found(".hidden.yaml", "notes.txt", ".git") == [".hidden.yaml", "notes.txt", ".git/config.yaml"]


def test_each_file_once_by_whatever_path(folder: Path) -> None:
    (folder / "link.yaml").symlink_to(folder / "a.yaml")
    assert found("b", "./b/one.yml", str(folder / "b"), "b/../b/deep") == ["b/one.yml", "b/deep/er.yaml"]
    assert found("link.yaml", "a.yaml") == ["link.yaml"]


@pytest.mark.usefixtures("folder")
def test_a_folder_without_scenarios_is_a_problem_and_the_others_are_read() -> None:
    problem, file = scenario_files(["folder.yaml", "a.yaml"])
    assert isinstance(problem, Problem)
    assert (problem.file, problem.message) == (
        "folder.yaml",
        "no scenarios in this folder (files ending in .yaml or .yml); to begin: tfpt new folder.yaml/first.yaml",
    )
    assert file == "a.yaml"


@pytest.mark.usefixtures("folder")
def test_scenarios_that_are_not_there_are_those_that_come_with_it() -> None:
    assert [Path(str(path)) for path in scenario_files(["scenarios/seed"])] == sorted(
        (SCENARIOS / "seed").glob("*.yaml")
    )
    for other in ("scenarios/no/such", "other/seed", "scenarios/../scenarios/seed"):
        assert list(scenario_files([other])) == [other]  # and reading it says that it is not there


def test_a_folder_of_that_name_comes_first(folder: Path) -> None:
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "mine.yaml").write_text("", encoding="utf-8")
    assert found("scenarios") == ["scenarios/mine.yaml"]
