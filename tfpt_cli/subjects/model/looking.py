"""The first round of a model task: what both models are made of, and in which dtype they can be compared."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.compare.summary import side_of
from tfpt_cli.language.mentions import field
from tfpt_cli.language.shapes import show
from tfpt_cli.listing import listing
from tfpt_cli.results import PLAIN, Comparison, Failure, State, Symptom, Value, Verdict
from tfpt_cli.subjects.model.fields import with_channels
from tfpt_cli.subjects.model.inventory import inventory_of
from tfpt_cli.subjects.model.spec import CHANNELS, output_quantity
from tfpt_cli.subjects.model.writer import INSPECTED
from tfpt_cli.subjects.subject import Round

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.frameworks import Side
    from tfpt_cli.results import Outcome
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.spec import Model
    from tfpt_cli.subjects.model.writer import ModelWriter

# In which models are looked at: double precision, and where a side refuses that, single.
DTYPES = "float64", "float32"
# How a framework says that it has no kernel for double precision.
_OF_DOUBLE = re.compile(r"\b(double|float64)\b", re.IGNORECASE)
# How Python says that a call and what is called do not fit.
_OF_ARGUMENTS = re.compile(r"(TypeError|ValueError): .*\barguments?\b", re.DOTALL)


class Stopped(Exception):
    """A task ends here, with what is known: failures of sides, or problems (`words`) that only the scenario can solve."""

    def __init__(
        self,
        outcomes: Mapping[Side, Outcome],
        *words: str,
        comparisons: Sequence[Comparison] = (),
        notes: Sequence[str] = (),
        inventories: Mapping[Side, Inventory] | None = None,
    ) -> None:
        super().__init__(*words)
        self.inventories = inventories or {}
        self.outcomes, self.words = outcomes, words
        self.comparisons, self.notes = tuple(comparisons), tuple(notes)


class OnlyInSingle(Exception):
    """What both models give in double precision cannot be had by all derivatives; `notes` say of each side why."""

    def __init__(self, notes: Sequence[str]) -> None:
        super().__init__(*notes)
        self.notes = tuple(notes)


@dataclass(frozen=True)
class Looked:
    """What was seen of both models, the outcomes that it is of, and the dtype in which they can be compared."""

    inventories: Mapping[Side, Inventory]
    outcomes: Mapping[Side, Outcome]
    dtype: str
    notes: tuple[str, ...] = ()


def look(spec: Model, writers: Mapping[Side, ModelWriter], dtypes: Sequence[str] = DTYPES) -> Any:
    """Has both models built and called in the first of some dtypes, and where a side refuses that, in the next; gives `Looked`.

    Raises `Stopped`, with what was said of the first, where a side cannot be run in any.
    """
    dtype, *others = dtypes
    found, outcomes = yield from _inspected(spec, writers, dtype)
    refusing = {side: _refusal(found[side], outcomes[side]) for side in writers if _refuses(found[side])}
    if not refusing:
        return Looked(_there(found), outcomes, dtype)
    for other in others:
        narrow, again = yield from _inspected(spec, writers, other)
        if not any(map(_refuses, narrow.values())):
            notes = (f"{side.label} cannot run this in {dtype}: {words}" for side, words in refusing.items())
            return Looked(_there(narrow), again, other, tuple(notes))
    raise _stopped(spec, found, outcomes)


def refused_in_double(looked: Looked, outcomes: Mapping[Side, Outcome]) -> list[str]:
    """Why a side that was looked at in double precision cannot compute its derivatives there; nothing where it can.

    The gradient of a function may have no kernel for double precision where the function itself has one, such as that of
    `tf.image.resize(..., antialias=True)`: a look, which only goes forward, sees nothing of it.
    """
    if looked.dtype != "float64":
        return []
    said = {
        side: next((f.message for f in outcome.failures if f.symptom == Symptom.EXCEPTION), "")
        for side, outcome in outcomes.items()
    }
    return [
        f"{side.label} cannot run this in float64: {text}" for side, text in said.items() if _OF_DOUBLE.search(text)
    ]


def _inspected(spec: Model, writers: Mapping[Side, ModelWriter], dtype: str) -> Any:
    """The inventories of both models in a dtype, None for one that could not be made, and the outcomes that they are of."""
    listings = {
        side: listing(side.framework, writer.inspection(dtype, own=spec.start == side.framework))
        for side, writer in writers.items()
    }
    outcomes = yield Round(listings)
    found: dict[Side, Inventory | None] = {}
    for side, outcome in outcomes.items():
        value = outcome.values.get((INSPECTED, PLAIN))
        found[side] = inventory_of(value.array) if value is not None and value.state is State.PRESENT else None
    return found, outcomes


def _refuses(inventory: Inventory | None) -> bool:
    return inventory is None or bool(inventory.error)


def _there(inventories: Mapping[Side, Inventory | None]) -> dict[Side, Inventory]:
    return {side: inventory for side, inventory in inventories.items() if inventory is not None}


def _refusal(inventory: Inventory | None, outcome: Outcome) -> str:
    """Why a side cannot be run, with the layer at which it refuses."""
    if inventory is None:
        return outcome.failures[0].message if outcome.failures else "it left nothing"
    where = _where(inventory)
    return f"{inventory.error} ({where})" if where else inventory.error


def _where(inventory: Inventory) -> str:
    """The layer at which a model refuses its call, and the line of a person's own file."""
    return ", ".join(
        [*([f"in {inventory.at}"] if inventory.at else []), *([inventory.place] if inventory.place else [])]
    )


