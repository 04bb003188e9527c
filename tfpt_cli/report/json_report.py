"""The JSON report, `tfpt.report/1`: results as the objects of the `contract`, with every number readable as JSON."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from tfpt_cli import results
from tfpt_cli.report import contract
from tfpt_cli.report.reasons import reason_of
from tfpt_cli.results import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# No text in the report has a line end or a quotation mark like these.
_NO_SCENARIOS = '\n "scenarios": []'


def report_pieces(report: results.Report) -> Iterator[str]:
    """The report as JSON text, with a line end: a piece for each scenario, between what stands before and behind them."""
    empty = results.as_json(_plain(_object(report, contract.Report, lambda it: _report(it) | {"scenarios": ()})))
    before, behind = empty.split(_NO_SCENARIOS)
    yield f"{before}{_NO_SCENARIOS[:-1]}"
    between = "\n  "
    for result in report.scenarios:
        yield between + results.as_json(scenario_object(result)).rstrip("\n").replace("\n", "\n  ")
        between = ",\n  "
    yield f"\n ]{behind}" if len(report.scenarios) else f"]{behind}"


def report_text(report: results.Report) -> str:
    """The report as JSON text, with a line end."""
    return "".join(report_pieces(report))


def scenario_object(result: results.ScenarioResult) -> dict[str, Any]:
    """A scenario of the report as plain dicts and lists."""
    plain: dict[str, Any] = _plain(result)
    return plain


def report_object(report: results.Report) -> dict[str, Any]:
    """The report as plain dicts and lists; `nan`, `inf` and `-inf` are texts, and what is None is left out."""
    plain: dict[str, Any] = _plain(report)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, str):  # a quantity and a side are dataclasses too
        return value
    if type(value) in _OBJECTS:
        return _plain(_object(value, *_OBJECTS[type(value)]))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple, results.Outlined)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, complex):
        return {"re": _plain(value.real), "im": _plain(value.imag)}
    return value


def _object(source: Any, record: type, own: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """The keys of a record in their order, with its own values, else those that the source has by the same names.

    An empty text, tuple or dict of the source is left out where the contract allows that.
    """
    values = own(source)
    found: dict[str, Any] = {}
    for each in fields(record):
        name = each.name
        value = values[name] if name in values else getattr(source, name)
        if each.metadata.get("spread"):
            found |= value
        elif name in values or each.default is MISSING or value not in ("", (), {}):
            found[name] = value
    return found


def _report(report: results.Report) -> dict[str, Any]:
    versions = {
        side.key: {"framework": side.framework.key, "version": report.environment.get(side)} for side in report.sides
    }
    return {
        "schema": contract.SCHEMA,
        "sides": versions if report.two_versions else None,
        "interrupted": report.interrupted or None,
        "seconds": round(report.seconds, 3),
    }


def _scenario(result: results.ScenarioResult) -> dict[str, Any]:
    reason = reason_of(result)
    return {
        "seconds": round(result.seconds, 4),
        "cached": result.cached or None,
        "reason": None if reason is None else reason.sentence,
    }


def _comparison(comparison: results.Comparison) -> dict[str, Any]:
    measured = {each.name: getattr(comparison.measure, each.name, None) for each in fields(results.Measure)}
    return measured | {"findings": [finding.words for finding in comparison.findings] or None}


def _side(side: results.SideValue) -> dict[str, Any]:
    present = side.state is State.PRESENT
    return {
        **{name: getattr(side, name) if present else None for name in ("shape", "dtype", "values")},
        "left_out": side.left_out or None,
        "fans": {"fan_in": side.fans[0], "fan_out": side.fans[1]} if side.fans else None,
        "filled_by": side.law or None,
    }


def _summary(summary: results.Summary) -> dict[str, Any]:
    return {
        "min": summary.low,
        "max": summary.high,
        "histogram": {"counts": summary.counts, "edges": summary.edges},
        "not_finite": summary.not_finite or None,
    }


def _reference(reference: results.Reference) -> dict[str, Any]:
    alone = "" in reference.values
    return {
        "values": reference.values[""] if alone else None,
        "values_by_side": None if alone else reference.values,
        "left_out": reference.left_out or None,
        "one_sided": dict(zip(contract.PLACES, reference.one_sided, strict=True)) if reference.one_sided else None,
    }


def _against(against: results.Against) -> dict[str, Any]:
    # The index of a single number is empty, and says something.
    return {"worst_index": against.worst_index, "unknown": against.unknown or None}


# The contract's record for each type of result, and what it does not have from there by the same name.
_OBJECTS: dict[type, tuple[type, Callable[[Any], dict[str, Any]]]] = {
    results.Report: (contract.Report, _report),
    results.Problem: (contract.Problem, lambda it: {} if it.line else {"line": None, "column": None}),
    results.ScenarioResult: (contract.Scenario, _scenario),
    results.Failure: (contract.Failure, lambda it: {"framework": it.side}),
    results.Comparison: (contract.Comparison, _comparison),
    results.SideValue: (contract.SideValue, _side),
    results.Summary: (contract.Summary, _summary),
    results.Distribution: (contract.Distribution, lambda it: {"detectable_scale": it.detectable}),
    results.Test: (contract.Test, lambda _: {}),
    results.Reference: (contract.Reference, _reference),
    results.Against: (contract.Against, _against),
    results.Kink: (contract.Kink, lambda _: {}),
    results.LayerLine: (contract.Layer, lambda it: {"rounding": it.rounding or None}),
    results.PairLine: (contract.Pair, lambda _: {}),
}
