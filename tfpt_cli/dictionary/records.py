"""What a row of the dictionary is: an operation, an initializer, a layer with its parameters, a call that gives values.

`tfpt_cli.dictionary.rows` makes them of the YAML files; the keys of a row are explained at the head of its file.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from tfpt_cli.dictionary.formulas import UNKNOWN, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from tfpt_cli.dictionary.points import Case, DeclaredPart
    from tfpt_cli.language.signature import Signature

Made = TypeVar("Made")


class RowError(Exception):
    """A row of the dictionary that cannot be right; the message says which and why."""


class OnDemand(Mapping[str, Made], Generic[Made]):
    """A mapping whose values are made when they are first asked for: by `make`, of the key and of what is `given` for it.

    A command needs few of the rows, and few of their expressions; to make all takes a tenth of a second.

    >>> OnDemand({"a": "1 + 2"}, lambda key, text: f"{key} is {text}")["a"]
    'a is 1 + 2'
    """

    def __init__(self, given: Mapping[str, Any], make: Callable[[str, Any], Made]) -> None:
        self._given, self._make = given, make
        self._made: dict[str, Made] = {}

    def __getitem__(self, key: str) -> Made:
        if key not in self._made:
            self._made[key] = self._make(key, self._given[key])
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self._given

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


@dataclass(frozen=True)
class Undecided:
    """Arguments at which independent sources give an operation different values, so that nobody is right or wrong there.

    `at` is a NumPy condition on the operation's parameters: `np.isneginf(x)`; in it `dtype` is the checked one. `instead` are
    values that are as right as the row's own `value`, drawn by the number `unknown`: eigenvectors with other signs. What does not
    depend on which of them are taken is decided. With `derivative` the value is decided, and its derivatives are not.
    """

    at: ast.expr | None
    instead: ast.expr | None
    derivative: bool
    because: str

    @property
    def condition(self) -> ast.expr:
        """What stands in the row, `at` or `instead`."""
        found = self.at or self.instead
        assert found is not None
        return found


@dataclass(frozen=True)
class Operation:
    """A function of arrays; the keys are explained at the head of `operations/elementwise.yaml`.

    `kind` is its file. `spelling` has both frameworks, `numpy` for the reference and, where there is one, `mpmath` for
    50 digits. `axes` says how many axes an array must have, at least and at most; `edges` are the declared differences at
    the edges of `tfpt_cli.selfcheck.edge_inputs`. One that `holds` its array has no derivative, wherever its inputs are moved.
    """

    name: str
    kind: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    shape: str
    operator: str | None
    about: str
    domain: str
    cases: tuple[Case, ...]
    dtypes: tuple[str, ...]
    parts: tuple[DeclaredPart, ...]
    undecided: tuple[Undecided, ...] = ()
    edges: tuple[DeclaredPart, ...] = ()
    axes: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    holds: bool = False

    @property
    def differentiable(self) -> bool:
        """Whether its result has a derivative at all (an index or a truth value has none)."""
        return self.domain != "none"

    @property
    def elementwise(self) -> bool:
        """Whether each entry of the result comes from one entry of each array."""
        return self.shape in ("elementwise", "complex of two")

    @property
    def unstable(self) -> tuple[DeclaredPart, ...]:
        """The declared differences in which a framework's answer at NaN depends on the place in a vector."""
        return tuple(part for part in self.parts if part.unstable)


@dataclass(frozen=True)
class Unlike:
    """Where a row does not mean the same on both sides: a formula, and why, as the parts of a text.

    The parts are texts and formulas in turn: `["dirac needs groups that divide ", <shape[0]>, ""]`. `NAMES` are what both may
    use of the parameter that an initializer fills, besides its settings.
    """

    where: ast.expr
    because: tuple[str | ast.expr, ...]

    NAMES: ClassVar[frozenset[str]] = frozenset({"shape", "turned", "gate_orders", "merged", "bidirectional"})

    @property
    def text(self) -> str:
        """Where and why, as a person reads it before any setting is known: formulas stand as they are."""
        parts = (part if isinstance(part, str) else ast.unparse(part) for part in self.because)
        return f"where {ast.unparse(self.where)}: {''.join(parts)}"

    def words(self, names: Mapping[str, Any]) -> str:
        """The reason in words, with the values in `names` put in; empty where the formula `where` does not hold."""
        if not value_of(self.where, names):
            return ""
        return "".join(part if isinstance(part, str) else str(value_of(part, names)) for part in self.because)


