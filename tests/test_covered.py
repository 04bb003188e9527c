"""What a pass covers is said in its last line; and two scenarios of one name stay two."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.conftest import warm_tfpt
from tests.sides import TORCH
from tfpt_cli.cli import last_failed
from tfpt_cli.engine.curves import with_curves
from tfpt_cli.engine.options import Options
from tfpt_cli.scenario.writing import scenario_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tfpt_cli.engine.session import Session
    from tfpt_cli.scenario.scenario import Scenario

COVERED = {
    "gradient: {of: exp(x), at: {x: [1.0, 2, 3]}}": "value and d/dx at 3 points",
    "gradient: {of: exp(x), at: {x: 1.0}, derivatives: []}": "value at one point",
    "gradient: {of: x ** y, at: {x: [1.0, 2], y: [2.0, 3]}}": "value, d/dx and d/dy at 2 points",
    "gradient: {of: softmax(x), at: {x: [1.0, 2, 3]}}": "value and d/dx at the given inputs",
    "gradient: {of: exp(x * y), at: {x: 1.0, y: 2.0}, derivatives: [gradient, hessian]}": ("7 quantities at one point"),
    "init: {layer: 'linear(4, 3)', weight: zeros(), bias: zeros()}": (
        "the initial value of weight and bias (what the layer computes was not compared)"
    ),
    "init: {layer: 'linear(4, 3)', weight: 'normal(0, 1)', bias: zeros()}": (
        "the initial distribution of weight and the initial value of bias (what the layer computes was not compared)"
    ),
    "init: {layer: 'multi_head_attention(8, 2)', weight: 'normal(0, 1)', bias: zeros()}": (
        "the initial distribution of 4 parameters and the initial value of 4 parameters (what the layer computes was not "
        "compared)"
    ),
}


@pytest.mark.parametrize(("fields", "words"), COVERED.items(), ids=range(len(COVERED)))
def test_a_pass_says_what_it_covers(fields: str, words: str, write: Callable[..., Path]) -> None:
    path = write(f"name: n\n{fields}\n")
    shown = " ".join(warm_tfpt("check", path).out.split())
    assert f"passed: both sides agree in {words} 1 passed" in shown
    assert warm_tfpt("check", path, "--format", "json").json["scenarios"][0]["compared"] == words
    page = " ".join(warm_tfpt("check", path, "--format", "html").out.split())
    assert f"both sides agree in {words}" in page


def test_initial_parameters_are_no_layer(write: Callable[..., Path]) -> None:
    path = write("""\
name: a layer of another stride, padding and activation
init:
  torch: {layer: "nn.Conv2d(3, 8, 3, stride=2)", weight: nn.init.xavier_uniform_(), bias: nn.init.zeros_()}
  tensorflow:
    layer: keras.layers.Conv2D(8, 3, strides=1, padding="same", activation="relu")
    input_shape: [8, 8, 3]
""")
    done = warm_tfpt("check", path)
    assert done.code == 0
    assert "(what the layer computes was not compared)" in " ".join(done.out.split())


TWO = """\
name: one name
gradient: {of: exp(x), at: {x: [1.0, 2.0]}}
---
name: one name
gradient: {of: sin(x), at: {x: [1.0, 2.0]}}
expect: differ
because: of no reason
"""


def both() -> list[Scenario]:
    found = []
    for number, text in enumerate(TWO.split("---\n")):
        scenario, _ = scenario_from("\n" * 10 * number + text, "two.yaml", allow_code=False)
        assert scenario is not None
        found.append(scenario)
    return found


def test_each_has_curves_of_its_own(session: Session) -> None:
    scenarios = both()
    assert len({scenario.id for scenario in scenarios}) == 1
    options = Options(generated=[[scenario] for scenario in scenarios])
    report = session.check(options)
    drawn = with_curves(report, list(zip(scenarios, report.scenarios, strict=True)), session, options)
    first, second = (next(c for c in s.curves if c.quantity == "value").sides[TORCH] for s in drawn.scenarios)
    assert all(value is not None and value > 0 for value in first)
    assert any(value is not None and value < 0 for value in second)


def test_the_one_that_failed_is_remembered(write: Callable[..., Path]) -> None:
    path = write(TWO)
    assert warm_tfpt("check", path, cwd=path.parent).code == 1
    (remembered,) = json.loads((path.parent / last_failed.FILE).read_text(encoding="utf-8"))
    assert remembered.endswith("::one name (line 4)")
    again = warm_tfpt("check", path, "--last-failed", "--format", "json", cwd=path.parent).json
    assert [s["line"] for s in again["scenarios"]] == [4]
    # A file of before names both, and both are checked.
    old = json.dumps([remembered.removesuffix(" (line 4)")])
    (path.parent / last_failed.FILE).write_text(old, encoding="utf-8")
    again = warm_tfpt("check", path, "--last-failed", "--format", "json", cwd=path.parent).json
    assert [s["line"] for s in again["scenarios"]] == [1, 4]
