"""No known difference is named for what it did not cause: a share of `tests/tools/mutated_scenarios.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tools.mutated_scenarios import KINDS, examined, mutants
from tfpt_cli.scenario.writing import scenario_text

if TYPE_CHECKING:
    from tfpt_cli.engine.session import Session


def test_a_planted_mistake_is_explained_by_no_row(session: Session) -> None:
    made = mutants(20, seed=0)
    assert len({mutant.kind for mutant in made}) >= len(KINDS) // 2
    shown = examined(made, session, reference=False)
    assert shown.apart.total() >= 8
    wrong = [f"# {sorted(rows)}\n{scenario_text(mutant.scenario.data)}" for mutant, rows in shown.wrong]
    assert not wrong, "\n".join(wrong)
