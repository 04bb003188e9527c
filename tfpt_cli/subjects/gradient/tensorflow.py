"""The TensorFlow listing of a gradient scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.listing import Leaf, Section
from tfpt_cli.subjects.gradient.writer import Writer, alone_or, listed, quantity, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.scenario.values import Values
    from tfpt_cli.subjects.gradient.spec import Output


class TensorFlowWriter(Writer):
    """Reverse mode by `tf.GradientTape`, forward mode by `tf.autodiff.ForwardAccumulator`."""

    framework = "tensorflow"
    seed = "tf.keras.utils.set_random_seed({seed})"
    compiled = {  # noqa: RUF012 - a ClassVar of the base
        "graph": "tf.function({function})",
        "jit": "tf.function({function}, jit_compile=True)",
    }

    def tensor(self, name: str, values: Values) -> str:
        make = "tf.Variable" if name in self.wrt else "tf.constant"
        return f"{make}({values.source}, dtype=tf.{self.spec.dtype})"

    def derivatives(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        value = self.leaf(output.value, "", mode, self.value)
        call = self.call(run)
        source = self.taped(call) if "gradient" in self.spec.derivatives else f"{self.value} = {call}"
        yield Section(source, (value,), required=not mode)
        for kind in self.spec.derivatives:
            yield getattr(self, kind)(output, call, mode)

    def taped(self, call: str) -> str:
        return f"with tf.GradientTape() as {self.free('tape')}:\n    {self.value} = {call}"

    def by_tape(
        self, kind: str, method: str, output: Output, mode: str, head: str = "", arguments: str = ""
    ) -> Section:
        holders = self.holders(kind)
        source = f"{', '.join(holders)} = {self.free('tape')}.{method}({self.value}, {self.sources}{arguments})"
        way = "GradientTape" if method == "gradient" else f"GradientTape.{method}"
        return Section("\n".join(filter(None, (head, source))), self.leaves(kind, output, way, mode, holders))

    @property
    def sources(self) -> str:
        return alone_or(self.wrt, listed(self.wrt))

    def gradient(self, output: Output, _: str, mode: str) -> Section:
        return self.by_tape("gradient", "gradient", output, mode)

    def jacobian(self, output: Output, call: str, mode: str) -> Section:
        return self.by_tape("jacobian", "jacobian", output, mode, self.taped(call))

    def vjp(self, output: Output, call: str, mode: str) -> Section:
        weights = f", output_gradients={self.cotangent(output.name)}"
        return self.by_tape("vjp", "gradient", output, mode, self.taped(call), weights)

    def hessian(self, output: Output, call: str, mode: str) -> Section:
        outer, inner = self.free("outer"), self.free("inner")
        gradients = self.holders("gradient")
        lines = [
            f"with tf.GradientTape(persistent=True) as {outer}:",
            f"    with tf.GradientTape() as {inner}:",
            f"        {self.value} = {call}",
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
        return Section("\n".join(lines), tuple(leaves))

    def hvp(self, output: Output, call: str, mode: str) -> Section:
        outer, inner, gradients = self.free("outer"), self.free("inner"), self.free("gradients")
        holders, wrt = self.holders("hvp"), listed(self.wrt)
        tangents = listed([self.tangent(name) for name in self.wrt])
        lines = [
            f"with tf.GradientTape() as {outer}:",
            f"    with tf.GradientTape() as {inner}:",
            f"        {self.value} = {call}",
            f"    {gradients} = {inner}.gradient({self.value}, {wrt})",
            f"{unpacked(holders)} = {outer}.gradient({gradients}, {wrt}, output_gradients={tangents})",
        ]
        return Section("\n".join(lines), self.leaves("hvp", output, "nested GradientTape", mode, holders))

    def jvp(self, output: Output, call: str, mode: str) -> Section:
        accumulator, holder = self.free("accumulator"), self.free("jvp")
        tangents = listed([self.tangent(name) for name in self.wrt])
        lines = [
            f"with tf.autodiff.ForwardAccumulator({listed(self.wrt)}, {tangents}) as {accumulator}:",
            f"    {self.value} = {call}",
            f"{holder} = {accumulator}.jvp({self.value})",
        ]
        return Section("\n".join(lines), (self.leaf(quantity("jvp", output.name), "ForwardAccumulator", mode, holder),))
