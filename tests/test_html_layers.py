"""The layers of two models in a real browser: bars along the depth, runs that are folded, and what a layer unfolds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By

from tests.sides import TENSORFLOW, TORCH, quantity_named
from tests.test_html import HOSTILE, browser, contrasts, report, requests, scroll_width, show
from tfpt_cli.frameworks import SIDES
from tfpt_cli.report.layer_details import parameters, settings
from tfpt_cli.results import (
    STATE,
    Comparison,
    LayerLine,
    Measure,
    PairLine,
    Quantity,
    ScenarioResult,
    SideValue,
    State,
    Status,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver.chrome.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement

__all__ = ["browser", "show"]  # fixtures
NORM = ("nn.BatchNorm2d(num_features=8)", "keras.layers.BatchNormalization(momentum=0.9, epsilon={})")
CONV = (
    "nn.Conv2d(in_channels=8, out_channels=8, kernel_size=3, padding=1)",
    "keras.layers.Conv2D(filters=8, kernel_size=3)",
)


def line(place: int, begins: int) -> LayerLine:
    """A convolution or a normalization; one normalization has another epsilon, which all behind it pass on."""
    ours, theirs = NORM if place % 2 else CONV
    behind = place >= begins
    return LayerLine(
        names={TORCH: f"stages.{place // 20}.blocks.{place}.layer", TENSORFLOW: f"stage_{place // 20}_block_{place}"},
        codes={TORCH: ours, TENSORFLOW: theirs.format("0.001" if place == begins else "1e-05")},
        shapes={TORCH: (2, 8, 16, 16), TENSORFLOW: (2, 16, 16, 8)},
        verdict=Verdict.DIFFERS if behind else Verdict.CLOSE if place else Verdict.IDENTICAL,
        by_itself=1e-4 if place == begins else 2e-16 if place else 0.0,
        so_far=min(1e-4 * 1.05 ** (place - begins), 0.9) if behind else 1e-15 if place else 0.0,
        gradient_by_itself=1e-5 if place == begins else 1e-16,
        gradient_so_far=1e-3 if place <= begins else 1e-15,
        in_float32=1e-7,
        rounding={TORCH: 2e-7, TENSORFLOW: 3e-7},
        layout="n c h w -> n h w c",
        begins=place == begins,
        note="a note of this layer" if place == begins else "",
    )


def compared(quantity: Quantity, size: float) -> Comparison:
    value = SideValue(State.PRESENT, shape=(8,), dtype="float64", left_out=8)
    measure = Measure(8, 8 if size > 1e-9 else 0, size, size, None, (0,), None)
    verdict = Verdict.DIFFERS if size > 1e-9 else Verdict.CLOSE
    return Comparison(quantity, verdict, dict.fromkeys(SIDES, value), measure=measure)


def network(count: int = 200, begins: int = 51, **changes: Any) -> ScenarioResult:
    lines = tuple(line(place, begins) for place in range(count))
    output = Comparison(
        quantity_named("output"), Verdict.DIFFERS,
        dict.fromkeys(SIDES, SideValue(State.PRESENT, shape=(1,), dtype="float64", values=[1.0])), "1 of 1 values off",
    )  # fmt: skip
    comparisons, pairs = [output], []
    for each in lines:
        names = (("weight", "gamma"), ("running_mean", "moving_mean")) if "Norm" in each.codes[TORCH] else (
            ("weight", "kernel"), ("bias", "bias"),
        )  # fmt: skip
        for ours, theirs in names:
            path = f"{each.names[TORCH]}.{ours}"
            pairs.append(PairLine({TORCH: path, TENSORFLOW: f"{each.names[TENSORFLOW]}.{theirs}"}, "by name", "a -> a"))
            kind = Quantity(STATE, path, step=1) if "running" in ours else Quantity("gradient", by=(path,))
            comparisons.append(compared(kind, 1e-3 if each.verdict is Verdict.CLOSE else 1e-15))
    values: dict[str, Any] = {
        "file": "a.yaml", "line": 1, "name": "a deep network", "case": {}, "subject": "model", "headline": "two models",
        "expect": "agree", "because": "", "status": Status.FAILED, "comparisons": tuple(comparisons), "layers": lines,
        "pairs": tuple(pairs),
    }  # fmt: skip
    return ScenarioResult(**(values | changes))


def seen(browser: WebDriver) -> int:
    """How many layers have a line that is seen."""
    return int(
        browser.execute_script("return [...document.querySelectorAll('.l')].filter(e => e.checkVisibility()).length")
    )


def beyond(browser: WebDriver, width: int) -> list[str]:
    """What reaches beyond the sides of the window."""
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll('.lt *, .depth *, .params')].filter(e => e.checkVisibility())"
        ".filter(e => { const r = e.getBoundingClientRect(); return r.width && (r.right > arguments[0] + 1 || r.left < 0) })"
        ".map(e => e.outerHTML.slice(0, 80))",
        width,
    )
    return found


def widths(row: WebElement, direction: str) -> list[float]:
    """How long the bars of a layer are on the screen: so far, by itself."""
    bars = row.find_elements(By.CSS_SELECTOR, f":scope > summary .bars[data-t={direction}] > span")
    rects = [bar.find_elements(By.TAG_NAME, "rect") for bar in bars]
    return [float(found[0].rect["width"]) if found else math.nan for found in rects]


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("dark", [False, True])
def test_two_hundred_layers_are_few_lines(show: Callable[..., WebDriver], width: int, dark: bool) -> None:
    browser = show(report(network()), width=width, dark=dark)
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert [url for url in requests(browser) if not url.endswith("report.html")] == []
    # The first and the last of those that agree, the one at which they part, the first and the last of those behind it.
    assert len(browser.find_elements(By.CSS_SELECTOR, ".l")) == 200
    assert seen(browser) == 5
    agree, behind = browser.find_elements(By.CSS_SELECTOR, ".run > summary")
    assert agree.text == "49 layers that agree"
    assert behind.text == "146 layers that differ so far and agree by themselves"
    assert scroll_width(browser) <= width
    assert beyond(browser, width) == []
    agree.click()
    assert seen(browser) == 5 + 49
    agree.click()
    assert seen(browser) == 5
    behind.click()
    assert seen(browser) == 5 + 146
    browser.execute_script("document.querySelectorAll('details').forEach(e => { e.open = true })")
    assert seen(browser) == 200
    assert scroll_width(browser) <= width
    assert beyond(browser, width) == []
    assert [(ratio, text) for ratio, text in contrasts(browser) if ratio < 4.5] == []


@pytest.mark.parametrize("width", [390, 1200])
def test_the_bars_are_as_long_as_the_errors_on_a_logarithmic_scale(show: Callable[..., WebDriver], width: int) -> None:
    browser = show(report(network()), width=width)
    first, agrees, culprit, carries, last = (
        e for e in browser.find_elements(By.CSS_SELECTOR, ".l") if e.is_displayed()
    )
    assert widths(first, "forward") == [0, 0]
    whole = culprit.find_element(By.CSS_SELECTOR, "svg").rect["width"]
    assert widths(culprit, "forward") == pytest.approx([whole * 0.75, whole * 0.75], abs=1)
    assert widths(culprit, "backward") == pytest.approx([whole * 13 / 16, whole * 11 / 16], abs=1)
    assert widths(agrees, "forward")[0] < whole / 8
    assert widths(carries, "forward")[0] > 5 * widths(carries, "forward")[1] > 0
    assert widths(last, "forward")[0] > widths(culprit, "forward")[0]
    assert widths(last, "backward")[0] < whole / 8


def test_the_layer_at_which_they_part_is_marked_and_unfolded(show: Callable[..., WebDriver]) -> None:
    browser = show(report(network()))
    (culprit,) = browser.find_elements(By.CSS_SELECTOR, ".l[open]")
    assert "begins" in str(culprit.get_attribute("class"))
    text = culprit.text
    for words in (
        NORM[0], NORM[1].format("0.001"), "a note of this layer", "n c h w -> n h w c", "paired by name",
        "stages.2.blocks.51.layer.weight", "stage_2_block_51.gamma", "d/dstages.2.blocks.51.layer.weight",
        "In float32, in the models: both sides are 1e-07 apart; from what each gives itself in float64: PyTorch 2e-07, "
        "TensorFlow 3e-07.",
    ):  # fmt: skip
        assert words in text, words
    rows = {e.find_element(By.TAG_NAME, "th").text: e for e in culprit.find_elements(By.CSS_SELECTOR, ".set tbody tr")}
    assert [e.text for e in rows["num_features"].find_elements(By.TAG_NAME, "td")] == ["8", "8"]
    assert [e.text for e in culprit.find_elements(By.CSS_SELECTOR, ".set .parted :is(th, mark)")] == [
        "eps",
        "1e-05",
        "0.001",
    ]
    link = browser.find_element(By.CSS_SELECTOR, ".from a")
    assert link.text == "▶ stages.2.blocks.51.layer / stage_2_block_51"
    link.click()
    assert 0 <= browser.execute_script("return document.querySelector('.l.begins').getBoundingClientRect().top") < 900


def test_the_plots_show_each_direction_with_its_greatest_errors(show: Callable[..., WebDriver]) -> None:
    browser = show(report(network()))
    said = [e.get_attribute("aria-label") for e in browser.find_elements(By.CSS_SELECTOR, ".depth svg")]
    where = "stages.2.blocks.51.layer / stage_2_block_51"
    assert said[0] == (
        "Error forward over 200 layers: greatest so far at stages.9.blocks.199.layer / stage_9_block_199: 0.14, "
        f"greatest by itself at {where}: 0.0001."
    )
    assert str(said[1]).endswith(f"greatest by itself at {where}: 1e-05.")
    line, mark, frame = (
        browser.find_element(By.CSS_SELECTOR, f".depth {name}").rect for name in ("path.far", "path.at", "svg")
    )
    assert frame["x"] < line["x"] < mark["x"] < line["x"] + line["width"] < frame["x"] + frame["width"]
    assert (mark["x"] - frame["x"]) / frame["width"] == pytest.approx(51.5 / 200, abs=0.01)


def test_many_parameters_are_folded_and_few_are_not(show: Callable[..., WebDriver]) -> None:
    browser = show(report(network()))
    (folded,) = browser.find_elements(By.CSS_SELECTOR, ".m:has(.params) > summary")
    assert folded.text == "400 gradients, statistics and parameters, 100 of them apart"
    assert not browser.find_element(By.CSS_SELECTOR, ".params").is_displayed()
    browser = show(report(network(6, 3)))
    assert browser.find_element(By.CSS_SELECTOR, ".params").is_displayed()
    assert seen(browser) == 6
    assert browser.find_elements(By.CSS_SELECTOR, ".run") == []


def test_what_was_not_measured_has_no_bar_and_no_column(show: Callable[..., WebDriver]) -> None:
    lines = [
        replace(each, gradient_so_far=None, gradient_by_itself=None, in_float32=None, rounding={})
        for each in network(6, 3).layers
    ]
    lines[4] = replace(lines[4], by_itself=None, so_far=math.inf)
    browser = show(report(network(layers=tuple(lines))))
    rows = browser.find_elements(By.CSS_SELECTOR, ".l")
    assert browser.find_element(By.CSS_SELECTOR, ".lh").text.split("\n") == [
        "PyTorch", "TensorFlow", "gives", "forward, 1e−16 to 1", "verdict",
    ]  # fmt: skip
    assert len(browser.find_elements(By.CSS_SELECTOR, ".depth figure")) == 1
    assert "so far shapes\nby itself -" in rows[4].text
    so_far, by_itself = widths(rows[4], "forward")
    assert so_far == rows[4].find_element(By.TAG_NAME, "svg").rect["width"]
    assert math.isnan(by_itself)


def test_tables_have_heads_and_ids_are_unique(show: Callable[..., WebDriver]) -> None:
    browser = show(report(network(), network(6, 3), network(6, 3)))
    assert browser.execute_script(
        "return [...document.querySelectorAll('.b table')].filter(t => t.querySelector('thead th:not([scope=col])')"
        " || [...t.tBodies[0].rows].some(r => r.cells[0].scope !== 'row'"
        " || r.cells.length > t.tHead.rows[0].cells.length)).length"
    ) == 0  # fmt: skip
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert len(browser.find_elements(By.CSS_SELECTOR, ".l.begins[id]")) == 3


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_layers_are_shown_and_never_run(show: Callable[..., WebDriver], text: str) -> None:
    lines = [
        replace(each, names=dict.fromkeys(SIDES, text), codes=dict.fromkeys(SIDES, text), note=text, layout=text)
        for each in network(6, 3).layers
    ]
    pairs = (PairLine(dict.fromkeys(SIDES, f"{text}.weight"), text, text),)
    browser = show(report(network(layers=tuple(lines), pairs=pairs)), width=390)
    browser.execute_script("document.querySelectorAll('details').forEach(e => { e.open = true })")
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert browser.execute_script("return window.hurt") is None
    assert scroll_width(browser) <= 390


def test_settings_have_the_names_of_the_row_and_those_that_mean_the_same_are_not_marked() -> None:
    conv, norm = line(0, 9), line(9, 9)
    assert {each.name for each in settings(norm) if each.parted} == {"eps"}
    assert {each.name: each.values for each in settings(conv) if each.parted} == {"padding": ("1", "valid")}
    codes = {TORCH: CONV[0].replace("padding=1", "dilation=(1, 1)"), TENSORFLOW: CONV[1]}
    assert [each for each in settings(replace(conv, codes=codes)) if each.parted] == []
    own = replace(conv, codes={TORCH: "Mine(2, width=3, depth=4)", TENSORFLOW: "Yours(2, width=5, height=6)"})
    assert [(each.name, each.values, each.parted) for each in settings(own)] == [
        ("argument 1", ("2", "2"), False), ("width", ("3", "5"), True), ("depth", ("4", ""), False),
        ("height", ("", "6"), False),
    ]  # fmt: skip
    assert settings(replace(conv, codes=dict.fromkeys(SIDES, "no code ("))) == []


def test_a_parameter_is_of_the_nearest_layer_above_it() -> None:
    names = ("block", "block.norm", "blocks")
    lines = [replace(line(place, 9), names=dict.fromkeys(SIDES, name)) for place, name in enumerate(names)]
    paths = ("block.norm.weight", "block.own", "block.a.b + block.a.c", "nowhere.weight", "blocks.0.bias")
    pairs = tuple(PairLine(dict.fromkeys(SIDES, path), "by name") for path in paths)
    alone = compared(Quantity("gradient", by=("block.alone",)), 1.0)
    found = parameters(network(layers=tuple(lines), pairs=pairs, comparisons=(alone,)))
    assert {layer: [each.names for each in owned] for layer, owned in found.items()} == {
        "block.norm": [("block.norm.weight",) * 2],
        "block": [("block.own",) * 2, ("block.a.b + block.a.c",) * 2, ("block.alone", "")],
        "blocks": [("blocks.0.bias",) * 2],
    }
