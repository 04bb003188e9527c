"""The code that a difference comes from: the layers that part, as each framework calls them, for what is known of them."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfpt_cli.expressions.own_lines import expressions_at
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.results import DROPPED, PARAMETER, RATES, STATE, Verdict
from tfpt_cli.subjects.model.dropping import drawing
from tfpt_cli.subjects.model.spec import CHANNELS
from tfpt_cli.subjects.model.wording import called
from tfpt_cli.subjects.model.writer import turned_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.results import Comparison, Quantity
    from tfpt_cli.subjects.model.alignment import Aligned
    from tfpt_cli.subjects.model.beginning import Search
    from tfpt_cli.subjects.model.inventory import Event, Inventory
    from tfpt_cli.subjects.model.matching import Match
    from tfpt_cli.subjects.model.pairing import Pairing
    from tfpt_cli.subjects.model.spec import Model
    from tfpt_cli.subjects.model.writer import Span

# How what has its channels last gets them first again, by how they were put last.
_BACK = {CHANNELS[3]: (0, 2, 1), CHANNELS[4]: (0, 3, 1, 2), CHANNELS[5]: (0, 4, 1, 2, 3)}


@dataclass(frozen=True)
class LayerCode:
    """Expressions by framework, and the shapes of the inputs in them."""

    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)

    def __add__(self, other: LayerCode) -> LayerCode:
        sources = {f: (*self.sources.get(f, ()), *other.sources.get(f, ())) for f in FRAMEWORKS}
        return LayerCode(sources, {**other.shapes, **self.shapes})


@dataclass(frozen=True)
class CourseEnd:
    """What is known when a course has ended: the search with its layers, the pairs, and where the models begin to part.

    That is a layer, by its place among the lines (`begins`), or the code before one (`behind`) or behind the last (`at_the_end`).
    """

    spec: Model
    sides: Sides
    inventories: Mapping[Side, Inventory]
    pairing: Pairing
    search: Search
    begins: int | None
    behind: int | None
    at_the_end: bool
    comparisons: Sequence[Comparison]

    def of(self, quantity: Quantity) -> LayerCode:
        """The layers that a quantity's difference comes from, as they are called."""
        if any(c.verdict is Verdict.ERROR for c in self.comparisons if c.quantity == quantity):
            return self.refused()
        if quantity.kind == RATES:
            return self.dropping()
        if quantity.kind == DROPPED:
            return self.drawing(quantity.layer)
        if quantity.kind in (PARAMETER, STATE):
            return self.holding(quantity.output)
        if quantity.step:
            return self.afterwards()
        return self.where_it_begins() + self.further(quantity.output.partition(".")[2])

    def where_it_begins(self) -> LayerCode:
        """The layer at which the models begin to part, and how its weights were copied where the scenario says it."""
        if self.begins is None:
            return self.between()
        line = self.search.lines[self.begins].aligned
        return self.line(self.begins) + self.copied(line.names[TORCH], line.calls)

    def between(self) -> LayerCode:
        """What stands between layers that agree: what a layer is given, and what a person's own code computes there."""
        return self.given() + self.own_code()

    def own_code(self) -> LayerCode:
        """What is computed between the layers before the one at which the models part, and that one.

        Where that is one call on either side, it is that call, wherever it stands; else it is what a person's own files say
        there, and of a side that has none there, such as a functional model, the calls.
        """
        if self.behind is None and not self.at_the_end:
            return LayerCode()
        behind = None if self.behind is None else self.search.lines[self.behind]
        steps = {side: [step.code for step in each] for side, each in self.search.steps(behind).items()}
        if all(len(each) == 1 and each[0] for each in steps.values()):
            return LayerCode({side.framework: tuple(each) for side, each in steps.items()})
        sources: dict[str, tuple[str, ...]] = {}
        for side in self.sides:
            written = map(ast.unparse, expressions_at(self.search.lines_before(behind, side)))
            sources[side.framework] = tuple(written) or tuple(filter(None, steps[side]))
        return LayerCode(sources)

    def given(self) -> LayerCode:
        """What a layer that agrees by itself is given: which inputs, or what is taken of the result of the one before."""
        if self.behind is None:
            return LayerCode()
        line = self.search.lines[self.behind].aligned
        events = self.inventories[self.sides[0]].events
        if len(events[line.torch.first].inputs) > 1:
            return self.line(self.behind)
        before = [
            place
            for place, each in enumerate(self.search.lines)
            if each.aligned.torch.last in events[line.torch.first].origin
        ]
        if len(before) != 1:
            return LayerCode()
        start = self.search.lines[before[0]].aligned.torch.last
        taken = [event.text for event in events[start + 1 : line.torch.first] if start in event.origin and event.text]
        if not taken:
            return LayerCode()
        code = self.line(before[0])
        first = tuple(source + "".join(taken) for source in code.sources.get(TORCH, ()))
        return LayerCode({**code.sources, TORCH: first}, code.shapes)

    def further(self, name: str) -> LayerCode:
        """Two layers that are the models themselves, by what they give besides their first result: `[1]` for `output.1`."""
        lines = self.search.lines
        if len(lines) != 1 or lines[0].aligned.names[TORCH] or not name.isdigit() or self.begins is not None:
            return LayerCode()
        return self.line(0, int(name))

    def line(self, place: int, result: int = 0) -> LayerCode:
        """The layers at a place, as they are called, with the shape of what PyTorch's is given.

        Nothing where a side cuts off behind its layer what the other's does not give: the calls alone are no one function.
        """
        each = self.search.lines[place]
        line = each.aligned
        if line.cropped:
            return LayerCode()
        events = self.inventories[self.sides[0]].events
        shape = events[line.torch.first].inputs[0] if events[line.torch.first].inputs else ()
        x = turned_source("x", shape, each.given).replace("np.", "tf.") if each.given is not None else "x"
        given = {TORCH: "x", TENSORFLOW: x}
        calls = {}
        for side, span in zip(self.sides, (line.torch, line.keras), strict=True):
            if line.calls[side.framework].endswith(")"):
                calls[side.framework] = self.chain(side, span, line, given[side.framework], result)
        back = _BACK.get(each.line.layout)
        if back is not None and TENSORFLOW in calls:
            calls[TENSORFLOW] = f"tf.transpose({calls[TENSORFLOW]}, {back})"
        return LayerCode({f: (call,) for f, call in calls.items()}, {"x": tuple(shape)})

    def chain(self, side: Side, span: Span, line: Aligned, given: str, result: int) -> str:
        """A layer as it is called, on what a layer right before it gives where both together stand beside the other side's."""
        inventory, framework = self.inventories[side], side.framework
        for index in span.events:
            event = inventory.events[index]
            if event.layer is None:
                given = f"F.pad({given}, {event.text})" if event.function == "pad" and event.text else given
                continue
            call = inventory.by_name[event.layer].call
            if event.layer != line.names[framework]:
                given = called(call, framework, training=self.spec.training, given=given) if call else given
                continue
            given = _arguments(event, given)
            if event.masked and "mask" not in event.names and line.row is not None and line.row.recurrent:
                given = f"{given}, mask=mask"
            if framework == TENSORFLOW and "MultiHeadAttention" in call and len(event.outputs) > 1:
                given = f"{given}, return_attention_scores=True"
            text = called(line.calls[framework], framework, training=self.spec.training, given=given)
            if event.packed:
                return f"nn.utils.rnn.pad_packed_sequence({text}[0])"
            return f"{text}[{result}]" if len(event.outputs) > 1 else text
        return called(line.calls[framework], framework, training=self.spec.training, given=given)

    def copied(self, layer: str, calls: Mapping[str, str]) -> LayerCode:
        """How the weights of a layer were copied, where the scenario says another layout than that of the known layer."""
        found = LayerCode()
        for pair in self.pairing.pairs:
            if pair.layer != layer or not pair.said_otherwise or "(" in pair.layout.pattern:
                continue
            left, right = (part.split() for part in pair.layout.pattern.split("->"))
            axes = tuple(left.index(name) for name in right)
            source = "w" if axes == tuple(range(len(axes))) else f"tf.transpose(w, {axes})"
            own = {TORCH: pair.torch[0].tensor.rpartition(".")[2], TENSORFLOW: pair.keras.tensor.rpartition(".")[2]}
            found += LayerCode({
                TORCH: (f"{calls[TORCH]}.{own[TORCH]}.copy_(w)",),
                TENSORFLOW: (f"{calls[TENSORFLOW]}.{own[TENSORFLOW]}.assign({source})",),
            })  # fmt: skip
        return found

    def holding(self, name: str) -> LayerCode:
        """The layer that holds a parameter or keeps a statistic."""
        names = {part.strip() for part in name.split("+")}
        for match in self.pairing.matches:
            if names & {tensor.name for tensor in (*match.torch.tensors, *match.keras.tensors)}:
                return self.matched(match)
        holders = {name.rpartition(".")[0] for name in names}
        for place, each in enumerate(self.search.lines):
            if holders & set(each.aligned.names.values()):
                return self.line(place)
        return LayerCode()

    def matched(self, match: Match) -> LayerCode:
        """Two layers that correspond, as they are called."""
        for place, each in enumerate(self.search.lines):
            if each.aligned.names[TORCH] in match.torch.paths:
                return self.line(place)
        if match.torch.call is None or match.keras.call is None:
            return LayerCode()
        calls = {TORCH: match.torch.call, TENSORFLOW: match.keras.call}
        return LayerCode({f: (called(ast.unparse(call), f, training=self.spec.training),) for f, call in calls.items()})

    def afterwards(self) -> LayerCode:
        """The layers whose statistics part, in the call that keeps them and in the one that reads them."""
        parted = [c.quantity for c in self.comparisons if c.quantity.kind == STATE and not c.verdict.agrees]
        found = self.where_it_begins()
        for quantity in parted:
            kept = self.holding(quantity.output)
            read = tuple(
                source.replace("training=True", "training=False") for source in kept.sources.get(TENSORFLOW, ())
            )
            found += kept + LayerCode({TORCH: (), TENSORFLOW: read})
        return found

    def dropping(self) -> LayerCode:
        """The first layers beside each other that drop at different rates."""
        for match in self.pairing.matches:
            rates = [
                sorted(rate for path in unit.paths for rate in self.rates_in(side, path))
                for side, unit in zip(self.sides, (match.torch, match.keras), strict=True)
            ]
            if rates[0] != rates[1]:
                return self.matched(match)
        return LayerCode()

    def drawing(self, name: str) -> LayerCode:
        """A layer that draws at random, by its path on either side, and the one beside it."""
        for layer in drawing(self.inventories, self.sides):
            if name in layer.names.values():
                calls = {s.framework: self.inventories[s].by_name[layer.names[s]].call for s in self.sides}
                return LayerCode({f: (called(call, f, training=True),) for f, call in calls.items() if call})
        return LayerCode()

    def rates_in(self, side: Side, path: str) -> Iterator[float]:
        """The rates at which a layer of a side drops, and what is in it."""
        for name, rate in rates_of(self.inventories[side]):
            if name == path or name.startswith(f"{path}." if path else ""):
                yield rate

    def refused(self) -> LayerCode:
        """The layer at which a side refused, and all layers of a side that did not; what was written where none was made."""
        sources: dict[str, tuple[str, ...]] = {}
        for side in self.sides:
            inventory = self.inventories.get(side)
            framework = side.framework
            source = self.spec.sources[side.framework]
            calls: list[str] = []
            if inventory is not None:
                layers = (
                    [inventory.by_name[inventory.at]] if inventory.at in inventory.by_name and inventory.error else []
                )
                calls = [layer.call for layer in layers or inventory.layers if layer.leaf and layer.call]
            if not calls and not source.file:
                calls = [source.expression]
            sources[framework] = tuple(called(call, framework, training=self.spec.training) for call in calls)
        return LayerCode(sources)


