"""A verdict never lies: pairs whose true relation is known are given to the comparison of every subject.

A pair is made of numbers and of one thing that was done to them: nothing, k units in the last place, axes or entries in another
order, a NaN that moved, another dtype, one element that is gone, a derivative that is not connected, the numbers of two layers
exchanged. What the verdict must be is known from how the pair was made, by exact arithmetic where it depends on a tolerance.
Every pair is compared both ways round. No framework is started: the outcomes of both sides are made by hand.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.gradients import BY_W, BY_X, FAILED, NONE, OUTPUT, PRODUCT, gradients, scenario
from tests.sides import TENSORFLOW, TORCH
from tfpt_cli.compare.distance import largest, relative_distance
from tfpt_cli.compare.summary import SHOWN
from tfpt_cli.dictionary.rows import unstable_operations
from tfpt_cli.frameworks import FRAMEWORKS, SIDES
from tfpt_cli.layers.initializers import formula
from tfpt_cli.layers.layout import Layout
from tfpt_cli.layers.parameters import FilledParameter, Initialization
from tfpt_cli.results import (
    PLAIN,
    Comparison,
    Kind,
    Outcome,
    Quantity,
    Standing,
    State,
    Tolerance,
    Value,
    Verdict,
    Way,
)
from tfpt_cli.results.layers import SAME
from tfpt_cli.subjects.gradient.aspects import (
    ALONG,
    AT_NAN,
    CONDITION,
    DIRECTION,
    LEFT,
    OWN,
    RIGHT,
    UNDECIDED,
    Aspect,
)
from tfpt_cli.subjects.gradient.comparer import doubtful
from tfpt_cli.subjects.init.spec import DRAWS, Init
from tfpt_cli.subjects.init.subject import compare as compare_parameters
from tfpt_cli.subjects.model.comparer import (
    SAME_IN_FLOAT32,
    SAME_IN_SINGLE,
    Both,
    array_of,
    exchanged,
    other_order,
    scales,
    with_ones,
    with_ones_of,
)
from tfpt_cli.subjects.model.comparer import Comparer as ModelComparer
from tfpt_cli.subjects.model.spec import gradient_quantity, output_quantity
from tfpt_cli.subjects.model.writer import DOUBLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side, Sides

# How a function draws from a strategy, in a composite one and in a test.
Draw = Callable[[st.SearchStrategy[Any]], Any]
# (rtol, atol) where a scenario says nothing, as `torch.testing.assert_close` has them but for one atol.
USUAL = {"float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


def value(array: Any, dtype: str = "") -> Value:
    """A value that is there, in the dtype of its array unless another one is named."""
    array = np.asarray(array)
    return Value(State.PRESENT, array, dtype or str(array.dtype))


# ---- pairs whose relation is known


@dataclass(frozen=True)
class Related:
    """Two values with what must be said of them: the verdict, and the words of the diagnosis where it is `differs`."""

    one: Value
    other: Value
    verdict: Verdict
    diagnosis: tuple[str, ...] = ()


@st.composite
def arrays(draw: st.DrawFn, dtype: str = "float32", least: int = 1) -> NDArray[Any]:
    """Numbers that are all different and far apart: whole numbers of either sign, some divided by a power of two."""
    shape = draw(hnp.array_shapes(min_dims=least, max_dims=3, min_side=2, max_side=4))
    size = math.prod(shape)
    numbers = draw(st.lists(st.integers(1, 500), min_size=size, max_size=size, unique=True))
    signs = draw(st.lists(st.sampled_from([1, -1]), min_size=size, max_size=size))
    scale = draw(st.sampled_from([1.0, 0.25, 4.0])) if np.dtype(dtype).kind in "fc" else 1
    found: NDArray[Any] = np.array(numbers) * np.array(signs) * scale
    return found.astype(dtype).reshape(shape)


def place_in(draw: Draw, array: NDArray[Any]) -> tuple[int, ...]:
    """The place of one number of an array."""
    return tuple(draw(st.integers(0, length - 1)) for length in array.shape)


def with_number(array: NDArray[Any], place: tuple[int, ...], number: Any) -> NDArray[Any]:
    """A copy of an array with another number at one place."""
    changed = array.copy()
    changed[place] = number
    return changed


def truly_close(one: NDArray[Any], other: NDArray[Any], rtol: float, atol: float) -> bool:
    """Whether all numbers are close, in exact arithmetic; a case that lies within rounding of the limit is not asked."""
    for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True):
        apart = abs(Fraction(a) - Fraction(b))
        allowed = Fraction(atol) + Fraction(rtol) * max(abs(Fraction(a)), abs(Fraction(b)))
        assume(apart == 0 or abs(apart - allowed) > allowed / 10**9)
        if apart > allowed:
            return False
    return True


def nothing_done(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    return Related(value(numbers), value(numbers.copy()), Verdict.IDENTICAL)


def other_strides(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    return Related(value(numbers), value(np.asfortranarray(numbers)), Verdict.IDENTICAL)


def a_number_changed(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    place = place_in(draw, numbers)
    other = with_number(numbers, place, 2 * numbers[place])
    return Related(value(numbers), value(other), Verdict.DIFFERS, ("number",))


def a_sign_changed(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    place = place_in(draw, numbers)
    return Related(value(numbers), value(with_number(numbers, place, -numbers[place])), Verdict.DIFFERS, ("number",))


def a_number_zeroed(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    other = with_number(numbers, place_in(draw, numbers), 0)
    return Related(value(numbers), value(other), Verdict.DIFFERS, ("zero",))


def a_zero_with_the_other_sign(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    place = place_in(draw, numbers)
    return Related(value(with_number(numbers, place, 0.0)), value(with_number(numbers, place, -0.0)), Verdict.IDENTICAL)


def transposed(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype, least=2))
    other = np.ascontiguousarray(np.swapaxes(numbers, 0, -1))
    square = numbers.shape == other.shape
    return Related(value(numbers), value(other), Verdict.DIFFERS, ("number",) if square else ("shape",))


def permuted(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    axis = draw(st.integers(0, numbers.ndim - 1))
    order = draw(st.permutations(range(numbers.shape[axis])))
    verdict = Verdict.IDENTICAL if list(order) == sorted(order) else Verdict.DIFFERS
    other = np.take(numbers, order, axis)
    return Related(value(numbers), value(other), verdict, () if verdict.agrees else ("number",))


def a_nan_that_moved(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    here, there = place_in(draw, numbers), place_in(draw, numbers)
    one, other = (with_number(numbers, place, np.nan) for place in (here, there))
    if here == there:
        return Related(value(one), value(other), Verdict.IDENTICAL)
    return Related(value(one), value(other), Verdict.DIFFERS, ("non-finite", "nan"))


def a_nan_on_one_side(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    other = with_number(numbers, place_in(draw, numbers), np.nan)
    return Related(value(numbers), value(other), Verdict.DIFFERS, ("non-finite", "nan"))


def an_infinity_with_the_other_sign(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    place = place_in(draw, numbers)
    one, other = (with_number(numbers, place, sign * np.inf) for sign in (1, draw(st.sampled_from([1, -1]))))
    if (one == other).all():
        return Related(value(one), value(other), Verdict.IDENTICAL)
    return Related(value(one), value(other), Verdict.DIFFERS, ("non-finite", "infinity"))


def another_dtype(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))  # which every dtype that is wider has too
    wider = {"int64": "float64", "float64": "complex128", "float32": "float64", "complex128": "complex64"}[dtype]
    return Related(value(numbers), value(numbers.astype(wider)), Verdict.DIFFERS, ("dtype",))


def one_element_gone(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    flat = numbers.ravel()
    if numbers.ndim == 1:
        return Related(
            value(flat), value(np.delete(flat, draw(st.integers(0, flat.size - 1)))), Verdict.DIFFERS, ("shape",)
        )
    axis = draw(st.integers(0, numbers.ndim - 1))
    fewer = np.delete(numbers, draw(st.integers(0, numbers.shape[axis] - 1)), axis)
    return Related(value(numbers), value(fewer), Verdict.DIFFERS, ("shape",))


def not_connected(draw: Draw, dtype: str) -> Related:
    numbers = draw(arrays(dtype))
    there = value(draw(st.sampled_from([numbers, np.zeros_like(numbers)])))
    return Related(there, NONE, Verdict.DIFFERS, ("disconnected",))


def not_connected_on_both_sides(draw: Draw, dtype: str) -> Related:  # noqa: ARG001
    return Related(NONE, NONE, Verdict.IDENTICAL)


def not_there(draw: Draw, dtype: str) -> Related:
    return Related(value(draw(arrays(dtype))), Value(State.ABSENT), Verdict.DIFFERS, ("absent",))


def failed(draw: Draw, dtype: str) -> Related:
    there = draw(st.sampled_from([NONE, FAILED, value(draw(arrays(dtype)))]))
    return Related(there, FAILED, Verdict.ERROR)


def nothing_in_it(draw: Draw, dtype: str) -> Related:
    shape = draw(st.permutations([0, 3]))
    numbers = np.zeros(shape, dtype)
    if draw(st.booleans()):
        return Related(value(numbers), value(numbers.copy()), Verdict.IDENTICAL)
    return Related(value(numbers), value(numbers.T.copy()), Verdict.DIFFERS, ("shape",))


EVERYWHERE = (
    nothing_done, other_strides, a_number_changed, a_sign_changed, a_number_zeroed, transposed, permuted, another_dtype,
    one_element_gone, not_connected, not_connected_on_both_sides, not_there, failed, nothing_in_it,
)  # fmt: skip
OF_FLOATS = (a_zero_with_the_other_sign, a_nan_that_moved, a_nan_on_one_side, an_infinity_with_the_other_sign)
# Of each the comparison must hold in every dtype; whole numbers are no NaN.
CASES = [(relation, dtype) for dtype in ("float32", "float64", "complex128") for relation in (*EVERYWHERE, *OF_FLOATS)]
CASES += [(relation, "int64") for relation in EVERYWHERE]
NAMES = [f"{relation.__name__}-{dtype}" for relation, dtype in CASES]


def ulps_away(number: Any, k: int) -> Any:
    """The number that is k units in the last place away from one of float32 or float64."""
    bits = {4: np.int32, 8: np.int64}[number.dtype.itemsize]
    return (number.view(bits) + bits(k)).view(number.dtype)


@st.composite
def ulps_apart(draw: st.DrawFn, dtype: str) -> tuple[NDArray[Any], NDArray[Any], int]:
    """Two arrays of which one number is k units in the last place away from the other, within one power of two."""
    numbers = draw(arrays(dtype))
    place = place_in(draw, numbers)
    k = draw(st.one_of(st.integers(1, 40), st.integers(41, 1 << 22)))
    power = np.asarray(2.0 ** draw(st.integers(-12, 12)) * (1 + draw(st.integers(0, 100)) / 256), dtype)
    numbers[place] = draw(st.sampled_from([1, -1])) * power
    other = with_number(numbers, place, ulps_away(numbers[place], k))
    return numbers, other, k


# ---- gradient


def gradient_of_both(one: Value, other: Value, **more: Any) -> Comparison:
    """The one comparison of a gradient, which comes out the same the other way round."""
    (found,) = gradients({BY_X: one}, {BY_X: other}, **more)
    if "again" not in more and "reference" not in more:
        (back,) = gradients({BY_X: other}, {BY_X: one}, **more)
        assert mirrored(found) == mirrored(back, back=True)
    return found


def mirrored(found: Comparison, *, back: bool = False) -> tuple[object, ...]:
    """What of a comparison may not depend on which side is which."""
    first, second = (found.sides[side].state for side in (SIDES[::-1] if back else SIDES))
    return found.verdict, found.diagnosis, found.measure, repr(found.errors), first, second


def held(found: Comparison, related: Related) -> None:
    """Asserts what is known of a pair, and that the record agrees with itself."""
    assert (found.verdict, found.diagnosis[: len(related.diagnosis)]) == (related.verdict, related.diagnosis)
    assert found.verdict.agrees == (not found.diagnosis) or found.verdict is Verdict.ERROR
    if found.measure is not None:
        parted = found.verdict is Verdict.DIFFERS and found.diagnosis != ("dtype",)
        assert bool(found.measure.mismatched) == parted


@settings(max_examples=12)
@pytest.mark.parametrize(("relation", "dtype"), CASES, ids=NAMES)
@given(data=st.data())
def test_a_gradient(relation: Callable[[Draw, str], Related], dtype: str, data: st.DataObject) -> None:
    """Of a pair whose relation is known the subject `gradient` says it, either way round."""
    related = relation(data.draw, dtype)
    found = gradient_of_both(related.one, related.other)
    held(found, related)
    states = {side.state for side in found.sides.values()}
    if states == {State.PRESENT, State.DISCONNECTED}:
        has = "a value" if np.any(related.one.array) else "zero"
        assert found.reason == f"TensorFlow answers None (not connected), PyTorch {has}"
    if related.verdict is Verdict.ERROR:
        assert found.reason in ("TensorFlow failed", "PyTorch and TensorFlow failed")


@settings(max_examples=60)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(data=st.data())
def test_a_gradient_some_units_in_the_last_place_away(dtype: str, data: st.DataObject) -> None:
    """Close or not is what exact arithmetic says, at the usual tolerance and at one of the scenario's; the units are counted."""
    one, other, k = data.draw(ulps_apart(dtype))
    tolerance = data.draw(
        st.none() | st.builds(Tolerance, st.sampled_from([0.0, 1e-6, 1e-3]), st.sampled_from([0.0, 1e-4]))
    )
    rtol, atol = USUAL[dtype] if tolerance is None else (tolerance.rtol, tolerance.atol)
    close = truly_close(one, other, rtol, atol)
    found = gradient_of_both(value(one), value(other), tolerance=tolerance)
    assert found.verdict is (Verdict.CLOSE if close else Verdict.DIFFERS)
    assert found.measure is not None
    assert (found.measure.max_ulp, found.measure.mismatched) == (k, int(not close))
    assert found.tolerance == {"rtol": rtol, "atol": atol}
    if close:
        assert f" apart, {k:,} ULP" in found.reason


