"""`tfpt validate` on files that it has found valid before: they are not read again, and nothing else is taken for valid."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import warm_tfpt
from tests.test_kept import CHANGES, SUM, caches, here, write
from tfpt_cli.scenario import scenario

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["caches", "here"]
VALID = SUM.format(name="a", factor=2)
OWN = """\
name: own
gradient: {torch: {python: 'port.py:loss'}, tensorflow: 'tf.reduce_sum(x)', at: {x: [1.0]}}
"""
OWN_PYTHON = "import torch\n\n\ndef loss(x):\n    return torch.sum(x)\n"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with every document that is read as a scenario."""
    found: list[str] = []
    whole = scenario.read_document

    def counted(document: Any, **given: Any) -> Any:
        found.append(document.file)
        return whole(document, **given)

    monkeypatch.setattr(scenario, "read_document", counted)
    return found


def validate(here: Path, *arguments: str) -> tuple[int, str]:
    done = warm_tfpt("validate", *(arguments or ["."]), cwd=here)
    return done.code, done.out


def test_a_valid_file_is_read_once(here: Path, read: list[str]) -> None:
    write(here, VALID, SUM.format(name="b", factor=3))
    first = validate(here)
    assert first == (0, "2 scenarios in 1 file valid\n")
    assert len(read) == 2
    assert validate(here) == first
    assert len(read) == 2


@pytest.mark.parametrize("again", [["--no-cache", "."], ["a.yaml::a"], ["a.yaml:1"]])
def test_what_asks_for_more_is_read(again: list[str], here: Path, read: list[str]) -> None:
    write(here, VALID)
    validate(here)
    assert validate(here, *again) == (0, "1 scenario in 1 file valid\n")
    assert len(read) == 2


def test_a_problem_is_said_each_time(here: Path) -> None:
    write(here, VALID, SUM.format(name="b", factor="unknown"))
    first = validate(here)
    assert first[0] == 2
    assert "unknown" in first[1]
    assert validate(here) == first


@pytest.mark.parametrize("what", ["the text", "tfpt"])
def test_a_change_is_seen(what: str, here: Path, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, VALID)
    validate(here)
    CHANGES[what](here, monkeypatch)
    validate(here)
    assert len(read) == 2


def test_a_mistake_that_comes_in_is_seen(here: Path) -> None:
    write(here, VALID)
    assert validate(here)[0] == 0
    write(here, SUM.format(name="a", factor="unknown"))
    assert validate(here)[0] == 2


def test_code_that_is_not_allowed_is_a_problem_still(here: Path) -> None:
    own(here)
    assert validate(here, "--allow-code", ".")[0] == 0
    assert validate(here)[0] == 2


def own(here: Path) -> None:
    """A scenario with a function of a person's own, both written a minute ago."""
    write(here, OWN)
    (here / "port.py").write_text(OWN_PYTHON, encoding="utf-8")
    minute_ago = time.time() - 60
    os.utime(here / "port.py", (minute_ago, minute_ago))


def test_a_file_that_a_scenario_names_is_looked_at(here: Path, read: list[str]) -> None:
    own(here)
    for _ in range(2):
        assert validate(here, "--allow-code", ".")[0] == 0
    assert len(read) == 1
    (here / "port.py").write_text(OWN_PYTHON.replace("loss", "other"), encoding="utf-8")
    assert validate(here, "--allow-code", ".")[0] == 2
    assert len(read) == 2


def test_a_file_that_was_just_written_may_have_been_another_when_it_was_read(here: Path, read: list[str]) -> None:
    own(here)
    (here / "port.py").touch()
    for _ in range(2):
        validate(here, "--allow-code", ".")
    assert len(read) == 2


DAMAGES = {
    "no number": "UPDATE valid SET count = 'many'",
    "no JSON": "UPDATE valid SET needs = '{'",
    "a list": "UPDATE valid SET needs = '[1]'",
    "nothing": "UPDATE valid SET needs = NULL",
    "no table": "DROP TABLE valid",
    "another table": "DROP TABLE valid; CREATE TABLE valid (x INTEGER)",
}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_is_damaged_is_as_if_it_were_not_there(what: str, here: Path, caches: Path, read: list[str]) -> None:
    write(here, VALID)
    validate(here)
    with opened(caches) as database:
        database.executescript(DAMAGES[what])
    assert validate(here) == (0, "1 scenario in 1 file valid\n")
    assert len(read) == 2


def test_what_was_not_asked_for_longest_is_forgotten(
    here: Path, caches: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfpt_cli.engine.valid._MOST", 3)
    for number in range(5):
        (here / f"{number}.yaml").write_text(VALID, encoding="utf-8")
        validate(here, f"{number}.yaml", "0.yaml")
    with opened(caches) as database:
        assert database.execute("SELECT count(*) FROM valid").fetchone() == (3,)
    read.clear()
    validate(here, "0.yaml", "1.yaml")
    assert read == ["1.yaml"]


def opened(caches: Path) -> closing[sqlite3.Connection]:
    """The database, whose changes are written at once."""
    return closing(sqlite3.connect(caches, isolation_level=None))