# Inputs that go to a layer by place; all others go by name.
_BY_PLACE = {"input", "inputs", "x", "sequence", "sequences", "hx", "query", "key", "value", "hidden_states"}


def _arguments(event: Event, given: str) -> str:
    """What a layer is given as a person writes it; `given` where it is one thing."""
    if len(event.inputs) < 2 or len(event.said) != len(event.names):
        return given
    held: dict[str, list[str]] = {}  # what goes to one parameter goes there as a list
    for name, text in zip(event.names, event.said, strict=True):
        held.setdefault(name, []).append(text)
    texts = {name: f"[{', '.join(each)}]" if len(each) > 1 else each[0] for name, each in held.items()}
    return ", ".join(
        text if name in _BY_PLACE or not name.isidentifier() else f"{name}={text}" for name, text in texts.items()
    )


def rates_of(inventory: Inventory) -> Iterator[tuple[str, float]]:
    """The rates at which a model drops at random, with the layers that do, each as often as it is called.

    A layer that shows the rate of its own cell does once, and what is called within a layer that is looked at as one is not seen
    to be called. Behind them are the calls of `F.dropout`.
    """
    calls = Counter(event.layer for event in inventory.events)
    for layer in inventory.layers:
        holder = inventory.by_name.get(layer.name.rpartition(".")[0]) if "." in layer.name else None
        shown = set(holder.rates.values()) if holder is not None else set()
        seen = calls and layer.leaf and inventory.leaf_of(layer.name) == layer.name
        for rate in layer.rates.values():
            if rate and rate not in shown:
                yield from [(layer.name, rate)] * (calls[layer.name] if seen else 1)
    yield from (
        ("F.dropout", float(each.text)) for each in inventory.events if each.function == "dropout" and each.text
    )
