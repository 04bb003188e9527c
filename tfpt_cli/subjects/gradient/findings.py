"""What the reference says of one comparison: in words, as findings, and as words of the diagnosis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tfpt_cli.compare.arbiter import MAX_KINKS, Evidence, Judgement
from tfpt_cli.compare.distance import PRECISION, close
from tfpt_cli.compare.values import limits
from tfpt_cli.results import (
    Comparison,
    Diagnosis,
    Finding,
    Kind,
    Kink,
    Reference,
    Standing,
    State,
    Tolerance,
    Value,
    Verdict,
    Way,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side


@dataclass(frozen=True)
class Hearing:
    """A comparison, and all that is known of it: what the sides computed, what the reference has, and its judgement of each.

    `evidence` is by whose function it is, under an empty key where both sides mean the same. `parted` says where the sides part,
    None where they agree or cannot be laid beside each other. Only when it is `final`, after the second round, is a side called
    wrong.
    """

    comparison: Comparison
    reference: Reference
    sides: Mapping[Side, tuple[Way, Value]]
    evidence: Mapping[str, Evidence]
    judged: Mapping[Side, Judgement]
    parted: NDArray[np.bool_] | None
    tolerance: Tolerance | None
    final: bool

    @property
    def standings(self) -> dict[Side, Standing]:
        """The standing of each side against the reference."""
        return {side: against.standing for side, against in self.reference.sides.items()}

    def by_its_own(self, side: Side) -> bool:
        """Whether a side is held against differences of what it computes itself."""
        known = self.evidence.get("", self.evidence.get(side))
        return known is not None and known.own

    def standing(self, standing: Standing) -> list[Side]:
        """The sides that have this standing against the reference."""
        return [side for side, found in self.standings.items() if found is standing]


def with_findings(hearing: Hearing) -> Comparison:
    """The comparison with what the reference says of it."""
    comparison = hearing.comparison
    agrees = comparison.verdict.agrees
    findings: list[Finding] = []
    diagnosis = list(comparison.diagnosis)
    if kinks := _kinks(hearing):
        findings.append(Finding(Kind.KINK, _kink_words(hearing, kinks)))
        diagnosis.append(Diagnosis.KINK)
    wrong = hearing.standing(Standing.WRONG) if hearing.final else []
    if len(wrong) == len(hearing.sides) and agrees:
        diagnosis.append(Diagnosis.BOTH_WRONG)
        own = all(hearing.by_its_own(side) for side in wrong)
        words = "neither derivative is that of its own value" if own else "both are wrong"
        findings.append(Finding(Kind.BOTH_WRONG, f"both sides agree, and {words}: {_off(hearing, wrong[0])}"))
    elif wrong or not (agrees or Diagnosis.SUBNORMAL in diagnosis):
        findings += _of_sides(hearing)
    if comparison.flushed:
        return replace(comparison, findings=tuple(findings), diagnosis=tuple(diagnosis))
    rounding = [side.label for side in hearing.standing(Standing.ROUNDING)]
    if rounding and agrees:
        words = (
            f"{' and '.join(rounding)} lose{'s' * (len(rounding) == 1)} digits here: right in double precision, off "
        )
        findings.append(Finding(Kind.ROUNDING, f"{words}the reference in this dtype"))
        diagnosis.append(Diagnosis.ROUNDING)
    overflow = hearing.standing(Standing.OVERFLOW)
    if overflow and agrees:
        findings += [_overflow(hearing, side) for side in overflow]
        diagnosis.append(Diagnosis.OVERFLOW)
    if (rounding or wrong or not agrees) and (words := _condition_words(hearing)):
        findings.append(Finding(Kind.CONDITION, words))
        diagnosis.append(Diagnosis.ILL_CONDITIONED)
    return replace(comparison, findings=tuple(findings), diagnosis=tuple(diagnosis))


def _condition_words(hearing: Hearing) -> str:
    """A sentence for when rounding the inputs alone costs more digits than are allowed; empty where it does not."""
    condition = hearing.reference.condition
    dtype = next(value.dtype for _, value in hearing.sides.values() if value.state is State.PRESENT)
    if condition is None or dtype not in PRECISION:
        return ""
    lost = condition * 2.0 ** -(PRECISION[dtype] + 1)
    if not np.isfinite(lost) or lost <= limits(hearing.tolerance, dtype)[0]:
        return ""
    words = f"a relative change of the inputs comes out {condition:.2g} times larger, so {dtype} can give"
    return f"ill-conditioned: {words} {max(lost, 1e-16):.1g} of relative error without any mistake"


def _kinks(hearing: Hearing) -> tuple[Kink, ...]:
    """The kinks that matter: where the sides part, or where one that agrees is not simply right."""
    kinks = hearing.reference.kinks
    if not kinks or _other_functions(hearing.evidence).any():
        return ()  # each side's own function has its own
    where = hearing.parted
    if where is None and hearing.comparison.verdict is Verdict.DIFFERS:
        return ()  # a side without a number has no convention
    if where is None:
        where = np.logical_or.reduce([found.wrong | found.convention for found in hearing.judged.values()])
    return tuple(kink for kink in kinks if where[kink.index])


def _kink_words(hearing: Hearing, kinks: tuple[Kink, ...]) -> str:
    kink, parted = kinks[0], hearing.parted
    place = f" at [{', '.join(map(str, kink.index))}]" if kink.index else ""
    more = f" and at {len(kinks) - 1} more" if len(kinks) > 1 else ""
    words = f"a kink{place}{more}: {kink.left:.6g} from the left, {kink.right:.6g} from the right"
    elsewhere = parted is not None and np.count_nonzero(parted) > len(kinks) < MAX_KINKS
    if elsewhere or hearing.standing(Standing.WRONG):
        return words
    return f"{words}; both conventions are legitimate" if len(hearing.standings) > 1 else words


def _of_sides(hearing: Hearing) -> Iterator[Finding]:
    """The findings of the reference on each side where they part, or where one is wrong."""
    parted, final = hearing.parted, hearing.final
    known = {side: found.known if parted is None else found.known[parted] for side, found in hearing.judged.items()}
    own = "" not in hearing.evidence and len(hearing.evidence) == len(hearing.judged) == len(hearing.sides)
    sure = all(where.all() for where in known.values())
    right = set(hearing.standings.values()) <= {Standing.RIGHT, Standing.CONVENTION}
    if own and sure and right and parted is not None and (parted & _other_functions(hearing.evidence)).any():
        yield Finding(Kind.FUNCTIONS, "each side computes its own function right: they are different functions")
        return
    if final and parted is not None and not any(where.any() for where in known.values()):
        yield Finding(Kind.UNKNOWN, "the reference has nothing that is sure enough where the sides part")
    for side, standing in hearing.standings.items():
        where, name, against = known[side], side.label, hearing.reference.sides[side]
        own = hearing.by_its_own(side)
        found, value = hearing.judged[side], hearing.sides[side][1]
        if standing is Standing.WRONG and final:
            what = f"the derivative of {name} is not that of its own value" if own else f"{name} is off the reference"
            yield Finding(Kind.OFF, f"{what}: {_off(hearing, side)}", side)
        elif standing is Standing.OVERFLOW:
            yield _overflow(hearing, side)
        elif standing is Standing.UNKNOWN and against.off and final:
            words = f"{name} is off the reference: {_off(hearing, side)}; whether by rounding is not known"
            yield Finding(Kind.OFF, words, side)
        elif standing in (Standing.RIGHT, Standing.ROUNDING) and where.any():
            measured = f" ({_ulp_text(against.ulps)})" if against.ulps is not None else ""
            words = "is off by rounding alone"
            if standing is Standing.RIGHT:
                words = "gives the derivative of its own value" if own else "agrees with the reference"
            if standing is Standing.ROUNDING and (found.wrong & ~np.isfinite(np.asarray(value.array))).any():
                words += f": on the way a number too small for {value.dtype} became zero"
            some = f" in {np.count_nonzero(where):,} of {where.size:,} values; the rest is unknown"
            yield Finding(Kind.RIGHT, f"{name} {words}{measured}{'' if where.all() else some}", side)
        elif standing is Standing.CONVENTION and where.all() and hearing.standing(Standing.WRONG):
            yield Finding(Kind.RIGHT, f"{name} lies between the derivatives from the left and from the right", side)


def _overflow(hearing: Hearing, side: Side) -> Finding:
    """`TensorFlow overflows: inf against 2.7e+43 (50 digits, mpmath), which float32 does not have`."""
    dtype, off = hearing.sides[side][1].dtype, _off(hearing, side)
    if hearing.judged[side].beyond.any():
        words = f"{side.label} overflows: {off}, which {dtype} does not have"
    else:
        words = f"{side.label} leaves the range of {dtype} on the way: {off}, right in double precision"
    return Finding(Kind.OVERFLOW, words, side)


def _off(hearing: Hearing, side: Side) -> str:
    """`0.0 against 4.0 at [0, 0] (50 digits, mpmath)`."""
    index = hearing.reference.sides[side].worst_index or ()
    known = hearing.evidence.get("", hearing.evidence.get(side))
    assert known is not None
    have, want = np.asarray(hearing.sides[side][1].array)[index], known.best[index]
    words = f"{want:.6g}"
    if np.isnan(want) and known.left is not None and known.right is not None:
        left, right = known.left[index], known.right[index]
        only = right if np.isnan(left) else left
        both = not np.isnan(left) and not np.isnan(right) and left != right
        words = f"{left:.6g} from the left and {right:.6g} from the right" if both else f"{only:.6g}"
    place = f" at [{', '.join(map(str, index))}]" if index else ""
    return f"{have:.6g} against {words}{place} ({known.method})"


def _other_functions(evidence: Mapping[str, Evidence]) -> NDArray[np.bool_]:
    """The entries where the functions that the two sides compute have other numbers, as far as both are known.

    At a kink neither has a number.
    """
    first, *others = evidence.values()
    apart = np.zeros(first.best.shape, bool)
    for other in others:
        if other.best.shape != first.best.shape:
            return np.ones(first.best.shape, bool)
        known = ~np.isnan(first.best) & ~np.isnan(other.best) if first.derivative else np.ones(apart.shape, bool)
        apart |= known & ~close(first.best, other.best, 1e-6, 1e-6)
    return apart


def _ulp_text(ulps: float) -> str:
    return f"{ulps:.1f} ULP" if ulps < 1000 else f"{ulps:.2g} ULP"
