"""The rows: that each can be right, that the lists of native calls know every spelling, and that a scenario uses each row."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.special
import scipy.stats

from tests.conftest import SCENARIOS
from tests.test_scenarios import ALL
from tfpt_cli.dictionary.checks import check_layer, check_operation, check_rows
from tfpt_cli.dictionary.formulas import CUT_STD, calculate_gain
from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.records import RowError
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.expressions.native import check_native
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.kinds import NONLINEARITIES
from tfpt_cli.language.signature import bind_any
from tfpt_cli.language.trees import branches, called_name
from tfpt_cli.selfcheck import examination as selfcheck
from tfpt_cli.subjects.init.subject import InitTask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

GOOD: dict[str, Any] = {
    "signature": "x, /, *, axis: axes = None",
    "torch": "torch.sum(x, dim=axis)",
    "tensorflow": "tf.reduce_sum(x, axis=axis)",
    "numpy": "np.sum(x, axis=axis)",
    "shape": "reduce",
    "points": {"x": [1.0, 2.0]},
    "dtypes": ["float32"],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"torch": "torch.sum(x, dim=axis"}, "does not parse"),
        ({"torch": "torch.sum(x)"}, r"does not use \['axis'\]"),
        ({"tensorflow": "tf.reduce_sum(x, axis=axes)"}, r"does not know \['axes'\]"),
        ({"tensorflow": "torch.sum(x, axis=axis)"}, r"does not know \['torch'\]"),
        ({"signature": "x, /, *, axis: axes ="}, "the signature does not parse"),
        ({"signature": "x, /, *, axis: colour = None"}, "'colour' is not a kind of setting"),
        ({"signature": "x, /, *, axis=None"}, "'axis' does not say what it may be"),
        ({"shape": "round"}, "no shape rule 'round'"),
        ({"extra": 1}, r"unknown \['extra'\]"),
        ({"numpy": "np.sum(x, axis=axis, out=y)"}, r"does not know \['y'\]"),
        ({"points": "nowhere"}, "no set of points 'nowhere'"),
        ({"points": [{"x": 1.0, "name": "a"}, {"x": 2.0, "name": "a"}]}, "two cases have one name"),
        ({"dtypes": ["float12"]}, r"no dtypes \['float12'\]"),
        ({"parts": [{"in": "value", "where": "x"}]}, r"missing \['because'\], unknown \['where'\]"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused(change: dict[str, Any], message: str) -> None:
    check_operation("sum", GOOD, "reductions")
    with pytest.raises(RowError, match=message):
        check_operation("sum", GOOD | change, "reductions")


WEIGHT = {
    "torch": "layer.weight",
    "tensorflow": "layer.kernel",
    "layout": "a -> a",
    "shape": "(kernel_size,)",
    "default": {},
}
POOL = {
    "signature": "kernel_size: sizes",
    "torch": "nn.MaxPool2d(kernel_size)",
    "tensorflow": "keras.layers.MaxPooling2D(kernel_size)",
    "input_shape": "(None, None, None)",
    "parameters": {},
    "scenario": "model/layers.yaml",
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"written": ["stride"]}, r"'written' names \['stride'\], which are no settings of it"),
        ({"call": {"torch": "layer(x)", "tensorflow": "layer(y)"}}, "not called with the same inputs on both sides"),
        ({"torch": "nn.MaxPool2d(2)"}, r"does not use \['kernel_size'\]"),
        ({"tensorflow": "keras.layers.Activation(lambda x: kernel_size(x, y))"}, r"does not know \['y'\]"),
        ({"parameters": {"weight": {**WEIGHT, "drawn": "large"}}}, "is 'drawn' as none of gain, positive"),
        ({"channel": True}, r"unknown \['channel'\]"),
    ],
)
def test_a_layer_that_cannot_be_right_is_refused(change: dict[str, Any], message: str) -> None:
    check_layer("pool", POOL)
    with pytest.raises(RowError, match=message):
        check_layer("pool", POOL | change)


def test_every_row_can_be_right() -> None:
    check_rows()


def test_every_operation_is_spelled_with_calls_that_the_framework_has() -> None:
    for row in dictionary().operations.values():
        for framework in FRAMEWORKS:
            tree = _decided(row.spelling[framework])
            names = {p.name for p in row.signature.parameters}
            assert [c.message for c in check_native(tree, framework, names)] == [], row.name


@pytest.mark.parametrize("kind", ["initializers", "layers"])
def test_every_spelling_fits_the_signature_of_its_call(kind: str) -> None:
    for row in getattr(dictionary(), kind).values():
        for framework, spelled in row.spelling.items():
            table = native(framework)
            for call in (node for node in ast.walk(spelled) if isinstance(node, ast.Call)):
                name = table.canonical(called_name(call))
                # A scenario may write no Lambda, which would run any code; a row may.
                if name.startswith(("nn.", "keras.")) and name != "keras.layers.Lambda":
                    assert bind_any(name, table.calls[name], call)[2] == [], row.name


def test_every_initializer_of_both_frameworks_has_a_row() -> None:
    spelled = {called_name(node) for row in dictionary().initializers.values() for tree in row.spelling.values()
               for node in ast.walk(tree) if isinstance(node, ast.Call)}  # fmt: skip
    torch = {name for name in native("torch").calls if re.fullmatch(r"nn\.init\.\w+_", name)}
    assert len(torch) == 14
    other_names = ("Initializer",)
    keras = {
        name
        for name in native("tensorflow").calls
        if re.fullmatch(r"keras\.initializers\.[A-Z]\w+", name) and not name.endswith(other_names)
    }
    assert len(keras) > 14
    assert torch | keras <= spelled


def test_a_row_of_one_framework_says_why() -> None:
    for row in dictionary().initializers.values():
        assert bool(row.alone) == (set(row.spelling) != set(FRAMEWORKS) and row.means is None), row.name


def test_the_frameworks_count_fans_and_gains_as_the_rows_say() -> None:
    """Both frameworks asked themselves, by the functions that their own initializers use."""
    shapes = [(5,), (4, 6), (8, 3, 5), (8, 3, 5, 7), (2, 3, 4, 5, 6)]
    code = f"""
