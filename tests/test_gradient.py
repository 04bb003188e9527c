"""Gradient scenarios end to end: a person's own code, every way of a derivative, modes, orders, other dtypes, refusals."""

from __future__ import annotations

import itertools
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.conftest import run_tfpt, warm_tfpt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PORT = """
import math

def clipped_torch(x, limit):
    import torch
    total = torch.zeros(())
    for i in range(x.shape[0]):
        if x[i] > limit:
            total = total + limit
        else:
            total = total + x[i] ** 2
    return total

def clipped_tensorflow(x, limit):
    import tensorflow as tf
    total = tf.zeros(())
    for i in range(x.shape[0]):
        if x[i] > limit:
            total = total + limit
        else:
            total = total + {factor} * x[i] ** 2
    return total
"""
OWN_CODE = """name: a loop of my own
gradient:
  torch: {python: port.py:clipped_torch}
  tensorflow: {python: port.py:clipped_tensorflow}
  at: {x: [0.5, 1.5, -2.0], limit: 1.0}
  modes: {tensorflow: [eager, graph]}
"""


def only(report: dict[str, Any]) -> dict[str, Any]:
    (scenario,) = report["scenarios"]
    return dict(scenario)


def test_own_code_runs_where_it_is_allowed(write: Callable[..., Path]) -> None:
    path = write(OWN_CODE)
    path.with_name("port.py").write_text(PORT.replace("{factor}", "1"), encoding="utf-8")
    refused = warm_tfpt("check", path)
    assert refused.code == 2
    assert f"3:19: this would run the function 'clipped_torch' of {path.with_name('port.py')}" in refused.out
    assert "add --allow-code" in refused.out
    scenario = only(warm_tfpt("check", path, "--allow-code", "--format", "json").json)
    assert scenario["status"] == "passed"
    quantities = {c["quantity"]: c for c in scenario["comparisons"]}
    assert quantities["value"]["torch"]["values"] == 5.25
    assert quantities["d/dx"]["tensorflow"]["values"] == [1.0, 0.0, -4.0]
    assert quantities["d/dlimit"]["torch"]["values"] == 1.0


def test_own_code_that_is_altered_differs(write: Callable[..., Path]) -> None:
    path = write(OWN_CODE)
    path.with_name("port.py").write_text(PORT.replace("{factor}", "1.001"), encoding="utf-8")
    scenario = only(warm_tfpt("check", path, "--allow-code", "--format", "json").json)
    assert scenario["status"] == "failed"
    assert {c["quantity"] for c in scenario["comparisons"] if c["verdict"] == "differs"} == {"value", "d/dx"}


def test_two_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    for folder, factor in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        text = f"def loss(x):\n    return {factor} * x\n"
        (tmp_path / folder / "port.py").write_text(text, encoding="utf-8")
        scenario = "name: n\ngradient: {torch: {python: port.py:loss}, tensorflow: 'FACTOR * x', at: {x: 3.0}}\n"
        (tmp_path / folder / "s.yaml").write_text(scenario.replace("FACTOR", str(factor)), encoding="utf-8")
    report = warm_tfpt("check", tmp_path / "one", tmp_path / "two", "--allow-code", "--format", "json").json
    assert report["summary"]["passed"] == 2


ALL_WAYS = """name: n
gradient:
  of: sum(tanh(x) * w)
  at: {x: [0.1, 0.2], w: [1.0, -1.0]}
  ways: all
  derivatives: [gradient, jacobian, hessian, jvp, vjp, hvp, d3]
  tangent: {x: [1, 0], w: [0, 1]}
  cotangent: 2.0
  wrt: [x, w]
"""


def test_every_way_of_a_derivative(write: Callable[..., Path]) -> None:
    scenario = only(warm_tfpt("check", write(ALL_WAYS), "--format", "json").json)
    ways: dict[str, set[str]] = {}
    for comparison in scenario["comparisons"]:
        for framework in ("torch", "tensorflow"):
            ways.setdefault(f"{framework} {comparison['quantity']}", set()).add(comparison[framework].get("how", ""))
    assert ways["torch d/dx"] == {"backward", "autograd.grad", "func.vjp", "func.jacfwd"}
    assert ways["tensorflow d/dx"] == {"GradientTape", "persistent GradientTape", "ForwardAccumulator"}
    assert ways["torch jacobian d/dx"] == {"functional.jacobian", "func.jacrev", "func.jacfwd"}
    assert ways["torch d2/dx2"] == {"functional.hessian", "func.hessian"}
    assert ways["torch jvp"] == {"func.jvp", "forward_ad", "functional.jvp"}
    assert ways["tensorflow hvp d/dx"] == {"nested GradientTape", "ForwardAccumulator of GradientTape"}
    slope = 1 - np.tanh([0.1, 0.2]) ** 2
    for comparison in scenario["comparisons"]:
        if comparison["quantity"] == "d/dx":
            for framework in ("torch", "tensorflow"):
                np.testing.assert_allclose(comparison[framework]["values"], slope * [1, -1], rtol=1e-6)


