"""What the init listings of all frameworks have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.listing import Leaf, Section

if TYPE_CHECKING:
    from tfpt_cli.subjects.init.spec import Parameter

# Whole layers are built again where no row says how to draw one parameter alone; a build costs far more than a draw.
MAX_BUILDS = 2_000


def layer_section(settings: list[str], build: list[str], *, again: bool, tools: str) -> Section:
    """The layer; as a function `build` where it will be built `again`; `tools` are functions that later sections use."""
    if again:
        build = ["def build():", *(f"    {line}" for line in build), "    return layer", "", "layer = build()"]
    return Section("\n".join([*settings, *build, *([tools] if tools else [])]), required=True)


def absent_section(parameter: Parameter) -> Section:
    """A parameter that this side's layer does not have."""
    return Section(f"# The layer has no {parameter.name}.", (Leaf(parameter.name, "", "None"),))


def variable_of(parameter: Parameter) -> str:
    """What a listing calls a parameter."""
    name = parameter.name.replace(".", "_")
    return f"layer{name}" if name[:1].isdigit() else name


BUILDS = f"""
def builds(samples, pairs):
    arrays = [(np.asarray(one), np.asarray(other)) for one, other in pairs]
    sizes = [one.size for one, other in arrays if np.any(one != other)]
    return min(max(math.ceil(samples / min(sizes, default=samples)), 2), {MAX_BUILDS})"""


def times(samples: int, pairs: list[tuple[str, str]]) -> str:
    """How often a layer is built again: until the samples of its smallest parameter that varies are there.

    `pairs` are the expressions of each parameter in two builds.
    """
    return f"builds({samples}, [{', '.join(f'({one}, {other})' for one, other in pairs)}])"
