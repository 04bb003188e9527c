"""Which known differences explain a mismatch: found from the code involved and from what was measured, never from names.

A row explains a mismatch where one of its `fits` does: its patterns stand in the code of the sides, and the quantity, the
diagnosis and what each side shows are as it says. Nothing fits: nothing is said.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.canonical import canonical
from tfpt_cli.dictionary.differences import Difference, Fit, differences
from tfpt_cli.dictionary.formulas import UNKNOWN, value_of
from tfpt_cli.dictionary.patterns import left_out, rewritten
from tfpt_cli.explain.numbers_of_code import numbers_of
from tfpt_cli.explain.shapes_of_code import shape_of
from tfpt_cli.explain.surroundings import same_around
from tfpt_cli.language.constants import BadConstant, NotConstant, constant
from tfpt_cli.results import Comparison, SideValue, Standing, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tfpt_cli.dictionary.patterns import Pattern, Place, Shared
    from tfpt_cli.language.shapes import Shape


@dataclass(frozen=True)
class Provenance:
    """The origin of a quantity: the code of each side, the kind of the quantity, and who left it to a default.

    `shapes` are the shapes of the inputs, None where one is not known. `values` are the quantities that this one is derived
    from: for a derivative, the output itself. `elements` says by framework how many numbers that output has, where it is a single
    one and both sides have it. `numbers` holds the numbers of inputs that are written out. `by` are the names of
    what a derivative is taken by: the input, and the lines that hold it; empty where that is not one input. `ruled_out` are rows
    that are no cause whatever the code: the scenario says otherwise.
    """

    code: Mapping[str, tuple[ast.expr, ...]]
    kind: str
    defaults: frozenset[str] = frozenset()
    shapes: Mapping[str, Shape | None] = field(default_factory=dict)
    values: frozenset[str] = frozenset()
    elements: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    by: frozenset[str] = frozenset()
    ruled_out: frozenset[str] = frozenset()


def code_trees(sources: Mapping[str, Iterable[str]]) -> dict[str, tuple[ast.expr, ...]]:
    """Expressions of each side as trees in their one spelling (`F.gelu` for `torch.nn.functional.gelu`)."""
    return {f: tuple(_tree(text, f) for text in sources[f]) for f in sources}


@lru_cache(maxsize=2000)
def _tree(text: str, framework: str) -> ast.expr:
    """One expression in its one spelling; the same tree for the same text, which hundreds of gradients of a model may have.

    Patterns keep with a tree where they have looked: it is walked through once.
    """
    return canonical(ast.parse(text, mode="eval").body, framework)


def explained(
    comparison: Comparison,
    provenance: Provenance,
    environment: Mapping[str, str],
    comparisons: Sequence[Comparison] = (),
) -> Comparison:
    """The comparison with the ids of the rows that explain it, where it does not agree, among all `comparisons` of a scenario."""
    if comparison.verdict.agrees:
        return comparison
    derived_from = [other for other in comparisons if other.quantity in provenance.values]
    same = all(other.verdict.agrees for other in derived_from)
    if len(provenance.values) == 1 and derived_from:
        sides = derived_from[0].sides.items()
        elements = {str(side.framework): math.prod(v.shape) for side, v in sides if v.state is State.PRESENT}
        provenance = replace(provenance, elements=elements)
    found = tuple(
        row.name
        for row in differences().values()
        if row.name not in provenance.ruled_out
        and any(_fits(fit, comparison, provenance) and (same or not fit.same_value) for fit in row.fits)
        and row.conditions.hold(environment)
    )
    return replace(comparison, known_differences=found)


@dataclass(frozen=True)
class Stand:
    """Where a known difference stands in a scenario's code.

    `numbers` are the constants that the names of its patterns stand for, as in `{"__eps": 0.1}`; `lines` the places in a
    person's own files, by framework, as in `{"torch": "port.py:12"}`.
    """

    numbers: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)


def stand_of(row: Difference, code: Iterable[Provenance]) -> Stand:
    """Where a row's patterns stand in a scenario's code, at the first place at which one of its `fits` does."""
    for provenance in code:
        for fit in row.fits:
            for shared, places in _places(fit, provenance):
                if fit.where is None or _holds(fit.where, shared, provenance, {}):
                    values = {name: _value(tree, provenance) for name, tree in shared.items()}
                    return Stand(
                        numbers={name: value for name, value in values.items() if not isinstance(value, _Code)},
                        lines={f: line for f, place in places.items() if (line := getattr(place.node, "place", ""))},
                    )
    return Stand()


def _fits(fit: Fit, comparison: Comparison, provenance: Provenance) -> bool:
    words = {*comparison.diagnosis, *(["error"] if comparison.verdict is Verdict.ERROR else [])}
    sides = {str(side.framework): value for side, value in comparison.sides.items()}  # each is another framework
    kinds = {provenance.kind, provenance.kind.rpartition(".")[2]}  # the weight of a layer in a Sequential is `0.weight`
    return (
        (not fit.diagnosis or bool(fit.diagnosis & words))
        and (not fit.quantities or any(fnmatchcase(kind, wanted) for wanted in fit.quantities for kind in kinds))
        and set(fit.default) <= provenance.defaults
        and _of_dtype(fit.dtypes, sides)
        and all(_run(sides[f], word) for f, word in fit.how.items())
        and all(_shows(comparison, f, word) for f, words in fit.shows.items() for word in words.split())
        and all(re.search(words, sides[f].note, re.IGNORECASE) for f, words in fit.says.items())
        and _stands(fit, provenance, sides)
        and all(any(_inside(p, provenance, f) for p in patterns) for f, patterns in fit.also.items())
        and not any(_inside(p, provenance, f) for f, patterns in fit.without.items() for p in patterns)
    )


def _stands(fit: Fit, provenance: Provenance, sides: Mapping[str, SideValue] | None = None) -> bool:
    """Whether one pattern of each side is in its code, with the same expressions for the names that the sides share.

    What stands around the two places must be the same computation, too, unless the words of a refusal name the cause; and of
    a derivative whose value agrees the two places must hold what it is taken by.
    """
    if fit.whole and any(len(trees) != 1 for trees in provenance.code.values()):
        return False
    return any(
        (fit.where is None or _holds(fit.where, shared, provenance, sides or {}))
        and (
            fit.around
            or fit.says
            or len(places) < len(provenance.code)
            or same_around(provenance.code, places, _alike(fit, provenance), whole=fit.whole)
        )
        and (not fit.same_value or all(_of_input(place.node, provenance, f) for f, place in places.items()))
        for shared, places in _places(fit, provenance)
    )


def _alike(fit: Fit, provenance: Provenance) -> dict[str, list[Place]]:
    """All places of each side at which one of the patterns stands, whatever it stands for."""
    code = provenance.code
    return {f: [place for pattern in fit.code[f] for place in pattern.places(code.get(f, ()))] for f in fit.code}


def _places(fit: Fit, provenance: Provenance) -> list[tuple[Shared, dict[str, Place]]]:
    """The places in both sides' code where the patterns stand, with what their shared names are bound to."""
    found: list[tuple[Shared, dict[str, Place]]] = [({}, {})]
    for framework, patterns in fit.code.items():
        found = [
            (place.shared, {**places, framework: place})
            for shared, places in found
            for pattern in patterns
            for place in pattern.places(provenance.code.get(framework, ()), shared, whole=fit.whole)
        ]
    return found