@settings(max_examples=100)
@given(data=st.data(), dtype=st.sampled_from(["int64", "uint64", "int32", "uint8"]))
def test_whole_numbers_anywhere(data: st.DataObject, dtype: str) -> None:
    """As far apart as they may be: a difference that is no int64 is none the less."""
    info = np.iinfo(dtype)
    whole = st.one_of(st.integers(info.min, info.max), st.sampled_from([info.min, info.max, 0]))
    one, other = data.draw(whole), data.draw(whole)
    tolerance = data.draw(st.sampled_from([None, Tolerance(0.0, 2.0), Tolerance(0.1, 0.0)]))
    rtol, atol = (0.0, 0.0) if tolerance is None else (tolerance.rtol, tolerance.atol)
    arrays_ = np.array([one, 7], dtype), np.array([other, 7], dtype)
    close = truly_close(*arrays_, rtol, atol)
    found = gradient_of_both(*map(value, arrays_), tolerance=tolerance)
    assert found.verdict is (Verdict.IDENTICAL if one == other else Verdict.CLOSE if close else Verdict.DIFFERS)
    assert found.measure is not None
    assert found.measure.max_abs == pytest.approx(abs(one - other), rel=1e-12)
    apart = abs(one - other) / max(abs(one), abs(other), 7)
    assert relative_distance(*arrays_) == pytest.approx(apart, rel=1e-12)
    assert largest(arrays_[0]) == pytest.approx(max(abs(one), 7), rel=1e-12)


def test_complex_numbers_whose_magnitude_overflows() -> None:
    """Each part is a number, and half of one is not close to all of it."""
    one, other = np.array([complex(1.5e308, 1.5e308)]), np.array([complex(0.7e308, 1.5e308)])
    assert gradient_of_both(value(one), value(other)).verdict is Verdict.DIFFERS
    assert gradient_of_both(value(one), value(one)).verdict is Verdict.IDENTICAL


@settings(max_examples=30)
@given(numbers=arrays("float32"), data=st.data())
def test_gradients_of_two_inputs_exchanged(numbers: NDArray[Any], data: st.DataObject) -> None:
    """What belongs to one input is held against that input, whatever the order in which it was left."""
    place = place_in(data.draw, numbers)
    second = with_number(numbers, place, 3 * numbers[place])
    one = {BY_X: value(numbers), BY_W: value(second)}
    assert [c.verdict for c in gradients(one, {BY_W: value(second), BY_X: value(numbers)})] == [Verdict.IDENTICAL] * 2
    assert [c.verdict for c in gradients(one, {BY_X: value(second), BY_W: value(numbers)})] == [Verdict.DIFFERS] * 2
    # What one side alone left is compared with nothing.
    assert [str(c.quantity) for c in gradients(one, {BY_X: value(numbers)})] == ["d/dx"]


@settings(max_examples=30)
@given(numbers=arrays("float32"), data=st.data())
def test_further_ways_are_each_held_against_the_first_of_the_other_side(
    numbers: NDArray[Any], data: st.DataObject
) -> None:
    """Of two ways of a side the one that is off is in a row of its own, and the side is said not to agree with itself."""
    first, further = Way(method="backward"), Way(method="backward", mode="compile")
    skipped = Way(method="backward", mode="jit")
    off = with_number(numbers, place_in(data.draw, numbers), 1000.0)
    shape = data.draw(st.booleans())
    wrong = value(np.zeros((7, 7), np.float32)) if shape else value(off)
    one = {(BY_X, first): value(numbers), (BY_X, further): wrong, (BY_X, skipped): Value(State.SKIPPED)}
    for pair in ((one, {BY_X: value(numbers)}), ({BY_X: value(numbers)}, one)):
        usual, odd = gradients(*pair)
        side = TORCH if pair[0] is one else TENSORFLOW
        assert (usual.verdict, usual.sides[side].how) == (Verdict.IDENTICAL, first)
        assert (odd.verdict, odd.sides[side].how) == (Verdict.DIFFERS, further)
        assert "ways" in odd.diagnosis
        assert odd.reason.endswith(f"; {side.label} does not agree with itself: backward and backward, compile part")
    # Of several ways on either side none is held against a further one of the other.
    sound = {(BY_X, first): value(numbers), (BY_X, further): value(numbers)}
    for both_ways in ((one, sound), (sound, one)):
        assert sorted(c.verdict for c in gradients(*both_ways)) == [
            Verdict.DIFFERS,
            Verdict.IDENTICAL,
            Verdict.IDENTICAL,
        ]
    unnamed = {(BY_X, PLAIN): value(numbers), (BY_X, Way(mode="compile")): wrong}
    assert gradients(unnamed, {BY_X: value(numbers)})[1].reason.endswith("itself: eager and compile part")
    # A way that is off like the other side's is off, but does agree with its own first way.
    alike = {(BY_X, first): value(off), (BY_X, further): value(off)}
    assert all("ways" not in c.diagnosis for c in gradients(alike, {BY_X: value(numbers)}))
    none = {(BY_X, first): NONE, (BY_X, further): NONE}
    assert all(c.diagnosis == ("disconnected",) for c in gradients(none, {BY_X: value(numbers)}))
    mixed = {(BY_X, first): value(numbers), (BY_X, further): NONE}
    assert [c.diagnosis for c in gradients(mixed, {BY_X: value(numbers)})] == [(), ("disconnected", "ways")]
    broken = {(BY_X, first): value(numbers), (BY_X, further): FAILED}
    assert [c.diagnosis for c in gradients(broken, {BY_X: value(numbers)})] == [(), ()]


