"""Reads an init scenario with one spelling for both sides."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.rows import Layer, called_name, dictionary
from tfpt_cli.lowering import filled, unknown
from tfpt_cli.results import FRAMEWORKS
from tfpt_cli.scenario.expression import Complaint, offset
from tfpt_cli.subjects.init.fillings import checked_settings, default_filling, filling, shape_from
from tfpt_cli.subjects.init.spec import NAME, RESERVED, Filling, Init, Parameter
from tfpt_cli.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.scenario.reader import Reader

MAX_WEIGHTS = 100_000_000


class NeutralReader:
    """Reads a scenario with one spelling for both sides."""

    def __init__(self, reader: Reader, dtype: str, seed: int, samples: int) -> None:
        self.reader, self.dtype, self.seed, self.samples = reader, dtype, seed, samples

    def read(self) -> Init | None:
        reader = self.reader
        for name in ("pair", "layout"):
            if reader.get(NAME, name) is not None:
                reader.complain(
                    (NAME, name), f"'{name}' is for native layers; the row of a neutral layer knows it", key=True
                )
        call = reader.call((NAME, "layer"), "a layer")
        found = self.layer(call) if call is not None else None
        if call is None or found is None:
            self.fillings(None)
            return None
        row, settings = found
        fillings = self.fillings(row)
        extra = {"torch": f"dtype=torch.{self.dtype}", "tensorflow": f'dtype="{self.dtype}"'}
        parameters = []
        keras_arguments = []
        for name, entry in row.parameters.items():
            if entry.present is not None and not settings[entry.present]:
                if name in fillings:
                    reader.complain((NAME, name), f"{ast.unparse(call)} has no {name}", key=True)
                continue
            both = fillings.get(name) or {f: default_filling(entry, f, settings) for f in FRAMEWORKS}
            shape = shape_from(entry.shape, settings)
            parameters.append(Parameter(name, dict(entry.attribute), entry.layout, shape, both, entry.keras_argument))
            if fillings.get(name):
                keras_arguments.append(f"{entry.keras_argument}={both['tensorflow'].source}")
        sources = {f: filled(row.spelling[f], row.signature, set(), settings, {}) for f in FRAMEWORKS}
        layer = {}
        for framework in FRAMEWORKS:
            arguments = keras_arguments if framework == "tensorflow" else []
            typed = [extra[framework]] if self.dtype != "float32" else []
            layer[framework] = with_arguments(ast.unparse(sources[framework]), [*arguments, *typed])
        input_shape = shape_from(row.input_shape, settings)
        headline = f"{row.name}({', '.join(map(str, _given(row, call, settings)))})"
        return Init(layer, input_shape, tuple(parameters), self.samples, headline, self.dtype, self.seed, known=True)

    def layer(self, call: ast.Call) -> tuple[Layer, dict[str, Any]] | None:
        reader, path = self.reader, (NAME, "layer")
        name = called_name(call)
        row = dictionary().layers.get(name)
        if row is None:
            reader.complain_all(path, [Complaint(offset(call), unknown("layer", name or ast.unparse(call.func)))])
            return None
        settings = checked_settings(reader, path, row, call)
        if settings is None:
            return None
        for entry in row.parameters.values():
            weights = math.prod(shape_from(entry.shape, settings))
            if weights > MAX_WEIGHTS:
                message = f"{entry.name} would have {weights:.3g} values; at most {MAX_WEIGHTS:,} are allowed"
                reader.complain(path, message)
                return None
        return row, settings

    def fillings(self, row: Layer | None) -> dict[str, dict[str, Filling] | None]:
        """The initializers that the scenario names, by parameter; a value of None is one that was wrong."""
        reader = self.reader
        found: dict[str, dict[str, Filling] | None] = {}
        for name in reader.get(NAME, default={}):
            if name in RESERVED:
                continue
            path = (NAME, name)
            if row is not None and name not in row.parameters:
                known = ", ".join(row.parameters)
                hint = did_you_mean(name, [*row.parameters, *RESERVED])
                reader.complain(path, f"{row.name} has no parameter '{name}'{hint} (it has {known})", key=True)
                continue
            found[name] = None
            call = reader.call(path, "an initializer")
            if call is None:
                continue
            initializer = dictionary().initializers.get(called_name(call))
            if initializer is None:
                wrong = called_name(call) or ast.unparse(call.func)
                reader.complain_all(path, [Complaint(offset(call), unknown("initializer", wrong))])
                continue
            settings = checked_settings(reader, path, initializer, call)
            if settings is not None:
                found[name] = {f: filling(initializer, settings, f) for f in FRAMEWORKS}
        return found


def with_arguments(call: str, arguments: list[str]) -> str:
    """The text of a call with further arguments at its end."""
    separator = "" if call.endswith("()") else ", "
    return f"{call[:-1]}{separator}{', '.join(arguments)})" if arguments else call


def _given(row: Layer, call: ast.Call, settings: Mapping[str, Any]) -> list[str]:
    bound, _ = row.signature.bind(row.name, call)
    required = {p.name for p in row.signature.parameters if p.required}
    return [
        f"{settings[name]}" if name in required else f"{name}={settings[name]}"
        for name in row.signature.settings
        if name in bound
    ]
