"""Scenarios of every operation at the edges of what it can be given: no axis, no values, one value, every axis, every dtype.

`tfpt selfcheck --odd` runs them and holds each against what its row declares. At an edge the sides agree, or they part as
the row says under `parts` or `edges`, or tfpt refuses the scenario with the reason, or both frameworks refuse it. All else
is a finding: most often a spelling that does not take what the other side's does.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.points import DTYPES
from tfpt_cli.dictionary.rows import Operation, dictionary
from tfpt_cli.dictionary.signature import ARRAY_KINDS
from tfpt_cli.results import FRAMEWORKS, LABELS, Problem, ScenarioResult, Unread, Verdict
from tfpt_cli.scenario.scenario import scenarios_of
from tfpt_cli.selfcheck import document_of, fits, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.dictionary.points import Case
    from tfpt_cli.scenario.scenario import Scenario

# Dtypes that no row lists, since they have no derivative; the scenario's own dtype is float32 there.
WHOLE = ("bool", "int32", "int64")
DTYPE = "a dtype"  # the edge that is an ordinary point in a dtype that the row does not list
_INPUTS = " inputs"


@dataclass(frozen=True)
class Finding:
    """Something at an edge that no row declares: of which operation, in which dtype, at which edge, and what became of it."""

    operation: str
    dtype: str
    edge: str
    quantity: str
    verdict: str
    words: str

    def __str__(self) -> str:
        """One line: what, where, and what was found."""
        return f"{self.operation} ({self.dtype}, {self.edge}): {self.quantity} {self.verdict}: {self.words}"


def edge_scenarios(
    names: set[str] | None = None, dtypes: set[str] | None = None
) -> Iterator[list[Scenario] | Problem | Unread]:
    """Each operation (of those named, if any are) at its edges; what tfpt refuses is a problem."""
    for row in dictionary().operations.values():
        if not names or row.name in names:
            yield from _of_operation(row, dtypes or set())


def _of_operation(row: Operation, dtypes: set[str]) -> Iterator[list[Scenario] | Problem | Unread]:
    wanted = [dtype for dtype in (*DTYPES, *WHOLE) if not dtypes or dtype in dtypes]
    first = row.dtypes[0]
    for dtype in wanted:
        case = next((c for c in row.cases if fits(c, dtype)), row.cases[0])
        if dtype in WHOLE:
            yield from _whole_numbers(row, case, dtype)
            continue
        edges = {first, "complex64"} & set(row.dtypes)
        for edge, call, inputs in _edges(row, case) if dtype in edges else ():
            yield from scenarios_of(document_of(row, dtype, edge, call, inputs, tag="edge"))
        if dtype not in row.dtypes:
            yield from scenarios_of(document_of(row, dtype, DTYPE, case.call, case.inputs, tag="edge"))


def _edges(row: Operation, case: Case) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What is at the edge in words, the call, and its inputs."""
    kinds = {p.name: p.annotation for p in row.signature.parameters if p.kind == "array"}
    numbers = {name: value for name, value in case.inputs.items() if not kinds.get(name)}
    axes = [p for p in row.signature.parameters if p.kind == "setting" and p.annotation in ("axis", "axes")]
    for edge, value in (("a number", _first), ("one value", _alone), ("no values", lambda _: "zeros((0,))")):
        inputs = {name: value(given) for name, given in case.inputs.items()}
        yield edge, case.call, inputs
        for parameter in axes:
            for axis in (-1, 0) if edge != "a number" else (-1, 0, None):
                if axis is not None or parameter.default is not None:
                    yield f"{edge}, {parameter.name} {axis}", _with_setting(case.call, parameter.name, axis), inputs
    if not row.elementwise and numbers:
        for edge, shape in (("no rows", "zeros((0, 2))"), ("empty rows", "zeros((2, 0))")):
            inputs = dict.fromkeys(numbers, shape)
            yield edge, case.call, {**case.inputs, **inputs}
            for parameter in axes:
                for axis in (-1, 0):
                    called = _with_setting(case.call, parameter.name, axis)
                    yield f"{edge}, {parameter.name} {axis}", called, {**case.inputs, **inputs}
    rank = min((_rank(value) for value in numbers.values()), default=0)
    for parameter in axes:
        for axis in range(-rank, rank):
            yield f"{parameter.name} {axis}", _with_setting(case.call, parameter.name, axis), case.inputs
        if parameter.annotation == "axes" and rank > 1:
            yield f"{parameter.name} (-1, 0)", _with_setting(case.call, parameter.name, (-1, 0)), case.inputs
    for name, kind in kinds.items():
        if name not in case.inputs:
            continue
        if kind == "integers":
            yield f"{name} from the end", case.call, {**case.inputs, name: _each(case.inputs[name], lambda _: -1)}
        if kind:
            # Written with a point: the dtype is whole all the same, so that this is a number that it cannot hold.
            yield f"{name} of floats", case.call, {**case.inputs, name: _each(case.inputs[name], float)}
    if _rank(next(iter(numbers.values()), 0)) == 1 and len(numbers) == 1:
        yield "an empty list", case.call, {**case.inputs, next(iter(numbers)): []}


