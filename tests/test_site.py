"""`tfpt site`: every row has a page, every link leads somewhere, the list is searched, and nothing runs or is asked for."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.conftest import run_tfpt, warm_tfpt
from tests.test_html import HOSTILE, browser, requests, scroll_width, visited
from tfpt_cli.dictionary.measured import measured
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.documents.document import documents
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.report.catalogue import KINDS, rows_of
from tfpt_cli.scenario.examples import examples_of
from tfpt_cli.scenario.scenario import read_document
from tfpt_cli.site.build import site
from tfpt_cli.site.pages import Page, pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver.chrome.webdriver import WebDriver

__all__ = ["browser"]  # a fixture

VOID = {"meta", "link", "input", "wbr", "br"}
# What HTML lets one leave out.
CLOSED_BY_ITSELF = {"p", "li", "dt", "dd", "td", "th", "tr", "thead", "tbody"}


class Read(HTMLParser):
    """A page as a reader of it sees it: links, ids, headings, texts by tag, and what is out of order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.text = ""
        self.title = ""
        self.open: list[str] = []
        self.problems: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(given["href"])
        if tag == "form":
            self.links.append(given["action"])
        self.loaded += [given[name] for name in ("src", "srcset", "data", "poster") if name in given]
        if tag == "link":
            self.loaded.append(given["href"])
        if "id" in given:
            self.ids.append(given["id"])
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        self.problems += [f"{name} on {tag}" for name in given if name.startswith("on") or name == "style"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] != tag and self.open[-1] in CLOSED_BY_ITSELF:
            self.open.pop()
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["title"]:
            self.title += data
        if not {"script", "style"} & set(self.open):
            self.text += data


@pytest.fixture(scope="module")
def made() -> list[Page]:
    return pages()


@pytest.fixture(scope="module")
def files(made: list[Page]) -> dict[str, str]:
    return dict(site(made))


@pytest.fixture(scope="module")
def read(files: dict[str, str]) -> dict[str, Read]:
    return {name: Read(text) for name, text in files.items() if name.endswith(".html")}


