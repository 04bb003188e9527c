"""The reference's spellings at the ends: zeros, infinities, NaN, poles, edges, subnormals, huge numbers.

The second source shares nothing with the rows: mpmath with 400 digits by the definition, and at the infinities the limit
or what annex F of the C standard asks for. Where the sources part the row says so (`undecided`), and nothing is asked.
"""

from __future__ import annotations

import ast
import itertools
import math
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest
import scipy

from tests.test_reference import reference
from tfpt_cli.dictionary.checks import check_operation
from tfpt_cli.dictionary.records import RowError
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.expressions.lowering import filled, written_for_reference
from tfpt_cli.subjects.gradient import freedom
from tfpt_cli.subjects.gradient.meaning import Meaning

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfpt_cli.dictionary.records import Operation

INF, NAN = math.inf, math.nan
SMALL = (0.0, 5e-324, -5e-324, 1e-310, -1e-310, 1e-45, 1e-20, -1e-20, 1e-5, -1e-5)
USUAL = (0.3, -0.3, 0.5, 1.0, -1.0, 1.5, -1.5, 2.0, -2.0, 3.0, -3.0, 10.5, -10.5, 30.0, -30.0, 171.5, 300.0, -300.0)
BESIDE = (1.0000000000000002, 0.9999999999999999, -1.0000000000000002, -0.9999999999999999)
LARGE = (1e4, -1e4, 1e10, 1e30, -1e30, 1e300, -1e300)
mp = mpmath.mp


def log_gamma(x: Any) -> Any:
    return mp.inf if x <= 0 and x == mp.floor(x) else mp.log(abs(mp.gamma(x)))


def bessel_k(order: int, x: Any) -> Any:
    with mp.workdps(60):  # 400 digits of it take minutes
        return mp.besselk(order, x)


