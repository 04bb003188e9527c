"""The reports for CI systems: read again by the rules of their readers, with names of every kind of character."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.conftest import ROOT, run_tfpt
from tests.sides import TENSORFLOW, TORCH, drawn, quantity_named
from tfpt_cli.report.entries import entries, problem_text, repository_path, title
from tfpt_cli.report.markdown import LIMIT
from tfpt_cli.report.reasons import reason_of
from tfpt_cli.results import (
    Comparison,
    Diagnosis,
    Explanation,
    Failure,
    Finding,
    Kind,
    Problem,
    Report,
    ScenarioResult,
    SideValue,
    State,
    Status,
    Symptom,
    Verdict,
    Way,
    printable,
)

FORMATS = ["junit", "github", "gitlab", "markdown"]
ENVIRONMENT = {"tfpt": "0.1.0", "python": "3.11.7", "torch": "2.13.0+cpu", "tensorflow": "2.21.0", "keras": "3.15.1"}
SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))
# What means something to a reader of one of the formats, alone or with what stands beside it.
MARKS = [
    '"', "'", "<", ">", "&", "|", "`", "```", "\\", "\\|", "*", "_", "~~", "#", "@octocat", "#1", "$x$", "%", "%0A", "%25",
    ",", ":", "::", "=", "\n", "\n\n", "\r", "\r\n", "\t", "\x1b[31m", "\x1b]0;x\x07", "\x00", "\x0b", "\x85", "\u2028",
    "\ud800", "\udc80", "\u202e", "\u200f", "\ufeff", "\ufffe", "\U0001f600", "]]>", "<!--", "-->", "<![CDATA[", "</pre>",
    "</code>", "</table>", "</details>", "<script>alert(1)</script>", "&lt;", "&#64;", "&amp;", "| a | b |", "- item", "# head",
    "[a](http://b)", "![a](http://b)", "www.example.org", "a@example.org", ":tada:", "::error::", "::add-mask::a",
    "##[error]", "##[add-mask]a", "::stop-commands::t", "../../etc", "/", ".", " ", "   ",
]  # fmt: skip
NAMES = st.lists(st.sampled_from(MARKS) | st.text(st.characters(), max_size=8), min_size=1, max_size=4).map("".join)
KNOWN = Explanation(
    name="trap", area="a", what="what @tf.function <does>, see #12", why="why", write={"torch": "x | y", "tensorflow": "a < b"},
    source="s", scenario="gradient/traps.yaml",
)  # fmt: skip


def report_text(report: Report, format_: str) -> str:
    """The report in a format, every scenario of it drawn as it is."""
    text, complete = drawn(report, format_)
    assert complete
    return text


def comparison(quantity: str, verdict: Verdict, words: str, how: str = "") -> Comparison:
    bad = (
        SideValue(State.FAILED, Way(how), note=words)
        if verdict is Verdict.ERROR
        else SideValue(State.DISCONNECTED, Way(how))
    )
    sides = {TORCH: SideValue(State.PRESENT, Way(how), (2,), "float32", [1.0, 2.0]), TENSORFLOW: bad}
    finding = Finding(kind=Kind.UNKNOWN, words=words)
    return Comparison(
        quantity_named(quantity), verdict, sides, words, diagnosis=(Diagnosis.DISCONNECTED,), findings=(finding,)
    )


def result(*compared: Comparison, **changes: object) -> ScenarioResult:
    values: dict[str, object] = {
        "file": "some/folder/file.yaml", "line": 7, "name": "a name", "case": {}, "subject": "gradient", "headline": "x + 1",
        "expect": "agree", "because": "", "status": Status.FAILED, "comparisons": compared, "seconds": 0.5,
    }  # fmt: skip
    return ScenarioResult(**(values | changes))  # type: ignore[arg-type]


AGREES = comparison("value", Verdict.IDENTICAL, "")
DIFFERS = comparison("d/dx", Verdict.DIFFERS, "TensorFlow answers None", "backward")
REFUSED = comparison("d2/dx2", Verdict.ERROR, "TensorFlow failed")
FAILED = result(AGREES, replace(DIFFERS, known_differences=("trap",)), explanations=(KNOWN,))
REASON = "d/dx differs: what @tf.function <does>, see #12 [trap]; write x | y in PyTorch, or a < b in TensorFlow"
PASSED = result(AGREES, name="all well", status=Status.PASSED)
BROKEN = result(
    name="broken", status=Status.ERROR, failures=(Failure(TORCH, Symptom.CRASHED, "the process ended by signal 11"),)
)
SKIPPED = result(name="not here", status=Status.SKIPPED, notes=("no C++ compiler",))
PROBLEM = Problem("some/folder/file.yaml", 3, 5, "unknown layer 'Denze', did you mean 'linear'?")
NO_FILE = Problem("nowhere.yaml", 0, 0, "no such file or folder")
ALL = Report(
    ENVIRONMENT, (FAILED, PASSED, BROKEN, SKIPPED), (PROBLEM, NO_FILE), seconds=2.0, began="2025-01-02T03:04:05"
)


Builder = Callable[[Callable[[str], str]], Report]


@st.composite
def drawn_reports(draw: st.DrawFn) -> Builder:
    """A report as a function of its names, so that the same report can be had with other ones."""
    names = draw(st.lists(NAMES, min_size=6, max_size=6))
    shapes = draw(
        st.lists(
            st.tuples(
                st.sampled_from(Status),
                st.sampled_from(["agree", "differ", "error"]),
                st.lists(st.sampled_from(Verdict), max_size=3),
                st.booleans(),
            ),
            max_size=3,
        )
    )
    problems = draw(st.lists(st.tuples(st.integers(0, 3), NAMES), max_size=2))
    interrupted = draw(st.booleans())

    def build(named: Callable[[str], str]) -> Report:
        file, name, quantity, words, how, message = map(named, names)
        results = [
            result(
                *(comparison(f"{quantity}{i}", verdict, words, how) for i, verdict in enumerate(verdicts)),
                file=file, name=name, headline=words, status=status, expect=expect, because=words, notes=(words,),
                failures=(Failure(TORCH, Symptom.EXCEPTION, message),) if failed else (),
                explanations=(KNOWN,),
            )
            for status, expect, verdicts, failed in shapes
        ]  # fmt: skip
        found = tuple(Problem(file, line, line, named(text)) for line, text in problems)
        return Report({**ENVIRONMENT, "torch": words}, tuple(results), found, interrupted=interrupted)

    return build


def unchanged(text: str) -> str:
    return text


reports = drawn_reports().map(lambda build: build(unchanged))


def marked(mark: str) -> Builder:
    """A report with a mark in every place, as a function of its names."""

    def build(named: Callable[[str], str]) -> Report:
        text = named(mark)
        compared = comparison("d/dx", Verdict.DIFFERS, text, text), comparison(f"{text}2", Verdict.ERROR, text)
        scenario = result(
            *compared, file=text, name=text, headline=text, because=text, notes=(text,), status=Status.ERROR,
            failures=(Failure(TORCH, Symptom.EXCEPTION, text),), explanations=(KNOWN,),
        )  # fmt: skip
        skipped = replace(scenario, comparisons=(), status=Status.SKIPPED)
        return Report({**ENVIRONMENT, "torch": text}, (scenario, skipped), (Problem(text, 1, 1, text),))

    return build


# GitHub's runner takes a line for a command by these rules; the older form may stand anywhere in it.
def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        if match := re.match(r"\s*::(\w[\w-]*)(?: (.*?))?::(.*)$", line, re.DOTALL):
            pairs = [pair.partition("=") for pair in (match[2] or "").split(",") if pair]
            found.append((match[1], {key: unescaped(value) for key, _, value in pairs}, unescaped(match[3], data=True)))
        elif match := re.search(r"##\[(\w[\w-]*)[^\]]*\]", line):
            found.append((match[1], {}, ""))
    return found


def unescaped(text: str, *, data: bool = False) -> str:
    for token, character in (
        ("%0D", "\r"),
        ("%0A", "\n"),
        *(() if data else (("%3A", ":"), ("%2C", ","))),
        ("%25", "%"),
    ):
        text = text.replace(token, character)
    return text


def junit_tests(text: str) -> list[ET.Element]:
    return list(ET.fromstring(text).iter("testcase"))


class Page(HTMLParser):
    """The tags of a page in their order, the text of each `code`, and the text outside of `code` and `pre`."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.codes: list[str] = []
        self.inside: list[str] = []
        self.outside = ""
        self.feed(MarkdownIt("commonmark").enable("table").render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.tags.append(tag)
        if tag in ("code", "pre"):
            self.inside.append(tag)
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")
        if tag in ("code", "pre"):
            assert self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.codes[-1] += data
        else:
            self.outside += data

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        pytest.fail(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        pytest.fail(f"an instruction: {data}")


# What is counted


@pytest.mark.parametrize(
    ("expect", "status", "verdicts", "statuses"),
    [
        ("agree", "failed", "identical differs", "passed failed"),
        ("agree", "error", "differs error", "failed error"),
        ("differ", "passed", "identical differs", "passed passed"),
        ("differ", "failed", "identical close", "failed failed"),
        ("differ", "error", "differs error", "passed error"),
        ("error", "passed", "error identical", "passed passed"),
        ("error", "failed", "differs identical", "failed failed"),
        ({"q0": "differ"}, "passed", "differs identical", "passed passed"),
        ({"q0": "differ"}, "failed", "identical identical", "failed passed"),
        ({"q1": "differ"}, "failed", "differs differs", "failed passed"),
        ({"q1": "error"}, "error", "error error", "error passed"),
    ],
)
def test_what_is_as_expected_passes(expect: Any, status: str, verdicts: str, statuses: str) -> None:
    compared = [comparison(f"q{i}", Verdict(word), "words") for i, word in enumerate(verdicts.split())]
    found = entries(result(*compared, expect=expect, status=Status(status)))
    assert [entry.status.value for entry in found] == statuses.split()


def test_of_two_ways_to_one_quantity_one_that_differs_is_enough_where_it_is_to_differ() -> None:
    ways = comparison("d/dx", Verdict.DIFFERS, "w", "backward"), comparison("d/dx", Verdict.CLOSE, "", "jvp")
    other = comparison("value", Verdict.DIFFERS, "w")
    wanted = entries(result(*ways, other, expect={"d/dx": "differ"}))
    unwanted = entries(result(*ways, other))
    assert [entry.status for entry in wanted] == [Status.PASSED, Status.PASSED, Status.FAILED]
    assert [entry.status for entry in unwanted] == [Status.FAILED, Status.PASSED, Status.FAILED]


@given(reports)
def test_a_scenario_is_as_expected_where_all_its_entries_are(report: Report) -> None:
    for scenario in report.scenarios:
        statuses = {entry.status for entry in entries(scenario)}
        assert (not statuses & {Status.FAILED, Status.ERROR}) == scenario.expected
        assert (Status.ERROR in statuses) <= (Verdict.ERROR in [c.verdict for c in scenario.comparisons]) or (
            scenario.status is Status.ERROR
        )


def test_paths_are_as_seen_from_the_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "part").mkdir()
    monkeypatch.chdir(tmp_path / "part")
    assert repository_path("./a.yaml") == "a.yaml"
    assert repository_path(str(tmp_path / "part" / "b" / "a.yaml")) == "b/a.yaml"
    for variable in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
        assert repository_path("a.yaml") == "part/a.yaml"
        monkeypatch.delenv(variable)
    assert repository_path("")


# JUnit


def test_junit_of_everything() -> None:
    text = report_text(ALL, "junit")
    SCHEMA.validate(text)
    suites = {suite.get("name"): suite for suite in ET.fromstring(text)}
    assert list(suites) == ["some/folder/file.yaml", "nowhere.yaml"]
    suite = suites["some/folder/file.yaml"]
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5", "failures": "1", "errors": "2", "skipped": "1",
    }  # fmt: skip
    assert float(suite.get("time", "")) == 2.0
    assert suite.get("timestamp") == "2025-01-02T03:04:05"
    assert {p.get("name"): p.get("value") for p in suite.iter("property")} == ENVIRONMENT
    tests = {test.get("name"): test for test in suite.iter("testcase")}
    assert {test.get("classname") for test in tests.values()} == {"some.folder.file"}
    assert len(tests["all well"]) == 0
    failure = tests["a name"].find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("differs", REASON.partition(";")[0])
    assert failure.text is not None
    assert failure.text.startswith(f"{REASON}\n\na name")
    assert " d/dx   (2,) float32  backward" in failure.text
    assert "failed: expected to agree, but d/dx differs" in failure.text
    assert [child.tag for child in tests["broken"]] == ["error"]
    assert tests["broken"][0].get("type") == "crashed"
    assert "no C++ compiler" in tests["not here"][0].get("message", "")
    problem = tests["line 3, column 5: unknown layer 'Denze', did you mean 'linear'?"][0]
    assert problem.text == str(PROBLEM)


