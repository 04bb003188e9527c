"""What a layer of two models is made of: its settings on both sides, its parameters, and its rounding in single precision."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.layers.known import row_of_layers
from tfpt_cli.layers.settings import parted_settings
from tfpt_cli.report.models import apart, size_of
from tfpt_cli.results import DROPPED, PARAMETER, RATES, STATE
from tfpt_cli.results.layers import SAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.results import Comparison, LayerLine, PairLine, ScenarioResult

_BROKEN = (SyntaxError, ValueError, RecursionError, MemoryError)
# Of what both sides call the same: an error of a layer by itself that is no more than this is rounding.
BY_ITSELF = SAME


@dataclass(frozen=True)
class Setting:
    """A setting of a layer as each side has it, PyTorch's first; empty where a side does not say it. `parted`: they differ."""

    name: str
    values: tuple[str, str]
    parted: bool


@dataclass(frozen=True)
class ShownParameter:
    """A parameter or statistic of a layer: its paths, how its axes map, why both were paired, and what was compared of it.

    `compared` has each quantity with how far it is apart and its verdict.
    """

    names: tuple[str, str]
    layout: str
    why: str
    compared: tuple[tuple[str, str, Comparison], ...]


def settings(line: LayerLine) -> list[Setting]:
    """The settings of a layer on both sides, under the names of the row that knows both classes.

    Where no row knows them, they are the arguments of both calls as they are written.
    """
    first, second = line.codes
    if (first.framework, second.framework) != (TORCH, TENSORFLOW):
        return _as_written(line.codes[first], line.codes[second])
    return _settings(line.codes[first], line.codes[second])


@lru_cache(maxsize=2000)
def _settings(ours: str, theirs: str) -> list[Setting]:
    """The settings of two calls; a network has many layers of a few kinds."""
    calls = _call(ours), _call(theirs)
    if calls[0] is None or calls[1] is None:
        return []
    row, known = row_of_layers(calls[0], calls[1])
    if row is None:
        return _as_written(ours, theirs)
    parted = parted_settings(row, known)
    sides = [known[framework] for framework in (TORCH, TENSORFLOW)]
    return [
        Setting(name, (_text(sides[0], name), _text(sides[1], name)), name in parted)
        for name in row.signature.settings
        if any(name in values for values in sides)
    ]


def _as_written(ours: str, theirs: str) -> list[Setting]:
    sides = [_arguments(ours), _arguments(theirs)]
    names = dict.fromkeys([*sides[0], *sides[1]])
    return [
        Setting(
            name,
            (sides[0].get(name, ""), sides[1].get(name, "")),
            all(name in values for values in sides) and sides[0][name] != sides[1][name],
        )
        for name in names
    ]


def _arguments(code: str) -> dict[str, str]:
    """The arguments of a call as they are written, those without a name by their place."""
    call = _call(code)
    if call is None:
        return {}
    places = {f"argument {place}": ast.unparse(value) for place, value in enumerate(call.args, 1)}
    return places | {each.arg or "**": ast.unparse(each.value) for each in call.keywords}


def _call(code: str) -> ast.Call | None:
    try:
        tree = ast.parse(code, mode="eval").body
    except _BROKEN:
        return None
    return tree if isinstance(tree, ast.Call) else None


def _text(values: Mapping[str, Any], name: str) -> str:
    return f"{values[name]}" if name in values else ""


def parted_yet_same(line: LayerLine, found: Sequence[Setting]) -> bool:
    """Whether settings of a layer differ though it gives the same by itself, as where another layer pads in its place."""
    return any(each.parted for each in found) and line.by_itself is not None and line.by_itself <= BY_ITSELF


def parameters(result: ScenarioResult) -> dict[str, list[ShownParameter]]:
    """The parameters and statistics of two models by PyTorch's path of the layer that has them.

    A layer has what is below its path, and below that of no layer within it.
    """
    if not result.layers:
        return {}
    side = next(iter(result.layers[0].names))
    layers = {line.names[side] for line in result.layers}
    compared: dict[str, list[Comparison]] = {}
    for comparison in result.comparisons:
        if name := _parameter(comparison):
            compared.setdefault(name, []).append(comparison)
    found: dict[str, list[ShownParameter]] = {}
    for pair in result.pairs:
        name = pair.names[side]
        _add(found, layers, _paired(pair, compared.pop(name, [])))
    for name, rest in compared.items():
        _add(found, layers, ShownParameter((name, ""), rest[0].layout, "", _compared(rest)))
    return found


def _add(found: dict[str, list[ShownParameter]], layers: set[str], parameter: ShownParameter) -> None:
    owner = next((path for path in _above(parameter.names[0]) if path in layers), None)
    if owner is not None:
        found.setdefault(owner, []).append(parameter)


def _above(name: str) -> Iterator[str]:
    """The paths above a parameter, the nearest first; of several that are one, as in `b_ih + b_hh`, those above the first.

    >>> list(_above("block.0.bias_ih + block.0.bias_hh"))
    ['block.0', 'block', '']
    """
    path = name.partition(" + ")[0]
    while path:
        path = path.rpartition(".")[0]
        yield path


def _paired(pair: PairLine, compared: Sequence[Comparison]) -> ShownParameter:
    ours, theirs = pair.names.values()
    return ShownParameter((ours, theirs), pair.layout, pair.why, _compared(compared))


def _compared(comparisons: Sequence[Comparison]) -> tuple[tuple[str, str, Comparison], ...]:
    return tuple((str(c.quantity), size_of(c), c) for c in comparisons)


def _parameter(comparison: Comparison) -> str:
    """The parameter or statistic that a comparison is of, or what is seen of dropout; empty where it is of something else."""
    quantity = comparison.quantity
    if quantity.kind == "gradient":
        return quantity.by[0]
    return str(quantity) if quantity.kind in (STATE, PARAMETER, RATES, DROPPED) else ""


def rounding(line: LayerLine) -> str:
    """How a layer rounds in single precision, in words; empty where that was not measured."""
    own = ", ".join(f"{side.label} {apart(size)}" for side, size in line.rounding.items())
    both = "" if line.in_float32 is None else f"both sides are {apart(line.in_float32)} apart"
    from_double = f"from what each gives itself in float64: {own}" if own else ""
    words = "; ".join(filter(None, (both, from_double)))
    return f"In float32, in the models: {words}." if words else ""