@settings(max_examples=40)
@given(numbers=arrays("float32"), data=st.data())
def test_rounding_or_another_function(numbers: NDArray[Any], data: st.DataObject) -> None:
    """A mismatch that is gone in double precision is rounding, one that is still there is another function."""
    off = with_number(numbers, place_in(data.draw, numbers), 1000.0)
    double = numbers.astype(np.float64)
    stays = data.draw(st.booleans())
    again = {BY_X: value(double)}, {BY_X: value(off.astype(np.float64) if stays else double)}
    for one, other in ((numbers, off), (off, numbers)):
        found = gradient_of_both(value(one), value(other), again=again)
        assert (found.verdict, found.diagnosis) == (
            Verdict.DIFFERS,
            ("number", "different function" if stays else "rounding"),
        )
    # Not asked, or not answered, in double precision: nothing is said of it, but of what is double already.
    assert gradient_of_both(value(numbers), value(off)).diagnosis == ("number",)
    for missing in (NONE, FAILED):
        found = gradient_of_both(value(numbers), value(off), again=({BY_X: value(double)}, {BY_X: missing}))
        assert found.diagnosis == ("number",)
    found = gradient_of_both(value(double), value(off.astype(np.float64)), dtype="float64")
    assert found.diagnosis == ("number", "different function")
    agreeing = gradient_of_both(value(numbers), value(numbers), again=again)
    assert (agreeing.verdict, agreeing.diagnosis) == (Verdict.IDENTICAL, ())


@settings(max_examples=30)
@given(numbers=arrays("float32"), data=st.data())
def test_what_is_no_number_in_float32_alone_is_overflow(numbers: NDArray[Any], data: st.DataObject) -> None:
    """What is finite in double precision, and not in the dtype on one side, was too large for it."""
    lost = with_number(numbers, place_in(data.draw, numbers), data.draw(st.sampled_from([np.inf, np.nan])))
    double = value(numbers.astype(np.float64))
    again = {BY_X: double}, {BY_X: double}
    for pair in ((numbers, lost), (lost, numbers)):
        found = gradient_of_both(*map(value, pair), again=again)
        assert (found.verdict, found.diagnosis[-1]) == (Verdict.DIFFERS, "overflow")
        of_infinity = gradient_of_both(*map(value, pair), again=again, fields=PRODUCT.replace("x: [1.0]", "x: [.inf]"))
        assert of_infinity.diagnosis[-1] == "rounding"


def test_an_answer_that_depends_on_the_place_is_none() -> None:
    """Where a row says so of an operation at NaN the sides differ, though they may agree at this place."""
    (row, part), *_ = [(row, part) for row in unstable_operations() for part in row.unstable]
    kinds = {"value": OUTPUT, "gradient": BY_X}
    for kind, quantity in kinds.items():
        named = row.name if kind == "value" else f"{row.name} x"
        aspect = Aspect(what=AT_NAN, of=named)
        asked = (kind == "value" and "value" in part.quantities) or kind != "value"
        for there in (True, False):
            reference = {(OUTPUT, aspect): value(np.array([there, False]))}
            numbers = value(np.ones(2, np.float32))
            (found,) = gradients({quantity: numbers}, {quantity: numbers}, reference=reference)
            if there and asked:
                assert (found.verdict, found.diagnosis, found.measure) == (Verdict.DIFFERS, ("unstable",), None)
                what = row.name if kind == "value" else f"the derivative of {row.name}"
                label = FRAMEWORKS[part.unstable].label
                assert found.reason.startswith(f"{label}'s answer for {what} at NaN depends on the place in the array")
            else:
                assert found.verdict is Verdict.IDENTICAL
        # A side without a value has no answer that could be unstable.
        (found,) = gradients({quantity: NONE}, {quantity: NONE}, reference={(OUTPUT, aspect): value(np.array([True]))})
        assert found.verdict is Verdict.IDENTICAL


# ---- gradient: who is right


@dataclass(frozen=True)
class Trial:
    """What the reference holds of the gradient by x, with an error that is nothing beside the numbers."""

    numbers: NDArray[np.float64]

    def reference(self, **more: NDArray[Any]) -> dict[Any, Value]:
        known = {
            (BY_X, Aspect()): value(self.numbers),
            (BY_X, Aspect(error=True)): value(np.full(self.numbers.shape, 1e-12)),
        }
        for side, array in more.items():
            known[BY_X, Aspect(side=side)] = value(array)
            known[BY_X, Aspect(side=side, error=True)] = value(np.full(array.shape, 1e-12))
        return known


def standings(found: Comparison) -> dict[Side, Standing]:
    """The standing of each side against the reference."""
    assert found.reference is not None
    return {side: against.standing for side, against in found.reference.sides.items()}


@settings(max_examples=40)
@given(numbers=arrays("float64"), data=st.data())
def test_the_side_that_is_off_is_the_one_that_is_called_wrong(numbers: NDArray[Any], data: st.DataObject) -> None:
    """Held against numbers that are known, the one side is right and the other wrong, whichever it is."""
    single = numbers.astype(np.float32)
    off = with_number(single, place_in(data.draw, numbers), 1000.0)
    reference = Trial(numbers).reference()
    for one, other, wrong in ((single, off, TENSORFLOW), (off, single, TORCH)):
        doubles = {BY_X: value(one.astype(np.float64))}, {BY_X: value(other.astype(np.float64))}
        for again in (None, doubles):
            found = gradient_of_both(value(one), value(other), reference=reference, again=again)
            right = next(side for side in SIDES if side is not wrong)
            assert standings(found) == {wrong: Standing.WRONG, right: Standing.RIGHT}
            assert found.verdict is Verdict.DIFFERS
            assert doubtful(found)
            blamed = {finding.side for finding in found.findings if finding.kind is Kind.OFF}
            assert blamed == (set() if again is None else {wrong})  # a word of blame waits for the second round
    double = {BY_X: value(off.astype(np.float64))}
    alike = gradient_of_both(value(off), value(off), reference=reference, again=(double, double))
    assert (alike.verdict, set(standings(alike).values())) == (Verdict.IDENTICAL, {Standing.WRONG})
    assert alike.diagnosis == ("both wrong",)
    fine = gradient_of_both(value(single), value(single), reference=reference)
    assert (set(standings(fine).values()), fine.diagnosis, doubtful(fine)) == ({Standing.RIGHT}, (), False)


@settings(max_examples=30)
@given(numbers=arrays("float64"), data=st.data())
def test_a_side_that_is_right_in_double_precision_lost_digits_or_numbers(
    numbers: NDArray[Any], data: st.DataObject
) -> None:
    """It is not called wrong: `rounding`, or `overflow` where it has no number."""
    place = place_in(data.draw, numbers)
    single = numbers.astype(np.float32)
    reference = Trial(numbers).reference()
    kind = data.draw(st.sampled_from(["digits", "number", "wrong"]))
    off = with_number(single, place, np.inf if kind == "number" else 1.01 * single[place])
    double = with_number(numbers, place, 1.01 * numbers[place]) if kind == "wrong" else numbers
    again = {BY_X: value(double)}, {BY_X: value(numbers)}
    found = gradient_of_both(value(off), value(single), reference=reference, again=again)
    wanted = {"digits": Standing.ROUNDING, "number": Standing.OVERFLOW, "wrong": Standing.WRONG}[kind]
    assert standings(found) == {TORCH: wanted, TENSORFLOW: Standing.RIGHT}
    # Without a run in double precision nobody knows it.
    alone = gradient_of_both(value(off), value(single), reference=reference, again=({}, again[1]))
    assert standings(alone)[TORCH] is Standing.WRONG
    # Another shape in double precision shows nothing.
    odd = {BY_X: value(np.zeros((9, 9)))}, again[1]
    assert (
        standings(gradient_of_both(value(off), value(single), reference=reference, again=odd))[TORCH] is Standing.WRONG
    )


@settings(max_examples=30)
@given(numbers=arrays("float64"), data=st.data())
def test_in_double_precision_a_side_is_held_against_the_numbers_of_the_scenario(
    numbers: NDArray[Any], data: st.DataObject
) -> None:
    """Not against those that the checked dtype holds; where the reference is not sure there, it is not known who is right."""
    place, single = place_in(data.draw, numbers), numbers.astype(np.float32)
    exact = with_number(numbers, place, 1.5 * numbers[place])
    off = with_number(single, place, 3.0 * single[place])
    side, other = data.draw(st.permutations(SIDES))

    def standing(double: NDArray[Any], known: NDArray[Any] | None, error: float = 1e-12) -> Standing:
        reference = Trial(numbers).reference()
        if known is not None:
            reference[BY_X, Aspect(double=True)] = value(known)
            reference[BY_X, Aspect(double=True, error=True)] = value(np.full(known.shape, error))
        again = {side: {BY_X: value(double)}, other: {BY_X: value(numbers)}}
        left = {side: {BY_X: value(off)}, other: {BY_X: value(single)}}
        pair = again[TORCH], again[TENSORFLOW]
        (found,) = gradients(left[TORCH], left[TENSORFLOW], reference=reference, again=pair)
        return standings(found)[side]

    assert standing(exact, exact) is Standing.ROUNDING
    assert standing(numbers, None) is Standing.ROUNDING
    assert standing(numbers, exact) is standing(exact, None) is standing(exact, numbers) is Standing.WRONG
    assert standing(exact, exact, error=0.05) is Standing.UNKNOWN


