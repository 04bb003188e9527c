"""Two arrays, element by element: attributes first, then values in float64, then how far they are apart."""

from __future__ import annotations

import cmath
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.layout import moved
from tfpt_cli.compare.summary import side_of
from tfpt_cli.language.shapes import show
from tfpt_cli.results import MANY_ULP, Comparison, Measure, SideValue, State, Tolerance, Value, Verdict, Way

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Framework, Side
    from tfpt_cli.layers.layout import Layout
    from tfpt_cli.results import Quantity

# (rtol, atol) by the narrower dtype of the two: DESIGN, which follows torch.testing.assert_close but for one atol.
DEFAULTS = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}
# Bits of the significand after the leading one, by dtype: what a unit in the last place is measured in.
PRECISION = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}
_LEAST_EXPONENT = {"float16": -14, "bfloat16": -126, "float32": -126, "float64": -1022}


# Into how many blocks a side of a matrix is cut at most where its errors are shown.
BLOCKS = 32


def compare_values(
    quantity: Quantity,
    sides: Mapping[Side, tuple[Way, Value]],
    tolerance: Tolerance | None,
    *,
    layout: Layout | None = None,
) -> Comparison:
    """The comparison of one quantity, each side given as (the way it was computed, its value).

    `layout` maps the first side's axes to the second's. The verdict is `error` where a side failed, `differs` where one side
    has no value, or where shapes, dtypes or values part, else `identical` or `close`.

    >>> from tfpt_cli.frameworks import SIDES
    >>> from tfpt_cli.results import PLAIN, Quantity
    >>> one, other = (Value(State.PRESENT, np.float32([1, x]), "float32") for x in (2, 2.5))
    >>> found = compare_values(Quantity(kind="value"), dict(zip(SIDES, [(PLAIN, one), (PLAIN, other)])), None)
    >>> str(found.verdict), found.reason
    ('differs', '1 of 2 values off, worst 2 against 2.5 at [1]: 0.5 apart; would pass at rtol 0.2 or atol 0.5')
    """
    text = layout.pattern if layout is not None else ""
    shown = {side: side_of(value, how) for side, (how, value) in sides.items()}
    values = {side: value for side, (_, value) in sides.items()}
    if any(value.state is State.FAILED for value in values.values()):
        failed = [side.label for side, value in values.items() if value.state is State.FAILED]
        return Comparison(
            quantity=quantity, verdict=Verdict.ERROR, sides=shown, reason=f"{' and '.join(failed)} failed", layout=text
        )
    if any(value.state is not State.PRESENT for value in values.values()):
        return _without_value(quantity, shown, values, text)
    first, second = sides
    left, right = values[first], values[second]
    turned, reason = under_layout(left.array, right.array, layout, first.framework, second.framework)
    if turned is None:
        return Comparison(
            quantity=quantity, verdict=Verdict.DIFFERS, sides=shown, reason=reason, layout=text, diagnosis=("shape",)
        )
    rtol, atol = limits(tolerance, left.dtype, right.dtype)
    measured = measure(turned, right.array, rtol, atol, left.dtype)
    diagnosis = []
    reasons = []
    if left.dtype != right.dtype:
        diagnosis.append("dtype")
        reasons.append(f"dtypes {left.dtype} and {right.dtype}")
    flushed = flushes({first: turned, second: right.array}, left.dtype)
    if measured.mismatched:
        if not_finite_apart(turned, right.array):
            diagnosis.append("non-finite")
        diagnosis += kinds_apart(turned, right.array, rtol, atol)
        reasons.append(_apart(measured, turned, right.array))
    for side, count in flushed.items():
        diagnosis += ["subnormal"] if measured.mismatched else []
        results, them = ("result", "it") if count == 1 else ("results", "them")
        keeps = f"{(second if side is first else first).label} keeps {them}"
        reasons.append(f"{side.label} flushes {count} subnormal {results} to zero, {keeps}")
    if diagnosis or measured.mismatched:
        diagnosis = list(dict.fromkeys(diagnosis))
        verdict = Verdict.DIFFERS
    else:
        verdict = Verdict.IDENTICAL if measured.max_abs == 0 else Verdict.CLOSE
        if verdict is Verdict.CLOSE:
            units = (
                f", {measured.max_ulp:,} ULP" if measured.max_ulp is not None and measured.max_ulp < MANY_ULP else ""
            )
            reasons.insert(0, f"at most {measured.max_abs:.2g} apart{units}")
    return Comparison(
        quantity=quantity,
        verdict=verdict,
        sides=shown,
        reason="; ".join(reasons),
        layout=text,
        measure=measured,
        tolerance={"rtol": rtol, "atol": atol},
        diagnosis=tuple(diagnosis),
        errors=error_map(turned, right.array) if verdict is Verdict.DIFFERS else (),
        flushed=frozenset(flushed),
    )


