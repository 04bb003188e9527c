"""The reference listing against numbers that are not ours: analytic derivatives, SciPy, mpmath; and who is right."""

from __future__ import annotations

import contextlib
import io
import math
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import warm_tfpt
from tests.sides import TENSORFLOW, TORCH
from tests.tasks import gradient_of
from tfpt_cli.compare.arbiter import Evidence, found_kinks, judge
from tfpt_cli.documents.document import documents
from tfpt_cli.frameworks import NUMPY, REFERENCE, SIDES
from tfpt_cli.listing import listing
from tfpt_cli.results import PLAIN, VALUE, Against, Kind, Outcome, Problem, Quantity, Standing, State, Tolerance, Value
from tfpt_cli.scenario.scenario import read_document
from tfpt_cli.subjects.gradient.aspects import Aspect
from tfpt_cli.subjects.gradient.comparer import Comparer
from tfpt_cli.subjects.gradient.reference import ReferenceWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side


def reference(fields: str, dtype: str = "float64", *, second: bool = False) -> dict[tuple[str, str], NDArray[Any]]:
    """What the reference listing of a gradient scenario leaves, run as the script that `tfpt code` prints."""
    (document,), problems = documents("x.yaml", f"name: n\ndtype: {dtype}\ngradient: {fields}\n")
    scenarios, more = read_document(document)
    assert [*problems, *more] == list[Problem]()
    sections = listing(NUMPY, ReferenceWriter(gradient_of(scenarios[0]), second=second).sections())
    namespace: dict[str, Any] = {}
    found: dict[tuple[str, str], NDArray[Any]] = {}
    for section in sections.sections:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(section.source, namespace)
        found |= {(leaf.quantity, leaf.way): np.asarray(eval(leaf.expression, namespace)) for leaf in section.leaves}
    return found


def test_every_kind_of_derivative_is_the_analytic_one() -> None:
    """f(x) = sum(a x^3) has the gradient 3 a x^2 and the Hessian diag(6 a x)."""
    x, a, t = np.array([0.5, -1.2, 2.0]), np.array([1.0, 2.0, -1.0]), np.array([1.0, -0.5, 2.0])
    found = reference(
        "{of: a * x ** 3, at: {x: [0.5, -1.2, 2.0], a: [1.0, 2.0, -1.0]}, wrt: x, tangent: {x: [1.0, -0.5, 2.0]},"
        " cotangent: [1.0, -0.5, 2.0], derivatives: [gradient, jacobian, hessian, jvp, vjp, hvp]}"
    )
    slope, curvature = 3 * a * x**2, 6 * a * x
    expected = {
        "value": a * x**3, "d/dx": slope, "jacobian d/dx": np.diag(slope), "d2/dx2": np.diag(curvature),
        "jvp": slope * t, "vjp d/dx": slope * t, "hvp d/dx": curvature * t,
    }  # fmt: skip
    for quantity, want in expected.items():
        near = 1e-6 if quantity in ("d2/dx2", "hvp d/dx") else 1e-9
        np.testing.assert_allclose(found[quantity, ""], want, rtol=near, atol=near, err_msg=quantity)


def test_higher_orders_are_mpmaths() -> None:
    found = reference("{of: exp(sin(x)), at: {x: 0.7}, derivatives: [d3, d4, d5, d6]}")
    for order in (3, 4, 5, 6):
        want = mpmath.diff(lambda t: mpmath.exp(mpmath.sin(t)), mpmath.mpf(0.7), order)
        assert found[f"d{order}/dx{order}", "exact"] == pytest.approx(float(want), rel=1e-12)


