"""The report as JUnit XML: a suite for each scenario file, a test case for each scenario.

It is valid against the schema of Jenkins and against that of Ant's format, of which the one refuses what the other asks for in
places: no attributes at the root, no file or line at a test case, every suite with its properties, its output and its time.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from tfpt_cli.report.entries import entries, problem_text, repository_path, scenario_text, title, word_of
from tfpt_cli.report.reasons import reason_of
from tfpt_cli.report.words import summary_text
from tfpt_cli.results import Problem, Report, Status, printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tfpt_cli.results import ScenarioResult

# The format asks for a time; a report that was made by hand has none.
_NO_TIME = "1970-01-01T00:00:00"
_TAGS = {Status.FAILED: "failure", Status.ERROR: "error"}
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def report_pieces(report: Report) -> Iterator[str]:
    """The report as XML, a piece for each suite.

    It is in ASCII characters alone, so that it is right in whatever encoding it is written.
    """
    by_file: dict[str, list[int | Problem]] = {}  # a scenario by its number: they may be more than memory has room for
    for index, result in enumerate(report.scenarios):
        by_file.setdefault(repository_path(result.file), []).append(index)
    for problem in report.problems:
        by_file.setdefault(repository_path(problem.file), []).append(problem)
    fillings = {file: partial(_fill, report=report, file=file, items=items) for file, items in by_file.items()}
    suites = [*fillings.items(), *([("tfpt", partial(_interrupted, report=report))] if report.interrupted else [])]
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield "<testsuites>\n" if suites else "<testsuites />\n"
    for number, (name, fill) in enumerate(suites):
        suite = _suite(report, name, number, fill)
        ET.indent(suite, " ", level=1)
        text = ET.tostring(suite, encoding="us-ascii", xml_declaration=False).decode("ascii")
        # Printed to a job's log, no name may be a workflow command of GitHub's.
        yield f" {text.replace('::', '&#58;:').replace('##[', '&#35;#[')}\n"
    if suites:
        yield "</testsuites>\n"


def report_text(report: Report) -> str:
    """The report as XML."""
    return "".join(report_pieces(report))


def _suite(report: Report, name: str, number: int, fill: Callable[[ET.Element], float]) -> ET.Element:
    """A suite, filled and counted; `fill` gives its seconds."""
    suite = ET.Element("testsuite", name=name, package=name, id=str(number))
    properties = ET.SubElement(suite, "properties")
    for key, version in report.environment.items():
        ET.SubElement(properties, "property", name=printable(key), value=printable(version))
    seconds = fill(suite)
    for tag in ("system-out", "system-err"):
        ET.SubElement(suite, tag)
    counts = {key: str(len(suite.findall(f"testcase/{tag}"))) for key, tag in _COUNTED.items()}
    suite.attrib |= {
        "tests": str(len(suite.findall("testcase"))),
        **counts,
        "time": f"{seconds:.3f}",
        "timestamp": report.began or _NO_TIME,
        "hostname": "localhost",  # the machine's name is nobody's business
    }
    return suite


def _fill(suite: ET.Element, *, report: Report, file: str, items: list[int | Problem]) -> float:
    names: Counter[str] = Counter()
    seconds = 0.0
    for item in items:
        if isinstance(item, Problem):
            place = f"line {item.line}, column {item.column}: " if item.line else ""
            element = _test(suite, file, _own(names, f"{place}{problem_text(item)}"), 0.0)
            _outcome(element, "error", "problem", problem_text(item), printable(str(item)))
        else:
            result = report.scenarios[item]
            _add_scenario(suite, file, result, names, report)
            seconds += result.seconds
    return seconds


def _add_scenario(suite: ET.Element, file: str, result: ScenarioResult, names: Counter[str], report: Report) -> None:
    element = _test(suite, file, _own(names, title(result)), result.seconds)
    reason = reason_of(result)
    if result.status is Status.SKIPPED:
        ET.SubElement(element, "skipped", message=printable(entries(result)[0].message))
    elif reason is not None:
        body = f"{printable(reason.sentence)}\n\n{scenario_text(result, report.environment)}".rstrip("\n")
        _outcome(element, _TAGS[result.status], word_of(result), printable(reason.line), f"{body}\n")


def _interrupted(suite: ET.Element, *, report: Report) -> float:
    """A run that was broken off must not look like one in which all is well."""
    words = printable_lines(summary_text(report))
    _outcome(_test(suite, "tfpt", "the run was interrupted", 0.0), "error", "interrupted", words, words)
    return 0.0


def _own(names: Counter[str], name: str) -> str:
    """The name, with a number where it was there before: Jenkins takes two tests of one name for one."""
    names[name] += 1
    return name if names[name] == 1 else _own(names, f"{name} ({names[name]})")


def _test(suite: ET.Element, file: str, name: str, seconds: float) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=_classname(file), name=name, time=f"{seconds:.3f}")


def _classname(file: str) -> str:
    """`scenarios/init/linear.yaml` as `scenarios.init.linear`: readers take what stands before the last dot for the package."""
    path = re.sub(r"\.ya?ml$", "", re.sub(r"^(\.\./|/)+", "", file))
    return path.replace(".", "_").replace("/", ".") or file


def _outcome(element: ET.Element, tag: str, type_: str, message: str, text: str) -> None:
    ET.SubElement(element, tag, type=printable(type_), message=message).text = text
