"""The PyTorch listing of an init scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.listing import Leaf, Section
from tfpt_cli.subjects.init.spec import DRAWS
from tfpt_cli.subjects.init.writer import BUILDS, absent_section, layer_section, times, variable_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.subjects.init.known import Slot
    from tfpt_cli.subjects.init.spec import Filling, Init, Parameter

_DRAWS = """
def draws(fill, weight, count):
    values = weight.new_empty(count, *weight.shape)
    for value in values:
        fill(value)
    return values"""


def filled(slot: Slot, filling: Filling) -> tuple[str, ...]:
    """The statements that fill a parameter: where it is a sum of two tensors, the second is set to zero."""
    target, *added = (slot.attribute["torch"] or "").split(" + ")
    return (filling.source.replace("(tensor", f"({target}", 1), *(f"nn.init.zeros_({other})" for other in added))


def sections(spec: Init) -> Iterator[Section]:
    """The layer, its parameters, and the draws for the distribution tests."""
    lines = [f"torch.manual_seed({spec.seed})"]
    if spec.dtype != "float32":
        lines.append(f"torch.set_default_dtype(torch.{spec.dtype})")
    build = [f"layer = {spec.write_layer('torch')}"]
    build += [fill for parameter in spec.parameters if parameter.attribute["torch"] for fill in parameter.fills()]
    drawn = any(_count(spec, parameter) > 0 for parameter in spec.parameters)
    again = any(_rebuilt(parameter) for parameter in spec.parameters)
    yield layer_section(lines, build, again=again, tools=_DRAWS * drawn + BUILDS * again)
    there = []
    for parameter in spec.parameters:
        attribute = parameter.attribute["torch"]
        if attribute is None:
            yield absent_section(parameter)
            continue
        there.append(parameter)
        value = f"({attribute}).detach()" if " + " in attribute else f"{attribute}.detach()"
        name = variable_of(parameter)
        yield Section(f"{name} = {value.replace('.detach().detach()', '.detach()')}", (Leaf(parameter.name, "", name),))
    # Only now: what draws one default again may draw the others too.
    yield from _builds(spec, [parameter for parameter in there if _rebuilt(parameter)])
    for parameter in there:
        yield from _draws(spec, parameter)


def _rebuilt(parameter: Parameter) -> bool:
    return "torch" in parameter.rebuilt and parameter.filling["torch"].random is not False


def _count(spec: Init, parameter: Parameter) -> int:
    drawn = parameter.attribute["torch"] and not _rebuilt(parameter)
    return parameter.draws("torch", spec.samples) if drawn else 0


def _leaf(parameter: Parameter) -> Leaf:
    name = f"{variable_of(parameter)}_draws"
    shown = f'{name}.shape[0], "draws, mean", {name}.mean().item(), "std", {name}.std(correction=0).item()'
    return Leaf(parameter.name, DRAWS, name, shown)


def _builds(spec: Init, parameters: list[Parameter]) -> Iterator[Section]:
    if not parameters:
        return
    names = [variable_of(parameter) for parameter in parameters]
    held = [f"({parameter.attribute['torch']}).detach()" for parameter in parameters]
    lines = ["layer = build()", *(f"{name}_draws = []" for name in names)]
    lines += [f"for _ in range({times(spec.samples, list(zip(names, held, strict=True)))}):", "    layer = build()"]
    lines += [f"    {name}_draws.append({holder}.clone())" for name, holder in zip(names, held, strict=True)]
    lines += [f"{name}_draws = torch.stack({name}_draws)" for name in names]
    yield Section("\n".join(lines), tuple(map(_leaf, parameters)))


def _draws(spec: Init, parameter: Parameter) -> Iterator[Section]:
    count = _count(spec, parameter)
    if not count:
        return
    if parameter.filling["torch"].source:
        fill = parameter.filling["torch"].source.replace("(tensor", "(value", 1)
    else:
        attribute = parameter.attribute["torch"] or ""
        held = f"({attribute})" if " + " in attribute else attribute
        fill = f"({parameter.reset}, value.copy_({held}.detach()))"
    variable = variable_of(parameter)
    yield Section(f"{variable}_draws = draws(lambda value: {fill}, {variable}, {count})", (_leaf(parameter),))
