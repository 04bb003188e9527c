"""The course of a model task: what is asked of both sides round by round, and what that comes to."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.mentions import field
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.listing import listing
from tfpt_cli.results import PLAIN, STATE, VALUE, Comparison, Failure, Finding, Kind, PairLine, Verdict, Way
from tfpt_cli.subjects.model.alignment import aligned
from tfpt_cli.subjects.model.beginning import Search, class_of
from tfpt_cli.subjects.model.checks import is_output
from tfpt_cli.subjects.model.comparer import (
    SAME,
    SAME_IN_FLOAT32,
    SAME_IN_SINGLE,
    Comparer,
    array_of,
    other_order,
    scales,
)
from tfpt_cli.subjects.model.dropping import DROPPED, drawing
from tfpt_cli.subjects.model.dropping import drawn as drawn_at_random
from tfpt_cli.subjects.model.evidence import RATES, Code, Evidence
from tfpt_cli.subjects.model.looking import DTYPES, Stopped, hint_of_layout, look, shapes_of_inputs
from tfpt_cli.subjects.model.loss import loss_in
from tfpt_cli.subjects.model.pairing import Pairing, pairing_of, same_names
from tfpt_cli.subjects.model.planning import Planner
from tfpt_cli.subjects.model.rounding import ill_conditioned, magnified, own_rounding, rounded, with_rounding
from tfpt_cli.subjects.model.side_by_side import Layers, flattened
from tfpt_cli.subjects.model.spec import BOTH, LOSS, OUTPUT, WeightFile, layer_quantity
from tfpt_cli.subjects.model.stored import stored
from tfpt_cli.subjects.model.weights import drawn, handed_back, handed_over
from tfpt_cli.subjects.model.writer import DOUBLE, MADE, OWN_NAMES, OWN_NUMBERS, SINGLE
from tfpt_cli.subjects.subject import Compared, Round

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side
    from tfpt_cli.results import LayerLine, Outcome, Quantity
    from tfpt_cli.subjects.model.comparer import Both
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.looking import Looked
    from tfpt_cli.subjects.model.side_by_side import Measured
    from tfpt_cli.subjects.model.spec import Model
    from tfpt_cli.subjects.model.weights import Weights
    from tfpt_cli.subjects.model.writer import ModelWriter, Plan
    from tfpt_cli.subjects.subject import Run, Terms

# More bytes than this are not carried to the parent layer by layer unless something parts.
_SMALL = 40_000_000


class Course:
    """What a model task finds out, step by step."""

    def __init__(self, spec: Model, terms: Terms, writers: Mapping[Side, ModelWriter]) -> None:
        self.spec, self.terms, self.writers = spec, terms, writers
        self.first, self.second = terms.sides
        self.notes: list[str] = []
        self.rounding: list[str] = []
        self.comparisons: list[Comparison] = []
        self.lines: list[Measured] = []
        self.looked: Looked | None = None
        self.seen: Mapping[Side, Inventory] = {}
        self.pairing = Pairing((), ())
        self.begins: int | None = None
        self.of_loss: frozenset[Quantity] = frozenset()
        self.behind: int | None = None
        self.at_the_end = False
        self.source: Side | None = None
        self.numbers: Weights | None = None
        self.plans: Mapping[Side, Plan] = {}
        self.arrays: Mapping[Side, Mapping[str, NDArray[Any]]] = {}
        # What was run, as a person would write it: of models that are only looked at, without what looks.
        self.listings = {s: listing(s.framework, writer.tried("float64")) for s, writer in writers.items()}

    @property
    def inventories(self) -> Mapping[Side, Inventory]:
        """What was seen of the models, as far as they could be looked at."""
        return self.looked.inventories if self.looked is not None else self.seen

    @property
    def search(self) -> Search:
        """The search for where the models begin to part."""
        return Search(self.lines, self.inventories, self.terms.sides)

    @property
    def quantities(self) -> list[Quantity]:
        """What was compared."""
        return list(dict.fromkeys(comparison.quantity for comparison in self.comparisons))

    def run(self) -> Run:
        """The rounds: both models are looked at, run with the same weights, and where they part run layer by layer."""
        try:
            looked, weights = yield from self.begin()
            outcomes = yield from self.execute(looked, weights)
        except Stopped as stop:
            outcomes = self.stopped(stop)
        outcomes = _failed(outcomes, self.unknown_quantities())
        layers, pairs = tuple(self.layer_lines()), tuple(self.pair_lines())
        return Compared(tuple(self.comparisons), outcomes, layers=layers, pairs=pairs)

    def only_begin(self) -> Run:
        """The rounds up to the numbers of both sides: neither model is run with them, and nothing is compared.

        Both are looked at in single precision, in which their files are; numbers that do not fit are a failure.
        """
        try:
            looked, weights = yield from self.begin(("float32",))
            outcomes = looked.outcomes
            if weights.unfit:
                raise Stopped(outcomes, *self.unfit(looked, weights))
        except Stopped as stop:
            outcomes = self.stopped(stop)
        return Compared(tuple(self.comparisons), outcomes, pairs=tuple(self.pair_lines()))

    def begin(self, dtypes: Sequence[str] = DTYPES) -> Any:
        """Looks at both models in the first of some dtypes that both take, pairs their parameters and finds their numbers.

        Gives what was seen and the numbers. Raises `Stopped`.
        """
        self.looked = looked = yield from look(self.spec, self.writers, dtypes)
        self.notes += looked.notes
        self.pair(looked)
        self.numbers = weights = yield from self.weights(looked)
        return looked, weights

    def stopped(self, stop: Stopped) -> Mapping[Side, Outcome]:
        """Keeps what is known where the task ends, and gives the outcomes with why it does."""
        self.seen = stop.inventories or self.seen
        self.comparisons = list(stop.comparisons)
        self.notes += stop.notes
        return _failed(stop.outcomes, stop.words)

    def unfit(self, looked: Looked, weights: Weights) -> Iterator[str]:
        """What to say of each pair whose numbers do not fit into the other side's parameter."""
        ours, theirs = (looked.inventories[side] for side in self.terms.sides)
        for pair in weights.unfit:
            shapes = ours.tensor[pair.torch[0].tensor].shape, theirs.tensor[pair.keras.tensor].shape
            said = field("layout", pair.name, "...")
            yield f"{pair.name} {shapes[0]} does not fit into {pair.keras.text} {shapes[1]}; {said} says how its axes map"

    def unknown_quantities(self) -> list[str]:
        """What to say of names in `expect` that nothing was compared by."""
        if not isinstance(self.terms.expect, dict) or not self.comparisons:
            return []
        names = list(map(str, self.quantities))
        return [
            f"'expect' names '{name}', which was not compared{did_you_mean(name, names) or f' (there are {_few(names, 12)})'}"
            for name in self.terms.expect
            if name not in names
        ]

    # ---- which parameters correspond, and their numbers

    def pair(self, looked: Looked) -> None:
        """Pairs the parameters; ends the task where the models do not tell the pairs."""
        ours, theirs = (looked.inventories[side] for side in self.terms.sides)
        if self.first.framework is self.second.framework:
            self.pairing = same_names(ours, theirs)
        else:
            of_others = {n for n in self.spec.layouts if is_output(n) and n not in ours.tensor}.union(self.spec.inputs)
            own = {name: each for name, each in self.spec.layouts.items() if name not in of_others}
            self.pairing = pairing_of(ours, theirs, self.spec.pair, own)
        problems = [*(self.pairing.problems or self.unpaired()), *self.unknown_outputs()]
        if problems:
            raise Stopped(looked.outcomes, *problems)

    def weights(self, looked: Looked) -> Any:
        """The numbers of both sides: drawn, one side's own, or those of a file."""
        ours, theirs = (looked.inventories[side] for side in self.terms.sides)
        start = self.spec.start
        if start == "drawn":
            return drawn(self.pairing, ours, theirs, self.spec.seed)
        if isinstance(start, WeightFile):
            file = yield from stored(start, looked, self.writers)
            self.notes += file.notes
            self.source = file.side
            side, numbers = file.side, file.numbers
        else:
            side = self.first if start == TORCH else self.second
            numbers = self.own(looked, side)
        if side is self.first:
            return handed_over(self.pairing, theirs, numbers, {})
        return handed_over(self.pairing, theirs, handed_back(self.pairing, ours, numbers), numbers)

    def unpaired(self) -> Iterator[str]:
        """What to say where parameters are left over on both sides."""
        left = self.pairing.left
        if not self.pairing.unclear:
            return
        ours, theirs = ([f"{t.name} {t.shape}" for t in left[f]] for f in (TORCH, TENSORFLOW))
        lines = [f"{one.name}: {other.name}" for one, other in zip(left[TORCH], left[TENSORFLOW], strict=False)]
        yield (
            f"these parameters cannot be told from each other: {_few(ours)} in PyTorch, {_few(theirs)} in Keras; say which "
            f"correspond, such as pair: {{{_few(lines, 3)}}}"
        )

    def unknown_outputs(self) -> Iterator[str]:
        """What to say of outputs in `layout` that neither model gives."""
        inventories = self.looked.inventories.values() if self.looked else ()
        names = [f"{OUTPUT}.{output.name}" for inventory in inventories for output in inventory.outputs if output.name]
        known = list(dict.fromkeys([OUTPUT, *names]))
        parameters = self.looked.inventories[self.first].tensor if self.looked else {}
        for name in self.spec.layouts:
            if is_output(name) and name not in known and name not in parameters:
                hint = did_you_mean(name, known) or f" (there are {_few(known, 12)})"
                yield f"layout names '{name}', which neither model gives{hint}"

    def own(self, looked: Looked, side: Side) -> dict[str, NDArray[Any]]:
        """The numbers that a side's own model starts with, by path."""
        outcome = looked.outcomes[side]
        names, numbers = (outcome.values[quantity, PLAIN].array for quantity in (OWN_NAMES, OWN_NUMBERS))
        found, start = {}, 0
        for name, shape in json.loads(bytes(names))["arrays"]:
            size = int(np.prod(shape))
            found[name] = numbers[start : start + size].reshape(shape)
            start += size
        if broken := [name for name, array in found.items() if not np.isfinite(array).all()]:
            words = f"the weights that {side.label} starts with are not all finite ({_few(broken)})"
            raise Stopped(looked.outcomes, f"{words}; {field('weights', value='drawn')} gives both sides others")
        return found

    # ---- the second round: the same numbers, forward and backward

    def execute(self, looked: Looked, weights: Weights) -> Any:
        """Runs both models with the same weights, compares what they give, and looks at the layers; gives the outcomes."""
        planner = Planner(self.spec, self.terms, looked, self.pairing, weights)
        self.notes += planner.notes
        known = list(planner.before())
        self.comparisons = known
        if weights.unfit:
            self.notes.append("nothing was run: the same numbers do not fit into both models")
            self.notes += hint_of_layout(self.spec, looked.inventories, self.terms.sides)
            self.notes += shapes_of_inputs(self.spec, self.terms.sides)
            return looked.outcomes
        if planner.random:
            self.notes.append("dropout is switched off in both: what it drops is drawn at random")
            known += yield from self.draw(looked)
        plans, arrays = planner.plans(), planner.arrays()
        self.plans, self.arrays = plans, arrays
        dtypes = [looked.dtype, *(["float32"] if looked.dtype == "float64" and self.spec.dtype == "float32" else [])]
        self.listings = {
            side: listing(side.framework, writer.sections(plans[side], dtypes), arrays[side])
            for side, writer in self.writers.items()
        }
        outcomes = yield Round(self.listings, tuple(self.comparisons))
        self.comparisons = known + self.compared(outcomes, planner, SAME)
        yield Round({}, tuple(self.comparisons))
        parted = any(not comparison.verdict.agrees for comparison in self.comparisons)
        if self.first.framework is not self.second.framework and (parted or self.small(looked)):
            yield from self.layer_by_layer(looked, plans, arrays)
            apart = [c.quantity for c in self.comparisons if not c.verdict.agrees]
            singles = self.search.in_single() or self.search.keeping_in_single(apart)
            if parted and singles:
                before = [c.verdict for c in self.comparisons]
                self.comparisons = known + self.compared(
                    outcomes, planner, SAME_IN_SINGLE, self.comparisons[len(known) :]
                )
                if before != [c.verdict for c in self.comparisons]:
                    self.notes.append(f"computed with numbers in single precision, whatever the dtype: {_few(singles)}")
        self.judge()
        return outcomes

    def draw(self, looked: Looked) -> Any:
        """Has the layers that draw at random make something of ones; gives the comparisons of what they made."""
        layers = drawing(looked.inventories, self.terms.sides)
        if not layers:
            return []
        listings = {
            side: listing(
                side.framework,
                writer.draws(looked.inventories[side], {each.names[side]: each.shapes[side] for each in layers}),
            )
            for side, writer in self.writers.items()
        }
        outcomes = yield Round(listings, tuple(self.comparisons))
        turned = self.spec.channels or bool(self.spec.layouts)
        return list(drawn_at_random(layers, outcomes, self.terms.sides, turned_axes=turned))

    def compared(
        self, outcomes: Mapping[Side, Outcome], planner: Planner, within: float, before: Sequence[Comparison] = ()
    ) -> list[Comparison]:
        """The comparisons of everything that both sides have left, which may be `within` so much apart in double precision.

        What agreed `before`, within less, is not compared again.
        """
        double = planner.looked.dtype == "float64"
        way = DOUBLE if double else SINGLE
        comparer = Comparer(
            self.terms.sides,
            self.terms.tolerance,
            within if double else SAME_IN_FLOAT32,
            in_single=self.spec.dtype == "float32",
        )
        wanted = (comparer.values(outcomes, quantity, layout, way) for quantity, layout in planner.wanted())
        found = [pair for pair in (*wanted, *self.in_modes(comparer, outcomes, planner)) if pair is not None]
        self.rounding = []
        comparisons = []
        for place, (pair, scale) in enumerate(zip(found, scales(found, single=comparer.within > SAME), strict=True)):
            if before and before[place].verdict.agrees and pair.quantity.kind != VALUE:
                comparisons.append(before[place])
                continue
            comparison = comparer.compare(pair, scale)
            single = comparer.values(outcomes, pair.quantity, pair.layout, SINGLE)
            if double and single is not None and pair.quantity.kind == VALUE and not pair.ways:
                ways = {DOUBLE: pair, SINGLE: single}
                comparison, words = with_rounding(comparison, ways, self.terms.sides)
                self.rounding += [f"{pair.quantity}: {words}"] if words else []
                events = planner.looked.inventories[self.first].events
                if len(events) == 1 and comparison.verdict.agrees:  # of more, each layer is looked at by itself
                    name = class_of(planner.looked.inventories[self.first].by_name[events[0].layer or ""].call)
                    self.rounding += magnified(name, own_rounding(ways, self.terms.sides))
            if not comparison.verdict.agrees and pair.quantity.kind == VALUE and (order := other_order(pair)):
                words = _of_order(str(pair.quantity), order)
                comparison = replace(comparison, findings=(*comparison.findings, Finding(Kind.RESEMBLANCE, words)))
            comparisons.append(comparison)
        return comparisons

    def in_modes(self, comparer: Comparer, outcomes: Mapping[Side, Outcome], planner: Planner) -> Iterator[Both | None]:
        """What each side has in its further modes, beside what the other has as usual."""
        for side in self.terms.sides:
            for mode in self.spec.modes[side.framework]:
                if mode != "eager":
                    for quantity, layout in planner.wanted():
                        yield comparer.in_mode(outcomes, quantity, layout, side, Way(mode=mode))

    # ---- the rounds after: layer by layer

    def small(self, looked: Looked) -> bool:
        """Whether the models and what all their layers give are little enough to be looked at though nothing parts."""
        inventory = looked.inventories[self.second]
        if len(inventory.events) < 2:
            return False
        given = sum(int(np.prod(shape)) for event in inventory.events for shape in event.outputs)
        return max(given, sum(int(np.prod(tensor.shape)) for tensor in inventory.tensors)) * 8 <= _SMALL

    def layer_by_layer(self, looked: Looked, plans: Mapping[Side, Plan], arrays: Mapping[Side, Any]) -> Any:
        """Has the layers of both models compared: in the models, and each by itself on what PyTorch's is given."""
        ours, theirs = (looked.inventories[side] for side in self.terms.sides)
        channels = self.spec.channels or bool(self.spec.layouts)
        beside = aligned(ours, theirs, self.pairing.matches, training=self.spec.training, turned=channels)
        if not beside:
            return
        layers = Layers(
            beside,
            {TORCH: ours, TENSORFLOW: theirs},
            channels=channels,
            flattened={
                pair.layer: order for pair in self.pairing.pairs if (order := flattened(pair.layout)) is not None
            },
            limit=SAME if looked.dtype == "float64" else SAME_IN_FLOAT32,
        )
        spans = dict(zip(self.terms.sides, layers.spans(), strict=True))
        watched = {
            side: list(writer.watched(plans[side], looked.dtype, spans[side])) for side, writer in self.writers.items()
        }
        # Keras's layers are watched and run by themselves at once, unless how is only seen when they have been watched.
        before = [self.first] if layers.clear else list(self.terms.sides)
        seen = yield Round(
            {side: listing(side.framework, watched[side], arrays[side]) for side in before}, tuple(self.comparisons)
        )
        if self.unwatched(seen):
            return
        given, possible = layers.given(seen[self.first], seen.get(self.second))
        chosen = [each.keras if can else None for each, can in zip(beside, possible, strict=True)]
        sections = [*watched[self.second], *self.writers[self.second].alone(looked.dtype, chosen)]
        alone = yield Round(
            {self.second: listing(self.second.framework, sections, {**arrays[self.second], **given})},
            tuple(self.comparisons),
        )
        seen = {**alone, **seen}
        if self.unwatched(seen):
            return
        self.lines = layers.measured(
            seen[self.first], seen[self.second], alone[self.second], possible, self.terms.sides
        )
        if looked.dtype == "float64" and self.spec.dtype == "float32" and self.nearly():
            listings = {
                side: listing(side.framework, writer.in_single(plans[side], spans[side]), arrays[side])
                for side, writer in self.writers.items()
            }
            narrow = yield Round(listings, tuple(self.comparisons))
            if not any(outcome.failures for outcome in narrow.values()):
                self.lines = rounded(layers, self.lines, seen, narrow)
                self.notes += ill_conditioned(self.lines, ours.events, self.terms.sides)

    def unwatched(self, seen: Mapping[Side, Outcome]) -> bool:
        """Whether a side's layers could not be watched, which is said; that one refuses to be run by itself is no matter."""
        failed = [
            f"{side.label}: {outcome.failures[0].message}"
            for side, outcome in seen.items()
            if outcome.failures and array_of(outcome, layer_quantity("0"), MADE) is None
        ]
        if failed:
            self.notes.append(f"the layers could not be watched: {'; '.join(failed)}")
        return bool(failed)

    def nearly(self) -> bool:
        """Whether no layer is farther apart than rounding may take it, so that each side's own rounding says something."""
        return all((each.line.so_far or 0.0) <= SAME_IN_SINGLE for each in self.lines)

    # ---- what it comes to

    def judge(self) -> None:
        """Says where the models begin to part, and how far rounding takes them where they do not."""
        if all(comparison.verdict.agrees for comparison in self.comparisons):
            self.notes += self.rounding[:3]
        else:
            self.where_it_begins()
            self.carried()
        if self.spec.start in (TORCH, TENSORFLOW):
            label = self.first.label if self.spec.start == TORCH else self.second.label
            self.notes.append(f"both sides have the weights that {label} starts with")

    def where_it_begins(self) -> None:
        """A finding for each quantity of the first call that parts; what is kept for later calls says so itself."""
        parted = [c for c in self.comparisons if not c.verdict.agrees and self.of_call(c.quantity)]
        values = [c.quantity for c in parted if c.quantity.kind == VALUE]
        if values == [LOSS]:
            self.in_the_loss(parted)
            return
        found = (self.search.forward() or (self.search.behind() if values else None)) if self.lines else None
        found = found or self.search.backward()
        if found is None and len({c.quantity.by for c in parted}) == 1 and parted[0].quantity.kind == "gradient":
            found = self.search.of_parameter(parted[0].quantity.by[0])
        if found is None or not parted:
            return
        self.begins, self.behind = found.place, found.behind
        self.at_the_end = found.at_the_end
        finding = Finding(Kind.BEGINS, found.words + self.said(found.place))
        self.comparisons = [replace(c, findings=(*c.findings, finding)) if c in parted else c for c in self.comparisons]

    def in_the_loss(self, parted: Sequence[Comparison]) -> None:
        """A finding for a loss that parts of outputs that agree, and for the gradients of it."""
        finding = Finding(Kind.BEGINS, "the outputs agree; it begins in the loss")
        self.comparisons = [replace(c, findings=(*c.findings, finding)) if c in parted else c for c in self.comparisons]
        self.of_loss = frozenset(c.quantity for c in parted)

    def carried(self) -> None:
        """A finding for what a later call gives, where the statistics that it computes with part already."""
        kept = [c.quantity for c in self.comparisons if c.quantity.kind == STATE and not c.verdict.agrees]
        finding = Finding(Kind.BEGINS, f"it computes with {_few(kept, 3)}, which part{'s' * (len(kept) == 1)} before")
        self.comparisons = [
            replace(c, findings=(*c.findings, finding))
            if kept and c.quantity.step and c.quantity.kind == VALUE and not c.verdict.agrees else c
            for c in self.comparisons
        ]  # fmt: skip

    def said(self, place: int | None) -> str:
        """The layouts that are said for a layer's weights, where it would have others, as the end of a sentence."""
        if place is None:
            return ""
        layer = self.lines[place].aligned.names[TORCH]
        words = [
            f"'{pair.layout.pattern}' for {pair.name}, not '{pair.own.pattern}'"
            for pair in self.pairing.pairs
            if pair.layer == layer and pair.own is not None and pair.said_otherwise and "(" not in pair.layout.pattern
        ]
        return f"; layout says {' and '.join(words)}" if words else ""

    def of_call(self, quantity: Quantity) -> bool:
        """Whether a quantity is of the call itself: an output or a gradient, and nothing that is kept for a later call."""
        return quantity.kind in (VALUE, "gradient") and not quantity.step

    def layer_lines(self) -> Iterator[LayerLine]:
        """The lines of the report, with the one at which the models begin to part marked."""
        search = self.search
        for place, each in enumerate(self.lines):
            line, size = each.line, max(each.line.so_far or 0.0, each.line.by_itself or 0.0)
            verdict = Verdict.CLOSE if size and size <= search.limit(place) else line.verdict
            yield replace(line, verdict=verdict, begins=place == self.begins)

    def pair_lines(self) -> Iterator[PairLine]:
        """Which parameters were paired, and why."""
        for pair in self.pairing.pairs:
            yield PairLine({self.first: pair.name, self.second: pair.keras.text}, pair.why, pair.layout.pattern)

    def code_of(self, quantity: Quantity) -> Code:
        """The layers that a quantity's difference comes from, as they are called, by framework."""
        if quantity in self.of_loss:
            shapes = {name: values.shape for name, values in self.spec.inputs.items()}
            return Code({f: (self.loss_of(f),) for f in FRAMEWORKS}, shapes)
        evidence = Evidence(
            spec=self.spec,
            sides=self.terms.sides,
            inventories=self.inventories,
            pairing=self.pairing,
            search=self.search,
            begins=self.begins,
            behind=self.behind,
            at_the_end=self.at_the_end,
            comparisons=self.comparisons,
        )
        return evidence.of(quantity)

    def loss_of(self, framework: str) -> str:
        """The loss of a framework as it is written for it."""
        said = self.spec.loss
        return loss_in(said[BOTH], framework, self.spec.dtype, {}) if BOTH in said else said[framework]

    def covered(self, comparisons: Sequence[Comparison]) -> str:
        """What the comparisons cover, in words."""
        kinds = {VALUE: "output", "gradient": "gradient", STATE: "statistic"}
        compared = dict.fromkeys(c.quantity for c in comparisons if c.quantity.output != RATES)
        counts = Counter(
            str(LOSS) if each == LOSS
            else "random layer" if each.output.startswith(DROPPED) else kinds.get(each.kind, "parameter")
            for each in compared
        )  # fmt: skip
        words = [f"{count} {kind}{'s' * (count != 1)}" for kind, count in counts.items()]
        layers = f" of {len(self.lines)} layers" if len(self.lines) > 1 else ""
        mode = "in training" if self.spec.training else "in evaluation"
        return f"{' and '.join([', '.join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]}{layers}, {mode}"


def _failed(outcomes: Mapping[Side, Outcome], words: Sequence[str]) -> Mapping[Side, Outcome]:
    """Outcomes with failures that only the scenario can mend, which are not either side's."""
    if not words:
        return outcomes
    side = next(iter(outcomes))
    failures = (Failure.of_scenario(each) for each in words)
    return {**outcomes, side: replace(outcomes[side], failures=(*outcomes[side].failures, *failures))}


def _of_order(name: str, order: str) -> str:
    """What to do where both sides agree with their axes in another order, or in that which they have without a layout."""
    left, right = (side.strip() for side in order.split("->"))
    if left == right:
        return f"both agree with the axes as they are: leave out {field('layout', name, '...')}"
    said = field("layout", name, order)
    return f"both agree with the axes in another order, '{order}': say {said}, or change the model"


def _few(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f", ... ({len(names) - most} more)" if len(names) > most else "")
