"""The rooms of the house: the map names them all, in the order of the contract that `lint-imports` checks."""

from __future__ import annotations

import re
import tomllib

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