import json, torch
from keras.src.initializers.random_initializers import compute_fans
shapes, names = {shapes!r}, {NONLINEARITIES!r}
fans = torch.nn.init._calculate_fan_in_and_fan_out
print(json.dumps([
    [fans(torch.empty(shape)) for shape in shapes if len(shape) > 1],
    [compute_fans(shape) for shape in shapes],
    [torch.nn.init.calculate_gain(name) for name in names] + [torch.nn.init.calculate_gain("leaky_relu", 0.2)],
]))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    torch, keras, gains = json.loads(done.stdout)
    assert [tuple(pair) for pair in torch] == [TORCH.fans(shape) for shape in shapes if len(shape) > 1]
    assert TORCH.fans((5,)) is None
    assert [tuple(pair) for pair in keras] == [TENSORFLOW.fans(shape) for shape in shapes]
    ours = [calculate_gain(name) for name in NONLINEARITIES] + [calculate_gain("leaky_relu", 0.2)]
    assert gains == pytest.approx(ours)


def test_what_is_left_of_a_truncated_normal() -> None:
    assert pytest.approx(scipy.stats.truncnorm(-2, 2).std(), rel=1e-12) == CUT_STD


def defaults_tested(report: dict[str, Any]) -> Iterator[tuple[str, str, str, list[tuple[str, float]], float]]:
    """What a layer draws by default and was compared as a sample of the law that its row declares.

    The framework, the call of the layer, the parameter, its tests against that law by kind and p-value, and the level of one.
    """
    for scenario, result in zip(ALL, report["scenarios"], strict=True):
        if not isinstance(scenario.task, InitTask):
            continue
        spec, found = scenario.task.spec, {c["quantity"]: c.get("distribution") for c in result["comparisons"]}
        for parameter in spec.parameters:
            judged = found[parameter.name]
            for framework in FRAMEWORKS if judged else ():
                declared = judged["declared"].get(framework)
                if declared is not None and parameter.initialization[framework].default:
                    call = called_name(ast.parse(spec.layer[framework], mode="eval").body)
                    tests = [
                        (test["name"].removesuffix(f" of {declared}"), test["p"])
                        for test in judged["tests"]
                        if test["on"] == framework and test["name"].endswith(f" of {declared}")
                    ]
                    yield framework, call, parameter.name, tests, judged["level"] / len(judged["tests"])


def test_the_defaults_of_a_layer_are_the_frameworks_own(shipped: dict[str, Any]) -> None:
    """What both frameworks draw by default was drawn from either, and fits the law that the row declares for it."""
    fit = set()
    for framework, call, parameter, tests, level in defaults_tested(shipped):
        kinds = dict(tests)
        if set(kinds) == {"support", "scale", "mean", "distribution function"}:  # not so of an orthogonal matrix
            assert min(kinds.values()) >= level, (call, parameter, kinds)
            fit.add((framework, call, parameter))
    lacking = [
        (row.name, parameter.name, framework)
        for row in dictionary().layers.values()
        for parameter in row.parameters.values()
        if all(drawn(parameter.default.get(framework)) for framework in FRAMEWORKS)
        for framework in FRAMEWORKS
        if not any((framework, called_name(call), parameter.name) in fit for call in branches(row.spelling[framework]))
    ]
    assert lacking == []