def _stopped(spec: Model, inventories: Mapping[Side, Inventory | None], outcomes: Mapping[Side, Outcome]) -> Stopped:
    """The end of a task of which a side cannot be run, with what each side says."""
    told = {}
    for side, outcome in outcomes.items():
        inventory = inventories[side]
        if inventory is not None and inventory.error:
            failure = Failure(side, Symptom.EXCEPTION, inventory.error, where=_where(inventory) or None)
            outcome = replace(outcome, failures=(*outcome.failures, failure))
        told[side] = outcome
    values = {
        side: Value(State.FAILED, failure=outcome.failures[0]) if outcome.failures else Value(State.NOT_COMPARED)
        for side, outcome in told.items()
    }
    comparison = Comparison(
        quantity=output_quantity(""),
        verdict=Verdict.ERROR,
        sides={side: side_of(value) for side, value in values.items()},
        reason=" and ".join(side.label for side, outcome in told.items() if outcome.failures) + " failed",
    )
    seen = _there(inventories)
    notes = (*hint_of_layout(spec, seen, list(told)), *hints_of_call(spec, seen))
    return Stopped(told, comparisons=(comparison,), notes=notes, inventories=seen)


def hints_of_call(spec: Model, inventories: Mapping[Side, Inventory]) -> Iterator[str]:
    """How a model is called that takes other inputs than it is given, for each side that says so."""
    for side, inventory in inventories.items():
        if not _OF_ARGUMENTS.match(inventory.error) or inventory.at or side.framework in spec.call:
            continue
        takes = ", ".join(inventory.parameters) or "nothing"
        said = field("call", side.framework, f"'model({', '.join(spec.inputs)}, ...)'")
        yield f"{side.label}'s model takes {takes}, and is called on {', '.join(spec.inputs)}: name the inputs so, or say {said}"


def shapes_of_inputs(spec: Model, sides: Sequence[Side]) -> Iterator[str]:
    """The shape that an input has on the other side under the layout that the scenario gives it."""
    for name, values in spec.inputs.items():
        layout = spec.layout(name, values.shape)
        if layout.pattern:
            turned = show(tuple(layout.turned(values.shape)))
            yield f"{name} is {show(values.shape)} in {sides[0].label} and {turned} in {sides[1].label}: '{layout.pattern}'"


def hint_of_layout(spec: Model, inventories: Mapping[Side, Inventory], sides: Sequence[Side]) -> Iterator[str]:
    """That an image goes into Keras with its channels first, where PyTorch has layers for images and no layout is said."""
    ours, (first, second) = inventories.get(sides[0]), sides
    images = [
        name for name, values in spec.inputs.items() if len(values.shape) in CHANNELS and name not in spec.layouts
    ]
    if spec.channels or not images or ours is None or not any(with_channels(layer.call) for layer in ours.layers):
        return
    yield (
        f"{images[0]} goes into {second.label} as {first.label} takes it, with the channels first; where Keras's layers "
        f"take them last, say {field('layout', value='channels')}"
    )