@given(
    coefficients=st.lists(st.floats(-3, 3), min_size=2, max_size=6),
    x=st.floats(-2, 2).filter(lambda value: abs(value) > 1e-3),
)
@settings(max_examples=40)
def test_the_slope_of_a_polynomial(coefficients: list[float], x: float) -> None:
    text = " + ".join(f"({c!r}) * x ** {power}" for power, c in enumerate(coefficients, start=1))
    found = reference(f"{{of: '{text}', at: {{x: {x!r}}}}}")
    want = sum(c * power * x ** (power - 1) for power, c in enumerate(coefficients, start=1))
    scale = sum(abs(c * power) for power, c in enumerate(coefficients, start=1)) * 2.0 ** len(coefficients)
    assert abs(float(found["d/dx", ""]) - want) <= 1e-9 * (1 + scale)


def test_the_inputs_are_those_that_the_dtype_holds() -> None:
    """0.1 in float32 is another number than 0.1 in float64, in the inputs and in the constants."""
    assert float(reference("{of: x, at: {x: 0.1}}", "float32")["value", ""]) == float(np.float32(0.1))
    assert float(reference("{of: x * 0.1, at: {x: 1.0}}", "float32")["value", ""]) == float(np.float32(0.1))
    assert float(reference("{of: x, at: {x: 0.1}}", "bfloat16")["value", ""]) == 0.10009765625
    assert float(reference("{of: x, at: {x: 0.1}}", "float64")["value", ""]) == 0.1


def test_what_is_held_does_not_move() -> None:
    """d/dx of stop_gradient(x) * x is the held x, not 2 x."""
    found = reference("{of: stop_gradient(x) * x, at: {x: 3.0}}", second=True)
    assert float(found["d/dx", ""]) == pytest.approx(3.0)
    assert float(found["d/dx", "exact"]) == pytest.approx(3.0)


def test_both_sides_of_a_kink() -> None:
    found = reference("{of: 'maximum(x, 0) + abs(x - 1)', at: {x: [0.0, 1.0, 2.0]}}", second=True)
    np.testing.assert_allclose(found["d/dx", "exact left"], [-1.0, 0.0, 2.0], atol=1e-15)
    np.testing.assert_allclose(found["d/dx", "exact right"], [0.0, 2.0, 2.0], atol=1e-15)
    np.testing.assert_allclose(found["d/dx", "left"], [-1.0, 0.0, 2.0], atol=1e-6)


def test_a_slope_without_bound_is_infinite() -> None:
    found = reference("{of: sqrt(x), at: {x: [0.0, 4.0]}}", second=True)
    np.testing.assert_allclose(found["d/dx", "exact right"], [math.inf, 0.25])


def test_the_gradient_of_a_complex_input_is_by_real_and_imaginary_part() -> None:
    """For L = |z|^2 it is 2 z: dL/dRe + i dL/dIm, as both frameworks define it."""
    found = reference("{of: real(z * conj(z)), at: {z: ['0.5+1j', '-1-0.25j']}}", "complex128")
    np.testing.assert_allclose(found["d/dz", ""], [1 + 2j, -2 - 0.5j], atol=1e-10)


def test_fifty_digits_where_float64_cancels() -> None:
    """(1 - cos x) / x^2 is one half near zero; in float64 nothing is left of it at 1e-8."""
    found = reference("{of: (1 - cos(x)) / x ** 2, at: {x: 1e-8}}", second=True)
    assert float(found["value", ""]) == 0.0
    assert float(found["value", "exact"]) == pytest.approx(0.5, abs=1e-12)


def test_the_condition_number() -> None:
    """That of exp(x) is x."""
    found = reference("{of: exp(x), at: {x: 20.0}}", second=True)
    assert float(found["value", "condition"]) == pytest.approx(20, rel=1e-4)


# ---- who is right ----


def against_of(value: Value, evidence: Evidence, tolerance: Tolerance | None) -> Against:
    return judge(value, evidence, tolerance).against


def side(*numbers: float, dtype: str = "float32") -> Value:
    return Value(State.PRESENT, np.array(numbers, dtype=dtype), dtype)


def kink(left: float, right: float) -> Evidence:
    middle, error = np.array([(left + right) / 2]), np.zeros(1)
    return Evidence(middle, error, None, np.array([left]), np.array([right]), derivative=True)


