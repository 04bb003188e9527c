"""The pytest plugin: the scenarios that a project's pytest configuration names become test items, one for each case.

    [tool.pytest.ini_options]
    tfpt_scenarios = ["scenarios"]

pytest imports this module in every run where tfpt is installed, so nothing but pytest and the standard library is
imported above, and where no scenario is named nothing more is done than to declare the options.
"""

from __future__ import annotations

import gc
import io
import math
import os
import re
import shutil
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from tfpt_cli.engine.options import Options
    from tfpt_cli.engine.session import Session
    from tfpt_cli.results import Report, ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario

_TEXTS = {
    "tfpt_torch_python": "Run PyTorch in this interpreter, which needs only torch and NumPy.",
    "tfpt_tensorflow_python": "Run TensorFlow in this interpreter, which needs only tensorflow and NumPy.",
    "tfpt_timeout": "How many seconds one scenario may run in a framework, and tfpt itself read or compare it (60).",
    "tfpt_start_timeout": "How many seconds a framework may take to start (300).",
    "tfpt_memory": "How many gigabytes the scenarios may use in a framework (8; Linux; 0: no limit).",
}
# So many scenarios are checked at once where it is known that they are run one after another.
_AHEAD = 100
# These mean something to pytest: a scenario's tag must not skip it or ask for a fixture.
_MARKS_OF_PYTEST = {"filterwarnings", "parametrize", "skip", "skipif", "usefixtures", "xfail"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the configuration file, named like those of `tfpt check`."""
    parser.addini("tfpt_scenarios", "Scenario files of tfpt, and folders of them, to run as tests.", type="paths")
    parser.addini("tfpt_allow_code", "Run the functions of Python files that scenarios name.", type="bool")
    parser.addini("tfpt_reference", "Ask the NumPy reference who is right (true).", type="bool", default=True)
    for name, words in _TEXTS.items():
        parser.addini(name, words)


def pytest_configure(config: pytest.Config) -> None:
    """Takes part in the run where scenarios are named."""
    if named := config.getini("tfpt_scenarios"):
        config.pluginmanager.register(_Scenarios(config, named), "tfpt_scenarios")


class _Scenarios:
    """The named scenarios of one pytest process, and the frameworks that it keeps warm for them."""

    def __init__(self, config: pytest.Config, named: list[Path]) -> None:
        self.config = config
        self.options = _options(config)
        self.files = {os.path.realpath(file) for file in _files(named)}
        self.environment: dict[str, str] = {}
        self.missing = ""
        self.broken = False  # whether a file cannot be read, after which pytest runs nothing
        self.cold = True  # as long as no scenario was checked, and nobody has waited for the frameworks
        self._stack = ExitStack()
        self._session: Session | None = None
        self._next: pytest.Item | None = None
        self._places: dict[pytest.Item, int] = {}
        self._checked: dict[pytest.Item, ScenarioResult] = {}
        self._marks: set[str] = set()
        self.mark("tfpt", "a scenario that tfpt checks")
        no_paths = config.args_source is not pytest.Config.ArgsSource.ARGS
        if no_paths and config.invocation_params.dir == config.rootpath:
            here = [config.rootpath / argument for argument in config.args]
            config.args += [str(p) for p in named if not any(p.is_relative_to(other) for other in here)]

    def mark(self, name: str, words: str) -> None:
        """Declares a mark, so that `--strict-markers` knows it."""
        if name not in self._marks:
            self._marks.add(name)
            self.config.addinivalue_line("markers", f"{name}: {words}")

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        if os.path.realpath(file_path) not in self.files:
            return None
        return _File.from_parent(parent, path=file_path, scenarios=self)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        """Remembers what is run behind an item."""
        del item
        self._next = nextitem
        return (yield)

    def behind(self, item: _Item) -> Iterator[_Item]:
        """The scenarios that are run next, as far as this process knows; none where a run may end at a failure."""
        if self.cold or self.config.getoption("maxfail"):
            return
        items: list[pytest.Item] = [self._next] if self._next is not None else []
        if not hasattr(self.config, "workerinput"):  # a worker of xdist is only told of the next one
            every = item.session.items
            self._places = self._places or {each: place for place, each in enumerate(every)}
            place = self._places.get(item, len(every)) + 1
            items = every[place : place + _AHEAD]
        for each in items:
            if not isinstance(each, _Item):
                return
            yield each

    def result(self, item: _Item) -> ScenarioResult:
        """The result of an item's scenario, once: one that is run again is checked again."""
        self.check(item)
        return self._checked.pop(item)

    def check(self, item: _Item) -> None:
        """Checks an item's scenario, unless one before it has had that done; the first waits for the frameworks.

        Those that are run next are checked with it, so that a framework is never idle while tfpt reads or compares.
        """
        if item in self._checked:
            return
        items = [item, *self.behind(item)]
        options = replace(self.options, generated=[[each.scenario] for each in items])
        report: Report = self.session.check(options)
        self.cold = False
        if report.interrupted:
            raise KeyboardInterrupt
        self.environment = report.environment
        from tfpt_cli.results import Symptom

        self._checked = dict(zip(items, report.scenarios, strict=True))
        for failure in (failure for result in self._checked.values() for failure in result.failures):
            if failure.symptom in (Symptom.NOT_INSTALLED, Symptom.NOT_STARTED):
                self.missing = failure.message

    @property
    def session(self) -> Session:
        """The processes of both frameworks, which are kept for the whole run."""
        if self._session is None:
            from tfpt_cli.engine.session import Session

            thresholds = gc.get_threshold()
            self._session = self._stack.enter_context(Session(self.options))
            gc.set_threshold(*thresholds)  # those of the process belong to the project, not to us
        return self._session

    def begin(self) -> None:
        """Has the frameworks imported while pytest collects, where it is to be expected that what is collected is run."""
        chooses = ("collectonly", "keyword", "markexpr", "deselect", "lf", "stepwise", "setupplan")
        if self._session is None and not self.broken and not any(self.config.getoption(name, None) for name in chooses):
            self.session.begin()

    @property
    def width(self) -> int:
        """The columns of the terminal that pytest writes to; a worker of xdist is told by the process that has one."""
        workerinput: dict[str, Any] = getattr(self.config, "workerinput", {})
        if "tfpt_width" in workerinput:
            return int(workerinput["tfpt_width"])
        if self.config.pluginmanager.has_plugin("terminalreporter"):
            return self.config.get_terminal_writer().fullwidth
        return shutil.get_terminal_size().columns

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """What a new worker of xdist is told."""
        node.workerinput["tfpt_width"] = self.width

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self, report: Any) -> Generator[None, Any, Any]:
        """Keeps the table as it is on its way from a worker of xdist; pytest itself would keep its plain text alone."""
        data = yield
        if isinstance(data, dict) and isinstance(report.longrepr, _Table):
            data["tfpt_table"] = asdict(report.longrepr)
        return data

    @pytest.hookimpl(wrapper=True)
    def pytest_report_from_serializable(self, data: dict[str, Any]) -> Generator[None, Any, Any]:
        """Makes the table again that a worker of xdist has sent with its report."""
        table = data.pop("tfpt_table", None)
        report = yield
        if table is not None:
            report.longrepr = _Table(**{**table, "reprcrash": _Place(**table["reprcrash"])})
        return report

    def pytest_sessionfinish(self) -> None:
        """Ends the frameworks."""
        self._stack.close()