def test_the_schema_is_one_that_refuses() -> None:
    text = report_text(ALL, "junit")
    for good, bad in (
        ('time="', 'time="a'),
        ('<property name="tfpt"', '<property name=" "'),
        ("<testsuites>", '<testsuites tests="1">'),
        ('classname="', 'file="x" classname="'),
        ("<system-out />", ""),
        ('timestamp="2025-01-02T03:04:05"', 'timestamp="2025-01-02T03:04:05Z"'),
        ('id="1"', 'id="0"'),
    ):
        assert good in text
        assert not SCHEMA.is_valid(text.replace(good, bad))


def holds_in_junit(report: Report) -> None:
    text = report_text(report, "junit")
    assert text.isascii()
    assert not commands(text)
    SCHEMA.validate(text)
    tests = junit_tests(text)
    names = Counter((test.get("classname"), test.get("name")) for test in tests)
    assert max(names.values(), default=1) == 1
    assert len(tests) == len(report.scenarios) + len(report.problems) + report.interrupted
    for test, scenario in zip(tests, report.scenarios, strict=False):
        assert str(test.get("name")).startswith(title(scenario))
        assert [child.tag for child in test] == ([] if scenario.status is Status.PASSED else [TAGS[scenario.status]])
        reason = reason_of(scenario)
        for child in test:
            assert reason is None or child.get("message") == printable(reason.line)
            assert reason is None or str(child.text).startswith(printable(reason.sentence))