def test_what_is_as_far_off_in_double_precision_is_no_rounding() -> None:
    """A little beyond the tolerance and a little within it, by the same mistake: a tenth of it is what rounding would leave."""
    known = np.array([1.0, 2.0])
    allowed = 1e-5 + 1.3e-6
    for double, standing in ((0.9, Standing.WRONG), (0.13, Standing.WRONG), (0.11, Standing.ROUNDING)):
        off = value(np.array([1.0 + 1.2 * allowed, 2.0], np.float32))
        again = {BY_X: value(np.array([1.0 + double * allowed, 2.0]))}
        one, other = {BY_X: off}, {BY_X: value(known.astype(np.float32))}
        (found,) = gradients(one, other, reference=Trial(known).reference(), again=(again, {BY_X: value(known)}))
        assert standings(found) == {TORCH: standing, TENSORFLOW: Standing.RIGHT}


@pytest.mark.parametrize(
    ("dtype", "power"), [("float16", -14), ("bfloat16", -126), ("float32", -126), ("float64", -1022)]
)
def test_a_derivative_that_is_lost_with_a_value_too_small_for_the_dtype(dtype: str, power: int) -> None:
    """It is rounding that lost it, and no overflow: the value is zero, and less than the least number with all its digits."""

    def judged(least: float, have: float, lost: float = math.nan) -> tuple[str, Standing]:
        ones, known = np.ones(2), np.array([least, 1.0])
        reference = {**Trial(ones).reference(), (OUTPUT, Aspect()): value(known)}
        one = {OUTPUT: value(np.array([have, 1.0]), dtype), BY_X: value(np.array([lost, 1.0]), dtype)}
        other = {OUTPUT: one[OUTPUT], BY_X: value(ones, dtype)}
        doubles = {OUTPUT: value(known), BY_X: value(ones)}
        for pair, side in (((one, other), TORCH), ((other, one), TENSORFLOW)):
            _, found = gradients(*pair, reference=reference, again=(doubles, doubles), dtype=dtype)
            words = found.diagnosis[-1], standings(found)[side]
        return words

    small = 2.0**power
    assert judged(small / 2, 0.0) == judged(-small / 2, 0.0) == ("rounding", Standing.ROUNDING)
    for least, have in ((small, 0.0), (2 * small, 0.0), (0.0, 0.0), (small / 2, small / 2), (small / 2, math.inf)):
        assert judged(least, have) == ("overflow", Standing.OVERFLOW)
    # A number that is off is off by rounding, whatever the value is.
    assert judged(1.0, 1.0, lost=5.0) == ("rounding", Standing.ROUNDING)


@settings(max_examples=30)
@given(numbers=arrays("float64"), data=st.data())
def test_a_second_look_is_taken_wherever_one_may_change_something(numbers: NDArray[Any], data: st.DataObject) -> None:
    """Where values part, where a side is off or has lost digits, and where the reference does not know all; else it is not."""
    single = numbers.astype(np.float32)
    place = place_in(data.draw, numbers)
    off = with_number(single, place, 1000.0)
    nearly = with_number(single, place, single[place] * np.float32(1 + 2.0**-10))
    sound = Trial(numbers).reference()
    unsure = sound | {(BY_X, Aspect(error=True)): value(with_number(np.full(numbers.shape, 1e-12), place, 0.05))}
    loose = Tolerance(0.5, 0.0)
    for one, other, reference, tolerance, wanted in (
        (single, single, None, None, False),
        (single, off, None, None, True),
        (single, single, sound, None, False),
        (off, off, sound, None, True),
        (single, single, unsure, None, True),
        (single, nearly, sound, loose, True),  # close enough, and half of the digits are gone
        (single, single, sound, loose, False),
    ):
        found = gradient_of_both(value(one), value(other), reference=reference, tolerance=tolerance)
        assert doubtful(found) == wanted
    assert not doubtful(gradient_of_both(value(single), NONE))
    assert not doubtful(gradient_of_both(value(single), value(single[None])))
    assert not doubtful(gradient_of_both(value(single), value(numbers)))  # a dtype alone


@settings(max_examples=30)
@given(numbers=arrays("float64"), data=st.data())
def test_at_a_kink_what_lies_between_both_slopes_is_a_convention(numbers: NDArray[Any], data: st.DataObject) -> None:
    """Two conventions are not two functions, and what lies outside of both slopes is wrong."""
    place = place_in(data.draw, numbers)
    left, right = (with_number(numbers, place, slope) for slope in (-2.0, 3.0))
    middle = with_number(numbers, place, 0.5)
    reference = Trial(middle).reference(**{LEFT: left, RIGHT: right})
    low, high, outside = (with_number(numbers.astype(np.float32), place, x) for x in (-2.0, 3.0, 3.5))
    again = {BY_X: value(low.astype(np.float64))}, {BY_X: value(high.astype(np.float64))}
    found = gradient_of_both(value(low), value(high), reference=reference, again=again)
    assert (found.verdict, set(standings(found).values())) == (Verdict.DIFFERS, {Standing.CONVENTION})
    assert found.diagnosis == ("number", "kink")
    assert found.reference is not None
    assert found.reference.one_sided is not None
    again = again[0], {BY_X: value(outside.astype(np.float64))}
    found = gradient_of_both(value(low), value(outside), reference=reference, again=again)
    assert standings(found) == {TORCH: Standing.CONVENTION, TENSORFLOW: Standing.WRONG}
    assert found.diagnosis == ("number", "kink", "different function")


@settings(max_examples=40)
@given(numbers=arrays("float64"), data=st.data())
def test_a_large_gradient_is_held_along_one_direction(numbers: NDArray[Any], data: st.DataObject) -> None:
    """The sum along a random direction tells the side that is off from the one that is not, as far as its error allows."""
    direction = data.draw(hnp.arrays(np.float64, numbers.shape, elements=st.sampled_from([-1.0, 1.0, 2.0, -0.5])))
    total = float((numbers * direction).sum())
    single = numbers.astype(np.float32)
    place = place_in(data.draw, numbers)
    off = with_number(single, place, single[place] + 700.0 / direction[place])
    # Whose function it is: of both, as rows read it; of each side by rows; of each by its own numbers.
    whose, of = data.draw(st.sampled_from([("", ""), ("each", ""), ("each", OWN)]))

    def known(*errors: float) -> dict[Any, Value]:
        found = {}
        for side, error in zip(SIDES, errors, strict=True):
            names: dict[str, Any] = {"whose": side if whose else "", "of": of}
            found[BY_X, Aspect(what=ALONG, **names)] = value(np.array(total))
            found[BY_X, Aspect(what=ALONG, error=True, **names)] = value(np.array(error))
            found[BY_X, Aspect(what=DIRECTION, **names)] = value(direction)
        return found

    def judged(one: Value, other: Value, error: float, *, final: bool = True) -> Comparison:
        reference, doubles = known(error, error), ({BY_X: one}, {BY_X: other})
        return gradient_of_both(one, other, reference=reference, again=doubles if final else None)

    found = judged(value(single), value(off), 1e-9)
    assert standings(found) == {TORCH: Standing.RIGHT, TENSORFLOW: Standing.WRONG}
    assert found.reference is not None
    assert (found.reference.along, found.reference.error, found.reference.left_out) == (True, 1e-9, 0)
    assert [found.reference.sides[side].off for side in SIDES] == [0, 1]
    assert not doubtful(judged(value(single), value(single), 1e-9, final=False))
    kinds = [(finding.kind, finding.side) for finding in found.findings if finding.kind in (Kind.RIGHT, Kind.OFF)]
    assert kinds == [(Kind.RIGHT, TORCH), (Kind.OFF, None)]
    assert any("TensorFlow off the reference along a random direction, by 700" in f.words for f in found.findings)
    assert not [f for f in judged(value(single), value(off), 1e-9, final=False).findings if f.kind is Kind.OFF]
    both = judged(value(off), value(off), 1e-9)
    assert (both.verdict, both.diagnosis) == (Verdict.IDENTICAL, ("both wrong",))
    assert judged(value(single), value(single), 1e-9).diagnosis == ()
    # An error as large as what it would show leaves it open.
    assert set(standings(judged(value(single), value(off), 1e6)).values()) == {Standing.UNKNOWN}
    if whose:  # each side by the error of its own
        for first, second in ((1e6, 1e-9), (1e-9, 1e6)):
            found = gradient_of_both(value(off), value(off), reference=known(first, second))
            assert standings(found) == {
                side: Standing.UNKNOWN if error > 1 else Standing.WRONG
                for side, error in zip(SIDES, (first, second), strict=True)
            }
    for odd in (np.nan, np.inf, -np.inf):
        not_finite = judged(value(single), value(with_number(single, place, odd)), 1e-9)
        assert standings(not_finite) == {TORCH: Standing.RIGHT, TENSORFLOW: Standing.WRONG}
        assert any(finding.words.endswith("direction, and not a finite number") for finding in not_finite.findings)
    # Of numbers whose sum is no float64 it is not known how far the sum is off.
    huge = value(np.where(direction > 0, 1.7e308, -1.7e308))
    known_of_it = Standing.UNKNOWN if np.abs(direction).sum() > 1.06 else Standing.WRONG
    found = judged(huge, huge, 1e-9)
    assert standings(found) == dict.fromkeys(SIDES, known_of_it)
    assert found.reference is not None
    assert found.reference.sides[TORCH].off == int(known_of_it is Standing.WRONG)
    missing = judged(value(single), NONE, 1e-9)
    assert standings(missing) == {TORCH: Standing.RIGHT}
    assert missing.diagnosis == ("disconnected",)
    other_shape = judged(value(np.zeros((9, 9), np.float32)), value(single), 1e-9)
    assert standings(other_shape) == {TENSORFLOW: Standing.RIGHT}


