"""Very many scenarios: results lie in a file, reports are written in pieces, files are read as far as is soon run."""

from __future__ import annotations

import gc
import io
import json
import tempfile
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.sides import drawn
from tests.test_ci_reports import ALL
from tests.test_schema import FULL
from tests.toys.worker import interpreter_of
from tfpt_cli.engine import run, stored
from tfpt_cli.engine.options import Observer, Options
from tfpt_cli.engine.session import check
from tfpt_cli.engine.stored import Spool
from tfpt_cli.frameworks import FRAMEWORKS, SIDES, Side
from tfpt_cli.report import FORMATS, draw

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tfpt_cli.results import Report, ScenarioResult

RESULTS = [*ALL.scenarios, *(replace(result, curves=()) for result in FULL.scenarios)]
TEXT = "name: s{number}\ngradient: {{of: sum(x) * {number}, at: {{x: [1.0]}}}}\n"


def spooled(results: list[ScenarioResult], in_memory: int = 2) -> Spool:
    spool = Spool(SIDES, in_memory)
    for result in results:
        spool.append(result)
    return spool


def shown(results: Iterable[ScenarioResult]) -> list[str]:
    """All that results hold, in which one NaN is like another."""
    return [repr(result) for result in results]


def test_results_in_a_file_are_those_that_were_put_there() -> None:
    spool = spooled(RESULTS)
    assert len(spool) == len(RESULTS) > 5
    assert shown(spool) == shown(RESULTS)
    assert shown([spool[-1], spool[3], *spool[1:4]]) == shown([RESULTS[-1], RESULTS[3], *RESULTS[1:4]])
    assert spool.outlines == [result.outline for result in RESULTS]
    with pytest.raises(IndexError):
        spool[len(RESULTS)]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_report_of_results_in_a_file_is_the_same(format_: str) -> None:
    report = replace(ALL, scenarios=tuple(RESULTS))
    apart = replace(report, scenarios=spooled(RESULTS))
    assert drawn(apart, format_) == drawn(report, format_)
    assert (apart.summary, apart.exit_code, apart.cached) == (report.summary, report.exit_code, report.cached)
    assert shown(apart.unexpected) == shown(result for result in RESULTS if not result.expected)


@pytest.mark.parametrize("when", ["at once", "later"])
def test_without_room_for_a_file_they_stay_in_memory(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, content: Any) -> int:
            if self.tell():
                raise OSError(28, "No space left on device")
            return super().write(content)

    def none(**_: Any) -> io.BytesIO:
        if when == "at once":
            raise OSError(28, "No space left on device")
        return Full()

    monkeypatch.setattr(tempfile, "TemporaryFile", none)
    assert shown(spooled(RESULTS)) == shown(RESULTS)


def test_a_large_report_is_written_without_being_held() -> None:
    """Of 6,000 scenarios, in half of what the text alone would take."""

    class Nowhere(io.StringIO):
        size = 0

        def write(self, text: str) -> int:
            self.size += len(text)
            return len(text)

    result = next(result for result in RESULTS if result.comparisons)
    report = replace(ALL, scenarios=spooled([result] * 6000))
    stream = Nowhere()
    draw(replace(report, scenarios=spooled([result])), "json", Nowhere())  # imports what it needs
    often = gc.get_threshold()
    gc.set_threshold(700, 10, 10)  # a session of another test has it look for circles rarely, which then pile up
    tracemalloc.start()
    try:
        assert draw(report, "json", stream)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.set_threshold(*often)
    assert stream.size > 6_000_000
    assert peak < stream.size / 2


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Side, Side]:
    """Two sides whose processes answer at once, without a framework."""
    interpreter = interpreter_of(tmp_path)
    torch, tensorflow = (
        Side(key=framework.key, label=framework.label, framework=framework, interpreter=interpreter)
        for framework in FRAMEWORKS.values()
    )
    return torch, tensorflow


