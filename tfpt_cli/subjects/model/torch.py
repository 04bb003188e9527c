"""The PyTorch listings of a model scenario."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TORCH
from tfpt_cli.listing import Leaf
from tfpt_cli.results import INVENTORY, Quantity
from tfpt_cli.subjects.model.spec import gradient_quantity, layer_quantity
from tfpt_cli.subjects.model.writer import GRADIENT, MADE, PULLED, SEEDS, ModelWriter, Plan, Span, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.listing import Section
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.paired_parameters import TensorPart

_WITHOUT_DROPPING = """\
for layer in model.modules():  # what drops at random has no counterpart
    if isinstance(layer, nn.modules.dropout._DropoutNd):
        layer.p = 0.0
    elif isinstance(getattr(layer, "dropout", None), float):
        layer.dropout = 0.0
torch.nn.functional.dropout = lambda x, *args, **settings: x"""


class TorchModelWriter(ModelWriter):
    """Weights by `load_state_dict`, gradients by `backward`."""

    framework = TORCH
    trace = variables = "torch_trace"
    module = "torch"
    summed = "torch.sum({})"
    weighted = "({output} * torch.tensor(cotangents[{name}], dtype=torch.{dtype})).sum()"

    def tensor(self, name: str, values: Values, dtype: str) -> str:
        grad = ", requires_grad=True" if name in self.spec.smooth else ""
        return f"torch.tensor({values.source}, dtype=torch.{dtype}{grad})"

    def made(self, dtype: str, *, looked_at: bool = False, legacy: bool = False) -> list[str]:
        del legacy  # there is one PyTorch
        mode = "train" if self.spec.training else "eval"
        start = [f"torch.manual_seed({self.spec.seed})", f"torch.set_default_dtype(torch.{dtype})"]
        # On one line, so that a line of a failure is one of the script that is shown.
        checked = "import torch_trace; torch_trace.check(model); " if looked_at else ""
        return [*start, *self.model(), f"{checked}model.to(torch.{dtype}).{mode}()", *self.inputs(dtype)]

    def prepared(self, plan: Plan, dtype: str) -> list[str]:
        lines = [*self.made(dtype), *([_WITHOUT_DROPPING] if plan.random else [])]
        if plan.given:
            numbers = "{name: torch.tensor(weights[name]) for name in weights}"
            lines.append(f"model.load_state_dict({numbers}{'' if plan.complete else ', strict=False'})")
        return lines

    def called_as(self, plan: Plan) -> str:
        return self.spec.call.get(TORCH) or f"model({plan.inventory.arguments})"

    def plain_call(self) -> str:
        return self.spec.call.get(TORCH) or f"model({', '.join(self.spec.fed)})"

    def forward(self, plan: Plan, dtype: str) -> Iterator[Section]:
        yield self.ready(plan, dtype)
        yield self.section([f"output = {self.called_as(plan)}"], self.outputs(plan), dtype, required=True)

    def run(self, plan: Plan, dtype: str) -> Iterator[Section]:
        yield from self.forward(plan, dtype)
        yield from self.gradients(plan, dtype)
        if plan.state:
            state = [Wanted(quantity, f"state[{path!r}]") for quantity, path in plan.state.items()]
            lines = ["state = {name: buffer.clone() for name, buffer in model.named_buffers()}"]
            yield self.section(lines, state, dtype)
        if plan.later:
            later = [Wanted(quantity, f"afterwards{source}") for quantity, source in plan.later.items()]
            yield self.section(["model.eval()", f"afterwards = {self.called_as(plan)}"], later, dtype)

    def in_mode(self, plan: Plan, dtype: str, mode: str) -> Iterator[Section]:
        call = self.called_as(plan).replace("model(", "compiled(", 1)
        lines = [f"compiled = torch.{mode}(model)", f"output = {call}"]
        made = self.section(lines, self.outputs(plan), dtype, required=True)
        for section in (made, *self.gradients(plan, dtype)):
            yield replace(section, needs="a C++ compiler")

    def gradients(self, plan: Plan, dtype: str) -> Iterator[Section]:
        """The gradients by the inputs and the parameters, where they are taken."""
        gradients = [Wanted(gradient_quantity(name), f"{name}.grad") for name in self.spec.smooth]
        gradients += [Wanted(quantity, self.gradient(plan, part)) for quantity, part in plan.gradients.items()]
        backward = bool(gradients) and plan.backward
        if backward or self.spec.loss:
            lines = [f"loss = {self.loss(plan, dtype)}", *(["loss.backward()"] if backward else [])]
            yield self.section(lines, [*self.losses(), *(gradients if backward else [])], dtype)

    def gradient(self, plan: Plan, part: TensorPart) -> str:
        """The source of the gradient by a part of a tensor."""
        shape = plan.inventory.tensor[part.tensor].shape
        return part.source(f"model.get_parameter({part.tensor!r}).grad", shape, "torch")

    def draws(self, inventory: Inventory, layers: Mapping[str, Shape]) -> Iterator[Section]:
        del inventory
        made = [f"model.get_submodule({name!r})(torch.ones({shape}))" for name, shape in layers.items()]
        yield self.section(self.made("float32"), dtype="float32", required=True)
        leaves = [Leaf(layer_quantity(str(place)), MADE, expression) for place, expression in enumerate(made)]
        yield self.with_leaves(self.section([], dtype="float32"), leaves)

    def buffers(self, names: Sequence[str]) -> Iterator[Section]:
        for seed, way in enumerate(SEEDS, start=1):
            start = [f"torch.manual_seed({seed})", "torch.set_default_dtype(torch.float32)"]
            section = self.section([*start, *self.model(), "buffers = dict(model.named_buffers())"], required=True)
            leaves = [Leaf(Quantity(kind=INVENTORY, output=name), way, f"buffers[{name!r}]") for name in names]
            yield self.with_leaves(section, leaves)

    def watched(self, plan: Plan, dtype: str, spans: Sequence[Span], *, again: bool = False) -> Iterator[Section]:
        yield self.ready(plan, dtype, again=again)
        lines = ["import torch_trace", f"seen = torch_trace.captured(model, lambda: {self.called_as(plan)})"]
        if plan.backward:
            lines.append("output = seen.output")
            lines.append(f"gradients = seen.gradients({self.loss(plan, dtype)}, {[span.last for span in spans]})")
        leaves = [leaf for place, span in enumerate(spans) for leaf in _leaves(place, span, backward=plan.backward)]
        yield self.with_leaves(self.section(lines, dtype=dtype, required=True), [*leaves, *self.given(spans)])


def _leaves(place: int, span: Span, *, backward: bool) -> Iterator[Leaf]:
    quantity = layer_quantity(str(place))
    yield Leaf(quantity=quantity, way=MADE, expression=f"seen.made({span.last})")
    if not backward:
        return
    yield Leaf(quantity=quantity, way=GRADIENT, expression=f"gradients[{place}]")
    for each in range(span.inputs):
        call = f"seen.pulled({span.first}, {span.last}, {each}, gradients[{place}])"
        yield Leaf(quantity=layer_quantity(f"{place} {each}"), way=PULLED, expression=call)
