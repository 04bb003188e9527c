"""A third framework that nothing in tfpt knows of, put in from outside: NumPy, which spells every operation already.

`python tests/toys/third.py scenario.yaml` prints the listings of its gradient scenarios in this framework, which `python` runs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

from tfpt_cli.frameworks import FRAMEWORKS, SIDES, Framework, Side

THIRD = Framework(
    key="third",
    label="Third",
    column="numpy",
    module="np",
    array="np.array({value}, dtype='{dtype}')",
    roots=("np", "scipy"),
    imports={"np": "import numpy as np", "scipy": "import scipy"},
    packages=("numpy",),
    versions={"numpy": "NumPy"},
)
FRAMEWORKS[THIRD.key] = THIRD  # before anything asks which frameworks there are

from tfpt_cli.listing import Section  # noqa: E402
from tfpt_cli.subjects.gradient.subject import WRITERS  # noqa: E402
from tfpt_cli.subjects.gradient.writer import FrameworkWriter  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.subjects.gradient.spec import Output


class ThirdWriter(FrameworkWriter):
    """Writes values, and gradients by central differences."""

    framework = THIRD
    seed = "np.random.seed({seed})"
    compiled: ClassVar[dict[str, str]] = {}
    double: ClassVar[str] = ""

    def tensor(self, name: str, values: Values) -> str:
        return f"np.array({values.source}, dtype='{self.spec.dtypes.get(name, self.spec.dtype)}')"

    def evaluation(self, output: Output, run: str) -> str:
        del output
        return f"{self.value} = {self.call(run)}"

    def derivative(self, kind: str, output: Output, run: str, mode: str) -> Iterator[Section]:
        holders = self.holders(kind)
        for holder, name in zip(holders, self.wrt, strict=True):
            ahead, behind = (
                f"{run}({', '.join(f'{n} {sign} 1e-3' if n == name else n for n in self.spec.inputs)})" for sign in "+-"
            )
            yield Section(f"{holder} = ({ahead} - {behind}) / 2e-3")
        yield Section("", self.leaves(kind, output, "differences", mode, holders))

    def doubled(self, source: str, name: str) -> str:
        del name
        return f"np.asarray({source}, float)"

    def to_numpy(self, source: str) -> str:
        return source

    def from_numpy(self, name: str) -> str:
        return name

    def whole(self, output: Output, name: str, run: str, mode: str) -> Section:
        del output, name, run, mode
        return Section("")


WRITERS[THIRD.key] = ThirdWriter

if __name__ == "__main__":
    from tfpt_cli.results import Problem, Unread
    from tfpt_cli.scenario.scenario import load

    sides = (SIDES[0], Side(key=THIRD.key, label=THIRD.label, framework=THIRD))
    for document in load(sys.argv[1]):
        if isinstance(document, (Problem, Unread)):
            sys.exit(str(document))
        for scenario in document:
            print(scenario.listings(sides)[sides[1]].script())