def _of_input(tree: ast.expr, provenance: Provenance, framework: str) -> bool:
    """Whether what the derivative is taken by stands in an expression, or in what a layer that it makes is called with.

    True where it is not known what the derivative is taken by.
    """
    if not provenance.by:
        return True
    calls = (node for code in provenance.code.get(framework, ()) for node in ast.walk(code))
    around = next((call for call in calls if isinstance(call, ast.Call) and call.func is tree), tree)
    return any(isinstance(node, ast.Name) and node.id in provenance.by for node in ast.walk(around))


class _Code:
    """What a hole stands for that is no constant.

    It equals code of the same text; whether it equals a constant is not known, and comparing them raises `TypeError`.
    """

    def __init__(self, tree: ast.expr, provenance: Provenance) -> None:
        self.text = ast.unparse(tree)
        self.names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        self.known = shape_of(tree, provenance.shapes)
        self.written = provenance.numbers.get(self.text)
        self.numbers = self.written or numbers_of(tree, provenance.numbers, provenance.shapes)

    @property
    def shape(self) -> Shape:
        """The shape of the code, as far as it follows from those of the inputs; raises `TypeError` where it does not."""
        if self.known is None:
            raise TypeError(f"the shape of {self.text} is not known")
        return self.known

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Code):
            raise TypeError(f"{self.text} is no constant")
        return self.text == other.text

    __hash__ = None  # type: ignore[assignment]


