"""The common part of the init listings of all frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.listing import Leaf, Section
from tfpt_cli.results import PLAIN

if TYPE_CHECKING:
    from tfpt_cli.layers.parameters import FilledParameter

# Whole layers are built again where no row says how to draw one parameter alone; a build costs far more than a draw.
MAX_BUILDS = 2_000


def layer_section(settings: list[str], build: list[str], *, again: bool, tools: str) -> Section:
    """The layer; as a function `build` where it will be built `again`; `tools` are functions that later sections use."""
    if again:
        build = ["def build():", *(f"    {line}" for line in build), "    return layer", "", "layer = build()"]
    return Section("\n".join([*settings, *build, *([tools] if tools else [])]), required=True)


def absent_section(parameter: FilledParameter) -> Section:
    """A parameter that this side's layer does not have."""
    return Section(
        f"# The layer has no {parameter.name}.", (Leaf(quantity=parameter.quantity, way=PLAIN, expression="None"),)
    )


def reading_section(parameter: FilledParameter, held: str) -> Section:
    """The section that reads a parameter, by the expression that holds it.

    Where the layer has no such parameter, the sections that draw it do not run.
    """
    name = variable_of(parameter)
    return Section(
        f"{name} = {held}",
        (Leaf(quantity=parameter.quantity, way=PLAIN, expression=name),),
        required=True,
        group=parameter.name,
    )


def variable_of(parameter: FilledParameter) -> str:
    """The name of a parameter's variable in a listing, such as `layer0_weight` for `0.weight`."""
    name = parameter.name.replace(".", "_")
    return f"layer{name}" if name[:1].isdigit() else name


BUILDS = f"""
def builds(samples, pairs):
    arrays = [(np.asarray(one), np.asarray(other)) for one, other in pairs]
    sizes = [one.size for one, other in arrays if np.any(one != other)]
    return min(max(math.ceil(samples / min(sizes, default=samples)), 2), {MAX_BUILDS})"""


def draws_by_building(samples: int, held: dict[str, str], kept: str, stacked: str) -> str:
    """Source that builds the layer until the samples of its smallest parameter that varies are there.

    `held` are the expressions of the parameters by variable; `kept` is how one value is kept (`{}.clone()`), `stacked`
    the function that puts them together.
    """
    pairs = ", ".join(f"({name}, {expression})" for name, expression in held.items())
    lines = ["layer = build()", *(f"{name}_draws = []" for name in held)]
    lines += [f"for _ in range(builds({samples}, [{pairs}])):", "    layer = build()"]
    lines += [f"    {name}_draws.append({kept.format(expression)})" for name, expression in held.items()]
    lines += [f"{name}_draws = {stacked}({name}_draws)" for name in held]
    return "\n".join(lines)