def error_map(left: NDArray[Any], right: NDArray[Any]) -> tuple[tuple[float, ...], ...]:
    """The greatest absolute difference in each block of two matrices of one shape, at most `BLOCKS` blocks a side.

    It is empty for arrays that are no matrices of at least two rows and two columns.

    >>> error_map(np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 7]]))
    ((0.0, 0.0), (0.0, 3.0))
    """
    if left.ndim != 2 or min(left.shape) < 2:
        return ()
    with np.errstate(all="ignore"):
        apart = np.abs(left.astype(np.complex128 if left.dtype.kind == "c" else np.float64) - right)
        apart = np.where(left == right, 0.0, apart)  # equal infinities
        for axis in (0, 1):
            starts = np.unique(np.linspace(0, apart.shape[axis], BLOCKS, endpoint=False).astype(int))
            apart = np.maximum.reduceat(apart, starts, axis=axis)
    return tuple(tuple(float(number) for number in row) for row in apart)


def _without_value(
    quantity: Quantity, shown: dict[Side, SideValue], values: Mapping[Side, Value], layout: str
) -> Comparison:
    states = {side: value.state for side, value in values.items()}
    if len(set(states.values())) == 1:
        words = {State.DISCONNECTED: "None on both sides", State.ABSENT: "neither side has it"}
        return Comparison(
            quantity=quantity,
            verdict=Verdict.IDENTICAL,
            sides=shown,
            reason=words[next(iter(states.values()))],
            layout=layout,
        )
    (missing,) = (side for side, state in states.items() if state is not State.PRESENT)
    (there,) = (side for side in states if side is not missing)
    if states[missing] is State.ABSENT:
        reason = f"only {there.label} has it"
        return Comparison(
            quantity=quantity, verdict=Verdict.DIFFERS, sides=shown, reason=reason, layout=layout, diagnosis=("absent",)
        )
    has = "zero" if not np.any(values[there].array) else "a value"
    reason = f"{missing.label} answers None (not connected), {there.label} {has}"
    return Comparison(
        quantity=quantity,
        verdict=Verdict.DIFFERS,
        sides=shown,
        reason=reason,
        layout=layout,
        diagnosis=("disconnected",),
    )


def close(a: NDArray[Any], b: NDArray[Any], rtol: float, atol: Any) -> NDArray[np.bool_]:
    """Where two arrays are close, entry by entry: an array of booleans.

    The test is symmetric. A NaN is close to a NaN, an infinity to the same infinity, and neither to anything else.

    >>> close(np.array([1.0, np.nan, np.inf]), np.array([1.01, np.nan, 9.0]), rtol=0.1, atol=0.0).tolist()
    [True, True, False]
    """
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        finite = np.isfinite(a) & np.isfinite(b)
        near: NDArray[np.bool_] = same | (finite & (np.abs(a - b) <= atol + rtol * np.maximum(np.abs(a), np.abs(b))))
    return near


def same_number(a: complex, b: complex) -> bool:
    """Whether two numbers are equal, where a NaN counts as equal to a NaN.

    >>> same_number(float("nan"), float("nan")), same_number(1.0, 1.0001)
    (True, False)
    """
    return bool(a == b or (a != a and b != b))


def close_numbers(a: complex, b: complex, tolerance: Mapping[str, float]) -> bool:
    """Whether two numbers are close as `close` says it of arrays; whole ones are compared as they are, however large."""
    if same_number(a, b) or not (cmath.isfinite(a) and cmath.isfinite(b)):
        return same_number(a, b)
    return bool(abs(a - b) <= tolerance["atol"] + tolerance["rtol"] * max(abs(a), abs(b)))