def test_a_mode_that_the_machine_lacks_is_skipped_and_said(write: Callable[..., Path]) -> None:
    path = write("name: n\ngradient: {of: 2 * x, at: {x: 1.0}, modes: {torch: [eager, compile]}}\n")
    done = run_tfpt("check", path, "--format", "json", environment={"PATH": "/nowhere", "CXX": ""})
    scenario = only(done.json)
    assert scenario["status"] == "passed"
    assert "compile: skipped, no C++ compiler is on the path (torch.compile needs one)" in scenario["notes"]
    alone = write(path.read_text(encoding="utf-8").replace("[eager, compile]", "[compile]"))
    done = run_tfpt("check", alone, "--format", "json", environment={"PATH": "/nowhere", "CXX": ""})
    assert (only(done.json)["status"], done.code) == ("skipped", 0)


@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("c++")), reason="no C++ compiler here")
def test_eager_and_compiled_are_compared(write: Callable[..., Path]) -> None:
    path = write(
        "name: n\ngradient: {of: sin(x) * 2, at: {x: 1.0},"
        " modes: {torch: [eager, compile], tensorflow: [eager, graph, jit]}}\n"
    )
    scenario = only(warm_tfpt("check", path, "--format", "json").json)
    assert scenario["status"] == "passed", scenario["failures"]
    assert {c["torch"].get("how", "") for c in scenario["comparisons"]} >= {"backward, compile", "compile"}
    assert {c["tensorflow"].get("how", "") for c in scenario["comparisons"]} >= {
        "GradientTape, jit",
        "GradientTape, graph",
    }


def test_whole_numbers_to_differentiate_by(write: Callable[..., Path]) -> None:
    """PyTorch refuses them with its own words, TensorFlow answers None; the rest is compared all the same."""
    sides = "torch: x.float() ** 2 * y, tensorflow: 'tf.cast(x, tf.float32) ** 2 * y'"
    path = write(f"name: n\ngradient: {{{sides}, at: {{x: 3, y: 2.0}}, dtypes: {{x: int64}}, wrt: [x, y]}}\n")
    scenario = only(warm_tfpt("check", path, "--format", "json").json)
    quantities = {c["quantity"]: c for c in scenario["comparisons"]}
    assert (quantities["value"]["verdict"], quantities["d/dy"]["torch"]["values"]) == ("identical", 9.0)
    assert quantities["d/dx"]["torch"]["state"] == "failed"
    assert quantities["d/dx"]["tensorflow"]["state"] == "disconnected"
    assert "floating point" in scenario["failures"][0]["message"]
    assert scenario["status"] == "error"


def test_complex_inputs(write: Callable[..., Path]) -> None:
    """The gradient of z^2 with a cotangent of one is the conjugate of 2 z."""
    path = write("name: n\ndtype: complex64\ngradient: {of: z ** 2, at: {z: ['1+2j', '-0.5j']}}\n")
    scenario = only(warm_tfpt("check", path, "--format", "json").json)
    gradient = {c["quantity"]: c for c in scenario["comparisons"]}["d/dz"]
    for framework in ("torch", "tensorflow"):
        found = [complex(number["re"], number["im"]) for number in gradient[framework]["values"]]
        np.testing.assert_allclose(found, [2 - 4j, 1j], rtol=1e-6)
    assert scenario["status"] == "passed"


REFUSED = """name: n
gradient: {torch: F.softsign(x), tensorflow: tf.nn.softsign(x), at: {x: 0.5}, derivatives: [gradient, hessian]}
expect: {d2/dx2: EXPECTED}
because: TensorFlow registers no derivative for the gradient of softsign
"""


@pytest.mark.parametrize(("word", "status"), [("error", "passed"), ("differ", "error")])
def test_a_refusal_may_be_expected(word: str, status: str, write: Callable[..., Path]) -> None:
    done = warm_tfpt("check", write(REFUSED.replace("EXPECTED", word)), "--format", "json")
    scenario = only(done.json)
    assert scenario["status"] == status
    assert "SoftsignGrad" in scenario["failures"][0]["message"]
    assert {c["quantity"]: c["verdict"] for c in scenario["comparisons"]}["d/dx"] in ("identical", "close")