# By row: the function by its definition, and its values at minus and plus infinity (a limit, or annex F).
SOURCES: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "exp": (mp.exp, 0.0, INF),
    "expm1": (lambda x: mp.exp(x) - 1, -1.0, INF),
    "exp2": (lambda x: mp.exp(x * mp.log(2)), 0.0, INF),
    "log": (mp.log, NAN, INF),
    "log2": (lambda x: mp.log(x, 2), NAN, INF),
    "log10": (lambda x: mp.log(x, 10), NAN, INF),
    "log1p": (lambda x: mp.log(1 + x), NAN, INF),
    "sqrt": (mp.sqrt, NAN, INF),
    "cbrt": (lambda x: mp.sign(x) * mp.root(abs(x), 3), -INF, INF),
    "sgn": (mp.sign, -1.0, 1.0),
    "sigmoid": (lambda x: mp.exp(x) / (1 + mp.exp(x)), 0.0, 1.0),
    "logit": (lambda x: mp.log(x) - mp.log(1 - x), NAN, NAN),
    "tanh": (mp.tanh, -1.0, 1.0),
    "sinh": (mp.sinh, -INF, INF),
    "cosh": (mp.cosh, INF, INF),
    "asinh": (mp.asinh, -INF, INF),
    "acosh": (mp.acosh, NAN, INF),
    "atanh": (lambda x: (mp.log(1 + x) - mp.log(1 - x)) / 2, NAN, NAN),
    "asin": (mp.asin, NAN, NAN),
    "acos": (mp.acos, NAN, NAN),
    "atan": (mp.atan, -math.pi / 2, math.pi / 2),
    "softplus": (lambda x: mp.log(1 + mp.exp(x)), 0.0, INF),
    "log_sigmoid": (lambda x: -mp.log(1 + mp.exp(-x)), -INF, 0.0),
    "squareplus": (lambda x: (x + mp.sqrt(x * x + 4)) / 2, 0.0, INF),
    "softsign": (lambda x: x / (1 + abs(x)), -1.0, 1.0),
    "tanhshrink": (lambda x: x - mp.tanh(x), -INF, INF),
    "silu": (lambda x: x / (1 + mp.exp(-x)), 0.0, INF),
    "gelu": (lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, 0.0, INF),
    "elu": (lambda x: x if x > 0 else mp.exp(x) - 1, -1.0, INF),
    "erf": (mp.erf, -1.0, 1.0),
    "erfc": (mp.erfc, 2.0, 0.0),
    "erfcx": (lambda x: mp.exp(x * x) * mp.erfc(x), INF, 0.0),
    "ndtr": (lambda x: mp.erfc(-x / mp.sqrt(2)) / 2, 0.0, 1.0),
    "log_ndtr": (lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2), -INF, 0.0),
    "erfinv": (lambda x: mp.erfinv(x) if abs(x) <= 1 else mp.nan, NAN, NAN),
    # Annex F: lgamma of either infinity, and of zero and every negative whole number, is plus infinity.
    "lgamma": (lambda x: log_gamma(x), INF, INF),
    "gamma": (mp.gamma, NAN, INF),
    "factorial": (lambda x: mp.gamma(x + 1), NAN, INF),
    "log_factorial": (lambda x: log_gamma(x + 1), INF, INF),
    "digamma": (mp.digamma, NAN, INF),
    "entr": (lambda x: -x * mp.log(x) if x > 0 else mp.mpf(0) if x == 0 else -mp.inf, -INF, -INF),
    "i0e": (lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), 0.0, 0.0),
    "i1e": (lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), 0.0, 0.0),
    "modified_bessel_k0": (lambda x: bessel_k(0, x), NAN, 0.0),
    "modified_bessel_k1": (lambda x: bessel_k(1, x), NAN, 0.0),
    "scaled_modified_bessel_k1": (lambda x: bessel_k(1, x) * mp.exp(x), NAN, 0.0),
    "spherical_bessel_j0": (lambda x: mp.sin(x) / x if x else mp.mpf(1), 0.0, 0.0),
    "logcosh": (lambda x: mp.log(mp.cosh(x)), INF, INF),
    "log1mexp": (lambda x: mp.log(1 - mp.exp(-x)), NAN, 0.0),
    "pseudo_huber": (lambda x: mp.sqrt(1 + x * x) - 1, INF, INF),
}  # fmt: skip
# Of these the definition itself takes too long, or cancels beyond 400 digits, at the largest numbers.
WITHIN = {"gamma": 1e5, "factorial": 1e5, "digamma": 1e5, "lgamma": 1e30, "log_factorial": 1e30,
          "erfcx": 1e4, "i0e": 1e4, "i1e": 1e4, "erfinv": 2.0,
          "erfc": 1e30, "ndtr": 1e30, "log_ndtr": 1e30, "gelu": 1e30,
          "modified_bessel_k0": 11.0, "modified_bessel_k1": 11.0, "scaled_modified_bessel_k1": 11.0}  # fmt: skip


