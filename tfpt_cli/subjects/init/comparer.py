"""One parameter of a layer on both sides: by value, or as a distribution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare import structure
from tfpt_cli.compare.declared_laws import Declared, guesses, parting
from tfpt_cli.compare.distance import PRECISION
from tfpt_cli.compare.distribution import LEVEL, against_law, compare_distributions
from tfpt_cli.compare.layout import blocks, moved
from tfpt_cli.compare.sample import law_of
from tfpt_cli.compare.summary import BINS, side_of, summary, summary_of_sorted
from tfpt_cli.compare.values import compare_values, under_layout
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import TORCH
from tfpt_cli.layers.initializers import InitializerCall
from tfpt_cli.layers.layout import Layout
from tfpt_cli.results import PLAIN, Comparison, Diagnosis, Distribution, State, Tolerance, Value, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tfpt_cli.compare.distribution import DistributionResult
    from tfpt_cli.compare.sample import Sample
    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.layers.parameters import FilledParameter, Initialization
    from tfpt_cli.results import Quantity

# So many draws of a random value are not all equal, even in the coarsest dtype.
_FIXED_AFTER = 8
_FEW = 64
# float16 and bfloat16: the generators' own resolution shows.
_COARSE = 2.0**-11


@dataclass(frozen=True)
class FilledPair:
    """One parameter as the sides of a run have it: what fills it on each, and how its axes map from one to the other."""

    parameter: FilledParameter
    sides: Sides

    @property
    def quantity(self) -> Quantity:
        """The quantity under which the parameter is compared."""
        return self.parameter.quantity

    @cached_property
    def initialization(self) -> dict[Side, Initialization]:
        """The initialization of the parameter, by side."""
        return {side: self.parameter.initialization[side.framework] for side in self.sides}

    @cached_property
    def layout(self) -> Layout:
        """The layout that maps the first side's axes to the second's.

        It is empty between two versions of one framework, which have the same axes.
        """
        first, second = self.sides
        return Layout() if first.framework is second.framework else self.parameter.layout

    @property
    def column_axis(self) -> int:
        """The axis, in the second side's order, along which the zeros of a sparse parameter are counted."""
        last = self.sides[-1].framework
        return self.parameter.layout.first() if last is not TORCH and self.parameter.layout.pattern else 0

    def turned(self, draws: Mapping[Side, NDArray[Any]]) -> dict[Side, NDArray[Any]]:
        """Draws of both sides, (draws, *shape) each, with their axes in the second side's order."""
        first, second = self.sides
        if not self.layout.pattern:
            return dict(draws)
        turned = moved(draws[first], self.layout, first.framework, second.framework, draws=True)
        assert turned is not None  # one draw alone did fit
        return {first: turned, second: draws[second]}


def compare_parameter(
    pair: FilledPair,
    values: Mapping[Side, Value | None],
    draws: Mapping[Side, Value | None],
    tolerance: Tolerance | None,
) -> Comparison:
    """The comparison of a parameter.

    `values` are the layer's own arrays, `draws` repeated draws of the same parameter (axis 0), None where none were
    made. Where either side is random, shapes and dtypes are compared by the arrays and the rest by the draws.
    """
    compared = _compared(pair, values, draws, tolerance)
    sides = {
        side: replace(value, fans=pair.initialization[side].fans, law=pair.initialization[side].text)
        if value.state is State.PRESENT
        else value
        for side, value in compared.sides.items()
    }
    blocks_ = {side: pair.layout.blocks[side.framework] for side in pair.sides if pair.layout.blocks}
    return replace(compared, sides=sides, blocks=blocks_)


def _compared(
    pair: FilledPair,
    values: Mapping[Side, Value | None],
    draws: Mapping[Side, Value | None],
    tolerance: Tolerance | None,
) -> Comparison:
    own = {side: _absent(value) for side, value in values.items()}
    present = all(value.state is State.PRESENT for value in own.values())
    failed = {side: d for side, d in draws.items() if d is not None and d.state is State.FAILED}
    if present and failed:
        own |= {side: Value(State.FAILED, failure=d.failure) for side, d in failed.items()}
    sides = {side: (PLAIN, value) for side, value in own.items()}
    if not present or failed:
        return compare_values(pair.quantity, sides, tolerance, layout=pair.layout)
    samples = {side: _sample(own[side], draws[side]) for side in pair.sides}
    random = {
        side: pair.initialization[side].random is not False and _varies(samples[side], draws[side])
        for side in pair.sides
    }
    if not any(random.values()):
        return compare_values(pair.quantity, sides, tolerance, layout=pair.layout)
    return _as_distribution(pair, own, samples, random)


def _absent(value: Value | None) -> Value:
    if value is None or value.state is State.DISCONNECTED:
        return Value(State.ABSENT)
    return value


def _sample(value: Value, draws: Value | None) -> NDArray[Any]:
    array: NDArray[Any] = value.array[None] if draws is None else draws.array
    return array


