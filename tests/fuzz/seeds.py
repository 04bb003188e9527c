"""What there is to begin with: the scenarios that come with tfpt, those that it refuses, and the code in them."""

from __future__ import annotations

import contextlib
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from tests.fuzz.mutation import text_of
from tests.fuzz.watching import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


@cache
def shipped_texts() -> tuple[str, ...]:
    """Every shipped scenario and every one of those that tfpt refuses, as text."""
    files = [*sorted((ROOT / "scenarios").rglob("*.yaml")), *sorted((ROOT / "tests" / "bad").glob("*.yaml"))]
    texts = [text_of(file.read_bytes()) for file in files]
    return tuple(part for text in texts for part in text.split("\n---\n") if part.strip() and len(part) < 20_000)


@cache
def shipped_data() -> tuple[Any, ...]:
    """The data of those that YAML can read."""
    found = []
    for text in shipped_texts():
        with contextlib.suppress(yaml.YAMLError, ValueError):
            data = yaml.load(text, Loader=yaml.CSafeLoader)
            if isinstance(data, dict):
                found.append(data)
    return tuple(found)


@cache
def codes() -> dict[str, tuple[str, ...]]:
    """The code of the shipped scenarios and of those of `tests/causes`: `torch`, `tensorflow`, and `of` for neutral code."""
    found: dict[str, dict[str, None]] = {"torch": {}, "tensorflow": {}, "of": {}}
    more = [
        ROOT / "tests" / "causes" / f"{name}.yaml" for name in ("operators", "losses_and_points", "layers", "reports")
    ]
    data: list[Any] = [
        *shipped_data(),
        *(each for file in more for each in yaml.load_all(file.read_bytes(), Loader=yaml.CSafeLoader)),
    ]
    for document in data:
        for subject in ("gradient", "init", "model"):
            fields: Any = document.get(subject) if isinstance(document, dict) else None
            if isinstance(fields, dict):
                for key, texts in found.items():
                    texts.update(dict.fromkeys(_strings(fields.get(key))))
                found["of"].update(dict.fromkeys(_strings(fields.get("at"))))
    return {key: tuple(texts) for key, texts in found.items()}


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in _strings(item)]


def loaded(text: str) -> Any:
    with contextlib.suppress(yaml.YAMLError, ValueError, RecursionError):
        data = yaml.load(text, Loader=yaml.CSafeLoader)
        return data if isinstance(data, (dict, list)) and len(text) < 20_000 else None
    return None


def some_code(random: Random) -> Sequence[str]:
    return codes()[random.choice(("torch", "tensorflow", "of"))]
