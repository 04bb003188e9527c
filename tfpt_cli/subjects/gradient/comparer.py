"""How the quantities of a gradient scenario compare: side against side, way against way, and both against the reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.arbiter import Evidence, Judgement, found_kinks, judge
from tfpt_cli.compare.distance import close, measure
from tfpt_cli.compare.summary import SHOWN
from tfpt_cli.compare.values import compare_values, limits, same_number
from tfpt_cli.dictionary.rows import unstable_operations
from tfpt_cli.frameworks import FRAMEWORKS, Side, Sides
from tfpt_cli.results import (
    Against,
    Comparison,
    Diagnosis,
    Finding,
    Kind,
    Outcome,
    Quantity,
    Reference,
    Standing,
    State,
    Tolerance,
    Value,
    Verdict,
    Way,
)
from tfpt_cli.subjects.gradient.aspects import (
    ALONG,
    AT_NAN,
    CONDITION,
    DIRECTION,
    OWN,
    Aspect,
)
from tfpt_cli.subjects.gradient.besides import besides
from tfpt_cli.subjects.gradient.evidence import Witness
from tfpt_cli.subjects.gradient.findings import Hearing, with_findings
from tfpt_cli.subjects.gradient.own_function import excused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tfpt_cli.subjects.gradient.spec import Gradient

Computed = tuple[Way, Value]
# The least number of a dtype that has all its digits.
LEAST = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}


def doubtful(comparison: Comparison) -> bool:
    """Whether a second look at a comparison is worth its time: its values part, or a side is off the reference."""
    parted = comparison.verdict is Verdict.DIFFERS and comparison.measure is not None and comparison.measure.mismatched
    arbiter = comparison.reference
    if arbiter is None:
        return bool(parted)
    sides = arbiter.sides.values()
    return bool(parted) or any(against.off or against.lost or against.unknown for against in sides)


class Comparer:
    """Compares the outcomes of one scenario, by side; `again` holds those of the second round, where there was one."""

    def __init__(
        self,
        spec: Gradient,
        sides: Sides,
        outcomes: Mapping[Side, Outcome],
        tolerance: Tolerance | None,
        again: Mapping[Side, Outcome],
    ) -> None:
        self.spec, self.sides, self.outcomes, self.tolerance, self.again = spec, sides, outcomes, tolerance, again
        self.judged: dict[tuple[Side, int], Judgement] = {}
        self.witness = Witness(spec, sides, outcomes, again, tolerance)

    def comparisons(self) -> list[Comparison]:
        """One comparison for every way on either side, each against the other side's first way."""
        # An outcome holds every quantity of its listing, in order: the listings need not be written again.
        quantities = dict.fromkeys(quantity for side in self.sides for quantity, _ in self.outcomes[side].values)
        return [self.compare(quantity, sides) for quantity in quantities for sides in self.pairs(quantity)]

    def pairs(self, quantity: Quantity) -> Iterator[dict[Side, Computed]]:
        """The comparisons of a quantity that each side may have computed in several ways: by side, (way, value).

        Each way is held against the other side's first one, so that every way is in a row and closeness, which is not
        transitive, is never inferred.
        """
        left, right = (self.witness.ways(quantity, side) for side in self.sides)
        if not left or not right:
            return
        rows = [(way, right[0]) for way in left] + [(left[0], way) for way in right[1:]]
        for row in rows:
            yield dict(zip(self.sides, row, strict=True))

    def compare(self, quantity: Quantity, sides: dict[Side, Computed]) -> Comparison:
        comparison = compare_values(quantity, sides, self.tolerance)
        if comparison.measure is not None and (words := self.unstable(quantity)):
            return replace(
                comparison,
                verdict=Verdict.DIFFERS,
                reason=words,
                diagnosis=(Diagnosis.UNSTABLE,),
                measure=None,
                errors=(),
            )
        comparison = self.among_themselves(quantity, sides, comparison)
        comparison = self.before_the_reference(quantity, sides, comparison)
        further = besides(self.witness, sides, comparison)
        comparison = replace(comparison, findings=(*comparison.findings, *further))
        return self.rounding_or_meaning(quantity, sides, comparison)

    def among_themselves(self, quantity: Quantity, sides: dict[Side, Computed], comparison: Comparison) -> Comparison:
        """The comparison, with a word on a framework whose way does not agree with its own first way."""
        for side, (how, value) in sides.items():
            first, usual = self.witness.ways(quantity, side)[0]
            if how == first or comparison.verdict.agrees or value.state is State.FAILED:
                continue
            if not self.same(usual, value):
                words = f"{side.label} does not agree with itself: {first or 'eager'} and {how} part"
                reason = "; ".join(filter(None, (comparison.reason, words)))
                comparison = replace(comparison, reason=reason, diagnosis=(*comparison.diagnosis, Diagnosis.WAYS))
        return comparison

    def unstable(self, quantity: Quantity) -> str:
        """Why a quantity has no one value on a side: an operation's answer at NaN that depends on the place in a vector.

        Then the sides differ, whatever they answered at this place on this machine.
        """
        output = self.witness.outputs.get(quantity)
        if output is None or not self.witness.at_nan:
            return ""
        for row in unstable_operations():
            for part in row.unstable:
                of_value = "value" in part.quantities
                sources = quantity.by or ([""] if of_value else [])
                asked = [
                    self.witness.present(
                        output.quantity, Aspect(what=AT_NAN, of=f"{row.name} {name}".strip(), whose=whose)
                    )
                    for name in sources
                    for whose in ("", part.unstable)
                ]
                if any(found is not None and found.any() for found in asked):
                    what = row.name if of_value else f"the derivative of {row.name}"
                    return (
                        f"{FRAMEWORKS[part.unstable].label}'s answer for {what} at NaN depends on the place in the array and on "
                        "the processor: it does not agree with itself"
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

    def before_the_reference(
        self, quantity: Quantity, sides: dict[Side, Computed], comparison: Comparison
    ) -> Comparison:
        """The comparison with what the reference says of it."""
        evidence = self.witness.evidences(quantity)
        judged: dict[Side, Judgement] = {}
        for side, (_, value) in sides.items():
            known = evidence.get("", evidence.get(side))
            if value.state is State.PRESENT and known is not None:
                key = side, id(value)  # a side's first way stands in the row of each of the other's
                if key not in self.judged:
                    known = self.witness.without_blame(known, value, side, self.witness.outputs.get(quantity))
                    judgement = judge(value, self.witness.without_guesses(known, value), self.tolerance)
                    whose = "" if "" in evidence else side
                    self.judged[key] = self.in_double(quantity, side, sides[side], judgement, whose, known)
                judged[side] = self.judged[key]
        if not judged:
            along = self.along(quantity, sides)
            return comparison if along is None else self.along_in_words(replace(comparison, reference=along))
        any_value = next(value for _, value in sides.values() if value.state is State.PRESENT)
        first = next(iter(evidence.values()))
        # What is from 50 digits has none.
        estimates = {whose: e.uncertainty for whose, e in evidence.items() if e.error is not None and not e.sure.all()}
        condition = self.witness.present(quantity, Aspect(what=CONDITION))
        edges = found_kinks(first, any_value.dtype) if first.derivative else ()
        reference = Reference(
            method=self.method(evidence),
            values={whose: _shown(found.best) for whose, found in evidence.items()},
            left_out=max(first.best.size - SHOWN, 0),
            errors={whose: float(np.nanmax(each)) for whose, each in estimates.items() if not np.isnan(each).all()},
            sides={side: found.against for side, found in judged.items()},
            kinks=edges,
            one_sided=(_shown(first.left), _shown(first.right)) if edges and "" in evidence else None,  # type: ignore[arg-type]
            condition=None if condition is None else _greatest(condition),
        )
        heard = with_findings(
            Hearing(
                comparison=replace(comparison, reference=reference),
                reference=reference,
                sides=sides,
                evidence=evidence,
                judged=judged,
                parted=self.parted(sides, comparison),
                tolerance=self.tolerance,
                final=bool(self.again),
            )
        )
        return self.with_right_along(quantity, sides, heard) if len(judged) < len(sides) else heard

    def method(self, evidence: Mapping[str, Evidence]) -> str:
        """How the reference's numbers were had, in words: of each side, where they were had in two ways.

        `PyTorch: 50 digits, mpmath; TensorFlow: differences of its own function, float64`
        """
        if len(evidence) > 1 and all(known.own for known in evidence.values()):
            return "differences of each side's function, float64"
        if len({known.method for known in evidence.values()}) == 1:
            return next(iter(evidence.values())).method
        labels = {str(side): side.label for side in self.sides}
        return "; ".join(f"{labels[whose]}: {known.method}" for whose, known in evidence.items())

    def with_right_along(self, quantity: Quantity, sides: dict[Side, Computed], heard: Comparison) -> Comparison:
        """The comparison with the standing of a side of which no single number is known, but that is right along a direction."""
        along = self.along(quantity, sides)
        if along is None or heard.reference is None:
            return heard
        known = heard.reference.sides
        more = {s: a for s, a in along.sides.items() if s not in known and a.standing is Standing.RIGHT}
        words = "gives the derivative of its own value along a random direction"
        findings = [Finding(Kind.RIGHT, f"{s.label} {words}", s) for s in more if not heard.verdict.agrees]
        reference = replace(heard.reference, sides={**known, **more})
        return replace(heard, reference=reference, findings=(*heard.findings, *findings))

    def in_double(
        self, quantity: Quantity, side: Side, way: Computed, found: Judgement, whose: str, evidence: Evidence
    ) -> Judgement:
        """A side that is off the reference, with what it gives in double precision, at the scenario's own numbers.

        Right there, it has lost digits or numbers here: `rounding`, `overflow`. Where the reference is not sure there, it is
        not known which.
        """
        double = self.again[side].values.get((quantity, way[0])) if side in self.again else None
        wrong = found.wrong
        if not (wrong.any() or found.against.lost):
            return found
        read = not evidence.own and self.by_own_code(quantity, side)
        if double is None or double.state is not State.PRESENT or (read and self.stays_narrow(quantity, side)):
            # Of a function that was read and not run in double precision nobody knows whether it lost its digits here.
            open_ = read and side in self.again and wrong.any()
            return replace(found, against=replace(found.against, standing=Standing.UNKNOWN)) if open_ else found
        known = (None if evidence.own else self.witness.evidence(quantity, whose, double=True)) or evidence
        again = judge(double, self.witness.without_guesses(known, double), Tolerance(*limits(None, way[1].dtype)))
        where = wrong if wrong.any() else found.known
        if again.off.shape != where.shape or (again.off & where).any():
            return found
        if not again.known[where].all():
            unknown = replace(found.against, standing=Standing.UNKNOWN) if wrong.any() else found.against
            return replace(found, against=unknown)
        numbers = np.isfinite(np.asarray(way[1].array))
        if (wrong & ~numbers).any() and not self.underflows(quantity, side):
            return replace(found, against=replace(found.against, standing=Standing.OVERFLOW))
        before, after = found.against.max_abs, again.against.max_abs
        if before is None or after is None or after <= before / 10:
            return replace(found, against=replace(found.against, standing=Standing.ROUNDING))
        return found

    def by_own_code(self, quantity: Quantity, side: Side) -> bool:
        """Whether a quantity comes of a function of a person's own on a side."""
        output = self.witness.outputs.get(quantity)
        return output is not None and side.framework in output.code

    def stays_narrow(self, quantity: Quantity, side: Side) -> bool:
        """Whether float32 that stands in a person's own function is computed with, whatever its inputs are."""
        output = self.witness.outputs.get(quantity)
        return output is not None and self.spec.may_be_raised(output, side.framework)

    def underflows(self, quantity: Quantity, side: Side) -> bool:
        """Whether the value that a derivative belongs to is zero on a side, where it is a smaller number than the dtype has."""
        output = self.witness.outputs.get(quantity)
        if output is None or not quantity.derivative:
            return False
        way = next(iter(self.witness.ways(output.quantity, side)), None)
        known = self.witness.evidence(output.quantity, "") or self.witness.evidence(output.quantity, side)
        if way is None or known is None or way[1].dtype not in LEAST:
            return False
        have, want = np.asarray(way[1].array), np.abs(known.best)
        if have.shape != want.shape:
            return False
        lost = (have == 0) & (want > 0) & (want < LEAST[way[1].dtype])
        return bool(lost.any() and np.isfinite(have).all())

    def along(self, quantity: Quantity, sides: dict[Side, Computed]) -> Reference | None:
        """A large gradient held against the reference along one direction, as both sides mean it or each for itself."""
        wanted: dict[str, float] = {}
        errors: dict[str, float] = {}
        verdicts = {}
        for side in self.sides:
            whose = "" if self.witness.present(quantity, Aspect(what=ALONG)) is not None else side
            of = "" if self.witness.present(quantity, Aspect(what=ALONG, whose=whose)) is not None else OWN
            want = self.witness.present(quantity, Aspect(what=ALONG, whose=whose, of=of))
            error = self.witness.present(quantity, Aspect(what=ALONG, error=True, whose=whose, of=of))
            direction, value = (
                self.witness.present(quantity, Aspect(what=DIRECTION, whose=whose, of=of)),
                sides[side][1],
            )
            if want is None or error is None or direction is None:
                continue
            wanted[whose] = float(np.real(want))
            errors[whose] = float(error)
            if value.state is not State.PRESENT or value.array.shape != direction.shape:
                continue
            rtol, atol = limits(self.tolerance, value.dtype)
            # By the real part of an input and by its imaginary one; the gradient holds both.
            with np.errstate(all="ignore"):
                products = np.real(np.conj(value.array.astype(direction.dtype)) * direction)
                slack = rtol * float(np.abs(products).sum()) + atol * float(np.sqrt(products.size))
                total, known = float(products.sum()), wanted[whose]
            apart = abs(total - known)
            if not np.isfinite(slack) and np.isfinite(value.array).all():  # numbers whose sum is no float64
                verdicts[side] = Against(standing=Standing.UNKNOWN, off=0, ulps=None, max_abs=apart)
                continue
            # An infinity is near the same infinity alone, whatever share of it is allowed.
            right = bool(np.isfinite(apart) and apart <= slack + errors[whose]) or same_number(total, known)
            # An error as large as what is allowed shows nothing of a side that is right by it.
            output = self.witness.outputs.get(quantity)
            blameless = of == OWN and output is not None and bool(excused(output, self.spec, side.framework))
            sure = errors[whose] <= slack if right else not blameless
            standing = (Standing.RIGHT if right else Standing.WRONG) if sure else Standing.UNKNOWN
            verdicts[side] = Against(standing=standing, off=int(not right and sure), ulps=None, max_abs=apart)
        if not verdicts:
            return None
        method = "differences along a random direction, float64"
        return Reference(method=method, values=dict(wanted), left_out=0, errors=errors, sides=verdicts, along=True)

    def along_in_words(self, comparison: Comparison) -> Comparison:
        """The comparison with what the derivative along one direction says of a large gradient where a side is off."""
        sides = comparison.reference.sides if comparison.reference is not None else {}
        if not self.again:
            return comparison
        fine = [side for side, against in sides.items() if against.standing is Standing.RIGHT]
        findings = [
            Finding(Kind.RIGHT, f"{side.label} agrees with the reference along a random direction", side)
            for side in (fine if not comparison.verdict.agrees else ())
        ]
        wrong = [side for side, against in sides.items() if against.standing is Standing.WRONG]
        off: dict[str, list[str]] = {}
        for side in wrong:
            apart = sides[side].max_abs
            assert apart is not None
            by = f"by {apart:.3g}" if np.isfinite(apart) else "and not a finite number"
            off.setdefault(by, []).append(side.label)
        for by, labels in off.items():
            words = f"{' and '.join(labels)} off the reference along a random direction, {by}"
            findings.append(Finding(Kind.OFF, words))
        diagnosis = comparison.diagnosis
        if len(wrong) == len(self.sides) and comparison.verdict.agrees:
            diagnosis = (*diagnosis, Diagnosis.BOTH_WRONG)
        return replace(comparison, findings=tuple(findings), diagnosis=diagnosis)

    def parted(self, sides: dict[Side, Computed], comparison: Comparison) -> NDArray[np.bool_] | None:
        """The entries (an array of booleans) where the sides part.

        None where they agree, or have no two arrays of one shape.
        """
        left, right = (value for _, value in sides.values())
        if comparison.verdict.agrees or comparison.measure is None or left.array.shape != right.array.shape:
            return None
        kinds = (left.array.dtype.kind, right.array.dtype.kind)
        wide: Any = np.complex128 if "c" in kinds else np.float64
        rtol, atol = limits(self.tolerance, left.dtype, right.dtype)
        return ~close(left.array.astype(wide), right.array.astype(wide), rtol, atol)

    def legitimate(self, sides: dict[Side, Computed], comparison: Comparison) -> bool:
        """Whether the sides part at kinks alone, and each is between the derivatives from the left and from the right."""
        parted = self.parted(sides, comparison)
        judged = [self.judged.get((side, id(value))) for side, (_, value) in sides.items()]
        return parted is not None and all(found is not None and found.convention[parted].all() for found in judged)

    def open(self, quantity: Quantity, sides: dict[Side, Computed], comparison: Comparison) -> bool:
        """Whether the sides part only where a row of the dictionary says that nobody is right or wrong."""
        parted = self.parted(sides, comparison)
        known = [self.witness.evidence(quantity, whose) for whose in ("", *self.sides)]
        masks = [evidence.undecided for evidence in known if evidence is not None and evidence.undecided is not None]
        return parted is not None and any(mask.shape == parted.shape and mask[parted].all() for mask in masks)

    # ---- rounding or meaning ----

    def rounding_or_meaning(
        self, quantity: Quantity, sides: dict[Side, Computed], comparison: Comparison
    ) -> Comparison:
        """A mismatch of numbers is run again in double precision: `rounding` if it vanishes, else `different function`."""
        parted = comparison.measure is not None and comparison.measure.mismatched
        if comparison.verdict is not Verdict.DIFFERS or not parted or Diagnosis.SUBNORMAL in comparison.diagnosis:
            return comparison
        if self.spec.drawn:
            return comparison  # random weights tell nothing of the functions
        if Diagnosis.KINK in comparison.diagnosis and self.legitimate(sides, comparison):
            return comparison  # at a kink both may be right: two conventions, not two functions
        doubles = [
            self.again[side].values.get((quantity, how)) for side, (how, _) in sides.items() if side in self.again
        ]
        values = [value for value in doubles if value is not None and value.state is State.PRESENT]
        if len(values) < len(self.sides):
            if self.spec.in_double() != self.spec:
                return comparison
            known = Diagnosis.ILL_CONDITIONED in comparison.diagnosis
            diagnosis = Diagnosis.ROUNDING if known else Diagnosis.DIFFERENT_FUNCTION
        else:
            diagnosis = Diagnosis.ROUNDING if self.same(values[0], values[1]) else Diagnosis.DIFFERENT_FUNCTION
            numbers = [np.isfinite(np.asarray(value.array)) for _, value in sides.values()]
            lost = any(self.underflows(quantity, side) for side in sides)
            if diagnosis is Diagnosis.ROUNDING and self.witness.finite and not np.array_equal(*numbers) and not lost:
                diagnosis = Diagnosis.OVERFLOW  # finite in double precision, and not here
        if diagnosis is Diagnosis.ROUNDING and self.open(quantity, sides, comparison):
            return comparison  # two conventions, which may be one in double precision
        return replace(comparison, diagnosis=(*comparison.diagnosis, diagnosis))


def _shown(array: NDArray[Any]) -> Any:
    return (array.ravel()[:SHOWN] if array.size > SHOWN else array).tolist()


def _greatest(array: NDArray[Any]) -> float | None:
    finite = array[np.isfinite(array)]
    return float(finite.max()) if finite.size else None
