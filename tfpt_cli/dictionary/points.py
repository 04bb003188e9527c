"""Where an operation's row is measured: its ordinary and special points, and what is known to part there."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
import yamlcore

from tfpt_cli.dictionary.conditions import Conditions
from tfpt_cli.frameworks import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.language.signature import Signature

DTYPES = ("float32", "float64", "float16", "bfloat16", "complex64", "complex128")
VERDICTS = ("differ", "error", "wrong")
KINDS = ("points", "special")


class PointsError(Exception):
    """Points of a row that cannot be right; the message says why."""


@dataclass(frozen=True)
class Case:
    """One measurement: a neutral `call` and the values of its inputs by name.

    `kind` is `points` (inside the domain) or `special`; `complex` says that it is for complex dtypes, None for both.
    """

    kind: str
    name: str
    call: str
    inputs: dict[str, Any]
    complex: bool | None = None


@dataclass(frozen=True)
class Part:
    """A declared difference: in which quantity, at which cases and dtypes, what becomes of it, and why.

    `verdict` is `differ` (the sides differ), `error` (a side refuses) or `wrong` (both agree, and not with the
    reference). Empty `cases` or `dtypes` mean all of them. `conditions` say where it holds. `unstable` is the framework whose
    answer there depends on the place in a vector: on the kernel that the processor has for full vectors, and on that for what
    is left over.
    """

    quantities: tuple[str, ...]
    cases: tuple[str, ...]
    dtypes: tuple[str, ...]
    verdict: str
    because: str
    conditions: Conditions = field(default_factory=Conditions)
    unstable: str = ""

    def covers(self, quantity: str, case: str, dtype: str) -> bool:
        """Whether a difference in this place is the one declared."""
        return (
            (quantity in self.quantities or "all" in self.quantities)
            and (not self.cases or case in self.cases)
            and (not self.dtypes or dtype in self.dtypes)
        )


@cache
def point_sets() -> dict[str, dict[str, Any]]:
    """The sets of `points.yaml`, by name."""
    text = Path(__file__).with_name("points.yaml").read_text(encoding="utf-8")
    sets: dict[str, dict[str, Any]] = yaml.load(text, Loader=yamlcore.CCoreLoader)  # noqa: S506 - builds plain data only
    return sets


def domain_of(row: dict[str, Any]) -> str:
    """Where the operation of a row is differentiable, in words; `none` where its result has no derivative."""
    points = row.get("points")
    return str(row.get("domain") or (point_sets()[points]["domain"] if isinstance(points, str) else "everywhere"))


def cases_of(name: str, row: dict[str, Any], signature: Signature) -> tuple[Case, ...]:
    """The cases of a row. Raises `PointsError`."""
    if isinstance(row["points"], str) and row["points"] not in point_sets():
        raise PointsError(f"no set of points '{row['points']}'")
    cases = [case for kind in KINDS for case in _cases(name, row, signature, kind)]
    named = [(case.kind, case.name, case.complex) for case in cases]
    if len(set(named)) < len(named):
        raise PointsError("two cases have one name")
    return tuple(cases)


def _cases(name: str, row: dict[str, Any], signature: Signature, kind: str) -> Iterator[Case]:
    given = row.get(kind)
    default = f"{name}({', '.join(signature.arrays)})"
    one = signature.arrays[0] if signature.arrays else ""
    if given is None and not isinstance(row["points"], str):
        return
    if given is None or isinstance(given, str):
        found = point_sets()[given or row["points"]]
        yield Case(kind, kind, row.get("call", default), {one: found[kind]}, False)
        other = "complex" if kind == "points" else "complex_special"
        if other in found:
            yield Case(kind, kind, row.get("call", default), {one: found[other]}, True)
        return
    entries = given if isinstance(given, list) and given and isinstance(given[0], dict) else [given]
    for index, entry in enumerate(entries):
        values = dict(entry) if isinstance(entry, dict) else {one: entry}
        call, called = values.pop("call", row.get("call", default)), values.pop("name", "")
        wanted = values.pop("complex", None)
        yield Case(kind, called or (kind if len(entries) == 1 else f"{kind} {index + 1}"), call, values, wanted)


def parts_of(row: dict[str, Any]) -> tuple[Part, ...]:
    """The declared differences of a row. Raises `PointsError`."""
    parts = []
    for entry in row.get("parts", []):
        unknown = set(entry) - {"in", "at", "dtypes", "verdict", "because", "machine", "versions", "unstable"}
        if unknown or "because" not in entry or entry.get("verdict", "differ") not in VERDICTS:
            words = "'in', 'at', 'dtypes', 'verdict', 'because', 'machine', 'versions', 'unstable'"
            raise PointsError(f"a declared difference has {words}, not {sorted(entry)}")
        if entry.get("unstable", "torch") not in FRAMEWORKS or ("unstable" in entry and entry.get("at") != ["nan"]):
            raise PointsError("'unstable' names a framework, and stands beside `at: [nan]` alone")
        parts.append(
            Part(
                _texts(entry.get("in", "all")),
                _texts(entry.get("at", ())),
                _texts(entry.get("dtypes", ())),
                entry.get("verdict", "differ"),
                " ".join(entry["because"].split()),
                Conditions.written(entry),
                entry.get("unstable", ""),
            )
        )
    return tuple(parts)


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)
