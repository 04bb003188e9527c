"""The scenarios that show a row of the dictionary: a known difference, a layer, an initializer or an operation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.differences import Difference, differences
from tfpt_cli.dictionary.records import Initializer, Layer, Operation
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.scenario.shipped import ShippedScenario, shipped_file_scenarios, shown_by
from tfpt_cli.scenario.writing import scenario_text
from tfpt_cli.subjects.gradient.one_liner import operation_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Row = Difference | Layer | Initializer | Operation


def examples_of(row: Row) -> tuple[ShippedScenario, ...]:
    """The scenarios that show a row: shipped ones, or of an operation one at the points that its row is measured at.

    An operation has none where something is known to part at all of its ordinary points.

    >>> print(examples_of(dictionary().operations["tanh"])[0].text, end="")
    name: tanh
    gradient:
      of: tanh(x)
      at:
        x: [-2.3, -0.7, 0.4, 1.9]
    """
    if isinstance(row, Difference):
        return shown_by(row.name, row.scenario)
    if isinstance(row, Operation):
        return tuple(_of_operation(row))
    named = re.compile(rf"(?<![\w.]){re.escape(row.name)}(?!\w)")
    of_file = shipped_file_scenarios(row.scenario)
    return tuple(one for one in of_file if named.search(one.text.partition("\n")[2])) or of_file


def _of_operation(row: Operation) -> Iterator[ShippedScenario]:
    dtype = "float32" if "float32" in row.dtypes else next(iter(row.dtypes), "")
    for case in row.cases:
        parts = any(
            (not part.cases or case.name in part.cases) and (not part.dtypes or dtype in part.dtypes)
            for part in row.parts
        )
        if case.kind != "points" or parts or case.complex is dtype.startswith("float") or not dtype:
            continue
        data = operation_data(row.name, row, case.call, case.inputs)
        if dtype != "float32":
            data["dtype"] = dtype
        yield ShippedScenario("", 0, row.name, scenario_text(data), (), differs=False)
        return


def row_named(name: str) -> Row | None:
    """The row with a name, or with a framework's own name for it; None where there is none.

    Where rows of several kinds have the name, it is that of the layer with parameters or of the initializer, and of an
    operation rather than of a layer that only computes it; `operations/stft` and `layers/softmax` name the others.

    >>> row_named("Dense").name, row_named("op-std-ddof").area, row_named("no such row")
    ('linear', 'operators', None)
    """
    kind, slash, own = name.rpartition("/")
    rows = dictionary()
    kinds: dict[str, Mapping[str, Row]] = {
        "differences": differences(),
        "layers": rows.layers,
        "initializers": rows.initializers,
        "operations": rows.operations,
    }
    if slash:
        return kinds.get(kind, {}).get(own)
    wanted = [(of_kind, name) for of_kind in kinds.values()]
    wanted += [(kinds[k], rows.other_names(k).get(name.rpartition(".")[2], "")) for k in kinds if k != "differences"]
    found = [of_kind[one] for of_kind, one in wanted if one in of_kind]
    return next((row for row in found if not (isinstance(row, Layer) and not row.parameters)), next(iter(found), None))
