"""The PyTorch listing of a gradient scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.listing import Section
from tfpt_cli.subjects.gradient.writer import Writer, alone_or, listed, quantity, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.scenario.values import Values
    from tfpt_cli.subjects.gradient.spec import Output


class TorchWriter(Writer):
    """Reverse mode by `backward` and `torch.autograd.grad`, the rest by `torch.autograd.functional` and `torch.func`."""

    framework = "torch"
    seed = "torch.manual_seed({seed})"
    compiled = {"compile": "torch.compile({function})"}  # noqa: RUF012 - a ClassVar of the base

    def tensor(self, name: str, values: Values) -> str:
        grad = ", requires_grad=True" if name in self.wrt else ""
        return f"torch.tensor({values.source}, dtype=torch.{self.spec.dtype}{grad})"

    def derivatives(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        value = self.leaf(output.value, "", mode, self.value)
        yield Section(f"{self.value} = {self.call(run)}", (value,), required=not mode)
        for kind in self.spec.derivatives:
            yield from getattr(self, kind)(output, run, mode)

    def gradient(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        ones = [] if output.shape == () else [f"torch.ones_like({self.value})"]
        lines = [f"{self.value}.backward({', '.join(ones)})"]
        first = output is self.spec.outputs[0] and mode == self.spec.modes["torch"][0].replace("eager", "")
        if not first:  # .grad accumulates
            lines = [*(f"{name}.grad = None" for name in self.wrt), *lines]
        grads = [f"{name}.grad" for name in self.wrt]
        yield Section("\n".join(lines), self.leaves("gradient", output, "backward", mode, grads))
        yield self.by_grad("gradient", output, run, mode, ones)

    def by_grad(self, kind: str, output: Output, run: str, mode: str, cotangent: list[str]) -> Section:
        holders = self.holders(kind)
        arguments = ", ".join([self.call(run), listed(self.wrt), *cotangent])
        source = f"{unpacked(holders)} = torch.autograd.grad({arguments}, allow_unused=True)"
        return Section(source, self.leaves(kind, output, "autograd.grad", mode, holders))

    def vjp(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        yield self.by_grad("vjp", output, run, mode, [self.cotangent(output.name)])

    def jacobian(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        holders = self.holders("jacobian")
        call = f"torch.autograd.functional.jacobian({self.of_wrt(run)}, {self.primals})"
        yield Section(
            f"{', '.join(holders)} = {call}", self.leaves("jacobian", output, "functional.jacobian", mode, holders)
        )

    def hessian(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        holder = self.free("hessian")
        call = f"torch.autograd.functional.hessian({self.of_wrt(run, output)}, {self.primals})"
        leaves = []
        for i, first in enumerate(self.wrt):
            for j, second in enumerate(self.wrt):
                block = holder if len(self.wrt) == 1 else f"{holder}[{i}][{j}]"
                leaves.append(
                    self.leaf(quantity("hessian", output.name, first, second), "functional.hessian", mode, block)
                )
        yield Section(f"{holder} = {call}", tuple(leaves))

    def jvp(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        holder = self.free("jvp")
        primals, tangents = _tuple(self.wrt), _tuple([self.tangent(name) for name in self.wrt])
        source = f"_, {holder} = torch.func.jvp({self.of_wrt(run)}, {primals}, {tangents})"
        yield Section(source, (self.leaf(quantity("jvp", output.name), "func.jvp", mode, holder),))

    def hvp(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        holders = self.holders("hvp")
        tangents = [self.tangent(name) for name in self.wrt]
        arguments = f"{self.of_wrt(run, output)}, {self.primals}, {alone_or(tangents, _tuple(tangents))}"
        source = f"_, {alone_or(holders, _tuple(holders))} = torch.autograd.functional.hvp({arguments})"
        yield Section(source, self.leaves("hvp", output, "functional.hvp", mode, holders))

    @property
    def primals(self) -> str:
        return alone_or(self.wrt, _tuple(self.wrt))

    def of_wrt(self, run: str, summed: Output | None = None) -> str:
        """The function of the differentiated inputs alone; of an output that is no scalar, its sum."""
        total = ".sum()" if summed is not None and summed.shape != () else ""
        if self.wrt == list(self.spec.inputs) and not total:
            return run
        return f"lambda {', '.join(self.wrt)}: {self.call(run)}{total}"


def _tuple(names: list[str]) -> str:
    return f"({', '.join(names)}{',' * (len(names) == 1)})"
