"""The course of a model task: what is asked of both sides round by round, and what that comes to."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.mentions import few, field
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.listing import listing
from tfpt_cli.results import DROPPED, RATES, STATE, VALUE, Comparison, Failure, Finding, Kind, PairLine, Verdict, Way
from tfpt_cli.results.layers import SAME
from tfpt_cli.subjects.model.beginning import Search
from tfpt_cli.subjects.model.comparer import (
    SAME_IN_FLOAT32,
    SAME_IN_SINGLE,
    Comparer,
    exchanged,
    other_order,
    scales,
)
from tfpt_cli.subjects.model.correspondence import paired, start, what_to_write
from tfpt_cli.subjects.model.dropping import drawing
from tfpt_cli.subjects.model.dropping import drawn as drawn_at_random
from tfpt_cli.subjects.model.evidence import CourseEnd, LayerCode
from tfpt_cli.subjects.model.looking import (
    DTYPES,
    OnlyInSingle,
    Stopped,
    hint_of_layout,
    look,
    refused_in_double,
    shapes_of_inputs,
)
from tfpt_cli.subjects.model.loss import loss_in
from tfpt_cli.subjects.model.misfit import Misfits
from tfpt_cli.subjects.model.packing import packs_alike
from tfpt_cli.subjects.model.pairing import Pairing
from tfpt_cli.subjects.model.planning import Planner
from tfpt_cli.subjects.model.rounding import magnified, own_rounding, with_rounding
from tfpt_cli.subjects.model.side_by_side import Watched
from tfpt_cli.subjects.model.spec import BOTH, LOSS
from tfpt_cli.subjects.model.trial import HOW, IN_ORDER, Trial
from tfpt_cli.subjects.model.watching import Asked, layer_by_layer, small
from tfpt_cli.subjects.model.wording import class_of
from tfpt_cli.subjects.model.writer import DOUBLE, SINGLE, way_of
from tfpt_cli.subjects.subject import Compared, Round

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side
    from tfpt_cli.layers.layout import Layout
    from tfpt_cli.listing import Listing
    from tfpt_cli.results import LayerLine, Outcome, Quantity
    from tfpt_cli.subjects.model.comparer import Both
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.looking import Looked
    from tfpt_cli.subjects.model.side_by_side import Measured
    from tfpt_cli.subjects.model.spec import Model
    from tfpt_cli.subjects.model.weights import Weights
    from tfpt_cli.subjects.model.writer import ModelWriter, Plan
    from tfpt_cli.subjects.subject import Run, Terms


@dataclass(frozen=True)
class Ran:
    """What both sides were asked for and gave with the same weights; the first comparisons were `known` before anything ran."""

    planner: Planner
    plans: Mapping[Side, Plan]
    arrays: Mapping[Side, Mapping[str, NDArray[Any]]]
    outcomes: Mapping[Side, Outcome]
    known: int


class Course:
    """What a model task finds out, step by step."""

    def __init__(
        self, spec: Model, terms: Terms, writers: Mapping[Side, ModelWriter], dtypes: Sequence[str] = DTYPES
    ) -> None:
        self.spec, self.terms, self.writers, self.dtypes = spec, terms, writers, dtypes
        self.first, self.second = terms.sides
        self.notes: list[str] = []
        self.rounding: list[str] = []
        self.comparisons: list[Comparison] = []
        self.watched = Watched()
        self.looked: Looked | None = None
        self.seen: Mapping[Side, Inventory] = {}
        self.pairing = Pairing((), ())
        self.begins: int | None = None
        self.of_loss: frozenset[Quantity] = frozenset()
        self.behind: int | None = None
        self.at_the_end = False
        self.exchanged: Mapping[Quantity, Quantity] = {}
        self.source: Side | None = None
        self.task = secrets.token_hex(8)
        self.numbers: Weights | None = None
        # What was run, as a person would write it: of models that are only looked at, without what looks.
        self.listings = {s: listing(s.framework, writer.tried("float64")) for s, writer in writers.items()}

    @property
    def inventories(self) -> Mapping[Side, Inventory]:
        """What was seen of the models, as far as they could be looked at."""
        return self.looked.inventories if self.looked is not None else self.seen

    @property
    def search(self) -> Search:
        """The search for where the models begin to part."""
        alike = [
            (framework, path)
            for match in self.pairing.matches if packs_alike(match)
            for framework, unit in ((TORCH, match.torch), (TENSORFLOW, match.keras)) for path in unit.paths
        ]  # fmt: skip
        return Search(self.watched, self.inventories, self.terms.sides, alike)

    @property
    def lines(self) -> Sequence[Measured]:
        """The layers of both models side by side, empty where they were not watched."""
        return self.watched.lines

    @property
    def quantities(self) -> list[Quantity]:
        """What was compared."""
        return list(dict.fromkeys(comparison.quantity for comparison in self.comparisons))

    def run(self) -> Run:
        """The rounds: both models are looked at, run with the same weights, and where they part run layer by layer.

        Raises `OnlyInSingle` where they were run in double precision and could be run in single.
        """
        try:
            looked, weights = yield from self.begin(self.dtypes)
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
            if self.of_two_frameworks and (yield from self.told_by_trial(looked))[1]:
                weights = yield from self.start(looked)
            if weights.unfit:
                misfits = Misfits(self.spec, self.terms.sides, looked.inventories, self.pairing)
                raise Stopped(outcomes, *map(misfits.said, weights.unfit))
        except Stopped as stop:
            outcomes = self.stopped(stop)
        return Compared(tuple(self.comparisons), outcomes, pairs=tuple(self.pair_lines()))

    def begin(self, dtypes: Sequence[str]) -> Any:
        """Looks at both models in the first of some dtypes that both take, pairs their parameters and finds their numbers.

        Gives what was seen and the numbers. Raises `Stopped`.
        """
        self.looked = looked = yield from look(self.spec, self.writers, dtypes)
        self.notes += looked.notes
        self.pairing = paired(self.spec, self.terms.sides, looked)
        if self.pairing.unclear:
            trial, told = yield from self.told_by_trial(looked)
            if not told:
                raise Stopped(looked.outcomes, what_to_write(self.pairing, trial.nearest))
        return looked, (yield from self.start(looked))

    def start(self, looked: Looked) -> Any:
        """Finds the numbers of both sides, and gives them. Raises `Stopped`."""
        started = yield from start(self.spec, self.terms.sides, looked, self.pairing, self.writers)
        self.notes += [note for note in started.notes if note not in self.notes]
        self.pairing, self.source, self.numbers = started.pairing, started.source, started.weights
        return started.weights

    def told_by_trial(self, looked: Looked) -> Any:
        """Tries both models, to tell the pairs that are only guessed; gives the trial and whether the pairs are now others.

        Where the models part in whatever way those are, what has the nearest gradients is the better guess, and said to be one.
        """
        trial = Trial(self.spec, self.terms, looked, self.pairing, self.writers)
        told = yield from trial.told()
        pairing = told or trial.guess
        if pairing is None:
            if trial.unsure and not self.pairing.unclear:
                self.notes.append(f"{few(trial.unsure)}: paired {IN_ORDER}: if others correspond, say pair")
            return trial, False
        before = {pair.name: (pair.torch, pair.keras, pair.layout.text) for pair in self.pairing.pairs}
        names: dict[str, list[str]] = {}
        for pair in pairing.pairs:
            if before.get(pair.name) != (pair.torch, pair.keras, pair.layout.text):
                names.setdefault(pair.why, []).append(pair.name)
        ask = "" if told else f"; {trial.parted}: if others correspond, say pair"
        self.notes.append(
            "; ".join(f"{few(each)}: paired {HOW.get(why, IN_ORDER)}" for why, each in names.items()) + ask
        )
        self.pairing = pairing
        return trial, True

    def stopped(self, stop: Stopped) -> Mapping[Side, Outcome]:
        """Keeps what is known where the task ends, and gives the outcomes with why it does."""
        self.seen = stop.inventories or self.seen
        self.comparisons = list(stop.comparisons)
        self.notes += stop.notes
        return _failed(stop.outcomes, stop.words)

    def unknown_quantities(self) -> list[str]:
        """What to say of names in `expect` that nothing was compared by."""
        if not isinstance(self.terms.expect, dict) or not self.comparisons:
            return []
        names = list(map(str, self.quantities))
        return [
            f"'expect' names '{name}', which was not compared{did_you_mean(name, names) or f' (there are {few(names, 12)})'}"
            for name in self.terms.expect
            if name not in names
        ]

    # ---- the second round: the same numbers, forward and backward

    def execute(self, looked: Looked, weights: Weights) -> Any:
        """Runs both models with the same weights, compares what they give, and looks at the layers; gives the outcomes."""
        two = self.of_two_frameworks
        notes = list(self.notes)
        ran = yield from self.ran(looked, weights)
        if ran is not None and two and self.outputs_part:
            known = tuple(self.comparisons)
            trial, told = yield from _keeping(self.told_by_trial(looked), known)
            if told:
                self.notes[:] = [*notes, self.notes[-1]]
                ran = yield from self.ran(looked, (yield from self.start(looked)))
            elif others := (yield from _keeping(trial.against_names(), known)):
                lines = ", ".join(f"{pair.name}: {pair.keras.text}" for pair in others)
                self.notes.append(f"the outputs agree with pair: {{{lines}}}, which the names do not say")
        if ran is None:
            return looked.outcomes
        yield Round({}, tuple(self.comparisons))
        parted = any(not comparison.verdict.agrees for comparison in self.comparisons)
        if two and (parted or small(looked.inventories[self.second])):
            asked = Asked(
                looked=looked,
                pairing=self.pairing,
                plans=ran.plans,
                arrays=ran.arrays,
                comparisons=tuple(self.comparisons),
                task=self.task,
                ran=ran.outcomes,
                outputs=self.outputs_of_torch(ran.outcomes, ran.planner) if parted else {},
            )
            self.watched = yield from layer_by_layer(self.spec, self.terms.sides, self.writers, asked)
            self.notes += self.watched.notes
            apart = [c.quantity for c in self.comparisons if not c.verdict.agrees]
            singles = self.search.in_single(apart) if parted else []
            if singles:
                before = [c.verdict for c in self.comparisons]
                wider = self.compared(ran.outcomes, ran.planner, SAME_IN_SINGLE, self.comparisons[ran.known :])
                wider = self.completed(wider, ran.outcomes, ran.planner, SAME_IN_SINGLE)
                self.comparisons = [*self.comparisons[: ran.known], *wider]
                if before != [c.verdict for c in self.comparisons]:
                    self.notes.append(f"computed with numbers in single precision, whatever the dtype: {few(singles)}")
        self.judge()
        return ran.outcomes

    @property
    def of_two_frameworks(self) -> bool:
        """Whether the sides are two frameworks, and no two versions of one."""
        return self.first.framework is not self.second.framework

    @property
    def outputs_part(self) -> bool:
        """Whether the models give something else as they are called."""
        return any(c.quantity.kind == VALUE and not c.quantity.step and not c.verdict.agrees for c in self.comparisons)

    def ran(self, looked: Looked, weights: Weights) -> Any:
        """Runs both models with the same weights and compares what they give; gives `Ran`, None where these do not fit."""
        planner = Planner(self.spec, self.terms, looked, self.pairing, weights)
        self.notes += planner.notes
        known = list(planner.before())
        self.comparisons = known
        if weights.unfit:
            self.notes.append("nothing was run: the same numbers do not fit into both models")
            self.notes += hint_of_layout(self.spec, looked.inventories, self.terms.sides)
            self.notes += shapes_of_inputs(self.spec, self.terms.sides)
            return None
        if planner.random:
            self.notes.append("dropout is switched off in both: what it drops is drawn at random")
            known += yield from self.draw(looked)
        plans, arrays = planner.plans(), planner.arrays()
        first, further = self.write(looked.dtype, plans, arrays)
        outcomes = yield Round(first, tuple(self.comparisons), further)
        if len(self.dtypes) > 1 and (refusals := refused_in_double(looked, outcomes)):
            raise OnlyInSingle(refusals)
        self.comparisons = known + self.compared(outcomes, planner, SAME)
        if further:  # which the processes run while what is above is compared
            outcomes = _together(outcomes, (yield Round(further, tuple(self.comparisons))))
        self.comparisons = known + self.completed(self.comparisons[len(known) :], outcomes, planner, SAME)
        return Ran(planner, plans, arrays, outcomes, len(known))

    def outputs_of_torch(self, outcomes: Mapping[Side, Outcome], planner: Planner) -> dict[Quantity, NDArray[Any]]:
        """PyTorch's outputs with Keras's axes, as far as they fit."""
        comparer, found = self.comparer(planner, SAME), {}
        for quantity, layout in planner.wanted():
            both = comparer.values(outcomes, quantity, layout) if quantity.kind == VALUE and not quantity.step else None
            arrays = both.arrays() if both is not None else None
            if arrays is not None and arrays[0].dtype.kind == "f":
                found[quantity] = arrays[0]
        return found

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
        return list(drawn_at_random(layers, outcomes, self.terms.sides, turned_axes=self.spec.turned))

    def write(
        self, dtype: str, plans: Mapping[Side, Plan], arrays: Mapping[Side, Mapping[str, NDArray[Any]]]
    ) -> tuple[dict[Side, Listing], dict[Side, Listing] | None]:
        """The listings that run both models in a dtype, and those that run them in all other ways, None where there are none."""
        others = ["float32"] if dtype == "float64" and self.spec.dtype == "float32" else []
        first, later = {}, {}
        for side, writer in self.writers.items():
            usual, further = list(writer.run(plans[side], dtype)), writer.further(plans[side], dtype, others)
            self.listings[side] = whole = listing(side.framework, [*usual, *further], arrays[side], task=self.task)
            first[side], later[side] = whole.split(1 + len(usual))
        return first, later if any(each.keys for each in later.values()) else None

    def comparer(self, planner: Planner, within: float) -> Comparer:
        """What compares both sides, which may be `within` so much apart in double precision."""
        limit = within if planner.looked.dtype == "float64" else SAME_IN_FLOAT32
        return Comparer(self.terms.sides, self.terms.tolerance, limit, in_single=self.spec.dtype == "float32")

    def compared(
        self, outcomes: Mapping[Side, Outcome], planner: Planner, within: float, before: Sequence[Comparison] = ()
    ) -> list[Comparison]:
        """The comparisons of everything that both sides have left as they usually run.

        They may be `within` so much apart in double precision. What agreed `before`, within less, is not compared again.
        """
        comparer = self.comparer(planner, within)
        way = way_of(planner.looked.dtype)
        wanted = (comparer.values(outcomes, quantity, layout, way) for quantity, layout in planner.wanted())
        found = [pair for pair in wanted if pair is not None]
        comparisons = []
        for place, (pair, scale) in enumerate(zip(found, scales(found, single=comparer.within > SAME), strict=True)):
            if before and before[place].verdict.agrees and pair.quantity.kind != VALUE:
                comparisons.append(before[place])
                continue
            comparison = comparer.compare(pair, scale)
            if not comparison.verdict.agrees and pair.quantity.kind == VALUE and (order := other_order(pair)):
                words = _of_order(str(pair.quantity), order)
                comparison = replace(comparison, findings=(*comparison.findings, Finding(Kind.RESEMBLANCE, words)))
            comparisons.append(comparison)
        parted = [pair for pair, c in zip(found, comparisons, strict=True) if not c.verdict.agrees]
        outputs = [pair for pair in parted if pair.quantity.kind == VALUE and not pair.quantity.step]
        self.exchanged = exchanged(outputs, comparer.within)
        return comparisons

    def completed(
        self, comparisons: Sequence[Comparison], outcomes: Mapping[Side, Outcome], planner: Planner, within: float
    ) -> list[Comparison]:
        """The comparisons with what single precision adds to them, and those of what the models give in their further modes."""
        self.rounding = []
        comparer = self.comparer(planner, within)
        modes = [pair for pair in self.in_modes(comparer, outcomes, planner) if pair is not None]
        layouts = dict(planner.wanted())
        found = [
            self.with_single(c, comparer, layouts[c.quantity], outcomes, planner) if c.quantity.kind == VALUE else c
            for c in comparisons
        ]
        scaled = zip(modes, scales(modes, single=comparer.within > SAME), strict=True)
        return [*found, *(comparer.compare(pair, scale) for pair, scale in scaled)]

    def with_single(
        self,
        comparison: Comparison,
        comparer: Comparer,
        layout: Layout,
        outcomes: Mapping[Side, Outcome],
        planner: Planner,
    ) -> Comparison:
        """The comparison of an output in double precision with what single precision adds; what it says is kept for the notes."""
        ways = {way: comparer.values(outcomes, comparison.quantity, layout, way) for way in (DOUBLE, SINGLE)}
        if None in ways.values():
            return comparison
        found, words = with_rounding(comparison, ways, self.terms.sides)
        self.rounding += [f"{comparison.quantity}: {words}"] if words else []
        inventory = planner.looked.inventories[self.first]
        if len(inventory.events) == 1 and found.verdict.agrees:  # of more, each layer is looked at by itself
            name = class_of(inventory.by_name[inventory.events[0].layer or ""].call)
            self.rounding += magnified(name, own_rounding(ways, self.terms.sides))
        return found

    def in_modes(self, comparer: Comparer, outcomes: Mapping[Side, Outcome], planner: Planner) -> Iterator[Both | None]:
        """What each side has in its further modes, beside what the other has as usual."""
        for side in self.terms.sides:
            for mode in self.spec.modes[side.framework]:
                if mode != "eager":
                    for quantity, layout in planner.wanted():
                        yield comparer.in_mode(outcomes, quantity, layout, side, Way(mode=mode))

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
        if self.exchanged:
            self.in_another_order(parted)
            return
        if values and self.in_frozen(parted):
            return
        found = (self.search.forward() or (self.search.behind() if values else None)) if self.lines else None
        found = found or self.search.backward()
        if found is None and len({c.quantity.by for c in parted}) == 1 and parted[0].quantity.kind == "gradient":
            found = self.search.of_parameter(parted[0].quantity.by[0])
        if found is None or not parted:
            return
        self.begins, self.behind = found.place, found.behind
        self.at_the_end = found.at_the_end
        findings = [Finding(Kind.BEGINS, found.words + self.said(found.place))]
        findings += [Finding(Kind.TOO, found.too)] if found.too else []
        self.find(parted, *findings)

    def find(self, parted: Sequence[Comparison], *findings: Finding) -> None:
        """Adds findings to comparisons."""
        self.comparisons = [
            replace(c, findings=(*c.findings, *findings)) if c in parted else c for c in self.comparisons
        ]

    def in_another_order(self, parted: Sequence[Comparison]) -> None:
        """A finding for outputs that the other model has in another place, and for the gradients of those in one place."""
        pairs = [
            f"{one} in {self.first.label} is {other} in {self.second.label}" for one, other in self.exchanged.items()
        ]
        self.find(parted, Finding(Kind.BEGINS, f"the outputs stand in another order: {few(pairs, 3)}"))

    def in_frozen(self, parted: Sequence[Comparison]) -> bool:
        """Says which layers compute with the weights that they were built with; gives whether all of the model does."""
        for layer in self.inventories[self.second].layers:
            if not layer.frozen:
                continue
            method = ".".join(filter(None, ("model", layer.name, layer.frozen)))
            words = (
                f"{method} is a tf.function that was traced while Keras built the layers in it, so it computes with the weights "
                "that they started with and with no others; take @tf.function away, or build them before"
            )
            if method == "model.call":
                self.find(parted, Finding(Kind.BEGINS, words))
                return True
            self.notes.append(words)
        return False

    def in_the_loss(self, parted: Sequence[Comparison]) -> None:
        """A finding for a loss that parts of outputs that agree, and for the gradients of it."""
        self.find(parted, Finding(Kind.BEGINS, "the outputs agree; it begins in the loss"))
        self.of_loss = frozenset(c.quantity for c in parted)

    def carried(self) -> None:
        """A finding for what a later call gives, where the statistics that it computes with part already."""
        kept = [c.quantity for c in self.comparisons if c.quantity.kind == STATE and not c.verdict.agrees]
        finding = Finding(Kind.BEGINS, f"it computes with {few(kept, 3)}, which part{'s' * (len(kept) == 1)} before")
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
            names = {self.first: pair.name, self.second: pair.keras.text}
            yield PairLine(
                names, pair.why, pair.layout.text,
                interleaved=pair.interleaved, reordered=bool(pair.layout.blocks),
            )  # fmt: skip

    def code_of(self, quantity: Quantity) -> LayerCode:
        """The layers that a quantity's difference comes from, as they are called, by framework."""
        if quantity in self.of_loss:
            shapes = {name: values.shape for name, values in self.spec.inputs.items()}
            return LayerCode({f: (self.loss_of(f),) for f in FRAMEWORKS}, shapes)
        end = CourseEnd(
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
        return end.of(quantity)

    def loss_of(self, framework: str) -> str:
        """The loss of a framework as it is written for it."""
        said = self.spec.loss
        return loss_in(said[BOTH], framework, self.spec.dtype, {}) if BOTH in said else said[framework]

    def covered(self, comparisons: Sequence[Comparison]) -> str:
        """What the comparisons cover, in words."""
        kinds = {VALUE: "output", "gradient": "gradient", STATE: "statistic", DROPPED: "random layer"}
        compared = dict.fromkeys(c.quantity for c in comparisons if c.quantity.kind != RATES)
        counts = Counter(str(LOSS) if each == LOSS else kinds.get(each.kind, "parameter") for each in compared)
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


def _keeping(rounds: Any, known: tuple[Comparison, ...]) -> Any:
    """Rounds that say what is known already, should one of them fail."""
    sent = None
    while True:
        try:
            asked = rounds.send(sent)
        except StopIteration as done:
            return done.value
        sent = yield replace(asked, comparisons=known)


def _together(first: Mapping[Side, Outcome], later: Mapping[Side, Outcome]) -> dict[Side, Outcome]:
    """The outcomes of two parts of one listing, by side."""
    return {
        side: replace(
            one,
            values={**one.values, **later[side].values},
            failures=tuple(dict.fromkeys((*one.failures, *later[side].failures))),
            seconds=one.seconds + later[side].seconds,
        )
        for side, one in first.items()
    }


def _of_order(name: str, order: str) -> str:
    """What to do where both sides agree with their axes in another order, or in that which they have without a layout."""
    left, right = (side.strip() for side in order.split("->"))
    if left == right:
        return f"both agree with the axes as they are: leave out {field('layout', name, '...')}"
    said = field("layout", name, order)
    return f"both agree with the axes in another order, '{order}': say {said}, or change the model"