TAGS = {Status.FAILED: "failure", Status.ERROR: "error", Status.SKIPPED: "skipped"}


def test_no_character_is_left_that_xml_does_not_know() -> None:
    everything = "".join(map(chr, range(0x110000)))
    read = junit_tests(report_text(Report({}, (replace(PASSED, name=everything),)), "junit"))[0].get("name")
    assert read == printable(everything).strip()


def test_two_tests_never_have_one_name() -> None:
    twice = (
        replace(FAILED, name="a (2)"),
        replace(FAILED, name="a"),
        replace(FAILED, name="a"),
        replace(FAILED, name="a (2)"),
    )
    tests = junit_tests(report_text(Report({}, twice), "junit"))
    assert len({test.get("name") for test in tests}) == len(tests) == 4


# GitHub


def test_github_of_everything() -> None:
    lines = report_text(ALL, "github").splitlines()
    assert len(lines) == 6
    assert lines[0] == (
        "::error file=some/folder/file.yaml,line=3,col=5,title=problem in the file"
        "::unknown layer 'Denze', did you mean 'linear'?"
    )
    assert lines[1] == "::error file=nowhere.yaml,title=problem in the file::no such file or folder"
    level, properties, message = commands(lines[2])[0]
    assert (level, properties) == ("error", {"file": "some/folder/file.yaml", "line": "7", "title": "a name"})
    assert message.splitlines() == [
        f"failed: {REASON}",
        "d/dx: differs: TensorFlow answers None",
        "d/dx: TensorFlow answers None",
        "known difference trap: what @tf.function <does>, see #12",
        "write in PyTorch: x | y",
        "write in TensorFlow: a < b",
        "shown by: tfpt explain trap --run",
    ]
    assert "the process ended by signal 11" in lines[3]
    assert commands(lines[4])[0][0] == "warning"
    assert "no C++ compiler" in lines[4]
    assert lines[5].startswith(
        "1 passed, 1 failed, 1 error, 1 skipped, 2 problems in the files in 2.0 s (PyTorch 2.13.0"
    )