@dataclass(frozen=True)
class Initializer:
    """A way to fill a parameter that means the same in both frameworks. The keys are explained in `initializers.yaml`.

    A framework that is missing from `spelling` is written as what the row `means`; with neither, `alone` says why. `fills` is
    what every number is, where that is known of the row alone.
    """

    name: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    means: ast.expr | None
    distribution: ast.Call | None
    structure: str
    axes: tuple[int, int] | None
    requires: Mapping[str, ast.expr]
    unlike: tuple[Unlike, ...]
    alone: str
    scenario: str
    fills: float | None = None

    @property
    def random(self) -> bool:
        """Whether it draws random numbers."""
        return bool(self.means or self.distribution or self.structure)


# How the numbers of a parameter are drawn where two models are given the same: near one, above zero, or of either sign.
GAIN, POSITIVE, SIGNED = DRAWN = ("gain", "positive", "")


@dataclass(frozen=True)
class LayerParameter:
    """One parameter of a layer: where each framework keeps it and how the axes correspond.

    The keys are explained in `layers.yaml`; a side of `attribute` is None where the layer has no such parameter. `drawn` is one
    of `DRAWN`.
    """

    name: str
    attribute: Mapping[str, ast.expr]
    added: ast.expr | None
    key: str
    layout: str
    sizes: Mapping[str, ast.expr]
    blocks: Mapping[str, tuple[str, ...]]
    shape: ast.expr
    present: str | None
    state: bool
    drawn: str
    keras_argument: str
    also: Mapping[str, Any]
    fans: Mapping[str, ast.expr]
    fans_of: str
    copied: int | None
    reset: str
    default: Mapping[str, ast.expr]


@dataclass(frozen=True)
class Layer:
    """A layer: its spelling in each framework, the shapes that Keras builds it for, and its parameters.

    The keys are explained in `layers.yaml`. `call` is how it is called in each framework, `written` are the settings that are
    written out even where nobody gives them.
    """

    name: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    where: Mapping[str, ast.expr]
    requires: Mapping[str, ast.expr]
    unlike: tuple[Unlike, ...]
    input_shape: ast.expr
    build: ast.expr | None
    further: int
    inputs: ast.expr | None
    indices: ast.expr | None
    call: Mapping[str, ast.expr]
    channels: bool
    single: bool
    written: frozenset[str]
    recurrent: bool
    parameters: Mapping[str, LayerParameter]
    notes: str
    scenario: str

    def names(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings, and the values of the row's own names, which are formulas of the settings.

        A name that is given as a setting keeps that value, and one that cannot be computed is left out.
        """
        names = dict(settings)
        for name, formula in self.where.items():
            if name in settings:
                continue
            try:
                names[name] = value_of(formula, names)
            except UNKNOWN:
                continue
        return names

    def left_out(self, given: Collection[str]) -> frozenset[str]:
        """The names whose keywords are not written where a call gives only some of the settings.

        Those are the settings that have the same default in the row and in both frameworks, and the row's own names that are made
        of nothing else.
        """
        left = {name for name in self.signature.settings if name not in given} - self.written
        for name, formula in self.where.items():
            used = {node.id for node in ast.walk(formula) if isinstance(node, ast.Name)}
            used &= {*self.signature.settings, *self.where}
            if used and used <= left:
                left.add(name)
        return frozenset(left)

    @property
    def keys(self) -> dict[str, list[LayerParameter]]:
        """The keys under which a scenario may fill the layer's parameters, each with the parameters that it fills."""
        keys: dict[str, list[LayerParameter]] = {}
        for entry in self.parameters.values():
            keys.setdefault(entry.key, []).append(entry)
        return keys


@dataclass(frozen=True)
class ArrayCall:
    """A call that gives an input its values: its NumPy spelling and the shape of the result."""

    name: str
    signature: Signature
    spelling: Mapping[str, ast.expr]
    shape: ast.expr
