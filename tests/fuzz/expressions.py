"""The targets that read native and neutral code."""

from __future__ import annotations

import ast
import contextlib
import re
import zlib
from functools import cache
from typing import TYPE_CHECKING

from tests.fuzz.mutation import bytes_of, of_text, text_of
from tests.fuzz.seeds import codes
from tests.fuzz.watching import Target
from tfpt_cli.dictionary.canonical import canonical, canonical_pattern
from tfpt_cli.dictionary.differences import differences
from tfpt_cli.explain.causes import Provenance, explained, stand_of
from tfpt_cli.expressions.checking import shape_of
from tfpt_cli.expressions.lifting import NoRow, lifted
from tfpt_cli.expressions.logic import with_logical_calls
from tfpt_cli.expressions.lowering import too_long, written, written_for_reference
from tfpt_cli.expressions.native import check_native, native_in_double, with_full_names
from tfpt_cli.frameworks import FRAMEWORKS, SIDES, TENSORFLOW, TORCH
from tfpt_cli.language.constants import bad_constants, mark_inputs
from tfpt_cli.language.expression import parse
from tfpt_cli.results import VALUE, Comparison, Quantity, SideValue, State, Verdict

if TYPE_CHECKING:
    from random import Random


SHAPES = {"x": (3,), "y": (3,), "w": (2, 3), "h": None, "i": (4,), "t": (2, 3, 8, 8), "n": ()}
KINDS = {"i": "integers"}


def read_native(data: bytes) -> None:
    """Reads native code: the framework on the first line, the expression behind it."""
    framework, _, text = text_of(data).partition("\n")
    if framework not in FRAMEWORKS:
        framework = TORCH if zlib.crc32(data) % 2 else TENSORFLOW
    tree, complaints = parse(text)
    if tree is None or complaints:
        return
    names = set(SHAPES)
    mark_inputs(tree, names)
    complaints = check_native(tree, framework, names, given=zlib.crc32(data) % 8 == 0) + list(bad_constants(tree))
    if complaints:
        assert all(each.message.strip() and 0 <= each.offset <= len(text) for each in complaints), complaints
        return
    full = with_full_names(tree, framework, names)
    source = ast.unparse(full)
    native_in_double(source)
    with contextlib.suppress(NoRow):
        neutral = lifted(full, framework, names, whole={"i"}, shapes=SHAPES)
        neutral = with_logical_calls(mark_inputs(neutral, names), {"i"})
        if not shape_of(neutral, SHAPES, KINDS)[1] and not too_long(neutral):
            for each in FRAMEWORKS:
                written(neutral, each, "float32")
    spelled = canonical(full, framework)
    canonical_pattern(full)
    code = dict.fromkeys(FRAMEWORKS, (spelled,))
    provenance = Provenance(code, VALUE, shapes=SHAPES, numbers={"x": (1.0, 2.0, 3.0)}, by=frozenset("x"))
    sides = {side: SideValue(State.PRESENT, shape=(3,), dtype="float32", values=[1.0, 2.0, 3.0]) for side in SIDES}
    parted = explained(Comparison(Quantity(kind=VALUE), Verdict.DIFFERS, sides), provenance, {})
    for name in parted.known_differences:
        row = differences()[name]
        stand = stand_of(row, [provenance])
        row.standing_at(stand.numbers, stand.lines)


def _nested(text: str, random: Random) -> str:
    """An expression put in place of its own input, again and again: what doubles at each level has then no end."""
    within = text
    for _ in range(random.choice((2, 5, 40))):
        found = re.sub(r"(?<![\w.])x(?!\w)", lambda _, put=f"({within})": put, text, count=random.choice((1, 1, 2)))
        if len(found) > 3_900 or found == within:
            break
        within = found
    return within


def another_native(data: bytes, random: Random) -> bytes:
    """Another native expression of one, with words of others of its framework."""
    framework, _, text = text_of(data).partition("\n")
    if framework not in FRAMEWORKS or random.random() < 0.5:
        framework = random.choice(list(FRAMEWORKS))
        text = random.choice(codes()[framework])
    if random.random() < 0.03:
        return bytes_of(
            f"{framework}\n{_nested(random.choice((text, random.choice(_native_names(framework)))), random)}"
        )
    text = of_text(text, random, codes()[framework], _native_names(framework))
    return bytes_of(f"{framework}\n{text}")


@cache
def _native_names(framework: str) -> tuple[str, ...]:
    from tests.fuzz.odd_values import WORDS
    from tfpt_cli.dictionary.native import native

    calls = list(native(framework).calls)
    return (
        *WORDS,
        *SHAPES,
        *calls,
        *(f"{name}(x)" for name in calls),
        *(f"x.{name}()" for name in native(framework).methods),
    )


def read_neutral(data: bytes) -> None:
    """Reads a neutral expression, and writes it out for each framework and the reference."""
    text = text_of(data)
    tree, complaints = parse(text)
    assert all(each.message.strip() and 0 <= each.offset <= len(text) for each in complaints), complaints
    if tree is None or complaints:
        return
    tree = with_logical_calls(mark_inputs(tree, set(SHAPES)), {"i"})
    _, complaints = shape_of(tree, SHAPES, KINDS)
    if complaints:
        assert all(each.message.strip() and 0 <= each.offset <= len(text) for each in complaints), complaints
        return
    if too_long(tree):
        return
    for framework in FRAMEWORKS:
        ast.parse(written(tree, framework, "bfloat16" if zlib.crc32(data) % 4 == 0 else "float32"), mode="eval")
    for digits in (False, True):
        source = written_for_reference(tree, "float32", iter(range(10**6)), digits=digits)
        if source is not None:
            ast.parse(source, mode="eval")


def another_neutral(data: bytes, random: Random) -> bytes:
    """Another neutral expression of one."""
    text = text_of(data) if random.random() < 0.5 else random.choice(codes()["of"])
    if random.random() < 0.03:
        return bytes_of(_nested(random.choice((text, random.choice(_neutral_names()))), random))
    return bytes_of(of_text(text, random, codes()["of"], _neutral_names()))


@cache
def _neutral_names() -> tuple[str, ...]:
    from tests.fuzz.odd_values import WORDS
    from tfpt_cli.dictionary.rows import dictionary

    names = [*dictionary().operations, *dictionary().arrays]
    return (*WORDS, *SHAPES, *names, *(f"{name}(x)" for name in names), *(f"{name}(x, y)" for name in names))


NATIVE = Target(
    "native",
    read_native,
    another_native,
    lambda: [bytes_of(f"{f}\n{text}") for f in FRAMEWORKS for text in codes()[f]],
)
NEUTRAL = Target("neutral", read_neutral, another_neutral, lambda: [bytes_of(text) for text in codes()["of"]])
NEUTRAL = Target("neutral", read_neutral, another_neutral, lambda: [bytes_of(text) for text in codes()["of"]])
TARGETS = (NATIVE, NEUTRAL)