class Elementwise:
    """As the reference's: mpmath's functions of every element, real or NaN."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(mpmath, name)
        if not callable(function):
            return function

        def real(*arguments: Any) -> Any:
            found = function(*arguments)
            return mpmath.nan if isinstance(found, mpmath.mpc) and found.imag != 0 else found

        return np.vectorize(real, otypes=[object])


def evaluated(row: Operation, side: str, *values: Any, tree: ast.expr | None = None, **settings: Any) -> Any:
    """A spelling of a row (or another tree of its names) at one number for each array; a setting has its default."""
    known, complaints = row.signature.values(
        row.name, {n: ast.parse(repr(v), mode="eval").body for n, v in settings.items()}
    )
    assert not complaints
    arrays: dict[str, ast.expr] = {name: ast.Name(name, ast.Load()) for name in row.signature.arrays}
    source = ast.unparse(filled(tree or row.spelling[side], row.signature, set(known), known, arrays))
    dtype = object if side == "mpmath" else float
    names = {name: np.array([value], dtype=dtype) for name, value in zip(arrays, values, strict=True)}
    with np.errstate(all="ignore"):
        found = eval(source, {"np": np, "scipy": scipy, "math": math, "mp": Elementwise(), **names})
    return np.broadcast_to(found, 1)[0]


def undecided(row: Operation, *values: float, **settings: Any) -> bool:
    conditions = [case.at for case in row.undecided if case.at is not None and not case.derivative]
    return any(bool(evaluated(row, "numpy", *values, tree=at, **settings)) for at in conditions)


def truth(function: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """The value at a number and how far it is from those at the neighbours, two ULP away; NaN where it is not real."""

    def at(point: Any) -> Any:
        try:
            found = function(point)
        except (ValueError, ZeroDivisionError):
            return mp.nan
        return mp.nan if isinstance(found, mpmath.mpc) and found.imag != 0 else found

    with mp.workdps(400):
        middle = at(mp.mpf(x))
        near = [at(mp.mpf(x) * (1 + side * mp.mpf(5) / 10**16)) for side in (-1, 1)]
        spread = max((abs(middle - other) for other in near if not mp.isnan(other)), default=mp.mpf(0))
        spread = mp.mpf(0) if mp.isnan(spread) else spread
        return float(mp.re(middle)), float(mp.re(spread))


def same(found: float, true: float, spread: float) -> bool:
    if math.isnan(found) or math.isnan(true) or math.isinf(found) or math.isinf(true):
        return found == true or (math.isnan(found) and math.isnan(true))
    return abs(found - true) <= 1e-11 * abs(true) + 4 * spread + 4e-16


def points(name: str) -> list[float]:
    return [x for x in (*SMALL, *USUAL, *BESIDE, *LARGE) if abs(x) <= WITHIN.get(name, INF)]


@pytest.mark.parametrize("name", SOURCES)
def test_the_numpy_spelling_at_the_ends(name: str) -> None:
    row, (function, low, high) = dictionary().operations[name], SOURCES[name]
    wrong = []
    for x in points(name):
        if undecided(row, x):
            continue
        true, spread = truth(function, x)
        if not same(found := float(evaluated(row, "numpy", x)), true, spread) and not pole(row, x, found, true):
            wrong.append((x, found, true))
    for x, true in ((-INF, low), (INF, high), (NAN, NAN)):
        if not undecided(row, x) and not same(found := float(evaluated(row, "numpy", x)), true, 0.0):
            wrong.append((x, found, true))
    assert wrong == []


def pole(row: Operation, x: float, found: float, true: float) -> bool:
    """Whether the function goes to the infinity that a spelling has at a pole, where mpmath refuses a number."""
    beside = float(evaluated(row, "numpy", x + 1e-9 * max(1.0, abs(x))))
    return math.isnan(true) and math.isinf(found) and abs(beside) > 5 and (beside > 0) == (found > 0)


@pytest.mark.parametrize("name", [name for name in SOURCES if "mpmath" in dictionary().operations[name].spelling])
def test_the_spelling_for_50_digits_at_the_ends(name: str) -> None:
    """It is right, or raises, or has too few digits, which a second precision shows: it is never silently wrong."""
    row, wrong = dictionary().operations[name], []
    for x in points(name):
        found = []
        for digits in (80, 160):
            with mp.workdps(digits):
                try:
                    value = evaluated(row, "mpmath", mp.mpf(x))
                    found.append(NAN if isinstance(value, mpmath.mpc) else float(value))
                except (ValueError, ZeroDivisionError, OverflowError):
                    break
        if len(found) == 2 and same(found[0], found[1], 0.0) and not undecided(row, x):
            true, _ = truth(SOURCES[name][0], x)
            if not same(found[0], true, 0.0) and not pole(row, x, found[0], true):
                wrong.append((x, found[0], true))
    assert wrong == []


# C's annex F, and limits where it is silent: row, arguments, value.
TWO: list[tuple[str, float, float, float]] = [
    ("pow", 1.0, NAN, 1.0), ("pow", NAN, 0.0, 1.0), ("pow", 0.0, -1.0, INF), ("pow", -0.0, -1.0, -INF),
    ("pow", -0.0, -2.0, INF), ("pow", -1.0, INF, 1.0), ("pow", 0.5, -INF, INF), ("pow", 2.0, -INF, 0.0),
    ("pow", -8.0, 1 / 3, NAN), ("pow", 0.0, 0.0, 1.0), ("pow", -INF, 3.0, -INF), ("pow", -INF, -3.0, -0.0),
    ("hypot", INF, NAN, INF), ("hypot", NAN, -INF, INF), ("hypot", 1e300, 1e300, math.sqrt(2) * 1e300),
    ("hypot", 5e-324, 0.0, 5e-324), ("atan2", 0.0, -0.0, math.pi), ("atan2", -0.0, -0.0, -math.pi),
    ("atan2", -0.0, 0.0, -0.0), ("atan2", INF, -INF, 3 * math.pi / 4), ("atan2", 1.0, -INF, math.pi),
    ("fmod", 5.0, INF, 5.0), ("fmod", INF, 2.0, NAN), ("fmod", 1.0, 0.0, NAN), ("fmod", -6.0, 4.0, -2.0),
    ("remainder", -6.0, 4.0, 2.0), ("remainder", -1.0, INF, INF), ("remainder", 1.0, 0.0, NAN),
    ("copysign", 1.0, -0.0, -1.0), ("nextafter", 0.0, 1.0, 5e-324), ("nextafter", 1.0, 1.0, 1.0),
    ("ldexp", 1.0, -1074.0, 5e-324), ("ldexp", 1.0, 1024.0, INF), ("fmax", NAN, 1.0, 1.0), ("fmin", 1.0, NAN, 1.0),
    ("maximum", NAN, 1.0, NAN), ("logaddexp", INF, INF, INF), ("logaddexp", -INF, -INF, -INF),
    ("logaddexp", INF, -INF, INF), ("logaddexp2", -INF, 3.0, 3.0), ("xlogy", 0.0, 0.0, 0.0), ("xlogy", 0.0, INF, 0.0),
    ("xlogy", 1.0, 0.0, -INF), ("xlog1py", 0.0, -1.0, 0.0), ("xlog1py", 0.0, -2.0, 0.0), ("xlog1py", 1.0, -1.0, -INF),
    ("rel_entr", 0.0, 1.0, 0.0), ("rel_entr", 1.0, 0.0, INF), ("rel_entr", -1.0, 1.0, INF),
    ("kl_div", 5e-324, 1e30, 1e30), ("kl_div", 0.0, 2.0, 2.0), ("kl_div", 1.0, INF, INF), ("kl_div", 1.0, 0.0, INF),
    ("gammainc", 1.5, 0.0, 0.0), ("gammainc", 1.5, INF, 1.0), ("gammainc", 1.5, -1.0, NAN), ("gammaincc", 1.5, INF, 0.0),
    ("gammaincc", 1.5, 0.0, 1.0), ("betaln", 1.0, 1e300, -math.log(1e300)),
    ("beta", -0.5, 0.7, math.gamma(-0.5) * math.gamma(0.7) / math.gamma(0.2)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x1", "x2", "true"), TWO)
def test_functions_of_two_arguments_at_the_ends(name: str, x1: float, x2: float, true: float) -> None:
    row = dictionary().operations[name]
    assert not undecided(row, x1, x2)
    found = float(evaluated(row, "numpy", x1, x2))
    assert (math.isnan(found) and math.isnan(true)) or found == pytest.approx(true, rel=1e-6, abs=0)
    assert true != 0 or math.copysign(1, found) == math.copysign(1, true) or name in ("xlogy", "xlog1py")
    if "mpmath" in row.spelling and math.isfinite(x1) and math.isfinite(x2) and not {str(x1), str(x2)} & {"-0.0"}:
        with mp.workdps(400):
            try:
                exact = evaluated(row, "mpmath", mp.mpf(x1), mp.mpf(x2))
            except (ValueError, ZeroDivisionError):
                return  # no 50 digits there, and the row does not pretend to have them
        assert (math.isnan(true) and mpmath.isnan(exact)) or float(exact) == pytest.approx(true, rel=1e-6, abs=0)


@pytest.mark.parametrize(
    ("name", "values", "settings"),
    [
        ("digamma", [0.0], {}),
        ("polygamma", [-1.0], {"n": 2}),
        ("zeta", [2.0], {"x": 0.5}),
        ("igamma", [1.0], {"a": 0}),
        ("hardshrink", [NAN], {}),
        ("xlogy", [0.0, NAN], {}),
        ("i0", [INF], {}),
        ("silu", [-INF], {}),
        ("silu", [INF], {"beta": -2.0}),
        ("sinc", [INF], {}),
    ],
)
def test_what_no_source_decides_is_said(name: str, values: list[float], settings: dict[str, Any]) -> None:
    row = dictionary().operations[name]
    assert undecided(row, *values, **settings)
    assert not undecided(row, *(1.5 for _ in values), **dict.fromkeys(settings, 3))


def test_an_expression_says_which_entries_nobody_decides() -> None:
    meaning = Meaning(
        ast.parse("sin(y) + exp(x)", mode="eval").body, {"y": ast.parse("silu(x)", mode="eval").body}, "float32"
    )
    body = meaning.undecided("_unknown")
    assert body is not None
    found = []
    for unknown in (NAN, 0.75):
        names: dict[str, Any] = {"np": np, "_unknown": unknown, "x": np.array([-INF, 0.5, INF, NAN])}
        with np.errstate(all="ignore"):
            for name, source in body.lines:
                names[name] = eval(source, names)
            found.append(eval(body.result, names))
    assert (~np.isclose(found[0], found[1], equal_nan=True)).tolist() == [True, False, False, False]
    assert Meaning(ast.parse("sin(x)", mode="eval").body, {}, "float32").undecided("_unknown") is None


@pytest.mark.parametrize(
    ("text", "x", "undecided"),
    [
        ("eigh(x)[1]", [[2.0, 0.5], [0.5, 1.5]], [[1, 1], [1, 1]]),
        ("abs(eigh(x)[1])", [[2.0, 0.5], [0.5, 1.5]], [[0, 0], [0, 0]]),
        ("eigh(x)[1] @ matrix_transpose(eigh(x)[1])", [[2.0, 0.5], [0.5, 1.5]], [[0, 0], [0, 0]]),
        ("abs(eigh(x)[1])", [[2.0, 0.0], [0.0, 2.0]], [[1, 1], [1, 1]]),
        ("eigh(x)[0]", [[2.0, 0.5], [0.4, 1.5]], [1, 1]),
        ("eigh(x)[0]", [[2.0, 0.0], [0.0, 2.0]], [0, 0]),
        ("eigh(x)[1][:, 0] * eigh(2 * x)[1][:, 0]", [[2.0, 0.5], [0.5, 1.5]], [1, 1]),
        ("svd(x)[0] @ svd(x)[2]", [[2.0, 0.5], [-0.3, 1.5]], [[0, 0], [0, 0]]),
        ("svd(x)[0] @ svd(x)[2]", [[2.0, 4.0], [1.0, 2.0]], [[1, 1], [1, 1]]),
        ("svd(x)[2]", [[2.0, 0.5], [-0.3, 1.5]], [[1, 1], [1, 1]]),
        ("svd(x)[1]", [[2.0, 0.0], [0.0, 2.0]], [0, 0]),
        ("qr(x)[0] @ qr(x)[1]", [[2.0, 0.5], [-0.3, 1.5]], [[0, 0], [0, 0]]),
        ("qr(x)[1]", [[2.0, 0.5], [-0.3, 1.5]], [[1, 1], [0, 1]]),
        ("eigvals(x)", [[2.0, 0.5], [-0.3, 1.5]], [1, 1]),
        ("sum(eigvals(x))", [[2.0, 0.5], [-0.3, 1.5]], 0),
        ("pinv(x)", [[1.0, 0.0], [0.0, 1e-6]], [[1, 1], [1, 1]]),
        ("pinv(x)", [[1.0, 2.0], [2.0, 4.0]], [[0, 0], [0, 0]]),
        ("matrix_rank(x)", [[1.0, 0.0], [0.0, 1e-6]], 1),
        ("cholesky(x)", [[2.0, 0.5], [0.4, 1.5]], [[1, 1], [1, 1]]),
        ("clip(x, 2, 1)", [0.0, 3.0], [1, 1]),
        ("clip(x, 1, 2)", [0.0, 3.0], [0, 0]),
        ("cast_int32(x)", [1.5, 3e9, NAN], [0, 1, 1]),
        ("atan2(x, x)", [0.0, 1.0], [0, 0]),
    ],
)
def test_what_more_than_one_value_is_right_for(text: str, x: Any, undecided: Any) -> None:
    found = reference(
        f"{{of: '{text}', at: {{x: {x}}}, derivatives: []}}".replace("nan", ".nan"), "float32", second=True
    )
    np.testing.assert_array_equal(found.get(("value", "undecided"), 0), undecided)


@pytest.mark.parametrize(
    ("text", "x", "left", "right"),
    [
        ("-xlogy(x, x)", 0.0, NAN, INF),
        ("-xlogy(1 - x, 1 - x)", 1.0, -INF, NAN),
        ("xlogy(x, abs(x)) + 3 * x", 0.0, -INF, -INF),
        ("x * log(abs(x) + 1e-300)", 0.0, NAN, NAN),  # which ends at -690
        ("x * log(log(1 / abs(x) + 1) + 1)", 1e-3, 2.0, 2.0),
    ],
)
def test_a_slope_that_grows_as_a_logarithm_is_infinite(text: str, x: float, left: float, right: float) -> None:
    found = reference(f"{{of: '{text}', at: {{x: {x}}}}}", "float64", second=True)
    sides = [found[("d/dx", f"exact {side}")] for side in ("left", "right")]
    np.testing.assert_allclose(sides, [left, right], rtol=0.1)


def test_whole_numbers_have_no_quotient_by_zero() -> None:
    for name, zero in (("floor_divide", [0, 2]), ("remainder", [0, 2]), ("fmod", [0, 2])):
        row = dictionary().operations[name]
        at = row.undecided[0].at
        assert at is not None
        for dtype, found in (("int32", [True, False]), ("float64", [False, False])):
            names = {"np": np, "x1": np.array([9, -4], dtype), "x2": np.array(zero, dtype)}
            assert eval(ast.unparse(at), names).tolist() == found


def test_what_rows_name_as_free_is_there() -> None:
    for row in dictionary().operations.values():
        for case in row.undecided:
            used = {node.id for node in ast.walk(case.condition) if isinstance(node, ast.Name)}
            assert {name for name in used if name.startswith("_")} <= set(vars(freedom))


def test_the_loader_refuses_what_it_does_not_know() -> None:
    row = {"signature": "x, /", "torch": "torch.exp(x)", "tensorflow": "tf.exp(x)", "numpy": "np.exp(x)",
           "shape": "elementwise", "points": "real", "dtypes": ["float32"]}  # fmt: skip
    for entry, message in (
        ({"at": "y > 0", "because": "b"}, "does not know"),
        ({"at": "x > 0"}, "missing .'because'"),
        ({"because": "b"}, "has 'at' or 'instead'"),
        ({"at": "x > 0", "instead": "value", "because": "b"}, "has 'at' or 'instead'"),
        ({"at": "x > 0", "in": "values", "because": "b"}, "nothing but 'derivatives'"),
    ):
        with pytest.raises(RowError, match=message):
            check_operation("exp", {**row, "undecided": [entry]}, "elementwise")


def test_an_index_that_stands_twice_and_a_list_of_axes() -> None:
    x, i, u = np.zeros(3), np.array([1, 1]), np.array([8.0, 20.0])
    source = written_for_reference(ast.parse("index_put(x, i, u)", mode="eval").body, "float32", itertools.count())
    assert eval(str(source), {"np": np, "x": x, "i": i, "u": u}).tolist() == [0.0, 20.0, 0.0]
    assert eval(str(source), {"np": np, "x": x, "i": np.array([-1]), "u": np.array([NAN])})[:2].tolist() == [0.0, 0.0]
    source = written_for_reference(ast.parse("sum(x, axis=[0, 1])", mode="eval").body, "float32", itertools.count())
    assert eval(str(source), {"np": np, "x": np.ones((2, 3))}) == 6.0
