"""The subject `init`, as the pipeline uses it: its fields, its listings, and how its quantities compare."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.explain.causes import Involved, involved_code
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.trees import called_name
from tfpt_cli.layers.layout import Layout
from tfpt_cli.listing import Listing
from tfpt_cli.listing import listing as listing_of
from tfpt_cli.results import Comparison, Outcome, State, Tolerance, Value, Verdict
from tfpt_cli.subjects.init import tensorflow, torch
from tfpt_cli.subjects.init.fields import NEEDED, SCHEMA, read
from tfpt_cli.subjects.init.spec import DRAWS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.layers.parameters import Parameter
    from tfpt_cli.subjects.init.spec import Init

__all__ = [
    "NEEDED",
    "SCHEMA",
    "alike",
    "compare",
    "compared",
    "involved",
    "listing",
    "notes",
    "quantities",
    "read",
    "second_look",
    "settled",
    "sides",
]


def sides(_: Init) -> tuple[str, ...]:
    """Both frameworks; the arbiter of a random parameter is the law that its row declares."""
    return FRAMEWORKS


def second_look(_: Init, __: list[Comparison]) -> dict[str, Listing]:
    """Nothing: the first look draws as many values as the verdict needs."""
    return {}


def settled(_: Init, outcomes: dict[str, Outcome], __: Callable[[str], bool]) -> dict[str, Outcome]:
    """The outcomes as they are: every parameter counts."""
    return outcomes


def notes(spec: Init, _: dict[str, Outcome]) -> tuple[str, ...]:
    """What is to be known of the layer, or of how it is filled."""
    return spec.notes()


def alike(spec: Init, framework: str) -> Init:
    """The spec with one framework's layer on both sides: its parameters, and what fills them, in one layout."""
    parameters = tuple(
        replace(
            parameter,
            attribute=dict.fromkeys(FRAMEWORKS, parameter.attribute[framework]),
            layout=Layout(),
            made_by=dict.fromkeys(FRAMEWORKS, framework),
            filling=dict.fromkeys(FRAMEWORKS, parameter.filling[framework]),
            rebuilt=frozenset(FRAMEWORKS) if framework in parameter.rebuilt else frozenset(),
        )
        for parameter in spec.parameters
        if parameter.attribute[framework] is not None
    )
    return replace(spec, parameters=parameters)


def compared(_: Init, comparisons: Sequence[Comparison]) -> str:
    """The parameters by value and by distribution, up to three by name; that a layer computes alike nobody has seen."""
    drawn = [c.quantity for c in comparisons if c.verdict is Verdict.SAME_DISTRIBUTION]
    others = [c.quantity for c in comparisons if c.verdict is not Verdict.SAME_DISTRIBUTION]
    parts = [
        f"the initial {what} of {_named(names)}"
        for what, names in (("distribution", drawn), ("value", others))
        if names
    ]
    return f"{' and '.join(parts)} (what the layer computes was not compared)"


def _named(names: list[str]) -> str:
    return " and ".join(names) if len(names) <= 2 else f"{len(names)} parameters"


def involved(spec: Init, name: str) -> Involved:
    """The layer, the call that fills a parameter and the rows that it comes to; the kind is the parameter's name."""
    parameter = next(parameter for parameter in spec.parameters if parameter.name == name)
    sources = {}
    for f in FRAMEWORKS:
        filling = parameter.filling.get(f)
        rows = [call.text for call in (filling.fill, filling.base) if call is not None] if filling is not None else []
        written = [filling.source] if filling is not None and filling.source else []
        statements = _statements(spec, parameter) if f == "torch" else []
        sources[f] = [_held(spec.write_layer(f), parameter.attribute[f] or ""), *written, *statements, *rows]
    defaults = frozenset(f for f, filling in parameter.filling.items() if filling.default)
    return Involved(involved_code(sources), name, defaults)


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


def _statements(spec: Init, parameter: Parameter) -> list[str]:
    """PyTorch's statements that fill the tensors that a parameter is a part or the sum of."""
    tensors = (parameter.attribute["torch"] or "").split(" + ")
    found = []
    for fill in (fill for each in spec.parameters for fill in each.fills()):
        match ast.parse(fill, mode="eval").body:
            case ast.Call(args=[first, *_]):
                target = ast.unparse(first)
                found += [fill] * any(t == target or t.startswith(f"{target}.") for t in tensors)
    return found


def quantities(spec: Init) -> list[str]:
    """The names of the parameters."""
    return [parameter.name for parameter in spec.parameters]


def listing(spec: Init, framework: str, title: str) -> Listing:
    """The code for a framework."""
    sections = {"torch": torch.sections, "tensorflow": tensorflow.sections}[framework]
    return listing_of(framework, title, list(sections(spec)))


def compare(
    spec: Init, outcomes: dict[str, Outcome], tolerance: Tolerance | None, _: dict[str, Outcome] | None = None
) -> list[Comparison]:
    """One comparison for every parameter: by value, or as a distribution where a side is random."""
    from tfpt_cli.compare.dependence import parted_by_ties, with_ties  # not above: validating needs no NumPy
    from tfpt_cli.compare.summary import side_of
    from tfpt_cli.subjects.init.comparer import compare_parameter

    comparisons = []
    # Before anything else: the tests sort the arrays where they are.
    tied = parted_by_ties(*_own(spec, outcomes))
    for parameter in spec.parameters:
        values = {f: outcomes[f].values.get((parameter.name, "")) for f in FRAMEWORKS}
        draws = {f: outcomes[f].values.get((parameter.name, DRAWS)) for f in FRAMEWORKS}
        try:
            comparisons.append(compare_parameter(parameter, values, draws, tolerance))
        except (ArithmeticError, ValueError, MemoryError) as error:  # numbers beyond what the tests can be made of
            sides = {f: side_of(value or Value(State.ABSENT), summarised=False) for f, value in values.items()}
            comparisons.append(Comparison(parameter.name, Verdict.ERROR, sides, f"cannot be compared: {error}"))
    return with_ties(comparisons, tied)


def _own(
    spec: Init, outcomes: dict[str, Outcome]
) -> tuple[dict[str, dict[str, NDArray[Any]]], dict[str, frozenset[str]]]:
    """The layer's own arrays by parameter and framework, and which frameworks may draw each."""
    own: dict[str, dict[str, NDArray[Any]]] = {}
    for parameter in spec.parameters:
        values = {f: outcomes[f].values.get((parameter.name, "")) for f in FRAMEWORKS}
        own[parameter.name] = {
            f: value.array for f, value in values.items() if value is not None and value.state is State.PRESENT
        }
    random = {
        parameter.name: frozenset(f for f in FRAMEWORKS if parameter.filling[f].random is not False)
        for parameter in spec.parameters
    }
    return own, random
