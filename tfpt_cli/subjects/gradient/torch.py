"""The PyTorch listing of a gradient scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tfpt_cli.frameworks import TORCH
from tfpt_cli.language.dtypes import DTYPES
from tfpt_cli.listing import Leaf, Section
from tfpt_cli.subjects.gradient.spec import ORDER
from tfpt_cli.subjects.gradient.writer import FrameworkWriter, alone_or, listed, quantity, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.subjects.gradient.spec import Output


class TorchWriter(FrameworkWriter):
    """Reverse mode by `backward` and `torch.autograd.grad`, the rest by `torch.autograd.functional` and `torch.func`."""

    framework = TORCH
    seed = "torch.manual_seed({seed})"
    compiled: ClassVar[dict[str, str]] = {"compile": "torch.compile({function})"}
    double: ClassVar[str] = "torch.set_default_dtype(torch.float64)"
    alone: ClassVar[str] = "torch.set_num_threads(1)"
    needs: ClassVar[dict[str, str]] = {"compile": "a C++ compiler"}

    def tensor(self, name: str, values: Values) -> str:
        grad = ", requires_grad=True" if name in self.wrt else ""
        return f"torch.tensor({values.source}, dtype=torch.{self.spec.dtypes.get(name, self.spec.dtype)}{grad})"

    def evaluation(self, _: Output, run: str) -> str:
        return f"{self.value} = {self.call(run)}"

    def doubled(self, source: str, name: str) -> str:
        return f"{source}.double()" if self.spec.dtypes.get(name, self.spec.dtype) in DTYPES else source

    def to_numpy(self, source: str) -> str:
        return f"torch.as_tensor({source}).detach().numpy()"

    def from_numpy(self, name: str) -> str:
        return f"torch.tensor({name}{', requires_grad=True' if name in self.wrt else ''})"

    def derivative(self, kind: str, output: Output, run: str, mode: str) -> Iterator[Section]:
        if order := ORDER.fullmatch(kind):
            yield from self.of_order(int(order[1]), output, run, mode)
        else:
            yield from getattr(self, kind)(output, run, mode)

    def gradient(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        ones = [] if output.shape == () and not self.spec.complex else [f"torch.ones_like({self.value})"]
        lines = [f"{self.value}.backward({', '.join(ones)})"]
        first = output is self.spec.outputs[0] and mode == self.spec.modes[self.framework][0].replace("eager", "")
        if not first:  # .grad accumulates
            lines = [*(f"{name}.grad = None" for name in self.wrt), *lines]
        grads = [f"{name}.grad" for name in self.wrt]
        yield Section("\n".join(lines), self.leaves("gradient", output, "backward", mode, grads))
        yield self.by_grad("gradient", output, run, mode, ones)
        if self.spec.all_ways:
            yield self.by_pullback("gradient", output, run, mode, f"torch.ones_like({self.value})")
        if self.one_by_one:
            holders = self.holders("forward")
            call = f"torch.func.jacfwd({self.of_wrt(run, output)}, {self.positions})({', '.join(self.wrt)})"
            leaves = self.leaves("gradient", output, "func.jacfwd", mode, holders)
            yield Section(f"{unpacked(holders)} = {call}", leaves)

    def by_grad(self, kind: str, output: Output, run: str, mode: str, cotangent: list[str]) -> Section:
        holders = self.holders(kind)
        arguments = ", ".join([self.call(run), listed(self.wrt), *cotangent])
        source = f"{unpacked(holders)} = torch.autograd.grad({arguments}, allow_unused=True)"
        return Section(source, self.leaves(kind, output, "autograd.grad", mode, holders))

    def by_pullback(self, kind: str, output: Output, run: str, mode: str, cotangent: str) -> Section:
        holders, pullback = self.holders(f"{kind}_by_func"), self.free("pullback")
        lines = [
            f"_, {pullback} = torch.func.vjp({', '.join([self.of_wrt(run), *self.wrt])})",
            f"{unpacked(holders)} = {pullback}({cotangent})",
        ]
        return Section("\n".join(lines), self.leaves(kind, output, "func.vjp", mode, holders))

    def vjp(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        cotangent = self.cotangent(output.name)
        yield self.by_grad("vjp", output, run, mode, [cotangent])
        if self.spec.all_ways:
            yield self.by_pullback("vjp", output, run, mode, cotangent)

    def jacobian(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        holders = self.holders("jacobian")
        call = f"torch.autograd.functional.jacobian({self.of_wrt(run)}, {self.primals})"
        leaves = self.leaves("jacobian", output, "functional.jacobian", mode, holders)
        yield Section(f"{', '.join(holders)} = {call}", leaves)
        for way in ("jacrev", "jacfwd") if self.spec.all_ways else ():
            call = f"torch.func.{way}({self.of_wrt(run)}, {self.positions})({', '.join(self.wrt)})"
            leaves = self.leaves("jacobian", output, f"func.{way}", mode, holders)
            yield Section(f"{unpacked(holders)} = {call}", leaves)

    def hessian(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        holder, function = self.free("hessian"), self.of_wrt(run, output)
        call = f"torch.autograd.functional.hessian({function}, {self.primals})"
        yield Section(f"{holder} = {call}", self.blocks(output, "functional.hessian", mode, holder, len(self.wrt) == 1))
        if self.spec.all_ways:
            call = f"torch.func.hessian({function}, {self.positions})({', '.join(self.wrt)})"
            yield Section(f"{holder} = {call}", self.blocks(output, "func.hessian", mode, holder, alone=False))

    def blocks(self, output: Output, way: str, mode: str, holder: str, alone: bool) -> tuple[Leaf, ...]:
        """The blocks of a Hessian by pairs of inputs; `alone` where the only one comes without tuples around it."""
        return tuple(
            self.leaf(
                quantity("hessian", output.name, first, second), way, mode, holder if alone else f"{holder}[{i}][{j}]"
            )
            for i, first in enumerate(self.wrt)
            for j, second in enumerate(self.wrt)
        )

    def of_order(self, order: int, output: Output, run: str, mode: str) -> Iterator[Section]:
        holders = self.holders(f"d{order}")
        for name, holder in zip(self.wrt, holders, strict=True):
            lines = [
                f"{holder} = {self.call(run)}",
                f"for _ in range({order}):",
                f"    ({holder},) = torch.autograd.grad({holder}.sum(), [{name}], create_graph=True, allow_unused=True)",
                f"    if {holder} is None:",
                "        break",
            ]
            key = quantity(f"d{order}", output.name, name)
            yield Section("\n".join(lines), (self.leaf(key, "nested autograd.grad", mode, holder),))

    def jvp(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        holder, key = self.free("jvp"), quantity("jvp", output.name, *self.spec.wrt)
        tangents = [self.tangent(name) for name in self.wrt]
        arguments = f"{self.of_wrt(run)}, {_tuple(self.wrt)}, {_tuple(tangents)}"
        yield Section(f"_, {holder} = torch.func.jvp({arguments})", (self.leaf(key, "func.jvp", mode, holder),))
        if not self.spec.all_ways:
            return
        duals = [f"torch.autograd.forward_ad.make_dual({n}, {t})" for n, t in zip(self.wrt, tangents, strict=True)]
        inner = ", ".join(duals[self.wrt.index(name)] if name in self.wrt else name for name in self.spec.inputs)
        lines = [
            "with torch.autograd.forward_ad.dual_level():",
            f"    {holder} = torch.autograd.forward_ad.unpack_dual({run}({inner})).tangent",
        ]
        yield Section("\n".join(lines), (self.leaf(key, "forward_ad", mode, holder),))
        source = f"_, {holder} = torch.autograd.functional.jvp({arguments})"
        yield Section(source, (self.leaf(key, "functional.jvp", mode, holder),))

    def hvp(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        holders = self.holders("hvp")
        tangents = [self.tangent(name) for name in self.wrt]
        function = self.of_wrt(run, output)
        arguments = f"{function}, {self.primals}, {alone_or(tangents, _tuple(tangents))}"
        source = f"_, {alone_or(holders, _tuple(holders))} = torch.autograd.functional.hvp({arguments})"
        yield Section(source, self.leaves("hvp", output, "functional.hvp", mode, holders))
        if self.spec.all_ways:
            gradient = f"torch.func.grad({function}, {self.positions})"
            source = f"_, {_tuple(holders)} = torch.func.jvp({gradient}, {_tuple(self.wrt)}, {_tuple(tangents)})"
            yield Section(source, self.leaves("hvp", output, "func.jvp of func.grad", mode, holders))

    def whole(self, output: Output, name: str, run: str, mode: str) -> Section:
        holder = self.free(f"gradient_{name}")
        lines = [
            f"{name}.requires_grad_()",
            f"({holder},) = torch.autograd.grad({self.call(run)}.sum(), [{name}], allow_unused=True)",
        ]
        key = quantity("gradient", output.name, name)
        return Section("\n".join(lines), (self.leaf(key, "autograd.grad", mode, holder),))

    @property
    def primals(self) -> str:
        return alone_or(self.wrt, _tuple(self.wrt))

    @property
    def positions(self) -> str:
        """The arguments of the function of the differentiated inputs, always as a tuple."""
        return f"argnums={tuple(range(len(self.wrt)))}"

    def of_wrt(self, run: str, summed: Output | None = None) -> str:
        """The function of the differentiated inputs alone; of an output that is no scalar, its sum."""
        total = ".sum()" if summed is not None and summed.shape != () else ""
        if self.wrt == list(self.spec.inputs) and not total:
            return run
        return f"lambda {', '.join(self.wrt)}: {self.call(run)}{total}"


def _tuple(names: list[str]) -> str:
    return f"({', '.join(names)}{',' * (len(names) == 1)})"
