"""What has changed since a report was kept: `tfpt check --save-baseline`, and `--baseline`."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import run_tfpt
from tests.sides import TENSORFLOW, TORCH, between, quantity_named
from tfpt_cli import baseline
from tfpt_cli.engine.options import Options
from tfpt_cli.frameworks import SIDES, two_versions
from tfpt_cli.report.json_report import report_text
from tfpt_cli.results import Comparison, Report, ScenarioResult, SideValue, State, Status, Summary, Verdict

if TYPE_CHECKING:
    from tfpt_cli.engine.session import Session
    from tfpt_cli.frameworks import Sides

Run = Any

SCENARIOS = """
name: a line
gradient: {of: 2 * x, at: {x: [1.0, 2.0, 3.0]}}
---
name: many numbers
gradient: {of: sum(exp(x)), at: {x: 'linspace(-1, 1, 500)'}}
---
name: infinite
gradient: {of: log(x), at: {x: [0.0, 1.0]}}
---
name: complex
gradient: {of: x * x, at: {x: [[1.0, 2.0]]}, dtypes: {x: complex64}}
---
name: random
init: {layer: 'linear(3, 4)', weight: 'uniform(0, 1)', bias: zeros()}
---
name: differs
gradient: {torch: x + 1, tensorflow: x + 2, at: {x: 1.0}}
expect: differ
because: one is larger
---
name: fails
gradient: {of: 'reshape(x, (n,))', at: {x: [1.0, 2.0]}}
matrix: {n: [2]}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("baseline") / "s.yaml"
    path.write_text(SCENARIOS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def report(session: Session, file: Path) -> Report:
    found = session.check(Options(paths=(str(file),)))
    assert not found.problems
    return found


@pytest.fixture
def before(report: Report) -> dict[str, Any]:
    """The same as a baseline, to be altered."""
    found: dict[str, Any] = json.loads(report_text(report))
    return found


def scenario(before: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(s for s in before["scenarios"] if s["name"].startswith(name))
    return found


def quantity(before: dict[str, Any], name: str, index: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = scenario(before, name)["comparisons"][index]
    return found


def found(before: dict[str, Any], report: Report, tmp_path: Path) -> list[tuple[str, bool]]:
    """What `--baseline` says of a file with this in it."""
    path = tmp_path / "b.json"
    path.write_text(json.dumps(before), encoding="utf-8")
    changes = baseline.changes(baseline.read(str(path)), report)
    return [(f"{change.scenario.split('::')[1]}, {change.what}", change.matters) for change in changes]


def test_nothing_has_changed(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    assert found(before, report, tmp_path) == []


def test_a_number_beyond_the_tolerance(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    quantity(before, "a line")["torch"]["values"][1] = 4.1
    assert found(before, report, tmp_path) == [
        ("a line, value, PyTorch: 1 of 3 values moved beyond the tolerance: 4.1 -> 4.0", True)
    ]


def test_a_number_within_the_tolerance(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    quantity(before, "a line")["tensorflow"]["values"][1] = 4.000001
    assert found(before, report, tmp_path) == [
        ("a line, value, TensorFlow: 1 of 3 values moved within the tolerance: 4.000001 -> 4.0", False)
    ]


@pytest.mark.parametrize("other", [1e30, -1e30, "nan", "inf"])
def test_an_infinity_that_became_something_else(
    other: object, before: dict[str, Any], report: Report, tmp_path: Path
) -> None:
    """No tolerance reaches from an infinity to a number, though `rtol * inf` would."""
    assert quantity(before, "infinite")["torch"]["values"][0] == "-inf"
    quantity(before, "infinite")["torch"]["values"][0] = other
    assert [matters for _, matters in found(before, report, tmp_path)] == [True]


def test_a_complex_number(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    values = quantity(before, "complex")["torch"]["values"]
    number = values[0] if isinstance(values, list) else values
    while isinstance(number, list):
        number = number[0]
    assert set(number) == {"re", "im"}
    number["im"] += 1
    assert [matters for _, matters in found(before, report, tmp_path)] == [True]


def test_numbers_that_are_not_kept(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    """Of a large array its first numbers and a summary are in a report: a change behind them is seen in the summary."""
    index = next(i for i, c in enumerate(scenario(before, "many")["comparisons"]) if "left_out" in c["torch"])
    side = quantity(before, "many", index)["torch"]
    side["summary"]["max"] *= 1.5
    ((words, matters),) = found(before, report, tmp_path)
    assert "values that are not kept moved: their max beyond the tolerance" in words
    assert matters
    side["summary"]["max"] /= 1.5
    side["summary"]["histogram"]["counts"][0] += 1
    assert [matters for _, matters in found(before, report, tmp_path)] == [False]


def test_random_numbers_may_be_others(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    weight = quantity(before, "random")
    weight["torch"]["values"][0][0] = 0.987
    ((words, matters),) = found(before, report, tmp_path)
    assert words.startswith("random, weight, PyTorch: 1 of 12 values moved: 0.987 -> ")
    assert not matters
    weight["torch"]["dtype"] = "float64"  # that is no question of luck
    assert found(before, report, tmp_path) == [("random, weight, PyTorch: dtype float64 -> float32", True)]


@pytest.mark.parametrize(
    ("word", "value", "words"),
    [("shape", [4], "shape [4] -> [3]"), ("dtype", "float64", "dtype float64"), ("state", "failed", "state failed")],
)
def test_shape_dtype_state(
    word: str, value: object, words: str, before: dict[str, Any], report: Report, tmp_path: Path
) -> None:
    quantity(before, "a line")["torch"][word] = value
    ((said, matters),) = found(before, report, tmp_path)
    assert words in said
    assert matters


def test_a_verdict(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    quantity(before, "differs")["verdict"] = "close"
    scenario(before, "differs")["status"] = "failed"
    assert found(before, report, tmp_path) == [
        ("differs, status: failed -> passed", True),
        ("differs, value: close -> differs", True),
    ]


def test_a_quantity_more_or_less(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    comparisons = scenario(before, "a line")["comparisons"]
    comparisons.append({**copy.deepcopy(comparisons[0]), "quantity": "another"})
    del comparisons[0]
    assert found(before, report, tmp_path) == [
        ("a line, another: is no longer there", True),
        ("a line, value: is new", True),
    ]


def test_a_scenario_more_or_less(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    scenario(before, "a line")["name"] = "another"
    expected = [("a line, is new", False), ("another, is no longer there", False)]
    assert found(before, report, tmp_path) == expected
    for some in ({"deselected": 1}, {"interrupted": True}, {"stopped": True}):  # what was not run is not gone
        assert found(before, replace(report, **some), tmp_path) == expected[:1]


def test_scenarios_of_one_name(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    twice = replace(report, scenarios=(report.scenarios[0], *report.scenarios))
    before["scenarios"].insert(0, copy.deepcopy(before["scenarios"][0]))
    assert found(before, twice, tmp_path) == []
    before["scenarios"][0]["status"] = "failed"
    before["scenarios"][1]["status"] = "error"
    assert found(before, twice, tmp_path) == [
        ("a line, status: failed -> passed", True),
        ("a line (2), status: error -> passed", True),
    ]


def test_another_spelling_of_the_path(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    for each in before["scenarios"]:
        each["file"] = str(Path(each["file"]).parent / "." / "x" / ".." / Path(each["file"]).name)
        each["file"] = each["file"].replace("/s.yaml", "/./s.yaml")
    assert found(before, report, tmp_path) == []


def test_versions(before: dict[str, Any], report: Report) -> None:
    before["environment"]["torch"] = "2.6.0"
    before["environment"]["jax"] = "0.1"
    lines = [line.plain for line in baseline.lines([], before, report)]
    assert lines[1].startswith("since the baseline: ")
    assert f"PyTorch 2.6.0 -> {report.environment['torch']}" in lines[1]
    assert "jax 0.1 -> none" in lines[1]
    assert lines[-1] == "0 changes of a verdict or beyond the tolerance, 0 other"


def test_two_versions_of_one_framework(report: Report, tmp_path: Path) -> None:
    """The sides of such a report are left and right: their numbers are compared too."""
    versions = between(report, two_versions(TORCH.framework, "left/python", "right/python"))
    before = json.loads(report_text(versions))
    assert found(before, versions, tmp_path) == []
    assert "the same versions" in [line.plain for line in baseline.lines([], before, versions)][1]
    quantity(before, "a line")["right"]["values"][0] = 7.0
    assert [matters for _, matters in found(before, versions, tmp_path)] == [True]


# The command


def test_the_command(tfpt: Run, file: Path) -> None:
    assert tfpt("check", file, "-qq", "--save-baseline", "b.json").code == 0
    done = tfpt("check", file, "-qq", "--baseline", "b.json")
    assert done.code == 0
    assert "since the baseline: the same versions\n0 changes of a verdict" in done.out
    kept = json.loads(Path("b.json").read_text(encoding="utf-8"))
    quantity(kept, "a line")["torch"]["values"][0] = 9.0
    Path("b.json").write_text(json.dumps(kept), encoding="utf-8")
    done = tfpt("check", file, "-qq", "--baseline", "b.json")
    assert done.code == 1
    assert "s.yaml::a line\n    value, PyTorch: 1 of 3 values moved beyond the tolerance: 9.0 -> 2.0" in done.out
    assert "1 change of a verdict or beyond the tolerance, 0 other" in done.out


def test_the_changes_leave_standard_output_to_the_format(tfpt: Run, file: Path) -> None:
    tfpt("check", file, "-qq", "--save-baseline", "b.json")
    done = tfpt("check", file, "--baseline", "b.json", "--format", "json")
    assert done.json["summary"]["passed"] == 7
    assert "since the baseline" in done.err


def test_a_baseline_is_renewed_in_place(tfpt: Run, file: Path) -> None:
    tfpt("check", file, "-qq", "-k", "complex", "--save-baseline", "b.json")
    done = tfpt("check", file, "-qq", "--baseline", "b.json", "--save-baseline", "b.json")
    assert "0 changes of a verdict or beyond the tolerance, 6 other" in done.out
    assert len(json.loads(Path("b.json").read_text(encoding="utf-8"))["scenarios"]) == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read the baseline 'b.json': No such file or directory"),
        ("not JSON", "the baseline 'b.json' is not JSON"),
        ("", "is not JSON"),
        ("[1, 2]", "'b.json' is no baseline: it is not a report of the form tfpt.report/1"),
        ('{"schema": "tfpt.report/2", "scenarios": []}', "is no baseline"),
        ('{"schema": "tfpt.report/1"}', "is no baseline"),
        ('{"schema": "tfpt.report/1", "scenarios": [3]}', "the baseline 'b.json' is damaged"),
        ('{"schema": "tfpt.report/1", "scenarios": [{}]}', "is damaged"),
        ('{"schema": "tfpt.report/1", "scenarios": [], "environment": 3}', "is damaged"),
        (
            '{"schema": "tfpt.report/1", "scenarios": [{"file": "f", "name": "n", "status": "passed", "comparisons":'
            ' [{"quantity": "q", "verdict": "close", "torch": {"state": "present", "values": ["x"]}}]}]}',
            "is damaged",
        ),
    ],
)
def test_what_is_no_baseline(text: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        Path("b.json").write_text(text, encoding="utf-8")
    with pytest.raises(baseline.NoBaseline) as raised:
        baseline.read("b.json")
    assert message in str(raised.value)


def test_a_device_is_no_baseline() -> None:
    """It has no end."""
    with pytest.raises(baseline.NoBaseline, match=r"cannot read the baseline '/dev/zero': it is a device"):
        baseline.read("/dev/zero")


def test_nothing_is_started_for_what_is_no_baseline(file: Path, tmp_path: Path, fakes: dict[str, str]) -> None:
    mark = Path(fakes.pop("mark"))
    (tmp_path / "b.json").write_bytes(b"\xff\xfe{}")
    done = run_tfpt("check", file, "--baseline", tmp_path / "b.json", environment=fakes)
    assert (done.code, done.out) == (2, "")
    assert "is not JSON" in done.err
    assert not mark.exists()


# Any report

NUMBERS = st.one_of(st.floats(), st.integers(-(2**70), 2**70), st.booleans(), st.complex_numbers())
VALUES = st.one_of(
    st.none(), NUMBERS, st.lists(NUMBERS, max_size=5), st.lists(st.lists(NUMBERS, max_size=3), max_size=3)
)
SUMMARIES = st.none() | st.builds(lambda a, b: Summary(a, b, a, b, (1, 2), (a, b)), st.floats(), st.floats())
VALUES_OF_SIDES = st.builds(
    SideValue,
    state=st.sampled_from(State),
    how=st.sampled_from(["", "backward", "jit"]),
    shape=st.lists(st.integers(0, 9), max_size=3).map(tuple),
    dtype=st.sampled_from(["float32", "complex64"]),
    values=VALUES,
    left_out=st.integers(0, 3),
    summary=SUMMARIES,
)
COMPARISONS = st.builds(
    lambda name, verdict, torch, tensorflow, tolerance: Comparison(
        quantity_named(name), verdict, {TORCH: torch, TENSORFLOW: tensorflow}, tolerance=tolerance
    ),
    st.sampled_from(["value", "d/dx", "weight ()"]),
    st.sampled_from(Verdict),
    VALUES_OF_SIDES,
    VALUES_OF_SIDES,
    st.none() | st.just({"rtol": 1e-6, "atol": 0.0}),
)


@given(
    st.lists(st.tuples(st.text(max_size=8), st.lists(COMPARISONS, max_size=3)), max_size=4),
    st.sampled_from([SIDES, *(two_versions(side.framework, "left", "right") for side in SIDES)]),
)
def test_a_report_compared_with_itself_has_no_change(
    scenarios: list[tuple[str, list[Comparison]]], sides: Sides
) -> None:
    results = tuple(
        ScenarioResult("f.yaml", i, name, {}, "gradient", "", "agree", "", Status.PASSED, tuple(comparisons))
        for i, (name, comparisons) in enumerate(dict(scenarios).items())
    )
    report = between(Report({"torch": "1"}, results), sides)
    before = json.loads(report_text(report))
    assert baseline.changes(before, report) == []


def test_identical_and_close_are_both_agreement(before: dict[str, Any], report: Report, tmp_path: Path) -> None:
    verdict = quantity(before, "a line")["verdict"]
    quantity(before, "a line")["verdict"] = "close" if verdict == "identical" else "identical"
    ((said, matters),) = found(before, report, tmp_path)
    assert " -> " in said
    assert not matters