@pytest.fixture(scope="module")
def folder(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    for name, text in files.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return place


def compact(text: str) -> str:
    return "".join(text.split())


def test_every_row_has_its_page_and_its_place_in_the_list(files: dict[str, str], read: dict[str, Read]) -> None:
    wanted = {f"{kind}/{name}.html" for kind in KINDS for name in rows_of(kind)}
    assert set(read) == wanted | {"index.html"}
    assert len(wanted) == len({name.lower() for name in wanted})  # on a disk that does not tell a from A, too
    assert wanted <= set(read["index.html"].links)
    assert {f"operations-{name}" for name in dictionary().operations} <= set(read["index.html"].ids)
    assert set(rows_of("differences")) <= set(read["index.html"].ids)
    assert sum(len(text) for text in files.values()) < 10_000_000


def test_every_link_leads_somewhere(read: dict[str, Read]) -> None:
    lost = []
    for name, page in read.items():
        for link in page.links:
            if re.match(r"https?://", link):
                continue
            path, anchor = urldefrag(link)
            there = (Path(name).parent / unquote(path)).as_posix() if path else name
            there = re.sub(r"[^/]+/\.\./", "", there)
            if there not in read or (anchor and anchor not in read[there].ids):
                lost.append((name, link))
    assert lost == []


def test_a_page_is_whole(read: dict[str, Read]) -> None:
    """Tags are closed, ids stand once, headings go down step by step, titles differ; only the style sheet is loaded."""
    for name, page in read.items():
        assert page.problems == [], name
        assert len(page.ids) == len(set(page.ids)), name
        assert page.headings[0] == 1, name
        assert page.headings.count(1) == 1, name
        steps = zip(page.headings, page.headings[1:], strict=False)
        assert all(after <= before + 1 for before, after in steps), (name, page.headings)
        assert set(page.loaded) == {"data:,", "style.css" if name == "index.html" else "../style.css"}, name
    assert len({page.title for page in read.values()}) == len(read)


def test_a_page_says_what_is_known_of_its_row(made: list[Page], read: dict[str, Read]) -> None:
    texts = {name: compact(page.text) for name, page in read.items()}
    numbers = measured()["operations"]
    for page in made:
        text = texts[page.link.path]
        row = rows_of(page.kind)[page.name]
        lead = "" if page.kind == "initializers" else page.lead  # what that says stands among the facts
        for words in (lead, page.name, *(command for _, command in page.commands), page.right):
            assert compact(words).rstrip(".").lower() in text.lower(), (page.name, words)
        for spelled in page.spelled:
            assert all(compact(code) in text for code in spelled.code.values()), page.name
        for known in page.differences:
            assert known.name in text
            assert known.path in {link.removeprefix("../") for link in read[page.link.path].links}
        assert all(compact(one.text) in text for one in page.scenarios), page.name
        if page.kind == "operations":
            assert all(compact(part.because)[1:].rstrip(".") in text for part in (*row.parts, *row.undecided)), (
                page.name
            )
            for dtype, found in numbers.get(page.name, {}).items():
                for value in found.get("value", {}).values():
                    assert value >= 100 or f"{value:.2f}" in text, (page.name, dtype)
        elif page.kind == "layers":
            assert all(compact(p.layout) in text for p in row.parameters.values()), page.name
        elif page.kind == "differences":
            assert all(compact(words).lower() in text.lower() for words in (row.why, *row.write.values())), page.name
            assert page.scenarios, page.name


def test_the_pages_name_both_spellings(made: list[Page]) -> None:
    without = [p.name for p in made if p.kind in ("operations", "layers") and len(p.code) < len(FRAMEWORKS)]
    assert without == ["stop_gradient"]


def test_every_scenario_on_a_page_is_valid() -> None:
    shown = 0
    for row in dictionary().operations.values():
        for example in examples_of(row):
            found, problems = documents("x.yaml", example.text)
            scenarios, more = read_document(found[0])
            assert (problems, more, len(scenarios)) == ([], [], 1), row.name
            shown += 1
    assert shown > 0.95 * len(dictionary().operations)


def test_who_is_right_is_said_where_the_row_asks_the_reference(made: list[Page]) -> None:
    by_name = {page.name: page for page in made if page.kind == "differences"}
    said = {name: page.right for name, page in by_name.items() if page.right}
    asked = {
        name
        for name, row in rows_of("differences").items()
        if any(word in shown.split() for fit in row.fits for shown in fit.shows.values() for word in ("right", "wrong"))
    }
    assert set(said) == asked
    assert said["grad-hypot-equal"] == "PyTorch is right, TensorFlow is wrong"


def hostile_page(page: Page, text: str) -> Page:
    one = page.scenarios[0]
    return replace(
        page, lead=text, head=text, group=text, words=text, source=text, right=text,
        facts=tuple((text, text, mono) for mono in (False, True)),
        spelled=tuple(replace(s, words=text, code=dict.fromkeys(s.code, text)) for s in page.spelled),
        longer=tuple(replace(s, words=text, code=dict.fromkeys(s.code, text)) for s in page.longer),
        parameters=tuple(replace(p, name=text, layout=text, attribute=dict.fromkeys(p.attribute, text)) for p in page.parameters),
        partings=tuple(replace(p, where=text, because=text) for p in page.partings),
        scenarios=(replace(one, text=f"name: {text}\n# {text}\n", file=text),), commands=((text, text),),
    )  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text: str, made: list[Page]) -> None:
    chosen = [next(p for p in made if p.kind == kind and (p.kind != "operations" or p.name == "std")) for kind in KINDS]
    for name, page in dict(site([hostile_page(page, text) for page in chosen])).items():
        if name.endswith(".html"):
            found = Read(page.encode(errors="replace").decode())
            assert found.problems == [], name
            assert not [link for link in found.links if link.startswith("javascript")], name
            assert page.count("<script") == (name == "index.html")
            for tag in ("<img", "<svg", "<base", "<style", "\x1b", "\x00", "\u202e", "onerror='", "{{"):
                assert tag not in page.replace("{{ 7 * 7 }}", ""), (name, tag)


def test_a_source_that_is_no_address_is_no_link(made: list[Page]) -> None:
    page = replace(next(p for p in made if p.kind == "differences"), source="javascript:hurt()")
    text = dict(site([replace(page, rows=())]))[page.link.path]
    assert "Source: javascript:hurt()" in text
    assert 'href="javascript' not in text