def write(folder: Path, numbers: range, name: str = "a.yaml") -> None:
    (folder / name).write_text("---\n".join(TEXT.format(number=number) for number in numbers), encoding="utf-8")


class Watching(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.totals: list[int] = []

    def selected(self, count: int) -> None:
        self.totals.append(count)

    def all_read(self) -> None:
        self.told.append("all read")

    def finished(self, result: ScenarioResult) -> None:
        self.told.append(result.name)


def checked(folder: Path, sides: tuple[Side, Side], observer: Observer | None = None, **given: Any) -> Report:
    return check(Options(paths=(str(folder / "all"),), sides=sides, reference=False, **given), observer)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_more_is_read_than_is_soon_run(
    workers: int, tmp_path: Path, sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "READ_AHEAD", 5)
    waiting: list[int] = []
    go_on = run.Pipeline.go_on

    def counted(pipeline: run.Pipeline, *arguments: Any, **given: Any) -> None:
        go_on(pipeline, *arguments, **given)
        waiting.append(len(pipeline.waiting))

    monkeypatch.setattr(run.Pipeline, "go_on", counted)
    (tmp_path / "all").mkdir()
    write(tmp_path / "all", range(30))
    write(tmp_path / "all", range(30, 40), "b.yaml")
    (tmp_path / "all" / "c.yaml").write_text("name: broken\ngradient: {of: sum(, at: {x: [1.0]}}\n", encoding="utf-8")
    watching = Watching()
    report = checked(tmp_path, sides, watching, workers=workers)
    assert max(waiting) == 5
    assert [result.name for result in report.scenarios] == [f"s{number}" for number in range(40)]
    assert len(report.problems) == 1
    assert watching.totals == list(range(1, 41))
    assert watching.told.index("all read") > 30


def test_a_run_of_many_that_stops_early(
    tmp_path: Path, sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "READ_AHEAD", 3)
    monkeypatch.setattr(run, "IN_MEMORY", 1)
    (tmp_path / "all").mkdir()
    write(tmp_path / "all", range(2, 40))  # each process answers 1.0 and the sides agree
    failing = "---\nname: fails\nexpect: differ\nbecause: it does not\ngradient: {of: sum(x), at: {x: [1.0]}}\n"
    with (tmp_path / "all" / "a.yaml").open("a", encoding="utf-8") as file:
        file.write(failing + "---\n" + TEXT.format(number=99))
    report = checked(tmp_path, sides, maxfail=1)
    assert [result.name for result in report.scenarios][-1] == "fails"
    assert (report.stopped, len(report.scenarios), report.exit_code) == (True, 39, 1)


def test_a_large_report_goes_through_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tfpt_cli.cli import show as command
    from tfpt_cli.cli.outputs import write_file

    report = replace(ALL, scenarios=spooled(RESULTS * 20))
    text, _ = drawn(report, "json")
    for small in (100, 10 * len(text)):
        monkeypatch.setattr(command, "_SMALL", small)
        outputs = command.Outputs(command.Settings(format="json"))
        content = outputs.drawn(report, "json")
        assert content is not None
        with content:
            write_file(str(tmp_path / "report.json"), content)
        assert (tmp_path / "report.json").read_text(encoding="utf-8") == text.encode("utf-8", "replace").decode()
    json.loads(text)


def test_a_report_that_finds_no_room_for_a_temporary_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from tfpt_cli.cli import show as command

    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "_temporary", Full)
    content = command.Outputs(command.Settings(format="json")).drawn(ALL, "json")
    assert content is not None
    assert content.read() == drawn(ALL, "json")[0]


def test_what_is_stored_makes_nothing_but_results() -> None:
    """The file has no name, and still nothing else is made of what is in it."""
    assert set(stored._RECORDS) >= {"ScenarioResult", "Comparison"}
    assert stored.loaded(stored.dumped(RESULTS[0]), SIDES) == RESULTS[0]
