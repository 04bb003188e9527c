"""Has tfpt check cases, and holds what its JSON report says against what is true of them."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.oracles.truth import Case, Truth, yaml
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.engine.options import Options
from tfpt_cli.report.json_report import report_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from tfpt_cli.engine.session import Session

SIDES = ("torch", "tensorflow")
# The documented defaults of `tolerance`, (rtol, atol), kept here a second time: this suite must not believe the product.
TOLERANCES = {
    "float32": (1.3e-6, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex128": (1e-7, 1e-7),
}
_DIGITS = {"float32": 2.0**-24, "complex64": 2.0**-24, "float64": 2.0**-53, "complex128": 2.0**-53}
_GREATEST = {"float32": float(np.finfo(np.float32).max), "complex64": float(np.finfo(np.float32).max)}
# Scenarios to a file.
_BATCH = 100


@dataclass(frozen=True)
class Bad:
    """Something that tfpt should not have said: which kind of it, in which case, of which quantity and side."""

    kind: str
    case: Case
    quantity: str
    side: str
    words: str


@dataclass
class Tally:
    """What the cases of one source came to; `silent` holds the reasons, `unjudged` counts what the truth cannot decide."""

    scenarios: int = 0
    quantities: int = 0
    false_agreements: int = 0
    false_differences: int = 0
    refused: int = 0
    right: int = 0
    wrong: int = 0
    silent: Counter[str] = field(default_factory=Counter)
    unjudged: int = 0
    declined: Counter[str] = field(default_factory=Counter)
    bad: list[Bad] = field(default_factory=list)

    @property
    def words(self) -> int:
        """How many words of blame were asked for: a side of a quantity whose truth is known asks for one."""
        return self.right + self.wrong + self.silent.total()

    def note(self, kind: str, case: Case, quantity: str = "", side: str = "", words: str = "") -> None:
        self.bad.append(Bad(kind, case, quantity, side, words))


def judged(cases: Iterable[Case], session: Session) -> Tally:
    """The tally of some cases, checked by warm frameworks; what is said to be rounding is run again in float64."""
    cases = list(cases)
    tally = Tally(scenarios=len(cases))
    again: list[tuple[Case, str, str]] = []
    for case, scenario, problem in checked(cases, session):
        _Hearing(case, tally, again).hear(scenario, problem)
    doubles = {id(case): _in_double(case) for case, _, _ in again}
    found = {id(case): scenario for case, scenario, _ in checked(list(doubles.values()), session)}
    for case, quantity, side in again:
        _rounding(case, quantity, side, found.get(id(doubles[id(case)])), tally)
    return tally


def checked(cases: list[Case], session: Session) -> Iterator[tuple[Case, dict[str, Any] | None, str]]:
    """Each case with its scenario of the JSON report, or with the problem for which it was not read."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for start in range(0, len(cases), _BATCH):
            path = Path(folder) / f"{start:06}.yaml"
            some = cases[start : start + _BATCH]
            texts = [yaml({"name": f"{start + n}", **case.document}) for n, case in enumerate(some)]
            path.write_text("---\n".join(texts), encoding="utf-8")
            files.append((path, texts))
        report = report_object(session.check(Options(paths=tuple(str(path) for path, _ in files))))
        scenarios = {int(scenario["name"]): scenario for scenario in report["scenarios"]}
        problems: dict[int, str] = {}
        for problem in report["problems"]:
            start = int(Path(problem["file"]).stem)
            texts = next(texts for path, texts in files if path.stem == Path(problem["file"]).stem)
            line, place = problem.get("line", 1), 0
            while place + 1 < len(texts) and line > (length := texts[place].count("\n") + 1):
                line, place = line - length, place + 1
            problems.setdefault(start + place, problem["message"])
    for number, case in enumerate(cases):
        yield case, scenarios.get(number), problems.get(number, "")


def numbers(values: Any) -> NDArray[Any]:
    """The values of a report as an array: `nan` and `inf` are texts there, a complex number has `re` and `im`."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(item) for item in value]
        if isinstance(value, dict):
            return complex(float(value["re"]), float(value["im"]))
        return float(value)

    return np.asarray(plain(values))


def close(a: NDArray[Any], b: NDArray[Any], dtype: str, times: float = 1.0, error: float = 0.0) -> NDArray[np.bool_]:
    """Where two arrays are the same under the tolerance of a dtype; NaN is NaN, an infinity only itself."""
    rtol, atol = TOLERANCES.get(dtype, (0.0, 0.0))
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= times * (atol + rtol * np.maximum(np.abs(a), np.abs(b))) + error
    finite = np.isfinite(a) & np.isfinite(b)
    same: NDArray[np.bool_] = np.where(finite, near, (np.isnan(a) & np.isnan(b)) | (a == b))
    return same


def _held(array: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Numbers as a dtype can hold them: what is beyond its greatest is infinite."""
    greatest = _GREATEST.get(dtype, np.inf)
    if array.dtype.kind == "c":
        return array
    return np.where(np.abs(array) > greatest * (1 + 2.0**-25), np.copysign(np.inf, array), array)