def drawn(default: ast.expr | None) -> bool:
    """Whether a layer draws this default from one distribution."""
    calls = [] if default is None else [dictionary().initializers[called_name(call)] for call in branches(default)]
    return bool(calls) and all(row.random and not row.structure for row in calls)


def _decided(tree: ast.expr) -> ast.expr:
    class Decide(ast.NodeTransformer):
        def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
            return node.body

    decided: ast.expr = Decide().visit(ast.parse(ast.unparse(tree), mode="eval").body)
    return decided


def test_every_row_has_a_scenario() -> None:
    """Of an operation those that its row generates, in every dtype; of a layer or an initializer a shipped one."""
    probed = {(probe.operation.name, probe.dtype) for probe in selfcheck.probes()}
    for row in dictionary().operations.values():
        assert {(row.name, dtype) for dtype in row.dtypes} <= probed, row.name
    text = "\n".join(path.read_text(encoding="utf-8") for path in SCENARIOS.rglob("*.yaml"))
    called = set(re.findall(r"(?<![\w.])([a-z]\w*|(?:nn|torch|keras|tf)\.[\w.]+)\(", text))  # no part of another name
    assert [name for name in dictionary().layers if name not in called] == []
    for initializer in dictionary().initializers.values():
        calls = {called_name(tree) for row in initializer.spelling.values() for tree in branches(row)}
        assert not calls or called & {initializer.name, *calls}, initializer.name


# The values of the shipped elementwise scenarios against functions that are not ours, in float64.
REFERENCE: dict[str, Any] = {
    **{name: getattr(np, name) for name in ["abs", "negative", "sign", "square", "exp", "expm1", "sin", "cos", "tan"]},
    **{name: getattr(np, name) for name in ["sinh", "cosh", "tanh", "sqrt", "log", "log1p"]},
    "atan": np.arctan,
    "erf": scipy.special.erf,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "sigmoid": scipy.special.expit,
    "softplus": lambda x: np.logaddexp(x, 0),
    "gelu": lambda x: x * scipy.special.ndtr(x),
    "softmax": scipy.special.softmax,
    "log_softmax": scipy.special.log_softmax,
}  # fmt: skip


def reported(report: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    (scenario,) = (s for s in report["scenarios"] if s["name"] == name)
    return {c["quantity"]: c for c in reversed(scenario["comparisons"])}


@pytest.mark.parametrize("function", REFERENCE)
def test_values_and_gradients_against_numpy_and_scipy(function: str, shipped: dict[str, Any]) -> None:
    group = next(g for g in ("elementwise functions", "functions of positive numbers", "activations") if any(
        s["name"] == f"{g} [f={function}]" for s in shipped["scenarios"]))  # fmt: skip
    x = np.array({"elementwise functions": [-1.5, -0.3, 0.4, 2.2], "functions of positive numbers": [0.01, 0.3, 1.0, 25.0],
                  "activations": [-3.0, -0.7, 0.2, 4.0]}[group])  # fmt: skip
    quantities = reported(shipped, f"{group} [f={function}]")
    for framework in FRAMEWORKS:
        np.testing.assert_allclose(
            quantities["value"][framework]["values"], REFERENCE[function](x), rtol=2e-6, atol=1e-6
        )
        np.testing.assert_allclose(
            quantities["d/dx"][framework]["values"], derivative(REFERENCE[function], x), rtol=1e-5, atol=2e-6
        )


def derivative(function: Any, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The gradient of the sum, by central differences with a Richardson step: four evaluations, error of order h^4."""
    h = 1e-3 * np.maximum(np.abs(x), 0.01)
    result = np.empty_like(x)
    for i in range(x.size):

        def total(step: float, i: int = i) -> float:
            moved = x.copy()
            moved[i] += step
            return float(np.sum(function(moved)))

        wide, narrow = ((total(k * h[i]) - total(-k * h[i])) / (2 * k * h[i]) for k in (2, 1))
        result[i] = (4 * narrow - wide) / 3
    return result


def test_analytic_second_derivatives(shipped: dict[str, Any]) -> None:
    """The Jacobian of a softmax is diag(s) - s s^T."""
    s = scipy.special.softmax(np.array([1.0, 2.0, 4.0]))
    quantities = reported(shipped, "the Jacobian of a softmax")
    for framework in FRAMEWORKS:
        jacobian = quantities["jacobian d/dx"][framework]["values"]
        np.testing.assert_allclose(jacobian, np.diag(s) - np.outer(s, s), atol=1e-6)
        expected = np.array([1.0, 0.0, -1.0]) @ (np.diag(s) - np.outer(s, s))
        np.testing.assert_allclose(quantities["vjp d/dx"][framework]["values"], expected, atol=1e-6)