@pytest.mark.parametrize(
    ("have", "left", "right", "standing"),
    [
        (0.0, 0.0, 1.0, Standing.CONVENTION),
        (0.5, 0.0, 1.0, Standing.CONVENTION),
        (1.0, 0.0, 1.0, Standing.CONVENTION),
        (1.5, 0.0, 1.0, Standing.WRONG),
        (math.nan, 0.0, 1.0, Standing.WRONG),
        (-1.0, 1.0, 0.0, Standing.WRONG),
        (math.inf, math.nan, math.inf, Standing.RIGHT),
        (0.0, math.nan, math.inf, Standing.WRONG),
        (2.0, 2.0, 2.0, Standing.RIGHT),
    ],
)
def test_at_a_kink_what_lies_between_is_a_convention(
    have: float, left: float, right: float, standing: Standing
) -> None:
    assert against_of(side(have), kink(left, right), None).standing is standing


def test_a_derivative_that_the_reference_does_not_know_is_held_against_nobody() -> None:
    evidence = Evidence(np.array([1.0, math.nan]), np.array([5.0, math.nan]), derivative=True)
    against = against_of(side(3.0, 7.0), evidence, None)
    assert (against.standing, against.off, against.unknown) == (Standing.UNKNOWN, 0, 2)


def test_units_in_the_last_place_of_the_checked_dtype() -> None:
    one = np.float32(1.0)
    against = against_of(
        Value(State.PRESENT, np.nextafter(one, np.float32(2), dtype=np.float32), "float32"),
        Evidence(np.array(1.0)),
        None,
    )
    assert against.ulps == 1.0
    assert against_of(side(1.0), Evidence(np.array([1.0 + 2.0**-24])), None).ulps == 0.5


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_kink_is_found_on_both_sides_alike(left: float, right: float) -> None:
    assert bool(found_kinks(kink(left, right), "float32")) == bool(found_kinks(kink(right, left), "float32"))


HILBERT = f"{{h: {[[1 / (i + j + 1) for j in range(5)] for i in range(5)]}}}"
CASES = {
    "det of a singular matrix": ("det(x)", "{x: [[1.0, 2.0], [2.0, 4.0]]}"),
    "a logarithm behind where": ("where(x > 0, log(x), 0)", "{x: [-1.0, 0.0, 4.0]}"),
    "a tie": ("maximum(x, y)", "{x: 1.0, y: 1.0}"),
    "ill-conditioned": ("sum(inv(h))", HILBERT),
    "cancellation": ("(1 - cos(x)) / x ** 2", "{x: 0.0005}"),
    "subnormal": ("exp(x)", "{x: -95.0}"),
    "rounding": ("sum(x * y)", "{x: [1.0e7, 1.0, -1.0e7], y: [1.0, 0.1, 1.0]}"),
    "another function": ("round(x)", "{x: 0.5}"),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, Any]]]:
    path = tmp_path_factory.mktemp("judged") / "cases.yaml"
    texts = [f"name: {name}\ngradient: {{of: '{of}', at: {at}}}" for name, (of, at) in CASES.items()]
    path.write_text("\n---\n".join(texts), encoding="utf-8")
    report = warm_tfpt("check", path, "--format", "json").json
    return {s["name"]: {c["quantity"]: c for c in reversed(s["comparisons"])} for s in report["scenarios"]}


def test_the_gradient_of_det_at_a_singular_matrix(judged: dict[str, Any]) -> None:
    """The cofactors are [[4, -2], [-2, 1]]; PyTorch answers zeros, TensorFlow refuses."""
    comparison = judged["det of a singular matrix"]["d/dx"]
    np.testing.assert_allclose(comparison["reference"]["values"], [[4, -2], [-2, 1]], atol=1e-6)
    assert comparison["reference"]["torch"]["standing"] == "wrong"
    assert comparison["verdict"] == "error"
    assert comparison["tensorflow"]["state"] == "failed"


