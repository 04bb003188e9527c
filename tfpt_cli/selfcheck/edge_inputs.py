"""Scenarios of every operation at the edges of what it can be given: no axis, no values, one value, every axis, every dtype.

`tfpt selfcheck --odd` runs them and holds each against what its row declares. At an edge the sides agree, or they part as
the row says under `parts` or `edges`, or tfpt refuses the scenario with the reason, or both frameworks refuse it. All else
is a finding: most often a spelling that does not take what the other side's does.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import LABELS
from tfpt_cli.language.dtypes import DTYPES
from tfpt_cli.language.kinds import ARRAY_KINDS
from tfpt_cli.results import Verdict
from tfpt_cli.scenario.scenario import scenarios_of
from tfpt_cli.selfcheck.examination import document_of, fits, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tfpt_cli.dictionary.points import Case
    from tfpt_cli.dictionary.records import Operation
    from tfpt_cli.language.signature import Parameter
    from tfpt_cli.results import Problem, Report, ScenarioResult, Unread
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
    for edge, value in (("a number", _first), ("one value", _alone), ("no values", lambda _: "zeros((0,))")):
        inputs = {name: value(given) for name, given in case.inputs.items()}
        yield from _along(row, edge, case.call, inputs, (-1, 0, None) if edge == "a number" else (-1, 0))
    if not row.elementwise and numbers:
        for edge, shape in (("no rows", "zeros((0, 2))"), ("empty rows", "zeros((2, 0))")):
            yield from _along(row, edge, case.call, case.inputs | dict.fromkeys(numbers, shape), (-1, 0))
    rank = min((_rank(value) for value in numbers.values()), default=0)
    yield from _along(row, "", case.call, case.inputs, range(-rank, rank))
    for parameter in _axes(row):
        if parameter.annotation == "axes" and rank > 1:
            yield f"{parameter.name} from the end", _with_setting(case.call, parameter.name, (-1, 0)), case.inputs
    for name, kind in kinds.items():
        if name in case.inputs and kind == "integers":
            yield f"{name} from the end", case.call, {**case.inputs, name: _each(case.inputs[name], lambda _: -1)}
        if name in case.inputs and kind:
            yield f"{name} of floats", case.call, {**case.inputs, name: _each(case.inputs[name], float)}
    if len(numbers) == 1 and _rank(next(iter(numbers.values()))) == 1:
        yield "an empty list", case.call, {**case.inputs, next(iter(numbers)): []}


def _along(
    row: Operation, edge: str, call: str, inputs: dict[str, Any], axes: Iterable[int | None]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """An edge as the call has it, and with each of these axes for every setting that names some."""
    if edge:
        yield edge, call, inputs
    for parameter in _axes(row):
        for axis in axes:
            if axis is not None or parameter.default is not None:
                words = f"{edge}, {parameter.name} {axis}" if edge else f"{parameter.name} {axis}"
                yield words, _with_setting(call, parameter.name, axis), inputs


def _axes(row: Operation) -> list[Parameter]:
    return [p for p in row.signature.parameters if p.kind == "setting" and p.annotation in ("axis", "axes")]


def _whole_numbers(row: Operation, case: Case, dtype: str) -> Iterator[list[Scenario] | Problem | Unread]:
    """The operation of whole numbers or truth values in place of all its numbers."""
    kinds = {p.name: p.annotation for p in row.signature.parameters if p.kind == "array"}
    inputs = {n: v if kinds.get(n) else _whole(v, dtype) for n, v in case.inputs.items()}
    said = {n: ARRAY_KINDS[kinds[n]] if kinds.get(n) else dtype for n in inputs}  # type: ignore[index]
    fields = {"dtypes": said, "derivatives": []}
    yield from scenarios_of(document_of(row, "float32", f"{dtype}{_INPUTS}", case.call, inputs, fields, tag="edge"))


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
    """A call with another value for a setting: `sum(x, axis=1)` with axis -1 is `sum(x, axis=-1)`."""
    tree = ast.parse(call, mode="eval").body
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        row = dictionary().operations.get(node.func.id)
        if row is None or name not in row.signature.settings:
            continue
        positional = [p.name for p in row.signature.parameters if not p.keyword_only][: len(node.args)]
        if name in positional:
            node.args[positional.index(name)] = ast.Constant(value)
        else:
            node.keywords = [k for k in node.keywords if k.arg != name] + [ast.keyword(name, ast.Constant(value))]
        break
    return ast.unparse(tree)


def examined(report: Report, *, whole: bool) -> tuple[list[Finding], list[str]]:
    """What is not as the rows declare in a report of these scenarios, and with `whole` what is declared and was not found.

    That both frameworks refuse is no finding, nor that one of them does not have a dtype which the row does not list.
    """
    found: list[Finding] = []
    used: set[tuple[str, int]] = set()
    for result in report.scenarios:
        row = dictionary().operations[result.name.split(", ")[0]]
        dtype, edge = _where(result)
        for comparison in () if _refused(row, result, dtype, edge) else result.comparisons:
            verdict = verdict_of(comparison)
            if verdict is None:
                continue
            declared = list(_declaring(row, comparison.quantity, verdict, dtype, edge))
            used |= {(row.name, place) for place in declared}
            if not declared:
                words = "; ".join(filter(None, (comparison.reason, *comparison.findings)))
                if verdict == "error":
                    words = "; ".join(f"{LABELS[f.framework]}: {f.message[:200]}" for f in result.failures)
                found.append(Finding(row.name, dtype, edge, comparison.quantity, verdict, words))
    stale = [
        f"{row.name}: the declared difference in {', '.join(part.quantities)} at the edges was not found ({part.because})"
        for row in dictionary().operations.values()
        for place, part in enumerate(row.edges)
        if whole and (row.name, place) not in used and part.conditions.hold(report.environment)
    ]
    return found, stale


def _refused(row: Operation, result: ScenarioResult, dtype: str, edge: str) -> bool:
    """Whether nothing is to be compared: both frameworks refuse, or one of them lacks a dtype that the row does not list."""
    refusing = {failure.framework for failure in result.failures}
    if len(refusing) == 1:
        return edge == DTYPE and dtype not in row.dtypes
    return bool(refusing) and all(comparison.verdict is Verdict.ERROR for comparison in result.comparisons)


def _where(result: ScenarioResult) -> tuple[str, str]:
    """The dtype of the inputs and the edge, out of a scenario's name."""
    _, dtype, edge = result.name.split(", ", 2)
    return (edge.removesuffix(_INPUTS), DTYPE) if edge.endswith(_INPUTS) else (dtype, edge)


def _declaring(row: Operation, quantity: str, verdict: str, dtype: str, edge: str) -> Iterator[int]:
    """The declared differences that cover one, as places in `edges` (negative for those in `parts`).

    What is said of `no values` holds of `no values, axis 0` too.
    """
    for place, part in enumerate((*row.parts, *row.edges), -len(row.parts)):
        if part.verdict == verdict and any(part.covers(quantity, at, dtype) for at in (edge, edge.split(",")[0])):
            yield place
