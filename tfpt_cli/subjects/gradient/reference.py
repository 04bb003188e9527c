"""The reference listing of a gradient scenario: the arbiter, which shares no code with either framework.

The value is NumPy's and SciPy's in float64, at the numbers that the checked dtype holds. Derivatives are difference
quotients with an error estimate (`quotients.py`). At the second look, asked for where a side is off or the reference is not
sure, they are taken from the left and from the right too, and in 50 digits with mpmath (`digits.py`) where every row has
a spelling for that. Where every operation is elementwise each number of the result has its own slope, so that one that is
not known hides no other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.rows import unstable_operations
from tfpt_cli.expressions.lowering import in_double
from tfpt_cli.language.dtypes import DTYPES
from tfpt_cli.listing import Leaf, Section
from tfpt_cli.subjects.gradient.aspects import (
    AT_NAN,
    CONDITION,
    EXACT,
    KNOWN,
    LEFT,
    RIGHT,
    UNDECIDED,
    UNDECIDED_SLOPES,
    Aspect,
)
from tfpt_cli.subjects.gradient.differences import DifferenceWriter
from tfpt_cli.subjects.gradient.spec import EACH, ORDER
from tfpt_cli.subjects.gradient.writer import quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.subjects.gradient.meaning import Body, Meaning
    from tfpt_cli.subjects.gradient.spec import Output


class ReferenceWriter(DifferenceWriter):
    """Writes the reference's sections for one look."""

    def sections(self) -> Iterator[Section]:
        yield Section("\n".join(['np.seterr(all="ignore")', self.inputs()]), required=True)
        parts = list(self.parts())
        if helpers := self.helpers(parts):
            yield Section(helpers, required=True)
        yield from parts

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
