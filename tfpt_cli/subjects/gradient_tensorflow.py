"""The TensorFlow listing of a gradient scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tfpt_cli.listing import Leaf, Listing, Section, listing
from tfpt_cli.subjects.names import Names

if TYPE_CHECKING:
    from tfpt_cli.subjects.gradient import Gradient, Output

_COMPILED = {"graph": "tf.function({function})", "jit": "tf.function({function}, jit_compile=True)"}


def write(spec: Gradient, title: str) -> Listing:
    """The value and derivatives of every output, in every mode, by `tf.GradientTape` and `ForwardAccumulator`."""
    return listing("tensorflow", title, list(_Writer(spec).sections()))


class _Writer:
    def __init__(self, spec: Gradient) -> None:
        self.spec = spec
        self.names = Names([*spec.inputs, *(o.name for o in spec.outputs if o.name)])
        self.wrt = [*spec.wrt]
        self.value = self.names.free("value")
        self.tape = self.names.free("tape")

    def sections(self) -> Iterator[Section]:
        yield Section(self.inputs(), required=True)
        for output in self.spec.outputs:
            function = output.name or self.names.free("f")
            arguments = ", ".join(self.spec.inputs)
            yield Section(f"def {function}({arguments}):\n    return {output.source['tensorflow']}", required=True)
            for mode in self.spec.modes["tensorflow"]:
                run = function
                if mode in _COMPILED:
                    run = self.names.free(f"{mode}_{function}")
                    yield Section(f"{run} = {_COMPILED[mode].format(function=function)}")
                yield from self.derivatives(output, run, "" if mode == "eager" else mode)

    def inputs(self) -> str:
        lines = []
        if self.spec.native:
            lines.append(f"tf.keras.utils.set_random_seed({self.spec.seed})")
        tensors = [(name, values) for name, values in self.spec.inputs.items()]
        extra = [(self.tangent(name), values) for name, values in self.spec.tangent.items()]
        extra += [(self.cotangent(name), values) for name, values in self.spec.cotangent.items()]
        if any(values.random for _, values in tensors + extra):
            lines.append(f"rng = np.random.RandomState({self.spec.seed})")
        for name, values in tensors + extra:
            make = "tf.Variable" if name in self.wrt else "tf.constant"
            lines.append(f"{name} = {make}({values.source}, dtype=tf.{self.spec.dtype})")
        return "\n".join(lines)

    def tangent(self, name: str) -> str:
        return self.names.free(f"tangent_{name}")

    def cotangent(self, output: str) -> str:
        return self.names.free(f"cotangent_{output}" if output else "cotangent")

    def derivatives(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        call = f"{run}({', '.join(self.spec.inputs)})"
        value = Leaf(output.value, mode, self.value)
        if "gradient" in self.spec.derivatives:
            yield Section(self.recorded(call), (value,), required=not mode)
        else:
            yield Section(f"{self.value} = {call}", (value,), required=not mode)
        for kind in self.spec.derivatives:
            yield from getattr(self, kind)(output, call, mode)

    def recorded(self, call: str) -> str:
        return f"with tf.GradientTape() as {self.tape}:\n    {self.value} = {call}"

    def leaves(self, kind: str, output: Output, how: str, mode: str, holders: list[str]) -> tuple[Leaf, ...]:
        from tfpt_cli.subjects.gradient import quantity

        label = f"{how}, {mode}" if mode else how
        return tuple(
            Leaf(quantity(kind, output.name, name), label, holder) for name, holder in zip(self.wrt, holders, strict=True)
        )

    def holders(self, kind: str) -> list[str]:
        return [self.names.free(f"{kind}_{name}") for name in self.wrt]

    @property
    def sources(self) -> str:
        """The inputs that are differentiated, as a tape takes them: alone, or as a list."""
        return self.wrt[0] if len(self.wrt) == 1 else f"[{', '.join(self.wrt)}]"

    def gradient(self, output: Output, call: str, mode: str) -> Iterator[Section]:
        holders = self.holders("gradient")
        source = f"{', '.join(holders)} = {self.tape}.gradient({self.value}, {self.sources})"
        yield Section(source, self.leaves("gradient", output, "GradientTape", mode, holders))

    def jacobian(self, output: Output, call: str, mode: str) -> Iterator[Section]:
        holders = self.holders("jacobian")
        source = f"{self.recorded(call)}\n{', '.join(holders)} = {self.tape}.jacobian({self.value}, {self.sources})"
        yield Section(source, self.leaves("jacobian", output, "GradientTape.jacobian", mode, holders))

    def hessian(self, output: Output, call: str, mode: str) -> Iterator[Section]:
        from tfpt_cli.subjects.gradient import quantity

        outer, inner = self.names.free("outer"), self.names.free("inner")
        firsts = self.holders("gradient")
        lines = [
            f"with tf.GradientTape(persistent=True) as {outer}:",
            f"    with tf.GradientTape() as {inner}:",
            f"        {self.value} = {call}",
            f"    {', '.join(firsts)} = {inner}.gradient({self.value}, {self.sources})",
        ]
        leaves = []
        how = f"nested GradientTape, {mode}" if mode else "nested GradientTape"
        for first, gradient in zip(self.wrt, firsts, strict=True):
            for second in self.wrt:
                holder = self.names.free(f"hessian_{first}_{second}")
                lines.append(f"{holder} = None if {gradient} is None else {outer}.jacobian({gradient}, {second})")
                leaves.append(Leaf(quantity("hessian", output.name, first, second), how, holder))
        yield Section("\n".join(lines), tuple(leaves))

    def jvp(self, output: Output, call: str, mode: str) -> Iterator[Section]:
        from tfpt_cli.subjects.gradient import quantity

        accumulator, holder = self.names.free("accumulator"), self.names.free("jvp")
        tangents = ", ".join(self.tangent(name) for name in self.wrt)
        source = (
            f"with tf.autodiff.ForwardAccumulator([{', '.join(self.wrt)}], [{tangents}]) as {accumulator}:\n"
            f"    {self.value} = {call}\n"
            f"{holder} = {accumulator}.jvp({self.value})"
        )
        how = f"ForwardAccumulator, {mode}" if mode else "ForwardAccumulator"
        yield Section(source, (Leaf(quantity("jvp", output.name), how, holder),))

    def vjp(self, output: Output, call: str, mode: str) -> Iterator[Section]:
        holders = self.holders("vjp")
        weights = f"output_gradients={self.cotangent(output.name)}"
        source = f"{self.recorded(call)}\n{', '.join(holders)} = {self.tape}.gradient({self.value}, {self.sources}, {weights})"
        yield Section(source, self.leaves("vjp", output, "GradientTape", mode, holders))

    def hvp(self, output: Output, call: str, mode: str) -> Iterator[Section]:
        outer, inner, gradients = (self.names.free(name) for name in ("outer", "inner", "gradients"))
        holders = self.holders("hvp")
        wrt, tangents = ", ".join(self.wrt), ", ".join(self.tangent(name) for name in self.wrt)
        source = (
            f"with tf.GradientTape() as {outer}:\n"
            f"    with tf.GradientTape() as {inner}:\n"
            f"        {self.value} = {call}\n"
            f"    {gradients} = {inner}.gradient({self.value}, [{wrt}])\n"
            f"{', '.join(holders)}{',' * (len(holders) == 1)} = {outer}.gradient({gradients}, [{wrt}], output_gradients=[{tangents}])"
        )
        yield Section(source, self.leaves("hvp", output, "nested GradientTape", mode, holders))
