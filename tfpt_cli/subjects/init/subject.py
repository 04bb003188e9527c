"""The subject `init`: what a layer's parameters hold before training."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfpt_cli.explain.causes import Provenance, code_trees
from tfpt_cli.frameworks import FRAMEWORKS, REFERENCE, TENSORFLOW, TORCH
from tfpt_cli.language.trees import called_name
from tfpt_cli.listing import listing
from tfpt_cli.results import PLAIN, Comparison, State, Value, Verdict
from tfpt_cli.subjects.init import recipes, tensorflow, torch
from tfpt_cli.subjects.init.fields import NEEDED, SCHEMA, read
from tfpt_cli.subjects.init.spec import DRAWS, NAME
from tfpt_cli.subjects.init.templates import EXAMPLE, TEMPLATES
from tfpt_cli.subjects.subject import Compared, Round, Subject, Task, headline_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.dictionary.differences import Fix
    from tfpt_cli.documents.reader import Reader
    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.layers.parameters import FilledParameter
    from tfpt_cli.listing import Section
    from tfpt_cli.results import Outcome, Quantity, Tolerance
    from tfpt_cli.subjects.init.comparer import FilledPair
    from tfpt_cli.subjects.init.spec import Init
    from tfpt_cli.subjects.subject import Run, Terms

# How a listing is written in each framework.
SECTIONS: dict[str, Callable[[Init], Iterator[Section]]] = {TORCH: torch.sections, TENSORFLOW: tensorflow.sections}


class InitSubject(Subject):
    """Reads the scenarios of an initialization."""

    name = NAME
    schema = SCHEMA
    needed = NEEDED
    essential = frozenset({"layer", *FRAMEWORKS})
    without_dtypes = "^complex"
    example = EXAMPLE
    templates = TEMPLATES
    comparer = "tfpt_cli.subjects.init.comparer"

    def read(self, reader: Reader, dtype: str, seed: int) -> InitTask | None:
        spec = read(reader, dtype, seed)
        return None if spec is None else InitTask(spec)


@dataclass(frozen=True)
class InitTask(Task):
    """The initialization of one layer: one round, which draws as many values as the verdict needs.

    It has no reference: the arbiter of a random parameter is the law that its row declares.
    """

    spec: Init

    def headline(self, sides: Sides) -> str:
        return headline_of(self.spec.written, sides)

    def quantities(self) -> list[Quantity]:
        return [parameter.quantity for parameter in self.spec.parameters]

    def run(self, terms: Terms) -> Run:
        listings = {side: listing(side.framework, SECTIONS[side.framework](self.spec)) for side in terms.sides}
        outcomes = yield Round(listings)
        return Compared(tuple(compare(self.spec, terms.sides, outcomes, terms.tolerance)), outcomes)

    def covered(self, comparisons: Sequence[Comparison]) -> str:
        """The parameters by value and by distribution, up to three by name; that a layer computes alike nobody has seen."""
        drawn = [c.quantity for c in comparisons if c.verdict is Verdict.SAME_DISTRIBUTION]
        others = [c.quantity for c in comparisons if c.verdict is not Verdict.SAME_DISTRIBUTION]
        parts = [
            f"the initial {what} of {_named(names)}"
            for what, names in (("distribution", drawn), ("value", others))
            if names
        ]
        return f"{' and '.join(parts)} (what the layer computes was not compared)"

    def provenance(self, quantity: Quantity) -> Provenance:
        """The layer, the call that fills a parameter and the rows that it comes to; the kind is the parameter's name."""
        spec = self.spec
        parameter = next(parameter for parameter in spec.parameters if parameter.quantity == quantity)
        sources = {}
        filled = parameter.inside or parameter.initialization
        for f in FRAMEWORKS:
            initialization = filled[f]
            rows = [call.text for call in (initialization.initializer, initialization.base) if call is not None]
            written = [initialization.source] if initialization.source else []
            statements = _statements(spec, parameter) if f == TORCH else []
            sources[f] = [_held(spec.layer[f], parameter.attribute[f] or ""), *written, *statements, *rows]
        defaults = frozenset(f for f, initialization in filled.items() if initialization.default)
        return Provenance(code=code_trees(sources), kind=parameter.name, defaults=defaults)

    def notes(self, outcomes: Mapping[Side, Outcome]) -> tuple[str, ...]:
        """What is to be known of the layer, or of how it is filled."""
        return self.spec.notes(list(dict.fromkeys(side.framework for side in outcomes if side is not REFERENCE)))

    def with_fix(self, fields: dict[str, Any], fix: Fix) -> dict[str, Any] | None:
        return recipes.with_fix(fields, fix)


