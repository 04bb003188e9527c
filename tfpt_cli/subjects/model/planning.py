"""What both sides of a model task run: which outputs, gradients and statistics are compared, and on which numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.language.mentions import field
from tfpt_cli.layers.layout import Layout
from tfpt_cli.results import RATES, STATE, Comparison, Finding, Kind, Quantity, State, Value
from tfpt_cli.subjects.model.axis_orders import turned
from tfpt_cli.subjects.model.comparer import Both, Comparer
from tfpt_cli.subjects.model.evidence import rates_of
from tfpt_cli.subjects.model.looking import Stopped
from tfpt_cli.subjects.model.loss import weightings
from tfpt_cli.subjects.model.misfit import Misfits
from tfpt_cli.subjects.model.spec import (
    BACKWARD,
    FORWARD,
    LOSS,
    OUTPUT,
    gradient_quantity,
    later_quantity,
    output_quantity,
    parameter_quantity,
    state_quantity,
)
from tfpt_cli.subjects.model.writer import Plan, Turned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Side
    from tfpt_cli.subjects.model.inventory import Inventory, Output
    from tfpt_cli.subjects.model.looking import Looked
    from tfpt_cli.subjects.model.paired_parameters import PairedParameters, TensorPart
    from tfpt_cli.subjects.model.pairing import Pairing
    from tfpt_cli.subjects.model.spec import Model
    from tfpt_cli.subjects.model.weights import Weights
    from tfpt_cli.subjects.subject import Terms

_AFTERWARDS = "in evaluation afterwards"


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

    @property
    def fits(self) -> bool:
        """Whether the shape of PyTorch's becomes that of Keras's under the layout."""
        try:
            return tuple(self.layout.turned(self.torch.shape)) == self.keras.shape
        except ValueError:
            return False

    @property
    def key(self) -> str:
        """The name of what it is weighted by."""
        return str(self.quantity)


class Planner:
    """Decides what both sides run, once their models are known and their parameters are paired."""

    def __init__(self, spec: Model, terms: Terms, looked: Looked, pairing: Pairing, weights: Weights) -> None:
        self.spec, self.terms, self.looked, self.pairing, self.weights = spec, terms, looked, pairing, weights
        self.inventories: Mapping[Side, Inventory] = looked.inventories
        self.first, self.second = terms.sides
        self.notes: list[str] = []
        self.outputs = self._outputs()

    @property
    def backward(self) -> bool:
        """Whether gradients are taken: they are compared, and every output has them, and fits."""
        return BACKWARD in self.spec.compared and all(output.real and output.fits for output in self.outputs)

    @property
    def random(self) -> bool:
        """Whether either model drops at random as it is called."""
        return self.spec.training and any(rate for each in self.inventories.values() for _, rate in rates_of(each))

    def _outputs(self) -> list[ComparedOutput]:
        """The outputs that are compared: those that the scenario names, else those that stand beside each other."""
        ours, theirs = (list(self.inventories[side].outputs) for side in self.terms.sides)
        if self.spec.outputs:
            chosen = [self.named(side) for side in self.terms.sides]
            return [self.output(chosen[0], chosen[1], alone=True)]
        if len(ours) != len(theirs):  # which of several correspond, only a person can say
            for side, outputs in zip(self.terms.sides, (ours, theirs), strict=True):
                if names := [output.name for output in outputs[1:]]:
                    self.notes.append(
                        f"of what {side.label} gives, {', '.join(names)} is not compared: say {field('outputs')}"
                    )
            ours, theirs = ours[:1], theirs[:1]
        return [self.output(one, other, alone=len(ours) == 1) for one, other in zip(ours, theirs, strict=True)]

    def named(self, side: Side) -> Output:
        """The output of a side that the scenario names."""
        outputs, name = self.inventories[side].outputs, self.spec.outputs.get(side.framework)
        found = next((output for output in outputs if name is None or output.name == name), None)
        if found is None:
            known = ", ".join(output.name or "output" for output in outputs) or "no tensor"
            raise Stopped(
                self.looked.outcomes,
                f"outputs names '{name or OUTPUT}', which {side.label}'s model does not give (it gives {known})",
            )
        return found

    def output(self, one: Output, other: Output, *, alone: bool) -> ComparedOutput:
        name = "" if alone else one.name
        quantity = output_quantity(name)
        layout = self.spec.layouts.get(str(quantity)) or self.spec.layouts.get(f"output.{one.name}")
        if layout is None and self.first.framework is not self.second.framework:
            layout = self.spec.layout(str(quantity), one.shape)
        return ComparedOutput(quantity, one, other, layout or Layout())

    def plans(self) -> dict[Side, Plan]:
        """What each side runs."""
        trained = [pair for pair in self.pairing.pairs if self.trained(pair)] if self.backward else []
        stepped = self.spec.training and STATE in self.spec.compared
        kept = [pair for pair in self.pairing.pairs if pair.state] if stepped else []
        return {
            side: Plan(
                inventory=self.inventories[side],
                outputs={o.quantity: (self.of(side, o).source, o.key) for o in self.outputs},
                gradients={gradient_quantity(pair.name): self.part(side, pair) for pair in trained},
                state={state_quantity(pair.name): self.part(side, pair).tensor for pair in kept},
                later={later_quantity(o.quantity.partition(".")[2], _AFTERWARDS): self.of(side, o).source for o in self.outputs}
                if stepped else {},
                given=tuple(self.given(side)),
                random=self.random,
                backward=self.backward,
                of_loss=self.of_loss(side),
            )
            for side in self.terms.sides
        }  # fmt: skip

    def of(self, side: Side, output: ComparedOutput) -> Output:
        return output.torch if side is self.first else output.keras

    def part(self, side: Side, pair: PairedParameters) -> TensorPart:
        return pair.torch[0] if side is self.first else pair.keras

    def trained(self, pair: PairedParameters) -> bool:
        ours, theirs = self.inventories[self.first], self.inventories[self.second]
        return ours.tensor[pair.torch[0].tensor].trained and theirs.tensor[pair.keras.tensor].trained

    def given(self, side: Side) -> dict[str, NDArray[Any]]:
        """The numbers of a side by path, in the order in which its model has them."""
        held = self.weights.torch if side is self.first else self.weights.keras
        return {t.name: held[t.name] for t in self.inventories[side].tensors if t.name in held}

    def arrays(self) -> dict[Side, dict[str, NDArray[Any]]]:
        """What each side is given: its weights by path, and what the outputs are weighted by."""
        cotangents = self.weightings() if self.backward else {}
        found: dict[Side, dict[str, NDArray[Any]]] = {}
        for side in self.terms.sides:
            found[side] = {f"weights/{name}": array for name, array in self.given(side).items()}
            for name, (array, layout) in cotangents.items():
                found[side][f"cotangents/{name}"] = turned(array, layout) if side is self.second else array
        return found

    def weightings(self) -> dict[str, tuple[NDArray[Any], Layout]]:
        """What the outputs are weighted by, by their key, with how their axes map."""
        names = {o.quantity.partition(".")[2]: o for o in self.outputs}
        shapes = {name: o.torch.shape for name, o in names.items()}
        arrays, problems = weightings(self.spec.cotangent, shapes, self.spec.seed)
        if problems:
            raise Stopped(self.looked.outcomes, *problems)
        return {o.key: (arrays[name], o.layout) for name, o in names.items()}

    def of_loss(self, side: Side) -> dict[str, Turned]:
        """What a loss in one spelling names: the output and the inputs, as the side has them."""
        shapes = {name: values.shape for name, values in self.spec.inputs.items()}
        layouts = {name: self.spec.layout(name, shape) for name, shape in shapes.items()}
        output = self.outputs[0]
        found = {name: Turned(name, shape, layouts[name]) for name, shape in shapes.items()}
        found[OUTPUT] = Turned(f"{OUTPUT}{self.of(side, output).source}", output.torch.shape, output.layout)
        alike = side is self.first or self.first.framework is self.second.framework
        return {name: replace(each, layout=Layout()) for name, each in found.items()} if alike else found

    def wanted(self) -> Iterator[tuple[Quantity, Layout]]:
        """Every quantity with how its axes map, in the order of the report."""
        forward = FORWARD in self.spec.compared
        if forward:
            yield from ((output.quantity, output.layout) for output in self.outputs)
        if self.spec.loss and forward:
            yield LOSS, Layout()
        other = self.first.framework is not self.second.framework
        for name in self.spec.smooth:
            shape = self.spec.inputs[name].shape
            yield gradient_quantity(name), self.spec.layout(name, shape) if other else Layout()
        for pair in self.pairing.pairs:
            yield gradient_quantity(pair.name), pair.layout
        for pair in self.pairing.pairs:
            yield state_quantity(pair.name), pair.layout
        for output in self.outputs:
            yield later_quantity(output.quantity.partition(".")[2], _AFTERWARDS), output.layout

    def rates(self) -> Comparison:
        """The comparison of the rates at which both models drop at random, in the order in which they have them."""
        rates = {side: [rate for _, rate in rates_of(self.inventories[side])] for side in self.terms.sides}
        values = {side: Value(State.PRESENT, np.array(found), "float64") for side, found in rates.items()}
        return self.known(Quantity(kind=RATES), Layout(), values)

    def known(self, quantity: Quantity, layout: Layout, values: Mapping[Side, Value]) -> Comparison:
        """The comparison of what is known before anything runs."""
        return Comparer(self.terms.sides, self.terms.tolerance).compare(Both(quantity, layout, values), 0.0)

    def before(self) -> Iterator[Comparison]:
        """What is known before anything runs: what one side alone has, what does not fit, and rates of dropout."""
        for side, held in ((self.first, self.weights.torch), (self.second, self.weights.keras)):
            for tensor in self.pairing.left.get(side.framework, ()):
                there = Value(State.PRESENT, held[tensor.name], tensor.dtype)
                values = {each: there if each is side else Value(State.ABSENT) for each in self.terms.sides}
                yield self.known(parameter_quantity(tensor.name), Layout(), values)
        ours, theirs = self.inventories[self.first], self.inventories[self.second]
        misfits = Misfits(self.spec, self.terms.sides, self.inventories, self.pairing)
        for pair in self.weights.unfit:
            tensors = pair.torch[0].within(ours), pair.keras.within(theirs)
            shown = (Value(State.PRESENT, np.zeros(tensor.shape), tensor.dtype) for tensor in tensors)
            values = dict(zip(self.terms.sides, shown, strict=True))
            found = self.known(parameter_quantity(pair.name), pair.layout, values)
            words = misfits.why(pair)
            yield replace(found, findings=(Finding(Kind.BEGINS, words),)) if words else found
        if self.random:
            yield self.rates()