@dataclass(frozen=True)
class Stand:
    """Where a side truly stands: `off` and `right` are both False where the truth cannot decide."""

    off: bool
    right: bool
    lost: bool  # more than half of the digits of some number are gone
    kink: bool  # some entry stands at a kink, within its conventions
    overflow: bool  # not finite where the truth is
    infinite: bool  # the truth is more than the dtype holds


def standing(side: dict[str, Any], truth: Truth) -> Stand | None:
    """Where a side of the report stands against the truth, entry by entry; None where nothing can be compared."""
    have, dtype = numbers(side["values"]), side["dtype"]
    want, known = truth.value, truth.known
    low, high = truth.low, truth.high
    if list(want.shape) != side["shape"]:
        return Stand(off=True, right=False, lost=False, kink=False, overflow=False, infinite=False)
    partial = "left_out" in side
    if partial:
        shown = have.size
        want, known = want.ravel()[:shown], known.ravel()[:shown]
        low, high = (a if a is None else a.ravel()[:shown] for a in (low, high))
    kink = np.zeros(want.shape, bool) if low is None or high is None else known & (low != high)
    if not known.any():
        return None
    held = _held(want, dtype)
    surely, hardly = close(have, held, dtype, 0.9), close(have, held, dtype, 1.1, truth.error)
    # Near the greatest number of a dtype it may round up to infinity.
    edge = np.abs(want) > 0.999 * _GREATEST.get(dtype, np.inf)
    hardly |= edge
    if kink.any():
        assert low is not None
        assert high is not None
        with np.errstate(all="ignore"):
            between = (have >= low) & (have <= high)
        surely = np.where(kink, between | close(have, low, dtype, 0.9) | close(have, high, dtype, 0.9), surely)
        hardly = np.where(
            kink,
            between | close(have, low, dtype, 1.1, truth.error) | close(have, high, dtype, 1.1, truth.error),
            hardly,
        )
    with np.errstate(all="ignore"):
        relative = np.abs(have - held) / np.abs(held)
    half = np.sqrt(_DIGITS.get(dtype, 1.0)) * 0.25
    return Stand(
        off=bool(np.any(known & ~hardly)),
        right=bool(np.all(known & surely)) and not partial,
        lost=bool(np.any(known & (relative > half))),
        kink=bool(np.any(kink & hardly)),
        overflow=bool(np.any(known & np.isfinite(held) & ~np.isfinite(have) & ~kink)),
        infinite=bool(np.any(known & np.isinf(held))),
    )


def _parted(sides: list[dict[str, Any]]) -> bool | None:
    """Whether two sides part, by their numbers alone; None where the report shows too few of them."""
    left, right = sides
    if left["shape"] != right["shape"]:
        return True
    if left["dtype"] != right["dtype"]:
        return True
    a, b, dtype = numbers(left["values"]), numbers(right["values"]), left["dtype"]
    if not np.all(close(a, b, dtype, 1.0 + 1e-9)):
        return True
    return None if "left_out" in left or not np.all(close(a, b, dtype, 1.0 - 1e-9)) else False


