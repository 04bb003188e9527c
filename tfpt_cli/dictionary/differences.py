"""The known differences: rows that say where two near-equal spellings part, why, and what to write instead.

The keys of a row are explained at the head of `differences/activations.yaml`. A row is shown by the shipped scenarios that
are tagged with its id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
import yamlcore

from tfpt_cli.dictionary.conditions import Conditions
from tfpt_cli.dictionary.formulas import UNKNOWN, value_of
from tfpt_cli.dictionary.patterns import Pattern, parsed
from tfpt_cli.dictionary.rows import RowError
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.results import Explanation

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Mapping

FOLDER = Path(__file__).with_name("differences")
# What a side may show, as the rows call it.
SHOWS = ("none", "nan", "infinite", "zero", "failed", "absent", "present")
_KEYS = {"what", "why", "write", "source", "versions", "machine", "scenario", "equal", "fits", "fix"}
_FITS = {
    *("torch", "tensorflow", "without", "where", "whole", "value"),
    *("quantity", "diagnosis", "dtype", "shows", "says", "how", "default", "around"),
}
# What a comparison may be diagnosed with; `error` where a side refused.
DIAGNOSES = {
    *(
        "shape",
        "dtype",
        "disconnected",
        "nan",
        "infinity",
        "zero",
        "number",
        "non-finite",
        "subnormal",
        "kink",
        "rounding",
        "overflow",
    ),
    *(
        "different function",
        "both wrong",
        "ways",
        "ill-conditioned",
        "unstable",
        "distribution",
        "dependent",
        "absent",
        "error",
    ),
}
# The quantities of a gradient scenario: what a row is about that says nothing else, but for those of initializations.
KINDS = ("value", "derivative", "second")
_FIXES = {"torch", "tensorflow", "neutral", "fill"}


@dataclass(frozen=True)
class Fit:
    """What a mismatch must be for a row to explain it: the code of each side, and what was measured. Empty: anything.

    `where` is a condition on what the `__x` of the patterns stand for, `whole` says that the patterns are all of the code.
    `dtypes` are those of either side, or by side; `says` holds by side a pattern for words of its refusal, `how` a word of the
    way or mode by which it was run (`eager`: in no other mode). `same_value` asks of a derivative that the value itself agrees.
    `around` says that what computes around the patterns may be another thing on either side, where the symptom is proof enough.
    """

    code: Mapping[str, tuple[Pattern, ...]]
    without: Mapping[str, tuple[Pattern, ...]]
    where: ast.expr | None
    whole: bool
    quantities: tuple[str, ...]
    diagnosis: frozenset[str]
    dtypes: frozenset[str] | Mapping[str, str]
    shows: Mapping[str, str]
    says: Mapping[str, re.Pattern[str]]
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

    def with_numbers(self, names: Mapping[str, Any]) -> Difference:
        """The row with a person's own numbers in what it says to write; `names` are those that its patterns bind."""
        return replace(self, write={f: numbered(text, names) for f, text in self.advice.items()})

    equal: bool = False
    advice: Mapping[str, str] = field(default_factory=dict)
    conditions: Conditions = field(default_factory=Conditions)
    fits: tuple[Fit, ...] = ()
    fixes: tuple[Fix, ...] = ()


@cache
def differences() -> Mapping[str, Difference]:
    """Every row, by id, in the order of the files. Raises `RowError` for one that cannot be right."""
    found: dict[str, Difference] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for name, row in _read(path):
            if name in found:
                raise RowError(f"{name} stands twice, in {found[name].area}.yaml and {path.name}")
            found[name] = _difference(name, path.stem, row)
    return found


def _read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = yaml.load(path.read_text(encoding="utf-8"), Loader=yamlcore.CCoreLoader)  # noqa: S506 - builds plain data only
    yield from (rows or {}).items()


def _difference(name: str, area: str, row: dict[str, Any]) -> Difference:
    unknown, missing = set(row) - _KEYS, {"what", "scenario"} - set(row)
    if unknown or missing:
        raise RowError(f"{name}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    equal = bool(row.get("equal", False))
    if equal and ("fits" in row or "fix" in row):
        raise RowError(f"{name}: what is equal explains no mismatch and needs no fix")
    if not equal and not row.get("fits"):
        raise RowError(f"{name}: 'fits' must say which mismatches it explains")
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
        equal=equal,
        conditions=conditions,
        fits=tuple(_fit(name, area, fit) for fit in row.get("fits", [])),
        fixes=tuple(_fix(name, fix) for fix in row.get("fix", [])),
    )


def _fit(name: str, area: str, row: dict[str, Any]) -> Fit:
    if set(row) - _FITS:
        raise RowError(f"{name}: 'fits' has no {sorted(set(row) - _FITS)}")
    shows = row.get("shows", {})
    if set(shows.values()) - set(SHOWS) or set(shows) - set(FRAMEWORKS):
        raise RowError(f"{name}: 'shows' says by framework one of {', '.join(SHOWS)}")
    unknown = set(row.get("diagnosis", ())) - DIAGNOSES
    if unknown:
        raise RowError(f"{name}: no diagnosis is called {sorted(unknown)}")
    default = row.get("default", [])
    return Fit(
        code=_patterns(name, row),
        without=_patterns(name, row.get("without", {})),
        where=parsed(row["where"]) if "where" in row else None,
        whole=row.get("whole", False),
        quantities=tuple(row.get("quantity", () if area == "initialization" else KINDS)),
        diagnosis=frozenset(row.get("diagnosis", ())),
        dtypes=dtypes if isinstance(dtypes := row.get("dtype", ()), dict) else frozenset(dtypes),
        shows=shows,
        says={f: re.compile(words, re.IGNORECASE) for f, words in row.get("says", {}).items()},
        how=row.get("how", {}),
        default=tuple(FRAMEWORKS) if default == "both" else tuple([default] if isinstance(default, str) else default),
        same_value=row.get("value") == "agrees",
        around=row.get("around") == "any",
    )


def _patterns(name: str, row: dict[str, Any]) -> dict[str, tuple[Pattern, ...]]:
    found = {f: tuple(Pattern(text) for text in row[f]) for f in FRAMEWORKS if f in row}
    for patterns in found.values():
        for pattern in patterns:
            try:
                pattern.tree  # noqa: B018 - it parses, or the row is wrong
            except RowError as error:
                raise RowError(f"{name}: {error}") from None
    return found


def _fix(name: str, row: dict[str, Any]) -> Fix:
    if set(row) - _FIXES:
        raise RowError(f"{name}: 'fix' has no {sorted(set(row) - _FIXES)}")
    rules = {f: row[f] for f in FRAMEWORKS if f in row}
    for texts in rules.values():
        for text in (*texts, *texts.values()):
            parsed(numbered(text, {}))
    return Fix(rules, row.get("neutral", {}), row.get("fill", {}))


# A formula of the names that a row's patterns bind, and what stands there where it gives no number.
_NUMBER = re.compile(r"\{([^{}]*__\w[^{}]*?) or ([^{}]*)\}")


def numbered(text: str, names: Mapping[str, Any]) -> str:
    """A text with its formulas filled in: `eps={__eps or 1e-5}` is `eps=0.1` where `__eps` is 0.1, else `eps=1e-5`."""

    def number(found: re.Match[str]) -> str:
        try:
            value = value_of(parsed(found[1]), names)
        except UNKNOWN:
            return found[2]
        return f"{value:.12g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else found[2]

    return _NUMBER.sub(number, text)


def _text(value: Any) -> str:
    return " ".join(str(value).split())