def _pairs(one: Any, other: Any) -> list[tuple[Any, Any]]:
    """The numbers of two arrays side by side, one number beside each of many: `_pairs([1, 2], 0)` is `[(1, 0), (2, 0)]`.

    Raises `TypeError` where the numbers of one are not known.
    """
    first, second = _numbers(one), _numbers(other)
    size = max(len(first), len(second))
    if len(first) not in (1, size) or len(second) not in (1, size):
        raise TypeError("their numbers do not correspond")
    return list(zip(first * (size // len(first)), second * (size // len(second)), strict=True))


def _numbers(thing: Any) -> tuple[Any, ...]:
    if isinstance(thing, _Code):
        if not thing.numbers:
            raise TypeError(f"the numbers of {thing.text} are not known")
        return thing.numbers
    return tuple(x for part in thing for x in _numbers(part)) if isinstance(thing, (list, tuple)) else (thing,)


def _known(thing: Any) -> bool:
    """Whether all numbers of a thing are written out: a constant, or an input and nothing that is computed of it."""
    return not isinstance(thing, _Code) or bool(thing.written)


def _holds(condition: ast.expr, shared: Shared, provenance: Provenance, sides: Mapping[str, SideValue]) -> bool:
    """Whether a row's condition is true of what its names stand for; False where that cannot be told."""
    names = {name: _value(tree, provenance) for name, tree in shared.items()}
    shapes = [shape for shape in provenance.shapes.values() if shape is not None]
    axes = max(map(len, shapes), default=0)
    tools = {"pairs": _pairs, "numbers": _numbers, "known": _known, "any": any, "all": all, "sum": sum, "abs": abs}
    said = {
        "__axes": axes,
        "__left_out": left_out(shared),
        "__inputs": [number for numbers in provenance.numbers.values() for number in numbers],
        "__sizes": {math.prod(shape[:count]) for shape in shapes for count in range(1, len(shape) + 1)},
        "__elements": provenance.elements,
        "__of": lambda thing: isinstance(thing, _Code) and not thing.names.isdisjoint(provenance.by),
        **{f"__{framework}": side for framework, side in sides.items()},
    }
    try:
        return bool(value_of(condition, {**names, **tools, **said}))
    except (*UNKNOWN, AttributeError):
        return False


def _value(tree: ast.expr, provenance: Provenance) -> Any:
    try:
        return constant(tree, functions=True)
    except (NotConstant, BadConstant):
        return _Code(tree, provenance)


def _inside(pattern: Pattern, provenance: Provenance, framework: str) -> list[Shared]:
    return list(pattern.inside(provenance.code.get(framework, ())))


def _of_dtype(dtypes: frozenset[str] | Mapping[str, str], sides: Mapping[str, SideValue]) -> bool:
    if isinstance(dtypes, frozenset):
        return not dtypes or bool(dtypes & {side.dtype for side in sides.values()})
    return all(sides[f].dtype == dtype for f, dtype in dtypes.items())


def _run(side: SideValue, word: str) -> bool:
    """Whether a side was run in a mode or by a way."""
    return not side.how.mode if word == "eager" else word == side.how.mode or word in side.how.method


def _shows(comparison: Comparison, framework: str, word: str) -> bool:
    """Whether a side shows what a word of a row says: its state, a number of a kind, or how it stands to the reference."""
    side, value = next((side, value) for side, value in comparison.sides.items() if str(side.framework) == framework)
    if word in _STANDINGS:
        against = comparison.reference.sides.get(side) if comparison.reference is not None else None
        return against is not None and against.standing.value == word
    match word:
        case "nan" | "zero":
            return word in value.kinds
        case "infinite":
            return "infinity" in value.kinds
        case "finite":
            return value.state is State.PRESENT and value.kinds.keys().isdisjoint(("nan", "infinity"))
    return value.state is _STATES[word]


_STATES = {"none": State.DISCONNECTED, "failed": State.FAILED, "absent": State.ABSENT, "present": State.PRESENT}
_STANDINGS = frozenset(str(standing) for standing in (Standing.RIGHT, Standing.CONVENTION, Standing.WRONG))


def rewritten_source(source: str, framework: str, rules: Mapping[str, str]) -> tuple[str, int]:
    """A piece of code with the rules of a recipe put in, and at how many places; as it was written where at none."""
    tree, count = rewritten(canonical(ast.parse(source, mode="eval").body, framework), rules)
    return (ast.unparse(tree), count) if count else (source, 0)