def holds_in_github(report: Report) -> None:
    text = report_text(report, "github")
    text.encode("utf-8")
    found = commands(text)
    wanted: list[Problem | ScenarioResult] = [
        *report.problems,
        *(s for s in report.scenarios if s.status is not Status.PASSED),
    ]
    assert len(found) == len(wanted)
    assert not commands(text.splitlines()[-1])
    for (level, properties, message), source in zip(found, wanted, strict=True):
        assert properties["file"] == repository_path(source.file)
        assert int(properties.get("line", 0)) == source.line
        if isinstance(source, Problem):
            assert (level, message) == ("error", problem_text(source))
        else:
            assert level == ("warning" if source.status is Status.SKIPPED else "error")
            assert properties["title"] == title(source)
            assert all(printable(line) == line for line in message.split("\n"))


def test_github_says_so_where_it_shows_less_than_there_is() -> None:
    many = replace(ALL, scenarios=(FAILED,) * 30)
    assert "at most 10 annotations of a kind; all 32" in report_text(many, "github")
    long = report_text(Report({}, (replace(FAILED, name="n" * 9999, notes=("x" * 99_999,)),)), "github")
    assert len(commands(long)[0][1]["title"]) == 200


# GitLab


def test_gitlab_of_everything() -> None:
    issues = json.loads(report_text(ALL, "gitlab"))
    assert [issue["severity"] for issue in issues] == ["blocker", "blocker", "major", "critical"]
    assert issues[0]["location"] == {"path": "some/folder/file.yaml", "lines": {"begin": 3}}
    assert issues[1]["location"] == {"path": "nowhere.yaml", "lines": {"begin": 1}}
    assert issues[2]["description"] == f"a name: {REASON}"
    assert [issue["check_name"] for issue in issues[2:]] == ["tfpt/differs", "tfpt/crashed"]