def test_an_error_that_is_expected_and_does_not_come_fails(write: Callable[..., Path]) -> None:
    path = write("name: n\nexpect: error\nbecause: a fable\ngradient: {of: 2 * x, at: {x: 1.0}}\n")
    assert only(warm_tfpt("check", path, "--format", "json").json)["status"] == "failed"


def test_lines_with_names(write: Callable[..., Path]) -> None:
    text = "name: n\ngradient:\n  let: {h: tanh(w @ x), unused: 1 / x}\n  of: {loss: sum(h ** 2), first: 'h[0]'}\n"
    path = write(text + "  at: {w: 'normal(0, 1, (3, 2))', x: [1.0, 2.0]}\n")
    done = warm_tfpt("check", path)
    assert done.code == 0, done.out
    code = warm_tfpt("code", path, "--framework", "torch").out
    assert "    h = torch.tanh(torch.matmul(w, x))\n    return torch.sum(h ** 2)" in code
    assert "1 / x" not in code


KINDS = ("gradient", "jacobian", "hessian", "jvp", "vjp", "hvp", "d3")
POINT = "at: {x: [0.5, 2.0]}, tangent: {x: [1.0, -1.0]}, cotangent: [1.0, 2.0]"


def test_derivatives_agree_in_any_order(write: Callable[..., Path]) -> None:
    """All ordered pairs: what one derivative leaves in the listing must not change what the next one finds."""
    texts = []
    for one, other in itertools.permutations(KINDS, 2):
        point = POINT if "vjp" in (one, other) else POINT.replace(", cotangent: [1.0, 2.0]", "")
        if not {"jvp", "hvp"} & {one, other}:
            point = point.replace(", tangent: {x: [1.0, -1.0]}", "")
        texts.append(f"name: {one} and {other}\ngradient: {{of: x ** 4, {point}, derivatives: [{one}, {other}]}}\n")
    report = warm_tfpt("check", write("---\n".join(texts)), "--format", "json").json
    assert len(report["scenarios"]) == len(KINDS) * (len(KINDS) - 1)
    assert [s["name"] for s in report["scenarios"] if s["status"] != "passed"] == []


@pytest.mark.parametrize("mode", ["graph", "jit"])
def test_forward_mode_in_a_graph(mode: str, write: Callable[..., Path]) -> None:
    path = write(
        "name: n\ngradient: {of: sin(x) * y, at: {x: [0.5, 2.0], y: [1.0, -3.0]}, tangent: {x: [1.0, -1.0], y: [2.0, 0.5]},"
        f" derivatives: [jvp, jacobian, hvp, gradient], ways: all, modes: {{tensorflow: [{mode}]}}}}\n"
    )
    scenario = only(warm_tfpt("check", path, "--format", "json").json)
    assert (scenario["status"], scenario["failures"]) == ("passed", [])
    ways = {c["tensorflow"]["how"] for c in scenario["comparisons"]}
    assert {f"ForwardAccumulator, {mode}", f"ForwardAccumulator of GradientTape, {mode}"} <= ways


def test_what_has_no_derivative_is_compared_by_value(write: Callable[..., Path]) -> None:
    path = write(
        "name: n\ngradient: {of: {place: 'argmax(x, axis=0)', greater: x > 1, total: sum(x)}, at: {x: [0.5, 2.0]}}\n---\n"
        "name: m\ngradient: {torch: 'torch.argmax(x)', tensorflow: 'tf.argmin(x)', at: {x: [0.5, 2.0]}}\n---\n"
        "name: said\ngradient: {of: x > 1, at: {x: [0.5, 2.0]}}\nexpect: {d/dx: error}\nbecause: as it was before\n"
    )
    one, two, said = warm_tfpt("check", path, "--format", "json").json["scenarios"]
    assert (one["status"], one["failures"]) == ("passed", [])
    assert [c["quantity"] for c in one["comparisons"]] == ["place", "greater", "total", "dtotal/dx", "dtotal/dx"]
    assert {"place is int64, and has no derivative", "greater is bool, and has no derivative"} <= set(one["notes"])
    assert not any("its gradient is that of its sum" in note for note in one["notes"])
    assert (two["status"], [c["quantity"] for c in two["comparisons"]]) == ("failed", ["value"])
    assert (said["status"], len(said["failures"])) == ("passed", 2)


def test_many_complex_numbers_have_a_summary(write: Callable[..., Path]) -> None:
    path = write("name: n\ndtype: complex64\ngradient: {of: real(z * conj(z)), at: {z: 'normal(0, 1, (128,))'}}\n")
    done = warm_tfpt("check", path)
    assert "no finite value" not in done.out
    assert done.out.count("of the magnitudes") == 2