@pytest.mark.parametrize(
    ("apart", "error", "standing"),
    [
        (0.29, 0.02, Standing.RIGHT),
        (0.31, 0.02, Standing.WRONG),
        (0.5, 0.27, Standing.RIGHT),
        (0.5, 0.29, Standing.UNKNOWN),  # which shows nothing
        (0.6, 0.29, Standing.WRONG),
    ],
)
def test_how_far_a_sum_along_a_direction_may_be_off(apart: float, error: float, standing: Standing) -> None:
    """By the relative tolerance of each product, by the absolute one times the root of their number, and by the error."""
    numbers, direction = np.array([1.0, -2.0, 3.0, 4.0]), np.array([1.0, 1.0, -1.0, 0.5])
    for sign in (1, -1):
        reference = {
            (BY_X, Aspect(what=ALONG)): value(np.array(-2.0 + sign * apart)),
            (BY_X, Aspect(what=ALONG, error=True)): value(np.array(error)),
            (BY_X, Aspect(what=DIRECTION)): value(direction),
        }
        tolerance = Tolerance(0.01, 0.1)  # 0.01 * 8 + 0.1 * 2
        found = gradient_of_both(value(numbers), value(numbers), reference=reference, tolerance=tolerance)
        assert standings(found) == dict.fromkeys(SIDES, standing)


@pytest.mark.parametrize(("size", "shown"), [(3, 3), (SHOWN, SHOWN), (SHOWN + 7, SHOWN)])
def test_the_first_numbers_of_the_reference_are_shown(size: int, shown: int) -> None:
    """All of them with their axes, the first of many in a row."""
    for shape in ((size,), (1, size)):
        numbers = np.arange(1.0, size + 1).reshape(shape)
        found = gradient_of_both(value(numbers), value(numbers), reference=Trial(numbers).reference())
        assert found.reference is not None
        wanted = numbers if size == shown else numbers.ravel()[:shown]
        assert (found.reference.left_out, found.reference.values[""]) == (size - shown, wanted.tolist())


@settings(max_examples=30)
@given(numbers=arrays("float64"), data=st.data())
def test_one_side_by_its_own_function_and_the_other_along_a_direction(
    numbers: NDArray[Any], data: st.DataObject
) -> None:
    """A side of which no single number is known is right where it is so along a direction, and is not called wrong by it."""
    single, direction = numbers.astype(np.float32), np.ones(numbers.shape)
    off = with_number(single, place_in(data.draw, numbers), 1000.0)
    reference: dict[Any, Value] = {
        (BY_X, Aspect(whose=TORCH)): value(numbers),
        (BY_X, Aspect(whose=TORCH, error=True)): value(np.full(numbers.shape, 1e-12)),
        (BY_X, Aspect(what=ALONG, whose=TENSORFLOW, of=OWN)): value(np.array(numbers.sum())),
        (BY_X, Aspect(what=ALONG, whose=TENSORFLOW, of=OWN, error=True)): value(np.array(1e-9)),
        (BY_X, Aspect(what=DIRECTION, whose=TENSORFLOW, of=OWN)): value(direction),
    }
    (found,) = gradients({BY_X: value(off)}, {BY_X: value(single)}, reference=reference)
    assert standings(found) == {TORCH: Standing.WRONG, TENSORFLOW: Standing.RIGHT}
    assert [(f.kind, f.side) for f in found.findings if "along" in f.words] == [(Kind.RIGHT, TENSORFLOW)]
    (found,) = gradients({BY_X: value(single)}, {BY_X: value(off)}, reference=reference)
    assert standings(found) == {TORCH: Standing.RIGHT}
    (found,) = gradients({BY_X: value(single)}, {BY_X: value(single)}, reference=reference)
    assert (standings(found), found.findings) == ({TORCH: Standing.RIGHT, TENSORFLOW: Standing.RIGHT}, ())


@settings(max_examples=30)
@given(numbers=arrays("float64"), data=st.data())
def test_where_nobody_decides_nobody_is_blamed(numbers: NDArray[Any], data: st.DataObject) -> None:
    """Two conventions, which may be one in double precision, are no rounding; what parts elsewhere is."""
    single, place = numbers.astype(np.float32), place_in(data.draw, numbers)
    other_place = place_in(data.draw, numbers)
    off = with_number(single, place, 1000.0)
    mask = with_number(np.zeros(numbers.shape), other_place, 1.0)
    reference = Trial(numbers).reference() | {(BY_X, Aspect(what=UNDECIDED)): value(mask)}
    stays = data.draw(st.booleans())
    again = {BY_X: value(off.astype(np.float64) if stays else numbers)}, {BY_X: value(numbers)}
    found = gradient_of_both(value(off), value(single), reference=reference, again=again)
    is_open = place == other_place
    assert found.verdict is Verdict.DIFFERS
    words = ("different function",) if stays else () if is_open else ("rounding",)
    assert found.diagnosis == ("number", *words)
    wanted = Standing.RIGHT if is_open else Standing.WRONG if stays else Standing.ROUNDING
    assert standings(found) == {TORCH: wanted, TENSORFLOW: Standing.RIGHT}
    assert found.reference is not None
    assert found.reference.sides[TENSORFLOW].unknown == 1


DRAWN = "{torch: 'nn.Linear(2, 2)(x)', tensorflow: 'keras.layers.Dense(2)(x)', at: {x: 'ones((3, 2))'}}"


def test_what_has_random_weights_is_not_called_another_function() -> None:
    """Each framework draws its own: the numbers part, in double precision too, and that tells nothing."""
    assert scenario(DRAWN).drawn
    one, other = value(np.ones((3, 2), np.float32)), value(np.full((3, 2), 2.0, np.float32))
    double = {BY_X: value(np.ones((3, 2)))}, {BY_X: value(np.full((3, 2), 2.0))}
    found = gradient_of_both(one, other, again=double, fields=DRAWN)
    assert (found.verdict, found.diagnosis) == (Verdict.DIFFERS, ("number",))


def test_what_is_flushed_to_zero_is_neither_rounding_nor_another_function() -> None:
    """A subnormal result that one side has as zero is a difference of its own."""
    tiny, none = np.array([2.0**-130, 1.0], np.float32), np.array([0.0, 1.0], np.float32)
    again = {BY_X: value(tiny.astype(np.float64))}, {BY_X: value(tiny.astype(np.float64))}
    found = gradient_of_both(value(tiny), value(none), again=again, tolerance=Tolerance(0.0, 0.0))
    assert (found.verdict, found.diagnosis) == (Verdict.DIFFERS, ("zero", "subnormal"))


@pytest.mark.parametrize(
    ("condition", "words"), [(1e12, ("ill-conditioned", "rounding")), (2.0, ("different function",))]
)
def test_in_double_precision_what_is_ill_conditioned_is_rounding(condition: float, words: tuple[str, ...]) -> None:
    """There is no wider dtype to run it in: by how much a small change of the inputs comes out larger it is told."""
    reference = {
        (OUTPUT, Aspect()): value(np.ones(3)),
        (OUTPUT, Aspect(what=CONDITION)): value(np.array([1.0, condition, np.inf])),
    }
    one, other = {OUTPUT: value(np.ones(3))}, {OUTPUT: value(np.array([1.0, 1.001, 1.0]))}
    (found,) = gradients(one, other, reference=reference, dtype="float64")
    assert (found.verdict, found.diagnosis) == (Verdict.DIFFERS, ("number", *words))
    assert found.reference is not None
    assert found.reference.condition == condition
    nothing = {**reference, (OUTPUT, Aspect(what=CONDITION)): value(np.full(3, np.inf))}
    (found,) = gradients(one, other, reference=nothing, dtype="float64")
    assert found.reference is not None
    assert found.reference.condition is None


# ---- init


def drawn_by(text: str | None, fans: tuple[int, int] = (30, 40)) -> Initialization:
    """What fills a parameter on a side, by the row that it is written as; None where no row knows it."""
    if text is None:
        return Initialization()
    tree = ast.parse(text, mode="eval").body
    return Initialization(at=lambda pair: formula(tree, {}, pair), meant=fans, fans=fans)


@dataclass(frozen=True)
class Filled:
    """One parameter as a side left it: the layer's own array, and the draws of it, None where none were made."""

    own: Value | None
    draws: Value | None = None

    @classmethod
    def of(cls, draws: NDArray[Any]) -> Filled:
        """A parameter with draws along the first axis, of which the first is the layer's own."""
        return cls(value(draws[0].copy()), value(draws.copy()))


def parameters(
    one: Mapping[str, Filled],
    other: Mapping[str, Filled],
    filled: str | tuple[str | None, str | None] | None = None,
    layout: Layout | None = None,
    tolerance: Tolerance | None = None,
    sides: Sides = SIDES,
) -> list[Comparison]:
    """The comparisons of an init scenario of a layer with these parameters."""
    texts = filled if isinstance(filled, tuple) else (filled, filled)
    initialization = {f: drawn_by(text) for f, text in zip(FRAMEWORKS, texts, strict=True)}
    rows = tuple(
        FilledParameter(
            name=name,
            attribute=dict.fromkeys(FRAMEWORKS, name),
            layout=layout or Layout(),
            shape=None,
            initialization=initialization,
        )
        for name in dict.fromkeys([*one, *other])
    )
    outcomes = {}
    for side, left in zip(sides, (one, other), strict=True):
        values: dict[Any, Value] = {}
        for row in rows:
            found = left.get(row.name, Filled(None))
            # Copies, as samples are sorted where they are.
            kept = {PLAIN: found.own, DRAWS: found.draws}
            values |= {
                (row.quantity, way): replace(v, array=np.copy(v.array)) for way, v in kept.items() if v is not None
            }
        outcomes[side] = Outcome(side, values)
    spec = Init(layer={}, build="", parameters=rows, samples=0, written={}, dtype="float32", seed=0)
    return compare_parameters(spec, sides, outcomes, tolerance)


