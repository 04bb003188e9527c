"""How the quantities of a gradient scenario compare: side against side, way against way, and both against the reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.arbiter import MAX_KINKS, Evidence, found_kinks, judge
from tfpt_cli.compare.summary import SHOWN
from tfpt_cli.compare.values import PRECISION, compare_values, limits, measure
from tfpt_cli.dictionary.rows import unstable_operations
from tfpt_cli.results import (
    FRAMEWORKS,
    LABELS,
    REFERENCE,
    Against,
    Comparison,
    Outcome,
    Reference,
    Standing,
    State,
    Tolerance,
    Value,
    Verdict,
)
from tfpt_cli.subjects.gradient.reference import (
    ALONG,
    AT_NAN,
    CONDITION,
    DIRECTION,
    DOUBLE,
    ERROR,
    EXACT,
    ITSELF,
    LEFT,
    RIGHT,
    leaf_of,
)
from tfpt_cli.subjects.gradient.writer import quantities_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tfpt_cli.subjects.gradient.spec import Gradient

Way = tuple[str, Value]


def doubtful(comparison: Comparison) -> bool:
    """Whether a second look is worth its time: values that part, or a side that is off the reference."""
    parted = comparison.verdict is Verdict.DIFFERS and comparison.measure is not None and comparison.measure.mismatched
    arbiter = comparison.reference
    if arbiter is None:
        return bool(parted)
    off = any(against.off or against.lost for against in arbiter.sides.values())
    unsure = any(
        against.standing is Standing.UNKNOWN and _not_finite(comparison, framework)
        for framework, against in arbiter.sides.items()
    )
    return bool(parted) or off or unsure


def _not_finite(comparison: Comparison, framework: str) -> bool:
    summary = comparison.sides[framework].values
    return not bool(np.all(np.isfinite(np.asarray(summary, dtype=complex)))) if summary is not None else False


class Court:
    """Compares the outcomes of one scenario; `again` holds those of the second look, where there was one."""

    def __init__(
        self, spec: Gradient, outcomes: dict[str, Outcome], tolerance: Tolerance | None, again: dict[str, Outcome]
    ) -> None:
        self.spec, self.outcomes, self.tolerance, self.again = spec, outcomes, tolerance, again
        self.judged: dict[tuple[str, int], Against] = {}
        arbiter = outcomes.get(REFERENCE)
        self.reference: dict[tuple[str, str], Value] = dict(arbiter.values) if arbiter else {}
        if REFERENCE in again:
            later = {key: value for key, value in again[REFERENCE].values.items() if value.state is State.PRESENT}
            self.reference |= later

    def comparisons(self) -> list[Comparison]:
        """One comparison for every way on either side, each against the other side's first way."""
        # An outcome holds every quantity of its listing, in order: the listings need not be written again.
        names = dict.fromkeys(quantity for framework in FRAMEWORKS for quantity, _ in self.outcomes[framework].values)
        return [self.compare(name, sides) for name in names for sides in self.pairs(name)]

    def ways(self, quantity: str, framework: str) -> list[Way]:
        values = self.outcomes[framework].values
        return [(how, v) for (q, how), v in values.items() if q == quantity and v.state is not State.SKIPPED]

    def pairs(self, quantity: str) -> Iterator[dict[str, Way]]:
        """The comparisons of a quantity that each side may have computed in several ways: by framework, (way, value).

        Each way is held against the other side's first one, so that every way is in a row and closeness, which is not
        transitive, is never inferred.
        """
        left, right = (self.ways(quantity, framework) for framework in FRAMEWORKS)
        if not left or not right:
            return
        rows = [(way, right[0]) for way in left] + [(left[0], way) for way in right[1:]]
        for row in rows:
            yield dict(zip(FRAMEWORKS, row, strict=True))

    def compare(self, quantity: str, sides: dict[str, Way]) -> Comparison:
        comparison = compare_values(quantity, sides, self.tolerance)
        if comparison.measure is not None and (words := self.unstable(quantity)):
            return replace(
                comparison, verdict=Verdict.DIFFERS, reason=words, diagnosis=("unstable",), measure=None, errors=()
            )
        comparison = self.among_themselves(quantity, sides, comparison)
        comparison = self.before_the_reference(quantity, sides, comparison)
        return self.rounding_or_meaning(quantity, sides, comparison)

    def among_themselves(self, quantity: str, sides: dict[str, Way], comparison: Comparison) -> Comparison:
        """Whether a framework's way agrees with that framework's own first way, said where it does not."""
        for framework, (how, value) in sides.items():
            first, usual = self.ways(quantity, framework)[0]
            if how == first or comparison.verdict.agrees or value.state is State.FAILED:
                continue
            if not self.same(usual, value):
                words = f"{LABELS[framework]} does not agree with itself: {first or 'eager'} and {how} part"
                reason = "; ".join(filter(None, (comparison.reason, words)))
                comparison = replace(comparison, reason=reason, diagnosis=(*comparison.diagnosis, "ways"))
        return comparison

    def unstable(self, quantity: str) -> str:
        """Why a quantity has no one value on a side: an operation's answer at NaN that depends on the place in a vector.

        Then the sides differ, whatever they answered at this place on this machine.
        """
        by = [(o.value, q[quantity]) for o in self.spec.outputs if quantity in (q := quantities_of(o, self.spec))]
        for row in unstable_operations() if by else ():
            for part in row.unstable:
                of_value = "value" in part.quantities
                sources = [(value, name) for value, names in by for name in (names or ([""] if of_value else []))]
                asked = [
                    self.present(value, f"{AT_NAN} {row.name} {name}".strip(), whose)
                    for value, name in sources
                    for whose in ("", part.unstable)
                ]
                if any(found is not None and found.any() for found in asked):
                    what = row.name if of_value else f"the derivative of {row.name}"
                    return (
                        f"{LABELS[part.unstable]}'s answer for {what} at NaN depends on the place in the array and on the "
                        "processor: it does not agree with itself"
                    )
        return ""

    @staticmethod
    def same(left: Value, right: Value) -> bool:
        """Whether two values agree at the usual tolerance of their dtypes."""
        if left.state is not State.PRESENT or right.state is not State.PRESENT:
            return left.state is right.state
        if left.array.shape != right.array.shape:
            return False
        rtol, atol = limits(None, left.dtype, right.dtype)
        return not measure(left.array, right.array, rtol, atol, left.dtype).mismatched

    # ---- the reference ----

    def before_the_reference(self, quantity: str, sides: dict[str, Way], comparison: Comparison) -> Comparison:
        """The comparison with what the reference says of it."""
        evidence = {
            whose: found for whose in ("", *FRAMEWORKS) if (found := self.evidence(quantity, whose)) is not None
        }
        verdicts: dict[str, Against] = {}
        for framework, (_, value) in sides.items():
            known = evidence.get("", evidence.get(framework))
            if value.state is State.PRESENT and known is not None:
                key = framework, id(value)  # a side's first way stands in the row of each of the other's
                if key not in self.judged:
                    self.judged[key] = judge(value, known, self.tolerance)
                verdicts[framework] = self.judged[key]
        if not verdicts:
            along = self.along(quantity, sides)
            return comparison if along is None else self.along_in_words(replace(comparison, reference=along))
        verdicts = {f: self.maybe_rounding(quantity, f, sides[f], found, evidence) for f, found in verdicts.items()}
        any_value = next(value for _, value in sides.values() if value.state is State.PRESENT)
        first = next(iter(evidence.values()))
        errors = [
            np.nanmax(e.error) for e in evidence.values() if e.error is not None and not np.all(np.isnan(e.error))
        ]
        condition = self.present(quantity, CONDITION)
        edges = found_kinks(first, any_value.dtype) if first.derivative else ()
        reference = Reference(
            method=self.method(first),
            values={whose: _shown(found.best) for whose, found in evidence.items()},
            left_out=max(first.best.size - SHOWN, 0),
            error=float(max(errors)) if errors and first.exact is None else None,
            sides=verdicts,
            kinks=edges,
            one_sided=(_shown(first.left), _shown(first.right)) if edges else None,  # type: ignore[arg-type]
            condition=None if condition is None else _greatest(condition),
        )
        return self.with_findings(replace(comparison, reference=reference), sides, evidence)

    def evidence(self, quantity: str, whose: str) -> Evidence | None:
        exact = self.present(quantity, EXACT, whose)
        value = self.present(quantity, ITSELF, whose)
        if value is None and exact is None:
            return None
        sided = {}
        for side in (LEFT, RIGHT):
            sure = self.present(quantity, f"{EXACT} {side}", whose)
            sided[side] = sure if sure is not None else self.sided(quantity, side, whose)
        output_values = {output.value for output in self.spec.outputs}
        return Evidence(
            value if value is not None else np.asarray(exact),
            self.present(quantity, ERROR, whose),
            exact,
            sided[LEFT],
            sided[RIGHT],
            derivative=quantity not in output_values,
        )

    def sided(self, quantity: str, side: str, whose: str) -> NDArray[Any] | None:
        """A one-sided derivative in float64, NaN where its error estimate says that there is none."""
        value, error = self.present(quantity, side, whose), self.present(quantity, f"{side} {ERROR}", whose)
        if value is None or error is None:
            return None
        with np.errstate(all="ignore"):
            return np.where(error <= 1e-4 * np.maximum(np.abs(value), 1), value, np.nan)

    def present(self, quantity: str, what: str, whose: str = "") -> NDArray[Any] | None:
        value = self.reference.get((quantity, leaf_of(what, whose)))
        return value.array if value is not None and value.state is State.PRESENT else None

    def method(self, evidence: Evidence) -> str:
        if evidence.exact is not None:
            return "50 digits, mpmath"
        return "differences, float64" if evidence.derivative else "NumPy float64"

    def maybe_rounding(
        self, quantity: str, framework: str, way: Way, found: Against, evidence: dict[str, Evidence]
    ) -> Against:
        """A side that is off the reference, held to be rounding where it is right when run in double precision."""
        known = evidence.get("", evidence.get(framework))
        double = self.again[framework].values.get((quantity, way[0])) if framework in self.again else None
        dtype = way[1].dtype
        off = found.standing is Standing.WRONG or found.lost
        if not off or known is None or double is None or double.state is not State.PRESENT:
            return found
        if np.any(np.isfinite(known.best) & ~np.isfinite(np.asarray(double.array))):
            return found  # what is no number in double precision either was not lost to rounding
        # Both at the scenario's own numbers, which the narrower dtype does not hold.
        whose = "" if "" in evidence else framework
        value = self.present(quantity, DOUBLE, whose)
        if value is not None:
            known = Evidence(value, self.present(quantity, f"{DOUBLE} {ERROR}", whose), derivative=known.derivative)
        again = judge(double, known, Tolerance(*limits(None, dtype)))
        better = again.max_abs is None or found.max_abs is None or again.max_abs <= found.max_abs / 10
        return replace(found, standing=Standing.ROUNDING) if not again.off and better else found

    def along(self, quantity: str, sides: dict[str, Way]) -> Reference | None:
        """A large gradient held against the reference along one direction."""
        want, error = self.present(quantity, ALONG), self.present(quantity, f"{ALONG} {ERROR}")
        if want is None or error is None:
            return None
        names = [name for (name, how) in self.reference if how == DIRECTION]
        wanted = float(np.real(want))
        verdicts = {}
        for framework in FRAMEWORKS:
            total, slack = 0.0, float(error)
            for name in names:
                direction = self.present(name, DIRECTION)
                value = sides[framework][1] if name == quantity else self.ways(name, framework)[0][1]
                if direction is None or value.state is not State.PRESENT or value.array.shape != direction.shape:
                    break
                rtol, atol = limits(self.tolerance, value.dtype)
                # By the real part of an input and by its imaginary one; the gradient holds both.
                products = np.real(np.conj(value.array.astype(direction.dtype)) * direction)
                total += float(products.sum())
                slack += rtol * float(np.abs(products).sum()) + atol * float(np.sqrt(products.size))
            else:
                apart = abs(total - wanted)
                right = apart <= slack or (np.isnan(total) and np.isnan(wanted))
                standing = Standing.RIGHT if right else Standing.WRONG
                verdicts[framework] = Against(standing, int(not right), None, apart)
        if not verdicts:
            return None
        method = "differences along a random direction, float64"
        return Reference(method, {"": wanted}, 0, float(error), verdicts)

    def along_in_words(self, comparison: Comparison) -> Comparison:
        """What the one derivative along a direction says of a large gradient, where a side is off."""
        sides = comparison.reference.sides if comparison.reference is not None else {}
        off = {f: against.max_abs for f, against in sides.items() if against.standing is Standing.WRONG}
        if not off or not self.again:
            return comparison
        both = len(off) == len(FRAMEWORKS) and comparison.verdict.agrees
        names = " and ".join(LABELS[framework] for framework in off)
        apart = max(distance or 0.0 for distance in off.values())
        by = f"by {apart:.3g}" if np.isfinite(apart) else "and not a finite number"
        words = f"{names} off the reference along a random direction, {by}"
        diagnosis = (*comparison.diagnosis, "both wrong") if both else comparison.diagnosis
        return replace(comparison, findings=(words,), diagnosis=diagnosis)

    def with_findings(self, comparison: Comparison, sides: dict[str, Way], evidence: dict[str, Evidence]) -> Comparison:
        """What the reference says, in words, and as words of the diagnosis."""
        reference = comparison.reference
        assert reference is not None
        standings = {framework: against.standing for framework, against in reference.sides.items()}
        findings: list[str] = []
        diagnosis = list(comparison.diagnosis)
        if reference.kinks and (not comparison.verdict.agrees or set(standings.values()) != {Standing.RIGHT}):
            findings.append(_kink_words(reference))
            diagnosis.append("kink")
        wrong = [f for f, standing in standings.items() if standing is Standing.WRONG]
        if not self.again:
            wrong = []  # the second look decides
        if len(wrong) == len(FRAMEWORKS) and comparison.verdict.agrees:
            diagnosis.append("both wrong")
            findings.append(f"both sides agree, and both are wrong: {self.off(wrong[0], sides, reference, evidence)}")
        elif wrong or (not comparison.verdict.agrees and "subnormal" not in diagnosis):
            findings += self.sides_in_words(comparison, sides, evidence, standings)
        if "subnormal" in comparison.reason:
            return replace(comparison, findings=tuple(findings), diagnosis=tuple(diagnosis))
        rounding = [LABELS[f] for f, standing in standings.items() if standing is Standing.ROUNDING]
        if rounding and comparison.verdict.agrees:
            findings.append(f"{' and '.join(rounding)} lose{'s' * (len(rounding) == 1)} digits here: "
                            "right in double precision, off the reference in this dtype")  # fmt: skip
            diagnosis.append("rounding")
        dtype = next(value.dtype for _, value in sides.values() if value.state is State.PRESENT)
        if (
            reference.condition is not None
            and dtype in PRECISION
            and (rounding or wrong or not comparison.verdict.agrees)
        ):
            lost = reference.condition * 2.0 ** -(PRECISION[dtype] + 1)
            if np.isfinite(lost) and lost > limits(self.tolerance, dtype)[0]:
                findings.append(
                    f"ill-conditioned: a relative change of the inputs comes out {reference.condition:.2g} times larger, "
                    f"so {dtype} can give {max(lost, 1e-16):.1g} of relative error without any mistake"
                )
                diagnosis.append("ill-conditioned")
        return replace(comparison, findings=tuple(findings), diagnosis=tuple(diagnosis))

    def sides_in_words(
        self,
        comparison: Comparison,
        sides: dict[str, Way],
        evidence: dict[str, Evidence],
        standings: dict[str, Standing],
    ) -> Iterator[str]:
        reference = comparison.reference
        assert reference is not None
        own = "" not in evidence and len(evidence) == len(standings) == len(FRAMEWORKS)
        if own and set(standings.values()) == {Standing.RIGHT}:
            yield "each side computes its own function right: they are different functions"
            return
        for framework, standing in standings.items():
            if standing is Standing.WRONG and self.again:
                yield f"{LABELS[framework]} is off the reference: {self.off(framework, sides, reference, evidence)}"
            elif standing in (Standing.RIGHT, Standing.ROUNDING):
                ulps = reference.sides[framework].ulps
                measured = f" ({_ulp_text(ulps)})" if ulps is not None else ""
                words = "agrees with the reference" if standing is Standing.RIGHT else "is off by rounding alone"
                yield f"{LABELS[framework]} {words}{measured}"

    def off(self, framework: str, sides: dict[str, Way], reference: Reference, evidence: dict[str, Evidence]) -> str:
        """`0.0 against 4.0 at [0, 0] (50 digits, mpmath)`."""
        index = reference.sides[framework].worst_index or ()
        known = evidence.get("", evidence.get(framework))
        assert known is not None
        have, want = np.asarray(sides[framework][1].array)[index], known.best[index]
        if np.isnan(want) and known.left is not None and known.right is not None:
            want = known.right[index] if np.isnan(known.left[index]) else known.left[index]
        place = f" at [{', '.join(map(str, index))}]" if index else ""
        return f"{have:.6g} against {want:.6g}{place} ({reference.method})"

    # ---- rounding or meaning ----

    def rounding_or_meaning(self, quantity: str, sides: dict[str, Way], comparison: Comparison) -> Comparison:
        """A mismatch of numbers is run again in double precision: `rounding` if it vanishes, else `different function`."""
        parted = comparison.measure is not None and comparison.measure.mismatched
        if comparison.verdict is not Verdict.DIFFERS or not parted or "subnormal" in comparison.diagnosis:
            return comparison
        standings = (
            [against.standing for against in comparison.reference.sides.values()] if comparison.reference else []
        )
        kinks = comparison.reference.kinks if comparison.reference else ()
        elsewhere = comparison.measure is not None and comparison.measure.mismatched > len(kinks) < MAX_KINKS
        if Standing.CONVENTION in standings and Standing.WRONG not in standings and not elsewhere:
            return comparison  # at a kink both may be right: two conventions, not two functions
        doubles = {f: self.again[f].values.get((quantity, how)) for f, (how, _) in sides.items() if f in self.again}
        values = [value for value in doubles.values() if value is not None and value.state is State.PRESENT]
        if len(values) < len(FRAMEWORKS):
            if self.spec.in_double() != self.spec:
                return comparison
            verdict = "rounding" if "ill-conditioned" in comparison.diagnosis else "different function"
        else:
            verdict = "rounding" if self.same(values[0], values[1]) else "different function"
        return replace(comparison, diagnosis=(*comparison.diagnosis, verdict))


def _kink_words(reference: Reference) -> str:
    kink = reference.kinks[0]
    place = f" at [{', '.join(map(str, kink.index))}]" if kink.index else ""
    more = f" and at {len(reference.kinks) - 1} more" if len(reference.kinks) > 1 else ""
    words = f"a kink{place}{more}: {kink.left:.6g} from the left, {kink.right:.6g} from the right"
    if any(against.standing is Standing.WRONG for against in reference.sides.values()):
        return words
    return f"{words}; both conventions are legitimate" if len(reference.sides) > 1 else words


def _ulp_text(ulps: float) -> str:
    return f"{ulps:.1f} ULP" if ulps < 1000 else f"{ulps:.2g} ULP"


def _shown(array: NDArray[Any]) -> Any:
    return (array.ravel()[:SHOWN] if array.size > SHOWN else array).tolist()


def _greatest(array: NDArray[Any]) -> float | None:
    finite = array[np.isfinite(array)]
    return float(finite.max()) if finite.size else None
