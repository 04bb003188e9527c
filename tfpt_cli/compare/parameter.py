"""One parameter of a layer on both sides: by value, or as a distribution."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.summary import side_of, summary
from tfpt_cli.compare.values import PRECISION, compare_values, under_layout
from tfpt_cli.results import FRAMEWORKS, LABELS, Comparison, State, Tolerance, Value, Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tfpt_cli.subjects.init.spec import Parameter


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


def _varies(sample: NDArray[Any], draws: Value | None) -> bool:
    """Whether a parameter is random: no two draws of a constant differ. One draw alone is only made of a random one."""
    return draws is None or bool(np.any(sample != sample[:1]))


def _as_distribution(
    parameter: Parameter, own: dict[str, Value], samples: dict[str, NDArray[Any]], random: dict[str, bool]
) -> Comparison:
    from tfpt_cli.compare.distribution import compare_distributions

    edges = _edges(samples)
    shown = {f: replace(side_of(own[f]), samples=summary(samples[f], edges)) for f in FRAMEWORKS}
    left, right = own["torch"], own["tensorflow"]
    turned, apart = under_layout(left.array, right.array, parameter.layout)
    result = Comparison(parameter.name, Verdict.SAME_DISTRIBUTION, shown, layout=parameter.layout)
    if turned is None:
        return replace(result, verdict=Verdict.DIFFERS, reason=apart, diagnosis=("shape",))
    if left.dtype != right.dtype:
        reason = f"dtypes {left.dtype} and {right.dtype}"
        return replace(result, verdict=Verdict.DIFFERS, reason=reason, diagnosis=("dtype",))
    if not all(random.values()):
        (fixed,) = (f for f in FRAMEWORKS if not random[f])
        (drawn,) = (f for f in FRAMEWORKS if random[f])
        reason = f"{LABELS[drawn]}'s is random, {LABELS[fixed]}'s is the same in every draw"
        return replace(result, verdict=Verdict.DIFFERS, reason=reason, diagnosis=("distribution",))
    broken = [LABELS[f] for f in FRAMEWORKS if not np.isfinite(samples[f]).all()]
    if broken:
        reason = f"{' and '.join(broken)} drew values that are not finite"
        return replace(result, verdict=Verdict.DIFFERS, reason=reason, diagnosis=("non-finite",))
    declared = {f: parameter.filling[f].declared() for f in FRAMEWORKS}
    distribution, words = compare_distributions(samples, declared, 2.0 ** -PRECISION.get(left.dtype, 52))
    result = replace(result, distribution=distribution)
    if words:
        return replace(result, verdict=Verdict.DIFFERS, reason="; ".join(words), diagnosis=("distribution",))
    counts = sorted(set(distribution.samples.values()))
    drawn = " and ".join(f"{count:,}" for count in counts)
    scale = f", would have seen {distribution.detectable:.1%} of scale" if distribution.detectable else ""
    law = next((text for text in distribution.declared.values()), "")
    return replace(result, reason=f"{law + ', ' if law else ''}{'2 x ' * (len(counts) == 1)}{drawn} values{scale}")


def _edges(samples: dict[str, NDArray[Any]]) -> tuple[float, float] | None:
    """The common range of both sides' histograms, so that they can be read one against the other."""
    finite = [array[np.isfinite(array)] for array in samples.values()]
    if any(not array.size for array in finite):
        return None
    return float(min(array.min() for array in finite)), float(max(array.max() for array in finite))
