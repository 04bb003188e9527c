"""Where two models begin to part: the first layer that does by itself, or the code between two layers that do not."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TORCH
from tfpt_cli.language.mentions import few
from tfpt_cli.results import STATE, VALUE
from tfpt_cli.results.layers import SAME
from tfpt_cli.subjects.model.comparer import SAME_IN_SINGLE
from tfpt_cli.subjects.model.inventory import Event, reaching
from tfpt_cli.subjects.model.settings import Besides
from tfpt_cli.subjects.model.steps import Step
from tfpt_cli.subjects.model.wording import class_of, in_each, said_settings, step_of_layer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.results import Quantity
    from tfpt_cli.subjects.model.inventory import Inventory, Output
    from tfpt_cli.subjects.model.side_by_side import Measured, Watched
    from tfpt_cli.subjects.model.writer import Span


@dataclass(frozen=True)
class Beginning:
    """Where two models begin to part: the place of the layer among the lines, None between two of them, and in words.

    `behind` is then the place of the layer behind it; `at_the_end` says that it begins behind the last layer. `too` says which
    layers part by themselves besides, in words.
    """

    place: int | None
    words: str
    behind: int | None = None
    at_the_end: bool = False
    too: str = ""


# What is no farther apart in double precision is rounding: nothing that was kept in single precision is seen there.
_ROUNDED = 1e-12
# So many lines of a file are named, of more the first and the last.
_FEW_LINES = 3
# So many layers are named that part as well, and so many ways in which they do.
_FEW_LAYERS = 3


class Search:
    """Looks through the layers of both models for where they begin to part.

    `alike` are frameworks and paths of layers that are the same on both sides and stand in no line, one beside several: they are
    no step.
    """

    def __init__(
        self,
        watched: Watched,
        inventories: Mapping[Side, Inventory],
        sides: Sides,
        alike: Collection[tuple[str, str]] = (),
    ) -> None:
        self.lines, self.watched, self.inventories, self.alike = watched.lines, watched, inventories, alike
        self.first, self.second = sides

    def in_single(self, parted: Collection[Quantity]) -> list[str]:
        """What computes in single precision, where nothing else can be why some quantities part; empty where something can.

        A layer that parts by itself, and code between layers that does, must be seen to do so, and by no more than that explains.
        Where none parts, layers that do so, each by less than counts, may add up to what does.
        """
        if self.unexplained():
            return []
        forward = any(quantity.kind == VALUE for quantity in parted)
        parting = [
            self.name(each)
            for place, each in enumerate(self.lines)
            if (each.parts_by_itself or each.pulls_apart) and not self.recovered(place)
        ]
        return parting + self.code_in_single(forward=forward) or [
            *(self.name(each) for place, each in enumerate(self.lines) if self.rounds(place)),
            *self.keeping_in_single(parted),
        ]

    def unexplained(self) -> bool:
        """Whether a layer parts by itself, or code between layers, that no number in single precision explains.

        Of layers that could not be watched nothing is known. Where settings part, what is the same by itself counts too, but for
        rounding: an epsilon of its own may be as little in many layers.
        """
        for place, each in enumerate(self.lines):
            if each.given_apart and not self.reached_by[place] and not self.recovered(place):
                return True
            little = self.set_otherwise(each) and _ROUNDED < each.apart <= each.limit
            parts = each.parts_by_itself or each.pulls_apart or little
            if parts and not self.excused(each) and not self.recovered(place):
                return True
        return self.watched.refused or ((self.watched.behind or 0.0) > SAME and not self.reached_by[-1])

    def code_in_single(self, *, forward: bool) -> list[str]:
        """What computes in single precision between layers, and may be why they part: functions, and layers of one side alone.

        `forward` says that outputs part: then the code must be seen to give something else for the same, where that was measured.
        """
        measured = [*(each.between for each in self.lines), self.watched.behind]
        found = []
        for place, names in enumerate(self.reached_by):
            size = measured[place]
            if not names or (forward and size is not None and size <= _ROUNDED):
                continue
            each = self.lines[place] if place < len(self.lines) else None
            if each is not None:
                where = f"before {self.name(each)}"
            else:
                where = f"behind {self.name(self.lines[-1])}" if self.lines else "of the model"
            found.append(f"the code {where} ({', '.join(names)})")
        return list(dict.fromkeys(found))  # a layer that is called twice has it before it twice

    @cached_property
    def reached_by(self) -> list[list[str]]:
        """What of single precision reaches each line since those before it, by line, and at the end what reaches the outputs."""
        found: list[set[str]] = [set() for _ in range(len(self.lines) + 1)]
        for side, inventory in self.inventories.items():
            beside = {index for line in self.lines for index in self.span(line, side).events}
            for place, line in enumerate(self.lines):
                found[place] |= _in_single(inventory.events, [inventory.events[self.span(line, side).first]], beside)
            found[-1] |= _in_single(inventory.events, inventory.outputs, beside)
        return [sorted(names) for names in found]

    def keeping_in_single(self, parted: Collection[Quantity]) -> list[str]:
        """The layers whose statistics part, and that are seen to compute with a number in single precision."""
        holders = {quantity.output.rpartition(".")[0] for quantity in parted if quantity.kind == STATE}
        return [
            self.name(each)
            for each in self.lines
            if each.aligned.names[TORCH] in holders
            and any(event.single for event in self.events(self.second, each.aligned.keras))
        ]

    def excused(self, each: Measured) -> bool:
        """Whether a layer parts by no more than a number in single precision explains, and is seen to compute with one.

        One whose settings part is not: an epsilon of its own may be as little. Two classes without a row may be one all the same.
        """
        return each.apart <= SAME_IN_SINGLE and self.in_single_alone(each)

    def in_single_alone(self, each: Measured, *, but: Collection[str] = ()) -> bool:
        """Whether a layer is seen to compute with a number in single precision, and its settings do not part, but for some."""
        if not set(each.aligned.parted) <= {Besides.CLASS, *but}:
            return False
        kept = each.aligned.row is not None and each.aligned.row.single
        for side in (self.first, self.second):
            start, *rest = self.events(side, self.span(each, side))
            kept = kept or bool(start.single) or any(event.single or event.reached_by for event in rest)
        return kept

    def rounds(self, place: int) -> bool:
        """Whether a layer parts, and by no more than a number in single precision explains, in itself or in what it comes to."""
        each = self.lines[place]
        return place in self.completed or (each.apart > _ROUNDED and self.excused(each))

    @cached_property
    def completed(self) -> set[int]:
        """The places of layers that compute with a number in single precision, of which one does more than that beside it.

        What they come to is nearly the same in a layer that reads it, or in the outputs: `nn.Linear` and an activation, which may
        be written out, beside a layer with both.
        """
        found = set()
        for place, each in enumerate(self.lines):
            apart = each.apart if each.line.by_itself is not None else each.line.so_far or 0.0
            if apart <= SAME_IN_SINGLE or not self.in_single_alone(each, but=["activation"]):
                continue
            sizes = [line.line.so_far for line in self.reading(place)] or [self.watched.outputs]
            if sizes and all(size is not None and size <= SAME_IN_SINGLE for size in sizes):
                found.add(place)
        return found

    def set_otherwise(self, each: Measured) -> bool:
        """Whether the settings of a layer part."""
        return bool(set(each.aligned.parted) - {Besides.CLASS})

    def forward(self) -> Beginning | None:
        """Where what the models give begins to part; None where all layers agree, or where nothing was measured."""
        for place, each in enumerate(self.lines):
            line = each.line
            if self.recovered(place):
                continue
            if each.given_apart and not self.reached_by[place]:
                return self.beginning_before(place)
            if self.parts_alone(place):
                settings = self.settings(each)
                words = f"{self.name(each)} is the first that parts, by itself{settings}{self.made_up(place)}"
                return Beginning(place, words, too=self.parting_too(place + 1, settings))
            if line.so_far is None or line.so_far <= self.limit(place):
                continue
            if line.by_itself is None:
                why = f" ({line.note})" if line.note else ""
                return Beginning(place, f"{self.name(each)} is the first that parts{why}{self.settings(each)}")
            return self.beginning_before(place)
        return None

    def made_up(self, place: int) -> str:
        """That code behind a layer may make up for how it parts, where that is another on each side, as the end of a sentence.

        What one layer sums, or takes the logarithm of, code does on the other side; with a mistake in that code nothing tells.
        """
        each = self.lines[place]
        sizes = {
            math.prod(self.events(side, self.span(each, side))[-1].outputs[0]) for side in (self.first, self.second)
        }
        if len(sizes) == 1 and "activation" not in each.aligned.parted:
            return ""
        behind = in_each(self.steps(next(iter(self.reading(place)), None)), rest=False)
        return f", unless the code behind it makes up for that{behind}" if behind else ""

    def parts_alone(self, place: int) -> bool:
        """Whether a layer parts by itself, by more than a number in single precision explains, and is not made good."""
        each = self.lines[place]
        return each.parts_by_itself and not self.excused(each) and not self.recovered(place)

    def parting_too(self, start: int, alike: str | None = None) -> str:
        """The layers from a place on that part by themselves, whatever parts before them, in words; empty where none does.

        Those that are set otherwise in the same way as another, `alike`, come first: an epsilon that was forgotten in each.
        """
        found: dict[str, list[str]] = {} if alike is None else {alike: []}
        first = "" if alike is None else self.name(self.lines[start - 1])
        for place in range(start, len(self.lines)):
            if self.parts_alone(place):
                names = found.setdefault(self.settings(self.lines[place]), [])
                names += [name for name in [self.name(self.lines[place])] if name not in (*names, first)]
        said = []
        for settings, names in itertools.islice(
            ((words, names) for words, names in found.items() if names), _FEW_LAYERS
        ):
            one = len(names) == 1
            way = " in the same way" if settings and settings == alike else f" too{settings}"
            said.append(f"{few(names, _FEW_LAYERS)} part{'s' * one} by {'itself' if one else 'themselves'}{way}")
        return "; ".join(said)

    def beginning_before(self, place: int) -> Beginning:
        """That the models begin to part in the code before a layer."""
        each = self.lines[place]
        between = self.given(each) or self.between(each)
        words = f"it begins between {self.before(each)} and {self.name(each)}, which agree{self.places(each)}{between}"
        return Beginning(None, words, behind=place, too=self.parting_too(place))

    def limit(self, place: int) -> float:
        """How far a layer may be apart so far: more where one before it, or code, computes in single precision."""
        excused = any(self.reached_by[other] or self.rounds(other) for other in range(place + 1))
        return max(self.lines[place].limit, SAME_IN_SINGLE if excused else SAME)

    def recovered(self, place: int) -> bool:
        """Whether what reads what this layer gives is the same on both sides all the same: no cause of anything is here then.

        Either everything that reads it is given the same in both models, or a layer that does agrees: then only the order of the
        numbers was another. Of numbers in another order nothing is left there; what is less by little was averaged, or
        normalized. Layers with parameters are not looked through: one far behind may read a part alone that agrees, as a pooler
        reads the first token.
        """
        apart = self.lines[place].line.so_far
        held = {tensor.layer for tensor in self.inventories[self.first].tensors}
        later = list(enumerate(self.lines))[place + 1 :]
        ends = {line.aligned.torch.last for _, line in later if line.aligned.names[TORCH] in held}
        readers, _ = self.readers(place, ends)
        return (
            place in self.completed
            or self.made_good(place)
            or any(
                line.aligned.torch.first in readers
                and line.line.so_far is not None
                and line.line.so_far <= min(self.limit(other), math.inf if apart is None else apart / 1000)
                for other, line in later
            )
        )

    def reading(self, place: int) -> list[Measured]:
        """The lines that read what a layer gives, through no other line."""
        known = {line.aligned.torch.first: line for line in self.lines[place + 1 :]}
        readers, _ = self.readers(place, known)
        return [line for first, line in known.items() if first in readers]

    def made_good(self, place: int) -> bool:
        """Whether every layer that reads what one gives is given the same in both models, and the outputs do not read it."""
        known = {line.aligned.torch.first: line for line in self.lines[place + 1 :]}
        readers, reached = self.readers(place, known)
        sizes = [known[index].reached for index in readers & set(known)]
        outputs = self.inventories[self.first].outputs
        return (
            bool(sizes)
            and not any(reached & set(output.origin) for output in outputs)
            and all(size is not None and size <= SAME for size in sizes)
        )

    def readers(self, place: int, ends: Collection[int]) -> tuple[set[int], set[int]]:
        """The events of PyTorch that read what a layer gives, through all but some, and those whose results it has reached."""
        index = self.lines[place].aligned.torch.last
        reached, readers = {index}, set[int]()
        for event in self.inventories[self.first].events[index + 1 :]:
            if reached & set(event.origin):
                readers.add(event.index)
                if event.index not in ends:
                    reached.add(event.index)
        return readers, reached

    def behind(self) -> Beginning | None:
        """That it begins behind the last layer, where every layer agrees and the outputs do not."""
        if not self.lines:
            return None
        words = (
            f"every layer agrees; it begins behind {self.name(self.lines[-1])}{self.places(None)}{self.between(None)}"
        )
        return Beginning(None, words, at_the_end=True)

    def backward(self) -> Beginning | None:
        """Where the gradients begin to part, from the outputs upwards."""
        for place, each in reversed(list(enumerate(self.lines))):
            size = each.line.gradient_by_itself
            if size is not None and size > max(each.limit, SAME_IN_SINGLE if self.excused(each) else SAME):
                return Beginning(
                    place, f"{self.name(each)} is the first whose gradient parts, by itself, seen from the outputs"
                )
        return None

    def of_parameter(self, name: str) -> Beginning | None:
        """The layer that holds a parameter whose gradient alone parts."""
        layer = name.rpartition(".")[0]
        for place, each in enumerate(self.lines):
            if each.aligned.names[TORCH] == layer:
                # The row of an embedding that PyTorch never trains; what it gives is the same.
                untrained = re.search(r"padding_idx=(\d+)", each.aligned.calls[TORCH])
                why = (
                    said_settings({"padding_idx": (untrained[1], None)}, (self.first, self.second)) if untrained else ""
                )
                words = f"only the gradient of {self.name(each)} by its own parameter parts"
                return Beginning(place, words + (f": {why}" if why else self.settings(each)))
        return None

    def of_another_size(self) -> Beginning | None:
        """Where both models begin to have other sizes, by the shapes of their calls alone; None where they do not.

        The product of a shape is what counts: its axes may stand in another order on each side.
        """
        for place, each in enumerate(self.lines):
            line = each.aligned
            start, end = ((self.events(side, self.span(each, side))) for side in (self.first, self.second))
            for theirs, ours in enumerate(line.inputs or ()):
                given = start[0].inputs[ours], end[0].inputs[theirs]
                if math.prod(given[0]) != math.prod(given[1]):
                    where = f"between {self.before(each)} and {self.name(each)}"
                    words = f"the sizes part {where}{self.places(each)}: {self.shapes(given)}{self.between(each)}"
                    return Beginning(None, words, behind=place)
            made = start[-1].outputs[0], end[-1].outputs[0]
            if not (line.last or line.merged) and math.prod(made[0]) != math.prod(made[1]):
                words = (
                    f"{self.name(each)} is the first that gives another size: {self.shapes(made)}{self.settings(each)}"
                )
                return Beginning(place, words)
        return None

    def shapes(self, shapes: tuple[Shape, Shape]) -> str:
        """Two shapes, PyTorch's first, in words."""
        return f"{shapes[0]} in {self.first.label}, {shapes[1]} in {self.second.label}"

    def name(self, each: Measured) -> str:
        """A layer by its paths in both models; by its class where it is the model itself."""
        names = list(dict.fromkeys(name for name in each.line.names.values() if name))
        return " / ".join(names) if names else class_of(each.aligned.calls[TORCH])

    def settings(self, each: Measured) -> str:
        """The settings that a layer has otherwise on each side, or what one's own computes there, as the end of a sentence."""
        words = said_settings(each.aligned.parted, (self.first, self.second))
        return f": {words}" if words else self.computed(each)

    def computed(self, each: Measured) -> str:
        """What two layers of a person's own classes call themselves, without what both do, as the end of a sentence."""
        steps = {
            side: [Step(text, text) for event in self.events(side, self.span(each, side)) for text in event.within]
            for side in (self.first, self.second)
        }
        return in_each(steps, rest=False) if all(steps.values()) else ""

    def before(self, each: Measured) -> str:
        """The layers whose results reach a layer in PyTorch, in words."""
        return ", ".join(dict.fromkeys(map(self.name, self.reaching(each)))) or "the inputs"

    def reaching(self, each: Measured) -> list[Measured]:
        """The lines whose results reach that of a layer in PyTorch, through whatever is computed between."""
        events = self.inventories[self.first].events
        beside = {index: line for line in self.lines for index in line.aligned.torch.events}
        known = reaching(events, events[each.aligned.torch.first].origin, beside)
        return [beside[index] for index in known]

    def span(self, each: Measured, side: Side) -> Span:
        """The events of a side at a line."""
        return each.aligned.torch if side is self.first else each.aligned.keras

    def given(self, each: Measured) -> str:
        """The inputs of the model that go to other parameters of a layer on each side, as the end of a sentence."""
        first, second = (
            dict(zip(event.names, event.said, strict=True)) if len(event.names) == len(event.said) else {}
            for event in (
                self.inventories[side].events[self.span(each, side).first] for side in (self.first, self.second)
            )
        )
        if len(first) == len(second) == 1:  # each framework has its own name for the only one
            first, second = ({"input": said} for said in (*first.values(), *second.values()))
        inputs = set(first.values()) | set(re.findall(r"\w+", self.inventories[self.first].arguments))
        words = [
            f"its {name} is {first[name]} in {self.first.label}, {second[name]} in {self.second.label}"
            for name in first
            if name in second and first[name] != second[name] and {first[name], second[name]} <= inputs
        ]
        return f": {', '.join(words)}" if words else ""

    def between(self, behind: Measured | None) -> str:
        """What each side computes on the way to a layer, or to the outputs where there is none, as the end of a sentence."""
        return in_each(self.steps(behind))

    def steps(self, behind: Measured | None) -> dict[Side, list[Step]]:
        """What both sides compute between a layer and those before it, or behind all of them, in the order in which they do.

        Nothing where one of them comes from a layer and the other from none: then a step was not seen, such as one in NumPy.
        """
        ways = {side: self.way(behind, side) for side in (self.first, self.second)}
        if len({comes for comes, _ in ways.values()}) > 1:
            return {side: [] for side in ways}
        return {side: steps for side, (_, steps) in ways.items()}

    def way(self, behind: Measured | None, side: Side) -> tuple[bool, list[Step]]:
        """Whether what a side gives a layer, or gives in the end, was seen to come from a layer, and its steps from there."""
        inventory = self.inventories[side]
        ends = inventory.outputs if behind is None else [inventory.events[self.span(behind, side).first]]
        # What Keras calls on the way to a layer, and PyTorch behind it, is a step of Keras's alone.
        lines = self.lines if behind is None else self.lines[: self.lines.index(behind)]
        beside = {index for line in lines for index in self.span(line, side).events}
        # A function that stands beside a setting of a layer, `F.relu` behind one, is no step; by its place it is an event.
        said = {index for index in beside if inventory.events[index].layer is None}
        # Nor is one that is an argument of Keras's layer, and called later in PyTorch.
        later = {line.aligned.activated_by for line in self.lines} if side is self.first else set()
        said |= {place for place in later if place is not None}
        found: list[Step] = []
        passed = sorted(_on_the_way(inventory.events, ends, beside), key=lambda event: event.index)
        for each in (*passed, *ends):
            found += [Step(text, text) for place, text in each.calls if place not in said]
            said.update(place for place, _ in each.calls)
            if (
                isinstance(each, Event)
                and each not in ends
                and each.index not in later
                and (side.framework, each.layer) not in self.alike
            ):
                found.append(step_of_layer(each, inventory))
        return any(beside & set(each.origin) for each in (*passed, *ends)), found

    def lines_before(self, behind: Measured | None, side: Side) -> list[str]:
        """The lines of a person's files that ran outside of layers between a layer and those before it, or behind the last."""
        inventory = self.inventories[side]
        before = self.lines[-1:] if behind is None else self.reaching(behind)
        start = min((self.span(each, side).last for each in before), default=-1) + 1
        end = len(inventory.events) if behind is None else self.span(behind, side).first + 1
        ran = [*(event.lines for event in inventory.events[start:end]), *([inventory.lines] if behind is None else [])]
        return [line for lines in ran for line in lines]

    def places(self, behind: Measured | None) -> str:
        """The lines of a person's own files that ran before a layer, and that calls it, as the end of a sentence."""
        found: list[str] = []
        for side in (self.first, self.second):
            lines = self.lines_before(behind, side)
            if behind is not None:
                lines.append(self.inventories[side].events[self.span(behind, side).first].place)
            short = [line.rpartition("/")[2] for line in dict.fromkeys(lines) if line]
            found += short if len(short) <= _FEW_LINES else [short[0], "...", short[-1]]
        return f" ({', '.join(found)})" if found else ""

    def events(self, side: Side, span: Span) -> list[Event]:
        """The events of a span."""
        return [self.inventories[side].events[index] for index in span.events]


def _in_single(events: Sequence[Event], reached: Iterable[Event | Output], beside: Collection[int]) -> set[str]:
    """What of single precision reaches events, or outputs, since the events that stand beside others: operations, and layers."""
    ends = list(reached)
    found = {name for each in ends for name in each.reached_by}
    for event in _on_the_way(events, ends, beside):
        found.update(event.reached_by, [event.layer or event.function] if event.single else [])
    return found


def _on_the_way(events: Sequence[Event], reached: Iterable[Event | Output], beside: Collection[int]) -> Iterator[Event]:
    """The events whose results reach some events, or outputs, since those that stand beside others, each once."""
    seen = set(beside)
    rest: list[Event | Output] = list(reached)
    while rest:
        for index in set(rest.pop().origin) - seen:
            seen.add(index)
            rest.append(events[index])
            yield events[index]