def test_both_equal_and_both_wrong_is_a_finding(judged: dict[str, Any]) -> None:
    comparison = judged["a logarithm behind where"]["d/dx"]
    assert comparison["verdict"] == "identical"
    assert "both wrong" in comparison["diagnosis"]
    assert "kinks" not in comparison["reference"]  # from the right it jumps to minus infinity, which is no slope
    assert comparison["findings"] == ["both sides agree, and both are wrong: nan against 0 at [1] (50 digits, mpmath)"]
    assert comparison["torch"]["kinds"] == {"zero": 1, "nan": 1}
    assert any("both are wrong" in words for words in comparison["findings"])


def test_a_tie_is_two_conventions(judged: dict[str, Any]) -> None:
    comparison = judged["a tie"]["d/dx"]
    assert comparison["verdict"] == "differs"
    assert {comparison["reference"][f]["standing"] for f in ("torch", "tensorflow")} == {"convention"}
    assert comparison["reference"]["one_sided"] == {"left": 0.0, "right": 1.0}
    assert "different function" not in comparison["diagnosis"]


def test_an_ill_conditioned_problem_blames_nobody(judged: dict[str, Any]) -> None:
    comparison = judged["ill-conditioned"]["value"]
    assert comparison["reference"]["condition"] > 1e3
    assert {comparison["reference"][f]["standing"] for f in ("torch", "tensorflow")} <= {"rounding", "right"}


def test_cancellation_is_rounding_and_not_wrong(judged: dict[str, Any]) -> None:
    comparison = judged["cancellation"]["value"]
    assert comparison["reference"]["values"] == pytest.approx(0.5, abs=1e-6)
    assert {comparison["reference"][f]["standing"] for f in ("torch", "tensorflow")} == {"rounding"}
    assert "both wrong" not in comparison["diagnosis"]


def test_a_subnormal_result_that_is_flushed_is_recognised(judged: dict[str, Any]) -> None:
    comparison = judged["subnormal"]["value"]
    assert "TensorFlow flushes 1 subnormal result to zero" in comparison["reason"]
    assert comparison["tensorflow"]["kinds"] == {"zero": 1}
    assert scipy.special.exp10(-42) < comparison["torch"]["values"] < scipy.special.exp10(-41)


def test_none_and_zero_are_two_things(judged: dict[str, Any]) -> None:
    comparison = judged["another function"]["d/dx"]
    assert comparison["tensorflow"]["state"] == "disconnected"
    assert comparison["torch"]["kinds"] == {"zero": 1}
    assert comparison["diagnosis"] == ["disconnected"]


def test_same_seed_same_verdict(write: Callable[..., Path]) -> None:
    path = write(
        "name: n\nseed: 3\ngradient: {of: sum(tanh(x) @ w), at: {x: 'normal(0, 1, (9, 9))', w: 'normal(0, 1, 9)'}}\n"
    )
    one, two = (warm_tfpt("check", path, "--format", "json").json["scenarios"][0]["comparisons"] for _ in range(2))
    assert one == two
    assert one[1]["reference"]["method"].startswith("differences along a random direction")
    assert one[1]["reference"]["torch"]["standing"] == "right"


# ---- what was said and was not true ----