def holds_in_gitlab(report: Report) -> None:
    text = report_text(report, "gitlab")
    assert text.isascii()
    issues = json.loads(text)
    bad = [s for s in report.scenarios if not s.expected]
    assert len(issues) == len(bad) + len(report.problems)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    sources: list[Problem | ScenarioResult] = [*report.problems, *bad]
    for issue, source in zip(issues, sources, strict=True):
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["description"].isprintable()
        assert issue["location"]["lines"]["begin"] >= 1
        assert not issue["location"]["path"].startswith("/")
        assert (problem_text(source) if isinstance(source, Problem) else title(source)) in issue["description"]


@given(reports)
def test_gitlab_knows_an_issue_again_after_another_edit(report: Report) -> None:
    moved = replace(
        report,
        scenarios=tuple(
            replace(
                scenario, line=scenario.line + 40, seconds=9.0,
                comparisons=tuple(replace(c, reason=f"{c.reason} measured anew") for c in scenario.comparisons),
            )
            for scenario in report.scenarios
        ),
        problems=tuple(replace(problem, line=problem.line + 40) for problem in report.problems),
    )  # fmt: skip
    before, after = (json.loads(report_text(each, "gitlab")) for each in (report, moved))
    assert [issue["fingerprint"] for issue in before] == [issue["fingerprint"] for issue in after]


# Markdown


