"""The reference listing of a gradient scenario: the arbiter, which shares no code with either framework.

The value is NumPy's and SciPy's in float64, at the numbers that the checked dtype holds. Derivatives are difference
quotients with an error estimate (`quotients.py`). At the second look, asked for where a side is off or the reference is not
sure, they are taken from the left and from the right too, and in 50 digits with mpmath (`digits.py`) where every row has
a spelling for that. Where every operation is elementwise each number of the result has its own slope, so that one that is
not known hides no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tfpt_cli.dictionary.rows import unstable_operations
from tfpt_cli.expressions.lowering import in_double
from tfpt_cli.frameworks import NUMPY
from tfpt_cli.language.dtypes import DTYPES
from tfpt_cli.listing import Leaf, Section
from tfpt_cli.results import Way
from tfpt_cli.subjects.gradient.spec import EACH, HESSIAN, LARGEST, ORDER
from tfpt_cli.subjects.gradient.writer import Writer, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.subjects.gradient.spec import Body, Gradient, Meaning, Output

# What a leaf of the reference holds of a quantity: itself in float64, itself in 50 digits, how much larger a small relative
# change of the inputs comes out, the derivative along one direction, that direction.
ITSELF, EXACT, CONDITION, ALONG, DIRECTION = "", "exact", "condition", "along", "direction"
LEFT, RIGHT = "left", "right"
OWN = "own"  # of what a side itself computes
AT_NAN = "at NaN"  # whether an operation is asked at NaN whose answer there depends on the place in a vector
UNDECIDED = "undecided"  # where independent sources disagree about an operation: not zero there
UNDECIDED_SLOPES = "undecided slopes"  # the entries of a value by whose derivatives nobody is judged
KNOWN = "known"  # what of the value in 50 digits is known


@dataclass(frozen=True, eq=False, repr=False)
class Aspect(Way):
    """What a leaf of the reference holds of a quantity. Its text tells it from the other leaves of that quantity.

    `side` is the side that a derivative is taken from, `error` says that it is the estimate of the error. `whose` is the
    framework whose function it is, empty where both sides mean one. With `double` it is at the scenario's own numbers, not at
    those that the checked dtype holds. `of` says more: which operation, by which input.

    >>> str(Aspect(side=LEFT)), str(Aspect(error=True, whose="torch"))
    ('left', 'error:torch')
    """

    what: str = ITSELF
    side: str = ""
    error: bool = False
    whose: str = ""
    double: bool = False
    of: str = ""

    def __new__(
        cls,
        what: str = ITSELF,
        side: str = "",
        error: bool = False,
        whose: str = "",
        double: bool = False,
        of: str = "",
    ) -> Self:
        """The text of an aspect is all that is said of it."""
        words = " ".join(filter(None, ("double" * double, what, of, side, "error" * error)))
        return super().__new__(cls, f"{words}:{whose}" if whose else words)

    def __getnewargs__(self) -> tuple[Any, ...]:
        """The arguments with which `copy` and `pickle` make a copy of it."""
        return self.what, self.side, self.error, self.whose, self.double, self.of


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


class ReferenceWriter(Writer):
    """Writes the reference's sections for one look."""

    framework = NUMPY
    seed = ""

    def __init__(self, spec: Gradient, *, second: bool = False, double: bool = False) -> None:
        super().__init__(spec)
        self.second, self.double = second, double
        self.names = {name: name for name in spec.inputs}

    def sections(self) -> Iterator[Section]:
        yield Section("\n".join(['np.seterr(all="ignore")', self.inputs()]), required=True)
        parts = list(self.parts())
        if helpers := self.helpers(parts):
            yield Section(helpers, required=True)
        yield from parts

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

    def parts(self) -> Iterator[Section]:
        """The sections that stand behind the inputs and the helpers."""
        for output in self.spec.outputs:
            for whose, meaning in output.reference.items():
                yield from self.of(output, whose, meaning)
        double = self.spec.in_double()
        if self.second and double is not self.spec:
            # At the numbers that stand in the scenario, which the sides get when they are run in double precision.
            again = ReferenceWriter(double, second=True, double=True)
            yield Section(again.inputs(), required=True)
            yield from again.parts()

    def tensor(self, name: str, values: Values) -> str:
        dtype = self.spec.dtypes.get(name, self.spec.dtype)
        if dtype in ("bool", "uint8", "int8", "int16", "int32", "int64", "float64", "complex128"):
            return f"np.array({values.source}, dtype='{dtype}')"
        narrow = "ml_dtypes.bfloat16" if dtype == "bfloat16" else f"'{dtype}'"
        return f"np.array({values.source}, dtype={narrow}).astype('{in_double(dtype)}')"

    def own(self, output: Output, meaning: Meaning) -> bool:
        """Whether each number of the result has a slope of its own, by one number of each input."""
        return meaning.elementwise and not self.spec.complex and not self.becomes_complex(output)

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

    def of(self, output: Output, whose: str, meaning: Meaning) -> Iterator[Section]:
        """The sections of one output, as one side means it."""
        function = output.name or self.free("f")
        yield Section(self.holding(function, meaning.numpy), required=True)
        value = Leaf(quantity=output.quantity, way=self.aspect(whose), expression=self.value)
        yield Section(f"{self.value} = {self.call(function)}", (value,))
        yield from self.at_nan(output, whose, meaning)
        own = self.own(output, meaning)
        kinds = [kind for kind in self.spec.derivatives if self.derived(kind, own=own)]
        if own and (by_place := [kind for kind in kinds if kind not in ("hessian", "hvp")]):
            kinds = [kind for kind in kinds if kind not in by_place]
            yield self.own_slopes(by_place, output, function, whose, meaning)
        for kind in kinds:
            yield self.differences(kind, output, function, whose)
        if self.second:
            yield from self.sensitivity(output, function, whose)
            if not self.double:
                yield from self.undecided(output, whose, meaning, own=own)
        high = any(ORDER.fullmatch(kind) for kind in self.spec.derivatives)
        if (self.second or high) and (digits := meaning.mpmath) is not None:
            yield from self.in_digits(output, whose, digits, own=own)

    def undecided(self, output: Output, whose: str, meaning: Meaning, *, own: bool) -> Iterator[Section]:
        """The sections that find the entries of a result for which independent sources disagree, and of its derivatives.

        They are those that change with what stands for the disputed value.
        """
        of_value, of_slopes = (meaning.undecided("_unknown", derivative=derivative) for derivative in (False, True))
        asked = {UNDECIDED: of_value, UNDECIDED_SLOPES: of_slopes if self.spec.derivatives and self.wrt else None}
        for what, body in asked.items():
            if body is None:
                continue
            function, mask, one = (self.free(word) for word in (f"open_{output.name or 'f'}", "undecided", "one"))
            call = self.call(function)
            lines = [
                self.holding(function, body),
                "",
                f"_unknown = np.nan\n{one}, {mask} = {call}, 0.0",
                "for _unknown in (0.3, 0.7, 1.1, 1.9, 2.3, 2.9, 3.1, 3.7):",
                f"    {mask} = np.maximum({mask}, _parted({one}, {call}))",
            ]
            leaves = [Leaf(quantity=output.quantity, way=self.aspect(whose, what), expression=mask)]
            for kind in self.spec.derivatives if own and what is UNDECIDED_SLOPES else ():
                if kind in ("gradient", "vjp", "jvp") or (kind == "jacobian" and self.spec.count <= EACH):
                    leaves += self.of_slopes(kind, output, self.aspect(whose, UNDECIDED), dict.fromkeys(self.wrt, mask))
            yield Section("\n".join(lines), tuple(leaves))

    @property
    def directions(self) -> tuple[tuple[int, str], ...]:
        """The sides that a derivative is taken from, as difference quotients name them, and what each gives."""
        return ((0, ""), (-1, LEFT), (1, RIGHT)) if self.second and not self.spec.complex else ((0, ""),)

    def own_slopes(self, kinds: list[str], output: Output, function: str, whose: str, meaning: Meaning) -> Section:
        """Slopes of every number of an elementwise result by its own number of each input, and what they make."""
        lines: list[str] = []
        held: dict[Aspect, dict[str, str]] = {}  # by what is found, by input
        for name in self.wrt:
            if name not in meaning.inputs:
                continue
            arguments = ", ".join((self.names | {name: "_p"}).values())
            for side, word in self.directions:
                slope, error = (
                    self.free(f"{what}_{name}") for what in (f"{word}_slope".strip("_"), f"{word}_error".strip("_"))
                )
                direction = f", {side}" if side else ""
                lines.append(
                    f"{slope}, {error} = _own_slopes(lambda _p: {function}({arguments}), {self.names[name]}{direction})"
                )
                held.setdefault(self.aspect(whose, side=word), {})[name] = slope
                held.setdefault(self.aspect(whose, side=word, error=True), {})[name] = error
        leaves = [
            leaf
            for kind in kinds
            for _, word in self.directions
            for aspect in (self.aspect(whose, side=word), self.aspect(whose, side=word, error=True))
            for leaf in self.of_slopes(kind, output, aspect, held.get(aspect, {}))
        ]
        return Section("\n".join(lines), tuple(leaves))

    def of_slopes(self, kind: str, output: Output, aspect: Aspect, slopes: dict[str, str]) -> Iterator[Leaf]:
        """The leaves of one kind of derivative, made of the slopes by each input that the result depends on."""
        size = "np.abs({})" if aspect.error else "{}"
        if kind == "jvp":
            parts = [f"{size.format(self.tangent(name))} * {slope}" for name, slope in slopes.items()]
            along = quantity(kind, output.name, *self.spec.wrt)
            yield Leaf(quantity=along, way=aspect, expression=" + ".join(parts) or f"np.zeros(np.shape({self.value}))")
            return
        weight = f"{size.format(self.cotangent(output.name))} * " if kind == "vjp" else ""
        for name in self.wrt:
            like = self.names[name]
            if name not in slopes:
                shape = f"np.shape({self.value}) + np.shape({like})" if kind == "jacobian" else f"np.shape({like})"
                source = f"np.zeros({shape})"
            else:
                made = "_spread" if kind == "jacobian" else "_collected"
                source = f"{made}({weight}{slopes[name]}, {like})"
            yield Leaf(quantity=quantity(kind, output.name, name), way=aspect, expression=source)

    def at_nan(self, output: Output, whose: str, meaning: Meaning) -> Iterator[Section]:
        """Whether an operation is asked at NaN whose answer there depends on the place in a vector, and by which inputs."""
        for name, arguments in meaning.calls(row.name for row in unstable_operations()).items():
            lines, asked = [], dict[str, list[str]]()
            for number, argument in enumerate(arguments):
                function = self.free(f"into_{name}_{number}")
                lines.append(self.holding(function, argument.numpy))
                for source in ("", *argument.inputs):
                    asked.setdefault(source, []).append(f"np.isnan({self.call(function)}).any()")
            leaves = [
                Leaf(
                    quantity=output.quantity,
                    way=self.aspect(whose, AT_NAN, of=f"{name} {source}".strip()),
                    expression=f"np.any([{', '.join(calls)}])",
                )
                for source, calls in asked.items()
            ]
            yield Section("\n\n".join(lines), tuple(leaves))

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

    def sensitivity(self, output: Output, function: str, whose: str) -> Iterator[Section]:
        """The section that measures how many times larger a small relative change of the inputs comes out in the value."""
        if not self.wrt or self.spec.count > EACH or self.spec.complex:
            return
        point, moved, signs = self.free("point"), self.free("moved"), self.free("signs")
        arguments = ", ".join((self.names | self.unpacked("_p")).values())
        condition = self.free("condition")
        lines = [
            f"{point} = {self.packed()}",
            f"{signs} = np.random.RandomState({self.spec.seed}).choice([-1.0, 1.0], (8, len({point})))",
            f"{moved} = lambda _p: {function}({arguments})",
            f"{condition} = np.max([np.abs({moved}({point} * (1 + 1e-7 * _s)) - {self.value}) for _s in {signs}], 0)",
            f"{condition} = {condition} / (1e-7 * np.abs({self.value}))",
        ]
        yield Section(
            "\n".join(lines), (Leaf(quantity=output.quantity, way=self.aspect(whose, CONDITION), expression=condition),)
        )

    def in_digits(self, output: Output, whose: str, body: Body, *, own: bool) -> Iterator[Section]:
        """The value and the first derivatives in 50 digits, and derivatives of higher order."""
        function, value = self.free(f"exact_{output.name or 'f'}"), self.free("exact_value")
        defined = self.holding(function, body)
        carried = f"_carry({', '.join(self.names.values())})"
        # Their names start with an underscore, which no name of a scenario does.
        yield Section("\n".join([carried, "", defined]))
        orders = [kind for kind in self.spec.derivatives if ORDER.fullmatch(kind)]
        first = [kind for kind in self.spec.derivatives if self.second and kind not in ("hessian", "hvp", *orders)]
        by_place = own and self.spec.count <= EACH
        if by_place:
            yield self.place_by_place(first, output, whose, function, held="_held." in defined)
            if not orders:
                return
        plainly = self.names
        self.names = {name: self.free(f"exact_{name}") for name in plainly}
        kept = [
            f"{exact} = {f'_number({name})' if self.spec.dtypes[name] in DTYPES else name}"
            for name, exact in self.names.items()
        ]
        yield Section("\n".join(kept))
        if not by_place:
            like = "complex" if self.spec.complex else "float"
            known, precise = self.free("exact_known"), self.free("exact_enough")
            leaves = (
                Leaf(quantity=output.quantity, way=self.aspect(whose, EXACT), expression=f"_plain({value}, {like})"),
                Leaf(quantity=output.quantity, way=self.aspect(whose, KNOWN), expression=known),
            )
            arguments = ", ".join((function, *self.names.values()))
            yield Section(f"{value}, {known}, {precise} = _in_two_precisions({arguments})", leaves)
            if first and self.wrt and not self.spec.complex and self.spec.count <= EACH:
                group = f"slopes {output.name} {whose}"
                enough = f"if not np.all({precise}):\n    raise ValueError('80 digits are not enough for slopes here')"
                yield Section(enough, required=True, group=group)
                for kind in first:
                    yield replace(self.quotients(kind, output, whose, function), group=group)
        for kind in orders if self.wrt and not self.spec.complex else ():
            yield from self.of_order(int(kind[1:]), output, whose, function)
        self.names = plainly

    def place_by_place(self, kinds: list[str], output: Output, whose: str, function: str, *, held: bool) -> Section:
        """The value and the slopes of an elementwise result in 50 digits, each place for itself."""
        value, known, slopes = (self.free(word) for word in ("exact_value", "exact_known", "exact_slopes"))
        by = tuple(list(self.names).index(name) for name in self.wrt)
        arguments = f"({', '.join(self.names.values())},), {by}{', _held' if held else ''}"
        leaves = [
            Leaf(quantity=output.quantity, way=self.aspect(whose, EXACT), expression=value),
            Leaf(quantity=output.quantity, way=self.aspect(whose, KNOWN), expression=known),
        ]
        for kind in kinds:
            for column, side in enumerate(("", LEFT, RIGHT)):
                rows = {name: f"{slopes}[{row}, {column}]" for row, name in enumerate(self.wrt)}
                leaves += self.of_slopes(kind, output, self.aspect(whose, EXACT, side), rows)
        return Section(f"{value}, {known}, {slopes} = _place_by_place({function}, {arguments})", tuple(leaves))

    def quotients(self, kind: str, output: Output, whose: str, function: str) -> Section:
        point, moved, held = self.free("point"), self.free("moved"), self.free("exact_slopes")
        lines = [f"{point} = _number({self.packed(kind)})", self.moved(moved, kind, output, function)]
        leaves: list[Leaf] = []
        for side, word in ((0, ""), (-1, LEFT), (1, RIGHT)):
            source = f"{held}_{('middle', 'right', 'left')[side]}"
            lines.append(f"{source} = _plain(_quotients({moved}, {point}{f', {side}' if side else ''}), float)")
            leaves += self.blocks(kind, output, self.aspect(whose, EXACT, word), source)
        return Section("\n".join(lines), tuple(leaves))

    def of_order(self, order: int, output: Output, whose: str, function: str) -> Iterator[Section]:
        """A derivative of higher order by an input of one number, by mpmath.diff."""
        for name in self.wrt:
            if self.spec.inputs[name].size != 1:
                continue
            holder, shape = self.free(f"exact_d{order}_{name}"), self.spec.inputs[name].shape
            places = (self.names | {name: f"_number(np.full({shape}, _p))"}).values()
            moved = f"lambda _p: np.sum({function}({', '.join(places)}))"
            source = f"{holder} = _plain(mpmath.diff({moved}, np.ravel({self.names[name]})[0], {order}), float)"
            leaf = Leaf(
                quantity=quantity(f"d{order}", output.name, name),
                way=self.aspect(whose, EXACT),
                expression=f"{holder}.reshape({shape})",
            )
            yield Section(source, (leaf,))