# Into how many parts the range is cut in which a declared law is drawn: four to a bar of the histogram.
PARTS = 4 * BINS


def _varies(sample: NDArray[Any], draws: Value | None) -> bool:
    """Whether a parameter is random: no two draws of a constant differ. One draw alone is only made of a random one.

    What is not a number in every draw is the same in every draw.
    """
    if draws is None:
        return True
    first = sample[:1]
    apart = sample != first
    if (first != first).any():
        apart &= (first == first) | (sample == sample)
    return bool(apart.any())


def _as_distribution(
    pair: FilledPair, own: Mapping[Side, Value], samples: dict[Side, NDArray[Any]], random: Mapping[Side, bool]
) -> Comparison:
    first, second = pair.sides
    left, right = own[first], own[second]
    turned, apart = under_layout(left.array, right.array, pair.layout, first.framework, second.framework)
    verdict, distribution, reason, repeated = Verdict.DIFFERS, None, "", False
    diagnosis: Diagnosis | None = None
    sorted_: Mapping[Side, Sample] = {}
    ends = {side: (float(array.min()), float(array.max())) for side, array in samples.items()}
    broken = [side.label for side in pair.sides if not np.isfinite(ends[side]).all()]
    # What is shown of the layer's own values comes first: the tests may sort them where they are.
    shown = {side: side_of(own[side], summarised=False) for side in pair.sides}
    if turned is None:
        reason, diagnosis = apart, Diagnosis.SHAPE
    elif left.dtype != right.dtype:
        reason, diagnosis = f"dtypes {left.dtype} and {right.dtype}", Diagnosis.DTYPE
    elif not all(random.values()):
        (fixed,) = (side for side in pair.sides if not random[side])
        (drawn,) = (side for side in pair.sides if random[side])
        reason, diagnosis = (
            f"{drawn.label}'s is random, {fixed.label}'s is the same in every draw",
            Diagnosis.DISTRIBUTION,
        )
        # Zeros are the same in every draw too, but nothing that was drawn.
        repeated = pair.initialization[fixed].random is not False and bool(np.ptp(samples[fixed]) > 0)
    elif broken:
        reason, diagnosis = f"{' and '.join(broken)} drew values that are not finite", Diagnosis.NON_FINITE
    else:
        judged, extra = _judged(pair, samples, left.dtype)
        distribution, sorted_ = judged.distribution, judged.samples
        reason, diagnosis = "; ".join([*extra, *judged.words]), Diagnosis.DISTRIBUTION
        if not reason:
            verdict, diagnosis, reason = Verdict.SAME_DISTRIBUTION, None, _agreement(distribution, pair.initialization)
    edges = _edges(samples, ends)
    for side, array in samples.items():
        found = sorted_.get(side)
        whole = found is not None and found.size == array.size and edges is not None
        summed = (
            summary_of_sorted(found.values, found.mean, found.std, edges)
            if found is not None and edges is not None and whole
            else summary(array, edges)
        )
        declared = declared_shares(pair.initialization[side], edges)
        shown[side] = replace(shown[side], samples=summed, declared=declared)
    return Comparison(
        quantity=pair.quantity,
        verdict=verdict,
        sides=shown,
        reason=reason,
        layout=pair.layout.pattern,
        distribution=distribution,
        diagnosis=tuple(filter(None, (diagnosis, Diagnosis.DEPENDENT if repeated else None))),
    )


def declared_shares(initialization: Initialization, edges: tuple[float, float] | None) -> tuple[float, ...]:
    """The share of the law that a row declares in each of `PARTS` equal parts of a range; empty where no row declares one."""
    law = law_of(initialization.base)
    if law is None or edges is None or not edges[0] < edges[1]:
        return ()
    return tuple(float(share) for share in np.diff(law.law.cdf(np.linspace(*edges, PARTS + 1))))


def _judged(pair: FilledPair, samples: dict[Side, NDArray[Any]], dtype: str) -> tuple[DistributionResult, list[str]]:
    """The judgement of two random parameters, and what else there is to say where they part."""
    precision = 2.0 ** -PRECISION.get(dtype, 52)
    initialization = pair.initialization
    structures = {each.structure for each in initialization.values()}
    if "orthogonal" in structures:
        texts = {side: each.base.text for side, each in initialization.items() if each.base is not None}
        return structure.compare_orthogonal(samples, texts, precision), []
    turned = pair.turned(samples)
    if "sparse" in structures:
        laws = {
            side: _normal_of(each) if each.structure else law_of(each.base) for side, each in initialization.items()
        }
        return structure.compare_sparse(turned, laws, pair.column_axis, precision), []
    laws = {side: law_of(each.base) for side, each in initialization.items()}
    fixed = _fixed(turned)
    if fixed is not None:
        said, rest = fixed
        judged = compare_distributions(rest, laws, precision)
        return judged, said
    parts = _blocks(turned, pair)
    judged = compare_distributions(samples, laws, precision, blocks=parts)
    if not judged.words:
        return judged, []
    declared = {
        side: Declared(initializer=each.base, at=each.at, fans=each.fans) for side, each in initialization.items()
    }
    extra = [*_resolution(samples, dtype, precision), *parting(declared)]
    return judged, [*extra, *_fitting(judged.samples, laws, initialization, precision)]


