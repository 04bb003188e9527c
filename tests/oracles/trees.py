"""Random expressions over the rows, with value and derivative by mpmath at 100 digits.

The derivative is that along a direction, taken forwards: a number carries its value and how fast it moves as one entry of
an input moves up, or down. At a kink the two directions give the two one-sided derivatives. A function of real numbers
is real or NaN at every step; what cannot be told for sure (a pole, a root at zero, a difference that cancels beyond the
hundred digits) is not known, and held against nobody.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np

from tests.oracles.truth import Case, Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

mp = mpmath.mp.clone() if hasattr(mpmath.mp, "clone") else mpmath.MPContext()
mp.dps = 100
# Nearer than this to an edge, a pole or a difference of zero nothing is sure: neither 50 digits nor double precision are.
_NOISE = mp.mpf(10) ** -40
NAN = mp.nan


class Beyond(Exception):
    """Raised where 100 digits are not enough to be sure."""


@dataclass(frozen=True)
class Dual:
    """A real number and its directional derivative; `moves` is whether it depends on the entry that is moved.

    `sure` is whether the value is certain, `sharp` whether the derivative is.
    """

    v: Any
    t: Any = 0
    moves: bool = False
    sure: bool = True
    sharp: bool = True


def const(value: Any) -> Dual:
    return Dual(mp.mpf(value))


def _with(x: Dual, value: Any, slope: Any) -> Dual:
    """A smooth function of one number by its value and slope; the slope is called only where the number is real."""
    if isinstance(value, type(mp.mpc(0))):
        value = value.real if value.imag == 0 else NAN
    if mp.isnan(x.v) or mp.isnan(value):
        return Dual(NAN, NAN, x.moves, x.sure, sharp=not x.moves)
    if mp.isinf(x.v) or mp.isinf(value):
        return Dual(value, NAN, x.moves, x.sure and not mp.isinf(x.v), sharp=not x.moves)
    if not x.moves:
        return Dual(value, mp.mpf(0), False, x.sure, True)
    slope = slope()
    if isinstance(slope, type(mp.mpc(0))) or mp.isnan(slope) or mp.isinf(slope):
        return Dual(value, NAN, True, x.sure, sharp=False)
    return Dual(value, slope * x.t, True, x.sure, x.sharp)


def _bounded(x: Dual, limit: float) -> None:
    if not mp.isnan(x.v) and not mp.isinf(x.v) and abs(x.v) > limit:
        raise Beyond


def _not_near(x: Dual, point: Any) -> None:
    if not mp.isnan(x.v) and x.v != point and abs(x.v - point) < _NOISE:
        raise Beyond


def add(a: Dual, b: Dual) -> Dual:
    if any(mp.isnan(n.v) for n in (a, b)):
        return _nan(a, b)
    if any(mp.isinf(n.v) for n in (a, b)):
        return Dual(NAN, NAN, True, sure=False, sharp=False)
    total = a.v + b.v
    if total != 0 and abs(total) < _NOISE * max(abs(a.v), abs(b.v)):
        raise Beyond
    return _joined(a, b, total, a.t + b.t)


def _nan(*of: Dual) -> Dual:
    """NaN from a NaN: certain where all that takes part is."""
    moves = any(n.moves for n in of)
    return Dual(NAN, NAN if moves else 0, moves, all(n.sure for n in of), sharp=not moves)


def _joined(a: Dual, b: Dual, value: Any, tangent: Any) -> Dual:
    moves = a.moves or b.moves
    sharp = (a.sharp or not a.moves) and (b.sharp or not b.moves)
    return Dual(value, tangent if moves else mp.mpf(0), moves, a.sure and b.sure, sharp)


def mul(a: Dual, b: Dual) -> Dual:
    if any(mp.isnan(n.v) for n in (a, b)):
        return _nan(a, b)
    if any(mp.isinf(n.v) for n in (a, b)):
        return Dual(NAN, NAN, True, sure=False, sharp=False)
    tangent = (a.v * b.t if b.moves else 0) + (b.v * a.t if a.moves else 0)
    return _joined(a, b, a.v * b.v, tangent)


def negative(x: Dual) -> Dual:
    return mul(const(-1), x)


def subtract(a: Dual, b: Dual) -> Dual:
    return add(a, negative(b))


def reciprocal(x: Dual) -> Dual:
    if x.v == 0:
        return Dual(NAN, NAN, x.moves, sure=False, sharp=not x.moves)
    return _with(x, 1 / x.v, lambda: -1 / x.v**2)


def divide(a: Dual, b: Dual) -> Dual:
    return mul(a, reciprocal(b))


def _lipschitz(x: Dual, value: Any, slope: Callable[[], Any]) -> Dual:
    return _with(x, value, slope)


def abs_(x: Dual) -> Dual:
    if x.v == 0:
        return Dual(mp.mpf(0), abs(x.t) if x.moves else mp.mpf(0), x.moves, x.sure, x.sharp)
    return _with(x, abs(x.v), lambda: mp.sign(x.v))


def maximum(a: Dual, b: Dual) -> Dual:
    if any(mp.isnan(n.v) or mp.isinf(n.v) for n in (a, b)):
        return Dual(NAN, NAN, True, sure=False, sharp=False)
    if a.v == b.v:
        return _joined(a, b, a.v, max(a.t, b.t) if _are_numbers(a.t, b.t) else NAN)
    if abs(a.v - b.v) < _NOISE * max(abs(a.v), abs(b.v)):
        raise Beyond
    return a if a.v > b.v else b


def minimum(a: Dual, b: Dual) -> Dual:
    return negative(maximum(negative(a), negative(b)))


def _are_numbers(*of: Any) -> bool:
    return not any(mp.isnan(n) for n in of)


def relu(x: Dual) -> Dual:
    return maximum(x, const(0))


def exp(x: Dual) -> Dual:
    _bounded(x, 1e5)
    value = mp.exp(x.v)
    return _with(x, value, lambda: value)


def expm1(x: Dual) -> Dual:
    _bounded(x, 1e5)
    return _with(x, mp.expm1(x.v), lambda: mp.exp(x.v))


def exp2(x: Dual) -> Dual:
    _bounded(x, 1e5)
    return _with(x, mp.mpf(2) ** x.v, lambda: mp.mpf(2) ** x.v * mp.log(2))


def _log(x: Dual, scale: Any) -> Dual:
    _not_near(x, 1.0)
    if x.v == 0:
        return Dual(-mp.inf, NAN, x.moves, x.sure, sharp=not x.moves)
    if x.v < 0:
        return _nan_of(x)
    return _with(x, mp.log(x.v) / scale, lambda: 1 / (x.v * scale))


def _nan_of(x: Dual) -> Dual:
    """Out of the domain: certainly NaN, and no derivative is owed."""
    return Dual(NAN, NAN, x.moves, x.sure, sharp=not x.moves)


def log(x: Dual) -> Dual:
    return _log(x, mp.mpf(1))


def log1p(x: Dual) -> Dual:
    if x.v == -1:
        return Dual(-mp.inf, NAN, x.moves, x.sure, sharp=not x.moves)
    if x.v < -1:
        return _nan_of(x)
    return _with(x, mp.log1p(x.v), lambda: 1 / (1 + x.v))


def sqrt(x: Dual) -> Dual:
    if x.v < 0:
        return _nan_of(x)
    if x.v == 0:
        return Dual(mp.mpf(0), NAN, x.moves, x.sure, sharp=not x.moves)
    return _with(x, mp.sqrt(x.v), lambda: 1 / (2 * mp.sqrt(x.v)))


def rsqrt(x: Dual) -> Dual:
    return reciprocal(sqrt(x))


def square(x: Dual) -> Dual:
    return _with(x, x.v**2, lambda: 2 * x.v)


def cbrt(x: Dual) -> Dual:
    if x.v == 0:
        return Dual(mp.mpf(0), NAN, x.moves, x.sure, sharp=not x.moves)
    root = mp.sign(x.v) * mp.cbrt(abs(x.v))
    return _with(x, root, lambda: 1 / (3 * root**2))


def _smooth(value: Callable[[Any], Any], slope: Callable[[Any], Any], limit: float = 1e30) -> Callable[[Dual], Dual]:
    def apply(x: Dual) -> Dual:
        _bounded(x, limit)
        if mp.isnan(x.v):
            return _nan_of(x)
        if mp.isinf(x.v):
            return Dual(NAN, NAN, x.moves, sure=False, sharp=not x.moves)
        return _with(x, value(x.v), lambda: slope(x.v))

    return apply


def _within(
    value: Callable[[Any], Any], slope: Callable[[Any], Any], low: float, high: float
) -> Callable[[Dual], Dual]:
    """A function of an interval: NaN outside, and of no certain derivative at its ends."""
    smooth = _smooth(value, slope)

    def apply(x: Dual) -> Dual:
        if mp.isnan(x.v):
            return _nan_of(x)
        _not_near(x, low)
        _not_near(x, high)
        if x.v < low or x.v > high:
            return _nan_of(x)
        if x.v in (low, high):
            end = value(x.v)
            return Dual(end, NAN, x.moves, x.sure and not mp.isinf(end), sharp=not x.moves)
        return smooth(x)

    return apply


sin = _smooth(mp.sin, mp.cos)
cos = _smooth(mp.cos, lambda v: -mp.sin(v))
tan = _smooth(mp.tan, lambda v: mp.sec(v) ** 2)
asin = _within(mp.asin, lambda v: 1 / mp.sqrt(1 - v * v), -1, 1)
acos = _within(mp.acos, lambda v: -1 / mp.sqrt(1 - v * v), -1, 1)
atan = _smooth(mp.atan, lambda v: 1 / (1 + v * v))
sinh = _smooth(mp.sinh, mp.cosh, 1e5)
cosh = _smooth(mp.cosh, mp.sinh, 1e5)
tanh = _smooth(mp.tanh, lambda v: mp.sech(v) ** 2, 1e5)
asinh = _smooth(mp.asinh, lambda v: 1 / mp.sqrt(1 + v * v))
erf = _smooth(mp.erf, lambda v: 2 / mp.sqrt(mp.pi) * mp.exp(-v * v), 1e2)
erfc = _smooth(mp.erfc, lambda v: -2 / mp.sqrt(mp.pi) * mp.exp(-v * v), 1e2)
ndtr = _smooth(mp.ncdf, mp.npdf, 1e2)
log_ndtr = _smooth(lambda v: mp.log(mp.ncdf(v)), lambda v: mp.npdf(v) / mp.ncdf(v), 1e2)
i0 = _smooth(lambda v: mp.besseli(0, v), lambda v: mp.besseli(1, v), 2e3)
sinc = _smooth(lambda v: mp.sincpi(v), lambda v: (mp.cospi(v) - mp.sincpi(v)) / v if v else mp.mpf(0))


def sigmoid(x: Dual) -> Dual:
    return _smooth(lambda v: 1 / (1 + mp.exp(-v)), lambda v: 1 / (2 + mp.exp(v) + mp.exp(-v)), 1e5)(x)


def softplus(x: Dual) -> Dual:
    return _smooth(lambda v: mp.log1p(mp.exp(v)), lambda v: 1 / (1 + mp.exp(-v)), 1e5)(x)


def acosh(x: Dual) -> Dual:
    return _within(lambda v: mp.acosh(v).real, lambda v: 1 / mp.sqrt(v * v - 1), 1, mp.inf)(x)


def atanh(x: Dual) -> Dual:
    _not_near(x, 1)
    _not_near(x, -1)
    if abs(x.v) == 1:
        return Dual(NAN, NAN, x.moves, sure=False, sharp=not x.moves)
    return _within(mp.atanh, lambda v: 1 / (1 - v * v), -1, 1)(x)


def erfinv(x: Dual) -> Dual:
    _not_near(x, 1)
    _not_near(x, -1)
    if abs(x.v) >= 1:
        return Dual(NAN, NAN, x.moves, x.sure and abs(x.v) > 1, sharp=not x.moves)
    return _smooth(mp.erfinv, lambda v: mp.sqrt(mp.pi) / 2 * mp.exp(mp.erfinv(v) ** 2))(x)


def logit(x: Dual) -> Dual:
    _not_near(x, 1)
    if mp.isnan(x.v) or x.v < 0 or x.v > 1:
        return _nan_of(x)
    if x.v in (0, 1):
        return Dual(NAN, NAN, x.moves, sure=False, sharp=not x.moves)
    return _smooth(lambda v: mp.log(v / (1 - v)), lambda v: 1 / (v * (1 - v)))(x)


def _pole(x: Dual) -> bool:
    return bool(not mp.isnan(x.v) and x.v <= 0 and x.v == mp.floor(x.v))


def lgamma(x: Dual) -> Dual:
    if _pole(x):
        return Dual(mp.inf, NAN, x.moves, x.sure, sharp=not x.moves)
    return _smooth(lambda v: mp.log(abs(mp.gamma(v))) if abs(v) < 1e4 else mp.loggamma(v).real, mp.digamma, 1e8)(x)


def digamma(x: Dual) -> Dual:
    if _pole(x):
        return Dual(NAN, NAN, x.moves, sure=False, sharp=not x.moves)
    return _smooth(mp.digamma, _trigamma, 1e8)(x)


def _trigamma(v: Any) -> Any:
    return mp.polygamma(1, v) if v > 0 else mp.pi**2 / mp.sinpi(v) ** 2 - mp.polygamma(1, 1 - v)


def entr(x: Dual) -> Dual:
    if mp.isnan(x.v):
        return _nan_of(x)
    if x.v <= 0:
        return Dual(mp.mpf(0) if x.v == 0 else -mp.inf, NAN, x.moves, x.sure, sharp=not x.moves)
    return _smooth(lambda v: -v * mp.log(v), lambda v: -mp.log(v) - 1)(x)


def pow_(a: Dual, b: Dual) -> Dual:
    if mp.isnan(a.v) or mp.isnan(b.v):
        return Dual(NAN, NAN, True, sure=False, sharp=False)
    if a.v <= 0:
        if a.v < 0 and b.v != mp.floor(b.v):
            return _nan(Dual(NAN, NAN, a.moves or b.moves, a.sure and b.sure))
        return Dual(NAN, NAN, True, sure=False, sharp=False)
    return exp(mul(b, log(a)))


def hypot(a: Dual, b: Dual) -> Dual:
    return sqrt(add(square(a), square(b)))


def atan2(a: Dual, b: Dual) -> Dual:
    if any(mp.isnan(n.v) for n in (a, b)):
        return _nan(a, b)
    if (a.v == 0 and b.v <= 0) or any(mp.isinf(n.v) for n in (a, b)):
        return Dual(NAN, NAN, True, sure=False, sharp=False)
    norm = a.v**2 + b.v**2
    tangent = (b.v * a.t if a.moves else 0) / norm - (a.v * b.t if b.moves else 0) / norm
    return _joined(a, b, mp.atan2(a.v, b.v), tangent)


def xlogy(a: Dual, b: Dual) -> Dual:
    if any(mp.isnan(n.v) for n in (a, b)):
        return _nan(a, b)
    if a.v == 0 or b.v <= 0:
        known = a.v == 0 and b.v > 0
        return Dual(mp.mpf(0) if known else NAN, NAN, True, sure=known or b.v < 0, sharp=False)
    return mul(a, log(b))


def logaddexp(a: Dual, b: Dual) -> Dual:
    return log(add(exp(a), exp(b)))


def leaky_relu(x: Dual) -> Dual:
    return maximum(x, mul(const(0.125), x))


def elu(x: Dual) -> Dual:
    if x.v == 0:
        return x
    return x if x.v > 0 else expm1(x)


def gelu(x: Dual) -> Dual:
    return mul(x, ndtr(x))


def silu(x: Dual) -> Dual:
    return mul(x, sigmoid(x))


def softsign(x: Dual) -> Dual:
    return divide(x, add(const(1), abs_(x)))


def hardtanh(x: Dual) -> Dual:
    return maximum(minimum(x, const(1)), const(-1))


def mish(x: Dual) -> Dual:
    return mul(x, tanh(softplus(x)))


def log_sigmoid(x: Dual) -> Dual:
    return negative(softplus(negative(x)))


UNARY: dict[str, Callable[[Dual], Dual]] = {
    "exp({})": exp, "expm1({})": expm1, "exp2({})": exp2, "log({})": log, "log1p({})": log1p,
    "log2({})": lambda x: _log(x, mp.log(2)), "log10({})": lambda x: _log(x, mp.log(10)), "sqrt({})": sqrt,
    "rsqrt({})": rsqrt, "cbrt({})": cbrt, "square({})": square, "reciprocal({})": reciprocal, "(-({}))": negative,
    "abs({})": abs_, "sin({})": sin, "cos({})": cos, "tan({})": tan, "asin({})": asin, "acos({})": acos, "atan({})": atan,
    "sinh({})": sinh, "cosh({})": cosh, "tanh({})": tanh, "asinh({})": asinh, "acosh({})": acosh, "atanh({})": atanh,
    "erf({})": erf, "erfc({})": erfc, "ndtr({})": ndtr, "log_ndtr({})": log_ndtr, "i0({})": i0, "sinc({})": sinc,
    "sigmoid({})": sigmoid, "softplus({})": softplus, "erfinv({})": erfinv, "logit({})": logit, "lgamma({})": lgamma,
    "digamma({})": digamma, "entr({})": entr, "relu({})": relu, "leaky_relu({}, 0.125)": leaky_relu, "elu({})": elu,
    "gelu({})": gelu, "silu({})": silu, "softsign({})": softsign, "hardtanh({})": hardtanh, "mish({})": mish,
    "log_sigmoid({})": log_sigmoid, "(({}) ** 2)": square, "(0.5 * ({}))": lambda x: mul(const(0.5), x),
    "(({}) + 1)": lambda x: add(x, const(1)), "(1 - ({}))": lambda x: subtract(const(1), x),
    "(3 * ({}))": lambda x: mul(const(3), x),
}  # fmt: skip
BINARY: dict[str, Callable[[Dual, Dual], Dual]] = {
    "({} + {})": add, "({} - {})": subtract, "({} * {})": mul, "({} / {})": divide, "maximum({}, {})": maximum,
    "minimum({}, {})": minimum, "atan2({}, {})": atan2, "hypot({}, {})": hypot, "xlogy({}, {})": xlogy,
    "logaddexp({}, {})": logaddexp, "pow({}, {})": pow_,
}  # fmt: skip


def _folded(function: Callable[[Dual, Dual], Dual]) -> Callable[[list[Dual]], list[Dual]]:
    def apply(items: list[Dual]) -> list[Dual]:
        total = items[0]
        for item in items[1:]:
            total = function(total, item)
        return [total]

    return apply


def _mean(items: list[Dual]) -> list[Dual]:
    return [mul(Dual(mp.mpf(1) / len(items)), _folded(add)(items)[0])]


def _cumulative(items: list[Dual]) -> list[Dual]:
    return [_folded(add)(items[: n + 1])[0] for n in range(len(items))]


REDUCTIONS: dict[str, Callable[[list[Dual]], list[Dual]]] = {
    "sum({})": _folded(add), "mean({})": _mean, "prod({})": _folded(mul), "max({})": _folded(maximum),
    "min({})": _folded(minimum), "logsumexp({}, axis=0)": _folded(logaddexp),
    "euclidean_norm({})": lambda items: [sqrt(_folded(add)([square(item) for item in items])[0])],
    "cumulative_sum({}, axis=0)": _cumulative,
}  # fmt: skip
ORDINARY = (0.3, -0.7, 1.7, -2.3, 0.9, 4.5, -5.5, 2.25, 0.0625, -0.4)
ODD = (0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 1e-8, -1e-8, 1e-4, 30.0, -30.0, 100.0, -100.0, 1e10, 1e20, -1e4, 0.99999,
       1e-20, 95.0, 700.0)  # fmt: skip
TINY = {"float32": (1e-30, 7e-39, 1e-40), "float64": (1e-30, 1e-310, 1e-300)}


@dataclass(frozen=True)
class Tree:
    """An expression as text, and as a function of the inputs, each a list of numbers."""

    text: str
    of: Callable[[dict[str, list[Dual]]], list[Dual]]
    rows: tuple[str, ...] = ()


def grown(rng: random.Random, names: list[str], depth: int) -> Tree:
    """A random expression of at most this depth; elementwise, with reductions on the outside of some."""
    if depth == 0 or rng.random() < 0.1:
        name = rng.choice(names)
        return Tree(name, lambda at: at[name])
    if rng.random() < 0.3:
        text, function = rng.choice(list(BINARY.items()))
        left, right = grown(rng, names, depth - 1), grown(rng, names, depth - 1)

        def both(at: dict[str, list[Dual]]) -> list[Dual]:
            one, other = left.of(at), right.of(at)
            return [function(a, b) for a, b in zip(one, other, strict=True)]

        return Tree(text.format(left.text, right.text), both, (text, *left.rows, *right.rows))
    spelled, unary = rng.choice(list(UNARY.items()))
    inner = grown(rng, names, depth - 1)
    return Tree(spelled.format(inner.text), lambda at: [unary(a) for a in inner.of(at)], (spelled, *inner.rows))


def truths_of(tree: Tree, at: dict[str, list[float]]) -> dict[str, Truth]:
    """The value and the derivative by every entry of every input. Raises `Beyond` where 100 digits do not suffice."""
    fixed = {name: [Dual(mp.mpf(v)) for v in values] for name, values in at.items()}
    outputs = tree.of(fixed)
    scalar = tree.text.startswith(tuple(r.split("(")[0] + "(" for r in REDUCTIONS if "cumulative" not in r))
    shape: tuple[int, ...] = () if scalar else (len(outputs),)
    value = np.array([float(n.v) for n in outputs]).reshape(shape)
    found = {"value": Truth(value, np.array([n.sure for n in outputs]).reshape(shape))}
    for name, values in at.items():
        low, high, known = [], [], []
        for place, number in enumerate(values):
            slopes = []
            for direction in (1, -1):
                moved = list(fixed[name])
                moved[place] = Dual(mp.mpf(number), mp.mpf(direction), moves=True)
                moving = [n for n in tree.of({**fixed, name: moved}) if n.moves]
                sharp = all(n.sharp and n.sure and not mp.isnan(n.v) for n in moving)
                slopes.append((direction * mp.fsum(n.t for n in moving) if sharp else NAN, sharp))
            ends = (
                sorted(float(slope) for slope, _ in slopes) if all(sharp for _, sharp in slopes) else [np.nan, np.nan]
            )
            low.append(ends[0])
            high.append(ends[1])
            known.append(all(sharp for _, sharp in slopes))
        bounds = np.array(low), np.array(high)
        found[f"d/d{name}"] = Truth(bounds[1], np.array(known), *bounds)
    return found


def cases(seed: int = 0, sample: int | None = None) -> Iterator[Case]:
    """Random trees without end unless a number is given: 400 by default."""
    rng = random.Random(seed)
    left = 400 if sample is None else sample
    while left:
        names = ["x"] if rng.random() < 0.6 else ["x", "y"]
        tree = grown(rng, names, rng.choice((1, 2, 2, 3, 3, 4)))
        used = [name for name in names if any(part == name for part in _names(tree.text))]
        if not used or not tree.rows:
            continue
        if rng.random() < 0.35:
            spelled, function = rng.choice(list(REDUCTIONS.items()))
            tree = Tree(spelled.format(tree.text), _then(function, tree), (spelled, *tree.rows))
        dtype = rng.choice(("float32", "float64"))
        points = rng.choice((ORDINARY, ORDINARY, ODD, (*ORDINARY, *ODD), (*ODD, *TINY[dtype])))
        size = rng.randint(1, 4)
        at = {name: [_held(rng.choice(points), dtype) for _ in range(size)] for name in used}
        try:
            truths = truths_of(tree, at)
        except (Beyond, ValueError, ZeroDivisionError, OverflowError, mpmath.libmp.NoConvergence):
            continue
        left -= 1
        document = {"dtype": dtype, "gradient": {"of": tree.text, "at": at}}
        yield Case("trees", tree.rows[0], document, truths, operations=tree.rows)


def _then(function: Callable[[list[Dual]], list[Dual]], tree: Tree) -> Callable[[dict[str, list[Dual]]], list[Dual]]:
    return lambda at: function(tree.of(at))


def _names(text: str) -> list[str]:
    return re.findall(r"\b[a-z]\w*\b", text)


def _held(number: float, dtype: str) -> float:
    return float(np.float32(number)) if dtype == "float32" else number
