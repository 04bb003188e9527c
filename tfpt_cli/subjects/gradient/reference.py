"""The reference listing of a gradient scenario: the arbiter, which shares no code with either framework.

The value is NumPy's and SciPy's in float64, at the numbers that the checked dtype holds. Derivatives are difference
quotients with an error estimate: central differences of order 8 at a fixed step and, where those of order 6 say
otherwise, those of `scipy.differentiate`, whose steps get smaller until its estimate no longer does. At the second look,
asked for where a side is off, they are taken from the left and from the right too, and in 50 digits with mpmath where
every row has a spelling for that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.rows import unstable_operations
from tfpt_cli.listing import Leaf, Section
from tfpt_cli.lowering import in_double
from tfpt_cli.subjects.gradient.spec import EACH, FLOATING, HESSIAN, LARGEST, ORDER
from tfpt_cli.subjects.gradient.writer import Writer, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.scenario.values import Values
    from tfpt_cli.subjects.gradient.spec import Body, Gradient, Meaning, Output

# What a leaf of the reference holds, as its `how`: the quantity itself, its error estimate, and so on; behind a colon
# stands whose function it is, where the sides have different ones.
ITSELF, ERROR, LEFT, RIGHT, EXACT, CONDITION = "", "error", "left", "right", "exact", "condition"
ALONG, DIRECTION = "along", "direction"
AT_NAN = "at NaN"  # whether an operation is asked at NaN whose answer there depends on the place in a vector
DOUBLE = "double"  # at the scenario's own numbers, not at those that the checked dtype holds

_COMPLEX = re.compile(r"fft|\dj|complex|eig|sqrtm")

_FINITE = '''\
def _finite(function, point):
    """The function in a row, with NaN for what is no finite number at the point: that has no slope."""
    finite = np.array([abs(value) < float('inf') for value in np.ravel(function(point))], dtype=bool)
    if finite.all():
        return lambda moved: np.ravel(function(moved))
    return lambda moved: np.where(finite, np.ravel(function(moved)), float('nan'))'''

_SLOPES = '''\
def _slopes(function, point, side=0):
    """Derivatives of function(point) by every entry of point, a row for each result, and their error estimates."""
    function = _finite(function, point)
    slopes, errors = _stencil(function, point) if side == 0 else (np.full(1, np.nan),) * 2
    if np.all(errors <= 1e-7 * np.maximum(np.abs(slopes), 1)):
        return slopes, errors
    from scipy import differentiate  # its steps get smaller until its own estimate no longer does

    def of_many(points):  # SciPy asks for many points at once, along the last axes
        columns = points.reshape(len(point), -1).T
        return np.stack([function(column) for column in columns], -1).reshape(-1, *points.shape[1:])
    step = 0.05 * np.maximum(np.abs(point), 0.1)
    found = differentiate.jacobian(of_many, point, initial_step=step, step_direction=side)
    return found.df, found.error + 1e-15 * np.abs(function(point))[:, None] / step

def _stencil(function, point):
    """Central differences of order 8; their distance from those of order 6, and what rounding adds, is the error."""
    order8, order6 = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280]), np.array([3 / 4, -3 / 20, 1 / 60, 0])
    rounding = 2e-16 * np.abs(function(point))
    slopes, errors = [], []
    for entry, step in enumerate(0.02 * np.maximum(np.abs(point), 0.1)):
        shift = np.where(np.arange(len(point)) == entry, step, 0.0)
        rises = np.array([function(point + k * shift) - function(point - k * shift) for k in (1, 2, 3, 4)])
        slopes.append(order8 @ rises / step)
        errors.append(np.abs(slopes[-1] - order6 @ rises / step) + rounding / step)
    return np.array(slopes).T, np.array(errors).T'''

_CURVATURES = '''\
def _curvatures(function, point):
    """Second derivatives of a number function(point) by every pair of entries of point, and their error estimates."""
    from scipy import differentiate

    step = 0.05 * np.maximum(np.abs(point), 0.1)
    def of_many(points):  # in steps from the point: SciPy takes one length of step for all entries
        columns = points.reshape(len(point), -1).T
        return np.array([function(point + step * column) for column in columns]).reshape(points.shape[1:])
    found = differentiate.hessian(of_many, np.zeros(len(point)), initial_step=1.0)
    return found.ddf / np.outer(step, step), found.error / np.outer(step, step)'''

_QUOTIENTS = '''\
mpmath.mp.dps = 80
class _Elementwise:
    """mpmath's functions of a number as functions of an array: mp.exp(x)."""
    def __getattr__(self, name):
        return np.vectorize(getattr(mpmath, name), otypes=[object])
