"""Where an operation's row is measured: its ordinary and special points, and what is known to part there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.conditions import Conditions
from tfpt_cli.dictionary.files import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.language.signature import Signature

VERDICTS = ("differ", "error", "wrong")
KINDS = ("points", "special")


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
class DeclaredPart:
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


def point_sets() -> Mapping[str, dict[str, Any]]:
    """The sets of points in `points.yaml` by name, each with its domain in words and its values."""
    return rows_of("points")


def domain_of(row: Mapping[str, Any]) -> str:
    """Where the operation of a row is differentiable, in words; `none` where its result has no derivative."""
    points = row.get("points")
    return str(row.get("domain") or (point_sets()[points]["domain"] if isinstance(points, str) else "everywhere"))


def cases_of(name: str, row: Mapping[str, Any], signature: Signature) -> tuple[Case, ...]:
    """The cases of an operation's row: its ordinary points, then the special ones."""
    return tuple(case for kind in KINDS for case in _cases(name, row, signature, kind))


def _cases(name: str, row: Mapping[str, Any], signature: Signature, kind: str) -> Iterator[Case]:
    given = row.get(kind)
    default = f"{name}({', '.join(signature.arrays)})"
    one = signature.arrays[0] if signature.arrays else ""
    if given is None and not isinstance(row["points"], str):
        return
    if given is None or isinstance(given, str):
        found = point_sets()[given or row["points"]]
        call = row.get("call", default)
        yield Case(kind=kind, name=kind, call=call, inputs={one: found[kind]}, complex=False)
        other = "complex" if kind == "points" else "complex_special"
        if other in found:
            yield Case(kind=kind, name=kind, call=call, inputs={one: found[other]}, complex=True)
        return
    entries = given if isinstance(given, list) and given and isinstance(given[0], dict) else [given]
    for index, entry in enumerate(entries):
        values = dict(entry) if isinstance(entry, dict) else {one: entry}
        call, called = values.pop("call", row.get("call", default)), values.pop("name", "")
        wanted = values.pop("complex", None)
        called = called or (kind if len(entries) == 1 else f"{kind} {index + 1}")
        yield Case(kind=kind, name=called, call=call, inputs=values, complex=wanted)


def parts_of(entries: Sequence[Mapping[str, Any]]) -> tuple[DeclaredPart, ...]:
    """The declared differences of a row, from the list that it has under `parts` or `edges`."""
    return tuple(
        DeclaredPart(
            quantities=_texts(entry.get("in", "all")),
            cases=_texts(entry.get("at", ())),
            dtypes=_texts(entry.get("dtypes", ())),
            verdict=entry.get("verdict", "differ"),
            because=" ".join(entry["because"].split()),
            conditions=Conditions.written(entry),
            unstable=entry.get("unstable", ""),
        )
        for entry in entries
    )


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)
