"""How many native sides have a reference, of which kind, and why the others have none; no framework is started.

    python -m tests.tools.referenced scenarios tests/causes/reports.yaml

A side is one output of one scenario in one framework. A row of the dictionary reads its code, or its derivatives are held against
differences of what it computes itself; the report of a side that has neither says why.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from tests.tasks import gradient_of
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.results import Problem
from tfpt_cli.scenario.files import scenario_files
from tfpt_cli.scenario.scenario import load
from tfpt_cli.subjects.gradient.own_function import by_own_function, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.subjects.gradient.spec import Gradient

ROW, DIFFERENCES, NOTHING = "a row", "differences", "nothing"


def sides(spec: Gradient) -> Iterator[tuple[str, str]]:
    """For each side of a scenario what it has a reference by, and where that is nothing the report's word on it, or no word."""
    for framework in FRAMEWORKS:
        held = [output.name for output in by_own_function(spec, framework, thorough=False)]
        for output in spec.outputs:
            if {"", framework} & set(output.reference):
                yield ROW, ""
            elif output.name in held:
                yield DIFFERENCES, ""
            else:
                yield NOTHING, without(output, spec, framework)


def specs(paths: list[str]) -> Iterator[tuple[str, Gradient]]:
    """The natively written gradient scenarios of files and folders, a case each, with where they stand."""
    for file in scenario_files(paths):
        for cases in () if isinstance(file, Problem) else load(file, allow_code=True):
            for case in cases if isinstance(cases, list) else ():
                if case.subject == "gradient" and gradient_of(case).native:
                    yield case.id, gradient_of(case)


def main(paths: list[str]) -> None:
    counts: Counter[str] = Counter()
    for place, spec in specs(paths):
        for kind, why in sides(spec):
            counts[kind] += 1
            if kind == NOTHING:
                print(f"{place}: {why or 'NO WORD'}")
    total = counts.total()
    print(
        ", ".join(f"{kind} {count} ({count / total:.1%})" for kind, count in counts.most_common()), f"of {total} sides"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
