"""A quick share of `tfpt selfcheck --odd`: tfpt itself fails at no odd input, and nothing parts at an edge undeclared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.sides import TENSORFLOW
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.documents.document import Document
from tfpt_cli.engine.options import Options
from tfpt_cli.results import Problem, Status
from tfpt_cli.scenario.scenario import scenarios_of
from tfpt_cli.selfcheck.edge_inputs import edge_probes, examined
from tfpt_cli.selfcheck.odd_inputs import odd_probes
from tfpt_cli.selfcheck.probes import scenarios as scenarios_of_probes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Done
    from tfpt_cli.engine.session import Session

# What a kind of result or of input needs: complex ones, truth values, whole numbers, several arrays, lists of arrays.
KINDS = ["rfft", "abs", "argmax", "greater", "matmul", "concat", "svd", "where", "cumulative_sum", "polar"]
EVERY = 40


def test_every_scenario_at_odd_inputs_can_be_read_or_is_a_problem() -> None:
    found = list(scenarios_of_probes(odd_probes()))
    wrong = [item for item in found if not isinstance(item, (list, Problem))]
    assert wrong == []
    assert sum(len(item) for item in found if isinstance(item, list)) > 20_000


@pytest.mark.parametrize("dtype", ["float32", "complex64", "float64"])
def test_no_odd_input_is_a_mistake_of_ours(dtype: str, session: Session) -> None:
    names = {*KINDS, *list(dictionary().operations)[:: 4 * EVERY if dtype == "float64" else EVERY]}
    scenarios = (
        [s for s in found if not s.title.endswith("all modes")] if isinstance(found, list) else found
        for found in scenarios_of_probes(odd_probes(names, {dtype}))
    )
    report = session.check(Options(generated=scenarios))
    broken = [(s.name, f) for s in report.scenarios for f in s.failures if f.symptom != "exception"]
    assert broken == []
    assert len(report.scenarios) > 100


def test_the_command(tfpt: Callable[..., Done]) -> None:
    done = tfpt("selfcheck", "--odd", "exp", "--dtype", "float32")
    assert done.code == 0
    assert "0 mistakes of tfpt's own, 0 processes that broke" in done.out
    assert "0 undeclared differences, 0 declared that were not found" in done.out


def test_every_edge_can_be_read_or_is_refused() -> None:
    found = list(scenarios_of_probes(edge_probes()))
    assert [item for item in found if not isinstance(item, (list, Problem))] == []
    assert sum(len(item) for item in found if isinstance(item, list)) > 6_000


def test_nothing_parts_at_an_edge_undeclared(session: Session) -> None:
    names = {*KINDS, "sum", "binary_cross_entropy", "vector_norm", *list(dictionary().operations)[5 :: EVERY // 2]}
    report = session.check(Options(generated=scenarios_of_probes(edge_probes(names))))
    found, _ = examined(report, whole=False)
    assert [str(finding) for finding in found] == []
    assert len(report.scenarios) > 300


def test_what_is_not_declared_is_found(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = dictionary().operations
    monkeypatch.setattr(dictionary(), "operations", {**rows, "trace": replace(rows["trace"], edges=())})
    found, _ = examined(session.check(Options(generated=scenarios_of_probes(edge_probes({"trace"})))), whole=False)
    assert [(f.probe.operation.name, f.probe.dtype, f.quantity, f.verdict) for f in found] == [
        ("trace", "int32", "value", "differ")
    ]


def test_what_is_declared_and_not_there_is_found(session: Session) -> None:
    _, stale = examined(session.check(Options(generated=scenarios_of_probes(edge_probes({"exp"})))), whole=True)
    assert any(
        words.startswith("trace: the declared difference in value at the edges was not found") for words in stale
    )


def of(call: str, dtype: str = "float32", **inputs: Any) -> dict[str, Any]:
    return {"name": call, "dtype": dtype, "gradient": {"of": call, "at": inputs}}


# What others' generators put to the rows, and was refused, or answered by another dtype, for our listing's sake.
ASKED = [
    of("binary_cross_entropy(x, y)", x=0.5, y=0.3),
    of("smooth_l1_loss(x, y, beta=0.5)", x=0.5, y=2.0),
    of("huber_loss(x, y)", "float64", x=0.5, y=2.0),
    of("complex(x, y)", x=0.5, y=0.3),
    of("polar(x, y)", "float64", x=0.5, y=0.3),
    of("polar(x, y) * 2", x=0.5, y=0.3),
    of("vector_norm(x, ord=0)", x=[0.0, 2.0, -3.0]),
    of("vector_norm(x, ord=-inf, axis=1)", x=[[1.0, -2.0], [4.0, 3.0]]),
    of("vector_norm(x, ord=-2)", "float64", x=[1.0, -2.0]),
    of("x @ y", "complex128", x=[[1.0, 2.0]], y=[[1.0], [2.0]]),
    of("matmul(x, y)", "complex128", x=[1.0, 2.0], y=[1.0, "2j"]),
    of("log10(x)", "complex128", x=["1+2j", "-3j"]),
    of("log_ndtr(x)", x=0.0),
    of("prod(x, axis=None)", x=[0.5, 2.0]),
    of("vstack([x, y])", x=[0.5, 2.0], y=[1.0, 3.0]),
    of("exp(x)", x=[]),
    of("sum(x, axis=-1)", x=[[], []]),
    of("concat([x, y], axis=0)", x=[], y=[1.0]),
]


@pytest.mark.parametrize("data", ASKED, ids=lambda data: f"{data['name']}, {data['dtype']}")
def test_what_was_asked_agrees(data: dict[str, Any], session: Session) -> None:
    if "ord=0" in data["name"]:  # a number of entries that are not zero: TensorFlow has no derivative, PyTorch zero
        data["gradient"]["derivatives"] = []
    report = session.check(Options(generated=scenarios_of(Document("asked.yaml", "", data=data))))
    assert not report.problems
    assert [scenario.status for scenario in report.scenarios] == [Status.PASSED]


def test_written_floats_are_truth_values_and_whole_numbers_where_the_dtype_is(session: Session) -> None:
    data = {"name": "n", "gradient": {"of": {"a": "logical_and(x, y)", "b": "ldexp(z, i)"}, "wrt": "z",
            "at": {"x": [1.5, 0.0], "y": [float("nan"), 1], "z": [1.0, 3.0], "i": [2.0, -1.0]},
            "dtypes": {"x": "bool", "y": "bool", "i": "int64"}, "derivatives": []}}  # fmt: skip
    report = session.check(Options(generated=scenarios_of(Document("asked.yaml", "", data=data))))
    assert not report.problems
    (result,) = report.scenarios
    assert result.status is Status.PASSED
    assert [c.sides[TENSORFLOW].values for c in result.comparisons] == [[True, False], [4.0, 1.5]]