def test_markdown_of_everything() -> None:
    text = report_text(ALL, "markdown")
    page = Page(text)
    assert text.startswith("## tfpt: 1 passed, 1 failed, 1 error, 1 skipped, 2 problems in the files\n")
    for words in (
        "2.13.0+cpu",
        "nowhere.yaml",
        "some/folder/file.yaml:3:5",
        "no such file or folder",
        "a name",
        REASON.partition(" [")[0],
        "trap",
    ):
        assert words in page.codes
    assert "x | y" in page.codes
    assert KNOWN.proof in page.codes
    assert "known difference : what @\u200btf.function <does>, see #\u200b12 why" in page.outside
    assert any("failed: expected to agree, but d/dx differs" in code and code.count("\n") > 5 for code in page.codes)
    assert "all well" not in text
    assert re.search(r"<summary>1 passed</summary>\n<ul>\n<li><code>some/folder/file.yaml</code>: 1</li>", text)
    assert "no C++ compiler" in text


def holds_in_markdown(build: Builder) -> None:
    """The page is built as it is with harmless names, and every name comes back."""
    seen: dict[str, str] = {}
    hostile, harmless = build(unchanged), build(lambda text: text and seen.setdefault(text, f"name{len(seen)}"))
    text = report_text(hostile, "markdown")
    page, other = Page(text), Page(report_text(harmless, "markdown"))
    assert page.tags == other.tags
    assert page.outside == other.outside
    assert not commands(text)
    text.encode("utf-8")
    shown = [scenario for scenario in hostile.scenarios if scenario.status is not Status.PASSED]
    for scenario in shown:
        assert title(scenario) in page.codes
        if (reason := reason_of(scenario)) is not None:
            assert {printable(reason.told)[:400], *reason.known} <= {code.removesuffix(" ...") for code in page.codes}
    for problem in hostile.problems:
        assert problem_text(problem) in page.codes


def test_markdown_stays_below_what_a_comment_may_have() -> None:
    name = "<" * 300
    many = tuple(replace(FAILED, name=f"{name}{i}", explanations=(KNOWN,) * 3) for i in range(900))
    skipped = tuple(replace(SKIPPED, name=f"{name}{i}") for i in range(900))
    passed = tuple(replace(PASSED, file=f"folder/{name}{i}.yaml") for i in range(900))
    problems = tuple(Problem(f"{name}{i}.yaml", 1, 1, name) for i in range(900))
    text = report_text(Report(ENVIRONMENT, many + skipped + passed, problems), "markdown")
    assert LIMIT * 0.8 < len(text.encode()) <= LIMIT < 65_536
    rows = text.count("<tr><td>")
    by_kind = {kind: int(count) for count, kind in re.findall(r"<p>(\d+) more left out here \((.*?)\)", text)}
    assert rows + by_kind["problems in the files"] + by_kind["not as expected"] == 1800
    assert text.count("<summary><b>") + by_kind["details"] == 900
    assert text.count("<li>") - 9 * text.count("<summary><b>") + by_kind["900 skipped"] + by_kind["900 passed"] == 1800


def test_a_long_table_is_cut() -> None:
    wide = result(*(comparison(f"q{i}", Verdict.DIFFERS, f"words {i}") for i in range(200)))
    text = report_text(Report(ENVIRONMENT, (wide,)), "markdown")
    assert re.search(r"^\.\.\. and \d+ more lines</pre>$", text, re.MULTILINE)


# Every format


@given(reports)
def test_whatever_the_names_are(report: Report) -> None:
    holds_in_junit(report)
    holds_in_github(report)
    holds_in_gitlab(report)


@given(drawn_reports())
def test_markdown_whatever_the_names_are(build: Builder) -> None:
    holds_in_markdown(build)


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_in_every_place(mark: str) -> None:
    for text in (mark, f"a{mark}b", f"{mark} {mark}\n{mark}", f"%0A{mark}%"):
        holds_in_junit(marked(text)(unchanged))
        holds_in_github(marked(text)(unchanged))
        holds_in_gitlab(marked(text)(unchanged))
        holds_in_markdown(marked(text))


