"""Reads an init scenario with one spelling for both sides."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.formulas import UNKNOWN
from tfpt_cli.dictionary.records import OnDemand
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.expressions.checking import unknown
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.expression import Complaint, offset
from tfpt_cli.language.suggest import same_argument
from tfpt_cli.language.trees import called_name
from tfpt_cli.layers.initializers import InitializerCall, alone, checked_settings
from tfpt_cli.layers.slots import Slot, build_argument, layer_call, slots
from tfpt_cli.subjects.init.spec import NAME, RESERVED, Init

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.dictionary.records import Layer
    from tfpt_cli.documents.reader import Reader
    from tfpt_cli.layers.parameters import FilledParameter, Initialization


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
        named = self.named(found[0] if found else None)
        if call is None or found is None:
            return None
        row, settings, there = found
        there_keys = {slot.entry.key for slot in there}
        for key in named:
            if key in row.keys and key not in there_keys:
                reader.complain((NAME, key), f"{ast.unparse(call)} has no {key}", key=True)
        parameters: list[FilledParameter] = []
        keywords: dict[str, Initialization | str] = {}
        for slot in there:
            initializer = named.get(slot.entry.key)
            if initializer is None:
                parameters.append(slot.parameter(slot.default))
                continue
            refused = slot.refused(initializer) or slot.not_the_same(initializer)
            if refused:
                reader.complain((NAME, slot.entry.key), f"{slot.name}: {refused}")
                continue
            if not slot.entry.keras_argument:
                message = f"{row.name} has no argument to initialize its {slot.name} in Keras; leave it out"
                reader.complain((NAME, slot.entry.key), message, key=True)
                continue
            initialization = slot.filled(initializer)
            keywords[slot.entry.keras_argument] = initialization[TENSORFLOW]
            keywords |= {name: str(value) for name, value in slot.entry.also.items()}
            parameters.append(slot.parameter(initialization))
        bound, _ = row.signature.bind(row.name, call)
        return Init(
            layer=OnDemand(row.spelling, lambda f, _: layer_call(row, settings, set(bound), keywords, f)),
            build=build_argument(row, row.names(settings)),
            parameters=tuple(parameters),
            samples=self.samples,
            written={"": f"{row.name}({', '.join(_given(row, bound, settings))})"},
            dtype=self.dtype,
            seed=self.seed,
            about=(row.notes,) if row.notes else (),
        )

    def layer(self, call: ast.Call) -> tuple[Layer, dict[str, Any], list[Slot]] | None:
        """The row, its settings and its parameters, or None after complaining."""
        reader, path = self.reader, (NAME, "layer")
        name = called_name(call)
        row = dictionary().layers.get(name)
        if row is None:
            reader.complain_all(path, [Complaint(offset(call), unknown("layer", name or ast.unparse(call.func)))])
            return None
        if not row.parameters:
            reader.complain(path, f"{name} has no parameters: nothing is initialized")
            return None
        settings = checked_settings(reader, path, row, call)
        if settings is None:
            return None
        try:
            there = list(slots(row, dict.fromkeys(FRAMEWORKS, settings)))
            build_argument(row, row.names(settings))
        except UNKNOWN as error:
            reader.complain(path, f"{row.name}: {error} in '{ast.unparse(call)}'")
            return None
        if not there:
            reader.complain(path, f"'{ast.unparse(call)}' holds no weights: there is nothing to compare")
            return None
        for slot in there:
            if slot.shape is None:
                sizes = f"'{ast.unparse(call)}' has sizes that do not fit {row.name}"
                reader.complain(path, sizes)
                return None
            too_many = slot.too_many(TORCH)
            if too_many:
                reader.complain(path, too_many)
                return None
        return row, settings, there

    def named(self, row: Layer | None) -> dict[str, InitializerCall]:
        """The initializers that the scenario names, by key, after complaining about those that are wrong."""
        reader = self.reader
        found: dict[str, InitializerCall] = {}
        for name in reader.get(NAME, default={}):
            if name in RESERVED:
                continue
            path = (NAME, name)
            if row is not None and name not in row.keys:
                known = ", ".join(row.keys)
                hint = same_argument(name, [*row.keys, *RESERVED])
                reader.complain(path, f"{row.name} has no parameter '{name}'{hint} (it has {known})", key=True)
                continue
            call = reader.call(path, "an initializer")
            if call is None:
                continue
            initializer = dictionary().initializers.get(called_name(call))
            if initializer is None:
                wrong = called_name(call) or ast.unparse(call.func)
                reader.complain_all(path, [Complaint(offset(call), unknown("initializer", wrong))])
                continue
            reason = alone(initializer)
            if reason:
                reader.complain_all(path, [Complaint(offset(call), reason)])
                continue
            settings = checked_settings(reader, path, initializer, call)
            if settings is not None:
                found[name] = InitializerCall(initializer, settings)
        return found


def _given(row: Layer, bound: Mapping[str, ast.expr], settings: Mapping[str, Any]) -> list[str]:
    required = {p.name for p in row.signature.parameters if p.required}
    return [
        f"{settings[name]}" if name in required else f"{name}={settings[name]!r}"
        for name in row.signature.settings
        if name in bound
    ]