def parameter(one: Filled, other: Filled, filled: Any = None, layout: Layout | None = None, **more: Any) -> Comparison:
    """The comparison of one parameter, which comes out the same the other way round."""
    (found,) = parameters({"w": one}, {"w": other}, filled, layout, **more)
    back_filled = filled[::-1] if isinstance(filled, tuple) else filled
    (back,) = parameters({"w": other}, {"w": one}, back_filled, layout.back() if layout else None, **more)
    assert (found.verdict, found.diagnosis) == (back.verdict, back.diagnosis)
    return found


@settings(max_examples=8)
@pytest.mark.parametrize(("relation", "dtype"), CASES, ids=NAMES)
@given(data=st.data())
def test_a_parameter_that_is_not_random(
    relation: Callable[[Draw, str], Related], dtype: str, data: st.DataObject
) -> None:
    """What is the same in every draw, or is said to be, is compared by value; what is None is not there."""
    related = relation(data.draw, dtype)
    filled = "zeros()" if data.draw(st.booleans()) else None

    def of(side: Value) -> Filled:
        several = side.state is State.PRESENT and (filled is None or data.draw(st.booleans()))
        return Filled(side, replace(side, array=np.stack([side.array] * 3)) if several else None)

    found = parameter(of(related.one), of(related.other), filled)
    absent = ("absent",) if related.diagnosis == ("disconnected",) else related.diagnosis
    held(found, replace(related, diagnosis=absent))
    assert found.distribution is None
    if related.verdict is Verdict.DIFFERS and absent == ("absent",):
        assert found.reason == "only PyTorch has it"


SHAPES = st.sampled_from([(40, 5, 8), (24, 3, 4, 6), (60, 25)])
SEEDS = st.integers(0, 2**31)
LAWS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], NDArray[Any]]] = {
    "normal(0.0, 1.0)": lambda rng, shape: rng.standard_normal(shape),
    "uniform(-1.0, 1.0)": lambda rng, shape: rng.uniform(-1, 1, shape),
}


@st.composite
def samples(draw: st.DrawFn) -> tuple[str | None, NDArray[Any], NDArray[Any]]:
    """Draws of one law on both sides, and the row that says so, where there is one."""
    text, shape, seed = draw(st.sampled_from(list(LAWS))), draw(SHAPES), draw(SEEDS)
    one, other = (LAWS[text](np.random.default_rng([seed, k]), shape).astype(np.float32) for k in (0, 1))
    return draw(st.sampled_from([text, None])), one, other


@settings(max_examples=25)
@given(pair=samples(), data=st.data())
def test_a_parameter_with_draws_of_one_law(
    pair: tuple[str | None, NDArray[Any], NDArray[Any]], data: st.DataObject
) -> None:
    """Other numbers of one law are the same distribution: so are they in another order, or a rounding away."""
    text, one, other = pair
    axis = data.draw(st.integers(1, one.ndim - 1))
    done = data.draw(st.sampled_from(["nothing", "permuted", "flipped", "ulps", "other sign", "swapped draws"]))
    makings: dict[str, Callable[[], NDArray[Any]]] = {
        "nothing": lambda: other,
        "permuted": lambda: np.take(other, data.draw(st.permutations(range(other.shape[axis]))), axis),
        "flipped": lambda: np.flip(other, axis).copy(),
        "ulps": lambda: ulps_away(other, data.draw(st.integers(-5, 5))),
        "other sign": lambda: -other,  # of laws that are symmetric
        "swapped draws": lambda: other[::-1].copy(),
    }
    changed = makings[done]()
    if text == "uniform(-1.0, 1.0)":
        changed = np.clip(changed, np.float32(-1), np.float32(1))
    found = parameter(Filled.of(one), Filled.of(changed), text)
    assert (found.verdict, found.diagnosis) == (Verdict.SAME_DISTRIBUTION, ()), found.reason
    assert found.distribution is not None
    assert found.distribution.samples == {TORCH: one.size, TENSORFLOW: one.size}


@settings(max_examples=30)
@given(pair=samples(), data=st.data())
def test_a_parameter_with_draws_of_two_laws(
    pair: tuple[str | None, NDArray[Any], NDArray[Any]], data: st.DataObject
) -> None:
    """Another scale, mean or form, or a part that is otherwise, is another distribution."""
    text, one, other = pair
    half = other.shape[1] // 2 + 1
    part = other.copy()
    part[:, :half] *= 3
    repeated = other.copy()
    repeated[:, half:] = repeated[:, : repeated.shape[1] - half]
    changed = {
        "scale": 2 * other,
        "mean": other + np.float32(0.7),
        "form": np.sign(other) * np.float32(other.std()),
        "one sign": np.abs(other),
        "zeros": np.where(np.arange(other.shape[0]).reshape(-1, *[1] * (other.ndim - 1)) % 2, other, 0),
        "a part": part,
        "one repeated": repeated,
    }[data.draw(st.sampled_from(["scale", "mean", "form", "one sign", "zeros", "a part", "one repeated"]))]
    found = parameter(Filled.of(one), Filled.of(changed.astype(np.float32)), text)
    assert (found.verdict, found.diagnosis) == (Verdict.DIFFERS, ("distribution",))
    assert found.reason


@settings(max_examples=25)
@given(pair=samples(), data=st.data())
def test_a_parameter_with_draws_that_part_before_they_are_samples(
    pair: tuple[str | None, NDArray[Any], NDArray[Any]], data: st.DataObject
) -> None:
    """Shapes, dtypes, what is not random, and what is not finite come before any test of a distribution."""
    text, one, other = pair
    done = data.draw(
        st.sampled_from(["shape", "dtype", "dropped", "fixed", "broken", "both broken", "absent", "failed"])
    )
    sound, nan = (
        Filled.of(one),
        with_number(other, place_in(data.draw, other), data.draw(st.sampled_from([np.nan, np.inf]))),
    )
    makings: dict[str, Callable[[], tuple[Comparison, str]]] = {
        "shape": lambda: (
            parameter(sound, Filled.of(np.ascontiguousarray(other.reshape(len(other), -1, 1))), text),
            "shape",
        ),
        "dtype": lambda: (parameter(sound, Filled.of(other.astype(np.float64)), text), "dtype"),
        "dropped": lambda: (parameter(sound, Filled.of(other[:, 1:]), text), "shape"),
        "fixed": lambda: (parameter(sound, Filled.of(np.zeros_like(other)), text), "distribution"),
        "broken": lambda: (parameter(sound, Filled.of(nan), text), "non-finite"),
        "both broken": lambda: (parameter(Filled.of(nan), Filled.of(nan), text), "non-finite"),
        "absent": lambda: (parameter(sound, Filled(None), text), "absent"),
        "failed": lambda: (parameter(sound, Filled(value(other[0]), FAILED), text), ""),
    }
    found, wanted = makings[done]()
    assert found.verdict is (Verdict.ERROR if done == "failed" else Verdict.DIFFERS)
    assert found.diagnosis == tuple(filter(None, (wanted,)))
    assert found.distribution is None


@settings(max_examples=15)
@given(pair=samples())
def test_a_parameter_with_the_same_draw_again_and_again(pair: tuple[str | None, NDArray[Any], NDArray[Any]]) -> None:
    """What is the same in every draw is not random, though its numbers were drawn once: it repeats itself."""
    text, one, other = pair
    one, other = 0.01 * one, 0.01 * other  # of any size
    text = None if text is None else text.replace("1.0", "0.01")
    again = np.stack([other[0]] * len(other))
    found = parameter(Filled.of(one), Filled.of(again), text)
    assert (found.verdict, found.diagnosis) == (Verdict.DIFFERS, ("distribution", "dependent"))
    said_fixed = parameter(Filled.of(one), Filled.of(again), (text, "constant(1.0)"))
    assert (said_fixed.verdict, said_fixed.diagnosis) == (Verdict.DIFFERS, ("distribution",))


@settings(max_examples=20)
@given(seed=SEEDS, same_law=st.booleans(), known=st.booleans())
def test_a_parameter_of_one_layer_exchanged_with_one_of_another(seed: int, same_law: bool, known: bool) -> None:
    """A difference where the two are of different laws, none where they are not: nobody could tell."""
    one, two, three, four = (
        np.random.default_rng([seed, k]).standard_normal((40, 5, 8)).astype(np.float32) for k in range(4)
    )
    by = np.float32(1 if same_law else 4)
    torch = {"a": Filled.of(one), "b": Filled.of(two * by)}
    text = "normal(0.0, 1.0)" if same_law and known else None
    straight = parameters(torch, {"a": Filled.of(three), "b": Filled.of(four * by)}, text)
    assert [c.verdict for c in straight] == [Verdict.SAME_DISTRIBUTION] * 2
    exchanged = parameters(torch, {"a": Filled.of(four * by), "b": Filled.of(three)}, text)
    assert [c.verdict for c in exchanged] == [Verdict.SAME_DISTRIBUTION if same_law else Verdict.DIFFERS] * 2


