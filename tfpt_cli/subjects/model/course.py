"""The course of a model task: what is asked of both sides round by round, and what that comes to."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.frameworks import OURSELVES, TENSORFLOW, TORCH
from tfpt_cli.layers.layout import Layout
from tfpt_cli.listing import listing
from tfpt_cli.results import PLAIN, Comparison, Failure, Finding, Kind, PairLine, State, Value, Verdict
from tfpt_cli.subjects.model.alignment import aligned
from tfpt_cli.subjects.model.comparer import SAME, SAME_IN_SINGLE, Comparer, Layers, scales, with_rounding
from tfpt_cli.subjects.model.inventory import inventory_of
from tfpt_cli.subjects.model.pairing import Pair, Pairing, Part, pairing_of
from tfpt_cli.subjects.model.spec import (
    NAME,
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
    from tfpt_cli.subjects.model.inventory import Inventory, Output
    from tfpt_cli.subjects.model.spec import Model
    from tfpt_cli.subjects.model.weights import Weights
    from tfpt_cli.subjects.model.writer import ModelWriter
    from tfpt_cli.subjects.subject import Run, Terms

_AFTERWARDS = "in evaluation afterwards"
# More than this is not carried to the parent layer by layer unless something parts.
_SMALL = 40_000_000

Asked = "Generator[Round, Mapping[Side, Outcome], Any]"


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
                self.refused(*before)
            wanted = "float32"
            for side, inventory in before[0].items():
                if inventory is None or inventory.error:
                    self.notes.append(f"{side.label} cannot run this in float64: {_refusal(inventory, before[1][side])}")
        self.inventories = {side: inventory for side, inventory in inventories.items() if inventory is not None}
        self.outcomes = outcomes
        return wanted

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
            sides={side: _shown(value, inventories[side]) for side, value in sides.items()},
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
            layouts = {n: l for n, l in self.spec.layouts.items() if n not in self.spec.inputs and not _is_output(n)}
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
            singles = self.in_single()
            if parted and singles:
                self.comparisons = known + self.compared(outcomes, outputs, dtype, SAME_IN_SINGLE)
                self.notes.append(f"{_few(singles)} computes with numbers in single precision, whatever it is given")
        self.judge(outputs)
        return {side: replace(outcome, seconds=outcome.seconds) for side, outcome in outcomes.items()}

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
                from tfpt_cli.subjects.model.comparer import Compared as Both

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
            from tfpt_cli.subjects.model.comparer import Compared as Both

            comparison = Comparer(self.terms.sides, None).compare(Both(parameter_quantity(pair.name), pair.layout, values), 0, PLAIN)
            self.comparisons.append(comparison)
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
            raise Stopped(self.outcomes, f"outputs names '{name}', which {side.label}'s model does not give (it gives {known})")
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
            rate for inventory in self.inventories.values() for layer in inventory.layers for rate in layer.rates.values()
        )
        if random:
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
        from tfpt_cli.subjects.model.comparer import turned

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
            within = 1e-5
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
        if self.first.framework is self.second.framework or not self.backward:
            return
        ours, theirs = self.inventories[self.first], self.inventories[self.second]
        beside = aligned(ours, theirs, self.pairing.matches)
        if not beside:
            return
        layers = Layers(beside, {TORCH: ours, TENSORFLOW: theirs}, channels=self.spec.channels or bool(self.spec.layouts))
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
            {self.second: listing(self.second.framework, sections, {**arrays[self.second], **given})}, tuple(self.comparisons)
        )
        way = DOUBLE if dtype == "float64" else SINGLE
        del way
        self.lines = layers.measured(seen[self.first], seen[self.second], alone[self.second], possible, self.terms.sides)

    def in_single(self) -> list[str]:
        """The layers that part by themselves, where all of them are seen to compute in single precision; else none."""
        theirs = self.inventories[self.second]
        parting = [each for each in self.lines if each.parts_by_itself]
        if not parting:
            return []
        for each in parting:
            events = [theirs.events[index] for index in each.aligned.keras.events]
            assert each.line.by_itself is not None
            if each.line.by_itself > SAME_IN_SINGLE or not any(event.single for event in events):
                return []
        return [each.line.names[self.second] or each.aligned.calls[TENSORFLOW] for each in parting]

    # ---- what it comes to

    def judge(self, outputs: Sequence[ComparedOutput]) -> None:
        """Says where the models begin to part, and how far rounding takes them where they do not."""
        del outputs
        if not all(comparison.verdict.agrees for comparison in self.comparisons):
            self.where_it_begins()
        else:
            self.notes += self.rounding[:3]
        if self.spec.start != "drawn":
            label = self.first.label if self.spec.start == TORCH else self.second.label
            self.notes.append(f"both sides have the weights that {label} starts with")

    def where_it_begins(self) -> None:
        """A finding for what parts: the first layer that does by itself, or the code between two that do not."""
        told = self.forward_culprit() or self.backward_culprit()
        if not told:
            return
        place, words = told
        self.begins = place
        finding = Finding(Kind.BEGINS, words)
        self.comparisons = [
            comparison if comparison.verdict.agrees or comparison.quantity.kind in ("state", "parameter")
            else replace(comparison, findings=(*comparison.findings, finding))
            for comparison in self.comparisons
        ]  # fmt: skip

    def forward_culprit(self) -> tuple[int | None, str] | None:
        """Where what the models give begins to part, with the words that say so."""
        for place, each in enumerate(self.lines):
            if each.parts_by_itself and not self.excused(each):
                return place, f"{self.named_layer(each)} is the first that parts, by itself{self.settings(each)}"
            if each.line.so_far is not None and each.line.so_far > SAME_IN_SINGLE and each.line.by_itself is not None:
                return None, f"it begins between {self.before(each)} and {self.named_layer(each)}{self.lines_between(each)}"
        if self.lines and any(not c.verdict.agrees and c.quantity.kind == "value" for c in self.comparisons):
            if all(each.line.so_far is not None and each.line.so_far <= SAME_IN_SINGLE for each in self.lines):
                return None, f"every layer agrees; it begins behind {self.named_layer(self.lines[-1])}"
        return None

    def backward_culprit(self) -> tuple[int | None, str] | None:
        """Where the gradients begin to part, from the loss upwards."""
        for place, each in reversed(list(enumerate(self.lines))):
            size = each.line.gradient_by_itself
            if size is not None and size > SAME_IN_SINGLE:
                return place, f"the gradient of {self.named_layer(each)} is the first that parts, by itself"
        return None

    def excused(self, each: Measured) -> bool:
        """Whether a layer parts by no more than a number in single precision does."""
        events = [self.inventories[self.second].events[index] for index in each.aligned.keras.events]
        return (each.line.by_itself or 0.0) <= SAME_IN_SINGLE and any(event.single for event in events)

    def named_layer(self, each: Measured) -> str:
        """A layer by its paths in both models; by its class where it is the model itself."""
        names = list(dict.fromkeys(name for name in each.line.names.values() if name))
        return " / ".join(names) if names else each.aligned.calls[TORCH].partition("(")[0]

    def settings(self, each: Measured) -> str:
        """The settings that a layer has otherwise on each side, as the end of a sentence."""
        words = [
            f"{name} is {_setting(ours)} in {self.first.label}, {_setting(theirs)} in {self.second.label}"
            for name, (ours, theirs) in each.aligned.parted.items()
        ]
        return f": {', '.join(words)}" if words else ""

    def before(self, each: Measured) -> str:
        """The layers whose results reach a layer in PyTorch."""
        ours = self.inventories[self.first]
        reached = set(ours.events[each.aligned.torch.first].origin)
        found = [line for line in self.lines if reached & set(line.aligned.torch.events)]
        return " and ".join(self.named_layer(line) for line in found) or "the inputs"

    def lines_between(self, each: Measured) -> str:
        """The lines of a person's own files at which a layer is called."""
        places = [
            self.inventories[side].events[span.first].place
            for side, span in ((self.first, each.aligned.torch), (self.second, each.aligned.keras))
        ]
        return f" ({', '.join(_short_place(place) for place in places if place)})" if any(places) else ""

    def layer_lines(self) -> Iterator[LayerLine]:
        """The lines of the report, with the one at which the models begin to part marked."""
        for place, each in enumerate(self.lines):
            yield replace(each.line, begins=place == self.begins)

    def pair_lines(self) -> Iterator[PairLine]:
        """Which parameters were paired, and why."""
        for pair in self.pairing.pairs:
            yield PairLine({self.first: pair.name, self.second: pair.keras.text}, pair.why, pair.layout.pattern)

    def code_of(self, quantity: Quantity) -> dict[str, tuple[str, ...]]:
        """The layers that a quantity's difference comes from, as code by framework."""
        if quantity.kind in ("state", "parameter"):
            names = {name.strip() for name in quantity.split("+")}
            for match in self.pairing.matches:
                if names & {tensor.name for tensor in match.torch.tensors} and match.torch.call and match.keras.call:
                    import ast

                    return {TORCH: (f"{ast.unparse(match.torch.call)}(x)",), TENSORFLOW: (f"{ast.unparse(match.keras.call)}(x)",)}
            return {}
        if self.begins is None:
            return {}
        calls = self.lines[self.begins].aligned.calls
        return {f: (f"{call}(x)",) for f, call in calls.items() if call.endswith(")")}

    def covered(self, comparisons: Sequence[Comparison]) -> str:
        """What the comparisons cover, in words."""
        counts: dict[str, int] = {}
        for comparison in comparisons:
            kind = {"value": "output", "gradient": "gradient", "state": "statistic"}.get(comparison.quantity.kind, "parameter")
            counts[kind] = counts.get(kind, 0) + 1
        words = [f"{count} {kind}{'s' * (count != 1)}" for kind, count in counts.items()]
        layers = f" of {len(self.lines)} layers" if len(self.lines) > 1 else ""
        mode = "in training" if self.spec.training else "in evaluation"
        return f"{' and '.join([', '.join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]}{layers}, {mode}"


def _shown(value: Value, inventory: Inventory | None) -> Any:
    from tfpt_cli.compare.summary import side_of

    del inventory
    return side_of(value)


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


def _is_output(name: str) -> bool:
    return name == "output" or name.startswith("output.")


def _fits(output: ComparedOutput) -> bool:
    try:
        return tuple(output.layout.turned(output.torch.shape)) == output.keras.shape
    except ValueError:
        return False


def _key(output: ComparedOutput) -> str:
    return str(output.quantity)


def _few(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f", ... ({len(names) - most} more)" if len(names) > most else "")


def _setting(value: object) -> str:
    return "none" if value is None else f"{value}"


def _short_place(place: str) -> str:
    return place.rpartition("/")[2]


_ = NAME
Unused = "Way"