RIGHT, UNKNOWN = {"torch": "right", "tensorflow": "right"}, {"torch": "unknown", "tensorflow": "unknown"}
OVERFLOW = {"torch": "overflow", "tensorflow": "overflow"}
ROUNDING = {"torch": "rounding", "tensorflow": "rounding"}
WRONG = {"torch": "wrong", "tensorflow": "wrong"}
# By name: the fields, the dtype, and by quantity what is said of both sides and the reference's own numbers.
TRUE: dict[str, tuple[str, str, dict[str, tuple[dict[str, str], Any]]]] = {
    "a logarithm of a negative number is not a number, and neither is its magnitude": (
        "{of: abs(log(x)), at: {x: [-0.5, 0.5]}}", "float64",
        {"value": (RIGHT, ["nan", math.log(2)]), "d/dx": (RIGHT, ["nan", -2.0])},
    ),
    "an inverse hyperbolic cosine of it": (
        "{of: acosh(abs(log2(x))), at: {x: [-0.5, 8.0]}}", "float64", {"value": (RIGHT, ["nan", math.acosh(3)])},
    ),
    "a power of a negative number": (
        "{of: abs(x ** 0.5), at: {x: [-4.0, 4.0]}}", "float64", {"value": (RIGHT, ["nan", 2.0])},
    ),
    "a subnormal number under a root": (
        "{of: sqrt(x), at: {x: [1.0e-310, 1.0]}}", "float64",
        {"d/dx": ({"torch": "right", "tensorflow": "wrong"}, [0.5 / math.sqrt(1e-310), 0.5])},
    ),
    "near the edges of a domain": (
        "{of: logit(x), at: {x: [0.001, 0.01, 0.5, 0.99, 0.999, 0.9999999]}}", "float64",
        {"d/dx": (RIGHT, [1 / (x * (1 - x)) for x in (0.001, 0.01, 0.5, 0.99, 0.999, 0.9999999)])},
    ),
    "one that is not a number beside one that is": (
        "{of: 'xlogy(x, x)', at: {x: [100.0, -1.0]}}", "float64", {"d/dx": (RIGHT, [math.log(100) + 1, "nan"])},
    ),
    "a large number beside small ones": (
        "{of: sqrt(x), at: {x: [1.0e+20, 2.0]}}", "float64", {"d/dx": (RIGHT, [5e-11, 0.5 / math.sqrt(2)])},
    ),
    "a large number beside small ones that are moved": (
        "{of: 'roll(sqrt(x), 1)', at: {x: [1.0e+34, 2.0]}}", "float64", {"d/dx": (RIGHT, [5e-18, 0.5 / math.sqrt(2)])},
    ),
    "a difference that is nothing in float32": (
        "{of: 'x - atan2(x, x)', at: {x: [1.0e-8]}}", "float32", {"d/dx": (ROUNDING, [1.0])},
    ),
    "both beyond the greatest number": (
        "{of: 'leaky_relu(expm1(y), 0.1)', at: {y: [-1.0e+4, 100.0]}}", "float32",
        {"value": (OVERFLOW, [-0.1, math.expm1(100)]), "d/dy": (OVERFLOW, [0.0, math.exp(100)])},
    ),
    "beyond it on the way": (
        "{of: 'mean(log((exp(p - t) + exp(t - p)) / 2))', at: {p: [0.5, 95.0], t: [0.0, 0.0]}}", "float32",
        {"d/dp": (OVERFLOW, [math.tanh(0.5) / 2, 0.5])},
    ),
    "not a number in double precision either": (
        "{of: sqrt(x) ** 2, at: {x: [0.0]}}", "float32", {"d/dx": (WRONG, None)},
    ),
    "a sign that double precision has wrong too": (
        "{of: gamma(x), at: {x: [-10.0000038]}}", "float32",
        {"value": (WRONG, [scipy.special.gamma(float(np.float32(-10.0000038)))])},
    ),
    "a sign of zero by zero": (
        "{of: sign(x / y), at: {x: [0.0, -2.0], y: [0.0, 4.0]}, derivatives: []}", "float32",
        {"value": ({"torch": "wrong", "tensorflow": "right"}, ["nan", -1.0])},
    ),
    "bounds the wrong way round": ("{of: 'clip(x, 3, -1)', at: {x: [-4.0, 0.5]}}", "float32", {"value": (UNKNOWN, None)}),
    "the angle of the origin": (
        "{of: 'atan2(v[1], v[0])', at: {v: [0.0, 0.0]}}", "float32", {"value": (RIGHT, 0.0), "d/dv": (UNKNOWN, None)},
    ),
    "an eigenvector in other signs": (
        "{torch: 'torch.linalg.eigh(x)[1].T @ y', tensorflow: 'tf.transpose(tf.linalg.eigh(x)[1]) @ y',"
        " at: {x: [[4.0, 1.0, 0.3], [1.0, 2.5, -0.5], [0.3, -0.5, 1.2]], y: [[1.0], [2.0], [3.0]]}, wrt: y}",
        "float32", {"value": ({"torch": "unknown"}, None), "d/dy": ({"torch": "unknown"}, None)},
    ),
    "the product of an eigenvector with itself": (
        "{of: 'eigh(x)[1][:, 0:1] * eigh(x)[1][:, 0]', at: {x: [[2.0, 0.5], [0.5, 1.5]]}}", "float32",
        {"value": (RIGHT, None), "d/dx": (RIGHT, None)},
    ),
    "a projection on eigenvectors of equal values": (
        "{of: 'sum(eigh(x)[1] * m)', at: {x: [[3.0, 0.0], [0.0, 3.0]], m: [[1.0, 2.0], [-1.0, 0.5]]}, wrt: x}", "float32",
        {"d/dx": (UNKNOWN, None)},
    ),
    "right singular vectors of equal values": (
        "{of: 'svd(x)[2]', at: {x: [[3.0, 0.0], [0.0, 3.0]]}}", "float32", {"d/dx": (UNKNOWN, None)},
    ),
    "the lower triangle alone, and both": (
        "{torch: 'torch.linalg.eigvalsh(x)[-1]', tensorflow: 'tf.linalg.eigvalsh(x)[-1]', at: {x: [[2.0, 0.7], [0.7, 1.0]]}}",
        "float32", {"d/dx": (RIGHT, None)},
    ),
    "a pseudo-inverse between two cuts": (
        "{of: pinv(x), at: {x: [[2.0, 0.0], [0.0, 1.0e-6]]}, derivatives: []}", "float32", {"value": (UNKNOWN, None)},
    ),
    "a solution of dependent columns": (
        "{torch: 'torch.sum(torch.linalg.lstsq(a, b)[0] ** 2)', tensorflow: 'tf.reduce_sum(tf.linalg.lstsq(a, b) ** 2)',"
        " at: {a: [[1.0, 3.0], [2.0, 6.0], [-1.0, -3.0]], b: [[1.0], [0.5], [-2.0]]}, derivatives: []}",
        "float32", {"value": ({"tensorflow": "unknown"}, None)},
    ),
    "parts of a size": (
        "{torch: 'torch.split(x, 2)[0] * 10', tensorflow: 'tf.split(x, 2)[0] * 10', at: {x: [0.5, 1.5, -0.5, 2.0, 0.25, 3.0]}}",
        "float32", {"value": (RIGHT, None), "d/dx": (RIGHT, None)},
    ),
    "the magnitude of a very small complex number": (
        "{of: 'abs(complex(re, im))', at: {re: -1.3e-23, im: 0.0}}", "float32",
        {"d/dre": ({"torch": "right", "tensorflow": "rounding"}, -1.0), "d/dim": (RIGHT, 0.0)},
    ),
    "the angle of a very small complex number": (
        "{of: 'angle(complex(re, im))', at: {re: 4.0e-24, im: 3.0e-24}}", "float64",
        {"d/dre": (RIGHT, -0.12e24), "d/dim": (RIGHT, 0.16e24)},
    ),
    "the norm of a square that underflows": (
        "{torch: 'torch.norm(x * x)', tensorflow: 'tf.norm(x * x)', at: {x: [1.0e-30]}}", "float32",
        {"d/dx": ({"torch": "right", "tensorflow": "rounding"}, [2 * float(np.float32(1e-30))])},
    ),
    "a cosine behind a mask at an infinity": (
        "{of: 'where(r < 1.0, cos(r), 0)', at: {r: [0.25, .inf]}}", "float32", {"d/dr": (WRONG, [-math.sin(0.25), 0.0])},
    ),
    "no input at all": ("{of: sum(softmax(x)), at: {x: 'zeros((0, 3))'}}", "float32", {"value": (RIGHT, 0.0)}),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """By name and quantity, the comparison of each of the cases above."""
    path = tmp_path_factory.mktemp("said") / "cases.yaml"
    texts = [f"name: {name}\ndtype: {dtype}\ngradient: {fields}" for name, (fields, dtype, _) in TRUE.items()]
    path.write_text("\n---\n".join(texts), encoding="utf-8")
    report = warm_tfpt("check", path, "--format", "json").json
    return {s["name"]: {c["quantity"]: c for c in reversed(s["comparisons"])} for s in report["scenarios"]}


@pytest.mark.parametrize("name", TRUE)
def test_what_the_reference_says_is_true(name: str, said: dict[str, dict[str, Any]]) -> None:
    for quantity, (standings, numbers) in TRUE[name][2].items():
        reference = said[name][quantity]["reference"]
        assert {f: reference[f]["standing"] for f in standings} == standings, said[name][quantity]
        if numbers is not None:
            found = np.array(reference["values"], dtype=float)  # "nan" is a number to NumPy
            np.testing.assert_allclose(found, np.array(numbers, dtype=float), rtol=1e-6, err_msg=quantity)


def test_a_number_that_became_zero_is_no_overflow(said: dict[str, dict[str, Any]]) -> None:
    comparison = said["the norm of a square that underflows"]["d/dx"]
    assert "overflow" not in comparison["diagnosis"]
    assert comparison["findings"][1] == (
        "TensorFlow is off by rounding alone: on the way a number too small for float32 became zero"
    )


def test_two_conventions_are_no_rounding(said: dict[str, dict[str, Any]]) -> None:
    comparison = said["a pseudo-inverse between two cuts"]["value"]
    assert comparison["verdict"] == "differs"
    assert "rounding" not in comparison["diagnosis"]


def test_what_is_not_known_is_counted(said: dict[str, dict[str, Any]]) -> None:
    reference = said["one that is not a number beside one that is"]["d/dx"]["reference"]
    assert (reference["torch"]["unknown"], reference["tensorflow"]["unknown"]) == (1, 1)
    assert "unknown" not in said["near the edges of a domain"]["d/dx"]["reference"]["torch"]


def test_an_infinity_is_said_to_be_one_for_want_of_a_number(said: dict[str, dict[str, Any]]) -> None:
    (words, _) = said["both beyond the greatest number"]["value"]["findings"]
    assert words == "PyTorch overflows: inf against 2.68812e+43 at [1] (50 digits, mpmath), which float32 does not have"
    (words, _) = said["beyond it on the way"]["d/dp"]["findings"]
    assert "leaves the range of float32 on the way: nan against 0.5 at [1]" in words


def test_a_kink_elsewhere_excuses_nothing(write: Callable[..., Path]) -> None:
    """The mean and the sum part at 1; that both have a kink at 0 is no reason."""
    path = write(
        "name: n\ngradient: {torch: torch.mean(torch.abs(x)), tensorflow: tf.reduce_sum(tf.abs(x)), at: {x: [0.0, 1.0]}}"
    )
    comparisons = warm_tfpt("check", path, "--format", "json").json["scenarios"][0]["comparisons"]
    (slope, *_) = (c for c in comparisons if c["quantity"] == "d/dx")
    assert "kink" not in slope["diagnosis"]
    assert "different function" in slope["diagnosis"]
    assert slope["findings"] == ["each side computes its own function right: they are different functions"]


def test_at_a_kink_alone_both_are_legitimate_and_beside_it_not(write: Callable[..., Path]) -> None:
    path = write(
        "name: n\ngradient: {of: 'maximum(x, y)', at: {x: [1.0, 2.0], y: [1.0, 3.0]}}\n---\n"
        "name: m\ngradient: {torch: 'torch.maximum(x, y) + 0 * z', tensorflow: 'tf.maximum(x, y) * z',"
        " at: {x: [1.0, 2.0, 4.0], y: [1.0, 3.0, 3.0], z: [1.0, 1.0, 2.0]}, wrt: x}\n"
    )
    one, two = (
        next(c for c in s["comparisons"] if c["quantity"] == "d/dx")
        for s in warm_tfpt("check", path, "--format", "json").json["scenarios"]
    )
    assert one["findings"] == ["a kink at [0]: 0 from the left, 1 from the right; both conventions are legitimate"]
    assert not any("legitimate" in words for words in two.get("findings", ()))
    assert "different function" in two["diagnosis"]


@given(
    numbers=st.lists(st.floats(1e-300, 1e300) | st.floats(-600, 600).map(math.exp), min_size=1, max_size=6),
)
@settings(max_examples=40)
def test_the_slope_of_a_root_and_a_logarithm_anywhere(numbers: list[float]) -> None:
    """Over the whole range of float64, whatever stands beside."""
    found = reference(f"{{of: {{a: sqrt(x), b: log(x)}}, at: {{x: {numbers!r}}}}}")
    x = np.array(numbers)
    for quantity, want in (("da/dx", 0.5 / np.sqrt(x)), ("db/dx", 1 / x)):
        error = found[quantity, "error"]
        np.testing.assert_array_less(np.abs(found[quantity, ""] - want), 10 * error + 1e-12 * np.abs(want))
        np.testing.assert_array_less(error, 1e-6 * np.maximum(np.abs(want), 1))


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12])
def test_a_step_is_shorter_than_the_way_to_the_edge(distance: float) -> None:
    x = 1 - distance
    found = reference(f"{{of: atanh(x), at: {{x: {x!r}}}}}")
    assert float(found["d/dx", ""]) == pytest.approx(1 / ((1 - x) * (1 + x)), rel=1e-6)


