"""The common part of the gradient listings of all frameworks: inputs, functions, modes, names of quantities."""

from __future__ import annotations

import ast
import os
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from tfpt_cli.expressions.doubling import SOURCE
from tfpt_cli.listing import Leaf, Section
from tfpt_cli.results import Quantity, Way
from tfpt_cli.subjects.gradient.meaning import Body
from tfpt_cli.subjects.gradient.spec import FORWARD, ORDER, drawn, layer_call, layer_made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.frameworks import Framework
    from tfpt_cli.subjects.gradient.spec import Gradient, Output


def quantity(kind: str, output: str, *by: str) -> Quantity:
    """A derivative by some inputs; `kind` is as a scenario calls it, `d3` for the third order.

    >>> quantity("hessian", "loss", "x", "w"), quantity("d3", "", "x")
    ('d2loss/dxdw', 'd3/dx3')
    """
    if order := ORDER.fullmatch(kind):
        return Quantity(kind="derivative", output=output, by=by, order=int(order[1]))
    return Quantity(kind=kind, output=output, by=by)


def quantities_of(output: Output, spec: Gradient) -> list[Quantity]:
    """The quantities of one output: its value first, then each of its derivatives by each input.

    >>> from types import SimpleNamespace
    >>> output = SimpleNamespace(name="loss", quantity=Quantity(kind="value", output="loss"))
    >>> spec = SimpleNamespace(derivatives=("gradient", "hessian"), wrt=("x", "w"))
    >>> list(map(str, quantities_of(output, spec)))
    ['loss', 'dloss/dx', 'dloss/dw', 'd2loss/dx2', 'd2loss/dxdw', 'd2loss/dwdx', 'd2loss/dw2']
    """
    found = [output.quantity]
    for kind in spec.derivatives:
        if kind == "hessian":
            found += [quantity(kind, output.name, a, b) for a in spec.wrt for b in spec.wrt]
        elif kind == "jvp":
            found.append(quantity(kind, output.name, *spec.wrt))
        else:
            found += [quantity(kind, output.name, name) for name in spec.wrt]
    return list(dict.fromkeys(found))


class Writer(ABC):
    """What every listing of a scenario is written with: its names, its inputs, its calls.

    The listing's own variables are called by plain words, with an underscore behind where a person has taken one.
    """

    framework: ClassVar[Framework]
    seed: ClassVar[str]

    def __init__(self, spec: Gradient) -> None:
        self.spec = spec
        self.taken = {*spec.inputs, *(output.name for output in spec.outputs)}
        self.taken |= {name for o in spec.outputs for body in o.body.values() for name, _ in body.lines}
        self.wrt = spec.smooth
        self.value = self.free("value")

    @abstractmethod
    def sections(self) -> Iterator[Section]:
        """Everything that the listing does, in order."""

    @abstractmethod
    def tensor(self, name: str, values: Values) -> str:
        """The source of an input, a tangent or a cotangent."""

    def inputs(self) -> str:
        tensors = {
            **self.spec.inputs,
            **{self.tangent(name): values for name, values in self.spec.tangent.items()},
            **{self.cotangent(name): values for name, values in self.spec.cotangent.items()},
        }
        lines = [self.seed.format(seed=self.spec.seed)] if self.spec.native and self.seed else []
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

    def defined(self, name: str, body: Body) -> str:
        """The source of an expression as a function of the inputs."""
        lines = [f"    {line} = {source}\n" for line, source in body.lines]
        return f"def {name}({', '.join(self.spec.inputs)}):\n{''.join(lines)}    return {body.result}"

    def leaf(self, quantity: Quantity, method: str, mode: str, holder: str) -> Leaf:
        return Leaf(quantity=quantity, way=Way(method=method, mode=mode), expression=holder)

    def leaves(self, kind: str, output: Output, way: str, mode: str, holders: list[str]) -> tuple[Leaf, ...]:
        """The derivatives by each input, held by as many variables."""
        return tuple(
            self.leaf(quantity(kind, output.name, name), way, mode, holder)
            for name, holder in zip(self.wrt, holders, strict=True)
        )


