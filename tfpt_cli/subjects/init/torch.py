"""The PyTorch listing of an init scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.listing import Leaf, Section
from tfpt_cli.subjects.init.spec import DRAWS
from tfpt_cli.subjects.init.writer import absent_section, builds, layer_section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.subjects.init.spec import Init, Parameter


def sections(spec: Init) -> Iterator[Section]:
    """The layer, its parameters, and the draws for the distribution tests."""
    lines = [f"torch.manual_seed({spec.seed})"]
    if spec.dtype != "float32":
        lines.append(f"torch.set_default_dtype(torch.{spec.dtype})")
    build = [f"layer = {spec.layer['torch']}"]
    for parameter in spec.parameters:
        fill = parameter.filling["torch"]
        if fill.source and parameter.attribute["torch"]:
            build.append(_fill(parameter, _holder(spec, parameter)))
    yield layer_section(lines, build, again=any(_rebuilt(parameter) for parameter in spec.parameters))
    for parameter in spec.parameters:
        if parameter.attribute["torch"] is None:
            yield absent_section(parameter)
            continue
        holder = _holder(spec, parameter)
        value = f"{holder}.detach()" if spec.known else holder
        yield Section(f"{_variable(parameter)} = {value}", (Leaf(parameter.name, "", _variable(parameter)),))
        yield from _draws(spec, parameter, holder)


def _variable(parameter: Parameter) -> str:
    return parameter.name.replace(".", "_").lstrip("0123456789_") or "parameter"


def _holder(spec: Init, parameter: Parameter) -> str:
    if spec.known:
        return f"layer.{parameter.attribute['torch']}"
    return f'layer.state_dict()["{parameter.attribute["torch"]}"]'


def _fill(parameter: Parameter, target: str) -> str:
    return parameter.filling["torch"].source.replace("(tensor", f"({target}", 1)


def _rebuilt(parameter: Parameter) -> bool:
    return parameter.shape is None and parameter.filling["torch"].random is not False


def _draws(spec: Init, parameter: Parameter, holder: str) -> Iterator[Section]:
    name = f"{_variable(parameter)}_draws"
    shown = f'{name}.shape[0], "draws, mean", {name}.mean().item(), "std", {name}.std(correction=0).item()'
    leaf = (Leaf(parameter.name, DRAWS, name, shown),)
    if _rebuilt(parameter):
        times = builds(spec.samples, f"{_variable(parameter)}.numel()")
        yield Section(f"{name} = torch.stack([build(){holder[len('layer') :]} for _ in range({times})])", leaf)
        return
    count = parameter.draws("torch", spec.samples)
    if not count or parameter.shape is None:
        return
    shape = ", ".join(map(str, (count, *parameter.shape)))
    lines = [f"{name} = {_variable(parameter)}.new_empty({shape})", f"for draw in {name}:"]
    if parameter.filling["torch"].source:
        lines.append(f"    {_fill(parameter, 'draw')}")
    else:
        lines += ["    layer.reset_parameters()", f"    draw.copy_({holder}.detach())"]
    yield Section("\n".join(lines), leaf)
