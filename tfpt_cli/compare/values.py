"""Two values of both sides: attributes first, then the numbers, then how far they are apart and in what words."""

from __future__ import annotations

import cmath
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tfpt_cli.compare.distance import (
    GREATEST_NUMBER,
    HUGE,
    coarser,
    error_map,
    flushes,
    measured,
)
from tfpt_cli.compare.layout import moved
from tfpt_cli.compare.summary import side_of
from tfpt_cli.language.shapes import show
from tfpt_cli.results import MANY_ULP, Comparison, Diagnosis, Measure, State, Tolerance, Value, Verdict, Way

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Framework, Side
    from tfpt_cli.layers.layout import Layout
    from tfpt_cli.results import Quantity

# Up to so many bytes an array whose axes are turned is copied: in its new order it is read in half the time.
_COPIED = 1 << 28
# (rtol, atol) by the narrower dtype of the two: those of torch.testing.assert_close but for one atol.
DEFAULTS = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


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
    values = {side: value for side, (_, value) in sides.items()}
    shown = {side: side_of(value, how) for side, (how, value) in sides.items()}
    return replace(_compared(quantity, values, tolerance, layout), sides=shown)


def _compared(
    quantity: Quantity, values: Mapping[Side, Value], tolerance: Tolerance | None, layout: Layout | None
) -> Comparison:
    """The comparison of two values, without what is shown of them."""
    found = Comparison(
        quantity=quantity, verdict=Verdict.DIFFERS, sides={}, layout=layout.pattern if layout is not None else ""
    )
    if any(value.state is State.FAILED for value in values.values()):
        failed = [side.label for side, value in values.items() if value.state is State.FAILED]
        return replace(found, verdict=Verdict.ERROR, reason=f"{' and '.join(failed)} failed")
    if any(value.state is not State.PRESENT for value in values.values()):
        return _without_value(found, values)
    first, second = values
    left, right = values[first], values[second]
    turned, reason = under_layout(left.array, right.array, layout, first.framework, second.framework)
    if turned is None:
        return replace(found, reason=reason, diagnosis=(Diagnosis.SHAPE,))
    rtol, atol = limits(tolerance, left.dtype, right.dtype)
    measure, kinds = measured(turned, right.array, rtol, atol, coarser(left.dtype, right.dtype))
    diagnosis: list[Diagnosis] = []
    reasons = []
    if left.dtype == right.dtype:
        flushed = flushes({first: turned, second: right.array}, left.dtype)
    else:  # what is subnormal in one dtype is an ordinary number of the other, or none
        flushed = {}
        diagnosis.append(Diagnosis.DTYPE)
        reasons.append(f"dtypes {left.dtype} and {right.dtype}")
    if measure.mismatched:
        diagnosis += [Diagnosis.NON_FINITE, *kinds] if measure.passes_at is None else kinds
        reasons.append(_apart(measure, turned, right.array))
    for side, count in flushed.items():
        diagnosis += [Diagnosis.SUBNORMAL] if measure.mismatched else []
        results, them = ("result", "it") if count == 1 else ("results", "them")
        keeps = f"{(second if side is first else first).label} keeps {them}"
        reasons.append(f"{side.label} flushes {count} subnormal {results} to zero, {keeps}")
    if diagnosis or measure.mismatched:
        diagnosis = list(dict.fromkeys(diagnosis))
        verdict = Verdict.DIFFERS
    else:
        verdict = Verdict.IDENTICAL if measure.max_abs == 0 else Verdict.CLOSE
        if verdict is Verdict.CLOSE:
            units = f", {measure.max_ulp:,} ULP" if measure.max_ulp is not None and measure.max_ulp < MANY_ULP else ""
            reasons.insert(0, f"at most {measure.max_abs:.2g} apart{units}")
    return replace(
        found,
        verdict=verdict,
        reason="; ".join(reasons),
        measure=measure,
        tolerance={"rtol": rtol, "atol": atol},
        diagnosis=tuple(diagnosis),
        errors=error_map(turned, right.array) if verdict is Verdict.DIFFERS else (),
        flushed=frozenset(flushed),
    )


def _without_value(found: Comparison, values: Mapping[Side, Value]) -> Comparison:
    """The comparison where a side has no value."""
    states = {side: value.state for side, value in values.items()}
    if len(set(states.values())) == 1:
        words = {State.DISCONNECTED: "None on both sides", State.ABSENT: "neither side has it"}
        return replace(found, verdict=Verdict.IDENTICAL, reason=words[next(iter(states.values()))])
    (missing,) = (side for side, state in states.items() if state is not State.PRESENT)
    (there,) = (side for side in states if side is not missing)
    if states[missing] is State.ABSENT:
        return replace(found, reason=f"only {there.label} has it", diagnosis=(Diagnosis.ABSENT,))
    has = "zero" if not np.any(values[there].array) else "a value"
    reason = f"{missing.label} answers None (not connected), {there.label} {has}"
    return replace(found, reason=reason, diagnosis=(Diagnosis.DISCONNECTED,))


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
    rtol, atol = tolerance["rtol"], tolerance["atol"]
    if max(abs(part) for number in (a, b) for part in (number.real, number.imag)) > HUGE:
        a, b, atol = a / 4, b / 4, atol / 4  # of which the difference and what is allowed are numbers
    return bool(abs(a - b) <= atol + rtol * max(abs(a), abs(b)))


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
        return np.asarray(turned, order="C" if turned.nbytes <= _COPIED else None), ""
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


def _apart(measure: Measure, left: NDArray[np.generic], right: NDArray[np.generic]) -> str:
    index = measure.worst_index or ()
    place = f" at [{', '.join(map(str, index))}]" if index else ""
    count = f"{measure.mismatched:,} of {measure.size:,} values off, " if measure.size > 1 else ""
    pair = f"{left[index]:.6g} against {right[index]:.6g}"
    if measure.passes_at is None or measure.max_abs is None:
        return f"{count}{pair}{place}"
    needed = f"would pass at rtol {_rounded_up(measure.passes_at['rtol'])}"
    if measure.passes_at["atol"] <= GREATEST_NUMBER:  # an infinity is no tolerance
        needed += f" or atol {_rounded_up(measure.passes_at['atol'])}"
    distance = f"{measure.max_abs:.3g}" if measure.max_abs < math.inf else f"more than {GREATEST_NUMBER:.3g}"
    return f"{count}worst {pair}{place}: {distance} apart; {needed}"


def _rounded_up(value: float) -> str:
    """Two significant digits, never less than the value: what is printed must pass when it is put into a scenario."""
    text = f"{value:.1e}"
    if float(text) < value:
        mantissa, exponent = text.split("e")
        text = f"{float(mantissa) + 0.1:.1f}e{exponent}"
    # Next to the greatest number there are no two digits to round up to.
    return f"{float(text):.2g}" if float(text) <= GREATEST_NUMBER else repr(value)
