"""What the gradient listings of all frameworks have in common: inputs, functions, modes, names of quantities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from tfpt_cli.listing import Leaf, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.scenario.values import Values
    from tfpt_cli.subjects.gradient.spec import Gradient, Output


def quantity(kind: str, output: str, *names: str) -> str:
    """The name of a derivative: `d/dx`, `dloss/dw`, `jacobian d/dx`, `d2/dxdw`, `d2/dx2`, `jvp`, `hvp d/dx`."""
    if kind == "jvp":
        return f"jvp {output}".strip()
    if kind == "hessian":
        first, second = names
        return f"d2{output}/d{first}2" if first == second else f"d2{output}/d{first}d{second}"
    prefix = "" if kind == "gradient" else f"{kind} "
    return f"{prefix}d{output}/d{names[0]}"


class Writer(ABC):
    """Writes the sections of one framework.

    The listing's own variables are called by plain words, with an underscore behind where a person has taken one.
    """

    framework: ClassVar[str]
    seed: ClassVar[str]
    compiled: ClassVar[dict[str, str]]

    def __init__(self, spec: Gradient) -> None:
        self.spec = spec
        self.taken = {*spec.inputs, *(output.name for output in spec.outputs)}
        self.wrt = list(spec.wrt)
        self.value = self.free("value")

    @abstractmethod
    def tensor(self, name: str, values: Values) -> str:
        """The source of an input, a tangent or a cotangent."""

    @abstractmethod
    def derivatives(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        """The sections of an output's value and derivatives in one mode (`run` is the function to call)."""

    def sections(self) -> Iterator[Section]:
        """Everything: the inputs, then each output as a function, in each mode."""
        yield Section(self.inputs(), required=True)
        for output in self.spec.outputs:
            function = output.name or self.free("f")
            body = f"def {function}({', '.join(self.spec.inputs)}):\n    return {output.source[self.framework]}"
            yield Section(body, required=True)
            for mode in self.spec.modes[self.framework]:
                if mode == "eager":
                    yield from self.derivatives(output, function, "")
                    continue
                run = self.free(f"{mode}_{function}")
                yield Section(f"{run} = {self.compiled[mode].format(function=function)}")
                yield from self.derivatives(output, run, mode)

    def inputs(self) -> str:
        tensors = {
            **self.spec.inputs,
            **{self.tangent(name): values for name, values in self.spec.tangent.items()},
            **{self.cotangent(name): values for name, values in self.spec.cotangent.items()},
        }
        lines = [self.seed.format(seed=self.spec.seed)] if self.spec.native else []
        if any(values.random for values in tensors.values()):
            lines.append(f"rng = np.random.RandomState({self.spec.seed})")
        return "\n".join(lines + [f"{name} = {self.tensor(name, values)}" for name, values in tensors.items()])

    def free(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        return name

    def tangent(self, name: str) -> str:
        return self.free(f"tangent_{name}")

    def cotangent(self, output: str) -> str:
        return self.free(f"cotangent_{output}" if output else "cotangent")

    def holders(self, kind: str) -> list[str]:
        """The variables that hold a derivative, one for each input."""
        return [self.free(f"{kind}_{name}") for name in self.wrt]

    def call(self, run: str) -> str:
        return f"{run}({', '.join(self.spec.inputs)})"

    def leaf(self, name: str, way: str, mode: str, holder: str) -> Leaf:
        return Leaf(name, ", ".join(filter(None, (way, mode))), holder)

    def leaves(self, kind: str, output: Output, way: str, mode: str, holders: list[str]) -> tuple[Leaf, ...]:
        """The derivatives by each input, held by as many variables."""
        return tuple(
            self.leaf(quantity(kind, output.name, name), way, mode, holder)
            for name, holder in zip(self.wrt, holders, strict=True)
        )


def listed(names: list[str]) -> str:
    """`[x, w]`."""
    return f"[{', '.join(names)}]"


def unpacked(names: list[str]) -> str:
    """The left side that takes a sequence apart: `(a,)` or `a, b`."""
    return f"({names[0]},)" if len(names) == 1 else ", ".join(names)


def alone_or(names: list[str], together: str) -> str:
    """The only name, or what stands for several: frameworks answer one for one and a sequence for a sequence."""
    return names[0] if len(names) == 1 else together