class _Hearing:
    """One case before the judge."""

    def __init__(self, case: Case, tally: Tally, again: list[tuple[Case, str, str]]) -> None:
        self.case, self.tally, self.again = case, tally, again

    def hear(self, scenario: dict[str, Any] | None, problem: str) -> None:
        tally, case = self.tally, self.case
        if scenario is None:
            # Refused while it was read, with a reason: no side was asked anything.
            tally.declined["tfpt"] += 1
            tally.note("not read" if problem else "refused", case, words=problem or "not in the report")
            tally.refused += not problem
            return
        for side, message in {f["framework"]: f["message"] for f in reversed(scenario["failures"])}.items():
            self.failed(side, message, scenario)
        seen = set()
        for comparison in scenario["comparisons"]:
            if comparison["quantity"] in seen:
                continue  # the other ways of a framework
            seen.add(comparison["quantity"])
            self.compare(comparison, scenario)

    def failed(self, side: str, message: str, scenario: dict[str, Any]) -> None:
        """A side that was refused: our fault where the framework itself takes the input, or where we wrote the code.

        What a row declares that a framework refuses is the framework's own, and so is what it says of code that was given.
        """
        known = any(comparison["known_differences"] for comparison in scenario["comparisons"])
        written = "of" in self.case.document["gradient"]
        if side in self.case.taken or (written and not known and not _declared(self.case)):
            self.tally.refused += 1
            self.tally.note("refused", self.case, side=side, words=message)
        else:
            self.tally.declined[side] += 1

    def compare(self, comparison: dict[str, Any], scenario: dict[str, Any]) -> None:
        tally, case, quantity = self.tally, self.case, comparison["quantity"]
        sides = [comparison.get(side, {"state": "absent"}) for side in SIDES]
        tally.quantities += 1
        truth = case.truths.get(quantity)
        for name, side in zip(SIDES, sides, strict=True):
            if side["state"] == "failed" and not scenario["failures"]:
                self.failed(name, side.get("note", ""), scenario)
        if all(side["state"] == "present" for side in sides):
            self.verdict(comparison, sides)
        if case.altered:
            self.plant(comparison, sides, scenario)
            return
        for name, side in zip(SIDES, sides, strict=True):
            if side["state"] == "present" and truth is not None:
                self.blame(comparison, name, side, truth, scenario)

    def verdict(self, comparison: dict[str, Any], sides: list[dict[str, Any]]) -> None:
        """A verdict may not contradict the numbers that stand beside it."""
        tally, case, quantity = self.tally, self.case, comparison["quantity"]
        agrees = comparison["verdict"] in ("identical", "close")
        parted = _parted(sides)
        if agrees and parted:
            tally.false_agreements += 1
            tally.note("false agreement", case, quantity, words="the numbers part")
        declared = {"unstable", "subnormal", "ways"} & set(comparison["diagnosis"])
        if comparison["verdict"] == "differs" and parted is False and not declared:
            tally.false_differences += 1
            tally.note("false difference", case, quantity, words=comparison.get("reason", ""))

    def plant(self, comparison: dict[str, Any], sides: list[dict[str, Any]], scenario: dict[str, Any]) -> None:
        """A planted mistake must be seen where it alters the numbers, and nobody but the altered side be called wrong."""
        tally, case, quantity = self.tally, self.case, comparison["quantity"]
        truth = case.truths.get(quantity)
        altered = dict(zip(SIDES, sides, strict=True))[str(case.altered)]
        other = next(side for side in SIDES if side != case.altered)
        if truth is None or altered["state"] != "present":
            return
        stand = standing(altered, truth)
        wrong_dtype = altered["dtype"] != case.document["dtype"]
        agrees = comparison["verdict"] in ("identical", "close")
        visible = wrong_dtype or (stand is not None and stand.off)
        if visible and agrees:
            tally.false_agreements += 1
            tally.note("false agreement", case, quantity, words=f"a planted mistake ({case.plant}) was not seen")
        if not visible and not agrees and stand is not None and stand.right:
            tally.false_differences += 1
            tally.note("false difference", case, quantity, str(case.altered), comparison.get("reason", ""))
        if not visible and "different function" in comparison["diagnosis"]:
            tally.wrong += 1
            tally.note("blame wrong", case, quantity, "", "a rounding of one place is called a different function")
        if case.plant in ("ulp",) or wrong_dtype:
            return
        reference = comparison.get("reference", {})
        standings = {side: reference.get(side, {}).get("standing") for side in SIDES}
        whole = dict(zip(SIDES, sides, strict=True))[other]
        true = standing(whole, truth) if whole["state"] == "present" else None
        rounded = true is not None and (true.off or true.lost)
        blamed = standings[other] in ("wrong", "convention") or (standings[other] == "rounding" and not rounded)
        if "both wrong" in comparison["diagnosis"] or blamed:
            tally.wrong += 1
            tally.note("blame wrong", case, quantity, other, f"the side that is right is called {standings[other]}")
        elif standings[other] in ("right", "rounding"):
            tally.right += 1
        else:
            self.silence(comparison, other, scenario, standings[other])
        if not visible:
            return
        own = "values_by_side" in reference
        if standings[str(case.altered)] == "right" and not own:
            tally.wrong += 1
            tally.note("blame wrong", case, quantity, str(case.altered), "the altered side is called right")
        elif standings[str(case.altered)] in ("right", "wrong", "rounding", "overflow"):
            tally.right += 1
        else:
            self.silence(comparison, str(case.altered), scenario, standings[str(case.altered)])

    def blame(
        self, comparison: dict[str, Any], name: str, side: dict[str, Any], truth: Truth, scenario: dict[str, Any]
    ) -> None:
        tally, case, quantity = self.tally, self.case, comparison["quantity"]
        stand = standing(side, truth)
        if stand is None:
            tally.unjudged += 1
            return
        said = comparison.get("reference", {}).get(name, {}).get("standing")
        complaint = _complaint(said, stand, truth)
        if said == "right" and stand.off and comparison["reference"][name].get("unknown"):
            complaint = None  # right as far as it is known, and what is not known is counted
        if said in (None, "unknown"):
            self.silence(comparison, name, scenario, said)
        elif complaint is None:
            tally.unjudged += 1
        elif complaint:
            tally.wrong += 1
            tally.note("blame wrong", case, quantity, name, f"called {said}: {complaint}{_shown(side, truth)}")
        elif said == "rounding" and case.document["dtype"] in ("float32", "complex64"):
            self.again.append((case, quantity, name))
        else:
            tally.right += 1
        if "both wrong" in comparison["diagnosis"] and stand.right and said != "wrong":
            tally.wrong += 1
            tally.note("blame wrong", case, quantity, name, f"both wrong, and this side is right{_shown(side, truth)}")

    def silence(self, comparison: dict[str, Any], side: str, scenario: dict[str, Any], said: str | None) -> None:
        if self.case.plant == "nan" and side == self.case.altered:
            self.tally.unjudged += 1  # what is not a number has no derivative
            return
        reason = _silence(comparison, scenario, said)
        self.tally.silent[reason] += 1
        self.tally.note("silent", self.case, comparison["quantity"], side, reason)


