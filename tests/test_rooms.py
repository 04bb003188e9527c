"""The rooms of the house: the map names them all, in the order of the contract that `lint-imports` checks."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.conftest import ROOT


def test_the_map_names_every_room_in_the_order_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    rooms = [room.strip() for layer in reversed(layers) for room in layer.split("|") if room != "__main__"]
    text = (ROOT / "tfpt_cli" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\[.*?) \|", text, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"\]\(([a-z_]+)", row)]
    assert named == rooms
    for name in named:
        assert (ROOT / "tfpt_cli" / name).is_dir() or (ROOT / "tfpt_cli" / f"{name}.py").is_file()


# Rooms in which every module has a subject of its own; a report format or a command is found by its name.
NAMED = (
    *("results", "language", "dictionary", "expressions", "documents", "layers"),
    *("compare", "checkpoints", "explain", "scenario", "workers", "engine"),
)


@pytest.mark.parametrize("room", NAMED)
def test_the_map_says_what_every_module_is(room: str) -> None:
    text = (ROOT / "tfpt_cli" / "README.md").read_text(encoding="utf-8")
    (row,) = (line for line in text.splitlines() if line.startswith(f"| [{room}/]"))
    modules = {path.stem for path in (ROOT / "tfpt_cli" / room).glob("*.py")} - {"__init__"}
    assert modules - set(re.findall(r"`(\w+)`", row)) == set()


@pytest.mark.parametrize("subject", ["gradient", "init", "model"])
def test_a_subject_says_what_every_module_of_it_is(subject: str) -> None:
    folder = ROOT / "tfpt_cli" / "subjects" / subject
    text = (folder / "__init__.py").read_text(encoding="utf-8")
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} - set(re.findall(r"`(\w+)`", text)) == set()
