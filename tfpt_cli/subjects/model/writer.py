"""What the listings of both frameworks share: the model, its inputs, its call, and the plan of what is compared."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from tfpt_cli.layers.layout import groups
from tfpt_cli.listing import Leaf, Section
from tfpt_cli.results import INVENTORY, PLAIN, Quantity, Way
from tfpt_cli.subjects.model.loss import loss_in
from tfpt_cli.subjects.model.spec import BOTH, LOSS, layer_quantity, output_quantity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.frameworks import Framework
    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.layers.layout import Layout
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.paired_parameters import TensorPart
    from tfpt_cli.subjects.model.spec import Model

# What a listing leaves of a model that it has looked at: the bytes of a JSON text.
INSPECTED = Quantity(kind=INVENTORY, output="inventory")
# A model's own weights, where both sides are to start with them: their names and shapes, and all numbers in one row.
OWN_NAMES, OWN_NUMBERS = Quantity(kind=INVENTORY, output="names"), Quantity(kind=INVENTORY, output="numbers")
# Buffers of a model that was made from one seed, and from another one.
SEEDS = (Way(method="first seed"), Way(method="second seed"))
# What of a span of layers a listing leaves.
GIVEN, MADE, GRADIENT, PULLED = (Way(method=name) for name in ("given", "made", "gradient", "pulled"))
# What a layer gives by itself, on what the other side's was given.
AGAIN = Way(method="again")
# What a layer is given by the code before it, or the model gives, where all layers give what the other side's gave.
BETWEEN = Way(method="between")
MADE_IN_SINGLE = Way(method="made", mode="float32")
# Each side is computed in double precision, where both mean the same or not, and in single, where rounding shows.
DOUBLE, SINGLE = Way(mode="float64"), Way(mode="float32")


def way_of(dtype: str) -> Way:
    """The way of what is computed in a dtype."""
    return DOUBLE if dtype == "float64" else SINGLE


@dataclass(frozen=True)
class Wanted:
    """A quantity that a listing leaves, and the expression that holds it there."""

    quantity: Quantity
    expression: str


@dataclass(frozen=True)
class Turned:
    """An array of a listing, the shape that it has in PyTorch, and how its axes were turned there."""

    source: str
    shape: Shape
    layout: Layout

    def back(self, module: str) -> str:
        """The source with PyTorch's axes again, by functions of a module.

        >>> from tfpt_cli.layers.layout import layout_of
        >>> Turned("output", (2, 3, 8, 8), layout_of("n c h w -> n h w c")).back("tf")
        'tf.transpose(output, (0, 3, 1, 2))'
        """
        return turned_source(self.source, self.layout.turned(self.shape), self.layout.back(), module)


@dataclass(frozen=True)
class Plan:
    """What a side runs once its model is known: which outputs and parameters are compared, and under which names.

    `outputs` has by quantity the source of each output that is compared and the name of its cotangent, `gradients` the part of a
    tensor, `state` the path of a buffer, `later` the outputs of a second call, in evaluation. `given` are the tensors that there
    are numbers for, in their order; `random` says whether there are layers that drop at random, `backward` whether gradients are
    taken. `of_loss` is what a loss in one spelling names.
    """

    inventory: Inventory
    outputs: Mapping[Quantity, tuple[str, str]]
    gradients: Mapping[Quantity, TensorPart]
    state: Mapping[Quantity, str]
    later: Mapping[Quantity, str]
    given: tuple[str, ...]
    random: bool = False
    backward: bool = True
    of_loss: Mapping[str, Turned] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether there are numbers for every tensor, by every name that it has."""
        names = {name for tensor in self.inventory.tensors for name in (tensor.name, *tensor.also)}
        return set(self.given) == names


@dataclass(frozen=True)
class Span:
    """Events of a side that are looked at together: the calls of one layer, with what is fused to it, and its inputs' number.

    `given` are the inputs, by their places, that are left beside what is made of them.
    """

    events: tuple[int, ...]
    inputs: int
    given: tuple[int, ...] = ()

    @property
    def first(self) -> int:
        """The event that is given the inputs."""
        return self.events[0]

    @property
    def last(self) -> int:
        """The event that gives the result."""
        return self.events[-1]


