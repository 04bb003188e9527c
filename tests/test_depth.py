"""The error along the depth of two models: its scale, the sparklines of the terminal, and where the models begin to part."""

from __future__ import annotations

import io
import math

import pytest

from tests.sides import TENSORFLOW, TORCH, quantity_named
from tfpt_cli.frameworks import SIDES
from tfpt_cli.report.console import plain_console
from tfpt_cli.report.depth import column, directions, share, spark_lines, sparkline
from tfpt_cli.report.models import model_tables
from tfpt_cli.report.numbers import ASCII_BLOCKS, BLOCKS
from tfpt_cli.report.table import print_scenario
from tfpt_cli.results import Comparison, LayerLine, ScenarioResult, SideValue, State, Status, Verdict


def layers(count: int, begins: int | None = None, *, backward: bool = True) -> tuple[LayerLine, ...]:
    """Layers of which one is apart by itself, and all behind it for that reason."""

    def line(place: int) -> LayerLine:
        behind = begins is not None and place >= begins
        return LayerLine(
            names={TORCH: f"blocks.{place}.norm", TENSORFLOW: f"block_{place}_norm"},
            codes={TORCH: "nn.ReLU()", TENSORFLOW: "keras.layers.ReLU()"},
            shapes=dict.fromkeys(SIDES, (2, 4)),
            verdict=Verdict.DIFFERS if behind else Verdict.CLOSE,
            by_itself=1e-4 if place == begins else 1e-16,
            so_far=0.3 if behind else 2e-16,
            gradient_by_itself=1e-16 if backward else None,
            gradient_so_far=1e-6 if backward else None,
            begins=place == begins,
        )

    return tuple(map(line, range(count)))


def of_models(lines: tuple[LayerLine, ...]) -> ScenarioResult:
    """A result of two models that part in their output."""
    value = SideValue(State.PRESENT, shape=(1,), dtype="float64", values=[1.0])
    output = Comparison(quantity_named("output"), Verdict.DIFFERS, dict.fromkeys(SIDES, value))
    return ScenarioResult(
        "a.yaml", 1, "deep", {}, "model", "a model", "agree", "", Status.FAILED, (output,), layers=lines
    )  # fmt: skip


@pytest.mark.parametrize(("error", "expected"), [
    (0.0, 0), (1e-30, 0), (1e-16, 0), (1e-12, 0.25), (1e-4, 0.75), (1.0, 1), (50.0, 1), (math.inf, 1), (math.nan, 1),
])  # fmt: skip
def test_the_scale_is_logarithmic(error: float, expected: float) -> None:
    assert share(error) == pytest.approx(expected)


@pytest.mark.parametrize("width", [1, 7, 40, 199, 200, 500])
def test_a_sparkline_has_a_block_for_each_error_or_as_many_as_fit(width: int) -> None:
    errors = [10.0 ** (-16 + place % 5) for place in range(200)]
    assert len(sparkline(errors, width)) == min(width, 200)


@pytest.mark.parametrize("place", [0, 1, 66, 67, 100, 198, 199])
@pytest.mark.parametrize("width", [3, 40, 199, 200])
@pytest.mark.parametrize(("ascii_only", "highest"), [(False, BLOCKS[-1]), (True, ASCII_BLOCKS[-1])])
def test_the_greatest_error_is_always_seen_above_its_mark(
    place: int, width: int, ascii_only: bool, highest: str
) -> None:
    errors: list[float | None] = [1e-16] * 200
    errors[place] = 1.0
    drawn = sparkline(errors, width, ascii_only=ascii_only)
    assert drawn.count(highest) == 1
    assert drawn.index(highest) == column(place, 200, width)


def test_what_was_not_measured_is_blank_and_nothing_where_nothing_was() -> None:
    assert sparkline([None, 1e-16, None], 9) == " ▁ "
    assert sparkline([None] * 9, 9) == sparkline([], 9) == sparkline([1.0], 0) == ""
    assert [each.name for each in directions(layers(9))] == ["forward", "backward"]
    assert [each.name for each in directions(layers(9, backward=False))] == ["forward"]
    nothing = LayerLine(dict.fromkeys(SIDES, "a"), dict.fromkeys(SIDES, "a()"), dict.fromkeys(SIDES, ()), Verdict.CLOSE)
    assert directions([nothing]) == []
    assert spark_lines([nothing] * 9, 80) == []


def test_few_layers_have_no_sparkline() -> None:
    assert spark_lines(layers(3, 1), 80) == []
    assert spark_lines(layers(4, 1), 80) == [
        ("forward ", "▁███", "at most 0.3 apart"),
        ("backward", "▆▆▆▆", "at most 1e-06 apart"),
        ("        ", " ▲", "layer 2 of 4"),
    ]
    assert spark_lines(layers(4, backward=False), 80) == [("forward", "▁▁▁▁", "at most 2e-16 apart")]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 160])
@pytest.mark.parametrize("begins", [0, 50, 199])
def test_the_terminal_shows_the_depth_without_wrapping(width: int, begins: int) -> None:
    text = io.StringIO()
    print_scenario(of_models(layers(200, begins)), {}, plain_console(text, width=width))
    lines = text.getvalue().splitlines()
    drawn = [line for line in lines if line.startswith("  forward ")]
    if width == 20:
        assert drawn == []  # there is no room
        return
    (forward,) = drawn
    backward, mark = lines[lines.index(forward) + 1 :][:2]
    assert backward.startswith("  backward ")
    assert max(map(len, (forward, backward, mark))) <= width
    assert forward.index("█") == mark.index("▲")


def test_the_layer_at_which_they_begin_to_part_is_never_folded() -> None:
    """Where only the gradients part, every layer agrees forward."""
    lines = tuple(
        LayerLine(line.names, line.codes, line.shapes, Verdict.CLOSE, begins=place == 5)
        for place, line in enumerate(layers(11))
    )
    ((_, rows),) = model_tables(of_models(lines))[:1]
    assert [(row.begins, row.folded) for row in rows] == [
        (False, 1), (False, 3), (False, 1), (True, 1), (False, 1), (False, 3), (False, 1),
    ]  # fmt: skip