@settings(max_examples=20)
@given(seed=SEEDS, how=st.sampled_from(["equal", "negated", "scaled", "reordered"]), flip=st.booleans())
def test_a_parameter_that_is_tied_to_another_on_one_side(seed: int, how: str, flip: bool) -> None:
    """Each is drawn as it should be, and one repeats the other: a difference, unless the other side does so too."""
    one, two, three, four = (
        np.random.default_rng([seed, k]).standard_normal((40, 5, 8)).astype(np.float32) for k in range(4)
    )

    def copy(of: NDArray[Any]) -> NDArray[Any]:
        return {"equal": of, "negated": -of, "scaled": of * np.float32(1.0), "reordered": np.flip(of, (1, 2)).copy()}[
            how
        ]

    free, tied = {"a": Filled.of(one), "b": Filled.of(two)}, {"a": Filled.of(three), "b": Filled.of(copy(three))}
    found = parameters(*((tied, free) if flip else (free, tied)), "normal(0.0, 1.0)")
    assert [(c.verdict, c.diagnosis) for c in found] == [(Verdict.DIFFERS, ("distribution", "dependent"))] * 2
    also = {"a": Filled.of(four), "b": Filled.of(copy(four))}
    assert [c.verdict for c in parameters(also, tied, "normal(0.0, 1.0)")] == [Verdict.SAME_DISTRIBUTION] * 2


@settings(max_examples=20)
@given(seed=SEEDS, fixed=st.booleans())
def test_a_parameter_under_a_layout(seed: int, fixed: bool) -> None:
    """Axes that are turned as the layout says agree, and no others; the blocks of a gate are held against those of its name."""
    layout = Layout("(gate out) in -> in (gate out)", {"gate": 2}, {"torch": ("i", "f"), "tensorflow": ("f", "i")})
    one, other = (np.random.default_rng([seed, k]).standard_normal((40, 6, 5)).astype(np.float32) for k in (0, 1))
    one[:, 3:] = other[:, 3:] = 9  # the gate f, which stands second in PyTorch and first in Keras
    other = one if fixed else other
    draws = 1 if fixed else 40
    same = Verdict.IDENTICAL if fixed else Verdict.SAME_DISTRIBUTION
    right = np.concatenate([other[:, 3:], other[:, :3]], axis=1).swapaxes(1, 2)
    exchanged = other.swapaxes(1, 2)
    for array, verdict in ((right, same), (exchanged, Verdict.DIFFERS), (other, Verdict.DIFFERS)):
        torch, keras = (
            Filled.of(np.stack([a[0]] * 3) if draws == 1 else a) for a in (one, np.ascontiguousarray(array))
        )
        (found,) = parameters({"w": torch}, {"w": keras}, None, layout)
        assert found.verdict is verdict, found.reason
        assert found.blocks == {side: layout.blocks[side.framework] for side in SIDES}


# ---- model


def both(one: Value, other: Value, layout: str = "", quantity: Quantity | None = None) -> Both:
    """One quantity of two models."""
    return Both(quantity or output_quantity(""), Layout(layout), {TORCH: one, TENSORFLOW: other})


def of_models(one: Value, other: Value, scale: float = 0.0, layout: str = "", **more: Any) -> Comparison:
    """The comparison of one quantity of two models, which comes out the same the other way round."""
    quantity, comparer = more.pop("quantity", None), ModelComparer(SIDES, more.pop("tolerance", None), **more)
    found = comparer.compare(both(one, other, layout, quantity), scale)
    back = comparer.compare(both(other, one, Layout(layout).back().pattern, quantity), scale)
    assert (found.verdict, found.diagnosis) == (back.verdict, back.diagnosis)
    return found


@settings(max_examples=8)
@pytest.mark.parametrize(("relation", "dtype"), CASES, ids=NAMES)
@given(data=st.data())
def test_an_output_of_two_models(relation: Callable[[Draw, str], Related], dtype: str, data: st.DataObject) -> None:
    """Of a pair whose relation is known the subject `model` says it, either way round."""
    related = relation(data.draw, dtype)
    held(of_models(related.one, related.other), related)
    pair = both(related.one, related.other)
    present = related.one.state is related.other.state is State.PRESENT
    fits = present and related.one.array.shape == related.other.array.shape
    assert (pair.arrays() is not None) == fits


@settings(max_examples=60)
@given(pair=ulps_apart("float64"), scale=st.sampled_from([0.0, 1e3, 1e7]), within=st.sampled_from([1e-9, 1e-5]))
def test_an_output_of_two_models_some_units_in_the_last_place_away(
    pair: tuple[NDArray[Any], NDArray[Any], int], scale: float, within: float
) -> None:
    """What is rounding is measured by the greatest number of both arrays, or by what the scale is at least."""
    one, other, _ = pair
    other = other + (other - one) * (1 << 14)  # where the limit lies
    greatest = max(np.abs(one).max(), np.abs(other).max(), scale)
    close = truly_close(one, other, within, within * float(greatest))
    found = of_models(value(one), value(other), scale, within=within)
    assert found.tolerance == {"rtol": within, "atol": within * greatest}
    assert found.verdict is (Verdict.CLOSE if close else Verdict.DIFFERS)
    given_ = of_models(value(one), value(other), scale, tolerance=Tolerance(0.0, 0.0))
    assert given_.verdict is Verdict.DIFFERS


@settings(max_examples=30)
@given(numbers=arrays("float64", least=2), data=st.data())
def test_outputs_of_two_models_under_a_layout(numbers: NDArray[Any], data: st.DataObject) -> None:
    """Axes that are turned as the layout says agree, and no others; another order that would do is found."""
    letters = "abc"[: numbers.ndim]
    order = data.draw(st.permutations(range(numbers.ndim)))
    layout = f"{' '.join(letters)} -> {' '.join(letters[axis] for axis in order)}"
    turned = np.ascontiguousarray(numbers.transpose(order))
    assert of_models(value(numbers), value(turned), layout=layout).verdict is Verdict.IDENTICAL
    off = with_number(turned, place_in(data.draw, turned), 9999.0)
    found = of_models(value(numbers), value(off), layout=layout)
    assert (found.verdict, found.layout) == (Verdict.DIFFERS, layout)
    if list(order) != sorted(order):
        plain = of_models(value(numbers), value(turned))
        assert plain.verdict is Verdict.DIFFERS
        assert other_order(both(value(numbers), value(turned))) == layout
    assert other_order(both(value(numbers), value(off))) == ""
    assert other_order(both(value(numbers), NONE)) == other_order(both(NONE, value(numbers))) == ""
    assert other_order(both(value(numbers), value(numbers.ravel()))) == ""
    images = np.arange(numbers.size * 120.0).reshape(numbers.size, 2, 3, 4, 5)
    for one, letters in ((images, "n c d h w"), (images[:, 0], "n c h w")):
        names = letters.split()
        last = np.moveaxis(one, 1, -1)
        assert other_order(both(value(one), value(last))) == f"{letters} -> n {' '.join(names[2:])} c"
    assert other_order(both(value(images[None]), value(np.moveaxis(images[None], 1, -1)))) == ""  # too many to try
    # A layout of other axes fits nothing.
    found = of_models(value(np.stack([numbers] * 2)), value(turned), layout=layout)
    assert (found.verdict, found.diagnosis, found.layout) == (Verdict.DIFFERS, ("shape",), layout)


@settings(max_examples=30)
@given(numbers=arrays("float64").filter(lambda a: a.size % 2 == 0), data=st.data())
def test_axes_of_length_one_are_none_of_two_models(numbers: NDArray[Any], data: st.DataObject) -> None:
    """A pooling that flattens besides gives the same numbers; others it does not, and no other shape is forgiven."""
    where = data.draw(st.integers(0, numbers.ndim))
    more = np.expand_dims(numbers, where)
    found = of_models(value(more), value(numbers), layout="")
    assert (found.verdict, found.sides[TORCH].shape) == (Verdict.IDENTICAL, numbers.shape)
    place = place_in(data.draw, numbers)
    off = of_models(value(more), value(with_number(numbers, place, 9999.0)))
    assert (off.verdict, off.diagnosis) == (Verdict.DIFFERS, ("number",))
    flat, pooled = numbers.reshape(2, -1), numbers.reshape(2, -1, 1, 1)
    for array, verdict in ((flat, Verdict.IDENTICAL), (-flat, Verdict.DIFFERS)):
        pair = both(value(pooled), value(array), "n c h w -> n h w c")  # by PyTorch's axes
        found = ModelComparer(SIDES, None).compare(pair, 0.0)
        assert (found.verdict, found.layout) == (verdict, "n c h w -> n h w c")
    assert with_ones(more.shape, numbers.shape) == with_ones_of(more, numbers.shape).shape == numbers.shape
    assert (
        with_ones(numbers.shape, numbers.shape[::-1]) == with_ones(numbers.shape, (*numbers.shape, 2)) == numbers.shape
    )
    double = np.repeat(more, 2, axis=where)
    assert of_models(value(double), value(numbers)).diagnosis == ("shape",)


@settings(max_examples=30)
@given(numbers=arrays("float64"), data=st.data())
def test_the_gradients_of_two_models_with_two_layers_exchanged(numbers: NDArray[Any], data: st.DataObject) -> None:
    """They are measured by the greatest of all gradients, which hides neither of them."""
    place = place_in(data.draw, numbers)
    second = with_number(numbers, place, numbers[place] * data.draw(st.sampled_from([-1.0, 3.0])))
    names = [gradient_quantity("a"), gradient_quantity("b")]

    def verdicts(one: tuple[Any, Any], other: tuple[Any, Any], single: bool) -> list[Verdict]:
        comparer = ModelComparer(SIDES, None, 1e-5 if single else 1e-9)
        pairs = [both(value(a), value(b), "", q) for q, a, b in zip(names, one, other, strict=True)]
        found = zip(pairs, scales(pairs, single=single), strict=True)
        return [comparer.compare(pair, scale).verdict for pair, scale in found]

    for single in (False, True):
        assert verdicts((numbers, second), (numbers, second), single) == [Verdict.IDENTICAL] * 2
        assert verdicts((numbers, second), (second, numbers), single) == [Verdict.DIFFERS] * 2


