"""The JSON report, `tfpt.report/1`: a contract. What does not apply is left out; every number is readable as JSON."""

from __future__ import annotations

import json
import math
from typing import Any

from tfpt_cli.results import (
    Comparison,
    Distribution,
    Failure,
    Problem,
    Reference,
    Report,
    ScenarioResult,
    SideValue,
    State,
    Summary,
)

SCHEMA = "tfpt.report/1"


def report_text(report: Report) -> str:
    """The report as JSON text, with a line end."""
    return json.dumps(report_object(report), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def report_object(report: Report) -> dict[str, Any]:
    """The report as plain dicts and lists; `nan`, `inf` and `-inf` are texts.

    Of two versions of one framework `sides` says what `left` and `right` are.
    """
    sides = {
        side.key: {"framework": side.framework.key, "version": report.environment.get(side)} for side in report.sides
    }
    plain: dict[str, Any] = _readable(
        {
            "schema": SCHEMA,
            "sides": sides if report.two_versions else None,
            "environment": report.environment,
            "scenarios": [_scenario(result) for result in report.scenarios],
            "problems": [_problem(problem) for problem in report.problems],
            "summary": report.summary,
            "interrupted": report.interrupted or None,
            "seconds": round(report.seconds, 3),
        }
    )
    return plain


def _readable(value: Any) -> Any:
    """Without what is None, and with numbers that are not finite as texts."""
    if isinstance(value, dict):
        return {key: _readable(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_readable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, complex):
        return {"re": _readable(value.real), "im": _readable(value.imag)}
    return value


def _scenario(result: ScenarioResult) -> dict[str, Any]:
    return {
        "file": result.file,
        "line": result.line,
        "name": result.name,
        "case": result.case,
        "subject": result.subject or None,
        "tags": list(result.tags) or None,
        "expect": result.expect,
        "because": result.because or None,
        "agree": result.agree,
        "compared": result.compared or None,
        "status": result.status.value,
        "seconds": round(result.seconds, 4),
        "comparisons": [_comparison(comparison) for comparison in result.comparisons],
        "failures": [_failure(failure) for failure in result.failures],
        "notes": list(result.notes) or None,
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    measured = comparison.measure
    numbers: dict[str, Any] = {}
    if measured is not None:
        numbers = {
            "size": measured.size,
            "mismatched": measured.mismatched,
            "max_abs": measured.max_abs,
            "max_rel": measured.max_rel,
            "max_ulp": measured.max_ulp,
            "worst_index": None if measured.worst_index is None else list(measured.worst_index),
            "passes_at": measured.passes_at,
        }
    return {
        "quantity": comparison.quantity,
        "verdict": comparison.verdict.value,
        "reason": comparison.reason or None,
        "layout": comparison.layout or None,
        "blocks": {f: list(order) for f, order in comparison.blocks.items()} or None,
        **{framework: _side(side) for framework, side in comparison.sides.items()},
        **numbers,
        "tolerance": comparison.tolerance,
        "distribution": _distribution(comparison.distribution) if comparison.distribution else None,
        "diagnosis": list(comparison.diagnosis),
        "reference": _reference(comparison.reference) if comparison.reference else None,
        "findings": [finding.words for finding in comparison.findings] or None,
        "known_differences": list(comparison.known_differences),
    }


def _reference(reference: Reference) -> dict[str, Any]:
    alone = "" in reference.values
    return {
        "method": reference.method,
        "values": reference.values[""] if alone else None,
        "values_by_side": None if alone else reference.values,
        "left_out": reference.left_out or None,
        "error": reference.error,
        "condition": reference.condition,
        "kinks": [{"index": list(k.index), "left": k.left, "right": k.right} for k in reference.kinks] or None,
        "one_sided": dict(zip(("left", "right"), reference.one_sided, strict=True)) if reference.one_sided else None,
        **{
            framework: {
                "standing": against.standing.value,
                "off": against.off,
                "ulps": against.ulps,
                "max_abs": against.max_abs,
                "worst_index": None if against.worst_index is None else list(against.worst_index),
                "unknown": against.unknown or None,
            }
            for framework, against in reference.sides.items()
        },
    }


def _side(side: SideValue) -> dict[str, Any]:
    present = side.state is State.PRESENT
    return {
        "state": side.state.value,
        "how": side.how or None,
        "shape": list(side.shape) if present else None,
        "dtype": side.dtype if present else None,
        "values": side.values if present else None,
        "left_out": side.left_out or None,
        "kinds": side.kinds or None,
        "summary": _summary(side.summary),
        "samples": _summary(side.samples),
        "note": side.note or None,
        "fans": {"fan_in": side.fans[0], "fan_out": side.fans[1]} if side.fans else None,
        "filled_by": side.law or None,
    }


def _summary(summary: Summary | None) -> dict[str, Any] | None:
    if summary is None:
        return None
    return {
        "mean": summary.mean,
        "std": summary.std,
        "min": summary.low,
        "max": summary.high,
        "histogram": {"counts": list(summary.counts), "edges": list(summary.edges)},
        "not_finite": summary.not_finite or None,
    }


def _distribution(distribution: Distribution) -> dict[str, Any]:
    return {
        "declared": distribution.declared,
        "samples": distribution.samples,
        "level": distribution.level,
        "tests": [{"name": test.name, "on": test.on, "p": test.p} for test in distribution.tests],
        "detectable_scale": distribution.detectable,
        "detectable_mean": distribution.detectable_mean,
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "framework": failure.side,
        "symptom": failure.symptom,
        "message": failure.message,
        "listing_line": failure.listing_line,
        "traceback": failure.traceback or None,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    placed = {"line": problem.line, "column": problem.column} if problem.line else {}
    return {"file": problem.file, **placed, "message": problem.message}
