"""Axes and blocks moved from PyTorch's order to TensorFlow's, against NumPy's transpositions; which patterns are refused."""

from __future__ import annotations

import numpy as np
import pytest

from tfpt_cli.compare.layout import blocks, moved, problem_in
from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.layers.layout import Layout

KERNEL = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)


def test_axes_are_transposed() -> None:
    turned = moved(KERNEL, Layout("out in h w -> h w in out"), TORCH, TENSORFLOW)
    assert turned is not None
    assert (turned == KERNEL.transpose(2, 3, 1, 0)).all()
    drawn = moved(np.stack([KERNEL, -KERNEL]), Layout("out in h w -> h w in out"), TORCH, TENSORFLOW, draws=True)
    assert drawn is not None
    assert (drawn == np.stack([turned, -turned])).all()


def test_lengths_that_the_pattern_does_not_tell() -> None:
    layout = Layout("(head dim) in -> in head dim", {"head": 2, "elsewhere": 9})
    turned = moved(np.arange(24).reshape(6, 4), layout, TORCH, TENSORFLOW)
    assert turned is not None
    assert (turned == np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1)).all()


@pytest.mark.parametrize(
    "layout", [Layout("out in -> in out"), Layout("(gate out) in h w -> in h w (gate out)", {"gate": 7})]
)
def test_what_does_not_fit_is_none(layout: Layout) -> None:
    assert moved(KERNEL, layout, TORCH, TENSORFLOW) is None
    gates = Layout(layout.pattern, layout.sizes, {"torch": tuple("abcdefg"), "tensorflow": tuple("gfedcba")})
    assert moved(KERNEL, gates, TORCH, TENSORFLOW) is None


GATES = Layout("(gate out) in -> in (gate out)", {"gate": 3}, {"torch": ("a", "b", "c"), "tensorflow": ("c", "a", "b")})


def test_blocks_are_put_into_the_other_order_in_every_draw() -> None:
    torch = np.arange(3 * 2 * 5).reshape(6, 5)
    wanted = torch.reshape(3, 2, 5)[[2, 0, 1]].reshape(6, 5).T
    drawn = moved(np.stack([torch, 100 + torch]), GATES, TORCH, TENSORFLOW, draws=True)
    assert drawn is not None
    assert (drawn == np.stack([wanted, 100 + wanted])).all()
    apart = blocks(torch, GATES, TORCH)
    assert apart is not None
    assert (apart == torch.reshape(3, 2, 5)).all()
    keras = blocks(np.stack([wanted, 100 + wanted]), GATES, TENSORFLOW, draws=True)
    assert keras is not None
    assert keras.shape == (3, 2, 5, 2)
    assert (keras[1, 1] == 100 + torch[:2].T).all()  # the block 'a', second in Keras, first in PyTorch


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("out in -> in out", ""),
        ("out ... -> ... out", ""),
        ("(c out) in -> in out c, c=8", ""),
        ("(a b) c -> c a b, a=8, b = 999999999", ""),
        ("out in, in out", "'in out' is not the length of an axis, such as c=8"),
        ("(c o) -> c o, c=0", "'c=0' is not the length of an axis, such as c=8"),
        ("(c o) -> c o, c=1000000000", "'c=1000000000' is not the length of an axis, such as c=8"),
        ("out in", "'out in' has no '->': a layout is an einops pattern such as out in -> in out"),
        ("a -> b -> c", "'a -> b -> c' is not an einops pattern: one '->' and at most 200 characters"),
        (
            f"a -> a{' ' * 190}1 1 1",
            f"'a -> a{' ' * 54}' is not an einops pattern: one '->' and at most 200 characters",
        ),
        ("a b -> a", "'a b -> a' is not an einops pattern: b stands on one side alone"),
        ("a b c -> a d c", "'a b c -> a d c' is not an einops pattern: b and d stand on one side alone"),
        # Letters of axes that were written as one word.
        ("oi -> io", "'oi -> io' is not an einops pattern: oi and io stand on one side alone; write o i -> i o"),
        ("oi -> ik", "'oi -> ik' is not an einops pattern: oi and ik stand on one side alone"),
        ("oi (a) -> (a) io", "'oi (a) -> (a) io' is not an einops pattern: oi and io stand on one side alone"),
        ("o/i -> i o", "'o/i -> i o' is not an einops pattern: '/' stands in no name of an axis, such as out"),
        (
            "(a b) c -> c a b",
            "'(a b) c -> c a b' does not say how long a or b is; write it behind a comma: (a b) c -> c a b, a=2",
        ),
        # What is known stays, and is not asked for.
        (
            "(d 1) (a b c) -> a b c d, b=8",
            "'(d 1) (a b c) -> a b c d' does not say how long a or c is; "
            "write it behind a comma: (d 1) (a b c) -> a b c d, b=8, a=2",
        ),
    ],
)
def test_what_is_wrong_with_a_pattern(pattern: str, words: str) -> None:
    assert problem_in(pattern) == words


@pytest.mark.parametrize(("pattern", "word"), [("(a b -> a b", "Imbalanced"), ("(a 1) (a b) -> a b", "duplicate")])
def test_what_einops_says_of_a_pattern_in_its_last_line(pattern: str, word: str) -> None:
    start, _, said = problem_in(pattern).partition(": ")
    assert start == f"'{pattern}' is not an einops pattern"
    assert word in said
    assert "\n" not in said


def test_two_hundred_characters_are_the_most() -> None:
    pattern = f"{'a' * 98} -> {'a' * 98}"
    assert (len(pattern), problem_in(pattern)) == (200, "")
    assert "at most 200 characters" in problem_in(f"{pattern} 1")
