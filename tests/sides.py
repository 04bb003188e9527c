"""What tests that make results by hand share: the usual two sides by name, quantities of any name, reports of other sides."""

from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import SIDES, Side
from tfpt_cli.report import draw
from tfpt_cli.results import VALUE, Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.frameworks import Sides
    from tfpt_cli.results import Report

TORCH, TENSORFLOW = SIDES


def quantity_named(name: str) -> Quantity:
    """A quantity of this name, for what shows no more of it."""
    return Quantity(kind=VALUE, output=name)


def between(report: Report, sides: Sides) -> Report:
    """The report as if these sides had been compared, in place of the usual ones."""
    keys = {side.key: other.key for side, other in zip(SIDES, sides, strict=True)}
    environment = {keys.get(key, key): text for key, text in report.environment.items()}
    moved = dataclasses.replace(report, sides=sides, environment=environment, scenarios=tuple(report.scenarios))
    found: Report = _renamed(moved, dict(zip(SIDES, sides, strict=True)))
    return found


def drawn(report: Report, format_: str) -> tuple[str, bool]:
    """A report in a format as one text, and whether every scenario of it was drawn as it is."""
    text = io.StringIO()
    complete = draw(report, format_, text)
    return text.getvalue(), complete


def _renamed(value: Any, names: Mapping[Side, Side]) -> Any:
    if isinstance(value, Side):
        return names.get(value, value)
    if isinstance(value, str):  # a quantity too
        return value
    if isinstance(value, dict):
        return {_renamed(key, names): _renamed(item, names) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_renamed(item, names) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _renamed(getattr(value, field.name), names) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value