def test_many_values_without_a_derivative_have_their_digits() -> None:
    found = reference("{of: exp(x), at: {x: 'linspace(-1, 1, 100)'}, derivatives: []}", second=True)
    np.testing.assert_allclose(found["value", "exact"], np.exp(np.linspace(-1, 1, 100)), rtol=1e-15)
    assert found["value", "known"].all()


def test_sides_that_agree_are_not_said_to_part() -> None:
    """Within a tolerance of each other one may still be off the reference."""
    (document,), _ = documents("x.yaml", "name: n\ngradient: {of: x, at: {x: [1.0]}, derivatives: []}\n")
    (scenario,), _ = read_document(document)

    def outcome(side: Side, number: float, dtype: str) -> Outcome:
        value = Value(State.PRESENT, np.array([number], dtype), dtype)
        return Outcome(side, {(Quantity(kind=VALUE), Aspect() if side == REFERENCE else PLAIN): value})

    numbers = {TORCH: 1.8, TENSORFLOW: 2.2}
    outcomes = {side: outcome(side, number, "float32") for side, number in numbers.items()}
    again = {side: outcome(side, number, "float64") for side, number in numbers.items()}
    outcomes[REFERENCE] = again[REFERENCE] = outcome(REFERENCE, 1.0, "float64")
    (comparison,) = Comparer(gradient_of(scenario), SIDES, outcomes, Tolerance(0.0, 1.0), again).comparisons()
    assert comparison.verdict.agrees
    right, off = comparison.findings
    assert (right.kind, right.side, off.kind, off.side) == (Kind.RIGHT, TORCH, Kind.OFF, TENSORFLOW)
    assert right.words.startswith("PyTorch agrees with the reference")
    assert off.words == "TensorFlow is off the reference: 2.2 against 1 at [0] (NumPy float64)"
