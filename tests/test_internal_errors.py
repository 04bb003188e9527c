"""A mistake of tfpt's own, in whatever stage, is one scenario's failure: the others are in every report."""

from __future__ import annotations

import copy
import importlib
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import ROOT, run_tfpt, warm_tfpt
from tfpt_cli.documents.document import documents
from tfpt_cli.report import FORMATS
from tfpt_cli.results import INTERNAL_ERROR, Problem, ScenarioResult, Symptom
from tfpt_cli.scenario.scenario import load
from tfpt_cli.subjects.gradient.comparer import Comparer
from tfpt_cli.subjects.gradient.spec import Gradient

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Done
    from tfpt_cli.results import Comparison

    Run = Callable[..., Done]

NAMES = ["first", "second", "the odd one", "fourth", "fifth"]
# The odd one differs, so that it is looked at a second time, arbitrated and explained.
FIVE = "\n---\n".join(
    f"name: {name}\ngradient:\n  torch: F.gelu(x)\n"
    f"  tensorflow: keras.ops.gelu(x, approximate={name == 'the odd one'})\n  at: {{x: [0.5, 2.0]}}"
    for name in NAMES
)
STAGES = {
    "reading": "tfpt_cli.scenario.scenario.read_document",
    "listing": "tfpt_cli.subjects.gradient.writer.FrameworkWriter.sections",
    "comparing": "tfpt_cli.subjects.gradient.comparer.Comparer.comparisons",
    "asking again": "tfpt_cli.subjects.gradient.subject._second_look",
    "arbitrating": "tfpt_cli.subjects.gradient.comparer.Comparer.before_the_reference",
    "explaining": "tfpt_cli.scenario.scenario.Scenario.explained",
    "putting together": "tfpt_cli.engine.run.compared_result",
}
# What each format asks for each scenario.
DRAWING = {
    "table": "tfpt_cli.report.table.scenario_table",
    "line": "tfpt_cli.report.line.reason_of",
    "json": "tfpt_cli.report.json_report._plain",
    "junit": "tfpt_cli.report.junit.title",
    "github": "tfpt_cli.report.github.entries",
    "gitlab": "tfpt_cli.report.gitlab.title",
    "markdown": "tfpt_cli.report.markdown.title",
    "html": "tfpt_cli.report.html._item",
}
# These name what is not as expected, and count the rest.
FAILED_ALONE = ("github", "gitlab", "markdown")


def is_odd(value: Any) -> bool:
    """Whether something belongs to the odd scenario: a scenario, its document, its result as it was checked, its comparer."""
    if isinstance(value, ScenarioResult):
        return value.name == "the odd one" and not value.internal
    name = getattr(value, "name", None) or getattr(value, "data", None)
    if isinstance(name, dict):
        name = name.get("name")
    spec = value if isinstance(value, Gradient) else getattr(value, "spec", "")
    return name == "the odd one" or "approximate=True" in str(spec)