def _files(named: Iterable[Path]) -> Iterator[str]:
    """The scenario files below what is named. Raises `pytest.UsageError` for all that is not there."""
    from tfpt_cli.results import Problem
    from tfpt_cli.scenario.files import scenario_files

    missing = [Problem(str(path), 0, 0, "no such file or folder") for path in named if not path.exists()]
    found = list(scenario_files(map(str, named)))
    problems = missing + [file for file in found if isinstance(file, Problem)]
    if problems:
        raise pytest.UsageError("\n".join(f"tfpt_scenarios: {problem}" for problem in problems))
    yield from (file for file in found if isinstance(file, str))


def _options(config: pytest.Config) -> Options:
    from tfpt_cli.engine.options import Options
    from tfpt_cli.frameworks import FRAMEWORKS, usual_sides
    from tfpt_cli.workers.process import Limits

    usual = Limits()
    base = config.inipath.parent if config.inipath is not None else config.rootpath
    pythons = {framework: config.getini(f"tfpt_{framework}_python") for framework in FRAMEWORKS}
    return Options(
        # A bare `python3.12` is looked for by the system; a path is one of the project, like those of the scenarios.
        sides=usual_sides(**{f: str(base / p) if os.path.dirname(p) else p for f, p in pythons.items()}),
        limits=Limits(
            timeout=_number(config, "tfpt_timeout", 0.1, usual.timeout),
            start=_number(config, "tfpt_start_timeout", 0.1, usual.start),
            memory=_number(config, "tfpt_memory", 0, usual.memory),
        ),
        allow_code=config.getini("tfpt_allow_code"),
        reference=config.getini("tfpt_reference"),
        listings=config.get_verbosity() > 1,
    )


def _number(config: pytest.Config, name: str, least: float, usual: float) -> float:
    text = config.getini(name)
    try:
        number = float(text) if text else usual
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= least):
        raise pytest.UsageError(f"{name}: '{text}' must be a number of at least {least:g}")
    return number


