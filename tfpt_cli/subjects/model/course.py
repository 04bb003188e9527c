"""The course of a model task: what is asked of both sides round by round, and what that comes to."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.compare.summary import side_of
from tfpt_cli.frameworks import OURSELVES, TENSORFLOW, TORCH
from tfpt_cli.layers.layout import Layout
from tfpt_cli.listing import listing
from tfpt_cli.results import PLAIN, VALUE, Comparison, Failure, Finding, Kind, PairLine, State, Value, Verdict
from tfpt_cli.subjects.model.alignment import aligned
from tfpt_cli.subjects.model.beginning import Search
from tfpt_cli.subjects.model.comparer import (
    SAME,
    SAME_IN_FLOAT32,
    SAME_IN_SINGLE,
    Both,
    Comparer,
    Layers,
    flattened,
    scales,
    turned,
    with_rounding,
)
from tfpt_cli.subjects.model.evidence import RATES, Evidence, rates_of
from tfpt_cli.subjects.model.fields import is_output
from tfpt_cli.subjects.model.inventory import inventory_of
from tfpt_cli.subjects.model.pairing import Pair, Pairing, Part, pairing_of
from tfpt_cli.subjects.model.spec import (
    gradient_quantity,
    later_quantity,
    output_quantity,
    parameter_quantity,
    state_quantity,
)
from tfpt_cli.subjects.model.weights import drawn, handed_back, handed_over
from tfpt_cli.subjects.model.writer import DOUBLE, INSPECTED, OWN_NAMES, OWN_NUMBERS, SINGLE, Plan
from tfpt_cli.subjects.subject import Compared, Round

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side
    from tfpt_cli.results import LayerLine, Outcome, Quantity
    from tfpt_cli.subjects.model.comparer import Measured
    from tfpt_cli.subjects.model.evidence import Code
    from tfpt_cli.subjects.model.inventory import Inventory, Output
    from tfpt_cli.subjects.model.spec import Model
    from tfpt_cli.subjects.model.weights import Weights
    from tfpt_cli.subjects.model.writer import ModelWriter
    from tfpt_cli.subjects.subject import Run, Terms

_AFTERWARDS = "in evaluation afterwards"
# More than this is not carried to the parent layer by layer unless something parts.
_SMALL = 40_000_000


@dataclass(frozen=True)
class ComparedOutput:
    """An output that both models give: its quantity, what it is called on each side, and how its axes map."""

    quantity: Quantity
    torch: Output
    keras: Output
    layout: Layout

    @property
    def real(self) -> bool:
        """Whether it has a derivative."""
        return "float" in self.torch.dtype and "float" in self.keras.dtype


class Stopped(Exception):
    """The course ends here, with what is known: failures of sides, or a problem that only the scenario can solve."""

    def __init__(self, outcomes: Mapping[Side, Outcome], *words: str, comparisons: Sequence[Comparison] = ()) -> None:
        super().__init__(*words)
        self.outcomes, self.words, self.comparisons = outcomes, words, tuple(comparisons)


class Course:
    """What a model task finds out, step by step."""

    def __init__(self, spec: Model, terms: Terms, writers: Mapping[Side, ModelWriter]) -> None:
        self.spec, self.terms, self.writers = spec, terms, writers
        self.first, self.second = terms.sides
        self.notes: list[str] = []
        self.comparisons: list[Comparison] = []
        self.lines: list[Measured] = []
        self.inventories: dict[Side, Inventory] = {}
        self.pairing = Pairing((), ())
        self.weights: Weights | None = None
        self.begins: int | None = None
        self.listings: dict[Side, Any] = {}
        self.backward = False

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
            dtype = yield from self.inspect()
            self.pair()
            outcomes = yield from self.execute(dtype)
        except Stopped as stop:
            outcomes = stop.outcomes
            if stop.words:
                failures = tuple(Failure(OURSELVES, "exception", words) for words in stop.words)
                side = next(iter(outcomes))
                outcomes = {**outcomes, side: replace(outcomes[side], failures=(*outcomes[side].failures, *failures))}
            self.comparisons = list(stop.comparisons)
        return Compared(
            tuple(self.comparisons),
            outcomes,
            layers=tuple(self.layer_lines()),
            pairs=tuple(self.pair_lines()),
            listings=self.listings,
        )

    # ---- the first round: what the models are made of

    def inspect(self) -> Any:
        """Has both models looked at; gives the dtype in which they can be compared."""
        wanted = "float64"
        inventories, outcomes = yield from self.inspected(wanted)
        if any(inventory is None or inventory.error for inventory in inventories.values()):
            before = dict(inventories), outcomes
            inventories, outcomes = yield from self.inspected("float32")
            if any(inventory is None or inventory.error for inventory in inventories.values()):
                self.look(before[0])
                self.refused(*before)
            wanted = "float32"
            for side, inventory in before[0].items():
                if inventory is None or inventory.error:
                    self.notes.append(
                        f"{side.label} cannot run this in float64: {_refusal(inventory, before[1][side])}"
                    )
        self.look(inventories)
        self.outcomes = outcomes
        return wanted

    def look(self, inventories: Mapping[Side, Inventory | None]) -> None:
        """Keeps what was found of the models that could be looked at."""
        self.inventories = {side: inventory for side, inventory in inventories.items() if inventory is not None}

    def inspected(self, dtype: str) -> Any:
        """The inventories of both models that are made in a dtype, and the outcomes that they are of."""
        own = self.spec.start
        listings = {
            side: listing(side.framework, writer.inspection(dtype, own=own == side.framework))
            for side, writer in self.writers.items()
        }
        outcomes = yield Round(listings)
        found: dict[Side, Inventory | None] = {}
        for side, outcome in outcomes.items():
            value = outcome.values.get((INSPECTED, PLAIN))
            present = value is not None and value.state is State.PRESENT
            found[side] = inventory_of(value.array) if value is not None and present else None
        return found, outcomes

    def refused(self, inventories: Mapping[Side, Inventory | None], outcomes: Mapping[Side, Outcome]) -> None:
        """Ends the course with what each side that cannot be run says."""
        told = {}
        for side, outcome in outcomes.items():
            inventory = inventories[side]
            if inventory is not None and inventory.error:
                failure = Failure(side, "exception", _refusal(inventory, outcome))
                outcome = replace(outcome, failures=(*outcome.failures, failure))
            told[side] = outcome
        sides = {
            side: Value(State.FAILED, failure=next(iter(outcome.failures), None)) for side, outcome in told.items()
        }
        comparison = Comparison(
            quantity=output_quantity(""),
            verdict=Verdict.ERROR,
            sides={side: side_of(value) for side, value in sides.items()},
            reason=" and ".join(s.label for s, o in told.items() if o.failures) + " failed",
        )
        raise Stopped(told, comparisons=(comparison,))

    # ---- which parameters correspond

    def pair(self) -> None:
        """Pairs the parameters and draws their numbers; ends the course where the pairs do not tell."""
        ours, theirs = self.inventories[self.first], self.inventories[self.second]
        if self.first.framework is self.second.framework:
            self.pairing = _same_names(ours, theirs)
        else:
            layouts = {
                name: layout
                for name, layout in self.spec.layouts.items()
                if name not in self.spec.inputs and not is_output(name)
            }
            self.pairing = pairing_of(ours, theirs, self.spec.pair, layouts)
        problems = [*self.pairing.problems, *self.unpaired()]
        if problems:
            raise Stopped(self.outcomes, *problems)
        self.weights = self.numbers(ours, theirs)

    def unpaired(self) -> Iterator[str]:
        """What to say where parameters are left over on both sides."""
        left = self.pairing.left
        if not (left.get(TORCH) and left.get(TENSORFLOW)):
            return
        ours, theirs = ([f"{t.name} {t.shape}" for t in left[f]] for f in (TORCH, TENSORFLOW))
        lines = [f"{one.name}: {other.name}" for one, other in zip(left[TORCH], left[TENSORFLOW], strict=False)]
        yield (
            f"these parameters cannot be told from each other: {_few(ours)} in PyTorch, {_few(theirs)} in Keras; say which "
            f"correspond, such as pair: {{{_few(lines, 3)}}}"
        )

    def numbers(self, ours: Inventory, theirs: Inventory) -> Weights:
        """The numbers of both sides: drawn, or those that one of them starts with."""
        if self.spec.start == TORCH:
            return handed_over(self.pairing, theirs, self.own(self.first), {})
        if self.spec.start == TENSORFLOW:
            own = self.own(self.second)
            return replace(handed_over(self.pairing, theirs, handed_back(self.pairing, ours, own), own))
        return drawn(self.pairing, ours, theirs, self.spec.seed)

    def own(self, side: Side) -> dict[str, NDArray[Any]]:
        """The numbers that a side's own model starts with, by path."""
        outcome = self.outcomes[side]
        names, numbers = (outcome.values[quantity, PLAIN].array for quantity in (OWN_NAMES, OWN_NUMBERS))
        found, start = {}, 0
        for name, shape in json.loads(bytes(names))["arrays"]:
            size = int(np.prod(shape))
            found[name] = numbers[start : start + size].reshape(shape)
            start += size
        if not all(np.isfinite(array).all() for array in found.values()):
            raise Stopped(self.outcomes, f"the weights that {side.label} starts with are not all finite")
        return found

    # ---- the second round: the same numbers, forward and backward

    def execute(self, dtype: str) -> Any:
        """Runs both models with the same weights, compares what they give, and looks at the layers."""
        assert self.weights is not None
        self.one_sided()
        if self.weights.unfit:
            self.unfit()
            return self.outcomes
        outputs = self.outputs()
        plans = self.plans(outputs)
        arrays = self.arrays(outputs)
        dtypes = [dtype, *(["float32"] if dtype == "float64" and self.spec.dtype == "float32" else [])]
        self.listings = {
            side: listing(side.framework, [s for each in dtypes for s in writer.run(plans[side], each)], arrays[side])
            for side, writer in self.writers.items()
        }
        outcomes = yield Round(self.listings, tuple(self.comparisons))
        known = list(self.comparisons)
        self.comparisons = known + self.compared(outcomes, outputs, dtype, SAME)
        yield Round({}, tuple(self.comparisons))
        parted = any(not comparison.verdict.agrees for comparison in self.comparisons)
        if parted or self.small():
            yield from self.layer_by_layer(plans, arrays, dtype)
            singles = self.search.in_single()
            if parted and singles:
                self.comparisons = known + self.compared(outcomes, outputs, dtype, SAME_IN_SINGLE)
                self.notes.append(
                    f"{_few(singles)} in {self.second.label}: computed with numbers in single precision, whatever the dtype"
                )
        self.judge()
        return outcomes

    def one_sided(self) -> None:
        """A comparison for every parameter that one side alone has."""
        assert self.weights is not None
        for side, held in ((self.first, self.weights.torch), (self.second, self.weights.keras)):
            for tensor in self.pairing.left.get(side.framework, ()):
                array = held[tensor.name]
                values = {
                    each: Value(State.PRESENT, array, tensor.dtype) if each is side else Value(State.ABSENT)
                    for each in self.terms.sides
                }
                comparer = Comparer(self.terms.sides, self.terms.tolerance)
                comparison = comparer.compare(Both(parameter_quantity(tensor.name), Layout(), values), 0.0, PLAIN)
                self.comparisons.append(comparison)

    def unfit(self) -> None:
        """A comparison for every pair whose shapes do not fit: nothing can be run with them."""
        assert self.weights is not None
        ours, theirs = self.inventories[self.first], self.inventories[self.second]
        for pair, _ in self.weights.unfit:
            tensors = ours.tensor[pair.torch[0].tensor], theirs.tensor[pair.keras.tensor]
            values = {
                side: Value(State.PRESENT, np.zeros(t.shape), t.dtype)
                for side, t in zip(self.terms.sides, tensors, strict=True)
            }
            both = Both(parameter_quantity(pair.name), pair.layout, values)
            self.comparisons.append(Comparer(self.terms.sides, None).compare(both, 0.0, PLAIN))
        self.notes.append("nothing was run: the same numbers do not fit into both models")

    def outputs(self) -> list[ComparedOutput]:
        """The outputs that are compared: those that the scenario names, else those that stand beside each other."""
        ours, theirs = (list(self.inventories[side].outputs) for side in self.terms.sides)
        if self.spec.outputs:
            chosen = [self.named(side) for side in self.terms.sides]
            return [self.output(chosen[0], chosen[1], alone=True)]
        count = min(len(ours), len(theirs))
        if len(ours) != len(theirs):
            more, side = (ours, self.first) if len(ours) > len(theirs) else (theirs, self.second)
            names = ", ".join(output.name or "the output" for output in more[count:])
            self.notes.append(f"{side.label} alone gives {len(more) - count} more: {names}")
        return [self.output(one, other, alone=count == 1) for one, other in zip(ours, theirs, strict=False)]

    def named(self, side: Side) -> Output:
        """The output of a side that the scenario names."""
        outputs, name = self.inventories[side].outputs, self.spec.outputs.get(side.framework, "")
        name = name.removeprefix("output").lstrip(".")
        found = next((output for output in outputs if output.name == name), None)
        if found is None:
            known = ", ".join(output.name or "output" for output in outputs)
            raise Stopped(
                self.outcomes, f"outputs names '{name}', which {side.label}'s model does not give (it gives {known})"
            )
        return found

    def output(self, one: Output, other: Output, *, alone: bool) -> ComparedOutput:
        name = "" if alone else one.name
        quantity = output_quantity(name)
        layout = self.spec.layouts.get(str(quantity)) or self.spec.layouts.get(f"output.{one.name}")
        if layout is None and self.first.framework is not self.second.framework:
            layout = self.spec.layout(str(quantity), one.shape)
        return ComparedOutput(quantity, one, other, layout or Layout())

    def plans(self, outputs: Sequence[ComparedOutput]) -> dict[Side, Plan]:
        """What each side runs."""
        self.backward = all(output.real and _fits(output) for output in outputs)
        trained = [pair for pair in self.pairing.pairs if self.trained(pair)] if self.backward else []
        kept = [pair for pair in self.pairing.pairs if pair.role.startswith("running")] if self.spec.training else []
        random = self.spec.training and any(
            rate
            for inventory in self.inventories.values()
            for layer in inventory.layers
            for rate in layer.rates.values()
        )
        if random:
            self.rates()
            self.notes.append("dropout is switched off in both: what it drops is drawn at random")
        return {
            side: Plan(
                inventory=self.inventories[side],
                outputs={o.quantity: (self.of(side, o).source, _key(o)) for o in outputs},
                gradients={gradient_quantity(pair.name): self.part(side, pair) for pair in trained},
                state={state_quantity(pair.name): self.part(side, pair).tensor for pair in kept},
                later={later_quantity(o.quantity.partition(".")[2], _AFTERWARDS): self.of(side, o).source for o in outputs}
                if self.spec.training else {},
                given=tuple(self.given(side)),
                random=random,
                backward=self.backward,
            )
            for side in self.terms.sides
        }  # fmt: skip

    def rates(self) -> None:
        """A comparison of the rates at which both models drop at random, in the order in which they have them."""
        rates = {side: [rate for _, rate in rates_of(self.inventories[side])] for side in self.terms.sides}
        values = {side: Value(State.PRESENT, np.array(found), "float64") for side, found in rates.items()}
        comparer = Comparer(self.terms.sides, self.terms.tolerance)
        self.comparisons.append(comparer.compare(Both(parameter_quantity(RATES), Layout(), values), 0.0, PLAIN))

    def of(self, side: Side, output: ComparedOutput) -> Output:
        return output.torch if side is self.first else output.keras

    def part(self, side: Side, pair: Pair) -> Part:
        return pair.torch[0] if side is self.first else pair.keras

    def trained(self, pair: Pair) -> bool:
        ours, theirs = self.inventories[self.first], self.inventories[self.second]
        return ours.tensor[pair.torch[0].tensor].trained and theirs.tensor[pair.keras.tensor].trained

    def given(self, side: Side) -> dict[str, NDArray[Any]]:
        """The numbers of a side by path, in the order in which its model has them."""
        assert self.weights is not None
        held = self.weights.torch if side is self.first else self.weights.keras
        return {t.name: held[t.name] for t in self.inventories[side].tensors if t.name in held}

    def arrays(self, outputs: Sequence[ComparedOutput]) -> dict[Side, dict[str, NDArray[Any]]]:
        """What each side is given: its weights by path, and what the outputs are weighted by."""
        rng = np.random.default_rng([self.spec.seed, 1])
        cotangents = {_key(o): (rng.normal(size=o.torch.shape), o.layout) for o in outputs if self.backward}
        found: dict[Side, dict[str, NDArray[Any]]] = {}
        for side in self.terms.sides:
            found[side] = {f"weights/{name}": array for name, array in self.given(side).items()}
            for name, (array, layout) in cotangents.items():
                found[side][f"cotangents/{name}"] = turned(array, layout) if side is self.second else array
        return found

    def compared(
        self, outcomes: Mapping[Side, Outcome], outputs: Sequence[ComparedOutput], dtype: str, within: float
    ) -> list[Comparison]:
        """The comparisons of everything that both sides have left."""
        way = DOUBLE if dtype == "float64" else SINGLE
        if dtype != "float64":
            within = SAME_IN_FLOAT32
        comparer = Comparer(self.terms.sides, self.terms.tolerance, within)
        wanted = list(self.wanted(outputs))
        found = [pair for q, layout in wanted if (pair := comparer.values(outcomes, q, layout, way)) is not None]
        told: list[str] = []
        comparisons = []
        for pair, scale in zip(found, scales(found), strict=True):
            comparison = comparer.compare(pair, scale, PLAIN)
            single = comparer.values(outcomes, pair.quantity, pair.layout, SINGLE)
            if dtype == "float64" and single is not None and pair.quantity.kind == "value":
                comparison, words = with_rounding(comparison, {DOUBLE: pair, SINGLE: single}, self.terms.sides)
                told += [f"{pair.quantity}: {words}"] if words else []
            comparisons.append(comparison)
        self.rounding = told
        return comparisons

    def wanted(self, outputs: Sequence[ComparedOutput]) -> Iterator[tuple[Quantity, Layout]]:
        """Every quantity with how its axes map, in the order of the report."""
        for output in outputs:
            yield output.quantity, output.layout
        other = self.first.framework is not self.second.framework
        for name in self.spec.smooth:
            shape = self.spec.inputs[name].shape
            yield gradient_quantity(name), self.spec.layout(name, shape) if other else Layout()
        for pair in self.pairing.pairs:
            yield gradient_quantity(pair.name), pair.layout
        for pair in self.pairing.pairs:
            yield state_quantity(pair.name), pair.layout
        for output in outputs:
            yield later_quantity(output.quantity.partition(".")[2], _AFTERWARDS), output.layout

    # ---- the rounds after: layer by layer

    def small(self) -> bool:
        """Whether what all layers give is little enough to be looked at though nothing parts."""
        inventory = self.inventories[self.second]
        if self.first.framework is self.second.framework or len(inventory.events) < 2:
            return False
        return sum(int(np.prod(shape)) for event in inventory.events for shape in event.outputs) * 8 <= _SMALL

    def layer_by_layer(self, plans: Mapping[Side, Plan], arrays: Mapping[Side, Any], dtype: str) -> Any:
        """Has the layers of both models compared: in the models, and each by itself on what PyTorch's is given."""
        if self.first.framework is self.second.framework:
            return
        ours, theirs = self.inventories[self.first], self.inventories[self.second]
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
            limit=SAME if dtype == "float64" else SAME_IN_FLOAT32,
        )
        spans = {self.first: [each.torch for each in beside], self.second: [each.keras for each in beside]}
        listings = {
            side: listing(side.framework, writer.watched(plans[side], dtype, spans[side]), arrays[side])
            for side, writer in self.writers.items()
        }
        seen = yield Round(listings, tuple(self.comparisons))
        if any(outcome.failures for outcome in seen.values()):
            self.notes.append("the layers could not be watched: " + "; ".join(
                f"{s.label}: {o.failures[0].message}" for s, o in seen.items() if o.failures))  # fmt: skip
            return
        given, possible = layers.given(seen[self.first])
        writer = self.writers[self.second]
        chosen = [each.keras if can else None for each, can in zip(beside, possible, strict=True)]
        sections = writer.alone(plans[self.second], dtype, chosen)
        alone = yield Round(
            {self.second: listing(self.second.framework, sections, {**arrays[self.second], **given})},
            tuple(self.comparisons),
        )
        self.lines = layers.measured(
            seen[self.first], seen[self.second], alone[self.second], possible, self.terms.sides
        )

    # ---- what it comes to

    def judge(self) -> None:
        """Says where the models begin to part, and how far rounding takes them where they do not."""
        if all(comparison.verdict.agrees for comparison in self.comparisons):
            self.notes += self.rounding[:3]
        else:
            self.where_it_begins()
        if self.spec.start != "drawn":
            label = self.first.label if self.spec.start == TORCH else self.second.label
            self.notes.append(f"both sides have the weights that {label} starts with")

    def where_it_begins(self) -> None:
        """A finding for each quantity of the first call that parts; what is kept for later calls says so itself."""
        parted = [c for c in self.comparisons if not c.verdict.agrees and self.of_call(c.quantity)]
        values = any(c.quantity.kind == VALUE for c in parted)
        found = (self.search.forward() or (self.search.behind() if values else None)) if self.lines else None
        found = found or self.search.backward()
        if found is None and len({c.quantity.by for c in parted}) == 1 and parted[0].quantity.kind == "gradient":
            found = self.search.of_parameter(parted[0].quantity.by[0])
        if found is None or not parted:
            return
        self.begins = found.place
        finding = Finding(Kind.BEGINS, found.words + self.said(found.place))
        self.comparisons = [replace(c, findings=(*c.findings, finding)) if c in parted else c for c in self.comparisons]

    def said(self, place: int | None) -> str:
        """The layouts that are said for a layer's weights, where it would have others, as the end of a sentence."""
        if place is None:
            return ""
        layer = self.lines[place].aligned.names[TORCH]
        words = [
            f"'{pair.layout.pattern}' for {pair.name}, not '{pair.own.pattern}'"
            for pair in self.pairing.pairs
            if pair.layer == layer and pair.own is not None and pair.said_otherwise
        ]
        return f"; layout says {' and '.join(words)}" if words else ""

    def of_call(self, quantity: Quantity) -> bool:
        """Whether a quantity is of the call itself: an output or a gradient, and nothing that is kept for a later call."""
        return quantity.kind in (VALUE, "gradient") and not quantity.step

    def layer_lines(self) -> Iterator[LayerLine]:
        """The lines of the report, with the one at which the models begin to part marked."""
        for place, each in enumerate(self.lines):
            yield replace(each.line, begins=place == self.begins)

    def pair_lines(self) -> Iterator[PairLine]:
        """Which parameters were paired, and why."""
        for pair in self.pairing.pairs:
            yield PairLine({self.first: pair.name, self.second: pair.keras.text}, pair.why, pair.layout.pattern)

    def code_of(self, quantity: Quantity) -> Code:
        """The layers that a quantity's difference comes from, as they are called, by framework."""
        evidence = Evidence(
            spec=self.spec,
            sides=self.terms.sides,
            inventories=self.inventories,
            pairing=self.pairing,
            search=self.search,
            begins=self.begins,
            comparisons=self.comparisons,
        )
        return evidence.of(quantity)

    def covered(self, comparisons: Sequence[Comparison]) -> str:
        """What the comparisons cover, in words."""
        counts: dict[str, int] = {}
        for comparison in comparisons:
            kind = {"value": "output", "gradient": "gradient", "state": "statistic"}.get(
                comparison.quantity.kind, "parameter"
            )
            counts[kind] = counts.get(kind, 0) + 1
        words = [f"{count} {kind}{'s' * (count != 1)}" for kind, count in counts.items()]
        layers = f" of {len(self.lines)} layers" if len(self.lines) > 1 else ""
        mode = "in training" if self.spec.training else "in evaluation"
        return f"{' and '.join([', '.join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]}{layers}, {mode}"


def _refusal(inventory: Inventory | None, outcome: Outcome) -> str:
    """Why a side cannot be run, with the layer at which it refuses."""
    if inventory is None:
        return outcome.failures[0].message if outcome.failures else "it left nothing"
    return f"{inventory.error} (in {inventory.at})" if inventory.at else inventory.error


def _same_names(ours: Inventory, theirs: Inventory) -> Pairing:
    """The pairs of two versions of one framework: the tensors of one name."""
    pairs = [
        Pair((Part(t.name),), Part(t.name), Layout(), t.own, "", "by name")
        for t in ours.tensors
        if t.real and t.name in theirs.tensor
    ]
    return Pairing(tuple(pairs), ())


def _fits(output: ComparedOutput) -> bool:
    try:
        return tuple(output.layout.turned(output.torch.shape)) == output.keras.shape
    except ValueError:
        return False


def _key(output: ComparedOutput) -> str:
    return str(output.quantity)


def _few(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f", ... ({len(names) - most} more)" if len(names) > most else "")
