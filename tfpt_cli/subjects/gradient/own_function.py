"""Differences of what one side itself computes, where no row of the dictionary can read its code.

They say whether a framework's derivative is that of its own value, and so tell another function from a wrong derivative. They are
taken where the code runs, in the framework's process, by the quotients of the reference (`quotients.py`): in float64, at the
numbers that the checked dtype holds. Of the value itself they prove nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tfpt_cli.listing import Section
from tfpt_cli.subjects.gradient.reference import ReferenceWriter
from tfpt_cli.subjects.gradient.spec import HESSIAN, LARGEST, ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.frameworks import Side
    from tfpt_cli.subjects.gradient.spec import Gradient, Output
    from tfpt_cli.subjects.gradient.writer import FrameworkWriter


def by_own_function(spec: Gradient, side: Side) -> list[Output]:
    """The outputs whose derivatives are held against differences of what this side itself computes.

    They are those that no row reads, as far as differences mean anything: not of random layers, not by complex numbers, and not
    where the code cuts the gradient on purpose.
    """
    if spec.complex or spec.drawn or not spec.smooth or not spec.derivatives:
        return []
    framework = side.framework
    return [o for o in spec.outputs if not {"", framework} & set(o.reference) and not o.cuts_gradient(framework)]


class OwnFunctionWriter(ReferenceWriter):
    """Writes difference quotients of one side's function, for that side's own process.

    A derivative along a random direction of each input is taken always, and by up to `most` numbers each of them.
    """

    def __init__(self, writer: FrameworkWriter, side: Side, most: int) -> None:
        super().__init__(writer.spec, second=True)
        self.writer, self.side, self.most = writer, side, most

    def sections(self) -> Iterator[Section]:
        """Everything, in groups of its own: what cannot be had here takes nothing else with it."""
        parts = list(self.parts())
        start = "\n".join(['np.seterr(all="ignore")', self.writer.double, self.inputs()])
        yield Section(start, required=True, group=_GROUP)
        yield Section(self.helpers(parts), required=True, group=_GROUP)
        yield from parts

    def parts(self) -> Iterator[Section]:
        for output in by_own_function(self.spec, self.side):
            for section in self.of_own(output):
                yield replace(section, group=f"{_GROUP} {output.name}", after=(_GROUP,))

    def tensor(self, name: str, values: Values) -> str:
        return self.writer.to_numpy(self.writer.doubled(self.writer.tensor(name, values), name))

    def affordable(self, kind: str) -> bool:
        """Whether a kind of derivative is taken by each number."""
        most = min(self.most, HESSIAN) if kind in ("hessian", "hvp") else self.most
        return not ORDER.fullmatch(kind) and self.spec.count <= most

    def slopes(self, moved: str, point: str, side: int, middle: str) -> str:
        # A framework's call costs what a hundred of NumPy's do: where the function is smooth both sides are as the middle.
        if not side:
            return super().slopes(moved, point, side, middle)
        return f"_edges({moved}, {point}, {side}, {middle}, {self.free(f'{middle}_its_error')})"

    def of_own(self, output: Output) -> Iterator[Section]:
        """The sections of one output: its function in float64, as NumPy sees it, and each kind of derivative."""
        inner, outer = (self.free(f"{word}_{output.name or 'f'}") for word in ("own", "plain"))
        arguments = {name: self.writer.from_numpy(name) for name in self.spec.inputs}
        call = f"{inner}({', '.join(arguments.values())})"
        if self.side.framework not in output.code:
            output = replace(output, body={self.side.framework: output.body[self.side.framework].in_double()})
        lines = [
            self.writer.function(inner, output),
            "",
            f"def {outer}({', '.join(arguments)}):",
            f"    return _in_double({self.writer.to_numpy(call)})",
            "",
            f"{self.value} = _twice({outer}, {', '.join(arguments)})",
        ]
        yield Section("\n".join(lines), required=True)
        if "gradient" in self.spec.derivatives and self.spec.count <= LARGEST:
            yield self.along(output, outer, self.side)
        if kinds := [kind for kind in self.spec.derivatives if self.affordable(kind)]:
            yield Section(f"_affordable({outer}, {self.spec.count}, {', '.join(arguments)})", required=True)
        for kind in kinds:
            yield self.differences(kind, output, outer, self.side)


_GROUP = "own function"