def kinds_apart(left: NDArray[np.generic], right: NDArray[np.generic], rtol: float, atol: float) -> list[str]:
    """The kinds of values that stand against each other where two arrays part.

    They are `nan` and `infinity` where either side has one, `zero` where only one side is zero, and `number` for two other
    numbers.

    >>> kinds_apart(np.array([1.0, 0.0, 5.0]), np.array([np.nan, 3.0, 5.0]), rtol=0.0, atol=0.0)
    ['nan', 'zero']
    """
    wide: Any = np.complex128 if "c" in (left.dtype.kind, right.dtype.kind) else np.float64
    a, b = left.astype(wide), right.astype(wide)
    apart = ~close(a, b, rtol, atol)
    a, b = a[apart], b[apart]
    nan = np.isnan(a) | np.isnan(b)
    infinite = ~nan & (np.isinf(a) | np.isinf(b))
    zero = ~nan & ~infinite & ((a == 0) | (b == 0))
    found = {"nan": nan, "infinity": infinite, "zero": zero, "number": ~nan & ~infinite & ~zero}
    return [kind for kind, where in found.items() if where.any()]


def flushes(sides: Mapping[Side, NDArray[np.generic]], dtype: str) -> dict[Side, int]:
    """The number of results, by side, that are zero there and on the other side less than the least normal number of the dtype.

    >>> flushes({"torch": np.array([0.0, 1.0]), "tensorflow": np.array([1e-40, 1.0])}, "float32")
    {'torch': 1}
    """
    left, right = sides.values()
    if dtype not in PRECISION or left.dtype.kind != "f" or right.dtype.kind != "f":
        return {}
    a, b, least = np.abs(left.astype(np.float64)), np.abs(right.astype(np.float64)), 2.0 ** _LEAST_EXPONENT[dtype]
    counts = {
        side: int(np.count_nonzero((ours == 0) & (theirs > 0) & (theirs < least)))
        for side, ours, theirs in zip(sides, (a, b), (b, a), strict=True)
    }
    return {side: count for side, count in counts.items() if count}


def under_layout(
    left: NDArray[np.generic],
    right: NDArray[np.generic],
    layout: Layout | None,
    first: Framework,
    second: Framework,
) -> tuple[NDArray[np.generic] | None, str]:
    """The first framework's array with its axes in the second's order, and an empty text.

    Where the shapes do not fit it is None, and the text is the reason.
    """
    turned = moved(left, layout, first, second) if layout is not None and layout.pattern else left
    if turned is not None and turned.shape == right.shape:
        return turned, ""
    under = f" under '{layout.pattern}'" if layout is not None and layout.pattern else ""
    return None, f"shapes {show(left.shape)} and {show(right.shape)}{under}"


def limits(tolerance: Tolerance | None, *dtypes: str) -> tuple[float, float]:
    """(rtol, atol): the scenario's, or the defaults of the coarser dtype; whole numbers and truth values must be equal.

    >>> limits(None, "float32", "float16")
    (0.001, 1e-05)
    >>> limits(None, "int64")
    (0.0, 0.0)
    """
    if tolerance is not None:
        return tolerance.rtol, tolerance.atol
    return max((DEFAULTS[dtype] for dtype in dtypes if dtype in DEFAULTS), default=(0.0, 0.0))


