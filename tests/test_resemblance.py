"""What turns one array into another: found on numbers, and written so that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.conftest import warm_tfpt
from tfpt_cli.compare import resemblance as module
from tfpt_cli.compare.resemblance import resemblance
from tfpt_cli.frameworks import SIDES

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Arrays whose numbers are all different, in a shape without axes of one length.
SHAPES = st.permutations([2, 3, 4]).flatmap(lambda axes: st.sampled_from([tuple(axes), tuple(axes[:2])]))
ARRAYS = SHAPES.flatmap(
    lambda shape: arrays.arrays(np.float64, shape, elements=st.floats(0.5, 8.0, width=16), unique=True)
)
MOVES: dict[str, Any] = {
    "axis": lambda y: np.swapaxes(y, 0, -1),
    "shape": lambda y: y.reshape(-1),
    "factor": lambda y: 3 * y,
    "part": lambda y: y / 7,
    "sign": lambda y: -y,
    "offset": lambda y: y - 11,
    "complement": lambda y: 1 - y,
    "reverse": lambda y: np.flip(y, 1),
    "roll": lambda y: np.roll(y, 1, 0),
    "sum": lambda y: y.sum(0),
    "mean": lambda y: y.mean(-1),
    "all": lambda y: y.sum(),
}


@settings(deadline=None, max_examples=40)
@given(y=ARRAYS, move=st.sampled_from(list(MOVES)))
def test_what_is_found_turns_one_array_into_the_other(y: NDArray[Any], move: str) -> None:
    other = np.asarray(MOVES[move](y))
    found = resemblance(y, other, 1e-6, 1e-9)
    assert found is not None
    if found.arithmetic:
        assert np.allclose(eval(found.code(SIDES[0].framework, "y"), {"y": y}), other)
    assert all(found.code(side.framework, "y") for side in SIDES)


@settings(deadline=None, max_examples=40)
@given(y=ARRAYS, move=st.sampled_from(["axis", "factor", "sign", "offset", "complement", "reverse", "roll"]))
def test_one_number_that_is_off_resembles_nothing(y: NDArray[Any], move: str) -> None:
    other = np.array(MOVES[move](y))
    other.flat[-1] += 100.5
    assert resemblance(y, other, 1e-6, 1e-9) is None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([1.0], [2.0]),  # of a single number any factor is one
        ([1.0, 2.0], [1.0, 2.0]),
        ([1.0, 2.0], [1.0, 3.0]),
        ([0.0, 0.0], [1.0, 1.0]),
        ([np.nan, 1.0], [1.0, np.nan]),
        ([], []),
    ],
)
def test_what_shows_nothing(left: list[float], right: list[float]) -> None:
    assert resemblance(np.array(left), np.array(right), 1e-6, 1e-9) is None


Y = np.arange(1.0, 25).reshape(2, 3, 4) ** 2


@pytest.mark.parametrize(
    ("other", "words", "code"),
    [
        (np.swapaxes(Y, 0, 2), "with its axes in the order (2, 1, 0)", "torch.permute(y, (2, 1, 0))"),
        (Y.reshape(6, 4), "in the shape (6, 4)", "torch.reshape(y, (6, 4))"),
        (3 * Y, "times 3, everywhere", "3 * y"),
        (-2 * Y, "times -2, everywhere", "-2 * y"),
        (0.3 * Y, "times 0.3, everywhere", "0.3 * y"),
        (Y / 7, "divided by 7, everywhere", "y / 7"),
        (Y * 3.000001, "times 3, everywhere", "3 * y"),  # but for rounding
        (Y * 3.0001, "times 3.0001, everywhere", "3.0001 * y"),
        (Y / 7.0001, "times 0.142855, everywhere", "0.142855 * y"),
        (-Y, "with the other sign, everywhere", "-y"),
        (-1.000001 * Y, "with the other sign, everywhere", "-y"),
        (Y - 11, "plus -11, everywhere", "y + -11"),
        (Y + 0.3, "plus 0.3, everywhere", "y + 0.3"),
        (1.5 - Y, "taken from 1.5, everywhere", "1.5 - y"),
        (np.flip(Y, 1), "reversed along axis 1", "torch.flip(y, (1,))"),
        (np.roll(Y, 2, 2), "moved by 2 along axis 2, the end at the front", "torch.roll(y, 2, 2)"),
        (np.roll(Y, -1, 1), "moved by -1 along axis 1, the end at the front", "torch.roll(y, -1, 1)"),
        (Y.sum(0), "summed over axis 0", "torch.sum(y, (0,))"),
        (Y.mean((0, 2)), "averaged over axis 0, 2", "torch.mean(y, (0, 2))"),
        (Y.mean(), "averaged over all its axes", "torch.mean(y, (0, 1, 2))"),
        ((1 + 2j) * Y, "times (1+2j), everywhere", "(1+2j) * y"),
        (Y / 2j, "divided by (0+2j), everywhere", "y / (0+2j)"),
        (Y + 1j, "plus (0+1j), everywhere", "y + (0+1j)"),
        (Y * (2 + 0j), "times 2, everywhere", "2 * y"),
    ],
)
def test_how_it_is_said_and_written(other: NDArray[Any], words: str, code: str) -> None:
    found = resemblance(Y, np.asarray(other), 1e-5, 0.0)
    assert found is not None
    assert (found.words, found.code(SIDES[0].framework, "y")) == (words, code)
    assert bool(found.factor) == words.startswith(("times", "divided", "with the other sign"))
    if found.arithmetic:
        assert np.allclose(eval(code, {"y": Y}), other, rtol=1e-5)


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        ([1.0, 2.0, 1.0], [2.0, 1.0, 1.0], None),  # of two different numbers their places say nothing
        ([1.0, 2.0, 1.0], [2.0, 3.0, 2.0], None),
        ([1.0, 2.0, 3.0], [3.0, 1.0, 2.0], "moved by 1 along axis 0, the end at the front"),
        ([1.0, 2.0], [3.0, 6.0], "times 3, everywhere"),
        ([[1.0, 1.0]], [[1.0], [1.0]], "with its axes in the order (1, 0)"),
        ([0.0, 0.0, 3.0], [0.0, 0.0, 6.0], None),  # and of one number any factor is
        ([0.0, 1.0, 3.0], [0.0, 2.0, 6.0], "times 2, everywhere"),
        ([0.0, 0.25, 0.5], [0.0, 0.5, 1.0], "times 2, everywhere"),
        ([1.0, 2.0, 3.0], [1.000003, 2.000006, 3.000009], None),  # times one it would be nothing but itself
        ([[1.0]], [1.0], None),
        ([[], []], [0.0, 0.0], None),
        ([2.0, 3.0], 5.0, "summed over all its axes"),
        ([[1.0, 2.0], [1.0, 1.0]], [[1.0, 1.0], [2.0, 1.0]], None),  # nor do their axes
        ([1e308, 1e308], np.inf, None),  # what is beyond all numbers is the sum of any that are large enough
    ],
)
def test_of_how_many_numbers_something_is_said(left: Any, right: Any, words: str | None) -> None:
    found = resemblance(np.array(left), np.array(right), 1e-6, 0.0)
    assert (found and found.words) == words


@pytest.mark.parametrize(
    ("left", "right"), [([0.0, 3.0], [1e-9, 6.0]), ([1e-9, 3.0], [0.0, 6.0]), ([-1.0, 3.0], [0.0, 6.0])]
)
def test_what_is_zero_on_one_side_is_no_second_number_of_a_factor(left: list[float], right: list[float]) -> None:
    """The tolerance makes it agree with any multiple; of the one number that is left any factor is true."""
    assert resemblance(np.array(left), np.array(right), 1e-6, 2.5) is None
    assert resemblance(np.array([*left, 5.0]), np.array([*right, 10.0]), 1e-6, 2.5) is not None


def test_a_shift_is_not_looked_for_where_it_means_nothing() -> None:
    assert resemblance(Y, Y + 1, 1e-6, 0.0, shifts=False) is None
    assert resemblance(Y, 2 * Y, 1e-6, 0.0, shifts=False) is not None


def test_large_arrays_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for largest, found in ((Y.size, True), (Y.size - 1, False)):
        monkeypatch.setattr(module, "LARGEST", largest)
        assert (resemblance(Y, 2 * Y, 1e-6, 0.0) is not None) is found


@pytest.mark.parametrize(
    ("torch", "tensorflow", "said"),
    [
        ("F.mse_loss(x, 2 * x ** 2)", "tf.reduce_sum((x - 2 * x ** 2) ** 2)", "times 3, everywhere: 3 * value"),
        ("x * 2", "tf.reverse(x, [0]) * 2", "reversed along axis 0: torch.flip(value, (0,))"),
        ("torch.sigmoid(x)", "1 - tf.sigmoid(x)", "taken from 1, everywhere: 1 - value"),
        ("x[None] * x[:, None] ** 2", "x[None] ** 2 * x[:, None]", "with its axes in the order (1, 0)"),
    ],
)
def test_it_is_said_and_the_verdict_stays(torch: str, tensorflow: str, said: str, write: Any) -> None:
    file = write(f"name: n\ngradient: {{torch: '{torch}', tensorflow: '{tensorflow}', at: {{x: [1.0, 2.0, 4.0]}}}}\n")
    (scenario,) = warm_tfpt("check", file, "--format", "json").json["scenarios"]
    comparison = scenario["comparisons"][0]
    assert comparison["verdict"] == "differs"
    assert any(words.startswith(f"TensorFlow's is PyTorch's {said}") for words in comparison["findings"])