def test_of_several_sources_each_is_a_link(made: list[Page]) -> None:
    page = replace(
        next(p for p in made if p.kind == "differences"), source="https://example.org/a , https://example.org/b"
    )
    text = dict(site([replace(page, rows=())]))[page.link.path]
    assert [address for address in ("a", "b") if f'href="https://example.org/{address}"' in text] == ["a", "b"]


def opened(browser: WebDriver, folder: Path, page: str, *, width: int = 1200, dark: bool = False) -> WebDriver:
    visited(browser, f"{folder.as_uri()}/{page}", width=width, dark=dark)
    return browser


SOME = ("index.html", "operations/std.html", "layers/multi_head_attention.html", "initializers/dirac.html",
        "differences/grad-hypot-equal.html", "operations/avg_pool3d.html")  # fmt: skip


@pytest.mark.parametrize("page", SOME)
def test_nothing_is_asked_for_but_the_style_sheet(page: str, browser: WebDriver, folder: Path) -> None:
    opened(browser, folder, page)
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    asked = {urlsplit(url).path for url in requests(browser) if not url.startswith("data:")}
    assert asked == {f"{folder}/{page}", f"{folder}/style.css"}
    assert browser.execute_script("return getComputedStyle(document.body).marginTop") == "0px"  # and it is taken


@pytest.mark.parametrize("page", SOME)
@pytest.mark.parametrize("width", [390, 1200])
def test_a_page_fits_its_screen_and_can_be_read(page: str, width: int, browser: WebDriver, folder: Path) -> None:
    """No line is wider than the screen; every text has a contrast of 4.5 on its ground, in light and in dark."""
    for dark in (False, True):
        opened(browser, folder, page, width=width, dark=dark)
        assert scroll_width(browser) <= width
        assert browser.execute_script(CONTRAST) == []


CONTRAST = """
const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const ground = (node) => { for (; node; node = node.parentElement) { const c = getComputedStyle(node).backgroundColor;
  if (rgb(c)[3] !== 0) return c; } return "rgb(255, 255, 255)"; };
const bad = new Set();
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let seen = 0;
while (walk.nextNode() && seen < 4000) {
  const node = walk.currentNode.parentElement;
  if (!walk.currentNode.textContent.trim() || node.closest("script")) continue;
  seen++;
  const [a, b] = [light(rgb(getComputedStyle(node).color)), light(rgb(ground(node)))].sort((x, y) => y - x);
  if ((a + .05) / (b + .05) < 4.5) bad.add(node.tagName + "." + node.className);
}
return [...bad];
"""


def shown(browser: WebDriver) -> list[str]:
    names: list[str] = browser.execute_script(
        "return [...document.querySelectorAll('.r')].filter(e => e.checkVisibility()).map(e => e.dataset.n)"
    )
    return names


def asked_for(text: str, browser: WebDriver) -> bool:
    """Whether the list shows what was typed: its address says so after that."""
    return bool(browser.execute_script("return new URLSearchParams(location.search).get('q')") == text)


def test_search_finds_by_every_name(browser: WebDriver, folder: Path) -> None:
    opened(browser, folder, "index.html")
    everything = sum(len(rows_of(kind)) for kind in KINDS)
    assert len(shown(browser)) == everything
    field, count = browser.find_element(By.ID, "q"), browser.find_element(By.ID, "count")
    for text, names in (
        ("reduce_std", {"std"}),  # TensorFlow's name
        ("Dense", {"linear", "init-linear-default"}),
        ("gelu TANH", {"act-gelu-default"}),  # both words
        ("kaiming_normal_", {"kaiming_normal", "init-he-normal-truncated"}),
        ("no such row at all", set()),
    ):
        field.clear()
        field.send_keys(text)
        WebDriverWait(browser, 5).until(partial(asked_for, text))
        found = set(shown(browser))
        assert count.text.startswith(f"{len(found)} of {everything} rows")
        assert names <= found, (text, found)
        assert len(found) < 60
    field.clear()
    field.send_keys(Keys.SPACE, Keys.BACKSPACE)
    WebDriverWait(browser, 5).until(lambda _: len(shown(browser)) == everything)


