"""Which steps of two models are taken for the same: what a row reads alike, whatever it is called, and nothing that parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sides import TENSORFLOW, TORCH
from tfpt_cli.subjects.model.steps import Step, not_alike
from tfpt_cli.subjects.model.wording import in_each

if TYPE_CHECKING:
    from collections.abc import Sequence

ALIKE = [
    ("torch.sigmoid(x)", "tf.nn.sigmoid(x)"),
    ("1 - x", "keras.ops.subtract(1.0, x2)"),
    ("1 + x", "x + 1.0"),
    ("x * 2.0", "2.0 * x"),
    ("x ** 2", "keras.ops.square(x)"),
    ("torch.bmm(x, y)", "keras.ops.matmul(x1, x2)"),
    ("x + y", "keras.layers.Add()(x)"),
    ("x.mean(dim=(1, 2))", "keras.ops.mean(x, axis=(1, 2))"),
    ("x.sum(1)", "keras.ops.sum(x, axis=[1], keepdims=False)"),
    ("F.leaky_relu(x, negative_slope=0.2)", "keras.ops.leaky_relu(x)"),
    ("nn.ReLU()(x)", "keras.layers.Activation('relu')(x)"),
    ("x.permute(0, 2, 1)", "keras.layers.Permute(dims=(2, 1))(x)"),
]
# Known traps, and what is nearly the same.
OTHERS = [
    ("F.gelu(x)", "keras.ops.gelu(x)"),
    ("x.std(1)", "keras.ops.std(x, axis=1)"),
    ("F.leaky_relu(x)", "keras.ops.leaky_relu(x)"),
    ("F.softmax(x, dim=1)", "keras.ops.softmax(x)"),
    ("F.normalize(x)", "keras.ops.normalize(x)"),
    ("x - 1", "1 - x"),
    ("x * 2.0", "x / 2.0"),
    ("x ** 2", "x ** 3"),
    ("x + 1e-06", "x + 1e-05"),
    ("x.sum(-1)", "keras.ops.sum(x, axis=-1, keepdims=True)"),
    ("own(x)", "own(x)"),
    ("x - y", "keras.layers.Add()(x)"),
]


def steps(codes: Sequence[str]) -> list[Step]:
    return [Step(code, code) for code in codes]


@pytest.mark.parametrize(("torch", "tensorflow"), ALIKE)
def test_what_means_the_same_is_left_out(torch: str, tensorflow: str) -> None:
    found = not_alike({TORCH: steps([torch]), TENSORFLOW: steps([tensorflow])})
    assert found == {TORCH: [], TENSORFLOW: []}


@pytest.mark.parametrize(("torch", "tensorflow"), OTHERS)
def test_what_may_part_stays(torch: str, tensorflow: str) -> None:
    found = not_alike({TORCH: steps([torch]), TENSORFLOW: steps([tensorflow])})
    assert [step.code for each in found.values() for step in each] == [torch, tensorflow]


@given(st.lists(st.sampled_from(ALIKE + OTHERS)), st.randoms(use_true_random=False))
def test_order_changes_nothing_and_counts_do(pairs: list[tuple[str, str]], shuffled: st.DataObject) -> None:
    ours, theirs = [torch for torch, _ in pairs], [other for _, other in pairs]
    before = not_alike({TORCH: steps(ours), TENSORFLOW: steps(theirs)})
    other = list(theirs)
    shuffled.shuffle(other)  # type: ignore[attr-defined]
    after = not_alike({TORCH: steps(ours), TENSORFLOW: steps(other)})
    assert before[TORCH] == after[TORCH]
    assert sorted(map(str, before[TENSORFLOW])) == sorted(map(str, after[TENSORFLOW]))
    more = not_alike({TORCH: steps([*ours, "torch.sigmoid(x)"]), TENSORFLOW: steps(theirs)})
    alike = ours.count("torch.sigmoid(x)") == theirs.count("tf.nn.sigmoid(x)")
    assert ("torch.sigmoid(x)" in [step.code for step in more[TORCH]]) == alike


def test_where_only_numbers_are_moved_otherwise_all_are_named() -> None:
    """What is given to a call that both make may be what parts: a slice that one side has besides is not it for sure."""
    wired = {
        TORCH: steps(["x[-1]", "torch.cat([x, y], -1)"]),
        TENSORFLOW: steps(["keras.ops.concatenate([x, y], axis=-1)"]),
    }
    assert (
        in_each(wired)
        == ": x[-1], torch.cat([x, y], -1) in PyTorch and keras.ops.concatenate([x, y], axis=-1) in TensorFlow"
    )
    made = {TORCH: steps(["torch.eye(3)", "x + y"]), TENSORFLOW: steps(["x + y"])}
    assert in_each(made) == ": torch.eye(3), x + y in PyTorch and x + y in TensorFlow"
    halved = {TORCH: steps(["x * 0.5", "x[-1]", "x + y"]), TENSORFLOW: steps(["x + y"])}
    assert in_each(halved) == ": x * 0.5, x[-1] in PyTorch, the other calls alike"
    assert in_each({TORCH: steps(["x + y"]), TENSORFLOW: steps(["x + y"])}, rest=False) == ""


def test_of_many_moves_the_first_are_named() -> None:
    moves = [f"x.view({number})" for number in range(6)]
    assert in_each({TORCH: steps(moves), TENSORFLOW: []}) == (
        ": x.view(0), x.view(1), x.view(2), x.view(3), ... (2 more) in PyTorch"
    )
