"""The PyTorch listing of a gradient scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tfpt_cli.listing import Leaf, Listing, Section, listing
from tfpt_cli.subjects.names import Names, tuple_text

if TYPE_CHECKING:
    from tfpt_cli.subjects.gradient import Gradient, Output


def write(spec: Gradient, title: str) -> Listing:
    """The value and derivatives of every output, in every mode, each by PyTorch's own ways."""
    return listing("torch", title, list(_Writer(spec).sections()))


class _Writer:
    def __init__(self, spec: Gradient) -> None:
        self.spec = spec
        self.names = Names([*spec.inputs, *(o.name for o in spec.outputs if o.name)])
        self.wrt = [*spec.wrt]
        self.value = self.names.free("value")

    def sections(self) -> Iterator[Section]:
        yield Section(self.inputs(), required=True)
        for output in self.spec.outputs:
            function = output.name or self.names.free("f")
            yield Section(f"def {function}({', '.join(self.spec.inputs)}):\n    return {output.source['torch']}", required=True)
            for mode in self.spec.modes["torch"]:
                run = function
                if mode == "compile":
                    run = self.names.free(f"compiled_{function}")
                    yield Section(f"{run} = torch.compile({function})")
                yield from self.derivatives(output, run, "" if mode == "eager" else mode)

    def inputs(self) -> str:
        lines = []
        if self.spec.native:
            lines.append(f"torch.manual_seed({self.spec.seed})")
        tensors = [(name, values) for name, values in self.spec.inputs.items()]
        extra = [(self.tangent(name), values) for name, values in self.spec.tangent.items()]
        extra += [(self.cotangent(name), values) for name, values in self.spec.cotangent.items()]
        if any(values.random for _, values in tensors + extra):
            lines.append(f"rng = np.random.RandomState({self.spec.seed})")
        for name, values in tensors + extra:
            grad = ", requires_grad=True" if name in self.wrt else ""
            lines.append(f"{name} = torch.tensor({values.source}, dtype=torch.{self.spec.dtype}{grad})")
        return "\n".join(lines)

    def tangent(self, name: str) -> str:
        return self.names.free(f"tangent_{name}")

    def cotangent(self, output: str) -> str:
        return self.names.free(f"cotangent_{output}" if output else "cotangent")

    def derivatives(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        call = f"{run}({', '.join(self.spec.inputs)})"
        yield Section(f"{self.value} = {call}", (Leaf(output.value, mode, self.value),), required=not mode)
        for kind in self.spec.derivatives:
            yield from getattr(self, kind)(output, run, call, mode)

    def leaves(self, kind: str, output: Output, how: str, mode: str, holders: list[str]) -> tuple[Leaf, ...]:
        from tfpt_cli.subjects.gradient import quantity

        label = f"{how}, {mode}" if mode else how
        return tuple(
            Leaf(quantity(kind, output.name, name), label, holder) for name, holder in zip(self.wrt, holders, strict=True)
        )

    def holders(self, kind: str) -> list[str]:
        return [self.names.free(f"{kind}_{name}") for name in self.wrt]

    def gradient(self, output: Output, run: str, call: str, mode: str) -> Iterator[Section]:
        ones = "" if output.shape == () else f"torch.ones_like({self.value})"
        lines = [f"{self.value}.backward({ones})"]
        if output is not self.spec.outputs[0] or mode not in ("", self.spec.modes["torch"][0]):
            lines = [*(f"{name}.grad = None" for name in self.wrt), *lines]
        yield Section("\n".join(lines), self.leaves("gradient", output, "backward", mode, [f"{n}.grad" for n in self.wrt]))
        holders = self.holders("gradient")
        arguments = ", ".join([call, f"[{', '.join(self.wrt)}]", *([f"torch.ones_like({self.value})"] if ones else [])])
        source = f"{tuple_text(holders)} = torch.autograd.grad({arguments}, allow_unused=True)"
        yield Section(source, self.leaves("gradient", output, "autograd.grad", mode, holders))

    def of_wrt(self, run: str, *, summed: bool) -> str:
        """The function of the inputs that are differentiated alone, reduced to a scalar where one is needed."""
        if self.wrt == [*self.spec.inputs] and not summed:
            return run
        return f"lambda {', '.join(self.wrt)}: {run}({', '.join(self.spec.inputs)}){'.sum()' * summed}"

    def arguments(self, names: list[str]) -> str:
        return names[0] if len(names) == 1 else f"({', '.join(names)})"

    def jacobian(self, output: Output, run: str, call: str, mode: str) -> Iterator[Section]:
        holders = self.holders("jacobian")
        function = self.of_wrt(run, summed=False)
        source = f"{', '.join(holders)} = torch.autograd.functional.jacobian({function}, {self.arguments(self.wrt)})"
        yield Section(source, self.leaves("jacobian", output, "functional.jacobian", mode, holders))

    def hessian(self, output: Output, run: str, call: str, mode: str) -> Iterator[Section]:
        from tfpt_cli.subjects.gradient import quantity

        holder = self.names.free("hessian")
        function = self.of_wrt(run, summed=output.shape != ())
        source = f"{holder} = torch.autograd.functional.hessian({function}, {self.arguments(self.wrt)})"
        how = f"functional.hessian, {mode}" if mode else "functional.hessian"
        single = len(self.wrt) == 1
        yield Section(
            source,
            tuple(
                Leaf(quantity("hessian", output.name, first, second), how, holder if single else f"{holder}[{i}][{j}]")
                for i, first in enumerate(self.wrt)
                for j, second in enumerate(self.wrt)
            ),
        )

    def jvp(self, output: Output, run: str, call: str, mode: str) -> Iterator[Section]:
        from tfpt_cli.subjects.gradient import quantity

        holder = self.names.free("jvp")
        tangents = [self.tangent(name) for name in self.wrt]
        function = self.of_wrt(run, summed=False)
        source = f"_, {holder} = torch.func.jvp({function}, {_pack(self.wrt)}, {_pack(tangents)})"
        how = f"func.jvp, {mode}" if mode else "func.jvp"
        yield Section(source, (Leaf(quantity("jvp", output.name), how, holder),))

    def vjp(self, output: Output, run: str, call: str, mode: str) -> Iterator[Section]:
        holders = self.holders("vjp")
        arguments = f"{call}, [{', '.join(self.wrt)}], {self.cotangent(output.name)}"
        source = f"{tuple_text(holders)} = torch.autograd.grad({arguments}, allow_unused=True)"
        yield Section(source, self.leaves("vjp", output, "autograd.grad", mode, holders))

    def hvp(self, output: Output, run: str, call: str, mode: str) -> Iterator[Section]:
        holders = self.holders("hvp")
        function = self.of_wrt(run, summed=output.shape != ())
        tangents = self.arguments([self.tangent(name) for name in self.wrt])
        target = holders[0] if len(holders) == 1 else f"({', '.join(holders)})"
        source = f"_, {target} = torch.autograd.functional.hvp({function}, {self.arguments(self.wrt)}, {tangents})"
        yield Section(source, self.leaves("hvp", output, "functional.hvp", mode, holders))


def _pack(names: list[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"
