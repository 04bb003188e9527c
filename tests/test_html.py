"""The HTML report in a real browser: what it shows, filters and restores, and what must never run or be asked for."""

from __future__ import annotations

import itertools
import json
import math
import os
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.conftest import ROOT, warm_tfpt
from tests.sides import TENSORFLOW, TORCH, quantity_named
from tfpt_cli import results
from tfpt_cli.frameworks import REFERENCE, SIDES
from tfpt_cli.report.differing_calls import differing_calls
from tfpt_cli.report.html import report_text
from tfpt_cli.results import (
    Comparison,
    Curve,
    Diagnosis,
    Distribution,
    Explanation,
    Failure,
    Finding,
    Kind,
    Measure,
    Problem,
    Report,
    ScenarioResult,
    SideValue,
    State,
    Status,
    Summary,
    Symptom,
    Verdict,
    Way,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

ENVIRONMENT = {"tfpt": "0.1.0", "python": "3.11.7", "torch": "2.13.0+cpu", "tensorflow": "2.21.0", "keras": "3.15.1"}
HOSTILE = (
    "</summary></details></script><script>window.hurt = 1</script>",
    "<img src=x onerror='window.hurt = 1'><svg onload='window.hurt = 1'>",
    "\" autofocus onfocus='window.hurt = 1' x=\"",
    "javascript:window.hurt=1",
    "{{ 7 * 7 }}{% raw %} &amp; &lt;b&gt; \u202egnirts\u2069 \x1b[31m \x00 \ud800 \U0001f600 naïve ß 中文",
    "<style>body{display:none}</style><base href='http://127.0.0.1:9/'><link rel=stylesheet href='http://127.0.0.1:9/a.css'>",
)
HELPER = '\ndef _slopes(function, point, side=0):\n    """Derivatives by every entry."""\n' + "".join(
    f"    step_{i} = function(point + {i} * side) - function(point - {i} * side)\n" for i in range(30)
)


LISTING = (
    "# Written by `tfpt code`\n#\n# a name\n"
    "import {0}\n\ndef f(x):\n    return {1}\n\nvalue = f(x)\nprint('value:', value)\n"
)


def side(values: Any, how: str = "", shape: tuple[int, ...] = (2,), **more: Any) -> SideValue:
    return SideValue(State.PRESENT, Way(how), shape, "float32", values, **more)


def gradient(
    name: str = "a gradient", *, passed: bool = False, torch: str = "F.gelu(x)", **changes: Any
) -> ScenarioResult:
    at = tuple(-2 + index / 20 for index in range(81))
    value = tuple(math.tanh(3 * x) for x in at)
    other = value if passed else tuple(None if x < -1 else y + max(x, 0) for x, y in zip(at, value, strict=True))
    apart = tuple(a != b for a, b in zip(value, other, strict=True))
    sides = {TORCH: side([1.0, 2.0], "backward"), TENSORFLOW: side([1.0, 2.5], "GradientTape")}
    measure = Measure(2, 0 if passed else 1, 0.5, 0.2, 12, (1,), {"rtol": 0.2, "atol": 0.5})
    tolerance = {"rtol": 1.3e-6, "atol": 1e-5}
    derivative = Comparison(
        quantity_named("d/dx"),
        Verdict.IDENTICAL if passed else Verdict.DIFFERS,
        sides,
        "" if passed else "1 of 2 values off, worst 2 against 2.5 at [1]",
        measure=measure,
        tolerance=tolerance,
        diagnosis=() if passed else (Diagnosis.NUMBER,),
        findings=(Finding(kind=Kind.BOTH_WRONG, words="both sides agree, and both are wrong: 1 against 0 at [0]"),),
        known_differences=() if passed else ("act-one",),
    )
    values: dict[str, Any] = {
        "file": "scenarios/gradient/one.yaml", "line": 7, "name": name, "case": {}, "subject": "gradient",
        "headline": f"PyTorch     {torch}\nTensorFlow  tf.nn.gelu(x)\nat x = [1, 2]", "expect": "agree", "because": "",
        "status": Status.PASSED if passed else Status.FAILED, "comparisons": (derivative,), "seconds": 0.01, "tags": ("one",),
        "explanations": () if passed else (Explanation("act-one", "activations", "One is exact.", "It is so by default.",
            {"torch": "F.gelu(x, approximate='tanh')"}, "https://example.org/a?b=1&c=2", "gradient/one.yaml"),),
        "listings": {TORCH: LISTING.format("torch", torch), TENSORFLOW: LISTING.format("tensorflow as tf", "tf.nn.gelu(x)"),
            REFERENCE: "import numpy as np\n" + HELPER + f"\nvalue = {torch!r}\n"},
        "curves": tuple(Curve(q, "x", at, {TORCH: value, TENSORFLOW: other}, apart)
            for q in ("value", "d/dx")),
    }  # fmt: skip
    return ScenarioResult(**(values | changes))


def init(name: str = "an initialization", **changes: Any) -> ScenarioResult:
    counts = (3, 40, 200, 700, 1500, 2900, 3700, 4000, 3900, 2800, 1600, 690, 210, 45, 4, 1)
    samples = Summary(0.0, 0.1, -0.4, 0.4, counts, (-0.4, 0.4))
    declared = tuple(math.exp(-(((i - 31.5) / 16) ** 2) * 2) / 20 for i in range(64))
    weight = side(
        None, shape=(64, 32), left_out=2048, samples=samples, law="normal(0, 0.1)", declared=declared, fans=(32, 64)
    )
    names = ("scale", "mean", "tails", "range", "serial correlation", "repeated values", "means along axis 0")
    tests = tuple(results.Test(test, on, 0.25) for test in names for on in ("both", "torch", "tensorflow"))
    laws = dict.fromkeys(SIDES, "normal(0, 0.1)")
    judged = Distribution(laws, dict.fromkeys(SIDES, 20480), 1e-6, tests, 0.04, 0.05)
    both = {TORCH: weight, TENSORFLOW: replace(weight, shape=(32, 64))}
    comparison = Comparison(
        quantity_named("weight"),
        Verdict.SAME_DISTRIBUTION,
        both,
        "normal(0, 0.1)",
        "out in -> in out",
        distribution=judged,
    )
    values: dict[str, Any] = {
        "file": "scenarios/init/two.yaml", "line": 3, "name": name, "case": {}, "subject": "init", "headline": "linear(32, 64)",
        "expect": "agree", "because": "", "status": Status.PASSED, "comparisons": (comparison,),
        "listings": {TORCH: "import torch\nfrom torch import nn\nlayer = nn.Linear(32, 64)\n",
            TENSORFLOW: "import keras\nlayer = keras.layers.Dense(64)\nlayer.build((None, 32))\n"},
    }  # fmt: skip
    return ScenarioResult(**(values | changes))


def matrix(name: str = "a matrix", **changes: Any) -> ScenarioResult:
    errors = tuple(
        tuple(math.nan if i == j == 3 else abs(math.sin(i * j + i)) ** 9 * (i != 7) for j in range(32))
        for i in range(32)
    )
    summary = Summary(0.0, 1.0, -3.0, 3.0, (1,) * 16, (-3.0, 3.0))
    both = dict.fromkeys(SIDES, side(None, shape=(320, 64), left_out=20480, summary=summary))
    product = Comparison(
        quantity_named("product"),
        Verdict.DIFFERS,
        both,
        "9 of 20,480 values off",
        diagnosis=(Diagnosis.NUMBER,),
        errors=errors,
    )
    refused = Comparison(
        quantity_named("loss"), Verdict.ERROR, {TORCH: SideValue(State.FAILED), TENSORFLOW: side(1.0, shape=())}
    )
    failures = (Failure(TORCH, Symptom.EXCEPTION, "RuntimeError: no such thing", 12),)
    comparisons = (product, refused)
    plain: dict[str, Any] = {"explanations": (), "curves": (), "failures": failures, "status": Status.ERROR}
    return gradient(name, **{**plain, "comparisons": comparisons, **changes})


def report(*scenarios: ScenarioResult, **changes: Any) -> Report:
    return Report(ENVIRONMENT, scenarios, **{"selected": len(scenarios), "seconds": 1.5} | changes)


def mixed() -> Report:
    skipped = gradient(
        "nothing to see", passed=True, status=Status.SKIPPED, comparisons=(), curves=(), file="scenarios/three.yaml"
    )
    expected = gradient("as expected", expect={"d/dx": "differ"}, because="they part", status=Status.PASSED)
    return report(
        gradient("the first", passed=True), gradient("unlike", torch="F.gelu(x, 'tanh')"), init(), expected, matrix(), skipped,
        problems=(Problem("broken.yaml", 7, 10, "unknown layer 'Denze', did you mean 'linear'?"),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    """A headless Chromium; in CI it has to be there."""
    found, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if found is None or driver is None:
        words = "chromium and chromedriver are needed"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    options = Options()
    options.binary_location = found
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chromium = webdriver.Chrome(options=options, service=Service(driver))
    yield chromium
    chromium.quit()


def visited(browser: WebDriver, address: str, *, width: int, dark: bool) -> None:
    """Opens a page anew in a window of a width, light or dark; the logs hold what comes after."""
    browser.get("about:blank")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": [scheme]})
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    browser.get_log("performance")  # type: ignore[no-untyped-call]
    browser.get(address)


@pytest.fixture
def show(browser: WebDriver, tmp_path: Path) -> Callable[..., WebDriver]:
    """Opens a report, wide and light unless said, with an anchor; the logs hold what comes after."""

    def _show(shown: Report, anchor: str = "", *, width: int = 1400, dark: bool = False) -> WebDriver:
        path = tmp_path / "report.html"
        path.write_text(report_text(shown), encoding="utf-8")
        visited(browser, path.as_uri() + anchor, width=width, dark=dark)
        return browser

    return _show


def requests(browser: WebDriver) -> list[str]:
    """What was asked for over a network or from a file since the page was opened."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def visible(browser: WebDriver) -> list[str]:
    names: list[str] = browser.execute_script(
        "return [...document.querySelectorAll('.s')].filter(e => !e.hidden).map(e => e.querySelector('h3').textContent)"
    )
    return names


def search(browser: WebDriver, text: str, count: int) -> None:
    field = browser.find_element(By.ID, "q")
    field.clear()
    field.send_keys(text)
    WebDriverWait(browser, 5).until(lambda b: b.find_element(By.ID, "count").text.startswith(f"{count} of"))


def scroll_width(browser: WebDriver) -> int:
    return int(browser.execute_script("return document.documentElement.scrollWidth"))


def test_it_shows_everything_and_asks_for_nothing(show: Callable[..., WebDriver]) -> None:
    browser = show(mixed())
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert [url for url in requests(browser) if not url.endswith("report.html")] == []
    assert browser.find_element(By.TAG_NAME, "h1").text == "2 of 6 scenarios are not as expected"
    opened = browser.execute_script("return [...document.querySelectorAll('.s[open] h3')].map(e => e.textContent)")
    assert opened == ["unlike", "a matrix"]
    text = browser.find_element(By.TAG_NAME, "body").text
    for words in (
        "3 passed", "1 failed", "1 error", "1 skipped", "1.5 s", "2.13.0+cpu", "3.15.1", "broken.yaml:7:10", "'Denze'",
        "differs", "worst 2 against 2.5 at [1]", "both are wrong", "One is exact. It is so by default.",
        "F.gelu(x, approximate='tanh')",
        "tfpt explain act-one --run", "https://example.org/a?b=1&c=2", "1 of 2 values off",
        "PyTorch (exception, line 12 of its listing): RuntimeError: no such thing", "No known difference explains product, loss.",
    ):  # fmt: skip
        assert words in text, words


def test_it_can_make_no_request_even_if_told_to(show: Callable[..., WebDriver]) -> None:
    browser = show(mixed())
    script = "const done = arguments[0]; fetch('http://127.0.0.1:9/').then(() => done('asked'), error => done(String(error)))"
    assert "Failed to fetch" in browser.execute_async_script(script)
    browser.execute_script("const i = new Image(); i.src = 'http://127.0.0.1:9/i.png'; document.body.append(i)")
    browser.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.hurt = 1'; document.body.append(s)"
    )
    refused = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert sum("Content Security Policy" in entry["message"] for entry in refused) >= 3
    assert browser.execute_script("return window.hurt") is None


def test_interrupted_stopped_and_empty_runs_say_so(show: Callable[..., WebDriver]) -> None:
    browser = show(report(init(), selected=40, interrupted=True))
    assert "Interrupted: 1 of 40 scenarios" in browser.find_element(By.TAG_NAME, "header").text
    assert browser.find_element(By.TAG_NAME, "h1").text == "The scenario is as expected"
    browser = show(report(gradient(), selected=40, stopped=True, deselected=3))
    header = browser.find_element(By.TAG_NAME, "header").text
    assert "Stopped after as many failures as were allowed" in header
    assert "3 not chosen" in header
    browser = show(report(problems=(Problem("a.yaml", 0, 0, "is empty"),)))
    assert browser.find_element(By.TAG_NAME, "h1").text == "No scenario was checked"
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_each_filter(show: Callable[..., WebDriver]) -> None:
    browser = show(mixed())
    everything = visible(browser)
    assert len(everything) == 6
    for name, value, found in (
        ("status", "error", ["a matrix"]),
        ("status", "skipped", ["nothing to see"]),
        ("subject", "init", ["an initialization"]),
        ("file", "scenarios/three.yaml", ["nothing to see"]),
    ):
        Select(browser.find_element(By.ID, name)).select_by_visible_text(value)
        assert visible(browser) == found
        assert f"{name}=" in browser.current_url
        browser.find_element(By.CSS_SELECTOR, "[type=reset]").click()
        WebDriverWait(browser, 5).until(lambda b: len(visible(b)) == 6)
        assert "#" not in browser.current_url
    browser.find_element(By.ID, "only").click()
    assert visible(browser) == ["unlike", "as expected", "a matrix"]
    assert browser.find_element(By.ID, "count").text == "3 of 6 scenarios shown, 3 with a mismatch"
    browser.find_element(By.CSS_SELECTOR, ".counts .failed").click()
    # A link changes the address, and the page hears of that in an event of its own, after the click has returned.
    WebDriverWait(browser, 5).until(lambda b: visible(b) == ["unlike"])
    headings = [e.text for e in browser.find_elements(By.CSS_SELECTOR, ".g h2") if e.is_displayed()]
    assert headings == ["scenarios/gradient/one.yaml"]


def test_search_looks_through_names_reasons_and_code(show: Callable[..., WebDriver]) -> None:
    browser = show(mixed())
    search(browser, "UNLIKE", 1)
    assert visible(browser) == ["unlike"]
    search(browser, "'tanh')", 2)
    search(browser, "keras.layers.Dense", 1)
    assert visible(browser) == ["an initialization"]
    search(browser, "d/dx worst unlike", 1)
    search(browser, "nowhere at all", 0)
    assert visible(browser) == []
    assert browser.find_element(By.ID, "count").get_attribute("aria-live") == "polite"


def test_the_address_restores_a_view(show: Callable[..., WebDriver]) -> None:
    browser = show(mixed(), "#q=matrix&status=error&only=mismatches")
    assert visible(browser) == ["a matrix"]
    assert browser.find_element(By.ID, "q").get_attribute("value") == "matrix"
    assert browser.find_element(By.ID, "only").is_selected()
    anchor = browser.execute_script("return document.querySelectorAll('.s')[2].id")
    browser = show(mixed(), f"#{anchor}")
    assert len(visible(browser)) == 6
    assert browser.find_element(By.ID, anchor).get_attribute("open") is not None
    assert len(visible(show(mixed(), "#status=nonsense&file=%00&q="))) == 6
    search(browser, "an initialization", 1)
    address = browser.current_url.partition("#")[2]
    assert visible(show(mixed(), f"#{address}")) == ["an initialization"]


def test_keys(show: Callable[..., WebDriver]) -> None:
    browser = show(mixed())

    def focused() -> str:
        return str(
            browser.execute_script("return document.activeElement.closest('.s')?.querySelector('h3').textContent")
        )

    body = browser.find_element(By.TAG_NAME, "body")
    seen = []
    for key in "nnnnpp":
        browser.switch_to.active_element.send_keys(key)
        seen.append(focused())
    assert seen == ["unlike", "as expected", "a matrix", "unlike", "a matrix", "as expected"]
    assert browser.find_element(By.XPATH, "//details[.//h3[.='as expected']]").get_attribute("open") is not None
    browser.switch_to.active_element.send_keys("/")
    assert browser.switch_to.active_element.get_attribute("id") == "q"
    browser.switch_to.active_element.send_keys("np/")
    assert browser.find_element(By.ID, "q").get_attribute("value") == "np/"
    show(mixed())
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    skip = browser.switch_to.active_element
    assert skip.text == "Skip to the scenarios"
    assert skip.rect["x"] >= 0
    skip.send_keys(Keys.ENTER)
    assert browser.execute_script("return document.activeElement.id") == "scenarios"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_shown_and_never_run(show: Callable[..., WebDriver], text: str) -> None:
    known = Explanation(text, "a", text, text, {"torch": text}, text, text)
    comparison = replace(
        gradient().comparisons[0],
        quantity=quantity_named(text),
        reason=text,
        layout=f"{text} -> b",
        known_differences=(text,),
    )
    listings = {TORCH: text, TENSORFLOW: f"def f(x):\n    return tf.f({text!r})\n"}
    curve = replace(gradient().curves[0], quantity=text, by=text)
    everywhere = gradient(
        text, file=text, headline=text, because=text, expect={text: "differ"}, tags=(text,), notes=(text,), subject=text,
        comparisons=(comparison,), failures=(Failure(TORCH, Symptom.EXCEPTION, text),), explanations=(known,), listings=listings,
        curves=(curve,),
    )  # fmt: skip
    problem = Problem(text, 1, 1, text)
    shown = Report({**ENVIRONMENT, "torch": text}, (everywhere, init("the next")), problems=(problem,))
    text_of_page = report_text(shown)
    for character in ("\u202e", "\x00", "\x1b", "\ud800"):
        assert character not in text_of_page
    text_of_page.encode()
    browser = show(shown)
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert [url for url in requests(browser) if not url.endswith("report.html")] == []
    assert browser.execute_script("return window.hurt") is None
    assert visible(browser)[1] == "the next"
    name = visible(browser)[0]
    assert name[:12].isprintable()
    assert name[:12] == text[:12]
    assert browser.find_element(By.TAG_NAME, "h1").is_displayed()
    outside = "script:not(body > script), img, base, link, [onerror], [onload], [onfocus], a[href^=javascript]"
    assert browser.find_elements(By.CSS_SELECTOR, outside) == []
    show(shown, width=375)
    browser.execute_script("document.querySelectorAll('details').forEach(e => { e.open = true })")
    assert scroll_width(browser) <= 375


def test_dark_follows_the_system_and_the_switch(show: Callable[..., WebDriver]) -> None:
    def lightness(browser: WebDriver) -> float:
        return float(browser.execute_script(
            "return getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).reduce((a, b) => a + +b, 0) / 3"
        ))  # fmt: skip

    assert lightness(show(mixed())) > 200
    browser = show(mixed(), dark=True)
    assert lightness(browser) < 60
    theme = Select(browser.find_element(By.ID, "theme"))
    theme.select_by_value("light")
    assert lightness(browser) > 200
    browser.refresh()
    assert lightness(browser) > 200
    Select(browser.find_element(By.ID, "theme")).select_by_value("")
    assert lightness(browser) < 60


def test_a_phone_scrolls_down_only(show: Callable[..., WebDriver]) -> None:
    browser = show(mixed(), width=375)
    browser.execute_script("document.querySelectorAll('details').forEach(e => { e.open = true })")
    assert scroll_width(browser) <= 375
    wide = browser.execute_script(
        "return [...document.querySelectorAll('.q, figure, .src, form, .known')].map(e => e.getBoundingClientRect())"
        ".filter(r => r.right > 376 || r.left < 0).length"
    )
    assert wide == 0


def test_what_is_printed_has_no_controls(show: Callable[..., WebDriver]) -> None:
    browser = show(mixed(), dark=True)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not browser.find_element(By.ID, "filter").is_displayed()
    assert browser.find_element(By.CSS_SELECTOR, ".s[open] .known").is_displayed()
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(252, 252, 251)"


def test_plots_say_what_they_show(show: Callable[..., WebDriver]) -> None:
    browser = show(mixed())
    plots = browser.execute_script(
        "return [...document.querySelectorAll('svg.p')].map(e => e.getAttribute('aria-labelledby').split(' ')"
        ".map(id => document.getElementById(id)).map(e => [e.tagName, e.textContent, e.closest('svg') !== null]))"
    )
    words = {title[1]: desc[1] for title, desc in plots}
    assert [(t[0], d[0], t[2] and d[2]) for t, d in plots] == [("title", "desc", True)] * 8
    assert (
        "mean 0.0, standard deviation 0.1, from -0.4 to 0.4, declared normal(0, 0.1)" in words["Histograms of weight"]
    )
    assert "They part at" in words["d/dx over x"]
    assert "TensorFlow has no number at 20 of 81 points" in words["d/dx over x"]
    assert "32 by 32 blocks of a matrix of 320 by 64" in words["Errors of product"]
    assert "Blocks with one that is not finite: 1." in words["Errors of product"]
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert "NaN" not in browser.execute_script(
        "return [...document.querySelectorAll('svg path')].map(e => e.getAttribute('d')).join()"
    )
    # The bars stand where the counts are: the highest of 16 in the eighth place.
    box = "const b = document.querySelector('path.h').getBBox(); return [b.x, b.width, b.height]"
    browser.execute_script("document.querySelectorAll('.s').forEach(e => { e.open = true })")
    x, width, height = browser.execute_script(box)
    assert (x, width) == (46, 306)
    assert height > 50


def contrasts(browser: WebDriver) -> list[tuple[float, str]]:
    """The contrast of every text that is seen with what it stands on, by the formula of WCAG 2."""
    found: list[tuple[float, str]] = browser.execute_script("""
      const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
      const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
      const ground = (e) => { for (; e; e = e.parentElement) { const c = numbers(getComputedStyle(e).backgroundColor);
        if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
      const own = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
      return [...document.body.querySelectorAll('*')].filter((e) => own(e) && e.checkVisibility()
          && !e.closest('script, title, desc'))
        .map((e) => { const style = getComputedStyle(e);
          const [a, b] = [light(numbers(e.closest('svg') ? style.fill : style.color)), light(ground(e))];
          return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), `${e.tagName} ${e.textContent.slice(0, 40)}`]; });
    """)
    return found


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read_in_both_themes(show: Callable[..., WebDriver], dark: bool) -> None:
    browser = show(mixed(), dark=dark)
    browser.execute_script("document.querySelectorAll('details').forEach(e => { e.open = true })")
    found = contrasts(browser)
    assert len(found) > 150
    assert [(ratio, text) for ratio, text in found if ratio < 4.5] == []


def test_what_a_screen_reader_needs(show: Callable[..., WebDriver]) -> None:
    browser = show(mixed())
    unnamed = browser.execute_script(
        "return [...document.querySelectorAll('input, select')].filter(e => !e.labels.length).map(e => e.outerHTML)"
    )
    assert unnamed == []
    assert len(browser.find_elements(By.CSS_SELECTOR, "input, select")) == 6
    levels = browser.execute_script("return [...document.querySelectorAll('h1, h2, h3, h4')].map(e => +e.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    tables = browser.execute_script(
        "return [...document.querySelectorAll('table')].map(t => [t.querySelectorAll('thead th:not([scope=col])').length,"
        " t.tHead.rows[0].cells.length, [...t.tBodies[0].rows].filter(r => r.cells[0].scope !== 'row').length,"
        " Math.max(...[...t.tBodies[0].rows].map(r => [...r.cells].reduce((n, c) => n + c.colSpan, 0)))])"
    )
    assert len(tables) >= 8
    assert all(bare == 0 and headless == 0 and wide <= columns for bare, columns, headless, wide in tables)
    for landmark in ("header", "main", "footer", "form[role=search][aria-label]", "html[lang]", "[aria-live=polite]"):
        assert len(browser.find_elements(By.CSS_SELECTOR, landmark)) == 1


def test_listings_stand_side_by_side_and_share_what_is_long(show: Callable[..., WebDriver]) -> None:
    shown = mixed()
    assert report_text(shown).count("Derivatives by every entry") == 1
    browser = show(shown)
    code = browser.find_element(By.XPATH, "//details[.//h3[.='unlike']]//details[contains(@class, 'code')]")
    torch, tensorflow = code.find_elements(By.CSS_SELECTOR, ".two figure")
    assert torch.rect["y"] == tensorflow.rect["y"]
    assert torch.rect["x"] < tensorflow.rect["x"]
    assert [e.text for e in code.find_elements(By.TAG_NAME, "mark")] == ["'tanh'", "tf.nn.gelu"]
    assert "Written by" not in code.text
    copied = browser.execute_script(
        "let text; navigator.clipboard.writeText = (t) => { text = t; return Promise.resolve(); };"
        "document.querySelector('.code[open]').querySelectorAll('figure')[2].querySelector('button').click();"
        "return text"
    )
    assert copied == shown.scenarios[1].listings[REFERENCE]


def test_of_a_failure_what_differs_is_shown_and_the_rest_folded(show: Callable[..., WebDriver]) -> None:
    around = (
        "import numpy as np\nimport {0}\nx = 1\n\ndef f(x):\n    return {1}\n\nvalue = f(x)\nprint(value)\nprint(x)\n"
    )
    calls = {TORCH: ("torch", "F.gelu(x)"), TENSORFLOW: ("tensorflow as tf", "tf.nn.gelu(x)")}
    listings = {side: around.format(*words) for side, words in calls.items()}
    browser = show(report(gradient(listings=listings), gradient("passes", passed=True, listings=listings)))
    code = browser.find_element(By.CSS_SELECTOR, ".s.failed .two")
    assert [e.text for e in code.find_elements(By.CSS_SELECTOR, ".src > pre")] == [
        "def f(x):\n    return F.gelu(x)",
        "def f(x):\n    return tf.nn.gelu(x)",
    ]
    assert [e.text for e in code.find_elements(By.CSS_SELECTOR, ".fold")] == ["4 lines more", "3 lines more"] * 2
    assert {e.text for e in code.find_elements(By.CSS_SELECTOR, ".src > pre .ck")} == {"def", "return"}
    assert browser.find_elements(By.CSS_SELECTOR, ".s.passed .fold") == []


def test_the_reason_and_the_fix_stand_first(show: Callable[..., WebDriver]) -> None:
    browser = show(mixed())
    index = browser.find_element(By.CSS_SELECTOR, "nav.not li").text
    block = browser.find_element(By.CSS_SELECTOR, ".s.failed .b > :first-child").text
    for text in (index, block):
        assert "d/dx differs: One is exact act-one" in text
        assert "Write F.gelu(x, approximate='tanh') in PyTorch" in text
    alone = show(report(gradient()), width=390)
    reason = alone.find_element(By.CSS_SELECTOR, ".reason")
    assert reason.rect["y"] + reason.rect["height"] < 844  # a phone's first screen
    assert alone.find_elements(By.CSS_SELECTOR, "nav.not") == []  # it follows at once


def test_every_source_is_a_link(show: Callable[..., WebDriver]) -> None:
    known = replace(gradient().explanations[0], source="https://example.org/a , https://example.org/b")
    browser = show(report(gradient(explanations=(known,))))
    links = [e.get_attribute("href") for e in browser.find_elements(By.CSS_SELECTOR, ".known a")]
    assert links == ["https://example.org/a", "https://example.org/b"]


def test_the_digits_that_part_are_marked(show: Callable[..., WebDriver]) -> None:
    browser = show(report(gradient()))
    assert [e.text for e in browser.find_elements(By.CSS_SELECTOR, ".q mark")] == ["0", "5"]


def test_nothing_waits_to_be_scrolled_to(show: Callable[..., WebDriver]) -> None:
    """A page that is printed or captured whole has everything in it."""
    browser = show(report(*(gradient(f"n {i}") for i in range(20))))
    hidden = "return [...document.querySelectorAll('*')].filter(e => getComputedStyle(e).contentVisibility !== 'visible').length"
    assert browser.execute_script(hidden) == 0


@pytest.mark.parametrize(
    ("torch", "tensorflow", "marked"),
    [
        ("F.softmax(x, dim=0)", "tf.nn.softmax(x, axis=-1)", (["0"], ["-1"])),
        ("F.softmax(x, dim=-1)", "tf.nn.softmax(x, axis=-1)", ([], [])),
        (
            "torch.clamp(x, 0, 1)",
            "tf.clip_by_value(x, 0, 1)",
            (["torch.clamp(x, 0, 1)"], ["tf.clip_by_value(x, 0, 1)"]),
        ),
        ("torch.sum(torch.exp(x))", "tf.reduce_sum(tf.exp(x))", (["torch.sum"], ["tf.reduce_sum"])),
        ("torch.exp(x).detach()", "tf.stop_gradient(tf.exp(x))", ([".detach"], ["tf.stop_gradient"])),
        ("torch.where(x > 0, x, 0)", "tf.where(x > 0, x, 0.0)", ([], [])),
        ("F.gelu(x)", "tf.nn.gelu(x, approximate=True)", (["F.gelu"], ["True"])),
        ("F.f('naïve ß', x)", "tf.f('naïve', x)", (["'naïve ß'"], ["'naïve'"])),
        ("F.f(", "tf.f(x)", None),
    ],
)
def test_which_calls_are_marked(torch: str, tensorflow: str, marked: tuple[list[str], list[str]] | None) -> None:
    listing = "import a\nx = {0}.constant(1)\n\ndef f(x):\n    return {1}\n\nprint(f(x))\n"
    listings = {TORCH: listing.format("torch", torch), TENSORFLOW: listing.format("tf", tensorflow)}
    found = differing_calls(listings)
    if marked is None:
        assert found == {}
    else:
        assert tuple([listings[side][a:b] for a, b in found[side]] for side in SIDES) == marked


def _of_many(index: int) -> ScenarioResult:
    """What a long run has: mostly what agrees, all kinds of plots, some failures, a few matrices that differ."""
    if index % 4 == 1:
        return init(f"init {index}")
    if index % 4 == 2:
        return gradient(f"expected {index}", expect="differ", because="they part", status=Status.PASSED)
    if index % 20 == 3:
        return matrix(f"matrix {index}")
    return gradient(f"gradient {index}", passed=index % 8 > 0)


def test_five_hundred_scenarios_open_quickly(show: Callable[..., WebDriver]) -> None:
    many = report(*(replace(_of_many(i), file=f"scenarios/{i // 25}.yaml") for i in range(500)))
    began = time.perf_counter()
    size = len(report_text(many).encode())
    written = time.perf_counter() - began
    assert size < 5_000_000
    browser = show(many)
    loaded = browser.execute_script(
        "const [t] = performance.getEntriesByType('navigation'); return t.loadEventEnd - t.startTime"
    )
    painted = browser.execute_script("return performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    began = time.perf_counter()
    search(browser, "expected 102", 1)
    print(
        f"500 scenarios: {size / 1e6:.2f} MB, written in {written:.2f} s, loaded in {loaded:.0f} ms,"
        f" first paint after {painted or math.nan:.0f} ms, searched in {time.perf_counter() - began:.2f} s"
    )


def test_the_command_writes_it(browser: WebDriver, tmp_path: Path) -> None:
    path = tmp_path / "seed.html"
    done = warm_tfpt("check", ROOT / "scenarios" / "seed", "--report", f"html={path}")
    assert done.code == 0, done.err
    browser.get(path.as_uri())
    assert browser.find_element(By.TAG_NAME, "h1").text == "All 4 scenarios are as expected"
    assert len(browser.find_elements(By.CSS_SELECTOR, "figure.curve, figure.histogram")) == 6