def break_at(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a function raise where one of its arguments belongs to the odd scenario."""
    where, _, name = target.rpartition(".")
    try:
        holder: Any = importlib.import_module(where)
    except ModuleNotFoundError:
        module, _, attribute = where.rpartition(".")
        holder = getattr(importlib.import_module(module), attribute)
    real = getattr(holder, name)

    def breaking(*arguments: Any, **options: Any) -> Any:
        if any(is_odd(argument) for argument in arguments):
            raise ArithmeticError("a mistake of ours")
        return real(*arguments, **options)

    monkeypatch.setattr(holder, name, breaking)


def written(format_: str, path: Path) -> dict[str, bool]:
    """By scenario, whether a report shows it as good; of a format for people, whether it is there."""
    text = path.read_text(encoding="utf-8")
    if format_ == "json":
        return {s["name"]: s["status"] == "passed" for s in json.loads(text)["scenarios"]}
    if format_ == "junit":
        return {
            name: all(
                not list(test) for test in ET.fromstring(text).iter("testcase") if test.get("name", "").startswith(name)
            )
            for name in NAMES
        }
    return {name: name in text for name in NAMES}


REPORTS = [word for format_ in FORMATS for word in ("--report", f"{format_}=out.{format_}")]


@pytest.mark.parametrize("stage", STAGES)
def test_the_other_four_are_in_every_report(stage: str, tfpt: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("five.yaml").write_text(FIVE, encoding="utf-8")
    assert tfpt("check", "five.yaml", "-qq").code == 1
    break_at(STAGES[stage], monkeypatch)
    done = tfpt("check", "five.yaml", "-v", *REPORTS)
    assert done.code == INTERNAL_ERROR
    assert done.out.count("passed: both sides agree") == 4
    assert "error: tfpt itself failed" in done.out
    shown = " ".join(done.out.split())  # where a line wraps hangs on the length of this checkout's path
    assert "ArithmeticError: a mistake of ours" in shown
    assert "in breaking" in shown  # the traceback, behind -v
    report = json.loads(Path("out.json").read_text(encoding="utf-8"))
    odd = next(s for s in report["scenarios"] if s["name"] == "the odd one")
    (failure,) = (f for f in odd["failures"] if f["symptom"] == Symptom.INTERNAL)
    assert (odd["status"], failure["framework"]) == ("error", "tfpt")
    assert "Please report it" in failure["message"]
    assert "in breaking" in failure["traceback"]
    for format_ in FORMATS:
        found = written(format_, Path(f"out.{format_}"))
        if format_ in ("json", "junit"):
            assert found == {name: name != "the odd one" for name in NAMES}, format_
        elif format_ in FAILED_ALONE:
            assert found == {name: name == "the odd one" for name in NAMES}, format_
        else:
            assert all(found.values()), format_


@pytest.mark.parametrize("stage", ["explaining", "putting together"])
def test_what_was_compared_before_is_kept(stage: str, tfpt: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("five.yaml").write_text(FIVE, encoding="utf-8")
    break_at(STAGES[stage], monkeypatch)
    report = tfpt("check", "five.yaml", "--format", "json").json
    (odd,) = (s for s in report["scenarios"] if s["name"] == "the odd one")
    assert [c["verdict"] for c in odd["comparisons"]] == ["differs"] * 3


def alone_in_error(tfpt: Run) -> dict[str, Any]:
    """The result of the odd one of five scenarios, which is an error where all others have passed."""
    done = tfpt("check", "five.yaml", "--format", "json")
    assert done.code == 1
    assert [s["status"] for s in done.json["scenarios"]] == ["passed", "passed", "error", "passed", "passed"]
    found: dict[str, Any]
    (found,) = (s for s in done.json["scenarios"] if s["name"] == "the odd one")
    return found


def test_memory_that_is_short_is_no_mistake(tfpt: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other scenarios go on, and what to change is said."""
    Path("five.yaml").write_text(FIVE, encoding="utf-8")
    compared = Comparer.comparisons

    def short(comparer: Comparer) -> list[Comparison]:
        if is_odd(comparer):
            raise MemoryError("Unable to allocate 458. MiB")
        return compared(comparer)

    monkeypatch.setattr(Comparer, "comparisons", short)
    (failure,) = alone_in_error(tfpt)["failures"]
    words = (
        "comparing takes more memory than tfpt itself has here (Unable to allocate 458. MiB); make the arrays smaller"
    )
    assert failure["message"].startswith(words)


def test_what_the_first_round_found_is_kept_where_the_second_cannot_be_compared(
    tfpt: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("five.yaml").write_text(FIVE, encoding="utf-8")
    compared = Comparer.comparisons

    def breaking(comparer: Comparer) -> list[Comparison]:
        if comparer.again and is_odd(comparer):
            raise ArithmeticError("a mistake of ours")
        return compared(comparer)

    monkeypatch.setattr(Comparer, "comparisons", breaking)
    report = tfpt("check", "five.yaml", "--format", "json").json
    assert [s["status"] for s in report["scenarios"]] == ["passed", "passed", "error", "passed", "passed"]
    (odd,) = (s for s in report["scenarios"] if s["name"] == "the odd one")
    assert [c["verdict"] for c in odd["comparisons"]] == ["differs"] * 3


@pytest.mark.parametrize("format_", FORMATS)
def test_a_scenario_that_cannot_be_drawn(format_: str, tfpt: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("five.yaml").write_text(FIVE, encoding="utf-8")
    break_at(DRAWING[format_], monkeypatch)
    done = tfpt("check", "five.yaml", "-qq", "--report", f"{format_}=out", "--report", "json=good.json")
    assert done.code == INTERNAL_ERROR
    text = Path("out").read_text(encoding="utf-8")
    assert "tfpt itself failed while drawing the report of this scenario" in " ".join(text.split())
    found = written(format_, Path("out"))
    assert {name: found[name] for name in NAMES if name != "the odd one"} == dict.fromkeys(
        [name for name in NAMES if name != "the odd one"], format_ not in FAILED_ALONE
    )
    if format_ != "json":  # a report that can be drawn is as it is without the mistake
        good = json.loads(Path("good.json").read_text(encoding="utf-8"))
        assert [s["status"] for s in good["scenarios"]] == ["passed", "passed", "failed", "passed", "passed"]


def test_a_table_that_cannot_be_drawn_on_the_terminal(tfpt: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("five.yaml").write_text(FIVE, encoding="utf-8")
    break_at(DRAWING["table"], monkeypatch)
    done = tfpt("check", "five.yaml")
    assert done.code == INTERNAL_ERROR
    assert done.out.count("passed: both sides agree") == 4
    assert "tfpt itself failed while drawing" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("target", "options", "doing"),
    [
        ("tfpt_cli.engine.curves.curve_plan", ["--report", "html=out.html"], "computing the curves"),
        ("tfpt_cli.scenario.recipes._with", ["--fix-preview"], "trying the recipes"),
    ],
)
def test_what_comes_behind_the_run_loses_nothing_of_it(
    target: str, options: list[str], doing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "five.yaml").write_text(FIVE, encoding="utf-8")
    break_at(target, monkeypatch)
    monkeypatch.setattr("tests.conftest.TRACEBACK", "no such word")
    done = warm_tfpt("check", "five.yaml", *options, "--report", "json=out.json", cwd=tmp_path)
    assert done.code == INTERNAL_ERROR
    assert f"tfpt itself failed while {doing}: ArithmeticError" in done.err
    assert "in breaking" in done.err
    assert json.loads((tmp_path / "out.json").read_text())["summary"] == {
        "passed": 4,
        "failed": 1,
        "error": 0,
        "skipped": 0,
    }
    if doing == "computing the curves":
        assert all(name in (tmp_path / "out.html").read_text() for name in NAMES)


def test_validate_says_it_too(tfpt: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("five.yaml").write_text(FIVE, encoding="utf-8")
    break_at(STAGES["reading"], monkeypatch)
    done = tfpt("validate", "five.yaml")
    assert done.code == INTERNAL_ERROR
    assert "five.yaml:13:1: tfpt itself failed while reading this scenario: ArithmeticError" in done.out
    assert "4 scenarios in 1 file valid, 1 problem" in done.out


def test_a_mistake_outside_of_all_scenarios_has_the_same_exit_code() -> None:
    code = (
        "import sys, tfpt_cli.cli.main, tfpt_cli.scenario.files as files\n"
        "files.scenario_files = None\nsys.argv = ['tfpt', 'validate', 'x.yaml']\ntfpt_cli.cli.main.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == INTERNAL_ERROR
    assert "please report it" in done.stderr


# Values that YAML can write and nobody thinks of, put in place of every value of good scenarios.
ODD: list[Any] = [
    float("nan"),
    float("inf"),
    -float("inf"),
    None,
    True,
    "",
    " ",
    "x",
    "\x00",
    [],
    {},
    [[]],
    [None],
    {"x": None},
    {"": 1},
    0,
    -1,
    -0.0,
    10**30,
    1e308,
    5e-324,
    2**64,
    ["x", ["x"]],
    {"x": {"x": {"x": 1}}},
]
WHOLE = [
    "name: g\nseed: 1\ndtype: float64\ntolerance: {rtol: 1e-5, atol: 1e-6}\nexpect: {value: differ}\nbecause: b\ntags: [t]\n"
    "matrix: {k: [1, 2]}\ngradient:\n  let: {e: k * x}\n  of: sum(e) + sum(y)\n  at: {x: [1.0, 2.0], y: 'normal(0, 1, (2,))'}\n"
    "  wrt: [x]\n  derivatives: [gradient, jvp, vjp]\n  tangent: {x: [1.0, 0.0]}\n  cotangent: 1.0\n  dtypes: {y: float64}\n"
    "  modes: {torch: [eager]}\n  ways: all\n",
    "name: n\ngradient:\n  let: {torch: {a: x}, tensorflow: {a: x}}\n  torch: torch.exp(a)\n  tensorflow: tf.exp(a)\n"
    "  at: {x: 1.0}\n  input_dtypes: {}\n",
    "name: o\ngradient: {of: {a: x, b: x ** 2}, at: {x: 1.0}, wrt: x}\n",
    "name: i\nseed: 3\ninit: {layer: 'linear(3, k)', weight: 'uniform(0, 1)', bias: zeros(), samples: 1000}\nmatrix: {k: [4]}\n",
    "name: j\ninit:\n  torch: {layer: 'nn.Linear(3, 4)', weight: nn.init.ones_()}\n"
    "  tensorflow: {layer: keras.layers.Dense(4), input_shape: [3]}\n  pair: {weight: kernel}\n  layout: {weight: a b -> b a}\n",
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))] if path or items else []


def altered(text: str) -> list[tuple[tuple[Any, ...], Any, str]]:
    """A good scenario with one value left out, or an odd one in its place."""
    (document,), problems = documents("", text)
    assert not problems
    plain = json.loads(json.dumps(document.data))
    found = []
    for path in places(plain):
        if not path:
            continue
        for odd in ["(left out)", *ODD]:
            data = copy.deepcopy(plain)
            holder = data
            for step in path[:-1]:
                holder = holder[step]
            if odd == "(left out)":
                del holder[path[-1]]
            else:
                holder[path[-1]] = odd
            found.append((path, odd, yaml.safe_dump(data, sort_keys=False)))
    return found


@pytest.mark.parametrize("number", range(len(WHOLE)))
def test_no_odd_value_of_any_key_is_a_mistake_of_ours(number: int, tmp_path: Path) -> None:
    """Each is a scenario or a placed problem: 24 odd values and none at all, in place of every value of a scenario."""
    file = tmp_path / "odd.yaml"
    wrong = []
    for path, odd, text in altered(WHOLE[number]):
        file.write_text(text, encoding="utf-8")
        for item in load(str(file)):
            if isinstance(item, Problem):
                assert item.line >= 1
                assert item.message
            elif not isinstance(item, list):
                wrong.append((path, odd, item.failure.message, item.failure.traceback[-500:]))
    assert not wrong, wrong[:3]


def test_the_odd_values_of_the_issue(tmp_path: Path) -> None:
    """A file with three of them beside a good one: each has its place, and the good ones are checked."""
    odd = tmp_path / "odd.yaml"
    odd.write_text(
        "name: a\nseed: .nan\ngradient: {of: x, at: {x: 1.0}}\n---\nname: b\nseed: 1e400\ngradient: {of: x, at: {x: 1.0}}\n"
        "---\nname: c\ngradient: {let: {e: x}, at: {x: 1.0}}\n---\nname: good\ngradient: {of: x, at: {x: 1.0}}\n",
        encoding="utf-8",
    )
    done = run_tfpt("check", odd, "--format", "json")
    assert done.code == 2
    assert [s["status"] for s in done.json["scenarios"]] == ["passed"]
    assert [(p["line"], p["column"]) for p in done.json["problems"]] == [(2, 7), (6, 7), (10, 1)]
