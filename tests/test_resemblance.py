"""What turns one array into another: found on numbers, and written so that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.conftest import warm_tfpt
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


def test_large_arrays_are_left_alone() -> None:
    y = np.zeros(1 << 23, np.float32)
    assert resemblance(y, y + 1, 1e-6, 1e-9) is None


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
