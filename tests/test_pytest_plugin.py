"""The pytest plugin, in projects made for it: each test runs pytest in a process of its own, as a person does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

# An installation that knows the entry point brings the plugin itself, and must not be given it twice.
PLUGIN = [] if entry_points(group="pytest11", name="tfpt") else ["-p", "tfpt_cli.pytest_plugin"]
SETTINGS = """
[tool.pytest.ini_options]
addopts = "--strict-markers --strict-config -W error"
testpaths = ["tests"]
tfpt_scenarios = ["scenarios", "other/named.yaml"]
"""
GOOD = """
name: first
gradient: {of: x ** 2, at: {x: 3.0}}
tags: [square, skip, a tag]
---
name: second, at 0.5
gradient: {of: n * x, at: {x: 0.5}}
matrix: {n: [1, 2]}
tags: [line]
"""
FAILS = """
name: fails
gradient: {torch: x + 1, tensorflow: x + 2, at: {x: 1.0}}
---
name: fails too
gradient: {torch: x, tensorflow: 2 * x, at: {x: 1.0}}
"""
PASSES = "name: passes\ngradient: {of: x, at: {x: 1.0}}\n"
FIRST, CASES = "scenarios/good.yaml::first", [f"scenarios/good.yaml::second, at 0.5[n={n}]" for n in (1, 2)]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a test, scenarios that are named and YAML that is not."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("PYTEST_ADDOPTS", "CI", "COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyprojecttoml(SETTINGS)
    files = {
        "tests/test_own.py": "def test_own():\n    pass\n",
        "tests/not_named.yaml": PASSES,
        "scenarios/good.yaml": GOOD,
        "other/named.yaml": PASSES,
        "other/not_named.yaml": "{",
    }
    for name, text in files.items():
        write(pytester, name, text)
    return pytester


def write(project: pytest.Pytester, name: str, text: str) -> Path:
    path = project.path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    done = project.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider", *arguments)
    for words in ("Traceback", "pytest_plugin.py", "INTERNALERROR"):
        assert words not in str(done.stdout) + str(done.stderr)
    return done


def collected(project: pytest.Pytester, *arguments: str) -> list[str]:
    return [line for line in run(project, "--collect-only", "-q", *arguments).outlines if "::" in line]


def test_the_import_brings_nothing_that_is_slow() -> None:
    code = "import sys, pytest; before = set(sys.modules); import tfpt_cli.pytest_plugin\n"
    code += "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"tfpt_cli", *sys.stdlib_module_names}


def test_nothing_happens_where_no_scenario_is_named(project: pytest.Pytester) -> None:
    project.makepyprojecttoml("[tool.pytest.ini_options]\n")
    write(
        project,
        "tests/test_own.py",
        "import sys\n\ndef test_own():\n    assert 'tfpt_cli.results' not in sys.modules\n",
    )
    run(project).assert_outcomes(passed=1)
    assert run(project, "scenarios/good.yaml").ret != 0


def test_what_is_named_is_collected_and_no_other_yaml(project: pytest.Pytester) -> None:
    everything = ["tests/test_own.py::test_own", FIRST, *CASES, "other/named.yaml::passes"]
    assert collected(project) == everything
    assert sorted(collected(project, ".")) == sorted(everything)
    assert collected(project, "tests") == everything[:1]
    assert collected(project, "other") == everything[-1:]
    assert collected(project, "other/not_named.yaml") == []


def test_without_testpaths_and_from_another_folder(project: pytest.Pytester) -> None:
    project.makepyprojecttoml(SETTINGS.replace('testpaths = ["tests"]', ""))
    assert sorted(collected(project)) == sorted(
        ["tests/test_own.py::test_own", FIRST, *CASES, "other/named.yaml::passes"]
    )
    os.chdir(project.path / "other")
    assert collected(project) == ["other/named.yaml::passes"]
    assert collected(project, "../scenarios") == [FIRST, *CASES]


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        ([FIRST], [FIRST]),
        (["scenarios/good.yaml::second, at 0.5"], CASES),
        ([CASES[1]], CASES[1:]),
        (["-k", "second and not 2"], CASES[:1]),
        (["-k", "SQUARE"], [FIRST]),
        (["-m", "line"], CASES),
        (["-m", "tfpt and not square", "--deselect", CASES[0], "--deselect", "other"], CASES[1:]),
        (["-m", "not tfpt"], ["tests/test_own.py::test_own"]),
    ],
)
def test_choosing(arguments: list[str], chosen: list[str], project: pytest.Pytester) -> None:
    assert collected(project, *arguments) == chosen


def test_names_that_pytest_would_divide_or_that_come_twice(project: pytest.Pytester) -> None:
    case = "name: 'a::b [0]'\ngradient: {of: n * x, at: {x: 1.0}}\nmatrix: {n: [1, 1]}\n"
    write(project, "scenarios/good.yaml", f"{PASSES}---\n{PASSES}---\n{case}")
    ids = [f"scenarios/good.yaml::{name}" for name in ("passes", "passes#2", "a:b [0][n=1]", "a:b [0][n=1#2]")]
    assert collected(project, "scenarios") == ids
    for id_ in ids:
        assert collected(project, id_) == [id_]


def test_a_failure_is_a_table(project: pytest.Pytester) -> None:
    write(project, "scenarios/fails.yaml", FAILS)
    done = run(project, "--junitxml", "out.xml", "-v")
    done.assert_outcomes(passed=5, failed=2)
    done.stdout.fnmatch_lines(
        [
            "scenarios/good.yaml::second, at 0.5?n=2? PASSED*",
            "*_ ?tfpt? fails _*",
            "fails * scenarios/fails.yaml:2",
            " value      2.0 * 3.0 *differs*",
            "failed: expected to agree, but value differs",
            "FAILED scenarios/fails.yaml::fails - value differs: *",
        ]
    )
    tables = done.outlines[done.outlines.index(next(line for line in done.outlines if "= FAILURES =" in line)) :]
    assert max(len(line) for line in tables if "generated xml file" not in line) <= 80
    cases = {case.get("name"): case for case in ElementTree.parse(project.path / "out.xml").iter("testcase")}
    assert len(cases) == 7
    assert {case.get("classname") for case in cases.values()} == {
        "tests.test_own", "scenarios.good.yaml", "scenarios.fails.yaml", "other.named.yaml",
    }  # fmt: skip
    failure = cases["fails"].find("failure")
    assert failure is not None
    assert str(failure.get("message")).startswith("value differs: ")
    assert "TensorFlow  x + 2" in str(failure.text)


def test_workers_of_xdist_show_the_same_as_wide_and_in_colour(project: pytest.Pytester) -> None:
    write(project, "scenarios/fails.yaml", FAILS)
    project._monkeypatch.setenv("COLUMNS", "120")
    done = run(project, "-n", "2", "--color=yes", "--junitxml", "out.xml")
    done.assert_outcomes(passed=5, failed=2)
    assert re.search(r"^\x1b\[1mfails\x1b.* {60,}\x1b\[2mscenarios/fails.yaml:2\x1b", str(done.stdout), re.MULTILINE)
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in done.outlines]
    assert max(len(line) for line in plain if "scenarios/fails.yaml:2" in line) == 120
    assert "#x1B" not in (project.path / "out.xml").read_text(encoding="utf-8")


def test_the_first_failure_ends_a_run_and_is_run_again(project: pytest.Pytester) -> None:
    write(
        project,
        "scenarios/a.yaml",
        FAILS.replace("x + 1", "n * x").replace("fails\n", "fails\nmatrix: {n: [5, 6]}\n", 1),
    )
    arguments = [*PLUGIN, "scenarios", "--tb=line"]
    first = project.runpytest_subprocess(*arguments, "-x")
    first.assert_outcomes(failed=1)
    first.stdout.fnmatch_lines(["scenarios/a.yaml:2: value* differ*"])
    project.runpytest_subprocess(*arguments, "--lf").assert_outcomes(failed=1)


def test_a_broken_file_is_an_error_that_lists_everything(project: pytest.Pytester, fakes: dict[str, str]) -> None:
    mark = fakes.pop("mark")
    project._monkeypatch.setenv("PYTHONPATH", fakes["PYTHONPATH"])
    write(project, "scenarios/bad.yaml", "name: n\ngradient: {of: sun(x), at: {x: 1.0}}\nseed: -1\n---\nname: no\n")
    done = run(project)
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(
        [
            "*ERROR collecting scenarios/bad.yaml*",
            "scenarios/bad.yaml:2:16: unknown operation 'sun', did you mean 'sum'?",
            "scenarios/bad.yaml:3:7: 'seed' must be a whole number from 0 to 4294967295, got -1",
            "scenarios/bad.yaml:5:1: no subject: one of init, gradient, model is needed",
        ]
    )
    assert not os.path.exists(mark)


@pytest.mark.parametrize("chosen", ["--collect-only", "--keyword=test_own", "-mnot tfpt", "tests"])
def test_no_framework_is_imported_where_no_scenario_is_run(
    chosen: str, project: pytest.Pytester, fakes: dict[str, str]
) -> None:
    """Else that begins while pytest collects."""
    mark = fakes.pop("mark")
    project._monkeypatch.setenv("PYTHONPATH", fakes["PYTHONPATH"])
    run(project, chosen)
    assert not os.path.exists(mark)
    run(project)
    assert os.path.exists(mark)


def test_a_framework_that_is_not_installed_is_an_error_with_the_remedy(project: pytest.Pytester) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project.path / "bare"], check=True)
    done = run(project, "-o", "tfpt_torch_python=bare/bin/python")
    done.assert_outcomes(passed=1, errors=4)
    python = re.escape(str(project.path / "bare" / "bin" / "python"))
    assert len(re.findall(rf"^PyTorch cannot be .*{python} -m pip install torch", str(done.stdout), re.MULTILINE)) == 4


def test_the_options_are_those_of_check(project: pytest.Pytester) -> None:
    """Own functions run only where that is allowed; all of a process in one worker a framework, gone at the end."""
    code = "import os\n\ndef f(x):\n    with open(__file__ + '.txt', 'a') as file:\n"
    code += "        print(os.getpid(), file=file)\n    return x\n"
    write(project, "scenarios/port.py", code)
    own = "{python: port.py:f}"
    text = f"name: own\ngradient: {{torch: {own}, tensorflow: {own}, at: {{x: 1.0}}}}\nmatrix: {{n: [1, 2]}}\n"
    write(project, "scenarios/good.yaml", text.replace("x: 1.0", "x: n"))
    refused = run(project, "scenarios")
    refused.assert_outcomes(errors=1)
    refused.stdout.fnmatch_lines(["*this would run the function 'f' of*if you trust it, set tfpt_allow_code = true"])
    run(project, "scenarios", "-o", "tfpt_allow_code=true", "-o", "tfpt_reference=false").assert_outcomes(passed=2)
    pids = set((project.path / "scenarios" / "port.py.txt").read_text(encoding="utf-8").split())
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("tfpt_scenarios=nowhere", "*nowhere: no such file or folder"),
        ("tfpt_scenarios=tests/none", "*none: no such file or folder"),
        ("tfpt_timeout=soon", "tfpt_timeout: 'soon' must be a number of at least 0.1"),
        ("tfpt_memory=-1", "tfpt_memory: '-1' must be a number of at least 0"),
    ],
)
def test_an_option_that_cannot_be_meant(option: str, words: str, project: pytest.Pytester) -> None:
    done = run(project, "-o", option)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"ERROR: {words}"] if words.startswith("tfpt") else [words])


def test_scenarios_that_are_run_one_after_another_are_checked_together(project: pytest.Pytester) -> None:
    """Each has its own result, whichever were checked with it; where a run may end at a failure they go one by one."""
    agrees = "".join(f"---\nname: agrees {n}\ngradient: {{of: x ** {n}, at: {{x: 2.0}}}}\n" for n in range(4))
    write(
        project,
        "scenarios/mixed.yaml",
        f"{FAILS}{agrees}---\n{FAILS.replace('fails', 'parts')}{agrees.replace('agrees', 'is')}",
    )
    write(project, "conftest.py", COUNTING)
    for arguments, counts in (((), [1, 11]), (("--maxfail=9",), [1] * 12), (("-k", "mixed and agrees"), [1, 3])):
        done = run(project, "scenarios/mixed.yaml", "-s", "-rA", *arguments)
        text = done.stdout.str()
        failed = re.findall(r"^FAILED \S+::([\w ]+\w)", text, re.MULTILINE)
        assert sorted(failed) == ([] if "-k" in arguments else ["fails", "fails too", "parts", "parts too"])
        assert [int(count) for count in re.findall(r"checked together: (\d+)", text)] == counts


COUNTING = """
from tfpt_cli.engine.session import Session

check = Session.check

def counted(self, options, observer=None):
    print(f"checked together: {len(options.generated)}")
    return check(self, options, observer)

Session.check = counted
"""
