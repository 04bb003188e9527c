"""One parameter of a layer on both sides: by value, or as a distribution."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare import structure
from tfpt_cli.compare.declared_laws import guesses, parting
from tfpt_cli.compare.dependence import DEPENDENT
from tfpt_cli.compare.distribution import LEVEL, against_law, compare_distributions
from tfpt_cli.compare.layout import blocks, moved
from tfpt_cli.compare.sample import law_of
from tfpt_cli.compare.summary import BINS, side_of, summary, summary_of_sorted
from tfpt_cli.compare.values import PRECISION, compare_values, under_layout
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import FRAMEWORKS, LABELS
from tfpt_cli.layers.initializers import InitializerCall
from tfpt_cli.results import Comparison, Distribution, State, Tolerance, Value, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tfpt_cli.compare.distribution import Judgement
    from tfpt_cli.compare.sample import Sample
    from tfpt_cli.layers.layout import Layout
    from tfpt_cli.layers.parameters import Filling, Parameter

# So many draws of a random value are not all equal, even in the coarsest dtype.
_FIXED_AFTER = 8
_FEW = 64
# float16 and bfloat16: the generators' own resolution shows.
_COARSE = 2.0**-11


def compare_parameter(
    parameter: Parameter,
    values: dict[str, Value | None],
    draws: dict[str, Value | None],
    tolerance: Tolerance | None,
) -> Comparison:
    """The comparison of a parameter.

    `values` are the layer's own arrays, `draws` repeated draws of the same parameter (axis 0), None where none were
    made. Where either side is random, shapes and dtypes are compared by the arrays and the rest by the draws.
    """
    compared = _compared(parameter, values, draws, tolerance)
    sides = {
        f: replace(side, fans=parameter.filling[f].fans, law=parameter.filling[f].text)
        if side.state is State.PRESENT
        else side
        for f, side in compared.sides.items()
    }
    return replace(compared, sides=sides, blocks=dict(parameter.layout.blocks))


def _compared(
    parameter: Parameter,
    values: dict[str, Value | None],
    draws: dict[str, Value | None],
    tolerance: Tolerance | None,
) -> Comparison:
    own = {f: _absent(value) for f, value in values.items()}
    present = all(value.state is State.PRESENT for value in own.values())
    failed = {f: d for f, d in draws.items() if d is not None and d.state is State.FAILED}
    if present and failed:
        own |= {f: Value(State.FAILED, failure=d.failure) for f, d in failed.items()}
    sides = {f: ("", value) for f, value in own.items()}
    if not present or failed:
        return compare_values(parameter.name, sides, tolerance, layout=parameter.layout)
    samples = {f: _sample(own[f], draws[f]) for f in FRAMEWORKS}
    random = {f: parameter.filling[f].random is not False and _varies(samples[f], draws[f]) for f in FRAMEWORKS}
    if not any(random.values()):
        return compare_values(parameter.name, sides, tolerance, layout=parameter.layout)
    return _as_distribution(parameter, own, samples, random)


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
    """Whether a parameter is random: no two draws of a constant differ. One draw alone is only made of a random one."""
    return draws is None or bool(np.any(sample != sample[:1]))


def _as_distribution(
    parameter: Parameter, own: dict[str, Value], samples: dict[str, NDArray[Any]], random: dict[str, bool]
) -> Comparison:
    left, right = own["torch"], own["tensorflow"]
    layout = parameter.layout
    turned, apart = under_layout(left.array, right.array, layout)
    verdict, diagnosis, distribution, reason, repeated = Verdict.DIFFERS, "", None, "", False
    sorted_: Mapping[str, Sample] = {}
    ends = {f: (float(array.min()), float(array.max())) for f, array in samples.items()}
    broken = [LABELS[f] for f in FRAMEWORKS if not np.isfinite(ends[f]).all()]
    # What is shown of the layer's own values comes first: the tests may sort them where they are.
    shown = {f: side_of(own[f], summarised=False) for f in FRAMEWORKS}
    if turned is None:
        reason, diagnosis = apart, "shape"
    elif left.dtype != right.dtype:
        reason, diagnosis = f"dtypes {left.dtype} and {right.dtype}", "dtype"
    elif not all(random.values()):
        (fixed,) = (f for f in FRAMEWORKS if not random[f])
        (drawn,) = (f for f in FRAMEWORKS if random[f])
        reason, diagnosis = f"{LABELS[drawn]}'s is random, {LABELS[fixed]}'s is the same in every draw", "distribution"
        # Zeros are the same in every draw too, but nothing that was drawn.
        repeated = parameter.filling[fixed].random is not False and bool(np.ptp(samples[fixed]) > 0)
    elif broken:
        reason, diagnosis = f"{' and '.join(broken)} drew values that are not finite", "non-finite"
    else:
        judged, extra = _judged(parameter, samples, left.dtype)
        distribution, sorted_ = judged.distribution, judged.samples
        reason, diagnosis = "; ".join([*extra, *judged.words]), "distribution"
        if not reason:
            verdict, diagnosis, reason = Verdict.SAME_DISTRIBUTION, "", _agreement(distribution, parameter.filling)
    edges = _edges(samples, ends)
    for framework, array in samples.items():
        found = sorted_.get(framework)
        whole = found is not None and found.size == array.size and edges is not None
        summed = (
            summary_of_sorted(found.values, found.mean, found.std, edges)
            if found is not None and edges is not None and whole
            else summary(array, edges)
        )
        declared = declared_shares(parameter.filling[framework], edges)
        shown[framework] = replace(shown[framework], samples=summed, declared=declared)
    return Comparison(
        parameter.name,
        verdict,
        shown,
        reason,
        layout.pattern,
        distribution=distribution,
        diagnosis=tuple(filter(None, (diagnosis, DEPENDENT if repeated else ""))),
    )


def declared_shares(filling: Filling, edges: tuple[float, float] | None) -> tuple[float, ...]:
    """How much of the law that a row declares lies in each of `PARTS` equal parts of a range; empty where no row does."""
    law = law_of(filling.base)
    if law is None or edges is None or not edges[0] < edges[1]:
        return ()
    return tuple(float(share) for share in np.diff(law.law.cdf(np.linspace(*edges, PARTS + 1))))


def _judged(parameter: Parameter, samples: dict[str, NDArray[Any]], dtype: str) -> tuple[Judgement, list[str]]:
    """The judgement of two random parameters, and what else there is to say where they part."""
    precision = 2.0 ** -PRECISION.get(dtype, 52)
    filling, layout = parameter.filling, parameter.layout
    structures = {fill.structure for fill in filling.values()}
    if "orthogonal" in structures:
        texts = {f: fill.base.text for f, fill in filling.items() if fill.base is not None}
        return structure.compare_orthogonal(samples, texts, precision, made_by=parameter.made_by), []
    turned = dict(samples, torch=_turned(samples["torch"], layout))
    if "sparse" in structures:
        laws = {f: _normal_of(fill) if fill.structure else law_of(fill.base) for f, fill in filling.items()}
        first = layout.first() if layout.pattern else 0
        return structure.compare_sparse(turned, laws, first, precision), []
    laws = {f: law_of(fill.base) for f, fill in filling.items()}
    fixed = _fixed(turned)
    if fixed is not None:
        said, rest = fixed
        judged = compare_distributions(rest, laws, precision)
        return judged, said
    parts = _blocks(turned, layout)
    judged = compare_distributions(samples, laws, precision, blocks=parts)
    if not judged.words:
        return judged, []
    at = {f: fill.at or (lambda _, base=fill.base: base) for f, fill in filling.items()}
    extra = list(
        parting({f: fill.base for f, fill in filling.items()}, at, {f: fill.fans for f, fill in filling.items()})
    )
    extra = [*_resolution(samples, dtype, precision), *extra]
    return judged, [*extra, *_fitting(judged.samples, laws, filling, precision)]


def _turned(draws: NDArray[Any], layout: Layout) -> NDArray[Any]:
    turned = moved(draws, layout, draws=True) if layout.pattern else draws
    assert turned is not None  # one draw alone did fit
    return turned


def _blocks(turned: Mapping[str, NDArray[Any]], layout: Layout) -> dict[str, dict[str, NDArray[Any]]] | None:
    """The parts of both sides by name, (draws, ...) each; None where a parameter has none."""
    if not layout.blocks:
        return None
    split = {f: blocks(array, layout, "tensorflow", draws=True) for f, array in turned.items()}
    names = enumerate(layout.blocks["tensorflow"])
    return {name: {f: array[index] for f, array in split.items() if array is not None} for index, name in names}


def _normal_of(fill: Filling) -> Any:
    assert fill.base is not None
    return law_of(InitializerCall(dictionary().initializers["normal"], {"mean": 0.0, "std": fill.base.settings["std"]}))


def _fitting(
    samples: Mapping[str, Sample], laws: Mapping[str, Any], filling: Mapping[str, Filling], precision: float
) -> list[str]:
    """The known initializer that a side fits, where no row says what it is or its values do not fit that."""
    words = []
    for framework, sample in samples.items():
        law = laws[framework]
        if not sample.measurable:
            continue
        if law is not None and all(finding.test.p > LEVEL for finding in against_law(sample, law, precision)):
            continue
        names = guesses(sample, filling[framework].fans, precision)
        if names:
            words.append(f"{LABELS[framework]}'s sample fits {' and '.join(names)}")
    return words


def _resolution(samples: Mapping[str, NDArray[Any]], dtype: str, precision: float) -> list[str]:
    """That one framework draws a coarse dtype from far fewer numbers than the other, if it is so."""
    if precision < _COARSE:
        return []
    counts = {f: int(np.unique(array).size) for f, array in samples.items()}
    few = min(counts, key=lambda framework: counts[framework])
    if 2 * counts[few] > max(counts.values()):
        return []
    return [
        f"{LABELS[few]} draws this {dtype} from {counts[few]:,} different numbers, the other from {max(counts.values()):,}"
    ]


def _fixed(samples: Mapping[str, NDArray[Any]]) -> tuple[list[str], dict[str, NDArray[Any]]] | None:
    """Where some values are the same in every draw: how those part, and the rest of each side; None where none are."""
    if min(len(array) for array in samples.values()) < _FIXED_AFTER:
        return None
    fixed = {f: (array == array[:1]).all(axis=0) for f, array in samples.items()}
    if not any(mask.any() for mask in fixed.values()):
        return None
    if min(np.unique(array).size for array in samples.values()) < _FEW:
        return None  # so coarse that equal draws say nothing
    words = []
    if (fixed["torch"] != fixed["tensorflow"]).any():
        counts = {f: int(mask.sum()) for f, mask in fixed.items()}
        size = fixed["torch"].size
        words.append(
            f"the same in every draw, of {size:,} values: {', '.join(f'{LABELS[f]} {count:,}' for f, count in counts.items())}"
        )
    elif (samples["torch"][0][fixed["torch"]] != samples["tensorflow"][0][fixed["torch"]]).any():
        words.append("the values that are the same in every draw differ")
    return words, {f: samples[f][:, ~fixed[f]] for f in FRAMEWORKS}


def _agreement(distribution: Distribution, filling: Mapping[str, Filling]) -> str:
    """What was compared and how closely: `uniform(0, 1), 2 x 20,004 values, would have seen 2.5% of scale`."""
    counts = sorted(set(distribution.samples.values()))
    drawn = f"{'2 x ' * (len(counts) == 1)}{' and '.join(f'{count:,}' for count in counts)} values"
    law = next(iter(distribution.declared.values()), "")
    texts = {fill.text for fill in filling.values() if fill.text}
    law = texts.pop() if len(texts) == 1 else law
    seen = ""
    if distribution.detectable and distribution.detectable_mean:
        seen = (
            f"would have seen {distribution.detectable:.1%} of scale, {distribution.detectable_mean:.2g} sigma of mean"
        )
    return ", ".join(part for part in (law, drawn, seen) if part)


def _edges(samples: dict[str, NDArray[Any]], ends: dict[str, tuple[float, float]]) -> tuple[float, float] | None:
    """The common range of both sides' histograms, so that they can be read one against the other."""
    if not all(np.isfinite(pair).all() for pair in ends.values()):
        finite = [array[np.isfinite(array)] for array in samples.values()]
        if any(not array.size for array in finite):
            return None
        ends = {str(index): (float(array.min()), float(array.max())) for index, array in enumerate(finite)}
    return min(low for low, _ in ends.values()), max(high for _, high in ends.values())