def test_a_report_is_a_function_of_its_results() -> None:
    """In another process, at another time, with another order of what has none."""
    code = "import json; from tests.test_ci_reports import *; print(json.dumps([report_text(ALL, f) for f in FORMATS]))"
    here = [report_text(ALL, format_) for format_ in FORMATS]
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == here
    assert all(text.endswith("\n") for text in here)


def test_nothing_was_checked() -> None:
    empty = Report({}, ())
    SCHEMA.validate(report_text(empty, "junit"))
    assert junit_tests(report_text(empty, "junit")) == []
    assert report_text(empty, "github") == "no scenario checked in 0.0 s\n"
    assert json.loads(report_text(empty, "gitlab")) == []
    assert report_text(empty, "markdown").startswith("## tfpt: no scenario checked\n")


def test_problems_alone() -> None:
    report = Report(ENVIRONMENT, (), (PROBLEM, NO_FILE))
    SCHEMA.validate(report_text(report, "junit"))
    assert [test[0].tag for test in junit_tests(report_text(report, "junit"))] == ["error", "error"]
    assert [level for level, _, _ in commands(report_text(report, "github"))] == ["error", "error"]
    assert len(json.loads(report_text(report, "gitlab"))) == 2
    text = report_text(report, "markdown")
    assert "not as expected" not in text
    assert Page(text).codes.count("no such file or folder") == 1


def test_an_interrupted_run_does_not_look_like_a_good_one() -> None:
    report = Report(ENVIRONMENT, (PASSED,), interrupted=True, selected=5)
    text = report_text(report, "junit")
    SCHEMA.validate(text)
    assert [[child.tag for child in test] for test in junit_tests(text)] == [[], ["error"]]
    assert "interrupted: 1 of 5 scenarios were checked" in text
    assert report_text(report, "github").startswith("interrupted: 1 of 5 scenarios were checked; 1 passed")
    assert json.loads(report_text(report, "gitlab")) == []
    assert "<b>interrupted: 1 of 5 scenarios were checked</b>" in report_text(report, "markdown")
    stopped = replace(ALL, stopped=True)
    assert "stopped after as many failures as were allowed" in report_text(stopped, "markdown")


def test_all_formats_of_one_real_run(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(
        'name: "::error::<b>|`@octocat` \\0 \\e[31m ]]> ##[error]x"\n'
        "gradient: {of: 'where(x > 0, sqrt(x), 0)', at: {x: [-1.0, 4.0]}}\n---\n"
        "name: good\ngradient: {of: x * 2, at: {x: 1.0}}\n---\n"
        "name: bad\ngradient: {of: nonsense(x), at: {x: 1.0}}\n"
    )
    options = [option for format_ in FORMATS for option in ("--report", f"{format_}={tmp_path / format_}")]
    summary = tmp_path / "summary.md"
    environment = {"GITHUB_WORKSPACE": str(tmp_path), "GITHUB_STEP_SUMMARY": str(summary)}
    done = run_tfpt("check", path, "-qq", *options, environment=environment)
    assert done.code == 2
    texts = {format_: (tmp_path / format_).read_text(encoding="utf-8") for format_ in FORMATS}
    SCHEMA.validate(texts["junit"])
    suite = ET.fromstring(texts["junit"])[0]
    assert suite.get("name") == "scenario.yaml"
    assert suite.get("timestamp", "") > "2025"
    assert Counter(child.tag for test in suite.iter("testcase") for child in test) == {"failure": 1, "error": 1}
    found = commands(texts["github"])
    assert [(level, properties["file"], properties["line"]) for level, properties, _ in found] == [
        ("error", "scenario.yaml", "8"),
        ("error", "scenario.yaml", "1"),
    ]
    assert "PyTorch is off the reference" in found[1][2]
    assert [issue["location"]["path"] for issue in json.loads(texts["gitlab"])] == ["scenario.yaml"] * 2
    assert found[1][1]["title"] in Page(texts["markdown"]).codes
    assert summary.read_text(encoding="utf-8") == texts["markdown"]