def _named(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) <= 2 else f"{len(names)} parameters"


# The place of a layer in a Sequential, as the expression of its parameter names it.
_PLACE = re.compile(r'layer(?:\.state_dict\(\)\["(\d+)\.|\.layers)?(?:\[(\d+)\])?')


def _held(source: str, attribute: str) -> str:
    """The source of a layer; of a Sequential with the one layer in it that holds the parameter.

    What is known of a normalization says nothing of the convolution before it.
    """
    call, place = ast.parse(source, mode="eval").body, _PLACE.match(attribute)
    index = next((int(number) for number in place.groups() if number), None) if place else None
    if index is None or not isinstance(call, ast.Call) or called_name(call).rpartition(".")[2] != "Sequential":
        return source
    listed = call.args[0] if len(call.args) == 1 else None
    items = listed.elts if isinstance(listed, (ast.List, ast.Tuple)) else call.args
    items = [item for item in items if not (isinstance(item, ast.Call) and "Input" in called_name(item))]
    if index >= len(items):
        return source
    one: list[ast.expr] = (
        [ast.List([items[index]], ast.Load())] if isinstance(listed, (ast.List, ast.Tuple)) else [items[index]]
    )
    return ast.unparse(ast.Call(call.func, one, []))


def _statements(spec: Init, parameter: FilledParameter) -> list[str]:
    """PyTorch's statements that fill the tensors that a parameter is a part or the sum of."""
    tensors = (parameter.attribute[TORCH] or "").split(" + ")
    found = []
    for statement in (statement for each in spec.parameters for statement in each.statements):
        match ast.parse(statement, mode="eval").body:
            case ast.Call(args=[first, *_]):
                target = ast.unparse(first)
                found += [statement] * any(t == target or t.startswith(f"{target}.") for t in tensors)
    return found


def compare(
    spec: Init, sides: Sides, outcomes: Mapping[Side, Outcome], tolerance: Tolerance | None
) -> list[Comparison]:
    """One comparison for every parameter: by value, or as a distribution where a side is random."""
    from tfpt_cli.compare.dependence import parted_by_ties, with_ties  # not above: validating needs no NumPy
    from tfpt_cli.compare.summary import side_of
    from tfpt_cli.subjects.init.comparer import FilledPair, compare_parameter

    comparisons = []
    pairs = [FilledPair(parameter, sides) for parameter in spec.parameters_of([side.framework for side in sides])]
    # Before anything else: the tests sort the arrays where they are.
    tied = parted_by_ties(*_own(pairs, outcomes), sides)
    for pair in pairs:
        values = {side: outcomes[side].values.get((pair.quantity, PLAIN)) for side in sides}
        draws = {side: outcomes[side].values.get((pair.quantity, DRAWS)) for side in sides}
        try:
            comparisons.append(compare_parameter(pair, values, draws, tolerance))
        except (ArithmeticError, ValueError, MemoryError) as error:  # numbers beyond what the tests can be made of
            shown = {side: side_of(value or Value(State.ABSENT), summarised=False) for side, value in values.items()}
            comparisons.append(
                Comparison(
                    quantity=pair.quantity, verdict=Verdict.ERROR, sides=shown, reason=f"cannot be compared: {error}"
                )
            )
    return with_ties(comparisons, tied)


def _own(
    pairs: Sequence[FilledPair], outcomes: Mapping[Side, Outcome]
) -> tuple[dict[str, dict[Side, NDArray[Any]]], dict[str, frozenset[Side]]]:
    """The layer's own arrays by parameter and side, and which sides may draw each."""
    own: dict[str, dict[Side, NDArray[Any]]] = {}
    random: dict[str, frozenset[Side]] = {}
    for pair in pairs:
        values = {side: outcomes[side].values.get((pair.quantity, PLAIN)) for side in pair.sides}
        own[pair.quantity] = {
            side: value.array for side, value in values.items() if value is not None and value.state is State.PRESENT
        }
        drawn = (side for side, initialization in pair.initialization.items() if initialization.random is not False)
        random[pair.quantity] = frozenset(drawn)
    return own, random


INIT = InitSubject()
