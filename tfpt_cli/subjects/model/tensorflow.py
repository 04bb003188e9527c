"""The TensorFlow listings of a model scenario."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TENSORFLOW
from tfpt_cli.listing import Leaf
from tfpt_cli.subjects.model.spec import gradient_quantity, layer_quantity
from tfpt_cli.subjects.model.writer import (
    AGAIN,
    BETWEEN,
    GRADIENT,
    MADE,
    PULLED,
    ModelWriter,
    Plan,
    Span,
    Wanted,
    turned_source,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.listing import Section
    from tfpt_cli.subjects.model.inventory import Inventory

_WITHOUT_DROPPING = """\
for layer in model._flatten_layers():  # what drops at random has no counterpart
    for rate in ("rate", "dropout", "recurrent_dropout"):
        own = not isinstance(getattr(type(layer), rate, None), property)  # an LSTM shows the rate of its cell
        if own and isinstance(getattr(layer, rate, None), float):
            setattr(layer, rate, 0.0)"""


class TensorFlowModelWriter(ModelWriter):
    """Weights by `set_weights`, gradients by a tape."""

    framework = TENSORFLOW
    trace = "keras_trace"
    variables = "keras_variables"
    module = "tf"
    summed = "tf.reduce_sum({})"
    weighted = "tf.reduce_sum({output} * tf.constant(cotangents[{name}], dtype=tf.{dtype}))"

    def widened(self, output: str, own: str, dtype: str) -> str:
        """What a layer with `dtype="float32"` gives is cast in a model in double precision: TensorFlow multiplies no others."""
        return f"tf.cast({output}, tf.{dtype})" if (own, dtype) == ("float32", "float64") else output

    def tensor(self, name: str, values: Values, dtype: str) -> str:
        layout = self.spec.layout(name, values.shape)
        return f"tf.constant({turned_source(values.source, values.shape, layout)}, dtype=tf.{dtype})"

    def begun(self, dtype: str, *, legacy: bool = False) -> list[str]:
        """The lines that say what Keras starts with."""
        start = [
            f"keras.utils.set_random_seed({self.spec.seed})",
            f'keras.config.set_floatx("{dtype}")',
            f'keras.config.set_dtype_policy("{dtype}")',
        ]
        return [*start, *(["import tf_keras", f'tf_keras.backend.set_floatx("{dtype}")'] if legacy else [])]

    def made(self, dtype: str, *, looked_at: bool = False, legacy: bool = False) -> list[str]:
        *before, model = self.model()
        # Whether it is one of tf_keras is not known yet. On one line: a line of a failure is one of the script that is shown.
        watched = f'import keras_layers; keras_layers.set_floatx("{dtype}"); ' if looked_at else ""
        return [*self.begun(dtype, legacy=legacy), *before, f"{watched}{model}", *self.inputs(dtype)]

    def called_as(self, plan: Plan, *, training: bool | None = None) -> str:
        """The call of the model, in the scenario's mode unless another is said; a `tf.Module` has none."""
        if text := self.spec.call.get(TENSORFLOW):
            return text
        mode = self.spec.training if training is None else training
        return f"model({plan.inventory.arguments}{f', training={mode}' if plan.inventory.layers else ''})"

    def plain_call(self) -> str:
        mode = f", training={self.spec.training}" if self.spec.training else ""
        return self.spec.call.get(TENSORFLOW) or f"model({', '.join(self.spec.fed)}{mode})"

    def prepared(self, plan: Plan, dtype: str) -> list[str]:
        lines = self.made(dtype, legacy=plan.inventory.legacy)
        if not plan.inventory.built:
            lines.append(f"{self.called_as(plan, training=False)}  # the weights are made by the first call")
        if plan.random:
            lines.append(_WITHOUT_DROPPING)
        return [*lines, *self.loaded(plan)]

    def ready(self, plan: Plan, dtype: str, *, again: bool = False) -> Section:
        if not again:
            return replace(super().ready(plan, dtype), keeps=dtype)
        *before, _ = self.model()
        # A person's own code may import something when it is called.
        lines = [*self.begun(dtype, legacy=plan.inventory.legacy), *before, *self.loaded(plan)]
        return self.section(lines, dtype=dtype, required=True)

    def loaded(self, plan: Plan) -> list[str]:
        """The lines that give the model its weights."""
        if plan.given and len(plan.given) == len(plan.inventory.tensors) and plan.inventory.layers:
            return ["model.set_weights([weights[name] for name in weights])"]
        held = "weights" if plan.inventory.layers else "variables"
        numbers = {name: plan.inventory.tensor[name].index for name in plan.given}
        return [f"model.{held}[{index}].assign(weights[{name!r}])" for name, index in numbers.items()]

    def forward(self, plan: Plan, dtype: str) -> Iterator[Section]:
        yield self.ready(plan, dtype)
        yield self.section([f"output = {self.called_as(plan)}"], self.outputs(plan), dtype)

    def run(self, plan: Plan, dtype: str) -> Iterator[Section]:
        yield self.ready(plan, dtype)
        yield from self.called(plan, dtype, self.called_as(plan))
        if plan.state:
            state = [Wanted(quantity, f"state[{plan.inventory.tensor[p].index}]") for quantity, p in plan.state.items()]
            yield self.section(["state = [tf.identity(weight) for weight in model.weights]"], state, dtype)
        if plan.later:
            later = [Wanted(quantity, f"afterwards{source}") for quantity, source in plan.later.items()]
            yield self.section([f"afterwards = {self.called_as(plan, training=False)}"], later, dtype)

    def called(self, plan: Plan, dtype: str, call: str) -> Iterator[Section]:
        """The outputs of a call, and the gradients where they are taken."""
        outputs = self.outputs(plan)
        if not plan.backward or not (self.spec.smooth or plan.gradients):
            lines = [f"output = {call}", *([f"loss = {self.loss(plan, dtype)}"] if self.spec.loss else [])]
            yield self.section(lines, [*outputs, *self.losses()], dtype, required=True)
            return
        lines = [*self.taped(f"output = {call}"), f"    loss = {self.loss(plan, dtype)}"]
        yield self.section(lines, [*outputs, *self.losses()], dtype, required=True)
        yield self.gradients(plan, dtype)

    def in_mode(self, plan: Plan, dtype: str, mode: str) -> Iterator[Section]:
        decorator = {"graph": "@tf.function", "jit": "@tf.function(jit_compile=True)"}[mode]
        names = ", ".join(self.spec.fed)
        yield self.section(
            [f"{decorator}\ndef run({names}):\n    return {self.called_as(plan)}"], dtype=dtype, required=True
        )
        yield from self.called(plan, dtype, f"run({names})")

    def taped(self, call: str) -> list[str]:
        """A call under a tape that watches the inputs."""
        watch = [f"    tape.watch({name})" for name in self.spec.smooth]
        return ["with tf.GradientTape() as tape:", *watch, f"    {call}"]

    def gradients(self, plan: Plan, dtype: str) -> Section:
        """The gradients by the inputs and the parameters."""
        smooth, held = self.spec.smooth, "trainable_weights" if plan.inventory.layers else "trainable_variables"
        trained = [tensor.name for tensor in plan.inventory.tensors if tensor.trained]
        places = {name: len(smooth) + place for place, name in enumerate(trained)}
        wanted = [Wanted(gradient_quantity(name), f"gradients[{place}]") for place, name in enumerate(smooth)]
        for quantity, part in plan.gradients.items():
            shape = plan.inventory.tensor[part.tensor].shape
            wanted.append(Wanted(quantity, part.source(f"gradients[{places[part.tensor]}]", shape, "tf")))
        by = f"[{', '.join([*smooth, f'*model.{held}'])}]"
        return self.section([f"gradients = tape.gradient(loss, {by})"], wanted, dtype)

    def draws(self, inventory: Inventory, layers: Mapping[str, Shape]) -> Iterator[Section]:
        yield self.section(self.made("float32", legacy=inventory.legacy), dtype="float32", required=True)
        lines = [
            "import keras_layers",
            f"{self.plain_call()}  # the layers may be made by the first call",
            "layers = dict(keras_layers.named_layers(model))",
        ]
        made = [f"layers[{name!r}](tf.ones({shape}), training=True)" for name, shape in layers.items()]
        leaves = [Leaf(layer_quantity(str(place)), MADE, expression) for place, expression in enumerate(made)]
        yield self.with_leaves(self.section(lines, dtype="float32"), leaves)

    def names_in_files(self, inventory: Inventory, file_format: str, leaf: Leaf) -> Iterator[Section]:
        lines = self.made("float32", legacy=inventory.legacy)
        if not inventory.built:
            lines.append(f"{self.plain_call()}  # the weights are made by the first call")
        lines += ["import keras_variables", f"names = keras_variables.names_in_files(model, {file_format!r})"]
        yield self.with_leaves(self.section(lines, required=True), [leaf])

    def watched(self, plan: Plan, dtype: str, spans: Sequence[Span], *, again: bool = False) -> Iterator[Section]:
        yield self.ready(plan, dtype, again=again)
        lines = ["import keras_trace", f"seen = keras_trace.captured(model, lambda: {self.called_as(plan)})"]
        if plan.backward:
            lines = [
                lines[0],
                *self.taped(lines[1]),
                "    output = seen.output",
                f"    loss = {self.loss(plan, dtype)}",
                f"gradients = tape.gradient(loss, [seen.made(event) for event in {[span.last for span in spans]}])",
            ]
        else:
            lines.append("output = seen.output")
        leaves = self.left_again(plan, dtype) if again else []
        leaves += [
            Leaf(quantity=layer_quantity(str(place)), way=way, expression=expression)
            for place, span in enumerate(spans)
            for way, expression in ((MADE, f"seen.made({span.last})"), (GRADIENT, f"gradients[{place}]"))
            if plan.backward or way is MADE
        ]
        yield self.with_leaves(self.section(lines, dtype=dtype, required=True), [*leaves, *self.given(spans)])

    def alone(self, dtype: str, spans: Sequence[Span | None]) -> Iterator[Section]:
        for place, span in enumerate(spans):
            if span is not None:
                yield self.by_itself(place, span, dtype)

    def between(
        self, plan: Plan, dtype: str, spans: Sequence[Span], made: Collection[int], *, again: bool = False
    ) -> Iterator[Section]:
        yield self.section(self.loaded(plan) if again else self.prepared(plan, dtype), dtype=dtype, required=True)
        names = {spans[place].last: f"{place} made" for place in made}
        lines = [
            "import keras_trace",
            f"made = {names}",
            "instead = {event: tf.constant(layers[name]) for event, name in made.items()}",
            f"seen = keras_trace.captured(model, lambda: {self.called_as(plan)}, instead)",
            "output = seen.output",
        ]
        leaves = [
            Leaf(
                quantity=layer_quantity(f"{place} {each}"), way=BETWEEN, expression=f"seen.given({span.first}, {each})"
            )
            for place, span in enumerate(spans)
            for each in range(span.inputs)
        ]
        leaves += [Leaf(each.quantity, BETWEEN, each.expression) for each in self.outputs(plan)]
        yield self.with_leaves(self.section(lines, dtype=dtype, required=True), leaves)

    def by_itself(self, place: int, span: Span, dtype: str) -> Section:
        """One span on its own inputs, in a section of its own: what one refuses, another may do."""
        names = [f"{place} {each}" for each in range(span.inputs)]
        lines = [
            f"given = [tf.constant(layers[name]) for name in {names}]",
            "with tf.GradientTape() as tape:",
            "    tape.watch(given)",
            f"    made = seen.again({list(span.events)}, *given)",
            f"    loss = tf.reduce_sum(made * layers['{place}'])",
            "pulled = tape.gradient(loss, given)",
        ]
        leaves = [Leaf(quantity=layer_quantity(str(place)), way=AGAIN, expression="made")]
        leaves += [
            Leaf(quantity=layer_quantity(name), way=PULLED, expression=f"pulled[{each}]")
            for each, name in enumerate(names)
        ]
        return self.with_leaves(self.section(lines, dtype=dtype), leaves)