def measure(left: NDArray[np.generic], right: NDArray[np.generic], rtol: float, atol: float, dtype: str) -> Measure:
    """How far two arrays of one shape are apart under `|a - b| <= atol + rtol * max(|a|, |b|)`.

    NaN equals NaN in place, an infinity equals the same infinity; neither is within any tolerance of anything else.
    `max_ulp` counts units in the last place of `dtype` (the smaller unit of the two values).

    >>> found = measure(np.array([1.0, 2.0]), np.array([1.0, 2.5]), rtol=0.1, atol=0.0, dtype="float64")
    >>> found.mismatched, found.max_abs, found.max_rel, found.worst_index
    (1, 0.5, 0.2, (1,))
    """
    exact = left.dtype.kind in "iub" and right.dtype.kind in "iub"
    wide: Any = np.int64 if exact else (np.complex128 if "c" in (left.dtype.kind, right.dtype.kind) else np.float64)
    a: NDArray[Any] = left.astype(wide)
    b: NDArray[Any] = right.astype(wide)
    with np.errstate(all="ignore"):
        same = (a == b) | ((a != a) & (b != b))
        comparable = same | (np.isfinite(a) & np.isfinite(b))
        difference = np.where(same, 0, np.abs(a - b)).astype(np.float64)
        scale = np.where(same, 0, np.maximum(np.abs(a), np.abs(b))).astype(np.float64)
        within = same | (comparable & (difference <= atol + rtol * scale))
        relative = np.where(same, 0.0, difference / scale)
    size, mismatched = int(a.size), int(np.count_nonzero(~within))
    if not size or bool(same.all()):
        return Measure(
            size=size,
            mismatched=mismatched,
            max_abs=0.0,
            max_rel=0.0,
            max_ulp=0,
            worst_index=None,
            passes_at={"rtol": 0.0, "atol": 0.0},
        )
    if not bool(comparable.all()):
        worst = _index(~comparable)
        known = comparable & ~same
        return Measure(
            size=size,
            mismatched=mismatched,
            max_abs=float(difference[known].max()) if known.any() else None,
            max_rel=float(relative[known].max()) if known.any() else None,
            max_ulp=None,
            worst_index=worst,
            passes_at=None,
        )
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(difference)), a.shape))
    with np.errstate(all="ignore"):
        needed_rtol = np.where(difference > atol, (difference - atol) / scale, 0.0).max()
        needed_atol = np.maximum(difference - rtol * scale, 0.0).max()
    smaller = np.minimum(np.abs(a), np.abs(b))
    counted = int(ulps(smaller, difference, dtype)) if dtype in PRECISION and wide is np.float64 else None
    passes = {"rtol": float(needed_rtol), "atol": float(needed_atol)}
    return Measure(
        size=size,
        mismatched=mismatched,
        max_abs=float(difference.max()),
        max_rel=float(relative.max()),
        max_ulp=counted,
        worst_index=worst,
        passes_at=passes,
    )


def ulps(of: NDArray[Any], difference: NDArray[np.float64], dtype: str) -> float:
    """The greatest of some differences, counted in units in the last place that `dtype` has at the values `of`.

    >>> ulps(np.array([1.0, 1024.0]), np.array([2.0**-23, 2.0**-12]), "float32")
    2.0
    """
    least, size = _LEAST_EXPONENT[dtype], np.abs(of)
    exponent = np.where(size == 0, least, np.maximum(np.frexp(size)[1] - 1, least))
    with np.errstate(all="ignore"):
        counts = np.ldexp(difference, PRECISION[dtype] - exponent)
    return min(float(np.max(counts)), 2.0**62)


def _index(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))


def not_finite_apart(left: NDArray[np.generic], right: NDArray[np.generic]) -> bool:
    """Whether a NaN or an infinity stands on one side only, or two different ones in one place."""
    if left.dtype.kind not in "fc" and right.dtype.kind not in "fc":
        return False
    a, b = left.astype(np.complex128), right.astype(np.complex128)
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
    return bool(np.any(~same & ~(np.isfinite(a) & np.isfinite(b))))


def _apart(measured: Measure, left: NDArray[np.generic], right: NDArray[np.generic]) -> str:
    index = measured.worst_index or ()
    place = f" at [{', '.join(map(str, index))}]" if index else ""
    count = f"{measured.mismatched:,} of {measured.size:,} values off, " if measured.size > 1 else ""
    pair = f"{left[index]:.6g} against {right[index]:.6g}"
    if measured.passes_at is None or measured.max_abs is None or measured.max_rel is None:
        return f"{count}{pair}{place}"
    needed = f"would pass at rtol {_rounded_up(measured.passes_at['rtol'])} or atol {_rounded_up(measured.passes_at['atol'])}"
    return f"{count}worst {pair}{place}: {measured.max_abs:.3g} apart; {needed}"


def _rounded_up(value: float) -> str:
    """Two significant digits, never less than the value: what is printed must pass when it is put into a scenario."""
    text = f"{value:.1e}"
    if float(text) < value:
        mantissa, exponent = text.split("e")
        text = f"{float(mantissa) + 0.1:.1f}e{exponent}"
    return f"{float(text):.2g}"
