"""JSON Schema of annotated dataclasses.

Written here, since a library for it either has no way to say that a key may be missing and is never null, or no lists within
lists; and none writes our numbers.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from tfpt_cli.frameworks import Side

JsonSchema = dict[str, Any]


class Keywords(dict[str, Any]):
    """Keywords of JSON Schema in an annotation, where a dict could not stand: `Annotated[int, Keywords(minimum=1)]`."""

    __hash__ = object.__hash__  # type: ignore[assignment]


_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def reference_to(name: str) -> str:
    """The JSON Schema reference to a definition, such as `#/$defs/number`."""
    return f"#/$defs/{name}"


class Schemas:
    """The schemas of types. `records` collects those of dataclasses by name, as definitions.

    `sides` are the keys that an object by side can have.
    """

    def __init__(self, *, sides: tuple[str, ...]) -> None:
        self.sides = sides
        self.records: dict[str, JsonSchema] = {}

    def of(self, hint: Any) -> JsonSchema:
        """The schema of a type: `Annotated[int, Keywords(minimum=1), "a line"]` is an integer from 1, described as "a line"."""
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            keywords: JsonSchema = {}
            for more in hint.__metadata__:
                keywords |= {"description": more} if isinstance(more, str) else more
            return keywords if "$ref" in keywords else {**self.of(arguments[0]), **keywords}
        if origin in (Union, UnionType):
            choices = [self.of(choice) for choice in arguments if choice is not NoneType]
            return choices[0] if len(choices) == 1 else {"anyOf": choices}
        if origin is tuple:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return self._of_dict(*arguments)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return {"enum": [str(member) for member in hint]}
        if is_dataclass(hint) and isinstance(hint, type):
            name = re.sub(r"(?<!^)(?=[A-Z])", "_", hint.__name__).lower()
            if name not in self.records:
                self.records[name] = self.of_record(hint)
            return {"$ref": reference_to(name)}
        return {"type": _TYPES[hint]}

    def _of_dict(self, key: Any, value: Any) -> JsonSchema:
        """An object with the keys of an enumeration or of `Literal`, with some of the sides, or with any key."""
        schema = self.of(value)
        if key is str:
            return {"type": "object", "additionalProperties": schema}
        names = self.sides if key is Side else get_args(key) or [str(member) for member in key]
        words = schema.get("description")
        properties = {name: schema | ({"description": words.format(key=name)} if words else {}) for name in names}
        if key is Side:
            return _object(properties, required=[]) | {"minProperties": 1, "maxProperties": 2}
        return _object(properties, required=list(names))

    def of_record(self, record: type) -> JsonSchema:
        """The schema of a dataclass: an object with its fields and no other, all but those with a default required.

        Its docstring describes it; its class variable `json_schema` holds further keywords.
        """
        hints = get_type_hints(record, include_extras=True)
        properties, required = {}, []
        for each in fields(record):
            schema = self.of(hints[each.name])
            if each.metadata.get("spread"):
                for name, of_side in schema["properties"].items():
                    properties[name] = {**of_side, "description": schema["description"].format(key=name)}
                continue
            properties[each.name] = schema
            if each.default is MISSING:
                required.append(each.name)
        words = (record.__doc__ or "").strip().rstrip(".")
        description = words[:1].lower() + words[1:]
        return {"description": description, **_object(properties, required), **getattr(record, "json_schema", {})}


def _object(properties: JsonSchema, required: list[str]) -> JsonSchema:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}
