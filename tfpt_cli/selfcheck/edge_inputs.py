"""Scenarios of every operation at the edges of what it can be given: no axis, no values, one value, every axis, every dtype.

`tfpt selfcheck --odd` runs them and holds each against what its row declares. At an edge the sides agree, or they part as
the row says under `parts` or `edges`, or tfpt refuses the scenario with the reason, or both frameworks refuse it. All else
is a finding: most often a spelling that does not take what the other side's does.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.language.dtypes import DTYPES
from tfpt_cli.language.kinds import ARRAY_KINDS
from tfpt_cli.results import Verdict
from tfpt_cli.selfcheck.probes import Deviation, Probe, deviation, fits, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tfpt_cli.dictionary.points import Case
    from tfpt_cli.dictionary.records import Operation
    from tfpt_cli.language.signature import Parameter
    from tfpt_cli.results import Report, ScenarioResult

# Dtypes that no row lists, since they have no derivative; the scenario's own dtype is float32 there.
WHOLE = ("bool", "int32", "int64")
DTYPE = "a dtype"  # the edge that is an ordinary point in a dtype that the row does not list


def edge_probes(names: set[str] | None = None, dtypes: set[str] | None = None) -> Iterator[Probe]:
    """Each operation (of those named, if any are) at its edges, in the dtypes that could matter there."""
    for row in dictionary().operations.values():
        if not names or row.name in names:
            yield from _of_operation(row, dtypes or set())


def _of_operation(row: Operation, dtypes: set[str]) -> Iterator[Probe]:
    for dtype in (*DTYPES, *WHOLE):
        if dtypes and dtype not in dtypes:
            continue
        case = next((c for c in row.cases if fits(c, dtype)), row.cases[0])
        if dtype in WHOLE:
            yield _whole_numbers(row, case, dtype)
            continue
        probe = Probe(operation=row, dtype=dtype, words=DTYPE, call=case.call, inputs=case.inputs, tag="edge")
        if dtype in {row.dtypes[0], "complex64"} & set(row.dtypes):
            for edge, call, inputs in _edges(row, case):
                yield replace(probe, words=edge, call=call, inputs=inputs)
        if dtype not in row.dtypes:
            yield probe


def _edges(row: Operation, case: Case) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Calls at the edge of what an operation takes: the edge in words, the call, and its inputs."""
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


def _whole_numbers(row: Operation, case: Case, dtype: str) -> Probe:
    """The operation of whole numbers or truth values in place of all its numbers."""
    kinds = {p.name: p.annotation for p in row.signature.parameters if p.kind == "array"}
    dtypes = {n: ARRAY_KINDS[kinds[n]] if kinds.get(n) else dtype for n in case.inputs}  # type: ignore[index]
    return Probe(
        operation=row,
        dtype=dtype,
        words=DTYPE,
        call=case.call,
        inputs={n: v if kinds.get(n) else _whole(v, dtype) for n, v in case.inputs.items()},
        fields={"dtypes": dtypes, "derivatives": []},
        tag="edge",
        computed="float32",
    )


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


def examined(report: Report, *, whole: bool) -> tuple[list[Deviation], list[str]]:
    """The deviations in a report of these probes that no row declares; with `whole` also the declared ones not found.

    That both frameworks refuse is no deviation, nor that one of them does not have a dtype which the row does not list.
    """
    undeclared: list[Deviation] = []
    used: set[tuple[str, int]] = set()
    by_name = {probe.name: probe for probe in edge_probes()}
    for result in report.scenarios:
        probe = by_name[result.name]
        for comparison in () if _refused(probe, result) else result.comparisons:
            verdict = verdict_of(comparison)
            if verdict is None:
                continue
            declared = list(_declaring(probe, comparison.quantity, verdict))
            used |= {(probe.operation.name, place) for place in declared}
            if not declared:
                undeclared.append(deviation(probe, result, comparison, verdict))
    stale = [
        f"{row.name}: the declared difference in {', '.join(part.quantities)} at the edges was not found ({part.because})"
        for row in dictionary().operations.values()
        for place, part in enumerate(row.edges)
        if whole and (row.name, place) not in used and part.conditions.hold(report.environment)
    ]
    return undeclared, stale


def _refused(probe: Probe, result: ScenarioResult) -> bool:
    """Whether nothing is to be compared: both frameworks refuse, or one of them lacks a dtype that the row does not list."""
    refusing = {failure.side for failure in result.failures}
    if len(refusing) == 1:
        return probe.words == DTYPE and probe.dtype not in probe.operation.dtypes
    return bool(refusing) and all(comparison.verdict is Verdict.ERROR for comparison in result.comparisons)


def _declaring(probe: Probe, quantity: str, verdict: str) -> Iterator[int]:
    """The declared differences that cover one, as places in `edges` (negative for those in `parts`).

    What is said of `no values` holds of `no values, axis 0` too.
    """
    row, edge = probe.operation, probe.words
    for place, part in enumerate((*row.parts, *row.edges), -len(row.parts)):
        if part.verdict == verdict and any(part.covers(quantity, at, probe.dtype) for at in (edge, edge.split(",")[0])):
            yield place
