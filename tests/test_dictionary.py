"""The rows: the loader's checks, that the lists of native calls know every spelling, and that a scenario uses each row."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.special

from tests.conftest import SCENARIOS
from tests.test_scenarios import ALL
from tfpt_cli.dictionary import rows
from tfpt_cli.dictionary.native import check_native
from tfpt_cli.dictionary.rows import RowError, called_name, dictionary
from tfpt_cli.results import FRAMEWORKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

GOOD = {
    "signature": "x, /, *, axis: axes = None",
    "torch": "torch.sum(x, dim=axis)",
    "tensorflow": "tf.reduce_sum(x, axis=axis)",
    "shape": "reduce",
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
    ],
)
def test_the_loader_refuses_a_row_that_cannot_be_right(change: dict[str, Any], message: str) -> None:
    rows._operation("sum", GOOD)
    with pytest.raises(RowError, match=message):
        rows._operation("sum", GOOD | change)


@pytest.mark.parametrize("kind", ["operations", "initializers", "layers"])
def test_every_spelling_is_a_call_that_the_framework_has(kind: str) -> None:
    for row in getattr(dictionary(), kind).values():
        for framework in FRAMEWORKS:
            names = {p.name for p in row.signature.parameters} | {"tensor"}
            tree = _decided(row.spelling[framework])
            passed_in = int(kind == "initializers" and framework == "torch")  # the tensor
            if passed_in:
                assert isinstance(tree, ast.Call)
                del tree.args[0]
            assert [c.message for c in check_native(tree, framework, names, given=passed_in)] == [], row.name


def _decided(tree: ast.expr) -> ast.expr:
    class Decide(ast.NodeTransformer):
        def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
            return node.body

    decided: ast.expr = Decide().visit(ast.parse(ast.unparse(tree), mode="eval").body)
    return decided


def test_every_row_has_a_scenario() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SCENARIOS.rglob("*.yaml"))
    written = [listing.script() for scenario in ALL for listing in scenario.listings().values()]
    used = {
        called_name(node) for source in written for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)
    }
    for row in dictionary().operations.values():
        spelled = called_name(row.spelling["tensorflow"])
        assert spelled in used if spelled else (row.operator or "") in text, row.name
    for kind in ("initializers", "layers", "arrays"):
        for name in getattr(dictionary(), kind):
            assert f"{name}(" in text or kind == "arrays", name


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
