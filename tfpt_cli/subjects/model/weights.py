"""The same numbers for both sides: drawn once, or one side's own, as the arrays that each side is given by its own names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.layout import moved
from tfpt_cli.dictionary.records import GAIN, POSITIVE
from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.language.shapes import without_ones
from tfpt_cli.subjects.model.leftover import drawn_by_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tfpt_cli.layers.layout import Layout
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.paired_parameters import PairedParameters
    from tfpt_cli.subjects.model.pairing import Pairing

# A gain that is drawn is between these, and no statistic is near 0 or 1: what leaves one out must be seen.
_GAINS = 0.6, 1.6
_SPREAD = 0.4, 2.5


@dataclass(frozen=True)
class Weights:
    """The numbers of each side by path; `unfit` are the pairs whose shapes do not fit."""

    torch: Mapping[str, NDArray[Any]]
    keras: Mapping[str, NDArray[Any]]
    unfit: tuple[PairedParameters, ...] = ()


def drawn(
    pairing: Pairing,
    torch: Inventory,
    keras: Inventory,
    seed: int,
    own: Mapping[str, NDArray[Any]] | None = None,
) -> Weights:
    """Numbers for all parameters that are paired, drawn from the seed: scaled by what feeds a layer, and nowhere 0 or 1.

    What only one side has is drawn too, in that side alone. `own` are numbers that PyTorch has drawn itself, which stay.
    """
    own = own or {}
    rng = np.random.default_rng(seed)
    how = {part.tensor: pair.drawn for pair in pairing.pairs for part in pair.torch}
    # In the order of the model, so that the order in which a scenario names its pairs changes nothing.
    ours = {t.name: _numbers(rng, t.shape, how[t.name]) for t in torch.tensors if t.name in how and t.name not in own}
    ours |= {name: array.astype(np.float32) for name, array in own.items()}
    for tensor in pairing.left.get(TORCH, ()):
        ours[tensor.name] = _numbers(rng, tensor.shape, drawn_by_name(tensor.own))
    theirs = {t.name: _numbers(rng, t.shape, drawn_by_name(t.own)) for t in pairing.left.get(TENSORFLOW, ())}
    return handed_over(pairing, keras, ours, theirs)


def _numbers(rng: np.random.Generator, shape: tuple[int, ...], how: str) -> NDArray[Any]:
    """Numbers for one parameter, which single precision holds exactly: rounding them is no difference between the two."""
    return _drawn(rng, shape, how).astype(np.float32)


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], how: str) -> NDArray[Any]:
    if how == POSITIVE:
        return rng.uniform(*_SPREAD, shape)
    if how == GAIN:
        return rng.uniform(*_GAINS, shape)
    if len(shape) > 1:
        fed = math.prod(shape) // max(shape[0], 1)
        return rng.normal(0.0, 1.0 / math.sqrt(max(fed, 1)), shape)
    size, signs = rng.uniform(0.1, 0.5, shape), rng.choice([-1.0, 1.0], shape)
    return np.asarray(size * signs)


def handed_over(
    pairing: Pairing, keras: Inventory, ours: Mapping[str, NDArray[Any]], theirs: Mapping[str, NDArray[Any]]
) -> Weights:
    """PyTorch's numbers in the places that correspond in Keras, where what stands in `theirs` stays as it is elsewhere."""
    found = dict(theirs)
    copied: set[str] = set()
    unfit: list[PairedParameters] = []
    for pair in pairing.pairs:
        first, *others = (part.of(ours[part.tensor]) for part in pair.torch)
        total = sum(others, start=first.astype(np.float64)) if others else first  # a sum is not rounded
        shape = keras.tensor[pair.keras.tensor].shape
        wanted = pair.keras.shape(shape)
        turned = turned_to(np.asarray(total), pair.layout, wanted)
        if turned.shape != wanted:
            unfit.append(pair)
            continue
        if pair.keras.index is None:
            found[pair.keras.tensor] = turned
            continue
        if pair.keras.tensor not in copied:  # what is given is not written into
            before = found.get(pair.keras.tensor)
            found[pair.keras.tensor] = np.zeros(shape, turned.dtype) if before is None else np.array(before)
            copied.add(pair.keras.tensor)
        pair.keras.put(found[pair.keras.tensor], turned)
    return Weights(dict(ours), found, tuple(unfit))


def handed_back(
    pairing: Pairing,
    torch: Inventory,
    theirs: Mapping[str, NDArray[Any]],
    ours: Mapping[str, NDArray[Any]] | None = None,
) -> dict[str, NDArray[Any]]:
    """Keras's numbers in the places that correspond in PyTorch; of a sum the first has them all, and the others are zero.

    Elsewhere in a tensor stands what it has in `ours`, or zero.
    """
    found: dict[str, NDArray[Any]] = {}
    for pair in pairing.pairs:
        first = pair.torch[0]
        array = pair.keras.of(theirs[pair.keras.tensor])
        if len(pair.torch) == 1 and first.index is None:
            whole = moved(array, pair.layout, TENSORFLOW, TORCH) if pair.layout.pattern else array
            if whole is not None and whole.shape == torch.tensor[first.tensor].shape:
                found[first.tensor] = whole  # a view, where the layout is an order of the axes
                continue
        for part in pair.torch:
            if part.tensor not in found:
                before = (ours or {}).get(part.tensor) if part.index is not None else None
                found[part.tensor] = np.zeros(torch.tensor[part.tensor].shape) if before is None else np.array(before)
        for part in pair.torch[1:]:
            part.put(found[part.tensor], 0.0)
        # Where each of PyTorch's numbers goes in Keras says where to take it from.
        own = first.shape(torch.tensor[first.tensor].shape)
        places = turned_to(np.arange(math.prod(own)).reshape(own), pair.layout, array.shape)
        if places.shape == array.shape:
            flat = np.empty(places.size)
            flat[places.ravel()] = array.ravel()
            first.put(found[first.tensor], flat)
    return found


def turned_to(array: NDArray[Any], layout: Layout, wanted: tuple[int, ...]) -> NDArray[Any]:
    """PyTorch's array with its axes as Keras has them; as it is where the layout does not fit.

    Axes of length one that Keras has besides, as a PReLU that shares its slope, are put in.
    """
    turned = moved(array, layout, TORCH, TENSORFLOW) if layout.pattern else array
    if turned is None:
        return array
    if turned.shape != wanted and without_ones(turned.shape) == without_ones(wanted):
        return turned.reshape(wanted)
    return turned
