"""The JSON Schema of a scenario, put together from the subjects'.

A `description` in it is what a message says was expected (`schema_problems`), and what an editor shows below the `title`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from tfpt_cli.dictionary.conditions import MACHINE, VERSIONS
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.dtypes import DTYPES
from tfpt_cli.results import Relation
from tfpt_cli.subjects.registry import SUBJECTS

EXPECT = tuple(map(str, Relation))

_TOLERANCE = {"type": "number", "minimum": 0, "description": "a number of at least 0"}
_MATRIX_VALUE = {
    "description": "a number, a text, true, false, or a list of numbers",
    "anyOf": [
        {"type": ["number", "string", "boolean"]},
        {"type": "array", "minItems": 1, "items": {"type": "number"}},
    ],
}


_NEEDED = {
    # Of the conditions between keys, those that a schema can say; the messages come from who reads the document.
    "oneOf": [{"required": [name]} for name in SUBJECTS],
    "dependentRequired": {"tolerance": ["because"]},
    "allOf": [
        {
            "if": {
                "required": ["expect"],
                "properties": {
                    "expect": {
                        "anyOf": [
                            {"enum": ["differ", "error"]},
                            {"type": "object", "not": {"additionalProperties": {"const": "agree"}}},
                        ]
                    }
                },
            },
            "then": {"required": ["because"]},
        },
        *(
            {
                "if": {"required": [name]},
                "then": {"properties": {"dtype": {"not": {"pattern": subject.without_dtypes}}}},
            }
            for name, subject in SUBJECTS.items()
            if subject.without_dtypes
        ),
    ],
}


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one scenario document, as it is published.

    It says more than a document is held against here: also which keys go together, so that an editor completes them.
    """
    known = structure()
    subjects = {name: {**subject.schema, **subject.needed} for name, subject in SUBJECTS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:tfpt:scenario:1",
        "title": "tfpt scenario",
        **known,
        "properties": known["properties"] | subjects,
        **_NEEDED,
        "examples": [subject.example for subject in SUBJECTS.values()],
    }


@cache
def structure() -> dict[str, Any]:
    """The schema that a document is held against: keys and values, each by itself."""
    return {
        "type": "object",
        "description": f"a mapping with a name and a subject ({' or '.join(SUBJECTS)})",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {
                "title": "What the report calls it",
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "a text of 1 to 200 characters",
                "examples": ["softplus with beta"],
            },
            **{name: subject.schema for name, subject in SUBJECTS.items()},
            "dtype": {
                "title": "The dtype of both sides",
                "enum": list(DTYPES),
                "description": f"one of {', '.join(DTYPES)}",
                "default": "float32",
            },
            "seed": {
                "title": "The seed of every random draw",
                "type": "integer",
                "minimum": 0,
                "maximum": 2**32 - 1,
                "description": "a whole number from 0 to 4294967295",
                "default": 0,
            },
            "tolerance": {
                "title": "What is close: |a - b| <= atol + rtol * max(|a|, |b|)",
                "type": "object",
                "description": "both numbers, such as {rtol: 1e-4, atol: 1e-6}",
                "additionalProperties": False,
                "required": ["rtol", "atol"],
                "properties": {"rtol": _TOLERANCE, "atol": _TOLERANCE},
                "examples": [{"rtol": 1e-4, "atol": 1e-6}],
            },
            "expect": {
                "title": "What is to come out",
                "description": "agree, differ, error (a side refuses), or one of them by quantity, such as {weight: differ}",
                "anyOf": [
                    {"enum": list(EXPECT)},
                    {
                        "type": "object",
                        "minProperties": 1,
                        "additionalProperties": {"enum": list(EXPECT), "description": "agree, differ or error"},
                    },
                ],
                "default": "agree",
                "examples": ["differ", {"weight": "differ"}],
            },
            "because": {
                "title": "Why it differs, is refused, or has a tolerance of its own",
                "type": "string",
                "pattern": "\\S",
                "description": "the reason, in words",
                "examples": ["he_normal cuts its normal off at two standard deviations, kaiming_normal_ does not"],
            },
            "tags": {
                "title": "Words to choose it by, with --tag",
                "type": "array",
                "uniqueItems": True,
                "description": "a list of words",
                "items": {"type": "string", "minLength": 1, "description": "a word"},
                "examples": [["slow"]],
            },
            "machine": {
                "title": "The machines on which it holds; on others it is skipped",
                "type": "object",
                "minProperties": 1,
                "additionalProperties": False,
                "description": "what the machine must be, such as {tensorflow_onednn: on}",
                "properties": {
                    key: {
                        "title": f"What {words} must be",
                        "description": f"one of {', '.join(values)}, or a list of them",
                        "anyOf": [
                            {"enum": list(values)},
                            {"type": "array", "minItems": 1, "items": {"enum": list(values)}},
                        ],
                    }
                    for key, (words, values) in MACHINE.items()
                },
                "examples": [{"tensorflow_onednn": "on"}],
            },
            "versions": {
                "title": "The versions for which it holds; with others it is skipped",
                "type": "object",
                "minProperties": 1,
                "additionalProperties": False,
                "description": "specifiers by package, such as {torch: '>=2.8'}",
                "properties": {
                    package: {
                        "title": f"The versions of {words}",
                        "type": "string",
                        "description": "a specifier such as '>=2.8' or '>=2.8,<2.11'",
                    }
                    for package, words in VERSIONS.items()
                },
                "examples": [{next(iter(FRAMEWORKS)): ">=2.8"}],
            },
            "matrix": {
                "title": "One case for each combination of values; the names may stand in any call or expression",
                "type": "object",
                "minProperties": 1,
                "description": "lists of values by name, such as {units: [1, 4, 64]}",
                "additionalProperties": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 1_000,
                    "description": "a list of 1 to 1000 values",
                    "items": _MATRIX_VALUE,
                },
                "examples": [{"units": [1, 4, 64]}],
            },
        },
    }
