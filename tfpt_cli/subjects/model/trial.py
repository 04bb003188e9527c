"""Which of several parameters correspond where neither names nor the flow of data tell: both models are tried.

What may be each other is given the same numbers. Both models then compute one function in whatever way it is paired, and what
corresponds has the same gradient. What that tells holds where both models give the same outputs with numbers of their own for
every parameter.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.distance import largest, relative_distance
from tfpt_cli.frameworks import TORCH
from tfpt_cli.language.shapes import without_ones
from tfpt_cli.layers.layout import Layout
from tfpt_cli.listing import listing
from tfpt_cli.results import Verdict
from tfpt_cli.subjects.model.comparer import NOTHING, SAME_IN_SINGLE, Comparer, array_of
from tfpt_cli.subjects.model.correspondence import start
from tfpt_cli.subjects.model.given_pairs import SAID
from tfpt_cli.subjects.model.leftover import is_bias, of_unknown_axes, own_layout
from tfpt_cli.subjects.model.matching import match_of
from tfpt_cli.subjects.model.paired_parameters import PairedParameters
from tfpt_cli.subjects.model.pairing import Pairing
from tfpt_cli.subjects.model.planning import Planner
from tfpt_cli.subjects.model.spec import BACKWARD, FORWARD, gradient_quantity
from tfpt_cli.subjects.model.weights import handed_back, turned_to
from tfpt_cli.subjects.model.writer import way_of
from tfpt_cli.subjects.subject import Round

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side
    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.results import Outcome
    from tfpt_cli.subjects.model.inventory import Tensor
    from tfpt_cli.subjects.model.looking import Looked
    from tfpt_cli.subjects.model.matching import Match
    from tfpt_cli.subjects.model.paired_parameters import TensorPart
    from tfpt_cli.subjects.model.spec import Model
    from tfpt_cli.subjects.model.weights import Weights
    from tfpt_cli.subjects.model.writer import ModelWriter
    from tfpt_cli.subjects.subject import Terms

# Why parameters were paired by a trial.
BY_GRADIENT = "by its gradient, with the same numbers in all that may be it"
BY_NEAREST, BY_ORDER = "by the nearest gradient", "by trying every order"
BY_TURNING = "by trying how its axes are turned"
BY_PIECES = "by trying how its parts are interleaved"
# How that is said of several.
HOW = {
    BY_GRADIENT: "by their gradients, with the same numbers in all that may be each other",
    BY_NEAREST: "by the nearest gradients",
    BY_ORDER: "by trying every order: under this one the outputs agree",
    BY_PIECES: "with parts that are interleaved, which nothing else tells: so the outputs agree",
    BY_TURNING: "with axes turned, which nothing else tells: so the outputs agree",
}
IN_ORDER = "by their order, which nothing confirms"
# So many orders are tried at most.
_ORDERS = 24
# So many square matrices are turned at most.
_SQUARES = 3
# What corresponds is this near to each other in a trial: relative to the greater, in double precision and in single.
_NEAR = {"float64": SAME_IN_SINGLE, "float32": 1e-3}
# How far apart what is nothing alike counts as, and how little what stands in another place.
_FAR, _LEAST = 1e6, 1e-9
# So many elements of gradients are compared to tell what may be each other; what is told is compared whole.
_ELEMENTS = 100_000_000


@dataclass(frozen=True)
class _Guess:
    """Two layers with all their parameters (`match`), or two parameters alone, which an order or a size made a pair."""

    pairs: tuple[PairedParameters, ...]
    match: Match | None = None

    @property
    def in_parts(self) -> bool:
        """Whether it is a layer of whose parameters parts correspond."""
        return self.match is not None and any(pair.in_part for pair in self.pairs)


@dataclass(frozen=True)
class _Told:
    """By its place in a group, the place of what is nearest to each: whether it is the `same`, and `clear` of all others."""

    group: Sequence[_Guess]
    places: list[int]
    same: bool
    clear: bool

    @property
    def sure(self) -> bool:
        """Whether nothing else would do."""
        return self.same and self.clear


@dataclass(frozen=True)
class _Tried:
    """What both models gave with some numbers, and what they were asked for."""

    planner: Planner
    outcomes: Mapping[Side, Outcome]

    def gradients(self, pair: PairedParameters) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
        """The gradients by the parameters of a pair, each with its own axes; None where there is none."""
        quantity, way = gradient_quantity(pair.name), way_of(self.planner.looked.dtype)
        first, second = (array_of(self.outcomes[side], quantity, way) for side in self.planner.terms.sides)
        return first, second

    @cached_property
    def least(self) -> float:
        """What gradients are measured by at least: what is smaller is the rounding of something that is zero."""
        arrays = (array for pair in self.planner.pairing.pairs for array in self.gradients(pair) if array is not None)
        return max(map(largest, arrays), default=0.0) * NOTHING

    @property
    def agrees(self) -> bool:
        """Whether both give the same outputs, up to numbers that they keep in single precision."""
        return all(verdict is not None and verdict.agrees for verdict in self.verdicts())

    @property
    def parts(self) -> bool:
        """Whether they give something else; a side that gives nothing says nothing."""
        return any(verdict is Verdict.DIFFERS for verdict in self.verdicts())

    def verdicts(self) -> Iterator[Verdict | None]:
        """How each output compares; None for one that a side has not left."""
        planner = self.planner
        comparer = Comparer(planner.terms.sides, None, _NEAR[planner.looked.dtype])
        for each in planner.outputs:
            both = comparer.values(self.outcomes, each.quantity, each.layout, way_of(planner.looked.dtype))
            yield comparer.compare(both, 0.0).verdict if both is not None else None


class Trial:
    """Tries the models of two frameworks, to tell what their pairing only guesses.

    `nearest` is the pairing of what had the nearest gradients, where a trial told some; it need not be the right one. `parted`
    says how it was seen that the models part in whatever way those pairs are: with the same numbers in all, or in every order.
    `unsure` are the names of pairs whose order no gradients confirm.
    """

    def __init__(
        self, spec: Model, terms: Terms, looked: Looked, pairing: Pairing, writers: Mapping[Side, ModelWriter]
    ) -> None:
        self.spec = replace(spec, start="drawn", compared=(FORWARD, BACKWARD))
        self.terms, self.looked, self.writers = terms, looked, writers
        self.before, self.pairing = pairing, pairing.with_guessed() if pairing.unclear else pairing
        self.nearest, self.parted = self.pairing, ""
        self.unsure: list[str] = []
        self.ours, self.theirs = (looked.inventories[side] for side in terms.sides)

    @cached_property
    def partial(self) -> bool:
        """Whether there are layers in doubt that cannot be given the same numbers: parts of parameters have them."""
        groups = self.groups(self.pairing, loose=False, parts=True)
        return any(guess.in_parts for group in groups for guess in group)

    def told(self) -> Any:
        """The rounds that find a `Pairing` with nothing guessed, under which both models give the same outputs.

        None where they tell nothing, or nothing else than the pairing that there was.
        """
        if self.pairing.unclear:
            return None
        added = self.with_added()
        tries = [(self.pairing, False), (self.pairing, True)] + [(added, True)] * (added is not self.pairing)
        groups: list[list[_Guess]] = []
        parted: list[bool] = []
        for pairing, loose in tries:
            before, groups = groups, self.groups(pairing, loose=loose)
            tried = (yield from self.tried(pairing, groups)) if groups and groups != before else None
            if tried is not None:
                parted.append(tried.parts)
                if (found := (yield from self.told_of(pairing, groups, tried, first=not loose))) is not None:
                    return found
        if parted and all(parted) and (found := (yield from self.interleaved())) is not None:
            return found
        if parted and all(parted) and not self.partial:
            self.parted = "with the same numbers in all of them the models part too"
        elif (found := (yield from self.ordered())) is not None:
            return found
        return (yield from self.turned())

    def told_of(
        self, pairing: Pairing, groups: Sequence[Sequence[_Guess]], tried: _Tried, *, first: bool = False
    ) -> Any:
        """The rounds that find such a `Pairing` by what was tried with the same numbers in all of each of some groups, or None.

        What is the `first` to be told, of whole layers and of what is in none, is the nearest. Where some of a group are not
        told apart, because others have the same numbers, they are once more when those are told.
        """
        told = [self.by_gradient(group, tried) for group in groups]
        near = [
            (each.group, each.places, BY_GRADIENT if each.same else BY_NEAREST)
            for each in told
            if each.same or each.clear
        ]
        found = self.reordered(pairing, near)
        if first:
            self.nearest = found
            unsure = [guess for each in told if not each.same and not each.clear for guess in each.group]
            self.unsure = [pair.name for guess in unsure for pair in guess.pairs]
        if all(each.same for each in told) and found.pairs != self.before.pairs:
            again = yield from self.tried(found)
            if again is not None and again.agrees:
                return found
        sure = [(each.group, each.places, BY_GRADIENT) for each in told if each.sure]
        rest = [each.group for each in told if not each.sure]
        if not sure or not rest:
            return None
        pairing = self.reordered(pairing, sure)
        tried = yield from self.tried(pairing, rest)
        return (yield from self.told_of(pairing, rest, tried)) if tried is not None else None

    def interleaved(self) -> Any:
        """The rounds that find a `Pairing` by trying whether parts are interleaved, by each number of heads that there may be."""
        packs = [p for p in self.pairing.pairs if not p.sure and any(part.sizes for part in (*p.torch, p.keras))]
        lengths = {math.gcd(*part.sizes) for pair in packs for part in (*pair.torch, pair.keras) if part.sizes}
        made = {length for event in self.ours.events for shape in event.outputs for length in shape}
        for pieces in sorted(
            made & {n for n in range(2, max(lengths, default=0) + 1) if all(x % n == 0 for x in lengths)}
        ):
            pairs = tuple(_in_pieces(pair, pieces) if pair in packs else pair for pair in self.pairing.pairs)
            pairing = replace(self.pairing, pairs=pairs)
            groups = self.groups(pairing, loose=False)
            tried = yield from self.tried(pairing, groups)
            if tried is not None and not tried.parts:
                return (yield from self.told_of(pairing, groups, tried))
        return None

    def against_names(self) -> Any:
        """The rounds that find which parameters of a person's own correspond where their names mislead; gives those pairs.

        None are given unless both models give the same outputs with them. Names are what a port goes by, so that this is no more
        than to be said.
        """
        known = {tensor.name for match in self.pairing.matches if match.row for tensor in match.torch.tensors}
        doubted = [
            pair for pair in self.pairing.pairs
            if pair.sure and pair.why != SAID and not pair.state and not known & {part.tensor for part in pair.torch}
        ]  # fmt: skip
        pairing = replace(
            self.pairing, pairs=tuple(replace(p, sure=p not in doubted and p.sure) for p in self.pairing.pairs)
        )
        groups = self.groups(pairing, loose=False)
        names = {pair.name for pair in doubted}
        if not any(pair.name in names for group in groups for guess in group for pair in guess.pairs):
            return ()
        tried = yield from self.tried(pairing, groups)
        found = (yield from self.told_of(pairing, groups, tried)) if tried is not None and not tried.parts else None
        before = {(pair.name, pair.keras) for pair in self.before.pairs}
        return () if found is None else tuple(p for p in found.pairs if (p.name, p.keras) not in before)

    def ordered(self) -> Any:
        """The rounds that find a `Pairing` by trying every order, where there are few: equal numbers may tell nothing.

        What subtracts two, or takes the greater, has no gradient where both are equal.
        """
        groups = self.groups(self.pairing, loose=False, parts=True)
        if not groups or math.prod(math.factorial(len(group)) for group in groups) > _ORDERS:
            return None
        for places in itertools.product(*(itertools.permutations(range(len(group))) for group in groups)):
            found = self.reordered(self.pairing, [(*each, BY_ORDER) for each in zip(groups, places, strict=True)])
            if found.pairs != self.before.pairs:
                tried = yield from self.tried(found)
                if tried is not None and tried.agrees:
                    return found
        self.parted = "in no order of them do the outputs agree"
        return None

    def turned(self) -> Any:
        """The rounds that find a `Pairing` by turning square matrices, where nothing tells how their axes are ordered."""
        known = {
            tensor.name for match in self.pairing.matches if match.row is not None for tensor in match.torch.tensors
        }
        squares = [
            pair.name
            for pair in self.pairing.pairs
            if len(pair.torch) == 1 and pair.own is None and not pair.in_part and pair.name not in known
            if of_unknown_axes(self.ours.tensor[pair.name], self.theirs.tensor[pair.keras.tensor])
        ]
        if len(squares) > _SQUARES:
            return None
        for count in range(1, len(squares) + 1):
            for chosen in itertools.combinations(squares, count):
                found = replace(self.pairing, pairs=tuple(
                    replace(pair, layout=Layout("a b -> b a"), why=BY_TURNING) if pair.name in chosen else pair
                    for pair in self.pairing.pairs
                ))  # fmt: skip
                tried = yield from self.tried(found)
                if tried is not None and tried.agrees:
                    return found
        return None

    def with_added(self) -> Pairing:
        """The pairing where biases that PyTorch alone has stand beside others of their shape, to which they may be added."""
        alone = [tensor for tensor in self.pairing.left.get(TORCH, ()) if is_bias(tensor)]
        biases = [p for p in self.pairing.pairs if len(p.torch) == 1 and is_bias(self.ours.tensor[p.torch[0].tensor])]
        pairs = [replace(pair, sure=False) if pair in biases else pair for pair in self.pairing.pairs] if alone else []
        for tensor in alone:
            partner = next((p for p in biases if self.shapes(p) == (tensor.shape, tensor.shape)), None)
            if partner is None:
                return self.pairing
            held = self.theirs.tensor[partner.keras.tensor]
            pairs.append(PairedParameters.of_tensors([tensor], held, Layout(), partner.why, sure=False))
        left = {**self.pairing.left, TORCH: tuple(t for t in self.pairing.left.get(TORCH, ()) if t not in alone)}
        return replace(self.pairing, pairs=tuple(pairs), left=left) if alone else self.pairing

    @property
    def guess(self) -> Pairing | None:
        """A pairing with which to see where the models part, once it is known that they do; None where it is that there was."""
        other = self.before.unclear or [p.keras for p in self.nearest.pairs] != [p.keras for p in self.before.pairs]
        return self.nearest if self.parted and other else None

    def groups(self, pairing: Pairing, *, loose: bool, parts: bool = False) -> list[list[_Guess]]:
        """What may be each other, in groups of two or more: layers that are not sure to correspond, and parameters that are not.

        Where it is `loose`, parameters of layers that a row knows may be any, as of a layer that is code in the other model. With
        `parts` there are layers whose parameters are parts of tensors.
        """
        guesses = [_Guess((pair,)) for pair in pairing.pairs if not pair.sure and not pair.state]
        for match in pairing.matches:
            names = {tensor.name for tensor in match.torch.tensors}
            own = tuple(pair for pair in pairing.pairs if pair.sure and pair.torch[0].tensor in names)
            if match.sure or not own:
                continue
            if loose and match.row is not None and not any(pair.in_part for pair in own):
                guesses += [_Guess((pair,)) for pair in own if not pair.state]
            else:
                guesses.append(_Guess(own, match))
        groups: dict[object, list[_Guess]] = {}
        for guess in guesses:
            if parts or not guess.in_parts:
                groups.setdefault(self.kind(guess), []).append(guess)
        return [group for group in groups.values() if len(group) > 1]

    def kind(self, guess: _Guess) -> object:
        """What is the same of all that may be each other."""
        row = guess.match.row.name if guess.match is not None and guess.match.row is not None else ""
        return row, tuple(
            (*map(without_ones, self.shapes(pair)), pair.layout.text if row else "") for pair in guess.pairs
        )

    def shapes(self, pair: PairedParameters) -> tuple[Shape, Shape]:
        """The shapes of both parameters of a pair."""
        ours, theirs = self.tensors(pair)
        return ours.shape, theirs.shape

    def tensors(self, pair: PairedParameters) -> tuple[Tensor, Tensor]:
        """Both parameters of a pair; of a part it is the tensor with the shape of that part."""
        return pair.torch[0].within(self.ours), pair.keras.within(self.theirs)

    def tried(self, pairing: Pairing, equal: Sequence[Sequence[_Guess]] = ()) -> Any:
        """The rounds that run both models with drawn numbers, the same for all of a group; None where they do not fit."""
        started = yield from start(self.spec, self.terms.sides, self.looked, pairing, self.writers)
        weights = self.equalized(started.weights, equal)
        if weights.unfit:
            return None
        planner = Planner(self.spec, self.terms, self.looked, started.pairing, weights)
        plans, arrays, dtype = planner.plans(), planner.arrays(), self.looked.dtype
        outcomes = yield Round({
            side: listing(side.framework, writer.run(plans[side], dtype), arrays[side])
            for side, writer in self.writers.items()
        })  # fmt: skip
        return _Tried(planner, outcomes)

    def equalized(self, weights: Weights, groups: Sequence[Sequence[_Guess]]) -> Weights:
        """The numbers, of which all of a group have those of its first; where some may be added they are zero."""
        ours, theirs = dict(weights.torch), dict(weights.keras)
        for group in groups:
            if _added(group):
                for pair in (pair for guess in group for pair in guess.pairs):
                    _put(ours, pair.torch[0], 0.0)
                    _put(theirs, pair.keras, 0.0)
                continue
            first, *others = group
            for pair, model in ((p, m) for guess in others for p, m in zip(guess.pairs, first.pairs, strict=True)):
                _put(theirs, pair.keras, model.keras.of(theirs[model.keras.tensor]))
                if pair.layout.text == model.layout.text:
                    for one, other in zip(pair.torch, model.torch, strict=True):
                        _put(ours, one, other.of(ours[other.tensor]))
                else:
                    ours |= handed_back(Pairing((pair,), ()), self.ours, theirs, ours)
        return replace(weights, torch=ours, keras=theirs)

    def by_gradient(self, group: Sequence[_Guess], tried: _Tried) -> _Told:
        """Which of a group have the gradients nearest to each other."""
        from scipy.optimize import linear_sum_assignment  # not above: it takes half a second that only a trial needs

        most = _most(self.shapes(group[0].pairs[0])[0], len(group))
        apart = np.array([[self.apart(one, other, tried, most) for other in group] for one in group])
        # Of several that are as near, those in one place.
        cost = np.minimum(apart, _FAR) + _LEAST * (1 - np.eye(len(group)))
        added = _added(group)
        found = [int(place) for place in (cost.argmin(1) if added else linear_sum_assignment(cost)[1])]
        far = max(self.apart(group[place], group[other], tried) for place, other in enumerate(found))
        same, clear = far <= _NEAR[self.looked.dtype], not added and _clear(cost, found)
        return _Told(group, found, same, clear)

    def reordered(self, pairing: Pairing, groups: Iterable[tuple[Sequence[_Guess], Sequence[int], str]]) -> Pairing:
        """The pairing where what each of a group has in PyTorch stands beside what the one in another place has in Keras."""
        told: dict[str, PairedParameters] = {}
        matches = {match.torch.paths: match for match in pairing.matches}
        for group, places, why in groups:
            for place, other in enumerate(places):
                one, theirs = group[place], group[other]
                if one is theirs and one.pairs[0] not in self.before.guessed and not _added(group):
                    continue
                for pair, partner in zip(one.pairs, theirs.pairs, strict=True):
                    layout = self.layout(pair, partner)
                    told[pair.name] = replace(pair, keras=partner.keras, layout=layout, why=why, sure=True)
                if one.match is not None and theirs.match is not None:
                    matches[one.match.torch.paths] = match_of(one.match.torch, theirs.match.keras, why)
        pairs = tuple(_together(told.get(pair.name, pair) for pair in pairing.pairs))
        return replace(pairing, pairs=pairs, matches=tuple(self.whole(matches.values(), pairs)))

    def apart(self, one: _Guess, other: _Guess, tried: _Tried, most: int | None = None) -> float:
        """How far the gradients by what one guess has in PyTorch are from those by what another has in Keras; the most of all.

        Of each not more than about `most` elements are looked at.
        """
        found = [0.0]
        for pair, theirs in zip(one.pairs, other.pairs, strict=True):
            ours, wanted = tried.gradients(pair)[0], tried.gradients(theirs)[1]
            if ours is None or wanted is None:
                found.append(0.0 if ours is wanted else math.inf)
                continue
            turned = turned_to(ours, self.layout(pair, theirs), wanted.shape)
            if turned.shape != wanted.shape:
                found.append(math.inf)
                continue
            if most is not None and turned.size > most:
                turned, wanted = (array.flat[:: turned.size // most | 1] for array in (turned, wanted))
            found.append(relative_distance(turned, wanted, tried.least))
        return max(found)

    def layout(self, pair: PairedParameters, theirs: PairedParameters) -> Layout:
        """How the axes of what a pair has in PyTorch map to those of what another has in Keras."""
        if pair.own is not None or (
            pair.layout.text == theirs.layout.text and self.shapes(pair) == self.shapes(theirs)
        ):
            return pair.layout
        return own_layout(self.tensors(pair)[0], self.tensors(theirs)[1]) or Layout()

    def whole(self, matches: Iterable[Match], pairs: Sequence[PairedParameters]) -> Iterator[Match]:
        """The matches of layers all of whose parameters correspond to those of one layer."""
        matches = list(matches)
        partner = {part.tensor: pair.keras.tensor for pair in pairs for part in pair.torch}
        holder = {tensor.name: match.keras for match in matches for tensor in match.keras.tensors}
        for match in matches:
            theirs = {partner[tensor.name] for tensor in match.torch.tensors if tensor.name in partner}
            units = {holder[name].paths: holder[name] for name in theirs if name in holder}
            if not units or units.keys() == {match.keras.paths}:
                yield match
            elif len(units) == 1:
                (unit,) = units.values()
                yield match_of(match.torch, unit, BY_GRADIENT)


def _in_pieces(pair: PairedParameters, pieces: int) -> PairedParameters:
    """A pair of which the part of a tensor is interleaved with the others."""
    torch = tuple(replace(part, pieces=pieces) if part.sizes else part for part in pair.torch)
    keras = replace(pair.keras, pieces=pieces) if pair.keras.sizes else pair.keras
    return replace(pair, torch=torch, keras=keras, why=BY_PIECES)


def _put(arrays: dict[str, NDArray[Any]], part: TensorPart, numbers: NDArray[Any] | float) -> None:
    """Puts numbers into a part of one of some arrays, of which that one is another then."""
    arrays[part.tensor] = np.array(arrays[part.tensor])
    part.put(arrays[part.tensor], numbers)


def _most(shape: Shape, count: int) -> int:
    """How many elements of each of some arrays can be held against those of every other within seconds."""
    return max(_ELEMENTS // count**2, math.prod(shape) // count, 1)


def _added(group: Sequence[_Guess]) -> bool:
    """Whether there are more parameters in PyTorch than in Keras, where two biases may be one: they are added."""
    return len({pair.keras for guess in group for pair in guess.pairs}) < sum(len(guess.pairs) for guess in group)


def _together(pairs: Iterable[PairedParameters]) -> Iterable[PairedParameters]:
    """The pairs, where those with one parameter of Keras are a sum."""
    found: dict[TensorPart, PairedParameters] = {}
    for pair in pairs:
        first = found.get(pair.keras)
        found[pair.keras] = replace(first, torch=(*first.torch, *pair.torch)) if first is not None else pair
    return found.values()


def _clear(apart: NDArray[Any], found: Sequence[int]) -> bool:
    """Whether what is found, by the place of each, is at most half as far away as anything else would be, which is not as near.

    >>> _clear(np.array([[0.1, 0.9], [0.8, 0.2]]), [0, 1]), _clear(np.array([[0.5, 0.9], [0.8, 0.2]]), [0, 1])
    (True, False)
    """
    for place, other in enumerate(found):
        rest = [*np.delete(apart[place], other), *np.delete(apart[:, other], place)]
        if max(2 * apart[place, other], SAME_IN_SINGLE) > min(rest):
            return False
    return True
