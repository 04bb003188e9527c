"""A subject put in from outside (`toys/relay.py`) goes through everything: nothing else names a subject or its keys."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_SCENARIOS = """\
name: there and back
relay:
  start: [1.0, 4.0, 9.0]
---
name: a half too much
expect: differ
because: the second framework adds a half
relay: {start: [1.0, 4.0], off: 0.5}
---
name: a half that nobody expects
relay: {start: [1.0, 4.0], off: 0.5}
"""
_FORMATS = ("json", "junit", "github", "gitlab", "markdown", "html")


def _relay(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tests" / "toys" / "relay.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """One run of three scenarios: its table, and its reports by format."""
    folder = tmp_path_factory.mktemp("relay")
    (folder / "relay.yaml").write_text(_SCENARIOS, encoding="utf-8")
    files = {format_: folder / format_ for format_ in _FORMATS}
    done = _relay("check", "relay.yaml", *(f"--report={format_}={file}" for format_, file in files.items()), cwd=folder)
    assert done.returncode == 1, done.stderr
    return done.stdout, {format_: file.read_text(encoding="utf-8") for format_, file in files.items()}


def test_several_rounds_come_to_one_table(checked: tuple[str, dict[str, str]]) -> None:
    table, _ = checked
    assert "there and back from [1.0, 4.0, 9.0]" in table
    assert "passed: both sides agree in 2 laps" in table
    assert "passed: square of the root differs, as expected (the second framework adds a half)" in " ".join(
        table.split()
    )
    assert "failed: expected to agree, but square of the root differs" in table


@pytest.mark.parametrize("format_", _FORMATS)
def test_every_report_shows_it(checked: tuple[str, dict[str, str]], format_: str) -> None:
    _, reports = checked
    assert "a half that nobody expects" in reports[format_]
    assert "square of the root" in reports[format_]


def test_what_was_handed_on_is_what_came_out(checked: tuple[str, dict[str, str]]) -> None:
    """The numbers of the third round are those of the second, plus one: arrays reach the other framework unchanged."""
    report: dict[str, Any] = json.loads(checked[1]["json"])
    squares, last = report["scenarios"][1]["comparisons"]
    assert squares["torch"]["values"] == [1.0, 4.0]
    assert squares["tensorflow"]["values"] == [1.5, 4.5]
    assert last["torch"]["values"] == last["tensorflow"]["values"] == [2.5, 5.5]


def test_the_published_schemas_have_it(checked: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    contract = json.loads(_relay("schema", "--report", cwd=tmp_path).stdout)
    assert jsonschema_rs.validator_for(contract).is_valid(json.loads(checked[1]["json"]))
    scenario = json.loads(_relay("schema", cwd=tmp_path).stdout)
    validator = jsonschema_rs.validator_for(scenario)
    assert validator.is_valid({"name": "x", "relay": {"start": [1.0]}})
    assert not validator.is_valid({"name": "x", "relay": {}})


def test_what_is_wrong_in_it_is_said_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "name: bad\nrelay:\n  start: [1.0, -4.0]\n---\nname: also bad\nrelay:\n  begin: 3\n", encoding="utf-8"
    )
    done = _relay("validate", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "bad.yaml:3:16: has no root; give a number of at least 0" in done.stdout
    assert "bad.yaml:7:3: unknown key 'begin' (known: start, off)" in done.stdout


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_a_round_that_a_framework_cannot_run_ends_it(tmp_path: Path, framework: str) -> None:
    (tmp_path / "relay.yaml").write_text(_SCENARIOS, encoding="utf-8")
    done = _relay("check", "relay.yaml", f"--{framework}-python", "/no/such/python", cwd=tmp_path)
    assert done.returncode == 3
    assert "3 error" in done.stdout
    assert "tfpt itself" not in done.stdout


def test_it_can_be_started_from_and_its_code_shown(tmp_path: Path) -> None:
    assert _relay("new", "own.yaml", "--kind", "relay", cwd=tmp_path).returncode == 0
    shown = _relay("code", "own.yaml", cwd=tmp_path).stdout
    assert "root = torch.sqrt(x)" in shown
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, encoding="utf-8", check=True)
    assert "root: tensor([1., 2.])" in done.stdout


def test_a_task_may_begin_with_what_it_knows_and_may_ask_nothing(tmp_path: Path) -> None:
    """A round without listings is gone on from at once, the first too: a run does not wait for what nobody was asked."""
    (tmp_path / "relay.yaml").write_text(
        "name: nothing to hand on\nrelay: {start: []}\n---\nname: two numbers\nrelay: {start: [1.0, 4.0]}\n",
        encoding="utf-8",
    )
    done = _relay("check", "relay.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "error: nothing was compared" in done.stdout
    assert "1 passed, 1 error" in done.stdout
