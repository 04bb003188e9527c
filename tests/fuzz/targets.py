"""All targets by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.watching import Target

# Which module has a target: it is imported when it is asked for, under the fuzzer that watches what it covers.
MODULES = {
    "scenario": "scenarios",
    "native": "expressions",
    "neutral": "expressions",
    "layout": "layouts",
    "typed": "typed",
    "safetensors": "files",
    "index": "files",
    "npz": "files",
    "hdf5": "files",
    "keras": "files",
    "torch": "files",
    "tensorflow": "files",
    "frames": "frames",
    "baseline": "kept",
    "last_failed": "kept",
    "kept": "kept",
    "report": "reports",
}


def target(name: str) -> Target:
    """The target of a name. Raises `KeyError`."""
    module = import_module(f"tests.fuzz.{MODULES[name]}")
    found: Target = next(each for each in module.TARGETS if each.name == name)
    return found