@settings(max_examples=30)
@given(numbers=arrays("float64"), data=st.data())
def test_a_gradient_of_two_models_that_is_nothing_but_rounding(numbers: NDArray[Any], data: st.DataObject) -> None:
    """Beside greater gradients what is nothing on both sides agrees; a number on one side does not."""
    nothing = numbers * 1e-17
    names = [gradient_quantity("weight"), gradient_quantity("bias")]
    share = data.draw(st.sampled_from([1e-17, 1e-6]))
    other = -numbers * share
    pairs = [both(value(numbers), value(numbers), "", names[0]), both(value(nothing), value(other), "", names[1])]
    comparer = ModelComparer(SIDES, None)
    found = [
        comparer.compare(pair, scale).verdict for pair, scale in zip(pairs, scales(pairs, single=False), strict=True)
    ]
    assert found == [Verdict.IDENTICAL, Verdict.CLOSE if share == 1e-17 else Verdict.DIFFERS]
    # Beside what has no numbers, or no numbers of one shape, it is measured by itself.
    for gone in (both(NONE, NONE, "", names[0]), both(value(numbers), value(numbers[1:]), "", names[0])):
        for alone in ([pairs[1]], [gone, pairs[1]]):
            *_, scale = scales(alone, single=data.draw(st.booleans()))
            assert comparer.compare(pairs[1], scale).verdict is Verdict.DIFFERS


@settings(max_examples=30)
@given(numbers=arrays("float64"), data=st.data())
def test_a_gradient_of_two_models_is_held_against_a_share_of_the_greatest(
    numbers: NDArray[Any], data: st.DataObject
) -> None:
    """In double precision against a ten thousandth of it, in single against a tenth, however small it is itself."""
    assert (SAME, SAME_IN_SINGLE, SAME_IN_FLOAT32) == (1e-9, 1e-6, 1e-5)
    single = data.draw(st.booleans())
    within, share = (1e-5, 0.1) if single else (1e-9, 1e-4)
    greatest = float(np.abs(numbers).max())
    small = 1e-3 * share * numbers
    names = [gradient_quantity("weight"), gradient_quantity("bias"), output_quantity("")]
    for times, verdict in ((0.9, Verdict.CLOSE), (1.1, Verdict.DIFFERS)):
        off = with_number(small, (0,) * small.ndim, small.flat[0] + times * within * share * greatest)
        pairs = [both(value(numbers), value(numbers), "", names[0]), both(value(small), value(off), "", names[1])]
        comparer = ModelComparer(SIDES, None, within)
        found = [comparer.compare(*each).verdict for each in zip(pairs, scales(pairs, single=single), strict=True)]
        assert found == [Verdict.IDENTICAL, verdict]
    pairs[1] = replace(pairs[1], quantity=names[2])  # an output is measured by itself
    assert list(scales(pairs, single=single)) == [greatest * share, 0.0]


@settings(max_examples=40)
@given(numbers=arrays("float64"), data=st.data())
def test_single_precision_on_one_side_of_two_models(numbers: NDArray[Any], data: st.DataObject) -> None:
    """A gradient by a variable in float32 is no other dtype, nor is an output where float32 is the scenario's own."""
    single, in_single = value(numbers.astype(np.float32)), data.draw(st.booleans())
    relative = data.draw(st.sampled_from([0.0, 1e-8, 1e-4]))
    quantity = data.draw(st.sampled_from([gradient_quantity("w"), output_quantity("")]))
    found = of_models(single, value(numbers * (1 + relative)), quantity=quantity, in_single=in_single)
    if not in_single and not quantity.derivative:
        assert "dtype" in found.diagnosis
    else:
        assert found.verdict.agrees == (relative < 1e-6)
        assert "dtype" not in found.diagnosis
        assert {side.dtype for side in found.sides.values()} == {"float64"}
    # What is float64 on both sides is held as closely as ever.
    exact = of_models(value(numbers), value(numbers * (1 + relative)), quantity=quantity, in_single=in_single)
    assert exact.verdict.agrees == (relative == 0.0)
    assert "dtype" in of_models(value(numbers.astype(np.float16)), value(numbers), quantity=quantity).diagnosis


def test_what_one_of_two_models_was_not_asked_for_is_no_pair() -> None:
    """What one side alone left is compared with nothing; a further mode is held beside the other side's usual one."""
    quantity, numbers, mode = output_quantity(""), value(np.ones(3)), Way(mode="compile")
    outcomes = {TORCH: Outcome(TORCH, {(quantity, DOUBLE): numbers, (quantity, mode): value(np.zeros(3))}),
                TENSORFLOW: Outcome(TENSORFLOW, {(quantity, DOUBLE): numbers})}  # fmt: skip
    comparer = ModelComparer(SIDES, None)
    usual = comparer.values(outcomes, quantity, Layout())
    assert usual is not None
    assert comparer.compare(usual, 0.0).verdict is Verdict.IDENTICAL
    assert comparer.values(outcomes, quantity, Layout(), mode) is None
    odd = comparer.in_mode(outcomes, quantity, Layout(), TORCH, mode)
    assert odd is not None
    found = comparer.compare(odd, 0.0)
    assert (found.verdict, found.sides[TORCH].how, found.sides[TENSORFLOW].how) == (Verdict.DIFFERS, mode, PLAIN)
    assert comparer.in_mode(outcomes, quantity, Layout(), TENSORFLOW, mode) is None
    assert array_of(outcomes[TORCH], quantity, mode) is outcomes[TORCH].values[quantity, mode].array
    assert array_of(outcomes[TENSORFLOW], quantity, mode) is None
    assert array_of(Outcome(TORCH, {(quantity, mode): FAILED}), quantity, mode) is None


def test_outputs_of_two_models_that_are_exchanged() -> None:
    one, other, third = (value(np.arange(6.0).reshape(2, 3) + start) for start in (1, 10, 100))
    names = [output_quantity(name) for name in ("a", "b", "c")]
    first, second, last = names

    def found(ours: list[Value], theirs: list[Value], layout: str = "") -> Mapping[Any, Any]:
        pairs = [both(a, b, layout, q) for q, a, b in zip(names, ours, theirs, strict=False)]
        return exchanged(pairs, 1e-9)

    assert found([one, other], [other, one]) == {first: second, second: first}
    assert found([one, other, third], [third, one, other]) == {first: second, second: last, last: first}
    assert found([], []) == {}
    # Each must be one of the other side's, and one alone.
    assert found([one, other], [other, third]) == {}
    assert found([one, other], [one, one]) == found([one, one], [one, other]) == {}
    assert found([one, other], [other, NONE]) == found([one, NONE], [other, one]) == {}
    # Within a share of the greatest number, and in one shape, as the layout has it.
    near, far = (value(one.array + share * one.array.max()) for share in (0.9e-9, 1.1e-9))
    assert found([one, other], [other, near]) == {first: second, second: first}
    assert found([one, other], [other, far]) == {}
    assert found([one, other], [value(other.array[:1]), one]) == {}
    turned = [value(each.array.T) for each in (other, one)]
    assert found([one, other], turned, "a b -> b a") == {first: second, second: first}
    assert found([one, other], turned) == found([NONE, other], turned, "a b -> b a") == {}


def test_an_output_of_two_models_is_not_exchanged_with_itself() -> None:
    """One that parts by its dtype alone, or by less than the models may be apart, has the same numbers on both sides."""
    names = [output_quantity(name) for name in ("a", "b", "c")]
    one, other, third = (value(np.arange(6) + start) for start in (1, 10, 100))
    narrow = value(one.array.astype(np.int32))
    assert exchanged([both(one, narrow, "", names[0])], 1e-9) == {}
    left, right = (one, other, third), (narrow, third, other)
    pairs = [both(a, b, "", quantity) for a, b, quantity in zip(left, right, names, strict=True)]
    assert exchanged(pairs, 1e-9) == {names[1]: names[2], names[2]: names[1]}


def test_a_gradient_that_one_of_two_models_has_not() -> None:
    numbers = value(np.ones(3))
    for absent in (NONE, FAILED):
        assert not of_models(numbers, absent, quantity=gradient_quantity("w")).verdict.agrees


def test_whole_numbers_of_two_models_agree_exactly() -> None:
    """However large they are: what floating-point numbers may be apart is nothing to them."""
    numbers, off = np.array([10**10, 3]), np.array([10**10 + 1, 3])
    assert of_models(value(numbers), value(off)).verdict is Verdict.DIFFERS
    assert of_models(value(numbers * 1.0), value(off * 1.0)).verdict is Verdict.CLOSE


def test_the_numbers_of_two_models_are_shown_as_each_has_them() -> None:
    numbers = np.arange(6.0).reshape(2, 3)
    found = of_models(value(numbers), value(numbers.T), layout="a b -> b a")
    assert (found.sides[TORCH].shape, found.sides[TENSORFLOW].shape) == ((2, 3), (3, 2))


def test_axes_of_length_one_where_another_shape_has_as_many() -> None:
    assert with_ones((2, 4), (2, 1, 4)) == (2, 1, 4)
    assert with_ones((2, 1, 4), (2, 4, 1)) == (2, 1, 4)


def test_gates_of_two_models_that_stand_in_another_order() -> None:
    gates = Layout("(gate out) -> (gate out)", {"gate": 3}, {TORCH: ("i", "f", "c"), TENSORFLOW: ("c", "i", "f")})
    one, other = value(np.array([1.0, 2.0, 3.0])), value(np.array([3.0, 1.0, 2.0]))
    pair = Both(gradient_quantity("w"), gates, {TORCH: one, TENSORFLOW: other})
    assert ModelComparer(SIDES, None).compare(pair, 0.0).verdict is Verdict.IDENTICAL
    arrays = pair.arrays()
    assert arrays is not None
    assert arrays[0].tolist() == arrays[1].tolist()
