"""Derivatives by difference quotients, as a listing writes them: all of one, or of a large gradient along one direction."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import NUMPY
from tfpt_cli.listing import Leaf, Section
from tfpt_cli.subjects.gradient.aspects import ALONG, DIRECTION, ITSELF, LEFT, RIGHT, Aspect
from tfpt_cli.subjects.gradient.spec import EACH, HESSIAN, LARGEST, ORDER
from tfpt_cli.subjects.gradient.writer import Writer, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.subjects.gradient.meaning import Body
    from tfpt_cli.subjects.gradient.spec import Gradient, Output

_COMPLEX = re.compile(r"fft|\dj|complex|eig|sqrtm")
# By this many numbers every derivative is taken at the second look, at some ten evaluations each.
AGAIN = 1 << 10

# The modules beside this one whose functions the listings take over as text.
_MODULES = ("quotients", "digits", "freedom")
_NAMES = re.compile(r"^(?:def |class )?(\w+)(?=[(:]| =)", re.MULTILINE)


@cache
def _helpers() -> dict[str, str]:
    """The text of every function, class and constant of those modules by its name: what stands below their imports."""
    texts = [(Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8") for module in _MODULES]
    blocks = [block.strip() for text in texts for block in text.split("\n\n\n")[1:]]
    return {name: block for block in blocks for name in _NAMES.findall(block)}


@cache
def _used_helpers(text: str) -> tuple[str, ...]:
    """The names of the helpers that stand in a text."""
    return tuple(name for name in _helpers() if re.search(rf"\b{name}\b", text))


_WORDS = re.compile(r"\b(?:_\w+|mp)\b")


class DifferenceWriter(Writer):
    """Writes derivatives by differences, for one look; at the `second` from the left and from the right too.

    With `double` they are at the scenario's own numbers, not at those that the checked dtype holds.
    """

    framework = NUMPY
    seed = ""

    def __init__(self, spec: Gradient, *, second: bool = False, double: bool = False) -> None:
        super().__init__(spec)
        self.second, self.double = second, double
        self.names = {name: name for name in spec.inputs}

    @staticmethod
    def helpers(sections: list[Section]) -> str:
        """The source of the helpers that sections use, directly or through others, in the order of their modules."""
        known, waiting = (
            set[str](),
            [s.source for s in sections] + [leaf.expression for s in sections for leaf in s.leaves],
        )
        used = set(_WORDS.findall("\n".join(waiting))) & set(_helpers())
        while used - known:
            known |= (new := used - known)
            used |= {other for name in new for other in _used_helpers(_helpers()[name])}
        return "\n\n\n".join(dict.fromkeys(block for name, block in _helpers().items() if name in known))

    def derived(self, kind: str, *, own: bool) -> bool:
        """Whether difference quotients can give a kind of derivative here at a reasonable cost."""
        if not self.wrt or ORDER.fullmatch(kind) or (self.spec.complex and kind not in ("gradient", "vjp")):
            return False
        if kind in ("hessian", "hvp"):
            return self.spec.count <= HESSIAN
        if own and kind != "jacobian":
            return self.spec.count <= LARGEST
        if kind == "gradient" and not self.second:
            return self.spec.count <= LARGEST
        return kind == "jvp" or self.spec.count <= (AGAIN if self.second and kind != "jacobian" else EACH)

    @property
    def directions(self) -> tuple[tuple[int, str], ...]:
        """The sides that a derivative is taken from, as difference quotients name them, and what each gives."""
        return ((0, ""), (-1, LEFT), (1, RIGHT)) if self.second and not self.spec.complex else ((0, ""),)

    def aspect(self, whose: str, what: str = ITSELF, side: str = "", *, error: bool = False, of: str = "") -> Aspect:
        """The aspect that a leaf holds, at the numbers that this writer is asked about."""
        return Aspect(what=what, side=side, error=error, whose=whose, double=self.double, of=of)

    def holding(self, name: str, body: Body) -> str:
        """The function of an expression, and what its `stop_gradient` holds."""
        source = self.defined(name, body)
        return f"_held = {{}}\n\n{source}" if "_held." in source else source

    def differences(self, kind: str, output: Output, function: str, whose: str) -> Section:
        """One kind of derivative by differences: all of it, or of a large gradient along one direction."""
        if kind == "gradient" and self.spec.count > (AGAIN if self.second else EACH):
            return self.along(output, function, whose)
        point, moved = self.free("point"), self.free("moved")
        lines = [f"{point} = {self.packed(kind)}", self.moved(moved, kind, output, function)]
        if kind in ("hessian", "hvp"):
            return self.second_order(kind, output, whose, lines, point, moved)
        leaves: list[Leaf] = []
        name = self.free(kind)
        for side, word in self.directions:
            held, error = self.free(f"{name}_{word}" if word else name), self.free(f"{name}_{word or 'its'}_error")
            lines.append(f"{held}, {error} = {self.slopes(moved, point, side, name)}")
            leaves += self.blocks(kind, output, self.aspect(whose, side=word), held)
            leaves += self.blocks(kind, output, self.aspect(whose, side=word, error=True), error)
        return Section("\n".join(lines), tuple(leaves))

    def slopes(self, moved: str, point: str, side: int, middle: str) -> str:
        """The source of the slopes from a side, of a function whose slopes in the `middle` are known."""
        del middle
        return f"_slopes({moved}, {point}{f', {side}' if side else ''})"

    def blocks(self, kind: str, output: Output, aspect: Aspect, source: str) -> Iterator[Leaf]:
        """The leaves of a matrix of slopes: the columns of each input, in its shape."""
        if kind == "jvp":
            along = quantity("jvp", output.name, *self.spec.wrt)
            yield Leaf(quantity=along, way=aspect, expression=f"{source}[:, 0].reshape(np.shape({self.value}))")
            return
        start, size = 0, self.spec.count
        for name in self.wrt:
            shape, stop = self.spec.inputs[name].shape, start + self.spec.inputs[name].size
            columns = f"{source}[:, {start}:{stop}]" if kind == "jacobian" else f"{source}.sum(0)[{start}:{stop}]"
            if self.spec.complex and self.spec.dtypes[name].startswith("complex"):
                # The gradient of a complex input, as both frameworks give it: by the real part plus i by the imaginary.
                columns += f" + 1j * {source}.sum(0)[{size + start}:{size + stop}]" if not aspect.error else ""
            shaped = f"np.shape({self.value}) + {shape}" if kind == "jacobian" else f"{shape}"
            yield Leaf(
                quantity=quantity(kind, output.name, name), way=aspect, expression=f"({columns}).reshape({shaped})"
            )
            start = stop

    def second_order(self, kind: str, output: Output, whose: str, lines: list[str], point: str, moved: str) -> Section:
        held, error = self.free("hessian"), self.free("hessian_error")
        lines.append(f"{held}, {error} = _curvatures({moved}, {point})")
        leaves, places, start = [], {}, 0
        for name in self.wrt:
            places[name] = slice(start, start := start + self.spec.inputs[name].size)
        if kind == "hvp":
            tangents = ", ".join(f"np.ravel({self.tangent(name)})" for name in self.wrt)
            direction = self.free("direction")
            lines.append(f"{direction} = np.concatenate([{tangents}])")
            for source, is_error in ((f"{held} @ {direction}", False), (f"{error} @ np.abs({direction})", True)):
                for name, at in places.items():
                    shaped = f"({source})[{at.start}:{at.stop}].reshape({self.spec.inputs[name].shape})"
                    aspect = self.aspect(whose, error=is_error)
                    leaves.append(Leaf(quantity=quantity("hvp", output.name, name), way=aspect, expression=shaped))
            return Section("\n".join(lines), tuple(leaves))
        for source, is_error in ((held, False), (error, True)):
            for first, rows in places.items():
                for second, columns in places.items():
                    shape = self.spec.inputs[first].shape + self.spec.inputs[second].shape
                    block = f"{source}[{rows.start}:{rows.stop}, {columns.start}:{columns.stop}].reshape({shape})"
                    key = quantity("hessian", output.name, first, second)
                    leaves.append(Leaf(quantity=key, way=self.aspect(whose, error=is_error), expression=block))
        return Section("\n".join(lines), tuple(leaves))

    def along(self, output: Output, function: str, whose: str) -> Section:
        """The derivatives of a large gradient, by each input along a random direction, in both parts of a complex one."""
        rng = self.free("signs")
        lines, leaves = [f"{rng} = np.random.RandomState({self.spec.seed})"], list[Leaf]()
        for name in self.wrt:
            direction, moved, held, error = (
                self.free(f"{word}_{name}") for word in ("direction", "moved", "along", "along_error")
            )
            signs = self.signs(rng, name)
            imaginary = f" + 1j * {signs}" if self.spec.dtypes[name].startswith("complex") else ""
            arguments = (self.names | {name: f"{self.names[name]} + _p[0] * {direction}"}).values()
            total = f"np.sum({function}({', '.join(arguments)}))"
            if self.spec.complex or self.becomes_complex(output):
                total = f"np.real({total})"
            lines += [
                f"{direction} = {signs}{imaginary}",
                f"{moved} = lambda _p: {total}",
                f"{held}, {error} = {self.slopes(moved, 'np.zeros(1)', 0, held)}",
            ]
            key = quantity("gradient", output.name, name)
            leaves += [
                Leaf(quantity=key, way=self.aspect(whose, ALONG), expression=f"{held}[0, 0]"),
                Leaf(quantity=key, way=self.aspect(whose, ALONG, error=True), expression=f"{error}[0, 0]"),
                Leaf(quantity=key, way=self.aspect(whose, DIRECTION), expression=direction),
            ]
        return Section("\n".join(lines), tuple(leaves))

    def signs(self, rng: str, name: str) -> str:
        """The source of a random direction of an input."""
        return f"{rng}.choice([-1.0, 1.0], {self.spec.inputs[name].shape})"

    def packed(self, kind: str = "gradient") -> str:
        """All the inputs to differentiate by as one row of real numbers; for a jvp, the way gone along the tangent."""
        if kind == "jvp":
            return "np.zeros(1)"
        parts = [f"np.ravel({self.names[name]}{'.real' if self.spec.complex else ''})" for name in self.wrt]
        if self.spec.complex:
            parts += [f"np.ravel(np.imag({name}))" for name in self.wrt]
        return f"np.concatenate([{', '.join(parts)}])"

    def unpacked(self, point: str) -> dict[str, str]:
        """Source, by input, that cuts the input in its own shape out of a row that `packed` made."""
        found, start = {}, 0
        for name in self.wrt:
            shape, stop = self.spec.inputs[name].shape, start + self.spec.inputs[name].size
            source = f"{point}[{start}:{stop}]"
            if self.spec.dtypes[name].startswith("complex"):
                source = f"({source} + 1j * {point}[{self.spec.count + start}:{self.spec.count + stop}])"
            found[name] = f"{source}.reshape({shape})"
            start = stop
        return found

    def becomes_complex(self, output: Output) -> bool:
        """Whether the expression may give a complex number for real inputs."""
        bodies = [meaning.numpy for meaning in output.reference.values()]
        return any(_COMPLEX.search(text) for body in bodies for text in body.sources)

    def moved(self, moved: str, kind: str, output: Output, function: str) -> str:
        """The function of one row of numbers whose slopes are a kind of derivative."""
        if kind == "jvp":
            places = {name: f"{self.names[name]} + _p[0] * {self.tangent(name)}" for name in self.wrt}
        else:
            places = self.unpacked("_p")
        call = f"{function}({', '.join((self.names | places).values())})"
        if kind == "vjp":
            call = f"{self.cotangent(output.name)} * {call}"
        if kind in ("hessian", "hvp"):
            call = f"np.sum({call})"
        if kind not in ("jacobian", "jvp") and (self.spec.complex or self.becomes_complex(output)):
            # The gradient of a complex result with a cotangent of ones is that of its real part.
            call = f"np.real({call})"
        return f"{moved} = lambda _p: {call}"
