"""Curves of quantities over an interval of an input: what a person would rather look at than read."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.results import Curve, Report, ScenarioResult, State
from tfpt_cli.scenario.writing import scenario_from, scenario_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfpt_cli.engine.options import Options
    from tfpt_cli.engine.session import Session
    from tfpt_cli.frameworks import Side
    from tfpt_cli.results import Quantity, SideValue
    from tfpt_cli.scenario.scenario import Scenario
    from tfpt_cli.subjects.subject import CurvePlan, Interval


@dataclass(frozen=True)
class CurveRun:
    """The scenarios whose values make the curves: one for all points `at` of the input `by`, or one for each."""

    scenarios: tuple[Scenario, ...]
    by: str
    at: tuple[float, ...]

    def curves(self, results: Sequence[ScenarioResult]) -> tuple[Curve, ...]:
        """The curve of every quantity that has a number at some point; `results` are those of the scenarios."""
        quantities = dict.fromkeys(c.quantity for result in results for c in result.comparisons)
        return tuple(curve for name in quantities if (curve := self._curve(name, results)) is not None)

    def _curve(self, quantity: Quantity, results: Sequence[ScenarioResult]) -> Curve | None:
        # Of several ways the first: they are compared in the table.
        found = [next((c for c in result.comparisons if c.quantity == quantity), None) for result in results]
        there = [comparison for comparison in found if comparison is not None]
        tolerance = next((c.tolerance for c in reversed(there) if c.tolerance), {"rtol": 0.0, "atol": 0.0})
        columns: dict[Side, list[float | None]] = {side: [] for side in there[0].sides}
        for comparison in found:
            for side, column in columns.items():
                value = comparison.sides[side] if comparison is not None else None
                column += _numbers_of(value, len(self.at) // len(self.scenarios))
        if not any(number is not None and math.isfinite(number) for column in columns.values() for number in column):
            return None
        parts = tuple(not _together(a, b, tolerance) for a, b in zip(*columns.values(), strict=True))
        drawn = {
            side: tuple(n if n is not None and math.isfinite(n) else None for n in column)
            for side, column in columns.items()
        }
        return Curve(quantity=quantity, by=self.by, at=self.at, sides=drawn, parts=parts)


def with_curves(
    report: Report, checked: Sequence[tuple[Scenario, ScenarioResult]], session: Session, options: Options
) -> Report:
    """The report with the curves of every scenario that has some at all points at once. Ctrl-C leaves the rest without."""
    # By the place: two scenarios of a file may have one name.
    plans = {result.place: plan for scenario, result in checked if (plan := curve_plan(scenario)) is not None}
    if not plans or report.interrupted:
        return report
    again = run(session, options, [scenario for plan in plans.values() for scenario in plan.scenarios])
    found = {name: plan.curves([one]) for (name, plan), one in zip(plans.items(), again.scenarios, strict=False)}
    scenarios = tuple(replace(result, curves=found.get(result.place, ())) for result in report.scenarios)
    return replace(report, scenarios=scenarios, interrupted=again.interrupted, ended_by=again.ended_by)


def run(session: Session, options: Options, scenarios: Sequence[Scenario]) -> Report:
    """Checks scenarios that were made here, without the reference and whatever was chosen."""
    return session.check(replace(options.of(scenarios), reference=False))


def curve_plan(scenario: Scenario, interval: Interval | None = None) -> CurveRun | None:
    """The plan that gives a scenario's curves with all points at once; None where that cannot be or there are none.

    >>> from tfpt_cli.scenario.writing import scenario_from
    >>> text = "{name: tanh, gradient: {of: tanh(x), at: {x: 0.5}}}"
    >>> plan = curve_plan(scenario_from(text, "tanh.yaml", allow_code=False)[0], (-1.0, 1.0))
    >>> plan.by, len(plan.at), plan.scenarios[0].fields["at"]
    ('x', 81, {'x': 'linspace(-1.0, 1.0, 81)'})
    """
    found = scenario.task.curve(scenario.fields, interval)
    plan = _plan(scenario, found) if found is not None else None
    return plan if plan is not None and plan.scenarios else None


def point_plan(scenario: Scenario, interval: Interval | None = None) -> CurveRun:
    """The plan that gives a scenario's curves point by point, one scenario for each.

    Raises `ValueError` with the reason where nothing can be drawn.
    """
    return _plan(scenario, scenario.task.curve_by_points(scenario.fields, interval))


def _plan(scenario: Scenario, found: CurvePlan) -> CurveRun:
    made = [_with_fields(scenario, fields) for fields in found.fields]
    return CurveRun(tuple(one for one in made if one is not None), found.by, found.at)


def _with_fields(scenario: Scenario, fields: dict[str, Any]) -> Scenario | None:
    """The scenario with other fields of its subject, and nothing that says what is expected."""
    kept: dict[str, Any] = {key: scenario.data[key] for key in ("name", "dtype", "seed") if key in scenario.data}
    matrix = {"matrix": {key: [item] for key, item in scenario.case.items()}} if scenario.case else {}
    text = scenario_text({**kept, scenario.subject: fields, **matrix})
    return scenario_from(text, scenario.file, allow_code=True)[0]


def _numbers_of(side: SideValue | None, length: int) -> list[float | None]:
    values: Any = side.values if side is not None and side.state is State.PRESENT and not side.left_out else None
    values = values if isinstance(values, list) else [values]
    if len(values) != length:
        return [None] * length
    return [float(n) if isinstance(n, (int, float)) else None for n in values]


def _together(a: float | None, b: float | None, tolerance: dict[str, float]) -> bool:
    from tfpt_cli.compare.values import close_numbers  # not above: the frameworks start before NumPy is imported

    return a is b if a is None or b is None else close_numbers(a, b, tolerance)
