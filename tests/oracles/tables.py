"""Reference values as others ship them: NumPy's sets for its functions, and SciPy's tables from Boost, GSL and mpmath.

NumPy's are correctly rounded float32 and float64 numbers as bits; SciPy's are decimal numbers of more digits than float64
holds, read by it as float64. A package that was installed without its tests has none, which is said.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.special

from tests.oracles import trees
from tests.oracles.truth import Case, Truth
from tfpt_cli.dictionary.rows import dictionary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Points to a scenario.
_POINTS = 6
# NumPy's name of a function, and the row's expression of it.
_NUMPY = {
    "arccos": "acos(x)", "arccosh": "acosh(x)", "arcsin": "asin(x)", "arcsinh": "asinh(x)", "arctan": "atan(x)",
    "arctanh": "atanh(x)", "cbrt": "cbrt(x)", "cos": "cos(x)", "cosh": "cosh(x)", "exp": "exp(x)", "exp2": "exp2(x)",
    "expm1": "expm1(x)", "log": "log(x)", "log10": "log10(x)", "log1p": "log1p(x)", "log2": "log2(x)", "sin": "sin(x)",
    "sinh": "sinh(x)", "tan": "tan(x)", "tanh": "tanh(x)",
}  # fmt: skip
# A table of SciPy: the expression, the columns of its inputs, the column of the value, and whole numbers fixed in it.
_SCIPY: tuple[tuple[str, str, str, dict[str, int], int, dict[int, float]], ...] = (
    ("boost", "digamma_data_ipp-digamma_data", "digamma(x)", {"x": 0}, 1, {}),
    ("boost", "digamma_neg_data_ipp-digamma_neg_data", "digamma(x)", {"x": 0}, 1, {}),
    ("boost", "digamma_root_data_ipp-digamma_root_data", "digamma(x)", {"x": 0}, 1, {}),
    ("boost", "digamma_small_data_ipp-digamma_small_data", "digamma(x)", {"x": 0}, 1, {}),
    ("boost", "erf_data_ipp-erf_data", "erf(x)", {"x": 0}, 1, {}),
    ("boost", "erf_data_ipp-erf_data", "erfc(x)", {"x": 0}, 2, {}),
    ("boost", "erf_large_data_ipp-erf_large_data", "erf(x)", {"x": 0}, 1, {}),
    ("boost", "erf_large_data_ipp-erf_large_data", "erfc(x)", {"x": 0}, 2, {}),
    ("boost", "erf_small_data_ipp-erf_small_data", "erf(x)", {"x": 0}, 1, {}),
    ("boost", "erf_inv_data_ipp-erf_inv_data", "erfinv(x)", {"x": 0}, 1, {}),
    ("boost", "erfc_inv_data_ipp-erfc_inv_data", "erfcinv(x)", {"x": 0}, 1, {}),
    ("boost", "cbrt_data_ipp-cbrt_data", "cbrt(x)", {"x": 1}, 0, {}),
    ("boost", "log1p_expm1_data_ipp-log1p_expm1_data", "log1p(x)", {"x": 0}, 1, {}),
    ("boost", "log1p_expm1_data_ipp-log1p_expm1_data", "expm1(x)", {"x": 0}, 2, {}),
    ("boost", "test_gamma_data_ipp-factorials", "lgamma(x)", {"x": 0}, 2, {}),
    ("boost", "test_gamma_data_ipp-factorials", "gamma(x)", {"x": 0}, 1, {}),
    *(("boost", f"test_gamma_data_ipp-near_{n}", "lgamma(x)", {"x": 0}, 2, {}) for n in ("0", "1", "2", "m10", "m55")),
    *(("boost", f"test_gamma_data_ipp-near_{n}", "gamma(x)", {"x": 0}, 1, {}) for n in ("0", "1", "2", "m10", "m55")),
    ("boost", "bessel_j_int_data_ipp-bessel_j_int_data", "bessel_j0(x)", {"x": 1}, 2, {0: 0}),
    ("boost", "bessel_j_int_data_ipp-bessel_j_int_data", "bessel_j1(x)", {"x": 1}, 2, {0: 1}),
    ("boost", "bessel_y01_data_ipp-bessel_y01_data", "bessel_y0(x)", {"x": 1}, 2, {0: 0}),
    ("boost", "bessel_y01_data_ipp-bessel_y01_data", "bessel_y1(x)", {"x": 1}, 2, {0: 1}),
    ("boost", "bessel_i_int_data_ipp-bessel_i_int_data", "i0(x)", {"x": 1}, 2, {0: 0}),
    ("boost", "bessel_i_int_data_ipp-bessel_i_int_data", "i1(x)", {"x": 1}, 2, {0: 1}),
    ("boost", "bessel_k_int_data_ipp-bessel_k_int_data", "modified_bessel_k0(x)", {"x": 1}, 2, {0: 0}),
    ("boost", "bessel_k_int_data_ipp-bessel_k_int_data", "modified_bessel_k1(x)", {"x": 1}, 2, {0: 1}),
    ("boost", "sph_bessel_data_ipp-sph_bessel_data", "spherical_bessel_j0(x)", {"x": 1}, 2, {0: 0}),
    ("boost", "zeta_data_ipp-zeta_data", "riemann_zeta(x)", {"x": 0}, 1, {}),
    ("boost", "zeta_1_up_data_ipp-zeta_1_up_data", "riemann_zeta(x)", {"x": 0}, 1, {}),
    ("boost", "igamma_med_data_ipp-igamma_med_data", "igamma(x, {a})", {"a": 0, "x": 1}, 5, {}),
    ("boost", "igamma_med_data_ipp-igamma_med_data", "igammac(x, {a})", {"a": 0, "x": 1}, 3, {}),
    ("boost", "igamma_small_data_ipp-igamma_small_data", "igamma(x, {a})", {"a": 0, "x": 1}, 5, {}),
    ("boost", "igamma_big_data_ipp-igamma_big_data", "igamma(x, {a})", {"a": 0, "x": 1}, 5, {}),
    ("local", "gammainc", "igamma(x, {a})", {"a": 0, "x": 1}, 2, {}),
    ("local", "gammaincc", "igammac(x, {a})", {"a": 0, "x": 1}, 2, {}),
    ("boost", "beta_med_data_ipp-beta_med_data", "beta(x, y)", {"x": 0, "y": 1}, 2, {}),
    ("boost", "beta_exp_data_ipp-beta_exp_data", "beta(x, y)", {"x": 0, "y": 1}, 2, {}),
)


def missing() -> list[str]:
    """Which packages ship no tables here, with the reason in words."""
    found = []
    if not list(_numpy_folder().glob("umath-validation-set-*.csv")):
        found.append("NumPy was installed without numpy/_core/tests/data")
    if not (_scipy_folder() / "boost.npz").exists():
        found.append("SciPy was installed without scipy/special/tests/data")
    return found


def _numpy_folder() -> Path:
    return Path(np.__file__).parent / "_core" / "tests" / "data"


def _scipy_folder() -> Path:
    return Path(scipy.special.__file__).parent / "tests" / "data"


def _numbers(texts: list[str], dtype: str) -> NDArray[Any]:
    whole: Any = np.uint32 if dtype == "float32" else np.uint64
    with np.errstate(invalid="ignore"):  # some are signalling NaNs
        return np.array([int(text, 16) for text in texts], whole).view(dtype).astype(np.float64)


def _of_numpy() -> Iterator[Line]:
    for name, expression in _NUMPY.items():
        path = _numpy_folder() / f"umath-validation-set-{name}.csv"
        if not path.exists():
            continue
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("np.float")]
        rows = list(csv.reader(lines))
        for dtype in ("float32", "float64"):
            chosen = [row for row in rows if row[0] == f"np.{dtype}"]
            points = _numbers([row[1] for row in chosen], dtype)
            values = _numbers([row[2] for row in chosen], dtype)
            for start in range(0, len(points), _POINTS):
                some = slice(start, start + _POINTS)
                yield Line(f"numpy {name}", expression, dtype, {"x": points[some]}, values[some])


def _of_scipy() -> Iterator[Line]:
    stores: dict[str, Any] = {}
    for file, table, expression, inputs, output, fixed in _SCIPY:
        path = _scipy_folder() / f"{file}.npz"
        if not path.exists():
            continue
        store = stores.setdefault(file, np.load(path))
        data = store[table]
        for column, number in fixed.items():
            data = data[data[:, column] == number]
        finite = np.isfinite(data).all(axis=1)
        data = data[finite]
        if "{a}" in expression:
            for line in data:
                text = expression.format(a=repr(float(line[inputs["a"]])))
                yield Line(f"scipy {table}", text, "float64", {"x": line[[inputs["x"]]]}, line[[output]])
            continue
        for start in range(0, len(data), _POINTS):
            some = data[start : start + _POINTS]
            at = {name: some[:, column] for name, column in inputs.items()}
            yield Line(f"scipy {table}", expression, "float64", at, some[:, output])


@dataclass(frozen=True)
class Line:
    """Some points of a table: the expression that they are of, and its values there."""

    kind: str
    expression: str
    dtype: str
    at: dict[str, NDArray[Any]]
    values: NDArray[Any]


def _case(line: Line) -> Case:
    """A case whose value is the table's; its slope is mpmath's where a function of one number has one in `trees`."""
    kind, expression, dtype, values = line.kind, line.expression, line.dtype, line.values
    points = {name: [float(v) for v in column] for name, column in line.at.items()}
    truths = {"value": Truth.of(values)}
    unary = trees.UNARY.get(expression.replace("(x)", "({})"))
    if unary is not None:
        tree = trees.Tree(expression, lambda given: [unary(n) for n in given["x"]])
        try:
            slopes = trees.truths_of(tree, points)
            truths["d/dx"] = slopes["d/dx"]
        except (trees.Beyond, ValueError, ZeroDivisionError, OverflowError):
            pass
    name = expression.split("(")[0]
    gradient: dict[str, Any] = {"of": expression, "at": points}
    if not dictionary().operations[name].differentiable:
        gradient["derivatives"] = []
    return Case("tables", kind, {"dtype": dtype, "gradient": gradient}, truths, operations=(name,))


def cases(seed: int = 0, sample: int | None = None) -> Iterator[Case]:
    """Every point of every table that a row has, or so many scenarios of them at random (the tables weigh the same)."""
    rng = random.Random(seed)
    if sample is None:
        yield from map(_case, (*_of_numpy(), *_of_scipy()))
        return
    by_kind: dict[tuple[str, str], list[Line]] = {}
    for line in (*_of_numpy(), *_of_scipy()):
        by_kind.setdefault((line.kind, line.expression.split("(")[0]), []).append(line)
    kinds = list(by_kind.values())
    for _ in range(sample):
        yield _case(rng.choice(rng.choice(kinds)))