def _blocks(turned: Mapping[Side, NDArray[Any]], pair: FilledPair) -> dict[str, dict[Side, NDArray[Any]]] | None:
    """The parts of both sides by name, (draws, ...) each; None where a parameter has none."""
    if not pair.layout.blocks:
        return None
    framework = pair.sides[-1].framework
    split = {side: blocks(array, pair.layout, framework, draws=True) for side, array in turned.items()}
    names = enumerate(pair.layout.blocks[framework])
    return {name: {side: array[index] for side, array in split.items() if array is not None} for index, name in names}


def _normal_of(initialization: Initialization) -> Any:
    assert initialization.base is not None
    return law_of(
        InitializerCall(dictionary().initializers["normal"], {"mean": 0.0, "std": initialization.base.settings["std"]})
    )


def _fitting(
    samples: Mapping[Side, Sample],
    laws: Mapping[Side, Any],
    initialization: Mapping[Side, Initialization],
    precision: float,
) -> list[str]:
    """The known initializer that a side fits, where no row says what it is or its values do not fit that."""
    words = []
    for side, sample in samples.items():
        law = laws[side]
        if not sample.measurable:
            continue
        if law is not None and all(finding.test.p > LEVEL for finding in against_law(sample, law, precision)):
            continue
        names = guesses(sample, initialization[side].fans, precision)
        if names:
            words.append(f"{side.label}'s sample fits {' and '.join(names)}")
    return words


def _resolution(samples: Mapping[Side, NDArray[Any]], dtype: str, precision: float) -> list[str]:
    """A sentence for when one framework draws a coarse dtype from far fewer numbers than the other; else nothing."""
    if precision < _COARSE:
        return []
    counts = {side: int(np.unique(array).size) for side, array in samples.items()}
    few = min(counts, key=lambda side: counts[side])
    if 2 * counts[few] > max(counts.values()):
        return []
    return [
        f"{few.label} draws this {dtype} from {counts[few]:,} different numbers, the other from {max(counts.values()):,}"
    ]


def _fixed(samples: Mapping[Side, NDArray[Any]]) -> tuple[list[str], dict[Side, NDArray[Any]]] | None:
    """Sentences on the values that are the same in every draw, and the other values of each side.

    None where no value is the same in every draw.
    """
    if min(len(array) for array in samples.values()) < _FIXED_AFTER:
        return None
    fixed = {side: (array == array[:1]).all(axis=0) for side, array in samples.items()}
    if not any(mask.any() for mask in fixed.values()):
        return None
    if min(np.unique(array).size for array in samples.values()) < _FEW:
        return None  # so coarse that equal draws say nothing
    words = []
    (left, right), (ours, theirs) = fixed.values(), (array[0] for array in samples.values())
    if (left != right).any():
        counts = ", ".join(f"{side.label} {int(mask.sum()):,}" for side, mask in fixed.items())
        words.append(f"the same in every draw, of {left.size:,} values: {counts}")
    elif (ours[left] != theirs[left]).any():
        words.append("the values that are the same in every draw differ")
    return words, {side: array[:, ~fixed[side]] for side, array in samples.items()}


def _agreement(distribution: Distribution, initialization: Mapping[Side, Initialization]) -> str:
    """What was compared and how closely: `uniform(0, 1), 2 x 20,004 values, would have seen 2.5% of scale`."""
    counts = sorted(set(distribution.samples.values()))
    drawn = f"{'2 x ' * (len(counts) == 1)}{' and '.join(f'{count:,}' for count in counts)} values"
    law = next(iter(distribution.declared.values()), "")
    texts = {each.text for each in initialization.values() if each.text}
    law = texts.pop() if len(texts) == 1 else law
    seen = ""
    if distribution.detectable and distribution.detectable_mean:
        seen = (
            f"would have seen {distribution.detectable:.1%} of scale, {distribution.detectable_mean:.2g} sigma of mean"
        )
    return ", ".join(part for part in (law, drawn, seen) if part)


def _edges(
    samples: Mapping[Side, NDArray[Any]], ends: Mapping[Side, tuple[float, float]]
) -> tuple[float, float] | None:
    """The common range of both sides' histograms, so that they can be read one against the other."""
    if all(np.isfinite(pair).all() for pair in ends.values()):
        pairs = list(ends.values())
    else:
        finite = [array[np.isfinite(array)] for array in samples.values()]
        if any(not array.size for array in finite):
            return None
        pairs = [(float(array.min()), float(array.max())) for array in finite]
    return min(low for low, _ in pairs), max(high for _, high in pairs)
