"""The known differences: rows that say where two near-equal spellings part, why, and what to write instead.

The keys of a row are explained at the head of `differences/activations.yaml`. A row is shown by the shipped scenarios that
are tagged with its id.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.conditions import Conditions
from tfpt_cli.dictionary.files import names_below, rows_of
from tfpt_cli.dictionary.formulas import UNKNOWN, value_of
from tfpt_cli.dictionary.patterns import Pattern, parsed
from tfpt_cli.dictionary.records import OnDemand
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.results import Explanation

if TYPE_CHECKING:
    import ast
    from collections.abc import Mapping

# The quantities of a gradient scenario. A row that names none is about all of them, unless it is about initializations.
KINDS = ("value", "derivative", "second")


@dataclass(frozen=True)
class Fit:
    """What a mismatch must be for a row to explain it: the code of each side, and what was measured. Empty: anything.

    `where` is a condition on what the `__x` of the patterns stand for, `whole` says that the patterns are all of the code.
    `dtypes` are what either side has, or each by its name; `says` holds by side a regular expression for its refusal, `how` a
    word of the way or mode by which it was run (`eager`: in no other mode). `same_value` asks of a derivative that the value
    itself agrees. `around` says that what computes around the patterns may be another thing on either side, where the symptom
    is proof enough.
    """

    code: Mapping[str, tuple[Pattern, ...]]
    also: Mapping[str, tuple[Pattern, ...]]
    without: Mapping[str, tuple[Pattern, ...]]
    where: ast.expr | None
    whole: bool
    quantities: tuple[str, ...]
    diagnosis: frozenset[str]
    dtypes: frozenset[str] | Mapping[str, str]
    shows: Mapping[str, str]
    says: Mapping[str, str]
    how: Mapping[str, str]
    default: tuple[str, ...]
    same_value: bool
    around: bool = False


@dataclass(frozen=True)
class Fix:
    """A recipe that can be put into a scenario.

    `rules` rewrite the code of a side, `neutral` gives initializers to a neutral init scenario, `fill` to PyTorch's side of a
    native one.
    """

    rules: Mapping[str, Mapping[str, str]]
    neutral: Mapping[str, str]
    fill: Mapping[str, str]


@dataclass(frozen=True)
class Difference(Explanation):
    """A known difference: what it says, which mismatches it explains, and recipes that can be tried.

    `equal` marks what is commonly believed to differ and does not; `conditions` say where it holds. `advice` is what `write` is
    made of: it may hold numbers of a person's code, as `{__eps or 1e-5}`.
    """

    equal: bool = False
    advice: Mapping[str, str] = field(default_factory=dict)
    conditions: Conditions = field(default_factory=Conditions)
    fits: tuple[Fit, ...] = ()
    fixes: tuple[Fix, ...] = ()

    def standing_at(self, names: Mapping[str, Any], lines: Mapping[str, str]) -> Difference:
        """A copy for the place where it stands in a person's code.

        What it says to write has their own numbers in it (`names` are what the patterns bind), and the lines of their files.
        """
        write = {f: numbered(text, names) for f, text in self.advice.items()}
        return replace(self, write=write, lines={f: _relative(line) for f, line in lines.items()})


def _relative(place: str) -> str:
    """A place in a file as seen from the current folder, where the file is below it."""
    path, _, line = place.rpartition(":")
    relative = os.path.relpath(path)
    return place if relative.startswith("..") else f"{relative}:{line}"


@cache
def differences() -> Mapping[str, Difference]:
    """Every known difference, by its id, in the order of the files.

    A row that does not parse raises `RowError` when it is asked for.
    """
    areas = {name: file for file in names_below("differences") for name in rows_of(file)}
    return OnDemand(areas, lambda name, file: difference(name, file.rpartition("/")[2], rows_of(file)[name]))


def difference(name: str, area: str, row: Mapping[str, Any]) -> Difference:
    """A row of a file below `differences/` as a record: `name` is its id, `area` the name of its file."""
    conditions = Conditions.written(row)
    advice = {f: _text(row["write"][f]) for f in FRAMEWORKS if f in row.get("write", {})}
    only = f" (So {conditions}.)" if conditions.machine else ""
    return Difference(
        name=name,
        area=area,
        what=_text(row["what"]) + only,
        why=_text(row.get("why", "")),
        write={f: numbered(text, {}) for f, text in advice.items()},
        advice=advice,
        source=_text(row.get("source", "")),
        scenario=row["scenario"],
        equal=bool(row.get("equal", False)),
        conditions=conditions,
        fits=tuple(_fit(area, fit) for fit in row.get("fits", [])),
        fixes=tuple(
            Fix(
                rules={f: fix[f] for f in FRAMEWORKS if f in fix},
                neutral=fix.get("neutral", {}),
                fill=fix.get("fill", {}),
            )
            for fix in row.get("fix", [])
        ),
    )


def _fit(area: str, row: Mapping[str, Any]) -> Fit:
    default = row.get("default", [])
    return Fit(
        code=_patterns(row),
        also=_patterns(row.get("also", {})),
        without=_patterns(row.get("without", {})),
        where=parsed(row["where"]) if "where" in row else None,
        whole=row.get("whole", False),
        quantities=tuple(row.get("quantity", () if area == "initialization" else KINDS)),
        diagnosis=frozenset(row.get("diagnosis", ())),
        dtypes=dtypes if isinstance(dtypes := row.get("dtype", ()), dict) else frozenset(dtypes),
        shows=row.get("shows", {}),
        says=row.get("says", {}),
        how=row.get("how", {}),
        default=tuple(FRAMEWORKS) if default == "both" else tuple([default] if isinstance(default, str) else default),
        same_value=row.get("value") == "agrees",
        around=row.get("around") == "any",
    )


def _patterns(row: Mapping[str, Any]) -> dict[str, tuple[Pattern, ...]]:
    return {f: tuple(Pattern(text, f) for text in row[f]) for f in FRAMEWORKS if f in row}


# A formula of the names that a row's patterns bind, and what stands there where it gives no number.
_NUMBER = re.compile(r"\{([^{}]*__\w[^{}]*?) or ([^{}]*)\}")


def numbered(text: str, names: Mapping[str, Any]) -> str:
    """A text with its formulas filled in, of the names that a row's patterns bind.

    Where a formula gives no number, because a name in it is not bound, what stands behind `or` is put in.

    >>> numbered("eps={__eps or 1e-5}", {"__eps": 0.1}), numbered("eps={__eps or 1e-5}", {})
    ('eps=0.1', 'eps=1e-5')
    """
    if not names:
        return _NUMBER.sub(r"\2", text)

    def number(found: re.Match[str]) -> str:
        try:
            value = value_of(parsed(found[1]), names)
        except UNKNOWN:
            return found[2]
        return f"{value:.12g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else found[2]

    return _NUMBER.sub(number, text)


def _text(value: Any) -> str:
    return " ".join(str(value).split())
