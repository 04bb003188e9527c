"""The published schemas, held against an independent validator, the bad inputs, and what tfpt really writes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from tests.conftest import run_tfpt, warm_tfpt
from tests.sides import TORCH, between, quantity_named
from tests.test_bad_input import FILES
from tfpt_cli import results
from tfpt_cli.documents.document import Document, documents
from tfpt_cli.frameworks import SIDES, two_versions
from tfpt_cli.report.contract import contract
from tfpt_cli.report.json_report import report_object
from tfpt_cli.results import (
    Against,
    Comparison,
    Diagnosis,
    Distribution,
    Failure,
    Finding,
    Kind,
    Kink,
    LayerLine,
    Measure,
    PairLine,
    Problem,
    Reference,
    Report,
    ScenarioResult,
    SideValue,
    Standing,
    State,
    Status,
    Summary,
    Symptom,
    Verdict,
    Way,
)
from tfpt_cli.scenario.files import documents_of
from tfpt_cli.scenario.scenario import read_document
from tfpt_cli.scenario.schema import schema
from tfpt_cli.scenario.schema_problems import structural_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SCENARIO = jsonschema.Draft202012Validator(schema())
REPORT = jsonschema.Draft202012Validator(contract())
# Of the bad inputs whose keys and values are all right, those whose keys do not go together: the published schema knows
# that, and the message is the reader's.
CONDITIONS = {
    *(
        "init_complex",
        "differ_without_because",
        "error_without_because",
        "jvp_without_tangent",
        "let_neutral_beside_native",
    ),
    *("model_complex_dtype", "model_half_precision", "model_keys_of_native", "model_no_model", "model_of_and_torch"),
    "model_one_side",
    *("missing_layer", "missing_of", "native_initializer_outside", "no_subject", "of_and_torch", "pair_in_neutral"),
    *("tolerance_without_because", "torch_alone", "two_subjects", "vjp_without_cotangent"),
}


def bad_documents() -> Iterator[tuple[str, Document, bool]]:
    """Every document of the bad files that YAML can read: its file, and whether the structure is what is wrong with it."""
    for path in FILES:
        for document in documents_of(str(path)):
            if isinstance(document, Document):
                yield path.stem, document, bool(structural_problems(document)[0])


def test_schemas_are_schemas() -> None:
    for each in (schema(), contract()):
        jsonschema.Draft202012Validator.check_schema(each)


def test_every_bad_structure_is_refused() -> None:
    structural = [(stem, document) for stem, document, wrong in bad_documents() if wrong]
    assert len(structural) > 20
    assert [stem for stem, document in structural if SCENARIO.is_valid(document.data)] == []


def test_the_conditions_between_keys_are_refused_too() -> None:
    refused = {stem for stem, document, wrong in bad_documents() if not wrong and not SCENARIO.is_valid(document.data)}
    assert refused == CONDITIONS


def schemas(node: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within a schema, with its place."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            if key in ("properties", "$defs"):
                for name, item in value.items():
                    yield from schemas(item, f"{path}/{key}/{name}")
            elif key not in ("enum", "const", "default", "examples"):
                yield from schemas(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from schemas(item, f"{path}/{index}")


def test_examples_and_defaults_are_valid() -> None:
    found = 0
    for path, node in schemas(schema()):
        validator = jsonschema.Draft202012Validator(node)
        for value in [*node.get("examples", []), *([node["default"]] if "default" in node else [])]:
            assert validator.is_valid(value), (path, value)
            found += 1
    assert found > 40
    for example in schema()["examples"]:
        ((document,), problems) = documents("example", yaml.safe_dump(example, sort_keys=False))
        scenarios, more = read_document(document)
        assert scenarios
        assert problems + more == []


def test_examples_of_calls_are_read(write: Callable[..., Path]) -> None:
    init = schema()["properties"]["init"]
    layers = [f"name: n\ninit: {{layer: '{example}'}}\n" for example in init["properties"]["layer"]["examples"]]
    fills = [
        f"name: n\ninit: {{layer: 'linear(3, 4)', weight: \"{example}\"}}\n"
        for example in init["additionalProperties"]["examples"]
    ]
    done = warm_tfpt("validate", write("---\n".join(layers + fills)))
    assert done.out == f"{len(layers + fills)} scenarios in 1 file valid\n"


def test_an_editor_has_a_title_for_every_key() -> None:
    places = [node["properties"] for _, node in schemas(schema()) if "properties" in node and "type" in node]
    nodes = {name: node for properties in places for name, node in properties.items()}
    lacking = {
        name for name, node in nodes.items() if isinstance(node, dict) and not ({"title", "description"} & set(node))
    }
    assert {"name", "init", "of", "layer", "at", "rtol"} <= set(nodes)
    assert lacking <= {"torch", "tensorflow"}  # within 'let', whose lines say what they are


def test_the_command(fakes: dict[str, str]) -> None:
    mark = fakes.pop("mark")
    assert json.loads(run_tfpt("schema", environment=fakes).out) == schema()
    assert json.loads(run_tfpt("schema", "--report", environment=fakes).out) == contract()
    with pytest.raises(FileNotFoundError):
        open(mark, encoding="utf-8").close()


SUMMARY = Summary(0.5, 0.1, 0.0, 1.0, (1, 2), (0.0, 1.0), not_finite=1)
SIDE = SideValue(
    State.PRESENT, Way("by"), (200,), "float32", [1.0, float("nan")], 198, SUMMARY, SUMMARY, "note", (3, 4), "uniform(0, 1)",
    {"zero": 1, "nan": 1, "infinity": 2},
)  # fmt: skip
AGAINST = Against(Standing.WRONG, 1, 2.0, float("inf"), (0,), lost=True, unknown=2)
BOTH = dict.fromkeys(SIDES, SIDE)
REFERENCE = Reference(
    "50 digits, mpmath", {"": [1.0, 2 + 1j]}, 3, {"": 1e-9}, dict.fromkeys(SIDES, AGAINST), (Kink((0,), 0.0, 1.0),),
    (0.0, 1.0), 2.0,
)  # fmt: skip
WHOLE = Comparison(
    quantity_named("weight"), Verdict.DIFFERS, BOTH, "reason", "out in -> in out",
    Measure(200, 1, 0.1, float("inf"), 7, (0, 1), {"rtol": 0.1, "atol": 0.2}),
    {"rtol": 1e-6, "atol": 1e-5},
    Distribution(
        dict.fromkeys(SIDES, "uniform"), dict.fromkeys(SIDES, 9), 1e-6, (results.Test("scale", "both", 0.1),), 0.02, 0.05
    ),
    (Diagnosis.SHAPE,), REFERENCE, (Finding(kind=Kind.UNKNOWN, words="finding"),), dict.fromkeys(SIDES, ("i", "f")), ("a-row",),
)  # fmt: skip
APART = replace(WHOLE, reference=replace(REFERENCE, values=dict.fromkeys(SIDES, 1.0)))
FAILURES = (
    Failure(TORCH, Symptom.EXCEPTION, "no", 4, where="in fc, net.py:3"),
    Failure.internal(ValueError("no"), "comparing"),
)
LAYER = LayerLine(
    dict.fromkeys(SIDES, "fc"), dict.fromkeys(SIDES, "nn.Linear(3, 4)"), dict.fromkeys(SIDES, (2, 4)), Verdict.DIFFERS,
    0.1, 0.2, 0.3, 0.4, 0.5, dict.fromkeys(SIDES, 0.6), "n c -> c n", begins=True, note="note",
)  # fmt: skip
PAIR = PairLine(dict.fromkeys(SIDES, "weight"), "by name", "out in -> in out")
RESULT = ScenarioResult(
    "a.yaml", 3, "name", {"n": 1, "k": [1.0, float("nan")], "word": "uniform()"}, "init", "linear(3, 4)", {"weight": "differ"},
    "why", Status.PASSED, (WHOLE, APART), FAILURES, ("note",), 0.1, ("tag",), "id", compared="the initial values",
    layers=(LAYER,), pairs=(PAIR,),
)  # fmt: skip
FULL = Report(
    {"tfpt": "0", "python": "3", "torch": "2"},
    (RESULT, replace(RESULT, status=Status.FAILED, cached=True)),
    (Problem("b.yaml", 1, 2, "no"), Problem("c", 0, 0, "no")),
    True,
)
VERSIONS = two_versions(TORCH.framework, "left/python", "right/python")
BARE = Report({"tfpt": "0", "python": "3"}, ())


def written(node: dict[str, Any], value: Any, path: str = "#") -> Iterator[str]:
    """The place in the schema of every key of a report."""
    if "$ref" in node:
        path = node["$ref"]
        node = contract()["$defs"][path.rpartition("/")[2]]
    if isinstance(value, dict) and "properties" in node:
        for name, item in value.items():
            yield f"{path}/properties/{name}"
            yield from written(node["properties"][name], item, f"{path}/properties/{name}")
    elif isinstance(value, dict) and isinstance(node.get("additionalProperties"), dict):
        for item in value.values():
            yield from written(node["additionalProperties"], item, f"{path}/additionalProperties")
    elif isinstance(value, list) and "items" in node:
        for item in value:
            yield from written(node["items"], item, f"{path}/items")
    for index, branch in enumerate(node.get("anyOf", [])):
        if branch.get("type") != "object" or isinstance(value, dict):
            yield from written(branch, value, f"{path}/anyOf/{index}")


def test_every_key_that_is_written_is_described_and_every_key_described_is_written() -> None:
    reports = [report_object(each) for each in (FULL, between(FULL, VERSIONS), BARE)]
    for report in reports:
        assert [error.message for error in REPORT.iter_errors(report)] == []
    found = {place for report in reports for place in written(contract(), report)}
    described = {
        f"{path}/properties/{name}"
        for path, node in schemas(contract())
        if "/if" not in path
        for name, item in node.get("properties", {}).items()
        if item is not False
    }
    assert described == found


def test_a_report_of_two_versions_keeps_the_one_sided_derivatives() -> None:
    """Its sides are called left and right, as the two sides of a kink are."""
    reference = report_object(between(FULL, VERSIONS))["scenarios"][0]["comparisons"][0]["reference"]
    assert reference["one_sided"] == {"left": 0.0, "right": 1.0}
    assert reference["left"]["standing"] == reference["right"]["standing"] == "wrong"


def test_what_is_no_report_is_refused() -> None:
    def changed(*path: Any, to: Any) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(json.dumps(report_object(FULL)))
        place: Any = report
        for step in path[:-1]:
            place = place[step]
        if to is None:
            del place[path[-1]]
        else:
            place[path[-1]] = to
        return report

    comparison = ("scenarios", 0, "comparisons", 0)
    assert REPORT.is_valid(changed("seconds", to=2))
    for wrong in (
        changed("schema", to="tfpt.report/2"),
        changed("more", to=1),
        changed("scenarios", 0, "more", to=1),
        changed("scenarios", 0, "status", to="good"),
        changed(*comparison, "tensorflow", to=None),
        changed(*comparison, "left", to={"state": "failed"}),
        changed(*comparison, "torch", "state", to="failed"),
        changed(*comparison, "torch", "values", to=None),
        changed(*comparison, "torch", "values", to=["NaN"]),
        changed(*comparison, "reference", "values", to=None),
        changed("problems", 0, "message", to=None),
    ):
        assert not REPORT.is_valid(wrong)


REAL = """
name: a kink, tags and cases
gradient: {of: n * relu(x), at: {x: [0.0, -1.0, 2.0]}}
matrix: {n: [1, 2]}
tags: [kink]
---
name: a wrong port
gradient: {torch: x * x, tensorflow: x * x + 1, at: {x: '1+2j'}}
dtype: complex64
---
name: None against zero
gradient: {of: round(x), at: {x: [0.4, 1.2]}}
---
name: refused
gradient: {torch: 'torch.linalg.inv(x)', tensorflow: tf.linalg.inv(x), at: {x: [[1.0, 2.0], [2.0, 4.0]]}}
expect: error
because: a singular matrix has no inverse
---
name: random, with gates and fans
init: {layer: 'lstm(5, 7)', bias: zeros()}
---
name: a large array and one that is absent
init:
  torch: {layer: 'nn.Linear(30, 20)'}
  tensorflow: {layer: 'keras.layers.Dense(20, use_bias=False)', input_shape: [30]}
---
name: not a scenario
gradient: {of: sun(x), at: {x: 1.0}}
"""


def test_a_real_report_is_valid(write: Callable[..., Path]) -> None:
    report = warm_tfpt("check", write(REAL), "--format", "json").json
    assert [error.message for error in REPORT.iter_errors(report)] == []
    assert len(report["scenarios"]) == 7
    assert {scenario["status"] for scenario in report["scenarios"]} >= {"passed", "failed"}
    assert len(report["problems"]) == 1
    states = {
        c[side]["state"] for s in report["scenarios"] for c in s["comparisons"] for side in ("torch", "tensorflow")
    }
    assert {"present", "disconnected", "absent", "failed"} <= states