class ModelWriter(ABC):
    """Writes the listings of one framework: one that looks at its model, one that runs it with the weights that it is given."""

    framework: ClassVar[Framework]
    # The modules beside the child that look at a model as it runs, and at its variables.
    trace: ClassVar[str]
    variables: ClassVar[str]

    def __init__(self, spec: Model) -> None:
        self.spec = spec
        self.source = spec.sources[self.framework]

    @abstractmethod
    def tensor(self, name: str, values: Values, dtype: str) -> str:
        """The source of an input."""

    @abstractmethod
    def made(self, dtype: str, *, looked_at: bool = False, legacy: bool = False) -> list[str]:
        """The lines that make the model and its inputs; where it is looked at, with whether it is a model at all.

        `legacy` says that it is one of tf_keras.
        """

    @abstractmethod
    def prepared(self, plan: Plan, dtype: str) -> list[str]:
        """The lines that make the model and its inputs, and give it its weights."""

    def ready(self, plan: Plan, dtype: str, *, again: bool = False) -> Section:
        """The section that makes the model and its inputs, and gives it its weights.

        With `again`, in a listing that resumes one of these, a model of Keras's has been made, which takes long.
        """
        del again
        return self.section(self.prepared(plan, dtype), dtype=dtype, required=True)

    @abstractmethod
    def called_as(self, plan: Plan) -> str:
        """The call of the model."""

    @abstractmethod
    def plain_call(self) -> str:
        """The call of a model of which nothing is known yet, as a person would try it."""

    def tried(self, dtype: str) -> Iterator[Section]:
        """The sections that make the model and call it, and nothing else: what is shown where it can be run no further."""
        yield Section("\n".join(self.made(dtype)), required=True)
        yield self.section([f"output = {self.plain_call()}"], [Wanted(output_quantity(""), "output")])

    def outputs(self, plan: Plan) -> list[Wanted]:
        """The outputs of a call that are compared."""
        return [Wanted(quantity, f"output{source}") for quantity, (source, _) in plan.outputs.items()]

    def losses(self) -> list[Wanted]:
        """The loss, where the scenario says one; what is weighted at random is no quantity of its own."""
        return [Wanted(LOSS, "loss")] if self.spec.loss else []

    @abstractmethod
    def forward(self, plan: Plan, dtype: str) -> Iterator[Section]:
        """The sections that give the model its weights and call it in a dtype."""

    @abstractmethod
    def in_mode(self, plan: Plan, dtype: str, mode: str) -> Iterator[Section]:
        """The sections that run the model in a mode, forward and backward."""

    # How a loss is summed, and an output with what it is weighted by.
    summed: ClassVar[str]
    weighted: ClassVar[str]
    # The module whose functions turn axes.
    module: ClassVar[str]

    def loss(self, plan: Plan, dtype: str) -> str:
        """The source of what is differentiated: the scenario's loss, else the outputs, each weighted by its cotangent, summed."""
        said = self.spec.loss
        if not said:
            held = {output.source: output.dtype for output in plan.inventory.outputs}
            return " + ".join(
                self.weighted.format(
                    output=self.widened(f"output{source}", held[source], dtype), name=repr(name), dtype=dtype
                )
                for source, name in plan.outputs.values()
            )
        names = {name: each.back(self.module) for name, each in plan.of_loss.items()}
        text = loss_in(said[BOTH], self.framework, dtype, names) if BOTH in said else said[self.framework]
        return self.summed.format(text)

    def widened(self, output: str, own: str, dtype: str) -> str:
        """An output that a model keeps in a dtype of its own, as it is multiplied by numbers in another; any other as it is."""
        del own, dtype
        return output

    @abstractmethod
    def watched(self, plan: Plan, dtype: str, spans: Sequence[Span], *, again: bool = False) -> Iterator[Section]:
        """The sections that run the model as `run` does, and leave what its layers gave, with the gradients by that.

        With `again` they go on with the model that has been run (see `ready`), and leave the outputs too.
        """

    def left_again(self, plan: Plan, dtype: str) -> list[Leaf]:
        """The outputs of a model that is run again: whether it still gives them tells whether the first run has changed it."""
        return [Leaf(each.quantity, self.way(dtype), each.expression) for each in self.outputs(plan)]

    def given(self, spans: Sequence[Span]) -> Iterator[Leaf]:
        """The inputs that are left of the layers of a call that is `seen`."""
        for place, span in enumerate(spans):
            for each in span.given:
                yield Leaf(layer_quantity(f"{place} {each}"), GIVEN, f"seen.given({span.first}, {each})")

    @abstractmethod
    def draws(self, inventory: Inventory, layers: Mapping[str, Shape]) -> Iterator[Section]:
        """The sections that leave what layers by their paths make of ones of a shape in training, by their places."""

    def buffers(self, names: Sequence[str]) -> Iterator[Section]:
        """The sections that make the model twice, from other seeds, and leave some buffers of either; of PyTorch's alone."""
        del names
        raise NotImplementedError(f"{self.framework.label}'s models have no buffers")

    def names_in_files(self, inventory: Inventory, file_format: str, leaf: Leaf) -> Iterator[Section]:
        """The sections that leave what the parameters are called in files of a format; of Keras's models alone."""
        del inventory, file_format, leaf
        raise NotImplementedError(f"{self.framework.label}'s files have the names of the model")

    def in_single(self, plan: Plan, spans: Sequence[Span], *, again: bool = False) -> Iterator[Section]:
        """The sections that run the model in single precision, and leave what its layers gave; `again` as in `watched`."""
        yield self.ready(plan, "float32", again=again)
        seen = f"seen = {self.trace}.captured(model, lambda: {self.called_as(plan)})"
        lines = [f"import {self.trace}", seen, "output = seen.output"]
        leaves = self.left_again(plan, "float32") if again else []
        leaves += [
            Leaf(quantity=layer_quantity(str(place)), way=MADE_IN_SINGLE, expression=f"seen.made({span.last})")
            for place, span in enumerate(spans)
        ]
        yield self.with_leaves(self.section(lines, dtype="float32", required=True), leaves)

    def alone(self, dtype: str, spans: Sequence[Span | None]) -> Iterator[Section]:
        """The sections that run each span of layers by itself behind those of `watched`; of Keras's alone.

        Each is given what the other side's layers were given, as arrays; of None nothing is run.
        """
        del dtype, spans
        raise NotImplementedError(f"{self.framework.label}'s layers are what others are held against")

    def between(
        self, plan: Plan, dtype: str, spans: Sequence[Span], made: Collection[int], *, again: bool = False
    ) -> Iterator[Section]:
        """The sections that run the model where spans, by their places, give what the other side's gave; of Keras's alone.

        They leave what the code between the layers gives each of them, and the outputs. With `again` they stand behind those of
        `watched` and take its model, which is given its weights anew.
        """
        del plan, dtype, spans, made, again
        raise NotImplementedError(f"{self.framework.label}'s layers are what others are held against")

    @abstractmethod
    def run(self, plan: Plan, dtype: str) -> Iterator[Section]:
        """The sections that give the model its weights and run it, forward and backward, in a dtype."""

    def inspection(self, dtype: str, *, own: bool = False) -> Iterator[Section]:
        """The sections that look at the model and leave its inventory; with `own`, its weights too."""
        yield Section("\n".join(self.made(dtype, looked_at=True)), required=True)
        call = self.spec.call.get(self.framework)
        given = f"lambda: {call}" if call else f"{{{', '.join(f'{name!r}: {name}' for name in self.spec.fed)}}}"
        inputs = "".join(f", {name}={name}" for name in self.spec.fed)
        leaf = Wanted(INSPECTED, f"{self.trace}.inspected(model, {given}, training={self.spec.training}{inputs})")
        yield self.section([f"import {self.trace}"], [leaf])
        if own:
            lines = [
                f"import {self.variables}, traces",
                f"names, numbers = traces.joined({self.variables}.own_weights(model))",
            ]
            yield self.section(lines, [Wanted(OWN_NAMES, "names"), Wanted(OWN_NUMBERS, "numbers")])

    def further(self, plan: Plan, dtype: str, others: Sequence[str]) -> Iterator[Section]:
        """What is compared besides what the model gives in a dtype: what it gives in other dtypes, and in its further modes.

        They need nothing of the sections of `run`.
        """
        for other in others:
            yield from self.forward(plan, other)
        for mode in self.spec.modes[self.framework]:
            if mode != "eager":
                made = self.prepared(plan, dtype)
                for section in (self.section(made, dtype=mode, required=True), *self.in_mode(plan, dtype, mode)):
                    way = Way(mode=mode)
                    yield replace(section, leaves=tuple(replace(leaf, way=way) for leaf in section.leaves), group=mode)

    def model(self) -> list[str]:
        """The lines that make the model."""
        if not self.source.file:
            return [f"model = {self.source.expression}"]
        folder, module = os.path.split(self.source.file[: -len(".py")])
        function = self.source.expression.partition("(")[0]
        made = [f"from {module} import {function}", f"model = {self.source.expression}"]
        return ["import sys", f"sys.path.insert(0, {folder!r})", *made]

    def inputs(self, dtype: str) -> list[str]:
        """The lines that make the inputs, the same numbers on both sides."""
        spec = self.spec
        lines = []
        if any(values.random for values in spec.inputs.values()):
            lines.append(f"rng = np.random.RandomState({spec.seed})")
        for name, values in spec.inputs.items():
            own = spec.dtypes[name]
            lines.append(f"{name} = {self.tensor(name, values, dtype if 'float' in own else own)}")
        return lines

    def way(self, dtype: str) -> Way:
        return way_of(dtype)

    def section(self, lines: Sequence[str], leaves: Sequence[Wanted] = (), dtype: str = "", **more: object) -> Section:
        """Lines that leave quantities in a dtype; what fails there keeps the same dtype's later sections from running."""
        way = self.way(dtype) if dtype else PLAIN
        found = tuple(Leaf(quantity=w.quantity, way=way, expression=w.expression) for w in leaves)
        return Section("\n".join(lines), found, group=dtype, **more)  # type: ignore[arg-type]

    def with_leaves(self, section: Section, leaves: Sequence[Leaf]) -> Section:
        """A section that leaves these."""
        return replace(section, leaves=tuple(leaves))


