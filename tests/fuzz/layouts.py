"""The target that reads how the axes of one framework map to those of the other."""

from __future__ import annotations

import ast
import contextlib
from typing import TYPE_CHECKING

import numpy as np

from tests.fuzz.mutation import bytes_of, of_text, text_of
from tests.fuzz.watching import Target
from tfpt_cli.compare.layout import moved, problem_in
from tfpt_cli.frameworks import SIDES
from tfpt_cli.layers.layout import layout_of
from tfpt_cli.subjects.model.writer import turned_source

if TYPE_CHECKING:
    from random import Random


def read_layout(data: bytes) -> None:
    """Reads a layout, the lengths of an array's axes behind it on the second line, and turns such an array."""
    pattern, _, lengths = text_of(data).partition("\n")
    shape = tuple(
        min(int(length), 6)
        for length in lengths.split()[:8]
        if length.isascii() and length.isdigit() and len(length) < 9
    )
    problem = problem_in(pattern)
    if problem:
        return
    layout = layout_of(pattern)
    layout.back().back()
    if " -> " in pattern and len(pattern.split("->")[1].split()) > 1:
        layout.joined()
    first, second = (side.framework for side in SIDES)
    moved(np.zeros(shape), layout, first, second)
    moved(np.zeros((2, *shape)), layout, first, second, draws=True)
    with contextlib.suppress(ValueError):  # it does not fit the shape
        turned = layout.turned(shape)
        assert len(turned) == len(shape) or "(" in pattern or "1" in pattern or "..." in pattern, turned
        ast.parse(turned_source("x", shape, layout), mode="eval")
        layout.first()


LAYOUTS = (
    *(
        "out in -> in out",
        "n c h w -> n h w c",
        "(h d) in -> in h d, h=4",
        "out in h w -> (h w in) out",
        "... c -> c ...",
    ),
    *(
        "(gate out) in -> in (gate out), gate=4",
        "a 1 b -> b a",
        "n (c t) -> n t c, c=3",
        "a -> a",
        "1 a -> a",
        "() a -> a",
    ),
)


def another_layout(data: bytes, random: Random) -> bytes:
    """Another layout of one."""
    words = (
        "a",
        "b",
        "out",
        "in",
        "gate",
        "h",
        "w",
        "n",
        "1",
        "(a b)",
        "...",
        " -> ",
        ", a=2",
        "()",
        "draws",
        "drawn",
        "_x",
        "0",
    )
    text = text_of(data) if random.random() < 0.5 else f"{random.choice(LAYOUTS)}\n2 3 4"
    return bytes_of(of_text(text, random, LAYOUTS, words))


LAYOUT = Target("layout", read_layout, another_layout, lambda: [bytes_of(f"{text}\n2 3 4") for text in LAYOUTS])
TARGETS = (LAYOUT,)