class FrameworkWriter(Writer):
    """Writes the sections of one framework: every output in every mode, its derivatives in every way."""

    compiled: ClassVar[dict[str, str]]
    # What makes new numbers, and layers, double precision.
    double: ClassVar[str]
    # What has small calls run without waiting for other threads, which another process may hold up.
    alone: ClassVar[str] = ""
    # What a mode needs that a machine may not have; without it its quantities are skipped.
    needs: ClassVar[dict[str, str]] = {}

    def __init__(self, spec: Gradient, *, doubled: bool = False) -> None:
        super().__init__(spec)
        self.doubled_by_default = doubled and spec.native
        self.in_float64 = doubled

    @abstractmethod
    def derivative(self, kind: str, output: Output, run: str, mode: str) -> Iterator[Section]:
        """The sections of one kind of derivative in one mode, by every way (`run` is the function to call)."""

    @abstractmethod
    def evaluation(self, output: Output, run: str) -> str:
        """The source that computes an output's value, ready for its gradient."""

    @abstractmethod
    def doubled(self, source: str, name: str) -> str:
        """The source of an input in double precision, with the number that its own dtype holds; whole numbers as they are."""

    @abstractmethod
    def to_numpy(self, source: str) -> str:
        """The source of a result as a NumPy array."""

    @abstractmethod
    def from_numpy(self, name: str) -> str:
        """The source of an input as a tensor, made of the NumPy array of its name."""

    @abstractmethod
    def whole(self, output: Output, name: str, run: str, mode: str) -> Section:
        """The derivative by an input of whole numbers, in a section of its own: a framework may refuse it."""

    def sections(self) -> Iterator[Section]:
        """Everything: the inputs, then each output as a function, in each mode."""
        double = [self.double] if self.doubled_by_default else []
        yield Section("\n".join([*double, self.inputs()]), required=True)
        for output in self.spec.outputs:
            function = output.name or self.free("f")
            yield Section(self.function(function, output), required=True)
            for mode in self.spec.modes[self.framework]:
                group = f"{output.name} {mode}"  # what one mode refuses, another may do
                if mode == "eager":
                    yield from (replace(section, group=group) for section in self.run(output, function, ""))
                    continue
                run = self.free(f"{mode}_{function}")
                made = Section(f"{run} = {self.compiled[mode].format(function=function)}", required=True)
                for section in (made, *self.run(output, run, mode)):
                    yield replace(section, needs=self.needs.get(mode, ""), group=group)

    def run(self, output: Output, run: str, mode: str) -> Iterator[Section]:
        """The sections of an output's value and derivatives in one mode (`run` is the function to call)."""
        value = self.leaf(output.quantity, "", mode, self.value)
        yield Section(self.evaluation(output, run), (value,), required=True)
        for kind in self.spec.derivatives:
            if self.wrt:
                yield from self.derivative(kind, output, run, mode)
            if kind == "gradient":
                for name in self.spec.whole:
                    yield self.whole(output, name, run, mode)

    def function(self, name: str, output: Output) -> str:
        """The source of an output as a function of the inputs, a person's own function included."""
        if self.framework not in output.code:
            body, layers = output.body[self.framework], list[str]()
            if self.spec.native:  # a neutral expression has no layers
                layers, body = built_once(body, self.framework, set(self.spec.inputs), self.free)
            return "\n".join([*layers, *[""] * bool(layers), self.defined(name, body)])
        code = output.code[self.framework]
        folder, module = os.path.split(code.file[: -len(".py")])
        alias = self.free(f"user_{module}")
        imports = f"import sys\nsys.path.insert(0, {folder!r})\nimport {module} as {alias}"
        if self.raised(output):
            path = f"sys.path.insert(0, {folder!r})\n{alias} = _module_in_double({code.file!r})"
            imports = f"import sys\n\n\n{SOURCE}\n\n\n{path}"
        return f"{imports}\n\n{self.defined(name, Body(self.call(f'{alias}.{code.function}')))}"

    def raised(self, output: Output) -> bool:
        """Whether the float32 that stands in a person's own function is raised, because the listing computes in float64."""
        return self.in_float64 and self.spec.may_be_raised(output, self.framework)

    @property
    def one_by_one(self) -> bool:
        """Whether forward mode is run, along one axis after another."""
        return self.spec.all_ways and self.spec.count <= FORWARD and not self.spec.complex


def built_once(body: Body, framework: str, inputs: set[str], free: Callable[[str], str]) -> tuple[list[str], Body]:
    """The layers of an expression as lines before it, and the expression with their names in place of them.

    `nn.Linear(3, 4)(x)` in a function builds a layer, with new random weights, whenever the function is called. Layers that
    are spelled alike stay as many as they are; one that is made of a line or an input stays where it is, and so does a line
    that is a layer, unless its weights are random: what it keeps of one call must not come into the next.
    """
    found: dict[str, str] = {}
    own = inputs | {name for name, _ in body.lines}

    def alone(node: ast.AST) -> str:
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        return "" if names & own else layer_made(node)

    class Hoisting(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            if isinstance(node.func, ast.Call) and (call := alone(node.func)):
                name = free("layer" if not found else f"layer_{len(found) + 1}")
                found[name] = call
                node = ast.Call(ast.Name(name, ast.Load()), node.args, node.keywords)
            return self.generic_visit(node)

    def hoisted(source: str) -> str:
        return ast.unparse(Hoisting().visit(ast.parse(source, mode="eval")))

    if not any(layer_call(node) for source in body.sources for node in ast.walk(ast.parse(source, mode="eval"))):
        return [], body  # as it was written
    lines = []
    for name, source in body.lines:
        if drawn(Body(source), framework) and alone(ast.parse(source, mode="eval").body):
            found[name] = source
        else:
            lines.append((name, hoisted(source)))
    result = hoisted(body.result)
    return [f"{name} = {call}" for name, call in found.items()], Body(result, tuple(lines))


def listed(names: list[str]) -> str:
    """Names as the source of a list.

    >>> listed(["x", "w"])
    '[x, w]'
    """
    return f"[{', '.join(names)}]"


def unpacked(names: list[str]) -> str:
    """Names as the left side of an assignment that takes a sequence apart.

    >>> unpacked(["a"]), unpacked(["a", "b"])
    ('(a,)', 'a, b')
    """
    return f"({names[0]},)" if len(names) == 1 else ", ".join(names)


def alone_or(names: list[str], together: str) -> str:
    """The only name, or what stands for several: frameworks answer one for one and a sequence for a sequence.

    >>> alone_or(["x"], "[x]"), alone_or(["x", "w"], "[x, w]")
    ('x', '[x, w]')
    """
    return names[0] if len(names) == 1 else together