def turned_source(source: str, shape: Shape, layout: Layout, module: str = "np") -> str:
    """Code that gives an array of a shape with its axes as a layout says, by functions of NumPy or of another module.

    >>> from tfpt_cli.layers.layout import layout_of
    >>> turned_source("x", (2, 3, 8, 8), layout_of("n c h w -> n h w c"))
    'np.transpose(x, (0, 2, 3, 1))'
    >>> turned_source("x", (2, 12), layout_of("n (c t) -> n t c, c=3"))
    'np.transpose(np.reshape(x, (2, 3, 4)), (0, 2, 1))'
    """
    if not layout.pattern or "..." in layout.pattern:
        return source
    left, right = (groups(part) for part in layout.pattern.split("->"))
    if sorted(left) == sorted(right) and len(left) == len(shape):  # axes in another order, and nothing within them
        places = tuple(left.index(group) for group in right)
        return source if places == tuple(range(len(places))) else f"{module}.transpose({source}, {places})"
    sizes = dict(layout.sizes)
    for group, size in zip(left, shape, strict=True):
        unknown = [name for name in group if name not in sizes and name != "1"]
        if unknown:
            sizes[unknown[0]] = size // math.prod(sizes[name] for name in group if name in sizes)
    names = [name for group in left for name in group if name != "1"]
    apart = tuple(sizes[name] for name in names)
    order = tuple(names.index(name) for group in right for name in group if name != "1")
    together = tuple(math.prod(sizes[name] for name in group if name != "1") for group in right)
    if apart != tuple(shape):
        source = f"{module}.reshape({source}, {apart})"
    if order != tuple(range(len(order))):
        source = f"{module}.transpose({source}, {order})"
    if together != tuple(apart[i] for i in order):
        source = f"{module}.reshape({source}, {together})"
    return source