def _declared(case: Case) -> bool:
    """Whether a row that takes part declares that a side refuses something of it, or not to have the dtype."""
    rows = [row for name in case.operations if (row := dictionary().operations.get(name.split("(")[0])) is not None]
    dtype = case.document["dtype"]
    if any(not row.differentiable for row in rows) and case.document["gradient"].get("derivatives") != []:
        return True
    return any(
        dtype not in row.dtypes or any(part.verdict == "error" for part in (*row.parts, *row.edges)) for row in rows
    )


def _complaint(said: str | None, stand: Stand, truth: Truth) -> str | None:
    """What is wrong with a standing; empty where nothing is, None where the truth cannot tell."""
    unsure = not truth.known.all()
    if said == "right":
        return "it is off" if stand.off else ""
    if said == "wrong":
        if stand.off:
            return ""
        return "it is right" if stand.right else None
    if said == "rounding":
        if stand.overflow:
            return "it is not finite where the truth is"
        if stand.off or stand.lost:
            return ""
        return None if unsure else "it is right to more than half of its digits"
    if said == "convention":
        if stand.off:
            return "it is off"
        return "" if stand.kink or unsure else "there is no kink"
    if said == "overflow":
        return "" if stand.overflow or stand.infinite or unsure else "nothing overflowed"
    return ""


def _shown(side: dict[str, Any], truth: Truth) -> str:
    have = numbers(side["values"]).ravel()[:8].tolist()
    return f": {have} against {truth.value.ravel()[:8].tolist()}"


def _silence(comparison: dict[str, Any], scenario: dict[str, Any], said: str | None) -> str:
    """The reason for a silence, as the report gives it."""
    if said == "unknown":
        finite = all("nan" not in str(comparison[s].get("kinds")) and "inf" not in str(comparison[s].get("kinds"))
                     for s in SIDES if s in comparison)  # fmt: skip
        return "unknown, finite numbers" if finite else "unknown, beside a number that is not finite"
    notes = [
        re.sub(r"by [\d,]+ numbers", "by many numbers", note)
        for note in scenario.get("notes", [])
        if "reference" in note
    ]
    return notes[0].strip() if notes else "no word and no reason"


def _in_double(case: Case) -> Case:
    dtype = {"float32": "float64", "complex64": "complex128"}[case.document["dtype"]]
    return replace(case, document={**case.document, "dtype": dtype})


def _rounding(case: Case, quantity: str, side: str, scenario: dict[str, Any] | None, tally: Tally) -> None:
    """Whether what is called rounding is gone in double precision."""
    comparisons = scenario["comparisons"] if scenario else []
    found = next((c[side] for c in comparisons if c["quantity"] == quantity and side in c), None)
    if found is None or found["state"] != "present":
        tally.unjudged += 1
        return
    truth = case.truths[quantity]
    stand = standing({**found, "dtype": case.document["dtype"]}, truth)
    if stand is None or not stand.off:
        tally.right += 1
        return
    finite = np.isfinite(numbers(found["values"])).all()
    words = "off in double precision too" if finite else "not finite in double precision either"
    tally.wrong += 1
    tally.note("blame wrong", case, quantity, side, f"called rounding: {words}{_shown(found, truth)}")