def _whole_numbers(row: Operation, case: Case, dtype: str) -> Iterator[list[Scenario] | Problem | Unread]:
    """The operation of whole numbers or truth values in place of all its numbers."""
    kinds = {p.name: p.annotation for p in row.signature.parameters if p.kind == "array"}
    inputs = {n: v if kinds.get(n) else _whole(v, dtype) for n, v in case.inputs.items()}
    said = {n: ARRAY_KINDS[kinds[n]] if kinds.get(n) else dtype for n in inputs}  # type: ignore[index]
    fields = {"dtypes": said, "derivatives": []}
    for found in scenarios_of(document_of(row, "float32", f"{dtype}{_INPUTS}", case.call, inputs, fields, tag="edge")):
        yield found


def _whole(value: Any, dtype: str) -> Any:
    """Whole numbers, or truth values, in the shape of a value."""
    if isinstance(value, str):
        last = ast.unparse(ast.parse(value, mode="eval").body.args[-1]) if "(" in value else ""  # type: ignore[attr-defined]
        return f"ones({last})" if last.startswith("(") else value
    change = (lambda number: number == abs(number)) if dtype == "bool" else (lambda number: int(abs(number)) % 3)
    return _each(value, lambda number: 1 if isinstance(number, str) or number != number else change(min(number, 9.0)))


def _each(value: Any, change: Any) -> Any:
    return [_each(item, change) for item in value] if isinstance(value, list) else change(value)


def _first(value: Any) -> Any:
    if isinstance(value, list):
        return _first(value[0]) if value else 0.5
    return 0.5 if isinstance(value, str) and "(" in value else value


def _alone(value: Any) -> Any:
    return [_first(value)]


def _rank(value: Any) -> int:
    if isinstance(value, list):
        return 1 + (_rank(value[0]) if value else 0)
    if isinstance(value, str) and "(" in value:
        last = ast.parse(value, mode="eval").body.args[-1]  # type: ignore[attr-defined]
        shape = ast.literal_eval(last) if isinstance(last, (ast.Tuple, ast.Constant)) else 1
        return len(shape) if isinstance(shape, tuple) else 1
    return 0


def _with_setting(call: str, name: str, value: Any) -> str:
    """The call with another value for a setting, wherever that stood in it."""
    tree = ast.parse(call, mode="eval").body
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    row = dictionary().operations
    for node in calls:
        if isinstance(node.func, ast.Name) and node.func.id in row:
            signature = row[node.func.id].signature
            if name not in signature.settings:
                continue
            place = [p.name for p in signature.parameters if not p.keyword_only].index(name) if any(
                p.name == name and not p.keyword_only for p in signature.parameters) else 99
            if place < len(node.args):
                node.args[place] = ast.Constant(value)
            else:
                node.keywords = [k for k in node.keywords if k.arg != name] + [ast.keyword(name, ast.Constant(value))]
            break
    return ast.unparse(tree)


def findings(row: Operation, result: ScenarioResult) -> Iterator[Finding]:
    """What a scenario at an edge came to that its row does not declare.

    That both frameworks refuse is no finding, nor that one of them does not have a dtype which the row does not list.
    """
    dtype, edge = _where(result)
    refusing = {failure.framework for failure in result.failures}
    if refusing >= set(FRAMEWORKS) and all(c.verdict is Verdict.ERROR for c in result.comparisons):
        return
    if len(refusing) == 1 and edge == DTYPE and dtype not in row.dtypes:
        return
    for comparison in result.comparisons:
        verdict = verdict_of(comparison)
        if verdict is None or _declared(row, comparison.quantity, verdict, dtype, edge):
            continue
        words = "; ".join(filter(None, (comparison.reason, *comparison.findings)))
        if verdict == "error":
            words = "; ".join(f"{LABELS[failure.framework]}: {failure.message[:200]}" for failure in result.failures)
        yield Finding(row.name, dtype, edge, comparison.quantity, verdict, words)


def _where(result: ScenarioResult) -> tuple[str, str]:
    """The dtype of the inputs and the edge, out of a scenario's name."""
    _, dtype, edge = result.name.split(", ", 2)
    return (edge.removesuffix(_INPUTS), DTYPE) if edge.endswith(_INPUTS) else (dtype, edge)


def _declared(row: Operation, quantity: str, verdict: str, dtype: str, edge: str) -> bool:
    """Whether the row says so, of this edge or of the one that it is an axis of: `no values` of `no values, axis 0`."""
    return any(
        part.verdict == verdict and any(part.covers(quantity, place, dtype) for place in (edge, edge.split(",")[0]))
        for part in (*row.parts, *row.edges)
    )
