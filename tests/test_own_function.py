"""Derivatives held against differences of what a side itself computes, where no row reads its code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT, warm_tfpt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FUNCTIONS = ROOT / "tests" / "own_function.py"
OWN = "differences of each side's function, float64"


@pytest.fixture
def checked(write: Callable[..., Path]) -> Callable[..., dict[str, Any]]:
    """Gives d/dx in the JSON report of a pair of expressions, or of functions of `own_function.py`."""

    def side(text: str) -> str:
        return f"{{python: '{FUNCTIONS}:{text}'}}" if text.isidentifier() else f"'{text}'"

    def check(torch: str, tensorflow: str, at: str, **more: str) -> dict[str, Any]:
        fields = "".join(f", {key}: {value}" for key, value in more.items())
        file = write(f"name: n\ngradient: {{torch: {side(torch)}, tensorflow: {side(tensorflow)}, at: {at}{fields}}}\n")
        (scenario,) = warm_tfpt("check", file, "--allow-code", "--format", "json").json["scenarios"]
        found: dict[str, Any] = next(c for c in scenario["comparisons"] if c["quantity"] == "d/dx")
        return found

    return check


def standings(comparison: dict[str, Any]) -> tuple[str | None, str | None]:
    found = comparison.get("reference", {})
    return tuple(found.get(side, {}).get("standing") for side in ("torch", "tensorflow"))


def words(comparison: dict[str, Any]) -> str:
    return " ".join(comparison["findings"])


def test_a_nan_that_the_value_does_not_have_is_told_from_a_kink(checked: Callable[..., dict[str, Any]]) -> None:
    # |2x| - 1 squared has the slopes -4 and 4 at 0 in each direction.
    found = checked("torch_penalty", "keras_penalty", "{x: [0.0, 0.0]}")
    assert standings(found) == ("convention", "wrong")
    assert "PyTorch lies between the derivatives from the left and from the right" in words(found)
    assert "nan against 4 from the left and -4 from the right at [0]" in words(found)


def test_a_root_behind_where(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_root", "keras_root", "{x: [-1.0, 4.0]}")
    assert found["reference"]["method"] == OWN
    assert standings(found) == ("wrong", "right")
    assert "the derivative of PyTorch is not that of its own value: nan against 0 at [0]" in words(found)
    assert "TensorFlow gives the derivative of its own value" in words(found)


def test_another_function_is_not_a_wrong_derivative(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_sine", "keras_other_sine", "{x: [-1.0, 4.0]}")
    assert standings(found) == ("right", "right")
    assert words(found) == "each side computes its own function right: they are different functions"


def test_a_derivative_of_ones_own_that_is_wrong(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_sine", "keras_wrong", "{x: [-1.0, 4.0]}")
    assert standings(found) == ("right", "wrong")
    assert found["diagnosis"][-1] == "different function"


def test_pinv_with_a_cut(checked: Callable[..., dict[str, Any]]) -> None:
    # PyTorch differentiates as if nothing were cut off.
    found = checked("torch.linalg.pinv(x, rtol=0.3)", "tf.linalg.pinv(x, rcond=0.3)", "{x: [[1.0, 2.0], [3.0, 4.0]]}")
    assert standings(found) == ("wrong", "right")


def test_ctc_of_scores_that_are_no_logarithms_of_probabilities(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked(
        'F.ctc_loss(x, y, n, m, reduction="sum")',
        "tf.reduce_sum(tf.nn.ctc_loss(y, x, m, n, logits_time_major=True, blank_index=0))",
        "{x: 'normal(0, 1, (4, 1, 3))', y: [[1, 2]], n: [4], m: [2]}",
        dtypes="{y: int32, n: int32, m: int32}",
    )
    assert standings(found)[0] == "wrong"
    # What TensorFlow computes in float32 alone is held along a direction, by long steps, and that is said.
    assert standings(found)[1] == "right"
    assert "TypeError: it computes in float32, so that it is held along a random direction alone" in words(found)


def test_a_scatter_into_one_place_twice(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked(
        "torch.zeros(3).scatter(0, i, x)",
        "tf.tensor_scatter_nd_update(tf.zeros(3), i[:, None], x)",
        "{x: [1.0, 2.0], i: [1, 1]}",
        dtypes="{i: int64}",
    )
    assert found["verdict"] == "identical"
    assert standings(found) == ("wrong", "wrong")
    assert "both wrong" in found["diagnosis"]


def test_what_computes_in_float32_by_its_own_words_is_raised(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_sine", "keras_narrow_sine", "{x: [-1.0, 4.0]}")
    assert standings(found) == ("right", "right")


def test_a_random_function_has_no_slope(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_sine", "keras_random", "{x: [-1.0, 4.0]}")
    assert standings(found) == ("right", None)
    assert "it gives another value each time that it is called" in words(found)


def test_nobody_is_blamed_for_a_gradient_that_is_cut_on_purpose(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("F.ctc_loss(x, y, n, m) * x.detach()", "tf.stop_gradient(x) * tf.nn.ctc_loss(y, x, m, n)",
                    "{x: 'normal(0, 1, (4, 1, 3))', y: [[1, 2]], n: [4], m: [2]}",
                    dtypes="{y: int32, n: int32, m: int32}", wrt="x")  # fmt: skip
    assert standings(found) == ("unknown", None)  # what TensorFlow computes in float32 is held along a direction alone
    assert " not that of " not in words(found)


def test_what_is_cut_and_still_the_derivative_of_its_value_is_right(checked: Callable[..., dict[str, Any]]) -> None:
    # The weights are cut, and nobody differentiates by them.
    at = "{x: [0.5, -1.0], w: [[0.3, 0.2], [-0.4, 0.9]]}"
    found = checked("torch_slope_of_weights", "keras_slope_of_weights", at, wrt="x")
    assert standings(found) == ("right", "right")


def test_vectors_whose_sign_and_basis_are_a_choice_blame_nobody(checked: Callable[..., dict[str, Any]]) -> None:
    # Of a matrix of rank one LAPACK has the other singular vectors as it likes, and others beside it.
    found = checked("torch_singular", "keras_singular", "{x: [[2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]}")
    assert "wrong" not in standings(found)


def test_singular_values_are_no_choice(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_singular_values", "keras_singular_values", "{x: [[2.0, 0.5], [0.1, 1.0]]}")
    assert standings(found) == ("right", "wrong")


def test_many_numbers_are_held_along_a_direction(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_sine", "keras_wrong", "{x: 'linspace(-1, 1, 100)'}")
    assert "along a random direction" in found["reference"]["method"]
    assert standings(found) == ("right", "wrong")


def test_what_agrees_is_held_too(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_sine", "keras_sine", "{x: [-1.0, 4.0]}")
    assert found["verdict"] in ("identical", "close")
    assert standings(found) == ("right", "right")


def test_float32_that_stands_in_the_code_is_raised_for_the_arbiter(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_halves", "keras_single_constants", "{x: [[1.0, 2.0], [3.0, 4.0]]}")
    assert standings(found) == ("right", "right")


def test_half_precision_in_the_code_is_not_raised(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_sine", "keras_through_half", "{x: [-1.0, 4.0]}")
    assert standings(found)[1] in (None, "unknown")


def test_a_symmetric_matrix_is_moved_symmetrically(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_log_determinant", "keras_log_determinant", "{x: [[2.0, 0.5], [0.5, 1.0]]}")
    assert "along a random direction" in found["reference"]["method"]
    assert standings(found) == ("right", "right")


def test_what_is_rounded_to_float32_on_the_way_has_no_kinks(checked: Callable[..., dict[str, Any]]) -> None:
    # Keras gives back float64 of what TensorFlow's resize computes in float32: between two numbers of it nothing moves.
    resized = 'keras.ops.image.resize(x, (3, 7), "bicubic")'
    found = checked('F.interpolate(x, (3, 7), None, "bicubic")', resized, "{x: 'normal(0, 1, (1, 5, 4, 1))'}")
    assert "kink" not in words(found)
    assert standings(found)[1] in ("right", "unknown")


def test_the_smallest_step_of_a_dtype_is_another_in_float64(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_steps", "keras_sine", "{x: [0.0, 4.0]}")
    assert standings(found)[0] is None


def test_weights_that_are_put_in_cut_no_gradient(checked: Callable[..., dict[str, Any]]) -> None:
    found = checked("torch_filled", "keras_sine", "{x: [1.0, 4.0]}")
    assert standings(found)[0] == "right"
    found = checked("torch_filled_by_input", "keras_sine", "{x: [1.0, 4.0]}")
    assert standings(found)[0] in (None, "unknown")
