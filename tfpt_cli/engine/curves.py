"""Value and derivative of an expression over an interval: what a person would rather look at than read.

A curve is the scenario with many numbers in place of its one varying input. Where the expression is elementwise they go in
at once, since there every number goes its own way; else each is a scenario of its own.
"""

from __future__ import annotations

import ast
import copy
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.expression import BadConstant, NotConstant, constant, parse
from tfpt_cli.results import Curve, Report, ScenarioResult, Side, State
from tfpt_cli.scenario.writing import scenario_from, scenario_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfpt_cli.engine.options import Options
    from tfpt_cli.engine.session import Session
    from tfpt_cli.scenario.scenario import Scenario
    from tfpt_cli.subjects.gradient.spec import Gradient

POINTS = 81
Interval = tuple[float, float]


@dataclass(frozen=True)
class Plan:
    """The scenarios whose values make the curves: one for all points `at` of the input `by`, or one for each."""

    scenarios: tuple[Scenario, ...]
    by: str
    at: tuple[float, ...]

    def curves(self, results: Sequence[ScenarioResult]) -> tuple[Curve, ...]:
        """The curve of every quantity that has a number at some point; `results` are those of the scenarios."""
        quantities = dict.fromkeys(c.quantity for result in results for c in result.comparisons)
        return tuple(curve for name in quantities if (curve := self._curve(name, results)) is not None)

    def _curve(self, quantity: str, results: Sequence[ScenarioResult]) -> Curve | None:
        sides: dict[str, list[float | None]] = {framework: [] for framework in FRAMEWORKS}
        tolerance = {"rtol": 0.0, "atol": 0.0}
        for result in results:
            # Of several ways the first: they are compared in the table.
            comparison = next((c for c in result.comparisons if c.quantity == quantity), None)
            for framework in FRAMEWORKS:
                side = comparison.sides[framework] if comparison is not None else None
                sides[framework] += _numbers_of(side, len(self.at) // len(self.scenarios))
            if comparison is not None and comparison.tolerance:
                tolerance = comparison.tolerance
        if not any(number is not None and math.isfinite(number) for column in sides.values() for number in column):
            return None
        parts = tuple(not _together(a, b, tolerance) for a, b in zip(*sides.values(), strict=True))
        drawn = {f: tuple(n if n is not None and math.isfinite(n) else None for n in c) for f, c in sides.items()}
        return Curve(quantity, self.by, self.at, drawn, parts)


def with_curves(
    report: Report, checked: Sequence[tuple[Scenario, ScenarioResult]], session: Session, options: Options
) -> Report:
    """The report with the curves of every gradient scenario that is elementwise. Ctrl-C leaves the rest without."""
    # By the place: two scenarios of a file may have one name.
    plans = {result.place: plan for scenario, result in checked if (plan := curve_plan(scenario)) is not None}
    if not plans or report.interrupted:
        return report
    again = run(session, options, [scenario for plan in plans.values() for scenario in plan.scenarios])
    found = {name: plan.curves([one]) for (name, plan), one in zip(plans.items(), again.scenarios, strict=False)}
    scenarios = tuple(replace(result, curves=found.get(result.place, ())) for result in report.scenarios)
    return replace(report, scenarios=scenarios, interrupted=again.interrupted)


def run(session: Session, options: Options, scenarios: Sequence[Scenario]) -> Report:
    """Checks scenarios that were made here, without the reference and whatever was chosen."""
    return session.check(replace(options.of(scenarios), reference=False))


def curve_plan(scenario: Scenario, interval: Interval | None = None, points: int = POINTS) -> Plan | None:
    """All points at once; None where the expression is not known to be elementwise.

    Without an interval that of the input's own numbers, at least two to each side of their middle.
    """
    if scenario.subject != "gradient" or not elementwise(scenario.spec):
        return None
    (name,) = scenario.spec.smooth
    low, high = interval or around(scenario.data["gradient"]["at"][name])
    made = _with(scenario, name, f"linspace({low!r}, {high!r}, {points})")
    return None if made is None else Plan((made,), name, _places(low, high, points))


def point_plan(scenario: Scenario, name: str, interval: Interval, points: int = POINTS) -> Plan:
    """Point by point, for any expression of an input of one number."""
    at = _places(*interval, points)
    made = [_with(scenario, name, place) for place in at]
    return Plan(tuple(one for one in made if one is not None), name, at)


def elementwise(spec: Gradient) -> bool:
    """Whether every number of the result comes from the same one of the only input that is differentiated by.

    Known from the dictionary's rows: of an expression with a call that no row knows it is not known.
    """
    if len(spec.smooth) != 1 or spec.complex or any(output.code or not output.reference for output in spec.outputs):
        return False
    if any(values.shape != () for name, values in spec.inputs.items() if name not in spec.smooth):
        return False
    return spec.keeps_places


def around(value: Any) -> Interval:
    """The interval of what a scenario gives to its input, at least two numbers to each side of its middle."""
    numbers = [number for number in _numbers(value) if math.isfinite(number)] or [0.0]
    low, high = min(numbers), max(numbers)
    half = max((high - low) / 2, 2.0)
    return (low + high) / 2 - half, (low + high) / 2 + half


def _numbers(value: Any) -> Iterator[float]:
    """The numbers in a value of `at`; of an array call the first two arguments, as of `linspace(-3, 3, 7)`."""
    if isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, str):
        tree, _ = parse(value)
        for part in tree.args[:2] if isinstance(tree, ast.Call) else [tree]:
            try:
                yield float(constant(part, functions=True))  # type: ignore[arg-type]
            except (BadConstant, NotConstant, TypeError, ValueError):
                continue
    else:
        yield float(value)


def _places(low: float, high: float, points: int) -> tuple[float, ...]:
    return tuple(low + (high - low) * index / (points - 1) for index in range(points))


def _with(scenario: Scenario, name: str, value: str | float) -> Scenario | None:
    """The scenario with another value of an input, its gradient alone, in the usual mode and way."""
    data = copy.deepcopy(scenario.data)
    fields = {k: v for k, v in data["gradient"].items() if k not in ("tangent", "cotangent", "modes", "ways")}
    fields["at"][name] = value
    fields["derivatives"] = ["gradient"] if fields.get("derivatives", ["gradient"]) else []
    kept: dict[str, Any] = {key: data[key] for key in ("name", "dtype", "seed") if key in data}
    matrix = {"matrix": {key: [item] for key, item in scenario.case.items()}} if scenario.case else {}
    text = scenario_text({**kept, "gradient": fields, **matrix})
    return scenario_from(text, scenario.file, allow_code=True)[0]


def _numbers_of(side: Side | None, length: int) -> list[float | None]:
    values: Any = side.values if side is not None and side.state is State.PRESENT and not side.left_out else None
    values = values if isinstance(values, list) else [values]
    if len(values) != length:
        return [None] * length
    return [float(n) if isinstance(n, (int, float)) else None for n in values]


def _together(a: float | None, b: float | None, tolerance: dict[str, float]) -> bool:
    from tfpt_cli.compare.values import close_numbers  # not above: the frameworks start before NumPy is imported

    return a is b if a is None or b is None else close_numbers(a, b, tolerance)
