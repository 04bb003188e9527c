"""Two versions of one framework: `--left torch=PYTHON --right torch=PYTHON`."""

from __future__ import annotations

import stat
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import run_tfpt

if TYPE_CHECKING:
    from pathlib import Path

SCENARIOS = """
name: natively
gradient:
  torch: F.gelu(x)
  tensorflow: tf.nn.relu(x)
  at: {x: [-1.0, 0.5]}
---
name: neutral, expected to differ between the frameworks
gradient:
  of: round(x)
  at: {x: [0.4, 1.2]}
expect: differ
because: TensorFlow has no gradient for it
---
name: weights
init:
  layer: linear(30, 20)
  weight: orthogonal()
---
name: kernels, of which each framework flattens other axes
init:
  torch: {layer: 'nn.Conv2d(2, 3, 3)', weight: nn.init.orthogonal_()}
  tensorflow: {layer: 'keras.layers.Conv2D(3, 3, kernel_initializer="orthogonal")', input_shape: [8, 8, 2]}
"""


@pytest.fixture
def scenarios(tmp_path: Path) -> Path:
    path = tmp_path / "versions.yaml"
    path.write_text(SCENARIOS, encoding="utf-8")
    return path


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """An interpreter whose PyTorch has another gelu, as a later version might."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import torch\ntorch.nn.functional.gelu = lambda x: x * torch.sigmoid(1.702 * x)\n"
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {sys.executable} "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return python


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_a_version_agrees_with_itself(framework: str, scenarios: Path) -> None:
    same = f"{framework}={sys.executable}"
    done = run_tfpt("check", scenarios, "--left", same, "--right", same, "--format", "json")
    assert done.code == 0, done.out
    report = done.json
    assert {s["status"] for s in report["scenarios"]} == {"passed"}
    assert report["sides"]["left"]["framework"] == report["sides"]["right"]["framework"] == framework
    assert report["environment"]["left"] == report["sides"]["left"]["version"]
    for scenario in report["scenarios"]:
        for comparison in scenario["comparisons"]:
            assert {"left", "right"} <= set(comparison)
            assert not {"torch", "tensorflow"} & set(comparison)


def test_what_a_version_changed_is_found(scenarios: Path, changed: Path) -> None:
    done = run_tfpt("check", scenarios, "--left", f"torch={sys.executable}", "--right", f"torch={changed}")
    assert done.code == 1
    assert "left PyTorch" in done.out
    assert "right PyTorch is off the reference" in done.out
    assert "TensorFlow" not in done.out
    assert "3 passed, 1 failed" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--left", "torch=python"], "--left and --right go together"),
        (["--left", "torch=a", "--right", "tensorflow=b"], "are two frameworks: use --torch-python"),
        (["--left", "torch=a", "--right", "torch=b", "--torch-python", "c"], "stand instead of --torch-python"),
        (["--left", "jax=a", "--right", "jax=b"], "must be torch=PYTHON or tensorflow=PYTHON"),
    ],
)
def test_bad_usage(arguments: list[str], message: str, scenarios: Path) -> None:
    done = run_tfpt("check", scenarios, *arguments)
    assert done.code == 2
    assert message in " ".join(done.err.split())
