"""tfpt itself fails at no odd input: a quick share of `tfpt selfcheck --odd`, other operations than the next version's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tfpt_cli.check import Options, Session
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.odd_inputs import odd_scenarios
from tfpt_cli.results import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Done

# What a kind of result or of input needs: complex ones, truth values, whole numbers, several arrays, lists of arrays.
KINDS = ["rfft", "abs", "argmax", "greater", "matmul", "concat", "svd", "where", "cumulative_sum", "polar"]
EVERY = 40


def test_every_scenario_at_odd_inputs_can_be_read_or_is_a_problem() -> None:
    found = list(odd_scenarios())
    wrong = [item for item in found if not isinstance(item, (list, Problem))]
    assert wrong == []
    assert sum(len(item) for item in found if isinstance(item, list)) > 20_000


@pytest.mark.parametrize("dtype", ["float32", "complex64", "float64"])
def test_no_odd_input_is_a_mistake_of_ours(dtype: str, session: Session) -> None:
    names = {*KINDS, *list(dictionary().operations)[::EVERY]}
    scenarios = (
        [s for s in found if not s.title.endswith("all modes")] if isinstance(found, list) else found
        for found in odd_scenarios(names, {dtype})
    )
    report = session.check(Options(generated=scenarios))
    broken = [(s.name, f) for s in report.scenarios for f in s.failures if f.symptom != "exception"]
    assert broken == []
    assert len(report.scenarios) > 100


def test_the_command(tfpt: Callable[..., Done]) -> None:
    done = tfpt("selfcheck", "--odd", "exp", "--dtype", "float32")
    assert done.code == 0
    assert "0 mistakes of tfpt's own, 0 processes that broke" in done.out
