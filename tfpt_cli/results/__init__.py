"""What every stage hands on: outcomes of listings, comparisons, results of scenarios, the report.

Standard library only, frozen, and small: an array stays in its `Outcome` until it is compared; a `Comparison`
keeps a summary of it and its first values.
"""

from __future__ import annotations

from tfpt_cli.results.comparisons import (
    MANY_ULP,
    Against,
    Comparison,
    Diagnosis,
    Distribution,
    Finding,
    Kind,
    Kink,
    Measure,
    Reference,
    SideValue,
    Standing,
    Summary,
    Test,
    Tolerance,
    Verdict,
)
from tfpt_cli.results.expectations import Relation, as_expected, expected_of, status_of
from tfpt_cli.results.layers import LayerLine, PairLine
from tfpt_cli.results.outcomes import INTERNAL_ERROR, SIGNALLED, Failure, Outcome, State, Symptom, Value
from tfpt_cli.results.printing import as_json, printable, printable_lines
from tfpt_cli.results.quantities import DERIVATIVES, INVENTORY, LAYER, PARAMETER, PLAIN, STATE, VALUE, Quantity, Way
from tfpt_cli.results.report import (
    Curve,
    Explanation,
    Outline,
    Outlined,
    Problem,
    Report,
    ScenarioResult,
    Status,
    Unread,
    placed,
    scenario_id,
)

__all__ = [
    "DERIVATIVES",
    "INTERNAL_ERROR",
    "INVENTORY",
    "LAYER",
    "MANY_ULP",
    "PARAMETER",
    "PLAIN",
    "SIGNALLED",
    "STATE",
    "VALUE",
    "Against",
    "Comparison",
    "Curve",
    "Diagnosis",
    "Distribution",
    "Explanation",
    "Failure",
    "Finding",
    "Kind",
    "Kink",
    "LayerLine",
    "Measure",
    "Outcome",
    "Outline",
    "Outlined",
    "PairLine",
    "Problem",
    "Quantity",
    "Reference",
    "Relation",
    "Report",
    "ScenarioResult",
    "SideValue",
    "Standing",
    "State",
    "Status",
    "Summary",
    "Symptom",
    "Test",
    "Tolerance",
    "Unread",
    "Value",
    "Verdict",
    "Way",
    "as_expected",
    "as_json",
    "expected_of",
    "placed",
    "printable",
    "printable_lines",
    "scenario_id",
    "status_of",
]
