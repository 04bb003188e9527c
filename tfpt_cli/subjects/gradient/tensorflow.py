"""The TensorFlow listing of a gradient scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tfpt_cli.frameworks import TENSORFLOW
from tfpt_cli.language.dtypes import DTYPES
from tfpt_cli.listing import Leaf, Section
from tfpt_cli.subjects.gradient.spec import ORDER
from tfpt_cli.subjects.gradient.writer import FrameworkWriter, alone_or, listed, quantity, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.subjects.gradient.spec import Gradient, Output


class TensorFlowWriter(FrameworkWriter):
    """Reverse mode by `tf.GradientTape`, forward mode by `tf.autodiff.ForwardAccumulator`."""

    framework = TENSORFLOW
    seed = "tf.keras.utils.set_random_seed({seed})"
    compiled: ClassVar[dict[str, str]] = {
        "graph": "tf.function({function})",
        "jit": "tf.function({function}, jit_compile=True)",
    }

    double: ClassVar[str] = 'keras.config.set_floatx("float64")\nkeras.config.set_dtype_policy("float64")'

    def __init__(self, spec: Gradient, *, doubled: bool = False) -> None:
        super().__init__(spec, doubled=doubled)
        texts = [text for output in spec.outputs for body in output.body.values() for text in body.sources]
        # Functions of Keras take tensors, not tf.Variable; a tape does not watch those by itself.
        self.variables = not any("keras." in text for text in texts) and not any(o.code for o in spec.outputs)

    def tape(self, name: str, indent: str = "", *, persistent: bool = False) -> list[str]:
        """The head of a `with` block that records on a tape of this name."""
        head = f"{indent}with tf.GradientTape({'persistent=True' if persistent else ''}) as {name}:"
        return [head] if self.variables else [head, f"{indent}    {name}.watch({listed(self.wrt)})"]

    def tensor(self, name: str, values: Values) -> str:
        make = "tf.Variable" if name in self.wrt and self.variables else "tf.constant"
        return f"{make}({values.source}, dtype=tf.{self.spec.dtypes.get(name, self.spec.dtype)})"

    def evaluation(self, _: Output, run: str) -> str:
        call = self.call(run)
        return self.taped(call) if self.gradient_first and self.wrt else f"{self.value} = {call}"

    @property
    def gradient_first(self) -> bool:
        """Whether the tape that records the value is asked for the gradient next, before another derivative records its own."""
        return self.spec.derivatives[:1] == ("gradient",)

    def doubled(self, source: str, name: str) -> str:
        return f"tf.cast({source}, tf.float64)" if self.spec.dtypes.get(name, self.spec.dtype) in DTYPES else source

    def to_numpy(self, source: str) -> str:
        return f"tf.convert_to_tensor({source}).numpy()"

    def from_numpy(self, name: str) -> str:
        # No variable: where a scenario takes one, nothing but a row's own operations are given it, and to make one costs more
        # than they do.
        return f"tf.constant({name})"

    def derivative(self, kind: str, output: Output, run: str, mode: str) -> Iterator[Section]:
        if order := ORDER.fullmatch(kind):
            yield from self.of_order(int(order[1]), output, run, mode)
        else:
            yield from getattr(self, kind)(output, run, mode)

    def watched(self, run: str, mode: str) -> tuple[list[str], list[str], str]:
        """What a ForwardAccumulator watches: lines before it, the names of the inputs there, and the call of them.

        A tf.function takes the variables themselves, whose tangents the accumulator does not see inside; tensors it does.
        """
        if not mode or not self.variables:
            return [], list(self.wrt), self.call(run)
        tensors = dict(zip(self.wrt, self.holders("tensor"), strict=True))
        lines = [f"{tensor} = tf.convert_to_tensor({name})" for name, tensor in tensors.items()]
        arguments = ", ".join(tensors.get(name, name) for name in self.spec.inputs)
        return lines, list(tensors.values()), f"{run}({arguments})"

    def taped(self, call: str, *, persistent: bool = False) -> str:
        return "\n".join([*self.tape(self.free("tape"), persistent=persistent), f"    {self.value} = {call}"])

    def by_tape(
        self, kind: str, method: str, output: Output, mode: str, head: str = "", arguments: str = ""
    ) -> Section:
        holders = self.holders(kind)
        source = f"{', '.join(holders)} = {self.free('tape')}.{method}({self.value}, {self.sources}{arguments})"
        way = "GradientTape" if method == "gradient" else f"GradientTape.{method}"
        way = f"persistent {way}" if "persistent" in head else way
        return Section("\n".join(filter(None, (head, source))), self.leaves(kind, output, way, mode, holders))

    @property
    def sources(self) -> str:
        return alone_or(self.wrt, listed(self.wrt))

    def gradient(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        yield self.by_tape(
            "gradient", "gradient", output, mode, "" if self.gradient_first else self.taped(self.call(run))
        )
        if self.spec.all_ways:
            yield self.by_tape("gradient", "gradient", output, mode, self.taped(self.call(run), persistent=True))
        if self.one_by_one:
            yield self.forward("gradient", output, run, mode)

    def jacobian(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        yield self.by_tape("jacobian", "jacobian", output, mode, self.taped(self.call(run)))
        if self.one_by_one:
            yield self.forward("jacobian", output, run, mode)

    def vjp(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        weights = f", output_gradients={self.cotangent(output.name)}"
        for persistent in (False, True) if self.spec.all_ways else (False,):
            yield self.by_tape(
                "vjp", "gradient", output, mode, self.taped(self.call(run), persistent=persistent), weights
            )

    def forward(self, kind: str, output: Output, run: str, mode: str) -> Section:
        """Forward mode along every axis of every input: a column of the Jacobian each, or its sum."""
        accumulator, columns, axis = self.free("accumulator"), self.free("columns"), self.free("axis")
        holders = self.holders(f"forward_{kind}")
        lines, watched, call = self.watched(run, mode)
        for name, tensor, holder in zip(self.wrt, watched, holders, strict=True):
            shape, size = list(self.spec.inputs[name].shape), self.spec.inputs[name].size
            column = f"{accumulator}.jvp({self.value})"
            joined = {
                "gradient": f"tf.reshape([tf.reduce_sum(column) for column in {columns}], {shape})",
                "jacobian": f"tf.reshape(tf.stack({columns}, axis=-1), {columns}[0].shape + {shape})",
            }[kind]
            lines += [
                f"{columns} = []",
                f"for {axis} in tf.reshape(tf.eye({size}, dtype=tf.{self.spec.dtypes[name]}), {[size, *shape]}):",
                f"    with tf.autodiff.ForwardAccumulator({tensor}, {axis}) as {accumulator}:",
                f"        {self.value} = {call}",
                f"    {columns}.append({column})",
                f"{holder} = None if {columns}[0] is None else {joined}",
            ]
        return Section("\n".join(lines), self.leaves(kind, output, "ForwardAccumulator", mode, holders))

    def hessian(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        outer, inner = self.free("outer"), self.free("inner")
        gradients = self.holders("gradient")
        lines = [
            *self.tape(outer, persistent=True),
            *self.tape(inner, "    "),
            f"        {self.value} = {self.call(run)}",
            f"    {', '.join(gradients)} = {inner}.gradient({self.value}, {self.sources})",
        ]
        leaves: list[Leaf] = []
        for first, gradient in zip(self.wrt, gradients, strict=True):
            for second in self.wrt:
                holder = self.free(f"hessian_{first}_{second}")
                while any(leaf.expression == holder for leaf in leaves):  # of inputs x and x_x, say
                    holder += "_"
                lines.append(f"{holder} = None if {gradient} is None else {outer}.jacobian({gradient}, {second})")
                leaves.append(
                    self.leaf(quantity("hessian", output.name, first, second), "nested GradientTape", mode, holder)
                )
        yield Section("\n".join(lines), tuple(leaves))

    def of_order(self, order: int, output: Output, run: str, mode: str) -> Iterator[Section]:
        holders = self.holders(f"d{order}")
        nested, times, tape, lower = (self.free(word) for word in ("nested", "times", "tape", "lower"))
        for name, holder in zip(self.wrt, holders, strict=True):
            lines = [
                f"def {nested}({times}):",
                f"    if {times} == 0:",
                f"        return {self.call(run)}",
                *self.tape(tape, "    "),
                f"        {lower} = {nested}({times} - 1)",
                f"    return None if {lower} is None else {tape}.gradient({lower}, {name})",
                "",
                f"{holder} = {nested}({order})",
            ]
            key = quantity(f"d{order}", output.name, name)
            yield Section("\n".join(lines), (self.leaf(key, "nested GradientTape", mode, holder),))

    def hvp(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        outer, inner, gradients = self.free("outer"), self.free("inner"), self.free("gradients")
        holders, wrt = self.holders("hvp"), listed(self.wrt)
        tangents = listed([self.tangent(name) for name in self.wrt])

        def taped(of: str, call: str, head: list[str]) -> list[str]:
            return [
                *head,
                f"        {self.value} = {call}",
                # Zeros for an input that is not used: a None has no gradient to take.
                f'    {gradients} = {inner}.gradient({self.value}, {of}, unconnected_gradients="zero")',
            ]

        lines = [
            *self.tape(outer),
            *taped(wrt, self.call(run), self.tape(inner, "    ")),
            f"{unpacked(holders)} = {outer}.gradient({gradients}, {wrt}, output_gradients={tangents})",
        ]
        yield Section("\n".join(lines), self.leaves("hvp", output, "nested GradientTape", mode, holders))
        if self.spec.all_ways:
            accumulator = self.free("accumulator")
            before, watched, call = self.watched(run, mode)
            head = self.tape(inner, "    ")
            if before:  # tensors, which a tape does not watch by itself
                head = [head[0], f"        {inner}.watch({listed(watched)})"]
            lines = [
                *before,
                f"with tf.autodiff.ForwardAccumulator({listed(watched)}, {tangents}) as {accumulator}:",
                *taped(listed(watched), call, head),
                f"{unpacked(holders)} = {accumulator}.jvp({gradients})",
            ]
            way = "ForwardAccumulator of GradientTape"
            yield Section("\n".join(lines), self.leaves("hvp", output, way, mode, holders))

    def jvp(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        accumulator, holder = self.free("accumulator"), self.free("jvp")
        tangents = listed([self.tangent(name) for name in self.wrt])
        before, watched, call = self.watched(run, mode)
        lines = [
            *before,
            f"with tf.autodiff.ForwardAccumulator({listed(watched)}, {tangents}) as {accumulator}:",
            f"    {self.value} = {call}",
            f"{holder} = {accumulator}.jvp({self.value})",
        ]
        leaf = self.leaf(quantity("jvp", output.name, *self.spec.wrt), "ForwardAccumulator", mode, holder)
        yield Section("\n".join(lines), (leaf,))

    def whole(self, output: Output, name: str, run: str, mode: str) -> Section:
        holder, tape = self.free(f"gradient_{name}"), self.free("tape")
        lines = [
            f"with tf.GradientTape() as {tape}:",
            f"    {tape}.watch({name})",
            f"    {self.value} = {self.call(run)}",
            f"{holder} = {tape}.gradient({self.value}, {name})",
        ]
        key = quantity("gradient", output.name, name)
        return Section("\n".join(lines), (self.leaf(key, "GradientTape", mode, holder),))