mp = _Elementwise()

def _number(values):
    """Numbers of mpmath, which has no negative zero and does not finish at every infinity."""
    plain = np.asarray(values).astype(complex)
    if not np.all(np.isfinite(plain)) or np.any((plain == 0) & np.signbit(plain.real)):
        raise ValueError("50 digits are for finite numbers and positive zeros")
    return np.vectorize(mpmath.mpmathify, otypes=[object])(values)

def _plain(values, like):
    """Numbers of mpmath in double precision; NaN for a complex one where a real one was asked for."""
    outside = lambda value: like is float and isinstance(value, mpmath.mpc)
    return np.vectorize(lambda value: like('nan') if outside(value) else like(value), otypes=[like])(values)

def _quotients(function, point, side=0):
    """The same as slopes, by difference quotients with a step of 1e-25; infinite where they grow without bound."""
    function = _finite(function, point)
    to, fro = {0: (1, -1), 1: (1, 0), -1: (-1, 0)}[side]
    def quotient(entry, step):
        here = np.arange(len(point)) == entry
        high, low = (function(point + np.where(here, move * step, 0)) for move in (to, fro))
        return (high - low) / (step * (to - fro))
    def bounded(fine, coarse):
        with_bound = abs(fine) < 1e6 or abs(fine) < 2 * abs(coarse)
        return fine if with_bound or fine != fine else mpmath.sign(fine) * mpmath.inf
    columns = []
    for entry in range(len(point)):
        fine, coarse = (quotient(entry, step * max(abs(point[entry]), 1)) for step in (mpmath.mpf('1e-25'), mpmath.mpf('1e-20')))
        columns.append([bounded(*pair) for pair in zip(fine, coarse)])
    return np.array(columns, dtype=object).T'''


def leaf_of(what: str, whose: str) -> str:
    """The `how` of a leaf that holds what of a quantity, as one side means it (or both)."""
    return f"{what}:{whose}" if whose else what


class ReferenceWriter(Writer):
    """Writes the reference's sections for one look."""

    framework = "reference"
    seed = ""

    def __init__(self, spec: Gradient, *, second: bool = False, label: str = "") -> None:
        super().__init__(spec)
        self.second, self.label = second, label
        self.names = {name: name for name in spec.inputs}

    def sections(self) -> Iterator[Section]:
        yield Section("\n".join(['np.seterr(all="ignore")', self.inputs()]), required=True)
        kinds = [kind for kind in self.spec.derivatives if self.derived(kind)]
        if kinds and set(kinds) != {"hessian", "hvp"}:
            yield Section(f"{_FINITE}\n\n{_SLOPES}", required=True)
        if {"hessian", "hvp"} & set(kinds):
            yield Section(_CURVATURES, required=True)
        for output in self.spec.outputs:
            for whose, meaning in output.reference.items():
                yield from self.of(output, whose, meaning)
        double = self.spec.in_double()
        if self.second and double is not self.spec:
            # At the numbers that stand in the scenario, which the sides get when they are run in double precision.
            yield from ReferenceWriter(double, label=DOUBLE).sections()

    def tensor(self, name: str, values: Values) -> str:
        dtype = self.spec.dtypes.get(name, self.spec.dtype)
        if dtype in ("bool", "uint8", "int8", "int16", "int32", "int64", "float64", "complex128"):
            return f"np.array({values.source}, dtype='{dtype}')"
        narrow = "ml_dtypes.bfloat16" if dtype == "bfloat16" else f"'{dtype}'"
        return f"np.array({values.source}, dtype={narrow}).astype('{in_double(dtype)}')"

    def derived(self, kind: str) -> bool:
        """Whether difference quotients can give a kind of derivative here at a reasonable cost."""
        if not self.wrt or ORDER.fullmatch(kind) or (self.spec.complex and kind not in ("gradient", "vjp")):
            return False
        if kind in ("hessian", "hvp"):
            return self.spec.count <= HESSIAN
        return self.spec.count <= (LARGEST if kind == "gradient" and not self.second else EACH) or kind == "jvp"

    def of(self, output: Output, whose: str, meaning: Meaning) -> Iterator[Section]:
        """The sections of one output, as one side means it."""
        function = output.name or self.free("f")
        yield Section(self.holding(function, meaning.numpy), required=True)
        value = Leaf(output.value, self.how(ITSELF, whose), self.value)
        yield Section(f"{self.value} = {self.call(function)}", (value,))
        yield from self.at_nan(output, whose, meaning)
        for kind in self.spec.derivatives:
            if self.derived(kind):
                yield self.differences(kind, output, function, whose)
        if self.second:
            yield from self.sensitivity(output, function, whose)
        high = any(ORDER.fullmatch(kind) for kind in self.spec.derivatives)
        if (self.second or high) and (body := meaning.mpmath) is not None:
            yield from self.in_digits(output, whose, body)

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
                    output.value, self.how(f"{AT_NAN} {name} {source}".strip(), whose), f"np.any([{', '.join(calls)}])"
                )
                for source, calls in asked.items()
            ]
            yield Section("\n\n".join(lines), tuple(leaves))

    def how(self, what: str, whose: str) -> str:
        return leaf_of(f"{self.label} {what}".strip(), whose)

    def holding(self, name: str, body: Body) -> str:
        """The function of an expression, and what its `stop_gradient` holds."""
        source = self.defined(name, body)
        return f"_held = {{}}\n\n{source}" if "_held." in source else source

    def differences(self, kind: str, output: Output, function: str, whose: str) -> Section:
        """One kind of derivative by differences: all of it, or of a large gradient along one direction."""
        if kind == "gradient" and self.spec.count > EACH:
            return self.along(output, function, whose)
        point, moved = self.free("point"), self.free("moved")
        lines = [f"{point} = {self.packed(kind)}", self.moved(moved, kind, output, function)]
        if kind in ("hessian", "hvp"):
            return self.second_order(kind, output, whose, lines, point, moved)
        leaves: list[Leaf] = []
        name = self.free(kind)
        for side, word in ((0, ""), (-1, LEFT), (1, RIGHT)) if self.second and not self.spec.complex else ((0, ""),):
            held, error = self.free(f"{name}_{word}" if word else name), self.free(f"{name}_{word or 'its'}_error")
            lines.append(f"{held}, {error} = _slopes({moved}, {point}{f', {side}' if side else ''})")
            for source, what in ((held, word or ITSELF), (error, f"{word} {ERROR}".strip())):
                leaves += self.blocks(kind, output, what, whose, source)
        return Section("\n".join(lines), tuple(leaves))

    def blocks(self, kind: str, output: Output, what: str, whose: str, source: str) -> Iterator[Leaf]:
        """The leaves of a matrix of slopes: the columns of each input, in its shape."""
        how = self.how(what, whose)
        if kind == "jvp":
            yield Leaf(quantity("jvp", output.name), how, f"{source}[:, 0].reshape(np.shape({self.value}))")
            return
        start, size = 0, self.spec.count
        for name in self.wrt:
            shape, stop = self.spec.inputs[name].shape, start + self.spec.inputs[name].size
            columns = f"{source}[:, {start}:{stop}]" if kind == "jacobian" else f"{source}.sum(0)[{start}:{stop}]"
            if self.spec.complex and self.spec.dtypes[name].startswith("complex"):
                # The gradient of a complex input, as both frameworks give it: by the real part plus i by the imaginary.
                columns += f" + 1j * {source}.sum(0)[{size + start}:{size + stop}]" if ERROR not in what else ""
            shaped = f"np.shape({self.value}) + {shape}" if kind == "jacobian" else f"{shape}"
            yield Leaf(quantity(kind, output.name, name), how, f"({columns}).reshape({shaped})")
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
            for source, what in ((f"{held} @ {direction}", ITSELF), (f"{error} @ np.abs({direction})", ERROR)):
                for name, at in places.items():
                    shaped = f"({source})[{at.start}:{at.stop}].reshape({self.spec.inputs[name].shape})"
                    leaves.append(Leaf(quantity("hvp", output.name, name), self.how(what, whose), shaped))
            return Section("\n".join(lines), tuple(leaves))
        for source, what in ((held, ITSELF), (error, ERROR)):
            for first, rows in places.items():
                for second, columns in places.items():
                    shape = self.spec.inputs[first].shape + self.spec.inputs[second].shape
                    block = f"{source}[{rows.start}:{rows.stop}, {columns.start}:{columns.stop}].reshape({shape})"
                    key = quantity("hessian", output.name, first, second)
                    leaves.append(Leaf(key, self.how(what, whose), block))
        return Section("\n".join(lines), tuple(leaves))

    def along(self, output: Output, function: str, whose: str) -> Section:
        """The derivatives of a large gradient along one random direction of signs, in both parts of a complex input."""
        directions = {name: self.free(f"direction_{name}") for name in self.wrt}
        rng, moved, held, error = (self.free(word) for word in ("signs", "moved", "along", "along_error"))
        lines = [f"{rng} = np.random.RandomState({self.spec.seed})"]
        for name, direction in directions.items():
            signs = f"{rng}.choice([-1.0, 1.0], {self.spec.inputs[name].shape})"
            imaginary = f" + 1j * {signs}" if self.spec.dtypes[name].startswith("complex") else ""
            lines.append(f"{direction} = {signs}{imaginary}")
        arguments = ", ".join(f"{n} + _p[0] * {directions[n]}" if n in directions else n for n in self.spec.inputs)
        total = f"np.sum({function}({arguments}))"
        if self.spec.complex or self.becomes_complex(output):
            total = f"np.real({total})"
        lines += [
            f"{moved} = lambda _p: {total}",
            f"{held}, {error} = _slopes({moved}, np.zeros(1))",
        ]
        key = quantity("gradient", output.name, self.wrt[0])
        found = {ALONG: held, f"{ALONG} {ERROR}": error}
        leaves = [Leaf(key, self.how(what, whose), f"{holder}[0, 0]") for what, holder in found.items()]
        leaves += [
            Leaf(quantity("gradient", output.name, n), self.how(DIRECTION, whose), d) for n, d in directions.items()
        ]
        return Section("\n".join(lines), tuple(leaves))

    def packed(self, kind: str = "gradient") -> str:
        """All the inputs to differentiate by as one row of real numbers; for a jvp, the way gone along the tangent."""
        if kind == "jvp":
            return "np.zeros(1)"
        parts = [f"np.ravel({self.names[name]}{'.real' if self.spec.complex else ''})" for name in self.wrt]
        if self.spec.complex:
            parts += [f"np.ravel(np.imag({name}))" for name in self.wrt]
        return f"np.concatenate([{', '.join(parts)}])"

    def unpacked(self, point: str) -> dict[str, str]:
        """Each of those inputs in its shape, out of such a row."""
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
        """Whether a complex number may come out of real ones."""
        bodies = [meaning.numpy for meaning in output.reference.values()]
        return any(_COMPLEX.search(text) for body in bodies for text in (body.result, *(t for _, t in body.lines)))

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
        """How many times larger a small relative change of the inputs comes out in the value."""
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
        yield Section("\n".join(lines), (Leaf(output.value, self.how(CONDITION, whose), condition),))

    def in_digits(self, output: Output, whose: str, body: Body) -> Iterator[Section]:
        """The value and the first derivatives in 50 digits (80 are carried), and derivatives of higher order."""
        plainly, function = self.names, self.free(f"exact_{output.name or 'f'}")
        self.names = {name: self.free(f"exact_{name}") for name in plainly}
        kept = [
            f"{exact} = {f'_number({name})' if self.spec.dtypes[name] in FLOATING else name}"
            for name, exact in self.names.items()
        ]
        # Their names start with an underscore, which no name of a scenario does.
        yield Section("\n".join([_QUOTIENTS, "", *kept, "", self.holding(function, body)]))
        value, like = self.free("exact_value"), "complex" if self.spec.complex else "float"
        leaf = Leaf(output.value, self.how(EXACT, whose), f"_plain({value}, {like})")
        yield Section(f"{value} = {function}({', '.join(self.names.values())})", (leaf,))
        for kind in self.spec.derivatives if self.wrt and not self.spec.complex else ():
            if order := ORDER.fullmatch(kind):
                yield from self.of_order(int(order[1]), output, whose, function)
            elif self.second and self.spec.count <= EACH and kind not in ("hessian", "hvp"):
                yield self.quotients(kind, output, whose, function)
        self.names = plainly

    def quotients(self, kind: str, output: Output, whose: str, function: str) -> Section:
        point, moved, held = self.free("point"), self.free("moved"), self.free("exact_slopes")
        lines = [f"{point} = _number({self.packed(kind)})", self.moved(moved, kind, output, function)]
        leaves: list[Leaf] = []
        for side, what in ((0, EXACT), (-1, f"{EXACT} {LEFT}"), (1, f"{EXACT} {RIGHT}")):
            source = f"{held}_{('middle', 'right', 'left')[side]}"
            lines.append(f"{source} = _plain(_quotients({moved}, {point}{f', {side}' if side else ''}), float)")
            leaves += self.blocks(kind, output, what, whose, source)
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
            leaf = Leaf(quantity(f"d{order}", output.name, name), self.how(EXACT, whose), f"{holder}.reshape({shape})")
            yield Section(source, (leaf,))
