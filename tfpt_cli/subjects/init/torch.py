"""The PyTorch listing of an init scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TORCH
from tfpt_cli.listing import Leaf, Section
from tfpt_cli.subjects.init.spec import DRAWS
from tfpt_cli.subjects.init.writer import (
    BUILDS,
    absent_section,
    draws_by_building,
    layer_section,
    reading_section,
    variable_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.layers.parameters import FilledParameter
    from tfpt_cli.subjects.init.spec import Init

_DRAWS = """
def draws(fill, weight, count):
    values = weight.new_empty(count, *weight.shape)
    for value in values:
        fill(value)
    return values"""


def sections(spec: Init) -> Iterator[Section]:
    """The layer, its parameters, and the draws for the distribution tests."""
    lines = [f"torch.manual_seed({spec.seed})"]
    if spec.dtype != "float32":
        lines.append(f"torch.set_default_dtype(torch.{spec.dtype})")
    build = [f"layer = {spec.layer[TORCH]}"]
    build += [
        statement for parameter in spec.parameters if parameter.attribute[TORCH] for statement in parameter.statements
    ]
    drawn = any(parameter.draws(TORCH, spec.samples) for parameter in spec.parameters)
    again = any(parameter.built_again(TORCH) for parameter in spec.parameters)
    yield layer_section(lines, build, again=again, tools=_DRAWS * drawn + BUILDS * again)
    there = []
    for parameter in spec.parameters:
        attribute = parameter.attribute[TORCH]
        if attribute is None:
            yield absent_section(parameter)
            continue
        there.append(parameter)
        value = f"({attribute}).detach()" if " + " in attribute else f"{attribute}.detach()"
        yield reading_section(parameter, value.replace(".detach().detach()", ".detach()"))
    # Only now: what draws one default again may draw the others too.
    built = [parameter for parameter in there if parameter.built_again(TORCH)]
    if built:
        held = {variable_of(parameter): f"({parameter.attribute[TORCH]}).detach()" for parameter in built}
        source = draws_by_building(spec.samples, held, "{}.clone()", "torch.stack")
        yield Section(source, tuple(map(_leaf, built)), after=tuple(parameter.name for parameter in built))
    for parameter in there:
        yield from _draws(spec, parameter)


def _leaf(parameter: FilledParameter) -> Leaf:
    name = f"{variable_of(parameter)}_draws"
    shown = f'{name}.shape[0], "draws, mean", {name}.mean().item(), "std", {name}.std(correction=0).item()'
    return Leaf(quantity=parameter.quantity, way=DRAWS, expression=name, show=shown)


def _draws(spec: Init, parameter: FilledParameter) -> Iterator[Section]:
    count = parameter.draws(TORCH, spec.samples)
    if not count:
        return
    if parameter.initialization[TORCH].source:
        initializer = parameter.initialization[TORCH].source.replace("(tensor", "(value", 1)
    else:
        attribute = parameter.attribute[TORCH] or ""
        held = f"({attribute})" if " + " in attribute else attribute
        initializer = f"({parameter.reset}, value.copy_({held}.detach()))"
    variable = variable_of(parameter)
    source = f"{variable}_draws = draws(lambda value: {initializer}, {variable}, {count})"
    yield Section(source, (_leaf(parameter),), after=(parameter.name,))
