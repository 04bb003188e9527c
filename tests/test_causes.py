"""Held-out spellings: verdicts, and how often the cause of a mismatch is named, in code that the rows were not made from.

The scenarios of `causes/` were written before the rows were widened, by people who had not seen how they are matched. Each is
tagged with its cause, and with the side that its author holds right (`right-torch`). `tests/README.md` has what was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT
from tfpt_cli.dictionary.differences import differences
from tfpt_cli.engine.options import Options
from tfpt_cli.scenario.scenario import load

if TYPE_CHECKING:
    from tfpt_cli.engine.session import Session
    from tfpt_cli.results import ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario

# The share of mismatches whose cause must be named, of those whose cause is a row.
FILES = {"layers": 0.97, "losses_and_points": 0.90, "operators": 0.96, "reports": 0.85}


@pytest.fixture(scope="module")
def results(session: Session) -> dict[str, list[tuple[Scenario, ScenarioResult]]]:
    """By file, every scenario with its result; the reference is not asked."""
    found = {}
    for name in FILES:
        cases = [
            c for c in load(str(ROOT / "tests" / "causes" / f"{name}.yaml"), allow_code=True) if isinstance(c, list)
        ]
        report = session.check(Options(generated=cases, reference=False))
        found[name] = list(zip([case for each in cases for case in each], report.scenarios, strict=True))
    return found


def causes(scenario: Scenario) -> set[str]:
    return {tag for tag in scenario.tags if tag in differences()}


def named(result: ScenarioResult) -> set[str]:
    return {name for comparison in result.comparisons for name in comparison.known_differences}


@pytest.mark.parametrize("name", FILES)
def test_the_verdict_is_right(name: str, results: dict[str, Any]) -> None:
    wrong = [result.id for _, result in results[name] if not result.expected and result.status != "skipped"]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", FILES)
def test_the_cause_is_named(name: str, results: dict[str, Any]) -> None:
    apart = [(s, r) for s, r in results[name] if not r.agree and r.status != "skipped" and causes(s)]
    missed = [f"{s.id}: {sorted(causes(s))}" for s, r in apart if not causes(s) & named(r)]
    share = 1 - len(missed) / len(apart)
    assert share >= FILES[name], f"{share:.3f} of {len(apart)}; missed:\n" + "\n".join(missed)


def test_nothing_is_named_where_both_agree(results: dict[str, Any]) -> None:
    guessed = [r.id for each in results.values() for _, r in each if r.agree and named(r)]
    assert not guessed