class _File(pytest.File):
    """A scenario file: an item for every case, or an error that lists everything that is wrong with it."""

    def __init__(self, *, scenarios: _Scenarios, **rest: Any) -> None:
        super().__init__(**rest)
        self.scenarios = scenarios

    def collect(self) -> Iterator[_Item]:
        from tfpt_cli.language.mentions import permitted_by
        from tfpt_cli.results import Unread
        from tfpt_cli.scenario.scenario import load

        shown = _relative(self.path, self.config.invocation_params.dir)
        # Read by its full path, which holds wherever a test has gone; shown by the path from here, which is short.
        with permitted_by("set", "tfpt_allow_code = true"):
            options = self.scenarios.options
            found = list(load(str(self.path), allow_code=options.allow_code, budget=options.limits.own))
        wrong = [item.problem if isinstance(item, Unread) else item for item in found if not isinstance(item, list)]
        problems = [str(replace(problem, file=shown)) for problem in wrong]
        if problems:
            self.scenarios.broken = True
            raise self.CollectError("\n".join(problems))
        self.scenarios.begin()
        taken: dict[str, int] = {}
        for scenario in (scenario for cases in found if isinstance(cases, list) for scenario in cases):
            taken[scenario.title] = taken.get(scenario.title, 0) + 1
            name = _name(scenario, taken[scenario.title])
            # The id is given as text, which pytest takes apart as it does one of the command line or of its cache.
            place = {"name": name, "nodeid": f"{self.nodeid}::{name}"}
            item: _Item = _Item.from_parent(self, **place, scenario=replace(scenario, file=shown))
            item.mark()
            yield item


def _name(scenario: Scenario, number: int) -> str:
    """The name of an item, the case in brackets as pytest writes it: what stands before them chooses all cases."""
    from tfpt_cli.results import printable

    case = ", ".join(f"{name}={value}" for name, value in scenario.case.items())
    again = f"#{number}" if number > 1 else ""
    text = f"{scenario.name}[{case}{again}]" if case else f"{scenario.name}{again}"
    return printable(text).replace("::", ":")  # which would divide it in two


def _relative(path: Path, folder: Path) -> str:
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # on another drive of Windows
        return str(path)


class _NotAsExpected(Exception):
    """A scenario that was checked and is not as its `expect` says."""

    def __init__(self, result: ScenarioResult) -> None:
        super().__init__(result.name)
        self.result = result


class _Item(pytest.Item):
    """One case of a scenario."""

    parent: _File

    def __init__(self, *, scenario: Scenario, **rest: Any) -> None:
        super().__init__(**rest)
        self.scenario = scenario

    def mark(self) -> None:
        """Gives it the mark `tfpt` and its tags: for `-k` as they are, for `-m` where pytest can read them as marks."""
        tags = self.scenario.tags
        self.extra_keyword_matches.update(tags)
        usable = [tag for tag in tags if re.fullmatch(r"[^\W_][\w.+-]*", tag) and tag not in _MARKS_OF_PYTEST]
        for name in ("tfpt", *usable):
            self.parent.scenarios.mark(name, "a tag of a scenario")
            self.add_marker(name)

    def setup(self) -> None:
        """The first item starts the frameworks here: that is not its own time, nor its own failure if one is missing."""
        scenarios = self.parent.scenarios
        if scenarios.cold:
            scenarios.check(self)
        if scenarios.missing:
            pytest.fail(scenarios.missing, pytrace=False)

    def runtest(self) -> None:
        from tfpt_cli.report.words import status_words
        from tfpt_cli.results import Status

        result = self.parent.scenarios.result(self)
        if result.status is Status.SKIPPED:
            pytest.skip("; ".join([status_words(result), *result.notes]))
        if not result.expected:
            raise _NotAsExpected(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The table of the scenario; of anything else what pytest shows."""
        if isinstance(excinfo.value, _NotAsExpected):
            verbose = self.config.get_verbosity() > 1
            scenarios = self.parent.scenarios
            return _table(excinfo.value.result, scenarios.environment, scenarios.width, verbose=verbose)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.scenario.line - 1, f"[tfpt] {self.name}"


@dataclass(frozen=True)
class _Place:
    """Where a scenario stands, and why it failed, as pytest's short summary and its JUnit file ask for it."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.lineno}: {self.message}"


@dataclass(frozen=True)
class _Table:
    """A failure as pytest shows it, in text: with colour where pytest has any, without everywhere else."""

    plain: str
    coloured: str
    reprcrash: _Place

    def toterminal(self, tw: Any) -> None:
        """Writes it to pytest's terminal."""
        tw.line(self.coloured if tw.hasmarkup else self.plain)

    def __str__(self) -> str:
        return self.plain


def _table(result: ScenarioResult, environment: dict[str, str], width: int, *, verbose: bool) -> _Table:
    from rich.console import Console

    from tfpt_cli.report.reasons import reason_of
    from tfpt_cli.report.table import listing_parts, scenario_table

    reason = reason_of(result)
    assert reason is not None  # it failed
    encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
    ascii_only = not encoding.lower().startswith("utf")
    table = scenario_table(result, environment, width, ascii_only=ascii_only, verbose=verbose)

    def text(**colour: Any) -> str:
        file = io.StringIO()
        console = Console(file=file, width=width, markup=False, emoji=False, highlight=False, **colour)
        console.print(table)
        for part in listing_parts(result) if verbose else ():
            console.print(part, soft_wrap=True)
        return file.getvalue().rstrip()

    return _Table(
        plain=text(color_system=None, force_terminal=False),
        coloured=text(color_system="standard", force_terminal=True, no_color=False, legacy_windows=False),
        reprcrash=_Place(result.file, result.line, reason.line),
    )