def test_a_search_from_a_page_and_by_the_keyboard(browser: WebDriver, folder: Path) -> None:
    opened(browser, folder, "operations/std.html")
    browser.find_element(By.ID, "q").send_keys("op-std-ddof", Keys.ENTER)
    WebDriverWait(browser, 5).until(lambda b: "index.html?q=op-std-ddof" in b.current_url)
    assert shown(browser) == ["op-std-ddof"]
    browser.find_element(By.TAG_NAME, "body").send_keys("/")
    focused = browser.switch_to.active_element
    assert focused.get_attribute("id") == "q"
    focused.send_keys(Keys.ENTER)
    link = browser.switch_to.active_element
    assert link.text == "op-std-ddof"
    link.send_keys(Keys.ENTER)
    WebDriverWait(browser, 5).until(lambda b: b.current_url.endswith("differences/op-std-ddof.html"))
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the row"


def test_the_list_is_whole_without_a_script(browser: WebDriver, folder: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(browser, folder, "index.html")
        assert len(browser.find_elements(By.CLASS_NAME, "r")) == sum(len(rows_of(kind)) for kind in KINDS)
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_it_is_printed_without_what_only_a_screen_needs(browser: WebDriver, folder: Path) -> None:
    opened(browser, folder, "operations/std.html", dark=True)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    ask = "const s = getComputedStyle(document.querySelector(arguments[0])); return [s.display, s.color]"
    assert browser.execute_script(ask, ".bar form")[0] == "none"
    assert browser.execute_script(ask, "h1")[1] == browser.execute_script(ask, "body")[1]
    red, *_ = re.findall(r"\d+", browser.execute_script(ask, "body")[1])
    assert int(red) < 100  # dark on white


def test_the_colours_are_those_of_the_report(files: dict[str, str]) -> None:
    css = files["style.css"]
    assert set(re.findall(r"var\((--[\w-]+)\)", css)) <= set(re.findall(r"(--[\w-]+):", css))


def test_the_command(tmp_path: Path, fakes: dict[str, str]) -> None:
    mark = fakes.pop("mark")
    done = run_tfpt("site", "-o", tmp_path / "a" / "site", environment=fakes)
    assert done.code == 0
    assert re.fullmatch(r"wrote \d+ files, \d\.\d MB; open .*index\.html\n", done.out)
    assert not Path(mark).exists()
    assert (tmp_path / "a" / "site" / "differences" / "op-std-ddof.html").exists()


def test_what_is_there_is_kept_unless_it_is_an_earlier_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[Page]
) -> None:
    few: Callable[[], Any] = lambda: iter(dict(site([made[0], *made[-2:]])).items())  # noqa: E731
    monkeypatch.setattr("tfpt_cli.cli.site.site", few)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "index.html").write_text("mine", encoding="utf-8")
    done = warm_tfpt("site", "-o", tmp_path / "own")
    assert (done.code, "holds other files" in done.err) == (2, True)
    assert (tmp_path / "own" / "index.html").read_text(encoding="utf-8") == "mine"
    assert "is a file" in warm_tfpt("site", "-o", tmp_path / "own" / "index.html").err
    place = tmp_path / "pages"
    assert warm_tfpt("site", "-o", place).code == 0
    (place / "operations" / "gone.html").write_text("of a row that is gone", encoding="utf-8")
    (place / "CNAME").write_text("example.org", encoding="utf-8")
    assert warm_tfpt("site", "-o", place).code == 0
    assert not (place / "operations" / "gone.html").exists()
    assert (place / "CNAME").exists()
    assert warm_tfpt("site").code == 2


def test_an_id_in_a_sentence_is_a_link(files: dict[str, str]) -> None:
    assert '(<a href="../differences/act-gelu-default.html">act-gelu-default</a>)' in files["differences/eq-gelu.html"]


def test_the_page_of_a_difference_can_be_quoted(files: dict[str, str]) -> None:
    text = files["differences/op-std-ddof.html"]
    assert json.dumps("torch.std and torch.var divide by n - 1")[1:-1] in text
    assert "tfpt explain op-std-ddof --run" in text
    assert re.search(r'<meta name=description content="torch\.std and torch\.var divide', text)
