"""The seed, and what must not pass: one number of a passing scenario altered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import SCENARIOS, warm_tfpt

if TYPE_CHECKING:
    from collections.abc import Callable

INITIALIZATION = SCENARIOS / "seed" / "weight_initialization.yaml"
GRADIENT = SCENARIOS / "seed" / "gradient.yaml"


def scenarios(report: dict[str, Any], file: Path) -> list[dict[str, Any]]:
    return [s for s in report["scenarios"] if s["file"] == str(file.relative_to(SCENARIOS.parent))]


def test_the_weights(shipped: dict[str, Any]) -> None:
    neutral, native = scenarios(shipped, INITIALIZATION)
    for scenario in (neutral, native):
        weight, bias = scenario["comparisons"]
        assert scenario["status"] == "passed"
        assert (weight["torch"]["shape"], weight["tensorflow"]["shape"]) == ([4, 3], [3, 4])
        assert (weight["verdict"], weight["layout"]) == ("same distribution", "out in -> in out")
        assert weight["distribution"]["declared"] == {"torch": "uniform(0, 1)", "tensorflow": "uniform(0, 1)"}
        assert min(weight["distribution"]["samples"].values()) >= 20_000
        assert bias["verdict"] == "identical"
        assert bias["torch"]["values"] == bias["tensorflow"]["values"] == [-1.0] * 4


def test_the_gradient_by_three_ways(shipped: dict[str, Any]) -> None:
    neutral, native = scenarios(shipped, GRADIENT)
    for scenario in (neutral, native):
        value, *derivatives = scenario["comparisons"]
        assert scenario["status"] == "passed"
        assert value["torch"]["values"] == value["tensorflow"]["values"] == 3.0
        shown = {(side, d[side]["how"], d[side]["values"]) for d in derivatives for side in ("torch", "tensorflow")}
        assert shown == {
            ("torch", "backward", 2.0),
            ("torch", "autograd.grad", 2.0),
            ("tensorflow", "GradientTape", 2.0),
        }


def test_the_table_shows_all_three() -> None:
    done = warm_tfpt("check", GRADIENT, "-k", "straight and not natively")
    assert done.code == 0
    for words in (
        "2.0  backward",
        "2.0  autograd.grad",
        "2.0  GradientTape",
        "both sides agree",
        "1 passed, 1 not chosen",
    ):
        assert words in done.out


SABOTAGE = {
    "constant": (INITIALIZATION, "val=-1", "val=-1.001", "bias"),
    "shape": (INITIALIZATION, "nn.Linear(3, 4)", "nn.Linear(3, 5)", "weight"),
    "initializer bound": (INITIALIZATION, "uniform_(a=0, b=1)", "uniform_(a=0, b=1.03)", "weight"),
    "lower bound": (INITIALIZATION, "RandomUniform(0, 1)", "RandomUniform(0.02, 1)", "weight"),
    "a weight that is not random": (INITIALIZATION, "uniform_(a=0, b=1)", "constant_(val=0.5)", "weight"),
    "gradient factor": (GRADIENT, "torch: 2 * x + 3", "torch: 2.0001 * x + 3", "d/dx"),
    "value": (GRADIENT, "tensorflow: 2 * x + 3", "tensorflow: 2 * x + 3.0001", "value"),
}


@pytest.fixture(scope="module")
def sabotaged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sabotage")
    for name, (file, right, wrong, _) in SABOTAGE.items():
        text = file.read_text(encoding="utf-8").split("---\n")[1]
        assert text.count(right) == 1, name
        (folder / f"{name}.yaml").write_text(text.replace(right, wrong), encoding="utf-8")
    done = warm_tfpt("check", folder, "--format", "json")
    assert done.code == 1
    return {Path(s["file"]).stem: s for s in done.json["scenarios"]}


@pytest.mark.parametrize("name", SABOTAGE)
def test_sabotage_is_found_and_named(name: str, sabotaged: dict[str, dict[str, Any]]) -> None:
    scenario = sabotaged[name]
    assert scenario["status"] == "failed"
    assert SABOTAGE[name][3] in {c["quantity"] for c in scenario["comparisons"] if c["verdict"] == "differs"}


def test_sabotage_names_the_quantity_on_the_terminal(write: Callable[..., Path]) -> None:
    text = GRADIENT.read_text(encoding="utf-8").split("---\n")[1].replace("torch: 2 * x + 3", "torch: 2.5 * x + 3")
    done = warm_tfpt("check", write(text))
    assert done.code == 1
    assert "failed: expected to agree, but d/dx differs" in done.out
    assert "2.5 against 2" in done.out
